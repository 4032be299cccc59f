"""Learning curves: x, y, units, provenance; CSV, plots, comparison and fits. Everything inside is SI."""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spicemem.errors import CurveError
from spicemem.files import write_bytes
from spicemem.fits import Fit, Kind, fit
from spicemem.units import engineering, prefix

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_SLUG = re.compile(r"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*")
# Names and units stand in the header row: nothing that CSV, the brackets or the comment sign give a meaning to.
_EDGE = r"\x00-\x1f\x7f\[\],\"'#"
_WORD = re.compile(rf"[^\s{_EDGE}](?:[^\x85\u2028\u2029{_EDGE}]*[^\s{_EDGE}])?")
_HEAD = re.compile(r"(.+) \[(.+)\]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan")
_RESERVED = ("name", "labels", "published")


# --- the data ---------------------------------------------------------------------------------------------------------


def _array(what: str, values: object) -> Array:
    """A read-only copy as 1-D float64; refuses anything else, and infinities."""
    raw = np.asarray(values)
    if raw.ndim != 1 or raw.dtype.kind not in "fiub":
        raise CurveError(what, found=f"{raw.ndim}-D array of {raw.dtype}", expected="a 1-D array of real numbers")
    array = np.array(raw, dtype=np.float64)
    if np.isinf(array).any():
        raise CurveError(what, found=f"infinity in row {int(np.isinf(array).argmax())}",
                         expected="finite numbers, or nan in y for a point that failed")
    array.flags.writeable = False
    return array


def _word(what: str, text: object) -> None:
    if not isinstance(text, str) or not _WORD.fullmatch(text) or not _encodable(text):
        raise CurveError(what, found=repr(text),
                         expected="one line of text without brackets, commas, quotes, # or blanks at its ends",
                         remedy="Write units as SI symbols (s, S, V, %), 1 for a pure number")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class Column:
    """A further column of a curve: `values` (n numbers in SI, nan allowed), `unit`, and a `label` for people."""

    values: Array
    unit: str
    label: str = ""

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Column) and (self.unit, self.label) == (other.unit, other.label)
                and np.array_equal(self.values, other.values, equal_nan=True))


@dataclass(frozen=True)
class Published:
    """Published values drawn over a curve: points (`x`, `y`), or a band `low`..`high` along `axis`.

    label: what it is ("width of the window"); source: where it stands ("Huang 2025, Fig. 4a"). Numbers in the SI
    units of the curve's axes. A band with one side only (`low` or `high` None) is a bound; low == high is one value.
    Raises CurveError when it is neither points nor band, or both, or not finite.
    """

    label: str
    source: str
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    axis: Literal["x", "y"] = "y"

    def __post_init__(self) -> None:
        what = f"published value {self.label!r}"
        for key in ("x", "y"):
            object.__setattr__(self, key, tuple(float(v) for v in getattr(self, key)))
        for key in ("low", "high"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, float(getattr(self, key)))
        bounds = [v for v in (self.low, self.high) if v is not None]
        if len(self.x) != len(self.y):
            raise CurveError(what, found=f"{len(self.x)} x and {len(self.y)} y", expected="as many x as y")
        if bool(self.x) == bool(bounds):
            raise CurveError(what, found="both points and a band" if bounds else "no numbers",
                             expected="either points (x, y) or a band (low, high)")
        if not np.isfinite([*self.x, *self.y, *bounds]).all():
            raise CurveError(what, found=f"{[*self.x, *self.y, *bounds]}", expected="finite numbers")
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            raise CurveError(what, found=f"low {bounds[0]!r} above high {bounds[1]!r}", expected="low <= high")
        if self.axis not in ("x", "y"):
            raise CurveError(what, found=f"axis {self.axis!r}", expected="x or y")


class Lobes(NamedTuple):
    """The two lobes of a curve. Peaks are magnitudes in the unit of y (0 where the lobe does not exist), `at` is the
    x of the peak (nan where the lobe does not exist)."""

    positive_peak: float
    positive_at: float
    negative_peak: float
    negative_at: float


