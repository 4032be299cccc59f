"""Do the engines agree with the reference integration, on the learning curve itself (the difference)?"""

import numpy as np
import pytest

from spicemem.circuits.synapses import divider_gate
from spicemem.devices.eis import EIS
from spicemem.experiments.eis import SCALES
from spicemem.experiments.eis_spikes import all_forms, antisymmetric, gate_tau
from spicemem.protocols import lone_spikes, stdp
from spicemem.protocols.stdp import standard_step

BOUND = 0.005
ENGINES = ("ngspice", "ngspice-osdi", "vacask")


def curve(cell, form, engine, points=9, **kwargs):
    delays = np.linspace(-0.8, 0.8, points) * form.time_scale
    return stdp(cell, pre=form.pre, post=form.post, delays=delays, engine=engine, **kwargs)


@pytest.fixture(scope="module")
def cases():
    """Cell and form of every combination of the four forms and three time scales, by name."""
    found = {}
    for name, preset, peak, scale, r, sharp in SCALES:
        device = EIS.preset(preset)
        first = antisymmetric(device, peak, scale, sharp=sharp, tau=gate_tau(device, r))
        for form in (first, *all_forms(device, peak, scale, sharp)[1:]):
            found[f"{name} {form.name}"] = divider_gate(device, r=r), form
    return found


@pytest.fixture(scope="module")
def references(cases):
    """Every curve by the reference integration, once."""
    return {name: curve(cell, form, "reference") for name, (cell, form) in cases.items()}


@pytest.fixture
def forms(cases):
    return [form for name, (_, form) in cases.items() if name.startswith("100ms")]


@pytest.mark.parametrize("engine", ENGINES)
def test_four_forms_at_three_time_scales(engine, cases, references, require):
    require(engine)
    assert len(cases) == 12
    for name, (cell, form) in cases.items():
        error = np.abs(curve(cell, form, engine).relative_error(references[name])).max()
        assert error <= BOUND, f"{name}: {error:.4f} of the lobe's peak"


@pytest.mark.parametrize("engine", ENGINES)
def test_planted_fault_is_seen(engine, forms, references, require, monkeypatch):
    """A hop field that is off by one part in two hundred moves the curve by more than the bound allows."""
    require(engine)
    wrong = EIS.preset("huang_2025_14nm", e_hop=3e7 * 1.005)
    error = np.abs(curve(divider_gate(wrong), forms[0], engine).relative_error(references["100ms antisymmetric"])).max()
    assert error > BOUND


@pytest.mark.parametrize("engine", ENGINES)
def test_maximum_step_is_small_enough(engine, cases, require):
    """Halving the step rule changes a curve by less than half of the bound."""
    require(engine)
    for name in ("100ms antisymmetric", "100us antisymmetric", "100ns antisymmetric"):
        cell, form = cases[name]
        step = standard_step(cell, form.pre.duration)
        full, half = (curve(cell, form, engine, 5, max_step=h) for h in (step, step / 2))
        assert np.abs(full.relative_error(half)).max() < BOUND / 2, name


def test_step_resolves_a_lag_that_shapes_the_spike(cases):
    steps = {name: form.pre.duration / standard_step(cell, form.pre.duration) for name, (cell, form) in cases.items()}
    assert steps["100ms antisymmetric"] == pytest.approx(200) and steps["100us antisymmetric"] == pytest.approx(200)
    cell, form = cases["100ns antisymmetric"]
    tau = gate_tau(EIS.preset("nano"), 100e6)
    assert standard_step(cell, form.pre.duration) == pytest.approx(tau / 20)


@pytest.mark.parametrize("engine", (*ENGINES, "reference"))
def test_curve_is_odd_and_lone_spikes_do_nothing(engine, forms, require):
    require(engine)
    form = forms[0]
    found = curve(divider_gate(), form, engine)
    assert np.abs(found.y + found.y[::-1]).max() < 1e-3 * found.peak()
    alone = lone_spikes(divider_gate(), pre=form.pre, post=form.post, engine=engine)
    assert max(abs(v) for by in alone.values() for v in by.values()) < 1e-3 * found.peak()
