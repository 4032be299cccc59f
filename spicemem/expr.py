"""Expression tree of the models: operators, functions, dimensions, derivatives, and the tree's meaning in numbers.

Nodes are immutable and interned: the same expression is the same object, so identity is equality. The functions mean
the same in every target, whatever their argument: exp, sinh and cosh continue in a straight line beyond an argument
of 80, log reads at least 1e-300, sqrt at least 1e-60. Writers print that meaning; nothing is simplified or reordered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from spicemem.errors import DimensionError, ModelError
from spicemem.units import NONE, Dimension, describe, dimension

LIMIT = 80.0
LOG_FLOOR = 1e-300
SQRT_FLOOR = 1e-60

_COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
#: Functions of one number; all but abs and sqrt want and give a pure number.
FUNCTIONS = ("exp", "log", "sqrt", "abs", "tanh", "sinh", "cosh")

_nodes: WeakValueDictionary[tuple[object, ...], Expr] = WeakValueDictionary()


class Expr:
    """A node: `op`, its arguments, `value` (a constant's number, a symbol's or local's name), dimension.

    Truth values have `dim` None. Build with operators and the functions of this module, never directly.
    """

    __slots__ = ("__weakref__", "args", "dim", "kind", "op", "value")
    op: str
    args: tuple[Expr, ...]
    value: Any
    dim: Dimension | None
    kind: str

    def __add__(self, other: Operand) -> Expr:
        return _sum("add", self, as_expr(other))

    def __radd__(self, other: Operand) -> Expr:
        return _sum("add", as_expr(other), self)

    def __sub__(self, other: Operand) -> Expr:
        return _sum("sub", self, as_expr(other))

    def __rsub__(self, other: Operand) -> Expr:
        return _sum("sub", as_expr(other), self)

    def __mul__(self, other: Operand) -> Expr:
        return _product("mul", self, as_expr(other))

    def __rmul__(self, other: Operand) -> Expr:
        return _product("mul", as_expr(other), self)

    def __truediv__(self, other: Operand) -> Expr:
        return _product("div", self, as_expr(other))

    def __rtruediv__(self, other: Operand) -> Expr:
        return _product("div", as_expr(other), self)

    def __neg__(self) -> Expr:
        _numeric(self, "-")
        return _node("neg", (self,), None, self.dim)

    def __pos__(self) -> Expr:
        return self

    def __pow__(self, power: int) -> Expr:
        """Integer powers 1 to 16 as products, which every simulator computes alike; else use `power`."""
        if not isinstance(power, int) or not 1 <= power <= 16:
            raise ModelError("power", found=repr(power), expected="a whole number from 1 to 16",
                             remedy="Write power(base, exponent) for others, sqrt(x) for a root, 1/x for an inverse")
        result = self
        for _ in range(power - 1):
            result = result * self
        return result

    def __lt__(self, other: Operand) -> Expr:
        return _comparison("<", self, as_expr(other))

    def __le__(self, other: Operand) -> Expr:
        return _comparison("<=", self, as_expr(other))

    def __gt__(self, other: Operand) -> Expr:
        return _comparison(">", self, as_expr(other))

    def __ge__(self, other: Operand) -> Expr:
        return _comparison(">=", self, as_expr(other))

    def __bool__(self) -> bool:
        raise ModelError(f"truth of the expression '{self}'", found="Python's if, and, or, not or a chained comparison",
                         expected="where(condition, value if true, value if false)")

    def __repr__(self) -> str:
        return Writer().text(self)


Operand = Expr | float | int


def _node(op: str, args: tuple[Expr, ...], value: Any, dim: Dimension | None, kind: str = "") -> Expr:
    key = (op, tuple(map(id, args)), value if op != "const" else repr(value), dim, kind)
    node = _nodes.get(key)
    if node is None:
        node = object.__new__(Expr)
        node.op, node.args, node.value, node.dim, node.kind = op, args, value, dim, kind
        _nodes[key] = node
    return node


def const(value: float, dim: Dimension = NONE) -> Expr:
    """A number with a dimension (none by default)."""
    value = float(value)
    if not math.isfinite(value):
        raise ModelError("constant in an expression", found=repr(value), expected="a finite number")
    return _node("const", (), value, dim)


def quantity(value: float, unit: str) -> Expr:
    """A constant with a unit, for example quantity(0.01, "V")."""
    return const(value, dimension(unit))


def symbol(name: str, dim: Dimension, kind: str) -> Expr:
    """A named quantity. kind: "param", "node", "state" or "input"."""
    return _node("symbol", (), name, dim, kind)


def local(name: str, value: Expr) -> Expr:
    """Name an intermediate: it stands by that name in every target and can be saved from a run."""
    if not isinstance(value, Expr) or value.dim is None:
        raise ModelError(f"local {name!r}", found=repr(value), expected="an expression with a value")
    return _node("local", (value,), name, value.dim)


def as_expr(value: object) -> Expr:
    """An operand as a node: expressions as they are, Python numbers as constants."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return const(value)
    raise ModelError("operand in an expression", found=f"{type(value).__name__} {value!r}",
                     expected="a parameter, state, terminal, expression or number",
                     remedy="Use the functions of spicemem (exp, tanh, where, ...), not those of math or numpy")


def _numeric(node: Expr, where_: str) -> Dimension:
    if node.dim is None:
        raise ModelError(f"operand of {where_}", found=f"the comparison '{node}'", expected="a value",
                         remedy="Wrap it: where(condition, 1, 0)")
    return node.dim


def _is_zero(node: Expr) -> bool:
    return node.op == "const" and node.value == 0.0


def _common(name: str, a: Expr, b: Expr) -> Dimension:
    """The dimension two terms share; a literal 0 takes any."""
    da, db = _numeric(a, name), _numeric(b, name)
    if da == db or _is_zero(b):
        return da
    if _is_zero(a):
        return db
    raise DimensionError(f"dimensions in {_short(a)} {name} {_short(b)}", found=f"{describe(da)} and {describe(db)}",
                         expected="the same on both sides")


def _short(node: Expr) -> str:
    text = str(node)
    return text if len(text) < 60 else text[:57] + "..."


def _sum(op: str, a: Expr, b: Expr) -> Expr:
    return _node(op, (a, b), None, _common(_BINARY[op], a, b))


def _product(op: str, a: Expr, b: Expr) -> Expr:
    da, db = _numeric(a, _BINARY[op]), _numeric(b, _BINARY[op])
    if op == "div" and _is_zero(b):
        raise ModelError(f"division of {_short(a)}", found="a divisor of 0", expected="a value other than 0")
    sign = 1 if op == "mul" else -1
    return _node(op, (a, b), None, tuple(x + sign * y for x, y in zip(da, db, strict=True)))


def _comparison(sign: str, a: Expr, b: Expr) -> Expr:
    _common(sign, a, b)
    return _node(_COMPARE[sign], (a, b), None, None)


def _pure(name: str, x: Operand) -> Expr:
    node = as_expr(x)
    if _numeric(node, name) != NONE:
        raise DimensionError(f"argument of {name}({_short(node)})", found=describe(_numeric(node, name)),
                             expected="a pure number", remedy="Divide it by a scale of the same unit")
    return node


def exp(x: Operand) -> Expr:
    """e**x; beyond x = 80 its tangent there, so that it never overflows."""
    return _node("exp", (_pure("exp", x),), None, NONE)


def log(x: Operand) -> Expr:
    """Natural logarithm of max(x, 1e-300)."""
    return _node("log", (_pure("log", x),), None, NONE)


def sinh(x: Operand) -> Expr:
    """Hyperbolic sine; beyond |x| = 80 a straight line."""
    return _node("sinh", (_pure("sinh", x),), None, NONE)


def cosh(x: Operand) -> Expr:
    """Hyperbolic cosine; beyond |x| = 80 a straight line."""
    return _node("cosh", (_pure("cosh", x),), None, NONE)


def tanh(x: Operand) -> Expr:
    """Hyperbolic tangent."""
    return _node("tanh", (_pure("tanh", x),), None, NONE)


def sqrt(x: Operand) -> Expr:
    """Square root of max(x, 1e-60), in the root of the unit of x."""
    node = as_expr(x)
    return _node("sqrt", (node,), None, tuple(p / 2 for p in _numeric(node, "sqrt")))


def absolute(x: Operand) -> Expr:
    """|x|."""
    node = as_expr(x)
    return _node("abs", (node,), None, _numeric(node, "absolute"))


def minimum(a: Operand, b: Operand) -> Expr:
    """The smaller of two values of one unit."""
    a, b = as_expr(a), as_expr(b)
    return _node("min", (a, b), None, _common("min", a, b))


def maximum(a: Operand, b: Operand) -> Expr:
    """The larger of two values of one unit."""
    a, b = as_expr(a), as_expr(b)
    return _node("max", (a, b), None, _common("max", a, b))


def where(condition: Expr, true: Operand, false: Operand) -> Expr:
    """`true` where the comparison holds, else `false`; both are of one unit and both are always computed."""
    if not isinstance(condition, Expr) or condition.dim is not None:
        raise ModelError("condition of where()", found=repr(condition), expected="a comparison such as v > self.v_set")
    t, f = as_expr(true), as_expr(false)
    return _node("where", (condition, t, f), None, _common("where", t, f))


# Building blocks of well-posed models (smooth, defined for any argument).


def expm1(x: Operand) -> Expr:
    """e**x - 1: exactly 0 at 0."""
    return exp(x) - 1


def power(base: Operand, exponent: Operand) -> Expr:
    """base**exponent for a positive pure number (below 1e-300 it is read as 1e-300)."""
    return exp(as_expr(exponent) * log(base))


def positive(x: Operand, width: Operand) -> Expr:
    """Smooth max(x, 0), exactly 0 at 0; `width` (unit of x) is the rounding. Tends to -width/2 far below 0."""
    x, width = as_expr(x), as_expr(width)
    return 0.5 * (x + sqrt(x * x + width * width) - width)


def forward(x: Operand, width: Operand) -> Expr:
    """x above 0, exactly 0 below, smooth: x**3/(x**2 + width**2); the difference is at most half of `width`.

    For rates that one polarity drives: `positive` does not end at 0, so that the other polarity would drive them too.
    """
    above = maximum(x, 0)
    width = as_expr(width)
    return above * above * above / (above * above + width * width)


def softplus(x: Operand, width: Operand) -> Expr:
    """Soft threshold width*ln(1 + exp(x/width)) in the unit of x, in a form that never overflows."""
    x, width = as_expr(x), as_expr(width)
    return maximum(x, 0) + width * log(1 + exp(-(absolute(x) / width)))


def step(x: Operand) -> Expr:
    """Soft step from 0 to 1: (1 + tanh x)/2."""
    return 0.5 * (1 + tanh(x))


def walls(rate: Expr, x: Expr, low: Operand, high: Operand, width: Operand) -> Expr:
    """`rate` of a state x kept in low..high: zero exactly at the bound it drives to, restoring beyond it.

    `width`, in the unit of x, is the distance over which a wall acts; everything further in is left as it is.
    """
    return where(rate > 0, rate * tanh((high - x) / width), rate * tanh((x - low) / width))


# Walking the tree.


def walk(*roots: Expr, known: Collection[int] = ()) -> Iterator[Expr]:
    """Every node once, arguments before the nodes that use them; not looking behind nodes whose id is `known`."""
    seen = set(known)
    stack: list[tuple[Expr, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args) if id(arg) not in seen)


def symbols(*roots: Expr) -> list[Expr]:
    """The symbols that expressions depend on, locals seen through."""
    return [node for node in walk(*roots) if node.op == "symbol"]


def derivative(root: Expr, by: Expr) -> Expr:
    """Exact derivative of an expression by a symbol, locals seen through."""
    zero, one = const(0.0), const(1.0)
    d: dict[int, Expr] = {}
    for node in walk(root):
        if node.dim is None:
            continue
        args = node.args
        da = d[id(args[-1])] if len(args) == 1 else zero
        if node is by:
            result = one
        elif node.op in ("const", "symbol") or all(a.dim is None or _is_zero(d[id(a)]) for a in args):
            result = zero
        elif node.op == "local":
            result = da
        elif node.op == "neg":
            result = _raw("neg", da)
        elif node.op in ("add", "sub"):
            result = _raw(node.op, d[id(args[0])], d[id(args[1])])
        elif node.op == "mul":
            result = _raw("add", _raw("mul", d[id(args[0])], args[1]), _raw("mul", args[0], d[id(args[1])]))
        elif node.op == "div":
            numerator = _raw("sub", d[id(args[0])], _raw("mul", node, d[id(args[1])]))
            result = _raw("div", numerator, args[1])
        elif node.op in ("min", "max"):
            test = _node("lt" if node.op == "min" else "gt", args, None, None)
            result = _raw("where", test, d[id(args[0])], d[id(args[1])])
        elif node.op == "where":
            result = _raw("where", args[0], d[id(args[1])], d[id(args[2])])
        else:
            result = _raw("mul", _function_slope(node), da)
        d[id(node)] = result
    return d[id(root)]


def _raw(op: str, *args: Expr) -> Expr:
    """A node of a derivative: no dimensions there (they were checked on the way in); zeros and ones vanish."""
    a, b = args[0], args[-1]
    if op == "neg":
        return a if _is_zero(a) else _node("neg", (a,), None, NONE)
    if op == "where":
        return args[1] if args[1] is args[2] else _node(op, args, None, NONE)
    if op == "add" and _is_zero(a):
        return b
    if op in ("add", "sub") and _is_zero(b):
        return a
    if op == "sub" and _is_zero(a):
        return _raw("neg", b)
    if op == "mul" and (_is_zero(a) or _is_zero(b)):
        return const(0.0)
    if op == "mul" and a.op == "const" and a.value == 1.0:
        return b
    if op in ("mul", "div") and b.op == "const" and b.value == 1.0:
        return a
    if op == "div" and _is_zero(a):
        return a
    return _node(op, args, None, NONE)


def _function_slope(node: Expr) -> Expr:
    x = node.args[0]
    if node.op == "exp":
        return _node("exp", (_node("min", (x, const(LIMIT)), None, NONE),), None, NONE)
    if node.op in ("sinh", "cosh"):
        clipped = _node("max", (_node("min", (x, const(LIMIT)), None, NONE), const(-LIMIT)), None, NONE)
        return _node("cosh" if node.op == "sinh" else "sinh", (clipped,), None, NONE)
    if node.op == "tanh":
        return _raw("sub", const(1.0), _raw("mul", node, node))
    if node.op == "log":
        inside = _node("gt", (x, const(LOG_FLOOR)), None, None)
        floored = _node("max", (x, const(LOG_FLOOR)), None, NONE)
        return _raw("where", inside, _raw("div", const(1.0), floored), const(0.0))
    if node.op == "sqrt":
        inside = _node("gt", (x, const(SQRT_FLOOR)), None, None)
        return _raw("where", inside, _raw("div", const(0.5), node), const(0.0))
    if node.op == "abs":
        return _raw("where", _node("gt", (x, const(0.0)), None, None), const(1.0), const(-1.0))
    raise AssertionError(node.op)


# The tree as text: the base of every writer, and what people are shown.

_PRECEDENCE = {"where": 0, "lt": 1, "le": 1, "gt": 1, "ge": 1, "add": 2, "sub": 2, "mul": 3, "div": 3, "neg": 4}
_SIGNS = {**_BINARY, **{op: sign for sign, op in _COMPARE.items()}}


class Writer:
    """Prints a tree as infix text for people. Targets override only what differs in theirs."""

    def text(self, node: Expr) -> str:
        """The expression as text."""
        return self.visit(node)

    def symbol(self, node: Expr) -> str:
        """A symbol's spelling."""
        return str(node.value)

    def local(self, node: Expr) -> str:
        """A named intermediate's spelling where it is used."""
        return str(node.value)

    def number(self, value: float) -> str:
        """A constant's spelling."""
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)

    def function(self, name: str, args: Sequence[Expr]) -> str:
        """A function call's spelling."""
        return f"{name}({', '.join(map(self.visit, args))})"

    def conditional(self, condition: Expr, true: Expr, false: Expr) -> str:
        """A choice's spelling."""
        return f"where({self.visit(condition)}, {self.visit(true)}, {self.visit(false)})"

    def visit(self, node: Expr) -> str:
        """Text of a node, with parentheses inside only where they are needed."""
        op, args = node.op, node.args
        if op == "const":
            return self.number(node.value) if node.value >= 0 else f"({self.number(node.value)})"
        if op == "symbol":
            return self.symbol(node)
        if op == "local":
            return self.local(node)
        if op == "where":
            return self.conditional(*args)
        if op == "neg":
            return f"-{self._inside(args[0], 4, True)}"
        if op in _SIGNS:
            level = _PRECEDENCE[op]
            return f"{self._inside(args[0], level, False)} {_SIGNS[op]} {self._inside(args[1], level, True)}"
        return self.function(op, args)

    def _inside(self, node: Expr, level: int, right: bool) -> str:
        text = self.visit(node)
        inner = _PRECEDENCE.get(node.op, 9)
        # The right side of equal precedence keeps its brackets even for + and *: the tree's order is the meaning.
        # A unary minus is bracketed everywhere, since -a*b and a - -b are read differently by different simulators.
        return f"({text})" if inner < level or (right and inner == level) or inner == 4 else text


