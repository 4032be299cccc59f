"""Plasticity by three spikes and by their rate: post-pre-post, pre-post-pre, the rule of Bienenstock, Cooper, Munro.

A delay is t_post - t_pre of two neighbouring spikes, so post-pre-post has dt1 < 0 < dt2 and pre-post-pre dt1 > 0 > dt2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.circuit import Circuit, Synapse
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.errors import InputError
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import Event, apply, provenance, the_synapse
from spicemem.protocols.reading import Reading
from spicemem.units import engineering
from spicemem.waveform import Waveform

Array = NDArray[np.float64]
Kind = Literal["post-pre-post", "pre-post-pre"]
#: Points along each segment of a spike that is no edge, where simulators stop: a spike is short beside the pauses.
PARTS = 6
#: A segment shorter than this share of its spike is an edge.
EDGE = 2e-3
#: Steps in the longer spike; pauses between spikes have the same step.
STEPS = 10


def divided(wave: Waveform, parts: int = PARTS) -> Waveform:
    """The same waveform with `parts` pieces in each segment that is no edge."""
    return wave.divided(parts, EDGE * wave.duration)


def train(spike: Waveform, times: Sequence[float]) -> Waveform:
    """The spike at each of the rising times (s). Raises InputError when two of one neuron would overlap."""
    one, when = divided(spike), np.asarray(times, dtype=float)
    if not len(when) or not (np.diff(when) > spike.duration).all():
        raise InputError("spikes of one neuron", found=f"spikes at {', '.join(engineering(t, 's') for t in when)}",
                         expected=f"at least one, more than {engineering(spike.duration, 's')} apart")
    return Waveform((when[:, None] + one.times).ravel(), np.tile(one.values, len(when)))


def firing(s: Synapse, pre: tuple[Waveform, Sequence[float]], post: tuple[Waveform, Sequence[float]],
           read_delay: float) -> Event:
    """Spikes of both neurons (a spike and its times in s), then rest until `read_delay` s after the first begins.

    Raises InputError when spikes of one neuron overlap or the reading would be due before the last has ended.
    """
    waves = {s.pre: train(*pre), s.post: train(*post)}
    first = min(float(w.times[0]) for w in waves.values())
    event = Event({port: wave.shift(-first) for port, wave in waves.items()}, read_delay)
    if not read_delay > event.duration:
        raise InputError("read_delay", found=engineering(read_delay, "s"),
                         expected=f"more than {engineering(event.duration, 's')}, the end of the spikes")
    return Event(event.waves, read_delay - event.duration)


@dataclass(frozen=True)
class _Bench:
    """A cell, its spikes, and how a change is measured."""

    engine: Engine
    cell: Circuit
    synapse: Synapse
    pre: Waveform
    post: Waveform
    read_delay: float
    reading: Reading | None
    initial: Mapping[str, float] | None
    max_step: float

    def change(self, times: tuple[Sequence[float], Sequence[float]]) -> tuple[float, float]:
        """Conductance before and after spikes at these times (pre, post)."""
        event = firing(self.synapse, (self.pre, times[0]), (self.post, times[1]), self.read_delay)
        record = apply(self.cell, [event], engine=self.engine, reading=self.reading, initial=self.initial,
                       synapse=self.synapse.name, max_step=self.max_step)
        return record.before, float(record.siemens[0])


def _bench(cell: Circuit, pre: Waveform, post: Waveform, read_delay: float, engine: str | Engine | None,
           reading: Reading | None, initial: Mapping[str, float] | None, synapse: str | None,
           max_step: float | None) -> _Bench:
    return _Bench(get(engine), cell, the_synapse(cell, synapse), pre, post, read_delay, reading, initial,
                  max_step or max(pre.duration, post.duration) / STEPS)


def _curve(bench: _Bench, rates: Array, firings: Sequence[tuple[Sequence[float], Sequence[float]]], label: str,
           columns: Mapping[str, Column], protocol: str, executor: Executor | None, progress: Progress | None,
           name: str) -> Curve:
    found = map_runs(bench.change, firings, bench.engine, executor, progress, name)
    before, after = np.array(found).T
    how = provenance(bench.cell, bench.engine, bench.reading, bench.synapse)
    return Curve(rates, after - before, label, "Hz", "dG", "S", name=name,
                 columns={**columns, "g_before": Column(before, "S", "conductance before the spikes")},
                 provenance={"protocol": f"{protocol}, read {engineering(bench.read_delay, 's')} after the first spike",
                             **how, "max_step": engineering(bench.max_step, "s")})


def triplet_stdp(
    cell: Circuit, kind: Kind, delays: ArrayLike, *, pre: Waveform, post: Waveform,
    read_delay: float, engine: str | Engine | None = None, reading: Reading | None = None,
    initial: Mapping[str, float] | None = None, synapse: str | None = None, max_step: float | None = None,
    executor: Executor | None = None, progress: Progress | None = None, name: str = "triplet",
) -> Curve:
    """Conductance change by one triplet of spikes for each pair of delays (dt1, dt2) in s.

    kind: the order of the spikes. pre, post: spikes (V) with time 0 at the spike. read_delay: s from the beginning of
    the first spike to the reading, all ports at 0 V in between; the same for every triplet, so that slow relaxation
    does not look like a dependence on delay. reading: None reads from the states. initial: state before each triplet.
    max_step: s, default a tenth of the longer spike.

    Returns a Curve: x 1/(|dt1| + |dt2|) in Hz, y dG (S), columns dt1, dt2 (s) and g_before (S). Raises InputError for
    delays whose signs do not fit the kind, overlapping spikes of one neuron or a reading that comes too early.
    Source: Wang et al., Nat. Commun. 11, 1510 (2020); Ielmini et al. 2021, Fig. 13b, c.
    """
    signs = {"post-pre-post": -1, "pre-post-pre": 1}
    grid = np.atleast_2d(np.asarray(delays, dtype=float))
    if kind not in signs:
        raise InputError("triplet", found=repr(kind), expected=f"one of {', '.join(signs)}")
    good = grid.ndim == 2 and grid.shape[1] == 2 and np.isfinite(grid).all()
    if not good or not (grid * (signs[kind], -signs[kind]) > 0).all():
        raise InputError(f"delays of {kind}", found=repr(grid.tolist()),
                         expected="pairs in s, " + ("dt1 < 0 < dt2" if signs[kind] < 0 else "dt1 > 0 > dt2"))
    bench = _bench(cell, pre, post, read_delay, engine, reading, initial, synapse, max_step)
    outer, inner = np.abs(grid) * (-1, 1), [0.0]  # times of the neuron that fires twice, and of the other one
    firings = [(inner, list(t)) if kind == "post-pre-post" else (list(t), inner) for t in outer]
    columns = {f"dt{k + 1}": Column(grid[:, k], "s", f"t_post - t_pre of pair {k + 1}") for k in range(2)}
    return _curve(bench, 1 / np.abs(grid).sum(axis=1), firings, "rate of the outer spikes", columns,
                  f"triplets {kind}, dG = G(after) - G(before)", executor, progress, name)


def bcm(
    cell: Circuit, rates: ArrayLike, *, pre: Waveform, post: Waveform, read_delay: float, duration: float = 0.0,
    share: float = 0.5, engine: str | Engine | None = None, reading: Reading | None = None,
    initial: Mapping[str, float] | None = None, synapse: str | None = None, max_step: float | None = None,
    executor: Executor | None = None, progress: Progress | None = None, name: str = "bcm",
) -> Curve:
    """Conductance change against the rate of the postsynaptic neuron, the presynaptic one firing in between.

    rates: Hz; 1/(|dt1| + |dt2|) of post-pre-post triplets. duration: s for which triplets follow each other, the last
    spike of one being the first of the next; at least one triplet, which is what 0 stands for. share: where in the
    interval between two post spikes the pre spike is, |dt1|/(|dt1| + |dt2|). initial: state before each train: where
    the change crosses 0 (`threshold`) depends on it. Everything else as for `triplet_stdp`.

    Returns a Curve: x post rate (Hz), y dG (S), columns triplets (1) and g_before (S). Raises InputError.
    Source: Ielmini et al. 2021, Sec. 5.3 and Fig. 13e.
    """
    grid = np.asarray(rates, dtype=float).ravel()
    if not len(grid) or not (np.isfinite(grid) & (grid > 0)).all():
        raise InputError("rates", found=repr(grid.tolist()), expected="rates above 0 Hz, at least one")
    if not 0 < share < 1 or not duration >= 0:
        raise InputError("bcm", found=f"share {share}, duration {duration} s",
                         expected="share between 0 and 1, duration 0 or more")
    bench = _bench(cell, pre, post, read_delay, engine, reading, initial, synapse, max_step)
    counts = [max(round(r * duration), 1) for r in grid]
    firings = [([(k + share) / r for k in range(n)], [k / r for k in range(n + 1)])
               for r, n in zip(grid, counts, strict=True)]
    span = f"trains of {engineering(duration, 's')}" if duration else "one triplet"
    return _curve(bench, grid, firings, "post rate", {"triplets": Column(np.array(counts, dtype=float), "1")},
                  f"post-pre-post, {span}, |dt1| is {share:g} of the interval, dG = G(after) - G(before)", executor,
                  progress, name)


def threshold(curve: Curve) -> float:
    """The x at which y goes from below to above 0, in a straight line between neighbours; nan unless exactly once."""
    order = np.argsort(curve.x)
    x, y = curve.x[order], curve.y[order]
    above = y >= 0
    if above[0] or not above[-1] or (above[:-1] > above[1:]).any():
        return float("nan")
    k = int(above.argmax())
    return float(np.interp(0.0, y[k - 1:k + 1], x[k - 1:k + 1]))
