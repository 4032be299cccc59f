"""Signals over one axis, from a run of this package or from a file of another simulator, as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spicemem.engines.result import Result
from spicemem.errors import InputError, nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Signals over one axis. What is wrong with the numbers (nan, time that runs back) is for a comparison to find.

    time: n numbers. signals: n numbers each, by name. units: SI unit by name, "" where nobody said. axis, axis_unit:
    what `time` is. source: what findings call it. about: what made it, for a golden's file.
    Raises InputError for arrays of other shapes and for no signals.
    """

    time: Array
    signals: Mapping[str, Array]
    units: Mapping[str, str]
    source: str = "the run"
    axis: str = "time"
    axis_unit: str = "s"
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            time = np.asarray(self.time, dtype=np.float64)
            signals = {name: np.asarray(values, dtype=np.float64) for name, values in self.signals.items()}
        except (TypeError, ValueError) as error:
            raise InputError(f"waveforms of {self.source}", found=str(error), expected="real numbers") from None
        if time.ndim != 1 or not signals:
            raise InputError(f"waveforms of {self.source}", found=f"time of shape {time.shape}, {len(signals)} signals",
                             expected="one list of times and at least one signal")
        for name, values in signals.items():
            if values.shape != time.shape:
                raise InputError(f"{self.source}: {name}", found=f"shape {values.shape}", expected=f"{time.shape}, as "
                                 "its times have")
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "signals", signals)
        object.__setattr__(self, "units", {name: self.units.get(name, "") for name in signals})

    @classmethod
    def of(cls, given: Result | Waveforms | Mapping[str, object], units: Mapping[str, str] | None = None,
           source: str = "the run") -> Waveforms:
        """A run's result, waveforms, or a mapping of "time" and signals to lists of numbers (units: by name)."""
        if isinstance(given, Waveforms):
            return given
        if isinstance(given, Result):
            return cls(given.time, dict(given.signals), given.units, source,
                       about={"engine": given.engine, "version": given.version})
        if not isinstance(given, Mapping) or "time" not in given:
            raise InputError(f"waveforms of {source}", found=type(given).__name__ if not isinstance(given, Mapping) else
                             f"a mapping of {', '.join(map(str, given))}",
                             expected='a Result, Waveforms or a mapping of "time" and signals to numbers')
        return cls(given["time"], {name: values for name, values in given.items() if name != "time"},  # type: ignore[arg-type,misc]
                   units or {}, source)

    def only(self, names: Iterable[str]) -> Waveforms:
        """These signals alone. Raises InputError for one that is not there."""
        names = list(names)
        for name in names:
            if name not in self.signals:
                raise InputError(f"{self.source}: signal {name!r}", found="not there", expected="one that it has",
                                 remedy=nearest(name, self.signals))
        return Waveforms(self.time, {n: self.signals[n] for n in names}, self.units, self.source, self.axis,
                         self.axis_unit, self.about)

    def renamed(self, names: Mapping[str, str]) -> Waveforms:
        """Signals under other names (old: new; capitals of old ones do not matter), the rest as they are.

        Raises InputError for one that is not there, and where two would have one name.
        """
        known = {name.lower(): name for name in self.signals}
        table: dict[str, str] = {}
        for old, new in names.items():
            found = old if old in self.signals else known.get(old.lower())
            if found is None:
                raise InputError(f"{self.source}: signal {old!r}", found="not there", expected="one that it has",
                                 remedy=nearest(old, self.signals))
            table[found] = new
        fresh = [table.get(name, name) for name in self.signals]
        twice = {name for name in fresh if fresh.count(name) > 1}
        if twice:
            raise InputError(f"{self.source}: names of signals", found=f"{min(twice)!r} twice", expected="each once")
        return Waveforms(self.time, dict(zip(fresh, self.signals.values(), strict=True)),
                         {table.get(name, name): unit for name, unit in self.units.items()}, self.source, self.axis,
                         self.axis_unit, self.about)
