"""ngspice inside this process, through PySpice: the circuit is a PySpice Circuit of real elements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spicemem.engines.base import Job
from spicemem.engines.ngspice import SPARSE, Ngspice
from spicemem.engines.result import Array
from spicemem.engines.simulator import check_log
from spicemem.errors import EngineError, SimulationError
from spicemem.render.pyspice import REMEDY, circuit_of, subcircuit, to_pyspice

if TYPE_CHECKING:
    from spicemem.engines.libngspice import SharedNgspice

__all__ = ["PySpice", "shared", "subcircuit", "to_pyspice"]


def shared() -> SharedNgspice:
    """ngspice's shared library for PySpice, found, opened and put right: circuit.simulator(ngspice_shared=shared()).

    Once called, a plain `circuit.simulator()` takes it too. Raises EngineError, with the remedy, without PySpice or the
    library.
    """
    try:
        from spicemem.engines import libngspice
    except ImportError as error:
        raise EngineError("PySpice", found=str(error), expected="PySpice 1.5", remedy=REMEDY) from None
    return libngspice.shared()


class PySpice(Ngspice):
    """ngspice in process: the same netlist as engine ngspice, no start of a program, no raw file; one run at a time.

    Time limit and Ctrl-C end a run at its next time point. A run that never comes to one cannot be ended: Python stays
    usable then, this engine does not. A crash of ngspice is a crash of Python.
    """

    name = "pyspice"
    description = "ngspice inside this process, through PySpice"
    modules = False

    def available(self) -> tuple[bool, str]:
        try:
            return True, f"ngspice {shared().ngspice_version} as a library, {shared().library_path}"
        except EngineError as error:
            return False, str(error)

    def version(self) -> str:
        return str(shared().ngspice_version) if self.available()[0] else "none"

    def program(self) -> str | None:
        path = shared().library_path
        return path if Path(path).is_file() else None

    def deck(self, job: Job, options: str = SPARSE) -> str:
        circuit, rest = circuit_of(job.title, super().deck(job, options))
        return f"{circuit}{rest}"

    def execute(self, program: str, job: Job, folder: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
        from spicemem.engines.libngspice import LOCK

        library, log = shared(), folder / "log"
        with LOCK:
            for word in self._mode(job)[1:]:
                library.command(f"set {word}")
            try:
                log.write_text(library.load((folder / "deck.cir").read_text()))
            finally:
                library.command("unset ngbehavior")
            check_log(log.read_text(), 0, folder, self.name)
            try:
                said = library.simulate(job.timeout)
            except TimeoutError:
                raise SimulationError(f"{self.name} run", found=f"no end after {job.timeout:g} s", expected="an end",
                                      remedy="Give timeout= more seconds, a shorter stop or a larger max_step",
                                      folder=folder) from None
            log.write_text(f"{log.read_text()}\n{said}")
            warnings = check_log(log.read_text(), 0, folder, self.name)
            vectors = library.vectors()
            library.empty()
        if not vectors:
            raise SimulationError(f"{self.name} run", found="no vectors", expected="those of one analysis",
                                  folder=folder)
        return vectors, warnings
