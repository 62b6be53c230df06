"""Migrations run once, in order, unedited; and the file can be described."""

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.errors import StoreDown
from gateway.store.migration import Migration
from gateway.store.schema import describe, migrate

pytestmark = pytest.mark.adapter

FIRST = Migration("notes", 1, "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;")
SECOND = Migration(
    "notes",
    2,
    """
    -- A semicolon in a comment; and one in a trigger.
    ALTER TABLE note ADD COLUMN kind TEXT NOT NULL DEFAULT ';';
    CREATE TRIGGER note_stays BEFORE DELETE ON note
    BEGIN SELECT RAISE(ABORT, 'notes stay; all of them'); END;
    """,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.row_factory = sqlite3.Row
    yield opened
    opened.close()


def test_steps_run_once(connection: sqlite3.Connection) -> None:
    assert migrate(connection, [FIRST]) == 1
    assert migrate(connection, [FIRST, SECOND]) == 1
    assert migrate(connection, [FIRST, SECOND]) == 0


def test_steps_run_by_number_whatever_order_they_are_given_in(connection: sqlite3.Connection) -> None:
    migrate(connection, [SECOND, FIRST])
    assert describe(connection).migrations == ("notes/1", "notes/2")


def test_statements_with_semicolons_inside_are_not_cut(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST, SECOND])
    connection.execute("INSERT INTO note (text) VALUES ('a')")
    with pytest.raises(sqlite3.IntegrityError, match="notes stay; all of them"):
        connection.execute("DELETE FROM note")


def test_a_failing_step_undoes_all_steps_of_the_opening(connection: sqlite3.Connection) -> None:
    broken = Migration("notes", 2, "CREATE TABLE extra (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreDown, match="nowhere"):
        migrate(connection, [FIRST, broken])
    assert describe(connection).tables == ()


def test_an_edited_step_is_refused(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST])
    with pytest.raises(StoreDown, match="edited after it ran"):
        migrate(connection, [Migration("notes", 1, FIRST.sql.replace("note", "memo"))])


@pytest.mark.parametrize("numbers", [(2,), (1, 3), (0, 1), (1, 1)])
def test_gaps_and_doubles_are_refused(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> None:
    with pytest.raises(StoreDown, match="without gaps"):
        migrate(connection, [Migration("notes", number, "SELECT 1;") for number in numbers])


def test_half_a_statement_is_refused(connection: sqlite3.Connection) -> None:
    with pytest.raises(StoreDown, match="middle of a statement"):
        migrate(connection, [Migration("notes", 1, "CREATE TRIGGER t BEFORE DELETE ON note BEGIN SELECT 1;")])


def test_packages_number_their_steps_independently(connection: sqlite3.Connection) -> None:
    other = Migration("letters", 1, "CREATE TABLE letter (id INTEGER PRIMARY KEY) STRICT;")
    assert migrate(connection, [FIRST, other, SECOND]) == 3


def test_the_description_names_tables_rows_and_strictness(connection: sqlite3.Connection) -> None:
    loose = Migration("loose", 1, "CREATE TABLE loose (anything);")
    migrate(connection, [FIRST, loose])
    connection.execute("INSERT INTO note (text) VALUES ('a')")
    tables = {table.name: table for table in describe(connection).tables}
    assert (tables["note"].rows, tables["note"].is_strict, tables["note"].columns) == (
        1,
        True,
        ("id", "text"),
    )
    assert not tables["loose"].is_strict
    assert tables["migrations"].is_strict


def test_a_dangling_reference_is_a_problem(connection: sqlite3.Connection) -> None:
    step = Migration(
        "family",
        1,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id)) STRICT;",
    )
    migrate(connection, [step])
    connection.execute("INSERT INTO child (parent) VALUES (7)")
    assert describe(connection).problems == ("child row 1 names a row of parent that is not there",)
