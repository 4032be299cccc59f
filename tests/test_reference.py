"""Is the reference engine right? Against closed formulas, scipy, itself at other tolerances, and planted faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from spicemem.circuit import (
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageGain,
    VoltageSource,
)
from spicemem.circuits.synapses import divider_gate, modulated_gate, shared_pre
from spicemem.devices.eis import EIS
from spicemem.engines import reference as ref
from spicemem.errors import SimulationError
from spicemem.expr import exp, local, tanh
from spicemem.model import Input, Model, Node, Param, State, Terminal, branch, capacitance, rate
from spicemem.waveform import Waveform

ENGINE = ref.ReferenceEngine()
RAMP = Waveform.points((0, 0), (1e-3, 1.0))
DRIVE = ("vs", VoltageSource(RAMP), "a", "0")


class Thermal(Model):
    """A test device: a resistor whose conductance grows with its own temperature, in series with an ohmic one."""

    reference = "test"
    p, n = Terminal(), Terminal()
    inner = Node()
    r_0 = Param(1e3, "Ohm", "resistance at ambient", low=1e-3)
    r_s = Param(10.0, "Ohm", "series resistance", low=1e-3)
    t_amb = Param(300.0, "K", "ambient temperature", low=1)
    t_exp = Param(50.0, "K", "temperature that makes it e times as conductive", low=1)
    r_th = Param(1e4, "K/W", "thermal resistance", low=1)
    tau = Param(1e-5, "s", "thermal time constant", low=1e-12)
    t_init = Param(300.0, "K", "temperature at the start", low=1)
    t = State(init=t_init, unit="K", doc="temperature", resolution=1e-3, static="solve")

    def equations(self):  # type: ignore[no-untyped-def]
        i = local("i_dev", (self.inner - self.n) / self.r_0 * exp((self.t - self.t_amb) / self.t_exp))
        yield branch(self.p, self.inner, (self.p - self.inner) / self.r_s)
        yield branch(self.inner, self.n, i)
        yield rate(self.t, ((self.inner - self.n) * i * self.r_th - (self.t - self.t_amb)) / self.tau)


class Chain(Model):
    """A test device: three states that follow one another, the first an input; its charge is not electrical."""

    reference = "test"
    p, n = Terminal(), Terminal()
    light = Input("W", "what drives it")
    g_0 = Param(1e-6, "S", "conductance", low=0)
    c_0 = Param(1e-12, "F", "capacitance", low=0)
    gain = Param(2.0, "1/W", "state per power", low=0)
    tau = Param(1e-3, "s", "delay of each", low=1e-12)
    x = State.array(3, init=Param(0.25, "1", "start", low=0), unit="1", doc="follower", resolution=1e-3)

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.p, self.n, self.g_0 * (1 + tanh(self.x[2])) * (self.p - self.n))
        yield capacitance(self.p, self.n, self.c_0)
        before = self.gain * self.light
        for x in self.x:
            yield rate(x, (before - x) / self.tau)
            before = x


class Runaway(Model):
    """A test device whose state has no value after its time is over."""

    reference = "test"
    p, n = Terminal(), Terminal()
    g_0 = Param(1e-6, "S", "conductance", low=0)
    rate_0 = Param(1.0, "1/s", "rate", low=0)
    x_init = Param(1.0, "1", "start")
    x = State(init=x_init, unit="1", doc="grows without bound", resolution=1e-3)

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.p, self.n, self.g_0 * self.x * (self.p - self.n))
        yield rate(self.x, self.rate_0 * self.x * self.x)


def circuit(*parts: tuple[Any, ...]) -> Circuit:
    """("name", part, {"p": net, ...}) or ("name", part, p, n)."""
    result = Circuit("test")
    for name, part, *nets in parts:
        result.add(name, part, **(nets[0] if isinstance(nets[0], dict) else dict(zip("pn", nets, strict=True))))
    return result


def ramp_response(t: Any, tau: float) -> Any:
    """An RC's answer to RAMP."""
    def piece(t: Any) -> Any:
        t = np.maximum(t, 0.0)
        return (t + tau * np.expm1(-t / tau)) / 1e-3
    return piece(t) - piece(t - 1e-3)


