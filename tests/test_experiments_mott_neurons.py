"""Do the criteria of spiking patterns refuse what is no such pattern; do the experiments miss when a part is wrong?"""

from functools import partial

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.neurons import neuristor, relaxation_oscillator, vo2_neuron
from spicemem.devices.mott import Mott
from spicemem.experiments import mott_neurons
from spicemem.experiments import vo2_neuron as vo2
from spicemem.experiments.base import run_experiment
from spicemem.spikes import Spikes, mean_interval_error
from spicemem.waveform import Waveform

EXPERIMENTS = {e.name: e for e in (*mott_neurons.EXPERIMENTS, *vo2.EXPERIMENTS)}


def train(*times, peaks=None):
    t = np.array(times, float)
    tall = np.full(len(t), 0.75) if peaks is None else np.array(peaks)
    return Spikes(t, tall, t + 0.05, np.full(len(t), 0.1))


def steps(*gaps, start=1.2):
    return tuple(np.cumsum([start, *gaps]))


REGULAR = steps(*[1.0] * 8)
#: Criterion: marks, stop, a train that meets it, trains that do not.
CASES = {
    vo2.all_or_nothing: ((1, 3, 5, 7), 9, train(5.2, 7.2), [
        train(3.2, 5.2, 7.2), train(5.2, 5.5, 7.2), train(5.2), train(3.2, 7.2), train(5.2, 7.2, peaks=(0.75, 0.70)),
        train(0.5, 5.2, 7.2), train(1.2, 3.2, 5.2, 7.2)]),
    vo2.refractory_period: ((1, 2, 5), 7, train(1.2, 5.2), [
        train(1.2, 2.2, 5.2), train(1.2), train(2.2, 5.2), train(1.2, 5.2, 5.4), train(0.5, 1.2, 5.2)]),
    vo2.tonic_spiking: ((1,), 10, train(*REGULAR), [
        train(*REGULAR[:6]), train(0.5, *REGULAR), train(*steps(1, 1, 1, 1.2, 1, 1, 1, 1)), train(*REGULAR[-4:]),
        train(*steps(0.1, 0.1, 2.5, 0.1, 0.1, 2.5, 0.1, 0.1))]),
    vo2.tonic_bursting: ((1,), 8.7, train(*steps(.2, .2, 2, .2, .2, 2, .2, .2, 2, .2)), [
        train(*REGULAR), train(*steps(.2, .2, 2, .2, 2, .2, .2, 2, .2, .2)), train(*steps(.2, .2, 2, .2, .2)),
        train(*steps(.2, .2, .4, .2, .2, .4, .2, .2)), train(0.5, *steps(.2, .2, 2, .2, .2, 2, .2, .2, 2, .2)),
        train(*steps(.2, .2, 2, .2, .2, 1, .2, .2, 2, .2, .2)), train(*steps(.2, 2, .2, 2, .2, start=-4.0))]),
    vo2.phasic_spiking: ((1,), 10, train(1.2), [
        train(1.2, 1.5), train(6.0), train(0.5), train(*REGULAR)]),
    vo2.phasic_bursting: ((1,), 10, train(1.2, 1.4, 1.7, 2.2), [
        train(1.2), train(1.2, 1.4), train(*REGULAR), train(0.5, 1.2, 1.4), train(6, 6.2, 6.4), train(1.2, 1.4, 9.5)]),
    vo2.mixed_mode: ((1,), 10, train(*steps(.2, .2, 2, 1.3, 1.3, 1.3, 1.3)), [
        train(*REGULAR), train(*steps(.2, .2, 2, 1.3, 1.3)), train(*steps(.2, .2, 2, .2, 1.5, 1.3, 1.3, 1.3)),
        train(*steps(.2, .2, 2, .2, .2, 2, .2, .2, 2, .2, .2)), train(*steps(.2, .2, 2, 1.3, 1.0, 1.3, 1.3))]),
    vo2.spike_frequency_adaptation: ((1,), 10, train(*steps(1, 1.2, 1.4, 1.6, 1.7, 1.7)), [
        train(*REGULAR), train(*steps(1.7, 1.6, 1.4, 1.2, 1, 1)), train(*steps(1, 1.2, 1.6)),
        train(*steps(1, 1.4, 1.2, 1.6, 1.7, 1.7)), train(0.2, *steps(1, 1.2, 1.4, 1.6, 1.7, 1.7)),
        train(*steps(.2, .3, .4, .5, .6))]),
    vo2.class_1_excitability: ((1,), 10, train(*steps(2, 1.5, 1.2, 1.0, 0.9, 0.8)), [
        train(*REGULAR), train(*steps(0.8, 0.9, 1, 1.2, 1.5, 2)), train(*steps(2, 1.5, 1.6, 1.0, 0.9, 0.8)),
        train(*steps(2, 1.5, 1.2, 0.9)), train(0.5, *steps(2, 1.5, 1.2, 1.0, 0.9, 0.8))]),
    vo2.class_2_excitability: ((1,), 10, train(*steps(*[.8] * 7, start=4.1)), [
        train(*REGULAR), train(*steps(2, 1.5, 1.2, 1.0, 0.9, 0.8, start=2.9)), train(*steps(*[.8] * 5, start=4.1)),
        train(*steps(*[.1] * 25, start=7.4))]),
    vo2.spike_latency: ((1, 1.5, 4, 4.5), 7, train(2.2, 5.0), [
        train(2.0, 5.2), train(1.4, 4.2), train(2.2), train(2.2, 2.4, 5.0), train(2.0, 4.98), train(1.6, 4.55)]),
    vo2.integrator: ((1, 5), 9, train(1.6), [
        train(1.6, 5.6), train(5.6), train(1.6, 1.9), train(0.5, 1.6), train(1.6, 6.6)]),
    vo2.rebound_spike: ((1, 4), 8, train(4.2), [
        train(1.2, 4.2), train(2.0), train(4.2, 4.5), train(6.0), train(0.5, 4.2)]),
    vo2.rebound_burst: ((1,), 8, train(1.2, 1.5, 1.9), [
        train(0.5, 1.2, 1.5, 1.9), train(1.2, 1.5), train(*REGULAR[:7]), train(5, 5.2, 5.4)]),
    vo2.threshold_variability: ((1, 3, 5), 8, train(5.2), [
        train(1.2, 5.2), train(3.2, 5.2), train(1.2), train(0.5, 5.2)]),
    vo2.bistability: ((1, 1.2, 7, 7.2), 13, train(1.1, *steps(*[1.0] * 5, start=1.3)), [
        train(*REGULAR, 10.2, 11.2, 12.2), train(1.3), train(0.5, *steps(*[1.0] * 5, start=1.3)),
        train(*steps(0.2, 0.4, 0.8, 1.6, 2.0, start=1.3)), train(*steps(*[1.0] * 3, start=1.3))]),
    vo2.accommodation: ((1, 6), 10, train(6.2), [
        train(3.0, 6.2), train(3.0), train(9.0), train(0.5, 6.2)]),
    vo2.inhibition_induced_spiking: ((1,), 10, train(*REGULAR), [train(*REGULAR[:6]), train(0.5, *REGULAR)]),
    vo2.excitation_block: ((1, 6), 12, train(*steps(1, 1, 1, 1), 6.1), [
        train(*REGULAR), train(*steps(1, 1)), train(0.5, *steps(1, 1, 1, 1)), train(*steps(1, 1, 1, 1), 6.1, 11.0)]),
}


