"""Do the array experiments meet their rows, and miss them when a device, a wire or a setting is wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuits.crossbar import crossbar
from spicemem.circuits.passive_cells import complementary
from spicemem.curve import Curve
from spicemem.experiments import arrays
from spicemem.experiments.base import run_experiment
from spicemem.protocols.array import bias, transient
from spicemem.waveform import Waveform

EXPERIMENTS = {e.name: e for e in arrays.EXPERIMENTS}
PICTURES = {"mvm-irdrop": "irdrop", "sneak-path": "margin", "conv-array": "convolution", "otj-letters": "letters"}


def run(name, folder, engine="vacask"):
    summary = run_experiment(EXPERIMENTS[name], engines.get(engine), folder, quick=True)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return summary


def missed(name, folder):
    return {row["id"] for row in run(name, folder)["targets"] if not row["pass"]}


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_meets_its_rows(name, tmp_path, require):
    require("vacask")
    summary = run(name, tmp_path)
    assert summary["status"] == "ok", summary["reason"]
    assert (tmp_path / f"{PICTURES[name]}.png").exists() and summary["curves"]


@pytest.mark.parametrize(("setting", "value", "rows"), [
    ("SEGMENT", 1.1, {"mvm-ir-drop", "mvm-relative-error"}),
    ("AMPS", 9e-6, {"mvm-ir-drop", "mvm-relative-error", "mvm-line-current"}),
    ("OHM", 5e3, {"mvm-safe-tile"}),
])
def test_irdrop_misses_with_other_wires_and_cells(setting, value, rows, tmp_path, monkeypatch, require):
    require("vacask")
    if setting == "SEGMENT":  # of the line only: the map and the tile keep 1 Ohm
        monkeypatch.setattr(arrays, "_ladder", planted_ladder(arrays._ladder, value))
    else:
        monkeypatch.setattr(arrays, setting, value)
    assert missed("mvm-irdrop", tmp_path) == rows


def planted_ladder(right, segment):
    def ladder(*given):
        drops, amps = right(*given)
        return drops * segment, amps  # constant currents: the drop is proportional to the wire
    return ladder


def test_margin_misses_where_the_selector_is_on_already(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(arrays, "READ_1S1R", 3.0)
    assert missed("sneak-path", tmp_path) == {"sneak-path-margin"}


def test_margin_misses_without_a_low_and_a_high_state(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(arrays, "HIGH", 0.15)
    assert missed("sneak-path", tmp_path) == {"sneak-path-margin"}


def test_complementary_reading_is_that_of_a_transient_of_the_whole_array(require):
    engine, n = require("vacask"), 4
    low, high = arrays._sneak(engine, ("complementary", n))
    for current, (a0, b0) in ((low, (arrays.HIGH, arrays.LOW)), (high, (arrays.LOW, arrays.HIGH))):
        a, b = np.full((n, n), arrays.HIGH), np.full((n, n), arrays.LOW)
        a[0, 0], b[0, 0] = a0, b0
        x = crossbar(n, n, complementary(), values={"a.x_init": a, "b.x_init": b})
        levels, floating = bias(x, 0, 0, arrays.READ_CRS, "floating")
        waves = {port: Waveform.points((0, 0), (arrays.CRS_PULSE / 20, v), (arrays.CRS_PULSE, v))
                 for port, v in levels.items()}
        whole = transient(x, waves, arrays.CRS_PULSE, engine=engine, floating=floating, device="a")
        assert float(whole.result["i(v_bl0)"][-1]) == pytest.approx(current, rel=0.01)


@pytest.mark.parametrize(("setting", "value"), [("LEVELS", 4), ("SEGMENT", 30.0)])
def test_convolution_misses_with_few_states_or_bad_wires(setting, value, tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(arrays, setting, value)
    summary = run("conv-array", tmp_path)
    row, = summary["targets"]
    assert not row["pass"] and float(row["simulated"].split(" %")[0]) > 5, row["simulated"]


@pytest.mark.parametrize(("values", "rows"), [
    ({"kappa": 0.0}, {"letters-forgetting"}),                      # H is not kept
    ({"tau_s": 40e-6}, {"letters-forgetting"}),                    # C and N are not forgotten
])
def test_letters_miss_with_another_junction(values, rows, tmp_path, monkeypatch, require):
    require("vacask")
    right = arrays.junction
    monkeypatch.setattr(arrays, "junction", lambda *a, **k: right(*a, **k).replace(**values))
    assert missed("otj-letters", tmp_path) == rows


def test_letters_are_lost_under_a_voltage_that_writes(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(arrays, "READ", 0.6)
    assert missed("otj-letters", tmp_path) == {"letters-retention"}


def test_the_tile_is_the_largest_safe_one(require):
    engine = require("vacask")
    size = arrays._safe(engine, {8: 0.001, 64: 0.3})
    assert arrays._errors(engine, (size, 1.0)).max() <= arrays.SAFE < arrays._errors(engine, (size + 1, 1.0)).max()


@pytest.mark.parametrize("name", ["sneak-path", "otj-letters"])
def test_engines_agree(name, tmp_path, require):
    found = []
    for engine in ("ngspice", "vacask"):
        require(engine)
        run(name, tmp_path / engine, engine)
        found.append({p.name: Curve.from_csv(p) for p in sorted((tmp_path / engine).glob("*.csv"))})
    assert found[0].keys() == found[1].keys() and found[0]
    for file, a in found[0].items():
        b = found[1][file]
        assert a.x == pytest.approx(b.x) and abs(a.y - b.y).max() <= 0.01 * abs(a.y).max(), file
