"""Golden waveforms as text: one file each, small, versioned, readable in a diff.

    # spicemem golden 1
    # run: {"thing": "neuristor", "engine": "reference", ...}   what to run again; null: a test made it
    # about: {"engine": "reference", "version": "...", "points": 12000, ...}
    # signal v(axon) [V]: {"relative": 0.01, "time": 5e-08, "thinned": 0.0012}
    # invariant charge(i(v_inp)) [C]: {"relative": 0.01, "value": 1.2e-09}
    time [s],v(axon) [V]
    0,0
    ...

Values after a colon are JSON. The tolerances are what `spicemem regress` asks and are meant to be edited.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from spicemem.errors import InputError
from spicemem.files import write_text
from spicemem.regress.compare import Comparison, Invariant, Tolerance, compare
from spicemem.regress.thin import thin, thinning_error
from spicemem.regress.waveforms import Array, Waveforms

VERSION = 1
SUFFIX = ".golden.csv"
#: What thinning may cost, in parts of the largest difference that is allowed.
THINNING = 0.1
#: Digits of the axis and of values; where the error they make is too large, all that there are.
DIGITS = ((12, 6), (15, 9), (17, 17))

_MARK = "# spicemem golden "
_HEAD = re.compile(r"(.+) \[([^\[\]]*)\]")
_LINE = re.compile(r"# (run|about|signal|invariant)(?: (\S.*?))?: (.*)")
_NAMED = re.compile(r"(.+?) \[([^\[\]]*)\]")


@dataclass(frozen=True, eq=False)
class Golden:
    """What a run is compared with. run: what to run again (`runs.Run` as a mapping) or None; about: what made it."""

    waves: Waveforms
    tolerances: Mapping[str, Tolerance]
    invariants: Sequence[Invariant] = ()
    run: Mapping[str, Any] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    thinned: Mapping[str, float] = field(default_factory=dict)

    def compare(self, test: Waveforms) -> Comparison:
        """A run against it, by its own tolerances."""
        return compare(self.waves, test, self.tolerances, invariants=self.invariants)


def make(waves: Waveforms, tolerances: Mapping[str, Tolerance], invariants: Sequence[Invariant] = (), *,
         run: Mapping[str, Any] | None = None) -> Golden:
    """A golden of a run: thinned by a tenth of each tolerance, numbers of invariants from the whole run.

    Raises InputError for what could not be compared with: anything not finite, time that does not rise, a signal
    without a span and no absolute tolerance.
    """
    if not tolerances:
        raise InputError("golden", found="no signals", expected="at least one")
    for i in invariants:
        if not set(i.signals) <= set(tolerances):
            raise InputError(f"golden: invariant {i}", found="a signal without a tolerance", expected="one for each",
                             remedy=f"The golden has {', '.join(tolerances)}")
    full = waves.only(tolerances)
    check = compare(full, full, tolerances, invariants=invariants)  # refuses what makes no sense
    exact = tuple(replace(i, value=i.of(full)) for i in invariants)
    names = list(tolerances)
    allowed = [THINNING * check.signals[name].allowed for name in names]
    # Half for the points that go, the rest for the digits.
    kept = thin(full.time, [full.signals[n] for n in names], [0.5 * e for e in allowed])
    for digits in DIGITS:
        time = _rounded(full.time[kept], digits[0])
        values = {n: _rounded(full.signals[n][kept], digits[1]) for n in names}
        errors = {n: thinning_error(full.time, full.signals[n], time, values[n]) for n in names}
        if (np.diff(time) > 0).all() and all(errors[n] <= e for n, e in zip(names, allowed, strict=True)):
            break
    about = {**full.about, "points": f"{len(kept)} of {len(full.time)}"}
    return Golden(Waveforms(time, values, {n: full.units[n] for n in names}, "the golden", full.axis, full.axis_unit),
                  dict(tolerances), exact, run, about, errors)


def _rounded(values: Array, digits: int) -> Array:
    return np.array([float(f"{v:.{digits}g}") for v in values])


def text_of(golden: Golden) -> str:
    """The golden as text."""
    w = golden.waves
    for name in [*w.signals, w.axis]:
        if not name or name != name.strip() or not name.isprintable() or name.startswith("#") or ": " in name:
            raise InputError(f"golden: signal {name!r}", found="a name that its text cannot keep",
                             expected="printable characters, no blank at the ends, no `#` first and no `: `")
    lines = [f"{_MARK}{VERSION}", f"# run: {_json(golden.run)}", f"# about: {_json(golden.about)}"]
    for name, tolerance in golden.tolerances.items():
        given = {k: v for k, v in asdict(tolerance).items() if v != getattr(Tolerance, k)}
        lines.append(f"# signal {name} [{w.units[name]}]: "
                     f"{_json({**given, 'thinned': float(f'{golden.thinned.get(name, 0.0):.3g}')})}")
    for i in golden.invariants:
        kept = {"kind": i.kind, "signals": list(i.signals), "relative": i.relative, "absolute": i.absolute,
                "value": i.value}
        lines.append(f"# invariant {i} [{i.unit(w.units)}]: {_json({k: v for k, v in kept.items() if v != 0})}")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([f"{w.axis} [{w.axis_unit}]", *(f"{n} [{w.units[n]}]" for n in w.signals)])
    writer.writerows(zip(*([f"{v + 0.0!r}".removesuffix(".0") for v in column.tolist()]
                           for column in (w.time, *w.signals.values())), strict=True))
    return "\n".join(lines) + "\n" + table.getvalue()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write(golden: Golden, path: Path) -> None:
    """Write a golden at once. Raises InputError where it cannot be written."""
    write_text(path, text_of(golden))


def is_golden(path: Path) -> bool:
    """Whether a file says that it is one."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK.encode()
    except OSError as error:
        raise InputError(f"file {path}", found=error.strerror or str(error), expected="one that can be read") from None


