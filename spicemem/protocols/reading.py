"""Reading a conductance through the circuit, and runs made of phases that each go on from the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spicemem.circuit import Circuit, Synapse
from spicemem.engines import Engine, Result
from spicemem.errors import CircuitError, InputError, SimulationError, nearest
from spicemem.waveform import Waveform

#: Of the conductance; a reading that changes the state by more is refused.
DISTURB = 1e-4


@dataclass(frozen=True)
class Reading:
    """How a conductance is read: `voltage` (V) on the read port for `width` (s), current taken late in the pulse.

    bias: V on other ports meanwhile, such as the word line of a 1T1R cell.
    """

    voltage: float = 0.1
    width: float = 1e-3
    bias: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
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

    Raises SimulationError when the reading itself moved a device by more than DISTURB of its conductance.
    """
    synapses = synapses_of(cell)
    stop = after + reading.width * 1.05
    drives = {port: wave for s in synapses for port, wave in reading.drives(s, after).items()}
    # Coarse while nothing happens: the pulse has break points of its own.
    max_step = max(after / 20, reading.width / 10)
    extra = tuple(f"{s.device}.{name}" for s in synapses for name in states_of(cell, s))
    result = phase(engine, cell, drives, stop, max_step, initial, extra)
    for name in extra:
        before, moved = result.at(name, after), result[name][-1]
        if abs(moved - before) > DISTURB * abs(before):
            raise SimulationError(f"reading of {name}", found=f"a change from {before:g} to {moved:g}",
                                  expected=f"at most {DISTURB:g} of it",
                                  remedy="Read with less voltage or a shorter pulse")
    return {s.name: reading.sample(result, s, after) for s in synapses}, result.final_state()


def states_of(cell: Circuit, synapse: Synapse) -> list[str]:
    """Names of the states of a synapse's device that are kept at rest."""
    device = cell.devices()[synapse.device]
    return [name for name, state in device.definition.states.items() if state.static == "hold"]
