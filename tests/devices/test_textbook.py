"""Textbook models: each is its published equations, integrated here a second time without the expression tree."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from spicemem import engines
from spicemem.circuit import Circuit, CurrentSource, Resistor, VoltageSource
from spicemem.devices.linear_ion_drift import LinearIonDrift
from spicemem.devices.memdiode import Memdiode
from spicemem.devices.pershin_di_ventra import PershinDiVentra
from spicemem.devices.team import TEAM
from spicemem.devices.vteam import VTEAM
from spicemem.devices.yakopcic import Yakopcic
from spicemem.errors import ModelError
from spicemem.model import Model
from spicemem.waveform import Waveform

FAMILIES: tuple[type[Model], ...] = (LinearIonDrift, TEAM, VTEAM, Yakopcic, Memdiode, PershinDiVentra)
#: What the issue asks for: agreement with the published equations, in spans of the state.
ALLOWED = 1e-4

# The published equations once more, as printed and by the printed numbers. v is that of the paper. Each gives the rate
# of the state and the current; TEAM, which is controlled by current, the rate and the voltage.


def linear_drift(f: Callable[[float, float], float], r_on: float, r_off: float, d: float, mu: float) -> Any:
    def equations(v: float, x: float) -> tuple[float, float]:
        current = v / (r_on * x + r_off * (1 - x))
        return mu * r_on / d**2 * current * f(x, current), current
    return equations


def team(k_on: float, k_off: float, a_on: float, a_off: float, i_on: float, i_off: float, r_on: float, r_off: float,
         x_off: float) -> Any:
    def equations(current: float, x: float) -> tuple[float, float]:
        v = (r_on + (r_off - r_on) * x / x_off) * current
        if current > i_off:
            return k_off * (current / i_off - 1) ** a_off, v
        return (k_on * (current / i_on - 1) ** a_on if current < i_on else 0.0), v
    return equations


def vteam(k_on: float, k_off: float, a_on: float, a_off: float, v_on: float, v_off: float, r_on: float, r_off: float,
          w_off: float, exponential: bool = False, edges: tuple[float, float, float] | None = None) -> Any:
    def equations(v: float, w: float) -> tuple[float, float]:
        r = r_on * math.exp(math.log(r_off / r_on) * w / w_off) if exponential else r_on + (r_off - r_on) * w / w_off
        f_on = f_off = 1.0
        if edges:
            f_off, f_on = math.exp(-math.exp((w - edges[1]) / edges[2])), math.exp(-math.exp((edges[0] - w) / edges[2]))
        if v > v_off:
            return k_off * (v / v_off - 1) ** a_off * f_off, v / r
        return (k_on * (v / v_on - 1) ** a_on * f_on if v < v_on else 0.0), v / r
    return equations


def yakopcic(a: float, b: float, vp: float, vn: float, big_a: float, xp: float, xn: float, ap: float, an: float) -> Any:
    def equations(v: float, x: float) -> tuple[float, float]:
        g = 0.0
        if v > vp:
            g = big_a * (math.exp(v) - math.exp(vp))
        elif v < -vn:
            g = -big_a * (math.exp(-v) - math.exp(vn))
        f = 1.0
        if v >= 0 and x >= xp:
            f = math.exp(-ap * (x - xp)) * ((xp - x) / (1 - xp) + 1)
        elif v < 0 and x <= 1 - xn:
            f = math.exp(an * (x + xn - 1)) * x / (1 - xn)
        return g * f, a * x * math.sinh(b * v)
    return equations


def memdiode(t0s: float, v0s: float, t0r: float, v0r: float, i: tuple[float, float], alpha: tuple[float, float],
             rs: tuple[float, float], beta: float) -> Any:
    def equations(v: float, h: float) -> tuple[float, float]:
        i0, a, r = (low + (high - low) * h for low, high in (i, alpha, rs))

        def excess(current: float) -> float:
            u = a * (v - current * r)
            return i0 * (math.exp(beta * u) - math.exp(-(1 - beta) * u)) - current

        limit = abs(v) / r
        current = brentq(excess, -limit, limit, xtol=1e-18, rtol=1e-12) if v else 0.0
        return (1 - h) / (t0s * math.exp(-v / v0s)) - h / (t0r * math.exp(v / v0r)), current
    return equations


def pershin(alpha: float, beta: float, v_t: float) -> Any:
    return lambda v, x: (beta * v + 0.5 * (alpha - beta) * (abs(v + v_t) - abs(v - v_t)), v / x)


@dataclass(frozen=True)
class Case:
    """A published set, its equations, and a drive (V, s, periods) that takes the state through much of its range.

    TEAM is driven by a current (A). down: peak of the negative half waves where it is another one.
    """

    device: Model
    equations: Any
    peak: float
    period: float
    span: tuple[float, float] = (0.0, 1.0)
    #: +1: the paper's voltage is v(p, n); -1: v(n, p).
    sign: int = 1
    periods: float = 1.5
    down: float | None = None
    fault: dict[str, float] = field(default_factory=dict)


def joglekar(p: int) -> Any:
    return lambda x, current: 1 - (2 * x - 1) ** (2 * p)


def biolek(p: int) -> Any:
    return lambda x, current: 1 - (x - (1 if -current >= 0 else 0)) ** (2 * p)


NM = 1e-9
CASES = {
    "hp": Case(LinearIonDrift.preset("strukov_2008"), linear_drift(lambda x, i: 1.0, 100, 16e3, 10e-9, 1e-14), 1.0, 1.2,
               fault={"mu": 1.01e-14}),
    "hp walls": Case(LinearIonDrift.preset("strukov_2008", x_init=0.3),
                     linear_drift(lambda x, i: 1.0, 100, 16e3, 10e-9, 1e-14), -1.0, 1.5, periods=1),
    "hp joglekar": Case(LinearIonDrift.preset("biolek_2009"), linear_drift(joglekar(1), 1e3, 100e3, 10e-9, 1e-14), 2.0,
                        0.5, fault={"p_window": 2}),
    "hp joglekar 3": Case(LinearIonDrift.preset("biolek_2009", p_window=3),
                          linear_drift(joglekar(3), 1e3, 100e3, 10e-9, 1e-14), 2.0, 0.45),
    "hp biolek": Case(LinearIonDrift.preset("biolek_window"), linear_drift(biolek(7), 100, 1e3, 16e-9, 40e-15), 0.5,
                      0.3, fault={"p_window": 5}),
    "hp prodromakis": Case(LinearIonDrift(window=3, p_window=2),
                           linear_drift(lambda x, i: 1 - ((x - 0.5) ** 2 + 0.75) ** 2, 100, 16e3, 10e-9, 1e-14), 1.0,
                           2.5, fault={"j_window": 1.01}),
    "team": Case(TEAM.preset("xyce"), team(-8e-13, 8e-13, 3, 3, -8.9e-6, 115e-6, 50, 1e3, 3 * NM), 0.14e-3, 4.0,
                 (0, 3 * NM), -1, down=1.8e-3, fault={"alpha_on": 3.01}),
    "team simmons": Case(TEAM.preset("simmons_fit"),
                         team(-4.68e-22, 1.46e-18, 10, 10, -8.9e-6, 115e-6, 50, 1e3, 3 * NM), 0.62e-3, 4e-6,
                         (0, 3 * NM), -1, down=3.5e-3, fault={"alpha_off": 9.9}),
    "vteam": Case(VTEAM.preset("kvatinsky_2015"), vteam(-10, 5e-4, 3, 1, -0.2, 0.02, 50, 1e3, 3 * NM), 0.24, 2e-6,
                  (0, 3 * NM), -1, fault={"alpha_on": 2.9}),
    "vteam slow": Case(VTEAM.preset("slow_15k"), vteam(-1.077e-8, 1.449e-8, 1, 1, -0.14, 0.06, 3e3, 15.5e3, 3 * NM),
                       0.25, 2.0, (0, 3 * NM), -1, fault={"alpha_off": 1.1}),
    "vteam window": Case(VTEAM.preset("slow_15k", exponential=1, w_c=0.3e-9, a_on=1e-9, a_off=2e-9, w_init=2e-9),
                         vteam(-1.077e-8, 1.449e-8, 1, 1, -0.14, 0.06, 3e3, 15.5e3, 3 * NM, True,
                               (1 * NM, 2 * NM, 0.3 * NM)), 0.25, 2.0, (0, 3 * NM), -1, fault={"w_c": 0.35e-9}),
    "yakopcic 1": Case(Yakopcic.preset("set_1"), yakopcic(0.17, 0.05, 0.16, 0.15, 4000, 0.3, 0.5, 1, 5), 0.45, 0.01,
                       fault={"alphap": 1.02}),
    "yakopcic 2": Case(Yakopcic.preset("set_2"), yakopcic(7e-5, 1.9, 0.4, 0.3, 1, 0.9, 0.7, 3, 8), 1.0, 3.0,
                       fault={"alphan": 8.5}),
    "memdiode": Case(Memdiode.preset("rram"),
                     memdiode(1.796e6, 0.0899, 132, 0.1905, (1.8e-6, 1.23e-3), (3, 3.8), (117, 256), 0.308), 1.3, 20.0,
                     fault={"v0s": 0.0909}),
    "memdiode fast": Case(Memdiode.preset("fast_set"),
                          memdiode(math.exp(12), 1 / 15, math.exp(5.2), 0.25, (2e-6, 2e-4), (6.19, 5.22), (1, 1), 0.5),
                          0.85, 20.0, down=1.4, fault={"v0r": 0.252}),
    "pershin": Case(PershinDiVentra.preset("pershin_2013"), pershin(0, 1e13, 4.6), 6.0, 1e-8, (1e3, 1e4), -1,
                    fault={"v_t": 4.61}),
    "pershin vogt": Case(PershinDiVentra.preset("vogt_2012", alpha=2e11), pershin(2e11, 2e12, 1.6), 3.0, 1e-8,
                         (1e3, 1e4), -1, fault={"alpha": 2.1e11}),
    "pershin emulator": Case(PershinDiVentra.preset("emulator_2010"), pershin(0, 146e3, 4), 6.0, 0.1, (675, 1e4), -1,
                             fault={"beta": 147e3}),
}


def sine(case: Case) -> Waveform:
    """The drive, p to n: a sine of 40 straight lines a period."""
    t = np.linspace(0, case.periods * case.period, round(40 * case.periods) + 1)
    unit = np.sin(2 * np.pi * t / case.period)
    return Waveform(t, np.where(unit > 0, case.peak, case.peak if case.down is None else case.down) * unit)


@lru_cache(maxsize=32)
def published(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, state and response (p to n) by the published equations: clipped at the bounds, as published."""
    case = CASES[name]
    wave, (low, high) = sine(case), case.span
    x = (case.device.initial(state(case.device)) - low) / (high - low)
    ts, xs = [np.zeros(1)], [np.array([x])]
    corners = list(zip(wave.times.tolist(), wave.values.tolist(), strict=True))
    for (a, va), (b, vb) in pairwise(corners):
        def slope(t: float, y: np.ndarray, a=a, b=b, va=va, vb=vb) -> list[float]:
            u = min(max(float(y[0]), 0.0), 1.0)
            drive = case.sign * (va + (vb - va) * (t - a) / (b - a))
            r = case.equations(drive, low + (high - low) * u)[0] / (high - low)
            return [0.0 if (u <= 0 and r < 0) or (u >= 1 and r > 0) else r]

        # Each straight line of the drive is a piece of its own; step control finds the corners within it.
        part = solve_ivp(slope, (a, b), [x], "DOP853", rtol=1e-10, atol=1e-13, dense_output=True,
                         max_step=(b - a) / 4)
        assert part.success
        x = min(max(float(part.y[0, -1]), 0.0), 1.0)
        ts.append(np.union1d(part.t, np.linspace(a, b, 81))[1:])  # its own points are dense where there is a corner
        xs.append(np.clip(part.sol(ts[-1])[0], 0, 1))
    t, x_all = np.concatenate(ts), low + (high - low) * np.concatenate(xs)
    response = [case.sign * case.equations(case.sign * float(v), y)[1] for v, y in zip(wave(t), x_all, strict=True)]
    return t, x_all, np.array(response)


