"""Does a fit find the values that data were made with, and does it say what the data leave open?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spicemem.circuit import Circuit
from spicemem.cli import app
from spicemem.devices import DEVICES
from spicemem.engines import get
from spicemem.errors import CircuitError, InputError
from spicemem.foreign.fit import DeviceFit, Recording, fit
from spicemem.foreign.integrate import Integrator
from spicemem.model import Model
from spicemem.waveform import Waveform

#: The noise of the synthetic data: the one that a fit assumes.
LARGEST, EACH = 2e-3, 1e-2


def noisy(device: Model, wave: Waveform, points: int, seed: int, name: str = "loop") -> Recording:
    """What an instrument would record of a device: from its equations, with noise."""
    t = np.unique(np.r_[np.linspace(0, wave.duration, points), wave.times])
    v = np.interp(t, wave.times, wave.values)
    i = Integrator(device).currents({}, t, v)[0]
    spread = LARGEST * np.abs(i).max() + EACH * np.abs(i)
    return Recording(t, v, i + np.random.default_rng(seed).normal(size=len(t)) * spread, name)


LOOP = Waveform([0, 2e-2, 4e-2, 6e-2, 8e-2], [0, 1.2, 0, -1.2, 0])
PULSES = Waveform(np.array([0, 1, 2, 12, 13, 40, 41, 51, 52, 80]) * 1e-3, [0, 0, 1, 1, 0.3, 0.3, -1, -1, 0.3, 0.3])
TRUTH = {"eta": 4.4, "tau": 0.03, "de": 1.8}
WOX = DEVICES["wox"]()


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    device = WOX.replace(**TRUTH)
    return [noisy(device, LOOP, 41, 1), noisy(device, PULSES, 31, 2, "pulses")]


@pytest.fixture(scope="module")
def fitted(recordings: list[Recording]) -> DeviceFit:
    return fit(WOX, recordings, list(TRUTH), starts=2)


def pulls(found: DeviceFit) -> dict[str, float]:
    """How far each value is from the truth, in its errors."""
    return {name: abs(p.value - TRUTH[name]) / p.error for name, p in found.parameters.items()}


def test_the_truth_is_recovered_within_the_errors(fitted: DeviceFit) -> None:
    assert max(pulls(fitted).values()) < 3.0, pulls(fitted)
    assert all(0 < p.error < 0.05 * p.value for p in fitted.parameters.values())
    assert 0.8 < fitted.chi < 1.2 and not fitted.open and not fitted.at_bound
    assert fitted.device.values["tau"] == fitted.parameters["tau"].value and fitted.parameters["tau"].unit == "s"
    assert len(fitted.starts) == 2 and fitted.starts[1] < 1.01 * fitted.starts[0]  # both ended in one place


def test_an_error_in_the_data_is_seen(recordings: list[Recording]) -> None:
    """A planted fault: an instrument that reads 20 % too much cannot pass as the same device."""
    wrong = [Recording(r.time, r.voltage, 1.2 * r.current, r.name) for r in recordings]
    assert max(pulls(fit(WOX, wrong, list(TRUTH), starts=1)).values()) > 5.0


def test_errors_are_those_of_repeated_measurements(recordings: list[Recording], fitted: DeviceFit) -> None:
    device = WOX.replace(**TRUTH)
    values = [fit(device, [noisy(device, LOOP, 41, seed), noisy(device, PULSES, 31, 50 + seed, "pulses")], list(TRUTH),
                  starts=1).parameters for seed in range(3, 8)]
    for name, p in fitted.parameters.items():
        scatter = float(np.std([v[name].value for v in values], ddof=1))
        assert 0.3 * p.error < scatter < 2.3 * p.error, name


def test_what_the_data_tell_apart_is_chosen_without_names(recordings: list[Recording]) -> None:
    found = fit(WOX, recordings, starts=1)
    assert {"eta", "tau"} <= set(found.parameters) and found.chi < 1.2 and not found.open


def test_a_parameter_that_changes_nothing_is_called_open() -> None:
    device = DEVICES["vteam"]()  # rectangular windows: the edge of TEAM's window is not used
    wave = Waveform([0, 1e-8, 2e-8], [0, 0.15, 0])
    found = fit(device, noisy(device, wave, 21, 4), ["r_off", "a_on"], starts=1)
    assert found.open == ("a_on",) and "left open" in found.report()


def test_a_fit_of_another_model_is_near_and_says_how_near(tmp_path: Path) -> None:
    """Data of the tungsten oxide model, from ngspice, fitted by Yakopcic's equations: not the same physics."""
    wave = Waveform([0, 2e-2, 4e-2, 6e-2, 8e-2], [0, 1.2, 0, -1.2, 0])
    circuit = Circuit("c", ("p", "n")).add("d1", WOX, p="p", n="n").drive(p=wave)
    result = get("ngspice").run(circuit, wave.duration, max_step=2e-4)
    t = np.linspace(0, wave.duration, 41)
    data = Recording(t, np.interp(t, wave.times, wave.values), -result.at("i(v_p)", t), "other")
    start = DEVICES["yakopcic"](a1=1e-6, a2=1e-6, b=2.0, vp=0.2, vn=0.2, ap=5.0, an=5.0)
    found = fit(start, data, ["a1", "a2", "b", "ap", "an", "x_init"], starts=1)
    assert found.chi > 1.5  # it is another model, and says so
    assert found.rms[0] < 0.08
    before = Integrator(start).currents({}, t, data.voltage)[0]
    assert found.rms[0] < 0.3 * np.sqrt(np.mean((before - data.current) ** 2)) / np.abs(data.current).max()


