"""What a device is: parameters, states, terminals, inputs and equations, checked when the class is defined.

A model is a class body of descriptors and one method, `equations()`, that yields `branch`, `capacitance` and `rate`.
Names come from the class body and are never written twice. See docs/design.md for the worked rules.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from spicemem import expr
from spicemem.errors import DimensionError, ModelError, nearest
from spicemem.expr import Expr
from spicemem.names import RESERVED_IN_DEVICES, check_name, check_text
from spicemem.spread import Distribution, generator
from spicemem.units import NONE, Dimension, describe, dimension, engineering, number
from spicemem.waveform import Waveform


class _Named:
    """A descriptor that learns its name from the class body."""

    name: str

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, device: Any, owner: type | None = None) -> Any:
        # Three readings: of the class, the descriptor; inside equations(), its symbol; of a device, its value.
        if device is None:
            return self
        if isinstance(device, _Symbolic):
            return self.symbolic()
        return self.value_of(device)

    def symbolic(self) -> Any:
        raise NotImplementedError

    def value_of(self, device: Any) -> Any:
        raise AttributeError(f"{self.name} has a value in equations() only")


class Terminal(_Named):
    """An electrical pin. In equations() it is its voltage; v = self.p - self.n."""

    def __init__(self, doc: str = ""):
        self.doc = doc

    def symbolic(self) -> Expr:
        return expr.symbol(self.name, dimension("V"), "node")


class Node(Terminal):
    """An internal node: an algebraic unknown between elements in series, found from Kirchhoff's current law."""


class Input(_Named):
    """A signal pin that carries no current, driven by a Waveform: light power, noise, a redrawn threshold.

    optional: a circuit may leave the pin open; it is then tied to ground and reads 0, as noise that is switched off.
    """

    def __init__(self, unit: str, doc: str, *, optional: bool = False):
        self.unit, self.doc, self.optional = unit, doc, optional

    def symbolic(self) -> Expr:
        return expr.symbol(self.name, dimension(self.unit), "input")


class Param(_Named):
    """A parameter of each device: default, SI unit, meaning, allowed range (inclusive), where the value is from."""

    def __init__(
        self, default: float, unit: str, doc: str, *, low: float = -math.inf, high: float = math.inf, source: str = "",
    ):
        self.default, self.unit, self.doc, self.low, self.high, self.source = default, unit, doc, low, high, source

    def symbolic(self) -> Expr:
        return expr.symbol(self.name, dimension(self.unit), "param")

    def value_of(self, device: Any) -> float:
        return float(device.values[self.name])

    @property
    def range(self) -> str:
        """The allowed range in words."""
        if self.low == -math.inf and self.high == math.inf:
            return "any"
        if self.high == math.inf:
            return f"{engineering(self.low, self.unit)} or more"
        if self.low == -math.inf:
            return f"{engineering(self.high, self.unit)} or less"
        return f"{engineering(self.low, self.unit)} to {engineering(self.high, self.unit)}"


Amount = float | Param | Callable[[Any], Expr]


class State(_Named):
    """What a device remembers.

    init: a Param (so that each device can start anywhere). low, high: bounds, a number or Param or function of the
    model, or None. resolution: the smallest change that means something, in the unit of the state; simulators carry
    (x - init)/resolution. static: "hold" keeps it while an operating point is found (memory), "solve" lets rate = 0
    decide (temperature, anything volatile).
    """

    def __init__(
        self, *, init: Param, unit: str, doc: str, resolution: Amount, low: Amount | None = None,
        high: Amount | None = None, static: str = "hold",
    ):
        self.init, self.unit, self.doc, self.resolution = init, unit, doc, resolution
        self.low, self.high, self.static = low, high, static

    @classmethod
    def array(cls, count: int, **kwargs: Any) -> StateArray:
        """`count` equal states; in equations() a list. They are named after the attribute: x0, x1, ...

        init: a Param written right here; each state gets one of its own like it: x_init0, x_init1, ...
        """
        return StateArray(count, kwargs)

    def symbolic(self) -> Expr:
        return expr.symbol(self.name, dimension(self.unit), "state")


