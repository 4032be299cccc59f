"""Campaigns: thousands of runs of a circuit, protocol or experiment; sweeps, Monte Carlo and corners."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from spicemem import engines
from spicemem import store as runs
from spicemem.campaign.execution import execute, fingerprint, opened, order
from spicemem.campaign.plan import METHODS, Axis, Method, Plan, Spread, corner_sets, declared, grid, samples
from spicemem.campaign.results import OK, STATUS, Campaign, Failure, assemble, load, outcomes_of
from spicemem.campaign.study import Redrawn, Study, run_bench
from spicemem.campaign.summary import Spec, Statistic, Yield, sensitivity, statistics, summary, yields
from spicemem.campaign.worker import Outcome
from spicemem.circuit import Circuit
from spicemem.engines import Engine
from spicemem.errors import InputError
from spicemem.protocols.pool import Progress

if TYPE_CHECKING:
    from spicemem.experiments.base import Experiment

__all__ = [
    "METHODS", "OK", "STATUS", "Campaign", "Failure", "Plan", "Redrawn", "Spec", "Statistic", "Study", "Yield",
    "corner_sets", "corners", "declared", "grid", "load", "monte_carlo", "remarks", "run", "run_bench", "samples",
    "sensitivity", "statistics", "summary", "sweep", "yields",
]

#: What a study may be given as.
Repeated = Union[Study, Circuit, "Experiment", Callable[..., Any]]
FAILED_FOLDER = "failed"
#: s between two writings of the data set; longer where writing takes more than this share of the time.
_EVERY, _SHARE = 10.0, 0.01


def _study(thing: Repeated) -> Study:
    if isinstance(thing, Study):
        return thing
    if isinstance(thing, Circuit) or callable(thing):
        return Study(thing)
    from spicemem.campaign.scored import scored  # every experiment is slow to import, and few workers need them

    return scored(thing)


def sweep(study: Repeated, axes: Mapping[str, Axis], **options: Any) -> Campaign:
    """Every combination of the values of named axes: sweep(study, {"syn.g_init": [1e-7, 1e-6]}).

    A value is a number in SI, a text (process), or anything by label: {"fast": wave_1, "slow": wave_2}. Names: see
    Study. options: see `run`. Raises InputError and SpicememError before anything runs for what is malformed.
    """
    return run(grid(_study(study), axes), **options)


def monte_carlo(study: Repeated, spreads: Mapping[str, Spread], count: int, seed: int, *, method: Method = "random",
                axes: Mapping[str, Axis] | None = None, **options: Any) -> Campaign:
    """`count` draws of parameters that spread between devices (a Distribution around the nominal value) or from cycle
    to cycle (a Redrawn at an input): monte_carlo(study, {"syn.g_init": Lognormal(0.1)}, 1000, seed=1).

    method: see `samples`. axes: every sample at every combination of them. options: see `run`. `declared(study, "syn")`
    is the spread that a device declares.
    """
    return run(samples(_study(study), spreads, count, seed, method=method, axes=axes), **options)


def corners(study: Repeated, sets: Mapping[str, Mapping[str, Any]] | None = None, *,
            axes: Mapping[str, Axis] | None = None, **options: Any) -> Campaign:
    """Named corners, and every combination with the axes: corners(study, {"slow": {"process": "ss", "supply": 0.9}},
    axes={"temperature": [233, 300, 398]}). Names: see Study. options: see `run`."""
    return run(corner_sets(_study(study), sets or {}, axes), **options)


def run(plan: Plan, *, folder: str | Path | None = None, engine: str | Engine | None = None,
        executor: str | Executor | None = None, store: str | Path | None = None, time_limit: float | None = None,
        specs: Iterable[Spec | str] = (), only_failed: bool = False, progress: Progress | None = None) -> Campaign:
    """Run the points of a plan; failed ones are counted and listed, and stop nothing.

    folder: where data.nc, failures.json and, by number of the point, netlists and logs of failures go; the data set is
    written every ten seconds and at the end, however that comes. store: the folder of finished engine runs
    (spicemem.store), default the active one, or "store" in the folder: who runs the same again repeats no finished run.
    executor: see `opened`, or any concurrent.futures.Executor. time_limit: s, of a point; Python code that ends by
    itself only is ended in processes and "here", simulators everywhere. specs: refused after the first point if they
    name what there is not. only_failed: run those points again that failed or were not run in `folder`, take the rest
    from there; refused if anything but the executor has changed since.
    """
    if time_limit is not None and not time_limit > 0:
        raise InputError("time limit", found=f"{time_limit:g} s", expected="a time above 0 s")
    target = None if folder is None else Path(folder)
    wanted = [Spec.parse(s) if isinstance(s, str) else s for s in specs]
    simulator = engines.get(engine) if "engine" in plan.study.arguments else None
    mark = fingerprint(plan, simulator)
    attrs = {"fingerprint": mark, **({"engine": simulator.name, "engine_version": simulator.version()} if simulator
                                     else {})}
    outcomes: dict[int, Outcome] = {}
    if only_failed:
        outcomes = _finished(plan, target, mark)
    if target is not None:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"folder {target}", found=error.strerror or str(error), expected="one that can be made",
                             remedy="Give another name or place") from None
    began = time.monotonic()
    written, took = began, 0.0

    def write() -> Campaign:
        found = assemble(plan, outcomes, attrs)
        if target is not None:
            found.save(target)
        return Campaign(found.data, found.failures, time.monotonic() - began)

    def take(outcome: Outcome) -> None:
        nonlocal written, took
        outcomes[outcome.index] = outcome
        now = time.monotonic()
        if wanted and outcome.outputs is not None and not checked:
            found = assemble(plan, {outcome.index: outcome}, attrs)
            for spec in wanted:
                spec.met(found)
            checked.append(True)
        if target is not None and now - written > max(_EVERY, took / _SHARE):
            write()
            written = time.monotonic()
            took = written - now

    checked: list[bool] = []
    todo = [k for k in range(len(plan)) if k not in outcomes]
    if store is None and target is not None and runs.active() is None:
        store = target / "store"
    context = runs.use(Path(store)) if store is not None else contextlib.nullcontext()
    try:
        with context, opened(executor) as pool:
            work = order(plan, simulator, time_limit, target / FAILED_FOLDER if target else None,
                         pool.again is not None or pool.name.startswith("dask"))
            execute(plan, todo, work, pool, take, progress)
    except BaseException:
        if outcomes:
            write()
        raise
    return write()


def _finished(plan: Plan, folder: Path | None, mark: str) -> dict[int, Outcome]:
    """The outcomes in a folder that need no second run."""
    if folder is None:
        raise InputError("only_failed", found="no folder", expected="the folder of the campaign")
    before = load(folder)
    if before.data.attrs.get("fingerprint") != mark:
        raise InputError(f"campaign in {folder}", found="another one: points, what is fixed, engine or code differ",
                         expected="the same", remedy="Run all: finished runs come from the store")
    return {k: o for k, o in outcomes_of(before, plan).items() if o.outputs is not None}


def remarks(campaign: Campaign) -> list[str]:
    """What a reader of the results should know."""
    return list(json.loads(campaign.data.attrs.get("remarks", "[]")))
