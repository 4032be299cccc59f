"""Do arrays learn, fade and hold what is written, in the simulator, and are targets missed when they should be?"""

import numpy as np
import pytest

from spicemem.experiments import array_learning as m
from spicemem.experiments.base import run_experiment
from spicemem.protocols.array import Access, write_verify
from spicemem.protocols.array_cells import conductances

RNG = np.random.default_rng(5)
BY_NAME = {e.name: e for e in m.EXPERIMENTS}


def quick(name, engine, folder, **values):
    return run_experiment(BY_NAME[name], engine, folder, quick=True, values=values)


# --- perceptron -----------------------------------------------------------------------------------------------------


def test_thirty_patterns():
    inputs, classes = m.patterns()
    assert inputs.shape == (30, 10) and len({tuple(p) for p in inputs}) == 30 and (np.abs(inputs) == 1).all()
    assert np.bincount(classes).tolist() == [10, 10, 10] and (inputs[:, 9] == 1).all()
    assert [(inputs[k] != inputs[10 * classes[k]]).sum() for k in range(30)] == [0, *[1] * 9] * 3


def test_updates_put_the_voltage_on_the_cells_asked_for_and_half_on_others():
    signs = RNG.integers(-1, 2, (10, 3)).astype(float)
    waves = m.updates(signs)
    times = np.linspace(0, 13 * m.WIDTH, 5000)
    line = {k: w(times) if callable(w) else np.full(times.shape, w) for k, w in waves.items()}
    both = np.stack([signs, -signs], axis=2).reshape(10, 6)
    for i in range(10):
        for j in range(6):
            v = line[f"wl{i}"] - line[f"bl{j}"]
            most, least = max(v.max(), m.VOLTS / 2), min(v.min(), -m.VOLTS / 2)
            assert (most == pytest.approx(m.VOLTS)) == (both[i, j] > 0)
            assert (least == pytest.approx(-m.VOLTS)) == (both[i, j] < 0)
            assert most <= m.VOLTS + 1e-12 and (both[i, j] > 0 or most == pytest.approx(m.VOLTS / 2))
    assert all(w == 0.0 for w in m.updates(np.zeros((10, 3))).values())


def test_errors_are_the_gradient_of_the_squares():
    amps, classes = RNG.normal(size=(4, 3)) / m.BETA, np.array([0, 2, 1, 1])

    def loss(a):
        goals = np.where(np.arange(3) == classes[:, None], m.GOAL, -m.GOAL)
        return ((goals - np.tanh(m.BETA * a)) ** 2).sum() / 2

    step = 1e-6 / m.BETA
    for k, c in np.ndindex(4, 3):
        bump = np.zeros((4, 3))
        bump[k, c] = step
        slope = (loss(amps + bump) - loss(amps - bump)) / (2 * step * m.BETA)
        assert m.errors(amps, classes)[k, c] == pytest.approx(-slope, rel=1e-6, abs=1e-9)


def test_one_epoch_is_the_same_in_all_engines(require, monkeypatch):
    monkeypatch.setattr(m, "EPOCHS", 1)
    found = [m.train(require(e), 3) for e in ("vacask", "ngspice-osdi")]
    before, after, _ = found[0].siemens
    asked = np.stack([found[0].signs, -found[0].signs], axis=2).reshape(10, 6)
    assert (np.sign(after - before) == asked).all() and np.abs(after / before - 1).max() > 0.01
    assert (found[1].siemens[1] - before) == pytest.approx(after - before, rel=5e-3, abs=1e-10)
    assert found[0].right == found[1].right and found[0].amps == pytest.approx(found[1].amps, rel=5e-3, abs=5e-9)


def test_perceptron_and_pulses_that_are_too_weak(require, tmp_path, monkeypatch):
    assert quick("perceptron", require("vacask"), tmp_path / "ok")["status"] == "ok"
    monkeypatch.setattr(m, "EPOCHS", 1)
    summary = quick("perceptron", require("vacask"), tmp_path / "weak", volts=0.6)
    assert summary["status"] == "missed" and "0 of 3 seeds" in summary["targets"][0]["simulated"]


# --- reservoir ------------------------------------------------------------------------------------------------------


