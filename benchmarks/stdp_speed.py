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
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from accuracy import SIMULATORS, cases, error, finish, host, need_simulators

from spicemem.circuit import Circuit
from spicemem.curve import Curve
from spicemem.engines import process
from spicemem.experiments.eis_spikes import Form, delay_grid
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import Pairing, pairing, stdp
from spicemem.units import engineering
from spicemem.waveform import Waveform

os.environ.setdefault("NGSPICE_LIBRARY_PATH", ctypes.util.find_library("ngspice") or "libngspice.so.0")
# "Unsupported Ngspice version 46" is harmless; a failed run raises.
logging.getLogger("PySpice").setLevel(logging.ERROR)

from PySpice.Spice.Netlist import Circuit as PySpiceCircuit  # noqa: E402
from PySpice.Spice.NgSpice.Shared import NgSpiceShared  # noqa: E402

AIM_RATIO, AIM_OVERHEAD = 5.0, 20.0
EQUAL = 0.1  # percent: the loose meaning of "equal accuracy"
FIRST, LAST = 1e-2, 3.9e-5  # maximum steps of the plain way that are tried, in time scales


@dataclass(frozen=True)
class Case:
    """One learning curve to be had: a cell, its spikes, the delays and what the reference says."""

    scale: str
    cell: Circuit
    form: Form
    points: int

    @cached_property
    def grid(self) -> np.ndarray:
        return delay_grid(self.form.time_scale, self.points)

    @cached_property
    def pairing(self) -> Pairing:
        return pairing(self.cell, pre=self.form.pre, post=self.form.post, engine="ngspice")

    @cached_property
    def reference(self) -> Curve:
        return ours("reference", self)

    def off(self, changes: np.ndarray) -> float:
        """Learning-curve error of conductance changes, percent."""
        return error(replace(self.reference, y=changes, columns={}), self.reference)


# --- the plain way ----------------------------------------------------------------------------------------------------


class Plain:
    """What a PySpice user writes: B sources, the normalised conductance as the node, all vectors kept, no options.

    Two transients for each delay, the pair and then the 20 s with the reading in them, the second from where the
    first ended: `max_step` then has to hold for the pair alone. `whole` is one transient over everything.
    """

    def __init__(self, case: Case) -> None:
        self.ngspice, self.case, self.points = libngspice(), case, 0
        device = case.cell.devices()["syn"]
        v = device.values
        self.low, self.window = v["g_min"], v["g_max"] - v["g_min"]
        self.start = (v["g_init"] - self.low) / self.window
        i_0, charge = v["area"] * v["j_0"], v["area"] * v["q_area"]
        r, wall = case.cell.parts["r_pre"][0].ohm, v["wall"]
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

    def curve(self, max_step: float | None, whole: bool = False) -> np.ndarray:
        """dG (S) at every delay."""
        p, start = self.case.pairing, self.start
        before, changes, self.points = self.read(start, 0.0, p.reading), [], 0
        for delay in self.case.grid:
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


@lru_cache(maxsize=1)
def libngspice() -> NgSpiceShared:
    return NgSpiceShared.new_instance()


def pwl(wave: Waveform | None) -> str:
    """A source's value in SPICE, in plain digits: PySpice rounds what goes through its units."""
    if wave is None:
        return "0"
    run = wave.starting_at(0.0)
    return "PWL(" + " ".join(f"{float(t)!r} {float(v)!r}" for t, v in zip(run.times, run.values, strict=True)) + ")"


# --- ours, and the time spent inside the simulator --------------------------------------------------------------------


