"""Fits of the functions that the field describes learning curves by: values, standard errors, goodness, residuals.

Also the figures of merit of repeated pulses: nonlinearity of LTP and LTD, and their asymmetry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from spicemem.errors import CurveError, nearest
from spicemem.units import engineering

Array = NDArray[np.float64]
Kind = Literal["exponential-stdp", "gaussian", "exponential", "double-exponential", "stretched-exponential", "ltp",
               "ltd", "line", "log-log-line"]
#: Deviation from the straight line, over the range, that NeuroSim's label counts as 1: 0.07 across the diagonal.
NEUROSIM_UNIT = 0.07 * 2**0.5


class Parameter(NamedTuple):
    """A fitted parameter: value, its standard error (0 if it was given, not fitted), and the unit of both."""

    value: float
    error: float
    unit: str


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted function; call it with x in SI (a number or an array), it returns y in SI, nan where it says nothing.

    parameters: name -> (value, standard error, unit). residuals: points minus fit for each point, in the unit of y
    (in decades for a log-log line); nan for points that the fit leaves out. r_squared is 1 for a perfect fit (log10 y
    for a log-log line) and nan where y is constant.
    """

    kind: str
    parameters: Mapping[str, Parameter]
    r_squared: float
    residuals: Array
    function: Callable[[Array], Array] = field(repr=False)

    def __call__(self, x: object) -> Array:
        return self.function(np.asarray(x, dtype=np.float64))

    def __getitem__(self, name: str) -> float:
        """The value of a parameter."""
        return self.parameter(name).value

    def parameter(self, name: str) -> Parameter:
        """Value, standard error and unit of a parameter. Raises CurveError for a name that the fit does not have."""
        if name not in self.parameters:
            raise CurveError(f"parameter of the {self.kind} fit", found=repr(name),
                             remedy=nearest(name, self.parameters))
        return self.parameters[name]


# --- the kinds --------------------------------------------------------------------------------------------------------
# Each is a sum of amplitudes times functions of x, whose shape further parameters set. So for a given shape the best
# amplitudes are known, and a grid of shapes gives starting points that lie in the basin of the best minimum.


@dataclass(frozen=True)
class _Form:
    amplitudes: tuple[str, ...]
    shapes: tuple[str, ...]
    rows: Callable[..., list[Array]]
    offset: bool = False  # may have one
    forward: bool = False  # x counts from 0


def _sides(x: Array, **tau: float) -> list[Array]:
    return [np.where(x > 0 if name == "tau+" else x < 0, np.exp(-np.abs(x) / value), 0.0)
            for name, value in tau.items()]


def _bell(x: Array, mu: float, sigma: float) -> list[Array]:
    return [np.exp(-0.5 * ((x - mu) / sigma) ** 2)]


def _decays(x: Array, **tau: float) -> list[Array]:
    return [np.exp(-x / value) for value in tau.values()]


def _stretched(x: Array, tau: float, beta: float) -> list[Array]:
    return [np.exp(-((x / tau) ** beta))]


def _update(x: Array, alpha: float, P_max: float, down: bool = False) -> list[Array]:
    at = 1 - x / P_max if down else x / P_max
    share = at if abs(alpha) < 1e-9 else np.expm1(-alpha * at) / np.expm1(-alpha)
    return [1 - share, share]


def _straight(x: Array) -> list[Array]:
    return [x, np.ones_like(x)]


_FORMS = {
    "exponential-stdp": _Form(("A+", "A-"), ("tau+", "tau-"), _sides, offset=True),
    "gaussian": _Form(("A",), ("mu", "sigma"), _bell, offset=True),
    "exponential": _Form(("A",), ("tau",), _decays, offset=True, forward=True),
    "double-exponential": _Form(("C1", "C2"), ("tau1", "tau2"), _decays, offset=True, forward=True),
    "stretched-exponential": _Form(("A",), ("tau", "beta"), _stretched, offset=True, forward=True),
    "ltp": _Form(("G_min", "G_max"), ("alpha", "P_max"), _update, forward=True),
    "ltd": _Form(("G_min", "G_max"), ("alpha", "P_max"), partial(_update, down=True), forward=True),
    "line": _Form(("slope", "intercept"), (), _straight),
    "log-log-line": _Form(("slope", "intercept"), (), _straight),
}


