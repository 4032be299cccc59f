"""Files that appear under their final name only when complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from spicemem.errors import InputError


def write_bytes(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file at once, or leave what was there. Raises InputError where it cannot be written.

    data: the whole, or its parts one after the other.
    """
    folder, name = os.path.split(path)
    partial = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            with open(partial, "xb") as sink:
                sink.writelines([data] if isinstance(data, bytes) else data)
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
    except OSError as error:
        if not path.parent.is_dir():
            raise InputError(f"file {path}", found=f"no folder {path.parent}", expected="a file that can be written",
                             remedy="Create the folder first") from None
        raise InputError(f"file {path}", found=error.strerror or str(error), expected="a file that can be written",
                         remedy="Give another name or folder") from None


def write_text(path: Path, text: str) -> None:
    """write_bytes for text, as UTF-8."""
    write_bytes(path, text.encode())


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """write_text for each file by name, in a folder that is made where there is none. Raises InputError as that does,
    and where the folder cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {folder}", found=error.strerror or str(error), expected="one that can be made",
                         remedy="Give another name or place") from None
    for name, text in files.items():
        write_text(folder / name, text)
