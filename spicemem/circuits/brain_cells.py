"""Small circuits after the nervous system: a neuron with dendrites, conditioning, direction selectivity."""

from __future__ import annotations

from collections.abc import Sequence

from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    Resistor,
    Synapse,
    VoltageGain,
    VoltageSource,
)
from spicemem.circuits.fit import fitting, pulses
from spicemem.circuits.neurons import if_neuron
from spicemem.devices.dendritic import Dendritic
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.mott import Mott
from spicemem.devices.yakopcic import Yakopcic
from spicemem.errors import CircuitError
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform


def dendritic_neuron(dendrites: Sequence[Model | float] | None = None, inputs: int = 4, r_syn: float = 4e6,
                     r_soma: float = 1e3) -> Circuit:
    """A neuron whose dendrites are devices: each collects some inputs, what it lets by flows to the soma.

    Inputs of a branch meet through equal synapses at a net, so that its voltage without load is their mean; the
    dendrite is from there to the soma. dendrites: one for each branch, a device with terminals p and n (p towards the
    synapses) or a resistance in Ohm in its place; default four Dendritic. inputs: of a branch; r_syn: Ohm of each
    synapse; r_soma: Ohm, far below the rest, so that i = v(soma)/r_soma is what all branches let by.
    Ports: x0, x1, ..., in the order of the branches. Raises CircuitError for no branches or inputs. Source: Li et al.,
    Nat. Nanotechnol. 15, 776 (2020), as device-physics-review, Fig. 10, shows it.
    """
    branches = [Dendritic.preset("taox_alox")] * 4 if dendrites is None else list(dendrites)
    if not branches or inputs < 1:
        raise CircuitError("dendritic_neuron", found=f"{len(branches)} branches of {inputs} inputs",
                           expected="at least one of each")
    ports = tuple(f"x{k}" for k in range(len(branches) * inputs))
    pulse = Waveform.pulse(5.0, 0.3, 1e-3)
    cell = Circuit("dendritic_neuron", ports, "Neuron with dendrites", bench=Bench(
        dict.fromkeys(ports[:inputs], pulse), 0.4, 1e-3, ("v(soma)",), "all inputs of one branch", "voltage [V]"))
    for k, port in enumerate(ports):
        cell.add(f"r_{port}", Resistor(r_syn), p=port, n=f"branch{k // inputs}")
    for k, part in enumerate(branches):
        made = fitting("dendritic_neuron", part) if isinstance(part, Model) else Resistor(part)
        cell.add(f"dendrite{k}", made, p=f"branch{k}", n="soma")
    return cell.add("r_soma", Resistor(r_soma), p="soma", n=GROUND)


def conditioning(device: Model | None = None, feedback: float = 1.5, r: float = 100e3,
                 c: float = 1e-9) -> Circuit:
    """Associative learning: a plastic synapse and a fixed one at an integrate-and-fire neuron that spikes back.

    food reaches the membrane through the neuron's input resistor. bell drives the device, whose current is copied to
    the membrane (a current conveyor: the device's other end is a voltage, not the membrane). That end is at -feedback
    times the voltage of the axon: while a spike lasts, the device has more than the bell's voltage, and sets if the
    bell is on. A bell below 0 V resets it. The neuron is `if_neuron` with an NbO2 switch: it fires on a constant
    current. device: terminals p and n, default `plastic()`. feedback: V/V. r: Ohm, from food to the membrane; c: F.
    Ports: bell, food; net "axon" shows the spikes, "post" what they give back, "inside" is the membrane.
    Source: Pershin and Di Ventra, Neural Netw. 23, 881 (2010), for the principle (recalled, not re-read).
    """
    cell = Circuit("conditioning", ("bell", "food"), "Plastic and fixed synapse at a neuron that spikes back", (
        Synapse("syn", "bell", "food", "bell", "syn"),), bench=Bench(
        {"bell": pulses(10e-6, 1.0, 11.0, [0.0, 15.0]), "food": pulses(10e-6, 7.0, 5.0, [6.0, 21.0])}, 300e-6, 0.05e-6,
        ("syn.x",), "bell and food twice", "state x"))
    neuron = if_neuron(Mott.preset("nbo2"), r=r, c=c)
    for name, (part, nets) in neuron.parts.items():
        cell.add(name, part, **{pin: "food" if net == "inp" else net for pin, net in nets.items()})
    cell.add("back", VoltageGain(feedback), p="post", n=GROUND, cp=GROUND, cn="axon")
    cell.add("syn", fitting("conditioning", device or plastic()), p="bell", n="met")
    cell.add("v_sense", VoltageSource(0.0), p="met", n="post")
    return cell.add("copy", CurrentGain(1.0, "v_sense"), p=GROUND, n="inside")


