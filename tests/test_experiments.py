"""Has each experiment its published numbers, and does each miss them when something is wrong?"""

import json
import math
from pathlib import Path

import matplotlib.image
import pytest

from spicemem import engines
from spicemem.curve import Curve
from spicemem.devices.eis import EIS
from spicemem.errors import InputError, SimulationError
from spicemem.experiments import EXPERIMENTS, eis
from spicemem.experiments.base import Experiment, Outcome, run_experiment, targets, targets_of
from spicemem.reproduction import DEFAULT_ENGINES, PAGE, differences, read


def run(name, folder, engine="vacask", **values):
    return run_experiment(EXPERIMENTS[name], engines.get(engine), folder, quick=True, values=values)


@pytest.fixture(scope="module")
def page():
    return read(Path(__file__).parent.parent / PAGE)


#: Tens of circuits of devices as B sources, for a minute and more: the long checks and the page have these in ngspice.
LONG = {("chaos", "ngspice"), ("hopfield", "ngspice"), ("perceptron", "ngspice")}


@pytest.mark.parametrize(("name", "engine"), [
    pytest.param(name, engine, marks=[pytest.mark.full] if (name, engine) in LONG else [])
    for name in EXPERIMENTS for engine in DEFAULT_ENGINES])
def test_quick_run_meets_every_target_and_is_what_the_page_says(name, engine, page, tmp_path, require):
    require(engine)
    summary = run(name, tmp_path, engine)
    assert summary["status"] == "ok", summary["reason"]
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written == json.loads(json.dumps(summary))
    assert set(written) >= {"experiment", "status", "reason", "engine", "engine_version", "targets", "curves", "wall_s"}
    assert {row["id"] for row in written["targets"]} == {t.id for t in targets_of(name) if t.check not in
                                                         ("info", "setup")}
    for row in written["targets"]:
        assert set(row) == {"id", "quantity", "source", "published", "simulated", "unit", "low", "high", "pass"}
    assert written["curves"] and all(len(Curve.from_csv(tmp_path / c)) for c in written["curves"])
    pictures = list(tmp_path.glob("*.png"))
    assert pictures and all(matplotlib.image.imread(p).std() > 0.01 for p in pictures)
    assert not list(tmp_path.glob(".*"))
    assert not differences(page, "quick", [summary]), f"if this is right: spicemem reproduce --quick {name}"


def test_every_row_has_its_experiment_and_every_experiment_rows():
    rows = [t for t in targets().values() if t.check not in ("info", "setup")]
    assert len(targets()) == 168 + 41
    for name in EXPERIMENTS:
        assert any(t.experiment == name for t in rows), f"{name} scores nothing"
    unserved = {t.experiment for t in rows if t.experiment.startswith("eis-")} - set(EXPERIMENTS)
    assert not unserved


# Planted faults: a model, circuit or setting that is wrong must cost the experiment its target.


@pytest.fixture
def device(monkeypatch):
    """Every preset of the device with these values instead."""
    original = EIS.preset.__func__

    def plant(**wrong):
        monkeypatch.setattr(EIS, "preset", classmethod(lambda cls, name, **v: original(cls, name, **{**v, **wrong})))

    return plant


@pytest.mark.parametrize(("name", "wrong", "missed"), [
    ("eis-rate", {"k_int": 1e9}, "eis-rate-2v-6v"),          # hopping alone: a pure sinh
    ("eis-rate", {"e_hop": 3.3e7}, "eis-rate-2v-4v"),
    ("eis-rate", {"v_oc": -0.5, "g_min": 1e-9, "g_max": 1.2e-6}, "eis-open-circuit-voltage"),
    ("eis-energy", {"q_area": 6000.0, "j_0": 3.2464e-2}, "eis-energy-electrochemical"),
    ("eis-stdp", {"g_init": 1.2e-6}, "eis-initial-conductance"),
    ("eis-timescales", {"j_0": 1e-7}, "eis-timescale-100us"),
])
def test_wrong_device_misses(name, wrong, missed, device, tmp_path, require):
    require("vacask")
    device(**wrong)
    summary = run(name, tmp_path)
    assert summary["status"] == "missed"
    assert missed in [row["id"] for row in summary["targets"] if not row["pass"]]


