"""The electrochemical metallisation cell against rows of Table 1, and its physics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.devices.ecm import ECM
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

#: Vset, Vreset (V), ratio, set and reset time (s) as printed, or as the preset says it read them.
ROWS = {"ag_zro2_graphene_pt": (1.0, -1.0, 1e10, 10e-9, 33e-9), "ag_zho_goqds_pt": (0.19, -0.075, 1e4, 13e-9, 50e-9)}


def bench(device: ECM, wave: Waveform, series: float = 0.0, **inputs: Waveform) -> Circuit:
    circuit = Circuit("bench")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    if series:
        circuit.add("r_s", Resistor(series), p="a", n="d")
    for name, signal in inputs.items():
        circuit.add(f"v_{name}", VoltageSource(signal), p=name, n="0")
    circuit.add("dut", device, p="d" if series else "a", n="0", **{name: name for name in inputs})
    return circuit


def conductance(device: ECM, result: Any) -> Any:
    return 1 / (device.values["r_fil"] + 1 / result["dut.g_gap"])


def crossing(x: Any, g: Any, middle: float | None = None) -> float:
    """Where the conductance first crosses the geometric middle of its ends, or another middle."""
    logs = np.log(g)
    m = np.log(middle) if middle else (logs[0] + logs[-1]) / 2
    return float(x[np.argmax((logs - m) * np.sign(logs[-1] - logs[0]) > 0)])


def table(engine: Any, device: ECM, v_set: float, v_reset: float, t_set: float, t_reset: float) -> list[float]:
    """Vset, Vreset, ratio, set and reset time, measured as Table 1 is scored (first loop: it starts from open)."""
    a, b = 1.5 * v_set, 1.5 * v_reset
    wave = Waveform.points((0, 0), (a, a), (2 * a, 0), (2 * a - b, b), (2 * a - 2 * b, 0))
    save = ["v(a)", "dut.x", "dut.g_gap"]
    r = engine.run(bench(device, wave), wave.duration, max_step=wave.duration / 2000, save=save)
    g, v, up = conductance(device, r), r["v(a)"], r.time <= 2 * a
    found = [crossing(v[up], g[up]), crossing(v[~up], g[~up]), float(g[up][-1] / g[-1])]
    for start, volts, seconds in ((r["dut.x"][-1], 2 * v_set, t_set), (r["dut.x"][up][-1], 2 * v_reset, t_reset)):
        pulse = Waveform.points((0, 0), (seconds / 1000, volts), (4 * seconds, volts))
        q = engine.run(bench(device.replace(x_init=float(np.clip(start, 0, 1))), pulse), 4 * seconds,
                       max_step=seconds / 50, save=save)
        found.append(crossing(q.time, conductance(device, q), float(np.sqrt(g[up][-1] * g[-1]))))
    return found


def fits(found: list[float], printed: tuple[float, ...]) -> bool:
    limits = (1.1, 1.1, 1.5, 2, 2)
    return all(1 / k <= f / p <= k for f, p, k in zip(found, printed, limits, strict=True))


@pytest.mark.parametrize("name", ROWS)
def test_table_1(ngspice: Any, name: str) -> None:
    assert fits(table(ngspice, ECM.preset(name), *ROWS[name][:2], *ROWS[name][3:]), ROWS[name])


@pytest.mark.parametrize("fault", [{"t_set": 3e6}, {"n_reset": 0.35}, {"g_off": 2e-13}])
def test_a_wrong_parameter_is_seen(vacask: Any, fault: dict[str, float]) -> None:
    printed = ROWS["ag_zro2_graphene_pt"]
    found = table(vacask, ECM.preset("ag_zro2_graphene_pt", **fault), *printed[:2], *printed[3:])
    assert not fits(found, printed)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    """A set through 500 Ohm, and a reset that is stopped half way."""
    device, wave = ECM.preset("ag_ngst_pt"), Waveform.points((0, 0), (0.3, 0.3), (0.6, 0), (0.72, -0.12), (0.84, 0))
    circuit = bench(device, wave, 500.0)
    runs = [require(n).run(circuit, 0.84, max_step=1e-3, save=["dut.x"]) for n in (name, "reference")]
    times = np.linspace(0.01, 0.84, 200)
    one, two = (np.interp(times, r.time, r["dut.x"]) for r in runs)
    middle = [float(r.time[np.argmax(r["dut.x"] > 0.5)]) for r in runs]
    assert middle[0] == pytest.approx(middle[1], rel=0.01)
    calm = np.abs(times - middle[1]) > 0.01
    assert np.abs(one - two)[calm].max() < 0.01 * np.ptp(two)


def test_compliance_sets_the_low_resistance(ngspice: Any) -> None:
    """Ten times the current through the cell leaves about ten times the conductance."""
    wave = Waveform.points((0, 0), (0.5, 0.5), (1, 0))
    runs = [ngspice.run(bench(ECM(), wave, r), 1.0, max_step=1e-3, save=["dut.x", "dut.g_gap"]) for r in (1e5, 1e4)]
    on = [float(conductance(ECM(), r)[-1]) for r in runs]
    assert on[1] / on[0] == pytest.approx(10, rel=0.3)


def test_positive_sets_negative_resets_and_rest_keeps(ngspice: Any) -> None:
    half = ECM(x_init=0.5)
    for volts, sign in ((0.25, 1), (-0.2, -1), (0.0, 0)):
        r = ngspice.run(bench(half, Waveform.constant(volts)), 1e-3, max_step=1e-5, save=["dut.x"])
        assert np.sign(round(float(r["dut.x"][-1]) - 0.5, 9)) == sign


def test_cold_is_slow_and_jitter_delays(ngspice: Any) -> None:
    def grown(device: ECM, **inputs: Waveform) -> float:
        r = ngspice.run(bench(device, Waveform.constant(0.2), **inputs), 1e-3, max_step=1e-5, save=["dut.x"])
        return float(r["dut.x"][-1])

    plain = grown(ECM())
    assert grown(ECM(t_amb=280)) < 0.5 * plain
    assert grown(ECM(), jitter=Waveform.constant(0.03)) < 0.5 * plain


def test_inconsistent_parameters_are_refused() -> None:
    for wrong in ({"g_off": 1e-2}, {"r_fil": 1e8}):
        with pytest.raises(ModelError):
            ECM(**wrong)