def rc_error() -> float:
    c = circuit(DRIVE, ("r1", Resistor(1e3), "a", "b"), ("c1", Capacitor(1e-6), "b", "0"))
    r = ENGINE.run(c, 5e-3, max_step=5e-3)
    v = ramp_response(r.time, 1e-3)
    assert r.time[0] == 0 and r.time[-1] == 5e-3 and (np.diff(r.time) > 0).all()
    current = np.abs(r["i(vs)"] - (v - r["v(a)"]) / 1e3).max() * 1e3
    return float(max(np.abs(r["v(b)"] - v).max(), current))


def test_rc() -> None:
    assert rc_error() < 3e-8


def test_planted_sign_in_the_residual_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ref.System.residual
    monkeypatch.setattr(ref.System, "residual", lambda self, y, yp, s: right(self, y, 1.001 * yp, s))
    assert rc_error() > 1e-5


def test_current_through_a_capacitor_in_series() -> None:
    c = circuit(DRIVE, ("c1", Capacitor(1e-6), "a", "b"), ("r1", Resistor(1e3), "b", "0"))
    r = ENGINE.run(c, 5e-3, max_step=5e-3)
    assert np.abs(r["v(b)"] - (r["v(a)"] - ramp_response(r.time, 1e-3))).max() < 3e-8
    assert np.abs(r["i(vs)"] * 1e3 + r["v(b)"]).max() < 3e-6  # a derivative of the integrator: not as sharp


def test_fast_start_on_a_long_run() -> None:
    """A time constant of a billionth of the run: the first hair-thin steps may not swallow it."""
    c = circuit(("c1", Capacitor(1e-12), "a", "0"), ("r1", Resistor(1e3), "a", "0"))
    for stop in (1e-6, 1e-3, 1.0):
        r = ENGINE.run(c, stop, max_step=stop, initial={"v(a)": 2.0})
        assert r["v(a)"][0] == pytest.approx(2.0, rel=1e-14)
        assert np.abs(r["v(a)"] - 2.0 * np.exp(-r.time / 1e-9)).max() < 1e-6


def test_rl() -> None:
    c = circuit(DRIVE, ("r1", Resistor(10.0), "a", "b"), ("l1", Inductor(1e-2), "b", "0"))
    r = ENGINE.run(c, 5e-3, max_step=5e-3, save=["i(l1)", "i(vs)", "v(b)"])
    i = ramp_response(r.time, 1e-3) / 10.0
    assert np.abs(r["i(l1)"] - i).max() < 1e-8
    assert np.abs(r["i(vs)"] + i).max() < 1e-8


def test_rlc_rings_as_it_should() -> None:
    ohm, henry, farad = 10.0, 1e-3, 1e-6
    c = circuit(("l1", Inductor(henry), "a", "b"), ("r1", Resistor(ohm), "b", "0"), ("c1", Capacitor(farad), "a", "0"))
    r = ENGINE.run(c, 1e-3, max_step=1e-3, initial={"v(a)": 1.0, "i(l1)": 0.0}, save=["v(a)", "i(l1)"])
    a = ohm / 2 / henry
    w = np.sqrt(1 / henry / farad - a * a)
    v = np.exp(-a * r.time) * (np.cos(w * r.time) + a / w * np.sin(w * r.time))
    i = np.exp(-a * r.time) * np.sin(w * r.time) / (w * henry)
    assert np.abs(r["v(a)"] - v).max() < 1e-7
    assert np.abs(r["i(l1)"] - i).max() < 1e-7 * np.abs(i).max()


def test_capacitor_across_a_source() -> None:
    wave = Waveform.points((1e-3, 0), (2e-3, 5), (2.5e-3, -1), (4e-3, 0))
    c = circuit(("vs", VoltageSource(wave), "a", "0"), ("c1", Capacitor(1e-9), "a", "0"),
                ("r1", Resistor(1e6), "a", "0"))
    r = ENGINE.run(c, 5e-3, max_step=1e-3)
    for t, slope in ((0.5e-3, 0.0), (1.5e-3, 5e3), (2.2e-3, -12e3), (3e-3, 1 / 1.5e-3), (4.5e-3, 0.0)):
        assert r.at("v(a)", t) == pytest.approx(float(wave(t)), abs=1e-12)
        expected = -1e-9 * slope - float(wave(t)) / 1e6
        assert r.at("i(vs)", t) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_floating_capacitors_divide() -> None:
    c = circuit(DRIVE, ("c1", Capacitor(1e-9), "a", "b"), ("c2", Capacitor(3e-9), "b", "0"))
    r = ENGINE.run(c, 2e-3, max_step=1e-3)
    assert np.abs(r["v(b)"] - r["v(a)"] / 4).max() < 1e-10
    assert any("b has no path" in w for w in r.warnings)
    started = ENGINE.run(c, 2e-3, max_step=1e-3, initial={"v(a)": 0.0, "v(b)": 0.5})
    assert np.abs(started["v(b)"] - 0.5 - started["v(a)"] / 4).max() < 1e-10


