"""Protocols: what they refuse, what a reading does, and curves of known devices."""

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor
from spicemem.circuits import divider_gate, shared_pre
from spicemem.devices import EIS
from spicemem.engines import get
from spicemem.errors import CircuitError, InputError, SimulationError, SpicememError, WaveformError
from spicemem.protocols import Reading, cycling, lone_spikes, rate, stdp, stdp_all
from spicemem.protocols.reading import read
from spicemem.protocols.stdp import pairing
from spicemem.waveform import Waveform

SPIKE = Waveform.points((-0.01, 0), (0, 5), (0.01, 0))


def call(**changes):
    return stdp(divider_gate(), **{"pre": SPIKE, "post": SPIKE, "delays": [0.0], "engine": "reference", **changes})


@pytest.mark.parametrize(("changes", "words"), [
    ({"delays": [0.0, float("nan")]}, "delays: found .* expected finite times"),
    ({"delays": []}, "at least one"),
    ({"delays": [float("inf")]}, "finite"),
    ({"pre": None, "post": None}, "no spike"),
    ({"pre": Waveform.constant(1.0)}, "starts and ends at rest"),
    ({"pre": Waveform.points((0, 1), (1, 0))}, "starts and ends at rest"),
    ({"pre": 3.0}, "expected a Waveform"),
    ({"post": {"sin": SPIKE}}, "Did you mean syn"),
    ({"synapse": "b"}, "expected one it has"),
    ({"engine": "spice"}, "ngspice"),
    ({"read_delay": 0.001}, "read_delay: found 1 ms, expected at least"),
    ({"initial": {"syn.h": 1.0}}, "syn.g"),
    ({"max_step": -1.0}, "max_step"),
])
def test_bad_requests_are_refused_in_words(changes, words):
    with pytest.raises(SpicememError, match=words):
        call(**changes)


def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(CircuitError, match="no synapse"):
        stdp(Circuit("plain", ("a",)).add("r1", Resistor(1.0), p="a", n="0"), pre=SPIKE, post=SPIKE, delays=[0])
    with pytest.raises(InputError, match="stdp_all"):
        stdp(shared_pre(), pre=SPIKE, post=SPIKE, delays=[0])
    with pytest.raises(InputError, match="2 synapses"):
        cycling(shared_pre(), pre=SPIKE, post=SPIKE, delay_up=0, delay_down=0, pairs=1, cycles=1, engine="reference")
    with pytest.raises(InputError, match="0 pairs"):
        cycling(divider_gate(), pre=SPIKE, post=SPIKE, delay_up=0, delay_down=0, pairs=0, cycles=1)
    with pytest.raises(InputError, match="widths above 0"):
        rate(EIS(), [1.0], [0.0], engine="reference")
    with pytest.raises(InputError, match="other than 0"):
        Reading(voltage=0.0)


def test_reading_gives_the_conductance_and_leaves_it():
    for g in (2e-8, 1e-6, 9e-6):
        found, state = read(get("reference"), divider_gate(EIS(g_init=g)), Reading())
        assert found["syn"] == pytest.approx(g, rel=1e-9)
        assert state["syn.g"] == pytest.approx(g, rel=1e-6)


def test_a_reading_that_disturbs_is_refused():
    """Planted fault: a device that its own reading moves, since its gate hangs on the read line."""
    cell = Circuit("wrong", divider_gate().ports, synapses=divider_gate().synapses)
    for port in ("pre", "post"):
        cell.add(f"r_{port}", Resistor(1e3), p=port, n="0")
    cell.add("syn", EIS(), gate="drain", drain="drain", source="0")
    with pytest.raises(SimulationError, match=r"reading of syn\.g.*Read with less voltage"):
        read(get("reference"), cell, Reading(voltage=5.0, width=10e-3))


def test_delay_is_post_minus_pre_and_time_order_does_not_matter():
    """Two one-sided spikes: dG depends on who comes first only through the device, and mirrors with the roles."""
    pre = Waveform.points((0, 0), (0.001, 6), (0.02, 0))
    post = Waveform.points((0, 0), (0.001, 4), (0.02, 0))
    delays = [-0.03, -0.01, 0.0, 0.01, 0.03]
    forward = call(pre=pre, post=post, delays=delays)
    swapped = call(pre=post, post=pre, delays=delays)
    assert forward.y == pytest.approx(swapped.y[::-1], rel=1e-6)
    p = pairing(divider_gate(), pre=pre, post=post, engine="reference")
    waves, spike, _ = p.waves(0.03)
    assert waves["post"].times[0] - waves["pre"].times[0] == pytest.approx(0.03)
    assert waves["pre"].times[0] == pytest.approx(spike)
    waves, spike, _ = p.waves(-0.03)
    assert waves["pre"].times[0] - waves["post"].times[0] == pytest.approx(0.03) and waves["post"].times[0] > 0


def test_lone_spikes_are_the_limit_of_far_delays():
    alone = lone_spikes(divider_gate(), pre=SPIKE, post=SPIKE, engine="reference")
    far = call(delays=[1.0])
    assert far.y[0] == pytest.approx(alone["pre"]["syn"] + alone["post"]["syn"], rel=1e-4)


def test_two_synapses_in_one_circuit_are_two_cells_side_by_side():
    both = stdp_all(shared_pre(), pre=SPIKE, post={"a": SPIKE, "b": -SPIKE}, delays=[0.0, 0.005], engine="reference")
    for name, post in (("a", SPIKE), ("b", -SPIKE)):
        assert both[name].y == pytest.approx(call(post=post, delays=[0.0, 0.005]).y, rel=1e-6)
        assert stdp(shared_pre(), synapse=name, pre=SPIKE, post={"a": SPIKE, "b": -SPIKE}, delays=[0.0, 0.005],
                    engine="reference").y == pytest.approx(both[name].y)


def test_rate_is_the_rate_law():
    from spicemem.experiments.eis_spikes import gate_rate
    from spicemem.protocols.rate import slope

    device = EIS()
    for volts in (3.0, -3.0):
        widths = np.geomspace(1e-9, 1e-8, 4) / abs(gate_rate(device, volts))
        curve = rate(device, [volts], widths, engine="reference")[volts]
        # The edges are a thousandth of the pulse and count for less than their length.
        assert curve.y == pytest.approx(gate_rate(device, volts) * widths, rel=3e-3)
        assert slope(curve) == pytest.approx(gate_rate(device, volts), rel=5e-3)


def test_cycling_returns_and_counts():
    curve = cycling(divider_gate(EIS(g_init=2e-7)), pre=SPIKE, post=SPIKE, delay_up=0.0, delay_down=0.0, pairs=3,
                    cycles=2, engine="reference")
    assert curve.x.tolist() == list(range(1, 13)) and set(curve.columns["cycle"].values) == {1.0, 2.0}
    once = call(pre=SPIKE, post=SPIKE).y[0]
    assert np.diff(curve.y) == pytest.approx(np.full(11, once), rel=1e-3)


def test_waveform_errors_are_waveform_errors():
    with pytest.raises(WaveformError):
        call(pre=Waveform.points((0, 0), (1, 1)))
