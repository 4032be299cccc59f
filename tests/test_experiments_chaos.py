"""Are known exponents found; is noise told from chaos; do the experiments miss when a part is wrong?"""

import numpy as np
import pytest

from spicemem.circuit import Capacitor, Circuit, CurrentSource, Resistor
from spicemem.circuits.chaotic import coupled_junction, gated_oscillator, plasma_period
from spicemem.circuits.hopfield import hebb, hopfield
from spicemem.errors import CircuitError, InputError, SpicememError
from spicemem.experiments import chaos
from spicemem.experiments.base import run_experiment
from spicemem.protocols.exponents import (
    Exponent,
    map_exponent,
    period,
    surrogate,
    surrogate_test,
    twins,
)
from spicemem.protocols.firing import fire, firing_step
from spicemem.spikes import find_spikes, mean_interval_error
from spicemem.waveform import Waveform

EXPERIMENTS = {e.name: e for e in chaos.EXPERIMENTS}


def orbit(function, start, count):
    values = [start]
    for _ in range(count - 1):
        values.append(function(values[-1]))
    return np.array(values)


def test_exponent_of_a_known_map():
    """The logistic map at 4 has ln 2; a rotation has 0; at 3.2 it repeats after two."""
    found = map_exponent(0.999 * orbit(lambda x: 4 * x * (1 - x), 0.3, 500))
    assert found.value == pytest.approx(np.log(2), abs=0.1) and found.value > 5 * found.error
    turned = map_exponent(orbit(lambda x: (x + 0.618034) % 1, 0.1, 300))
    assert abs(turned.value) < 0.01
    assert period(orbit(lambda x: 3.2 * x * (1 - x), 0.3, 300)[200:]) == 2
    assert period(orbit(lambda x: 4 * x * (1 - x), 0.3, 300)) == 0
    with pytest.raises(InputError, match="phases"):
        map_exponent(np.tile([0.1, 0.4], 100))


def test_surrogates_tell_chaos_from_noise():
    logistic = orbit(lambda x: 3.9 * x * (1 - x), 0.3, 150)
    assert surrogate_test(logistic)[2] <= 0.05
    # One false alarm in twenty is what 0.05 means.
    noises = [np.convolve(np.random.default_rng(k).normal(size=100), [1, 0.7, 0.3], "same") for k in range(6)]
    assert sum(surrogate_test(noise)[2] <= 0.05 for noise in noises) <= 1
    coloured = noises[0]
    twin = surrogate(coloured, np.random.default_rng(1))
    assert sorted(twin) == sorted(coloured) and not np.array_equal(twin, coloured)
    spectra = [np.abs(np.fft.rfft(x)) for x in (twin, coloured)]
    assert np.linalg.norm(spectra[0] - spectra[1]) < 0.1 * np.linalg.norm(spectra[1])


def test_twins_of_a_linear_circuit(vacask):
    """A capacitor on a resistor loses a difference at 1/RC."""
    cell = Circuit("leak").add("i_0", CurrentSource(1e-6), p="0", n="a")
    cell.add("c_0", Capacitor(1e-9), p="a", n="0").add("r_0", Resistor(1e3), p="a", n="0")
    scales = {"v(a)": 1.0}
    pairs = twins(cell, [{"v(a)": 0.0}, {"v(a)": 2e-3}], scales, ("v(a)", 1e-3), engine=vacask, stop=3e-6,
                  max_step=1e-8)
    assert pairs.exponent(0.0).value == pytest.approx(-1e6, rel=0.01)
    with pytest.raises(InputError, match="scales"):
        twins(cell, [{"v(b)": 0.0}], {"v(b)": 1.0}, ("v(b)", 1.0), engine=vacask, stop=1e-6, max_step=1e-8)
    with pytest.raises(SpicememError, match="nearer"):
        twins(cell, [{"v(a)": 0.0}] * 2, {"v(a)": 1e-6}, ("v(a)", 1.0), engine=vacask, stop=3e-6,
              max_step=1e-8).exponent(0.0)
    assert Exponent.of([1.0, 3.0]).error == pytest.approx(1.0)


