"""PCMO: integrates pulses and fires, resets abruptly, its row of Table 1, what every device owes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from spicemem import engines, expr
from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.pcmo import PCMO
from spicemem.errors import ModelError
from spicemem.experiments.base import targets
from spicemem.waveform import Waveform

FIRED = 200e-6  # A
EDGE = 1e-9
RESET = Waveform.pulse(-2.0, 10e-6, EDGE)


def run(engine: str, device: PCMO, wave: Waveform, step: float) -> Any:
    circuit = Circuit("pcmo")
    circuit.add("dut", device, p="a", n="0")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    return engines.get(engine).run(circuit, float(wave.times[-1]), max_step=step)


def pulses(v: float, count: int) -> Waveform:
    """Pulses with plateaus of 1 us, 1 us apart."""
    return Waveform.pulse(v, 1e-6 + 2 * EDGE, EDGE).repeat(count, 2e-6)


def ends(count: int) -> Any:
    return EDGE + 1e-6 + 2e-6 * np.arange(count)


def end_currents(device: PCMO, v: float, count: int, engine: str = "ngspice") -> Any:
    return -run(engine, device, pulses(v, count), 10e-9).at("i(v_a)", ends(count))


def check_fire(device: PCMO, v: float, published: int | None) -> Any:
    """Which of 8 pulses fires; those before it rise and stay below."""
    i = end_currents(device, v, 8)
    above = np.flatnonzero(i > FIRED)
    assert (above[0] + 1 if len(above) else None) == published
    before = i[:published - 1 if published else None]
    assert (np.diff(before) > 0).all()
    return i


@pytest.mark.parametrize(("v", "published"), [(1.7, None), (1.8, 5), (1.9, 3), (2.0, 2)])
def test_fires_earlier_at_higher_pulses(ngspice: Any, v: float, published: int | None) -> None:
    assert targets()["pcmo-pulses-to-fire"].low == 5 == targets()["pcmo-pulses-to-fire"].high
    i = check_fire(PCMO.preset("w_pcmo_ti"), v, published)
    if v == 1.8:  # the first four at 1 %, the fifth on the steep part
        assert i[:4] == pytest.approx([20.7e-6, 34.1e-6, 53.8e-6, 90.7e-6], rel=0.01)
        assert i[4] == pytest.approx(534e-6, rel=0.05)


@pytest.mark.parametrize("fault", [{"r_th": 0.0}, {"k_p": 7.0}, {"v_p": 0.225}, {"t_amb": 305.0}])
def test_a_wrong_constant_is_seen_in_the_pulse_that_fires(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        check_fire(PCMO(**fault), 1.8, 5)


def test_reset_restores_the_first_response(ngspice: Any) -> None:
    train = pulses(1.8, 5)
    wave = train + RESET.shift(12e-6) + train.shift(24e-6)
    i = -run("ngspice", PCMO(), wave, 10e-9).at("i(v_a)", np.r_[ends(5), 24e-6 + ends(5)])
    assert i[5] == pytest.approx(i[0], rel=0.05)
    assert i[4] > FIRED > i[8] and i[9] > FIRED


def test_potentiation_is_nonlinear_and_depression_abrupt(ngspice: Any) -> None:
    up = np.diff(np.r_[0.0, run("ngspice", PCMO(), pulses(1.8, 8), 10e-9).at("dut.x", ends(8) + 0.5e-6)])
    assert up.min() > -1e-6 and up.max() > 3 * up[0] > 30 * up[-1]
    down = run("ngspice", PCMO(x_init=1.0), pulses(-2.0, 8), 10e-9).at("dut.x", ends(8) + 0.5e-6)
    assert 1 - down[1] > 0.5 * (1 - down[-1])
    assert (np.diff(down) < 0).all()


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, engine: str) -> None:
    require(engine)
    wave = pulses(1.8, 5) + RESET.shift(11e-6)
    found = []
    for name in ("reference", engine):
        result = run(name, PCMO(), wave, 5e-9)
        fire = result.time[np.flatnonzero(result["dut.x"] > 0.4)[0]]
        found.append((fire, result.at("dut.x", np.r_[ends(4), 11e-6, 21.5e-6])))
    (want_fire, want), (got_fire, got) = found
    assert abs(got_fire - want_fire) < 0.01 * (want_fire - 8e-6)  # within the fifth pulse
    assert np.abs(got[:4] - want[:4]).max() < 0.01 * np.ptp(want[:4])
    assert np.abs(got - want).max() < 0.02 * np.ptp(want)  # the end of the fifth stands on the steep part


def crossing(t: Any, g: Any, level: float) -> float:
    """The first time at which g crosses a level, in either direction."""
    changed = np.flatnonzero((g > level) != (g[0] > level))
    assert len(changed), "never switched"
    k = changed[0]
    return float(t[k - 1] + (t[k] - t[k - 1]) * math.log(level / g[k - 1]) / math.log(g[k] / g[k - 1]))


def conductance(device: PCMO, x: Any) -> Any:
    return device.g_off + (device.g_on - device.g_off) * x


def check_row(device: PCMO) -> None:
    """Pt/TiN/PCMO/Pt of Table 1 in house polarity: second loop at 1 V/s, then a pulse each way."""
    v_set, v_reset, ratio, width = 2.5, -2.0, 60.0, 10e-6
    once = Waveform.points((0.0, 0.0), (3.75, 3.75), (7.5, 0.0), (10.5, -3.0), (13.5, 0.0))
    result = run("ngspice", device, once + once.shift(13.5), 2e-3)
    g = conductance(device, result["dut.x"])
    marks = np.searchsorted(result.time, [13.5, 21.0, 27.0 - 1e-9])
    before, on, off = g[marks]
    assert 1 / 1.1 < on / off / ratio < 1.1
    halves = ((slice(marks[0], marks[1]), before, on, v_set), (slice(marks[1], marks[2]), on, off, v_reset))
    for half, first, last, published in halves:
        t = crossing(result.time[half], g[half], math.sqrt(first * last))
        assert once(t - 13.5) == pytest.approx(published, rel=0.02)
    for mark, v in ((marks[2], v_set), (marks[1], v_reset)):
        pulse = Waveform.points((0.0, 0.0), (width / 1000, 2 * v), (3 * width, 2 * v))
        start = float(np.clip(result["dut.x"][mark], 0, 1))
        later = run("ngspice", device.replace(x_init=start), pulse, width / 100)
        t = crossing(later.time, conductance(device, later["dut.x"]), math.sqrt(on * off))
        assert 0.8 < t / width < 1.25


def test_row_of_table_1(ngspice: Any) -> None:
    device = PCMO.preset("pt_tin_pcmo_pt")
    assert device.anode == "n"
    check_row(device)


@pytest.mark.parametrize("fault", [{"v_p": 0.24}, {"k_n": 4e-3}, {"g_on": 4e-5}])
def test_a_wrong_constant_is_seen_in_table_1(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        check_row(PCMO.preset("pt_tin_pcmo_pt", **fault))


def rate_of(device: PCMO, v: float, x: float) -> float:
    definition = device.definition
    symbols = expr.symbols(definition.rates["x"])
    values = {**device.values, "p": v, "n": 0.0, "x": x}
    return float(expr.compile_function([definition.rates["x"]], symbols)(*(values[s.value] for s in symbols))[0])


@pytest.mark.parametrize("name", PCMO.presets)
def test_state_moves_with_the_voltage_rests_at_0_and_stays_in_bounds(name: str) -> None:
    device = PCMO.preset(name)
    for v in (0.01, 0.5, 3.0, 100.0):
        assert 0 < rate_of(device, v, 0.3) <= device.k_max and 0 > rate_of(device, -v, 0.3) >= -device.k_max
        assert rate_of(device, v, 1.0) == 0 == rate_of(device, -v, 0.0)
        assert rate_of(device, v, 1.01) < 0 < rate_of(device, -v, -0.01)
    assert rate_of(device, 0.0, 0.3) == 0


def test_heat_of_the_surroundings_speeds_it_up() -> None:
    cold, warm = (rate_of(PCMO(t_amb=t), 0.1, 0.3) for t in (300.0, 310.0))
    kt = 8.617333e-5
    assert warm / cold == pytest.approx(math.exp(0.55 / kt * (1 / 300 - 1 / 310)), rel=0.02)


def test_inconsistent_parameters_are_refused() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_on"):
        PCMO(g_on=1e-6)
