"""Logic gates and the full adder on a common net (Fig. 26b-d), and the complementary switch (Fig. 12j, k)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from spicemem.circuit import Circuit, Resistor
from spicemem.circuits.logic import (
    ADDER,
    CARRY_THRESHOLD,
    GATES,
    INPUT_THRESHOLD,
    OUTPUT_THRESHOLD,
    Gate,
    Step,
    logic_gate,
    threshold_cell,
)
from spicemem.circuits.passive_cells import complementary
from spicemem.curve import Column, Curve
from spicemem.devices.vcm import VCM
from spicemem.engines import Engine, Result
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Param
from spicemem.protocols.pool import map_runs
from spicemem.spikes import Array
from spicemem.waveform import Waveform

US, KOHM, UA = 1e-6, 1e3, 1e-6
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

# --- logic ----------------------------------------------------------------------------------------------------------

#: Seconds: a step, a reading, the edges, what lies between; V: a reading.
LONG, READ, EDGE, GAP, V_READ = 10 * US, 2 * US, 0.2 * US, 1 * US, 0.1
#: Longest step, s: half an edge.
STEP = EDGE / 2


@dataclass(frozen=True, eq=False)
class Computed:
    """A run of a gate: conductance (S) of each cell before and after, current (A) of each output's reading after."""

    before: Mapping[str, float]
    after: Mapping[str, float]
    read: Mapping[str, float]
    result: Result

    def changed(self, ports: Sequence[str]) -> float:
        """The largest relative change of conductance."""
        return max(abs(self.after[p] / self.before[p] - 1) for p in ports)


def compute(engine: Engine, inputs: Mapping[str, bool], outputs: Mapping[str, tuple[float, bool]],
            steps: Sequence[Step], scale: float = 1.0) -> Computed:
    """Run the steps on a gate whose cells start as given: inputs by port, outputs by port as (threshold, state).

    scale: times every voltage of the steps. Before and after, every cell is read in the circuit: its port at 0.1 V,
    all others at 0; its conductance is its current over the voltage between port and common net, both measured.
    """
    gate = logic_gate({name: threshold_cell(INPUT_THRESHOLD, on) for name, on in inputs.items()},
                      {name: threshold_cell(volts, on) for name, (volts, on) in outputs.items()})
    ports = [*inputs, *outputs]
    phases = [({port: V_READ}, READ) for port in ports]
    phases += [({p: scale * v for p, v in step.volts([*inputs]).items()}, LONG) for step in steps] + phases
    waves: dict[str, list[tuple[float, float]]] = {port: [(0.0, 0.0)] for port in gate.ports}
    now, middles = GAP, []
    for volts, length in phases:
        for port, value in volts.items():
            if value:
                waves[port] += [(now, 0.0), (now + EDGE, value), (now + length - EDGE, value), (now + length, 0.0)]
        middles.append(now + 0.5 * length)
        now += length + GAP
    result = engine.run(gate.drive(**{p: Waveform.points(*points) for p, points in waves.items()}), now, max_step=STEP)
    reads = dict(zip((*((p, 0) for p in ports), *((p, 1) for p in ports)),
                     (*middles[:len(ports)], *middles[-len(ports):]), strict=True))
    amps = {key: -float(result.at(f"i(v_{key[0]})", t)) for key, t in reads.items()}
    siemens = {key: amps[key] / float(result.at(f"v({key[0]})", t) - result.at("v(common)", t))
               for key, t in reads.items()}
    return Computed({p: siemens[p, 0] for p in ports}, {p: siemens[p, 1] for p in ports},
                    {p: amps[p, 1] for p in outputs}, result)


def _gate(engine: Engine, scale: float, item: tuple[Gate, tuple[int, int]]) -> Computed:
    gate, (a, b) = item
    return compute(engine, {"a": bool(a), "b": bool(b)}, {"y": (OUTPUT_THRESHOLD, gate.start)}, gate.steps, scale)


def _adder(engine: Engine, scale: float, bits: tuple[int, int, int]) -> Computed:
    return compute(engine, dict(zip(("a", "b", "c"), map(bool, bits), strict=True)),
                   {"carry": (CARRY_THRESHOLD, False), "s": (OUTPUT_THRESHOLD, False)}, ADDER, scale)


