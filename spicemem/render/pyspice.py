"""PySpice: devices and cells as its SubCircuits, circuits as its Circuits, made of its own elements.

The netlist of `render.ngspice` is the one source of what they mean: each of its lines becomes the element of that
letter. Numbers go in as plain floats and text, which PySpice prints digit by digit; what has one of its units it prints
with the unit behind it, and a simulator reads 1A as 1e-18.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from spicemem.circuit import Circuit, Foreign
from spicemem.errors import RenderError
from spicemem.model import Model
from spicemem.render import ngspice

REMEDY = "pip install 'spicemem[pyspice]'"


def subcircuit(thing: Model | type[Model] | Circuit) -> Any:
    """A PySpice SubCircuit of a device or of a cell with ports, to be instantiated with `circuit.X(...)`.

    circuit.subcircuit(subcircuit(EIS)); circuit.X("syn", "eis", "gate", "drain", circuit.gnd, g_init=1e-6). Nodes go in
    the order of its `external_nodes`. A device has its parameters (SI), with the given device's values where an X gives
    none; a cell has none, and holds the subcircuits that it is made of. Raises RenderError without PySpice, for what is
    neither, has no ports, or has parts of somebody's library.
    """
    if isinstance(thing, type) and issubclass(thing, Model):
        thing = thing()
    if isinstance(thing, Model):
        text = ngspice.device_subckt(type(thing), tuple(thing.values.items()))
        return next(iter(_filled("device", text)[0].subcircuits))
    if not isinstance(thing, Circuit):
        raise RenderError("subcircuit", found=repr(thing), expected="a device, a device class or a Circuit with ports")
    if not thing.ports:
        raise RenderError(f"circuit {thing.name}", found="no ports", expected="a cell with ports",
                          remedy=f"Use to_pyspice({thing.name}) for a whole circuit")
    for element in thing.elements():
        if isinstance(element.part, Foreign):
            raise RenderError(f"{thing.name}: part {element.path}", found=f"{element.part.name} of a library",
                              expected="parts of this package: a SubCircuit includes no files",
                              remedy="Use to_pyspice on the circuit with its sources")
    *inner, own = _filled("cell", _definitions(thing))[0].subcircuits
    for definition in inner:
        own.subcircuit(definition)
    return own


def to_pyspice(circuit: Circuit) -> Any:
    """A circuit that can be run as a PySpice Circuit: elements, X instances, and a SubCircuit for each device and cell.

    Raises CircuitError for one with open ports or floating nets, RenderError without PySpice and for parts that only an
    engine can have (compiled modules).
    """
    elements = circuit.check_runnable()
    inner, own = _definitions(circuit).rsplit("\n.subckt ", 1)
    body = own.partition("\n")[2].rpartition("\n.ends")[0]
    found, _ = _filled(circuit.title or circuit.name, "\n".join([*ngspice.include_lines(elements), inner, body]))
    return found


def circuit_of(title: str, netlist: str) -> tuple[Any, str]:
    """A netlist of ours as a PySpice Circuit, and what it has nothing for: options, saves, the analysis, control."""
    text, mark, control = netlist.partition("\n.control\n")
    circuit, left = _filled(title, text)
    return circuit, "\n".join([*left, f"{mark.strip()}\n{control}"] if mark else left)


def _definitions(circuit: Circuit) -> str:
    """The subcircuits that a circuit is made of, its own as the last."""
    devices, cells = ngspice.contents(circuit)
    return "\n".join(["", *(ngspice.device_subckt(kind, ngspice.defaults(kind)) for kind in devices.values()),
                      *map(ngspice.cell_subckt, cells.values())])


def _filled(title: str, text: str) -> tuple[Any, list[str]]:
    """A PySpice Circuit of the lines of a netlist, and those that it has nothing for."""
    try:
        from PySpice.Spice.Netlist import Circuit as PySpiceCircuit
        from PySpice.Spice.Netlist import SubCircuit
    except ImportError as error:
        raise RenderError("PySpice", found=str(error), expected="PySpice 1.5", remedy=REMEDY) from None
    circuit = PySpiceCircuit(title)
    left: list[str] = []
    nested = [circuit]
    for line in text.replace("\n+ ", " ").splitlines():
        head, _, rest = line.partition(" ")
        words = rest.split()
        if not line or line[0] == "*":
            continue
        if head == ".subckt":
            nested.append(SubCircuit(*(word for word in words if "=" not in word)))
            nested[-1].parameters.update(_pairs(words))
        elif head == ".ends":
            nested[-2].subcircuit(nested.pop())
        elif head == ".param":
            nested[-1].raw_spice += f"{line}\n"  # a SubCircuit has nothing for what follows from its parameters
        elif head in (".include", ".lib"):
            path, *section = (word.strip('"') for word in words)
            getattr(circuit, head[1:])(path, *section)
        elif line[0] == ".":
            left.append(line)
        else:
            _add(nested[-1], head[0], head[1:], rest)
    return circuit, left


def _add(netlist: Any, letter: str, name: str, rest: str) -> None:
    """Add an element to a PySpice netlist."""
    words = rest.split()
    plain = [word for word in words if "=" not in word]
    if letter in "RCLVI":
        p, n, value = rest.split(" ", 2)
        getattr(netlist, letter)(name, p, n, _value(value.removeprefix("DC ")))
    elif letter == "B":
        p, n, source = rest.split(" ", 2)
        kind, _, expression = source.partition("=")
        netlist.B(name, p, n, **{kind.lower(): expression})
    elif letter in "EG":
        (netlist.VCVS if letter == "E" else netlist.VCCS)(name, *words[:-1], _value(words[-1]))
    elif letter in "FH":
        getattr(netlist, letter)(name, *words[:-1], _value(words[-1]))
    elif letter == "X":
        netlist.X(name, plain[-1], *plain[:-1]).parameters.update(_pairs(words))
    elif letter in "MDQJZ":
        values = " ".join(word for word in words if "=" in word)
        getattr(netlist, letter)(name, *plain[:-1], model=plain[-1], raw_spice=values)
    else:
        raise RenderError(f"part {name}", found=f"an element {letter}", expected="one that PySpice has",
                          remedy="Use engine ngspice or ngspice-osdi")


def _pairs(words: Iterable[str]) -> dict[str, float]:
    """The parameters among the words of a line."""
    return {name: float(value) for name, _, value in (word.partition("=") for word in words) if value}


def _value(text: str) -> float | str:
    """A number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
