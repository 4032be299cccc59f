"""What fits the ports of a cell, and what does not: one check for every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spicemem.circuit import Foreign, pins_of
from spicemem.devices.transistor import NFET
from spicemem.errors import CircuitError
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform

#: What a cell takes as a transistor: the compact model, or one of a foundry.
Transistor = Model | Foreign


def fitting(cell: str, device: Model, *terminals: str) -> Model:
    """The device, which has just these terminals (p and n unless given). Raises CircuitError for any other."""
    wanted = terminals or ("p", "n")
    if not isinstance(device, Model):
        raise CircuitError(f"{cell}: device", found=repr(device), expected="a device with its values",
                           remedy="Write VCM() and not VCM" if isinstance(device, type) else None)
    d = device.definition
    if set(d.terminals) != set(wanted):
        raise CircuitError(f"{cell}: device {d.name}", found=f"terminals {', '.join(d.terminals)}",
                           expected=f"{', '.join(wanted[:-1])} and {wanted[-1]}")
    return device


def transistor(cell: str, part: Transistor | None) -> Transistor:
    """The transistor, default NFET(). Raises CircuitError for a part without drain, gate, source and bulk."""
    part = NFET() if part is None else part
    pins = pins_of(part) if isinstance(part, Model | Foreign) else ()
    if set(pins) != {"d", "g", "s", "b"}:
        raise CircuitError(f"{cell}: nmos", found=f"pins {', '.join(pins)}" if pins else repr(part),
                           expected="a transistor with pins d, g, s, b: NFET(...), or Foreign(...) for a foundry's")
    return part


def pulses(unit: float, volts: float, width: float, starts: Sequence[float]) -> Waveform:
    """Equal pulses with edges of a tenth of their width; times in `unit` seconds."""
    train = [Waveform.pulse(volts, width, 0.1 * width, start).stretch(unit) for start in starts]
    return sum(train[1:], start=train[0])


def bench(drives: Mapping[str, Waveform], devices: Mapping[str, Model], title: str, steps: int = 2000) -> Bench | None:
    """A bench that draws the first state of each device, by path; None where one of them has no state."""
    states = {path: next(iter(d.definition.states.values()), None) for path, d in devices.items()}
    if None in states.values():
        return None
    stop = max(float(wave.times[-1]) for wave in drives.values())
    first = next(state for state in states.values() if state)
    label = f"state {first.name}" if first.unit == "1" else f"state {first.name} [{first.unit}]"
    return Bench(dict(drives), stop, stop / steps, tuple(f"{path}.{state.name}" for path, state in states.items()
                                                         if state), title, label)
