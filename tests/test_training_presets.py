"""Do presets for training simulators say what was measured, no more, and does what loads them compute it again?"""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import spicemem.commands.training  # noqa: F401  (registers the command)
from spicemem.commands.base import app
from spicemem.devices import DEVICES
from spicemem.engines import get
from spicemem.errors import InputError, SpicememError
from spicemem.foreign import training
from spicemem.foreign.training import aihwkit_preset, crosssim_preset, fit_steps, ir_drop, save
from spicemem.protocols import array_behaviour as ab
from spicemem.protocols.array_behaviour import ArrayBehaviour, PulseResponse, ReadNoise, Retention, WireError, measure
from spicemem.protocols.characterise import pulse_train
from spicemem.protocols.ltp import scheme
from spicemem.spread import Normal

Array = NDArray[np.float64]
LOW, HIGH, A, B = 2e-8, 1e-7, 0.05, 0.04
UP, DOWN = scheme(40, 1.0, 1e-3), scheme(40, -1.0, 1e-3)


def planted(gains: Any = (1.0,), widths: Any = (1.0,), noise: float = 0.0, cycles: int = 1, seed: int = 1
            ) -> PulseResponse:
    """Trains of soft bounds: steps of A*(1 - u) up and B*u down of the window; devices with these gains and windows."""
    source, trains = np.random.default_rng(seed), {"up": [], "down": []}
    for gain, width in zip(gains, widths, strict=True):
        low, span = LOW, (HIGH - LOW) * width
        u, found = 0.0, {"up": [], "down": []}
        for _ in range(cycles + 2):
            for way in ("up", "down"):
                train = [u]
                for _ in range(len(UP)):
                    size = A * (1 - u) if way == "up" else -B * u
                    u += gain * size * (1 + noise * source.normal())
                    train.append(u)
                found[way].append(low + span * np.array(train))
        for way in ("up", "down"):
            trains[way].append(found[way][2:])
    return PulseResponse(np.array(trains["up"]), np.array(trains["down"]), (UP, DOWN), 1e-3,
                         {"jitter": Normal(noise)} if noise else {},
                         {"device": "planted", "preset": "none", "engine": "none", "read": "not",
                          "devices": str(len(gains)), "cycles": str(cycles), "rest": "1 ms", "cycle noise": "none"})


def everything(response: PulseResponse | None = None) -> ArrayBehaviour:
    times = np.geomspace(1e-3, 1e3, 49)
    starts = np.array([2.5e-8, 5e-8, 9e-8])
    end, tau = 3e-8, 200.0
    kept = Retention(times, end + (starts[:, None] - end) * np.exp(-(times - times[0]) / tau))
    source = np.random.default_rng(3)
    siemens, volts = source.uniform(LOW, HIGH, (12, 10)), source.uniform(0, 0.1, (6, 12))
    bare = volts @ siemens
    wires = WireError(volts, siemens, bare, bare, 0.95 * bare - 0.02 * bare**2 / bare.max(), 1e4)
    return ArrayBehaviour("planted", response or planted(), ReadNoise(np.array([LOW, HIGH]), np.array([1e-10, 3e-9]),
                                                                      "planted"), kept, wires)


# --- the steps -----------------------------------------------------------------------------------------------------


def test_planted_steps_are_found() -> None:
    r = planted()
    model = fit_steps(r)
    low, high = r.window
    u = (np.linspace(low, high, len(model.up)) - LOW) / (HIGH - LOW)
    inside = ~model.empty["up"] & ~model.empty["down"]
    assert inside.sum() > 15
    assert model.up[inside] == pytest.approx((A * (1 - u) * (HIGH - LOW))[inside], rel=1e-6)
    assert model.down[inside] == pytest.approx((B * u * (HIGH - LOW))[inside], rel=1e-6)
    assert max(*model.step_error.values(), *model.train_error.values()) < 1e-6
    spreads = [model.gain_spread, model.up_down_spread, model.low_spread, model.high_spread, model.cycle_spread]
    assert not any(spreads)
    assert all((ratio == 1).all() for ratio in model.ratios.values())
    wrong = fit_steps(planted((1.2,)))  # another device is another model
    assert np.abs(wrong.up - model.up).max() > 0.1 * model.up.max()


