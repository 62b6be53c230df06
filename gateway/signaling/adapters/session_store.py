"""Sessions and their transitions in SQLite.

Decides nothing: the transition table is `session.py`'s, read here inside the
transaction. Works run in whoever's transaction they are handed to, so a move
and its money effect are one commit.
Keeps: one open session per provider (partial unique index), a few per client
(trigger); a session is moved by its owner only (the fence, asked in the same
transaction); a transition row is unique on (session, seq, epoch) and never
changes; the first end reason stands. See docs/metering.md, "Session states".
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.ids import AccountId, SessionId
from gateway.signaling.ports import Fence, MoveRefused, SessionRow
from gateway.signaling.session import FINISHED, RINGS, can_move
from gateway.store.ports import Store
from gateway.terms import (
    PERSONS_LIFT,
    CountedMove,
    EndReason,
    MeterOrder,
    SessionKind,
    SessionState,
    SuspendReason,
    TariffSnapshot,
)
from gateway.work import Work

_UNFINISHED = """
    SELECT * FROM sessions WHERE state NOT IN ('settled', 'disputed', 'adjusted', 'declined', 'missed',
    'cancelled', 'busy', 'connect_failed') ORDER BY created_wall_ns, id
"""
_INSERT = """
    INSERT INTO sessions (id, client, provider, kind, state, end_reason, tariff, tariff_hash, fee_bp,
        duration_s_max, slot_ends_wall_ns, nonce_client, nonce_provider, created_wall_ns, seq, epoch)
    VALUES (:id, :client, :provider, :kind, :state, :end_reason, :tariff, :tariff_hash, :fee_bp,
        :duration_s_max, :slot_ends_wall_ns, :nonce_client, :nonce_provider, :created_wall_ns, :seq, :epoch)
"""
_SWAP = """
    UPDATE sessions SET state = :target, seq = :seq, epoch = :epoch,
        end_reason = COALESCE(end_reason, :end_reason)
    WHERE id = :id AND state = :state AND seq = :seq - 1
"""
_LAST_COUNTED = """
    SELECT reason, at_ns, boot, at_wall_ns FROM session_transitions WHERE session = ? AND state IN ('metering', 'suspended')
    ORDER BY epoch DESC, seq DESC LIMIT 1
"""
_PAGE = """
    SELECT * FROM sessions
    WHERE (client = :account OR provider = :account)
        AND (:before_wall_ns IS NULL OR (created_wall_ns, id) < (:before_wall_ns, :before_id))
    ORDER BY created_wall_ns DESC, id DESC LIMIT :limit
