"""The diffusive memristor against its published retention, on/off ratio and dependence on compliance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.devices.diffusive import Diffusive
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

END = 2.01e-3
SAVE = ["dut.x", "dut.g", "v(d)"]


def through(device: Diffusive, series: float, wave: Waveform, **inputs: Waveform) -> Circuit:
    circuit = Circuit("bench")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    circuit.add("r_s", Resistor(series), p="a", n="d")
    for name, signal in inputs.items():
        circuit.add(f"v_{name}", VoltageSource(signal), p=name, n="0")
    circuit.add("dut", device, p="d", n="0", **{name: name for name in inputs})
    return circuit


def retention(engine: Any, device: Diffusive, **inputs: Waveform) -> tuple[float, float]:
    """(time below 1 uS after the end of a 1 V, 2 ms triangle through 10 kOhm; on/off) at 0.05 V."""
    wave = Waveform.points((0, 0.05), (1e-5, 0.05), (1.01e-3, 1), (END, 0.05), (3e-2, 0.05))
    r = engine.run(through(device, 10e3, wave, **inputs), 2e-2, max_step=2e-5, save=SAVE)
    gone = r.time[(r.time > END) & (r["dut.g"] < 1e-6)]
    return (float(gone[0]) - END if gone.size else np.inf), float(r["dut.g"].max() / r["dut.g"][0])


def retained(seconds: float) -> bool:
    return 1.2e-3 <= seconds <= 1.8e-3


def sweep(engine: Any, device: Diffusive, series: float) -> tuple[float, float, float, float, float]:
    """Conductance before, at most, 1 s after, 1000 s after a 0 to 1 V sweep, and after a negative one."""
    up = Waveform.points((0, 0), (0.5, 1), (1, 0))
    first = engine.run(through(device, series, up), 1.0, max_step=1e-3, save=SAVE)
    rest = through(device, series, Waveform.constant(0.0))
    second = engine.run(rest, 1.0, max_step=2e-2, initial=first.final_state(), save=SAVE)
    third = engine.run(rest, 1000.0, max_step=10.0, initial=second.final_state(), save=SAVE)
    down = through(device, series, -Waveform.points((0, 0), (0.5, 1), (1, 0), (1.1, 0)))
    last = engine.run(down, 1.1, max_step=1e-3, initial=third.final_state(), save=SAVE)
    g = first["dut.g"]
    return float(g[0]), float(g.max()), float(second["dut.g"][-1]), float(third["dut.g"][-1]), float(last["dut.g"][-1])


def test_retention_and_on_off_ratio(ngspice: Any) -> None:
    seconds, ratio = retention(ngspice, Diffusive.preset("ag_sio2"))
    assert retained(seconds)
    assert ratio >= 1e10


@pytest.mark.parametrize("fault", [{"t_r": 1e-3}, {"t_r": 4e-3}, {"i_nv": 30e-6}])
def test_a_wrong_parameter_is_seen(ngspice: Any, fault: dict[str, float]) -> None:
    assert not retained(retention(ngspice, Diffusive.preset("ag_sio2", **fault))[0])


def test_retention_spreads_from_a_microsecond_to_several_milliseconds(vacask: Any) -> None:
    times = [retention(vacask, d)[0] for d in Diffusive.preset("ag_sio2").sample(50, 1)]
    low, high = np.percentile(times, [5, 95])
    assert 1e-6 <= low < high <= 10e-3
    assert high > 2 * low


@pytest.mark.parametrize(("name", "engine"), [("5 nA", "vacask"), ("100 nA", "vacask"), ("5 nA", "ngspice"),
                                              ("100 nA", "ngspice")])
def test_volatile_under_low_compliance(require: Any, name: str, engine: str) -> None:
    before, most, after, _, _ = sweep(require(engine), Diffusive(), {"5 nA": 200e6, "100 nA": 10e6}[name])
    assert most > 1e4 * before
    assert after < 10 * before


def test_stable_and_bipolar_after_100_microamperes(ngspice: Any) -> None:
    before, most, _, later, reset = sweep(ngspice, Diffusive(), 5e3)
    assert most / before > 3.3e9
    assert later > most / 2
    assert reset < most / 10


def test_inputs_redraw_threshold_and_retention(ngspice: Any) -> None:
    plain = retention(ngspice, Diffusive())[0]
    doubled = retention(ngspice, Diffusive(), scatter=Waveform.constant(np.log(2)))[0]
    assert 1.8 * plain < doubled < 3 * plain  # more than twice: it already shrinks on the falling edge
    assert retention(ngspice, Diffusive(), jitter=Waveform.constant(1.0))[1] < 1.001  # never turns on


def test_either_sign_turns_on_above_the_threshold_only(ngspice: Any) -> None:
    for volts, on in ((0.35, False), (0.6, True), (-0.35, False), (-0.6, True)):
        wave = Waveform.pulse(volts, 1e-4, 1e-6)
        r = ngspice.run(through(Diffusive(), 100e3, wave), 1e-4, max_step=1e-6, save=SAVE)
        assert bool(r["dut.g"].max() > 1e-6) is on


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    expected, _ = retention(require("reference"), Diffusive())
    assert retention(require(name), Diffusive())[0] == pytest.approx(expected, rel=0.01)


def test_inconsistent_sizes_are_refused() -> None:
    for wrong in ({"x_m": 1.3}, {"x_nv": 1.5}, {"x_gap": 1.0, "x_m": 0.9}, {"g_off": 1e-5}):
        with pytest.raises(ModelError):
            Diffusive(**wrong)