@pytest.mark.parametrize("criterion", CASES, ids=lambda c: c.__name__)
def test_each_criterion_tells_its_pattern_from_others(criterion):
    marks, stop, right, wrong = CASES[criterion]
    assert criterion(right, marks, stop)[0]
    assert not criterion(train(), marks, stop)[0], "silence"
    for other in wrong:
        assert not criterion(other, marks, stop)[0], other.times


def test_every_pattern_has_its_case_and_a_quick_run_has_enough():
    found = [p.criterion for p in vo2.patterns()]
    assert set(found) == set(CASES) and len(found) == len(set(found)) >= vo2.WANTED
    assert sum(p.short for p in vo2.patterns()) >= vo2.WANTED
    assert all(p.criterion.__doc__ for p in vo2.patterns())


@pytest.fixture(scope="module")
def bursts():
    pattern = next(p for p in vo2.patterns() if p.slug == "phasic-bursting")
    return pattern, vo2.run_pattern(engines.get("vacask"), pattern).spikes


def test_a_pattern_in_two_engines_event_by_event(bursts, require):
    require("vacask")
    pattern, wanted = bursts
    found = vo2.run_pattern(require("ngspice"), pattern).spikes
    assert pattern.holds(found)[0] and mean_interval_error(found, wanted) < 5e-3


