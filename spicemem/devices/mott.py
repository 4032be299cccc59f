"""Mott threshold switch: a metallic core that Joule heat widens in an insulating channel (NbO2, VO2)."""

from spicemem.expr import local, maximum, tanh, where
from spicemem.model import Behaviour, Input, Model, Node, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

PI = 3.141592653589793
_PAPER = "Pickett and Williams, Nanotechnology 23, 215202 (2012)"
_RECALLED = f"recalled from {_PAPER}, not re-read"
_YI = "recalled from Yi et al., Nat. Commun. 9, 4661 (2018), not re-read, partly chosen: V_th 1.14 V at 10.7 uA"
_ROW = ("Table 1 of Sun et al. 2021 (ref. [78]); length, radius and rho_m calibrated to it, the rest as vo2_yi; "
        "+-0.4 V read as the threshold of either polarity")


class Mott(Model):
    """Mott threshold switch: volatile, turns on above a voltage of either sign and off below a smaller one.

    The same for both polarities. Above t_c the channel is metallic: Joule heat holds a hot core of radius u*radius.
    State w = 1/ln(1/u), u = exp(-1/w), in which the published equation (singular at u = 0 and 1) is regular: at rest
    the power is 2 pi length kappa (t_c - t_amb) w. Below w = 0, where only Newton's method goes, the heat
    loss saturates, which brings it back. t_min keeps the switch from being infinitely fast when the core fills it.
    """

    reference = f"{_PAPER}; in the variable w here"

    p, n = Terminal(), Terminal()
    drive = Node("current times resistance of the insulator")
    i_noise = Input("1", "relative electronic noise of the current", optional=True)

    length = Param(20e-9, "m", "thickness of the oxide", low=1e-10, high=1e-4, source=_RECALLED)
    radius = Param(30e-9, "m", "radius of the channel", low=1e-10, high=1e-3, source=_RECALLED)
    rho_i = Param(1e-2, "Ohm*m", "resistivity of the insulator", low=1e-9, high=1e9, source=_RECALLED)
    rho_m = Param(3e-4, "Ohm*m", "resistivity of the metal", low=1e-9, high=1e9, source=_RECALLED)
    kappa = Param(1.5, "W/(m*K)", "thermal conductivity", low=1e-4, high=1e5, source=_RECALLED)
    c_p = Param(2.6e6, "J/(m**3*K)", "heat capacity", low=1e3, high=1e9, source=_RECALLED)
    dh = Param(1.6e8, "J/m**3", "enthalpy of the transition", low=0, high=1e12, source=_RECALLED)
    t_c = Param(1080.0, "K", "temperature of the transition", low=1, high=1e4, source=_RECALLED)
    t_amb = Param(296.0, "K", "ambient temperature", low=1, high=1e4, source="room temperature, as in the paper")
    t_min = Param(3e-12, "s", "shortest thermal time", low=1e-15, high=1e-3, source="chosen: far below the switching")
    w_init = Param(0.0, "1", "core at the start of a run that holds it", low=0, high=1e9, source="cold")

    w = State(init=w_init, unit="1", doc="core, 1/ln(radius/core radius)", low=0.0, resolution=1e-3, static="solve")

    presets = {
        "nbo2": Preset("NbO2, sub-nanosecond: 1.85 V, hold 1.27 V", _RECALLED),
        "vo2_yi": Preset("VO2 of neurons: 1.14 V, hold 0.31 V", _YI, {
            "length": 50e-9, "radius": 36e-9, "rho_m": 3e-5, "kappa": 3.5, "c_p": 3.0e6, "dh": 2.35e8, "t_c": 340.0,
            "t_amb": 297.0, "t_min": 1e-11},
            behaviour={"threshold": 1.14, "loop": (1.6, -1.6), "set_pulse": (1.6, 50e-9)}),
        "pt_vo2_pt": Preset("Pt/VO2/Pt, metal-insulator transition: 0.4 V, ratio 50, below 20 ns", _ROW, {
            "length": 90e-9, "radius": 213.5e-9, "rho_m": 1.887e-4, "kappa": 3.5, "c_p": 3.0e6, "dh": 2.35e8,
            "t_c": 340.0, "t_amb": 297.0}, behaviour={"threshold": 0.4, "loop": (0.6, -0.6), "set_pulse": (0.8, 100e-9),
                                                      "series": 0.0, "v_read": 0.08, "times": (1e-8, 1.0)}),
    }
    behaviour = Behaviour(kind="threshold", threshold=1.853, loop=(2.5, -2.5), rate=1.0, set_pulse=(2.5, 10e-9),
                          pulses=5, series=1e3, times=(1e-9, 1.0), retention=1e-6)
    spread = {"radius": Lognormal(0.05), "rho_i": Lognormal(0.1)}  # chosen

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.rho_m < self.rho_i, "rho_m must be below rho_i"
        yield self.t_amb < self.t_c, "t_amb must be below t_c"

    def equations(self):  # type: ignore[no-untyped-def]
        heat = local("heat", self.t_c - self.t_amb)
        area = local("area", PI * self.radius * self.radius)
        sensible = local("sensible", 0.5 * area * self.length * self.c_p * heat)
        latent = local("latent", 2 * area * self.length * self.dh)
        lost = local("lost", 2 * PI * self.length * self.kappa * heat)
        r_ins = local("r_ins", self.rho_i * self.length / area)
        k = local("k", self.rho_i / self.rho_m - 1)
        v, drive = self.p - self.n, self.drive - self.n
        # Simulators find the operating point by Newton's method, in subcircuits with a net for each part that occurs
        # twice, which would lead it astray: so each use of w has its own floor, and what divides is written inverted.
        # A core area u**2 = exp(-2/w) is (1 - tanh(1/w))/(1 + tanh(1/w)).
        hot = [maximum(self.w, i * 1e-12) + 1e-3 for i in range(6)]
        t = [tanh(1 / h) for h in hot]
        driven = v * maximum(1 + self.i_noise, 0)
        enthalpy = (sensible + (2 / (1 + t[0]) - 1) * ((latent / hot[4] - 2 * sensible) / hot[5] - sensible)
                    + lost * self.t_min)
        loss = where(self.w > 0, self.w, self.w * (0.01 + 0.99 / (1 + 20 * maximum(-self.w, 0))))
        yield branch(self.p, self.n, driven * (1 + k * (2 / (1 + t[1]) - 1)) / r_ins)
        # drive is r_ins times that current: an unknown of its own, for Newton's method. No current flows.
        yield branch(self.drive, self.n, (drive * ((1 + t[2]) / (1 + k - (k - 1) * t[3])) - driven) / r_ins)
        yield rate(self.w, (v * drive / r_ins - lost * loss) / enthalpy)
