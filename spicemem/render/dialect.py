"""How SPICE dialects differ, as data: what the one writer of subcircuits (ngspice.py) needs to know of each.

What is not here is the same in all: R, C, L, V, I, E, F, G, H lines, PWL and PULSE with every field given, `+`, `*`.
The functions are min, max, abs, sqrt, exp, sinh, cosh, tanh everywhere; powers are products.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """A dialect of SPICE. In its patterns {name}, {p}, {n}, {text} and so on stand for what is written there."""

    name: str
    #: A source of a voltage, of a current from p to n, given by an expression.
    voltage: str = "B{name} {p} {n} V={text}"
    current: str = "B{name} {p} {n} I={text}"
    #: An expression of parameters: after .param, or as the value of an element.
    value: str = "{{{text}}}"
    #: A parameter inside the expression of a source.
    inner: str = "{{{text}}}"
    choice: str = "({condition} ? {true} : {false})"
    log: str = "ln"
    #: Before the parameters of a .subckt line and of an X line.
    parameters: str = ""
    #: Between the names of a nested part, as a probe spells them.
    joint: str = "."
    #: Lower-case words that a parameter cannot be called: constants and variables of its expressions.
    reserved: frozenset[str] = frozenset()

    def names(self, parameters: Iterable[str]) -> dict[str, str]:
        """How each parameter is spelt: as it is, but for reserved words, which get a number behind them."""
        given = list(parameters)
        taken = {name.lower() for name in given} | self.reserved
        spelt = {}
        for name in given:
            fresh, count = name, 0
            while (fresh != name and fresh.lower() in taken) or fresh.lower() in self.reserved:
                fresh, count = f"{name}_{count}", count + 1
            taken.add(fresh.lower())
            spelt[name] = fresh
        return spelt


NGSPICE = Dialect("ngspice")
#: if() is what its help names; the question mark is in no list of it. K and Q are constants.
LTSPICE = Dialect("ltspice", choice="if({condition}, {true}, {false})", joint=":",
                  reserved=frozenset({"e", "pi", "k", "q", "true", "false", "temp", "time"}))
#: log is the natural logarithm. B is a GaAsFET.
PSPICE = Dialect("pspice", voltage="E{name} {p} {n} VALUE={{{text}}}", current="G{name} {p} {n} VALUE={{{text}}}",
                 inner="{text}", choice="IF({condition}, {true}, {false})", log="log", parameters="PARAMS: ",
                 reserved=frozenset({"temp", "time", "vt", "gmin", "hertz", "freq"}))
#: log is the natural logarithm, and there is no ln. A line that breaks inside quotes ends in two backslashes.
HSPICE = Dialect("hspice", voltage="E{name} {p} {n} VOL='{text}'", current="G{name} {p} {n} CUR='{text}'",
                 value="'{text}'", inner="{text}", log="log",
                 reserved=frozenset({"temper", "time", "hertz", "gmin", "temp"}))
#: log is base 10; braces may not stand inside braces; PARAMS: is optional and left out.
XYCE = Dialect("xyce", voltage="B{name} {p} {n} V={{{text}}}", current="B{name} {p} {n} I={{{text}}}", inner="{text}",
               joint=":", reserved=frozenset({"temp", "time", "vt", "gmin", "hertz", "freq", "pi"}))
