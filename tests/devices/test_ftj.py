"""Ferroelectric tunnel junction: does one nucleation-limited law hold? Do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from math import atan, exp, log, pi
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices.ftj import DOMAINS, FTJ
from spicemem.errors import ModelError
from spicemem.waveform import Waveform


def bench(wave: Waveform, jitter: float | None = None, start: float = 0.0, **values: float) -> Circuit:
    pins = {} if jitter is None else {"jitter": "j"}
    starts = {f"x_init{k}": start for k in range(len(DOMAINS))}
    made = Circuit("bench").add("dut", FTJ.preset("boyn_2017", **starts, **values), p="a", n="0", **pins)
    if jitter is not None:
        made.add("v_j", VoltageSource(Waveform.constant(jitter)), p="j", n="0")
    return made.add("v_a", VoltageSource(wave), p="a", n="0")


def switched(engine: Any, height: float, width: float, **values: float) -> float:
    """The share of the area that one pulse switches; its width is that at half of its height."""
    edge = 0.01 * width
    wave = Waveform.pulse(height, width + edge, edge, start=width / 10)
    run = engine.run(bench(wave, **values), 1.2 * width, max_step=width / 10, save=["dut.share"])
    return float(run["dut.share"][-1])


#: Reference page A18: the share after 10 ns, 100 ns, 1 us, 10 us.
TABLE = {2.0: (0.03, 0.05, 0.09, 0.33), 3.0: (0.07, 0.20, 0.81, 0.93), 3.5: (0.11, 0.52, 0.90, 0.95)}


def one_law(engine: Any, **values: float) -> None:
    """behaviours.csv: ftj-window: the share follows 1/2 + atan(ln(t/t_50)/0.8)/pi, ln t_50 = ln t_inf + v_a/v."""
    for height, row in TABLE.items():
        for width, share in zip((1e-8, 1e-7, 1e-6, 1e-5), row, strict=True):
            law = 0.5 + atan(log(width / (1e-10 * exp(24 / height))) / 0.8) / pi
            assert law == pytest.approx(share, abs=0.01)
            for sign, start in ((1, 0.0), (-1, 1.0))[: 2 if height == 3.0 else 1]:
                found = switched(engine, sign * height, width, start=start, **values)
                assert abs(found - start) == pytest.approx(law, abs=0.05)


def test_one_nucleation_limited_law(ngspice: Any) -> None:
    one_law(ngspice)


@pytest.mark.parametrize("fault", [{"t_inf": 2e-10}, {"spread_ln": 1.6}, {"v_a": 20.0}, {"jitter": 2.0}])
def test_which_other_constants_miss(ngspice: Any, fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        one_law(ngspice, **fault)


def test_shares_of_the_domains() -> None:
    assert sum(share for _, share in DOMAINS) == pytest.approx(1, abs=1e-12)


def test_two_decades_kept_for_years(ngspice: Any, require: Callable[[str], Any]) -> None:
    off, on = (ngspice.operating_point(bench(Waveform.constant(0.1), start=x))["i(v_a)"][0] for x in (0.0, 1.0))
    assert on / off == pytest.approx(100, rel=1e-3)
    run = require("reference").run(bench(Waveform.constant(0.1), start=0.5), 3e8, max_step=1e7, save=["dut.share"])
    assert run["dut.share"][-1] == pytest.approx(0.5, abs=1e-3)


def test_pairs_of_spikes_change_it_by_the_sign_of_their_distance(ngspice: Any) -> None:
    """Spikes of 600 ns, 1.8 V for 100 ns, then -1.2 V falling to 0; post minus pre. behaviours.csv: ftj-window."""
    spike = Waveform.points((-1e-9, 0), (0, 1.8), (0.1e-6, 1.8), (0.101e-6, -1.2), (0.6e-6, 0))
    found = {}
    for dt in (-2e-6, -0.1e-6, 0.1e-6, 2e-6):
        wave = (spike.shift(max(dt, 0)) - spike.shift(max(-dt, 0))).shift(1e-7)
        run = ngspice.run(bench(wave, start=0.5), 1e-6 + abs(dt), max_step=5e-9, save=["dut.share"])
        found[dt] = run["dut.share"][-1] - 0.5
    assert found[0.1e-6] > 0.1
    assert found[0.1e-6] > 5 * found[2e-6] > 0
    assert found[-0.1e-6] == pytest.approx(-found[0.1e-6], rel=0.02)
    assert found[-2e-6] == pytest.approx(-found[2e-6], rel=0.02)


def test_a_run_goes_on_where_another_ended(ngspice: Any) -> None:
    wave = Waveform.pulse(3.0, 3e-7, 3e-9, 1e-8)
    half = ngspice.run(bench(wave), 1.5e-7, max_step=2e-9, save=["dut.share", "v(a)"])
    rest = Waveform.points((0, 3.0), (1.57e-7, 3.0), (1.6e-7, 0))
    both = ngspice.run(bench(rest), 2e-7, max_step=2e-9, save=["dut.share"],
                       initial={k: v for k, v in half.final_state().items() if k.startswith("dut")})
    whole = ngspice.run(bench(wave), 3.5e-7, max_step=2e-9, save=["dut.share"])
    assert both["dut.share"][0] == pytest.approx(half["dut.share"][-1], abs=1e-4)
    assert both["dut.share"][-1] == pytest.approx(whole["dut.share"][-1], abs=1e-3)


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], engine: str) -> None:
    made = bench(Waveform.pulse(3.0, 3e-7, 3e-9, 1e-8) - Waveform.pulse(2.8, 3e-7, 3e-9, 4e-7))
    run, true = (require(name).run(made, 8e-7, max_step=2e-9, save=["dut.share"]) for name in (engine, "reference"))
    span = np.ptp(true["dut.share"])
    assert span > 100e-3
    assert np.abs(run["dut.share"] - np.interp(run.time, true.time, true["dut.share"])).max() < 0.01 * span


def test_refusals() -> None:
    with pytest.raises(ModelError, match="g_off must be below g_on"):
        FTJ(g_off=1e-3)
