"""Units: dimensions of SI unit strings (parsed by pint), engineering notation in, SI inside."""

from __future__ import annotations

import math
import re
import tokenize
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from spicemem.errors import InputError, ModelError

#: Exponents of (m, kg, s, A, K, mol, cd).
Dimension = tuple[Fraction, ...]

#: What a unit may be written with: pint would also read line ends, comments and unknown signs over.
_UNIT = re.compile(r"[A-Za-z0-9_Ωµμ°%*/().^+\- ]*\Z")
_BASE = ("[length]", "[mass]", "[time]", "[current]", "[temperature]", "[substance]", "[luminosity]")
NONE: Dimension = (Fraction(0),) * 7


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint  # slow to import: only when the first unit is read

    return pint.UnitRegistry(cache_folder=None)


@cache
def dimension(unit: str) -> Dimension:
    """Dimension of a coherent SI unit such as "V", "Ohm", "S/s", "1".

    Raises ModelError for an unknown unit or one that is not coherent SI (nm, eV, degC), with the unit to write.
    """
    if unit in ("1", ""):
        return NONE
    import pint

    if not _UNIT.match(unit):
        raise ModelError("unit", found=repr(unit), expected="an SI unit such as V, A, S, Ohm, s, m, K, C/m**2")
    text = unit.replace("Ohm", "ohm")
    try:
        quantity = _registry().Quantity(1.0, text).to_base_units()
    except (pint.errors.PintError, AttributeError, TypeError, ValueError, AssertionError, SyntaxError,
            tokenize.TokenError) as error:
        raise ModelError("unit", found=repr(unit), expected="an SI unit such as V, A, S, Ohm, s, m, K, C/m**2",
                         remedy=f"({error})") from None
    if abs(quantity.magnitude - 1.0) > 1e-12:
        raise ModelError("unit", found=f"{unit!r} = {quantity:~}", expected="a coherent SI unit",
                         remedy=f"Write the value in {quantity.units:~} instead")
    powers = dict(quantity.dimensionality)
    if set(powers) - set(_BASE):
        raise ModelError("unit", found=repr(unit), expected="an SI unit")
    return tuple(Fraction(powers.get(base, 0)).limit_denominator(1000) for base in _BASE)


@cache
def describe(dim: Dimension) -> str:
    """A dimension for people: a familiar unit where there is one, else a product of base units."""
    for unit in ("1", "V", "A", "S", "Ohm", "s", "m", "K", "C", "F", "H", "W", "J", "1/s", "S/s", "A/s", "V/s", "m**2",
                 "A/m**2", "C/m**2", "F/m**2", "V/m", "K/s", "1/V", "1/(V*s)", "J/K", "K/W", "Wb", "kg"):
        if dimension(unit) == dim:
            return "a pure number" if unit == "1" else unit
    names = ("m", "kg", "s", "A", "K", "mol", "cd")
    return "*".join(name if power == 1 else f"{name}**{power}" for name, power in zip(names, dim, strict=True) if power)


def number(value: float) -> str:
    """The one way a number is printed into generated text: plain digits, no suffix, exact when read back."""
    if not math.isfinite(value):
        raise ModelError("number", found=repr(value), expected="a finite number")
    return repr(float(value) + 0.0)  # and -0.0 as 0.0


_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def prefix(magnitude: float) -> tuple[float, str]:
    """(scale, SI prefix) that brings `magnitude` to 1..1000: 3e-9 gives (1e9, "n")."""
    if not magnitude or not math.isfinite(magnitude):
        return 1.0, ""
    power = min(12, max(-18, 3 * math.floor(math.log10(abs(magnitude)) / 3 + 1e-9)))
    return 10.0**-power, _PREFIXES[power]


def engineering(value: float, unit: str, digits: int = 4) -> str:
    """A value for people: engineering(1e-7, "s") is "100 ns". Products of units and pure numbers get no prefix."""
    if unit in ("1", "", "%", "kg") or not re.fullmatch(r"[A-Za-zΩ]+", unit):
        return f"{value:.{digits}g}" + ("" if unit in ("1", "") else f" {unit}")
    value = float(f"{value:.{digits - 1}e}")  # rounded first: 0.99999 V is 1 V, not 1000 mV
    scale, letter = prefix(value)
    return f"{value * scale:.{digits}g} {letter}{unit}"


_SUFFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "meg": 1e6, "G": 1e9}
# What SPICE would read a letter as, for the two-readings message.
_SPICE = {"f": "1e-15", "p": "1e-12", "n": "1e-9", "u": "1e-6", "m": "1e-3", "k": "1e3", "g": "1e9", "t": "1e12",
          "a": "1e-18", "x": "1e6"}
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*\Z", re.DOTALL | re.ASCII)


def parse_quantity(text: str, unit: str, what: str = "value") -> float:
    """Read "10u", "1.5meg", "100ns", "2e-3 V" into SI, where `unit` is the declared SI unit.

    Suffixes: f p n u m k meg G, followed or not by the declared unit. A bare M, and a letter that is both the
    declared unit and a SPICE suffix (1F, 1m for a length), are refused with both readings. Raises InputError.
    """
    match = _NUMBER.match(text)
    if not match:
        raise InputError(what, found=repr(text), expected=f"a number in {unit}, such as 10u or 1e-5")
    value, tail = float(match[1]), match[2]
    if not math.isfinite(value):
        raise InputError(what, found=repr(text), expected=f"a finite number in {unit}")
    names = {unit} | ({"ohm", "Ω"} if unit == "Ohm" else set())
    if tail.startswith("M") or tail == "M":
        raise InputError(what, found=repr(text), expected="no bare M",
                         remedy="M is mega (1e6) to some and milli (1e-3) to SPICE: "
                                f"write {match[1]}meg or {match[1]}m")
    unit_or_suffix = tail in names and len(tail) == 1 and tail.lower() in _SPICE
    if unit_or_suffix or (tail in _SUFFIXES and tail.lower() == unit.lower()):
        reading = _SPICE[tail.lower()]
        raise InputError(what, found=repr(text), expected=f"a value in {unit} that can be read in one way only",
                         remedy=f"'{tail}' is the unit ({match[1]} {unit}) and a SPICE suffix "
                                f"({match[1]} x {reading}): write {match[1]} alone, or "
                                f"{float(match[1]) * float(reading):g}")
    for suffix, factor in (("", 1.0), *_SUFFIXES.items()):
        if tail == suffix or (tail.startswith(suffix) and tail[len(suffix):].strip() in names):
            # A decimal product would round: 100n is the float nearest to 100e-9.
            result = float(f"{match[1]}e{round(math.log10(factor))}") if "e" not in match[1].lower() else value * factor
            if math.isfinite(result):
                return result
            raise InputError(what, found=repr(text), expected=f"a finite number in {unit}")
    raise InputError(what, found=repr(text), expected=f"a number with one of f p n u m k meg G and the unit {unit}",
                     remedy=f"Write for example {match[1]}u or {match[1]}e-6")