# The tree in numbers.


def compile_function(outputs: Sequence[Expr], inputs: Sequence[Expr], vectorised: bool = True) -> Callable[..., Any]:
    """A Python function of the input symbols that returns the outputs as a tuple.

    outputs: expressions; inputs: symbols or locals whose value is given. vectorised: numpy arrays of any one shape
    in and out; otherwise plain floats through `math`, some ten times faster on single devices. Every node is computed
    once. Raises ModelError when an output depends on a symbol that is not an input.
    """
    source = python_source("f", outputs, inputs)
    space = dict(_numpy_space() if vectorised else _math_space())
    exec(compile(source, "<spicemem expression>", "exec"), space)
    function: Callable[..., Any] = space["f"]
    function.__doc__ = source
    return function


def python_source(name: str, outputs: Sequence[Expr], inputs: Sequence[Expr]) -> str:
    """The source of that function, one line a node."""
    known = {id(node): f"a{i}" for i, node in enumerate(inputs)}
    lines: list[str] = []
    for node in walk(*outputs, known=known):
        if node.op == "symbol":
            raise ModelError("expression", found=f"the symbol {node.value!r}",
                             expected=f"only {', '.join(str(i.value) for i in inputs)}")
        if node.op == "const":
            known[id(node)] = f"({node.value!r})"
            continue
        args = [known[id(a)] for a in node.args]
        if node.op == "local":
            known[id(node)] = args[0]
            continue
        if node.op == "neg":
            right = f"-{args[0]}"
        elif node.op == "div" and node.args[1].op != "const":
            right = f"_div({args[0]}, {args[1]})"
        elif node.op in _SIGNS:
            right = f"{args[0]} {_SIGNS[node.op]} {args[1]}"
        else:
            right = f"_{node.op}({', '.join(args)})"
        known[id(node)] = f"t{len(lines)}"
        lines.append(f"    t{len(lines)} = {right}")
    results = ", ".join(known[id(o)] for o in outputs)
    arguments = ", ".join(f"a{i}" for i in range(len(inputs)))
    return "\n".join([f"def {name}({arguments}):", *lines, f"    return ({results},)", ""])


