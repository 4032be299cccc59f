"""Designed spikes: the four forms of the ionic synapse, a window that is in no paper, and a two-terminal device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from spicemem.circuits.synapses import divider_gate
from spicemem.curve import Curve
from spicemem.devices.eis import EIS
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.engines.result import Array
from spicemem.experiments.base import Context, Experiment, Table
from spicemem.experiments.eis import FORM_CHECKS
from spicemem.experiments.eis_spikes import Form, all_forms, delay_grid
from spicemem.model import Model, Param
from spicemem.protocols.design import Constraints, SpikeDesign, design_spikes
from spicemem.protocols.fast_pairs import FastPairs, Knots
from spicemem.units import engineering
from spicemem.waveform import Waveform

#: Relation of post to pre in the four forms: an odd window needs opposite spikes, an even one equal spikes.
_RELATION = {"antisymmetric": "negated", "ltp-only": "same", "symmetric": "same", "flat-middle": "negated"}
#: Corners of the own window, delays in time scales and changes in the peak: four lobes of different height and sign.
OWN = ((-1.2, 0.0), (-0.8, 0.4), (-0.5, 0.0), (-0.2, -0.7), (0.0, 0.0), (0.2, 1.0), (0.5, 0.0), (0.8, -0.5), (1.2, 0.0))
_OWN_PEAK = 40e-9
#: The same for the quantum dot (s, S): both thresholds, one alternating window.
_DOT = ((-6e-3, 0.0), (-2e-3, -200e-9), (0.0, 0.0), (2e-3, 200e-9), (6e-3, 0.0))
TITLES = {"own": "four lobes (in no paper)", "quantum-dot": "quantum dot, two terminals"}


def corners(x: Array, points: tuple[tuple[float, float], ...], name: str) -> Curve:
    """A wanted window from its corners (delay s, dG S), straight in between."""
    wave = Waveform.points(*points)
    return Curve(x, wave(x), "delay", "s", "dG", "S", name=name)


def window_of(device: Model, form: Form, delays: Array, r: float) -> Curve:
    """The window that spikes made by hand give, by the device's equations: what the search is asked for."""
    fast = FastPairs(device, r=r, read_delay=20.0, voltage=0.1, volts=max(form.pre.peak, form.post.peak))
    pre, post = form.pre, form.post
    change = fast.change(Knots(pre.times[None], pre.values[None], post.times[None], post.values[None]), delays)
    return Curve(delays, change[0, :-2], "delay", "s", "dG", "S", name=form.name)


def own_window(scale: float, points: int) -> Curve:
    """Four lobes of alternating sign and different height, at +-0.2 and +-0.8 time scales (s)."""
    return corners(delay_grid(scale, points), tuple((x * scale, y * _OWN_PEAK) for x, y in OWN), "own")


def _keeps(design: SpikeDesign) -> bool:
    """Whether the spikes are within their amplitude and times."""
    c = design.constraints
    return all(w.peak <= c.amplitude * (1 + 1e-9) and w.times[0] >= -c.before - 1e-9 * c.span
               and w.times[-1] <= c.after + 1e-9 * c.span for w in (design.pre, design.post))


def _words(design: SpikeDesign) -> str:
    return f"{design.error:.2%} rms, lone {design.lone_share:.2%}"


