"""Potentiation and depression by trains of pulses, states by pairs, and programming to a target conductance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from spicemem import fits
from spicemem.circuit import Circuit
from spicemem.curve import Column, Curve, Published
from spicemem.engines import Engine, get
from spicemem.engines.result import Array
from spicemem.errors import InputError
from spicemem.protocols.conductance import conductance
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import Event, apply, provenance, the_synapse
from spicemem.protocols.reading import Reading, phase, read, undisturbed, watched
from spicemem.protocols.stdp import Pairing, pairing
from spicemem.units import engineering
from spicemem.waveform import Waveform

Branch = Literal["ltp", "ltd"]
#: Sigmas of the read noise that two conductances have to be apart.
SIGMAS = 5.0


# --- pulse schemes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scheme:
    """A train of rectangular pulses: V and s of each, the port they go to, V at other ports meanwhile.

    port: default the port that writes a synapse (`write_port`). bias: such as the word line of a 1T1R cell.
    """

    volts: tuple[float, ...]
    widths: tuple[float, ...]
    port: str | None = None
    bias: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.volts or len(self.volts) != len(self.widths) or not min(self.widths) > 0:
            raise InputError("pulse scheme", found=f"{len(self.volts)} amplitudes, {len(self.widths)} widths",
                             expected="as many of both, one at least, and widths above 0 s")

    def __len__(self) -> int:
        return len(self.volts)

    @property
    def letter(self) -> str:
        """A identical pulses, B rising amplitude, C rising width, else "mixed" (Park et al., IEDM 2013, 25.6)."""
        level, even = (len(set(v)) == 1 for v in (self.volts, self.widths))
        return "A" if level and even else "B" if even else "C" if level else "mixed"

    def event(self, k: int, port: str, rest: float) -> Event:
        """The pulse of index k, the last one from there on; `port` is for a scheme that names none."""
        k = min(k, len(self) - 1)
        return Event.pulse(self.port or port, self.volts[k], self.widths[k], rest, bias=self.bias)

    def __str__(self) -> str:
        return f"{self.letter}: {len(self)} pulses of {_span(self.volts, 'V')}, {_span(self.widths, 's')}"


def _span(values: Sequence[float], unit: str) -> str:
    ends = dict.fromkeys((engineering(values[0], unit), engineering(values[-1], unit)))
    return " to ".join(ends)


def scheme(count: int, volts: float | tuple[float, float], width: float | tuple[float, float], *,
           port: str | None = None, bias: Mapping[str, float] | None = None) -> Scheme:
    """`count` pulses of scheme A (two numbers), B (volts: the first and the last, even steps) or C (width: the first
    and the last, even factors)."""
    if count < 1:
        raise InputError("pulse scheme", found=f"{count} pulses", expected="one at least")
    first, last = volts if isinstance(volts, tuple) else (volts, volts)
    short, long = width if isinstance(width, tuple) else (width, width)
    if not (short > 0 and long > 0):
        raise InputError("pulse scheme", found=f"widths {short:g} to {long:g} s", expected="times above 0 s")
    widths = np.geomspace(short, long, count).tolist() if short != long else [short] * count
    return Scheme(tuple(np.linspace(first, last, count).tolist()), tuple(widths), port, bias or {})


def write_port(cell: Circuit, synapse: str | None = None) -> str:
    """The port whose voltage writes a synapse: where it is read if its device is written and read at one pin, else
    that of the presynaptic neuron."""
    s = the_synapse(cell, synapse)
    b = cell.devices()[s.device].handling()
    return s.read if b.write == b.read else s.pre


# --- potentiation and depression --------------------------------------------------------------------------------------


class LtpLtd(Curve):
    """Conductance (S) against pulse number; 0 is before the first pulse.

    Columns: cycle (from 1), branch (1 potentiation, -1 depression, 0 before the first pulse), volts (V), width (s),
    energy (J) that all ports delivered during the pulse.
    """

    def branch(self, which: Branch, cycle: int | None = None) -> Curve:
        """One branch of a cycle (default the last): x pulses since it began, 0 is where the branch before left it.

        `.fit("ltp")` and `.fit("ltd")` of it give alpha, the nonlinearity of the field (spicemem.fits).
        """
        cycles = self.columns["cycle"].values
        here = (cycles == (cycles[-1] if cycle is None else cycle)) & (
            self.columns["branch"].values == (1 if which == "ltp" else -1))
        rows = np.flatnonzero(here)
        if not len(rows):
            raise InputError(f"{self.name}: {which} of cycle {cycle}", found="no such branch",
                             expected=f"a cycle from 1 to {cycles[-1]:.0f}")
        rows = np.r_[rows[0] - 1, rows]
        return Curve(np.arange(float(len(rows))), self.y[rows], "pulse", "1", "conductance", "S",
                     name=f"{self.name}-{which}", provenance=self.provenance)

    def nonlinearity(self, which: Branch, cycle: int | None = None) -> float:
        """Largest distance from the straight line between the ends of a branch, over its range (0 linear; no model)."""
        one = self.branch(which, cycle)
        return fits.nonlinearity(one.x, one.y)

    def alpha(self, which: Branch, cycle: int | None = None) -> fits.Parameter:
        """P_max/A of the exponential law that the field fits to a branch, with its standard error (0 linear)."""
        return self.branch(which, cycle).fit(which).parameter("alpha")

    def asymmetry(self, cycle: int | None = None) -> fits.Parameter:
        """|alpha of LTP - alpha of LTD| with its standard error: the asymmetry of the field."""
        return fits.asymmetry(*(self.branch(which, cycle).fit(which) for which in ("ltp", "ltd")))

    def opening(self, cycle: int | None = None) -> float:
        """Largest distance between potentiation and depression run backwards, over the range of both (0 symmetric).

        Branches of different length are compared at equal shares of their pulses.
        """
        up, down = (self.branch(which, cycle) for which in ("ltp", "ltd"))
        share = np.linspace(0.0, 1.0, max(len(up), len(down)))
        there, back = np.interp(share, up.x / up.x[-1], up.y), np.interp(1 - share, down.x / down.x[-1], down.y)
        return float(np.abs(there - back).max() / np.ptp(np.r_[up.y, down.y]))

    def dynamic_range(self, cycle: int | None = None) -> float:
        """Largest over smallest conductance of a cycle."""
        values = np.r_[self.branch("ltp", cycle).y, self.branch("ltd", cycle).y]
        return float(values.max() / values.min())

    def states(self, which: Branch, cycle: int | None = None, least: float = 0.005) -> int:
        """Pulses of a branch that move the conductance the right way by at least `least` of the branch's range."""
        y = self.branch(which, cycle).y
        return int((np.diff(y) * (1 if which == "ltp" else -1) >= least * np.ptp(y)).sum())


