"""What a golden says was run, run again: a device or cell on its bench, an experiment's curve, an ngspice netlist."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from spicemem import engines
from spicemem.circuit import Circuit
from spicemem.curve import Curve
from spicemem.engines import process
from spicemem.engines.ngspice import find_program
from spicemem.engines.simulator import check_log
from spicemem.errors import EngineError, InputError, SimulationError, nearest
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import run_experiment
from spicemem.model import Model
from spicemem.regress.readers import read_waveforms
from spicemem.regress.waveforms import Waveforms
from spicemem.render.bench import bench_circuit, bench_of
from spicemem.units import parse_quantity

#: A device or cell by name with settings in engineering notation: `spicemem.generate.thing`.
Build = Callable[[str, Mapping[str, str]], Model | Circuit]


@dataclass(frozen=True)
class Run:
    """One of thing, experiment (with its curve) and netlist.

    thing: a device, DEVICE:PRESET or cell, on its bench; stop, max_step (s): of the bench unless given. experiment,
    curve: by name; quick: with fewer points. netlist: a file for ngspice, from the golden's folder; its `.save` and
    `.tran` decide. settings: parameters, as text. names: signals of a netlist that are called otherwise in the golden.
    """

    thing: str | None = None
    experiment: str | None = None
    curve: str | None = None
    netlist: str | None = None
    engine: str = "reference"
    settings: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    stop: float | None = None
    max_step: float | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = [name for name in ("thing", "experiment", "netlist") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError("run of a golden", found=" and ".join(given) or "nothing",
                             expected="one of thing, experiment, netlist")
        if (self.curve is None) != (self.experiment is None):
            raise InputError("run of a golden", found="an experiment without a curve" if self.experiment else "a curve",
                             expected="both or none")

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Run:
        """As `to_mapping` wrote it. Raises InputError for unknown entries."""
        known = {f.name for f in fields(cls)}
        for name in given:
            if name not in known:
                raise InputError("run of a golden", found=repr(name), expected="an entry that is known",
                                 remedy=nearest(name, known))
        try:
            return cls(**given)
        except TypeError as error:
            raise InputError("run of a golden", found=str(error), expected="as spicemem writes it") from None

    def to_mapping(self) -> dict[str, Any]:
        """What differs from the defaults, for a golden's file; the engine always."""
        return {name: value for name, value in asdict(self).items() if value or name == "engine"}

    def __str__(self) -> str:
        what = self.thing or self.netlist or f"{self.experiment}, {self.curve}"
        return what + "".join(f" {key}={value}" for key, value in self.settings.items())


def execute(run: Run, build: Build, folder: Path, engine: str | None = None,
            signals: Iterable[str] | None = None) -> Waveforms:
    """Run it again. engine: another than its own; folder: what a netlist's path starts from; signals: those wanted.

    Raises EngineError where the engine is not here or cannot do it, else what the run itself raises.
    """
    chosen = engines.get(engine or run.engine)
    there, why = chosen.available()
    if not there:
        raise EngineError(f"engine {chosen.name}", found=why, expected="one that works")
    if run.netlist is not None:
        if chosen.name != "ngspice":
            raise EngineError(f"engine {chosen.name}: netlist {run.netlist}", found="a file for ngspice",
                              expected="the engine ngspice")
        return _netlist((folder / run.netlist).resolve()).renamed(run.names)
    if run.experiment is not None:
        return _experiment(run.experiment, chosen.name, run.quick, tuple(sorted(run.settings.items())))(str(run.curve))
    assert run.thing is not None
    item = build(run.thing, run.settings)
    bench = bench_of(item)
    result = chosen.run(bench_circuit(item), run.stop or bench.stop, max_step=run.max_step or bench.max_step,
                        save=None if signals is None else list(signals))
    return Waveforms.of(result, source=f"{run} in {chosen.name}")


@lru_cache(maxsize=8)
def _experiment(name: str, engine: str, quick: bool,
                settings: tuple[tuple[str, str], ...]) -> Callable[[str], Waveforms]:
    """Curves of an experiment by name; it runs once for all of them."""
    if name not in EXPERIMENTS:
        raise InputError("experiment", found=repr(name), expected="one of the list", remedy=nearest(name, EXPERIMENTS))
    chosen, values = EXPERIMENTS[name], {}
    for key, text in settings:
        if key not in chosen.params:
            raise InputError(f"{name}: parameter", found=repr(key), expected="one it has",
                             remedy=nearest(key, chosen.params))
        values[key] = parse_quantity(text, chosen.params[key].unit, f"{name}: {key}")
    with tempfile.TemporaryDirectory(prefix="spicemem-regress-") as folder:
        summary = run_experiment(chosen, engines.get(engine), Path(folder), quick=quick, values=values)
        curves = {Path(file).stem: Curve.from_csv(Path(folder) / file) for file in summary["curves"]}
    if summary["status"] in ("failed", "unsupported"):
        raise SimulationError(f"experiment {name} in {engine}", found=summary["reason"], expected="curves")

    def curve(wanted: str) -> Waveforms:
        if wanted not in curves:
            raise InputError(f"{name}: curve", found=repr(wanted), expected="one that it writes",
                             remedy=nearest(wanted, curves))
        c = curves[wanted]
        columns = {c.y_label: c.y, **{key: column.values for key, column in c.columns.items()}}
        units = {c.y_label: c.y_unit, **{key: column.unit for key, column in c.columns.items()}}
        return Waveforms(c.x, columns, units, f"{name}, {wanted} in {engine}", c.x_label, c.x_unit,
                         {"engine": engine, "version": summary["engine_version"]})

    return curve


def _netlist(path: Path) -> Waveforms:
    """The transient of a netlist that ngspice runs as a batch, in a folder of its own."""
    if not path.is_file():
        raise InputError(f"netlist {path}", found="no such file", expected="a netlist for ngspice")
    program = find_program()
    assert program is not None  # the engine is available
    with process.run_folder("ngspice", None) as folder:
        status, log = process.run([program, "-b", "-n", "-r", "out.raw", str(path)], folder, 600.0, "ngspice")
        check_log(log, status, folder, f"ngspice: netlist {path.name}")
        raw = folder / "out.raw"
        if not raw.is_file():
            raise SimulationError(f"ngspice: netlist {path.name}", found=process.tail(log), folder=folder,
                                  expected="a transient: .tran and .save")
        waves = read_waveforms(raw)
    version = engines.get("ngspice").version()
    return Waveforms(waves.time, waves.signals, waves.units, f"{path.name} in ngspice",
                     about={"engine": "ngspice", "version": version})
