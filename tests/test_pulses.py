"""Does the layer under every protocol with pulses apply what it is told, and read without disturbing?"""

import numpy as np
import pytest

from spicemem.circuit import GROUND, Circuit, Resistor, Synapse
from spicemem.circuits.synapses import one_device
from spicemem.circuits.transistor_cells import cell_1t1r
from spicemem.devices.pcmo import PCMO
from spicemem.devices.wox import WOx
from spicemem.errors import InputError, SimulationError, WaveformError
from spicemem.protocols import pulses
from spicemem.protocols.cycling import cycling
from spicemem.protocols.energy import work
from spicemem.protocols.pulses import Event, apply
from spicemem.protocols.reading import Reading
from spicemem.waveform import Waveform

READING = Reading(0.05, 1e-6)


def up(rest=1e-3, width=1e-3):
    return Event.pulse("pre", 0.5, width, rest)


@pytest.mark.parametrize(("waves", "rest", "error"), [
    ({}, 1.0, InputError), ({"pre": Waveform.pulse(1, 1, 0.1)}, 0.0, InputError),
    ({"pre": Waveform.points((0, 0), (1, 1))}, 1.0, WaveformError),
    ({"pre": Waveform.points((0, 1), (1, 0))}, 1.0, WaveformError),
    ({"pre": Waveform.pulse(1, 1, 0.1, start=-0.5)}, 1.0, WaveformError),
    ({"pre": Waveform.constant(0.0)}, 1.0, WaveformError),
])
def test_what_is_no_event_is_refused(waves, rest, error):
    with pytest.raises(error, match="event"):
        Event(waves, rest)


def test_requests_that_make_no_sense(ngspice):
    with pytest.raises(InputError, match="no event"):
        apply(one_device(PCMO()), [], engine=ngspice)
    with pytest.raises(InputError, match="synapse"):
        apply(one_device(PCMO()), [up()], engine=ngspice, synapse="axon")


def test_a_bias_encloses_its_pulse():
    event = Event.pulse("bl", 1.0, 1e-6, 1.0, bias={"wl": 2.0, "sl": 0.0})
    assert set(event.waves) == {"bl", "wl"} and event.duration == pytest.approx(1.02e-6)
    flat = event.waves["wl"].times[1:3]
    assert flat[0] <= event.waves["bl"].times[0] and flat[1] >= event.waves["bl"].times[-1]


def longest_step(record):
    """The longest step within the first event, of 1 us."""
    time = np.concatenate([start + result.time for start, result in record.runs])
    begin = record.begins[0]
    return float(np.diff(time[(time >= begin - 1e-12) & (time <= begin + 1.001e-6)]).max())


def test_a_short_pulse_before_a_long_rest_is_resolved(ngspice, monkeypatch):
    event = [Event.pulse("pre", 0.5, 1e-6, 0.5)]
    assert longest_step(apply(one_device(PCMO()), event, engine=ngspice)) < 1.01e-6 / pulses.PARTS
    monkeypatch.setattr(pulses, "PARTS", 1)
    assert longest_step(apply(one_device(PCMO()), event, engine=ngspice)) > 5e-8


def test_rests_of_very_different_length_are_runs_of_their_own(ngspice, monkeypatch):
    rests = [1e-3, 2e-3, 0.5, 1e-3, 2000.0]
    cell, events = one_device(PCMO()), [up(rest) for rest in rests]
    record = apply(cell, events, engine=ngspice, reading=READING)
    assert len(record.runs) == 5 and len(record.siemens) == len(record.begins) == 5
    # An event in a run of its own is followed by its rest in another; PCMO keeps what it has at rest.
    gaps = np.diff(record.begins)
    assert gaps == pytest.approx(np.array(rests[:4]) + 1e-3, rel=2e-2)
    alike = apply(cell, [up(1e-3)] * 5, engine=ngspice, reading=READING)
    assert len(alike.runs) == 1 and record.siemens == pytest.approx(alike.siemens, rel=2e-4)
    monkeypatch.setattr(pulses, "ALIKE", 1e9)
    assert len(apply(cell, events[:4], engine=ngspice).runs) == 1


def test_states_and_reading_pulses_agree_and_splitting_changes_nothing(ngspice):
    cell, events = one_device(PCMO()), [up(), up(), Event.pulse("pre", -0.5, 1e-3, 1e-3), up()]
    ideal = apply(cell, events, engine=ngspice)
    read = apply(cell, events, engine=ngspice, reading=READING)
    assert read.before == pytest.approx(5.98e-6, rel=1e-4) and read.siemens == pytest.approx(ideal.siemens, rel=3e-4)
    assert ideal.siemens[0] > 1.5 * ideal.before and ideal.siemens[2] < 0.9 * ideal.siemens[1]
    first = apply(cell, events[:2], engine=ngspice)
    second = apply(cell, events[2:], engine=ngspice, initial=first.final)
    assert np.r_[first.siemens, second.siemens] == pytest.approx(ideal.siemens, rel=2e-4)
    forgetful = apply(cell, events[2:], engine=ngspice)
    assert forgetful.siemens[-1] < 0.7 * second.siemens[-1]


