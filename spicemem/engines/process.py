"""Simulators as processes: a fresh folder a run, a time limit, ended on Ctrl-C and on failure, a log that is kept."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import resource
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from spicemem.engines import orphans
from spicemem.errors import EngineError, SimulationError

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.RLock()  # a signal may come while this very thread holds it
_stopping = threading.Event()


def stop_all() -> None:
    """End every simulator of this process; later starts are refused. For Ctrl-C."""
    _stopping.set()
    with _lock:
        running = list(_running)
    for process in running:
        _kill(process)


def resume() -> None:
    """Let simulators start again, once those that stop_all() ended are gone."""
    _stopping.clear()


def stopping() -> bool:
    """Whether stop_all() wants every simulator ended: for one that is no process of its own."""
    return _stopping.is_set()


def end_with_parent() -> None:
    """For a worker process: end, with every simulator, once the process that started it has ended, however that was.

    An `initializer` of a ProcessPoolExecutor. Workers of one that is killed would otherwise wait for work for ever.
    """
    from multiprocessing import connection, parent_process

    parent = parent_process()

    def wait(sentinel: int) -> None:
        connection.wait([sentinel])
        stop_all()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=wait, args=(parent.sentinel,), daemon=True).start()


@atexit.register
def _dismiss() -> None:
    if not _running:
        orphans.dismiss()


@lru_cache(maxsize=16)
def _sweep_once(folder: str) -> None:
    orphans.sweep(Path(folder))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Its own session, so that its children go too and the terminal's Ctrl-C reaches us first.
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def run_folder(engine: str, keep: Path | None) -> Iterator[Path]:
    """A fresh folder for one run: removed after success and interruption, kept after failure or on request."""
    try:
        if keep is None:
            folder = _made(engine)
        else:
            folder = Path(keep)
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SimulationError(f"folder of the {engine} run", found=str(error), expected="one that can be written",
                              remedy="Set TMPDIR to a folder with space, or give keep= another") from None
    if keep is not None:
        yield folder
        return
    try:
        yield folder
    except SimulationError:
        orphans.unmark(folder)
        raise
    except BaseException:
        _remove(folder)
        raise
    _remove(folder)


def _made(engine: str) -> Path:
    """A temporary folder for a run. Raises OSError."""
    temporary = tempfile.gettempdir()
    _sweep_once(temporary)
    folder = Path(temporary, f"spicemem-{engine}-{secrets.token_hex(6)}")
    orphans.mark(folder)
    try:
        folder.mkdir(0o700)
    except OSError:
        orphans.unmark(folder)
        raise
    return folder


def _remove(folder: Path) -> None:
    """Remove the folder of a run."""
    shutil.rmtree(folder, ignore_errors=True)
    orphans.unmark(folder)


def run(command: Sequence[str], folder: Path, timeout: float, engine: str) -> tuple[int, str]:
    """Run a simulator in its folder: exit status and log, which is also the file `log`.

    Raises SimulationError when it does not end in `timeout` seconds or dies of a signal, EngineError when it cannot
    be started. It is ended whenever this function does not return.
    """
    log = folder / "log"
    if _stopping.is_set():
        raise KeyboardInterrupt
    orphans.watch()
    try:
        with log.open("wb") as sink:
            process = subprocess.Popen(
                list(command), cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C", orphans.VARIABLE: orphans.name()},
            )
    except OSError as error:
        raise EngineError(f"{engine}: {command[0]}", found=str(error),
                          expected="a program that can be started") from None
    with _lock:
        _running.add(process)
    if hasattr(resource, "prlimit"):  # Linux: should this process be killed, its simulator will not run on for ever
        with contextlib.suppress(OSError):
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (math.ceil(timeout) + 5, math.ceil(timeout) + 10))
    if _stopping.is_set():
        _kill(process)  # stop_all() looked before this one stood in the list
    try:
        expired = not _ended(process, timeout)
    finally:
        if process.poll() is None:
            _kill(process)
            process.wait()
        with _lock:
            _running.discard(process)
    if _stopping.is_set():
        raise KeyboardInterrupt
    if expired:
        raise SimulationError(f"{engine} run", found=f"no end after {timeout:g} s", expected="an end",
                              remedy="Give timeout= more seconds, a shorter stop or a larger max_step", folder=folder)
    text, status = log.read_text(errors="replace"), process.returncode
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        raise SimulationError(f"{engine} run", found=f"the simulator crashed ({name})", expected="an end of its own",
                              folder=folder)
    return status, text


def _ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait for a process to end; False if it has not after `timeout` seconds."""
    if not hasattr(os, "pidfd_open"):  # only Linux has it: elsewhere Popen.wait polls, up to 50 ms late
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
        return process.returncode is not None
    handle = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(handle)


def tail(text: str, lines: int = 3) -> str:
    """The last lines of a log that say something."""
    rows = [row.strip() for row in text.splitlines() if row.strip()]
    return " | ".join(rows[-lines:]) or "nothing"
