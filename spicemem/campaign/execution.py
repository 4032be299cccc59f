"""The run of a campaign: points through any executor, results the same whatever their order."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import multiprocessing
import os
import pickle
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from spicemem import engines, store
from spicemem.campaign.plan import Plan
from spicemem.campaign.study import Here
from spicemem.campaign.worker import Order, Outcome, work
from spicemem.engines import Engine
from spicemem.engines.process import end_with_parent, resume, stop_all
from spicemem.errors import EngineError, InputError
from spicemem.experiments.base import code
from spicemem.protocols.pool import Progress

_TEXT = re.compile(r"(processes|threads)(?::(\d+))?|(here)|dask://(\S+:\d+)")
#: s: how long a Dask scheduler may take to answer.
PATIENCE = 10.0


@dataclass
class Pool:
    """An executor, what it is called, how many points are handed to it at once, and how to make one like it."""

    executor: Executor
    name: str
    ahead: int
    again: Callable[[int | None], Executor] | None = None


def _processes(workers: int) -> ProcessPoolExecutor:
    # Not forked: a fork copies the locks of threads that do not exist in it.
    context = multiprocessing.get_context("spawn")
    places = context.SimpleQueue()
    # Worker and simulator take turns. Where there is a worker for each CPU, a simulator that starts on another's CPU
    # waits there while its own is idle: 6 to 13 % of the time (benchmarks/campaign.md), unless each keeps to one.
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    for k in range(workers):
        places.put(cpus[k] if len(cpus) == workers else None)
    return ProcessPoolExecutor(workers, context, _settle, (places,))


def _settle(places: SimpleQueue[int | None]) -> None:
    """In a worker: the terminal's Ctrl-C is the business of the parent, and so is its own end; its CPU."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    cpu = places.get()
    if cpu is not None:
        with contextlib.suppress(OSError):  # taken away meanwhile
            os.sched_setaffinity(0, {cpu})


@contextlib.contextmanager
def opened(executor: str | Executor | None) -> Iterator[Pool]:
    """The executor that a text names, closed at the end; one that is given as it is stays open.

    "processes" (the default), "processes:N", "threads:N", "here" (one after the other), "dask://HOST:PORT". Raises
    InputError for another text and EngineError for a scheduler that does not answer.
    """
    if isinstance(executor, Executor):
        known = getattr(executor, "_max_workers", None)
        yield Pool(executor, type(executor).__name__, max(8, 4 * known) if isinstance(known, int) else 64)
        return
    match = _TEXT.fullmatch(executor or "processes")
    if not match or match[2] == "0":
        raise InputError("executor", found=repr(executor), expected="processes:N, threads:N, here or dask://HOST:PORT")
    if match[4]:
        with _dask(match[4]) as pool:
            yield pool
        return
    workers = int(match[2] or os.cpu_count() or 1)
    if match[3]:
        yield Pool(Here(), "here", 1)
        return
    again: Callable[[int | None], Executor] | None = None
    own: Executor
    if match[1] == "processes":
        def again(count: int | None) -> Executor:
            return _processes(count or workers)

        own = _processes(workers)
    else:
        own = ThreadPoolExecutor(workers)
    pool = Pool(own, f"{match[1]}:{workers}", 4 * workers, again)
    try:
        try:
            own.submit(os.getpid).result()
        except BrokenExecutor:
            raise EngineError(f"executor {pool.name}", found="processes that die as they start",
                              expected="a program that they can import", remedy='Put what it does under '
                              '`if __name__ == "__main__":`, or use executor="threads"') from None
        yield pool
    except BaseException:
        _end(pool.executor)
        raise
    finally:
        pool.executor.shutdown(wait=True, cancel_futures=True)


def _end(executor: Executor) -> None:
    """End what runs, now; the watcher of a process that is killed ends its simulators."""
    for process in list((getattr(executor, "_processes", None) or {}).values()):  # there is no public way before 3.14
        process.kill()


@contextlib.contextmanager
def _dask(address: str) -> Iterator[Pool]:
    try:
        client_of = importlib.import_module("distributed").Client
    except ImportError:
        raise EngineError("executor dask", found="no package distributed", expected="Dask",
                          remedy="pip install spicemem[dask]") from None
    what = f"executor dask://{address}"
    try:
        client = client_of(f"tcp://{address}", timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise EngineError(what, found=str(error) or type(error).__name__, expected="a scheduler that answers",
                          remedy="Start one with `dask scheduler`, and workers with `dask worker HOST:PORT`") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError):
            raise EngineError(what, found="no workers", expected="at least one",
                              remedy=f"Start some: dask worker {address}") from None
        threads = sum(client.nthreads().values())
        pool = Pool(client.get_executor(pure=False), f"dask://{address}", 4 * threads)
        try:
            yield pool
        finally:
            pool.executor.shutdown(wait=False)


