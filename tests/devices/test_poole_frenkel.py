"""Thermal runaway by Poole-Frenkel conduction: threshold, hold, oscillation; do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Capacitor, Circuit, CurrentSource, Resistor, VoltageSource
from spicemem.devices.poole_frenkel import PooleFrenkel
from spicemem.errors import ModelError

ENGINES = ["ngspice", "ngspice-osdi", "vacask", "reference"]


def has_threshold(engine: Any, **values: float) -> None:
    """Reference page, end of A11: 0.964 V at 96 uA, 146 K above ambient; hold voltage 0.917 V."""
    made = Circuit("rest").add("dut", PooleFrenkel.preset("nbo2", **values), p="a", n="0")
    sweep = [float(f"{i:.6g}") for i in np.r_[0.0, np.linspace(2e-6, 600e-6, 300)]]
    run = engine.dc(made.add("i_a", CurrentSource(0.0), p="0", n="a"), "i_a", sweep)
    v = run["v(a)"]
    top = int(np.argmax(v[:100]))
    assert v[top] == pytest.approx(0.964, abs=0.001) and sweep[top] == pytest.approx(96e-6, abs=4e-6)
    assert run["dut.t_dev"][top] - 298 == pytest.approx(146, abs=4)
    assert v[top:].min() == pytest.approx(0.917, abs=0.002)


@pytest.mark.parametrize("name", ENGINES)
def test_threshold_and_hold(name: str, require: Callable[[str], Any]) -> None:
    has_threshold(require(name))


def test_a_wrong_parameter_is_caught(require: Callable[[str], Any]) -> None:
    with pytest.raises(AssertionError):
        has_threshold(require("reference"), e_a=0.2)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_oscillates_as_the_reference_does(name: str, require: Callable[[str], Any]) -> None:
    periods = []
    for engine in (require(name), require("reference")):
        made = Circuit("osc").add("v_b", VoltageSource(1.7), p="b", n="0").add("r", Resistor(5e3), p="b", n="a")
        made.add("c", Capacitor(1e-11), p="a", n="0").add("dut", PooleFrenkel(), p="a", n="0")
        run = engine.run(made, 8e-7, max_step=5e-10, initial={"v(a)": 0.0})
        t, v = run.time, run["v(a)"]
        up = np.flatnonzero((v[:-1] < 0.95) & (v[1:] >= 0.95))[1:]
        periods.append(np.mean(np.diff(t[up] + (0.95 - v[up]) / (v[up + 1] - v[up]) * (t[up + 1] - t[up]))))
    assert periods[0] == pytest.approx(periods[1], rel=0.01)
    assert 1e6 < 1 / periods[1] < 1e8


def test_operating_points_are_found_anywhere(ngspice: Any) -> None:
    made = Circuit("cold").add("v_b", VoltageSource(0.0), p="b", n="0").add("dut", PooleFrenkel(), p="b", n="0")
    for volts in (0.01, 0.95, 1.2, -5.0, 100.0):
        assert ngspice.dc(made, "v_b", [volts])["dut.t_dev"][0] > 297.9


def test_a_barrier_that_nothing_passes_is_refused() -> None:
    with pytest.raises(ModelError, match="30 kT"):
        PooleFrenkel(e_a=1.0)
