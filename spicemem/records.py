"""Files of records: bytes under a key, appended one after the other and never changed again.

A record is a head of fixed size (mark, key, when it was written, length and digest of the body, check sum of all this)
and the body. A record that was cut at the end of a file is none; one whose head is damaged hides no other.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from spicemem.errors import InputError

_MARK = b"spicemem"
#: Mark, key, time (s since 1970), bytes of the body, digest of the body.
_SAID = struct.Struct("<8s32sdQ32s")
_CHECK = 8
_HEAD = _SAID.size + _CHECK
#: Bytes that a search for the next record takes at once.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record is in its file: first byte and number of bytes, head included; the key, empty where its head is
    damaged; when it was written."""

    key: bytes
    offset: int
    size: int
    written: float


def packed(key: bytes, body: bytes, written: float) -> bytes:
    """A record. Raises InputError for a key that has not 32 bytes."""
    if len(key) != 32:
        raise InputError("key of a record", found=f"{len(key)} bytes", expected="32")
    said = _SAID.pack(_MARK, key, written, len(body), _digest(body, 32))
    return said + _digest(said, _CHECK) + body


def body_of(record: Record, file: int) -> bytes | None:
    """The body of a record in an open file, None where it is not what was written. Raises OSError."""
    data = os.pread(file, record.size, record.offset)
    head, body = _head(data), data[_HEAD:]
    if head is None or head[0] != record.key or _digest(body, 32) != head[3]:
        return None
    return body


def records(file: int, start: int, end: int) -> Iterator[Record]:
    """The records between two bytes of an open file, one without a key for bytes that are none.

    A sound head whose body goes beyond the end is left out: it is being written, or its writer was killed. Raises
    OSError.
    """
    at = start
    while at + _HEAD <= end:
        head = _head(os.pread(file, _HEAD, at))
        if head is None:
            following = _next(file, at + 1, end)
            yield Record(b"", at, following - at, 0.0)
            at = following
            continue
        key, written, size, _ = head
        if at + _HEAD + size > end:
            return
        yield Record(key, at, _HEAD + size, written)
        at += _HEAD + size


def _digest(data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()


def _head(data: bytes) -> tuple[bytes, float, int, bytes] | None:
    """Key, time, length and digest of the body; None where the bytes are no head."""
    said = data[:_SAID.size]
    if len(data) < _HEAD or data[_SAID.size:_HEAD] != _digest(said, _CHECK):
        return None
    mark, key, written, size, digest = _SAID.unpack(said)
    return (key, written, size, digest) if mark == _MARK else None


def _next(file: int, start: int, end: int) -> int:
    """The first byte of the next sound head, or the end."""
    while start + _HEAD <= end:
        chunk = os.pread(file, _CHUNK, start)
        at = chunk.find(_MARK)
        while at >= 0:
            if _head(os.pread(file, _HEAD, start + at)) is not None:
                return start + at
            at = chunk.find(_MARK, at + 1)
        start += max(1, len(chunk) - len(_MARK) + 1)
    return end
