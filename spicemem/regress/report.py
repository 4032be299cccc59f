"""The page of differences: one HTML file with everything in it, pictures as SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spicemem import __version__
from spicemem.files import write_text
from spicemem.regress.compare import Compared, Comparison
from spicemem.regress.thin import thin
from spicemem.regress.waveforms import Array
from spicemem.units import engineering, prefix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOLDEN, RUN, BAD, BAND = "#0b62a4", "#d1691c", "#b00020", "#8fb8d8"
#: Curves are drawn with as many points as this part of what is shown needs.
DRAWN = 1e-3
#: Events that are marked at most, and signals that are drawn of each comparison.
MARKS, DRAWINGS = 200, 12


@dataclass(frozen=True, eq=False)
class Case:
    """One comparison on a page: its name, what was found, or why nothing could be compared."""

    name: str
    about: str
    comparison: Comparison | None = None
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the run agrees."""
        return self.comparison is not None and self.comparison.passed


def write_report(cases: Iterable[Case], path: Path) -> None:
    """Write the page. Raises InputError where it cannot be written."""
    import jinja2

    environment = jinja2.Environment(loader=jinja2.PackageLoader("spicemem", "regress"), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    listed = sorted(cases, key=lambda case: case.passed)
    environment.filters["number"] = lambda value, unit="": engineering(value, unit, 4)
    write_text(path, environment.get_template("report.j2").render(
        cases=listed, failed=sum(not case.passed for case in listed), pictures=_pictures, version=__version__))


def _pictures(comparison: Comparison) -> list[tuple[Compared, Any]]:
    """Pictures of the signals that failed, worst first; of the nearest to its limit where none did."""
    from markupsafe import Markup

    ranked = sorted(comparison.signals.values(), key=lambda c: (c.passed, -c.worst / c.allowed))
    chosen = [c for c in ranked if not c.passed][:DRAWINGS] or ranked[:1]
    return [(c, Markup(inline_svg(draw(c, comparison.golden.axis, comparison.golden.axis_unit), f"{c.name}, golden and "
                                  "run"))) for c in chosen]


def inline_svg(figure: Figure, title: str) -> str:
    """A figure as an SVG element for the inside of a page: as wide as there is room for, with its title for readers
    who cannot see it, its ids its own."""
    import html

    from matplotlib import rc_context

    sink = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "path.simplify": True}):
        figure.savefig(sink, format="svg", metadata={"Date": None})
    text = sink.getvalue()
    text = text[text.index("<svg"):]
    # Ids are unique in a page only: two figures would use each other's clips and markers.
    mark = f"f{abs(hash(text)) % 10**10}-"
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{mark}", text)
    for size in ("width", "height"):  # the page decides
        text = re.sub(rf'(<svg [^>]*?){size}="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(title, quote=True)}" ', 1)


def _line(time: Array, values: Array, low: float, high: float) -> tuple[Array, Array]:
    """A curve from low to high with the points that a picture needs."""
    inside = np.flatnonzero((time >= low) & (time <= high))
    part = slice(max(int(inside[0]) - 1, 0), int(inside[-1]) + 2) if len(inside) else slice(0, 2)
    t, y = time[part], values[part]
    keep = thin(t, [y], [DRAWN * (float(np.ptp(y)) or 1.0)])
    return t[keep], y[keep]


