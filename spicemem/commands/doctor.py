"""`spicemem doctor`."""

from __future__ import annotations

import json
from typing import Any

import typer

from spicemem.commands.base import command


@command
def doctor(as_json: bool = typer.Option(False, "--json", help="For programs.")) -> None:
    """Tell which simulators are here, and how to get what is missing.

    Every simulator that is found is also tried.

    Exit status: 0 at least one simulator works, 1 none does.
    """
    from spicemem.doctor import report

    facts = report()
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _print_report(facts)
    if not facts["ok"]:
        raise typer.Exit(1)


def _print_report(facts: dict[str, Any]) -> None:
    print(f"spicemem {facts['spicemem']}, Python {facts['python']}, {facts['platform']}\n\nengines:")
    for engine in facts["engines"]:
        print(f"  {'works  ' if engine['works'] else 'MISSING'}  {engine['name']:13} {engine['version'] or '-':12} "
              f"{engine['description']}")
    if facts["default_engine"]:
        print(f"\ndefault engine: {facts['default_engine']}, since {facts['default_reason']}")
    else:
        print(f"\ndefault engine: none. {facts['default_reason']}")
    simulator, compiler, cache = facts["ngspice"], facts["compiler"], facts["cache"]
    if simulator:
        has = {key: "yes" if simulator[key] else "no" for key in ("klu", "osdi")}
        print(f"ngspice: {simulator['path']} {simulator['version'] or ''}, KLU: {has['klu']}, OSDI: {has['osdi']}"
              if simulator["path"] else "ngspice: not on the PATH")
    if compiler:
        print(f"Verilog-A compiler: {compiler['path']}, {compiler['version']}" if compiler["path"] else
              "Verilog-A compiler: none")
    if cache:
        print(f"cache of compiled models: {cache['folder']}, {'writable' if cache['writable'] else 'NOT WRITABLE'}")
    print("packages: " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in facts["packages"].items()))
    if facts["missing"]:
        print("\nmissing:")
        for item in facts["missing"]:
            print(f"  {item['what']}\n      {item['remedy']}")
