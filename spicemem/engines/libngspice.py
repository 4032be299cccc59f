"""The one ngspice inside this process: PySpice's NgSpiceShared with what is wrong in it put right.

PySpice 1.5 of 2021 is its last release. Measured with ngspice 46, and what is done here:

- A fault that ngspice tells on stderr while it reads a netlist, such as an unknown subcircuit, passes, and `run` runs
  the circuit before it: old waveforms come back as new ones. Here nothing is left of an earlier circuit or plot, and
  the log decides.
- Notes on stderr, of gmin steps that end well, count as errors. Here they do not.
- Circuits are never removed: 27 kB a run for a resistor and a capacitor. Here they are.
- Ctrl-C is lost: Python raises it in a callback, where cffi drops it, and the run goes on. Here a run is a thread of
  ngspice's own, ended on Ctrl-C or after a time; what a callback raises is kept. PySpice's callback for such threads
  returns None where C wants a number.
- After some faults ngspice takes no netlist any more. Here the library is then opened anew.
- "Unsupported Ngspice version": PySpice knows the types of vectors up to version 34. They have not changed since, which
  tests/test_pyspice.py checks; the warning goes where all its messages go, to the logger spicemem.libngspice.
"""

from __future__ import annotations

import ctypes.util
import logging
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError, NgSpiceShared, ffi

from spicemem.engines import process
from spicemem.engines.result import Array
from spicemem.engines.simulator import check_log
from spicemem.errors import EngineError, SimulationError, nearest

VARIABLE = "NGSPICE_LIBRARY_PATH"
REMEDY = (f"Install the one of your ngspice (Debian 12: apt-get install -t bookworm-backports libngspice0), name the "
          f"file in {VARIABLE}, or use engine ngspice")
PROBE = "* probe\n.options klu\nV1 a 0 1\nR1 a 0 1\n.op\n.end\n"
#: s: how long a run that is to end has for it, and how often a waiting one looks whether it is.
GRACE, LOOK = 5.0, 0.1

#: A process has one library with one circuit and one state: who uses it holds this.
LOCK = threading.RLock()

_logger = logging.getLogger("spicemem.libngspice")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


def find_library() -> str:
    """The shared library: the one NGSPICE_LIBRARY_PATH names, else the one installed with the ngspice on the PATH, else
    with this Python, else what the linker finds. Raises EngineError with the remedy.

    PySpice itself looks for libngspice.so, which is in packages for developers only: others have libngspice.so.0.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        if os.sep in named and not Path(named).is_file():
            raise EngineError(f"libngspice: {VARIABLE}", found=repr(named), expected="a file", remedy=REMEDY)
        return named
    program = shutil.which("ngspice")
    for root in (*([Path(program).resolve().parent.parent] if program else []), Path(sys.prefix)):
        for folder in ("lib", "lib64", "lib/*-linux-gnu*"):
            files = sorted([*root.glob(f"{folder}/libngspice.so*"), *root.glob(f"{folder}/libngspice*.dylib")])
            if files:
                return str(files[0])
    found = ctypes.util.find_library("ngspice")
    if found is None:
        raise EngineError("libngspice, ngspice as a library", found="none", expected="one", remedy=REMEDY)
    return found


class SharedNgspice(NgSpiceShared):  # type: ignore[misc]
    """PySpice's handle of the library, to be had from `shared()`. For PySpice it is one of its own; `load_circuit` and
    `run` raise SimulationError where the log has an error."""

    _logger = _logger
    _caught: BaseException | None = None
    _ngspice_shared: Any

    def _init_ngspice(self, send_data: bool) -> None:
        super()._init_ngspice(send_data)
        self._ended = threading.Event()
        self._ended.set()

        def keep(_: object, error: BaseException, __: object) -> None:
            self._caught = error

        def background(ended: bool, _: int, __: object) -> int:
            if ended:
                self._ended.set()
            return 0

        self._send_char_c = ffi.callback("int (char *, int, void *)", self._send_char, onerror=keep)
        self._send_stat_c = ffi.callback("int (char *, int, void *)", self._send_stat, onerror=keep)
        self._background_thread_running_c = ffi.callback("int (bool, int, void *)", background, onerror=keep)
        self._ngspice_shared.ngSpice_Init(self._send_char_c, self._send_stat_c, self._exit_c, ffi.NULL,
                                          self._send_init_data_c, self._background_thread_running_c, self._self_c)
        for command in ("unset ngbehavior", "set num_threads=1"):  # a .spiceinit may have set another mode
            self.command(command)

    def reopen(self) -> None:
        """Close the library and open it again: nothing of before is left in it."""
        ffi.dlclose(self._ngspice_shared)
        self._ngspice_shared = ffi.dlopen(self.library_path)
        self._ngspice_id = 0
        self._init_ngspice(False)

    @property
    def log(self) -> str:
        """All that the last command said."""
        return f"{self.stdout}\n{self.stderr}".strip("\n")

    def exec_command(self, command: str, join_lines: bool = True) -> Any:
        with LOCK:
            try:
                return super().exec_command(command, join_lines)
            finally:
                self._raise_caught()

    def _raise_caught(self) -> None:
        caught, self._caught = self._caught, None
        if caught is not None:
            raise caught

    def command(self, command: str) -> str:
        """Run a command: all it says, for the caller to judge."""
        try:
            self.exec_command(command)
        except NgSpiceCommandError:
            pass  # anything on stderr, a note too
        except NameError as error:
            return f"{self.log}\nError: {error}"
        return self.log

    def empty(self) -> None:
        """Remove every circuit and every plot. Raises EngineError where a run goes on that could not be ended."""
        if not self._ended.is_set():
            raise EngineError("libngspice", found="a run that could not be ended", expected="no other run",
                              remedy="Start Python again, or use engine ngspice: its runs can always be ended")
        self.command("destroy all")
        said = ""
        while "no circuit loaded" not in said:
            said = self.command("remcirc")
            if "Error" in said:
                self.reopen()
                break

    def load(self, netlist: str) -> str:
        """Read a netlist in place of all that was there: the log."""
        with LOCK:
            self.empty()
            try:
                super().load_circuit(netlist)
                log = self.log
            except NameError as error:  # PySpice's errors are of that kind
                log = f"{self.log}\nError: {error}" if str(error) else self.log
            self._raise_caught()
            if "cannot recover" in log:
                self.reopen()
            return log

    def simulate(self, timeout: float) -> str:
        """Run the netlist: the log. Raises TimeoutError after `timeout` seconds, KeyboardInterrupt on Ctrl-C and after
        `process.stop_all()`: the run then ends at its next time point."""
        with LOCK:
            if process.stopping():
                raise KeyboardInterrupt
            latest = time.monotonic() + timeout
            self._ended.clear()
            try:
                self.command("bg_run")
                while not self._ended.wait(LOOK):
                    if process.stopping():
                        raise KeyboardInterrupt
                    if time.monotonic() > latest:
                        raise TimeoutError
            finally:
                if not self._ended.is_set():
                    self.command("bg_halt")
                    self._ended.wait(GRACE)
            self._raise_caught()
            return self.log

    def vectors(self) -> dict[str, Array]:
        """What the run left, by lower-case names as in a raw file, the axis first."""
        found = {}
        for plot in self.plot_names[:-1]:  # the last one has the constants of nature
            names = self._convert_string_array(self._ngspice_shared.ngSpice_AllVecs(plot.encode()))
            for name in sorted(names, key=lambda name: name not in ("time", "v-sweep")):
                info = self._ngspice_shared.ngGet_Vec_Info(f"{plot}.{name}".encode())
                # Not PySpice's plot(), which makes waveforms with units of them.
                values = np.frombuffer(ffi.buffer(info.v_realdata, 8 * info.v_length), np.float64).copy()
                raw = f"i({name.removesuffix('#branch')})" if name.endswith("#branch") else f"v({name})"
                found[raw.lower()] = values
        return found

    def load_circuit(self, circuit: object) -> None:
        """For PySpice's simulators. Raises SimulationError for what ngspice cannot read, and for a parameter that the
        subcircuit does not have, which ngspice ignores."""
        netlist = str(circuit)
        _check_parameters(netlist)
        with LOCK:
            log = self.load(netlist)
            if "any circuits" in self.command("setcirc"):
                found = [row for row in log.splitlines() if not row.startswith(("Note", "Circuit:"))]
                raise SimulationError("PySpice: circuit", found=" | ".join(found), expected="one that ngspice can read")
            _judge(log)

    def run(self, background: bool = False) -> None:
        """For PySpice's simulators. Raises SimulationError for a run that failed."""
        if background:
            self._ended.clear()
            super().run(background)
        else:
            _judge(self.simulate(threading.TIMEOUT_MAX))


