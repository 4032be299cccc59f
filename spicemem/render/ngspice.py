"""SPICE: a device as a plain subcircuit of sources, a cell as a subcircuit, elements as lines; ngspice's dialect unless
another is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Element,
    Foreign,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VerilogA,
    VoltageGain,
    VoltageSource,
    source_wave,
)
from spicemem.errors import RenderError
from spicemem.expr import Expr
from spicemem.model import Definition, Model, StateInfo
from spicemem.render.dialect import NGSPICE, Dialect
from spicemem.render.text import NOTICE, TextWriter, header, memoised, templates
from spicemem.units import number
from spicemem.waveform import Waveform

#: Zero in every operating point, the time in a transient: what tells a state to hold or to move.
RAMP = "PULSE(0 1e6 0 1e6 1 1 1e7)"
#: Capacitor of a state node. With 1 F, rounding noise of the matrix looks like a truncation error to ngspice's step
#: control (its chgtol is 1e-14 C), which then never leaves steps of picoseconds.
STATE_FARAD = "1e-9"
_WIDTH = 96


def literal(value: float) -> str:
    """A number inside a B source. ngspice keeps 11 digits of each, in braces too: longer ones are written as a sum."""
    head = float(f"{value:.10e}")
    rest = float(f"{value - head:.10e}")
    return number(value) if rest == 0 else f"({number(head)} {'-' if rest < 0 else '+'} {number(abs(rest))})"


def parameter_names(definition: Definition, dialect: Dialect) -> dict[str, str]:
    """How a dialect spells the parameters of a subcircuit, and the locals that depend on them alone."""
    return dialect.names([*definition.params, *(n for n in definition.locals if n in definition.constant_locals)])


class _DialectWriter(TextWriter):
    """Text in a dialect of SPICE."""

    def __init__(self, definition: Definition, dialect: Dialect):
        super().__init__(definition)
        self.dialect, self.spelling = dialect, {"log": dialect.log}
        self.names = parameter_names(definition, dialect)

    def symbol(self, node: Expr) -> str:
        return self.names.get(node.value, str(node.value))

    def local(self, node: Expr) -> str:
        return self.symbol(node)

    def conditional(self, condition: Expr, true: Expr, false: Expr) -> str:
        # In parentheses of its own and on its own: foreign readers fail on a bare one, ngspice's .param on "? -x".
        return self.dialect.choice.format(condition=self.visit(condition), true=self._inside(true, 0, False),
                                          false=self._inside(false, 0, False))


class _Writer(_DialectWriter):
    """Text of a source: nodes as v(name), parameters as the dialect has them, states from their scaled change."""

    def __init__(self, definition: Definition, dialect: Dialect):
        super().__init__(definition, dialect)
        self.states = {name: self._carried(state) for name, state in definition.states.items()}

    def parameter(self, name: str) -> str:
        """A parameter, one of our own too, inside the expression."""
        return self.dialect.inner.format(text=self.names.get(name, name))

    def _carried(self, state: StateInfo) -> str:
        value = f"{self.parameter(state.init)} + {self.parameter(f'sm_r_{state.name}')}*v(sm_s_{state.name})"
        if state.static == "hold" and state.low is not None and state.high is not None:
            # Newton's method may try anything; what lies a whole range outside is not worth a number that overflows.
            low, high = (self.parameter(f"sm_{end}_{state.name}") for end in "lh")
            return f"min(max({value}, {low}), {high})"
        return value

    def number(self, value: float) -> str:
        return literal(value)

    def symbol(self, node: Expr) -> str:
        if node.kind == "param":
            return self.parameter(node.value)
        # Straight from the node that is solved for: a net of its own, of nanometres perhaps, would count as converged
        # within vntol, whatever it is.
        return f"({self.states[node.value]})" if node.kind == "state" else f"v({node.value})"

    def local(self, node: Expr) -> str:
        return f"({self.parameter(node.value)})" if node.value in self.constants else f"v({node.value})"

    def auxiliary(self, name: str) -> str:
        return f"v({name})"

    def function(self, name: str, args: Sequence[Expr]) -> str:
        # ngspice's slope of tanh overflows beyond 355; at 40 it has long been 1.
        if name == "tanh":
            return f"tanh(max(min({self.visit(args[0])}, 40.0), -40.0))"
        return super().function(name, args)


class _ParamWriter(_DialectWriter):
    """Text of a .param or of an element's value."""

    def atom(self, node: Expr) -> str:
        return f"({self.visit(node)})"

    def visit(self, node: Expr) -> str:
        return super(TextWriter, self).visit(node)


