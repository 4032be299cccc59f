"""WOx: do sixteen streams give sixteen conductances, and do they fade? Do the engines agree?"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.wox import WOx
from spicemem.waveform import Waveform

FRAME = 20e-3


def stream(*starts: float, height: float = 1.5, width: float = 1e-3, edge: float = 1e-5) -> Waveform:
    points = [(0.0, 0.0)]
    for t in starts:
        points += [(t, 0), (t + edge, height), (t + width - edge, height), (t + width, 0)]
    return Waveform.points(*points)


def reservoir(**values: float) -> Circuit:
    """Sixteen devices, each with its own stream of four bits."""
    made = Circuit("reservoir")
    for k in range(16):
        made.add(f"d{k}", WOx.preset("du_2017", **values), p=f"a{k}", n="0")
        starts = [1e-3 + FRAME * bit for bit in range(4) if k >> bit & 1]
        made.add(f"v_{k}", VoltageSource(stream(*starts)), p=f"a{k}", n="0")
    return made


def separates(engine: Any, **values: float) -> None:
    """Reference page A16: the sixteen states differ by 0.0012 or more, the largest is 0.068; read currents differ by
    more than five sigmas of a read noise of 0.2 % of the largest (behaviours.csv: wox-sixteen)."""
    run = engine.run(reservoir(**values), 4 * FRAME, max_step=5e-4)
    w = np.sort([run[f"d{k}.w"][-1] for k in range(16)])
    assert np.diff(w).min() == pytest.approx(0.0012, abs=1e-4)
    assert w[-1] == pytest.approx(0.068, abs=1e-3)
    device = WOx.preset("du_2017", **values)
    read = (1 - w) * device.al * -np.expm1(-device.be * 0.3) + w * device.ga * np.sinh(device.de * 0.3)
    assert np.diff(read).min() > 5 * 0.002 * read[-1]


def test_sixteen_streams_give_sixteen_conductances(ngspice: Any) -> None:
    separates(ngspice)


@pytest.mark.parametrize("fault", [{"tau": 5e-3}, {"tau": 1.0}, {"eta": 5.0}, {"lam": 0.1}])
def test_which_other_constants_miss(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        separates(ngspice, **fault)


def bench(wave: Waveform, **values: float) -> Circuit:
    made = Circuit("bench").add("dut", WOx.preset("du_2017", **values), p="a", n="0")
    return made.add("v_a", VoltageSource(wave), p="a", n="0")


def test_facilitation_falls_with_the_interval(ngspice: Any) -> None:
    ratios = []
    for interval in (2e-3, 10e-3, 50e-3, 200e-3):
        run = ngspice.run(bench(stream(1e-3, 1e-3 + interval)), 3e-3 + interval, max_step=interval / 50)
        ratios.append(np.interp(2e-3 + interval, run.time, run["dut.w"]) / np.interp(2e-3, run.time, run["dut.w"]))
    assert all(a > b for a, b in itertools.pairwise(ratios))
    assert ratios[0] > 1.8
    assert ratios[-1] == pytest.approx(1, abs=0.03)


def test_it_fades_in_tau_and_negative_voltage_resets(ngspice: Any) -> None:
    run = ngspice.run(bench(Waveform.constant(0.0), w_init=0.5), 0.2, max_step=1e-3)
    assert run["dut.w"][-1] == pytest.approx(0.5 * np.exp(-4), abs=1e-3)
    run = ngspice.run(bench(stream(1e-4, height=-1.5, width=5e-3), w_init=0.5), 6e-3, max_step=1e-4)
    assert run["dut.w"][-1] < 0.85 * 0.5 * np.exp(-6e-3 / 50e-3)


def test_read_noise_is_relative_to_the_current(ngspice: Any) -> None:
    made = Circuit("bench").add("dut", WOx(w_init=0.3), p="a", n="0", read_noise="r")
    made.add("v_a", VoltageSource(Waveform.constant(0.3)), p="a", n="0")
    made.add("v_r", VoltageSource(Waveform.constant(0.0)), p="r", n="0")
    currents = ngspice.dc(made, "v_r", [0.0, 0.1, -2.0])["i(v_a)"]
    assert currents[1] == pytest.approx(1.1 * currents[0], rel=1e-4)
    assert abs(currents[2]) < 1e-4 * abs(currents[0])  # never a source of power


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], engine: str) -> None:
    made = bench(stream(1e-3, 21e-3, 41e-3))
    run, true = (require(name).run(made, 80e-3, max_step=2e-4) for name in (engine, "reference"))
    span = np.ptp(true["dut.w"])
    assert span > 100e-4
    assert np.abs(run["dut.w"] - np.interp(run.time, true.time, true["dut.w"])).max() < 0.01 * span
