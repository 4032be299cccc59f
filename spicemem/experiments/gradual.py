"""Ielmini et al. 2021: analogue memories under trains of pulses, PCMO with schemes A, B, C and a uniform oxide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spicemem.circuits.synapses import one_device
from spicemem.curve import Curve, Published
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.devices.pcmo import PCMO
from spicemem.engines import Engine
from spicemem.errors import CurveError
from spicemem.experiments.base import Context, Experiment, Table, targets
from spicemem.model import Param
from spicemem.protocols.energy import energy
from spicemem.protocols.ltp import Branch, LtpLtd, Scheme, ltp_ltd, scheme
from spicemem.protocols.pool import map_runs
from spicemem.protocols.pulses import Event, apply
from spicemem.protocols.reading import Reading
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = "Ielmini et al. 2021, Brain-inspired computing via memory device physics, Secs. 2.1 and 5.1"
SHORT = "Ielmini 2021"
PULSES, REST = 30, 1e-3
#: Short and low: at 0 the state of PCMO moves by 4e-6 of a microsecond's reading at 0.05 V (see docs/gradual.md).
READING = Reading(0.05, 1e-6)
UNIFORM = 50
SPIKE = Waveform.pulse(1.0, 50e-9, 0.5e-9)
_BRANCHES: tuple[Branch, Branch] = ("ltp", "ltd")


@dataclass(frozen=True)
class Trains:
    """Potentiation and depression of one scheme."""

    up: Scheme
    down: Scheme
    title: str


def schemes() -> Mapping[str, Trains]:
    """The three schemes on PCMO; the review prints no amplitude and no width: chosen (docs/gradual.md)."""
    return {
        "A": Trains(scheme(PULSES, 0.5, 3e-3), scheme(PULSES, -0.5, 1e-3), "A: identical pulses"),
        "B": Trains(scheme(PULSES, (0.49, 0.57), 1e-3), scheme(PULSES, (-0.03, -0.26), 1e-3), "B: rising amplitude"),
        "C": Trains(scheme(PULSES, 0.5, (0.9e-3, 1.9e-3)), scheme(PULSES, -0.5, (10e-6, 320e-6)), "C: rising width"),
    }


def first_two(curve: LtpLtd, cycle: int) -> float:
    """Share of the range of a depression that its first two pulses cross."""
    y = curve.branch("ltd", cycle).y
    return float((y[0] - y[2]) / np.ptp(y))


def _alpha(curve: LtpLtd, which: Branch, cycle: int) -> float:
    """|alpha| of the exponential law; infinite for a branch too abrupt to be fitted."""
    try:
        return abs(curve.alpha(which, cycle).value)
    except CurveError:
        return float("inf")


def _cycled(engine: Engine, cycles: int, item: tuple[str, Trains]) -> LtpLtd:
    letter, trains = item
    return ltp_ltd(one_device(PCMO.preset("w_pcmo_ti")), trains.up, trains.down, rest=REST, cycles=cycles,
                   engine=engine, reading=READING, name=f"scheme-{letter.lower()}")


def _pcmo_ltp(context: Context) -> None:
    cycles = 1 if context.quick else int(context.values["cycles"])
    trains = schemes()
    curves = dict(zip(trains, map_runs(partial(_cycled, context.engine, cycles), trains.items(), context.engine,
                                       context.executor, context.progress, "schemes"), strict=True))
    context.outcome.keep(*curves.values())
    _score_schemes(context, curves, cycles)
    _uniform(context)


def _score_schemes(context: Context, curves: Mapping[str, LtpLtd], cycles: int) -> None:
    outcome, trains = context.outcome, schemes()
    every = range(1, cycles + 1)
    bend = {key: {b: [c.nonlinearity(b, k) for k in every] for b in _BRANCHES} for key, c in curves.items()}
    alpha = {key: {b: [_alpha(c, b, k) for k in every] for b in _BRANCHES} for key, c in curves.items()}
    smaller = all(of[key][b][k] < of["A"][b][k] for of in (bend, alpha) for key in "BC" for b in _BRANCHES
                  for k in range(cycles))
    abrupt = min(first_two(curves["A"], k) for k in every)
    words = "; ".join(f"{b.upper()} " + ", ".join(f"{key} {max(bend[key][b]):.3f}" for key in curves)
                      for b in _BRANCHES)
    outcome.score("pcmo-schemes", f"largest deviation from a straight line: {words}; two pulses of A's depression "
                  f"cross {100 * abrupt:.0f} % of the range", smaller and abrupt >= 0.5)
    outcome.tables["schemes"] = Table(
        ("scheme", "potentiation", "depression", "nonlinearity LTP", "nonlinearity LTD", "alpha LTP", "alpha LTD",
         "opening", "G max/G min", "states LTP", "states LTD"),
        [(trains[key].title, str(trains[key].up), str(trains[key].down),
          *(f"{bend[key][b][-1]:.3f}" for b in _BRANCHES), *(f"{alpha[key][b][-1]:.2f}" for b in _BRANCHES),
          f"{c.opening():.3f}", f"{c.dynamic_range():.1f}",
          *(str(c.states(b)) for b in _BRANCHES)) for key, c in curves.items()])
    outcome.remarks.append("amplitudes and widths are chosen, the review prints none; nonlinearity is the largest "
                           "deviation from the straight line between a branch's ends, over its range; alpha (of the "
                           "last cycle in the table) agrees in the order")
    outcome.figures["schemes"] = _rows(curves)
    outcome.figures["branches"] = _normalised(curves, cycles)


def _rows(curves: Mapping[str, LtpLtd]) -> Figure:
    """Conductance of each scheme against pulse number, and its pulses below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.2), layout="constrained")
    axes = figure.subplots(2, 3, height_ratios=(2.2, 1), sharex=True)
    for k, (key, curve) in enumerate(curves.items()):
        _plain(curve).plot(axes[0, k], markersize=3)
        axes[0, k].set_title(schemes()[key].title, fontsize=11)
        axes[0, k].set_xlabel("")
        column, label = ("width", "width") if key == "C" else ("volts", "amplitude")
        drawn = curve.columns[column]
        Curve(curve.x[1:], drawn.values[1:], "pulse", "1", label, drawn.unit, name=f"pulses-{key.lower()}").plot(
            axes[1, k], markersize=3, linestyle="none", yscale="log" if key == "C" else "linear")
    figure.align_ylabels()
    return figure


