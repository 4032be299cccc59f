"""Spread: distributions of parameters between devices, and seeded waveforms of what is redrawn from cycle to cycle.

Everything is drawn in Python from a seed, so that each engine sees the same devices and the same noise.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from spicemem.errors import InputError
from spicemem.waveform import Waveform


def generator(seed: int, *stream: int | str) -> np.random.Generator:
    """Random numbers of a seed, independent for each `stream` of numbers and names, the same on every machine."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError("seed", found=repr(seed), expected="a whole number, 0 or more")
    key = [int.from_bytes(s.encode(), "little") if isinstance(s, str) else s for s in stream]
    return np.random.default_rng([seed, *key])


@dataclass(frozen=True)
class Distribution(ABC):
    """A distribution around a nominal value. `size`: its width, meaning and unit as each kind says."""

    size: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and self.size >= 0):
            raise InputError(f"{type(self).__name__}", found=repr(self.size), expected="a finite width, 0 or more")

    @abstractmethod
    def around(self, value: float, source: np.random.Generator) -> float:
        """One draw around `value`, in its unit."""


class Normal(Distribution):
    """Normal; `size` is the standard deviation in the unit of the value."""

    def around(self, value: float, source: np.random.Generator) -> float:
        return float(value + self.size * source.standard_normal())


class Relative(Distribution):
    """Normal; `size` is the standard deviation over the value."""

    def around(self, value: float, source: np.random.Generator) -> float:
        return float(value * (1 + self.size * source.standard_normal()))


class Lognormal(Distribution):
    """Lognormal; the value is the median, `size` the standard deviation of its logarithm."""

    def around(self, value: float, source: np.random.Generator) -> float:
        return float(value * math.exp(self.size * source.standard_normal()))


class Uniform(Distribution):
    """Even within `size` to either side, in the unit of the value."""

    def around(self, value: float, source: np.random.Generator) -> float:
        return float(value + self.size * source.uniform(-1.0, 1.0))


def redrawn(distribution: Distribution, slot: float, stop: float, seed: int, *, value: float = 0.0,
            edge: float | None = None) -> Waveform:
    """A waveform that is drawn anew around `value` for every time slot: cycle-to-cycle spread, or read noise.

    slot: length (s) of a slot. stop: end (s) of the last one, rounded up to a whole slot. edge: time (s) of the change
    from one draw to the next, default a hundredth of a slot. For an Input of a device, in the unit of that input.
    """
    edge = slot / 100 if edge is None else edge
    for name, time in (("slot", slot), ("stop", stop), ("edge", edge)):
        if not (math.isfinite(time) and time > 0):
            raise InputError(f"{name} of a redrawn waveform", found=repr(time), expected="a time above 0 s")
    if edge >= slot:
        raise InputError("edge of a redrawn waveform", found=f"{edge:g} s", expected=f"less than its slot, {slot:g} s")
    count = max(1, math.ceil(stop / slot - 1e-9))
    source = generator(seed, "redrawn")
    levels = [distribution.around(value, source) for _ in range(count)]
    points = [(0.0, levels[0])]
    for k in range(1, count):
        points += [(k * slot - edge / 2, levels[k - 1]), (k * slot + edge / 2, levels[k])]
    return Waveform.points(*points, (count * slot, levels[-1]))


def telegraph(low: float, high: float, t_low: float, t_high: float, stop: float, seed: int, *,
              edge: float | None = None) -> Waveform:
    """Random telegraph noise: two levels with exponentially distributed stays of mean t_low and t_high (s).

    low, high: the levels, in the unit of the Input they drive. It starts in the level that a long run would most
    likely be found in, drawn by their shares. edge: time (s) of a change, default a thousandth of the shorter mean;
    a stay shorter than twice that is drawn again.
    """
    edge = min(t_low, t_high) / 1000 if edge is None else edge
    for name, time in (("t_low", t_low), ("t_high", t_high), ("stop", stop), ("edge", edge)):
        if not (math.isfinite(time) and time > 0):
            raise InputError(f"{name} of telegraph noise", found=repr(time), expected="a time above 0 s")
    source = generator(seed, "telegraph")
    up = bool(source.uniform() < t_high / (t_high + t_low))
    now, points = 0.0, [(0.0, high if up else low)]
    while now < stop:
        stay = 0.0
        while stay <= 2 * edge:
            stay = source.exponential(t_high if up else t_low)
        now += stay
        points += [(now - edge / 2, high if up else low), (now + edge / 2, low if up else high)]
        up = not up
    return Waveform.points(*points)
