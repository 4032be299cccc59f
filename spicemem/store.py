"""Finished runs, kept under a key that says what they are the result of: an unchanged run is read, not repeated.

A store is a folder. Each entry is one file `a/abcdef....npz`: arrays as .npy, `facts.json` for people and programs,
and as the comment of the zip file a BLAKE2b digest of everything before it: no bit changes unseen (docs/store.md).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import struct
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicemem.errors import InputError
from spicemem.files import write_bytes

#: Version of the format of an entry; part of every key, so that no version meets the entries of another.
FORMAT = 1
#: The environment variable that names the store, for worker processes too.
VARIABLE = "SPICEMEM_STORE"
#: Where entries go that cannot be read.
ASIDE = "corrupt"

_KEY = re.compile(r"[0-9a-f]{64}\Z")
_FACTS = "facts.json"
_DIGEST = 64
#: s. A file that is still being written is younger than this.
_WRITING = 3600.0


class StoreWarning(UserWarning):
    """A store could not keep or give back a run. The result that was asked for is there all the same."""


@dataclass(frozen=True)
class Entry:
    """A finished run: arrays by name, and facts that JSON can hold."""

    key: str
    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """An entry as a file: its size in bytes and when it was last written or read (seconds since 1970)."""

    key: str
    path: Path
    size: int
    used: float

    def facts(self) -> Mapping[str, Any]:
        """What is said of the run, unchecked; nothing where the file cannot be read."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                return dict(json.loads(archive.read(_FACTS))["facts"])
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError):
            return {}


@dataclass(frozen=True)
class Pruned:
    """What prune() removed and what is left: numbers of entries, and bytes."""

    removed: int
    freed: int
    left: int
    size: int


class Store:
    """A folder of finished runs, which any number of processes may share.

    Raises InputError for a folder that cannot be made or written.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder).absolute()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(f"no permission to write in {self.folder}")
        except OSError as error:
            raise InputError(f"store {folder}", found=error.strerror or str(error),
                             expected="a folder that can be written",
                             remedy=f"Give another one (--store, {VARIABLE})") from None
        self._lock = threading.Lock()
        self._said: set[str] = set()

    def get(self, key: str) -> Entry | None:
        """The entry of a key; None where there is none, and (with a StoreWarning) where it cannot be read.

        One that is not what was written is moved into the folder `corrupt`.
        """
        path = self._path(key)
        try:
            with open(path, "rb") as source:
                data = source.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._say(f"cannot read {path}: {error.strerror or error}. The run is made again")
            return None
        entry = _unpacked(key, data)
        if entry is None:
            self._set_aside(Path(path))
            return None
        with contextlib.suppress(OSError):  # the time of its last use; a folder that is read only has none
            os.utime(path)
        return entry

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Keep a run: under its final name only when complete. Where it cannot be written a StoreWarning says so.

        arrays: numbers of any shape. facts: whatever JSON can hold. Raises InputError for anything else.
        """
        path, members = self._path(key), _members(key, arrays, facts)
        try:
            data = _zipped(members)
            data[-_DIGEST:] = _digest(data)
            if not os.path.isdir(folder := os.path.dirname(path)):
                Path(folder).mkdir(exist_ok=True)  # not the store itself: one that vanished is not made again unasked
            write_bytes(Path(path), bytes(data))
        except (OSError, InputError) as error:
            why = error.found if isinstance(error, InputError) else error.strerror or error
            self._say(f"store {self.folder}: cannot write ({why}). Runs are not kept")

    def entries(self) -> Iterator[Item]:
        """Every entry as a file, in no order."""
        for path in self.folder.glob("[0-9a-f]/*.npz"):
            with contextlib.suppress(OSError):  # another process may prune
                info = path.stat()
                if _KEY.match(path.stem):
                    yield Item(path.stem, path, info.st_size, info.st_mtime)

    def verify(self) -> Iterator[tuple[Item, bool]]:
        """Read every entry: whether each is what was written. Those that are not are moved aside."""
        for item in self.entries():
            try:
                sound = _unpacked(item.key, item.path.read_bytes()) is not None
            except FileNotFoundError:
                continue
            except OSError:
                sound = False
            if not sound:
                self._set_aside(item.path)
            yield item, sound

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(item.size for item in self.entries())

    def prune(self, *, older: float | None = None, size: int | None = None, everything: bool = False) -> Pruned:
        """Remove entries not used for `older` seconds, then those used longest ago until `size` bytes are left.

        everything: all. Corrupt entries and what killed processes left half written go in any case. Files that are no
        entries stay.
        """
        now = time.time()
        items = sorted(self.entries(), key=lambda item: item.used)
        left = sum(item.size for item in items)
        gone = []
        for item in items:
            if everything or (older is not None and now - item.used > older) or (size is not None and left > size):
                with contextlib.suppress(FileNotFoundError):
                    item.path.unlink()
                gone.append(item)
                left -= item.size
        for path in (*self.folder.glob("[0-9a-f]/.*.npz.*.tmp"), *self.folder.glob(f"{ASIDE}/*.npz*")):
            with contextlib.suppress(FileNotFoundError):
                if path.parent.name == ASIDE or now - path.stat().st_mtime > _WRITING:
                    path.unlink()
        return Pruned(len(gone), sum(item.size for item in gone), len(items) - len(gone), left)

    def _path(self, key: str) -> str:
        if not _KEY.match(key):
            raise InputError("key of a run", found=repr(key), expected="64 hexadecimal digits, as key_of() gives")
        return f"{self.folder}/{key[0]}/{key}.npz"

    def _set_aside(self, path: Path) -> None:
        moved = ""
        with contextlib.suppress(OSError):  # another process was faster, or nothing can be written: it is refused again
            (self.folder / ASIDE).mkdir(exist_ok=True)
            os.replace(path, self.folder / ASIDE / path.name)
            moved = f" and was moved to {ASIDE}/"
        self._say(f"store {self.folder}: entry {path.name} is corrupt{moved}. The run is made again")

    def _say(self, message: str) -> None:
        """A warning, once."""
        with self._lock:
            if message in self._said:
                return
            self._said.add(message)
        warnings.warn(message, StoreWarning, stacklevel=3)


