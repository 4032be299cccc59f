"""Thermal runaway switch: Poole-Frenkel conduction that heats itself (NbO2 below its transition)."""

from spicemem.expr import maximum, minimum, power, quantity, softplus, tanh, where
from spicemem.model import Behaviour, Input, Model, Node, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

K_B = quantity(8.617333262e-5, "V/K")
_CHOSEN = "calibrated: 150 K at the threshold, threshold below 1 V (with r_0, e_a, beta, r_th)"
_PAPER = "Slesazeck et al., RSC Adv. 5, 102318 (2015); Gibson et al., Appl. Phys. Lett. 108, 023505 (2016)"


class PooleFrenkel(Model):
    """Thermal runaway switch: Poole-Frenkel conduction and Joule heat, threshold switching without a transition.

    The same for both polarities, volatile: the current lowers its own barrier through the temperature, at a moderate
    rise (150 K); the negative resistance is soft and the hysteresis small. Current v/r_0 exp(-(e_a - beta sqrt(v))/kT)
    with the barrier bounded below at about e_min; one thermal resistance and capacitance.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()
    drive = Node("current times r_0")
    i_noise = Input("1", "relative electronic noise of the current", optional=True)

    r_0 = Param(479.0, "Ohm", "resistance without a barrier", low=1e-3, high=1e12, source=_CHOSEN)
    e_a = Param(0.195, "V", "barrier at zero field", low=0.0, high=3, source=_CHOSEN)
    beta = Param(0.08, "V**0.5", "barrier lowering, over the root of the voltage", low=0, high=3, source=_CHOSEN)
    e_min = Param(5e-3, "V", "rounding of the barrier where it vanishes", low=1e-4, high=0.1, source="chosen: small")
    r_th = Param(1.58e6, "K/W", "thermal resistance", low=1, high=1e12, source=_CHOSEN)
    c_th = Param(1e-15, "J/K", "heat capacity", low=1e-21, high=1, source="chosen: 1.6 ns with r_th")
    t_amb = Param(298.0, "K", "ambient temperature", low=50, high=1500, source="room temperature")
    t_init = Param(298.0, "K", "temperature at the start of a run that holds it", low=50, high=1e9, source="cold")

    t_dev = State(init=t_init, unit="K", doc="temperature", low=50.0, resolution=0.01, static="solve")

    presets = {"nbo2": Preset("NbO2 at moderate temperatures: 0.96 V, 146 K at the threshold", _PAPER)}
    behaviour = Behaviour(kind="threshold", threshold=0.964, loop=(1.5, -1.5), rate=1.0, set_pulse=(1.5, 50e-9),
                          pulses=5, series=2e3, times=(1e-8, 1.0), retention=1e-6)
    spread = {"e_a": Lognormal(0.02), "r_th": Lognormal(0.05)}  # chosen

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.e_a < 30 * K_B * self.t_amb, "e_a must be below 30 kT"

    def equations(self):  # type: ignore[no-untyped-def]
        v, drive, volt = self.p - self.n, self.drive - self.n, quantity(1.0, "V")
        root = power(v * v / (volt * volt) + 1e-6, 0.25) * quantity(1.0, "V**0.5")
        barrier = softplus(self.e_a - self.beta * root, self.e_min) / K_B
        tiny = quantity(1e-12, "K")
        # As in Mott, each use is written out of its own; exp(-x) is (1 - tanh(x/2))/(1 + tanh(x/2)).
        most = (self.e_a + self.e_min) / K_B
        t = [tanh(minimum(maximum(barrier, i * tiny), most) / maximum(2 * self.t_dev, (1.6 - i * 1e-9) * self.t_amb))
             for i in range(3)]
        driven = v * maximum(1 + self.i_noise, 0)
        rise = self.t_dev - self.t_amb
        loss = where(rise > 0, rise, rise * (0.01 + 0.99 / (1 + maximum(-rise, 0) / quantity(20.0, "K"))))
        yield branch(self.p, self.n, driven * (2 / (1 + t[0]) - 1) / self.r_0)
        # drive is r_0 times that current, in a form from which Newton's method finds every operating point; no
        # current flows here.
        yield branch(self.drive, self.n, (drive * ((1 + t[1]) / (1 - t[2] + 1e-18)) - driven) / self.r_0)
        yield rate(self.t_dev, (v * drive / self.r_0 - loss / self.r_th) / self.c_th)
