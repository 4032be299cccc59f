"""Does the characterisation of a device find what is known of it, and does Table 1 miss what is wrong?"""

import math
from dataclasses import replace

import numpy as np
import pytest

from spicemem import datasheet, engines
from spicemem.circuit import Element
from spicemem.devices import DEVICES, EIS, VCM
from spicemem.engines import ngspice as ngspice_engine
from spicemem.engines.base import Job
from spicemem.errors import CurveError, InputError, ModelError, SimulationError
from spicemem.experiments import table1
from spicemem.expr import quantity, walls, where
from spicemem.model import Behaviour, Model, Node, Param, State, Terminal, branch, rate
from spicemem.protocols.characterise import (
    half_loop,
    half_loops,
    middle,
    pulse_train,
    relaxation,
    switching_time,
    switching_voltage,
)
from spicemem.protocols.conductance import conductance
from spicemem.render.bench import bench_circuit, bench_of


class Known(Model):
    """A device whose every figure is known: x moves by 1/s for each volt beyond a threshold of 1 V, and may fade."""

    reference = "test"
    p, n = Terminal(), Terminal()
    middle = Node("between device and series resistance")
    g_on = Param(1e-3, "S", "conductance at x = 1")
    r_s = Param(100.0, "Ohm", "series resistance", low=1e-3)
    tau = Param(1e12, "s", "time to fade")
    x_init = Param(0.0, "1", "start", low=0, high=1)
    x = State(init=x_init, unit="1", doc="state", low=0, high=1, resolution=1e-4)
    behaviour = Behaviour("bipolar", threshold=1.0, loop=(3.0, -3.0), rate=1.0, set_pulse=(2.0, 0.1),
                          reset_pulse=(-2.0, 0.1), pulses=5, times=(1e-3, 10.0), v_read=0.1)

    def equations(self):
        v, one = self.p - self.n, quantity(1.0, "V")
        yield branch(self.p, self.middle, self.g_on * (0.01 + self.x) * (self.p - self.middle))
        yield branch(self.middle, self.n, (self.middle - self.n) / self.r_s)
        beyond = where(v > one, v - one, where(v < -one, v + one, 0 * v))
        yield rate(self.x, walls(beyond / quantity(1.0, "V*s"), self.x, 0, 1, 1e-3) - self.x / self.tau)


def expected(x, device):
    return 1 / (1 / (device.g_on * (0.01 + x)) + device.r_s)


def test_conductance_of_states_solves_internal_nodes():
    device, x = Known(), np.array([0.0, 0.3, 1.0])
    assert conductance(device, {"x": x}) == pytest.approx(expected(x, device), rel=1e-9)
    assert conductance(EIS(), {"g": np.array([1e-7, 1e-6])}) == pytest.approx([1e-7, 1e-6], rel=1e-9)
    with pytest.raises(InputError, match="no x"):
        conductance(device, {})
    with pytest.raises(InputError, match="0 V"):
        conductance(device, {"x": x}, 0.0)


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_loop_and_switching_of_a_known_device(engine, require):
    simulator, device = require(engine), Known()
    up, down = half_loops(device, engine=simulator)
    # x = (v - 1)**2/2 on the way up: the middle is where x + 0.01 is the geometric mean, seen through 100 Ohm.
    assert up.siemens[-1] == pytest.approx(expected(1.0, device), rel=1e-3)
    level = middle(up)
    assert level == pytest.approx(math.sqrt(expected(0.0, device) * expected(1.0, device)), rel=2e-3)
    x = 1 / (device.g_on * (1 / level - device.r_s)) - 0.01
    assert switching_voltage(up) == pytest.approx(1 + math.sqrt(2 * x), rel=5e-3)
    assert -3 < switching_voltage(down) < -1
    at = switching_time(device, 2.5, level, engine=simulator, shortest=1e-3, longest=10.0)
    assert at == pytest.approx(x / 1.5, rel=5e-3)
    assert math.isnan(switching_time(device, 0.9, level, engine=simulator, shortest=1e-3, longest=1.0))
    with pytest.raises(InputError, match="shortest"):
        switching_time(device, 2.0, level, engine=simulator, shortest=1.0, longest=0.1)


