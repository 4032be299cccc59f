"""Li et al. 2019, oxide tunnel junction: every experiment of the paper on one junction, scored against its numbers.

Conductances and currents at 0.1 V are read from the states (protocols.conductance) unless it says that a reading pulse
is part of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spicemem.circuit import GROUND, Capacitor, Circuit
from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve, Published
from spicemem.devices.limiter import Limiter
from spicemem.devices.tunnel_junction import OTJ
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment, targets
from spicemem.experiments.panels import Panel, panels
from spicemem.model import Param
from spicemem.protocols.characterise import Trace, trace
from spicemem.protocols.conductance import conductance
from spicemem.protocols.loops import resistance_voltage_loop
from spicemem.protocols.pool import map_runs
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import lone_spikes, stdp
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    pass

Array = NDArray[np.float64]
PAPER = "Li et al., ACS Appl. Mater. Interfaces 2019, doi:10.1021/acsami.9b13434"
READ = 0.1
#: Rest between a pulse and the conductance that counts as permanent: 25 times the decay of the short-term state.
REST = 20e-6


def junction(g_start: float | None = None, **values: float) -> OTJ:
    """The paper's junction, pristine (high resistance) or with a conductance of `g_start` (S) at 0.1 V."""
    device = OTJ.preset("li_2019", **values)
    if g_start is None:
        return device
    off, on = (device.values[name] for name in ("g_off", "g_on"))
    # The current is g*v_0*sinh(v/v_0): at 0.1 V a little more than g.
    g = g_start * (READ / device.values["v_0"]) / np.sinh(READ / device.values["v_0"])
    return device.replace(w_init=float(np.log(g / off) / np.log(on / off)))


def _train(steps: Sequence[tuple[float, float]], edge: float, parts: int = 1) -> Waveform:
    """Voltages (V) held for times (s) one after the other, from and to 0 V; an edge (s) begins each.

    parts: points along each pulse, where simulators stop. Within 50 ns the rate of the vacancies grows many times over
    with the short-term state; with the steps that suit the 20 us of rest ngspice is 2.5 % off after 20 pulses, with 25
    points 0.1 %.
    """
    points, now = [(0.0, 0.0)], 0.0
    for volts, width in [*steps, (0.0, 2 * edge)]:
        points += [(now + edge, volts), (now + width, volts)]
        now += width
    return Waveform.points(*points).divided(parts, 1.5 * edge)


def _run(device: OTJ, engine: Engine, steps: Sequence[tuple[float, float]], edge: float, max_step: float,
         parts: int = 1) -> tuple[Trace, Array]:
    """Drive the junction by the steps; the run, and the end (s) of each step."""
    ends = np.cumsum([width for _, width in steps])
    return trace(device, _train(steps, edge, parts), float(ends[-1]), engine=engine, max_step=max_step), ends


def _at(run: Trace, t: Array) -> Array:
    """Conductance (S) read from the states at the times t (s)."""
    return np.exp(np.interp(t, run.time, np.log(run.siemens)))


def _provenance(context: Context, protocol: str, **more: str) -> dict[str, str]:
    return context.provenance(protocol, device="otj", preset="li_2019", **more)


# --- otj-loop -------------------------------------------------------------------------------------------------------

TOP, BOTTOM, WRITE = 2.2, -4.3, 0.1  # V, V, s
_PAUSE, _READING, _LOOP_EDGE = 1e-3, 5e-3, 1e-5  # s
ALTERNATIONS = 100


def _write_and_read(engine: Engine, amplitudes: Array) -> Array:
    """Resistance (Ohm) seen by a reading pulse after each writing pulse, one run from the high resistance state."""
    return resistance_voltage_loop(one_device(junction()), amplitudes, WRITE, rest=_PAUSE, edge=_LOOP_EDGE,
                                   engine=engine, reading=Reading(READ, _READING)).y


