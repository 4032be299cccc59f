"""Is each device physical, in every engine, whatever drives it? No device is named but the one without snap-back."""

import math

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuit import GROUND, Circuit, CurrentSource
from spicemem.devices import DEVICES
from spicemem.errors import ModelError, SpicememError
from spicemem.expr import local
from spicemem.model import Behaviour, Model, Param, State, Terminal, branch, rate
from spicemem.protocols.characterise import pulse_train, trace
from spicemem.protocols.stress import STEPS, current_at_rest, power, random_drive, stress, violations
from spicemem.waveform import Waveform

FULL, QUICK = 50, 2
EVERY = [(name, preset) for name, kind in DEVICES.items() for preset in ("", *kind.presets)]


def make(name, preset=""):
    return DEVICES[name].preset(preset) if preset else DEVICES[name]()


def check(device, seeds, engine):
    for seed in seeds:
        # What overshoots a bound after a step that was too long does not with finer ones; a fault stays.
        for steps in (STEPS, 10 * STEPS, 100 * STEPS):
            found = violations(device, stress(device, seed, engine, steps=steps))
            if not found:
                break
        assert not found, f"seed {seed}"


@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("name", DEVICES)
def test_random_drives(name, engine, require):
    check(make(name), range(QUICK), require(engine))


@pytest.mark.full
@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize(("name", "preset"), EVERY)
def test_many_random_drives(name, preset, engine, require):
    check(make(name, preset), range(FULL), require(engine))


@pytest.mark.parametrize(("name", "preset"), EVERY)
def test_passive_and_at_rest(name, preset):
    device = make(name, preset)
    watts, amps = power(device, 1)
    assert np.isfinite(watts).all() and np.isfinite(amps).all()
    if device.handling().passive:
        assert current_at_rest(device) == 0.0
        assert not len(watts) or watts.min() >= 0.0


@pytest.mark.parametrize(("name", "preset"), EVERY)
def test_pulses_change_the_conductance_as_polarity_says(name, preset, ngspice):
    device = make(name, preset)
    b = device.handling()
    if b.kind in ("threshold", "volatile"):
        volts, width = b.set_pulse
        run = trace(device, Waveform.pulse(volts, width, width / 10, width / 10), 2 * width, engine=ngspice)
        assert run.siemens.max() > 1.5 * run.siemens[0]
        return
    up, state = pulse_train(device, *b.set_pulse, b.pulses, engine=ngspice)
    assert up[-1] > 1.001 * up[0]
    if b.reset_pulse is not None:
        down, _ = pulse_train(device, *b.reset_pulse, b.pulses, engine=ngspice, initial=state)
        assert down[-1] < down[0] - 0.05 * (up[-1] - up[0])
    if b.kind == "bipolar" and b.write in device.definition.terminals:
        assert b.set_pulse[0] > 0, "positive drive sets"


@pytest.mark.parametrize("name", [n for n, k in DEVICES.items() if k.behaviour and k.behaviour.kind == "threshold"])
@pytest.mark.parametrize("engine", engines.ENGINES)
def test_steady_curve_of_a_threshold_switch(name, engine, require):
    """Under current drive a switch goes through its negative slope without a jump, in .dc."""
    simulator, device = require(engine), make(name)
    b = device.handling()
    top = float(np.abs(trace(device, Waveform.points((0, 0), (b.threshold * 1.4 / b.rate, b.threshold * 1.4)),
                             b.threshold * 1.4 / b.rate, engine=simulator).amps).max())
    circuit = Circuit("steady")
    circuit.add("dut", device, **{pin: "p" if pin == b.write else GROUND for pin in device.definition.pins})
    circuit.add("i_drive", CurrentSource(0.0), p=GROUND, n="p")
    amps = np.geomspace(top * 1e-6, top, 300)
    volts = simulator.dc(circuit, "i_drive", amps.tolist(), save=["v(p)"])["v(p)"]
    assert np.isfinite(volts).all() and (volts > 0).all()
    if any(s.static == "solve" for s in device.definition.states.values()) and name != "miec":
        highest = np.maximum.accumulate(volts)
        assert (1 - volts / highest).max() > 0.02, "no negative slope"


@pytest.mark.parametrize("name", DEVICES)
def test_extreme_inputs_work_or_say_why(name, ngspice):
    device = make(name)
    b = device.handling()
    volts = 100.0 if b.write in device.definition.terminals else 100 * b.threshold
    waves = {"0 V for 1000 s": (Waveform.constant(0.0), 1000.0),
             "100 V": (Waveform.points((0, 0), (b.times[0], volts)), 10 * b.times[0]),
             "-100 V": (Waveform.points((0, 0), (b.times[0], -volts)), 10 * b.times[0]),
             "1 ps edges": (Waveform.pulse(b.threshold * 2, 1e-9, 1e-12, 1e-9), 4e-9)}
    for what, (wave, stop) in waves.items():
        if volts != 100.0 and what == "-100 V":
            continue
        run = trace(device, wave, stop, engine=ngspice, timeout=60)
        assert not violations(device, run), what
        if what.startswith("0 V") and b.kind == "bipolar":
            assert run.siemens[-1] == pytest.approx(run.siemens[0], rel=0.2) or b.retention < 1000