def state(device: Model) -> str:
    return next(iter(device.definition.states))


def simulate(device: Model, wave: Waveform, engine: str, steps: int = 4000) -> Any:
    circuit = Circuit("textbook")
    circuit.add("dut", device, p="a", n="0")
    circuit.add("source", CurrentSource(wave) if isinstance(device, TEAM) else VoltageSource(wave),
                **(dict(p="0", n="a") if isinstance(device, TEAM) else dict(p="a", n="0")))
    circuit.add("leak", Resistor(1e9), p="a", n="0")  # ngspice finds no operating point of a current source alone
    return engines.get(engine).run(circuit, wave.duration, max_step=wave.duration / steps)


def errors(name: str, engine: str, device: Model | None = None) -> tuple[float, float]:
    """Against the published equations: the largest error of the state, in spans, and the response's, in its peak.

    Of the response the worst hundredth of the run is left out: where a resistance falls by decades within one point,
    the straight line between two points is no error of the model.
    """
    case = CASES[name]
    t, x, response = published(name)
    run = simulate(device or case.device, sine(case), engine)
    at = np.asarray(run.time)
    found = np.asarray(run[f"dut.{state(case.device)}"])
    state_error = np.abs(found - np.interp(at, t, x)).max() / (case.span[1] - case.span[0])
    answer = np.asarray(run["v(a)"]) if isinstance(case.device, TEAM) else -np.asarray(run["i(source)"])
    off = np.abs(answer - np.interp(at, t, response)) / np.abs(response).max()
    return float(state_error), float(np.quantile(off, 0.99))


