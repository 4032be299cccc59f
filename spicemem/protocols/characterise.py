"""What a data sheet of one device shows: I-V loop, switching time, pulse trains, relaxation.

Conductances are read from the states (`conductance`), so that no reading disturbs them and values below a simulator's
smallest current come out right. Voltages are those at the pin that is written, in house polarity: positive sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicemem.circuits.fixture import DUT, fixture
from spicemem.engines import Engine
from spicemem.errors import InputError
from spicemem.model import Model
from spicemem.protocols.conductance import conductance
from spicemem.waveform import Waveform

Array = NDArray[np.float64]
#: The longest step is the length of the run over this.
STEPS = 2000
#: What changes by less than this factor has not switched.
SWITCHED = 1.001


@dataclass(frozen=True, eq=False)
class Trace:
    """A driven device against time: s, V at the driven port, A into the pin that is read, S read from the states.

    states: waveforms by name. final: what another run goes on from.
    """

    time: Array
    volts: Array
    amps: Array
    siemens: Array
    states: Mapping[str, Array]
    final: Mapping[str, float]

    def crossing(self, level: float, rising: bool) -> float:
        """First time (s) at which the conductance passes `level` (S), on a logarithmic scale; nan if never."""
        above = self.siemens >= level if rising else self.siemens <= level
        if above[0]:
            return float(self.time[0])
        hits = np.flatnonzero(above)
        if not len(hits):
            return float("nan")
        k = int(hits[0])
        g0, g1 = np.log(np.maximum(self.siemens[k - 1:k + 1], 1e-300))
        share = 1.0 if g0 == g1 else (np.log(level) - g0) / (g1 - g0)
        return float(self.time[k - 1] + share * (self.time[k] - self.time[k - 1]))


def trace(device: Model, wave: Waveform, stop: float, *, engine: Engine, initial: Mapping[str, float] | None = None,
          series: float = 0.0, max_step: float | None = None, timeout: float = 600.0) -> Trace:
    """Drive a device where it is written, read it where it is read, for `stop` seconds.

    wave: V (or the unit of the input that writes it). initial: `Trace.final` of a run to go on from. series: Ohm.
    """
    b = device.handling()
    cell = fixture(device, series)
    drives: dict[str, Waveform | float] = {**b.bias, b.write: wave}
    if b.read != b.write:
        drives[b.read] = b.v_read
    states = [f"{DUT}.{name}" for name in device.definition.states]
    result = engine.run(cell.drive(**drives), stop, max_step=max_step or stop / STEPS, initial=initial,
                        save=[f"v({b.write})", f"i(v_{b.read})", *states], timeout=timeout)
    values = {name.removeprefix(f"{DUT}."): result[name] for name in states}
    return Trace(result.time, result[f"v({b.write})"], -result[f"i(v_{b.read})"], conductance(device, values), values,
                 result.final_state())


def half_loop(device: Model, peak: float, *, engine: Engine, rate: float | None = None,
              initial: Mapping[str, float] | None = None, series: float = 0.0) -> Trace:
    """From 0 V straight to `peak` (V) and back, at `rate` (V/s), default that of the device's behaviour."""
    quarter = abs(peak) / (rate or device.handling().rate)
    wave = Waveform.points((0.0, 0.0), (quarter, peak), (2 * quarter, 0.0))
    return trace(device, wave, 2 * quarter, engine=engine, initial=initial, series=series)


def half_loops(device: Model, *, engine: Engine, peaks: tuple[float, ...] | None = None, rate: float | None = None,
               initial: Mapping[str, float] | None = None) -> list[Trace]:
    """The half loops of the device's behaviour (or `peaks`, V), each going on from the one before.

    The series resistance of the behaviour limits the current of the first half loop, in which the device sets, and of
    every half loop of a volatile device.
    """
    b = device.handling()
    halves: list[Trace] = []
    for k, peak in enumerate(peaks or b.loop):
        series = b.series if k == 0 or b.kind in ("threshold", "volatile") else 0.0
        halves.append(half_loop(device, peak, engine=engine, rate=rate, series=series,
                                initial=halves[-1].final if halves else initial))
    return halves


