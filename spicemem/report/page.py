"""The report as one HTML page: everything it needs is inside, nothing of it comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from PIL import Image

from spicemem import engines
from spicemem.errors import InputError
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import Target
from spicemem.report.gather import FURTHER, THEMES, Report, Run, theme
from spicemem.reproduction import Found, allowed, difference, scored

#: No page is larger than this, bytes; its pictures are made smaller until it is not: (width in pixels, quality).
LARGEST = 15_000_000
SIZES = ((1280, 82), (960, 75), (720, 65), (480, 50))
#: What a target's verdict is called, in the order of the table of verdicts.
VERDICTS = {"pass": "met", "MISS": "missed", "failed": "failed", "unsupported": "unsupported", "not run": "not run"}
_DOI = re.compile(r"doi:(10\.\d{4,9}/[^\s,;()]+)")


class Picture(NamedTuple):
    """A picture inside the page: its data as a URI, pixels, and what it shows. Where it cannot be read, why."""

    uri: str
    width: int
    height: int
    alt: str
    reason: str = ""


@dataclass
class Card:
    """An experiment in the gallery. state: the worst of its verdicts. met: a state and words for it, by engine. rows:
    of published against simulated. drawn_by: the engine of the pictures, tables and remarks."""

    name: str
    title: str
    paper: str
    theme: str
    state: str
    runs: dict[str, Run]
    met: dict[str, tuple[str, str]]
    rows: list[Sequence[Any]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    drawn_by: str = ""

    @property
    def old(self) -> bool:
        """Whether one of its results has a mark."""
        return any(run.marks for run in self.runs.values())


def render(report: Report) -> str:
    """The page. Raises InputError where its tables alone are larger than a page may be."""
    text = ""
    for width, quality in SIZES:
        text = _render(report, width, quality)
        if len(text.encode()) < LARGEST:
            return text
    raise InputError("report", found=f"{len(text.encode()) / 1e6:.0f} MB", expected=f"below {LARGEST / 1e6:.0f} MB",
                     remedy="Name fewer experiments, or give --no-devices")


def _render(report: Report, width: int, quality: int) -> str:
    cards = [_card(report, name, width, quality) for name in report.names]
    themes = {name: [c for c in cards if c.theme == name] for name in (*THEMES, FURTHER)}
    anchors = {d.path.rpartition("/")[2]: _anchor(d.path) for d in report.documents if d.text}
    script = _own("filter.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return str(_environment().get_template("page.j2").render(
        report=report, cards=cards, themes={name: some for name, some in themes.items() if some},
        verdicts=verdicts(report), names=VERDICTS.values(), troubles=_troubles(report),
        sheets=[(s, [_picture(p, f"Data sheet of {s.name}: {s.title}", width, quality) for p in s.pictures])
                for s in report.sheets],
        documents=[(d, _anchor(d.path), _title(d.text), _markdown(d.text, anchors)) for d in report.documents],
        descriptions={name: engine.description for name, engine in engines.ENGINES.items()},
        style=Markup(_own("style.css")), script=Markup(script), digest=digest,
    ))


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    found = jinja2.Environment(loader=jinja2.PackageLoader("spicemem", "report"), undefined=jinja2.StrictUndefined,
                               autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.filters.update(slug=_slug, linked=_linked, seconds=_seconds)
    return found


def _own(name: str) -> str:
    return (files("spicemem") / "report" / name).read_text("utf-8")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _seconds(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _anchor(path: str) -> str:
    return f"page-{_slug(Path(path).stem)}"


def _linked(text: str) -> Markup:
    """A text with its digital object identifiers as links."""
    parts = _DOI.split(text)
    return Markup("").join(
        Markup('<a href="https://doi.org/{0}">doi:{0}</a>').format(part) if k % 2 else escape(part)
        for k, part in enumerate(parts))


# --- experiments ------------------------------------------------------------------------------------------------------


def _card(report: Report, name: str, width: int, quality: int) -> Card:
    experiment = EXPERIMENTS[name]
    runs = {engine: report.runs[name, engine] for engine in report.engines}
    targets = scored(name)
    counts = {engine: Counter(_found(run, t).verdict for t in targets) for engine, run in runs.items()}
    card = Card(name, experiment.title, experiment.paper, theme(experiment), _state(runs, counts), runs,
                {engine: _met(runs[engine], counts[engine]) for engine in runs})
    for t in targets:
        found = [_found(run, t) for run in runs.values()]
        published = f"{t.published} {'' if t.unit == '1' else t.unit}".strip()
        differences = list(dict.fromkeys(d for f in found if (d := difference(t, f.simulated))))
        card.rows.append((t, published, allowed(t.low, t.high), found, " / ".join(differences)))
    card.drawn_by = next((engine for engine, run in runs.items() if run.pictures), "")
    if card.drawn_by:
        card.pictures = [_picture(p, f"{experiment.title}: {p.stem.replace('-', ' ')}, simulated by {card.drawn_by}",
                                  width, quality) for p in runs[card.drawn_by].pictures]
        card.pictures.sort(key=lambda p: p.height > p.width)  # a tall one is too small to read in the gallery
    return card


def _found(run: Run, target: Target) -> Found:
    return run.found.get(target.id, Found("", "not run"))


def _state(runs: Mapping[str, Run], counts: Mapping[str, Counter[str]]) -> str:
    """The worst that there is, since that is what somebody who looks for trouble must find."""
    if any(run.status not in ("ok", "missed", "unsupported", "not run") for run in runs.values()):
        return "failed"
    if any(count["MISS"] for count in counts.values()):
        return "missed"
    if any(count["not run"] for count in counts.values()):
        return "not run"
    return "met" if any(run.status == "ok" for run in runs.values()) else "unsupported"


def _met(run: Run, count: Counter[str]) -> tuple[str, str]:
    if run.status not in ("ok", "missed"):
        return run.status, run.status
    state = "missed" if count["MISS"] else "met" if count["pass"] == count.total() else "not run"
    return state, f"{count['pass']} of {count.total()} met"


def verdicts(report: Report) -> dict[str, tuple[str, list[int]]]:
    """By engine: versions that the results are of, and how many targets have which of VERDICTS."""
    rows = {}
    for engine in report.engines:
        runs = {name: report.runs[name, engine] for name in report.names}
        count = Counter(_found(run, t).verdict for name, run in runs.items() for t in scored(name))
        versions = sorted({run.version for run in runs.values() if run.version})
        rows[engine] = (", ".join(versions) or "–", [count[v] for v in VERDICTS])
    return rows


def _troubles(report: Report) -> dict[tuple[str, str, str], list[str]]:
    """Experiments that are not as they should be by (engine, status, reason)."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for (name, engine), run in report.runs.items():
        if run.status not in ("ok", "unsupported"):
            found.setdefault((engine, run.status, run.reason), []).append(name)
    return found