def _judge(log: str) -> None:
    """The log of somebody's own circuit: attempts at an operating point may fail, as long as one succeeds."""
    rows = [row for row in log.splitlines() if not row.lower().startswith(("note", "warning"))]
    check_log("\n".join(rows), 0, None, "PySpice")


def _check_parameters(netlist: str) -> None:
    text = re.sub(r"[ \t]*=[ \t]*", "=", netlist.lower().replace("\n+", " "))
    lines = [line.split() for line in text.splitlines() if line.startswith((".subckt", "x"))]
    known: dict[str, set[str]] = {}
    for head, *words in lines:
        if head == ".subckt":
            known.setdefault(words[0], {"m"}).update(word.partition("=")[0] for word in words if "=" in word)
    for head, *words in lines:
        names = [word.partition("=")[0] for word in words if "=" in word]
        kind = next(iter(words[len(words) - len(names) - 1:]), "")
        for name in names if head[0] == "x" and kind in known else ():
            if name not in known[kind]:
                raise SimulationError(f"PySpice: {head}: parameter {name!r}", found=f"no such parameter of {kind}",
                                      expected="one it has", remedy=nearest(name, known[kind] - {"m"}))


_instance: SharedNgspice | None = None


def shared() -> SharedNgspice:
    """The library, found and opened. PySpice's `circuit.simulator()` takes the same one from then on.

    Raises EngineError where there is none, or one without KLU.
    """
    global _instance
    with LOCK:
        if _instance is None:
            _instance = _open()
        return _instance


def _open() -> SharedNgspice:
    path = find_library()
    library: SharedNgspice
    NgSpiceShared.LIBRARY_PATH = path.replace("{", "{{").replace("}", "}}")  # PySpice formats it
    trial = type(ffi)()  # cffi.FFI
    trial.cdef("bool ngSpice_running(void);")
    try:
        # First of all, since PySpice cannot try a second library after one that did not open.
        handle = trial.dlopen(path)
        assert handle.ngSpice_running
        trial.dlclose(handle)
        library = SharedNgspice.new_instance()
        if not isinstance(library, SharedNgspice):  # somebody used PySpice before
            library.__class__ = SharedNgspice
            library._library_path = path
            library.reopen()
        log = library.load(PROBE) + library.simulate(20.0)
    except (OSError, AttributeError, NameError) as error:
        raise EngineError(f"libngspice {path}", found=str(error), expected="one that can be used",
                          remedy=REMEDY) from None
    if "Using KLU" not in log:
        raise EngineError(f"libngspice {path}", found=f"version {library.ngspice_version} without KLU",
                          expected="one with KLU", remedy=REMEDY)
    library.empty()
    return library
