"""Twins of metering's ports that live in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import StoreDown
from gateway.facts import Fact
from gateway.ids import AccountId, HoldId, SessionId
from gateway.metering.ports import HoldAnswer, HoldStatus, MeterRecord, Split
from gateway.money import split_fee
from gateway.terms import LegEvidence, MeterOrder, Side
from gateway.work import Work


@dataclass
class FakePurse:
    """One wallet; holds by id."""

    available_micros: int = 100_000_000
    holds: dict[HoldId, int] = field(default_factory=dict)
    settled: dict[SessionId, Split] = field(default_factory=dict)
    is_down: bool = False

    async def place_hold(
        self,
        hold: HoldId,
        *,
        session: SessionId,
        account: AccountId,
        want_micros: int,
        least_micros: int,
        also: Work,
    ) -> HoldAnswer:
        self._check()
        if hold in self.holds:
            return self._answer(HoldStatus.EXISTS, self.holds[hold])
        placed = min(want_micros, self.available_micros)
        if placed < least_micros:
            return self._answer(HoldStatus.INSUFFICIENT_FUNDS, 0)
        also(None)
        self.holds[hold] = placed
        self.available_micros -= placed
        return self._answer(HoldStatus.PLACED, placed)

    async def settle(
        self, order: MeterOrder, *, charge_micros: int, also: Callable[[Any, Split], None]
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
class FakeJournal:
    """Evidence in lists."""

    orders: dict[SessionId, MeterOrder] = field(default_factory=dict)
    holds: dict[tuple[SessionId, int], int] = field(default_factory=dict)
    rows: list[list[tuple[SessionId, bytes]]] = field(default_factory=list)
    closed: dict[SessionId, tuple[bytes, bytes]] = field(default_factory=dict)
    reports: list[tuple[SessionId, Side, int, str | None]] = field(default_factory=list)
    is_down: bool = False

    def register(self, order: MeterOrder) -> Work:
        return lambda _tx: self.orders.__setitem__(order.session, order)

    def held(self, session: SessionId, *, ordinal: int, micros: int) -> Work:
        return lambda _tx: self.holds.__setitem__((session, ordinal), micros)

    async def append(self, second: int, entries: Sequence[tuple[SessionId, bytes]]) -> None:
        if self.is_down:
            raise StoreDown("the fake store is down")
        self.rows.append(list(entries))

    def close(self, session: SessionId, *, receipt: bytes, evidence: bytes) -> Work:
        return lambda _tx: self.closed.__setitem__(session, (receipt, evidence))

    def report(self, session: SessionId, side: Side, *, seconds: int, why: str | None) -> Work:
        return lambda _tx: self.reports.append((session, side, seconds, why))

    async def commit(self, work: Work) -> None:
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


@dataclass
class FakeMoves:
    """State moves in a list."""

    made: list[tuple[SessionId, str, str | None]] = field(default_factory=list)

    def move(self, session: SessionId, state: Any, reason: Any = None) -> Work:
        return lambda _tx: self.made.append((session, str(state), str(reason) if reason else None))

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
