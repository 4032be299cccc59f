"""TEAM, the threshold adaptive memristor of Kvatinsky et al. (2013), and what it shares with VTEAM."""

from spicemem.expr import (
    Expr,
    Operand,
    absolute,
    as_expr,
    exp,
    local,
    maximum,
    minimum,
    power,
    quantity,
    sqrt,
    walls,
    where,
)
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_PAPER = "Kvatinsky et al., IEEE Trans. Circuits Syst. I 60, 211 (2013), doi:10.1109/TCSI.2012.2215714"
_REPORT = "Kvatinsky et al., Verilog-A for Memristor Models, Technion report (2011)"
_XYCE = "default of Xyce's memristor level 2, after " + _REPORT
_SCRIPT = "fit to Pickett's tunnel barrier: value in public scripts; unit nm/s recalled from the paper, not re-read"
CAP = quantity(1e12, "1/s")


def magnitude(x: Expr, width: Expr) -> Expr:
    """abs(x); a `width` above 0, in the unit of x, rounds its corner."""
    return where(width > 0, sqrt(x * x + width * width), absolute(x))


def beyond(x: Expr, threshold: Operand, width: Expr) -> Expr:
    """max(x - threshold, 0) for a threshold above 0, 0 at x = 0; a `width`, in the unit of x, rounds the corner."""
    threshold = as_expr(threshold)
    return 0.5 * (x - threshold + magnitude(x - threshold, width)) - 0.5 * (magnitude(threshold, width) - threshold)


def raised(base: Expr, exponent: Expr) -> Expr:
    """base**exponent for an exponent of 1 or more and a base of 0 or more: 0 at 0.

    Common whole exponents are products. For others base*1e-4**(exponent - 1) stands below 1e-4: Newton's iteration of a
    simulator overshoots where the logarithm in a power is steep.
    """
    two = base * base
    four = two * two
    result = base * power(maximum(base, 1e-4), exponent - 1)
    wholes = {1: base, 2: two, 3: two * base, 4: four, 5: four * base, 7: four * two * base, 10: four * four * two}
    for whole, product in wholes.items():
        result = where(absolute(exponent - whole) < 1e-6, product, result)
    return result


def speed(name: str, k: Expr, ratio: Expr, exponent: Expr, smooth: Expr) -> Expr:
    """k*(ratio - 1)**exponent above a ratio of 1, else 0; at most CAP. The overdrive, named, is what is limited."""
    most = power(CAP / maximum(k, quantity(1e-30, "1/s")), 1 / exponent)
    over = local(name, minimum(maximum(beyond(ratio, 1, smooth), 0), most))
    return k * raised(minimum(maximum(over, 0), most), exponent)


def edge(distance: Expr, width: Expr) -> Expr:
    """The published window exp(-exp(distance/width)); 1, that is none, where the width is 0."""
    tiny = quantity(1e-15, "m")
    return where(width > 0, exp(-exp(distance / maximum(width, tiny))), 1)


def resistance(fraction: Expr, r_on: Expr, r_off: Expr, exponential: Expr) -> Expr:
    """Resistance at a fraction (0: on, 1: off) of the range: linear, or exponential where that is 1."""
    straight = maximum(r_on + (r_off - r_on) * fraction, 0.5 * r_on)
    return where(exponential > 0.5, r_on * power(r_off / r_on, fraction), straight)


