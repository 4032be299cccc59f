"""Circuits: named parts on named nets, connected by keyword; the linear parts and sources."""

from __future__ import annotations

import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from spicemem.errors import CircuitError, nearest
from spicemem.model import Bench, Model
from spicemem.names import check_name, check_text
from spicemem.units import engineering
from spicemem.waveform import Waveform

GROUND = "0"
#: Between the names of nested parts, as people and results see them ("cell.syn").
DOT = "."


class Part:
    """A primitive part. Its pins are `pins`; its numbers are dataclass fields in SI."""

    pins: tuple[str, ...] = ("p", "n")
    #: Fields that must be above 0, with their unit.
    positive: ClassVar[Mapping[str, str]] = {}

    def check(self, name: str) -> None:
        """Refuse values that no simulator can use."""
        for entry in self.__dataclass_fields__:  # type: ignore[attr-defined]
            value = getattr(self, entry)
            if type(value) is float and 0 < value < math.inf:
                continue  # first, since an array has 1e5 of them
            what = f"{type(self).__name__} {name!r}: {entry}"
            if entry == "sense":
                check_name(value, what, CircuitError)
                continue
            if entry == "wave" and isinstance(value, Waveform):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise CircuitError(what, found=repr(value), expected="a finite number in SI")
            if entry in self.positive and value <= 0:
                raise CircuitError(what, found=engineering(value, self.positive[entry]), expected="above 0")


@dataclass(frozen=True)
class Resistor(Part):
    """Ohmic resistor, Ohm."""

    ohm: float
    positive = {"ohm": "Ohm"}


@dataclass(frozen=True)
class Capacitor(Part):
    """Linear capacitor, F."""

    farad: float
    positive = {"farad": "F"}


@dataclass(frozen=True)
class Inductor(Part):
    """Linear inductor, H."""

    henry: float
    positive = {"henry": "H"}


@dataclass(frozen=True)
class VoltageSource(Part):
    """Ideal voltage source: v(p) - v(n) follows a waveform (V) or a constant."""

    wave: Waveform | float


@dataclass(frozen=True)
class CurrentSource(Part):
    """Ideal current source: the current (A) flows from p through the source to n."""

    wave: Waveform | float


@dataclass(frozen=True)
class VoltageGain(Part):
    """Linear voltage-controlled voltage source (E): v(p) - v(n) = gain*(v(cp) - v(cn))."""

    gain: float
    pins = ("p", "n", "cp", "cn")


@dataclass(frozen=True)
class Transconductor(Part):
    """Linear voltage-controlled current source (G): siemens*(v(cp) - v(cn)) flows from p through it to n."""

    siemens: float
    pins = ("p", "n", "cp", "cn")


@dataclass(frozen=True)
class CurrentGain(Part):
    """Linear current-controlled current source (F): gain times the current of the voltage source named `sense`."""

    gain: float
    sense: str

    def renamed(self, sense: str) -> CurrentGain:
        """The same part, sensing a source of another name."""
        return CurrentGain(self.gain, sense)


@dataclass(frozen=True)
class Transresistor(Part):
    """Linear current-controlled voltage source (H): v = ohm times the current of the voltage source `sense`."""

    ohm: float
    sense: str

    def renamed(self, sense: str) -> Transresistor:
        """The same part, sensing a source of another name."""
        return Transresistor(self.ohm, sense)


#: Parts that name a voltage source. A tuple: a union would be made anew for each part of an array.
_SENSING = (CurrentGain, Transresistor)
#: Grammar of the names that other people gave: models and subcircuits, sections of a library, parameters; their pins,
#: which no netlist repeats; paths, which simulators take without expanding or ending them anywhere.
_FOREIGN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*\Z")
_PIN = re.compile(r"[A-Za-z0-9_+\-.#]+\Z")
_PATH = re.compile(r"[\w/.+\-:~@=,()]+\Z" if os.sep == "/" else r"[\w/\\.+\-:~@=,()]+\Z")
#: Dialects that a library may be in, "" for ngspice's own.
DIALECTS = ("", "hspice", "pspice", "ltspice")