def _run(context: Context) -> None:
    scale, peak, r = (context.values[key] for key in ("time_scale", "peak", "r"))
    device, outcome, points = EIS.preset("huang_2025_14nm"), context.outcome, 21 if context.quick else 41
    limits = Constraints(peak, 0.6 * scale, scale)
    forms = {f.name: f for f in all_forms(device, peak, scale)}
    designs: dict[str, SpikeDesign] = {}

    def design(name: str, wanted: Curve, model: Model, constraints: Constraints) -> SpikeDesign:
        found = design_spikes(wanted, model, constraints, r=r, engine=context.engine, executor=context.executor,
                              progress=lambda done, total, what: context.progress(done, total, f"{name}: {what}"),
                              name=name)
        designs[name] = found
        assert found.verified is not None
        outcome.keep(replace(found.wanted, name=f"{name}-wanted"), found.predicted, found.verified,
                     replace(found.spikes(), name=f"{name}-spikes"))
        outcome.remarks.extend(f"{name}: {text}" for text in found.limits)
        return found

    passed, words = [], []
    for name in ("antisymmetric",) if context.quick else tuple(forms):
        found = design(name, window_of(device, forms[name], delay_grid(scale, points), r), device,
                       replace(limits, relation=_RELATION[name]))
        made = {name: replace(forms[name], pre=found.pre, post=found.post)}
        said, met = FORM_CHECKS[f"eis-form-{name}"](context, divider_gate(device, r), made, {name: found.curve}, scale)
        passed.append(found.met and _keeps(found) and met)
        words.append(f"{name} {_words(found)}" + ("" if met else f", eis-form-{name} missed: {said}"))
    outcome.score("design-four-forms", "; ".join(words) + (" (quick: one of the four)" if context.quick else ""),
                  all(passed))
    own = design("own", own_window(scale, points), device, limits)
    tops = [float(own.curve.y[np.argmin(np.abs(own.curve.x - at * scale))]) for at in (-0.8, -0.2, 0.2, 0.8)]
    signs = " ".join(f"{top * 1e9:+.1f}" for top in tops)
    outcome.score("design-own-form", f"{_words(own)}, lobes {signs} nS",
                  own.met and _keeps(own) and bool((np.sign(tops) == [1, -1, 1, -1]).all()))
    dot = design("quantum-dot", corners(np.linspace(-8e-3, 8e-3, 17), _DOT, "quantum-dot"), QuantumDot.preset("x"),
                 Constraints(4.2, 5e-3, 5e-3, read_delay=0.1))
    outcome.score("design-two-terminals", _words(dot), dot.met and _keeps(dot))
    worst = max(d.disagreement for d in designs.values())
    outcome.remarks.append(f"verified and predicted curves differ by at most {worst:.2%} of the peak")
    outcome.remarks.append("the search is given the windows, not the spikes of eis-stdp; the own window is in no paper")
    outcome.tables["designs"] = Table(
        ("window", "peak", "error, rms", "lone spike", "prediction off by", "relation", "points"),
        [(name, engineering(d.wanted.peak(), "S"), f"{d.error:.2%}", f"{d.lone_share:.2%}", f"{d.disagreement:.2%}",
          d.constraints.relation, f"{d.constraints.points}") for name, d in designs.items()])
    outcome.figures["design"] = _picture(designs, {**{f.name: f.title for f in forms.values()}, **TITLES})


def _picture(designs: dict[str, SpikeDesign], titles: dict[str, str]) -> Figure:
    """A panel a design, three side by side: the window above its spikes."""
    rows = -(-len(designs) // 3)
    figure = Figure(figsize=(12, 4.9 * rows), layout="constrained")
    axes = figure.subplots(2 * rows, 3, height_ratios=(3, 2) * rows, squeeze=False)
    for k, (name, design) in enumerate(designs.items()):
        top, bottom = axes[2 * (k // 3), k % 3], axes[2 * (k // 3) + 1, k % 3]
        design.draw(top, bottom)
        top.set_title(titles[name], fontsize=11)
    # One legend for all, where it covers nothing.
    entries = [entry for ax in axes[:2, 0] for entry in zip(*ax.get_legend_handles_labels(), strict=True)]
    for ax in axes.flat:
        if legend := ax.get_legend():
            legend.remove()
        ax.set_visible(ax.has_data())
    figure.legend(*zip(*entries, strict=True), loc="outside lower center", ncols=len(entries), frameon=False)
    return figure


EXPERIMENTS = (
    Experiment("design-spikes", "Spikes designed for a wanted window, verified in the simulator", "spicemem", _run,
               {"r": Param(10e6, "Ohm", "each resistor of the divider", low=1.0, high=1e12, source="as eis-stdp"),
                "peak": Param(6.5, "V", "largest voltage of a spike", low=0.1, high=20, source="as eis-stdp"),
                "time_scale": Param(0.1, "s", "time scale of the windows", low=1e-9, high=10, source="as eis-stdp")}),
)