def order(plan: Plan, engine: str | Engine | None, time_limit: float | None, failures: Path | None,
          elsewhere: bool) -> Order:
    """What every point needs. Raises InputError for a study that no other process can read."""
    simulator = engines.get(engine) if "engine" in plan.study.arguments else None
    main = sys.modules["__main__"]
    if elsewhere and getattr(plan.study.function, "__module__", "") == "__main__" and not hasattr(main, "__file__"):
        raise InputError(f"study {plan.study.title}", found="a function that no file defines",
                         expected="a function that other processes can import",
                         remedy='Put it into a module, or use executor="threads"')
    try:
        blob = pickle.dumps((plan.study, simulator))
        pickle.loads(blob)
    except Exception as error:
        raise InputError(f"study {plan.study.title}", found=str(error), expected="a function that other processes can "
                         "import", remedy='Put it into a module, or use executor="threads"') from None
    active = store.active()
    return Order(blob, None if active is None else str(active.folder), time_limit,
                 None if failures is None else str(failures.absolute()))


def execute(plan: Plan, todo: Iterable[int], task: Order, pool: Pool, take: Callable[[Outcome], None],
            progress: Progress | None = None) -> None:
    """Run points; `take` gets each outcome as it comes, in any order. What stops it (Ctrl-C) loses none of those."""
    queue, pending = deque(todo), dict[Future[Outcome], int]()
    total, done = len(queue), 0

    def finished(outcome: Outcome) -> None:
        nonlocal done
        take(outcome)
        done += 1
        if progress:
            progress(done, total, "points")

    try:
        while queue or pending:
            died: list[int] = []
            while queue and len(pending) < pool.ahead and not died:
                index = queue.popleft()
                try:
                    pending[pool.executor.submit(work, task, index, plan.point(index))] = index
                except BrokenExecutor:
                    died.append(index)
            ready = set(pending) if died else wait(pending, return_when=FIRST_COMPLETED).done
            for future in ready:
                index = pending.pop(future)
                try:
                    outcome = future.result()
                except BrokenExecutor:
                    died.append(index)
                    continue
                except CancelledError:
                    raise EngineError(f"executor {pool.name}", found="points that it has given up",
                                      expected="a scheduler that stays") from None
                except Exception as error:  # of the executor: what a point does wrong comes back as its outcome
                    words = " ".join(str(error).split())
                    outcome = Outcome(index, None, f"{pool.name}: {type(error).__name__}: {words}")
                finished(outcome)
            if died:
                died += [pending.pop(future) for future in list(pending)]
                if pool.again is None:
                    raise EngineError(f"executor {pool.name}", found="a worker process that died",
                                      expected="workers that stay",
                                      remedy="Run again: what is finished is in the store")
                _alone(plan, sorted(died), task, pool, finished)
    except BaseException:
        for future in pending:
            future.cancel()
        stop_all()  # those of this process: threads, here
        if isinstance(pool.executor, ThreadPoolExecutor):
            wait(pending)
        resume()
        raise


def _alone(plan: Plan, indices: list[int], task: Order, pool: Pool, finished: Callable[[Outcome], None]) -> None:
    """A worker process died, and with it the pool. The points that it may have died of run one at a time, so that the
    one which kills its process is known."""
    assert pool.again is not None
    count: int | None = 1
    pool.executor.shutdown(wait=True, cancel_futures=True)
    pool.executor = pool.again(count)
    for position, index in enumerate(indices):
        try:
            outcome = pool.executor.submit(work, task, index, plan.point(index)).result()
        except BrokenExecutor:
            outcome = Outcome(index, None, "its process died: killed by a signal, or out of memory")
            pool.executor.shutdown(wait=True, cancel_futures=True)
            count = None if position + 1 == len(indices) else 1
            pool.executor = pool.again(count)
        finished(outcome)
    if count is not None:
        pool.executor.shutdown(wait=True)
        pool.executor = pool.again(None)


def fingerprint(plan: Plan, engine: str | Engine | None) -> str:
    """What decides about the numbers of a campaign, as a hash: the code of spicemem, the function's file, the points,
    everything fixed, the engine."""
    digest = hashlib.sha256(code(beside=()).encode())
    with contextlib.suppress(TypeError, OSError):
        digest.update(Path(inspect.getfile(inspect.unwrap(plan.study.function))).read_bytes())
    if "engine" in plan.study.arguments:
        simulator = engines.get(engine)
        digest.update(f"{simulator.name} {simulator.version()}".encode())
    text = [plan.kind, plan.study.title, _said(plan.study.fixed), _said(plan.study.circuit)]
    text += [f"{dim.name} {[_said(s) for s in dim.settings]}" for dim in plan.dims]
    digest.update("\n".join(text).encode())
    return digest.hexdigest()


def _said(value: Any) -> str:
    """A value as text that is the same for the same value: arrays in full, circuits by their parts."""
    if hasattr(value, "tobytes"):
        return hashlib.sha256(value.tobytes()).hexdigest()
    if hasattr(value, "elements"):
        return str([(e.path, type(e.part).__qualname__, _said(getattr(e.part, "values", None) or vars(e.part)),
                     sorted(e.nets.items())) for e in value.elements()])
    if isinstance(value, dict):
        return str([(k, _said(v)) for k, v in value.items()])
    if isinstance(value, list | tuple):
        return str([_said(v) for v in value])
    if inspect.isfunction(value) or inspect.isclass(value):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "__dict__") and not isinstance(value, Path):
        return f"{type(value).__qualname__} {_said(vars(value))}"
    return repr(value)