def test_pulses_and_relaxation_of_a_known_device(vacask):
    device = Known()
    up, state = pulse_train(device, 2.0, 0.1, 5, engine=vacask)
    steps = (1 / (1 / up - device.r_s)) / device.g_on - 0.01
    # A pulse of 2 V, 0.1 s in all, with edges of 10 ms: 1 V beyond the threshold, and the upper half of both edges.
    assert np.diff(steps) == pytest.approx(np.full(5, 0.08 + 2 * 0.0025), rel=0.02)
    fading = Known(tau=0.5, x_init=0.5)
    times, siemens = relaxation(fading, 1.0, engine=vacask, shortest=1e-3)
    assert siemens == pytest.approx(expected(0.5 * np.exp(-times / 0.5), fading), rel=2e-3)
    assert state["dut.x"] == pytest.approx(steps[-1], rel=1e-3)


def test_a_half_loop_that_does_not_switch_says_so(vacask):
    still = half_loop(Known(), 0.5, engine=vacask)
    assert math.isnan(switching_voltage(still)) and np.ptp(still.siemens) < 1e-9


# --- data sheets


def test_a_data_sheet_is_made_of_the_declared_behaviour_alone(vacask):
    sheet = datasheet.data_sheet(Known(), vacask)
    assert not sheet.failures
    assert set(sheet.figures) == {"v_set", "v_reset", "r_off", "r_on", "r_off/r_on", "t_set", "t_reset", "potentiation",
                                  "depression", "retention"}
    assert len(datasheet.draw(sheet).axes) == 6


def test_a_part_that_fails_leaves_the_others(vacask, monkeypatch):
    def fails(*args, **kwargs):
        raise SimulationError("relaxation", found="a planted fault")

    monkeypatch.setattr(datasheet, "relaxation", fails)
    sheet = datasheet.data_sheet(Known(), vacask)
    assert list(sheet.failures) == ["retention"] and "planted" in sheet.failures["retention"]
    assert "potentiation" in sheet.figures and datasheet.draw(sheet)


def test_a_device_without_behaviour_has_no_data_sheet(vacask):
    class Bare(Known):
        """Says nothing of its use."""

        behaviour = None

        def equations(self):
            yield from Known.equations(self)

    with pytest.raises(ModelError, match="no behaviour"):
        datasheet.data_sheet(Bare(), vacask)


@pytest.mark.full
@pytest.mark.parametrize(("name", "preset"), [(n, p) for n, k in DEVICES.items() for p in ("", *k.presets)])
def test_every_device_has_its_data_sheet(name, preset, ngspice):
    device = DEVICES[name].preset(preset) if preset else DEVICES[name]()
    sheet = datasheet.data_sheet(device, ngspice)
    assert not sheet.failures and len(sheet.figures) >= 5
    assert all(np.isfinite(half.amps).all() for half in sheet.halves)


def test_a_picture_is_refused_before_the_work(tmp_path):
    from spicemem.curve import check_picture

    with pytest.raises(CurveError, match=r"\.png, \.svg or \.pdf"):
        check_picture(tmp_path / "a.gif")
    with pytest.raises(CurveError, match="no folder"):
        check_picture(tmp_path / "absent" / "a.png")


# --- Table 1

#: Printed numbers of each column.
COUNTS = {"vset": 24, "vreset": 20, "ratio": 23, "tset": 14, "treset": 12}


def row(structure):
    return next(r for r in table1.rows() if r.structure == structure)


def test_the_table_has_all_its_rows_and_cells():
    rows = table1.rows()
    assert len(rows) == 24 and len({r.preset for r in rows}) == 24
    names = [name for r in rows for name in r.cells]
    assert {name: names.count(name) for name in names} == COUNTS
    for r in rows:
        assert table1.device_of(r).preset_name == r.preset.partition(":")[2]


@pytest.mark.parametrize(("structure", "cell", "good", "bad"), [
    ("Ta/HfO2/Pd", "vset", (1.0, 1.2), (0.98, 1.23, -1.1, 0.0, math.nan)),
    ("ITO/LaAlO3/SrTiO3", "vset", (-1.6, -1.3), (-1.61, -1.29, 1.45, 0.0)),
    ("Ag/ZrO2/graphene/Pt", "vset", (1.0, -2.5), (0.0, -1.0, 0.5)),
    ("Au/SAM-SURMOF/Au", "vset", (1.0, -1.0), (0.0, 0.5)),
    ("Ta/HfO2/Pd", "ratio", (340.0, 740.0), (320.0, 760.0, 0.0, -500.0)),
    ("Pt/Ti/α-SrTiO3/Pt", "ratio", (700.0, 14000.0), (600.0, 16000.0)),
    ("TiN/Ta2O5/TiN", "tset", (1e-9, 10e-9), (11e-9, 0.0, -1e-9)),
    ("Ta/HfO2/Pd", "treset", (26e-9, 99e-9), (24e-9, 101e-9)),
])
def test_bounds_of_a_cell(structure, cell, good, bad):
    found = row(structure).cells[cell]
    assert all(found.passes(v) for v in good)
    assert not any(found.passes(v) for v in bad)


