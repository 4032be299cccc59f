"""Cells: functions that return a Circuit. CIRCUITS is the one list."""

from __future__ import annotations

from collections.abc import Callable

from spicemem.circuit import Circuit
from spicemem.circuits.synapses import divider_gate, modulated_gate, one_device, shared_pre

CIRCUITS: dict[str, Callable[..., Circuit]] = {f.__name__: f for f in (
    divider_gate, shared_pre, modulated_gate, one_device,
)}
