"""What every engine does around its simulator: check the request, start from the state asked for, name the results."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from spicemem.circuit import (
    GROUND,
    Circuit,
    CurrentSource,
    Element,
    Foreign,
    Inductor,
    Resistor,
    VerilogA,
    VoltageSource,
    capacitive_pairs,
)
from spicemem.engines import identity
from spicemem.engines.result import Array, Result
from spicemem.errors import EngineError, InputError, SimulationError, nearest
from spicemem.model import Model
from spicemem.store import active, key_of
from spicemem.units import NONE, describe

#: The tolerance of every run unless asked otherwise: a learning curve needs it (docs/design.md).
RELTOL = 1e-5
LOOSEST_RELTOL = 1e-4


@dataclass(frozen=True)
class Job:
    """One analysis of a flattened circuit whose devices already start where they should.

    analysis: "tran", "op" or "dc" (of `swept`: the values of each source, all together from point to point). saves:
    canonical signal names. units: of every signal the circuit has. holds: net pairs and the voltage each starts from;
    currents: inductor currents at the start, by path.
    """

    title: str
    elements: Sequence[Element]
    analysis: str
    saves: Sequence[str]
    units: Mapping[str, str]
    stop: float = 0.0
    max_step: float = 0.0
    reltol: float = RELTOL
    holds: Sequence[tuple[str, str, float]] = ()
    currents: Mapping[str, float] = field(default_factory=dict)
    swept: Mapping[str, Sequence[float]] = field(default_factory=dict)
    timeout: float = 600.0
    keep: Path | None = None
    #: Netlists written for it, by options: its key in a store needs one before the run does.
    decks: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    @cached_property
    def devices(self) -> dict[str, Model]:
        """Devices by path."""
        return {e.path: e.part for e in self.elements if isinstance(e.part, Model)}

    @cached_property
    def imported(self) -> dict[str, VerilogA]:
        """Compiled modules of others by path."""
        return {e.path: e.part for e in self.elements if isinstance(e.part, VerilogA)}

    @cached_property
    def axis(self) -> Array:
        """What stands for time in a sweep: the values of an only source, else the number of the point."""
        values = list(self.swept.values())
        return np.array(values[0], dtype=np.float64) if len(values) == 1 else np.arange(float(len(values[0])))

    @cached_property
    def inductors(self) -> set[str]:
        """Paths of the inductors."""
        return {e.path for e in self.elements if isinstance(e.part, Inductor)}


class Engine(ABC):
    """Runs circuits. `available()` tells whether it can, and why not."""

    name: str
    description: str
    #: Whether it reads the libraries that `Foreign` parts are from.
    foreign = False
    #: Whether it loads the compiled modules that `VerilogA` parts are.
    modules = False

    @abstractmethod
    def available(self) -> tuple[bool, str]:
        """(True, what was found) or (False, what is missing and how to get it)."""

    @abstractmethod
    def version(self) -> str:
        """Version of the simulator, for the record."""

    @abstractmethod
    def simulate(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...]]:
        """Run the job: its saved signals by name, checked by `check`, with "time" (the value of a sweep); warnings."""

    def decisive(self, job: Job) -> str:
        """All that decides what `simulate` gives of a job, as text; but for the version, and what `key` adds itself.

        The files of the job's parts are named by their content (`identity.settled`).
        """
        return identity.circuit_text(job.elements)

    def run(
        self, circuit: Circuit, stop: float, *, max_step: float, initial: Mapping[str, float] | None = None,
        save: Iterable[str] | None = None, reltol: float = RELTOL, timeout: float = 600.0, keep: Path | None = None,
    ) -> Result:
        """Transient from 0 to `stop` seconds, no step longer than `max_step` seconds.

        initial: a `final_state()`, or any of "device.state", "v(net)" (charged nets), "i(inductor)": splitting a run
        in two changes nothing. save: signal names, default all nets, source currents and states. reltol: at most
        1e-4. timeout: s. keep: a folder to keep netlist, log and raw file in.
        Raises CircuitError or InputError for a bad request, SimulationError when the run fails; netlist and log of a
        failed run are kept.
        """
        for name, value in (("stop", stop), ("max_step", max_step), ("timeout", timeout)):
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise InputError(f"{name} of the run", found=repr(value), expected="a time above 0 s")
        if not 0 < reltol <= LOOSEST_RELTOL:
            raise InputError("reltol", found=f"{reltol:g}", expected=f"above 0 and at most {LOOSEST_RELTOL:g}",
                             remedy="Looser runs give learning curves that are wrong by a tenth and more")
        job = self._job(circuit, "tran", initial, save)
        job = replace(job, stop=float(stop), max_step=float(min(max_step, stop)), reltol=reltol, timeout=timeout,
                      keep=keep)
        return self._finish(job)

    def operating_point(self, circuit: Circuit, *, initial: Mapping[str, float] | None = None,
                        save: Iterable[str] | None = None) -> Result:
        """The operating point at time 0: states held or solved as each device says. One point, at time 0."""
        return self._finish(self._job(circuit, "op", initial, save))

    def dc(self, circuit: Circuit, source: str, values: Sequence[float], *,
           initial: Mapping[str, float] | None = None, save: Iterable[str] | None = None) -> Result:
        """Operating points while the value of a voltage or current source is swept; `time` is the swept value."""
        return self.sweep(circuit, {source: values}, initial=initial, save=save)

    def sweep(self, circuit: Circuit, values: Mapping[str, Sequence[float]], *,
              initial: Mapping[str, float] | None = None, save: Iterable[str] | None = None) -> Result:
        """Operating points, one after the other in one process: the k-th has the k-th value of every source named.

        values: V or A by path of the source, lists of one length. States are held as in any operating point. `time` of
        the result is the swept value of an only source, else the number of the point from 0.
        """
        swept = {source: [float(v) for v in given] for source, given in values.items()}
        lengths = {len(given) for given in swept.values()}
        if len(lengths) != 1 or not max(lengths) or not all(np.isfinite(given).all() for given in swept.values()):
            raise InputError("values of the sweep", found=repr(dict(values)) if len(swept) < 4 else
                             f"{len(swept)} lists of {', '.join(map(str, sorted(lengths)))} values",
                             expected="finite numbers, at least one, as many for each source")
        job = self._job(circuit, "dc", initial, save)
        sources = {e.path for e in job.elements if isinstance(e.part, VoltageSource | CurrentSource)}
        for source in swept:
            if source not in sources:
                raise InputError(f"source {source!r} of the sweep", found="no such source",
                                 expected="one of the circuit", remedy=nearest(source, sources))
        # A source with a waveform would use that instead: the swept one becomes plain.
        elements = [Element(e.path, type(e.part)(swept[e.path][0]), e.nets) if e.path in swept
                    and isinstance(e.part, VoltageSource | CurrentSource) else e for e in job.elements]
        return self._finish(replace(job, elements=elements, swept=swept))

    def _job(self, circuit: Circuit, analysis: str, initial: Mapping[str, float] | None,
             save: Iterable[str] | None) -> Job:
        elements = circuit.check_runnable()
        for e in elements if not self.foreign else ():
            if isinstance(e.part, Foreign):
                raise EngineError(f"engine {self.name}: part {e.path}", found=f"{e.part.name} of {e.part.include}",
                                  expected="parts of this package: it does not read SPICE libraries",
                                  remedy="Use engine ngspice or ngspice-osdi, or the compact transistor NFET()")
        for e in elements if not self.modules else ():
            if isinstance(e.part, VerilogA):
                raise EngineError(f"engine {self.name}: part {e.path}", found=f"the Verilog-A module {e.part.name}",
                                  expected="parts of this package: it loads no compiled modules",
                                  remedy="Use engine ngspice-osdi, vacask or ngspice")
        given = dict(initial or {})
        known = signal_units(elements)
        shown = {f"{e.path}.{name}" for e in elements if isinstance(e.part, VerilogA)
                 for name in e.part.outputs if name not in (e.part.states or ())}
        for name, value in given.items():
            if name not in known or name in shown:
                raise InputError(f"initial value {name!r}", found="no such state, net or inductor",
                                 expected="one of the circuit", remedy=nearest(name, known))
            if not math.isfinite(value):
                raise InputError(f"initial value {name!r}", found=f"{value}", expected="a finite number")
        for e in elements if given else ():
            if isinstance(e.part, VerilogA) and e.part.states is None and e.part.keeps:
                raise EngineError(f"part {e.path}: module {e.part.name}", found=f"charge on {', '.join(e.part.keeps)}, "
                                  "which would start anew", expected="declared states where a run goes on from another",
                                  remedy="Write from_verilog_a(..., states={output: parameter it starts from}), or "
                                  "states={} where nothing in it lasts")
        elements = [started(e, given) for e in elements]
        holds = []
        for p, n in capacitive_pairs(elements):
            if all(net == GROUND or f"v({net})" in given for net in (p, n)):
                holds.append((p, n, given.get(f"v({p})", 0.0) - given.get(f"v({n})", 0.0)))
        currents = {e.path: given[f"i({e.path})"] for e in elements
                    if isinstance(e.part, Inductor) and f"i({e.path})" in given}
        saves = default_saves(elements) if save is None else list(dict.fromkeys(save))
        for name in saves:
            if name not in known:
                raise InputError(f"signal {name!r} to save", found="not in the circuit", expected="one it has",
                                 remedy=nearest(name, known))
        return Job(circuit.title or circuit.name, elements, analysis, saves, known, holds=holds, currents=currents)

    def _finish(self, job: Job) -> Result:
        wanted = list(job.saves)
        carried = carried_signals(job.elements)
        resistors = {f"i({e.path})": e for e in job.elements if isinstance(e.part, Resistor)}
        physical = list(dict.fromkeys(s for name in (*wanted, *carried) for s in needed(resistors, name)))
        began = time.perf_counter()
        signals, warnings, stored = self._signals(replace(job, saves=physical))
        wall = time.perf_counter() - began
        axis = signals.pop("time")
        full = {name: derived(resistors, name, signals) for name in wanted}
        # VACASK does not read subnormal numbers, such as a net that has discharged for a thousand time constants has.
        final = {name: v if abs(v) > 1e-300 else 0.0 for name, v in ((n, float(signals[n][-1])) for n in carried)}
        outside = tuple(f"{words}; a shorter maximum step helps" for words in overshot(job, signals))
        return Result(axis, full, {name: job.units[name] for name in full}, self.name, self.version(), wall, final,
                      (*warnings, *outside), stored)

    def _signals(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...], bool]:
        """What `simulate` gives, and whether it is out of the active store. Who wants files kept wants a real run."""
        store = active() if job.keep is None else None
        key = self.key(job) if store else None
        entry = store.get(key) if store and key else None
        if entry is not None:
            signals = dict(zip(entry.facts["signals"], entry.arrays["signals"], strict=True))
            return signals, tuple(entry.facts["warnings"]), True
        began = time.perf_counter()
        signals, warnings = self.simulate(job)
        if store and key:
            store.put(key, {"signals": np.stack(list(signals.values()))}, {
                "engine": self.name, "version": self.version(), "title": job.title, "analysis": job.analysis,
                "signals": list(signals), "warnings": list(warnings), "simulated_s": time.perf_counter() - began})
        return signals, warnings, False

    def key(self, job: Job) -> str | None:
        """The key of a job in a store: of everything that decides its signals, of nothing else. None for a job whose
        result its text does not decide: a library that draws random numbers, or includes what is not found."""
        elements = identity.settled(job.elements)
        if elements is None:
            return None
        plain = job if elements is job.elements else replace(job, elements=elements)
        numbers = (job.analysis, list(job.saves), job.stop, job.max_step, job.reltol, list(job.holds),
                   list(job.currents.items()), list(job.swept.items()))
        return key_of([type(self).__qualname__, self.version(), repr(sorted(vars(self).items())),
                       identity.code(), repr(numbers), identity.values_text(elements), self.decisive(plain)])

    def check(self, job: Job, signals: Mapping[str, Array], folder: Path | None) -> None:
        """What every engine asks of its signals before it gives them back; `folder` keeps the run of a refused result.

        Raises SimulationError for a value that is not finite, for a net at a voltage that a circuit of devices does not
        have, and where a state did not start as it was asked to: such a run is an error, not a result.
        """
        for name, values in signals.items():
            if not np.isfinite(values).all():
                raise SimulationError(f"{self.name}: signal {name}", found="a value that is not finite",
                                      expected="finite numbers", folder=folder)
            largest = float(np.abs(values).max(initial=0.0))
            if job.devices and job.analysis == "tran" and name.startswith("v(") and largest > WILD:
                raise SimulationError(f"{self.name}: {name}", found=f"{largest:g} V, out of range",
                                      expected=f"less than {WILD:g} V", folder=folder,
                                      remedy="A second solution far off, found while something switched: finer steps")
        for path, device in job.devices.items():
            for name, state in device.definition.states.items():
                if state.static == "solve" and device.values.get("hold", 0.0) < 0.5:
                    continue
                asked, found = device.initial(name), float(signals[f"{path}.{name}"][0])
                if abs(found - asked) > 1e-3 * device.resolution(name) + 1e-9 * abs(asked):
                    raise SimulationError(f"{self.name}: first value of state {path}.{name}", found=f"{found!r}",
                                          expected=f"{asked!r} {state.unit}, as asked for", folder=folder,
                                          remedy="The simulator let the state move while it found its operating point")
        for path, part in job.imported.items():
            for name, start in (part.states or {}).items():
                values, first = signals[f"{path}.{name}"], part.params.get(start)
                if first is not None and abs(values[0] - first) > 1e-3 * max(np.abs(values).max(), abs(first)):
                    raise SimulationError(f"{self.name}: first value of {path}.{name}", found=f"{values[0]:g}",
                                          expected=f"{first:g}, the value of {start}", folder=folder,
                                          remedy="A parameter that a state starts from is declared by states=")


def started(element: Element, given: Mapping[str, float]) -> Element:
    """The element with a device's states started where `given` says."""
    if isinstance(element.part, VerilogA):
        starts = {start: given[f"{element.path}.{name}"] for name, start in (element.part.states or {}).items()
                  if f"{element.path}.{name}" in given}
        part = replace(element.part, params={**element.part.params, **starts})
        return Element(element.path, part, element.nets) if starts else element
    if not isinstance(element.part, Model):
        return element
    changes: dict[str, float] = {}
    for name, state in element.part.definition.states.items():
        value = given.get(f"{element.path}.{name}")
        if value is not None:
            changes[state.init] = into_range(element.part, name, value)
            if state.static == "solve":
                changes["hold"] = 1.0
    return Element(element.path, element.part.replace(**changes), element.nets) if changes else element