def ltp_ltd(cell: Circuit, up: Scheme, down: Scheme, *, rest: float, cycles: int = 1,
            engine: str | Engine | None = None, reading: Reading | None = None,
            initial: Mapping[str, float] | None = None, synapse: str | None = None, max_step: float | None = None,
            progress: Progress | None = None, name: str = "ltp-ltd") -> LtpLtd:
    """Conductance after every pulse of `cycles` times a train that potentiates, then one that depresses.

    up, down: `scheme(count, volts, width)`. rest: s after each pulse, before it is read. reading: reading pulses
    through the circuit; None reads from the states. max_step: see `pulses.apply`.
    Raises InputError for a bad request, SimulationError when a run fails or a reading disturbs.
    Source of the schemes: Ielmini et al. 2021, Fig. 11b; Park et al., IEDM 2013, 25.6.
    """
    if cycles < 1:
        raise InputError(f"{name} of {cell.name}", found=f"{cycles} cycles", expected="one at least")
    port, run = write_port(cell, synapse), get(engine)
    trains = (up, down)
    record = apply(cell, [s.event(k, port, rest) for s in trains for k in range(len(s))] * cycles, engine=run,
                   reading=reading, initial=initial, synapse=synapse, max_step=max_step, progress=progress, name=name)
    length = len(up) + len(down)
    number = np.arange(cycles * length + 1.0)

    def column(parts: Sequence[ArrayLike], before: float) -> Array:
        return np.asarray(np.r_[before, np.tile(np.concatenate([np.asarray(p, float) for p in parts]), cycles)])

    return LtpLtd(
        number, np.r_[record.before, record.siemens], "pulse", "1", "conductance", "S", name=name,
        columns={"cycle": Column(np.maximum(np.ceil(number / length), 1.0), "1"),
                 "branch": Column(column([np.ones(len(up)), -np.ones(len(down))], 0.0), "1",
                                  "1 for potentiation and -1 for depression"),
                 "volts": Column(column([s.volts for s in trains], np.nan), "V", "amplitude"),
                 "width": Column(column([s.widths for s in trains], np.nan), "s", "width"),
                 "energy": Column(np.r_[np.nan, record.joules], "J", "delivered during the pulse")},
        provenance={"protocol": "conductance after each pulse", "potentiation": str(up), "depression": str(down),
                    "rest": engineering(rest, "s"), **record.provenance})


