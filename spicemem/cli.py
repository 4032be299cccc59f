"""The command `spicemem`. Heavy modules are imported inside the commands, so that --help comes at once."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from spicemem import __version__
from spicemem.errors import EngineError, InputError, SpicememError, nearest
from spicemem.files import write_folder, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from spicemem.circuit import Circuit
    from spicemem.model import Model

INTERRUPTED, UNSUPPORTED = 130, 3
_Function = TypeVar("_Function", bound=Callable[..., None])

app = typer.Typer(
    name="spicemem", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command has its own help: spicemem run --help",
)

Settings = typer.Option(
    [], "--param", "-p", metavar="NAME=VALUE",
    help="Set a parameter, as often as needed. Numbers may end in f p n u m k meg G and the unit: 10u, 1.5meg, 100ns.")


def command(function: _Function) -> _Function:
    """Register a command whose every failure is one line on stderr and an exit status."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except SpicememError as error:
            fail(str(error))
        except KeyboardInterrupt:
            _stop_simulators()
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except OSError as error:  # a full disk, a folder without permission: no bug
            fail(f"{type(error).__name__}: {error}")
        except Exception as error:
            handle, name = tempfile.mkstemp(prefix="spicemem-error-", suffix=".log")
            with os.fdopen(handle, "w", errors="backslashreplace") as log:
                log.write(f"spicemem {__version__} {sys.argv[1:]}\n{traceback.format_exc()}")
            fail(f"unexpected {type(error).__name__}: {error}. This is a bug in spicemem: please report it with {name}")

    return app.command(function.__name__.rstrip("_"))(guarded)  # type: ignore[return-value]


def fail(message: str, status: int = 1) -> NoReturn:
    """One line on stderr, then the end."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(status)


def _stop_simulators() -> None:
    module = sys.modules.get("spicemem.engines.process")
    if module is not None:
        module.stop_all()


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"spicemem {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Memristive devices: netlists, Verilog-A, simulations and learning curves from one definition.

    \b
    First steps:
      spicemem doctor                 which simulators are here, and how to get one
      spicemem list                   what there is: devices, circuits, experiments, ...
      spicemem show eis               one device: equations, parameters, sources
      spicemem netlist eis            the device as an ngspice subcircuit
      spicemem run eis-stdp           repeat a published result and score it
    """


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
        _show_circuit(found, _console())
    else:
        _show_device(found, _console())


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    # No markup: brackets in our texts are units, not styles. Lines of a log need no wrapping at 80 characters.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 160
    return console