def test_junction_stays_on_the_circle_and_engines_agree(require):
    """Maxima of the junction's voltage in the first 60 us, event by event; cosine and sine keep their length."""
    cell = coupled_junction(0.006)
    runs = []
    for name in ("ngspice", "vacask", "reference"):
        run = require(name).run(cell, 60e-6, max_step=plasma_period(cell) / chaos.PERIOD_STEPS, initial=chaos.REST,
                                save=list(chaos.SCALES))
        assert np.abs(np.hypot(run["jj.c"], run["jj.s"]) - 1).max() < 2e-3
        runs.append(find_spikes(run.time, run["v(node)"], 1.5))
    assert len(runs[0]) >= 5
    for other in runs[:2]:
        assert mean_interval_error(other, runs[2], 5) < 0.005


def test_josephson_experiment(vacask, tmp_path):
    found = run_experiment(EXPERIMENTS["josephson"], vacask, tmp_path / "right", quick=True)
    assert found["status"] == "ok", found["reason"]
    # Planted: a coupling that is ten times as strong is periodic everywhere.
    wrong = run_experiment(EXPERIMENTS["josephson"], vacask, tmp_path / "wrong", quick=True, values={"coupling": 10.0})
    assert wrong["status"] == "missed"


def test_chaos_experiment(vacask, tmp_path):
    found = run_experiment(EXPERIMENTS["chaos"], vacask, tmp_path / "right", quick=True)
    assert found["status"] == "ok", found["reason"]
    wrong = run_experiment(EXPERIMENTS["chaos"], vacask, tmp_path / "wrong", quick=True, values={"drive": 0.1})
    assert wrong["status"] == "missed"


def test_first_events_agree(ngspice, vacask):
    """The first five events of the chaotic cell, against a run with a quarter of the step."""
    stop = 50e-6
    cell = gated_oscillator().drive(supply=Waveform.points((0, 0), (1e-8, chaos.SUPPLY)),
                                    gate=chaos.sine(chaos.GATE, 0.36, stop))
    step = firing_step(cell, stop / 500)

    def events(engine, max_step):
        return fire(cell, stop, engine=engine, signal="i(sense)", threshold=chaos.FIRES, reset=chaos.RESET,
                    max_step=max_step).spikes

    fine = events(vacask, step / 4)
    for engine in (ngspice, vacask):
        assert mean_interval_error(events(engine, step), fine, 5) < 0.005


def test_longest_row():
    assert chaos.longest([True, False, True, True]) == (2, 3)
    assert chaos.longest([False]) == (0, -1)


def test_weights(vacask):
    with pytest.raises(CircuitError, match="square"):
        hopfield(np.ones((3, 3)), 1e-5)
    with pytest.raises(CircuitError, match="weight"):
        hopfield([[0, 20.0], [1.0, 0]], 1e-5)
    stored = np.array([1.0, -1.0, 1.0, 1.0])
    found = chaos.settled(vacask, hebb([stored]), np.array([-1.0, -1.0, 1.0, 1.0]), {}, 2e-5)
    assert (found.signs == stored).all()
    assert (chaos.settled(vacask, -hebb([stored]), stored, {}, 2e-5).signs != stored).any()


def test_best_cut():
    square = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]], float)
    assert chaos.best_cut(square) == chaos.cut(square, np.array([1.0, -1, 1, -1])) == 4
    assert chaos.best_cut(chaos.maximum_cut()) == 36


def test_hopfield_experiment(vacask, tmp_path):
    found = run_experiment(EXPERIMENTS["hopfield"], vacask, tmp_path / "right", quick=True)
    assert found["status"] == "ok", found["reason"]
    # Planted: no chaos, so nothing is gained; and so much of it that the weights are rewritten.
    for size in (0.0, 20.0):
        wrong = run_experiment(EXPERIMENTS["hopfield"], vacask, tmp_path / f"wrong{size:g}", quick=True,
                               values={"chaos": size})
        assert wrong["status"] == "missed"
