"""Do all targets mean the same? Random expression trees through Python, ngspice and compiled Verilog-A."""

from __future__ import annotations

import copy
import itertools
import math
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spicemem import expr
from spicemem.circuit import GROUND, Circuit, VoltageSource
from spicemem.errors import SimulationError
from spicemem.expr import Expr
from spicemem.model import Input, Model, Node, Param, State, Terminal, branch, rate
from spicemem.render import ngspice as text_of_ngspice
from spicemem.render import numpy as numpy_target
from spicemem.render.text import TextWriter
from spicemem.units import NONE, Dimension, dimension

TREES = 300
#: Relative agreement. Trees lose at most three digits of an input's (ILL), simulators print and read 16.
CLOSE = 5e-12
ILL = 1e3
PER_MODEL = 30
SWEEP = (-1.7, -0.31, 0.42, 2.9)

V, A, OHM, V2 = (dimension(unit) for unit in ("V", "A", "Ohm", "V**2"))
UNITS = {NONE: "1", V: "V", A: "A", OHM: "Ohm", V2: "V**2"}
# What each dimension is a product or a quotient of.
PRODUCTS = {NONE: [(NONE, NONE)], V: [(NONE, V), (V, NONE), (A, OHM), (OHM, A)], A: [(NONE, A), (A, NONE)],
            OHM: [(NONE, OHM)], V2: [(V, V), (NONE, V2)]}
QUOTIENTS = {NONE: [(NONE, NONE), (V, V), (A, A), (OHM, OHM), (V2, V2)], V: [(V, NONE), (V2, V)],
             A: [(V, OHM), (A, NONE)], OHM: [(V, A), (OHM, NONE)], V2: [(V2, NONE)]}
FUNCTIONS = (expr.exp, expr.log, expr.tanh, expr.sinh, expr.cosh, expr.sqrt, expr.absolute)

PARAMS: Mapping[str, tuple[float, str]] = {
    "par_a": (0.7310585786300049, "1"), "par_b": (-2.414213562373095, "1"), "par_c": (123.456789012345678, "1"),
    "par_u": (0.1234567890123456, "V"), "par_w": (-3.3e-3, "V"), "par_i": (4.7e-3, "A"), "par_r": (1.5e3, "Ohm"),
}
SYMBOLS = {name: expr.symbol(name, dimension(unit), "param") for name, (_, unit) in PARAMS.items()}
P, Q, INNER = (expr.symbol(name, V, "node") for name in ("p", "q", "inner"))
LARGE = expr.quantity(1e6, "V")
LIGHT, X = expr.symbol("light", NONE, "input"), expr.symbol("x", NONE, "state")
VALUES = {**{name: value for name, (value, _) in PARAMS.items()}, "q": 0.9172, "light": 0.3819660112501051, "x": 0.61}
LEAVES = {NONE: [SYMBOLS["par_a"], SYMBOLS["par_b"], SYMBOLS["par_c"], LIGHT, X],
          V: [SYMBOLS["par_u"], SYMBOLS["par_w"], P, Q, INNER], A: [SYMBOLS["par_i"]], OHM: [SYMBOLS["par_r"]], V2: []}
ALL = [*SYMBOLS.values(), P, Q, INNER, LIGHT, X]


def inputs(sweep: Sequence[float] = SWEEP) -> list[Any]:
    """The values of ALL over the sweep; `inner` halves p - 0 through two equal resistors."""
    p = np.array(sweep)
    known = {"p": p, "inner": p / 2, **{name: np.full(len(p), value) for name, value in VALUES.items()}}
    return [known[s.value] for s in ALL]


