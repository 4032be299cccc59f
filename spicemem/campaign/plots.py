"""Pictures of a campaign: histograms with yield, scatter of everything against everything, curves, sweeps, corners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spicemem.campaign.results import STATUS, Campaign
from spicemem.campaign.summary import Spec, sensitivity, yields
from spicemem.curve import axis_text
from spicemem.maps import Map

Array = NDArray[np.float64]
_BLUE, _RED, _GREY = "#2f5d8a", "#c0392b", "#8c8c8c"
#: Most quantities in one picture: with more nobody sees anything.
MOST = 6


def pictures(campaign: Campaign, specs: Iterable[Spec | str] = ()) -> dict[str, Figure]:
    """The pictures that suit a campaign, by file stem."""
    parsed = [Spec.parse(s) if isinstance(s, str) else s for s in specs]
    found: dict[str, Figure | None] = {}
    if campaign.kind == "monte_carlo":
        found["histograms"] = histograms(campaign, parsed)
        found["scatter"] = scatter(campaign, parsed)
        found["sensitivity"] = sensitivities(campaign)
    elif campaign.kind == "corners":
        found["corners"] = corner_picture(campaign, parsed)
    else:
        found["sweep"] = sweep_picture(campaign, parsed)
    found["curves"] = bands(campaign)
    return {name: figure for name, figure in found.items() if figure is not None}


def _varying(campaign: Campaign, names: Iterable[str]) -> list[str]:
    """Those that are not the same at every point; one that repeats another (its columns agree) is left out."""
    found: dict[bytes, str] = {}
    for name in names:
        values = campaign.column(name)
        good = values[np.isfinite(values)]
        if len(good) > 1 and np.ptp(good) > 1e-9 * np.abs(good).max():
            found.setdefault(np.round(values / np.abs(good).max(), 6).tobytes(), name)
    return list(found.values())


def _label(campaign: Campaign, name: str, values: Array, log: bool = False) -> tuple[float, str]:
    """Scale and text of an axis; names of parameters and outputs stay as they are written elsewhere."""
    if name in campaign.data.dims and name not in campaign.varied:
        return axis_text(name, campaign.unit(name), values, log)
    factor, text = axis_text("x", campaign.unit(name), values, log)
    return factor, name + text[1:]


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _panels(count: int, width: float, height: float, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, each of that size (inches), in rows of `columns`."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = _figure(width * columns, height * rows)
    return figure, [figure.add_subplot(rows, columns, k + 1) for k in range(count)]


def _labelled(ax: Axes, x: str, y: str = "") -> None:
    ax.set_xlabel(x, fontsize=11)
    ax.set_ylabel(y, fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)


def histograms(campaign: Campaign, specs: Iterable[Spec] = ()) -> Figure | None:
    """Each output over all points, with its specifications and their yield; None where nothing varies."""
    parsed = list(specs)
    names = _varying(campaign, campaign.outputs)
    asked = [s.name for s in parsed if s.at is None]
    names = sorted(names, key=lambda n: n not in asked)[:MOST]
    if not names:
        return None
    figure, axes = _panels(len(names), 4.2, 3.2)
    for ax, name in zip(axes, names, strict=True):
        values = campaign.column(name)
        values = values[np.isfinite(values)]
        factor, text = _label(campaign, name, values)
        ax.hist(values * factor, bins=list(_bins(values) * factor), color=_BLUE, alpha=0.85, edgecolor="white",
                linewidth=0.5)
        title = []
        for spec in (s for s in parsed if s.name == name and s.at is None):
            for _, bound in spec.limits(campaign):
                ax.axvline(bound * factor, color=_RED, linewidth=1.6)
            y = yields(campaign, [spec])[0]
            low_high = f" ({y.low * 100:.1f} to {y.high * 100:.1f})" if np.isfinite(y.low) else ""
            title.append(f"{spec.text}: {y.share * 100:.1f} %{low_high}")
        ax.set_title("\n".join(title), fontsize=9.5, color=_RED)
        _labelled(ax, text, "points")
    return figure


def _bins(values: Array) -> Array:
    count = int(np.clip(np.ceil(2 * len(values) ** (1 / 3)), 6, 60))  # Rice's rule
    return np.linspace(values.min(), values.max(), count + 1)


def scatter(campaign: Campaign, specs: Iterable[Spec] = ()) -> Figure | None:
    """Parameters and outputs against each other (a corner plot), points that miss a specification in red; None where
    fewer than two vary."""
    inputs = [n for n in campaign.varied if n in campaign.data][:MOST]
    names = [*inputs, *_varying(campaign, campaign.outputs)[:max(2, MOST - len(inputs))]][:MOST + 1]
    if len(names) < 2:
        return None
    parsed = list(specs)
    met = np.logical_and.reduce([np.isfinite(campaign.column(names[0])), *(s.met(campaign) for s in parsed)])
    n = len(names)
    figure = _figure(1.0 + 1.75 * n, 0.8 + 1.75 * n)
    grid = figure.subplots(n, n, squeeze=False)
    for row, y_name in enumerate(names):
        for column, x_name in enumerate(names):
            ax: Axes = grid[row, column]
            if column > row:
                ax.set_visible(False)
                continue
            x, y = campaign.column(x_name), campaign.column(y_name)
            (x_factor, x_text), (y_factor, y_text) = _label(campaign, x_name, x), _label(campaign, y_name, y)
            if row == column:
                good = x[np.isfinite(x)]
                ax.hist(good * x_factor, bins=list(_bins(good) * x_factor), color=_BLUE, alpha=0.85)
                ax.set_yticks([])
            else:
                for mask, colour in ((met, _BLUE), (~met, _RED)):
                    ax.plot(x[mask] * x_factor, y[mask] * y_factor, "o", color=colour, markeredgewidth=0,
                            markersize=3.2 if len(x) <= 300 else 2.0, alpha=0.6)
            ax.tick_params(labelsize=8, labelbottom=row == n - 1, labelleft=column == 0 and row > 0)
            ax.locator_params(nbins=4)
            if row == n - 1:
                ax.set_xlabel(x_text, fontsize=9.5)
                ax.tick_params(axis="x", rotation=35)
            if column == 0 and row:
                ax.set_ylabel(y_text, fontsize=9.5)
    figure.align_ylabels(grid[:, 0])
    if parsed:
        figure.suptitle(f"red: misses {' and '.join(s.text for s in parsed)}", fontsize=10, color=_RED, x=0.98,
                        ha="right")
    return figure


def sensitivities(campaign: Campaign) -> Figure | None:
    """Each output's dependence on each parameter, the most important on top; None where there is none to show."""
    shown = _varying(campaign, campaign.outputs)[:MOST]
    rows = [s for s in sensitivity(campaign) if s.output in shown]
    if not rows:
        return None
    names = list(dict.fromkeys(s.output for s in rows))
    most = max(sum(s.output == name for s in rows) for name in names)
    figure, axes = _panels(len(names), 4.2, 1.1 + 0.34 * most)
    for ax, name in zip(axes, names, strict=True):
        own = [s for s in rows if s.output == name][::-1]
        at = np.arange(len(own))
        if own[0].kind == "sobol":
            ax.barh(at + 0.19, [s.other for s in own], 0.38, color=_BLUE, label="total")
            ax.barh(at - 0.19, [s.value for s in own], 0.38, color=_GREY, label="first order")
            ax.set_xlabel("Sobol index", fontsize=10)
            if ax is axes[0]:
                ax.legend(fontsize=8, frameon=False, loc="lower right")
        else:
            ax.barh(at, [s.value for s in own], 0.6, color=[_BLUE if s.other < 0.01 else _GREY for s in own])
            ax.set_xlim(-1.05, 1.05)
            ax.set_xlabel("rank correlation (grey: p > 0.01)", fontsize=10)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_yticks(at, [s.parameter for s in own], fontsize=9.5)
        ax.set_title(name, fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def bands(campaign: Campaign) -> Figure | None:
    """Each curve that all points share an x for: median, 5 to 95 %, and up to 200 of them; None where there is none."""
    data, dims = campaign.data, campaign.data[STATUS].dims
    found = [(str(n), str(d)) for n, v in data.data_vars.items() for d in v.dims
             if d not in dims and len(v.dims) == len(dims) + 1 and d in data.coords and len(data[d]) > 2]
    first: dict[str, tuple[str, str]] = {}
    for name, dim in found:  # the columns of a curve repeat its y in another form: y alone, unless curves are named
        first.setdefault(dim if "." not in name else name, (name, dim))
    chosen = list(first.values())[:4]
    if not chosen:
        return None
    figure, axes = _panels(len(chosen), 4.8, 3.5, columns=2)
    for ax, (name, dim) in zip(axes, chosen, strict=True):
        x = data[dim].values
        rows = data[name].transpose(*dims, dim).values.reshape(-1, len(x))
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            continue
        order = np.argsort(x)
        x, rows = x[order], rows[:, order]
        (x_factor, x_text), (y_factor, y_text) = _label(campaign, dim, x), _label(campaign, name, rows)
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), 200)).astype(int)]
        ax.plot(x * x_factor, some.T * y_factor, color=_BLUE, alpha=max(0.06, min(0.8, 6 / len(some))), linewidth=0.8)
        if len(rows) >= 20:
            low, median, high = np.percentile(rows, [5, 50, 95], axis=0) * y_factor
            ax.fill_between(x * x_factor, low, high, color=_BLUE, alpha=0.22, linewidth=0, label="5 to 95 %")
            ax.plot(x * x_factor, median, color="black", linewidth=1.5, label="median")
            ax.legend(fontsize=9, frameon=False)
        ax.axhline(0, color=_GREY, linewidth=0.7, zorder=0)
        _labelled(ax, x_text, y_text)
    return figure


