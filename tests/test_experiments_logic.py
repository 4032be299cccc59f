"""Do gates, adder and complementary switch compute; do they miss when voltages or cells are wrong?"""

import numpy as np
import pytest

from spicemem.circuits.logic import GATES, OUTPUT_THRESHOLD, Step, logic_gate, threshold_cell
from spicemem.errors import CircuitError
from spicemem.experiments import logic
from spicemem.experiments.base import run_experiment

EXPERIMENTS = {e.name: e for e in logic.EXPERIMENTS}


def test_gate_needs_both_sides():
    with pytest.raises(CircuitError, match="at least one of each"):
        logic_gate({}, {"y": threshold_cell(1.0)})
    with pytest.raises(CircuitError, match="names of their own"):
        logic_gate({"y": threshold_cell(8.0)}, {"y": threshold_cell(1.0)})


@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_xor_in_two_steps(name, require):
    engine = require(name)
    reads = {pair: logic._gate(engine, 1.0, (GATES["XOR"], pair)) for pair in ((0, 1), (1, 1))}
    assert reads[0, 1].read["y"] > 30 * reads[1, 1].read["y"]
    assert reads[1, 1].changed(("a", "b")) < 1e-3
    # OR alone is no XOR.
    first = logic.compute(engine, {"a": True, "b": True}, {"y": (OUTPUT_THRESHOLD, False)}, GATES["XOR"].steps[:1])
    assert first.read["y"] > 30 * reads[1, 1].read["y"]


def test_inputs_that_switch_are_seen(vacask):
    """Planted: a step that is high enough to reset an input that is 1."""
    found = logic.compute(vacask, {"a": True, "b": False}, {"y": (OUTPUT_THRESHOLD, False)}, [Step(20.0)])
    assert found.changed(("a",)) > 0.05


def test_contrast_counts_the_worst():
    assert logic.contrast([5.0, 0.1, 7.0], [1, 0, 1]) == pytest.approx(50)
    assert logic.contrast([5.0, 6.0, 7.0], [1, 0, 1]) < 1


def test_logic_experiment(vacask, tmp_path):
    found = run_experiment(EXPERIMENTS["logic"], vacask, tmp_path / "right")
    assert found["status"] == "ok", found["reason"]
    wrong = run_experiment(EXPERIMENTS["logic"], vacask, tmp_path / "wrong", values={"scale": 0.75})
    assert wrong["status"] == "missed"


def test_window_of_a_made_up_sweep():
    volts = np.linspace(0.01, 2, 200)
    amps = np.where((volts > 0.8) & (volts < 1.5), volts, 0.01 * volts)
    found = logic.window(volts, amps, volts, 0.5 * volts)
    assert found.opens == pytest.approx(0.8, abs=0.02)
    assert found.closes == pytest.approx(1.5, abs=0.02)
    assert found.over_opening == pytest.approx(0.8, abs=0.02)
    assert found.over_closing == pytest.approx(0.75, abs=0.02)


def test_complementary_switch(vacask, tmp_path):
    found = run_experiment(EXPERIMENTS["crs"], vacask, tmp_path / "right", quick=True)
    assert found["status"] == "ok", found["reason"]
    # Planted: both cells low at first, so the stored state is not high.
    wrong = run_experiment(EXPERIMENTS["crs"], vacask, tmp_path / "wrong", quick=True, values={"x_high": 0.3})
    assert wrong["status"] == "missed"
