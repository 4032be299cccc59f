"""Experiments in campaigns: what they score, as a function of their parameters."""

from __future__ import annotations

import inspect
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from spicemem.campaign.study import Here, Study
from spicemem.engines import Engine
from spicemem.errors import SimulationError
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import Experiment, run_experiment


def scored(experiment: Experiment, *, quick: bool = False, **fixed: float) -> Study:
    """A study of an experiment: its parameters are the names, what it scores are the outputs, by target id.

    Numbers keep the unit of their target; words with a verdict become 1 or 0; `targets_met` is the share that is met.
    quick: fewer points, as `spicemem run --quick`. fixed: parameters.
    """
    units = {name: param.unit for name, param in experiment.params.items()}
    defaults = {name: param.default for name, param in experiment.params.items()}
    return Study(_Scored(experiment), None, units=units, **{**defaults, **fixed}, quick=quick)


class _Scored:
    """An experiment as a function of its parameters: what it scores, by target id."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.__name__ = experiment.name
        keyword = inspect.Parameter.KEYWORD_ONLY
        names = {**experiment.params, "quick": None, "engine": None}
        self.__signature__ = inspect.Signature([inspect.Parameter(n, keyword, default=None) for n in names])

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.experiment.name,)

    def __call__(self, *, engine: Engine, quick: bool = False, **values: float) -> dict[str, Any]:
        with TemporaryDirectory(prefix="spicemem-point-") as folder:
            summary = run_experiment(self.experiment, engine, Path(folder), quick=bool(quick), values=values,
                                     executor=Here())
        if summary["status"] not in ("ok", "missed"):
            raise SimulationError(self.experiment.name, found=f"{summary['status']}: {summary['reason']}",
                                  expected="a run to its end")
        found: dict[str, Any] = {"targets_met": float(np.mean([row["pass"] for row in summary["targets"]]))}
        for row in summary["targets"]:
            value = row["simulated"]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            # Words with a verdict become 1 or 0; a unit that is no SI unit (%, ratio) stays as the table has it.
            found[row["id"]] = (float(value), row["unit"] or "1") if number else (float(row["pass"]), "1")
        return found


def _restored(name: str) -> _Scored:
    return _Scored(EXPERIMENTS[name])
