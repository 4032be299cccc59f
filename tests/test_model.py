"""Models: every bad definition and every bad value refused with the right words; the ionic synapse is physical."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from spicemem import expr
from spicemem.devices.eis import EIS
from spicemem.errors import DimensionError, ModelError, SpicememError
from spicemem.expr import Expr, exp, local, quantity, tanh, where
from spicemem.model import Input, Model, Node, Param, Preset, State, Terminal, branch, capacitance, rate
from spicemem.waveform import Waveform

# Definitions: one sound model, and each way to spoil it.


def sound() -> dict[str, Any]:
    """The body of a small sound model."""
    x_init = Param(0.5, "1", "start", low=0, high=1)
    return {
        "__doc__": "A test device.", "reference": "a book", "p": Terminal(), "n": Terminal(), "mid": Node(),
        "r": Param(1e3, "Ohm", "resistance", low=1, high=1e6), "tau": Param(1.0, "s", "time constant", low=1e-9),
        "c": Param(1e-12, "F", "capacitance", low=0), "x_init": x_init,
        "x": State(init=x_init, unit="1", doc="state", low=0, high=1, resolution=1e-4),
        "equations": _equations,
    }


def _equations(self: Any) -> Any:
    yield branch(self.p, self.mid, local("i_r", (self.p - self.mid) / self.r) * (1 + self.x))
    yield branch(self.mid, self.n, (self.mid - self.n) / self.r)
    yield capacitance(self.p, self.n, self.c)
    yield rate(self.x, (tanh((self.p - self.n) / quantity(1, "V")) - self.x) / self.tau)


def define(*extra: Callable[[Any], Any], name: str = "Thing", drop: tuple[str, ...] = (), **body: Any) -> type[Model]:
    """The sound model with more equations, other attributes, or some left out."""

    def equations(self: Any) -> Any:
        yield from _equations(self)
        for one in extra:
            yield one(self)

    full = {**sound(), **({"equations": equations} if extra else {}), **body}
    for attribute in drop:
        del full[attribute]
    return type(name, (Model,), full)


def with_local(name: str) -> Callable[[], type[Model]]:
    """The sound model with an intermediate of that name."""
    return lambda: define(lambda m: branch(m.p, m.n, local(name, m.p / m.r)))


def more(**body: Any) -> Callable[[], type[Model]]:
    return lambda: define(**body)


def with_equation(make: Callable[[Any], Any], **body: Any) -> Callable[[], type[Model]]:
    return lambda: define(make, **body)


def refused(call: Callable[[], Any], *words: str, error: type[SpicememError] = ModelError) -> None:
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), f"no {word!r} in: {caught.value}"


def test_the_sound_model_is_sound() -> None:
    d = define().definition
    assert (d.name, d.title, d.reference) == ("thing", "A test device.", "a book")
    assert d.terminals == d.pins == ("p", "n") and d.nodes == ("mid",)
    assert list(d.params) == ["r", "tau", "c", "x_init"] and list(d.locals) == ["i_r"] and not d.constant_locals


def other_init() -> Param:
    param = Param(0.5, "1", "start")
    param.name = "elsewhere"
    return param


def state(**change: Any) -> State:
    start = Param(0.5, "1", "start")
    return State(**{"init": start, "unit": "1", "doc": "state", "resolution": 1e-4, **change})


DEFINITIONS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "current is no current": (with_equation(lambda m: branch(m.p, m.n, m.p - m.n)),
                              ["Thing: current from p to n 'p - n'", "found V, expected A"]),
    "current is a number": (with_equation(lambda m: branch(m.p, m.n, 1.0)), ["found a pure number, expected A"]),
    "current is a comparison": (with_equation(lambda m: branch(m.p, m.n, m.p > m.n)), ["the comparison 'p > n'"]),
    "sum of unlike": (with_equation(lambda m: branch(m.p, m.n, m.p / m.r + m.tau)),
                      ["Thing.equations(): dimensions in p / r + tau", "found A and s"]),
    "exp of a voltage": (with_equation(lambda m: branch(m.p, m.n, exp(m.p) / m.r)), ["argument of exp(p)", "found V"]),
    "rate unit": (lambda: define(equations=lambda m: [*list(_equations(m))[:-1], rate(m.x, m.x)]),
                  ["rate of x 'x'", "found a pure number, expected 1/s"]),
    "rate twice": (with_equation(lambda m: rate(m.x, 1 / m.tau)), ["rate of x", "found two", "Add the two terms"]),
    "rate missing": (lambda: define(equations=lambda m: list(_equations(m))[:-1]),
                     ["state x", "no derivative", "Yield rate(self.x, ...)"]),
    "rate of a voltage": (with_equation(lambda m: rate(m.p, m.p / m.tau)), ["rate of p", "no such state"]),
    "no equation": (with_equation(lambda m: m.p), ["found p", "branch(...), capacitance(...) or rate(...)"]),
    "no equations": (lambda: define(drop=("equations",)), ["no equations()", "def equations(self)"]),
    "no docstring": (more(__doc__=""), ["Thing", "no docstring", "polarity"]),
    "no reference": (lambda: define(drop=("reference",)), ["no reference", 'Write reference = "doi:..."']),
    "reference of two lines": (more(reference="a\n.control"), ["reference", "one line of printable characters"]),
    "no terminals": (lambda: type("Thing", (Model,), {"__doc__": "x", "reference": "x", "equations": lambda m: []}),
                     ["no terminals", "p, n = Terminal(), Terminal()"]),
    "clash of case": (with_equation(lambda m: branch(m.P, m.n, m.P / m.r), P=Terminal()),
                      ["name 'P'", "'p' too", "SPICE does not tell capitals"]),
    "clash with a local": (with_local("R"), ["name 'R'", "'r' too"]),
    "clash with the model": (lambda: define(name="Tau"), ["name 'tau'", "'tau' too"]),
    "clash with a state": (with_local("X"), ["name 'X'"]),
    "name with the prefix": (with_local("sm_i"), ["'sm_i'", "prefix"]),
    "name with two underscores": (with_local("i__r"), ["'i__r'"]),
    "name with a blank": (with_local("i r"), ["'i r'", "a letter followed"]),
    "name with a line": (with_local("i\n.control"), [r"'i\n.control'"]),
    "name in letters of others": (with_local("ström"), ["'ström'"]),
    "two locals": (with_local("i_r"),
                   ["local 'i_r'", "two different values", "Give each intermediate its own name"]),
    "unused parameter": (more(extra=Param(1.0, "1", "nothing")), ["extra", "no equation that uses it", "Use it"]),
    "unused input": (more(light=Input("W", "light")), ["light", "no equation that uses it"]),
    "another model's parameter": (with_equation(lambda m: branch(m.p, m.n, m.p * expr.symbol(
        "g_max", expr.dimension("S"), "param"))), ["symbol 'g_max'", "another model's"]),
    "another model's node": (with_equation(lambda m: branch(m.p, m.n, expr.symbol(
        "gate", expr.dimension("V"), "node") / m.r)), ["symbol 'gate'", "another model's"]),
    "another model's state": (with_equation(lambda m: branch(m.p, m.n, m.p / m.r * expr.symbol(
        "w", expr.NONE, "state"))), ["symbol 'w'", "another model's"]),
    "another model's input": (with_equation(lambda m: branch(m.p, m.n, m.p / m.r * expr.symbol(
        "light", expr.NONE, "input"))), ["symbol 'light'", "another model's"]),
    "start value in an equation": (with_equation(lambda m: branch(m.p, m.n, m.x_init * m.p / m.r)),
                                   ["x_init", "an equation that uses it", "a start value only"]),
    "capacitance inside": (with_equation(lambda m: capacitance(m.p, m.mid, m.c)),
                           ["capacitance at an internal node", "p, mid", "Make a charge inside a device a State"]),
    "capacitance that moves": (with_equation(lambda m: capacitance(m.p, m.n, m.c * m.x)), ["c * x", "parameters only"]),
    "capacitance unit": (with_equation(lambda m: capacitance(m.p, m.n, m.r)), ["found Ohm, expected F"]),
    "branch to a state": (with_equation(lambda m: branch(m.p, m.x, m.p / m.r)), ["end of a branch", "'x'"]),
    "branch to an expression": (with_equation(lambda m: branch(m.p - m.n, m.n, m.p / m.r)), ["end of", "'p - n'"]),
    "branch to itself": (with_equation(lambda m: branch(m.p, m.p, m.p / m.r)), ["p at both ends"]),
    "node alone": (more(lonely=Node()), ["node lonely", "no branch at it"]),
    "nm": (more(t=Param(14.0, "nm", "thickness")), ["'nm'", "a coherent SI unit", "Write the value in m instead"]),
    "eV": (more(t=Param(1.0, "eV", "energy")), ["'eV'", "Write the value in kg * m ** 2 / s ** 2 instead"]),
    "kOhm": (more(t=Param(1.0, "kOhm", "resistance")), ["'kOhm'", "a coherent SI unit"]),
    "degree Celsius": (more(t=Param(1.0, "degC", "temperature")), ["'degC'"]),
    "no unit of this world": (more(t=Param(1.0, "florp", "nonsense")), ["'florp'", "an SI unit such as V"]),
    "default too low": (more(r=Param(0.5, "Ohm", "resistance", low=1)), ["default of r", "500 mOhm", "1 Ohm or more"]),
    "default too high": (more(r=Param(2.0, "Ohm", "resistance", high=1)), ["default of r", "1 Ohm or less"]),
    "default not finite": (more(r=Param(math.inf, "Ohm", "resistance")), ["default of r", "a finite number"]),
    "default not a number": (more(r=Param(math.nan, "Ohm", "resistance")), ["default of r", "a finite number"]),
    "description of two lines": (more(r=Param(1.0, "Ohm", "a\nb")), ["description of r", "one line"]),
    "source of two lines": (more(r=Param(1.0, "Ohm", "a", source="a\r.control")), ["source of r", "one line"]),
    "static": (more(x=state(static="sometimes")), ["state x: static", "'sometimes'", '"hold" or "solve"']),
    "init a number": (more(x=state(init=0.5)), ["state x: init", "0.5", "Write x_init = Param(...) and init=x_init"]),
    "init of another model": (more(x=state(init=other_init())), ["state x: init", "a Param of this model"]),
    "preset out of range": (more(presets={"hot": Preset("x", "y", {"r": 1e9})}), ["r (resistance)", "1 GOhm"]),
    "preset of another": (more(presets={"hot": Preset("x", "y", {"rr": 1.0})}), ["'rr'", "Did you mean r"]),
    "preset of two lines": (more(presets={"hot": Preset("x\n.control", "y", {})}), ["description of preset hot"]),
    "preset's source of two lines": (more(presets={"hot": Preset("x", "y\n.control", {})}), ["source of preset hot"]),
    "docstring that moves a cursor": (more(__doc__="A device.\n\nIt is \x1b[2J.\n"), ["docstring", "printable"]),
    "preset without source": (more(presets={"hot": Preset("x", "", {})}), ["preset 'hot'", "no source"]),
    "preset with a bad name": (more(presets={"hot stuff": Preset("x", "y", {})}), ["preset", "'hot stuff'"]),
}


@pytest.mark.parametrize("what", DEFINITIONS)
def test_bad_definitions_are_refused(what: str) -> None:
    call, words = DEFINITIONS[what]
    refused(call, *words)


@pytest.mark.parametrize("what", ["current is no current", "sum of unlike", "exp of a voltage", "rate unit"])
def test_wrong_dimensions_are_dimension_errors(what: str) -> None:
    refused(DEFINITIONS[what][0], error=DimensionError)


@pytest.mark.parametrize("change", ["init", "low", "high", "resolution"])
def test_bounds_and_scale_of_a_state_have_its_unit(change: str) -> None:
    start = Param(0.5, "V", "start")
    broken = {"init": start} if change == "init" else {change: lambda m: m.tau}

    def call() -> Any:
        init = start if change == "init" else Param(0.5, "1", "start")
        return define(x_init=init, x=state(**{"init": init, **broken}))

    refused(call, f"state x: {change}", "expected 1", error=DimensionError)


@pytest.mark.parametrize("word", ["e", "Temp", "TIME", "if", "in", "module", "analog", "ground", "subckt", "i", "V",
                                  "exp", "parameter", "electrical", "real", "inf"])
@pytest.mark.parametrize("place", ["terminal", "node", "param", "state", "input", "local", "model"])
def test_words_of_any_target_are_refused(word: str, place: str) -> None:
    def call() -> Any:
        def here(m: Any) -> Any:
            return getattr(m, word)

        if place == "terminal":
            return define(lambda m: branch(here(m), m.n, here(m) / m.r), **{word: Terminal()})
        if place == "node":
            return define(lambda m: branch(here(m), m.n, here(m) / m.r), **{word: Node()})
        if place == "param":
            return define(lambda m: branch(m.p, m.n, m.p / here(m)), **{word: Param(1.0, "Ohm", "x")})
        if place == "input":
            return define(lambda m: branch(m.p, m.n, m.p / m.r * here(m)), **{word: Input("1", "x")})
        if place == "state":
            start = Param(0.0, "1", "x")
            return define(lambda m: rate(here(m), 1 / m.tau), s_init=start, **{word: state(init=start)})
        if place == "local":
            return define(lambda m: branch(m.p, m.n, local(word, m.p / m.r)))
        return define(name=word)

    refused(call, f"'{word.lower() if place == 'model' else word}'", "a word that no simulator keeps for itself", "0")


def test_attributes_of_the_base_class_cannot_become_symbols() -> None:
    # A device's own machinery must survive whatever a model calls its parts.
    for name in ("values", "replace", "number", "initial", "resolution", "definition", "presets", "bench"):
        with pytest.raises((SpicememError, TypeError, AttributeError)):
            define(lambda m, name=name: branch(m.p, m.n, m.p / getattr(m, name)), **{name: Param(1.0, "Ohm", "x")})()


# Values: a device with numbers.


@pytest.mark.parametrize(("values", "words"), [
    ({"t_yzs": 1e-8}, ["eis: parameter", "'t_yzs'", "Did you mean t_ysz?"]),
    ({"zzz": 1}, ["'zzz'", "Known: area"]),
    ({"T_YSZ": 1e-8}, ["'T_YSZ'", "Did you mean t_ysz"]),
    ({"t_ysz": 1.0}, ["eis: t_ysz (electrolyte thickness)", "found 1 m", "expected 1 nm to 1 µm"]),
    ({"t_ysz": -14e-9}, ["found -14 nm"]),
    ({"g_min": 0.0}, ["eis: g_min (low end", "found 0 S", "1 fS or more"]),
    ({"area": math.nan}, ["area (gate area)", "nan", "a finite number in m**2"]),
    ({"area": math.inf}, ["inf", "a finite number in m**2"]),
    ({"area": True}, ["area (gate area)", "found True", "a number in m**2"]),
    ({"area": "9e-12"}, ["'9e-12'", "a number in m**2"]),
    ({"area": None}, ["found None"]),
    ({"area": 1 + 1j}, ["(1+1j)"]),
    ({"area": [9e-12]}, ["[9e-12]"]),
    ({"g_min": 1e-5, "g_max": 1e-6}, ["eis: g_min must be below g_max", "1e-05 and 1e-06", "g_min < g_max"]),
    ({"g_init": 1e-4}, ["eis: g_init, the start of state g", "100 µS", "10 µS or less"]),
    ({"g_init": 1e-9}, ["g_init, the start of state g", "1 nS", "10 nS or more"]),
])
def test_bad_values_are_refused(values: dict[str, Any], words: list[str]) -> None:
    refused(lambda: EIS(**values), *words)
    refused(lambda: EIS.preset("nano", **values), *words)
    if "t_ysz" not in values:
        refused(lambda: EIS().replace(**values), *words)


def test_numbers_of_numpy_are_numbers() -> None:
    assert EIS(v_oc=np.int64(0)).v_oc == 0.0 and isinstance(EIS(t_ysz=np.float64(7e-9)).t_ysz, float)
    for bad in (np.array([1e-8, 2e-8]), np.bool_(True)):
        refused(lambda bad=bad: EIS(t_ysz=bad), "t_ysz")


def test_the_scale_of_a_state_is_above_zero() -> None:
    start, scale = Param(0.5, "1", "start"), Param(1e-4, "1", "scale")
    kind = define(x_init=start, fine=scale, x=state(init=start, resolution=scale))
    refused(lambda: kind(fine=0.0), "thing: resolution of state x", "found 0", "above 0")


def test_devices_do_not_change() -> None:
    device = EIS()
    for name in ("t_ysz", "values", "nonsense"):
        refused(lambda name=name: setattr(device, name, 1e-9), f"eis: {name}", "an assignment",
                f"Write device.replace({name}=...)")
    assert device.t_ysz == 14e-9
    twin = device.replace(t_ysz=7e-9)
    assert (device.t_ysz, twin.t_ysz) == (14e-9, 7e-9) and repr(twin) == "EIS(t_ysz=7e-09)"


def test_presets() -> None:
    nano = EIS.preset("nano", g_init=2e-6)
    assert (nano.t_ysz, nano.g_init, nano.preset_name) == (7e-9, 2e-6, "nano")
    assert EIS().preset_name is None and nano.replace(t_ysz=8e-9).preset_name == "nano"
    assert EIS.preset("nano", t_ysz=9e-9).t_ysz == 9e-9
    refused(lambda: EIS.preset("huang_2025_14mn"), "eis: preset", "'huang_2025_14mn'", "Did you mean huang_2025_14nm")
    refused(lambda: EIS.preset("x"), "Known: huang_2025_14nm, huang_2025_7nm, nano")


def test_devices_cross_processes() -> None:
    device = EIS.preset("nano", g_init=2e-6)
    for twin in (pickle.loads(pickle.dumps(device)), copy.copy(device), copy.deepcopy(device)):
        assert type(twin) is EIS and twin.values == device.values and twin.preset_name == "nano"
    error = pickle.loads(pickle.dumps(_caught(lambda: EIS(t_ysz=1.0))))
    assert type(error) is ModelError and "t_ysz" in str(error) and error.found == "1 m"


def _caught(call: Callable[[], Any]) -> SpicememError:
    with pytest.raises(SpicememError) as caught:
        call()
    return caught.value


def test_arrays_of_states() -> None:
    def body() -> dict[str, Any]:
        start = Param(0.0, "1", "start")
        return {**sound(), "y": State.array(3, init=start, unit="1", doc="age", resolution=1e-3)}

    def equations(self: Any) -> Any:
        yield from _equations(self)
        for i, y in enumerate(self.y):
            yield rate(y, -y / self.tau * (i + 1.0))

    kind = type("Thing", (Model,), {**body(), "equations": equations})
    assert list(kind.definition.states) == ["x", "y0", "y1", "y2"] == list(kind.definition.rates)
    device = kind(y_init1=0.25)  # each has a start of its own, so that a run can go on from another
    assert [device.initial(f"y{i}") for i in range(3)] == [0.0, 0.25, 0.0]

    def short(self: Any) -> Any:
        yield from list(equations(self))[:-1]

    refused(lambda: type("Thing", (Model,), {**body(), "equations": short}), "state y2", "no derivative")


def test_two_states_cannot_share_a_start() -> None:
    start = Param(0.5, "1", "start")
    refused(lambda: define(x_init=start, x=state(init=start), z=state(init=start)), "x_init", "more than one state")


def test_inputs_are_pins_behind_the_terminals() -> None:
    kind = define(lambda m: branch(m.p, m.n, m.p / m.r * (m.light / quantity(1, "W"))), light=Input("W", "light power"))
    assert kind.definition.pins == ("p", "n", "light") and kind.definition.terminals == ("p", "n")
    (light,) = (s for s in expr.symbols(*(b.current for b in kind.definition.branches)) if s.kind == "input")
    assert light.dim == expr.dimension("W")


def test_solved_states_get_a_switch_that_holds_them() -> None:
    start = Param(0.5, "1", "start")
    kind = define(x_init=start, x=state(init=start, static="solve"))
    assert kind.definition.params["hold"].default == 0 and kind(hold=1).values["hold"] == 1
    refused(lambda: kind(hold=2), "thing: hold", "0 to 1")
    assert "hold" not in define().definition.params
    refused(lambda: define()(hold=1), "'hold'")
    refused(lambda: define(lambda m: branch(m.p, m.n, m.p / m.r * m.hold), hold=Param(0.0, "1", "mine"), x_init=start,
                           x=state(init=start, static="solve")), "hold")


def test_models_inherit() -> None:
    base = define()
    child = type("Child", (base,), {"__doc__": "A child.", "r": Param(2e3, "Ohm", "resistance")})
    assert child.definition.name == "child" and child().r == 2e3 and base().r == 1e3


# Is the device physical? Three nets, each shown to catch a fault.


@dataclass(frozen=True)
class Numbers:
    """A device as functions of numbers: gate current, channel current, dg/dt from (v_gate, v_drain, g)."""

    device: EIS
    currents: Callable[..., Any]
    hop: Callable[..., float]

    def inner(self, v_gate: float, g: float) -> float:
        """The internal node, where both currents are equal. Source at 0 V."""
        low, high = min(v_gate, 0.0) - 1.5, max(v_gate, 0.0) + 1.5
        return float(brentq(lambda inner: self.hop(v_gate, inner, g), low, high, xtol=1e-15, rtol=1e-14))

    def at(self, v_gate: float, v_drain: float, g: float) -> tuple[float, float, float]:
        """(gate current, channel current, rate)."""
        gate, channel, rate_ = self.currents(v_gate, self.inner(v_gate, g), v_drain, g)
        return float(gate), float(channel), float(rate_)


def numbers(device: EIS, d: Any = None) -> Numbers:
    """The device's equations with its parameters put in. `d`: another definition, with a fault."""
    d = d or device.definition
    symbols = {s.value: s for s in expr.symbols(*(b.current for b in d.branches), *d.rates.values())}
    variables = [symbols.get(n, expr.symbol(n, expr.NONE, "node")) for n in ("gate", "inner", "drain", "source", "g")]
    params = [s for s in symbols.values() if s.kind == "param"]
    values = [device.values[p.value] for p in params]
    ion, interface, channel = (b.current for b in d.branches)
    f = expr.compile_function([ion, channel, d.rates["g"]], [*variables, *params], vectorised=False)
    # sinh spans a hundred decades: its logarithm is what a root finder can follow.
    h = expr.compile_function([ion, interface], [*variables, *params], vectorised=False)

    def hop(v_gate: float, inner: float, g: float) -> float:
        through, into = h(v_gate, inner, 0.0, 0.0, g, *values)
        return float(np.arcsinh(through * 1e30) - np.arcsinh(into * 1e30))

    return Numbers(device, lambda gate, inner, drain, g: f(gate, inner, drain, 0.0, g, *values), hop)


