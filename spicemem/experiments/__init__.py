"""The published results, one file a paper or table. EXPERIMENTS is the one list."""

from __future__ import annotations

from spicemem.experiments import eis, quantum_dot, table1, tunnel_junction
from spicemem.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e for e in (*eis.EXPERIMENTS, *quantum_dot.EXPERIMENTS, *table1.EXPERIMENTS, *tunnel_junction.EXPERIMENTS)}