@pytest.mark.parametrize(("name", "values", "missed"), [
    ("eis-variability", {"cycle_spread": 0.0, "device_spread": 0.0}, "eis-variability-stdp eis-variability-devices"),
    ("eis-variability", {"cycle_spread": 1.5, "device_spread": 0.1}, "eis-variability-stdp eis-variability-devices"),
    ("eis-cycling", {"pairs": 5}, "eis-cycling-ratio"),
    ("eis-stdp", {"r": 5e10}, "eis-divider"),
])
def test_wrong_setting_misses(name, values, missed, tmp_path, require):
    require("vacask")
    summary = run(name, tmp_path, **values)
    assert set(missed.split()) <= {row["id"] for row in summary["targets"] if not row["pass"]}


def test_smaller_resistors_cost_more_energy_than_published(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(eis, "SCALES", (*eis.SCALES[:2], (*eis.SCALES[2][:4], 30e6, 0.2)))
    missed = {row["id"] for row in run("eis-energy", tmp_path)["targets"] if not row["pass"]}
    assert missed == {"eis-energy-event", "eis-energy-bound"}


@pytest.mark.parametrize(("name", "missed"), [
    ("eis-stdp", "eis-form-antisymmetric eis-stdp-examples eis-form-flat-middle"),
    ("eis-timescales", "eis-timescale-100ms eis-timescale-100us eis-timescale-100ns"),
    ("eis-heterogeneous", "eis-two-rules"),
    ("eis-dopamine", "eis-dopamine-sweep"),
])
def test_spikes_of_the_wrong_sign_miss(name, missed, tmp_path, monkeypatch, require):
    require("vacask")
    from spicemem.experiments import eis_spikes

    right = eis_spikes.antisymmetric

    def flipped(*args, **kwargs):
        form = right(*args, **kwargs)
        return eis_spikes.Form(form.name, form.title, -form.pre, form.post, form.time_scale)

    monkeypatch.setattr(eis, "antisymmetric", flipped)
    monkeypatch.setattr(eis_spikes, "antisymmetric", flipped)
    summary = run(name, tmp_path)
    assert set(missed.split()) <= {row["id"] for row in summary["targets"] if not row["pass"]}


def test_scores_are_judged_by_their_row(tmp_path):
    outcome = Outcome(tmp_path)
    outcome.score("eis-rate-2v-4v", 60.0)
    assert outcome.scores["eis-rate-2v-4v"].passed
    for wrong in (53.9, 66.1, math.nan, math.inf):
        outcome.score("eis-rate-2v-4v", wrong)
        assert not outcome.scores["eis-rate-2v-4v"].passed
    with pytest.raises(InputError, match="no bounds"):
        outcome.score("eis-two-rules", 1.0)
    with pytest.raises(InputError, match="a number or a verdict"):
        outcome.score("eis-rate-2v-4v", "fine")


def test_a_target_that_was_not_scored_is_missed(tmp_path):
    lazy = Experiment("eis-rate", "t", "p", lambda context: None)
    summary = run_experiment(lazy, engines.get("reference"), tmp_path)
    assert summary["status"] == "missed" and all(not row["pass"] for row in summary["targets"])


def test_a_failure_keeps_what_was_found_and_says_why(tmp_path):
    import numpy as np

    def fails(context):
        context.outcome.keep(Curve(np.arange(3.0), np.arange(3.0), "t", "s", "y", "V", name="first"))
        raise SimulationError("run 2", found="a crash", folder=tmp_path / "kept")

    summary = run_experiment(Experiment("eis-rate", "t", "p", fails), engines.get("reference"), tmp_path)
    assert summary["status"] == "failed" and "run 2" in summary["reason"] and "kept" in summary["reason"]
    assert summary["curves"] == ["first.csv"] and len(Curve.from_csv(tmp_path / "first.csv")) == 3


def test_an_engine_that_cannot_is_unsupported_with_the_reason(tmp_path):
    cannot = Experiment("eis-rate", "t", "p", lambda context: None, unsupported={"reference": "it has no such thing"})
    summary = run_experiment(cannot, engines.get("reference"), tmp_path)
    assert (summary["status"], summary["reason"]) == ("unsupported", "it has no such thing")


@pytest.mark.full
@pytest.mark.parametrize("engine", [e for e in engines.ENGINES if e != "pyspice"])  # bit for bit what ngspice gives
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_full_run_meets_every_target(name, engine, tmp_path, require):
    require(engine)
    summary = run_experiment(EXPERIMENTS[name], engines.get(engine), tmp_path)
    assert summary["status"] == "ok", summary["reason"]
