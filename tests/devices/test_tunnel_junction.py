"""Oxide tunnel junction: loop, energy, short-term and long-term memory, equal steps, and what the engines agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.tunnel_junction import OTJ
from spicemem.engines.result import Result
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

Segments = list[tuple[float, float]]  # volts, seconds


def run(engine: Any, segments: Segments, max_step: float, edge: float = 1e-12, read: float = 0.0,
        **values: float) -> Result:
    points, t = [(0.0, read)], 0.0
    for v, width in segments:
        points += [(t + edge, v), (t + width, v)]
        t += width
    c = Circuit("otj_test")
    c.add("dut", OTJ(**values), p="a", n="0").add("v_a", VoltageSource(Waveform.points(*points)), p="a", n="0")
    result: Result = engine.run(c, t, max_step=max_step, save=["v(a)", "i(v_a)", "dut.w", "dut.s", "dut.g_memory"])
    return result


def read(result: Result, t: Any, **values: float) -> Any:
    """Current at 0.1 V in the state at time t."""
    v = OTJ(**values).values
    g = result.at("dut.g_memory", t) + v["g_s"] * result.at("dut.s", t) ** 2
    return g * v["v_0"] * np.sinh(0.1 / v["v_0"])


def loop_figures(engine: Any, **values: float) -> dict[str, float]:
    r = run(engine, [(2.2, 0.1), (0.1, 1e-3), (-4.3, 0.1), (0.1, 1e-3)], 2e-4, 1e-6, **values)
    low, high = (0.1 / -float(r.at("i(v_a)", t)) for t in (0.1009, 0.2019))
    return {"otj-lrs": low, "otj-hrs": high, "otj-on-off": high / low}


def energy(engine: Any, volts: float, **values: float) -> float:
    r = run(engine, [(volts, 20e-9), (0.0, 1e-7)], 1e-10, **values)
    return float(-np.trapezoid(r["v(a)"] * r["i(v_a)"], r.time)) * 1e15


def energy_figures(engine: Any, **values: float) -> dict[str, float]:
    volts = np.arange(1.6, 2.01, 0.1)
    kept = [float(run(engine, [(v, 20e-9), (0.0, 20e-6)], 1e-8, **values)["dut.g_memory"][-1]) for v in volts]
    change = np.log(np.maximum(np.array(kept) * 1.8e8 - 1, 1e-12))
    return {"otj-energy-stm": energy(engine, 0.48, **values), "otj-energy-ltm": energy(engine, 1.8, **values),
            "otj-ltm-threshold": float(np.interp(np.log(0.01), change, volts))}


def staircase_figures(engine: Any, **values: float) -> dict[str, float]:
    """Three cycles of 20 up and 20 down, each pulse 50 ns with edges of 1 ns; the last cycle counts."""
    cycle = [(2.2, 50e-9), (0.0, 20e-6)] * 20 + [(-2.5, 50e-9), (0.0, 20e-6)] * 20
    w = float(np.log(1.8e8 * 1e-6) / np.log(1.8e8 / 2.7e4))
    r = run(engine, cycle * 3, 4e-6, 1e-9, **{"w_init": w, **values})
    ends = np.cumsum([width for _, width in cycle * 3])[1::2]
    g = np.asarray(read(r, ends, **values))[79:] * 1e7
    up, down = np.diff(g[:21]), -np.diff(g[20:])
    states = min(int((step >= 0.005 * np.ptp(g)).sum()) for step in (up, down))
    return {"otj-g-max": float(g[20]), "otj-g-min": float(g[40]), "otj-ltp-states": states}


BOUNDS = {"otj-hrs": (1.71e8, 1.89e8), "otj-lrs": (25650, 28350), "otj-on-off": (6365, 7035),
          "otj-energy-stm": (0.0234, 0.0286), "otj-energy-ltm": (0.414, 0.506), "otj-ltm-threshold": (1.65, 1.95),
          "otj-g-min": (0.9, 1.1), "otj-g-max": (9.45, 11.55), "otj-ltp-states": (20, 20)}


def missed(figures: dict[str, float]) -> set[str]:
    return {row for row, value in figures.items() if not BOUNDS[row][0] <= value <= BOUNDS[row][1]}


@pytest.mark.parametrize("figures", [loop_figures, energy_figures, staircase_figures])
def test_published_numbers(ngspice: Any, figures: Any) -> None:
    assert missed(figures(ngspice)) == set()


@pytest.mark.parametrize(("figures", "fault", "row"), [
    (loop_figures, {"g_on": 1 / 3e4}, "otj-lrs"), (energy_figures, {"g_s": 2e-6}, "otj-energy-ltm"),
    (energy_figures, {"a_p": 1e-7}, "otj-ltm-threshold"), (staircase_figures, {"a_p": 7e-9}, "otj-g-max"),
])
def test_a_wrong_value_is_caught(ngspice: Any, figures: Any, fault: dict[str, float], row: str) -> None:
    assert row in missed(figures(ngspice, **fault))


def test_paired_pulses_facilitate_and_fade(ngspice: Any) -> None:
    gaps, found = np.array([0.15e-6, 0.45e-6, 0.95e-6, 1.95e-6]), []
    for gap in gaps:
        r = run(ngspice, [(0.6, 50e-9), (0.0, float(gap))] * 10, 1e-8)
        ends = np.arange(10) * (50e-9 + gap) + 50e-9
        above = np.asarray(read(r, ends)) - float(read(r, 0.0))
        found.append((above[1] / above[0] - 1, above[9] / above[0] - 1))
    pair, train = np.array(found).T
    assert (train > pair).all() and (pair > 0).all() and (np.diff(pair) < 0).all() and (np.diff(train) < 0).all()
    for index in (pair, train):  # otj-ppf-ptp-decay
        (a, tau), _ = curve_fit(lambda t, a, tau: a * np.exp(-t / tau), gaps * 1e6, index, p0=(index[0], 0.5))
        residual = index - a * np.exp(-gaps * 1e6 / tau)
        assert 1 - (residual**2).sum() / ((index - index.mean()) ** 2).sum() >= 0.95


@pytest.mark.parametrize(("volts", "period", "kept"), [(0.9, 0.2e-6, False), (1.5, 0.2e-6, True), (1.5, 2e-6, False)])
def test_letters(ngspice: Any, volts: float, period: float, kept: bool) -> None:
    train: Segments = [(volts, 50e-9), (0.0, period - 50e-9)] * 9 + [(volts, 50e-9), (0.0, 25e-6)]
    r = run(ngspice, train, 2e-8)
    rest = float(read(r, 0.0))
    assert float(read(r, 9 * period + 50e-9)) / rest > 1.5
    later = float(read(r, r.time[-1])) / rest
    assert later > 2 if kept else later < 1.2
    if kept:  # letters-retention
        w = float(r["dut.w"][-1])
        long = run(ngspice, [(0.1, 600.0)], 30.0, 1e-3, w_init=w)
        assert abs(long["dut.g_memory"][-1] / long["dut.g_memory"][0] - 1) < 0.1


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0])
def test_reading_keeps_the_state(ngspice: Any, w: float) -> None:
    r = run(ngspice, [(0.1, 2e4)], 1000.0, 1.0, w_init=w)
    assert abs(r["dut.g_memory"][-1] / r["dut.g_memory"][0] - 1) < 0.1  # otj-retention


def test_either_sign_leaves_the_other_direction_alone(ngspice: Any) -> None:
    down = run(ngspice, [(-1.0, 1e-6)], 1e-8, w_init=0.0)
    assert down["dut.w"].max() <= 0 and down["dut.s"].max() == 0
    up = run(ngspice, [(2.0, 1e-7)], 1e-9, w_init=0.5)
    assert np.diff(up["dut.w"]).min() >= 0 and up["dut.w"][-1] > 0.5


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    cycle = [(2.2, 50e-9), (0.0, 1e-6)] * 5 + [(-2.5, 50e-9), (0.0, 1e-6)] * 5
    runs = [run(require(e), cycle, 1e-8, 1e-9) for e in ("reference", name)]
    t = np.linspace(0, runs[0].time[-1], 400)
    for state in ("w", "s"):
        a, b = (np.asarray(r.at(f"dut.{state}", t)) for r in runs)
        assert np.ptp(a) > 100 * OTJ().resolution(state)
        assert np.abs(a - b).max() < 0.01 * np.ptp(a)


def test_crossed_conductances_are_refused() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_on"):
        OTJ(g_off=1e-3)
