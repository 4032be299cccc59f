"""`spicemem sweep`, `monte-carlo`, `corners`: thousands of runs, kept, resumed, summed up."""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from spicemem.commands.base import (
    INTERRUPTED,
    UNSUPPORTED,
    Settings,
    StoreFolder,
    command,
    fail,
    new_console,
    print_table,
    stored_in,
)
from spicemem.errors import EngineError, InputError, nearest
from spicemem.files import write_text

if TYPE_CHECKING:
    from spicemem.campaign import Campaign, Plan, Study
    from spicemem.waveform import Waveform

#: Protocols by name on the command line, and what their arguments are: a unit, [unit] for a grid, or a kind of value.
_PULSES = {"intervals": "[s]", "volts": "V", "width": "s", "count": "whole", "port": "text", "edge": "s",
           "baseline": "V", "synapse": "text", "max_step": "s"}
_PAIRS = {"pre": "wave", "post": "wave", "read_delay": "s", "max_step": "s", "synapse": "text"}
PROTOCOLS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "stdp": ("stdp", {**_PAIRS, "delays": "[s]", "pairs": "whole", "period": "s"}),
    "bcm": ("bcm", {**_PAIRS, "rates": "[1/s]", "duration": "s", "share": "1"}),
    "ppf": ("ppf", _PULSES),
    "ptp": ("ptp", _PULSES),
    "iv-loop": ("iv_loop", {"peaks": "[V]", "rate": "V/s", "port": "text", "synapse": "text", "max_step": "s"}),
    "rv-loop": ("resistance_voltage_loop", {"amplitudes": "[V]", "width": "s", "rest": "s", "edge": "s", "port": "text",
                                            "synapse": "text", "max_step": "s"}),
    "retention": ("retention", {"times": "[s]", "synapse": "text", "max_step": "s"}),
}
_FOUNDRIES = ("sky130", "sg13g2")

What = typer.Argument(..., metavar="WHAT", help="A protocol (" + ", ".join(PROTOCOLS) + "), a circuit (its bench is "
                      "run), an experiment (what it scores), or FILE.py:FUNCTION.")
Cell = typer.Argument(None, metavar="[CELL]", help="For a protocol: the circuit, as `spicemem list circuits` has it.")
Axes = typer.Option([], "--axis", "-a", metavar="NAME=GRID", help="Values: 1u,2u,5u or FROM:TO:COUNT or "
                    "FROM:TO:COUNT:log. As often as needed.")
Specs = typer.Option([], "--spec", metavar="SPEC", help="Specification: 'ltp > 1n', '1n < ltp < 5n', 'dG(20m) > 1n'.")
Engine = typer.Option(None, "--engine", "-e", metavar="E", help="One of `spicemem list engines`.")
Executor = typer.Option("processes", "--executor", metavar="X", help="processes:N, threads:N, here, or "
                        "dask://HOST:PORT. The results are the same.")
TimeLimit = typer.Option(None, "--time-limit", metavar="S", help="For each point; one that takes longer has failed.")
OnlyFailed = typer.Option(False, "--only-failed", help="Run those points of the folder again that have no result.")
Out = typer.Option(None, "--out", "-o", metavar="DIR", help="Folder of the results. Default: COMMAND-out.")


@command
def sweep(
    what: str = What, cell: str | None = Cell, axis: list[str] = Axes, param: list[str] = Settings,
    spec: list[str] = Specs, engine: str | None = Engine, executor: str = Executor, out: Path | None = Out,
    store: Path | None = StoreFolder, time_limit: str | None = TimeLimit, only_failed: bool = OnlyFailed,
) -> None:
    """Run every combination of the values of named axes.

    A name is an argument of the protocol or circuit (read_delay, r), PART.PARAMETER (syn.g_init, r_pre.ohm), process,
    temperature or supply. -p fixes one. In the folder: data.nc (xarray), summary.json, failures.json, pictures,
    log.txt. Finished runs are in the store (default: DIR/store): after Ctrl-C, or a crash, the same command goes on.

    Exit status: 0 every point has a result; 1 some failed; 3 no such engine here; 130 interrupted.

    \b
    Examples:
      spicemem sweep divider_gate --axis syn.g_init=100n:5u:12:log
      spicemem sweep ppf one_device -p device=wox -p volts=1.3 -p width=1m -p intervals=1m,10m,100m -a syn.ga=1u:9u:5
      spicemem sweep eis-stdp -p quick=1 --axis peak=6:7:3
    """
    from spicemem import campaign

    study = _study(what, cell, param)
    plan = campaign.grid(study, _axes(study, axis))
    _run("sweep", plan, spec, engine, executor, out, store, time_limit, only_failed)


