"""The unipolar switch against its rows of Table 1, and its physics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.devices.unipolar import Unipolar
from spicemem.errors import ModelError
from spicemem.waveform import Waveform

SAVE = ["v(a)", "dut.x", "dut.g", "dut.g_e"]


def half(engine: Any, device: Unipolar, peak: float, series: float, initial: dict[str, float] | None = None) -> Any:
    """A half loop 0, peak, 0 at 1 V/s, with compliance by a resistor where one is given."""
    wave, stop = Waveform.points((0, 0), (abs(peak), peak), (2 * abs(peak), 0)), 2 * abs(peak)
    circuit = Circuit("bench")
    circuit.add("v_a", VoltageSource(wave), p="a", n="0")
    if series:
        circuit.add("r_s", Resistor(series), p="a", n="d")
    circuit.add("dut", device, p="d" if series else "a", n="0")
    return engine.run(circuit, stop, max_step=stop / 2000, initial=initial, save=SAVE)


def crossing(r: Any) -> float:
    """Voltage at which the conductance, electronic and of the filament, crosses the geometric middle of its ends."""
    logs = np.log(r["dut.g"] + r["dut.g_e"])
    middle = (logs[0] + logs[-1]) / 2
    return float(r["v(a)"][np.argmax((logs - middle) * np.sign(logs[-1] - logs[0]) > 0)])


def table(
    engine: Any, device: Unipolar, v_set: float, v_reset: float, series: float = 0.0,
) -> tuple[float, float, float]:
    """Set through a resistor (Ohm; 0 none), then reset without: Vset, Vreset, ratio."""
    on = half(engine, device, 1.5 * v_set, series)
    states = {k: v for k, v in on.final_state().items() if k.startswith("dut.")}
    off = half(engine, device, 1.5 * v_reset, 0.0, states)
    return crossing(on), crossing(off), float(on["dut.g"][-1] / off["dut.g"][-1])


def fits(found: tuple[float, ...], printed: tuple[float, ...]) -> bool:
    return all(1 / k <= f / p <= k for f, p, k in zip(found, printed, (1.1, 1.1, 1.5), strict=True))


@pytest.mark.parametrize("series", [0.0, 50e3])
@pytest.mark.parametrize("sign", [1, -1])
def test_table_1_at_either_polarity(ngspice: Any, sign: int, series: float) -> None:
    for name, v_set, v_reset, ratio in (("ag_ti_ceo2_pt", 3.5, 1.0, 1e5), ("au_surmof_au", 1.0, 0.5, 1e6)):
        found = table(ngspice, Unipolar.preset(name), sign * v_set, sign * v_reset, series)
        assert fits(found, (sign * v_set, sign * v_reset, ratio))


@pytest.mark.parametrize("fault", [{"v_set": 4.2}, {"v_heat": 0.95}, {"x_heat": 1e-4}])
def test_a_wrong_parameter_is_seen(vacask: Any, fault: dict[str, float]) -> None:
    assert not fits(table(vacask, Unipolar(**fault), 3.5, 1.0), (3.5, 1.0, 1e5))


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask"])
def test_engines_agree(require: Any, name: str) -> None:
    found, expected = (table(require(n), Unipolar(), 3.5, 1.0) for n in (name, "reference"))
    assert found == pytest.approx(expected, rel=0.01)


def test_compliance_sets_the_low_resistance(ngspice: Any) -> None:
    loose, tight = (float(half(ngspice, Unipolar(), 5.25, r)["dut.g"][-1]) for r in (100e3, 200e3))
    assert loose / tight == pytest.approx(2, rel=0.1)


def test_a_filament_stays_at_rest(ngspice: Any) -> None:
    circuit = Circuit("rest")
    circuit.add("v_a", VoltageSource(0.0), p="a", n="0")
    circuit.add("dut", Unipolar(x_init=0.1), p="a", n="0")
    assert ngspice.run(circuit, 1e4, max_step=100.0)["dut.x"][-1] > 0.0999


def test_inconsistent_parameters_are_refused() -> None:
    for wrong in ({"g_off": 3e-3}, {"v_f": 4.0}):
        with pytest.raises(ModelError):
            Unipolar(**wrong)
