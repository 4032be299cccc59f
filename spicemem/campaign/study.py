"""What a campaign repeats: a function with or without a circuit, and what each name of a point changes in it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from spicemem.campaign.outputs import Output, outputs_of
from spicemem.circuit import DOT, GROUND, Circuit, CurrentSource, Foreign, Part, VoltageSource
from spicemem.circuits.foundry import CORNERS, at_corner
from spicemem.curve import Curve
from spicemem.devices.transistor import NFET, PFET
from spicemem.engines import Engine, get
from spicemem.engines.base import Job
from spicemem.errors import CircuitError, InputError, SimulationError, nearest
from spicemem.model import Model
from spicemem.protocols import epsc, ppf, ptp, retention, stdp, stdp_all
from spicemem.spread import Distribution, redrawn
from spicemem.waveform import Waveform

#: Names that act on the whole circuit, with their unit.
PROCESS, TEMPERATURE, SUPPLY = "process", "temperature", "supply"
WHOLE = {PROCESS: "", TEMPERATURE: "K", SUPPLY: "1"}
#: Ambient temperature of a part, by the name that its model gives it.
_AMBIENT = ("t_amb", "temp0")
#: Compact transistors at a corner: shift of the threshold (V) and factor on kp. Chosen: three sigma of a bulk process.
_FAST, _SLOW, _TYPICAL = (-0.05, 1.1), (0.05, 0.9), (0.0, 1.0)
_LETTERS = {"t": _TYPICAL, "f": _FAST, "s": _SLOW}
#: Protocols that hand their keywords on, and to which.
_TAKES: dict[Any, Callable[..., Any]] = {stdp: stdp_all, ptp: ppf, epsc: retention}
_FIELD_UNITS = {"ohm": "Ohm", "farad": "F", "henry": "H", "siemens": "S", "gain": "1"}


@dataclass(frozen=True)
class Redrawn:
    """Cycle-to-cycle spread of a device's input: drawn anew around 0 for every `slot` (s) up to `stop` (s).

    Each run of a point begins the waveform again; `seed` is set for each sample of a campaign.
    """

    distribution: Distribution
    slot: float
    stop: float
    seed: int = 0

    def wave(self) -> Waveform:
        """The waveform of this seed."""
        return redrawn(self.distribution, self.slot, self.stop, self.seed)


class Here(Executor):
    """Runs what is submitted at once, in the calling thread; after a failure nothing more of it."""

    def __init__(self) -> None:
        self._failed: Exception | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            if self._failed is not None:
                raise self._failed
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            self._failed = error
            future.set_exception(error)
        return future


class Study:
    """What a campaign repeats: `function(circuit, **arguments)`, or without a circuit `function(**arguments)`.

    function: a protocol, or any function whose result is a number, (number, unit), array, Curve, DataArray, or a
    mapping of these; or a Circuit (its bench is run, or give stop= and max_step=). Processes must be able to import it.
    An experiment: see `scored`. circuit: a Circuit, or a function that makes one, such as `divider_gate`. fixed:
    arguments of either, and "part.parameter". units: SI unit of arguments that are not pure numbers.

    A name of a point is an argument of the function, an argument of the circuit's function, "part.parameter" (a device,
    R, L, C, source or foreign part by path), "part.input" (a Redrawn), or one of
    "process" (tt, ff, ss, sf, fs: sections of the foundries' cards; compact NFET and PFET with vt0 -+0.05 V and kp
    +-10 %, the first letter the NMOS), "temperature" (K, of every part that has one), "supply" (a factor on every
    constant voltage source of the circuit, on its bench and on every waveform among the arguments).
    """

    def __init__(self, function: Callable[..., Any] | Circuit, /,
                 circuit: Circuit | Callable[..., Circuit] | None = None, *,
                 units: Mapping[str, str] | None = None, **fixed: Any):
        if not callable(function) and not isinstance(function, Circuit):
            raise InputError("study", found=repr(function), expected="a function or a Circuit")
        self.function: Callable[..., Any] = run_bench if isinstance(function, Circuit) else function
        self.circuit = function if isinstance(function, Circuit) else circuit
        self.units = dict(units or {})
        self.fixed: dict[str, Any] = dict(fixed)
        for name, value in fixed.items():
            self.checked(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {key: self.__dict__[key] for key in ("function", "circuit", "units", "fixed")}  # not what is cached

    @property
    def title(self) -> str:
        """What it is, for people and files."""
        name = str(getattr(self.function, "__name__", type(self.function).__name__))
        cell = self.nominal_circuit
        return name if cell is None else f"{cell.name}" if self.function is run_bench else f"{name} of {cell.name}"

    @cached_property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """The arguments that the function takes by name, its circuit left out."""
        found: dict[str, inspect.Parameter] = {}
        for function in (self.function, _TAKES.get(self.function)):
            if function is not None:
                found.update(inspect.signature(function).parameters)
        kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY)
        names = {name: p for name, p in found.items() if p.kind not in kinds}
        if self.circuit is not None and names:
            names.pop(next(iter(names)))
        return names

    @cached_property
    def _open(self) -> bool:
        """Whether the function takes any name."""
        found = inspect.signature(_TAKES.get(self.function, self.function)).parameters.values()
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)

    @cached_property
    def _build_arguments(self) -> Mapping[str, inspect.Parameter]:
        return {} if self.circuit is None or isinstance(self.circuit, Circuit) else (
            inspect.signature(self.circuit).parameters)

    @cached_property
    def nominal_circuit(self) -> Circuit | None:
        """The circuit with what is fixed, and nothing else changed."""
        return self._circuit(self.fixed)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that a point may change."""
        own = [n for n in self.arguments if n not in ("engine", "executor", "progress")]
        cell = self.nominal_circuit
        if cell is None:
            return tuple(own)
        parts = [f"{e.path}{DOT}{key}" for e in cell.elements() for key in _keys(e.part)]
        return (*own, *self._build_arguments, *parts, *(n for n in WHOLE if n not in own))

    def checked(self, name: str, value: Any) -> Any:
        """The value, if the study can take it under that name. Raises InputError where there is no such name."""
        if name in ("executor", "progress"):
            raise InputError(f"{self.title}: {name}", found="an argument of the study",
                             expected="the campaign to run it", remedy=f"Give {name}= to sweep, monte_carlo or corners")
        if name not in self.arguments and name not in self.names and (DOT in name or not self._open):
            raise InputError(f"{self.title}: parameter", found=repr(name), expected="one it has",
                             remedy=nearest(name, self.names))
        if name == PROCESS and name not in self.arguments and value not in CORNERS:
            raise InputError(f"{self.title}: {PROCESS}", found=repr(value), expected=" or ".join(CORNERS))
        return value

    def unit(self, name: str) -> str:
        """SI unit of what a name changes: of the parameter, as `units` says, or "1"."""
        if name in self.units:
            return self.units[name]
        if name in WHOLE and name not in self.arguments:
            return WHOLE[name]
        path, dot, key = name.rpartition(DOT)
        if dot and self.nominal_circuit is not None:
            part = next((e.part for e in self.nominal_circuit.elements() if e.path == path), None)
            return "1" if part is None else _unit(part, key)
        return "1"

    def nominal(self, name: str) -> float:
        """The value of a name when no point changes it. Raises InputError where that is not a number."""
        value: Any = None
        path, dot, key = name.rpartition(DOT)
        if name in self.fixed:
            value = self.fixed[name]
        elif name in self.arguments:
            value = self.arguments[name].default
        elif name == SUPPLY:
            value = 1.0
        elif name in self._build_arguments:
            value = self._build_arguments[name].default
        elif dot and self.nominal_circuit is not None:
            part = next((e.part for e in self.nominal_circuit.elements() if e.path == path), None)
            value = (part.values.get(key) if isinstance(part, Model) else part.params.get(key)
                     if isinstance(part, Foreign) else getattr(part, key, None))
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.checked(name, value)
            raise InputError(f"{self.title}: {name}", found="no nominal value" if value is None or value is
                             inspect.Parameter.empty else repr(value), expected="a number to spread around",
                             remedy=f"Give it a fixed value as well: {name}=...")
        return float(value)

    def device(self, path: str) -> Model:
        """The device at a path of the circuit. Raises InputError where there is none."""
        devices = {} if self.nominal_circuit is None else self.nominal_circuit.devices()
        if path not in devices:
            raise InputError(f"{self.title}: device", found=repr(path), expected="one it has",
                             remedy=nearest(path, devices))
        return devices[path]

    def at(self, settings: Mapping[str, Any]) -> tuple[Circuit | None, dict[str, Any]]:
        """The circuit and the arguments of a point. Raises SpicememError for what they refuse."""
        every = {**self.fixed, **settings}
        for name, value in settings.items():
            self.checked(name, value)
        arguments = {name: value for name, value in every.items() if name in self.arguments or (
            self._open and DOT not in name and name not in self._build_arguments and name not in WHOLE)}
        cell = self._circuit(every)
        factor = every.get(SUPPLY, 1.0) if SUPPLY not in self.arguments else 1.0
        if factor != 1.0:
            arguments = {name: _scaled(value, factor) for name, value in arguments.items()}
        return cell, arguments

    def _circuit(self, every: Mapping[str, Any]) -> Circuit | None:
        if self.circuit is None:
            return None
        cell = self.circuit if isinstance(self.circuit, Circuit) else self.circuit(
            **{n: every[n] for n in self._build_arguments if n in every and n not in self.arguments})
        for name, act in ((PROCESS, _at_process), (TEMPERATURE, _at_temperature), (SUPPLY, _at_supply)):
            if name in every and name not in self.arguments:
                cell = act(cell, every[name], self.fixed)
        changes: dict[str, dict[str, Any]] = {}
        for name, value in every.items():
            path, dot, key = name.rpartition(DOT)
            if dot and name not in self.arguments:
                changes.setdefault(path, {})[key] = value
        for path, values in changes.items():
            cell = changed(cell, path, values)
        return cell

    def evaluate(self, settings: Mapping[str, Any], engine: str | Engine | None = None) -> dict[str, Output]:
        """The outputs of one point, by name; its runs one after the other in this thread."""
        cell, arguments = self.at(settings)
        if "engine" in self.arguments:
            arguments["engine"] = get(arguments.get("engine", engine))
        if "executor" in self.arguments:
            arguments["executor"] = Here()
        return outputs_of(self.function(*(() if cell is None else (cell,)), **arguments))