def _otj_loop(context: Context) -> None:
    outcome, rows = context.outcome, targets()
    n_up, n_down = (11, 10) if context.quick else (22, 43)
    up, down = np.linspace(0, TOP, n_up + 1)[1:], np.linspace(0, BOTTOM, n_down + 1)[1:]
    loop = np.concatenate([up, up[-2::-1], down, down[-2::-1]])
    turns = np.tile([TOP, BOTTOM], ALTERNATIONS)
    resistances, cycled = map_runs(partial(_write_and_read, context.engine), [loop, turns], context.engine,
                                   context.executor, context.progress, "loop, fatigue")
    lrs, hrs = float(resistances[n_up - 1]), float(resistances[2 * n_up - 1 + n_down - 1])
    outcome.score("otj-hrs", hrs)
    outcome.score("otj-lrs", lrs)
    outcome.score("otj-on-off", hrs / lrs)
    protocol = f"writing pulses of 100 ms, each read by a pulse of {READ} V"
    published = tuple(Published(text, "Li 2019, Fig. 1b", low=value, high=value) for text, value in (
        ("high resistance", 1.8e8), ("low resistance", 2.7e4)))
    curve = Curve(loop, resistances, "write voltage", "V", "resistance", "Ohm", name="loop", published=published,
                  provenance=_provenance(context, protocol))
    on, off = cycled[0::2], cycled[1::2]
    ratio = float(np.min(off / on))
    outcome.score("otj-fatigue-ratio", ratio)
    number = np.arange(1.0, ALTERNATIONS + 1)
    fatigue = [Curve(number, values, "alternation", "1", "resistance", "Ohm", name=f"fatigue-{name}",
                     provenance=_provenance(context, f"{TOP} V and {BOTTOM} V in turn, 100 ms each"))
               for name, values in (("on", on), ("off", off))]
    outcome.keep(curve, *fatigue)
    outcome.figures["loop"] = panels([
        Panel("Resistance after writing pulses of 100 ms", [curve], ["simulated"], yscale="log"),
        Panel(f"{ALTERNATIONS} alternations of {TOP} V and {BOTTOM} V", fatigue,
               [f"after {TOP} V", f"after {BOTTOM} V"], yscale="log")])
    switched = up[np.flatnonzero(resistances[:n_up] < np.sqrt(hrs * lrs))]
    at = f"sets at {switched[0]:.2f} V" if len(switched) else "does not set"
    outcome.remarks.append(f"{at} (geometric mean of both resistances); "
                           f"{rows['otj-fatigue-ratio'].published} is the paper's ratio over its cycles, the model is "
                           f"periodic: {off[-1] / on[-1] / (off[0] / on[0]) - 1:+.1e} from first to last alternation")


# --- otj-stm --------------------------------------------------------------------------------------------------------

SHORT, GAPS, TRAIN = 50e-9, (0.15e-6, 0.45e-6, 0.95e-6, 1.95e-6), 10
_SHORT_EDGE, PARTS = 1e-9, 25


def _single(engine: Engine, amplitude: float) -> Trace:
    return _run(junction(), engine, [(0.0, SHORT), (amplitude, SHORT), (0.0, 3e-6)], _SHORT_EDGE, 5e-9, PARTS)[0]


def _dense(engine: Engine, gap: float) -> tuple[Trace, Array]:
    """A train of 0.6 V and the current (A) at 0.1 V above rest just after each pulse."""
    run, ends = _run(junction(), engine, [(0.6, SHORT), (0.0, gap)] * TRAIN, _SHORT_EDGE, 5e-9, PARTS)
    return run, READ * (_at(run, ends[0::2] + _SHORT_EDGE) - run.siemens[0])


