"""Oscillator, neuristor and leaky integrate-and-fire neuron of NbO2 threshold switches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from spicemem.circuit import Circuit
from spicemem.circuits.neurons import if_neuron, neuristor, relaxation_oscillator
from spicemem.curve import Column, Curve, Published
from spicemem.devices.mott import Mott
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.maps import Map
from spicemem.model import Model
from spicemem.protocols.conductance import conductance
from spicemem.protocols.firing import Firing, f_i_curve, fire, injected, operating_map
from spicemem.protocols.pool import map_runs
from spicemem.spikes import Array, Spikes
from spicemem.waveform import Waveform

US, KOHM, NF, UA = 1e-6, 1e3, 1e-9, 1e-6
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"


def _step(value: float, start: float, edge: float) -> Waveform:
    """From 0 to a value that stays: every run starts from rest."""
    return Waveform.points((start, 0.0), (start + edge, value))


# --- relaxation-oscillator ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Static:
    """The static I-V of a Mott switch as the core w grows from 0, V and A, and its turning points by index."""

    core: Array
    volts: Array
    amps: Array
    threshold: int
    hold: int

    @property
    def v_th(self) -> float:
        return float(self.volts[self.threshold])

    @property
    def v_hold(self) -> float:
        return float(self.volts[self.hold])

    def verdict(self, supply: float, ohm: float) -> int:
        """0: the load line meets the insulating branch; 1: neither, it oscillates; 2: it meets the metallic one."""
        if (supply - self.v_th) / ohm <= self.amps[self.threshold]:
            return 0
        return 1 if (supply - self.v_hold) / ohm < self.amps[self.hold] else 2

    def period(self, supply: float, ohm: float, farad: float) -> float:
        """Seconds from hold to threshold voltage along the insulating branch and back along the metallic one.

        Switching is taken as instantaneous: the integral of C dV/I, I what charges the capacitor.
        """
        up = slice(int(np.searchsorted(self.volts[:self.threshold], self.v_hold)), self.threshold + 1)
        far = self.hold + int(np.searchsorted(self.volts[self.hold:], self.v_th))
        total = 0.0
        for part in (up, slice(self.hold, far + 1)):
            net = (supply - self.volts[part]) / ohm - self.amps[part]
            total += abs(float(np.trapezoid(farad / net, self.volts[part])))
        return total


def static(device: Model) -> Static:
    """The static I-V of a Mott device: for each core the Joule heat is what is lost, 2 pi L kappa (t_c - t_amb) w."""
    w = np.geomspace(1e-6, 1e3, 200001)
    v = device.values
    lost = 2 * np.pi * v["length"] * v["kappa"] * (v["t_c"] - v["t_amb"]) * w
    siemens = conductance(device, {"w": w})
    volts = np.sqrt(lost / siemens)
    top = int(np.flatnonzero(np.diff(volts) < 0)[0])
    return Static(w, volts, volts * siemens, top, top + int(np.argmin(volts[top:])))


def _oscillation(engine: Engine, at: Static, stop: float, supply: float, ohm: float, farad: float) -> Firing:
    """The oscillator for `stop` seconds after its supply has come up."""
    middle, swing = 0.5 * (at.v_th + at.v_hold), at.v_th - at.v_hold
    cell = relaxation_oscillator(r=ohm, c=farad).drive(supply=_step(supply, 0.0, 1e-8))
    return fire(cell, stop, engine=engine, signal="v(axon)", threshold=middle + 0.2 * swing,
                reset=middle - 0.2 * swing, base=at.v_hold, extra=["dut.w"])


def _frequency(engine: Engine, at: Static, point: tuple[float, float, float]) -> tuple[Firing, float, float]:
    """Frequency over ten periods after the first two: simulated, computed."""
    computed = at.period(*point)
    found = _oscillation(engine, at, 13.5 * computed, *point)
    return found, found.spikes.after(2 * computed).rate, 1 / computed


def _verdict(engine: Engine, at: Static, farad: float, supply: float, ohm: float) -> float:
    """0 insulating, 1 oscillating, 2 metallic: what the oscillator does in the second half of seven times RC."""
    stop = 7 * ohm * farad
    found = _oscillation(engine, at, stop, supply, ohm, farad).result
    if np.ptp(found["v(axon)"][found.time > 0.5 * stop]) > 0.5 * (at.v_th - at.v_hold):
        return 1.0
    return 2.0 if found["dut.w"][-1] > at.core[at.hold] else 0.0


def _relaxation_oscillator(context: Context) -> None:
    outcome, quick, engine = context.outcome, context.quick, context.engine
    at = static(Mott.preset("nbo2"))
    supply, ohm, farad = 5.0, 30 * KOHM, 1 * NF
    few = 3 if quick else 1
    supplies, loads = (3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0), (20.0, 25.0, 27.0, 30.0, 40.0, 55.0, 80.0)
    farads = (0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 10.0)
    sweeps: dict[str, list[tuple[float, float, float]]] = {
        "supply": [(v, ohm, farad) for v in supplies[::few]],
        "load": [(supply, r * KOHM, farad) for r in loads[::few]],
        "capacitor": [(supply, ohm, c * NF) for c in farads[::few]],
    }
    # Faster than what is scored: there switching takes its share of the period.
    beyond = [] if quick else [(supply, ohm, c * NF) for c in (0.03, 0.1)]
    points = [p for group in sweeps.values() for p in group]
    found = map_runs(partial(_frequency, engine, at), [*points, *beyond], engine, context.executor, context.progress,
                     "frequencies")
    context.warn("oscillator", (f.result for f, _, _ in found))
    errors = np.array([rate / computed - 1 for _, rate, computed in found])
    worst = float(np.abs(errors[:len(points)]).max())
    curves, k = [], 0
    for axis, (name, unit) in enumerate({"supply": "V", "load": "Ohm", "capacitor": "F"}.items()):
        group = sweeps[name]
        part = found[k:k + len(group)]
        k += len(group)
        curves.append(Curve(np.array([p[axis] for p in group]), np.array([r for _, r, _ in part]), name, unit,
                            "frequency", "Hz", name=f"frequency-{name}",
                            columns={"computed": Column(np.array([c for _, _, c in part]), "Hz",
                                                        "from the branches of the static I-V")},
                            provenance=context.about(relaxation_oscillator(), device="Mott nbo2",
                                              others=f"{supply:g} V, {ohm:g} Ohm, {farad:g} F")))
    outcome.keep(*curves)
    outcome.figures["frequency"] = _frequencies(curves)
    _oscillating(context, at, farad, worst, len(points))
    for (_, _, c), error in zip(beyond, errors[len(points):], strict=True):
        outcome.remarks.append(f"with {c / NF:g} nF the frequency is {error * 100:+.1f} % off the computed one: the "
                               "time that switching takes, left out there, counts")
    outcome.figures["waveform"] = _oscillator_waveform(at, found[points.index((supply, ohm, farad))][0])


def _oscillating(context: Context, at: Static, farad: float, worst: float, points: int) -> None:
    """The map over supply and load, with the load-line condition; scores the experiment."""
    supplies = np.array((2.6, 5.0, 8.2)) if context.quick else np.arange(2.0, 10.1, 1.0)
    loads = np.array((14.0, 30.0, 80.0)) * KOHM if context.quick else np.geomspace(5, 100, 9) * KOHM
    found = operating_map(partial(_verdict, context.engine, at, farad), list(supplies),
                          list(loads), engine=context.engine, x=("supply", "V"), y=("load", "Ohm"),
                          z=("verdict", "1"), classes=("insulating", "oscillates", "metallic"),
                          executor=context.executor, progress=context.progress, name="oscillation-map")
    wanted = np.array([[at.verdict(v, r) for v in supplies] for r in loads])
    same = int((found.z == wanted).sum())
    counts = [int((wanted == k).sum()) for k in range(3)]
    context.outcome.score(
        "relaxation-oscillator-period", f"period off by at most {worst * 100:.2f} % at {points} points; "
        f"{same} of {found.z.size} verdicts as the load line says ({counts[0]} insulating, {counts[1]} oscillating, "
        f"{counts[2]} metallic)", worst <= 0.02 and same == found.z.size and min(counts) > 0)
    context.outcome.keep(found.to_curve())
    context.outcome.figures["map"] = _map_figure(found, at)


def _frequencies(curves: Sequence[Curve]) -> Figure:
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for ax, curve in zip(figure.subplots(1, 3), curves, strict=True):
        scale = "log" if curve.x_unit == "F" else "linear"
        curve.plot(ax, xscale=scale, yscale=scale, label="simulated", ls="", marker="o", ms=4.5, color=BLUE)
        computed = Curve(curve.x, curve.columns["computed"].values, curve.x_label, curve.x_unit, "frequency", "Hz")
        computed.plot(ax, xscale=scale, yscale=scale, label="from the static I-V", marker="", color=ORANGE)
        if scale == "log":
            ax.yaxis.set_minor_formatter(NullFormatter())
    return figure


def _map_figure(found: Map, at: Static) -> Figure:
    figure = Figure(figsize=(6.0, 4.8), layout="constrained")
    ax = figure.add_subplot()
    found.plot(ax, yscale="log")
    ax.autoscale(False)
    ohm = np.geomspace(found.y[0] / 4, found.y[-1] * 4, 200)
    lines = [ax.plot(at.volts[k] + ohm * at.amps[k], ohm, style, color=ORANGE, lw=1.6, label=f"load line at {text}")[0]
             for k, style, text in ((at.threshold, "-", "threshold"), (at.hold, "--", "hold"))]
    verdicts = ax.get_legend()
    if verdicts is not None:
        ax.legend(handles=[*verdicts.legend_handles, *lines], loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3,
                  fontsize=8.5, frameon=False)
    ax.set_title(f"What an NbO2 oscillator does: {found.z.size} simulations", fontsize=11)
    return figure


def _oscillator_waveform(at: Static, found: Firing) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    time, volts = found.result.time / US, found.result["v(axon)"]
    left.plot(time, volts, color=BLUE, lw=1)
    for v, text in ((at.v_th, "threshold"), (at.v_hold, "hold")):
        left.axhline(v, color=ORANGE, lw=0.8, ls="--")
        left.annotate(text, (0.99, v), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8.5)
    left.set_xlim(0, 6 / found.spikes.rate / US)
    left.set_ylim(0, 2.1)
    left.set_xlabel("Time (µs)")
    left.set_ylabel("Voltage at the capacitor (V)")
    last = found.result.time > found.spikes.times[-3]
    siemens = conductance(Mott.preset("nbo2"), {"w": found.result["dut.w"][last]})
    right.plot(at.volts, at.amps / UA, color=ORANGE, lw=1, label="static I-V")
    right.plot(volts[last], volts[last] * siemens / UA, color=BLUE, lw=1, label="oscillation")
    right.set_xlim(0.9, 2.1)
    right.set_ylim(0, 900)
    right.set_xlabel("Voltage of the switch (V)")
    right.set_ylabel("Current of the switch (µA)")
    right.legend(fontsize=8.5)
    return figure


# --- neuristor ------------------------------------------------------------------------------------------------------

#: Levels of the output, V: a spike rises above the first and falls below the second; the third is rest.
FIRES, RESET, REST = 0.35, 0.25, 0.17
#: C_1 of the paper, F: without bursts.
C_1 = 5.1 * NF
#: Width of the pulses of Fig. 9 and of the paper it is from, s.
PULSE = 10 * US
#: From where on a train counts, s (row neuristor-input-current).
SETTLED = 0.2e-3


_run_neuristor = partial(fire, signal="v(axon)", threshold=FIRES, reset=RESET, base=REST)


def _pulsed(engine: Engine, volts: float, starts: Sequence[float], stop: float) -> Firing:
    """Pulses of a height (V) that begin at some times (s), for a time (s)."""
    wave = Waveform.pulse(volts, PULSE, 0.1 * US)
    total = wave.shift(starts[0])
    for start in starts[1:]:
        total = total + wave.shift(start)
    return _run_neuristor(neuristor().drive(inp=total), stop, engine=engine, extra=["v(inp)"])


def _fed(c_1: float, amps: float) -> Circuit:
    """The neuristor with a constant current into its input, from rest."""
    return injected(neuristor(c_1=c_1), "inp", _step(amps, 1 * US, 1 * US))


def _train(engine: Engine, c_1: float, amps: float, stop: float) -> Firing:
    return _run_neuristor(_fed(c_1, amps), stop, engine=engine, extra=["v(a)"])


def _call(run: Callable[[], Firing]) -> Firing:
    return run()


def _neuristor(context: Context) -> None:
    outcome, quick, engine = context.outcome, context.quick, context.engine
    heights = (0.2, 0.28, 0.3, 0.6) if quick else (0.1, 0.2, 0.26, 0.28, 0.29, 0.3, 0.35, 0.4, 0.5, 0.6)
    gaps = (40.0, 120.0) if quick else (20.0, 40.0, 60.0, 80.0, 90.0, 100.0, 120.0)
    farads = (C_1, 10 * NF) if quick else (C_1, 10 * NF, 15 * NF)
    stops = (0.85e-3, 0.45e-3) if quick else (2.0e-3, 1.0e-3, 1.0e-3)
    runs: list[Callable[[], Firing]] = [partial(_train, engine, c, 20 * UA, t)
                                        for c, t in zip(farads, stops, strict=True)]
    runs += [partial(_pulsed, engine, v, (5 * US,), 35 * US) for v in heights]
    runs += [partial(_pulsed, engine, 0.3, (5 * US, 15 * US + g * US), (45 + g) * US) for g in gaps]
    found = map_runs(_call, runs, engine, context.executor, context.progress, "neuristor")
    context.warn("neuristor", (f.result for f in found))
    trains, alone, double = (found[:len(farads)], found[len(farads):-len(gaps)], found[-len(gaps):])
    amps = np.array((20.0, 30.0) if quick else (12.0, 15.0, 20.0, 25.0, 30.0)) * UA
    rates = f_i_curve(partial(_fed, C_1), list(amps), 0.3e-3 if quick else 0.8e-3, engine=engine, signal="v(axon)",
                      threshold=FIRES, reset=RESET, base=REST, executor=context.executor, progress=context.progress,
                      name="f-i")
    rates = replace(rates, published=(Published("input of Fig. 9c", "Memory device physics", low=20 * UA, high=20 * UA,
                                                axis="x"),))
    outcome.keep(rates)
    _score_train(context, trains[0])
    clauses = (_all_or_nothing(context, heights, alone), _refractory(context, gaps, double), _regular(rates),
               _bursts(context, trains[0], farads[1:], trains[1:]))
    outcome.score("neuristor-all-or-nothing", "; ".join(text for _, text in clauses), all(good for good, _ in clauses))
    outcome.figures["all-or-nothing"] = _traces([(f"{v:g} V", f) for v, f in zip(heights, alone, strict=True)])
    outcome.figures["refractory"] = _traces([(f"{g:g} µs apart", f) for g, f in zip(gaps, double, strict=True)])
    outcome.figures["trains"] = _trains([(f"$C_1$ = {c / NF:g} nF", f) for c, f in zip(farads, trains, strict=True)])
    outcome.figures["f-i"] = rates.plot(title="Firing rate of the neuristor", marker="o")


def _spike_times(context: Context, name: str, spikes: Spikes, **about: str) -> None:
    if len(spikes):
        context.outcome.keep(Curve(np.arange(1.0, len(spikes) + 1), spikes.times, "spike number", "1", "time", "s",
                                   name=name, columns={"peak": Column(spikes.peaks, "V")},
                                   provenance=context.about(neuristor(), **about)))


def _score_train(context: Context, steady: Firing) -> None:
    """The row of Fig. 9c."""
    part = steady.spikes.after(SETTLED, 2e-3)
    enough = len(part) >= 5
    peaks = float(np.ptp(part.peaks) / part.peaks.mean()) if enough else float("nan")
    context.outcome.score(
        "neuristor-input-current", f"20 uA: {len(part)} spikes from 0.2 ms to "
        f"{min(steady.result.time[-1], 2e-3) * 1e3:g} ms, {part.rate / 1e3:.2f} kHz, peaks within "
        f"{peaks * 100:.2g} %, intervals {part.jitter * 100:.2g} %",
        enough and peaks <= 0.05 and part.jitter < 0.05)
    _spike_times(context, "train", steady.spikes, current="20 uA")


def _all_or_nothing(context: Context, heights: Sequence[float], alone: Sequence[Firing]) -> tuple[bool, str]:
    counts = [len(f.spikes) for f in alone]
    tall = np.array([f.result["v(axon)"].max() - f.result["v(axon)"][0] for f in alone])
    fired = np.array([n == 1 for n in counts])
    first = int(np.argmax(fired)) if fired.any() else len(counts)
    context.outcome.keep(Curve(np.array(heights), tall, "height of the pulse", "V", "largest output over rest", "V",
                               name="all-or-nothing", columns={"spikes": Column(np.array(counts, float), "1")},
                               provenance=context.about(neuristor(), pulse=f"{PULSE:g} s")))
    ordered = counts == [0] * first + [1] * (len(counts) - first)
    if not ordered or not 0 < first < len(counts):
        return False, f"spikes per pulse {counts}"
    change, span = float(np.ptp(tall[first:]) / tall[first]), heights[-1] / heights[first]
    return change < 0.03 and span >= 2, (
        f"spikes from {heights[first]:g} V on, none at {heights[first - 1]:g} V; height {tall[first]:.3f} V, changes "
        f"by {change * 100:.2g} % up to {span:.3g} times that")


def _refractory(context: Context, gaps: Sequence[float], double: Sequence[Firing]) -> tuple[bool, str]:
    counts = [len(f.spikes) for f in double]
    first = counts.index(2) if 2 in counts else len(counts)
    context.outcome.keep(Curve(np.array(gaps) * US, np.array(counts, float), "time between the pulses", "s", "spikes",
                               "1", name="refractory", provenance=context.about(neuristor(), pulses="two of 0.3 V")))
    if counts != [1] * first + [2] * (len(counts) - first) or not 0 < first < len(counts):
        return False, f"spikes of two pulses {counts}"
    return True, f"a second pulse fires after {gaps[first]:g} us, not after {gaps[first - 1]:g} us"


def _regular(rates: Curve) -> tuple[bool, str]:
    """A rate that rises with the current, from where there is one, with equal intervals."""
    jitter = rates.columns["jitter"].values
    fires = rates.y[rates.y > 0]
    good = len(fires) >= 2 and (np.diff(fires) > 0).all() and (np.diff(rates.y) >= 0).all()
    rise = ", ".join(f"{f / 1e3:.2f} kHz at {i / UA:g} uA" for i, f in zip(rates.x, rates.y, strict=True))
    return bool(good and np.nanmax(jitter, initial=0.0) < 0.05), rise


def _bursts(context: Context, steady: Firing, farads: Sequence[float], found: Sequence[Firing]) -> tuple[bool, str]:
    good, texts = not any(len(b) > 1 for b in steady.spikes.after(SETTLED).bursts()), []
    for farad, firing in zip(farads, found, strict=True):
        sizes = [len(b) for b in firing.spikes.bursts()]
        good = good and len(sizes) >= 2 and min(sizes[:-1]) >= 2
        texts.append(f"{farad / NF:g} nF {sizes}")
        _spike_times(context, f"bursts-{farad / NF:g}nF", firing.spikes, c_1=f"{farad:g} F", current="20 uA")
    return good, f"spikes per burst at C1 = {', '.join(texts)}, single ones at 5.1 nF"


def _traces(items: Sequence[tuple[str, Firing]]) -> Figure:
    """Output and input against time for runs with pulses: one panel each, output above, input below."""
    columns = -(-len(items) // 2)
    rows = 2
    figure = Figure(figsize=(2.3 * columns + 0.6, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, (title, f) in zip(panels.flat, items, strict=False):
        time = f.result.time / US
        ax.plot(time, f.result["v(axon)"], color=BLUE, lw=1.1, label="output")
        ax.plot(time, f.result["v(inp)"], color=ORANGE, lw=0.9, label="input")
        ax.set_title(title, fontsize=10)
        ax.set_xlim(0, time[-1])
    for ax in panels.flat[len(items):]:
        ax.set_axis_off()
    for row in panels:
        row[0].set_ylabel("Voltage (V)")
    for k, ax in enumerate(panels.flat[:len(items)]):
        if k + columns >= len(items):
            ax.set_xlabel("Time (µs)")
    panels[0, 0].legend(fontsize=8)
    return figure


def _trains(items: Sequence[tuple[str, Firing]]) -> Figure:
    """Trains under constant current and their phase portraits."""
    figure = Figure(figsize=(10, 2.3 * len(items)), layout="constrained")
    panels = figure.subplots(len(items), 2, squeeze=False, width_ratios=(2.2, 1))
    end = min(f.result.time[-1] for _, f in items)
    for (left, right), (title, f) in zip(panels, items, strict=True):
        left.plot(f.result.time * 1e3, f.result["v(axon)"], color=BLUE, lw=0.9)
        left.set_title(f"20 µA, {title}", fontsize=10)
        left.set_xlim(0, end * 1e3)
        left.set_ylabel("Output (V)")
        late = f.result.time > SETTLED
        right.plot(f.result["v(a)"][late], f.result["v(axon)"][late], color=BLUE, lw=0.8)
        right.set_title("phase portrait", fontsize=10)
        right.set_ylabel("Output (V)")
    panels[-1, 0].set_xlabel("Time (ms)")
    panels[-1, 1].set_xlabel("Voltage at the sodium switch (V)")
    return figure


# --- mott-lif -------------------------------------------------------------------------------------------------------

_run_lif = partial(fire, signal="v(axon)", threshold=0.1, extra=["v(inside)"])
#: Capacitor, F: what leaks, through the cold switch, takes 7 us.
MEMBRANE = 100e-12
#: Pulses of current: how many, A, period (s). The charge is the same.
WIDTH = 0.7 * US
CHARGES = {"5 dense": (5, 100 * UA, 1 * US), "5 spread": (5, 100 * UA, 10 * US), "10 spread": (10, 50 * UA, 5 * US)}


def _membrane(wave: Waveform) -> Circuit:
    return injected(if_neuron(Mott.preset("nbo2"), r=10 * KOHM, c=MEMBRANE), "inp", wave)


def _charged(engine: Engine, item: tuple[int, float, float]) -> Firing:
    count, amps, period = item
    wave = Waveform.pulse(amps, WIDTH, 10e-9, 1 * US).repeat(count, period)
    return _run_lif(_membrane(wave), 52 * US, engine=engine)


def _counted(engine: Engine, stop: float, amps: float) -> Firing:
    return _run_lif(_membrane(_step(amps, 0.0, 10e-9)), stop, engine=engine)


def _mott_lif(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    amps = np.array((20.0, 50.0, 120.0) if context.quick else (20, 30, 36, 40, 50, 60, 80, 100, 120, 150)) * UA
    stop = 30 * US
    runs: list[Callable[[], Firing]] = [partial(_charged, engine, item) for item in CHARGES.values()]
    runs += [partial(_counted, engine, stop, float(a)) for a in amps]
    found = map_runs(_call, runs, engine, context.executor, context.progress, "runs")
    context.warn("neuron", (f.result for f in found))
    charged, counted = found[:len(CHARGES)], found[len(CHARGES):]
    charges = [n * a * (WIDTH - 10e-9) for n, a, _ in CHARGES.values()]
    fired = {name: len(f.spikes) for name, f in zip(CHARGES, charged, strict=True)}
    counts = np.array([len(f.spikes) for f in counted], float)
    leaks = fired["5 dense"] >= 1 and fired["5 spread"] == fired["10 spread"] == 0
    leaks = leaks and float(np.ptp(charges)) < 1e-3 * charges[0]
    rises = bool((np.diff(counts) >= 0).all() and counts[0] == 0 and len(set(counts)) >= 3)
    outcome.score("mott-lif-lif", f"{charges[0] * 1e12:.0f} pC: " + ", ".join(
        f"{name} pulses {n} spikes" for name, n in fired.items()) + f"; {counts[0]:.0f} to {counts[-1]:.0f} spikes in "
        f"{stop / US:g} us from {amps[0] / UA:g} to {amps[-1] / UA:g} uA", leaks and rises)
    about = context.about(if_neuron(), device="Mott nbo2", r="10 kOhm", c=f"{MEMBRANE:g} F", r_sense="1 kOhm")
    outcome.keep(Curve(amps, counts, "input current", "A", "spikes", "1", name="spike-count",
                       columns={"rate": Column(np.array([f.spikes.rate for f in counted]), "Hz")},
                       provenance={**about, "protocol": f"constant current for {stop:g} s"}))
    first = charged[0].spikes
    outcome.keep(Curve(np.arange(1.0, len(first) + 1), first.times, "spike number", "1", "time", "s", name="dense",
                       provenance=about) if len(first) else outcome.curves[0])
    outcome.figures["count"] = outcome.curves[0].plot(title=f"Spikes in {stop / US:g} µs", marker="o")
    outcome.figures["leak"] = _leak_figure(charged, charges[0])


def _leak_figure(found: Sequence[Firing], charge: float) -> Figure:
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(2, len(found), sharey="row", sharex="col", height_ratios=(2, 1))
    threshold = static(Mott.preset("nbo2")).v_th
    for k, (f, (count, amps, period)) in enumerate(zip(found, CHARGES.values(), strict=True)):
        time = f.result.time / US
        panels[0, k].plot(time, f.result["v(inside)"], color=BLUE, lw=1)
        panels[0, k].axhline(threshold, color=ORANGE, lw=0.8, ls="--")
        panels[0, k].set_title(f"{count} pulses of {amps / UA:g} µA, {period / US:g} µs apart", fontsize=10)
        panels[1, k].plot(time, f.result["v(axon)"], color=BLUE, lw=1)
        panels[1, k].set_xlabel("Time (µs)")
        panels[1, k].set_xlim(0, min(time[-1], 1.3 * (count * period / US) + 2))
    panels[0, 0].annotate("threshold", (0.98, threshold), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          fontsize=8.5)
    panels[0, 0].set_ylabel("Membrane (V)")
    panels[1, 0].set_ylabel("Output (V)")
    figure.suptitle(f"The same charge, {charge * 1e12:.0f} pC", fontsize=11)
    return figure


PICKETT = "Pickett et al., Nat. Mater. 12, 114 (2013); Fig. 9 of the review Memory device physics"
EXPERIMENTS = (
    Experiment("relaxation-oscillator", "Pearson-Anson oscillator of an NbO2 switch: frequency, load-line condition",
               "Pearson and Anson, Proc. Phys. Soc. London 34, 175 (1922); NbO2: Pickett and Williams, Nanotechnology "
               "23, 215202 (2012)", _relaxation_oscillator),
    Experiment("neuristor", "Hodgkin-Huxley neuristor of two NbO2 switches (Fig. 9)", PICKETT, _neuristor),
    Experiment("mott-lif", "Leaky integrate-and-fire neuron of an NbO2 switch (Fig. 24b)",
               "Zhang et al. 2019, ref. 289 and Fig. 24b of the review Future of Memristors", _mott_lif),
)