def _positive(name: str) -> bool:
    return name.startswith(("tau", "sigma", "beta"))


def _in_x(name: str) -> bool:
    """Whether a parameter has the unit of x."""
    return name.startswith(("tau", "sigma", "mu", "P_max"))


def _constant(name: str) -> bool:
    """Whether a shift of all y is a shift of this parameter."""
    return name in ("offset", "intercept", "G_min", "G_max")


def _value(x: Array, kind: str, values: Mapping[str, float]) -> Array:
    """The function of that kind; nan where it says nothing: on a side of a window that has no parameters, before 0."""
    form = _FORMS[kind]
    with np.errstate(all="ignore"):
        rows = form.rows(x, **{name: values[name] for name in form.shapes if name in values})
    y = np.full(x.shape, values.get("offset", 0.0))
    for name, row in zip((n for n in form.amplitudes if n in values), rows, strict=True):
        y += values[name] * row
    if kind == "exponential-stdp":
        return np.where((x > 0) & ("A+" in values) | (x < 0) & ("A-" in values), y, np.nan)
    return np.where(x >= 0, y, np.nan) if form.forward else y


def _power(x: Array, exponent: float, factor: float) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(x > 0, factor * x**exponent, np.nan), dtype=np.float64)


# --- the fit ----------------------------------------------------------------------------------------------------------


