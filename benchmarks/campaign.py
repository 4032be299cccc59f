"""Monte Carlo of the ionic synapse: scaling of the process pool, overhead of store and bookkeeping, memory.

python benchmarks/campaign.py [--points N] [--repeats N] [--write]: prints a page; --write keeps it beside this file.
Contenders take turns; every ratio is of runs that stand beside each other, so that a machine with other work on it
blurs the numbers, but does not turn them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from accuracy import finish

from spicemem import __version__
from spicemem.campaign import Plan, Study, run, samples
from spicemem.circuits import divider_gate
from spicemem.devices import EIS
from spicemem.engines import Engine, get, process
from spicemem.experiments.eis_spikes import antisymmetric
from spicemem.protocols import stdp
from spicemem.spread import Lognormal, Relative

GOAL_EFFICIENCY, GOAL_OVERHEAD = 90.0, 5.0
#: Points of a pair of runs with and without the store.
BLOCK = 250


def plan_of(points: int, seed: int = 1) -> Plan:
    """STDP of a divider gate at the two delays of its peaks: five simulations a point."""
    form = antisymmetric(EIS.preset("huang_2025_14nm"), 6.5, 0.1)
    study = Study(stdp, divider_gate, pre=form.pre, post=form.post, delays=[-0.02, 0.02])
    return samples(study, {"syn.g_init": Lognormal(0.1), "syn.j_0": Lognormal(0.06), "r": Relative(0.05)}, points, seed)


def campaign(plan: Plan, executor: str, engine: Engine,
             progress: Callable[[int, int, str], None] | None = None) -> tuple[float, float]:
    """Wall and CPU time (s) of a campaign in a fresh folder and store, everything included but their removal."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        began, before = time.perf_counter(), cpu()
        found = run(plan, folder=folder, executor=executor, engine=engine, progress=progress)
        times = time.perf_counter() - began, cpu() - before
    assert found.count["ok"] == len(plan), found.failures[:1]
    return times


def cpu() -> float:
    """CPU time (s) of this process and of all children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usages)


@contextmanager
def simulating(seconds: list[float]):  # type: ignore[no-untyped-def]
    """Collects the time spent in simulators."""
    usual = process.run

    def timed(*arguments, **more):  # type: ignore[no-untyped-def]
        began = time.perf_counter()
        try:
            return usual(*arguments, **more)
        finally:
            seconds.append(time.perf_counter() - began)

    process.run = timed
    try:
        yield
    finally:
        process.run = usual


def overhead(engine: Engine, blocks: int) -> list[tuple[float, float, float, float, float]]:
    """For each block: wall and CPU time of a plain loop over its points, then of a campaign with store, folder and
    data set over the same, in this process; and the time in the simulators of the loop."""
    rows = []
    for block in range(blocks):
        plan = plan_of(BLOCK, 100 + block)
        seconds: list[float] = []
        times = {}
        for which in ("plain", "campaign") if block % 2 else ("campaign", "plain"):
            if which == "campaign":
                times[which] = campaign(plan, "here", engine)
                continue
            began, before = time.perf_counter(), cpu()
            with simulating(seconds):
                for k in range(BLOCK):
                    plan.study.evaluate(plan.point(k), engine)
            times[which] = time.perf_counter() - began, cpu() - before
        rows.append((*times["plain"], *times["campaign"], sum(seconds)))
    return rows


@contextmanager
def anywhere():  # type: ignore[no-untyped-def]
    """Workers keep to no CPU."""
    usual = os.sched_getaffinity
    os.sched_getaffinity = lambda pid: set()  # type: ignore[assignment]
    try:
        yield
    finally:
        os.sched_getaffinity = usual


def resident(pid: int) -> float:
    """Memory in use of a process, MiB."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return float("nan")


