"""The generalised memristor model of Yakopcic et al. (2011, 2013)."""

from spicemem.devices.team import beyond
from spicemem.expr import exp, expm1, local, maximum, minimum, quantity, sinh, where
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_PAPER = "Yakopcic et al., IEEE Electron Device Lett. 32, 1436 (2011), doi:10.1109/LED.2011.2163292"
_SET_1 = "the author's SPICE netlist of 8 September 2011 (commented line there), as in Xyce's tests of level 3"
_SET_2 = "the author's SPICE netlist in a public collection (HSPICE form)"
_NAMES = ("a1", "a2", "b", "vp", "vn", "ap", "an", "xp", "xn", "alphap", "alphan")


class Yakopcic(Model):
    """Yakopcic's generalised memristor (2011): hyperbolic-sine current, exponential kinetics above two thresholds.

    Positive v(p, n) sets (eta = 1), as in the paper. I = a1*x*sinh(b*v) for v >= 0, a2*x*sinh(b*v) below; dx/dt =
    eta*g(v)*f(v, x) with g = ap*(e**v - e**vp) above vp, -an*(e**-v - e**vn) below -vn, 0 between (v in V). Upwards f =
    exp(-alphap*(x - xp))*(1 - x)/(1 - xp) from xp on, downwards exp(alphan*(x + xn - 1))*x/(1 - xn) up to 1 - xn, else
    1. Exact corners by default; `smooth` rounds the thresholds. Limits: 1e9/s (12 V in
    set_1), and 30 for b*v (16 V in set_2).
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    a1 = Param(0.17, "A", "current scale, positive voltage", low=0, high=1e6, source=_SET_1)
    a2 = Param(0.17, "A", "current scale, negative voltage", low=0, high=1e6, source=_SET_1)
    b = Param(0.05, "1/V", "curvature of the current", low=1e-6, high=1e3, source=_SET_1)
    vp = Param(0.16, "V", "positive threshold", low=1e-6, high=50, source=_SET_1)
    vn = Param(0.15, "V", "negative threshold, its magnitude", low=1e-6, high=50, source=_SET_1)
    ap = Param(4000.0, "1/s", "speed above the positive threshold", low=0, high=1e15, source=_SET_1)
    an = Param(4000.0, "1/s", "speed below the negative threshold", low=0, high=1e15, source=_SET_1)
    xp = Param(0.3, "1", "state from which the way up slows down", low=0, high=0.999, source=_SET_1)
    xn = Param(0.5, "1", "1 - state from which the way down slows down", low=0, high=0.999, source=_SET_1)
    alphap = Param(1.0, "1", "how fast the way up slows down", low=0, high=50, source=_SET_1)
    alphan = Param(5.0, "1", "how fast the way down slows down", low=0, high=50, source=_SET_1)
    eta = Param(1.0, "1", "1: positive voltage raises x; -1: lowers it", low=-1, high=1, source=_SET_1)
    smooth = Param(0.0, "V", "rounding of the thresholds; 0 as published", low=0, high=1,
                   source="0: the published corner")
    x_init = Param(0.11, "1", "start (the paper's xo)", low=0, high=1, source=_SET_1)

    x = State(init=x_init, unit="1", doc="state, 0 to 1", low=0, high=1, resolution=1e-4)

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"a1": Lognormal(0.1), "a2": Lognormal(0.1), "vp": Relative(0.05), "vn": Relative(0.05)}
    presets = {
        "set_1": Preset("a = 0.17 A, b = 0.05/V, thresholds 0.16 and 0.15 V, milliseconds", _SET_1),
        "set_2": Preset("a = 70 uA, b = 1.9/V, thresholds 0.4 and 0.3 V, seconds", _SET_2,
                        dict(zip(_NAMES, (7e-5, 7e-5, 1.9, 0.4, 0.3, 1, 1, 0.9, 0.7, 3, 8), strict=True)),
                        dict.fromkeys(_NAMES, _SET_2),
                        behaviour={"threshold": 0.4, "loop": (1.0, -1.0), "rate": 1.0, "set_pulse": (0.8, 0.04),
                                   "reset_pulse": (-0.7, 0.04), "times": (1e-3, 10.0)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=0.16, loop=(0.45, -0.45), rate=200.0, set_pulse=(0.3, 4e-5),
                          reset_pulse=(-0.3, 4e-5), v_read=0.1, times=(1e-5, 0.1))

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.eta * self.eta >= 1, "eta must be 1 or -1"

    def equations(self):  # type: ignore[no-untyped-def]
        x, v, volt = self.x, local("v_pn", self.p - self.n), quantity(1, "V")
        up = self.ap * exp(self.vp / volt) * expm1(beyond(v, self.vp, self.smooth) / volt)
        down = self.an * exp(self.vn / volt) * expm1(beyond(-v, self.vn, self.smooth) / volt)
        cap = quantity(1e9, "1/s")  # faster ones, far beyond every published voltage, cost simulators their convergence
        g = local("g", self.eta * (minimum(up, cap) - minimum(down, cap)))
        f_up = where(x >= self.xp, exp(-(self.alphap * (x - self.xp))) * ((1 - x) / (1 - self.xp)), 1)
        f_down = where(x <= 1 - self.xn, exp(self.alphan * (x + self.xn - 1)) * (x / (1 - self.xn)), 1)
        bent = minimum(maximum(self.b * v, -30), 30)
        yield branch(self.p, self.n, where(v >= 0, self.a1, self.a2) * maximum(x, 0) * sinh(bent))
        yield rate(x, g * where(g > 0, f_up, f_down))
