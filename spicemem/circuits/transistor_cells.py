"""Cells of a resistive device and transistors: the transistor limits the current of the set, and gates the spikes."""

from __future__ import annotations

from spicemem.circuit import GROUND, Capacitor, Circuit, Synapse
from spicemem.circuits.fit import Transistor, bench, fitting, pulses, transistor
from spicemem.devices.vcm import VCM
from spicemem.model import Model
from spicemem.waveform import Waveform

#: Gate voltages of the benches (V): compliance currents of 25 to 170 uA with the default transistor; fully open.
GATES, OPEN = (0.8, 1.0, 1.3), 3.0
#: Junctions (F) at a net between transistors, chosen: when both close, its voltage stays where it was.
JUNCTION = 1e-15


def cell_1t1r(device: Model | None = None, nmos: Transistor | None = None) -> Circuit:
    """One transistor, one resistive device (1T1R): the gate voltage sets the current that ends the set.

    The device is between the bit line and the transistor's drain, p at the bit line. Set: bit line up, word line at the
    voltage of the compliance current. Reset: source line up, word line well open (a bit line below ground would open
    a transistor whose gate is at 0 V). Reading: word line open; the transistor's resistance is in what is read.
    device: any model with terminals p and n, default VCM. nmos: NFET(...) or a Foreign transistor, bulk at ground.
    Ports: bl, wl, sl. pre is the word line and post the bit line (Ambrogio et al. 2016; recalled, not re-read).
    """
    device = fitting("cell_1t1r", device or VCM())
    cell = Circuit("cell_1t1r", ("bl", "wl", "sl"), "One transistor, one resistive device",
                   (Synapse("syn", "wl", "bl", "bl", "syn"),))
    if device.behaviour is not None:
        up, down, _ = _levels(device)
        slope = device.handling().rate
        cycle = 2 * (up + down) / slope
        triangle = Waveform.points((0, 0), (up / slope, up), (2 * up / slope, 0))
        back = Waveform.points((0, 0), (down / slope, down), (2 * down / slope, 0)).shift(2 * up / slope)
        edge = 0.01 * cycle
        gate = [point for k, volts in enumerate(GATES) for point in (
            (k * cycle, volts), (k * cycle + 2 * up / slope - edge, volts), (k * cycle + 2 * up / slope, OPEN),
            ((k + 1) * cycle - edge, OPEN))]
        drives = {"bl": triangle.repeat(len(GATES), cycle), "sl": back.repeat(len(GATES), cycle),
                  "wl": Waveform.points(*gate)}
        cell.bench = bench(drives, {"syn": device}, "set at three gate voltages and reset", 6000)
    cell.add("syn", device, p="bl", n="be")
    return cell.add("t_select", transistor("cell_1t1r", nmos), d="be", g="wl", s="sl", b=GROUND)


def cell_2t1r(device: Model | None = None, nmos: Transistor | None = None) -> Circuit:
    """Two transistors, one resistive device (2T1R): the fire gate for learning, the communication gate for spikes.

    The PRE spike is across te and sl. Where it meets the POST spike at the fire gate, the device is set (te up: the
    fire gate's voltage limits the current, so timing becomes conductance) or reset (sl up). A short pulse at the
    communication gate lets the device's current into the neuron: port axon, kept at 0 V by it.
    device: any model with terminals p (top electrode) and n, default VCM. nmos: both transistors, bulk at ground.
    Ports: te, fg, cg, axon, sl. Read at te with cg open. A negative spike of the papers is sl up by as much: te below
    ground would open transistors whose gates are at 0 V. Source: Wang et al., Front. Neurosci. 8, 438 (2015), as
    device-physics-review, Fig. 12c, shows it.
    """
    device = fitting("cell_2t1r", device or VCM())
    cell = Circuit("cell_2t1r", ("te", "fg", "cg", "axon", "sl"), "Two transistors, one resistive device",
                   (Synapse("syn", "te", "fg", "te", "syn"),))
    if device.behaviour is not None:
        up, down, unit = _levels(device)
        # Four PRE spikes, positive, then negative; POST spikes at the fire gate meet three of them.
        starts = [0.0, 6.0, 12.0, 18.0]
        cell.bench = bench({
            "te": pulses(unit, up, 1.0, starts), "sl": pulses(unit, down, 1.0, [t + 1.2 for t in starts]),
            "fg": pulses(unit, GATES[0], 0.6, [6.2]) + pulses(unit, OPEN, 0.6, [13.4])
            + pulses(unit, GATES[2], 0.6, [18.2, 21.0]),
        }, {"syn": device}, "PRE spikes, met by POST spikes at the fire gate", 6000)
    nmos = transistor("cell_2t1r", nmos)
    cell.add("syn", device, p="te", n="be")
    cell.add("t_fire", nmos, d="be", g="fg", s="sl", b=GROUND)
    return cell.add("t_read", nmos, d="be", g="cg", s="axon", b=GROUND)


