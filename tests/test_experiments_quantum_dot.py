"""Does each quantum-dot experiment miss its rows when device, pulses or reading are wrong?"""

from dataclasses import replace

import numpy as np
import pytest

from spicemem import engines
from spicemem.curve import Curve
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.experiments import EXPERIMENTS, quantum_dot
from spicemem.experiments.base import run_experiment


def missed(name, folder, **values):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True, values=values)
    assert summary["status"] == "missed", summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.mark.parametrize(("name", "wrong", "rows"), [
    ("qd-loop", {"r_s": 0.0}, "qd-gh qd-ratio"),
    ("qd-loop", {"n_max": 45.0}, "qd-gl qd-ratio"),
    ("qd-stdp", {"v_c": -1.9, "v_d": 3.9, "w_c": 0.02, "w_d": 0.02}, "qd-window-outer"),
    ("qd-stdp", {"a_c": 1500.0}, "qd-fig3a-depression"),
    ("qd-stdp", {"a_d": 600.0}, "qd-fig3a-potentiation qd-fig3b-potentiation qd-fig3c-potentiation"),
    ("qd-levels", {"v_c": -4.6}, "qd-levels-count qd-g10-onset"),
    ("qd-levels", {"n_max": 44.0}, "qd-g10-onset"),
    ("qd-pulses", {"n_init": 8.0}, "qd-g0 qd-max-potentiation"),
    ("qd-efficiency", {"v_c": -3.2}, "qd-model-tail"),
    ("qd-efficiency", {"a_c": 200.0}, "qd-model-tail qd-model-sym-limit"),
])
def test_wrong_device_misses(name, wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    original = QuantumDot.preset.__func__
    monkeypatch.setattr(QuantumDot, "preset", classmethod(
        lambda cls, preset, **v: original(cls, preset, **{**wrong, **v})))
    assert set(rows.split()) <= missed(name, tmp_path)


@pytest.mark.parametrize(("name", "rows"), [
    ("qd-stdp", "qd-fig3a-potentiation qd-fig3a-depression qd-fig3b-potentiation qd-fig3c-potentiation "
                "qd-fig3d-depression"),
    ("qd-levels", "qd-min-dv-order qd-levels-count"),
    ("qd-pulses", "qd-sign-potentiation qd-max-potentiation"),
    ("qd-efficiency", "qd-model-sym-limit"),
])
def test_swapped_neurons_miss(name, rows, tmp_path, monkeypatch, require):
    require("vacask")
    right = quantum_dot.rules()
    monkeypatch.setattr(quantum_dot, "rules", lambda: {
        key: replace(rule, pre=rule.post, post=rule.pre) for key, rule in right.items()})
    assert set(rows.split()) <= missed(name, tmp_path)


def test_a_reading_with_the_series_resistance_misses(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(quantum_dot, "R_S", 0.0)
    assert {"qd-g0", "qd-max-potentiation"} <= missed("qd-pulses", tmp_path)


def test_a_faster_sweep_misses_the_thresholds(tmp_path, require):
    require("vacask")
    assert missed("qd-loop", tmp_path, rate=0.5) == {"qd-vc", "qd-vd"}


def test_levels_are_told_apart_by_pairs():
    g = 2e-11 * np.array([1.0, 1.19, 1.21, 1.4, 1.5, 0.4])
    assert [round(g[k] / 2e-11, 2) for k in quantum_dot.levels(g, factor=1.2, least=1e-11)] == [1.0, 1.21, 1.5]


def test_last_is_the_outermost_delay():
    def last(y, level, side):
        return quantum_dot._last(Curve(np.arange(-2.0, 3) * 1e-3, np.array(y), "t", "s", "y", "1"), level, side)

    assert last([0, 1, 0, 1, 0], 0.5, 1) == pytest.approx(1.5)
    assert last([0, 1, 0, 1, 0], 0.5, -1) == pytest.approx(-1.5)
    assert last([1, 0, 0, 0, 0], 0.5, -1) == -2  # still above at the end of the grid
    assert np.isnan(last([1, 1, 0, 0, 0], 0.5, 1))


@pytest.mark.parametrize("total", [1e-6, 2e-6])
def test_more_than_the_series_resistance_lets_through_is_no_channel(total):
    assert np.isnan(quantum_dot.channel(np.array([total]))).all()
    assert quantum_dot.channel(np.array([0.8e-6]))[0] == pytest.approx(4e-6)
