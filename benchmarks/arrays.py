"""Crossbars: operating points beside badcrossbar, transients beside bare simulators, the largest arrays.

python benchmarks/arrays.py [--write] [--part NAME]: prints markdown tables; --write keeps them beside this file.
Parts: linear, transient, build, largest. badcrossbar: pip install --no-deps badcrossbar pathvalidate (its drawing
dependency is not used). Contenders of a row take turns; medians, and ratios of medians of one run.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from accuracy import finish, host, need_simulators

from spicemem import engines
from spicemem.circuit import Resistor
from spicemem.circuits.crossbar import Crossbar, Line, crossbar
from spicemem.devices import VTEAM
from spicemem.engines.ngspice import find_program
from spicemem.engines.osdi import tools
from spicemem.engines.simulator import compiled
from spicemem.protocols import array
from spicemem.render import render
from spicemem.waveform import Waveform

#: The device of the transients: VTEAM with a resistance that 1 Ohm segments do not swamp.
DEVICE = VTEAM(r_on=5e3, r_off=100e3)
WIDTH, STOP, STEP, VOLTS = 20e-9, 30e-9, 2e-9, 0.3
#: s that a bare simulator gets.
PATIENCE = 300.0
OPTIONS = "reltol=1e-05 abstol=1e-12 vntol=1e-9"


def turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median wall time of each, one after the other in every round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, work in contenders.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: median(values) for name, values in times.items()}


# --- linear arrays beside badcrossbar ------------------------------------------------------------------------------


def linear(sizes: Sequence[int] = (32, 64, 128, 256), repeats: int = 5) -> list[str]:
    """Operating points of n by n resistances, 1 to 100 uS, with 1 Ohm segments; 1 and 64 input vectors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it cannot draw
        import badcrossbar
    logging.disable(logging.CRITICAL)
    lines = ["| size | vectors | largest difference | badcrossbar | reference | vacask | ngspice | ratio: reference | "
             "its engine's run alone | vacask | ngspice | reference, for each vector, over badcrossbar with one |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    alone = 0.0
    rng = np.random.default_rng(1)
    for n in sizes:
        ohm = 1 / rng.uniform(1e-6, 1e-4, (n, n))
        x = crossbar(n, n, Resistor(1.0), values={"ohm": ohm}, wires=Line(1.0))
        for count in (1, 64):
            volts = rng.uniform(-0.3, 0.3, (count, n))
            found: dict[str, Any] = {}
            inside: list[float] = []

            def theirs(volts: Any = volts, ohm: Any = ohm, found: dict[str, Any] = found) -> None:
                solution = badcrossbar.compute(volts.T, ohm, r_i=1.0, node_voltages=False, all_currents=False)
                found["badcrossbar"] = np.asarray(solution.currents.output).reshape(volts.shape)

            def ours(engine: str, volts: Any = volts, x: Crossbar = x, found: dict[str, Any] = found,
                     inside: list[float] = inside) -> None:
                data = array.multiply(x, volts, engine=engine)
                found[engine] = data["i_bl"].values
                if engine == "reference":
                    inside.append(data.attrs["wall_s"])

            # A simulator factorises anew at every point: 64 of them only where that ends soon.
            names = ["reference", *(("vacask", "ngspice") if count == 1 or n <= 64 else ())]
            work = {"badcrossbar": theirs, **{name: (lambda name=name: ours(name)) for name in names}}
            for each in work.values():
                each()  # imports and first compilations
            times = turns(work, repeats if n < 256 else 3)
            alone = times["badcrossbar"] if count == 1 else alone
            scale = np.abs(found["badcrossbar"]).max()
            worst = max(float(np.abs(found[name] - found["badcrossbar"]).max() / scale) for name in names)
            cells = [f"{times[name]:.3f} s" if name in times else "" for name in ("badcrossbar", "reference", "vacask",
                                                                                   "ngspice")]
            ratios = [f"{times[name] / times['badcrossbar']:.2f}" if name in times else ""
                      for name in ("reference", "vacask", "ngspice")]
            ratios.insert(1, f"{median(inside) / times['badcrossbar']:.2f}")
            lines.append(f"| {n}x{n} | {count} | {worst:.0e} | {' | '.join(cells)} | {' | '.join(ratios)} | "
                         f"{times['reference'] / count / alone:.3f} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return ["## Operating points of linear arrays with wires, beside badcrossbar", "",
            "Everything from the arrays of numbers (badcrossbar) or from the circuit (spicemem) to the array of "
            "currents, netlist and raw file included. Difference of the currents: over the largest current. Ratio: "
            "our time over badcrossbar's, below 1 where ours is faster; without checking the request: the engine's run "
            "alone.", "", *lines, ""]


# --- building ------------------------------------------------------------------------------------------------------


def build(sizes: Sequence[int] = (32, 64, 128, 256), repeats: int = 5) -> list[str]:
    """Circuit and netlist of arrays whose cells all differ, and the memory that they take."""
    lines = ["| size | cells | circuit | netlist (vacask) | netlist (ngspice) | memory of the circuit, for a cell |",
             "|---|---|---|---|---|---|"]
    for n in sizes:
        for label, cell, key, values in (
                ("resistances", Resistor(1.0), "ohm", np.linspace(1e4, 1e6, n * n).reshape(n, n)),
                ("VTEAM", DEVICE, "w_init", np.linspace(1e-10, 2.9e-9, n * n).reshape(n, n))):
            def make(n: int = n, cell: Any = cell, key: str = key, values: Any = values) -> Crossbar:
                return crossbar(n, n, cell, values={key: values}, wires=Line(1.0))

            circuit = array.driven(make(), {})

            def netlist(engine: str, circuit: Any = circuit, n: int = n) -> None:
                simulator = engines.get(engine)
                simulator.deck(simulator._job(circuit, "op", None, [f"i(v_bl{k})" for k in range(n)]))

            times = turns({"circuit": make, "vacask": lambda netlist=netlist: netlist("vacask"),
                           "ngspice": lambda netlist=netlist: netlist("ngspice")}, repeats)
            tracemalloc.start()
            kept = make()
            size = tracemalloc.get_traced_memory()[0] / n**2
            tracemalloc.stop()
            del kept
            lines.append(f"| {n}x{n} | {label} | {times['circuit']:.3f} s | {times['vacask']:.3f} s | "
                         f"{times['ngspice']:.3f} s | {size / 1e3:.2f} kB |")
            print(lines[-1], file=sys.stderr, flush=True)
    return ["## Building, every cell with a value of its own", "", *lines, ""]


# --- transients ----------------------------------------------------------------------------------------------------


def written(n: int) -> tuple[Crossbar, np.ndarray[Any, Any], dict[str, Waveform | float]]:
    """An n by n array, the starts of its cells, and a V/2 pulse at eight cells of its middle row."""
    starts = np.random.default_rng(1).uniform(0.5e-9, 2.5e-9, (n, n))
    x = crossbar(n, n, DEVICE, values={"w_init": starts}, wires=Line(1.0))
    levels, _ = array.bias(x, n // 2, list(range(0, n, n // 8)), VOLTS)
    wave = array.resolved(Waveform.points((0, 0), (4e-10, 0), (6e-10, 1), (WIDTH + 4e-10, 1), (WIDTH + 6e-10, 0)))
    return x, starts, {port: wave * volts for port, volts in levels.items() if volts}


def by_hand(n: int, starts: np.ndarray[Any, Any], waves: dict[str, Any], dialect: str, model: str) -> str:
    """The same netlist written by hand: a loop over rows and columns. dialect: "vacask", "osdi" or "plain"."""
    vacask = dialect == "vacask"
    text = ["crossbar", *([f'ground 0\nload "resistor.osdi"\nload "{model}"\nmodel r resistor\nmodel v vsource\n'
                           "model m vteam"] if vacask else [".model m vteam" if dialect == "osdi" else model])]
    for i in range(n):
        for j in range(n):
            left, below = f"w{i}" if j == 0 else f"w{i}_{j - 1}", f"b{j}" if i == n - 1 else f"b{j}_{i + 1}"
            values = f"r_on=5e3 r_off=100e3 w_init={float(starts[i, j])!r}"
            if vacask:
                text += [f"rw{i}_{j} ({left} w{i}_{j}) r r=1", f"rb{j}_{i} ({below} b{j}_{i}) r r=1",
                         f"x{i}_{j} (w{i}_{j} b{j}_{i}) m {values}"]
            else:
                letter, kind = ("N", "m") if dialect == "osdi" else ("X", "vteam")
                text += [f"Rw{i}_{j} {left} w{i}_{j} 1", f"Rb{j}_{i} {below} b{j}_{i} 1",
                         f"{letter}{i}_{j} w{i}_{j} b{j}_{i} {kind} {values}"]
    for family, short in (("wl", "w"), ("bl", "b")):
        for k in range(n):
            wave = waves.get(f"{family}{k}")
            pairs = [] if wave is None else list(zip(wave.times.tolist(), wave.values.tolist(), strict=True))
            if vacask:
                points = ", ".join(f"{t!r}, {v!r}" for t, v in pairs)
                text.append(f"v{short}{k} ({short}{k} 0) v " + (f'type="pwl" wave=[{points}]' if pairs else "dc=0"))
            else:
                text.append(f"V{short}{k} {short}{k} 0 " + ("PWL(" if pairs else "DC 0"))
                text += [f"+ {t!r} {v!r}" for t, v in pairs] + (["+ )"] if pairs else [])
    cells = [(i, j) for i in range(n) for j in range(n)]
    ports = [f"{s}{k}" for s in "wb" for k in range(n)]
    if vacask:
        saves = [f'v("x{i}_{j}:sm_s_w")' for i, j in cells] + [f"i(v{p})" for p in ports]
        text += ["control", f"  options {OPTIONS}", "  save " + " ".join(saves),
                 f"  analysis out tran step={STOP} stop={STOP} maxstep={STEP}", "endc", ""]
        return "\n".join(text)
    state = "n{}_{}#sm_s_w" if dialect == "osdi" else "x{}_{}.sm_s_w"
    saves = [f"v({state.format(i, j)})" for i, j in cells] + [f"i(v{p})" for p in ports]
    text += [".save", *(f"+ {s}" for s in saves), f".tran {STOP} {STOP} 0 {STEP}",
             f".options {'klu ' if dialect == 'osdi' else ''}{OPTIONS}",
             *([f".control\npre_osdi {model}\nset num_threads=1\n.endc"] if dialect == "osdi" else []), ".end", ""]
    return "\n".join(text)


def bare(text: str, program: list[str]) -> Callable[[], None]:
    """The simulator alone, on a netlist in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bare-"))
    (folder / "deck").write_text(text)
    threads = {} if "plain" in program else {"OMP_NUM_THREADS": "1"}
    command = [word for word in program if word != "plain"]

    def work() -> None:
        try:
            log = subprocess.run(command, cwd=folder, env={**os.environ, **threads}, capture_output=True, text=True,
                                 stdin=subprocess.DEVNULL, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return
        if log.returncode or not any(p.suffix == ".raw" for p in folder.iterdir()):
            sys.exit(f"{command}: {log.stdout[-300:]} {log.stderr[-300:]}")

    return work


def transient(sizes: Sequence[int] = (32, 64), repeats: int = 5) -> list[str]:
    """A V/2 pulse at eight cells: our whole operation beside the bare simulators."""
    found, ngspice = tools(), find_program()
    assert found is not None and ngspice is not None
    library = str(compiled(VTEAM))
    lines = ["| size | engine | bare engine | spicemem, everything | ratio | in the engine's run |",
             "|---|---|---|---|---|---|"]
    slow: list[str] = []
    for n in sizes:
        x, starts, waves = written(n)
        alone = {"vacask": bare(by_hand(n, starts, waves, "vacask", library), [found[0], "-qp", "-sp", "-se", "deck"]),
                 "ngspice-osdi": bare(by_hand(n, starts, waves, "osdi", library),
                                      [ngspice, "-b", "-r", "out.raw", "deck"])}
        inside: dict[str, list[float]] = {name: [] for name in alone}

        def ours(engine: str, x: Crossbar = x, waves: Any = waves, inside: Any = inside) -> None:
            run = array.transient(x, waves, STOP, max_step=STEP, engine=engine)
            inside[engine].append(run.result.wall_s)

        work: dict[str, Callable[[], Any]] = {}
        for name, each in alone.items():
            work |= {f"bare {name}": each, name: lambda name=name: ours(name)}
        for each in work.values():
            each()  # imports and first compilations
        for each in inside.values():
            each.clear()
        times = turns(work, repeats if n < 64 else 3)
        for name in alone:
            lines.append(f"| {n}x{n} | {name} | {times[f'bare {name}']:.2f} s | {times[name]:.2f} s | "
                         f"{times[name] / times[f'bare {name}']:.2f} | {median(inside[name]):.2f} s |")
            print(lines[-1], file=sys.stderr, flush=True)
        if n == 32:
            plain = bare(by_hand(n, starts, waves, "plain", render(DEVICE, "ngspice")),
                         ["plain", ngspice, "-b", "-r", "out.raw", "deck"])
            took, words = turns({"plain": plain}, 1)["plain"], ""
            if took >= PATIENCE:
                words = "more than "
            slow.append(f"Plain ngspice (B sources, its own solver and threads, the same tolerances) at {n}x{n}: "
                        f"{words}{took:.0f} s, {words}{took / times['vacask']:.0f} times ours in vacask "
                        f"({times['vacask']:.2f} s).")
            print(slow[-1], file=sys.stderr, flush=True)
    return ["## Transient of an array of VTEAM devices", "",
            "A write pulse of 20 ns, V/2, at eight cells of the middle row; every state and the currents of all "
            "lines kept. Bare: the netlist written by hand (a loop), the simulator alone, raw file written, not read; "
            "spicemem: from the circuit to labelled arrays.", "",
            *lines, "", *slow, ""]


# --- the largest ---------------------------------------------------------------------------------------------------


def largest(reads: Sequence[int] = (64, 128, 256, 512), runs: Sequence[int] = (16, 32, 64, 128)) -> list[str]:
    """Cost against size, once each: a read of resistances and of devices, a transient of devices; a picture."""
    from matplotlib.figure import Figure

    lines = ["| what | size | time |", "|---|---|---|"]
    curves: dict[str, list[tuple[int, float]]] = {}

    def one(what: str, n: int, work: Callable[[], Any]) -> None:
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        curves.setdefault(what, []).append((n, took))
        lines.append(f"| {what} | {n}x{n} | {took:.2f} s |")
        print(lines[-1], file=sys.stderr, flush=True)

    array.multiply(crossbar(2, 2, Resistor(1.0)), np.ones(2))  # imports
    for n in reads:
        ohm = 1 / np.random.default_rng(1).uniform(1e-6, 1e-4, (n, n))
        x = crossbar(n, n, Resistor(1.0), values={"ohm": ohm}, wires=Line(1.0))
        one("read, resistances, reference", n, lambda x=x, n=n: array.multiply(x, 0.1 * np.ones(n)))
    for n in runs:
        x, _, waves = written(n)
        one("transient, VTEAM, vacask", n, lambda x=x, waves=waves: array.transient(
            x, waves, STOP, max_step=STEP, engine="vacask", timeout=3600.0))
    for n in reads:
        starts = np.random.default_rng(1).uniform(0.5e-9, 2.5e-9, (n, n))
        x = crossbar(n, n, DEVICE, values={"w_init": starts}, wires=Line(1.0))
        one("read, VTEAM, vacask", n, lambda x=x, n=n: array.multiply(x, 0.01 * np.ones(n), engine="vacask"))
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    lines += ["", "Time as a power of the number of cells, over the largest three sizes:"]
    for what, points in curves.items():
        sizes, times = np.array(points).T
        power = float(np.polyfit(np.log(sizes[-3:] ** 2), np.log(times[-3:]), 1)[0])
        lines.append(f"- {what}: {power:.2f}")
        axes.loglog(sizes**2, times, "o-", label=f"{what}: cells$^{{{power:.2f}}}$")
    axes.set(xlabel="cells", ylabel="time (s)")
    axes.grid(alpha=0.3, which="both")
    figure.legend(fontsize=9, loc="outside upper center")
    figure.savefig(Path(__file__).parent.parent / "docs/pictures/array_cost.png", dpi=150)
    return ["## Cost against size, to the largest arrays", "",
            "![Cost against size](../docs/pictures/array_cost.png)", "", *lines, ""]


PARTS = {"linear": linear, "build": build, "transient": transient, "largest": largest}


def main() -> None:
    """Print, and with --write keep, the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="keep the tables in benchmarks/arrays.md")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part, as often as needed")
    options = parser.parse_args()
    need_simulators()
    lines = ["# Crossbars", "", f"Made by `python benchmarks/arrays.py --write`: {host()}.", ""]
    for name in options.part or PARTS:
        lines += PARTS[name]()
    finish(lines, __file__, options.write)


if __name__ == "__main__":
    main()
