"""Do triplets, rates and pairs measure what they say, and do the experiments miss when something is wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.curve import Curve
from spicemem.devices.second_order import SecondOrderTaOx, SecondOrderWOx
from spicemem.errors import InputError
from spicemem.experiments import second_order
from spicemem.experiments.base import run_experiment
from spicemem.experiments.second_order import tick, turned, wox
from spicemem.protocols.triplets import bcm, divided, firing, threshold, train, triplet_stdp
from spicemem.waveform import Waveform

SPIKE = second_order.steps(*second_order.WOX_SPIKE, edge=second_order.WOX_EDGE)
ROWS = {"second-order-stdp": "second-order-stdp-non-overlap", "triplet-bcm": "triplet-bcm-bcm-tick"}


def passes(name, folder):
    experiment = next(e for e in second_order.EXPERIMENTS if e.name == name)
    summary = run_experiment(experiment, engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"]: row["pass"] for row in summary["targets"]}[ROWS[name]]


@pytest.mark.parametrize(("device", "wrong"), [
    (SecondOrderTaOx, {"tau_t": 3e-6}),  # still warm after 3 us
    (SecondOrderWOx, {"sigma": 0.0}),    # no spike helps the next
])
def test_wrong_device_misses(device, wrong, tmp_path, monkeypatch, require):
    require("vacask")
    right = device.preset.__func__
    monkeypatch.setattr(device, "preset", classmethod(lambda cls, name, **v: right(cls, name, **{**v, **wrong})))
    assert not passes("second-order-stdp" if device is SecondOrderTaOx else "triplet-bcm", tmp_path)


def test_spikes_that_overlap_miss(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(second_order, "KIM_SPIKE", ((1.6, 20e-9), (0.7, 1.25e-6)))
    assert not passes("second-order-stdp", tmp_path)


def test_a_history_that_leaves_nothing_shifts_no_threshold(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(second_order, "HISTORIES", {"quiet": (10.0, 1), "none": (1.0, 0), "active": (70.0, 1)})
    assert not passes("triplet-bcm", tmp_path)


def test_trains_cross_where_the_spikes_say(require):
    """Reference page A14: a post spike does b*mu*(1 - w) - a*w, a = 0.02, b = 0.012, and a pre spike adds 1 to mu,
    which fades in 50 ms; in the middle between pre spikes mu is x/(1 - x^2) with x = exp(-1/(2*rate*50 ms))."""
    w = 0.4
    rates = np.linspace(10.0, 60.0, 2001)
    x = np.exp(-1 / (2 * rates * 50e-3))
    crossing = float(np.interp(0.02 * w / (0.012 * (1 - w)), x / (1 - x * x), rates))
    post, pre = (second_order.steps(*s, edge=1e-6) for s in (second_order.TRAIN_POST, second_order.TRAIN_PRE))
    curve = bcm(wox(w, "bcm"), [0.8 * crossing, 1.2 * crossing], pre=pre, post=post, read_delay=1.0, duration=0.5,
                engine=require("vacask"))
    assert curve.y[0] < 0 < curve.y[1]
    assert curve.columns["triplets"].values.tolist() == [round(0.4 * crossing), round(0.6 * crossing)]


def test_the_last_spike_decides(require):
    engine = require("vacask")
    found = {kind: triplet_stdp(wox(0.5), kind, [(s * 10e-3, -s * 10e-3), (s * 10e-3, -s * 90e-3)], pre=SPIKE,
                                post=SPIKE, read_delay=1.0, engine=engine)
             for kind, s in (("post-pre-post", -1), ("pre-post-pre", 1))}
    assert found["post-pre-post"].y[0] > 0 > found["pre-post-pre"].y[0]
    assert found["post-pre-post"].y[1] < 0 < found["pre-post-pre"].y[1]  # late, so the spikes before it have decided
    assert found["post-pre-post"].x == pytest.approx([50.0, 10.0])


def test_spikes_come_when_they_should():
    event = firing(turned(SecondOrderWOx()).synapses[0], (SPIKE, [0.0]), (SPIKE, [-0.02, 0.03]), 1.0)
    times = np.array([0.0, 0.02, 0.05]) + 5e-5  # in the programming part
    assert event.waves["post"](times).tolist() == [1.3, 0.0, 1.3]
    assert event.waves["pre"](times).tolist() == [0.0, 1.3, 0.0]
    assert event.duration + event.rest == pytest.approx(1.0)


def test_points_change_no_waveform():
    fine = divided(SPIKE, 7)
    t = np.linspace(-1e-3, 7e-3, 4001)
    assert fine(t) == pytest.approx(SPIKE(t), abs=1e-12)
    assert len(fine.times) == 1 + 2 * 7 + 3  # two parts, three edges


@pytest.mark.parametrize(("y", "crossing", "is_tick"), [
    ([-1, -2, -1, 1], 3.5, True), ([-2, -1, 0.5, 1], 2 + 2 / 3, False), ([1, -2, -1, 1], np.nan, False),
    ([-1, 1, -1, 1], np.nan, False), ([-1, -2, -2.5, -1], np.nan, False), ([-1, -2, -1.5, -1.8], np.nan, False)])
def test_threshold_and_tick(y, crossing, is_tick):
    curve = Curve([1.0, 2, 3, 4], y, "post rate", "Hz", "dG", "S")
    assert threshold(curve) == pytest.approx(crossing, nan_ok=True)
    assert tick(curve) is is_tick


@pytest.mark.parametrize(("call", "words"), [
    (lambda c, **k: triplet_stdp(c, "post-pre-post", [(0.01, 0.01)], **k), "dt1 < 0 < dt2"),
    (lambda c, **k: triplet_stdp(c, "pre-post-pre", [(0.01,)], **k), "dt1 > 0 > dt2"),
    (lambda c, **k: triplet_stdp(c, "pre-pre-post", [(0.01, 0.01)], **k), "post-pre-post, pre-post-pre"),
    (lambda c, **k: triplet_stdp(c, "post-pre-post", [(-2e-3, 2e-3)], **k), "5.101 ms apart"),
    (lambda c, **k: triplet_stdp(c, "post-pre-post", [(-0.6, 0.6)], **k), "the end of the spikes"),
    (lambda c, **k: bcm(c, [0.0], **k), "above 0 Hz"),
    (lambda c, **k: bcm(c, [5.0], share=1.0, **k), "share between 0 and 1"),
])
def test_bad_requests(call, words):
    with pytest.raises(InputError, match=words):
        call(wox(0.5), pre=SPIKE, post=SPIKE, read_delay=1.0)


def test_a_train_of_overlapping_spikes_is_refused():
    with pytest.raises(InputError, match="spikes of one neuron"):
        train(Waveform.pulse(1.0, 1e-3, 1e-5), [0.0, 0.5e-3])