def memory(engine: Engine, points: int) -> list[tuple[int, float, list[float]]]:
    """(points done, memory of the parent, of the workers) ten times over a campaign, MiB."""
    rows: list[tuple[int, float, list[float]]] = []

    def look(done: int, total: int, what: str) -> None:
        if done % max(1, total // 10) == 0:
            rows.append((done, resident(os.getpid()),
                         sorted(resident(p.pid) for p in multiprocessing.active_children() if p.pid)))

    campaign(plan_of(points, 7), "processes:2", engine, look)
    return rows


def resumed(engine: Engine, points: int) -> tuple[float, float]:
    """Wall time (s) of a campaign, and of the same again, out of its store."""
    plan = plan_of(points, 8)
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        walls = []
        for _ in range(2):
            began = time.perf_counter()
            run(plan, folder=folder, executor="processes:2", engine=engine)
            walls.append(time.perf_counter() - began)
    return walls[0], walls[1]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=6, help="pairs of runs with and without the store")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    engine = get("ngspice")
    load = [os.getloadavg()[0]]
    campaign(plan_of(4), "processes:2", engine)  # compiles, finds programs
    rounds = []
    for repeat in range(given.repeats):
        plan = plan_of(given.points, repeat + 1)
        kinds = (1, True), (2, True), (2, False)
        walls = {}
        for workers, keeps in kinds if repeat % 2 else kinds[::-1]:
            with nullcontext() if keeps else anywhere():
                walls[workers, keeps] = campaign(plan, f"processes:{workers}", engine)[0]
        rounds.append([walls[kind] for kind in kinds])
        load.append(os.getloadavg()[0])
    rows = overhead(engine, given.blocks)
    seen = memory(engine, given.points)
    first, again = resumed(engine, given.points)
    load.append(os.getloadavg()[0])

    efficiency = [100 * one / (2 * two) for one, two, _ in rounds]
    wall, busy = [100 * (r[2] / r[0] - 1) for r in rows], [100 * (r[3] / r[1] - 1) for r in rows]
    lines = [
        "# Campaigns", "",
        f"`python benchmarks/campaign.py`: Monte Carlo of the ionic synapse (EIS, divider gate), {given.points} points "
        "of STDP at its two peaks, five simulations each, three parameters drawn. "
        f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"spicemem {__version__}, ngspice {engine.version()}. Load average of the machine meanwhile {min(load):.1f} "
        f"to {max(load):.1f}; the benchmark itself makes 1 to 2 of it.", "",
        "## Process pool", "",
        "One worker and two, taking turns, each with a fresh store; starting the workers included. Efficiency: time "
        f"with one over twice the time with two. Goal: {GOAL_EFFICIENCY:g} % on 2 cores. Where there is a worker for "
        "each CPU, as in the second column on two CPUs, each keeps to one; the last columns are without that.", "",
        "| 1 worker, s | 2 workers, s | efficiency, % | 2 workers on any CPU, s | efficiency, % |", "|---" * 5 + "|",
        *(f"| {one:.1f} | {two:.1f} | {e:.1f} | {free:.1f} | {50 * one / free:.1f} |"
          for (one, two, free), e in zip(rounds, efficiency, strict=True)), "",
        f"Median {statistics.median(efficiency):.1f} %; on any CPU "
        f"{statistics.median(50 * one / free for one, _, free in rounds):.1f} %.", "",
        "## Store and bookkeeping", "",
        f"The same {BLOCK} points in this process: a plain loop without a store, and a campaign with store, data set "
        f"and folder, {len(rows)} pairs taking turns. Overhead: what the campaign takes more than the loop; median "
        f"and range. Goal: {GOAL_OVERHEAD:g} %.", "",
        "| | loop, s | campaign, s | overhead, % |", "|---|---|---|---|",
        f"| wall time | {spread([r[0] for r in rows], 2)} | {spread([r[2] for r in rows], 2)} | {spread(wall)} |",
        f"| CPU time, simulators included | {spread([r[1] for r in rows], 2)} | {spread([r[3] for r in rows], 2)} | "
        f"{spread(busy)} |", "",
        f"Of the wall time of the loop {spread([100 * r[4] / r[0] for r in rows])} % are in simulators, "
        f"{statistics.median(1e3 * r[4] / (5 * BLOCK) for r in rows):.1f} ms each: these are short runs. CPU time "
        "tells more where others use the machine.", "",
        "## Memory", "",
        "Resident memory over a campaign, MiB.", "",
        "| points done | parent | workers |", "|---|---|---|",
        *(f"| {done} | {parent:.0f} | {', '.join(f'{w:.0f}' for w in workers)} |"
          for done, parent, workers in seen), "",
        "## Again", "",
        f"{given.points} points with two workers: {first:.1f} s; the same again, out of the store: {again:.1f} s.", "",
    ]
    finish(lines[:-1], __file__, given.write)


if __name__ == "__main__":
    main()
