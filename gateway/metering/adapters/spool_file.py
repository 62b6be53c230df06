"""Evidence in an append-only file while the database does not answer.

Decides the bytes: each row is framed by its length and the CRC-32 of its body
(big-endian), so that a frame torn by a crash, and whatever lies behind it, is
recognised and left out. Every append is synced in a thread before it returns.
Never reads an entry's meaning and never writes the journal
(`journaling_service.py` brings the rows there, in order).
"""

import asyncio
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgpack
import structlog

from gateway.errors import StoreDown
from gateway.ids import SessionId
from gateway.metering.owner_ports import RowKey, SpooledRow

T = TypeVar("T")
_FRAME = struct.Struct(">II")

log = structlog.get_logger(__name__)


class SpoolFile:
    """Satisfies `Spool` of `owner_ports.py`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._good_bytes: int | None = None
        """Length of the whole frames; None until the file has been looked at."""

    async def append(self, row: SpooledRow) -> None:
        """Keep a row; what a failed try left behind is overwritten."""
        body = _packed(row)
        await self._in_thread(self._append, _FRAME.pack(len(body), zlib.crc32(body)) + body)

    async def waiting(self) -> Sequence[SpooledRow]:
        """Every whole row, in order."""
        return await self._in_thread(self._waiting)

    async def clear(self) -> None:
        """Forget every row."""
        await self._in_thread(self._cut, 0)

    async def _in_thread(self, doing: Callable[..., T], *given: Any) -> T:
        try:
            return await asyncio.to_thread(doing, *given)
        except OSError as error:
            raise StoreDown(f"the spool cannot be written: {error.strerror}") from error

    def _append(self, frame: bytes) -> None:
        at = self._measured()
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, at)
            written = os.pwrite(descriptor, frame, at)
            if written != len(frame):
                raise OSError(0, "the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self._path.parent)
        self._good_bytes = at + len(frame)

    def _measured(self) -> int:
        if self._good_bytes is None:
            self._good_bytes = sum(_FRAME.size + len(body) for body in self._bodies())
        return self._good_bytes

    def _waiting(self) -> list[SpooledRow]:
        return [_unpacked(body) for body in self._bodies()]

    def _bodies(self) -> Iterator[bytes]:
        held = self._path.read_bytes() if self._path.exists() else b""
        at = 0
        while at + _FRAME.size <= len(held):
            length, checksum = _FRAME.unpack_from(held, at)
            body = held[at + _FRAME.size : at + _FRAME.size + length]
            if len(body) != length or zlib.crc32(body) != checksum:
                break
            yield body
            at += _FRAME.size + length
        if at < len(held):
            log.error("spool_tail_torn", good_bytes=at, torn_bytes=len(held) - at)

    def _cut(self, length: int) -> None:
        if self._path.exists():
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.ftruncate(descriptor, length)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._good_bytes = length


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _packed(row: SpooledRow) -> bytes:
    key = row.key
    body: bytes = msgpack.packb(
        [key.owner, key.number, key.lease_ends_wall_ns, row.second, [list(entry) for entry in row.entries]]
    )
    return body


def _unpacked(body: bytes) -> SpooledRow:
    owner, number, lease_ends_wall_ns, second, entries = msgpack.unpackb(body)
    return SpooledRow(
        key=RowKey(owner=owner, number=number, lease_ends_wall_ns=lease_ends_wall_ns),
        second=second,
        entries=tuple((SessionId(session), bytes(entry)) for session, entry in entries),
    )
