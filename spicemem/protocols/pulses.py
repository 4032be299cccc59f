"""Events at the ports of a cell, one after the other, and what each leaves: under every protocol with pulses.

An event is a pulse, or any waveforms from 0 V to 0 V, with a rest after it. Conductances come from reading pulses in
the same run (`Reading`) or from the states (no reading: `protocols.conductance`, which disturbs nothing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spicemem import __version__
from spicemem.circuit import Circuit, Synapse
from spicemem.engines import Engine, Result
from spicemem.engines.result import Array
from spicemem.errors import InputError, WaveformError, nearest
from spicemem.protocols.conductance import conductance
from spicemem.protocols.energy import work
from spicemem.protocols.pool import Progress
from spicemem.protocols.reading import Reading, phase, read, synapses_of, undisturbed, watched
from spicemem.units import engineering
from spicemem.waveform import Waveform, merge_times

#: Points along an event, where simulators stop: what it does is resolved even where steps suit the rest after it.
PARTS = 25
#: Steps in the shortest rest (or event, if that is longer) of a run.
STEPS = 50
#: Rests that differ by more are runs of their own, with a step that suits each.
ALIKE = 10.0
#: Digits of time: an event shorter than its rest over this has a run of its own.
SPAN = 1e6


@dataclass(frozen=True)
class Event:
    """Waveforms (V) by port, from 0 V at their time 0 to 0 V at their end, then `rest` seconds at 0 V."""

    waves: Mapping[str, Waveform]
    rest: float

    def __post_init__(self) -> None:
        if not self.waves or not self.rest > 0:
            raise InputError("event", found=f"{len(self.waves)} waveforms, rest {self.rest} s",
                             expected="a waveform at a port at least, and a rest above 0 s")
        for port, wave in self.waves.items():
            ends = abs(wave.values[0]) + abs(wave.values[-1])
            if wave.times[0] < 0 or wave.duration <= 0 or ends > 1e-9 * wave.peak:
                raise WaveformError(f"event at {port}", found=f"{wave.values[0]:g} V at {wave.times[0]:g} s, "
                                    f"{wave.values[-1]:g} V at {wave.times[-1]:g} s",
                                    expected="a waveform that starts at 0 s or later and begins and ends at 0 V")

    @classmethod
    def pulse(cls, port: str, volts: float, width: float, rest: float, *, edge: float | None = None,
              bias: Mapping[str, float] | None = None) -> Event:
        """A rectangular pulse of `width` s, its edges (default a hundredth of it) inside.

        bias: V at other ports while it lasts, such as a word line; these rise an edge before it and fall one after.
        """
        edge = edge or width / 100
        late = edge if bias else 0.0
        waves = {name: Waveform.pulse(v, width + 2 * edge, edge) for name, v in (bias or {}).items() if v}
        return cls({**waves, port: Waveform.pulse(volts, width, edge, start=late)}, rest)

    @property
    def duration(self) -> float:
        """Seconds until the last waveform is back at 0 V."""
        return max(float(w.times[-1]) for w in self.waves.values())


@dataclass(frozen=True, eq=False)
class Record:
    """What n events did to a synapse.

    before: S. siemens: S after the rest of each. amps: A into the port that is read, where its magnitude is largest
    during each. joules: J that all ports delivered during each. runs: (start of a run in s, result).
    final: what another run goes on from. begins: s, of each event.
    """

    before: float
    siemens: Array
    amps: Array
    joules: Array
    begins: Array
    runs: Sequence[tuple[float, Result]]
    final: Mapping[str, float]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def series(self, name: str) -> tuple[Array, Array]:
        """Time (s, of all runs together) and values of a saved signal."""
        return (np.concatenate([start + r.time for start, r in self.runs]),
                np.concatenate([r[name] for _, r in self.runs]))


class _Run(NamedTuple):
    """One transient: what drives it, how long, and in it the events (start, duration) and the readings (start)."""

    drives: dict[str, Waveform]
    stop: float
    max_step: float
    events: list[tuple[float, float]]
    readings: list[float]


def apply(cell: Circuit, events: Sequence[Event], *, engine: Engine, reading: Reading | None = None,
          initial: Mapping[str, float] | None = None, synapse: str | None = None, extra: tuple[str, ...] = (),
          max_step: float | None = None, progress: Progress | None = None, name: str = "pulses") -> Record:
    """Apply the events to a synapse cell one after the other and read it after the rest of each.

    reading: reading pulses through the circuit, part of the run; None reads from the states. synapse: needed if the
    cell has several. extra: further signals to save. max_step: s, default a fiftieth of the shortest rest of a run, or
    of its event if that is longer; each event has 25 break points of its own besides.
    Raises InputError and WaveformError for what cannot be applied, SimulationError when a run fails or a reading moves
    the device by more than `reading.disturb`.
    """
    s = the_synapse(cell, synapse)
    device = cell.devices()[s.device]
    ports = tuple(dict.fromkeys((s.read, *(port for e in events for port in e.waves))))
    states = [f"{s.device}.{state}" for state in device.definition.states]
    saves = (*extra, *watched(cell, s), *(x for port in ports for x in (f"i(v_{port})", f"v({port})")))

    def from_states(result: Result, at: float) -> float:
        return float(conductance(device, {x.removeprefix(f"{s.device}."): result.at(x, at) for x in states})[0])

    if not events:
        raise InputError(f"{name} of {cell.name}", found="no event", expected="at least one")
    siemens: list[float] = []
    amps: list[float] = []
    joules: list[float] = []
    begins: list[float] = []
    runs: list[tuple[float, Result]] = []
    before, state, now = float("nan"), initial, 0.0
    if reading:
        conductances, state = read(engine, cell, reading, initial)
        before = conductances[s.name]
    for run in _runs(events, reading, s, max_step):
        result = phase(engine, cell, run.drives, run.stop, run.max_step, state, saves)
        if not runs and not reading:
            before = from_states(result, 0.0)
        state = result.final_state()
        runs.append((now, result))
        for start, duration in run.events:
            begins.append(now + start)
            inside = (result.time >= start) & (result.time <= start + duration)
            current = -result[f"i(v_{s.read})"][inside]
            amps.append(float(current[np.argmax(np.abs(current))]))
            joules.append(float(sum(work(result.time[inside], result[f"v({port})"][inside],
                                         -result[f"i(v_{port})"][inside])[-1] for port in ports)))
        if reading and run.readings:
            undisturbed(cell, s, reading, result, run.readings)
        for at in run.readings:
            siemens.append(reading.sample(result, s, at) if reading else from_states(result, at))
        now += run.stop
        if progress:
            progress(len(siemens), len(events), name)
    return Record(before, np.array(siemens), np.array(amps), np.array(joules), np.array(begins), runs,
                  dict(state or {}), provenance(cell, engine, reading, s))


def the_synapse(cell: Circuit, name: str | None) -> Synapse:
    """The synapse of that name, or the only one. Raises InputError."""
    known = {s.name: s for s in synapses_of(cell)}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        raise InputError(f"{cell.name}: synapse", found=repr(name), expected=f"one of {', '.join(known)}",
                         remedy=nearest(name or "", known))
    return known[name]


def provenance(cell: Circuit, engine: Engine, reading: Reading | None, s: Synapse) -> dict[str, str]:
    """What made a curve, for its file: circuit, device, preset, reading, engine, version."""
    device = cell.devices()[s.device]
    how = (f"{engineering(reading.voltage, 'V')} for {engineering(reading.width, 's')}" if reading else
           f"from the states, at {engineering(device.handling().v_read, 'V')}")
    return {"circuit": cell.name, "device": device.definition.name, "preset": device.preset_name or "none",
            "read": how, "engine": f"{engine.name} {engine.version()}", "spicemem": __version__}


def _runs(events: Sequence[Event], reading: Reading | None, s: Synapse, max_step: float | None) -> Iterator[_Run]:
    """The transients that the events need: as few as time scales allow."""
    group: list[Event] = []
    for event in events:
        if event.rest / event.duration > SPAN:
            if group:
                yield _together(group, reading, s, max_step)
                group = []
            yield _together([replace(event, rest=event.duration)], None, s, max_step)._replace(readings=[])
            left = event.rest - event.duration
            width = 1.2 * reading.width if reading else 0.0
            pulse = _reading_drives(reading, s, [left]) if reading else {}
            yield _Run(pulse, left + width, min(max_step or left, left / STEPS), [], [left])
            continue
        rests = [e.rest for e in (*group, event)]
        if max(rests) > ALIKE * min(rests):
            yield _together(group, reading, s, max_step)
            group = []
        group.append(event)
    if group:
        yield _together(group, reading, s, max_step)


def _together(events: Sequence[Event], reading: Reading | None, s: Synapse, max_step: float | None) -> _Run:
    points: dict[str, list[tuple[Array, Array]]] = {}
    spans, readings, now = [], [], 0.0
    for event in events:
        start = now + event.duration / 1000  # the first edge is an edge
        grid = np.linspace(0.0, event.duration, PARTS + 1)
        for port, wave in event.waves.items():
            times = merge_times(wave.times, grid, tolerance=1e-6)
            # What merging left out may be a corner: the wave's own points stay.
            times = np.union1d(wave.times, times[np.abs(times[:, None] - wave.times).min(axis=1)
                                                 > 1e-6 * event.duration])
            points.setdefault(port, []).append((start + times, wave(times)))
        spans.append((start, event.duration))
        now = start + event.duration + event.rest
        readings.append(now)
        now += 1.2 * reading.width if reading else 0.0
    drives = {port: Waveform(np.concatenate([t for t, _ in parts]), np.concatenate([v for _, v in parts]))
              for port, parts in points.items()}
    if reading:
        for port, pulses in _reading_drives(reading, s, readings).items():
            drives[port] = drives[port] + pulses if port in drives else pulses
    step = min(max(e.rest, e.duration) for e in events) / STEPS
    return _Run(drives, now, min(step, max_step or step), spans, readings)


def _reading_drives(reading: Reading, s: Synapse, starts: Sequence[float]) -> dict[str, Waveform]:
    one = reading.drives(s)
    gaps = [b - a for a, b in pairwise(starts)]
    assert all(gap > 1.1 * reading.width for gap in gaps)
    return {port: Waveform(np.concatenate([at + wave.times for at in starts]), np.tile(wave.values, len(starts)))
            for port, wave in one.items()}