def at_the_ends(name):
    """Devices with one parameter at one end of its range; combinations that a model refuses are left out."""
    kind, found = DEVICES[name], []
    for key, param in kind.definition.params.items():
        for end in (param.low, param.high):
            if math.isfinite(end) and key != "hold":
                try:
                    found.append((f"{key}={end:g}", kind(**{key: end})))
                except ModelError as error:
                    assert name in str(error).lower()
    return found


def run_at_the_ends(name, engine):
    """How many of them run; the others must say clearly that they do not."""
    done, total = 0, 0
    for what, device in at_the_ends(name):
        b, total = device.handling(), total + 1
        wave = Waveform.pulse(b.threshold, b.times[0] * 3, b.times[0], b.times[0])
        try:
            run = trace(device, wave, b.times[0] * 8, engine=engine, max_step=b.times[0] / 10, timeout=60)
        except SpicememError as error:
            assert "expected" in str(error), what
            continue
        assert np.isfinite(run.amps).all(), what
        done += 1
    return done, total


@pytest.mark.parametrize("name", DEVICES)
def test_parameters_at_the_ends_of_their_ranges(name, vacask):
    done, total = run_at_the_ends(name, vacask)
    assert done >= 0.9 * total, f"{done} of {total} run"


@pytest.mark.full
@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("name", DEVICES)
def test_parameters_at_the_ends_of_their_ranges_in_every_engine(name, engine, require):
    done, total = run_at_the_ends(name, require(engine))
    assert done >= 0.9 * total, f"{done} of {total} run"


@pytest.mark.parametrize("name", DEVICES)
def test_each_device_is_declared_in_full(name):
    kind = DEVICES[name]
    assert kind.behaviour is not None and kind.presets, "a behaviour, and a preset with its source"
    assert kind.spread, "device-to-device spread"
    for key, param in kind.definition.params.items():
        assert param.source, f"{key} has no source"
    devices = make(name).sample(20, seed=3)
    assert devices == devices and len({tuple(d.values.items()) for d in devices}) == 20
    again = make(name).sample(5, seed=3)
    assert [d.values for d in again] == [d.values for d in devices[:5]]
    if any("activation energy" in p.doc for p in kind.definition.params.values()):
        assert "t_amb" in kind.definition.params, "an activation energy needs the temperature"


# Planted faults: each of these must be caught by the checks above.


class Leaky(Model):
    """A memristor with faults to be planted."""

    reference = "test"
    p, n = Terminal(), Terminal()
    g_on = Param(1e-3, "S", "on")
    bias = Param(0.0, "A", "current at rest")
    active = Param(0.0, "S", "negative conductance")
    loose = Param(0.0, "1", "1 has no walls")
    sign = Param(1.0, "1", "-1 sets with negative voltage")
    x_init = Param(0.5, "1", "start", low=0, high=1)
    x = State(init=x_init, unit="1", doc="state", low=0, high=1, resolution=1e-3)
    behaviour = Behaviour("bipolar", threshold=1.0, loop=(1.0, -1.0), rate=1.0, set_pulse=(1.0, 0.05),
                          reset_pulse=(-1.0, 0.05), times=(1e-3, 1.0))

    def equations(self):
        from spicemem.expr import quantity, walls, where

        v = self.p - self.n
        yield branch(self.p, self.n, local("g", self.g_on * (0.1 + self.x) - self.active) * v + self.bias)
        free = self.sign * v / quantity(1.0, "V*s")
        yield rate(self.x, where(self.loose > 0.5, free, walls(free, self.x, 0, 1, 0.01)))


@pytest.mark.parametrize(("fault", "caught"), [
    ({}, False), ({"bias": 1e-9}, True), ({"active": 5e-4}, True), ({"loose": 1.0}, True), ({"sign": -1.0}, True)])
def test_faults_are_caught(fault, caught, monkeypatch, ngspice):
    monkeypatch.setitem(DEVICES, "leaky", Leaky)
    monkeypatch.setattr(Leaky, "spread", {})
    for key, value in fault.items():
        monkeypatch.setattr(Leaky.definition.params[key], "default", value)
    try:
        test_passive_and_at_rest("leaky", "")
        test_pulses_change_the_conductance_as_polarity_says("leaky", "", ngspice)
        check(make("leaky"), range(4), ngspice)
    except (AssertionError, ModelError):  # ModelError: a state that left its bounds is no start of another run
        assert caught
    else:
        assert not caught


def test_random_drives_are_what_they_say():
    b = Leaky.behaviour
    waves = [random_drive(b, seed) for seed in range(100)]
    assert max(w.peak for w in waves) <= 5 * b.threshold
    assert max(w.peak for w in waves) > 4.5 * b.threshold
    assert min(w.duration for w in waves) < 0.05 and max(w.duration for w in waves) > 1.0
    assert min(min(random_drive(b, s, one_sign=True).values) for s in range(20)) == 0.0
    assert np.array_equal(waves[7].values, random_drive(b, 7).values)