@memoised
def device_subckt(
    device_class: type[Model], values: tuple[tuple[str, float], ...], dialect: Dialect = NGSPICE,
) -> str:
    """The .subckt of a device with these default values, no header."""
    d = device_class.definition
    write, param = _Writer(d, dialect), _ParamWriter(d, dialect)
    lines: list[str] = []

    def define(name: str, text: str) -> None:
        lines.append(f".param {param.names.get(name, name)}={dialect.value.format(text=text)}")

    def voltage(name: str, text: str) -> None:
        lines.append(dialect.voltage.format(name=name, p=name, n=GROUND, text=text))

    def node(name: str, text: str) -> None:
        for aux, aux_text in write.take():
            voltage(aux, aux_text)
        voltage(name, text)

    def current(name: str, p: str, n: str, text: str) -> None:
        for aux, aux_text in write.take():
            voltage(aux, aux_text)
        lines.append(dialect.current.format(name=name, p=p, n=n, text=text))

    scales = {s.name: f"sm_r_{s.name}" for s in d.states.values()}
    for state in d.states.values():
        define(scales[state.name], param.text(state.resolution))
    for name, value in d.locals.items():
        if name in d.constant_locals:
            define(name, param.text(value))
    if d.states:
        lines.append("* 0 at rest, the time in a transient")
        lines.append(f"Vsm_t sm_t {GROUND} {RAMP}")
    for state in d.states.values():
        lines.append(f"* state {state.name} [{state.unit}]: sm_s_{state.name} carries its scaled change")
        if f"sm_l_{state.name}" in write.states[state.name]:
            assert state.low is not None and state.high is not None
            low, high = param.text(state.low), param.text(state.high)
            define(f"sm_l_{state.name}", f"2*({low}) - ({high})")
            define(f"sm_h_{state.name}", f"2*({high}) - ({low})")
        voltage(state.name, write.states[state.name])
    for name, value in d.locals.items():
        if name not in d.constant_locals:
            node(name, write.text(value))
    for i, item in enumerate(d.branches, 1):
        current(f"sm_b{i}", str(item.p.value), str(item.n.value), write.text(item.current))
    for i, cap in enumerate(d.capacitances, 1):
        lines.append(f"Csm_c{i} {cap.p.value} {cap.n.value} {dialect.value.format(text=param.text(cap.farad))}")
    for state in d.states.values():
        moving = f"({write.text(d.rates[state.name])})/{write.parameter(scales[state.name])}"
        moves = "v(sm_t) > 0" if state.static == "hold" else f"v(sm_t) + 1.0 - {write.parameter('hold')} > 0"
        choice = dialect.choice.format(condition=moves, true=moving, false=f"0-v(sm_s_{state.name})")
        lines.append(f"Csm_f_{state.name} sm_s_{state.name} {GROUND} {STATE_FARAD}")
        current(f"sm_f_{state.name}", GROUND, f"sm_s_{state.name}", f"{STATE_FARAD}*{choice}")
    params = dialect.parameters + " ".join(f"{param.names[name]}={number(value)}" for name, value in values)
    return templates().get_template("ngspice_device.j2").render(  # type: ignore[no-any-return]
        name=d.name, pins=" ".join(d.pins), params=params, lines=lines, fold=fold)


def device_library(device: Model, dialect: Dialect = NGSPICE) -> str:
    """A self-contained file with the device's subcircuit, to be included in anybody's netlist."""
    body = device_subckt(type(device), tuple(device.values.items()), dialect)
    return header(device.definition, device, "*", parameter_names(device.definition, dialect)) + "\n" + body


