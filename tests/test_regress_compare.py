"""The comparator of waveforms: does it pass what is right, and find every kind of fault?"""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spicemem.errors import InputError
from spicemem.generate import thing
from spicemem.regress.compare import Invariant, Tolerance, compare, xyce_rms
from spicemem.regress.events import find_events, quiet_level
from spicemem.regress.waveforms import Waveforms
from spicemem.render.bench import bench_circuit, bench_of


def waves(time, units=None, **signals):
    return Waveforms(time, signals, units or dict.fromkeys(signals, "V"))


def kinds(comparison):
    return {f.kind for f in comparison.findings}


@st.composite
def pwl(draw, least=4, most=40):
    """A piecewise-linear signal of 1 s with a span."""
    count = draw(st.integers(least, most))
    steps = draw(st.lists(st.integers(1, 1000), min_size=count - 1, max_size=count - 1))
    values = draw(st.lists(st.integers(-1000, 1000), min_size=count, max_size=count))
    assume(max(values) - min(values) >= 100)
    time = np.r_[0.0, np.cumsum(steps)]
    return time / time[-1], np.array(values) / 1000.0


def resampled(time, values, points):
    """The same function with further points on its lines."""
    fresh = np.union1d(time, points)
    return fresh, np.interp(fresh, time, values)


# --- properties -------------------------------------------------------------------------------------------------------

@given(pwl(), st.sampled_from([0.0, 1e-3, 0.2]), st.sampled_from([1e-9, 1e-3]))
def test_a_run_agrees_with_itself(signal, late, relative):
    w = waves(signal[0], x=signal[1])
    found = compare(w, w, Tolerance(relative=relative, time=late, rms=0.01, final=0.0),
                    invariants=[Invariant("charge", ("x",), absolute=1e-12), Invariant("change", ("x",), absolute=0.1)])
    assert found.passed and found.signals["x"].worst == 0


@given(pwl(), st.lists(st.floats(0, 1), max_size=30), st.sampled_from([0.0, 0.05]), st.floats(-0.02, 0.02))
def test_the_points_that_a_run_was_stored_at_do_not_matter(signal, points, late, off):
    time, values = signal
    golden, test = waves(time, x=values), waves(time, x=values + off * time * (1 - time) * 4)
    asked = Tolerance(absolute=0.01, time=late)
    one = compare(golden, test, asked).signals["x"]
    again = waves(*resampled(time, test.signals["x"], points)[:1], x=resampled(time, test.signals["x"], points)[1])
    two = compare(waves(resampled(time, values, points)[0], x=resampled(time, values, points)[1]), again,
                  asked).signals["x"]
    if not late:
        assert two.worst == pytest.approx(one.worst, abs=1e-12)
    if abs(one.worst - 0.01) > 1e-9:
        assert one.passed == two.passed


@given(pwl(), pwl(), st.floats(1e-3, 0.4), st.sampled_from([0.0, 0.01, 0.1]))
def test_it_does_not_matter_which_of_two_is_the_golden(a, b, absolute, late):
    """With an absolute tolerance and a level that is given: spans and levels are the golden's."""
    one, two = waves(a[0], x=a[1]), waves(b[0], x=b[1])
    assume(2.1 * absolute < min(np.ptp(a[1]), np.ptp(b[1])))
    asked = Tolerance(absolute=absolute, time=late, level=0.03)
    ab, ba = compare(one, two, asked).signals["x"], compare(two, one, asked).signals["x"]
    if not late:
        assert ab.worst == pytest.approx(ba.worst) and ab.passed == ba.passed
    if max(ab.worst, ba.worst) <= absolute:  # neither axis had to be warped
        assert ab.passed and ba.passed


@given(pwl(), pwl(most=8), st.floats(1e-3, 0.2), st.floats(1.0, 2.0), st.floats(0, 0.1), st.floats(1.0, 4.0),
       st.floats(0.01, 0.2))
def test_a_larger_tolerance_never_fails_what_a_smaller_one_passes(signal, change, relative, more, late, later, rms):
    time, values = signal
    shift = np.interp(time, change[0], change[1]) * 0.02
    shifted = np.maximum.accumulate(time + shift * time * (1 - time))
    assume((np.diff(shifted) > 0).all())
    golden = waves(time, x=values)
    test = waves(shifted, x=values * (1 + 0.05 * np.interp(time, change[0], change[1])))
    small = Tolerance(relative=relative, time=late, rms=rms, final=relative)
    large = Tolerance(relative=min(relative * more, 0.45), time=min(late * later, 0.4), rms=min(rms * more, 0.9),
                      final=relative * more)
    assert compare(golden, test, large).passed or not compare(golden, test, small).passed


