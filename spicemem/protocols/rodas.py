"""One step of RODAS3 in many lanes at once: what integrates a device without a circuit simulator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicemem.engines.result import Array


def step(x: Array, f: Array, drift: Array, by_x: Array, rates: Callable[[Array], Array], over_h: Array
         ) -> tuple[Array, Array]:
    """Unknowns after the step, and its error estimate: a row an unknown, a column a lane. nan in all lanes where a
    matrix is singular.

    Rosenbrock's RODAS3 (order 3, L-stable, stiffly accurate: Sandu et al., Atmos. Environ. 31, 1997). f: right sides at
    the start; drift: what the step's change of voltage adds to them; by_x: their derivatives (row, unknown, lane);
    rates: right sides at the end for other unknowns; over_h: 1/(length of the step), 0 for an algebraic equation.
    """
    system = np.moveaxis(-by_x, -1, 0).copy()
    diagonal = np.arange(len(x))
    system[:, diagonal, diagonal] += 2 * over_h.T
    try:
        inverse = 1 / system if len(x) == 1 else np.linalg.inv(system)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan), np.full_like(x, np.nan)

    def solve(right: Array) -> Array:
        return np.asarray(np.einsum("wij,jw->iw", inverse, right))

    k1 = solve(f + 0.5 * drift)
    k2 = solve(f + 4 * over_h * k1 + 1.5 * drift)
    y = x + 2 * k1
    k3 = solve(rates(y) + over_h * (k1 - k2))
    y = y + k3
    k4 = solve(rates(y) + over_h * (k1 - k2 - 8 / 3 * k3))
    return y + k4, k4
