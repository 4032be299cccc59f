"""Short-term memory: facilitation against interval, decay after a pulse, what rehearsal makes permanent, retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import Circuit, Synapse
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.engines.result import Array
from spicemem.errors import InputError
from spicemem.protocols.conductance import conductance
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import ALIKE, Event, Record, apply, provenance, the_synapse
from spicemem.protocols.reading import Reading, phase, read
from spicemem.units import engineering

#: Steps in a run of rest that is read from its states.
STEPS = 400


def train(port: str, volts: float, width: float, count: int, interval: float, *, last: float | None = None,
          edge: float | None = None, bias: Mapping[str, float] | None = None) -> list[Event]:
    """`count` equal pulses (V, s), `interval` seconds from the end of one to the start of the next.

    last: s of rest after the last one, default the interval. edge: s, inside the pulse, default a hundredth of it.
    bias: V at other ports during each pulse. Raises InputError for an interval that leaves no room for the edges.
    """
    event = Event.pulse(port, volts, width, rest=width, edge=edge, bias=bias)
    lead = event.duration * 1.001 - width  # bias edges, and what `apply` leaves before an event
    if count < 1 or not interval > lead:
        raise InputError("train", found=f"{count} pulses, {interval:g} s apart",
                         expected=f"at least one pulse, more than {lead:.3g} s apart")
    return [replace(event, rest=interval - lead)] * (count - 1) + [replace(event, rest=last or interval)]


def ppf(cell: Circuit, intervals: ArrayLike, *, volts: float, width: float, count: int = 2, port: str | None = None,
        edge: float | None = None, bias: Mapping[str, float] | None = None, baseline: float = 0.0,
        synapse: str | None = None, engine: str | Engine | None = None, initial: Mapping[str, float] | None = None,
        max_step: float | None = None, executor: Executor | None = None, progress: Progress | None = None,
        name: str = "ppf") -> Curve:
    """Paired-pulse facilitation, or depression below 100 %: the peak of the last pulse over that of the first.

    intervals: s from the end of one pulse to the start of the next. Each train of `count` pulses (`volts`, `width` s,
    on `port`, default that of the presynaptic neuron) starts from `initial`. A peak is the largest current into the
    port that is read, which needs a voltage there: the pulse itself, or V in `bias` while each pulse lasts.
    baseline: A that flow there in a device at rest, taken off each peak.

    Returns Curve: x interval (s), y A_count/A_1 (%), further columns first and last (A).
    Raises InputError for intervals that are not positive or a train without a current, SimulationError.
    """
    grid = np.asarray(intervals, dtype=float).ravel()
    if not len(grid) or not (grid > 0).all() or count < 2:
        raise InputError(name, found=f"intervals {grid}, {count} pulses", expected="times above 0 s, 2 pulses or more")
    s, run = the_synapse(cell, synapse), get(engine)
    peaks = np.array(map_runs(partial(_peaks, run, cell, s, port or s.pre, volts, width, count, edge, bias,
                                      initial, max_step), grid.tolist(), run, executor, progress, name)) - baseline
    if not (peaks[:, 0] != 0).all():
        raise InputError(f"{name} of {cell.name}", found=f"no current into {s.read} in the first pulse",
                         expected="a current to compare with", remedy=f"Bias it: bias={{{s.read!r}: 0.1}}")
    return Curve(grid, 100 * peaks[:, 1] / peaks[:, 0], "interval", "s", f"A{count}/A1", "%", name=name,
                 columns={"first": Column(peaks[:, 0], "A", "peak of the first pulse"),
                          "last": Column(peaks[:, 1], "A", f"peak of pulse {count}")},
                 provenance={"protocol": f"{count} pulses of {engineering(volts, 'V')}, {engineering(width, 's')}; "
                                         f"peak currents less {engineering(baseline, 'A')}",
                             **provenance(cell, run, None, s)})


def ptp(cell: Circuit, intervals: ArrayLike, *, count: int = 10, name: str = "ptp", **protocol: Any) -> Curve:
    """Post-tetanic potentiation: as `ppf`, the tenth (or `count`-th) pulse over the first."""
    return ppf(cell, intervals, count=count, name=name, **protocol)


def _peaks(engine: Engine, cell: Circuit, s: Synapse, port: str, volts: float, width: float, count: int,
           edge: float | None, bias: Mapping[str, float] | None, initial: Mapping[str, float] | None,
           max_step: float | None, interval: float) -> tuple[float, float]:
    events = train(port, volts, width, count, interval, last=width, edge=edge, bias=bias)
    record = apply(cell, events, engine=engine, initial=initial, synapse=s.name, max_step=max_step)
    return float(record.amps[0]), float(record.amps[-1])


def retention(cell: Circuit, times: ArrayLike, *, events: Sequence[Event] = (), reading: Reading | None = None,
              synapse: str | None = None, engine: str | Engine | None = None,
              initial: Mapping[str, float] | None = None, max_step: float | None = None,
              progress: Progress | None = None, name: str = "retention") -> Curve:
    """Conductance at `times` (s) after the last of the events, all ports at 0 V; without events, after `initial`.

    reading: reading pulses at those times through the circuit, which take time and may disturb (refused above a
    stated fraction); None reads from the states. max_step: s, of the events.

    Returns Curve: x time (s), y conductance (S), further column before (S, before the events; nan without any).
    Raises InputError for times that do not rise from above 0 s (with readings: by more than a reading takes).
    """
    grid = np.asarray(times, dtype=float).ravel()
    shortest = 1.2 * reading.width if reading else 0.0
    if not len(grid) or not grid[0] > 0 or not (np.diff(grid) > shortest).all():
        raise InputError(name, found=f"times {grid}", expected=f"times that rise by more than {shortest:g} s from "
                                                               "above 0 s")
    run, s = get(engine), the_synapse(cell, synapse)
    device = cell.devices()[s.device]
    saves = tuple(f"{s.device}.{state}" for state in device.definition.states)
    found: list[Array] = []
    state, now, before = initial, 0.0, float("nan")
    if events:
        record = apply(cell, [*events[:-1], replace(events[-1], rest=float(grid[0]))], engine=run, reading=reading,
                       initial=initial, synapse=s.name, max_step=max_step)
        before, state, now = record.before, record.final, float(grid[0]) + shortest
        found.append(record.siemens[-1:])
    later = grid[len(found):]
    for piece in np.split(later, _ends(later)):
        if reading:
            for at in piece:
                by_name, state = read(run, cell, reading, state, float(at) - now)
                now = float(at) + 1.05 * reading.width
                found.append(np.array([by_name[s.name]]))
        elif len(piece):
            end = float(piece[-1])
            result = phase(run, cell, {}, end - now, (end - now) / STEPS, state, saves)
            found.append(conductance(device, {x.removeprefix(f"{s.device}."): result.at(x, piece - now)
                                              for x in saves}))
            state, now = result.final_state(), end
        if progress:
            progress(sum(map(len, found)), len(grid), name)
    return Curve(grid, np.concatenate(found), "time", "s", "conductance", "S", name=name,
                 columns={"before": Column(np.full(len(grid), before), "S", "conductance before the events")},
                 provenance={"protocol": f"all ports at 0 V after {len(events)} events",
                             **provenance(cell, run, reading, s)})


def _ends(times: Array) -> list[int]:
    """Where a run of its own begins: a step suits one decade of time."""
    ends, first = [], 0
    for k, time in enumerate(times):
        if time > ALIKE * times[first]:
            ends.append(k)
            first = k
    return ends


def epsc(cell: Circuit, times: ArrayLike, *, events: Sequence[Event], reading: Reading | None = None,
         synapse: str | None = None, name: str = "epsc", **protocol: Any) -> Curve:
    """Excitatory postsynaptic current: what flows above rest at the reading voltage, `times` (s) after the events.

    Everything else as for `retention`. `curve.fit("exponential")["tau"]` is its time constant (s).
    Returns Curve: x time (s), y current above rest (A), further columns conductance and before (S).
    """
    if not events:
        raise InputError(name, found="no event", expected="at least one that evokes a current")
    curve = retention(cell, times, events=events, reading=reading, synapse=synapse, name=name, **protocol)
    device = cell.devices()[the_synapse(cell, synapse).device]
    volts = reading.voltage if reading else device.handling().v_read
    return replace(curve, y=volts * (curve.y - curve.columns["before"].values), y_label="current above rest",
                   y_unit="A", columns={"conductance": Column(curve.y, "S"), **curve.columns})


def history(record: Record, cell: Circuit, synapse: str | None = None) -> tuple[Array, Array]:
    """Time (s) and conductance (S, from the states) of a synapse throughout a record."""
    s = the_synapse(cell, synapse)
    device = cell.devices()[s.device]
    waves = {name: record.series(f"{s.device}.{name}") for name in device.definition.states}
    time = next(iter(waves.values()))[0]
    return time, conductance(device, {name: wave for name, (_, wave) in waves.items()})


def stm_to_ltm(cell: Circuit, rehearsal_intervals: ArrayLike, *, volts: float, width: float, count: int = 10,
               after: float = 20.0, port: str | None = None, bias: Mapping[str, float] | None = None,
               synapse: str | None = None, engine: str | Engine | None = None,
               initial: Mapping[str, float] | None = None, executor: Executor | None = None,
               progress: Progress | None = None, name: str = "stm-to-ltm") -> Curve:
    """From short- to long-term memory: what is left of the peak conductance `after` s (default 20 s, as in Fig. 15 of
    Ielmini et al. 2021) `count` pulses with a rehearsal interval.

    rehearsal_intervals: s from the end of one pulse to the start of the next; volts, width (s): each pulse, on `port`
    (default that of the presynaptic neuron).

    Returns Curve: x interval (s), y G(after)/G(peak) (1), further columns before, peak and left (S).
    Raises InputError for intervals that are not positive, SimulationError.
    """
    grid = np.asarray(rehearsal_intervals, dtype=float).ravel()
    if not len(grid) or not (grid > 0).all() or not after > 0:
        raise InputError(name, found=f"intervals {grid}, {after} s after", expected="times above 0 s")
    s, run = the_synapse(cell, synapse), get(engine)
    jobs = [train(port or s.pre, volts, width, count, gap, last=after, bias=bias) for gap in grid.tolist()]
    before, peak, left = np.array(map_runs(partial(_rehearse, run, cell, s, initial), jobs, run, executor, progress,
                                           name)).T
    return Curve(grid, left / peak, "rehearsal interval", "s", "G after / G peak", "1", name=name,
                 columns={"before": Column(before, "S"), "peak": Column(peak, "S"), "left": Column(left, "S")},
                 provenance={"protocol": f"{count} pulses of {engineering(volts, 'V')}, {engineering(width, 's')}; "
                                         f"conductance {engineering(after, 's')} after the last",
                             **provenance(cell, run, None, s)})


def _rehearse(engine: Engine, cell: Circuit, s: Synapse, initial: Mapping[str, float] | None,
              events: list[Event]) -> tuple[float, float, float]:
    record = apply(cell, events, engine=engine, initial=initial, synapse=s.name)
    return record.before, float(history(record, cell, s.name)[1].max()), float(record.siemens[-1])
