"""A saturating amplifier with both outputs: the neuron of a Hopfield network, a part in no list of devices."""

from spicemem.expr import tanh
from spicemem.model import Model, Param, Terminal, branch


class Amplifier(Model):
    """Amplifier with a normal and an inverting output: v_sat*tanh(gain*v_in/v_sat) behind r_out. No current flows in.

    All voltages count from the terminal ref. A part of a bench, not a memristive device: it has no state.
    """

    reference = "Hopfield, Proc. Natl. Acad. Sci. USA 81, 3088 (1984), recalled, not re-read"

    inp, ref = Terminal("input"), Terminal("reference")
    normal, inverse = Terminal("output"), Terminal("inverted output")

    gain = Param(15.0, "1", "voltage gain at 0 V", low=0.0, high=1e9, source="chosen")
    v_sat = Param(0.3, "V", "largest output", low=1e-6, high=1e3, source="chosen: below the devices' thresholds")
    r_out = Param(10.0, "Ohm", "output resistance", low=1e-3, high=1e9, source="chosen: far below the devices'")

    def equations(self):  # type: ignore[no-untyped-def]
        out = self.v_sat * tanh(self.gain * (self.inp - self.ref) / self.v_sat)
        yield branch(self.normal, self.ref, (self.normal - self.ref - out) / self.r_out)
        yield branch(self.inverse, self.ref, (self.inverse - self.ref + out) / self.r_out)
