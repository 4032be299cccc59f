"""Many runs at once, in order, with progress; Ctrl-C ends every simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from typing import TypeVar

from spicemem.engines import Engine
from spicemem.engines.process import end_with_parent, resume, stop_all

Progress = Callable[[int, int, str], None]
_Item = TypeVar("_Item")
_Value = TypeVar("_Value")


def default_executor(engine: Engine, workers: int | None = None) -> Executor:
    """Threads around simulators (each is a process of its own); processes for the reference, which is Python.

    workers: how many at once, default one a core.
    """
    workers = workers or os.cpu_count() or 1
    if engine.name == "reference":
        return ProcessPoolExecutor(workers, initializer=end_with_parent)
    return ThreadPoolExecutor(workers)


def map_runs(
    work: Callable[[_Item], _Value], items: Iterable[_Item], engine: Engine, executor: Executor | None = None,
    progress: Progress | None = None, what: str = "runs",
) -> list[_Value]:
    """work(item) for every item, results in the order of the items.

    executor: anything like concurrent.futures; None makes one that ends with the call. progress(done, all, what) is
    called after every run. The first failure ends the rest and is raised.
    """
    todo = list(items)
    own = executor is None
    pool = executor or default_executor(engine)
    try:
        futures = [pool.submit(work, item) for item in todo]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if progress:
                    progress(done, len(todo), what)
        except BaseException:
            for future in futures:
                future.cancel()
            stop_all()
            if isinstance(pool, ThreadPoolExecutor):  # its threads are ours: they end with their simulators
                wait(futures)
            resume()
            raise
        return [future.result() for future in futures]
    finally:
        if own:
            pool.shutdown(wait=True, cancel_futures=True)
