"""Yi et al. 2018, neuron of two VO2 switches: which spiking patterns resistors and capacitors alone make of it.

Each pattern has a criterion on spike times, a function whose docstring is its wording. Marks are times (s) at which
the input does something; what they are is said there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from spicemem.circuits.neurons import vo2_neuron
from spicemem.curve import Curve
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment, Table
from spicemem.protocols.firing import Firing, fire
from spicemem.protocols.pool import map_runs
from spicemem.spikes import Array, Spikes
from spicemem.waveform import Waveform

PAPER = "Yi et al., Nat. Commun. 9, 4661 (2018); Fig. 24a of the review Future of Memristors"
US = 1e-6
#: The output spikes above this, V; it must fall below the second before the next counts. Half of a spike, and less.
THRESHOLD, RESET = 0.5, 0.3
#: Rise and fall of every step of an input, s.
EDGE = 20e-9
#: Intervals that differ by less are equal; peaks likewise.
EQUAL, SAME_PEAK = 0.05, 0.03
#: How many of the 23 published patterns have to be shown.
WANTED = 12

Verdict = tuple[bool, str]
Criterion = Callable[[Spikes, Sequence[float], float], Verdict]


# --- criteria -------------------------------------------------------------------------------------------------------


def _counts(spikes: Spikes, marks: Sequence[float], stop: float) -> list[int]:
    """Spikes before the first mark, between marks, and after the last."""
    return [len(spikes.after(a, b)) for a, b in zip((0.0, *marks), (*marks, stop), strict=True)]


def _equal(values: Array, by: float = EQUAL) -> bool:
    return bool(len(values)) and float(np.ptp(values)) <= by * float(np.mean(values))


def _us(values: Array) -> str:
    return ", ".join(f"{v / US:.3f}" for v in values) + " us" if len(values) else "none"


def _regular(spikes: Spikes, start: float, stop: float, least: int = 5) -> bool:
    """At least so many spikes from start to stop, equal intervals after the first, none missing up to the end."""
    part = spikes.after(start, stop)
    return len(part) >= least and _equal(part.intervals[1:]) and stop - part.times[-1] < 1.5 * part.intervals[-1]


def all_or_nothing(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Pulses that grow in height (marks: their starts): up to some height no spike, from there on one each, of equal
    height within 3 %; at least two pulses of either kind."""
    counts = _counts(spikes, marks, stop)
    silent = counts[1:].index(1) if 1 in counts[1:] else len(marks)
    good = counts == [0] * (silent + 1) + [1] * (len(marks) - silent) and 2 <= silent <= len(marks) - 2
    return good and _equal(spikes.peaks, SAME_PEAK), f"spikes per pulse {counts[1:]}, peaks {np.round(spikes.peaks, 3)}"


