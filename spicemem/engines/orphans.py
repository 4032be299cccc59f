"""What a process that is killed would leave behind: its simulators, and the folders of their runs.

A process that starts simulators names itself in their environment and beside the folders of their runs. A watcher, a
shell of a megabyte, waits for the process to end; however that was, it ends every process with that name in its
environment. Folders whose process has ended are removed when the next one starts. (Linux; elsewhere nothing is done.)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

#: The variable of the environment, and the end of the name of a link beside a folder, that name the process.
VARIABLE, LINK = "SPICEMEM_OWNER", ".owner"

# Not PR_SET_PDEATHSIG: it needs code between fork and exec, which is unsafe beside threads, or a program in between
# for every run; it ends no grandchildren, and comes when the starting thread ends. The shell costs nothing a run.
# It looks several times: a simulator may just be about to start.
_WATCH = """trap '' HUP INT TERM
read -r word && exit
for pause in 0 0.05 0.15 0.3 0.4; do
  sleep $pause
  for file in $(grep -lsF -- "$1" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    kill -9 "${pid%/environ}"
  done
done"""

_watcher: subprocess.Popen[bytes] | None = None
_lock = threading.Lock()


def _started(pid: int) -> str:
    """When a process started, in clock ticks; "" for one that has ended. Raises OSError where there is none."""
    words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()
    return "" if words[0] in "ZX" else words[19]


@lru_cache(maxsize=1)
def _place() -> str:
    """Where numbers of processes mean the same: the machine, and the container on it."""
    return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"


@lru_cache(maxsize=1)
def _name(pid: int) -> str:
    try:
        return f"{_place()} {pid} {_started(pid)};"
    except OSError:  # no /proc
        return ""


def name() -> str:
    """What no other process is called, at any time; "" where there is no /proc."""
    return _name(os.getpid())


def watch() -> None:
    """See to it that the simulators of this process end with it. Costs a few milliseconds the first time."""
    global _watcher
    with _lock:
        if not name() or (_watcher is not None and _watcher.poll() is None):
            return
        with contextlib.suppress(OSError):
            _watcher = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "spicemem-watcher", f"{VARIABLE}={name()}"], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")


def dismiss() -> None:
    """End the watcher: nothing is running any more."""
    global _watcher
    with _lock:
        if _watcher is not None and _watcher.stdin is not None:
            with contextlib.suppress(OSError):
                _watcher.stdin.write(b"done\n")
                _watcher.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                _watcher.wait(1.0)
        _watcher = None


def _forget() -> None:
    """In a forked process: the watcher is its parent's, and would wait for both."""
    global _watcher, _lock
    _lock = threading.Lock()
    if _watcher is not None and _watcher.stdin is not None:
        _watcher.stdin.close()
        _watcher.returncode = 0  # not a child of this process
    _watcher = None


os.register_at_fork(after_in_child=_forget)


def mark(folder: Path) -> None:
    """Say whose the folder of a run is, before it is made: at no moment is it nobody's. Where the file system has
    links."""
    if name():
        with contextlib.suppress(OSError):
            os.symlink(name(), f"{folder}{LINK}")


def unmark(folder: Path) -> None:
    """The folder has been removed, or is to stay."""
    with contextlib.suppress(OSError):
        os.unlink(f"{folder}{LINK}")


def _dead(owner: str) -> bool:
    """Whether the process of that name has ended, as far as that can be known here."""
    place, pid, started = owner.rstrip(";").rsplit(" ", 2)
    if place != _place():
        return False
    try:
        return _started(int(pid)) != started
    except OSError:
        return True


def sweep(folder: Path | None = None) -> list[Path]:
    """Remove what processes that were killed have left in the folder of temporary files, or in another.

    Folders of runs whose process has ended, on this machine; should a simulator still run for one, it ends first.
    Returns the folders.
    """
    gone = []
    for link in Path(folder or tempfile.gettempdir()).glob(f"spicemem-*{LINK}"):
        with contextlib.suppress(OSError, ValueError):  # another one removes it too; a link that is not ours
            owner, run = os.readlink(link), link.with_name(link.name.removesuffix(LINK))
            if _dead(owner) and link.lstat().st_uid == os.getuid():  # anybody may write among temporary files
                _end(owner)
                if run.is_dir():
                    shutil.rmtree(run, ignore_errors=True)
                    gone.append(run)
                unmark(run)
    return gone


def _end(owner: str) -> None:
    """End the simulators of a process."""
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{VARIABLE}={owner}".encode() in file.read_bytes():
                os.kill(int(file.parent.name), signal.SIGKILL)