def fold(line: str) -> str:
    """A long line broken at blanks and continued with +, inside the quotes of HSPICE with two backslashes."""
    if len(line) <= _WIDTH:
        return line
    rows: list[str] = []
    row = ""
    for word in line.split(" "):
        if row and len(row) + 1 + len(word) > _WIDTH:
            quoted = sum(r.count("'") for r in (*rows, row)) % 2
            rows.append(row + r" \\" if quoted else row)
            row = word if quoted else "+ " + word
        else:
            row = f"{row} {word}" if row else word
    return "\n".join([*rows, row])


def wave_text(wave: Waveform) -> str:
    """A source's value: a number or a PWL that starts at time 0."""
    if len(wave.times) == 1 or wave.times[-1] <= 0:
        return f"DC {number(float(wave.values[-1]))}"
    run = wave.starting_at(0.0)
    return "PWL(" + " ".join(f"{number(t)} {number(v)}" for t, v in zip(run.times, run.values, strict=True)) + ")"


def element_line(element: Element, name: str, nets: dict[str, str], dialect: Dialect = NGSPICE) -> str:
    """One element as a line; `nets` gives the spelling of each pin's net. The name gets SPICE's letter before it."""
    part = element.part
    if isinstance(part, Model):
        d, spelt = part.definition, parameter_names(part.definition, dialect)
        changed = " ".join(f"{spelt[k]}={number(v)}" for k, v in part.values.items() if v != d.params[k].default)
        changed = f"{dialect.parameters}{changed}" if changed else ""
        return f"X{name} {' '.join(nets[p] for p in d.pins)} {d.name} {changed}".rstrip()
    ends = " ".join(nets[p] for p in part.pins)
    if isinstance(part, Resistor):
        return f"R{name} {ends} {number(part.ohm)}"
    if isinstance(part, Capacitor):
        return f"C{name} {ends} {number(part.farad)}"
    if isinstance(part, Inductor):
        return f"L{name} {ends} {number(part.henry)}"
    if isinstance(part, VoltageSource):
        return f"V{name} {ends} {wave_text(source_wave(part))}"
    if isinstance(part, CurrentSource):
        return f"I{name} {ends} {wave_text(source_wave(part))}"
    if isinstance(part, VoltageGain):
        return f"E{name} {ends} {number(part.gain)}"
    if isinstance(part, Transconductor):
        return f"G{name} {ends} {number(part.siemens)}"
    if isinstance(part, CurrentGain):
        return f"F{name} {ends} V{part.sense} {number(part.gain)}"
    if isinstance(part, Transresistor):
        return f"H{name} {ends} V{part.sense} {number(part.ohm)}"
    if isinstance(part, Foreign | VerilogA) and dialect is not NGSPICE:
        raise RenderError(f"part {element.path}", found=f"{part.name}, which somebody else's library defines",
                          expected=f"a part of this package for {dialect.name}",
                          remedy="Use target ngspice, or the compact transistor NFET()")
    if isinstance(part, Foreign):
        values = " ".join(f"{k}={number(v)}" for k, v in part.params.items())
        return f"{part.letter}{name} {ends} {part.name} {values}".rstrip()
    if isinstance(part, VerilogA):
        return f"N{name} {ends} {part.card}"
    raise RenderError(f"part {element.path}", found=type(part).__name__, expected="a part that ngspice has")


def include_lines(elements: Iterable[Element]) -> list[str]:
    """The lines that include the libraries of foreign parts, each once."""
    libraries = dict.fromkeys((str(Path(e.part.include).resolve()), e.part.section) for e in elements
                              if isinstance(e.part, Foreign))
    return [f'.lib "{path}" {section}' if section else f'.include "{path}"' for path, section in libraries]


