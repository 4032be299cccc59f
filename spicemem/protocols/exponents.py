"""Chaos in simulated circuits: largest exponents from twin runs and from return maps, surrogates, periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import Circuit
from spicemem.engines import Engine, Result
from spicemem.engines.base import carried_signals
from spicemem.errors import InputError, SpicememError
from spicemem.spikes import Array
from spicemem.spread import generator

#: Distance, in the scales given, beyond which two runs no longer tell what small differences do.
FAR = 0.05


@dataclass(frozen=True, eq=False)
class Exponent:
    """A largest exponent: mean and standard error over independent parts. each: what the parts gave.

    1/s from twins, a pure number per event from a return map.
    """

    value: float
    error: float
    each: Array

    @classmethod
    def of(cls, each: ArrayLike) -> Exponent:
        """From the parts, at least two."""
        found = np.asarray(each, dtype=np.float64)
        return cls(float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))), found)


@dataclass(frozen=True, eq=False)
class Twins:
    """Pairs of equal circuits that start a hair apart. time: s; distances: pairs by time, in the scales given."""

    time: Array
    distances: Array
    result: Result

    def exponent(self, settle: float) -> Exponent:
        """The slope (1/s) of the logarithm of each distance, from `settle` s until it is first `FAR`.

        settle: s for a difference to turn to where it grows fastest. Raises SpicememError where that leaves less than
        a quarter of the run.
        """
        slopes = []
        for d in self.distances:
            beyond = np.flatnonzero(d > FAR)
            part = (self.time >= settle) & (self.time < (self.time[beyond[0]] if len(beyond) else np.inf))
            if part.sum() < 0.25 * len(self.time):
                raise SpicememError("exponent", found=f"twins that are far apart after {self.time[beyond[0]]:.3g} s",
                                    expected=f"a quarter of the run after {settle:g} s at least",
                                    remedy="Start them nearer, or run shorter")
            slopes.append(np.polyfit(self.time[part], np.log(d[part]), 1)[0])
        return Exponent.of(slopes)


def along(result: Result, scales: Mapping[str, float], times: ArrayLike) -> list[dict[str, float]]:
    """The states of a run at some times (s), as twins start from them; the run must have saved what `scales` names."""
    return [{name: float(result.at(name, t)) for name in scales} for t in np.atleast_1d(np.asarray(times, float))]


def twins(circuit: Circuit, starts: Sequence[Mapping[str, float]], scales: Mapping[str, float],
          nudge: tuple[str, float], *, engine: Engine, stop: float, max_step: float, points: int = 400) -> Twins:
    """Run pairs of a circuit from the same states, one of each pair a little off, all in one simulation.

    All pairs share their time steps, so that errors of integration are alike in both of a pair and what parts them is
    the circuit; runs of their own differ by the tolerance from the first step on. circuit: one that can be run. scales:
    for every state, charged net and inductor current what counts as 1 in a distance (SI). nudge: which of them is
    moved, by how much. stop, max_step: s. points: of the result, equally spaced. Raises InputError for states that are
    not in the circuit or not in scales.
    """
    wanted = set(carried_signals(circuit.check_runnable()))
    if wanted != set(scales) or nudge[0] not in scales or not starts or nudge[1] == 0:
        raise InputError(f"twins of {circuit.name}", found=f"scales for {', '.join(scales)}, nudge {nudge}",
                         expected=f"scales for {', '.join(sorted(wanted))}, one of them moved, and a start")
    both = Circuit("twins", title=f"Twins of {circuit.name}")
    initial: dict[str, float] = {}
    for k, start in enumerate(starts):
        for part, moved in ((f"a{k}", {}), (f"b{k}", dict((nudge,)))):
            both.add(part, circuit)
            initial |= {_inside(part, name): start[name] + moved.get(name, 0.0) for name in scales}
    result = engine.run(both, stop, max_step=max_step, initial=initial, save=list(initial))
    time = np.linspace(0, result.time[-1], points)
    distances = np.array([np.sqrt(sum(np.square(
        (result.at(_inside(f"a{k}", name), time) - result.at(_inside(f"b{k}", name), time)) / scale)
        for name, scale in scales.items())) for k in range(len(starts))])
    return Twins(time, distances, result)


def _inside(part: str, signal: str) -> str:
    """The name of a circuit's signal where that circuit is a part."""
    head, bracket, rest = signal.partition("(")
    return f"{head}({part}.{rest}" if bracket else f"{part}.{signal}"