def test_planted_spread_is_found() -> None:
    source = np.random.default_rng(2)
    gains = 1 + 0.1 * source.normal(size=40)
    widths = 1 + 0.05 * source.normal(size=40)
    model = fit_steps(planted(gains, np.ones(40)))
    assert model.gain_spread == pytest.approx(gains.std(), rel=0.15)
    assert model.up_down_spread < 0.02 and model.cycle_spread == 0
    model = fit_steps(planted(np.ones(40), widths))  # steps in siemens scale with the window
    assert model.gain_spread == pytest.approx(widths.std(), rel=0.05)
    low, high = (np.array(planted().window) - LOW) / (HIGH - LOW)
    assert model.high_spread == pytest.approx(2 * widths.std() * high / (high - low), rel=0.05)
    assert model.low_spread == pytest.approx(2 * widths.std() * low / (high - low), rel=0.05)
    noisy = fit_steps(planted(noise=0.2, cycles=6))
    assert noisy.cycle_spread == pytest.approx(0.2, rel=0.1)
    assert noisy.ratios["up"].std() == pytest.approx(0.2, rel=0.15)


def test_an_abrupt_set_is_said_to_be_one() -> None:
    up = np.full((1, 1, 41), HIGH)
    up[0, 0, 0] = LOW
    model = fit_steps(replace(planted(), up=up))
    assert model.empty["up"].sum() >= 18 and model.empty["down"].sum() <= 12
    assert f"{model.empty['up'].sum()} of 21 nodes without a measured step" in model.report()


@pytest.mark.parametrize(("change", "words"), [
    ({"up": 1e-7 * np.ones((1, 1, 41)), "down": 1e-7 * np.ones((1, 1, 41))}, "expected pulses that change the conduct"),
    ({"up": np.linspace(HIGH, LOW, 41)[None, None]}, "expected up that raises"),
    ({"down": np.linspace(LOW, HIGH, 41)[None, None]}, "pulses down that leave"),
    ({"up": (LOW + (HIGH - LOW) * (np.linspace(0, 1, 41) + 0.1 * np.sin(np.arange(41))))[None, None] + LOW},
     "takes it back by"),
    ({"up": np.linspace(-HIGH, HIGH, 41)[None, None]}, "expected positive conductances"),
    ({"schemes": (scheme(40, (0.5, 1.0), 1e-3), DOWN)}, "expected identical pulses"),
])
def test_what_is_no_response_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(planted(), **change)


@pytest.mark.parametrize("nodes", [1, 64])
def test_nodes_have_limits(nodes: int) -> None:
    with pytest.raises(InputError, match="2 to 63"):
        fit_steps(planted(), nodes)


# --- measuring -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def oxide() -> ArrayBehaviour:
    """A gradual oxide, three that differ, measured with everything that it has."""
    from spicemem.engines import get

    if not get("vacask").available()[0]:
        pytest.skip("needs vacask")
    return measure(DEVICES["interfacerram"](), pulses=12, devices=3, noise=0.02, keep=10.0, wire=1e4, size=8,
                   engine="vacask")


def test_trains_are_those_of_another_protocol(oxide: ArrayBehaviour) -> None:
    """The same pulses by `pulse_train`: other waveforms, other step control, no reading."""
    r, device, engine = oxide.response, DEVICES["interfacerram"]().sample(3, 1)[2], get("vacask")
    state = None
    trains: list[Array] = []
    for volts in (3.0, -3.0, 3.0, -3.0):
        found, state = pulse_train(device, volts, 1e-3, 12, engine=engine, initial=state)
        trains.append(found)
    # Its edges are outside of the pulse: a tenth of the width either way, and the sinh makes little of them.
    assert r.up[2, 0] == pytest.approx(trains[2], rel=0.04) and r.down[2, 0] == pytest.approx(trains[3], rel=0.04)
    assert r.up[1, 0] != pytest.approx(trains[2], rel=0.04)  # another device
    assert (np.diff(r.up) > 0).all() and (np.diff(r.down) < 0).all()
    assert r.up[:, :, -1] == pytest.approx(r.down[:, :, 0])


@pytest.mark.parametrize("engine", ["ngspice", "reference"])
def test_engines_agree_about_the_response(require: Any, engine: str) -> None:
    require("vacask")
    require(engine)
    device, up, down = DEVICES["interfacerram"](), scheme(3, 3.0, 1e-3), scheme(3, -3.0, 1e-3)

    def run(name: str) -> PulseResponse:
        return ab.pulse_response(device, up, down, rest=1e-3, settle=0, engine=name)
    one, other = run("vacask"), run(engine)
    span = other.window[1] - other.window[0]
    for way in ("up", "down"):
        assert np.abs(getattr(one, way) - getattr(other, way)).max() < 2e-3 * span