@command
def monte_carlo(
    what: str = What, cell: str | None = Cell,
    samples: int = typer.Option(100, "--samples", "-n", metavar="N", help="How many are drawn."),
    seed: int = typer.Option(1, "--seed", min=0, help="Of all draws."),
    spread: list[str] = typer.Option([], "--spread", "-s", metavar="NAME=KIND:SIZE", help="Between devices: "
                                     "lognormal:0.1, relative:5%, normal:10n, uniform:10n around the value that it "
                                     "has; PART alone: what the device declares."),
    cycle: list[str] = typer.Option([], "--cycle", metavar="PART.INPUT=KIND:SIZE:SLOT:STOP", help="From cycle to "
                                    "cycle: an input drawn anew around 0 for every SLOT seconds until STOP."),
    method: str = typer.Option("random", "--method", "-m", help="random, lhs (Latin hypercube), sobol, or saltelli "
                               "(for Sobol indices; N a power of two, N*(parameters + 2) points)."),
    axis: list[str] = Axes, param: list[str] = Settings, spec: list[str] = Specs, engine: str | None = Engine,
    executor: str = Executor, out: Path | None = Out, store: Path | None = StoreFolder,
    time_limit: str | None = TimeLimit, only_failed: bool = OnlyFailed,
) -> None:
    """Run samples of parameters that spread: statistics, yield, sensitivity.

    Names, files, resumption and exit status: see `spicemem sweep --help`. Sample k of a seed is the same whatever the
    executor and, but for lhs and saltelli, however many are drawn. Each --axis repeats all samples at its values.

    \b
    Example:
      spicemem monte-carlo stdp divider_gate --samples 1000 --seed 1 --spread syn.g_init=lognormal:0.1 --spread syn
          -p pre='-15m:0 -14.9m:-6.5 -0.1m:-6.5 0:6.5 100m:0' -p post=-pre -p delays=-200m:200m:11
          --spec 'ltp > 50n' --spec 'ltd > 50n' -o mc
    """
    from spicemem import campaign
    from spicemem.circuit import DOT

    study = _study(what, cell, param)
    spreads: dict[str, Any] = {}
    for text in spread:
        name, equals, given = text.partition("=")
        if not equals and DOT not in name:
            found: Mapping[str, Any] = campaign.declared(study, name)
        else:
            study.checked(name, None)
            found = {name: _distribution(given, study.unit(name), f"--spread {name}")}
        for key, value in found.items():
            if key in spreads:
                raise InputError(f"--spread {key}", found="two of them", expected="one")
            spreads[key] = value
    for text in cycle:
        name, _, given = text.partition("=")
        pieces = given.rsplit(":", 2)
        if len(pieces) != 3:
            raise InputError(f"--cycle {name}", found=repr(given), expected="KIND:SIZE:SLOT:STOP, as normal:0.1:1m:1")
        study.checked(name, None)
        slot, stop = (_quantity(piece, "s", f"--cycle {name}") for piece in pieces[1:])
        spreads[name] = campaign.Redrawn(_distribution(pieces[0], study.unit(name), f"--cycle {name}"), slot, stop)
    plan = campaign.samples(study, spreads, samples, seed, method=method,  # type: ignore[arg-type]
                            axes=_axes(study, axis))
    _run("monte-carlo", plan, spec, engine, executor, out, store, time_limit, only_failed)


