"""Do neurons and oscillators fire at the right times, in every engine, with the step that the rule gives?"""

import numpy as np
import pytest

from spicemem.circuit import Capacitor, Circuit, Resistor, VoltageSource
from spicemem.circuits.neurons import if_neuron, neuristor, relaxation_oscillator
from spicemem.devices import EIS
from spicemem.devices.mott import Mott
from spicemem.engines import get
from spicemem.errors import CircuitError
from spicemem.protocols.firing import STEPS, f_i_curve, fire, firing_step, injected, largest_conductance, operating_map
from spicemem.spikes import mean_interval_error
from spicemem.waveform import Waveform

ENGINES = ["ngspice", "ngspice-osdi", "vacask"]
ON = Waveform.points((0, 0), (1e-8, 5.0))
LEVELS = {"signal": "v(axon)", "threshold": 1.6, "reset": 1.4, "base": 1.2}


def oscillation(engine, step=None, r=30e3):
    return fire(relaxation_oscillator(r=r).drive(supply=ON), 5e-6, engine=engine, max_step=step, **LEVELS).spikes


def leaky(engine, step=None):
    train = Waveform.pulse(1.2, 10e-6, 0.1e-6).repeat(15, 20e-6)
    return fire(if_neuron().drive(inp=train), 300e-6, engine=engine, max_step=step, signal="v(axon)", threshold=2e-3,
                ).spikes


def spiking(engine, step=None):
    step_up = Waveform.points((0, 0), (1e-7, 20e-6))
    return fire(injected(neuristor(), "inp", step_up), 400e-6, engine=engine, max_step=step, signal="v(axon)",
                threshold=0.3, reset=0.2, base=0.17).spikes


@pytest.fixture(scope="module")
def yardstick():
    return {run: run(get("reference")) for run in (oscillation, leaky, spiking)}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("run", [oscillation, leaky, spiking])
def test_spike_times_in_every_engine(run, name, require, yardstick):
    wanted = yardstick[run]
    assert len(wanted) >= 3
    found = run(require(name))
    assert mean_interval_error(found, wanted) < 0.005
    assert found.peaks == pytest.approx(wanted.peaks, rel=0.01)


def test_the_rule_of_steps_is_needed_and_enough(require):
    """Half the step changes the spikes by a tenth of the bound; ten times the step breaks it."""
    engine = require("ngspice")
    step = firing_step(relaxation_oscillator(), 1.0)
    exact = oscillation(engine, step / 4)
    assert mean_interval_error(oscillation(engine, step), exact) < 1e-3
    assert mean_interval_error(oscillation(engine, 10 * step), exact) > 5e-3


def test_step_comes_from_the_circuit_alone():
    r_on = 1 / largest_conductance(Mott.preset("nbo2"))
    assert r_on == pytest.approx(2.12e3, rel=0.01)  # reference page A11: R_met
    wanted = 100e-12 / (1 / r_on + 1 / 30e3) / STEPS
    assert firing_step(relaxation_oscillator(), 1.0) == pytest.approx(wanted)
    assert firing_step(relaxation_oscillator(), wanted / 2) == pytest.approx(wanted / 2)
    assert firing_step(relaxation_oscillator(c=1e-9), 1.0) == pytest.approx(10 * wanted)
    bare = Circuit("rc").add("v_in", VoltageSource(1.0), p="a", n="0").add("r_1", Resistor(1e3), p="a", n="b")
    assert firing_step(bare.add("c_1", Capacitor(1e-9), p="b", n="0"), 1.0) == 1.0  # no device: nothing switches


def test_frequency_and_load_line_condition(require):
    engine = require("vacask")
    assert oscillation(engine).rate == pytest.approx(1.195e6, rel=0.01)
    assert len(oscillation(engine, r=5e3)) <= 1      # latches: the load line meets the on branch
    assert len(oscillation(engine, r=300e3)) == 0    # never reaches the threshold


def test_f_i_curve_and_map(require):
    engine = require("vacask")

    def make(volts):
        return relaxation_oscillator().drive(supply=Waveform.points((0, 0), (1e-8, volts)))

    curve = f_i_curve(make, [1.5, 4.0, 5.0, 6.0], 4e-6, engine=engine, settle=0.5e-6, drive=("supply", "V"), **LEVELS)
    assert curve.y[0] == 0 and (np.diff(curve.y) > 0).all()
    assert curve.columns["spikes"].values[0] == 0

    def verdict(volts, ohms):
        circuit = relaxation_oscillator(r=ohms).drive(supply=Waveform.points((0, 0), (1e-8, volts)))
        return float(len(fire(circuit, 3e-6, engine=engine, **LEVELS).spikes) > 1)
    found = operating_map(verdict, [1.5, 5.0], [5e3, 30e3], engine=engine, x=("supply", "V"), y=("load", "Ohm"),
                          z=("oscillates", "1"), classes=("no", "yes"))
    assert found.z.tolist() == [[0, 0], [0, 1]]


def test_refused():
    with pytest.raises(CircuitError, match="no such port"):
        injected(neuristor(), "axon", 1e-6)
    with pytest.raises(CircuitError, match="driven once"):
        injected(neuristor(), "inp", 1e-6, inp=1.0)
    for cell in (if_neuron, relaxation_oscillator, neuristor):
        with pytest.raises(CircuitError, match=f"{cell.__name__}.*eis"):
            cell(EIS.preset("nano"))
