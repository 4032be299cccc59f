"""Neurons and oscillators: run a circuit that fires, find its spikes, sweep what drives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from spicemem import __version__
from spicemem.circuit import GROUND, Capacitor, Circuit, CurrentSource, Resistor, capacitive_pairs
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, Result
from spicemem.errors import CircuitError
from spicemem.maps import Map
from spicemem.model import Model
from spicemem.protocols.conductance import conductance
from spicemem.protocols.pool import Progress, map_runs
from spicemem.spikes import Spikes, find_spikes
from spicemem.waveform import Waveform

#: Steps in the shortest time constant that a charge of the circuit can have. Measured on the NbO2 oscillator in
#: ngspice: with 100 the period is within 1e-4 of that with 400, with 50 0.25 % off, with 20 1.3 %.
STEPS = 100
#: What a state without an upper bound is set to, in resolutions, to find the largest conductance.
FAR = 1e6


@dataclass(frozen=True, eq=False)
class Firing:
    """A run of a circuit that fires and the spikes of one of its signals."""

    result: Result
    spikes: Spikes
    signal: str


def largest_conductance(device: Model) -> float:
    """The largest conductance (S) that the states of a device allow between where it is read and ground."""
    ends = {name: [device.number(bound) if bound is not None else at for bound, at in (
        (state.low, 0.0), (state.high, FAR * device.resolution(name)))] for name, state in
        device.definition.states.items()}
    corners = np.array(list(product(*ends.values()))).T
    found = conductance(device, dict(zip(ends, corners, strict=True)))
    return float(np.max(np.abs(found)))


def firing_step(circuit: Circuit, longest: float) -> float:
    """The maximum step (s) for a circuit of threshold devices, and at most `longest`.

    A hundredth of the shortest time constant that a charge which meets a device can have: its capacitance over the
    conductance of all that ends there, devices at the largest that their states allow. Nothing but the circuit and its
    devices decides. Switching itself, faster still, is followed by the simulators' own step control.
    """
    elements = circuit.elements()
    shortest = longest * STEPS
    for pair in capacitive_pairs(elements):
        ends = set(pair) - {GROUND}
        at = [e for e in elements if ends & set(e.nets.values())]
        devices = [e.part for e in at if isinstance(e.part, Model)]
        farad = sum(e.part.farad for e in at if isinstance(e.part, Capacitor) and set(e.nets.values()) == set(pair))
        siemens = sum(1 / e.part.ohm for e in at if isinstance(e.part, Resistor))
        siemens += sum(map(largest_conductance, devices))
        if devices and farad and siemens:
            shortest = min(shortest, farad / siemens)
    return shortest / STEPS


def injected(cell: Circuit, port: str, amps: Waveform | float, **drives: Waveform | float) -> Circuit:
    """A circuit to run: a current (A) flows into one port, other ports are driven by voltages (V), 0 if not named."""
    if port not in cell.ports or port in drives:
        raise CircuitError(f"{cell.name}: port {port!r}", found="no such port" if port not in cell.ports else
                           "a voltage as well", expected=f"one of {', '.join(cell.ports)}, driven once")
    others = cell.copy()
    others.ports = tuple(p for p in cell.ports if p != port)
    return others.drive(**drives).add(f"i_{port}", CurrentSource(amps), p=GROUND, n=port)


def fire(circuit: Circuit, stop: float, *, engine: Engine, signal: str, threshold: float, reset: float | None = None,
         base: float = 0.0, max_step: float | None = None, initial: Mapping[str, float] | None = None,
         extra: Sequence[str] = (), timeout: float = 600.0) -> Firing:
    """Run a circuit that can be run for `stop` s and find the spikes of a signal, such as "v(out)".

    threshold, reset, base: see `find_spikes`. max_step: s, default `firing_step` and at most a 500th of the run.
    extra: further signals to save. Raises what Engine.run and find_spikes raise.
    """
    result = engine.run(circuit, stop, max_step=max_step or firing_step(circuit, stop / 500), initial=initial,
                        save=[signal, *(name for name in extra if name != signal)], timeout=timeout)
    return Firing(result, find_spikes(result.time, result[signal], threshold, reset=reset, base=base), signal)


def f_i_curve(make: Callable[[float], Circuit], drives: Sequence[float], stop: float, *, engine: Engine, signal: str,
              threshold: float, reset: float | None = None, base: float = 0.0, settle: float = 0.0,
              drive: tuple[str, str] = ("input current", "A"), executor: Executor | None = None,
              progress: Progress | None = None, name: str = "f-i") -> Curve:
    """Firing rate against a constant drive: make(value) is the circuit to run, for `stop` s each.

    settle: s at the start that do not count. drive: label and unit of what is varied. Returns x drive, y rate (1/s; 0
    below two spikes), columns spikes (count) and jitter (of the intervals, nan below three).
    """
    work = partial(_rate, make, stop, engine, signal, threshold, reset, base, settle)
    found = np.array(map_runs(work, drives, engine, executor, progress, name))
    return Curve(np.asarray(drives, dtype=np.float64), found[:, 0], drive[0], drive[1], "firing rate", "Hz", name=name,
                 columns={"spikes": Column(found[:, 1], "1", "spikes counted"),
                          "jitter": Column(found[:, 2], "1", "standard deviation of the intervals over their mean")},
                 provenance={"protocol": f"constant drive for {stop:g} s, the first {settle:g} s not counted",
                             "circuit": make(float(drives[0])).name, "signal": signal, "threshold": f"{threshold:g}",
                             "engine": f"{engine.name} {engine.version()}", "spicemem": __version__})


def _rate(make: Callable[[float], Circuit], stop: float, engine: Engine, signal: str, threshold: float,
          reset: float | None, base: float, settle: float, value: float) -> tuple[float, float, float]:
    found = fire(make(float(value)), stop, engine=engine, signal=signal, threshold=threshold, reset=reset, base=base)
    counted = found.spikes.after(settle)
    return counted.rate, float(len(counted)), counted.jitter


def operating_map(work: Callable[[float, float], float], xs: Sequence[float], ys: Sequence[float], *, engine: Engine,
                  x: tuple[str, str], y: tuple[str, str], z: tuple[str, str], classes: Sequence[str] = (),
                  executor: Executor | None = None, progress: Progress | None = None, name: str = "map") -> Map:
    """work(x, y) over a grid, in parallel: where a circuit oscillates, how fast, what it does.

    x, y, z: label and unit. classes: what 0, 1, ... mean, where work gives a verdict.
    """
    found = map_runs(partial(_at, work), list(product(ys, xs)), engine, executor, progress, name)
    return Map(np.asarray(xs), np.asarray(ys), np.reshape(found, (len(ys), len(xs))), *x, *y, *z, name=name,
               classes=classes, provenance={"engine": f"{engine.name} {engine.version()}", "spicemem": __version__})


def _at(work: Callable[[float, float], float], point: tuple[float, float]) -> float:
    return work(point[1], point[0])