class Clock:
    """Time in process.run: start, simulation, log."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.calls, self.runs = 0, 0.0

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        plain_run, clock = process.run, self

        def run(*given: Any, **named: Any) -> tuple[int, str]:
            began = time.perf_counter()
            try:
                return plain_run(*given, **named)
            finally:
                with clock.lock:
                    clock.calls += 1
                    clock.runs += time.perf_counter() - began

        process.run = run
        try:
            yield
        finally:
            process.run = plain_run


def ours(engine: str, case: Case, workers: int | None = 1) -> Curve:
    """The curve by spicemem; workers None takes the default executor."""
    pool = None if workers is None else ThreadPoolExecutor(workers)
    try:
        return stdp(case.cell, pre=case.form.pre, post=case.form.post, delays=case.grid, engine=engine,
                    executor=pool)
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


class Try(NamedTuple):
    """The plain way at one maximum step (s; None: its own): points for a delay, error (%), time (s)."""

    step: float | None
    points: float
    error: float
    wall: float


def sweep(plain: Plain, goal: float) -> list[Try]:
    """The plain way from its defaults down, halving its step until the error is at most `goal` or the step LAST."""
    found: list[Try] = []
    step: float | None = None
    case = plain.case
    while True:
        began = time.perf_counter()
        changes = plain.curve(step)
        wall = time.perf_counter() - began
        found.append(Try(step, plain.points / len(case.grid), case.off(changes), wall))
        say(f"{case.scale} {case.form.name}, plain, step {label(step)}: {found[-1].error:.4f} %, {wall:.2f} s")
        step = FIRST * case.form.time_scale if step is None else step / 2
        if step < LAST * case.form.time_scale or found[-1].error <= goal:
            return found


def reaching(tries: Sequence[Try], goal: float) -> tuple[Try, bool]:
    """The largest step with an error of at most `goal`; the smallest tried, and False, where there is none."""
    good = [t for t in tries if t.error <= goal]
    return (good[0], True) if good else (tries[-1], False)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ratios(plain: Sequence[float], mine: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(plain, mine, strict=True)]


def label(step: float | None) -> str:
    return "its own" if step is None else engineering(step, "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=41, help="delays of the curves (default 41)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, every contender in each (default 5)")
    parser.add_argument("--only-first", action="store_true", help="form (a) at 100 ms only")
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/stdp_speed.md")
    options = parser.parse_args()
    need_simulators()
    all_cases = [Case(*given, options.points) for given in cases()]
    lines = [
        f"# Wall time of a {options.points}-point STDP curve", "",
        "Cell divider_gate, delays from -2 to 2 time scales, read 20 s after the presynaptic spike at 0.1 V.",
        f"Median (min to max) of {options.repeats} rounds in one run, contenders taking turns (A B A B ...).", "",
        f"Made by `python benchmarks/stdp_speed.py --write`: {host()}.", "",
        "The plain way: a loop over PySpice's in-process ngspice, one process for all; B sources, the normalised",
        "conductance as the voltage of a 1 F capacitor, `.ic` and `uic`, default options, everything saved. For each",
        "delay one transient for the pair and one with a free step for the 20 s and the reading, so that a smaller",
        "step has to be paid for in the pair only. *Whole*: one transient over everything instead.", "",
    ]
    lines += first_case(all_cases[0], options.repeats)
    if not options.only_first:
        lines += other_cases(all_cases, options.repeats)
    finish(lines, __file__, options.write)


def first_case(case: Case, repeats: int) -> list[str]:
    """The report on one curve: plain by its step, both ways in turns, overhead of our Python."""
    plain, clock = Plain(case), Clock()
    own = {name: case_error(case, name) for name in SIMULATORS}  # compiles and warms up, too
    say(", ".join(f"{n}: {e:.4f} %" for n, e in own.items()))
    tries = sweep(plain, min(own.values()))
    whole = case.off(plain.curve(None, whole=True))
    loose, tight = reaching(tries, EQUAL)[0], {name: reaching(tries, own[name]) for name in SIMULATORS}
    taken: dict[object, list[float]] = {}
    shares: dict[str, list[list[float]]] = {name: [] for name in SIMULATORS}

    def timed(key: object, work: Callable[..., object], *given: object) -> float:
        began = time.perf_counter()
        work(*given)
        taken.setdefault(key, []).append(time.perf_counter() - began)
        return taken[key][-1]

    with clock.installed():
        for turn in range(repeats):
            for step in {None: 0, loose.step: 0, **{t.step: 0 for t, _ in tight.values()}}:
                timed(step, plain.curve, step)
            timed("whole", plain.curve, None, True)
            for name in SIMULATORS:
                clock.reset()
                cpu = cpu_times()
                wall = timed((name, 1), ours, name, case)
                used = [b - a for a, b in zip(cpu, cpu_times(), strict=True)]
                shares[name].append([clock.calls, 1e3 * clock.runs / clock.calls, 100 * (wall / clock.runs - 1), *used])
                timed((name, 2), ours, name, case, None)
            say(f"round {turn + 1} of {repeats}")
    alone = start_up()
    lines = ["## Form (a) at 100 ms", "", "The plain way by its maximum step in the pair (one measurement each):", "",
             "| maximum step | points for a delay | learning-curve error, % | s |", "|---|---|---|---|"]
    lines += [f"| {label(t.step)} | {t.points:.0f} | {t.error:.4f} | {t.wall:.2f} |" for t in tries]
    lines += ["", f"At its defaults: {spread(taken[None])} s, error {tries[0].error:.2f} %. Whole, at its defaults: "
              f"{spread(taken['whole'])} s, error {whole:.2f} %.", "",
              "Plain time over ours, above 1 where ours is faster. *Loose*: the plain way's largest tried step with",
              f"an error of at most {EQUAL} % ({label(loose.step)}, {spread(taken[loose.step])} s). *Strict*: its "
              "largest tried step with at most the engine's own error.", "",
              "| engine | error, % | s, 1 worker | s, default executor | plain at defaults | loose | loose, default "
              "executor | strict: plain step, s | strict | strict, default executor |", "|---" * 10 + "|"]
    verdicts = []
    for name in SIMULATORS:
        one, two, (chosen, met) = taken[name, 1], taken[name, 2], tight[name]
        least, step = "" if met else "> ", chosen.step
        cells = [name, f"{own[name]:.4f}", spread(one), spread(two), spread(ratios(taken[None], one)),
                 spread(ratios(taken[loose.step], one)), spread(ratios(taken[loose.step], two)),
                 f"{'' if met else 'below '}{label(step)}, {least}{statistics.median(taken[step]):.2f}",
                 least + spread(ratios(taken[step], one)), least + spread(ratios(taken[step], two))]
        lines.append("| " + " | ".join(cells) + " |")
        verdicts.append(f"{name} loose {verdict(taken[loose.step], one)}, strict {verdict(taken[step], one)}")
    lines += ["", f"Aim: {AIM_RATIO:g} or more at equal accuracy, 1 worker: {'; '.join(verdicts)}.", "",
              "## Overhead of our own Python", "",
              "1 worker. Time outside over time inside, which is process.run (start, program, log).",
              f"Aim: below {AIM_OVERHEAD:g} %. An ngspice that has nothing to do takes {alone * 1e3:.1f} ms in it.", "",
              "| engine | programs | ms a program | outside, % | CPU of Python, s | CPU of the programs, s |",
              "|---" * 6 + "|"]
    for name in SIMULATORS:
        columns = [spread(v, d) for v, d in zip(zip(*shares[name], strict=True), (0, 1, 0, 2, 2), strict=True)]
        lines.append(f"| {name} | {shares[name][0][0]:.0f} | {' | '.join(columns[1:])} |")
    return [*lines, ""]


def other_cases(all_cases: Sequence[Case], repeats: int) -> list[str]:
    """Every form and time scale: how wrong the plain way is at its defaults, and both ways at equal accuracy."""
    names = SIMULATORS[:2]
    lines = ["## All forms and time scales", "",
             f"Equal accuracy here: the plain way's error is at most {EQUAL} %, or our own where that is larger.",
             f"1 worker, {min(repeats, 3)} rounds. Ratios: plain time over ours; > where no tried step would do.",
             "",
             "| time scale | form | plain at its defaults: error, whole / split, % | s, whole / split | plain step | s "
             "| " + " | ".join(f"{n}: error, % | s | ratio" for n in names) + " |", "|---" * (6 + 3 * len(names)) + "|"]
    for case in all_cases:
        plain = Plain(case)
        own = {name: case_error(case, name) for name in names}
        began = time.perf_counter()
        whole = case.off(plain.curve(None, whole=True))
        whole_wall = time.perf_counter() - began
        tries = sweep(plain, max(EQUAL, min(own.values())))
        picks = {name: reaching(tries, max(EQUAL, own[name])) for name in names}
        taken: dict[str, list[float]] = {}
        for _ in range(min(repeats, 3)):
            for name in names:
                for key, work, what in ((f"plain {name}", plain.curve, (picks[name][0].step,)),
                                        (name, ours, (name, case))):
                    began = time.perf_counter()
                    work(*what)
                    taken.setdefault(key, []).append(time.perf_counter() - began)
        cells = [case.scale, case.form.title, f"{whole:.2f} / {tries[0].error:.2f}",
                 f"{whole_wall:.2f} / {tries[0].wall:.2f}"]
        pick, met = picks[names[0]]
        cells += [("" if met else "below ") + label(pick.step),
                  ("" if met else "> ") + f"{statistics.median(taken[f'plain {names[0]}']):.2f}"]
        for name in names:
            cells += [f"{own[name]:.4f}", f"{statistics.median(taken[name]):.2f}",
                      ("" if picks[name][1] else "> ") + spread(ratios(taken[f"plain {name}"], taken[name]))]
        lines.append("| " + " | ".join(cells) + " |")
        say(lines[-1])
    return [*lines, ""]


def case_error(case: Case, engine: str) -> float:
    return error(ours(engine, case), case.reference)


def cpu_times() -> list[float]:
    """CPU seconds of this process and of its ended children."""
    return [u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))]


def verdict(plain: Sequence[float], mine: Sequence[float]) -> str:
    return "met" if statistics.median(ratios(plain, mine)) >= AIM_RATIO else "MISSED"


if __name__ == "__main__":
    main()
