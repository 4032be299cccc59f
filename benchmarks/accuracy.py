"""Learning-curve error of every engine against the reference: four forms of STDP, three time scales, 41 delays.

python benchmarks/accuracy.py [--write]: prints a markdown table; --write keeps it beside this file.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from spicemem import __version__
from spicemem.circuit import Circuit
from spicemem.circuits.synapses import divider_gate
from spicemem.curve import Curve
from spicemem.devices.eis import EIS
from spicemem.engines import ENGINES, Engine
from spicemem.engines.reference import ReferenceEngine
from spicemem.errors import SimulationError
from spicemem.experiments.eis import SCALES
from spicemem.experiments.eis_spikes import Form, antisymmetric, delay_grid, gate_tau, ltp_only, symmetric
from spicemem.protocols.stdp import pairing, stdp

SIMULATORS = ("ngspice", "ngspice-osdi", "vacask")
LIMIT = 0.5  # percent of the peak of the lobe
TIGHT = 1e-11


def cases() -> Iterator[tuple[str, Circuit, Form]]:
    """(time scale, cell, pair of spikes): every form at every time scale of the paper."""
    for name, preset, peak, scale, r, sharp in SCALES:
        device = EIS.preset(preset)
        cell, tau = divider_gate(device, r=r), gate_tau(device, r)
        yield name, cell, antisymmetric(device, peak, scale, sharp=sharp, tau=tau)
        yield name, cell, ltp_only(peak, scale)
        yield name, cell, symmetric(peak, scale)
        yield name, cell, antisymmetric(device, peak, scale, gap=0.25, sharp=sharp, tau=tau)


def learning_curve(engine: str | Engine, cell: Circuit, form: Form, points: int, halved: bool = False) -> Curve:
    """The curve of one form; `halved` takes half of the standard maximum step in the pair."""
    step = pairing(cell, pre=form.pre, post=form.post, engine=engine).max_step / (2 if halved else 1)
    grid = delay_grid(form.time_scale, points)
    return stdp(cell, pre=form.pre, post=form.post, delays=grid, engine=engine, max_step=step)


def error(curve: Curve, reference: Curve) -> float:
    """Largest error over the delays, percent of the peak of the reference's lobe."""
    return float(np.abs(curve.relative_error(reference)).max() * 100)


def host() -> str:
    """What the numbers were taken with, one line."""
    parts = [f"{os.cpu_count()} CPUs", f"{platform.system()} {platform.machine()}",
             f"Python {platform.python_version()}", f"spicemem {__version__}"]
    parts += [f"{name} {ENGINES[name].version()}" for name in ("ngspice", "vacask")]
    parts += [f"{name} {version(name)}" for name in ("PySpice", "scikit-sundae", "numpy")]
    return ", ".join(parts)


def need_simulators() -> None:
    """End with one line where a simulator is missing."""
    for name in SIMULATORS:
        found, reason = ENGINES[name].available()
        if not found:
            sys.exit(f"{name}: {reason}")


def finish(lines: list[str], script: str, write: bool) -> None:
    """Print a report and, if asked, keep it beside the script with the ending .md."""
    text = "\n".join(lines) + "\n"
    print(text)
    if write:
        target = Path(script).with_suffix(".md")
        target.write_text(text)
        print(f"wrote {target.name}", file=sys.stderr)


def row(scale: str, cell: Circuit, form: Form, points: int) -> tuple[list[str], dict[str, float]]:
    """Cells of one line of the table, and the errors behind it."""
    reference = learning_curve("reference", cell, form, points)
    lobes = reference.lobes()
    errors: dict[str, float] = {}
    for name in SIMULATORS:
        for halved in (False, True):
            key = f"{name}, half step" if halved else name
            errors[key] = error(learning_curve(name, cell, form, points, halved), reference)
    try:
        tight = learning_curve(ReferenceEngine(rtol=TIGHT), cell, form, points)
        errors["reference"] = error(reference, tight)
        own = f"{errors['reference']:.1e}"
    except SimulationError as failure:
        own = "no run: " + str(failure).splitlines()[0]
    peaks = f"{lobes.positive_peak * 1e9:.3g} / {lobes.negative_peak * 1e9:.3g}"
    pairs = [f"{errors[n]:.4f} ({errors[n + ', half step']:.4f})" for n in SIMULATORS]
    return [scale, form.title, peaks, *pairs, own], errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=41, help="delays of each curve (default 41)")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/accuracy.md")
    options = parser.parse_args()
    need_simulators()
    rows, worst = [], dict.fromkeys(SIMULATORS, 0.0)
    half, own = dict.fromkeys(SIMULATORS, 0.0), 0.0
    for scale, cell, form in cases():
        began = time.perf_counter()
        cells, errors = row(scale, cell, form, options.points)
        rows.append("| " + " | ".join(cells) + " |")
        worst = {n: max(worst[n], errors[n]) for n in SIMULATORS}
        half = {n: max(half[n], errors[f"{n}, half step"]) for n in SIMULATORS}
        own = max(own, errors.get("reference", float("nan")))
        print(f"{rows[-1]}  {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    met = all(v <= LIMIT for v in worst.values())
    finish([
        "# Learning-curve error of the engines", "",
        f"Largest error over {options.points} delays from -2 to 2 time scales, in percent of the peak of the lobe of",
        "the reference. In brackets: with half of the standard maximum step. Last column: the reference at its",
        f"relative tolerance of 1e-9 against itself at {TIGHT:.0e}, the same measure.", "",
        f"Made by `python benchmarks/accuracy.py --write`: {host()}.", "",
        "| time scale | form | peaks +/-, nS | " + " | ".join(f"{n}, %" for n in SIMULATORS) + " | reference, % |",
        "|---|---|---|" + "---|" * (len(SIMULATORS) + 1), *rows,
        "| all | worst | | " + " | ".join(f"**{worst[n]:.4f}** ({half[n]:.4f})" for n in SIMULATORS)
        + f" | {own:.1e} |",
        "", f"Aim: at most {LIMIT} % at every delay: {'met' if met else 'MISSED'}.",
    ], __file__, options.write)


if __name__ == "__main__":
    main()