def _otj_stm(context: Context) -> None:
    outcome = context.outcome
    amplitudes = (0.2, 0.6, 1.0)
    singles = map_runs(partial(_single, context.engine), amplitudes, context.engine, context.executor,
                       context.progress, "single pulses")
    trains = map_runs(partial(_dense, context.engine), GAPS, context.engine, context.executor, context.progress,
                      "trains")
    decays, names = [], [f"{v:g} V" for v in amplitudes]
    for v, run in zip(amplitudes, singles, strict=True):
        after = run.time > 2 * SHORT + _SHORT_EDGE
        decays.append(Curve(run.time[after] - 2 * SHORT, READ * (run.siemens[after] - run.siemens[0]),
                            "time after the pulse", "s", "current above rest", "A", name=f"epsc-{v:g}V",
                            provenance=_provenance(context, f"one pulse of {v:g} V and 50 ns, current at {READ} V")))
    peaks = [Curve(np.arange(1.0, TRAIN + 1), current, "pulse", "1", "current above rest", "A",
                   name=f"train-{1e-3 / (SHORT + gap):.0f}kHz",
                   provenance=_provenance(context, f"ten pulses of 0.6 V and 50 ns, {engineering(gap, 's')} apart, "
                                                   f"current at {READ} V just after each"))
             for gap, (_, current) in zip(GAPS, trains, strict=True)]
    gaps = np.array(GAPS)
    indices = {}
    for name, pulse in (("ppf", 1), ("ptp", TRAIN - 1)):
        values = np.array([100 * (current[pulse] / current[0] - 1) for _, current in trains])
        indices[name] = Curve(gaps, values, "gap", "s", "index", "%", name=name, provenance=_provenance(
            context, f"(A{pulse + 1} - A1)/A1 of the current at {READ} V above rest"))
    outcome.keep(*decays, *peaks, *indices.values())
    fits = {name: curve.fit("exponential-stdp") for name, curve in indices.items()}
    falls = all((np.diff(curve.y) < 0).all() for curve in indices.values())
    order = bool((indices["ptp"].y > indices["ppf"].y).all() and (indices["ppf"].y > 0).all())
    outcome.score("otj-ppf-ptp-decay", "; ".join(
        f"{name.upper()} {' '.join(f'{v:.1f}' for v in curve.y)} %, tau {fits[name]['tau+'] * 1e6:.2f} us, "
        f"R^2 {fits[name].r_squared:.4f}" for name, curve in indices.items()),
        falls and order and all(fit.r_squared >= 0.95 for fit in fits.values()))
    outcome.figures["stm"] = panels([
        Panel("One pulse of 50 ns", decays[::-1], names[::-1]),
        Panel("Ten pulses of 0.6 V, 50 ns", peaks, [f"{1e-6 / (SHORT + g):.3g} MHz" for g in GAPS]),
        Panel("Facilitation against gap", list(indices.values()), ["PPF", "PTP"], [fits["ppf"], fits["ptp"]])])


# --- otj-stm-ltm ----------------------------------------------------------------------------------------------------

COMPLIANCE = 115e-9
#: At the node between limiter and junction (chosen): without it, nothing but the junction's states says where the node
#: is once the limiter is saturated, and ngspice's iterations run away there.
STRAY = 0.3e-15
_WIDTHS = (100e-9, 200e-9, 500e-9, 1e-6, 2e-6)


def limited(device: OTJ) -> Circuit:
    """The junction behind a current limiter, port drive."""
    cell = Circuit("limited", ("drive",), "Tunnel junction behind a current limiter")
    cell.add("limiter", Limiter(i_max=COMPLIANCE), p="drive", n="inside")
    cell.add("stray", Capacitor(STRAY), p="inside", n=GROUND)
    return cell.add("dut", device, p="inside", n=GROUND)


def _spikes(engine: Engine, spikes: Sequence[tuple[float, float]]) -> tuple[Array, float, Curve]:
    """Spikes (V, s) with 20 us of rest after each: currents (A) at 0.1 V at rest before and after each, largest current
    of the source, and voltage of the junction over time."""
    device = junction()
    steps = [(0.0, 10e-9), *(s for v, width in spikes for s in ((v, width), (0.0, REST)))]
    ends = np.cumsum([width for _, width in steps])
    drive = _train(steps, _SHORT_EDGE, PARTS)
    result = engine.run(limited(device).drive(drive=drive), float(ends[-1]), max_step=200e-9,
                        save=["v(drive)", "v(inside)", "i(v_drive)", "dut.w", "dut.s"])
    states = {name: result.at(f"dut.{name}", ends[0::2]) for name in ("w", "s")}
    wave = Curve(result.time, result["v(inside)"], "time", "s", "voltage of the junction", "V", name="limited",
                 columns={"drive": Column(result["v(drive)"], "V"), "current": Column(-result["i(v_drive)"], "A")})
    return READ * conductance(device, states, READ), float(np.abs(result["i(v_drive)"]).max()), wave