def read(path: Path) -> Golden:
    """Read a golden. Raises InputError for a file that is none, of another version, or damaged."""
    if not is_golden(path):
        raise InputError(f"golden {path}", found="another kind of file", expected=f"a first line `{_MARK}{VERSION}`")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"golden {path}", found=str(error), expected="text that can be read") from None
    version = lines[0].removeprefix(_MARK).strip()
    if version != str(VERSION):
        raise InputError(f"golden {path}", found=f"version {version!r} of the format", expected=f"version {VERSION}",
                         remedy="Another version of spicemem wrote it: install that one, or make the golden anew")
    run: Mapping[str, Any] | None = None
    about: Mapping[str, Any] = {}
    tolerances: dict[str, Tolerance] = {}
    units: dict[str, str] = {}
    thinned: dict[str, float] = {}
    invariants: list[Invariant] = []
    body = 1
    for body, line in enumerate(lines[1:], 1):
        if not line.startswith("#"):
            break
        match = _LINE.fullmatch(line)
        if not match:
            raise _bad(path, body, line)
        kind, name, text = match[1], match[2], match[3]
        try:
            value = json.loads(text)
            if kind == "run":
                run = value
            elif kind == "about":
                about = value
            elif kind == "signal":
                found = _NAMED.fullmatch(name)
                if not found or found[1] in tolerances:
                    raise ValueError("a name with its unit in brackets, each once, was expected")
                units[found[1]] = found[2]
                thinned[found[1]] = float(value.pop("thinned", 0.0))
                tolerances[found[1]] = Tolerance(**_known(value, Tolerance))
            else:
                invariants.append(Invariant(**_known(value, Invariant)))
        except InputError as error:
            raise InputError(f"golden {path}, line {body + 1}", found=str(error), expected="a proper line") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad(path, body, f"{line[:60]} ({error})") from None
    if not isinstance(run, dict | None) or not isinstance(about, dict):
        raise _bad(path, 1, "run or about that is no mapping")
    waves = _table(path, lines[body:], body)
    missing = set(tolerances) ^ set(waves.signals)
    if missing or {n: waves.units[n] for n in units} != units:
        raise InputError(f"golden {path}", found=f"signals {', '.join(waves.signals)} in the table",
                         expected=f"those of its lines `# signal`: {', '.join(tolerances)}, in the same units")
    return Golden(waves, tolerances, invariants, run, about, thinned)


def _known(value: Mapping[str, Any], kind: type) -> Mapping[str, Any]:
    unknown = set(value) - {f.name for f in fields(kind)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is not known")
    return value


def _bad(path: Path, number: int, found: str) -> InputError:
    return InputError(f"golden {path}, line {number + 1}", found=found, expected="as spicemem writes them",
                      remedy="It may be cut short, or merged by hand: make it anew with --update")


def _table(path: Path, lines: Sequence[str], offset: int) -> Waveforms:
    rows = list(csv.reader(lines))
    heads = [_HEAD.fullmatch(cell) for cell in rows[0]] if rows else []
    if len(heads) < 2 or not all(heads) or len(rows) < 3:
        raise _bad(path, offset, "no table of numbers")
    values = []
    for k, row in enumerate(rows[1:], 1):
        try:
            values.append([float(cell) for cell in row])
        except ValueError:
            raise _bad(path, offset + k, ",".join(row)[:60]) from None
        if len(row) != len(heads):
            raise _bad(path, offset + k, f"{len(row)} numbers")
    columns = np.array(values).T
    names = [h[1] for h in heads if h]
    units = {h[1]: h[2] for h in heads if h}
    return Waveforms(columns[0], dict(zip(names[1:], columns[1:], strict=True)), units, f"the golden {path.name}",
                     names[0], units[names[0]])


def review(old: Golden | None, new: Golden) -> list[str]:
    """What an update changes, for people: a line for each signal with the largest difference, in parts of its span."""
    if old is None:
        return [f"new: {len(new.waves.time)} points, {', '.join(new.tolerances)}"]
    lines = []
    for name, tolerance in new.tolerances.items():
        if name not in old.tolerances:
            lines.append(f"{name}: new")
            continue
        a, b = old.waves, new.waves
        span = float(np.ptp(a.signals[name])) or float(np.abs(a.signals[name]).max()) or 1.0
        union = np.union1d(a.time, b.time)
        off = np.abs(np.interp(union, b.time, b.signals[name]) - np.interp(union, a.time, a.signals[name]))
        k = int(np.argmax(off))
        words = f"{name}: changed by {off[k] / span:.2%} of its span at {union[k]:.6g} {a.axis_unit}"
        ends = float(a.signals[name][-1]), float(b.signals[name][-1])
        words += f", end {ends[0]:.6g} -> {ends[1]:.6g} {a.units[name]}".rstrip()
        if tolerance != old.tolerances[name]:
            words += ", another tolerance"
        lines.append(words)
    lines += [f"{name}: gone" for name in old.tolerances if name not in new.tolerances]
    if (float(old.waves.time[0]), float(old.waves.time[-1])) != (float(new.waves.time[0]), float(new.waves.time[-1])):
        lines.append(f"{old.waves.axis}: ends at {new.waves.time[-1]:.6g}, was {old.waves.time[-1]:.6g} "
                     f"{old.waves.axis_unit}")
    for i in new.invariants:
        was = next((j.value for j in old.invariants if str(j) == str(i)), None)
        lines.append(f"{i}: {i.value:.6g}" + (" (new)" if was is None else f", was {was:.6g}"))
    return lines
