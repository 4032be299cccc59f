"""Spectre: cells over Verilog-A modules, and a library of each device with sections for presets and corners."""

from __future__ import annotations

from typing import cast

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
    VoltageGain,
    VoltageSource,
    source_wave,
)
from spicemem.errors import ModelError, RenderError
from spicemem.model import Model
from spicemem.render.ngspice import cell_header, contents
from spicemem.render.text import header
from spicemem.units import number
from spicemem.waveform import Waveform

#: Standard deviations of a corner, of every parameter that spreads.
SIGMAS = 3.0
_WIDTH = 90


def fold(line: str) -> str:
    """A long line broken at blanks and continued with +, indented."""
    rows = [""]
    for word in line.split(" "):
        if rows[-1].strip() and len(rows[-1]) + len(word) > _WIDTH:
            rows.append("+   ")
        rows[-1] += word + " "
    return "\n".join(row.rstrip() for row in rows)


def wave_text(wave: Waveform) -> str:
    """A source's value: a constant or a piecewise-linear list from time 0, each of its points a break point."""
    if len(wave.times) == 1 or wave.times[-1] <= 0:
        return f"dc={number(float(wave.values[-1]))}"
    run = wave.starting_at(0.0)
    points = " ".join(f"{number(t)} {number(v)}" for t, v in zip(run.times, run.values, strict=True))
    return f"type=pwl allbrkpts=yes wave=[{points}]"


def _values(device: Model) -> str:
    params = device.definition.params
    return "".join(f" {k}={number(v)}" for k, v in device.values.items() if v != params[k].default)


def element_line(element: Element, name: str, nets: dict[str, str]) -> str:
    """One element as a line; devices are instances of their Verilog-A module."""
    part = element.part
    if isinstance(part, Model):
        d = part.definition
        return f"{name} ({' '.join(nets[p] for p in d.pins)}) {d.name}{_values(part)}"
    if isinstance(part, Resistor):
        text = f"resistor r={number(part.ohm)}"
    elif isinstance(part, Capacitor):
        text = f"capacitor c={number(part.farad)}"
    elif isinstance(part, Inductor):
        text = f"inductor l={number(part.henry)}"
    elif isinstance(part, VoltageSource | CurrentSource):
        text = f"{'v' if isinstance(part, VoltageSource) else 'i'}source {wave_text(source_wave(part))}"
    elif isinstance(part, VoltageGain):
        text = f"vcvs gain={number(part.gain)}"
    elif isinstance(part, Transconductor):
        text = f"vccs gm={number(part.siemens)}"
    elif isinstance(part, CurrentGain):
        text = f"cccs probe={part.sense} gain={number(part.gain)}"
    elif isinstance(part, Transresistor):
        text = f"ccvs probe={part.sense} rm={number(part.ohm)}"
    else:
        raise RenderError(f"part {element.path}", found=type(part).__name__, expected="a part of this package",
                          remedy="Use target ngspice for those of another one's library")
    return f"{name} ({' '.join(nets[p] for p in part.pins)}) {text}"


def cell_library(circuit: Circuit) -> str:
    """A cell as a subcircuit, to be included; the modules it includes are <device>.va beside it."""
    devices, cells = contents(circuit)
    lines = [*cell_header(circuit, "//"), "simulator lang=spectre", *(f'ahdl_include "{name}.va"' for name in devices)]
    for cell in cells.values():
        lines += ["", f"subckt {cell.name} ({' '.join(cell.ports)})"]
        for name, (part, nets) in cell.parts.items():
            lines.append(fold("  " + (
                f"{name} ({' '.join(nets[p] for p in part.ports)}) {part.name}" if isinstance(part, Circuit)
                else element_line(Element(name, part, nets), name, nets))))
        lines.append(f"ends {cell.name}")
    return "\n".join([*lines, ""])


class _Corner:
    """Stands for random numbers that are all drawn at one end."""

    def __init__(self, sign: float):
        self.sign = sign

    def standard_normal(self) -> float:
        return self.sign * SIGMAS

    def uniform(self, low: float, high: float) -> float:
        return high if self.sign > 0 else low


def corner(device: Model, sign: float) -> Model:
    """The device with every parameter that spreads three standard deviations up (sign 1) or down (-1), the end of an
    even spread, or the end of its range where that is nearer."""
    source = cast(np.random.Generator, _Corner(sign))
    params = device.definition.params
    values = {}
    for name, distribution in device.spread.items():
        value = distribution.around(device.values[name], source)
        values[name] = min(max(value, params[name].low), params[name].high)
    return device.replace(**values)


def sections(device: Model) -> dict[str, Model]:
    """The sections of a device's library: typical (this device), low and high where it spreads, then its presets."""
    found = {"typical": device}
    if device.spread:
        for name, sign in (("low", -1.0), ("high", 1.0)):
            try:
                found[name] = corner(device, sign)
            except ModelError as error:
                raise RenderError(f"{device.definition.name}: corner {name}", found=str(error),
                                  expected="values that the device takes together") from None
    kind = type(device)
    presets = {f"preset_{name}" if name in found else name: kind.preset(name) for name in kind.presets}
    return {**found, **presets}


def model_name(device: Model) -> str:
    """The model that every section of a device's library defines."""
    return f"{device.definition.name}_model"


def device_library(device: Model) -> str:
    """A library of a device: `include "<device>.scs" section=typical`, then instances of <device>_model.

    low and high: parameters that spread at three standard deviations, all at once. The module is <device>.va beside it.
    """
    d = device.definition
    lines = [header(d, device, "//"), "", f"library {d.name}_library"]
    for name, values in sections(device).items():
        lines += ["", f"section {name}", "simulator lang=spectre", f'ahdl_include "{d.name}.va"',
                  fold(f"model {model_name(device)} {d.name}{_values(values)}"), f"endsection {name}"]
    return "\n".join([*lines, "", f"endlibrary {d.name}_library", ""])
