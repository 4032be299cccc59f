"""Do potentiation, levels, write-verify, loops and energy come out as a device with known answers says?"""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Inductor,
    Resistor,
    Transconductor,
    VoltageGain,
    VoltageSource,
)
from spicemem.circuits import CIRCUITS
from spicemem.circuits.synapses import divider_gate, one_device
from spicemem.circuits.transistor_cells import cell_1t1r
from spicemem.errors import CircuitError, InputError, SimulationError, WaveformError
from spicemem.expr import maximum
from spicemem.model import Behaviour, Model, Param, State, Terminal, branch, rate
from spicemem.protocols.energy import energy
from spicemem.protocols.loops import iv_loop, resistance_voltage_loop
from spicemem.protocols.ltp import Scheme, levels, ltp_ltd, multilevel, scheme, write_port, write_verify
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import stdp
from spicemem.waveform import Waveform


class Exact(Model):
    """A device whose pulses have known effects: dx/dt = k*v, times 1 - bend*x upwards, 1 - bend*(1 - x) downwards."""

    reference = "made up"
    p, n = Terminal(), Terminal()
    k = Param(20.0, "1/V/s", "rate", low=0, high=1e6, source="chosen")
    bend = Param(0.0, "1", "curvature", low=0, high=1, source="chosen")
    g_off = Param(1e-6, "S", "conductance at x = 0", low=1e-9, high=1, source="chosen")
    g_on = Param(11e-6, "S", "conductance at x = 1", low=1e-9, high=1, source="chosen")
    dead = Param(0.3, "V", "voltage below which nothing moves", low=0, high=1, source="chosen")
    x_init = Param(0.0, "1", "start", low=0, high=1, source="chosen")
    x = State(init=x_init, unit="1", doc="state", resolution=1e-4)
    behaviour = Behaviour(kind="bipolar", threshold=1.0, loop=(1.0, -1.0), rate=10.0, set_pulse=(1.0, 1e-3),
                          reset_pulse=(-1.0, 1e-3))

    def equations(self):
        v = self.p - self.n
        yield branch(self.p, self.n, (self.g_off + (self.g_on - self.g_off) * self.x) * v)
        yield rate(self.x, self.k * (maximum(v - self.dead, 0) * (1 - self.bend * self.x)
                                     - maximum(-v - self.dead, 0) * (1 - self.bend * (1 - self.x))))


# Edges of 1e-5 s inside 1e-3 s: 1.3 V moves x by k*(0.99e-3 - what the edges lose below 0.3 V).
STEP = 20.0 * (0.98e-3 * 1.0 + 2e-5 * 0.5 * 1.0**2 / 1.3)
UP, DOWN = scheme(20, 1.3, 1e-3), scheme(20, -1.3, 1e-3)


def cell(**values):
    return one_device(Exact(**values))


# --- schemes ----------------------------------------------------------------------------------------------------------


def test_schemes_are_what_their_letter_says():
    assert [s.letter for s in (UP, scheme(5, (1, 2), 1e-3), scheme(5, 1, (1e-3, 2e-3)), scheme(5, (1, 2), (1, 2)))] == [
        "A", "B", "C", "mixed"]
    assert scheme(3, (1, 2), 1e-3).volts == pytest.approx((1, 1.5, 2))
    assert scheme(3, 1, (1e-3, 4e-3)).widths == pytest.approx((1e-3, 2e-3, 4e-3))
    assert str(scheme(3, -1, (1e-3, 4e-3))) == "C: 3 pulses of -1 V, 1 ms to 4 ms"
    biased = scheme(2, 1.0, 1e-3, port="bl", bias={"wl": 3.0})
    assert set(biased.event(7, "other", 1.0).waves) == {"bl", "wl"}


@pytest.mark.parametrize("wrong", [lambda: scheme(0, 1, 1), lambda: scheme(2, 1, 0), lambda: scheme(2, 1, (1, -1)),
                                   lambda: Scheme((1.0,), (1.0, 2.0)), lambda: Scheme((), ())])
def test_schemes_that_are_none(wrong):
    with pytest.raises(InputError, match="pulse scheme"):
        wrong()


