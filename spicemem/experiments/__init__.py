"""The published results, one file a subject. EXPERIMENTS is the one list."""

from __future__ import annotations

from spicemem.experiments import (
    accumulating_neurons,
    array_learning,
    arrays,
    brain_circuits,
    chaos,
    design,
    eis,
    ferro_phase,
    gradual,
    logic,
    mott_neurons,
    quantum_dot,
    rram,
    second_order,
    short_term,
    table1,
    tunnel_junction,
    vo2_neuron,
    volatile_neurons,
)
from spicemem.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {e.name: e for module in (
    eis, quantum_dot, tunnel_junction, table1, second_order, short_term, ferro_phase, gradual, design, rram,
    mott_neurons, vo2_neuron, volatile_neurons, accumulating_neurons, brain_circuits, logic, chaos,
    arrays, array_learning,
) for e in module.EXPERIMENTS}