def _keys(part: Part | Model) -> list[str]:
    if isinstance(part, Model):
        return [*part.definition.params, *part.definition.inputs]
    if isinstance(part, Foreign):
        return [*part.params]
    return [f.name for f in fields(part) if f.name in _FIELD_UNITS or f.name == "wave"]  # type: ignore[arg-type]


def _unit(part: Part | Model, key: str) -> str:
    if isinstance(part, Model):
        d = part.definition
        found = d.params.get(key) or d.inputs.get(key)
        return "1" if found is None else found.unit
    if key == "wave":
        return "A" if isinstance(part, CurrentSource) else "V"
    return _FIELD_UNITS.get(key, "1")


def changed(cell: Circuit, path: str, values: Mapping[str, Any]) -> Circuit:
    """A copy of the circuit in which the part at a path has other values; a Redrawn drives an input of a device."""
    head, dot, rest = path.partition(DOT)
    if head not in cell.parts:
        raise CircuitError(f"{cell.name}: part {path!r}", found="no such part", expected="one it has",
                           remedy=nearest(path, [e.path for e in cell.elements()]))
    twin, (part, nets) = cell.copy(), cell.parts[head]
    if isinstance(part, Circuit):
        if not dot:
            raise CircuitError(f"{cell.name}: {path}", found="a circuit", expected="a part", remedy=nearest(
                path, [e.path for e in cell.elements()]))
        twin.parts[head] = (changed(part, rest, values), nets)
        return twin
    waves = {key: value for key, value in values.items() if isinstance(value, Redrawn)}
    for key, value in waves.items():
        if not isinstance(part, Model) or key not in part.definition.inputs or nets.get(key) != GROUND:
            raise CircuitError(f"{cell.name}: {path}.{key}", found="a redrawn waveform",
                               expected="an input of a device that is left open")
        nets = {**nets, key: f"in_{head}_{key}"}
        twin.add(f"v_{head}_{key}", VoltageSource(value.wave()), p=f"in_{head}_{key}", n=GROUND)
    numbers = {key: value for key, value in values.items() if key not in waves}
    new: Part | Model
    if isinstance(part, Model):
        new = part.replace(**numbers)
    elif isinstance(part, Foreign):
        new = replace(part, params={**part.params, **numbers})
    else:
        new = replace(part, **numbers)  # type: ignore[type-var]
        new.check(head)
    twin.parts[head] = (new, nets)
    return twin