@given(pwl(), st.floats(1e-3, 0.1))
def test_what_is_found_is_as_large_as_what_was_planted(signal, size):
    time, values = signal
    test = values.copy()
    test[len(values) // 2] += size
    assert compare(waves(time, x=values), waves(time, x=test), Tolerance(absolute=1e-6)).signals["x"].worst == (
        pytest.approx(size))
    assert compare(waves(time, x=values), waves(time, x=test), Tolerance(absolute=0.99 * size)).findings or (
        0.99 * size >= np.ptp(values) / 2)


@given(pwl(), st.floats(1e-3, 10.0), st.floats(1e-12, 1.0))
def test_integral_rms_of_a_constant_relative_error(signal, error, scale):
    """Without a floor a relative error everywhere is that error; a tenth of the time, its square root's part."""
    time, golden = signal[0], 2.0 + signal[1]
    assert xyce_rms(time, golden * (1 + error), golden, 0.01, 0.0) == pytest.approx(100 * error)
    assert xyce_rms(time * scale, golden * (1 + error), golden, 0.01, 0.0) == pytest.approx(100 * error)


def test_integral_rms_by_hand():
    """Values of xyce_verify.pl: integrand 0, 1, 0 at 0, 1, 2 s; differences below the floor are none."""
    t = np.array([0.0, 1.0, 2.0])
    assert xyce_rms(t, np.array([1.0, 0.99, 1.0]), np.ones(3), 0.01, 0.0) == pytest.approx(np.sqrt(0.5))
    assert xyce_rms(t, np.array([1e-13, 0, 0]), np.zeros(3)) == 0
    assert xyce_rms(t, np.full(3, 1e-12), np.zeros(3)) == pytest.approx(1.0)


# --- events -----------------------------------------------------------------------------------------------------------

def switching(at=400e-9, wide=2e-9, high=1.0, more=()):
    """A state that switches abruptly: 1 us, an edge of `wide` seconds at `at`, as a simulator samples it."""
    edge = np.linspace(at, at + wide, 9)
    time = np.union1d(np.linspace(0, 1e-6, 301), np.r_[edge, more])
    return waves(time, x=high * (0.5 - 0.5 * np.cos(np.pi * np.clip((time - at) / wide, 0, 1))))


def test_an_edge_that_moved_by_22_ns_passes_with_a_time_tolerance_that_allows_it_and_fails_without():
    golden, moved = switching(), switching(422e-9)
    for late, agrees in ((0, False), (10e-9, False), (21.9e-9, False), (22.1e-9, True), (50e-9, True), (400e-9, True)):
        assert compare(golden, moved, Tolerance(relative=0.01, time=late)).passed is agrees, late
    found = compare(golden, moved, Tolerance(relative=0.01, time=10e-9))
    assert "comes 22 ns late, allowed 10 ns" in found.report() and {"moved", "amplitude"} == kinds(found)
    assert compare(golden, moved, Tolerance(relative=0.01, time=30e-9)).signals["x"].shift == pytest.approx(22e-9)


def test_an_edge_of_another_width_is_a_difference_in_time():
    golden = switching()
    assert compare(golden, switching(422e-9, 6e-9), Tolerance(relative=0.01, time=30e-9)).passed
    assert not compare(golden, switching(422e-9, 60e-9), Tolerance(relative=0.01, time=30e-9)).passed
    assert compare(golden, switching(400e-9, 60e-9), Tolerance(relative=0.01, time=60e-9)).passed


def pulses(edges, high=1.0, base=0.0):
    """Pulses of 10 us in all that begin and end at the edges, each of 2 ns."""
    time = np.concatenate([[0.0], *([e, e + 2e-9] for e in edges), [10e-6]])
    levels = np.arange(len(edges) + 1) % 2 * (high - base) + base
    return waves(time, x=np.repeat(levels, 2))


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=20), st.floats(-0.05, 0.05), st.integers(5, 60),
       st.floats(0.005, 0.05))