@pytest.mark.parametrize(("change", "missed"), [
    ({}, set()), ({"a_set": 1.0}, {"tset"}), ({"g_off": 4e-6}, {"ratio"}), ({"al_reset": 0.15}, {"vreset", "treset"})])
def test_a_wrong_device_misses_its_cells(change, missed, vacask):
    wanted = row("Ta/HfO2/Pd")
    device = VCM.preset("ta_hfo2_pd", **change) if change else VCM.preset("ta_hfo2_pd")
    found = table1.measure(wanted, vacask, device)
    failed = {name for name, passed in found.verdicts().items() if not passed}
    assert missed <= failed and (failed or not missed)


def test_a_row_that_fails_does_not_lose_the_others(monkeypatch, vacask):
    def fails(*args, **kwargs):
        raise SimulationError("row", found="a planted fault")

    monkeypatch.setattr(table1, "half_loop", fails)
    found = table1._measured(vacask, row("Ta/HfO2/Pd"))
    assert "planted" in found.failure and not any(found.verdicts().values())


# --- attempts of ngspice


def job(analysis):
    return Job("t", [], analysis, [], {}, stop=1.0, max_step=0.1, swept={"v_a": [1.0]})


@pytest.mark.parametrize("analysis", ["tran", "dc"])
def test_what_is_stuck_is_tried_again_and_said(analysis, monkeypatch):
    engine, tried = engines.get("ngspice"), []

    def attempt(program, job, *how):
        tried.append(how)
        if len(tried) < 3:
            raise SimulationError("run", found="Timestep too small; time = 1")
        return {}, ()

    monkeypatch.setattr(ngspice_engine, "find_program", lambda: "ngspice")
    monkeypatch.setattr(type(engine), "available", lambda self: (True, ""))
    monkeypatch.setattr(engine, "_attempt", attempt, raising=False)
    _, warnings = engine.simulate(job(analysis))
    assert len(tried) == 3 and "did not converge at first" in warnings[0]


def test_other_failures_are_not_tried_again(monkeypatch):
    engine, tried = engines.get("ngspice"), []

    def attempt(program, job, *how):
        tried.append(how)
        raise SimulationError("run", found="no such vector")

    monkeypatch.setattr(ngspice_engine, "find_program", lambda: "ngspice")
    monkeypatch.setattr(type(engine), "available", lambda self: (True, ""))
    monkeypatch.setattr(engine, "_attempt", attempt, raising=False)
    with pytest.raises(SimulationError, match="no such vector"):
        engine.simulate(job("tran"))
    assert len(tried) == 1


def test_a_state_thrown_past_its_bound_is_tried_again_and_said(monkeypatch):
    device = DEVICES["diffusive"]()
    top, engine, tried = device.number(device.definition.states["x"].high), engines.get("ngspice"), []

    def attempt(program, job, *how):
        tried.append(how)
        return {"time": np.array([0.0, 1.0]), "dut.x": np.array([0.0, top * (1.1 if len(tried) < good else 1.0)])}, ()

    monkeypatch.setattr(type(engine), "available", lambda self: (True, ""))
    monkeypatch.setattr(engine, "_attempt", attempt, raising=False)
    asked = replace(job("tran"), elements=[Element("dut", device, {"p": "a", "n": "0"})])
    good = 3
    found, warnings = engine.simulate(asked)
    assert found["dut.x"][-1] == top and len(tried) == 3 and "left its bounds" in warnings[0]
    tried, good = [], 99  # none helps: the first result comes back, and the engine says what is wrong with it
    found, warnings = engine.simulate(asked)
    assert found["dut.x"][-1] > top and warnings == () and len(tried) > 3


@pytest.mark.parametrize("name", ["ngspice-osdi", "vacask"])
def test_a_switch_that_is_fast_beside_the_step_ends_in_its_own_basin(name, require):
    cell = bench_circuit(DEVICES["diffusive"]())
    bench = bench_of(DEVICES["diffusive"]())
    result = require(name).run(cell, bench.stop, max_step=bench.max_step / 4)
    assert result["dut.x"].max() < 1.425  # thrown past 1.5 it stays there, and conducts
