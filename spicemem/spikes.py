"""Spikes in a waveform: when, how high, how wide; intervals, rates, bursts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spikes:
    """The spikes of a waveform, in order: n numbers each.

    times: s, where the signal rises through the threshold, interpolated. peaks: its extreme until it is back, in the
    signal's unit. at: s, of the peak. widths: s, at half of the height over `base`; nan for one that is cut by the end.
    """

    times: Array
    peaks: Array
    at: Array
    widths: Array

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def intervals(self) -> Array:
        """Seconds from each spike to the next: n - 1 numbers, none for fewer than two spikes."""
        return np.diff(self.times)

    @property
    def rate(self) -> float:
        """Spikes a second between the first and the last; 0 for fewer than two."""
        return float((len(self) - 1) / (self.times[-1] - self.times[0])) if len(self) > 1 else 0.0

    @property
    def jitter(self) -> float:
        """Standard deviation of the intervals over their mean; nan for fewer than three spikes."""
        return float(self.intervals.std(ddof=1) / self.intervals.mean()) if len(self) > 2 else float("nan")

    def after(self, start: float, stop: float = np.inf) -> Spikes:
        """The spikes from `start` to `stop` (s)."""
        keep = (self.times >= start) & (self.times < stop)
        return Spikes(self.times[keep], self.peaks[keep], self.at[keep], self.widths[keep])

    def bursts(self, gap: float | None = None) -> list[Array]:
        """Spike times in groups whose neighbours are at most `gap` seconds apart.

        gap: default where the logarithms of the intervals part most, if they part by a factor of 3 at least; without
        such a part every spike is a group of its own: regular firing has no bursts.
        """
        if len(self) < 2:
            return [self.times] if len(self) else []
        if gap is None:
            ordered = np.sort(self.intervals)
            ratios = ordered[1:] / ordered[:-1] if len(ordered) > 1 else np.array([1.0])
            k = int(np.argmax(ratios))
            gap = float(np.sqrt(ordered[k] * ordered[k + 1])) if ratios[k] >= 3 else 0.0
        return [np.asarray(g) for g in np.split(self.times, np.flatnonzero(self.intervals > gap) + 1)]


def find_spikes(time: ArrayLike, signal: ArrayLike, threshold: float, *, reset: float | None = None,
                base: float = 0.0) -> Spikes:
    """Every excursion of the signal above the threshold; it has to fall below `reset` before the next can begin.

    time: s, rising. threshold, reset, base: in the unit of the signal; reset default halfway between threshold and
    base (what the signal is at rest). A threshold below `base` finds downward spikes; peaks stay
    as the signal has them. A signal that is above the threshold from the start counts from its next rise on.
    Raises InputError for arrays of different length, anything not finite, a reset beyond the threshold.
    """
    t, y = np.asarray(time, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or len(t) < 2 or not (np.isfinite(t).all() and np.isfinite(y).all()):
        raise InputError("spikes", found=f"times of shape {t.shape}, values of shape {y.shape}",
                         expected="two lists of finite numbers of one length, at least two points")
    sign = 1.0 if threshold >= base else -1.0
    low = 0.5 * (threshold + base) if reset is None else reset
    if sign * (low - threshold) > 0:
        raise InputError("spikes: reset", found=f"{low:g}", expected=f"not beyond the threshold, {threshold:g}",
                         remedy="A signal must fall below it before the next spike counts")
    y, high, low, rest = sign * y, sign * threshold, sign * low, sign * base
    # The last of the two levels that was passed decides whether a spike is on.
    passed = np.where(y >= high, 1, np.where(y <= low, -1, 0))
    known = np.maximum.accumulate(np.where(passed != 0, np.arange(len(y)), 0))
    on = passed[known] == 1
    starts = np.flatnonzero(on[1:] & ~on[:-1]) + 1
    ends = np.flatnonzero(~on[1:] & on[:-1]) + 1
    times, peaks, at, widths = [], [], [], []
    for k in starts:
        after = ends[ends > k]
        stop = int(after[0]) if len(after) else len(y)
        top = int(k + np.argmax(y[k:stop]))
        half = 0.5 * (y[top] + rest)
        before = np.flatnonzero(y[:top + 1] < half)
        behind = np.flatnonzero(y[top:] < half)
        times.append(_crossing(t, y, int(k) - 1, high))
        peaks.append(sign * y[top])
        at.append(t[top])
        widths.append(_crossing(t, y, top + int(behind[0]) - 1, half) - _crossing(t, y, int(before[-1]), half)
                      if len(before) and len(behind) else np.nan)
    return Spikes(np.array(times), np.array(peaks), np.array(at), np.array(widths))


def _crossing(t: Array, y: Array, k: int, level: float) -> float:
    """Where the line from point k to the next passes the level."""
    rise = y[k + 1] - y[k]
    return float(t[k] if rise == 0 else t[k] + (level - y[k]) / rise * (t[k + 1] - t[k]))


def mean_interval_error(found: Spikes, wanted: Spikes, events: int | None = None) -> float:
    """Largest difference between spike times of two runs, over the mean interval of the second (or the time of its
    only spike), event by event; inf for different counts. events: compare only the first so many."""
    a, b = found.times[:events], wanted.times[:events]
    if len(a) != len(b):
        return float("inf")
    if not len(b):
        return 0.0
    scale = float(np.mean(np.diff(b))) if len(b) > 1 else float(b[0])
    return float(np.abs(a - b).max() / scale)


def draw_raster(ax: object, rows: Sequence[ArrayLike], labels: Sequence[str], unit: float = 1.0) -> None:
    """A raster plot: one row of ticks (times in s, divided by `unit`) for each train, first on top."""
    from matplotlib.axes import Axes

    assert isinstance(ax, Axes)
    ax.eventplot([np.asarray(r, dtype=np.float64) / unit for r in reversed(rows)], linelengths=0.7, colors="black",
                 linewidths=0.8)
    ax.set_yticks(range(len(rows)), list(reversed(labels)))
