"""Do the phase-change and the ferroelectric synapse miss their rows when the device, spikes or start are wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.devices.pcm import PCM
from spicemem.experiments import ferro_phase
from spicemem.experiments.base import run_experiment


def missed(name, folder):
    experiment = next(e for e in ferro_phase.EXPERIMENTS if e.name == name)
    summary = run_experiment(experiment, engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.mark.parametrize(("wrong", "rows"), [
    ({"k_g": 3.5e6}, "pcm-stdp-max-change"),                # crystallises faster
    ({"t_m": 1200.0}, "pcm-stdp-window"),                   # nothing melts
])
def test_wrong_device_misses(wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    right = PCM.preset.__func__
    monkeypatch.setattr(PCM, "preset", classmethod(lambda cls, name, **v: right(cls, name, **{**v, **wrong})))
    assert set(rows.split()) <= missed("pcm-stdp", tmp_path)


def test_a_post_spike_of_the_other_sign_helps_no_pulse(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(ferro_phase, "POST", -ferro_phase.POST)
    assert "pcm-stdp-window" in missed("pcm-stdp", tmp_path)


def test_a_post_spike_meets_one_pulse_at_most():
    _, post = ferro_phase.pcm_spikes()
    tops = np.array([*ferro_phase.MELTING, *ferro_phase.GROWING])
    for delay in np.linspace(-45e-3, 45e-3, 181):
        assert np.count_nonzero(post.shift(delay)(tops)) <= 1


def test_from_half_switched_no_law(tmp_path, monkeypatch, require):
    require("vacask")
    right = ferro_phase.junction
    monkeypatch.setattr(ferro_phase, "junction", lambda share=0.0: right(0.5))
    assert missed("ftj-stdp", tmp_path) == {"ftj-window"}


def test_spikes_of_the_wrong_sign_miss(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(ferro_phase, "FTJ_SPIKE", -ferro_phase.FTJ_SPIKE)
    assert missed("ftj-stdp", tmp_path) == {"ftj-window"}


def test_the_law_is_half_at_its_time():
    share = ferro_phase.nls((np.array([3.0, 3.0]), np.array([1.0, 1e3]) * 1e-10 * np.exp(8.0)), np.log(1e-10), 24.0,
                            0.8)
    assert share[0] == pytest.approx(0.5)
    assert share[1] == pytest.approx(0.5 + np.arctan(np.log(1e3) / 0.8) / np.pi)
