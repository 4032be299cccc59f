"""Second-order memristors: STDP without overlap (Ta2O5-x), triplets of spikes and the BCM rule (WO3-x).

Spikes go to both neurons alike; the device's setting pin is at the postsynaptic one, so that post after pre
potentiates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spicemem.circuit import Circuit, Synapse
from spicemem.curve import Column, Curve, Published
from spicemem.devices.second_order import SecondOrderTaOx, SecondOrderWOx
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Model
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import apply
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import Pairing, lone_spikes, pairing, stdp
from spicemem.protocols.triplets import Kind, bcm, divided, firing, threshold, triplet_stdp
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
PAPER = "Ielmini et al. 2021, Brain-inspired computing via memory device physics"


def turned(device: Model) -> Circuit:
    """One two-terminal device whose voltage is v(post) - v(pre): post after pre potentiates. Read from post."""
    cell = Circuit("turned_device", ("pre", "post"), "One device, its setting pin at the postsynaptic neuron",
                   (Synapse("syn", "pre", "post", "post", "syn"),))
    return cell.add("syn", device, p="post", n="pre")


def steps(*levels: tuple[float, float], edge: float) -> Waveform:
    """Voltages (V) held for times (s) one after the other, from and to 0 V; an edge (s) begins each."""
    points, now = [(0.0, 0.0)], 0.0
    for volts, width in levels:
        points += [(now + edge, volts), (now + width, volts)]
        now += width
    return Waveform.points(*points, (now + edge, 0.0))


# --- second-order-stdp ----------------------------------------------------------------------------------------------

#: V and s, programming then heating.
KIM_SPIKE = ((1.6, 20e-9), (0.7, 1e-6))
KIM_DELAYS = np.array([1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0]) * 1e-6
_READ = Reading(0.1, 1e-6)


def _pair(p: Pairing, delay: float) -> Curve:
    """Voltage of the device over time, temperature and change of w besides, for one pair."""
    run = p.pair(delay, None, ("syn.t", "syn.w", "v(pre)", "v(post)"))
    first = p.waves(delay)[1] + min(delay, 0.0)
    return Curve(run.time - first, run["syn.t"], "time from the first spike", "s", "temperature", "K",
                 name=f"pair-{delay * 1e6:g}us",
                 columns={"voltage": Column(run["v(post)"] - run["v(pre)"], "V", "v(post) - v(pre)"),
                          "w": Column(run["syn.w"], "1", "position in the conductance window")})


def _second_order_stdp(context: Context) -> None:
    outcome = context.outcome
    cell, spike = turned(SecondOrderTaOx.preset("kim_2015")), divided(steps(*KIM_SPIKE, edge=1e-10), 10)
    side = KIM_DELAYS[[0, 2, 4, 6]] if context.quick else KIM_DELAYS
    delays = np.r_[-side[::-1], side]
    curve = stdp(cell, pre=spike, post=spike, delays=delays, engine=context.engine, reading=_READ, read_delay=20e-6,
                 executor=context.executor, progress=context.progress, name="stdp")
    curve = replace(curve, y=100 * curve.y / curve.columns["g_before"].values, y_label="dG/G", y_unit="%")
    # From the end of one spike to the beginning of the other: above 0, they share no moment.
    pause = float(np.abs(delays).min()) - spike.duration
    peak, last = float(np.abs(curve.y).max()), float(np.abs(curve.y[[0, -1]]).max())
    bound = Published("a tenth of the peak", "criterion", x=(-3e-6, 3e-6), y=(-0.1 * peak, 0.1 * peak))
    curve = replace(curve, published=(bound,))
    outcome.keep(curve)
    signs = bool((np.sign(curve.y) == np.sign(delays)).all())
    outcome.score("second-order-stdp-non-overlap", f"at least {engineering(pause, 's')} between the spikes; dG/G "
                  f"{curve.y.min():.2f} to {curve.y.max():.2f} %, {last / peak:.4f} of it at 3 us"
                  f"{'' if signs else ', sign not that of dt'}", pause > 0 and signs and last < 0.1 * peak)
    p = pairing(cell, pre=spike, post=spike, engine=context.engine, reading=_READ)
    shown = (1.2e-6, 3e-6)
    pairs = map_runs(partial(_pair, p), shown, context.engine, context.executor, context.progress, "pairs")
    outcome.keep(*(replace(c, provenance={**curve.provenance, "protocol": f"one pair at {engineering(d, 's')}"})
                   for c, d in zip(pairs, shown, strict=True)))
    outcome.figures["stdp"] = _stdp_figure(curve, pairs, shown)
    lone = lone_spikes(cell, pre=spike, post=spike, engine=context.engine, reading=_READ, read_delay=20e-6)
    g = float(curve.columns["g_before"].values[0])
    outcome.remarks += [
        f"pre and post spikes never overlap: each lasts {engineering(spike.duration, 's')}, the shortest scored delay "
        f"is {engineering(float(np.abs(delays).min()), 's')}",
        "a lone spike changes the conductance by " + ", ".join(
            f"{100 * v / g:+.2f} % ({which})" for which, by in lone.items() for v in by.values())
        + f"; a spike heats the device to {pairs[1].y[pairs[1].x < 2e-6].max():.0f} K"]


def _stdp_figure(curve: Curve, pairs: Sequence[Curve], delays: Sequence[float]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    grid = figure.add_gridspec(3, 2)
    ax = figure.add_subplot(grid[:, 0])
    for sign, label in ((1, "post after pre"), (-1, "pre after post")):
        side = curve.x * sign > 0
        replace(curve, x=curve.x[side], y=curve.y[side], columns={},
                published=curve.published if sign > 0 else ()).plot(ax, label=label)
    ax.set_title("Change by one pair of spikes", fontsize=11)
    rows = [figure.add_subplot(grid[k, 1]) for k in range(3)]
    for pair, delay, colour in zip(pairs, delays, ("#0072b2", "#d55e00"), strict=True):
        for ax, values in zip(rows, (pair.columns["voltage"].values, pair.y,
                                     100 * (pair.columns["w"].values - pair.columns["w"].values[0])), strict=True):
            ax.plot(pair.x * 1e6, values, lw=1.4, color=colour, label=f"Δt = {delay * 1e6:g} µs")
    for ax, label in zip(rows, ("Post − pre (V)", "Temperature (K)", "Δw (%)"), strict=True):
        ax.set_ylabel(label, fontsize=9.5)
        ax.grid(True, color="#dddddd", lw=0.6)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=9, labelbottom=ax is rows[-1])
    rows[-1].set_xlabel("Time from the first spike (µs)", fontsize=11)
    rows[0].set_title("What one spike leaves for the next", fontsize=11)
    figure.align_ylabels(rows)
    rows[-1].legend(loc="center right", fontsize=8.5, frameon=False)
    return figure


# --- triplet-bcm ----------------------------------------------------------------------------------------------------

#: V and s, programming then the longer, lower part that makes vacancies mobile; edges in s.
WOX_SPIKE, WOX_EDGE = ((1.3, 1e-4), (0.5, 5e-3)), 1e-6
#: One post spike of both signs, and a pre spike that only makes vacancies mobile: the rule of preset bcm.
TRAIN_POST, TRAIN_PRE = ((1.2, 1e-4), (-1.2, 1e-4)), ((0.5, 5e-3),)
MAP_START, STARTS, TRAIN_STARTS = 0.5, (0.54, 0.58, 0.62), (0.2, 0.4, 0.6)
RATES = np.array([1.4, 2, 3, 4.5, 6, 8, 11, 15, 20, 27, 36, 50, 70, 90])
TRAIN_RATES = np.array([2.0, 4, 6, 8, 12, 18, 26, 36, 46, 60, 90])
#: s from the first spike to the reading.
WAIT, TRAIN_WAIT = 1.5, 1.0
#: s of triplets in a train.
TRAIN = 0.5
KINDS: tuple[tuple[Kind, int], ...] = (("post-pre-post", -1), ("pre-post-pre", 1))
#: Activity before the test: rate (Hz) and number of triplets, one every WAIT.
HISTORIES = {"quiet": (10.0, 12), "none": (1.0, 0), "active": (70.0, 3)}


def wox(w: float, preset: str = "du_2015") -> Circuit:
    """The WO3-x device with a conducting share w at the start."""
    return turned(SecondOrderWOx.preset(preset, w_init=w))


def tick(curve: Curve) -> bool:
    """Negative at the lowest rates, positive at the highest, one minimum between."""
    slopes = np.sign(np.diff(curve.y))
    bottom = int(np.argmin(curve.y))
    return bool(curve.y[0] < 0 < curve.y[-1] and 0 < bottom < len(curve) - 1
                and (slopes[:bottom] < 0).all() and (slopes[bottom:] > 0).all())


def _history(context: Context, cell: Circuit, spike: Waveform, rate: float, count: int) -> Mapping[str, float] | None:
    """The state that `count` triplets leave; None for no history."""
    if not count:
        return None
    event = firing(cell.synapses[0], (spike, [0.5 / rate]), (spike, [0.0, 1 / rate]), WAIT)
    return apply(cell, [event] * count, engine=context.engine, max_step=spike.duration / 10).final


def _triplet_bcm(context: Context) -> None:
    outcome = context.outcome
    spike = steps(*WOX_SPIKE, edge=WOX_EDGE)
    post, pre = (steps(*levels, edge=WOX_EDGE) for levels in (TRAIN_POST, TRAIN_PRE))
    rates, train_rates = (RATES[1::2], TRAIN_RATES[::2]) if context.quick else (RATES, TRAIN_RATES)
    shared: dict[str, Any] = {"engine": context.engine, "executor": context.executor, "progress": context.progress}
    test: dict[str, Any] = {"pre": spike, "post": spike, "read_delay": WAIT, **shared}

    grid = np.array([10.0, 60] if context.quick else [10.0, 30, 50, 70, 90, 110]) * 1e-3
    maps = [triplet_stdp(wox(MAP_START), kind, [(sign * a, -sign * b) for a in grid for b in grid], name=kind, **test)
            for kind, sign in KINDS]
    singles = [bcm(wox(w), rates, name=f"bcm-w{w:g}", **test) for w in STARTS]
    trains = [bcm(wox(w, "bcm"), train_rates, pre=pre, post=post, read_delay=TRAIN_WAIT, duration=TRAIN,
                  name=f"trains-w{w:g}", **shared) for w in TRAIN_STARTS]
    cell = wox(STARTS[1])
    after = {name: bcm(cell, rates, name=f"history-{name}", initial=_history(context, cell, spike, *history), **test)
             for name, history in HISTORIES.items() if history[1]}
    learned = [after["quiet"], replace(singles[1], name="history-none"), after["active"]]
    outcome.keep(*maps, *singles, *trains, *learned)

    parts, passed = [], True
    for name, family in (("triplets", singles), ("trains", trains), ("after a history", learned)):
        crossings = [threshold(c) for c in family]
        ratio = crossings[-1] / crossings[0]
        ticks = sum(map(tick, family))
        parts.append(f"{name}: {ticks} of {len(family)} ticks, crossing at {', '.join(f'{c:.1f}' for c in crossings)} "
                     f"Hz from {', '.join(f'{start(c) * 1e6:.1f}' for c in family)} uS")
        passed &= ticks == len(family) and bool((np.diff(crossings) > 0).all()) and ratio >= 1.5
    nearest = [float(m.y[np.argmax(m.x)]) for m in maps]
    parts.append(f"triplets of {engineering(float(grid[0]), 's')}: " + ", ".join(
        f"{m.name} {100 * y / start(m):+.2f} %" for m, y in zip(maps, nearest, strict=True)))
    outcome.score("triplet-bcm-bcm-tick", "; ".join(parts), passed and nearest[0] > 0 > nearest[1])

    outcome.figures["triplets"] = _map_figure(maps)
    outcome.figures["bcm"] = _bcm_figure([
        ("One post-pre-post triplet", singles, [f"G₀ = {start(c) * 1e6:.1f} µS" for c in singles]),
        ("The same after a history", learned,
         [f"{count} triplets at {rate:g} Hz" if count else "no history" for rate, count in HISTORIES.values()]),
        (f"Trains of {TRAIN:g} s, mobility helps set only", trains, [f"G₀ = {start(c) * 1e6:.1f} µS" for c in trains])])
    outcome.remarks += [
        "spikes, rates and initial conductances are chosen; the paper prints none. Rate: 1/(|dt1| + |dt2|), the pre "
        "spike in the middle (row bcm-post-rate)",
        "changes include the slow relaxation of w in the "
        f"{WAIT:g} s from the first spike to the reading, the same for every rate"]


def start(curve: Curve) -> float:
    """The conductance (S) that a curve starts from."""
    return float(curve.columns["g_before"].values[0])


def _map_figure(maps: Sequence[Curve]) -> Figure:
    """Symbols at (dt1, dt2), sized and coloured by the change, as in Fig. 13b, c."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    change = [100 * m.y / start(m) for m in maps]
    top = max(float(np.abs(c).max()) for c in change)
    for ax, m, values in zip(axes, maps, change, strict=True):
        dots = ax.scatter(m.columns["dt1"].values * 1e3, m.columns["dt2"].values * 1e3, c=values, cmap="RdBu_r",
                          vmin=-top, vmax=top, s=20 + 300 * np.abs(values) / top, edgecolors="#444444", linewidths=0.6)
        ax.set_title(m.name, fontsize=11)
        ax.set_xlabel("Δt₁ (ms)", fontsize=11)
        ax.set_ylabel("Δt₂ (ms)", fontsize=11)
        ax.grid(True, color="#dddddd", lw=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.margins(0.1)
    figure.colorbar(dots, ax=axes, label="ΔG/G (%)")
    return figure


def _bcm_figure(panels: Sequence[tuple[str, Sequence[Curve], Sequence[str]]]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(panels), 4.3), layout="constrained")
    for ax, (title, curves, labels) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for curve, label in zip(curves, labels, strict=True):
            curve.plot(ax, label=label, xscale="log")
        ax.set_xticks(ticks := [2, 5, 10, 20, 50, 100], [f"{t}" for t in ticks])
        ax.set_xticks([], minor=True)
        ax.set_title(title, fontsize=11)
    return figure


EXPERIMENTS = (
    Experiment("second-order-stdp", "STDP of a second-order memristor by spikes that do not overlap (Fig. 12e, f)",
               PAPER, _second_order_stdp),
    Experiment("triplet-bcm", "Triplets of spikes and the BCM rule with its sliding threshold (Fig. 13)", PAPER,
               _triplet_bcm),
)
