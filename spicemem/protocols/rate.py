"""Conductance change against pulse amplitude and width, one pulse from the same start each."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from spicemem import __version__
from spicemem.circuit import GROUND, Circuit, Synapse
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.errors import CircuitError, InputError
from spicemem.model import Model
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.reading import Reading, phase, read
from spicemem.units import engineering
from spicemem.waveform import Waveform

_STEPS = 200


def gate_cell(device: Model) -> Circuit:
    """A three-terminal device with a pulse generator straight at its gate."""
    if set(device.definition.terminals) != {"gate", "drain", "source"}:
        raise CircuitError(f"device {device.definition.name}", found=", ".join(device.definition.terminals),
                           expected="terminals gate, drain and source")
    cell = Circuit("gate_pulse", ("gate", "drain"), "Pulses straight at the gate",
                   (Synapse("syn", "gate", "gate", "drain", "syn"),))
    return cell.add("syn", device, gate="gate", drain="drain", source=GROUND)


def rate(
    device: Model, amplitudes: ArrayLike, widths: ArrayLike, *, engine: str | Engine | None = None,
    reading: Reading | None = None, executor: Executor | None = None, progress: Progress | None = None,
    name: str = "rate",
) -> dict[float, Curve]:
    """Change of conductance by one gate pulse, for every amplitude (V) and width (s).

    Returns Curve by amplitude: x width (s), y dG (S), each pulse from the device's initial state, read through the
    drain before and right after it. Edges are a thousandth of the width, inside it. Source: Huang et al. 2025, Fig. 2.
    """
    volts, times = np.asarray(amplitudes, float).ravel(), np.asarray(widths, float).ravel()
    for what, values in (("amplitudes", volts), ("widths", times)):
        if not len(values) or not np.isfinite(values).all() or (what == "widths" and (values <= 0).any()):
            raise InputError(what, found=repr(values.tolist()), expected="finite numbers, widths above 0 s")
    run, reading, cell = get(engine), reading or Reading(), gate_cell(device)
    before, state = read(run, cell, reading)
    work = partial(_pulse, run, cell, reading, state)
    after = map_runs(work, product(volts, times), run, executor, progress, name)
    table = np.asarray(after).reshape(len(volts), len(times))
    curves = {}
    for v, row in zip(volts, table, strict=True):
        curves[float(v)] = Curve(
            times, row - before["syn"], "pulse width", "s", "dG", "S", name=f"{name}-{v:g}V",
            columns={"g_before": Column(np.full(len(times), before["syn"]), "S", "conductance before the pulse")},
            provenance={"protocol": f"one gate pulse of {v:g} V, dG read right after it", "amplitude": f"{v:g} V",
                        "device": device.definition.name, "preset": device.preset_name or "none",
                        "read": engineering(reading.voltage, "V"), "engine": f"{run.name} {run.version()}",
                        "spicemem": __version__},
        )
    return curves


def _pulse(
    engine: Engine, cell: Circuit, reading: Reading, state: Mapping[str, float], pulse: tuple[float, float]
) -> float:
    volts, width = map(float, pulse)
    edge = width / 1000
    wave = Waveform.pulse(volts, width, edge, start=0.01 * width)
    result = phase(engine, cell, {"gate": wave}, 1.02 * width, width / _STEPS, state)
    return read(engine, cell, reading, result.final_state())[0]["syn"]


def slope(curve: Curve) -> float:
    """Rate of change (S/s) of an amplitude: dG at 1 s on the log-log line through the curve, as in Fig. 2c.

    Negative for depression. Raises CurveError when dG changes sign.
    """
    sign = np.sign(curve.y[-1])
    line = Curve(curve.x, curve.y * sign, curve.x_label, curve.x_unit, curve.y_label, curve.y_unit).fit("log-log-line")
    return float(sign * line(np.array([1.0]))[0])
