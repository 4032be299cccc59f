"""`spicemem report`: every result on one HTML page."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from spicemem.commands.base import command, progress_bar


@command
def report(
    names: list[str] = typer.Argument(None, metavar="NAME", help="Experiments. Default: all there are."),
    engine: list[str] = typer.Option(
        [], "--engine", "-e", metavar="E", help="Engine, as often as needed. Default: ngspice and vacask."),
    source: Path = typer.Option(Path("reproduction-out"), "--from", metavar="DIR",
                                help="Folder of `spicemem reproduce`: it is used, what is missing goes there."),
    quick: bool = typer.Option(False, "--quick", help="Fewer points in what is run."),
    run: bool = typer.Option(True, "--run/--no-run", help="Run what is missing, or only show what is there."),
    renew: bool = typer.Option(False, "--renew", help="Run again what failed, and what is quick or of other code."),
    devices: bool = typer.Option(True, "--devices/--no-devices", help="Data sheets of all devices, about a minute."),
    docs: Path = typer.Option(Path("."), "--docs", metavar="DIR",
                              help="The repository, whose docs and benchmarks have the generated pages."),
    jobs: int | None = typer.Option(None, "--jobs", "-j", min=1, metavar="N",
                                    help="Experiments at once. Default: one a core."),
    out: Path = typer.Option(Path("report-out"), "--out", "-o", metavar="DIR", help="Folder of the page, index.html."),
) -> None:
    """Write one HTML page of all results: pictures, published against simulated numbers, devices, benchmarks.

    The page needs no other file and no network. What failed, is missing or is not of this code is on it and says so.
    Ctrl-C leaves the page as it was, and what is finished for the next time.

    Exit status: 0 the page is written, whatever it says of results; 1 it is not; 130 interrupted.

    \b
    Examples:
      spicemem report -o page
      spicemem report --no-run --from results -o page
      spicemem report qd-loop eis-rate --quick --no-devices
    """
    from spicemem.files import write_folder
    from spicemem.report import gather, page
    from spicemem.reproduction import DEFAULT_ENGINES

    for folder in (out, source) if run else (out,):
        gather.check_writable(folder)
    with progress_bar() as progress:
        found = gather.gather(names or [], engine or DEFAULT_ENGINES, source, quick=quick, run=run, renew=renew,
                              devices=devices, docs=docs, workers=jobs or os.cpu_count() or 1, progress=progress)
    text = page.render(found)
    write_folder(out, {"index.html": text})
    for name, (_, counts) in page.verdicts(found).items():
        print(f"{name}: " + ", ".join(f"{count} {word}" for word, count in zip(page.VERDICTS.values(), counts,
                                                                                strict=True) if count or word == "met"))
    print(f"wrote {out / 'index.html'}, {len(text.encode()) / 1e6:.1f} MB")
