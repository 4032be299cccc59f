"""Maps: a quantity over two parameters, with units, plot and CSV. Everything inside is SI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spicemem.curve import Column, Curve, axis_text
from spicemem.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Map:
    """z over x (columns) and y (rows): x of n, y of m, z of m by n numbers in SI, nan where there is none.

    Labels and units as a Curve has them. classes: what the values 0, 1, ... of z mean, where z is a verdict.
    Raises InputError where the shapes do not fit.
    """

    x: Array
    y: Array
    z: Array
    x_label: str
    x_unit: str
    y_label: str
    y_unit: str
    z_label: str
    z_unit: str
    name: str = "map"
    classes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("x", "y", "z"):
            object.__setattr__(self, key, np.array(getattr(self, key), dtype=np.float64))
        if self.x.ndim != 1 or self.y.ndim != 1 or self.z.shape != (len(self.y), len(self.x)) or not self.z.size:
            raise InputError(f"map {self.name}", found=f"x {self.x.shape}, y {self.y.shape}, z {self.z.shape}",
                             expected="z with a row for each y and a column for each x")

    def to_curve(self) -> Curve:
        """The same numbers as rows x, z, y, as a file holds them: one row for each point of the map."""
        x, y = np.meshgrid(self.x, self.y)
        return Curve(x.ravel(), self.z.ravel(), self.x_label, self.x_unit, self.z_label, self.z_unit, self.name,
                     {self.y_label: Column(y.ravel(), self.y_unit)}, self.provenance)

    def to_csv(self, path: str | Path) -> None:
        """Write the map as a CSV file of its points; `Curve.from_csv` reads it."""
        self.to_curve().to_csv(path)

    def plot(self, ax: Axes, *, xscale: str = "linear", yscale: str = "linear", cmap: str | None = None,
             log: bool = False) -> None:
        """Draw it into axes, with a colour bar, or a legend where z is a verdict. log: colours on a log scale."""
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap, LogNorm
        from matplotlib.patches import Patch

        (x_factor, x_text), (y_factor, y_text) = (axis_text(self.x_label, self.x_unit, self.x, xscale == "log"),
                                                  axis_text(self.y_label, self.y_unit, self.y, yscale == "log"))
        xs, ys = _edges(self.x * x_factor, xscale), _edges(self.y * y_factor, yscale)
        if self.classes:
            colours = [colormaps[cmap or "viridis"](s) for s in np.linspace(0.12, 0.92, len(self.classes))]
            ax.pcolormesh(xs, ys, self.z, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(self.classes) - 0.5)
            ax.legend(handles=[Patch(color=c, label=text) for c, text in zip(colours, self.classes, strict=True)],
                      loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=min(3, len(self.classes)), fontsize=8.5,
                      frameon=False)
        else:
            z_factor, z_text = axis_text(self.z_label, self.z_unit, self.z, log)
            mesh = ax.pcolormesh(xs, ys, self.z * z_factor, cmap=cmap or "viridis", norm=LogNorm() if log else None)
            figure = ax.get_figure(root=True)
            assert figure is not None
            figure.colorbar(mesh, ax=ax, label=z_text)
        ax.set_xscale(xscale)
        ax.set_yscale(yscale)
        ax.set_xlabel(x_text, fontsize=11)
        ax.set_ylabel(y_text, fontsize=11)


def _edges(centres: Array, scale: str) -> Array:
    """Borders between neighbours, for cells that are centred on their values."""
    c = np.log(centres) if scale == "log" else centres
    if len(c) == 1:
        edges = c[0] + np.array([-0.5, 0.5])
    else:
        middle = 0.5 * (c[1:] + c[:-1])
        edges = np.r_[c[0] - (middle[0] - c[0]), middle, c[-1] + (c[-1] - middle[-1])]
    return np.asarray(np.exp(edges) if scale == "log" else edges)
