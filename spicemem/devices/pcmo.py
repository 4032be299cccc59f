"""PCMO memory with gradual rise and fire: defects that drift in a layer heated by its own current; two terminals."""

from spicemem.expr import Expr, exp, forward, local, log, maximum, quantity, sqrt
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

BOLTZMANN = quantity(8.617333e-5, "V/K")
T_REF = quantity(300.0, "K")
#: Below it a voltage does not drive.
EDGE = quantity(0.01, "V")
_REVIEW = "Ielmini et al. 2021, Sec. 4.1 and Fig. 7 (Lashkare et al., EDL 39, 484, 2018)"
_FIRE = "calibrated: 1.8 V, 1 us pulses fire on the 5th, 1.9 V on the 3rd, 2.0 V on the 2nd, 1.7 V not within 8"


def _hopping(field: Expr, heat: Expr, k: Expr, k_max: Expr) -> Expr:
    """k*sinh(field)*exp(heat), smoothly limited to k_max, with no large number on the way (field: 0 or more)."""
    return k_max * (1 - exp(-2 * field)) / (1 + exp(log(2 * k_max / k) - field - heat))


class PCMO(Model):
    """PCMO RRAM with gradual rise and fire: field-driven migration that its own Joule heat accelerates.

    Positive v(p, n) sets, as the published pulses are read. Vacancies drift by sinh(v/v_p) with an activation energy,
    in a layer at a temperature that follows the power at once: t = t_amb + rise(r_th*v*i), rounded off at d_max.
    Conductance rises gradually until heat and current feed each other (fire); reset is abrupt where the device is
    conductive and slows down as it cools. The conductance at x = 0 is that of the published start: reset
    leads back to where the device began.
    """

    reference = f"{_REVIEW}; equations in docs/devices.md, chosen to meet it"

    p, n = Terminal(), Terminal()

    g_off = Param(5.98e-6, "S", "conductance at x = 0", low=1e-15, high=1, source=_FIRE)
    g_on = Param(400e-6, "S", "conductance at x = 1", low=1e-15, high=1, source=_FIRE)
    k_p = Param(5.155, "1/s", "rate of set at 300 K", low=1e-20, high=1e6, source=_FIRE)
    v_p = Param(0.22, "V", "voltage scale of set", low=0.01, high=10, source=_FIRE)
    k_n = Param(100.0, "1/s", "rate of reset at 300 K", low=1e-20, high=1e6, source="chosen: -2 V, 10 us resets")
    v_n = Param(0.22, "V", "voltage scale of reset", low=0.01, high=10, source="chosen: as v_p")
    e_a = Param(0.55, "V", "activation energy of migration over the charge of an electron", low=0, high=3, source=_FIRE)
    r_th = Param(2.2e5, "K/W", "thermal resistance", low=0, high=1e9, source=_FIRE)
    d_max = Param(900.0, "K", "largest rise of the temperature", low=1, high=2000, source="chosen: 1200 K at most")
    k_max = Param(1e9, "1/s", "fastest rate, as heat needs about 1 ns to build up", low=1e7, high=1e12,
                  source="chosen; it takes 1 percent from the current of the pulse that fires")
    t_amb = Param(300.0, "K", "ambient temperature", low=200, high=500, source="chosen: room temperature")
    x_init = Param(0.0, "1", "filled share of the layer at the start", low=0, high=1, source="chosen: reset")

    x = State(init=x_init, unit="1", doc="share of the layer that vacancies have filled", low=0.0, high=1.0,
              resolution=1e-4)

    presets = {
        "w_pcmo_ti": Preset("W/PCMO/Ti, 70 nm: integrates 1.8 V, 1 us pulses and fires", _REVIEW),
        "pt_tin_pcmo_pt": Preset(
            "Pt/TiN/PCMO/Pt: Schottky barrier as printed; sets at negative voltage",
            "Table 1 of Sun et al. 2021 (ref. [70,76]); constants calibrated to it",
            {"g_on": 2e-5, "g_off": 3.333e-7, "k_p": 4.884e-5, "v_p": 0.2565, "k_n": 1.895e-3, "v_n": 0.2251},
            anode="n", behaviour={"threshold": 2.5, "loop": (3.75, -3.0), "rate": 1.0, "set_pulse": (3.75, 1e-3),
                                  "reset_pulse": (-3.0, 1e-4), "pulses": 20, "v_read": 0.1, "times": (1e-7, 1.0)}),
    }
    # Sizes chosen.
    spread = {"g_on": Lognormal(0.1), "g_off": Lognormal(0.1), "k_p": Lognormal(0.2), "k_n": Lognormal(0.2)}
    behaviour = Behaviour(kind="bipolar", threshold=2.0, loop=(2.0, -2.0), rate=2e4, set_pulse=(1.8, 1e-6),
                          reset_pulse=(-2.0, 1e-6), pulses=8, v_read=0.05, times=(1e-8, 1e-3), retention=1e4)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        i = local("i_device", (self.g_off + (self.g_on - self.g_off) * maximum(self.x, 0)) * v)
        joule = self.r_th * v * i
        rise = local("rise", joule / sqrt(1 + joule * joule / (self.d_max * self.d_max)))
        excess = self.t_amb - T_REF + maximum(rise, 0)
        heat = local("heat", self.e_a / BOLTZMANN * excess / (T_REF * (T_REF + excess)))
        up = _hopping(forward(v, EDGE) / self.v_p, heat, self.k_p, self.k_max)
        down = _hopping(forward(-v, EDGE) / self.v_n, heat, self.k_n, self.k_max)
        yield branch(self.p, self.n, i)
        yield rate(self.x, (1 - self.x) * up - self.x * down)
