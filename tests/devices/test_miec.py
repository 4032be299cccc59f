"""The mixed ionic-electronic access device against its row of Table 1, and its physics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.miec import MIEC
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

PRINTED = (0.25, -0.35, 20.0, 100e-9)
SAVE = ["v(a)", "i(v_a)", "dut.q"]


def run(engine: Any, device: MIEC, wave: Waveform, step: float) -> Any:
    circuit = Circuit("bench")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    circuit.add("dut", device, p="a", n="0")
    return engine.run(circuit, wave.duration, max_step=step, save=SAVE)


def table(engine: Any, device: MIEC) -> tuple[float, float, float, float]:
    """Turn-on voltages, ratio of the conductance at a held state, time at twice the voltage: as Table 1 is scored."""
    r = run(engine, device, Waveform.points((0, 0), (0.375, 0.375), (0.75, 0), (1.275, -0.525), (1.8, 0)), 1e-3)
    g, v, plus = device.values["ratio"] ** r["dut.q"], r["v(a)"], r.time <= 0.75
    turns = [float(v[s][np.argmax(g[s] > np.sqrt(g[s].min() * g[s].max()))]) for s in (plus, ~plus)]
    q = run(engine, device, Waveform.points((0, 0), (1e-10, 0.5), (4e-7, 0.5)), 2e-9)
    return turns[0], turns[1], float(g.max() / g.min()), float(np.interp(0.5, q["dut.q"], q.time))


def fits(found: tuple[float, ...]) -> bool:
    return all(1 / k <= f / p <= k for f, p, k in zip(found, PRINTED, (1.1, 1.1, 1.5, 2), strict=True))


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_table_1(require: Any, name: str) -> None:
    found = table(require(name), MIEC.preset("cu_miec"))
    assert fits(found)
    assert found == pytest.approx(table(require("reference"), MIEC()), rel=0.01)


@pytest.mark.parametrize("fault", [{"v_p": 0.3}, {"v_n": 0.25}, {"ratio": 100}, {"t_ion": 1e-6}])
def test_a_wrong_parameter_is_seen(vacask: Any, fault: dict[str, float]) -> None:
    assert not fits(table(vacask, MIEC(**fault)))


def test_volatile_exponential_and_saturating(ngspice: Any) -> None:
    wave = Waveform.points((0, 0), (1e-8, 0.5), (2e-6, 0.5), (2.01e-6, 0), (4e-6, 0))
    r = run(ngspice, MIEC(), wave, 1e-8)
    assert r["dut.q"].max() > 0.99
    assert r["dut.q"][-1] < 1e-4
    assert abs(r["i(v_a)"]).max() <= 1e-4
    circuit = Circuit("steady")
    circuit.add("v_a", VoltageSource(0.0), p="a", n="0")
    circuit.add("dut", MIEC(), p="a", n="0")
    amps = -ngspice.dc(circuit, "v_a", [0.0, 0.1, 0.185], save=["i(v_a)"])["i(v_a)"]
    assert amps[0] == pytest.approx(0, abs=1e-18)
    assert amps[2] / amps[1] == pytest.approx(10, rel=0.1)  # 85 mV a decade below the turn-on


def test_inconsistent_parameters_are_refused() -> None:
    for wrong in ({"i_max": 1e-11}, {"width": 0.3}):
        with pytest.raises(ModelError):
            MIEC(**wrong)