@command
def corners(
    what: str = What, cell: str | None = Cell,
    process: str | None = typer.Option(None, "--process", metavar="LIST", help="Of the transistors: tt,ff,ss,sf,fs."),
    temperature: str | None = typer.Option(None, "--temperature", metavar="GRID", help="K, of parts that have one."),
    supply: str | None = typer.Option(None, "--supply", metavar="GRID", help="Factors on constant voltage sources and "
                                      "on the waveforms of the protocol or bench: 0.9,1,1.1."),
    corner: list[str] = typer.Option([], "--corner", "-c", metavar="NAME:K=V,K=V", help="A named set, as "
                                     "slow:process=ss,supply=0.9,syn.r_on=3k. As often as needed."),
    axis: list[str] = Axes, param: list[str] = Settings, spec: list[str] = Specs, engine: str | None = Engine,
    executor: str = Executor, out: Path | None = Out, store: Path | None = StoreFolder,
    time_limit: str | None = TimeLimit, only_failed: bool = OnlyFailed,
) -> None:
    """Run corners: named sets, and every combination of process, temperature and supply.

    Process corners are those of a foundry's cards (-p nmos=sky130, ngspice only) or of the compact transistor (vt0
    -+0.05 V, kp +-10 %). Files, resumption and exit status: see `spicemem sweep --help`.

    \b
    Examples:
      spicemem corners cell_1t1r --process tt,ff,ss,sf,fs --temperature 233,300,398 --supply 0.9,1,1.1
      spicemem corners cell_1t1r --corner typical:process=tt --corner slow:process=ss,supply=0.9,temperature=398
    """
    from spicemem import campaign

    study = _study(what, cell, param)
    sets: dict[str, dict[str, Any]] = {}
    for text in corner:
        name, colon, rest = text.partition(":")
        pairs = [pair.partition("=") for pair in rest.split(",")] if colon and rest else []
        if not pairs or not all(k and v for k, _, v in pairs) or name in sets:
            raise InputError("--corner", found=repr(text), expected="NAME:KEY=VALUE,... with a name of its own")
        for key, _, _ in pairs:
            study.checked(key, "tt")
        sets[name] = {key: value if key == "process" else _quantity(value, study.unit(key), f"corner {name}: {key}")
                      for key, _, value in pairs}
    grids = {"process": process, "temperature": temperature, "supply": supply}
    axes = _axes(study, [*(f"{key}={value}" for key, value in grids.items() if value is not None), *axis])
    plan = campaign.corner_sets(study, sets, axes)
    _run("corners", plan, spec, engine, executor, out, store, time_limit, only_failed)


# --- what is given ----------------------------------------------------------------------------------------------------


def _study(what: str, cell: str | None, settings: Sequence[str]) -> Study:
    """The study that WHAT, CELL and -p say."""
    from spicemem import protocols
    from spicemem.campaign import Study, run_bench
    from spicemem.circuits import CIRCUITS
    from spicemem.generate import settings_of

    texts = settings_of(settings)
    if what in PROTOCOLS:
        name, kinds = PROTOCOLS[what]
        if cell is None:
            raise InputError(f"protocol {what}", found="no circuit", expected=f"spicemem ... {what} CELL",
                             remedy="`spicemem list circuits` names them")
        return _of_circuit(getattr(protocols, name), cell, kinds, texts)
    if cell is not None:
        raise InputError(f"{what} {cell}", found="two names", expected="a circuit after a protocol only",
                         remedy=f"Protocols: {', '.join(PROTOCOLS)}")
    if what in CIRCUITS:
        return _of_circuit(run_bench, what, {"stop": "s", "max_step": "s", "points": "whole"}, texts)
    module, colon, function = what.rpartition(":")
    if colon:
        return Study(_imported(module, function), **{key: _number(text) for key, text in texts.items()})
    from spicemem.experiments import EXPERIMENTS  # last, since all of them take a second to import

    if what not in EXPERIMENTS:
        raise InputError("WHAT", found=repr(what), expected="a protocol, circuit, experiment or FILE.py:FUNCTION",
                         remedy=nearest(what, [*PROTOCOLS, *CIRCUITS, *EXPERIMENTS]))
    from spicemem.campaign.scored import scored

    study = scored(EXPERIMENTS[what])
    for key in texts:
        study.checked(key, None)
    values = {key: _quantity(text, study.unit(key), f"{what}: {key}") for key, text in texts.items()}
    return scored(EXPERIMENTS[what], quick=bool(values.pop("quick", 0.0)), **values)