@lru_cache(maxsize=1)
def _numpy_space() -> dict[str, Any]:
    import numpy as np

    def _clip(x: Any) -> Any:
        return np.minimum(np.maximum(x, -LIMIT), LIMIT)

    def _beyond(x: Any) -> Any:
        return 1.0 + np.maximum(np.abs(x) - LIMIT, 0.0)

    return {
        "_exp": lambda x: np.exp(np.minimum(x, LIMIT)) * (1.0 + np.maximum(x - LIMIT, 0.0)),
        "_sinh": lambda x: np.sinh(_clip(x)) * _beyond(x),
        "_cosh": lambda x: np.cosh(_clip(x)) * _beyond(x),
        "_log": lambda x: np.log(np.maximum(x, LOG_FLOOR)),
        "_sqrt": lambda x: np.sqrt(np.maximum(x, SQRT_FLOOR)),
        "_tanh": np.tanh, "_abs": np.abs, "_min": np.minimum, "_max": np.maximum, "_where": np.where,
        "_div": np.divide,
    }


@lru_cache(maxsize=1)
def _math_space() -> dict[str, Any]:
    def _exp(x: float) -> float:
        return math.exp(x) if x <= LIMIT else math.exp(LIMIT) * (1.0 + (x - LIMIT))

    def _sinh(x: float) -> float:
        return math.sinh(x) if -LIMIT <= x <= LIMIT else math.copysign(math.sinh(LIMIT), x) * (1.0 + (abs(x) - LIMIT))

    def _cosh(x: float) -> float:
        return math.cosh(x) if -LIMIT <= x <= LIMIT else math.cosh(LIMIT) * (1.0 + (abs(x) - LIMIT))

    def _div(a: float, b: float) -> float:
        try:
            return a / b
        except ZeroDivisionError:
            return math.nan if a == 0 or a != a else math.copysign(math.inf, a)

    return {
        "_exp": _exp, "_sinh": _sinh, "_cosh": _cosh, "_tanh": math.tanh, "_abs": abs, "_div": _div,
        "_log": lambda x: math.log(x if x > LOG_FLOOR else LOG_FLOOR),
        "_sqrt": lambda x: math.sqrt(x if x > SQRT_FLOOR else SQRT_FLOOR),
        "_min": lambda a, b: a if a < b else b, "_max": lambda a, b: a if a > b else b,
        "_where": lambda c, t, f: t if c else f,
    }


def constant(node: Expr, values: Mapping[str, float]) -> float:
    """The number an expression of parameters has for given values."""
    names, function = _constant_function(node)
    missing = [name for name in names if name not in values]
    if missing:
        raise ModelError(f"expression '{_short(node)}'", found=f"no value for {', '.join(missing)}",
                         expected="parameters only")
    return float(function(*(values[name] for name in names))[0])


@lru_cache(maxsize=4096)
def _constant_function(node: Expr) -> tuple[list[str], Callable[..., Any]]:
    inputs = symbols(node)
    return [str(s.value) for s in inputs], compile_function([node], inputs, vectorised=False)
