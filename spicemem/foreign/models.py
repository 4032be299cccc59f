"""Other people's models as parts of our circuits: Verilog-A files, subcircuits of SPICE libraries."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spicemem.circuit import Foreign, VerilogA
from spicemem.engines.ngspice import MODES
from spicemem.engines.osdi import compile_file, inlined
from spicemem.errors import InputError, ModelError, nearest
from spicemem.foreign.lint import Finding, lint
from spicemem.foreign.osdi import Compiled, read_osdi
from spicemem.foreign.veriloga import Module, Node, number_of, read_modules

_SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "mil": 25.4e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12,
           "f": 1e-15, "a": 1e-18}
#: Units of output variables that are shown; others are somebody's text.
_UNIT = re.compile(r"[\w*/^.() -]{1,24}")
#: Bytes of a SPICE library; those of whole processes have some ten million.
LARGEST = 200_000_000


@dataclass(frozen=True)
class ForeignParameter:
    """A parameter of somebody's model: default (None where it is an expression of others), unit and meaning as the
    model says them ("" where it does not), bounds where it has some that are numbers."""

    name: str
    default: float | None
    unit: str = ""
    doc: str = ""
    low: float = -math.inf
    high: float = math.inf

    def checked(self, who: str, value: object) -> float:
        """A value for it. Raises ModelError for what is no finite number or out of range."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ModelError(f"{who}: {self.name}", found=repr(value), expected="a finite number")
        if not self.low <= value <= self.high:
            raise ModelError(f"{who}: {self.name}", found=f"{value:g}", expected=f"{self.low:g} to {self.high:g}")
        return float(value)


@dataclass(frozen=True)
class ForeignModel:
    """A model that circuits can use: call it with parameter values to get a part. ports: in its order.

    findings: what the linter says of a Verilog-A model (docs/lint.md). outputs: its output variables, with units.
    """

    name: str
    ports: tuple[str, ...]
    parameters: Mapping[str, ForeignParameter]
    part: Foreign | VerilogA = field(repr=False)
    findings: tuple[Finding, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, **values: float) -> Foreign | VerilogA:
        """A part with these values; the rest as the model says. Raises ModelError for unknown names, values out of
        range. Names are the model's own, capitals as it writes them."""
        for name in values:
            if name not in self.parameters:
                raise ModelError(f"{self.name}: parameter", found=repr(name), expected="one it has",
                                 remedy=nearest(name, self.parameters))
        params = {name: self.parameters[name].checked(self.name, value) for name, value in values.items()}
        if isinstance(self.part, VerilogA):
            return replace(self.part, params=params)
        return Foreign(self.part.name, self.part.include, self.part.section, params, "X", self.part.pins,
                       self.part.dialect)


def from_verilog_a(path: str | Path, module: str | None = None,
                   states: Mapping[str, str] | None = None) -> ForeignModel:
    """A Verilog-A model as a part for the engines ngspice-osdi, vacask and ngspice.

    path: its file; files that it includes are looked for beside it. module: which one, where the file has several.
    states: of its output variables those that are its memory, each with the parameter that it starts from: runs save
    them, and go on from them by `final_state()`. {}: nothing in it lasts. Without, a module that holds charge inside is
    refused where a run goes on from another.
    Ports, defaults, units and descriptions are read from the compiled module, ranges from the source; the linter runs.
    Raises InputError for what is not Verilog-A, SimulationError where it does not compile, EngineError without a
    compiler.
    """
    path = Path(path)
    source = inlined(path)
    findings = tuple(lint(path))  # refuses what cannot be read, with the line
    library = compile_file(path)
    found = {m.name: m for m in read_osdi(library)}
    if module is None and len(found) > 1:
        raise InputError(f"Verilog-A file {path.name}", found=f"modules {', '.join(found)}", expected="one",
                         remedy=f'Write from_verilog_a("{path.name}", module="{next(iter(found))}")')
    name = module or next(iter(found))
    if name not in found:
        raise InputError(f"Verilog-A file {path.name}", found=f"no module {name!r}", expected=", ".join(found))
    read = {m.name: m for m in read_modules(source, path.name, path.parent)}
    compiled = found[name]
    units = {q.name: q.unit if _UNIT.fullmatch(q.unit) else "" for q in compiled.variables}
    parameters = _parameters(compiled, read.get(name))
    for output, start in (states or {}).items():
        for text, known in ((output, units), (start, parameters)):
            if text not in known:
                raise InputError(f"{name}: states", found=repr(text), expected="an output variable, and the parameter "
                                 "that it starts from", remedy=nearest(text, known))
    part = VerilogA(name, library, compiled.ports, {}, units, compiled.nodes, states, compiled.keeps)
    part.check(name)
    return ForeignModel(name, compiled.ports, parameters, part, findings, units)