def contrast(found: Sequence[float], wanted: Sequence[int]) -> float:
    """The smallest reading of a wanted 1 over the largest of a wanted 0: above 1 all are right."""
    ones = [f for f, w in zip(found, wanted, strict=True) if w]
    zeros = [f for f, w in zip(found, wanted, strict=True) if not w]
    return min(ones) / max(zeros)


def _logic(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    scale = context.values["scale"]
    pairs, triples = [*product((0, 1), (0, 1))], [*product((0, 1), (0, 1), (0, 1))]
    items = [(gate, pair) for gate in GATES.values() for pair in pairs]
    found = map_runs(partial(_gate, engine, scale), items, engine, context.executor, context.progress, "gates")
    added = map_runs(partial(_adder, engine, scale), triples, engine, context.executor, context.progress, "adder")
    context.warn("logic", (c.result for c in (*found, *added)))
    good, texts = True, []
    groups: list[tuple[str, str, list[Computed], list[int], list[str], tuple[str, ...]]] = []
    for k, (name, gate) in enumerate(GATES.items()):
        groups.append((name, "y", found[4 * k:4 * k + 4], [gate.truth[p] for p in pairs],
                       [f"{a}{b}" for a, b in pairs], ("a", "b")))
    for name, port, wanted in (("carry", "carry", [int(sum(t) >= 2) for t in triples]),
                               ("sum", "s", [sum(t) % 2 for t in triples])):
        groups.append((name, port, added, wanted, [f"{a}{b}{c}" for a, b, c in triples], ("a", "b", "c")))
    for name, port, runs, wanted, _, inputs in groups:
        ratio = contrast([c.read[port] for c in runs], wanted)
        changed = max(c.changed(inputs) for c in runs)
        good = good and ratio >= 10 and changed <= 0.05
        texts.append(f"{name} {ratio:.1f}, {changed * 100:.2g} %")
        outcome.keep(Curve(
            np.arange(float(len(runs))), np.array([c.read[port] for c in runs]), "inputs as a binary number", "1",
            "reading of the output", "A", name=name.lower(), columns={
                "wanted": Column(np.array(wanted, float), "1", "logic value"),
                "output": Column(np.array([c.after[port] for c in runs]), "S", "conductance of the output"),
                "change": Column(np.array([c.changed(inputs) for c in runs]), "1", "largest change of an input")},
            provenance={"circuit": "logic_gate", "reading": f"{V_READ:g} V at the output's port",
                        "engine": f"{engine.name} {engine.version()}"}))
    outcome.score("logic-truth-tables", "least 1 over largest 0, change of the inputs: " + "; ".join(texts), good)
    outcome.figures["states"] = _states([(n, [c.after[p] for c in runs], wanted, labels)
                                         for n, p, runs, wanted, labels, _ in groups])
    shown = {name: dict(zip(pairs, found[4 * k:4 * k + 4], strict=True)) for k, name in enumerate(GATES)}
    outcome.figures["waveforms"] = _waveforms({name: shown[name] for name in ("NAND", "NOR", "XOR")})


def _states(groups: Sequence[tuple[str, Sequence[float], Sequence[int], Sequence[str]]]) -> Figure:
    """The conductance of the output of each gate for every input."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    panels = figure.subplots(2, 4, sharey=True)
    for ax, (name, siemens, wanted, labels) in zip(panels.flat, groups, strict=False):
        ax.bar(labels, siemens, bottom=0, color=[BLUE if w else ORANGE for w in wanted], width=0.7)
        ax.set_yscale("log")
        ax.set_ylim(0.5e-6, 3e-4)
        ax.set_title(name if name == name.upper() else f"full adder: {name}", fontsize=10)
        ax.set_xlabel("Inputs" + (" A B" if len(labels) == 4 else " A B C"))
        if len(labels) > 4:
            ax.tick_params(axis="x", labelsize=7.5)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value / UA:g}")
    last = panels.flat[-1]
    last.set_axis_off()
    for color, text in ((BLUE, "1 wanted"), (ORANGE, "0 wanted")):
        last.bar([0], [np.nan], color=color, label=text)
    last.legend(loc="center", frameon=False)
    for row in panels:
        row[0].set_ylabel("Output (µS)")
    return figure


def _waveforms(shown: Mapping[str, Mapping[tuple[int, int], Computed]]) -> Figure:
    """Common net and conductance of the output in the run of three gates, as Figs. 26c and d."""
    figure = Figure(figsize=(10.5, 5.4), layout="constrained")
    panels = figure.subplots(2, len(shown), sharex="col", sharey="row", width_ratios=[1, 1, 1.5])
    for column, (name, runs) in zip(panels.T, shown.items(), strict=True):
        for (pair, c), style in zip(runs.items(), ((GREY, "-"), (GREEN, "-"), (ORANGE, "--"), (BLUE, "-")),
                                    strict=True):
            time = c.result.time / US
            share = c.result["cell_y.w"] / 3e-9
            column[0].plot(time, c.result["v(common)"], color=style[0], ls=style[1], lw=1.2)
            column[1].plot(time, 1 / (10 + 990 * np.clip(share, 0, 1)) * 1e3, color=style[0], ls=style[1], lw=1.4,
                           label=f"A B = {pair[0]} {pair[1]}")
        for level in (-1, 1):
            column[0].axhline(level, color="black", lw=0.6, ls=":")
        column[0].set_title(name + (": OR, then NAND" if name == "XOR" else ""), fontsize=10)
        column[1].set_xlabel("Time (µs)")
        column[1].set_xlim(0, time[-1])
    panels[0, 0].set_ylabel("Common net (V)")
    panels[1, 0].set_ylabel("Output (µS)")
    panels[1, 0].set_ylim(-5, 108)
    figure.legend(*panels[1, 0].get_legend_handles_labels(), fontsize=9, loc="outside lower center", ncols=4,
                  frameon=False)
    panels[0, 0].annotate("thresholds of the output", (0.98, 1.0), xycoords=("axes fraction", "data"), ha="right",
                          va="bottom", fontsize=8)
    return figure


# --- crs ------------------------------------------------------------------------------------------------------------

#: Series resistor, Ohm; loop, V and V/s.
R_SERIES, PEAK, RATE = 2 * KOHM, 1.6, 1.0
#: Voltages of a write and of the two readings: at low voltage, and inside the window.
V_WRITE, V_LOW, V_INSIDE = 1.6, 0.1, 1.0
#: Edges and flat part of a pulse, s: as slow as the loop.
RAMP, FLAT = 0.5, 0.2


@dataclass(frozen=True)
class Window:
    """One sweep: total voltage (V) where the current comes and goes, and the voltage over the cell that switches.

    low: resistance (Ohm) of the cell that opened the window, at the largest current.
    """

    opens: float
    closes: float
    over_opening: float
    over_closing: float
    low: float


def window(volts: Array, amps: Array, opening: Array, closing: Array) -> Window:
    """Where the current of a sweep rises most steeply, and where it falls most steeply after that.

    opening, closing: voltages over the two cells. The first counts at its largest before the rise, the second where
    the current is largest between rise and fall: the usual readings of set and reset voltage. All are magnitudes.
    """
    slope = np.diff(amps) / np.diff(volts)
    up = int(np.argmax(slope))
    down = up + int(np.argmin(slope[up:]))
    top = up + int(np.argmax(amps[up:down + 1]))
    return Window(float(volts[up]), float(volts[down]), float(opening[:up + 1].max()), float(closing[top]),
                  float(opening[top] / amps[top]))


def _pulses(levels: Sequence[float]) -> tuple[Waveform, list[float]]:
    """Slow pulses one after the other, and the end of the flat part of each."""
    points, ends, now = [(0.0, 0.0)], [], 0.2
    for level in levels:
        points += [(now, 0.0), (now + RAMP, level), (now + RAMP + FLAT, level), (now + 2 * RAMP + FLAT, 0.0)]
        ends.append(now + RAMP + FLAT)
        now += 2 * RAMP + FLAT + 0.2
    return Waveform.points(*points, (now, 0.0)), ends


def _alone(low: float) -> Circuit:
    """One cell in series with the resistor and with what the other cell is while it is low (Ohm)."""
    cell = Circuit("one_cell", ("pre",), "One cell in series with the resistance of a low one")
    cell.add("r_series", Resistor(R_SERIES + low), p="pre", n="inside")
    return cell.add("a", VCM(), p="inside", n="0")


def _loop(up: float, down: float, count: int = 1) -> Waveform:
    """From 0 V to `up`, to -`down` and back, as often as asked."""
    times = np.cumsum([0.0, *([up, up, down, down] * count)]) / RATE
    return Waveform(times, [0.0, *([up, 0.0, -down, 0.0] * count)])


def _rising(result: Result, wave: Waveform, sign: int) -> tuple[Array, Array, Array, Array]:
    """Sizes of voltage, current, voltages over cells a and b (or a alone) in the last rise in one polarity."""
    first = len(wave.times) - (5 if sign > 0 else 3)
    part = (result.time > wave.times[first] + 1e-3) & (result.time < wave.times[first + 1])
    middle = result["v(middle)"] if "v(middle)" in result.signals else np.zeros(len(result.time))
    found = (wave(result.time), result["i(v_pre)"], result["v(inside)"] - middle, middle)
    over = [np.abs(x[part]) for x in found]
    return over[0], over[1], over[2], over[3]


def _ohms(result: Result, at: float, volts: float) -> float:
    """The resistance that a reading in the run finds at a time."""
    return volts / -float(result.at("i(v_pre)", at))


def _crs(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    switch = complementary(r=R_SERIES).replace("a", x_init=context.values["x_high"])
    # Twice: the first loop leaves the cells as loops do.
    loop, step = _loop(PEAK, PEAK, 2), PEAK / RATE / (200 if context.quick else 800)
    # Write 1, read it; write 0, read it, which ends it: so write it again; 1 over 0.
    levels = (V_LOW, V_WRITE, V_LOW, V_INSIDE, -V_WRITE, V_LOW, V_INSIDE, -V_WRITE, V_LOW, V_WRITE, V_LOW, V_INSIDE)
    pulses, at = _pulses(levels)
    run = partial(_transient, engine, step)
    both, written = map_runs(run, [(switch, loop), (switch, pulses)], engine, context.executor, context.progress,
                             "switch")
    volts, amps, over_a, over_b = _rising(both, loop, 1)
    up = window(volts, amps, over_a, over_b)
    volts, amps, over_a, over_b = _rising(both, loop, -1)
    down = window(volts, amps, over_b, over_a)
    # A cell alone, read while it is high, then twice set as far as in the switch, where the window's end stops it.
    high, at_high = _pulses((V_LOW,))
    own = _loop(up.closes, PEAK, 2)
    single, rest = map_runs(run, [(_alone(up.low), own), (_alone(up.low), high)], engine, context.executor,
                            context.progress, "one cell")
    context.warn("complementary switch", (both, single, written, rest))
    volts, amps, over_a, _ = _rising(single, own, 1)
    sets = (float(volts[np.argmax(np.diff(amps) / np.diff(volts))]), float(over_a.max()))
    volts, amps, over_a, _ = _rising(single, own, -1)
    resets = (float(volts[np.argmin(np.diff(amps) / np.diff(volts))]), float(over_a[np.argmax(amps)]))
    worst = max(abs(found / wanted - 1) for w in (up, down) for found, wanted in (
        (w.opens, sets[0]), (w.closes, resets[0]), (w.over_opening, sets[1]), (w.over_closing, resets[1])))
    r_high = _ohms(rest, at_high[0], V_LOW)
    stored = {name: _ohms(written, at[k], V_LOW) / r_high for name, k in (
        ("0 at first", 0), ("1", 2), ("0", 5), ("0 again", 8), ("1 over 0", 10))}
    read = {name: -float(written.at("i(v_pre)", at[k])) for name, k in (("1", 3), ("0", 6), ("1 over 0", 11))}
    ratio = read["0"] / max(read["1"], read["1 over 0"])
    outcome.score("crs-windows", "low-voltage resistance over the high one: " + ", ".join(
        f"{name} {r:.2f}" for name, r in stored.items()) + f"; on window {up.opens:.3f} to {up.closes:.3f} V and "
        f"-{down.opens:.3f} to -{down.closes:.3f} V; a cell alone {sets[0]:.3f} and -{resets[0]:.3f} V, over it "
        f"{sets[1]:.3f} and -{resets[1]:.3f} V, in the switch {up.over_opening:.3f} and -{up.over_closing:.3f} V: at "
        f"most {worst * 100:.1f} % off; read in the window: 0 {read['0'] / UA:.1f} uA, 1 "
        f"{max(read['1'], read['1 over 0']) / UA:.2f} uA",
        min(stored.values()) > 0.3 and worst <= 0.10 and ratio >= 10)
    about = {"circuit": "complementary", "cells": "VCM", "r_series": f"{R_SERIES:g} Ohm",
             "engine": f"{engine.name} {engine.version()}"}
    for name, result, wave in (("windows", both, loop), ("one-cell", single, own)):
        grid = np.linspace(0, wave.times[-1], 1601)
        outcome.keep(Curve(grid, -np.asarray(result.at("i(v_pre)", grid)), "time", "s", "current", "A", name=name,
                           columns={"voltage": Column(wave(grid), "V")}, provenance=about))
    outcome.keep(Curve(np.array(at), np.array([-float(written.at("i(v_pre)", t)) for t in at]), "time", "s",
                       "current at the end of the pulse", "A", name="write-read",
                       columns={"voltage": Column(np.array(levels), "V")}, provenance=about))
    outcome.figures["windows"] = _crs_figure(both, single, written, loop, own, pulses, (up, down), levels,
                                              at)


def _transient(engine: Engine, step: float, item: tuple[Circuit, Waveform]) -> Result:
    return engine.run(item[0].drive(pre=item[1]), float(item[1].times[-1]), max_step=step)


def _crs_figure(both: Result, single: Result, written: Result, loop: Waveform, own: Waveform, pulses: Waveform,
                windows: tuple[Window, Window], levels: Sequence[float], at: Sequence[float]) -> Figure:
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    left.plot(own(single.time), -single["i(v_pre)"] / UA, color=GREY, lw=1, label="one cell, the other a resistor")
    left.plot(loop(both.time), -both["i(v_pre)"] / UA, color=BLUE, lw=1.4, label="complementary switch")
    for w, sign in zip(windows, (1, -1), strict=True):
        left.axvspan(sign * w.opens, sign * w.closes, color=ORANGE, alpha=0.15, lw=0,
                     label="on window" if sign > 0 else None)
    left.set_xlabel("Voltage (V)")
    left.set_ylabel("Current (µA)")
    left.legend(fontsize=8, loc="upper left")
    right.plot(written.time, pulses(written.time), color=GREY, lw=1)
    right.set_xlabel("Time (s)")
    right.set_ylabel("Voltage (V)", color=GREY)
    right.set_ylim(-2.1, 4.2)
    right.set_yticks((-1, 0, 1))
    words = {V_LOW: "low\nread", V_WRITE: "write 1", -V_WRITE: "write 0", V_INSIDE: "read"}
    for level, t in zip(levels, at, strict=True):
        right.annotate(words[level], (t - FLAT / 2, max(level, 0) + 0.08), ha="center", va="bottom", fontsize=7.5,
                       color=GREY)
    twin = right.twinx()
    twin.plot(written.time, -written["i(v_pre)"] / UA, color=BLUE, lw=1.2)
    twin.set_ylim(-470, 130)
    twin.set_yticks((-100, 0, 100))
    twin.set_ylabel("Current (µA)", color=BLUE)
    return figure


SUN = "Sun et al. 2018, ref. 292 and Fig. 26b-d of the review Future of Memristors"
EXPERIMENTS = (
    Experiment("logic", "Logic gates and a full adder of memristors on a common net (Fig. 26)", SUN, _logic, {
        "scale": Param(1.0, "1", "times every voltage of the steps", low=0.1, high=3.0, source="chosen: 1")}),
    Experiment("crs", "Complementary resistive switch: windows, stored bits (Fig. 12j, k)",
               "Linn et al., Nat. Mater. 9, 403 (2010), ref. 193 and Fig. 12 of the review Future of Memristors",
               _crs, {"x_high": Param(1e-4, "1", "filament of the high cell at the start", low=1e-6, high=1.0,
                                      source="default of VCM")}),
)
