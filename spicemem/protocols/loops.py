"""Loops of a cell: current against a voltage that is swept, resistance against the voltage of pulses that write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import Circuit
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.errors import InputError
from spicemem.protocols.conductance import conductance
from spicemem.protocols.ltp import write_port
from spicemem.protocols.pool import Progress
from spicemem.protocols.pulses import Event, apply, provenance, the_synapse
from spicemem.protocols.reading import Reading, phase
from spicemem.units import engineering
from spicemem.waveform import Waveform

#: Steps on the way to the largest peak of a sweep.
STEPS = 500


def iv_loop(cell: Circuit, peaks: Sequence[float], rate: float, *, port: str | None = None,
            bias: Mapping[str, float] | None = None, engine: str | Engine | None = None,
            initial: Mapping[str, float] | None = None, synapse: str | None = None, max_step: float | None = None,
            name: str = "iv-loop") -> Curve:
    """Current against voltage at a port that goes from 0 V straight to each of the peaks (V) in turn, then to 0 V.

    rate: V/s, everywhere. port: default the one that writes the synapse (`write_port`). bias: V at other ports all the
    while, such as the word line of a 1T1R cell; their sources are at it from the start. max_step: s, default a 500th
    of the way to the largest peak. Repeat the peaks for further cycles.
    Returns x voltage (V), y current into the port (A), in the order of time; columns time (s), conductance (S, of the
    device alone, read from its states at its reading voltage).
    Raises InputError for a bad request, SimulationError when the run fails.
    """
    levels = np.array([0.0, *peaks, 0.0])
    if not rate > 0 or not len(peaks) or not np.isfinite(levels).all() or not np.diff(levels).all():
        raise InputError(f"{name} of {cell.name}", found=f"peaks {list(peaks)} V at {rate:g} V/s",
                         expected="voltages that differ from one to the next, and a rate above 0")
    run, s = get(engine), the_synapse(cell, synapse)
    port, device = port or write_port(cell, synapse), cell.devices()[s.device]
    wave = Waveform(np.r_[0.0, np.cumsum(np.abs(np.diff(levels)))] / rate, levels)
    states = [f"{s.device}.{x}" for x in device.definition.states]
    result = phase(run, cell, {**{p: Waveform.constant(v) for p, v in (bias or {}).items()}, port: wave},
                   wave.duration, max_step or wave.peak / rate / STEPS, initial,
                   (f"v({port})", f"i(v_{port})", *states))
    g = conductance(device, {x.removeprefix(f"{s.device}."): result[x] for x in states})
    return Curve(result[f"v({port})"], -result[f"i(v_{port})"], "voltage", "V", "current", "A", name=name,
                 columns={"time": Column(result.time, "s"),
                          "conductance": Column(np.broadcast_to(g, result.time.shape), "S", "of the device alone")},
                 provenance={"protocol": f"0 V to {', '.join(f'{v:g}' for v in peaks)} V and back to 0 V",
                             "rate": f"{rate:g} V/s", "port": port, **provenance(cell, run, None, s)})


def resistance_voltage_loop(cell: Circuit, amplitudes: ArrayLike, width: float, *, rest: float,
                            port: str | None = None, bias: Mapping[str, float] | None = None,
                            edge: float | None = None, engine: str | Engine | None = None,
                            reading: Reading | None = None, initial: Mapping[str, float] | None = None,
                            synapse: str | None = None, max_step: float | None = None,
                            progress: Progress | None = None, name: str = "rv-loop") -> Curve:
    """Resistance against the amplitude of the writing pulse before it: write, rest, read, one after the other.

    amplitudes: V, in the order of the pulses. width: s; edge: s, default a hundredth of it. rest: s from a pulse to its
    reading. reading: a reading pulse through the circuit; None reads from the states. port, bias: as for `iv_loop`, the
    bias while a pulse lasts. Returns x amplitude (V), y resistance (Ohm); columns conductance (S), energy (J, that all
    ports delivered during the pulse).
    Raises InputError for a bad request, SimulationError when a run fails or a reading disturbs.
    """
    volts = np.asarray(amplitudes, dtype=float).ravel()
    run, port = get(engine), port or write_port(cell, synapse)
    record = apply(cell, [Event.pulse(port, float(v), width, rest, edge=edge, bias=bias) for v in volts], engine=run,
                   reading=reading, initial=initial, synapse=synapse, max_step=max_step, progress=progress, name=name)
    return Curve(volts, 1 / record.siemens, "write voltage", "V", "resistance", "Ohm", name=name,
                 columns={"conductance": Column(record.siemens, "S"),
                          "energy": Column(record.joules, "J", "delivered during the pulse")},
                 provenance={"protocol": "resistance after each writing pulse", "width": engineering(width, "s"),
                             "rest": engineering(rest, "s"), "port": port, **record.provenance})
