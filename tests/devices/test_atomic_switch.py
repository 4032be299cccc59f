"""Ag2S atomic switch: does it keep what is rehearsed, and forget the rest? Do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.atomic_switch import AtomicSwitch
from spicemem.errors import ModelError
from spicemem.waveform import Waveform


def bench(interval: float, count: int = 10, height: float = 0.08, jitter: float | None = None,
          **values: float) -> tuple[Circuit, float]:
    """Pulses of 0.5 s, then 20 s of rest."""
    points = [(0.0, 0.0)]
    for k in range(count):
        t = 0.1 + k * interval
        points += [(t, 0), (t + 1e-3, height), (t + 0.499, height), (t + 0.5, 0)]
    made = Circuit("bench").add("v_a", VoltageSource(Waveform.points(*points)), p="a", n="0")
    pins = {} if jitter is None else {"jitter": "j"}
    made.add("dut", AtomicSwitch.preset("ohno_2011", **values), p="a", n="0", **pins)
    if jitter is not None:
        made.add("v_j", VoltageSource(Waveform.constant(jitter)), p="j", n="0")
    return made, points[-1][0] + 20


def conductance(run: Any) -> Any:
    return run["dut.l"] + (1 - run["dut.l"]) * run["dut.s"]


def remembers(engine: Any, **values: float) -> None:
    """behaviours.csv: ag2s-rehearsal-rehearsal; docs/devices.md: l = 0.65 and 0."""
    made, stop = bench(2.0, **values)
    run = engine.run(made, stop, max_step=0.05)
    assert conductance(run)[-1] >= 0.5 * conductance(run).max()
    assert run["dut.l"][-1] == pytest.approx(0.65, abs=0.03)
    made, stop = bench(20.0, **values)
    run = engine.run(made, stop, max_step=0.1)
    assert conductance(run)[-1] < 0.1 * conductance(run).max()
    assert run["dut.l"][-1] == pytest.approx(0, abs=1e-3)
    assert float(np.interp(0.6, run.time, run["dut.s"])) == pytest.approx(0.40, abs=0.03)


def test_rehearsal_makes_it_permanent(ngspice: Any) -> None:
    remembers(ngspice)


@pytest.mark.parametrize("fault", [{"tau": 1.0}, {"tau": 40.0}, {"s_th": 0.1}, {"k_l": 0.0}, {"v_p": 0.09}])
def test_which_other_constants_miss(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        remembers(ngspice, **fault)


def test_long_term_memory_stays_and_negative_voltage_dissolves_it(ngspice: Any) -> None:
    made, _ = bench(1.0, count=1, height=0.0, l_init=0.7, s_init=0.5)
    run = ngspice.run(made, 500.0, max_step=5.0)
    assert run["dut.l"][-1] == pytest.approx(0.7, abs=1e-3)
    assert run["dut.s"][-1] == pytest.approx(0, abs=1e-3)
    made, _ = bench(1.0, count=8, height=-0.08, l_init=0.7)
    assert ngspice.run(made, 8.0, max_step=0.05)["dut.l"][-1] < 0.05


def test_jitter_shifts_the_threshold(ngspice: Any) -> None:
    first = [ngspice.run(bench(1.0, count=1, jitter=shift)[0], 0.6, max_step=0.01)["dut.s"][-1]
             for shift in (-0.01, 0.0, 0.01)]
    assert first[0] > 1.5 * first[1] > 2 * first[2]


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], engine: str) -> None:
    made, stop = bench(2.0, count=4)
    run, true = (require(name).run(made, stop, max_step=0.02) for name in (engine, "reference"))
    for state in ("dut.s", "dut.l"):
        span = np.ptp(true[state])
        assert span > 100e-4
        assert np.abs(run[state] - np.interp(run.time, true.time, true[state])).max() < 0.01 * span


def test_refusals() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_on"):
        AtomicSwitch(g_off=1e-3)
