"""The report: is all that was asked for on the page, is the page safe and readable, and is nothing half-written?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pytest
from PIL import Image
from typer.testing import CliRunner

import spicemem.commands.report  # noqa: F401  (registers the command)
from spicemem import __version__, reproduction
from spicemem.commands.base import app
from spicemem.devices import DEVICES
from spicemem.errors import InputError, SimulationError
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import code, targets_of
from spicemem.report import gather as g
from spicemem.report import page as p
from spicemem.reproduction import scored

ROOT = Path(__file__).parent.parent
NOWHERE = ROOT / "tests"  # without docs and benchmarks
NAMES, ENGINES = ("qd-loop", "eis-energy"), ("ngspice", "vacask")
VERSION = {"ngspice": "46", "vacask": "0.3.4.dev3"}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} <!--"


# --- what a page may and may not be -----------------------------------------------------------------------------------


class Reader(HTMLParser):
    """What a browser would make of a page, as far as these tests ask."""

    VOID = {"meta", "input", "img", "br", "hr"}
    #: Their end tag may be left out.
    LOOSE = {"option"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self.open if tag not in self.LOOSE]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in self.VOID | self.LOOSE:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.LOOSE and (not self.open or self.open.pop() != tag):
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def faults(text: str) -> list[str]:
    """What is wrong with a page: code or resources that are not its own, lost anchors, headings, texts of pictures."""
    r = Reader(text)
    found = list(r.wrong)
    found += [f"{len(r.all('script'))} scripts"] if len(r.all("script")) != 1 else []
    ids = Counter(a["id"] for _, a in r.tags if "id" in a)
    found += [f"id {id} twice" for id, count in ids.items() if count > 1]
    levels = [int(tag[1]) for tag, _ in r.tags if re.fullmatch("h[1-6]", tag)]
    found += [f"h{b} after h{a}" for a, b in zip([0, *levels], levels, strict=False) if b > a + 1]
    for tag, attrs in r.tags:
        found += [f"<{tag} {name}>" for name in attrs if name.startswith("on") or name in ("srcdoc", "style", "action")]
        src = attrs.get("src", "data:image/")
        found += [f"<{tag} src={src[:40]}>"] if not src.startswith("data:image/") else []
        target = attrs.get("href", "#")
        if target.startswith("#") and tag == "a" and target != "#" and target[1:] not in ids:
            found.append(f"no anchor {target}")
        if not target.startswith(("#", "https://")) or (tag != "a" and "href" in attrs):
            found.append(f"<{tag} href={target}>")
        if tag in ("iframe", "object", "embed", "base", "link", "form") and attrs.get("id") != "filter":
            found.append(f"<{tag}>")
    found += ["a picture without words" for a in r.all("img") if not a.get("alt") or a.get("loading") != "lazy"]
    html = r.all("html")
    found += ["no language"] if not html or not html[0].get("lang") else []
    if not any("default-src 'none'" in a.get("content", "") for a in r.all("meta")):
        found.append("anything may be loaded")
    found += [f"the style loads {what}" for what in re.findall(r"@import[^;]*|url\([^)]*\)", text)]
    return found


GOOD = ('<html lang="en"><meta content="default-src \'none\'"><h1 id="a">x</h1><h2>y</h2>'
        '<img src="data:image/webp;base64,AA" alt="z" loading="lazy"><a href="#a">b</a><script>1</script></html>')


@pytest.mark.parametrize(("old", "new"), [
    ("<script>", "<script>2</script><script>"), ("<h2>", '<h2 id="a">'), ("<h2>y</h2>", "<h3>y</h3>"),
    ("<h2>", '<h2 onclick="x()">'), ("data:image/webp;base64,AA", "https://example.org/x.png"), ('"#a"', '"#b"'),
    ('"#a"', '"javascript:x()"'), (' alt="z"', ""), (' loading="lazy"', ""), (' lang="en"', ""),
    ("default-src", "img-src"), ("<h2>", '<link rel="stylesheet" href="https://example.org"><h2>'),
    ("y</h2>", "y"), ("<h2>", "<style>@import 'x';</style><h2>"), ("<h2>", "<h2></p>"), ('"#a"', '"other.html"'),
])
def test_the_checks_catch(old: str, new: str) -> None:
    assert not faults(GOOD)
    assert faults(GOOD.replace(old, new))


# --- results to show --------------------------------------------------------------------------------------------------


def summary(name: str, engine: str, **changes: Any) -> dict[str, Any]:
    rows = [{"id": t.id, "quantity": t.reading, "source": t.source, "published": t.published, "simulated": 12.5,
             "unit": t.unit, "low": t.low, "high": t.high, "pass": True} for t in targets_of(name)]
    return {"experiment": name, "status": "ok", "reason": "", "engine": engine, "engine_version": VERSION[engine],
            "spicemem": __version__, "code": code(), "quick": False, "targets": rows, "curves": [], "wall_s": 1.5,
            "pictures": ["loop.png"], "tables": {}, "remarks": [], "finished": "2026-01-02T03:04:05+00:00", **changes}


def put(folder: Path, found: dict[str, Any], picture: str = "loop.png") -> Path:
    place = folder / found["experiment"] / found["engine"]
    place.mkdir(parents=True, exist_ok=True)
    (place / "summary.json").write_text(json.dumps(found))
    Image.new("RGB", (300, 200), "white").save(place / picture)
    return place


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two experiments on two engines, all met."""
    for name in NAMES:
        for engine in ENGINES:
            put(tmp_path / "results", summary(name, engine))
    return tmp_path / "results"


