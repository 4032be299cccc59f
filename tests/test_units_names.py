"""Units in and out, names that may reach a netlist, and what errors say."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicemem import errors
from spicemem.errors import CircuitError, InputError, ModelError, SimulationError, SpicememError, nearest
from spicemem.names import RESERVED, check_name, check_text
from spicemem.units import NONE, describe, dimension, engineering, number, parse_quantity, prefix


def refused(call: Callable[[], Any], *words: str, error: type[SpicememError] = InputError) -> None:
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), f"no {word!r} in: {caught.value}"


# Engineering notation in.


@pytest.mark.parametrize(("text", "unit", "value"), [
    ("10u", "V", 10e-6), ("1.5meg", "Ohm", 1.5e6), ("100ns", "s", 100e-9), ("100n", "s", 100e-9), ("2e-3 V", "V", 2e-3),
    ("3", "V", 3.0), ("-3.5", "V", -3.5), ("+.5", "1", 0.5), ("5.", "1", 5.0), (" 7 ", "A", 7.0), ("1e3", "Ohm", 1e3),
    ("1E-3", "S", 1e-3), ("2.2k", "Ohm", 2200.0), ("2.2kOhm", "Ohm", 2200.0), ("2.2 kohm", "Ohm", 2200.0),
    ("2.2kΩ", "Ohm", 2200.0), ("4.7µ", "F", 4.7e-6), ("4.7µF", "F", 4.7e-6), ("1fF", "F", 1e-15), ("3p", "F", 3e-12),
    ("1G", "Ohm", 1e9), ("1 GOhm", "Ohm", 1e9), ("5m", "V", 5e-3), ("5mV", "V", 5e-3), ("14nm", "m", 14e-9),
    ("1mm", "m", 1e-3), ("1um", "m", 1e-6), ("3.1n S/s", "S/s", 3.1e-9), ("5mS", "S", 5e-3), ("0.1 V", "V", 0.1),
    ("9e-12 m**2", "m**2", 9e-12), ("1e2u", "V", 1e-4), ("10meg", "1/V", 1e7),
])
def test_engineering_notation_is_read(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)
    if "e" not in text.lower().replace("meg", ""):
        assert parse_quantity(text, unit) == value  # the float nearest to what is written


@pytest.mark.parametrize(("text", "unit", "words"), [
    ("1M", "Ohm", ["resistance", "'1M'", "no bare M", "mega (1e6)", "milli (1e-3)", "write 1meg or 1m"]),
    ("1.5MOhm", "Ohm", ["no bare M", "1.5meg or 1.5m"]),
    ("1MEG", "Ohm", ["'1MEG'", "no bare M"]),
    ("1F", "F", ["'F' is the unit (1 F) and a SPICE suffix (1 x 1e-15)", "write 1 alone, or 1e-15"]),
    ("1f", "F", ["SPICE suffix (1 x 1e-15)", "read in one way only"]),
    ("1m", "m", ["'m' is the unit (1 m) and a SPICE suffix (1 x 1e-3)", "write 1 alone, or 0.001"]),
    ("2 m", "m", ["(2 m)", "2 x 1e-3"]),
    ("3A", "A", ["'A' is the unit (3 A) and a SPICE suffix (3 x 1e-18)"]),
    ("1T", "T", ["SPICE suffix (1 x 1e12)"]),
    ("1a", "A", ["f p n u m k meg G"]), ("1t", "Ohm", ["f p n u m k meg G"]), ("1x", "V", ["f p n u m k meg G"]),
    ("2k7", "Ohm", ["'2k7'", "one of f p n u m k meg G and the unit Ohm", "2u or 2e-6"]),
    ("1K", "Ohm", ["'1K'"]), ("1g", "Ohm", ["'1g'"]), ("1U", "V", ["'1U'"]), ("1 V", "A", ["'1 V'", "the unit A"]),
    ("1uA", "V", ["'1uA'", "the unit V"]), ("", "V", ["''", "a number in V, such as 10u"]), ("u", "V", ["'u'"]),
    ("ten", "V", ["'ten'", "a number in V"]), ("1,5", "V", ["'1,5'"]), ("1_000", "V", ["'1_000'"]),
    ("nan", "V", ["'nan'"]), ("inf", "V", ["'inf'"]), ("-inf", "V", ["'-inf'"]),
    ("1e999", "V", ["'1e999'", "a finite number"]),
    ("1e308meg", "V", ["a finite number"]), ("0x10", "V", ["'0x10'"]), ("1e", "V", ["'1e'"]), ("--1", "V", ["'--1'"]),
    ("1 2", "V", ["'1 2'"]), ("1u\n.control", "V", [r"'1u\n.control'"]),
    ("1; rm", "V", ["'1; rm'"]), ("{x}", "V", ["'{x}'"]),
    ("1kk", "Ohm", ["'1kk'"]), ("1 u V V", "V", ["'1 u V V'"]), ("١", "V", ["'١'"]), ("1\x00", "V", ["x00"]),
])
def test_malformed_numbers_are_refused_with_both_readings(text: str, unit: str, words: list[str]) -> None:
    refused(lambda: parse_quantity(text, unit, "resistance"), "resistance", *words)


@given(st.floats(1e-3, 999.0), st.sampled_from(
    [("f", -15), ("p", -12), ("n", -9), ("u", -6), ("k", 3), ("meg", 6), ("G", 9)]))
def test_suffixes_are_powers_of_ten(value: float, suffix: tuple[str, int]) -> None:
    text = f"{value:.6f}"
    assert parse_quantity(f"{text}{suffix[0]}", "V") == float(f"{text}e{suffix[1]}")


@given(st.text(max_size=12))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        value = parse_quantity(text, "V")
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert math.isfinite(value)


# Dimensions.


def test_dimensions() -> None:
    assert dimension("1") == dimension("") == NONE
    assert dimension("Ohm") == dimension("V/A") == dimension("ohm") == dimension("1/S")
    assert dimension("V") == tuple(map(Fraction, (2, 1, -3, -1, 0, 0, 0)))
    assert dimension("C/m**2") == dimension("A*s/m**2") and dimension("S/s") != dimension("S")
    assert dimension("V/Hz**0.5") == dimension("V*s**(1/2)")
    assert describe(dimension("A*Ohm")) == "V" and describe(NONE) == "a pure number"
    assert describe(dimension("m**3")) == "m**3" and describe(dimension("J*s**2")) == "m**2*kg"


@pytest.mark.parametrize(("unit", "words"), [
    ("nm", ["'nm'", "a coherent SI unit", "Write the value in m instead"]),
    ("mV", ["in kg * m ** 2 / A / s ** 3 instead"]),
    ("eV", ["coherent"]), ("hour", ["Write the value in s"]), ("degC", ["'degC'"]),
    ("florp", ["'florp'", "SI unit such as"]),
    ("V V V(", ["SI unit"]), ("2", ["'2'"]), ("V+", ["SI unit"]), ("%", ["'%'"]),
    ("__import__", ["SI unit"]),
    ("V\n.control", [""]), ("dB", ["'dB'"]), ("angstrom", ["in m"]), ("__import__('os').getcwd()", ["SI unit"]),
])
def test_units_that_are_not_si_are_refused(unit: str, words: list[str]) -> None:
    refused(lambda: dimension(unit), "unit", *words, error=ModelError)


# Numbers out.


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back_exactly(value: float) -> None:
    assert float(number(value)) == value and set(number(value)) <= set("0123456789.e+-")


def test_numbers_that_are_none_are_refused() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        refused(lambda bad=bad: number(bad), repr(bad), "a finite number", error=ModelError)


@pytest.mark.parametrize(("value", "unit", "text"), [
    (1e-7, "s", "100 ns"), (0.0, "V", "0 V"), (1e-6, "S", "1 µS"), (999.96, "Ohm", "1 kOhm"),
    (1000.0, "Ohm", "1 kOhm"),
    (-6.5, "V", "-6.5 V"), (1e7, "Ohm", "10 MOhm"), (0.5, "1", "0.5"), (9e-12, "m**2", "9e-12 m**2"),
    (3.12e-9, "S/s", "3.12e-09 S/s"),
    (1e-21, "F", "0.001 aF"), (4e15, "Hz", "4000 THz"), (1e-3, "m", "1 mm"), (42.0, "%", "42 %"), (1e-15, "F", "1 fF"),
    (1e3 * (1 - 1e-12), "V", "1 kV"), (12345.678, "V", "12.35 kV"),
])
def test_engineering_notation_is_written(value: float, unit: str, text: str) -> None:
    assert engineering(value, unit) == text


def test_kilogram_and_not_finite_values_get_no_prefix() -> None:
    assert engineering(1e-3, "kg") == "0.001 kg"
    assert engineering(math.nan, "V") == "nan V" and engineering(math.inf, "V") == "inf V"


@given(st.floats(1e-17, 1e14))
def test_prefixes_bring_values_between_1_and_1000(value: float) -> None:
    scale, letter = prefix(value)
    assert 0.999999 <= value * scale < 1000 and len(letter) <= 1


@given(st.floats(1e-14, 1e10))
def test_what_is_written_can_be_read(value: float) -> None:
    text = engineering(value, "V", digits=12).replace("M", "meg").replace("T", "e12 ")
    assert parse_quantity(text, "V") == pytest.approx(value, rel=1e-10)


# Names.


@pytest.mark.parametrize("name", ["a", "x1", "r_pre", "Gate", "A_1_b", "temperature", "v_pre", "in0", "a" * 200])
def test_plain_names_pass(name: str) -> None:
    assert check_name(name, "part", CircuitError) == name


@given(st.text(max_size=8))
def test_only_plain_names_pass(name: str) -> None:
    try:
        check_name(name, "part", CircuitError)
    except CircuitError as error:
        assert "part name" in str(error) and repr(name) in str(error) and "\n" not in str(error)
    else:
        assert name.isascii() and name.isidentifier() and name.lower() not in RESERVED and "__" not in name
        assert name[0] != "_" and name[-1] != "_" and not name.lower().startswith("sm_")


@given(st.text(max_size=20))
def test_only_one_line_passes_as_text(text: str) -> None:
    try:
        check_text(text, "title", CircuitError)
    except CircuitError as error:
        assert "\n" not in str(error)
    else:
        assert text.isprintable() and len(f"{text}x".splitlines()) == 1


def test_a_name_with_a_line_end_is_no_name() -> None:
    # "$" of a regular expression would let it pass.
    for name in ("a\n", "a\r", "a\x0b", "a\u2028"):
        refused(lambda name=name: check_name(name, "part", CircuitError), "part name", error=CircuitError)


# Errors.


def test_errors_say_what_was_found_expected_and_done() -> None:
    error = ModelError("x", found="1", expected="2", remedy="Write 2")
    assert str(error) == "x: found 1, expected 2. Write 2"
    assert str(ModelError("x", expected="2")) == "x: expected 2" and str(ModelError("x")) == "x"
    assert str(ModelError("x", found="1", remedy="No")) == "x: found 1. No"
    assert str(ModelError("x", found=0, expected=0.0)) == "x: found 0, expected 0.0"


@pytest.mark.parametrize("kind", [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)])
def test_errors_cross_processes(kind: type[SpicememError]) -> None:
    folder = {"folder": Path("run")} if issubclass(kind, SimulationError) else {}
    error = kind("x", found="1", expected="2", remedy="Write 2", **folder)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind and str(twin) == str(error) and twin.__dict__ == error.__dict__
    assert isinstance(twin, SpicememError)


def test_suggestions() -> None:
    assert nearest("t_yzs", ["t_ysz", "area"]) == "Did you mean t_ysz?"
    assert nearest("AREA", ["t_ysz", "area"]) == "Did you mean area?"
    assert nearest("q", ["t_ysz", "area"]) == "Known: area, t_ysz" and nearest("q", []) == "None are defined"