def test_a_reading_needs_its_bias(ngspice):
    cell = cell_1t1r()
    volts, width = cell.devices()["syn"].handling().set_pulse
    events = [Event.pulse("bl", 2 * volts, 10 * width, 1e-5, bias={"wl": 1.2})]
    open_, shut = (apply(cell, events, engine=ngspice, reading=Reading(0.1, 1e-6, bias=bias))
                   for bias in ({"wl": 3.0}, {}))
    assert open_.siemens[0] > 2 * open_.before and open_.siemens[0] > 1000 * shut.siemens[0]


def test_energy_of_a_resistor(ngspice):
    """1 Ohm beside the device, whose 6 uS do not count: v^2 t over the flat part, a third of that over an edge."""
    cell = Circuit("shunted", ("pre", "post"), synapses=(Synapse("syn", "pre", "post", "pre", "syn"),))
    cell.add("r1", Resistor(1.0), p="pre", n=GROUND).add("syn", PCMO(), p="pre", n="post")
    record = apply(cell, [Event.pulse("pre", 0.2, 1e-6, 1e-6), Event.pulse("pre", -0.4, 1e-6, 1e-6, edge=2e-7)],
                   engine=ngspice)
    assert record.joules == pytest.approx([0.04 * (0.98e-6 + 0.02e-6 / 3), 0.16 * (0.6e-6 + 0.4e-6 / 3)], rel=3e-5)
    assert record.amps == pytest.approx([0.2, -0.4], rel=1e-4)


def test_work_is_exact_between_straight_lines():
    time, volts, amps = np.array([0.0, 1.0, 3.0]), np.array([0.0, 3.0, 3.0]), np.array([0.0, 3.0, 0.0])
    assert work(time, volts, amps) == pytest.approx([0.0, 3.0, 12.0])
    assert np.trapezoid(volts * amps, time) == pytest.approx(13.5)  # what it must not be


def test_a_reading_that_disturbs_is_refused_and_its_size_is_right(ngspice):
    cell, hard = one_device(PCMO()), Reading(0.3, 1e-5)
    with pytest.raises(SimulationError, match=r"reading of syn\.x.*at most 0.0001.*Read with less voltage"):
        apply(cell, [up()], engine=ngspice, reading=hard)
    # Not only the first reading, which has a run of its own: the same device, reset too little to notice.
    late = Reading(0.05, 1e-6, disturb=1e-3)
    assert apply(cell, [up()] * 2, engine=ngspice, reading=late).siemens[1] > 0
    allowed = Reading(0.3, 1e-5, disturb=0.5)
    with_, without = (apply(cell, [up()], engine=ngspice, reading=r).final["syn.x"] for r in (allowed, None))
    # Two readings, before and after; each moves x by k_p sinh(v/v_p) exp(heat) t: 1 s^-1 * 1e-5 s or so.
    from spicemem.protocols.reading import disturbance, read, watched
    _, state = read(ngspice, cell, allowed)
    result = ngspice.run(cell.drive(pre=allowed.pulse(1e-6)), 1.2e-5, max_step=1e-7,
                         save=watched(cell, cell.synapses[0]))
    device = cell.devices()["syn"]
    moved = result["syn.x"][-1]
    share = disturbance(cell, cell.synapses[0], allowed, result, [1e-6])["x"][0]
    g = device.values["g_off"], device.values["g_on"]
    assert share == pytest.approx(moved * (g[1] - g[0]) / g[0], rel=0.02) and with_ - without > moved / 2
    assert state["syn.x"] == pytest.approx(moved, rel=0.02)


def test_the_reading_of_a_device_that_forgets_is_not_blamed_for_that(ngspice):
    cell, reading = one_device(WOx(tau=1e-3)), Reading(0.1, 1e-6)
    record = apply(cell, [Event.pulse("pre", 1.5, 1e-3, 1e-4)] * 2, engine=ngspice, reading=reading)
    start, result = record.runs[0]
    at = record.begins[1] - start - 1.2 * reading.width - 1e-6
    before, after = (result.at("syn.w", t) for t in (at, at + reading.width))
    assert before - after > 5 * reading.disturb * before
    with pytest.raises(SimulationError, match="reading of"):
        apply(cell, [Event.pulse("pre", 1.5, 1e-3, 1e-4)], engine=ngspice, reading=Reading(0.5, 1e-5))


def test_the_readings_of_cycling_are_watched_too(ngspice):
    spike = Waveform.points((0, 0), (1e-4, 0.2), (1e-3, 0))
    protocol = {"pre": spike, "post": -spike, "delay_up": 0.0, "delay_down": 5e-4, "pairs": 2, "cycles": 1,
                "engine": ngspice}
    assert len(cycling(one_device(PCMO(x_init=0.2)), reading=READING, **protocol)) == 4
    with pytest.raises(SimulationError, match=r"reading of syn\.x, number \d of 2"):
        cycling(one_device(PCMO(x_init=0.2)), reading=Reading(0.3, 1e-5), **protocol)
