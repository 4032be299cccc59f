"""A linter for Verilog-A compact models: what compiles and then simulates something else than its author meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spicemem.errors import InputError
from spicemem.foreign.jumps import Unsupported, jumps
from spicemem.foreign.veriloga import Module, Node, Statement, every, expressions, number_of, read_file, read_modules

#: The largest argument of exp() whose value a double holds, rounded down.
LARGEST = 700.0
#: Code -> the rewrite that is well posed.
REWRITES = {
    "hidden-state": "make it a state node: electrical x; ... I(x) <+ ddt(V(x)); I(x) <+ -rate; with the hold "
                    "if ($abstime <= 0.0) rate = -V(x); or assign the variable on every path before it is read",
    "initial-step": "start the state by a parameter: x = x_init + V(xs); hold V(xs) at 0 by if ($abstime <= 0.0) "
                    "f = V(xs); and compute what depends on parameters alone without any event",
    "abstime": "let ddt() integrate: I(x) <+ ddt(V(x)); I(x) <+ -rate; and let a source outside the model say what "
               "depends on time",
    "clamped-idt": "stop the rate at the wall instead of the integral: rate = rate > 0 ? rate*tanh((1.0 - x)/wall) : "
                   "rate*tanh(x/wall); I(xs) <+ ddt(V(xs)); I(xs) <+ -rate;",
    "idt-start": "carry the change: x = x_init + V(xs); I(xs) <+ ddt(V(xs)); I(xs) <+ f; with f = -rate; "
                 "if ($abstime <= 0.0) f = V(xs);",
    "event": "write a smooth function of voltages and states: 0.5*(1.0 + tanh((v - v_th)/v_s)) in place of a crossing, "
             "a state with a time constant in place of transition() and slew()",
    "random": "take noise as a voltage at a further port, or as white_noise() and flicker_noise(), and spread as "
              "parameters",
    "discontinuity": "join the two sides by a smooth step: a + (b - a)*0.5*(1.0 + tanh((v - v_th)/v_s))",
    "ddt-in-conditional": "choose the charge, then differentiate it alone: if (...) q = q1; else q = q2; then "
                          "I(a, b) <+ ddt(q);",
    "unlimited-exp": "bound the argument and go on in a straight line: exp(min(x, 80.0))*(1.0 + max(x - 80.0, 0.0)), "
                     "or limexp(x)",
    "parameter-range": "give the range in which the equations mean something: from (0:inf), or from [low:high]",
    "unchecked": "simplify it, or check the conditionals by hand",
}
_EVENTS = {"transition", "slew", "cross", "above", "timer", "last_crossing", "absdelta"}
_RANDOM = re.compile(r"\$(random|arandom|rdist_\w+|dist_\w+)\Z")
_OPERATORS = {"ddt", "idt", "idtmod", "absdelay", "limexp", "laplace_nd", "laplace_np", "laplace_zd", "laplace_zp"}
_KNOWN = {"exp", "limexp", "ln", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
          "atan2", "asinh", "acosh", "atanh", "hypot", "floor", "ceil", "pow", "abs", "min", "max", "int", "ddt", "ddx",
          "idt", "idtmod", "analysis", "ac_stim", "white_noise", "flicker_noise", "noise_table", "transition", "slew",
          "absdelay", "last_crossing", "cross", "above", "timer", "expm1", "ln1p", "laplace_nd", "laplace_np",
          "laplace_zd", "laplace_zp", "zi_nd", "zi_np", "zi_zd", "zi_zp", "{}", "initial_step", "final_step"}
_TIME = {"$abstime", "$realtime"}
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
Interval = tuple[float, float]
_ANY: Interval = (-math.inf, math.inf)


@dataclass(frozen=True, order=True)
class Finding:
    """A fault of a model: the line, the code (a key of REWRITES), why it is one, and what to write instead."""

    line: int
    code: str
    reason: str
    rewrite: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"line {self.line}: {self.code}: {self.reason}. Write: {self.rewrite}"


def lint(path: str | Path) -> list[Finding]:
    """The findings of a Verilog-A file, by line; none for a model that every simulator takes as it is meant.

    The guard `$abstime <= 0.0` (or `> 0.0`, `== 0.0`) that holds a state at rest is no finding. Conditionals are judged
    by their values: a corner is none, a jump is (docs/lint.md). Raises InputError for what is not Verilog-A.
    """
    return _findings(read_file(path)[1])


def lint_source(source: str, where: str = "source") -> list[Finding]:
    """The same for a text; `where` is what an error message calls it."""
    return _findings(read_modules(source, where))


def _findings(modules: Sequence[Module]) -> list[Finding]:
    try:
        return sorted({f for module in modules for f in _Linter(module).findings()})
    except RecursionError:
        raise InputError(f"Verilog-A module {modules[0].name}", found="expressions nested too deeply, or a function "
                         "that calls itself", expected="some 100 levels at most, and functions that end") from None


#: Sets of conditions that are kept for a variable.
_WAYS = 32


class _Flow:
    """What is known at a point of the analog block: which variables are assigned (under which conditions that cannot
    change during a run) and between which bounds values lie."""

    def __init__(self) -> None:
        self.assigned: dict[str, list[frozenset[str]]] = {}
        self.bounds: dict[str, Interval] = {}

    def copy(self) -> _Flow:
        twin = _Flow()
        twin.assigned = {k: list(v) for k, v in self.assigned.items()}
        twin.bounds = dict(self.bounds)
        return twin

    def assign(self, name: str, bounds: Interval) -> None:
        self.assigned[name] = [frozenset()]
        self.bounds = {k: v for k, v in self.bounds.items() if not re.search(rf"\b{re.escape(name)}\b", k)}
        self.bounds[name] = bounds

    def narrow(self, text: str, low: float, high: float) -> None:
        old = self.bounds.get(text, _ANY)
        self.bounds[text] = (max(old[0], low), min(old[1], high))

    def joined(self, flows: Sequence[tuple[_Flow, str]]) -> None:
        """Become what is known after one of several ways was gone; each with its unchanging condition, or ""."""
        names = {name for flow, _ in flows for name in flow.assigned}
        for name in names:
            ways = [flow.assigned.get(name, []) for flow, _ in flows]
            common = [c for c in ways[0] if all(c in way for way in ways[1:])]
            if all(frozenset() in way for way in ways):
                common = [frozenset()]
            own = [c | {condition} for (_, condition), way in zip(flows, ways, strict=True) if condition for c in way]
            kept: list[frozenset[str]] = []
            for conditions in sorted(common + own, key=len):  # one that asks for more than another says nothing new
                if len(kept) < _WAYS and not any(fewer <= conditions for fewer in kept):
                    kept.append(conditions)
            self.assigned[name] = kept
        keys = set.intersection(*(set(flow.bounds) for flow, _ in flows))
        self.bounds = {k: (min(flow.bounds[k][0] for flow, _ in flows), max(flow.bounds[k][1] for flow, _ in flows))
                       for k in keys}


class _Linter:
    def __init__(self, module: Module):
        self.module = module
        self.found: set[Finding] = set()
        self.hidden: set[str] = set()
        self.biased: set[str] = set()
        self.timed: set[str] = set()
        self.integrals: set[str] = set()
        self.varying: set[str] = set()
        self._taint()

    def add(self, line: int, code: str, reason: str) -> None:
        self.found.add(Finding(line, code, reason, REWRITES[code]))

    def findings(self) -> set[Finding]:
        for p in self.module.parameters.values():
            if not (p.ranged or p.local or p.kind == "string"):
                self.add(p.line, "parameter-range", f"parameter {p.name} has no range: values for which the equations "
                         "mean nothing are simulated without a word")
        flow = _Flow()
        self._walk(self.module.initial, flow, [], [])
        self._walk(self.module.body, flow, [], [])
        for function in self.module.functions.values():
            inside = _Flow()
            for name in function.variables:
                inside.assign(name, _ANY)
            self._walk(function.body, inside, [], [], own=frozenset(function.variables))
        self._time()
        self._jumps()
        return self.found

    # What depends on what.

    def accesses(self, node: Node) -> bool:
        """Whether a node itself reads a voltage or a flow."""
        return (node.op == "call" and node.value not in _KNOWN and node.value not in self.module.functions
                and not node.value.startswith("$")) or (node.op == "call" and node.value in ("idt", "idtmod"))

    def depends(self, node: Node, names: Iterable[str], what: str) -> bool:
        names = set(names)
        return any((n.op == "name" and (n.value in names or (what == "time" and n.value in _TIME)))
                   or (what == "bias" and self.accesses(n)) for n in node.walk())

    def _taint(self) -> None:
        def spread(statements: Sequence[Statement], bias: bool, time: bool) -> None:
            for s in statements:
                nodes = expressions(s)
                # The guard that holds a state makes nothing depend on time: it tells rest from transient only.
                own_time = time or any(self.depends(n, self.timed, "time") and not _guard(n) for n in nodes)
                own_bias = bias or any(self.depends(n, self.biased, "bias") for n in nodes)
                if s.kind == "assign" and s.target is not None:
                    name = s.target.args[0].value if s.target.op == "index" else s.target.value
                    self.biased |= {name} if own_bias else set()
                    self.timed |= {name} if own_time else set()
                    if any(n.op == "call" and n.value in ("idt", "idtmod") for node in nodes for n in node.walk()
                           ) or any(str(node) in self.integrals for node in nodes):
                        self.integrals.add(name)
                for body in s.bodies:
                    spread(body, own_bias, own_time)

        before = (-1, -1, -1)
        while before != (now := (len(self.biased), len(self.timed), len(self.integrals))):
            before = now
            spread((*self.module.initial, *self.module.body), False, False)
        self.varying = self.biased | self.timed

    def static(self, node: Node) -> bool:
        """Whether a condition cannot change during a run: parameters, analysis(), what was asked of the simulator."""
        return not (self.depends(node, self.biased | self.hidden, "bias") or self.depends(node, self.timed, "time"))

    # Along the analog block.

    def _walk(self, statements: Sequence[Statement], flow: _Flow, path: list[str], changing: list[Node],
              own: frozenset[str] = frozenset()) -> None:
        for s in statements:
            for node in expressions(s):
                self._expression(node, flow, path, changing, s)
            if s.kind == "assign" and s.target is not None:
                name = s.target.args[0].value if s.target.op == "index" else s.target.value
                assert s.value is not None
                if name in self.integrals and any(self._is_integral(n) for c in changing for n in c.walk()):
                    self.add(s.line, "clamped-idt", _clamped(name))
                flow.assign(name, self.interval(s.value, flow))
            elif s.kind == "event":
                self._event(s, flow, path, changing)
            elif s.kind == "if":
                assert s.value is not None
                fixed = self.static(s.value)
                ways = []
                for body, holds in zip(s.bodies, (True, False), strict=True):
                    way, condition = flow.copy(), f"{holds} {s.value}" if fixed else ""
                    self._narrow(s.value, holds, way)
                    self._walk(body, way, [*path, condition] if fixed else path,
                               changing if fixed else [*changing, s.value], own)
                    ways.append((way, condition))
                flow.joined(ways)
            elif s.kind == "case":
                assert s.value is not None
                fixed = self.static(s.value)
                ways = []
                for labels, body in zip(s.labels, s.bodies, strict=True):
                    way = flow.copy()
                    condition = f"case {s.value} {', '.join(map(str, labels))}" if fixed else ""
                    self._walk(body, way, [*path, condition] if fixed else path,
                               changing if fixed else [*changing, s.value], own)
                    ways.append((way, condition))
                if all(s.labels):  # no default: nothing may be done at all
                    ways.append((flow.copy(), ""))
                flow.joined(ways)
            elif s.kind == "loop":
                assert s.value is not None
                inner = flow.copy()
                every(s.bodies[0], lambda b, f=inner: f.bounds.pop(  # type: ignore[misc]
                    b.target.value, None) if b.kind == "assign" and b.target else None)
                fixed = self.static(s.value)
                self._walk(s.bodies[0], inner, path, changing if fixed else [*changing, s.value], own)
                # A loop over a fixed count is gone through at least once.
                if fixed:
                    flow.assigned = inner.assigned
                flow.bounds = {k: v for k, v in flow.bounds.items() if inner.bounds.get(k) == v}

    def _event(self, s: Statement, flow: _Flow, path: list[str], changing: list[Node]) -> None:
        assert s.value is not None
        words = {n.value for n in s.value.walk()}
        inner = flow.copy()
        every(s.bodies[0], lambda b: self._in_event(b, words))
        self._walk(s.bodies[0], inner, path, changing)

    def _in_event(self, s: Statement, words: set[str]) -> None:
        if s.kind == "assign" and "initial_step" in words and s.target is not None:
            self.add(s.line, "initial-step", f"{s.target} is assigned in @(initial_step) and lives on from there: "
                     "compilers that keep no variable between time steps lose it, and an operating point has none")

    def _expression(self, node: Node, flow: _Flow, path: list[str], changing: list[Node], s: Statement) -> None:
        here = frozenset(path)
        for n in node.walk():
            line = n.line or s.line
            if n.op == "name" and n.value in self.module.variables and not any(
                    conditions <= here for conditions in flow.assigned.get(n.value, ())):
                self.hidden.add(n.value)
                self.add(line, "hidden-state", f"{n.value} is read before it is assigned on every path, so it means "
                         "its value of the last time step (or iteration): openvaf-r keeps none, others differ")
            if n.op != "call":
                continue
            if n.value in _EVENTS:
                self.add(line, "event", f"{n.value}() acts at an event that depends on the step control, and a "
                         "compact model has none: openvaf-r refuses it")
            elif _RANDOM.match(n.value):
                self.add(line, "random", f"{n.value}() gives another value at each iteration: no solver converges to "
                         "it, and no two simulators agree")
            elif n.value in ("exp", "sinh", "cosh", "$exp") and self.depends(n, self.biased, "bias"):
                low, high = self.interval(n.args[0], flow)
                if high > LARGEST or (n.value in ("sinh", "cosh") and low < -LARGEST):
                    self.add(line, "unlimited-exp", f"{n.value}({_short(n.args[0])}) has no bound: one iteration far "
                             "off overflows it and ends the run")
            elif n.value == "idt" and len(n.args) > 1:
                self.add(line, "idt-start", "the start value of idt() is lost where ngspice begins a transient: the "
                         "state then starts from 0 without a word")
            elif n.value in ("min", "max") and any(self._is_integral(a) for a in n.args):
                self.add(line, "clamped-idt", _clamped(_short(next(filter(self._is_integral, n.args)))))
            if n.value in _OPERATORS and (changing or self._chosen(node, n)):
                condition = self._chosen(node, n) or changing[-1]
                self.add(line, "ddt-in-conditional", f"{n.value}() stands under a condition that changes during a run "
                         f"({_short(condition)}): it has a memory of its own, which is then wrong")
        for n in node.walk():
            if n.op == "choose" and any(self._is_integral(a) for a in n.args[1:]) and any(
                    self._is_integral(c) for c in n.args[0].walk()):
                self.add(n.line or s.line, "clamped-idt",
                         _clamped(_short(next(a for a in n.args[1:] if self._is_integral(a)))))

    def _is_integral(self, node: Node) -> bool:
        return (node.op == "name" and node.value in self.integrals) or (
            node.op == "call" and (node.value in ("idt", "idtmod") or (
                node.value in ("min", "max") and any(map(self._is_integral, node.args)))))

    def _chosen(self, root: Node, wanted: Node) -> Node | None:
        """The changing condition of a ?: inside `root` that `wanted` stands under."""
        for n in root.walk():
            if n.op == "choose" and not self.static(n.args[0]) and any(
                    inside is wanted for arm in n.args[1:] for inside in arm.walk()):
                return n.args[0]
        return None

    # Bounds.

    def _narrow(self, condition: Node, holds: bool, flow: _Flow) -> None:
        """What a condition says of the bounds of its two sides, where it holds or where it does not."""
        if condition.op == "unary" and condition.value == "!":
            self._narrow(condition.args[0], not holds, flow)
        elif condition.op == "binary" and condition.value == ("&&" if holds else "||"):
            for arg in condition.args:
                self._narrow(arg, holds, flow)
        elif condition.op == "binary" and condition.value in _FLIP:
            left, right = condition.args
            below = (condition.value in ("<", "<=")) == holds
            a, b = self.interval(left, flow), self.interval(right, flow)
            if below:
                flow.narrow(str(left), -math.inf, b[1])
                flow.narrow(str(right), a[0], math.inf)
            else:
                flow.narrow(str(left), b[0], math.inf)
                flow.narrow(str(right), -math.inf, a[1])

    def interval(self, node: Node, flow: _Flow) -> Interval:
        """Between which values an expression lies, parameters at their defaults; infinite where nothing bounds it."""
        low, high = flow.bounds.get(str(node), _ANY)
        found = self._interval(node, flow)
        return max(low, found[0]), min(high, found[1])

    def _interval(self, node: Node, flow: _Flow) -> Interval:
        if node.op == "number":
            value = float(number_of(node.value))
            return value, value
        if node.op == "name" and node.value in self.module.parameters:
            return self.interval(self.module.parameters[node.value].default, flow)
        if node.op == "unary" and node.value in "+-":
            low, high = self.interval(node.args[0], flow)
            return (low, high) if node.value == "+" else (-high, -low)
        if node.op == "choose":
            ways = []
            for arm, holds in zip(node.args[1:], (True, False), strict=True):
                way = flow.copy()
                self._narrow(node.args[0], holds, way)
                ways.append(self.interval(arm, way))
            return min(w[0] for w in ways), max(w[1] for w in ways)
        if node.op == "binary":
            return self._binary(node, flow)
        if node.op != "call":
            return _ANY
        args = [self.interval(a, flow) for a in node.args]
        if node.value in ("min", "max"):
            pick = min if node.value == "min" else max
            return pick(a[0] for a in args), pick(a[1] for a in args)
        if node.value in ("tanh", "sin", "cos"):
            return -1.0, 1.0
        if node.value in ("atan", "atan2", "asin"):
            return -math.pi, math.pi
        if node.value == "abs":
            low, high = args[0]
            return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
        if node.value in ("exp", "limexp", "cosh"):
            low, high = args[0] if node.value != "cosh" else (0.0, math.inf)
            return (math.exp(min(low, LARGEST)) if low > -LARGEST else 0.0,
                    math.exp(high) if high < LARGEST else math.inf)
        if node.value in ("sqrt", "ln", "log"):
            least = 0.0 if node.value == "sqrt" else -math.inf
            function = {"sqrt": math.sqrt, "ln": math.log, "log": math.log10}[node.value]
            return tuple(  # type: ignore[return-value]
                function(v) if 0 < v < math.inf else least if v <= 0 else v for v in args[0])
        if node.value == "$vt":
            return 0.0, 0.1
        return _ANY

    def _binary(self, node: Node, flow: _Flow) -> Interval:
        (a, b), (c, d) = (self.interval(arg, flow) for arg in node.args)
        if node.value == "+":
            return a + c, b + d
        if node.value == "-":
            return a - d, b - c
        left, right = str(node.args[0]), str(node.args[1])
        if node.value == "*" and left.removeprefix("-") == right.removeprefix("-"):  # a square: of one sign
            square = max(a * a, b * b)
            return (0.0, square) if left == right else (-square, 0.0)
        if node.value == "**" and right in ("2", "2.0", "4", "4.0"):
            return 0.0, math.inf
        if node.value == "/":
            if min(c, d) <= 0 <= max(c, d):
                return _ANY
            c, d = (1 / d if math.isfinite(d) else 0.0), 1 / c if math.isfinite(c) else 0.0
            c, d = min(c, d), max(c, d)
        elif node.value != "*":
            return (0.0, 1.0) if node.value in ("<", ">", "<=", ">=", "==", "!=", "&&", "||") else _ANY
        products = [x * y if x and y else 0.0 for x in (a, b) for y in (c, d)]
        return min(products), max(products)

    # Time and jumps.

    def _time(self) -> None:
        """$abstime is for telling rest from transient; anything that counts with it is integration by hand."""
        def visit(s: Statement) -> None:
            for root in expressions(s):
                for n in root.walk():
                    if n.op != "binary" or not self._of_time(n) or _guard(n):
                        continue
                    others = {m.value for m in n.walk() if m.op == "name"} & self.hidden
                    if others and n.value in ("-", "+", "*", "/"):
                        self.add(n.line or s.line, "abstime", f"{_short(n)} takes a difference of times by hand, with "
                                 f"{', '.join(sorted(others))} from the last time step: the step control knows nothing "
                                 "of it, and rejected steps count too")
                    elif n.value in ("<", ">", "<=", ">=", "==", "!="):
                        self.add(n.line or s.line, "abstime", f"{_short(n)} changes the model at a time at which no "
                                 "simulator has a break point")
            if (s.kind == "assign" and s.target is not None and s.target.value in self.hidden and s.value is not None
                    and self._of_time(s.value)):
                self.add(s.line, "abstime", f"{s.target} remembers a time for the next step: integration by hand")

        every((*self.module.initial, *self.module.body), visit)

    def _of_time(self, node: Node) -> bool:
        return any(n.op == "name" and n.value in _TIME for n in node.walk()) or (
            node.op == "binary" and any(a.op == "name" and a.value in self.timed - self.biased for a in node.args))

    def _jumps(self) -> None:
        for function in ("floor", "ceil", "int"):
            def visit(s: Statement, name: str = function) -> None:
                for node in expressions(s):
                    for n in node.walk():
                        if n.op == "call" and n.value == name and self.depends(n, self.biased, "bias"):
                            self.add(n.line or s.line, "discontinuity", f"{name}() of a voltage jumps")

            every(self.module.body, visit)
        try:
            found = jumps(self.module)
        except (Unsupported, RecursionError, SyntaxError, MemoryError) as why:
            conditions: list[Node] = []
            every(self.module.body, lambda s: conditions.append(s.value)
                  if s.kind == "if" and s.value and self.depends(s.value, self.biased, "bias") else None)
            if conditions:
                self.add(conditions[0].line, "unchecked",
                         f"whether conditionals on voltages jump was not checked, because of {why}")
            return
        for line, node in found.items():
            if not _guard(node):
                self.add(line, "discontinuity", f"a contribution jumps where {_short(node)} turns: an operating point "
                         "on the jump does not exist, and no solver converges there")


def _guard(node: Node) -> bool:
    """Whether a condition is the hold at rest: $abstime against 0, alone or beside analysis()."""
    if node.op == "unary" and node.value == "!":
        return _guard(node.args[0])
    if node.op == "binary" and node.value in ("&&", "||"):
        return all(_guard(a) or (a.op == "call" and a.value == "analysis") for a in node.args)
    if node.op != "binary" or node.value not in (*_FLIP, "==", "!="):
        return False
    values: Mapping[bool, Node] = {a.op == "name" and a.value in _TIME: a for a in node.args}
    return len(values) == 2 and values[False].op == "number" and number_of(values[False].value) == 0


def _clamped(name: str) -> str:
    return (f"{name} is an integral that is clamped afterwards: it goes on to grow beyond the clamp, and comes back as "
            "much later as it was driven too long")


def _short(node: Node) -> str:
    text = str(node)
    text = text[1:-1] if node.op in ("binary", "choose") else text
    return text if len(text) <= 60 else text[:57] + "..."