@pytest.mark.parametrize("name", ["ecm", "otj", "pcm", "secondordertaox"])
def test_the_integration_agrees_with_a_simulator(name: str) -> None:
    device = DEVICES[name]()
    b = device.handling()
    peak = b.loop[0]
    wave = Waveform(np.array([0, 1, 2]) * abs(peak) / b.rate, [0, peak, 0])
    t = np.linspace(0, wave.duration, 101)
    t = np.unique(np.r_[t, wave.times])
    found = Integrator(device).currents({}, t, np.interp(t, wave.times, wave.values))[0]
    pins = device.definition.terminals
    circuit = Circuit("c", pins).add("d1", device, **{p: p for p in pins}).drive(**{b.write: wave, **b.bias})
    result = get("ngspice-osdi").run(circuit, wave.duration, max_step=wave.duration / 1000)
    expected = -result.at(f"i(v_{b.write})", t)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 2e-3 * np.abs(expected).max()


def test_lanes_are_devices_of_their_own() -> None:
    t = np.linspace(0, LOOP.duration, 41)
    v = np.interp(t, LOOP.times, LOOP.values)
    both = Integrator(WOX).currents({"tau": np.array([0.02, 0.05])}, t, v)
    alone = [Integrator(WOX.replace(tau=tau)).currents({}, t, v)[0] for tau in (0.02, 0.05)]
    assert np.abs(both - alone).max() < 1e-4 * np.abs(both).max()
    assert np.abs(both[0] - both[1]).max() > 1e-2 * np.abs(both).max()


def test_csv_files(tmp_path: Path) -> None:
    path = tmp_path / "loop.csv"
    path.write_text("# a comment\nVoltage [mV],time (us),Current [uA],remark\n0,0,0,a\n100,1,2,b\n-50,3,-1,c\n")
    data = Recording.from_csv(path)
    assert data.name == "loop" and np.allclose(data.time, [0, 1e-6, 3e-6], rtol=1e-12, atol=0)
    assert np.allclose(data.voltage, [0, 0.1, -0.05]) and np.allclose(data.current, [0, 2e-6, -1e-6], atol=1e-18)
    path.write_text("time,voltage,current\n0,0,0\n1,1,1\n2,2,2\n")
    assert np.allclose(Recording.from_csv(path).current, [0, 1, 2])


@pytest.mark.parametrize(("text", "words"), [
    ("", ("header", "empty")), ("time,volts\n0,0\n", ("header", "current")),
    ("time,voltage,current\n0,0,0\n1,x,1\n", ("line 3", "'1,x,1'")),
    ("time,voltage,current\n0,0,0\n1,1,1\n1,2,2\n", ("time", "increase")),
    ("time,voltage,current\n0,0,0\n1,1,nan\n2,2,2\n", ("current", "finite")),
    ("time,voltage,current\n0,0,0\n1,1,0\n2,2,0\n", ("same everywhere",)),
    ("time [kg],voltage,current\n0,0,0\n", ("unit",)),
])
def test_bad_files_are_refused(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        Recording.from_csv(path)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_bad_requests_are_refused(recordings: list[Recording]) -> None:
    for kwargs, word in (({"free": ["etta"]}, "eta"), ({"free": []}, "names"), ({"bounds": {"eta": (5.0, 1.0)}}, "eta"),
                         ({"starts": 0}, "start"), ({"noise": (0.0, 0.0)}, "noise")):
        with pytest.raises(InputError, match=word):
            fit(WOX, recordings, **kwargs)  # type: ignore[arg-type]
    with pytest.raises(CircuitError, match="light"):
        fit(DEVICES["optoelectronic"](), recordings)


def test_a_value_stays_within_its_bounds(recordings: list[Recording]) -> None:
    found = fit(WOX, recordings, ["eta", "tau"], bounds={"tau": (0.04, 0.2)}, starts=1)
    assert found.at_bound == ("tau",) and found.parameters["tau"].value == pytest.approx(0.04, rel=1e-4)
    assert "at its bound" in found.report()


def test_the_command(recordings: list[Recording], tmp_path: Path) -> None:
    r = recordings[0]
    data, out = tmp_path / "loop.csv", tmp_path / "out"
    rows = "\n".join(f"{t!r},{v!r},{i!r}" for t, v, i in zip(r.time.tolist(), r.voltage.tolist(), r.current.tolist(),
                                                           strict=True))
    data.write_text(f"time [s],voltage [V],current [A]\n{rows}\n")
    run = CliRunner().invoke(app, ["fit", str(data), "--device", "wox", "-f", "eta", "-f", "tau", "-p", "de=1.8",
                                   "--starts", "1", "-o", str(out)])
    assert run.exit_code == 0, run.output
    assert "tau" in run.output and "+-" in run.output
    found = json.loads((out / "fit.json").read_text())
    assert abs(found["parameters"]["tau"]["value"] - TRUTH["tau"]) < 3 * found["parameters"]["tau"]["error"]
    assert (out / "fit.png").stat().st_size > 10_000 and (out / "loop-fit.csv").exists()
    assert CliRunner().invoke(app, ["fit", str(tmp_path / "no.csv"), "--device", "wox"]).exit_code == 1
