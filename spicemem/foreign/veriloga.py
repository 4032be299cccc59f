"""Reading Verilog-A: the compact-model subset as modules of statements and expressions, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spicemem.engines.osdi import read_source
from spicemem.errors import InputError

#: What constants.vams defines, as far as compact models use it (CODATA 2018; SI).
CONSTANTS = {
    "M_PI": "3.14159265358979323846", "M_TWO_PI": "6.28318530717958647692", "M_PI_2": "1.57079632679489661923",
    "M_E": "2.7182818284590452354", "M_LN2": "0.69314718055994530942", "M_LN10": "2.30258509299404568402",
    "M_SQRT2": "1.41421356237309504880", "P_Q": "1.602176634e-19", "P_C": "2.99792458e8", "P_K": "1.380649e-23",
    "P_H": "6.62607015e-34", "P_EPS0": "8.8541878128e-12", "P_U0": "1.25663706212e-6", "P_CELSIUS0": "273.15",
}
_SCALE = {"T": 1e12, "G": 1e9, "M": 1e6, "K": 1e3, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15,
          "a": 1e-18}
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+|[TGMKkmunpfa](?![A-Za-z0-9_]))?)"
    r"|(?P<name>[$]?[A-Za-z_][A-Za-z0-9_$]*)|(?P<macro>`[A-Za-z_][A-Za-z0-9_]*)|(?P<string>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<mark><\+|\(\*|\*\)|\*\*|<=|>=|==|!=|&&|\|\||<<|>>|'\{|[-+*/%(){}\[\];:,=<>?!@#.&|^~])")
_DIRECTIVE = re.compile(r"\s*`(include|define|undef|ifdef|ifndef|elsif|else|endif|default_\w+|timescale|resetall|"
                        r"begin_keywords|end_keywords)\b(.*)")
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"),
           ("*", "/", "%"), ("**",))
_TYPES = ("real", "integer", "string")
#: How strongly each sign binds.
_RANK = {sign: rank for rank, signs in enumerate(_LEVELS) for sign in signs}
#: Macros and files inside each other; tokens, blanks and macros of a source, all macros expanded: a PSP model has some
#: hundred thousand.
_DEEPEST, _PIECES = 40, 5_000_000


@dataclass(frozen=True)
class Token:
    """A piece of source: its kind, its text and the line that it stands on."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Node:
    """An expression. op: number, string, name, call, index, unary, binary or choose (?:); value: its name or sign."""

    op: str
    value: str
    args: tuple[Node, ...] = ()
    line: int = field(default=0, compare=False)

    def walk(self) -> Iterator[Node]:
        """This node and all inside it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def __str__(self) -> str:
        a = [str(arg) for arg in self.args]
        if self.op == "call":
            return f"{self.value}({', '.join(a)})"
        if self.op == "index":
            return f"{a[0]}[{a[1]}]"
        if self.op == "unary":
            return f"{self.value}{a[0]}"
        if self.op == "binary":
            return f"({a[0]} {self.value} {a[1]})"
        return f"({a[0]} ? {a[1]} : {a[2]})" if self.op == "choose" else self.value


@dataclass(frozen=True)
class Statement:
    """kind: assign (target = value), contribute (target <+ value), if, case, loop, event, task. `value` is the
    condition of an if, a case or a loop; `labels` are those of a case's `bodies`."""

    kind: str
    line: int
    target: Node | None = None
    value: Node | None = None
    bodies: tuple[tuple[Statement, ...], ...] = ()
    labels: tuple[tuple[Node, ...], ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter as the source declares it. low, high: of its range where it is one interval, else None; ranged:
    whether it has any range or exclusion."""

    name: str
    kind: str
    default: Node
    line: int
    ranged: bool
    low: Node | None = None
    high: Node | None = None
    local: bool = False


@dataclass
class Function:
    """An analog function."""

    name: str
    line: int
    inputs: list[str] = field(default_factory=list)
    variables: dict[str, int] = field(default_factory=dict)
    body: tuple[Statement, ...] = ()


@dataclass
class Module:
    """A module: ports, parameters, variables with their lines, named branches, statements of its analog blocks."""

    name: str
    line: int
    ports: list[str] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, int] = field(default_factory=dict)
    branches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    initial: tuple[Statement, ...] = ()
    body: tuple[Statement, ...] = ()


def number_of(text: str) -> float | int:
    """The value of a Verilog-A number, its scale letter applied; an integer where it is written as one."""
    text = text.replace("_", "")
    if text[-1] in _SCALE:
        return float(text[:-1]) * _SCALE[text[-1]]
    return int(text) if text.isdigit() and len(text) < 19 else float(text)


class _Preprocessor:
    """Comments away, macros in, `ifdef decided, files of the same folder included."""

    def __init__(self, where: str, folder: Path | None):
        self.where, self.folder, self.left = where, folder, _PIECES
        self.macros: dict[str, tuple[list[str] | None, str]] = {k: (None, v) for k, v in CONSTANTS.items()}

    def tokens(self, source: str, depth: int = 0) -> list[Token]:
        source = re.sub(r"/\*.*?(\*/|\Z)|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), source, flags=re.DOTALL)
        found: list[Token] = []
        active: list[bool] = []
        rows = source.split("\n")
        i = 0
        while i < len(rows):
            row, line = rows[i], i + 1
            while row.endswith("\\") and i + 1 < len(rows):
                i += 1
                row = row[:-1] + " " + rows[i]
            i += 1
            directive = _DIRECTIVE.match(row)
            if directive is None:
                if all(active):
                    found += self._row(row, line, depth)
                continue
            word, rest = directive[1], directive[2].strip()
            if word in ("ifdef", "ifndef"):
                active.append((rest.split(None, 1)[0] in self.macros) == (word == "ifdef"))
            elif word in ("else", "elsif", "endif"):
                if not active:
                    raise InputError(f"{self.where}, line {line}", found=f"`{word} without `ifdef", expected="a pair")
                was = active.pop()
                if word != "endif":
                    active.append(not was and (word == "else" or rest.split(None, 1)[0] in self.macros))
            elif not all(active):
                continue
            elif word == "define":
                self._define(rest, line)
            elif word == "undef":
                self.macros.pop(rest, None)
            elif word == "include":
                file = self.folder / rest.strip('"<>') if self.folder else None
                if file is not None and file.is_file():
                    if depth == _DEEPEST:
                        raise InputError(f"{self.where}, line {line}", found="a file that includes itself",
                                         expected="files that end")
                    inner = self.tokens(read_source(file), depth + 1)
                    found += [Token(t.kind, t.text, line) for t in inner]
        return found

    def _define(self, rest: str, line: int) -> None:
        head = re.match(r"([A-Za-z_]\w*)(\(([^)]*)\))?\s*(.*)", rest, re.DOTALL)
        if head is None:
            raise InputError(f"{self.where}, line {line}", found=f"`define {rest}", expected="a name and its text")
        names = [name.strip() for name in head[3].split(",")] if head[2] else None
        self.macros[head[1]] = (names, head[4])

    def _row(self, row: str, line: int, depth: int) -> list[Token]:
        found: list[Token] = []
        at = 0
        while at < len(row):
            piece = _TOKEN.match(row, at)
            if piece is None:
                raise InputError(f"{self.where}, line {line}", found=repr(row[at:at + 12]), expected="Verilog-A")
            at, kind, text = piece.end(), str(piece.lastgroup), piece.group()
            self.left -= 1
            if self.left < 0:
                raise InputError(f"{self.where}, line {line}", found=f"more than {_PIECES:,} words with its macros "
                                 "expanded", expected="a compact model")
            if kind == "macro":
                at, text = self._expanded(text[1:], row, at, line)
                if depth > _DEEPEST:
                    raise InputError(f"{self.where}, line {line}", found="a macro that contains itself",
                                     expected="one that ends")
                found += self._row(text, line, depth + 1)
            elif kind != "blank":
                found.append(Token(kind, text, line))
        return found

    def _expanded(self, name: str, row: str, at: int, line: int) -> tuple[int, str]:
        if name not in self.macros:
            raise InputError(f"{self.where}, line {line}", found=f"`{name}", expected="a macro that is defined",
                             remedy="Keep the files that the model includes beside it")
        names, text = self.macros[name]
        if names is None:
            return at, text
        begin = row.find("(", at)
        depth, values, last, quoted = 0, [], begin + 1, False
        for k in range(max(begin, 0), len(row)):
            quoted ^= row[k] == '"' and row[k - 1:k] != "\\"
            if quoted:
                continue
            depth += {"(": 1, ")": -1}.get(row[k], 0)
            if (row[k] == "," and depth == 1) or (row[k] == ")" and depth == 0):
                values.append(row[last:k].strip())
                last = k + 1
                if depth == 0:
                    break
        if begin < 0 or len(values) != len(names):
            raise InputError(f"{self.where}, line {line}", found=f"`{name} with {len(values)} arguments",
                             expected=f"{len(names)}")
        for key, value in zip(names, values, strict=True):
            text = re.sub(rf"\b{re.escape(key)}\b", lambda _, v=value: v, text)  # type: ignore[misc]
        return last, text


class _Parser:
    def __init__(self, tokens: Sequence[Token], where: str):
        self.tokens, self.where, self.at = tokens, where, 0

    # Tokens.

    def peek(self, ahead: int = 0) -> str:
        i = self.at + ahead
        return self.tokens[i].text if i < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def line(self) -> int:
        return self.tokens[min(self.at, len(self.tokens) - 1)].line if self.tokens else 0

    def take(self, *wanted: str) -> Token:
        if self.at >= len(self.tokens) or (wanted and self.peek() not in wanted):
            raise InputError(f"{self.where}, line {self.line()}", found=repr(self.peek() or "the end of the file"),
                             expected=" or ".join(map(repr, wanted)) or "more Verilog-A")
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self, *marks: str) -> bool:
        if self.peek() in marks:
            self.at += 1
            return True
        return False

    def name(self) -> Token:
        token = self.take()
        if token.kind != "name":
            raise InputError(f"{self.where}, line {token.line}", found=repr(token.text), expected="a name")
        return token

    def names(self) -> list[Token]:
        """A list of names up to the semicolon; ranges of vectors and initial values are passed over."""
        found = []
        while True:
            self.attributes()
            found.append(self.name())
            while self.peek() == "[":
                self.until("]")
            if self.skip("="):
                self.expression()
            if not self.skip(","):
                self.take(";")
                return found

    def until(self, last: str) -> None:
        while self.take().text != last:
            pass

    def attributes(self) -> None:
        while self.peek() == "(*":
            self.until("*)")

    # The source.

    def modules(self) -> list[Module]:
        found = []
        while self.at < len(self.tokens):
            self.attributes()
            if self.peek() in ("module", "macromodule"):
                found.append(self.module())
            elif self.peek() in ("discipline", "nature"):
                self.until(f"end{self.peek()}")
            else:
                self.take("module")
        return found

    def module(self) -> Module:
        self.take()
        name = self.name()
        module = Module(name.text, name.line)
        if self.skip("("):
            while not self.skip(")"):
                self.attributes()
                token = self.take()
                nature = token.text in ("inout", "input", "output") or self.kind() == "name"
                if token.kind == "name" and not nature:
                    module.ports.append(token.text)
        self.take(";")
        while not self.skip("endmodule"):
            self.attributes()
            self.item(module)
        return module

    def item(self, module: Module) -> None:
        word = self.peek()
        if word in ("parameter", "localparam"):
            self.parameter(module)
        elif word in _TYPES or word == "genvar":
            self.take()
            module.variables.update({t.text: t.line for t in self.names()})
        elif word == "branch":
            self.take()
            ends: list[str] = []
            self.take("(")
            while not self.skip(")"):
                ends.append(self.take().text)
            for token in self.names():
                module.branches[token.text] = tuple(e for e in ends if e != ",")
        elif word == "analog":
            self.take()
            if self.peek() == "function":
                function = self.function()
                module.functions[function.name] = function
            elif self.skip("initial"):
                module.initial += self.statement(module.variables)
            else:
                module.body += self.statement(module.variables)
        elif self.kind() == "name":  # inout, electrical, ground, aliasparam, ...: nothing to check there
            self.until(";")
        else:
            self.take("endmodule")

    def parameter(self, module: Module) -> None:
        local = self.take().text == "localparam"
        kind = self.take().text if self.peek() in _TYPES else ""
        while True:
            self.attributes()
            name = self.name()
            while self.peek() == "[":
                self.until("]")
            self.take("=")
            default = self.expression()
            ranged, ends = False, list[tuple[Node, Node]]()
            while self.peek() in ("from", "exclude"):
                included, ranged = self.take().text == "from", True
                if self.peek() == "'{":
                    self.until("}")
                elif self.peek() in ("(", "[") and included:
                    self.take()
                    first = self.expression()
                    if self.skip(":"):
                        ends.append((first, self.expression()))
                    self.take(")", "]")
                elif self.peek() in ("(", "["):
                    self.until("]" if self.peek() == "[" else ")")
                else:
                    self.expression()
            low, high = ends[0] if len(ends) == 1 else (None, None)
            module.parameters[name.text] = Parameter(name.text, kind or "real", default, name.line, ranged, low, high,
                                                     local)
            if not self.skip(","):
                self.take(";")
                return

    def function(self) -> Function:
        self.take("function")
        if self.peek() in _TYPES:
            self.take()
        name = self.name()
        found = Function(name.text, name.line, variables={name.text: name.line})
        self.take(";")
        while not self.skip("endfunction"):
            self.attributes()
            word = self.peek()
            if word in ("input", "output", "inout"):
                self.take()
                given = self.names()
                if word != "output":
                    found.inputs += [t.text for t in given]
                found.variables.update({t.text: t.line for t in given})
            elif word in _TYPES:
                self.take()
                found.variables.update({t.text: t.line for t in self.names()})
            else:
                found.body += self.statement(found.variables)
        return found

    def statement(self, variables: dict[str, int]) -> tuple[Statement, ...]:
        self.attributes()
        line, word = self.line(), self.peek()
        if self.skip(";"):
            return ()
        if self.skip("begin"):
            if self.skip(":"):
                self.name()
            inside: tuple[Statement, ...] = ()
            while not self.skip("end"):
                self.attributes()
                if self.peek() in _TYPES:
                    self.take()
                    variables.update({t.text: t.line for t in self.names()})
                else:
                    inside += self.statement(variables)
            return inside
        if self.skip("if"):
            condition = self.bracketed()
            then = self.statement(variables)
            other = self.statement(variables) if self.skip("else") else ()
            return (Statement("if", line, value=condition, bodies=(then, other)),)
        if self.skip("case", "casex", "casez"):
            return (self.case(line, variables),)
        if self.skip("for"):
            self.take("(")
            first = self.assignment()
            self.take(";")
            condition = self.expression()
            self.take(";")
            step = self.assignment()
            self.take(")")
            body = (*self.statement(variables), step)
            return first, Statement("loop", line, value=condition, bodies=(body,))
        if self.skip("while", "repeat"):
            condition = self.bracketed()
            return (Statement("loop", line, value=condition, bodies=(self.statement(variables),)),)
        if self.skip("@"):
            event = self.bracketed(events=True)
            return (Statement("event", line, value=event, bodies=(self.statement(variables),)),)
        if word.startswith("$"):
            call = self.expression()
            self.take(";")
            return (Statement("task", line, value=call),)
        found = self.assignment()
        self.take(";")
        return (found,)

    def case(self, line: int, variables: dict[str, int]) -> Statement:
        subject = self.bracketed()
        labels, bodies = [], []
        while not self.skip("endcase"):
            given: list[Node] = []
            if self.skip("default"):
                self.skip(":")
            else:
                given.append(self.expression())
                while self.skip(","):
                    given.append(self.expression())
                self.take(":")
            labels.append(tuple(given))
            bodies.append(self.statement(variables))
        return Statement("case", line, value=subject, bodies=tuple(bodies), labels=tuple(labels))

    def assignment(self) -> Statement:
        line, target = self.line(), self.primary()
        if self.skip(":"):  # indirect: V(a): expression == 0
            return Statement("contribute", line, target, self.expression())
        kind = "contribute" if self.take("=", "<+").text == "<+" else "assign"
        return Statement(kind, line, target, self.expression())

    def bracketed(self, events: bool = False) -> Node:
        self.take("(")
        found = self.expression()
        while events and self.skip("or", ","):
            found = Node("binary", "or", (found, self.expression()), found.line)
        self.take(")")
        return found

    # Expressions.

    def expression(self) -> Node:
        condition = self.binary(0)
        if not self.skip("?"):
            return condition
        true = self.expression()
        self.take(":")
        return Node("choose", "?:", (condition, true, self.expression()), condition.line)

    def binary(self, level: int) -> Node:
        left = self.unary()
        while (rank := _RANK.get(self.peek(), -1)) >= level:
            sign = self.take()
            left = Node("binary", sign.text, (left, self.binary(rank + 1)), sign.line)
        return left

    def unary(self) -> Node:
        if self.peek() in ("-", "+", "!", "~"):
            sign = self.take()
            return Node("unary", sign.text, (self.unary(),), sign.line)
        return self.primary()

    def primary(self) -> Node:
        if self.skip("("):
            inside = self.expression()
            self.take(")")
            return inside
        if self.skip("'{", "{"):
            items = [self.expression()]
            while self.skip(","):
                items.append(self.expression())
            self.take("}")
            return Node("call", "{}", tuple(items), self.line())
        if self.peek() in ("<", "+", "-"):  # I(<a>): the current of a port
            raise InputError(f"{self.where}, line {self.line()}", found=repr(self.peek()), expected="an expression")
        token = self.take()
        if token.kind in ("number", "string"):
            return Node(token.kind, token.text, (), token.line)
        if token.kind != "name":
            raise InputError(f"{self.where}, line {token.line}", found=repr(token.text), expected="an expression")
        node = Node("name", token.text, (), token.line)
        if self.skip("("):
            node = Node("call", token.text, tuple(self.arguments()), token.line)
        while self.peek() == "[":
            self.take()
            node = Node("index", "[]", (node, self.expression()), token.line)
            if self.skip(":"):
                self.expression()
            self.take("]")
        return node

    def arguments(self) -> Iterator[Node]:
        while not self.skip(")"):
            if self.skip("<"):
                yield Node("name", self.name().text, (), self.line())
                self.take(">")
            elif not self.skip(","):
                yield self.expression()