@pytest.mark.parametrize("engine", ["ngspice", "reference"])
@pytest.mark.parametrize("name", CASES)
def test_a_model_is_its_published_equations(name, engine, require):
    require(engine)
    _, x, _ = published(name)
    assert np.ptp(x) > 0.15 * (CASES[name].span[1] - CASES[name].span[0]), "the drive must move the state"
    state_error, response_error = errors(name, engine)
    assert state_error < ALLOWED
    assert response_error < 10 * ALLOWED


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.fault])
def test_a_wrong_number_is_caught(name):
    case = CASES[name]
    assert errors(name, "reference", case.device.replace(**case.fault))[0] > 10 * ALLOWED


#: One case a family for the engines that run compiled Verilog-A.
ONE_EACH = ("hp", "team", "vteam slow", "yakopcic 1", "memdiode", "pershin emulator")


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
@pytest.mark.parametrize("name", ONE_EACH)
def test_engines_agree_with_the_reference(name, engine, require):
    require(engine)
    case = CASES[name]
    key = f"dut.{state(case.device)}"
    reference = simulate(case.device, sine(case), "reference", 1500)
    run = simulate(case.device, sine(case), engine, 1500)
    span = np.ptp(reference[key])
    assert span > 100 * case.device.resolution(state(case.device))
    assert np.abs(np.interp(run.time, reference.time, reference[key]) - run[key]).max() < 0.01 * span


