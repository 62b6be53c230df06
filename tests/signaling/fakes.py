"""Stand-ins for everything around signalling, as `gateway/signaling/ports.py` describes it."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import StoreDown, Unauthenticated, Unprocessable
from gateway.facts import Fact
from gateway.ids import AccountId, SessionId
from gateway.limits import CLIENT_SESSIONS_MAX
from gateway.signaling.chat_ports import ChatMark, Line
from gateway.signaling.notice import Notice
from gateway.signaling.ports import (
    AckStatus,
    ConfirmStatus,
    ConsentStatus,
    LineVerdict,
    MoveRefused,
    Offer,
    OpenStatus,
    SessionRow,
    Sessions,
)
from gateway.signaling.session import FINISHED, OPEN, can_move
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import (
    PERSONS_LIFT,
    ConsentKind,
    EndReason,
    MeterOrder,
    Principal,
    Role,
    SessionKind,
    SessionState,
    Side,
    SuspendReason,
    TariffSnapshot,
)
from gateway.work import Work

TARIFF = TariffSnapshot.of({"version": 1, "kind": "per_second", "currency": "CNY"})
CHEAPER = TariffSnapshot.of({"version": 1, "kind": "per_second", "currency": "EUR"})


class FakeSink:
    """Keeps the facts it is told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


