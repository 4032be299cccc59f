"""Do designed spikes give the wanted window, and is a design that does not do so told as it is?"""

import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spicemem import engines
from spicemem.circuits.synapses import divider_gate, one_device
from spicemem.cli import app
from spicemem.curve import Curve
from spicemem.devices import DEVICES
from spicemem.devices.eis import EIS
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.errors import CircuitError, CurveError, InputError
from spicemem.experiments import design as experiment
from spicemem.experiments.base import run_experiment
from spicemem.experiments.eis_spikes import antisymmetric, symmetric
from spicemem.experiments.quantum_dot import rules
from spicemem.protocols import design as module
from spicemem.protocols.design import Constraints, SpikeDesign, cell_of, design_spikes, load_spikes, verified
from spicemem.protocols.fast_pairs import FastPairs, Knots
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import stdp
from spicemem.waveform import Waveform

SCALE = 0.1
DELAYS = np.linspace(-0.2, 0.2, 11)
LIMITS = Constraints(6.5, 0.06, 0.1, relation="negated")


def synapse(**values):
    return EIS.preset("huang_2025_14nm", **values)


def window(y, x=DELAYS, **names):
    return Curve(x, y, **{"x_label": "delay", "x_unit": "s", "y_label": "dG", "y_unit": "S", **names})


ODD = experiment.window_of(synapse(), antisymmetric(synapse(), 6.5, SCALE), DELAYS, 10e6)
EVEN = window(50e-9 * np.exp(-np.abs(DELAYS) / 0.02))


@pytest.fixture(scope="module")
def odd():
    """One design that many tests look at, not verified."""
    return design_spikes(ODD, synapse(), LIMITS, verify=False)


def fast_change(device, pre, post, delays, r=10e6, reading=0.1, read_delay=20.0):
    fast = FastPairs(device, r=r, read_delay=read_delay, voltage=reading, volts=max(pre.peak, post.peak))
    knots = Knots(*(row[None] for row in (pre.times, pre.values, post.times, post.values)))
    return fast, fast.change(knots, delays)[0], fast.estimate(knots, delays)[0]


# --- the fast model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [antisymmetric(synapse(), 6.5, SCALE), symmetric(6.5, SCALE)], ids=lambda f: f.name)
def test_the_fast_model_agrees_with_the_reference_on_a_gate(form):
    delays = np.array([-0.02, 0.05])
    _, full, quick = fast_change(synapse(), form.pre, form.post, delays)
    truth = stdp(divider_gate(synapse()), pre=form.pre, post=form.post, delays=delays, engine="reference")
    assert np.abs(full[:2] - truth.y).max() < 0.002 * truth.peak()
    assert np.abs(quick[:2] - truth.y).max() < 0.002 * truth.peak()  # nothing of the rate depends on the state here


def test_the_fast_model_agrees_with_the_reference_on_two_terminals():
    rule, device, delays = rules()["a"], QuantumDot.preset("x"), np.array([-2e-3, 1e-3])
    _, full, quick = fast_change(device, rule.pre, rule.post, delays, reading=0.05, read_delay=0.1)
    truth = stdp(one_device(device), pre=rule.pre, post=rule.post, delays=delays, engine="reference",
                 reading=Reading(0.05, 1e-3), read_delay=0.1)
    assert np.abs(full[:2] - truth.y).max() < 0.002 * truth.peak()
    assert np.abs(quick[:2] - truth.y).max() > 0.05 * truth.peak()  # here it does, and only the full model knows


def test_a_model_without_the_lag_of_the_gate_is_caught(monkeypatch, ngspice):
    r, form, delays = 2e10, antisymmetric(synapse(), 6.5, SCALE), np.array([-0.02, 0.02])  # a lag of 1.4 ms
    truth = stdp(divider_gate(synapse(), r), pre=form.pre, post=form.post, delays=delays, engine=ngspice)
    fast, full, _ = fast_change(synapse(), form.pre, form.post, delays, r=r)
    assert fast.tau > 1e-3 and np.abs(full[:2] - truth.y).max() < 0.02 * truth.peak()
    monkeypatch.setattr(fast, "tau", 0.0)
    knots = Knots(*(row[None] for row in (form.pre.times, form.pre.values, form.post.times, form.post.values)))
    assert np.abs(fast.change(knots, delays)[0, :2] - truth.y).max() > 0.02 * truth.peak()


def test_one_spike_alone_is_one_spike_alone():
    pre, post = Waveform.points((-0.01, 0), (0, 6.5), (0.01, 0)), Waveform.points((-0.01, 0), (0, -3), (0.01, 0))
    rest = Waveform.points((-0.01, 0), (0.01, 0))
    _, both, _ = fast_change(QuantumDot.preset("x"), pre, post, np.array([0.0]), read_delay=0.1)
    for spikes, column in (((pre, rest), 1), ((rest, post), 2)):
        _, alone, _ = fast_change(QuantumDot.preset("x"), *spikes, np.array([0.0]), read_delay=0.1)
        assert alone[0] == pytest.approx(both[column], rel=1e-3)


