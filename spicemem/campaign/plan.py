"""Points of a campaign: grids, samples and corners, drawn before anything runs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from spicemem.campaign.study import PROCESS, Redrawn, Study
from spicemem.circuit import DOT
from spicemem.devices.transistor import NFET
from spicemem.errors import InputError, SpicememError
from spicemem.model import Model
from spicemem.spread import Distribution, generator

Method = Literal["random", "lhs", "sobol", "saltelli"]
METHODS = ("random", "lhs", "sobol", "saltelli")
SAMPLE, CORNER = "sample", "corner"
Spread = Distribution | Redrawn
#: Values of an axis: numbers, or anything by label.
Axis = Sequence[float] | NDArray[np.float64] | Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True)
class Dim:
    """One dimension: what is set at each position, and the coordinates along it with their units."""

    name: str
    settings: Sequence[Mapping[str, Any]]
    coords: Mapping[str, tuple[Any, str]]


@dataclass(frozen=True)
class Plan:
    """The points of a campaign, all of them known before the first runs. varied: names of numbers that change."""

    kind: str
    study: Study
    dims: Sequence[Dim]
    seed: int | None = None
    method: str = ""
    remarks: Sequence[str] = ()
    base: int = 0
    varied: Sequence[str] = field(default_factory=tuple)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Positions along each dimension."""
        return tuple(len(d.settings) for d in self.dims)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def point(self, index: int) -> dict[str, Any]:
        """What point number `index` sets, the last dimension running fastest."""
        where = map(int, np.unravel_index(index, self.shape))
        return {key: value for dim, k in zip(self.dims, where, strict=True) for key, value in dim.settings[k].items()}

    def label(self, index: int) -> dict[str, Any]:
        """The coordinates of a point, as its row in a list of failures says them."""
        where = map(int, np.unravel_index(index, self.shape))
        return {name: _plain(values[k]) for dim, k in zip(self.dims, where, strict=True)
                for name, (values, _) in dim.coords.items()}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _axis(study: Study, name: str, given: Axis) -> Dim:
    """A grid axis. Raises InputError for an empty one, a value that is given twice, or one that no number can be."""
    labels: list[Any]
    values: list[Any]
    if isinstance(given, Mapping):
        labels, values = list(map(str, given)), list(given.values())
    else:
        values = [_plain(v) for v in (given if not isinstance(given, str | float | int) else [given])]
        labels = values
    what = f"axis {name}"
    if not values:
        raise InputError(what, found="no values", expected="at least one")
    text = [isinstance(v, str) for v in labels]
    for value in labels:
        if not isinstance(value, str) and (isinstance(value, bool) or not isinstance(value, int | float)
                                           or not math.isfinite(value)):
            raise InputError(what, found=repr(value), expected="finite numbers, or a mapping of labels to anything")
    if any(text) and not all(text):
        raise InputError(what, found="numbers and text", expected="one of them")
    if len(set(labels)) < len(labels):
        twice = next(v for v in labels if labels.count(v) > 1)
        raise InputError(what, found=f"{twice!r} twice", expected="different values")
    for value in values:
        study.checked(name, value)
    return Dim(name, [{name: v} for v in values],
               {name: (labels if any(text) else np.array(labels, dtype=float), study.unit(name) or "1")})