class Garden:
    """Grows random trees of every operator and function; subtrees come back, intermediates are named."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.pool: dict[Dimension, list[Expr]] = {dim: [] for dim in UNITS}
        self.serial = itertools.count()
        self.keep()

    def forget(self) -> None:
        """Drop what was grown for a tree that was refused."""
        self.pool = {dim: list(shelf) for dim, shelf in self.kept.items()}

    def keep(self) -> None:
        """Let what was grown come back in later trees."""
        self.kept = {dim: list(shelf) for dim, shelf in self.pool.items()}

    def constant(self, dim: Dimension) -> Expr:
        r = self.random
        kind = r.random()
        if kind < 0.3:
            return expr.const(r.choice((1.0, 2.0, -1.0, 0.5, -3.0, 10.0)), dim)
        return expr.const(r.choice((-1, 1)) * 10 ** r.uniform(-3, 3), dim)

    def leaf(self, dim: Dimension, params_only: bool) -> Expr:
        known = [s for s in LEAVES[dim] if not params_only or s.kind == "param"]
        return self.random.choice(known) if known and self.random.random() < 0.7 else self.constant(dim)

    def grow(self, dim: Dimension, depth: int, params_only: bool = False) -> Expr:
        r = self.random
        if not params_only and self.pool[dim] and r.random() < 0.12:
            return r.choice(self.pool[dim])
        if depth <= 0:
            return self.leaf(dim, params_only)
        if not params_only and r.random() < 0.04:
            return expr.local(f"fixed{next(self.serial)}", self.grow(dim, depth, True))
        node = self.combine(dim, depth, params_only)
        if not params_only:
            if r.random() < 0.06:
                node = expr.local(f"mid{next(self.serial)}", node)
            self.pool[dim].append(node)
        return node

    def combine(self, dim: Dimension, depth: int, params_only: bool) -> Expr:
        r = self.random

        def sub(d: Dimension = dim) -> Expr:
            return self.grow(d, depth - 1 - (r.random() < 0.3), params_only)

        kind = r.choices(("sum", "product", "quotient", "neg", "extreme", "where", "function", "zero"),
                         (6, 4, 4, 3, 2, 2, 7, 0.3))[0]
        if kind == "sum":
            return sub() - sub() if r.random() < 0.6 else sub() + sub()
        if kind == "product":
            left, right = r.choice(PRODUCTS[dim])
            return sub(left) * sub(right)
        if kind == "quotient":
            left, right = r.choice(QUOTIENTS[dim])
            return sub(left) / sub(right)
        if kind == "neg":
            inner = -sub()
            return -inner if r.random() < 0.3 else inner
        if kind == "extreme":
            return r.choice((expr.minimum, expr.maximum))(sub(), sub())
        if kind == "where":
            of = r.choice(list(UNITS))
            left, right = sub(of), sub(of)
            condition = r.choice((left < right, left <= right, left > right, left >= right))
            return expr.where(condition, sub(), sub())
        if kind == "zero":
            return r.choice((lambda: 0 - sub(), lambda: sub() + 0, lambda: expr.maximum(sub(), 0)))()
        if dim == V:
            return r.choice((lambda: expr.sqrt(sub(V2)), lambda: expr.absolute(sub())))()
        if dim != NONE:
            return expr.absolute(sub())
        function = r.choice(FUNCTIONS)
        # Every fourth argument is far outside the limits; what comes out is brought back.
        if function in (expr.exp, expr.sinh, expr.cosh) and r.random() < 0.4:
            return expr.const(r.choice((1e-34, -1e-35))) * function(sub(NONE) * 10 ** r.uniform(2, 4))
        if function in (expr.log, expr.sqrt) and r.random() < 0.3:
            return function(-expr.absolute(sub(NONE)) - 1)
        return function(sub(NONE))


def operations(roots: Sequence[Expr]) -> Counter[str]:
    return Counter(n.op for n in expr.walk(*roots))


def well_posed(root: Expr, points: Sequence[Any], ceiling: float) -> bool:
    """Whether numbers a double's rounding apart give results that agree, so that targets can be asked to."""
    nodes = [n for n in expr.walk(root) if n.dim is not None]
    place = {id(n): i for i, n in enumerate(nodes)}
    with np.errstate(all="ignore"):
        rows = [np.broadcast_to(v, len(points[0])) for v in expr.compile_function(nodes, ALL)(*points)]
    if any(not np.isfinite(v).all() or (np.abs(v) > 1e45).any() for v in rows):
        return False
    if (np.abs(rows[-1]) > ceiling).any() or (np.abs(rows[-1]) < 1e-9).any():
        return False
    for node in expr.walk(root):
        a, b = (rows[place[id(n)]] for n in (node.args[-2:] if len(node.args) > 1 else [nodes[0]] * 2))
        if node.dim is None:
            if node.args[0] is node.args[1]:
                continue
            a, b = (rows[place[id(n)]] for n in node.args)
            if (np.abs(a - b) <= 1e-6 * (np.abs(a) + np.abs(b))).any():
                return False
        elif node.op in ("add", "sub") and not any(n.op == "const" and n.value == 0 for n in node.args):
            if (np.abs(rows[place[id(node)]]) < (np.abs(a) + np.abs(b)) / ILL).any():
                return False
        elif node.op in ("div", "log", "sqrt"):
            divisor, least = (b, 1e-15) if node.op == "div" else (rows[place[id(node.args[0])]], 1e-12)
            if (np.abs(divisor) < least).any():
                return False
    if not all(np.isfinite(v).all() for v in at_rest(nodes)):
        return False
    slopes = [expr.derivative(root, s) for s in ALL]
    with np.errstate(all="ignore"):
        sensitive = [s * x / rows[-1] for s, x in zip(expr.compile_function(slopes, ALL)(*points), points, strict=True)]
    return all(np.isfinite(s).all() and (np.abs(s) < ILL).all() for s in sensitive)


