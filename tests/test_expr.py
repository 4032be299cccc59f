"""The expression tree: what it refuses and with which words, and what its functions mean at their limits."""

from __future__ import annotations

import gc
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicemem import expr
from spicemem.errors import DimensionError, ModelError, SpicememError
from spicemem.expr import Expr, Writer, const, local, quantity, symbol, where
from spicemem.units import NONE, dimension

VOLT, AMPERE = dimension("V"), dimension("A")
V, W = symbol("v", VOLT, "node"), symbol("w", VOLT, "node")
I = symbol("i", AMPERE, "node")
A, B, C = (symbol(name, NONE, "param") for name in "abc")


def refused(call: Any, *words: str, error: type[SpicememError] = ModelError) -> None:
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), str(caught.value)


def value(node: Expr, **given_values: float) -> float:
    return expr.constant(node, given_values)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: V + I, ["v + i", "found V and A", "expected the same on both sides"]),
    (lambda: V - A, ["v - a", "V and a pure number"]),
    (lambda: 1 + V, ["1 + v", "a pure number and V"]),
    (lambda: V > I, ["v > i", "V and A"]),
    (lambda: V <= 3, ["v <= 3", "V and a pure number"]),
    (lambda: expr.minimum(V, I), ["v min i"]),
    (lambda: expr.maximum(1.5, I), ["1.5 max i"]),
    (lambda: where(V > 0, V, I), ["v where i", "V and A"]),
    (lambda: expr.exp(V), ["argument of exp(v)", "found V", "a pure number", "Divide it by a scale"]),
    (lambda: expr.sinh(V * I), ["argument of sinh(v * i)", "found W"]),
    (lambda: expr.log(V / I), ["argument of log(v / i)", "found Ohm"]),
    (lambda: expr.tanh(1 / V), ["argument of tanh(1 / v)", "found 1/V"]),
    (lambda: expr.cosh(V), ["cosh(v)"]),
    (lambda: expr.power(V, 2), ["log(v)"]),
    (lambda: expr.walls(I, V, 0, A, 1), ["a - v"]),
])
def test_dimensions_are_refused_with_the_offending_term(call: Any, words: list[str]) -> None:
    refused(call, *words, error=DimensionError)


def test_dimensions_that_hold() -> None:
    assert (V / I).dim == dimension("Ohm") and (V * I).dim == dimension("W")
    assert (V**3).dim == dimension("V**3") and expr.sqrt(V).dim == tuple(Fraction(x) / 2 for x in VOLT)
    assert expr.absolute(-V).dim == VOLT and local("l", V).dim == VOLT and (+V) is V
    assert quantity(2, "m").dim == dimension("m")
    assert expr.softplus(V, W).dim == expr.positive(V, W).dim == VOLT
    assert (V > W).dim is None


def test_zero_takes_any_dimension_and_other_numbers_do_not() -> None:
    for node in (V + 0, 0 + V, V - 0.0, 0 - V, expr.maximum(V, 0), where(V > 0, 0, V), where(V > 0, V, 0)):
        assert node.dim == VOLT
    refused(lambda: V + 1e-300, "found V and a pure number", error=DimensionError)


def test_truth_of_an_expression_is_refused() -> None:
    remedy = "where(condition, value if true, value if false)"
    refused(lambda: bool(V > 0), "truth of the expression 'v > 0'", remedy)
    refused(lambda: 0 < V < 1, "chained comparison", remedy)
    refused(lambda: 1 if V > W else 0, "v > w", remedy)
    refused(lambda: V > W and W > V, remedy)
    refused(lambda: not A, remedy)
    refused(lambda: max(A, B), remedy)


@pytest.mark.parametrize("power", [0, -1, 17, 0.5, 2.0, True + 0.5, "2", None])
def test_powers_are_whole_numbers_from_1_to_16(power: Any) -> None:
    refused(lambda: A**power, "power", repr(power), "a whole number from 1 to 16", "sqrt(x)")


def test_powers_are_products() -> None:
    assert A**1 is A and A**3 is A * A * A
    assert value(A**16, a=1.5) == pytest.approx(1.5**16)


