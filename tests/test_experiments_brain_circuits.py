"""Dendrites, conditioning, direction: do the measures measure, does a wrong part or stimulus miss its row?"""

from functools import partial

import numpy as np
import pytest

from spicemem.circuits.brain_cells import conditioning, dendritic_neuron, direction_selective, plastic
from spicemem.curve import Curve
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.mott import Mott
from spicemem.devices.transistor import NFET
from spicemem.errors import CircuitError
from spicemem.experiments import brain_circuits as brain
from spicemem.experiments.base import run_experiment, targets

EXPERIMENTS = {e.name: e for e in brain.EXPERIMENTS}


def rows(name, folder, engine):
    summary = run_experiment(EXPERIMENTS[name], engine, folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"]: row["pass"] for row in summary["targets"]}


# --- measures -------------------------------------------------------------------------------------------------------


def test_the_threshold_is_where_the_growth_is_a_tenth():
    volts = np.array([2.0, 3.0, 4.0, 5.0])
    assert brain.threshold(volts, np.array([1.0, 1.0, 100.0, 100.0])) == pytest.approx(3.5)
    assert brain.threshold(volts, np.array([1.0, 10.0, 100.0, 1000.0])) == pytest.approx(4.0)
    assert np.isnan(brain.threshold(volts, np.array([50.0, 50.0, 80.0, 100.0])))  # no growth: no threshold


def test_separation_and_share_of_known_classes():
    assert brain.separation(np.array([3.0, 5.0]), np.array([0.0, 2.0])) == pytest.approx(3 / np.sqrt(2))
    assert brain._right(np.array([3.0, 5.0]), np.array([0.0, 2.0])) == 1.0
    assert brain._right(np.array([1.0, 5.0]), np.array([0.0, 2.0])) == 0.75


def test_patterns_differ_only_in_where_their_inputs_are():
    together, apart = brain.patterns(32, 1)
    assert together.shape == apart.shape == (32, 16)
    for volts, branches in ((together, {4}), (apart, {1, 2})):
        active = (volts > 2.5).reshape(32, 4, 4).sum(axis=2)
        assert (active.sum(axis=1) == 4).all() and set(active.max(axis=1)) <= branches
    assert np.array_equal(brain.patterns(32, 1)[1], apart) and not np.array_equal(brain.patterns(32, 2)[1], apart)


CLAUSES = {"bell": "B", "food": "F", "acquisition": "PPP", "extinction": "BB", "recovery": "PP"}
#: Spikes before food, of all trials; spikes in all.
RIGHT = ([0, 0, 0, 0, 1, 1, 0, 0, 1], [0, 1, 1, 2, 3, 2, 0, 2, 3])


@pytest.mark.parametrize(("trial", "early", "total"), [
    (0, 0, 1),      # the bell fires before it means anything
    (1, 0, 0),      # food does not
    (4, 0, 3),      # never conditioned
    (5, 0, 0),      # bell after pairing silent
    (6, 0, 1),      # not extinguished
    (8, 0, 3),      # never recovers
])
def test_each_clause_of_conditioning_can_fail(trial, early, total):
    assert brain.conditions(CLAUSES, *RIGHT)[0]
    wrong = [list(part) for part in RIGHT]
    wrong[0][trial], wrong[1][trial] = early, total
    assert not brain.conditions(CLAUSES, *wrong)[0]


def test_recovery_must_be_faster_than_acquisition():
    early = [0, 0, 0, 1, 1, 1, 0, 0, 1]
    assert not brain.conditions(CLAUSES, early, RIGHT[1])[0]  # one pairing and one pairing
    assert brain.pairings([0, 0, 1]) == 2 and brain.pairings([0, 0]) == np.inf


@pytest.mark.parametrize(("response", "tops"), [
    ([0, 0, 1, 3, 1, 0], [3]),
    ([3, 1, 0, 0, 0, 1], [0]),
    ([3, 1, 0, 1, 0, 1], [0, 3]),
    ([3, 1, 0, 0.005, 0, 1], [0]),          # less than the tolerance
    ([0, 2, 1, 2.5, 0, 0], [3, 1]),
    ([1, 0, 2, 2, 0, 0], [2, 0]),
])
def test_maxima_of_a_closed_curve(response, tops):
    assert brain.maxima(np.array(response, float), 0.01) == tops


def test_a_bar_reaches_the_receptors_in_the_order_of_its_direction():
    def lit(wave):
        return wave.times[2]

    for angle, delay in ((0.0, brain.TRANSIT), (180.0, -brain.TRANSIT), (90.0, 0.0), (60.0, brain.TRANSIT / 2)):
        for k in range(brain.PIXELS):
            excite, inhibit = brain.seen(angle, k)
            assert lit(inhibit) - lit(excite) == pytest.approx(delay, abs=1e-12)
    assert lit(brain.seen(90.0, 1)[0]) - lit(brain.seen(90.0, 0)[0]) == pytest.approx(brain.SPACING)
    assert lit(brain.seen(0.0, 1)[0]) == lit(brain.seen(0.0, 0)[0])


# --- cells ----------------------------------------------------------------------------------------------------------


def test_cells_refuse_what_does_not_fit():
    with pytest.raises(CircuitError, match="0 branches"):
        dendritic_neuron([])
    with pytest.raises(CircuitError, match="terminals"):
        dendritic_neuron([NFET()])
    with pytest.raises(CircuitError, match="as many"):
        direction_selective([Diffusive()] * 2, [Diffusive()])
    with pytest.raises(CircuitError, match="terminals"):
        conditioning(NFET())


def test_what_a_branch_is():
    cell = dendritic_neuron([1e6, 2e6], inputs=3, r_syn=5e6)
    nets = {e.path: e.nets for e in cell.elements()}
    assert cell.ports == ("x0", "x1", "x2", "x3", "x4", "x5")
    assert nets["r_x2"]["n"] == nets["dendrite0"]["p"] == "branch0" and nets["r_x3"]["n"] == "branch1"
    assert nets["dendrite1"]["n"] == "soma"


# --- experiments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_row_is_met(name, tmp_path, require):
    found = rows(name, tmp_path, require("vacask"))
    assert found and all(found.values())


def test_a_softer_threshold_lets_too_much_by(tmp_path, monkeypatch, require):
    monkeypatch.setattr(brain, "dendrite", partial(brain.dendrite().replace, v_w=0.15))  # as the preset has it
    assert rows("dendrite", tmp_path, require("vacask")) == {"dendrite-threshold": True, "dendrite-filter": False}
    ramp = Curve.from_csv(tmp_path / "ramp.csv")
    assert targets()["dendrite-ramp"].published == "0 | 5" and (ramp.x[0], ramp.x[-1]) == (0.0, 5.0)
    assert ramp.y[-1] > 50 * np.interp(2.5, ramp.x, ramp.y)  # far from a straight line


def test_a_current_that_stands_still_does_not_rise(require):
    volts = np.array([4.0])
    for device, rises in ((brain.dendrite(), True), (brain.dendrite().replace(tau=0.05, k=30.0), False)):
        run = brain._alone(require("vacask"), device, brain._held(4.0))
        assert brain._rises(volts, [run])[0] is rises


def learned(cell, engine):
    order = "".join(brain.BLOCKS_QUICK.values())
    return brain.conditions(brain.BLOCKS_QUICK, *brain.responses(brain.conditioned(engine, cell, order).spikes,
                                                                 len(order)))


@pytest.mark.parametrize("fault", [{"device": plastic().replace(an=0.0)}, {"device": plastic().replace(ap=5e3)},
                                   {"device": plastic().replace(vp=0.9)}], ids=["no reset", "slow", "bell sets"])
def test_conditioning_needs_its_synapse(fault, require):
    good, text = learned(conditioning(**fault), require("vacask"))
    assert not good, text


def test_conditioning_without_spikes_given_back_misses(tmp_path, monkeypatch, require):
    monkeypatch.setattr(brain, "conditioning", partial(conditioning, feedback=0.0))
    assert rows("pavlov", tmp_path, require("vacask")) == {"pavlov-conditioning": False}


def test_food_alone_does_not_teach(require):
    result = brain.conditioned(require("vacask"), conditioning(), "FF").result
    assert result["syn.x"].max() < 1.05 * plastic().values["x_init"]


def test_without_a_shift_of_the_inhibition_there_is_no_direction(tmp_path, monkeypatch, require):
    monkeypatch.setattr(brain, "TRANSIT", 1e-7)
    assert rows("direction", tmp_path, require("vacask")) == {"direction-preference": False}


def test_inhibition_that_ends_with_excitation_rebounds(tmp_path, monkeypatch, require):
    short = [Diffusive.preset("ag_sio2")] * brain.PIXELS
    monkeypatch.setattr(brain, "ganglion", lambda draw: direction_selective(short, short))
    assert rows("direction", tmp_path, require("vacask")) == {"direction-preference": False}


def test_latencies_in_two_engines_event_by_event(require):
    """Of every spike from the start of its trial; learning carries what differs from trial to trial."""
    first, second = (brain.conditioned(require(name), conditioning(), "PPP").spikes.times - brain.TRIAL_STARTS
                     for name in ("vacask", "ngspice"))
    assert len(first) == len(second) > 5
    assert np.abs(second % brain.TRIAL / (first % brain.TRIAL) - 1).max() < 5e-3


def test_draws_are_those_of_their_seeds():
    first, again, other = (brain.ganglion(k).devices() for k in (0, 0, 1))
    assert [d.values for d in first.values()] == [d.values for d in again.values()]
    assert first["dut_e0"].values["t_r"] not in (other["dut_e0"].values["t_r"], first["dut_h0"].values["t_r"],
                                                first["dut_e1"].values["t_r"])
    assert Mott.preset("nbo2").values == conditioning().devices()["dut"].values