def test_what_was_not_asked_for_is_absent(oxide: ArrayBehaviour) -> None:
    bare = ArrayBehaviour("bare", oxide.response)
    for text in (*aihwkit_preset(bare).values(), crosssim_preset(bare)["crosssim_bare.py"]):
        assert text.count("not measured, absent") == 3 and "READ_NOISE = None" in text and "WIRE = None" in text
    text = aihwkit_preset(oxide)["aihwkit_interfacerram.py"]
    assert "absent" not in text and "given: 2 % of the conductance" in text and "WIRE = 10000" in text


def test_cycle_noise_is_drawn_and_repeats(require: Any) -> None:
    require("vacask")
    device, up, down = DEVICES["vcm"](), *ab.pulses_of(DEVICES["vcm"](), 6)

    def run(sigma: float, seed: int) -> PulseResponse:
        return ab.pulse_response(device, up, down, rest=1e-4, cycles=3, cycle_noise={"jitter": Normal(sigma)},
                                 seed=seed, engine="vacask")
    once, again, other, still = run(0.2, 1), run(0.2, 1), run(0.2, 2), run(0.0, 1)
    assert np.array_equal(once.down, again.down) and not np.allclose(once.down, other.down, rtol=1e-2)
    assert np.ptp(still.down, axis=1).max() < 1e-3 * still.window[1] < np.ptp(once.down, axis=1).max()
    assert 0.1 < fit_steps(once).cycle_spread < 0.4
    with pytest.raises(InputError, match="'jiter', expected one of read_noise, telegraph, jitter"):
        ab.pulse_response(device, up, down, rest=1e-4, cycle_noise={"jiter": Normal(0.1)}, engine="vacask")


def test_read_noise_is_that_of_the_current(require: Any) -> None:
    require("vacask")
    device = DEVICES["secondorderwox"]()
    up, down = ab.pulses_of(device, 5)
    noise = ab.read_noise(device, "read_noise", Normal(0.03), reading=ab.Reading(0.1, 5e-5), up=up, down=down,
                          rest=5e-4, levels=2, samples=60, engine="vacask")
    assert noise.sigma / noise.siemens == pytest.approx([0.03, 0.03], rel=0.3)
    assert noise.source.startswith("measured: 60 readings")
    with pytest.raises(InputError, match="input"):
        ab.read_noise(device, "noise", Normal(0.03), reading=ab.Reading(), up=up, down=down, rest=1e-3, engine="vacask")
    with pytest.raises(InputError, match="rising conductances"):
        ReadNoise(np.array([2.0, 1.0]), np.array([0.1, 0.1]), "wrong")


def test_a_fading_device_is_found_to_fade(require: Any) -> None:
    """The relaxation of w in the device's equations: in 1000 s, to a share of 0.05."""
    require("vacask")
    device = DEVICES["secondorderwox"]()
    up, down = ab.pulses_of(device, 6)
    kept = ab.retention(device, np.geomspace(1.0, 500.0, 8), up=up, down=down, rest=5e-4, levels=3, engine="vacask")
    law = kept.law()
    assert law.kind == "exponential" and law.tau == pytest.approx(1000, rel=0.02) and law.error < 1e-3
    # What the device conducts at w = 0.05.
    assert law.g_end == pytest.approx(ab.single(device).devices()["dut"].values["w_rest"] * 1.35e-4, rel=0.15)


@pytest.mark.parametrize(("shape", "kind", "number"), [
    (lambda t: (t / t[0]) ** -0.06, "power", 0.06), (lambda t: np.ones_like(t), "steady", None),
    (lambda t: 1 - 0.4 * (np.log10(t) > 0.5), "table", None),
])
def test_laws_of_retention(shape: Any, kind: str, number: float | None) -> None:
    t = np.geomspace(1e-2, 1e4, 15)
    law = Retention(t, np.outer([1e-6, 3e-6], shape(t))).law()
    assert law.kind == kind
    if number:
        assert law.nu == pytest.approx(number, rel=1e-6)


