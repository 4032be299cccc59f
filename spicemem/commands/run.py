"""`spicemem run` and `reproduce`: published results, repeated and scored."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import typer

from spicemem.commands.base import (
    UNSUPPORTED,
    Settings,
    StoreFolder,
    command,
    fail,
    new_console,
    print_table,
    progress_bar,
    stored_in,
)
from spicemem.errors import EngineError, InputError, nearest
from spicemem.files import write_text


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
    store: Path | None = StoreFolder,
) -> None:
    """Repeat a published result and score it.

    Writes curves (CSV), pictures (PNG) and summary.json, and prints the simulated beside the published numbers.
    Exit status: 0 all targets met; 1 some missed, or the run failed; 3 this engine cannot run it; 130 interrupted.

    \b
    Examples:
      spicemem run eis-stdp
      spicemem run eis-stdp --engine vacask --quick -o results
      spicemem run eis-stdp --store runs        (the second time it is read, not simulated)
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
            stack.enter_context(stored_in(store))
            executor = stack.enter_context(default_executor(simulator, jobs)) if jobs else None
            progress = stack.enter_context(progress_bar())
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


def _print_summary(summary: dict[str, Any]) -> None:
    from spicemem.reproduction import allowed

    console = new_console()
    for table in summary["tables"].values():
        print_table(console, table["columns"], table["rows"])
    if summary["targets"]:
        print_table(console, ("target", "published", "allowed", "simulated", "verdict"), [
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
    store: Path | None = StoreFolder,
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
    with stored_in(store), progress_bar() as progress:
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
