"""Cells without transistors: a selector in series, two devices back to back, a bridge of four, a difference."""

from __future__ import annotations

from spicemem.circuit import GROUND, Circuit, Resistor, Synapse, Transconductor
from spicemem.circuits.fit import bench, fitting, pulses
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.devices.linear_ion_drift import LinearIonDrift
from spicemem.devices.miec import MIEC
from spicemem.devices.vcm import VCM
from spicemem.errors import CircuitError
from spicemem.model import Model
from spicemem.waveform import Waveform

#: Input resistance (Ohm) of a bridge's amplifier: finite, so that its nets have voltages before the devices conduct.
AMPLIFIER = 1e12


def cell_1s1r(device: Model | None = None, selector: Model | None = None, r: float = 15e3) -> Circuit:
    """One selector, one resistive device (1S1R): below the selector's threshold the cell lets hardly any current by.

    In series from bl to wl: selector, device (p towards bl), resistor r (Ohm), which limits the current of the set.
    Set: v(bl, wl) above the selector's threshold and what the device sets at; half of it, as at the other cells of an
    array, does nothing. Read above the selector's threshold.
    device: any model with terminals p and n, default VCM; selector: the same, default MIEC. A selector that snaps back
    (OTS) switches a filament within its nanoseconds: take steps of that size.
    Ports: bl, wl. pre is the word line and post the bit line.
    """
    device, selector = fitting("cell_1s1r", device or VCM()), fitting("cell_1s1r", selector or MIEC())
    if selector.behaviour is not None and selector.handling().kind not in ("threshold", "volatile"):
        raise CircuitError(f"cell_1s1r: selector {selector.definition.name}", found=selector.handling().kind,
                           expected="a volatile switch, such as MIEC or OTS")
    cell = Circuit("cell_1s1r", ("bl", "wl"), "One selector, one resistive device",
                   (Synapse("syn", "wl", "bl", "bl", "syn"),))
    if device.behaviour is not None and selector.behaviour is not None:
        b = device.handling()
        up, unit = max(b.loop) + 2 * selector.handling().threshold, (max(b.loop) - min(b.loop)) / b.rate / 100
        down = 1.35 * up  # a reset takes more current than the set, and so more voltage over the resistor
        # A quarter of a select, half of it, the whole: set; then the same at the word line: reset.
        drives = {port: sum((pulses(unit, share * volts, 4.0, [start + 6.0 * k]) for k, share in ((1, 0.5), (2, 1.0))),
                            start=pulses(unit, 0.25 * volts, 4.0, [start]))
                  for port, volts, start in (("bl", up, 1.0), ("wl", down, 20.0))}
        cell.bench = bench(drives, {"syn": device}, "quarter, half and full select, either way")
    cell.add("select", selector, p="bl", n="between")
    cell.add("syn", device, p="between", n="inside")
    return cell.add("r_series", Resistor(r), p="inside", n="wl")


def complementary(device_a: Model | None = None, device_b: Model | None = None, r: float = 2e3) -> Circuit:
    """Complementary resistive switch: two bipolar devices back to back, one of them always high.

    In series from pre to post: resistor r (Ohm), device a with p towards pre, device b with p towards post. 0: a high,
    b low; 1: a low, b high; both look high at low voltage, so an array has no sneak paths. A positive voltage first
    sets a (both low: the on window opens), then resets b (it closes); a negative one the other way. Reading is writing
    1: current in the window tells a 0. r keeps the window open where the reset voltage is below the set voltage.
    device_a, device_b: any bipolar models with terminals p and n, default VCM, a high and b with a filament of 0.2 (0);
    device_b default: as device_a if that is given. Ports: pre, post. Source: Linn et al., Nat. Mater. 9, 403 (2010);
    recalled, not re-read.
    """
    a = fitting("complementary", device_a or VCM())
    b = fitting("complementary", device_b or device_a or VCM(x_init=0.2))
    for device in (a, b):
        if device.behaviour is not None and device.handling().kind != "bipolar":
            raise CircuitError(f"complementary: device {device.definition.name}", found=device.handling().kind,
                               expected="bipolar switching: one polarity sets, the other resets")
    cell = Circuit("complementary", ("pre", "post"), "Two devices back to back",
                   (Synapse("a", "pre", "post", "pre", "a"), Synapse("b", "pre", "post", "pre", "b")))
    if a.behaviour is not None:
        loop, rate = a.handling().loop, a.handling().rate
        peak = 1.4 * max(map(abs, loop))
        wave = Waveform.points((0, 0), (1, peak), (2, 0), (3, -peak), (4, 0)).stretch(peak / rate)
        cell.bench = bench({"pre": wave}, {"a": a, "b": b}, "write 1, write 0", 4000)
    cell.add("r_series", Resistor(r), p="pre", n="inside")
    cell.add("a", a, p="inside", n="middle")
    return cell.add("b", b, p="post", n="middle")


