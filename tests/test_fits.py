"""Fits: planted parameters are found, their standard errors are right, and what points cannot say is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.curve import Curve
from spicemem.errors import CurveError
from spicemem.fits import Fit, asymmetry, fit, neurosim_label, nonlinearity

DELAYS = np.linspace(-0.1, 0.1, 41)
GAPS = np.geomspace(1e-3, 3.0, 40)
TIMES = np.geomspace(1e-3, 1e5, 50)
PULSES = np.arange(0.0, 33.0)


def stdp(x: Any, a: float = 5e-9, b: float = -4e-9, tau_a: float = 20e-3, tau_b: float = 30e-3) -> Any:
    return np.where(x > 0, a * np.exp(-np.abs(x) / tau_a), np.where(x < 0, b * np.exp(-np.abs(x) / tau_b), 0.0))


def update(x: Any, g_min: float, g_max: float, alpha: float) -> Any:
    """As the papers write it, with A = P_max/alpha."""
    top = x.max()
    a = top / alpha
    return g_min + (g_max - g_min) / (1 - np.exp(-top / a)) * (1 - np.exp(-x / a))


#: kind, options, x, function, parameters, standard deviation of the noise, a wrong kind
CASES: dict[str, tuple[Any, ...]] = {
    "stdp": ("exponential-stdp", {}, DELAYS, stdp,
             {"A+": 5e-9, "tau+": 20e-3, "A-": -4e-9, "tau-": 30e-3}, 1e-10, "gaussian"),
    "stdp-offset": ("exponential-stdp", {"offset": True}, DELAYS, lambda x: stdp(x) + 3e-10,
                    {"A+": 5e-9, "tau+": 20e-3, "A-": -4e-9, "tau-": 30e-3, "offset": 3e-10}, 1e-11, "line"),
    "gaussian": ("gaussian", {"offset": True}, DELAYS, lambda x: 6e-9 * np.exp(-0.5 * ((x - 0.01) / 0.02) ** 2) - 1e-9,
                 {"A": 6e-9, "mu": 0.01, "sigma": 0.02, "offset": -1e-9}, 1e-10, "exponential-stdp"),
    "gaussian-centred": ("gaussian", {"offset": True, "centre": 0.0}, DELAYS,
                         lambda x: 88 * np.exp(-((x / 0.033) ** 2)) - 5,
                         {"A": 88.0, "sigma": 0.033 / 2**0.5, "offset": -5.0}, 1.0, "exponential-stdp"),
    "epsc": ("exponential", {"offset": True}, np.linspace(0, 2e-6, 60), lambda x: 3e-9 * np.exp(-x / 4e-7) + 1e-9,
             {"A": 3e-9, "tau": 4e-7, "offset": 1e-9}, 3e-11, "line"),
    "ppf": ("double-exponential", {"offset": 1.0}, GAPS,
            lambda x: 1 + 0.6 * np.exp(-x / 0.02) + 0.3 * np.exp(-x / 0.5),
            {"C1": 0.6, "tau1": 0.02, "C2": 0.3, "tau2": 0.5}, 0.005, "exponential"),
    "ppf-percent": ("double-exponential", {"offset": True}, GAPS,
                    lambda x: 100 + 60 * np.exp(-x / 0.02) + 30 * np.exp(-x / 0.5),
                    {"C1": 60.0, "tau1": 0.02, "C2": 30.0, "tau2": 0.5, "offset": 100.0}, 0.3, "exponential"),
    "retention": ("stretched-exponential", {"offset": True}, TIMES, lambda x: 2e-6 + 8e-6 * np.exp(-((x / 40) ** 0.4)),
                  {"A": 8e-6, "tau": 40.0, "beta": 0.4, "offset": 2e-6}, 5e-8, "exponential"),
    "ltp": ("ltp", {}, PULSES, lambda x: update(x, 1e-6, 9e-6, 2.5),
            {"G_min": 1e-6, "G_max": 9e-6, "alpha": 2.5}, 1e-7, "line"),
    "ltd": ("ltd", {}, PULSES, lambda x: update(32 - x, 1e-6, 9e-6, -4.0),
            {"G_min": 1e-6, "G_max": 9e-6, "alpha": -4.0}, 1e-7, "line"),
    "small-change": ("ltp", {}, PULSES, lambda x: update(x, 1.0, 1.000001, -1.5),
                     {"G_min": 1.0, "G_max": 1.000001, "alpha": -1.5}, 1e-8, "line"),
}


@pytest.mark.parametrize("case", CASES)
def test_planted_parameters_are_found_with_errors_that_are_right(case: str):
    """Over 40 noisy sets: within what the standard errors say, nearly always within three of them."""
    kind, options, x, function, truth, noise, wrong = CASES[case]
    exact = fit(kind, x, function(x), **options)
    assert {n: exact[n] for n in truth} == pytest.approx(truth, rel=1e-5) and exact.r_squared == pytest.approx(1.0)
    rng = np.random.default_rng(7)
    pulls = []
    for _ in range(40):
        y = function(x) + noise * rng.standard_normal(len(x))
        found = fit(kind, x, y, **options)
        pulls.append([(found[n] - truth[n]) / found.parameter(n).error for n in truth])
        assert 0 < found.r_squared < 1
    spread = np.array(pulls)
    assert (np.abs(spread) < 3).mean() > 0.97 and np.abs(spread).max() < 5
    assert np.sqrt((spread**2).mean()) == pytest.approx(1.0, abs=0.25) and np.abs(spread.mean(axis=0)).max() < 0.55
    other = fit(wrong, x, y, offset=True) if wrong not in ("line", "ltp", "ltd") else fit(wrong, x, y)
    assert other.r_squared < found.r_squared


@pytest.mark.parametrize("scale", [(1e-9, 1e-15), (1e6, 1e9)])
@pytest.mark.parametrize("case", CASES)
def test_units_change_nothing(case: str, scale: tuple[float, float]):
    kind, options, x, function, truth, _, _ = CASES[case]
    if isinstance(options.get("offset"), float):
        options = {"offset": options["offset"] * scale[1]}
    found = fit(kind, x * scale[0], function(x) * scale[1], **options)
    factor = {n: scale[0] if n.startswith(("tau", "mu", "sigma")) else 1.0 if n in ("alpha", "beta") else scale[1]
              for n in truth}
    assert {n: found[n] / factor[n] for n in truth} == pytest.approx(truth, rel=1e-4)


def test_a_wrong_answer_would_be_seen():
    """Planted fault: a time constant that is 50 % off lies far outside the standard errors."""
    kind, options, x, function, truth, noise, _ = CASES["stdp"]
    found = fit(kind, x, function(x, tau_a=30e-3) + noise * np.random.default_rng(1).standard_normal(41), **options)
    assert abs(found["tau+"] - truth["tau+"]) > 3 * found.parameter("tau+").error


def curve(y: Any = None, x: Any = DELAYS) -> Curve:
    return Curve(x, stdp(np.asarray(x)) if y is None else y, "delay", "s", "dG", "S", name="stdp-antisymmetric")


def test_a_fit_of_a_curve_has_its_units_residuals_and_function():
    found = curve().fit("exponential-stdp")
    assert {name: p.unit for name, p in found.parameters.items()} == {"A+": "S", "tau+": "s", "A-": "S", "tau-": "s"}
    assert np.isnan(found(0.0)) and np.isnan(found.residuals[20]) and np.nanmax(np.abs(found.residuals)) < 1e-14
    assert found([0.02]) == pytest.approx(5e-9 / np.e)
    with pytest.raises(CurveError, match="Did you mean tau"):
        found["tau"]


def test_one_side_and_starting_values():
    right = curve(x=DELAYS[21:]).fit("exponential-stdp", p0={"tau+": 0.5})
    assert list(right.parameters) == ["A+", "tau+"] and right["tau+"] == pytest.approx(20e-3)
    assert np.isnan(right(-0.01))
    y = 1 + 0.6 * np.exp(-GAPS / 0.02) + 0.3 * np.exp(-GAPS / 0.5)
    swapped = fit("double-exponential", GAPS, y, {"tau1": 1.0, "tau2": 0.01}, offset=1.0)
    assert (swapped["tau1"], swapped["C1"]) == pytest.approx((0.02, 0.6))


def test_what_is_given_is_a_parameter_without_error():
    bell = curve(-2e-9 * np.exp(-0.5 * (DELAYS / 0.02) ** 2)).fit("gaussian", centre=0.0)
    assert bell["A"] == pytest.approx(-2e-9) and bell.parameters["mu"] == (0.0, 0.0, "s")
    up = Curve(PULSES, update(PULSES, 1e-6, 2e-6, 1.0), "pulse", "1", "conductance", "S").fit("ltp")
    assert up.parameters["P_max"] == (32.0, 0.0, "1") and up.parameters["G_max"].unit == "S"
    assert np.isnan(up(-1.0)) and up(32.0) == pytest.approx(2e-6)


def test_lines():
    line = curve(3e-6 * DELAYS + 1e-9).fit("line")
    assert (line["slope"], line["intercept"]) == pytest.approx((3e-6, 1e-9))
    assert line.parameters["slope"].unit == "S/s"
    assert np.isnan(curve(np.full(41, 0.1)).fit("line").r_squared)
    x = np.geomspace(1e-9, 1e-3, 20)
    power = curve(2e-6 * x**-0.5, x=x).fit("log-log-line", p0={"factor": 1e-6})
    assert (power["exponent"], power["factor"]) == pytest.approx((-0.5, 2e-6))
    assert power(4.0) == pytest.approx(1e-6) and np.isnan(power(-1.0)) and power.r_squared == pytest.approx(1.0)


def test_line_fit_standard_errors_are_the_textbook_ones():
    line = curve(3.0 * DELAYS + np.sin(1e3 * DELAYS)).fit("line")
    variance = (line.residuals**2).sum() / (41 - 2)
    expected = np.sqrt(variance / ((DELAYS - DELAYS.mean()) ** 2).sum())
    assert line.parameters["slope"].error == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("x", "y", "kind", "more", "words"), [
    (DELAYS, stdp(DELAYS), "exponental-stdp", {}, "Did you mean .*exponential-stdp"),
    (DELAYS[18:23], stdp(DELAYS[18:23]), "exponential-stdp", {}, "4 usable points, expected at least 5 for 4 param"),
    ([0.0, 1.0], [1.0, 2.0], "line", {}, "2 usable points, expected at least 3"),
    ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "line", {}, "that the points leave free.*determine slope"),
    (DELAYS, np.zeros(41), "gaussian", {}, "all have the same y"),
    (GAPS, np.full(40, 0.7), "stretched-exponential", {"offset": True}, "all have the same y, expected.* beta"),
    (DELAYS, np.ones(41), "exponential-stdp", {}, "same y, expected points that determine A"),
    (DELAYS, [1.0] * 40 + [np.nan], "line", {}, "not finite"),
    (DELAYS, stdp(DELAYS)[1:], "line", {}, "as many x as y"),
    (DELAYS, stdp(DELAYS), "log-log-line", {}, "positive x and y"),
    (DELAYS, stdp(DELAYS), "line", {"offset": True}, "no offset for this kind"),
    (DELAYS, stdp(DELAYS), "gaussian", {"offset": np.inf}, "finite"),
    (GAPS, np.exp(-GAPS), "exponential", {"centre": 0.0}, "Only a gaussian"),
    (DELAYS, stdp(DELAYS), "exponential", {}, "x from 0 on"),
    (DELAYS, stdp(DELAYS), "gaussian", {"p0": {"width": 1.0}}, "starting value for 'width'"),
    (DELAYS, stdp(DELAYS), "exponential-stdp", {"p0": {"tau+": -1.0}}, "expected one above zero"),
    (DELAYS, np.where(np.abs(DELAYS) < 6e-3, 1.0, 0.0), "exponential-stdp", {}, "determine"),
    (GAPS, np.exp(-GAPS / 0.3), "double-exponential", {}, "determine"),  # one of the two is not there
    (PULSES, 1e-6 * PULSES, "exponential", {"offset": True}, "determine"),  # a straight line has no time constant
])
def test_fits_that_cannot_be_are_refused(x: Any, y: Any, kind: Any, more: dict[str, Any], words: str):
    with pytest.raises(CurveError, match=words):
        fit(kind, x, y, **more)


def test_a_curve_with_a_failed_point_is_refused():
    with pytest.raises(CurveError, match="points are nan"):
        curve(np.where(DELAYS == 0, np.nan, stdp(DELAYS))).fit("line")


# --- figures of merit -------------------------------------------------------------------------------------------------


def branches(up: float, down: float) -> tuple[Fit, Fit]:
    """Fits of both branches, from 1 to 9 uS and back; the first pulses of depression are the largest for down < 0."""
    return (fit("ltp", PULSES, update(PULSES, 1e-6, 9e-6, up)),
            fit("ltd", PULSES, update(32 - PULSES, 1e-6, 9e-6, down)))


def test_asymmetry_is_none_where_depression_retraces_potentiation():
    assert asymmetry(*branches(2.0, 2.0)).value == pytest.approx(0.0, abs=1e-6)
    up, down = branches(2.4, -4.88)
    assert asymmetry(up, down).value == pytest.approx(7.28)
    assert np.diff(down(PULSES))[0] < 5 * np.diff(down(PULSES))[-1] < 0  # fast at first
    with pytest.raises(CurveError, match="an ltp and an ltd fit"):
        asymmetry(down, up)


def test_asymmetry_adds_the_errors_of_both():
    rng = np.random.default_rng(3)
    up, down = (fit(kind, PULSES, g + 1e-7 * rng.standard_normal(33)) for kind, g in (
        ("ltp", update(PULSES, 1e-6, 9e-6, 1.0)), ("ltd", update(32 - PULSES, 1e-6, 9e-6, -1.0))))
    found = asymmetry(up, down)
    assert found.error > max(up.parameter("alpha").error, down.parameter("alpha").error)
    assert abs(found.value - 2.0) < 3 * found.error


#: Label and A/P_max, rows of NeuroSim's own table.
NEUROSIM = {0.01: 126.268958, 0.5: 2.519877, 1.51: 0.819477, 3.01: 0.385310, 6.01: 0.135117, 9.0: 0.022810}


@pytest.mark.parametrize("label", NEUROSIM)
def test_neurosim_labels_are_those_of_its_table(label: float):
    alpha = 1 / NEUROSIM[label]
    assert neurosim_label(alpha) == pytest.approx(label, rel=1e-4)
    assert neurosim_label(-alpha) == -neurosim_label(alpha)
    x = np.linspace(0, 1, 5001)
    assert nonlinearity(x, update(x, 0.0, 1.0, alpha)) == pytest.approx(0.099 * label, rel=2e-3)


def test_nonlinearity_without_a_model():
    assert nonlinearity(PULSES, 3e-6 - 1e-8 * PULSES) == pytest.approx(0.0, abs=1e-12)
    step = np.r_[1e-6, np.full(32, 9e-6)]
    assert nonlinearity(PULSES[::-1], step[::-1]) == pytest.approx(31 / 32)  # in any order
    for x, y in ((PULSES[:2], step[:2]), (PULSES, np.ones(33)), (np.ones(33), step), (PULSES, step * np.nan)):
        with pytest.raises(CurveError, match="three finite points"):
            nonlinearity(x, y)
