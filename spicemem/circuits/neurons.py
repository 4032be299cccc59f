"""Neurons and oscillators of threshold switches: functions that return a Circuit with a drive and an output."""

from __future__ import annotations

from spicemem.circuit import GROUND, Capacitor, Circuit, Resistor, VoltageSource
from spicemem.circuits.fit import fitting
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.mott import Mott
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform


def if_neuron(device: Model | None = None, r: float = 100e3, c: float = 1e-9, r_sense: float = 1e3,
              jitter: Waveform | None = None) -> Circuit:
    """Integrate-and-fire neuron: input resistor, capacitor, and a threshold device to the output, the axon, beside it.

    The capacitor integrates the input; when the device turns on it discharges through r_sense, which shows the spike,
    and the device forgets. device: terminals p, n; default Diffusive preset ag_sioxny_neuron. r, r_sense: Ohm, c: F.
    jitter: V, shift of the threshold, for a device that has this input; default none.
    Port: inp (V); the net "axon" shows the spike. Source: Wang et al., Nat. Electron. 1, 137 (2018).
    """
    pulses = Waveform.pulse(1.2, 10e-6, 0.1e-6).repeat(20, 20e-6)
    cell = Circuit("if_neuron", ("inp",), "Integrate-and-fire neuron", bench=Bench(
        {"inp": pulses}, 400e-6, 0.2e-6, ("v(inside)", "v(axon)"), "a train of pulses", "voltage [V]"))
    cell.add("r_in", Resistor(r), p="inp", n="inside").add("c_mem", Capacitor(c), p="inside", n=GROUND)
    noise = {}
    if jitter is not None:
        cell.add("v_jitter", VoltageSource(jitter), p="shift", n=GROUND)
        noise = {"jitter": "shift"}
    device = fitting("if_neuron", device or Diffusive.preset("ag_sioxny_neuron"))
    cell.add("dut", device, p="inside", n="axon", **noise)
    return cell.add("r_sense", Resistor(r_sense), p="axon", n=GROUND)


def relaxation_oscillator(device: Model | None = None, r: float = 30e3, c: float = 100e-12) -> Circuit:
    """Pearson-Anson oscillator: a threshold switch across a capacitor that a resistor charges.

    device: terminals p, n; default Mott preset nbo2. r: Ohm, c: F. It oscillates when the load line meets neither
    branch at rest: (v - v_th)/r above the current at threshold, (v - v_hold)/r below the holding current. Port:
    supply (V); the net "axon" is the capacitor. Source: Pearson and Anson, Proc. Phys. Soc. London 34, 175 (1922).
    """
    cell = Circuit("relaxation_oscillator", ("supply",), "Pearson-Anson oscillator", bench=Bench(
        {"supply": Waveform.points((0, 0), (1e-8, 5.0), (1e-7, 5.0))}, 5e-6, 2e-9, ("v(axon)",), "start at 5 V",
        "voltage [V]"))
    cell.add("r_load", Resistor(r), p="supply", n="axon").add("c_load", Capacitor(c), p="axon", n=GROUND)
    return cell.add("dut", fitting("relaxation_oscillator", device or Mott.preset("nbo2")), p="axon", n=GROUND)


def neuristor(first: Model | None = None, second: Model | None = None, v_dc: float = 1.75, r_1: float = 3.5e3,
              r_2: float = 8e3, c_1: float = 5.1e-9, c_2: float = 0.5e-9, c_in: float = 0.0,
              r_in: float = 0.0) -> Circuit:
    """Hodgkin-Huxley neuristor: two threshold switches under opposite supplies, the sodium and the potassium channel.

    inp - r_1 - a; first device from a to -v_dc beside c_1; r_2 from a to axon; second device from +v_dc to axon beside
    c_2 to ground. Devices: terminals p, n; default Mott preset nbo2. Volt, Ohm, F. c_in: F, a capacitor beside r_1, 0
    for none. With r_1 alone it is tonic, with c_in alone (r_1=0) phasic: only changes act; with both mixed mode. r_in:
    Ohm, in series with both, 0 for none: with it c_in takes its time to charge.
    Both switches must be able to turn off: (2 v_dc - 2 v_hold)/r_2 and (v_dc - v_hold)/r_1 below the holding current.
    Port: inp (V); output net "axon". Source: Pickett, Medeiros-Ribeiro and Williams, Nat. Mater. 12, 114 (2013); modes:
    Yi et al., Nat. Commun. 9, 4661 (2018).
    """
    pulse = Waveform.pulse(0.35, 10e-6, 0.1e-6, start=20e-6)
    cell = Circuit("neuristor", ("inp",), "Hodgkin-Huxley neuristor of two threshold switches", bench=Bench(
        {"inp": pulse}, 60e-6, 5e-9, ("v(inp)", "v(axon)"), "a pulse above threshold", "voltage [V]"))
    near = "near" if r_in else "inp"
    if r_in:
        cell.add("r_in", Resistor(r_in), p="inp", n=near)
    if r_1:
        cell.add("r_1", Resistor(r_1), p=near, n="a")
    if c_in:
        cell.add("c_in", Capacitor(c_in), p=near, n="a")
    cell.add("v_sodium", VoltageSource(-v_dc), p="v_neg", n=GROUND)
    cell.add("v_potassium", VoltageSource(v_dc), p="v_pos", n=GROUND)
    devices = [fitting("neuristor", d or Mott.preset("nbo2")) for d in (first, second)]
    cell.add("m_1", devices[0], p="a", n="v_neg").add("c_1", Capacitor(c_1), p="a", n=GROUND)
    cell.add("r_2", Resistor(r_2), p="a", n="axon")
    return cell.add("m_2", devices[1], p="v_pos", n="axon").add("c_2", Capacitor(c_2), p="axon", n=GROUND)


def vo2_neuron(device: Model | None = None, v_dc: float = 1.05, r_1: float = 10e3, r_2: float = 6e3,
               c_1: float = 30e-12, c_2: float = 15e-12, c_in: float = 0.0, r_in: float = 0.0) -> Circuit:
    """The neuristor of two equal VO2 switches: spikes of 0.7 V and 0.1 us; which pattern they make, R and C decide.

    device: terminals p, n; default Mott preset vo2_yi. Everything else as in `neuristor`; the supplies are 0.92 of the
    threshold voltage. Source: Yi et al., Nat. Commun. 9, 4661 (2018).
    """
    device = device or Mott.preset("vo2_yi")
    cell = neuristor(device, device, v_dc, r_1, r_2, c_1, c_2, c_in, r_in)
    cell.name, cell.title = "vo2_neuron", "Hodgkin-Huxley neuron of two VO2 switches"
    cell.bench = Bench({"inp": Waveform.points((0.2e-6, 0), (0.22e-6, 0.4))}, 2e-6, 2e-10, ("v(inp)", "v(axon)"),
                       "a step of the input", "voltage [V]")
    return cell
