"""The ovonic threshold switch: threshold, hold, snap-back, negative slope."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, CurrentSource, Resistor, VoltageSource
from spicemem.devices.ots import OTS
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

AMPS = [float(f"{a:.4g}") for a in np.logspace(-8, -3, 81)]


def steady(engine: Any, device: OTS) -> tuple[float, float, Any]:
    """Largest steady voltage under current drive, the smallest after it, and the curve."""
    circuit = Circuit("steady")
    circuit.add("i_a", CurrentSource(0.0), p="0", n="a")
    circuit.add("dut", device, p="a", n="0")
    v = engine.dc(circuit, "i_a", AMPS, save=["v(a)"])["v(a)"]
    top = int(v.argmax())
    return float(v[top]), float(v[top:].min()), v


def pulsed(engine: Any, device: OTS, volts: float, **inputs: Waveform) -> Any:
    circuit = Circuit("pulsed")
    circuit.add("v_a", VoltageSource(Waveform.points((0, 0), (1e-6, volts), (2e-6, 0))), p="a", n="0")
    circuit.add("r_s", Resistor(5e3), p="a", n="d")
    for name, signal in inputs.items():
        circuit.add(f"v_{name}", VoltageSource(signal), p=name, n="0")
    circuit.add("dut", device, p="d", n="0", **{name: name for name in inputs})
    return engine.run(circuit, 2e-6, max_step=2e-9, save=["v(d)", "dut.w"])


def switch(engine: Any, device: OTS) -> tuple[float, float]:
    """When it turns on and off in a triangle through 5 kOhm (s)."""
    r = pulsed(engine, device, 2.5)
    on = r.time[r["dut.w"] > 0.5]
    return float(on[0]), float(on[-1])


def usual(top: float, hold: float) -> bool:
    """Threshold calibrated to 1.6 V; hold between 0.8 and 1.2 V."""
    return 1.55 <= top <= 1.65 and 0.8 <= hold <= 1.2


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_steady_curve_falls_from_threshold_to_hold(require: Any, name: str) -> None:
    top, hold, v = steady(require(name), OTS.preset("chalcogenide"))
    assert usual(top, hold)
    falling = slice(int(v.argmax()), int(v.argmax()) + int(v[v.argmax():].argmin()) + 1)
    assert len(v[falling]) > 10
    assert (np.diff(v[falling]) < 0).all()


@pytest.mark.parametrize("fault", [{"p_0": 5e-6}, {"v_b": 0.4}, {"r_off": 3e6}])
def test_a_wrong_parameter_is_seen(vacask: Any, fault: dict[str, float]) -> None:
    assert not usual(*steady(vacask, OTS(**fault))[:2])


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    assert switch(require(name), OTS()) == pytest.approx(switch(require("reference"), OTS()), rel=0.01)


def test_snaps_back_at_either_sign_and_is_volatile(ngspice: Any) -> None:
    for sign in (1, -1):
        r = pulsed(ngspice, OTS(), sign * 2.5)
        v = sign * r["v(d)"]
        assert v.max() < 1.7
        assert v[r["dut.w"] > 5].max() < 1.1
        assert r["dut.w"][-1] < 1e-2
    assert pulsed(ngspice, OTS(), 1.4)["dut.w"].max() < 0.5


def test_jitter_shifts_the_threshold(ngspice: Any) -> None:
    later = pulsed(ngspice, OTS(), 2.5, jitter=Waveform.constant(0.1))
    shift = later.time[np.argmax(later["dut.w"] > 0.5)] - switch(ngspice, OTS())[0]
    assert shift * 2.5e6 == pytest.approx(0.1, rel=0.3)


def test_a_start_beyond_the_core_is_refused() -> None:
    with pytest.raises(ModelError):
        OTS(w_init=2e3)