def at_rest(nodes: Sequence[Expr]) -> Iterator[Any]:
    """Values and slopes with every node at 0 V, where simulators start to search."""
    zero = [np.zeros(1) if s.kind in ("node", "input") else np.full(1, VALUES[s.value]) for s in ALL]
    with np.errstate(all="ignore"):
        yield from expr.compile_function(nodes, ALL)(*zero)
        yield from expr.compile_function([expr.derivative(nodes[-1], s) for s in (P, Q, INNER, LIGHT)], ALL)(*zero)


def trees(seed: int, count: int, ceiling: float = 1e30, points: Sequence[Any] | None = None) -> Iterator[list[Expr]]:
    """Exactly `count` well-posed trees that depend on something, in lists that share their subtrees."""
    points = inputs() if points is None else points
    every: list[Expr] = []
    for start in range(0, count, PER_MODEL):
        garden = Garden(seed + start)
        found: list[Expr] = []
        while len(found) < min(PER_MODEL, count - start):
            root = garden.grow(garden.random.choice((NONE, NONE, V, A)), garden.random.randint(2, 7))
            if root.op not in ("const", "symbol") and root not in every and well_posed(root, points, ceiling):
                found.append(root)
                every.append(root)
                garden.keep()
            else:
                garden.forget()
        yield found


_serial = itertools.count()


@dataclass
class Bed:
    """Trees in one model, the circuit that shows them, and what to read."""

    circuit: Circuit
    expected: list[np.ndarray[Any, Any]]
    read: list[tuple[str, float]]