def show(folder: Path, names: Any = NAMES, docs: Path = NOWHERE, **options: Any) -> tuple[g.Report, str]:
    report = g.gather(names, ENGINES, folder, **{"run": False, "devices": False, **options}, docs=docs)
    text = p.render(report)
    assert not faults(text)
    return report, text


def test_a_page_shows_it_all(results: Path) -> None:
    report, text = show(results, docs=ROOT)
    words = Reader(text).text()
    ids = {a["id"] for _, a in Reader(text).tags if "id" in a}
    assert set(NAMES) <= ids
    for name in NAMES:
        assert EXPERIMENTS[name].title in words
        for target in scored(name):
            assert target.id in words and " ".join(target.reading.split()) in words
        assert words.count(f"ngspice: {len(scored(name))} of {len(scored(name))} met") == 1
    assert "12.5" in words and "1.5 s" in words and "2026-01-02 03:04 UTC" in words
    assert f"spicemem {__version__}" in words and "Python" in words and "numpy" in words
    assert len(Reader(text).all("img")) == len(NAMES)
    counts = p.verdicts(report)
    every = sum(len(scored(name)) for name in NAMES)
    assert counts == {"ngspice": ("46", [every, 0, 0, 0, 0]), "vacask": ("0.3.4.dev3", [every, 0, 0, 0, 0])}
    assert "Missed, failed, not run" not in words
    # every generated page, as a table and not as bars and dashes
    for path in g.PAGES:
        assert f"page-{Path(path).stem}".replace("_", "-") in ids
    assert len(Reader(text).all("table")) > 10 and "| --- |" not in words and "|---|" not in words
    assert 'href="#page-reproduction"' in text  # a link of one page to another


def test_all_experiments_have_a_place(tmp_path: Path) -> None:
    report, text = show(tmp_path, names=())
    assert report.names == list(EXPERIMENTS)
    r = Reader(text)
    assert set(EXPERIMENTS) <= {a["id"] for _, a in r.tags if "id" in a}
    assert sum(a.get("class") == "card" for a in r.all("article")) == len(EXPERIMENTS)
    every = sum(len(scored(name)) for name in EXPERIMENTS)
    assert p.verdicts(report)["vacask"] == ("–", [0, 0, 0, 0, every])
    assert "there is no result" in r.text()


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({"status": "failed", "reason": "the matrix is singular", "targets": []}, "failed", "the matrix is singular"),
    ({"status": "unsupported", "reason": "no such part there", "targets": []}, "unsupported", "no such part there"),
    ({"status": "missed", "reason": "targets missed: qd-a"}, "missed", "targets missed: qd-a"),
    ({"targets": 7}, "unreadable", "cannot be read: TypeError"),
    ({"engine": "vacask"}, "unreadable", "it is of qd-loop in vacask"),
    ({"wall_s": "soon"}, "unreadable", "ValueError"),
    ({"finished": "yesterday"}, "unreadable", "ValueError"),
    ({"status": "fine"}, "unreadable", "status 'fine'"),
])
def test_what_is_wrong_is_said(results: Path, changes: dict[str, Any], status: str, words: str) -> None:
    place = results / "qd-loop/ngspice"
    (place / "summary.json").write_text(json.dumps(summary("qd-loop", "ngspice") | changes))
    report, text = show(results)
    assert report.runs["qd-loop", "ngspice"].status == status
    assert words in Reader(text).text()
    if status != "unsupported":
        assert "Missed, failed, not run" in text
    assert report.runs["qd-loop", "vacask"].status == "ok"