def _of_circuit(function: Callable[..., Any], cell: str, kinds: Mapping[str, str], texts: Mapping[str, str]) -> Study:
    """A protocol on a circuit: -p gives arguments of either, PART.PARAMETER, process, temperature, supply."""
    from spicemem.campaign import Study
    from spicemem.circuit import DOT
    from spicemem.circuits import CIRCUITS
    from spicemem.generate import circuit_settings

    if cell not in CIRCUITS:
        raise InputError("circuit", found=repr(cell), expected="one that `spicemem list circuits` names",
                         remedy=nearest(cell, CIRCUITS))
    known = circuit_settings(cell)
    units = {name: unit for name, (_, unit) in known.items() if unit != "device"}
    units |= {name: kind for name, kind in kinds.items() if kind not in ("wave", "text", "whole") and kind[0] != "["}
    fixed: dict[str, Any] = {}
    for name, text in texts.items():
        if name in kinds:
            fixed[name] = _argument(name, text, kinds[name], fixed)
        elif name in known:
            fixed[name] = _part(name, text) if known[name][1] == "device" else _quantity(
                text, known[name][1], f"{cell}: {name}")
    plain = Study(function, CIRCUITS[cell], units=units, **fixed)
    for name, text in texts.items():
        if name not in fixed:
            plain.checked(name, text)
            if DOT not in name and name not in ("process", "temperature", "supply"):
                raise InputError(f"{plain.title}: {name}", found="no argument that text can give",
                                 expected="another one", remedy=nearest(name, [*kinds, *known]))
            fixed[name] = text if name == "process" else _quantity(text, plain.unit(name), f"{cell}: {name}")
    needed = [n for n, p in plain.arguments.items() if p.default is p.empty and n in kinds and n not in fixed]
    if needed:
        raise InputError(plain.title, found=f"no {', '.join(needed)}", expected="a value",
                         remedy=f"Write -p {needed[0]}={_EXAMPLES.get(kinds[needed[0]], '...')}")
    return Study(function, CIRCUITS[cell], units=units, **fixed)


_EXAMPLES = {"wave": "'0:0 1m:2 2m:0' (time:volts, ...), or a file of spikes", "[s]": "-100m:100m:11 (from:to:count)",
             "[V]": "2,-2", "[1/s]": "1:100:10:log", "s": "1m", "V": "1"}


def _argument(name: str, text: str, kind: str, others: Mapping[str, Any]) -> Any:
    if kind == "text":
        return text
    if kind == "wave":
        return _wave(name, text, others)
    if kind[0] == "[":
        return _grid(text, kind[1:-1], name)
    value = _quantity(text, "1" if kind == "whole" else kind, name)
    if kind == "whole" and value != int(value):
        raise InputError(name, found=text, expected="a whole number")
    return int(value) if kind == "whole" else value


def _part(name: str, text: str) -> Any:
    """A device, or a transistor of a foundry: eis:nano, nfet, sky130, sky130:ff."""
    from spicemem.circuit import Circuit
    from spicemem.circuits import foundry
    from spicemem.generate import thing

    head, _, corner = text.partition(":")
    if head in _FOUNDRIES:
        return getattr(foundry, head)(corner or "tt")
    found = thing(text)
    if isinstance(found, Circuit):
        raise InputError(name, found=f"circuit {text!r}", expected="a device, or a transistor: nfet, sky130, sg13g2")
    return found


def _wave(name: str, text: str, others: Mapping[str, Any]) -> Waveform:
    """A waveform: time:volts pairs, FILE.csv with columns time, pre, post, or another one of the two with its sign."""
    from spicemem.protocols import load_spikes
    from spicemem.waveform import Waveform

    other = text.lstrip("+-")
    if other in ("pre", "post"):
        if other not in others:
            raise InputError(name, found=repr(text), expected=f"-p {other}=... before it")
        wave: Waveform = others[other]
        return -wave if text.startswith("-") else wave
    if text.endswith(".csv"):
        return load_spikes(text)[name == "post"]
    points = []
    for pair in re.split(r"[\s,]+", text.strip()):
        t, colon, v = pair.partition(":")
        if not colon:
            raise InputError(name, found=repr(pair), expected="TIME:VOLTS, as in '0:0 1m:2 2m:0', or a file of spikes")
        points.append((_quantity(t, "s", name), _quantity(v, "V", name)))
    return Waveform.points(*points)


