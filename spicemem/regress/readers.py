"""Waveforms from files: goldens, SPICE raw files (spicelib), tables of any simulator (CSV, .prn, .lis, exports)."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from spicemem.errors import InputError, ModelError
from spicemem.regress import golden
from spicemem.regress.waveforms import Array, Waveforms
from spicemem.units import describe, dimension

#: Suffixes of raw files.
RAW = (".raw", ".qraw")
#: SPICE's suffixes of numbers, HSPICE's x among them.
_SCALE = {"t": 1e12, "g": 1e9, "meg": 1e6, "x": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12,
          "f": 1e-15, "a": 1e-18}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?)(meg|[tgxkmunpfa]?)", re.IGNORECASE)
_NOT_A_NUMBER = re.compile(r"[+-]?(nan|inf|infinity|1\.#\w+)", re.IGNORECASE)
#: A column's name with its unit: `v(out) [mV]`, `/out (V)`, `time:s`; a bracket right after the name belongs to it.
_WITH_UNIT = re.compile(r"(.+?)\s*\[([^\[\]]+)\]|(.+?)\s+\(([^()]+)\)")
#: SI prefixes of units that coherent SI does not have.
_PREFIX = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_SPELLED = {"sec": "s", "second": "s", "seconds": "s", "volt": "V", "volts": "V", "amp": "A", "amps": "A", "Ω": "Ohm",
            "ohm": "Ohm", "ohms": "Ohm", "voltage": "V", "current": "A", "a": "A", "v": "V"}
_TIME = re.compile(r"(transient[ _])?time|t|x", re.IGNORECASE)


def read_waveforms(path: Path, names: Mapping[str, str] | None = None) -> Waveforms:
    """The waveforms of a file, in SI.

    names: signals that are to be called otherwise (as the file has it: as we call it); capitals do not matter. A golden
    is told by its first line, a raw file by its suffix; anything else is a table: one row of names, with units in
    brackets or by the name's first letter (v, i), then numbers, SPICE suffixes allowed, separated by commas,
    semicolons, tabs or blanks. Pairs of columns `NAME X`, `NAME Y`, as waveform viewers export them, are brought onto
    one axis where all have it. Raises InputError for what cannot be read.
    """
    if not path.is_file():
        raise InputError(f"file {path}", found="no such file", expected="waveforms")
    if golden.is_golden(path):
        waves = golden.read(path).waves
    elif path.suffix.lower() in RAW:
        waves = _read_raw(path)
    else:
        waves = _read_table(path)
    return waves.renamed(names or {})


def to_si(unit: str, where: str) -> tuple[float, str]:
    """(factor, SI unit) of a unit as people write it: "mV" is (1e-3, "V"). Raises InputError for an unknown one."""
    text = _SPELLED.get(unit.strip().lower(), unit.strip())
    for head, factor in (("", 1.0), *_PREFIX.items()):
        if text.startswith(head) and " " not in text:
            rest = _SPELLED.get(text[len(head):].lower(), text[len(head):])
            try:
                words = describe(dimension(rest)) if rest else ""
            except ModelError:
                continue
            if words:
                return factor, "1" if words == "a pure number" else words
    raise InputError(where, found=f"the unit {unit!r}", expected="one such as V, mV, uA, ns, Ohm, S")


def _unit_by_name(name: str) -> str:
    """The unit that a name of a simulator's output stands for, "" where it does not say."""
    head = name.lower().lstrip("/\"' ")
    if re.match(r"(v|vt|vdc|vtran)\(", head) or head in ("voltage", "v"):
        return "V"
    if re.match(r"(i|ix|id|ig|is|ib|it|idc|itran)\d*\(", head) or "#branch" in head or head in ("current", "i"):
        return "A"
    return ""


