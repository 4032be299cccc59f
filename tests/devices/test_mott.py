"""Mott threshold switch: thresholds at rest, speed and energy, the oscillator, Table 1; do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Capacitor, Circuit, CurrentSource, Resistor, VoltageSource
from spicemem.devices.mott import Mott
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

ENGINES = ["ngspice", "ngspice-osdi", "vacask", "reference"]


def at_rest(engine: Any, device: Mott, amps: float) -> tuple[float, float, float, float]:
    """Threshold and hold point (V, A) of the steady characteristic under current drive."""
    made = Circuit("rest").add("dut", device, p="a", n="0").add("i_a", CurrentSource(0.0), p="0", n="a")
    sweep = [float(f"{i:.6g}") for i in amps * np.r_[0.0, np.geomspace(2e-3, 1, 300)]]
    v = engine.dc(made, "i_a", sweep)["v(a)"]
    top = int(np.argmax(np.r_[False, (v[1:-1] > v[:-2]) & (v[1:-1] > v[2:]), False]))
    low = top + int(np.argmin(v[top:]))
    return v[top], sweep[top], v[low], sweep[low]


def has_thresholds(engine: Any, **values: float) -> None:
    """Reference page A11: 1.853 V at 33 uA, 1.271 V at 213 uA."""
    found = at_rest(engine, Mott.preset("nbo2", **values), 1e-3)
    assert found[0] == pytest.approx(1.853, rel=1e-3) and found[1] == pytest.approx(33e-6, rel=0.03)
    assert found[2] == pytest.approx(1.271, rel=1e-3) and found[3] == pytest.approx(213e-6, rel=0.03)


@pytest.mark.parametrize("name", ENGINES)
def test_steady_characteristic_with_negative_slope(name: str, require: Callable[[str], Any]) -> None:
    has_thresholds(require(name))


def test_a_wrong_parameter_is_caught(reference: Any) -> None:
    with pytest.raises(AssertionError):
        has_thresholds(reference, kappa=1.6)


@pytest.fixture
def reference(require: Callable[[str], Any]) -> Any:
    return require("reference")


def test_vo2_of_neurons(ngspice: Any) -> None:
    """Reference page A12(i)."""
    found = at_rest(ngspice, Mott.preset("vo2_yi"), 2e-3)
    assert found[0] == pytest.approx(1.14, rel=0.01)
    assert found[1] == pytest.approx(10.7e-6, rel=0.05)
    assert found[2] == pytest.approx(0.31, rel=0.02)


def test_sub_nanosecond_and_sub_100_fj(ngspice: Any) -> None:
    """Reference page A11: 0.69 ns and 85 fJ at a 2.5 V step through 1 kOhm, until the conductance has come half way
    (logarithmically)."""
    step = Waveform.points((0, 0), (1e-12, 2.5), (2e-9, 2.5))
    made = Circuit("step").add("v_b", VoltageSource(step), p="b", n="0").add("r", Resistor(1e3), p="b", n="a")
    run = ngspice.run(made.add("dut", Mott.preset("nbo2"), p="a", n="0"), 2e-9, max_step=4e-12)
    t, v, i = run.time, run["v(a)"], -run["i(v_b)"]
    g = i[1:] / v[1:]
    k = 1 + int(np.argmax(g > np.sqrt(g[5] * g[-1])))
    assert t[k] == pytest.approx(0.69e-9, rel=0.05)
    assert np.trapezoid((v * i)[:k], t[:k]) == pytest.approx(85e-15, rel=0.1)


def oscillator(engine: Any) -> tuple[float, float, float]:
    """Frequency and swing of the Pearson-Anson oscillator, 5 V, 30 kOhm, 100 pF."""
    made = Circuit("pa").add("v_b", VoltageSource(5.0), p="b", n="0").add("r", Resistor(30e3), p="b", n="a")
    made.add("c", Capacitor(100e-12), p="a", n="0").add("dut", Mott.preset("nbo2"), p="a", n="0")
    run = engine.run(made, 4e-6, max_step=2e-9, initial={"v(a)": 0.0})
    t, v = run.time, run["v(a)"]
    up = np.flatnonzero((v[:-1] < 1.5) & (v[1:] >= 1.5))
    times = t[up] + (1.5 - v[up]) / (v[up + 1] - v[up]) * (t[up + 1] - t[up])
    return 1 / float(np.mean(np.diff(times))), v[t > 1e-6].min(), v[t > 1e-6].max()


@pytest.mark.parametrize("name", ENGINES)
def test_oscillator(name: str, require: Callable[[str], Any]) -> None:
    """Reference page A11 and B7; within 1 % in every engine."""
    frequency, low, high = oscillator(require(name))
    assert frequency == pytest.approx(1.195e6, rel=0.01)
    assert low == pytest.approx(1.266, abs=0.005) and high == pytest.approx(1.860, abs=0.005)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_operating_points_are_found_anywhere(name: str, require: Callable[[str], Any]) -> None:
    engine = require(name)
    made = Circuit("cold").add("v_b", VoltageSource(0.0), p="b", n="0").add("dut", Mott(), p="b", n="0")
    for volts in (1.9, 2.5, -10.0, 100.0):
        assert abs(engine.dc(made, "v_b", [volts])["dut.w"][0]) > 3
    line = Circuit("line").add("v_b", VoltageSource(5.0), p="b", n="0").add("r", Resistor(30e3), p="b", n="a")
    assert engine.operating_point(line.add("dut", Mott(), p="a", n="0"))["v(a)"][0] == pytest.approx(1.36, abs=0.2)


@pytest.mark.parametrize("name", ENGINES)
def test_table_1_row_19(name: str, require: Callable[[str], Any]) -> None:
    """Pt/VO2/Pt: thresholds of +-0.4 V at 1 V/s, ratio 50; within 20 ns at 0.8 V."""
    engine, device = require(name), Mott.preset("pt_vo2_pt")
    triangle = Waveform.points((0, 0), (0.6, 0.6), (1.2, 0), (1.8, -0.6), (2.4, 0))
    made = Circuit("loop").add("v_a", VoltageSource(triangle), p="a", n="0").add("dut", device, p="a", n="0")
    run = engine.run(made, 2.4, max_step=2e-3)
    t, v = run.time, run["v(a)"]
    w = np.maximum(run["dut.w"], 0)
    g = 1 + (1e-2 / 1.887e-4 - 1) * np.exp(-2 / (w + 1e-3))
    assert 50 / 1.5 < g.max() / g.min() < 50 * 1.5
    for start, end, volts in ((0, 0.6, 0.4), (1.2, 1.8, -0.4)):
        half = (t > start) & (t < end)
        assert v[half][np.argmax(g[half] > np.sqrt(g.max()))] == pytest.approx(volts, rel=0.1)
    pulse = Waveform.points((0, 0), (20e-12, 0.8), (40e-9, 0.8))
    made = Circuit("step_up").add("v_a", VoltageSource(pulse), p="a", n="0").add("dut", device, p="a", n="0")
    run = engine.run(made, 30e-9, max_step=2e-10)
    w_half = 2 / np.log((1e-2 / 1.887e-4 - 1) / (np.sqrt(50) - 1))
    assert 2e-9 < run.time[np.argmax(run["dut.w"] > w_half)] < 20e-9


def test_inconsistent_parameters_are_refused() -> None:
    for values in ({"rho_m": 0.02}, {"t_c": 290.0}):
        with pytest.raises(ModelError, match="must be below"):
            Mott(**values)