def test_controlled_sources() -> None:
    four = {"p": "o1", "n": "0", "cp": "a", "cn": "0"}
    base = (DRIVE, ("r1", Resistor(1e3), "a", "0"), ("r_load", Resistor(500.0), "o1", "0"))
    for part, expected in (
        (("e1", VoltageGain(-3.0), four), -3.0), (("g1", Transconductor(2e-3), four), -1.0),
        (("f1", CurrentGain(4.0, "vs"), "o1", "0"), 2.0), (("h1", Transresistor(250.0, "vs"), "o1", "0"), -0.25),
    ):
        r = ENGINE.run(circuit(*base, part), 2e-3, max_step=1e-3)
        assert np.abs(r["v(o1)"] - expected * r["v(a)"]).max() < 1e-9, part
        assert np.abs(r["i(vs)"] + r["v(a)"] / 1e3).max() < 1e-12, part


def test_sensed_capacitor_current_jumps() -> None:
    """F and H of a derivative: their outputs jump at each break point."""
    c = circuit(DRIVE, ("c1", Capacitor(1e-6), "a", "0"),
                ("h1", Transresistor(1e3, "vs"), "h", "0"), ("rh", Resistor(1e3), "h", "0"),
                ("f1", CurrentGain(1.0, "vs"), "f", "0"), ("rf", Resistor(1e3), "f", "0"),
                ("cf", Capacitor(1e-9), "f", "0"))
    r = ENGINE.run(c, 2e-3, max_step=1e-3)
    assert r.at("v(h)", 0.5e-3) == pytest.approx(-1.0, rel=1e-8)
    assert r.at("v(f)", 0.5e-3) == pytest.approx(1.0, rel=1e-8)
    assert r.at("v(h)", 1.5e-3) == pytest.approx(0.0, abs=1e-9)


def test_current_source_charges() -> None:
    c = circuit(("is", CurrentSource(RAMP.scale(1e-6)), "0", "a"), ("c1", Capacitor(1e-9), "a", "0"),
                ("r1", Resistor(1e12), "a", "0"))
    r = ENGINE.run(c, 1e-3, max_step=1e-3)
    assert r["v(a)"][-1] == pytest.approx(0.5, rel=1e-6)
    c = circuit(("is", CurrentSource(RAMP), "0", "a"), ("l1", Inductor(1e-3), "a", "0"),
                ("r1", Resistor(1.0), "a", "0"))
    r = ENGINE.run(c, 1e-3, max_step=1e-3)
    assert r["v(a)"][-1] == pytest.approx(1.0 - np.exp(-1.0), rel=1e-6)


def eis_growth() -> tuple[float, float]:
    """Relative errors of the growth of a directly gated EIS and of its gate and drain currents."""
    device = EIS(v_oc=0.0)
    volts, t_end = 4.0, 2.0
    d = {k: device.values[k] for k in device.values}
    inner = brentq(lambda u: np.sinh((volts - u) / (d["e_hop"] * d["t_ysz"])) - d["k_int"] * np.sinh(u / d["v_int"]),
                   0, volts, xtol=1e-15, rtol=1e-15)
    i = d["area"] * d["j_0"] * np.sinh((volts - inner) / (d["e_hop"] * d["t_ysz"]))
    grown = (d["g_max"] - d["g_min"]) * i / (d["area"] * d["q_area"]) * t_end
    c = circuit(("vg", VoltageSource(volts), "g", "0"), ("vd", VoltageSource(0.1), "d", "0"),
                ("syn", device, {"gate": "g", "drain": "d", "source": "0"}))
    r = ENGINE.run(c, t_end, max_step=t_end, save=["syn.g", "i(vg)", "i(vd)", "v(syn.inner)", "syn.i_ion"])
    assert r["v(syn.inner)"] == pytest.approx(np.full(len(r.time), inner), abs=1e-9)
    assert r["syn.i_ion"] == pytest.approx(np.full(len(r.time), i), rel=1e-8)
    g = float(r["syn.g"][-1] - r["syn.g"][0])
    assert r["syn.g"][0] == d["g_init"]
    currents = max(np.abs(r["i(vg)"] / -i - 1).max(), np.abs(r["i(vd)"] / (-0.1 * r["syn.g"]) - 1).max())
    return abs(g / grown - 1), float(currents)


