"""Crossbars: drops along wires, sneak paths, a convolution, and letters that an array of tunnel junctions remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spicemem.circuit import CurrentSource, Resistor
from spicemem.circuits.crossbar import Crossbar, Line, crossbar
from spicemem.circuits.passive_cells import cell_1s1r, complementary
from spicemem.curve import Column, Curve, Published
from spicemem.devices.vcm import VCM
from spicemem.engines import Engine
from spicemem.experiments.base import Context, Experiment, targets
from spicemem.experiments.panels import drawn
from spicemem.experiments.tunnel_junction import PAPER as JUNCTION_PAPER
from spicemem.experiments.tunnel_junction import READ, SHORT, junction
from spicemem.maps import Map
from spicemem.model import Param
from spicemem.protocols.array import Access, Run, as_map, multiply, read_cell, resolved, transient
from spicemem.protocols.array_cells import Cells, states_for
from spicemem.protocols.pool import map_runs
from spicemem.spread import generator
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
REVIEW = "memory-device-physics-review, Sec. 6"
FUTURE = "Sun et al., The Future of Memristors, doi:10.1002/adfm.202006773"


def _over(curves: Sequence[Curve], labels: Sequence[str], sizes: Sequence[float] = (), yscale: str = "linear",
          **line: Any) -> Callable[[Any], None]:
    """Curves in one panel; sizes: of arrays, a logarithmic axis with just these ticks."""
    def draw(ax: Any) -> None:
        for curve, label in zip(curves, labels, strict=True):
            curve.plot(ax, label=label, xscale="log" if len(sizes) else "linear", yscale=yscale, **line)
        if len(sizes):
            ax.set_xticks(sizes, labels=[f"{n:g}" for n in sizes])
            ax.set_xticks([], minor=True)
    return draw


def _as_matrix(shown: Map) -> Callable[[Any], None]:
    """A map of an array with row 0 at the top, where its word lines are counted from."""
    def draw(ax: Any) -> None:
        shown.plot(ax)
        ax.invert_yaxis()
    return draw


# --- mvm-irdrop -----------------------------------------------------------------------------------------------------

SIZE, AMPS, OHM, VOLTS, SEGMENT = 128, 10e-6, 10e3, 0.1, 1.0
#: Error of a column current that still counts as safe (our choice; the paper only says below 32x32).
SAFE = 0.1


def _ladder(engine: Engine, cell: CurrentSource | Resistor, on: Array | None = None) -> tuple[Array, float]:
    """Drop (V) along one line of 128 cells to each of them, and current (A) into its driven end; ideal columns."""
    values = None if on is None else {"wave": AMPS * on[None, :]}
    line = crossbar(1, SIZE, cell, wires={"wl": Line(SEGMENT)}, values=values)
    data = multiply(line, [VOLTS], engine=engine, outputs=("wl",), maps=True)
    return data["drop_wl"].values[0, 0], -float(data["i_wl"][0, 0])


def _square(size: int, segment: float) -> Crossbar:
    return crossbar(size, size, Resistor(OHM), wires=Line(segment))


def _errors(engine: Engine, job: tuple[int, float]) -> Array:
    """Relative error of each column's current, all cells of a square array of 10 kOhm on, wires in both directions."""
    size, segment = job
    data = multiply(_square(size, segment), np.full(size, VOLTS), engine=engine)
    return np.asarray(1 - data["i_bl"].values[0] * OHM / (size * VOLTS))


def _safe(engine: Engine, known: dict[int, float]) -> int:
    """The largest size whose worst column is within SAFE, at 1 Ohm; known: error by size, which it rises with."""
    while True:
        safe = max((n for n, e in known.items() if e <= SAFE), default=0)
        past = min((n for n, e in known.items() if e > SAFE), default=0)
        if past - safe <= 1 or not safe:
            return safe
        at = np.interp(np.log(SAFE), np.log([known[safe], known[past]]), np.log([safe, past]))
        size = min(max(int(np.exp(at)), safe + 1), past - 1)
        known[size] = float(_errors(engine, (size, SEGMENT)).max())


