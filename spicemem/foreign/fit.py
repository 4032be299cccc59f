"""Parameters of a device from measured currents: sweeps and pulse trains in CSV, by least squares from many starts."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spicemem.curve import axis_text, save_figure
from spicemem.errors import InputError, ModelError, SimulationError, nearest
from spicemem.files import write_text
from spicemem.fits import Parameter
from spicemem.foreign.integrate import Integrator
from spicemem.model import Model, Param
from spicemem.units import engineering, parse_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
#: Error assumed of a current: this part of the recording's largest, and this part of the current itself.
NOISE = (2e-3, 1e-2)
#: How far (a factor) starts lie around the device's own value, where the range allows it; drawn starts a refined one.
SPREAD, DRAWN = 5.0, 8
#: Steps of a descent from far off, near its end, and from the best of the ends.
FAR, NEAR, LAST = 12, 8, 30
#: A relative error above this says that the data leave a parameter open; residual of a lane that ran out of numbers.
OPEN, _LOST = 1.0, 1e3
_COLUMNS = {"time": "s", "voltage": "V", "current": "A"}


@dataclass(frozen=True, eq=False)
class Recording:
    """A measurement: time (s, increasing), voltage (V) at the pin where the device is written, current (A) into it.

    The device is in its starting state at the first point; between points the voltage is straight. Raises InputError.
    """

    time: Array
    voltage: Array
    current: Array
    name: str = "data"

    def __post_init__(self) -> None:
        if not self.name or Path(self.name).name != self.name or not self.name.isprintable():  # it names files
            raise InputError("name of a recording", found=repr(self.name), expected="one without a folder")
        for key in _COLUMNS:
            values = np.asarray(getattr(self, key), float)
            if values.ndim != 1 or len(values) != len(self.time) or not np.isfinite(values).all():
                raise InputError(f"{self.name}: {key}", found=f"shape {values.shape}",
                                 expected="finite numbers, as many as times")
            object.__setattr__(self, key, values)
        if len(self.time) < 3 or not (np.diff(self.time) > 0).all():
            raise InputError(f"{self.name}: time", found=f"{len(self.time)} points", expected="3 or more that increase",
                             remedy="Give the two ends of an edge different times")
        if not np.ptp(self.voltage) or not np.ptp(self.current):
            raise InputError(self.name, found="a voltage or current that is the same everywhere", expected="a response")

    @classmethod
    def from_csv(cls, path: str | Path) -> Recording:
        """Columns time, voltage, current, found by their names; `#` lines are comments. Units in brackets may have a
        prefix: "voltage [V],current [uA],time [ms]"; without brackets SI. Raises InputError with file and line."""
        path = Path(path)
        try:
            rows = [(k, row) for k, row in enumerate(path.read_text("utf-8-sig").splitlines(), 1)
                    if row.strip() and not row.startswith("#")]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"data {path}", found=str(error), expected="a CSV file") from None
        where: dict[str, tuple[int, float]] = {}
        for k, head in enumerate(next(csv.reader([rows[0][1]])) if rows else []):
            match = re.fullmatch(r"\s*(\w+)[^\[(]*(?:[\[(]\s*(\S+)\s*[\])])?\s*", head)
            word = match[1].lower() if match else ""
            for key in _COLUMNS if match else ():
                if word in (key, key[0]) and key not in where:
                    unit = _COLUMNS[key]
                    text = (match[2] or unit) if match else unit
                    where[key] = k, 1.0 if text == unit else parse_quantity(f"1{text}", unit, f"{path.name}: unit")
        if len(where) < 3:
            raise InputError(f"header of {path.name}", found=repr(rows[0][1]) if rows else "an empty file",
                             expected="columns time, voltage and current", remedy='Such as "time [s],voltage [V],'
                             'current [A]"')
        table = []
        for line, row in rows[1:]:
            cells = next(csv.reader([row]))
            try:
                table.append([float(cells[k]) * scale for k, scale in (where[key] for key in _COLUMNS)])
            except (ValueError, IndexError):
                raise InputError(f"{path.name}, line {line}", found=repr(row), expected="a number in each column"
                                 ) from None
        t, v, i = np.array(table).reshape(-1, 3).T
        return cls(t, v, i, path.stem)


@dataclass(frozen=True, eq=False)
class DeviceFit:
    """A fitted device. parameters: value, standard error and unit of each that was fitted; open: those whose error
    is as large as themselves: the data do not tell them. currents: of the fitted device, for each recording (A).
    chi: root mean square of the residuals in their assumed errors (1: as good as the noise); rms: of each recording, in
    its largest current. at_bound: parameters that ended at a bound. starts: chi of each refined start, best first.
    """

    device: Model
    parameters: Mapping[str, Parameter]
    recordings: tuple[Recording, ...]
    currents: tuple[Array, ...]
    chi: float
    rms: tuple[float, ...]
    open: tuple[str, ...]
    at_bound: tuple[str, ...]
    starts: tuple[float, ...]
    correlation: Array = field(repr=False)

    def report(self) -> str:
        """What was found, a line a parameter."""
        rows = [f"{self.device.definition.name}: residuals {self.chi:.3g} times the assumed errors; "
                + ", ".join(f"{r.name} {100 * e:.2g} % rms of its largest current"
                            for r, e in zip(self.recordings, self.rms, strict=True))]
        width = max(map(len, self.parameters))
        for name, p in self.parameters.items():
            note = " (left open by the data)" if name in self.open else ""
            note += " (at its bound)" if name in self.at_bound else ""
            rows.append(f"  {name:{width}}  {engineering(p.value, p.unit)} +- {engineering(p.error, p.unit, 2)}{note}")
        return "\n".join(rows)

    def plot(self) -> Figure:
        """Each recording and the fitted device: current against voltage and against time, with the residual."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 3.6 * len(self.recordings)), layout="constrained")
        axes = figure.subplots(len(self.recordings), 2, squeeze=False)
        for (left, right), r, model in zip(axes, self.recordings, self.currents, strict=True):
            (sv, v_text), (st, t_text), (si, i_text) = (
                axis_text(name, _COLUMNS[name], values, False)
                for name, values in (("voltage", r.voltage), ("time", r.time), ("current", r.current)))
            for ax, x, text in ((left, r.voltage * sv, v_text), (right, r.time * st, t_text)):
                ax.plot(x, r.current * si, ".", color="#888888", ms=4, label="data")
                ax.plot(x, model * si, color="#c2410c", lw=1.4, label=f"fitted {self.device.definition.name}")
                ax.set_xlabel(text)
                ax.set_ylabel(i_text)
                ax.grid(alpha=0.25)
            right.plot(r.time * st, (r.current - model) * si, color="#1d4ed8", lw=0.8, label="data - fit")
            left.set_title(r.name, fontsize=11, loc="left")
            right.legend(fontsize=9)
        return figure

    def save(self, folder: str | Path) -> None:
        """fit.json, fit.png and for each recording NAME.csv with a further column, the fitted current."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        data = {"device": self.device.definition.name, "preset": self.device.preset_name, "chi": self.chi,
                "rms": dict(zip((r.name for r in self.recordings), self.rms, strict=True)),
                "parameters": {k: p._asdict() for k, p in self.parameters.items()}, "open": self.open,
                "at_bound": self.at_bound, "chi_of_starts": self.starts, "all_values": dict(self.device.values)}
        write_text(folder / "fit.json", json.dumps(data, indent=2) + "\n")
        for r, model in zip(self.recordings, self.currents, strict=True):
            rows = zip(r.time, r.voltage, r.current, model, strict=True)
            text = "\n".join(",".join(repr(float(x)) for x in row) for row in rows)
            write_text(folder / f"{r.name}-fit.csv", f"time [s],voltage [V],current [A],fitted [A]\n{text}\n")
        save_figure(self.plot(), folder / "fit.png")


def fit(device: Model, data: Recording | str | Path | Sequence[Recording | str | Path],
        free: Sequence[str] | None = None, *, bounds: Mapping[str, tuple[float, float]] | None = None,
        noise: tuple[float, float] = NOISE, starts: int = 4, seed: int = 1,
        progress: Callable[[int, int, str], None] | None = None) -> DeviceFit:
    """The values of parameters with which a device answers recorded voltages by the recorded currents.

    device: gives the equations, the values of what is not fitted, and the first start. data: recordings or CSV files;
    the device starts each in its own starting state. free: names; default: those that the data tell apart near the
    device's own values. bounds: by name, default the range of the parameter, within which parameters that have one sign
    are fitted as logarithms. noise: assumed error of a current, as (part of the recording's largest, part of itself):
    it decides what counts, and the errors of the parameters scale with the residuals that remain. starts: how many are
    refined, of eight times as many that are drawn by `seed` (log-uniform within a factor of 5) and tried.
    Raises InputError, ModelError for a bad request, SimulationError when no start can be integrated.
    """
    items = [data] if isinstance(data, Recording | str | Path) else list(data)
    recordings = tuple(r if isinstance(r, Recording) else Recording.from_csv(r) for r in items)
    if not recordings or not starts > 0 or not all(x >= 0 for x in noise) or not any(noise):
        raise InputError("fit", found=f"{len(recordings)} recordings, {starts} starts, noise {noise}",
                         expected="at least one recording and one start, and a noise that is not all 0")
    space = _Space(device, recordings, noise, bounds or {})
    space.choose(free)
    first = space.inside(space.values_of(device))
    source = np.random.default_rng(seed)
    reach = [np.log(SPREAD) if s else SPREAD / 10 * max(abs(x), 1e-12)
             for s, x in zip(space.signs, first, strict=True)]
    drawn = [space.inside(first + source.uniform(-1, 1, len(first)) * reach)
             for _ in range(DRAWN * starts if starts > 1 else 0)]
    tried = np.array([first, *drawn])
    costs = np.sum(np.arcsinh(space.residuals(tried)) ** 2, axis=1)  # far points must not decide among far starts
    order = [0, *(1 + np.argsort(costs[1:])[:starts - 1])]
    found = []
    for k, start in enumerate(order, 1):
        far = _refined(space, tried[start], FAR, True)
        found.append(_refined(space, far[0], NEAR, False))
        if progress:
            progress(k, len(order), "starts")
    found.sort(key=lambda pair: pair[1])
    found[0] = _refined(space, found[0][0], LAST, False)
    best, cost = found[0]
    if not np.isfinite(cost) or cost >= 0.1 * _LOST**2 * len(space.sigma):
        raise SimulationError(f"fit of {device.definition.name}", found="no start that can be integrated",
                              expected="one", remedy="Start from values nearer to the data, or give bounds")
    return _result(space, best, tuple(math.sqrt(c / len(space.sigma)) for _, c in found))


def _refined(space: _Space, start: Array, steps: int, robust: bool) -> tuple[Array, float]:
    """Where a descent of at most so many steps ends, and the sum of squares there. robust: outliers pull less, for the
    way from far off."""
    from scipy.optimize import least_squares

    last: dict[bytes, tuple[Array, Array]] = {}

    def both(x: Array) -> tuple[Array, Array]:
        # Residuals and slopes are one integration: lanes cost next to nothing.
        if x.tobytes() not in last:
            last.clear()
            last[x.tobytes()] = space.linear(x)
        return last[x.tobytes()]

    done = least_squares(lambda x: both(x)[0], start, jac=lambda x: both(x)[1], bounds=(space.low, space.high),
                         x_scale="jac", loss="soft_l1" if robust else "linear", f_scale=3.0, max_nfev=steps, xtol=1e-6,
                         ftol=1e-5)
    return done.x, float(np.sum(done.fun**2))


class _Space:
    """Parameters as the numbers that are fitted: logarithms where they have one sign."""

    def __init__(self, device: Model, recordings: Sequence[Recording], noise: tuple[float, float],
                 bounds: Mapping[str, tuple[float, float]]):
        self.device, self.recordings, self.bounds = device, recordings, bounds
        self.integrator = Integrator(device)
        self.sigma = np.concatenate([noise[0] * np.abs(r.current).max() + noise[1] * np.abs(r.current)
                                     for r in recordings])
        self.names: list[str] = []
        self.signs: list[int] = []
        self.low = self.high = np.zeros(0)
        known = device.definition.params
        for name, (low, high) in bounds.items():
            if name not in known:
                raise InputError(f"bounds of {name!r}", found="no such parameter", remedy=nearest(name, known))
            if not known[name].low <= low < high <= known[name].high:
                raise InputError(f"bounds of {name}", found=f"{low:g} to {high:g}", expected=known[name].range)

    def _sign(self, name: str) -> int:
        p, value = self.device.definition.params[name], self.device.values[name]
        low, high = self.bounds.get(name, (p.low, p.high))
        return 1 if low >= 0 and value > 0 else -1 if high <= 0 and value < 0 else 0

    def take(self, names: Sequence[str]) -> None:
        """Make these the free ones."""
        self.names = list(names)
        self.signs = [self._sign(name) for name in names]
        ends = []
        for name, sign in zip(names, self.signs, strict=True):
            p: Param = self.device.definition.params[name]
            low, high = self.bounds.get(name, (p.low, p.high))
            if sign:
                least = 1e-12 * abs(self.device.values[name])
                ends.append(sorted(math.log(max(sign * e, least)) if math.isfinite(e) else 690.0 for e in (low, high)))
            else:
                ends.append([low, high])
        self.low, self.high = np.array(ends, float).reshape(-1, 2).T

    def values_of(self, device: Model) -> Array:
        """The fitted numbers of a device."""
        return np.array([math.log(s * device.values[n]) if s else device.values[n]
                         for n, s in zip(self.names, self.signs, strict=True)])

    def inside(self, x: Array) -> Array:
        """The same a hair within the bounds."""
        room = 1e-9 * np.where(np.isfinite(self.high - self.low), self.high - self.low, 1.0)
        return np.asarray(np.clip(x, self.low + room, self.high - room))

    def values(self, x: Array) -> dict[str, Array]:
        """Parameter values from rows of fitted numbers."""
        return {name: sign * np.exp(column) if sign else column
                for name, sign, column in zip(self.names, self.signs, x.T, strict=True)}

    def currents(self, x: Array) -> list[Array]:
        """Currents (A) of each recording, a row for each row of x."""
        values = self.values(x) or {"": np.zeros(len(x))}
        return [self.integrator.currents(values, r.time, r.voltage) for r in self.recordings]

    def residuals(self, x: Array) -> Array:
        """(model - data) in assumed errors, a row for each row of x."""
        data = np.concatenate([r.current for r in self.recordings])
        found = (np.concatenate(self.currents(x), axis=1) - data) / self.sigma
        return np.asarray(np.clip(np.nan_to_num(found, nan=_LOST, posinf=_LOST, neginf=-_LOST), -_LOST, _LOST))

    def linear(self, x: Array) -> tuple[Array, Array]:
        """The residuals at x and their derivatives, a column for each fitted number; all lanes take the same steps."""
        reach = np.array([1e-4 if s else 1e-4 * max(abs(v), 1e-3 * (h - l) if math.isfinite(h - l) else 1e-3)
                          for s, v, l, h in zip(self.signs, x, self.low, self.high, strict=True)])
        reach = np.where(x + reach > self.high, -reach, reach)
        rows = self.residuals(np.vstack([x, x + np.diag(reach)]))
        return rows[0], np.asarray(((rows[1:] - rows[0]) / reach[:, None]).T)

    def choose(self, free: Sequence[str] | None) -> None:
        """Take the named parameters, or those that the data tell apart."""
        from scipy.linalg import qr

        known = self.device.definition.params
        for name in free or ():
            if name not in known or name == "hold":
                raise InputError("parameter to fit", found=repr(name), expected="one of the device's",
                                 remedy=nearest(name, known))
        if free is not None:
            if not free or len(set(free)) < len(free):
                raise InputError("parameters to fit", found=", ".join(free) or "none", expected="different names")
            self.take(free)
            return
        # A value of 0 switches a part of the model off: it stays off unless asked for.
        self.take([name for name in known if name != "hold" and self._sign(name)])
        _, r, order = qr(self.linear(self.inside(self.values_of(self.device)))[1], mode="economic", pivoting=True)
        size = np.abs(np.diag(r))
        kept = {self.names[k] for k, s in zip(order, size, strict=False) if s > max(3e-2 * size[0], 3.0)}
        if not kept:
            raise InputError(f"fit of {self.device.definition.name}", found="no parameter that changes the currents",
                             expected="at least one", remedy="Start from values nearer to the data, or name them")
        self.take([name for name in known if name in kept])


def _result(space: _Space, x: Array, chis: tuple[float, ...]) -> DeviceFit:
    residual, slopes = space.linear(x)
    freedom = max(len(residual) - len(x), 1)
    # Singular directions have no error at all: their parameters are left open.
    _, size, turn = np.linalg.svd(slopes, full_matrices=False)
    covariance = (turn.T / np.maximum(size, 1e-9 * size[0]) ** 2) @ turn * (residual @ residual) / freedom
    deviation = np.sqrt(np.diag(covariance))
    values = {name: float(v[0]) for name, v in space.values(x[None]).items()}
    params = space.device.definition.params
    try:
        device = space.device.replace(**values)
    except ModelError as error:
        raise SimulationError(f"fit of {space.device.definition.name}", found=f"values that it refuses: {error}",
                              expected="ones that go together", remedy="Give bounds that keep them apart") from None
    errors = {name: float(d * abs(values[name]) if s else d)
              for name, d, s in zip(space.names, deviation, space.signs, strict=True)}
    relative = {name: float(d if s else d / max(abs(values[name]), 1e-300))
                for name, d, s in zip(space.names, deviation, space.signs, strict=True)}
    currents = tuple(rows[0] for rows in space.currents(x[None]))
    room = 1e-6 * np.where(np.isfinite(space.high - space.low), space.high - space.low, np.inf)
    return DeviceFit(
        device, {n: Parameter(values[n], errors[n], params[n].unit) for n in space.names}, tuple(space.recordings),
        currents, float(np.sqrt(np.mean(residual**2))),
        tuple(float(np.sqrt(np.mean((c - r.current) ** 2)) / np.abs(r.current).max())
              for c, r in zip(currents, space.recordings, strict=True)),
        tuple(n for n in space.names if relative[n] > OPEN),
        tuple(n for n, v, l, h, e in zip(space.names, x, space.low, space.high, room, strict=True)
              if v < l + e or v > h - e), chis, covariance / np.outer(deviation, deviation))