def _each(cell: Circuit, change: Callable[[Part | Model], Part | Model | None]) -> tuple[Circuit, int]:
    """A copy with every part changed for which there is a change, and how many those were."""
    twin, count = cell.copy(), 0
    for name, (part, nets) in cell.parts.items():
        if isinstance(part, Circuit):
            inner, found = _each(part, change)
            twin.parts[name], count = (inner, nets), count + found
        elif (new := change(part)) is not None:
            twin.parts[name], count = (new, nets), count + 1
    return twin, count


def _needed(cell: Circuit, count: int, what: str, expected: str) -> None:
    if not count:
        raise InputError(f"{cell.name}: {what}", found="no part that it changes", expected=expected)


def _at_process(cell: Circuit, corner: str, fixed: Mapping[str, Any]) -> Circuit:
    if corner not in CORNERS:
        raise InputError(f"{cell.name}: {PROCESS}", found=repr(corner), expected=" or ".join(CORNERS))

    def change(part: Part | Model) -> Part | Model | None:
        if isinstance(part, Foreign):
            return at_corner(part, corner)
        if isinstance(part, NFET):
            shift, factor = _LETTERS[corner[1 if isinstance(part, PFET) else 0]]
            return part.replace(vt0=part.values["vt0"] + shift, kp=part.values["kp"] * factor)
        return None

    twin, count = _each(cell, change)
    _needed(cell, count, PROCESS, "a transistor: NFET, PFET or one of a foundry")
    return twin


