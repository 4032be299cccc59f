"""`spicemem regress`, `golden` and `compare`: runs against stored waveforms, and waveform files against each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spicemem.commands.base import UNSUPPORTED, Settings, command, fail, progress_bar
from spicemem.errors import InputError, SpicememError, nearest

if TYPE_CHECKING:
    from spicemem.regress.compare import Invariant, Tolerance
    from spicemem.regress.golden import Golden
    from spicemem.regress.report import Case
    from spicemem.regress.runs import Build

_TOLERANCES = typer.Option(
    [], "--tolerance", "-t", metavar="[SIGNAL:]KEY=VALUE,...",
    help="absolute, relative (to the span), time, rms, rms_floor, final, level; for one signal or for all. "
         "As often as needed. Default: relative=0.001.")
_INVARIANTS = typer.Option(
    [], "--invariant", "-i", metavar="KIND(SIGNAL[;SIGNAL]):KEY=VALUE,...",
    help="Of the whole run: change, final, charge, or energy of a voltage and a current, with relative or absolute.")
_KEYS = re.compile(r"(?:(?P<head>.+):)?(?P<keys>\w+=[^:=,]+(?:,\w+=[^:=,]+)*)")
_REPORT = typer.Option(Path("waveforms.html"), "--report", metavar="FILE", help="The page of differences, on failure.")


@command
def regress(
    goldens: list[Path] = typer.Argument(..., metavar="DIR|FILE...", help="Goldens, or folders of *.golden.csv."),
    engine: list[str] = typer.Option([], "--engine", "-e", metavar="E", help="Run there instead of in the golden's own "
                                     "engine, as often as needed."),
    update: bool = typer.Option(False, "--update", help="Write goldens that runs differ from, and list what changed."),
    report: Path = _REPORT,
) -> None:
    """Run again what goldens describe, and compare.

    Each golden says what was run (device, cell, experiment or netlist, engine, parameters) and how near a run has to
    be. On failure a page with pictures of the differences is written. Goldens of tests are left to pytest.

    Exit status: 0 all agree; 1 some differ, or a run failed; 3 an engine is not here.

    \b
    Examples:
      spicemem regress tests/goldens
      spicemem regress neuron.golden.csv --engine vacask --engine ngspice
      spicemem regress tests/goldens --update
    """
    from spicemem import engines
    from spicemem.generate import thing
    from spicemem.regress import golden, in_ci
    from spicemem.regress.report import cases_text, write_report

    if update and engine:
        raise InputError("--update and --engine", found="both", expected="one of them",
                         remedy="A golden is made by its own engine: change that in its line `# run`")
    if update and in_ci():
        raise InputError("--update", found="the variable CI", expected="no update in CI",
                         remedy="Update goldens where you can review them")
    for name in engine:
        there, why = engines.get(name).available()
        if not there:
            fail(f"engine {name}: {why}", UNSUPPORTED)
    files = _files(goldens, golden.SUFFIX)
    read = {path: golden.read(path) for path in files}
    todo = {path: each for path, each in read.items() if each.run is not None}
    for path in files:
        if path not in todo:
            print(f"skip  {path}: a test made it: run pytest")
    if not todo:
        raise InputError("goldens", found="none that says what to run", expected="at least one")
    if update:
        _update(todo, thing)
        return
    cases, total = [], len(todo) * max(1, len(engine))
    with progress_bar() as progress:
        for path, each in todo.items():
            for other in (*engine,) or (None,):
                cases.append(_case(path, each, thing, other))
                progress(len(cases), total, "goldens")
    print(cases_text(cases))
    bad = sum(not case.passed for case in cases)
    if bad:
        write_report(cases, report)
        fail(f"{bad} of {len(cases)} differ from their goldens: see {report}. If the new waveforms are right: --update")


def _files(given: Sequence[Path], suffix: str) -> list[Path]:
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(path.rglob(f"*{suffix}"))
            if not inside:
                raise InputError(f"folder {path}", found=f"no *{suffix}", expected="at least one golden",
                                 remedy="Make one: spicemem golden --help")
            found.update(dict.fromkeys(inside))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError(f"golden {path}", found="no such file", expected="a golden, or a folder of them")
    return list(found)


def _case(path: Path, golden: Golden, build: Build, engine: str | None) -> Case:
    from spicemem.regress.report import Case
    from spicemem.regress.runs import Run, execute

    name = path.name.removesuffix(".golden.csv") + (f" in {engine}" if engine else "")
    try:
        run = Run.from_mapping(golden.run or {})
        about = f"{run} in {engine or run.engine} against {path}, made by {golden.about.get('engine', 'an engine')}"
        waves = execute(run, build, path.parent, engine, golden.tolerances)
        return Case(name, about, golden.compare(waves))
    except SpicememError as error:
        return Case(name, str(path), error=str(error))


def _update(goldens: dict[Path, Golden], build: Build) -> None:
    from spicemem.regress import golden
    from spicemem.regress.runs import Run, execute

    written, failures = 0, []
    for path, old in goldens.items():
        try:
            run = Run.from_mapping(old.run or {})
            waves = execute(run, build, path.parent, signals=old.tolerances)
            # Numbers of invariants are the new run's.
            if old.compare(waves).passed:
                print(f"kept  {path}")
                continue
            new = golden.make(waves, old.tolerances, old.invariants, run=run.to_mapping())
            golden.write(new, path)
        except SpicememError as error:
            failures.append(f"{path}: {error}")
            continue
        written += 1
        print("\n      ".join([f"wrote {path}", *golden.review(old, new)]))
    if written:
        print(f"{written} goldens written: review them (git diff)")
    if failures:
        fail("; ".join(failures))


@command
def golden_(
    name: str | None = typer.Argument(None, metavar="[THING]", help="Device, DEVICE:PRESET or cell, on its bench."),
    experiment: str | None = typer.Option(None, "--experiment", metavar="EXPERIMENT", help="A curve of this instead."),
    curve: str | None = typer.Option(None, "--curve", metavar="CURVE", help="Which one, as its file is called."),
    netlist: Path | None = typer.Option(None, "--netlist", metavar="FILE", help="A netlist for ngspice instead."),
    signal: list[str] = typer.Option([], "--signal", "-s", metavar="SIGNAL", help="To keep, as often as needed. "
                                     "Default: all that a run saves and that change."),
    tolerance: list[str] = _TOLERANCES,
    invariant: list[str] = _INVARIANTS,
    param: list[str] = Settings,
    engine: str = typer.Option("reference", "--engine", "-e", metavar="E", help="What makes it; a netlist: ngspice."),
    quick: bool = typer.Option(False, "--quick", help="Of an experiment: fewer points."),
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Default: NAME.golden.csv."),
) -> None:
    """Make a golden: run a device, cell, experiment or netlist, and store what matters of it.

    \b
    Examples:
      spicemem golden neuristor -s 'v(axon)' -t relative=0.01,time=50n -o goldens/neuristor.golden.csv
      spicemem golden divider_gate -s syn.g -t relative=1m -i 'change(syn.g):relative=1m'
      spicemem golden --experiment eis-stdp --curve antisymmetric --quick -e ngspice -t relative=0.01
      spicemem golden --netlist bench.cir -e ngspice -t relative=0.01
    """
    from os.path import relpath

    import numpy as np

    from spicemem.generate import settings_of, thing
    from spicemem.regress import golden
    from spicemem.regress.runs import Run, execute

    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name or curve or (netlist.stem if netlist else "")) or "run"
    path = out or Path(f"{stem}{golden.SUFFIX}")
    if not path.name.endswith(golden.SUFFIX):
        raise InputError(f"golden {path}", found="another suffix", expected=f"NAME{golden.SUFFIX}")
    if path.exists():
        raise InputError(f"golden {path}", found="one that exists", expected="a new one",
                         remedy="Bring it up to date: spicemem regress --update")
    run = Run(name, experiment, curve, None if netlist is None else relpath(netlist, path.parent), engine,
              settings_of(param), quick)
    with progress_bar():
        waves = execute(run, thing, path.parent, signals=signal or None)
    left = [] if signal else [n for n, values in waves.signals.items() if not np.ptp(values)]
    waves = waves.only(signal or [n for n in waves.signals if n not in left])
    made = golden.make(waves, _tolerances(tolerance, waves.units), _invariants(invariant, waves.units),
                       run=run.to_mapping())
    golden.write(made, path)
    print(f"{path}: {made.about['points']} points of {', '.join(made.tolerances)}"
          + (f"; constant and left out: {', '.join(left)}" if left else ""))


@command
def compare(
    golden_file: Path = typer.Argument(..., metavar="GOLDEN", help="What is right: any waveform file."),
    test_file: Path = typer.Argument(..., metavar="RUN", help="What is compared with it."),
    names: list[str] = typer.Option([], "--map", "-m", metavar="THEIRS=OURS", help="A signal of RUN that is called "
                                    "otherwise in GOLDEN, as often as needed."),
    signal: list[str] = typer.Option([], "--signal", "-s", metavar="SIGNAL", help="Only these. Default: all of GOLDEN; "
                                     "with --map alone, those that it names."),
    tolerance: list[str] = _TOLERANCES,
    invariant: list[str] = _INVARIANTS,
    report: Path = _REPORT,
    always: bool = typer.Option(False, "--always", help="Write the page where they agree, too."),
) -> None:
    """Compare two waveform files: goldens, SPICE raw files, tables of any simulator (CSV, .prn, listings).

    A golden brings its own tolerances; --tolerance asks others.

    Exit status: 0 they agree; 1 they differ.

    \b
    Examples:
      spicemem compare neuron.golden.csv spectre.csv -m '/axon=v(axon)' -t relative=0.01,time=50n
      spicemem compare ngspice.raw ltspice.raw -s 'v(out)' -t 'v(out):absolute=1m'
    """
    from spicemem.regress.compare import compare as against
    from spicemem.regress.golden import is_golden, read
    from spicemem.regress.readers import read_waveforms
    from spicemem.regress.report import Case, cases_text, write_report

    table = _mapping(names)
    stored = read(golden_file) if golden_file.is_file() and is_golden(golden_file) else None
    ours = read_waveforms(golden_file)
    theirs = read_waveforms(test_file, table)
    chosen = signal or list(table.values()) or list(ours.signals)
    ours = ours.only(chosen)
    if stored is not None and not tolerance:
        asked = {n: t for n, t in stored.tolerances.items() if n in ours.signals}
    else:
        asked = _tolerances(tolerance, ours.units)
    limits = _invariants(invariant, ours.units) or [i for i in (stored.invariants if stored else ())
                                                    if set(i.signals) <= set(chosen)]
    case = Case(f"{test_file.name}", f"{test_file} against {golden_file}", against(ours, theirs, asked,
                                                                                   invariants=limits))
    print(cases_text([case]))
    if always or not case.passed:
        write_report([case], report)
    if not case.passed:
        fail(f"{test_file} differs from {golden_file}: see {report}")


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        theirs, mark, ours = (part.strip() for part in pair.rpartition("="))
        if not (mark and theirs and ours):
            raise InputError("--map", found=repr(pair), expected="THEIRS=OURS, such as '/axon=v(axon)'")
        if theirs in found or ours in found.values():
            raise InputError("--map", found=repr(pair), expected="each signal once")
        found[theirs] = ours
    return found


def _keys(text: str, what: str) -> tuple[str, dict[str, str]]:
    """(what stands before the colon or "", values by key)."""
    match = _KEYS.fullmatch(text.strip())
    if not match:
        raise InputError(what, found=repr(text), expected="KEY=VALUE,... or NAME:KEY=VALUE,...",
                         remedy="For example v(out):relative=0.01,time=20n")
    return (match["head"] or "").strip(), dict(pair.split("=") for pair in match["keys"].split(","))


def _tolerances(given: Sequence[str], units: Mapping[str, str]) -> dict[str, Tolerance]:
    """Tolerances of all signals: what is said of all of them, then what is said of one."""
    from spicemem.regress.compare import Tolerance
    from spicemem.units import parse_quantity

    read = [_keys(text, "--tolerance") for text in given]
    for head, keys in read:
        if head and head not in units:
            raise InputError(f"--tolerance: signal {head!r}", found="not there", expected="one to compare",
                             remedy=nearest(head, units))
        for key in keys:
            if key not in Tolerance.__dataclass_fields__:
                raise InputError("--tolerance", found=repr(key), expected="one that there is",
                                 remedy=nearest(key, Tolerance.__dataclass_fields__))
    found = {}
    for name, unit in units.items():
        values: dict[str, float] = {}
        for wanted in ("", name):
            for head, keys in read:
                for key, text in keys.items() if head == wanted else ():
                    of = {"relative": "1", "rms": "1", "time": "s"}.get(key, unit or "1")
                    values[key] = parse_quantity(text, of, f"--tolerance: {key}")
        found[name] = Tolerance(**({} if {"relative", "absolute"} & set(values) else {"relative": 1e-3}), **values)
    return found


def _invariants(given: Sequence[str], units: Mapping[str, str]) -> list[Invariant]:
    from spicemem.regress.compare import Invariant
    from spicemem.units import parse_quantity

    found = []
    for text in given:
        head, keys = _keys(text, "--invariant")
        match = re.fullmatch(r"(\w+)\((.+)\)", head)
        if not match or set(keys) - {"relative", "absolute"}:
            raise InputError("--invariant", found=repr(text), expected="KIND(SIGNAL):relative=VALUE or absolute=VALUE",
                             remedy="For example 'energy(v(in);i(v_in)):relative=0.01'")
        signals = tuple(part.strip() for part in match[2].split(";"))
        for name in signals:
            if name not in units:
                raise InputError(f"--invariant: signal {name!r}", found="not there", expected="one to compare",
                                 remedy=nearest(name, units))
        plain = Invariant(match[1], signals, relative=1.0)
        found.append(Invariant(match[1], signals, **{
            key: parse_quantity(value, "1" if key == "relative" else plain.unit(units), f"--invariant: {key}")
            for key, value in keys.items()}))
    return found
