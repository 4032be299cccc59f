"""The published results, one file a paper or table. EXPERIMENTS is the one list."""

from __future__ import annotations

from spicemem.experiments import eis, table1
from spicemem.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {e.name: e for e in (*eis.EXPERIMENTS, *table1.EXPERIMENTS)}