def into_range(device: Model, state: str, value: float) -> float:
    """A state that a run left a hair outside its bounds (its wall gives way within the tolerance), put on the bound."""
    info = device.definition.states[state]
    slack = 100 * device.resolution(state)
    low = -math.inf if info.low is None else device.number(info.low)
    high = math.inf if info.high is None else device.number(info.high)
    return min(max(value, low), high) if low - slack <= value <= high + slack else value


#: V. Where a switch fires ngspice was seen to accept a second solution, at 1e9 V, of a circuit with sinh currents.
WILD = 1e6
#: How far a state may lie outside its bounds: in ranges of the state, plus in resolutions.
BEYOND, RESOLUTIONS = 1e-3, 10.0


def overshot(job: Job, signals: Mapping[str, Array]) -> list[str]:
    """The states of a result that lie outside their bounds, in words."""
    return [f"{path}: {words}" for path, device in job.devices.items()
            for words in beyond(device, {s: signals[f"{path}.{s}"] for s in device.definition.states})]


def beyond(device: Model, states: Mapping[str, Array]) -> list[str]:
    """What a step that was too long for a fast switch leaves behind: states outside their bounds, in words."""
    found = []
    for name, info in device.definition.states.items():
        low, high = (math.nan if e is None else device.number(e) for e in (info.low, info.high))
        span = high - low if math.isfinite(high - low) else 0.0
        slack = BEYOND * span + RESOLUTIONS * device.resolution(name)
        least, most = float(states[name].min()), float(states[name].max())
        if least < low - slack:
            found.append(f"{name} falls to {least:g}, below {low:g}")
        if most > high + slack:
            found.append(f"{name} rises to {most:g}, above {high:g}")
    return found