def _shown(campaign: Campaign, specs: Iterable[Spec]) -> list[str]:
    asked = [s.name for s in specs if s.at is None]
    names = _varying(campaign, campaign.outputs) or campaign.outputs
    return sorted(names, key=lambda n: n not in asked)[:MOST]


def sweep_picture(campaign: Campaign, specs: Iterable[Spec] = ()) -> Figure | None:
    """Each output over the axes of a sweep: lines over one, maps over two; a line for each value of the first of more
    than two is too much, and gives None."""
    parsed, data = list(specs), campaign.data
    dims, names = [str(d) for d in data[STATUS].dims if data.sizes[d] > 1], _shown(campaign, parsed)
    if not names or not 1 <= len(dims) <= 2:
        return None
    figure, axes = _panels(len(names), 4.4, 3.4)
    for ax, name in zip(axes, names, strict=True):
        values = data[name].squeeze(drop=True)
        if len(dims) == 1:
            _line(campaign, ax, dims[0], name, np.asarray(values), [s for s in parsed if s.name == name])
        else:
            y, x = (_positions(data[d].values) for d in dims)
            Map(x, y, np.asarray(values), dims[1], campaign.unit(dims[1]), dims[0], campaign.unit(dims[0]), name,
                campaign.unit(name)).plot(ax, xscale=_scale(x), yscale=_scale(y))
            ax.set_xlabel(_label(campaign, dims[1], x, _scale(x) == "log")[1])
            ax.set_ylabel(_label(campaign, dims[0], y, _scale(y) == "log")[1])
            figure.axes[-1].set_ylabel(_label(campaign, name, np.asarray(values))[1])  # of the colour bar
            for axis, d in ((ax.xaxis, dims[1]), (ax.yaxis, dims[0])):
                if data[d].dtype.kind not in "fiu":
                    axis.set_ticks(np.arange(data.sizes[d]), [str(v) for v in data[d].values])
    return figure


