"""Crossbars: cells at the crossings of word and bit lines, with the resistance of every segment of wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import GROUND, Capacitor, Circuit, Part, Resistor, VoltageGain, pins_of
from spicemem.circuits.fit import fitting
from spicemem.errors import CircuitError, SpicememError, nearest
from spicemem.model import Model

#: Ohm of an open segment: far above any device's, and the matrix stays regular.
OPEN = 1e12
#: What a line of each family runs along, unless told otherwise.
ALONG = {"wl": "row", "gl": "row", "bl": "column", "sl": "column", "plus": "column", "minus": "column"}
#: The lines that cells without line names hang on.
HANG = {"p": "wl", "n": "bl", "pre": "wl", "post": "bl"}
#: Bytes that a run needs for each cell of one device in the simulator that needs most, measured at 256x256; and the
#: most that is taken.
BYTES_A_CELL, MEMORY = 60e3, 24e9


@dataclass(frozen=True)
class Line:
    """The wires of one family of lines. segment: Ohm between neighbouring cells, and between port and first cell;
    0 for none. driver: Ohm more at the port. farad: F to ground at every cell."""

    segment: float = 0.0
    driver: float = 0.0
    farad: float = 0.0

    def __post_init__(self) -> None:
        for name in ("segment", "driver", "farad"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise CircuitError(f"line: {name}", found=f"{value}", expected="0 or more")


@dataclass(frozen=True)
class Sense:
    """A transimpedance amplifier at the end of a line: v(vsense<k>) = -ohm times the current that arrives.

    gain: of its operational amplifier; the line is held at -v(vsense<k>)/gain, ground for an ideal one.
    """

    ohm: float
    gain: float = 1e5


@dataclass(frozen=True, eq=False)
class Crossbar:
    """A crossbar as a circuit and what is where in it.

    circuit: ports <family><k>, such as wl0, bl3 (those with a Sense have no port). rows, cols. families: "row" or
    "column" by family. paths: row by column, the path of each cell's part. wires: as given.
    """

    circuit: Circuit
    rows: int
    cols: int
    families: Mapping[str, str]
    paths: Sequence[Sequence[str]]
    wires: Mapping[str, Line] = field(default_factory=dict)

    def lines(self, family: str) -> list[str]:
        """The ports of a family, in order. Raises CircuitError for one it has not."""
        if family not in self.families:
            raise CircuitError(f"{self.circuit.name}: lines {family!r}", found="no such lines",
                               expected="a family of lines it has", remedy=nearest(family, self.families))
        return [f"{family}{k}" for k in range(self.rows if self.families[family] == "row" else self.cols)]


def crossbar(
    rows: int, cols: int, cell: Model | Part | Circuit, *, wires: Mapping[str, Line] | Line | None = None,
    values: Mapping[str, ArrayLike] | None = None, ports: Mapping[str, str] | None = None,
    along: Mapping[str, str] | None = None, sense: Mapping[str, Sense] | None = None,
    stuck: Mapping[tuple[int, int], float] | None = None, broken: Sequence[tuple[str, int, int]] = (),
    name: str = "crossbar",
) -> Crossbar:
    """Equal cells at the crossings of `rows` and `cols` lines; each may have parameters of its own.

    cell: a device or linear part (p at its word line, n at its bit line), or a Circuit whose ports are named after the
    lines that they hang on (pre and post: word and bit line). ports: line family by pin or port where the names
    differ ({"gate": "gl", "drain": "bl"}).
    along: "row" or "column" by family; default wl and gl rows, others columns. Word lines are driven at column 0,
    columns at their lower end, the last row: ports wl0, wl1, ..., bl0, ....
    wires: Line for all families, or by family; default ideal. values: rows by cols array by parameter name
    ("device.parameter" in a Circuit): states at the start, samples of a spread, and for a Resistor "ohm". sense: a
    transimpedance amplifier at the end of each line of a family. stuck: Ohm, in place of the device, by (row, column).
    broken: (family, k, m): line k is open before its m-th cell, counted from the port.
    Raises CircuitError, by row and column, for a shape that does not fit, a value the device refuses or that is not
    finite, unknown names, and for a size beyond memory.
    """
    for what, count in (("rows", rows), ("cols", cols)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise CircuitError(f"{name}: {what}", found=repr(count), expected="a whole number from 1 on")
    need = rows * cols * BYTES_A_CELL * (sum(isinstance(e.part, Model) for e in cell.elements())
                                         if isinstance(cell, Circuit) else 1)
    if need > MEMORY:
        raise CircuitError(f"{name}: {rows}x{cols} cells", found=f"about {need / 1e9:.0f} GB of memory",
                           expected=f"at most {MEMORY / 1e9:.0f} GB", remedy="Simulate it in tiles")
    hang = _hang(name, cell, dict(ports or {}))
    runs = {**ALONG, **(along or {})}
    families = {family: runs[family] if family in runs else _unknown(name, family, runs) for family in hang.values()}
    for family, way in families.items():
        if way not in ("row", "column"):
            raise CircuitError(f"{name}: lines {family}", found=repr(way), expected='"row" or "column"')
    lines = {f: wires if isinstance(wires, Line) else (wires or {}).get(f, Line()) for f in families}
    for given, what in ((wires if isinstance(wires, Mapping) else {}, "wires"), (sense or {}, "sense")):
        for family in given:
            if family not in families:
                raise CircuitError(f"{name}: {what}", found=repr(family), expected="a family of lines it has",
                                   remedy=nearest(family, families))
    cells: list[list[Any]] = _cells(name, rows, cols, cell, values or {})
    for (i, j), ohm in (stuck or {}).items():
        if not (0 <= i < rows and 0 <= j < cols):
            raise CircuitError(f"{name}: stuck cell", found=f"row {i}, column {j}", expected=f"inside {rows}x{cols}")
        cells[i][j] = _stuck(name, cells[i][j], ohm)
    number = {f: rows if way == "row" else cols for f, way in families.items()}
    reach = {f: cols if way == "row" else rows for f, way in families.items()}
    opened = set()
    for family, k, m in broken:
        if family not in families or not (0 <= k < number[family] and 0 <= m < reach[family]):
            raise CircuitError(f"{name}: broken line", found=f"{family} {k} before cell {m}",
                               expected="a line and a cell that it has")
        opened.add((family, k, m))
    made = Circuit(name, tuple(f"{f}{k}" for f in families if f not in (sense or {}) for k in range(number[f])),
                   f"{rows}x{cols} crossbar")
    nets = {f: [_line(made, f, k, reach[f], lines[f], opened) for k in range(number[f])] for f in families}
    for f, amplifier in (sense or {}).items():
        for k in range(number[f]):
            made.add(f"r_sense_{f}{k}", Resistor(amplifier.ohm), p=f"{f}{k}", n=f"vsense{k}")
            made.add(f"e_sense_{f}{k}", VoltageGain(-amplifier.gain), p=f"vsense{k}", n=GROUND, cp=f"{f}{k}", cn=GROUND)
    for i in range(rows):
        for j in range(cols):
            # A column's port is at its lower end: its first cell is the one in the last row.
            at = {f: nets[f][i][j] if way == "row" else nets[f][j][rows - 1 - i] for f, way in families.items()}
            made.add(f"cell_{i}_{j}", cells[i][j], **{pin: at[f] for pin, f in hang.items()})
    return Crossbar(made, rows, cols, families, [[f"cell_{i}_{j}" for j in range(cols)] for i in range(rows)], lines)


def _unknown(name: str, family: str, runs: Mapping[str, str]) -> str:
    raise CircuitError(f"{name}: lines {family!r}", found="no direction",
                       expected=f"one of {', '.join(runs)}, or a direction for it",
                       remedy=f'Write ports={{"{family}": "wl"}} or along={{"{family}": "row"}}')


def _hang(name: str, cell: Model | Part | Circuit, ports: dict[str, str]) -> dict[str, str]:
    """Line family by pin of the cell. Optional inputs of a device stay open."""
    if isinstance(cell, Model) and not ports:
        cell = fitting(name, cell)
    if not isinstance(cell, Model | Part | Circuit):
        raise CircuitError(f"{name}: cell", found=repr(cell), expected="a device, a linear part or a Circuit")
    pins = cell.definition.terminals if isinstance(cell, Model) else pins_of(cell)
    if isinstance(cell, Model):
        pins = (*pins, *(n for n, given in cell.definition.inputs.items() if n in ports or not given.optional))
    for pin in ports:
        if pin not in pins:
            raise CircuitError(f"{name}: port {pin!r}", found="no such pin of the cell", expected=", ".join(pins),
                               remedy=nearest(pin, pins))
    return {pin: ports.get(pin, HANG.get(pin, pin)) for pin in pins}


def _cells(name: str, rows: int, cols: int, cell: Model | Part | Circuit,
           values: Mapping[str, ArrayLike]) -> list[list[Any]]:
    """The cell at each crossing, with its own values."""
    arrays = {}
    for key, given in values.items():
        array = np.asarray(given, dtype=np.float64)
        if array.shape != (rows, cols):
            raise CircuitError(f"{name}: values of {key}", found=f"shape {array.shape}", expected=f"({rows}, {cols})")
        if not np.isfinite(array).all():
            i, j = np.argwhere(~np.isfinite(array))[0]
            raise CircuitError(f"{name}: {key} of row {i}, column {j}", found=f"{array[i, j]}",
                               expected="a finite number")
        arrays[key] = array
    if not arrays:
        return [[cell] * cols for _ in range(rows)]
    return [[_valued(name, cell, i, j, {k: float(a[i, j]) for k, a in arrays.items()}) for j in range(cols)]
            for i in range(rows)]


def _valued(name: str, cell: Model | Part | Circuit, i: int, j: int, values: Mapping[str, float]) -> Any:
    try:
        if isinstance(cell, Model):
            return cell.replace(**values)
        if isinstance(cell, Circuit):
            for path, value in values.items():
                part, _, key = path.rpartition(".")
                cell = cell.replace(part, **{key: value})
            return cell
        made = replace(cell, **values)  # type: ignore[type-var]
        made.check(f"cell_{i}_{j}")
        return made
    except (SpicememError, TypeError) as error:
        raise CircuitError(f"{name}: row {i}, column {j}", found=str(error), expected="values that its device takes"
                           ) from None


def _stuck(name: str, cell: Model | Part | Circuit, ohm: float) -> Any:
    """The cell with its device replaced by a resistance."""
    if not isinstance(cell, Circuit):
        return Resistor(ohm)
    if not cell.synapses:
        raise CircuitError(f"{name}: stuck cell", found=f"{cell.name}, which declares no synapse",
                           expected="a cell that says which part is its device")
    path = cell.synapses[0].device
    twin = cell.copy()
    twin.parts[path] = (Resistor(ohm), {pin: net for pin, net in cell.parts[path][1].items() if pin in ("p", "n")})
    return twin


def _line(made: Circuit, family: str, k: int, cells: int, line: Line, opened: set[tuple[str, int, int]]) -> list[str]:
    """Add the wire of one line; the net of each cell on it, counted from the port."""
    nets, net = [], f"{family}{k}"
    for m in range(cells):
        ohm = OPEN if (family, k, m) in opened else line.segment + (line.driver if m == 0 else 0.0)
        if ohm:  # an ideal line is one net all along
            before, net = net, f"{family}{k}_{m}"
            made.add(f"r_{net}", Resistor(ohm), p=before, n=net)
        if line.farad:
            made.add(f"c_{family}{k}_{m}", Capacitor(line.farad), p=net, n=GROUND)
        nets.append(net)
    return nets
