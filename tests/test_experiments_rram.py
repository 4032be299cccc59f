"""Do trains of spikes come as asked for, and do the experiments on RRAM cells miss when something is wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.synapses import one_device
from spicemem.devices.vcm import VCM
from spicemem.devices.wox import WOx
from spicemem.errors import InputError, WaveformError
from spicemem.experiments import rram
from spicemem.experiments.base import run_experiment
from spicemem.protocols.reading import Reading
from spicemem.protocols.srdp import Train, srdp
from spicemem.waveform import Waveform

PULSE = Waveform.pulse(1.0, 1e-3, 1e-5)
LATE = {"pre": PULSE, "copy": PULSE.shift(10e-3)}


# --- the protocol -----------------------------------------------------------------------------------------------------


def test_equal_intervals_and_the_copy():
    waves = Train(LATE, 3).waves(50.0, 1)
    for port, begins in (("pre", (0.0, 0.02, 0.04)), ("copy", (0.01, 0.03, 0.05))):
        wave = waves[port]
        for begin in begins:
            assert wave(np.array([begin - 1e-6, begin + 5e-4, begin + 1.001e-3])) == pytest.approx([0, 1, 0], abs=1e-9)
        assert np.trapezoid(wave.values, wave.times) == pytest.approx(3 * 0.99e-3)


def test_a_waveform_that_begins_early_is_moved_not_cut():
    waves = Train({"a": PULSE.shift(-5e-3), "b": PULSE}, 2).waves(10.0, 1)
    assert waves["a"].times[0] == 0 and waves["b"].times[0] == pytest.approx(5e-3)


def test_random_intervals_have_the_rate_and_a_dead_time():
    train = Train(LATE, 4000, poisson=True)
    gaps = np.diff(train.times(100.0, 1)[0])
    assert gaps.min() > 1e-3 and gaps.mean() == pytest.approx(0.01, rel=0.05)
    assert gaps.std() == pytest.approx(9e-3, rel=0.06)  # of an exponential distribution behind 1 ms
    assert (train.times(100.0, 1)[0] == train.times(100.0, 1)[0]).all()
    assert (train.times(100.0, 1)[0] != train.times(100.0, 2)[0]).sum() > 3990


def test_noise_comes_at_its_own_rate_and_leaves_spikes_alone():
    noise = {"pre": -PULSE, "other": PULSE.shift(-1e-3)}
    for rate, expected in ((20.0, 400), (100.0, 80)):
        spikes, times = Train(LATE, 400, noise=noise, noise_rate=20.0).times(rate, 3)
        assert len(times) == pytest.approx(expected, abs=4 * expected**0.5)
        apart = times[:, None] - spikes
        assert not ((apart > -1e-3) & (apart < 2e-3)).any()  # from 1 ms before to 1 ms after, at a spike of 1 ms
        assert np.diff(times).min() > 2e-3


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"rates": []}, InputError, "finite rates above 0"),
    ({"rates": [-1.0]}, InputError, "finite rates above 0"),
    ({"seeds": [1, 1]}, InputError, "different seeds"),
    ({"rates": [2000.0]}, InputError, "shorter than 500"),
    ({"count": 0}, InputError, "one at least"),
    ({"noise_rate": 5.0}, InputError, "both or neither"),
    ({"noise": {"pre": PULSE}, "noise_rate": 500.0, "rates": [600.0], "count": 50}, InputError, "no room"),
    ({"spike": {"pre": Waveform.points((0, 1), (1e-3, 0))}}, WaveformError, "starts and ends at rest"),
    ({"spike": {"gate": PULSE}}, InputError, "one it has"),
    ({"synapse": "syn2"}, InputError, "one of syn"),
])
def test_wrong_requests(change, error, words):
    given = {"spike": {"pre": PULSE}, "rates": [100.0], "count": 4, "engine": "reference", **change}
    with pytest.raises(Exception, match=words) as caught:
        srdp(one_device(VCM()), **given)
    assert isinstance(caught.value, error) or change.get("spike", {}).keys() == {"gate"}


@pytest.mark.parametrize(("device", "volts", "grows"), [(VCM(x_init=0.2), 0.85, False), (WOx(), 1.5, True)])
def test_only_a_device_that_forgets_knows_the_rate(device, volts, grows, require):
    """Without any circuit around it: a filament adds up pulses whenever they come, a short-term memory does not."""
    require("vacask")
    spike = Waveform.pulse(volts, 1e-5 if not grows else 1e-3, 1e-6)
    curve = srdp(one_device(device), spike={"pre": spike}, rates=[10.0, 100.0], count=5, engine="vacask", rest=1e-3)
    assert (curve.x_unit, curve.y_unit) == ("Hz", "S") and (curve.y > 0).all()
    assert curve.y[1] / curve.y[0] == pytest.approx(1.0, rel=1e-3) if not grows else curve.y[1] > 1.5 * curve.y[0]
    assert (curve.columns["dG_1"].values == curve.y).all() and not curve.columns["spread"].values.any()


def test_seeds_are_averaged(require):
    require("vacask")
    noise = {"pre": Waveform.pulse(-0.85, 1e-5, 1e-6)}
    curve = srdp(one_device(VCM(x_init=0.2)), spike={"pre": Waveform.pulse(0.85, 1e-5, 1e-6)}, rates=[100.0], count=10,
                 noise=noise, noise_rate=50.0, seeds=[1, 2, 3], engine="vacask", reading=Reading(0.1, 1e-5))
    each = np.array([curve.columns[f"dG_{seed}"].values[0] for seed in (1, 2, 3)])
    assert len(set(each)) == 3 and curve.y[0] == pytest.approx(each.mean())
    assert curve.columns["spread"].values[0] == pytest.approx(each.std())


# --- planted faults ---------------------------------------------------------------------------------------------------

EXPERIMENTS = {e.name: e for e in rram.EXPERIMENTS}
ROW = {"rram-1t1r": "rram-compliance-sets-r", "rram-2t1r-stdp": "rram-2t1r-window",
       "rram-overlap-stdp": "rram-overlap-window", "srdp-4t1r": "srdp-threshold"}


@pytest.mark.parametrize(("name", "wrong"), [
    ("rram-1t1r", {"WIDE": 0.42e-6}),                                   # the transistor is most of what is read
    ("rram-1t1r", {"gates": lambda engine, nmos, currents: [rram.OPEN] * len(currents)}),   # no compliance
    ("rram-1t1r", {"VCM": lambda: VCM(a_reset=1.0)}),                   # sets and never resets
    ("rram-2t1r-stdp", {"RESET": -1.5}),                                # a closed fire gate does not hold it
    ("rram-2t1r-stdp", {"TAU": 1.0}),                                   # a fire gate that does not know the time
    ("rram-overlap-stdp", {"FIRST": -0.9}),                             # a lone spike writes
    ("rram-overlap-stdp", {"NEXT": (0.25, 0.30, 0.35, 0.40, 0.45)}),    # rises instead of falling
    ("rram-overlap-stdp", {"START": 0.9999}),                           # nothing left to potentiate
    ("srdp-4t1r", {"DELAY": 30e-3}),                                    # a copy for 33 Hz
    ("srdp-4t1r", {"NOISE_RATE": 0.01}),                                # nothing depresses
    ("srdp-4t1r", {"GATE": 0.4}),                                       # nothing potentiates
])
def test_wrong_setting_misses(name, wrong, tmp_path, monkeypatch, require):
    require("vacask")
    for key, value in wrong.items():
        monkeypatch.setattr(rram, key, value)
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), tmp_path, quick=True)
    assert summary["status"] == "missed", summary["reason"]
    assert [row["id"] for row in summary["targets"] if not row["pass"]] == [ROW[name]]


def test_the_overlap_spike_is_the_papers():
    """Fig. 12a: one negative pulse, then five positive ones of falling amplitude."""
    wave = rram.overlap_spike()
    levels = wave((np.arange(7) + 0.5) * rram.SLOT)
    assert levels[0] < 0 and levels[6] == 0 and (levels[1:6] > 0).all() and (np.diff(levels[1:6]) < 0).all()