# Physics.


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in FAMILIES for name in kind.presets])
def test_positive_voltage_sets_and_negative_resets(kind, name, ngspice):
    device = kind.preset(name)
    b = device.handling()
    times, values = [0.0], [0.0]
    for peak in b.loop:
        times += [times[-1] + abs(peak) / b.rate, times[-1] + 2 * abs(peak) / b.rate]
        values += [peak, 0.0]
    wave = Waveform(times, values)
    circuit = Circuit("loop")
    circuit.add("dut", device, p="a", n="0")
    circuit.add("source", VoltageSource(wave), p="a", n="0")
    run = ngspice.run(circuit, wave.duration, max_step=wave.duration / 1000)
    v, i = np.asarray(run["v(a)"]), -np.asarray(run["i(source)"])
    assert (i * v).min() > -1e-9 * np.abs(i * v).max(), "passive"

    def conductance(start: float, stop: float) -> float:
        """Slope of the branch at half of its peak."""
        part = (run.time >= start) & (run.time <= stop)
        order = np.argsort(np.abs(v[part]))
        half = np.abs(v[part]).max() / 2
        return float(np.interp(half, np.abs(v[part])[order], np.abs(i[part])[order]) / half)

    up, down, more, back = (conductance(a, b) for a, b in pairwise(times))
    assert down > 1.05 * up, "positive voltage sets"
    assert back < 0.98 * more, "negative voltage resets"