@pytest.mark.parametrize("operand", ["1", None, True, [1.0], np.array([1.0]), np.array(["x"]), 1j, object()])
def test_foreign_operands_are_refused(operand: Any) -> None:
    refused(lambda: A + operand, "operand in an expression", type(operand).__name__, "expression or number")
    refused(lambda: expr.exp(operand), "operand in an expression")
    refused(lambda: expr.maximum(A, operand))


def test_the_math_and_numpy_functions_are_refused() -> None:
    for function in (math.exp, np.tanh, np.exp, np.sqrt):
        with pytest.raises((ModelError, TypeError, AttributeError)):
            function(A)


def test_numpy_numbers_are_numbers_from_either_side() -> None:
    for number in (np.float64(2.5), 2.5):
        assert (A * number) is (A * 2.5)
        assert (number * A) is (2.5 * A) and (number - A) is (2.5 - A) and (number / A) is (2.5 / A)
        assert (number > A).dim is None


def test_not_finite_constants_and_division_by_zero_are_refused() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        refused(lambda bad=bad: A * bad, "constant in an expression", "a finite number")
    refused(lambda: A / 0, "division of a", "a divisor of 0")
    refused(lambda: A / -0.0, "a divisor of 0")


def test_a_comparison_is_no_value_and_a_value_no_comparison() -> None:
    refused(lambda: (A > B) + 1, "operand of +", "the comparison 'a > b'", "where(condition, 1, 0)")
    refused(lambda: -(A > B), "the comparison 'a > b'")
    refused(lambda: 2 * (A > B), "operand of *")
    refused(lambda: expr.exp(A > B), "operand of exp")
    refused(lambda: where(A, 1, 2), "condition of where()", "expected a comparison")
    refused(lambda: where(True, 1, 2), "condition of where()", "True")  # type: ignore[arg-type]
    refused(lambda: local("l", A > B), "local 'l'")
    refused(lambda: local("l", 1.0), "local 'l'")  # type: ignore[arg-type]


def test_equal_expressions_are_one_object_and_others_are_not() -> None:
    assert (A + B) is (A + B) and (A + B) is not (B + A)
    assert const(0.0) is not const(-0.0) and const(1) is const(1.0)
    assert symbol("a", NONE, "param") is A and symbol("a", NONE, "state") is not A
    assert symbol("a", VOLT, "param") is not A
    assert local("l", A) is local("l", A) and local("l", A) is not local("l", B) and local("m", A) is not local("l", A)
    assert const(1.0) is not quantity(1.0, "V")
    assert len({A + B, A + B, A - B}) == 2


def test_dead_nodes_never_come_back_as_others() -> None:
    # Interning goes by the identity of arguments: an identity that is used again must not find an old node.
    for i in range(300):
        node = expr.exp(A * float(i)) + float(i)
        assert value(node, a=0.1) == pytest.approx(math.exp(0.1 * i) + i)
        del node
        if not i % 50:
            gc.collect()
    before = len(expr._nodes)
    kept = [A * (i + 0.125) for i in range(100)]
    assert len(expr._nodes) >= before + 100
    del kept
    gc.collect()
    assert len(expr._nodes) <= before


def test_walk_gives_arguments_first_and_every_node_once() -> None:
    shared = expr.exp(A * B)
    root = where(shared > C, shared - local("l", shared / C), shared + shared)
    nodes = list(expr.walk(root, shared))
    assert len(nodes) == len({id(n) for n in nodes}) and nodes[-1] is root
    place = {id(n): i for i, n in enumerate(nodes)}
    assert all(place[id(a)] < place[id(n)] for n in nodes for a in n.args)
    assert [s.value for s in expr.symbols(root)] == ["a", "b", "c"]
    assert shared not in list(expr.walk(root, known={id(shared)}))
    deep = A
    for _ in range(20_000):  # no recursion: long sums are fine
        deep = deep + B
    assert len(list(expr.walk(deep))) == 20_002
    # Long chains end without recursion too.
    del deep
    gc.collect()