def _table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD if console.is_terminal else box.ASCII2, pad_edge=False)
    for column in table.columns[:1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    console.print(table)


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
    _table(console, ("name", "value" if preset else "default", "unit", "range", "spread", "meaning", "source"), [
        (name, engineering(device.values[name], p.unit), p.unit, p.range, spread.get(name, ""), p.doc,
         sources.get(name, p.source)) for name, p in d.params.items()])
    if d.states:
        console.print("States", style="bold")
        _table(console, ("name", "unit", "meaning", "start", "low", "high", "resolution", "at rest"), [
            (name, s.unit, s.doc, f"{s.init} = {engineering(device.initial(name), s.unit)}",
             *("none" if e is None else engineering(device.number(e), s.unit) for e in (s.low, s.high)),
             engineering(device.resolution(name), s.unit), "held" if s.static == "hold" else "solved")
            for name, s in d.states.items()])
    if kind.presets:
        console.print("Presets", style="bold")
        _table(console, ("name", "what it is", "values", "source"), [
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
    _table(console, ("name", "default", "unit"), [
        (name, "see above" if default is None else engineering(default, unit), unit)
        for name, (default, unit) in circuit_settings(circuit.name).items()])
    console.print("Parts", style="bold")
    _table(console, ("name", "part", "pins and nets"), [
        (name, part.name if hasattr(part, "name") else repr(part), " ".join(f"{p}={n}" for p, n in nets.items()))
        for name, (part, nets) in circuit.parts.items()])


def _data_sheet(device: Model, path: Path) -> None:
    from spicemem import engines
    from spicemem.curve import save_figure
    from spicemem.datasheet import data_sheet, draw

    with _progress() as progress:
        sheet = data_sheet(device, engines.default(), progress)
    console = _console()
    _table(console, ("figure", "value"), list(sheet.figures.items()))
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


@command
def netlist(
    thing: str = typer.Argument(..., metavar="THING", help="Device, DEVICE:PRESET or circuit, as `list` names it."),
    target: str = typer.Option("ngspice", "--target", "-t", metavar="T", help="Dialect, see `spicemem list targets`."),
    param: list[str] = Settings,
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Write there instead of to the screen."),
    folder: Path | None = typer.Option(
        None, "--bundle", metavar="DIR", help="Write a folder that runs as it is: models, test bench, README."),
) -> None:
    """Print a device or circuit as text for a simulator.

    The text is self-contained, to be included in a netlist of your own (with Verilog-A: beside its modules). With
    --bundle there is a test bench to it, and the command that runs it.

    \b
    Examples:
      spicemem netlist eis -o eis.lib
      spicemem netlist eis:nano --target verilog-a -p g_init=500n
      spicemem netlist divider_gate -p r=1meg -p syn.g_init=500n
      spicemem netlist divider_gate -p device=eis:nano
      spicemem netlist divider_gate --target ltspice --bundle divider
    """
    from spicemem import generate as shipped
    from spicemem.render import TARGETS, render
    from spicemem.render.bundle import bundle

    if target not in TARGETS:
        raise InputError("target", found=repr(target), expected="one that `spicemem list targets` names",
                         remedy=nearest(target, TARGETS))
    if folder is not None and out is not None:
        raise InputError("--out and --bundle", found="both", expected="one of them")
    found = shipped.thing(thing, shipped.settings_of(param))
    if folder is not None:
        write_folder(folder, bundle(found, target))
        print(folder / "README.md")
    elif out is None:
        sys.stdout.write(render(found, target))
    else:
        write_text(out, render(found, target))


@command
def portability_(
    names: list[str] = typer.Argument(None, metavar="[THING]...", help="Devices and circuits. Default: all there are."),
    target: list[str] = typer.Option([], "--target", "-t", metavar="T", help="Only these targets. Default: all."),
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Write the page of all results there."),
) -> None:
    """Run what is written for other simulators in those that are here, and compare with the native waveform.

    Exit status 1 where a waveform differs by more than 0.1 %, a reader warns or a run fails.

    \b
    Examples:
      spicemem portability divider_gate mott -t ltspice
      spicemem portability -o docs/portability.md
    """
    from concurrent.futures import ThreadPoolExecutor

    from spicemem import generate as shipped
    from spicemem import portability
    from spicemem.circuits import CIRCUITS
    from spicemem.devices import DEVICES
    from spicemem.devices.transistor import TRANSISTORS
    from spicemem.render.bench import name_of

    things = [shipped.thing(name) for name in names or [*DEVICES, *TRANSISTORS, *CIRCUITS]]
    wanted = [(thing, t) for thing in things for t in target or portability.CHECKED]
    done: list[portability.Check] = []
    wrong: list[str] = []
    with _progress() as progress, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = [pool.submit(portability.check, thing, t) for thing, t in wanted]
        for count, (submitted, (thing, t)) in enumerate(zip(runs, wanted, strict=True), 1):
            try:
                done.append(submitted.result())
            except SpicememError as error:
                print(f"{name_of(thing)} {t}: {error}")
                wrong.append(f"{name_of(thing)} for {t}")
            progress(count, len(wanted), "netlists")
    for item in done:
        edges = f", {item.shifted:.1e} but for its edges" if item.deviation > portability.DEVIATION else ""
        print(f"{item.name} {item.target}: {item.deviation:.1e} of the span{edges}{'' if item.good else ': DIFFERS'}")
    if out is not None:
        write_text(out, portability.page(done))
    wrong += [f"{item.name} for {item.target}" for item in done if not item.good]
    if wrong:
        fail(f"not as the native waveform: {', '.join(wrong)}")


@command
def generate_(
    check: bool = typer.Option(False, "--check", help="Write nothing; exit 1 and name what is out of date."),
    root: Path = typer.Option(Path("."), "--root", metavar="DIR", help="Root of the repository."),
) -> None:
    """Write the shipped netlists/ and verilog-a/, or check them.

    Both are made from the definitions of devices and circuits, and from nothing else.

    \b
    Examples:
      spicemem generate
      spicemem generate --check
    """
    from spicemem import generate as shipped

    if check:
        changes = shipped.stale(root)
        for name, why in changes.items():
            print(f"{why}: {name}")
        if changes:
            fail(f"{len(changes)} shipped files are not what the definitions say. Run `spicemem generate`")
        print("all shipped files are current")
        return
    changes = shipped.generate(root)
    for name, why in changes.items():
        print(f"{'deleted' if why == 'surplus' else 'wrote'} {root / name}")
    if not changes:
        print("all shipped files were current")


@command
def run(
    experiment: str = typer.Argument(..., metavar="EXPERIMENT", help="One of `spicemem list experiments`."),
    engine: str | None = typer.Option(
        None, "--engine", "-e", metavar="E",
        help="One of `spicemem list engines`. Default: ngspice where a capable one is found, otherwise vacask."),
    quick: bool = typer.Option(False, "--quick", help="Fewer points, same verdicts."),
    param: list[str] = Settings,
    out: Path | None = typer.Option(None, "--out", "-o", metavar="DIR", help="Folder of the results. "
                                    "Default: EXPERIMENT-out."),
    jobs: int | None = typer.Option(None, "--jobs", "-j", min=1, metavar="N", help="Runs at once. Default: all cores."),
) -> None:
    """Repeat a published result and score it.

    Writes curves (CSV), pictures (PNG) and summary.json, and prints the simulated beside the published numbers.
    Exit status: 0 all targets met; 1 some missed, or the run failed; 3 this engine cannot run it; 130 interrupted.

    \b
    Examples:
      spicemem run eis-stdp
      spicemem run eis-stdp --engine vacask --quick -o results
    """
    from spicemem import engines
    from spicemem.doctor import why_default
    from spicemem.experiments import EXPERIMENTS
    from spicemem.experiments.base import run_experiment
    from spicemem.generate import settings_of
    from spicemem.protocols.pool import default_executor
    from spicemem.units import parse_quantity

    if experiment not in EXPERIMENTS:
        raise InputError("experiment", found=repr(experiment), expected="one that `spicemem list experiments` names",
                         remedy=nearest(experiment, EXPERIMENTS))
    chosen, values = EXPERIMENTS[experiment], {}
    for name, text in settings_of(param).items():
        if name not in chosen.params:
            raise InputError(f"{experiment}: parameter", found=repr(name), expected="one it has",
                             remedy=nearest(name, chosen.params))
        values[name] = parse_quantity(text, chosen.params[name].unit, f"{experiment}: {name}")
    try:
        simulator = engines.get(engine)
    except EngineError as error:
        fail(str(error), UNSUPPORTED)
    there, reason = simulator.available()
    if not there:
        fail(f"engine {simulator.name}: {reason}", UNSUPPORTED)
    print(f"{experiment}: {chosen.title} ({chosen.paper})")
    print(f"engine: {simulator.name} {simulator.version()}, "
          + ("as asked for" if engine else f"the default: {why_default(simulator.name)}"), flush=True)

    folder = out or Path(f"{experiment}-out")
    fresh, before = not os.path.exists(folder), _files(folder)
    try:
        with contextlib.ExitStack() as stack:
            executor = stack.enter_context(default_executor(simulator, jobs)) if jobs else None
            progress = stack.enter_context(_progress())
            summary = run_experiment(chosen, simulator, folder, quick=quick, values=values, progress=progress,
                                     executor=executor)
    except KeyboardInterrupt:
        if fresh:  # an empty folder is no result
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    _print_summary(summary)
    new = sorted(name for name, stamp in _files(folder).items() if before.get(name) != stamp)
    print(f"files in {folder}: {', '.join(new)}")
    status = summary["status"]
    met = sum(row["pass"] for row in summary["targets"])
    print(f"{status}: {met} of {len(summary['targets'])} targets met in {summary['wall_s']:.1f} s"
          if summary["targets"] else f"{status} after {summary['wall_s']:.1f} s")
    if status != "ok":
        fail(f"{experiment}: {summary['reason']}", UNSUPPORTED if status == "unsupported" else 1)


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    try:
        return {p.name: (s.st_ino, s.st_mtime_ns) for p in folder.iterdir() if p.is_file() and (s := p.stat())}
    except OSError:
        return {}


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal; elsewhere a line every ten seconds and at the end of each kind of work."""
    console = _console(stderr=True)
    if not console.is_terminal:
        last = [time.monotonic()]

        def line(done: int, total: int, what: str) -> None:
            now = time.monotonic()
            if now - last[0] > 10 or done == total:
                last[0] = now
                print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def move(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield move


def _print_summary(summary: dict[str, Any]) -> None:
    from spicemem.reproduction import allowed

    console = _console()
    for table in summary["tables"].values():
        _table(console, table["columns"], table["rows"])
    if summary["targets"]:
        _table(console, ("target", "published", "allowed", "simulated", "verdict"), [
            (row["id"], f"{row['published']} {_unit(row)}".strip() or row["quantity"],
             allowed(row["low"], row["high"]),
             f"{row['simulated']:.4g} {_unit(row)}".strip() if isinstance(row["simulated"], float | int)
             else row["simulated"], "pass" if row["pass"] else "MISS")
            for row in summary["targets"]])
    for remark in summary.get("remarks", []):
        console.print(f"- {remark}", soft_wrap=True)


def _unit(row: dict[str, Any]) -> str:
    return "" if row["unit"] in ("1", "") else str(row["unit"])


@command
def reproduce(
    names: list[str] = typer.Argument(None, metavar="NAME", help="Experiments. Default: all there are."),
    engine: list[str] = typer.Option(
        [], "--engine", "-e", metavar="E", help="Engine, as often as needed. Default: ngspice and vacask."),
    quick: bool = typer.Option(False, "--quick", help="Fewer points: the table that CI compares."),
    check: bool = typer.Option(False, "--check", help="Write no page: compare with the numbers it has."),
    jobs: int | None = typer.Option(None, "--jobs", "-j", min=1, metavar="N",
                                    help="Experiments at once. Default: one a core."),
    out: Path = typer.Option(Path("reproduction-out"), "--out", "-o", metavar="DIR",
                             help="Folder of the results: NAME/ENGINE in it."),
    page: Path = typer.Option(Path("docs/reproduction.md"), "--page", metavar="FILE", help="The page."),
) -> None:
    """Run the published results on several engines and write, or check, docs/reproduction.md.

    Each experiment writes what `spicemem run` writes, into its own folder; what is finished stays when Ctrl-C ends the
    rest. The page keeps what it says of experiments, engines and modes that are not run.

    Exit status: 0 all targets met (--check: all as the page says); 1 some missed, or a run failed (--check: a row
    differs); 3 an engine is not here; 130 interrupted.

    \b
    Examples:
      spicemem reproduce
      spicemem reproduce --check --quick -j 2
      spicemem reproduce qd-loop eis-rate --engine ngspice
    """
    from spicemem import engines, reproduction
    from spicemem.experiments import EXPERIMENTS

    chosen = list(dict.fromkeys(names or EXPERIMENTS))
    for name in chosen:
        if name not in EXPERIMENTS:
            raise InputError("experiment", found=repr(name), expected="one that `spicemem list experiments` names",
                             remedy=nearest(name, EXPERIMENTS))
    asked = list(dict.fromkeys(engine or reproduction.DEFAULT_ENGINES))
    for each in asked:
        there, reason = engines.get(each).available()
        if not there:
            fail(f"engine {each}: {reason}", UNSUPPORTED)
    if not page.parent.is_dir():
        raise InputError(f"page {page}", found=f"no folder {page.parent}", expected="one that exists",
                         remedy="Run it in the root of the repository, or give --page")
    if check or page.exists():
        reproduction.read(page)  # one that cannot be read is refused before the work, not after it
    mode: reproduction.Mode = "quick" if quick else "full"
    began = time.monotonic()
    with _progress() as progress:
        summaries = reproduction.run_all(chosen, asked, out, quick=quick, workers=jobs or os.cpu_count() or 1,
                                         progress=progress)
    print(f"{len(summaries)} runs in {time.monotonic() - began:.0f} s, in {out}")
    old = reproduction.read(page) if check or page.exists() else reproduction.Page()
    if check:
        lines = reproduction.differences(old, mode, summaries)
        for line in lines:
            print(line)
        if lines:
            fail(f"{len(lines)} rows differ from {page}. If the new numbers are right, run `spicemem reproduce"
                 f"{' --quick' if quick else ''}`")
        print(f"{page} says what these runs found")
        return
    old.add(mode, summaries)
    write_text(page, reproduction.render(old))
    print(f"wrote {page}")
    bad = [s for s in summaries if s["status"] in ("missed", "failed")]
    for summary in bad:
        print(f"{summary['experiment']} in {summary['engine']}: {summary['status']}: {summary['reason']}")
    if bad:
        fail(f"{len(bad)} of {len(summaries)} runs did not meet their targets")


@command
def design(
    wanted: Path = typer.Argument(..., metavar="WANTED.csv", help="Wanted window: columns delay [s], dG [S]."),
    device: str = typer.Option(..., "--device", "-d", metavar="DEVICE", help="DEVICE or DEVICE:PRESET."),
    amplitude: str = typer.Option(..., "--amplitude", metavar="V", help="Largest magnitude of a spike."),
    before: str = typer.Option(..., "--before", metavar="S", help="A spike starts at most this long before its zero."),
    after: str = typer.Option(..., "--after", metavar="S", help="A spike ends at most this long after its zero."),
    relation: str = typer.Option("free", "--relation", help="free, negated (post = -pre) or same (post = pre)."),
    points: int = typer.Option(8, "--points", metavar="N", help="Points of a spike between its ends."),
    edge: str | None = typer.Option(None, "--edge", metavar="S", help="Shortest time between two points."),
    lone: float = typer.Option(0.05, "--lone", help="Largest change by one spike alone, in the smaller lobe."),
    read_delay: str = typer.Option("20", "--read-delay", metavar="S", help="From the pre spike to the reading."),
    r: str = typer.Option("10meg", "--resistor", metavar="OHM", help="Each resistor of a divider gate."),
    param: list[str] = Settings,
    engine: str | None = typer.Option(None, "--engine", "-e", metavar="E", help="Engine that verifies."),
    seed: int = typer.Option(1, "--seed", min=0, help="Of the search."),
    time_limit: float = typer.Option(120.0, "--time-limit", metavar="S", help="For the search."),
    out: Path = typer.Option(Path("design-out"), "--out", "-o", metavar="DIR", help="Folder of the results."),
) -> None:
    """Find spikes that give a wanted STDP window on a device, and verify them.

    Exit status: 0 the window is met within 5 % and lone spikes do nothing; 1 it is not; 3 no such engine here.

    \b
    Example:
      spicemem design wanted.csv --device eis:huang_2025_14nm --amplitude 6.5 --before 60m --after 100m -o designed
    """
    from spicemem import engines
    from spicemem.circuit import Circuit
    from spicemem.curve import Curve
    from spicemem.generate import settings_of, thing
    from spicemem.protocols.design import Constraints, design_spikes
    from spicemem.units import parse_quantity

    model, window = thing(device, settings_of(param)), Curve.from_csv(wanted)
    if isinstance(model, Circuit):
        raise InputError("--device", found=f"the circuit {device}", expected="a device")
    limits = Constraints(parse_quantity(amplitude, "V", "--amplitude"), parse_quantity(before, "s", "--before"),
                         parse_quantity(after, "s", "--after"), points, relation,
                         None if edge is None else parse_quantity(edge, "s", "--edge"), lone,
                         parse_quantity(read_delay, "s", "--read-delay"))
    simulator = engines.get(engine)
    there, reason = simulator.available()
    if not there:
        fail(f"engine {simulator.name}: {reason}", UNSUPPORTED)
    out.mkdir(parents=True, exist_ok=True)
    with _progress() as progress:
        found = design_spikes(window, model, limits, r=parse_quantity(r, "Ohm", "--resistor"), engine=simulator,
                              seed=seed, time_limit=time_limit, progress=progress)
    found.save(out)
    print(f"{found.report()}\nfiles in {out}")
    if not found.met:
        fail(f"{wanted}: the window is not met")


@command
def lint(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="Verilog-A files."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Find what makes a Verilog-A model simulate something else than it says.

    Hidden state between time steps, events, unlimited exponentials, jumps, ...: each with line, reason and rewrite.

    Exit status: 0 no finding, 1 at least one.

    \b
    Example:
      spicemem lint model.va
    """
    from dataclasses import asdict

    from spicemem.foreign.lint import lint as check

    found = {str(file): check(file) for file in files}
    if as_json:
        print(json.dumps({name: [asdict(f) for f in rows] for name, rows in found.items()}, indent=2))
    for name, rows in found.items() if not as_json else ():
        for f in rows:
            print(f"{name}:{f.line}: {f.code}: {f.reason}\n    write: {f.rewrite}")
        if not rows:
            print(f"{name}: no finding")
    count = sum(map(len, found.values()))
    if count:
        fail(f"{count} finding{'s' if count > 1 else ''} in {sum(map(bool, found.values()))} of {len(files)} files")


@command
def fit(
    data: list[Path] = typer.Argument(..., metavar="DATA.csv...", help="Columns time, voltage, current."),
    device: str = typer.Option(..., "--device", "-d", metavar="DEVICE", help="DEVICE or DEVICE:PRESET."),
    free: list[str] = typer.Option([], "--free", "-f", metavar="NAME", help="Parameter to fit, as often as needed. "
                                   "Default: those that the data tell apart."),
    param: list[str] = Settings,
    noise: tuple[float, float] = typer.Option((2e-3, 1e-2), "--noise", metavar="A B", help="Assumed error: A of the "
                                              "largest current, and B of each current."),
    starts: int = typer.Option(4, "--starts", min=1, metavar="N", help="Starts that are refined."),
    seed: int = typer.Option(1, "--seed", min=0, help="Of the starts."),
    out: Path = typer.Option(Path("fit-out"), "--out", "-o", metavar="DIR", help="Folder of the results."),
) -> None:
    """Fit a device's parameters to measured sweeps and pulse trains.

    Prints values with errors; writes fit.json, fit.png and the fitted currents. Recordings are fitted together, each
    from the device's starting state.

    \b
    Example:
      spicemem fit loop.csv --device vteam -f r_on -f r_off -f v_on -f v_off -p k_on=-5
    """
    from spicemem.circuit import Circuit
    from spicemem.foreign.fit import fit as search
    from spicemem.generate import settings_of, thing

    model = thing(device, settings_of(param))
    if isinstance(model, Circuit):
        raise InputError("--device", found=f"the circuit {device}", expected="a device")
    with _progress() as progress:
        found = search(model, data, free or None, noise=noise, starts=starts, seed=seed, progress=progress)
    found.save(out)
    print(f"{found.report()}\nfiles in {out}")


@command
def doctor(as_json: bool = typer.Option(False, "--json", help="For programs.")) -> None:
    """Tell which simulators are here, and how to get what is missing.

    Every simulator that is found is also tried.

    Exit status: 0 at least one simulator works, 1 none does.
    """
    from spicemem.doctor import report

    facts = report()
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _print_report(facts)
    if not facts["ok"]:
        raise typer.Exit(1)


def _print_report(facts: dict[str, Any]) -> None:
    print(f"spicemem {facts['spicemem']}, Python {facts['python']}, {facts['platform']}\n\nengines:")
    for engine in facts["engines"]:
        print(f"  {'works  ' if engine['works'] else 'MISSING'}  {engine['name']:13} {engine['version'] or '-':12} "
              f"{engine['description']}")
    if facts["default_engine"]:
        print(f"\ndefault engine: {facts['default_engine']}, since {facts['default_reason']}")
    else:
        print(f"\ndefault engine: none. {facts['default_reason']}")
    simulator, compiler, cache = facts["ngspice"], facts["compiler"], facts["cache"]
    if simulator:
        has = {key: "yes" if simulator[key] else "no" for key in ("klu", "osdi")}
        print(f"ngspice: {simulator['path']} {simulator['version'] or ''}, KLU: {has['klu']}, OSDI: {has['osdi']}"
              if simulator["path"] else "ngspice: not on the PATH")
    if compiler:
        print(f"Verilog-A compiler: {compiler['path']}, {compiler['version']}" if compiler["path"] else
              "Verilog-A compiler: none")
    if cache:
        print(f"cache of compiled models: {cache['folder']}, {'writable' if cache['writable'] else 'NOT WRITABLE'}")
    print("packages: " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in facts["packages"].items()))
    if facts["missing"]:
        print("\nmissing:")
        for item in facts["missing"]:
            print(f"  {item['what']}\n      {item['remedy']}")


def main() -> None:
    """Entry point: as `app()`, with SIGTERM treated as Ctrl-C and output that no locale can break."""
    owner, count = os.getpid(), [0]

    def interrupt(number: int, frame: object) -> None:
        if os.getpid() != owner:  # a worker process: its results are not wanted any more
            os._exit(INTERRUPTED)
        count[0] += 1
        # From here on threads only clean up; what they say of it (a pool whose processes are gone) helps nobody.
        threading.excepthook = lambda _: None
        if "multiprocessing" in sys.modules:
            for child in sys.modules["multiprocessing"].active_children():
                child.terminate()
        # Now, not on the way out: an exception raised here is lost when it meets a weak reference being cleared, and
        # then the runs that end are what tells the main thread.
        _stop_simulators()
        if count[0] > 1:
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="spicemem")


if __name__ == "__main__":
    main()
