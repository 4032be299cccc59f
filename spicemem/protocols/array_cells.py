"""The devices of a crossbar, all at once: starts from conductances, conductances from states, currents from results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import GROUND, Circuit, CurrentSource, Element, Resistor
from spicemem.circuits.crossbar import Crossbar
from spicemem.engines.result import Array, Result
from spicemem.errors import CircuitError, InputError, nearest
from spicemem.model import Model
from spicemem.protocols.conductance import conductance, evaluate, inward
from spicemem.units import engineering
from spicemem.waveform import Waveform

if TYPE_CHECKING:
    from xarray import DataArray


def states_for(device: Model, siemens: ArrayLike, voltage: float | None = None) -> dict[str, Array]:
    """Starts (by parameter, for `crossbar(values=)`) that give a device these conductances (S, any shape).

    The inverse of `protocols.conductance` (see there for voltage, V), by bisection of the one state that is kept at
    rest, between its bounds; states that rest solves are where the device starts them. Raises InputError for a device
    with another number of states, without bounds or whose conductance does not rise or fall throughout, and, by row
    and column, for what is not finite or outside the device's window.
    """
    d = device.definition
    kept = [info for info in d.states.values() if info.static == "hold"]
    if len(kept) != 1 or kept[0].low is None or kept[0].high is None:
        raise InputError(f"states of {d.name} from conductances", found=f"{len(kept)} states that stay at rest",
                         expected="one, with two bounds")
    info = kept[0]
    assert info.low is not None and info.high is not None
    wanted = np.asarray(siemens, dtype=np.float64)
    low, high = device.number(info.low), device.number(info.high)
    others = {name: device.initial(name) for name in d.states if name != info.name}

    def at(state: Array) -> Array:
        return conductance(device, {**others, info.name: state}, voltage)

    scan = at(np.linspace(low, high, 65))
    rises = np.diff(scan)
    if not ((rises >= 0).all() or (rises <= 0).all()) or scan[0] == scan[-1]:
        raise InputError(f"states of {d.name} from conductances", found="a conductance that turns round or stands "
                         f"still from {info.name} = {low:g} to {high:g}", expected="one that rises or falls throughout")
    least, most = sorted((float(scan[0]), float(scan[-1])))
    slack = 1e-9 * most
    bad = ~np.isfinite(wanted) | (wanted < least - slack) | (wanted > most + slack)
    if bad.any():
        place = tuple(np.argwhere(bad)[0])
        raise InputError(f"conductance of {place_of(place)}", found=engineering(float(wanted[place]), "S"),
                         expected=f"{engineering(least, 'S')} to {engineering(most, 'S')}, the window of {d.name}")
    below, above = np.full(wanted.size, low), np.full(wanted.size, high)
    flat, up = wanted.ravel(), scan[-1] > scan[0]
    for _ in range(60 if flat.size else 0):
        middle = (below + above) / 2
        small = (at(middle) < flat) == up
        below, above = np.where(small, middle, below), np.where(small, above, middle)
    return {info.init: ((below + above) / 2).reshape(wanted.shape)}


def place_of(index: Sequence[int]) -> str:
    """An index in words."""
    return f"row {index[0]}, column {index[1]}" if len(index) == 2 else f"entry {', '.join(map(str, index)) or '0'}"


class Cells:
    """The device of every cell of a crossbar, those alike together, so that a whole array is one evaluation.

    device: its name in cells that are circuits, default that of their first synapse. A stuck cell is a resistance.
    elements: row by column.
    """

    def __init__(self, x: Crossbar, device: str | None = None):
        self.x, self.shape = x, (x.rows, x.cols)
        known = {e.path: e for e in x.circuit.elements()}
        self.elements: list[list[Element]] = []
        for i, row in enumerate(x.paths):
            self.elements.append([])
            for j, path in enumerate(row):
                part = x.circuit.parts[path][0]
                if isinstance(part, Circuit):
                    inner = device or (part.synapses[0].device if part.synapses else "")
                    if f"{path}.{inner}" not in known:
                        raise CircuitError(f"{x.circuit.name}: device {inner!r} of row {i}, column {j}",
                                           found="no such part", expected="one of its cell",
                                           remedy=nearest(inner, part.parts))
                    path = f"{path}.{inner}"
                self.elements[-1].append(known[path])
        self.groups: dict[tuple[type[Model], str | None], list[int]] = {}
        self.flat = [e for row in self.elements for e in row]
        for k, e in enumerate(self.flat):
            if isinstance(e.part, Model):
                self.groups.setdefault((type(e.part), e.part.preset_name), []).append(k)

    def models(self, places: Iterable[int]) -> list[Model]:
        """The devices at these places."""
        return [part for part in (self.flat[k].part for k in places) if isinstance(part, Model)]

    def states(self, given: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """By state name: values of all cells (last axis; earlier ones, as time, as in `given`), nan where it is none.

        given: values by "path.state", as a final state or a result has them; where missing, the device's start.
        """
        found: dict[str, list[Any]] = {}
        for k, e in enumerate(self.flat):
            for name in e.part.definition.states if isinstance(e.part, Model) else ():
                assert isinstance(e.part, Model)
                signal = f"{e.path}.{name}"
                column = found.setdefault(name, [np.nan] * len(self.flat))
                column[k] = given[signal] if given is not None and signal in given else e.part.initial(name)
        return {name: np.stack(np.broadcast_arrays(*column), axis=-1).astype(np.float64)
                for name, column in found.items()}

    def parameters(self, places: Sequence[int]) -> dict[str, Any]:
        """Parameter values of like devices: one number where all agree, else one for each."""
        models = self.models(places)
        table = {name: np.array([m.values[name] for m in models]) for name in models[0].values}
        return {name: float(v[0]) if (v == v[0]).all() else v for name, v in table.items()}

    def conductance(self, states: Mapping[str, Array] | None = None, voltage: float | None = None) -> Array:
        """S of all cells (last two axes row and column) for states as `states()` gives them, default the start.

        The device's own equations at its reading voltage (V, or the one given): `protocols.conductance`.
        """
        states = self.states() if states is None else states
        ahead = next(iter(states.values())).shape[:-1] if states else ()
        out = np.full((*ahead, len(self.flat)), np.nan)
        for k, e in enumerate(self.flat):
            if isinstance(e.part, Resistor):
                out[..., k] = 1 / e.part.ohm
        for places in self.groups.values():
            device = self.models(places[:1])[0]
            shape = (*ahead, len(places))
            # `conductance` takes whatever a device's equations name, so parameters that differ come as states do.
            own = {name: np.broadcast_to(v, shape).ravel() for name, v in self.parameters(places).items()
                   if isinstance(v, np.ndarray)}
            own |= {name: np.ascontiguousarray(states[name][..., places]).ravel() for name in device.definition.states}
            if not own:  # a device without any state: one evaluation stands for all
                out[..., places] = conductance(device, {}, voltage)[0]
            else:
                out[..., places] = conductance(device, own, voltage).reshape(shape)
        return out.reshape(*ahead, *self.shape)

    def current(self, result: Result) -> Array:
        """A through every device from its first terminal (p) on, by point of the result, row and column."""
        count = len(result.time)
        out = np.full((count, len(self.flat)), np.nan)

        def volts(k: int, pin: str) -> Array:
            net = self.flat[k].nets[pin]
            return np.zeros(count) if net == GROUND else result[f"v({net})"]

        for k, e in enumerate(self.flat):
            if isinstance(e.part, Resistor):
                out[:, k] = (volts(k, "p") - volts(k, "n")) / e.part.ohm
            elif isinstance(e.part, CurrentSource):
                out[:, k] = e.part.wave if not isinstance(e.part.wave, Waveform) else e.part.wave(result.time)
        for places in self.groups.values():
            device, d = self.models(places[:1])[0], self.models(places[:1])[0].definition
            shape = (count, len(places))
            values = {name: np.broadcast_to(v, shape).ravel() for name, v in self.parameters(places).items()}
            values |= {pin: np.stack([volts(k, pin) for k in places], axis=-1).ravel() for pin in d.pins}
            for name in (*d.states, *d.nodes):
                spelled = f"v({{}}.{name})" if name in d.nodes else f"{{}}.{name}"
                values[name] = np.stack([result[spelled.format(self.flat[k].path)] for k in places], axis=-1).ravel()
            out[:, places] = evaluate(inward(device, next(iter(d.terminals))), values).reshape(shape)
        return out.reshape(count, *self.shape)

    def signals(self) -> list[str]:
        """What `current` and `states` need of a result, nets left out."""
        return [s for k in range(len(self.flat)) for e in (self.flat[k],) if isinstance(e.part, Model)
                for s in (*(f"{e.path}.{n}" for n in e.part.definition.states),
                          *(f"v({e.path}.{n})" for n in e.part.definition.nodes))]


def conductances(x: Crossbar, final: Mapping[str, float] | None = None, *, device: str | None = None,
                 voltage: float | None = None) -> DataArray:
    """Conductance (S) of every cell's device, read from the states (nothing is disturbed), row by column.

    final: the state that an operation left, default the start. device: its name in cells with several.
    """
    cells = Cells(x, device)
    return labelled(cells.conductance(cells.states(final), voltage), ("row", "column"), "S", "conductance")


def labelled(values: ArrayLike, dims: Sequence[str], unit: str, name: str) -> DataArray:
    """Numbers with named axes, counted from 0 (but for time), and a unit."""
    import xarray as xr

    array = np.asarray(values)
    return xr.DataArray(array, dims=dims, attrs={"units": unit, "long_name": name},
                        coords={d: np.arange(n) for d, n in zip(dims, array.shape, strict=True) if d != "time"})