# --- pictures and pages -----------------------------------------------------------------------------------------------


def _picture(path: Path, alt: str, width: int, quality: int) -> Picture:
    """A picture as WebP, at most `width` pixels wide."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGBA")
        flat = Image.new("RGB", small.size, "white")
        flat.paste(small, mask=small.getchannel("A"))
        if flat.width > width:
            flat = flat.resize((width, max(1, round(flat.height * width / flat.width))), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        flat.save(data, "webp", quality=quality, method=4)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Picture("", 0, 0, alt, f"{path.name} cannot be shown: {type(error).__name__}")
    return Picture("data:image/webp;base64," + base64.b64encode(data.getvalue()).decode(), flat.width, flat.height, alt)


def _title(text: str) -> str:
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")


def _markdown(text: str, anchors: Mapping[str, str]) -> Markup:
    """Markdown as HTML, its raw HTML as text. Headings go below those of the page; its title is left out. Links to
    pages of the report lead there (`anchors`, by file name), those to other files are text, and so are pictures."""
    parser: Any = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens: list[Token] = []
    title = False
    for token in parser.parse(text):
        if token.type in ("heading_open", "heading_close"):
            if token.tag == "h1":
                title = token.type == "heading_open"
                continue
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        if title:
            continue
        token.children = [_inline(child, anchors) for child in token.children] if token.children else token.children
        tokens.append(token)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _inline(token: Token, anchors: Mapping[str, str]) -> Token:
    if token.type == "image":
        return Token("text", "", 0, content=token.content)
    if token.type == "link_open":
        target = str(token.attrs.get("href", ""))
        name = target.partition("#")[0].rpartition("/")[2]
        if name in anchors and "//" not in target:
            token.attrs["href"] = f"#{anchors[name]}"
        elif not target.startswith(("https://", "http://")):
            del token.attrs["href"]  # an anchor without a target is text
    return token