def test_without_the_capacitor_it_is_not_phasic(bursts, require):
    """The pattern comes from the part that the table names."""
    pattern, _ = bursts
    cell = vo2_neuron().drive(inp=pattern.drive)
    other = vo2.fire(cell, pattern.stop, engine=require("vacask"), signal="v(axon)", threshold=vo2.THRESHOLD,
                     reset=vo2.RESET)
    assert not pattern.holds(other.spikes)[0] and vo2.tonic_spiking(other.spikes, pattern.marks, pattern.stop)[0]


def missed(name, folder):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


def test_switches_that_cannot_turn_off_show_no_patterns(tmp_path, monkeypatch, require):
    require("vacask")
    right = vo2.patterns()[:]
    few = [p for p in right if p.slug in ("tonic-spiking", "phasic-spiking", "integrator")]
    assert all(p.holds(vo2.run_pattern(engines.get("vacask"), p).spikes)[0] for p in few)
    monkeypatch.setattr(vo2, "patterns", lambda: few)
    monkeypatch.setattr(vo2, "WANTED", 3)
    monkeypatch.setattr(vo2, "vo2_neuron", lambda device, **v: vo2_neuron(device, **{**v, "r_2": 4e3, "v_dc": 1.3}))
    assert missed("vo2-neuron", tmp_path) == {"vo2-neuron-patterns"}


@pytest.mark.parametrize(("wrong", "rows"), [
    ({"r_2": 4e3}, {"neuristor-input-current", "neuristor-all-or-nothing"}),    # both switches latch
    ({"c_2": 1.2e-9}, {"neuristor-all-or-nothing"}),
])
def test_a_wrong_neuristor_misses(wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(mott_neurons, "neuristor", partial(neuristor, **wrong))
    assert rows <= missed("neuristor", tmp_path)


def test_an_oscillator_with_another_capacitor_misses(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(mott_neurons, "relaxation_oscillator",
                        lambda r=30e3, c=1e-9: relaxation_oscillator(r=r, c=1.04 * c))
    assert missed("relaxation-oscillator", tmp_path) == {"relaxation-oscillator-period"}


def test_a_load_line_of_another_device_misses(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(mott_neurons.Static, "verdict", lambda self, supply, ohm: int(supply > 3))
    assert missed("relaxation-oscillator", tmp_path) == {"relaxation-oscillator-period"}


@pytest.mark.parametrize("name", ["MEMBRANE", "CHARGES"])
def test_a_wrong_leak_misses(name, tmp_path, monkeypatch, require):
    require("vacask")
    wrong = {"MEMBRANE": 2e-9, "CHARGES": {k: (n, a, 1e-6) for k, (n, a, _) in mott_neurons.CHARGES.items()}}
    monkeypatch.setattr(mott_neurons, name, wrong[name])
    assert missed("mott-lif", tmp_path) == {"mott-lif-lif"}


def test_the_static_curve_has_the_published_turning_points():
    at = mott_neurons.static(Mott.preset("nbo2"))
    assert at.v_th == pytest.approx(1.853, abs=1e-3) and at.amps[at.threshold] == pytest.approx(33e-6, rel=0.01)
    assert at.v_hold == pytest.approx(1.271, abs=1e-3) and at.amps[at.hold] == pytest.approx(213e-6, rel=0.01)
    # a capacitor charged through the load alone, between the same voltages: the branches take current, so slower
    bare = 30e3 * 1e-9 * np.log((5 - at.v_hold) / (5 - at.v_th))
    assert bare < at.period(5.0, 30e3, 1e-9) < 2 * bare
    assert at.period(5.0, 30e3, 2e-9) == pytest.approx(2 * at.period(5.0, 30e3, 1e-9), rel=1e-9)
    assert [at.verdict(v, 30e3) for v in (2.5, 5.0, 9.0)] == [0, 1, 2]


def test_a_series_resistor_stands_before_both_ways_in():
    nets = {e.path: e.nets for e in vo2_neuron(c_in=1e-11, r_in=1e3).drive(inp=Waveform.constant(0.0)).elements()}
    assert nets["r_in"] == {"p": "inp", "n": "near"} and nets["r_1"]["p"] == nets["c_in"]["p"] == "near"
    assert "r_in" not in {e.path for e in vo2_neuron(c_in=1e-11).drive(inp=0.0).elements()}
