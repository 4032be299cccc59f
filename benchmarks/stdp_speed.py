"""Wall time of a 41-point STDP curve beside the same work done the plain way, a loop over PySpice's in-process ngspice.

python benchmarks/stdp_speed.py [--repeats N] [--write]: everything in one run, contenders taking turns.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes.util
import logging
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from accuracy import SIMULATORS, error, finish, host, need_simulators

from spicemem.circuits.synapses import divider_gate
from spicemem.curve import Curve
from spicemem.devices.eis import EIS
from spicemem.engines import ENGINES, process
from spicemem.experiments.eis_spikes import antisymmetric, delay_grid
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import Pairing, pairing, stdp
from spicemem.waveform import Waveform

os.environ.setdefault("NGSPICE_LIBRARY_PATH", ctypes.util.find_library("ngspice") or "libngspice.so.0")
# "Unsupported Ngspice version 46" is harmless; a failed run raises.
logging.getLogger("PySpice").setLevel(logging.ERROR)

from PySpice.Spice.Netlist import Circuit as PySpiceCircuit  # noqa: E402
from PySpice.Spice.NgSpice.Shared import NgSpiceShared  # noqa: E402

DEVICE = EIS.preset("huang_2025_14nm")
CELL = divider_gate(DEVICE)
FORM = antisymmetric(DEVICE, 6.5, 0.1)
AIM_RATIO, AIM_OVERHEAD = 5.0, 20.0
EQUAL = 0.1  # percent: the loose meaning of "equal accuracy"
FIRST_STEP, LAST_STEP = 1e-3, 3.9e-6


# --- the plain way ----------------------------------------------------------------------------------------------------


class Plain:
    """What a PySpice user writes: B sources, the normalised conductance as the node, all vectors kept, no options.

    Two transients for each delay, the pair and then the 20 s with the reading in them, the second from where the
    first ended: `max_step` then has to hold for the pair alone. `whole` takes one transient over everything.
    """

    def __init__(self) -> None:
        self.ngspice = NgSpiceShared.new_instance()
        self.points = 0
        v = DEVICE.values
        self.low, self.window = v["g_min"], v["g_max"] - v["g_min"]
        i_0, charge = v["area"] * v["j_0"], v["area"] * v["q_area"]
        r, wall = CELL.parts["r_pre"][0].ohm, v["wall"]  # type: ignore[union-attr]
        farad = 8.8541878128e-12 * v["eps_r"] * v["area"] / v["t_ysz"]
        self.body = f"""