class StateArray(_Named):
    """See State.array."""

    def __init__(self, count: int, kwargs: Mapping[str, Any]):
        self.states = [State(**{**kwargs, "init": copy(kwargs["init"])}) for _ in range(count)]

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        for i, state in enumerate(self.states):
            state.name = f"{name}{i}"
            if isinstance(state.init, Param) and not hasattr(state.init, "name"):
                # Each its own: a device goes on from a state by its start, so two states cannot share one.
                state.init.name = f"{name}_init{i}"
                setattr(owner, state.init.name, state.init)

    def symbolic(self) -> list[Expr]:
        return [state.symbolic() for state in self.states]


@dataclass(frozen=True)
class Branch:
    """A current (A) that flows from p through the device to n."""

    p: Expr
    n: Expr
    current: Expr


@dataclass(frozen=True)
class Capacitance:
    """A linear capacitor (F, a function of parameters only) between two terminals."""

    p: Expr
    n: Expr
    farad: Expr


@dataclass(frozen=True)
class Rate:
    """d(state)/dt."""

    state: Expr
    value: Expr


def branch(p: Expr, n: Expr, current: Expr) -> Branch:
    """The current (A) that flows from terminal or node p through the device to n."""
    return Branch(p, n, expr.as_expr(current))


def capacitance(p: Expr, n: Expr, farad: Expr) -> Capacitance:
    """A capacitor of `farad` (parameters only) between terminals p and n. A charge inside a device is a State."""
    return Capacitance(p, n, expr.as_expr(farad))


def rate(state: Expr, value: Expr) -> Rate:
    """The rate of change of a state, in its unit per second."""
    return Rate(state, expr.as_expr(value))


@dataclass(frozen=True)
class Preset:
    """Named parameter values of one published or calibrated device. `sources` overrides those of the parameters.

    anode: the terminal that the voltages of the source are applied to, default the first; "n" for a stack that sets
    with negative voltage, whose printed voltage is v(n) - v(p). behaviour: fields of the model's Behaviour that differ.
    """

    doc: str
    source: str
    values: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    anode: str | None = None
    behaviour: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Behaviour:
    """How a device is used: by this alone data sheets, invariants and benches choose their stimuli.

    kind: "bipolar" (sets with positive, resets with negative voltage), "unipolar" (either sign does both),
    "threshold" (volatile: turns on above a voltage of either sign, off below another), "volatile" (forgets, without
    a threshold). threshold: the largest switching voltage (V). loop: the peaks of the I-V loop (V), driven one
    after the other from 0 V. rate: its slope (V/s). series: resistance that limits the current while it sets (Ohm;
    0 none). set_pulse, reset_pulse: (V, s) of the identical pulses of potentiation and depression, None where there
    is none; pulses: how many. v_read: V. times: shortest and longest time scale (s) that fit the device. retention:
    how long its data sheet looks after it (s). write, read, common: pins; bias: what other pins are kept at (V).
    passive: takes energy only.
    """

    kind: str
    threshold: float
    loop: tuple[float, ...]
    rate: float
    set_pulse: tuple[float, float]
    reset_pulse: tuple[float, float] | None = None
    pulses: int = 20
    v_read: float = 0.1
    series: float = 0.0
    times: tuple[float, float] = (1e-9, 1.0)
    retention: float = 1.0
    write: str = "p"
    read: str = "p"
    common: str = "n"
    bias: Mapping[str, float] = field(default_factory=dict)
    passive: bool = True


@dataclass(frozen=True)
class Bench:
    """What a device's or cell's shipped test bench does: drive these pins, everything else at 0 V, draw this.

    drives: waveform by pin. stop, max_step: s. plot: what is drawn against time: "v(pin)", a state or local by name,
    "part.state" for a cell; each becomes one line of the picture.
    """

    drives: Mapping[str, Waveform]
    stop: float
    max_step: float
    plot: tuple[str, ...]
    title: str
    y_label: str


@dataclass(frozen=True)
class StateInfo:
    """A state with its bounds and scale as expressions of the parameters (None: no bound)."""

    name: str
    unit: str
    doc: str
    init: str
    low: Expr | None
    high: Expr | None
    resolution: Expr
    static: str
    symbol: Expr

    @property
    def label(self) -> str:
        """For an axis: meaning and unit."""
        return self.doc if self.unit == "1" else f"{self.doc} [{self.unit}]"