@pytest.mark.parametrize("broken", [b"", b"{", b"[1]", b"\xff\xfe", b'{"experiment": "qd-loop"}', b"null"])
def test_a_file_that_is_no_summary(results: Path, broken: bytes) -> None:
    (results / "qd-loop/ngspice/summary.json").write_bytes(broken)
    report, text = show(results)
    assert report.runs["qd-loop", "ngspice"].status == "unreadable" and "cannot be read" in text
    assert p.verdicts(report)["ngspice"][1][4] == len(scored("qd-loop"))  # no verdict is made up


def test_a_target_that_a_result_does_not_have(results: Path) -> None:
    """A row that is newer than the result is not met."""
    found = summary("qd-loop", "vacask")
    put(results, found | {"targets": found["targets"][1:]})
    report, text = show(results)
    count = len(scored("qd-loop"))
    assert p.verdicts(report)["vacask"][1][4] == 1 and 'data-state="not run"' in text
    assert f"vacask: {count - 1} of {count} met" in text


def test_a_missed_target(results: Path) -> None:
    found = summary("qd-loop", "vacask", status="missed", reason="targets missed: x")
    found["targets"][0].update({"pass": False, "simulated": -3.25})
    put(results, found)
    report, text = show(results)
    assert p.verdicts(report)["vacask"][1][:2] == [sum(len(scored(n)) for n in NAMES) - 1, 1]
    assert "-3.25" in text and 'data-state="missed"' in text and 'data-state="failed"' not in text


def test_no_picture_and_a_broken_one(results: Path) -> None:
    (results / "qd-loop/ngspice/loop.png").write_bytes(b"\x89PNG but not really")
    _, text = show(results)
    assert "loop.png cannot be shown: UnidentifiedImageError" in text
    (results / "qd-loop/ngspice/loop.png").unlink()
    assert "loop.png cannot be shown: FileNotFoundError" in show(results)[1]
    for engine in ENGINES:
        put(results, summary("qd-loop", engine, pictures=[]))
    assert "the experiment draws none" in show(results)[1]