def _otj_stm_ltm(context: Context) -> None:
    outcome = context.outcome
    amplitudes = np.round(np.arange(0.9, 3.61, 0.3), 6)
    jobs = [[(float(v), 100e-9) for v in amplitudes], *([(1.5, width)] for width in _WIDTHS)]
    (ladder, top, wave), *single = map_runs(partial(_spikes, context.engine), jobs, context.engine, context.executor,
                                            context.progress, "spikes behind a limiter")
    stable, rest = ladder[1:], float(ladder[0])
    grown = np.array([current[-1] for current, _, _ in single])
    compliance = f"limited to {engineering(COMPLIANCE, 'A')}, current at {READ} V, 20 us after"
    published = Published("8.5 nA times 7.7 at an unknown read voltage, scaled to the first point", "Li 2019, Fig. 3a",
                          x=(0.9, 3.6), y=(float(stable[0]), float(stable[0]) * 65.5 / 8.5))
    by_amplitude = Curve(amplitudes, stable, "spike amplitude", "V", "stable current", "A", name="by-amplitude",
                         published=(published,),
                         provenance=_provenance(context, f"successive spikes of 100 ns, {compliance}"))
    by_width = Curve(np.array(_WIDTHS), grown, "spike width", "s", "stable current", "A", name="by-width",
                     provenance=_provenance(context, f"one spike of 1.5 V from high resistance each, {compliance}"))
    wave = replace(wave, provenance=_provenance(context, f"successive spikes of 100 ns, {compliance}"))
    outcome.keep(by_amplitude, by_width, wave)
    ratio = float(stable[-1] / stable[0]) * 8.5
    outcome.score("otj-amplitude-ratio", ratio, bool(targets()["otj-amplitude-ratio"].meets(ratio)
                                                     and (np.diff(stable) >= 0).all()))
    outcome.score("otj-width-growth", f"{' '.join(f'{g / rest:.3f}' for g in grown)} times the current at rest",
                  bool((np.diff(np.r_[rest, grown]) > 0).all() and grown[-1] >= 3 * rest))
    outcome.figures["stm-ltm"] = panels([
        Panel("Successive spikes of 100 ns", [by_amplitude], ["simulated"]),
        Panel("Spikes of 1.5 V", [by_width], xscale="log")])
    outcome.remarks.append(f"largest current of the source {engineering(max(top, *(t for _, t, _ in single)), 'A')}; "
                           f"limiter: 115 nA, knee 50 mV, {engineering(STRAY, 'F')} at the node behind it (chosen)")


# --- otj-retention --------------------------------------------------------------------------------------------------

_CAP = 2e4


def _retained(engine: Engine, job: tuple[OTJ, float]) -> tuple[Array, Array]:
    """Times (s) and currents (A) under 0.1 V after one writing pulse of the loop."""
    device, volts = job
    written, _ = _run(device, engine, [(volts, WRITE), (0.0, _PAUSE)], _LOOP_EDGE, WRITE / 20)
    run = trace(device, Waveform.points((0.0, 0.0), (1e-3, READ)), _CAP, engine=engine, initial=written.final,
                max_step=_CAP / 40)
    reading = run.time >= 1e-3
    return run.time[reading] - 1e-3, run.amps[reading]


def _lifetime(time: Array, current: Array) -> float:
    """First time (s) at which the current has changed by 10 %, at most the end of the run."""
    change = np.abs(current / current[0] - 1)
    gone = np.flatnonzero(change >= 0.1)
    return float(np.interp(0.1, change[gone[0] - 1:gone[0] + 1], time[gone[0] - 1:gone[0] + 1])) if len(gone) else _CAP


