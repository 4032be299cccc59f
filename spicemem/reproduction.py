"""docs/reproduction.md: every published target beside what each engine finds. Run, written, read back, compared.

The page is its own data base: its cells are what `--check` compares, as numbers, and a run of some experiments
changes their rows only. Numbers of full runs stand beside the published ones; those of quick runs, which have fewer
points and so other numbers, stand in a table of their own at the end. That is the one CI compares.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from spicemem import engines
from spicemem.engines.process import end_with_parent, stop_all
from spicemem.errors import InputError, SimulationError, nearest
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import Progress, Target, run_experiment, targets, targets_of

Mode = Literal["full", "quick"]
#: Two numbers are the same within this part of the page's, plus this part of the target's larger bound: what is zero
#: but for rounding has no digits to compare.
RELATIVE, OF_BOUND = 0.02, 0.01
DEFAULT_ENGINES = ("ngspice", "vacask")
PAGE = Path("docs/reproduction.md")

_SPLIT = re.compile(r"(?<!\\)\|")
_VERDICTS = ("pass", "MISS", "unsupported", "failed", "not run")
_REASON = re.compile(r"- `(?P<name>[\w-]+)` in (?P<engine>[\w-]+): (?P<why>.+)")
_ENGINES = re.compile(r"Engines: (.+)\.")


class Found(NamedTuple):
    """What a run found for a target: a number as text or words (empty if it did not get that far), and the verdict."""

    simulated: str
    verdict: str


@dataclass
class Page:
    """What the page says. found: by (mode, engine, target id). reasons: by (mode, engine, experiment), why there are
    no numbers. versions: of the engines, by (mode, engine); never compared."""

    found: dict[tuple[Mode, str, str], Found] = field(default_factory=dict)
    reasons: dict[tuple[Mode, str, str], str] = field(default_factory=dict)
    versions: dict[tuple[Mode, str], str] = field(default_factory=dict)

    def engines(self) -> list[str]:
        """The engines that it has results of, in the order of the registry."""
        there = {engine for _, engine, _ in self.found}
        return [name for name in engines.ENGINES if name in there]

    def add(self, mode: Mode, summaries: Iterable[Mapping[str, Any]]) -> None:
        """Take in what runs found (`run_experiment`), in place of what stood there of the same."""
        for summary in summaries:
            name, engine = summary["experiment"], summary["engine"]
            self.versions[mode, engine] = summary["engine_version"]
            self.reasons.pop((mode, engine, name), None)
            if summary["status"] not in ("ok", "missed"):
                self.reasons[mode, engine, name] = " ".join(f"{summary['status']}: {summary['reason']}".split())
            for id, found in _of(summary).items():
                self.found[mode, engine, id] = found


def scored(experiment: str) -> list[Target]:
    """The targets that an experiment scores: its rows but for those of information and of set-up."""
    return [t for t in targets_of(experiment) if t.check not in ("info", "setup")]


def _of(summary: Mapping[str, Any]) -> dict[str, Found]:
    """What a run found, by target id."""
    if summary["status"] not in ("ok", "missed"):
        return {t.id: Found("", summary["status"]) for t in scored(summary["experiment"])}
    return {row["id"]: Found(_cell(row["simulated"]), "pass" if row["pass"] else "MISS")
            for row in summary["targets"]}


def _cell(value: float | str) -> str:
    if not isinstance(value, int | float):
        return " ".join(value.split())
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e6 else f"{value:.4g}"


# --- the run ----------------------------------------------------------------------------------------------------------


_worker_state = {"busy": False, "ended": False}


def _worker() -> None:
    """A worker ends its simulators when it is told to; the terminal's Ctrl-C is the business of the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()


def _end(number: int, frame: object) -> None:
    if not _worker_state["ended"]:
        _worker_state["ended"] = True
        stop_all()
        if not _worker_state["busy"]:
            os._exit(0)
        raise KeyboardInterrupt  # so that what runs takes its folders away


def _run(name: str, engine: str, folder: Path, quick: bool) -> dict[str, Any]:
    if _worker_state["ended"]:
        raise KeyboardInterrupt
    _worker_state["busy"] = True
    simulator = engines.get(engine)
    try:
        with ThreadPoolExecutor(1) as executor:
            return run_experiment(EXPERIMENTS[name], simulator, folder, quick=quick, executor=executor)
    except Exception as error:  # a bug in one experiment must not cost the results of the others
        return {"experiment": name, "engine": engine, "engine_version": simulator.version(), "status": "failed",
                "reason": f"{type(error).__name__}: {error}", "targets": []}
    finally:
        _worker_state["busy"] = False


