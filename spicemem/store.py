"""Finished runs, kept under a key that says what they are the result of: an unchanged run is read, not repeated.

A store is a folder. Each process appends its runs to a file of its own there (spicemem/records.py): facts as JSON, and
arrays as .npy. No process changes what stands in a file, so any number of them share a store without locks; making one
file for each run would take longer than all else that the store does (docs/store.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spicemem.errors import InputError
from spicemem.files import write_bytes
from spicemem.records import Record, body_of, packed, records

#: Version of the format of an entry; part of every key, so that no version meets the entries of another.
FORMAT = 1
#: The environment variable that names the store, for worker processes too.
VARIABLE = "SPICEMEM_STORE"

_KEY = re.compile(r"[0-9a-f]{64}\Z")
#: Files with runs, and those that write_bytes() has not finished.
_NAME, _PARTIAL = re.compile(r"[0-9a-f]{16}\.runs\Z"), re.compile(r"\.[0-9a-f]{16}\.runs\.[0-9a-f]{12}\.tmp\Z")
#: s. What a killed process left half written is older than this.
_WRITING = 3600.0
#: s. How exactly the time of the last use of a file is kept.
_USED = 60.0
#: A store of more files than this is searched for new ones at most once a second.
_FEW = 32


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
    """Where an entry is: its file, the record in it, and when anything of the file was last used (s since 1970)."""

    path: Path
    record: Record
    used: float

    @property
    def key(self) -> str:
        """As key_of() gives it; empty for bytes that are no entry any more."""
        return self.record.key.hex()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.record.size

    def entry(self) -> Entry | None:
        """What was kept, None where it is not what was written. Raises OSError."""
        with _file(self.path) as file:
            return _entry(self.record, file)

    def facts(self) -> Mapping[str, Any]:
        """What is said of the run; nothing where it cannot be read."""
        with contextlib.suppress(OSError):
            if entry := self.entry():
                return entry.facts
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
        self._lock = threading.RLock()
        self._said: set[str] = set()
        #: File and record of each run, by its key; where it was kept more than once, the last at the end.
        self._places: dict[bytes, list[tuple[str, Record]]] = {}
        #: Up to where the runs of each file are known, and how long it was when it was searched; when all were.
        self._known: dict[str, int] = {}
        self._lengths: dict[str, int] = {}
        self._when = float("-inf")
        #: When the use of a file was last written down.
        self._touched: dict[str, float] = {}
        #: The process that appends to a file, and the file.
        self._own = (0, "")

    def get(self, key: str) -> Entry | None:
        """The entry of a key; None where there is none, and (with a StoreWarning) where it cannot be read or is not
        what was written."""
        raw = _raw(key)
        with self._lock:
            return self._read(raw) or (self._read(raw) if self._search() else None)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Keep a run: all of it or nothing. Where it cannot be written a StoreWarning says so.

        arrays: numbers of any shape. facts: whatever JSON can hold. Raises InputError for anything else.
        """
        raw, written = _raw(key), time.time()
        data = packed(raw, _body(arrays, facts), written)
        with self._lock:
            try:
                offset = self._append(data)
            except OSError as error:
                self._say(f"store {self.folder}: cannot write ({error.strerror or error}). Runs are not kept")
            else:
                self._found(self._own[1], Record(raw, offset, len(data), written))

    def entries(self) -> Iterator[Item]:
        """Every entry, in no order; of a run that was kept more than once, the last."""
        yield from _last(item for item in self._items() if item.key)

    def verify(self) -> Iterator[tuple[Item, bool]]:
        """Read everything: whether each entry is what was written."""
        for item in self._items():
            try:
                sound = item.entry() is not None
            except FileNotFoundError:  # another process pruned
                continue
            except OSError:
                sound = False
            yield item, sound

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(item.size for item in self.entries())

    def prune(self, *, older: float | None = None, size: int | None = None, everything: bool = False) -> Pruned:
        """Remove the entries of files of which nothing was used for `older` seconds; then, until `size` bytes are left,
        entries of the files used longest ago, those first that were written first.

        everything: all. What is not what was written, what was kept twice and what killed processes left half written
        goes in any case. Files of others stay.
        """
        now = time.time()
        checked = list(self.verify())
        files: dict[Path, list[Item]] = {item.path: [] for item, _ in checked}
        for name, info in self._files(_NAME) + self._files(_PARTIAL):
            if Path(name) not in files and now - info.st_mtime > _WRITING and os.access(name, os.R_OK):
                with contextlib.suppress(OSError):
                    os.unlink(name)
        stay = deque(sorted(_last(item for item, sound in checked if sound and not everything
                                  and (older is None or now - item.used <= older)),
                            key=lambda item: (item.used, item.record.written)))
        left = sum(item.size for item in stay)
        while stay and size is not None and left > size:
            left -= stay.popleft().size
        for item in stay:
            files[item.path].append(item)
        before = Counter(item.path for item, _ in checked)
        # Files that go wholly go first: to write one anew takes room.
        for path, items in sorted(files.items(), key=lambda file: len(file[1])):
            if len(items) < before[path]:
                self._rewrite(path, items)
        return Pruned(len(checked) - len(stay), sum(item.size for item, _ in checked) - left, len(stay), left)

    def _items(self) -> Iterator[Item]:
        """Every record of every file, damaged ones too."""
        for path, info in self._files():
            with contextlib.suppress(OSError), _file(path) as file:
                for record in records(file, 0, info.st_size):
                    yield Item(Path(path), record, info.st_mtime)

    def _files(self, names: re.Pattern[str] = _NAME) -> list[tuple[str, os.stat_result]]:
        """The files with runs, or others; none where there is no folder any more."""
        found = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if names.match(entry.name):
                    with contextlib.suppress(FileNotFoundError):  # another process may prune
                        found.append((entry.path, entry.stat()))
        return found

    def _read(self, raw: bytes) -> Entry | None:
        """The entry of a key, as far as this object knows of it."""
        places = self._places.get(raw, [])
        while places:
            path, record = places[-1]
            try:
                with _file(path) as file:
                    entry = _entry(record, file)
                    self._use(path, file)
            except FileNotFoundError:  # another process pruned
                places.pop()
                continue
            except OSError as error:
                self._say(f"cannot read {path}: {error.strerror or error}. Its runs are made again")
                return None
            if entry is not None:
                return entry
            self._say(f"store {self.folder}: entry {raw.hex()} is corrupt. The run is made again")
            places.pop()
        return None

    def _use(self, path: str, file: int) -> None:
        """Write down that a file is used, now and then."""
        if time.monotonic() - self._touched.get(path, float("-inf")) > _USED:
            self._touched[path] = time.monotonic()
            with contextlib.suppress(OSError):  # one that may only be read
                os.utime(file)

    def _search(self) -> bool:
        """Whether runs have been kept since the last search, by other processes; from now on they are known."""
        if len(self._lengths) > _FEW and time.monotonic() - self._when < 1.0:
            return False
        self._when, news = time.monotonic(), False
        for path, info in self._files():
            known = self._known.get(path, 0)
            if info.st_size in (known, self._lengths.get(path)):
                continue
            self._lengths[path] = info.st_size
            try:
                with _file(path) as file:
                    for record in records(file, known, info.st_size):
                        if record.key:
                            self._found(path, record)
                            news = True
                        elif record.offset + record.size < info.st_size:  # not of what is being written
                            self._say(f"store {self.folder}: {record.size} bytes of {path} are corrupt")
            except FileNotFoundError:
                continue
            except OSError as error:
                self._say(f"cannot read {path}: {error.strerror or error}. Its runs are made again")
        return news

    def _found(self, path: str, record: Record) -> None:
        """Remember where an entry is."""
        self._known[path] = record.offset + record.size
        places = self._places.setdefault(record.key, [])
        places.append((path, record))
        places.sort(key=lambda place: place[1].written)

    def _append(self, data: bytes) -> int:
        """Append a record to the file of this process; its first byte there. Raises OSError and leaves nothing."""
        pid, path = self._own
        append = os.O_WRONLY | os.O_APPEND
        with contextlib.ExitStack() as stack:
            try:
                if pid != os.getpid():  # nothing kept so far, or this process was forked
                    raise FileNotFoundError
                file = stack.enter_context(_file(path, append))
            except FileNotFoundError:  # or another process pruned
                path = f"{self.folder}/{secrets.token_hex(8)}.runs"
                file = stack.enter_context(_file(path, append | os.O_CREAT | os.O_EXCL))
                self._own = os.getpid(), path
            offset = os.fstat(file).st_size
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[os.write(file, rest):]
            except BaseException:
                self._own = (0, "")  # nothing is to stand behind half a record
                with contextlib.suppress(OSError):
                    os.ftruncate(file, offset) if offset else os.unlink(path)
                raise
        return offset

    def _rewrite(self, path: Path, items: Sequence[Item]) -> None:
        """Leave nothing but these entries of a file. Another process finds them under the file's new name."""
        if items:
            new = self.folder / f"{secrets.token_hex(8)}.runs"
            try:
                with _file(path) as source:
                    write_bytes(new, (os.pread(source, item.size, item.record.offset) for item in items))
                os.utime(new, (items[0].used, items[0].used))
            except (OSError, InputError) as error:
                why = error.found if isinstance(error, InputError) else error.strerror or error
                raise InputError(f"store {self.folder}", found=f"{path.name} cannot be written anew: {why}",
                                 expected="room for what is to stay of it",
                                 remedy="Remove more, or all, or make room") from None
        path.unlink(missing_ok=True)

    def _say(self, message: str) -> None:
        """A warning, once."""
        if message not in self._said:
            self._said.add(message)
            warnings.warn(message, StoreWarning, stacklevel=3)


