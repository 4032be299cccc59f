"""Stimuli: their algebra against numpy's own interpolation; what is no proper function of time is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spicemem.errors import WaveformError
from spicemem.waveform import Waveform, merge_times

volts = st.floats(-10, 10)
factors = st.floats(-5, 5)


@st.composite
def waveforms(draw: st.DrawFn, longest: int = 8) -> Waveform:
    gaps = draw(st.lists(st.floats(1e-6, 1.0), min_size=0, max_size=longest))
    times = np.cumsum([draw(st.floats(-2, 2)), *gaps])
    return Waveform(times, [draw(volts) for _ in times])


def probes(*waves: Waveform) -> np.ndarray[Any, Any]:
    """Break points, the middles between them, and times far outside."""
    t = np.unique(np.concatenate([w.times for w in waves]))
    return np.r_[t[0] - 10, t, (t[1:] + t[:-1]) / 2, t[-1] + 10]


def interp(wave: Waveform, t: Any) -> np.ndarray[Any, Any]:
    return np.asarray(np.interp(t, wave.times, wave.values))


def refused(call: Callable[[], Any], *words: str) -> None:
    with pytest.raises(WaveformError) as caught:
        call()
    for word in words:
        assert word in str(caught.value), f"no {word!r} in: {caught.value}"


def close(a: Any, b: Any, scale: float = 10.0) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9 * scale))


@given(waveforms())
def test_a_waveform_is_linear_between_its_points_and_constant_outside(w: Waveform) -> None:
    t = probes(w)
    assert (w(t) == interp(w, t)).all()
    assert w(-1e9) == w.values[0] and w(1e9) == w.values[-1]
    assert w.peak == np.abs(w.values).max() and w.duration == w.times[-1] - w.times[0]


@given(waveforms(), st.floats(-3, 3))
def test_shift_is_later(w: Waveform, delay: float) -> None:
    t = probes(w)
    slope = np.abs(np.diff(w.values) / np.diff(w.times)).max(initial=0)
    assert np.allclose(w.shift(delay)(t + delay), w(t), atol=1e-12 * (1 + slope))
    assert close(w.shift(delay).shift(-delay).times, w.times)


@given(waveforms(), factors)
def test_scale_negation_and_factors(w: Waveform, factor: float) -> None:
    t = probes(w)
    for twin in (w.scale(factor), w * factor, factor * w):
        assert close(twin(t), factor * w(t))
    assert ((-w)(t) == -w(t)).all() and ((-(-w))(t) == w(t)).all()  # noqa: B002


@given(waveforms(), st.floats(0.01, 100))
def test_stretch_is_longer_about_time_zero(w: Waveform, factor: float) -> None:
    t = probes(w)
    slope = np.abs(np.diff(w.values) / np.diff(w.times)).max(initial=0)
    assert np.allclose(w.stretch(factor)(t * factor), w(t), atol=1e-12 * (1 + slope))


@given(waveforms(), waveforms(), factors)
def test_sums(a: Waveform, b: Waveform, offset: float) -> None:
    # Break points that nearly meet are one (rounding, not edges): there the sum may differ.
    gaps = np.diff(np.unique(np.r_[a.times, b.times]))
    assume((gaps > 1e-9).all())
    t = probes(a, b)
    assert close((a + b)(t), a(t) + b(t)) and close((a - b)(t), a(t) - b(t)) and close((b + a)(t), (a + b)(t))
    assert close((a + offset)(t), a(t) + offset) and close((a - offset)(t), a(t) - offset)
    assert set((a + b).times) == set(a.times) | set(b.times)


def test_a_sum_that_loses_points_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = Waveform.points((0, 0), (1, 1), (2, 0)), Waveform.points((0.5, 0), (1.5, 3))
    t = probes(a, b)
    assert close((a + b)(t), a(t) + b(t))
    monkeypatch.setattr("spicemem.waveform.merge_times", lambda x, y: x)
    assert not close((a + b)(t), a(t) + b(t))


@given(waveforms(), st.integers(1, 6), st.floats(1e-3, 2))
def test_repetition(w: Waveform, count: int, gap: float) -> None:
    period = w.duration + gap
    train = w.repeat(count, period)
    assert len(train.times) == count * len(w.times)
    inside = np.linspace(w.times[0], w.times[-1], 7)
    for i in range(count):
        slope = np.abs(np.diff(w.values) / np.diff(w.times)).max(initial=0)
        assert np.allclose(train(inside + i * period), w(inside), atol=1e-9 * (1 + slope))
    assert w.repeat(1, 0.0).times.tolist() == w.times.tolist()


@given(waveforms(), st.floats(-3, 6))
def test_the_part_from_a_time_on(w: Waveform, start: float) -> None:
    part = w.starting_at(start)
    t = probes(w)
    t = t[t >= start]
    assert part.times[0] == start and close(part(np.r_[start, t]), w(np.r_[start, t]))
    assert (part(t - 1e6) == w(start)).all()


@given(st.lists(st.lists(st.floats(-1, 1), min_size=1, max_size=6), min_size=1, max_size=3))
def test_merged_times_rise_and_hold_all(lists: list[list[float]]) -> None:
    merged = merge_times(*lists)
    assert (np.diff(merged) > 0).all()
    span = np.ptp(np.concatenate(lists))
    for t in np.concatenate(lists):
        assert np.abs(merged - t).min() <= 1e-11 * span
    assert merge_times(iter([1.0, 0.0]), (t for t in (0.5,))).tolist() == [0.0, 0.5, 1.0]


def test_pulses() -> None:
    pulse = Waveform.pulse(2.0, 1e-3, 1e-5, start=1.0, base=-1.0)
    assert pulse(1.0) == pulse(0.0) == pulse(1.001) == pulse(9.0) == -1 and pulse(1.0005) == 2
    assert pulse(1.000005) == pytest.approx(0.5)
    for edge, width in ((0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (-0.1, 1.0), (0.1, 0.0), (math.nan, 1.0), (0.1, -1.0)):
        refused(lambda edge=edge, width=width: Waveform.pulse(1.0, width, edge), "pulse", f"edge {edge} s",
                "above 0 and below half")
    assert Waveform.constant(3.0)(-7.0) == 3 and Waveform.constant(3.0).duration == 0


@pytest.mark.parametrize(("times", "values", "words"), [
    ([], [], ["at least one point"]),
    ([0, 1], [1], ["shape (2,)", "(1,)", "two lists of one length"]),
    ([[0, 1]], [[0, 1]], ["two lists of one length"]),
    ([0, 1, 1], [0, 1, 2], ["time number 2", "1.0 s after 1.0 s", "strictly rising", "two points a short time apart"]),
    ([0, 2, 1], [0, 1, 2], ["time number 2", "1.0 s after 2.0 s"]),
    ([0, math.nan], [0, 1], ["time number 1", "nan", "finite"]),
    ([0, math.inf], [0, 1], ["time number 1", "inf"]),
    ([-math.inf, 0], [0, 1], ["time number 0", "-inf"]),
    ([0, 1], [0, math.nan], ["value number 1", "nan"]),
    ([0, 1], [math.inf, 1], ["value number 0", "inf"]),
    (["a", "b"], [0, 1], ["waveform", "expected numbers"]),
    ([0, 1], [None, {}], ["waveform", "expected numbers"]),
    ([0, 1], [1j, 0], ["waveform"]),
])
def test_bad_waveforms_are_refused(times: Any, values: Any, words: list[str]) -> None:
    refused(lambda: Waveform(times, values), *words)


@pytest.mark.parametrize("call", [
    lambda w: w.shift(math.nan), lambda w: w.shift(math.inf), lambda w: w.scale(math.nan), lambda w: w * math.inf,
    lambda w: w + math.nan, lambda w: w.stretch(0.0), lambda w: w.stretch(-1.0), lambda w: w.stretch(math.inf),
    lambda w: w.repeat(0, 1.0), lambda w: w.repeat(-1, 1.0), lambda w: w.repeat(2, 1.0), lambda w: w.repeat(3, 0.5),
    lambda w: w.repeat(2, math.nan), lambda w: w.repeat(2, math.inf), lambda w: w.starting_at(math.nan),
    lambda w: w.starting_at(math.inf),
])
def test_bad_changes_are_refused(call: Callable[[Waveform], Any]) -> None:
    refused(lambda: call(Waveform.points((0, 0), (1, 1))))


def test_waveforms_do_not_change() -> None:
    source = np.array([0.0, 1.0])
    w = Waveform(source, [2.0, 3.0])
    source[0] = -5
    assert w.times[0] == 0
    with pytest.raises(ValueError):
        w.values[0] = 9
    with pytest.raises(AttributeError):
        w.times = source  # type: ignore[misc]
