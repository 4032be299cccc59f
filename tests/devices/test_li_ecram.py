"""Lithium ECRAM: linear steps, energy of a write, the cell voltage of a battery, and what the engines agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, CurrentSource, VoltageSource
from spicemem.devices.li_ecram import LiECRAM
from spicemem.engines.result import Result
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

SAVE = ["v(gate)", "dut.x", "dut.v_cell"]


def run(engine: Any, device: LiECRAM, wave: Waveform, stop: float, max_step: float) -> Result:
    c = Circuit("li_ecram_test").add("dut", device, gate="gate", drain="d", source="0")
    c.add("v_g", VoltageSource(wave), p="gate", n="0").add("v_d", VoltageSource(Waveform.constant(0.1)), p="d", n="0")
    result: Result = engine.run(c, stop, max_step=max_step, save=[*SAVE, "i(v_g)", "i(v_d)"])
    return result


def steps(engine: Any, device: LiECRAM, volts: float) -> np.ndarray[Any, Any]:
    """Changes of the channel conductance (S) by 100 pulses of 10 us, read at 0.1 V."""
    wave = Waveform.pulse(volts, 10e-6, 1e-7).repeat(100, 20e-6)
    r = run(engine, device, wave, 2e-3, 5e-7)
    return np.diff(-np.asarray(r.at("i(v_d)", np.arange(101) * 20e-6)) / 0.1)


def nearly_linear(engine: Any, **values: float) -> bool:
    """100 pulses up and down: each in its direction, none more than 20 % off their mean, 150 to 250 a window."""
    for start, volts in ((0.25, 1.0), (0.75, -1.0)):
        change = np.sign(volts) * steps(engine, LiECRAM(x_init=start, **values), volts)
        mean = change.mean()
        if not (150 < 400e-9 / mean < 250 and np.abs(change / mean - 1).max() < 0.2):
            return False
    return True


def test_steps_are_nearly_linear(ngspice: Any) -> None:
    assert nearly_linear(ngspice)


@pytest.mark.parametrize("fault", [{"v_slope": 1.0}, {"q_area": 0.05}, {"r_area": 0.1}])
def test_a_wrong_value_is_caught(ngspice: Any, fault: dict[str, float]) -> None:
    assert not nearly_linear(ngspice, **fault)


def test_a_write_at_200_nm_takes_less_than_10_aj(ngspice: Any) -> None:
    r = run(ngspice, LiECRAM.preset("nano"), Waveform.pulse(0.3, 1.5e-3, 1e-5), 2e-3, 1e-5)
    assert 0.004 < r.at("dut.x", 1.5e-3) - 0.5 < 0.006  # one of some 200 steps
    part = r.time <= 1.5e-3
    assert 0 < -np.trapezoid((r["v(gate)"] * r["i(v_g)"])[part], r.time[part]) < 10e-18


def test_millivolts_move_it_slowly(ngspice: Any) -> None:
    r = run(ngspice, LiECRAM(), Waveform.pulse(10e-3, 1.0, 1e-3), 1.0, 1e-2)
    assert 1e-3 < r["dut.x"][-1] - 0.5 < 1e-2


def test_an_open_gate_keeps_the_state_and_a_shorted_one_relaxes(ngspice: Any) -> None:
    c = Circuit("open_gate").add("dut", LiECRAM(x_init=0.8), gate="gate", drain="0", source="0")
    c.add("i_g", CurrentSource(Waveform.constant(0.0)), p="gate", n="0")
    r = ngspice.run(c, 100.0, max_step=1.0, save=SAVE)
    assert r["dut.x"][-1] == pytest.approx(0.8, abs=1e-4)
    assert r["v(gate)"][-1] == pytest.approx(r["dut.v_cell"][-1], abs=1e-4) and r["v(gate)"][-1] > 0.03
    shorted = run(ngspice, LiECRAM(x_init=0.8), Waveform.constant(0.0), 100.0, 0.5)
    assert shorted["dut.x"][-1] == pytest.approx(0.5, abs=0.01)


def test_the_ends_hold(ngspice: Any) -> None:
    wave = Waveform.points((0, 0), (1e-3, 5), (2e-2, 5), (2.1e-2, -5), (5e-2, -5))
    r = run(ngspice, LiECRAM(), wave, 5e-2, 1e-4)
    assert r["dut.x"].max() == pytest.approx(1, abs=0.01) and r["dut.x"].min() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
@pytest.mark.parametrize("preset", ["lista", "nano"])
def test_engines_agree(require: Any, name: str, preset: str) -> None:
    wave = Waveform.points((0, 0), (1e-3, 0.6), (2e-3, -0.5), (3e-3, 0.0), (4e-3, 0.0))
    runs = [run(require(e), LiECRAM.preset(preset), wave, 4e-3, 1e-5) for e in ("reference", name)]
    t = np.linspace(0, 4e-3, 400)
    a, b = (np.asarray(r.at("dut.x", t)) for r in runs)
    assert np.ptp(a) > 100 * LiECRAM().resolution("x")
    assert np.abs(a - b).max() < 0.01 * np.ptp(a)


def test_crossed_conductances_are_refused() -> None:
    with pytest.raises(ModelError, match="g_min must be below g_max"):
        LiECRAM(g_min=1e-6)
