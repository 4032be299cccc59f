"""Does docs/adding_a_device.md run? Its Python as it stands, in order, with the output it promises."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from spicemem.errors import SpicememError

DOCUMENT = (Path(__file__).parent.parent / "docs/adding_a_device.md").read_text(encoding="utf-8")


def steps(text: str) -> list[tuple[str, str | None]]:
    """Every block of Python with the text block that follows it directly, if one does."""
    found = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", text, re.DOTALL)
    return [(code, output or None) for code, output in found]


def play(text: str) -> dict[str, object]:
    """Run the blocks in one namespace; what each prints must be what stands below it."""
    space: dict[str, object] = {"__name__": "adding_a_device"}
    for number, (code, output) in enumerate(steps(text), 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"block {number} of docs/adding_a_device.md", "exec"), space)
        assert printed.getvalue() == (output or ""), f"block {number}"
    return space


def test_the_document_runs(tmp_path, monkeypatch, require):
    require("vacask")  # the default engine is ngspice or this one
    monkeypatch.chdir(tmp_path)
    space = play(DOCUMENT)
    assert (tmp_path / "loop.png").stat().st_size > 5_000
    assert len(steps(DOCUMENT)) == 5 and "TutorialRRAM" in space


def test_its_device_is_none_that_is_shipped():
    from spicemem.devices import DEVICES

    assert "tutorialrram" not in DEVICES


@pytest.mark.parametrize(("good", "bad"), [
    ('"g_off must be below g_on"', '"g_off must be above g_on"'), ('k = Param(1e-3, "1/s"', 'k = Param(1e-3, "V/s"'),
    ("from spicemem.render import render", "from spicemem.render import renders"),
])
def test_a_document_that_went_stale_is_caught(good, bad, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert good in DOCUMENT
    with pytest.raises((AssertionError, ImportError, SpicememError)):
        play(DOCUMENT.replace(good, bad))