def planted(roots: Sequence[Expr]) -> Bed:
    """A model whose locals, branch currents and solved states are the trees, and a circuit that drives it."""
    points = inputs()
    with np.errstate(all="ignore"):
        expected = [np.broadcast_to(v, len(SWEEP)) for v in expr.compile_function(list(roots), ALL)(*points)]
    body: dict[str, Any] = {
        "__doc__": "Random trees.", "reference": "none: a test", "n": Terminal(), "p": Terminal(), "q": Terminal(),
        "inner": Node(), "x_init": Param(VALUES["x"], "1", "start"),
    }
    body["x"] = State(init=body["x_init"], unit="1", doc="held", resolution=1e-4)
    used = {s.value for s in expr.symbols(*roots)}
    # Half of the parameters differ from their default, so that instance parameters are read too.
    values = {name: PARAMS[name][0] for i, name in enumerate(PARAMS) if name in used and i % 2}
    body.update({name: Param(1.5 if name in values else value, unit, "a number")
                 for name, (value, unit) in PARAMS.items() if name in used})
    if "light" in used:
        body["light"] = Input("1", "a signal")
    one = {dim: expr.const(1.0, tuple(a - b for a, b in zip(A, dim, strict=True))) for dim in UNITS}
    n = expr.symbol("n", V, "node")
    equations: list[Any] = [branch(P, INNER, (P - INNER) / expr.quantity(1, "Ohm")),
                            branch(INNER, n, (INNER - n) / expr.quantity(1, "Ohm")),
                            rate(X, expr.const(0.0, dimension("1/s")))]
    read: list[tuple[str, float]] = []
    ports = {"n": GROUND, "p": "p", "q": "q", **({"light": "light"} if "light" in used else {})}
    for i, (root, value) in enumerate(zip(roots, expected, strict=True)):
        size = np.abs(value)
        if i % 3 == 1 and size.min() > 1e-6 and size.max() < 1e6:  # a branch current, into its own source of 0 V
            body[f"out{i}"] = Terminal()
            ports[f"out{i}"] = f"out{i}"
            equations.append(branch(expr.symbol(f"out{i}", V, "node"), n, one[root.dim] * root))
            read.append((f"i(v_out{i})", -1.0))
        elif i % 6 == 2 and size.min() > 1e-3 and size.max() < 1e6 and X not in expr.symbols(root):  # where a rate is 0
            body[f"y{i}_init"] = Param(0.0, UNITS[root.dim], "start")
            body[f"y{i}"] = State(init=body[f"y{i}_init"], unit=UNITS[root.dim], doc="solved", resolution=0.25,
                                  static="solve")
            state = expr.symbol(f"y{i}", root.dim, "state")
            equations.append(rate(state, (root - state) / expr.quantity(1, "s")))
            read.append((f"dut.y{i}", 1.0))
        else:
            if all(s.kind == "param" for s in expr.symbols(root)):  # not a signal: read it through one
                root = expr.where(P > LARGE, 0, root)
            named = root if root.op == "local" else expr.local(f"tree{i}", root)
            # The local is part of the equations, but no current of up to 1e30 A flows.
            equations.append(branch(Q, n, expr.where(P > LARGE, one[root.dim] * named, 0)))
            read.append((f"dut.{named.value}", 1.0))
    body["equations"] = lambda self: iter(equations)
    kind = type(f"Trees{next(_serial)}", (Model,), body)
    circuit = Circuit("trees").add("dut", kind(**values), **ports)
    for net in ports.values():
        if net != GROUND:
            circuit.add(f"v_{net}", VoltageSource(VALUES.get(net, 0.0)), p=net, n=GROUND)
    return Bed(circuit, expected, read)


def tight(engine: Any) -> Any:
    """The same engine, ending Newton's iteration late: a comparison of meanings, not of tolerances.

    The absolute tolerance is lowered too: intermediates are nodes in ngspice, and small ones would pass unseen.
    """
    twin = copy.copy(engine)

    def deck(job: Any, options: str = "") -> str:
        text = type(engine).deck(twin, replace(job, reltol=1e-12), *([options] if options else []))
        assert "vntol=1e-9" in text
        return str(text.replace("vntol=1e-9", "vntol=1e-18"))

    twin.deck = deck
    return twin


def mismatches(engine: Any, roots: Sequence[Expr]) -> tuple[int, list[str]]:
    """How many trees were compared, and which differ between NumPy and the engine."""
    bed = planted(roots)
    result = tight(engine).dc(bed.circuit, "v_p", SWEEP, save=[name for name, _ in bed.read])
    wrong = []
    for root, value, (name, sign) in zip(roots, bed.expected, bed.read, strict=True):
        off = np.abs(sign * result[name] / value - 1)
        if not (off < CLOSE).all():
            wrong.append(f"{name}: {root}: {sign * result[name]} instead of {value}, off by {off.max():.1e}")
    return len(bed.read), wrong


