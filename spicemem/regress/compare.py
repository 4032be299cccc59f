"""A run against a golden one, signal by signal: amplitude, events, integral RMS, end states, charge and energy.

What is asked of a signal is a `Tolerance`. Amplitudes are compared on the union of both time axes, so that no point of
either is left out. With a time tolerance, the events of both (passages of a level, `events.py`) are matched one to one
and the run's time axis is warped, piecewise linearly through the matched events alone, before amplitudes are compared:
a shift of events is allowed, a wrong amplitude between them is not. On the edge of a matched event, where the signal
passes many levels at once, a point may instead differ in time, by the time tolerance at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spicemem.engines.result import Result
from spicemem.errors import InputError, ModelError, nearest
from spicemem.regress.events import Event, Pair, alignments, edges, knots, match, quiet_level, same_events
from spicemem.regress.waveforms import Array, Waveforms
from spicemem.units import dimension, engineering

#: Where one axis ends before the other by less than this part of the golden's, nothing is missing.
SLACK = 1e-6
#: What Xyce's comparison takes for an error of 0, and adds to the denominator: its `absdifftol` and `abstol`.
XYCE_FLOOR = 1e-12
#: Events that findings name, of each signal.
LISTED = 6
#: The part of the time that has to be right after scaling or shifting for a finding to say that this is the fault.
MOST = 0.95


@dataclass(frozen=True)
class Tolerance:
    """How far a signal may be from its golden.

    absolute (in the signal's unit) and relative (to the golden's span, largest minus smallest) add up to the largest
    difference at any time. time: s that an event may be early or late. rms: bound of the integral RMS error relative
    to the signal, as `xyce_rms` has it; rms_floor: its absolute part; rms=None: not asked. final: largest difference
    at the end, in the signal's unit; None: as anywhere. level: of the events, in the signal's unit; None: chosen from
    the golden. Raises InputError for what is negative or not finite, and where nothing is asked.
    """

    absolute: float = 0.0
    relative: float = 0.0
    time: float = 0.0
    rms: float | None = None
    rms_floor: float = XYCE_FLOOR
    final: float | None = None
    level: float | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is None and entry.default is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or (
                    value < 0 and entry.name != "level"):
                raise InputError(f"tolerance: {entry.name}", found=repr(value), expected="a number from 0 on")
            object.__setattr__(self, entry.name, float(value))
        if not (self.absolute or self.relative):
            raise InputError("tolerance", found="neither absolute nor relative", expected="one of them above 0",
                             remedy="Two runs agree to rounding at best: relative=1e-3 is a thousandth of the span")


@dataclass(frozen=True)
class Invariant:
    """One number of a whole run that has to agree.

    kind: "change" (of a signal from start to end: a conductance change), "final" (its last value), "charge" (integral
    of a signal over time), "energy" (integral of the product of two). signals: their names, one or two. relative: to
    the golden's number, absolute: in its unit; both add up. value: the golden's number, None: computed from it.
    """

    kind: str
    signals: tuple[str, ...]
    relative: float = 0.0
    absolute: float = 0.0
    value: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "signals", tuple(self.signals))
        if self.kind not in _INVARIANTS:
            raise InputError("invariant", found=repr(self.kind), expected=f"one of {', '.join(_INVARIANTS)}",
                             remedy=nearest(self.kind, _INVARIANTS))
        count = 2 if self.kind == "energy" else 1
        if len(self.signals) != count or not all(isinstance(s, str) for s in self.signals):
            raise InputError(f"invariant {self}", found=f"{len(self.signals)} signals", expected=f"{count}")
        for name in ("relative", "absolute"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise InputError(f"invariant {self}: {name}", found=repr(value), expected="a number from 0 on")
        if not (self.relative or self.absolute):
            raise InputError(f"invariant {self}", found="no tolerance", expected="relative or absolute above 0")

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(self.signals)})"

    def of(self, waves: Waveforms) -> float:
        """Its number for a run."""
        return _INVARIANTS[self.kind](waves.time, *(waves.signals[name] for name in self.signals))

    def unit(self, units: Mapping[str, str]) -> str:
        """The unit of the number, of the units of signals."""
        unit = "*".join(units.get(name) or "1" for name in self.signals)
        if self.kind in ("charge", "energy"):
            unit = {"A": "C", "V*A": "J", "A*V": "J", "W": "J"}.get(unit, f"{unit}*s")
        return unit


def _product_integral(t: Array, a: Array, b: Array) -> float:
    """Of the product of two piecewise-linear functions, exactly."""
    return float(np.sum(np.diff(t) * (2 * a[:-1] * b[:-1] + a[:-1] * b[1:] + a[1:] * b[:-1] + 2 * a[1:] * b[1:])) / 6)


_INVARIANTS: Mapping[str, Callable[..., float]] = {
    "change": lambda t, y: float(y[-1] - y[0]),
    "final": lambda t, y: float(y[-1]),
    "charge": lambda t, y: float(np.trapezoid(y, t)),
    "energy": _product_integral,
}


@dataclass(frozen=True)
class Finding:
    """What is wrong. kind: one word for programs; signal: "" for the run as a whole; words: for people; at: s."""

    kind: str
    signal: str
    words: str
    at: float | None = None

    def __str__(self) -> str:
        return f"{self.signal}: {self.words}" if self.signal else self.words


@dataclass(frozen=True, eq=False)
class Compared:
    """A signal of both runs on one axis, the golden's: what was found, and what a picture of it shows.

    time, golden, test: the union of points, the run's warped onto the golden's axis. allowed: largest difference (in
    the signal's unit). worst, worst_at: largest difference that no edge explains, where (s). rms: the integral RMS
    error in parts of what is allowed, nan where it was not asked. matched: pairs of event times (golden's, the run's).
    missing, extra: times of events without a partner. by_time: points that differ in time only. level: of the events.
    """

    name: str
    unit: str
    time: Array
    golden: Array
    test: Array
    allowed: float
    worst: float
    worst_at: float
    rms: float
    matched: Sequence[tuple[float, float]]
    missing: Sequence[float]
    extra: Sequence[float]
    by_time: NDArray[np.bool_]
    level: float | None
    tolerance: Tolerance
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.findings

    @property
    def shift(self) -> float:
        """Largest time between matched events, s."""
        return max((abs(b - a) for a, b in self.matched), default=0.0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found: `findings` in all, `signals` that could be compared, `invariants` as (which, the
    golden's number, the run's, allowed, unit), `notes` that are no faults."""

    golden: Waveforms
    test: Waveforms
    signals: Mapping[str, Compared]
    invariants: Sequence[tuple[str, float, float, float, str]]
    findings: Sequence[Finding]
    notes: Sequence[str] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def report(self) -> str:
        """A line for each finding, or one that says how near the signals are."""
        if self.passed:
            worst = max(self.signals.values(), key=lambda c: c.worst / c.allowed, default=None)
            margin = "" if worst is None else f", at most {worst.worst / worst.allowed:.0%} of what is allowed"
            words = "1 signal agrees" if len(self.signals) == 1 else f"{len(self.signals)} signals agree"
            return f"{words}{margin}{f' ({worst.name})' if worst else ''}"
        return "\n".join(map(str, self.findings))


def xyce_rms(time: Array, test: Array, golden: Array, relative: float = 0.01, floor: float = XYCE_FLOOR) -> float:
    """The RMS error of Xyce's regression suite: sqrt of the mean over time of ((golden - test)/(relative*|golden| +
    floor))^2, by the trapezoidal rule over the run's own points; differences below `floor` are none. 1 is the limit.

    golden: its values at those times. Source: TestScripts/xyce_verify.pl (T. Russo and T. Coffey) of the repository
    Xyce/Xyce_Regression, its reltol, abstol and absdifftol; there 0.01, 1e-12 and 1e-12.
    """
    difference = golden - test
    none = (np.abs(difference) < floor) | (difference == 0)
    with np.errstate(divide="ignore", over="ignore"):  # infinite where a golden of 0 has no floor: not met
        parts = np.divide(difference, relative * np.abs(golden) + floor, out=np.zeros_like(difference), where=~none)
        return float(np.sqrt(np.trapezoid(parts**2, time) / (time[-1] - time[0])))


Given = Result | Waveforms | Mapping[str, object]
Tolerances = Tolerance | Mapping[str, Tolerance]


def compare(golden: Given, test: Given, tolerances: Tolerances, *, invariants: Sequence[Invariant] = (),
            units: Mapping[str, str] | None = None) -> Comparison:
    """Compare a run with a golden.

    tolerances: one for all signals of the golden, or by name: only those are compared then. units: of plain mappings.
    Every fault of the run is a finding of the result. Raises InputError where a comparison could pass on nonsense: a
    golden that is no proper waveform, a run that shares no time with it or has a single point, a signal without a span
    and no absolute tolerance, a tolerance that a flat line would meet.
    """
    a, b = Waveforms.of(golden, units, "the golden"), Waveforms.of(test, units, "the run")
    wanted = {name: tolerances for name in a.signals} if isinstance(tolerances, Tolerance) else dict(tolerances)
    names = list(dict.fromkeys([*wanted, *(n for i in invariants for n in i.signals)]))
    if not names:
        raise InputError("comparison", found="no signals", expected="at least one")
    others = [name for name in b.signals if name not in a.signals]
    a = a.only(names)
    _check_golden(a)
    findings = _time_findings(a, b)
    usable = []
    for name in names:
        fault = _signal_fault(a, b, name)
        findings += [fault] if fault else []
        usable += [] if fault and fault.kind != "unit" else [name]
    compared: dict[str, Compared] = {}
    numbers: list[tuple[str, float, float, float, str]] = []
    if usable and not any(f.kind == "time" for f in findings):
        b = b.only(usable)
        ends = float(max(a.time[0], b.time[0])), float(min(a.time[-1], b.time[-1]))
        window, b = _cut(a, *ends), _cut(b, *ends)
        for name in usable:
            if name in wanted:
                compared[name] = _compare_signal(name, a, window, b, wanted[name])
        findings += _swapped(compared)
        for each in compared.values():
            findings += each.findings
        for i in invariants:
            if set(i.signals) <= set(usable):
                row, finding = _invariant(i, a, b)
                numbers.append(row)
                findings += finding
    notes = [f"not in the golden: {', '.join(others)}"] if others else []
    notes += [f"{name}: no unit given, taken for {a.units[name]}" for name in usable
              if a.units[name] and not b.units.get(name)]
    return Comparison(a, b, compared, numbers, tuple(dict.fromkeys(findings)), tuple(notes))


def _check_golden(a: Waveforms) -> None:
    if len(a.time) < 2:
        raise InputError("golden", found=f"{len(a.time)} points", expected="at least two")
    if not np.isfinite(a.time).all() or (np.diff(a.time) <= 0).any():
        raise InputError("golden", found=f"{a.axis} that does not rise", expected=f"rising {a.axis}")
    for name, values in a.signals.items():
        if not np.isfinite(values).all():
            raise InputError(f"golden: {name}", found="a value that is not finite", expected="finite numbers",
                             remedy="It cannot be compared with: make it anew")


def _when(a: Waveforms, t: float) -> str:
    return engineering(t, a.axis_unit, 6)


def _time_findings(a: Waveforms, b: Waveforms) -> list[Finding]:
    """What is wrong with the run's axis. Kind "time": so wrong that nothing can be compared."""
    if a.axis_unit != b.axis_unit and b.axis_unit:
        return [Finding("time", "", f"its axis is {b.axis} in {b.axis_unit}, the golden's {a.axis} in {a.axis_unit}")]
    if len(b.time) < 2:
        raise InputError(b.source, found=f"{len(b.time)} points", expected="at least two")
    bad = np.flatnonzero(~np.isfinite(b.time))
    if len(bad):
        return [Finding("time", "", f"{a.axis} is not a number in row {bad[0]}")]
    back = np.flatnonzero(np.diff(b.time) <= 0)
    if len(back):
        k = int(back[0])
        return [Finding("time", "", f"{a.axis} does not rise: {_when(a, float(b.time[k + 1]))} follows "
                        f"{_when(a, float(b.time[k]))} in row {k + 1} ({len(back)} such rows)", float(b.time[k]))]
    start, stop, length = float(a.time[0]), float(a.time[-1]), float(np.ptp(a.time))
    power = thousands(float(np.ptp(b.time)) / length)
    if power:
        return [Finding("time", "", f"it lasts 1e{power} times as long as the golden: probably a wrong unit of "
                        f"{a.axis}")]
    if b.time[-1] <= start or b.time[0] >= stop:
        raise InputError(b.source, found=f"{a.axis} from {_when(a, float(b.time[0]))} to {_when(a, float(b.time[-1]))}",
                         expected=f"a part of the golden's, {_when(a, start)} to {_when(a, stop)}")
    found = []
    if b.time[-1] < stop - SLACK * length:
        found.append(Finding("truncated", "", f"it ends at {_when(a, float(b.time[-1]))}, the golden at "
                             f"{_when(a, stop)}", float(b.time[-1])))
    if b.time[0] > start + SLACK * length:
        found.append(Finding("truncated", "", f"it starts at {_when(a, float(b.time[0]))}, the golden at "
                             f"{_when(a, start)}", float(b.time[0])))
    return found


def thousands(ratio: float) -> int:
    """The power of 10, a multiple of 3 and not 0, that a positive ratio is within 1 %; 0 if there is none."""
    if not (math.isfinite(ratio) and ratio > 0):
        return 0
    power = 3 * round(math.log10(ratio) / 3)
    return power if abs(ratio / 10.0**power - 1) < 0.01 else 0


def _signal_fault(a: Waveforms, b: Waveforms, name: str) -> Finding | None:
    if name not in b.signals:
        return Finding("missing", name, f"missing in the run. {nearest(name, b.signals)}")
    bad = np.flatnonzero(~np.isfinite(b.signals[name]))
    if len(bad):
        at = float(b.time[bad[0]])
        return Finding("nan", name, f"{b.signals[name][bad[0]]} at {_when(a, at)} ({len(bad)} such values)", at)
    ours, theirs = a.units[name], b.units[name]
    if ours and theirs and not _same_unit(ours, theirs):
        return Finding("unit", name, f"in {theirs}, the golden in {ours}")
    return None


def _same_unit(one: str, two: str) -> bool:
    try:
        return one == two or dimension(one) == dimension(two)
    except ModelError:  # "%", "mV": no coherent SI unit, another one than its neighbour's
        return False


def _cut(w: Waveforms, start: float, stop: float) -> Waveforms:
    """The part from start to stop, with points of its own there."""
    if w.time[0] == start and w.time[-1] == stop:
        return w
    inside = (w.time > start) & (w.time < stop)
    time = np.r_[start, w.time[inside], stop]
    return replace(w, time=time, signals={n: np.asarray(np.interp(time, w.time, y)) for n, y in w.signals.items()})


def _on_union(ta: Array, ya: Array, tb: Array, yb: Array) -> tuple[Array, Array, Array]:
    time = np.union1d(ta, tb)
    return time, np.interp(time, ta, ya), np.interp(time, tb, yb)


def _warped(t: Array, y: Array, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """The run on the golden's axis: its time is piecewise linear between matched events, its ends stay."""
    ours, theirs = knots(t, pairs)
    points = np.union1d(t, theirs)
    return np.interp(points, theirs, ours), np.interp(points, t, y)


class _Judged(NamedTuple):
    """A way to lay the run over the golden: its events, the joint points, which differ in time only, how far apart."""

    pairs: Sequence[Pair]
    time: Array
    golden: Array
    test: Array
    by_time: NDArray[np.bool_]
    error: Array


def _compare_signal(name: str, whole: Waveforms, a: Waveforms, b: Waveforms, asked: Tolerance) -> Compared:
    """A signal of the run b against the golden's part a that it covers; spans are those of the whole golden."""
    golden, test, unit = a.signals[name], b.signals[name], whole.units[name]
    span = float(np.ptp(whole.signals[name]))
    allowed = asked.absolute + asked.relative * span
    _check_sense(name, unit, whole, span, allowed, asked)

    def judged(pairs: Sequence[Pair]) -> _Judged:
        joint = _on_union(a.time, golden, *(_warped(b.time, test, pairs) if pairs else (b.time, test)))
        by_time = _differs_in_time((a.time, golden), (b.time, test), pairs, joint, allowed, asked.time)
        return _Judged(pairs, *joint, by_time, np.where(by_time, 0.0, np.abs(joint[2] - joint[1])))

    def rms_of(pairs: Sequence[Pair]) -> float:
        if asked.rms is None:
            return math.nan
        axis, values = _warped(b.time, test, pairs) if pairs else (b.time, test)
        return xyce_rms(axis, values, np.interp(axis, a.time, golden), asked.rms, asked.rms_floor)

    found, rms, level = judged(()), rms_of(()), None
    lost: list[Event] = []
    more: list[Event] = []
    findings: list[Finding] = []
    if asked.time and span:
        level = asked.level if asked.level is not None else quiet_level(whole.time, whole.signals[name])
    apart = bool(found.error.max() > allowed)
    if level is not None and (apart or rms > 1):  # else they agree as they are
        ends = (a.time, golden), (b.time, test)
        events = same_events(*ends, level, span)
        ways = list(alignments(*ends, events, (whole.time, whole.signals[name])))
        within = [way for way in ways if all(abs(p.time - q.time) <= asked.time for p, q in way)]
        rms = min([rms, *(rms_of(way) for way in within)])
        if apart and not within:  # one is missing or too far off: the others are aligned, for the words and the picture
            ours = {id(e) for e in events[0]}
            abrupt = [way for way in ways if all(id(p) in ours for p, _ in way)]
            known = tuple(zip(*abrupt[-1], strict=True)) if abrupt else events
            within = [match(known[0], known[1], asked.time)]
            lost, more = ([e for e in known[k] if all(e is not p[k] for p in within[0])] for k in (0, 1))
            findings += _event_findings(name, whole, lost, more, asked.time)
        if apart:
            found = min((judged(way) for way in within), key=lambda each: float(each.error.max()))
    pairs, time, one, two, by_time, error = found
    k = int(np.argmax(error))
    worst, worst_at = float(error[k]), float(time[k])
    if worst > allowed:
        findings.append(Finding("amplitude", name, _amplitude_words(whole, unit, time, one, two, k, allowed, span,
                                                                    int((error > allowed).sum())), worst_at))
    if asked.rms is not None and not rms <= 1:
        findings.append(Finding("rms", name, f"integral RMS error {rms * asked.rms:.3g} of the signal, allowed "
                                f"{asked.rms:.3g}"))
    if asked.final is not None and whole.time[-1] - b.time[-1] <= SLACK * np.ptp(whole.time):
        last, end = float(golden[-1]), float(test[-1])
        if abs(end - last) > asked.final:
            findings.append(Finding("final", name, f"ends at {engineering(end, unit, 6)}, the golden at "
                                    f"{engineering(last, unit, 6)}, allowed {engineering(asked.final, unit)}",
                                    float(whole.time[-1])))
    return Compared(name, unit, time, one, two, allowed, worst, worst_at, rms,
                    [(p.time, q.time) for p, q in pairs], [e.time for e in lost], [e.time for e in more], by_time,
                    level, asked, findings)


def _check_sense(name: str, unit: str, a: Waveforms, span: float, allowed: float, asked: Tolerance) -> None:
    """Refuse what nonsense could meet."""
    if not span and not asked.absolute:
        raise InputError(f"golden: {name}", found="the same value all the time", expected="an absolute tolerance",
                         remedy="Nothing is relative to a span of 0")
    if span and allowed >= span / 2:
        raise InputError(f"tolerance of {name}", found=f"{engineering(allowed, unit)} at a span of "
                         f"{engineering(span, unit)}", expected="less than half of the span",
                         remedy="A flat line would pass")
    length = float(np.ptp(a.time))
    if asked.time >= length / 2:
        raise InputError(f"tolerance of {name}", found=f"{_when(a, asked.time)} in a run of {_when(a, length)}",
                         expected="less than half of the run")
    if asked.rms is not None:
        size = float(np.abs(a.signals[name]).max())
        if size <= asked.rms_floor or asked.rms >= 1:
            raise InputError(f"rms of {name}", found=f"{asked.rms:g}, floor {asked.rms_floor:g} at a signal of "
                             f"{engineering(size, unit)}", expected="less than 1, and a floor below the signal",
                             remedy="A signal of 0 would pass: give rms_floor=")


def _differs_in_time(a: tuple[Array, Array], b: tuple[Array, Array], pairs: Sequence[Pair],
                     joint: tuple[Array, Array, Array], allowed: float, allowed_time: float) -> NDArray[np.bool_]:
    """Points of the union (time, golden, run) that are too far apart in amplitude but near enough in time: on the edge
    of a matched event the golden passes the run's value, and the run the golden's, at most `allowed_time` away.

    Elsewhere, and for values that the other's edge does not reach, amplitude alone counts: a curve that has left its
    own edge has to stay where that ended.
    """
    time, one, two = joint
    fine, wrong = np.zeros(len(time), dtype=bool), np.flatnonzero(np.abs(two - one) > allowed)
    if not pairs or not len(wrong):
        return fine
    there = np.interp(time, *knots(b[0], pairs))
    slices = zip(edges(*a, [p for p, _ in pairs]), edges(*b, [q for _, q in pairs]), strict=True)
    for mine, other in slices:
        begin, end = a[0][mine][[0, -1]]
        first, last = np.searchsorted(time[wrong], (begin - allowed_time, end + allowed_time))
        near = wrong[first:last]
        up = 1.0 if a[1][mine][-1] > a[1][mine][0] else -1.0
        v, w = up * a[1][mine], up * b[1][other]
        low, high = max(v[0], w[0]), min(v[-1], w[-1])
        y, z = up * one[near], up * two[near]
        passed = np.interp(np.clip(y, low, high), w, b[0][other]), np.interp(np.clip(z, low, high), v, a[0][mine])
        on_one, stays_one = _on_edge(time[near], y, a[0][mine], v, allowed)
        on_two, stays_two = _on_edge(there[near], z, b[0][other], w, allowed)
        fine[near] |= ((np.minimum(y, z) >= low - allowed) & (np.maximum(y, z) <= high + allowed)
                       & (np.abs(passed[0] - time[near]) <= allowed_time)
                       & (np.abs(passed[1] - there[near]) <= allowed_time)
                       & (on_one | on_two) & stays_one & stays_two)
    return fine


def _on_edge(time: Array, values: Array, edge_time: Array, edge: Array,
             allowed: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether points are on a rising edge, by their time; and whether they are there or still at its nearer end."""
    before, after = time < edge_time[0], time > edge_time[-1]
    stays = np.where(before, np.abs(values - edge[0]) <= allowed, np.abs(values - edge[-1]) <= allowed)
    return ~(before | after), ~(before | after) | stays


def _event_findings(name: str, a: Waveforms, lost: Sequence[Event], more: Sequence[Event],
                    allowed: float) -> list[Finding]:
    found, left = [], list(more)
    for event in lost:
        twin = min((e for e in left if e.rising == event.rising), key=lambda e: abs(e.time - event.time), default=None)
        others = [abs(e.time - event.time) for e in lost if e is not event]
        if twin is not None and abs(twin.time - event.time) < 0.5 * min(others, default=math.inf):
            left.remove(twin)
            late = twin.time - event.time
            found.append(Finding("moved", name, f"the {event} at {_when(a, event.time)} comes "
                                 f"{_when(a, abs(late))} {'late' if late > 0 else 'early'}, allowed "
                                 f"{_when(a, allowed)}", event.time))
        else:
            found.append(Finding("event missing", name, f"no {event} at {_when(a, event.time)}, which the golden has",
                                 event.time))
    found += [Finding("event extra", name, f"a {e} at {_when(a, e.time)} that the golden does not have", e.time)
              for e in left]
    more_lines = len(found) - LISTED
    return found if more_lines <= 1 else [*found[:LISTED], Finding(
        found[LISTED].kind, name, f"and {more_lines} more events that are missing, extra or moved", found[LISTED].at)]


def _amplitude_words(a: Waveforms, unit: str, time: Array, one: Array, two: Array, k: int, allowed: float, span: float,
                     count: int) -> str:
    words = (f"{engineering(float(two[k]), unit, 5)} at {_when(a, float(time[k]))} where the golden has "
             f"{engineering(float(one[k]), unit, 5)}: off by {engineering(abs(float(two[k] - one[k])), unit, 3)}, "
             f"allowed {engineering(allowed, unit, 3)} ({count} of {len(time)} points)")

    def explains(likely: Array) -> bool:
        fits = np.abs(two - likely) <= allowed
        return bool(fits[k]) and float(np.average(fits, weights=np.gradient(time))) > MOST

    with np.errstate(all="ignore"):
        top = int(np.argmax(np.abs(one)))
        factor = float(np.divide(two[top], one[top]))
        offset = float(np.median(two - one))
        power = thousands(float(np.divide(np.ptp(two), span)))
        if power:
            words += f". It is 1e{power} times the golden: probably a wrong unit"
        elif explains(factor * one):
            words += f". It is {factor:.4g} times the golden"
        elif explains(one + offset):
            words += f". It is the golden {offset:+.3g} {unit}"
    return words


def _swapped(compared: Mapping[str, Compared]) -> list[Finding]:
    """Pairs of signals of one unit, both wrong, each of which is the other's golden."""
    wrong = [c for c in compared.values() if not c.passed]
    found = []
    for i, x in enumerate(wrong):
        for y in wrong[i + 1:]:
            if x.unit != y.unit:
                continue
            crossed = [_on_union(p.time, p.golden, q.time, q.test) for p, q in ((x, y), (y, x))]
            if all(float(np.abs(b - a).max()) <= max(p.allowed, q.allowed)
                   for (_, a, b), p, q in zip(crossed, (x, y), (y, x), strict=True)):
                found.append(Finding("swapped", x.name, f"is what the golden calls {y.name}, and the other way round: "
                                     "probably swapped"))
    return found


def _invariant(i: Invariant, a: Waveforms, b: Waveforms) -> tuple[tuple[str, float, float, float, str], list[Finding]]:
    wanted = i.of(a) if i.value is None else i.value
    found, unit = i.of(b), i.unit(a.units)
    allowed = i.absolute + i.relative * abs(wanted)
    if not allowed:
        raise InputError(f"invariant {i}", found="0 in the golden", expected="an absolute tolerance",
                         remedy="Nothing is relative to 0")
    row = (str(i), wanted, found, allowed, unit)
    if abs(found - wanted) <= allowed:
        return row, []
    return row, [Finding("invariant", str(i), f"{engineering(found, unit, 6)}, the golden has "
                         f"{engineering(wanted, unit, 6)}, allowed {engineering(allowed, unit, 3)}")]