def fit(kind: Kind, x: Array, y: Array, p0: Mapping[str, float] | None = None, *, offset: bool | float = False,
        centre: float | None = None, name: str = "points", x_unit: str = "1", y_unit: str = "1") -> Fit:
    """Fit a function to points by least squares; all standard errors come from the scatter of the residuals.

    - "exponential-stdp": A+ exp(-x/tau+) for x > 0, A- exp(x/tau-) for x < 0; x = 0 is left out. A side without
      points is left out, with its parameters. (Bi and Poo, J. Neurosci. 18, 10464, 1998.)
    - "gaussian": A exp(-(x - mu)^2 / (2 sigma^2)); centre=0.0 holds mu there.
    - "exponential": A exp(-x/tau), such as the decay of an EPSC.
    - "double-exponential": C1 exp(-x/tau1) + C2 exp(-x/tau2), tau1 < tau2: a facilitation index against the interval
      with offset=1.0 (Zucker and Regehr, Annu. Rev. Physiol. 64, 355, 2002).
    - "stretched-exponential": A exp(-(x/tau)^beta), retention (Kohlrausch; offset=True adds what stays).
    - "ltp": G_min + B (1 - exp(-x/A)), B = (G_max - G_min)/(1 - exp(-P_max/A)), x the pulses since the branch began
      (0 before the first), P_max the largest x; "ltd": the same curve run backwards, with P_max - x for x. Fitted are
      G_min, G_max and alpha = P_max/A: 0 is linear, LTP that saturates is above 0, LTD that falls fast at first is
      below 0 (sign of Chen, Peng and Yu, IEEE TCAD 37, 3067, 2018; their label is another number: `neurosim_label`).
    - "line": slope x + intercept.
    - "log-log-line": factor x^exponent, fitted as a line through log10 x, log10 y; factor is y at x = 1.

    offset (exponentials and gaussian): True fits a constant "offset", a number adds that one. p0: starting values by
    name; those not given are searched for. name, x_unit, y_unit: for messages and the units of the parameters. Raises
    CurveError for points that are not finite, too few or constant, when the fit does not converge, and when the points
    leave a parameter undetermined (a time constant no larger than its standard error).
    """
    what = f"{kind} fit of {name}"
    if kind not in _FORMS:
        raise CurveError(f"fit of {name}", found=repr(kind), remedy=nearest(str(kind), get_args(Kind)))
    form, log = _FORMS[kind], kind == "log-log-line"
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    _check(what, form, x, y, offset, centre)
    if log:
        if not ((x > 0).all() and (y > 0).all()):
            raise CurveError(what, found="x or y of zero or below", expected="positive x and y")
        x, y = np.log10(x), np.log10(y)
    given = {"P_max": float(x.max())} if "P_max" in form.shapes else {}
    given |= {"mu": float(centre)} if centre is not None else {}
    given |= {"offset": float(offset)} if not isinstance(offset, bool) else {}
    names = [n for n in (*form.amplitudes, *form.shapes, *(["offset"] if offset is True else [])) if n not in given]
    if kind == "exponential-stdp":
        there = "".join(s for s, here in (("+", x > 0), ("-", x < 0)) if here.any())
        names = [n for side in there for n in names if n.endswith(side)] + [n for n in names if n == "offset"]
    used = ~np.isnan(_value(x, kind, given | dict.fromkeys(names, 1.0)))
    if int(used.sum()) <= len(names):
        raise CurveError(what, found=f"{int(used.sum())} usable points",
                         expected=f"at least {len(names) + 1} for {len(names)} parameters")
    if form.shapes and np.ptp(y[used]) <= 1e-14 * np.abs(y[used]).max():
        raise CurveError(what, found="points that all have the same y",
                         expected=f"points that determine {', '.join(names)}")
    # Fitted in numbers near 1: femtosiemens over nanoseconds would drown in the solver's tolerances, and so would a
    # change of a millionth on a constant that the fit has anyway.
    shift = float(y[used].mean()) if any(map(_constant, names)) else given.get("offset", 0.0)
    sx, sy = (float(np.abs(v).max()) or 1.0 for v in (x[used], y[used] - shift))
    scale = {n: sx if _in_x(n) else 1.0 if n in ("alpha", "beta") else sy for n in [*names, *given]}
    if not form.shapes:
        scale["slope"] = sy / sx
    base = {n: shift if _constant(n) else 0.0 for n in scale}
    inner = {n: (v - base[n]) / scale[n] for n, v in _p0(what, kind, names, p0 or {}).items()}
    known = {n: (v - base[n]) / scale[n] for n, v in given.items()}
    best, errors = _solve(what, kind, names, known, x[used] / sx, (y[used] - shift) / sy, inner)
    values = {n: v * scale[n] + base[n] for n, v in best.items()}
    spread = {n: e * scale[n] for n, e in errors.items()}
    if kind == "double-exponential" and values["tau1"] > values["tau2"]:
        values, spread = ({n.translate(str.maketrans("12", "21")): v for n, v in d.items()} for d in (values, spread))
    units = {n: x_unit if _in_x(n) else "1" if n in ("alpha", "beta") else y_unit for n in scale}
    units["slope"] = y_unit if x_unit == "1" else f"{y_unit}/{x_unit}"
    for n in filter(_positive, names):
        if not spread[n] < values[n]:
            raise CurveError(what, found=f"{n} = {engineering(values[n], units[n])} with a standard error of "
                             f"{engineering(spread[n], units[n])}", expected="points that determine it",
                             remedy="Widen the grid, give p0, or fit another kind")
    residuals = y - _value(x, kind, values | given)
    total = float(((y[used] - y[used].mean()) ** 2).sum())
    constant = total <= used.sum() * (1e-14 * float(np.abs(y[used]).max())) ** 2
    r_squared = float("nan") if constant else 1.0 - float((residuals[used] ** 2).sum()) / total
    if log:
        factor = 10 ** values["intercept"]
        parameters = {"exponent": Parameter(values["slope"], spread["slope"], "1"),
                      "factor": Parameter(factor, factor * np.log(10) * spread["intercept"], y_unit)}
        return Fit(kind, parameters, r_squared, residuals,
                   partial(_power, exponent=values["slope"], factor=factor))
    parameters = {n: Parameter(values[n], spread[n], units[n]) for n in names}
    parameters |= {n: Parameter(v, 0.0, units[n]) for n, v in given.items()}
    return Fit(kind, parameters, r_squared, residuals, partial(_value, kind=kind, values=values | given))