def test_eis_at_constant_gate_voltage() -> None:
    growth, currents = eis_growth()
    assert growth < 1e-8
    assert currents < 3e-8


def test_operating_point_holds_the_state() -> None:
    cell = divider_gate(EIS(g_init=3e-6)).drive(pre=6.5, post=6.5, drain=0.1)
    r = ENGINE.operating_point(cell, save=["syn.g", "i(v_drain)", "v(gate)", "v(syn.inner)"])
    assert r["syn.g"][0] == 3e-6
    assert r["i(v_drain)"][0] == pytest.approx(-3e-7, rel=1e-12)
    assert 0 < r["v(syn.inner)"][0] < r["v(gate)"][0] <= 6.5


def hot(volts: float) -> float:
    """Temperature of Thermal (no series resistance) from its heat balance, the cool solution."""
    return float(brentq(lambda t: 1e4 * volts**2 / 1e3 * np.exp((t - 300) / 50) - (t - 300), 300, 350, xtol=1e-12))


def test_solved_state_at_rest() -> None:
    device = Thermal(r_s=1e-3)
    c = circuit(("vs", VoltageSource(1.0), "a", "0"), ("dev", device, "a", "0"))
    assert ENGINE.operating_point(c)["dev.t"][0] == pytest.approx(hot(1.0), rel=1e-6)
    held = ENGINE.operating_point(c.replace("dev", hold=1.0))
    assert held["dev.t"][0] == 300.0
    assert held["i(vs)"][0] == pytest.approx(-1.0 / (1e3 + 1e-3), rel=1e-12)
    # From a start given by hand it relaxes to the same point.
    r = ENGINE.run(c, 1e-3, max_step=1e-3, initial={"dev.t": 310.0})
    assert r["dev.t"][0] == 310.0
    assert r["dev.t"][-1] == pytest.approx(hot(1.0), rel=1e-6)


def test_sweeps() -> None:
    c = circuit(("is", CurrentSource(0.0), "0", "a"), ("dev", Thermal(r_s=1.0), "a", "0"))
    amps = np.linspace(0, 0.02, 81)
    r = ENGINE.dc(c, "is", amps, save=["v(a)", "dev.t", "dev.i_dev"])
    assert (r.time == amps).all()
    assert r["dev.i_dev"] == pytest.approx(amps, abs=1e-14)
    t = r["dev.t"]
    assert r["v(a)"] - amps == pytest.approx(amps * 1e3 * np.exp((300 - t) / 50), rel=1e-9, abs=1e-12)
    assert (r["v(a)"][1:-1] > r["v(a)"][-1]).any(), "negative slope of a self-heating device"
    linear = circuit(("vs", VoltageSource(0.0), "a", "0"), ("r1", Resistor(1e3), "a", "0"))
    r = ENGINE.dc(linear, "vs", [-1, 0, 2])
    assert r["i(vs)"] == pytest.approx([1e-3, 0, -2e-3], rel=1e-12)


def test_voltage_sweep_over_a_fold_settles() -> None:
    """Beyond the fold only the hot solution is left; there the device melts (no solution below 1e5 K is not asked)."""
    c = circuit(("vs", VoltageSource(0.0), "a", "0"), ("dev", Thermal(r_s=200.0), "a", "0"))
    r = ENGINE.dc(c, "vs", np.linspace(0, 4, 41), save=["dev.t", "dev.i_dev", "v(dev.inner)"])
    heat = r["dev.i_dev"] * r["v(dev.inner)"] * 1e4
    assert r["dev.t"] - 300 == pytest.approx(heat, rel=1e-8, abs=1e-9)
    assert (np.diff(r["dev.t"]) > 0).all() and r["dev.t"][-1] > 400


def test_state_array_and_input() -> None:
    power = Waveform.pulse(2.0, 4e-3, 1e-3, 1e-3)
    c = circuit(("vs", VoltageSource(0.5), "a", "0"), ("light", VoltageSource(power), "l", "0"),
                ("dev", Chain(), {"p": "a", "n": "0", "light": "l"}))
    r = ENGINE.run(c, 8e-3, max_step=8e-3)
    # Exactly: states, power, its slope and 1 as one linear system, segment by segment.
    x = np.full(3, 0.25)
    breaks = [0.0, *power.times, 8e-3]
    for a, b in pairwise(breaks):
        start, slope = float(power(a)), float((power(b) - power(a)) / (b - a))
        m = np.zeros((5, 5))
        m[:3, :3] = (np.eye(3, k=-1) - np.eye(3)) / 1e-3
        m[0, 3], m[3, 4] = 2.0 / 1e-3, slope
        x = (expm(m * (b - a)) @ np.r_[x, start, 1.0])[:3]
        for k in range(3):
            assert r.at(f"dev.x{k}", b) == pytest.approx(x[k], rel=1e-7)
    assert r["i(light)"] == pytest.approx(np.zeros(len(r.time)), abs=1e-15)
    assert r["i(vs)"] == pytest.approx(-0.5e-6 * (1 + np.tanh(r["dev.x2"])), rel=1e-9)


