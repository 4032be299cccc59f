"""Neurons that accumulate in their memory: do they miss when the device, the reset or the controller is wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.synapses import one_device
from spicemem.devices.pcm import PCM
from spicemem.devices.pcmo import PCMO
from spicemem.experiments import accumulating_neurons as neurons
from spicemem.experiments.base import run_experiment
from spicemem.protocols.pulses import Event

EXPERIMENTS = {e.name: e for e in neurons.EXPERIMENTS}


def missed(name, folder):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.fixture
def plant(monkeypatch):
    """Every preset of a device with these values instead."""
    def wrong(device, **values):
        original = device.preset.__func__
        monkeypatch.setattr(device, "preset", classmethod(lambda cls, name: original(cls, name, **values)))

    return wrong


@pytest.mark.parametrize(("name", "device", "wrong", "rows"), [
    ("pcm-neuron", PCM, {"k_g": 1e3}, {"pcm-accumulate"}),
    ("pcmo-neuron", PCMO, {"k_p": 7.0}, {"pcmo-pulses-to-fire"}),
    ("pcmo-neuron", PCMO, {"r_th": 0.0}, {"pcmo-pulses-to-fire", "pcmo-time-to-fire"}),
])
def test_a_wrong_device_misses(name, device, wrong, rows, plant, tmp_path, require):
    require("vacask")
    plant(device, **wrong)
    assert missed(name, tmp_path) == rows


@pytest.mark.parametrize(("name", "setting", "wrong", "rows"), [
    ("pcm-neuron", "MELT", Event.pulse("pre", 1.4, 30e-9, 1e-6, edge=2e-9), {"pcm-accumulate"}),   # does not melt
    ("pcm-neuron", "MELT", Event.pulse("pre", 1.75, 30e-9, 1e-6, edge=2e-9), {"pcm-accumulate"}),  # melts a part
    ("pcmo-neuron", "RESET", Event.pulse("pre", -1.0, 10e-6, 1e-6, edge=1e-9), {"pcmo-time-to-fire"}),
    ("pcmo-neuron", "COMPARATOR", 60e-6, {"pcmo-pulses-to-fire"}),
])
def test_a_wrong_controller_misses(name, setting, wrong, rows, monkeypatch, tmp_path, require):
    require("vacask")
    monkeypatch.setattr(neurons, setting, wrong)
    assert missed(name, tmp_path) == rows


def test_the_controller_counts_what_a_long_train_shows(require):
    """The same pulses in one run, without a controller, pass the level at the same place."""
    engine, cell = require("vacask"), one_device(PCM.preset("gst_reset"))
    level = 1.5e-6
    cycles = neurons.accumulate(cell, neurons.SET, neurons.MELT, lambda r: float(r.siemens[0]), level, 2, engine=engine)
    train = neurons.apply(cell, [neurons.SET] * 10, engine=engine)
    assert len(cycles[0].responses) == np.argmax(train.siemens > level) + 1
    assert cycles[0].responses == pytest.approx(train.siemens[:len(cycles[0].responses)], rel=1e-2)
    assert all(c.fired for c in cycles) and cycles[0].siemens < cycles[0].responses[0]


def test_a_neuron_that_never_fires_stops_at_the_limit(require):
    cycle, = neurons.accumulate(one_device(PCM.preset("gst_reset")), neurons.SET, neurons.MELT,
                                lambda r: float(r.siemens[0]), 1.0, 1, engine=require("vacask"), limit=3)
    assert not cycle.fired and len(cycle.responses) == 3


def test_time_to_fire_lies_between_two_points():
    time, amps = np.array([0.0, 1.0, 2.0]), np.array([0.0, 100e-6, 300e-6])
    assert neurons.time_to_fire(time, amps) == pytest.approx(1.5)
    assert np.isnan(neurons.time_to_fire(time, amps / 10))


@pytest.mark.parametrize("name", ["ngspice", "reference"])
def test_the_current_of_each_pulse_in_another_engine(name, require):
    def end_currents(engine):
        cycle, = neurons.accumulate(one_device(PCMO.preset("w_pcmo_ti")), neurons.PULSE, neurons.RESET,
                                    neurons.end_current, neurons.COMPARATOR, 1, engine=engine, max_step=neurons.FINE)
        return cycle.responses

    wanted, found = end_currents(require("vacask")), end_currents(require(name))
    assert found[:4] == pytest.approx(wanted[:4], rel=5e-3)
    assert np.abs(found - wanted).max() < 0.01 * wanted.max()