def check_path(path: str | Path, what: str, there: bool = True) -> None:
    """Refuse a path that would say something else in a netlist: quotes, blanks, `$`, `;` and so on, also where links in
    it lead. there: also one that is no file."""
    for text in (str(path), str(Path(path).resolve()) if "\0" not in str(path) else ""):
        if not _PATH.match(text) or (there and not Path(text).is_file()):
            raise CircuitError(what, found=repr(text), expected="a file, whose path is printable and has no quotes, "
                               "no blanks (ngspice takes none) and none of $ ; ` { } * ? < > | & ! # %")


#: What ngspice runs as commands, or as programs of the machine, wherever it stands in a library; files in a library.
_COMMANDS = re.compile(rb"(?im)^[^\S\n]*\.control[^\n]*|^[^\S\n]*\*#[^\S\n]*[^#*\s][^\n]*"
                       rb"|^[^*\n][^\n]*\bd_(?:process|cosim)\b")
_INCLUDED = re.compile(rb"(?im)^[^\S\n]*\.(?:inc[a-z]*|lib)[^\S\n]+(?:\"([^\"\n]+)\"|'([^'\n]+)'|(\S+))")


@lru_cache(maxsize=64)
def _first_command(path: Path, stamp: tuple[int, int]) -> tuple[str, str]:
    """The first command in a SPICE library or a file that it includes, after the name of that file; "" for none.

    stamp: of the library, so that it is read again when it has changed.
    """
    seen: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        text = file.read_bytes()
        lower = text.lower()  # a process of a foundry has tens of megabytes: what no word hints at is not searched
        if any(word in lower for word in (b".control", b"*#", b"d_process", b"d_cosim")):
            command = _COMMANDS.search(text)
            if command:
                return file.name, command[0].decode(errors="replace")
        files = _INCLUDED.findall(text) if b".inc" in lower or b".lib" in lower else []
        todo += [(file.parent / os.fsdecode(next(filter(None, names)))).resolve() for names in files]
    return "", ""


def check_library(path: Path, what: str) -> None:
    """Refuse a SPICE library that has commands, or a file in it that has: ngspice would run them with the circuit."""
    info = path.stat()
    file, command = _first_command(path.resolve(), (info.st_mtime_ns, info.st_size))
    if command:
        raise CircuitError(f"{what}: library {file}", found=repr(command), expected="models and subcircuits",
                           remedy="ngspice would run these commands: read them, and delete them from the file")


@dataclass(frozen=True)
class Foreign(Part):
    """A part that another one's library defines, such as a foundry's transistor: for the engines over ngspice only.

    name: its model card (letter "M", any other SPICE letter), or its subcircuit (letter "X"). include: the library's
    path; section: the one of its `.lib` sections that is taken, "" for a plain include. params: instance parameters in
    the library's own units. pins: in the library's order. dialect: "hspice", "pspice" or "ltspice" for a library that
    ngspice reads in that compatibility mode only, "" for its own. modules: Verilog-A files whose compiled modules the
    library is made of. It has no state: charges inside it do not go on from one run to the next, but start from the
    operating point.
    """

    name: str
    include: str | Path
    section: str = ""
    params: Mapping[str, float] = field(default_factory=dict)
    letter: str = "M"
    pins: tuple[str, ...] = ("d", "g", "s", "b")
    dialect: str = ""
    modules: tuple[str | Path, ...] = ()

    def check(self, name: str) -> None:
        """Refuse what would say something else in a netlist, and a library that is not there."""
        what = f"{type(self).__name__} {name!r}"
        for entry, text in (("name", self.name), *((("section", self.section),) if self.section else ()),
                            *(("parameter", key) for key in self.params)):
            if not isinstance(text, str) or not _FOREIGN.match(text):
                raise CircuitError(f"{what}: {entry}", found=repr(text), expected="letters, digits, _ and dots")
        if not re.fullmatch("[A-Z]", self.letter):
            raise CircuitError(f"{what}: letter", found=repr(self.letter), expected="a SPICE letter, M or X")
        if len(set(self.pins)) != len(self.pins) or not all(isinstance(p, str) and _PIN.match(p) for p in self.pins):
            raise CircuitError(f"{what}: pins", found=repr(self.pins), expected="different names of letters, digits "
                               "and _ + - . #")
        if self.dialect not in DIALECTS:
            raise CircuitError(f"{what}: dialect", found=repr(self.dialect), expected=" or ".join(map(repr, DIALECTS)))
        for key, value in self.params.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise CircuitError(f"{what}: parameter {key}", found=repr(value), expected="a finite number")
        check_path(self.include, f"{what}: include")
        check_library(Path(self.include), what)
        for module in self.modules:
            check_path(module, f"{what}: module")