def test_pulses_agree_where_every_edge_and_every_height_does(shifts, scale, late, relative):
    """The verdict is known: edges 400 ns apart, each moved by a number of ns, pulses scaled."""
    assume(abs(abs(scale) - relative) > 1e-6)
    edges = 200e-9 + 400e-9 * np.arange(len(shifts))
    golden, test = pulses(edges), pulses(edges + 1e-9 * np.array(shifts), 1 + scale)
    found = compare(golden, test, Tolerance(relative=relative, time=(late + 0.5) * 1e-9))
    assert found.passed == (max(map(abs, shifts)) <= late and abs(scale) < relative)
    without = compare(golden, test, Tolerance(relative=relative))
    assert without.passed == (not any(shifts) and abs(scale) < relative)


@given(st.integers(2, 10), st.data(), st.booleans())
def test_a_pulse_that_is_missing_or_too_many_is_found(count, data, extra):
    edges = 200e-9 + 400e-9 * np.arange(2 * count)
    gone = data.draw(st.integers(0, count - 1))
    less = np.delete(edges, [2 * gone, 2 * gone + 1])
    golden, test = (pulses(less), pulses(edges)) if extra else (pulses(edges), pulses(less))
    signal = compare(golden, test, Tolerance(relative=0.01, time=50e-9)).signals["x"]
    assert not signal.passed
    times = edges[2 * gone:2 * gone + 2] + 1e-9
    odd, none = (signal.extra, signal.missing) if extra else (signal.missing, signal.extra)
    assert list(odd) == pytest.approx(times, abs=1e-9) and not len(none)
    assert len(signal.matched) == 2 * count - 2


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(-40, 40), st.sampled_from([1e-9, 2e-8])), min_size=2,
                max_size=12), st.data(), st.sampled_from([50e-9, 200e-9, 1e-6, 4e-6]), st.sampled_from([0.0, 5e-4]))
def test_a_plateau_of_another_height_is_never_forgiven(steps, data, late, creep):
    """A staircase of 10 us, up and down, whose edges move by up to 40 ns: even a time tolerance of many plateaus must
    not squeeze away one that is wrong."""
    levels = np.array([s[0] for s in steps]) / 20
    assume(np.ptp(levels) >= 0.3 and (np.diff(levels) != 0).all())
    edges = 200e-9 + 9.6e-6 / len(steps) * np.arange(1, len(steps))

    def stairs(heights, shifts):
        time, values = [0.0], [heights[0]]
        for edge, height, (_, _, wide) in zip(edges + shifts, heights[1:], steps[1:], strict=True):
            time += [edge, edge + wide]
            values += [values[-1] + creep, height]
        return waves(np.array([*time, 10e-6]), x=np.array([*values, values[-1] + creep]))

    wrong = levels.copy()
    wrong[data.draw(st.integers(0, len(levels) - 1))] += data.draw(st.sampled_from([-0.2, -0.03, 0.03, 0.1, 0.2]))
    shifts = 1e-9 * np.array([s[1] for s in steps[1:]])
    asked = Tolerance(absolute=0.01, time=late)
    assert not compare(stairs(levels, 0 * shifts), stairs(wrong, shifts), asked).passed
    assert compare(stairs(levels, 0 * shifts), stairs(levels, 0 * shifts), asked).passed


@pytest.mark.parametrize("late", [30e-9, 100e-9, 300e-9])
@pytest.mark.parametrize("fault", [
    lambda w: replace(w, signals={"x": w.signals["x"] * 1.02}),                               # scale
    lambda w: replace(w, signals={"x": w.signals["x"] + 0.02}),                               # offset
    lambda w: replace(w, signals={"x": w.signals["x"] + 0.02 * (w.time > 700e-9)}),           # after the edge
    lambda w: replace(w, signals={"x": w.signals["x"] + 0.02 * (w.time < 100e-9)}),           # before it
    lambda w: replace(w, signals={"x": w.signals["x"] - 0.3 * (np.abs(w.time - 600e-9) < 5e-9)}),  # a short dip
    lambda w: replace(w, signals={"x": w.signals["x"] + 0.3 * (np.abs(w.time - 200e-9) < 5e-9)}),  # a short bump
    lambda w: replace(w, signals={"x": w.signals["x"] - 0.9 * (np.abs(w.time - 600e-9) < 5e-9)}),  # a spike
    lambda w: replace(w, signals={"x": w.signals["x"] * (1 + 0.05 * np.exp(-(w.time - 430e-9)**2 / 1e-16))}),
])
def test_a_wrong_amplitude_is_never_forgiven_by_alignment(fault, late):
    golden, moved = switching(), switching(422e-9)
    asked = Tolerance(relative=0.01, time=late)
    assert compare(golden, moved, asked).passed
    found = compare(golden, fault(moved), asked)
    assert not found.passed and kinds(found) & {"amplitude", "event extra", "event missing"}
    assert found.signals["x"].shift <= late


