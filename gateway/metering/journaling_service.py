"""Brings new evidence to the disk, one row a second, whatever the store does.

Drives: entries are taken into a numbered row, the row goes to the journal; a row
that the store refuses or has not answered in time goes to the spool as well, and
all rows follow in order as soon as the store answers again.
Never waited for by polls and ticks, and never reads an entry.
Keeps: entries reach the journal in order, one row in flight; a row that is both
spooled and journalled counts once, by its key; a record is told `stored` only
when everything taken from it is on a disk.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.clock import NS, Clock
from gateway.errors import Fenced, StoreDown
from gateway.ids import SessionId
from gateway.limits import LEASE_NS, STORE_ANSWER_NS
from gateway.metering.meter import Meter
from gateway.metering.owner_ports import Owners, RowKey, Spool, SpooledRow
from gateway.metering.ports import Journal
from gateway.metering.record import Record

RETRY_S = 1.0
"""Between tries of somebody who waits for the journal while the store is down."""

OnLost = Callable[[Sequence[SessionId] | None, str], None]
"""Told which sessions are somebody else's now (None: all of this process) and why."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Row:
    """A row on its way."""

    key: RowKey
    second: int
    entries: list[tuple[SessionId, bytes]]
    records: list[Record]
    """Whose entries these are."""
    taken_at_ns: int
    is_spooled: bool = False


