"""What simulators that train networks need to know of a device in an array: dG against G, noise, retention, wires.

Everything is measured in the circuit simulator. What was not asked for stays absent: there is no assumed noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem import fits
from spicemem.circuit import GROUND, Circuit, Synapse
from spicemem.circuits.crossbar import Line, crossbar
from spicemem.circuits.fixture import DUT
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.errors import CurveError, InputError, ModelError, nearest
from spicemem.model import Model
from spicemem.protocols.array import multiply
from spicemem.protocols.array_cells import states_for
from spicemem.protocols.ltp import Scheme, scheme, write_port
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import Event, apply, the_synapse
from spicemem.protocols.reading import Reading, phase, undisturbed, watched
from spicemem.protocols.short_term import retention as decay
from spicemem.spread import Distribution, generator, redrawn
from spicemem.units import engineering

Array = NDArray[np.float64]
Way = Literal["up", "down"]
#: Of a device's window: a step the wrong way that is larger is a response that turns round.
TURN = 0.01
#: Of the largest conductance: a window that is narrower is none.
NARROW = 1e-4
#: A conductance that changes by a smaller share is kept.
STEADY = 1e-3
#: Two conductances that differ by a smaller share are one level.
DISTINCT = 1e-2
#: An exponential or power law that misses a point by a larger share is not said to hold.
HOLDS = 0.05


def single(device: Model, inputs: Sequence[str] = ()) -> Circuit:
    """A device with a port at each pin that its behaviour uses, and at these of its inputs, as a synapse cell."""
    b, d = device.handling(), device.definition
    for name in inputs:
        if name not in d.inputs:
            raise InputError(f"{d.name}: input", found=repr(name), expected=f"one of {', '.join(d.inputs) or 'none'}",
                             remedy=nearest(name, d.inputs))
    ports = tuple(dict.fromkeys((b.write, b.read, *b.bias, *inputs)))
    cell = Circuit("fixture", ports, f"{d.name} on the bench", (Synapse("syn", b.write, b.write, b.read, DUT),))
    return cell.add(DUT, device, **{pin: pin if pin in ports else GROUND for pin in d.pins})


def pulses_of(device: Model, count: int | None = None) -> tuple[Scheme, Scheme]:
    """The identical pulses that a device's behaviour declares, `count` (default as it declares) up and down.

    Raises InputError for a device that no pulse takes back, such as a volatile one.
    """
    b = device.handling()
    if b.reset_pulse is None:
        raise InputError(f"{device.definition.name}: pulses of its behaviour", found=f"none that resets ({b.kind})",
                         expected="one up and one down", remedy="Give both: scheme(count, volts, width)")
    number = b.pulses if count is None else count
    up, down = (scheme(number, *pulse, bias=b.bias) for pulse in (b.set_pulse, b.reset_pulse))
    return up, down


# --- dG against G --------------------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """Pulses one by one: number of the device, conductance before the pulse (S), change by it (S)."""

    device: NDArray[np.intp]
    siemens: Array
    change: Array


@dataclass(frozen=True, eq=False)
class PulseResponse:
    """Conductances (S) along trains of equal pulses: device by cycle by pulse, entry 0 before the first pulse.

    up, down: potentiation, and the depression after it. schemes: the pulses. rest: s after each. cycle_noise: what was
    redrawn for each pulse, by input of the device; empty where every cycle is the same.
    """

    up: Array
    down: Array
    schemes: tuple[Scheme, Scheme]
    rest: float
    cycle_noise: Mapping[str, Distribution] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_response(self)

    @property
    def low(self) -> Array:
        """The lowest conductance (S) of each device."""
        return np.asarray(np.minimum(self.up.min(axis=(1, 2)), self.down.min(axis=(1, 2))))

    @property
    def high(self) -> Array:
        """The highest conductance (S) of each device."""
        return np.asarray(np.maximum(self.up.max(axis=(1, 2)), self.down.max(axis=(1, 2))))

    @property
    def window(self) -> tuple[float, float]:
        """The mean of the lowest and of the highest conductances (S) of the devices."""
        return float(self.low.mean()), float(self.high.mean())

    def steps(self, way: Way) -> Steps:
        """Every pulse of a direction."""
        trains = self.up if way == "up" else self.down
        before, change = trains[:, :, :-1], np.diff(trains, axis=2)
        device = np.broadcast_to(np.arange(len(trains))[:, None, None], before.shape)
        return Steps(device.ravel(), before.ravel(), change.ravel())

    def curve(self, way: Way) -> Curve:
        """dG (S) against G (S) of all pulses of a direction, with the column device; for CSV and plot."""
        s = self.steps(way)
        return Curve(s.siemens, s.change, "conductance before", "S", "change", "S", name=f"pulse-response-{way}",
                     columns={"device": Column(s.device.astype(float), "1", "number of the device")},
                     provenance=self.provenance)


def _check_response(r: PulseResponse) -> None:
    """Raises InputError where the trains are no response that a training simulator can be told of."""
    for s, trains in zip(r.schemes, (r.up, r.down), strict=True):
        if s.letter != "A":
            raise InputError("pulses of an array's behaviour", found=str(s), expected="identical pulses",
                             remedy="Training simulators know one pulse up and one down, no ladder of them")
        if trains.ndim != 3 or trains.shape[2] < 3 or not np.isfinite(trains).all() or not (trains > 0).all():
            raise InputError("pulse response", found=f"trains of shape {trains.shape}",
                             expected="positive conductances, device by cycle by pulse, two pulses at least")
    for k, (low, high) in enumerate(zip(r.low, r.high, strict=True)):
        if high - low <= NARROW * high:
            raise InputError(f"pulse response of device {k}", found=f"a window of {engineering(high - low, 'S')} at "
                             f"{engineering(high, 'S')}", expected="pulses that change the conductance",
                             remedy="Give larger or longer pulses")
        for way, trains, sign in (("up", r.up, 1), ("down", r.down, -1)):
            train = sign * trains[k].mean(axis=0)
            if not train[-1] > train[0]:
                raise InputError(f"pulse response of device {k}", found=f"pulses {way} that leave "
                                 f"{engineering(abs(train[-1]), 'S')} of {engineering(abs(train[0]), 'S')}",
                                 expected="up that raises, down that lowers the conductance",
                                 remedy="Exchange the pulses, or shorten the rest of a device that forgets")
            back = -np.diff(train)
            if back.max() > TURN * (high - low):
                raise InputError(f"pulse response of device {k}", found=f"pulse {int(back.argmax()) + 1} {way} takes "
                                 f"it back by {100 * back.max() / (high - low):.2g} % of its window",
                                 expected="a conductance that rises with pulses up and falls with pulses down",
                                 remedy="A response that turns round has no dG(G): use other pulses or a longer rest")


def pulse_response(
    devices: Model | Circuit | Sequence[Model | Circuit], up: Scheme, down: Scheme, *, rest: float, cycles: int = 1,
    settle: int = 1, cycle_noise: Mapping[str, Distribution] | None = None, seed: int = 1,
    reading: Reading | None = None, engine: str | Engine | None = None, max_step: float | None = None,
    executor: Executor | None = None, progress: Progress | None = None,
) -> PulseResponse:
    """Trains of identical pulses, `cycles` times up and down, on each device; conductance after every pulse.

    devices: one, or several that differ (`device.sample(20, seed=1)`); synapse cells too. rest: s after each pulse.
    settle: cycles before those that count, so that a device has left its start. cycle_noise: distribution (around 0)
    by input of the device, drawn anew for every pulse; those that a Model has, or ports of a cell. reading: through
    the circuit; None reads from the states. Raises InputError for pulses that are not identical, a window of no width,
    a response that turns round, an input that is not there; SimulationError when a run fails.
    """
    things = [devices] if isinstance(devices, Model | Circuit) else list(devices)
    if not things or cycles < 1 or settle < 0:
        raise InputError("pulse response", found=f"{len(things)} devices, {cycles} cycles after {settle}",
                         expected="one device and one cycle at least")
    noise, run = dict(cycle_noise or {}), get(engine)
    work = partial(_cycled, run, up, down, rest, settle + cycles, noise, seed, reading, max_step)
    found = map_runs(work, list(enumerate(things)), run, executor, progress, "devices")
    noise = {name: d for name, d in noise.items() if d.size}
    trains = np.stack([siemens for siemens, _ in found]).reshape(len(things), settle + cycles, -1)[:, settle:]
    return PulseResponse(trains[:, :, :len(up) + 1], trains[:, :, len(up) + 1:], (up, down), rest, noise,
                         {**found[0][1], "devices": str(len(things)), "cycles": str(cycles), "up": str(up),
                          "down": str(down), "rest": engineering(rest, "s"),
                          "cycle noise": "; ".join(f"{k}: {type(d).__name__} {d.size:g}" for k, d in noise.items())
                                         or "none"})


def _cycled(run: Engine, up: Scheme, down: Scheme, rest: float, cycles: int, noise: Mapping[str, Distribution],
            seed: int, reading: Reading | None, max_step: float | None, item: tuple[int, Model | Circuit],
            ) -> tuple[Array, dict[str, str]]:
    """Conductances (S) of one device: for each cycle those of the train up, then of the train down."""
    number, thing = item
    cell = single(thing, tuple(noise)) if isinstance(thing, Model) else thing
    for name in noise:
        if name not in cell.ports:
            raise InputError(f"{cell.name}: cycle noise", found=f"no port {name!r}", expected="an input of the device")
    port = write_port(cell)
    source = generator(seed, number, "cycle")
    events = []
    for s in (up, down) * cycles:
        for k in range(len(s)):
            drawn = {name: d.around(0.0, source) for name, d in noise.items()}
            i = min(k, len(s) - 1)
            events.append(Event.pulse(s.port or port, s.volts[i], s.widths[i], rest, bias={**s.bias, **drawn}))
    record = apply(cell, events, engine=run, reading=reading, max_step=max_step, name="pulse response")
    siemens = np.r_[record.before, record.siemens]
    period = len(up) + len(down)
    at = [k * period + j for k in range(cycles) for j in (*range(len(up) + 1), *range(len(up), period + 1))]
    return siemens[at], dict(record.provenance)


# --- read noise ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ReadNoise:
    """Standard deviation of a reading (S) against the conductance (S, rising), and where it is from."""

    siemens: Array
    sigma: Array
    source: str

    def __post_init__(self) -> None:
        g, s = self.siemens, self.sigma
        if not (g.ndim == 1 and g.shape == s.shape and len(g) and (np.diff(g) > 0).all() and (s >= 0).all()
                and np.isfinite([g, s]).all()):
            raise InputError("read noise", found=f"{g} S, {s} S", expected="rising conductances, deviations from 0 S")

    @classmethod
    def relative(cls, share: float, window: tuple[float, float]) -> ReadNoise:
        """Given by the user, not measured: a share of the conductance, over a window (S)."""
        g = np.array(window)
        return cls(g, share * g, f"given: {100 * share:g} % of the conductance")


def read_noise(device: Model, name: str, size: Distribution, *, reading: Reading, up: Scheme, down: Scheme,
               rest: float, levels: int = 4, samples: int = 100, seed: int = 1,
               engine: str | Engine | None = None) -> ReadNoise:
    """Read the device `samples` times at each of some levels while an input of it is redrawn for every reading.

    name, size: the input and what it is drawn from, around 0. levels: after the train `down`, and after equal parts of
    `up`; those that are the same count once. A device whose current the input does not scale as a whole shows that.
    Raises InputError for an input that it has not, SimulationError when a reading disturbs.
    """
    cell, run = single(device, (name,)), get(engine)
    port = write_port(cell)
    if levels < 2 or samples < 10:
        raise InputError("read noise", found=f"{levels} levels, {samples} readings", expected="2 and 10 at least")
    s = the_synapse(cell, None)
    found: list[tuple[float, float]] = []
    period, state = 1.2 * reading.width, None
    for part in range(levels):
        events = ([up.event(0, port, rest)] * max(1, len(up) // (levels - 1)) if part else
                  [down.event(0, port, rest)] * len(down))
        record = apply(cell, events, engine=run, initial=state)
        state, at = dict(record.final), float(record.siemens[-1])
        if found and not at - found[-1][0] > DISTINCT * at:
            continue
        drives = {p: wave.repeat(samples, period) for p, wave in reading.drives(s).items()}
        drives[name] = redrawn(size, period, samples * period, seed + part)
        result = phase(run, cell, drives, samples * period, reading.width / 10, state, watched(cell, s))
        undisturbed(cell, s, reading, result, [k * period for k in range(samples)])
        g = [reading.sample(result, s, k * period) for k in range(samples)]
        found.append((at, float(np.std(g, ddof=1))))
    return ReadNoise(np.array([g for g, _ in found]), np.array([d for _, d in found]),
                     f"measured: {samples} readings a level, input {name} drawn from {type(size).__name__} "
                     f"{size.size:g}")


# --- retention -----------------------------------------------------------------------------------------------------


class Law(NamedTuple):
    """How a conductance goes with time (s) after its pulse, one law for all levels.

    kind: "steady" (changes by less than a thousandth), "power" (t^-nu), "exponential" (to g_end with tau), or "table"
    (no law holds: the points are what is known). nu, tau (s), g_end (S): nan where the kind has none. error: largest
    distance between law and points, over the conductance; nan for a table.
    """

    kind: str
    nu: float = float("nan")
    tau: float = float("nan")
    g_end: float = float("nan")
    error: float = float("nan")


@dataclass(frozen=True, eq=False)
class Retention:
    """Conductances (S, level by time) at times (s) after the last pulse, levels in rising order at the first time."""

    times: Array
    siemens: Array

    def __post_init__(self) -> None:
        t, g = self.times, self.siemens
        if not (t.ndim == 1 and g.ndim == 2 and g.shape[1] == len(t) > 1 and (np.diff(t) > 0).all() and t[0] > 0
                and np.isfinite(g).all() and (g > 0).all() and (np.diff(g[:, 0]) > 0).all()):
            raise InputError("retention", found=f"{t.shape} times, {g.shape} conductances",
                             expected="rising times, and for each level, in rising order, positive conductances")

    def law(self) -> Law:
        """The law that describes all levels best, with one set of numbers."""
        change = float(np.abs(self.siemens / self.siemens[:, :1] - 1).max())
        if change < STEADY:
            return Law("steady", error=change)
        laws = [law for law in (self._power(), self._exponential()) if law is not None and law.error < HOLDS]
        return min(laws, key=lambda law: law.error, default=Law("table"))

    def _power(self) -> Law | None:
        t, g = self.times, self.siemens
        share = g / g[:, :1]
        try:
            nu = -fits.fit("log-log-line", np.tile(t / t[0], len(g)), share.ravel())["exponent"]
        except CurveError:
            return None
        return Law("power", nu=nu, error=float(np.abs((t / t[0]) ** -nu / share - 1).max()))

    def _exponential(self) -> Law | None:
        """At each time, conductances are a line over those of the first: its slope is exp(-t/tau)."""
        t, g = self.times - self.times[0], self.siemens
        if len(g) < 2:
            return None
        slopes, offsets = np.polyfit(g[:, 0], g, 1)
        try:
            tau = fits.fit("exponential", t, slopes)["tau"]
        except CurveError:
            return None
        end = float(offsets[-1] / (1 - slopes[-1]))
        modelled = end + (g[:, :1] - end) * np.exp(-t / tau)
        return Law("exponential", tau=tau, g_end=end, error=float(np.abs(modelled / g - 1).max()))


def retention(device: Model | Circuit, times: ArrayLike, *, up: Scheme, down: Scheme, rest: float, levels: int = 4,
              engine: str | Engine | None = None, progress: Progress | None = None) -> Retention:
    """What is left of the conductance after the train `down` and parts of `up`, at `times` (s) after the last pulse.

    levels: of conductance, one of them after the train down; those that are the same count once. Raises InputError for
    times that do not rise, SimulationError.
    """
    cell = single(device) if isinstance(device, Model) else device
    grid, port = np.asarray(times, dtype=np.float64).ravel(), write_port(cell)
    if not 1 <= levels <= len(up) + 1:
        raise InputError("retention", found=f"{levels} levels", expected=f"1 to {len(up) + 1}: after down, within up")
    found: list[Array] = []
    for part in range(levels):
        events = [*[down.event(0, port, rest)] * len(down),
                  *[up.event(0, port, rest)] * (part * len(up) // max(1, levels - 1))]
        siemens = decay(cell, grid, events=events, engine=engine).y
        if not found or siemens[0] - found[-1][0] > DISTINCT * siemens[0]:
            found.append(siemens)
        if progress:
            progress(part + 1, levels, "retention")
    return Retention(grid, np.stack(found))


# --- wires ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class WireError:
    """Products of conductances and voltages: as numbers, in a crossbar with ideal wires, and in one with real ones.

    ideal, bare, wired: A, vector by column. ohm: of a segment of wire. rows, cols, g_max (S): of the crossbar.
    voltages: V, vector by row. siemens: row by column.
    """

    voltages: Array
    siemens: Array
    ideal: Array
    bare: Array
    wired: Array
    ohm: float

    @property
    def gain(self) -> float:
        """What wires leave of a current, on average: slope of wired against bare, through the origin."""
        return float((self.bare * self.wired).sum() / (self.bare**2).sum())

    @property
    def residual(self) -> float:
        """Error that no common gain takes away: rms over the largest bare current."""
        return float(np.sqrt(np.mean((self.wired - self.gain * self.bare) ** 2)) / np.abs(self.bare).max())

    @property
    def nonlinearity(self) -> float:
        """Error of the devices alone, currents that are not proportional to the voltage: rms over the largest ideal."""
        return float(np.sqrt(np.mean((self.bare - self.ideal) ** 2)) / np.abs(self.ideal).max())


def wire_error(device: Model, ohm: float, window: tuple[float, float], *, rows: int = 32, cols: int = 32,
               vectors: int = 8, seed: int = 1, engine: str | Engine | None = None) -> WireError:
    """Multiply random conductances of the window (S) and random voltages up to the reading voltage in a crossbar.

    ohm: of each segment of a word or bit line. Raises InputError for a device whose conductance is not one kept state
    (`states_for`) or that has not two terminals.
    """
    _check_wire(device, ohm)
    source, b = generator(seed, "wires"), device.handling()
    siemens = source.uniform(*window, (rows, cols))
    volts = source.uniform(0.0, b.v_read, (vectors, rows))
    values = states_for(device, siemens)
    made = (crossbar(rows, cols, device, wires=line, values=values) for line in (None, Line(ohm)))
    bare, wired = (multiply(x, volts, engine=engine)["i_bl"].values for x in made)
    return WireError(volts, siemens, volts @ siemens, bare, wired, ohm)


def _check_wire(device: Model, ohm: float) -> None:
    if not ohm > 0 or not np.isfinite(ohm):
        raise InputError("wire error", found=f"{ohm} Ohm", expected="a resistance above 0 Ohm")
    if len(device.definition.terminals) != 2:
        raise InputError(f"wire error of {device.definition.name}",
                         found=f"{len(device.definition.terminals)} terminals",
                         expected="two: a cell of a plain crossbar")


# --- all of it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ArrayBehaviour:
    """What was measured of a device; None is absent, and stays absent in what is written from it. name: for files."""

    name: str
    response: PulseResponse
    noise: ReadNoise | None = None
    retention: Retention | None = None
    wires: WireError | None = None


def _times(first: float, last: float) -> Array:
    """Eight a decade."""
    if not (np.isfinite(last) and last > first):
        raise InputError("retention", found=f"up to {last:g} s", expected=f"longer than the rest of {first:g} s")
    return np.geomspace(first, last, int(np.ceil(8 * np.log10(last / first))) + 1)


def measure(
    device: Model, *, up: Scheme | None = None, down: Scheme | None = None, pulses: int | None = None,
    rest: float | None = None, devices: int = 1, cycles: int = 1, cycle_noise: Mapping[str, Distribution] | None = None,
    noise: tuple[str, Distribution] | float | None = None, keep: float | None = None, wire: float | None = None,
    size: int = 32, seed: int = 1, engine: str | Engine | None = None, progress: Progress | None = None,
) -> ArrayBehaviour:
    """All of it for one device, with the pulses of its behaviour where none are given.

    rest: s after each pulse, default the longer of the two. devices: how many are drawn from its spread; 1: the device
    itself. noise: the input that is read noise and its distribution, or a share of the conductance that the user knows.
    keep: s, how long retention is looked at. wire: Ohm of a segment, in an array of `size` lines either way.
    Raises InputError and ModelError for what cannot be measured, SimulationError when a run fails.
    """
    if up is None or down is None:
        own = pulses_of(device, pulses)
        up, down = up or own[0], down or own[1]
    wait, run = max(up.widths[0], down.widths[0]) if rest is None else rest, get(engine)
    if wire is not None:
        _check_wire(device, wire)
    if keep is not None:
        _times(wait, keep)
    if devices < 1:
        raise ModelError(f"{device.definition.name}: devices", found=str(devices), expected="one at least")
    drawn = device.sample(devices, seed) if devices > 1 else [device]
    response = pulse_response(drawn, up, down, rest=wait, cycles=cycles, cycle_noise=cycle_noise, seed=seed, engine=run,
                              progress=progress)
    # Wires are those of equal devices: the window of this one, not the mean of what was drawn.
    window = (response.window if devices == 1 or wire is None else
              pulse_response(device, up, down, rest=wait, engine=run).window)
    reads: ReadNoise | None = None
    if isinstance(noise, tuple):
        reading = Reading(device.handling().v_read, min(up.widths[0], down.widths[0]) / 10)
        reads = read_noise(device, *noise, reading=reading, up=up, down=down, rest=wait, seed=seed, engine=run)
    elif noise is not None:
        reads = ReadNoise.relative(noise, response.window)
    return ArrayBehaviour(
        "-".join(filter(None, (device.definition.name, device.preset_name))), response, reads,
        None if keep is None else retention(device, _times(wait, keep), up=up, down=down, rest=wait, engine=run,
                                            progress=progress),
        None if wire is None else wire_error(device, wire, window, rows=size, cols=size, seed=seed, engine=run))