def _otj_retention(context: Context) -> None:
    outcome = context.outcome
    count = min(int(context.values["devices"]), 5) if context.quick else int(context.values["devices"])
    seed = int(context.values["seed"])
    devices = [junction(), *junction().sample(count, seed)]
    jobs = [(device, volts) for device in devices for volts in (BOTTOM, TOP)]
    found = map_runs(partial(_retained, context.engine), jobs, context.engine, context.executor, context.progress,
                     "retention")
    lives = np.array([_lifetime(*item) for item in found]).reshape(-1, 2)
    start = READ / np.array([current[0] for _, current in found]).reshape(-1, 2)
    outcome.score("otj-retention-time", float(lives[0].min()))
    protocol = f"{READ} V for {_CAP:g} s after a writing pulse of 100 ms"
    names = ("high", "low")
    curves = []
    for name, (time, current) in zip(names, found[:2], strict=True):
        grid = np.geomspace(0.1, _CAP, 30)
        published = (Published("retention", "Li 2019, Fig. 1f", low=1e4, axis="x"),) if name == "low" else ()
        curves.append(Curve(grid, np.interp(grid, time, current), "time", "s", "current at 0.1 V", "A",
                            name=f"retention-{name}", provenance=_provenance(context, protocol), published=published))
    spread = [Curve(np.arange(1.0, count + 1), start[1:, k], "device", "1", "resistance", "Ohm",
                    name=f"devices-{name}", columns={"lifetime": Column(lives[1:, k], "s", "time to 10 % change")},
                    provenance=_provenance(context, protocol, seed=str(seed),
                                           spread="lognormal, as the model declares"))
              for k, name in enumerate(names)]
    outcome.keep(*curves, *spread)
    outcome.figures["retention"] = panels([
        Panel("Retention at 0.1 V", curves, ["high resistance", "low resistance"], xscale="log", yscale="log"),
        Panel(f"{count} devices", spread, ["high resistance", "low resistance"], yscale="log", linestyle="none")])
    change = [float(np.abs(current / current[0] - 1).max()) for _, current in found[:2]]
    outcome.remarks.append(f"in {_CAP:g} s the current changes by {change[0]:.2e} (high resistance) and "
                           f"{change[1]:.2e} (low); the shortest time of {count} sampled devices is "
                           f"{lives[1:].min():g} s")
    outcome.remarks.append("between devices, standard deviation of ln R: " + ", ".join(
        f"{np.log(start[1:, k]).std(ddof=1):.3f} ({name})" for k, name in enumerate(names))
        + "; the spread is chosen, the paper shows a picture only")


# --- otj-ltp --------------------------------------------------------------------------------------------------------

STATES, UP, DOWN = 20, 2.2, -2.5


def _otj_ltp(context: Context) -> None:
    outcome = context.outcome
    cycles = 3 if context.quick else int(context.values["cycles"])
    cycle = [s for v in [UP] * STATES + [DOWN] * STATES for s in ((v, SHORT), (0.0, REST))]
    context.progress(0, 1, "pulses")
    run, ends = _run(junction(g_start=1e-6), context.engine, cycle * cycles, _SHORT_EDGE, REST / 10, PARTS)
    context.progress(1, 1, "pulses")
    g = np.r_[run.siemens[0], _at(run, ends[1::2])]
    number = np.arange(1.0, len(g))
    curve = Curve(number, g[1:], "pulse", "1", "conductance", "S", name="ltp",
                  columns={"cycle": Column(np.ceil(number / (2 * STATES)), "1")}, provenance=_provenance(
                      context, f"{STATES} pulses of {UP} V, {STATES} of {DOWN} V, 50 ns, read 20 us after each"),
                  published=tuple(Published(text, "Li 2019, Fig. 3c", low=value, high=value) for text, value in (
                      ("lowest state", 1e-6), ("highest state", 10.5e-6))))
    outcome.keep(curve)
    last = g[-(2 * STATES + 1):]
    steps = np.diff(last) / np.ptp(last)
    counts = int((steps[:STATES] >= 0.005).sum()), int((steps[STATES:] <= -0.005).sum())
    outcome.score("otj-ltp-states", min(counts))
    outcome.score("otj-g-max", float(last[STATES]) * 1e6)
    outcome.score("otj-g-min", float(last[-1]) * 1e6)
    rising, falling = last[1:STATES + 1], last[STATES + 1:]
    branches = [Curve(np.arange(1.0, STATES + 1), values, "pulse", "1", "conductance", "S", name=name)
                for name, values in (("up", rising), ("down", falling))]
    outcome.figures["ltp"] = panels([
        Panel(f"{cycles} cycles of {STATES} pulses up and {STATES} down", [curve], ["simulated"]),
        Panel("The last cycle", branches, [f"{UP} V", f"{DOWN} V"])])
    outcome.remarks.append(f"steps of the last cycle, in G max - G min: up {steps[:STATES].min():.3f} to "
                           f"{steps[:STATES].max():.3f}, down {-steps[STATES:].max():.3f} to "
                           f"{-steps[STATES:].min():.3f}")


