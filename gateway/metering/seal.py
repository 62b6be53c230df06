"""Seals: signed roots over the evidence of all sessions, off the hot path.

Decides how the chunks of evidence that one batch of journal rows holds become
leaves of a Merkle tree (RFC 6962 §2.1), what a seal says and signs, and how a
single session proves that its chunk is under a root without showing anybody
else's. Seals chain: each names the SHA-256 of the one before.
Never reads or writes the journal (`adapters/seal_store.py`) and never signs.
Keeps: a sealed byte cannot change, and a sealed batch cannot be left out unseen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.ids import SessionId

SEAL_VERSION = 1
NO_SEAL = "0" * 64
"""What the first seal names as the one before."""
_LEAF, _NODE = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A signed statement about a batch of journal rows."""

    number: int
    """From 1 without gaps."""
    first_row: int
    last_row: int
    leaves: int
    """Sessions with evidence in the batch."""
    root: str
    """Root of the tree over their chunks, hexadecimal."""
    previous: str
    """`digest` of the seal before; zeros for the first."""
    at_wall_ns: int
    key_id: str
    public_key: str
    """Raw ed25519 public key, hexadecimal."""
    signature: str = ""
    """Over `signed_part`, hexadecimal."""

    def signed_part(self) -> bytes:
        """The bytes that the signature covers: every other field, as canonical JSON."""
        body = {"version": SEAL_VERSION, **asdict(self)}
        del body["signature"]
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def digest(self) -> str:
        """What the next seal names."""
        return hashlib.sha256(self.signed_part() + bytes.fromhex(self.signature)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That one session's chunk is under a seal."""

    seal: Seal
    position: int
    """Of the leaf, from 0."""
    first_byte: int
    """Where the chunk begins within the session's entries, concatenated."""
    length: int
    """Bytes of the chunk."""
    path: tuple[str, ...]
    """Siblings from the leaf to the root, hexadecimal."""


def leaf(session: SessionId, first_byte: int, chunk: bytes) -> bytes:
    """The leaf of a session's chunk, which begins at `first_byte` of its entries."""
    head = f"{session}\x1f{first_byte}\x1f".encode()
    return hashlib.sha256(_LEAF + head + hashlib.sha256(chunk).digest()).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The tree's root; SHA-256 of nothing where there is no leaf."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = _cut(len(leaves))
    return _node(root_of(leaves[:cut]), root_of(leaves[cut:]))


def path_of(leaves: Sequence[bytes], position: int) -> tuple[bytes, ...]:
    """Siblings of the leaf at `position`, from the bottom up (RFC 6962 §2.1.1)."""
    if len(leaves) <= 1:
        return ()
    cut = _cut(len(leaves))
    if position < cut:
        return (*path_of(leaves[:cut], position), root_of(leaves[cut:]))
    return (*path_of(leaves[cut:], position - cut), root_of(leaves[:cut]))


def root_by(leaf_hash: bytes, *, position: int, leaves: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to; None where its length cannot be right."""
    if not 0 <= position < leaves:
        return None
    if leaves == 1:
        return leaf_hash if not path else None
    if not path:
        return None
    cut, beside = _cut(leaves), path[-1]
    if position < cut:
        below = root_by(leaf_hash, position=position, leaves=cut, path=path[:-1])
        return None if below is None else _node(below, beside)
    below = root_by(leaf_hash, position=position - cut, leaves=leaves - cut, path=path[:-1])
    return None if below is None else _node(beside, below)


def proofs_body(session: SessionId, proofs: Sequence[Proof]) -> dict[str, Any]:
    """The proofs of one session as a plain JSON object."""
    return {
        "version": SEAL_VERSION,
        "session": session,
        "proofs": [{**asdict(proof), "path": list(proof.path)} for proof in proofs],
    }


def proof_from(body: Mapping[str, Any]) -> Proof:
    """One member of `proofs`, read back."""
    fields = {**body, "seal": Seal(**body["seal"]), "path": tuple(body["path"])}
    return Proof(**fields)


def _cut(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
