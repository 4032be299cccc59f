"""Do the two sides of a conditional meet where it turns? Found by evaluating a Verilog-A module, not by its looks."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from spicemem.foreign.veriloga import Function, Module, Node, Statement, number_of

#: Accesses of a potential; every other access is of a flow, an unknown of its own here.
POTENTIALS = {"V", "Temp", "potential", "MMF", "Pos", "Omega", "Vel", "Theta"}
#: Drives tried, pairs of them between which a conditional's boundary is looked for, halvings on the way to it.
SAMPLES, PAIRS, HALVINGS = 240, 4, 200
#: Seconds that the search may take.
LONGEST = 20.0
#: A jump below this part of a contribution's small values is rounding.
NOISE = 1e-6
#: What a module may ask the simulator: the values of an ordinary transient at 27 degrees Celsius.
_ASKED = {"$temperature": "300.15", "$abstime": "1.0", "$realtime": "1.0", "$mfactor": "1.0", "$vt": "0.025865",
          "$param_given": "0", "$port_connected": "1", "analysis": "0", "ac_stim": "0.0", "white_noise": "0.0",
          "flicker_noise": "0.0", "noise_table": "0.0", "ddt": "0.0", "ddx": "0.0", "$random": "0"}
_THROUGH = {"transition", "slew", "absdelay", "$limit", "laplace_nd", "laplace_np", "laplace_zd", "laplace_zp"}
_SIGNS = {"&&": "and", "||": "or", "^": "!=", "|": "|", "&": "&", "<<": "<<", ">>": ">>", "%": "%"}
_COMPARED = {"<", ">", "<=", ">=", "==", "!="}


class Unsupported(Exception):
    """A construct that cannot be evaluated; its text says which."""


def _safe(function: Callable[..., float]) -> Callable[..., float]:
    def wrapped(*args: float) -> float:
        try:
            return float(function(*args))
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return math.nan

    return wrapped


def _divided(a: float, b: float) -> float:
    if isinstance(a, int) and isinstance(b, int) and b:
        return int(a / b)  # integers divide as in C
    return a / b if b else math.copysign(math.inf, a) if a else math.nan


_FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: _safe(getattr(math, name)) for name in (
        "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2", "asinh", "acosh",
        "atanh", "hypot", "floor", "ceil", "pow")},
    "limexp": _safe(math.exp), "ln": _safe(math.log), "log": _safe(math.log10), "abs": abs, "min": min, "max": max,
    "int": int, "expm1": _safe(math.expm1), "ln1p": _safe(math.log1p), "$ln": _safe(math.log), "$exp": _safe(math.exp),
    "$pow": _safe(math.pow), "$sqrt": _safe(math.sqrt), "$abs": abs,
}


class Evaluator:
    """A module as a Python function: contributions for given voltages and flows, with a list of what its conditions
    were, each of which can be forced. Raises Unsupported for what it cannot evaluate."""

    def __init__(self, module: Module):
        self.module = module
        self.conditions: list[tuple[Node, int]] = []
        self.unknowns: dict[str, int] = {}
        self._where: dict[int, int] = {}
        self._outputs: list[Node] = []
        self._scope = {*module.variables, *module.parameters}
        lines: list[str] = []
        for function in module.functions.values():
            lines += self._function(function)
        lines.append("def sm_run(x, C, o):")
        lines += ["    " + row for row in self._parameters()]
        lines += [f"    n_{name} = 0.0" for name in module.variables]
        body = self._block((*module.initial, *module.body), "    ")
        self._end = time.monotonic() + LONGEST
        space: dict[str, Any] = {"inf": math.inf, "divided": _divided, "turns": self._turns,
                                 **{f"f_{k.strip('$')}": v for k, v in _FUNCTIONS.items()}}
        exec(compile("\n".join([*lines, *body, "    return o"]), f"<{module.name}>", "exec"), space)
        self._run: Callable[..., list[float]] = space["sm_run"]

    def __call__(self, x: Sequence[float], forced: int = -1, to: bool = False) -> tuple[list[float], dict[int, bool]]:
        """(contributions, what each condition that was met was) at unknowns x; condition `forced` is made `to`."""
        met: dict[int, bool] = {}
        self._in_time()

        def condition(k: int, value: Any) -> bool:
            met[k] = bool(value)
            return to if k == forced else met[k]

        try:
            return self._run(x, condition, [0.0] * len(self._outputs)), met
        except (OverflowError, ZeroDivisionError, ValueError, TypeError):
            return [math.nan] * len(self._outputs), met

    def _in_time(self) -> None:
        if time.monotonic() > self._end:
            raise Unsupported(f"its size: more than {LONGEST:g} s")

    def _turns(self) -> Iterator[int]:
        for turn in range(1000):
            self._in_time()
            yield turn

    def _parameters(self) -> list[str]:
        return [f"n_{p.name} = {self._text(p.default)}" for p in self.module.parameters.values()]

    def _function(self, function: Function) -> list[str]:
        outer, self._scope = self._scope, {*function.variables, *self.module.parameters}
        lines = [f"def u_{function.name}({', '.join(['C', *(f'n_{k}' for k in function.inputs)])}):"]
        lines += ["    " + row for row in self._parameters()]
        lines += [f"    n_{name} = 0.0" for name in function.variables if name not in function.inputs]
        lines += [*self._block(function.body, "    "), f"    return n_{function.name}"]
        self._scope = outer
        return lines

    def _block(self, statements: Sequence[Statement], pad: str) -> list[str]:
        lines = [row for s in statements for row in self._statement(s, pad)]
        return lines or [pad + "pass"]

    def _statement(self, s: Statement, pad: str) -> list[str]:
        inner = pad + "    "
        if s.kind == "task":
            return []
        assert s.value is not None
        if s.kind == "event":
            return self._block(s.bodies[0], pad) if "initial_step" in str(s.value) else []
        if s.kind == "assign":
            if s.target is None or s.target.op != "name":
                raise Unsupported("an array")
            return [f"{pad}n_{s.target.value} = {self._text(s.value)}"]
        if s.kind == "contribute":
            self._outputs.append(s.target or s.value)
            return [f"{pad}o[{len(self._outputs) - 1}] += {self._text(s.value)}"]
        if s.kind == "if":
            return [f"{pad}if {self._condition(s.value)}:", *self._block(s.bodies[0], inner), f"{pad}else:",
                    *self._block(s.bodies[1], inner)]
        if s.kind == "loop":
            # A loop that does not end here would not end in the simulator either.
            return [f"{pad}for sm_turn in turns():", f"{inner}if not ({self._text(s.value)}): break",
                    *self._block(s.bodies[0], inner)]
        lines, word = list[str](), "if"
        order = sorted(zip(s.labels, s.bodies, strict=True), key=lambda pair: not pair[0])
        for given, body in order:
            test = " or ".join(f"({self._text(s.value)}) == ({self._text(label)})" for label in given)
            lines += [f"{pad}{word} {test}:" if given else f"{pad}else:" if lines else f"{pad}if True:",
                      *self._block(body, inner)]
            word = "elif"
        return lines

    def _condition(self, node: Node) -> str:
        return f"C({self._number(node)}, {self._text(node, logical=True)})"

    def _number(self, node: Node) -> int:
        self.conditions.append((node, node.line))
        return len(self.conditions) - 1

    def _unknown(self, name: str) -> str:
        return f"x[{self.unknowns.setdefault(name, len(self.unknowns))}]"

    def _text(self, node: Node, logical: bool = False) -> str:
        if node.op == "number":
            return repr(number_of(node.value))
        if node.op == "string":
            return repr(node.value)
        if node.op == "name":
            if node.value in self._scope:
                return f"n_{node.value}"
            if node.value in _ASKED:
                return _ASKED[node.value]
            if node.value == "inf":
                return "inf"
            raise Unsupported(node.value)
        if node.op == "unary":
            inside = self._text(node.args[0], logical)
            return f"(not {inside})" if node.value == "!" else f"({node.value}{inside})"
        if node.op == "choose":
            condition = self._condition(node.args[0])
            return f"({self._text(node.args[1])} if {condition} else {self._text(node.args[2])})"
        if node.op == "binary":
            inner = logical and node.value in ("&&", "||")
            a, b = (self._text(arg, inner) for arg in node.args)
            if node.value in _COMPARED:
                test = f"{a} {node.value} {b}"
                # As a number a comparison is a step like any other.
                return f"({test})" if logical else f"(1.0 if C({self._number(node)}, {test}) else 0.0)"
            if node.value in ("/", "**"):
                return f"{'divided' if node.value == '/' else 'f_pow'}({a}, {b})"
            return f"({a} {_SIGNS.get(node.value, node.value)} {b})"
        if node.op == "call":
            return self._call(node)
        raise Unsupported("an array")

    def _call(self, node: Node) -> str:
        name, args = node.value, node.args
        if name in self.module.functions:
            function = self.module.functions[name]
            if len(args) != len(function.inputs):
                raise Unsupported(f"{name}() with outputs")
            return f"u_{name}({', '.join(['C', *map(self._text, args)])})"
        if name in _FUNCTIONS:
            return f"f_{name.strip('$')}({', '.join(map(self._text, args))})"
        if name in _THROUGH:
            return self._text(args[0])
        if name == "$vt" and args:
            return f"(8.617333e-5*{self._text(args[0])})"
        if name == "$simparam":
            return self._text(args[1]) if len(args) > 1 else "1.0"
        if name in _ASKED:
            return _ASKED[name]
        if name.startswith("$rdist") or name.startswith("$dist"):
            return "0.0"
        if name in ("idt", "idtmod"):
            return self._unknown(str(node))
        if name.startswith("$") or not args or any(a.op not in ("name", "index") for a in args):
            raise Unsupported(f"{name}()")
        ends = [str(a) for a in args]
        if len(ends) == 1 and ends[0] in self.module.branches:
            ends = list(self.module.branches[ends[0]])
        if name in POTENTIALS:
            return "(" + " - ".join(self._unknown(end) for end in ends) + ")"
        return self._unknown(f"{name}({', '.join(ends)})")


def _drives(names: Sequence[str]) -> list[list[float]]:
    """Voltages and flows of every size and sign; the same ones each time."""
    source = random.Random(7)
    largest = (0.3, 1.0, 3.0, 6.0)
    return [[source.choice((-1, 1)) * 10 ** source.uniform(-3, largest[k % 4]) for _ in names] for k in range(SAMPLES)]


def jumps(module: Module) -> dict[int, Node]:
    """The conditions, by line, at whose boundary a contribution jumps.

    Looked for between drives on different sides, by halving; a side is forced at the boundary and the other side's
    contributions compared. A corner (both sides meet) is no jump. Raises Unsupported.
    """
    evaluate = Evaluator(module)
    points = _drives(list(evaluate.unknowns))
    runs = [evaluate(x) for x in points]
    met = [m for _, m in runs]
    least = [NOISE * _small([abs(row[k]) for row, _ in runs]) for k in range(len(runs[0][0]))]
    found: dict[int, Node] = {}
    for k, (node, line) in enumerate(evaluate.conditions):
        sides = [[x for x, m in zip(points, met, strict=True) if m.get(k) is side] for side in (True, False)]
        for true, false in list(zip(*sides, strict=False))[:PAIRS]:
            if _jumps(evaluate, k, true, false, least):
                found[line] = node
                break
    return found


def _small(values: Sequence[float]) -> float:
    """A small value among those that a contribution has: the tenth part is smaller."""
    real = sorted(v for v in values if 0 < v < math.inf)
    return real[len(real) // 10] if real else 0.0


def _jumps(evaluate: Evaluator, k: int, true: list[float], false: list[float], least: Sequence[float]) -> bool:
    def at(share: float) -> list[float]:
        return [a + share * (b - a) for a, b in zip(true, false, strict=True)]

    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        side = evaluate(at(middle))[1].get(k)
        if side is None:  # not met on the way
            return False
        low, high = (middle, high) if side else (low, middle)

    def apart(one: list[float], other: list[float]) -> list[float]:
        return [abs(a - b) if math.isfinite(a) and math.isfinite(b) else 0.0 for a, b in zip(one, other, strict=True)]

    def forced(share: float) -> list[float]:
        return apart(evaluate(at(share), k, True)[0], evaluate(at(share), k, False)[0])

    here, near = forced(low), forced(low + 1e-9 * (1 if low < 0.5 else -1))
    natural = apart(evaluate(at(low))[0], evaluate(at(high))[0])
    # A corner's sides come together as the boundary comes near; a step's stay apart, forced or not.
    return any(h > 0.5 * n and h > s and j > 0.5 * h for h, n, j, s in zip(here, near, natural, least, strict=True))
