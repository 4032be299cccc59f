"""Reading a conductance through the circuit, and runs made of phases that each go on from the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spicemem.circuit import GROUND, Circuit, Synapse
from spicemem.engines import Engine, Result
from spicemem.engines.result import Array
from spicemem.errors import CircuitError, InputError, SimulationError, nearest
from spicemem.protocols.conductance import conductance, evaluate
from spicemem.waveform import Waveform

#: Of the conductance; a reading that changes the state by more is refused, unless it allows for more.
DISTURB = 1e-4
_GRID = np.linspace(0.0, 1.0, 41)


@dataclass(frozen=True)
class Reading:
    """How a conductance is read: `voltage` (V) on the read port for `width` (s), current taken late in the pulse.

    bias: V on other ports meanwhile, such as the word line of a 1T1R cell. disturb: share of its state, and of the
    conductance, by which a reading may move a device; one that moves it by more is refused where it happens.
    """

    voltage: float = 0.1
    width: float = 1e-3
    bias: Mapping[str, float] = field(default_factory=dict)
    disturb: float = DISTURB

    def __post_init__(self) -> None:
        if not self.disturb > 0:
            raise InputError("reading: disturb", found=f"{self.disturb}", expected="a share above 0")
        if not self.voltage or not self.width > 0:
            raise InputError("reading", found=f"{self.voltage} V for {self.width} s",
                             expected="a voltage other than 0 and a time above 0")

    def pulse(self, start: float = 0.0) -> Waveform:
        """The pulse on the read port, edges a tenth of its width."""
        return Waveform.pulse(self.voltage, self.width, self.width / 10, start)

    def drives(self, synapse: Synapse, start: float = 0.0) -> dict[str, Waveform]:
        """The pulse on the read port, and on those under bias."""
        return {synapse.read: self.pulse(start), **{port: self.pulse(start) * (v / self.voltage)
                                                    for port, v in self.bias.items()}}

    def sample(self, result: Result, synapse: Synapse, start: float = 0.0) -> float:
        """Conductance (S) seen from the read port at 0.8 of the pulse that began at `start`."""
        at = start + 0.8 * self.width
        return float(-result.at(f"i(v_{synapse.read})", at) / result.at(f"v({synapse.read})", at))


def synapses_of(cell: Circuit) -> tuple[Synapse, ...]:
    """The synapses of a cell. Raises CircuitError for a circuit that declares none."""
    if not cell.synapses:
        raise CircuitError(f"circuit {cell.name}", found="no synapse", expected="a synapse cell",
                           remedy="Say where it is driven and read: Circuit(..., synapses=(Synapse(...),))")
    return cell.synapses


def phase(
    engine: Engine, cell: Circuit, drives: Mapping[str, Waveform], stop: float, max_step: float,
    initial: Mapping[str, float] | None, extra: tuple[str, ...] = (), keep: Path | None = None,
) -> Result:
    """One phase: ports driven, everything a reading needs saved; go on from it with its final_state()."""
    for port in drives:
        if port not in cell.ports:
            raise CircuitError(f"{cell.name}: port {port!r}", found="no such port", expected="one it has",
                               remedy=nearest(port, cell.ports))
    saves = [name for s in synapses_of(cell) for name in (f"i(v_{s.read})", f"v({s.read})")]
    return engine.run(cell.drive(**drives), stop, max_step=max_step, initial=initial, save=[*saves, *extra], keep=keep)


def read(
    engine: Engine, cell: Circuit, reading: Reading, initial: Mapping[str, float] | None = None, after: float = 0.0,
) -> tuple[dict[str, float], dict[str, float]]:
    """Read every synapse `after` seconds from now, all other ports at 0 V: (conductance by synapse, state then).

    Raises SimulationError when the reading itself moved a device by more than it may (`undisturbed`).
    """
    synapses = synapses_of(cell)
    stop = after + reading.width * 1.05
    drives = {port: wave for s in synapses for port, wave in reading.drives(s, after).items()}
    # Coarse while nothing happens: the pulse has break points of its own.
    max_step = max(after / 20, reading.width / 10)
    extra = tuple(name for s in synapses for name in watched(cell, s))
    result = phase(engine, cell, drives, stop, max_step, initial, extra)
    for s in synapses:
        undisturbed(cell, s, reading, result, [after])
    return {s.name: reading.sample(result, s, after) for s in synapses}, result.final_state()


def watched(cell: Circuit, synapse: Synapse) -> tuple[str, ...]:
    """The signals that tell what a reading does to a synapse's device: its states and the voltages it sees."""
    d = cell.devices()[synapse.device].definition
    nets = next(e.nets for e in cell.elements() if e.path == synapse.device)
    return (*(f"{synapse.device}.{name}" for name in d.states), *(f"v({synapse.device}.{name})" for name in d.nodes),
            *(f"v({net})" for net in dict.fromkeys(nets.values()) if net != GROUND))


