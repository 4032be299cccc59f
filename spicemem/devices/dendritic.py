"""Dendritic device: a volatile oxide that integrates above a threshold and filters below it (TaOx/AlOx)."""

from spicemem.expr import local, maximum, minimum, quantity, sinh, softplus, sqrt
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Normal

_PAPER = "Ielmini et al. 2021, Fig. 10 (Li et al., Nat. Nanotechnol. 15, 776 (2020))"
_CHOSEN = "calibrated: the threshold and the decades between off and on of Fig. 10(c, d)"


class Dendritic(Model):
    """Dendritic device: above a threshold the current grows during a pulse, below it the pulse is filtered out.

    Positive v(p, n) above v_th raises the conductance, which is forgotten within tau; negative voltage does not.
    dx/dt = k softplus(v - v_th) (1 - x) - x/tau; current i_s (x + leak) sinh(v/v_i), which saturates at i_max.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    i_s = Param(1e-7, "A", "current scale of the on state", low=1e-15, high=1, source=_CHOSEN)
    v_i = Param(0.9, "V", "voltage scale of the current", low=0.02, high=100, source=_CHOSEN)
    leak = Param(2e-3, "1", "current of the off state over that of the on state", low=1e-9, high=1, source=_CHOSEN)
    i_max = Param(0.1, "A", "current at which conduction saturates", low=1e-9, high=1e3,
                  source="chosen: far above use; keeps the current finite")
    v_th = Param(3.0, "V", "threshold of growth", low=1e-3, high=100, source=_PAPER)
    v_w = Param(0.15, "V", "softness of the threshold", low=1e-3, high=10, source=_CHOSEN)
    k = Param(30.0, "1/(V*s)", "growth rate above the threshold", low=1e-6, high=1e9, source=_CHOSEN)
    tau = Param(50e-3, "s", "time in which the state is forgotten", low=1e-9, high=1e9, source=_CHOSEN)
    x_init = Param(0.0, "1", "state at the start of a run that holds it", low=0, high=1, source="at rest")

    x = State(init=x_init, unit="1", doc="on state", low=0.0, high=1.0, resolution=1e-5, static="solve")

    presets = {"taox_alox": Preset("Pt/TaOx/AlOx/Al dendrite: 3 V, tens of milliseconds", _PAPER)}
    behaviour = Behaviour(kind="volatile", threshold=3.0, loop=(5.0, -5.0), rate=10.0, set_pulse=(3.5, 10e-3),
                          pulses=10, v_read=1.0, times=(1e-3, 1.0), retention=0.5)
    spread = {"v_th": Normal(0.1), "k": Lognormal(0.2), "i_s": Lognormal(0.2)}  # chosen

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_dev", self.p - self.n)
        free = local("free", self.i_s * (maximum(self.x, 0) + self.leak) * sinh(v / self.v_i) / self.i_max)
        yield branch(self.p, self.n, local("i_dev", self.i_max * free / sqrt(1 + free * free)))
        growth = local("growth", minimum(self.k * softplus(v - self.v_th, self.v_w), quantity(1e12, "1/s")))
        yield rate(self.x, growth * (1 - self.x) - self.x / self.tau)
