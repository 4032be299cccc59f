"""Ielmini et al. 2021, filamentary RRAM in cells with transistors and without: compliance, STDP, rate.

The review shows curves of other papers and prints few numbers: shapes count. One device serves every experiment, the
default VCM; what was chosen around it is in docs/rram.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from spicemem.circuit import GROUND, Circuit
from spicemem.circuits.synapses import one_device
from spicemem.circuits.transistor_cells import cell_1t1r, cell_2t1r, cell_4t1r
from spicemem.curve import Column, Curve, Published, plot_curves, plot_grid
from spicemem.devices.transistor import NFET
from spicemem.devices.vcm import VCM
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Param
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, Record, apply
from spicemem.protocols.reading import Reading
from spicemem.protocols.srdp import Train, srdp
from spicemem.protocols.stdp import lone_spikes, stdp
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = "Ielmini et al. 2021, Brain-inspired computing via memory device physics"
US, MS = 1e-6, 1e-3
#: Compliance currents (A): the first and the last are those of Fig. 12d.
COMPLIANCES, BETWEEN = (25e-6, 50e-6, 100e-6, 170e-6), (35e-6, 70e-6, 130e-6)
#: Gate voltage (V) of a transistor that is well open; V of a reading.
OPEN, READ = 3.0, 0.1


def gates(engine: Engine, nmos: NFET, currents: Sequence[float]) -> list[float]:
    """Gate voltages (V) at which the transistor alone carries these currents (A) with 1 V across it."""
    bench = Circuit("transistor", ("d", "g")).add("t1", nmos, d="d", g="g", s=GROUND, b=GROUND)
    volts = np.linspace(0.3, OPEN, 271)
    found = engine.dc(bench.drive(d=1.0), "v_g", volts.tolist(), save=["i(v_d)"])
    return [float(v) for v in np.interp(np.sqrt(currents), np.sqrt(np.abs(found["i(v_d)"])), volts)]


# --- rram-1t1r ------------------------------------------------------------------------------------------------------

#: The transistor of this cell is ten times as wide as the default: open, it adds 57 Ohm to what is read.
WIDE = 4.2e-6
#: V/s; V of the set sweep, and of the reset sweeps to different stop voltages after a set at FULL (A).
SWEEP, TOP, FULL = 1.0, 1.2, 100e-6
STOPS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4)
#: Points of each sweep that are kept.
POINTS = 241


def _sweep(bit_line: float, word_line: float) -> Event:
    """The bit line up to a voltage (V) and back at SWEEP, the word line on meanwhile; a rest of 10 ms."""
    time, edge = abs(bit_line) / SWEEP, 1 * MS
    return Event({"bl": Waveform.points((edge, 0), (edge + time, bit_line), (edge + 2 * time, 0)),
                  "wl": Waveform.pulse(word_line, 2 * time + 2 * edge, edge)}, 10 * MS)


def _loop(engine: Engine, job: tuple[float, float]) -> Record:
    """Set with a gate voltage (V) and reset to a stop voltage (V), from the pristine device."""
    gate, stop = job
    return apply(cell_1t1r(VCM(), NFET(w=WIDE)), [_sweep(TOP, gate), _sweep(-stop, OPEN)], engine=engine,
                 reading=Reading(READ, 1 * MS, {"wl": OPEN}), max_step=2 * MS, name="loops")


def _traced(record: Record, limit: float, origin: dict[str, str]) -> Curve:
    """The loop as a curve tracer draws it, without rests and readings."""
    time, current = record.series("i(v_bl)")
    share = np.linspace(0, 2, POINTS)
    top, stop = TOP, STOPS[-1]
    at = np.r_[record.begins[0] + MS + share * top / SWEEP, record.begins[1] + MS + share * stop / SWEEP]
    volts = np.r_[top * (1 - np.abs(1 - share)), -stop * (1 - np.abs(1 - share))]
    return Curve(volts, -np.asarray(np.interp(at, time, current)), "bit line voltage", "V", "current", "A",
                 name=f"loop-{limit * 1e6:.0f}uA", provenance=origin)


def _rram_1t1r(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    limits = np.array(COMPLIANCES if context.quick else sorted((*COMPLIANCES, *BETWEEN)))
    stops = np.array(STOPS[::2] if context.quick else STOPS)
    levels = gates(engine, NFET(w=WIDE), [*limits, FULL])
    jobs = [*((gate, STOPS[-1]) for gate in levels[:-1]), *((levels[-1], float(stop)) for stop in stops)]
    records = map_runs(partial(_loop, engine), jobs, engine, context.executor, context.progress, "loops")
    sized, stopped = records[:len(limits)], records[len(limits):]
    origin = {**sized[0].provenance, "protocol": f"sweeps at {SWEEP:g} V/s, word line at the gate voltage of the "
              f"compliance for the set, at {OPEN:g} V otherwise", "transistor": f"NFET, {engineering(WIDE, 'm')} wide"}
    largest, reset = np.array([record.amps for record in sized]).T * [[1], [-1]]
    low = 1 / np.array([record.siemens[0] for record in sized])
    high = 1 / np.array([record.siemens[1] for record in stopped])
    loops = [_traced(record, limit, {**origin, "gate voltage": f"{gate:.4f} V"})
             for record, limit, gate in zip(sized, limits, levels, strict=False) if limit in COMPLIANCES]
    low_curve, reset_curve, product = (
        Curve(limits, values, "compliance current", "A", label, unit, name=label.replace(" ", "-"), provenance=origin,
              columns={"measured": Column(largest, "A", "largest current of the set")})
        for values, label, unit in ((low, "low resistance", "Ohm"), (reset, "reset current", "A"),
                                    (largest * low, "compliance times R", "V")))
    high_curve = Curve(stops, high, "stop voltage of the reset", "V", "high resistance", "Ohm", name="high-resistance",
                       provenance={**origin, "set": f"at {engineering(FULL, 'A')}"})
    outcome.keep(*loops, low_curve, product, reset_curve, high_curve)
    spread = float(product.y.max() / product.y.min() - 1)
    outcome.score("rram-compliance-sets-r", f"R {' '.join(f'{r / 1e3:.2f}' for r in low)} kOhm at I_C "
                  f"{' '.join(f'{i * 1e6:.1f}' for i in largest)} uA, I_C R {product.y.min():.3f} to "
                  f"{product.y.max():.3f} V ({100 * spread:.1f} % more); reset current "
                  f"{' '.join(f'{i * 1e6:.1f}' for i in reset)} uA; {' '.join(f'{r / 1e3:.0f}' for r in high)} kOhm "
                  f"after a reset to -{stops[0]:g} to -{stops[-1]:g} V",
                  bool((np.abs(largest / limits - 1) < 0.05).all() and (np.diff(low) < 0).all() and spread <= 0.15
                       and (np.diff(reset) > 0).all() and (np.diff(high) > 0).all()
                       and all(record.siemens[1] < record.siemens[0] / 2 for record in records)))
    outcome.figures["loops"] = plot_curves(loops[::-1], "Set and reset of a 1T1R cell by compliance current", labels=[
        f"{1e6 * limit:g} µA" for limit in COMPLIANCES[::-1]])
    outcome.figures["resistances"] = plot_grid([low_curve, product, reset_curve, high_curve], titles=[
        "Resistance after the set", "Product of compliance and resistance", "Largest current of the reset",
        "Resistance after the reset"])
    outcome.figures["resistances"].axes[1].set_ylim(bottom=0)  # how constant it is
    outcome.remarks.append(f"gate voltages of the set {' '.join(f'{v:.3f}' for v in levels[:-1])} V (transistor alone "
                           f"at 1 V); the reading is at {READ:g} V through the cell with the word line at {OPEN:g} V, "
                           "the transistor's resistance included")


# --- rram-2t1r-stdp -------------------------------------------------------------------------------------------------

#: PRE spike at the top electrode: V, V, s of each, s from the first to the second; fire gate: time constant, s.
SET, RESET, WIDTH, APART, TAU = 1.6, -0.85, 1 * MS, 10 * MS, 4 * MS
#: Half of the time a fire gate takes from one level to another, s.
_EDGE = 20 * US
#: Change of R0/R that counts as none.
SAME = 1e-4
CG = Reading(READ, 1 * MS, {"cg": OPEN})


def pre_spike() -> Waveform:
    """At the top electrode: positive at the spike, negative APART later."""
    return Waveform.pulse(SET, WIDTH, _EDGE) + Waveform.pulse(RESET, WIDTH, _EDGE, APART)


def fire(engine: Engine) -> Waveform:
    """At the fire gate: rises to the spike as the gate voltage of a compliance that grows exponentially, is off for
    10 ms, and decays exponentially from OPEN for 10 ms."""
    before = np.linspace(-APART, -_EDGE, 41)
    low, high = COMPLIANCES[0], COMPLIANCES[-1]
    rise = gates(engine, NFET(), (low + (high - low) * np.exp(before / TAU)).tolist())
    after = np.linspace(0, APART, 41)
    return Waveform(np.r_[-APART - _EDGE, before, 0.0, APART - _EDGE, APART + after, 2 * APART + _EDGE],
                    np.r_[0.0, rise, 0.0, 0.0, OPEN * np.exp(-after / TAU), 0.0])


def _initial(engine: Engine, gate: float) -> Record:
    """The pristine cell set by one pulse with a voltage (V) at the fire gate."""
    return apply(cell_2t1r(VCM()), [Event.pulse("te", SET, WIDTH, 10 * MS, bias={"fg": gate})], engine=engine,
                 reading=CG, name="initial states")


def _rram_2t1r_stdp(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    away = np.array([1.0, 3.0, 8.0] if context.quick else [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) * MS
    delays = np.r_[-away[::-1], away]
    states = map_runs(partial(_initial, engine), gates(engine, NFET(), COMPLIANCES), engine, context.executor,
                      context.progress, "initial states")
    pre, post = pre_spike(), fire(engine)
    curves = []
    for limit, state in zip(COMPLIANCES, states, strict=True):
        name = f"stdp-{limit * 1e6:.0f}uA"
        found = stdp(cell_2t1r(VCM()), pre=pre, post=post, delays=delays, engine=engine, initial=state.final,
                     reading=CG, read_delay=100 * MS, max_step=20 * US, executor=context.executor,
                     progress=context.progress, name=name)
        ratio = found.columns["g_after"].values / found.columns["g_before"].values
        curves.append(replace(found, y=ratio, y_label="R0/R", y_unit="1", provenance={
            **found.provenance, "initial state": f"set at {engineering(limit, 'A')}"}))
    outcome.keep(*curves)
    ratios = np.array([c.y for c in curves])
    later, earlier = ratios[:, delays > 0], ratios[:, delays < 0]
    falls = all((np.diff(later, axis=k) < np.where(np.delete(later, -1, axis=k) > 1.001, -SAME, SAME)).all()
                for k in (0, 1))  # with the initial conductance, and with the delay
    outcome.score("rram-2t1r-window", "R0/R " + "; ".join(
        f"{before[0]:.4f} to {before[-1]:.4f} for dt < 0, {after[0]:.4f} to {after[-1]:.4f} for dt > 0, set at "
        f"{limit * 1e6:g} uA" for limit, before, after in zip(COMPLIANCES, earlier, later, strict=True)),
        bool(falls and (later > 1 - SAME).all() and (earlier < 1 + SAME).all() and (later[:-1, 0] > 1.1).all()
             and (earlier[:, -1] < 0.9).all() and (later[-1] < 1.1).all()
             and (later[:, -1] - 1 < (later[:, 0] - 1) / 2).all()))
    labels = [f"{1e6 * limit:g} µA" for limit in COMPLIANCES]
    shown = [replace(c, x=np.insert(c.x, len(away), 0.0), y=np.insert(c.y, len(away), np.nan), columns={})
             for c in curves]  # two branches, not a line through 0
    outcome.figures["stdp"] = plot_curves(shown, "2T1R STDP of states set at four compliance currents", labels=labels,
                                          yscale="log")
    outcome.figures["spikes"] = plot_grid([
        _shape(wave, wave.times[0] - 2 * MS, wave.times[-1] + 2 * MS, which) for which, wave in (
            ("top electrode", pre), ("fire gate", post))], titles=["PRE spike at the top electrode",
                                                                   "POST spike at the fire gate"])
    outcome.remarks.append(f"initial states {' '.join(f'{1e-3 / s.siemens[-1]:.2f}' for s in states)} kOhm; a change "
                           f"of less than {SAME:g} of R0/R counts as none; readings through the communication gate at "
                           f"{OPEN:g} V")


def _shape(wave: Waveform, start: float, stop: float, which: str) -> Curve:
    """A spike as a curve, for its picture."""
    t = np.union1d(np.linspace(start, stop, 1001), wave.times[(wave.times > start) & (wave.times < stop)])
    return Curve(t, wave(t), "time from the spike", "s", "voltage", "V", name=which.replace(" ", "-"))


# --- rram-overlap-stdp ----------------------------------------------------------------------------------------------

#: A spike: 10 us each, from edge to edge; V of the negative pulse, of the five positive ones after it (chosen: less
#: than what sets or resets the device even in a slow sweep).
SLOT, CORNER = 10 * US, 0.1 * US
FIRST, NEXT = -0.45, (0.45, 0.40, 0.35, 0.30, 0.25)
#: Filament at the start: 300 uS. In the run: the highest that a lone spike may do, of the conductance.
START, LONE = 0.3, 0.02


def overlap_spike() -> Waveform:
    """One negative pulse, then five positive ones of falling amplitude; time 0 is where it begins."""
    points = []
    for k, (before, after) in enumerate(pairwise((0.0, FIRST, *NEXT, 0.0))):
        points += [(k * SLOT - CORNER / 2, before), (k * SLOT + CORNER / 2, after)]
    return Waveform.points(*points)


def _rram_overlap_stdp(context: Context) -> None:
    outcome = context.outcome
    cell, spike, reading = one_device(VCM(x_init=START)), overlap_spike(), Reading(READ, SLOT)
    slots = np.arange(-6, 7) if context.quick else np.arange(-28, 29) / 4
    found = stdp(cell, pre=spike, post=spike, delays=slots * SLOT, engine=context.engine, reading=reading,
                 read_delay=30 * SLOT, executor=context.executor, progress=context.progress, name="stdp-overlap")
    before = found.columns["g_before"].values
    curve = replace(found, y=100 * found.y / before, y_label="dG/G", y_unit="%")
    lone = lone_spikes(cell, pre=spike, post=spike, engine=context.engine, reading=reading, read_delay=30 * SLOT)
    worst = max(abs(change["syn"]) for change in lone.values()) / before[0]
    outcome.keep(curve)
    met = (np.abs(slots) >= 1) & (np.abs(slots) < len(NEXT) + 1)
    up, down = curve.y[met & (slots > 0)], curve.y[met & (slots < 0)][::-1]
    outcome.score("rram-overlap-window", f"a lone spike {100 * worst:.4f} %; {up[0]:.1f} to {up[-1]:.2f} % for dt > 0, "
                  f"{down[0]:.1f} to {down[-1]:.2f} % for dt < 0",
                  bool(worst <= LONE and (up > 0).all() and (down < 0).all() and (np.diff(up) < 0).all()
                       and (np.diff(down) > 0).all()))
    outcome.figures["stdp"] = curve.plot(title="STDP by overlap")
    apart = 2 * SLOT
    shapes = {"pre": spike, "post": spike.shift(apart), "device": spike - spike.shift(apart)}
    outcome.figures["spikes"] = plot_grid(
        [replace(_shape(wave, -SLOT, 9 * SLOT, name), x_label="time") for name, wave in shapes.items()],
        columns=3, titles=["PRE spike", f"POST spike {engineering(apart, 's')} later", "Device: PRE − POST"])
    outcome.remarks.append(f"each pulse is of {spike.peak:g} V at most; in a sweep of 1 V/s this device sets at 0.79 V "
                           "and its reset begins at -0.5 V")


# --- srdp-4t1r ------------------------------------------------------------------------------------------------------

#: Delay of the copy, s: the design rate is its inverse, Hz.
DELAY = 10 * MS
DESIGN = 1 / DELAY
#: V at the gates of PRE spike and copy; filament at the start (100 uS); spikes in a train; noise, Hz.
GATE, HALFWAY, SPIKES, NOISE_RATE = 1.3, 0.1, 20, 20.0
PRE_PAIR = Reading(READ, 1 * MS, {"pre": OPEN, "pre_delayed": OPEN})


def rate_spike() -> dict[str, Waveform]:
    """PRE spike of 5 ms, its copy, and the answer of the POST neuron at the top electrode in its last millisecond."""
    gate = Waveform.pulse(GATE, 5 * MS, 50 * US)
    return {"pre": gate, "pre_delayed": gate.shift(DELAY), "te": Waveform.pulse(SET, WIDTH, _EDGE, 4 * MS)}


def rate_noise() -> dict[str, Waveform]:
    """A negative pulse at the top electrode while the second branch is open."""
    gate = Waveform.pulse(OPEN, 1.2 * WIDTH, _EDGE)
    return {"te": Waveform.pulse(RESET, WIDTH, _EDGE, 0.1 * WIDTH), "post": gate, "noise_spike": gate}


def _srdp_4t1r(context: Context) -> None:
    outcome = context.outcome
    rates = [40.0, 80.0, 120.0, 180.0] if context.quick else [20.0, 40.0, 60.0, 80.0, 85.0, 90.0, 95.0, 100.0, 120.0,
                                                              150.0, 180.0]
    seeds = list(range(1, 2 if context.quick else int(context.values["seeds"]) + 1))
    curve = srdp(cell_4t1r(VCM(x_init=HALFWAY)), spike=rate_spike(), rates=rates, count=SPIKES, noise=rate_noise(),
                 noise_rate=NOISE_RATE, seeds=seeds, engine=context.engine, reading=PRE_PAIR,
                 executor=context.executor, progress=context.progress)
    curve = replace(curve, published=(Published("design rate", "1/delay of the copy", low=DESIGN, high=DESIGN,
                                                axis="x"),))
    outcome.keep(curve)
    found, up = curve.crossing(), curve.crossing(direction="up")
    outcome.score("srdp-threshold", f"sign change at {' '.join(f'{rate:.1f}' for rate in found)} Hz (design "
                  f"{DESIGN:g} Hz); {curve.y[0] * 1e6:.1f} uS at {rates[0]:g} Hz, {curve.y[-1] * 1e6:+.1f} uS at "
                  f"{rates[-1]:g} Hz, from {1e6 * curve.columns['g_before'].values[0]:.1f} uS",
                  len(found) == len(up) == 1 and DESIGN / 1.5 <= up[0] <= DESIGN * 1.5)
    figure = plot_curves([curve], f"Change of a 4T1R cell by {SPIKES} spikes, among noise",
                         labels=[f"mean of {len(seeds)} seeds" if len(seeds) > 1 else "simulated"])
    if len(seeds) > 1:
        for seed in seeds:
            replace(curve, y=curve.columns[f"dG_{seed}"].values, columns={}, published=()).plot(
                figure.axes[0], linestyle="none", marker="_", markersize=9.0, markeredgewidth=1.5,
                markeredgecolor="#D55E00", label="each seed" if seed == seeds[0] else None)
    outcome.figures["srdp"] = figure
    outcome.figures["train"] = _trains((60.0, 110.0))
    outcome.remarks.append(f"seeds of the times of the noise: {len(seeds)}; largest standard deviation between them "
                           f"{engineering(float(curve.columns['spread'].values.max()), 'S')}")


def _trains(rates: Sequence[float]) -> Figure:
    """The first 60 ms of a train at each rate, ports below each other."""
    shown = []
    for port in ("pre", "pre_delayed", "te"):
        for rate in rates:
            train = Train(rate_spike(), SPIKES, noise=rate_noise(), noise_rate=NOISE_RATE).waves(rate, 1)
            shown.append(replace(_shape(train[port], 0.0, 60 * MS, f"{port}-{rate:g}Hz"), x_label="time"))
    return plot_grid(shown, titles=[f"{title}, {rate:g} Hz" for title in ("PRE spikes", "Delayed copies",
                                                                       "Top electrode") for rate in rates])


EXPERIMENTS = (
    Experiment("rram-1t1r", "The compliance current sets the low resistance state of a 1T1R cell (Fig. 2a)", PAPER,
               _rram_1t1r),
    Experiment("rram-2t1r-stdp", "STDP of a 2T1R cell from states set at 25 to 170 uA (Fig. 12c, d)", PAPER,
               _rram_2t1r_stdp),
    Experiment("rram-overlap-stdp", "STDP by spikes that overlap (Fig. 12a, b)", PAPER, _rram_overlap_stdp),
    Experiment("srdp-4t1r", "Spike-rate-dependent plasticity of a 4T1R cell (Sec. 5.3)", PAPER, _srdp_4t1r,
               {"seeds": Param(3, "1", "trains at each rate, with noise of their own", low=1, high=1000,
                               source="chosen")}),
)