@lru_cache(maxsize=8)
def preset(name: str) -> Numbers:
    return numbers(EIS.preset(name))


def window(device: EIS) -> float:
    return device.g_max - device.g_min


levels = st.lists(st.floats(-7, 7), min_size=2, max_size=6)
PRESETS = sorted(EIS.presets)
#: Time in which each preset moves about a window at 6.5 V.
SPAN = {"huang_2025_14nm": 2.0, "huang_2025_7nm": 0.02, "nano": 0.02}


def integrated(n: Numbers, drive: Waveform, start: float) -> Any:
    """g(t) under a piecewise-linear gate voltage, from break point to break point."""
    d, g, out = n.device, start, [start]
    for begin, end in zip(drive.times, drive.times[1:], strict=False):
        run = solve_ivp(lambda t, y: [n.at(float(drive(t)), 0.1, y[0])[2]], (begin, end), [g], method="LSODA",
                        rtol=1e-6, atol=1e-7 * window(d))
        assert run.success
        g = float(run.y[0, -1])
        out += run.y[0].tolist()
    return np.array(out)


def check_drive(n: Numbers, heights: list[float], start: float) -> None:
    """The invariants of any device under a random drive."""
    d = n.device
    times = np.linspace(0, SPAN.get(d.preset_name or "", 1.0), len(heights))
    drive = Waveform(times, heights)
    g = integrated(n, drive, d.g_min + start * window(d))
    assert np.isfinite(g).all()
    assert (g >= d.g_min - 1e-4 * window(d)).all() and (g <= d.g_max + 1e-4 * window(d)).all()
    for v in heights:
        for drain in (-1.0, 0.1):
            gate, channel, rate_ = n.at(v, drain, float(g[-1]))
            assert np.isfinite([gate, channel, rate_]).all()
            assert gate * v >= 0 and channel * drain >= 0  # passive
            if abs(v) > 1e-3 and d.g_min + 0.01 * window(d) < g[-1] < d.g_max - 0.01 * window(d):
                assert rate_ * v > 0  # positive gate voltage raises the conductance
    assert n.at(0.0, 0.1, float(g[-1]))[0] == pytest.approx(0.0, abs=1e-30)


