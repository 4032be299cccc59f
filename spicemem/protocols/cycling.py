"""Cumulative potentiation and depression: trains of spike pairs, up and down, for some cycles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spicemem import __version__
from spicemem.circuit import Circuit
from spicemem.curve import Column, Curve
from spicemem.engines import Engine
from spicemem.errors import InputError
from spicemem.protocols.pool import Progress
from spicemem.protocols.reading import Reading, phase, synapses_of, undisturbed, watched
from spicemem.protocols.stdp import pairing
from spicemem.units import engineering
from spicemem.waveform import Waveform


def cycling(
    cell: Circuit, *, pre: Waveform, post: Waveform, delay_up: float, delay_down: float, pairs: int, cycles: int,
    engine: str | Engine | None = None, initial: Mapping[str, float] | None = None, reading: Reading | None = None,
    max_step: float | None = None, progress: Progress | None = None, name: str = "cycling",
) -> Curve:
    """Conductance after every pair of `cycles` times `pairs` pairs at delay_up, then `pairs` at delay_down (s).

    Every pair is followed by a reading pulse through the circuit, in the same transient. Returns x pair number
    (1 is the first pair), y G (S), column cycle (from 1). Source: Huang et al. 2025, Sec. 2.5 and Fig. 6.
    """
    if pairs < 1 or cycles < 1:
        raise InputError("cycling", found=f"{pairs} pairs, {cycles} cycles", expected="at least one of each")
    p = pairing(cell, pre=pre, post=post, engine=engine, reading=reading, max_step=max_step)
    if len(cell.synapses) != 1:
        raise InputError(f"cycling of {cell.name}", found=f"{len(cell.synapses)} synapses", expected="one")
    synapse = synapses_of(cell)[0]
    state = initial
    conductances: list[float] = []
    for half in range(2 * cycles):
        delay = delay_down if half % 2 else delay_up
        waves, _, end = p.waves(delay)
        period = end + 1.2 * p.reading.width
        drives = {port: wave.repeat(pairs, period) for port, wave in waves.items()}
        pulses = p.reading.pulse(end).repeat(pairs, period)
        # A two-terminal device is read where it is driven.
        drives[synapse.read] = drives[synapse.read] + pulses if synapse.read in drives else pulses
        result = phase(p.engine, cell, drives, pairs * period, p.max_step, state, watched(cell, synapse))
        undisturbed(cell, synapse, p.reading, result, [end + k * period for k in range(pairs)])
        state = result.final_state()
        conductances += [p.reading.sample(result, synapse, end + k * period) for k in range(pairs)]
        if progress:
            progress(half + 1, 2 * cycles, name)
    number = np.arange(1.0, len(conductances) + 1)
    device = cell.devices()[synapse.device]
    return Curve(
        number, np.asarray(conductances), "pair number", "1", "conductance", "S", name=name,
        columns={"cycle": Column(np.floor((number - 1) / (2 * pairs)) + 1.0, "1", "cycle")},
        provenance={"protocol": f"{cycles} cycles of {pairs} pairs at {engineering(delay_up, 's')} and {pairs} at "
                                f"{engineering(delay_down, 's')}, read after every pair",
                    "circuit": cell.name, "device": device.definition.name, "preset": device.preset_name or "none",
                    "engine": f"{p.engine.name} {p.engine.version()}", "spicemem": __version__},
    )