# --- states by pairs --------------------------------------------------------------------------------------------------


def levels(siemens: ArrayLike, *, factor: float = 1.2, noise: float = 0.0, least: float = 0.0) -> list[int]:
    """Indices of a largest set of conductances (S) that can be told apart, in rising order.

    factor: between any two. noise: standard deviation of a reading (S); two levels are at least five of it apart, the
    lowest so far above 0. least: S, what can be read at all: only values above it count.
    """
    values = np.asarray(siemens, dtype=np.float64)
    chosen: list[int] = []
    for k in np.argsort(values):
        below = values[chosen[-1]] if chosen else 0.0
        if values[k] > least and values[k] >= factor * below and values[k] - below >= SIGMAS * noise:
            chosen.append(int(k))
    return chosen


def multilevel(cell: Circuit, *, pre: Waveform | None, post: Waveform | None, delays: ArrayLike, pairs: int,
               factor: float = 1.2, noise: float = 0.0, least: float = 0.0, engine: str | Engine | None = None,
               reading: Reading | None = None, initial: Mapping[str, float] | None = None,
               max_step: float | None = None, executor: Executor | None = None, progress: Progress | None = None,
               name: str = "multilevel") -> Curve:
    """Conductance after `pairs` pairs of spikes against their delay t_post - t_pre, and which can be told apart.

    pre, post: V, time 0 at the spike; one of them may be None: then these are pulses and the delay only moves them.
    The cell is read by a pulse before the first pair and after each; every delay starts from `initial`.
    factor, noise, least: see `levels`. Returns x delay (s), y conductance after the last pair (S); columns level (1 for
    one of the largest set that can be told apart), after_0 (before the first), after_1, ... (S).
    Raises InputError or WaveformError for a bad request, SimulationError when a run fails or a reading disturbs.
    Source: Maier et al. 2016, Fig. 2.
    """
    the_synapse(cell, None)
    grid = np.asarray(delays, dtype=float).ravel()
    if not len(grid) or not np.isfinite(grid).all() or pairs < 1:
        raise InputError(f"{name} of {cell.name}", found=f"delays {delays!r}, {pairs} pairs",
                         expected="finite times in s, and one pair, at least")
    p = pairing(cell, pre=pre, post=post, engine=engine, reading=reading, max_step=max_step)
    found = np.array(map_runs(partial(_train, p, pairs, initial), grid, p.engine, executor, progress, name))
    last = found[:, -1]
    flags = np.isin(np.arange(len(grid)), levels(last, factor=factor, noise=noise, least=least)).astype(float)
    after = {f"after_{k}": Column(found[:, k], "S", f"conductance after {k} pairs") for k in range(pairs + 1)}
    return Curve(grid, last, "delay", "s", "conductance", "S", name=name,
                 columns={"level": Column(flags, "1", "1 for a level that can be told apart"), **after},
                 provenance={"protocol": f"{pairs} pairs, delay = t_post - t_pre, read before the first and after each",
                             **provenance(cell, p.engine, p.reading, cell.synapses[0])})