def everything() -> Circuit:
    """All parts, two devices, a floating branch."""
    c = modulated_gate(EIS(g_init=9.9e-6, v_oc=-0.2)).drive(pre=RAMP, post=-RAMP, drain=0.1)
    c.add("l1", Inductor(1e-3), p="pre", n="x").add("c1", Capacitor(1e-9), p="x", n="post")
    c.add("rx", Resistor(1e4), p="x", n="0").add("f1", CurrentGain(0.1, "v_pre"), p="x", n="0")
    c.add("g1", Transconductor(1e-5), p="x", n="post", cp="pre", cn="drain")
    c.add("h1", Transresistor(10.0, "v_post"), p="y", n="0").add("th", Thermal(), p="y", n="x")
    return c.add("is", CurrentSource(1e-3), p="0", n="y").add("ch", Chain(), p="x", n="y", light="drain")


def jacobian_error() -> float:
    """Largest deviation of the Jacobian from differences of the residual, relative to its row."""
    system = ref.System(everything().check_runnable())
    rng = np.random.default_rng(1)
    y, yp = rng.normal(size=(2, system.n))
    cj, s, step = 3.0, np.zeros(system.n), 1e-5
    exact = system.matrix(system.slopes(y, cj))
    exact = exact if system.dense else exact.toarray()
    worst = 0.0
    for k in range(system.n):
        e = np.eye(system.n)[k] * step
        high, low = (system.residual(y + q * e, yp + q * cj * e, s) for q in (1.0, -1.0))
        error = np.abs(exact[:, k] - (high - low) / (2 * step))
        worst = max(worst, float(np.max(error / np.abs(exact).max(axis=1))))
    return worst


@pytest.mark.parametrize("many, dense", [(8, 80), (0, 80), (8, 0), (0, 0)])
def test_jacobian_is_the_slope_of_the_residual(many: int, dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ref, "MANY", many)
    monkeypatch.setattr(ref, "DENSE", dense)
    assert jacobian_error() < 1e-7


def test_planted_sign_in_a_derivative_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[..., Any] = ref.derivative
    monkeypatch.setattr(ref, "derivative",
                        lambda root, by: -right(root, by) if by.value == "inner" else right(root, by))
    ref.compiled.cache_clear()
    try:
        assert jacobian_error() > 1e-2
    finally:
        ref.compiled.cache_clear()


def test_planted_fault_in_a_device_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ref.System._evaluate
    monkeypatch.setattr(ref.System, "_evaluate", lambda self, calls, y: right(self, calls, y) * 1.00001)
    assert eis_growth()[0] > 1e-6


def stdp_change(rtol: float = 1e-9, max_step: float = 0.25) -> float:
    cell = divider_gate()
    r = ref.ReferenceEngine(rtol).run(cell.drive(**cell.bench.drives), 0.25, max_step=max_step)  # type: ignore[union-attr]
    return float(r["syn.g"][-1] - r["syn.g"][0])


def test_tolerance_converges() -> None:
    loose, normal, tight = (stdp_change(rtol) for rtol in (1e-7, 1e-9, 1e-11))
    assert abs(loose / tight - 1) < 1e-5
    assert abs(normal / tight - 1) < 1e-7
    assert abs(stdp_change(max_step=1e-3) / normal - 1) < 1e-7


def test_speed_of_a_spike_pair() -> None:
    stdp_change()
    best = 9.0
    for _ in range(3):
        begun = time.perf_counter()
        stdp_change()
        best = min(best, time.perf_counter() - begun)
    assert best < 0.5  # some 0.06 s on an idle core; the bound allows for a busy machine


