"""The threshold-type memristive device of Pershin and Di Ventra."""

from spicemem.devices.team import CAP, magnitude
from spicemem.expr import local, maximum, minimum, walls
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_PAPER = "Pershin and Di Ventra, Radioengineering 22, 485 (2013), arXiv:1204.2600"
_NETLIST = "the paper's netlist, as in public copies of it"
_VOGT = "ngspice's example memristor.sp (H. Vogt 2012): beta = 20e3/stime with stime 10 ns"
_EMULATOR = "recalled from Pershin, Di Ventra, Neural Networks 23, 881 (2010), not re-read"


class PershinDiVentra(Model):
    """Threshold-type memristive device of Pershin and Di Ventra: the resistance itself is the state.

    Polarity: the paper's voltage raises the resistance; here it is v = v(n) - v(p), so that positive v(p, n) sets.
    dx/dt = beta*v + 0.5*(alpha - beta)*(abs(v + v_t) - abs(v - v_t)), that is alpha*v below the threshold and beta*(v
    -+ v_t) on top beyond it, while x is between r_on and r_off; i = v/x. Exact corners by default; `smooth` rounds
    them.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    r_on = Param(1e3, "Ohm", "least resistance", low=1e-3, high=1e12, source=_NETLIST)
    r_off = Param(10e3, "Ohm", "largest resistance", low=1e-3, high=1e15, source=_NETLIST)
    alpha = Param(0.0, "Ohm/(V*s)", "rate below the threshold", low=0, high=1e20, source=_NETLIST)
    beta = Param(1e13, "Ohm/(V*s)", "rate beyond the threshold", low=0, high=1e20, source=_NETLIST)
    v_t = Param(4.6, "V", "threshold voltage", low=0, high=1e3, source=_NETLIST)
    smooth = Param(0.0, "V", "rounding of the thresholds; 0 as published", low=0, high=10,
                   source="0: the published corner")
    wall = Param(2e-5, "1", "width of the walls, in ranges of x", low=1e-6, high=0.1, source="chosen: narrow")
    r_init = Param(5e3, "Ohm", "start", low=1e-3, high=1e15, source=_NETLIST)

    x = State(init=r_init, unit="Ohm", doc="resistance", low=r_on, high=r_off,
              resolution=lambda m: 1e-4 * (m.r_off - m.r_on))

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"r_on": Lognormal(0.1), "r_off": Lognormal(0.1), "v_t": Relative(0.05)}
    presets = {
        "pershin_2013": Preset("1 to 10 kOhm, 4.6 V, nanoseconds: the paper's netlist", _NETLIST, anode="n"),
        "vogt_2012": Preset("1 to 10 kOhm, 1.6 V: the example of ngspice", _VOGT,
                            {"beta": 2e12, "v_t": 1.6, "r_init": 7e3},
                            dict.fromkeys(("r_on", "r_off", "alpha", "beta", "v_t", "r_init"), _VOGT), anode="n",
                            behaviour={"threshold": 1.6, "loop": (3.0, -3.0), "rate": 1e9, "set_pulse": (2.0, 4e-10),
                                       "reset_pulse": (-2.0, 4e-10)}),
        "emulator_2010": Preset("675 Ohm to 10 kOhm, 4 V, tens of milliseconds: emulated synapse", _EMULATOR,
                                {"r_on": 675, "beta": 146e3, "v_t": 4, "r_init": 9e3},
                                dict.fromkeys(("r_on", "r_off", "alpha", "beta", "v_t"), _EMULATOR), anode="n",
                                behaviour={"threshold": 4.0, "loop": (6.0, -6.0), "rate": 50.0,
                                           "set_pulse": (4.5, 5e-3), "reset_pulse": (-4.5, 5e-3),
                                           "times": (1e-4, 1.0)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=4.6, loop=(6.0, -6.0), rate=2e9, set_pulse=(5.0, 1e-10),
                          reset_pulse=(-5.0, 1e-10), v_read=0.5, times=(1e-10, 1e-6))

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.r_on < self.r_off, "r_on must be below r_off"

    def equations(self):  # type: ignore[no-untyped-def]
        v_np, span = local("v_np", self.n - self.p), self.r_off - self.r_on
        share = local("share", (self.x - self.r_on) / span)
        bend = magnitude(v_np + self.v_t, self.smooth) - magnitude(v_np - self.v_t, self.smooth)
        drift = (self.beta * v_np + 0.5 * (self.alpha - self.beta) * bend) / span
        yield branch(self.n, self.p, v_np / maximum(self.x, 0.5 * self.r_on))
        yield rate(self.x, span * walls(minimum(maximum(drift, -CAP), CAP), share, 0, 1, self.wall))