def test_where_min_and_max_and_their_derivatives() -> None:
    node = where(A >= B, A * A, 3 * B)
    slope = expr.derivative(node, A)
    for a, b in ((2.0, 1.0), (1.0, 1.0), (0.5, 1.0)):
        assert value(node, a=a, b=b) == (a * a if a >= b else 3 * b)
        assert value(slope, a=a, b=b) == (2 * a if a >= b else 0)
    for function, pick in ((expr.minimum, min), (expr.maximum, max)):
        node = function(2 * A, B)
        assert value(node, a=1.5, b=2.0) == pick(3.0, 2.0)
        assert value(expr.derivative(node, A), a=1.5, b=2.0) == (2.0 if pick is max else 0.0)
        assert value(expr.derivative(node, B), a=1.5, b=2.0) == (0.0 if pick is max else 1.0)
    assert value(expr.derivative(expr.absolute(A), A), a=-3.0) == -1
    assert expr.derivative(A * 2 + 1, B) is const(0.0)
    assert value(expr.derivative(local("l", A * A), A), a=3.0) == 6
    named = local("l", A * A)
    assert value(expr.derivative(named * named, named), a=3.0) == 18  # by a local: all else fixed


@pytest.mark.parametrize("vectorised", [True, False])
@pytest.mark.parametrize("name", expr.FUNCTIONS)
def test_limited_functions_are_finite_everywhere_and_so_are_their_slopes(name: str, vectorised: bool) -> None:
    node = (expr.absolute if name == "abs" else getattr(expr, name))(A)
    f = expr.compile_function([node, expr.derivative(node, A)], [A], vectorised)
    for x in (-1e3, 1e3, -1e30, 1e30, 80.0, -80.0, 80.0000001, 0.0, -0.0, 1e-300, 1e-310, -1.0, 1e-60, 5e-324):
        with np.errstate(all="raise", under="ignore"):
            y, slope = (float(v) for v in f(np.float64(x) if vectorised else x))
        assert math.isfinite(y) and math.isfinite(slope), (x, y, slope)


def test_limited_functions_are_the_plain_ones_inside_and_straight_lines_outside() -> None:
    for x in (-80.0, -3.0, 0.0, 1e-9, 79.999, 80.0):
        assert value(expr.exp(A), a=x) == pytest.approx(math.exp(x), rel=1e-15)
        assert value(expr.sinh(A), a=x) == pytest.approx(math.sinh(x), rel=1e-15)
        assert value(expr.cosh(A), a=x) == pytest.approx(math.cosh(x), rel=1e-15)
    assert value(expr.exp(A), a=90.0) == pytest.approx(math.exp(80) * 11)
    assert value(expr.sinh(A), a=-90.0) == pytest.approx(-math.sinh(80) * 11)
    assert value(expr.cosh(A), a=-90.0) == pytest.approx(math.cosh(80) * 11)
    assert value(expr.exp(A), a=-1e3) == 0.0
    assert value(expr.log(A), a=-5.0) == value(expr.log(A), a=0.0) == pytest.approx(math.log(1e-300))
    assert value(expr.sqrt(A), a=-5.0) == pytest.approx(1e-30)
    for function in (expr.exp, expr.sinh, expr.cosh):  # the seam is smooth
        node = function(A)
        below, above = (value(expr.derivative(node, A), a=x) for x in (80 * (1 - 1e-15), 80 * (1 + 1e-15)))
        assert below == pytest.approx(above, rel=1e-12)
    # Beyond the floor the value no longer changes, and the slope says so.
    assert value(expr.derivative(expr.log(A), A), a=-1.0) == value(expr.derivative(expr.sqrt(A), A), a=-1.0) == 0.0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e3))
def test_building_blocks_of_models(x: float, width: float) -> None:
    soft = value(expr.softplus(A, B), a=x, b=width)
    assert math.isfinite(soft) and max(x, 0) <= soft <= max(x, 0) + width
    smooth = value(expr.positive(A, B), a=x, b=width)
    assert -width <= smooth <= max(x, 0) + 1e-9 * abs(x)
    assert 0 <= value(expr.step(A), a=x) <= 1
    assert value(expr.positive(A, B), a=0.0, b=width) == 0 and value(expr.expm1(A), a=0.0) == 0