def compare(engine: Any, seed: int, count: int = TREES) -> list[str]:
    """The mismatches of exactly `count` trees."""
    wrong: list[str] = []
    compared = 0
    for roots in trees(seed, count):
        number, differ = mismatches(engine, roots)
        compared += number
        wrong += differ
    assert compared == count
    return wrong


def bracket_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """a - (b - c) and a / (b / c) lose their brackets."""
    inside = TextWriter._inside
    monkeypatch.setattr(TextWriter, "_inside", lambda self, node, level, right: inside(self, node, level, False))


def function_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """exp, sinh and cosh go straight a little too early."""
    function = TextWriter.function
    monkeypatch.setattr(TextWriter, "function", lambda self, name, args:
                        function(self, name, args).replace("80.0", "79.99"))


def order_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a condition holds, the wrong one of two values is taken."""
    for writer in (TextWriter, text_of_ngspice._DialectWriter):
        monkeypatch.setattr(writer, "conditional", lambda self, condition, true, false, right=writer.conditional:
                            right(self, condition, false, true))


def digits_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants are printed as people print them."""
    monkeypatch.setattr(TextWriter, "number", lambda self, value: f"{value:.8e}")
    monkeypatch.setattr(text_of_ngspice, "literal", lambda value: f"{value:.8e}")


