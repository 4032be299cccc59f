"""Neurons whose memory keeps the sum of pulses: phase-change and PCMO; a controller sees the fire and resets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from spicemem.circuit import Circuit
from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve, Published
from spicemem.devices.pcm import PCM
from spicemem.devices.pcmo import PCMO
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, Record, apply
from spicemem.spikes import Array

US, NS, UA = 1e-6, 1e-9, 1e-6
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
REVIEW = "Memory device physics"


# --- a neuron and its controller ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cycle:
    """The responses to the pulses of one cycle, the last of which fired unless the limit was met, and a reset."""

    responses: Array
    fired: bool
    siemens: float


def accumulate(cell: Circuit, pulse: Event, reset: Event, respond: Callable[[Record], float], level: float, cycles: int,
               *, engine: Engine, max_step: float | None = None, limit: int = 30) -> list[Cycle]:
    """Pulse by pulse until the response exceeds `level` or `limit` pulses are over, then a reset; so many cycles.

    The controller is this function: each pulse is a run that goes on from the last one. respond: the response, from
    what a pulse did. max_step: as in `apply`. Cycle.siemens: conductance (S, from the states) after the reset.
    """
    state: Mapping[str, float] | None = None
    found = []
    for _ in range(cycles):
        responses: list[float] = []
        while len(responses) < limit and not (responses and responses[-1] > level):
            record = apply(cell, [pulse], engine=engine, initial=state, max_step=max_step)
            responses.append(respond(record))
            state = record.final
        record = apply(cell, [reset], engine=engine, initial=state, max_step=max_step)
        state = record.final
        found.append(Cycle(np.array(responses), responses[-1] > level, float(record.siemens[0])))
    return found


def _responses(cycles: Sequence[Cycle], name: str, label: str, unit: str, provenance: Mapping[str, str],
               published: tuple[Published, ...] = ()) -> Curve:
    """All responses one after the other, with the cycle each belongs to."""
    y = np.concatenate([c.responses for c in cycles])
    which = np.repeat(np.arange(1.0, len(cycles) + 1), [len(c.responses) for c in cycles])
    return Curve(np.arange(1.0, len(y) + 1), y, "pulse", "1", label, unit, name=name,
                 columns={"cycle": Column(which, "1")}, provenance=provenance, published=published)


def _provenance(context: Context, cell: Circuit, **more: str) -> dict[str, str]:
    return {"circuit": cell.name, **more, "engine": f"{context.engine.name} {context.engine.version()}"}


# --- pcm-neuron -----------------------------------------------------------------------------------------------------

#: Pulses of the model: crystallises a step, melts. Rests are long against the 3 ns in which it cools.
SET = Event.pulse("pre", 1.2, 50 * NS, 1 * US, edge=2 * NS)
MELT = Event.pulse("pre", 2.0, 30 * NS, 1 * US, edge=2 * NS)
#: It fires above this, S. Chosen: about a dozen pulses.
FIRES = 3.3e-6


def _pcm_neuron(context: Context) -> None:
    outcome = context.outcome
    cell = one_device(PCM.preset("gst_reset"))
    cycles = accumulate(cell, SET, MELT, lambda record: float(record.siemens[0]), FIRES, 2 if context.quick else 4,
                        engine=context.engine)
    counts = [len(c.responses) for c in cycles]
    rises = all((np.diff(c.responses) > 0).all() for c in cycles)
    falls = all(c.siemens < c.responses[0] for c in cycles)
    once = all(c.fired and (c.responses > FIRES).sum() == 1 for c in cycles)
    outcome.score("pcm-accumulate", f"rises with {'every' if rises else 'not every'} pulse; fires on pulse "
                  f"{', '.join(map(str, counts))} of its cycles; after the resets at most "
                  f"{max(c.siemens for c in cycles) * 1e6:.3f} uS",
                  rises and falls and once and max(counts) - min(counts) <= 1)
    curve = _responses(cycles, "accumulation", "conductance", "S", _provenance(
        context, cell, device="PCM gst_reset", pulse="1.2 V, 50 ns", reset="2 V, 30 ns", fire=f"{FIRES:g} S"))
    outcome.keep(curve)
    outcome.remarks.append("the controller that compares and resets is not a circuit: it acts between runs; "
                           "conductances are those of the states 1 us after each pulse")
    outcome.figures["accumulation"] = _accumulation(curve, FIRES, "fires above")


def _accumulation(curve: Curve, level: float, text: str) -> Figure:
    """The responses, a line for each cycle, and the level of the fire."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    ax = figure.add_subplot()
    which = curve.columns["cycle"].values
    for k in np.unique(which):
        part = which == k
        Curve(curve.x[part], curve.y[part], curve.x_label, curve.x_unit, curve.y_label, curve.y_unit,
              published=curve.published if k == which[0] else ()).plot(ax, marker="o", ms=4, color=BLUE)
    scale = ax.get_lines()[0].get_ydata()[0] / curve.y[0]  # type: ignore[index]
    ax.axhline(level * scale, color=ORANGE, lw=1, ls="--")
    ax.annotate(text, (0.01, level * scale), xycoords=("axes fraction", "data"), va="bottom", color=ORANGE,
                fontsize=8.5, xytext=(0, 2), textcoords="offset points")
    for k in np.flatnonzero(np.diff(which)):
        ax.axvline(curve.x[k] + 0.5, color=GREY, lw=0.8, ls=":")
        ax.annotate("reset", (curve.x[k] + 0.5, 0.94), xycoords=("data", "axes fraction"), color=GREY, fontsize=8.5,
                    xytext=(3, 0), textcoords="offset points")
    return figure