def test_a_dip_beside_the_edge_is_no_difference_in_time():
    """Its values are those of the edge, long after it."""
    golden, moved = switching(), switching(402e-9, more=np.linspace(440e-9, 444e-9, 9))
    creep = 0.03 * np.clip((golden.time - 402e-9) / 400e-9, 0, 1)
    golden = replace(golden, signals={"x": golden.signals["x"] * 0.97 + creep})
    creep = 0.03 * np.clip((moved.time - 404e-9) / 400e-9, 0, 1)
    good = replace(moved, signals={"x": moved.signals["x"] * 0.97 + creep})
    asked = Tolerance(relative=0.01, time=30e-9)
    assert compare(golden, good, asked).passed
    dip = replace(good, signals={"x": good.signals["x"] - 0.1 * ((moved.time > 440e-9) & (moved.time < 444e-9))})
    assert "amplitude" in kinds(compare(golden, dip, asked))


def test_a_slow_crossing_needs_no_alignment():
    """A sawtooth: its ramp is off by 0.5 % of the span, which is 5 ms there; its edge by 1 ms."""
    t = np.array([0, 0.999, 1.0, 1.999, 2.0, 2.5])
    golden = waves(t, x=np.array([0, 1, 0, 1, 0, 0.5]))
    test = waves(np.array([0, 1.0, 1.001, 2.0, 2.001, 2.5]), x=np.array([0, 1.004, 0, 1.004, 0, 0.5]))
    assert compare(golden, test, Tolerance(relative=0.01, time=2e-3)).passed
    assert not compare(golden, test, Tolerance(relative=0.01, time=0.5e-3)).passed
    assert not compare(golden, test, Tolerance(relative=0.003, time=2e-3)).passed


def test_events():
    t = np.linspace(0, 1, 11)
    y = np.array([0, 0, 1, 1, 0.55, 0.45, 0.55, 1, 0, 0, 0])
    events = find_events(t, y, 0.5, 0.3)
    assert [e.rising for e in events] == [True, False]
    assert [e.time for e in events] == pytest.approx([0.15, 0.75])
    assert [e.time for e in find_events(t, y, 0.5, 0.01)] == pytest.approx([0.15, 0.45, 0.55, 0.75])
    steps = np.array([0, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1, 0, 0])
    assert abs(quiet_level(t, steps) - 0.5) > 0.02  # a plateau is no level for an event


# --- real spike trains ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trains(require):
    """A neuron's pulses and spikes, and a neuristor's, each from two engines."""
    found = {}
    for name in ("if_neuron", "neuristor"):
        item = thing(name)
        bench = bench_of(item)
        found[name] = [Waveforms.of(require(engine).run(bench_circuit(item), bench.stop, max_step=bench.max_step),
                                    source=engine) for engine in ("ngspice", "vacask")]
    return found


ASKED = {"if_neuron": {name: Tolerance(relative=0.01, time=100e-9) for name in ("v(axon)", "v(inside)", "dut.x")},
         "neuristor": {name: Tolerance(relative=0.01, time=20e-9) for name in ("v(axon)", "v(a)", "i(v_sodium)")}}


def altered(w, **changes):
    return replace(w, signals={**w.signals, **{name.replace("_axon", "v(axon)"): y for name, y in changes.items()}})


@pytest.mark.parametrize("name", ASKED)
def test_two_engines_agree_on_a_spike_train(trains, name):
    one, two = trains[name]
    assert compare(one, two, ASKED[name]).passed and compare(two, one, ASKED[name]).passed
    tight = {s: replace(t, time=1e-12) for s, t in ASKED[name].items()}
    assert not compare(one, two, tight).passed