def _at_temperature(cell: Circuit, kelvin: float, fixed: Mapping[str, Any]) -> Circuit:
    def change(part: Part | Model) -> Part | Model | None:
        if isinstance(part, Foreign):
            raise InputError(f"{cell.name}: {TEMPERATURE}", found=f"the foundry's part {part.name}",
                             expected="parts of this package",
                             remedy="Its cards are read at ngspice's 27 degrees Celsius: use the compact NFET()")
        if isinstance(part, Model):
            own = [name for name in _AMBIENT if name in part.values]
            return part.replace(**dict.fromkeys(own, kelvin)) if own else None
        return None

    twin, count = _each(cell, change)
    _needed(cell, count, TEMPERATURE, f"a device with a parameter {' or '.join(_AMBIENT)}")
    return twin


def _at_supply(cell: Circuit, factor: float, fixed: Mapping[str, Any]) -> Circuit:
    def change(part: Part | Model) -> Part | Model | None:
        if isinstance(part, VoltageSource) and not isinstance(part.wave, Waveform):
            return VoltageSource(part.wave * factor)
        return None

    twin, count = _each(cell, change)
    if not any(_waves(value) for value in fixed.values()) and not cell.bench:
        _needed(cell, count, SUPPLY, "a constant voltage source, or a waveform among the arguments")
    if cell.bench is not None:
        twin.bench = replace(cell.bench, drives={pin: wave * factor for pin, wave in cell.bench.drives.items()})
    return twin


def _waves(value: Any) -> bool:
    return isinstance(value, Waveform) or (isinstance(value, Mapping) and any(map(_waves, value.values())))


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, Waveform):
        return value * factor
    return {key: _scaled(v, factor) for key, v in value.items()} if isinstance(value, Mapping) else value


def run_bench(cell: Circuit, *, stop: float | None = None, max_step: float | None = None, points: int = 201,
              engine: str | Engine | None = None) -> dict[str, Curve]:
    """A transient of a circuit: what its bench draws, or without one every signal, on `points` even times (s).

    stop, max_step: s, default the bench's. Raises InputError for a circuit without a bench where they are not given.
    """
    bench = cell.bench
    if bench is None and (stop is None or max_step is None or cell.ports):
        raise InputError(f"circuit {cell.name}", found="no bench", expected="a circuit that can be run, and stop=, "
                         "max_step=", remedy="Write Circuit(..., bench=Bench(...)), or drive its ports")
    runnable = cell.drive(**bench.drives) if cell.ports and bench else cell
    end, step = stop or (bench.stop if bench else 0.0), max_step or (bench.max_step if bench else 0.0)
    result = get(engine).run(runnable, end, max_step=step, save=bench.plot if bench and bench.plot else None)
    t = np.linspace(0.0, end, points)
    return {name: Curve(t, result.at(name, t), "time", "s", name, result.units[name]) for name in result}


def limited(engine: Engine, remaining: Callable[[], float]) -> Engine:
    """The engine, whose runs end when a time (s) that is asked for at each is over."""

    def simulate(self: Engine, job: Job) -> Any:
        left = remaining()
        if left <= 0:
            raise SimulationError("point of the campaign", found="its time over", expected="an end within the limit")
        return type(engine).simulate(self, replace(job, timeout=min(job.timeout, left)))

    # A class of the same name and no attribute of the engine: the store knows the runs of both by one key.
    kind = type(engine)
    twin = copy.copy(engine)
    twin.__class__ = type(kind.__name__, (kind,), {"simulate": simulate, "__qualname__": kind.__qualname__})
    return twin