def run_all(names: Sequence[str], engine_names: Sequence[str], folder: Path, *, quick: bool = False, workers: int = 1,
            progress: Progress = lambda done, total, what: None) -> list[dict[str, Any]]:
    """Run experiments on engines, each in a folder of its own (NAME/ENGINE); their summaries, in order.

    workers: processes, each with one experiment and one simulator at a time. A failed experiment says so in its
    summary and stops no other. What is finished stays on disk when Ctrl-C ends the rest.
    """
    jobs = [(name, engine) for name in names for engine in engine_names]
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_worker)
    try:
        futures = [pool.submit(_run, name, engine, folder / name / engine, quick) for name, engine in jobs]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            progress(done, len(jobs), "experiments")
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise SimulationError("reproduction", found="a worker process that was killed", expected="workers that live",
                              remedy="Was there too little memory? Give a smaller --jobs") from None
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# --- the page ---------------------------------------------------------------------------------------------------------


def render(page: Page) -> str:
    """The page as Markdown. Published numbers and bounds come from the tables in spicemem/data, results from `page`."""
    there = page.engines()
    lines = [
        "# Reproduction", "",
        "Every published number and behaviour, what is allowed (from `spicemem/data`), and what each engine finds. "
        "Generated: do not edit. `spicemem reproduce` runs everything and writes the tables of full runs, `spicemem "
        "reproduce --quick` the table of quick runs at the end; `--check` runs and compares instead.", "",
        f"Compared are verdicts, and numbers within {100 * RELATIVE:g} % of the page's plus {100 * OF_BOUND:g} % of "
        "the target's larger bound; words are for people, their verdict is what a program found of every clause of "
        "the criterion. A difference is from the published number. Where a paper leaves something open or contradicts "
        "itself, the remarks of the run (`summary.json`) and the pages on devices in `docs` say what was taken.", "",
        *_engines(page, "full"), "",
    ]
    for paper, names in _papers().items():
        lines += [f"## {paper}", ""]
        lines += _table(["experiment", "target", "quantity", "published", "allowed", *there, "difference", "verdict"], [
            [f"`{name}`", f"`{t.id}`", _short(t.reading), f"{t.published} {_unit(t)}".strip(), allowed(t.low, t.high),
             *_results(page, "full", there, t)] for name in names for t in scored(name)])
        lines += ["", *_reasons(page, "full", names)]
    lines += ["## Quick runs", "", "The same with fewer points, as CI runs them.", "", *_engines(page, "quick"), ""]
    rows = [[f"`{t.id}`", *_results(page, "quick", there, t)] for name in EXPERIMENTS for t in scored(name)]
    lines += [*_table(["target", *there, "difference", "verdict"], rows), "", *_reasons(page, "quick", EXPERIMENTS)]
    missing: dict[str, list[str]] = {}
    for t in targets().values():
        if t.experiment not in EXPERIMENTS and t.check not in ("info", "setup"):
            missing.setdefault(t.experiment, []).append(f"`{t.id}`")
    if missing:
        lines += ["## Not built yet", "", "Targets whose experiment does not exist yet.", ""]
        lines += _table(["experiment", "targets"], [[f"`{name}`", ", ".join(ids)] for name, ids in missing.items()])
    return "\n".join(lines).rstrip() + "\n"


def _papers() -> dict[str, list[str]]:
    """Experiments by paper, both in the order of the registry."""
    found: dict[str, list[str]] = {}
    for name, experiment in EXPERIMENTS.items():
        found.setdefault(experiment.paper, []).append(name)
    return found


def _engines(page: Page, mode: Mode) -> list[str]:
    known = ", ".join(f"{name} {version}" for (m, name), version in sorted(page.versions.items()) if m == mode)
    return [f"Engines: {known or 'none'}."]


def _reasons(page: Page, mode: Mode, names: Iterable[str]) -> list[str]:
    lines = [f"- `{name}` in {engine}: {why}" for name in names
             for (m, engine, of), why in sorted(page.reasons.items()) if (m, of) == (mode, name)]
    return [*lines, ""] if lines else []


def _results(page: Page, mode: Mode, there: Sequence[str], target: Target) -> list[str]:
    """Cells of the engines, of the differences and of the verdicts; these once where they are the same."""
    found = [page.found.get((mode, engine, target.id), Found("", "not run")) for engine in there]
    return [*(f.simulated or "–" for f in found), _joined([difference(target, f.simulated) for f in found]),
            _joined([f.verdict for f in found])]


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(set(words)) == 1 else " / ".join(w or "–" for w in words)