class TEAM(Model):
    """TEAM: current-threshold adaptive memristor (Kvatinsky 2013), linear or exponential resistance.

    Polarity: the paper's current is positive where it raises the resistance; here it is i = i(n to p), so that positive
    v(p, n) sets and published parameters (i_on < 0 < i_off, k_on < 0 < k_off) are typed in as they are. dx/dt =
    k_off*(i/i_off - 1)**alpha_off*f_off(x) above i_off, k_on*(i/i_on - 1)**alpha_on*f_on(x) below i_on, 0 between.
    w_c = 0 is the rectangular window (x stops at x_on and x_off), w_c > 0 the paper's f_off = exp(-exp((x -
    a_off)/w_c)), f_on = exp(-exp((a_on - x)/w_c)). Exact corners by default; `smooth` rounds them.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    r_on = Param(50.0, "Ohm", "resistance at x_on", low=1e-3, high=1e12, source=_XYCE)
    r_off = Param(1e3, "Ohm", "resistance at x_off", low=1e-3, high=1e15, source=_XYCE)
    k_on = Param(-8e-13, "m/s", "speed constant towards on, negative", low=-1e9, high=0, source=_XYCE)
    k_off = Param(8e-13, "m/s", "speed constant towards off", low=0, high=1e9, source=_XYCE)
    alpha_on = Param(3.0, "1", "exponent towards on", low=1, high=30, source=_XYCE)
    alpha_off = Param(3.0, "1", "exponent towards off", low=1, high=30, source=_XYCE)
    i_on = Param(-8.9e-6, "A", "threshold current towards on, negative", low=-1e3, high=-1e-15,
                 source=_XYCE + ", where the sign is missing")
    i_off = Param(115e-6, "A", "threshold current towards off", low=1e-15, high=1e3, source=_XYCE)
    x_on = Param(0.0, "m", "state of r_on", low=-1, high=1, source=_XYCE)
    x_off = Param(3e-9, "m", "state of r_off", low=-1, high=1, source=_XYCE)
    a_on = Param(2e-9, "m", "edge of the window towards on", low=-1, high=1, source=_REPORT)
    a_off = Param(1.2e-9, "m", "edge of the window towards off", low=-1, high=1, source=_REPORT)
    w_c = Param(0.0, "m", "width of the windows' edges; 0 for rectangular ones", low=0, high=1,
                source="0 as in Xyce; 107 pm in " + _REPORT)
    exponential = Param(0.0, "1", "1 for resistance exponential in x, 0 for linear", low=0, high=1, source=_XYCE)
    smooth = Param(0.0, "1", "rounding of the thresholds, in thresholds; 0 as published", low=0, high=1,
                   source="0: the published corner")
    wall = Param(2e-5, "1", "width of the walls, in ranges of x", low=1e-6, high=0.1, source="chosen: narrow")
    x_init = Param(2.7e-9, "m", "start", low=-1, high=1, source="chosen: near off")

    x = State(init=x_init, unit="m", doc="width of the undoped region", low=x_on, high=x_off,
              resolution=lambda m: 1e-4 * (m.x_off - m.x_on))

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"r_on": Lognormal(0.1), "r_off": Lognormal(0.1), "i_on": Relative(0.05), "i_off": Relative(0.05)}
    presets = {
        "xyce": Preset("defaults of Xyce's memristor level 2", _XYCE, anode="n"),
        "simmons_fit": Preset(
            "fit to the Simmons tunnel barrier of Pickett 2009", _PAPER + ": " + _SCRIPT,
            {"k_on": -4.68e-22, "k_off": 1.46e-18, "alpha_on": 10, "alpha_off": 10, "a_on": 1.8e-9, "a_off": 1.2e-9},
            {"k_on": _SCRIPT, "k_off": _SCRIPT, "alpha_on": _SCRIPT, "alpha_off": _SCRIPT, "a_on": _SCRIPT,
             "a_off": _SCRIPT}, anode="n", behaviour={"loop": (0.8, -4.0), "threshold": 0.8, "rate": 4e6,
                                                      "set_pulse": (0.7, 1e-7), "reset_pulse": (-3.0, 1e-7),
                                                      "times": (1e-8, 1e-5)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=0.15, loop=(0.15, -0.3), rate=0.3, set_pulse=(0.15, 0.02),
                          reset_pulse=(-0.3, 0.02), v_read=0.005, times=(1e-2, 10.0))

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.r_on < self.r_off, "r_on must be below r_off"
        yield self.x_on < self.x_off, "x_on must be below x_off"

    def equations(self):  # type: ignore[no-untyped-def]
        span = self.x_off - self.x_on
        share = local("share", (self.x - self.x_on) / span)  # rates in 1/s: simulators resolve 1e-6 of any unit
        i_np = (self.n - self.p) / local("r", resistance(share, self.r_on, self.r_off, self.exponential))
        f_off, f_on = edge(self.x - self.a_off, self.w_c), edge(self.a_on - self.x, self.w_c)
        up = speed("over_off", self.k_off / span, i_np / self.i_off, self.alpha_off, self.smooth) * f_off
        down = speed("over_on", -self.k_on / span, i_np / self.i_on, self.alpha_on, self.smooth) * f_on
        yield branch(self.n, self.p, i_np)
        yield rate(self.x, span * walls(up - down, share, 0, 1, self.wall))