def _parameters(compiled: Compiled, module: Module | None) -> dict[str, ForeignParameter]:
    found = {}
    for q in compiled.parameters:
        if q.kind == "string" or q.name.startswith("$"):
            continue  # strings stay at their default; $mfactor is the simulator's
        source = module.parameters.get(q.name) if module else None
        low, high = (_constant(node, module) for node in (source.low, source.high)) if source else (None, None)
        found[q.name] = ForeignParameter(q.name, q.default if isinstance(q.default, float) else None, q.unit, q.doc,
                                         -math.inf if low is None else low, math.inf if high is None else high)
    return found


def _constant(node: Node | None, module: Module | None) -> float | None:
    """The value of a bound that is a number, a sign before it, or inf; None for an expression."""
    if node is None:
        return None
    if node.op == "unary" and node.value in "+-":
        inside = _constant(node.args[0], module)
        return None if inside is None else -inside if node.value == "-" else inside
    if node.op == "number":
        return float(number_of(node.value))
    return math.inf if node.op == "name" and node.value == "inf" else None


def from_netlist(path: str | Path, name: str | None = None, dialect: str = "ngspice",
                 section: str = "") -> ForeignModel:
    """A subcircuit of a SPICE library as a part for the engines ngspice and ngspice-osdi.

    name: which subcircuit, where the file has several. dialect: ngspice, hspice, pspice or ltspice: ngspice reads the
    library in its compatibility mode for it. section: of a library with `.lib` sections. Ports and parameters are read
    from the `.subckt` line. Raises InputError for an unknown dialect, file or subcircuit.
    """
    path = Path(path)
    if dialect not in ("ngspice", *MODES):
        raise InputError("dialect", found=repr(dialect), expected="one that ngspice reads",
                         remedy=nearest(dialect, ("ngspice", *MODES)))
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise InputError(f"library {path}", found="no file, or one of more than 200 MB", expected="a SPICE library")
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"library {path}", found=error.strerror, expected="a file") from None
    found = _subcircuits(text)
    if name is None and len(found) != 1:
        raise InputError(f"library {path.name}", found=f"subcircuits {', '.join(found)}" if found else "no subcircuit",
                         expected="one", remedy="Say which by name=" if found else None)
    key = name.lower() if name else next(iter(found))
    if key not in found:
        raise InputError(f"library {path.name}", found=f"no subcircuit {name!r}", expected="one it has",
                         remedy=nearest(key, found))
    spelt, ports, values = found[key]
    if not ports:
        raise InputError(f"library {path.name}: subcircuit {spelt}", found="no ports", expected="at least one")
    part = Foreign(spelt, path.resolve(), section, {}, "X", ports, "" if dialect == "ngspice" else dialect)
    part.check(spelt)
    return ForeignModel(spelt, ports, values, part)


def _subcircuits(text: str) -> dict[str, tuple[str, tuple[str, ...], dict[str, ForeignParameter]]]:
    """Name, ports and parameters of each `.subckt` that is not inside another, by name in small letters."""
    parts: list[list[str]] = []
    for row in text.split("\n"):
        row = re.split(r";|\s\$\s|\s\$$", row)[0].rstrip()
        if row.startswith("+") and parts:
            parts[-1].append(row[1:])
        elif row.strip() and not row.startswith("*"):
            parts.append([row])
    rows = map(" ".join, parts)
    found: dict[str, tuple[str, tuple[str, ...], dict[str, ForeignParameter]]] = {}
    depth = 0
    for row in rows:
        word = row.split(None, 1)[0].lower()
        if word == ".subckt":
            depth += 1
            if depth == 1 and len(row.split()) > 1:
                body = re.sub(r"\s*=\s*", "=", row.split(None, 1)[1])
                words = re.findall(r"[^\s={}']+=(?:\{[^}]*\}|'[^']*'|\S+)|\S+", body)
                at = next((k for k, w in enumerate(words) if "=" in w or w.lower() in ("params:", "optional:")),
                          len(words))
                values = {k: ForeignParameter(k, _spice_number(v)) for k, _, v in
                          (w.partition("=") for w in words[at:] if "=" in w)}
                found[words[0].lower()] = (words[0], tuple(w.lower() for w in words[1:at]), values)
        elif word == ".ends":
            depth -= 1
    return found


def _spice_number(text: str) -> float | None:
    """The value of a SPICE number with its suffix; None for an expression."""
    match = re.fullmatch(r"\{?'?\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(meg|mil|[tgkmunpfa])?[a-z]*\s*'?\}?",
                         text.lower())
    return float(match[1]) * _SUFFIX.get(match[2] or "", 1.0) if match else None
