"""Small circuits that can be chaotic: a memristor-coupled Josephson junction, an oscillator with a driven gate."""

from __future__ import annotations

import math

from spicemem.circuit import GROUND, Capacitor, Circuit, CurrentSource, Inductor, Resistor, VoltageSource
from spicemem.circuits.fit import fitting
from spicemem.devices.josephson import FluxMemristor, Junction
from spicemem.devices.mott import Mott
from spicemem.devices.transistor import NFET
from spicemem.model import Bench, Model
from spicemem.waveform import Waveform


def coupled_junction(k: float = 0.006, amps: float = 1.2e-3, henry: float = 2.6e-3, ohm: float = 1e3,
                     junction: Junction | None = None) -> Circuit:
    """A Josephson junction fed with a current, shunted by an inductor with its resistor and by a memristor.

    k: coupling of the memristor. amps: A, fed; henry, ohm: the shunt. It runs as it is, without ports. Voltages in V,
    currents in mA and times in us are the dimensionless ones of the equations: beta_C 0.707, beta_L 2.6, i 1.2.
    Source: Zhang et al. 2018 and Fig. 26a of the review Future of Memristors, which prints no values: recalled ones of
    the resistive-capacitive-inductive junction, and a chosen memristor.
    """
    cell = Circuit("coupled_junction", (), "Josephson junction coupled to a memristor")
    cell.add("feed", CurrentSource(amps), p=GROUND, n="node")
    cell.add("jj", junction or Junction(), p="node", n=GROUND).add("mem", FluxMemristor(k=k), p="node", n=GROUND)
    return cell.add("coil", Inductor(henry), p="node", n="inner").add("shunt", Resistor(ohm), p="inner", n=GROUND)


def plasma_period(cell: Circuit) -> float:
    """The shortest period (s) of the junction of a circuit: that of small oscillations of its phase."""
    v = next(d for d in cell.devices().values() if isinstance(d, Junction)).values
    return 2 * math.pi * math.sqrt(v["c_j"] / (v["i_c"] * v["turn"]))


def gated_oscillator(device: Model | None = None, r: float = 30e3, c: float = 1e-9, w: float = 6e-6,
                     noisy: bool = False) -> Circuit:
    """A Pearson-Anson oscillator whose switch discharges the capacitor through a transistor.

    device: terminals p, n; default Mott preset nbo2. r: Ohm, c: F, w: m, width of the transistor. What the gate is at
    decides how far the capacitor is discharged, 0.2 mA times its resistance, and hardly when the switch turns on, at
    33 uA: a fast signal there makes the next interval depend on the time of the last event, back and forth. noisy: the
    device's input i_noise is a port. Ports: supply, gate (V), and jitter; i(sense) is the current of the switch.
    """
    wave = Waveform([0.0, *(1e-7 * (k + 1) for k in range(300))],
                    [0.0, *(0.9 + 0.36 * math.sin(2 * math.pi * k / 61) for k in range(300))])
    ports = ("supply", "gate", *(("jitter",) if noisy else ()))
    cell = Circuit("gated_oscillator", ports, "Oscillator with a driven gate", bench=Bench(
        {"supply": Waveform.points((0, 0), (1e-8, 5.0)), "gate": wave}, 30e-6, 5e-9, ("v(axon)", "v(gate)"),
        "a fast signal at the gate", "voltage [V]"))
    cell.add("r_load", Resistor(r), p="supply", n="axon").add("c_load", Capacitor(c), p="axon", n=GROUND)
    cell.add("dut", fitting("gated_oscillator", device or Mott.preset("nbo2")), p="axon", n="foot",
             **({"i_noise": "jitter"} if noisy else {}))
    cell.add("sense", VoltageSource(0.0), p="foot", n="drain")
    return cell.add("mos", NFET(w=w), d="drain", g="gate", s=GROUND, b=GROUND)