def _check(what: str, form: _Form, x: Array, y: Array, offset: bool | float, centre: float | None) -> None:
    if x.ndim != 1 or x.shape != y.shape:
        raise CurveError(what, found=f"x of shape {x.shape}, y of shape {y.shape}", expected="as many x as y")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise CurveError(what, found="x or y that is not finite", expected="numbers")
    if offset is not False and not form.offset:
        raise CurveError(what, found=f"offset={offset!r}", expected="no offset for this kind")
    if centre is not None and "mu" not in form.shapes:
        raise CurveError(what, found=f"centre={centre!r}", expected="no centre for this kind",
                         remedy="Only a gaussian has one")
    if not np.isfinite([offset, centre or 0.0]).all():
        raise CurveError(what, found=f"offset {offset}, centre {centre}", expected="finite numbers")
    if form.forward and len(x) and (x.min() < 0 or not x.max() > 0):
        raise CurveError(what, found=f"x from {x.min():g} to {x.max():g}", expected="x from 0 on",
                         remedy="Count it from where the decay, or the train of pulses, begins")


def _p0(what: str, kind: str, names: list[str], p0: Mapping[str, float]) -> dict[str, float]:
    """Starting values by the names of the fit."""
    found = {}
    for given, number in p0.items():
        name, value = given, float(number)
        if kind == "log-log-line":
            name = {"exponent": "slope", "factor": "intercept"}.get(given, given)
            value = float(np.log10(value)) if name == "intercept" and value > 0 else value
        if name not in names:
            raise CurveError(what, found=f"starting value for {given!r}", remedy=nearest(given, names))
        if _positive(name) and not value > 0:
            raise CurveError(what, found=f"starting value {value:g} for {given}", expected="one above zero")
        found[name] = value
    return found


def _grid(name: str, x: Array) -> Array:
    """Values to look for a shape parameter among."""
    size = np.abs(x)
    if name.startswith("tau"):
        if name[-1] in "+-":
            size = size[x > 0 if name == "tau+" else x < 0]
        return np.geomspace(size[size > 0].min() / 2, 5 * size.max(), 14)
    if name == "sigma":
        return np.geomspace(0.02, 1.0, 8) * (float(np.ptp(x)) or 1.0)
    if name == "mu":
        return np.linspace(x.min(), x.max(), 17)
    return np.array([0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5]) if name == "beta" else np.arange(-9.0, 9.1, 2.0)


def _starts(kind: str, names: list[str], known: Mapping[str, float], x: Array, y: Array,
            p0: Mapping[str, float]) -> list[dict[str, float]]:
    """The best few points of a grid of shapes, each with the amplitudes that suit it."""
    form = _FORMS[kind]
    shapes = [n for n in form.shapes if n in names]
    found = []
    for point in product(*([p0[n]] if n in p0 else _grid(n, x) for n in shapes)):
        shape = dict(zip(shapes, map(float, point), strict=True))
        if kind == "double-exponential" and not shape["tau1"] < shape["tau2"] and not p0:
            continue
        with np.errstate(all="ignore"):
            rows = form.rows(x, **shape, **{n: v for n, v in known.items() if n != "offset"})
        matrix = np.column_stack([*rows, *([np.ones_like(x)] if "offset" in names else [])])
        solved, *_ = np.linalg.lstsq(matrix, y, rcond=1e-10)
        amplitudes = dict(zip((n for n in names if n not in shapes), map(float, solved), strict=True))
        found.append((float(((matrix @ solved - y) ** 2).sum()), {**shape, **amplitudes, **p0}))
    return [start for _, start in sorted(found, key=lambda item: item[0])[:4]]


