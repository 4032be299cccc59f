"""Fewer points for the same piecewise-linear waveforms, within a stated error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spicemem.regress.waveforms import Array


def thin(time: Array, signals: Sequence[Array], errors: Sequence[float]) -> NDArray[np.intp]:
    """Indices of the points to keep, the first and the last among them.

    Between kept points every signal is within its error (in its unit) of the straight line, at every point that was
    left out; both are piecewise linear on the same points, so the bound holds at all times and in both directions.
    Ramer-Douglas-Peucker with vertical distances: a stretch is split at its worst point, over all signals, until it is
    straight enough. An error of 0 keeps every point that is not on a line.
    """
    y = np.array([np.asarray(s, dtype=np.float64) for s in signals])
    scale = np.array(errors, dtype=np.float64)[:, None]
    keep = np.zeros(len(time), dtype=bool)
    keep[[0, -1]] = True
    stack = [(0, len(time) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        inside = slice(first + 1, last)
        part = (time[inside] - time[first]) / (time[last] - time[first])
        line = y[:, first, None] + part * (y[:, last] - y[:, first])[:, None]
        off = np.abs(y[:, inside] - line)
        # In parts of what is allowed; where nothing is, rounding alone is.
        worst = (off / np.maximum(scale, 1e-15 * np.abs(y).max(axis=1, keepdims=True) + 5e-324)).max(axis=0)
        k = int(np.argmax(worst))
        if worst[k] > 1:
            middle = first + 1 + k
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return np.flatnonzero(keep)


def thinning_error(time: Array, values: Array, kept_time: Array, kept: Array) -> float:
    """Largest distance between a waveform and a thinned one, at the points of both."""
    union = np.union1d(time, kept_time)
    return float(np.abs(np.interp(union, time, values) - np.interp(union, kept_time, kept)).max())