@pytest.mark.parametrize("name", ["optoelectronic", "memtransistor"])
def test_a_device_that_fits_no_cell_is_refused(name):
    with pytest.raises(CircuitError, match="terminals p and n, or gate, drain and source"):
        FastPairs(DEVICES[name](), r=1e6, read_delay=1.0, voltage=0.1, volts=1.0)


# --- a design -------------------------------------------------------------------------------------------------------


def test_a_window_is_met_and_the_simulator_agrees(odd, ngspice):
    told = []
    found = verified(odd, cell_of(synapse()), engine=ngspice, progress=lambda *args: told.append(args))
    assert found.met and not found.limits and found.error < 0.02 and found.disagreement < 0.02
    assert found.lone_share < 0.05 and set(found.lone) == {"pre", "post"}
    assert found.curve is found.verified and "ngspice" in found.report() and told[-1][:2] == (11, 11)
    assert np.isnan(odd.disagreement) and "not verified" in odd.report() and odd.curve is odd.predicted


def test_spikes_keep_their_constraints(odd):
    assert np.array_equal(odd.post.values, -odd.pre.values) and np.array_equal(odd.post.times, odd.pre.times)
    assert odd.pre.peak <= 6.5 and odd.pre.values[0] == odd.pre.values[-1] == 0 and len(odd.pre.times) == 10
    assert odd.pre.times[0] == pytest.approx(-0.06) and odd.pre.times[-1] == pytest.approx(0.1)
    assert np.diff(odd.pre.times).min() >= LIMITS.shortest * (1 - 1e-9)


def test_the_same_seed_gives_the_same_spikes(odd):
    again = design_spikes(ODD, synapse(), LIMITS, verify=False)
    assert np.array_equal(again.pre.values, odd.pre.values) and np.array_equal(again.pre.times, odd.pre.times)
    other = design_spikes(ODD, synapse(), LIMITS, verify=False, seed=2)
    assert other.met and not np.array_equal(other.pre.values, odd.pre.values)


def test_files_come_back(odd, tmp_path, ngspice):
    checked = replace(odd, verified=replace(odd.predicted, provenance={"engine": "test"}), limits=("amplitude: x",))
    for design in (odd, checked):
        design.save(tmp_path)
        back = SpikeDesign.load(tmp_path)
        assert back.error == pytest.approx(design.error) and back.met == design.met and back.limits == design.limits
        assert back.constraints == design.constraints and (back.verified is None) == (design.verified is None)
        for mine, theirs in ((back.pre, design.pre), (back.post, design.post)):
            assert np.allclose(mine(design.pre.times), theirs(design.pre.times), atol=1e-12)
    assert (tmp_path / "design.png").stat().st_size > 10000
    pre, post = load_spikes(tmp_path / "spikes.csv")
    assert np.array_equal(pre.values, odd.pre.values) and np.array_equal(post.values, odd.post.values)
    with pytest.raises(InputError, match="columns time"):
        load_spikes(tmp_path / "wanted.csv")
    with pytest.raises(InputError, match=r"SpikeDesign\.save"):
        SpikeDesign.load(tmp_path / "nowhere")


# --- what cannot be met, told as it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "binding"), [
    (window(40 * ODD.y), "amplitude: with 9.75 V instead of 6.5 V"),
    (EVEN, "relation: with a post of its own instead of post = -pre"),
], ids=["too large", "wrong parity"])
def test_an_unreachable_window_names_what_binds(wanted, binding, monkeypatch):
    for name, value in {"GENERATIONS": 16, "MEMBERS": 60, "REFINED": 1}.items():
        monkeypatch.setattr(module, name, value)
    found = design_spikes(wanted, synapse(), LIMITS, verify=False)
    assert not found.met and found.error > 0.1 and found.report().startswith("NOT MET")
    assert found.limits[0].startswith(binding) and found.limits[0] in found.report()


def test_when_the_time_is_over_the_best_so_far_comes_back():
    found = design_spikes(ODD, synapse(), LIMITS, verify=False, time_limit=0.0)
    assert not found.met and "the time limit" in found.limits[0]


def test_the_search_can_be_interrupted():
    def interrupt(done, total, what):
        assert (what, total) == ("search", module.REFINED * module.GENERATIONS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        design_spikes(ODD, synapse(), LIMITS, progress=interrupt)


def test_a_lone_spike_that_acts_is_caught(odd, ngspice):
    # The tail alone, without the sharp part that undoes it; the pair still moves the conductance.
    tail = Waveform.points((-1e-3, 0), (0, 6.5), (0.09, 6.5), (0.1, 0))
    found = verified(replace(odd, pre=tail), cell_of(synapse()), engine=ngspice)
    assert found.lone_share > 0.05 and not found.met
    even_so = replace(found, verified=replace(found.verified, y=ODD.y))
    assert even_so.error == 0 and not even_so.met and "NOT MET" in even_so.report()


def test_a_prediction_that_the_circuit_does_not_keep_is_caught(odd, ngspice):
    # Designed as if the gate followed at once, built with resistors that let it lag by 7 ms.
    found = verified(odd, divider_gate(synapse(), 1e11), engine=ngspice)
    assert odd.met and not found.met and found.disagreement > 0.05 and "does not do what" in found.report()


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("values", "what"), [
    ({"amplitude": 0.0}, "amplitude"), ({"amplitude": math.nan}, "amplitude"), ({"amplitude": math.inf}, "amplitude"),
    ({"before": -0.01}, "before"), ({"before": 0.0, "after": 0.0}, "before"), ({"after": math.nan}, "after"),
    ({"relation": "opposite"}, "relation"), ({"points": 0}, "points"), ({"points": 2.5}, "points"),
    ({"edge": 0.02}, "edge"), ({"edge": -1.0}, "edge"), ({"lone": 0.0}, "lone"), ({"read_delay": 0.1}, "read_delay"),
])
def test_constraints_that_make_no_sense_are_refused(values, what):
    with pytest.raises(InputError, match=f"constraints: {what}"):
        Constraints(**{"amplitude": 6.5, "before": 0.06, "after": 0.1, **values})


