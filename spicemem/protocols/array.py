"""Operations on crossbars: multiply, read, write, write and verify, update, transients; results with labelled axes.

Every operation takes a `Crossbar`, an engine and `initial` (the `final` of the operation before, so that an array lives
on), and says which families of lines it uses by an `Access`. Results are xarray Datasets over row, column, vector, time
in SI, each variable with its `units`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Foreign,
    Resistor,
    Transconductor,
    VerilogA,
    VoltageSource,
)
from spicemem.circuits.crossbar import OPEN, Crossbar
from spicemem.engines import ENGINES, Engine, Result, get
from spicemem.errors import CircuitError, InputError, nearest
from spicemem.maps import Map
from spicemem.model import Model
from spicemem.protocols.array_cells import Cells, labelled, place_of
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import PARTS
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

Array = NDArray[np.float64]
#: Shares of the voltage at (selected plus, other plus, selected minus, other minus) lines; None floats.
SCHEMES: Mapping[str, tuple[float | None, ...]] = {
    "V/2": (0.5, 0.0, -0.5, 0.0), "V/3": (0.5, -1 / 6, -0.5, 1 / 6), "floating": (0.5, None, -0.5, None),
    "grounded": (1.0, 0.0, 0.0, 0.0),
}
GATED = "gated"


@dataclass(frozen=True)
class Access:
    """Which families of lines an operation uses: a cell's voltage is that of its `plus` line less its `minus` line's.

    gate: the family whose line opens a cell, None without; opened: V at the gates that are open (others are at 0 V).
    """

    plus: str = "wl"
    minus: str = "bl"
    gate: str | None = None
    opened: float = 3.0


def access_of(x: Crossbar) -> Access:
    """The usual one: wl to bl; with gated cells (bl, sl and wl) from bl to sl. Others have to be given."""
    return Access("bl", "sl", "wl") if {"bl", "sl", "wl"} <= set(x.families) else Access()


# --- driving -------------------------------------------------------------------------------------------------------


def driven(x: Crossbar, waves: Mapping[str, Waveform | float], floating: Collection[str] = ()) -> Circuit:
    """The crossbar with a voltage source v_<port> at every port, 0 V unless `waves` (V) says otherwise.

    waves: by port ("wl3") or by family ("wl": all its lines). floating: ports that are left open, with 1 TOhm to
    ground. Raises CircuitError for unknown ports, and for floating lines that no cell joins to a driven one, by row
    and column.
    """
    given: dict[str, Waveform | float] = {}
    for name, wave in waves.items():
        given.update(dict.fromkeys(x.lines(name), wave) if name in x.families else {name: wave})
    given = {**given, **{k: v for k, v in waves.items() if k not in x.families}}  # a port's own wave wins
    for name in (*given, *floating):
        if name not in x.circuit.ports:
            raise CircuitError(f"{x.circuit.name}: port {name!r}", found="no such port", expected="one it has",
                               remedy=nearest(name, (*x.families, *x.circuit.ports)))
    twin = x.circuit.copy()
    twin.ports = ()
    for port in x.circuit.ports:
        if port not in floating:
            twin.add(f"v_{port}", VoltageSource(given.get(port, 0.0)), p=port, n=GROUND)
    if floating:
        _check_floating(x, twin, floating)
    for line in floating:  # insulation: devices that do not conduct yet leave the first iteration something to solve
        twin.add(f"r_floating_{line}", Resistor(OPEN), p=line, n=GROUND)
    return twin


def _check_floating(x: Crossbar, circuit: Circuit, floating: Collection[str]) -> None:
    """Refuse floating lines whose voltage nothing says: the matrix would be singular."""
    parent: dict[str, str] = {}

    def root(net: str) -> str:
        while parent.setdefault(net, net) != net:
            parent[net] = net = parent[parent[net]]
        return net

    for e in circuit.elements():
        if isinstance(e.part, Model):
            pairs = [(e.nets.get(b.p.value, f"{e.path} {b.p.value}"), e.nets.get(b.n.value, f"{e.path} {b.n.value}"))
                     for b in e.part.definition.branches]
        elif isinstance(e.part, Foreign):
            pairs = list(pairwise(e.nets.values()))
        elif isinstance(e.part, Capacitor | CurrentSource | Transconductor | CurrentGain):
            pairs = []
        else:
            pairs = [(e.nets["p"], e.nets["n"])]
        for a, b in pairs:
            parent[root(a)] = root(b)
    alone = [f"{'row' if way == 'row' else 'column'} {k} ({line})" for family, way in x.families.items()
             for k, line in enumerate(x.lines(family)) if line in floating and root(line) != root(GROUND)]
    if alone:
        raise CircuitError(f"{x.circuit.name}: floating lines", found=f"no path to a driven line from "
                           f"{', '.join(alone[:4])}{', ...' if len(alone) > 4 else ''}",
                           expected="one through a cell", remedy="Drive one of them")


def simulator(x: Crossbar, engine: str | Engine | None, at_rest: bool = False) -> Engine:
    """The engine asked for; by default the one that is fastest on arrays.

    That is compiled Verilog-A in VACASK, unless a part is from a SPICE library; operating points (`at_rest`) of linear
    parts come from the reference engine, which factorises their matrix once for any number of vectors.
    """
    if engine is not None:
        return get(engine)
    parts = [e.part for e in x.circuit.elements()]
    if at_rest and not any(isinstance(part, Model | Foreign | VerilogA) for part in parts):
        return ENGINES["reference"]
    usable = ENGINES["vacask"].available()[0] and not any(isinstance(part, Foreign) for part in parts)
    return ENGINES["vacask"] if usable else get()


def bias(x: Crossbar, row: int, columns: int | Sequence[int], volts: float, scheme: str = "V/2",
         access: Access | None = None) -> tuple[dict[str, float], list[str]]:
    """(V by port, floating ports) that put `volts` across the cells of one row in these columns.

    scheme: "V/2" (half-selected cells see half of it), "V/3" (all others a third, unselected ones reversed),
    "floating" (other lines are left open), "grounded" (other lines at 0 V: for reading), "gated" (the gate of the row
    opens it; a negative voltage is a positive one at the minus lines, so that closed gates stay closed).
    """
    a, chosen = access or access_of(x), [columns] if isinstance(columns, int | np.integer) else list(columns)
    if not 0 <= row < x.rows or not chosen or not all(0 <= j < x.cols for j in chosen):
        raise InputError(f"{x.circuit.name}: selected cells", found=f"row {row}, columns {chosen}",
                         expected=f"inside {x.rows}x{x.cols}")
    if not np.isfinite(volts):
        raise InputError(f"{x.circuit.name}: row {row}, columns {chosen}", found=f"{volts} V", expected="a number")
    if scheme == GATED and a.gate is None:
        raise InputError(f"{x.circuit.name}: scheme gated", found="no family of gates", expected="cells with gates",
                         remedy='Write access=Access("bl", "sl", gate="wl")')
    if scheme != GATED and scheme not in SCHEMES:
        raise InputError("scheme", found=repr(scheme), expected=", ".join((*SCHEMES, GATED)))
    shares = (SCHEMES[scheme] if scheme != GATED else (1.0, 0.0, 0.0, 0.0) if volts > 0 else (0.0, 0.0, -1.0, 0.0))
    levels, floating = {}, []
    for family, at, other in ((a.plus, shares[0], shares[1]), (a.minus, shares[2], shares[3])):
        for k, line in enumerate(x.lines(family)):
            share = at if (k == row if x.families[family] == "row" else k in chosen) else other
            if share is None:
                floating.append(line)
            else:
                levels[line] = share * volts
    if a.gate is not None:
        levels |= {line: a.opened if k == row else 0.0 for k, line in enumerate(x.lines(a.gate))}
    return levels, floating


def resolved(wave: Waveform, parts: int = PARTS) -> Waveform:
    """The same waveform with `parts` pieces in every stretch that is not at 0 V and no edge, which is shorter than a
    twentieth of the longest one."""
    inside = (wave.values[1:] != 0) | (wave.values[:-1] != 0)
    return wave.divided(parts, 0.05 * float((np.diff(wave.times) * inside).max(initial=0.0)))


# --- reading -------------------------------------------------------------------------------------------------------


def _matrix(x: Crossbar, given: ArrayLike, family: str, what: str) -> Array:
    """vectors by lines, checked."""
    array = np.atleast_2d(np.asarray(given, dtype=np.float64))
    lines = x.lines(family)
    if array.ndim != 2 or array.shape[1] != len(lines) or not array.size:
        raise InputError(f"{x.circuit.name}: {what}", found=f"shape {np.shape(given)}",
                         expected=f"vectors of {len(lines)}, one number for each line {family}")
    if not np.isfinite(array).all():
        k, i = np.argwhere(~np.isfinite(array))[0]
        raise InputError(f"{x.circuit.name}: {what}, vector {k}, {x.families[family]} {i}", found=f"{array[k, i]}",
                         expected="a finite number")
    return array


def _arriving(x: Crossbar, circuit: Circuit, family: str) -> list[str]:
    """The signals of the currents that leave the array at the lines of a family."""
    return [f"i(v_{line})" if f"v_{line}" in circuit.parts else f"i(r_sense_{line})" for line in x.lines(family)]


def _opened(x: Crossbar, access: Access, more: Mapping[str, Waveform | float] | None
            ) -> dict[str, Waveform | float]:
    return {**({access.gate: access.opened} if access.gate else {}), **(more or {})}


def multiply(
    x: Crossbar, vectors: ArrayLike, *, engine: str | Engine | None = None, access: Access | None = None,
    outputs: Sequence[str] | None = None, hold: Mapping[str, Waveform | float] | None = None,
    initial: Mapping[str, float] | None = None, maps: bool = False, device: str | None = None,
) -> Dataset:
    """Multiply matrix and vectors: V at the plus lines, currents that arrive at the minus lines (A), states held.

    vectors: K by lines (V), all of them operating points of one run. outputs: families whose currents are wanted,
    default the minus one (("plus", "minus") for differential pairs). hold: V at other lines, by port or family; gates
    are open. Variables: input (vector by line), i_<family> (vector by line). maps adds, by vector, row and column:
    v_cell (V, plus line less minus line at the cell), i_cell (A, through its device), drop_<family> (V, port less
    cell). Raises InputError for wrong shapes and, by vector and line, for what is not finite.
    """
    import xarray as xr

    a = access or access_of(x)
    volts = _matrix(x, vectors, a.plus, "vectors")
    circuit = driven(x, {**_opened(x, a, hold), **dict.fromkeys(x.lines(a.plus), 0.0)})
    families = list(outputs or (a.minus,))
    saves = {f: _arriving(x, circuit, f) for f in families}
    cells = Cells(x, device) if maps else None
    extra = [] if cells is None else [*(f"v({n})" for n in _nets(x, circuit)), *cells.signals()]
    result = simulator(x, engine, at_rest=True).sweep(
        circuit, {f"v_{line}": volts[:, k].tolist() for k, line in enumerate(x.lines(a.plus))},
        initial=initial, save=[*(s for names in saves.values() for s in names), *extra])
    data = {"input": labelled(volts, ("vector", x.families[a.plus]), "V", f"voltage at {a.plus}")}
    for f, names in saves.items():
        data[f"i_{f}"] = labelled(np.stack([result[s] for s in names], axis=-1), ("vector", x.families[f]), "A",
                                   f"current at {f}")
    if cells is not None:
        data |= _maps(x, a, result, cells, "vector")
    return xr.Dataset(data, attrs=_attrs(result))


def _attrs(result: Result) -> dict[str, Any]:
    return {"engine": f"{result.engine} {result.version}", "wall_s": result.wall_s, "warnings": list(result.warnings)}


def _nets(x: Crossbar, circuit: Circuit) -> list[str]:
    """Every net of the circuit and of its cells, ground left out."""
    return list(dict.fromkeys(net for e in circuit.elements() for net in e.nets.values() if net != GROUND))


def _at_cells(x: Crossbar, result: Result, family: str) -> Array:
    """V on the line of a family at each cell: point by row by column."""
    nets = [[_net(x, i, j, family) for j in range(x.cols)] for i in range(x.rows)]
    return np.stack([np.stack([result[f"v({net})"] for net in row], axis=-1) for row in nets], axis=1)


def _net(x: Crossbar, i: int, j: int, family: str) -> str:
    line = f"{family}{i if x.families[family] == 'row' else j}"
    ends = x.circuit.parts[x.paths[i][j]][1].values()
    return next(net for net in ends if net == line or net.startswith(f"{line}_"))


def _maps(x: Crossbar, access: Access, result: Result, cells: Cells, axis: str) -> dict[str, DataArray]:
    at = {family: _at_cells(x, result, family) for family in x.families}
    dims = (axis, "row", "column")
    data = {"v_cell": labelled(at[access.plus] - at[access.minus], dims, "V", "voltage of the cell"),
            "i_cell": labelled(cells.current(result), dims, "A", "current of the cell")}
    for family, volts in at.items():
        ports = np.stack([result[f"v({line})"] for line in x.lines(family)], axis=-1)
        along = ports[:, :, None] if x.families[family] == "row" else ports[:, None, :]
        data[f"drop_{family}"] = labelled(along - volts, dims, "V", f"drop along {family}")
    return data


def read(x: Crossbar, volts: float = 0.1, *, engine: str | Engine | None = None, access: Access | None = None,
         hold: Mapping[str, Waveform | float] | None = None, initial: Mapping[str, float] | None = None) -> DataArray:
    """Conductance (S) of every cell as seen from outside: one plus line at `volts`, all others at 0 V, in one run.

    The wires are in it; with gated cells only the selected gates are open. Row by column.
    """
    a = access or access_of(x)
    if not (np.isfinite(volts) and volts):
        raise InputError("reading voltage", found=f"{volts} V", expected="one other than 0")
    if x.families[a.plus] == x.families[a.minus]:
        # Plus and minus lines side by side: the gates choose the row, all its columns are read at once.
        if a.gate is None or x.families[a.gate] == x.families[a.plus]:
            raise InputError(f"{x.circuit.name}: read", found=f"{a.plus} and {a.minus} side by side",
                             expected="lines that cross, or gates across them")
        circuit = driven(x, {**(hold or {}), **dict.fromkeys(x.lines(a.plus), volts)})
        swept, count = {f"v_{g}": (a.opened * np.eye(len(x.lines(a.gate)))[k]).tolist()
                        for k, g in enumerate(x.lines(a.gate))}, len(x.lines(a.gate))
        names = _arriving(x, circuit, a.minus)
        result = simulator(x, engine, at_rest=True).sweep(circuit, swept, initial=initial, save=names)
        found, ahead = np.stack([result[s] for s in names], axis=-1) / volts, x.families[a.gate]
        assert len(found) == count
    else:
        data = multiply(x, volts * np.eye(len(x.lines(a.plus))), engine=engine, access=a, hold=hold, initial=initial)
        found, ahead = data[f"i_{a.minus}"].values / volts, x.families[a.plus]
    return labelled(found if ahead == "row" else found.T, ("row", "column"), "S", "conductance")


def read_cell(x: Crossbar, row: int, column: int, volts: float, *, scheme: str = "floating",
              engine: str | Engine | None = None, access: Access | None = None,
              initial: Mapping[str, float] | None = None) -> float:
    """The current (A) at the minus line of a selected cell under a scheme of `bias`, sneak paths and all."""
    a = access or access_of(x)
    levels, floating = bias(x, row, column, volts, scheme, a)
    circuit = driven(x, levels, floating)
    name = _arriving(x, circuit, a.minus)[row if x.families[a.minus] == "row" else column]
    # Coming from 0 V: ngspice takes 50 times as long for a 16x16 array of 1S1R cells that it meets at full voltage.
    rising = {f"v_{port}": [0.0, volts] for port, volts in levels.items()}
    return float(simulator(x, engine, at_rest=True).sweep(circuit, rising, initial=initial, save=[name])[name][-1])


def multiply_by_width(
    x: Crossbar, widths: ArrayLike, volts: float, *, engine: str | Engine | None = None,
    access: Access | None = None, edge: float | None = None, hold: Mapping[str, Waveform | float] | None = None,
    initial: Mapping[str, float] | None = None, progress: Progress | None = None,
) -> Dataset:
    """Multiply by pulse width: `volts` at the plus lines for `widths` (s, K by lines), charge (C) at the minus lines.

    Each vector is a transient of its own from `initial`; the pulses begin together. edge: s, default a tenth of the
    shortest width above 0; a pulse of width t has the area t*volts whatever its edges. Variables: width, charge.
    """
    import xarray as xr

    a, runner = access or access_of(x), simulator(x, engine)
    times = _matrix(x, widths, a.plus, "widths")
    if not (times > 0).any() or (times < 0).any():
        raise InputError(f"{x.circuit.name}: widths", found=f"{times.min():g} to {times.max():g} s",
                         expected="times of 0 s or more, one above 0")
    rise = edge or float(times[times > 0].min()) / 10
    if not 0 < rise < times[times > 0].min():
        raise InputError("edge of the pulses", found=f"{rise:g} s", expected="less than the shortest width above 0")
    stop = float(times.max()) + 3 * rise

    def one(line: Array) -> Array:
        waves: dict[str, Waveform | float] = {**_opened(x, a, hold)}
        for port, width in zip(x.lines(a.plus), line, strict=True):
            if width:
                waves[port] = resolved(Waveform.points((rise, 0), (2 * rise, volts), (rise + width, volts),
                                                       (2 * rise + width, 0)))
        circuit = driven(x, waves)
        names = _arriving(x, circuit, a.minus)
        result = runner.run(circuit, stop, max_step=stop / 50, initial=initial, save=names)
        return np.array([np.trapezoid(result[s], result.time) for s in names])

    found = [one(line) for line in times] if runner.name == "reference" else map_runs(
        one, list(times), runner, None, progress, "vectors")
    return xr.Dataset({"width": labelled(times, ("vector", x.families[a.plus]), "s", f"width at {a.plus}"),
                       "charge": labelled(found, ("vector", x.families[a.minus]), "C", f"charge at {a.minus}")})


# --- transients and writing ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Run:
    """What an operation left. data: labelled arrays. final: what the next operation goes on from (`initial`).
    warnings: of the simulator. result: waveforms by name, None after several runs."""

    data: Dataset
    final: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    result: Result | None = field(default=None, repr=False)


def transient(
    x: Crossbar, waves: Mapping[str, Waveform | float], stop: float, *, max_step: float | None = None,
    engine: str | Engine | None = None, access: Access | None = None, initial: Mapping[str, float] | None = None,
    floating: Collection[str] = (), times: ArrayLike | None = None, device: str | None = None, maps: bool = False,
    timeout: float = 600.0,
) -> Run:
    """Drive ports or families by waveforms (V) for `stop` seconds; the whole array over time.

    max_step: s, default a 50th of the run; `resolved` pulses have points of their own. times: s at which the data is
    given, default 51 of them. Variables over time: every state and the conductance (S, from the states) by row and
    column, i_<family> (A, into the array's ports: positive out of the array), and with maps those of `multiply`.
    """
    import xarray as xr

    a, runner = access or access_of(x), simulator(x, engine)
    circuit, cells = driven(x, waves, floating), Cells(x, device)
    at = np.linspace(0, stop, 51) if times is None else np.atleast_1d(np.asarray(times, dtype=np.float64))
    if not (np.isfinite(at).all() and at.size and at.min() >= 0 and at.max() <= stop * (1 + 1e-9)):
        raise InputError("times of the data", found=f"{at.min():g} to {at.max():g} s" if at.size else "none",
                         expected=f"within 0 to {stop:g} s")
    ports = {f: [s for line, s in zip(x.lines(f), _arriving(x, circuit, f), strict=True) if line not in floating]
             for f in x.families}
    saves = [*(s for names in ports.values() for s in names), *cells.signals(),
             *((f"v({n})" for n in _nets(x, circuit)) if maps else ())]
    result = runner.run(circuit, stop, max_step=max_step or stop / 50, initial=initial, save=saves, timeout=timeout)
    sampled = replace(result, time=at, signals={name: np.interp(at, result.time, v) for name, v in result.items()})
    data = _state_maps(cells, sampled, "time")
    for f, names in ports.items():
        if len(names) == len(x.lines(f)):
            data[f"i_{f}"] = labelled(np.stack([sampled[s] for s in names], axis=-1), ("time", x.families[f]), "A",
                                       f"current at {f}")
    if maps:
        data |= _maps(x, a, sampled, cells, "time")
    found = xr.Dataset(data, coords={"time": ("time", at, {"units": "s"})}, attrs=_attrs(result))
    return Run(found, {**(initial or {}), **result.final_state()}, result.warnings, result)


def _state_maps(cells: Cells, given: Mapping[str, Any], axis: str) -> dict[str, DataArray]:
    states = cells.states(given)
    dims = (axis, "row", "column")
    units = {name: info.unit for e in cells.flat if isinstance(e.part, Model)
             for name, info in e.part.definition.states.items()}
    data = {name: labelled(v.reshape(-1, *cells.shape), dims, units[name], name) for name, v in states.items()}
    if states and all(e.part.behaviour is not None for e in cells.flat if isinstance(e.part, Model)):
        data["conductance"] = labelled(cells.conductance(states), dims, "S", "conductance")
    return data


def write(
    x: Crossbar, row: int, columns: int | Sequence[int], volts: float, width: float, *, scheme: str | None = None,
    engine: str | Engine | None = None, access: Access | None = None, rest: float | None = None,
    initial: Mapping[str, float] | None = None, device: str | None = None,
) -> Run:
    """One pulse of `volts` for `width` seconds at cells of one row, in one or several columns; what it did to all.

    scheme: one of `bias`; default "gated" for cells with gates, else "V/2". rest: s at 0 V after it, default `width`.
    Data by row and column: before and after (S, from the states), change (relative), selected (2 selected, 1 on a
    selected line, 0 neither), v_cell (V in the middle of the pulse). attrs["disturb"]: the largest relative change of
    a cell that was not selected.
    """
    import xarray as xr

    a = access or access_of(x)
    levels, floating = bias(x, row, columns, volts, scheme or _usual(a), a)
    if not (np.isfinite(width) and width > 0):
        raise InputError(f"{x.circuit.name}: width of the pulse", found=f"{width}", expected="a time above 0 s")
    edge, stop = width / 100, width * 1.1 + (rest or width)
    run = transient(x, _pulses(levels, width, edge, a), stop, engine=engine, access=a, initial=initial, device=device,
                    floating=floating, times=[0.0, width / 2, stop], maps=True, max_step=(rest or width) / 20)
    g, chosen = run.data["conductance"].values, np.atleast_1d(columns)
    kind = np.zeros((x.rows, x.cols))
    kind[row] += 1
    kind[:, chosen] += 1
    change = g[-1] / g[0] - 1
    dims = ("row", "column")
    others = np.abs(change[(kind < 2) & np.isfinite(change)])
    return Run(xr.Dataset({
        "before": labelled(g[0], dims, "S", "conductance before"), "after": labelled(g[-1], dims, "S", "conductance"),
        "change": labelled(change, dims, "1", "relative change"), "selected": labelled(kind, dims, "1", "selected"),
        "v_cell": labelled(run.data["v_cell"].values[1], dims, "V", "voltage of the cell"),
    }, attrs={**run.data.attrs, "disturb": float(others.max(initial=0.0))}), run.final, run.warnings, run.result)


def _usual(access: Access) -> str:
    return GATED if access.gate else "V/2"


def _pulses(levels: Mapping[str, float], width: float, edge: float, access: Access) -> dict[str, Waveform | float]:
    """A pulse at every level; gates rise an edge before the others and fall one after."""
    waves: dict[str, Waveform | float] = {}
    for port, volts in levels.items():
        if not volts:
            continue
        early = access.gate is not None and port.rstrip("0123456789") == access.gate
        begin, end = (edge, width + 4 * edge) if early else (2 * edge, width + 3 * edge)
        wave = Waveform.points((0, 0), (begin, 0), (begin + edge, volts), (end - edge, volts), (end, 0))
        waves[port] = resolved(wave)
    return waves


@dataclass(frozen=True)
class Ramp:
    """Pulses of write and verify: V of the first one, V more with each that follows in the same direction, V at most.
    A voltage below 0 is one from minus to plus lines."""

    start: float
    step: float
    most: float


def write_verify(
    x: Crossbar, targets: ArrayLike, *, up: Ramp, down: Ramp, width: float, tolerance: float = 0.05, pulses: int = 40,
    scheme: str | None = None, engine: str | Engine | None = None, access: Access | None = None,
    initial: Mapping[str, float] | None = None, device: str | None = None, cut: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Write a matrix of conductances (S): row by row, a pulse and a verification at a time, all columns at once.

    Every cell of the row that is off by more than `tolerance` (relative) gets a pulse in its direction, up or down,
    with the voltage of its own ramp; a change of direction starts the other ramp again; at most `pulses` each.
    Verification reads from the states. Gated cells get both directions in one pulse, each in its own column; others,
    whose row can have one sign only, first those up and then those down, under `scheme`. cut: simulate the selected
    row alone, with all wires: closed gates keep the other rows out (gated cells only).
    Data by row and column: target, conductance (S), error (relative), pulses, done (1 within tolerance).
    Raises InputError, by row and column, for targets that are not finite and above 0, and for a wrong shape.
    """
    import xarray as xr

    a, runner, wanted = access or access_of(x), simulator(x, engine), np.asarray(targets, dtype=np.float64)
    how = scheme or _usual(a)
    if wanted.shape != (x.rows, x.cols):
        raise InputError(f"{x.circuit.name}: targets", found=f"shape {wanted.shape}", expected=f"({x.rows}, {x.cols})")
    bad = ~(np.isfinite(wanted) & (wanted > 0))
    if bad.any():
        place = tuple(np.argwhere(bad)[0])
        raise InputError(f"{x.circuit.name}: target of {place_of(place)}", found=f"{wanted[place]} S",
                         expected="a conductance above 0")
    state, used = dict(initial or {}), np.zeros(wanted.shape)
    warnings: list[str] = []
    cells = Cells(x, device)
    for i in range(x.rows):
        part = _one_row(x, i, a, device) if cut and how == GATED else x
        seen = Cells(part, device)
        ramps: list[tuple[int, float]] = [(0, 0.0)] * x.cols
        while True:
            error = seen.conductance(seen.states(state))[i] / wanted[i] - 1
            off = (np.abs(error) > tolerance) & (used[i] < pulses)
            if not off.any():
                break
            levels = np.zeros(x.cols)
            for j in np.flatnonzero(off):
                sign = 1 if error[j] < 0 else -1
                ramp = up if sign > 0 else down
                volts = ramps[j][1] + ramp.step if ramps[j][0] == sign else ramp.start
                volts = max(-abs(ramp.most), min(abs(ramp.most), volts))
                ramps[j], levels[j] = (sign, volts), volts
            used[i, off] += 1
            for waves, stop, floating in _parallel(part, i, levels, width, how, a):
                known = {k: v for k, v in state.items() if _known(k, part, x)}
                result = runner.run(driven(part, waves, floating), stop, max_step=width / 10, initial=known,
                                    save=seen.signals())
                state.update(result.final_state())
                warnings += result.warnings
        if progress:
            progress(i + 1, x.rows, "rows")
    found = cells.conductance(cells.states(state))
    error, dims = found / wanted - 1, ("row", "column")
    return Run(xr.Dataset({
        "target": labelled(wanted, dims, "S", "target"), "conductance": labelled(found, dims, "S", "conductance"),
        "error": labelled(error, dims, "1", "relative error"), "pulses": labelled(used, dims, "1", "pulses"),
        "done": labelled((np.abs(error) <= tolerance).astype(float), dims, "1", "within tolerance"),
    }), state, tuple(dict.fromkeys(warnings)))


def _known(signal: str, part: Crossbar, whole: Crossbar) -> bool:
    """Whether a signal of the state belongs to the part of the array that is simulated."""
    if part is whole:
        return True
    head = signal.split(".")[0].removeprefix("v(").removesuffix(")")
    return isinstance(part.circuit.parts.get(head, (None,))[0], Model | Circuit) or head in part.circuit.nets


def _parallel(x: Crossbar, row: int, levels: Array, width: float, scheme: str, access: Access
              ) -> list[tuple[dict[str, Waveform | float], float, list[str]]]:
    """(waves, stop, floating) of the runs that put these voltages across the cells of a row, by column."""
    edge = width / 100
    jobs: list[tuple[dict[str, float], list[str]]] = []
    if scheme == GATED:
        ports: dict[str, float] = {}
        for j, volts in enumerate(levels):
            if volts:
                ports |= {k: v for k, v in bias(x, row, j, float(volts), scheme, access)[0].items() if v}
        jobs = [(ports, [])]
    else:
        for volts in sorted(set(levels[levels != 0].tolist())):  # a row has one voltage at a time
            jobs.append(bias(x, row, np.flatnonzero(levels == volts).tolist(), volts, scheme, access))
    return [(_pulses(ports, width, edge, access), width * 1.3, floating) for ports, floating in jobs]


def _one_row(x: Crossbar, row: int, access: Access, device: str | None) -> Crossbar:
    """The crossbar with open resistors in place of the cells of the other rows, whose gate lines are gone."""
    twin = x.circuit.copy()
    for i in range(x.rows):
        for j in range(x.cols):
            if i != row:
                ends = {"p": _net(x, i, j, access.plus), "n": _net(x, i, j, access.minus)}
                twin.parts[x.paths[i][j]] = (Resistor(OPEN), ends)
    gone = {line for k, line in enumerate(x.lines(access.gate or "")) if k != row}
    twin.parts = {name: entry for name, entry in twin.parts.items()
                  if not any(net.split("_")[0] in gone for net in entry[1].values())}
    twin.ports = tuple(p for p in x.circuit.ports if p not in gone)
    return replace(x, circuit=twin)


def update(
    x: Crossbar, rows: ArrayLike, columns: ArrayLike, volts: float, total: float, *, slots: int = 8,
    engine: str | Engine | None = None, access: Access | None = None, down: float | None = None,
    initial: Mapping[str, float] | None = None, device: str | None = None,
) -> Run:
    """Outer product: cell (i, j) sees `volts` for the time |rows[i]*columns[j]|*total, up or down by the sign.

    rows, columns: -1 to 1. Time is cut into `slots`: a plus line is at half of the voltage for the share |rows[i]| of
    every slot, a minus line at the other half, reversed, for the first |columns[j]|*slots of them (rounded to whole
    ones), so that the overlap is the product. Cells that meet one half only see V/2. Signs come one after the other:
    up for (+, +) and (-, -), down with -volts (or `down`, V below 0) for the others. Passive cells only.
    total: s, of the longest overlap. Data as `write` has it, and overlap (s, negative for down).
    """
    import xarray as xr

    a = access or access_of(x)
    r = _matrix(x, rows, a.plus, "rows of the update")[0]
    c = _matrix(x, columns, a.minus, "columns of the update")[0]
    if a.gate is not None or x.families[a.plus] == x.families[a.minus]:
        raise InputError(f"{x.circuit.name}: update", found="gated cells, or lines side by side",
                         expected="passive cells between lines that cross")
    if max(abs(r).max(), abs(c).max()) > 1 or not total > 0 or slots < 1 or not np.isfinite(volts):
        raise InputError(f"{x.circuit.name}: update", found=f"|rows| to {abs(r).max():g}, |columns| to "
                         f"{abs(c).max():g}, {total:g} s, {slots} slots",
                         expected="shares of 0 to 1, a time above 0 s, at least one slot")
    slot, whole = total / slots, np.round(abs(c) * slots)
    edge = slot / 100
    lower, runner = -abs(volts) if down is None else down, simulator(x, engine)
    # A slot is a little longer than its share, so that a full row still falls to 0 V and its edges fit.
    period = slot + 6 * edge
    state = dict(initial or {})
    warnings: list[str] = []
    cells = Cells(x, device)
    before = cells.conductance(cells.states(state))
    for row_sign, column_sign in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        live, hit = (r * row_sign > 0), (c * column_sign > 0) & (whole > 0)
        if not (live.any() and hit.any()):
            continue
        level = volts if row_sign * column_sign > 0 else lower
        waves: dict[str, Waveform | float] = {}
        for k in np.flatnonzero(live):
            width = abs(r[k]) * slot
            if width < 2 * edge:
                raise InputError(f"{x.circuit.name}: update, {x.families[a.plus]} {k}", found=f"{r[k]:g}",
                                 expected=f"0, or a share of {2 * edge / slot:g} and more")
            one = Waveform.points((edge, 0), (2 * edge, level / 2), (2 * edge + width, level / 2),
                                  (3 * edge + width, 0))
            waves[x.lines(a.plus)[k]] = resolved(one, 8).repeat(int(whole.max()), period)
        for k in np.flatnonzero(hit):
            end = whole[k] * period
            waves[x.lines(a.minus)[k]] = Waveform.points((0, 0), (edge / 2, -level / 2), (end - edge / 2, -level / 2),
                                                         (end, 0))
        result = runner.run(driven(x, waves), float(whole.max()) * period + slot, max_step=slot / 10,
                                 initial=state, save=cells.signals())
        state.update(result.final_state())
        warnings += result.warnings
    after, dims = cells.conductance(cells.states(state)), ("row", "column")
    plus_is_row = x.families[a.plus] == "row"
    product = np.outer(r, np.sign(c) * whole / slots) * total
    return Run(xr.Dataset({
        "before": labelled(before, dims, "S", "conductance before"),
        "after": labelled(after, dims, "S", "conductance"),
        "change": labelled(after / before - 1, dims, "1", "relative change"),
        "overlap": labelled(product if plus_is_row else product.T, dims, "s", "overlap"),
    }), state, tuple(dict.fromkeys(warnings)))


# --- pictures ------------------------------------------------------------------------------------------------------


def as_map(data: DataArray, name: str = "map") -> Map:
    """A variable over row and column as a `Map`, for its picture and its CSV. Select a vector or a time before."""
    if set(data.dims) != {"row", "column"}:
        raise InputError(f"map of {data.attrs.get('long_name', name)}", found=f"axes {', '.join(map(str, data.dims))}",
                         expected="row and column", remedy="Write data.sel(vector=0), or data.isel(time=-1)")
    values = data.transpose("row", "column")
    return Map(values["column"].values, values["row"].values, values.values, "column", "1", "row", "1",
               str(data.attrs["long_name"]), str(data.attrs["units"]), name)
