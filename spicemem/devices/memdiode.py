"""The dynamic memdiode model of Miranda and coworkers."""

from spicemem.expr import exp, local, maximum, minimum, quantity
from spicemem.model import Behaviour, Model, Node, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_PAPER = "Aguirre, Sune, Miranda, Micromachines 13, 330 (2022), doi:10.3390/mi13020330"
_SET = "public netlist memdiode2 (hysteresis of an RRAM, with reset), after Aguirre and Miranda"
_PUBLIC = "public ngspice netlist memdiode with etaset 15/V, vset 0.8 V, etares 4/V, vres -1.3 V; its snapback left out"


class Memdiode(Model):
    """Memdiode (Miranda): two opposite diodes in series with a resistance, set and reset as a balance of two rates.

    Positive v(p, n) sets, as published. dH/dt = (1 - H)/(t0s*exp(-v/v0s)) - H/(t0r*exp(v/v0r)); I = I0*(exp(beta*a*(v -
    I*rs)) - exp(-(1 - beta)*a*(v - I*rs))) with I0, a and rs going linearly with H from their min to their max values.
    Smooth and bounded as published: nothing is rounded. Not in it: the snapback of the full dynamic model. A state is
    forgotten at 0 V within t0s and t0r. Rates end at 1e9/s. The other form of the rates, exp(etas*(v - vs)), is t0s =
    exp(etas*vs) s, v0s = 1/etas, and t0r = exp(-etar*vr) s, v0r = 1/etar.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()
    inner = Node("between series resistance and diodes")

    t0s = Param(1.796e6, "s", "time constant of set at 0 V", low=1e-12, high=1e30, source=_SET)
    v0s = Param(0.0899, "V", "voltage that makes set e times faster", low=1e-4, high=10, source=_SET)
    t0r = Param(132.0, "s", "time constant of reset at 0 V", low=1e-12, high=1e30, source=_SET)
    v0r = Param(0.1905, "V", "voltage that makes reset e times faster", low=1e-4, high=10, source=_SET)
    imin = Param(1.8e-6, "A", "current scale at H = 0", low=1e-18, high=1, source=_SET)
    imax = Param(1.23e-3, "A", "current scale at H = 1", low=1e-18, high=1, source=_SET)
    alphamin = Param(3.0, "1/V", "steepness at H = 0", low=1e-3, high=100, source=_SET)
    alphamax = Param(3.8, "1/V", "steepness at H = 1", low=1e-3, high=100, source=_SET)
    rsmin = Param(117.0, "Ohm", "series resistance at H = 0", low=1e-3, high=1e12, source=_SET)
    rsmax = Param(256.0, "Ohm", "series resistance at H = 1", low=1e-3, high=1e12, source=_SET)
    beta = Param(0.308, "1", "share of the steepness for positive voltage", low=0, high=1, source=_SET)
    h_init = Param(0.0, "1", "start (the published H0)", low=0, high=1, source=_SET)

    h = State(init=h_init, unit="1", doc="memory state H, 0 to 1", low=0, high=1, resolution=1e-4)

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"imin": Lognormal(0.1), "imax": Lognormal(0.1), "v0s": Relative(0.01), "v0r": Relative(0.01)}
    presets = {
        "rram": Preset("RRAM that sets at 1.3 V and resets at -1.3 V within seconds", _SET),
        "fast_set": Preset(
            "sets at 0.8 V, resets from -1.3 V, tau 1 s there", _PUBLIC,
            {"t0s": 162754.79, "v0s": 1 / 15, "t0r": 181.27224, "v0r": 0.25, "imin": 2e-6, "imax": 2e-4,
             "alphamin": 6.19, "alphamax": 5.22, "rsmin": 1, "rsmax": 1, "beta": 0.5},
            dict.fromkeys(("t0s", "v0s", "t0r", "v0r", "imin", "imax", "alphamin", "alphamax", "rsmin", "rsmax",
                           "beta"), _PUBLIC),
            behaviour={"loop": (1.0, -1.8), "threshold": 0.8, "rate": 0.5, "set_pulse": (0.8, 0.1),
                       "reset_pulse": (-1.3, 0.1)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=1.3, loop=(1.4, -1.4), rate=0.1, set_pulse=(1.3, 0.1),
                          reset_pulse=(-1.2, 0.05), v_read=0.1, times=(1e-3, 10.0), retention=100.0)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.imin < self.imax, "imin must be below imax"

    def equations(self):  # type: ignore[no-untyped-def]
        v, share = self.p - self.n, minimum(maximum(self.h, 0), 1)
        i0 = self.imin + (self.imax - self.imin) * share
        u = (self.alphamin + (self.alphamax - self.alphamin) * share) * (self.inner - self.n)
        rs = self.rsmin + (self.rsmax - self.rsmin) * share
        yield branch(self.p, self.inner, (self.p - self.inner) / rs)
        yield branch(self.inner, self.n, i0 * (exp(self.beta * u) - exp(-((1 - self.beta) * u))))
        cap = quantity(1e9, "1/s")  # faster ones, beyond twice the threshold, cost simulators their convergence
        set_rate = local("set_rate", minimum(exp(v / self.v0s) / self.t0s, cap))
        reset_rate = local("reset_rate", minimum(exp(-(v / self.v0r)) / self.t0r, cap))
        yield rate(self.h, (1 - self.h) * set_rate - self.h * reset_rate)
