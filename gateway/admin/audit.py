"""The audit chain: who did what to whom, why and when, each entry sealing the one before.

Decides what is hashed and how (canonical JSON, SHA-256), and finds the first
entry that does not fit. Never stores (adapters/audit_store.py).
Keeps: no entry can be changed, left out or moved without every later hash being
wrong. A chain cut off at its end can only be told by a head noted elsewhere; the
log line of each entry carries it. See docs/operations.md, "audit".
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

GENESIS = "0" * 64
"""What the first entry seals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act."""

    who: str
    """The account that acted."""
    what: str
    """Dotted name of the act: `session.end`."""
    subject: str
    """What it was done to."""
    why: str
    """The reason that was given."""
    at_wall_ns: int
    """Unix nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An entry in its place."""

    number: int
    """From 1, without gaps."""
    entry: AuditEntry
    hash: str
    """Seal over number, entry and the hash before, hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What a walk along the chain found."""

    ok: bool
    entries: int
    """Entries that fit, from the first on."""
    head: str
    """Hash of the last entry that fits; GENESIS where there is none."""
    broken_at: int | None = None
    """Number of the first entry that does not fit, as it should be."""


def sealed(number: int, entry: AuditEntry, *, before: str) -> AuditRecord:
    """`entry` as the chain's entry of that number after the one whose hash is `before`."""
    content = {"before": before, "number": number, **asdict(entry)}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return AuditRecord(number=number, entry=entry, hash=hashlib.sha256(text.encode()).hexdigest())


def check_chain(records: Iterable[AuditRecord], *, head: str | None = None) -> AuditCheck:
    """Walk `records` in order of their numbers; `head` is the hash the last one must have, if known."""
    fitting, before = 0, GENESIS
    for record in records:
        if record != sealed(fitting + 1, record.entry, before=before):
            return AuditCheck(ok=False, entries=fitting, head=before, broken_at=fitting + 1)
        fitting, before = fitting + 1, record.hash
    if head is not None and head != before:
        return AuditCheck(ok=False, entries=fitting, head=before, broken_at=fitting + 1)
    return AuditCheck(ok=True, entries=fitting, head=before)