def _quantity(text: str, unit: str, what: str) -> float:
    from spicemem.units import parse_quantity

    return parse_quantity(text, unit, what)


def _number(text: str) -> Any:
    """A number where the text is one: what an argument of somebody's own function means is not known here."""
    try:
        return _quantity(text, "1", "")
    except InputError:
        return text


def _imported(module: str, function: str) -> Callable[..., Any]:
    path = Path(module)
    if path.suffix == ".py":
        if not path.is_file():
            raise InputError(f"file {path}", found="no such file", expected="Python that defines the function")
        sys.path.insert(0, str(path.absolute().parent))
        module = path.stem
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # whatever somebody's code raises as it is imported
        raise InputError(f"{module}:{function}", found=f"{type(error).__name__}: {error}",
                         expected="a function that can be imported") from None
    if not callable(found):
        raise InputError(f"{module}:{function}", found=repr(found), expected="a function")
    return found  # type: ignore[no-any-return]


def _grid(text: str, unit: str, what: str) -> list[float]:
    """1u,2u,5u or FROM:TO:COUNT or FROM:TO:COUNT:log."""
    import numpy as np

    pieces = text.split(":")
    if len(pieces) == 1:
        return [_quantity(piece, unit, what) for piece in text.split(",") if piece.strip()]
    if len(pieces) not in (3, 4) or not pieces[2].strip().isdigit() or pieces[3:] not in ([], ["log"], ["lin"]):
        raise InputError(what, found=repr(text), expected="1u,2u,5u or FROM:TO:COUNT or FROM:TO:COUNT:log")
    low, high, count = _quantity(pieces[0], unit, what), _quantity(pieces[1], unit, what), int(pieces[2])
    if pieces[3:] != ["log"]:
        return [float(v) for v in np.linspace(low, high, count)]
    if low <= 0 or high <= 0:
        raise InputError(what, found=repr(text), expected="ends above 0 for a grid on a log scale")
    return [float(v) for v in np.geomspace(low, high, count)]


