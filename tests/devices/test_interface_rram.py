"""Uniform interface RRAM: the staircase of the review, its energy, two rows of Table 1, what every device owes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from spicemem import engines, expr
from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.errors import ModelError
from spicemem.experiments.base import targets
from spicemem.waveform import Waveform

#: What is built and measured for a row of Table 1 in house polarity: Vset, Vreset (V), ratio, tset, treset (s).
ROWS = {"au_pt_tio2x_pt_ti": (1.0, -0.95, 5e4, 200e-9, 1e-6), "tin_taox_hfalyox_tin": (2.0, -3.0, 6.0, 50e-9, 50e-9)}


def run(engine: str, device: InterfaceRRAM, wave: Waveform, step: float) -> Any:
    circuit = Circuit("uniform")
    circuit.add("dut", device, p="a", n="0")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    return engines.get(engine).run(circuit, float(wave.times[-1]), max_step=step,
                                   save=["dut.x", "dut.g", "v(a)", "i(v_a)"])


def read(device: InterfaceRRAM, g: Any, v: float = 0.1) -> Any:
    """Conductance at a read voltage; electrodes aside, which are a thousandth of it."""
    return g * math.sinh(v / device.v_0) / (v / device.v_0)


def staircase(device: InterfaceRRAM, engine: str = "ngspice") -> Any:
    """Conductance at the start and after each of 50 set and 50 reset pulses of 3 V and 1 ms."""
    pulse = Waveform.pulse(3.0, 1e-3, 1e-6)
    wave = pulse.repeat(50, 2e-3) + -pulse.repeat(50, 2e-3).shift(0.1)
    result = run(engine, device, wave + Waveform.points((0.2, 0.0)), 1e-4)
    return read(device, result.at("dut.g", np.r_[0.0, 1.5e-3 + 2e-3 * np.arange(99), wave.times[-1]]))


def check_staircase(g: Any) -> None:
    target = targets()["uniform-conductance"]
    up, down = np.diff(g[:51]), np.diff(g[50:])
    assert target.low <= g[50] * 1e9 <= target.high
    assert g[0] == pytest.approx(32e-9, rel=0.01) and g[-1] == pytest.approx(38e-9, rel=0.02)
    assert (up > 0).all() and (down < 0).all()
    assert up.max() < 0.1 * up.sum() and down.min() > 0.1 * down.sum()  # gradual both ways
    assert up[0] > 3 * up[-1] and down[0] < 3 * down[-1]  # and saturating


def test_50_pulses_set_and_50_reset_gradually(ngspice: Any) -> None:
    check_staircase(staircase(InterfaceRRAM.preset("ta_taox_tio2_ti")))


@pytest.mark.parametrize("fault", [{"k_p": 4e-4}, {"v_p": 0.27}, {"barrier": 1.0}])
def test_a_wrong_constant_is_seen_in_the_staircase(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        check_staircase(staircase(InterfaceRRAM(**fault)))


def test_a_spike_takes_less_than_10_fj(ngspice: Any) -> None:
    start = InterfaceRRAM(x_init=0.81)  # as 50 pulses leave it
    result = run("ngspice", start, Waveform.pulse(1.0, 50e-9, 1e-9), 1e-10)
    energy = np.trapezoid(result["v(a)"] * -result["i(v_a)"], result.time)
    assert 1 < energy * 1e15 <= targets()["uniform-energy"].high
    assert abs(result["dut.g"][-1] / result["dut.g"][0] - 1) < 0.01


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, engine: str) -> None:
    require(engine)
    device = InterfaceRRAM()
    wave = Waveform.points((0.0, 0.0), (0.15, 3.0), (0.3, 0.0), (0.45, -3.0), (0.6, 0.0))
    when = np.linspace(0.0, 0.6, 101)
    want, got = (run(name, device, wave, 1e-3).at("dut.x", when) for name in ("reference", engine))
    assert np.ptp(want) > 0.3
    assert np.abs(got - want).max() < 0.01 * np.ptp(want)


def crossing(t: Any, g: Any, level: float) -> float:
    """The first time at which g crosses a level, in either direction."""
    changed = np.flatnonzero((g > level) != (g[0] > level))
    assert len(changed), "never switched"
    k = changed[0]
    return float(t[k - 1] + (t[k] - t[k - 1]) * math.log(level / g[k - 1]) / math.log(g[k] / g[k - 1]))


def check_row(device: InterfaceRRAM, row: tuple[float, ...]) -> None:
    """As Table 1 is scored, with the margin that calibrations keep: second loop at 1 V/s, then one pulse each way."""
    v_set, v_reset, ratio, t_set, t_reset = row
    half_1, half_2 = 3 * v_set, -3 * v_reset
    period = half_1 + half_2
    once = Waveform.points((0.0, 0.0), (half_1 / 2, 1.5 * v_set), (half_1, 0.0), (half_1 + half_2 / 2, 1.5 * v_reset),
                           (period, 0.0))
    result = run("ngspice", device, once + once.shift(period), 2e-3)
    g = read(device, result["dut.g"], min(0.1, v_set / 5))
    marks = np.searchsorted(result.time, period + np.array([0.0, half_1, period - 1e-9]))
    before, on, off = g[marks]
    x_on, x_off = result["dut.x"][marks[1:]]
    assert 1 / 1.1 < on / off / ratio < 1.1
    halves = ((slice(marks[0], marks[1]), before, on, v_set), (slice(marks[1], marks[2]), on, off, v_reset))
    for half, first, last, published in halves:
        t = crossing(result.time[half], g[half], math.sqrt(first * last))
        assert once(t - period) == pytest.approx(published, rel=0.02)
    for start, width, v in ((x_off, t_set, v_set), (x_on, t_reset, v_reset)):
        pulse = Waveform.points((0.0, 0.0), (width / 1000, 2 * v), (3 * width, 2 * v))
        result = run("ngspice", device.replace(x_init=float(start)), pulse, width / 100)
        t = crossing(result.time, read(device, result["dut.g"], min(0.1, v_set / 5)), math.sqrt(on * off))
        assert 0.8 < t / width < 1.25


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_table_1(ngspice: Any, name: str) -> None:
    check_row(InterfaceRRAM.preset(name), ROWS[name])


@pytest.mark.parametrize("fault", [{"v_p": 0.07}, {"k_n": 1e-3}])
def test_a_wrong_constant_is_seen_in_table_1(ngspice: Any, fault: dict[str, float]) -> None:
    name = "au_pt_tio2x_pt_ti"
    with pytest.raises(AssertionError):
        check_row(InterfaceRRAM.preset(name, **fault), ROWS[name])


def test_the_printed_voltage_of_a_negative_set_is_that_of_n() -> None:
    assert {n for n in InterfaceRRAM.presets if InterfaceRRAM.preset(n).anode == "n"} == {"au_pt_tio2x_pt_ti"}


def rate_of(device: InterfaceRRAM, v: float, x: float) -> float:
    definition = device.definition
    symbols = expr.symbols(definition.rates["x"])
    values = {**device.values, "p": v, "n": 0.0, "x": x}
    return float(expr.compile_function([definition.rates["x"]], symbols)(*(values[s.value] for s in symbols))[0])


@pytest.mark.parametrize("name", InterfaceRRAM.presets)
def test_state_moves_with_the_voltage_rests_at_0_and_stays_in_bounds(name: str) -> None:
    device = InterfaceRRAM.preset(name)
    for v in (0.01, 0.5, 3.0, 100.0):
        assert 0 < rate_of(device, v, 0.3) <= 1e12 and 0 > rate_of(device, -v, 0.3) >= -1e12
        assert rate_of(device, v, 1.0) == 0 == rate_of(device, -v, 0.0)
        assert rate_of(device, v, 1.01) < 0 < rate_of(device, -v, -0.01)
    assert rate_of(device, 0.0, 0.3) == 0


def test_inconsistent_parameters_are_refused() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_on"):
        InterfaceRRAM(g_off=200e-9)
    with pytest.raises(ModelError, match="r_s must stay below"):
        InterfaceRRAM(r_s=1e6, g_on=1e-6)