@pytest.mark.parametrize(("changes", "marks"), [
    ({}, []),
    ({"quick": True}, ["quick: fewer points"]),
    ({"code": "0"}, [f"of another state of spicemem {__version__}"]),
    ({"spicemem": "0.0.1"}, [f"of spicemem 0.0.1, this is {__version__}"]),
    ({"spicemem": None}, ["of a spicemem that did not say its version"]),
    ({"engine_version": "45"}, ["of ngspice 45, here is 46"]),
])
def test_marks(results: Path, changes: dict[str, Any], marks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(g, "_installed", lambda engine: (VERSION[engine.name], ""))
    place = put(results, summary("qd-loop", "ngspice", **changes)).parents[1]
    assert g.read_run(place, "qd-loop", "ngspice", "46").marks == marks
    text = p.render(g.gather(NAMES, ["ngspice"], results, run=False, devices=False, docs=ROOT))
    assert ('data-old="yes"' in text) == bool(marks)
    for mark in marks[:1]:
        assert mark.split(",")[0] in text


# --- hostile words ----------------------------------------------------------------------------------------------------


def hostile(folder: Path) -> Path:
    table = {HOSTILE: {"columns": [HOSTILE], "rows": [[HOSTILE]]}}
    found = summary("qd-loop", "ngspice", status="missed", reason=HOSTILE, engine_version=HOSTILE, remarks=[HOSTILE],
                    tables=table, spicemem=HOSTILE)
    for row in found["targets"]:
        row["simulated"] = HOSTILE
    put(folder, found)
    put(folder, summary("eis-energy", "ngspice", status="failed", reason=HOSTILE, targets=[],
                        pictures=[HOSTILE, "../../../secret.png"]))
    (folder / HOSTILE.replace("/", "_") / "vacask").mkdir(parents=True)
    (folder / HOSTILE.replace("/", "_") / "vacask/summary.json").write_text("{}")
    docs = folder / "repository/docs"
    docs.mkdir(parents=True)
    (docs / "portability.md").write_text(
        f"# {HOSTILE}\n\n{HOSTILE}\n\n[a](javascript:alert(3)) [b](data:text/html,x) ![c](http://example.org/c.png) "
        f"[d](../secret.md)\n\n<div onclick='x()'>\n\n| {HOSTILE} |\n|---|\n| {HOSTILE} |\n")
    return folder / "repository"


def test_hostile_words_are_words(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    docs = hostile(results)
    for name in NAMES:
        bad = replace(EXPERIMENTS[name], title=HOSTILE, paper=f'doi:10.1234/x"{HOSTILE}')
        monkeypatch.setitem(EXPERIMENTS, name, bad)
    _, text = show(results, docs=docs)
    words = Reader(text).text()
    assert words.count(" ".join(HOSTILE.split())) > 12 and "{{ 7*7 }}" in words and "secret" not in str(
        Reader(text).all("img"))
    # the same without escaping is what the checks would have found
    env = jinja2.Environment(loader=jinja2.PackageLoader("spicemem", "report"), autoescape=False, trim_blocks=True)
    env.filters.update(p._environment().filters)
    monkeypatch.setattr(p, "_environment", lambda: env)
    found = faults(p.render(g.gather(NAMES, ENGINES, results, run=False, devices=False, docs=docs)))
    assert "<img onerror>" in found and any("scripts" in fault for fault in found)


# --- generated pages --------------------------------------------------------------------------------------------------


def test_markdown() -> None:
    text = p._markdown("# T\n\n## A\n\n#### B\n\n| a | b |\n|---|---|\n| `x` | **1** |\n\n[r](reproduction.md#x) "
                       "[s](other.md) [t](https://example.org)\n\nlast <br>\n", {"reproduction.md": "page-r"})
    assert "T" not in Reader(text).text() and "<h4>A</h4>" in text and "<h6>B</h6>" in text
    assert '<div class="scroll" tabindex="0"><table>' in text and "<td><strong>1</strong></td>" in text
    assert '<a href="#page-r">r</a>' in text and "<a>s</a>" in text and '<a href="https://example.org">t</a>' in text
    assert "&lt;br&gt;" in text


def test_without_the_repository(results: Path, tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/new.md").write_text("# New\n\nwords of it\n")
    (tmp_path / "benchmarks/README.md").write_text("# Not this\n")
    (tmp_path / "benchmarks/accuracy.md").write_bytes(b"\xff")
    _, text = show(results, docs=tmp_path)
    words = Reader(text).text()
    assert "docs/portability.md: not found in" in words and "--docs names the folder" in words
    assert "words of it" in words and "Not this" not in words and "benchmarks/accuracy.md: cannot be read" in words


# --- size, style ------------------------------------------------------------------------------------------------------


def test_the_page_is_small_enough(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.effect_noise((1600, 300), 90).save(results / "qd-loop/ngspice/loop.png")
    report, text = show(results)
    assert Reader(text).all("img")[0]["width"] == "1280" and len(text) > 100_000
    monkeypatch.setattr(p, "LARGEST", len(text) - 20_000)
    smaller = p.render(report)
    assert len(smaller) < p.LARGEST and int(Reader(smaller).all("img")[0]["width"]) < 1280
    monkeypatch.setattr(p, "LARGEST", 1000)
    with pytest.raises(InputError, match="below 0 MB"):
        p.render(report)


def contrast(one: str, other: str) -> float:
    """Of two colours, by WCAG 2."""
    def light(colour: str) -> float:
        parts = [int(colour[k:k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") < 4.5
    style = (files("spicemem") / "report/style.css").read_text()
    palettes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
                for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)]
    assert len(palettes) == 2 and set(palettes[0]) == set(palettes[1])
    for colours in palettes:
        pairs = [(text, ground) for text in ("text", "dim", "link", "bad") for ground in ("ground", "panel")]
        pairs += [(name, f"{name}-ground") for name in ("good", "bad", "warn", "grey")]
        assert not {pair for pair in pairs if contrast(*(colours[name] for name in pair)) < 4.5}


# --- running what is missing ------------------------------------------------------------------------------------------


def test_only_what_is_missing_is_run(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(g, "_installed", lambda engine: (VERSION[engine.name], ""))
    asked = []

    def run_all(names: Any, engines: Any, folder: Path, **options: Any) -> list[dict[str, Any]]:
        asked.append((list(names), list(engines), options["quick"]))
        return [put(folder, summary(n, e)) and summary(n, e) for n in names for e in engines]

    monkeypatch.setattr(reproduction, "run_all", run_all)
    g.gather(NAMES, ENGINES, results, devices=False)
    assert not asked
    shutil.rmtree(results / "qd-loop/vacask")
    put(results, summary("eis-energy", "ngspice", status="failed", reason="x", targets=[]))
    report = g.gather(NAMES, ENGINES, results, devices=False, quick=True)
    assert asked == [(["qd-loop"], ["vacask"], True)] and report.runs["qd-loop", "vacask"].status == "ok"
    assert report.runs["eis-energy", "ngspice"].status == "failed"
    asked.clear()
    put(results, summary("eis-energy", "vacask", quick=True))
    g.gather(NAMES, ENGINES, results, devices=False, renew=True)
    assert asked == [(["eis-energy"], ["ngspice", "vacask"], False)]


def test_a_run_that_fails_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug leaves no file, a killed worker no summary at all: both are there with the reason."""
    monkeypatch.setattr(g, "_installed", lambda engine: (VERSION[engine.name], ""))
    monkeypatch.setattr(reproduction, "run_all", lambda *args, **options: [
        {"experiment": "qd-loop", "engine": "vacask", "engine_version": "1", "status": "failed",
         "reason": "ZeroDivisionError: a bug", "targets": []}])
    report = g.gather(["qd-loop"], ["vacask"], tmp_path, devices=False)
    assert report.runs["qd-loop", "vacask"].status == "failed"
    assert "ZeroDivisionError: a bug" in Reader(p.render(report)).text()

    def killed(names: Any, engines: Any, folder: Path, **options: Any) -> list[dict[str, Any]]:
        put(folder, summary("qd-loop", "vacask"))
        raise SimulationError("reproduction", found="a worker process that was killed")

    monkeypatch.setattr(reproduction, "run_all", killed)
    report = g.gather(NAMES, ["vacask"], tmp_path, devices=False)
    assert report.runs["qd-loop", "vacask"].status == "ok"
    assert "worker process that was killed" in report.runs["eis-energy", "vacask"].reason
    assert not faults(p.render(report))


def test_an_engine_that_is_not_here(tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spicemem import engines

    monkeypatch.setattr(type(engines.get("ngspice")), "available", lambda self: (False, "not on the PATH"))
    (results / "qd-loop/ngspice/summary.json").unlink()
    report, text = show(results, run=True, names=["qd-loop"])
    assert report.runs["qd-loop", "ngspice"].reason == "engine ngspice: not on the PATH"
    assert "not on the PATH" in text and report.runs["qd-loop", "vacask"].status == "ok"


def test_data_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Any) -> None:
    require("vacask")
    monkeypatch.setattr(g, "DEVICES", {name: DEVICES[name] for name in ("mott", "eis")})
    real = g.data_sheet

    def data_sheet(device: Any, engine: Any) -> Any:
        if device.definition.name == "eis":
            raise RuntimeError("a bug of eis")
        return real(device, engine)

    monkeypatch.setattr(g, "data_sheet", data_sheet)
    report = g.gather(["qd-loop"], ["vacask"], tmp_path, docs=ROOT, run=False)
    assert [s.reason for s in report.sheets] == ["the data sheet was not made"] * 2
    mott, eis = g._sheets(tmp_path, {"vacask": ("1", "")}, True, False, 1, lambda *_: None)
    assert mott.figures["threshold"] and not mott.marks and not mott.reason and mott.made_by.startswith("vacask")
    assert "a bug of eis" in eis.reason and not eis.pictures
    monkeypatch.setattr(g, "_make_sheet", lambda folder, engine, name: pytest.fail(name) if name == "mott" else None)
    g._sheets(tmp_path, {"vacask": ("1", "")}, True, False, 1, lambda *_: None)  # what is there is not made again
    text = p.render(g.gather(["qd-loop"], ["vacask"], tmp_path, docs=ROOT, run=False))
    assert not faults(text) and 'id="device-mott"' in text and "a bug of eis" in text


# --- the command ------------------------------------------------------------------------------------------------------


def spicemem_(*words: object) -> Any:
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_the_command(tmp_path: Path, require: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real run, and the second time nothing is run."""
    require("vacask")
    words = ("qd-loop", "--quick", "-e", "vacask", "--no-devices", "--from", tmp_path / "r", "-o", tmp_path / "o",
             "--docs", ROOT)
    done = spicemem_(*words)
    assert done.exit_code == 0 and f"vacask: {len(scored('qd-loop'))} met" in done.output, done.output
    file = tmp_path / "r/qd-loop/vacask/summary.json"
    made, found = file.stat().st_mtime_ns, json.loads(file.read_text())
    assert len(found["code"]) == 12
    monkeypatch.setattr(g, "code", lambda: found["code"])  # the sources may be edited while tests run
    assert spicemem_(*words).exit_code == 0 and file.stat().st_mtime_ns == made
    text = (tmp_path / "o/index.html").read_text()
    assert not faults(text) and "quick: fewer points" in text and "another state of spicemem" not in text
    assert text.count("data:image/webp") == len(found["pictures"]) > 1
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["index.html"]


@pytest.mark.parametrize(("words", "message"), [
    (["qd-lop"], "or qd-loop or"), (["-e", "hspice"], "engine: found 'hspice'"),
    (["--from", "{file}/x"], "cannot be written"), (["-o", "{file}"], "cannot be written"),
])
def test_wrong_words(tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "file").write_text("")
    words = [word.replace("{file}", str(tmp_path / "file")) for word in words]
    done = spicemem_("--no-devices", *(["-o", tmp_path / "o"] if "-o" not in words else []), *words)
    assert done.exit_code == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.output
    assert not (tmp_path / "o").exists()


def test_no_half_page(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Any) -> None:
    """A full disk and Ctrl-C leave the page of before."""
    words = (*NAMES, "--no-run", "--no-devices", "--from", results, "-o", tmp_path / "o", "--docs", tmp_path)
    assert spicemem_(*words).exit_code == 0
    before = (tmp_path / "o/index.html").read_bytes()
    put(results, summary("qd-loop", "vacask", remarks=["new"]))

    with full_disk():
        done = spicemem_(*words)
    assert done.exit_code == 1 and "No space left on device" in done.stderr

    def interrupted(report: Any) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(p, "render", interrupted)
        assert spicemem_(*words).exit_code == 130
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["index.html"]
    assert (tmp_path / "o/index.html").read_bytes() == before


# --- the page about it ------------------------------------------------------------------------------------------------

TEXT = (ROOT / "docs/report.md").read_text()
COMMANDS = [line.split("#")[0].split()[1:] for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
            for line in block.splitlines()]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_page(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand there, on a result that is there; those that would run everything only show what is."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "reproduction-out", summary("qd-loop", "vacask"))
    assert words[0] == "report"
    done = spicemem_(*words[1:], *([] if "qd-loop" in words else ["--no-run"]))
    assert done.exit_code == 0, done.output
    assert (tmp_path / words[words.index("-o") + 1] / "index.html").exists()


def test_python_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, "docs/report.md", "exec"), {})
    assert not faults((tmp_path / "page.html").read_text())


def test_links_of_the_page() -> None:
    for name in re.findall(r"\]\(((?!http)[^)#]+)\)", TEXT):
        assert (ROOT / "docs" / name).exists(), name
    assert (ROOT / "docs/pictures/report.png").stat().st_size < 300_000


# --- in a browser -----------------------------------------------------------------------------------------------------


def measured(text: str, folder: Path, width: int) -> list[int]:
    """[width of the window, width of what is on the page, cards, cards that the filter leaves of "qd-loop"] in headless
    Chromium: in a frame, since its own window is never narrower than 500 pixels."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not here")
    (folder / "page.html").write_text(text.replace(
        "</body>", """<script>
        const found = [innerWidth, document.documentElement.scrollWidth, parseInt(count.textContent)];
        form.words.value = "qd-loop";
        form.dispatchEvent(new Event("input"));
        parent.postMessage([...found, parseInt(count.textContent)].join(), "*");
        </script></body>"""))
    (folder / "frame.html").write_text(
        "<script>addEventListener('message', (event) => { document.title = event.data })</script>"
        f'<iframe src="page.html" width="{width}" height="800" style="border: 0"></iframe>')
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
         "--hide-scrollbars", "--virtual-time-budget=3000", "--dump-dom", (folder / "frame.html").as_uri()],
        capture_output=True, text=True, timeout=120)
    title = re.search(r"<title>([\d,NaN]+)</title>", done.stdout)
    return [int(n) if n != "NaN" else -1 for n in title[1].split(",")] if title else []


@pytest.mark.full
@pytest.mark.parametrize("width", [390, 1280])
def test_in_chromium(results: Path, tmp_path: Path, width: int) -> None:
    put(results, summary("qd-loop", "ngspice", remarks=["a_very_long_word" * 40]))
    _, text = show(results)
    assert measured(text, tmp_path, width) == []  # its policy lets no script in that is not its own
    text = re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("<details>", "<details open>")
    assert measured(text, tmp_path, width) == [width, width, len(NAMES), 1]
    wide = text.replace("<main>", '<main><div style="width: 1400px">x</div>')
    assert measured(wide, tmp_path, width)[1] >= 1400
