"""Filamentary valence-change RRAM: the 1T1R anchors, rows of Table 1, what engines agree on, what noise does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.vcm import VCM
from spicemem.errors import ModelError
from spicemem.expr import quantity, tanh
from spicemem.model import Model, Param, Terminal, branch
from spicemem.protocols.conductance import conductance
from spicemem.spread import Normal, redrawn
from spicemem.waveform import Waveform

#: Current limit (A): resistance (Ohm) it sets, largest current (A) of the reset: 1T1R at 1 V/s.
LIMITS = {25e-6: (14.3e3, 32e-6), 50e-6: (7.3e3, 63e-6), 100e-6: (3.8e3, 121e-6), 170e-6: (2.3e3, 199e-6)}
#: Stop voltage of the reset (V): high resistance (Ohm), same source; the first is printed as a range.
STOPS = {-0.6: (80e3, 90e3), -0.8: (318e3, 318e3), -1.0: (437e3, 437e3), -1.4: (495e3, 495e3)}
#: Table 1 of the review, anode n turned: bounds of Vset, Vreset (V), ratio, tset, treset (s), and the nominal values.
ROWS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "ta_hfo2_pd": {"vset": (0.99, 1.21), "vreset": (-1.43, -1.17), "ratio": (500 / 1.5, 750), "tset": (25e-9, 100e-9),
                   "treset": (25e-9, 100e-9)},
    "pt_tio2_nio_pt": {"vset": (0.5, 1.0), "vreset": (-1.0, -0.5), "ratio": (1e6 / 1.5, 1.5e6), "tset": (1e-12, 150e-9),
                       "treset": (1e-12, 150e-9)},
}
NOMINAL = {"ta_hfo2_pd": (1.1, -1.3, 50e-9), "pt_tio2_nio_pt": (0.75, -0.75, 150e-9)}


class Limiter(Model):
    """Current limiter: a saturated transistor, ohmic within 20 mV."""

    reference = "this test"
    p, n = Terminal(), Terminal()
    i_c = Param(1e-4, "A", "largest current", low=1e-9)

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.p, self.n, self.i_c * tanh((self.p - self.n) / quantity(0.02, "V")))


def triangle(peak: float) -> Waveform:
    """To a peak (V) and back, 1 V/s."""
    return Waveform.points((0, 0), (abs(peak), peak), (2 * abs(peak), 0))


def drive(engine: Any, device: VCM, wave: Waveform, stop: float, *, limit: float = 0.0, points: int = 1500,
          **inputs: Waveform) -> Any:
    """A device between a source and ground, or in series with a limiter."""
    circuit, nets = Circuit("bench"), {"p": "top", "n": "low" if limit else "0"}
    for name, values in inputs.items():
        circuit.add(f"v_{name}", VoltageSource(values), p=name, n="0")
        nets[name] = name
    circuit.add("dut", device, **nets)
    if limit:
        circuit.add("limiter", Limiter(i_c=limit), p="low", n="0")
    circuit.add("v_top", VoltageSource(wave), p="top", n="0")
    return engine.run(circuit, stop, max_step=stop / points, timeout=60)


def siemens(device: VCM, x: Any) -> Any:
    """The conductance that is read at 0.1 V."""
    return conductance(device, {"x": x}, 0.1)


def crossing(device: VCM, run: Any, level: float | None = None) -> tuple[float, float]:
    """When (s), and at which voltage (V), a run passes a conductance, or the geometric mean of its two ends."""
    g = np.log(siemens(device, run["dut.x"]))
    middle = (g[0] + g[-1]) / 2 if level is None else math.log(level)
    sign = 1 if g[0] < middle else -1
    hits = np.flatnonzero(sign * g >= sign * middle)
    if not len(hits):
        return math.nan, math.nan
    k = max(int(hits[0]), 1)
    at = float(np.interp(sign * middle, sign * g[k - 1:k + 1], run.time[k - 1:k + 1]))
    return at, float(np.interp(at, run.time, run["v(top)"]))


def compliance(device: VCM, engine: Any, limits: Mapping[float, tuple[float, float]]) -> list[str]:
    """Which 1T1R anchors a device misses."""
    missed, products, last = [], [], (math.inf, 0.0)

    def want(what: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            missed.append(f"{what}: {value:g}, not {low:g} to {high:g}")

    for limit, (ohm, current) in limits.items():
        run = drive(engine, device, triangle(1.2), 2.4, limit=limit)
        x = float(run["dut.x"][-1])
        found = 1 / float(siemens(device, x)[0])
        want("set voltage", crossing(device, run)[1], 0.76, 0.80)
        want("low resistance", found, 0.97 * ohm, 1.03 * ohm)
        want("V_C", limit * found, 0.355, 0.395)  # printed 0.36 to 0.39
        run = drive(engine, device.replace(x_init=min(max(x, 0), 1)), triangle(-0.6), 1.2)
        amps = run["i(v_top)"][run.time < 0.6]
        peak = int(np.argmax(amps))
        want("reset current", amps[peak], 0.95 * current, 1.05 * current)
        want("reset current over limit", amps[peak] / limit, 1.15, 1.35)  # printed 1.2 to 1.3
        want("reset voltage", run["v(top)"][peak], -0.495, -0.475)  # printed -0.48
        if not (found < last[0] and amps[peak] > last[1]):
            missed.append("low resistance falls, reset current rises")
        last = found, float(amps[peak])
        products.append(limit * found)
    want("spread of V_C", max(products) / min(products), 1.0, 1.15)
    return missed


def resets(device: VCM, engine: Any) -> list[str]:
    """Which anchors of the gradual reset a device misses: high resistance against the stop voltage."""
    missed, last = [], 0.0
    for stop, (low, high) in STOPS.items():
        run = drive(engine, device.replace(x_init=0.137), triangle(stop), 2 * abs(stop))  # 7.3 kOhm
        ohm = 1 / float(siemens(device, run["dut.x"][-1])[0])
        share = 0.0 if low < high else 0.05
        if not ((1 - share) * low <= ohm <= (1 + share) * high and ohm > last):
            missed.append(f"high resistance after {stop} V: {ohm:g}")
        last = ohm
    return missed


def table1(device: VCM, engine: Any, row: str) -> list[str]:
    """Which cells of a row of Table 1 a device misses."""
    v_set, v_reset, time = NOMINAL[row]

    def half(peak: float, x: float) -> Any:
        return drive(engine, device.replace(x_init=min(max(x, 0), 1)), triangle(1.5 * peak), 3 * abs(peak))

    def pulse(volts: float, x: float, level: float) -> float:
        wave = Waveform.points((0, 0), (time / 1000, volts))
        started = device.replace(x_init=min(max(x, 0), 1))
        return crossing(device, drive(engine, started, wave, 3 * time, points=3000), level)[0]

    x = float(half(v_reset, float(half(v_set, 0.0)["dut.x"][-1]))["dut.x"][-1])
    up = half(v_set, x)
    down = half(v_reset, float(up["dut.x"][-1]))
    g = [[float(siemens(device, run["dut.x"][k])[0]) for k in (0, -1)] for run in (up, down)]
    found = {"vset": crossing(device, up)[1], "vreset": crossing(device, down)[1], "ratio": g[0][1] / g[1][1],
             "tset": pulse(2 * v_set, x, math.sqrt(g[0][0] * g[0][1])),
             "treset": pulse(2 * v_reset, float(up["dut.x"][-1]), math.sqrt(g[1][0] * g[1][1]))}
    return [f"{name}: {found[name]:g}" for name, (low, high) in ROWS[row].items() if not low <= found[name] <= high]


def test_current_limit_sets_the_resistance(ngspice: Any) -> None:
    assert compliance(VCM(), ngspice, LIMITS) == []


def test_reset_is_gradual_and_controlled_by_its_stop_voltage(ngspice: Any) -> None:
    assert resets(VCM(), ngspice) == []


@pytest.mark.parametrize("row", ROWS)
def test_rows_of_table_1(ngspice: Any, row: str) -> None:
    assert table1(VCM.preset(row), ngspice, row) == []


@pytest.mark.parametrize("check", [
    lambda e: compliance(VCM(v_t=0.46), e, {100e-6: LIMITS[100e-6]}),
    lambda e: compliance(VCM(a_set=3e9), e, {100e-6: LIMITS[100e-6]}),
    lambda e: resets(VCM(h_0=0.02), e),
    lambda e: table1(VCM.preset("ta_hfo2_pd", a_set=6.3e13), e, "ta_hfo2_pd"),
    lambda e: table1(VCM.preset("pt_tio2_nio_pt", g_off=2e-9), e, "pt_tio2_nio_pt"),
], ids=["cooler", "faster", "colder gap", "faster set", "leakier"])
def test_checks_notice_a_wrong_constant(ngspice: Any, check: Callable[[Any], list[str]]) -> None:
    assert check(ngspice)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], name: str) -> None:
    # A set that the limiter stops and a reset that its stop voltage does; each part starts from the same state.
    device = VCM()
    for wave, stop, limit, start in ((triangle(1.2), 2.4, 1e-4, 1e-4), (triangle(-0.8), 1.6, 0.0, 0.265)):
        ours, theirs = (drive(require(engine), device.replace(x_init=start), wave, stop, limit=limit)
                        for engine in (name, "reference"))
        span = np.ptp(theirs["dut.x"])
        assert span > 100 * 1e-3
        assert abs(ours["dut.x"][-1] - theirs["dut.x"][-1]) < 0.01 * span
        assert crossing(device, ours)[0] == pytest.approx(crossing(device, theirs)[0], rel=0.01)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
@pytest.mark.parametrize("preset", ["", "pt_tio2_nio_pt"])
def test_survives_anything(require: Callable[[str], Any], name: str, preset: str) -> None:
    device = VCM.preset(preset) if preset else VCM()
    wave = Waveform.points((0, 0), (1e-12, 100), (1e-6, 100), (1e-6 + 1e-12, -100), (2e-6, -100), (2e-6 + 1e-12, 0))
    run = drive(require(name), device, wave, 3e-6, points=300)
    assert np.isfinite(run["i(v_top)"]).all() and run["dut.x"].min() > -1e-4 and run["dut.x"].max() < 1 + 1e-4
    assert (run["v(top)"] * -run["i(v_top)"]).min() > -1e-5  # a millionth of 100 V times 0.1 A
    assert np.abs(run["i(v_top)"][run["v(top)"] == 0]).max() <= 1e-12  # the simulators' abstol


def test_sign_and_memory(ngspice: Any) -> None:
    device = VCM()
    # Positive grows, and only above the threshold: at half the set voltage nothing happens in a second.
    assert drive(ngspice, device, Waveform.constant(0.39), 1.0)["dut.x"][-1] == pytest.approx(1e-4, abs=1e-6)
    assert drive(ngspice, device, Waveform.constant(0.9), 1.0)["dut.x"][-1] > 0.99
    assert drive(ngspice, device.replace(x_init=0.3), Waveform.constant(-0.9), 1.0)["dut.x"][-1] < 1e-3
    for x, volts in ((0.0, 0.1), (0.137, 0.1), (1.0, -0.1)):
        run = drive(ngspice, device.replace(x_init=x), Waveform.constant(volts), 1e4, points=100)
        assert siemens(device, run["dut.x"][-1]) == pytest.approx(siemens(device, x), rel=0.01)


def test_heat_helps_to_set(ngspice: Any) -> None:
    at = [crossing(d, drive(ngspice, d, triangle(1.2), 2.4, limit=1e-4))[1] for d in (VCM(), VCM(t_amb=358.0))]
    assert at[1] < at[0] - 0.02


def test_anode() -> None:
    assert {name for name in VCM.presets if VCM.preset(name).anode == "n"} == {"pt_tio2_nio_pt", "ito_lao_sto"}


def test_noise_and_spread(ngspice: Any) -> None:
    device = VCM(x_init=0.3)
    noise = redrawn(Normal(0.05), 1e-3, 0.2, seed=3)
    amps = -drive(ngspice, device, Waveform.constant(0.1), 0.2, read_noise=noise)["i(v_top)"]
    assert np.std(amps) / np.mean(amps) == pytest.approx(np.std(noise(np.linspace(0, 0.2, 4001))), rel=0.1)
    # A trap in the way matters where the filament is thin.
    step = Waveform.points((0, 0), (0.5, 0), (0.501, -0.5))
    drop = []
    for x in (1e-4, 0.3):
        amps = -drive(ngspice, VCM(x_init=x), Waveform.constant(0.1), 1.0, telegraph=step)["i(v_top)"]
        drop.append(1 - amps[-1] / amps[0])
    assert drop[0] == pytest.approx(0.5, rel=0.02) and drop[1] < 0.02
    # No noise takes energy out of the device.
    silent = drive(ngspice, device, Waveform.constant(0.1), 1.0, telegraph=Waveform.constant(-1e3))
    assert (silent["i(v_top)"] == 0).all()
    at = [crossing(VCM(), drive(ngspice, VCM(), triangle(1.2), 2.4, limit=1e-4, jitter=Waveform.constant(j)))[1]
          for j in (-0.5, 0.0, 0.5)]
    assert at[0] > at[1] + 0.005 and at[2] < at[1] - 0.005
    rates = [d.a_set for d in VCM().sample(400, seed=1)]
    assert np.std(np.log(rates)) == pytest.approx(0.25, rel=0.1)


def test_refused() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_max"):
        VCM(g_off=2e-3)
