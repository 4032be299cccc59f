"""Design of spikes: pre and post waveforms that give a wanted STDP window on a given device.

They are searched for on the device's own equations (`FastPairs`) and then verified in a circuit simulator.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spicemem.circuit import Circuit
from spicemem.circuits.synapses import divider_gate, one_device
from spicemem.curve import Column, Curve, save_figure
from spicemem.engines import Engine
from spicemem.engines.result import Array
from spicemem.errors import InputError
from spicemem.files import write_text
from spicemem.model import Model
from spicemem.protocols.fast_pairs import FastPairs, Knots
from spicemem.protocols.pool import Progress
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import lone_spikes, stdp
from spicemem.units import engineering
from spicemem.waveform import Waveform, merge_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RELATIONS = ("free", "negated", "same")
#: A design within this (rms over the peak of the wanted window) has met it; an extremum below LOBE of the peak is none.
MET, LOBE = 0.05, 0.01
#: The search ends when it is this near (as MET).
GOOD = 0.01
#: Search: members of a population, generations, candidates that are refined; substeps of a piece while they are.
MEMBERS, GENERATIONS, REFINED, COARSE = 160, 60, 3, 8
#: The two models are near enough to each other for the quick one to judge by, in the peak.
NEAR = 0.1
#: A constraint binds when without it the misfit is less than this part of what it is.
EASED = 0.7

#: dG of candidates at delays: the quick or the full model.
_Changes = Callable[[Knots, Array], Array]


@dataclass(frozen=True)
class Constraints:
    """What spikes may look like.

    amplitude: largest magnitude (V). before, after: from where to where a spike may last (s), about its time zero.
    points: of each spike between its two ends, which are at 0 V. relation: "free" (pre and post of their own),
    "negated" (post = -pre) or "same" (post = pre). edge: shortest time between two points (s), default a thousandth
    of before + after. lone: largest change by one spike alone, in the smaller lobe of the wanted window. read_delay:
    from the presynaptic spike to the reading (s). Raises InputError for what makes no sense.
    """

    amplitude: float
    before: float
    after: float
    points: int = 8
    relation: str = "free"
    edge: float | None = None
    lone: float = 0.05
    read_delay: float = 20.0

    def __post_init__(self) -> None:
        for name, value in (("before", self.before), ("after", self.after)):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"constraints: {name}", found=value, expected="a time in s, 0 or more")
        rules = (("amplitude", self.amplitude, 0.0, math.inf, "V"), ("lone", self.lone, 0.0, math.inf, "1"),
                 ("before + after", self.before + self.after, 0.0, math.inf, "s"),
                 ("read_delay", self.read_delay, self.span, math.inf, "s"))
        for name, value, low, high, unit in rules:
            if not (math.isfinite(value) and low < value < high):
                raise InputError(f"constraints: {name}", found=engineering(value, unit) if math.isfinite(value) else
                                 value, expected=f"above {engineering(low, unit)}")
        if self.relation not in RELATIONS:
            raise InputError("constraints: relation", found=repr(self.relation), expected=", ".join(RELATIONS))
        if isinstance(self.points, bool) or not isinstance(self.points, int) or not 1 <= self.points <= 40:
            raise InputError("constraints: points", found=repr(self.points), expected="1 to 40")
        if not (self.shortest > 0 and (self.points + 1) * self.shortest <= 0.9 * self.span):
            pieces = f"{self.points + 1} pieces of {engineering(self.shortest, 's')}"
            raise InputError("constraints: edge", found=pieces,
                             expected=f"pieces above 0 s that fit into 0.9 of {engineering(self.span, 's')}",
                             remedy="Give a shorter edge or fewer points")

    @property
    def span(self) -> float:
        """Longest duration of a spike (s)."""
        return self.before + self.after

    @property
    def shortest(self) -> float:
        """Shortest time between two points (s)."""
        return self.span / 1000 if self.edge is None else self.edge


@dataclass(frozen=True, eq=False)
class SpikeDesign:
    """A pair of spikes for a wanted window, and what it gives.

    predicted: the curve by the device's equations alone. verified: by a circuit simulator, None where none has run.
    lone: dG (S) by "pre" and "post" alone, of the simulator where there is one. limits: what keeps the design from the
    wanted window, empty where it is met.
    """

    wanted: Curve
    pre: Waveform
    post: Waveform
    constraints: Constraints
    predicted: Curve
    verified: Curve | None
    lone: Mapping[str, float]
    limits: tuple[str, ...] = ()

    @property
    def curve(self) -> Curve:
        """The verified curve, or the predicted one where no simulator has run."""
        return self.verified or self.predicted

    @property
    def error(self) -> float:
        """RMS of the curve minus the wanted one, in the peak of the wanted one."""
        return _error(self.curve.y, self.wanted)

    @property
    def lone_share(self) -> float:
        """Largest change by one spike alone, in the smaller lobe of the wanted window."""
        return max(abs(v) for v in self.lone.values()) / _smaller_lobe(self.wanted)

    @property
    def disagreement(self) -> float:
        """Largest difference of the verified and the predicted curve, in the peak of the wanted one; nan without."""
        if self.verified is None:
            return float("nan")
        return float(np.abs(self.verified.y - self.predicted.y).max() / self.wanted.peak())

    @property
    def met(self) -> bool:
        """Whether the error is at most 5 % and a lone spike does no more than it may."""
        return self.error <= MET and self.lone_share <= self.constraints.lone

    def report(self) -> str:
        """What came out, in lines for people."""
        c, how = self.constraints, "not verified"
        if self.verified is not None:
            how = (f"verified by {self.verified.provenance['engine']}, {self.disagreement:.2%} of the peak from the "
                   "prediction")
        lines = [f"{'met' if self.met else 'NOT MET'}: {self.error:.2%} rms of the peak, "
                 f"{engineering(self.wanted.peak(), 'S')}, at {len(self.wanted)} delays ({how})",
                 f"lone spikes: pre {engineering(self.lone['pre'], 'S')}, post {engineering(self.lone['post'], 'S')}, "
                 f"{self.lone_share:.2%} of the smaller lobe (allowed: {c.lone:.2%})"]
        if self.disagreement > MET:
            lines.append("the circuit does not do what the equations of the device say: its gate may draw more current "
                         "than the resistors give, or the simulator may need a finer step")
        return "\n".join([*lines, *(f"limit: {text}" for text in self.limits)])

    def spikes(self) -> Curve:
        """Both spikes as one curve: v(pre) against time, v(post) in a further column."""
        t = merge_times(self.pre.times, self.post.times)
        return Curve(t, self.pre(t), "time", "s", "pre", "V", name="spikes",
                     columns={"post": Column(self.post(t), "V")})

    def draw(self, top: Axes, bottom: Axes) -> None:
        """The window (wanted, predicted, verified) in one pair of axes, the spikes in another."""
        self.wanted.plot(top, label="wanted", color="#999999", linewidth=5, alpha=0.6, marker="none")
        self.predicted.plot(top, label="predicted", color="#0072b2", linewidth=1.3, marker="none")
        if self.verified is not None:
            engine = self.verified.provenance["engine"].split()[0]
            self.verified.plot(top, label=f"verified ({engine})", color="#d55e00", linestyle="none", marker="o",
                               markersize=3.5)
        room = 0.05 * self.constraints.span
        for wave, which, colour in ((self.pre, "pre", "#000000"), (self.post, "post", "#cc79a7")):
            t = np.r_[wave.times[0] - room, wave.times, wave.times[-1] + room]
            Curve(t, wave(t), "time from the spike", "s", "voltage", "V", name=which).plot(
                bottom, label=which, color=colour, linestyle="-" if which == "pre" else "--", marker="none")
        for axes in (top, bottom):
            axes.legend(loc="best", fontsize=8.5, framealpha=0.85, edgecolor="none")

    def plot(self, title: str | None = None) -> Figure:
        """A matplotlib Figure: wanted, predicted and verified window, the spikes beneath."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 5.6), layout="constrained")
        top, bottom = figure.subplots(2, 1, height_ratios=(3, 2))
        self.draw(top, bottom)
        if title:
            top.set_title(title, fontsize=11)
        return figure

    def save(self, folder: str | Path) -> None:
        """Write wanted, predicted, verified and spikes .csv, design.json and design.png into a folder that exists."""
        folder = Path(folder)
        for stem, curve in (("wanted", self.wanted), ("predicted", self.predicted), ("verified", self.verified),
                            ("spikes", self.spikes())):
            if curve is not None:
                curve.to_csv(folder / f"{stem}.csv")
        facts = {"constraints": asdict(self.constraints), "lone": dict(self.lone), "limits": self.limits,
                 "error": self.error, "lone_share": self.lone_share, "met": self.met}
        write_text(folder / "design.json", json.dumps(facts, indent=2) + "\n")
        save_figure(self.plot(), folder / "design.png")

    @classmethod
    def load(cls, folder: str | Path) -> SpikeDesign:
        """What `save` wrote. Raises InputError or CurveError for a folder without it."""
        folder = Path(folder)
        try:
            facts = json.loads((folder / "design.json").read_text())
            pre, post = load_spikes(folder / "spikes.csv")
            checked = folder / "verified.csv"
            return cls(Curve.from_csv(folder / "wanted.csv"), pre, post, Constraints(**facts["constraints"]),
                       Curve.from_csv(folder / "predicted.csv"), Curve.from_csv(checked) if checked.exists() else None,
                       facts["lone"], tuple(facts["limits"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"design in {folder}", found=f"{type(error).__name__}: {error}",
                             expected="what SpikeDesign.save wrote") from None


def load_spikes(path: str | Path) -> tuple[Waveform, Waveform]:
    """pre and post from the columns of a CSV file: time [s], pre [V], post [V]."""
    curve = Curve.from_csv(path)
    if curve.x_unit != "s" or curve.y_unit != "V" or "post" not in curve.columns:
        raise InputError(f"spikes in {path}", found=", ".join([curve.x_label, curve.y_label, *curve.columns]),
                         expected="columns time [s], pre [V], post [V]")
    return Waveform(curve.x, curve.y), Waveform(curve.x, curve.columns["post"].values)


def _error(y: Array, wanted: Curve) -> float:
    return float(np.sqrt(np.mean((y - wanted.y) ** 2)) / wanted.peak())


def _smaller_lobe(wanted: Curve) -> float:
    lobes = wanted.lobes()
    return min(p for p in (lobes.positive_peak, lobes.negative_peak) if p >= LOBE * wanted.peak())


def check_wanted(wanted: Curve, device: Model, constraints: Constraints) -> None:
    """Refuse a window that cannot be meant. Raises InputError; CurveError for a point that is nan."""
    what = f"wanted window {wanted.name}"
    if (wanted.x_unit, wanted.y_unit) != ("s", "S"):
        raise InputError(what, found=f"{wanted.y_label} [{wanted.y_unit}] over {wanted.x_label} [{wanted.x_unit}]",
                         expected="a change of conductance in S over a delay in s")
    peak = wanted.peak()
    if len(set(wanted.x.tolist())) < 3 or not peak:
        raise InputError(what, found=f"{len(wanted)} points, peak {engineering(peak, 'S')}",
                         expected="at least three different delays and a change other than 0")
    latest = float(np.abs(wanted.x).max())
    if constraints.read_delay <= latest + constraints.span:
        raise InputError("constraints: read_delay", found=engineering(constraints.read_delay, "s"),
                         expected=f"more than {engineering(latest + constraints.span, 's')}, the end of the last spike")
    apart = (np.abs(wanted.x) >= constraints.span) & (np.abs(wanted.y) > MET * peak)
    # Spikes that do not overlap meet in a second state only.
    if apart.any() and len(device.definition.states) < 2:
        row = int(np.argmax(apart))
        raise InputError(what, found=f"{engineering(float(wanted.y[row]), 'S')} at a delay of "
                         f"{engineering(float(wanted.x[row]), 's')}",
                         expected=f"next to nothing from {engineering(constraints.span, 's')} on, where spikes of "
                         "that duration no longer overlap", remedy="Give longer spikes (before, after)")


class _Stop(Exception):
    """The time is over."""


@dataclass
class _Search:
    """Candidates as vectors: levels of pre in amplitudes, then its gaps, then both of post where it is free."""

    wanted: Curve
    fast: FastPairs
    c: Constraints
    deadline: float
    best: tuple[float, Array] = field(default=(math.inf, np.empty(0)))

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest candidate."""
        n = self.c.points
        copies = 2 if self.c.relation == "free" else 1
        return (np.tile(np.r_[np.full(n, -1.0), np.full(n + 1, 1e-3)], copies), np.ones((2 * n + 1) * copies))

    def knots(self, z: Array) -> Knots:
        """The spikes of candidates, a row each."""
        c, n = self.c, self.c.points
        spikes = []
        for part in np.split(z, z.shape[1] // (2 * n + 1), axis=1):
            gaps = part[:, n:] / part[:, n:].sum(axis=1, keepdims=True)
            ends = np.cumsum(c.shortest + (c.span - (n + 1) * c.shortest) * gaps, axis=1)
            spikes += [np.pad(ends, ((0, 0), (1, 0))) - c.before, np.pad(c.amplitude * part[:, :n], ((0, 0), (1, 1)))]
        if c.relation != "free":
            spikes += [spikes[0], -spikes[1] if c.relation == "negated" else spikes[1]]
        return Knots(*spikes)

    def residuals(self, change: Array) -> Array:
        """Distance from the wanted window in its peak, and what lone spikes do beyond half of what they may."""
        alone = np.abs(change[:, -2:]) / (_smaller_lobe(self.wanted) * self.c.lone) - 0.5
        pull = 0.2 * np.sqrt(len(self.wanted))
        return np.concatenate([(change[:, :-2] - self.wanted.y) / self.wanted.peak(), pull * np.maximum(alone, 0.0)],
                              axis=1)

    def score(self, model: _Changes, z: Array) -> Array:
        """Residuals of candidates (a row each); remembers the best. Raises _Stop when the time is over."""
        if time.monotonic() > self.deadline:
            raise _Stop
        found = self.residuals(model(self.knots(z), self.wanted.x))
        cost = np.nan_to_num((found**2).mean(axis=1), nan=math.inf)
        k = int(cost.argmin())
        if cost[k] < self.best[0]:
            self.best = float(cost[k]), z[k].copy()
        return found

    def population(self, model: _Changes, seed: tuple[int, int], generations: int,
                   progress: Callable[[], None]) -> Array:
        """The last generation of a differential evolution, best first."""
        from scipy.optimize import differential_evolution

        low, high = self.bounds

        def cost(z: Array) -> Array:
            return np.asarray(np.log10((self.score(model, z.T) ** 2).mean(axis=1) + 1e-9))

        def step(intermediate_result: object) -> bool:
            progress()
            return self.best[0] < MET**2  # near enough for least squares to go on

        start = low + (high - low) * np.random.default_rng(seed).random((MEMBERS, len(low)))
        found = differential_evolution(
            cost, list(zip(low, high, strict=True)), init=start, maxiter=generations, tol=1e-3, mutation=(0.4, 0.9),
            recombination=0.8, polish=False, vectorized=True, updating="deferred", rng=np.random.default_rng(seed),
            callback=step)
        return np.asarray(found.population[np.argsort(found.population_energies)])

    def refine(self, model: _Changes, z: Array, tries: int) -> tuple[float, Array]:
        """Least squares from a candidate: cost and candidate."""
        from scipy.optimize import least_squares

        low, high = self.bounds

        def slopes(at: Array) -> Array:
            step = np.where(at + 1e-3 > high, -1e-3, 1e-3)
            rows = self.score(model, np.concatenate([at[None], at + np.diag(step)]))
            return np.asarray(((rows[1:] - rows[0]) / step[:, None]).T)

        found = least_squares(lambda at: self.score(model, at[None])[0], np.clip(z, low + 1e-6, high - 1e-6),
                              jac=slopes, bounds=(low, high), max_nfev=tries, xtol=1e-6, ftol=1e-5)
        return float(2 * found.cost / len(found.fun)), np.asarray(found.x)


def cell_of(device: Model, r: float = 10e6) -> Circuit:
    """The cell that a design is for: a two-terminal device between the neurons, or a divider of two r (Ohm)."""
    return one_device(device) if set(device.definition.terminals) == {"p", "n"} else divider_gate(device, r)


def design_spikes(
    wanted: Curve, device: Model, constraints: Constraints, *, r: float = 10e6, engine: str | Engine | None = None,
    verify: bool = True, seed: int = 1, time_limit: float = 120.0, reading: Reading | None = None,
    executor: Executor | None = None, progress: Progress | None = None, name: str = "design",
) -> SpikeDesign:
    """Pre and post waveforms that give a wanted STDP window on a device, and what they give in a circuit simulator.

    wanted: dG (S) over the delay t_post - t_pre (s). device: with terminals p and n (between the neurons), or gate,
    drain and source (on a divider of two resistors r, Ohm). constraints: what spikes may look like. engine: verifies,
    at the same delays and with each spike alone; verify=False leaves that out. seed: of the search, which does the
    same every time. time_limit: s for the search; when it is over, the best spikes so far are taken. reading: as
    `stdp`, default at the reading voltage of the device. progress(done, total, what): called as the search goes on.

    The search is a differential evolution on the rates of the starting state, refined by least squares and then on
    all states of the device. A window that cannot be reached comes back with `met` False and `limits` that name the
    constraints without which the error would be smaller. Raises InputError, CurveError and CircuitError for a wanted
    window, constraints or a device that make no sense, and SimulationError when the verification fails.
    """
    check_wanted(wanted, device, constraints)
    wanted = replace(wanted, x_label="delay", y_label="dG", columns={}, published=())
    reading = reading or Reading(device.handling().v_read, min(1e-3, constraints.read_delay / 20))
    began, tell = time.monotonic(), progress or (lambda done, total, what: None)

    def model(c: Constraints) -> _Search:
        fast = FastPairs(device, r=r, read_delay=c.read_delay, voltage=reading.voltage, volts=c.amplitude)
        return _Search(wanted, fast, c, began + time_limit)

    search = model(constraints)
    z, near = _found(search, seed, tell)
    knots = search.knots(z[None])
    change = search.fast.change(knots, wanted.x)[0]
    pre, post = Waveform(knots.pre_times[0], knots.pre[0]), Waveform(knots.post_times[0], knots.post[0])
    about = {"protocol": "STDP, designed spikes, dG = G(after) - G(before)", "device": device.definition.name,
             "preset": device.preset_name or "none", "seed": f"{seed}"}
    predicted = replace(wanted, y=change[:-2], name=f"{name}-predicted",
                        provenance={**about, "engine": "equations of the device"})
    found = SpikeDesign(wanted, pre, post, constraints, predicted, None,
                        {"pre": float(change[-2]), "post": float(change[-1])})
    if not found.met:
        limits = _limits(found, model, z, seed, tell) if near else ()
        found = replace(found, limits=limits or (_reason(search, z),))
    return verified(found, cell_of(device, r), engine=engine, reading=reading, executor=executor, progress=progress,
                    name=name) if verify else found


def verified(design: SpikeDesign, cell: Circuit, *, engine: str | Engine | None = None, reading: Reading | None = None,
             executor: Executor | None = None, progress: Progress | None = None, name: str = "design") -> SpikeDesign:
    """The same design with what its spikes do in a circuit simulator: the window, and each spike alone."""
    how: dict[str, Any] = {"pre": design.pre, "post": design.post, "engine": engine, "reading": reading,
                           "read_delay": design.constraints.read_delay}
    curve = stdp(cell, delays=design.wanted.x, executor=executor, progress=progress, name=f"{name}-verified", **how)
    alone = lone_spikes(cell, **how)
    return replace(design, verified=curve, lone={key: next(iter(by.values())) for key, by in alone.items()})


def _found(search: _Search, seed: int, progress: Progress) -> tuple[Array, bool]:
    """The best candidate within the time, and whether the quick model is near the full one there."""
    fast, low, high = search.fast, *search.bounds
    total, done = REFINED * GENERATIONS, [0]

    def tick() -> None:
        done[0] += 1
        progress(done[0], total, "search")

    def full(knots: Knots, delays: Array) -> Array:
        return fast.change(knots, delays, COARSE)

    search.best = math.inf, (low + high) / 2
    candidates = [search.best[1]]
    try:
        for start in range(REFINED):
            for z in search.population(fast.estimate, (seed, start), GENERATIONS, tick)[:REFINED]:
                candidates.append(search.refine(fast.estimate, z, 40)[1])
                if search.best[0] < GOOD**2:
                    break
            if search.best[0] < GOOD**2:
                break
    except _Stop:
        pass
    candidates.append(search.best[1])
    # What counts from here on is the full model, and of the candidates those that it finds best.
    knots = search.knots(np.array(candidates))
    changes = full(knots, search.wanted.x)
    cost = (search.residuals(changes) ** 2).mean(axis=1)
    order = np.argsort(cost)
    best = search.best = float(cost[order[0]]), candidates[int(order[0])]
    off = np.abs(changes - fast.estimate(knots, search.wanted.x))[order[0]].max() / search.wanted.peak()
    near = bool(off <= NEAR)
    try:
        for k in order[:1 if near else REFINED]:
            if search.best[0] < GOOD**2:
                break
            search.refine(full, candidates[int(k)], 4 if near else 30)
            progress(total, total, "search")
    except _Stop:
        pass
    return (search.best if search.best[0] <= best[0] else best)[1], near


def _limits(found: SpikeDesign, model: Callable[[Constraints], _Search], z: Array, seed: int, progress: Progress
            ) -> tuple[str, ...]:
    """The constraints without which the misfit (error, and lone spikes beyond their limit) would be much smaller."""
    c = found.constraints
    search = model(c)
    here = search.residuals(search.fast.estimate(search.knots(z[None]), found.wanted.x))
    misfit = float(np.sqrt((here**2).mean()))
    texts = []
    for done, (name, now, then, change) in enumerate(relaxed := _relaxed(c)):
        other = model(replace(c, **change))
        try:
            best = other.population(other.fast.estimate, (seed, 0), GENERATIONS // 2, lambda: None)[0]
            other.refine(other.fast.estimate, best, 40)
        except _Stop:
            break
        less = math.sqrt(other.best[0])
        if less < EASED * misfit:
            texts.append((less, f"{name}: with {then} instead of {now} the misfit falls from {misfit:.1%} to "
                                f"{less:.1%}"))
        progress(done + 1, len(relaxed), "limits")
    else:
        if not texts:
            texts = [(1.0, f"the device, or too many at once: no constraint alone, eased, takes the misfit of "
                      f"{misfit:.1%} below {EASED * misfit:.1%}")]
    return tuple(text for _, text in sorted(texts))


def _relaxed(c: Constraints) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Each constraint eased, where that is possible: name, now, then, the fields that change."""
    more: list[tuple[str, str, str, dict[str, Any]]] = [
        ("amplitude", engineering(c.amplitude, "V"), engineering(1.5 * c.amplitude, "V"),
         {"amplitude": 1.5 * c.amplitude}),
        ("lone spike", f"at most {c.lone:.2%} of the smaller lobe", "no limit", {"lone": 1e6}),
        ("edge", engineering(c.shortest, "s"), engineering(c.shortest / 10, "s"), {"edge": c.shortest / 10})]
    if c.relation != "free":
        more.append(("relation", f"post {'= -pre' if c.relation == 'negated' else '= pre'}", "a post of its own",
                     {"relation": "free"}))
    if 1.5 * c.span < c.read_delay / 2:
        more.append(("duration", engineering(c.span, "s"), engineering(1.5 * c.span, "s"),
                     {"before": 1.5 * c.before, "after": 1.5 * c.after}))
    if 2 * c.points <= 40 and (2 * c.points + 1) * c.shortest <= 0.9 * c.span:
        more.append(("points", f"{c.points}", f"{2 * c.points}", {"points": 2 * c.points}))
    return more


def _reason(search: _Search, z: Array) -> str:
    """What can be said without another search: the bounds that the spikes touch."""
    n, c = search.c.points, search.c
    parts = np.split(z, len(z) // (2 * n + 1))
    high = sum(int((np.abs(part[:n]) > 0.99).sum()) for part in parts)
    texts = ["the time limit of the search"] if time.monotonic() > search.deadline else []
    if high:
        texts.append(f"amplitude: {high} of {n * len(parts)} points are at {engineering(c.amplitude, 'V')}")
    return ", ".join(texts) or "no better spikes found; no amplitude is at its bound"
