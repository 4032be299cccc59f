"""ngspice with compiled Verilog-A: device lines and the load block."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spicemem.circuit import Circuit, Element
from spicemem.model import Model
from spicemem.render import ngspice
from spicemem.units import number


def element_line(element: Element, name: str, nets: dict[str, str]) -> str:
    """One element as a line; devices are N instances of the model card sm_d_<device>."""
    part = element.part
    if not isinstance(part, Model):
        return ngspice.element_line(element, name, nets)
    d = part.definition
    changed = " ".join(f"{k}={number(v)}" for k, v in part.values.items() if v != d.params[k].default)
    return f"N{name} {' '.join(nets[p] for p in d.pins)} sm_d_{d.name} {changed}".rstrip()


def model_card(device: str) -> str:
    """The card between instances and the compiled module; blanks matter (ngspice drops a parameter after a bracket)."""
    return f".model sm_d_{device} {device}"


def load_block(files: Iterable[str | Path]) -> str:
    """The control block that loads compiled modules; paths are relative to the top netlist."""
    return "\n".join([".control", *(f"pre_osdi {file}" for file in files), "set num_threads=1", ".endc"])


def cell_library(circuit: Circuit) -> str:
    """A cell over compiled modules: compile each <device>.va to <device>.osdi first."""
    devices, cells = ngspice.contents(circuit)
    return "\n".join([
        *ngspice.cell_header(circuit, "*"), load_block(f"{name}.osdi" for name in devices),
        *ngspice.include_lines(circuit.elements()), *map(model_card, devices),
        *(ngspice.cell_subckt(cell, element_line) for cell in cells.values()),
    ])
