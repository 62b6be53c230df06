"""A small database with one table, and ways to look into it."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.store.database import Database
from gateway.store.migration import Migration

NOTES = (Migration("notes", 1, "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"),)


def note(text: str) -> Callable[[sqlite3.Connection], None]:
    """The work of writing one note."""

    def insert(transaction: sqlite3.Connection) -> None:
        transaction.execute("INSERT INTO note (text) VALUES (?)", (text,))

    return insert


def notes(connection: sqlite3.Connection) -> list[str]:
    """The query for every note."""
    return [row["text"] for row in connection.execute("SELECT text FROM note ORDER BY id")]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "gateway.db", NOTES)
    yield opened
    await opened.close()
