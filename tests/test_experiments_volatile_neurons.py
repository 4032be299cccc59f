"""Neurons of diffusive memristors: do the engines agree spike by spike, does a wrong device or circuit miss?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.neurons import if_neuron, relaxation_oscillator
from spicemem.curve import Curve
from spicemem.devices.diffusive import Diffusive
from spicemem.errors import CircuitError
from spicemem.experiments import volatile_neurons as neurons
from spicemem.experiments.base import Context, Outcome, run_experiment
from spicemem.spikes import mean_interval_error
from spicemem.waveform import Waveform

EXPERIMENTS = {e.name: e for e in neurons.EXPERIMENTS}
ROWS = {"if-neuron": {"if-integrate-fire"}, "ann-snn": {"ann-snn-rate-code"},
        "ag-oscillator": {"ag-oscillator-voltage", "ag-oscillator-power"}, "nociceptor": {"nociceptor-four-properties"}}


def missed(name, folder):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.fixture
def plant(monkeypatch):
    """Every preset of the device with these values instead."""
    def wrong(**values):
        original = Diffusive.preset.__func__
        monkeypatch.setattr(Diffusive, "preset", classmethod(lambda cls, name: original(cls, name, **values)))

    return wrong


@pytest.mark.parametrize(("name", "wrong"), [
    ("if-neuron", {"t_r": 5e-3}),                      # does not forget between the trains
    ("if-neuron", {"g_off": 1e-6}),                    # leaks before it fires
    ("if-neuron", {"v_th": 0.3}),                      # no amplitude is too low
    ("ag-oscillator", {"v_th": 0.7}),                  # never fires
    ("ag-oscillator", {"t_r": 0.2}),                   # stays on
    ("ann-snn", {"v_th": 0.3}),                        # fires at every input
    ("ann-snn", {"t_r": 3e-3}),                        # stays on at large inputs
    ("nociceptor", {"t_r": 30e-3}),                    # nothing decays in 2 ms, nor heals in 10 ms
    ("nociceptor", {"t_r": 2e-5}),                     # nothing is left of an injury
])
def test_a_wrong_device_misses(name, wrong, plant, tmp_path, require):
    require("vacask")
    plant(**wrong)
    assert missed(name, tmp_path) & ROWS[name]


@pytest.mark.parametrize(("name", "what", "wrong"), [
    ("if-neuron", "REST", 200e-6),                                              # not at rest yet
    ("ag-oscillator", "relaxation_oscillator", lambda device, r, c: relaxation_oscillator(device, r / 10, c)),
    ("ann-snn", "if_neuron", lambda r=1e5, **v: if_neuron(r=r / 5, **v)),       # too much current to turn off
    ("nociceptor", "HEALING", 5e-3),                                            # healed already
])
def test_a_wrong_circuit_or_setting_misses(name, what, wrong, monkeypatch, tmp_path, require):
    require("vacask")
    monkeypatch.setattr(neurons, what, wrong)
    assert missed(name, tmp_path) & ROWS[name]


def test_a_current_above_limits_misses_the_power_alone(monkeypatch, tmp_path, require):
    require("vacask")
    for name, value in (("SUPPLY", 0.6), ("LOAD", 30e3), ("CAPACITOR", 20e-9)):
        monkeypatch.setattr(neurons, name, value)
    assert missed("ag-oscillator", tmp_path) == {"ag-oscillator-power"}


def once(engine):
    """Spikes of a train with a threshold redrawn for every pulse."""
    return neurons._trial(engine, 10, 5)


@pytest.mark.parametrize("name", ["ngspice", "reference"])
def test_the_same_noise_fires_the_same_pulse_in_another_engine(name, require):
    wanted, found = once(require("vacask")), once(require(name))
    assert neurons.pulse_that_fires(found) == neurons.pulse_that_fires(wanted)
    assert len(wanted.spikes) and mean_interval_error(found.spikes, wanted.spikes) < 5e-3


def test_another_seed_is_another_train(require):
    engine = require("vacask")
    a, b = (neurons._trial(engine, 10, seed).spikes.times[0] for seed in (5, 6))
    assert a != b and a == neurons._trial(engine, 10, 5).spikes.times[0]


@pytest.mark.parametrize("name", ["ngspice", "reference"])
def test_the_rate_in_another_engine(name, require):
    wanted, found = (neurons._converted(require(e), 3.0).spikes for e in ("vacask", name))
    assert len(wanted) >= 2 and mean_interval_error(found, wanted) < 5e-3


def test_a_shift_of_the_threshold_delays_the_fire(require):
    engine, drive = require("vacask"), neurons._pulses(1.2, 12)

    def first(cell):
        return neurons._run(cell.drive(inp=drive), 12 * neurons.PERIOD, engine=engine).spikes.times

    plain = first(if_neuron())
    assert first(if_neuron(jitter=Waveform.constant(0.0)))[0] == pytest.approx(plain[0], rel=1e-3)
    assert first(if_neuron(jitter=Waveform.constant(0.05)))[0] > plain[0] + neurons.PERIOD
    assert not len(first(if_neuron(jitter=Waveform.constant(0.3))))


def test_jitter_needs_a_device_with_that_input():
    from spicemem.devices.mott import Mott

    with pytest.raises(CircuitError):
        if_neuron(Mott.preset("nbo2"), jitter=Waveform.constant(0.0))


def curves(*rows):
    x = np.array([0.1, 0.3, 0.4, 0.45, 0.5])
    return [Curve(x, np.array(row) * 1e-6, "stimulus", "V", "response", "A") for row in rows]


@pytest.mark.parametrize(("decay", "rows", "good"), [
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (3, 6, 8, 9, 10), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), True),
    ((9, 9, 0.0), ((0, 0, 0, 7, 9), (3, 6, 8, 9, 10), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), False),  # no decay
    ((9, 6, 1.0), ((0, 0, 0, 7, 9), (3, 6, 8, 9, 10), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), False),  # stays
    ((9, 6, 0.0), ((1, 0, 0, 7, 9), (3, 6, 8, 9, 10), (4, 8, 9, 11, 12), (1, 0, 0, 7, 9)), False),  # below threshold
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (0, 0, 0, 9, 10), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), True),   # a little lower
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (0, 0, 0, 7, 9), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), False),   # not lower
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (3, 6, 6, 7, 9), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), False),   # not larger
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (3, 6, 8, 9, 8), (4, 8, 9, 11, 12), (0, 0, 0, 7, 9)), False),   # smaller somewhere
    ((9, 6, 0.0), ((0, 0, 0, 7, 9), (3, 6, 8, 9, 10), (4, 8, 9, 11, 12), (0, 0, 6, 7, 9)), False),  # does not heal
])
def test_each_property_of_a_nociceptor_is_asked_for(decay, rows, good, tmp_path):
    outcome = Outcome(tmp_path)
    falling = Curve(np.array([1e-4, 1e-3, 2e-3]), np.array(decay) * 1e-6, "interval", "s", "response", "A")
    neurons._score_nociceptor(Context(engines.get("vacask"), True, {}, lambda *_: None, outcome), falling,
                              curves(*rows))
    assert outcome.scores["nociceptor-four-properties"].passed is good


def test_without_a_response_there_is_no_threshold():
    assert np.isnan(neurons.threshold(curves((0, 0, 0, 1, 2))[0]))
    assert neurons.threshold(curves((0, 0, 0, 10, 20))[0]) == pytest.approx(0.425)
