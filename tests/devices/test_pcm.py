"""Phase-change memory: accumulation, RESET, threshold switching, drift; do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.devices.pcm import PCM
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

SET, RESET = (1.2, 50e-9), (2.0, 30e-9)


def conductances(engine: Any, pulses: list[tuple[float, float]], preset: str = "gst_reset",
                 **values: float) -> np.ndarray[Any, Any]:
    """Low-field conductance (S) 100 ns after each pulse, its edges 2 ns, read at 0.1 V."""
    points, reads, t = [(0.0, 0.0)], [], 5e-9
    for volts, width in pulses:
        points += [(t, 0), (t + 2e-9, volts), (t + 2e-9 + width, volts), (t + 4e-9 + width, 0)]
        t += width + 100e-9
        points += [(t, 0), (t + 2e-9, 0.1), (t + 20e-9, 0.1), (t + 22e-9, 0)]
        reads.append(t + 15e-9)
        t += 50e-9
    made = Circuit("pulses").add("v_a", VoltageSource(Waveform.points(*points)), p="a", n="0")
    run = engine.run(made.add("dut", PCM.preset(preset, **values), p="a", n="0"), t, max_step=2e-9)
    return -run.at("i(v_a)", np.array(reads)) / 0.1


def accumulates(engine: Any, **values: float) -> None:
    """Conductance rises with every pulse (behaviours.csv: pcm-accumulate); the map of docs/devices.md."""
    g = 1e6 * conductances(engine, [SET] * 20, **values)
    assert (np.diff(g) > 0).all()
    assert g[[0, 4, 9, 19]] == pytest.approx([0.33, 1.25, 4.1, 12.1], rel=0.1)


def test_accumulation(ngspice: Any) -> None:
    accumulates(ngspice)


def test_a_wrong_parameter_is_caught(vacask: Any) -> None:
    with pytest.raises(AssertionError):
        accumulates(vacask, r_th=1.0e6)


def test_reset_brings_the_same_count_again(ngspice: Any) -> None:
    g = conductances(ngspice, [RESET] + [SET] * 12 + [RESET] + [SET] * 12)
    assert g[13] < 0.3e-6 and g[0] < 0.3e-6
    counts = [int(np.argmax(part > 4e-6)) for part in (g[1:13], g[14:])]
    assert counts[0] > 5 and abs(counts[0] - counts[1]) <= 1
    assert conductances(ngspice, [RESET], "gst_set")[0] < 0.3e-6
    assert conductances(ngspice, [(0.8, 50e-9)], "gst_set")[0] > 15e-6


def test_amorphous_phase_switches_at_a_threshold(ngspice: Any) -> None:
    """It snaps on near 1 V, stays on below that, goes off near the hold voltage; too fast to crystallise."""
    wave = Waveform.points((0, 0), (40e-9, 2.0), (80e-9, 0), (100e-9, 0))
    made = Circuit("iv").add("v_b", VoltageSource(wave), p="b", n="0").add("r", Resistor(5e3), p="b", n="a")
    run = ngspice.run(made.add("dut", PCM(), p="a", n="0"), 100e-9, max_step=1e-10)
    on, t = run["dut.on"], run.time
    turned_on, turned_off = np.argmax(on > 0.5), len(on) - np.argmax(on[::-1] > 0.5)
    assert 0.85 < run["v(a)"][:turned_on].max() < 1.15
    assert t[turned_on] < 40e-9 < t[turned_off] and 0.2 < run["v(a)"][turned_off] < 0.7
    assert run["dut.a"][-1] > 0.9


@pytest.mark.parametrize(("preset", "low", "high"), [("gst_reset", 0.05, 0.11), ("gst_set", 0.005, 0.02)])
def test_drift(preset: str, low: float, high: float, ngspice: Any) -> None:
    made = Circuit("drift").add("v_a", VoltageSource(0.1), p="a", n="0").add("dut", PCM.preset(preset), p="a", n="0")
    state, i = None, []
    for stop in (1e-3, 1.0, 1e4):
        run = ngspice.run(made, stop, max_step=stop / 50, initial=state)
        state = run.final_state()
        i.append(-run["i(v_a)"][-1])
    assert low < np.log(i[1] / i[2]) / np.log(1e4) < high
    assert run["dut.a"][-1] == pytest.approx(run["dut.a"][0], abs=1e-6)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(name: str, require: Callable[[str], Any]) -> None:
    pulses = [SET] * 3 + [RESET] + [SET]
    found, ideal = conductances(require(name), pulses), conductances(require("reference"), pulses)
    assert found == pytest.approx(ideal, rel=0.02, abs=0.01 * np.ptp(ideal))


def test_noise_pins(ngspice: Any) -> None:
    made = Circuit("noisy").add("v_a", VoltageSource(0.1), p="a", n="0").add("v_r", VoltageSource(0.1), p="r", n="0")
    made.add("dut", PCM(), p="a", n="0", read_noise="r").add("quiet", PCM(), p="b", n="0")
    made.add("v_b", VoltageSource(0.1), p="b", n="0")
    run = ngspice.operating_point(made)
    assert run["i(v_a)"][0] / run["i(v_b)"][0] == pytest.approx(1.1, rel=2e-3)


def test_inconsistent_parameters_are_refused() -> None:
    for values in ({"g_a": 1e-4}, {"t_y": 600.0}, {"t_m": 700.0}):
        with pytest.raises(ModelError, match="must be below"):
            PCM(**values)
