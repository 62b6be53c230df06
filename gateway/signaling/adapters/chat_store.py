"""Lines of text and read marks in SQLite.

Decides nothing; a line's number is given by `chat.py` and held unique here.
Stored is what was delivered, never what was covered or withheld.
Keeps: a line never changes; (session, side, line id) is stored once, so a line
that was sent again after a restart is answered with its first number.
"""

import sqlite3
from collections.abc import Sequence

from gateway.ids import SessionId
from gateway.signaling.chat_ports import ChatMark, Line
from gateway.store.migration import Migration
from gateway.store.ports import Store
from gateway.terms import Side

CHAT = Migration(
    "signaling",
    2,
    """
    CREATE TABLE chat_lines (
        session TEXT NOT NULL REFERENCES sessions (id),
        seq INTEGER NOT NULL CHECK (seq > 0),
        side TEXT NOT NULL,
        line_id TEXT NOT NULL,
        text TEXT NOT NULL,
        is_masked INTEGER NOT NULL,
        at_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (session, seq),
        UNIQUE (session, side, line_id)
    ) STRICT;
    CREATE TRIGGER chat_lines_stay BEFORE UPDATE ON chat_lines
        BEGIN SELECT RAISE(ABORT, 'a line is never changed'); END;
    CREATE TRIGGER chat_lines_remain BEFORE DELETE ON chat_lines
        BEGIN SELECT RAISE(ABORT, 'a line is never deleted'); END;
    CREATE TABLE chat_reads (
        session TEXT NOT NULL REFERENCES sessions (id),
        side TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (session, side)
    ) STRICT;
    """,
)

_NOTE_READ = """
    INSERT INTO chat_reads (session, side, seq) VALUES (?, ?, ?)
    ON CONFLICT (session, side) DO UPDATE SET seq = MAX(seq, excluded.seq)
"""
_BEFORE = """
    SELECT * FROM (
        SELECT * FROM chat_lines WHERE session = ? AND (? IS NULL OR seq < ?) ORDER BY seq DESC LIMIT ?
    ) ORDER BY seq
"""


class ChatStore:
    """The `Lines` of production."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def append(self, line: Line) -> Line:
        """Store the line and answer it; where (session, side, line_id) is stored already, that one."""

        def insert(transaction: sqlite3.Connection) -> Line:
            found = transaction.execute(
                "SELECT * FROM chat_lines WHERE session = ? AND side = ? AND line_id = ?",
                (line.session, line.side, line.line_id),
            ).fetchone()
            if found is not None:
                return _line(found)
            transaction.execute(
                "INSERT INTO chat_lines (session, seq, side, line_id, text, is_masked, at_wall_ns)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    line.session,
                    line.seq,
                    line.side,
                    line.line_id,
                    line.text,
                    int(line.is_masked),
                    line.at_wall_ns,
                ),
            )
            return line

        return await self._database.write(insert)

    async def mark(self, session: SessionId) -> ChatMark:
        """How far the session's lines have come."""

        def query(connection: sqlite3.Connection) -> ChatMark:
            (last_seq,) = connection.execute(
                "SELECT COALESCE(MAX(seq), 0) FROM chat_lines WHERE session = ?", (session,)
            ).fetchone()
            reads = connection.execute("SELECT side, seq FROM chat_reads WHERE session = ?", (session,))
            return ChatMark(last_seq=last_seq, read={Side(row["side"]): row["seq"] for row in reads})

        return await self._database.read(query)

    async def note_read(self, session: SessionId, side: Side, seq: int) -> None:
        """Move a read mark forward."""
        await self._database.write(
            lambda transaction: transaction.execute(_NOTE_READ, (session, side, seq)).close()
        )

    async def after(self, session: SessionId, seq: int, limit: int) -> Sequence[Line]:
        """Lines with a number above `seq`, ascending."""
        return await self._database.read(
            lambda connection: [
                _line(found)
                for found in connection.execute(
                    "SELECT * FROM chat_lines WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?",
                    (session, seq, limit),
                )
            ]
        )

    async def before(self, session: SessionId, seq: int | None, limit: int) -> Sequence[Line]:
        """The last `limit` lines with a number below `seq` (None: the newest), ascending."""
        return await self._database.read(
            lambda connection: [
                _line(found) for found in connection.execute(_BEFORE, (session, seq, seq, limit))
            ]
        )


def _line(found: sqlite3.Row) -> Line:
    return Line(
        session=SessionId(found["session"]),
        seq=found["seq"],
        side=Side(found["side"]),
        line_id=found["line_id"],
        text=found["text"],
        at_wall_ns=found["at_wall_ns"],
        is_masked=bool(found["is_masked"]),
    )
