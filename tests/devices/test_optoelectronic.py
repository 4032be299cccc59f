"""Optoelectronic synapse: does it facilitate, learn faster the second time, and erase? Do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.optoelectronic import Optoelectronic
from spicemem.waveform import Waveform

EDGE = 1e-3


def bench(starts: list[float], width: float, voltage: Waveform | None = None, **values: float) -> Circuit:
    """Light pulses of 30 mW/cm2, read at 0.2 V."""
    points = [(0.0, 0.0)]
    for t in starts:
        points += [(t, 0), (t + EDGE, 300.0), (t + width - EDGE, 300.0), (t + width, 0)]
    made = Circuit("bench").add("dut", Optoelectronic.preset("gao_2019", **values), p="a", n="0", light="l")
    made.add("v_a", VoltageSource(voltage or Waveform.constant(0.2)), p="a", n="0")
    return made.add("v_l", VoltageSource(Waveform.points(*points)), p="l", n="0")


def peaks(engine: Any, starts: list[float], width: float, **values: float) -> Any:
    """Largest current above the dark level, for each pulse."""
    run = engine.run(bench(starts, width, **values), starts[-1] + width + 0.1, max_step=0.05, save=["i(v_a)"])
    current = -(run["i(v_a)"] - run["i(v_a)"][0])
    return np.array([current[(run.time >= t) & (run.time <= t + width + EDGE)].max() for t in starts])


def facilitates(engine: Any, **values: float) -> None:
    """targets.csv: optical-ppf-20s, optical-ppf-400ms."""
    first, second = peaks(engine, [0.1, 20.6], 0.5, **values)
    assert second / first > 1.15
    first, second = peaks(engine, [0.1, 0.6], 0.4, **values)
    assert second > first


def relearns(engine: Any, **values: float) -> None:
    """targets.csv: optical-relearning-pulses: 100 pulses at 1 Hz, 100 s of darkness, then again."""
    starts = [0.1 + k for k in range(100)] + [200.1 + k for k in range(20)]
    level = peaks(engine, starts, 0.5, **values)
    count = 1 + int(np.argmax(level[100:] >= level[34]))
    assert 6 <= count <= 8
    assert level[-1] >= level[34] > level[100]


@pytest.mark.parametrize("check", [facilitates, relearns])
def test_published_numbers(ngspice: Any, check: Callable[[Any], None]) -> None:
    check(ngspice)


@pytest.mark.parametrize(("check", "fault"), [
    (facilitates, {"tau_1": 5.0}), (facilitates, {"g_ph": 2e-11}), (facilitates, {"m_1": 1.0}),
    (relearns, {"tau_2": 100.0}), (relearns, {"k_2": 3e-3}), (relearns, {"m_1": 1.0}),
])
def test_which_other_constants_miss(ngspice: Any, check: Callable[..., None], fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        check(ngspice, **fault)


def test_negative_voltage_erases_and_reading_does_not(ngspice: Any) -> None:
    left = {}
    for height in (0.2, -1.5, 3.0, -3.0):
        voltage = Waveform.points((0, 0), (0.01, height), (1, height), (1.01, 0))
        run = ngspice.run(bench([], 0.5, voltage, s_init_1=5.0, s_init_2=2.0), 1.1, max_step=0.01)
        left[height] = run["dut.s_1"][-1] + run["dut.s_2"][-1]
    assert left[-1.5] == pytest.approx(left[0.2], rel=1e-9)
    assert left[3.0] == pytest.approx(left[0.2], rel=1e-9)
    assert left[-3.0] < 0.2 * left[0.2]


def test_light_that_is_off_or_below_0_changes_nothing(ngspice: Any) -> None:
    made = Circuit("bench").add("dut", Optoelectronic(), p="a", n="0", light="l")
    made.add("v_a", VoltageSource(Waveform.constant(0.2)), p="a", n="0")
    made.add("v_l", VoltageSource(Waveform.constant(-300.0)), p="l", n="0")
    run = ngspice.run(made, 10.0, max_step=0.1)
    assert run["dut.s_1"][-1] == run["dut.s_2"][-1] == 0
    assert -run["i(v_a)"][-1] == pytest.approx(0.2e-9, rel=1e-3)


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], engine: str) -> None:
    made = bench([0.1, 1.1, 2.1], 0.5)
    run, true = (require(name).run(made, 5.0, max_step=0.02) for name in (engine, "reference"))
    for state in ("dut.s_1", "dut.s_2"):
        span = np.ptp(true[state])
        assert span > 100e-3
        assert np.abs(run[state] - np.interp(run.time, true.time, true[state])).max() < 0.01 * span