def refractory_period(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Three equal pulses (marks: their starts): the first fires once, the second, soon after, does not, the third,
    later, fires once."""
    counts = _counts(spikes, marks, stop)
    return counts == [0, 1, 0, 1], f"spikes per pulse {counts[1:]}"


def tonic_spiking(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): none before; at least five spikes, to the end of the input, with intervals
    equal within 5 % after the first."""
    good = _regular(spikes, marks[0], stop) and len(spikes.after(marks[0])) == len(spikes)
    return good, f"intervals {_us(spikes.intervals)}"


def tonic_bursting(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): none before; at least three bursts of at least two spikes, as many in each
    (the last may be cut), pauses at least three times as long as any interval inside and equal within 5 %."""
    bursts = spikes.after(marks[0]).bursts()
    sizes = [len(b) for b in bursts]
    whole = bursts[:-1]
    good = len(whole) >= 2 and len(spikes) == sum(sizes) and sizes[0] >= 2 and len(set(sizes[:-1])) == 1
    good = good and 1 <= sizes[-1] <= sizes[0] and (sizes[-1] == sizes[0] or stop - bursts[-1][-1] < np.ptp(whole[0]))
    pauses = np.array([b[0] - a[-1] for a, b in pairwise(bursts)])
    good = good and len(bursts) >= 3 and _equal(pauses) and pauses.min() >= 3 * max(np.diff(b).max() for b in whole)
    good = good and stop - bursts[-1][-1] < 1.5 * pauses[-1]
    return bool(good), f"spikes per burst {sizes}, pauses {_us(pauses)}"


def phasic_spiking(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): just one spike, within the first fifth of the time that it lasts."""
    good = len(spikes) == 1 and 0 <= spikes.times[0] - marks[0] <= 0.2 * (stop - marks[0])
    return good, f"spikes at {_us(spikes.times)}"


def phasic_bursting(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): one burst of at least three spikes that begins within a fifth of the time
    that it lasts, then silence for at least twice as long as the burst."""
    t = spikes.times
    good = len(t) >= 3 and 0 <= t[0] - marks[0] <= 0.2 * (stop - marks[0]) and stop - t[-1] >= 2 * (t[-1] - t[0])
    return bool(good), f"spikes at {_us(t)}"


def mixed_mode(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): one burst of at least two spikes, then single spikes to the end, at least
    four, with intervals equal within 5 % and at least three times as long as any in the burst."""
    bursts = spikes.after(marks[0]).bursts()
    sizes = [len(b) for b in bursts]
    good = len(sizes) >= 5 and sizes[0] >= 2 and set(sizes[1:]) == {1} and sum(sizes) == len(spikes)
    good = good and _regular(spikes, bursts[1][0] if good else 0.0, stop, 4)
    good = good and spikes.intervals[sizes[0]:].min() >= 3 * spikes.intervals[:sizes[0] - 1].max()
    return bool(good), f"spikes per group {sizes}, intervals {_us(spikes.intervals)}"


def spike_frequency_adaptation(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant input (mark: its start): none before; at least five spikes, to the end, each interval at least as long
    as the one before (within 1 %), the last at least 1.5 times the first."""
    gaps = spikes.after(marks[0]).intervals
    good = 4 <= len(gaps) == len(spikes) - 1 and (np.diff(gaps) >= -0.01 * gaps[:-1]).all()
    good = good and gaps[-1] >= 1.5 * gaps[0] and stop - spikes.times[-1] < 1.5 * gaps[-1]
    return bool(good), f"intervals {_us(gaps)}"


def class_1_excitability(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A slow ramp (mark: its start): firing begins at a low rate that grows with the input: at least six spikes, each
    interval shorter than the one before, the first at least twice the last."""
    gaps = spikes.after(marks[0]).intervals
    good = 5 <= len(gaps) == len(spikes) - 1 and (np.diff(gaps) < 0).all() and gaps[0] >= 2 * gaps[-1]
    return bool(good), f"intervals {_us(gaps)}"


def class_2_excitability(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A slow ramp (mark: its start) of which at least a fifth passes without a spike: firing begins at once at its full
    rate: at least six spikes, to the end, all intervals equal within 5 %, while the input grows by half at least."""
    t, start = spikes.times, marks[0]
    good = len(t) >= 6 and t[0] - start >= 0.2 * (stop - start) and stop - start >= 1.5 * (t[0] - start)
    good = good and _equal(spikes.intervals) and stop - t[-1] < 1.5 * spikes.intervals[-1]
    return bool(good), f"first at {_us(t[:1])}, intervals {_us(spikes.intervals)}"


def spike_latency(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Brief pulses that grow in height (marks: start and end of each): each fires once, later than its end by half of
    its width at least, and from its start the sooner the higher it is, by 5 % at least."""
    starts, ends = np.array(marks[::2]), np.array(marks[1::2])
    counts = _counts(spikes, marks, stop)
    if len(spikes) != len(starts) or counts[2::2] != [1] * len(starts):
        return False, f"spikes between marks {counts}"
    waits = spikes.times - starts
    late = (spikes.times - ends >= 0.5 * (ends - starts)).all()
    return bool(late and len(waits) >= 2 and (waits[1:] <= 0.95 * waits[:-1]).all()), f"latencies {_us(waits)}"


def integrator(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Four equal pulses (marks: the start of each of two pairs): the close pair fires once, the wider pair does not."""
    counts = _counts(spikes, marks, stop)
    return counts == [0, 1, 0], f"spikes per pair {counts[1:]}"


def rebound_spike(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """An inhibitory pulse (marks: start, end): none up to its end, then just one, within a fifth of its width."""
    good = _counts(spikes, marks, stop) == [0, 0, 1] and spikes.times[0] - marks[1] <= 0.2 * (marks[1] - marks[0])
    return good, f"spikes at {_us(spikes.times)}"


def rebound_burst(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Inhibition under which the neuron is at rest (mark: its end): none until it ends, then one burst of at least
    three spikes that begins within a fifth of the time that is left, then silence for at least as long as the burst."""
    t = spikes.times
    good = len(t) >= 3 and 0 <= t[0] - marks[0] <= 0.2 * (stop - marks[0]) and stop - t[-1] >= t[-1] - t[0]
    return bool(good), f"spikes at {_us(t)}"


def threshold_variability(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Two equal pulses (marks: first, inhibition, second): the first does not fire, nor does inhibition; the second,
    which follows inhibition, fires."""
    counts = _counts(spikes, marks, stop)
    return counts[:3] == [0, 0, 0] and counts[3] >= 1, f"spikes between marks {counts}"


def bistability(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """Two pulses from the same input (marks: start and end of each): silence before the first, firing between them
    (at least five, equal intervals within 5 %), silence again within two intervals after the second."""
    counts, held = _counts(spikes, marks, stop), spikes.after(marks[1], marks[2])
    good = counts[0] == 0 and _regular(spikes, marks[1], marks[2])
    silent = good and len(spikes.after(marks[3] + 2 * held.intervals[-1])) == 0
    enough = good and stop - marks[3] >= 5 * held.intervals[-1]
    return bool(silent and enough), f"spikes between marks {counts}, intervals {_us(held.intervals)}"


def accommodation(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A slow ramp, then a step that is not as high (marks: start of each): none during the ramp, at least one within a
    fifth of the ramp's time after the step."""
    ramp, step = marks
    counts = _counts(spikes, marks, stop)
    soon = len(spikes.after(step, step + 0.2 * (step - ramp)))
    return counts[:2] == [0, 0] and soon >= 1, f"spikes at {_us(spikes.times)}"


def inhibition_induced_spiking(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A constant inhibitory input (mark: its start): as tonic spiking."""
    return tonic_spiking(spikes, marks, stop)


def excitation_block(spikes: Spikes, marks: Sequence[float], stop: float) -> Verdict:
    """A moderate input, then a strong one (marks: start of each): at least four spikes to the end of the first, at most
    one in the second, which lasts at least five intervals of the first."""
    counts = _counts(spikes, marks, stop)
    good = counts[0] == 0 and _regular(spikes, marks[0], marks[1], 4) and counts[2] <= 1
    good = good and stop - marks[1] >= 5 * spikes.after(marks[0], marks[1]).intervals[-1]
    return bool(good), f"spikes in each {counts[1:]}"


# --- the patterns ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """A named pattern: what meets the neuron, for how long (s), and the criterion. values: what is not the default.

    short: whether a quick run has it.
    """

    criterion: Criterion
    drive: Waveform
    stop: float
    marks: tuple[float, ...]
    values: Mapping[str, float] = field(default_factory=dict)
    short: bool = False

    @property
    def slug(self) -> str:
        return self.criterion.__name__.replace("_", "-")

    @property
    def title(self) -> str:
        text = self.slug if self.slug == "all-or-nothing" else self.slug.replace("-", " ")
        return text[0].upper() + text[1:].replace("tion induced", "tion-induced")

    def holds(self, spikes: Spikes) -> Verdict:
        """Whether spikes meet the criterion, and what was found."""
        return self.criterion(spikes, self.marks, self.stop)


def _levels(*steps: tuple[float, float]) -> Waveform:
    """From 0 V to a level (V) at a time (us) each."""
    points, now = [(0.0, 0.0)], 0.0
    for at, level in steps:
        points += [(at * US, now), (at * US + EDGE, level)]
        now = level
    return Waveform.points(*points)


def _pulses(height: float | Sequence[float], width: float, *starts: float) -> Waveform:
    """Pulses (V; us) that begin at `starts`."""
    heights = [height] * len(starts) if isinstance(height, int | float) else height
    return _levels(*(step for at, h in zip(starts, heights, strict=True) for step in ((at, h), (at + width, 0))))


def _pattern(criterion: Criterion, drive: Waveform, stop: float, *marks: float, short: bool = False,
             **values: float) -> Pattern:
    """Times in us."""
    return Pattern(criterion, drive, stop * US, tuple(m * US for m in marks), values, short)


def patterns() -> list[Pattern]:
    """All of them. Found by search over r, c and input in a program of the same equations; docs/mott_neurons.md."""
    pf = 1e-12
    return [
        _pattern(all_or_nothing, _pulses((0.25, 0.35, 0.5, 0.6, 0.7), 0.1, 0.1, 0.8, 1.5, 2.3, 3.1), 3.9,
                 0.1, 0.8, 1.5, 2.3, 3.1),
        _pattern(refractory_period, _pulses(0.55, 0.1, 0.1, 0.4, 1.3), 1.6, 0.1, 0.4, 1.3, short=True),
        _pattern(tonic_spiking, _levels((0.1, 0.4)), 1.4, 0.1, short=True),
        _pattern(tonic_bursting, _levels((0.1, 0.4)), 2.5, 0.1, short=True, c_1=90 * pf),
        _pattern(phasic_spiking, _levels((0.1, 0.4)), 1.0, 0.1, short=True, r_1=0.0, c_1=10 * pf, c_in=10 * pf),
        _pattern(phasic_bursting, _levels((0.1, 0.4)), 1.8, 0.1, short=True, r_1=0.0, c_in=50 * pf, r_in=1e3),
        _pattern(mixed_mode, _levels((0.1, 0.3)), 4.0, 0.1, r_1=5e3, r_2=5.8e3, c_in=100 * pf, r_in=5e3),
        _pattern(spike_frequency_adaptation, _levels((0.1, 0.4)), 4.0, 0.1, c_in=200 * pf, r_in=10e3),
        _pattern(class_1_excitability, Waveform.points((0.1 * US, 0), (0.2 * US, 0.1), (5 * US, 0.5)), 5.0, 0.2),
        _pattern(class_2_excitability, Waveform.points((0.1 * US, 0), (1.3 * US, 0.3)), 1.3, 0.1, short=True, r_1=4e3),
        _pattern(spike_latency, _pulses((0.7, 1.0, 1.4), 0.1, 0.1, 1.3, 2.5), 3.0, 0.1, 0.2, 1.3, 1.4, 2.5, 2.6,
                 r_2=15e3, c_1=50 * pf),
        _pattern(integrator, _pulses(0.3, 0.1, 0.1, 0.23, 1.0, 1.4), 1.7, 0.1, 1.0, short=True),
        _pattern(rebound_spike, _levels((0.1, -0.35), (2.6, 0)), 3.3, 0.1, 2.6, r_1=0.0, c_1=10 * pf, c_in=10 * pf),
        _pattern(rebound_burst, Waveform.points((0.3 * US, -0.4), (0.3 * US + EDGE, 0)), 1.8, 0.3, short=True,
                 r_1=0.0, c_in=60 * pf, r_in=2e3),
        _pattern(threshold_variability, _levels((0.1, 0.2), (0.2, 0), (0.7, -0.2), (1.8, 0.2), (1.9, 0)), 2.3,
                 0.1, 0.7, 1.8, short=True, r_1=0.0, c_1=10 * pf, c_in=15 * pf),
        _pattern(bistability, _levels((0.1, 0.6), (0.2, 0), (0.8, -0.8), (1.0, 0)), 1.6, 0.1, 0.2, 0.8, 1.0,
                 short=True, r_1=4e3),
        _pattern(accommodation, Waveform.points((0.1 * US, 0), (2 * US, 0.5), (4 * US, 0), (4.2 * US, 0),
                                                (4.2 * US + EDGE, 0.4)), 4.8, 0.1, 4.2, r_1=0.0, c_1=10 * pf,
                 c_in=10 * pf),
        _pattern(inhibition_induced_spiking, _levels((0.1, -0.9)), 1.3, 0.1, short=True),
        _pattern(excitation_block, _levels((0.1, 0.5), (1.12, 2.5)), 2.3, 0.1, 1.12, short=True, r_2=4.6e3),
    ]


# --- the experiment -------------------------------------------------------------------------------------------------


def run_pattern(engine: Engine, pattern: Pattern) -> Firing:
    """The neuron of a pattern under its input, from rest."""
    cell = vo2_neuron(None, **pattern.values).drive(inp=pattern.drive)
    return fire(cell, pattern.stop, engine=engine, signal="v(axon)", threshold=THRESHOLD, reset=RESET,
                extra=["v(inp)"])


def _vo2_neuron(context: Context) -> None:
    outcome = context.outcome
    chosen = [p for p in patterns() if p.short or not context.quick]
    # The longest first: two cores end together.
    order = sorted(range(len(chosen)), key=lambda k: -chosen[k].stop)
    found = map_runs(partial(run_pattern, context.engine), [chosen[k] for k in order], context.engine,
                     context.executor, context.progress, "patterns")
    firings = [found[order.index(k)] for k in range(len(chosen))]
    verdicts = [p.holds(f.spikes) for p, f in zip(chosen, firings, strict=True)]
    shown = [p.title for p, (good, _) in zip(chosen, verdicts, strict=True) if good]
    outcome.score("vo2-neuron-patterns", f"{len(shown)} of {len(chosen)}: {', '.join(shown)}", len(shown) >= WANTED)
    rows = []
    for p, f, (good, text) in zip(chosen, firings, verdicts, strict=True):
        rows.append((p.title, " ".join((p.criterion.__doc__ or "").split()), text, "yes" if good else "no",
                     " ".join(f"{k}={v:g}" for k, v in p.values.items()) or "default"))
        outcome.remarks += [f"{p.title}: {w}" for w in f.result.warnings]
        if len(f.spikes):
            outcome.keep(Curve(np.arange(1.0, len(f.spikes) + 1), f.spikes.times, "spike number", "1", "time", "s",
                               name=p.slug, provenance={
                                   "circuit": "vo2_neuron", **{k: f"{v:g}" for k, v in p.values.items()},
                                   "threshold": f"{THRESHOLD:g} V",
                                   "engine": f"{context.engine.name} {context.engine.version()}"}))
    outcome.tables["patterns"] = Table(("pattern", "criterion", "found", "met", "values"), rows)
    outcome.figures["patterns"] = _grid(chosen, firings, verdicts)


def _grid(chosen: Sequence[Pattern], firings: Sequence[Firing], verdicts: Sequence[Verdict]) -> Figure:
    """Output above input for each pattern, a panel each."""
    columns = 4
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(12, 2.2 * rows + 0.3))
    cells = figure.add_gridspec(rows, columns, left=0.06, right=0.99, top=1 - 0.13 / rows, bottom=0.22 / rows,
                                hspace=0.33, wspace=0.16)
    for k, (p, f, (good, _)) in enumerate(zip(chosen, firings, verdicts, strict=True)):
        inner = cells[k // columns, k % columns].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.12)
        above = figure.add_subplot(inner[0])
        below = figure.add_subplot(inner[1], sharex=above)
        above.plot(f.result.time / US, f.result["v(axon)"], lw=0.9, color="#0072B2")
        below.plot(f.result.time / US, f.result["v(inp)"], lw=0.9, color="#D55E00")
        above.set_title(p.title + ("" if good else " (not met)"), fontsize=10)
        above.set_ylim(-0.25, 0.9)
        above.set_yticks((0, 0.5))
        below.margins(y=0.25)
        below.set_yticks(sorted({0.0, float(p.drive.values[np.abs(p.drive.values).argmax()])}))
        below.set_xlim(0, p.stop / US)
        above.tick_params(labelbottom=False, labelsize=8)
        below.tick_params(labelsize=8)
        if k % columns == 0:
            above.set_ylabel("Output (V)", fontsize=9)
            below.set_ylabel("Input (V)", fontsize=9)
            for ax in (above, below):
                ax.yaxis.set_label_coords(-0.19, 0.5)
        if k + columns >= len(chosen):
            below.set_xlabel("Time (µs)", fontsize=9)
    return figure


EXPERIMENTS = (
    Experiment("vo2-neuron", "Spiking patterns of a neuron of two VO2 switches (Fig. 24a)", PAPER, _vo2_neuron),
)