def _solve(what: str, kind: str, names: list[str], known: Mapping[str, float], x: Array, y: Array,
           p0: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Best parameters over the starts and their standard errors. Raises CurveError when there are none."""
    from scipy.optimize import least_squares

    def outer(p: Array) -> dict[str, float]:
        # Positive ones are fitted as logarithms: their scale may be any, and no bound is ever met.
        with np.errstate(over="ignore"):
            return {n: float(np.exp(v)) if _positive(n) else float(v) for n, v in zip(names, p, strict=True)}

    def residuals(p: Array) -> Array:
        return _value(x, kind, {**known, **outer(p)}) - y

    best: tuple[float, Array, Array] | None = None
    trouble = "a parameter that the points leave free"
    for start in _starts(kind, names, known, x, y, p0):
        first = np.array([np.log(start[n]) if _positive(n) else start[n] for n in names])
        if not np.isfinite(residuals(first)).all():
            continue
        with np.errstate(all="ignore"):
            found = least_squares(residuals, first, ftol=1e-12, xtol=1e-12, gtol=1e-12, x_scale="jac", max_nfev=500)
        if not found.success:
            trouble = "no convergence"
            continue
        size = np.linalg.norm(found.jac, axis=0)
        if not size.all():
            continue
        unit = found.jac / size
        low, vectors = np.linalg.eigh(unit.T @ unit)
        if low[0] < 1e-12:  # parameters that only act together
            continue
        errors = np.sqrt(((vectors**2) / low).sum(axis=1)) / size
        if best is None or 2 * found.cost < best[0]:
            best = 2 * found.cost, found.x, errors * np.sqrt(2 * found.cost / (len(x) - len(names)))
    if best is None:
        raise CurveError(what, found=trouble, expected=f"points that determine {', '.join(names)}",
                         remedy="Give starting values in p0, or fit another kind")
    values = outer(best[1])
    return values, {n: float(e) * (values[n] if _positive(n) else 1.0) for n, e in zip(names, best[2], strict=True)}


# --- figures of merit of LTP and LTD ----------------------------------------------------------------------------------


def nonlinearity(x: Array, y: Array) -> float:
    """max |G - G_linear| / (G_max - G_min) of a branch: no model, the straight line joins its first and last point.

    x: pulses (any order), y: conductance. 0 for equal steps, towards 1 where the first pulse does it all. Raises
    CurveError for fewer than three points, points that are not finite, and constant ones.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    order = np.argsort(x, kind="stable")
    if not (x.ndim == 1 and x.shape == y.shape and len(x) > 2 and np.isfinite([x, y]).all()
            and np.ptp(x) > 0 and np.ptp(y) > 0):
        raise CurveError("nonlinearity", found=f"{x.size} pulses and {y.size} conductances",
                         expected="three finite points or more, of different pulses and conductances")
    x, y = x[order], y[order]
    line = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0])
    return float(np.abs(y - line).max() / np.ptp(y))


def neurosim_label(alpha: float) -> float:
    """The nonlinearity label of NeuroSim (-9 to 9 there) for an alpha = P_max/A of an "ltp" or "ltd" fit.

    NeuroSim tabulates A/P_max against its label (getParamA in formula.cpp of MLP+NeuroSim 3.0: 900 rows, label 0.01
    to 9, without a formula). What the rows are is the distance between the curve and its diagonal, both axes
    normalised, in units of 0.07: `nonlinearity` of the exact curve over 0.099. Label 1 is alpha = 0.80, label 5 is
    alpha = 5.20.
    """
    if abs(alpha) < 1e-6:
        return alpha / 8 / NEUROSIM_UNIT
    a = abs(alpha)
    at = -np.log(-np.expm1(-a) / a) / a  # where the curve is as steep as the line
    return float(np.sign(alpha) * (np.expm1(-a * at) / np.expm1(-a) - at) / NEUROSIM_UNIT)


def asymmetry(ltp: Fit, ltd: Fit) -> Parameter:
    """|alpha of LTP - alpha of LTD| and its standard error: 0 where depression runs back the way potentiation came.

    Raises CurveError for fits of other kinds.
    """
    if (ltp.kind, ltd.kind) != ("ltp", "ltd"):
        raise CurveError("asymmetry", found=f"fits {ltp.kind} and {ltd.kind}", expected="an ltp and an ltd fit")
    up, down = ltp.parameters["alpha"], ltd.parameters["alpha"]
    return Parameter(abs(up.value - down.value), float(np.hypot(up.error, down.error)), "1")