def difference(target: Target, simulated: str) -> str:
    """How far a number (as text) is from the published one, in % of it; empty where one of the two is none."""
    there, published = _float(simulated), _float(target.published)
    if there is None or not published:
        return ""
    low, high = target.low, target.high
    if (low is not None and low > 0 > published) or (high is not None and high < 0 < published):
        published = -published  # the paper's sign is that of its formula; the row says so
    return f"{100 * (there - published) / abs(published):+.1f} %".replace("-", "−")


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def allowed(low: float | None, high: float | None) -> str:
    """The bounds of a target in words."""
    if low is None and high is None:
        return "the criterion"
    if low is None or high is None:
        return f"{low:g} or more" if high is None else f"{high:g} or less"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _unit(target: Target) -> str:
    return "" if target.unit == "1" else target.unit


def _short(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[:length].rpartition(" ")[0].rstrip(" ,;:") + " …"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(re.sub(r"([|*<])", r"\\\1", cell) for cell in row) + " |" for row in (head, *rows)]
    return [lines[0], "|" + " --- |" * len(head), *lines[1:]]


def parse(text: str, name: str = "reproduction.md") -> Page:
    """Read a page back. Raises InputError, with the line, for one that is not a page of results."""
    page, head, seen = Page(), [""], set()
    mode: Mode = "full"
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{name}, line {number}"
        if line.startswith("## "):
            mode = "quick" if line == "## Quick runs" else "full"
        if match := _ENGINES.fullmatch(line):
            for item in match[1].split(", "):
                engine, _, version = item.partition(" ")
                if version:
                    page.versions[mode, engine] = version
        if match := _REASON.fullmatch(line):
            page.reasons[mode, match["engine"], match["name"]] = match["why"]
        cells = [re.sub(r"\\([|*<])", r"\1", c.strip()) for c in _SPLIT.split(line)[1:-1]] if line[:1] == "|" else []
        if not cells:
            head = [""]
        elif head == [""]:
            head = cells
        elif {"target", "verdict"} <= set(head) and not set(line) <= set("|- "):
            if len(cells) != len(head):
                raise InputError(where, found=f"{len(cells)} cells", expected=f"{len(head)}, as in the table's head")
            row = dict(zip(head, cells, strict=True))
            id = row["target"].strip("`")
            if id not in targets() or (mode, id) in seen:
                raise InputError(where, found=f"target {id!r}" + (" again" if id in targets() else ""),
                                 expected="each row of spicemem/data once", remedy=nearest(id, targets()))
            seen.add((mode, id))
            there = [h for h in head if h in engines.ENGINES]
            verdicts = row["verdict"].split(" / ")
            verdicts = verdicts * len(there) if len(verdicts) == 1 else verdicts
            if len(verdicts) != len(there) or not set(verdicts) <= set(_VERDICTS):
                raise InputError(where, found=f"verdict {row['verdict']!r}",
                                 expected=f"one of {', '.join(_VERDICTS)} for each of {len(there)} engines")
            for engine, verdict in zip(there, verdicts, strict=True):
                if verdict != "not run":
                    page.found[mode, engine, id] = Found("" if row[engine] == "–" else row[engine], verdict)
    if not seen:
        raise InputError(name, found="no table of results", expected="the page that `spicemem reproduce` writes",
                         remedy="Write it with `spicemem reproduce`")
    return page


def read(path: Path) -> Page:
    """The page in a file. Raises InputError where there is none, or something else."""
    try:
        return parse(path.read_text(), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"page {path}", found=str(error), expected="the page that `spicemem reproduce` writes",
                         remedy="Run it in the root of the repository, or give --page") from None


def differences(page: Page, mode: Mode, summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What runs found and the page does not say, a line for each row: verdicts, and numbers beyond the tolerance."""
    lines = []
    for summary in summaries:
        engine, now = summary["engine"], _of(summary)
        for id in dict.fromkeys([*now, *(t.id for t in scored(summary["experiment"]))]):
            old, new = page.found.get((mode, engine, id)), now.get(id)
            what = f"{id} in {engine} ({mode})"
            if old is None or new is None:
                lines.append(f"{what}: not on the page" if old is None else f"{what}: on the page, not in the run")
            elif old.verdict != new.verdict:
                lines.append(f"{what}: page {old.verdict} ({old.simulated}), now {new.verdict} ({new.simulated})")
            elif not _same(targets()[id], old.simulated, new.simulated):
                lines.append(f"{what}: page {old.simulated}, now {new.simulated}")
    return lines


def _same(target: Target, old: str, new: str) -> bool:
    """Whether two cells agree: numbers within the tolerance; words always, but not words and a number."""
    a, b = _float(old), _float(new)
    if a is None or b is None:
        return a is b
    scale = max((abs(bound) for bound in (target.low, target.high) if bound is not None), default=0.0)
    return a == b or abs(a - b) <= RELATIVE * abs(a) + OF_BOUND * scale or (a != a and b != b)
