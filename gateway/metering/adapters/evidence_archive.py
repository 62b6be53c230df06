"""Archive files of old evidence: sealed journal rows that have left the database.

Decides the file: xz-compressed msgpack of whole seals with their rows and where
each session's chunk begins, so that it can be checked against the seals'
signatures with nothing else at hand.
Never decides which rows leave (`seal_store.py`).
Keeps: a file is synced and read back before it counts as written.
"""

import hashlib
import lzma
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgpack

from gateway.errors import Malformed, require
from gateway.ids import SessionId
from gateway.metering.seal import Seal, leaf, root_of

VERSION = 1

CheckSignature = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) → whether the signature holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One seal and what it seals."""

    seal: Seal
    rows: tuple[tuple[int, int, bytes], ...]
    """(row, second, body) as the journal had them."""
    starts: Mapping[SessionId, int]
    """Where each session's chunk begins within its entries, in bytes."""


def by_session(bodies: Iterable[bytes]) -> dict[SessionId, bytes]:
    """Each session's entries out of several rows' bodies, sessions sorted."""
    parts: dict[SessionId, list[bytes]] = {}
    for body in bodies:
        for session, entries in msgpack.unpackb(body):
            parts.setdefault(SessionId(session), []).append(entries)
    return {session: b"".join(parts[session]) for session in sorted(parts)}


def write_archive(file: Path, batches: Sequence[Batch]) -> str:
    """Write the file, synced before it takes its name; answers its SHA-256.

    Raises:
        OSError: it cannot be written; nothing of that name is left behind.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    packed = lzma.compress(msgpack.packb({"version": VERSION, "batches": [*map(asdict, batches)]}), preset=1)
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("wb") as out:
        out.write(packed)
        out.flush()
        os.fsync(out.fileno())
    require(read_archive(partial) == list(batches), "an archive reads back as it was written")
    partial.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return hashlib.sha256(packed).hexdigest()


def read_archive(file: Path) -> list[Batch]:
    """Everything in an archive file.

    Raises:
        Malformed: it is no archive of this program.
    """
    try:
        body = msgpack.unpackb(lzma.decompress(file.read_bytes()))
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']} is unknown")
        return [
            Batch(
                seal=Seal(**batch["seal"]),
                rows=tuple((row, second, entries) for row, second, entries in batch["rows"]),
                starts=batch["starts"],
            )
            for batch in body["batches"]
        ]
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{file.name} is no evidence archive: {error}", code="evidence_malformed") from error


def problems_of_archive(
    batches: Sequence[Batch], *, check_signature: CheckSignature, expected_key: bytes | None = None
) -> list[str]:
    """What is wrong, in sentences; an empty list means that every row is what was sealed."""
    return [
        f"seal {batch.seal.number}: {problem}"
        for before, batch in zip([None, *batches[:-1]], batches, strict=True)
        for problem in _problems(before, batch, check_signature, expected_key)
    ]


def _problems(
    before: Batch | None, batch: Batch, check_signature: CheckSignature, expected_key: bytes | None
) -> Iterator[str]:
    seal = batch.seal
    key = bytes.fromhex(seal.public_key)
    if expected_key is not None and key != expected_key:
        yield "it was made with another key than the one expected"
    if not check_signature(key, seal.signed_part(), bytes.fromhex(seal.signature)):
        yield "its signature does not fit"
    if before is not None and before.seal.digest != seal.previous:
        yield "it does not follow the seal before it"
    chunks = by_session(body for _, _, body in batch.rows)
    if chunks.keys() != batch.starts.keys():
        yield "its sessions are not those of its rows"
        return
    leaves = [leaf(session, batch.starts[session], chunk) for session, chunk in chunks.items()]
    if len(leaves) != seal.leaves or root_of(leaves).hex() != seal.root:
        yield "its rows do not lead to its root"