def test_wires_take_their_share(oxide: ArrayBehaviour) -> None:
    """Against a conductance matrix solved here; another resistance is another error."""
    w = oxide.wires
    assert w is not None
    assert w.nonlinearity < 2e-3
    solved = np.array([_ladder(w.siemens, v, w.ohm) for v in w.voltages])
    assert w.wired == pytest.approx(solved * w.bare / w.ideal, rel=1e-4)
    assert w.wired != pytest.approx(np.array([_ladder(w.siemens, v, 2 * w.ohm) for v in w.voltages]), rel=1e-4)
    assert w.gain == pytest.approx(solved.sum() / w.ideal.sum(), rel=1e-3)


def _ladder(g: Array, volts: Array, ohm: float) -> Array:
    """Currents (A) of the columns: rows driven at column 0, columns at 0 V below the last row, a segment a cell."""
    rows, cols = g.shape
    n, y = rows * cols, 1 / ohm
    matrix, right = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)

    def join(a: int, b: int | None, s: float, v: float = 0.0) -> None:
        matrix[a, a] += s
        if b is None:
            right[a] += s * v
        else:
            matrix[b, b] += s
            matrix[a, b] -= s
            matrix[b, a] -= s

    for i in range(rows):
        for j in range(cols):
            k = i * cols + j
            join(k, n + k, float(g[i, j]))
            join(k, k - 1 if j else None, y, float(volts[i]))
            join(n + k, n + k + cols if i < rows - 1 else None, y)
    return np.linalg.solve(matrix, right)[n + (rows - 1) * cols:] * y


@pytest.mark.parametrize(("device", "more", "words"), [
    ("diffusive", {}, "none that resets"),
    ("eis", {"wire": 5.0}, "expected two: a cell of a plain crossbar"),
    ("vcm", {"wire": -1.0}, "a resistance above 0 Ohm"),
    ("eis", {"up": scheme(4, 1e-3, 1e-3), "down": scheme(4, -1e-3, 1e-3)}, "expected pulses that change"),
    ("eis", {"up": scheme(4, -4.0, 0.1), "down": scheme(4, 4.0, 0.1)}, "expected up that raises"),
    ("vcm", {"devices": 0}, "one at least"),
])
def test_what_cannot_be_measured_is_refused(require: Any, device: str, more: dict[str, Any], words: str) -> None:
    require("vacask")
    with pytest.raises(SpicememError, match=words):
        measure(DEVICES[device](), engine="vacask", **more)


# --- what is written, read as its readers do -----------------------------------------------------------------------


def lookup(path: Path) -> tuple[Array, Array, Array]:
    """As CrossSim's numeric parameters read a table: rows 2 and 3 by themselves, the matrix after three lines."""
    g = np.genfromtxt(path, delimiter=",", skip_header=1, max_rows=1)
    share = np.genfromtxt(path, delimiter=",", skip_header=2, max_rows=1)
    return g, share, np.genfromtxt(path, delimiter=",", skip_header=3)


def test_lookup_tables_of_crosssim(tmp_path: Path) -> None:
    behaviour = everything(planted(noise=0.2, cycles=6))
    model = save(behaviour, tmp_path, ("crosssim",))
    found = {way: lookup(tmp_path / f"dG_{name}.txt") for way, name in (("up", "increasing"), ("down", "decreasing"))}
    assert np.array_equal(found["up"][0], found["down"][0]) and np.array_equal(found["up"][1], found["down"][1])
    for way, sign in (("up", 1), ("down", -1)):
        g, share, change = found[way]
        assert change.shape == (len(share), len(g)) and np.ptp(np.diff(g)) < 1e-4 * np.diff(g).max()
        assert (np.diff(change, axis=0) >= -1e-16).all()  # by rising probability
        assert (g + change >= model.window[0] * (1 - 1e-6)).all() and (g + change <= model.window[1] * (1 + 1e-6)).all()
        mean = (np.diff(share)[:, None] * change[:-1]).sum(axis=0)  # as CrossSim averages
        middle = slice(20, 80)
        assert mean[middle] == pytest.approx(model.step(g, way)[middle], rel=0.05)
        assert (sign * mean[middle] > 0).all()
        spread = change[:, 50].std() / abs(mean[50])
        assert spread == pytest.approx(0.2, rel=0.2)
    raw = np.genfromtxt(tmp_path / "set.csv", delimiter=",", skip_header=1)
    assert raw == pytest.approx(behaviour.response.up.reshape(-1, 41).T, rel=1e-8)
    down = np.genfromtxt(tmp_path / "reset.csv", delimiter=",", skip_header=1)
    assert down[0] == pytest.approx(raw[-1])