# --- otj-stdp -------------------------------------------------------------------------------------------------------

_US, _STEP_EDGE = 1e-6, 10e-9
#: Magnitudes (V) of the negative steps 1, 2, ... us before the positive one, and that one (chosen; only in the SI).
PRE_LADDER = (1.114, 1.073, 1.035, 1.000, 0.966, 0.934, 0.903, 0.872, 0.842, 0.812, 0.782)
POST_LADDER = (0.379, 0.369, 0.360, 0.350, 0.340, 0.331, 0.322, 0.312, 0.303, 0.294, 0.285)
PRE_PEAK, POST_PEAK = 0.902, 1.30
#: Magnitudes (V) of the negative steps 0, 1, ... us from the centre, to either side: symmetric form.
CENTRED = (0.381, 0.377, 0.366, 0.347, 0.321, 0.288, 0.249, 0.205, 0.158)
G_START = 1e-6


def stairs(levels: Sequence[float], start: float) -> Waveform:
    """Steps of 1 us (V) from `start` (s) on, 0 V before and after, edges centred on the times of the steps."""
    ends = [0.0, *levels, 0.0]
    points = []
    for k, (before, after) in enumerate(pairwise(ends)):
        at = start + k * _US
        points += [(at - _STEP_EDGE / 2, before), (at + _STEP_EDGE / 2, after)]
    return Waveform.points(*points)


def antisymmetric_spikes() -> tuple[Waveform, Waveform]:
    """pre and post: a negative ladder that grows for 11 us, then 1 us positive; time 0 is the rise to the positive."""
    pre, post = ([*(-v for v in reversed(ladder)), peak] for ladder, peak in (
        (PRE_LADDER, PRE_PEAK), (POST_LADDER, POST_PEAK)))
    return stairs(pre, -len(PRE_LADDER) * _US), stairs(post, -len(POST_LADDER) * _US)


def symmetric_spikes() -> tuple[Waveform, Waveform]:
    """pre: 1 us positive. post: 17 negative steps, largest in the middle; time 0 of both is where the middle begins."""
    arm = len(CENTRED) - 1
    return (stairs([PRE_PEAK], 0.0),
            stairs([-CENTRED[abs(k)] for k in range(-arm, arm + 1)], -arm * _US))


def _change(context: Context, spikes: tuple[Waveform, Waveform], delays: Array, name: str) -> Curve:
    """dG/G in % against delay, with dG of the run in a column."""
    curve = stdp(one_device(junction(g_start=G_START)), pre=spikes[0], post=spikes[1], delays=delays,
                 engine=context.engine, reading=Reading(READ, 1e-5), read_delay=1e-4, executor=context.executor,
                 progress=context.progress, name=name)
    return replace(curve, y=100 * curve.y / curve.columns["g_before"].values, y_label="dG/G", y_unit="%",
                   provenance={**curve.provenance, "spikes": "docs/tunnel_junction.md"})


def _branch(curve: Curve, sign: int) -> Curve:
    """The side of positive or of negative delays."""
    side = curve.x * sign > 0
    return replace(curve, x=curve.x[side], y=curve.y[side], published=(),
                   columns={k: replace(c, values=c.values[side]) for k, c in curve.columns.items()})