@pytest.mark.parametrize("name", PRESETS)
def test_invariants_under_random_drive(name: str) -> None:
    @settings(max_examples=40)
    @given(levels, st.floats(0, 1))
    def check(heights: list[float], start: float) -> None:
        check_drive(preset(name), heights, start)

    check()


def faulty(**changes: Any) -> Any:
    """The definition of an EIS whose equations are changed: current(s) by index, or the rate."""

    class Faulty(EIS):
        """An EIS with a fault."""

        presets = {}

        def equations(self) -> Any:
            for i, item in enumerate(EIS.equations(self)):
                yield changes.get(f"equation{i}", lambda m, item: item)(self, item)

    return Faulty.definition


FAULTS = {
    "no walls": faulty(equation4=lambda m, item: rate(m.g, item.value.args[1].args[0] * (1 + 0 * m.wall))),
    "wrong sign": faulty(equation4=lambda m, item: rate(m.g, -item.value)),
    "active channel": faulty(equation2=lambda m, item: branch(m.drain, m.source, -item.current)),
    "gate pumps": faulty(equation1=lambda m, item: branch(m.inner, m.source, item.current + m.k_int * m.area * m.j_0),
                         equation0=lambda m, item: item),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_device_that_is_not_physical_is_caught(fault: str) -> None:
    broken = numbers(EIS.preset("huang_2025_14nm"), FAULTS[fault])
    with pytest.raises(AssertionError):
        for start in (0.5, 0.99, 0.01):
            check_drive(broken, [6.9, 6.9, -3.0, 2.0], start)


def check_walls(n: Numbers) -> None:
    d = n.device
    for v in (-100.0, -6.5, -2.0, 2.0, 6.5, 100.0):
        bound, outward = (d.g_max, 1) if v > 0 else (d.g_min, -1)
        assert n.at(v, 0.0, bound)[2] == 0.0
        for windows in (1e-3, 0.1, 1.0, 2.0):
            assert n.at(v, 0.0, bound + outward * windows * window(d))[2] * outward < 0  # back inside
        free = n.at(v, 0.0, d.g_min + 0.5 * window(d))[2]
        assert free * outward > 0
        # 1 % off the wall it is no longer felt.
        assert n.at(v, 0.0, bound - outward * 0.01 * window(d))[2] == pytest.approx(free, rel=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_walls_are_zero_at_the_bound_and_restore_outside(name: str) -> None:
    check_walls(preset(name))


@pytest.mark.parametrize("fault", ["no walls", "wrong sign"])
def test_a_wall_that_leaks_is_caught(fault: str) -> None:
    with pytest.raises(AssertionError):
        check_walls(numbers(EIS(), FAULTS[fault]))


def check_finite(device: EIS, d: Any = None) -> None:
    """Every current and rate, and every slope of them, is finite for any bias and state a solver may try."""
    d = d or device.definition
    outputs = [*(b.current for b in d.branches), *d.rates.values()]
    inputs = expr.symbols(*outputs)
    slopes = [expr.derivative(o, s) for o in outputs for s in inputs if s.kind != "param"]
    f = expr.compile_function([*outputs, *slopes], inputs)
    random = np.random.default_rng(1)
    count = 4000
    values = []
    for s in inputs:
        if s.kind == "param":
            values.append(np.full(count, device.values[s.value]))
        elif s.kind == "node":
            volts = random.uniform(-100, 100, count)
            volts[::7], volts[::11], volts[::13] = 0.0, 100.0, -100.0
            values.append(volts)
        else:
            x = random.uniform(-1, 2, count)
            x[::5], x[::17] = 0.0, 1.0
            values.append(device.g_min + x * window(device))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for result in f(*values):
            assert np.isfinite(result).all()


@pytest.mark.parametrize("name", PRESETS)
def test_currents_and_slopes_are_finite_for_any_bias_and_state(name: str) -> None:
    check_finite(EIS.preset(name))
    check_finite(EIS.preset(name, v_int=0.01, e_hop=1e5))


def unbounded(m: Any, item: Any) -> Any:
    over: Expr = 1 / ((m.gate - m.drain) / quantity(1, "V"))
    return branch(m.drain, m.source, item.current * where(m.gate > m.drain, over, 1 / (1 - over * 0)))


def test_a_pole_is_caught() -> None:
    with pytest.raises((AssertionError, FloatingPointError)):
        check_finite(EIS(), faulty(equation2=unbounded))


def test_numpy_function_of_a_device_is_vectorised() -> None:
    """The rendered function of EIS over arrays, against the closed form of its branches."""
    from spicemem.render.numpy import device_function

    device = EIS()
    f = device_function(device)
    gate, g = np.linspace(-6, 6, 7)[:, None], np.array([2e-8, 1e-6, 9e-6])
    found = f(gate, 0.1, 0.0, 0.3 * gate, g)
    assert found["d(g)/dt"].shape == (7, 3)
    i_ion = device.area * device.j_0 * np.sinh(0.7 * gate / (device.e_hop * device.t_ysz))
    assert found["i(gate, inner)"] == pytest.approx(i_ion, rel=1e-12)
    assert found["i(drain, source)"] == pytest.approx(g * 0.1, rel=1e-12)
    assert (np.sign(found["d(g)/dt"]) == np.sign(gate)).all()
    assert f(1.0, 0.1, 0.0, 0.3, 1e-6, j_0=2 * device.j_0)["i_ion"] == pytest.approx(
        2 * f(1.0, 0.1, 0.0, 0.3, 1e-6)["i_ion"], rel=1e-12)


@pytest.mark.parametrize("word", ["lambda", "is", "np", "yield"])
def test_words_of_python_are_refused_inside_devices_only(word: str) -> None:
    from spicemem.circuit import Circuit, Resistor

    with pytest.raises(ModelError, match=f"found '{word}'.*keeps for itself"):
        type("Bad", (Model,), {
            "__doc__": "A resistor.", "reference": "none: a test", "p": Terminal(), "n": Terminal(),
            word: Param(1.0, "Ohm", "resistance"),
            "equations": lambda self: iter([branch(self.p, self.n, (self.p - self.n) / getattr(self, word))])})
    Circuit("plain").add(word, Resistor(1.0), p="a", n="0")