def _read_raw(path: Path) -> Waveforms:
    from spicelib.raw.raw_read import RawRead

    def bad(found: str) -> InputError:
        return InputError(f"raw file {path}", found=found, expected="a transient of ngspice, LTspice or Xyce")

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw = RawRead(path, traces_to_read="*", verbose=False)
        plots = [p for p in raw.plots if p.has_axis]
        if len(plots) != 1:
            raise bad(f"{len(plots)} analyses with an axis")
        plot = plots[0]
        steps = plot.get_steps()
        if len(steps) > 1:
            raise bad(f"{len(steps)} steps of a .STEP run")
        axis = plot.get_trace(0)
        names = [n for n in plot.get_trace_names() if n != axis.name]
        traces = {n: plot.get_trace(n) for n in names}
        columns = {n: np.asarray(trace.get_wave(0)) for n, trace in traces.items()}
        time = np.asarray(plot.get_axis(0))
    except InputError:
        raise
    except Exception as error:  # spicelib has no common error: SpiceReadException, ValueError, IndexError, RuntimeError
        raise bad(f"{type(error).__name__}: {error}") from None
    if np.iscomplexobj(time) or any(np.iscomplexobj(c) for c in columns.values()):
        raise bad("complex numbers: a frequency analysis")
    if str(axis.name).lower() != "time":
        raise bad(f"a sweep of {axis.name}")
    kinds = {"voltage": "V", "current": "A", "device_current": "A", "subckt_current": "A", "time": "s"}
    units = {n: _unit_by_name(n) or kinds.get(str(traces[n].whattype).lower(), "") for n in names}
    return _joined(path, time.astype(float), {n: c.astype(float) for n, c in columns.items()}, units)


def _joined(path: Path, time: Array, columns: Mapping[str, Array], units: Mapping[str, str]) -> Waveforms:
    """Waveforms of columns, without rows that are repeated whole: some simulators write a break point twice."""
    if not len(time) or not columns:
        raise InputError(f"file {path}", found=f"{len(time)} points of {len(columns)} signals",
                         expected="at least one signal")
    table = np.array([time, *columns.values()])
    again = np.r_[False, (table[:, 1:] == table[:, :-1]).all(axis=0)]
    return Waveforms(time[~again], {n: c[~again] for n, c in columns.items()}, units, path.name)


def _read_table(path: Path) -> Waveforms:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise InputError(f"file {path}", found=error.strerror or str(error), expected="one that can be read") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "*", ";"))]
    split = _Split(lines)
    first = next((k for k, line in enumerate(lines) if _is_row(split(line))), None)
    if first is None or first == 0:
        raise InputError(f"file {path}", found="no row of names above numbers" if first == 0 else "no numbers",
                         expected="a table: names, then numbers")
    heads, rows = split(lines[first - 1]), []
    kinds = split(lines[first - 2]) if first > 1 else []
    if len(kinds) == len(heads) + 1 and kinds[0].lower() == "time":
        # HSPICE's listing: a row of kinds above the names, which have none for the time.
        letters = [{"voltage": "v", "current": "i"}.get(kind.lower(), kind) for kind in kinds[1:]]
        heads = ["time", *(f"{letter}({name})" for letter, name in zip(letters, heads, strict=True))]
    for k, line in enumerate(lines[first:], first):
        cells = split(line)
        if (len(cells) == 1 and not _is_row(cells)) or line.lower().startswith("end of"):
            break  # "End of Xyce(TM) Simulation", the `y` of a listing
        if len(cells) > len(heads):
            raise InputError(f"file {path}, row {k + 1}", found=f"{len(cells)} cells",
                             expected=f"{len(heads)}, as there are names")
        rows.append([_value(cell, f"{path}, row {k + 1}") for cell in cells])
    table = np.array(list(zip_longest(*rows, fillvalue=np.nan)), dtype=np.float64)
    if len(table) < len(heads):
        raise InputError(f"file {path}", found=f"{len(table)} columns", expected=f"{len(heads)}, as there are names")
    return _columns(path, heads, table)


