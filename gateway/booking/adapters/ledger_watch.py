"""The books, looked at again and again: what is new each time, everything on demand.

Decides which of the two ways of looking is taken, and keeps the running state of
the quick one; a look that fails throws that state away, so that the next replays
all from zero. One look at a time: the caller sees to it.
Never writes. See `ledger_replay.py` and `ledger_audit.py` for what they count.
"""

from collections.abc import Mapping, Sequence

from gateway.booking.adapters import ledger_audit
from gateway.booking.adapters.ledger_replay import Replay
from gateway.booking.books_watch_service import Look
from gateway.booking.ledger.invariant import Finding
from gateway.ids import AccountId, SessionId
from gateway.store.ports import Store

_CHARGED = """
SELECT answer ->> '$.charge_micros' FROM ledger_command WHERE name = 'settle' AND session = ?
"""


class LedgerWatch:
    """Satisfies `BooksReader` of `books_watch_service.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database
        self._replay = Replay()

    async def look(self) -> Look:
        """Take in what is new since the last look; the first replays from zero."""
        replay, self._replay = self._replay, Replay()
        look = await self._database.read(replay.look)
        self._replay = replay
        return look

    async def look_at_all(self) -> tuple[Sequence[Finding], Look]:
        """Every query over all rows, and a replay from zero."""
        findings = await self._database.read(ledger_audit.audit)
        self._replay = Replay()
        return findings, await self.look()

    async def charge_of(self, session: SessionId) -> int:
        """What a settled session was charged, in micros."""
        row = await self._database.read(
            lambda connection: connection.execute(_CHARGED, (session,)).fetchone()
        )
        return 0 if row is None else int(row[0])

    async def holding(self) -> Mapping[SessionId, AccountId]:
        """Sessions that have an open hold now."""
        return await self._database.read(ledger_audit.sessions_holding)