def disturbance(cell: Circuit, synapse: Synapse, reading: Reading, result: Result,
                starts: Sequence[float]) -> dict[str, Array]:
    """By state that is kept at rest: the share by which each reading, begun at `starts` (s), moved the device.

    What a state does by itself meanwhile does not count: the integral is that of its rate at the voltages of the
    reading less its rate at those just before, by the device's own equations. The share is that of the conductance
    (read from the states), or that of the state (of its range, where it has one; a change below its resolution means
    nothing) if that is larger. result: has `watched`.
    """
    device = cell.devices()[synapse.device]
    d, path = device.definition, synapse.device
    nets = next(e.nets for e in cell.elements() if e.path == path)
    times = np.asarray(starts, dtype=np.float64)[:, None] + reading.width * _GRID
    zero = np.zeros(times.size)

    def signal(name: str) -> Array:
        return np.asarray(result.at(name, times.ravel()), dtype=np.float64)

    states = {name: signal(f"{path}.{name}") for name in d.states}
    values = {name: np.full(times.size, v) for name, v in device.values.items()} | states
    volts = {pin: zero if nets[pin] == GROUND else signal(f"v({nets[pin]})") for pin in d.pins}
    volts |= {node: signal(f"v({path}.{node})") for node in d.nodes}
    before = {name: np.repeat(v.reshape(times.shape)[:, 0], len(_GRID)) for name, v in volts.items()}
    shares = {}
    for name in states_of(cell, synapse):
        faster = evaluate(d.rates[name], {**values, **volts}) - evaluate(d.rates[name], {**values, **before})
        moved = np.trapezoid(faster.reshape(times.shape), times, axis=1)
        start = {key: v.reshape(times.shape)[:, 0] for key, v in states.items()}
        info = d.states[name]
        low, high = (float("nan") if e is None else device.number(e) for e in (info.low, info.high))
        least, size = device.resolution(name), np.abs(moved)
        share = np.where(size > least, size / np.fmax(np.fmax(np.abs(start[name]), high - low), least), 0.0)
        if device.behaviour is not None:
            both = {key: np.concatenate((v, v + moved if key == name else v)) for key, v in start.items()}
            g0, g1 = np.split(conductance(device, both), 2)
            share = np.maximum(share, np.abs(g1 - g0) / np.maximum(np.abs(g0), 1e-300))
        shares[name] = share
    return shares


def undisturbed(cell: Circuit, synapse: Synapse, reading: Reading, result: Result, starts: Sequence[float]) -> None:
    """Raises SimulationError where a reading of a run moved the device by more than `reading.disturb`."""
    for name, share in disturbance(cell, synapse, reading, result, starts).items():
        if share.max() > reading.disturb:
            k = int(share.argmax())
            which = f", number {k + 1} of {len(share)}" if len(share) > 1 else ""
            raise SimulationError(
                f"reading of {synapse.device}.{name}{which}", found=f"a change by {share[k]:.2g} of it",
                expected=f"at most {reading.disturb:g}",
                remedy="Read with less voltage or a shorter pulse, or allow for more: Reading(..., disturb=...)")


def states_of(cell: Circuit, synapse: Synapse) -> list[str]:
    """Names of the states of a synapse's device that are kept at rest."""
    device = cell.devices()[synapse.device]
    return [name for name, state in device.definition.states.items() if state.static == "hold"]