def _axes(study: Study, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, given = (piece.strip() for piece in text.partition("="))
        if not equals or not name:
            raise InputError("--axis", found=repr(text), expected="NAME=GRID, such as syn.g_init=100n:1u:10")
        if name in found:
            raise InputError(f"--axis {name}", found="two of them", expected="one")
        if name == "process" and name not in study.arguments:
            found[name] = [piece.strip() for piece in given.split(",") if piece.strip()]
            continue
        study.checked(name, None)
        values = _grid(given, study.unit(name), f"--axis {name}")
        found[name] = values
    return found


def _distribution(text: str, unit: str, what: str) -> Any:
    from spicemem import spread

    kinds: dict[str, Callable[[float], spread.Distribution]] = {
        "normal": spread.Normal, "relative": spread.Relative, "lognormal": spread.Lognormal,
        "uniform": spread.Uniform}
    kind, colon, size = (piece.strip() for piece in text.partition(":"))
    if kind not in kinds or not colon:
        raise InputError(what, found=repr(text), expected="lognormal:0.1, relative:5%, normal:SIZE or uniform:SIZE")
    if kind in ("normal", "uniform"):
        return kinds[kind](_quantity(size, unit, what))
    return kinds[kind](_quantity(size.removesuffix("%"), "1", what) / (100 if size.endswith("%") else 1))


# --- the run ----------------------------------------------------------------------------------------------------------


def _run(name: str, plan: Plan, specs: Sequence[str], engine: str | None, executor: str, out: Path | None,
         store: Path | None, time_limit: str | None, only_failed: bool) -> None:
    from spicemem import campaign, engines
    from spicemem.campaign.plots import pictures
    from spicemem.campaign.results import FAILURES
    from spicemem.curve import save_figure
    from spicemem.doctor import why_default

    folder = out or Path(f"{name}-out")
    wanted = [campaign.Spec.parse(text) for text in specs]
    limit = None if time_limit is None else _quantity(time_limit, "s", "--time-limit")
    print(f"{name} of {plan.study.title}: {_size(plan)}")
    simulator = None
    if "engine" in plan.study.arguments:
        try:
            simulator = engines.get(engine)
        except EngineError as error:
            fail(str(error), UNSUPPORTED)
        there, reason = simulator.available()
        if not there:
            fail(f"engine {simulator.name}: {reason}", UNSUPPORTED)
        print(f"engine: {simulator.name} {simulator.version()}, "
              + ("as asked for" if engine else f"the default: {why_default(simulator.name)}"), flush=True)
    began = time.monotonic()
    try:
        with stored_in(store), _progress() as progress:
            found = campaign.run(plan, folder=folder, engine=simulator, executor=executor, time_limit=limit,
                                 specs=wanted, only_failed=only_failed, progress=progress)
    except KeyboardInterrupt:
        with contextlib.suppress(InputError):
            count = campaign.load(folder).count
            _log(folder, f"interrupted: {count}")
            print(f"interrupted: {count['ok']} of {len(plan)} points are in {folder}, finished runs in the store; the "
                  "same command goes on from there", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        raise
    facts = campaign.summary(found, wanted)
    write_text(folder / "summary.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    drawn = pictures(found, wanted)
    for stem, figure in drawn.items():
        save_figure(figure, folder / f"{stem}.png")
    count, wall = found.count, time.monotonic() - began
    _print(found, facts)
    for remark in campaign.remarks(found):
        print(f"- {remark}")
    files = ["data.nc", "summary.json", FAILURES, "log.txt", *(f"{stem}.png" for stem in drawn)]
    print(f"files in {folder}: {', '.join(files)}")
    words = f"{count['ok']} of {len(plan)} points in {wall:.1f} s"
    _log(folder, f"{words}, {count['failed']} failed, {executor}",
         *(f"point {f.index} failed: {f.reason}" for f in found.failures))
    print(words)
    if count["failed"]:
        first = found.failures[0]
        fail(f"{count['failed']} of {len(plan)} points failed, the first, {first.index}: {first.reason}. All are in "
             f"{folder / FAILURES}; the same command with --only-failed runs them again")


def _size(plan: Plan) -> str:
    sizes = " x ".join(f"{len(dim.settings)} {dim.name}" for dim in plan.dims)
    return f"{len(plan)} points ({sizes})"


def _log(folder: Path, *lines: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write("".join(f"{stamp} {line}\n" for line in (f"spicemem {shlex.join(sys.argv[1:])}", *lines)))


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """A bar with rate and time left, on a terminal only."""
    console = new_console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("points"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
               TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task, began = bar.add_task("points", total=None, rate=""), time.monotonic()

        def move(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, rate=f"{done / (time.monotonic() - began):.3g} a second")

        yield move


def _print(found: Campaign, facts: Mapping[str, Any]) -> None:
    from spicemem.units import engineering

    console = new_console()

    def value(number: float | None, unit: str) -> str:
        return "-" if number is None else engineering(number, unit)

    rows = [(name, *(value(row[key], row["unit"]) for key in ("mean", "std", "least", "p5", "median", "p95", "most")))
            for name, row in facts["statistics"].items()]
    if rows:
        print_table(console, ("output", "mean", "std", "least", "5 %", "median", "95 %", "most"), rows)
    if facts["yield"]:
        print_table(console, ("specification", "met", "of", "yield", "95 % confidence"), [
            (y["spec"], str(y["met"]), str(y["points"]), "-" if y["share"] is None else f"{y['share'] * 100:.2f} %",
             "-" if y["low"] is None else f"{y['low'] * 100:.2f} to {y['high'] * 100:.2f} %") for y in facts["yield"]])
    rows = [(s["output"], s["parameter"], "-" if s["value"] is None else f"{s['value']:+.3f}", "-" if s["other"] is None
             or math.isnan(s["other"]) else f"{s['other']:.3g}") for s in facts["sensitivity"]]
    if rows:
        kind = facts["sensitivity"][0]["kind"]
        heads = ("rank correlation", "p") if kind == "rank" else ("first-order Sobol index", "total")
        print_table(console, ("output", "parameter", *heads), rows)