def _plain(curve: LtpLtd) -> Curve:
    return Curve(curve.x, curve.y, "pulse", "1", "conductance", "S", name=curve.name)


def _normalised(curves: Mapping[str, LtpLtd], cycles: int) -> Figure:
    """Both branches of the last cycle, from 0 to 1, all schemes in one panel each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.4, 4.2), layout="constrained")
    for panel, which, title in zip(figure.subplots(1, 2), _BRANCHES, ("Potentiation", "Depression"), strict=True):
        for key, curve in curves.items():
            one = curve.branch(which, cycles)
            Curve(one.x, (one.y - one.y.min()) / np.ptp(one.y), "pulse", "1", "share of the range", "1",
                  name=f"{which}-{key.lower()}").plot(panel, label=schemes()[key].title, markersize=4)
        ends = (0.0, 1.0) if which == "ltp" else (1.0, 0.0)
        panel.plot((0, PULSES), ends, color="#999999", lw=1, ls="--", zorder=1)
        panel.set_title(title, fontsize=11)
    return figure


def _uniform(context: Context) -> None:
    """Rows uniform-conductance and uniform-energy: the gradual oxide that changes over its whole interface."""
    outcome, cell, engine = context.outcome, one_device(InterfaceRRAM.preset("ta_taox_tio2_ti")), context.engine
    up, reading = scheme(UNIFORM, 3.0, 1e-3), Reading(0.1, 1e-3)
    set_ = apply(cell, [up.event(k, "pre", REST) for k in range(UNIFORM)], engine=engine, reading=reading)
    outcome.score("uniform-conductance", float(set_.siemens[-1]) * 1e9)
    spent = energy(cell, {"pre": SPIKE}, 1.2 * SPIKE.duration, engine=engine, initial=set_.final, name="uniform-spike")
    once = apply(cell, [Event({"pre": SPIKE}, REST)], engine=engine, reading=reading, initial=set_.final)
    femto, change = spent.split["syn"] * 1e15, float(once.siemens[0] / once.before - 1)
    outcome.score("uniform-energy", femto, targets()["uniform-energy"].meets(femto) and abs(change) < 0.01)
    curve = replace(ltp_ltd(cell, up, scheme(UNIFORM, -3.0, 1e-3), rest=REST, engine=engine, reading=reading,
                            progress=context.progress, name="uniform"),
                    published=(Published("around", f"{SHORT}, Sec. 2.1", low=100e-9, high=100e-9),))
    outcome.keep(curve, spent)
    outcome.figures["uniform"] = replace(_plain(curve), published=curve.published).plot(
        title=f"Ta/TaOx/TiO2/Ti: {UNIFORM} pulses of 3 V, {UNIFORM} of \u22123 V, 1 ms", markersize=3)
    outcome.remarks.append(f"a spike of 1 V and 50 ns at {set_.siemens[-1] * 1e9:.1f} nS takes {femto:.2f} fJ and "
                           f"changes the conductance by {change:.1e}; the review prints \"10 fA\", read as 10 fJ")
    outcome.remarks.append(f"uniform oxide: nonlinearity {curve.nonlinearity('ltp'):.3f} up and "
                           f"{curve.nonlinearity('ltd'):.3f} down, opening {curve.opening():.3f}, "
                           f"{curve.states('ltp')} and {curve.states('ltd')} states")


EXPERIMENTS = (
    Experiment("pcmo-ltp", "Analogue potentiation and depression: pulse schemes A, B, C; uniform oxide (Figs. 3, 11b)",
               PAPER, _pcmo_ltp, {"cycles": Param(2, "1", "cycles of each scheme", low=1, high=100, source="chosen")}),
)
