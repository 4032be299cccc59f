"""MoS2 memtransistor: does the gate tune each state, and a further terminal the pair? Do the engines agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.devices.memtransistor import Memtransistor
from spicemem.waveform import Waveform


def bench(drain: float | Waveform | None = 0.0, gate: float = 20.0, modulator: float | Waveform = 0.0,
          **values: float) -> Circuit:
    """drain=None: it floats, but for 1 TOhm."""
    made = Circuit("bench").add("dut", Memtransistor.preset("sangwan_2018", **values), drain="d", source="0",
                                gate="g", modulator="x")
    for net, value in (("d", drain), ("g", gate), ("x", modulator)):
        wave = value if isinstance(value, Waveform) else Waveform.constant(value or 0.0)
        made.add(f"v_{net}", Resistor(1e12) if value is None else VoltageSource(wave), p=net, n="0")
    return made


def pulses(height: float, count: int = 20, width: float = 10e-3) -> Waveform:
    points = [(0.0, 0.0)]
    for k in range(count):
        t = width + 2 * width * k
        points += [(t, 0), (t + 1e-4, height), (t + width - 1e-4, height), (t + width, 0)]
    return Waveform.points(*points)


def gate_tunes(engine: Any, **values: float) -> None:
    """Abstract of Sangwan 2018: the gate tunes individual states by four orders (-40 to 40 V taken)."""
    for x in (0.0, 0.5, 1.0):
        current = -engine.dc(bench(0.5, x_init=x, **values), "v_g", list(np.linspace(-40, 40, 17)))["i(v_d)"]
        assert (np.diff(current) > 0).all()
        assert 1e4 <= current[-1] / current[0] < 1e5


def modulates(engine: Any, height: float = 30.0, **values: float) -> None:
    """Abstract of Sangwan 2018: pulses elsewhere change the conductance of a floating pair about tenfold."""
    run = engine.run(bench(None, modulator=pulses(height), **values), 0.42, max_step=2e-3)
    assert np.abs(run["v(d)"]).max() < 0.01
    read = [-engine.operating_point(bench(0.5, x_init=x, **values))["i(v_d)"][0]
            for x in (run["dut.x"][-1], run["dut.x"][0])]
    assert 5 < read[0] / read[1] < 20


@pytest.mark.parametrize("check", [gate_tunes, modulates])
def test_published_numbers(ngspice: Any, check: Callable[[Any], None]) -> None:
    check(ngspice)


@pytest.mark.parametrize(("check", "fault"), [
    (gate_tunes, {"n_s": 60.0}), (gate_tunes, {"n_s": 500.0}), (gate_tunes, {"g_leak": 1e-12}),
    (modulates, {"share_m": 0.0}), (modulates, {"d_phi": 0.05}), (modulates, {"height": -30.0}),
])
def test_which_other_constants_miss(ngspice: Any, check: Callable[..., None], fault: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        check(ngspice, **fault)


def test_signs_and_memory(ngspice: Any, require: Callable[[str], Any]) -> None:
    for height, x, sign in ((30.0, 0.1, 1), (-30.0, 0.9, -1), (5.0, 0.1, 0)):
        run = ngspice.run(bench(pulses(height), x_init=x), 0.42, max_step=2e-3)
        change = run["dut.x"][-1] - x
        assert sign * change > 0.2 if sign else abs(change) < 0.01
    run = require("reference").run(bench(0.0, x_init=0.7), 1e6, max_step=1e4)
    assert run["dut.x"][-1] == pytest.approx(0.7, abs=1e-4)


def test_channel_is_odd_in_drain_and_source(ngspice: Any) -> None:
    """Only the difference of voltages counts: exchanging drain and source, both raised or not, turns the current."""
    for v_d, v_s in ((2.0, 0.0), (7.0, 5.0)):
        currents = []
        for drain, source in ((v_d, v_s), (v_s, v_d)):
            made = Circuit("bench").add("dut", Memtransistor(), drain="d", source="s", gate="g", modulator="s")
            for net, value in (("d", drain), ("s", source), ("g", 20.0 + v_s)):
                made.add(f"v_{net}", VoltageSource(Waveform.constant(value)), p=net, n="0")
            currents.append(ngspice.operating_point(made)["i(v_d)"][0])
        assert currents[0] == pytest.approx(-currents[1], rel=1e-4)
        assert currents[0] < 0


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Callable[[str], Any], engine: str) -> None:
    made = bench(Waveform.points((0, 0), (4, 40), (8, 0), (12, -40), (16, 0)))
    run, true = (require(name).run(made, 16.0, max_step=0.02) for name in (engine, "reference"))
    span = np.ptp(true["dut.x"])
    assert span > 100e-4
    assert np.abs(run["dut.x"] - np.interp(run.time, true.time, true["dut.x"])).max() < 0.01 * span