def _raw(key: str) -> bytes:
    if not _KEY.match(key):
        raise InputError("key of a run", found=repr(key), expected="64 hexadecimal digits, as key_of() gives")
    return bytes.fromhex(key)


@contextlib.contextmanager
def _file(path: str | Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """A file, without the buffer and the checks of open(), which take longer than a record. Raises OSError."""
    file = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        yield file
    finally:
        os.close(file)


def _last(items: Iterable[Item]) -> Iterable[Item]:
    """Of each run the entry that was written last."""
    return {item.key: item for item in sorted(items, key=lambda item: item.record.written)}.values()


def _body(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> bytes:
    """What stands in a record: a line of JSON, then each array as a .npy file."""
    try:
        text = json.dumps({"format": FORMAT, "arrays": list(arrays), "facts": facts})
        parts = [text.encode(), b"\n"]
        for given in arrays.values():
            values = np.asanyarray(given)
            parts += _header(values.dtype, values.shape, values.flags.fnc), values.tobytes("A")
    except (TypeError, ValueError) as error:
        raise InputError("entry of the store", found=str(error),
                         expected="arrays of numbers, and facts that JSON can hold") from None
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _header(dtype: np.dtype[Any], shape: tuple[int, ...], columns: bool) -> bytes:
    """The head of a .npy file."""
    if dtype.hasobject:
        raise ValueError(f"an array of {dtype}")
    descr = np.lib.format.dtype_to_descr(dtype)
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": descr, "fortran_order": columns, "shape": shape})
    return sink.getvalue()


def _entry(record: Record, file: int) -> Entry | None:
    """The entry in a record, None where it is not what was written. Raises OSError."""
    body = body_of(record, file)
    try:
        if body is None or not record.key:
            return None
        source = io.BytesIO(body)
        head = json.loads(source.readline())
        arrays = {name: np.lib.format.read_array(source, allow_pickle=False) for name in head["arrays"]}
        return Entry(record.key.hex(), arrays, head["facts"]) if head["format"] == FORMAT else None
    except (KeyError, TypeError, ValueError):  # whole, but not ours
        return None


def key_of(parts: Iterable[str | bytes]) -> str:
    """The key of a run that is the result of these parts, in this order."""
    digest = hashlib.sha256(f"spicemem store {FORMAT}\n".encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}\n".encode())  # so that no two lists of parts read alike
        digest.update(data)
    return digest.hexdigest()


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
os.register_at_fork(after_in_child=_opened.clear)  # a lock that another thread held would stay locked in the child


def active() -> Store | None:
    """The store of use(), or the one that the environment variable SPICEMEM_STORE names; None without either."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    if folder not in _opened:
        _opened[folder] = Store(Path(folder))
    return _opened[folder]