def _otj_stdp(context: Context) -> None:
    outcome = context.outcome
    away: Array = np.arange(1.0, 12.0) * _US
    odd = _change(context, antisymmetric_spikes(), np.r_[-away[::-1], away], "stdp-antisymmetric")
    even = _change(context, symmetric_spikes(), np.arange(-8.0, 9.0) * _US, "stdp-symmetric")
    branches = {"ltp": _branch(odd, 1), "ltd": _branch(odd, -1)}
    fits = {name: branch.fit("exponential-stdp", offset=True) for name, branch in branches.items()}
    for (name, fit), tag in zip(fits.items(), "+-", strict=True):
        outcome.score(f"otj-stdp-a-{name}", fit[f"A{tag}"])
        outcome.score(f"otj-stdp-tau-{name}", fit[f"tau{tag}"] * 1e6)
        outcome.remarks.append(f"{name}: W0 = {fit['offset']:.2f} %, R^2 {fit.r_squared:.5f} (W0 is not printed)")
    bell = even.fit("gaussian", offset=True, centre=0.0)
    outcome.score("otj-stdp-a-gauss", bell["A"])
    outcome.score("otj-stdp-tau-gauss", 2**0.5 * bell["sigma"] * 1e6)  # the paper's is exp(-(dt/tau)^2)
    free = even.fit("gaussian", offset=True)
    outcome.remarks.append(f"symmetric: W0 = {bell['offset']:.2f} %; with its centre free the fit is at "
                           f"{engineering(free['mu'], 's')}")
    spikes = {"antisymmetric": antisymmetric_spikes(), "symmetric": symmetric_spikes()}
    outcome.score("otj-stdp-spike-amplitude", max(w.peak for pair in spikes.values() for w in pair))
    paper = np.arange(1.5, 11.0) * _US  # between the points of the runs
    odd = replace(odd, published=tuple(
        Published(f"{a} % exp(−|Δt|/{tau} µs)", "Li 2019, Eq. 1", x=tuple(sign * paper),
                  y=tuple(a * np.exp(-paper / (tau * _US))))
        for a, tau, sign in ((96.3, 4.4, 1), (-53.1, 4.2, -1))))
    grid = np.arange(-7.5, 8.0) * _US
    even = replace(even, published=(Published("88.0 % exp(−(Δt/3.3 µs)²)", "Li 2019, Eq. 2", x=tuple(grid),
                                              y=tuple(88.0 * np.exp(-((grid / (3.3 * _US)) ** 2)))),))
    outcome.keep(odd, even)
    shown = [replace(branch, published=(item,)) for branch, item in zip(branches.values(), odd.published, strict=True)]
    cell = one_device(junction(g_start=G_START))
    for name, (pre, post) in spikes.items():
        lone = lone_spikes(cell, pre=pre, post=post, engine=context.engine, reading=Reading(READ, 1e-5),
                           read_delay=1e-4)
        outcome.remarks.append(f"{name}: a lone spike changes the conductance by " + ", ".join(
            f"{100 * v / G_START:+.3f} % ({which})" for which, by in lone.items() for v in by.values()))
    outcome.figures["stdp"] = panels([Panel("Antisymmetric", shown, ["LTP", "LTD"], list(fits.values())),
                                       Panel("Symmetric", [even], ["simulated"], [bell])], height=4.6)
    outcome.figures["spikes"] = panels([
        Panel(name.capitalize(), [_shape(w, which) for which, w in zip(("pre", "post"), pair, strict=True)],
               ["pre", "post"]) for name, pair in spikes.items()])


def _shape(wave: Waveform, which: str) -> Curve:
    """A spike as a curve, for its picture."""
    t = np.linspace(-13e-6, 11e-6, 2401)
    return Curve(t, wave(t), "time from the spike", "s", "voltage", "V", name=f"spike-{which}")


# --- otj-energy -----------------------------------------------------------------------------------------------------

FAST = 20e-9
STM_VOLTS, LTM_VOLTS = 0.48, 1.8


