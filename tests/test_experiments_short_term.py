"""Short-term memory: do the protocols find what the equations say, and does an experiment on a wrong device miss?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.synapses import one_device
from spicemem.devices.atomic_switch import AtomicSwitch
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.optoelectronic import Optoelectronic
from spicemem.devices.wox import WOx
from spicemem.errors import InputError
from spicemem.experiments import base, short_term
from spicemem.experiments.base import run_experiment
from spicemem.protocols.pulses import Event, apply
from spicemem.protocols.reading import Reading
from spicemem.protocols.short_term import epsc, ppf, ptp, retention, stm_to_ltm, train

EXPERIMENTS = {e.name: e for e in short_term.EXPERIMENTS}


def missed(name, folder):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Drawing takes longer than simulating here."""
    monkeypatch.setattr(base, "save_figure", lambda figure, path: None)


def spoil(monkeypatch, device, wrong):
    right = device.preset.__func__
    monkeypatch.setattr(device, "preset", classmethod(lambda cls, name, **v: right(cls, name, **{**v, **wrong})))


@pytest.mark.parametrize(("name", "device", "wrong", "rows"), [
    ("ag2s-rehearsal", AtomicSwitch, {"k_l": 0.0}, "ag2s-rehearsal-rehearsal"),     # nothing becomes long-term memory
    ("ag2s-rehearsal", AtomicSwitch, {"tau": 40.0}, "ag2s-rehearsal-rehearsal"),    # what is seldom rehearsed stays
    ("diffusive-epsc", Diffusive, {"t_r": 30e-3, "g_off": 1e-12, "i_nv": 1e-3},
     "diffusive-retention diffusive-retention-range diffusive-on-off diffusive-compliance-volatility"),
    ("wox-ppf", WOx, {"tau": 5e-3}, "wox-sixteen"),                               # each frame is forgotten in the next
    ("ppd", Diffusive, {"t_r": 1e-4}, "ppd-train-frequency"),                       # nothing left to facilitate
    ("optical-synapse", Optoelectronic, {"tau_1": 5.0}, "optical-ppf-20s"),
    ("optical-synapse", Optoelectronic, {"tau_2": 100.0}, "optical-relearning-pulses"),
    ("optical-synapse", Optoelectronic, {"m_1": 0.05, "m_2": 0.05, "k_2": 0.01}, "optical-ppf-400ms"),  # full
])
def test_wrong_device_misses(name, device, wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    spoil(monkeypatch, device, wrong)
    assert set(rows.split()) <= missed(name, tmp_path)


def test_a_reserve_that_stays_full_does_not_depress(tmp_path, monkeypatch, require):
    require("vacask")
    right = short_term.reserve_synapse
    monkeypatch.setattr(short_term, "reserve_synapse", lambda refill=1.0: right(refill))
    assert missed("ppd", tmp_path) == {"ppd-train-frequency"}


def test_noise_that_hides_the_streams_is_seen(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(short_term, "READ_NOISE", 0.01)
    assert missed("wox-ppf", tmp_path) == {"wox-sixteen"}


def grown(w, seconds, volts, device):
    """w of the WOx model after so long under a voltage: its rate is linear in w where the voltage does not change."""
    drift = device.values["lam"] * np.sinh(device.values["eta"] * volts)
    rate = drift + 1 / device.values["tau"]
    return drift / rate + (w - drift / rate) * np.exp(-rate * seconds)


def current(w, volts, device):
    v = device.values
    return (1 - w) * v["al"] * -np.expm1(-v["be"] * volts) + w * v["ga"] * np.sinh(v["de"] * volts)


def test_ppf_and_ptp_are_those_of_the_equations(vacask):
    device, gap = WOx.preset("du_2017"), 20e-3
    peaks, w = [], 0.0
    for _ in range(10):
        w = grown(w, 1e-3, 1.5, device)
        peaks.append(current(w, 1.5, device))
        w = grown(w, gap, 0.0, device)
    for protocol, count in ((ppf, 2), (ptp, 10)):
        curve = protocol(one_device(device), [gap], volts=1.5, width=1e-3, edge=1e-6, engine=vacask)
        assert curve.y[0] == pytest.approx(100 * peaks[count - 1] / peaks[0], rel=2e-3)
        assert curve.columns["first"].values[0] == pytest.approx(peaks[0], rel=5e-3)


def test_a_train_keeps_its_interval_with_and_without_bias(vacask):
    for bias in (None, {"top": 0.2}):
        events = train("light", 1.0, 0.5, 3, 0.25, bias=bias)
        record = apply(short_term.lit(Optoelectronic()), events, engine=vacask, extra=("v(light)",))
        time, light = record.series("v(light)")
        at = [np.interp(0.5, light[k:k + 2] if light[k] < light[k + 1] else light[k:k + 2][::-1],
                        time[k:k + 2] if light[k] < light[k + 1] else time[k:k + 2][::-1])
              for k in np.flatnonzero(np.diff(light > 0.5))]
        assert np.diff(at)[1::2] == pytest.approx([0.25 + 0.005] * 2, rel=1e-3)  # at half height: an edge more
    with pytest.raises(InputError, match="apart"):
        train("pre", 1.0, 1.0, 2, 1e-4)


@pytest.mark.parametrize("reading", [None, Reading(0.3, 1e-6)])
def test_retention_is_that_of_the_equations(vacask, reading):
    device, times = WOx.preset("du_2017", w_init=0.5), np.geomspace(1e-4, 0.2, 12)
    curve = retention(one_device(device), times, reading=reading, engine=vacask)
    assert curve.y == pytest.approx(current(grown(0.5, times, 0.0, device), 0.3, device) / 0.3, rel=1e-3)


def test_an_evoked_current_decays_with_tau(vacask):
    curve = epsc(one_device(WOx.preset("du_2017")), np.geomspace(1e-3, 0.3, 30), engine=vacask,
                 events=[Event.pulse("pre", 1.5, 1e-3, 1e-3)])
    fit = curve.fit("exponential")
    assert fit["tau"] == pytest.approx(50e-3, rel=2e-3)
    w = grown(0.0, 0.99e-3, 1.5, WOx())  # the edges count for half of their length, nearly
    assert fit["A"] == pytest.approx(current(w, 0.3, WOx()) - current(0.0, 0.3, WOx()), rel=0.01)


def test_rehearsal_is_counted_from_the_peak(vacask):
    curve = stm_to_ltm(one_device(WOx.preset("du_2017")), [0.01], volts=1.5, width=1e-3, count=2, after=0.05,
                       engine=vacask)
    assert curve.columns["left"].values < curve.columns["peak"].values
    left, peak, before = (curve.columns[name].values[0] for name in ("left", "peak", "before"))
    assert (left - before) / (peak - before) == pytest.approx(np.exp(-1), rel=0.01)
    assert curve.y[0] == pytest.approx(left / peak)


def test_lifetime():
    times = np.array([1.0, 2.0, 3.0, 4.0])
    assert short_term.lifetime(times, np.array([1e-4, 1e-5, 1e-7, 1e-14])) == pytest.approx(2.5)
    assert short_term.lifetime(times, np.full(4, 1e-14)) == 0.0
    assert short_term.lifetime(times, np.full(4, 1e-4)) == float("inf")


@pytest.mark.parametrize(("protocol", "words"), [
    (lambda cell: ppf(cell, [-1.0], volts=1, width=1e-3, engine="vacask"), "times above 0 s"),
    (lambda cell: ppf(cell, [1.0], volts=1, width=1e-3, count=1, engine="vacask"), "2 pulses or more"),
    (lambda cell: retention(cell, [2.0, 1.0], engine="vacask"), "times that rise"),
    (lambda cell: retention(cell, [0.1, 0.2], reading=Reading(0.1, 0.1), engine="vacask"), "rise by more than 0.12 s"),
    (lambda cell: epsc(cell, [1.0], events=[], engine="vacask"), "no event"),
    (lambda cell: stm_to_ltm(cell, [1.0], volts=1, width=1e-3, after=0.0, engine="vacask"), "times above 0 s"),
])
def test_refusals(protocol, words, require):
    require("vacask")
    with pytest.raises(InputError, match=words):
        protocol(one_device(WOx()))


def test_a_light_pulse_needs_a_bias_to_be_seen(require):
    with pytest.raises(InputError, match="bias="):
        ppf(short_term.lit(Optoelectronic()), [1.0], volts=1.0, width=0.5, engine=require("vacask"))