def read_modules(source: str, where: str, folder: Path | None = None) -> list[Module]:
    """The modules of a Verilog-A source. where: what messages call it; folder: where `include looks, none without it.

    Raises InputError with the line for what is not Verilog-A, and for a source without a module.
    """
    try:
        modules = _Parser(_Preprocessor(where, folder).tokens(source), where).modules()
    except RecursionError:
        raise InputError(where, found="expressions or statements nested too deeply", expected="some 100 levels at most"
                         ) from None
    if not modules:
        raise InputError(where, found="no module", expected="a Verilog-A module")
    return modules


def read_file(path: str | Path) -> tuple[str, list[Module]]:
    """The source and the modules of a Verilog-A file. Raises InputError as `read_modules` does, and for no file."""
    source = read_source(path := Path(path))
    return source, read_modules(source, path.name, path.parent)


def every(statements: Sequence[Statement], visit: Callable[[Statement], None]) -> None:
    """Call `visit` with each statement, inner ones after their outer one."""
    for s in statements:
        visit(s)
        for body in s.bodies:
            every(body, visit)


def expressions(s: Statement) -> list[Node]:
    """The expressions that a statement itself evaluates, those inside its bodies left out."""
    return [node for node in (s.value, *(label for given in s.labels for label in given)) if node is not None]