"""


Step = tuple[int, SessionState, EndReason | SuspendReason | None]
"""Number, state and reason of a transition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One stored transition."""

    seq: int
    """From 1 without gaps."""
    state: SessionState
    reason: EndReason | SuspendReason | None
    at_wall_ns: int


class SessionStore:
    """The `Sessions` of production, and the history that HTTP reads."""

    def __init__(self, database: Store, *, clock: Clock, fence: Fence | None = None) -> None:
        """Without a `fence` every session is ours: nobody else can be writing."""
        self._database = database
        self._clock = clock
        self._fence = fence

    def create(self, row: SessionRow) -> Work:
        """Insert the session and its first transition; a side exit gets both of its transitions."""

        def insert(transaction: sqlite3.Connection) -> None:
            is_plain = row.state is SessionState.CREATED
            try:
                transaction.execute(_INSERT, _columns(row, seq=1 if is_plain else 2))
            except sqlite3.IntegrityError as refusal:
                raise MoveRefused(f"{row.order.session} cannot be opened: {refusal}") from refusal
            self._note(transaction, row.order.session, epoch=row.epoch, step=(1, SessionState.CREATED, None))
            if not is_plain:
                self._note(
                    transaction, row.order.session, epoch=row.epoch, step=(2, row.state, row.end_reason)
                )

        return insert

    def move(
        self, session: SessionId, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> Work:
        """Compare-and-swap to `state` along the transition table and append the transition row."""

        def swap(transaction: sqlite3.Connection) -> None:
            found = transaction.execute(
                "SELECT state, seq, epoch FROM sessions WHERE id = ?", (session,)
            ).fetchone()
            if found is None or not can_move(SessionState(found["state"]), state):
                present = found["state"] if found else "unknown"
                raise MoveRefused(f"{session} is {present} and cannot become {state}")
            seq = found["seq"] + 1
            epoch = self._epoch(transaction, session, state, stored=found["epoch"])
            values = {
                "id": session,
                "state": found["state"],
                "target": state,
                "seq": seq,
                "epoch": epoch,
                "end_reason": reason if isinstance(reason, EndReason) else None,
            }
            if transaction.execute(_SWAP, values).rowcount != 1:
                raise MoveRefused(f"{session} was moved by somebody else")
            self._note(transaction, session, epoch=epoch, step=(seq, state, reason))

        return swap

    def finish(self, session: SessionId, reason: EndReason, *, has_counted: bool) -> Work:
        """Bring the session to its end from wherever it is: settled where seconds were counted."""

        def end(transaction: sqlite3.Connection) -> None:
            found = transaction.execute("SELECT state FROM sessions WHERE id = ?", (session,)).fetchone()
            if found is None:
                raise MoveRefused(f"{session} is unknown")
            for step in _way_out(SessionState(found["state"]), has_counted=has_counted):
                why = reason if step in FINISHED | {SessionState.ENDING, SessionState.RATED} else None
                self.move(session, step, why)(transaction)

        return end

    async def commit(self, work: Work) -> None:
        """Run one work in a transaction of its own."""
        await self._database.write(work)

    async def load(self, session: SessionId) -> SessionRow | None:
        """One session."""

        def query(connection: sqlite3.Connection) -> SessionRow | None:
            found = connection.execute("SELECT * FROM sessions WHERE id = ?", (session,)).fetchone()
            return None if found is None else _row(found)

        return await self._database.read(query)

    async def counted_move(self, session: SessionId) -> CountedMove | None:
        """The last move that says whether seconds count; None where none has been stored."""

        def query(connection: sqlite3.Connection) -> CountedMove | None:
            found = connection.execute(_LAST_COUNTED, (session,)).fetchone()
            return None if found is None else _counted_move(found)

        return await self._database.read(query)

    async def held_reason(self, session: SessionId) -> SuspendReason | None:
        """Why a person has yet to lift a suspension, as the last move that counted or paused says."""
        move = await self.counted_move(session)
        return move.reason if move is not None and move.reason in PERSONS_LIFT else None

    async def end_reason(self, session: SessionId) -> EndReason | None:
        """Why the session was stopped; None while it may go on."""
        row = await self.load(session)
        return None if row is None else row.end_reason

    async def unfinished(self) -> Sequence[SessionRow]:
        """Every session of ours that is not settled or voided, oldest first."""
        fence = self._fence

        def query(connection: sqlite3.Connection) -> list[SessionRow]:
            rows = [_row(found) for found in connection.execute(_UNFINISHED).fetchall()]
            return [row for row in rows if fence is None or fence.is_ours(connection, row.order.session)]

        return await self._database.read(query)

    async def open_anywhere(self) -> Sequence[SessionRow]:
        """Every session that is not settled or voided, whoever acts for it, oldest first."""
        return await self._database.read(
            lambda connection: [_row(found) for found in connection.execute(_UNFINISHED)]
        )

    async def page(
        self, account: AccountId, *, before: tuple[int, str] | None, limit: int
    ) -> Sequence[SessionRow]:
        """The account's sessions, newest first, from after `before` (created_wall_ns, id) on."""
        wall_ns, name = before if before is not None else (None, None)
        values = {"account": account, "before_wall_ns": wall_ns, "before_id": name, "limit": limit}
        return await self._database.read(
            lambda connection: [_row(found) for found in connection.execute(_PAGE, values)]
        )

    async def timeline(self, session: SessionId) -> Sequence[Transition]:
        """Every transition of a session, in order."""

        def query(connection: sqlite3.Connection) -> Sequence[Transition]:
            rows = connection.execute(
                "SELECT * FROM session_transitions WHERE session = ? ORDER BY epoch, seq", (session,)
            )
            return [
                Transition(
                    seq=found["seq"],
                    state=SessionState(found["state"]),
                    reason=_reason(found["reason"]),
                    at_wall_ns=found["at_wall_ns"],
                )
                for found in rows
            ]

        return await self._database.read(query)

    def _epoch(
        self, transaction: sqlite3.Connection, session: SessionId, state: SessionState, *, stored: int
    ) -> int:
        """The epoch of the next transition; raises `Fenced` where the session is somebody else's."""
        if state in (SessionState.DISPUTED, SessionState.ADJUSTED):
            # What happens to a receipt later is no owner's: the session is over.
            return stored
        if self._fence is None:
            # A recovery begins a new epoch: rows of the process that died cannot pass for this one's.
            return stored + (state is SessionState.RECOVERING)
        return max(stored, self._fence.epoch(transaction, session))

    def _note(self, transaction: sqlite3.Connection, session: SessionId, *, epoch: int, step: Step) -> None:
        seq, state, reason = step
        clock = self._clock
        transaction.execute(
            "INSERT INTO session_transitions (session, seq, epoch, state, reason, at_wall_ns, at_ns, boot)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (session, seq, epoch, state, reason, clock.wall_ns(), clock.monotonic_ns(), clock.boot_id),
        )


