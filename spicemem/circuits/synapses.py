"""Synapse cells: functions that return a Circuit with its pre- and postsynaptic ports and how it is read."""

from __future__ import annotations

from spicemem.circuit import GROUND, Circuit, Resistor, Synapse, VoltageGain
from spicemem.circuits.fit import fitting
from spicemem.devices.eis import EIS
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.errors import CircuitError
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform

_PRE = Waveform.points((-0.0142, 0), (-0.0141, -6.5), (-1e-4, -6.5), (0, 6.5), (0.1, 0)).shift(0.05)
_BENCH = Bench(
    drives={"pre": _PRE, "post": (-_PRE).shift(0.02), "drain": Waveform.constant(0.1)}, stop=0.25, max_step=2e-4,
    plot=("syn.g",), title="spike pair at +20 ms", y_label="conductance [S]",
)


def one_device(device: Model | None = None, r: float = 0.0) -> Circuit:
    """One two-terminal device between two neurons: its voltage is v(pre) - v(post).

    device: any model with terminals p (at the presynaptic side) and n; default QuantumDot preset x. r: Ohm in series at
    the presynaptic side, 0 for none. Ports: pre (also biased to read), post.
    """
    device = fitting("one_device", device or QuantumDot.preset("x"))
    state = next(iter(device.definition.states.values()))
    spike = Waveform.points((0, 0), (0.005, 4.2), (0.01, 0)).shift(0.005)
    cell = Circuit("one_device", ("pre", "post"), "One device between two neurons",
                   (Synapse("syn", "pre", "post", "pre", "syn"),),
                   Bench({"pre": spike, "post": (-spike).scale(0.5)}, stop=0.02, max_step=2e-5,
                         plot=(f"syn.{state.name}",), title="spike pair", y_label=state.label))
    inner = "inside" if r else "pre"
    if r:
        cell.add("r_series", Resistor(r), p="pre", n=inner)
    return cell.add("syn", device, p=inner, n="post")


def _divider(cell: Circuit, synapse: str, device: Model, pre: str, post: str, drain: str, r: float,
             selector: Model | None = None) -> None:
    fitting(cell.name, device, "gate", "drain", "source")
    tag = synapse.removeprefix("syn")
    cell.add(f"r_pre{tag}", Resistor(r), p=pre, n=f"gate{tag}")
    cell.add(f"r_post{tag}", Resistor(r), p=post, n=f"gate{tag}")
    gate = f"gate{tag}" if selector is None else f"inside{tag}"
    if selector is not None:
        cell.add(f"select{tag}", fitting(cell.name, selector), p=f"gate{tag}", n=gate)
    cell.add(synapse, device, gate=gate, drain=drain, source=GROUND)


def divider_gate(device: Model | None = None, r: float = 10e6, selector: Model | None = None) -> Circuit:
    """A three-terminal synapse whose gate hangs on two equal resistors: v(gate) = (v(pre) + v(post))/2.

    device: any model with gate, drain, source; default EIS preset huang_2025_14nm. r: Ohm, each; much smaller than
    the gate's own resistance, and r/2 times the gate capacitance much shorter than a spike. selector: a volatile switch
    (terminals p, n) between divider and gate, default none: below its threshold the gate is cut off, so that a neuron
    at rest does not discharge a device with an open-circuit voltage (Fuller et al., Science 364, 570 (2019); recalled,
    not re-read). Ports: pre, post, drain (0 V but while reading). Source: Huang 2025, Fig. 3a.
    """
    cell = Circuit("divider_gate", ("pre", "post", "drain"), "Synapse with a resistive divider at its gate",
                   (Synapse("syn", "pre", "post", "drain", "syn"),), _BENCH)
    _divider(cell, "syn", device or EIS.preset("huang_2025_14nm"), "pre", "post", "drain", r, selector)
    return cell


def shared_pre(device_a: Model | None = None, device_b: Model | None = None, r: float = 10e6) -> Circuit:
    """Two divider-gate synapses driven by one presynaptic neuron: heterogeneous STDP (Huang 2025, Fig. 5a).

    Ports: pre, post_a, post_b, drain_a, drain_b.
    """
    cell = Circuit(
        "shared_pre", ("pre", "post_a", "post_b", "drain_a", "drain_b"), "Two synapses of one presynaptic neuron",
        (Synapse("a", "pre", "post_a", "drain_a", "syn_a"), Synapse("b", "pre", "post_b", "drain_b", "syn_b")),
        Bench({"pre": _PRE, "post_a": (-_PRE).shift(0.02), "post_b": _PRE.shift(0.02),
               "drain_a": Waveform.constant(0.1), "drain_b": Waveform.constant(0.1)}, 0.25, 2e-4,
              ("syn_a.g", "syn_b.g"), "one spike pair, two rules", "conductance [S]"),
    )
    for tag, device in (("a", device_a), ("b", device_b)):
        _divider(cell, f"syn_{tag}", device or EIS.preset("huang_2025_14nm"), "pre", f"post_{tag}", f"drain_{tag}", r)
    return cell


def modulated_gate(
    device: Model | None = None, r: float = 10e6, alpha_pre: float = 1.0, alpha_post: float = 1.0
) -> Circuit:
    """A divider gate whose inputs are scaled, as a neuromodulator (dopamine) does: Huang 2025, Fig. 5c.

    alpha_pre, alpha_post: -1 to 1. Ports: pre, post, drain.
    """
    for name, alpha in (("alpha_pre", alpha_pre), ("alpha_post", alpha_post)):
        if not -1 <= alpha <= 1:
            raise CircuitError(f"modulated_gate: {name}", found=f"{alpha}", expected="-1 to 1")
    cell = Circuit("modulated_gate", ("pre", "post", "drain"), "Divider gate with scaled inputs",
                   (Synapse("syn", "pre", "post", "drain", "syn"),), _BENCH)
    cell.add("e_pre", VoltageGain(alpha_pre), p="pre_scaled", n=GROUND, cp="pre", cn=GROUND)
    cell.add("e_post", VoltageGain(alpha_post), p="post_scaled", n=GROUND, cp="post", cn=GROUND)
    _divider(cell, "syn", device or EIS.preset("huang_2025_14nm"), "pre_scaled", "post_scaled", "drain", r)
    return cell