@dataclass(frozen=True)
class Definition:
    """A checked model as data: all that targets and engines may know of it."""

    name: str
    title: str
    doc: str
    reference: str
    terminals: tuple[str, ...]
    nodes: tuple[str, ...]
    inputs: Mapping[str, Input]
    params: Mapping[str, Param]
    states: Mapping[str, StateInfo]
    locals: Mapping[str, Expr]
    branches: tuple[Branch, ...]
    capacitances: tuple[Capacitance, ...]
    rates: Mapping[str, Expr]
    constraints: tuple[tuple[Expr, str], ...]

    @property
    def pins(self) -> tuple[str, ...]:
        """Terminals, then inputs: the order in every target."""
        return (*self.terminals, *self.inputs)

    @cached_property
    def constant_locals(self) -> frozenset[str]:
        """Locals that depend on parameters only."""
        return frozenset(
            name for name, node in self.locals.items() if all(s.kind == "param" for s in expr.symbols(node))
        )


class _Symbolic:
    """Stands for a device while equations() is read: attributes are symbols."""


class Model:
    """Base of all devices. Subclass it, give `reference`, the descriptors and `equations()`.

    An instance is a device with values: `EIS(g_init=1e-7)`; `EIS.preset("name", r=...)`; immutable.
    Raises ModelError at definition and at construction, naming the model, the symbol and the remedy.
    """

    reference: ClassVar[str] = ""
    presets: ClassVar[Mapping[str, Preset]] = {}
    bench: ClassVar[Bench | None] = None
    behaviour: ClassVar[Behaviour | None] = None
    spread: ClassVar[Mapping[str, Distribution]] = {}
    definition: ClassVar[Definition]
    values: Mapping[str, float]
    preset_name: str | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.definition = _define(cls)
        for name, entry in cls.presets.items():
            check_name(name, f"{cls.__name__}: preset", ModelError)
            check_text(entry.doc, f"{cls.__name__}: description of preset {name}", ModelError)
            check_text(entry.source, f"{cls.__name__}: source of preset {name}", ModelError)
            if not entry.source:
                raise ModelError(f"{cls.__name__}: preset {name!r}", found="no source", expected="where it is from")
            if entry.anode not in (None, *cls.definition.terminals):
                raise ModelError(f"{cls.__name__}: anode of preset {name}", found=repr(entry.anode),
                                 expected=f"one of its terminals: {', '.join(cls.definition.terminals)}")
            cls.preset(name)  # refuses what is out of range now, not when somebody uses it
        for name in cls.spread:
            if name not in cls.definition.params:
                raise ModelError(f"{cls.__name__}: spread of {name!r}", found="no such parameter",
                                 expected="one it has", remedy=nearest(name, cls.definition.params))
        _check_behaviour(cls)

    def __init__(self, **values: float):
        definition = type(self).definition
        full = {name: param.default for name, param in definition.params.items()}
        for name, value in values.items():
            if name not in full:
                raise ModelError(f"{definition.name}: parameter", found=repr(name), expected="one it has",
                                 remedy=nearest(name, full))
            full[name] = _checked_value(definition, name, value)
        object.__setattr__(self, "values", full)
        object.__setattr__(self, "preset_name", None)
        self._check_consistency()

    @classmethod
    def preset(cls, name: str, **values: float) -> Self:
        """The device of a preset, with some values replaced. Raises ModelError for an unknown name."""
        if name not in cls.presets:
            raise ModelError(f"{cls.definition.name}: preset", found=repr(name), expected="one it has",
                             remedy=nearest(name, cls.presets))
        device = cls(**{**cls.presets[name].values, **values})
        object.__setattr__(device, "preset_name", name)
        return device

    def replace(self, **values: float) -> Self:
        """A device that differs in the values given."""
        device = type(self)(**{**self.values, **values})
        object.__setattr__(device, "preset_name", self.preset_name)
        return device

    @property
    def anode(self) -> str:
        """The terminal that the printed voltages of the preset's source are applied to: the first unless it says."""
        entry = self.presets.get(self.preset_name or "")
        return (entry and entry.anode) or self.definition.terminals[0]

    @property
    def write_unit(self) -> str:
        """Unit of what is driven where the device is written: V, or that of an input (light)."""
        pin = self.definition.inputs.get(self.handling().write)
        return "V" if pin is None else pin.unit

    def handling(self) -> Behaviour:
        """The declared behaviour, with what the preset changes. Raises ModelError for a device that declares none."""
        if self.behaviour is None:
            raise ModelError(self.definition.name, found="no behaviour", expected="how the device is used",
                             remedy="Write behaviour = Behaviour(...) in its class")
        entry = self.presets.get(self.preset_name or "")
        return self.behaviour if entry is None else replace(self.behaviour, **entry.behaviour)

    def sample(self, count: int, seed: int, spread: Mapping[str, Distribution] | None = None) -> list[Self]:
        """`count` devices that differ from each other: parameters drawn around the values of this one.

        spread: distribution by parameter; default: what the model declares. The k-th device of a seed is the same
        however many are drawn and whichever other parameters spread. A draw outside the allowed range of its parameter
        is drawn again. Raises ModelError for unknown parameters, for a model that declares no spread where none is
        given, and where the range leaves nothing to draw.
        """
        chosen = self.spread if spread is None else spread
        if not chosen:
            raise ModelError(f"{self.definition.name}: sample", found="no spread", expected="distributions",
                             remedy='Write sample(count, seed, {"r_on": Lognormal(0.1)})')
        for name in chosen:
            if name not in self.values:
                raise ModelError(f"{self.definition.name}: spread of {name!r}", found="no such parameter",
                                 expected="one it has", remedy=nearest(name, self.values))
        return [self._drawn(k, seed, chosen) for k in range(count)]

    def _drawn(self, index: int, seed: int, spread: Mapping[str, Distribution]) -> Self:
        sources = {name: generator(seed, index, name) for name in spread}
        refused: ModelError | None = None
        for _ in range(100):
            try:
                return self.replace(**{name: spread[name].around(self.values[name], sources[name]) for name in spread})
            except ModelError as error:
                refused = error
        raise ModelError(f"{self.definition.name}: sample {index}", found="100 draws that the model refuses",
                         expected="a spread that fits the allowed ranges", remedy=str(refused))

    def __setattr__(self, name: str, value: object) -> None:
        raise ModelError(f"{self.definition.name}: {name}", found="an assignment", expected="no change of a device",
                         remedy=f"Write device.replace({name}=...) for a new one")

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), dict(self.values), self.preset_name))

    def __repr__(self) -> str:
        changed = {n: v for n, v in self.values.items() if v != self.definition.params[n].default}
        inside = ", ".join(f"{n}={v:g}" for n, v in changed.items())
        return f"{type(self).__name__}({inside})"

    def number(self, node: Expr) -> float:
        """The value of an expression of this model's parameters."""
        return expr.constant(node, self.values)

    def initial(self, state: str) -> float:
        """The value a state starts from, in its unit."""
        return float(self.values[self.definition.states[state].init])

    def resolution(self, state: str) -> float:
        """The scale of a state, in its unit."""
        return self.number(self.definition.states[state].resolution)

    def _check_consistency(self) -> None:
        d = self.definition
        for condition, message in d.constraints:
            left, right = (self.number(side) for side in condition.args)
            if not {"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[condition.op]:
                raise ModelError(f"{d.name}: {message}", found=f"{left:g} and {right:g}", expected=str(condition))
        for name, state in d.states.items():
            if self.resolution(name) <= 0:
                raise ModelError(f"{d.name}: resolution of state {name}", found=f"{self.resolution(name):g}",
                                 expected="above 0")
            start = self.initial(name)
            for bound, sign, word in ((state.low, 1, "or more"), (state.high, -1, "or less")):
                if bound is not None and sign * (start - self.number(bound)) < -1e-12 * abs(self.number(bound)):
                    raise ModelError(f"{d.name}: {state.init}, the start of state {name}",
                                     found=engineering(start, state.unit),
                                     expected=f"{engineering(self.number(bound), state.unit)} {word}")


def _check_behaviour(cls: type[Model]) -> None:
    if cls.behaviour is None:
        return
    kinds = ("bipolar", "unipolar", "threshold", "volatile")
    for name in ("", *cls.presets):
        device = cls.preset(name) if name else cls()
        b, who = device.handling(), f"{cls.__name__}: behaviour" + (f" of preset {name}" if name else "")
        if b.kind not in kinds:
            raise ModelError(f"{who}: kind", found=repr(b.kind), expected=", ".join(kinds))
        for pin in (b.write, b.read, b.common, *b.bias):
            if pin not in cls.definition.pins:
                raise ModelError(f"{who}: pin {pin!r}", expected="one of its pins",
                                 remedy=nearest(pin, cls.definition.pins))
        values = {"threshold": b.threshold, "rate": b.rate, "v_read": b.v_read, "retention": b.retention,
                  "shortest time": b.times[0], "longest time": b.times[1] - b.times[0], "set_pulse": b.set_pulse[1],
                  "pulses": b.pulses, "number of loop peaks": len(b.loop)}
        for what, value in values.items():
            if not (math.isfinite(value) and value > 0):
                raise ModelError(f"{who}: {what}", found=f"{value:g}", expected="above 0")


def _restore(kind: type[Model], values: dict[str, float], preset: str | None) -> Model:
    device = kind(**values)
    object.__setattr__(device, "preset_name", preset)
    return device


def _checked_value(definition: Definition, name: str, value: object) -> float:
    param = definition.params[name]
    if type(value) is float and param.low <= value <= param.high and math.isfinite(value):
        return value  # first, since an array makes 1e5 of them
    what = f"{definition.name}: {name} ({param.doc})"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ModelError(what, found=repr(value), expected=f"a number in {param.unit}")
    result = float(value)
    if not math.isfinite(result):
        raise ModelError(what, found=repr(result), expected=f"a finite number in {param.unit}")
    if not param.low <= result <= param.high:
        raise ModelError(what, found=engineering(result, param.unit), expected=param.range)
    return result


def _define(cls: type[Model]) -> Definition:
    """Read a class body and its equations into a Definition, refusing whatever is not sound."""
    who = cls.__name__
    name = who.lower()
    check_name(name, "model", ModelError, RESERVED_IN_DEVICES)
    doc = inspect.cleandoc(cls.__doc__ or "")
    if not doc:
        raise ModelError(who, found="no docstring", expected="what the device is, and its polarity")
    for line in doc.splitlines():
        check_text(line, f"{who}: docstring", ModelError)
    if not cls.reference:
        raise ModelError(who, found="no reference", expected='where the equations are from',
                         remedy='Write reference = "doi:..." in the class body')
    check_text(cls.reference, f"{who}: reference", ModelError)
    found: dict[str, _Named] = {}
    for base in reversed(cls.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, _Named)})
    for attribute in found:
        if attribute in {*vars(Model), *Model.__annotations__, "equations", "constraints"}:
            raise ModelError(f"{who}: {attribute}", found="a name that every model has for itself", expected="another",
                             remedy=f"Write {attribute}0 or a longer name instead")
    states = {s.name: s for d in found.values()
              for s in (d.states if isinstance(d, StateArray) else [d] if isinstance(d, State) else [])}
    params = {k: d for k, d in found.items() if isinstance(d, Param)}
    starts = [s.init.name for s in states.values() if isinstance(s.init, Param) and hasattr(s.init, "name")]
    for shared in [n for n in starts if starts.count(n) > 1][:1]:
        raise ModelError(f"{who}: {shared}", found="the start of more than one state", expected="one for each",
                         remedy="A run goes on from a state by its start; State.array(..., init=Param(...)) makes them")
    if any(s.static == "solve" for s in states.values()):
        hold = Param(0.0, "1", "1 holds the states at rest that are otherwise solved there", low=0, high=1,
                     source="spicemem")
        hold.name = "hold"
        params["hold"] = hold
    inputs = {k: d for k, d in found.items() if isinstance(d, Input)}
    nodes = tuple(k for k, d in found.items() if isinstance(d, Node))
    terminals = tuple(k for k, d in found.items() if isinstance(d, Terminal) and not isinstance(d, Node))
    if not terminals:
        raise ModelError(who, found="no terminals", expected="p, n = Terminal(), Terminal()")
    for param in params.values():
        _check_param(who, param)

    view = type(f"{who}Symbols", (_Symbolic,), dict(found))()
    for attribute, member in inspect.getmembers(cls, inspect.isfunction):
        if attribute not in vars(Model):
            setattr(view, attribute, member.__get__(view))
    infos = {k: _state_info(who, s, view, params) for k, s in states.items()}
    branches, capacitances, rates = _read_equations(who, cls, view)
    constraints = tuple(view.constraints()) if hasattr(view, "constraints") else ()

    roots = [*(b.current for b in branches), *(c.farad for c in capacitances), *rates.values()]
    locals_: dict[str, Expr] = {}
    for node in expr.walk(*roots):
        if node.op == "local":
            if node.value in locals_:
                raise ModelError(f"{who}: local {node.value!r}", found="two different values", expected="one",
                                 remedy="Give each intermediate its own name")
            locals_[node.value] = node.args[0]
    _check_names(who, name, [*terminals, *nodes, *inputs, *params, *states, *locals_])
    _check_equations(who, view, terminals, nodes, infos, params, inputs, branches, capacitances, rates, roots)
    for extra in (infos[s] for s in infos):
        roots += [e for e in (extra.low, extra.high, extra.resolution) if e is not None]
    used = {s.value for s in expr.symbols(*roots, *(c for c, _ in constraints))} | {i.init for i in infos.values()}
    for unused in [n for n in (*params, *inputs) if n not in used and n != "hold"]:
        raise ModelError(f"{who}: {unused}", found="no equation that uses it", expected="that it changes something",
                         remedy="Use it or delete it")
    return Definition(
        name=name, title=check_text(doc.splitlines()[0], f"{who}: first line of the docstring", ModelError), doc=doc,
        reference=cls.reference, terminals=terminals, nodes=nodes, inputs=inputs, params=params, states=infos,
        locals=locals_, branches=tuple(branches), capacitances=tuple(capacitances), rates=rates,
        constraints=constraints,
    )