class FakeSessions:
    """The session table, with its constraint and its compare-and-swap."""

    def __init__(self) -> None:
        self.rows: dict[SessionId, SessionRow] = {}
        self.steps: list[tuple[SessionId, SessionState, object]] = []
        self.is_down = False
        self.gate: asyncio.Event | None = None

    def create(self, row: SessionRow) -> Work:
        def insert(_transaction: Any) -> None:
            others = [other.order for other in self.rows.values() if other.state in OPEN]
            is_taken = any(row.order.provider == other.provider for other in others)
            theirs = sum(row.order.client == other.client for other in others)
            if row.state in OPEN and (is_taken or theirs >= CLIENT_SESSIONS_MAX):
                raise MoveRefused("taken")
            self.rows[row.order.session] = row
            self.steps.append((row.order.session, row.state, row.end_reason))

        return insert

    def move(
        self, session: SessionId, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> Work:
        def swap(_transaction: Any) -> None:
            row = self.rows.get(session)
            if row is None or not can_move(row.state, state):
                raise MoveRefused(f"{row.state if row else None} -> {state}")
            end = row.end_reason or (reason if isinstance(reason, EndReason) else None)
            self.rows[session] = replace(row, state=state, end_reason=end)
            self.steps.append((session, state, reason))

        return swap

    async def held_reason(self, session: SessionId) -> SuspendReason | None:
        counted = (SessionState.METERING, SessionState.SUSPENDED)
        reasons = [why for owner, state, why in self.steps if owner == session and state in counted]
        held = reasons[-1] if reasons else None
        return SuspendReason(str(held)) if held in PERSONS_LIFT else None

    async def commit(self, work: Work) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self.run(work)

    def run(self, work: Work) -> None:
        """One transaction: all or nothing."""
        if self.is_down:
            raise StoreDown("the test says so")
        rows, steps = dict(self.rows), list(self.steps)
        try:
            work(self)
        except BaseException:
            self.rows, self.steps = rows, steps
            raise

    async def load(self, session: SessionId) -> SessionRow | None:
        return self.rows.get(session)

    async def unfinished(self) -> Sequence[SessionRow]:
        return [row for row in self.rows.values() if row.state not in FINISHED]


class FakeMeters:
    """Metering that does what it is told and keeps a list of it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.calls: list[tuple[object, ...]] = []
        self.opens = OpenStatus.OPENED
        self.confirms = ConfirmStatus.CONFIRMED
        self.acks = AckStatus.ACKNOWLEDGED
        self.consents = ConsentStatus.GIVEN
        self.is_covered = True
        self.orders: dict[SessionId, MeterOrder] = {}
        self.stopped: dict[SessionId, EndReason] = {}
        self.voided: dict[SessionId, EndReason] = {}
        self.gate: asyncio.Event | None = None

    async def open(self, order: MeterOrder, *, also: Work) -> OpenStatus:
        if self.gate is not None:
            await self.gate.wait()
        if self.opens is OpenStatus.OPENED:
            await self._sessions.commit(also)
            self.orders[order.session] = order
        return self.opens

    async def void(self, session: SessionId, reason: EndReason, *, also: Work) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await self._sessions.commit(also)
        self.voided[session] = reason

    def connect(self, session: SessionId) -> None:
        self.calls.append(("connect", session))

    def confirm(self, session: SessionId, side: Side, *, nonce: str, tariff_hash: str) -> ConfirmStatus:
        self.calls.append(("confirm", session, side, nonce, tariff_hash))
        return self.confirms

    def acknowledge(
        self, session: SessionId, side: Side, *, tick: int, head: str, clock_ms: int | None = None
    ) -> AckStatus:
        self.calls.append(("acknowledge", session, side, tick, head, clock_ms))
        return self.acks

    def consent(self, session: SessionId, side: Side, kind: ConsentKind) -> ConsentStatus:
        self.calls.append(("consent", session, side, kind))
        return self.consents

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        self.calls.append(("set_muted", session, side, muted))

    def line_sent(self, session: SessionId, side: Side) -> None:
        self.calls.append(("line_sent", session, side))

    def covers_line(self, session: SessionId, side: Side) -> bool:
        return self.is_covered

    def socket_lost(self, session: SessionId, side: Side) -> None:
        self.calls.append(("socket_lost", session, side))

    def socket_back(self, session: SessionId, side: Side) -> None:
        self.calls.append(("socket_back", session, side))

    def pause(self, session: SessionId, reason: SuspendReason) -> None:
        self.calls.append(("pause", session, reason))

    def resume(self, session: SessionId, reason: SuspendReason) -> None:
        self.calls.append(("resume", session, reason))

    def stop(self, session: SessionId, reason: EndReason) -> None:
        self.stopped.setdefault(session, reason)

    def report(self, session: SessionId, side: Side, *, seconds: int) -> None:
        self.calls.append(("report", session, side, seconds))


class FakeMedia:
    """Media that answers every offer but `bad`."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.closed: list[SessionId] = []
        self.channels: set[tuple[SessionId, Side]] = set()
        self.texts: list[tuple[SessionId, Side, str]] = []
        self.gate: asyncio.Event | None = None

    async def answer(self, session: SessionId, side: Side, kind: SessionKind, offer_sdp: str) -> str:
        if self.gate is not None:
            await self.gate.wait()
        if offer_sdp == "bad":
            raise Unprocessable("line 1: no", code="bad_offer")
        self.calls.append(("answer", session, side, kind))
        return f"answer to {offer_sdp}"

    def link(self, session: SessionId) -> None:
        self.calls.append(("link", session))

    def unlink(self, session: SessionId) -> None:
        self.calls.append(("unlink", session))

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        self.calls.append(("set_muted", session, side, muted))

    def send_text(self, session: SessionId, side: Side, text: str) -> bool:
        if (session, side) not in self.channels:
            return False
        self.texts.append((session, side, text))
        return True

    async def close(self, session: SessionId) -> None:
        self.closed.append(session)

    def ice_servers(self, account: AccountId) -> list[dict[str, object]]:
        return [{"urls": ["stun:example.invalid"], "username": account}]


class FakePeople:
    """Everybody has the same offer."""

    def __init__(self) -> None:
        self.tariff = TARIFF
        self.providers = {AccountId("acc_provider"), AccountId("acc_other_provider")}
        self.barred: set[AccountId] = set()

    async def offer(self, provider: AccountId, kind: SessionKind) -> Offer | None:
        if provider not in self.providers:
            return None
        return Offer(
            provider=provider,
            nickname=f"nick of {provider}",
            tariff=self.tariff,
            fee_bp=2000,
            duration_s_max=3600,
        )

    async def nickname(self, account: AccountId) -> str:
        return f"nick of {account}"

    async def is_barred(self, account: AccountId) -> bool:
        return account in self.barred


class FakeWatch:
    """A moderator that reads the action off the line: `mask:…`, `terminate:…`; all else passes."""

    def __init__(self) -> None:
        self.judged: list[str] = []
        self.gate: asyncio.Event | None = None

    async def judge_line(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        self.judged.append(text)
        if self.gate is not None and "slow" in text:
            await self.gate.wait()
        action, colon, rest = text.partition(":")
        if not colon:
            return LineVerdict(action="allow", text=text)
        masked = "*" * len(rest) if action == "mask" else rest
        return LineVerdict(action=action, text=masked, category="abuse")


class FakeLines:
    """The chat table."""

    def __init__(self) -> None:
        self.lines: dict[SessionId, list[Line]] = {}
        self.reads: dict[tuple[SessionId, Side], int] = {}
        self.is_down = False

    async def append(self, line: Line) -> Line:
        if self.is_down:
            raise StoreDown("the test says so")
        stored = self.lines.setdefault(line.session, [])
        for other in stored:
            if (other.side, other.line_id) == (line.side, line.line_id):
                return other
        assert line.seq == len(stored) + 1, "numbers have no gaps"
        stored.append(line)
        return line

    async def mark(self, session: SessionId) -> ChatMark:
        reads = {side: seq for (of, side), seq in self.reads.items() if of == session}
        return ChatMark(last_seq=len(self.lines.get(session, [])), read=reads)

    async def note_read(self, session: SessionId, side: Side, seq: int) -> None:
        self.reads[session, side] = seq

    async def after(self, session: SessionId, seq: int, limit: int) -> Sequence[Line]:
        return [line for line in self.lines.get(session, []) if line.seq > seq][:limit]

    async def before(self, session: SessionId, seq: int | None, limit: int) -> Sequence[Line]:
        below = [line for line in self.lines.get(session, []) if seq is None or line.seq < seq]
        return below[-limit:]


class FakeChannel:
    """Data channels that are open or not."""

    def __init__(self) -> None:
        self.open: set[Side] = set()
        self.sent: list[tuple[Side, Notice]] = []

    def send(self, session: SessionId, side: Side, notice: Notice) -> bool:
        if side not in self.open:
            return False
        self.sent.append((side, notice))
        return True


class FakeReceipts:
    """A receipt for every session."""

    async def receipt(self, session: SessionId) -> dict[str, object] | None:
        return {"receipt": f"rcp_{session}", "session": session}

    async def evidence(self, session: SessionId) -> dict[str, object] | None:
        return {"session": session}


class FakeTokens:
    """Tokens are `account roles expires_at_s [session]`."""

    def verify(self, token: str) -> Principal:
        parts = token.split(" ")
        if len(parts) < 3:
            raise Unauthenticated("The token cannot be read.")
        return Principal(
            account=AccountId(parts[0]),
            roles=frozenset(Role(role) for role in parts[1].split(",")),
            expires_at_s=int(parts[2]),
            session=SessionId(parts[3]) if len(parts) > 3 else None,
        )


class FakeConnection:
    """A socket that keeps what it is sent."""

    _numbers = itertools.count(1)

    def __init__(self, principal: Principal) -> None:
        self.id = f"soc_{next(self._numbers)}"
        self.principal = principal
        self.sent: list[Any] = []
        self.closed: tuple[CloseCode, str] | None = None

    def send(self, notice: Notice) -> None:
        self.sent.append(notice)

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = self.closed or (code, reason)

    def heard(self, kind: type[Notice]) -> list[Any]:
        """Every message of that kind, in order."""
        return [notice for notice in self.sent if isinstance(notice, kind)]

    def last(self, kind: type[Notice]) -> Any:
        """The newest message of that kind."""
        return self.heard(kind)[-1]


class FakeVitals:
    """How the process does, as a test says."""

    def __init__(self) -> None:
        self.used_ns = 0
        self.dropped = 0

    def cpu_ns(self) -> int:
        return self.used_ns

    def socket_drops(self) -> int:
        return self.dropped
