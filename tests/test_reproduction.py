"""The page of reproduced results: written, read back, compared as numbers; every fault planted in it is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from spicemem import cli, engines, reproduction
from spicemem.errors import InputError
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import targets
from spicemem.reproduction import Page, differences, parse, read, render, scored

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("eis-rate", "qd-levels", "otj-stdp")


def summary(name: str, engine: str = "ngspice", **changed: float | str) -> dict[str, Any]:
    """What a run of the experiment says that finds the middle of all bounds, but for what is changed."""
    rows = []
    for t in scored(name):
        value: float | str = f"words | with *signs* < {t.id}, 3.2 %"
        if t.low is not None or t.high is not None:
            value = sum(bounds := [b for b in (t.low, t.high) if b is not None]) / len(bounds)
        value = changed.get(t.id, value)
        rows.append({"id": t.id, "simulated": value, "pass": isinstance(value, str) or t.meets(value)})
    return {"experiment": name, "engine": engine, "engine_version": "46", "status": "ok", "reason": "",
            "targets": rows}


def unsupported(name: str, status: str = "unsupported") -> dict[str, Any]:
    return {"experiment": name, "engine": "vacask", "engine_version": "0.3.4.dev3", "status": status,
            "reason": "it has no\nsuch thing", "targets": []}


@pytest.fixture(scope="module")
def page() -> str:
    """A page of three experiments in ngspice, two of them in vacask, one unsupported there; one quick."""
    new = Page()
    new.add("full", [*(summary(name) for name in NAMES), summary("eis-rate", "vacask"), summary("otj-stdp", "vacask"),
                     unsupported("qd-levels")])
    new.add("quick", [summary("eis-rate", **{"eis-rate-2v-4v": 61.0})])
    return render(new)


def test_the_page_reads_back(page: str):
    again = parse(page)
    assert render(again) == page
    assert again.found["full", "ngspice", "eis-rate-2v-4v"] == ("60", "pass")
    assert again.found["quick", "ngspice", "eis-rate-2v-4v"] == ("61", "pass")
    assert again.found["full", "ngspice", "qd-min-dv-order"].simulated.startswith("words | with *signs* < qd")
    assert again.found["full", "vacask", "qd-levels-count"] == ("", "unsupported")
    assert again.reasons == {("full", "vacask", "qd-levels"): "unsupported: it has no such thing"}
    assert again.versions["full", "vacask"] == "0.3.4.dev3"


def test_the_page_has_every_target_and_says_what_is_missing(page: str):
    tables, _, missing = page.partition("## Not built yet")
    for t in targets().values():
        shown = tables.count(f"| `{t.id}` |"), missing.count(f"`{t.id}`")
        if t.check in ("info", "setup"):
            assert shown == (0, 0)
        elif t.experiment in EXPERIMENTS:
            assert shown == (2, 0)  # full and quick
        else:
            assert shown == (0, 1)


def test_differences_are_from_the_published_number(page: str):
    rows = {line.split(" | ")[1]: line for line in page.partition("## Quick")[0].splitlines() if line[:3] == "| `"}
    assert "| 60 | 54 to 66 | 60 | 60 | +0.0 % | pass |" in rows["`eis-rate-2v-4v`"]
    assert "| -4.2 us | 3.78 to 4.62 | 4.2 | 4.2 | +0.0 % |" in rows["`otj-stdp-tau-ltd`"]  # its sign: the formula's
    assert "| 59.93 | −0.1 % | pass |" in render(_with(summary("eis-rate", **{"eis-rate-2v-4v": 59.93})))
    assert rows["`qd-levels-count`"].endswith("| 8 or more | 8 | – | +0.0 % / – | pass / unsupported |")


def test_a_run_changes_its_own_rows_only(page: str):
    new = parse(page)
    new.add("full", [unsupported("eis-rate", "failed")])
    new.add("full", [summary("qd-levels", "vacask")])
    again = parse(render(new))
    assert again.found["full", "vacask", "eis-rate-2v-4v"] == ("", "failed")
    assert list(again.reasons) == [("full", "vacask", "eis-rate")]
    kept = {k: v for k, v in parse(page).found.items() if not (
        k[:2] == ("full", "vacask") and targets()[k[2]].experiment in ("eis-rate", "qd-levels"))}
    assert kept.items() < again.found.items()


def test_a_page_that_is_true_passes(page: str):
    again = parse(page)
    assert not differences(again, "full", [summary(name) for name in NAMES])
    assert not differences(again, "full", [unsupported("qd-levels"), summary("eis-rate", "vacask")])
    near = summary("eis-rate", **{"eis-rate-2v-4v": 61.7, "eis-open-circuit-voltage": -0.1525})
    assert not differences(again, "full", [near])
    zero = Page()
    zero.add("full", [summary("eis-rate", **{"eis-open-circuit-voltage": -8e-13})])
    assert not differences(zero, "full", [summary("eis-rate", **{"eis-open-circuit-voltage": 0.0})])
    assert not differences(again, "full", [summary("qd-levels", **{"qd-min-dv-order": "other words"})])


@pytest.mark.parametrize(("target", "old", "new", "found"), [
    ("eis-rate-2v-4v", "| 60 | 60 |", "| 62 | 60 |", "page 62, now 60"),
    ("eis-rate-2v-4v", "| 60 | 60 |", "| words | 60 |", "page words, now 60"),
    ("eis-rate-2v-4v", "| pass |", "| MISS / pass |", "page MISS (60), now pass (60)"),
    ("qd-min-dv-order", "| pass / uns", "| MISS / uns", "page MISS (words | with *signs* <"),
    ("otj-stdp-a-ltd", None, None, "not on the page"),
])
def test_a_changed_page_is_found(page: str, target: str, old: str | None, new: str | None, found: str):
    line = next(line for line in page.splitlines() if f"| `{target}` |" in line)
    assert old is None or old in line
    wrong = page.replace(line + "\n", "" if old is None or new is None else line.replace(old, new, 1) + "\n", 1)
    lines = differences(parse(wrong), "full", [summary(name) for name in NAMES])
    assert len(lines) == 1 and lines[0].startswith(f"{target} in ngspice (full): {found}")


def test_a_changed_result_is_found(page: str):
    again = parse(page)
    missed = {"eis-rate-2v-4v": 70.0, "eis-rate-2v-6v": float("nan")}
    assert differences(again, "full", [summary("eis-rate", **missed)]) == [
        "eis-rate-2v-4v in ngspice (full): page pass (60), now MISS (70)",
        "eis-rate-2v-6v in ngspice (full): page pass (1000), now MISS (nan)"]
    # A quick run is compared with quick numbers.
    assert not differences(again, "quick", [summary("eis-rate", **{"eis-rate-2v-4v": 61.0})])
    assert len(differences(again, "quick", [summary("eis-rate", **{"eis-rate-2v-4v": 58.0})])) == 1
    lost = summary("eis-rate")
    del lost["targets"][0]
    assert "on the page, not in the run" in differences(again, "full", [lost])[0]
    assert all("now failed" in line for line in differences(again, "full", [unsupported("eis-rate", "failed")]))
    assert len(differences(again, "full", [unsupported("eis-rate", "failed")])) == 3
    assert len(differences(again, "full", [summary("qd-levels", "vacask")])) == 3  # the page says unsupported


@pytest.mark.parametrize(("old", "new", "words"), [
    (None, "", "found no table of results.*Write it with"),
    (None, "# Some other page\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n", "no table of results"),
    ("`eis-rate-2v-4v`", "`eis-rate-2v-4w`", r"line \d+: found target 'eis-rate-2v-4w'.*or eis-rate-2v-4v"),
    ("`eis-rate-2v-6v`", "`eis-rate-2v-4v`", "'eis-rate-2v-4v' again"),
    ("| pass |", "| fine |", "verdict 'fine', expected one of pass, MISS"),
    ("| pass |", "| pass / pass / pass |", "for each of 2 engines"),
    ("| pass |", "|", r"8 cells, expected 9"),
])
def test_nonsense_is_refused(page: str, old: str | None, new: str, words: str):
    with pytest.raises(InputError, match=words):
        parse(new if old is None else page.replace(old, new, 1))


def _with(*summaries: dict[str, Any]) -> Page:
    new = Page()
    new.add("full", summaries)
    return new


# --- the page that is there -------------------------------------------------------------------------------------------


def test_the_page_in_docs_is_complete_and_of_these_tables():
    """Words, bounds and the list of what is missing are those of now; results of every experiment in both engines."""
    text = (ROOT / reproduction.PAGE).read_text()
    there = parse(text)
    assert render(there) == text, "run `spicemem reproduce` and `spicemem reproduce --quick`"
    for mode in ("full", "quick"):
        for engine in reproduction.DEFAULT_ENGINES:
            lost = {name for name in EXPERIMENTS for t in scored(name) if (mode, engine, t.id) not in there.found}
            assert not lost, f"spicemem reproduce {'--quick ' * (mode == 'quick')}{' '.join(sorted(lost))}"
    assert not [key for key, found in there.found.items() if found.verdict not in ("pass", "unsupported")]


# --- the command ------------------------------------------------------------------------------------------------------


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["reproduce", *map(str, arguments)])


def test_command_writes_checks_and_finds_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Any):
    require("ngspice")
    page, out = tmp_path / "page.md", tmp_path / "out"
    options = ("qd-loop", "--engine", "ngspice", "--quick", "-j", 1, "--page", page, "-o", out)
    result = call(*options)
    assert result.exit_code == 0, result.output
    written = json.loads((out / "qd-loop" / "ngspice" / "summary.json").read_text())
    assert written["status"] == "ok"
    assert {t for _, _, t in read(page).found} == {t.id for t in scored("qd-loop")}
    monkeypatch.setattr(reproduction, "run_all", lambda *a, **k: [written])
    assert call(*options, "--check").exit_code == 0
    before = page.read_text()
    line = next(line for line in before.splitlines() if line.startswith("| `qd-vd` | 3.9"))
    page.write_text(before.replace(line, line.replace("| 3.9", "| 3.7")))
    result = call(*options, "--check")
    assert result.exit_code == 1
    assert "qd-vd in ngspice (quick): page 3.7" in result.stdout
    assert "1 rows differ" in result.stderr and "spicemem reproduce --quick" in result.stderr
    assert read(page).found["quick", "ngspice", "qd-vd"].simulated.startswith("3.7")  # --check writes nothing


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (("qd-lop",), 1, "or qd-loop"),
    (("qd-loop", "--engine", "spectre"), 1, "Did you mean ngspice"),
    (("qd-loop", "--engine", "reference"), 3, "engine reference: not today"),
    (("qd-loop", "--page", "{}/none/page.md"), 1, "no folder"),
    (("qd-loop", "--check", "--page", "{}/page.md"), 1, "No such file"),
])
def test_what_cannot_be_is_refused_before_anything_runs(arguments: tuple[str, ...], status: int, words: str,
                                                        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, answer in (("ngspice", (True, "")), ("vacask", (True, "")), ("reference", (False, "not today"))):
        monkeypatch.setattr(engines.ENGINES[name], "available", lambda answer=answer: answer, raising=False)
    monkeypatch.setattr(reproduction, "run_all", lambda *a, **k: pytest.fail("it ran"))
    result = call(*(a.format(tmp_path) for a in arguments))
    assert result.exit_code == status and words in result.stderr and len(result.stderr.splitlines()) == 1


def test_missed_and_failed_are_written_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines.ENGINES["vacask"], "available", lambda: (True, ""), raising=False)
    monkeypatch.setattr(reproduction, "run_all", lambda *a, **k: [
        {**summary("eis-rate", "vacask", **{"eis-rate-2v-4v": 70.0}), "status": "missed", "reason": "targets missed"},
        unsupported("qd-levels", "failed"), unsupported("otj-stdp")])
    page = tmp_path / "page.md"
    result = call("--engine", "vacask", "--page", page)
    assert result.exit_code == 1 and "2 of 3 runs" in result.stderr
    verdicts = {t: found.verdict for (_, _, t), found in read(page).found.items()}
    assert verdicts["eis-rate-2v-4v"] == "MISS" and verdicts["qd-levels-count"] == "failed"
    assert verdicts["otj-stdp-tau-ltd"] == "unsupported"


def test_a_bug_in_one_experiment_is_its_own_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def crash(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(reproduction, "run_experiment", crash)
    found = reproduction._run("qd-loop", "reference", tmp_path, True)
    assert (found["status"], found["reason"]) == ("failed", "ZeroDivisionError: a bug")
    assert render(_with(found)).count("`qd-loop` in reference: failed: ZeroDivisionError: a bug") == 1


def test_ctrl_c_ends_workers_and_simulators(tmp_path: Path, require: Any):
    require("ngspice")
    page, temp = tmp_path / "page.md", tmp_path / "tmp"
    temp.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-c", "from spicemem.cli import main; main()", "reproduce", "eis-stdp", "-e", "ngspice",
         "-j", "1", "-o", str(tmp_path / "out"), "--page", str(page)], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(temp)})
    deadline = time.monotonic() + 60
    while not list(temp.glob("spicemem-ngspice-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    out, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (130, "interrupted\n"), out
    assert not page.exists() and not list(temp.glob("spicemem-ngspice-*"))
    deadline = time.monotonic() + 10  # a helper of multiprocessing notices a little later that its parent is gone
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(running.pid, 0)
            time.sleep(0.02)