def test_a_pulse_goes_where_the_device_is_written():
    assert write_port(divider_gate()) == "pre" and write_port(cell_1t1r()) == "bl" and write_port(cell()) == "pre"


# --- potentiation and depression --------------------------------------------------------------------------------------


def test_a_linear_device_is_linear_and_symmetric(ngspice):
    curve = ltp_ltd(cell(), UP, DOWN, rest=1e-3, cycles=2, engine=ngspice, reading=Reading(0.1, 1e-4))
    assert curve.x.tolist() == list(range(81))
    assert curve.columns["cycle"].values[[0, 1, 40, 41]].tolist() == [1, 1, 1, 2]
    assert curve.columns["branch"].values[[0, 1, 20, 21, 40, 41]].tolist() == [0, 1, 1, -1, -1, 1]
    assert np.isnan(curve.columns["volts"].values[0]) and curve.columns["volts"].values[21] == -1.3
    up, down = curve.branch("ltp", 1), curve.branch("ltd")
    assert up.y == pytest.approx(1e-6 + 10e-6 * STEP * np.arange(21), rel=1e-3) and up.x[-1] == 20
    assert down.y == pytest.approx(up.y[::-1], rel=2e-3)
    assert curve.nonlinearity("ltp") < 1e-3 and curve.opening() < 2e-3 and abs(curve.alpha("ltd").value) < 0.01
    assert curve.dynamic_range() == pytest.approx(1 + 10 * 20 * STEP, rel=2e-3)
    assert curve.states("ltp") == curve.states("ltd") == 20 and curve.states("ltp", least=0.06) == 0
    joules = 1.3**2 * (0.98e-3 + 2e-5 / 3) * (1e-6 + 10e-6 * STEP * (np.arange(20) + 0.5))
    assert curve.columns["energy"].values[1:21] == pytest.approx(joules, rel=2e-3)
    with pytest.raises(InputError, match="cycle from 1 to 2"):
        curve.branch("ltp", 3)


def test_a_saturating_device_has_the_alpha_of_its_law(ngspice):
    bend = 0.9
    curve = ltp_ltd(cell(bend=bend, k=100.0), UP, DOWN, rest=1e-3, engine=ngspice)
    alpha = 20 * bend * 5 * STEP
    assert curve.alpha("ltp").value == pytest.approx(alpha, rel=2e-3)
    # A linear device would have 0 here.
    n = np.linspace(0, 1, 21)
    law = -np.expm1(-alpha * n) / -np.expm1(-alpha)
    assert curve.nonlinearity("ltp") == pytest.approx(np.abs(law - n).max(), rel=2e-3)
    assert curve.alpha("ltd").value < -1 and curve.opening() > 0.3
    assert curve.asymmetry().value == pytest.approx(abs(curve.alpha("ltp").value - curve.alpha("ltd").value))
    assert curve.states("ltp", least=0.05) < 20


def test_rising_amplitude_makes_up_for_saturation(ngspice):
    device = cell(bend=0.9, k=200.0)
    same = ltp_ltd(device, scheme(15, 1.3, 1e-3), DOWN, rest=1e-3, engine=ngspice)
    rising = ltp_ltd(device, scheme(15, (0.4, 2.0), 1e-3), DOWN, rest=1e-3, engine=ngspice)
    assert rising.nonlinearity("ltp") < 0.5 * same.nonlinearity("ltp")


def test_trains_that_make_no_sense(ngspice):
    with pytest.raises(InputError, match="0 cycles"):
        ltp_ltd(cell(), UP, DOWN, rest=1e-3, cycles=0, engine=ngspice)
    with pytest.raises(SimulationError, match=r"reading of syn\.x"):
        ltp_ltd(cell(dead=0.0), UP, DOWN, rest=1e-3, engine=ngspice, reading=Reading(0.1, 1e-4))


# --- levels and pairs -------------------------------------------------------------------------------------------------


