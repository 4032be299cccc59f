"""Are spikes found where they are, and only there? Are maps what they say?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spicemem.curve import Curve
from spicemem.errors import InputError
from spicemem.maps import Map
from spicemem.spikes import find_spikes, mean_interval_error

TRAIN = [1e-3, 2.5e-3, 2.9e-3, 6e-3]


def train(times, height=1.0, width=1e-4, base=0.0, points=20001, span=8e-3):
    """Triangular spikes: the middle of each rise is at the time given, half of the height is `width` wide."""
    t = np.linspace(0, span, points)
    return t, base + sum(height * np.maximum(0, 1 - np.abs(t - x - width / 2) / width) for x in times)


def test_times_peaks_widths_of_known_spikes():
    t, v = train(TRAIN, height=0.5, base=0.2)
    found = find_spikes(t, v, 0.45, base=0.2)
    assert found.times == pytest.approx(np.array(TRAIN), abs=1e-9)
    assert found.at == pytest.approx(np.array(TRAIN) + 5e-5, abs=4e-7)
    assert found.peaks == pytest.approx(np.full(4, 0.7), rel=1e-2)
    assert found.widths == pytest.approx(np.full(4, 1e-4), rel=2e-2)
    assert found.intervals == pytest.approx(np.diff(TRAIN), abs=1e-9)
    assert found.rate == pytest.approx(3 / 5e-3)
    assert found.jitter == pytest.approx(np.std(np.diff(TRAIN), ddof=1) / np.mean(np.diff(TRAIN)))


def test_downward_spikes():
    t, v = train(TRAIN, height=-0.5, base=-0.1)
    found = find_spikes(t, v, -0.35, base=-0.1)
    assert found.times == pytest.approx(np.array(TRAIN), abs=1e-9)
    assert found.peaks == pytest.approx(np.full(4, -0.6), rel=1e-2)


def test_ripple_above_the_reset_level_is_one_spike():
    t = np.linspace(0, 1, 10001)
    v = np.where((t > 0.2) & (t < 0.6), 1 + 0.3 * np.sin(2 * np.pi * 50 * t), 0.0)
    assert len(find_spikes(t, v, 1.1, reset=0.3)) == 1
    assert len(find_spikes(t, v, 1.1, reset=1.0)) > 10  # what the reset level is for


def test_cut_spikes_at_both_ends():
    t, v = train([-5e-5, 4e-3, 7.96e-3])  # on from the start, whole, on at the end
    found = find_spikes(t, v, 0.5)
    assert found.times == pytest.approx([4e-3, 7.96e-3], abs=1e-8)
    assert np.isnan(found.widths[1]) and np.isfinite(found.widths[0])


def test_nothing_is_found_in_silence():
    found = find_spikes([0, 1, 2], [0, 0.1, 0], 0.5)
    assert len(found) == 0 and found.rate == 0.0 and np.isnan(found.jitter) and found.bursts() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(2e-4, 5e-3), min_size=1, max_size=12), st.floats(-3, 3), st.floats(0.1, 10))
def test_found_whatever_the_train(gaps, base, height):
    """Count and times do not depend on offset and scale; a spike less or more is seen."""
    times = np.cumsum(gaps)
    t, v = train(times, height, base=base, span=float(times[-1] + 1e-3), points=40001)
    found = find_spikes(t, v, base + height / 2, base=base, reset=base + 0.2 * height)
    assert len(found) == len(times)
    assert found.times == pytest.approx(times, abs=float(t[1]))
    other = find_spikes(t, v, base + height / 2, base=base, reset=base + 0.2 * height).after(0, times[-1] - 1e-4)
    assert mean_interval_error(found, found) == 0
    assert mean_interval_error(other, found) == np.inf


def test_bursts():
    t, v = train([1e-3, 1.3e-3, 1.6e-3, 4e-3, 4.3e-3, 4.6e-3])
    found = find_spikes(t, v, 0.5)
    assert [len(b) for b in found.bursts()] == [3, 3]
    regular = find_spikes(*train([1e-3, 2e-3, 3e-3, 4.1e-3]), 0.5)
    assert [len(b) for b in regular.bursts()] == [1, 1, 1, 1]  # evenly spaced spikes are no burst
    assert [len(b) for b in regular.bursts(gap=1.05e-3)] == [3, 1]


def test_a_late_spike_is_an_error_of_that_size():
    t, v = train([1e-3, 2e-3, 3e-3])
    _, w = train([1e-3, 2.05e-3, 3e-3])
    assert mean_interval_error(find_spikes(t, w, 0.5), find_spikes(t, v, 0.5)) == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("args", [([0, 1], [0, 1, 2], 1.0), ([0, 1], [0, np.nan], 1.0), ([0.0], [1.0], 1.0)])
def test_refused(args):
    with pytest.raises(InputError, match="spikes"):
        find_spikes(*args)
    with pytest.raises(InputError, match="reset"):
        find_spikes([0, 1, 2], [0, 1, 0], 0.5, reset=0.7)


def test_map_as_a_file_and_as_a_picture(tmp_path):
    from matplotlib.figure import Figure

    x, y = np.array([1e3, 1e4, 1e5]), np.array([1.0, 2.0])
    made = Map(x, y, np.outer(y, x), "load", "Ohm", "supply", "V", "frequency", "Hz", "f-map")
    made.to_csv(tmp_path / "f.csv")
    back = Curve.from_csv(tmp_path / "f.csv")
    assert back.y == pytest.approx(np.outer(y, x).ravel())
    assert back.columns["supply"].values == pytest.approx([1, 1, 1, 2, 2, 2])
    for entry in (made, Map(x, y, np.eye(2, 3), "load", "Ohm", "supply", "V", "what", "1", classes=("no", "yes"))):
        figure = Figure()
        entry.plot(figure.subplots(), xscale="log")
        figure.savefig(tmp_path / "m.png")
    with pytest.raises(InputError, match="a row for each y"):
        Map(x, y, np.eye(3), "load", "Ohm", "supply", "V", "frequency", "Hz")
