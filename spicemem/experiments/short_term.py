"""Short-term memory of five devices: rehearsal (Ag2S), a decaying current (Ag/SiO2), facilitation (WOx, light), and
facilitation that turns into depression. What is chosen beyond the papers is in docs/short_term.md."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from spicemem.circuit import GROUND, Capacitor, Circuit, Resistor, Synapse, VoltageGain, VoltageSource
from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve, Published
from spicemem.devices.atomic_switch import AtomicSwitch
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.limiter import Limiter
from spicemem.devices.optoelectronic import Optoelectronic
from spicemem.devices.transistor import NFET
from spicemem.devices.wox import WOx
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment, targets
from spicemem.experiments.panels import Panel, panels
from spicemem.model import Model, Param
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, Record, apply
from spicemem.protocols.reading import Reading, phase
from spicemem.protocols.short_term import epsc, history, ppf, retention, stm_to_ltm, train
from spicemem.spread import Normal, generator, redrawn
from spicemem.units import engineering
from spicemem.waveform import Waveform

Array = NDArray[np.float64]
REVIEW = "Ielmini et al. 2021 (device-physics-review)"
FUTURE = "Sun et al., Adv. Funct. Mater. 2021, doi:10.1002/adfm.202006773"


def with_inputs(device: Model, r: float = 0.0, **inputs: Waveform | float) -> Circuit:
    """A two-terminal device to ground behind r (Ohm, 0 for none), port pre, its inputs driven by waveforms."""
    cell = Circuit("with_inputs", ("pre",), "One device whose inputs are driven",
                   (Synapse("syn", "pre", "pre", "pre", "syn"),))
    for name, wave in inputs.items():
        cell.add(f"v_{name}", VoltageSource(wave), p=name, n=GROUND)
    if r:
        cell.add("r_series", Resistor(r), p="pre", n="inside")
    return cell.add("syn", device, p="inside" if r else "pre", n=GROUND, **{name: name for name in inputs})


def _sampled(record: Record, cell: Circuit, times: Array, name: str, label: str) -> Curve:
    """Conductance throughout a record, at given times."""
    time, siemens = history(record, cell)
    return Curve(times, np.interp(times, time, siemens), "time", "s", "conductance", "S", name=name,
                 provenance={"protocol": label, **record.provenance})


# --- ag2s-rehearsal -------------------------------------------------------------------------------------------------

AG2S_VOLTS, AG2S_WIDTH, REHEARSALS, LATER = 0.080, 0.5, 10, 20.0
_OFTEN, _SELDOM = 2.0, 20.0


def _ag2s(context: Context) -> None:
    outcome, cell = context.outcome, one_device(AtomicSwitch.preset("ohno_2011"))
    gaps = [_OFTEN, _SELDOM] if context.quick else [0.5, 1.0, _OFTEN, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, _SELDOM]
    curve = stm_to_ltm(cell, gaps, volts=AG2S_VOLTS, width=AG2S_WIDTH, count=REHEARSALS, after=LATER,
                       engine=context.engine, executor=context.executor, progress=context.progress, name="rehearsal")
    left = dict(zip(gaps, curve.y, strict=True))
    outcome.score("ag2s-rehearsal-rehearsal", f"left of the peak {LATER:g} s later: {left[_OFTEN]:.3f} (pulses "
                  f"{_OFTEN:g} s apart), {left[_SELDOM]:.3f} ({_SELDOM:g} s apart)",
                  left[_OFTEN] >= 0.5 and left[_SELDOM] < 0.1)
    rest = curve.columns["before"].values
    above = (curve.columns["left"].values - rest) / (curve.columns["peak"].values - rest)
    outcome.remarks.append(f"counted above rest: {above[gaps.index(_OFTEN)]:.3f} and {above[gaps.index(_SELDOM)]:.3f}")
    traces, fades = [], []
    for gap in (_OFTEN, _SELDOM):
        pulses = train("pre", AG2S_VOLTS, AG2S_WIDTH, REHEARSALS, gap, last=LATER)
        record = apply(cell, pulses, engine=context.engine)
        label = f"{REHEARSALS} pulses of {engineering(AG2S_VOLTS, 'V')}, {AG2S_WIDTH} s, {gap:g} s apart"
        end = REHEARSALS * (AG2S_WIDTH + gap) - gap + LATER
        traces.append(_sampled(record, cell, np.linspace(0, end, 601), f"trace-{gap:g}s", label))
        fades.append(retention(cell, np.geomspace(0.1, 1000, 41), events=pulses, engine=context.engine,
                               name=f"retention-{gap:g}s"))
    fits = [fade.fit("exponential", offset=True) for fade in fades]
    outcome.keep(curve, *traces, *fades)
    for gap, fit in zip((_OFTEN, _SELDOM), fits, strict=True):
        outcome.remarks.append(f"pulses {gap:g} s apart: short-term memory fades with {fit['tau']:.2f} s, "
                               f"{engineering(fit['offset'], 'S')} stay")
    criterion = Published("at least, and less than", "behaviours.csv", x=(_OFTEN, _SELDOM), y=(0.5, 0.1))
    labels = [f"{gap:g} s apart" for gap in (_OFTEN, _SELDOM)]
    outcome.figures["rehearsal"] = panels([
        Panel(f"{REHEARSALS} pulses of 80 mV and 0.5 s", traces, labels),
        Panel("After the last pulse", fades, labels, fits, xscale="log"),
        Panel(f"Left after {LATER:g} s", [replace(curve, published=(criterion,))], ["simulated"], xscale="log")])


# --- diffusive-epsc -------------------------------------------------------------------------------------------------

DIFFUSIVE_R, GONE = 10e3, 1e-6
TRIANGLE = Event({"pre": Waveform.points((0, 0), (1e-3, 1), (2e-3, 0))}, rest=20e-3)
#: Longest steps (s) after the pulse: of the scored run, and of each draw.
_FINE, _COARSE = 2e-5, 1e-4
LIMITS = (5e-9, 100e-9, 100e-6)
SWEEP = Waveform.points((0, 0), (0.5, 1), (1, 0))
#: F, chosen, at the node behind the limiter: without it only the filament says where the node is.
LIMITED_STRAY = 1e-15
#: Cycle to cycle, chosen: standard deviation of the threshold (V) and of the logarithm of the retention time.
JITTER, SCATTER, DRAWS = 0.02, 0.5, ("devices", "cycles")


def limited(device: Model, i_max: float) -> Circuit:
    """A device behind a source whose current is limited to i_max (A), port pre."""
    cell = Circuit("limited", ("pre",), "A device behind a current limiter",
                   (Synapse("syn", "pre", "pre", "pre", "syn"),))
    cell.add("limiter", Limiter(i_max=i_max), p="pre", n="inside")
    cell.add("c_stray", Capacitor(LIMITED_STRAY), p="inside", n=GROUND)
    return cell.add("syn", device, p="inside", n=GROUND)


def lifetime(times: Array, siemens: Array) -> float:
    """Time (s) at which the conductance falls below GONE: 0 if it already is, inf if it never does."""
    below = np.flatnonzero(siemens < GONE)
    if not len(below) or below[0] == 0:
        return 0.0 if len(below) else float("inf")
    k = slice(below[0] - 1, below[0] + 1)
    return float(np.interp(-np.log(GONE), -np.log(siemens[k]), times[k]))


def _retained(engine: Engine, cell: Circuit, max_step: float) -> tuple[float, Record]:
    """Retention time (s) after the triangular pulse, and the run."""
    record = apply(cell, [TRIANGLE], engine=engine, max_step=max_step)
    time, siemens = history(record, cell)
    end = float(record.begins[0]) + TRIANGLE.duration
    return lifetime(time[time >= end] - end, siemens[time >= end]), record


def _draw(engine: Engine, cell: Circuit) -> float:
    return _retained(engine, cell, _COARSE)[0]


def _drawn(kind: str, count: int, seed: int) -> list[Circuit]:
    """Cells for as many draws: "devices" that differ, or one device in "cycles" that differ."""
    nominal = Diffusive.preset("ag_sio2")
    if kind == "devices":
        return [with_inputs(device, DIFFUSIVE_R) for device in nominal.sample(count, seed)]
    return [with_inputs(nominal, DIFFUSIVE_R, jitter=Normal(JITTER).around(0.0, generator(seed, k, "jitter")),
                        scatter=Normal(SCATTER).around(0.0, generator(seed, k, "scatter"))) for k in range(count)]


def _compliance(engine: Engine, limit: float) -> tuple[Curve, dict[str, float]]:
    """Conductance in and after a sweep of 0 to 1 V under a current limit, and the ones (S) that the criterion names."""
    cell, step = limited(Diffusive.preset("ag_sio2"), limit), 2e-3
    swept = apply(cell, [Event({"pre": SWEEP}, rest=1.0)], engine=engine, max_step=step)
    rested = phase(engine, cell, {}, 999.0, 20.0, swept.final).final_state()
    back = apply(cell, [Event({"pre": -SWEEP}, rest=1.0)], engine=engine, initial=rested, max_step=step)
    curve = _sampled(swept, cell, np.linspace(0, 2, 201), f"limit-{limit * 1e9:g}nA",
                     f"0 to 1 V and back in 1 s, 1 s of rest, source limited to {engineering(limit, 'A')}")
    return curve, {"before": swept.before, "on": float(history(swept, cell)[1].max()), "1 s": float(swept.siemens[0]),
                   "1000 s": back.before, "reset": float(back.siemens[0]), "current": float(swept.amps[0])}


def _diffusive(context: Context) -> None:
    outcome, rows = context.outcome, targets()
    cell = with_inputs(Diffusive.preset("ag_sio2"), DIFFUSIVE_R)
    life, record = _retained(context.engine, cell, _FINE)
    time, siemens = history(record, cell)
    current = -record.series("i(v_pre)")[1]
    at_peak = float(siemens[int(np.argmax(current))])
    outcome.score("diffusive-retention", life * 1e3)
    outcome.score("diffusive-on-off", at_peak / record.before)
    outcome.remarks.append(f"at the current peak of {engineering(float(current.max()), 'A')} the device has "
                           f"{engineering(at_peak, 'S')}, before it {record.before:.3g} S, from the states")

    count = 50 if context.quick else int(context.values["draws"])
    seed, kinds = int(context.values["seed"]), DRAWS[1:] if context.quick else DRAWS
    jobs = [cell for kind in kinds for cell in _drawn(kind, count, seed)]
    lives = np.minimum(map_runs(partial(_draw, context.engine), jobs, context.engine, context.executor,
                                context.progress, "draws"), TRIANGLE.rest).reshape(len(kinds), count)
    ends = np.percentile(lives, [5, 95], axis=1).T
    row = rows["diffusive-retention-range"]
    outcome.score("diffusive-retention-range", f"5th and 95th percentile of {count} draws: " + ", ".join(
        f"{engineering(low, 's')} and {engineering(high, 's')} ({kind})"
        for kind, (low, high) in zip(kinds, ends.tolist(), strict=True)),
        count >= 50 and all(row.meets(float(end)) for end in ends.ravel()))
    swept = map_runs(partial(_compliance, context.engine), LIMITS, context.engine, context.executor, context.progress,
                     "compliance")
    found = [values for _, values in swept]
    volatile = all(v["1 s"] <= 10 * v["before"] and v["on"] > 10 * v["before"] for v in found[:2])
    stable = found[2]["1000 s"] > found[2]["on"] / 2 and found[2]["reset"] < found[2]["1000 s"] / 10
    outcome.score("diffusive-compliance-volatility", "; ".join(
        f"{engineering(limit, 'A')}: {v['before']:.2g} S before, on {v['on']:.2g}, 1 s later {v['1 s']:.2g}, 1000 s "
        f"later {v['1000 s']:.2g}, after the negative sweep {v['reset']:.2g}"
        for limit, v in zip(LIMITS, found, strict=True)), bool(volatile and stable))
    outcome.remarks.append("largest currents of the source: " + ", ".join(
        engineering(v["current"], "A") for v in found))

    made = {**record.provenance, "protocol": "1 V, 2 ms triangular pulse through 10 kOhm"}
    fall = replace(epsc(cell, np.geomspace(1e-5, 10e-3, 46), events=[TRIANGLE], engine=context.engine,
                        max_step=_FINE), published=(
        Published("retention", "Ielmini 2021, Sec. 2.1", low=1.5e-3, high=1.5e-3, axis="x"),))
    grid = np.linspace(0, 5e-3, 501)
    pulse = Curve(grid, np.interp(grid, time, current), "time", "s", "current", "A", name="pulse-current",
                  provenance=made)
    share, draws = (np.arange(count) + 0.5) / count, list[Curve]()
    band = Published("retention", "Ielmini 2021, Sec. 2.1", low=1e-6, high=10e-3)
    for kind, values in zip(kinds, np.sort(lives, axis=1), strict=True):
        draws.append(Curve(share, values, "share of draws", "1", "retention time", "s",
                           name=f"retention-{kind}", provenance={**made, "seed": str(seed)},
                           published=() if draws else (band,)))
        outcome.remarks.append(f"{kind}: {int((values == 0).sum())} of {count} are off when the pulse ends")
    outcome.keep(fall, pulse, *draws, *(curve for curve, _ in swept))
    outcome.figures["epsc"] = panels([
        Panel("Decay after a pulse of 1 V and 2 ms", [fall], ["simulated"], xscale="log"),
        Panel(f"{count} draws each", draws, ["of devices", "of cycles of one device"][-len(draws):], yscale="log"),
        Panel("Sweep to 1 V and back in 1 s, then rest", [curve for curve, _ in swept],
               [f"limited to {engineering(limit, 'A')}" for limit in LIMITS], yscale="log")])


# --- wox-ppf --------------------------------------------------------------------------------------------------------

WOX_VOLTS, WOX_WIDTH, FRAME = 1.5, 1e-3, 20e-3
#: Read noise, chosen: standard deviation over the current (the model's input read_noise).
READ_NOISE = 0.002
WOX_READ = Reading(0.3, 0.5e-6)


def _stream(engine: Engine, bits: tuple[int, ...]) -> float:
    """Conductance (S) at the end of the frames of a stream, read by a pulse through the circuit."""
    cell = one_device(WOx.preset("du_2017"))
    events = [Event.pulse("pre", WOX_VOLTS * bit, WOX_WIDTH, FRAME - 1.001 * WOX_WIDTH) for bit in bits]
    first = apply(cell, events[:-1], engine=engine)
    last = apply(cell, events[-1:], engine=engine, reading=WOX_READ, initial=first.final)
    return float(last.siemens[-1])


def measured_noise(engine: Engine, seed: int, readings: int = 400) -> float:
    """Standard deviation over mean of as many readings of one settled device, READ_NOISE drawn anew for each."""
    slot = 1e-3
    noise = redrawn(Normal(READ_NOISE), slot, readings * slot, seed)
    held = {"pre": Waveform.constant(WOX_READ.voltage)}
    device = WOx.preset("du_2017")
    settled = phase(engine, with_inputs(device, read_noise=0.0), held, 1.0, 1e-2, None).final_state()
    run = phase(engine, with_inputs(device, read_noise=noise), held, readings * slot, slot / 5, settled)
    current = run.at("i(v_pre)", (np.arange(readings) + 0.5) * slot)
    return float(np.std(current, ddof=1) / np.abs(np.mean(current)))


def _wox(context: Context) -> None:
    outcome, cell = context.outcome, one_device(WOx.preset("du_2017"))
    seed = int(context.values["seed"])
    streams = list(product((0, 1), repeat=4))
    read = np.array(map_runs(partial(_stream, context.engine), streams, context.engine, context.executor,
                             context.progress, "streams"))
    noise = measured_noise(context.engine, seed)
    sigma = noise * float(read.max())  # the largest there is, counted for every pair
    apart = np.diff(np.sort(read)) / sigma  # neighbours: any other two are further apart
    gaps = np.geomspace(1e-3, 0.3, 5 if context.quick else 13)
    pairs = ppf(cell, gaps, volts=WOX_VOLTS, width=WOX_WIDTH, engine=context.engine, executor=context.executor,
                progress=context.progress)
    falls = bool((np.diff(pairs.y) < 0).all() and pairs.y[-1] >= 100)
    outcome.score("wox-sixteen", f"nearest two of {len(read)} conductances {apart.min():.1f} sigmas apart; PPF from "
                  f"{pairs.y[0]:.1f} % at {engineering(gaps[0], 's')} to {pairs.y[-1]:.1f} % at "
                  f"{engineering(gaps[-1], 's')}", len(read) == 16 and bool(apart.min() > 5) and falls)
    outcome.remarks.append(f"sigma: {engineering(sigma, 'S')}, {100 * noise:.3f} % of the largest conductance, from "
                           f"400 readings with a noise of {100 * READ_NOISE:g} % driven into read_noise (chosen)")
    fit = pairs.fit("exponential", offset=100.0)
    outcome.remarks.append(f"PPF decays with {engineering(fit['tau'], 's')}, R^2 {fit.r_squared:.5f}")
    number = np.arange(16.0)
    levels = Curve(number, read, "stream", "1", "conductance", "S", name="streams", columns={
        "sigma": Column(noise * read, "S", "read noise")}, provenance={
            **pairs.provenance, "read": "0.3 V for 0.5 us",
            "protocol": "pulses of 1.5 V and 1 ms for the ones of a stream, frames of 20 ms, first bit first"})
    outcome.keep(levels, pairs)
    figure = outcome.figures["wox"] = panels([
        Panel("Conductance after each of the 16 streams", [levels], linestyle="none"),
        Panel("Paired pulses of 1.5 V and 1 ms", [pairs], [None], [fit])])
    figure.axes[0].set_xticks(number, ["".join(map(str, bits)) for bits in streams], rotation=90, fontsize=8)


# --- ppd ------------------------------------------------------------------------------------------------------------

PPD_WIDTH, PPD_EDGE, GATE = 1e-6, 50e-9, 3.0
#: The reserve of the synapse, chosen: V, F, Ohm; capacitance of the device (F).
SUPPLY, RESERVE, REFILL, STRAY = 0.5, 10e-9, 200e3, 10e-15


def reserve_synapse(refill: float = REFILL) -> Circuit:
    """A diffusive device that a presynaptic pulse connects to a reserve of charge, which refills through a resistor.

    Ports: pre, the gate of a transistor between device and post; post, where the postsynaptic current comes out.
    refill: Ohm, between a supply of SUPPLY and the capacitor RESERVE.
    """
    cell = Circuit("reserve_synapse", ("pre", "post"), "A diffusive device fed by a reserve that pulses empty",
                   (Synapse("syn", "pre", "post", "post", "syn"),))
    cell.add("v_supply", VoltageSource(SUPPLY), p="supply", n=GROUND)
    cell.add("r_refill", Resistor(refill), p="supply", n="reserve")
    cell.add("c_reserve", Capacitor(RESERVE), p="reserve", n=GROUND)
    cell.add("syn", Diffusive.preset("ag_sio2"), p="reserve", n="cleft")
    cell.add("c_stray", Capacitor(STRAY), p="reserve", n="cleft")
    # A threshold of 1 V and little leakage: a closed transistor that leaks more than the device would set it.
    return cell.add("t_release", NFET(w=10e-6, vt0=1.0, g_leak=1e-15), d="cleft", g="pre", s="post", b=GROUND)


def _postsynaptic(engine: Engine, count: int, job: tuple[Circuit, float]) -> tuple[Array, Array]:
    """Peak currents (A) of a train of pulses at a frequency (Hz), and the reserve (V) at the start of each."""
    cell, hertz = job
    pulses = train("pre", GATE, PPD_WIDTH, count, 1 / hertz - PPD_WIDTH, edge=PPD_EDGE)
    record = apply(cell, pulses, engine=engine, extra=("v(reserve)",))
    return -record.amps, np.interp(record.begins, *record.series("v(reserve)"))


def _ppd(context: Context) -> None:
    outcome = context.outcome
    fast, slow = float(targets()["ppd-train-frequency"].published), 500.0
    count = 20 if context.quick else 30
    jobs = [(reserve_synapse(), fast), (reserve_synapse(), slow), (reserve_synapse(refill=1.0), fast)]
    work = partial(_postsynaptic, context.engine, count)
    (peaks, reserve), (slow_peaks, _), (full, _) = map_runs(work, jobs, context.engine, context.executor,
                                                            context.progress, "trains")
    top = int(np.argmax(peaks))
    gain, other = peaks[top] / peaks[0], slow_peaks[top] / slow_peaks[0]
    end = peaks[top:].min() / peaks[top]
    rises = top > 0 and bool((np.diff(peaks[:top + 1]) > 0).all())
    outcome.score("ppd-train-frequency", f"at {fast:g} Hz {gain:.2f} times the first at pulse {top + 1} (at {slow:g} "
                  f"Hz {other:.2f}), down to {end:.2f} of the maximum by pulse {count}",
                  rises and bool(gain >= 1.1 and gain > other and end <= 0.9))
    gaps = np.geomspace(0.1e-3, 20e-3, 3 if context.quick else 12)
    pairs = ppf(reserve_synapse(), gaps, volts=GATE, width=PPD_WIDTH, edge=PPD_EDGE, engine=context.engine,
                executor=context.executor, progress=context.progress, name="pairs")
    outcome.remarks.append(f"pairs: {pairs.y.max():.1f} % of the first at {engineering(gaps[pairs.y.argmax()], 's')} "
                           f"(facilitation), {pairs.y.min():.1f} % at {engineering(gaps[pairs.y.argmin()], 's')} "
                           "(depression)")
    outcome.remarks.append(f"with a reserve that stays full the same train ends at {full[-1] / full.max():.3f} of its "
                           "maximum: the reserve that empties is what depresses")
    number = np.arange(1.0, count + 1)
    made = {**pairs.provenance, "protocol": f"{count} pulses of 1 us at the gate, peak current into post"}
    curves = [Curve(number, values, "pulse", "1", "peak current", "A", name=name, provenance=made)
              for name, values in (("train-full", full), ("train-5kHz", peaks), ("train-500Hz", slow_peaks))]
    left = Curve(number, reserve, "pulse", "1", "reserve", "V", name="reserve", provenance=made)
    outcome.keep(*curves, left, pairs)
    outcome.figures["ppd"] = panels([
        Panel("Trains of pulses of 1 µs", curves, ["5 kHz, reserve stays full", "5 kHz", "500 Hz"]),
        Panel("Reserve before each pulse, 5 kHz", [left]),
        Panel("Two pulses", [pairs], xscale="log")])


# --- optical-synapse ------------------------------------------------------------------------------------------------

#: W/m2 that 1 V at the port light stands for: 30 mW/cm2.
INTENSITY = 300.0
LIGHT, READ_OPTICAL, PAIR_GAP, RELEARN = 1.0, 0.2, 20.0, 20


def lit(device: Model) -> Circuit:
    """A device with an input `light` (W/m2) between its top electrode and ground.

    Ports: light, where 1 V stands for 30 mW/cm2; top, where it is read.
    """
    cell = Circuit("lit", ("light", "top"), "Optoelectronic synapse", (Synapse("syn", "light", "top", "top", "syn"),))
    cell.add("e_light", VoltageGain(INTENSITY), p="intensity", n=GROUND, cp="light", cn=GROUND)
    return cell.add("syn", device, p="top", n=GROUND, light="intensity")


def _optical(context: Context) -> None:
    outcome, rows = context.outcome, targets()
    width, count, dark, mark, long = (float(rows[f"optical-{row}"].published) for row in (
        "light-pulse", "learning-pulses", "forgetting-time", "first-learning-pulses", "ppf-400ms"))
    device = Optoelectronic.preset("gao_2019")
    cell, bias = lit(device), {"top": READ_OPTICAL}
    facilitation = partial(ppf, cell, volts=LIGHT, bias=bias, baseline=READ_OPTICAL * device.values["g_dark"],
                           engine=context.engine, executor=context.executor, progress=context.progress)
    gaps = np.array([1.0, 5.0, PAIR_GAP] if context.quick else [0.2, 0.5, 1, 2, 5, 10, PAIR_GAP, 30, 50])
    pairs = replace(facilitation(gaps, width=width), published=(
        Published("above 115 % at 20 s", "Sun 2021, Fig. 17b", x=(PAIR_GAP,), y=(115.0,)),))
    outcome.score("optical-ppf-20s", float(pairs.y[gaps == PAIR_GAP][0]))
    second = float(facilitation([0.1], width=long * 1e-3).y[0])
    outcome.score("optical-ppf-400ms", f"second peak {second:.1f} % of the first", second > 100.1)  # beyond rounding

    pulses = [*train("light", LIGHT, width, int(count), 1.0 - width, last=dark, bias=bias),
              *train("light", LIGHT, width, RELEARN, 1.0 - width, bias=bias)]
    record = apply(cell, pulses, engine=context.engine)
    again = record.siemens[int(count):], record.amps[int(count):]
    needed = []
    for values, levels in zip((record.siemens, record.amps), again, strict=True):
        reached = np.flatnonzero(levels >= values[int(mark) - 1])
        needed.append(float(reached[0] + 1) if len(reached) else float("inf"))
    outcome.score("optical-relearning-pulses", needed[0])
    outcome.remarks.append(f"relearning takes {needed[0]:g} pulses by the conductance 0.5 s after each pulse (scored), "
                           f"{needed[1]:g} by the peak in the light")
    end = float(record.begins[-1]) + 1.0
    course = _sampled(record, cell, np.linspace(0, end, 1201), "learning", f"{count:g} pulses of light at 1 Hz, "
                      f"{dark:g} s dark, {RELEARN} pulses")
    level = replace(course, x=np.linspace(0, end, 201), y=np.full(201, record.siemens[int(mark) - 1]), name="level")
    fades = retention(cell, np.geomspace(0.1, 1000, 41), events=pulses[:int(count)], engine=context.engine,
                      name="forgetting")
    fit = fades.fit("double-exponential", offset=float(device.values["g_dark"]))
    outcome.remarks.append(f"after {count:g} pulses it forgets with {fit['tau1']:.1f} and {fit['tau2']:.0f} s (double "
                           f"exponential, R^2 {fit.r_squared:.5f})")
    outcome.keep(pairs, course, fades)
    outcome.figures["optical"] = panels([
        Panel("Two light pulses of 0.5 s", [pairs], ["simulated"], xscale="log"),
        Panel("Learning, forgetting, relearning", [course, level], ["simulated", f"level after pulse {mark:g}"]),
        Panel(f"Dark after {count:g} pulses", [fades], [None], [fit], xscale="log")])


_SEED = Param(1, "1", "seed of all draws", low=0, high=2**31, source="chosen")

EXPERIMENTS = (
    Experiment("ag2s-rehearsal", "Rehearsal turns short- into long-term memory in an Ag2S atomic switch (Fig. 15)",
               REVIEW, _ag2s),
    Experiment("diffusive-epsc", "Retention, on/off ratio and volatility of a diffusive Ag memristor (Fig. 2b)",
               REVIEW, _diffusive, {"seed": _SEED, "draws": Param(60, "1", "devices, and cycles, drawn", low=50,
                                                                  high=1e5, source="chosen; targets.csv asks for 50")}),
    Experiment("wox-ppf", "Facilitation and the 16 streams of four pulses in WOx (Fig. 17)", REVIEW, _wox,
               {"seed": _SEED}),
    Experiment("ppd", "Facilitation that turns into depression, and paired-pulse depression (Fig. 14b)", FUTURE, _ppd),
    Experiment("optical-synapse", "PPF, learning and relearning by light (Fig. 16e, 17)", FUTURE, _optical),
)
