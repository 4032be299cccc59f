"""The published results, one file a subject. EXPERIMENTS is the one list."""

from __future__ import annotations

from spicemem.experiments import (
    design,
    eis,
    ferro_phase,
    gradual,
    quantum_dot,
    rram,
    second_order,
    short_term,
    table1,
    tunnel_junction,
)
from spicemem.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {e.name: e for module in (
    eis, quantum_dot, tunnel_junction, table1, second_order, short_term, ferro_phase, gradual, design, rram,
) for e in module.EXPERIMENTS}
