"""The data sheet of any device, from its declared behaviour alone: what a designer wants to see before using it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spicemem.circuit import GROUND, Circuit, CurrentSource
from spicemem.engines import Engine
from spicemem.errors import SpicememError
from spicemem.model import Model
from spicemem.protocols.characterise import (
    Array,
    Trace,
    half_loops,
    middle,
    pulse_train,
    relaxation,
    switching_time,
    switching_voltage,
)
from spicemem.protocols.conductance import conductance
from spicemem.units import engineering, prefix

#: Amplitudes of the switching times, in switching voltages of the loop.
OVERDRIVE = np.array([1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5])


@dataclass
class Sheet:
    """What was found: empty where the behaviour has no such thing or the run failed; `failures` then says why.

    halves: the half loops. steady: V and A of the steady I-V under current drive (volatile devices). switching: V and
    s by "set" and "reset". trains: conductances (S) by "potentiation" and "depression". rest: s and S after
    potentiation. figures: the key figures, as text by name.
    """

    device: Model
    made_by: str
    halves: list[Trace] = field(default_factory=list)
    steady: tuple[Array, Array] | None = None
    switching: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    trains: dict[str, Array] = field(default_factory=dict)
    rest: tuple[Array, Array] | None = None
    figures: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def data_sheet(device: Model, engine: Engine, progress: Callable[[int, int, str], None] | None = None) -> Sheet:
    """Run everything a data sheet shows. Raises ModelError for a device without behaviour; a part that fails is noted
    in `failures` and the others are still there."""
    device.handling()
    sheet = Sheet(device, f"{engine.name} {engine.version()}")
    parts = {"I-V loop": _loops, "steady I-V": _steady, "switching time": _switching, "pulses": _trains,
             "retention": _rest}
    for done, (name, part) in enumerate(parts.items(), 1):
        try:
            part(sheet, engine)
        except SpicememError as error:
            sheet.failures[name] = str(error)
        if progress:
            progress(done, len(parts), f"data sheet of {device.definition.name}")
    return sheet


def _loops(sheet: Sheet, engine: Engine) -> None:
    device, b = sheet.device, sheet.device.handling()
    sheet.halves = half_loops(device, engine=engine)
    if b.kind in ("bipolar", "unipolar"):  # the first loop depends on where the device happened to start
        sheet.halves = half_loops(device, engine=engine, initial=sheet.halves[-1].final)
    unit = device.write_unit
    first = sheet.halves[0]
    v_set = switching_voltage(first)
    set_name, reset_name = ("v_set", "v_reset") if unit == "V" else ("set at", "reset at")
    sheet.figures["threshold" if b.kind == "threshold" else set_name] = (
        f"{engineering(v_set, unit)} at {engineering(b.rate, unit)}/s" if np.isfinite(v_set) else "does not switch")
    if len(sheet.halves) > 1 and b.kind != "volatile":
        v_reset = switching_voltage(sheet.halves[1])
        name = "other sign" if b.kind == "threshold" else reset_name
        sheet.figures[name] = engineering(v_reset, unit) if np.isfinite(v_reset) else "does not switch"
    every = np.concatenate([half.siemens for half in sheet.halves])
    low, high = float(every.min()), float(every.max())
    sheet.figures["r_off"] = f"{engineering(1 / low, 'Ohm')} at {engineering(b.v_read, 'V')}"
    sheet.figures["r_on"] = engineering(1 / high, "Ohm")
    sheet.figures["r_off/r_on"] = f"{high / low:.3g}"


def _steady(sheet: Sheet, engine: Engine) -> None:
    device, b, d = sheet.device, sheet.device.handling(), sheet.device.definition
    if b.kind != "threshold" or b.write not in d.terminals or not any(
            s.static == "solve" for s in d.states.values()) or not sheet.halves:
        return
    top = max(float(np.abs(half.amps).max()) for half in sheet.halves)
    amps = np.geomspace(top * 1e-5, top, 200)
    circuit = Circuit("steady", title=f"steady I-V of {d.name}")
    circuit.add("dut", device, **{pin: "p" if pin == b.write else GROUND for pin in d.pins})
    circuit.add("i_drive", CurrentSource(float(amps[0])), p=GROUND, n="p")
    found = engine.dc(circuit, "i_drive", amps.tolist(), save=["v(p)"])
    sheet.steady = found["v(p)"], amps


def _switching(sheet: Sheet, engine: Engine) -> None:
    device, b = sheet.device, sheet.device.handling()
    for k, (name, half) in enumerate(zip(("set", "reset"), sheet.halves, strict=False)):
        volts = switching_voltage(half)
        if b.kind in ("threshold", "volatile") and k:
            break
        if not np.isfinite(volts) or np.ptp(np.log(half.siemens)) < 0.05:
            continue
        series = OVERDRIVE * volts
        start = sheet.halves[k - 1].final if b.kind in ("bipolar", "unipolar") else None
        times = [switching_time(device, v, middle(half), engine=engine, initial=start, shortest=b.times[0],
                                longest=b.times[1] * 10) for v in series]
        sheet.switching[name] = series, np.array(times)
        at = dict(zip(OVERDRIVE.tolist(), times, strict=True))[2.0]
        if np.isfinite(at):
            sheet.figures[f"t_{name}"] = f"{engineering(at, 's')} at {engineering(2 * volts, device.write_unit)}"


def _trains(sheet: Sheet, engine: Engine) -> None:
    device, b = sheet.device, sheet.device.handling()
    up, state = pulse_train(device, *b.set_pulse, b.pulses, engine=engine, series=b.series)
    sheet.trains["potentiation"] = up
    left = f"{up[-1] / up[0]:.3g} times" if abs(up[-1] / up[0] - 1) > 0.01 else "none left"
    sheet.figures["potentiation"] = f"{_pulses(device, b.set_pulse)}: {left}"
    if b.reset_pulse is not None:
        down, _ = pulse_train(device, *b.reset_pulse, b.pulses, engine=engine, initial=state)
        sheet.trains["depression"] = down
        undone = (up[-1] - down[-1]) / (up[-1] - up[0]) if up[-1] != up[0] else float("nan")
        sheet.figures["depression"] = f"{_pulses(device, b.reset_pulse)}: {100 * undone:.0f} % undone"


def _pulses(device: Model, pulse: tuple[float, float]) -> str:
    volts, width = pulse
    return f"{device.handling().pulses} pulses of {engineering(volts, device.write_unit)}, {engineering(width, 's')}"


def _rest(sheet: Sheet, engine: Engine) -> None:
    device, b = sheet.device, sheet.device.handling()
    _, state = pulse_train(device, *b.set_pulse, b.pulses, engine=engine, gap=b.times[0], series=b.series)
    times, siemens = relaxation(device, b.retention, engine=engine, shortest=min(b.times[0], b.retention / 100),
                                initial=state)
    sheet.rest = times, siemens
    start = conductance(device, {n.partition(".")[2]: v for n, v in state.items() if n.startswith("dut.")})[0]
    rest = conductance(device, {n: device.initial(n) for n in device.definition.states})[0]
    if abs(start - rest) <= 0.01 * abs(rest):
        sheet.figures["retention"] = f"back at rest within {engineering(b.times[0], 's')}"
        return
    gone = np.flatnonzero(np.abs(siemens - start) > 0.5 * abs(start - rest))
    sheet.figures["retention"] = (
        f"half of the change gone after {engineering(float(times[gone[0]]), 's')}" if len(gone)
        else f"more than half of the change kept for {engineering(b.retention, 's')}")


def draw(sheet: Sheet) -> Figure:
    """The data sheet as a figure: I-V loop linear and logarithmic, switching time, pulses, retention, key figures."""
    device, d = sheet.device, sheet.device.definition
    figure = Figure(figsize=(15, 9), layout="constrained")
    panels: Any = figure.subplots(2, 3)
    preset = f", preset {device.preset_name}" if device.preset_name else ""
    figure.suptitle(f"{d.title}\n{d.name}{preset}; {sheet.made_by}", fontsize=12)
    parts = (("I-V loop", _draw_linear, "I-V loop"), ("I-V loop, logarithmic", _draw_log, "I-V loop"),
             ("Switching time against amplitude", _draw_switching, "switching time"),
             ("Potentiation and depression", _draw_trains, "pulses"),
             ("Retention after potentiation", _draw_rest, "retention"), ("Key figures", _draw_figures, ""))
    for panel, (title, paint, part) in zip(panels.flat, parts, strict=True):
        panel.set_title(title, fontsize=11)
        if part in sheet.failures:
            _say(panel, f"failed: {sheet.failures[part][:120]}")
        else:
            paint(panel, sheet)
    return figure


def _say(panel: Axes, text: str) -> None:
    panel.text(0.5, 0.5, text, ha="center", va="center", wrap=True, transform=panel.transAxes, fontsize=9)
    panel.set_xticks([])
    panel.set_yticks([])


def _axis(label: str, unit: str, largest: float) -> tuple[float, str]:
    scale, letter = prefix(largest) if unit.isalpha() else (1.0, "")
    return scale, f"{label} ({letter}{unit})"


def _loop_axes(panel: Axes, sheet: Sheet) -> tuple[float, float]:
    b = sheet.device.handling()
    unit = sheet.device.write_unit
    x, x_text = _axis(f"{'voltage' if unit == 'V' else 'drive'} at {b.write}", unit,
                      max(float(np.abs(h.volts).max()) for h in sheet.halves))
    where = f"current into {b.read}" + (f" at {engineering(b.v_read, 'V')}" if b.read != b.write else "")
    y, y_text = _axis(where, "A", max(float(np.abs(h.amps).max()) for h in sheet.halves))
    panel.set_xlabel(x_text)
    panel.set_ylabel(y_text)
    panel.grid(alpha=0.3)
    return x, y


def _draw_linear(panel: Axes, sheet: Sheet) -> None:
    x, y = _loop_axes(panel, sheet)
    for k, half in enumerate(sheet.halves):
        panel.plot(half.volts * x, half.amps * y, label=f"to {engineering(_peak(half), sheet.device.write_unit)}",
                   color=f"C{k}")
    panel.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    panel.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    panel.legend(fontsize=8)


def _peak(half: Trace) -> float:
    return float(half.volts[np.argmax(np.abs(half.volts))])


def _draw_log(panel: Axes, sheet: Sheet) -> None:
    x, _ = _loop_axes(panel, sheet)
    # Below what a simulator resolves (its abstol) a current is noise; the equations go on, a log axis should not.
    for k, half in enumerate(sheet.halves):
        amps = np.abs(half.amps)
        panel.semilogy(half.volts * x, np.where(amps > 1e-13, amps, np.nan), color=f"C{k}",
                       label=f"to {engineering(_peak(half), sheet.device.write_unit)}")
    if sheet.steady is not None:
        panel.semilogy(sheet.steady[0] * x, sheet.steady[1], "k--", linewidth=1, label="steady, current driven")
    panel.set_ylabel(panel.get_ylabel().replace("current", "|current|").rsplit(" (", 1)[0] + " (A)")
    panel.legend(fontsize=8)


def _draw_switching(panel: Axes, sheet: Sheet) -> None:
    if not sheet.switching or not any(np.isfinite(t).any() for _, t in sheet.switching.values()):
        return _say(panel, "no switching in the I-V loop")
    unit = sheet.device.write_unit
    largest = max(float(np.abs(volts).max()) for volts, _ in sheet.switching.values())
    scale, text = _axis("amplitude, without sign", unit, largest)
    for k, (name, (volts, times)) in enumerate(sheet.switching.items()):
        panel.semilogy(np.abs(volts) * scale, times, "o-", color=f"C{k}", label=name)
    panel.set_xlabel(text)
    panel.set_ylabel("time to the middle of the switch (s)")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8)


def _draw_trains(panel: Axes, sheet: Sheet) -> None:
    both = np.concatenate(list(sheet.trains.values()))
    log = both.max() / both.min() > 100
    scale, text = (1.0, "conductance (S)") if log else _axis("conductance", "S", float(both.max()))
    start = 0
    for k, (name, values) in enumerate(sheet.trains.items()):
        panel.plot(np.arange(start, start + len(values)), values * scale, "o-", markersize=3, color=f"C{k}", label=name)
        start += len(values) - 1
    if log:
        panel.set_yscale("log")
    panel.set_xlabel("pulse number")
    panel.set_ylabel(text)
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8)


def _draw_rest(panel: Axes, sheet: Sheet) -> None:
    assert sheet.rest is not None
    times, siemens = sheet.rest
    log = siemens.max() / siemens.min() > 100
    scale, text = (1.0, "conductance (S)") if log else _axis("conductance", "S", float(siemens.max()))
    panel.semilogx(times, siemens * scale)
    if log:
        panel.set_yscale("log")
    else:
        panel.set_ylim(0, 1.1 * float(siemens.max()) * scale)
    panel.set_xlabel("time at rest (s)")
    panel.set_ylabel(text)
    panel.grid(alpha=0.3)


def _draw_figures(panel: Axes, sheet: Sheet) -> None:
    panel.axis("off")
    cells = [[name, text] for name, text in sheet.figures.items()]
    if cells:
        table = panel.table(cells, cellLoc="left", colWidths=[0.28, 0.72], loc="upper center")
        table.auto_set_font_size(False)
        table.set_fontsize(8.5)
        table.scale(1, 1.5)
