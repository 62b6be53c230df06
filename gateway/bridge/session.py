"""Signalling's ports, filled by metering, booking, moderation and the journal.

Decides nothing: it carries equal values from one package's types to another's,
because siblings do not import each other.
Keeps: every status has its counterpart; an unknown one raises at once.
"""

import json

from gateway.booking.people_service import PeopleService
from gateway.ids import AccountId, SessionId
from gateway.metering.adapters.journal_store import JournalStore
from gateway.metering.service import MeteringService
from gateway.metering.status import OpenStatus as MeterOpenStatus
from gateway.moderation.service import WatchService
from gateway.signaling.ports import AckStatus, ConfirmStatus, ConsentStatus, LineVerdict, Offer, OpenStatus
from gateway.terms import ConsentKind, EndReason, MeterOrder, SessionKind, Side, SuspendReason
from gateway.work import Work

_OPENED = {
    MeterOpenStatus.OPENED: OpenStatus.OPENED,
    MeterOpenStatus.EXISTS: OpenStatus.EXISTS,
    MeterOpenStatus.TARIFF_INVALID: OpenStatus.TARIFF_INVALID,
    # A wallet under review sets nothing aside; to its owner that is money not available now.
    MeterOpenStatus.ACCOUNT_BARRED: OpenStatus.INSUFFICIENT_FUNDS,
    MeterOpenStatus.INSUFFICIENT_FUNDS: OpenStatus.INSUFFICIENT_FUNDS,
}


class SessionMeters:
    """`signaling.ports.Meters` out of the metering service."""

    def __init__(self, metering: MeteringService) -> None:
        self._metering = metering

    async def open(self, order: MeterOrder, *, also: Work) -> OpenStatus:
        """Place the first hold and register the meter."""
        return _OPENED[await self._metering.open(order, also=also)]

    async def void(self, session: SessionId, reason: EndReason, *, also: Work) -> None:
        """Release the holds of a session that never metered."""
        await self._metering.void(session, reason, also=also)

    def connect(self, session: SessionId) -> None:
        """The provider accepted."""
        self._metering.connect(session)

    def confirm(self, session: SessionId, side: Side, *, nonce: str, tariff_hash: str) -> ConfirmStatus:
        """An app says that it hears the other side."""
        answer = self._metering.confirm(session, side, nonce=nonce, tariff_hash=tariff_hash)
        return ConfirmStatus(answer)

    def acknowledge(
        self, session: SessionId, side: Side, *, tick: int, head: str, clock_ms: int | None = None
    ) -> AckStatus:
        """An app has seen a tick."""
        return AckStatus(self._metering.acknowledge(session, side, tick=tick, head=head, clock_ms=clock_ms))

    def consent(self, session: SessionId, side: Side, kind: ConsentKind) -> ConsentStatus:
        """A participant says yes to what was asked."""
        return ConsentStatus(self._metering.consent(session, side, kind))

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        self._metering.set_muted(session, side, muted=muted)

    def line_sent(self, session: SessionId, side: Side) -> None:
        """A line of text was taken for delivery."""
        self._metering.line_sent(session, side)

    def covers_line(self, session: SessionId, side: Side) -> bool:
        """Whether what is set aside pays for one more line."""
        return self._metering.covers_line(session, side)

    def socket_lost(self, session: SessionId, side: Side) -> None:
        """A participant's last socket went away."""
        self._metering.socket_lost(session, side)

    def socket_back(self, session: SessionId, side: Side) -> None:
        """A participant has a socket again."""
        self._metering.socket_back(session, side)

    def pause(self, session: SessionId, reason: SuspendReason) -> None:
        """Stop counting and forwarding for now."""
        self._metering.pause(session, reason)

    def resume(self, session: SessionId, reason: SuspendReason) -> None:
        """Lift the pause of that reason."""
        self._metering.resume(session, reason)

    def stop(self, session: SessionId, reason: EndReason) -> None:
        """Stop counting and forwarding for good."""
        self._metering.stop(session, reason)

    def report(self, session: SessionId, side: Side, *, seconds: int) -> None:
        """An app's own count after the end."""
        self._metering.report(session, side, seconds=seconds)


class SessionPeople:
    """`signaling.ports.People` out of accounts and catalogue."""

    def __init__(self, people: PeopleService) -> None:
        self._people = people

    async def offer(self, provider: AccountId, kind: SessionKind) -> Offer | None:
        """The provider's present offer."""
        found = await self._people.offer(provider, kind)
        if found is None:
            return None
        return Offer(
            provider=found.provider,
            nickname=found.nickname,
            tariff=found.tariff,
            fee_bp=found.fee_bp,
            duration_s_max=found.duration_s_max,
        )

    async def nickname(self, account: AccountId) -> str:
        """What the other side may know of a person."""
        return await self._people.nickname(account)

    async def is_barred(self, account: AccountId) -> bool:
        """Whether the account is kept from new sessions."""
        return await self._people.is_barred(account)


class SessionWatch:
    """`signaling.ports.Watch` out of moderation."""

    def __init__(self, watch: WatchService) -> None:
        self._watch = watch

    async def judge_line(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        """Judge a line before it is delivered."""
        verdict = await self._watch.judge_line(session, side, text)
        return LineVerdict(action=verdict.action, text=verdict.text, category=verdict.category)


class SessionRecords:
    """Receipts and evidence out of the journal, as dictionaries."""

    def __init__(self, journal: JournalStore) -> None:
        self._journal = journal

    async def receipt(self, session: SessionId) -> dict[str, object] | None:
        """The signed receipt, with the notes that were made on it since.

        A note carries its own signature; the receipt's covers everything but the notes.
        """
        body = _read(await self._journal.receipt(session))
        if body is not None and (notes := await self._journal.notes(session)):
            body["notes"] = [json.loads(note) for note in notes]
        return body

    async def evidence(self, session: SessionId) -> dict[str, object] | None:
        """The evidence bundle."""
        return _read(await self._journal.bundle(session))


def _read(stored: bytes | None) -> dict[str, object] | None:
    if stored is None:
        return None
    body: dict[str, object] = json.loads(stored)
    return body