def bridge(device: Model | None = None, g_out: float = 1e-3) -> Circuit:
    """Memristor bridge: four devices weigh a signal with either sign, and zero where the bridge is balanced.

    v(left) = v(pre)*R2/(R1 + R2), v(right) = v(pre)*R4/(R3 + R4); their difference times g_out (S) flows out of port
    post, kept at 0 V by the neuron. So the weight is R2/(R1 + R2) - R4/(R3 + R4), -1 to 1, times g_out. Positive pulses
    at pre set m1 and m4 and reset m2 and m3, which raises it; negative ones lower it; short ones are weighed.
    device: any model with terminals p and n, four times; default LinearIonDrift half way, a balanced bridge. Others by
    replace("m1", x_init=...). Ports: pre, post. Source: Kim et al., Proc. IEEE 100, 2061 (2012); recalled, not re-read.
    """
    device = fitting("bridge", device or LinearIonDrift(x_init=0.5))
    cell = Circuit("bridge", ("pre", "post"), "Memristor bridge of four devices",
                   tuple(Synapse(name, "pre", "post", "pre", name) for name in ("m1", "m2", "m3", "m4")))
    if device.behaviour is not None and device.handling().reset_pulse is not None:
        b = device.handling()
        height, width = 2 * max(b.set_pulse[0], -min(b.loop)), b.set_pulse[1]
        train = pulses(width, height, 1.0, [1.0 + 2 * k for k in range(4)])
        drives = {"pre": train - pulses(width, height, 1.0, [10.0 + 2 * k for k in range(8)])}
        cell.bench = bench(drives, {"m1": device, "m2": device}, "positive pulses, then twice as many negative")
    for name, p, n in (("m1", "pre", "left"), ("m2", GROUND, "left"), ("m3", "right", "pre"), ("m4", "right", GROUND)):
        cell.add(name, device, p=p, n=n)
    for side in ("left", "right"):
        cell.add(f"r_{side}", Resistor(AMPLIFIER), p=side, n=GROUND)
    return cell.add("g_diff", Transconductor(g_out), p=GROUND, n="post", cp="left", cn="right")


def differential_pair(device_plus: Model | None = None, device_minus: Model | None = None) -> Circuit:
    """Differential pair: a weight of either sign as the difference of two conductances, G+ - G-.

    Two devices from port pre (p) to columns plus and minus, kept at 0 V by the neuron, which subtracts their currents:
    (G+ - G-)*v(pre). A column below 0 V potentiates its device. Each device is read at its column.
    device_plus, device_minus: any models with terminals p and n, default InterfaceRRAM ta_taox_tio2_ti; device_minus
    default: as device_plus. Ports: pre, plus, minus.
    """
    plus = fitting("differential_pair", device_plus or InterfaceRRAM.preset("ta_taox_tio2_ti"))
    minus = fitting("differential_pair", device_minus or plus)
    cell = Circuit("differential_pair", ("pre", "plus", "minus"), "Two devices whose conductances are subtracted",
                   tuple(Synapse(name, "pre", name, name, f"g_{name}") for name in ("plus", "minus")))
    if plus.behaviour is not None:
        height, width = plus.handling().set_pulse
        train = pulses(width, -height, 1.0, [1.0 + 2 * k for k in range(10)])
        cell.bench = bench({"plus": train, "minus": train.shift(20 * width)}, {"g_plus": plus, "g_minus": minus},
                           "ten pulses that raise the weight, ten that lower it", 4000)
    cell.add("g_plus", plus, p="pre", n="plus")
    return cell.add("g_minus", minus, p="pre", n="minus")