def _train(p: Pairing, pairs: int, initial: Mapping[str, float] | None, delay: float) -> list[float]:
    """Conductance (S) before the first of `pairs` pairs and after each, read in the same transient."""
    waves, _, end = p.waves(float(delay))
    slot, synapse = 1.2 * p.reading.width, p.cell.synapses[0]
    period = end + slot
    drives = {port: wave.shift(slot).repeat(pairs, period) for port, wave in waves.items()}
    for port, wave in p.reading.drives(synapse).items():
        pulses = wave.repeat(pairs + 1, period)
        drives[port] = drives[port] + pulses if port in drives else pulses
    result = phase(p.engine, p.cell, drives, pairs * period + slot, p.max_step, initial, watched(p.cell, synapse))
    starts = [k * period for k in range(pairs + 1)]
    undisturbed(p.cell, synapse, p.reading, result, starts)
    return [p.reading.sample(result, synapse, at) for at in starts]


# --- programming to a target ------------------------------------------------------------------------------------------


def write_verify(cell: Circuit, target: float, *, up: Scheme, down: Scheme, rest: float, tolerance: float = 0.05,
                 limit: int = 50, engine: str | Engine | None = None, reading: Reading | None = None,
                 initial: Mapping[str, float] | None = None, synapse: str | None = None,
                 progress: Progress | None = None, name: str = "write-verify") -> Curve:
    """Pulse and read until the conductance is within `tolerance` (a share) of `target` (S); give up after `limit`.

    up, down: the ladder for each direction (`scheme`): a pulse that does not reach the target is followed by the next
    of its ladder, the last one repeated; what overshoots starts the other ladder from its first. rest: s after each
    pulse, before it is read. Conductance must rise by `up` and fall by `down`; a device that does neither ends at the
    limit. Returns x pulse number (0 before the first), y conductance (S); columns volts (V), width (s), within (1 where
    the target is reached); provenance "outcome" is "reached after ..." or "gave up after ...".
    Raises InputError for a bad request, SimulationError when a run fails or a reading disturbs.
    """
    if not (target > 0 and 0 < tolerance < 1 and limit >= 1):
        raise InputError(f"{name} of {cell.name}", found=f"target {target:g} S within {tolerance:g}, limit {limit}",
                         expected="a target above 0 S, a tolerance between 0 and 1, a limit of one or more")
    run, port, s = get(engine), write_port(cell, synapse), the_synapse(cell, synapse)
    state, now = initial, 0.0
    if reading:
        found, state = read(run, cell, reading, initial)
        now = found[s.name]
    else:
        device, given = cell.devices()[s.device], initial or {}
        now = float(conductance(device, {x: given.get(f"{s.device}.{x}", device.initial(x))
                                         for x in device.definition.states})[0])
    siemens, volts, widths = [now], [np.nan], [np.nan]
    rung, last = 0, None
    while abs(now / target - 1) > tolerance and len(siemens) <= limit:
        ladder = up if now < target else down
        rung, last = (rung + 1 if ladder is last else 0), ladder
        record = apply(cell, [ladder.event(rung, port, rest)], engine=run, reading=reading, initial=state,
                       synapse=synapse, name=name)
        state, now = record.final, float(record.siemens[-1])
        k = min(rung, len(ladder) - 1)
        siemens.append(now)
        volts.append(ladder.volts[k])
        widths.append(ladder.widths[k])
        if progress:
            progress(len(siemens) - 1, limit, name)
    within = np.abs(np.array(siemens) / target - 1) <= tolerance
    outcome = f"{'reached' if within[-1] else 'gave up'} after {len(siemens) - 1} pulses"
    return Curve(
        np.arange(float(len(siemens))), np.array(siemens), "pulse", "1", "conductance", "S", name=name,
        columns={"volts": Column(np.array(volts), "V", "amplitude"), "width": Column(np.array(widths), "s", "width"),
                 "within": Column(within.astype(float), "1", "1 where the target is reached")},
        published=(Published(f"target within {100 * tolerance:g} %", "asked for", low=target * (1 - tolerance),
                             high=target * (1 + tolerance)),),
        provenance={"protocol": "pulse and read until the target is reached", "target": engineering(target, "S"),
                    "tolerance": f"{tolerance:g}", "outcome": outcome, "up": str(up), "down": str(down),
                    "rest": engineering(rest, "s"), **provenance(cell, run, reading, s)})