Rpre pre gate {r!r}
Rpost post gate {r!r}
Cgate gate 0 {farad!r}
Bion ion 0 V={i_0!r}*sinh((v(gate)-v(inner))/{v["e_hop"] * v["t_ysz"]!r})
Bhop gate inner I=v(ion)
Bint inner 0 I={v["k_int"] * i_0!r}*sinh(v(inner)/{v["v_int"]!r})
Brate 0 w I=v(ion)/{charge!r}*(v(ion) > 0 ? tanh((1-v(w))/{wall!r}) : tanh(v(w)/{wall!r}))
Cw w 0 1
Bchannel drain 0 I=({self.low!r}+{self.window!r}*v(w))*v(drain)
"""

    def run(self, w: float, drives: dict[str, Waveform], end: float, max_step: float | None) -> Any:
        """One transient from state w. Without a maximum step ngspice takes its own, a 50th of the whole."""
        circuit = PySpiceCircuit("eis")
        circuit.raw_spice += self.body + f".ic v(w)={w!r}\n"
        for port in ("pre", "post", "drain"):
            circuit.raw_spice += f"V{port} {port} 0 {pwl(drives.get(port))}\n"
        simulator = circuit.simulator(temperature=27, nominal_temperature=27, simulator="ngspice-shared",
                                      ngspice_shared=self.ngspice)
        analysis = simulator.transient(step_time=max_step or end / 50, end_time=end, max_time=max_step,
                                       use_initial_condition=True)
        self.points += len(analysis.time)
        return analysis

    def read(self, w: float, after: float, reading: Reading) -> float:
        """Conductance `after` seconds from now."""
        found = self.run(w, {"drain": reading.pulse(after)}, after + 1.05 * reading.width, None)
        return self.sample(found, after, reading)

    @staticmethod
    def sample(analysis: Any, after: float, reading: Reading) -> float:
        times, at = np.asarray(analysis.time, float), after + 0.8 * reading.width
        current = np.interp(at, times, np.asarray(analysis.branches["vdrain"], float))
        return float(-current / np.interp(at, times, np.asarray(analysis.nodes["drain"], float)))

    def curve(self, p: Pairing, delays: Sequence[float], max_step: float | None, whole: bool = False) -> np.ndarray:
        """dG (S) at every delay."""
        start = (DEVICE.values["g_init"] - self.low) / self.window
        before, changes, self.points = self.read(start, 0.0, p.reading), [], 0
        for delay in delays:
            waves, spike, end = p.waves(float(delay))
            at = spike + p.read_delay
            if whole:
                drives = {**waves, "drain": p.reading.pulse(at)}
                after = self.sample(self.run(start, drives, at + 1.05 * p.reading.width, max_step), at, p.reading)
            else:
                w = float(self.run(start, waves, end, max_step).nodes["w"][-1])
                after = self.read(w, at - end, p.reading)
            changes.append(after - before)
        return np.array(changes)


def pwl(wave: Waveform | None) -> str:
    """A source's value in SPICE, in plain digits: PySpice rounds what goes through its units."""
    if wave is None:
        return "0"
    run = wave.starting_at(0.0)
    return "PWL(" + " ".join(f"{float(t)!r} {float(v)!r}" for t, v in zip(run.times, run.values, strict=True)) + ")"


# --- ours, and the time spent inside the simulator ----------------------------------------------------------------------


