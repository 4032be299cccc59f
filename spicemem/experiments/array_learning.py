"""Arrays that learn and remember: a perceptron trained in place, a reservoir of fading devices, targets written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from spicemem.circuit import Circuit
from spicemem.circuits.crossbar import Crossbar, Line, crossbar
from spicemem.circuits.transistor_cells import cell_1t1r
from spicemem.curve import Column, Curve
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.devices.transistor import NFET
from spicemem.devices.wox import WOx
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment
from spicemem.experiments.panels import drawn
from spicemem.maps import Map
from spicemem.model import Param
from spicemem.protocols.array import Access, Ramp, Run, bias, driven, multiply, transient, write_verify
from spicemem.protocols.array_cells import conductances
from spicemem.protocols.pool import map_runs
from spicemem.spread import Distribution, Lognormal, generator
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FUTURE = "Sun et al., The Future of Memristors, doi:10.1002/adfm.202006773"
REVIEW = "memory-device-physics-review (Ielmini et al. 2021)"
#: The analogue stack of the crossbars, 10 to 100 uS (Table 1 of Sun et al., ref. 73).
STACK = "pt_ti_al2o3_tiox_pt_ta"


def _sampled(device: InterfaceRRAM | WOx, shape: tuple[int, int], seed: int, spread: Mapping[str, Distribution],
             prefix: str = "") -> dict[str, Array]:
    """Parameters that differ from cell to cell, as `crossbar(values=)` takes them."""
    drawn = device.sample(shape[0] * shape[1], seed, spread)
    return {prefix + name: np.array([d.values[name] for d in drawn]).reshape(shape) for name in spread}


def _levels(levels: Array, width: float, edge: float) -> list[Waveform | float]:
    """A waveform for each line (rows of `levels`, V by slot): a slot each `width`, all lines going over together.

    The voltage of a cell is always between those of two neighbouring slots: no pulse comes about on the way.
    """
    slots = levels.shape[1]
    starts = width * np.arange(slots)
    times = np.r_[np.stack([starts + edge, starts + width], axis=1).ravel(), slots * width + edge]
    return [Waveform(np.r_[0.0, times], np.r_[0.0, np.repeat(line, 2), 0.0]) if line.any() else 0.0 for line in levels]


# --- perceptron -----------------------------------------------------------------------------------------------------

#: z, v, n (recalled from Prezioso et al., Nature 521, 61 (2015), not re-read), row by row.
IMAGES = {"z": "110010011", "v": "101101010", "n": "010101101"}
INPUTS, OUTPUTS, EPOCHS = 10, 3, 60
#: V of a pixel; 1/A in tanh(BETA*I); what the neurons shall say.
READ, BETA, GOAL = 0.1, 2e5, 0.85
#: V and s of a writing pulse, half of it at each line; share of the seeds that have to converge.
VOLTS, WIDTH, SHARE = 1.13, 1e-6, 0.9
#: Cells differ by 30 % in what a pulse does; starts of 18 to 34 uS, drawn.
UNLIKE = {**InterfaceRRAM.spread, "k_p": Lognormal(0.3), "k_n": Lognormal(0.3)}
START = (0.25, 0.55)


def patterns() -> tuple[Array, NDArray[np.int64]]:
    """The 30 inputs (-1 and 1: 9 pixels, dark is 1; bias) and their classes: 3 images, and each pixel flipped."""
    inputs, classes = [], []
    for k, image in enumerate(IMAGES.values()):
        dark = np.array([1.0 if c == "1" else -1.0 for c in image])
        for flip in range(-1, dark.size):
            inputs.append(np.r_[np.where(np.arange(dark.size) == flip, -dark, dark), 1.0])
            classes.append(k)
    return np.array(inputs), np.array(classes)


def errors(amps: Array, classes: NDArray[np.int64]) -> Array:
    """What the delta rule sums for each output of each pattern: (goal - f)*f', f = tanh(BETA*I), patterns by outputs.

    amps: A, differences of the columns' currents.
    """
    f = np.tanh(BETA * amps)
    goals = np.where(np.arange(amps.shape[1]) == classes[:, None], GOAL, -GOAL)
    return np.asarray((goals - f) * (1 - f**2))


def updates(signs: Array, volts: float = VOLTS) -> dict[str, Waveform | float]:
    """Waves (V by port) that move each weight (inputs by outputs) by one pulse up (1), down (-1) or not at all (0).

    A column after the other, first its cells that go up, then those that go down: the column at half of the voltage,
    the rows of these cells at the other half, all other lines at 0 V. The + column of a weight goes up where the weight
    shall, the - column down.
    """
    columns = 2 * signs.shape[1]
    rows = np.zeros((len(signs), 2 * columns))
    cols = np.zeros((columns, 2 * columns))
    for c in range(columns):
        wanted = signs[:, c // 2] * (1 if c % 2 == 0 else -1)
        for slot, way in ((2 * c, 1), (2 * c + 1, -1)):
            if (wanted == way).any():
                rows[wanted == way, slot] = way * volts / 2
                cols[c, slot] = -way * volts / 2
    waves = {f"wl{i}": w for i, w in enumerate(_levels(rows, WIDTH, WIDTH / 200))}
    return waves | {f"bl{j}": w for j, w in enumerate(_levels(cols, WIDTH, WIDTH / 200))}


@dataclass(frozen=True, eq=False)
class Training:
    """A perceptron trained: patterns that are right before each epoch, S of the cells before, after the first epoch and
    at the end, first signs asked for, A of the outputs at the end (patterns by outputs), warnings."""

    right: list[int]
    siemens: tuple[Array, Array, Array]
    signs: Array
    amps: Array
    warnings: tuple[str, ...]


def train(engine: Engine, seed: int, volts: float = VOLTS) -> Training:
    """Train a 10x6 crossbar by Manhattan updates, in the simulator, until all 30 patterns are right or 60 epochs."""
    device = InterfaceRRAM.preset(STACK)
    values = _sampled(device, (INPUTS, 2 * OUTPUTS), seed, UNLIKE)
    values["x_init"] = generator(seed, "perceptron").uniform(*START, (INPUTS, 2 * OUTPUTS))
    x = crossbar(INPUTS, 2 * OUTPUTS, device, values=values, name="perceptron")
    inputs, classes = patterns()
    state: Mapping[str, float] | None = None
    right: list[int] = []
    siemens, warnings, first = [conductances(x).values], list[str](), np.zeros((INPUTS, OUTPUTS))
    stop = WIDTH * (4 * OUTPUTS + 1)
    while True:
        out = multiply(x, READ * inputs, engine=engine, initial=state)["i_bl"].values
        amps = out[:, 0::2] - out[:, 1::2]
        right.append(int((amps.argmax(axis=1) == classes).sum()))
        if right[-1] == len(classes) or len(right) > EPOCHS:
            break
        signs = np.sign(inputs.T @ errors(amps, classes))
        run = transient(x, updates(signs, volts), stop, engine=engine, initial=state, times=[stop], max_step=WIDTH / 3)
        state = run.final
        warnings += run.warnings
        if len(siemens) == 1:
            siemens.append(run.data["conductance"].values[-1])
            first = signs
    final = conductances(x, state).values
    return Training(right, (siemens[0], siemens[-1], final), first, amps, tuple(dict.fromkeys(warnings)))


def _perceptron(context: Context) -> None:
    outcome = context.outcome
    count = 3 if context.quick else 20
    base = int(context.values["seed"])
    found = map_runs(partial(train, context.engine, volts=context.values["volts"]), range(base, base + count),
                     context.engine, context.executor, context.progress, "seeds")
    epochs = np.array([len(t.right) - 1 for t in found])
    done = np.array([t.right[-1] == len(patterns()[1]) for t in found])
    need = int(np.ceil(SHARE * count))
    # In the first epoch every one of the 60 cells has to move the way it was asked to.
    moved = [np.sign(t.siemens[1] - t.siemens[0]) == np.stack([t.signs, -t.signs], axis=2).reshape(t.siemens[0].shape)
             for t in found]
    as_asked = sum(int(m.sum()) for m in moved), sum(m.size for m in moved)
    outcome.score("perceptron-classify", f"all {len(patterns()[1])} patterns for {done.sum()} of {count} seeds (at "
                  f"least {need} wanted), after {epochs[done].mean() if done.any() else np.nan:.1f} epochs on average, "
                  f"{epochs[done].max(initial=0)} at most; {as_asked[0]} of {as_asked[1]} cells went the way of "
                  "their first pulse", bool(done.sum() >= need and as_asked[0] == as_asked[1]))
    if context.quick:
        outcome.remarks.append(f"quick: {count} seeds instead of 20, {need} of them (90 %, rounded up) to converge")
    margins = [_margin(t.amps) for t in found]
    outcome.remarks.append(
        f"training ends with the first epoch in which all are right; the largest output is then at least "
        f"{engineering(min(margins), 'A')} (seed by seed: to {engineering(max(margins), 'A')}) above the next")
    outcome.remarks.append(
        f"chosen: pulses of {context.values['volts']} V and {engineering(WIDTH, 's')} in the V/2 scheme, column by "
        "column, the stack of Table 1, ref. 73, 30 % spread of its rates, ideal wires; letters recalled")
    outcome.remarks += sorted({w for t in found for w in t.warnings})
    longest = int(epochs.max())
    wrong = len(patterns()[1]) - np.array([t.right + [t.right[-1]] * (longest + 1 - len(t.right)) for t in found])
    axis = np.arange(longest + 1.0)
    protocol = "operating points of 30 patterns, then Manhattan pulses at all cells, in one transient an epoch"
    curve = Curve(axis, wrong.mean(axis=0), "epoch", "1", "patterns that are wrong", "1", name="training",
                  columns={f"seed_{base + k}": Column(w.astype(float), "1", f"seed {base + k}")
                           for k, w in enumerate(wrong)},
                  provenance=context.provenance(protocol, device="interface_rram", preset=STACK))
    one = found[0]
    cells = [Map(np.arange(2.0 * OUTPUTS), np.arange(float(INPUTS)), g, "column", "1", "row", "1", "conductance", "S",
                 name, provenance=curve.provenance)
             for name, g in (("before", one.siemens[0]), ("after", one.siemens[2]))]
    number = np.arange(1.0, len(one.amps) + 1)
    outputs = [Curve(number, one.amps[:, k], "pattern", "1", "output current", "A", name=f"output-{letter}",
                     provenance=curve.provenance) for k, letter in enumerate(IMAGES)]
    outcome.keep(curve, *(m.to_curve() for m in cells), *outputs)

    def learning(ax: Any) -> None:
        for row in wrong:
            ax.plot(axis, row, color="0.75", linewidth=0.8)
        curve.plot(ax, label=f"mean of {count} seeds")
        ax.plot([], [], color="0.75", linewidth=0.8, label="each seed")
        ax.legend(frameon=False)

    def answers(ax: Any) -> None:
        for c, letter, mark in zip(outputs, IMAGES, "osv", strict=True):
            ax.plot(c.x, 1e6 * c.y, mark, markersize=4.5, label=letter)
        for k in (10.5, 20.5):
            ax.axvline(k, color="0.8", linewidth=0.8)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.18 * (high - low))
        ax.legend(title="output", ncols=3, frameon=False, loc="upper center", fontsize=9, title_fontsize=9)
        ax.set_xlabel("Pattern: 10 of z, 10 of v, 10 of n", fontsize=11)
        ax.set_ylabel("Output current (µA)", fontsize=11)

    outcome.figures["perceptron"] = drawn([
        ("Training in the array", learning), (f"Cells after training, seed {base}", _matrix(cells[1])),
        (f"Answers after {len(one.right) - 1} epochs, seed {base}", answers)])


def _margin(scores: Array) -> float:
    """The least distance, over patterns, of the largest output from the next."""
    ordered = np.sort(scores, axis=1)
    return float((ordered[:, -1] - ordered[:, -2]).min())


def _matrix(shown: Map, x_ticks: Sequence[str] = (), y_ticks: Sequence[str] = ()) -> Callable[[Any], None]:
    """A map with its first row at the top, every row and column named."""
    def draw(ax: Any) -> None:
        shown.plot(ax)
        ax.invert_yaxis()
        for axis, places, ticks in ((ax.xaxis, shown.x, x_ticks), (ax.yaxis, shown.y, y_ticks)):
            if ticks or len(places) <= 10:
                axis.set_ticks(places, labels=ticks or [f"{v:g}" for v in places])
    return draw


# --- reservoir ------------------------------------------------------------------------------------------------------

#: The digits 0 to 9 in 5x4 pixels; the font is ours, the review prints none but its 2.
DIGITS = (
    "1111 1001 1001 1001 1111", "0010 0110 0010 0010 0111", "1111 0001 1111 1000 1111", "1111 0001 0111 0001 1111",
    "1001 1001 1111 0001 0001", "1111 1000 1111 0001 1111", "1000 1000 1111 1001 1111", "1111 0001 0010 0100 0100",
    "1111 1001 1111 1001 1111", "1111 1001 1111 0001 0001",
)
LINES, FRAMES = 5, 4
#: V, s, s: a pixel's pulse and its frame. V: of the reading. Relative noise of a reading; draws of it.
PULSE, LASTS, FRAME, SENSE = 1.5, 1e-3, 20e-3, 0.3
NOISE, DRAWS, ENOUGH = 0.05, 100, 90
#: Weight of the squares of the readout's weights in its loss (chosen).
DECAY = 1e-4


def streams(digit: int) -> dict[str, Waveform | float]:
    """Waves (V) by word line: the rows of a digit, a pulse in the frame of every dark pixel."""
    waves: dict[str, Waveform | float] = {}
    edge = LASTS / 50
    for k, row in enumerate(DIGITS[digit].split()):
        points = [(0.0, 0.0)]
        for frame in (n for n, c in enumerate(row) if c == "1"):
            t = frame * FRAME + edge
            points += [(t, 0.0), (t + edge, PULSE), (t + LASTS - edge, PULSE), (t + LASTS, 0.0)]
        waves[f"wl{k}"] = Waveform.points(*points) if len(points) > 1 else 0.0
    return waves


def _reservoir_array(seed: int) -> Crossbar:
    """Five WOx devices that differ as the model declares, on word lines of their own, with lines for read noise."""
    device = WOx.preset("du_2017")
    return crossbar(LINES, 1, device, ports={"p": "wl", "n": "bl", "read_noise": "noise"}, along={"noise": "row"},
                    values=_sampled(device, (LINES, 1), seed, WOx.spread), name="reservoir")


def respond(engine: Engine, seed: int, noise: float, digit: int) -> tuple[Array, Run]:
    """S read at the five devices after the stream of a digit: without noise, then DRAWS times with it (draws by 5)."""
    x = _reservoir_array(seed)
    stop = FRAMES * FRAME
    run = transient(x, streams(digit), stop, engine=engine, max_step=LASTS / 5, times=np.linspace(0, stop, 321))
    drawn = noise * generator(seed, "read noise", digit).normal(size=(DRAWS, LINES))
    drawn = np.vstack([np.zeros(LINES), drawn])
    lines = range(LINES)
    result = engine.sweep(driven(x, {"wl": SENSE}), {
        **{f"v_wl{k}": [SENSE] * len(drawn) for k in lines}, **{f"v_noise{k}": drawn[:, k].tolist() for k in lines},
    }, initial=run.final, save=[f"i(v_wl{k})" for k in lines])
    return np.stack([-result[f"i(v_wl{k})"] / SENSE for k in lines], axis=-1), run


@dataclass(frozen=True, eq=False)
class Readout:
    """Linear, then softmax: weights (inputs by outputs, 1/S) and biases."""

    weights: Array
    biases: Array

    def probabilities(self, siemens: Array) -> Array:
        """Of the outputs (last axis), for the five conductances (last axis, S)."""
        z = siemens @ self.weights + self.biases
        return np.asarray(np.exp(z - logsumexp(z, axis=-1, keepdims=True)))


def train_readout(siemens: Array) -> Readout:
    """Softmax regression of the digits on their conductances (10 by 5, S): cross entropy plus DECAY times squares.

    Squares of the weights of conductances with their mean taken off, in units of their standard deviation by device.
    """
    digits, inputs = siemens.shape
    middle, scale = siemens.mean(axis=0), siemens.std(axis=0)
    x, one = np.c_[(siemens - middle) / scale, np.ones(digits)], np.eye(digits)

    def loss(flat: Array) -> tuple[float, Array]:
        w = flat.reshape(inputs + 1, digits)
        z = x @ w
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
        value = -np.log(np.diag(p) + 1e-300).mean() + DECAY * (w**2).sum()
        return float(value), ((x.T @ (p - one)) / digits + 2 * DECAY * w).ravel()

    w = minimize(loss, np.zeros((inputs + 1) * digits), jac=True, method="L-BFGS-B",
                 options={"maxiter": 2000, "maxcor": 50}).x.reshape(inputs + 1, digits)
    weights = w[:-1] / scale[:, None]
    return Readout(weights, w[-1] - middle @ weights)


def _reservoir(context: Context) -> None:
    outcome = context.outcome
    seed, noise = int(context.values["seed"]), context.values["noise"]
    found = map_runs(partial(respond, context.engine, seed, noise), range(len(DIGITS)), context.engine,
                     context.executor, context.progress, "digits")
    siemens = np.array([g for g, _ in found])  # digits, 1 + draws, devices
    clean = siemens[:, 0]
    readout = train_readout(clean)
    p = readout.probabilities(clean)
    truth = np.arange(len(DIGITS))
    right = int((p.argmax(axis=1) == truth).sum())
    least = float(p[truth, truth].min())
    others = np.where(np.eye(len(DIGITS), dtype=bool), 0, p).max(axis=1)
    margin = float((p[truth, truth] - others).min())
    answers = readout.probabilities(siemens[:, 1:]).argmax(axis=2)  # digits by draws
    whole = int((answers == truth[:, None]).all(axis=0).sum())
    measured = float((siemens[:, 1:] / clean[:, None]).std())
    outcome.score("reservoir-digits", f"{right} of {len(DIGITS)} digits, least probability {least:.3f}, {margin:.3f} "
                  f"above the next; with {100 * measured:.2f} % read noise all ten in {whole} of {DRAWS} draws",
                  bool(right == len(DIGITS) and margin > 0 and whole >= ENOUGH and measured > 0.95 * NOISE))
    # The nearest two digits, each device's difference in units of its noise.
    gaps = np.array([[np.sqrt(((np.log(a / b) / NOISE) ** 2).sum()) for b in clean] for a in clean])
    gaps[truth, truth] = np.inf
    a, b = np.unravel_index(gaps.argmin(), gaps.shape)
    outcome.remarks.append(f"digits by themselves with noise: {100 * float((answers == truth[:, None]).mean()):.1f} % "
                           f"right; the nearest two are {min(a, b)} and {max(a, b)}, {gaps.min():.1f} times the noise "
                           f"of a reading apart; conductances from {engineering(float(clean.min()), 'S')} to "
                           f"{engineering(float(clean.max()), 'S')}")
    outcome.remarks.append("chosen: font, five devices with the spread that the model declares, softmax readout "
                           f"trained on readings without noise, read at {SENSE} V at the end of the last frame; noise "
                           "enters the simulator through the devices' read_noise inputs")
    outcome.remarks += sorted({w for _, run in found for w in run.warnings})
    protocol = f"rows of 4 pulses of {PULSE} V and {engineering(LASTS, 's')} in frames of {engineering(FRAME, 's')}"
    about = context.provenance(protocol, device="wox", preset="du_2017")
    shown = found[2][1].data
    times = shown["time"].values
    traces = [Curve(times, shown["conductance"].values[:, k, 0], "time", "s", "conductance", "S", name=f"row-{k + 1}",
                    provenance={**about, "digit": "2"}) for k in range(LINES)]
    table = Map(np.arange(1.0, LINES + 1), truth.astype(float), clean, "device", "1", "digit", "1",
                "conductance that is read", "S", "conductances", provenance=about)
    chances = Map(truth.astype(float), truth.astype(float), p, "output", "1", "digit", "1", "probability", "1",
                  "probabilities", provenance=about)
    outcome.keep(*traces, table.to_curve(), chances.to_curve())

    def streamed(ax: Any) -> None:
        step = 1.15 * max(float(c.y.max()) for c in traces)
        for k, c in enumerate(traces):
            row = DIGITS[2].split()[k].replace("1", "■").replace("0", "□")
            ax.plot(1e3 * c.x, 1e6 * (c.y + (LINES - 1 - k) * step))
            ax.text(1.0, 1e6 * ((LINES - 1 - k) * step + 0.72 * step), f"row {k + 1}  {row}", fontsize=9)
        ax.set_xlabel("Time (ms)", fontsize=11)
        ax.set_ylabel("Conductance, each row moved up (µS)", fontsize=11)
        ax.set_ylim(None, 1e6 * LINES * step)

    outcome.figures["reservoir"] = drawn([
        ("Digit 2, a device for each row", streamed), ("What is read after the last frame", _matrix(table)),
        (f"Readout: {right} of {len(DIGITS)}", _matrix(chances))])


# --- write-verify-array ---------------------------------------------------------------------------------------------

SIDE, SMALL, SEGMENT = 32, 5, 1.0
#: S: targets, uniform; converted share at the start, uniform too.
TARGETS, ANYWHERE = (20e-6, 50e-6), (0.3, 0.7)
UP, DOWN, TRY = Ramp(1.15, 0.025, 1.4), Ramp(-1.15, -0.025, -1.4), 1e-6
#: Relative error at which writing stops, below that of the criterion; shares of the criterion.
STOP_AT, WITHIN, MOST, DISTURB = 0.045, 0.05, 0.99, 0.01
GATE = Access("bl", "sl", "wl", 3.0)


def _cells(side: int, seed: int) -> dict[str, Array]:
    """Parameters of the devices of a square array, and where they start."""
    values = _sampled(InterfaceRRAM.preset(STACK), (side, side), seed, InterfaceRRAM.spread, "syn.")
    values["syn.x_init"] = generator(seed, "starts").uniform(*ANYWHERE, (side, side))
    return values


def _cell(vt0: float) -> Circuit:
    return cell_1t1r(InterfaceRRAM.preset(STACK), NFET(vt0=vt0))


def row_alone(values: Mapping[str, Array], vt0: float, row: int) -> Crossbar:
    """One row of the square array and all wires that lead to it.

    Gates keep the cells of the other rows out, so that a column is the row's distance from its end in series.
    """
    side = len(values["syn.x_init"])
    column = Line(SEGMENT, driver=SEGMENT * (side - 1 - row))
    return crossbar(1, side, _cell(vt0), wires={"wl": Line(SEGMENT), "bl": column, "sl": column},
                    values={name: v[row:row + 1] for name, v in values.items()})


def _write_row(engine: Engine, values: Mapping[str, Array], vt0: float, targets: Array, pulses: int, row: int) -> Run:
    return write_verify(row_alone(values, vt0, row), targets[row:row + 1], up=UP, down=DOWN, width=TRY,
                        tolerance=STOP_AT, pulses=pulses, engine=engine, access=GATE)


def hardest_pulse(engine: Engine, x: Crossbar, row: int, initial: Mapping[str, float], access: Access = GATE
                  ) -> tuple[Array, Run]:
    """Relative change of every cell by one pulse at every other cell of a row, in the whole array.

    Selected cells take turns: up and down, at the largest voltages that writing may use.
    """
    levels = {line: access.opened for line in [x.lines("wl")[row]]}
    for first, volts in ((0, UP.most), (2, DOWN.most)):
        chosen = list(range(first, x.cols, 4))
        levels |= {k: v for k, v in bias(x, row, chosen, volts, "gated", access)[0].items() if v}
    edge = TRY / 50
    waves: dict[str, Waveform | float] = {}
    for port, volts in levels.items():
        early = 0.0 if port.startswith("wl") else edge
        waves[port] = Waveform.points((0, 0), (edge + early, 0), (2 * edge + early, volts),
                                      (TRY + 3 * edge - early, volts), (TRY + 4 * edge - early, 0))
    stop = TRY + 5 * edge
    run = transient(x, waves, stop, engine=engine, access=access, initial=initial, times=[0.0, stop], max_step=TRY / 10)
    before, after = run.data["conductance"].values
    return after / before - 1, run


def _write_verify_array(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    seed, side = int(context.values["seed"]), SMALL if context.quick else SIDE
    vt0 = context.values["vt0"]
    values = _cells(side, seed)
    targets = generator(seed, "targets").uniform(*TARGETS, (side, side))
    work = partial(_write_row, engine, values, vt0, targets, int(context.values["pulses"]))
    rows = map_runs(work, range(side), engine, context.executor, context.progress, "rows")
    siemens = np.vstack([run.data["conductance"].values for run in rows])
    used = np.vstack([run.data["pulses"].values for run in rows])
    x = crossbar(side, side, _cell(vt0), wires=Line(SEGMENT), values=values, name="array")
    final = {f"cell_{i}_{name.removeprefix('cell_0_')}": v for i, run in enumerate(rows) for name, v in
             run.final.items() if name.startswith("cell_0_")}
    written = conductances(x, final).values
    row = side // 2
    change, pulse = hardest_pulse(engine, x, row, final)
    selected = np.zeros((side, side), dtype=bool)
    selected[row, ::2] = True
    disturb = float(np.abs(change[~selected]).max())
    # Every pulse at another row is one more for a cell of the column, and every one at its row for its neighbours.
    exposed = float(used.sum(axis=0).max())
    cumulated = disturb * exposed
    error = np.abs(written / targets - 1)
    good = int((error <= WITHIN).sum())
    moved = float(np.abs(change[selected]).min())
    outcome.score("write-verify-array-targets", f"{good} of {side * side} cells within 5 % "
                  f"({100 * good / error.size:.2f} %), largest error {100 * error.max():.1f} %; cells that are "
                  f"not selected are moved by {_percent(disturb)} by a pulse, by {_percent(cumulated)} by "
                  f"{exposed:.0f} of them",
                  bool(good >= MOST * error.size and cumulated < DISTURB and moved > 10 * disturb
                       and np.array_equal(siemens, written)))
    if context.quick:
        outcome.remarks.append(f"quick: {side}x{side} cells instead of {SIDE}x{SIDE}, by the same criterion")
    tries = used.max(axis=1)
    outcome.remarks.append(f"pulses: {used.mean():.1f} for a cell on average, {used.max():.0f} at most; a row takes "
                           f"{tries.mean():.1f}; the selected cells of the disturb pulse move by "
                           f"{100 * moved:.1f} % and more")
    outcome.remarks.append(
        f"chosen: 1T1R cells of the stack of Table 1, ref. 73, with the spread it declares, targets "
        f"{engineering(TARGETS[0], 'S')} to {engineering(TARGETS[1], 'S')}, ramps from {UP.start} V by {UP.step} V, "
        f"pulses of {engineering(TRY, 's')}, {SEGMENT:g} Ohm segments; rows are written with the others' gates closed, "
        "so apart from each other; the disturbance is that of the whole array")
    outcome.remarks += sorted({w for run in (*rows, pulse) for w in run.warnings})
    about = context.provenance("write and verify, row by row, states read", device="interface_rram", preset=STACK)
    order = np.argsort(targets.ravel())
    scatter = Curve(targets.ravel()[order], written.ravel()[order], "target", "S", "conductance", "S", name="written",
                    columns={"start": Column(conductances(x).values.ravel()[order], "S", "before"),
                             "pulses": Column(used.ravel()[order], "1", "pulses"),
                             "error": Column(100 * (written / targets - 1).ravel()[order], "%", "error")},
                    provenance=about)
    shown = Map(np.arange(float(side)), np.arange(float(side)), 100 * change, "column", "1", "row", "1",
                "change of conductance", "%", "disturb", provenance=about)
    outcome.keep(scatter, shown.to_curve())
    outcome.figures["written"] = _written(scatter, shown, row)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share > 1e-11 else "less than 1e-9 %"


def _written(scatter: Curve, shown: Map, row: int) -> Figure:
    def points(ax: Any) -> None:
        ax.plot(1e6 * scatter.x, 1e6 * scatter.columns["start"].values, ".", color="0.8", markersize=3, label="before")
        ax.plot(1e6 * scatter.x, 1e6 * scatter.y, ".", markersize=3, label="written")
        for share in (1 - WITHIN, 1 + WITHIN):
            ax.plot(1e6 * scatter.x, 1e6 * share * scatter.x, "k--", linewidth=0.8,
                    label="±5 %" if share < 1 else None)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.1 * (high - low))
        ax.legend(frameon=False, fontsize=9, ncols=3, loc="upper left", markerscale=2.5)
        ax.set_xlabel("Target (µS)", fontsize=11)
        ax.set_ylabel("Conductance (µS)", fontsize=11)

    def histogram(ax: Any) -> None:
        ax.hist(scatter.columns["error"].values, bins=np.linspace(-6, 6, 49))
        for limit in (-5, 5):
            ax.axvline(limit, color="k", linestyle="--", linewidth=0.8)
        ax.set_xlabel("Error (%)", fontsize=11)
        ax.set_ylabel("Cells", fontsize=11)

    return drawn([(f"{len(scatter.x)} cells", points), ("Their errors", histogram),
                    (f"A pulse at every other cell of row {row}", _matrix(shown))])


SEED = Param(1, "1", "seed of all draws", low=0, high=2**31, source="chosen")
EXPERIMENTS = (
    Experiment("perceptron", "A perceptron of 30 differential pairs trained in its crossbar (Fig. 20)", FUTURE,
               _perceptron, {"seed": Param(1, "1", "first seed", low=0, high=2**31, source="chosen"),
                             "volts": Param(VOLTS, "V", "of a writing pulse", low=0.1, high=2.0, source="chosen")}),
    Experiment("reservoir", "Ten digits from five WOx devices with short-term memory (Fig. 17)", REVIEW, _reservoir,
               {"seed": SEED, "noise": Param(NOISE, "1", "relative read noise", low=0, high=1, source="criterion")}),
    Experiment("write-verify-array", "A 32x32 array written to random targets (Sec. 6)", REVIEW, _write_verify_array,
               {"seed": SEED, "pulses": Param(60, "1", "pulses a cell at most", low=0, high=1000, source="chosen"),
                "vt0": Param(0.5, "V", "threshold of the transistors", low=-5, high=2, source="that of nfet")}),
)