def _check_param(who: str, param: Param) -> None:
    dimension(param.unit)
    check_text(param.doc, f"{who}: description of {param.name}", ModelError)
    check_text(param.source, f"{who}: source of {param.name}", ModelError)
    if not math.isfinite(param.default):
        raise ModelError(f"{who}: default of {param.name}", found=repr(param.default), expected="a finite number")
    number(param.default)
    if not param.low <= param.default <= param.high:
        raise ModelError(f"{who}: default of {param.name}", found=engineering(param.default, param.unit),
                         expected=param.range)


def _state_info(who: str, state: State, view: Any, params: Mapping[str, Param]) -> StateInfo:
    what = f"{who}: state {state.name}"
    unit = dimension(state.unit)
    if state.static not in ("hold", "solve"):
        raise ModelError(f"{what}: static", found=repr(state.static), expected='"hold" or "solve"')
    if not isinstance(state.init, Param) or params.get(state.init.name) is not state.init:
        raise ModelError(f"{what}: init", found=repr(state.init), expected="a Param of this model",
                         remedy=f"Write {state.name}_init = Param(...) and init={state.name}_init")
    if dimension(state.init.unit) != unit:
        raise DimensionError(f"{what}: init {state.init.name}", found=state.init.unit, expected=state.unit)

    def amount(value: Amount | None, part: str) -> Expr | None:
        if value is None:
            return None
        if isinstance(value, Param):
            node: Expr = value.symbolic()
        elif callable(value):
            node = value(view)
        else:
            return expr.const(float(value), unit)
        if node.dim != unit:
            raise DimensionError(f"{what}: {part}", found=describe(node.dim or NONE), expected=state.unit)
        return node

    resolution = amount(state.resolution, "resolution")
    assert resolution is not None
    return StateInfo(state.name, state.unit, check_text(state.doc, f"{what}: description", ModelError),
                     state.init.name, amount(state.low, "low"), amount(state.high, "high"), resolution, state.static,
                     state.symbolic())