def test_levels_by_factor_noise_and_what_can_be_read():
    g = np.array([1.0, 1.1, 1.3, 2.0, 0.2])
    assert [g[k] for k in levels(g)] == [0.2, 1.0, 1.3, 2.0]
    assert [g[k] for k in levels(g, least=0.5)] == [1.0, 1.3, 2.0]
    assert [g[k] for k in levels(g, noise=0.1)] == [1.0, 2.0]
    assert [g[k] for k in levels(g, factor=1.05, least=0.5)] == [1.0, 1.1, 1.3, 2.0]


SPIKE = Waveform.points((0, 0), (1e-4, 0.9), (1e-3, 0))
READING = Reading(0.1, 1e-4)


def test_multilevel_after_one_pair_is_stdp_and_after_more_goes_on(ngspice):
    delays = [-5e-4, 1e-4, 4e-4]
    protocol = {"pre": SPIKE, "post": -SPIKE, "delays": delays, "engine": ngspice, "reading": READING}
    many = multilevel(cell(k=100.0), pairs=3, **protocol)
    once = stdp(cell(k=100.0), read_delay=5e-3, **protocol)
    thrice = stdp(cell(k=100.0), read_delay=5e-3, pairs=3, period=4e-3, **protocol)
    assert many.columns["after_0"].values == pytest.approx([1e-6] * 3, rel=1e-4)
    assert many.columns["after_1"].values == pytest.approx(once.columns["g_after"].values, rel=2e-3)
    assert many.y == pytest.approx(thrice.columns["g_after"].values, rel=2e-3)
    assert thrice.y == pytest.approx(3 * once.y, rel=5e-3) and once.y.max() > 1e-7
    assert "3 pairs" in thrice.provenance["protocol"] and "pairs" not in once.provenance["protocol"]
    assert set(many.columns["level"].values) <= {0.0, 1.0} and many.columns["level"].values.sum() >= 1


def test_pairs_that_make_no_sense(ngspice):
    protocol = {"pre": SPIKE, "post": -SPIKE, "delays": [0.0], "engine": ngspice, "reading": READING}
    with pytest.raises(InputError, match="pairs: found 0"):
        stdp(cell(), pairs=0, **protocol)
    with pytest.raises(InputError, match="period of the pairs: found 100 µs"):
        stdp(cell(), pairs=2, period=1e-4, read_delay=0.1, **protocol)
    with pytest.raises(InputError, match="0 pairs"):
        multilevel(cell(), pairs=0, **protocol)
    with pytest.raises(WaveformError, match="no spike"):
        multilevel(cell(), pairs=2, **{**protocol, "pre": None, "post": None})
    with pytest.raises(SimulationError, match=r"reading of syn\.x"):
        multilevel(cell(dead=0.0), pairs=2, **{**protocol, "reading": Reading(0.1, 1e-3)})


# --- write and verify -------------------------------------------------------------------------------------------------

LADDERS = {"up": scheme(8, (0.5, 1.9), 1e-3), "down": scheme(8, (-0.5, -1.9), 1e-3), "rest": 1e-3}


@pytest.mark.parametrize(("start", "target"), [(0.0, 4e-6), (0.9, 3e-6)])
@pytest.mark.parametrize("reading", [None, READING])
def test_write_verify_reaches_its_target(ngspice, start, target, reading):
    curve = write_verify(cell(x_init=start), target, engine=ngspice, reading=reading, tolerance=0.03, **LADDERS)
    inside = curve.columns["within"].values
    assert abs(curve.y[-1] / target - 1) <= 0.03 and inside[-1] == 1 and not inside[:-1].any()
    assert curve.provenance["outcome"] == f"reached after {len(curve) - 1} pulses" and len(curve) > 4
    volts = curve.columns["volts"].values[1:]
    first = np.flatnonzero(np.diff(np.sign(volts)))
    run = volts[:first[0] + 1] if len(first) else volts
    ladder = np.minimum(0.5 + 0.2 * np.arange(len(run)), 1.9)  # rung by rung, the last one repeated
    assert run == pytest.approx(np.sign(volts[0]) * ladder)


