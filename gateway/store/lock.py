"""The lock that keeps a second process away from the database file.

Decides who owns a database: whoever holds an exclusive `flock` on `<file>.lock`,
from opening to closing; the kernel lets go when the process dies, however it dies.
Never deletes the lock file: a deleted one could be locked twice.
Keeps: at most one writer and one checkpointer per file, which SQLite before
3.51.3 needs (the WAL-reset race, docs/decisions). See flock(2).
"""

import fcntl
import os
from pathlib import Path

from gateway.errors import StoreDown


class FileLock:
    """An exclusive lock on a file beside the database, held until released."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            StoreDown: another process holds it, or the directory cannot be written.
        """
        path = database.with_name(f"{database.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreDown(f"the lock file {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreDown(
                f"another process (pid {owner}) has {database} open; stop it first, one gateway owns one database"
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreDown(f"the lock file {path} cannot be written: {error.strerror}") from error

    def release(self) -> None:
        """Let the next process in; may be called once."""
        os.close(self._descriptor)
