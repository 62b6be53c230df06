"""Twins of metering's ports that live in memory."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.clock import ManualClock
from gateway.errors import Fenced, StoreDown
from gateway.facts import Fact
from gateway.ids import AccountId, HoldId, SessionId
from gateway.metering.owner_ports import Orphan, RowKey, SpooledRow
from gateway.metering.ports import HoldAnswer, HoldStatus, MeterRecord, Split
from gateway.money import split_fee
from gateway.terms import CountedMove, EndReason, LegEvidence, MeterOrder, SessionState, Side, SuspendReason
from gateway.work import SumWork, Work, nothing, together


@dataclass
class FakePurse:
    """One wallet; holds by id."""

    available_micros: int = 100_000_000
    holds: dict[HoldId, int] = field(default_factory=dict)
    settled: dict[SessionId, Split] = field(default_factory=dict)
    made_good_micros: int = 0
    """Paid to providers from the platform's write-off."""
    is_down: bool = False
    answers_from: asyncio.Event | None = None
    """Holds are committed when it is set, where there is one."""

    async def place_hold(
        self,
        hold: HoldId,
        *,
        session: SessionId,
        account: AccountId,
        want_micros: int,
        least_micros: int,
        also: SumWork,
    ) -> HoldAnswer:
        if self.answers_from is not None:
            await self.answers_from.wait()
        self._check()
        if hold in self.holds:
            return self._answer(HoldStatus.EXISTS, self.holds[hold])
        placed = min(want_micros, self.available_micros)
        if placed < least_micros:
            return self._answer(HoldStatus.INSUFFICIENT_FUNDS, 0)
        also(None, placed)
        self.holds[hold] = placed
        self.available_micros -= placed
        return self._answer(HoldStatus.PLACED, placed)

    async def settle(
        self,
        order: MeterOrder,
        *,
        charge_micros: int,
        make_good_micros: int = 0,
        also: Callable[[Any, Split], None],
    ) -> Split:
        self._check()
        if order.session in self.settled:
            return self.settled[order.session]
        held = sum(self.holds.values())
        charge = min(charge_micros, held)
        self.available_micros += held - charge
        fee, earned = split_fee(charge, order.fee_bp)
        split = Split(
            charge_micros=charge,
            promo_micros=0,
            cash_micros=charge,
            fee_micros=fee,
            earned_micros=earned,
            available_micros=self.available_micros,
        )
        also(None, split)
        self.made_good_micros += make_good_micros
        self.holds.clear()
        self.settled[order.session] = split
        return split

    async def available(self, account: AccountId) -> int:
        return self.available_micros

    def _answer(self, status: HoldStatus, placed: int) -> HoldAnswer:
        return HoldAnswer(status=status, placed_micros=placed, available_micros=self.available_micros)

    def _check(self) -> None:
        if self.is_down:
            raise StoreDown("the fake store is down")


@dataclass
class FakeGate:
    """A relay that only remembers."""

    linked: set[SessionId] = field(default_factory=set)
    legs: dict[tuple[SessionId, Side], LegEvidence] = field(default_factory=dict)

    def link(self, session: SessionId) -> None:
        self.linked.add(session)

    def unlink(self, session: SessionId) -> None:
        self.linked.discard(session)

    def evidence(self) -> Sequence[LegEvidence]:
        return list(self.legs.values())


@dataclass
class FakeOwners:
    """Ownership in sets; one process that nobody takes anything from unless the test says so."""

    number: int = 0
    lost: set[SessionId] = field(default_factory=set)
    """Sessions that another process has taken."""
    lone: list[Orphan] = field(default_factory=list)
    """What a sweep finds."""
    renewals: int = 0
    is_down: bool = False

    async def begin(self, *, now_wall_ns: int) -> None:
        self.number += 1

    async def renew(self, *, now_wall_ns: int) -> None:
        if self.is_down:
            raise StoreDown("the fake store is down")
        self.renewals += 1

    async def orphans(self, *, now_wall_ns: int) -> Sequence[Orphan]:
        return list(self.lone)

    async def take_over(self, sessions: Sequence[SessionId], *, now_wall_ns: int) -> Sequence[SessionId]:
        self.lone = [orphan for orphan in self.lone if orphan.session not in sessions]
        return sessions

    def claim(self, session: SessionId) -> Work:
        return nothing

    def guard(self, session: SessionId) -> Work:
        def check(_transaction: Any) -> None:
            if session in self.lost:
                raise Fenced(f"{session} is somebody else's", sessions=[session])

        return check

    def release(self, session: SessionId) -> Work:
        return self.guard(session)


@dataclass
class FakeSpool:
    """A spool in a list."""

    rows: list[SpooledRow] = field(default_factory=list)
    is_full: bool = False

    async def append(self, row: SpooledRow) -> None:
        if self.is_full:
            raise StoreDown("the fake disk is full")
        self.rows.append(row)

    async def waiting(self) -> Sequence[SpooledRow]:
        return list(self.rows)

    async def clear(self) -> None:
        self.rows.clear()


