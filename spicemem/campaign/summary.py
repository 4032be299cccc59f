"""What a campaign says in few numbers: statistics, yield against a specification, what it is sensitive to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spicemem.campaign.results import OK, STATUS, Campaign
from spicemem.errors import InputError, nearest
from spicemem.units import engineering, parse_quantity

Array = NDArray[np.float64]
#: Of a confidence interval.
CONFIDENCE = 0.95
#: Fewest points that a rank correlation is given for.
LEAST = 8
_SPEC = re.compile(r"\s*(?:(?P<low>[^<>=]+?)\s*(?P<first><=?)\s*)?(?P<name>[A-Za-z_][\w.-]*)\s*"
                   r"(?:\((?P<at>[^()]+)\))?\s*(?P<op><=|>=|<|>)\s*(?P<bound>[^<>=]+?)\s*")
_TESTS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


class Statistic(NamedTuple):
    """Of an output over the points that have one, in its unit."""

    points: int
    mean: float
    std: float
    least: float
    p5: float
    median: float
    p95: float
    most: float


@dataclass(frozen=True)
class Spec:
    """A specification: "ltp > 1n", "1n < ltp <= 5n", "dG(20m) > 1n" (a curve at a value of x, linear in between)."""

    text: str
    name: str
    at: str | None
    bounds: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read a specification. Raises InputError for anything else."""
        match = _SPEC.fullmatch(text)
        if not match or (match["low"] and match["op"].startswith(">")):
            raise InputError("specification", found=repr(text),
                             expected="such as 'ltp > 1n', '1n < ltp < 5n' or 'dG(20m) > 1n'")
        low = (((">" + match["first"][1:]), match["low"]),) if match["low"] else ()
        return cls(" ".join(text.split()), match["name"], match["at"], (*low, (match["op"], match["bound"])))

    def values(self, campaign: Campaign) -> Array:
        """The quantity, one number for each point. Raises InputError for one that the campaign does not have."""
        data, known = campaign.data, [str(n) for n in campaign.data.data_vars if n != STATUS]
        if self.name not in known:
            raise InputError(f"specification '{self.text}'", found=f"no quantity {self.name!r}",
                             expected="one of the campaign", remedy=nearest(self.name, known))
        inner = [str(d) for d in data[self.name].dims if d not in data[STATUS].dims]
        if self.at is None:
            if inner:
                raise InputError(f"specification '{self.text}'", found=f"{self.name} over {', '.join(inner)}",
                                 expected="one number a point", remedy=f"Write {self.name}(VALUE OF {inner[0]}), or "
                                 f"one of {', '.join(campaign.outputs)}")
            return campaign.column(self.name)
        if len(inner) != 1 or inner[0] not in data.coords:
            raise InputError(f"specification '{self.text}'", found=f"{self.name} over {', '.join(inner) or 'nothing'}",
                             expected="a curve over one x that all points share", remedy=f"Write {self.name}")
        x = data[inner[0]].values
        at = parse_quantity(self.at, campaign.unit(inner[0]), f"specification '{self.text}': {inner[0]}")
        if not x.min() <= at <= x.max():
            raise InputError(f"specification '{self.text}'", found=engineering(at, campaign.unit(inner[0])),
                             expected=f"{engineering(x.min(), campaign.unit(inner[0]))} to "
                                      f"{engineering(x.max(), campaign.unit(inner[0]))}")
        rows = data[self.name].transpose(*data[STATUS].dims, inner[0]).values.reshape(-1, len(x))
        order = np.argsort(x)
        return np.array([np.interp(at, x[order], row[order]) for row in rows])

    def limits(self, campaign: Campaign) -> list[tuple[str, float]]:
        """Each bound: operator and number in the unit of the quantity."""
        unit = campaign.unit(self.name)
        return [(op, parse_quantity(bound, unit, f"specification '{self.text}'")) for op, bound in self.bounds]

    def met(self, campaign: Campaign) -> NDArray[np.bool_]:
        """Whether each point meets it; a point without the quantity does not."""
        values = self.values(campaign)
        found = np.isfinite(values)
        for op, bound in self.limits(campaign):
            found &= _TESTS[op](values, bound)
        return found


class Yield(NamedTuple):
    """Points that meet a specification among those that were run to their end, with a 95 % confidence interval.

    The interval (Clopper-Pearson) is that of independent draws, of random Monte Carlo; Latin hypercube and Sobol
    samples usually scatter less. low and high are nan for grids and corners: their points are no draws.
    """

    spec: str
    met: int
    points: int
    share: float
    low: float
    high: float


def yields(campaign: Campaign, specs: Iterable[Spec | str]) -> list[Yield]:
    """The yield against each specification, and against all of them together if there are several."""
    from scipy.stats import binomtest  # slow to import, and no worker needs it

    parsed = [Spec.parse(s) if isinstance(s, str) else s for s in specs]
    masks = [(s.text, s.met(campaign)) for s in parsed]
    if len(parsed) > 1:
        masks.append(("all", np.logical_and.reduce([m for _, m in masks])))
    ran = campaign.data[STATUS].values.ravel() == OK
    found = []
    for text, mask in masks:
        met, count = int((mask & ran).sum()), int(ran.sum())
        low = high = math.nan
        if count and campaign.kind == "monte_carlo" and campaign.data.attrs["method"] != "saltelli":
            interval = binomtest(met, count).proportion_ci(CONFIDENCE)
            low, high = float(interval.low), float(interval.high)
        found.append(Yield(text, met, count, met / count if count else math.nan, low, high))
    return found


def statistics(campaign: Campaign) -> dict[str, Statistic]:
    """Of every output that is one number a point."""
    found = {}
    for name in campaign.outputs:
        values = campaign.column(name)
        values = values[np.isfinite(values)]
        if len(values):
            p5, median, p95 = np.percentile(values, [5, 50, 95])
            std = float(values.std(ddof=1)) if len(values) > 1 else 0.0
            found[name] = Statistic(len(values), float(values.mean()), std, float(values.min()), float(p5),
                                    float(median), float(p95), float(values.max()))
    return found


class Sensitivity(NamedTuple):
    """How much an output depends on a parameter. kind "rank": Spearman's correlation, -1 to 1, and the probability of
    one as large by chance; "sobol": shares of the variance, alone (first order) and with all others (total)."""

    output: str
    parameter: str
    kind: Literal["rank", "sobol"]
    value: float
    other: float


def sensitivity(campaign: Campaign) -> list[Sensitivity]:
    """For each output the parameters that vary, the most important first.

    Rank correlation sees what rises or falls throughout, not a peak in the middle. A campaign sampled by "saltelli"
    gives Sobol indices instead (scipy.stats.sobol_indices, Saltelli 2010), if none of its points failed. Outputs that
    do not vary are left out, and rank correlations of fewer than 8 points.
    """
    from scipy.stats import spearmanr

    found: list[Sensitivity] = []
    for name in campaign.outputs:
        y = campaign.column(name)
        good = np.isfinite(y)
        if good.sum() < LEAST or np.ptp(y[good]) <= 1e-12 * np.abs(y[good]).max():
            continue
        if campaign.data.attrs.get("method") == "saltelli":
            rows = _sobol(campaign, name, y) if good.all() else []
        else:
            rows = []
            for parameter in campaign.varied:
                x = campaign.column(parameter)
                result = spearmanr(x[good], y[good])
                rows.append(Sensitivity(name, parameter, "rank", float(result.statistic), float(result.pvalue)))
        found += sorted(rows, key=lambda row: -abs(row.other if row.kind == "sobol" else row.value))
    return found


def _sobol(campaign: Campaign, name: str, y: Array) -> list[Sensitivity]:
    from scipy.stats import sobol_indices

    n = int(campaign.data.attrs["base"])
    names = campaign.varied
    if y.size != n * (len(names) + 2):  # with further axes the blocks are not one after the other
        return []
    blocks = y.reshape(len(names) + 2, 1, n)
    result = sobol_indices(func={"f_A": blocks[0], "f_B": blocks[1], "f_AB": blocks[2:]}, n=n)
    first, total = np.ravel(result.first_order), np.ravel(result.total_order)
    return [Sensitivity(name, parameter, "sobol", float(s), float(t))
            for parameter, s, t in zip(names, first, total, strict=True)]


def summary(campaign: Campaign, specs: Iterable[Spec | str] = ()) -> dict[str, Any]:
    """Everything for summary.json: counts, statistics, yields, sensitivities, failures; nan as None."""
    attrs = campaign.data.attrs
    count = campaign.count
    facts = {
        "campaign": campaign.kind, "of": attrs["title"], "points": sum(count.values()), **count,
        **{key: attrs[key] for key in ("method", "seed", "engine", "engine_version", "spicemem") if key in attrs},
        "shape": dict(zip(map(str, campaign.data[STATUS].dims), campaign.data[STATUS].shape, strict=True)),
        "statistics": {n: {"unit": campaign.unit(n), **s._asdict()} for n, s in statistics(campaign).items()},
        "yield": [y._asdict() for y in yields(campaign, specs)],
        "sensitivity": [s._asdict() for s in sensitivity(campaign)],
        "failures": [{"index": f.index, "reason": f.reason, "folder": f.folder} for f in campaign.failures],
        "wall_s": round(campaign.wall_s, 3),
    }
    return {key: _plain(value) for key, value in facts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
