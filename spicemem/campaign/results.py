"""Results of a campaign: a labelled data set, what failed, and the folder both are kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spicemem import __version__
from spicemem.campaign.outputs import Output
from spicemem.campaign.plan import Plan
from spicemem.campaign.worker import Outcome
from spicemem.errors import InputError
from spicemem.files import write_bytes, write_text

if TYPE_CHECKING:
    import xarray as xr

DATA, FAILURES = "data.nc", "failures.json"
STATUS = "status"
OK, FAILED, MISSING = 0, 1, 2


@dataclass(frozen=True)
class Failure:
    """A point that has no result: its number, what it set, why, and the folder with netlist and log ("": none)."""

    index: int
    settings: Mapping[str, Any]
    reason: str
    folder: str = ""


@dataclass(frozen=True)
class Campaign:
    """What a campaign found.

    data: an xarray Dataset. Its dimensions are the axes, "sample", "corner"; coordinates and variables have `units`;
    `status` says 0 ok, 1 failed, 2 not run; points without a result are nan. kind: "sweep", "monte_carlo", "corners".
    varied: names of the numbers that change. outputs: names of the variables that are one number a point.
    """

    data: xr.Dataset
    failures: Sequence[Failure] = field(default_factory=tuple)
    wall_s: float = 0.0

    @property
    def kind(self) -> str:
        """Which of the three it is."""
        return str(self.data.attrs["campaign"])

    @property
    def varied(self) -> list[str]:
        """Names of the numbers that change from point to point."""
        return list(json.loads(self.data.attrs["varied"]))

    @property
    def outputs(self) -> list[str]:
        """Names of the variables that are one number a point."""
        return [str(n) for n, v in self.data.data_vars.items() if v.dims == self.data[STATUS].dims and n != STATUS]

    @property
    def count(self) -> dict[str, int]:
        """Points by what became of them: ok, failed, not run."""
        status = self.data[STATUS].values
        codes = {"ok": OK, "failed": FAILED, "not run": MISSING}
        return {name: int((status == code).sum()) for name, code in codes.items()}

    def unit(self, name: str) -> str:
        """SI unit of a variable or coordinate."""
        return str(self.data[name].attrs.get("units", "1"))

    def column(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A quantity or coordinate, one number for each point, in the order of the points; nan where there is none."""
        values = self.data[name].broadcast_like(self.data[STATUS]).transpose(*self.data[STATUS].dims)
        return np.asarray(values, dtype=np.float64).ravel()

    def save(self, folder: str | Path) -> None:
        """Write data.nc (netCDF) and failures.json, each under its name only when complete."""
        folder = Path(folder)
        write_data(self.data, folder / DATA)
        rows = [asdict(failure) for failure in self.failures]
        write_text(folder / FAILURES, json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def write_data(data: xr.Dataset, path: Path) -> None:
    """Write a data set as netCDF 3 (by SciPy), at once or not at all."""
    write_bytes(path, bytes(data.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))


def load(folder: str | Path) -> Campaign:
    """The campaign of a folder that `save`, or the command line, wrote. Raises InputError where there is none."""
    import xarray as xr  # slow to import, and no worker needs it

    folder = Path(folder)
    try:
        data = xr.load_dataset(folder / DATA, engine="scipy")
        rows = json.loads((folder / FAILURES).read_text(encoding="utf-8"))
        found = Campaign(data, tuple(Failure(**row) for row in rows))
        found.kind, found.varied, found.count  # noqa: B018  (whether they are there)
    except FileNotFoundError as error:
        raise InputError(f"campaign in {folder}", found=f"no {Path(str(error.filename)).name}",
                         expected="a folder that a campaign wrote") from None
    except Exception as error:  # whatever a damaged file makes a reader raise
        raise InputError(f"campaign in {folder}", found=f"{type(error).__name__}: {error}",
                         expected="files as a campaign writes them") from None
    return found


def assemble(plan: Plan, outcomes: Mapping[int, Outcome], attrs: Mapping[str, Any]) -> Campaign:
    """The data set of a plan from the outcomes that there are: it depends on them alone, not on their order."""
    import xarray as xr

    dims, shape = tuple(d.name for d in plan.dims), plan.shape
    coords = {name: (d.name, np.asarray(values), {"units": unit} if unit else {})
              for d in plan.dims for name, (values, unit) in d.coords.items()}
    status = np.full(len(plan), MISSING, dtype=np.int8)
    for index, outcome in outcomes.items():
        status[index] = FAILED if outcome.outputs is None else OK
    found = {index: outcomes[index].outputs or {} for index in sorted(outcomes)}
    names = dict.fromkeys(name for outputs in found.values() for name in outputs)
    variables: dict[str, Any] = {STATUS: (dims, status.reshape(shape), {
        "flag_values": np.array([OK, FAILED, MISSING], dtype=np.int8), "flag_meanings": "ok failed not_run"})}
    taken = {*coords, *dims, STATUS}
    for name in names:
        given = {index: outputs[name] for index, outputs in found.items() if name in outputs}
        own = name if name not in taken else f"{name}_out"
        _add(own, given, dims, shape, variables, coords)
    attributes = {"campaign": plan.kind, "title": plan.study.title, "varied": json.dumps(list(plan.varied)),
                  "spicemem": __version__, **({"seed": plan.seed} if plan.seed is not None else {}),
                  **({"method": plan.method, "base": plan.base} if plan.method else {}),
                  **({"remarks": json.dumps(list(plan.remarks))} if plan.remarks else {}), **attrs}
    failures = tuple(Failure(index, plan.label(index), outcome.reason, outcome.folder)
                     for index, outcome in sorted(outcomes.items()) if outcome.outputs is None)
    return Campaign(xr.Dataset(variables, coords, attributes), failures)


def _add(name: str, given: Mapping[int, Output], dims: tuple[str, ...], shape: tuple[int, ...],
         variables: dict[str, Any], coords: dict[str, Any]) -> None:
    """Put an output of all points among the variables; where points have different x, x is a variable too."""
    first = next(iter(given.values()))
    inner = tuple(max(o.values.shape[i] if i < o.values.ndim else 1 for o in given.values())
                  for i in range(first.values.ndim))
    own_dims = []
    for axis, dim in enumerate(first.dims):
        xs = {index: o.coords[dim][0] for index, o in given.items() if dim in o.coords}
        unit = first.coords[dim][1] if dim in first.coords else "1"
        x = next(iter(xs.values())) if xs else None
        same = x is not None and all(np.array_equal(x, other) for other in xs.values()) and (
            dim not in coords or np.array_equal(coords[dim][1], x)) and len(x) == inner[axis] and dim not in dims
        if same:
            coords[dim] = (dim, x, {"units": unit})
            own_dims.append(dim)
            continue
        index_dim = f"{dim}_index" if dim not in coords else f"{name}_{dim}_index"
        own_dims.append(index_dim)
        if xs and f"{name}_{dim}" not in variables:
            variables[f"{name}_{dim}"] = ((*dims, index_dim), _filled(xs, shape, (inner[axis],)), {"units": unit})
    values = _filled({index: o.values for index, o in given.items()}, shape, inner)
    variables[name] = ((*dims, *own_dims), values, {"units": first.unit})


def _filled(given: Mapping[int, np.ndarray[Any, Any]], shape: tuple[int, ...], inner: tuple[int, ...]) -> Any:
    """Arrays of points in one, nan where a point has none or a shorter one."""
    values = np.full((int(np.prod(shape)), *inner), np.nan)
    for index, array in given.items():
        if array.ndim == len(inner):
            inside = tuple(slice(0, n) for n in array.shape)
            values[index, ...][inside] = array
    return values.reshape((*shape, *inner))


def outcomes_of(campaign: Campaign, plan: Plan) -> dict[int, Outcome]:
    """The outcomes that a campaign holds, for going on with those that failed."""
    data, dims = campaign.data, tuple(d.name for d in plan.dims)
    status = data[STATUS].values.ravel()
    flat: dict[str, tuple[Any, Any]] = {}
    for name, variable in data.data_vars.items():
        if name != STATUS:
            flat[str(name)] = (variable, variable.values.reshape((len(plan), *variable.shape[len(dims):])))
    found: dict[int, Outcome] = {}
    for index in np.flatnonzero(status == OK):
        outputs = {}
        for name, (variable, values) in flat.items():
            own = tuple(str(d) for d in variable.dims[len(dims):])
            xs = {d: (data[d].values, str(data[d].attrs.get("units", "1"))) for d in own if d in data.coords}
            outputs[name] = Output(values[index], str(variable.attrs.get("units", "1")), own, xs)
        found[int(index)] = Outcome(int(index), outputs)
    for failure in campaign.failures:
        found[failure.index] = Outcome(failure.index, None, failure.reason, failure.folder)
    return found