@dataclass
class FakeJournal:
    """Evidence in lists."""

    owners: FakeOwners = field(default_factory=FakeOwners)

    orders: dict[SessionId, MeterOrder] = field(default_factory=dict)
    holds: dict[tuple[SessionId, int], int] = field(default_factory=dict)
    rows: list[list[tuple[SessionId, bytes]]] = field(default_factory=list)
    keys: list[RowKey] = field(default_factory=list)
    """Of the rows, in the same order."""
    closed: dict[SessionId, tuple[bytes, bytes]] = field(default_factory=dict)
    reports: list[tuple[SessionId, Side, int, str | None]] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)
    is_down: bool = False
    is_hung: bool = False
    """Writes are neither done nor refused until it is over."""
    hung: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to let hung writes go on."""

    def register(self, order: MeterOrder) -> Work:
        return lambda _tx: self.orders.__setitem__(order.session, order)

    def held(self, session: SessionId, *, ordinal: int, micros: int) -> Work:
        return together(
            self.owners.guard(session), lambda _tx: self.holds.__setitem__((session, ordinal), micros)
        )

    async def append(self, second: int, entries: Sequence[tuple[SessionId, bytes]], *, key: RowKey) -> None:
        if self.is_hung:
            await self.hung.wait()
        if self.is_down:
            raise StoreDown("the fake store is down")
        if lost := [session for session, _ in entries if session in self.owners.lost]:
            raise Fenced("somebody else's", sessions=lost)
        if key not in self.keys:
            self.keys.append(key)
            self.rows.append(list(entries))

    def close(self, session: SessionId, *, receipt: bytes, evidence: bytes) -> Work:
        return together(
            self.owners.release(session), lambda _tx: self.closed.__setitem__(session, (receipt, evidence))
        )

    async def report(
        self, session: SessionId, side: Side, *, seconds: int, why: str | None, note: bytes | None
    ) -> bool:
        if any((session, side) == known[:2] for known in self.reports):
            return False
        self.reports.append((session, side, seconds, why))
        if note is not None:
            self.notes.append(note)
        return True

    async def commit(self, work: Work) -> None:
        if self.is_down:
            raise StoreDown("the fake store is down")
        work(None)

    async def load(self, session: SessionId) -> MeterRecord | None:
        if session not in self.orders or session in self.closed:
            return None
        return MeterRecord(
            order=self.orders[session],
            entries=b"".join(entry for row in self.rows for owner, entry in row if owner == session),
            held_micros=sum(micros for (owner, _), micros in self.holds.items() if owner == session),
            holds=sum(owner == session for owner, _ in self.holds),
        )

    async def receipt(self, session: SessionId) -> bytes | None:
        return self.closed.get(session, (None, None))[0]

    async def bundle(self, session: SessionId) -> bytes | None:
        return self.closed.get(session, (None, None))[1]


COUNTED = ("metering", "suspended")
"""States whose last move says whether a suspension is in force."""


@dataclass
class FakeMoves:
    """State moves in a list."""

    made: list[tuple[SessionId, str, str | None]] = field(default_factory=list)
    newest_ns: int = 1 << 62
    """When the newest of them was written, by both clocks."""

    def move(self, session: SessionId, state: Any, reason: Any = None) -> Work:
        return lambda _tx: self.made.append((session, str(state), str(reason) if reason else None))

    async def counted_move(self, session: SessionId) -> CountedMove | None:
        counted = [why for owner, state, why in self.made if owner == session and state in COUNTED]
        if not counted:
            return None
        reason = SuspendReason(counted[-1]) if counted[-1] else None
        boot = ManualClock().boot_id
        return CountedMove(reason=reason, at_ns=self.newest_ns, boot=boot, wall_ns=self.newest_ns)

    async def end_reason(self, session: SessionId) -> EndReason | None:
        mine = [(state, reason) for owner, state, reason in self.made if owner == session]
        ends = [reason for state, reason in mine if state not in COUNTED and reason in set(EndReason)]
        return EndReason(ends[0]) if ends else None

    def finish(self, session: SessionId, reason: EndReason, *, has_counted: bool) -> Work:
        states = (SessionState.RATED, SessionState.SETTLED) if has_counted else (SessionState.CONNECT_FAILED,)
        return together(*(self.move(session, state, reason) for state in states))

    @property
    def states(self) -> list[str]:
        """The states entered, in order."""
        return [state for _, state, _ in self.made]


class FakeSigner:
    """A fixed ed25519 key."""

    key_id = "fixed"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@dataclass
class FactList:
    """A sink that keeps."""

    told: list[Fact] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        self.told.append(fact)

    def of(self, kind: type[Any]) -> list[Any]:
        """Facts of one kind, in order."""
        return [fact for fact in self.told if isinstance(fact, kind)]
