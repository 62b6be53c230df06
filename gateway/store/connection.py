"""How a connection to the database file is opened.

Decides the pragmas: WAL and `synchronous=FULL` so that a commit survives a power
cut, foreign keys on, recursive triggers on (else `INSERT OR REPLACE` would pass
by the triggers that refuse deletes), readers `query_only`.
Never begins a transaction: connections are in autocommit mode, so that neither
the sqlite3 module nor `sqlite_utils.Database.atomic` issues a deferred BEGIN.
See https://www.sqlite.org/pragma.html.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from gateway.errors import StoreDown

CACHE_KIB = 65_536
"""Pages that the writer keeps in memory: the indexes it inserts into, and all that one transaction changes."""
CHECKPOINT_PAGES = 32_000
"""Length of the log, 128 MB, from which a commit copies it into the file; a page that many commits
changed is then copied once. An opening after a crash reads at most about this much."""
BUSY_S = 5.0
"""How long a statement waits for a lock that only a stray tool can hold."""

_FATAL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
    }
)


def is_failing_world(error: sqlite3.Error) -> bool:
    """Whether the disk or the file failed, and not the statement."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _FATAL


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that may write and checkpoint.

    Raises:
        StoreDown: the file cannot be opened, or is no database.
    """
    try:
        connection = _connect(f"file:{quote(str(path))}?mode=rwc")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except sqlite3.Error as error:
        raise StoreDown(f"the database {path} cannot be opened: {error}") from error
    return connection


def undo_in_memory(connection: sqlite3.Connection) -> None:
    """Keep what a savepoint may have to restore in memory; by default SQLite writes each page to a file first.

    Only for a connection that is done with migrations, whose sorting may need more than there is.
    """
    connection.execute("PRAGMA temp_store = MEMORY")


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint.

    Raises:
        StoreDown: there is no such database.
    """
    try:
        connection = _connect(f"file:{quote(str(path))}?mode=ro")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise StoreDown(f"the database {path} cannot be read: {error}") from error
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_S, cached_statements=512
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection
