"""What an experiment is: a published result that `spicemem run NAME` repeats, scores and writes down."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from spicemem import __version__
from spicemem.circuit import Circuit
from spicemem.curve import Curve, save_figure
from spicemem.engines import Engine, Result
from spicemem.errors import EngineError, InputError, SpicememError, nearest
from spicemem.files import write_text
from spicemem.model import Param

#: Called with (runs done, runs in all, what they are).
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Target:
    """One published number or behaviour, as the tables in spicemem/data have it. low, high: bounds or None."""

    id: str
    experiment: str
    source: str
    check: str
    published: str
    low: float | None
    high: float | None
    unit: str
    reading: str

    def meets(self, value: float) -> bool:
        """Whether a finite value lies within the bounds that there are."""
        return math.isfinite(value) and (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high)


@dataclass(frozen=True)
class Score:
    """What a run found for a target: a number in the target's unit or words, and the verdict."""

    id: str
    simulated: float | str
    passed: bool


@dataclass(frozen=True)
class Table:
    """Words and numbers as text, for people: columns and rows of equal length."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass
class Outcome:
    """What an experiment found so far: curves, scores by target id, pictures and tables by file stem, remarks.

    Curves are written to `folder` as they come, so that a run that fails later has not lost them.
    """

    folder: Path
    curves: list[Curve] = field(default_factory=list)
    scores: dict[str, Score] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def keep(self, *curves: Curve) -> None:
        """Add curves and write them."""
        for curve in curves:
            self.curves.append(curve)
            curve.to_csv(self.folder / f"{curve.name}.csv")

    def score(self, id: str, simulated: float | str, passed: bool | None = None) -> None:
        """Score a target: a number against the bounds of its row, or words with a verdict."""
        target = targets()[id]
        if passed is None:
            if not isinstance(simulated, int | float):
                raise InputError(f"score of {id}", found=repr(simulated), expected="a number or a verdict")
            passed = target.meets(simulated)
            if target.low is None and target.high is None:
                raise InputError(f"score of {id}", found="no bounds in its row", expected="a verdict")
        self.scores[id] = Score(id, simulated, bool(passed))


@dataclass(frozen=True)
class Context:
    """What an experiment is given: engine, whether few points will do, its parameters, progress, executor."""

    engine: Engine
    quick: bool
    values: Mapping[str, float]
    progress: Progress
    outcome: Outcome
    executor: Executor | None = None

    def about(self, circuit: Circuit, **more: str) -> dict[str, str]:
        """What made a curve of a circuit's run, for its file."""
        return {"circuit": circuit.name, **more, "engine": f"{self.engine.name} {self.engine.version()}"}

    def provenance(self, protocol: str, **more: str) -> dict[str, str]:
        """What made a curve that no single circuit did, for its file."""
        return {"protocol": protocol, **more, "engine": f"{self.engine.name} {self.engine.version()}",
                "spicemem": __version__}

    def warn(self, what: str, results: Iterable[Result]) -> None:
        """What simulators said of runs, as remarks."""
        self.outcome.remarks.extend(f"{what}: {words}" for result in results for words in result.warnings)


@dataclass(frozen=True)
class Experiment:
    """A published result.

    run: does the work and fills context.outcome. params: what -p can change. unsupported: engines that cannot run it,
    with the reason.
    """


    name: str
    title: str
    paper: str
    run: Callable[[Context], None]
    params: Mapping[str, Param] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def targets() -> dict[str, Target]:
    """Every row of the two tables by id."""
    rows: dict[str, Target] = {}
    folder = files("spicemem") / "data"
    for row in csv.DictReader((folder / "targets.csv").read_text().splitlines()):
        low, high = (float(row[k]) if row[k] else None for k in ("low", "high"))
        rows[row["id"]] = Target(row["id"], row["experiment"], f"{row['paper']} {row['where']}", row["check"],
                                 row["published"], low, high, row["unit"], row["reading"])
    for row in csv.DictReader((folder / "behaviours.csv").read_text().splitlines()):
        rows[row["id"]] = Target(row["id"], row["experiment"], row["source"], "behaviour", "", None, None, "",
                                 row["criterion"])
    return rows


def targets_of(experiment: str) -> list[Target]:
    """The rows that an experiment must score."""
    return [t for t in targets().values() if t.experiment == experiment]


@lru_cache(maxsize=2)
def code(beside: tuple[str, ...] = ("campaign", "commands", "regress", "report")) -> str:
    """A digest of the package's sources and tables that can change a result: tells those of another state of it.

    beside: parts of the package that cannot change it, by default that of an experiment.
    """
    digest, package = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".j2", ".csv") and path.relative_to(package).parts[0] not in beside:
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def run_experiment(
    experiment: Experiment, engine: Engine, folder: Path, *, quick: bool = False,
    values: Mapping[str, float] | None = None, progress: Progress = lambda done, total, what: None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Run, write curves (CSV), pictures (PNG) and summary.json into `folder`, return the summary.

    status: "ok", "missed" (a target), "unsupported" (a limit of this engine) or "failed", with the reason. Files
    appear under their final name only when complete; results computed before a failure stay. Raises InputError for a
    folder that cannot be written and for unknown parameters.
    """
    given = {name: param.default for name, param in experiment.params.items()}
    for name, value in (values or {}).items():
        if name not in given:
            raise InputError(f"{experiment.name}: parameter", found=repr(name), expected="one it has",
                             remedy=nearest(name, given))
        param = experiment.params[name]
        if not (math.isfinite(value) and param.low <= value <= param.high):
            raise InputError(f"{experiment.name}: {name} ({param.doc})", found=f"{value:g} {param.unit}",
                             expected=param.range)
        given[name] = value
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} is not writable")
    except OSError as error:
        raise InputError("output folder", found=str(error), expected="a folder that can be written") from None
    summary: dict[str, Any] = {"experiment": experiment.name, "status": "ok", "reason": "", "engine": engine.name,
                               "engine_version": engine.version(), "spicemem": __version__, "code": code(),
                               "quick": quick, "targets": [], "curves": [], "wall_s": 0.0}
    began = time.perf_counter()
    outcome = Outcome(folder)
    if engine.name in experiment.unsupported:
        summary.update(status="unsupported", reason=experiment.unsupported[engine.name])
    else:
        try:
            experiment.run(Context(engine, quick, given, progress, outcome, executor))
        except EngineError as error:
            summary.update(status="unsupported", reason=str(error))
        except SpicememError as error:
            summary.update(status="failed", reason=str(error))
    summary["curves"] = [f"{curve.name}.csv" for curve in outcome.curves]
    summary["pictures"] = [f"{stem}.png" for stem in outcome.figures]
    for stem, figure in outcome.figures.items():
        save_figure(figure, folder / f"{stem}.png")
    for stem, table in outcome.tables.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([table.columns, *table.rows])
        write_text(folder / f"{stem}.csv", text.getvalue())
    summary["tables"] = {stem: {"columns": list(t.columns), "rows": [list(r) for r in t.rows]}
                         for stem, t in outcome.tables.items()}
    if summary["status"] == "ok":
        summary["targets"] = [_row(t, outcome.scores.get(t.id)) for t in targets_of(experiment.name)]
        missed = [row["id"] for row in summary["targets"] if not row["pass"]]
        if missed:
            summary.update(status="missed", reason=f"targets missed: {', '.join(missed)}")
    summary["remarks"] = outcome.remarks
    summary["wall_s"] = round(time.perf_counter() - began, 3)
    summary["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_text(folder / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return summary


def _row(target: Target, score: Score | None) -> dict[str, Any]:
    return {
        "id": target.id, "quantity": target.reading, "source": target.source, "published": target.published,
        "simulated": "not scored" if score is None else score.simulated, "unit": target.unit, "low": target.low,
        "high": target.high, "pass": score is not None and score.passed,
    }