def draw(c: Compared, axis: str = "time", axis_unit: str = "s") -> Figure:
    """Both waveforms with the tolerance band, and their difference; beside it the same around the worst place."""
    from matplotlib.figure import Figure

    begin, end = float(c.time[0]), float(c.time[-1])
    faults = [f.at for f in c.findings if f.at is not None]
    where = c.worst_at if c.worst > c.allowed or not faults else faults[0]
    half = _window(c, where) / 2
    spans = [(begin, end), (max(begin, where - half), min(end, where + half))]
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col", width_ratios=(3, 2), height_ratios=(3, 2))
    scale, letter = prefix(float(max(np.abs(c.golden).max(), np.abs(c.test).max()))) if c.unit.isalpha() else (1.0, "")
    error = c.test - c.golden
    e_scale, e_letter = prefix(float(max(np.abs(error).max(), c.allowed))) if c.unit.isalpha() else (1.0, "")
    for k, (low, high) in enumerate(spans):
        top, bottom = axes[0][k], axes[1][k]
        t_scale, t_letter = prefix(max(abs(low), abs(high)) if k == 0 else high - low) if axis_unit == "s" else (1., "")
        origin = 0.0 if k == 0 else where
        t, y = _line(c.time, c.golden, low, high)
        x = (t - origin) * t_scale
        top.fill_between(x, (y - c.allowed) * scale, (y + c.allowed) * scale, color=BAND, alpha=0.5, lw=0,
                         label="allowed")
        top.plot(x, y * scale, color=GOLDEN, lw=1.6, label="golden")
        t, y = _line(c.time, c.test, low, high)
        top.plot((t - origin) * t_scale, y * scale, color=RUN, lw=1.1, ls=(0, (5, 2)),
                 label="run, events aligned" if c.matched and c.shift else "run")
        bottom.axhspan(-c.allowed * e_scale, c.allowed * e_scale, color=BAND, alpha=0.5, lw=0)
        shown = np.where(c.by_time, np.nan, error)
        bottom.plot((c.time - origin) * t_scale, shown * e_scale, color="#333333", lw=0.9)
        for times, colour, style in (([a for a, _ in c.matched], "#2c7a3f", ":"), (c.missing, BAD, "-"),
                                     (c.extra, BAD, "--")):
            for at in list(times)[:MARKS]:
                if low <= at <= high:
                    top.axvline((at - origin) * t_scale, color=colour, lw=0.8, ls=style, alpha=0.7)
        if c.worst > c.allowed and low <= c.worst_at <= high:
            i = int(np.searchsorted(c.time, c.worst_at))
            for ax, value in ((top, c.test[i] * scale), (bottom, error[i] * e_scale)):
                ax.plot([(c.worst_at - origin) * t_scale], [value], "o", ms=7, mfc="none", mec=BAD, mew=1.4)
        ends = [(v - origin) * t_scale for v in (low, high)]
        top.set_xlim(*ends)
        bottom.set_xlabel(f"{axis} ({t_letter}{axis_unit})" if k == 0 else
                          f"{axis} from {engineering(where, axis_unit, 5)} ({t_letter}{axis_unit})")
        for ax in (top, bottom):
            ax.grid(alpha=0.25)
    axes[0][0].set_ylabel(f"{c.name} ({letter}{c.unit})" if c.unit else c.name)
    axes[1][0].set_ylabel(f"run - golden ({e_letter}{c.unit})" if c.unit else "run - golden")
    axes[0][0].set_title("whole run", fontsize=10)
    axes[0][1].set_title("worst place", fontsize=10)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    return figure


def _window(c: Compared, where: float) -> float:
    """How much of the axis to show around a place: enough that the golden moves by a fifth of its span, or the two
    part and meet again; a thousandth of the run at least, a fifth at most."""
    length, span = float(c.time[-1] - c.time[0]), float(np.ptp(c.golden)) or 1.0
    wrong = c.time[np.abs(c.test - c.golden) > c.allowed]
    for width in np.geomspace(length / 1000, length / 5, 24):
        near = (c.time >= where - width / 2) & (c.time <= where + width / 2)
        moves = near.sum() > 8 and float(np.ptp(c.golden[near])) > 0.2 * span
        over = len(wrong) and float(np.abs(wrong - where).max()) < width / 3
        if moves or over:
            return float(max(width * 1.5, 4 * c.tolerance.time))
    return length / 5


def cases_text(cases: Sequence[Case]) -> str:
    """A line for each case, findings below."""
    lines = []
    for case in cases:
        lines.append(f"{'ok  ' if case.passed else 'FAIL'}  {case.name}: " + (
            case.error or (case.comparison.report() if case.passed and case.comparison else case.about)))
        if case.comparison is not None and not case.passed:
            lines += [f"      {finding}" for finding in case.comparison.findings]
    return "\n".join(lines)