def _positions(values: NDArray[Any]) -> Array:
    return np.asarray(values, dtype=np.float64) if values.dtype.kind in "fiu" else np.arange(float(len(values)))


def _scale(values: Array) -> str:
    """log where positive values are spaced so, and over more than a decade."""
    if len(values) < 3 or values.min() <= 0 or values.max() / values.min() < 9:
        return "linear"
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return "log" if np.std(ratios) / abs(np.mean(ratios)) < np.std(steps) / abs(np.mean(steps)) else "linear"


def _line(campaign: Campaign, ax: Axes, dim: str, name: str, y: Array, specs: Iterable[Spec]) -> None:
    raw = campaign.data[dim].values
    x, scale = _positions(raw), _scale(_positions(raw))
    x_factor, x_text = _label(campaign, dim, x, scale == "log") if raw.dtype.kind in "fiu" else (1.0, dim)
    y_factor, y_text = _label(campaign, name, y)
    order = np.argsort(x)
    ax.plot(x[order] * x_factor, y[order] * y_factor, "o-", color=_BLUE, markersize=4, linewidth=1.3)
    for spec in specs:
        for _, bound in spec.limits(campaign) if spec.at is None else ():
            ax.axhline(bound * y_factor, color=_RED, linewidth=1.4)
    ax.set_xscale(scale)
    if raw.dtype.kind not in "fiu":
        ax.set_xticks(x, [str(v) for v in raw])
    _labelled(ax, x_text, y_text)


def corner_picture(campaign: Campaign, specs: Iterable[Spec] = ()) -> Figure | None:
    """Each output at each corner, a row a corner, those that miss a specification in red."""
    parsed = list(specs)
    names = _shown(campaign, parsed)[:3]
    labels = [", ".join(_text(k, v) for k, v in row.items()) for row in _rows(campaign)]
    if not names:
        return None
    figure = _figure(1.2 + 0.075 * max(map(len, labels)) + 3.2 * len(names), 1.1 + 0.26 * len(labels))
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    at = np.arange(len(labels))[::-1]
    for ax, name in zip(grid, names, strict=True):
        values = campaign.column(name)
        factor, text = _label(campaign, name, values)
        own = [s for s in parsed if s.name == name and s.at is None]
        met = np.logical_and.reduce([np.isfinite(values), *(s.met(campaign) for s in own)])
        ax.hlines(at, np.nanmin(values) * factor, values * factor, color="#d5d5d5", linewidth=1.2, zorder=1)
        ax.scatter(values * factor, at, s=26, color=np.where(met, _BLUE, _RED), zorder=2)
        for spec in own:
            for _, bound in spec.limits(campaign):
                ax.axvline(bound * factor, color=_RED, linewidth=1.4)
        ax.set_yticks(at, labels, fontsize=9)
        ax.set_ylim(-0.7, len(labels) - 0.3)
        _labelled(ax, text)
    return figure


def _rows(campaign: Campaign) -> list[Mapping[str, Any]]:
    data = campaign.data
    dims = [str(d) for d in data[STATUS].dims]
    return [{d: data[d].values[k] for d, k in zip(dims, where, strict=True)}
            for where in np.ndindex(*(data.sizes[d] for d in dims))]


def _text(name: str, value: Any) -> str:
    units = {"temperature": " K", "supply": ""}
    if isinstance(value, str):
        return value
    return f"{value:g}{units[name]}" if name in units else f"{name} {value:g}"
