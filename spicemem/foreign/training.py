"""Presets for simulators that train networks, from what was measured of a device: IBM's aihwkit, Sandia's CrossSim.

Both know a pulse as a step that depends on the conductance. `fit_steps` makes that of the measured trains, and says how
well it reproduces them; the writers put it, and what else was measured, into the form that each simulator loads.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.errors import InputError, nearest
from spicemem.files import write_folder
from spicemem.protocols.array_behaviour import ArrayBehaviour, PulseResponse, Retention, Way, WireError
from spicemem.render.text import NOTICE, templates
from spicemem.units import engineering, prefix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
#: aihwkit's limit on a graphics card.
MOST_NODES = 63
#: A step below this share of the largest says nothing about spread: the device is at the end of its window.
LEAST = 0.05
_WAYS: tuple[Way, ...] = get_args(Way)
#: Weight of smoothness between nodes against one measured point, so that few points with scatter make no wiggles.
_SMOOTH = 0.3


# --- dG(G) as nodes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class StepModel:
    """Size of a step (S) by conductance: straight between nodes that are evenly spaced over the window (S).

    up, down: at the nodes, for the mean device. A device has a window of its own, over which the nodes are stretched,
    and a gain for each direction. Spreads are standard deviations between devices, relative: gain of both directions
    (gain_spread), half the difference of the two gains (up_down_spread), ends of the window over half its width.
    cycle_spread: relative deviation of single steps, 0 where no cycle noise was given. step_error: rms of measured
    steps less those of the model, over the largest step, by direction. train_error: largest distance between a device's
    mean train and the model's with its gain and window, over that window. empty: which nodes have no
    measured step nearer than half a node.
    ratios: measured over modelled steps, sorted, by direction; one number, 1, where nothing varies.
    """

    window: tuple[float, float]
    up: Array
    down: Array
    gain_spread: float
    up_down_spread: float
    low_spread: float
    high_spread: float
    cycle_spread: float
    step_error: dict[Way, float]
    train_error: dict[Way, float]
    empty: dict[Way, NDArray[np.bool_]]
    ratios: dict[Way, Array]

    def step(self, siemens: ArrayLike, way: Way) -> Array:
        """Change (S) by one pulse at a conductance (S), of the mean device; held inside the window."""
        g, (low, high) = np.asarray(siemens, dtype=np.float64), self.window
        nodes, sign = (self.up, 1) if way == "up" else (self.down, -1)
        size = np.interp(g, np.linspace(low, high, len(nodes)), nodes)
        return np.asarray(np.clip(g + sign * size, low, high) - g)

    def train(self, start: float, way: Way, count: int, gain: float = 1.0,
              window: tuple[float, float] | None = None) -> Array:
        """Conductances (S) before and after each of `count` pulses; gain and window (S): of one device."""
        low, high = window or self.window
        nodes, sign, g = (self.up, 1, [start]) if way == "up" else (self.down, -1, [start])
        for _ in range(count):
            size = gain * np.interp((g[-1] - low) / (high - low), np.linspace(0, 1, len(nodes)), nodes)
            g.append(float(np.clip(g[-1] + sign * size, low, high)))
        return np.array(g)

    def report(self) -> str:
        """How well it reproduces what was measured, for people."""
        return "\n".join(
            f"{way}: steps within {100 * self.step_error[way]:.2g} % rms of the largest, train within "
            f"{100 * self.train_error[way]:.2g} % of the window; {self.empty[way].sum()} of {len(self.up)} nodes "
            "without a measured step" for way in _WAYS)


def fit_steps(response: PulseResponse, nodes: int = 21) -> StepModel:
    """The nodes that reproduce the measured steps best (least squares, none below 0), and the spreads around them.

    Raises InputError for fewer than 2 nodes or more than aihwkit takes on a graphics card (63).
    """
    if not 2 <= nodes <= MOST_NODES:
        raise InputError("nodes of a pulse response", found=str(nodes), expected=f"2 to {MOST_NODES}")
    low, high = response.window
    half = (high - low) / 2
    curves: dict[Way, Array] = {}
    gains: dict[Way, Array] = {}
    errors: dict[Way, float] = {}
    empty: dict[Way, NDArray[np.bool_]] = {}
    ratios: dict[Way, Array] = {}
    scatter: list[float] = []
    varies = len(response.up) > 1 or bool(response.cycle_noise)
    for way, sign in zip(_WAYS, (1, -1), strict=True):
        s = response.steps(way)
        at = (s.siemens - response.low[s.device]) / (response.high - response.low)[s.device] * (nodes - 1)
        size = sign * s.change
        curves[way], gains[way] = _fit(at, size, s.device, nodes)
        shape = np.interp(at, np.arange(nodes), curves[way])
        model = gains[way][s.device] * shape
        largest = float(np.abs(size).max())
        errors[way] = float(np.sqrt(np.mean((size - model) ** 2))) / largest
        empty[way] = np.abs(np.arange(nodes)[:, None] - at).min(axis=1) > 0.5
        strong = shape > LEAST * shape.max()
        ratios[way] = np.sort(np.maximum(size[strong] / shape[strong], 0.0)) if varies else np.ones(1)
        if response.cycle_noise:
            scatter += [_scatter(at[own], size[own], nodes) for own in (s.device == k for k in range(len(response.up)))]
    both = np.stack([gains[way] for way in _WAYS])
    found = StepModel(
        (low, high), curves["up"], curves["down"], float(both.mean(axis=0).std()),
        float((both[0] - both[1]).std() / 2), float(response.low.std()) / half, float(response.high.std()) / half,
        float(np.sqrt(np.mean(np.square(scatter)))) if scatter else 0.0, errors, {}, empty, ratios)
    for way, trains in zip(_WAYS, (response.up, response.down), strict=True):
        found.train_error[way] = 0.0
        for k, mean in enumerate(trains.mean(axis=1)):
            own = float(response.low[k]), float(response.high[k])
            again = found.train(float(mean[0]), way, len(mean) - 1, float(gains[way][k]), own)
            found.train_error[way] = max(found.train_error[way], float(np.abs(again - mean).max() / (own[1] - own[0])))
    return found


def _fit(at: Array, size: Array, device: NDArray[np.intp], nodes: int) -> tuple[Array, Array]:
    """Nodes and a gain (mean 1) for each device, in turns."""
    from scipy.optimize import nnls

    below = np.minimum(at.astype(int), nodes - 2)
    hats = np.zeros((len(at), nodes))
    hats[np.arange(len(at)), below] = 1 - (at - below)
    hats[np.arange(len(at)), below + 1] = at - below
    bend = _SMOOTH * np.diff(np.eye(nodes), 2, axis=0)
    gains, scale = np.ones(int(device.max()) + 1), float(np.abs(size).max())
    for _ in range(6):
        rows = np.vstack([gains[device][:, None] * hats, bend])
        curve = nnls(rows, np.r_[size / scale, np.zeros(len(bend))])[0] * scale
        shape = hats @ curve
        gains = (np.bincount(device, shape * size) / np.bincount(device, shape * shape))
        gains /= gains.mean()
    return curve, gains


def _scatter(at: Array, size: Array, nodes: int) -> float:
    """Relative deviation of the steps of one device from its own curve, of as few nodes as its points can bear."""
    few = max(3, min(nodes, len(at) // 5))
    at = at * (few - 1) / (nodes - 1)
    curve, _ = _fit(at, size, np.zeros(len(at), np.intp), few)
    shape = np.interp(at, np.arange(few), curve)
    strong = shape > LEAST * shape.max()
    off = size[strong] / shape[strong] - 1
    return float(np.sqrt((off**2).sum() / max(1, len(off) - few)))


# --- what the files have in common ---------------------------------------------------------------------------------


def _listed(values: ArrayLike) -> str:
    """Numbers as Python, six digits, so that a preset can be read."""
    array = np.asarray(values)
    return f"[{', '.join(_listed(v) if np.ndim(v) else f'{v:.6g}' for v in array)}]"


def _facts(behaviour: ArrayBehaviour, model: StepModel) -> list[str]:
    """What was measured, how well it is met, and what is absent: for the head of a preset."""
    r, (low, high) = behaviour.response, model.window
    made = r.provenance
    lines = [f"Device {made['device']}, preset {made['preset']}; simulated by {made['engine']}.",
             f"Pulses up: {r.schemes[0]}.", f"Pulses down: {r.schemes[1]}.", f"Rest after each: {made['rest']}.",
             f"Read {made['read']}. Devices: {made['devices']}, cycles: {made['cycles']}, redrawn for each pulse: "
             f"{made['cycle noise']}.",
             f"Window {engineering(low, 'S')} to {engineering(high, 'S')}: what these trains reached; it ends there.",
             *(f"Preset, pulses {line}." for line in model.report().splitlines())]
    noise, kept, wires = behaviour.noise, behaviour.retention, behaviour.wires
    lines.append(f"Read noise {noise.source}." if noise else "Read noise: not measured, absent.")
    if kept is None:
        lines.append("Retention: not measured, absent.")
    else:
        lines.append(f"Retention over {engineering(kept.times[-1], 's')}, {len(kept.siemens)} levels: "
                     f"{_law_words(kept)}.")
    if wires is None:
        lines.append("Wires: not measured, absent.")
    else:
        lines.append(f"Wires of {engineering(wires.ohm, 'Ohm')} a segment take {100 * (1 - wires.gain):.2g} % of the "
                     f"currents of {wires.siemens.shape[0]}x{wires.siemens.shape[1]} cells; what differs from that is "
                     f"{100 * wires.residual:.2g} % rms of the largest.")
    return [part for line in lines for part in textwrap.wrap(line, 118, subsequent_indent="    ")]


def _law_words(kept: Retention) -> str:
    law = kept.law()
    within = f"within {100 * law.error:.2g} %"
    return {"steady": f"changes by {100 * law.error:.2g} %, steady", "power": f"t^-{law.nu:.4g} {within}",
            "exponential": f"to {engineering(law.g_end, 'S')} with {engineering(law.tau, 's')} {within}",
            "table": "no power law or exponential fits; the table holds"}[law.kind]


def _common(behaviour: ArrayBehaviour, model: StepModel, module: str) -> dict[str, Any]:
    (low, high), noise, kept, wires = model.window, behaviour.noise, behaviour.retention, behaviour.wires
    levels = np.linspace(low, high, len(model.up))
    retention = "None" if kept is None else (
        f"({_listed(kept.times)},\n             {_listed(kept.siemens[:, 0])},\n             {_listed(kept.siemens)})")
    return {"title": behaviour.name, "notice": NOTICE, "facts": _facts(behaviour, model), "module": module,
            "g_min": f"{low:.10g}", "g_max": f"{high:.10g}", "levels": _listed(levels),
            "half_step": _listed(np.minimum(model.up, model.down) / 2), "retention": retention,
            "read_noise": "None" if noise is None else f"({_listed(noise.siemens)}, {_listed(noise.sigma)})",
            "wire": "None" if wires is None else f"{wires.ohm:.6g}"}


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


# --- aihwkit -------------------------------------------------------------------------------------------------------


def ir_drop(wires: WireError) -> tuple[float, float]:
    """Scale of aihwkit's drop along wires at which it loses as much as was measured, and what is wrong then.

    Its formula (IOParameters.ir_drop; a cubic in the current of an output line) has the wires of the outputs only, so
    that it loses too little at scale 1. Returns the scale, and the rms difference to the measured currents over the
    largest.
    """
    g_max, rows = float(wires.siemens.max()), wires.siemens.shape[0]
    a = rows * wires.ohm * g_max * (wires.bare / g_max) / wires.voltages.max()
    along = 1 - (1 - np.arange(rows) / rows) ** 2
    lost = a * (a * (0.05 * a - 0.2) + 0.5) * ((wires.voltages * along) @ wires.siemens)
    scale = float((wires.bare * (wires.bare - wires.wired)).sum() / (wires.bare * lost).sum())
    wrong = wires.bare - scale * lost - wires.wired
    return scale, float(np.sqrt(np.mean(wrong**2)) / np.abs(wires.bare).max())


def aihwkit_preset(behaviour: ArrayBehaviour, model: StepModel | None = None) -> dict[str, str]:
    """Files by name: one module with `rpu_config()`, `device()`, `inference_config()`, `to_weight` and `to_siemens`.

    model: of `fit_steps`, made here by default. Steps are in weights, relative to dw_min, the mean step in the middle
    of the window.
    """
    model = model or fit_steps(behaviour.response)
    module = f"aihwkit_{_identifier(behaviour.name)}"
    to_weight = 2 / (model.window[1] - model.window[0])
    middle = len(model.up) // 2
    unit = float(model.up[middle] + model.down[middle]) / 2 or float(max(model.up.max(), model.down.max()))
    law = None if behaviour.retention is None else behaviour.retention.law()
    drop, wrong = (0.0, 0.0) if behaviour.wires is None else ir_drop(behaviour.wires)
    text = templates().get_template("aihwkit_preset.j2").render(
        **_common(behaviour, model, module), dw_min=f"{unit * to_weight:.6g}",
        up=_listed(model.up / unit), down=_listed(model.down / unit),
        low_spread=f"{model.low_spread:.4g}", high_spread=f"{model.high_spread:.4g}",
        gain_spread=f"{model.gain_spread:.4g}", up_down_spread=f"{model.up_down_spread:.4g}",
        cycle_spread=f"{model.cycle_spread:.4g}",
        drop=f"{drop:.4g}", drop_error=f"{100 * wrong:.2g}",
        law_words="absent" if behaviour.retention is None else _law_words(behaviour.retention),
        law=repr({"kind": "absent"} if law is None else
                 {k: v if isinstance(v, str) else float(f"{v:.6g}") for k, v in law._asdict().items()
                  if isinstance(v, str) or np.isfinite(v)}))
    return {f"{module}.py": text}


# --- CrossSim ------------------------------------------------------------------------------------------------------


def crosssim_preset(behaviour: ArrayBehaviour, model: StepModel | None = None, *, points: int = 101,
                    quantiles: int = 51) -> dict[str, str]:
    """Files by name: a device class for inference, and lookup tables of dG with the raw trains for training.

    The class is for CrossSim 3 (errors of programming, drift, reading). dG_increasing.txt and dG_decreasing.txt are the
    tables that CrossSim's training cores read: rows of G (S), of cumulative probability, then dG (S), probability by G.
    set.csv and reset.csv are what its table generator starts from: conductances after each pulse, a column a train.
    """
    model = model or fit_steps(behaviour.response)
    module = f"crosssim_{_identifier(behaviour.name)}"
    files = {f"{module}.py": templates().get_template("crosssim_preset.j2").render(
        **_common(behaviour, model, module),
        name="".join(part.capitalize() for part in _identifier(behaviour.name).split("_")))}
    for way, name, raw, trains in (("up", "dG_increasing.txt", "set.csv", behaviour.response.up),
                                   ("down", "dG_decreasing.txt", "reset.csv", behaviour.response.down)):
        files[name] = _table(model, "up" if way == "up" else "down", points, quantiles)
        columns = trains.reshape(-1, trains.shape[2]).T
        files[raw] = "\n".join([",".join(f"rmp{k + 1}" for k in range(columns.shape[1])),
                                *(",".join(f"{g:.8e}" for g in row) for row in columns)]) + "\n"
    return files


def _table(model: StepModel, way: Way, points: int, quantiles: int) -> str:
    """A lookup table of CrossSim: dG rises with the cumulative probability, and ends inside the window."""
    g, share = np.linspace(*model.window, points), np.linspace(0.0, 1.0, quantiles)
    nodes, sign = (model.up, 1.0) if way == "up" else (model.down, -1.0)
    size = np.interp(g, np.linspace(*model.window, len(nodes)), nodes)
    ratio = np.quantile(model.ratios[way], share if way == "up" else 1 - share)
    change = np.clip(g + sign * np.outer(ratio, size), *model.window) - g
    rows = [",".join(f"{v:.8e}" for v in row) for row in (g, share, *change)]
    return "\n".join(["1st row: G [S]; 2nd row: cumulative probability; from the 3rd on: dG [S] (rows: probability)",
                      *rows]) + "\n"


# --- files and a picture -------------------------------------------------------------------------------------------


FORMS = {"aihwkit": aihwkit_preset, "crosssim": crosssim_preset}


def known(forms: Sequence[str]) -> None:
    """Raises InputError for a simulator that no preset is written for."""
    for form in forms:
        if form not in FORMS:
            raise InputError("training simulator", found=repr(form), expected=f"one of {', '.join(FORMS)}",
                             remedy=nearest(form, FORMS))


def save(behaviour: ArrayBehaviour, folder: Path, forms: tuple[str, ...] = tuple(FORMS), nodes: int = 21) -> StepModel:
    """Write the presets, behaviour.json (numbers), response.png and the steps as CSV into a folder that is made.

    Raises InputError for an unknown simulator and a folder that cannot be written.
    """
    known(forms)
    model = fit_steps(behaviour.response, nodes)
    files = {name: text for form in forms for name, text in FORMS[form](behaviour, model).items()}
    files["behaviour.json"] = json.dumps(_numbers(behaviour, model), indent=1) + "\n"
    write_folder(folder, files)
    for way in _WAYS:
        behaviour.response.curve(way).to_csv(folder / f"{way}.csv")
    draw(behaviour.response, model).savefig(folder / "response.png", dpi=150)
    return model


def _numbers(behaviour: ArrayBehaviour, model: StepModel) -> dict[str, Any]:
    kept, wires, noise = behaviour.retention, behaviour.wires, behaviour.noise
    return {
        "provenance": dict(behaviour.response.provenance), "window_S": list(model.window),
        "step_up_S": model.up.tolist(), "step_down_S": model.down.tolist(), "step_error": model.step_error,
        "train_error": model.train_error,
        "nodes_without_points": {way: int(model.empty[way].sum()) for way in _WAYS},
        "spread": {key: getattr(model, f"{key}_spread") for key in ("gain", "up_down", "low", "high", "cycle")},
        "read_noise": noise and {"G_S": noise.siemens.tolist(), "sigma_S": noise.sigma.tolist(),
                                 "source": noise.source},
        "retention": kept and {"time_s": kept.times.tolist(), "G_S": kept.siemens.tolist(), "law": _law_words(kept)},
        "wires": wires and {"ohm": wires.ohm, "shape": list(wires.siemens.shape), "gain": wires.gain,
                            "residual": wires.residual, "nonlinearity": wires.nonlinearity}}


def draw(response: PulseResponse, model: StepModel,
         computed: Mapping[Way, tuple[ArrayLike, ArrayLike]] | None = None) -> Figure:
    """Measured steps and trains, and the preset's. computed: (G before, dG) in S by direction, as another simulator
    computes them from the preset."""
    from matplotlib.figure import Figure

    top = float(max(np.abs(response.steps(way).change).max() for way in _WAYS))
    (g_scale, g_unit), (d_scale, d_unit) = prefix(model.window[1]), prefix(top)
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    at = np.linspace(*model.window, len(model.up)) * g_scale
    for way, colour, trains in (("up", "#b2182b", response.up), ("down", "#2166ac", response.down)):
        key: Way = "up" if way == "up" else "down"
        s = response.steps(key)
        left.plot(s.siemens * g_scale, s.change * d_scale, "o", ms=3.5, mfc="none", mew=0.8, color=colour, alpha=0.7,
                  label=f"measured, {way}")
        size = d_scale * (model.up if way == "up" else -model.down)
        for k in range(len(at) - 1):
            line = ":" if model.empty[key][k:k + 2].any() else "-"
            left.plot(at[k:k + 2], size[k:k + 2], line, lw=1.6, color=colour)
        left.plot([], [], "-", lw=1.6, color=colour, label=f"preset, {way}")
        if computed:
            before, change = (np.asarray(v, dtype=np.float64) for v in computed[key])
            left.plot(before * g_scale, change * d_scale, "x", ms=5, mew=1.2, color="black", zorder=3,
                      label="aihwkit, from the preset" if way == "down" else None)
        flat = trains.reshape(-1, trains.shape[2])
        offset = 0 if way == "up" else response.up.shape[2] - 1
        x = offset + np.arange(trains.shape[2])
        right.plot(x, flat.T * g_scale, "o", ms=3, mfc="none", mew=0.7, color=colour, alpha=0.5)
        mean = flat.mean(axis=0)
        right.plot(x, model.train(mean[0], key, len(mean) - 1) * g_scale, "-", lw=1.4, color=colour)
    left.axhline(0.0, color="#999999", lw=0.8, zorder=1)
    left.set_xlabel(f"conductance before the pulse [{g_unit}S]")
    left.set_ylabel(f"change by the pulse [{d_unit}S]")
    left.legend(fontsize=8, frameon=False)
    right.set_xlabel("pulse")
    right.set_ylabel(f"conductance [{g_unit}S]")
    right.xaxis.get_major_locator().set_params(integer=True)
    left.set_title("points: measured; lines: preset, dotted where no step was measured", fontsize=9)
    right.set_title("points: measured; lines: preset", fontsize=9)
    return figure