def _plan(kind: str, study: Study, dims: Sequence[Dim], **about: Any) -> Plan:
    if not dims:
        raise InputError(kind, found="nothing that varies", expected="at least one axis")
    names = [key for dim in dims for key in dict.fromkeys(k for s in dim.settings for k in s)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(kind, found=f"{name} varied twice", expected="each name once")
    transistors = {path for path, d in (study.nominal_circuit.devices() if study.nominal_circuit else {}).items()
                   if isinstance(d, NFET)}
    for name in names:
        if PROCESS in names and name.rpartition(DOT)[0] in transistors and name.endswith((".vt0", ".kp")):
            raise InputError(f"{kind}: {name}", found=f"varied beside {PROCESS}, which sets it too",
                             expected="one of them")
    varied = [name for dim in dims for name, (values, _) in dim.coords.items()
              if name in names and np.asarray(values).dtype.kind == "f" and len(values) > 1]
    return Plan(kind, study, tuple(dims), varied=tuple(varied), **about)


def grid(study: Study, axes: Mapping[str, Axis]) -> Plan:
    """Every combination of the values of named axes, the last running fastest."""
    return _plan("sweep", study, [_axis(study, name, given) for name, given in axes.items()])


def corner_sets(study: Study, sets: Mapping[str, Mapping[str, Any]], axes: Mapping[str, Axis] | None = None) -> Plan:
    """Named sets of settings, and every combination of them with the axes (process, temperature, supply, ...)."""
    dims = []
    for name, given in sets.items():
        if not given:
            raise InputError(f"corner {name}", found="no settings", expected="at least one, such as process=ss")
        for key, value in given.items():
            study.checked(key, value)
    if sets:
        used = list(dict.fromkeys(key for given in sets.values() for key in given))
        coords: dict[str, tuple[Any, str]] = {CORNER: (list(sets), "")}
        for key in used:
            values = [given.get(key) for given in sets.values()]
            if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
                coords[key] = (np.array(values, dtype=float), study.unit(key) or "1")
        dims.append(Dim(CORNER, [dict(given) for given in sets.values()], coords))
    return _plan("corners", study, [*dims, *(_axis(study, n, v) for n, v in (axes or {}).items())])


class _Quantile:
    """Stands in for a random generator: its one draw is the quantile of a number between 0 and 1."""

    def __init__(self, u: float):
        self.u = min(max(u, 1e-16), 1 - 1e-16)

    def standard_normal(self) -> float:
        return float(ndtri(self.u))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * self.u


def samples(study: Study, spreads: Mapping[str, Spread], count: int, seed: int, *, method: Method = "random",
            axes: Mapping[str, Axis] | None = None) -> Plan:
    """`count` draws of the spread parameters, and every combination of them with the axes.

    method: "random" (independent draws; sample k is the same however many are drawn; a draw that the circuit refuses is
    drawn again), "lhs" (Latin hypercube), "sobol" (scrambled; sample k is the same however many are drawn), "saltelli"
    (for Sobol indices: count*(d + 2) points, count a power of two). Raises InputError for what cannot be drawn.
    """
    if not spreads:
        raise InputError("monte_carlo", found="no spread", expected="a distribution for at least one parameter")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError("monte_carlo: samples", found=repr(count), expected="a whole number, at least 1")
    if method not in METHODS:
        raise InputError("monte_carlo: method", found=repr(method), expected=" or ".join(METHODS))
    generator(seed)  # refuses a seed that is none
    for name in spreads:
        if name == PROCESS and name not in study.arguments:
            raise InputError(f"spread of {name}", found="a corner", expected="a number", remedy="Make it an axis")
        study.checked(name, None)
    cycles = {n: s for n, s in spreads.items() if isinstance(s, Redrawn)}
    drawn = {n: s for n, s in spreads.items() if isinstance(s, Distribution)}
    around = {name: study.nominal(name) for name in drawn}
    remarks: list[str] = []
    if method == "random" or not drawn:
        rows = [_random(study, drawn, around, seed, k) for k in range(count)]
    else:
        unit = _unit_cube(method, len(drawn), count, seed, remarks)
        rows = [_quantiles(study, drawn, around, k, row) for k, row in enumerate(unit)]
    settings: list[dict[str, Any]] = [dict(row) for row in rows]
    coords: dict[str, tuple[Any, str]] = {SAMPLE: (np.arange(len(rows), dtype=np.int32), "1")}
    for name in drawn:
        coords[name] = (np.array([row[name] for row in rows]), study.unit(name) or "1")
    for name, cycle in cycles.items():
        seeds = [int(generator(seed, k, name).integers(2**31)) for k in range(len(rows))]
        coords[f"{name}.seed"] = (np.array(seeds, dtype=np.int32), "1")
        for k, row in enumerate(settings):
            row[name] = Redrawn(cycle.distribution, cycle.slot, cycle.stop, seeds[k])
    study.at(settings[0])  # refuses now, not at every point, a waveform for what is no input
    dims = [*(_axis(study, n, v) for n, v in (axes or {}).items()), Dim(SAMPLE, settings, coords)]
    return _plan("monte_carlo", study, dims, seed=seed, method=method, remarks=tuple(remarks), base=count)


def _random(study: Study, spreads: Mapping[str, Distribution], around: Mapping[str, float], seed: int,
            k: int) -> dict[str, float]:
    """As `Model.sample` draws: a stream for each sample and parameter, drawn again where the circuit refuses."""
    sources = {name: generator(seed, k, name) for name in spreads}
    refused: SpicememError | None = None
    for _ in range(100):
        row = {name: spread.around(around[name], sources[name]) for name, spread in spreads.items()}
        try:
            study.at(row)
        except SpicememError as error:
            refused = error
            continue
        return row
    raise InputError(f"sample {k}", found="100 draws that are refused",
                     expected="a spread that fits the allowed ranges", remedy=str(refused))


def _quantiles(study: Study, spreads: Mapping[str, Distribution], around: Mapping[str, float], k: int,
               row: NDArray[np.float64]) -> dict[str, float]:
    values = {name: spread.around(around[name], _Quantile(float(u)))  # type: ignore[arg-type]
              for (name, spread), u in zip(spreads.items(), row, strict=True)}
    try:
        study.at(values)
    except SpicememError as error:
        raise InputError(f"sample {k}", found=str(error), expected="a spread that fits the allowed ranges",
                         remedy="Only method random draws again: use it, or a narrower spread") from None
    return values


def _unit_cube(method: Method, d: int, count: int, seed: int, remarks: list[str]) -> NDArray[np.float64]:
    from scipy.stats import qmc  # slow to import, and no worker needs it

    random = np.random.default_rng(seed)
    if method == "lhs":
        return np.asarray(qmc.LatinHypercube(d, rng=random).random(count))
    power = count & (count - 1) == 0
    if method == "saltelli" and (not power or count < 2):
        raise InputError("monte_carlo: samples of saltelli", found=f"{count}", expected="a power of two, 2 or more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said in the remarks
        cube = np.asarray(qmc.Sobol(d if method == "sobol" else 2 * d, rng=random).random(count))
    if method == "sobol":
        if not power:
            remarks.append(f"{count} points of a Sobol sequence are less even than a power of two would be")
        return cube
    a, b = cube[:, :d], cube[:, d:]
    mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
    return np.vstack([a, b, *mixed])


def declared(study: Study, path: str) -> dict[str, Distribution]:
    """The spread that the device at a path declares, by "path.parameter". Raises InputError where it declares none."""
    device: Model = study.device(path)
    if not device.spread:
        raise InputError(f"spread of {path}", found=f"{device.definition.name} declares none",
                         expected="a distribution for a parameter", remedy=f"Write {path}.PARAMETER=lognormal:0.1")
    return {f"{path}{DOT}{name}": spread for name, spread in device.spread.items()}
