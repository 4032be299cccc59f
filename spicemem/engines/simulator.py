"""What the engines that are programs of their own share: names in flat netlists, logs, signals from raw files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from spicemem.circuit import DOT, VerilogA
from spicemem.engines import process
from spicemem.engines.base import Engine, Job
from spicemem.engines.identity import file_digest
from spicemem.engines.osdi import cache_folder, compile_module
from spicemem.engines.result import Array
from spicemem.errors import EngineError, SimulationError
from spicemem.model import Model
from spicemem.render import ngspice as text
from spicemem.render import verilog_a

_JOIN = "__"
# Words of a log that make a result worthless, whatever the exit status says. ngspice ends with 0 after most of them.
_FATAL = ("error", "fatal", "singular matrix", "timestep too small", "no such", "unrecognized parameter", "unknown",
          "aborted", "can't", "cannot", "could not", "not found", "failed", "no convergence", "not supported",
          "not yet supported")
_HARMLESS = ("this is vacask", "can't find init", "can't find the init", "no compatibility mode", "fonts")
# Rows that hold a user's words: the title, and the table of node voltages at the start of a transient.
_QUOTED = re.compile(r"circuit: .*|\S+ +[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.IGNORECASE)


def spell(net: str) -> str:
    """A net or part path as it stands in a flat netlist."""
    return net.replace(DOT, _JOIN)


def compiled(kind: type[Model]) -> Path:
    """The compiled module of a device class."""
    return compile_module(kind.definition.name, verilog_a.device_module(kind, text.defaults(kind)))


def device_classes(job: Job) -> list[type[Model]]:
    """The device classes of a job, in a fixed order."""
    return sorted({type(device) for device in job.devices.values()}, key=lambda kind: kind.__name__)


def written(job: Job, options: str, deck: Callable[[], str]) -> str:
    """The netlist of a job with these options, written once."""
    if options not in job.decks:
        job.decks[options] = deck()
    return job.decks[options]


def settled(program: str | None, deck: str) -> str:
    """A netlist but for its title, and the simulator that reads it, for `Engine.decisive`: the program by its content,
    since a version may be built in many ways; compiled modules by their names, which are those of their content."""
    _, _, circuit = deck.partition("\n")
    if ".osdi" in circuit:
        circuit = circuit.replace(f"{cache_folder()}/", "")
    return f"{file_digest(program) if program else ''}\n{circuit}"


def loaded(job: Job) -> dict[str, VerilogA]:
    """The compiled modules of others in a job: a part for each model card. Raises EngineError where two of one name
    would meet: a simulator knows a module by its name alone."""
    cards = {e.part.card: e.part for e in job.elements if isinstance(e.part, VerilogA)}
    known = {kind.definition.name: compiled(kind) for kind in device_classes(job)} if cards else {}
    for part in cards.values():
        if known.setdefault(part.name.lower(), part.library) != part.library:
            raise EngineError(f"module {part.name}", found="two different ones of that name in one circuit",
                              expected="one", remedy="Rename the module in its source")
    return cards


def collect(
    engine: Engine, job: Job, axis: Array, raw: Mapping[str, Array], vector: Callable[[str], str], folder: Path,
) -> dict[str, Array]:
    """The job's signals from a raw file, with "time"; `vector` spells a canonical name as the simulator does.

    Everything is checked here, while the folder of the run still stands: a result that is refused keeps its netlist.
    """
    check_end(job, axis, folder, engine.name)
    signals = {name: unscaled(job, name, raw, vector(name), folder, engine.name) for name in job.saves}
    engine.check(job, signals, folder)
    return {"time": job.axis if job.analysis == "dc" else axis, **signals}


def unscaled(job: Job, name: str, raw: Mapping[str, Array], vector: str, folder: Path, engine: str) -> Array:
    """A canonical signal from the raw file: states back from their scaled change."""
    if vector.lower() not in raw:
        raise SimulationError(f"{engine}: signal {name}", found=f"no vector {vector!r} in the raw file",
                              expected="one", folder=folder)
    values = raw[vector.lower()]
    path, _, item = name.rpartition(DOT)
    device = job.devices.get(path) if not name.startswith(("v(", "i(")) else None
    if device is not None and item in device.definition.states:
        return np.asarray(device.initial(item) + device.resolution(item) * values)
    return values


def check_end(job: Job, axis: Array, folder: Path, engine: str) -> None:
    """A transient that did not reach its end is no result."""
    if job.analysis == "tran" and abs(axis[-1] - job.stop) > 1e-9 * job.stop:
        raise SimulationError(f"{engine} run", found=f"an end at {axis[-1]:g} s", expected=f"one at {job.stop:g} s",
                              folder=folder)
    if job.analysis == "dc" and len(axis) != len(job.axis):
        raise SimulationError(f"{engine} sweep", found=f"{len(axis)} points", expected=f"{len(job.axis)}",
                              folder=folder)


def check_log(log: str, status: int, folder: Path | None, engine: str) -> tuple[str, ...]:
    """Decide from the log, not from the exit status; the warnings that remain are part of the result."""
    rows = []
    if status or any(word in log.lower() for word in (*_FATAL, "warning")):
        rows = [row.strip() for row in log.splitlines() if not any(word in row.lower() for word in _HARMLESS)
                and not _QUOTED.fullmatch(row.strip())]
    fatal = [row for row in rows if any(word in row.lower() for word in _FATAL)]
    if fatal or status:
        raise SimulationError(f"{engine} run", found=" | ".join(fatal[:3]) or process.tail(log),
                              expected="a log without an error", folder=folder)
    return tuple(row for row in rows if "warning" in row.lower())
