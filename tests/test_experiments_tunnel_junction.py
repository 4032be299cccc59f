"""Does an experiment on the tunnel junction miss its numbers when the device, the bench or the spikes are wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuit import GROUND, Circuit, Resistor, VoltageSource
from spicemem.devices.limiter import Limiter
from spicemem.devices.tunnel_junction import OTJ
from spicemem.experiments import EXPERIMENTS, tunnel_junction
from spicemem.experiments.base import run_experiment
from spicemem.waveform import Waveform


def missed(name, folder):
    summary = run_experiment(EXPERIMENTS[name], engines.get("vacask"), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


@pytest.mark.parametrize(("name", "wrong", "rows"), [
    ("otj-loop", {"g_on": 1 / 3e4}, "otj-lrs otj-on-off"),
    ("otj-loop", {"a_n": 0.0}, "otj-fatigue-ratio otj-hrs"),                # sets and never resets
    ("otj-stm", {"a_p": 10.0}, "otj-ppf-ptp-decay"),                        # what lasts outweighs what fades
    ("otj-stm-ltm", {"a_p": 5.15e-11}, "otj-width-growth"),
    ("otj-retention", {"a_p": 1e-6}, "otj-retention-time"),
    ("otj-ltp", {"a_p": 7e-9}, "otj-g-max"),
    ("otj-ltp", {"r_n": 8.8}, "otj-g-min"),
    ("otj-stdp", {"a_p": 7e-9}, "otj-stdp-a-ltp otj-stdp-a-gauss"),
    ("otj-stdp", {"v_n": 0.2}, "otj-stdp-a-ltd"),
    ("otj-energy", {"v_0": 0.8}, "otj-energy-ltm"),
    ("otj-energy", {"v_p": 0.05}, "otj-ltm-threshold"),
])
def test_wrong_device_misses(name, wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    right = OTJ.preset.__func__
    monkeypatch.setattr(OTJ, "preset", classmethod(lambda cls, name, **v: right(cls, name, **{**v, **wrong})))
    assert set(rows.split()) <= missed(name, tmp_path)


def test_a_resistor_is_no_compliance(tmp_path, monkeypatch, require):
    """Why there is a limiter: the resistor that keeps 3.6 V at 115 nA takes the voltage of every spike below."""
    require("vacask")

    def divided(device):
        cell = Circuit("limited", ("drive",)).add("series", Resistor(3.6 / 115e-9), p="drive", n="inside")
        return cell.add("dut", device, p="inside", n=GROUND)

    monkeypatch.setattr(tunnel_junction, "limited", divided)
    assert missed("otj-stm-ltm", tmp_path) == {"otj-amplitude-ratio", "otj-width-growth"}


def test_without_compliance_the_junction_sets_too_far(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(tunnel_junction, "COMPLIANCE", 1e-3)
    assert missed("otj-stm-ltm", tmp_path) == {"otj-amplitude-ratio"}


def test_spikes_of_the_wrong_height_miss(tmp_path, monkeypatch, require):
    require("vacask")
    pre, post = tunnel_junction.antisymmetric_spikes()
    monkeypatch.setattr(tunnel_junction, "antisymmetric_spikes", lambda: (1.05 * pre, 1.05 * post))
    assert missed("otj-stdp", tmp_path) >= {"otj-stdp-a-ltp", "otj-stdp-a-ltd"}


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_the_limiter_limits_at_either_polarity_and_not_below(engine, require):
    limited = Circuit("limited").add("limiter", Limiter(i_max=115e-9), p="drive", n="inside")
    limited.add("sense", Resistor(1e6), p="inside", n="0")
    wave = Waveform.points((0, 0), (1e-3, 3.6), (3e-3, -3.6))
    limited.add("v1", VoltageSource(wave), p="drive", n="0")
    run = require(engine).run(limited, 3e-3, max_step=1e-5, save=["v(drive)", "i(v1)"])
    current = -run["i(v1)"]
    assert np.abs(current).max() < 115.1e-9 and current[-1] < -114.9e-9
    small = np.abs(run["v(drive)"]) < 0.02
    # The knee is 50 mV / 115 nA = 435 kOhm in series with 1 MOhm.
    assert current[small] == pytest.approx(run["v(drive)"][small] / 1.4348e6, rel=0.01, abs=1e-12)


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_edges_of_two_sources_that_differ_by_rounding(engine, require):
    """Equal times, reached by different sums, once left VACASK steps of 1e-21 s."""
    cell = Circuit("two").add("r1", Resistor(1.0), p="a", n="b")
    times = np.array([1.7010000000000082e-07, 1.8010000000000083e-07]), np.array([1.701e-07, 1.801e-07])
    for name, t in zip("ab", times, strict=True):
        cell.add(f"v_{name}", VoltageSource(Waveform([0.0, *t], [0.0, 0.0, 0.9])), p=name, n="0")
    run = require(engine).run(cell, 1.8010000000000090e-07, max_step=1e-8, save=["v(a)", "v(b)"])
    assert run["v(a)"][-1] == pytest.approx(0.9, rel=1e-6) and run["v(b)"][-1] == pytest.approx(0.9, rel=1e-6)
