"""Logic in memristors: a threshold gate on one common net, and the voltages that make it each Boolean function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spicemem.circuit import Circuit, Resistor, Synapse
from spicemem.circuits.fit import fitting
from spicemem.devices.vteam import VTEAM
from spicemem.errors import CircuitError
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform

#: Low resistance (Ohm) of every cell and of the load: the unit of the weights below.
LOW = 10e3


def threshold_cell(threshold: float, low: bool = False) -> VTEAM:
    """A bipolar cell of 10 kOhm and 1 MOhm that switches at +threshold (sets) and -threshold (V), and rests between.

    low: whether it starts in the low resistance, logic 1. Switching takes 10 ns at twice the threshold.
    """
    span = 3e-9
    return VTEAM(r_on=LOW, r_off=100 * LOW, v_on=-threshold, v_off=threshold, k_on=-1e8 * span, k_off=1e8 * span,
                 alpha_on=1.0, alpha_off=1.0, w_on=0.0, w_off=span, wall=1e-3, w_init=0.0 if low else span)


def logic_gate(inputs: Mapping[str, Model] | None = None, outputs: Mapping[str, Model] | None = None,
               r_load: float = LOW) -> Circuit:
    """Threshold gate: every cell and a load end on one common net, which switches the outputs and not the inputs.

    inputs, outputs: a device by port name, terminals p, n; default a, b that switch at 8 V and y that does at 1 V.
    Outputs have p at the common net: a high net sets them. Inputs have p there too, so a port above the net can only
    reset them. r_load: Ohm, from port bias, the load. The state of each cell is its logic value, low resistance 1.
    The net is at sum(g v)/sum(g) of all ports; which function that is, the voltages decide: `GATES`, `ADDER`.
    Ports: the inputs, the outputs, bias. Source: the circuit of Sun et al. 2018, ref. 292 and Fig. 26b of the review
    Future of Memristors, whose voltages the review does not give: chosen here.
    """
    first = {"a": threshold_cell(8.0, low=True), "b": threshold_cell(8.0)} if inputs is None else dict(inputs)
    last = {"y": threshold_cell(1.0)} if outputs is None else dict(outputs)
    cells = {**first, **last}
    if not first or not last or len(cells) < len(first) + len(last):
        raise CircuitError("logic_gate", found=f"inputs {', '.join(first)}, outputs {', '.join(last)}",
                           expected="at least one of each, with names of their own")
    bench = None
    if inputs is None and outputs is None:
        high = Waveform.pulse(3.0, 1e-6, 0.1e-6, 0.2e-6)
        bench = Bench({"a": high, "b": high}, 1.5e-6, 2e-9, ("v(common)", "v(a)"), "OR of 1 and 0", "voltage [V]")
    gate = Circuit("logic_gate", (*cells, "bias"), "Threshold gate on a common net",
                   tuple(Synapse(name, name, name, name, f"cell_{name}") for name in cells), bench)
    for name, device in cells.items():
        gate.add(f"cell_{name}", fitting("logic_gate", device), p="common", n=name)
    return gate.add("r_load", Resistor(r_load), p="common", n="bias")


@dataclass(frozen=True)
class Step:
    """Voltages (V) of one step: the same at all inputs, one at the bias, others by port (0 if not named)."""

    high: float
    bias: float = 0.0
    others: Mapping[str, float] = field(default_factory=dict)

    def volts(self, inputs: Sequence[str]) -> dict[str, float]:
        """Voltage by port."""
        return {**dict.fromkeys(inputs, self.high), "bias": self.bias, **self.others}


@dataclass(frozen=True)
class Gate:
    """A function: what the output starts as, the steps one after the other, the wanted output of inputs a and b."""

    start: bool
    steps: tuple[Step, ...]
    truth: Mapping[tuple[int, int], int]


def _truth(*outputs: int) -> dict[tuple[int, int], int]:
    return dict(zip(((0, 0), (0, 1), (1, 0), (1, 1)), outputs, strict=True))


# With all low resistances and the load alike, n inputs at 1 and an output that switches at 1 V, it sets where
# n (V - 1) > 1 - V_bias, and resets from 1 where n (-V - 1) > 2 + V_bias. A set stops when the net is down at 1 V: the
# output then has n (V - 1) - (1 - V_bias) times the low conductance, at most 1. The voltages are the middle of each
# window, and high enough for an output of 0.6 at least.
_OR, _AND = Step(3.0), Step(2.7, -1.4)
_NOR, _NAND = Step(-3.2, -0.5), Step(-2.4)
GATES: dict[str, Gate] = {
    "NOR": Gate(True, (_NOR,), _truth(1, 0, 0, 0)),
    "NAND": Gate(True, (_NAND,), _truth(1, 1, 1, 0)),
    "AND": Gate(False, (_AND,), _truth(0, 0, 0, 1)),
    "OR": Gate(False, (_OR,), _truth(0, 1, 1, 1)),
    # XOR: OR, then NAND on the same output, which takes the 1 of (1, 1) away.
    "XOR": Gate(False, (_OR, _NAND), _truth(0, 1, 1, 0)),
}
#: Thresholds (V) of the inputs and of carry and sum of the adder: each is above what its later use puts across it.
INPUT_THRESHOLD, CARRY_THRESHOLD, OUTPUT_THRESHOLD = 8.0, 3.5, 1.0
#: One-bit full adder: carry where two of three are 1, while the sum's port follows the net; then sum where
#: A + B + C - 2 carry is 1 at least: the carry, pulled down, takes two of the inputs away.
ADDER: tuple[Step, Step] = (Step(9.1, -3.5, {"s": 5.25}), Step(2.2, 0.4, {"carry": -1.4}))
