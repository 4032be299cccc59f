"""Quantum-dot memristor: the published loop, the channel, pulses, and what the engines agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.engines.result import Result
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

LOOP = (4.8, -3.2, 0.0)


def run(engine: Any, device: QuantumDot, wave: Waveform, stop: float, max_step: float) -> Result:
    c = Circuit("quantum_dot_test")
    c.add("dut", device, p="a", n="0").add("v_a", VoltageSource(wave), p="a", n="0")
    result: Result = engine.run(c, stop, max_step=max_step, save=["v(a)", "i(v_a)", "dut.n_dots", "dut.g_channel"])
    return result


def loop_figures(engine: Any, device: QuantumDot) -> dict[str, float]:
    """Second loop 0 to +4.8 to -3.2 to 0 V at 0.05 V/s: slopes within 50 mV of 0 V, crossings of 0.4 uS."""
    points, t = [(0.0, 0.0)], 0.0
    for v in LOOP * 2:
        t += abs(v - points[-1][1]) / 0.05
        points.append((t, v))
    r = run(engine, device, Waveform.points(*points), t, 0.2)
    time, v, i = r.time, r["v(a)"], -r["i(v_a)"]
    start, top, bottom, end = (p[0] for p in points[3:])
    zero = top + 4.8 / 0.05

    def slope(a: float, b: float) -> float:
        part = (time >= a) & (time <= b)
        return float(np.polyfit(v[part], i[part], 1)[0])

    def crossing(a: float, b: float, sign: float) -> float:
        part = (time >= a) & (time <= b)
        return float(np.interp(sign * 0.4e-6, sign * i[part] / v[part], v[part]))

    g_h, g_l = slope(zero - 1, zero + 1), slope(end - 1, end)
    return {"qd-gh": g_h * 1e6, "qd-gl": g_l * 1e6, "qd-ratio": g_h / g_l,
            "qd-vd": crossing(start + 2, top, 1), "qd-vc": crossing(zero + 2, bottom, -1)}


BOUNDS = {"qd-ratio": (54150, 59850), "qd-gh": (0.76, 0.84), "qd-gl": (1.26e-5, 1.54e-5), "qd-vc": (-2.05, -1.75),
          "qd-vd": (3.75, 4.05)}


def missed(figures: dict[str, float]) -> set[str]:
    return {row for row, value in figures.items() if not BOUNDS[row][0] <= value <= BOUNDS[row][1]}


def test_the_loop_has_the_published_numbers(ngspice: Any) -> None:
    assert missed(loop_figures(ngspice, QuantumDot.preset("x"))) == set()


@pytest.mark.parametrize(("fault", "rows"), [
    ({"r_s": 0.0}, {"qd-gh", "qd-ratio"}), ({"n_max": 45.0}, {"qd-gl", "qd-ratio"}), ({"v_d": 4.6}, {"qd-vd"}),
    ({"v_c": -2.7}, {"qd-vc"}),
])
def test_a_wrong_value_is_caught(ngspice: Any, fault: dict[str, float], rows: set[str]) -> None:
    assert rows <= missed(loop_figures(ngspice, QuantumDot.preset("x", **fault)))


def hebbian(delay: float) -> Waveform:
    """v(device) of rule (a): post `delay` after pre."""
    def spike(low: float, high: float) -> Waveform:
        return Waveform.points((-5e-3, 0), (-5e-6, low), (5e-6, high), (5e-3, 0))
    return (spike(-3.0, 4.2) - spike(-2.0, 2.0).shift(delay)).shift(12e-3)


def conductances(engine: Any, device: QuantumDot, delay: float, pairs: int) -> np.ndarray[Any, Any]:
    """Channel conductance (uS) before the first pair and after each of them."""
    r = run(engine, device, hebbian(delay).repeat(pairs, 24e-3), pairs * 24e-3, 5e-5)
    return np.asarray(r.at("dut.g_channel", np.arange(pairs + 1) * 24e-3)) * 1e6


def test_pairs_change_the_channel_as_published(ngspice: Any) -> None:
    up = conductances(ngspice, QuantumDot(), 1e-3, 20)
    assert 0.95 <= up[0] <= 1.05  # qd-g0
    assert 2.85 <= (up[-1] - up[0]) / up[0] <= 3.15  # qd-max-potentiation
    assert up[1] / up[0] - 1 == pytest.approx(1.36, rel=0.02)
    assert conductances(ngspice, QuantumDot(), -2e-3, 1)[1] / up[0] - 1 == pytest.approx(-0.815, rel=0.02)
    for delay, sign in ((2.4e-3, 1), (-4e-3, -1)):
        assert (sign * np.diff(conductances(ngspice, QuantumDot(), delay, 10)) > 0).all()
        assert sign * np.diff(conductances(ngspice, QuantumDot.preset("p"), delay, 1))[0] > 0


@pytest.mark.parametrize("preset", ["x", "p"])
def test_one_pulse_moves_electrons_beyond_a_threshold_only(ngspice: Any, preset: str) -> None:
    device = QuantumDot.preset(preset)
    v_c, v_d = device.values["v_c"], device.values["v_d"]

    def change(v: float) -> float:
        r = run(ngspice, device, Waveform.pulse(v, 1e-3, 1e-5), 2e-3, 1e-5)
        return float(r["dut.n_dots"][-1] / r["dut.n_dots"][0] - 1)

    assert change(v_d + 1) < -0.1 and change(v_c - 1) > 0.1
    assert abs(change(v_d - 1)) < 0.01 and abs(change(v_c + 1)) < 0.01


def test_full_and_empty_dots_limit_the_channel(ngspice: Any) -> None:
    wave = Waveform.points((0, 0), (0.01, -8), (1, -8), (1.01, 8), (2, 8), (2.01, 0), (3, 0))
    r = run(ngspice, QuantumDot(), wave, 3.0, 5e-3)
    assert r.at("dut.g_channel", 1.0) == pytest.approx(1.4e-11, rel=0.01)
    assert r["dut.g_channel"][-1] == pytest.approx(4e-6, rel=1e-3)


def test_the_state_stays_without_voltage(ngspice: Any) -> None:
    r = run(ngspice, QuantumDot(), Waveform.constant(0.0), 100.0, 1.0)
    assert r["dut.g_channel"][-1] == pytest.approx(1e-6, rel=0.01)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    wave = hebbian(1e-3).repeat(2, 24e-3) - 1.5 * hebbian(1e-3).shift(48e-3)
    runs = [run(require(e), QuantumDot(), wave, 72e-3, 5e-5) for e in ("reference", name)]
    t = np.linspace(0, 72e-3, 500)
    a, b = (np.asarray(r.at("dut.n_dots", t)) for r in runs)
    assert np.ptp(a) > 100 * QuantumDot().resolution("n_dots")
    assert np.abs(a - b).max() < 0.01 * np.ptp(a)


def test_crossed_thresholds_are_refused() -> None:
    with pytest.raises(ModelError, match="must be below"):
        QuantumDot(v_c=0.0, v_d=0.0)