def key_of(parts: Iterable[str | bytes]) -> str:
    """The key of a run that is the result of these parts, in this order."""
    digest = hashlib.sha256(f"spicemem store {FORMAT}\n".encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}\n".encode())  # so that no two lists of parts read alike
        digest.update(data)
    return digest.hexdigest()


def _members(key: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """What stands in an entry, by name."""
    try:
        # A line for each fact, by the quick writer of the library, which knows no indentation.
        text = json.dumps({"format": FORMAT, "key": key, "facts": facts}, separators=(",\n", ": "))
        members = [(_FACTS, text.encode())]
        for name, given in arrays.items():
            values = np.asanyarray(given)
            members.append((f"{name}.npy", _header(values.dtype, values.shape, values.flags.fnc) + values.tobytes("A")))
    except (TypeError, ValueError) as error:
        raise InputError("entry of the store", found=str(error),
                         expected="arrays of numbers, and facts that JSON can hold") from None
    return members


@lru_cache(maxsize=1024)
def _header(dtype: np.dtype[Any], shape: tuple[int, ...], columns: bool) -> bytes:
    """The head of a .npy file."""
    if dtype.hasobject:
        raise ValueError(f"an array of {dtype}")
    descr = np.lib.format.dtype_to_descr(dtype)
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": descr, "fortran_order": columns, "shape": shape})
    return sink.getvalue()


_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")


def _zipped(members: Sequence[tuple[str, bytes]]) -> bytearray:
    """A zip file that is not compressed, with room for the digest as its comment.

    By hand, since module zipfile takes four times as long, and a run may take milliseconds. Raises OSError for more
    than 4 GB.
    """
    body, index = bytearray(), bytearray()
    for name, data in members:
        if len(body) + len(data) >= 2**32 - 2**16:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        spelt = name.encode()
        head = (20, 0x800, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(spelt), 0)  # UTF-8, stored, 1980-01-01
        index += _CENTRAL.pack(b"PK\1\2", 20, *head, 0, 0, 0, 0, len(body)) + spelt
        body += _LOCAL.pack(b"PK\3\4", *head) + spelt + data
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(index), len(body), _DIGEST)
    return body + index + end + bytes(_DIGEST)


def _digest(data: bytes | bytearray) -> bytes:
    """Of all but the last bytes of an entry, which are to be this."""
    return hashlib.blake2b(memoryview(data)[:-_DIGEST], digest_size=_DIGEST // 2).hexdigest().encode()


def _unpacked(key: str, data: bytes) -> Entry | None:
    """The entry in the bytes of a file, None if they are not what was written under this key."""
    if _digest(data) != data[-_DIGEST:]:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            head = json.loads(archive.read(_FACTS))
            arrays = {}
            for name in archive.namelist()[1:]:
                with archive.open(name) as member:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
            return Entry(key, arrays, head["facts"]) if (head["format"], head["key"]) == (FORMAT, key) else None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):  # whole, but not ours
        return None


@contextlib.contextmanager
def use(folder: Path | None) -> Iterator[Store | None]:
    """Within it every engine run of this process, in all threads, goes through the store in `folder` (None: no store).

    Processes that are started within it use the store too. Raises InputError as Store does.
    """
    before, store = os.environ.get(VARIABLE), None
    if folder is None:
        os.environ.pop(VARIABLE, None)
    else:
        store = Store(folder)
        os.environ[VARIABLE] = str(store.folder)
        _opened[str(store.folder)] = store
    try:
        yield store
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


_opened: dict[str, Store] = {}


def active() -> Store | None:
    """The store of use(), or the one that the environment variable SPICEMEM_STORE names; None without either."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    if folder not in _opened:
        _opened[folder] = Store(Path(folder))
    return _opened[folder]
