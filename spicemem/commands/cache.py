"""`spicemem cache`: the store of finished runs, shown, checked and pruned."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spicemem.commands.base import StoreFolder, command, fail, new_console, print_table
from spicemem.errors import InputError
from spicemem.units import engineering

if TYPE_CHECKING:
    from spicemem.store import Store

_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TIMES = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_AGES = ((3600.0, "last hour"), (86400.0, "last day"), (7 * 86400.0, "last week"), (float("inf"), "earlier"))


@command
def cache(
    action: str = typer.Argument("show", metavar="[show|prune|verify]", help="What to do."),
    store: Path | None = StoreFolder,
    older: str | None = typer.Option(None, "--older", metavar="TIME", help="prune: entries not used for 12h, 30d, 8w."),
    size: str | None = typer.Option(None, "--size", metavar="BYTES", help="prune: those used longest ago, until 500M, "
                                    "2G are left."),
    everything: bool = typer.Option(False, "--all", help="prune: every entry."),
) -> None:
    """The store of finished runs: what is in it, whether it is sound, and making it smaller.

    show: entries by engine and by when they were last used. verify: reads every entry; where one is not what was
    written, the exit status is 1. prune: removes entries (use is known of files, and a file holds the runs of a
    process), those that are corrupt, and what killed processes left behind: files half written, and folders of their
    runs among the temporary files.

    \b
    Examples:
      spicemem cache --store runs
      spicemem cache verify --store runs
      spicemem cache prune --store runs --older 30d --size 2G
      spicemem cache prune --store runs --all
    """
    from spicemem.store import VARIABLE, Store

    if action not in ("show", "prune", "verify"):
        raise typer.BadParameter(f"{action!r} is not one of show, prune, verify")
    if action != "prune" and (older or size or everything):
        raise typer.BadParameter("--older, --size and --all are for prune")
    if store is None:
        raise InputError("store", found="none", expected="a folder",
                         remedy=f"Give --store DIR, or set {VARIABLE}")
    if not store.is_dir():
        raise InputError(f"store {store}", found="no such folder", expected="a folder of finished runs")
    opened = Store(store)
    if action == "show":
        _show(opened)
    elif action == "verify":
        _verify(opened)
    else:
        _prune(opened, older, size, everything)


def _show(store: Store) -> None:
    engines: dict[str, list[float]] = {}
    ages = {words: [0.0, 0.0] for _, words in _AGES}
    now = time.time()
    for item in store.entries():
        facts = item.facts()
        name = f"{facts['engine']} {facts['version']}" if "engine" in facts else "unknown"
        row = engines.setdefault(name, [0.0, 0.0, 0.0])
        row[0], row[1], row[2] = row[0] + 1, row[1] + item.size, row[2] + float(facts.get("simulated_s", 0.0))
        age = ages[next(words for limit, words in _AGES if now - item.used < limit)]
        age[0], age[1] = age[0] + 1, age[1] + item.size
    count, size = (sum(row[k] for row in engines.values()) for k in (0, 1))
    print(f"{store.folder}: {_entries(int(count))}, {_bytes(size)}")
    console = new_console()
    if count:
        print_table(console, ("engine", "entries", "size", "simulated in"), [
            (name, f"{row[0]:.0f}", _bytes(row[1]), f"{row[2]:.1f} s") for name, row in sorted(engines.items())])
        print_table(console, ("last used", "entries", "size"), [
            (words, f"{row[0]:.0f}", _bytes(row[1])) for words, row in ages.items() if row[0]])


def _verify(store: Store) -> None:
    checked, bad = 0, 0
    for item, sound in store.verify():
        checked += 1
        if not sound:
            bad += 1
            print(f"corrupt: {item.key or 'entry'} at byte {item.record.offset} of {item.path.name}")
    if bad:
        fail(f"{bad} of {_entries(checked)} are not what was written; `spicemem cache prune` removes them. Their runs "
             "will be made again")
    print(f"{_entries(checked)}, all as they were written")


def _prune(store: Store, older: str | None, size: str | None, everything: bool) -> None:
    from spicemem.engines import orphans

    age = None if older is None else _number(older, _TIMES, "--older", "a time such as 12h, 30d, 8w")
    most = None if size is None else int(_number(size, _UNITS, "--size", "bytes such as 500M, 2G"))
    done = store.prune(older=age, size=most, everything=everything)
    print(f"removed {_entries(done.removed)}, {_bytes(done.freed)}; {_entries(done.left)} left, {_bytes(done.size)}")
    folders = orphans.sweep()
    if folders:
        print(f"removed {len(folders)} folders of runs whose process was killed")


def _number(text: str, units: dict[str, float], what: str, expected: str) -> float:
    match = re.fullmatch(r"\s*(\d+\.?\d*)\s*([A-Za-z]*)\s*", text)
    if not match or match[2] not in units:
        raise InputError(what, found=repr(text), expected=expected)
    return float(match[1]) * units[match[2]]


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _bytes(size: float) -> str:
    return engineering(size, "B") if size else "0 B"
