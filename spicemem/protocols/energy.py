"""Energy of a cell under spikes, split by element: the integral of v*i of every element, and what the sources gave."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from spicemem import __version__
from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Element,
    Inductor,
    Resistor,
    Transconductor,
    VoltageSource,
    source_wave,
)
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, Result, get
from spicemem.engines.base import signal_units
from spicemem.engines.result import Array
from spicemem.errors import CircuitError, InputError
from spicemem.model import Model
from spicemem.protocols.conductance import evaluate, inward
from spicemem.waveform import Waveform

#: Steps in the run, in the shortest waveform, and in the run at most.
STEPS, STEPS_WAVE, MOST = 1000, 500, 20000
_ELEMENT, _SOURCE, _TERMINAL, _STORED = "taken in by", "given by", "into terminal", "stored by"


class Energy(Curve):
    """Energy that the sources of a cell delivered (y, J) up to time x (s), and columns (J) of where it went.

    Columns: of each element by its path ("taken in by"; negative for one that gives), of each device's terminal
    ("syn.p": what entered there), of what is stored in each capacitance and inductor at that time, of each source.
    """

    def _last(self, kind: str) -> dict[str, float]:
        return {name: float(c.values[-1]) for name, c in self.columns.items() if c.label.startswith(kind)}

    @property
    def split(self) -> dict[str, float]:
        """J by element at the end; what a capacitor took in and still holds is in it."""
        return self._last(_ELEMENT)

    @property
    def terminals(self) -> dict[str, float]:
        """J that entered each device by terminal, "syn.p"."""
        return self._last(_TERMINAL)

    @property
    def stored(self) -> dict[str, float]:
        """J that capacitances (of devices too) and inductors hold at the end more than at the start, by element."""
        return {name.removesuffix(" stored"): v for name, v in self._last(_STORED).items()}

    @property
    def delivered(self) -> dict[str, float]:
        """J by source; negative where a source took energy in."""
        return {name.removesuffix(" gave"): v for name, v in self._last(_SOURCE).items()}

    @property
    def imbalance(self) -> float:
        """What the elements took in less what the sources delivered, over the largest energy of the two lists."""
        parts = [*self.split.values(), *self.delivered.values()]
        return (sum(self.split.values()) - float(self.y[-1])) / (max(map(abs, parts), default=0.0) or 1.0)


def work(time: Array, volts: Array, amps: Array) -> Array:
    """The integral of v*i (J) up to each time (s), exact where both are straight lines between the points."""
    dt, v0, v1, i0, i1 = np.diff(time), volts[:-1], volts[1:], amps[:-1], amps[1:]
    return np.asarray(np.r_[0.0, np.cumsum(dt / 6 * (2 * v0 * i0 + 2 * v1 * i1 + v0 * i1 + v1 * i0))])


def charged(across: Array, size: float) -> Array:
    """The energy (J) that a capacitance (F, V across) or an inductance (H, A through) has taken in up to each point."""
    return np.asarray(size / 2 * (across**2 - across[0] ** 2), dtype=np.float64)


def energy(cell: Circuit, waves: Mapping[str, Waveform | float], stop: float, *, engine: str | Engine | None = None,
           initial: Mapping[str, float] | None = None, max_step: float | None = None,
           name: str = "energy") -> Energy:
    """Drive the ports of a cell by `waves` (V) for `stop` seconds and follow where the energy goes.

    max_step: s, default a thousandth of the run or a 500th of the shortest waveform, if that is less, but not below a
    20000th of the run: a short spike in a long run wants two calls, the second one going on from `initial`. A device's
    power is that of its branch currents, evaluated by its equations at the voltages and states of the run; capacitances
    count apart. A part without a current of its own in the results (a controlled voltage source, a foundry's
    transistor) has that of Kirchhoff's law at its nets.
    Raises CircuitError for a cell where that law does not tell (two such parts on one net), InputError for a bad
    request, SimulationError when the run fails.
    """
    if not (np.isfinite(stop) and stop > 0):
        raise InputError(f"{name} of {cell.name}: stop", found=f"{stop}", expected="a time above 0 s")
    simulator = get(engine)
    driven = cell.drive(**waves) if cell.ports else cell
    elements = driven.check_runnable()
    spans = [w.duration for w in waves.values() if isinstance(w, Waveform) and w.duration > 0]
    known = signal_units(elements)
    locals_ = {f"{e.path}.{key}" for e in elements if isinstance(e.part, Model) for key in e.part.definition.locals}
    step = max_step or max(stop / MOST, min([stop / STEPS, *(span / STEPS_WAVE for span in spans)]))
    result = simulator.run(driven, stop, max_step=step, initial=initial, save=[s for s in known if s not in locals_])
    book = _Book(result, elements)
    for e in elements:
        book.enter(e)
    total = sum((v for key, v in book.energies.items() if book.kinds[key] == _SOURCE), np.zeros(len(result.time)))
    columns = {key: Column(v, "J", f"{book.kinds[key]} {key.split(' ')[0]}") for key, v in book.energies.items()}
    return Energy(result.time, total, "time", "s", "delivered", "J", name=name, columns=columns, provenance={
        "protocol": "integral of v*i by element", "circuit": cell.name, "max_step": f"{step:g} s",
        "engine": f"{simulator.name} {simulator.version()}", "spicemem": __version__})


class _Book:
    """Energies (J up to each time) by column, and the kind of each."""

    def __init__(self, result: Result, elements: list[Element]):
        self.result, self.elements = result, elements
        self.time = result.time
        self.energies: dict[str, Array] = {}
        self.kinds: dict[str, str] = {}

    def volts(self, net: str) -> Array:
        return np.zeros(len(self.time)) if net == GROUND else self.result[f"v({net})"]

    def put(self, key: str, kind: str, values: ArrayLike) -> None:
        self.energies[key] = np.broadcast_to(np.asarray(values, dtype=np.float64), self.time.shape)
        self.kinds[key] = kind

    def enter(self, e: Element) -> None:
        """The columns of one element."""
        if isinstance(e.part, Model):
            self._device(e, e.part)
            return
        if isinstance(e.part, Capacitor):
            across = self.volts(e.nets["p"]) - self.volts(e.nets["n"])
            self.put(e.path, _ELEMENT, charged(across, e.part.farad))
            self.put(f"{e.path} stored", _STORED, self.energies[e.path])
            return
        currents = self.currents(e)
        if currents is None:
            currents = self._by_kirchhoff(e)
        taken = sum((work(self.time, self.volts(net), amps) for net, amps in currents), np.zeros(len(self.time)))
        if isinstance(e.part, VoltageSource | CurrentSource):
            self.put(f"{e.path} gave", _SOURCE, -taken)
            return
        self.put(e.path, _ELEMENT, taken)
        if isinstance(e.part, Inductor):
            self.put(f"{e.path} stored", _STORED, charged(self.result[f"i({e.path})"], e.part.henry))

    def currents(self, e: Element) -> list[tuple[str, Array]] | None:
        """(net, current from it into the element) of an element whose currents are known; None for others."""
        part = e.part
        if isinstance(part, Model):
            values = self.values(e, part)
            found = [(e.nets[pin], evaluate(inward(part, pin), values)) for pin in part.definition.terminals]
            for c in part.definition.capacitances:
                found += self._charging(e.nets[c.p.value], e.nets[c.n.value], part.number(c.farad))
            return found
        if isinstance(part, Capacitor):
            return self._charging(e.nets["p"], e.nets["n"], part.farad)
        if isinstance(part, Resistor | Inductor | VoltageSource):
            amps = (self.result[f"i({e.path})"] if not isinstance(part, Resistor) else
                    (self.volts(e.nets["p"]) - self.volts(e.nets["n"])) / part.ohm)
        elif isinstance(part, CurrentSource):
            amps = source_wave(part)(self.time)
        elif isinstance(part, Transconductor):
            amps = part.siemens * (self.volts(e.nets["cp"]) - self.volts(e.nets["cn"]))
        elif isinstance(part, CurrentGain):
            amps = part.gain * self.result[f"i({part.sense})"]
        else:
            return None
        return [(e.nets["p"], amps), (e.nets["n"], -amps)]

    def _charging(self, p: str, n: str, farad: float) -> list[tuple[str, Array]]:
        amps = farad * np.gradient(self.volts(p) - self.volts(n), self.time)
        return [(p, amps), (n, -amps)]

    def _by_kirchhoff(self, e: Element) -> list[tuple[str, Array]]:
        """The currents of an element that the results do not have: what all others leave at each of its nets."""
        pins = [pin for pin in e.nets if pin not in ("cp", "cn")]
        nets = [net for net in dict.fromkeys(e.nets[pin] for pin in pins) if net != GROUND]
        left = {net: np.zeros(len(self.time)) for net in nets}
        for other in self.elements:
            if other is e or not set(nets) & set(other.nets.values()):
                continue
            currents = self.currents(other)
            if currents is None and set(nets) & {net for pin, net in other.nets.items() if pin not in ("cp", "cn")}:
                raise CircuitError(f"energy: {e.path} and {other.path}", found="one net between them",
                                   expected="a current that the results tell",
                                   remedy="Put a voltage source of 0 V between them")
            for net, amps in currents or []:
                if net in left:
                    left[net] = left[net] - amps
        return list(left.items())

    def values(self, e: Element, device: Model) -> dict[str, Array]:
        """Every symbol of a device's equations over time."""
        d = device.definition
        found = {name: np.full(len(self.time), v) for name, v in device.values.items()}
        found |= {name: self.volts(net) for name, net in e.nets.items()}
        found |= {name: self.result[f"v({e.path}.{name})"] for name in d.nodes}
        return found | {name: self.result[f"{e.path}.{name}"] for name in d.states}

    def _device(self, e: Element, device: Model) -> None:
        d, values, now = device.definition, self.values(e, device), np.zeros(len(self.time))
        taken = sum((work(self.time, values[b.p.value] - values[b.n.value], evaluate(b.current, values))
                     for b in d.branches), now)
        stored = now
        entered = {pin: work(self.time, values[pin], evaluate(inward(device, pin), values)) for pin in d.terminals}
        for c in d.capacitances:
            p, n, farad = c.p.value, c.n.value, device.number(c.farad)
            across = values[p] - values[n]
            stored = stored + charged(across, farad)
            for pin, sign in ((p, 1), (n, -1)):
                mean = (values[pin][1:] + values[pin][:-1]) / 2
                entered[pin] = entered[pin] + np.r_[0.0, np.cumsum(sign * farad * mean * np.diff(across))]
        self.put(e.path, _ELEMENT, taken + stored)
        if d.capacitances:
            self.put(f"{e.path} stored", _STORED, stored)
        for pin, joules in entered.items():
            self.put(f"{e.path}.{pin}", _TERMINAL, joules)