@dataclass(frozen=True, eq=False)
class Curve:
    """A learning curve, or any y over x that a protocol measures.

    x, y: n numbers each, in SI; x is finite, y may hold nan for a point that failed. x_unit, y_unit: SI units such as
    "s", "S", "%", "1" for a pure number. name: a slug, the stem of its files. columns: further columns of n numbers
    by name (a Column, or a tuple of its values, unit and label). provenance: what made it (engine, version, device,
    preset, protocol parameters), in order. published: values to draw over it.
    The arrays are read-only copies. Raises CurveError where shapes, numbers, names or units are not as said.
    """

    x: Array
    y: Array
    x_label: str
    x_unit: str
    y_label: str
    y_unit: str
    name: str = "curve"
    columns: Mapping[str, Column] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _SLUG.fullmatch(self.name):
            raise CurveError("name of a curve", found=repr(self.name),
                             expected="letters and digits, with - _ or . between them, such as stdp-antisymmetric")
        what = f"curve {self.name}"
        x, y = _array(f"{what}: x", self.x), _array(f"{what}: y", self.y)
        if np.isnan(x).any():
            raise CurveError(f"{what}: x", found=f"nan in row {int(np.isnan(x).argmax())}", expected="finite numbers")
        if not len(x):
            raise CurveError(what, found="no points", expected="at least one")
        if len(y) != len(x):
            raise CurveError(f"{what}: y", found=f"{len(y)} values", expected=f"{len(x)}, one for each x")
        columns: dict[str, Column] = {}
        for key, column in self.columns.items():
            column = column if isinstance(column, Column) else Column(*column)
            values = _array(f"{what}: column {key}", column.values)
            if len(values) != len(x):
                raise CurveError(f"{what}: column {key}", found=f"{len(values)} values",
                                 expected=f"{len(x)}, one for each x")
            if column.label:
                _word(f"{what}: label of column {key}", column.label)
            columns[key] = replace(column, values=values)
        names = [self.x_label, self.y_label, *columns]
        for text in (*names, self.x_unit, self.y_unit, *(column.unit for column in columns.values())):
            _word(f"{what}: name or unit", text)
        if len(set(names)) < len(names):
            raise CurveError(f"{what}: columns", found=", ".join(names), expected="different names")
        provenance = {key: str(value) for key, value in self.provenance.items()}
        for key, text in provenance.items():
            _word(f"{what}: provenance key", key)
            if key in _RESERVED or ":" in key:
                raise CurveError(f"{what}: provenance key", found=repr(key),
                                 expected=f"a key without colon, none of {', '.join(_RESERVED)}")
            if not _encodable(text):
                raise CurveError(f"{what}: provenance {key}", found=ascii(text), expected="text that UTF-8 can hold")
        for key, value in (("x", x), ("y", y), ("columns", columns), ("provenance", provenance),
                           ("published", tuple(self.published))):
            object.__setattr__(self, key, value)

    def __eq__(self, other: object) -> bool:
        """All fields equal, numbers exactly; nan equals nan."""
        if not isinstance(other, Curve):
            return NotImplemented
        plain = ("x_label", "x_unit", "y_label", "y_unit", "name", "columns", "published")
        return (np.array_equal(self.x, other.x) and np.array_equal(self.y, other.y, equal_nan=True)
                and all(getattr(self, key) == getattr(other, key) for key in plain)
                and list(self.columns) == list(other.columns)
                and list(self.provenance.items()) == list(other.provenance.items()))

    def __len__(self) -> int:
        return len(self.x)

    def valid(self) -> Curve:
        """The curve without the rows in which y is nan. Raises CurveError when none is left."""
        keep = ~np.isnan(self.y)
        return replace(self, x=self.x[keep], y=self.y[keep],
                       columns={key: replace(c, values=c.values[keep]) for key, c in self.columns.items()})

    def to_dataframe(self) -> pd.DataFrame:
        """A pandas DataFrame with the columns of the CSV file ("delay [s]"); provenance in its `attrs`."""
        import pandas as pd

        frame = pd.DataFrame(dict(self._table()))
        frame.attrs = {"name": self.name}
        frame.attrs.update(self.provenance)
        return frame

    def _table(self) -> list[tuple[str, Array]]:
        return [(f"{self.x_label} [{self.x_unit}]", self.x), (f"{self.y_label} [{self.y_unit}]", self.y),
                *((f"{key} [{column.unit}]", column.values) for key, column in self.columns.items())]

    # --- files --------------------------------------------------------------------------------------------------------

    def to_csv(self, path: str | Path) -> None:
        """Write the curve: `#` lines with name, provenance and published values, a header row, a row for each x.

        Numbers are written so that they read back exactly. The file appears under its name only when it is complete.
        Raises CurveError when its folder does not exist.
        """
        table = self._table()
        lines = [f"# name: {self.name}", *(f"# {key}: {_escape(text)}" for key, text in self.provenance.items())]
        labels = {key: column.label for key, column in self.columns.items() if column.label}
        if labels:
            lines.append(f"# labels: {json.dumps(labels)}")
        lines += [f"# published: {json.dumps(asdict(item))}" for item in self.published]
        lines.append(",".join(head for head, _ in table))
        lines += [",".join(map(repr, row)) for row in zip(*(values.tolist() for _, values in table), strict=True)]
        write_bytes(Path(path), ("\n".join(lines) + "\n").encode())

    @classmethod
    def from_csv(cls, path: str | Path) -> Curve:
        """Read a file of `to_csv`, or any CSV with a header such as `delay [s],dG [S]` and numbers below it.

        `#` lines of the form `key: value` become provenance, other `#` lines are comments; without a name line the
        name is the stem of the file. Raises CurveError with file, line, what was found and what was expected.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise CurveError(f"curve file {path}", found="no such file", expected="a CSV file of a curve") from None
        except (OSError, UnicodeDecodeError) as error:
            raise CurveError(f"curve file {path}", found=str(error), expected="a readable UTF-8 text file") from None
        meta: dict[str, str] = {}
        published: list[Published] = []
        heads: list[tuple[str, str]] = []
        rows: list[list[float]] = []
        for number, line in enumerate(text.split("\n"), 1):
            where, line = f"{path.name}, line {number}", line.removesuffix("\r")
            if line.startswith("#"):
                key, colon, value = line[1:].removeprefix(" ").partition(":")
                if not colon or not _WORD.fullmatch(key):
                    continue
                if key in ("published", "labels"):
                    value = _unjson(where, key, value, published)
                elif key in meta:
                    raise CurveError(where, found=f"{key!r} a second time", expected="each key once")
                meta[key] = value.removeprefix(" ")
            elif not line.strip():
                continue
            elif not heads:
                heads = [_head(where, cell) for cell in next(csv.reader([line]))]
                if len(heads) < 2:
                    raise CurveError(where, found=repr(line), expected="at least two columns, x and y")
            else:
                rows.append(_numbers(where, line, heads))
        if not rows:
            raise CurveError(path.name, found="a header row without data" if heads else "no header row",
                             expected="a header such as 'delay [s],dG [S]' and a row for each point")
        meta.pop("published", None)
        labels: dict[str, str] = json.loads(meta.pop("labels", "{}"))
        name = meta.pop("name", path.stem if _SLUG.fullmatch(path.stem) else "curve")
        x, y, *rest = (np.array(column) for column in zip(*rows, strict=True))
        (x_label, x_unit), (y_label, y_unit), *others = heads
        if len({key for key, _ in heads}) < len(heads):
            raise CurveError(f"header of {path.name}", found=", ".join(key for key, _ in heads),
                             expected="different names")
        columns = {key: Column(values, unit, labels.get(key, ""))
                   for (key, unit), values in zip(others, rest, strict=True)}
        try:
            return cls(x, y, x_label, x_unit, y_label, y_unit, name, columns,
                       {key: _unescape(value) for key, value in meta.items()}, tuple(published))
        except CurveError as error:
            raise CurveError(f"{path.name}: {error}") from None

    # --- pictures -----------------------------------------------------------------------------------------------------

    def plot(self, ax: Axes | None = None, *, title: str | None = None, label: str | None = None,
             fit: Fit | None = None, xscale: str = "linear", yscale: str = "linear", **line: Any) -> Figure:
        """Draw the curve with its published values; return the matplotlib Figure.

        ax: the axes to draw in; without it a new figure, independent of pyplot, is made. Curves drawn in the same
        axes share its units and SI prefixes. label: legend entry. fit: drawn as a line through the points.
        xscale, yscale: "linear" or "log". Other keywords go to `Axes.plot`. Raises CurveError when `ax` shows
        another quantity.
        """
        axes = _figure(5.0, 3.6).add_subplot() if ax is None else ax
        legend = _draw(axes, [self], [label], fit=fit, scales=(xscale, yscale), **line)
        if title:
            axes.set_title(title, fontsize=11)
        figure = axes.get_figure(root=True)
        assert figure is not None
        if ax is None:
            figure.set_figheight(figure.get_figheight() + legend)
        return figure

    # --- numbers ------------------------------------------------------------------------------------------------------

    def _complete(self, purpose: str) -> None:
        bad = np.isnan(self.y)
        if bad.any():
            raise CurveError(f"curve {self.name}, {purpose}", found=f"{int(bad.sum())} of {len(self)} points are nan, "
                             f"the first at {self.x_label} = {engineering(self.x[bad.argmax()], self.x_unit)}",
                             expected="no failed point", remedy="Use curve.valid() to go on without them on purpose")

    def lobes(self) -> Lobes:
        """Peak of the positive and of the negative lobe and where they are. Raises CurveError when a point is nan."""
        self._complete("lobes")
        high, low = int(self.y.argmax()), int(self.y.argmin())
        up, down = float(self.y[high]), -float(self.y[low])
        return Lobes(up if up > 0 else 0.0, float(self.x[high]) if up > 0 else float("nan"),
                     down if down > 0 else 0.0, float(self.x[low]) if down > 0 else float("nan"))

    def peak(self) -> float:
        """max |y|, in the unit of y. Raises CurveError when a point is nan."""
        self._complete("peak")
        return float(np.abs(self.y).max())

    def relative_error(self, other: Curve, per_lobe: bool = True, smallest_lobe: float = 1e-6) -> Array:
        """(self - other) at each x, in units of the peak of the lobe of `other`, the reference (n pure numbers).

        A point belongs to the lobe of the sign of the reference there; where the reference is 0, the smaller lobe
        counts. A lobe below `smallest_lobe` of the peak is rounding, not a lobe: the other one counts. With
        per_lobe=False every point is measured by the peak of the whole reference. Raises CurveError when the two have
        different units or x (beyond 1e-12 of its span), when either has a nan, and when the reference is all zero.
        """
        what = f"comparison of {self.name} with {other.name}"
        mine, theirs = ((c.x_label, c.x_unit, c.y_label, c.y_unit) for c in (self, other))
        if mine != theirs:
            raise CurveError(what, found=f"{_axes(mine)} and {_axes(theirs)}", expected="the same quantities and units")
        if len(self) != len(other):
            raise CurveError(what, found=f"{len(self)} and {len(other)} points", expected="the same x")
        apart = np.abs(self.x - other.x)
        if apart.max() > 1e-12 * (np.ptp(other.x) or abs(other.x[0])):
            row = int(apart.argmax())
            raise CurveError(what, found=f"{self.x_label} {self.x[row]!r} and {other.x[row]!r} in row {row}",
                             expected="the same x", remedy="Run both on the same grid")
        self._complete(what)
        other._complete(what)
        peak = other.peak()
        if not peak:
            raise CurveError(what, found=f"reference {other.name} is zero everywhere",
                             expected="a reference with a peak to measure by")
        lobes = other.lobes()
        real = [p for p in (lobes.positive_peak, lobes.negative_peak) if p >= smallest_lobe * peak]
        positive, negative = (p if p in real else peak for p in (lobes.positive_peak, lobes.negative_peak))
        unit = np.where(other.y > 0, positive, np.where(other.y < 0, negative, min(real)))
        return np.asarray((self.y - other.y) / (unit if per_lobe else peak), dtype=np.float64)

    def crossing(self, level: float = 0.0, direction: Literal["any", "up", "down"] = "any") -> Array:
        """The x, in row order, at which y crosses `level` (in the unit of y), by linear interpolation between rows.

        A run of points exactly at the level counts once: at its first point, or its last where the curve starts with
        it; it counts at the ends of the curve, but not where the curve only touches the level and turns back.
        Raises CurveError when a point is nan.
        """
        self._complete("crossing")
        if direction not in ("any", "up", "down"):
            raise CurveError("direction of a crossing", found=repr(direction), expected="any, up or down")
        side = np.sign(self.y - level)
        off = np.flatnonzero(side)
        if not len(off):
            return np.empty(0)
        hits: list[tuple[float, float]] = []  # where, and the side it goes to
        if off[0] > 0:
            hits.append((self.x[off[0] - 1], side[off[0]]))
        for a, b in pairwise(off):
            if side[a] != side[b]:
                between = self.x[a] + (self.x[b] - self.x[a]) * ((level - self.y[a]) / (self.y[b] - self.y[a]))
                hits.append((between if b == a + 1 else self.x[a + 1], side[b]))
        if off[-1] < len(self) - 1:
            hits.append((self.x[off[-1] + 1], -side[off[-1]]))
        wanted = {"any": (-1.0, 1.0), "up": (1.0,), "down": (-1.0,)}[direction]
        return np.array([x for x, to in hits if to in wanted], dtype=np.float64)

    def width_at(self, fraction: float, open_ends: bool = False) -> float:
        """Distance, in the unit of x, between the outermost x at which |y| reaches `fraction` (0..1) of the peak.

        Linear interpolation between rows. A curve that is still above that level at an end of its grid has no width
        there: CurveError, unless open_ends=True lets the end count (a one-sided curve). Raises CurveError also when a
        point is nan or the curve is zero everywhere.
        """
        level = fraction * self.peak()
        if not 0 < fraction <= 1 or not level:
            raise CurveError(f"width of {self.name}", found=f"fraction {fraction!r}, peak {self.peak()!r}",
                             expected="a fraction between 0 and 1 of a peak that is not zero")
        order = np.argsort(self.x, kind="stable")
        ends = []
        for x, y in ((self.x[order], self.y[order]), (self.x[order][::-1], self.y[order][::-1])):
            i = int((np.abs(y) >= level).argmax())
            if i == 0:
                if abs(y[0]) > level and not open_ends:
                    raise CurveError(f"width of {self.name} at {fraction:g} of its peak",
                                     found=f"|y| above that at the end of the grid, {self.x_label} = "
                                           f"{engineering(x[0], self.x_unit)}",
                                     expected="a curve that falls below it on both sides",
                                     remedy="Widen the grid, or say open_ends=True")
                ends.append(float(x[0]))
            else:
                target = np.copysign(level, y[i])
                ends.append(float(x[i - 1] + (x[i] - x[i - 1]) * ((target - y[i - 1]) / (y[i] - y[i - 1]))))
        return ends[1] - ends[0]

    def fit(self, kind: Kind, p0: Mapping[str, float] | None = None, *, offset: bool | float = False,
            centre: float | None = None) -> Fit:
        """Fit a function to the curve: kinds, options and errors are those of `spicemem.fits.fit`.

        Raises CurveError when a point is nan, too.
        """
        self._complete(f"{kind} fit")
        return fit(kind, self.x, self.y, p0, offset=offset, centre=centre, name=self.name, x_unit=self.x_unit,
                   y_unit=self.y_unit)

    def variability(self, smooth: Curve) -> float:
        """Mean |y - smooth curve| over the rows, divided by the peak: the spread from point to point (a pure number).

        smooth: the shape expected, on the same x; it is fitted to this curve by one factor for each of its lobes.
        Raises CurveError as `relative_error` does, and when this curve is zero everywhere.
        """
        smooth.relative_error(smooth)  # refuses a flat or broken shape
        self.relative_error(smooth)
        if not self.peak():
            raise CurveError(f"variability of {self.name}", found="a curve that is zero everywhere",
                             expected="a peak to measure by")
        residual = self.y.copy()
        for lobe in (smooth.y > 0, smooth.y < 0):
            if lobe.any():
                factor = self.y[lobe] @ smooth.y[lobe] / (smooth.y[lobe] @ smooth.y[lobe])
                residual[lobe] -= factor * smooth.y[lobe]
        return float(np.abs(residual).mean()) / self.peak()


def _axes(axes: tuple[str, str, str, str]) -> str:
    x_label, x_unit, y_label, y_unit = axes
    return f"{y_label} [{y_unit}] over {x_label} [{x_unit}]"


# --- reading and writing ----------------------------------------------------------------------------------------------


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _unescape(text: str) -> str:
    return re.sub(r"\\([\\nr])", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), text)


def _unjson(where: str, key: str, text: str, published: list[Published]) -> str:
    """Check a `labels` line, or turn a `published` line into an item of `published`."""
    try:
        value = json.loads(text)
        if key == "published":
            published.append(Published(**value))
        elif not all(isinstance(label, str) for label in dict(value).values()):
            raise ValueError("a label that is not text")
    except (ValueError, TypeError, CurveError) as error:
        raise CurveError(where, found=f"{text.strip()!r} ({error})", expected=f"a JSON object after '{key}:'") from None
    return text


def _head(where: str, cell: str) -> tuple[str, str]:
    match = _HEAD.fullmatch(cell.strip())
    if not match or not all(_WORD.fullmatch(part) for part in match.groups()):
        raise CurveError(where, found=repr(cell),
                         expected="a header row of names and units, such as 'delay [s],dG [S]'")
    return match[1], match[2]


def _numbers(where: str, line: str, heads: list[tuple[str, str]]) -> list[float]:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(heads):
        raise CurveError(where, found=f"{len(cells)} values", expected=f"{len(heads)}, as in the header row")
    for cell, (key, _) in zip(cells, heads, strict=True):
        if not _NUMBER.fullmatch(cell) or (key == heads[0][0] and cell == "nan") or np.isinf(float(cell)):
            raise CurveError(f"{where}, column {key}", found=repr(cell),
                             expected="a finite number" + ("" if key == heads[0][0] else " or nan"))
    return [float(cell) for cell in cells]


# --- drawing ----------------------------------------------------------------------------------------------------------

# Okabe and Ito: told apart by colour-blind readers too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_INK = "#333333"
# The leading unit can take a prefix only when it is one symbol to the first power: nS/s, but not nm**2.
_PREFIXABLE = re.compile(r"(?!K\b|kg|deg)[A-Za-zΩ]+(?!\*\*)(?:[/*].*)?")


class _Scale(NamedTuple):
    """What the axes show, kept on them so that a second curve drawn there gets the same units and prefixes."""

    axes: tuple[str, str, str, str]
    x: float
    y: float


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.07))
    FigureCanvasAgg(figure)
    return figure


def _pretty(label: str) -> str:
    """A column name for people: "delay" -> "Delay Δt", "dG" -> "ΔG", "g_before" -> "g before"."""
    if label in ("delay", "dt"):
        return "Delay Δt"
    text = re.sub(r"\bd(?=[A-Z])", "Δ", label.replace("_", " "))
    return text[0].upper() + text[1:] if re.match(r"[a-z]{3}", text) else text


def axis_text(label: str, unit: str, values: Array, log: bool) -> tuple[float, str]:
    """Scale of the numbers and text of an axis: 3e-9 S gives (1e9, "ΔG (nS)")."""
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    scale, letter = prefix(largest) if not log and _PREFIXABLE.fullmatch(unit) else (1.0, "")
    shown = re.sub(r"\*\*(-?\d)", lambda m: m[1].translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")), unit)
    shown = shown.replace("Ohm", "Ω").replace("*", "·")
    return scale, _pretty(label) + ("" if unit in ("1", "") else f" ({letter}{shown})")


def _note(item: Published, unit: str) -> str:
    """Legend entry of a published value: what, how much, where from."""
    text = item.label
    if item.low is not None and item.high is not None:
        low, high = engineering(item.low, unit), engineering(item.high, unit)
        text += f" {low}" if low == high else f" {low} to {high}"
    elif item.low is not None or item.high is not None:
        sign, bound = ("≥", item.low) if item.high is None else ("≤", item.high)
        text += f" {sign} {engineering(bound or 0.0, unit)}"
    return textwrap.fill(f"{re.sub(r'(?<= )-(?=[0-9])', '−', text)} ({item.source})", 42)


def _draw(ax: Axes, curves: Sequence[Curve], labels: Sequence[str | None], fit: Fit | None = None,
          scales: tuple[str, str] = ("linear", "linear"), **line: Any) -> float:
    """Draw curves of the same quantities into axes; the height, in inches, that the legend below them takes."""
    first = curves[0]
    axes = (first.x_label, first.x_unit, first.y_label, first.y_unit)
    for curve in curves:
        mine = (curve.x_label, curve.x_unit, curve.y_label, curve.y_unit)
        if mine != axes:
            raise CurveError(f"plot of {curve.name}", found=f"{_axes(mine)} beside {_axes(axes)}",
                             expected="curves of the same quantities and units", remedy="Use plot_grid")
    scale: _Scale | None = getattr(ax, "_spicemem_scale", None)
    if scale is None:
        points = [item for curve in curves for item in curve.published]
        sx, x_text = axis_text(first.x_label, first.x_unit, np.concatenate(
            [*(c.x for c in curves), *(p.x for p in points)]), scales[0] == "log")
        sy, y_text = axis_text(first.y_label, first.y_unit, np.concatenate(
            [*(c.y for c in curves), *(p.y for p in points)]), scales[1] == "log")
        scale = _Scale(axes, sx, sy)
        setattr(ax, "_spicemem_scale", scale)  # noqa: B010  (mypy knows no such attribute)
        _dress(ax, x_text, y_text, scales)
    elif scale.axes != axes:
        raise CurveError(f"plot of {first.name}", found=f"axes that show {_axes(scale.axes)}",
                         expected=_axes(axes), remedy="Draw it in axes of its own")
    start = sum(1 for old in ax.lines if old.get_gid() == "curve")
    colours = _colours(start + len(curves))
    for number, (curve, label) in enumerate(zip(curves, labels, strict=True), start):
        colour, marker = colours[number], _MARKERS[number % len(_MARKERS)]
        style: dict[str, Any] = {
            "color": colour, "lw": 1.5, "ms": 4.5 if len(curve) <= 45 else 3.0, "mec": "white", "mew": 0.5, "zorder": 3,
            "marker": marker if len(curve) <= 120 else "", "label": label, "gid": "curve"}
        if fit is not None:
            style |= {"ls": "none", "label": label or "simulated", "marker": marker}
        ax.plot(curve.x * scale.x, curve.y * scale.y, **{**style, **_long(line)})
        if fit is not None:
            spread = np.geomspace if scales[0] == "log" and curve.x.min() > 0 else np.linspace
            grid = np.asarray(spread(curve.x.min(), curve.x.max(), 801), dtype=np.float64)
            # The value nearest to a jump at 0 is the one the eye reads the amplitude from.
            if grid[0] < 0 < grid[-1]:
                grid = np.union1d(grid, np.array([-1e-9, 0.0, 1e-9]) * np.ptp(grid))
            ax.plot(grid * scale.x, fit(grid) * scale.y, color=colour, lw=1.5, alpha=0.7, zorder=2.5,
                    label=f"{fit.kind} fit")
    owners: dict[Published, list[int]] = {}
    for number, curve in enumerate(curves, start):
        for item in curve.published:
            owners.setdefault(item, []).append(number)
    for item, numbers in owners.items():
        # In the colour of the curve it belongs to, unless it belongs to all.
        _overlay(ax, item, first, scale, _INK if len(numbers) == len(curves) else colours[numbers[0]])
    _zero_lines(ax, scales)
    return _legend(ax)


def _colours(count: int) -> list[str]:
    if count <= len(_COLOURS):
        return list(_COLOURS)
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](share)) for share in np.linspace(0.0, 0.92, count)]


def _long(line: Mapping[str, Any]) -> dict[str, Any]:
    """Matplotlib refuses a property given both by its name and by its short name."""
    short = {"c": "color", "linewidth": "lw", "linestyle": "ls", "markersize": "ms", "markeredgecolor": "mec",
             "markeredgewidth": "mew"}
    return {short.get(key, key): value for key, value in line.items()}


def _dress(ax: Axes, x_text: str, y_text: str, scales: tuple[str, str]) -> None:
    ax.set_xscale(scales[0])
    ax.set_yscale(scales[1])
    ax.set_xlabel(x_text, fontsize=11)
    ax.set_ylabel(y_text, fontsize=11)
    ax.tick_params(labelsize=9.5, color=_INK)
    ax.grid(True, color="#dddddd", lw=0.6, zorder=0)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_INK)


def _zero_lines(ax: Axes, scales: tuple[str, str]) -> None:
    drawn = {old.get_gid() for old in ax.lines}
    data = [old.get_xydata() for old in ax.lines if old.get_gid() == "curve"]
    points = np.concatenate([np.asarray(d, dtype=np.float64) for d in data if d is not None])
    for i, (gid, line) in enumerate((("zero-x", ax.axvline), ("zero-y", ax.axhline))):
        values = points[:, i][np.isfinite(points[:, i])]
        if scales[i] == "linear" and gid not in drawn and len(values) and values.min() < 0 < values.max():
            line(0.0, color="#999999", lw=0.8, zorder=1, gid=gid)


def _overlay(ax: Axes, item: Published, curve: Curve, scale: _Scale, colour: str) -> None:
    vertical = item.axis == "x"
    label = _note(item, curve.x_unit if vertical else curve.y_unit)
    if item.x:
        ax.plot(np.array(item.x) * scale.x, np.array(item.y) * scale.y, ls="none", marker="D", ms=6, mfc="none",
                mec=colour, mew=1.3, zorder=4, label=label)
        return
    factor = scale.x if vertical else scale.y
    bounds = [bound * factor for bound in (item.low, item.high) if bound is not None]
    if len(bounds) == 2 and bounds[0] < bounds[1]:
        (ax.axvspan if vertical else ax.axhspan)(*bounds, color=colour, alpha=0.1, lw=0, zorder=0.5, label=label)
    else:
        (ax.axvline if vertical else ax.axhline)(bounds[0], color=colour, lw=1.2, ls="--", zorder=2, label=label)


def _legend(ax: Axes) -> float:
    """Below the axes, where it covers nothing; inside only in a figure whose layout would not make room for it."""
    handles, labels = ax.get_legend_handles_labels()
    figure = ax.get_figure(root=True)
    if not labels or figure is None:
        return 0.0
    if figure.get_layout_engine() is None:
        ax.legend(loc="best", fontsize=8.5, framealpha=0.85, edgecolor="none")
        return 0.0
    from matplotlib.transforms import ScaledTranslation

    longest = max(len(line) for label in labels for line in label.split("\n"))
    room = int(17 * figure.get_figwidth() * ax.get_position().width)  # characters of 8.5 points
    below = ax.transAxes + ScaledTranslation(0.0, -0.5, figure.dpi_scale_trans)
    columns = max(1, min(len(labels), 4, room // (longest + 8)))
    ax.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below, fontsize=8.5,
              frameon=False, borderaxespad=0.0, ncols=columns)
    lines = sum(str(label).count("\n") + 1 for label in labels)
    return 0.1 + 0.18 * lines / columns


def _names(curves: Sequence[Curve]) -> list[str]:
    """Legend entries: the names, or where these repeat (one curve by several engines) what else tells them apart."""
    names = [curve.name for curve in curves]
    if len(set(names)) == len(names):
        return names
    keys = [key for key in curves[0].provenance if len({c.provenance.get(key) for c in curves}) > 1][:2]
    parts = [", ".join(curve.provenance.get(key, "") for key in keys) for curve in curves]
    if len(set(names)) == 1 and all(parts):
        return parts
    return [f"{name} ({part})" if part else name for name, part in zip(names, parts, strict=True)]


def plot_curves(curves: Sequence[Curve], title: str | None = None, *, labels: Sequence[str] | None = None,
                xscale: str = "linear", yscale: str = "linear") -> Figure:
    """Several curves of the same quantities in one picture; returns the matplotlib Figure.

    labels: legend entries, one a curve; by default the names, or what differs in the provenance where names repeat.
    Raises CurveError when the quantities or units differ, or there is no curve.
    """
    if not curves:
        raise CurveError("plot", found="no curves", expected="at least one")
    if labels is not None and len(labels) != len(curves):
        raise CurveError("plot", found=f"{len(labels)} labels", expected=f"{len(curves)}, one for each curve")
    entries = list(labels) if labels is not None else _names(curves)
    figure = _figure(5.6, 3.9)
    ax = figure.add_subplot()
    figure.set_figheight(3.9 + _draw(ax, curves, entries, scales=(xscale, yscale)))
    if title:
        ax.set_title(title, fontsize=11)
    return figure


def plot_grid(curves: Sequence[Curve], columns: int = 2, *, titles: Sequence[str] | None = None) -> Figure:
    """One panel for each curve, titled by its name (or `titles`), `columns` side by side; returns the Figure.

    Raises CurveError when there is no curve.
    """
    if not curves or columns < 1:
        raise CurveError("plot", found=f"{len(curves)} curves in {columns} columns", expected="at least one of each")
    if titles is not None and len(titles) != len(curves):
        raise CurveError("plot", found=f"{len(titles)} titles", expected=f"{len(curves)}, one for each curve")
    columns = min(columns, len(curves))
    rows = -(-len(curves) // columns)
    figure = _figure(4.0 * columns, 3.1 * rows)
    legends = [0.0] * rows
    for number, curve in enumerate(curves):
        ax = figure.add_subplot(rows, columns, number + 1)
        legends[number // columns] = max(legends[number // columns], _draw(ax, [curve], [None]))
        ax.set_title(titles[number] if titles is not None else curve.name, fontsize=10.5)
    figure.set_figheight(3.1 * rows + sum(legends))
    return figure


def check_picture(path: Path) -> None:
    """Raises CurveError, before any work is done for it, for a picture that could not be written."""
    if path.suffix[1:].lower() not in ("png", "svg", "pdf"):
        raise CurveError(f"picture {path.name}", found=f"suffix {path.suffix!r}", expected=".png, .svg or .pdf")
    if not path.absolute().parent.is_dir():
        raise CurveError(f"picture {path}", found=f"no folder {path.parent}", expected="one that exists")


def save_figure(fig: Figure, path: str | Path) -> None:
    """Write a figure as .png (150 dpi), .svg or .pdf: the same bytes for the same figure, and only when complete.

    Raises CurveError for another suffix or a missing folder.
    """
    path = Path(path)
    check_picture(path)
    kind = path.suffix[1:].lower()
    dates: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    buffer = io.BytesIO()
    fig.savefig(buffer, format=kind, dpi=150, metadata=dates)
    data = buffer.getvalue()
    if kind == "svg":
        # Matplotlib draws the ids of markers and clip paths at random; its setting against that is global state.
        text = data.decode()
        ids = {old: f"id{n}" for n, old in enumerate(dict.fromkeys(re.findall(r'id="([a-z]+[0-9a-f]{10})"', text)))}
        text = re.sub(r'(id="|#)([a-z]+[0-9a-f]{10})(?=[")])', lambda m: m[1] + ids.get(m[2], m[2]), text)
        data = text.encode()
    write_bytes(path, data)
