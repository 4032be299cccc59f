"""What all commands share: the application, how a failure ends, tables, progress."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from spicemem import __version__
from spicemem.errors import SpicememError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED, UNSUPPORTED = 130, 3
_Function = TypeVar("_Function", bound=Callable[..., None])

app = typer.Typer(
    name="spicemem", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command has its own help: spicemem run --help",
)

Settings = typer.Option(
    [], "--param", "-p", metavar="NAME=VALUE",
    help="Set a parameter, as often as needed. Numbers may end in f p n u m k meg G and the unit: 10u, 1.5meg, 100ns.")

StoreFolder = typer.Option(
    None, "--store", metavar="DIR", envvar="SPICEMEM_STORE",
    help="Store of finished runs: what is in it is not simulated again. See `spicemem cache`.")


def command(function: _Function) -> _Function:
    """Register a command whose every failure is one line on stderr and an exit status."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except SpicememError as error:
            fail(str(error))
        except KeyboardInterrupt:
            stop_simulators()
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except OSError as error:  # a full disk, a folder without permission: no bug
            fail(f"{type(error).__name__}: {error}")
        except Exception as error:
            handle, name = tempfile.mkstemp(prefix="spicemem-error-", suffix=".log")
            with os.fdopen(handle, "w", errors="backslashreplace") as log:
                log.write(f"spicemem {__version__} {sys.argv[1:]}\n{traceback.format_exc()}")
            fail(f"unexpected {type(error).__name__}: {error}. This is a bug in spicemem: please report it with {name}")

    return app.command(function.__name__.rstrip("_").replace("_", "-"))(guarded)  # type: ignore[return-value]


def fail(message: str, status: int = 1) -> NoReturn:
    """One line on stderr, then the end."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(status)


@contextlib.contextmanager
def stored_in(folder: Path | None) -> Iterator[None]:
    """For the option --store: all runs within it go through that store (None: none). Its warnings are one line each."""
    from spicemem import store

    usual = warnings.formatwarning

    def line(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> str:
        return f"warning: {message}\n" if category is store.StoreWarning else usual(message, category, *rest, **more)

    warnings.formatwarning = line
    try:
        with store.use(folder):
            yield
    finally:
        warnings.formatwarning = usual


def stop_simulators() -> None:
    module = sys.modules.get("spicemem.engines.process")
    if module is not None:
        module.stop_all()


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"spicemem {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Memristive devices: netlists, Verilog-A, simulations and learning curves from one definition.

    \b
    First steps:
      spicemem doctor                 which simulators are here, and how to get one
      spicemem list                   what there is: devices, circuits, experiments, ...
      spicemem show eis               one device: equations, parameters, sources
      spicemem netlist eis            the device as an ngspice subcircuit
      spicemem run eis-stdp           repeat a published result and score it
    """


def new_console(stderr: bool = False) -> Console:
    from rich.console import Console

    # No markup: brackets in our texts are units, not styles. Lines of a log need no wrapping at 80 characters.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 160
    return console


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD if console.is_terminal else box.ASCII2, pad_edge=False)
    for column in table.columns[:1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    console.print(table)


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal; elsewhere a line every ten seconds and at the end of each kind of work."""
    console = new_console(stderr=True)
    if not console.is_terminal:
        last = [time.monotonic()]

        def line(done: int, total: int, what: str) -> None:
            now = time.monotonic()
            if now - last[0] > 10 or done == total:
                last[0] = now
                print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def move(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield move
