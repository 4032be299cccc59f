"""`spicemem netlist`, `generate` and `portability`: text for simulators."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from spicemem.commands.base import Settings, command, fail, progress_bar
from spicemem.errors import InputError, SpicememError, nearest
from spicemem.files import write_folder, write_text


@command
def netlist(
    thing: str = typer.Argument(..., metavar="THING", help="Device, DEVICE:PRESET or circuit, as `list` names it."),
    target: str = typer.Option("ngspice", "--target", "-t", metavar="T", help="Dialect, see `spicemem list targets`."),
    param: list[str] = Settings,
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Write there instead of to the screen."),
    folder: Path | None = typer.Option(
        None, "--bundle", metavar="DIR", help="Write a folder that runs as it is: models, test bench, README."),
) -> None:
    """Print a device or circuit as text for a simulator.

    The text is self-contained, to be included in a netlist of your own (with Verilog-A: beside its modules). With
    --bundle there is a test bench to it, and the command that runs it.

    \b
    Examples:
      spicemem netlist eis -o eis.lib
      spicemem netlist eis:nano --target verilog-a -p g_init=500n
      spicemem netlist divider_gate -p r=1meg -p syn.g_init=500n
      spicemem netlist divider_gate -p device=eis:nano
      spicemem netlist divider_gate --target ltspice --bundle divider
    """
    from spicemem import generate as shipped
    from spicemem.render import TARGETS, render
    from spicemem.render.bundle import bundle

    if target not in TARGETS:
        raise InputError("target", found=repr(target), expected="one that `spicemem list targets` names",
                         remedy=nearest(target, TARGETS))
    if folder is not None and out is not None:
        raise InputError("--out and --bundle", found="both", expected="one of them")
    found = shipped.thing(thing, shipped.settings_of(param))
    if folder is not None:
        write_folder(folder, bundle(found, target))
        print(folder / "README.md")
    elif out is None:
        sys.stdout.write(render(found, target))
    else:
        write_text(out, render(found, target))


@command
def portability_(
    names: list[str] = typer.Argument(None, metavar="[THING]...", help="Devices and circuits. Default: all there are."),
    target: list[str] = typer.Option([], "--target", "-t", metavar="T", help="Only these targets. Default: all."),
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Write the page of all results there."),
) -> None:
    """Run what is written for other simulators in those that are here, and compare with the native waveform.

    Exit status 1 where a waveform differs by more than 0.1 %, a reader warns or a run fails.

    \b
    Examples:
      spicemem portability divider_gate mott -t ltspice
      spicemem portability -o docs/portability.md
    """
    from concurrent.futures import ThreadPoolExecutor

    from spicemem import generate as shipped
    from spicemem import portability
    from spicemem.circuits import CIRCUITS
    from spicemem.devices import DEVICES
    from spicemem.devices.transistor import TRANSISTORS
    from spicemem.render.bench import name_of

    things = [shipped.thing(name) for name in names or [*DEVICES, *TRANSISTORS, *CIRCUITS]]
    wanted = [(thing, t) for thing in things for t in target or portability.CHECKED]
    done: list[portability.Check] = []
    wrong: list[str] = []
    with progress_bar() as progress, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = [pool.submit(portability.check, thing, t) for thing, t in wanted]
        for count, (submitted, (thing, t)) in enumerate(zip(runs, wanted, strict=True), 1):
            try:
                done.append(submitted.result())
            except SpicememError as error:
                print(f"{name_of(thing)} {t}: {error}")
                wrong.append(f"{name_of(thing)} for {t}")
            progress(count, len(wanted), "netlists")
    for item in done:
        edges = f", {item.shifted:.1e} but for its edges" if item.deviation > portability.DEVIATION else ""
        print(f"{item.name} {item.target}: {item.deviation:.1e} of the span{edges}{'' if item.good else ': DIFFERS'}")
    if out is not None:
        write_text(out, portability.page(done))
    wrong += [f"{item.name} for {item.target}" for item in done if not item.good]
    if wrong:
        fail(f"not as the native waveform: {', '.join(wrong)}")


@command
def generate_(
    check: bool = typer.Option(False, "--check", help="Write nothing; exit 1 and name what is out of date."),
    root: Path = typer.Option(Path("."), "--root", metavar="DIR", help="Root of the repository."),
) -> None:
    """Write the shipped netlists/ and verilog-a/, or check them.

    Both are made from the definitions of devices and circuits, and from nothing else.

    \b
    Examples:
      spicemem generate
      spicemem generate --check
    """
    from spicemem import generate as shipped

    if check:
        changes = shipped.stale(root)
        for name, why in changes.items():
            print(f"{why}: {name}")
        if changes:
            fail(f"{len(changes)} shipped files are not what the definitions say. Run `spicemem generate`")
        print("all shipped files are current")
        return
    changes = shipped.generate(root)
    for name, why in changes.items():
        print(f"{'deleted' if why == 'surplus' else 'wrote'} {root / name}")
    if not changes:
        print("all shipped files were current")