class _Split:
    """Cells of a line: by the separator that the middle line has; decimal commas beside semicolons."""

    def __init__(self, lines: Sequence[str]):
        sample = lines[len(lines) // 2] if lines else ""
        self.mark = next((mark for mark in (";", "\t", ",") if mark in sample), None)
        self.comma = self.mark == ";"

    def __call__(self, line: str) -> list[str]:
        if self.mark is None:
            return line.split()
        cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line.strip()), delimiter=self.mark))]
        while cells and not cells[-1]:  # a separator at the end of the line
            cells.pop()
        return [cell.replace(",", ".") if self.comma and _NUMBER.fullmatch(cell.replace(",", ".")) else cell
                for cell in cells]


def _is_row(cells: Sequence[str]) -> bool:
    return bool(cells) and all(_NUMBER.fullmatch(c) or _NOT_A_NUMBER.fullmatch(c) or not c for c in cells)


def _value(cell: str, where: str) -> float:
    if not cell or _NOT_A_NUMBER.fullmatch(cell):
        return np.nan
    match = _NUMBER.fullmatch(cell)
    if not match:
        raise InputError(f"file {where}", found=repr(cell), expected="a number")
    return float(match[1].lower().replace("d", "e")) * _SCALE[match[2].lower()]


def _head(head: str, where: str) -> tuple[str, float, str]:
    """(name, factor to SI, unit or "") of a column's head."""
    match = _WITH_UNIT.fullmatch(head)
    name, unit = (match[1] or match[3], match[2] or match[4]) if match else (head, "")
    if unit:
        return (name.strip(), *to_si(unit, f"{where}: {name}"))
    return head, 1.0, _unit_by_name(head)


def _columns(path: Path, heads: Sequence[str], table: Array) -> Waveforms:
    """Waveforms of a table's columns (rows of `table`)."""
    named = [_head(head, f"file {path}") for head in heads]
    values = [factor * row for (_, factor, _), row in zip(named, table, strict=True)]
    names = [name for name, _, _ in named]
    if names[0].lower() in ("index", "#") and len(names) > 2:
        names, values, named = names[1:], values[1:], named[1:]
    twice = {n for n in names if names.count(n) > 1}
    if len(names) % 2 == 0 and all(n.endswith((" X", " Y")) for n in names):
        return _pairs(path, names, values, named)
    if twice:
        raise InputError(f"file {path}: names", found=f"{min(twice)!r} twice", expected="each once")
    unit = named[0][2]
    if not _TIME.fullmatch(names[0]) and unit != "s":
        raise InputError(f"file {path}: first column", found=repr(heads[0]), expected="time",
                         remedy="Call it `time [s]`, or with another unit of time")
    units = {name: unit for name, (_, _, unit) in zip(names[1:], named[1:], strict=True)}
    return _joined(path, values[0], dict(zip(names[1:], values[1:], strict=True)), units)


def _pairs(path: Path, names: Sequence[str], values: Sequence[Array],
           named: Sequence[tuple[str, float, str]]) -> Waveforms:
    """Columns in pairs of time and value, each with its own times: on all times that all of them cover."""
    axes, columns, units = [], {}, {}
    for k in range(0, len(names), 2):
        name = names[k].removesuffix(" X")
        if names[k + 1] != f"{name} Y":
            raise InputError(f"file {path}: columns", found=f"{names[k]!r}, {names[k + 1]!r}",
                             expected="pairs NAME X, NAME Y")
        there = np.isfinite(values[k]) | np.isfinite(values[k + 1])  # shorter columns end in empty cells
        axes.append(values[k][there])
        columns[name] = values[k + 1][there]
        units[name] = named[k + 1][2] or _unit_by_name(name)
    if any(not np.isfinite(axis).all() or (np.diff(axis) < 0).any() or not len(axis) for axis in axes):
        raise InputError(f"file {path}: times", found="some that do not rise", expected="rising times in each pair")
    start, stop = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
    time = np.unique(np.concatenate([axis[(axis >= start) & (axis <= stop)] for axis in axes]))
    return _joined(path, time, {name: np.interp(time, axis, y) for axis, (name, y) in
                                zip(axes, columns.items(), strict=True)}, units)
