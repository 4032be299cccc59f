"""`spicemem list` and `spicemem show`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from spicemem.commands.base import command, new_console, print_table, progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from spicemem.circuit import Circuit
    from spicemem.model import Model


class Group(StrEnum):
    """What `list` can list."""

    devices = "devices"
    circuits = "circuits"
    experiments = "experiments"
    engines = "engines"
    targets = "targets"


@command
def list_(
    group: Group | None = typer.Argument(
        None, metavar="GROUP", help="Only these: devices, circuits, experiments, engines or targets."),
    as_json: bool = typer.Option(False, "--json", help="For programs: {group: [{name, title}]}, devices with presets."),
) -> None:
    """Tell what there is, one line each; devices alone with their presets.

    \b
    Examples:
      spicemem list
      spicemem list devices
      spicemem list experiments --json
    """
    groups = {g.value: _entries(g) for g in ([group] if group else Group)}
    if as_json:
        rows = {name: [{"name": n, "title": t, **_presets(name, n)} for n, t in entries]
                for name, entries in groups.items()}
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for i, (name, entries) in enumerate(groups.items()):
        if group is None:
            print(("\n" if i else "") + f"{name}:")
        width = max((len(n) for n, _ in entries), default=0)
        for entry, title in entries:
            print(f"{'  ' if group is None else ''}{entry:{width}}  {title}")
            for preset in _presets(name, entry).get("presets", ()) if group else ():
                print(f"  {entry}:{preset['name']}  {preset['title']}")


def _presets(group: str, name: str) -> dict[str, list[dict[str, str]]]:
    if group != Group.devices:
        return {}
    from spicemem.devices import DEVICES

    return {"presets": [{"name": key, "title": preset.doc} for key, preset in DEVICES[name].presets.items()]}


def _entries(group: Group) -> Sequence[tuple[str, str]]:
    if group is Group.devices:
        from spicemem.devices import DEVICES

        return [(name, kind.definition.title) for name, kind in DEVICES.items()]
    if group is Group.circuits:
        from spicemem.circuits import CIRCUITS

        return [(name, (build.__doc__ or "").partition("\n")[0]) for name, build in CIRCUITS.items()]
    if group is Group.experiments:
        from spicemem.experiments import EXPERIMENTS

        return [(name, f"{e.title} ({e.paper})") for name, e in EXPERIMENTS.items()]
    if group is Group.engines:
        from spicemem.engines import ENGINES

        return [(name, engine.description) for name, engine in ENGINES.items()]
    from spicemem.render import TARGETS

    return [(name, target.description) for name, target in TARGETS.items()]


@command
def show(
    device: str = typer.Argument(..., metavar="DEVICE", help="Device, DEVICE:PRESET or circuit, as `list` names it."),
    plot: Path | None = typer.Option(None, "--plot", metavar="FILE", help="Draw its data sheet: .png, .svg or .pdf."),
) -> None:
    """Describe a device or circuit, or draw its data sheet.

    Description and polarity, equations, parameters with units, ranges and sources, presets, literature.

    \b
    Examples:
      spicemem show eis
      spicemem show eis:nano --plot eis.png
      spicemem show divider_gate
    """
    from spicemem.circuit import Circuit
    from spicemem.curve import check_picture
    from spicemem.generate import thing

    found = thing(device)
    if plot is not None:
        check_picture(plot)
        if isinstance(found, Circuit):
            _bench_picture(found, plot)
        else:
            _data_sheet(found, plot)
        print(plot)
    elif isinstance(found, Circuit):
        _show_circuit(found, new_console())
    else:
        _show_device(found, new_console())


def _show_device(device: Model, console: Console) -> None:
    from spicemem.units import NONE, describe, engineering

    def unit(dim: Any) -> str:
        text = describe(dim or NONE)
        return "" if text == "a pure number" else f"  [{text}]"

    d, kind = device.definition, type(device)
    preset = kind.presets.get(device.preset_name or "")
    console.print(f"{d.name}" + (f", preset {device.preset_name}: {preset.doc}" if preset else ""), style="bold")
    console.print(f"\n{d.doc}\n")
    if preset is not None and preset.anode:
        console.print(f"  anode: {preset.anode}. The voltages of the source are applied there: its positive voltage is "
                      "negative v(p, n)\n" if preset.anode == "n" else f"  anode: {preset.anode}\n", soft_wrap=True)
    for name in d.terminals:
        doc = getattr(kind, name).doc
        console.print(f"  terminal {name}" + (f": {doc}" if doc else ""))
    for name in d.nodes:
        console.print(f"  internal node {name}: {getattr(kind, name).doc}")
    for name, given in d.inputs.items():
        console.print(f"  input {name} [{given.unit}]: {given.doc}" + (" (may be left open)" if given.optional else ""))
    console.print("\nEquations (a terminal or node stands for its voltage)", style="bold")
    for name, node in d.locals.items():
        console.print(f"  {name} = {node}{unit(node.dim)}", soft_wrap=True)
    for item in d.branches:
        console.print(f"  i({item.p.value} -> {item.n.value}) = {item.current}  [A]", soft_wrap=True)
    for cap in d.capacitances:
        console.print(f"  C({cap.p.value}, {cap.n.value}) = {cap.farad}  [F]", soft_wrap=True)
    for name, value in d.rates.items():
        console.print(f"  d({name})/dt = {value}{unit(value.dim)}", soft_wrap=True)
    for condition, message in d.constraints:
        console.print(f"  always {condition}: {message}", soft_wrap=True)
    _show_use(device, console)
    console.print("\nParameters", style="bold")
    sources = preset.sources if preset else {}
    spread = {name: f"{type(s).__name__.lower()} {s.size:g}" for name, s in kind.spread.items()}
    print_table(console, ("name", "value" if preset else "default", "unit", "range", "spread", "meaning", "source"), [
        (name, engineering(device.values[name], p.unit), p.unit, p.range, spread.get(name, ""), p.doc,
         sources.get(name, p.source)) for name, p in d.params.items()])
    if d.states:
        console.print("States", style="bold")
        print_table(console, ("name", "unit", "meaning", "start", "low", "high", "resolution", "at rest"), [
            (name, s.unit, s.doc, f"{s.init} = {engineering(device.initial(name), s.unit)}",
             *("none" if e is None else engineering(device.number(e), s.unit) for e in (s.low, s.high)),
             engineering(device.resolution(name), s.unit), "held" if s.static == "hold" else "solved")
            for name, s in d.states.items()])
    if kind.presets:
        console.print("Presets", style="bold")
        print_table(console, ("name", "what it is", "values", "source"), [
            (f"{d.name}:{name}", p.doc,
             ", ".join(f"{k} = {engineering(v, d.params[k].unit)}" for k, v in p.values.items()) or "the defaults",
             p.source) for name, p in kind.presets.items()])
    console.print("Literature", style="bold")
    for source in dict.fromkeys([d.reference, *(p.source for p in kind.presets.values())]):
        console.print(f"  {source}", soft_wrap=True)


def _show_use(device: Model, console: Console) -> None:
    from spicemem.units import engineering

    if device.behaviour is None:
        return
    b, unit = device.handling(), device.write_unit
    used = [pulse for pulse in (b.set_pulse, b.reset_pulse) if pulse]
    pulses = [f"{engineering(volts, unit)} for {engineering(width, 's')}" for volts, width in used]
    rows = [("kind", b.kind), ("written at", f"{b.write} against {b.common}"), ("read at", f"{b.read}, "
            f"{engineering(b.v_read, 'V')}"), ("largest threshold", engineering(b.threshold, unit)),
            ("pulses", " and ".join(pulses)), ("time scales", " to ".join(engineering(t, "s") for t in b.times))]
    rows += [("bias", ", ".join(f"{pin} at {engineering(v, 'V')}" for pin, v in b.bias.items()))] if b.bias else []
    rows += [("series resistance", engineering(b.series, "Ohm"))] if b.series else []
    console.print("\nUse", style="bold")
    for name, text in rows:
        console.print(f"  {name}: {text}", soft_wrap=True)


def _show_circuit(circuit: Circuit, console: Console) -> None:
    import inspect

    from spicemem.circuits import CIRCUITS
    from spicemem.generate import circuit_settings
    from spicemem.units import engineering

    console.print(f"{circuit.name}: {circuit.title}", style="bold")
    console.print(f"\n{inspect.getdoc(CIRCUITS[circuit.name])}\n")
    console.print(f"Ports: {', '.join(circuit.ports)}\n")
    console.print("Parameters (and PART.PARAMETER of each device)", style="bold")
    print_table(console, ("name", "default", "unit"), [
        (name, "see above" if default is None else engineering(default, unit), unit)
        for name, (default, unit) in circuit_settings(circuit.name).items()])
    console.print("Parts", style="bold")
    print_table(console, ("name", "part", "pins and nets"), [
        (name, part.name if hasattr(part, "name") else repr(part), " ".join(f"{p}={n}" for p, n in nets.items()))
        for name, (part, nets) in circuit.parts.items()])


def _data_sheet(device: Model, path: Path) -> None:
    from spicemem import engines
    from spicemem.curve import save_figure
    from spicemem.datasheet import data_sheet, draw

    with progress_bar() as progress:
        sheet = data_sheet(device, engines.default(), progress)
    console = new_console()
    print_table(console, ("figure", "value"), list(sheet.figures.items()))
    for part, why in sheet.failures.items():
        console.print(f"{part} failed: {why}", soft_wrap=True)
    save_figure(draw(sheet), path)


def _bench_picture(cell: Circuit, path: Path) -> None:
    """The bench of a cell, run on the default engine: what drives it, and how it answers."""
    import numpy as np
    from matplotlib.figure import Figure

    from spicemem import engines
    from spicemem.curve import save_figure
    from spicemem.render.bench import bench_circuit, bench_of, drawn, heading
    from spicemem.units import prefix

    bench, answers, engine = bench_of(cell), drawn(cell), engines.default()
    result = engine.run(bench_circuit(cell), bench.stop, max_step=bench.max_step,
                        save=dict.fromkeys([*(f"v({pin})" for pin in bench.drives), *(s for s, _ in answers.values())]))
    figure = Figure(figsize=(8, 6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    t_scale, t_letter = prefix(bench.stop)
    for pin in bench.drives:
        top.plot(result.time * t_scale, result[f"v({pin})"], label=pin)
    unit = next(iter(answers.values()))[1]
    largest = max(float(np.abs(result[wave]).max()) for wave, _ in answers.values())
    scale, letter = prefix(largest) if unit.isalpha() else (1.0, "")
    for entry, (wave, _) in answers.items():
        bottom.plot(result.time * t_scale, result[wave] * scale, label=entry)
    figure.suptitle(f"{heading(cell)}\n({result.engine} {result.version})", fontsize=12)
    top.set_ylabel("drive (V)")
    name = bench.y_label.partition(" [")[0]
    bottom.set_ylabel(name if unit == "1" else f"{name} ({letter}{unit})")
    bottom.set_xlabel(f"time ({t_letter}s)")
    for axes in (top, bottom):
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(figure, path)
