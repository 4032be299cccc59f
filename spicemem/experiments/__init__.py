"""The published results, one file a paper. EXPERIMENTS is the one list."""

from __future__ import annotations

from spicemem.experiments import eis
from spicemem.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {e.name: e for e in (*eis.EXPERIMENTS,)}