def _counted_move(found: sqlite3.Row) -> CountedMove:
    return CountedMove(
        reason=None if found["reason"] is None else SuspendReason(found["reason"]),
        at_ns=found["at_ns"],
        boot=found["boot"],
        wall_ns=found["at_wall_ns"],
    )


def _way_out(state: SessionState, *, has_counted: bool) -> list[SessionState]:
    """The moves from `state` to the end."""
    if state in FINISHED:
        return []
    if state in RINGS:
        return [SessionState.CANCELLED]
    if state in (SessionState.ACCEPTED, SessionState.CONNECTING) and not has_counted:
        return [SessionState.CONNECT_FAILED]
    return list(_TO_THE_END[_TO_THE_END.index(_PLACES.get(state, state)) + 1 :])


_TO_THE_END = (
    SessionState.ACCEPTED,
    SessionState.CONNECTING,
    SessionState.METERING,
    SessionState.ENDING,
    SessionState.RATED,
    SessionState.SETTLED,
)
"""The way of a session whose moves were lost with its process, to where its evidence says that it is."""
_PLACES = {
    SessionState.SUSPENDED: SessionState.METERING,
    SessionState.RECOVERING: SessionState.METERING,
}
"""States beside that way, and where on it they stand."""


def _columns(row: SessionRow, *, seq: int) -> dict[str, object]:
    order = row.order
    return {
        "id": order.session,
        "client": order.client,
        "provider": order.provider,
        "kind": order.kind,
        "state": row.state,
        "end_reason": row.end_reason,
        "tariff": order.tariff.canonical,
        "tariff_hash": order.tariff.hash,
        "fee_bp": order.fee_bp,
        "duration_s_max": order.duration_s_max,
        "slot_ends_wall_ns": order.slot_ends_wall_ns,
        "nonce_client": order.nonce_client,
        "nonce_provider": order.nonce_provider,
        "created_wall_ns": row.created_wall_ns,
        "seq": seq,
        "epoch": row.epoch,
    }


def _row(found: sqlite3.Row) -> SessionRow:
    order = MeterOrder(
        session=SessionId(found["id"]),
        client=AccountId(found["client"]),
        provider=AccountId(found["provider"]),
        kind=SessionKind(found["kind"]),
        tariff=TariffSnapshot(canonical=found["tariff"], hash=found["tariff_hash"]),
        fee_bp=found["fee_bp"],
        duration_s_max=found["duration_s_max"],
        slot_ends_wall_ns=found["slot_ends_wall_ns"],
        nonce_client=found["nonce_client"],
        nonce_provider=found["nonce_provider"],
    )
    return SessionRow(
        order=order,
        state=SessionState(found["state"]),
        created_wall_ns=found["created_wall_ns"],
        end_reason=EndReason(found["end_reason"]) if found["end_reason"] else None,
        epoch=found["epoch"],
    )


def _reason(text: str | None) -> EndReason | SuspendReason | None:
    if text is None:
        return None
    return EndReason(text) if text in _END_REASONS else SuspendReason(text)


_END_REASONS = frozenset(EndReason)