@dataclass(frozen=True)
class VerilogA(Part):
    """A part that is somebody's compiled Verilog-A (`from_verilog_a`): for engines that load such modules.

    name: of the module. library: the compiled file. params: in the module's units. pins: in its order. outputs: its
    output variables with units, signals of a run as "part.output"; nodes: inside it, signals as "v(part.node)". states:
    of the outputs that are states the parameter that each starts from; only they go on from one run to the next. keeps:
    nodes inside that hold a charge; a part that has some, and states that are None, is refused where a run goes on.
    """

    name: str
    library: Path
    pins: tuple[str, ...]
    params: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    states: Mapping[str, str] | None = None
    keeps: tuple[str, ...] = ()

    def check(self, name: str) -> None:
        """Refuse what would say something else in a netlist."""
        check_path(self.library, f"VerilogA {self.name!r}: library", there=False)
        starts = self.states or {}
        for text in (self.name, *self.pins, *self.params, *self.outputs, *self.nodes, *starts, *starts.values()):
            if not isinstance(text, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
                raise CircuitError(f"VerilogA {name!r}", found=repr(text), expected="letters, digits and underscores")
        for key, value in self.params.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise CircuitError(f"VerilogA {name!r}: parameter {key}", found=repr(value), expected="a finite number")

    @property
    def card(self) -> str:
        """The name of its model card: parts with the same values share one."""
        values = repr(sorted(self.params.items())).encode()
        return f"sm_m_{self.name}_{zlib.crc32(values):08x}".lower()


@dataclass(frozen=True)
class Synapse:
    """Where a synapse cell is driven and read: ports `pre`, `post`; `read` is the port biased to read it, whose
    current through the device path `device` to ground is its conductance."""

    name: str
    pre: str
    post: str
    read: str
    device: str


class Element(NamedTuple):
    """A primitive part or device of a flattened circuit: its path and the net of each pin."""

    path: str
    part: Part | Model
    nets: Mapping[str, str]


def pins_of(part: Part | Model | Circuit) -> tuple[str, ...]:
    """Names of what has to be connected."""
    if isinstance(part, Model):
        return part.definition.pins
    return tuple(part.ports) if isinstance(part, Circuit) else part.pins


class _Devices(dict[str, Model]):
    def __missing__(self, path: str) -> Model:
        raise CircuitError(f"part {path}", found="no device of this package", expected="one, whose equations are known",
                           remedy="Somebody else's model can be run, and read by pulses of a run of its own")


class Circuit:
    """Parts on nets. With ports it is a cell, which may be a part of a bigger circuit; without, it can be run.

    Net "0" is ground. Raises CircuitError for names that are not plain identifiers, double names (capitals do not
    count), pins that are missing or unknown.
    """

    def __init__(self, name: str, ports: tuple[str, ...] = (), title: str = "", synapses: tuple[Synapse, ...] = (),
                 bench: Bench | None = None):
        self.name, self.title = name, title
        self.ports = tuple(check_name(p, f"{name}: port", CircuitError) for p in ports)
        self.synapses, self.bench = synapses, bench
        self.parts: dict[str, tuple[Part | Model | Circuit, dict[str, str]]] = {}
        self._spelling: dict[str, str] = {}
        self._lower: set[str] = set()
        for port in self.ports:
            self._spell(port)
        if len(set(map(str.lower, self.ports))) != len(self.ports):
            raise CircuitError(f"{name}: ports", found=", ".join(self.ports), expected="different names")

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "name":  # also where somebody sets it later
            check_name(value, "circuit", CircuitError)
        elif key == "title":
            check_text(value, f"{self.name}: title", CircuitError)
        super().__setattr__(key, value)

    def add(self, name: str, part: Part | Model | Circuit, /, **nets: str) -> Circuit:
        """Add a part, each pin (or port) connected by keyword to a net name; returns the circuit."""
        check_name(name, f"{self.name}: part", CircuitError)
        if name.lower() in self._lower:
            raise CircuitError(f"{self.name}: part {name!r}", found="that name already", expected="a new one",
                               remedy="SPICE does not tell capitals from small letters")
        if not isinstance(part, (Part, Model, Circuit)):
            raise CircuitError(f"{self.name}: part {name!r}", found=repr(part),
                               expected="a device (with its values), a linear part or a Circuit",
                               remedy="Write EIS() and not EIS" if isinstance(part, type) else None)
        if isinstance(part, Part):
            part.check(name)
        pins = pins_of(part)
        for pin in nets:
            if pin not in pins:
                raise CircuitError(f"{self.name}: {name} has no pin {pin!r}", expected=", ".join(pins),
                                   remedy=nearest(pin, pins))
        if isinstance(part, Model):
            nets = {**{name: GROUND for name, given in part.definition.inputs.items() if given.optional}, **nets}
        missing = [pin for pin in pins if pin not in nets]
        if missing:
            raise CircuitError(f"{self.name}: {name}", found=f"nothing connected to {', '.join(missing)}",
                               expected=f"a net for each of {', '.join(pins)}",
                               remedy=f'Write add("{name}", ..., {missing[0]}="net")')
        count = len(self._spelling)
        try:
            self.parts[name] = (part, {pin: self._spell(nets[pin]) for pin in pins})
        except CircuitError:
            for net in list(self._spelling)[count:]:  # a refused part leaves no net behind
                del self._spelling[net]
            raise
        self._lower.add(name.lower())
        return self

    def _spell(self, net: str) -> str:
        if isinstance(net, str) and (net == GROUND or self._spelling.get(net.lower()) == net):
            return net
        check_name(net, f"{self.name}: net", CircuitError)
        known = self._spelling.setdefault(net.lower(), net)
        if known != net:
            raise CircuitError(f"{self.name}: net {net!r}", found=f"{known!r} elsewhere", expected="one spelling",
                               remedy="SPICE does not tell capitals from small letters")
        return net

    @property
    def nets(self) -> list[str]:
        """Nets at this level, ground left out."""
        return list(self._spelling.values())

    def elements(self) -> list[Element]:
        """The circuit flattened: primitive parts and devices only; nested names are joined by dots."""
        return list(self._elements("", {}))

    def _elements(self, prefix: str, outer: Mapping[str, str]) -> Iterator[Element]:
        for name, (part, nets) in self.parts.items():
            mapped = nets
            if prefix:
                mapped = {pin: net if net == GROUND else outer.get(net, prefix + net) for pin, net in nets.items()}
            if isinstance(part, Circuit):
                yield from part._elements(f"{prefix}{name}{DOT}", mapped)
            elif isinstance(part, _SENSING):
                yield Element(prefix + name, part.renamed(prefix + part.sense), mapped)
            else:
                yield Element(prefix + name, part, mapped)

    def devices(self) -> dict[str, Model]:
        """Every device by path."""
        return _Devices({e.path: e.part for e in self.elements() if isinstance(e.part, Model)})

    def copy(self) -> Circuit:
        """The same circuit, to be changed without changing this one (nested circuits are shared)."""
        twin = Circuit(self.name, self.ports, self.title, self.synapses, self.bench)
        twin.parts, twin._spelling, twin._lower = dict(self.parts), dict(self._spelling), set(self._lower)
        return twin

    def replace(self, path: str, **values: float) -> Circuit:
        """A copy in which the device at `path` has other parameter values."""
        head, _, rest = path.partition(DOT)
        if head not in self.parts:
            raise CircuitError(f"{self.name}: part {path!r}", found="no such part", expected="one it has",
                               remedy=nearest(path, [*self.devices()]))
        part, nets = self.parts[head]
        twin = self.copy()
        if isinstance(part, Circuit) and rest:
            twin.parts[head] = (part.replace(rest, **values), nets)
        elif isinstance(part, Model) and not rest:
            twin.parts[head] = (part.replace(**values), nets)
        else:
            raise CircuitError(f"{self.name}: {path}", found=type(part).__name__, expected="a device")
        return twin

    def drive(self, **waves: Waveform | float) -> Circuit:
        """A copy that can be run: every port gets a voltage source to ground, named v_<port>.

        A port that is not named stays at 0 V.
        """
        for port in waves:
            if port not in self.ports:
                raise CircuitError(f"{self.name}: port {port!r}", found="no such port", expected="one it has",
                                   remedy=nearest(port, self.ports))
        twin = self.copy()
        twin.ports = ()
        for port in self.ports:
            twin.add(f"v_{port}", VoltageSource(waves.get(port, 0.0)), p=port, n=GROUND)
        return twin

    def check_runnable(self) -> list[Element]:
        """The elements of a circuit that can be run. Raises CircuitError for open ports, floating nets, no ground,
        and current-controlled parts whose source is missing."""
        if self.ports:
            raise CircuitError(f"{self.name}", found=f"open ports {', '.join(self.ports)}", expected="a circuit to run",
                               remedy=f"Write {self.name}.drive({self.ports[0]}=...)")
        elements = self.elements()
        ends = Counter(chain.from_iterable(element.nets.values() for element in elements))
        if GROUND not in ends:
            raise CircuitError(self.name, found='no connection to ground, net "0"', expected="at least one")
        for net, count in ends.items():
            if count < 2 and net != GROUND:
                raise CircuitError(f"{self.name}: net {net!r}", found="one connection", expected="at least two",
                                   remedy="Connect it or tie it to ground")
        kinds: dict[str, type[Model]] = {}
        for element in elements:
            if isinstance(element.part, Model):
                kind, name = type(element.part), element.part.definition.name
                if kinds.setdefault(name, kind) is not kind:
                    raise CircuitError(f"{self.name}: {element.path}", found=f"another device class named {name!r}",
                                       expected="a name of its own for each class")
        sources = {e.path for e in elements if isinstance(e.part, VoltageSource)}
        for element in elements:
            if isinstance(element.part, _SENSING) and element.part.sense not in sources:
                raise CircuitError(f"{self.name}: {element.path} senses {element.part.sense!r}",
                                   found="no such voltage source", expected=nearest(element.part.sense, sources))
        return elements


def source_wave(part: VoltageSource | CurrentSource) -> Waveform:
    """A source's value as a waveform."""
    return part.wave if isinstance(part.wave, Waveform) else Waveform.constant(part.wave)


def time_constants(elements: list[Element]) -> list[float]:
    """R*C (s) of every charged pair of nets, with the resistors that end at either of them."""
    found = []
    for pair in capacitive_pairs(elements):
        ends = set(pair) - {GROUND}
        farad = siemens = 0.0
        for e in elements:
            if isinstance(e.part, Capacitor) and set(e.nets.values()) == set(pair):
                farad += e.part.farad
            elif isinstance(e.part, Resistor) and ends & set(e.nets.values()):
                siemens += 1 / e.part.ohm
            elif isinstance(e.part, Model):
                farad += sum(e.part.number(c.farad) for c in e.part.definition.capacitances
                             if {e.nets[c.p.value], e.nets[c.n.value]} == set(pair))
        if siemens:
            found.append(farad / siemens)
    return found


def capacitive_pairs(elements: list[Element]) -> list[tuple[str, str]]:
    """Pairs of nets that hold a charge, each once: what has to be set when a run goes on from another."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for e in elements:
        if isinstance(e.part, Capacitor):
            ends = [(e.nets["p"], e.nets["n"])]
        elif isinstance(e.part, Model):
            ends = [(e.nets[c.p.value], e.nets[c.n.value]) for c in e.part.definition.capacitances]
        else:
            continue
        for a, b in ends:
            if a != b:
                pairs.setdefault(frozenset((a, b)), (a, b))
    return list(pairs.values())