def middle(half: Trace) -> float:
    """The geometric mean (S) of the conductances that a half loop starts and ends at: where it counts as switched.

    For a device that is back where it began (volatile), of its smallest and largest conductance.
    """
    start, end = half.siemens[0], half.siemens[-1]
    low, high = half.siemens.min(), half.siemens.max()
    if max(start, end) / min(start, end) < (high / low) ** 0.5:
        start, end = low, high
    return float(np.sqrt(start * end))


def switching_voltage(half: Trace) -> float:
    """The voltage (V) at which a half loop passes its `middle` on the way to its peak or back; nan if it never does."""
    if half.siemens.max() < SWITCHED * half.siemens.min():
        return float("nan")
    level = middle(half)
    at = half.crossing(level, bool(half.siemens[0] < level))
    return float(np.interp(at, half.time, half.volts)) if np.isfinite(at) else float("nan")


def switching_time(device: Model, volts: float, level: float, *, engine: Engine, shortest: float, longest: float,
                   initial: Mapping[str, float] | None = None, edge: float | None = None) -> float:
    """Time (s) under a rectangular pulse of `volts` until the conductance passes `level` (S); nan if not by `longest`.

    The pulse rises within `edge` (default shortest/1000). Nothing is known of when it will be: the run goes on in
    pieces, each ten times as long as all before, from `shortest` on.
    """
    if not 0 < shortest < longest:
        raise InputError("switching time", found=f"from {shortest:g} to {longest:g} s",
                         expected="0 < shortest < longest")
    edge = shortest / 1000 if edge is None else edge
    wave, now, end, state, rising = Waveform.points((0.0, 0.0), (edge, volts)), 0.0, shortest, initial, None
    while True:
        piece = trace(device, wave, end - now, engine=engine, initial=state, max_step=(end - now) / 400)
        if rising is None:
            rising = bool(piece.siemens[0] < level)
        at = piece.crossing(level, rising)
        if np.isfinite(at):
            return now + at
        if end >= longest:
            return float("nan")
        now, end, state, wave = end, min(10 * end, longest), piece.final, Waveform.constant(volts)


def pulse_train(device: Model, volts: float, width: float, count: int, *, engine: Engine, gap: float | None = None,
                initial: Mapping[str, float] | None = None, series: float = 0.0) -> tuple[Array, dict[str, float]]:
    """Conductance (S) before and after each of `count` equal pulses (V, s), `gap` apart (default their width).

    Read at the end of each gap; edges are a tenth of the width. series: Ohm. Returns count + 1 values, the final state.
    """
    period = width * 1.2 + (width if gap is None else gap)
    wave = Waveform.pulse(volts, width, width / 10, width / 10).repeat(count, period)
    run = trace(device, wave, count * period, engine=engine, initial=initial, max_step=width / 25, series=series)
    at = np.arange(count + 1) * period
    return np.exp(np.interp(at, run.time, np.log(np.maximum(run.siemens, 1e-300)))), dict(run.final)


def relaxation(device: Model, duration: float, *, engine: Engine, shortest: float,
               initial: Mapping[str, float] | None = None) -> tuple[Array, Array]:
    """Times (s, from `shortest` to `duration`, evenly spaced on a logarithmic scale) and conductances (S) at 0 V."""
    times, found, now, state = np.geomspace(shortest, duration, 60), [], 0.0, initial
    rest = Waveform.constant(0.0)
    for end in [t for t in 10.0 ** np.arange(np.ceil(np.log10(shortest) + 1e-9), np.log10(duration))] + [duration]:
        piece = trace(device, rest, end - now, engine=engine, initial=state, max_step=(end - now) / 100)
        inside = times[(times > now) & (times <= end * (1 + 1e-12))]
        found.append(np.interp(inside - now, piece.time, piece.siemens))
        now, state = float(end), piece.final
    return times, np.concatenate(found)

