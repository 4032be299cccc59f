"""SPICE raw files, as ngspice and VACASK write them: read only when complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spicemem.engines.result import Array
from spicemem.errors import SimulationError

_MARK = b"Binary:\n"


def read_raw(path: Path, engine: str) -> dict[str, Array]:
    """Vectors by lower-case name as the simulator spells them, the axis first.

    Raises SimulationError when the file is missing, cut short or holds no point.
    """

    def bad(found: str) -> SimulationError:
        return SimulationError(f"{engine}: raw file {path.name}", found=found, expected="a complete raw file",
                               folder=path.parent)

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise bad("none") from None
    start = data.find(_MARK)
    if start < 0:
        raise bad("no data" if data else "an empty file")
    header = data[:start].decode(errors="replace").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in header)}
    try:
        variables, points = int(fields["No. Variables"]), int(fields["No. Points"])
        first = header.index("Variables:") + 1
        names = [line.split()[1].lower() for line in header[first:first + variables]]
    except (KeyError, ValueError, IndexError):
        raise bad("a header that cannot be read") from None
    size = len(data) - start - len(_MARK)
    if fields.get("Flags", "real").split()[0] != "real":
        raise bad(f"flags {fields['Flags']}")
    if points < 1 or len(names) != variables or size != 8 * variables * points:
        raise bad(f"{size} bytes of data where {variables} variables of {points} points need {8 * variables * points}")
    table = np.frombuffer(data, np.float64, variables * points, start + len(_MARK)).reshape(points, variables)
    return dict(zip(names, np.ascontiguousarray(table.T), strict=True))
