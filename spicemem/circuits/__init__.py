"""Cells: functions that return a Circuit. CIRCUITS is the one list."""

from __future__ import annotations

from collections.abc import Callable

from spicemem.circuit import Circuit
from spicemem.circuits.brain_cells import conditioning, dendritic_neuron, direction_selective
from spicemem.circuits.neurons import if_neuron, neuristor, relaxation_oscillator, vo2_neuron
from spicemem.circuits.passive_cells import bridge, cell_1s1r, complementary, differential_pair
from spicemem.circuits.synapses import divider_gate, modulated_gate, one_device, shared_pre
from spicemem.circuits.transistor_cells import cell_1t1r, cell_2t1r, cell_4t1r

CIRCUITS: dict[str, Callable[..., Circuit]] = {f.__name__: f for f in (
    divider_gate, shared_pre, modulated_gate, one_device, cell_1t1r, cell_2t1r, cell_4t1r, cell_1s1r, complementary,
    bridge, differential_pair, if_neuron, relaxation_oscillator, neuristor, vo2_neuron, dendritic_neuron,
    conditioning, direction_selective,
)}
