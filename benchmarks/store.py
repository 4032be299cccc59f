"""What the store of finished runs costs and saves, and what it costs that no simulator outlives its process.

python benchmarks/store.py [--repeats N] [--write]: everything in one run, contenders taking turns. Points are those of
an STDP curve, form (a) at 100 ms, one after the other. Times are medians of a run; shares are of CPU time, in the
simulators and around them, so that what else runs on the machine counts little. The key's time is without that of
writing the netlist, which the run needs anyway. An experiment is eis-stdp with one worker: simulated, and read from a
full store.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from accuracy import SIMULATORS, cases, finish, host, need_simulators

from spicemem import engines, store
from spicemem.engines import Engine, orphans, process
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import run_experiment
from spicemem.experiments.eis_spikes import delay_grid
from spicemem.protocols.stdp import stdp

AIM = 5.0  # percent of a simulation


def cpu() -> float:
    """CPU seconds of this thread and of simulators that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.thread_time() + ended.ru_utime + ended.ru_stime


@contextmanager
def timed(*functions: tuple[Any, str]) -> Iterator[dict[str, list[tuple[float, float]]]]:
    """Wall and CPU seconds, those of simulators included, of every call of these methods or functions, by name."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def watched(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            began, used = time.perf_counter(), cpu()
            try:
                return function(*args, **kwargs)
            finally:
                found[name].append((time.perf_counter() - began, cpu() - used))

        return call

    before = [(owner, name, getattr(owner, name)) for owner, name in functions]
    for owner, name, function in before:
        setattr(owner, name, watched(function, name))
    try:
        yield found
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def points(name: str, repeats: int, folder: Path) -> str:
    """A row: what a run costs beside its simulation, with an empty store and with a full one."""
    engine = engines.get(name)
    _, cell, form = next(cases())
    grid = delay_grid(form.time_scale, 41)
    parts = ((Engine, "key"), (store.Store, "get"), (store.Store, "put"),
             (type(engine), "deck"), (type(engine), "simulate"))
    walls: dict[str, list[float]] = defaultdict(list)
    works: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    shares, kept = [], store.Store(folder)
    with ThreadPoolExecutor(1) as worker:
        for k in range(repeats):
            kept.prune(everything=True)
            for what in ("none", "empty", "full") if k % 2 else ("empty", "full", "none"):
                with store.use(None if what == "none" else folder), timed(*parts) as found:
                    began, used = time.perf_counter(), worker.submit(cpu).result() + time.thread_time()
                    stdp(cell, pre=form.pre, post=form.post, delays=grid, engine=engine, executor=worker)
                    walls[what].append(time.perf_counter() - began)
                    works[what].append(worker.submit(cpu).result() + time.thread_time() - used)
                for part, times in found.items():
                    costs[f"{part} {what}"] += [wall for wall, _ in times]
                if what == "empty":
                    spent = {part: sum(cpu for _, cpu in times) for part, times in found.items()}
                    added = spent["key"] - spent["deck"] + spent["get"] + spent["put"]
                    shares.append(100 * added / spent["simulate"])
        size = kept.size() / len(list(kept.entries()))
    ms = {k: 1e3 * median(v) for k, v in costs.items()}
    more = 100 * median(b / a - 1 for a, b in zip(works["none"], works["empty"], strict=True))
    key = ms["key empty"] - ms["deck empty"]
    cells = [name, f"{ms['simulate none']:.1f}", f"{key:.2f}", f"{ms['get empty']:.2f}", f"{ms['put empty']:.2f}",
             f"{median(shares):.1f}", f"{more:+.1f}", f"{ms['get full']:.2f}", f"{size / 1e3:.0f}",
             f"{median(walls['none']):.2f}", f"{median(walls['full']):.2f}"]
    return f"| {' | '.join(cells)} |"


def experiment(name: str, folder: Path) -> str:
    """A row: eis-stdp simulated, and read; what is left then, and where."""
    engine, walls = engines.get(name), []
    with ThreadPoolExecutor(1) as worker, store.use(folder / "runs"):
        for _ in range(2):
            parts = ((Engine, "_signals"), (sys.modules["spicemem.experiments.base"], "save_figure"))
            with timed(*parts) as found:
                summary = run_experiment(EXPERIMENTS["eis-stdp"], engine, folder / "out", executor=worker)
            walls.append(summary["wall_s"])
    runs, pictures = (sum(wall for wall, _ in found[part]) for part in ("_signals", "save_figure"))
    return (f"| {name} | {len(found['_signals'])} | {walls[0]:.2f} | {walls[1]:.2f} | {100 * runs / walls[1]:.0f} | "
            f"{100 * pictures / walls[1]:.0f} | {100 * (1 - (runs + pictures) / walls[1]):.0f} |")


def starts(repeats: int) -> list[str]:
    """Rows: what it costs a run of ngspice that is over at once to be watched for, in pairs."""
    program = engines.get("ngspice").program()  # type: ignore[attr-defined]
    setpriv = shutil.which("setpriv")
    deck = "* nothing\nV1 a 0 1\nR1 a 0 1\n.op\n.end\n"
    watch, mark = orphans.watch, orphans.mark
    found: dict[str, list[float]] = defaultdict(list)
    watch()
    for k in range(repeats):
        kinds = ["not watched", "watched", *(["setpriv --pdeathsig"] if setpriv else [])]
        for kind in kinds[k % len(kinds):] + kinds[:k % len(kinds)]:
            orphans.watch, orphans.mark = (watch, mark) if kind == "watched" else (lambda: None, lambda folder: None)
            began = time.perf_counter()
            with process.run_folder("benchmark", None) as folder:
                (folder / "deck.cir").write_text(deck)
                before = [setpriv, "--pdeathsig", "KILL"] if kind.startswith("setpriv") else []
                process.run([*before, program, "-b", "-n", "deck.cir", "-r", "out.raw"], folder, 60.0, "ngspice")
            found[kind].append(time.perf_counter() - began)
    orphans.watch, orphans.mark = watch, mark
    plain = found["not watched"]
    return [f"| {kind} | {1e3 * median(times):.2f} | "
            f"{1e3 * median(b - a for a, b in zip(plain, times, strict=True)):+.3f} |" for kind, times in found.items()]


def main() -> None:
    """Print, and with --write keep, the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="curves of each kind (default 7)")
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/store.md")
    options = parser.parse_args()
    need_simulators()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = ["# The store of finished runs", "", str(__doc__).split("\n\n", 1)[1].strip(), "", f"Made on {host()}.",
                 "", "## A run", "",
                 "Key, look-up and writing together are to take less than "
                 f"{AIM:.0f} % of the simulation (share). More: CPU time of the whole curve with an empty store "
                 "against one with none, in pairs.", "",
                 "| engine | simulation, ms | key, ms | look-up, ms | writing, ms | share, % | more, % | "
                 "reading, ms | entry, kB | curve, s | curve from the store, s |", "|" + "---|" * 11]
        for k, engine in enumerate(SIMULATORS):
            lines.append(points(engine, options.repeats, folder / f"p{k}"))
            print(lines[-1], file=sys.stderr, flush=True)
        lines += ["", "## An experiment", "",
                  "| engine | runs | simulated, s | from the store, s | of this: runs, % | pictures, % | the rest, % |",
                  "|" + "---|" * 7]
        for k, engine in enumerate(SIMULATORS):
            lines.append(experiment(engine, folder / f"e{k}"))
            print(lines[-1], file=sys.stderr, flush=True)
        lines += ["", "## No simulator left behind", "",
                  "A run of ngspice that is over at once: folder, start, end. The last column is the median of the "
                  "differences in pairs.", "", "| | ms | more than not watched, ms |", "|---|---|---|",
                  *starts(60 * options.repeats)]
    finish(lines, __file__, options.write)


if __name__ == "__main__":
    main()