class Journaling:
    """The rows of this process."""

    def __init__(
        self, *, journal: Journal, spool: Spool, owners: Owners, clock: Clock, on_lost: OnLost
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._owners = owners
        self._clock = clock
        self._on_lost = on_lost
        self._rows: deque[_Row] = deque()
        """Rows that the journal has not confirmed, in order."""
        self._completing: dict[SessionId, Meter] = {}
        """Meters whose last entries somebody waits for; they share a row."""
        self._saved: list[Record] = []
        """Whose entries are on a disk, to be told when no row before them is in the air."""
        self._rows_taken = 0
        self._has_spooled = False
        self._storing: asyncio.Task[None] | None = None
        self._asked_at_ns = 0
        """Since when the store owes an answer."""
        self._spooling: asyncio.Task[None] | None = None
        self._spool_turn = asyncio.Lock()
        self.renewed_at_ns = 0
        """When the newest row that the journal confirmed was taken: the lease runs from there."""

    async def drain(self) -> None:
        """Bring what an earlier process spooled into the journal, before anything is recovered.

        Raises:
            StoreDown: some of it is not there; it is still in the spool.
        """
        rows = await self._spool.waiting()
        for row in rows:
            await self._drain_row(row)
        if rows:
            await self._spool.clear()
            log.warning("spool_drained", rows=len(rows))

    def kick(self, meters: Iterable[Meter]) -> None:
        """Take what is new and see to it that it is written; nothing is waited for."""
        now_ns = self._clock.monotonic_ns()
        if self._storing is None:
            self._take(meters, now_ns)
            self._store_soon()
        elif now_ns - self._asked_at_ns >= STORE_ANSWER_NS:
            self._take(meters, now_ns)
            self._spool_soon()

    def watch(self) -> None:
        """See to it that a row which the store owes an answer for is on a disk all the same."""
        is_owed = self._storing is not None
        if is_owed and self._clock.monotonic_ns() - self._asked_at_ns >= STORE_ANSWER_NS:
            self._spool_soon()

    async def complete(self, meter: Meter) -> None:
        """Return when the journal itself has everything of `meter`."""
        session = meter.order.session
        self._completing[session] = meter
        while self._owes(session):
            self._store_soon()
            if self._storing is not None:
                await asyncio.wait({self._storing})
            if self._owes(session):
                await asyncio.sleep(RETRY_S)

    def forget(self, session: SessionId) -> None:
        """The session was dropped: nothing more is taken of it.

        What was taken while it was ours stays in its row: the store takes it or refuses it.
        """
        self._completing.pop(session, None)

    async def close(self, meters: Iterable[Meter], *, within_s: float) -> None:
        """Write what is new to the journal, or else to the spool; rows in flight get `within_s`."""
        self._take(meters, self._clock.monotonic_ns())
        self._store_soon()
        if self._storing is not None:
            await asyncio.wait({self._storing}, timeout=within_s)
        if self._rows:
            await self._spool_rows()

    @property
    def rows_waiting(self) -> int:
        """Rows that the journal has not confirmed."""
        return len(self._rows)

    def _owes(self, session: SessionId) -> bool:
        if session in self._completing:
            return True
        return any(owner == session for row in self._rows for owner, _ in row.entries)

    def _take(self, meters: Iterable[Meter], now_ns: int) -> None:
        entries, records = [], []
        for meter in meters:
            if fresh := meter.record.take_new():
                entries.append((meter.order.session, fresh))
                records.append(meter.record)
        if not entries:
            return
        self._rows_taken += 1
        key = RowKey(
            owner=self._owners.number,
            number=self._rows_taken,
            lease_ends_wall_ns=self._clock.wall_ns() + LEASE_NS,
        )
        second = now_ns // NS
        self._rows.append(_Row(key=key, second=second, entries=entries, records=records, taken_at_ns=now_ns))

    def _store_soon(self) -> None:
        if self._storing is None and (self._rows or self._completing):
            self._asked_at_ns = self._clock.monotonic_ns()
            self._storing = _begun(self._store_rows())
            self._storing.add_done_callback(self._stored)

    def _stored(self, task: asyncio.Task[None]) -> None:
        self._storing = None
        _report(task)

    def _spool_soon(self) -> None:
        if self._spooling is None and any(row.entries and not row.is_spooled for row in self._rows):
            self._spooling = _begun(self._spool_rows())
            self._spooling.add_done_callback(self._spooled)

    def _spooled(self, task: asyncio.Task[None]) -> None:
        self._spooling = None
        _report(task)

    async def _store_rows(self) -> None:
        try:
            while self._rows or self._completing:
                if not self._rows:
                    self._take(tuple(self._completing.values()), self._clock.monotonic_ns())
                    self._completing.clear()
                else:
                    await self._store_first()
        except StoreDown as error:
            log.error("journal_waits", rows=len(self._rows), why=error.detail)
            await self._spool_rows()
        else:
            await self._clear_spool()

    async def _store_first(self) -> None:
        row = self._rows[0]
        if row.entries:
            self._asked_at_ns = self._clock.monotonic_ns()
            try:
                await self._journal.append(row.second, row.entries, key=row.key)
            except Fenced as refusal:
                self._lose(row, refusal)
                return
            self.renewed_at_ns = max(self.renewed_at_ns, row.taken_at_ns)
        self._rows.popleft()
        self._on_disk(row)

    def _lose(self, row: _Row, refusal: Fenced) -> None:
        """Leave out what is somebody else's; the rest of the row is tried again."""
        lost = _lost(refusal, row.entries)
        row.entries = [entry for entry in row.entries if entry[0] not in lost]
        self._on_lost(refusal.extensions.get("sessions"), refusal.detail)

    async def _spool_rows(self) -> None:
        async with self._spool_turn:
            for row in [row for row in self._rows if row.entries and not row.is_spooled]:
                kept = SpooledRow(key=row.key, second=row.second, entries=tuple(row.entries))
                self._has_spooled = True
                try:
                    await self._spool.append(kept)
                except StoreDown as error:
                    log.error("spool_failed", rows=len(self._rows), why=error.detail)
                    return
                row.is_spooled = True
                self._on_disk(row)

    async def _clear_spool(self) -> None:
        if not self._has_spooled:
            return
        async with self._spool_turn:
            if self._rows:
                return
            try:
                await self._spool.clear()
            except StoreDown as error:
                log.error("spool_not_cleared", why=error.detail)
            else:
                self._has_spooled = False

    def _on_disk(self, row: _Row) -> None:
        self._saved += row.records
        if all(other.is_spooled for other in self._rows):
            for record in self._saved:
                record.stored()
            self._saved.clear()

    async def _drain_row(self, row: SpooledRow) -> None:
        entries = list(row.entries)
        while entries:
            try:
                await self._journal.append(row.second, entries, key=row.key)
            except Fenced as refusal:
                lost = _lost(refusal, entries)
                log.error("spooled_evidence_refused", sessions=sorted(lost), why=refusal.detail)
                entries = [entry for entry in entries if entry[0] not in lost]
            else:
                return


def _lost(refusal: Fenced, entries: Sequence[tuple[SessionId, bytes]]) -> frozenset[SessionId]:
    """The sessions that a refusal names; all of them where it names none."""
    return frozenset(refusal.extensions.get("sessions") or [session for session, _ in entries])


def _begun(doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(doing)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("journaling_failed", error=repr(error))