def test_font_and_streams():
    assert len(set(m.DIGITS)) == 10
    assert all(len(rows) == 5 and {len(r) for r in rows} == {4} for rows in map(str.split, m.DIGITS))
    for digit, text in enumerate(m.DIGITS):
        for k, row in enumerate(text.split()):
            wave = m.streams(digit)[f"wl{k}"]
            middles = m.FRAME * np.arange(4) + m.LASTS / 2
            seen = wave(middles) if callable(wave) else np.zeros(4)
            assert seen.tolist() == [m.PULSE * int(c) for c in row]


def test_readout_separates_what_differs_and_nothing_else():
    inputs = RNG.uniform(1e-7, 7e-7, (10, 5))
    p = m.train_readout(inputs).probabilities(inputs)
    assert p.sum(axis=1) == pytest.approx(1) and (p.argmax(axis=1) == np.arange(10)).all()
    inputs[7] = inputs[3]
    p = m.train_readout(inputs).probabilities(inputs)
    assert p[7, 7] == pytest.approx(0.5, abs=0.05) == p[3, 3]


def test_devices_of_the_reservoir_are_the_same_in_all_engines(require):
    found = [m.respond(require(e), 1, 0.05, 2)[0] for e in ("vacask", "ngspice", "reference")]
    assert found[0].shape == (1 + m.DRAWS, 5)
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=5e-3)
    # The rows of a 2: full, last, full, first, full; what came last is remembered best.
    clean = found[0][0]
    assert clean[3] < clean[1] < min(clean[0], clean[2], clean[4])


def test_reservoir_and_noise_that_is_too_much(require, tmp_path):
    engine = require("vacask")
    summary = quick("reservoir", engine, tmp_path / "ok")
    assert summary["status"] == "ok" and "10 of 10" in summary["targets"][0]["simulated"]
    assert quick("reservoir", engine, tmp_path / "noise", noise=0.25)["status"] == "missed"


# --- write-verify-array ---------------------------------------------------------------------------------------------


def test_a_row_alone_is_that_row_of_the_array(require, monkeypatch):
    """With wires of 100 Ohm, so that it matters where the row is."""
    engine = require("vacask")
    monkeypatch.setattr(m, "SEGMENT", 100.0)
    values = m._cells(3, 2)
    x = m.crossbar(3, 3, m._cell(0.5), wires=m.Line(m.SEGMENT), values=values)
    start = conductances(x).values
    targets = start * np.where(np.arange(3) == 1, 0.85, 1.2) ** (np.arange(3) < 2)[:, None]
    whole = write_verify(x, targets, up=m.UP, down=m.DOWN, width=m.TRY, tolerance=m.STOP_AT, engine=engine,
                         access=m.GATE, cut=False)
    for row in range(3):
        alone = m._write_row(engine, values, 0.5, targets, 40, row)
        assert alone.data["pulses"].values[0].tolist() == whole.data["pulses"].values[row].tolist()
        assert alone.data["conductance"].values[0] == pytest.approx(whole.data["conductance"].values[row], rel=1e-4)


def test_hardest_pulse_sees_gates_that_leak(require):
    values = m._cells(4, 1)
    closed, leaky = (m.hardest_pulse(require("vacask"), m.crossbar(4, 4, m._cell(vt0), values=values), 1, {})[0]
                     for vt0 in (0.5, -2.0))
    assert (closed[1, 0] > 0.05) and (closed[1, 2] < -0.05)
    others = np.ones((4, 4), dtype=bool)
    others[1, ::2] = False
    assert np.abs(closed[others]).max() < 1e-6 < 0.05 < np.abs(leaky[others]).max()
    assert isinstance(m.GATE, Access) and m.GATE.gate == "wl"


def test_write_verify_array_and_what_misses_it(require, tmp_path, monkeypatch):
    monkeypatch.setattr(m, "SMALL", 3)
    engine = require("vacask")
    assert quick("write-verify-array", engine, tmp_path / "ok")["status"] == "ok"
    assert {p.name for p in (tmp_path / "ok").iterdir()} == {"disturb.csv", "written.csv", "written.png",
                                                             "summary.json"}
    assert quick("write-verify-array", engine, tmp_path / "few", pulses=1)["status"] == "missed"
    assert quick("write-verify-array", engine, tmp_path / "leaky", vt0=-2.0)["status"] == "missed"
