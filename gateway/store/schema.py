"""Bringing tables up to date, and describing them.

Decides which migrations still have to run: per package, ascending, without gaps,
each once, recorded with the SHA-256 of its text in the STRICT table `migrations`.
Never edits what has run: a step whose text changed after it ran is refused.
Keeps: all steps of one opening commit together or not at all; the transaction is
begun IMMEDIATE here, so sqlite-utils only ever nests savepoints inside it.
See `migration.py` for what a step is.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Tables

from gateway.errors import StoreDown
from gateway.store.migration import Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """One table, as `gateway doctor` shows it."""

    name: str
    columns: tuple[str, ...]
    rows: int
    is_strict: bool
    """Whether SQLite checks the type of every value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReport:
    """The database file, as `gateway doctor` shows it."""

    sqlite_version: str
    journal_mode: str
    migrations: tuple[str, ...]
    """`package/number`, in the order they ran."""
    tables: tuple[TableReport, ...]
    problems: tuple[str, ...]
    """What `PRAGMA quick_check` and `foreign_key_check` complain about; empty when all is well."""


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Run every step that has not run yet, in one transaction; answers how many ran.

    Raises:
        StoreDown: a step failed, has a gap before it, or was edited after it ran.
    """
    tables = Tables(connection, execute_plugins=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _recorded(_with_record(tables))
        steps = [step for step in _in_order(migrations) if not _has_run(step, done)]
        for step in steps:
            _run(tables, step)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise StoreDown(f"the tables cannot be brought up to date: {error}") from error
        raise
    return len(steps)


def describe(connection: sqlite3.Connection) -> SchemaReport:
    """What is in the file and whether it is sound; reads every page."""
    tables = Tables(connection, execute_plugins=False)
    names = [name for name in tables.table_names() if not name.startswith("sqlite_")]
    return SchemaReport(
        sqlite_version=sqlite3.sqlite_version,
        journal_mode=tables.journal_mode,
        migrations=tuple(f"{package}/{number}" for package, number in _recorded(tables)),
        tables=tuple(_table(tables, name) for name in names),
        problems=tuple(_problems(connection)),
    )


def _table(tables: Tables, name: str) -> TableReport:
    table = tables.table(name)
    return TableReport(
        name=name,
        columns=tuple(column.name for column in table.columns),
        rows=table.count,
        is_strict=table.strict,
    )


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA quick_check"):
        if line != "ok":
            yield str(line)
    for child, rowid, parent, _index in connection.execute("PRAGMA foreign_key_check"):
        yield f"{child} row {rowid} names a row of {parent} that is not there"


def _with_record(tables: Tables) -> Tables:
    columns = {"package": str, "number": int, "sha256": str}
    tables.table("migrations").create(
        columns, pk=("package", "number"), not_null=set(columns), strict=True, if_not_exists=True
    )
    return tables


def _recorded(tables: Tables) -> dict[tuple[str, int], str]:
    """(package, number) → SHA-256 of the text that ran, in the order they ran."""
    table = tables.table("migrations")
    if not table.exists():
        return {}
    return {(row["package"], row["number"]): row["sha256"] for row in table.rows_where(order_by="rowid")}


def _in_order(migrations: Sequence[Migration]) -> list[Migration]:
    """The steps by number within each package; packages in the order they first appear."""
    packages = list(dict.fromkeys(step.package for step in migrations))
    ordered = sorted(migrations, key=lambda step: (packages.index(step.package), step.number))
    for package in packages:
        numbers = [step.number for step in ordered if step.package == package]
        if numbers != list(range(1, len(numbers) + 1)):
            raise StoreDown(f"the migrations of {package} are numbered {numbers}, not from 1 without gaps")
    return ordered


def _has_run(step: Migration, done: dict[tuple[str, int], str]) -> bool:
    before = done.get((step.package, step.number))
    if before is not None and before != _digest(step):
        raise StoreDown(
            f"migration {step.package}/{step.number} was edited after it ran; add the next step instead"
        )
    return before is not None


def _run(tables: Tables, step: Migration) -> None:
    for statement in _statements(step.sql):
        tables.conn.execute(statement)
    tables.table("migrations").insert(
        {"package": step.package, "number": step.number, "sha256": _digest(step)}
    )


def _statements(script: str) -> Iterator[str]:
    """Each statement of `script`; `executescript` is no choice, since it commits first."""
    pending = ""
    for piece in script.split(";"):
        pending += piece + ";"
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip(" \n\t;"):
        raise StoreDown(f"a migration ends in the middle of a statement: {pending.strip()[:60]}")


def _digest(step: Migration) -> str:
    return hashlib.sha256(step.sql.encode()).hexdigest()
