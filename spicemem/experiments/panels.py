"""Pictures of several panels side by side, each with its own axes, curves, fits and title."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spicemem.curve import Curve
from spicemem.fits import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Panel:
    """What one panel of a picture shows: curves of the same quantities, a legend entry and a fit each."""

    title: str
    curves: Sequence[Curve]
    labels: Sequence[str | None] = ()
    fits: Sequence[Fit | None] = ()
    xscale: str = "linear"
    yscale: str = "linear"
    linestyle: str = "-"


def panels(given: Sequence[Panel], height: float = 4.2) -> Figure:
    """The panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.7 * len(given), height), layout="constrained")
    for ax, panel in zip(np.atleast_1d(figure.subplots(1, len(given))), given, strict=True):
        labels, fits = panel.labels or [None] * len(panel.curves), panel.fits or [None] * len(panel.curves)
        style = {} if any(fits) else {"linestyle": panel.linestyle}
        for curve, label, fit in zip(panel.curves, labels, fits, strict=True):
            curve.plot(ax, label=label, fit=fit, xscale=panel.xscale, yscale=panel.yscale, **style)
        ax.set_title(panel.title, fontsize=11)
    return figure


def drawn(given: Sequence[tuple[str, Callable[[Any], None]]], width: float = 4.9, height: float = 4.2) -> Figure:
    """Panels side by side that functions of their axes draw: (title, function) each; inches for one panel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * len(given), height), layout="constrained")
    for ax, (title, draw) in zip(np.atleast_1d(figure.subplots(1, len(given))), given, strict=True):
        draw(ax)
        ax.set_title(title, fontsize=11)
    return figure
