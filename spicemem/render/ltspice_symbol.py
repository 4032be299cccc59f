"""The symbol of a device or cell for LTspice's schematic editor: NAME.asy beside NAME.lib."""

from __future__ import annotations

from spicemem.circuit import Circuit
from spicemem.model import Model
from spicemem.render.bench import name_of
from spicemem.render.dialect import LTSPICE
from spicemem.render.ngspice import parameter_names
from spicemem.units import number

#: Distance of pins and length of their wires, in LTspice's units; pins have to be on a grid of 16.
_PITCH, _WIRE, _HALF = 32, 16, 48


def symbol(thing: Model | Circuit) -> str:
    """A box with the pins, in the order of the subcircuit: first ones at the left, the others at the right.

    Where its states start is shown and can be edited in the schematic (SpiceLine), any other parameter be added there.
    LTspice takes the library by its bare name.
    """
    name = name_of(thing)
    pins = thing.definition.pins if isinstance(thing, Model) else thing.ports
    title = thing.definition.title if isinstance(thing, Model) else thing.title
    left = (len(pins) + 1) // 2
    bottom = _PITCH * left
    rows = ["Version 4", "SymbolType CELL", f"RECTANGLE Normal {-_HALF} {-_PITCH // 2} {_HALF} {bottom - _PITCH // 2}"]
    places = []
    for k in range(len(pins)):
        side, y = (-1, k * _PITCH) if k < left else (1, (k - left) * _PITCH)
        places.append((side * (_HALF + _WIRE), y, "LEFT" if side < 0 else "RIGHT"))
        rows.append(f"LINE Normal {side * (_HALF + _WIRE)} {y} {side * _HALF} {y}")
    rows += [f"WINDOW 0 0 {-_PITCH} Bottom 2", f"WINDOW 3 0 {bottom} Top 2", f"WINDOW 39 0 {bottom + _PITCH} Top 1",
             "SYMATTR Prefix X", f"SYMATTR Value {name}", f"SYMATTR ModelFile {name}.lib",
             f"SYMATTR Description {_plain(title)}"]
    if isinstance(thing, Model):
        d, spelt = thing.definition, parameter_names(thing.definition, LTSPICE)
        starts = [f"{spelt[state.init]}={number(thing.values[state.init])}" for state in d.states.values()]
        rows += [f"SYMATTR SpiceLine {' '.join(starts)}"] if starts else []
    for order, (pin, (x, y, side_name)) in enumerate(zip(pins, places, strict=True), 1):
        rows += [f"PIN {x} {y} {side_name} {_WIRE + 4}", f"PINATTR PinName {pin}", f"PINATTR SpiceOrder {order}"]
    return "\n".join([*rows, ""])


def _plain(text: str) -> str:
    return text.replace("µ", "u").encode("ascii", "replace").decode()