def _mvm_irdrop(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    half = np.zeros(SIZE)
    half[generator(int(context.values["seed"]), "cells that are on").permutation(SIZE)[:SIZE // 2]] = 1.0
    constant, _ = _ladder(engine, CurrentSource(AMPS))
    _, amps = _ladder(engine, CurrentSource(AMPS), half)
    ohmic, ohmic_amps = _ladder(engine, Resistor(OHM))
    outcome.score("mvm-ir-drop", float(constant[-1]) * 1e3)
    outcome.score("mvm-line-current", amps * 1e6)
    outcome.score("mvm-relative-error", 100 * float(constant[-1]) / VOLTS)
    # A line of N resistors is the discrete cable: 2*cosh(a) = 2 + r*g, exact.
    a = np.arccosh(1 + SEGMENT / OHM / 2)
    cable = VOLTS * (1 - np.cosh(a / 2) / np.cosh(a * (SIZE + 0.5)))
    outcome.remarks.append(
        f"10 kOhm cells instead of constant currents: one line drops {engineering(float(ohmic[-1]), 'V')} (discrete "
        f"cable: {engineering(float(cable), 'V')}) and takes {engineering(ohmic_amps, 'A')}, not "
        f"{engineering(SIZE * AMPS, 'A')}; the printed r*I*N^2/2 is {0.5 * SEGMENT * AMPS * SIZE**2 * 1e3:.1f} mV, "
        f"the ladder r*I*N*(N+1)/2 {0.5 * SEGMENT * AMPS * SIZE * (SIZE + 1) * 1e3:.1f} mV")
    sizes = (16, 32, 40) if context.quick else (8, 16, 32, 64)
    segments = (1.0, 3.0) if context.quick else (0.1, 1.0, 10.0)
    jobs = [(n, r) for r in segments for n in sizes]
    found = map_runs(partial(_errors, engine), jobs, engine, context.executor, context.progress, "size and wire")
    worst = np.array([e.max() for e in found]).reshape(len(segments), len(sizes))
    outcome.score("mvm-safe-tile", _safe(engine, dict(zip(sizes, worst[segments.index(SEGMENT)], strict=True))))
    protocol = f"operating point, all cells at {VOLTS} V, segments of wire in word and bit lines"
    number = np.arange(1.0, SIZE + 1)
    lines = [Curve(number, values, "cell", "1", "drop from the driven end", "V", name=f"line-{name}",
                   provenance=context.provenance(f"one line of {SIZE} cells, 1 Ohm segments"),
                   published=(Published("82 mV", "device-physics review, Sec. 6", x=(float(SIZE),), y=(82e-3,)),)
                   if name == "current" else ()) for name, values in (("current", constant), ("ohmic", ohmic))]
    image = Map(np.array(sizes, dtype=float), np.array(segments), 100 * worst, "rows and columns", "1",
                "segment resistance", "Ohm", "largest error of a column", "%", "error-map",
                provenance=context.provenance(protocol))
    outcome.keep(*lines, image.to_curve())
    top = sizes[-1] if context.quick else SIZE
    data = multiply(_square(top, SEGMENT), np.full(top, VOLTS), engine=engine, maps=True)
    error = 1 - data["i_bl"].values[0] * OHM / (top * VOLTS)
    columns = Curve(np.arange(1.0, top + 1), data["i_bl"].values[0], "column", "1", "current", "A", name="columns",
                    columns={"error": Column(100 * error, "%", "error against ideal")},
                    provenance=context.provenance(protocol))
    cells = as_map(data["v_cell"].isel(vector=0), "v-cell")
    outcome.keep(columns, cells.to_curve())
    outcome.remarks.append(
        f"all {top}x{top} cells of 10 kOhm on: columns carry {engineering(float(columns.y.min()), 'A')} to "
        f"{engineering(float(columns.y.max()), 'A')} instead of {engineering(top * AMPS, 'A')}, errors of "
        f"{100 * error.min():.1f} to {100 * error.max():.1f} %; the largest at 1 Ohm: " + ", ".join(
            f"{100 * e:.1f} % ({n})" for n, e in zip(sizes, worst[segments.index(1.0)], strict=True)))

    def draw_errors(ax: Any) -> None:
        image.plot(ax, xscale="log", yscale="log", log=True)
        ax.set_xticks(sizes, labels=[f"{n}" for n in sizes])
        ax.set_yticks(segments, labels=[f"{r:g}" for r in segments])
        ax.minorticks_off()
        for k, r in enumerate(segments):
            for m, n in enumerate(sizes):
                ax.text(n, r, f"{image.z[k, m]:.2g}", ha="center", va="center", fontsize=8.5,
                        color="black" if image.z[k, m] > 3 else "white")

    outcome.figures["irdrop"] = drawn([
        (f"One line of {SIZE} cells, 1 Ω segments", _over(lines, ["cells of 10 µA", "cells of 10 kΩ at 0.1 V"])),
        ("Worst column, all cells 10 kΩ and on", draw_errors),
        (f"{top}×{top} cells of 10 kΩ, 1 Ω segments", _as_matrix(cells))])


# --- sneak-path -----------------------------------------------------------------------------------------------------

#: Filament of a low cell (5 kOhm) and of a high one (480 kOhm) of the default VCM device.
LOW, HIGH = 0.2, 1e-4
#: V at the cell that is read: 1R, 1S1R (its selector on, that of a cell that sees half of it off), complementary (in
#: the on window of 0.8 to 1.14 V). s: pulse of the complementary reading.
READ_1R, READ_1S1R, READ_CRS, CRS_PULSE = 0.2, 0.6, 0.95, 20e-3
FLOOR = 0.5


def _after_pulse(engine: Engine, stored: tuple[float, float]) -> tuple[float, float]:
    """Filaments of a complementary cell at the end of the pulse that reads it."""
    x = crossbar(1, 1, complementary(), values={"a.x_init": [[stored[0]]], "b.x_init": [[stored[1]]]})
    wave = resolved(Waveform.points((0, 0), (CRS_PULSE / 20, READ_CRS), (CRS_PULSE, READ_CRS)))
    final = transient(x, {"wl0": wave}, CRS_PULSE, engine=engine).final
    return final["cell_0_0.a.x"], final["cell_0_0.b.x"]


def _sneak(engine: Engine, job: tuple[str, int]) -> tuple[float, float]:
    """Current (A) at the bit line of cell (0, 0) in its low and its high state, other lines floating, states held.

    All other cells are low, which is the worst case; complementary ones hold 0, which a positive voltage could turn
    on. A complementary cell is read by a pulse that switches a 0: its filaments are those that the pulse leaves. It
    sees the whole voltage whatever the array, since its lines are driven; the other cells see half of it at most.
    """
    kind, n = job
    found = []
    for low in (True, False):
        states = np.full((n, n), LOW)
        states[0, 0] = LOW if low else HIGH
        if kind == "1R":
            x = crossbar(n, n, VCM(), values={"x_init": states})
            found.append(read_cell(x, 0, 0, READ_1R, engine=engine))
        elif kind == "1S1R":
            x = crossbar(n, n, cell_1s1r(), values={"syn.x_init": states})
            found.append(read_cell(x, 0, 0, READ_1S1R, engine=engine, access=Access("bl", "wl")))
        else:  # a complementary cell that lets current by is a 0, one that does not a 1
            a, b = np.full((n, n), HIGH), np.full((n, n), LOW)
            a[0, 0], b[0, 0] = _after_pulse(engine, (HIGH, LOW) if low else (LOW, HIGH))
            x = crossbar(n, n, complementary(), values={"a.x_init": a, "b.x_init": b})
            found.append(read_cell(x, 0, 0, READ_CRS, engine=engine))
    return found[0], found[1]


def _reach(size: Array, margin: Array) -> float:
    """Size at which the margin falls through FLOOR, linear in the logarithm of size; the last one where it does not."""
    below = np.flatnonzero(margin <= FLOOR)
    if not len(below) or not below[0]:
        return float(size[-1] if not len(below) else 0.0)
    k = slice(below[0] - 1, below[0] + 1)
    return float(np.exp(np.interp(-FLOOR, -margin[k], np.log(size[k]))))


def _sneak_path(context: Context) -> None:
    outcome, rows = context.outcome, targets()
    some = (2, 3, 4, 8, 16) if context.quick else (2, 3, 4, 6, 8, 12, 16, 24, 32)
    sizes = dict.fromkeys(("1R", "1S1R", "complementary"), some)
    jobs = sorted(((kind, n) for kind, ns in sizes.items() for n in ns), key=lambda job: -job[1])
    found = dict(zip(jobs, map_runs(partial(_sneak, context.engine), jobs, context.engine, context.executor,
                                    context.progress, "sizes"), strict=True))
    curves = {}
    for kind, ns in sizes.items():
        low, high = np.array([found[kind, n] for n in ns]).T
        volts = {"1R": READ_1R, "1S1R": READ_1S1R}.get(kind, READ_CRS)
        how = f"end of a pulse of {engineering(CRS_PULSE, 's')}" if kind == "complementary" else "operating point"
        curves[kind] = Curve(np.array(ns, dtype=float), 1 - high / low, "rows and columns", "1", "read margin", "1",
                             name=kind.lower(), columns={"i_low": Column(low, "A", "current of a low cell"),
                                                         "i_high": Column(high, "A", "current of a high cell")},
                             provenance=context.provenance(f"{how}, {volts} V, other lines floating, other cells low",
                                                    device="vcm", selector="miec" if kind == "1S1R" else "none"))
    # Ohmic cells all alike: N-1 in parallel, (N-1)^2, N-1, in series, beside the selected one.
    n = curves["1R"].x
    g = Cells(crossbar(1, 2, VCM(), values={"x_init": [[LOW, HIGH]]})).conductance(voltage=READ_1R)[0]
    path = g[0] / (2 / (n - 1) + 1 / (n - 1) ** 2)
    formula = Curve(n, 1 - (g[1] + path) / (g[0] + path), "rows and columns", "1", "read margin", "1", name="formula",
                    provenance={"protocol": "ohmic cells, closed form"})
    curves["1R"] = replace(curves["1R"], published=(Published("1R, closed form", "ohmic cells, Kirchhoff", x=tuple(n),
                                                              y=tuple(formula.y)),))
    outcome.keep(*curves.values(), formula)
    reach = {kind: _reach(c.x, c.y) for kind, c in curves.items()}
    off = float(np.abs(curves["1R"].y / formula.y - 1).max())
    monotone = all((np.diff(c.y) < 1e-3).all() for c in curves.values())
    falls = curves["1R"].y.min() < FLOOR < curves["1R"].y.max()
    wide = bool(reach["1S1R"] >= 4 * reach["1R"])
    outcome.score("sneak-path-margin", "margin above 0.5 to N = " + ", ".join(
        f"{'' if curves[k].y.min() <= FLOOR else 'at least '}{v:.1f} ({k})" for k, v in reach.items())
        + f"; 1S1R {reach['1S1R'] / reach['1R'] if reach['1R'] else 0:.1f} times the bare array; bare array within "
        f"{100 * off:.2g} % of the closed form", monotone and falls and wide and off < 0.05)
    last = {kind: c for kind, c in curves.items()}
    outcome.remarks.append("margin (I_low - I_high)/I_low at the largest size: " + ", ".join(
        f"{c.y[-1]:.3f} ({kind}, {c.x[-1]:.0f})" for kind, c in last.items())
        + f"; reading voltages {READ_1R}, {READ_1S1R} and {READ_CRS} V are chosen; " + rows["sneak-path-margin"].source)
    spread = [Curve(c.x, c.columns[key].values, "rows and columns", "1", "current", "A", name=f"{kind}-{key}")
              for kind, c in curves.items() for key in ("i_low", "i_high")]
    ticks = [n for n in (2, 4, 8, 16, 32) if n in some]
    outcome.figures["margin"] = drawn([
        ("Worst case, other lines floating", _over([*curves.values()], ["1R", "1S1R", "complementary"], ticks)),
        ("Currents behind it", _over(spread, [f"{kind}, {s}" for kind in curves for s in ("low", "high")], ticks,
                                     "log"))], height=4.6)


# --- conv-array -----------------------------------------------------------------------------------------------------

ROWS, COLUMNS, LEVELS = 128, 16, 32
#: S: window of the cells, 2 to 20 uS (chosen, as arrays of analogue cells have it). V: of an input of 1.
WINDOW, INPUT = (2e-6, 20e-6), 0.2
CHANNELS, KERNEL, PICTURE = 8, 4, 6
FILAMENT = {"g_off": 1e-6}


def _convolution(seed: int) -> tuple[Array, Array]:
    """Kernels (8 of 8 channels by 4x4, -1 to 1) and the patches (0 to 1) of a picture of 8 channels by 6x6.

    The kernels are seeded normal numbers, cut off at 2.5 standard deviations; the picture is what seeded bars look
    like after a rectifier: about half 0.
    """
    draw = generator(seed, "convolution")
    kernels = np.clip(draw.normal(size=(COLUMNS // 2, ROWS)) / 2.5, -1, 1)
    y, x = np.mgrid[:PICTURE, :PICTURE]
    angle, phase = draw.uniform(0, np.pi, CHANNELS), draw.uniform(0, 2 * np.pi, CHANNELS)
    wave = np.sin(1.6 * (np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y)
                  + phase[:, None, None])
    picture = np.maximum(wave + 0.1 * draw.normal(size=wave.shape), 0)
    picture /= picture.max()
    steps = range(PICTURE - KERNEL + 1)
    patches = np.array([picture[:, i:i + KERNEL, j:j + KERNEL].ravel() for i in steps for j in steps])
    return kernels, patches


def _mapped(kernels: Array) -> Array:
    """Conductances (S) of columns +, -, +, -, ... for kernels of -1 to 1, rows by columns, not yet in steps."""
    low, high = WINDOW
    both = np.stack([np.maximum(kernels, 0), np.maximum(-kernels, 0)], axis=1).reshape(COLUMNS, ROWS)
    return np.asarray(low + (high - low) * both.T)


def _weighed(currents: Array) -> Array:
    """Outputs of the kernels from column currents (A): difference of neighbours, in units of weight times input."""
    return np.asarray((currents[:, 0::2] - currents[:, 1::2]) / ((WINDOW[1] - WINDOW[0]) * INPUT))


def _conv_array(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    kernels, patches = _convolution(int(context.values["seed"]))
    wanted = _mapped(kernels)
    step = (WINDOW[1] - WINDOW[0]) / (LEVELS - 1)
    stepped = WINDOW[0] + step * np.round((wanted - WINDOW[0]) / step)
    ideal, states_only = patches @ kernels.T, _weighed(INPUT * patches @ stepped)
    runs = {"resistances": crossbar(ROWS, COLUMNS, Resistor(1e5), wires=Line(SEGMENT), values={"ohm": 1 / stepped})}
    if not context.quick:
        device = VCM(**FILAMENT)
        runs["devices"] = crossbar(ROWS, COLUMNS, device, wires=Line(SEGMENT), values=states_for(device, stepped))
    found = {}
    for done, (name, x) in enumerate(runs.items()):
        context.progress(done, len(runs), "convolution")
        found[name] = multiply(x, INPUT * patches, engine=engine, maps=name == "resistances")
    context.progress(len(runs), len(runs), "convolution")
    outputs = {name: _weighed(data["i_bl"].values) for name, data in found.items()}
    measured = outputs["resistances" if context.quick else "devices"]
    scale = float(np.ptp(ideal))

    def share(a: Array, b: Array) -> float:
        return float(100 * np.sqrt(np.mean((a - b) ** 2)) / scale)

    total, by_states = share(measured, ideal), share(states_only, ideal)
    by_wires, by_device = share(outputs["resistances"], states_only), share(measured, outputs["resistances"])
    gain = float((measured * ideal).sum() / (ideal**2).sum())
    count = len(np.unique(np.round((stepped - WINDOW[0]) / step)))
    words = "cells as resistances" if context.quick else f"cells: filaments, whose curvature adds {by_device:.2f} %"
    outcome.score("conv-array-error", f"{total:.2f} % of full scale ({by_states:.2f} % states, {by_wires:.2f} % "
                  f"wires), {count} states, {words}",
                  bool(total < 5 and by_states > 0 and by_wires > 0 and count == LEVELS))
    drop = float(np.abs(found["resistances"]["drop_bl"]).max())
    outcome.remarks.append(
        f"wires are a loss of gain first: outputs are {gain:.4f} times the ideal ones, and with that corrected "
        f"{share(measured / gain, ideal):.2f} % remain; largest drop along a bit line {engineering(drop, 'V')} at "
        f"inputs up to {INPUT} V")
    outcome.remarks.append(
        f"chosen: {COLUMNS // 2} kernels of {CHANNELS} channels by {KERNEL}x{KERNEL} in differential columns, window "
        f"{engineering(WINDOW[0], 'S')} to {engineering(WINDOW[1], 'S')}, weights and picture seeded; full scale is "
        "the range of the ideal outputs")
    protocol = f"{len(patches)} patches in one run of operating points, 1 Ohm segments"
    order = np.argsort(ideal.ravel())
    scatter = Curve(ideal.ravel()[order], measured.ravel()[order], "ideal output", "1", "output of the array", "1",
                    name="convolution", columns={"states": Column(states_only.ravel()[order], "1", "states alone")},
                    provenance=context.provenance(protocol))
    residue = [Curve(ideal.ravel()[order], 100 * (a - b).ravel()[order] / scale, "ideal output", "1",
                     "error", "%", name=f"error-{name}", provenance=context.provenance(protocol))
               for name, a, b in (("states", states_only, ideal), ("wires", outputs["resistances"], states_only))]
    maps = found["resistances"].isel(vector=int(patches.sum(axis=1).argmax()))
    drops = maps["drop_wl"] - maps["drop_bl"]
    lost = as_map(drops.assign_attrs(units="V", long_name="voltage lost in wires"), "lost")
    outcome.keep(scatter, *residue, lost.to_curve())
    outcome.figures["convolution"] = drawn([
        (f"{COLUMNS // 2} kernels, {len(patches)} patches",
         _over([scatter], ["one output"], linestyle="none", marker="o")),
        ("Error by cause",
         _over(residue, [f"{LEVELS} states", "1 Ω segments"], linestyle="none", marker="o")),
        ("Brightest patch, between driver and cell", _as_matrix(lost))])


# --- otj-letters ----------------------------------------------------------------------------------------------------

SIDE, PULSES = 5, 10
LETTERS = {"C": ("11111", "10000", "10000", "10000", "11111"), "H": ("10001", "10001", "11111", "10001", "10001"),
           "N": ("10001", "11001", "10101", "10011", "10001")}
#: V and s (period) of the trains.
TRAINS = {"C": (0.9, 0.2e-6), "H": (1.5, 0.2e-6), "N": (1.5, 2e-6)}
LATER, WATCHED, _EDGE = 25e-6, 600.0, 1e-9


def pixels(letter: str) -> NDArray[np.bool_]:
    """The 25 pixels of a letter, row by row."""
    return np.array([c == "1" for row in LETTERS[letter] for c in row])


def _junctions(values: Mapping[str, Array] | None = None) -> Crossbar:
    """25 junctions, each with a top electrode of its own (p, lines bl) on one grounded substrate (n, line wl)."""
    return crossbar(1, SIDE**2, junction(), ports={"p": "bl", "n": "wl"}, values=values, name="letters")


def _letter(engine: Engine, job: tuple[str, Mapping[str, Array] | None]) -> tuple[Array, Run]:
    """Currents (A) at 0.1 V of all pixels before, just after the train and 25 us after it (3 by 25)."""
    letter, values = job
    volts, period = TRAINS[letter]
    start = 2 * _EDGE
    # 10 points along a pulse: 0.13 % off at most (25 points: 0.05 %), in half of the time.
    wave = resolved(Waveform.pulse(volts, SHORT, _EDGE, start), 10).repeat(PULSES, period)
    end = start + (PULSES - 1) * period + SHORT
    lit = pixels(letter)
    run = transient(_junctions(values), {f"bl{k}": wave for k in np.flatnonzero(lit)}, end + LATER, engine=engine,
                    access=Access("bl", "wl"), max_step=LATER / 100, times=[0.0, end, end + LATER])
    return READ * run.data["conductance"].values[:, 0], run


def _otj_letters(context: Context) -> None:
    outcome, engine = context.outcome, context.engine
    jobs: list[tuple[str, Mapping[str, Array] | None]] = [(letter, None) for letter in LETTERS]
    if not context.quick:
        sampled = junction().sample(SIDE**2, int(context.values["seed"]))
        spread = {name: np.array([[d.values[name] for d in sampled]]) for name in junction().spread}
        jobs += [(letter, spread) for letter in LETTERS]
    found = map_runs(partial(_letter, engine), jobs, engine, context.executor, context.progress, "letters")
    nominal = dict(zip(LETTERS, found, strict=False))

    def ratios(amps: Array, letter: str) -> Array:
        """Current of the letter's pixels over that of the others, just after and later (2 by pixels)."""
        lit = pixels(letter)
        return np.asarray(amps[1:, lit] / amps[1:, ~lit].mean(axis=1, keepdims=True))

    now = {letter: ratios(amps, letter)[0] for letter, (amps, _) in nominal.items()}
    then = {letter: ratios(amps, letter)[1] for letter, (amps, _) in nominal.items()}
    shown = all(v.min() > 1.5 for v in now.values())
    kept = then["H"].min() > 2 and max(then["C"].max(), then["N"].max()) < 1.2
    outcome.score("letters-forgetting", "; ".join(
        f"{letter} {now[letter].min():.2f}, then {then[letter].min():.3f}" for letter in LETTERS), bool(shown and kept))
    stay = transient(_junctions(), {"bl": READ}, WATCHED, engine=engine, access=Access("bl", "wl"),
                     initial=nominal["H"][1].final, max_step=WATCHED / 200, times=np.linspace(0, WATCHED, 121))
    times, amps = stay.data["time"].values, READ * stay.data["conductance"].values[:, 0, pixels("H")]
    change = np.abs(amps / nominal["H"][0][2, pixels("H")] - 1).max(axis=1)
    gone = np.flatnonzero(change >= 0.1)
    outcome.score("letters-retention", float(times[gone[0]]) if len(gone) else WATCHED)
    outcome.remarks.append(f"in {WATCHED:g} s at {READ} V the pixels of H change by {change.max():.1e} at most; "
                           "25 devices with a top electrode each on one grounded substrate, as in the paper")
    if not context.quick:
        worst = {letter: a[1:, pixels(letter)] / a[:1, pixels(letter)] for letter, (a, _) in
                 zip(LETTERS, found[len(LETTERS):], strict=True)}
        outcome.remarks.append("with the spread between devices that the model declares, each pixel over itself "
                               "before: " + "; ".join(f"{letter} {r[0].min():.2f} to {r[0].max():.2f}, then "
                                                      f"{r[1].min():.2f} to {r[1].max():.2f}"
                                                      for letter, r in worst.items()))
    retention = Curve(times[1:], amps[1:].mean(axis=1), "time", "s", "current at 0.1 V", "A", name="retention-h",
                      columns={"change": Column(100 * change[1:], "%", "largest change of a pixel")},
                      provenance=context.provenance(f"letter H under {READ} V", device="otj", preset="li_2019"),
                      published=(Published("stays for", "Li 2019, Fig. 4h", low=500, high=500, axis="x"),))
    number = np.arange(1.0, SIDE**2 + 1)
    curves = [Curve(number, a[1], "pixel", "1", "current at 0.1 V", "A", name=f"letter-{letter.lower()}", columns={
        "later": Column(a[2], "A", "25 us after the last pulse"), "before": Column(a[0], "A", "before")},
        provenance=context.provenance(f"{PULSES} pulses of {TRAINS[letter][0]} V and 50 ns, period "
                               f"{engineering(TRAINS[letter][1], 's')}", device="otj", preset="li_2019"))
        for letter, (a, _) in nominal.items()]
    outcome.keep(*curves, retention)
    outcome.figures["letters"] = _letters({letter: a for letter, (a, _) in nominal.items()}, retention)


def _letters(amps: Mapping[str, Array], retention: Curve) -> Figure:
    """The letters just after their trains and 25 us later, in one scale of colours, and what is left of H."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(12.0, 4.4), layout="constrained")
    axes = figure.subplot_mosaic("CHN.RR;chn.RR", width_ratios=(1, 1, 1, 0.25, 1.6, 1.6))
    values = 1e9 * np.array(list(amps.values()))
    norm = LogNorm(values.min(), values.max())
    for letter, a in amps.items():
        volts, period = TRAINS[letter]
        for row, key in ((1, letter), (2, letter.lower())):
            ax = axes[key]
            mesh = ax.pcolormesh(1e9 * a[row].reshape(SIDE, SIDE), norm=norm, edgecolors="white", linewidth=0.6)
            ax.set_aspect("equal")
            ax.invert_yaxis()
            ax.set_xticks([])
            ax.set_yticks([])
        axes[letter].set_title(f"{volts} V, {1e-6 / period:g} MHz", fontsize=11)
    axes["C"].set_ylabel("just after", fontsize=11)
    axes["c"].set_ylabel("25 µs later", fontsize=11)
    bar = figure.colorbar(mesh, ax=[axes[k] for k in "CHNchn"], label="Current at 0.1 V (nA)")
    bar.set_ticks([0.6, 1, 2, 4], labels=["0.6", "1", "2", "4"])
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    retention.plot(axes["R"], label="a pixel of H")
    axes["R"].set_ylim(0, 1.4e9 * retention.y.max())
    axes["R"].set_title("What is left of H under 0.1 V", fontsize=11)
    return figure


SEED = Param(1, "1", "seed of all draws", low=0, high=2**31, source="chosen")
EXPERIMENTS = (
    Experiment("mvm-irdrop", "Voltage drop along the wires of a 128x128 array", REVIEW, _mvm_irdrop, {"seed": SEED}),
    Experiment("sneak-path", "Read margin against size for 1R, 1S1R and complementary cells", FUTURE, _sneak_path),
    Experiment("conv-array", "A convolution in 128x16 cells of 32 states", FUTURE, _conv_array, {"seed": SEED}),
    Experiment("otj-letters", "Letters C, H and N in 25 tunnel junctions, remembered and forgotten (Fig. 4)",
               JUNCTION_PAPER, _otj_letters, {"seed": SEED}),
)