def _pulsed(engine: Engine, volts: float) -> tuple[float, float]:
    """Energy (J) that one pulse gives the pristine junction and the relative change of conductance 20 us later."""
    device, edge = junction(), FAST / 1000
    wave = Waveform.pulse(volts, FAST + edge, edge, start=edge)  # FAST wide at half of its height
    run = trace(device, wave, FAST + 4 * edge, engine=engine, max_step=FAST / 200)
    after = trace(device, Waveform.constant(0.0), REST, engine=engine, initial=run.final, max_step=REST / 100)
    return float(np.trapezoid(run.volts * run.amps, run.time)), float(after.siemens[-1] / run.siemens[0] - 1)


def _otj_energy(context: Context) -> None:
    outcome = context.outcome
    volts = np.array(sorted({STM_VOLTS, *((1.6, 1.7, 1.8, 1.9, 2.0) if context.quick else
                                          np.round(np.arange(0.3, 2.31, 0.1), 6).tolist())}))
    energies, changes = np.array(map_runs(partial(_pulsed, context.engine), volts.tolist(), context.engine,
                                          context.executor, context.progress, "pulses of 20 ns")).T
    for name, at in (("otj-energy-stm", STM_VOLTS), ("otj-energy-ltm", LTM_VOLTS)):
        outcome.score(name, float(energies[np.argmin(np.abs(volts - at))]) * 1e15)
    lasting = changes > 1e-6  # below that: rounding, on a logarithmic scale
    outcome.score("otj-ltm-threshold", float(np.interp(np.log(0.01), np.log(changes[lasting]), volts[lasting],
                                                       left=np.nan, right=np.nan)))
    energy = Curve(volts, energies, "pulse amplitude", "V", "energy", "J", name="energy", provenance=_provenance(
        context, "one pulse of 20 ns at high resistance, integral of v*i"),
        published=(Published("short-term 0.026 fJ and long-term 0.46 fJ", "Li 2019, Fig. 3f",
                             x=(STM_VOLTS, LTM_VOLTS), y=(0.026e-15, 0.46e-15)),))
    change = Curve(volts[lasting], 100 * changes[lasting], "pulse amplitude", "V", "lasting change", "%",
                   name="lasting-change", provenance=_provenance(
                       context, f"one pulse of 20 ns at high resistance, conductance at {READ} V 20 us later"),
                   published=(Published("threshold of long-term memory", "Li 2019, Sec. 3", low=1.8, high=1.8,
                                        axis="x"),))
    outcome.keep(energy, change)
    outcome.figures["energy"] = panels([
        Panel("Energy of a pulse of 20 ns", [energy], ["simulated"], yscale="log"),
        Panel("What lasts of it, 20 µs later", [change], ["simulated"], yscale="log")])
    outcome.remarks.append("the paper's energy is V*I*t with I at the end of the pulse; the amplitude of its "
                           f"short-term pulse is not printed, {STM_VOLTS} V is what gives 0.026 fJ")


EXPERIMENTS = (
    Experiment("otj-loop", "R-V loop of an oxide tunnel junction and its fatigue (Fig. 1b, e)", PAPER, _otj_loop),
    Experiment("otj-stm", "Short-term memory: single pulses, trains, PPF and PTP (Fig. 2)", PAPER, _otj_stm),
    Experiment("otj-stm-ltm", "From short-term to long-term memory by amplitude and width (Fig. 3a, b)", PAPER,
               _otj_stm_ltm),
    Experiment("otj-retention", "Retention, and the spread between devices (Fig. 1f, g)", PAPER, _otj_retention,
               {"devices": Param(20, "1", "devices sampled", low=2, high=1e4, source=f"{PAPER}, Fig. 1g"),
                "seed": Param(1, "1", "seed of all draws", low=0, high=2**31, source="chosen")}),
    Experiment("otj-ltp", "20 states up and 20 down by equal pulses (Fig. 3c)", PAPER, _otj_ltp,
               {"cycles": Param(5, "1", "cycles, the last one counts", low=3, high=100,
                                source="chosen; the paper has 100")}),
    Experiment("otj-stdp", "Antisymmetric and symmetric STDP (Fig. 3d, e)", PAPER, _otj_stdp),
    Experiment("otj-energy", "Energy and threshold of pulses of 20 ns (Fig. 3f)", PAPER, _otj_energy),
)
