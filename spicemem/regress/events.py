"""Events of a signal: where it passes a level for good. Two runs are aligned by them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spicemem.regress.waveforms import Array

#: Where the level of the events is looked for, in spans; and further levels, for edges that do not pass that one.
MIDDLE = (0.3, 0.7)
FURTHER = ((0.02, 0.06), (0.06, 0.12), (0.12, 0.2), (0.2, 0.3), (0.7, 0.8), (0.8, 0.88), (0.88, 0.94), (0.94, 0.98))
#: Hysteresis in spans: the first that tells both signals the same events is used.
HYSTERESIS = (0.1, 0.075, 0.05, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25)
FURTHER_HYSTERESIS = (0.02, 0.01, 0.005)
#: Half width, in spans, of what counts as being at a level.
NEAR = 0.025
#: How much longer or shorter a stretch between events of further levels may be in one signal than in the other.
SQUEEZED = 2.0
#: The least slope of an edge, in parts of its largest.
STEEP = 0.02
#: Of slow and abrupt events together those alone are aligned that take at most this part of the slowest one's time.
PARTS = (1.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True, eq=False)
class Event:
    """A passage of the level. time: s, interpolated. rising: upwards. index: the point before it. width: s that the
    signal takes through the hysteresis."""

    time: float
    rising: bool
    index: int
    width: float

    def __str__(self) -> str:
        return "rise" if self.rising else "fall"


Pair = tuple[Event, Event]
Signal = tuple[Array, Array]


def quiet_level(t: Array, y: Array, window: tuple[float, float] = MIDDLE) -> float:
    """The level inside a window of the span that the signal spends the least time at, near its middle where there is a
    choice: a plateau at the level would make its passage a matter of chance."""
    low, span = float(y.min()), float(np.ptp(y))
    bottom, top = np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:])
    rise = np.where(top > bottom, top - bottom, 1.0)
    steps = np.diff(t) / (t[-1] - t[0])
    levels = np.linspace(*window, 21 if window == MIDDLE else 5)
    near = min(NEAR, 0.25 * (window[1] - window[0]))
    spent = []
    for part in levels:
        a, b = low + (part - near) * span, low + (part + near) * span
        inside = np.where(top > bottom, np.clip(np.minimum(top, b) - np.maximum(bottom, a), 0, None) / rise,
                          (bottom >= a) & (bottom <= b))
        # A hundredth of the run for each tenth of the span away from the middle.
        spent.append(float(inside @ steps) + 0.1 * abs(part - sum(window) / 2))
    return low + float(levels[int(np.argmin(spent))]) * span


def find_events(t: Array, y: Array, level: float, hysteresis: float) -> list[Event]:
    """Passages of the level from `hysteresis` below to `hysteresis` above it, or back; each at its last crossing."""
    side = np.where(y >= level + hysteresis, 1, np.where(y <= level - hysteresis, -1, 0))
    known = np.flatnonzero(side)
    turns = known[1:][side[known[1:]] != side[known[:-1]]]
    found, start = [], 0

    def passes(k: int, value: float) -> float:
        return float(t[k] + (value - y[k]) / (y[k + 1] - y[k]) * (t[k + 1] - t[k]))

    for k in turns.tolist():
        rising = bool(side[k] > 0)
        sign = 1.0 if rising else -1.0
        j = start + int(np.flatnonzero(sign * y[start:k] < sign * level)[-1])
        first = start + int(np.flatnonzero(side[start:k])[-1])
        found.append(Event(passes(j, level), rising, j, passes(k - 1, level + sign * hysteresis)
                           - passes(first, level - sign * hysteresis)))
        start = k
    return found


def _alike(a: Sequence[Event], b: Sequence[Event]) -> bool:
    return [e.rising for e in a] == [e.rising for e in b]


def same_events(a: Signal, b: Signal, level: float, span: float,
                parts: Sequence[float] = HYSTERESIS) -> tuple[list[Event], list[Event]]:
    """The events of two signals, with a hysteresis that tells both the same events, if there is one: an excursion that
    just reaches it in one of them is then no difference of events; its amplitude is compared all the same."""
    for part in parts:
        both = find_events(*a, level, part * span), find_events(*b, level, part * span)
        if _alike(*both):
            return both
    return find_events(*a, level, parts[0] * span), find_events(*b, level, parts[0] * span)


def alignments(a: Signal, b: Signal, events: tuple[Sequence[Event], Sequence[Event]], whole: Signal) -> Iterator[
        list[Pair]]:
    """The ways in which two signals may be aligned, none if their events are not the same: the k-th event of one with
    the k-th of the other. With and without the events of further levels, and with the more abrupt ones alone: where a
    signal creeps through a level, it is its amplitude that counts.

    None of them depends on a tolerance, so that a larger one never fails what a smaller one passes.
    """
    if not _alike(*events):
        return
    main = list(zip(*events, strict=True))
    span = float(np.ptp(whole[1]))
    extra: list[Pair] = []
    for window in FURTHER:
        both = same_events(a, b, quiet_level(*whole, window), span, FURTHER_HYSTERESIS)
        extra += zip(*both, strict=True) if _alike(*both) else []
    longest = max((p.width for p, _ in [*main, *extra]), default=0.0)
    on = [{id(p[k]): part for p, part in zip([*main, *extra], edges(*s, [p[k] for p in [*main, *extra]]), strict=True)}
          for k, s in ((0, a), (1, b))]

    def near(one: Pair, two: Pair) -> bool:
        """On one edge, or about as far apart in both signals: else a stretch of one would be squeezed away."""
        if all(on[k][id(one[k])] == on[k][id(two[k])] for k in (0, 1)):
            return True
        return 1 / SQUEEZED <= (two[1].time - one[1].time) / (two[0].time - one[0].time) <= SQUEEZED

    tried = []
    for part in PARTS:
        chosen = [p for p in main if p[0].width <= part * longest]
        for pairs in (_merged(chosen, [p for p in extra if p[0].width <= part * longest], near), chosen):
            if pairs and pairs not in tried:
                tried.append(pairs)
                yield pairs


def _merged(main: Sequence[Pair], extra: Sequence[Pair], near: Callable[[Pair, Pair], bool]) -> list[Pair]:
    """Pairs in the order of both times. A further one that does not fit between its neighbours is left out."""
    pairs = list(main)
    for new in extra:
        k = bisect_left(pairs, new[0].time, key=lambda p: p[0].time)
        around = [*pairs[max(k - 1, 0):k], new, *pairs[k:k + 1]]
        if all(p[0].time < q[0].time and p[1].time < q[1].time and near(p, q) for p, q in pairwise(around)):
            pairs.insert(k, new)
    return pairs


def match(golden: Sequence[Event], test: Sequence[Event], allowed: float) -> list[Pair]:
    """Pairs of events of one direction, each in one pair at most, in order, at most `allowed` seconds apart. Of two
    that do not fit the earlier has no partner."""
    pairs, i, j = [], 0, 0
    while i < len(golden) and j < len(test):
        a, b = golden[i], test[j]
        if a.rising == b.rising and abs(a.time - b.time) <= allowed:
            pairs.append((a, b))
            i, j = i + 1, j + 1
        elif a.time < b.time:
            i += 1
        else:
            j += 1
    return pairs


def knots(t: Array, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """The warp from a run's time t to the golden's: (golden's, the run's) times of matched events, and both ends."""
    ours = np.array([t[0], *(p.time for p, _ in pairs), t[-1]])
    theirs = np.array([t[0], *(q.time for _, q in pairs), t[-1]])
    return ours, theirs


def edges(t: Array, y: Array, events: Sequence[Event]) -> list[slice]:
    """The points of the edge around each event: as far as the signal goes on in its direction, both ways, and is at
    least STEEP times as steep as anywhere on that way: what creeps on after an edge is no edge."""
    steps = np.diff(y)
    slopes = np.abs(steps / np.diff(t))
    ends = {True: np.flatnonzero(steps <= 0), False: np.flatnonzero(steps >= 0)}
    found = []
    for event in events:
        k = int(np.searchsorted(ends[event.rising], event.index))
        first = int(ends[event.rising][k - 1]) + 1 if k else 0
        last = int(ends[event.rising][k]) if k < len(ends[event.rising]) else len(steps)
        flat = first + np.flatnonzero(slopes[first:last] < STEEP * slopes[first:last].max())
        k = int(np.searchsorted(flat, event.index))
        begin = int(flat[k - 1]) + 1 if k else first
        end = int(flat[k]) if k < len(flat) else last
        found.append(slice(begin, max(end, event.index + 1) + 1))
    return found