def plastic() -> Model:
    """The default synapse of `conditioning`: ohmic, 90 uS at most, sets above 1.2 V and resets below -0.15 V.

    Its windows are x and 1 - x, so neither end is reached. b is the smallest there is: with a current that grows faster
    than the voltage, the loop over axon and membrane has a second solution, at voltages that no circuit reaches.
    """
    return Yakopcic(a1=90.0, a2=90.0, b=1e-6, vp=1.2, vn=0.15, ap=60e3, an=30e3, xp=0.0, xn=0.0, alphap=0.0,
                    alphan=0.0, smooth=0.01, x_init=0.02)


def direction_selective(excitatory: Sequence[Model] | None = None, inhibitory: Sequence[Model] | None = None,
                        r: float = 20e3, r_m: float = 10e3, c_m: float = 30e-9) -> Circuit:
    """A direction-selective ganglion cell: volatile devices excite it where light falls, others inhibit it.

    Light is a voltage at the ports, e0, e1, ... of the excitatory devices and h0, h1, ... of the inhibitory ones, each
    behind a resistor r (Ohm). Their currents are summed at 0 V and copied, with opposite signs, to the membrane r_m
    (Ohm) beside c_m (F): net "soma" rises where excitation comes first. How the eye's inhibitory receptors lie beside
    the excitatory ones is in the delays of what drives the ports.
    excitatory, inhibitory: devices with terminals p and n, as many of both; default five Diffusive each, the inhibitory
    ones with a retention of 10 instead of 2.35 ms. Raises CircuitError where the numbers differ or are 0.
    Source: Wang et al., Adv. Intell. Syst. 2000224 (2020), as device-physics-review, Fig. 16, shows it.
    """
    excite = [Diffusive.preset("ag_sio2")] * 5 if excitatory is None else list(excitatory)
    inhibit = [Diffusive.preset("ag_sio2", t_r=10e-3)] * len(excite) if inhibitory is None else list(inhibitory)
    if not excite or len(excite) != len(inhibit):
        raise CircuitError("direction_selective", found=f"{len(excite)} and {len(inhibit)} devices",
                           expected="as many excitatory as inhibitory devices, at least one of each")
    light = Waveform.pulse(0.7, 50e-6, 2e-6, start=1e-4)
    cell = Circuit("direction_selective", tuple(f"{side}{k}" for side in "eh" for k in range(len(excite))),
                   "Direction-selective cell of volatile devices", bench=Bench(
        {"e0": light, "h0": light.shift(4e-4)}, 2e-3, 4e-6, ("v(soma)",), "excitation before inhibition",
        "voltage [V]"))
    for side, devices in (("e", excite), ("h", inhibit)):
        for k, device in enumerate(devices):
            cell.add(f"r_{side}{k}", Resistor(r), p=f"{side}{k}", n=f"{side}{k}_near")
            cell.add(f"dut_{side}{k}", fitting("direction_selective", device), p=f"{side}{k}_near", n=f"sum_{side}")
        cell.add(f"v_sum_{side}", VoltageSource(0.0), p=f"sum_{side}", n=GROUND)
    cell.add("copy_e", CurrentGain(1.0, "v_sum_e"), p=GROUND, n="soma")
    cell.add("copy_h", CurrentGain(1.0, "v_sum_h"), p="soma", n=GROUND)
    return cell.add("r_m", Resistor(r_m), p="soma", n=GROUND).add("c_m", Capacitor(c_m), p="soma", n=GROUND)