def _read_equations(
    who: str, cls: type[Model], view: Any
) -> tuple[list[Branch], list[Capacitance], dict[str, Expr]]:
    if not hasattr(view, "equations"):
        raise ModelError(who, found="no equations()", expected="def equations(self) that yields branch, rate, ...")
    branches: list[Branch] = []
    capacitances: list[Capacitance] = []
    rates: dict[str, Expr] = {}
    try:
        for item in view.equations():
            if isinstance(item, Branch):
                branches.append(item)
            elif isinstance(item, Capacitance):
                capacitances.append(item)
            elif isinstance(item, Rate):
                if item.state.value in rates:
                    raise ModelError(f"rate of {item.state.value}", found="two", expected="one",
                                     remedy="Add the two terms")
                rates[item.state.value] = item.value
            else:
                raise ModelError("equation", found=repr(item), expected="branch(...), capacitance(...) or rate(...)")
    except ModelError as error:
        raise type(error)(f"{who}.equations(): {error.what}", found=error.found, expected=error.expected,
                          remedy=error.remedy) from None
    return branches, capacitances, rates


def _check_names(who: str, model: str, names: list[str]) -> None:
    seen: dict[str, str] = {model: model}
    for name in names:
        if name != "hold":
            check_name(name, f"{who}: symbol", ModelError, RESERVED_IN_DEVICES)
        if name.lower() in seen:
            raise ModelError(f"{who}: name {name!r}", found=f"{seen[name.lower()]!r} too",
                             expected="names that differ by more than case",
                             remedy="SPICE does not tell capitals from small letters")
        seen[name.lower()] = name


