"""Outputs of a point: whatever a function returns, as named arrays with units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicemem.curve import Curve
from spicemem.errors import InputError

Array = NDArray[np.float64]
#: Name of an output that has none: of a function that returns a number.
VALUE = "value"
#: Of the largest value of a curve: what is smaller is 0 but for rounding.
ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class Output:
    """A number or an array over `dims`, with a unit; coords: values and unit of a dim that has them."""

    values: Array
    unit: str = "1"
    dims: tuple[str, ...] = ()
    coords: Mapping[str, tuple[Array, str]] = field(default_factory=dict)


def slug(name: str) -> str:
    """A name for files and specifications: letters, digits, and _ . - ."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_") or VALUE


def outputs_of(result: Any) -> dict[str, Output]:
    """Outputs by name of what a function returned.

    A number, (number, unit) or array is called "value", or by the key of the mapping it stands in. A Curve gives y and
    its columns over x, and numbers of y: `ltp` and `ltd`, the sizes of its lobes (S), where x is a delay; otherwise
    NAME_max and NAME_min, and over time NAME_end. Raises InputError for anything else.
    """
    return _named(result, "")


def _named(result: Any, key: str) -> dict[str, Output]:
    if isinstance(result, Curve):
        return _curve(result, key)
    if isinstance(result, tuple) and hasattr(result, "_asdict"):
        result = result._asdict()
    if isinstance(result, Mapping):
        found: dict[str, Output] = {}
        for name, value in result.items():
            text = slug(str(name))
            found.update(_named(value, f"{key}.{text}" if key else text))
        if not found:
            raise InputError("result of the function", found="nothing", expected="at least one number")
        return found
    unit = "1"
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
        result, unit = result
    if hasattr(result, "dims") and hasattr(result, "coords"):  # an xarray DataArray
        coords = {slug(str(d)): (np.asarray(result[d], dtype=float), str(result[d].attrs.get("units", "1")))
                  for d in result.dims if d in result.coords}
        return {key or slug(str(result.name or VALUE)): Output(
            np.asarray(result, dtype=float), str(result.attrs.get("units", "1")),
            tuple(slug(str(d)) for d in result.dims), coords)}
    try:
        values = np.array(result, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"result of the function{f', {key}' if key else ''}", found=f"a {type(result).__name__}",
                         expected="a number, (number, unit), array, Curve, DataArray, or a mapping of these") from None
    name = key or VALUE
    return {name: Output(values, unit, tuple(f"{name}_{i}" for i in range(values.ndim)))}


def _curve(curve: Curve, key: str) -> dict[str, Output]:
    x, y = slug(curve.x_label), key or slug(curve.y_label)
    prefix = f"{key}." if key else ""
    x = x if not key else f"{key}.{x}" if x not in ("time", "delay") else x
    over = {x: (np.array(curve.x), curve.x_unit)}
    found = {y: Output(np.array(curve.y), curve.y_unit, (x,), over)}
    for name, column in curve.columns.items():
        found[prefix + slug(name)] = Output(np.array(column.values), column.unit, (x,), over)
    top, bottom, end = (_settled(float(value), curve.y) for value in (curve.y.max(), curve.y.min(), curve.y[-1]))
    if curve.x_label == "delay":
        numbers = {f"{prefix}ltp": max(top, 0.0), f"{prefix}ltd": max(-bottom, 0.0)}
    else:
        numbers = {f"{y}_max": top, f"{y}_min": bottom}
        if curve.x_label == "time":
            numbers[f"{y}_end"] = end
    return {**found, **{name: Output(np.array(value), curve.y_unit) for name, value in numbers.items()}}


def _settled(value: float, y: Array) -> float:
    """A number of a curve; 0 where it is only the rounding of the largest."""
    return 0.0 if abs(value) < ROUNDING * float(np.abs(y).max()) else value