def cell_4t1r(device: Model | None = None, nmos: Transistor | None = None) -> Circuit:
    """Four transistors, one resistive device (4T1R): the rate of spikes decides between potentiation and depression.

    Two branches of two transistors in series from the bottom electrode to the source line. One conducts while the PRE
    spike meets its own delayed copy, which happens above a rate of 1/delay: a pulse of the POST neuron at te sets the
    device then. The other conducts while a POST spike meets noise: a pulse at sl resets the device. The gates are
    ports, so delays and noise are waveforms, and two ports may get the same one.
    device: any model with terminals p (top electrode) and n, default VCM. nmos: all four, bulk at ground.
    Ports: te, pre, pre_delayed, post, noise_spike, sl. Read at te with pre and pre_delayed open. sl up is the negative
    pulse at te of the paper. Source: Milo et al., IEDM 2016; recalled, not re-read: which signal gates which transistor
    of the second branch is a choice.
    """
    device = fitting("cell_4t1r", device or VCM())
    cell = Circuit("cell_4t1r", ("te", "pre", "pre_delayed", "post", "noise_spike", "sl"),
                   "Four transistors, one resistive device", (Synapse("syn", "pre", "te", "te", "syn"),))
    if device.behaviour is not None:
        up, down, unit = _levels(device)
        # Slow PRE spikes miss their delayed copies, fast ones meet them; then noise meets one of two POST spikes.
        spikes, delay = [1.0, 6.0, 11.0, 13.0, 15.0], 2.0
        cell.bench = bench({
            "pre": pulses(unit, 1.2, 1.0, spikes), "pre_delayed": pulses(unit, 1.2, 1.0, [t + delay for t in spikes]),
            "te": pulses(unit, up, 0.8, [t + delay + 0.1 for t in spikes]),
            "post": pulses(unit, OPEN, 1.0, [21.0, 25.0]), "noise_spike": pulses(unit, OPEN, 1.0, [23.0, 25.0, 28.0]),
            "sl": pulses(unit, down, 0.8, [21.1, 25.1]),
        }, {"syn": device}, "PRE spikes at two rates, then noise", 6000)
    nmos = transistor("cell_4t1r", nmos)
    cell.add("syn", device, p="te", n="be")
    for name, drain, gate, source in (("t_pre", "be", "pre", "potentiation"),
                                      ("t_delayed", "potentiation", "pre_delayed", "sl"),
                                      ("t_post", "be", "post", "depression"),
                                      ("t_noise", "depression", "noise_spike", "sl")):
        cell.add(name, nmos, d=drain, g=gate, s=source, b=GROUND)
    for net in ("be", "potentiation", "depression"):
        cell.add(f"c_{net}", Capacitor(JUNCTION), p=net, n=GROUND)
    return cell


def _levels(device: Model) -> tuple[float, float, float]:
    """What sets and resets behind a transistor (V, V), and a time (s) that is long for it: a hundredth of its loop."""
    b = device.handling()
    return max(b.loop) + 0.3, 0.4 - min(b.loop), (max(b.loop) - min(b.loop)) / b.rate / 100
