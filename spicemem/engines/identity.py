"""What decides the result of a run, as text: equations, values, waveforms, libraries by content, our own code."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path

from spicemem.circuit import Element, Foreign, VerilogA
from spicemem.expr import python_source, symbols
from spicemem.model import Model
from spicemem.render.text import memoised
from spicemem.waveform import Waveform

#: Of this package: what turns a job into signals. Writers are not among them, since their text is part of a key.
_CODE = ("expr.py", "waveform.py", "model.py", "circuit.py", "units.py", "engines")
#: What a library may say that leaves its result open: random numbers (of another seed in each process of ngspice), and
#: files that are read while it runs.
_OPEN = re.compile(r"\b(a?gauss|a?unif|limit|rnd|sgauss|sunif|poisson|exponential)\s*\(|\btr(random|noise)\b|file\s*=",
                   re.IGNORECASE)
_WORDS = ("gauss", "unif", "limit", "rnd", "poisson", "exponential", "trrandom", "trnoise", "file", ".inc", ".lib")
_INCLUDE = re.compile(r"\.(inc\w*|lib)[ \t]+(\"[^\"]*\"|'[^']*'|\S+)[ \t]*(\S*)", re.IGNORECASE)


def settled(elements: Sequence[Element]) -> Sequence[Element] | None:
    """The elements with files named by their content; None where a file leaves open what a simulator makes of it."""
    if not any(isinstance(e.part, (Foreign, VerilogA)) for e in elements):
        return elements
    found = []
    for element in elements:
        part = element.part
        try:
            if isinstance(part, Foreign):
                content = library_content(Path(part.include))
                if content is None:
                    return None
                part = replace(part, include=Path("/") / content)
            elif isinstance(part, VerilogA):
                part = replace(part, library=Path("/") / file_digest(Path(part.library)))
        except OSError:  # the run will say it
            return None
        found.append(element if part is element.part else Element(element.path, part, element.nets))
    return found


_digests: dict[tuple[str, int, int, int], str] = {}


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, worked out again whenever it changed."""
    info = os.stat(path)
    stamp = (str(path), info.st_ino, info.st_size, info.st_ctime_ns)
    if stamp in _digests:
        return _digests[stamp]
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if time.time() - info.st_ctime > 1.0:  # a younger one may change again within the resolution of its time
        _digests[stamp] = digest
    return digest


def library_content(path: Path) -> str | None:
    """A digest of a SPICE library with all that it includes; None where that does not decide what ngspice reads."""
    digests: dict[Path, str] = {}
    todo = [path.resolve()]
    while todo:
        file = todo.pop()
        if file in digests:
            continue
        digests[file] = file_digest(file)
        inner = _included(file, digests[file])
        if inner is None:
            return None
        todo += inner
    return hashlib.sha256("\n".join(digests.values()).encode()).hexdigest()


@lru_cache(maxsize=256)
def _included(file: Path, digest: str) -> tuple[Path, ...] | None:
    """The files that a library (of this digest) includes; None for one that is not found, or is open otherwise."""
    text = file.read_text(errors="replace")
    lower = text.lower()
    if not any(word in lower for word in _WORDS):  # megabytes of most libraries
        return ()
    found = []
    for line in map(str.lstrip, text.splitlines()):
        if line.startswith("*"):
            continue
        if _OPEN.search(line):
            return None
        if not (match := _INCLUDE.match(line)):
            continue
        word, name, section = match.groups()
        inner = file.parent / name.strip("\"'")  # ngspice looks beside the file first
        if inner.is_file():
            found.append(inner.resolve())
        elif word.lower() != "lib" or section:  # .lib with one word begins a section
            return None
    return tuple(found)


@lru_cache(maxsize=1)
def code() -> str:
    """A digest of the modules of this package that turn a job into signals."""
    root = Path(__file__).parent.parent
    files = [file for name in _CODE for file in ([root / name] if name.endswith(".py") else
                                                 sorted((root / name).glob("*.py")))]
    return hashlib.sha256(b"\n".join(file.read_bytes() for file in files)).hexdigest()


def values_text(elements: Iterable[Element]) -> str:
    """Parameter values of the devices, and compiled modules of others, to the last digit."""
    return repr([(e.path, list(e.part.values.items()) if isinstance(e.part, Model) else e.part) for e in elements
                 if isinstance(e.part, (Model, VerilogA))])


def circuit_text(elements: Sequence[Element]) -> str:
    """A circuit to the last digit, with the equations of its devices: for an engine that reads no netlist."""
    kinds = {type(e.part): None for e in elements if isinstance(e.part, Model)}
    return "\n".join([*map(equations_text, kinds), *map(_element_text, elements)])


def _element_text(element: Element) -> str:
    def words() -> Iterator[str]:
        for entry in fields(element.part):  # type: ignore[arg-type]
            value = getattr(element.part, entry.name)
            yield repr((value.times.tolist(), value.values.tolist()) if isinstance(value, Waveform) else value)

    name = type(element.part).__name__
    numbers = element.part.definition.name if isinstance(element.part, Model) else " ".join(words())
    return f"{element.path} {name} {numbers} {list(element.nets.items())}"


@memoised
def equations_text(kind: type[Model]) -> str:
    """The equations of a device as the function that computes them, after the names of what it computes."""
    d = kind.definition
    states = d.states.values()
    outputs = [*(b.current for b in d.branches), *(c.farad for c in d.capacitances), *d.rates.values(),
               *d.locals.values(), *(e for s in states for e in (s.low, s.high, s.resolution) if e is not None)]
    head = [d.name, d.terminals, d.nodes, list(d.inputs), list(d.params), list(d.locals), list(d.rates),
            [(s.name, s.init, s.static, s.unit, s.low is not None, s.high is not None) for s in states],
            [(b.p.value, b.n.value) for b in d.branches], [(c.p.value, c.n.value) for c in d.capacitances]]
    inputs = symbols(*outputs)
    return f"{head}\n{[(s.kind, s.value) for s in inputs]}\n{python_source('f', outputs, inputs)}"
