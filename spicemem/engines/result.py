"""What a run gives back: named waveforms with units, and a state that another run can go on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.errors import InputError, nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, Array]):
    """Waveforms by name, all of one length: "v(net)", "i(part)", "device.state", "device.local", "v(device.node)".

    time: s (for a sweep: the swept value). units: SI unit by name. engine, version: what computed it. Current sign:
    from p through the part to n, as SPICE has it. warnings: what the log said and a reader should know. stored: whether
    it comes out of a store of finished runs; wall_s (s) is the time that this call took, reading included.
    """

    time: Array
    signals: Mapping[str, Array]
    units: Mapping[str, str]
    engine: str
    version: str
    wall_s: float
    final: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    stored: bool = False

    def __getitem__(self, name: str) -> Array:
        if name == "time":
            return self.time
        if name not in self.signals:
            raise InputError(f"signal {name!r}", found="not in this result", expected="one that was saved",
                             remedy=nearest(name, self.signals))
        return self.signals[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.signals)

    def __len__(self) -> int:
        return len(self.signals)

    def at(self, name: str, t: ArrayLike) -> Any:
        """The signal at time t (s), linear between points."""
        return np.interp(np.asarray(t, dtype=np.float64), self.time, self[name])

    def final_state(self) -> dict[str, float]:
        """Device states, voltages of charged nets and inductor currents at the end, for `engine.run(initial=...)`."""
        return dict(self.final)

    def to_dataframe(self) -> Any:
        """A pandas DataFrame indexed by time; column names carry the units: "v(gate) [V]"."""
        import pandas as pd

        columns = {f"{name} [{self.units[name]}]": values for name, values in self.signals.items()}
        return pd.DataFrame(columns, index=pd.Index(self.time, name="time [s]"))

    def to_xarray(self) -> Any:
        """An xarray Dataset over time with `units` attributes."""
        import xarray as xr

        data = {name: ("time", values, {"units": self.units[name]}) for name, values in self.signals.items()}
        return xr.Dataset(data, coords={"time": ("time", self.time, {"units": "s"})},
                          attrs={"engine": self.engine, "engine_version": self.version})
