"""Piecewise-linear stimuli with their own time zero (the spike time), and their algebra."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.errors import WaveformError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Waveform:
    """A piecewise-linear function of time, constant before its first and after its last point.

    times: seconds, strictly rising; may be negative, since time 0 is the spike. values: SI (V, A or the unit of the
    input it drives). Raises WaveformError for times that do not rise, unequal lengths or anything not finite.
    """

    times: Array
    values: Array

    def __init__(self, times: ArrayLike, values: ArrayLike):
        try:
            t = np.atleast_1d(np.array(times, dtype=np.float64))
            v = np.atleast_1d(np.array(values, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise WaveformError("waveform", found=str(error), expected="numbers") from None
        if t.ndim != 1 or t.shape != v.shape or not len(t):
            raise WaveformError("waveform", found=f"times of shape {t.shape} and values of shape {v.shape}",
                                expected="two lists of one length, at least one point")
        for name, array in (("time", t), ("value", v)):
            if not np.isfinite(array).all():
                bad = int(np.argmin(np.isfinite(array)))
                raise WaveformError(f"waveform {name} number {bad}", found=f"{array[bad]}", expected="a finite number")
        if (np.diff(t) <= 0).any():
            bad = int(np.argmax(np.diff(t) <= 0)) + 1
            raise WaveformError(f"waveform time number {bad}", found=f"{t[bad]} s after {t[bad - 1]} s",
                                expected="strictly rising times",
                                remedy="A jump needs an edge of its own: two points a short time apart")
        t.flags.writeable = v.flags.writeable = False
        object.__setattr__(self, "times", t)
        object.__setattr__(self, "values", v)

    @classmethod
    def points(cls, *points: tuple[float, float]) -> Waveform:
        """Waveform.points((t0, v0), (t1, v1), ...)."""
        return cls([t for t, _ in points], [v for _, v in points])

    @classmethod
    def constant(cls, value: float) -> Waveform:
        """The same value at all times."""
        return cls([0.0], [value])

    @classmethod
    def pulse(cls, height: float, width: float, edge: float, start: float = 0.0, base: float = 0.0) -> Waveform:
        """A pulse that leaves `base` at `start`, with edges of duration `edge` inside its `width` (both s)."""
        if not 0 < 2 * edge < width:
            raise WaveformError("pulse", found=f"edge {edge} s, width {width} s",
                                expected="an edge above 0 and below half of the width")
        times = [start, start + edge, start + width - edge, start + width]
        return cls(times, [base, height, height, base])

    def __call__(self, t: ArrayLike) -> Array:
        """Value at the times t (s)."""
        return np.asarray(np.interp(np.asarray(t, dtype=np.float64), self.times, self.values), dtype=np.float64)

    def shift(self, delay: float) -> Waveform:
        """The same, later by `delay` seconds."""
        _finite("delay", delay)
        return Waveform(self.times + delay, self.values)

    def scale(self, factor: float) -> Waveform:
        """The same, `factor` times as high."""
        _finite("factor", factor)
        return Waveform(self.times, self.values * factor)

    def stretch(self, factor: float) -> Waveform:
        """The same, `factor` times as long (about its time zero)."""
        _finite("factor", factor)
        return Waveform(self.times * factor, self.values)

    def __neg__(self) -> Waveform:
        return self.scale(-1.0)

    def __mul__(self, factor: float) -> Waveform:
        return self.scale(factor)

    __rmul__ = __mul__

    def __add__(self, other: Waveform | float) -> Waveform:
        if not isinstance(other, Waveform):
            return Waveform(self.times, self.values + other)
        times = merge_times(self.times, other.times)
        return Waveform(times, self(times) + other(times))

    def __sub__(self, other: Waveform | float) -> Waveform:
        return self + (-other)

    def repeat(self, count: int, period: float) -> Waveform:
        """`count` copies, `period` seconds apart; they may not overlap."""
        _finite("period", period)
        if count < 1 or (count > 1 and period <= self.duration):
            raise WaveformError("repetition", found=f"{count} copies every {period} s of {self.duration} s",
                                expected="at least one copy and a period longer than the waveform")
        shifts = np.repeat(np.arange(count) * period, len(self.times))
        return Waveform(np.tile(self.times, count) + shifts, np.tile(self.values, count))

    def starting_at(self, start: float) -> Waveform:
        """The part from `start` on, with a point of its own there: what a run that begins at `start` applies."""
        later = self.times > start
        return Waveform(np.r_[start, self.times[later]], np.r_[self(start), self.values[later]])

    def divided(self, parts: int, edge: float) -> Waveform:
        """The same with `parts` equal pieces in each segment longer than `edge` seconds that is not at 0 throughout.

        Simulators stop at every point: a pulse that is short beside the rest of a run is resolved so, whatever step
        suits the rest; every point costs a step of the whole circuit, so edges have none.
        """
        many = (np.diff(self.times) > edge) & ((self.values[1:] != 0) | (self.values[:-1] != 0))
        pieces = [np.linspace(t, u, parts if m else 1, endpoint=False)
                  for t, u, m in zip(self.times, self.times[1:], many, strict=False)]
        times = np.r_[*pieces, self.times[-1]]
        return Waveform(times, self(times))

    @cached_property
    def duration(self) -> float:
        """Seconds from the first to the last point."""
        return float(self.times[-1] - self.times[0])

    @cached_property
    def peak(self) -> float:
        """Largest magnitude."""
        return float(np.abs(self.values).max())


def _finite(what: str, value: float) -> None:
    if not np.isfinite(value):
        raise WaveformError(what, found=f"{value}", expected="a finite number")


def merge_times(*times: Sequence[float] | Array | Iterable[float], tolerance: float = 1e-12) -> Array:
    """All break points in order; those closer than `tolerance` of the whole span are one (rounding, not edges)."""
    merged = np.unique(np.concatenate([np.asarray(list(t) if not hasattr(t, "__len__") else t, float) for t in times]))
    if len(merged) < 2:
        return merged
    return np.asarray(merged[np.r_[True, np.diff(merged) > tolerance * (merged[-1] - merged[0])]], dtype=np.float64)
