"""`spicemem lint` and `fit`: other people's models and data."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from spicemem.commands.base import Settings, command, fail, progress_bar
from spicemem.errors import InputError


@command
def lint(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="Verilog-A files."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Find what makes a Verilog-A model simulate something else than it says.

    Hidden state between time steps, events, unlimited exponentials, jumps, ...: each with line, reason and rewrite.

    Exit status: 0 no finding, 1 at least one.

    \b
    Example:
      spicemem lint model.va
    """
    from dataclasses import asdict

    from spicemem.foreign.lint import lint as check

    found = {str(file): check(file) for file in files}
    if as_json:
        print(json.dumps({name: [asdict(f) for f in rows] for name, rows in found.items()}, indent=2))
    for name, rows in found.items() if not as_json else ():
        for f in rows:
            print(f"{name}:{f.line}: {f.code}: {f.reason}\n    write: {f.rewrite}")
        if not rows:
            print(f"{name}: no finding")
    count = sum(map(len, found.values()))
    if count:
        fail(f"{count} finding{'s' if count > 1 else ''} in {sum(map(bool, found.values()))} of {len(files)} files")


@command
def fit(
    data: list[Path] = typer.Argument(..., metavar="DATA.csv...", help="Columns time, voltage, current."),
    device: str = typer.Option(..., "--device", "-d", metavar="DEVICE", help="DEVICE or DEVICE:PRESET."),
    free: list[str] = typer.Option([], "--free", "-f", metavar="NAME", help="Parameter to fit, as often as needed. "
                                   "Default: those that the data tell apart."),
    param: list[str] = Settings,
    noise: tuple[float, float] = typer.Option((2e-3, 1e-2), "--noise", metavar="A B", help="Assumed error: A of the "
                                              "largest current, and B of each current."),
    starts: int = typer.Option(4, "--starts", min=1, metavar="N", help="Starts that are refined."),
    seed: int = typer.Option(1, "--seed", min=0, help="Of the starts."),
    out: Path = typer.Option(Path("fit-out"), "--out", "-o", metavar="DIR", help="Folder of the results."),
) -> None:
    """Fit a device's parameters to measured sweeps and pulse trains.

    Prints values with errors; writes fit.json, fit.png and the fitted currents. Recordings are fitted together, each
    from the device's starting state.

    \b
    Example:
      spicemem fit loop.csv --device vteam -f r_on -f r_off -f v_on -f v_off -p k_on=-5
    """
    from spicemem.circuit import Circuit
    from spicemem.foreign.fit import fit as search
    from spicemem.generate import settings_of, thing

    model = thing(device, settings_of(param))
    if isinstance(model, Circuit):
        raise InputError("--device", found=f"the circuit {device}", expected="a device")
    with progress_bar() as progress:
        found = search(model, data, free or None, noise=noise, starts=starts, seed=seed, progress=progress)
    found.save(out)
    print(f"{found.report()}\nfiles in {out}")
