"""One point in whatever process runs it: its time limit, and what a failure leaves."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from spicemem import store
from spicemem.campaign.outputs import Output
from spicemem.campaign.study import Study, limited
from spicemem.engines import Engine
from spicemem.errors import SimulationError, SpicememError

#: s that a point which is no simulator may take beyond the time limit.
GRACE = 1.0


@dataclass(frozen=True)
class Order:
    """What every point of a campaign needs: study and engine, pickled once; store; time limit (s); where the netlists
    and logs of failed points go."""

    work: bytes
    store: str | None
    time_limit: float | None
    failures: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its outputs, or why there are none and the folder that says more; wall time (s)."""

    index: int
    outputs: Mapping[str, Output] | None
    reason: str = ""
    folder: str = ""
    wall_s: float = 0.0


class _TimeUp(SimulationError):
    """The time of a point is over."""


@lru_cache(maxsize=4)
def _unpacked(work: bytes) -> tuple[Study, Engine | None]:
    study, engine = pickle.loads(work)
    return study, engine


@contextlib.contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise _TimeUp in here after so many seconds; where a signal may be used, which is in a main thread."""
    if seconds is None or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def over(number: int, frame: object) -> None:
        raise _TimeUp("point of the campaign", found=f"no end after {seconds:g} s", expected="an end within the limit")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def work(order: Order, index: int, settings: Mapping[str, Any]) -> Outcome:
    """Run a point. Every failure but Ctrl-C is an outcome."""
    if os.environ.get(store.VARIABLE) != order.store:  # a worker of Dask: nobody else has told it
        os.environ.pop(store.VARIABLE, None)
        if order.store is not None:
            os.environ[store.VARIABLE] = order.store
    began = time.perf_counter()

    def remaining() -> float:
        return (order.time_limit or 0.0) - (time.perf_counter() - began)

    try:
        study, engine = _unpacked(order.work)
        if order.time_limit is not None and engine is not None:
            engine = limited(engine, remaining)
        with _alarm(order.time_limit):
            outputs = study.evaluate(settings, engine)
        return Outcome(index, outputs, wall_s=time.perf_counter() - began)
    except Exception as error:
        reason, folder = _kept(order, index, error)
        return Outcome(index, None, reason, folder, time.perf_counter() - began)


def _kept(order: Order, index: int, error: Exception) -> tuple[str, str]:
    """The reason of a failure and the folder that says more, moved to the other results where that can be."""
    left: Path | None = getattr(error, "folder", None)
    reason = " ".join(str(error).split())
    expected = isinstance(error, SpicememError)
    if not expected:
        reason = f"{type(error).__name__}: {reason}"
    if order.failures is None:
        return reason, str(left or "")
    target = Path(order.failures) / f"{index:06d}"
    try:
        shutil.rmtree(target, ignore_errors=True)
        if left is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(left, target)
        else:
            target.mkdir(parents=True, exist_ok=True)
        (target / "reason.txt").write_text("".join(traceback.format_exception(error)))
    except OSError:
        return reason, str(left or "")
    return reason.replace(str(left), str(target)) if left else reason, str(target)
