"""VACASK: elements as lines of its own language; devices are compiled Verilog-A."""

from __future__ import annotations

import numpy as np

from spicemem.circuit import (
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Element,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VerilogA,
    VoltageGain,
    VoltageSource,
    source_wave,
)
from spicemem.errors import RenderError
from spicemem.model import Model
from spicemem.render.ngspice import cell_header, contents
from spicemem.units import number
from spicemem.waveform import Waveform

#: Model cards of the linear parts: our name for the card, VACASK's device, the module to load.
CARDS = {
    Resistor: ("sm_r", "resistor", "resistor.osdi"), Capacitor: ("sm_c", "capacitor", "capacitor.osdi"),
    Inductor: ("sm_l", "inductor", "inductor.osdi"), VoltageSource: ("sm_v", "vsource", ""),
    CurrentSource: ("sm_i", "isource", ""), VoltageGain: ("sm_e", "vcvs", ""), Transconductor: ("sm_g", "vccs", ""),
    CurrentGain: ("sm_f", "cccs", ""), Transresistor: ("sm_h", "ccvs", ""),
}


def instant(time: float) -> float:
    """A time (s) in 13 digits: points of two sources that differ by rounding alone, or from the end of the run, would
    leave VACASK steps of 1e-21 s, and it would give up ("timestep too small")."""
    return float(f"{time:.12e}")


def wave_text(wave: Waveform) -> str:
    """A source's value: a constant or a piecewise-linear list that starts at time 0."""
    if len(wave.times) == 1 or wave.times[-1] <= 0:
        return f"dc={number(float(wave.values[-1]))}"
    run = wave.starting_at(0.0)
    times = np.array([instant(t) for t in run.times])
    times = times if (np.diff(times) > 0).all() else run.times
    points = ", ".join(f"{number(t)}, {number(v)}" for t, v in zip(times, run.values, strict=True))
    return f'type="pwl" wave=[{points}]'


def element_line(element: Element, name: str, nets: dict[str, str]) -> str:
    """One element as a line; devices are instances of the model card sm_d_<device>."""
    part = element.part
    if isinstance(part, Model):
        d = part.definition
        changed = " ".join(f"{k}={number(v)}" for k, v in part.values.items() if v != d.params[k].default)
        return f"{name} ({' '.join(nets[p] for p in d.pins)}) sm_d_{d.name} {changed}".rstrip()
    if isinstance(part, VerilogA):
        return f"{name} ({' '.join(nets[p] for p in part.pins)}) {part.card}"
    if type(part) not in CARDS:
        raise RenderError(f"part {element.path}", found=type(part).__name__, expected="a part that VACASK has")
    start = f"{name} ({' '.join(nets[p] for p in part.pins)}) {CARDS[type(part)][0]} "
    if isinstance(part, Resistor):
        return f"{start}r={number(part.ohm)}"
    if isinstance(part, Capacitor):
        return f"{start}c={number(part.farad)}"
    if isinstance(part, Inductor):
        return f"{start}l={number(part.henry)}"
    if isinstance(part, VoltageSource | CurrentSource):
        return start + wave_text(source_wave(part))
    if isinstance(part, VoltageGain):
        return f"{start}gain={number(part.gain)}"
    if isinstance(part, Transconductor):
        return f"{start}gain={number(part.siemens)}"
    if isinstance(part, CurrentGain):
        return f'{start}ctlinst="{part.sense}" gain={number(part.gain)}'
    assert isinstance(part, Transresistor)
    return f'{start}ctlinst="{part.sense}" gain={number(part.ohm)}'


def cards(kinds: set[type]) -> list[str]:
    """Load lines and model cards of the linear parts used."""
    used = [entry for kind, entry in CARDS.items() if kind in kinds]
    return [f'load "{file}"' for _, _, file in used if file] + [f"model {card} {device}" for card, device, _ in used]


def cell_library(circuit: Circuit) -> str:
    """A cell as a VACASK subcircuit, with what it loads: <device>.osdi, compiled from <device>.va."""
    devices, cells = contents(circuit)
    kinds: set[type] = set()
    blocks = []
    for cell in cells.values():
        lines = [f"subckt {cell.name}({' '.join(cell.ports)})"]
        for name, (part, nets) in cell.parts.items():
            if isinstance(part, Circuit):
                lines.append(f"  {name} ({' '.join(nets[p] for p in part.ports)}) {part.name}")
            else:
                kinds.add(type(part))
                lines.append("  " + element_line(Element(name, part, nets), name, nets))
        blocks.append("\n".join([*lines, "ends", ""]))
    head = [*cell_header(circuit, "//"), *(f'load "{name}.osdi"' for name in devices), *cards(kinds)]
    return "\n".join([*head, *(f"model sm_d_{name} {name}" for name in devices), "", *blocks])
