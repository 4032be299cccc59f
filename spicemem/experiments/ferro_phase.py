"""Phase-change and ferroelectric synapses: STDP by overlapping spikes, and the switching law behind the latter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spicemem.circuits.synapses import one_device
from spicemem.curve import Column, Curve, Published
from spicemem.devices.ftj import DOMAINS, FTJ
from spicemem.devices.pcm import PCM
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.experiments.second_order import turned
from spicemem.protocols.conductance import conductance
from spicemem.protocols.energy import work
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, apply, provenance
from spicemem.protocols.reading import Reading, read
from spicemem.protocols.stdp import Pairing, lone_spikes, pairing, stdp
from spicemem.protocols.triplets import divided
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
PAPER = "Sun et al. 2021, The Future of Memristors, doi:10.1002/adfm.202006773"
SHORT = "Sun 2021, Fig. 15d"

# --- pcm-stdp -------------------------------------------------------------------------------------------------------

#: The pre spike: V by time (s) from the spike. Pulses before it melt a little where the post spike helps, pulses after
#: it crystallise where it helps; alone neither does.
MELTING, MELTING_WIDTH = {-30e-3: 1.49, -20e-3: 1.51, -10e-3: 1.53}, 12e-9
GROWING, GROWING_WIDTH = {10e-3: 0.98, 20e-3: 0.96, 30e-3: 0.945}, 55e-9
#: The post spike: one low pulse, so long that it meets one pulse of the pre spike and never two.
POST, POST_WIDTH, POST_EDGE = -0.15, 8e-3, 1e-5
PULSE_EDGE = 1e-9
#: Amorphous fraction at the start, pairs of one measurement, s from a pair to its reading and to the next pair.
A_START, PAIRS, REST = 0.65, 3, 10.0
_READ, _STEP = Reading(0.1, 1e-6), 1e-4


def pcm_spikes() -> tuple[Waveform, Waveform]:
    """pre: three short pulses that melt, three that crystallise; post: one long, low pulse of the other sign."""
    pulses = [divided(Waveform.pulse(volts, width + 2 * PULSE_EDGE, PULSE_EDGE, start=at))
              for levels, width in ((MELTING, MELTING_WIDTH), (GROWING, GROWING_WIDTH)) for at, volts in levels.items()]
    pre = Waveform(np.concatenate([p.times for p in pulses]), np.concatenate([p.values for p in pulses]))
    return pre, Waveform.pulse(POST, POST_WIDTH, POST_EDGE, start=-POST_WIDTH / 2)


def _pairs(p: Pairing, delay: float) -> tuple[Array, float]:
    """G/G0 - 1 (%) after each pair at that delay, and the energy (J) that the first one takes."""
    before, state = p.before(None)
    changes, energy = [], 0.0
    for k in range(PAIRS):
        run = p.pair(delay, state, ("i(v_post)", "v(post)"))
        if not k:
            energy = float(sum(work(run.time, run[f"v({x})"], -run[f"i(v_{x})"])[-1] for x in ("pre", "post")))
        after, state = read(p.engine, p.cell, p.reading, run.final_state(), REST)
        changes.append(100 * (after["syn"] / before["syn"] - 1))
    return np.array(changes), energy


def _pcm_stdp(context: Context) -> None:
    outcome = context.outcome
    # It was programmed as long ago as pairs are apart: ln(1 + time since/t_0).
    device = PCM.preset("gst_reset", a_init=A_START)
    device = device.replace(age_init=float(np.log1p(REST / device.values["t_0"])))
    cell, (pre, post) = one_device(device), pcm_spikes()
    p = pairing(cell, pre=pre, post=post, engine=context.engine, reading=_READ, max_step=_STEP)
    scored = np.array([*MELTING, *GROWING])
    delays = scored if context.quick else np.array([-40e-3, *MELTING, 0.0, *GROWING, 40e-3])
    found = map_runs(partial(_pairs, p), delays, context.engine, context.executor, context.progress, "pairs")
    changes, energies = np.array([c for c, _ in found]), np.array([e for _, e in found])
    here = np.isin(delays, scored)
    largest = float(np.abs(changes[here, -1]).max())
    outcome.score("pcm-stdp-window", ", ".join(f"{c:+.1f} % at {d * 1e3:+.0f} ms" for d, c in zip(
        delays[here], changes[here, -1], strict=True)),
        bool((np.sign(changes[here]) == np.sign(delays[here])[:, None]).all()))
    outcome.score("pcm-stdp-max-change", largest)
    how = {"protocol": f"pairs {engineering(REST, 's')} apart, each read just before the next; dG/G from the start",
           **provenance(cell, context.engine, _READ, cell.synapses[0]), "spikes": "docs/pcm_ftj.md"}
    bound = Published("largest change", SHORT, low=100.0, high=100.0)
    counts = (1, 2, PAIRS)
    curves = [Curve(delays, changes[:, n - 1], "delay", "s", "dG/G", "%", name=f"stdp-{n}", provenance=how,
                    published=(bound,) if n == PAIRS else (),
                    columns={"energy": Column(energies, "J", "of the first pair")}) for n in counts]
    pairs = [Curve(np.arange(1.0, PAIRS + 1), changes[k], "pair", "1", "dG/G", "%", provenance=how,
                   name=f"pairs-{d * 1e3:+.0f}ms".replace("+", "p").replace("--", "-m")) for k, d in enumerate(delays)
             if d in scored]
    outcome.keep(*curves, *pairs)
    outcome.figures["stdp"] = _pcm_figure(curves, counts, pairs, delays[here], post)
    lone = lone_spikes(cell, pre=pre, post=post, engine=context.engine, reading=_READ, read_delay=REST, max_step=_STEP)
    g = float(p.before(None)[0]["syn"])
    outcome.remarks += [
        f"spikes, {PAIRS} pairs and the start ({engineering(g, 'S')}) are chosen; the paper prints the delays and the "
        "largest change only",
        "a lone spike changes the conductance by " + ", ".join(
            f"{100 * v / g:+.1f} % ({which})" for which, by in lone.items() for v in by.values())
        + f"; the latter is drift in the {engineering(REST, 's')} to the reading",
        f"energy of one pair: {engineering(energies[here].min(), 'J')} to {engineering(energies[here].max(), 'J')}, "
        "with the long post pulse; 150 pJ an event is the literature's estimate (row lit-energy-pcm)"]


def _pcm_figure(curves: Sequence[Curve], counts: Sequence[int], pairs: Sequence[Curve], delays: Array,
                post: Waveform) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.2, 4.6), layout="constrained")
    shape, window, growth = figure.subplots(1, 3)
    for n, curve in zip(counts, curves, strict=True):
        curve.plot(window, label=f"{n} pair{'s' if n > 1 else ''}")
    for delay, curve in zip(delays, pairs, strict=True):
        curve.plot(growth, label=f"{delay * 1e3:+.0f} ms".replace("-", "−"))
    growth.set_xticks(range(1, PAIRS + 1))
    window.set_title("Change by pairs of spikes", fontsize=11)
    growth.set_title("What each pair adds", fontsize=11)
    for levels, width, colour, word in ((MELTING, MELTING_WIDTH, "#0072B2", "melting"),
                                        (GROWING, GROWING_WIDTH, "#D55E00", "growing")):
        shape.vlines([at * 1e3 for at in levels], 0, list(levels.values()), color=colour, lw=2,
                     label=f"pre, {word}: {engineering(width, 's')}")
    late = post.shift(10e-3)
    shape.plot(late.times * 1e3, late.values, color="#009E73", lw=1.5, label="post at Δt = +10 ms")
    _plain(shape, "Time from the pre spike (ms)", "Voltage (V)", "Spikes")
    shape.legend(loc="upper right", fontsize=8.5, framealpha=0.9, edgecolor="none")
    shape.set_ylim(-0.3, 2.2)
    return figure


def _plain(ax: Axes, x: str, y: str, title: str) -> None:
    ax.set_xlabel(x, fontsize=11)
    ax.set_ylabel(y, fontsize=11)
    ax.set_title(title, fontsize=11)
    ax.tick_params(labelsize=9.5)
    ax.grid(True, color="#dddddd", lw=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


# --- ftj-stdp -------------------------------------------------------------------------------------------------------

AMPLITUDES = (2.0, 2.25, 2.5, 3.0, 3.5)
WIDTHS = np.geomspace(1e-8, 1e-5, 10)
#: A spike (V) of 600 ns: 100 ns up, then a slope of the other sign; time 0 at its beginning.
FTJ_SPIKE = Waveform.points((-1e-9, 0), (0, 1.15), (0.1e-6, 1.15), (0.101e-6, -1.25), (0.6e-6, 0))
FTJ_DELAYS = np.array([0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]) * 1e-6
#: Spikes that far apart have no moment in common.
APART = 0.8e-6
#: V and s: from reset a third of the area switches, then half of the fastest domains back: either sign has room.
PREPARED = ((3.0, 1.8e-7), (-1.25, 5e-7))


def junction(share: float = 0.0) -> FTJ:
    """The junction with every kind of domain switched by that share."""
    return FTJ.preset("boyn_2017", **{f"x_init{k}": share for k in range(len(DOMAINS))})


def _switched(engine: Engine, pulse: tuple[float, float]) -> float:
    """Share of the area that one pulse (V, s) switches, from the conductances before and after it."""
    volts, width = pulse
    device = junction(0.0 if volts > 0 else 1.0)
    record = apply(one_device(device), [Event.pulse("pre", volts, 1.01 * width, width)], engine=engine)
    low, high = (float(conductance(device, {x: s for x in device.definition.states})[0]) for s in (0.0, 1.0))
    return abs(float(record.siemens[0]) - record.before) / (high - low)


def nls(at: tuple[Array, Array], ln_t_inf: float, v_a: float, width: float) -> Array:
    """Nucleation-limited law: share after s at V, 1/2 + atan(ln(t/t_50)/width)/pi with t_50 = t_inf exp(v_a/|v|)."""
    volts, times = at
    return np.asarray(0.5 + np.arctan((np.log(times) - ln_t_inf - v_a / np.abs(volts)) / width) / np.pi)


def _ftj_stdp(context: Context) -> None:
    from scipy.optimize import curve_fit

    outcome = context.outcome
    widths = WIDTHS[::3] if context.quick else WIDTHS
    amplitudes = AMPLITUDES[::2] if context.quick else AMPLITUDES
    pulses = [(sign * v, float(t)) for sign in (1, -1) for v in amplitudes for t in widths]
    shares = np.array(map_runs(partial(_switched, context.engine), pulses, context.engine, context.executor,
                               context.progress, "pulses"))
    at = np.array(pulses).T
    law, _ = curve_fit(nls, (at[0], at[1]), shares, p0=(np.log(1e-10), 20.0, 1.0))
    off = float(np.abs(shares - nls((at[0], at[1]), *law)).max())

    device = junction()
    cell = turned(device)
    start = apply(cell, [Event.pulse("post", *pulse, 1e-6) for pulse in PREPARED], engine=context.engine).final
    side = np.r_[FTJ_DELAYS[::4] if context.quick else FTJ_DELAYS, APART]
    delays = np.r_[-side[::-1], side]
    protocol: dict[str, Any] = {"engine": context.engine, "initial": start, "reading": Reading(0.1, 1e-7),
                                "read_delay": 5e-6, "max_step": 2e-9}
    curve = stdp(cell, pre=FTJ_SPIKE, post=FTJ_SPIKE, delays=delays, executor=context.executor,
                 progress=context.progress, name="stdp", **protocol)
    g = curve.columns["g_before"].values
    curve = replace(curve, y=100 * curve.y / g, y_label="dG/G", y_unit="%",
                    provenance={**curve.provenance, "spikes": "docs/pcm_ftj.md"})
    near = np.abs(delays) < APART
    signs = bool((np.sign(curve.y) == np.sign(delays))[near].all())
    left = float(np.abs(curve.y[~near]).max() / np.abs(curve.y).max())
    outcome.score("ftj-window", f"at most {off:.4f} from one law at {len(pulses)} pulses of both signs, "
                  f"{amplitudes[0]:g} to {amplitudes[-1]:g} V; dG/G {curve.y.min():.1f} to {curve.y.max():+.1f} %, "
                  f"sign {'that' if signs else 'not that'} of dt at {near.sum()} delays, "
                  f"{left:.4f} of it beyond the spikes",
                  off <= 0.05 and signs and left < 0.02)
    how = {"protocol": "one pulse from reset (V > 0) or from set (V < 0), share from conductances",
           **provenance(cell, context.engine, None, cell.synapses[0])}
    grid = np.geomspace(WIDTHS[0], WIDTHS[-1], 61)
    table = shares.reshape(2, len(amplitudes), len(widths))
    curves = [Curve(widths, up, "pulse width", "s", "switched share", "1", name=f"share-{v:g}V", provenance=how,
                    columns={"reset": Column(down, "1", f"share that {-v:g} V switch back")})
              for v, up, down in zip(amplitudes, *table, strict=True)]
    laws = [Curve(grid, nls((np.full(len(grid), v), grid), *law), "pulse width", "s", "switched share", "1",
                  name=f"law-{v:g}V", provenance={"protocol": "the fitted law"}) for v in amplitudes]
    outcome.keep(*curves, curve, *laws)
    outcome.figures["ftj"] = _ftj_figure(curves, laws, amplitudes, curve)
    lone = lone_spikes(cell, pre=FTJ_SPIKE, post=FTJ_SPIKE, **protocol)
    d = device.values
    outcome.remarks += [
        f"fitted law: t_inf {engineering(float(np.exp(law[0])), 's')}, v_a {law[1]:.2f} V, width {law[2]:.3f}; the "
        f"device's constants are {engineering(d['t_inf'], 's')}, {d['v_a']:g} V, {d['spread_ln']:g}",
        "spikes of 600 ns as in Boyn et al. 2017, their amplitudes and shape are chosen; start: reset, then "
        + ", ".join(f"{v:g} V for {engineering(t, 's')}" for v, t in PREPARED) + f": {engineering(float(g[0]), 'S')}",
        "a lone spike changes the conductance by " + ", ".join(
            f"{100 * v / g[0]:+.2f} % ({which})" for which, by in lone.items() for v in by.values())]


def _ftj_figure(curves: Sequence[Curve], laws: Sequence[Curve], amplitudes: Sequence[float], window: Curve) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.2, 4.6), layout="constrained")
    switching, shape, change = figure.subplots(1, 3)
    for v, curve in zip(amplitudes, curves, strict=True):
        curve.plot(switching, label=f"{v:g} V", xscale="log", linestyle="none")
    drawn = [line for line in switching.lines if line.get_gid() == "curve"]
    for law, curve, line in zip(laws, curves, drawn, strict=True):
        scale = float(np.asarray(line.get_xdata())[0]) / curve.x[0]  # of the axis, which may have a prefix
        switching.plot(law.x * scale, law.y, color=line.get_color(), lw=1.3, zorder=2)
    switching.set_title("One pulse from reset; lines: one law", fontsize=11)
    t = np.linspace(-0.2e-6, 1.0e-6, 1201)
    pre, post = FTJ_SPIKE, FTJ_SPIKE.shift(0.2e-6)
    for wave, colour, label, style in ((pre, "#0072B2", "pre", "-"), (post, "#D55E00", "post", "-"),
                                       (post - pre, "#333333", "post − pre", "--")):
        shape.plot(t * 1e9, wave(t), color=colour, lw=1.5, label=label, ls=style)
    _plain(shape, "Time from the pre spike (ns)", "Voltage (V)", "Spikes at Δt = +200 ns")
    shape.legend(loc="upper right", fontsize=8.5, frameon=False)
    for sign, label in ((1, "post after pre"), (-1, "pre after post")):
        on = window.x * sign > 0
        replace(window, x=window.x[on], y=window.y[on], columns={}).plot(change, label=label)
    change.set_title("Change by one pair of spikes", fontsize=11)
    return figure


EXPERIMENTS = (
    Experiment("pcm-stdp", "STDP of a phase-change synapse by overlapping spikes (Fig. 15d)", PAPER, _pcm_stdp),
    Experiment("ftj-stdp", "Nucleation-limited switching and STDP of a ferroelectric tunnel junction (Sec. 2.3)", PAPER,
               _ftj_stdp),
)