def _check_equations(
    who: str, view: Any, terminals: tuple[str, ...], nodes: tuple[str, ...], states: Mapping[str, StateInfo],
    params: Mapping[str, Param], inputs: Mapping[str, Input], branches: list[Branch], capacitances: list[Capacitance],
    rates: Mapping[str, Expr], roots: list[Expr],
) -> None:
    def want(what: str, node: Expr, dim: Dimension) -> None:
        if node.dim is None:
            raise ModelError(f"{who}: {what}", found=f"the comparison '{node}'", expected="a value")
        if node.dim != dim:
            raise DimensionError(f"{who}: {what} '{expr._short(node)}'", found=describe(node.dim),
                                 expected=describe(dim))

    pins = {*terminals, *nodes}
    pairs: list[Branch | Capacitance] = [*branches, *capacitances]
    for pair in pairs:
        for end in (pair.p, pair.n):
            if end.op != "symbol" or end.kind != "node" or end.value not in pins:
                raise ModelError(f"{who}: end of a branch", found=f"'{end}'", expected="one of its terminals or nodes")
        if pair.p is pair.n:
            raise ModelError(f"{who}: branch", found=f"{pair.p.value} at both ends", expected="two different ends")
    for item in branches:
        want(f"current from {item.p.value} to {item.n.value}", item.current, dimension("A"))
    for cap in capacitances:
        want(f"capacitance from {cap.p.value} to {cap.n.value}", cap.farad, dimension("F"))
        if {cap.p.value, cap.n.value} & set(nodes):
            raise ModelError(f"{who}: capacitance at an internal node", found=f"{cap.p.value}, {cap.n.value}",
                             expected="terminals", remedy="Make a charge inside a device a State")
        if any(s.kind != "param" for s in expr.symbols(cap.farad)):
            raise ModelError(f"{who}: capacitance from {cap.p.value} to {cap.n.value}", found=str(cap.farad),
                             expected="parameters only")
    for node in nodes:
        if not any(node in (b.p.value, b.n.value) for b in branches):
            raise ModelError(f"{who}: node {node}", found="no branch at it", expected="at least two")
    for name, state in states.items():
        if name not in rates:
            raise ModelError(f"{who}: state {name}", found="no derivative", expected="one",
                             remedy=f"Yield rate(self.{name}, ...) in equations()")
        second = tuple(a - b for a, b in zip(dimension(state.unit), dimension("s"), strict=True))
        want(f"rate of {name}", rates[name], second)
    for name in rates:
        if name not in states:
            raise ModelError(f"{who}: rate of {name}", found="no such state", expected=", ".join(states) or "none")
    known = {id(getattr(view, n)) for n in (*pins, *inputs, *params) if n != "hold"}
    known |= {id(info.symbol) for info in states.values()}
    starts = {state.init for state in states.values()}
    for s in expr.symbols(*roots):
        if id(s) not in known:
            raise ModelError(f"{who}: symbol {s.value!r}", found="another model's", expected="its own")
        if s.kind == "param" and s.value in starts:
            raise ModelError(f"{who}: {s.value}", found="an equation that uses it", expected="a start value only",
                             remedy="A device that runs on from a state must behave the same wherever it started")


