"""A single device on the bench of a laboratory: driven where it is written, biased where it is read."""

from __future__ import annotations

from spicemem.circuit import GROUND, Circuit, Resistor
from spicemem.model import Model

#: The device of a fixture.
DUT = "dut"


def fixture(device: Model, series: float = 0.0) -> Circuit:
    """A device with a port at each pin that its behaviour drives or biases; other pins are grounded.

    Ports are named after the pins: where it is written, where it is read (if that is another pin), those under bias.
    series: resistance (Ohm) between the port and the pin that is written, 0 for none. The device is part "dut".
    """
    b, d = device.handling(), device.definition
    ports = tuple(dict.fromkeys((b.write, b.read, *b.bias)))
    cell = Circuit("fixture", ports, f"{d.name} on the bench")
    nets = {pin: pin if pin in ports and pin != b.common else GROUND for pin in d.pins}
    if series:
        cell.add("r_series", Resistor(series), p=b.write, n="inside")
        nets[b.write] = "inside"
    return cell.add(DUT, device, **nets)