# --- pcmo-neuron ----------------------------------------------------------------------------------------------------

#: Fires when the current at the end of a pulse exceeds this, A (row pcmo-pulses-to-fire).
COMPARATOR = 200 * UA
#: Edges are outside of the 1 us.
RISE = 1 * NS
PULSE = Event.pulse("pre", 1.8, 1 * US + 2 * RISE, 1 * US, edge=RISE)
#: Chosen; the review prints none.
RESET = Event.pulse("pre", -2.0, 10 * US, 1 * US, edge=RISE)
LONG = 20 * US
#: Longest step, s. Firing takes some 100 ns; with 5 ns the current of the pulse that fires is up to 4 % off.
FINE = 2 * NS


def end_current(record: Record) -> float:
    """Current (A) into the neuron at the end of the flat part of its only pulse."""
    start, result = record.runs[0]
    return -float(result.at("i(v_pre)", record.begins[0] - start + RISE + 1 * US))


def _held(engine: Engine, volts: float) -> tuple[Array, Array]:
    """Time since its start (s) and current (A) of a long pulse."""
    pulse = Event.pulse("pre", volts, LONG, 1 * US, edge=RISE)
    record = apply(one_device(PCMO.preset("w_pcmo_ti")), [pulse], engine=engine, max_step=FINE)
    time, amps = record.series("i(v_pre)")
    inside = time < record.begins[0] + LONG - RISE
    return time[inside] - record.begins[0], -amps[inside]


def time_to_fire(time: Array, amps: Array) -> float:
    """When the current first exceeds COMPARATOR, by interpolation; nan if it does not."""
    above = np.flatnonzero(amps > COMPARATOR)
    if not len(above) or above[0] == 0:
        return float("nan")
    k = slice(above[0] - 1, above[0] + 1)
    return float(np.interp(COMPARATOR, amps[k], time[k]))


def _pcmo_neuron(context: Context) -> None:
    outcome = context.outcome
    cell = one_device(PCMO.preset("w_pcmo_ti"))
    cycles = accumulate(cell, PULSE, RESET, end_current, COMPARATOR, 2 if context.quick else 3, engine=context.engine,
                        max_step=FINE)
    first = cycles[0].responses
    gradual = cycles[0].fired and bool((np.diff(first) > 0).all())
    outcome.score("pcmo-pulses-to-fire", float(len(first)) if gradual else float("nan"))
    volts = np.array((1.6, 1.8, 2.0) if context.quick else (1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2))
    found = map_runs(partial(_held, context.engine), [float(v) for v in volts], context.engine, context.executor,
                     context.progress, "amplitudes")
    times = np.array([time_to_fire(*f) for f in found])
    back = max(abs(c.responses[0] / first[0] - 1) for c in cycles[1:])
    fired = all(c.fired for c in cycles)
    outcome.score("pcmo-time-to-fire", "; ".join((
        ", ".join(f"{t / US:.3f} us at {v:g} V" for v, t in zip(volts, times, strict=True)),
        f"after a reset pulse the first response is {back * 100:.2f} % off the first one, fires on pulse "
        f"{', '.join(str(len(c.responses)) for c in cycles)}")),
        bool((np.diff(times) < 0).all()) and back <= 0.05 and fired)
    about = _provenance(context, cell, device="PCMO w_pcmo_ti")
    curve = Curve(volts, times, "pulse amplitude", "V", "time to fire", "s", name="time-to-fire", provenance={
        **about, "protocol": f"one pulse of {LONG:g} s, until {COMPARATOR:g} A"})
    accumulation = _responses(cycles, "accumulation", "end current", "A", {
        **about, "pulse": "1.8 V, 1 us", "reset": "-2 V, 10 us", "fire": f"{COMPARATOR:g} A"},
        (Published("pulse that fires", f"{REVIEW}, Fig. 7c", low=5, high=5, axis="x"),))
    outcome.keep(curve, accumulation)
    outcome.remarks.append("the comparator is no circuit: it acts between runs; -2 V for 10 us resets, the review "
                           "prints no value")
    outcome.figures["accumulation"] = _accumulation(accumulation, COMPARATOR, "comparator")
    outcome.figures["time-to-fire"] = _fire_figure(volts, found, curve)


def _fire_figure(volts: Array, found: Sequence[tuple[Array, Array]], curve: Curve) -> Figure:
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    shades = colormaps["viridis"](np.linspace(0.9, 0.0, len(volts)))
    for v, (time, amps), shade in zip(volts[::-1], found[::-1], shades[::-1], strict=True):
        left.plot(time / US, amps / UA, lw=1.2, color=shade, label=f"{v:g} V")
    left.axhline(COMPARATOR / UA, color=GREY, lw=1, ls="--")
    left.set_xlabel("Time (µs)")
    left.set_ylabel("Current (µA)")
    left.set_xlim(0, LONG / US)
    left.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    left.set_title("Pulses of different amplitude", fontsize=11)
    curve.plot(right, yscale="log", marker="o")
    right.set_title(f"Time until {COMPARATOR / UA:g} µA", fontsize=11)
    return figure


EXPERIMENTS = (
    Experiment("pcm-neuron", "Accumulation, fire and reset of a phase-change neuron (Sec. 4.1)",
               "Tuma et al., Nat. Nanotechnol. 11, 693 (2016); Sec. 4.1 of the review Memory device physics",
               _pcm_neuron),
    Experiment("pcmo-neuron", "Integrate-and-fire neuron of PCMO (Fig. 7)",
               "Lashkare et al., IEEE Electron Device Lett. 39, 484 (2018); Fig. 7 of the review Memory device physics",
               _pcmo_neuron),
)