def signal_units(elements: Sequence[Element]) -> dict[str, str]:
    """Every signal a circuit has, with its unit."""
    units: dict[str, str] = {}
    inner: dict[type[Model], list[tuple[str, str]]] = {}  # of one class once: an array has thousands
    for e in elements:
        for net in e.nets.values():
            if net != GROUND:
                units[f"v({net})"] = "V"
        if isinstance(e.part, Model):
            kind = type(e.part)
            for pattern, unit in inner.get(kind) or inner.setdefault(kind, _inner_units(kind)):
                units[pattern.format(e.path)] = unit
        elif isinstance(e.part, VerilogA):
            units.update({f"v({e.path}.{node})": "V" for node in e.part.nodes})
            units.update({f"{e.path}.{name}": unit or "1" for name, unit in e.part.outputs.items()})
        elif isinstance(e.part, VoltageSource | Inductor | Resistor):
            units[f"i({e.path})"] = "A"
    return units


def _inner_units(kind: type[Model]) -> list[tuple[str, str]]:
    """The signals of a device with {} for its path, and their units: nodes, states, locals that vary."""
    d = kind.definition
    units = {f"v({{}}.{node})": "V" for node in d.nodes}
    units.update({f"{{}}.{name}": state.unit for name, state in d.states.items()})
    units.update({f"{{}}.{name}": describe(node.dim or NONE) for name, node in d.locals.items()
                  if name not in d.constant_locals})
    return [(name, "1" if unit == "a pure number" else unit) for name, unit in units.items()]


