"""Stress: any device under random drive, and what must hold whatever drives it."""

from __future__ import annotations

import numpy as np

from spicemem.engines import Engine
from spicemem.engines.base import beyond
from spicemem.model import Behaviour, Model
from spicemem.protocols.characterise import Array, Trace, trace
from spicemem.protocols.conductance import evaluate, inward
from spicemem.spread import generator
from spicemem.waveform import Waveform

#: The largest amplitude of a random drive, in thresholds of the device; its points; its steps at least.
OVERDRIVE, POINTS, STEPS = 5.0, 12, 500


def random_drive(behaviour: Behaviour, seed: int, *, one_sign: bool = False) -> Waveform:
    """A piecewise-linear drive: amplitude up to five thresholds, its time scale drawn from those that fit the device.

    one_sign: no negative values, for light. Every fourth point or so is 0. The same for the same seed, everywhere.
    """
    source = generator(seed, "drive")
    low, high = np.log(behaviour.times)
    longest = float(np.exp(source.uniform(low, high)))
    gaps = longest * 10.0 ** source.uniform(-1.5, 0.0, POINTS)
    values = OVERDRIVE * behaviour.threshold * source.uniform(0.0 if one_sign else -1.0, 1.0, POINTS)
    values[source.uniform(size=POINTS) < 0.25] = 0.0
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    return Waveform(times, np.concatenate([[0.0], values]))


def stress(device: Model, seed: int, engine: Engine, *, timeout: float = 60.0, steps: int = STEPS) -> Trace:
    """Run a device under the random drive of a seed, in at least `steps` steps.

    Raises SimulationError where the engine does not get through.
    """
    b = device.handling()
    wave = random_drive(b, seed, one_sign=b.write in device.definition.inputs)
    return trace(device, wave, wave.duration, engine=engine, max_step=wave.duration / steps, timeout=timeout)


def violations(device: Model, run: Trace) -> list[str]:
    """What of a run must not be: states out of their bounds, values that are not finite."""
    found = []
    for name, values in {"current": run.amps, "conductance": run.siemens, **run.states}.items():
        if not np.isfinite(values).all():
            found.append(f"{name} is not finite")
    return found + beyond(device, run.states)


def power(device: Model, seed: int, count: int = 2000) -> tuple[Array, Array]:
    """Power (W) taken in and current (A) at the written or read pin for random voltages and states of a device.

    Terminals within five thresholds of ground, states within their bounds, inputs at 0 or the device's bias, internal
    nodes left out: a device that has some gives empty arrays. A passive device has no negative power.
    """
    b, d = device.handling(), device.definition
    if d.nodes:
        return np.zeros(0), np.zeros(0)
    source = generator(seed, "power")
    values: dict[str, Array] = {name: np.zeros(count) for name in d.inputs}
    values |= {name: np.full(count, v) for name, v in device.values.items()}
    reach = OVERDRIVE * (b.threshold if b.write in d.terminals else b.v_read)
    for name in d.terminals:
        values[name] = reach * source.uniform(-1, 1, count) * 10.0 ** source.uniform(-6, 0, count)
    values[b.common] = np.zeros(count)
    for name, info in d.states.items():
        start = device.initial(name)
        low, high = (start if e is None else device.number(e) for e in (info.low, info.high))
        values[name] = source.uniform(min(low, start), max(high, start), count)
    currents = {name: evaluate(inward(device, name), values) for name in d.terminals}
    total = sum((currents[name] * values[name] for name in d.terminals), np.zeros(count))
    return total, currents[b.read]


def current_at_rest(device: Model) -> float:
    """The largest current (A) into any pin with all pins at 0 V and the states where they start."""
    d = device.definition
    values = {name: np.zeros(1) for name in (*d.pins, *d.nodes)}
    values |= {name: np.full(1, v) for name, v in device.values.items()}
    values |= {name: np.full(1, device.initial(name)) for name in d.states}
    return max(float(np.abs(evaluate(inward(device, name), values)).max()) for name in d.terminals)
