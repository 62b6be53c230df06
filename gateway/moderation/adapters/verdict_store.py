"""Verdicts in SQLite: who judged what, by digest, spans and rule; never the text.

Decides the table's shape. Append-only: the database itself refuses changes and
deletions, because a verdict that was acted on is evidence.
Never decides what a verdict means (verdict.py). Docs: docs/moderation.md.
"""

import json
import sqlite3
from collections.abc import Sequence

from gateway.ids import SessionId
from gateway.moderation.policy import Mode
from gateway.moderation.ports import VerdictRecord
from gateway.moderation.verdict import Action, Category, Source, Span, Verdict
from gateway.store.migration import Migration
from gateway.store.ports import Store

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "moderation",
        1,
        """
        CREATE TABLE moderation_verdicts (
            id TEXT PRIMARY KEY,
            session TEXT NOT NULL,
            side TEXT NOT NULL,
            sample TEXT NOT NULL,
            digest TEXT NOT NULL,
            hook TEXT NOT NULL,
            mode TEXT NOT NULL,
            action TEXT NOT NULL,
            category TEXT NOT NULL,
            severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4),
            confidence_permille INTEGER NOT NULL CHECK (confidence_permille BETWEEN 0 AND 1000),
            spans TEXT NOT NULL,
            rule TEXT NOT NULL,
            ruleset TEXT NOT NULL,
            source TEXT NOT NULL,
            evidence TEXT,
            judged_wall_ns INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX moderation_verdicts_by_session ON moderation_verdicts (session, judged_wall_ns);
        CREATE TRIGGER moderation_verdicts_stay BEFORE DELETE ON moderation_verdicts
            BEGIN SELECT RAISE(ABORT, 'verdicts are never deleted'); END;
        CREATE TRIGGER moderation_verdicts_stand BEFORE UPDATE ON moderation_verdicts
            BEGIN SELECT RAISE(ABORT, 'verdicts are never changed'); END;
        """,
    ),
)


class VerdictTable:
    """The `VerdictStore` of one database."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def keep(self, records: Sequence[VerdictRecord]) -> None:
        """Store the records in one commit."""
        rows = [_row(record) for record in records]

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO moderation_verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

        await self._database.write(insert)

    async def of_session(self, session: SessionId) -> Sequence[tuple[Mode, Verdict]]:
        """The verdicts of one session in the order they were given, with whether they took effect."""

        def select(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            return connection.execute(
                "SELECT * FROM moderation_verdicts WHERE session = ? ORDER BY judged_wall_ns, rowid",
                (session,),
            ).fetchall()

        return [(Mode(row["mode"]), _verdict(row)) for row in await self._database.read(select)]


def _row(record: VerdictRecord) -> tuple[str | int | None, ...]:
    sample, verdict = record.sample, record.verdict
    return (
        record.id,
        sample.session,
        sample.side.value,
        sample.id,
        record.digest,
        record.hook,
        record.mode.value,
        verdict.action.value,
        verdict.category.value,
        verdict.severity,
        verdict.confidence_permille,
        json.dumps([[span.start, span.end] for span in verdict.spans]),
        verdict.rule,
        verdict.ruleset,
        verdict.source.value,
        verdict.evidence,
        record.judged_wall_ns,
    )


def _verdict(row: sqlite3.Row) -> Verdict:
    return Verdict(
        action=Action(row["action"]),
        category=Category(row["category"]),
        severity=row["severity"],
        confidence_permille=row["confidence_permille"],
        rule=row["rule"],
        ruleset=row["ruleset"],
        source=Source(row["source"]),
        spans=tuple(Span(start=start, end=end) for start, end in json.loads(row["spans"])),
        evidence=row["evidence"],
    )
