"""`spicemem design`: spikes that give a wanted window."""

from __future__ import annotations

from pathlib import Path

import typer

from spicemem.commands.base import UNSUPPORTED, Settings, command, fail, progress_bar
from spicemem.errors import InputError


@command
def design(
    wanted: Path = typer.Argument(..., metavar="WANTED.csv", help="Wanted window: columns delay [s], dG [S]."),
    device: str = typer.Option(..., "--device", "-d", metavar="DEVICE", help="DEVICE or DEVICE:PRESET."),
    amplitude: str = typer.Option(..., "--amplitude", metavar="V", help="Largest magnitude of a spike."),
    before: str = typer.Option(..., "--before", metavar="S", help="A spike starts at most this long before its zero."),
    after: str = typer.Option(..., "--after", metavar="S", help="A spike ends at most this long after its zero."),
    relation: str = typer.Option("free", "--relation", help="free, negated (post = -pre) or same (post = pre)."),
    points: int = typer.Option(8, "--points", metavar="N", help="Points of a spike between its ends."),
    edge: str | None = typer.Option(None, "--edge", metavar="S", help="Shortest time between two points."),
    lone: float = typer.Option(0.05, "--lone", help="Largest change by one spike alone, in the smaller lobe."),
    read_delay: str = typer.Option("20", "--read-delay", metavar="S", help="From the pre spike to the reading."),
    r: str = typer.Option("10meg", "--resistor", metavar="OHM", help="Each resistor of a divider gate."),
    param: list[str] = Settings,
    engine: str | None = typer.Option(None, "--engine", "-e", metavar="E", help="Engine that verifies."),
    seed: int = typer.Option(1, "--seed", min=0, help="Of the search."),
    time_limit: float = typer.Option(120.0, "--time-limit", metavar="S", help="For the search."),
    out: Path = typer.Option(Path("design-out"), "--out", "-o", metavar="DIR", help="Folder of the results."),
) -> None:
    """Find spikes that give a wanted STDP window on a device, and verify them.

    Exit status: 0 the window is met within 5 % and lone spikes do nothing; 1 it is not; 3 no such engine here.

    \b
    Example:
      spicemem design wanted.csv --device eis:huang_2025_14nm --amplitude 6.5 --before 60m --after 100m -o designed
    """
    from spicemem import engines
    from spicemem.circuit import Circuit
    from spicemem.curve import Curve
    from spicemem.generate import settings_of, thing
    from spicemem.protocols.design import Constraints, design_spikes
    from spicemem.units import parse_quantity

    model, window = thing(device, settings_of(param)), Curve.from_csv(wanted)
    if isinstance(model, Circuit):
        raise InputError("--device", found=f"the circuit {device}", expected="a device")
    limits = Constraints(parse_quantity(amplitude, "V", "--amplitude"), parse_quantity(before, "s", "--before"),
                         parse_quantity(after, "s", "--after"), points, relation,
                         None if edge is None else parse_quantity(edge, "s", "--edge"), lone,
                         parse_quantity(read_delay, "s", "--read-delay"))
    simulator = engines.get(engine)
    there, reason = simulator.available()
    if not there:
        fail(f"engine {simulator.name}: {reason}", UNSUPPORTED)
    out.mkdir(parents=True, exist_ok=True)
    with progress_bar() as progress:
        found = design_spikes(window, model, limits, r=parse_quantity(r, "Ohm", "--resistor"), engine=simulator,
                              seed=seed, time_limit=time_limit, progress=progress)
    found.save(out)
    print(f"{found.report()}\nfiles in {out}")
    if not found.met:
        fail(f"{wanted}: the window is not met")
