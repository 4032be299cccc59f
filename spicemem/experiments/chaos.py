"""Chaos: a memristor-coupled Josephson junction (Fig. 26a), a driven NbO2 cell, and a Hopfield network (Sec. 5.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from spicemem.circuits.chaotic import coupled_junction, gated_oscillator, plasma_period
from spicemem.circuits.hopfield import MEMBRANE, hebb, hopfield
from spicemem.curve import Column, Curve, Published
from spicemem.engines import Engine, Result
from spicemem.errors import InputError
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Param
from spicemem.protocols.exponents import (
    Exponent,
    Twins,
    along,
    map_exponent,
    period,
    surrogate_test,
    twins,
)
from spicemem.protocols.firing import Firing, fire
from spicemem.protocols.pool import map_runs
from spicemem.spikes import Array
from spicemem.spread import Normal, generator, redrawn
from spicemem.waveform import Waveform

US, UA = 1e-6, 1e-6
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

# --- josephson ------------------------------------------------------------------------------------------------------

#: What counts as 1 in a distance: the units of the dimensionless equations.
SCALES = {"jj.c": 1.0, "jj.s": 1.0, "mem.flux": 1e-6, "v(node)": 1.0, "i(coil)": 1e-3}
REST = {"jj.c": 1.0, "jj.s": 0.0, "mem.flux": 0.0, "v(node)": 0.0, "i(coil)": 0.0}
#: Seconds: a run from rest, the part of it that does not count; twins, and how long they take to align.
RUN, SETTLED, APART, ALIGN = 500 * US, 150 * US, 220 * US, 20 * US
#: Steps in the shortest period of the junction: with 100, chaos makes 1 % of the errors of the first five events.
PERIOD_STEPS = 250
#: What twins start apart, V.
NUDGE = 1e-7


@dataclass(frozen=True, eq=False)
class Coupled:
    """A junction at one coupling: the run from rest, its twins, the largest exponent in 1/us."""

    k: float
    run: Result
    pairs: Twins
    exponent: Exponent


def junction_exponent(engine: Engine, count: int, k: float) -> Coupled:
    """The largest exponent of the junction from `count` twins that start along its run from rest."""
    cell = coupled_junction(k)
    step = plasma_period(cell) / PERIOD_STEPS
    run = engine.run(cell, RUN, max_step=step, initial=REST, save=list(SCALES))
    starts = along(run, SCALES, np.linspace(SETTLED, RUN, count))
    pairs = twins(cell, starts, SCALES, ("v(node)", NUDGE), engine=engine, stop=APART, max_step=step)
    found = pairs.exponent(ALIGN)
    return Coupled(k, run, pairs, Exponent(found.value * US, found.error * US, found.each * US))


def _josephson(context: Context) -> None:
    outcome, quick, engine = context.outcome, context.quick, context.engine
    scale = context.values["coupling"]
    ks = np.array((0.006, 0.1) if quick else (0.005, 0.006, 0.0065, 0.02, 0.05, 0.1))
    found = map_runs(partial(junction_exponent, engine, 6 if quick else 12), [float(k * scale) for k in ks], engine,
                     context.executor, context.progress, "couplings")
    outcome.remarks.extend(f"junction, k = {c.k:g}: {w}" for c in found for w in (*c.run.warnings,
                                                                                 *c.pairs.result.warnings))
    chaotic = [c for c in found if c.exponent.value - 2 * c.exponent.error > 0.005]
    still = [c for c in found if c.exponent.value + 2 * c.exponent.error < 0.002]
    outcome.score("josephson-exponent", "largest exponent in 1/us: " + ", ".join(
        f"{c.exponent.value:+.4f} +- {c.exponent.error:.4f} at k = {c.k:g}" for c in found)
        + f"; {len(chaotic)} above +0.005 and {len(still)} below +0.002 by two standard errors",
        bool(chaotic) and bool(still))
    about = {"circuit": "coupled_junction", "engine": f"{engine.name} {engine.version()}",
             "twins": f"{len(found[0].pairs.distances)} pairs, {NUDGE:g} V apart at first"}
    curve = Curve(np.array([c.k for c in found]), np.array([c.exponent.value for c in found]), "coupling", "1",
                  "largest exponent", "1/us", name="exponents", columns={
                      "error": Column(np.array([c.exponent.error for c in found]), "1/us", "standard error")},
                  published=(Published("chaos above", "criterion", low=0.005, axis="y"),
                             Published("periodic below", "criterion", high=0.002, axis="y")), provenance=about)
    outcome.keep(curve)
    shown = [max(found, key=lambda c: c.exponent.value), min(found, key=lambda c: abs(c.k - 0.1 * scale))]
    for c, name in zip(shown, ("chaotic", "periodic"), strict=True):
        outcome.keep(Curve(c.pairs.time, np.exp(np.log(c.pairs.distances).mean(axis=0)), "time", "s",
                           "geometric mean of the distances", "1", name=f"twins-{name}",
                           provenance={**about, "coupling": f"{c.k:g}"}))
    outcome.figures["junction"] = _junction_figure(found, shown)


def _junction_figure(found: Sequence[Coupled], shown: Sequence[Coupled]) -> Figure:
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    panels = figure.subplots(2, 3, width_ratios=(1.7, 1, 1.2))
    for row, c, colour, word in zip(panels, shown, (ORANGE, BLUE), ("chaotic", "periodic"), strict=True):
        late = c.run.time > RUN - 120 * US
        row[0].plot(c.run.time[late] / US, c.run["v(node)"][late], color=colour, lw=0.8)
        row[0].set_title(f"k = {c.k:g}: {word}", fontsize=10)
        row[0].set_xlabel("Time (µs)")
        row[0].set_ylabel("Junction (V)")
        late = c.run.time > SETTLED
        row[1].plot(c.run["v(node)"][late], c.run["i(coil)"][late] * 1e3, color=colour, lw=0.4)
        row[1].set_xlabel("Junction (V)")
        row[1].set_ylabel("Inductor (mA)")
    top, bottom = panels[0, 2], panels[1, 2]
    for c, colour in zip(shown, (ORANGE, BLUE), strict=True):
        top.semilogy(c.pairs.time / US, c.pairs.distances.T, color=colour, lw=0.3, alpha=0.5)
        top.semilogy(c.pairs.time / US, np.exp(np.log(c.pairs.distances).mean(axis=0)), color=colour, lw=1.8,
                     label=f"k = {c.k:g}: {c.exponent.value:+.4f} /µs")
    top.set_xlabel("Time (µs)")
    top.set_ylabel("Distance of twins")
    top.legend(fontsize=8)
    bottom.errorbar([c.k for c in found], [c.exponent.value for c in found], [2 * c.exponent.error for c in found],
                    fmt="o", ms=4, lw=1, color="black", capsize=2)
    bottom.set_xscale("log")
    bottom.axhline(0.005, color=ORANGE, lw=0.9, ls="--", label="chaos: above 0.005")
    bottom.axhline(0.002, color=BLUE, lw=0.9, ls="--", label="periodic: below 0.002")
    bottom.set_xlabel("Coupling k")
    bottom.set_ylabel("Largest exponent (1/µs)")
    bottom.legend(fontsize=8)
    return figure


# --- chaos ----------------------------------------------------------------------------------------------------------

#: Supply and mean gate, V; period of the drive, s: between one and two intervals of the cell alone.
SUPPLY, GATE, PERIOD = 5.0, 0.9, 6.1 * US
#: Current of an event, A: on and off, either side of what holds the switch on.
FIRES, RESET = 200 * UA, 100 * UA
#: Points of a sine a period.
SAMPLES = 32
#: Events at the start that do not count; mean interval, s, for the length of a run.
FIRST, INTERVAL = 20, 6 * US
#: Relative noise of the switch's current in the run that is irregular without chaos, and how long each draw lasts, s.
NOISE, SLOT = 0.1, 0.1 * US


def sine(mean: float, size: float, stop: float) -> Waveform:
    """A sine around a mean (V) for `stop` seconds, sampled."""
    t = np.arange(int(stop / PERIOD * SAMPLES) + 2) * PERIOD / SAMPLES
    return Waveform(t, mean + size * np.sin(2 * np.pi * t / PERIOD))


def driven(engine: Engine, events: int, size: float, seed: int | None = None) -> Firing:
    """The cell for about so many events: a drive of some size (V) at its gate, and noise of a seed in the switch."""
    stop = (events + FIRST) * INTERVAL
    noise = {} if seed is None else {"jitter": redrawn(Normal(NOISE), SLOT, stop, seed)}
    cell = gated_oscillator(noisy=bool(noise)).drive(supply=Waveform.points((0, 0), (1e-8, SUPPLY)),
                                                     gate=sine(GATE, size, stop), **noise)
    return fire(cell, stop, engine=engine, signal="i(sense)", threshold=FIRES, reset=RESET,
                extra=["v(axon)"])


@dataclass(frozen=True, eq=False)
class Train:
    """Intervals (s) of one drive and what they are: period (0 for none), exponent of the return map, surrogate test."""

    size: float
    firing: Firing
    intervals: Array
    phases: Array
    period: int
    exponent: Exponent | None
    test: tuple[float, Array, float]

    @property
    def chaotic(self) -> bool:
        """Not periodic, diverging by two standard errors, and predictable as no linear noise is."""
        return (self.period == 0 and self.exponent is not None and self.test[2] <= 0.05
                and self.exponent.value > 2 * self.exponent.error)


def judged(firing: Firing, size: float) -> Train:
    """The train of a drive of some size (V), judged."""
    times = firing.spikes.times[FIRST:]
    intervals, phases = np.diff(times), times / PERIOD
    repeats = period(intervals)
    try:
        found = None if repeats else map_exponent(phases)
    except InputError:  # too few phases to see a map: a long period, no chaos
        found = None
    return Train(size, firing, intervals, phases, repeats, found, surrogate_test(intervals))


def _train(engine: Engine, events: int, item: tuple[float, int | None]) -> Train:
    return judged(driven(engine, events, *item), item[0])


def longest(flags: Sequence[bool]) -> tuple[int, int]:
    """First and last index of the longest row of True; (0, -1) for none."""
    best, at = (0, -1), 0
    for value, group in groupby(flags):
        size = len(list(group))
        if value and size > best[1] - best[0] + 1:
            best = (at, at + size - 1)
        at += size
    return best


def _chaos(context: Context) -> None:
    outcome, quick, engine = context.outcome, context.quick, context.engine
    factor = context.values["drive"]
    sizes = np.array((0.25, 0.26, 0.36, 0.38) if quick else
                     (0.1, 0.2, 0.25, 0.255, 0.26, 0.32, 0.34, 0.36, 0.38, 0.4))
    events = 50 if quick else 120
    items: list[tuple[float, int | None]] = [(float(a * factor), None) for a in sizes]
    found = map_runs(partial(_train, engine, events), [*items, (0.0, 1)], engine, context.executor, context.progress,
                     "drives")
    outcome.remarks.extend(f"driven cell, {t.size:g} V: {w}" for t in found for w in t.firing.result.warnings)
    trains, noise = found[:-1], found[-1]
    chaotic, periodic = longest([t.chaotic for t in trains]), longest([t.period > 0 for t in trains])
    enough = min(last - first + 1 for first, last in (chaotic, periodic)) >= 2
    irregular = noise.period == 0 and noise.intervals.std() > 0.02 * noise.intervals.mean()
    texts = []
    for (first, last), word in ((chaotic, "chaotic"), (periodic, "periodic")):
        part = trains[first:last + 1]
        told = ", ".join(f"{t.exponent.value:+.2f} +- {t.exponent.error:.2f}" if word == "chaotic" and t.exponent else
                          f"period {t.period}" for t in part)
        texts.append(f"{word} from {part[0].size:g} to {part[-1].size:g} V ({told})" if part else f"none {word}")
    worst = max((t.test[2] for t in trains[chaotic[0]:chaotic[1] + 1]), default=float("nan"))
    outcome.score("chaos-exponent", "; ".join(texts) + f"; exponents per event; surrogates: p at most {worst:.3f} in "
                  f"the chaotic range, {noise.test[2]:.3f} for intervals of noise that vary by "
                  f"{noise.intervals.std() / noise.intervals.mean() * 100:.0f} %",
                  enough and irregular and noise.test[2] > 0.05)
    nan = float("nan")
    about = {"circuit": "gated_oscillator", "drive": f"{PERIOD:g} s, about {GATE:g} V", "events": str(events),
             "engine": f"{engine.name} {engine.version()}"}
    outcome.keep(Curve(
        np.array([t.size for t in trains]), np.array([t.exponent.value if t.exponent else nan for t in trains]),
        "size of the drive", "V", "exponent per event", "1", name="exponents", columns={
            "error": Column(np.array([t.exponent.error if t.exponent else nan for t in trains]), "1", "standard error"),
            "period": Column(np.array([float(t.period) for t in trains]), "1", "events"),
            "p": Column(np.array([t.test[2] for t in trains]), "1", "surrogate test")}, provenance=about))
    middle = trains[(chaotic[0] + max(chaotic)) // 2]
    for name, train in (("chaotic", middle), ("noise", noise)):
        outcome.keep(Curve(np.arange(1.0, len(train.intervals) + 1), train.intervals, "interval", "1", "length", "s",
                           name=f"intervals-{name}", provenance={**about, "size": f"{train.size:g} V"}))
    outcome.figures["chaos"] = _chaos_figure(trains, noise, middle)


def _chaos_figure(trains: Sequence[Train], noise: Train, chaotic: Train) -> Figure:
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    top = figure.add_subplot(grid[0, :2])
    for t in trains:
        colour = ORANGE if t.chaotic else BLUE if t.period else GREY
        top.plot(np.full(len(t.intervals), t.size), t.intervals / US, ".", ms=2, color=colour)
    for colour, text in ((ORANGE, "chaotic"), (BLUE, "periodic"), (GREY, "neither")):
        top.plot([], [], "o", ms=4, color=colour, label=text)
    top.set_xlabel("Size of the drive (V)")
    top.set_ylabel("Interval (µs)")
    top.legend(fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.14), frameon=False)
    ax = figure.add_subplot(grid[0, 2])
    x = chaotic.phases % 1
    ax.plot(x[:-1], x[1:], ".", ms=2.5, color=ORANGE)
    ax.set_xlabel("Phase of an event")
    ax.set_ylabel("Phase of the next")
    ax.set_title(f"return map, {chaotic.size:g} V", fontsize=10)
    ax = figure.add_subplot(grid[1, 0])
    result = chaotic.firing.result
    part = (result.time > result.time[-1] - 100 * US) & (result.time < result.time[-1])
    ax.plot(result.time[part] / US, result["i(sense)"][part] / UA, color=ORANGE, lw=0.8)
    ax.set_xlabel("Time (µs)")
    ax.set_ylabel("Switch (µA)")
    ax = figure.add_subplot(grid[1, 1])
    for t, colour, text in ((chaotic, ORANGE, f"{chaotic.size:g} V"), (noise, GREY, "noise, no drive")):
        ax.plot(t.intervals[:-1] / US, t.intervals[1:] / US, ".", ms=2.5, color=colour, label=text)
    ax.set_xlabel("Interval (µs)")
    ax.set_ylabel("Next interval (µs)")
    ax.legend(fontsize=8)
    ax = figure.add_subplot(grid[1, 2])
    for k, (t, colour) in enumerate(((chaotic, ORANGE), (noise, GREY))):
        ax.plot(t.test[1], np.full(len(t.test[1]), k), "|", color=colour, ms=14)
        ax.plot([t.test[0]], [k], "D", color="black", ms=5, label="own" if not k else None)
    ax.plot([], [], "|", color=GREY, ms=10, label="surrogates")
    ax.set_yticks((0, 1), (f"{chaotic.size:g} V", "noise"))
    ax.set_ylim(-0.6, 1.9)
    ax.set_xlim(left=0)
    ax.set_xlabel("Error of prediction")
    ax.legend(fontsize=8, ncols=2, loc="upper center")
    return figure


# --- hopfield -------------------------------------------------------------------------------------------------------

#: The stored patterns, three by three: T, L and a cross.
PATTERNS = {"T": "111010010", "L": "100100111", "X": "101010101"}
#: A weighted maximum cut of eight nodes: edges and their weights. The best cut, of 128, is 36.
EDGES = ((0, 2, 3), (0, 3, 3), (0, 6, 5), (0, 7, 1), (1, 3, 1), (1, 4, 3), (2, 6, 5), (2, 7, 5), (3, 4, 3), (4, 5, 4),
         (4, 6, 2), (4, 7, 5), (6, 7, 4))
#: Conductance (S) of a weight of 1 in either network; where a neuron starts, V.
UNIT, START = 20 * UA, 0.09
#: Seconds: to settle, to anneal (the last fifth without chaos), between points of the chaotic current.
REST_TIME, ANNEAL, POINT = 20 * US, 90 * US, 3 * US
#: Longest step over the shortest time constant of a neuron.
PART = 0.1


def cut(weights: Array, sides: Array) -> float:
    """The weight of the edges between the two sides, +1 and -1."""
    return float(0.25 * np.sum(weights * (1 - np.outer(sides, sides))))


def best_cut(weights: Array) -> float:
    """The largest cut, by trying all."""
    n = len(weights)
    bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    return max(cut(weights, 2.0 * b - 1.0) for b in bits)


def maximum_cut() -> Array:
    """The weights of the edges as a symmetric matrix."""
    n = 1 + max(j for _, j, _ in EDGES)
    found = np.zeros((n, n))
    for i, j, weight in EDGES:
        found[i, j] = found[j, i] = weight
    return found


@dataclass(frozen=True, eq=False)
class Settled:
    """Where a network has come to: +1 and -1, and the most that a device has moved, over its range."""

    signs: Array
    moved: float
    result: Result


def settled(engine: Engine, weights: Array, start: Array, amps: dict[int, Waveform], stop: float) -> Settled:
    """Run the network from a state of +1 and -1."""
    step = PART * MEMBRANE / (UNIT * np.abs(weights).sum(axis=1).max())
    net = hopfield(weights, UNIT, amps)
    n = len(weights)
    devices = [f"{name}.w" for name in net.devices() if name.startswith("w")]
    result = engine.run(net, stop, max_step=step * (4 if amps else 1), save=[f"v(p{k})" for k in range(n)] + devices,
                        initial={f"v(u{k})": START * float(start[k]) for k in range(n)})
    moved = max(abs(result[d][-1] - result[d][0]) for d in devices) / 3e-9
    return Settled(np.sign([float(result[f"v(p{k})"][-1]) for k in range(n)]), float(moved), result)


def chaotic_currents(trace: tuple[Array, Array], size: float, seed: int, count: int) -> dict[int, Waveform]:
    """A current (A) for each neuron: pieces of one chaotic waveform from times drawn by a seed, fading linearly."""
    time, values = trace
    source = generator(seed, "chaos")
    points = np.arange(0.0, 0.8 * ANNEAL, POINT)
    fade = size * (1 - points / points[-1])
    starts = source.uniform(time[0], time[-1] - ANNEAL, count)
    return {k: Waveform(points, fade * np.interp(t + points, time, values)) for k, t in enumerate(starts)}


def _anneal(engine: Engine, trace: tuple[Array, Array], item: tuple[int, float]) -> Settled:
    seed, size = item
    weights = maximum_cut()
    start = generator(seed, "start").choice([-1.0, 1.0], len(weights))
    # Size in units of what all outputs at their largest feed into the busiest neuron.
    amps = chaotic_currents(trace, size * UNIT * np.abs(weights).sum(axis=1).max() * 0.3, seed, len(weights))
    return settled(engine, -weights, start, amps if size else {}, ANNEAL if size else REST_TIME)


def _recall(engine: Engine, weights: Array, start: Array) -> Settled:
    return settled(engine, weights, start, {}, REST_TIME)


def _hopfield(context: Context) -> None:
    outcome, quick, engine = context.outcome, context.quick, context.engine
    stored = {name: np.array([1.0 if c == "1" else -1.0 for c in text]) for name, text in PATTERNS.items()}
    weights = hebb(list(stored.values()))
    starts = [(name, pixel) for name in stored for pixel in ((3, 7) if quick else range(9))]
    flipped = [np.where(np.arange(9) == pixel, -stored[name], stored[name]) for name, pixel in starts]
    recalled = map_runs(partial(_recall, engine, weights), flipped, engine, context.executor, context.progress,
                        "recall")
    right = [bool((s.signs == stored[name]).all()) for s, (name, _) in zip(recalled, starts, strict=True)]
    log = driven(engine, 30 if quick else 100, 0.36).result
    late = log.time > FIRST * INTERVAL
    values = log["v(axon)"][late]
    trace = (log.time[late], (values - values.mean()) / (0.5 * np.ptp(values)))
    size, count = context.values["chaos"], 4 if quick else 50
    runs = map_runs(partial(_anneal, engine, trace), [(k, s) for s in (0.0, size) for k in range(count)], engine,
                    context.executor, context.progress, "starts")
    cuts = np.array([cut(maximum_cut(), s.signs) for s in runs])
    plain, annealed = cuts[:count], cuts[count:]
    best = best_cut(maximum_cut())
    hits = int((plain == best).sum()), int((annealed == best).sum())
    moved = max(s.moved for s in (*recalled, *runs))
    outcome.remarks.extend(f"network: {w}" for s in (*recalled, *runs) for w in s.result.warnings)
    outcome.score(
        "hopfield-recall", f"{sum(right)} of {len(right)} one-pixel corruptions recalled; the best cut, {best:g}, from "
        f"{hits[1]} of {count} starts with the chaotic annealer and {hits[0]} of {count} without; mean cut "
        f"{annealed.mean():.1f} and {plain.mean():.1f}; weights moved by {moved * 100:.2g} % at most",
        all(right) and hits[1] > hits[0] and moved < 0.01 and (quick or count >= 50))
    about = {"circuit": "hopfield", "engine": f"{engine.name} {engine.version()}"}
    outcome.keep(
        Curve(np.arange(float(count)), annealed, "seed of the start", "1", "cut reached", "1", name="cuts",
              columns={"plain": Column(plain, "1", "without chaos")}, provenance={**about, "best": f"{best:g}"}),
        Curve(np.arange(float(len(right))), np.array(right, float), "corruption", "1", "recalled", "1", name="recall",
              provenance={**about, "patterns": " ".join(PATTERNS.values())}))
    outcome.figures["network"] = _network_figure(
        [(stored[n], f, s) for (n, p), f, s in zip(starts, flipped, recalled, strict=True) if p == 3],
        plain, annealed, best, runs[count + int(np.argmax(annealed - plain))])


def _network_figure(recalled: Sequence[tuple[Array, Array, Settled]], plain: Array, annealed: Array, best: float,
                    example: Settled) -> Figure:
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    grid = figure.add_gridspec(len(recalled), 5, width_ratios=(0.55, 1.3, 0.55, 2.2, 2.0))
    for row, (_, start, s) in enumerate(recalled):
        for column, (values, title) in enumerate(((start, "start"), (s.signs, "end"))):
            ax = figure.add_subplot(grid[row, 2 * column])
            ax.imshow(values.reshape(3, 3), cmap="gray_r", vmin=-1, vmax=1.6)
            ax.set_xticks(())
            ax.set_yticks(())
            if not row:
                ax.set_title(title, fontsize=10)
        ax = figure.add_subplot(grid[row, 1])
        for k in range(len(start)):
            colour, width = (ORANGE, 1.4) if start[k] != s.signs[k] else (BLUE, 0.8)
            ax.plot(s.result.time / US, s.result[f"v(p{k})"], color=colour, lw=width)
        ax.set_xlim(0, 10)
        ax.set_ylabel("Output (V)")
        if row == len(recalled) - 1:
            ax.set_xlabel("Time (µs)")
    ax = figure.add_subplot(grid[:, 3])
    for k in range(len(example.signs)):
        ax.plot(example.result.time / US, 0.8 * k + example.result[f"v(p{k})"], color=BLUE, lw=0.8)
    ax.set_yticks([0.8 * k for k in range(len(example.signs))], [str(k) for k in range(len(example.signs))])
    ax.set_ylabel("Neuron, output ±0.3 V")
    ax.set_xlabel("Time (µs)")
    ax.set_title("annealed by chaos", fontsize=10)
    ax = figure.add_subplot(grid[:, 4])
    levels = np.unique(np.r_[plain, annealed, best])
    at = np.arange(len(levels))
    for values, colour, shift, text in ((plain, GREY, -0.2, "without chaos"), (annealed, ORANGE, 0.2, "with chaos")):
        ax.bar(at + shift, [(values == level).sum() for level in levels], 0.4, color=colour, label=text)
    ax.set_xticks(at, [f"{level:g}" for level in levels])
    ax.set_xlabel(f"Cut reached (best: {best:g})")
    ax.set_ylabel("Starts")
    ax.legend(fontsize=8)
    return figure


EXPERIMENTS = (
    Experiment("josephson", "Josephson junction coupled to a memristor: chaotic and periodic motion (Fig. 26a)",
               "Zhang et al. 2018, ref. 290 and Fig. 26a of the review Future of Memristors", _josephson,
               {"coupling": Param(1.0, "1", "times every coupling", low=0.0, high=1e3, source="chosen: 1")}),
    Experiment("chaos", "Chaotic intervals of a driven NbO2 cell, told apart from noise (Sec. 5.2.2)",
               "Kumar, Strachan and Williams, Nature 548, 318 (2017), ref. 285 of the review Future of Memristors",
               _chaos, {"drive": Param(1.0, "1", "times every size of the drive", low=0.0, high=3.0,
                                       source="chosen: 1")}),
    Experiment("hopfield", "Hopfield network of memristors: recall, and a chaotic annealer (Sec. 5.2.2)",
               "Hopfield, Proc. Natl. Acad. Sci. USA 79, 2554 (1982); annealer: Kumar et al., Nature 548, 318 (2017); "
               "refs. 275 and 285 of the review Future of Memristors", _hopfield,
               {"chaos": Param(1.5, "1", "largest chaotic current, over what all outputs feed into the busiest neuron",
                               low=0.0, high=100.0, source="chosen")}),
)
