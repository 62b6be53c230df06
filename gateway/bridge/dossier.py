"""Everything known of one session, gathered for a dispute: the evidence bundle in files.

Decides which files there are: receipt, evidence, seals as they were issued, and
a record of transitions, holds, postings, reports and notes read from the store.
Never changes anything; it reads through a read-only connection, so it works
beside a running gateway. Never contains text, voice or personal data.
See docs/operations.md, "Evidence for a dispute".
"""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.clock import rfc3339
from gateway.errors import NotFound
from gateway.ids import SessionId
from gateway.metering import receipt as receipts
from gateway.metering.adapters import seal_store
from gateway.metering.seal import proofs_body

_SESSION = "SELECT * FROM sessions WHERE id = ?"
_LISTS: Mapping[str, str] = {
    "transitions": "SELECT seq, epoch, state, reason, at_wall_ns FROM session_transitions"
    " WHERE session = ? ORDER BY epoch, seq",
    "holds": "SELECT ordinal, micros FROM meter_holds WHERE session = ? ORDER BY ordinal",
    "postings": "SELECT seq, id, kind, flow, debit_account, credit_account, micros, ends_id, at_wall_ns"
    " FROM ledger_transfer WHERE session = ? ORDER BY seq",
    "reports": "SELECT side, seconds, why FROM session_reports WHERE session = ? ORDER BY side",
}
"""What the record lists, and where it is read."""


def files_of(connection: sqlite3.Connection, session: SessionId) -> dict[str, bytes]:
    """File name → content of the session's bundle.

    Raises:
        NotFound: there is no such session.
    """
    found = connection.execute(_SESSION, (session,)).fetchone()
    if found is None:
        raise NotFound(f"There is no session {session} in this store.")
    files = {"record.json": receipts.canonical(_record(connection, found))}
    issued = connection.execute(
        "SELECT receipt, evidence FROM receipts WHERE session = ?", (session,)
    ).fetchone()
    if issued is not None:
        files["receipt.json"] = bytes(issued["receipt"])
        files["evidence.json"] = bytes(issued["evidence"])
    proofs = seal_store.proofs_of(connection, session)
    if proofs:
        files["seals.json"] = receipts.canonical(proofs_body(session, proofs))
    return files


def export(connection: sqlite3.Connection, session: SessionId, folder: Path) -> list[Path]:
    """Write the session's bundle into `folder`, which is made; answers the files.

    Raises:
        NotFound: there is no such session.
        OSError: the folder cannot be written.
    """
    files = files_of(connection, session)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        written.append(path)
    return written


def _record(connection: sqlite3.Connection, found: sqlite3.Row) -> dict[str, Any]:
    session = found["id"]
    record: dict[str, Any] = {
        "session": session,
        "client": found["client"],
        "provider": found["provider"],
        "kind": found["kind"],
        "state": found["state"],
        "end_reason": found["end_reason"],
        "tariff": json.loads(found["tariff"]),
        "tariff_hash": found["tariff_hash"],
        "fee_bp": found["fee_bp"],
        "created_at": rfc3339(found["created_wall_ns"]),
    }
    for name, query in _LISTS.items():
        record[name] = [_dated(dict(row)) for row in connection.execute(query, (session,))]
    return record


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its instant as people read it."""
    if "at_wall_ns" in row:
        row["at"] = rfc3339(row.pop("at_wall_ns"))
    return row