@pytest.mark.parametrize(("wanted", "constraints", "match"), [
    (window(0 * ODD.y), LIMITS, "a change other than 0"),
    (window(ODD.y[:2], DELAYS[:2]), LIMITS, "at least three different delays"),
    (window(ODD.y, y_unit="%"), LIMITS, "a change of conductance in S"),
    (window(ODD.y, x_unit="V"), LIMITS, "over a delay in s"),
    (ODD, replace(LIMITS, before=0.01, after=0.02), "no longer overlap"),
    (ODD, replace(LIMITS, read_delay=0.3), "read_delay"),
])
def test_a_window_that_makes_no_sense_is_refused(wanted, constraints, match):
    with pytest.raises(InputError, match=match):
        design_spikes(wanted, synapse(), constraints)


def test_a_wanted_nan_is_refused():
    with pytest.raises(CurveError, match="nan"):
        design_spikes(window(np.where(DELAYS > 0.1, np.nan, ODD.y)), synapse(), LIMITS)


# --- the command and the page -----------------------------------------------------------------------------------------


def run_command(*args):
    return CliRunner().invoke(app, ["design", *map(str, args)])


def test_the_command_designs_from_a_file(tmp_path, ngspice):
    ODD.to_csv(tmp_path / "wanted.csv")
    common = (tmp_path / "wanted.csv", "--device", "eis:huang_2025_14nm", "--amplitude", "6500m", "--after", "100m")
    done = run_command(*common, "--before", "60m", "--relation", "negated", "-o", tmp_path / "out", "-e", "ngspice")
    assert done.exit_code == 0 and "\nmet: " in done.output, done.output
    assert SpikeDesign.load(tmp_path / "out").met
    missed = run_command(*common, "--before", "60m", "-o", tmp_path / "bad", "-e", "ngspice", "--time-limit", "0")
    assert missed.exit_code == 1 and "NOT MET" in missed.output and (tmp_path / "bad" / "spikes.csv").exists()
    refused = run_command(*common, "--before", "fast")
    assert refused.exit_code == 1 and "--before" in refused.output
    circuit = run_command(*common[:2], "divider_gate", *common[3:], "--before", "60m")
    assert circuit.exit_code == 1 and "expected a device" in circuit.output


def test_the_page_says_every_constraint():
    text = (Path(__file__).parent.parent / "docs" / "design_spikes.md").read_text()
    assert not [f.name for f in fields(Constraints) if f"`{f.name}`" not in text]
    example = text.split("```python\n")[1].split("```")[0]
    compile(example, "docs/design_spikes.md", "exec")
    assert "design_spikes(wanted, EIS.preset" in example and "spicemem design wanted.csv" in text


# --- the experiment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "missed"), [
    ({"y": -1.0}, {"design-four-forms", "design-own-form", "design-two-terminals"}),
    ({"lone": 0.2}, {"design-four-forms", "design-own-form", "design-two-terminals"}),
    ({"volts": 2.0}, {"design-four-forms", "design-own-form", "design-two-terminals"}),
    ({}, set()),
], ids=["turned", "a lone spike acts", "too high", "right"])
def test_wrong_designs_miss(wrong, missed, tmp_path, monkeypatch, ngspice):
    def perfect(wanted, device, constraints, name, **rest):
        """Any spikes that do nothing alone, and the curve that is asked for, but for the planted fault."""
        pre = Waveform.points((-constraints.before, 0), (0, wrong.get("volts", 1) * constraints.amplitude),
                              (constraints.after, 0))
        curve = replace(wanted, y=wrong.get("y", 1) * wanted.y, provenance={"engine": "test"})
        alone = wrong.get("lone", 0.0) * float(np.abs(wanted.y).max())
        return SpikeDesign(wanted, pre, -pre, constraints, curve, curve, {"pre": alone, "post": 0.0})

    monkeypatch.setattr(experiment, "design_spikes", perfect)
    monkeypatch.setattr("spicemem.experiments.eis._lone_share", lambda *args: 0.0)
    summary = run_experiment(experiment.EXPERIMENTS[0], engines.get("ngspice"), tmp_path, quick=True)
    assert {row["id"] for row in summary["targets"] if not row["pass"]} == missed
