"""Neurons of diffusive Ag memristors: integrate and fire, oscillator, converter of values to rates, nociceptor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from spicemem.circuit import Circuit
from spicemem.circuits.neurons import if_neuron, relaxation_oscillator
from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve
from spicemem.devices.diffusive import Diffusive
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Param
from spicemem.protocols.firing import Firing, fire
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, Record, apply
from spicemem.spikes import Array
from spicemem.spread import generator, redrawn
from spicemem.units import engineering
from spicemem.waveform import Waveform

US, MS, KOHM, NF, UA = 1e-6, 1e-3, 1e3, 1e-9, 1e-6
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
REVIEW = "Memory device physics"


def _spike_times(context: Context, found: Firing, about: Mapping[str, str]) -> None:
    spikes = found.spikes
    if len(spikes):
        context.outcome.keep(Curve(np.arange(1.0, len(spikes) + 1), spikes.times, "spike number", "1", "time", "s",
                                   name="spikes", provenance={**about, "signal": found.signal}))


# --- if-neuron ------------------------------------------------------------------------------------------------------

#: Input pulses, s. Chosen: the review prints none.
PERIOD, WIDTH, EDGE = 20 * US, 10 * US, 0.1 * US
R_SENSE = 1 * KOHM
#: A spike rises above this and falls below half of it, V at the sense resistor: 5 uA.
SPIKE = 5 * UA * R_SENSE
#: Before the fire: until this long (s) before the spike rises above it, a tenth of a pulse.
AHEAD = 1 * US
#: The neuron is at rest this long (s) after a train: six times r*c.
REST = 600 * US
#: At rest the capacitor, the current and the filament are below this share of their largest.
AT_REST = 0.01
#: V of the trains whose first fire is drawn, and of the train that is repeated.
DRIVEN = 1.2

_run = partial(fire, signal="v(axon)", threshold=SPIKE, extra=["v(inside)", "v(inp)", "dut.x"])


def _pulses(volts: float, count: int) -> Waveform:
    return Waveform.pulse(volts, WIDTH, EDGE).repeat(count, PERIOD)


def _amplitude(engine: Engine, count: int, volts: float) -> Firing:
    return _run(if_neuron(r_sense=R_SENSE).drive(inp=_pulses(volts, count)), count * PERIOD, engine=engine)


def _trial(engine: Engine, count: int, seed: int) -> Firing:
    """A train while the threshold is drawn anew for every pulse."""
    stop = count * PERIOD
    jitter = redrawn(Diffusive.spread["v_th"], PERIOD, stop, seed)
    return _run(if_neuron(r_sense=R_SENSE, jitter=jitter).drive(inp=_pulses(DRIVEN, count)), stop, engine=engine)


def _twice(engine: Engine, count: int) -> Firing:
    """A train, REST, the same train."""
    train, start = _pulses(DRIVEN, count), count * PERIOD + REST
    return _run(if_neuron(r_sense=R_SENSE).drive(inp=train + train.shift(start)), start + count * PERIOD, engine=engine)


def pulse_that_fires(firing: Firing) -> float:
    """Which pulse of the train fires, from 1; nan if none does."""
    return float(firing.spikes.times[0] // PERIOD + 1) if len(firing.spikes) else float("nan")


def leakage(firing: Firing) -> float:
    """Largest current until AHEAD of the first spike, over the peak of that spike."""
    quiet = firing.result.time <= firing.spikes.times[0] - AHEAD
    return float(np.abs(firing.result["v(axon)"][quiet]).max(initial=0.0) / firing.spikes.peaks[0])


def _if_neuron(context: Context) -> None:
    outcome, engine, quick = context.outcome, context.engine, context.quick
    volts = (0.9, 1.0, 1.2) if quick else (0.8, 0.9, 0.95, 1.0, 1.1, 1.2, 1.4, 1.6)
    count = 15 if quick else 20
    found = map_runs(partial(_amplitude, engine, count), volts, engine, context.executor, context.progress,
                     "amplitudes")
    context.warn("trains", (f.result for f in found))
    fires = np.array([pulse_that_fires(f) for f in found])
    fired = np.isfinite(fires)
    first = int(np.argmax(fired)) if fired.any() else len(fires)
    ordered = bool(0 < first < len(fires) - 1 and fired[first:].all() and (np.diff(fires[first:]) < 0).all())
    worst = max((leakage(f) for f, on in zip(found, fired, strict=True) if on), default=float("nan"))
    clauses = [
        (worst < 0.01, f"current before the fire {worst:.1g} of the peak"),
        (ordered, f"pulses to fire from {volts[0]:g} to {volts[-1]:g} V: " + ", ".join(
            f"{n:.0f}" if np.isfinite(n) else "none" for n in fires)),
        _repeats(context),
    ]
    outcome.score("if-integrate-fire", "; ".join(text for _, text in clauses), all(good for good, _ in clauses))
    about = context.about(if_neuron(), device="Diffusive ag_sioxny_neuron",
                   protocol=f"{count} pulses of {WIDTH:g} s every {PERIOD:g} s")
    peaks = np.array([f.spikes.peaks[0] if len(f.spikes) else f.result["v(axon)"].max() for f in found]) / R_SENSE
    curve = Curve(np.array(volts), fires, "pulse amplitude", "V", "pulse that fires", "1", name="pulses-to-fire",
                  columns={"peak": Column(peaks, "A", "largest current"),
                           "spikes": Column(np.array([len(f.spikes) for f in found], float), "1")}, provenance=about)
    outcome.keep(curve)
    drawn = _distribution(context, about)
    outcome.figures["trains"] = _train_figure([(volts[k], found[k]) for k in sorted({0, first, len(volts) - 2})
                                               if k < len(volts)])
    outcome.figures["pulses-to-fire"] = _count_figure(curve, drawn)


def _repeats(context: Context) -> tuple[bool, str]:
    """Is the neuron at rest REST after a train, and does the same train then do the same?"""
    count = 10
    found = _twice(context.engine, count)
    context.warn("second train", [found.result])
    start, end = count * PERIOD + REST, count * PERIOD
    one, two = found.spikes.after(0.0, start).times, found.spikes.after(start).times - start
    same = len(one) == len(two) > 0 and float(np.abs(two / one - 1).max()) < 5e-3
    r = found.result
    left = {name: float(r.at(name, start) / r[name].max()) for name in ("v(inside)", "v(axon)", "dut.x")}
    above = r.time[(r.time > end) & (r.time < start) & (r["v(inside)"] > AT_REST * r["v(inside)"].max())]
    rests = max(map(abs, left.values())) < AT_REST and bool(len(above))
    context.outcome.figures["second-train"] = _twice_figure(found, end, start)
    back = f"{(above[-1] - end) / US:.0f} us" if rests else "never"
    return bool(same and rests), (
        f"at rest {back} after the train, within {REST / US:g} us; the second train fires at "
        f"{', '.join(f'{t / US:.2f}' for t in two)} us, the first at {', '.join(f'{t / US:.2f}' for t in one)} us")


def _distribution(context: Context, about: Mapping[str, str]) -> Curve:
    """How often each pulse is the one that fires when the threshold is drawn anew for each."""
    trials, count = (6 if context.quick else int(context.values["trials"])), 12
    seed = int(context.values["seed"])
    seeds = [int(s) for s in generator(seed, "trials").integers(0, 2**31, trials)]
    found = map_runs(partial(_trial, context.engine, count), seeds, context.engine, context.executor, context.progress,
                     "trials")
    context.warn("trials", (f.result for f in found))
    fires = np.array([pulse_that_fires(f) for f in found])
    on = fires[np.isfinite(fires)]
    sigma = Diffusive.spread["v_th"].size
    context.outcome.remarks.append(
        f"with a threshold redrawn for every pulse (sigma {engineering(sigma, 'V')}) {len(on)} of {trials} trains of "
        f"{DRIVEN:g} V fire, at pulse {np.mean(on):.2f} on the average, standard deviation {np.std(on, ddof=1):.2f}"
        if len(on) > 1 else f"{len(on)} of {trials} trains with a redrawn threshold fire")
    numbers = np.arange(1.0, count + 1)
    curve = Curve(numbers, np.array([(on == n).sum() for n in numbers], float), "pulse that fires", "1", "trains", "1",
                  name="distribution", provenance={**about, "seed": str(seed), "trials": str(trials), "jitter":
                                                   f"normal, {sigma:g} V, redrawn every {PERIOD:g} s"})
    first = np.array([f.spikes.times[0] if len(f.spikes) else np.nan for f in found])
    context.outcome.keep(curve, Curve(np.arange(1.0, trials + 1), first, "train", "1", "time of the first spike", "s",
                                      name="first-spikes", provenance=curve.provenance))
    return curve


def _train_figure(items: Sequence[tuple[float, Firing]]) -> Figure:
    """Input, capacitor and output current against time: a column for each amplitude."""
    figure = Figure(figsize=(3.6 * len(items), 4.8), layout="constrained")
    panels = figure.subplots(3, len(items), sharex="col", sharey="row", squeeze=False, height_ratios=(1, 1.3, 1.3))
    for k, (volts, f) in enumerate(items):
        time = f.result.time / US
        for row, (name, factor, colour) in enumerate((("v(inp)", 1.0, GREY), ("v(inside)", 1.0, ORANGE),
                                                      ("v(axon)", 1 / R_SENSE / UA, BLUE))):
            panels[row, k].plot(time, f.result[name] * factor, color=colour, lw=1)
        panels[0, k].set_title(f"pulses of {volts:g} V", fontsize=10)
        panels[2, k].set_xlabel("Time (µs)")
        panels[2, k].set_xlim(0, time[-1])
    for row, label in enumerate(("Input (V)", "Capacitor (V)", "Output (µA)")):
        panels[row, 0].set_ylabel(label)
    figure.align_ylabels()
    return figure


def _twice_figure(f: Firing, end: float, start: float) -> Figure:
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True)
    time = f.result.time / US
    top.plot(time, f.result["v(inside)"], color=ORANGE, lw=1)
    top.set_ylabel("Capacitor (V)")
    low.plot(time, f.result["v(axon)"] / R_SENSE / UA, color=BLUE, lw=1)
    low.set_ylabel("Output (µA)")
    low.set_xlabel("Time (µs)")
    low.set_xlim(0, time[-1])
    for ax in (top, low):
        ax.axvspan(end / US, start / US, color="#EEEEEE", lw=0)
    top.annotate(f"rest, {REST / US:g} µs", (0.5 * (start + end) / US, 0.9), xycoords=("data", "axes fraction"),
                 ha="center", va="top", fontsize=9)
    return figure


def _count_figure(curve: Curve, drawn: Curve) -> Figure:
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve.plot(left, marker="o", ls="--", lw=0.8, color=BLUE)
    below = curve.x[np.isnan(curve.y)]
    if len(below):
        left.set_xlim(below[0] - 0.05, curve.x[-1] + 0.05)
        left.axvspan(below[0] - 0.05, below[-1], color="#EEEEEE", lw=0)
        left.annotate("no fire", (0.5 * (below[0] + below[-1]), 0.95), xycoords=("data", "axes fraction"), ha="center",
                      va="top", fontsize=9)
    left.set_title("No spread", fontsize=10)
    right.bar(drawn.x, drawn.y, color=BLUE, width=0.8)
    used = drawn.x[drawn.y > 0]
    if len(used):
        right.set_xticks(np.arange(used[0] - 1, used[-1] + 2))
        right.set_xlim(used[0] - 1.5, used[-1] + 1.5)
    right.spines[["top", "right"]].set_visible(False)
    right.set_xlabel("Pulse that fires")
    right.set_ylabel(f"Trains of {drawn.y.sum():.0f}")
    right.set_title(f"{DRIVEN:g} V, threshold redrawn for every pulse", fontsize=10)
    return figure


# --- ag-oscillator --------------------------------------------------------------------------------------------------

#: Chosen, the review prints none: V, Ohm, F. The power stays below 1.8 uW at all times, not only on the average.
SUPPLY, LOAD, CAPACITOR = 0.5, 200 * KOHM, 0.5 * NF
#: Periods that count, from the first spike on: it is steady from there, or is refused.
PERIODS = 10
#: An oscillation is steady when its intervals differ by less than this.
STEADY = 0.01


def _ag_oscillator(context: Context) -> None:
    outcome = context.outcome
    cell = relaxation_oscillator(Diffusive.preset("ag_sio2"), LOAD, CAPACITOR)
    tau = LOAD * CAPACITOR
    driven = cell.drive(supply=Waveform.points((0.0, 0.0), (tau / 100, SUPPLY)))
    found = fire(driven, 17 * tau, engine=context.engine, signal="dut.i_dev", threshold=0.5 * UA,
                 extra=["v(axon)", "dut.x"])
    context.warn("oscillator", [found.result])
    times = found.spikes.times[:PERIODS + 1]
    spread = float(np.ptp(np.diff(times)) / np.diff(times).mean()) if len(times) == PERIODS + 1 else float("inf")
    r = found.result
    volts, watts = r["v(axon)"], r["v(axon)"] * r["dut.i_dev"]
    largest = mean = float("nan")
    if spread < STEADY:
        inside = (r.time >= times[0]) & (r.time <= times[-1])
        largest = float(volts[inside].max())
        mean = float(np.trapezoid(watts[inside], r.time[inside]) / np.ptp(r.time[inside]))
        outcome.remarks.append(
            f"{PERIODS} periods of {engineering(float(np.diff(times).mean()), 's')}, equal within {spread:.1g}; from "
            f"{engineering(float(volts[inside].min()), 'V')} to {engineering(largest, 'V')}; largest power at a time "
            f"{engineering(float(watts[inside].max()), 'W')}; the supply is {SUPPLY:g} V")
    else:
        outcome.remarks.append(f"no steady oscillation: {len(found.spikes)} spikes")
    outcome.score("ag-oscillator-voltage", largest)
    outcome.score("ag-oscillator-power", mean * 1e6)
    about = context.about(cell, device="Diffusive ag_sio2", supply=f"{SUPPLY:g} V", load=f"{LOAD:g} Ohm",
                   capacitor=f"{CAPACITOR:g} F")
    _spike_times(context, found, about)
    grid = np.linspace(0, 4e-4, 401)
    outcome.keep(Curve(grid, np.interp(grid, r.time, volts), "time", "s", "voltage of the device", "V", name="start",
                       provenance=about))
    outcome.figures["oscillation"] = _oscillation_figure(r.time, volts, watts, times, mean)


def _oscillation_figure(time: Array, volts: Array, watts: Array, times: Array, mean: float) -> Figure:
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True)
    for ax, y, limit, label, text in ((top, volts, 0.6, "Device voltage (V)", "0.6 V"),
                                      (low, watts / 1e-6, 1.8, "Device power (µW)", "1.8 µW")):
        ax.plot(time / MS, y, color=BLUE, lw=1)
        ax.axhline(limit, color=ORANGE, lw=1, ls="--", label=f"below {text} ({REVIEW}, Sec. 4.3)")
        ax.set_ylabel(label)
        ax.set_ylim(0, 1.5 * max(limit, float(y.max())))
        if len(times) > 1:
            ax.axvspan(times[0] / MS, times[-1] / MS, color="#EEEEEE", lw=0)
    low.axhline(mean / 1e-6, color=GREY, lw=1, label=f"mean over {PERIODS} periods (shaded)")
    for ax in (top, low):
        ax.legend(loc="upper left", ncols=2, fontsize=8.5, frameon=False)
    low.set_xlabel("Time (ms)")
    low.set_xlim(0, time[-1] / MS)
    figure.align_ylabels()
    return figure


# --- ann-snn --------------------------------------------------------------------------------------------------------

#: Input resistor (Ohm): the value of a neuron arrives as a voltage, v/R is its current. Above 13 uA the rate falls,
#: above 15 uA the device stays on: this limits the largest value.
R_VALUE = 450 * KOHM
TAU = R_VALUE * 1 * NF
#: Where the device turns on and off, V, to tell how long a run has to be; nothing is scored by them.
ON, OFF = 0.485, 0.35
SHOWN = 1.0


def _converter(volts: float) -> Circuit:
    cell = if_neuron(r=R_VALUE, r_sense=R_SENSE)
    return cell.drive(inp=Waveform.points((0.0, 0.0), (1 * US, volts)))


def _long_enough(volts: float) -> float:
    """Seconds until the second spike at least; below threshold until the capacitor is charged within 2 %."""
    if volts <= ON:
        return 4 * TAU
    return float(1.1 * TAU * np.log(volts / (volts - ON))
                 + 2 * (TAU * np.log((volts - OFF) / (volts - ON)) + 20 * US))


def _converted(engine: Engine, volts: float) -> Firing:
    return _run(_converter(volts), _long_enough(volts), engine=engine)


def _ann_snn(context: Context) -> None:
    outcome = context.outcome
    volts = np.array((0.45, 0.55, SHOWN, 5.6) if context.quick else (
        0.3, 0.45, 0.52, 0.55, 0.6, 0.7, 0.8, SHOWN, 1.5, 2.0, 3.0, 4.0, 5.6))
    found = map_runs(partial(_converted, context.engine), [float(v) for v in volts], context.engine, context.executor,
                     context.progress, "inputs")
    context.warn("converter", (f.result for f in found))
    counts = np.array([len(f.spikes) for f in found], float)
    rates = Curve(volts, np.array([f.spikes.rate for f in found]), "input voltage", "V", "firing rate", "Hz",
                  name="rate-code", columns={"spikes": Column(counts, "1", "spikes counted")},
                  provenance=context.about(if_neuron(), device="Diffusive ag_sioxny_neuron", r=f"{R_VALUE:g} Ohm",
                                    protocol="constant voltage from rest"))
    first = int(np.argmax(counts > 0)) if counts.any() else len(counts)
    x, y = rates.x[first:], rates.y[first:]
    rises = bool(len(y) > 1 and y[0] > 0 and (np.diff(y) > 0).all())
    decades = [float(np.log10(a[-1] / a[0])) if rises else 0.0 for a in (x, y)]
    outcome.score("ann-snn-rate-code", f"none up to {rates.x[first - 1] if first else float('nan'):g} V; " + ", ".join(
        f"{f / 1e3:.2f} kHz at {v:g} V" for v, f in zip(x, y, strict=True)) + f": {decades[0]:.2f} decades of input, "
        f"{decades[1]:.2f} of rate", first > 0 and rises and min(decades) >= 1)
    outcome.keep(rates)
    outcome.remarks.append("the row does not say a decade of what: both input and rate span one")
    shown = found[int(np.argmax(volts == SHOWN))]
    _spike_times(context, shown, {**rates.provenance, "input": f"{SHOWN:g} V"})
    outcome.figures["rate-code"] = _code_figure(rates, shown)


def _code_figure(rates: Curve, found: Firing) -> Figure:
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplot_mosaic([["rate", "capacitor"], ["rate", "output"]])
    rates.plot(panels["rate"], marker="o", color=BLUE)
    panels["rate"].set_title("Rate against input", fontsize=11)
    time = found.result.time / US
    panels["capacitor"].plot(time, found.result["v(inside)"], color=ORANGE, lw=1)
    panels["capacitor"].set_ylabel("Capacitor (V)")
    panels["capacitor"].set_title(f"Spikes at {SHOWN:g} V", fontsize=11)
    panels["output"].plot(time, found.result["v(axon)"] / R_SENSE / UA, color=BLUE, lw=1)
    panels["output"].set_ylabel("Output (µA)")
    panels["output"].set_xlabel("Time (µs)")
    for name in ("capacitor", "output"):
        panels[name].set_xlim(0, time[-1])
    panels["capacitor"].tick_params(labelbottom=False)
    return figure


# --- nociceptor -----------------------------------------------------------------------------------------------------

#: The device behind a resistor (Ohm); stimuli (V, s). Chosen.
R_NERVE, STIMULUS = 10 * KOHM, 100 * US
NOXIOUS, WEAK, STRONG_WIDTH = 0.7, 0.3, 1 * MS
INJURIES, HEALING, HEALED = (0.8, 1.0), 1.4 * MS, 10 * MS
#: A response is a current above this, A.
RESPONDS = 5 * UA
#: The stimulus (V) whose response tells hyperalgesia, just above the threshold, and by what factor.
FELT, LARGER = 0.45, 1.2


def _nerve() -> Circuit:
    return one_device(Diffusive.preset("ag_sio2"), r=R_NERVE)


def _strong(volts: float, rest: float) -> Event:
    return Event.pulse("pre", volts, STRONG_WIDTH, rest)


def _stimulus(volts: float) -> Event:
    return Event.pulse("pre", volts, STIMULUS, STIMULUS)


def _weak_after(engine: Engine, gap: float) -> float:
    """Response (A) to a weak stimulus, `gap` s after a strong one."""
    return float(apply(_nerve(), [_strong(NOXIOUS, gap), _stimulus(WEAK)], engine=engine).amps[1])


def _response(engine: Engine, item: tuple[float, Mapping[str, float] | None]) -> float:
    """Response (A) to a stimulus (V) from a state."""
    return float(apply(_nerve(), [_stimulus(item[0])], engine=engine, initial=item[1]).amps[0])


def _injured(engine: Engine, item: tuple[float, float]) -> Record:
    """An injury of so many V, and so many s after it."""
    return apply(_nerve(), [_strong(*item)], engine=engine)


def _nociceptor(context: Context) -> None:
    outcome, engine, quick = context.outcome, context.engine, context.quick
    gaps = np.geomspace(50 * US, 2 * MS, 4 if quick else 10)
    volts = np.array((0.1, 0.3, 0.4, 0.45, 0.5, 0.6) if quick else (
        0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.42, 0.45, 0.48, 0.5, 0.55, 0.6, 0.7, 0.8))
    after = map_runs(partial(_weak_after, engine), [float(g) for g in gaps], engine, context.executor,
                     context.progress, "intervals")
    cases = {"unharmed": None, **{f"{HEALING / MS:g} ms after {v:g} V": (v, HEALING) for v in INJURIES},
             f"{HEALED / MS:g} ms after {INJURIES[-1]:g} V": (INJURIES[-1], HEALED)}
    records = map_runs(partial(_injured, engine), [c for c in cases.values() if c], engine, context.executor,
                       context.progress, "injuries")
    states = [None, *(r.final for r in records)]
    amps = np.reshape(map_runs(partial(_response, engine), [(float(v), s) for s in states for v in volts], engine,
                               context.executor, context.progress, "stimuli"), (len(cases), len(volts)))
    about = {**records[0].provenance, "series": f"{R_NERVE:g} Ohm"}
    decay = Curve(gaps, np.array(after), "interval", "s", "response", "A", name="relaxation", provenance={
        **about, "protocol": f"{NOXIOUS:g} V for {STRONG_WIDTH:g} s, then {WEAK:g} V for {STIMULUS:g} s"})
    names = ("unharmed", *(f"injured-{v:g}V" for v in INJURIES), "healed")
    curves = [Curve(volts, row, "stimulus", "V", "response", "A", name=name, provenance={**about, "state": label})
              for name, label, row in zip(names, cases, amps, strict=True)]
    outcome.keep(decay, *curves)
    _score_nociceptor(context, decay, curves)
    outcome.figures["nociceptor"] = _nociceptor_figure(decay, curves, list(cases))


def threshold(curve: Curve) -> float:
    """The stimulus (V) from which on the response is above RESPONDS, by interpolation; nan if it is not."""
    found = curve.crossing(RESPONDS, "up")
    return float(found[-1]) if len(found) else float("nan")


def _score_nociceptor(context: Context, decay: Curve, curves: Sequence[Curve]) -> None:
    normal, *injured, _ = curves
    level, *lower, again = [threshold(c) for c in curves]
    # The stimulus next below the threshold may be on its foot.
    below = normal.y[normal.x < level][:-1]
    silent = float(np.abs(below).max(initial=0.0))
    felt = [float(c.y[c.x == FELT][0]) for c in (normal, *injured)]
    clauses = [
        (len(below) >= 2 and silent < 1e-3 * RESPONDS, f"threshold {level:.3f} V, below it at most {silent:.1g} A"),
        (bool((np.diff(decay.y) < 0).all() and decay.y[0] > RESPONDS > 100 * decay.y[-1]),
         f"{WEAK:g} V after {NOXIOUS:g} V: {decay.y[0] / UA:.1f} uA after {decay.x[0] / US:.0f} us, falling to "
         f"{decay.y[-1]:.1g} A after {decay.x[-1] / MS:g} ms"),
        (bool((np.diff([level, *lower]) < 0).all()),
         f"{HEALING / MS:g} ms after injuries of {', '.join(f'{v:g} V' for v in INJURIES)} the threshold is "
         + ", ".join(f"{v:.3f} V" for v in lower)),
        (bool((np.diff(felt) > 0).all() and felt[1] > LARGER * felt[0]
              and all((c.y >= 0.999 * normal.y).all() for c in injured)),
         f"the response to {FELT:g} V {', '.join(f'{i / UA:.1f}' for i in felt[1:])} uA instead of "
         f"{felt[0] / UA:.1f} uA"),
        (abs(again / level - 1) < 0.01, f"after {HEALED / MS:g} ms the threshold is {again:.3f} V again"),
    ]
    context.outcome.score("nociceptor-four-properties", "; ".join(text for _, text in clauses),
                          all(good for good, _ in clauses))


def _nociceptor_figure(decay: Curve, curves: Sequence[Curve], labels: Sequence[str]) -> Figure:
    figure = Figure(figsize=(10, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    decay.plot(left, xscale="log", marker="o", color=BLUE)
    left.set_title(f"Response to {WEAK:g} V after {NOXIOUS:g} V", fontsize=11)
    for curve, label, style in zip(curves, labels, ("-", "-", "-", ":"), strict=True):
        curve.plot(right, label=label, ls=style, marker="o", ms=3.5)
    right.axhline(RESPONDS / UA, color=GREY, lw=0.8, ls="--")
    right.annotate("a response", (0.99, RESPONDS / UA), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                   fontsize=8.5, color=GREY)
    right.set_title("Response to a stimulus", fontsize=11)
    right.legend(fontsize=8.5)
    return figure


YOON = "Yoon et al., Nat. Commun. 9, 417 (2018) (recalled); Fig. 27h, i of the review Future of Memristors"
EXPERIMENTS = (
    Experiment("if-neuron", "Integrate-and-fire neuron of a diffusive memristor (Fig. 8)",
               "Wang et al., Nat. Electron. 1, 137 (2018); Fig. 8 of the review Memory device physics", _if_neuron,
               {"seed": Param(1, "1", "seed of the redrawn thresholds", low=0, high=2**31, source="chosen"),
                "trials": Param(24, "1", "trains with redrawn thresholds", low=2, high=10000, source="chosen")}),
    Experiment("ag-oscillator", "Oscillator of a diffusive memristor below 0.6 V and 1.8 uW",
               "Hua et al., Glob. Chall. 3, 1900015 (2019); Sec. 4.3 of the review Memory device physics",
               _ag_oscillator),
    Experiment("ann-snn", "Converter of analogue values to spike rates (Fig. 25)",
               "Midya et al., Adv. Electron. Mater. 5, 1900060 (2019); Fig. 25 of the review Future of Memristors",
               _ann_snn),
    Experiment("nociceptor", "Nociceptor of a diffusive memristor: threshold, relaxation, allodynia, hyperalgesia",
               YOON, _nociceptor),
)
