"""Does pcmo-ltp miss its rows when a device or the pulses are wrong?"""

import numpy as np
import pytest

from spicemem import engines
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.devices.pcmo import PCMO
from spicemem.errors import SimulationError
from spicemem.experiments import gradual
from spicemem.experiments.base import run_experiment
from spicemem.protocols.ltp import scheme
from spicemem.protocols.reading import Reading

EXPERIMENT = gradual.EXPERIMENTS[0]


def run(folder, engine="vacask"):
    return run_experiment(EXPERIMENT, engines.get(engine), folder, quick=True)


def missed(folder):
    summary = run(folder)
    assert summary["status"] in ("ok", "missed"), summary["reason"]
    return {row["id"] for row in summary["targets"] if not row["pass"]}


def test_it_meets_its_rows(tmp_path, require):
    require("vacask")
    summary = run(tmp_path)
    assert summary["status"] == "ok", summary["reason"]
    assert {row["id"] for row in summary["targets"]} == {"pcmo-schemes", "uniform-conductance", "uniform-energy"}
    assert {"schemes.png", "branches.png", "uniform.png", "scheme-a.csv"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.parametrize(("device", "wrong", "rows"), [
    (InterfaceRRAM, {"k_p": 4e-4}, {"uniform-conductance"}),
    (InterfaceRRAM, {"v_0": 0.3}, {"uniform-energy"}),     # 15 fJ
    (PCMO, {"k_n": 10.0}, {"pcmo-schemes"}),               # depression with A is gradual
])
def test_wrong_device_misses(device, wrong, rows, tmp_path, monkeypatch, require):
    require("vacask")
    right = device.preset.__func__
    monkeypatch.setattr(device, "preset", classmethod(lambda cls, name, **v: right(cls, name, **{**v, **wrong})))
    assert missed(tmp_path) == rows


def test_a_spike_that_writes_misses_however_little_it_takes(tmp_path, monkeypatch, require):
    require("vacask")
    right = InterfaceRRAM.preset.__func__
    monkeypatch.setattr(InterfaceRRAM, "preset", classmethod(lambda cls, name: right(cls, name, k_n=2e-3, v_n=0.05)))
    monkeypatch.setattr(gradual, "SPIKE", -gradual.SPIKE)
    summary = run(tmp_path)
    energy = next(row for row in summary["targets"] if row["id"] == "uniform-energy")
    assert energy["simulated"] < 10 and not energy["pass"]


@pytest.mark.parametrize("letter", "BC")
def test_pulses_that_do_not_rise_miss(letter, tmp_path, monkeypatch, require):
    require("vacask")
    trains = gradual.schemes()
    wrong = gradual.Trains(scheme(30, 0.6, 3e-3), trains[letter].down, "no rise")
    monkeypatch.setattr(gradual, "schemes", lambda: {**trains, letter: wrong})
    assert missed(tmp_path) == {"pcmo-schemes"}


def test_a_reading_that_disturbs_ends_it(tmp_path, monkeypatch, require):
    require("vacask")
    monkeypatch.setattr(gradual, "READING", Reading(0.3, 1e-5))
    summary = run(tmp_path)
    assert summary["status"] == "failed" and "reading of syn.x" in summary["reason"]
    with pytest.raises(SimulationError, match=r"reading of syn\.x"):
        gradual._cycled(engines.get("vacask"), 1, ("A", gradual.schemes()["A"]))


def test_the_schemes_are_those_of_their_letters():
    for letter, trains in gradual.schemes().items():
        assert trains.up.letter == trains.down.letter == letter
        assert np.all(np.array(trains.up.volts) > 0) and np.all(np.array(trains.down.volts) < 0)
