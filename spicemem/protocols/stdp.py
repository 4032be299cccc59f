"""Spike-timing-dependent plasticity: conductance change of a cell against the delay between two spikes."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicemem import __version__
from spicemem.circuit import Circuit, Synapse, time_constants
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, Result, get
from spicemem.engines.result import Array
from spicemem.errors import InputError, WaveformError, nearest
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.reading import Reading, phase, read, synapses_of
from spicemem.units import engineering
from spicemem.waveform import Waveform

#: Steps in the shorter spike, and in a time constant of the circuit that shapes it: what keeps every form at every time
#: scale within 0.5 % of the reference. Doubling them moves a curve by less than half of that (tests).
STEPS, STEPS_TAU = 200, 20


@dataclass(frozen=True)
class Pairing:
    """A pair protocol on a cell: spikes with their own time zero, and how the change is read.

    post: one Waveform for every synapse or one by synapse name; a spike that is None stays at rest (lone spike).
    read_delay: s from the (last) presynaptic spike to the reading after. pairs: how many, `period` s apart (default as
    soon as one is over).
    """

    engine: Engine
    cell: Circuit
    pre: Waveform | None
    post: Mapping[str, Waveform | None]
    reading: Reading
    read_delay: float
    max_step: float
    pairs: int = 1
    period: float | None = None

    def waves(self, delay: float) -> tuple[dict[str, Waveform], float, float]:
        """Waveform of each port, time of the (last) presynaptic spike and end of the pairs, from their first point."""
        shifted = {s.post: wave.shift(delay) for s in synapses_of(self.cell) if (wave := self.post[s.name]) is not None}
        if self.pre is not None:
            shifted.update({s.pre: self.pre for s in synapses_of(self.cell)})
        first = min(0.0, *(float(w.times[0]) for w in shifted.values()))
        last = max(0.0, *(float(w.times[-1]) for w in shifted.values()))
        span = last - first
        # A little rest on both sides, so that the first edge is an edge and the gate settles.
        start = 0.01 * span
        waves, end = {port: w.shift(start - first) for port, w in shifted.items()}, 1.05 * span + start
        if self.pairs == 1:
            return waves, start - first, end
        period = self.period or end
        if period < end:
            raise InputError("period of the pairs", found=engineering(period, "s"), expected="at least "
                             f"{engineering(end, 's')}, the length of a pair at delay {engineering(delay, 's')}")
        late = (self.pairs - 1) * period
        return {port: w.repeat(self.pairs, period) for port, w in waves.items()}, start - first + late, end + late

    def pair(self, delay: float, initial: Mapping[str, float] | None, extra: tuple[str, ...] = ()) -> Result:
        """The transient of the pair, or pairs."""
        waves, _, end = self.waves(delay)
        return phase(self.engine, self.cell, waves, end, self.max_step, initial, extra)

    def change(self, delay: float, initial: Mapping[str, float]) -> dict[str, float]:
        """Conductance of each synapse `read_delay` after the presynaptic spike, from a state before the pair."""
        _, spike, end = self.waves(delay)
        after = spike + self.read_delay - end
        if after < 0:
            raise InputError("read_delay", found=engineering(self.read_delay, "s"),
                             expected=f"at least {engineering(end - spike, 's')}, the end of the pair at delay "
                                      f"{engineering(delay, 's')}")
        result = self.pair(delay, initial)
        conductances, _ = read(self.engine, self.cell, self.reading, result.final_state(), after)
        return conductances

    def before(self, initial: Mapping[str, float] | None) -> tuple[dict[str, float], dict[str, float]]:
        """Conductance of each synapse before the pair and the state it leaves."""
        return read(self.engine, self.cell, self.reading, initial)


def pairing(
    cell: Circuit, *, pre: Waveform | None, post: Waveform | Mapping[str, Waveform | None] | None,
    engine: str | Engine | None = None, reading: Reading | None = None, read_delay: float = 20.0,
    max_step: float | None = None, pairs: int = 1, period: float | None = None,
) -> Pairing:
    """Check a pair protocol and fill in what is not given (see `stdp_all`)."""
    if pairs < 1:
        raise InputError("pairs", found=f"{pairs}", expected="at least one")
    names = [s.name for s in synapses_of(cell)]
    by_name = dict(post) if isinstance(post, Mapping) else dict.fromkeys(names, post)
    for name in by_name:
        _check_synapse(cell, name, names)
    by_name = {name: by_name.get(name) for name in names}
    spikes = [w for w in (pre, *by_name.values()) if w is not None]
    if not spikes:
        raise WaveformError("pair", found="no spike", expected="a presynaptic or a postsynaptic waveform")
    for wave in spikes:
        if not isinstance(wave, Waveform):
            raise WaveformError("spike", found=repr(wave), expected="a Waveform")
        if wave.duration <= 0 or abs(wave.values[0]) + abs(wave.values[-1]) > 1e-9 * wave.peak:
            raise WaveformError("spike", found=f"{wave.values[0]:g} V at its first, {wave.values[-1]:g} V at its last "
                                f"point of {len(wave.times)}", expected="a waveform that starts and ends at rest, 0 V")
    return Pairing(get(engine), cell, pre, by_name, reading or Reading(), read_delay,
                   max_step or standard_step(cell, min(w.duration for w in spikes)), pairs, period)


def _check_synapse(cell: Circuit, name: str, names: list[str]) -> None:
    if name not in names:
        raise InputError(f"{cell.name}: synapse", found=repr(name), expected="one it has", remedy=nearest(name, names))


def standard_step(cell: Circuit, spike: float) -> float:
    """The maximum step (s) for a spike of that duration (s) at a cell."""
    step = spike / STEPS
    # A charge that follows within a few steps is followed; one that lags visibly has to be resolved.
    return min([step, *(tau / STEPS_TAU for tau in time_constants(cell.elements()) if tau > 4 * step)])


def stdp(cell: Circuit, *, synapse: str | None = None, **protocol: Any) -> Curve:
    """Conductance change against delay t_post - t_pre of a cell's only synapse, or of the one named.

    Everything else, what comes back and what is raised: see `stdp_all`.
    """
    names = [s.name for s in synapses_of(cell)]
    if synapse is None and len(names) > 1:
        raise InputError(f"stdp of {cell.name}", found=f"synapses {', '.join(names)}", expected="one",
                         remedy=f'Write synapse="{names[0]}", or use stdp_all')
    if synapse is not None:
        _check_synapse(cell, synapse, names)
    return stdp_all(cell, **protocol)[synapse or names[0]]


def stdp_all(
    cell: Circuit, *, pre: Waveform | None, post: Waveform | Mapping[str, Waveform | None] | None,
    delays: ArrayLike, engine: str | Engine | None = None, initial: Mapping[str, float] | None = None,
    reading: Reading | None = None, read_delay: float = 20.0, max_step: float | None = None,
    pairs: int = 1, period: float | None = None,
    executor: Executor | None = None, progress: Progress | None = None, name: str = "stdp",
) -> dict[str, Curve]:
    """Conductance change against delay t_post - t_pre, one curve for each synapse of the cell.

    cell: a circuit with synapses. pre, post: spikes (V) with time 0 at the spike; post may be given by synapse.
    delays: s. initial: state before every pair (default: the devices' own). reading: read voltage and width;
    read_delay: s from the presynaptic spike to the second reading, everything else at 0 V in between. max_step: s,
    default a 200th of the shorter spike, and a 20th of a time constant of the cell that is longer than four such steps.
    pairs: how many before the second reading (read_delay counts from the last), `period` s apart, default one after
    the other; `multilevel` reads after each. Each delay starts from the state in which the first reading left the cell.

    Returns Curve by synapse name: x delay (s), y dG = G(after) - G(before) (S), further column g_before (S).
    Raises InputError, WaveformError or CircuitError for a bad request and SimulationError when a run fails.
    Source: Huang et al. 2025, Sec. 2.2 (20 s, 0.1 V).
    """
    grid = np.asarray(delays, dtype=float).ravel()
    if not len(grid) or not np.isfinite(grid).all():
        raise InputError("delays", found=repr(delays), expected="finite times in s, at least one")
    p = pairing(cell, pre=pre, post=post, engine=engine, reading=reading, read_delay=read_delay, max_step=max_step,
                pairs=pairs, period=period)
    before, state = p.before(initial)
    after = map_runs(partial(_change, p, state), grid, p.engine, executor, progress, name)
    return {s.name: curve_of(p, s, grid, before[s.name], [a[s.name] for a in after], name)
            for s in synapses_of(cell)}


def _change(p: Pairing, state: Mapping[str, float], delay: float) -> dict[str, float]:
    return p.change(float(delay), state)


def curve_of(p: Pairing, synapse: Synapse, grid: Array, before: float, after: list[float], name: str) -> Curve:
    """The learning curve of one synapse, with its provenance."""
    g_after = np.asarray(after)
    suffix = f"-{synapse.name}" if len(p.cell.synapses) > 1 else ""
    device = p.cell.devices()[synapse.device]
    return Curve(
        grid, g_after - before, "delay", "s", "dG", "S", name=f"{name}{suffix}",
        columns={"g_before": Column(np.full(len(grid), before), "S", "conductance before the pair"),
                 "g_after": Column(g_after, "S", "conductance at the reading after the pair")},
        provenance={
            "protocol": "STDP, delay = t_post - t_pre, dG = G(after) - G(before)"
                        + (f", {p.pairs} pairs" if p.pairs > 1 else ""),
            "circuit": p.cell.name, "device": device.definition.name, "preset": device.preset_name or "none",
            "read": f"{engineering(p.reading.voltage, 'V')}, {engineering(p.read_delay, 's')} after the pre spike",
            "max_step": engineering(p.max_step, "s"), "engine": f"{p.engine.name} {p.engine.version()}",
            "spicemem": __version__,
        },
    )


def lone_spikes(
    cell: Circuit, *, pre: Waveform, post: Waveform | Mapping[str, Waveform], engine: str | Engine | None = None,
    initial: Mapping[str, float] | None = None, reading: Reading | None = None, read_delay: float = 20.0,
    max_step: float | None = None,
) -> dict[str, dict[str, float]]:
    """dG (S) by synapse after a spike of one neuron alone, the other at rest: {"pre": {...}, "post": {...}}."""
    found = {}
    for which in ("pre", "post"):
        p = pairing(cell, pre=pre if which == "pre" else None, post=post if which == "post" else None, engine=engine,
                    reading=reading, read_delay=read_delay, max_step=max_step)
        before, state = p.before(initial)
        after = p.change(0.0, state)
        found[which] = {name: after[name] - before[name] for name in before}
    return found