def test_what_overshoots_starts_the_other_ladder(ngspice):
    curve = write_verify(cell(k=80.0), 4e-6, engine=ngspice, tolerance=0.03, limit=30, **LADDERS)
    volts = curve.columns["volts"].values[1:]
    turns = np.flatnonzero(np.diff(np.sign(volts))) + 1
    assert len(turns) and np.abs(volts[turns]) == pytest.approx(0.5) and curve.columns["within"].values[-1] == 1


def test_write_verify_gives_up(ngspice):
    curve = write_verify(cell(x_init=0.5), 9e-6, engine=ngspice, limit=5, **{**LADDERS, "up": LADDERS["down"]})
    assert len(curve) == 6 and curve.provenance["outcome"] == "gave up after 5 pulses"
    assert not curve.columns["within"].values.any()
    there = write_verify(cell(), 1e-6, engine=ngspice, **LADDERS)
    assert len(there) == 1 and there.provenance["outcome"] == "reached after 0 pulses"
    for wrong in ({"target": 0.0}, {"tolerance": 0.0}, {"limit": 0}):
        with pytest.raises(InputError, match="write-verify"):
            write_verify(cell(), **{"target": 1e-6, "engine": ngspice, **LADDERS, **wrong})


# --- loops ------------------------------------------------------------------------------------------------------------


def test_iv_loop_follows_the_law(ngspice):
    curve = iv_loop(cell(), (1.3, -0.8), 130.0, engine=ngspice)
    time, g = curve.columns["time"].values, curve.columns["conductance"].values
    assert (np.diff(time) > 0).all() and time[-1] == pytest.approx((1.3 + 2.1 + 0.8) / 130)
    assert curve.x.max() == pytest.approx(1.3) and curve.x.min() == pytest.approx(-0.8)
    assert curve.y == pytest.approx(g * curve.x, rel=1e-4, abs=1e-12)
    top = np.argmin(curve.x)
    assert g[np.abs(time - 0.02).argmin()] == pytest.approx(1e-6 + 10e-6 * 20 / 130, rel=2e-3)  # k*1 V^2/rate
    assert g[-1] == pytest.approx(1e-6 + 10e-6 * 20 / 130 * (1 - 0.25), rel=2e-3) and g[-1] < g[top]
    with pytest.raises(InputError, match="differ from one to the next"):
        iv_loop(cell(), (1.0, 1.0), 1.0, engine=ngspice)
    with pytest.raises(InputError, match="rate above 0"):
        iv_loop(cell(), (1.0,), 0.0, engine=ngspice)


def test_a_loop_of_a_1t1r_cell_needs_its_word_line(ngspice):
    shut, open_ = (iv_loop(cell_1t1r(), (2.0,), 1e6, bias={"wl": v}, engine=ngspice) for v in (0.0, 1.2))
    assert np.abs(shut.y).max() < 1e-8 and np.abs(open_.y).max() > 1e-6


def test_resistance_voltage_loop(ngspice):
    amplitudes = np.array([0.2, 1.3, 1.3, 0.2, -1.3])
    ideal, read = (resistance_voltage_loop(cell(), amplitudes, 1e-3, rest=1e-3, engine=ngspice, reading=r)
                   for r in (None, READING))
    assert 1 / read.y == pytest.approx(1e-6 + 10e-6 * STEP * np.array([0, 1, 2, 2, 1]), rel=1e-3)
    assert ideal.y == pytest.approx(read.y, rel=1e-3) and ideal.columns["energy"].values[0] == pytest.approx(
        0.04 * 1e-6 * (0.98e-3 + 2e-5 / 3), rel=1e-3)


# --- energy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_elements_take_what_the_sources_deliver(name, ngspice):
    circuit = CIRCUITS[name]()
    if circuit.bench is None:
        pytest.skip("no bench")
    found = energy(circuit, circuit.bench.drives, circuit.bench.stop, max_step=circuit.bench.max_step,
                   engine=ngspice)
    assert abs(found.imbalance) < 1e-3 and set(circuit.devices()) <= set(found.split)
    assert sum(found.delivered.values()) == pytest.approx(found.y[-1]) and found.y[-1] > 0