def cell_subckt(circuit: Circuit, line: Callable[[Element, str, dict[str, str]], str] = element_line) -> str:
    """The .subckt of a cell with ports; nested cells by reference. `line` writes one element."""
    lines = [f".subckt {circuit.name} {' '.join(circuit.ports)}"]
    for name, (part, nets) in circuit.parts.items():
        if isinstance(part, Circuit):
            lines.append(f"X{name} {' '.join(nets[p] for p in part.ports)} {part.name}")
        else:
            lines.append(line(Element(name, part, nets), name, nets))
    return "\n".join([*map(fold, lines), f".ends {circuit.name}", ""])


def contents(circuit: Circuit) -> tuple[dict[str, type[Model]], dict[str, Circuit]]:
    """The device classes and cells (inner ones first, itself last) that a cell is made of, by name.

    Raises RenderError where two different ones have one name: a netlist would silently take one for both.
    """
    devices: dict[str, type[Model]] = {}
    cells: dict[str, Circuit] = {}
    spelt: dict[str, type[Model] | Circuit] = {}

    def take(name: str, thing: type[Model] | Circuit) -> None:
        known = spelt.setdefault(name.lower(), thing)
        same = known is thing or (isinstance(known, Circuit) and isinstance(thing, Circuit) and known.name == name
                                  and cell_subckt(known) == cell_subckt(thing))
        if not same:
            raise RenderError(f"{circuit.name}: name {name!r}", found="two different cells or devices that have it",
                              expected="a name of its own for each", remedy="Give one of them another name")

    for part, _ in circuit.parts.values():
        if isinstance(part, Circuit):
            inner_devices, inner_cells = contents(part)
            for name, kind in inner_devices.items():
                take(name, kind)
            for name, cell in inner_cells.items():
                take(name, cell)
            devices.update(inner_devices)
            cells.update(inner_cells)
        elif isinstance(part, Model):
            take(part.definition.name, type(part))
            devices[part.definition.name] = type(part)
        elif isinstance(part, VerilogA) or (isinstance(part, Foreign) and (part.dialect or part.modules)):
            raise RenderError(f"{circuit.name}: {part.name}", found="a compiled module of others" if isinstance(
                part, VerilogA) else f"a library in {part.dialect}" if part.dialect else
                "a library over compiled modules", expected="parts that a netlist can carry",
                remedy="Such parts can be run, not written")
    take(circuit.name, circuit)
    return devices, {**cells, circuit.name: circuit}


def cell_header(circuit: Circuit, mark: str) -> list[str]:
    """Comment lines of a cell: title, ports, devices, references."""
    devices, _ = contents(circuit)
    rows = [f"{circuit.name}: {circuit.title}", f"Ports: {' '.join(circuit.ports)}"]
    rows += [f"Device {name}: {kind.definition.title}" for name, kind in devices.items()]
    rows += [f"Reference: {kind.definition.reference}" for kind in devices.values()]
    return [f"{mark} {row}" for row in (*rows, NOTICE)]


def cell_library(circuit: Circuit, dialect: Dialect = NGSPICE) -> str:
    """A self-contained file: the subcircuits of every device and cell inside, then the cell."""
    devices, cells = contents(circuit)
    line = partial(element_line, dialect=dialect)
    return "\n".join([
        *cell_header(circuit, "*"), *include_lines(circuit.elements()),
        *(device_subckt(kind, defaults(kind), dialect) for kind in devices.values()),
        *(cell_subckt(cell, line) for cell in cells.values()),
    ])


def defaults(kind: type[Model]) -> tuple[tuple[str, float], ...]:
    """The default values of a device class."""
    return tuple((name, param.default) for name, param in kind.definition.params.items())


def state_hold_lines(p: str, n: str, volts: float, index: int) -> str:
    """A line that keeps a charged pair of nets at its voltage while the operating point is found."""
    pair = f"v({p})" if n == GROUND else f"v({n})" if p == GROUND else f"(v({p}) - v({n}))"
    sign = "-" if p == GROUND and n != GROUND else ""
    return f"Bsm_hold{index} {p} {n} I=(v(sm_run) > 0 ? 0.0 : 1e3*({sign}{pair} - ({literal(volts)})))"