def held(device: Model, level: float, time: float) -> float:
    """How far the state moves, in its range, while a voltage (TEAM: current) stands for a time."""
    run = simulate(device, Waveform([0, 1e-3 * time, time], [0, level, level]), "reference", 100)
    info = device.definition.states[state(device)]
    assert info.low is not None and info.high is not None
    return float(np.ptp(run[f"dut.{state(device)}"]) / (device.number(info.high) - device.number(info.low)))


THRESHOLDS = [(VTEAM(), 0.2, 1e-3), (VTEAM(), -0.02, 1e-2), (Yakopcic(), 0.16, 1.0), (Yakopcic(), -0.15, 1.0),
              (PershinDiVentra(), 4.6, 1e-8), (PershinDiVentra(), -4.6, 1e-8), (TEAM(x_init=0.0), -115e-6, 1e4),
              (TEAM(), 8.9e-6, 1e6)]


@pytest.mark.parametrize(("device", "threshold", "time"), THRESHOLDS)
def test_nothing_moves_below_the_threshold(device, threshold, time):
    assert held(device, 0.99 * threshold, time) < 1e-6
    assert held(device, 1.2 * threshold, time) > 1e-3


@pytest.mark.parametrize(("device", "smooth"), [
    (VTEAM.preset("slow_15k"), 0.01), (TEAM(), 0.01), (Yakopcic.preset("set_2"), 0.005), (PershinDiVentra(), 0.02),
    (LinearIonDrift.preset("biolek_window"), 1e-6),
])
def test_a_smooth_corner_is_at_rest_at_zero_and_close_by(device, smooth):
    assert held(device.replace(smooth=smooth), 0.0, 1.0) == 0
    name = next(n for n, case in CASES.items() if type(case.device) is type(device))
    case = CASES[name]
    error = errors(name, "reference", case.device.replace(smooth=smooth))[0]
    assert error < 0.1


def test_a_memdiode_forgets_with_its_time_constants():
    device = Memdiode(h_init=0.8)
    tau = 1 / (1 / 1.796e6 + 1 / 132)
    run = simulate(device, Waveform([0, 100], [0, 0]), "reference", 100)
    rest = tau / 1.796e6
    assert run["dut.h"][-1] == pytest.approx(rest + (0.8 - rest) * math.exp(-100 / tau), abs=1e-6)


@pytest.mark.parametrize("window", [1, 3])
def test_a_state_at_a_bound_comes_back(window):
    stuck = LinearIonDrift(window=window, f_min=0, x_init=0)
    assert held(stuck, 1.0, 10.0) == 0  # as published
    assert held(stuck.replace(f_min=1e-3), 1.0, 100.0) > 0.01


@pytest.mark.parametrize(("kind", "values"), [
    (LinearIonDrift, {"r_on": 2e4}), (TEAM, {"r_on": 2e3}), (TEAM, {"x_on": 4e-9, "x_init": 3e-9}),
    (VTEAM, {"r_on": 2e3}), (VTEAM, {"w_on": 3e-9, "w_init": 3e-9}), (Yakopcic, {"eta": 0.5}),
    (Memdiode, {"imin": 1e-2}), (PershinDiVentra, {"r_on": 2e4}), (VTEAM, {"v_on": 0.2}), (TEAM, {"i_on": 8.9e-6}),
])
def test_inconsistent_parameters_are_refused(kind, values):
    with pytest.raises(ModelError):
        kind(**values)


def test_presets_say_where_the_paper_applies_its_voltage():
    for kind in FAMILIES:
        for name in kind.presets:
            backwards = kind in (TEAM, VTEAM, PershinDiVentra)
            assert kind.preset(name).anode == ("n" if backwards else "p")