def test_splitting_a_run_changes_nothing() -> None:
    pre, post = Waveform.points((0.02, 0), (0.021, 6), (0.1, 0)), Waveform.points((0.05, 0), (0.051, 5), (0.12, -2))
    t_split, stop = 0.07, 0.15

    def build(shift: float) -> Circuit:
        c = divider_gate().drive(pre=pre.shift(-shift), post=post.shift(-shift), drain=0.1)
        c.add("rl", Resistor(1e3), p="pre", n="a").add("l1", Inductor(1.0), p="a", n="b")
        return c.add("c1", Capacitor(1e-6), p="b", n="0").add("th", Thermal(), p="b", n="0")

    save = ["syn.g", "v(b)", "v(gate)", "i(l1)", "th.t"]
    whole = ENGINE.run(build(0), stop, max_step=stop, save=save)
    first = ENGINE.run(build(0), t_split, max_step=stop, save=save)
    second = ENGINE.run(build(t_split), stop - t_split, max_step=stop, save=save, initial=first.final_state())
    for name in save:
        span = np.ptp(whole[name])
        assert second[name][0] == pytest.approx(first[name][-1], abs=1e-8 * span), name
        assert second[name][-1] == pytest.approx(whole[name][-1], abs=1e-8 * span), name
    assert not second.warnings


@pytest.mark.parametrize("many, dense", [(100, 0), (8, 80), (8, 0)])
def test_many_devices_together_as_one_by_one(many: int, dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    c = Circuit("grid")
    for i in range(10):
        c.add(f"cell{i}", shared_pre(EIS(g_init=1e-6 * (1 + i / 2)), EIS.preset("huang_2025_7nm")), pre="pre",
              post_a=f"post{i % 2}", post_b="post0", drain_a="drain", drain_b="0")
    for net, wave in (("pre", 3 * RAMP), ("post0", 0.0), ("post1", -4 * RAMP), ("drain", 0.1)):
        c.add(f"v_{net}", VoltageSource(wave), p=net, n="0")
    monkeypatch.setattr(ref, "MANY", 1000)
    monkeypatch.setattr(ref, "DENSE", 1000)
    plain = ENGINE.run(c, 3e-3, max_step=3e-3)
    monkeypatch.setattr(ref, "MANY", many)
    monkeypatch.setattr(ref, "DENSE", dense)
    other = ENGINE.run(c, 3e-3, max_step=3e-3)
    for name in plain:
        assert other[name][-1] == pytest.approx(plain[name][-1], rel=1e-9, abs=1e-16), name
        if name.endswith(".g"):
            change = plain[name][-1] - plain[name][0]
            assert abs(change) > 1e-14
            assert other[name][-1] - other[name][0] == pytest.approx(change, rel=1e-7, abs=1e-20)


def test_what_a_source_dictates_is_told() -> None:
    c = circuit(("vs", VoltageSource(1.0), "a", "0"), ("c1", Capacitor(1e-9), "a", "0"))
    r = ENGINE.run(c, 1e-3, max_step=1e-3, initial={"v(a)": 0.25})
    assert r["v(a)"][0] == 1.0 and "v(a) - v(0) starts at 1 V" in r.warnings[0]
    c = circuit(("c1", Capacitor(1e-6), "a", "0"), ("l1", Inductor(1e-3), "a", "0"), ("r1", Resistor(1e6), "a", "0"))
    r = ENGINE.run(c, 1e-4, max_step=1e-4, initial={"v(a)": 1.0}, save=["i(l1)", "v(a)"])
    assert r["i(l1)"][0] == 0.0 and r["v(a)"][0] == 1.0 and "starts at 0 A" in r.warnings[0]


def test_failures_say_what_and_when() -> None:
    c = circuit(("vs", VoltageSource(1.0), "a", "0"), ("dev", Runaway(), "a", "0"))
    with pytest.raises(SimulationError, match=r"no way on from 1 s|no solution right after 1 s|0\.99999"):
        ENGINE.run(c, 2.0, max_step=2.0)
    cell = divider_gate().drive(pre=RAMP)
    with pytest.raises(SimulationError, match="time limit"):
        ENGINE.run(cell, 1.0, max_step=1e-6, timeout=0.2)


def test_interruption_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**9))

    def interrupted(self: Any, t: float) -> None:
        if next(calls) > 300:
            raise KeyboardInterrupt

    monkeypatch.setattr(ref._Clock, "check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ENGINE.run(divider_gate().drive(pre=RAMP), 1.0, max_step=1e-5)


def test_engine_tells_its_version() -> None:
    ok, text = ENGINE.available()
    assert ok and text == ENGINE.version() and "SUNDIALS" in text