@given(st.floats(0.01, 100), st.floats(-5, 5))
def test_power_is_a_power(base: float, exponent: float) -> None:
    assert value(expr.power(A, B), a=base, b=exponent) == pytest.approx(base**exponent, rel=1e-12)


def test_walls_are_zero_at_the_bound_and_restore_beyond() -> None:
    node = expr.walls(A, B, 0, 1, 1e-3)
    for rate in (-5.0, 5.0):
        bound = 1.0 if rate > 0 else 0.0
        assert value(node, a=rate, b=bound) == 0.0
        outside = bound + math.copysign(0.1, rate)
        assert value(node, a=rate, b=outside) * rate < 0  # back inside
        assert value(node, a=rate, b=0.5) == rate  # the middle is left alone
        assert value(node, a=rate, b=1 - bound) == pytest.approx(rate)


# Text for people: what is printed means what the tree means.

PYTHON = {"where": lambda c, t, f: t if c else f, "min": min, "max": max, "abs": abs,
          **{name: getattr(math, name) for name in ("exp", "log", "sqrt", "tanh", "sinh", "cosh")}}
numbers = st.floats(0.1, 10).map(lambda x: round(x, 3)) | st.floats(-10, -0.1)


def _grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: p[0] + p[1]), pair.map(lambda p: p[0] - p[1]), pair.map(lambda p: p[0] * p[1]),
        pair.map(lambda p: p[0] / p[1]), inner.map(lambda n: -n), inner.map(expr.tanh), inner.map(expr.absolute),
        st.tuples(inner, inner, inner, inner).map(lambda p: where(p[0] <= p[1], p[2], p[3])),
        pair.map(lambda p: expr.minimum(*p)), pair.map(lambda p: expr.maximum(*p)),
    )


grown = st.recursive(numbers.map(const) | st.sampled_from([A, B, C]), _grow, max_leaves=25)
VALUES = {"a": 0.7, "b": -1.3, "c": 2.9}


def says_the_same(node: Expr) -> bool:
    """Whether Python reads the printed text as the tree means it (a division by zero counts as said)."""
    meant = value(node, **VALUES)
    try:
        read = eval(str(node), {"__builtins__": {}}, {**PYTHON, **VALUES})
    except ZeroDivisionError:
        return not math.isfinite(meant) or meant == 0
    return read == meant or not math.isfinite(meant)


@given(grown)
def test_printed_text_means_the_tree(node: Expr) -> None:
    assert says_the_same(node), str(node)


def test_printed_text_with_a_bracket_fault_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [A - (B - C), A / (B / C), A - (B + C), A * (B + C), -(A + B), (-A) - (-B), A / (B * C)]
    assert all(map(says_the_same, nodes))
    inside = Writer._inside
    monkeypatch.setattr(Writer, "_inside", lambda self, node, level, right: inside(self, node, level, False))
    assert sum(not says_the_same(node) for node in nodes) == 4


@pytest.mark.parametrize(("node", "text"), [
    (A - (B - C), "a - (b - c)"), ((A - B) - C, "a - b - c"), (A / (B * C), "a / (b * c)"), (-A * B, "(-a) * b"),
    (A * -1.5, "a * (-1.5)"), (where(A > B, 1, 0), "where(a > b, 1, 0)"), (local("gain", A) * 2, "gain * 2"),
    (expr.exp(-(A + B)), "exp(-(a + b))"), (A + 0.1, "a + 0.1"), (A + 1 / 3, f"a + {1 / 3!r}"),
])
def test_texts(node: Expr, text: str) -> None:
    assert str(node) == repr(node) == text


def test_a_function_of_unknown_symbols_is_refused() -> None:
    refused(lambda: expr.compile_function([A + B], [A]), "the symbol 'b'", "only a")
    refused(lambda: expr.constant(A + B, {"a": 1.0}), "a + b", "no value for b")
    with_local = expr.compile_function([local("l", A * B) + 1, A], [local("l", A * B), A])
    assert with_local(5.0, 2.0) == (6.0, 2.0)  # a local can be an input: what is behind it is not looked at