def test_an_element_that_is_forgotten_is_missed(ngspice, monkeypatch):
    # The package may export the function under the module's name.
    module = import_module("spicemem.protocols.energy")
    monkeypatch.setattr(module, "evaluate", lambda node, values: 1.01 * np.ones(len(values["x"])) * 1e-6)
    assert abs(energy(cell(), {"pre": 1.0}, 1e-3, engine=ngspice).imbalance) > 3e-3


def test_energy_of_a_charged_capacitor_and_of_a_device(ngspice):
    rc = Circuit("rc", ("a",)).add("r1", Resistor(1e3), p="a", n="b").add("c1", Capacitor(1e-9), p="b", n=GROUND)
    found = energy(rc, {"a": Waveform.points((0, 0), (1e-10, 2.0))}, 2e-5, engine=ngspice)
    assert found.split == pytest.approx({"r1": 2e-9, "c1": 2e-9}, rel=1e-3)
    assert found.stored == pytest.approx({"c1": 2e-9}, rel=1e-6)
    held = energy(cell(dead=1.0), {"pre": 0.5, "post": -0.25}, 1e-3, engine=ngspice)
    assert held.split == pytest.approx({"syn": 0.75**2 * 1e-9}, rel=1e-4)
    assert held.terminals == pytest.approx({"syn.p": 0.5 * 0.75e-9, "syn.n": 0.25 * 0.75e-9}, rel=1e-4)
    assert held.columns["syn"].values[-1] == pytest.approx(held.y[-1], rel=1e-6)


@pytest.mark.parametrize("engine", ["ngspice", "vacask", "reference"])
def test_every_linear_part_is_accounted_for(engine, require):
    net = Circuit("all", ("a",)).add("r1", Resistor(1e3), p="a", n="b").add("c1", Capacitor(1e-9), p="b", n=GROUND)
    net.add("l1", Inductor(1e-3), p="b", n="mid").add("r2", Resistor(1e3), p="mid", n=GROUND)
    net.add("e1", VoltageGain(2.0), p="xx", n=GROUND, cp="b", cn=GROUND).add("r3", Resistor(1e3), p="xx", n=GROUND)
    net.add("g1", Transconductor(1e-3), p="yy", n=GROUND, cp="b", cn=GROUND).add("r4", Resistor(1e3), p="yy", n=GROUND)
    net.add("v1", VoltageSource(0.3), p="zz", n=GROUND).add("r5", Resistor(1e3), p="zz", n="b")
    net.add("f1", CurrentGain(0.5, "v1"), p="b", n=GROUND).add("i1", CurrentSource(1e-4), p="b", n=GROUND)
    found = energy(net, {"a": Waveform.pulse(1.0, 5e-6, 1e-8)}, 1e-5, engine=require(engine))
    assert abs(found.imbalance) < 1e-3 and set(found.split) == {f"r{k}" for k in range(1, 6)} | {
        "c1", "l1", "e1", "g1", "f1"} and set(found.delivered) == {"v1", "i1", "v_a"}
    assert found.split["e1"] == pytest.approx(-found.split["r3"], rel=1e-6) and found.split["r3"] > 1e-10


def test_energy_that_cannot_be_told(ngspice):
    two = Circuit("two", ("a",)).add("e1", VoltageGain(2.0), p="b", n=GROUND, cp="a", cn=GROUND)
    two.add("e2", VoltageGain(2.0), p="c", n="b", cp="a", cn=GROUND).add("r1", Resistor(1.0), p="c", n=GROUND)
    with pytest.raises(CircuitError, match=r"e1 and e2.*voltage source of 0 V"):
        energy(two, {"a": 1.0}, 1e-3, engine=ngspice)
    with pytest.raises(InputError, match="stop"):
        energy(two, {"a": 1.0}, 0.0, engine=ngspice)


def test_curves_survive_their_files(ngspice, tmp_path):
    curve = ltp_ltd(cell(), UP, DOWN, rest=1e-3, engine=ngspice)
    curve.to_csv(tmp_path / "ltp.csv")
    again = type(curve).from_csv(tmp_path / "ltp.csv")
    assert again.opening() == curve.opening() and replace(again, name="other").states("ltp") == 20