class Stub:
    """Keeps what it is made with, and gives any attribute of a class of settings."""

    def __init__(self, *args: Any, **values: Any):
        self.args = args
        self.__dict__.update(values)


def load(path: Path, stubs: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A written module, imported with stand-ins for what it imports."""
    for name, members in stubs.items():
        made = types.ModuleType(name)
        made.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, made)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AIHWKIT: dict[str, dict[str, Any]] = {
    "torch": {}, "aihwkit": {}, "aihwkit.inference": {}, "aihwkit.inference.converter": {},
    "aihwkit.inference.noise": {}, "aihwkit.simulator": {}, "aihwkit.simulator.parameters": {},
    "aihwkit.inference.converter.conductance": {"SinglePairConductanceConverter": Stub},
    "aihwkit.inference.noise.base": {"BaseNoiseModel": Stub},
    "aihwkit.simulator.configs": {n: Stub for n in ("InferenceRPUConfig", "IOParameters", "SingleRPUConfig")},
    "aihwkit.simulator.configs.devices": {"PiecewiseStepDevice": Stub},
    "aihwkit.simulator.parameters.enums": {
        name: types.SimpleNamespace(NONE=None, ADDITIVE_CONSTANT="additive")
        for name in ("BoundManagementType", "NoiseManagementType", "WeightNoiseType")},
    "aihwkit.simulator.parameters.inference": {"DriftParameter": Stub},
}


def test_what_aihwkit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = everything(planted((0.9, 1.1), (1.0, 1.0)))
    model = save(behaviour, tmp_path, ("aihwkit",))
    m = load(tmp_path / "aihwkit_planted.py", AIHWKIT, monkeypatch)
    low, high = model.window
    assert m.to_weight([low, (low + high) / 2, high]) == pytest.approx([-1, 0, 1], abs=1e-6)
    assert m.to_siemens(m.to_weight(4e-8)) == pytest.approx(4e-8)
    device = m.device()
    to_siemens = (high - low) / 2
    assert np.array(device.piecewise_up) * device.dw_min * to_siemens == pytest.approx(model.up, rel=1e-4)
    assert np.array(device.piecewise_down) * device.dw_min * to_siemens == pytest.approx(model.down, rel=1e-4)
    assert (device.dw_min_dtod, device.dw_min_std) == (pytest.approx(model.gain_spread, rel=1e-3), 0)
    forward = m.rpu_config().forward
    sigma = np.interp(np.linspace(low, high, 101), [LOW, HIGH], [1e-10, 3e-9])
    assert forward.w_noise == pytest.approx(np.sqrt((sigma**2).mean()) / to_siemens, rel=1e-4)
    assert forward.ir_drop_g_ratio == pytest.approx(1 / (1e4 * high), rel=1e-5)
    fading = m.device(seconds_per_batch=0.1)
    assert fading.lifetime == pytest.approx(2000, rel=0.01) and not hasattr(device, "lifetime")
    assert fading.reset == pytest.approx(float(m.to_weight(3e-8)), rel=0.01)


def test_a_law_that_aihwkit_cannot_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    t = np.geomspace(1, 1e4, 9)
    power = replace(everything(), retention=Retention(t, np.outer([3e-8, 9e-8], t**-0.05)))
    save(power, tmp_path, ("aihwkit",))
    m = load(tmp_path / "aihwkit_planted.py", AIHWKIT, monkeypatch)
    drift = m.device().drift
    assert drift.nu == pytest.approx(0.05, rel=1e-5) and drift.t_0 == 1
    with pytest.raises(ValueError, match="power: only an exponential one"):
        m.device(seconds_per_batch=1.0)


class EmptyDevice:
    """What CrossSim 3 gives a device class: normalised limits from its parameters, and its refusals."""

    def __init__(self, device_params: Any, weight_error_params: Any):
        self.device_params = device_params
        self.Gmin_norm, self.Gmax_norm = device_params.Rmin / device_params.Rmax, 1.0
        self.Grange_norm = self.Gmax_norm - self.Gmin_norm

    def read_noise(self, input_: Array) -> Array:
        raise NotImplementedError("read noise")

    def drift_error(self, input_: Array, time: float) -> Array:
        raise NotImplementedError("drift")


def crosssim(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, Any]:
    """The module, its parameters after `configure`, and its device, made and tried as `Device.create_device` does."""
    module = load(path, {"simulator": {}, "simulator.backend": {"ComputeBackend": lambda: np}, "simulator.devices": {},
                         "simulator.devices.idevice": {"EmptyDevice": EmptyDevice}}, monkeypatch)

    def error() -> Any:
        return types.SimpleNamespace(enable=False, model="IdealDevice", magnitude=0)

    device = types.SimpleNamespace(Rmin=1e3, Rmax=1e4, read_noise=error(), programming_error=error(),
                                   drift_error=error())
    wires = types.SimpleNamespace(enable=False, Rp_row=0, Rp_col=0)
    params = types.SimpleNamespace(xbar=types.SimpleNamespace(
        device=device, array=types.SimpleNamespace(parasitics=wires)))
    assert module.configure(params) is params
    kinds = {kind.__name__: kind for kind in EmptyDevice.__subclasses__() if kind.__module__ == module.__name__}
    made = kinds[device.programming_error.model](device, device.programming_error)
    made.programming_error(np.zeros(1))
    for name, call in (("read_noise", lambda: made.read_noise(np.zeros(1))),
                       ("drift_error", lambda: made.drift_error(np.zeros(1), 0))):
        if getattr(device, name).model != "IdealDevice":
            call()
    return module, params, made


def test_what_crosssim_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = everything()
    model = save(behaviour, tmp_path, ("crosssim",))
    _, params, device = crosssim(tmp_path / "crosssim_planted.py", monkeypatch)
    low, high = model.window
    assert (1 / params.xbar.device.Rmin, 1 / params.xbar.device.Rmax) == (pytest.approx(high), pytest.approx(low))
    target = np.full((200, 200), 6e-8 / high)
    np.random.seed(1)
    error = device.programming_error(target) * high - 6e-8
    half = min(abs(model.step(6e-8, way)) for way in ("up", "down")) / 2
    assert abs(error).max() == pytest.approx(float(half), rel=0.02) and abs(error.mean()) < 0.02 * half
    read = device.read_noise(target) * high
    assert read.std() == pytest.approx(np.interp(6e-8, [LOW, HIGH], [1e-10, 3e-9]), rel=0.03)
    later = device.drift_error(target, 200.0).mean() * high
    assert later == pytest.approx(3e-8 + 3e-8 * np.exp(-1), rel=0.02)  # between the levels and the times of the table
    with pytest.raises(ValueError, match="up to 1000 s"):
        device.drift_error(target, 1e4)
    # Ohm over Rmin where the parameters do not normalise, Ohm where they do.
    wires = params.xbar.array.parasitics
    assert wires.enable and wires.Rp_row == pytest.approx(1e4 * high)
    wires.Rp_row_norm = 0.0
    sys.modules["simulator.backend"].ComputeBackend = lambda: np
    load(tmp_path / "crosssim_planted.py", {}, monkeypatch).configure(params)
    assert wires.Rp_row == 1e4


def test_crosssim_is_not_told_what_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(ArrayBehaviour("bare", planted()), tmp_path, ("crosssim",))
    _, params, device = crosssim(tmp_path / "crosssim_bare.py", monkeypatch)
    for name in ("read_noise", "drift_error"):
        assert not getattr(params.xbar.device, name).enable
    assert not params.xbar.array.parasitics.enable
    with pytest.raises(NotImplementedError):
        device.read_noise(np.ones(1))


def test_an_unknown_simulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'neurosim', expected one of aihwkit, crosssim"):
        save(everything(), tmp_path, ("neurosim",))
    assert not list(tmp_path.iterdir())


# --- in aihwkit itself ---------------------------------------------------------------------------------------------


@pytest.fixture
def kit() -> Any:
    return pytest.importorskip("aihwkit")


def real(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def computed(module: Any, points: int) -> dict[str, tuple[Array, Array]]:
    """Conductances (S) and their changes by one pulse of aihwkit's own update, for the mean device without noise."""
    import torch
    from aihwkit.simulator.tiles import AnalogTile

    found = {}
    for way, sign in (("up", 1.0), ("down", -1.0)):
        config = module.rpu_config()
        for name in ("dw_min_std", "dw_min_dtod", "up_down_dtod", "w_min_dtod", "w_max_dtod"):
            setattr(config.device, name, 0.0)
        config.update.update_bl_management = config.update.update_management = False
        config.update.desired_bl = 1
        tile = AnalogTile(points, 1, config)
        tile.set_learning_rate(1.0)
        tile.set_weights(torch.linspace(-1, 1, points)[:, None])
        before = tile.get_weights()[0].numpy()[:, 0].copy()
        tile.update(-torch.ones(1, 1), sign * torch.ones(1, points))
        after = tile.get_weights()[0].numpy()[:, 0]
        found[way] = module.to_siemens(before), module.to_siemens(after) - module.to_siemens(before)
    return found


def test_aihwkit_computes_the_measured_steps(kit: Any, oxide: ArrayBehaviour, tmp_path: Path) -> None:
    model = save(oxide, tmp_path, ("aihwkit",))
    module = real(tmp_path / "aihwkit_interfacerram.py")
    largest = max(model.up.max(), model.down.max())
    for way, (g, change) in computed(module, 41).items():
        assert np.abs(change - model.step(g, way)).max() < 1e-4 * largest
    wrong = {way: change for way, (_, change) in computed(module, 41).items()}
    assert np.abs(wrong["up"] + wrong["down"]).max() > 0.1 * largest
    training.draw(oxide.response, model, computed(module, 15))


def test_aihwkit_trains_and_infers_with_it(kit: Any, tmp_path: Path) -> None:
    import torch
    from aihwkit.nn import AnalogLinear
    from aihwkit.optim import AnalogSGD

    save(replace(everything(), noise=None, wires=None), tmp_path, ("aihwkit",))
    module = real(tmp_path / "aihwkit_planted.py")
    torch.manual_seed(1)
    target, x = torch.rand(3, 6) - 0.5, 2 * torch.rand(128, 6) - 1
    layer = AnalogLinear(6, 3, bias=False, rpu_config=module.rpu_config())
    optimizer = AnalogSGD(layer.parameters(), lr=0.05)
    optimizer.regroup_param_groups(layer)
    losses = []
    for _ in range(8):
        for part in x.split(8):
            optimizer.zero_grad()
            loss = ((layer(part) - part @ target.T) ** 2).mean()
            loss.backward()
            optimizer.step()
        losses.append(float(((layer(x) - x @ target.T) ** 2).mean().detach()))
    assert losses[-1] < 0.5 * float((x @ target.T).var())
    net = AnalogLinear(6, 3, bias=False, rpu_config=module.inference_config()).eval()
    ideal = net(x).detach()
    net.drift_analog_weights(1.0)
    first = net(x).detach()
    net.drift_analog_weights(1000.0)  # five time constants: all conductances near one
    assert (first - ideal).norm() < 0.2 * ideal.norm() < (net(x).detach() - ideal).norm()
    with pytest.raises(ValueError, match="up to 1000 s"):
        net.drift_analog_weights(1e5)


def test_aihwkit_fades_as_measured(kit: Any, tmp_path: Path) -> None:
    import torch
    from aihwkit.simulator.tiles import AnalogTile

    t = np.geomspace(1.0, 1e4, 9)
    laws = {"exponential": everything(),
            "power": replace(everything(), retention=Retention(t, np.outer([3e-8, 9e-8], t**-0.05)))}
    start = np.array([[-0.5], [0.0], [0.8]])
    for kind, behaviour in laws.items():
        save(behaviour, tmp_path / kind, ("aihwkit",))
        module = real(tmp_path / kind / "aihwkit_planted.py")
        config = module.rpu_config(1.0 if kind == "exponential" else None)
        for name in ("w_min_dtod", "w_max_dtod"):
            setattr(config.device, name, 0.0)
        tile = AnalogTile(3, 1, config)
        tile.set_weights(torch.tensor(start, dtype=torch.float32))
        g = module.to_siemens(start)
        if kind == "exponential":
            for _ in range(100):
                tile.decay_weights()
            expected = 3e-8 + (g - 3e-8) * np.exp(-100 / 200)
        else:
            tile.tile.drift_weights(1.0)
            tile.tile.drift_weights(1e3)
            expected = g * 1e3**-0.05
        assert module.to_siemens(tile.get_weights()[0].numpy()) == pytest.approx(expected, rel=3e-3), kind


def test_the_drop_along_wires_is_aihwkits(kit: Any, oxide: ArrayBehaviour) -> None:
    import torch
    from aihwkit.simulator.configs import IOParameters, SingleRPUConfig
    from aihwkit.simulator.configs.devices import ConstantStepDevice
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType
    from aihwkit.simulator.tiles import AnalogTile

    w = oxide.wires
    assert w is not None
    scale, wrong = ir_drop(w)
    g_max, v_max = w.siemens.max(), w.voltages.max()
    io = IOParameters(inp_bound=-1.0, inp_res=-1.0, out_bound=-1.0, out_res=-1.0, out_noise=0.0, ir_drop=scale,
                      bound_management=BoundManagementType.NONE, noise_management=NoiseManagementType.NONE,
                      ir_drop_g_ratio=1 / (w.ohm * g_max))
    rows, cols = w.siemens.shape
    tile = AnalogTile(cols, rows, SingleRPUConfig(
        forward=io, device=ConstantStepDevice(w_max=1, w_min=-1, w_max_dtod=0, w_min_dtod=0)))
    tile.set_weights(torch.tensor(np.ascontiguousarray(w.siemens.T / g_max), dtype=torch.float32))
    out = tile(torch.tensor(w.voltages / v_max, dtype=torch.float32)).detach().numpy() * g_max * v_max
    # aihwkit's devices are linear: what wires take is compared.
    lost, measured = w.ideal - out, w.bare - w.wired
    assert (w.ideal * lost).sum() == pytest.approx((w.bare * measured).sum(), rel=0.02)
    assert np.sqrt(np.mean((lost - measured) ** 2)) / w.bare.max() == pytest.approx(wrong, rel=0.1)
    assert np.sqrt(np.mean(measured**2)) / w.bare.max() > 3 * wrong


# --- the page ------------------------------------------------------------------------------------------------------


PAGE = Path(__file__).parent.parent / "docs/training_simulators.md"


def play(text: str) -> list[str]:
    """Run the blocks of Python in one namespace, those of aihwkit where it is; returns those that ran."""
    space: dict[str, Any] = {"__name__": "training_page"}
    ran = []
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if "aihwkit" in code and importlib.util.find_spec("aihwkit") is None:
            continue
        exec(compile(code, "docs/training_simulators.md", "exec"), space)
        ran.append(code)
    return ran


def test_the_page_runs(require: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("vacask")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    text = PAGE.read_text(encoding="utf-8")
    ran = play(text)
    assert len(ran) == (3 if importlib.util.find_spec("aihwkit") else 2) and (tmp_path / "oxide.png").exists()
    with pytest.raises(AssertionError):
        play(text.replace("< 0.05", "< 0.0005"))


def test_the_commands_of_the_page_are_understood() -> None:
    import typer

    command = typer.main.get_command(app).commands["presets"]
    lines = re.findall(r"^spicemem presets (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        command.make_context("presets", line.split())
    with pytest.raises(Exception, match="no-such"):
        command.make_context("presets", [*lines[0].split(), "--no-such"])


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_what_it_says(require: Any, tmp_path: Path) -> None:
    require("vacask")
    done = CliRunner().invoke(app, ["presets", "pcmo", "--pulses", "8", "--up", "0.5", "3m", "--down", "-0.5", "1m",
                                    "-e", "vacask", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "steps within" in done.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "aihwkit_pcmo.py", "crosssim_pcmo.py", "dG_increasing.txt", "dG_decreasing.txt", "set.csv", "reset.csv",
        "behaviour.json", "response.png", "up.csv", "down.csv"}


@pytest.mark.parametrize(("arguments", "words"), [
    (["diffusive"], "none that resets"), (["eis", "--for", "neurosim"], "expected one of aihwkit, crosssim"),
    (["divider_gate"], "expected a device"), (["eis", "--read-noise", "x=1"], "it has no input"),
    (["eis", "--redraw", "x"], "expected INPUT=SIGMA"), (["eis", "--rest", "0"], "a rest above 0 s"),
    (["vcm", "--wire", "0"], "a resistance above 0 Ohm"),
    (["eis", "--up", "4", "oops"], "a number in s"),
])
def test_the_command_refuses_in_one_line(require: Any, tmp_path: Path, arguments: list[str], words: str) -> None:
    require("vacask")
    done = CliRunner().invoke(app, ["presets", *arguments, "-e", "vacask", "-o", str(tmp_path / "out")])
    assert done.exit_code == 1 and words in done.stderr and "Traceback" not in done.output
    assert not (tmp_path / "out").exists()
