"""A Hopfield network whose weights are memristors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import GROUND, Capacitor, Circuit, CurrentSource, Resistor
from spicemem.circuits.logic import LOW, threshold_cell
from spicemem.devices.amplifier import Amplifier
from spicemem.errors import CircuitError
from spicemem.model import Model
from spicemem.waveform import Waveform

#: Capacitor (F) at the input of each neuron: with 0.3 mS of weights it takes 3 us.
MEMBRANE = 1e-9
#: What reads an output, Ohm.
READER = 1e6
#: Switching threshold (V) of the devices: the voltages of the network, 0.6 V at most, leave them as they are.
THRESHOLD = 1.0


def programmed(siemens: float) -> Model:
    """A threshold cell that has been programmed to a conductance, 1 uS to 100 uS."""
    share = (1 / siemens - LOW) / (99 * LOW)
    if not 0 <= share <= 1:
        raise CircuitError("weight", found=f"{siemens:g} S", expected=f"{0.01 / LOW:g} S to {1 / LOW:g} S")
    cell = threshold_cell(THRESHOLD)
    return cell.replace(w_init=share * cell.values["w_off"])


def hopfield(weights: ArrayLike, unit: float, amps: Mapping[int, Waveform] | None = None,
             neuron: Amplifier | None = None) -> Circuit:
    """A Hopfield network: one memristor for each weight, from the output of one neuron to the input of another.

    weights: a square matrix with zeros on its diagonal; row: the neuron that is fed. A positive weight comes from the
    normal output, a negative one from the inverted; its size times `unit` (S) is the conductance; a zero is no device.
    amps: A, flows into the input of a neuron, by number. Neuron k has its input, with a capacitor, at net u<k> and its
    outputs at p<k> and q<k>. It runs as it is, without ports; start it by initial={"v(u0)": ...}. Source: Hopfield,
    Proc. Natl. Acad. Sci. USA 81, 3088 (1984).
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or len(w) < 2 or np.diag(w).any():
        raise CircuitError("hopfield: weights", found=f"shape {w.shape}",
                           expected="a square matrix with zeros on its diagonal")
    neuron = neuron or Amplifier()
    net = Circuit("hopfield", (), f"Hopfield network of {len(w)} neurons")
    for k in range(len(w)):
        net.add(f"neuron{k}", neuron, inp=f"u{k}", ref=GROUND, normal=f"p{k}", inverse=f"q{k}")
        net.add(f"c{k}", Capacitor(MEMBRANE), p=f"u{k}", n=GROUND)
        for side in ("p", "q"):
            net.add(f"r_{side}{k}", Resistor(READER), p=f"{side}{k}", n=GROUND)
        if amps and k in amps:
            net.add(f"i{k}", CurrentSource(amps[k]), p=GROUND, n=f"u{k}")
    for to, row in enumerate(w):
        for source in np.flatnonzero(row):
            side = "p" if row[source] > 0 else "q"
            net.add(f"w{to}from{source}", programmed(abs(float(row[source])) * unit), p=f"{side}{source}", n=f"u{to}")
    return net


def hebb(patterns: Sequence[ArrayLike]) -> np.ndarray:
    """The weights that store patterns of +1 and -1: the sum of their outer products, without the diagonal."""
    p = np.asarray(patterns, dtype=np.float64)
    found: np.ndarray = p.T @ p
    np.fill_diagonal(found, 0.0)
    return found