def default_saves(elements: Sequence[Element]) -> list[str]:
    """Net voltages, source currents, device states."""
    names: dict[str, None] = {}
    for e in elements:
        names.update({f"v({net})": None for net in e.nets.values() if net != GROUND})
    for e in elements:
        if isinstance(e.part, VoltageSource):
            names[f"i({e.path})"] = None
        elif isinstance(e.part, Model):
            names.update({f"{e.path}.{name}": None for name in e.part.definition.states})
        elif isinstance(e.part, VerilogA):
            names.update({f"{e.path}.{name}": None for name in e.part.states or ()})
    return list(names)


def carried_signals(elements: Sequence[Element]) -> list[str]:
    """What another run needs to go on: states, voltages of charged nets, inductor currents."""
    names: dict[str, None] = {}
    for e in elements:
        if isinstance(e.part, Model):
            names.update({f"{e.path}.{name}": None for name in e.part.definition.states})
        elif isinstance(e.part, VerilogA):
            names.update({f"{e.path}.{name}": None for name in e.part.states or ()})
        elif isinstance(e.part, Inductor):
            names[f"i({e.path})"] = None
    for pair in capacitive_pairs(list(elements)):
        names.update({f"v({net})": None for net in pair if net != GROUND})
    return list(names)


def needed(resistors: Mapping[str, Element], name: str) -> list[str]:
    """The signals a simulator must save for `name`: a resistor's current comes from its voltages."""
    if name not in resistors:
        return [name]
    return [f"v({net})" for net in resistors[name].nets.values() if net != GROUND]


def derived(resistors: Mapping[str, Element], name: str, signals: Mapping[str, Array]) -> Array:
    """A signal from those that were saved."""
    if name not in resistors:
        return signals[name]
    resistor = resistors[name]
    assert isinstance(resistor.part, Resistor)
    zero = np.zeros(len(next(iter(signals.values()))))
    p, n = (signals[f"v({net})"] if net != GROUND else zero for net in (resistor.nets["p"], resistor.nets["n"]))
    return (p - n) / resistor.part.ohm