def spike(w, at=0, width=1.0):
    """The stretch of one spike of the neuron's axon."""
    y = w.signals["v(axon)"]
    events = find_events(w.time, y, 0.5 * y.max(), 0.1 * y.max())
    rise, fall = events[2 * at].time, events[2 * at + 1].time
    return (w.time > rise - width * (fall - rise)) & (w.time < fall + width * (fall - rise))


FAULTS = {
    "scale": (lambda w, y: y * 1.03, "amplitude"),
    "offset": (lambda w, y: y + 0.03 * np.ptp(y), "amplitude"),
    "shift": (lambda w, y: np.interp(w.time, w.time + 3e-7, y), "moved"),
    "missing spike": (lambda w, y: np.where(spike(w, 2), 0.0, y), "event missing"),
    "extra spike": (lambda w, y: np.maximum(y, 0.8 * y.max() * np.exp(-(w.time - 2.42e-4)**2 / 1e-12)), "event extra"),
    "small extra spike": (lambda w, y: np.maximum(y, 0.2 * y.max() * np.exp(-(w.time - 2.42e-4)**2 / 1e-12)),
                          "amplitude"),
    "one spike lower": (lambda w, y: np.where(spike(w, 1), 0.9 * y, y), "amplitude"),
    "noise": (lambda w, y: y + 0.02 * np.ptp(y) * np.sin(1e9 * w.time), "amplitude"),
    "nan": (lambda w, y: np.where(np.arange(len(y)) == 700, np.nan, y), "nan"),
    "infinity": (lambda w, y: np.where(np.arange(len(y)) == 700, np.inf, y), "nan"),
    "flat": (lambda w, y: np.full_like(y, y.mean()), "amplitude"),
    "unit": (lambda w, y: 1e3 * y, "amplitude"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_every_kind_is_found(trains, fault):
    golden, test = trains["if_neuron"]
    plant, kind = FAULTS[fault]
    found = compare(golden, altered(test, _axon=plant(test, test.signals["v(axon)"])), ASKED["if_neuron"])
    assert not found.passed and kind in kinds(found), found.report()
    assert all(f.signal == "v(axon)" for f in found.findings)
    if fault == "unit":
        assert "1e3 times the golden: probably a wrong unit" in found.report()
    if fault == "scale":
        assert re.search(r"It is 1\.0(29|3) times the golden", found.report())
    if fault in ("missing spike", "extra spike"):
        signal = found.signals["v(axon)"]
        assert (len(signal.missing), len(signal.extra)) == ((2, 0) if fault == "missing spike" else (0, 2))


def test_faults_of_a_run_as_a_whole(trains):
    golden, test = trains["if_neuron"]
    asked = ASKED["if_neuron"]

    swapped = altered(test, _axon=test.signals["v(inside)"], **{"v(inside)": test.signals["v(axon)"]})
    found = compare(golden, swapped, asked)
    assert "swapped" in kinds(found) and "v(axon): is what the golden calls v(inside)" in found.report()

    half = len(test.time) // 2
    cut = replace(test, time=test.time[:half], signals={n: y[:half] for n, y in test.signals.items()})
    found = compare(golden, cut, asked)
    assert kinds(found) == {"truncated"} and "the golden at 400 µs" in found.report()
    cut = replace(test, time=test.time[half:], signals={n: y[half:] for n, y in test.signals.items()})
    assert "it starts at" in compare(golden, cut, asked).report()

    found = compare(golden, replace(test, units={**test.units, "v(axon)": "A"}), asked)
    assert "v(axon): in A, the golden in V" in found.report() and kinds(found) == {"unit"}
    less = replace(test, signals={n: y for n, y in test.signals.items() if n != "dut.x"})
    assert kinds(compare(golden, less, asked)) == {"missing"}
    assert compare(less, less, {"v(axon)": Tolerance(relative=0.1)}).passed

    found = compare(golden, replace(test, time=1e9 * test.time), asked)
    assert "1e9 times as long as the golden: probably a wrong unit of time" in found.report()
    back = test.time.copy()
    back[half] = back[half - 2]
    found = compare(golden, replace(test, time=back), asked)
    assert kinds(found) == {"time"} and f"in row {half}" in found.report()
    back[half] = np.nan
    assert "not a number" in compare(golden, replace(test, time=back), asked).report()
    longer = replace(test, time=np.r_[test.time, 5e-4], signals={n: np.r_[y, 0] for n, y in test.signals.items()})
    assert compare(golden, longer, asked).passed


def test_end_states_and_invariants():
    t = np.linspace(0, 1, 101)
    golden = waves(t, {"v": "V", "i": "A"}, v=np.sin(7 * t), i=1e-6 * np.sin(7 * t))
    end = waves(t, {"v": "V", "i": "A"}, v=np.sin(7 * t) + 0.004 * t**8, i=1e-6 * np.sin(7 * t) * 1.004)
    loose = Tolerance(relative=0.01)
    assert compare(golden, end, loose).passed
    assert kinds(compare(golden, end, replace(loose, final=0.001))) == {"final"}
    energy, charge = Invariant("energy", ("v", "i"), relative=1e-3), Invariant("charge", ("i",), relative=1e-3)
    exact = np.mean(np.sin(7 * np.linspace(0, 1, 200001))**2) * 1e-6
    assert energy.of(golden) == pytest.approx(exact, rel=2e-3) and energy.unit(golden.units) == "J"
    found = compare(golden, end, loose, invariants=[energy, charge, Invariant("change", ("v",), absolute=0.01)])
    assert [f.signal for f in found.findings] == ["energy(v, i)", "charge(i)"]
    assert "allowed" in found.report() and found.invariants[1][4] == "C"
    more = np.union1d(t, np.linspace(0, 1, 77))
    again = waves(more, **{n: np.interp(more, t, golden.signals[n]) for n in "vi"})
    assert energy.of(again) == pytest.approx(energy.of(golden), rel=1e-12)  # of piecewise linear functions, exactly


# --- refused ----------------------------------------------------------------------------------------------------------

def test_what_nonsense_could_pass_is_refused():
    t = np.linspace(0, 1, 11)
    w, asked = waves(t, x=t), Tolerance(relative=0.01)
    flat = waves(t, x=np.ones(11))
    for golden, test, tolerance, words in (
        (w, waves(t[:1], x=t[:1]), asked, "1 points"),
        (waves(t[:1], x=t[:1]), w, asked, "at least two"),
        (w, waves(t + 2, x=t), asked, "a part of the golden's"),
        (flat, flat, asked, "absolute tolerance"),
        (w, w, Tolerance(relative=0.5), "flat line would pass"),
        (w, w, Tolerance(absolute=0.7), "flat line would pass"),
        (w, w, Tolerance(relative=0.1, time=0.5), "half of the run"),
        (w, w, Tolerance(relative=0.1, rms=0.01, rms_floor=2.0), "signal of 0 would pass"),
        (w, w, Tolerance(relative=0.1, rms=1.0), "signal of 0 would pass"),
        (waves(t, x=np.where(t == 0.5, np.nan, t)), w, asked, "not finite"),
        (waves(t[::-1], x=t), w, asked, "rising time"),
        (w, w, {"y": asked}, "signal 'y'"),
        (w, w, {}, "no signals"),
    ):
        with pytest.raises(InputError, match=words):
            compare(golden, test, tolerance)
    assert compare(waves(t, x=t, y=np.full(11, np.nan)), w, {"x": asked}).passed  # nobody asked for y
    assert compare(flat, flat, Tolerance(absolute=0.01)).passed
    assert not compare(flat, w, Tolerance(absolute=0.01)).passed
    with pytest.raises(InputError, match="absolute tolerance"):
        compare(w, w, asked, invariants=[Invariant("change", ("x",), relative=0.1, value=0.0)])


@pytest.mark.parametrize("make", [
    lambda: Tolerance(), lambda: Tolerance(relative=-1), lambda: Tolerance(relative=float("nan")),
    lambda: Tolerance(relative="1"), lambda: Tolerance(relative=True), lambda: Tolerance(relative=0.1, time=-1e-9),
    lambda: Invariant("charge", ("i",)), lambda: Invariant("heat", ("i",), 0.1), lambda: Invariant("energy", ("i",), 1),
    lambda: Invariant("charge", ("i",), relative=-1), lambda: Waveforms([0, 1], {}, {}),
    lambda: Waveforms([0, 1], {"x": [1]}, {}), lambda: Waveforms([0, 1], {"x": ["a", "b"]}, {}),
    lambda: Waveforms.of({"x": [1, 2]}), lambda: Waveforms.of(3),
])
def test_wrong_questions_are_refused(make):
    with pytest.raises(InputError):
        make()