def map_exponent(phases: ArrayLike, neighbours: int = 8, blocks: int = 10) -> Exponent:
    """The exponent per event of a system whose next phase is a function of its phase: the mean of ln|slope|.

    phases: of a drive at each event, 0 to 1, in order: what intervals between events add up to. The slope of the
    return map comes from a line through the nearest `neighbours` points. The standard error is that of the means of
    `blocks` parts of the run. Raises InputError for fewer than 5*neighbours events, and for phases in fewer than that
    many places: a periodic run has no map to see.
    """
    x = np.mod(np.asarray(phases, dtype=np.float64), 1.0)
    if len(x) < 5 * neighbours or len(np.unique(np.round(x, 3))) < 2 * neighbours:
        raise InputError("return map", found=f"{len(x)} events at {len(np.unique(np.round(x, 3)))} phases",
                         expected=f"at least {5 * neighbours} events, at {2 * neighbours} phases or more")
    logs = np.empty(len(x) - 1)
    for k in range(len(logs)):
        dx = (x[:-1] - x[k] + 0.5) % 1.0 - 0.5
        near = np.argsort(np.abs(dx))[:neighbours]
        dy = (x[near + 1] - x[k + 1] + 0.5) % 1.0 - 0.5
        dx = dx[near] - dx[near].mean()
        logs[k] = np.log(max(abs(float(dx @ dy) / max(float(dx @ dx), 1e-30)), 1e-6))
    return Exponent.of([part.mean() for part in np.array_split(logs, blocks)])


def period(values: ArrayLike, tolerance: float = 0.005, longest: int = 16) -> int:
    """The smallest number of events after which all values repeat within `tolerance` of their mean; 0 for none."""
    x = np.asarray(values, dtype=np.float64)
    for p in range(1, min(longest, len(x) // 4) + 1):
        if np.abs(x[p:] - x[:-p]).max() < tolerance * abs(x.mean()):
            return p
    return 0


def surrogate(values: ArrayLike, source: np.random.Generator, rounds: int = 100) -> Array:
    """The same values in an order that keeps their power spectrum and nothing else (amplitude-adjusted, iterated).

    Source: Schreiber and Schmitz, Phys. Rev. Lett. 77, 635 (1996); recalled, not re-read.
    """
    x = np.asarray(values, dtype=np.float64)
    ordered, spectrum = np.sort(x), np.abs(np.fft.rfft(x))
    found = source.permutation(x)
    for _ in range(rounds):
        turned = np.fft.irfft(spectrum * np.exp(1j * np.angle(np.fft.rfft(found))), len(x))
        found = ordered[np.argsort(np.argsort(turned))]
    return found


def prediction_error(values: ArrayLike, dimension: int = 2, neighbours: int = 4) -> float:
    """How badly a value follows from those before it: error of the mean of what followed the nearest histories, rms
    over the standard deviation. About 1 for noise, near 0 for a deterministic rule."""
    x = np.asarray(values, dtype=np.float64)
    past = np.stack([x[k:len(x) - dimension + k] for k in range(dimension)], axis=1)
    after = x[dimension:]
    apart = np.linalg.norm(past[:, None] - past[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    guess = after[np.argsort(apart, axis=1)[:, :neighbours]].mean(axis=1)
    return float(np.sqrt(np.mean((guess - after) ** 2)) / x.std())


def surrogate_test(values: ArrayLike, count: int = 39, seed: int = 1) -> tuple[float, Array, float]:
    """Is there more in a sequence than linear noise has? Its prediction error, those of surrogates, the p value.

    p: the share of sequences, itself included, that are predicted as well or better: at most 0.05 for a deterministic
    rule, anything for noise. count: 39 surrogates give 0.025 at best.
    """
    x = np.asarray(values, dtype=np.float64)
    own = prediction_error(x)
    others = np.array([prediction_error(surrogate(x, generator(seed, "surrogate", k))) for k in range(count)])
    return own, others, float((1 + (others <= own).sum()) / (count + 1))
