"""A current limiter: the compliance of a source or of a source-measure unit, as a part of its own on the bench."""

from spicemem.expr import tanh
from spicemem.model import Model, Param, Terminal, branch


class Limiter(Model):
    """Current limiter: conducts well below its limit and not more than that, at either polarity.

    A part of a bench, not a memristive device: it has no state, and is in no list of devices. In series with a device
    it leaves the device at the voltage of the source until i_max flows, and lets that voltage fall from there on. A
    resistor, the linear part next to it, divides the voltage at any current.
    """

    reference = "of this project"

    p, n = Terminal("source"), Terminal("device")

    i_max = Param(100e-9, "A", "largest current", low=1e-15, high=1e3, source="chosen")
    v_knee = Param(0.05, "V", "voltage over it at 0.76 of the largest current", low=1e-3, high=10, source="chosen")

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.p, self.n, self.i_max * tanh((self.p - self.n) / self.v_knee))