def plain_literals_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants are printed in full, of which ngspice keeps 11 digits."""
    monkeypatch.setattr(text_of_ngspice, "literal", repr)


FAULTS = (bracket_fault, function_fault, order_fault, digits_fault)
ENGINES = ("ngspice", "ngspice-osdi", "vacask")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Modules of random trees do not belong into the user's cache, nor failed runs into the common folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SPICEMEM_CACHE", str(tmp_path))


def test_trees_are_many_and_cover_everything() -> None:
    roots = [root for some in trees(1, TREES) for root in some]
    assert len(roots) == TREES == len(set(map(id, roots)))
    seen = operations(roots)
    every = {*expr.FUNCTIONS, "min", "max", "where", "add", "sub", "mul", "div", "neg", "lt", "le", "gt", "ge", "local",
             "const", "symbol"}
    assert set(seen) == every and min(seen[op] for op in every - {"symbol"}) >= 20, seen
    nodes = list(expr.walk(*roots))
    right = [n for n in nodes if n.op in ("sub", "div") and n.args[1].op == n.op]
    nested = [n for n in nodes if n.op == "neg" and n.args[0].op == "neg"]
    negative = [n for n in nodes if n.op == "const" and n.value < 0]
    steep = [n for n in nodes if n.op in ("exp", "sinh", "cosh") and any(
        abs(v) > expr.LIMIT for v in np.ravel(expr.compile_function(n.args, ALL)(*inputs())[0]))]
    counts = [len(some) for some in (right, nested, negative, steep)]
    assert min(counts) >= 20, counts
    assert {s.value for s in expr.symbols(*roots)} == {s.value for s in ALL}


@pytest.mark.parametrize("name", ENGINES)
def test_targets_mean_what_numpy_means(name: str, require: Callable[[str], Any]) -> None:
    wrong = compare(require(name), seed={"ngspice": 1, "ngspice-osdi": 1001, "vacask": 2001}[name])
    assert not wrong, f"{len(wrong)} of {TREES} differ, the first: {wrong[0]}"


def numpy_mismatches(count: int = TREES) -> tuple[int, list[str]]:
    """How many trees were compared, and which differ between the tree's meaning and the rendered Python function.

    The rendered module holds a tree as a local, a branch current or a rate, like any other target's text.
    """
    compared, wrong = 0, []
    for roots in trees(4001, count):
        bed = planted(roots)
        device = bed.circuit.devices()["dut"]
        d = device.definition
        function = numpy_target.device_function(device)
        at = {**VALUES, "p": np.array(SWEEP), "inner": np.array(SWEEP) / 2}  # between two equal resistors
        # Solved states stand in rates only; a state's value does not matter to what is read here.
        pins = [at.get(name, 0.0) for name in (*d.terminals, *d.nodes, *d.inputs, *d.states)]
        with np.errstate(all="ignore"):
            found = function(*pins)
        for root, value, (name, _) in zip(roots, bed.expected, bed.read, strict=True):
            key = name.removeprefix("dut.")
            if key.startswith("i(v_"):
                got = found[f"i({key[4:-1]}, n)"]
            elif key.startswith("y"):
                got = found[f"d({key})/dt"]  # (root - 0)/1 s
            else:
                got = found[key]
            compared += 1
            if not (np.abs(got / value - 1) < CLOSE).all():
                wrong.append(f"{name}: {root}: {got} instead of {value}")
    return compared, wrong


def test_rendered_python_means_what_the_tree_means() -> None:
    compared, wrong = numpy_mismatches()
    assert compared == TREES and not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"


@pytest.mark.parametrize("fault", FAULTS)
def test_rendered_python_with_a_fault_is_caught(
    fault: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a fault does to the base's choice, it does to this target's own.
    monkeypatch.setattr(TextWriter, "conditional", numpy_target._Writer.conditional)
    fault(monkeypatch)
    monkeypatch.setattr(numpy_target._Writer, "conditional", TextWriter.conditional)
    assert numpy_mismatches()[1]


@pytest.mark.parametrize(("name", "fault"), [*itertools.product(ENGINES, FAULTS), ("ngspice", plain_literals_fault)])
def test_planted_faults_are_caught(
    name: str, fault: Callable[..., None], require: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = require(name)
    fault(monkeypatch)
    assert any(mismatches(engine, roots)[1] for roots in trees(1, TREES))


@pytest.mark.parametrize("name", ENGINES)
def test_traps_of_ngspice(name: str, require: Callable[[str], Any]) -> None:
    """What random trees found, once each: "? -x" in a .param, literals of more than 11 digits, tiny intermediates."""
    a, b, u = SYMBOLS["par_a"], SYMBOLS["par_b"], SYMBOLS["par_u"]
    roots = [
        expr.local("fixed0", expr.where(a > b, -a, b)) * P, expr.where(P > Q, -P, 0 - u), P / math.pi - math.e * u,
        P * 1.000000000049, -P * (a - (b - LIGHT)), a / (b / (LIGHT / X)) - P / u,
        expr.exp(expr.local("mid0", 1e-12 * expr.sinh(P / u)) * 1e9) * expr.local("mid1", X * (P / u)),
    ]
    number, wrong = mismatches(require(name), roots)
    assert number == len(roots) and not wrong


def test_a_trap_that_is_stepped_into_is_caught(ngspice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = SYMBOLS["par_a"], SYMBOLS["par_b"]
    root = expr.local("fixed0", expr.where(a > b, -a, b)) * P
    assert not mismatches(ngspice, [root])[1]
    monkeypatch.setattr(text_of_ngspice._DialectWriter, "conditional", lambda self, c, t, f:
                        f"({self.visit(c)} ? {self.visit(t)} : {self.visit(f)})")
    with pytest.raises(SimulationError, match="Formula"):
        mismatches(ngspice, [root])


def test_shared_subexpressions_are_hoisted_and_literals_keep_their_digits() -> None:
    auxiliaries = fixed = 0
    for roots in trees(1, 3 * PER_MODEL):
        device = next(iter(planted(roots).circuit.devices().values()))
        text = text_of_ngspice.device_subckt(type(device), tuple(device.values.items()))
        auxiliaries += text.count("\nBsm_a")
        fixed += text.count(".param fixed")
    assert auxiliaries >= 10 and fixed >= 5
    assert text_of_ngspice.literal(0.1) == "0.1" and text_of_ngspice.literal(-3e-7) == "-3e-07"
    for value in (math.pi, -math.e * 1e-9, 1 / 3, 1.2345678901234567e22):
        pieces = text_of_ngspice.literal(value)
        total = sum(Fraction(float(f"{float(sign + digits):.10e}")) for sign, digits in
                    re.findall(r"(?:^\(| )?([+-]?) ?(\d[\d.]*(?:e[+-]\d+)?)", pieces))
        assert abs(total / Fraction(value) - 1) < 1e-19, pieces


# The other two meanings in Python: the scalar function, the derivative.


def scalar_mismatches(count: int = TREES) -> int:
    wrong = compared = 0
    for roots in trees(3001, count):
        with np.errstate(all="ignore"):
            arrays = [np.broadcast_to(v, len(SWEEP)) for v in expr.compile_function(roots, ALL)(*inputs())]
        scalar = expr.compile_function(roots, ALL, vectorised=False)
        for i in range(len(SWEEP)):
            values = scalar(*(float(v[i]) for v in inputs()))
            wrong += sum(not math.isclose(a, b[i], rel_tol=1e-11) for a, b in zip(values, arrays, strict=True))
        compared += len(roots)
    assert compared == count
    return wrong


def test_scalar_function_equals_the_vectorised_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scalar_mismatches() == 0
    space = expr._math_space()
    for broken in ({"_cosh": lambda x: math.cosh(max(min(x, 80.0), -80.0))},
                   {"_min": space["_max"]}, {"_log": lambda x: math.log(max(x, 1e-299))}):
        with monkeypatch.context() as patch:
            patch.setattr(expr, "_math_space", lambda broken=broken: {**space, **broken})
            assert scalar_mismatches(60) > 0


@dataclass
class Slope:
    """A derivative found by central differences, with what rounding leaves of it."""

    root: Expr
    by: Expr
    value: np.ndarray[Any, Any]
    rounding: np.ndarray[Any, Any]


@lru_cache(maxsize=1)
def slopes() -> list[Slope]:
    """Trees with a slope by a random one of their symbols, where it exists: exactly 300."""
    found: list[Slope] = []
    pick = random.Random(0)
    points = inputs()
    for roots in trees(4001, 3 * TREES):
        for root in roots:
            by = pick.choice(expr.symbols(root) or [P])
            place = ALL.index(by)
            function = expr.compile_function([root], ALL)
            step = 1e-5 * np.abs(points[place])

            def value(shift: Any, f: Any = function, at: int = place) -> Any:
                with np.errstate(all="ignore"):
                    return f(*(x + shift if i == at else x for i, x in enumerate(points)))[0] + np.zeros(len(SWEEP))

            whole, half = ((value(h) - value(-h)) / (2 * h) for h in (step, step / 2))
            rounding = 1e-8 * np.abs(value(0.0) / points[place])
            # A kink or jump nearby is the tree's affair and not the derivative's.
            smooth = np.abs(whole - half) <= 1e-3 * np.abs(half) + 10 * rounding
            if smooth.all() and (half != 0).any():
                found.append(Slope(root, by, (4 * half - whole) / 3, rounding))
            if len(found) == TREES:
                return found
    raise AssertionError(f"only {len(found)} slopes")


def slope_mismatches() -> list[str]:
    wrong = []
    assert len(slopes()) == TREES
    for known in slopes():
        exact = expr.compile_function([expr.derivative(known.root, known.by)], ALL)
        with np.errstate(all="ignore"):
            off = np.abs(exact(*inputs())[0] - known.value)
        if not (off <= 1e-6 * np.abs(known.value) + known.rounding).all():
            wrong.append(f"d({known.root})/d({known.by})")
    return wrong


def test_derivatives_agree_with_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slope_mismatches() == []
    assert set(operations([s.root for s in slopes()])) >= {*expr.FUNCTIONS, "min", "max", "where", "div"}
    raw, slope = expr._raw, expr._function_slope

    def quotient(op: str, *args: Expr) -> Expr:
        return raw("add" if op == "sub" else op, *args)

    def cosh(node: Expr) -> Expr:
        return node if node.op == "cosh" else slope(node)

    for name, broken in (("_raw", quotient), ("_function_slope", cosh)):
        with monkeypatch.context() as patch:
            patch.setattr(expr, name, broken)
            assert slope_mismatches()