class Clock:
    """Time in process.run (start, simulation, log) and, stricter, from a started program to its end."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.calls, self.runs, self.programs = 0, 0.0, 0.0

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        plain_run, plain_popen, clock = process.run, subprocess.Popen, self

        def run(*given: Any, **named: Any) -> tuple[int, str]:
            began = time.perf_counter()
            try:
                return plain_run(*given, **named)
            finally:
                with clock.lock:
                    clock.calls += 1
                    clock.runs += time.perf_counter() - began

        class Popen(plain_popen):  # type: ignore[type-arg, valid-type, misc]
            def __init__(self, *given: Any, **named: Any) -> None:
                super().__init__(*given, **named)
                self.began = time.perf_counter()

            def wait(self, timeout: float | None = None) -> int:
                status = super().wait(timeout)
                with clock.lock:
                    clock.programs += time.perf_counter() - self.began
                return status

        process.run, subprocess.Popen = run, Popen  # type: ignore[misc, assignment]
        try:
            yield
        finally:
            process.run, subprocess.Popen = plain_run, plain_popen  # type: ignore[misc]


def ours(engine: str, grid: np.ndarray, workers: int | None = 1) -> Curve:
    """The curve by spicemem; workers None takes the default executor."""
    pool = None if workers is None else ThreadPoolExecutor(workers)
    try:
        return stdp(CELL, pre=FORM.pre, post=FORM.post, delays=grid, engine=engine, executor=pool)["syn"]
    finally:
        if pool:
            pool.shutdown()


def start_up(times: int = 20) -> float:
    """Median time (s) of an ngspice process that has next to nothing to do."""
    taken = []
    with process.run_folder("start", None) as folder:
        (folder / "e.cir").write_text("* nothing\nV1 a 0 1\nR1 a 0 1\n.op\n.end\n")
        for _ in range(times):
            began = time.perf_counter()
            process.run(["ngspice", "-b", "-n", "e.cir", "-r", "e.raw"], folder, 20.0, "ngspice")
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


# --- the report -------------------------------------------------------------------------------------------------------


def spread(values: Sequence[float], digits: int = 2) -> str:
    """median (min to max)"""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def sweep(plain: Plain, p: Pairing, grid: np.ndarray, reference: Curve, goal: float) -> list[tuple[Any, ...]]:
    """(max step or None, points a pair and reading, error %, s) from the defaults down, halving, until `goal` is met
    and never below LAST_STEP."""
    found: list[tuple[Any, ...]] = []
    step: float | None = None
    while True:
        began = time.perf_counter()
        changes = plain.curve(p, grid, step)
        wall = time.perf_counter() - began
        off = error(replace(reference, y=changes, columns={}), reference)
        found.append((step, plain.points / len(grid), off, wall))
        print(f"plain, maximum step {label(step)}: {off:.4f} %, {wall:.2f} s", file=sys.stderr, flush=True)
        step = FIRST_STEP if step is None else step / 2
        if step < LAST_STEP or (off <= goal and len(found) > 1):
            return found


def label(step: float | None) -> str:
    return "its own" if step is None else f"{step * 1e6:.3g} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=41, help="delays of the curve (default 41)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, every contender once in each (default 5)")
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/stdp_speed.md")
    options = parser.parse_args()
    need_simulators()
    grid, plain, clock = delay_grid(FORM.time_scale, options.points), Plain(), Clock()
    p = pairing(CELL, pre=FORM.pre, post=FORM.post, engine="ngspice")
    reference = ours("reference", grid)
    own = {name: error(ours(name, grid), reference) for name in SIMULATORS}  # compiles and warms up, too
    print(", ".join(f"{n}: {e:.4f} %" for n, e in own.items()), file=sys.stderr, flush=True)
    steps = sweep(plain, p, grid, reference, min(own.values()))
    whole = error(replace(reference, y=plain.curve(p, grid, None, whole=True), columns={}), reference)

    def reaching(goal: float) -> tuple[float | None, bool]:
        """The largest step whose error is at most `goal` (the smallest tried, and False, where none is)."""
        good = [s for s in steps if s[2] <= goal]
        return (good[0][0], True) if good else (steps[-1][0], False)

    loose, tight = reaching(EQUAL), {name: reaching(own[name]) for name in SIMULATORS}
    # Taking turns: each contender once in every round.
    taken: dict[Any, list[float]] = {}
    shares: dict[str, list[tuple[float, ...]]] = {name: [] for name in SIMULATORS}

    def timed(key: Any, work: Any, *given: Any) -> float:
        began = time.perf_counter()
        work(*given)
        taken.setdefault(key, []).append(time.perf_counter() - began)
        return taken[key][-1]

    wanted = {None, loose[0], *(s for s, _ in tight.values())}
    with clock.installed():
        for turn in range(options.repeats):
            for step in sorted(wanted, key=lambda s: -(s or 1.0)):
                timed(("plain", step), plain.curve, p, grid, step)
                for name in SIMULATORS if step in (None, loose[0]) else ():
                    # A B A B within the round as well: ours again after each of the two quick plain runs.
                    key = (name, "first" if step is None else "second")
                    clock.reset()
                    cpu = cpu_times()
                    wall = timed(key, ours, name, grid)
                    cpu = [b - a for a, b in zip(cpu, cpu_times(), strict=True)]
                    shares[name].append((wall / clock.runs - 1, wall / clock.programs - 1, clock.calls,
                                         clock.programs / clock.calls, *cpu))
            timed(("plain", "whole"), plain.curve, p, grid, None, True)
            for name in SIMULATORS:
                timed((name, "default executor"), ours, name, grid, None)
            print(f"round {turn + 1} of {options.repeats}", file=sys.stderr, flush=True)
    alone = start_up()
    serial = {n: [statistics.mean(t) for t in zip(taken[n, "first"], taken[n, "second"], strict=False)] if
              (n, "second") in taken else taken[n, "first"] for n in SIMULATORS}

    def ratio(step: Any, mine: Sequence[float]) -> str:
        return spread([a / b for a, b in zip(taken["plain", step], mine, strict=True)])

    lines = [
        "# Wall time of a 41-point STDP curve" if options.points == 41 else f"# STDP curve of {options.points} points",
        "",
        f"Form (a) at 100 ms, cell divider_gate, EIS preset huang_2025_14nm, {len(grid)} delays from -200 to 200 ms,",
        "read 20 s after the presynaptic spike at 0.1 V. Median (min to max) of "
        f"{options.repeats} rounds in one run, contenders taking turns.", "",
        f"Made by `python benchmarks/stdp_speed.py --write`: {host()}.", "",
        "The plain way: a loop over PySpice's in-process ngspice, B sources, the normalised conductance as the voltage",
        "of a 1 F capacitor with `.ic` and `uic`, default options, everything saved; for each delay one transient for",
        "the pair and one with a free step for the 20 s and the reading, which is its faster form as soon as the step",
        f"matters. One transient over everything, free step: {spread(taken['plain', 'whole'])} s, error {whole:.2f} %.",
        "", "## The plain way by its maximum step (in the pair; one measurement each)", "",
        "| maximum step | points for a delay | learning-curve error, % | s |", "|---|---|---|---|",
    ]
    lines += [f"| {label(s)} | {points:.0f} | {off:.4f} | {wall:.2f} |" for s, points, off, wall in steps]
    lines += ["", "## Ours, and plain time over ours (above 1: ours is faster)", "",
              f"Equal accuracy, loose: the plain way's largest tried step with an error of at most {EQUAL} %: "
              f"{label(loose[0])}, {spread(taken['plain', loose[0]])} s.",
              "Equal accuracy, strict: its largest tried step with at most the engine's own error.",
              f"At its defaults: error {steps[0][2]:.2f} %, {spread(taken['plain', None])} s.", "",
              "| engine | error, % | 1 worker, s | default executor, s | plain at defaults / ours | loose, 1 worker | "
              "loose, default executor | strict: plain step and s | strict, 1 worker | strict, default executor |",
              "|---|---|---|---|---|---|---|---|---|---|"]
    for name in SIMULATORS:
        both, (step, met) = taken[name, "default executor"], tight[name]
        least = "" if met else "more than "
        cells = [name, f"{own[name]:.4f}", spread(serial[name]), spread(both), ratio(None, serial[name]),
                 ratio(loose[0], serial[name]), ratio(loose[0], both),
                 f"{'' if met else 'below '}{label(step)}, {least}{statistics.median(taken['plain', step]):.2f}",
                 least + ratio(step, serial[name]), least + ratio(step, both)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"Aim: {AIM_RATIO:g} or more at equal accuracy. "
              + "; ".join(f"{n}: loose {verdict(taken['plain', loose[0]], serial[n])}, strict "
                          f"{verdict(taken['plain', tight[n][0]], serial[n])}" for n in SIMULATORS) + ".",
              "", "## Overhead of our own Python (1 worker)", "",
              "Time outside over time inside. Inside is process.run (fork, program, log) or, strictly, the program alone",
              f"from started to ended. An ngspice process with nothing to do takes {alone * 1e3:.1f} ms in process.run.", "",
              "| engine | programs | ms a program | outside process.run, % | outside the programs, % | CPU s of Python | "
              "CPU s of the programs |", "|---|---|---|---|---|---|---|"]
    for name in SIMULATORS:
        over, strict, calls, each, mine, theirs = zip(*shares[name], strict=True)
        lines.append(f"| {name} | {calls[0]} | {spread([1e3 * e for e in each], 1)} | "
                     f"{spread([100 * o for o in over], 0)} | {spread([100 * s for s in strict], 0)} | {spread(mine)} | "
                     f"{spread(theirs)} |")
    lines += ["", f"Aim: below {AIM_OVERHEAD:g} % of the time in the simulator."]
    finish(lines, __file__, options.write)


def cpu_times() -> list[float]:
    """CPU seconds of this process and of its ended children."""
    return [u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))]


def verdict(plain: Sequence[float], mine: Sequence[float]) -> str:
    return "met" if statistics.median(a / b for a, b in zip(plain, mine, strict=True)) >= AIM_RATIO else "MISSED"


if __name__ == "__main__":
    main()
