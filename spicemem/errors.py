"""Errors of spicemem: each names the thing, what was found, what was expected and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class SpicememError(Exception):
    """Base of every error a user can cause. `str()` of it is one clear message.

    what: which thing is wrong, by name. found, expected: the two sides. remedy: what to write or do instead.
    """

    def __init__(self, what: str, *, found: object = None, expected: object = None, remedy: str | None = None):
        self.what, self.found, self.expected, self.remedy = what, found, expected, remedy
        text = what
        if found is not None:
            text += f": found {found}"
        if expected is not None:
            text += f"{',' if found is not None else ':'} expected {expected}"
        if remedy:
            text += f". {remedy}" if not text.endswith(".") else f" {remedy}"
        # Names of files and words of other people's models stand in messages: one line, and no codes of a terminal.
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process pools: rebuild from the state, since __init__ takes keywords only.
        return (_rebuild, (type(self), str(self), self.__dict__))


def _rebuild(kind: type[SpicememError], text: str, state: dict[str, object]) -> SpicememError:
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    error.__dict__.update(state)
    return error


class ModelError(SpicememError):
    """A device definition, or the values given to a device, are wrong."""


class DimensionError(ModelError):
    """An equation adds, compares or yields quantities of different dimension."""


class CircuitError(SpicememError):
    """A circuit is wired or named wrongly."""


class WaveformError(SpicememError):
    """A stimulus is not a proper piecewise-linear function of time."""


class CurveError(SpicememError):
    """A curve is malformed, or cannot be fitted or compared."""


class RenderError(SpicememError):
    """A thing cannot be written for a target."""


class InputError(SpicememError):
    """A name, number or option from the command line or a file is wrong."""


class EngineError(SpicememError):
    """An engine is missing, or cannot do what is asked of it (a real limit of that engine)."""


class SimulationError(SpicememError):
    """A run failed. `folder` keeps the netlist and the log; it is None where nothing was written."""

    def __init__(
        self, what: str, *, found: object = None, expected: object = None, remedy: str | None = None,
        folder: Path | None = None,
    ):
        kept = f"netlist and log kept in {folder}" if folder else None
        super().__init__(what, found=found, expected=expected, remedy=". ".join(filter(None, (remedy, kept))) or None)
        self.folder = folder


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests the nearest known names, for a remedy."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.5)
    hits = [n for n in names if n.lower() in close]
    if hits:
        return f"Did you mean {' or '.join(hits)}?"
    return f"Known: {', '.join(names)}" if names else "None are defined"
