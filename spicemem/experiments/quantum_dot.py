"""Maier et al. 2016, quantum-dot memristor: its loop, four learning rules, levels, pulses, efficiency of charging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve, Published, plot_curves, plot_grid
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.engines import Engine
from spicemem.engines.result import Array
from spicemem.experiments.base import Context, Experiment
from spicemem.model import Model, Param
from spicemem.protocols.ltp import levels, multilevel
from spicemem.protocols.pool import map_runs
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import stdp
from spicemem.waveform import Waveform

PAPER = "Maier et al., J. Appl. Phys. 120(13), 2016, doi:10.1063/1.4963830"
SHORT = "Maier 2016, "
MS = 1e-3
Mask = NDArray[np.bool_]
#: Series resistance that the paper takes out, Ohm; half the width of a pulse and the time of a jump, s.
R_S, HALF, JUMP = 1e6, 5 * MS, 1e-5
#: How a conductance is read: within the 50 mV of the loop's slopes; s from the presynaptic spike to the reading.
READING, READ_DELAY = Reading(0.05, 1e-3), 0.1
#: Conductance of full dots, S, and the factor between levels.
FULL, LEVEL = 1.4e-11, 1.2


@dataclass(frozen=True)
class Rule:
    """A learning rule: amplitudes of Table 1 in the shapes of Fig. 1(c) (chosen, docs/quantum_dot.md), spike at 0."""

    name: str
    title: str
    pre: Waveform
    post: Waveform


def _ramps(before: float, after: float) -> Waveform:
    """0 to `before` (V) at the spike, a jump to `after`, and back to 0."""
    return Waveform.points((-HALF, 0), (-JUMP / 2, before), (JUMP / 2, after), (HALF, 0))


def rules() -> dict[str, Rule]:
    """The four learning rules by the letter of their panel in Figs. 3 and 4."""
    wavy = Waveform.points((-HALF, 0), (-HALF + JUMP, -3.8), (-HALF / 2, -3.8), (0, 3.8), (HALF / 2, -3.7),
                           (HALF - JUMP, -3.7), (HALF, 0))
    flat = Waveform.pulse(-2.0, 2 * HALF, JUMP, -HALF)
    hill = Waveform.points((-HALF, 0), (0, 2.4), (HALF, 0))
    return {
        "a": Rule("asymmetric-hebbian", "(a) asymmetric Hebbian", _ramps(-3.0, 4.2), _ramps(-2.0, 2.0)),
        "b": Rule("asymmetric-anti-hebbian", "(b) asymmetric anti-Hebbian", _ramps(4.2, -2.8), _ramps(2.0, -2.0)),
        "c": Rule("symmetric-hebbian", "(c) symmetric Hebbian", wavy, flat),
        "d": Rule("symmetric-anti-hebbian", "(d) symmetric anti-Hebbian", -hill, hill),
    }


# --- what all share -------------------------------------------------------------------------------------------------


def channel(total: Array) -> Array:
    """Conductance (S) of the channel alone: 1/(V/I - 1 MOhm) of what was read; nan where nothing is left."""
    rest = 1 / np.asarray(total, float) - R_S
    return np.where(rest > 0, 1 / np.where(rest > 0, rest, 1.0), np.nan)


def _about(device: Model, engine: Engine, **more: str) -> dict[str, str]:
    return {"device": device.definition.name, "preset": device.preset_name or "none",
            "conductance": "channel, 1/(V/I - 1 MOhm)", **more, "engine": f"{engine.name} {engine.version()}"}


def _rule_curve(context: Context, device: Model, rule: Rule, delays_ms: Array, name: str, **more: str) -> Curve:
    """Relative change of the channel conductance by one pair, against the delay."""
    total = stdp(one_device(device), pre=rule.pre, post=rule.post, delays=delays_ms * MS, engine=context.engine,
                 reading=READING, read_delay=READ_DELAY, progress=context.progress, executor=context.executor,
                 name=name)
    before, after = (channel(total.columns[key].values) for key in ("g_before", "g_after"))
    return replace(
        total, y=after / before - 1, y_label="dG/G0", y_unit="1",
        columns={"g_before": Column(before, "S", "channel before the pair"),
                 "g_after": Column(after, "S", "channel after the pair")},
        provenance={**total.provenance, "protocol": "one pair, delay = t_post - t_pre, dG/G0 = (G1 - G0)/G0",
                    "conductance": "channel, 1/(V/I - 1 MOhm)", "rule": rule.title, **more})


def _trains(context: Context, device: Model, pairs: int, delays: Sequence[float] | Array, what: str) -> Array:
    """Channel conductance (S) before the first pair of rule (a) and after each: a row for each delay (ms)."""
    rule = rules()["a"]
    total = multilevel(one_device(device), pre=rule.pre, post=rule.post, delays=np.asarray(delays) * MS, pairs=pairs,
                       engine=context.engine, reading=READING, executor=context.executor, progress=context.progress,
                       name=what)
    return channel(np.stack([total.columns[f"after_{k}"].values for k in range(pairs + 1)], axis=1))


def _panels(groups: Sequence[Sequence[Curve]], titles: Sequence[str], labels: Sequence[str]) -> Figure:
    """Two panels side by side and two below, some curves of the same quantities in each."""
    figure = Figure(figsize=(9, 3.6 * -(-len(groups) // 2)), layout="constrained")
    for panel, group, title in zip(figure.subplots(-(-len(groups) // 2), 2).flat, groups, titles, strict=True):
        for curve, label in zip(group, labels, strict=True):
            curve.plot(panel, label=label)
        panel.set_title(title, fontsize=10.5)
    return figure


def _by_number(curves: Sequence[Curve], title: str, delays: Sequence[float] | Array, yscale: str = "linear") -> Figure:
    """Curves against pulse number in one picture, labelled by their delays (ms)."""
    figure = plot_curves(curves, title, yscale=yscale, labels=[f"{d:+g} ms".replace("-", "\u2212") for d in delays])
    figure.axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _ms(values: Array) -> Array:
    """Delays (s) in ms, free of the rounding that would take a point out of a range."""
    return np.round(values / MS, 6)


def _within(curve: Curve, low: float, high: float) -> Array:
    """y where the delay lies from low to high ms, both included."""
    x = _ms(curve.x)
    return np.asarray(curve.y[(x >= low) & (x <= high)])


def _at(curve: Curve, delay: float) -> float:
    """y at a delay (ms) of the grid."""
    return float(_within(curve, delay, delay)[0])


def _last(curve: Curve, level: float, side: int, of: Array | None = None) -> float:
    """Delay (ms) farthest from 0 on a side (-1, 1) at which y (or `of`) reaches the level; nan where it never does."""
    x, y = _ms(curve.x) * side, (curve.y if of is None else of)
    order = np.argsort(x)
    x, y = x[order], y[order]
    above = np.flatnonzero((y >= level) & (x >= 0))
    if not len(above):
        return float("nan")
    k = int(above[-1])
    share = 0.0 if k == len(x) - 1 else (y[k] - level) / (y[k] - y[k + 1])
    return float(side * (x[k] + share * (x[min(k + 1, len(x) - 1)] - x[k])))


# --- qd-loop --------------------------------------------------------------------------------------------------------

PEAKS = (4.8, -3.2)


@dataclass(frozen=True, eq=False)
class Loop:
    """The second of two loops: voltage (V) and current (A); memductances (S) and thresholds (V)."""

    volts: Array
    amps: Array
    g_high: float
    g_low: float
    v_charge: float
    v_discharge: float


def _loop(engine: Engine, item: tuple[Model, float]) -> Loop:
    """Two loops 0 to +4.8 to -3.2 to 0 V at a rate (V/s), and 60 mV more, so that both slopes reach to +50 mV."""
    device, rate = item
    corners = np.cumsum([0.0, *(abs(b - a) / rate for a, b in zip((0.0, *PEAKS, 0.0, *PEAKS), (*PEAKS, 0.0, *PEAKS,
                                                                                              0.06), strict=True))])
    wave = Waveform(corners, [0.0, *PEAKS, 0.0, *PEAKS, 0.06])
    result = engine.run(one_device(device).drive(pre=wave), float(corners[-1]), max_step=0.01 / rate,
                        save=["v(pre)", "i(v_pre)"])
    time, volts, amps = result.time, result["v(pre)"], -result["i(v_pre)"]
    top, bottom, end = corners[4], corners[5], corners[6]
    falling, rising = (time >= top) & (time <= bottom), time >= bottom
    climbing = (time >= corners[3]) & (time <= top)

    def slope(part: Mask) -> float:
        near = part & (np.abs(volts) <= 0.05 + 1e-9)
        return float(np.polyfit(volts[near], amps[near], 1)[0])

    def threshold(part: Mask, sign: int) -> float:
        away = part & (sign * volts > 0.05)  # I/V is 0/0 at 0 V
        half = Curve(volts[away], amps[away] / volts[away], "voltage", "V", "conductance", "S")
        found = half.crossing(0.4e-6, "up" if sign > 0 else "down")
        return float(found[0]) if len(found) else float("nan")

    second = (time >= corners[3]) & (time <= end - 0.06 / rate)
    return Loop(volts[second], amps[second], slope(falling), slope(rising), threshold(falling, -1),
                threshold(climbing, 1))


def _qd_loop(context: Context) -> None:
    device, rate, outcome = QuantumDot.preset("x"), context.values["rate"], context.outcome
    rates = [rate] if context.quick else [rate, rate / 2.5, rate * 4]
    loops = map_runs(partial(_loop, context.engine), [(device, r) for r in rates], context.engine, context.executor,
                     context.progress, "loops")
    first = loops[0]
    for id, value in (("qd-ratio", first.g_high / first.g_low), ("qd-gh", first.g_high * 1e6),
                      ("qd-gl", first.g_low * 1e6), ("qd-vc", first.v_charge), ("qd-vd", first.v_discharge)):
        outcome.score(id, value)
    where = SHORT + "Sec. II"
    thresholds = (Published("charging", where, low=-1.9, high=-1.9, axis="x"),
                  Published("discharging", where, low=3.9, high=3.9, axis="x"))
    plateaus = (Published("high", where, low=0.8e-6, high=0.8e-6), Published("low", where, low=FULL, high=FULL))
    shown = []
    for r, loop in zip(rates, loops, strict=True):
        about = _about(device, context.engine, protocol="second loop 0 to +4.8 to -3.2 to 0 V", rate=f"{r:g} V/s",
                       conductance="total, I/V")
        outcome.keep(Curve(loop.volts, loop.amps, "voltage", "V", "current", "A", name=f"loop-{r:g}",
                           provenance=about, published=thresholds))
        away = np.abs(loop.volts) > 0.02
        shown.append(Curve(loop.volts[away], loop.amps[away] / loop.volts[away], "voltage", "V", "conductance", "S",
                           name=f"conductance-{r:g}", provenance=about, published=(*thresholds, *plateaus)))
        outcome.remarks.append(f"at {r:g} V/s: charging at {loop.v_charge:.2f} V, discharging at "
                               f"{loop.v_discharge:.2f} V, {loop.g_high * 1e6:.3f} and {loop.g_low * 1e6:.3g} uS")
    outcome.keep(shown[0])
    outcome.figures["loop"] = outcome.curves[0].plot(title=f"Pinched loop at {rate:g} V/s")
    outcome.figures["conductance"] = plot_curves([shown[k] for k in np.argsort(rates)], "Conductance I/V around the "
                                                 "loop", yscale="log", labels=[f"{r:g} V/s" for r in sorted(rates)])


# --- qd-stdp --------------------------------------------------------------------------------------------------------

#: Table 2: (rule, action in ms by power of dt from the highest, from ms, to ms), potentiation and depression.
FITS = {
    "a": (((-0.17, 0.34, 0.34), 0.1, 2.73), ((-0.24, -0.864, 0.9), -4.44, -0.1)),
    "b": (((-0.08, 0.0, 0.96), -3.46, 0.0), ((-0.1, 0.0, 0.18), 0.0, 1.34)),
    "c": (((-0.2, 0.0, 0.2), -1.0, 1.0), None),
    "d": (None, ((-0.1, 0.0, 0.65), -2.55, 2.55)),
}


def _fits(rule: str) -> tuple[Published, ...]:
    """The fits of Table 2 as points: 3(1 - exp(-S)) for potentiation, exp(-S) - 1 for depression, where S > 0.

    Of rule (a) the half that its sign belongs to; the charging of rule (c) is left out, its printed sign being wrong.
    """
    delays, values = [], []
    for item, up in zip(FITS[rule], (True, False), strict=True):
        if item:
            action, low, high = item
            t = np.linspace(low, high, 9)
            share = np.exp(-np.polyval(action, t))
            delays.append(t * MS)
            values.append(3 * (1 - share) if up else share - 1)
    return (Published("fits", SHORT + "Table 2", x=tuple(np.concatenate(delays)), y=tuple(np.concatenate(values))),)


def _both_sides(*positive: float) -> Array:
    return np.array(sorted({0.0, *positive, *(-t for t in positive)}))


def _delays(quick: bool) -> Array:
    """Delays in ms to +-15, with every end of a range that a row names."""
    if quick:
        return _both_sides(0.2, 0.5, 1, 1.3, 1.5, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.5, 5, 6, 10, 15)
    return _both_sides(*np.round(np.arange(1, 31) * 0.2, 6), 1.3, 1.5, *np.arange(6.5, 10, 0.5), *range(10, 16))


def _qd_stdp(context: Context) -> None:
    outcome, device, all_rules = context.outcome, QuantumDot.preset("x"), rules()
    curves = {}
    for key, rule in all_rules.items():
        curve = _rule_curve(context, device, rule, _delays(context.quick), f"stdp-{rule.name}")
        curves[key] = replace(curve, published=_fits(key))
        outcome.keep(curves[key])
    _score_a(context, curves["a"])
    _score_b(context, curves["b"])
    _score_c(context, curves["c"])
    _score_d(context, curves["d"])
    outcome.figures["stdp"] = plot_grid(list(curves.values()), titles=[r.title for r in all_rules.values()])
    outcome.figures["pulses"] = _panels([[_spike(rule.pre, rule.name), _spike(rule.post, rule.name)]
                                         for rule in all_rules.values()], [r.title for r in all_rules.values()],
                                        ("pre", "post"))
    outcome.remarks.append("shapes of the pulses are chosen, Table 1 prints amplitudes only: docs/quantum_dot.md")
    outcome.remarks.append(f"rule (b): least dG/G0 {_within(curves['b'], 0.2, 15).min():.2f} where the fit of Table 2 "
                           "has -0.16, although its pulses are those of rule (a) inverted")


def _spike(wave: Waveform, name: str) -> Curve:
    """A spike as a curve, for its picture."""
    t = np.r_[wave.times[0] - 2 * MS, wave.times, wave.times[-1] + 2 * MS]
    return Curve(t, wave(t), "time from the spike", "s", "voltage", "V", name=f"spike-{name}")


def _score_a(context: Context, curve: Curve) -> None:
    outcome, big = context.outcome, np.abs(curve.y)
    sides = [abs(_last(curve, 0.1, side, big)) for side in (-1, 1)]
    outcome.score("qd-window-outer", float(np.max(sides)))
    outcome.score("qd-window-lower", _last(curve, 0.3, -1, big))
    outcome.score("qd-window-upper", _last(curve, 0.3, 1, big))
    lobes = curve.lobes()
    at, end = lobes.positive_at / MS, _last(curve, 0.1 * lobes.positive_peak, 1)
    outcome.score("qd-fig3a-potentiation", f"largest {lobes.positive_peak:.2f} at {at:+.1f} ms, a tenth of it at "
                  f"{end:+.2f} ms", 0.5 <= round(at, 6) <= 1.5 and 0.84 <= lobes.positive_peak <= 1.56
                  and 2.2 <= end <= 3.3)
    at, end = lobes.negative_at / MS, _last(curve, 0.1 * lobes.negative_peak, -1, -curve.y)
    outcome.score("qd-fig3a-depression", f"smallest {-lobes.negative_peak:.2f} at {at:+.1f} ms, a tenth of it at "
                  f"{end:+.2f} ms", -2.3 <= round(at, 6) <= -1.3 and 0.66 <= lobes.negative_peak <= 0.96
                  and -5.1 <= end <= -3.9)


def _score_b(context: Context, curve: Curve) -> None:
    inner, peak = _within(curve, -2.8, -0.2), float(curve.y.max())
    end = _last(curve, 0.1 * peak, -1)
    context.outcome.score("qd-fig3b-potentiation", f"at least {inner.min():.2f} from -2.8 to -0.2 ms, largest "
                          f"{peak:.2f}, a tenth of it at {end:+.2f} ms",
                          bool((inner > 0).all()) and peak >= 0.9 and -4.0 <= end <= -2.5)
    inner = _within(curve, 0.2, 1.3)
    context.outcome.score("qd-fig3b-depression", f"at most {inner.max():.2f} from +0.2 to +1.3 ms",
                          bool((inner < 0).all()))


def _score_c(context: Context, curve: Curve) -> None:
    centre, zeros = _at(curve, 0), _ms(curve.crossing(0.0))
    once = [zeros[zeros * side > 0] for side in (-1, 1)]
    context.outcome.score("qd-fig3c-potentiation", f"{centre:.2f} at 0, zero at {', '.join(f'{z:+.2f}' for z in zeros)}"
                          " ms", 0.38 <= centre <= 0.71 and all(len(z) == 1 and 0.5 <= abs(z[0]) <= 1.5 for z in once))
    outer = np.r_[_within(curve, -15, -1.5), _within(curve, 1.5, 15)]
    ends = _at(curve, -15), _at(curve, 15)
    context.outcome.score("qd-fig3c-depression", f"at most {outer.max():.2f} from 1.5 ms on, {ends[0]:.3f} and "
                          f"{ends[1]:.3f} at 15 ms", bool((outer < 0).all()) and max(ends) <= -0.8)


def _score_d(context: Context, curve: Curve) -> None:
    largest, centre = float(curve.y.max()), _at(curve, 0)
    mirror = float(np.abs(curve.y - curve.y[::-1]).max())
    far = float(np.abs(np.r_[_within(curve, -15, -5), _within(curve, 5, 15)]).max())
    context.outcome.score(
        "qd-fig3d-depression", f"{centre:.3f} at 0, smallest {curve.y.min():.3f}, largest {largest:.4f}, even within "
        f"{mirror:.4f}, at most {far:.3f} from 5 ms on", largest <= 0.02 and mirror <= 0.02 and centre <= -0.4
        and centre <= curve.y.min() + 0.05 and far < 0.1)


# --- qd-levels ------------------------------------------------------------------------------------------------------

#: Delays of Fig. 2(c), ms.
STEPS = np.round(np.arange(-50, -19, 2) / 10, 6)


def _qd_levels(context: Context) -> None:
    outcome, device, rule = context.outcome, QuantumDot.preset("x"), rules()["a"]
    more = () if context.quick else (*np.round(np.arange(-70, -50, 4) / 10, 6), *np.round(np.arange(-16, 1, 4) / 10, 6))
    delays = np.array(sorted((*STEPS, *more)))
    trains = _trains(context, device, 10, delays, "trains-of-ten-pairs")
    after = trains[:, -1]
    lowest = np.array([(rule.pre - rule.post.shift(d * MS)).values.min() for d in delays])
    on = np.isin(delays, STEPS)
    part = on & (delays >= -4.4) & (delays <= -2.0)
    falls = float(np.diff(lowest[part]).max())
    misfit = float(np.abs(lowest[part] - (-5 + 0.4 * np.abs(delays[part]))).max())
    rises = float((after[part][1:] / after[part][:-1]).max() - 1)
    outcome.score("qd-min-dv-order", f"min dV {lowest[part][0]:.3f} to {lowest[part][-1]:.3f} V, changes by at most "
                  f"{falls:.3f} V a step, off by {misfit * 1e3:.1f} mV; G10 rises by at most {rises * 100:.2g} %",
                  falls < 0 and misfit <= 0.01 and rises <= 0.01)
    chosen = levels(after[on], factor=LEVEL, least=1e-11)
    outcome.score("qd-levels-count", len(chosen))
    steps = Curve(delays[on] * MS, np.log(after[on]), "delay", "s", "log", "1")
    onset = steps.crossing(float(np.log(LEVEL * FULL)), "down")
    outcome.score("qd-g10-onset", float(onset[0]) / MS if len(onset) else float("nan"))
    level = np.isin(delays, STEPS[chosen])
    curve = Curve(delays * MS, after, "delay", "s", "channel conductance", "S", name="g10",
                  columns={"lowest": Column(lowest, "V", "lowest voltage at the device"),
                           "level": Column(level.astype(float), "1", "1 for a level that can be told apart")},
                  provenance=_about(device, context.engine, protocol="ten pairs, read after the last", rule=rule.title))
    numbers = [Curve(np.arange(11.0), train, "pulse number", "1", "channel conductance", "S",
                     name=f"train-minus-{-d:g}ms", provenance=_about(
                         device, context.engine, protocol="ten pairs, read before the first and after each",
                         rule=rule.title, delay=f"{d:g} ms"))
               for d, train in zip(delays, trains, strict=True) if d in STEPS]
    outcome.keep(curve, *numbers)
    figure = curve.plot(title=f"After ten pairs of rule (a); lines: {len(chosen)} levels", yscale="log")
    for g in after[level]:
        figure.axes[0].axhline(g, color="#D55E00", lw=0.7, zorder=1)
    outcome.figures["levels"] = figure
    outcome.figures["trains"] = _by_number(numbers[::2], "Charging by pairs of rule (a)", STEPS[::2], "log")
    outcome.remarks.append("levels (a line each in levels.png): " + ", ".join(
        f"{g * 1e6:.3g} uS" for g in np.sort(after[on][chosen])))


# --- qd-pulses ------------------------------------------------------------------------------------------------------


def _qd_pulses(context: Context) -> None:
    outcome, rule, pairs = context.outcome, rules()["a"], 20
    x, p = QuantumDot.preset("x"), QuantumDot.preset("p")
    delays = (1.0, 2.4, -4.0) if context.quick else (1.0, 1.8, 2.4, 2.8, -3.0, -4.0, -4.4, -4.8)
    trains = dict(zip(delays, _trains(context, x, pairs, delays, "trains-of-20-pairs"), strict=True))
    first = dict(zip((2.4, -4.0), _trains(context, p, 1, (2.4, -4.0), "pairs-of-preset-p"), strict=True))
    starts = np.array([train[0] for train in trains.values()]) * 1e6
    outcome.score("qd-g0", float(starts[np.argmax(np.abs(starts - 1))]))
    for id, delay, sign in (("qd-sign-potentiation", 2.4, 1), ("qd-sign-depression", -4.0, -1)):
        steps, other = sign * np.diff(trains[delay][:11]), np.diff(first[delay])[0]
        change = other / first[delay][0]
        outcome.score(id, f"{trains[delay][1] * 1e6:.3f} to {trains[delay][10] * 1e6:.3g} uS in ten "
                      f"pairs, smallest step {sign * steps.min() * 1e6:.3g} uS; preset p {change:+.3f}",
                      bool((steps > 0).all() and sign * change > 0))
    up = trains[1.0]
    outcome.score("qd-max-potentiation", float(up[-1] / up[0] - 1))
    for delay, train in trains.items():
        outcome.keep(Curve(np.arange(pairs + 1.0), train, "pulse number", "1", "channel conductance", "S",
                           name=f"pulses-{'minus' if delay < 0 else 'plus'}-{abs(delay):g}ms", provenance=_about(
                               x, context.engine, protocol="pairs, read before the first and after each",
                               rule=rule.title, delay=f"{delay:g} ms")))
    order = np.argsort(delays)[::-1]
    outcome.figures["pulses"] = _by_number([outcome.curves[k] for k in order], "Pairs of rule (a)",
                                           [delays[k] for k in order])
    outcome.remarks.append("G0 and every change are those of the channel: with 1 MOhm in series nothing above 0.975 uS "
                           "can be read, and the paper's G0 is 1.0 uS")


# --- qd-efficiency --------------------------------------------------------------------------------------------------

TAIL = (-15.0, -10.0, -6.0, 6.0, 10.0, 15.0)


def _qd_efficiency(context: Context) -> None:
    outcome, nominal, all_rules = context.outcome, QuantumDot.preset("p"), rules()
    factors = (1 / context.values["factor"], 1.0, context.values["factor"])
    delays = _both_sides(0.5, 1, 2, 3, 4, 6, 10, 15) if context.quick else _both_sides(
        *np.round(np.arange(1, 14) * 0.5, 6), 7, 8, 9, 10, 12, 15)
    curves: dict[str, list[Curve]] = {}
    for key, rule in all_rules.items():
        curves[key] = []
        for factor in factors:
            device = QuantumDot.preset("p", a_c=nominal.values["a_c"] * factor)
            curve = _rule_curve(context, device, rule, delays, f"{rule.name}-{factor:g}", a_c=f"{factor:g} of nominal")
            curves[key].append(curve)
            outcome.keep(curve)
    middle: Mapping[str, Curve] = {key: group[1] for key, group in curves.items()}
    outcome.score("qd-model-tail", min(abs(_at(middle[key], t)) for key in "ab" for t in TAIL))
    outcome.score("qd-model-sym-limit", max(_at(middle["c"], t) for t in (-15.0, 15.0)))
    outcome.figures["efficiency"] = _panels(list(curves.values()), [r.title for r in all_rules.values()],
                                            [f"charging \u00d7 {f:g}" for f in factors])
    zeros = [c.crossing(0.0) / MS for c in curves["c"]]
    widths = [float(np.ptp(z)) if len(z) else 0.0 for z in zeros]
    depths = [float(c.y.min()) for c in curves["a"]]
    outcome.remarks.append("with the efficiency of charging " + ", ".join(
        f"{f:g} times: rule (c) potentiates over {w:.2f} ms, rule (a) reaches {d:.2f}"
        for f, w, d in zip(factors, widths, depths, strict=True)))


EXPERIMENTS = (
    Experiment("qd-loop", "Pinched loop, memductances and thresholds of a quantum-dot memristor (Fig. 1b)", PAPER,
               _qd_loop, {"rate": Param(0.05, "V/s", "rate of the sweep", low=1e-3, high=10,
                                        source="chosen, the paper gives none: thresholds depend on it")}),
    Experiment("qd-stdp", "Four learning rules by the pulses alone (Fig. 3, Tables 1 and 2)", PAPER, _qd_stdp),
    Experiment("qd-levels", "Conductance after ten pairs against delay (Fig. 2b, c)", PAPER, _qd_levels),
    Experiment("qd-pulses", "Conductance against pulse number (Fig. 2a)", PAPER, _qd_pulses),
    Experiment("qd-efficiency", "The paper's simulation, and what the charging efficiency does (Fig. 4)", PAPER,
               _qd_efficiency, {"factor": Param(2.0, "1", "the nominal efficiency is divided and multiplied by it",
                                                low=1.01, high=100, source="chosen: the paper gives no values")}),
)
