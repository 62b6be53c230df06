"""Drives one meter per live session: readings in, facts and money out.

Four times a second all counters are read in one call; once a second every live
session's second is closed and one journal row holds them all. Decisions are the
meter's; this file does what it asks: journal first, then tell.
Never moves money itself (purse port), never forwards media (gate port).
Keeps: a stop unlinks the relay in the same call, before anything is awaited.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from gateway import facts
from gateway.clock import NS, Clock
from gateway.errors import StoreDown, Unprocessable
from gateway.facts import FactSink
from gateway.ids import AccountId, IdSource, SessionId
from gateway.limits import WITNESS_POLL_NS
from gateway.metering import effect
from gateway.metering.allowance import Spend, time_left_s
from gateway.metering.cover import Cover
from gateway.metering.effect import Effect
from gateway.metering.holding_service import PLACED, Holder
from gateway.metering.meter import Meter
from gateway.metering.moving_service import Mover
from gateway.metering.pacing_service import until_next
from gateway.metering.phase import MeterInput, MeterPhase, Response
from gateway.metering.ports import Gate, HoldStatus, Journal, Moves, Purse, Signer
from gateway.metering.reading import MeterReading, reading_of
from gateway.metering.record import Record
from gateway.metering.report import Reports
from gateway.metering.settling_service import Settler
from gateway.metering.status import ConfirmStatus, OpenStatus
from gateway.metering.tariff import tariff_of
from gateway.metering.wall_watch import WallWatch
from gateway.money import split_fee
from gateway.terms import EndReason, MeterOrder, SessionState, Side, SuspendReason
from gateway.work import Work, together

log = structlog.get_logger(__name__)

CLOSE_S = 5.0
"""How long settlements may take when the process stops; start-up takes up the rest."""

_LIVE = (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
_JUDGES_LOSSES = (*_LIVE, MeterPhase.RECOVERING)
_LOSSES = (EndReason.LOST_CLIENT, EndReason.LOST_PROVIDER)
_HUNG_UP = {EndReason.HANGUP_CLIENT: Side.CLIENT, EndReason.HANGUP_PROVIDER: Side.PROVIDER}


class MeteringService:
    """All meters of this process."""

    def __init__(
        self,
        *,
        purse: Purse,
        gate: Gate,
        journal: Journal,
        moves: Moves,
        signer: Signer,
        clock: Clock,
        ids: IdSource,
        sink: FactSink,
    ) -> None:
        self._purse = purse
        self._holder = Holder(purse=purse, journal=journal)
        self._gate = gate
        self._journal = journal
        self._mover = Mover(journal=journal, moves=moves)
        self._clock = clock
        self._sink = sink
        self._settler = Settler(
            purse=purse, journal=journal, moves=moves, signer=signer, clock=clock, ids=ids, sink=sink
        )
        self._meters: dict[SessionId, Meter] = {}
        self._available: dict[AccountId, int] = {}
        self._reports = Reports()
        self._tasks: set[asyncio.Task[None]] = set()
        self._second = -1
        self._wall_watch = WallWatch()

    async def open(self, order: MeterOrder, *, also: Work) -> OpenStatus:
        """Place the first hold and register the meter; `also` commits in the same transaction."""
        if order.session in self._meters:
            return OpenStatus.EXISTS
        try:
            tariff = tariff_of(order.tariff)
        except Unprocessable:
            return OpenStatus.TARIFF_INVALID
        meter = Meter(order, tariff, boot=self._clock.boot_id)
        noted = self._journal.held(order.session, ordinal=1, micros=tariff.first_hold_micros())
        works = together(also, self._journal.register(order), noted)
        answer = await self._holder.place_first(meter, also=works)
        if answer.status not in PLACED:
            barred = answer.status is HoldStatus.ACCOUNT_BARRED
            return OpenStatus.ACCOUNT_BARRED if barred else OpenStatus.INSUFFICIENT_FUNDS
        self._available[order.client] = answer.available_micros
        meter.hold_placed(tariff.first_hold_micros())
        self._meters[order.session] = meter
        return OpenStatus.OPENED

    async def void(self, session: SessionId, reason: EndReason, *, also: Work) -> None:
        """Release the holds of a session that never metered and issue its zero receipt."""
        meter = self._meters.get(session) or await self._restored(session)
        if meter is None:
            await self._journal.commit(also)
            return
        if meter.response(MeterInput.STOP) is not Response.TAKEN:
            return
        meter.stop(reason, self._clock.monotonic_ns())
        self._gate.unlink(session)
        await self._settler.settle(meter, also=also, has_moved=True)
        self._forget(meter)

    def connect(self, session: SessionId) -> None:
        """The provider accepted: the start witnesses are awaited from now on."""
        if meter := self._meters.get(session):
            meter.connect(self._clock.monotonic_ns(), wall_ns=self._clock.wall_ns())
            self._gate.link(session)

    def confirm(self, session: SessionId, side: Side, *, nonce: str, tariff_hash: str) -> ConfirmStatus:
        """An app says that it hears the other side."""
        meter = self._meters.get(session)
        if meter is None:
            return ConfirmStatus.UNKNOWN_SESSION
        if meter.response(MeterInput.CONFIRM) is Response.REFUSED:
            return ConfirmStatus.NOT_AWAITED
        order = meter.order
        if nonce != (order.nonce_client if side is Side.CLIENT else order.nonce_provider):
            return ConfirmStatus.NONCE_MISMATCH
        if tariff_hash != order.tariff.hash:
            return ConfirmStatus.TARIFF_MISMATCH
        meter.confirm(side, self._clock.monotonic_ns())
        return ConfirmStatus.CONFIRMED

    def acknowledge(self, session: SessionId, side: Side, *, tick: int, head: str) -> effect.Ack:
        """An app has seen a tick."""
        meter = self._meters.get(session)
        return meter.acknowledge(side, tick, head) if meter else effect.Ack.NOT_RUNNING

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        if meter := self._meters.get(session):
            meter.set_muted(side, muted=muted)

    def line_sent(self, session: SessionId) -> None:
        """A line of text was delivered."""
        if meter := self._meters.get(session):
            meter.line_sent(self._clock.monotonic_ns())

    def socket_lost(self, session: SessionId, side: Side) -> None:
        """A participant's last socket went away."""
        if meter := self._meters.get(session):
            meter.set_socket(side, present=False)

    def socket_back(self, session: SessionId, side: Side) -> None:
        """A participant has a socket again."""
        if meter := self._meters.get(session):
            meter.set_socket(side, present=True)

    def pause(self, session: SessionId, reason: SuspendReason) -> None:
        """Stop counting and forwarding at this instant; pauses of different reasons add up."""
        meter = self._meters.get(session)
        if meter is None or meter.response(MeterInput.PAUSE) is not Response.TAKEN:
            return
        self._gate.unlink(session)
        now_ns = self._clock.monotonic_ns()
        meter.pause(reason, now_ns)
        if meter.phase in _LIVE:
            self._apply(meter, meter.advance(now_ns, self._clock.wall_ns()))

    def resume(self, session: SessionId, reason: SuspendReason) -> None:
        """Lift the pause of that reason."""
        meter = self._meters.get(session)
        if meter is None or meter.response(MeterInput.RESUME) is not Response.TAKEN:
            return
        now_ns = self._clock.monotonic_ns()
        meter.resume(reason, now_ns)
        if meter.pauses.active is None:
            self._gate.link(session)
        if meter.phase in _LIVE:
            self._apply(meter, meter.advance(now_ns, self._clock.wall_ns()))

    def stop(self, session: SessionId, reason: EndReason) -> None:
        """Stop counting and forwarding at this instant, for good; the first reason stands.

        A lost socket is one stop witness only: a meter that counts hears of it by the missing
        acknowledgements and ends when the packets stop too, or stand alone for too long.
        """
        meter = self._meters.get(session)
        if meter and not (reason in _LOSSES and meter.phase in _JUDGES_LOSSES):
            self._apply(meter, meter.stop(reason, self._clock.monotonic_ns(), by=_HUNG_UP.get(reason)))

    def report(self, session: SessionId, side: Side, *, seconds: int) -> None:
        """An app's own count after the end; a difference opens a review, it never raises a bill."""
        if not self._reports.is_known(session):
            return
        why = self._reports.difference(session, side, seconds)
        work = self._journal.report(session, side, seconds=seconds, why=why)
        self._spawn(self._commit(session, work, "report"))
        if why is not None:
            at_ns = self._clock.monotonic_ns()
            self._sink.tell(facts.ReviewOpened(at_ns=at_ns, session=session, why=why))

    def wallet_changed(self, account: AccountId, available_micros: int) -> None:
        """The wallet of `account` changed; a top-up takes effect at once."""
        grew = available_micros > self._available.get(account, 0)
        self._available[account] = available_micros
        for meter in self._meters.values():
            if grew and meter.order.client == account:
                meter.money_came()
                if meter.phase in _LIVE:
                    self._apply(meter, meter.hold_request())

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await until_next(self._clock, WITNESS_POLL_NS)
            try:
                await self.poll()
            except Exception:
                log.exception("poll_failed")

    async def poll(self) -> None:
        """Read all counters, let every meter advance, and close the second when one has ended."""
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        self._compare_clocks(now_ns, wall_ns)
        for leg in self._gate.evidence():
            if meter := self._meters.get(leg.session):
                meter.observe(leg, now_ns)
        for meter in list(self._meters.values()):
            self._apply(meter, meter.advance(now_ns, wall_ns))
        if now_ns // NS != self._second:
            self._second = now_ns // NS
            await self._close_second(now_ns)

    def _compare_clocks(self, now_ns: int, wall_ns: int) -> None:
        before_ns = self._wall_watch.read_at_ns
        step_ns = self._wall_watch.step_ns(now_ns, wall_ns)
        if step_ns:
            log.error("clock_stepped", step_ms=step_ns // 1_000_000)
        for meter in self._meters.values():
            if step_ns:
                meter.pause(SuspendReason.CLOCK, before_ns)
            elif now_ns // NS != self._second:
                meter.resume(SuspendReason.CLOCK, now_ns)

    async def _close_second(self, now_ns: int) -> None:
        wallets: dict[AccountId, list[Spend]] = defaultdict(list)
        live = [meter for meter in self._meters.values() if meter.phase in _LIVE]
        for meter in live:
            wallets[meter.order.client].append(meter.spend(now_ns))
        left = {
            account: time_left_s(self._available.get(account, 0), spends)
            for account, spends in wallets.items()
        }
        ticks = [
            fact
            for meter in live
            for fact in self._apply(meter, meter.second(now_ns, funds_left_s=left[meter.order.client]))
        ]
        await self._write(now_ns // NS)
        for fact in ticks:
            self._sink.tell(fact)

    async def _write(self, second: int) -> None:
        fresh = [(meter, meter.record.take_new()) for meter in self._meters.values()]
        rows = [(meter.order.session, entries) for meter, entries in fresh if entries]
        if not rows:
            return
        try:
            await self._journal.append(second, rows)
        except StoreDown as error:
            log.error("journal_waits", sessions=len(rows), why=error.detail)
            for meter, entries in fresh:
                meter.record.give_back(entries)

    def _apply(self, meter: Meter, effects: Sequence[Effect]) -> list[facts.TickCounted]:
        """Carry effects out; ticks are returned, to be told after their row is committed."""
        session, at_ns = meter.order.session, self._clock.monotonic_ns()
        ticks = []
        for wanted in effects:
            match wanted:
                case effect.Stopped(reason=reason):
                    self._gate.unlink(session)
                    if meter.phase is MeterPhase.DRAINING:
                        self._mover.move(session, SessionState.ENDING, reason)
                    self._sink.tell(facts.MeterStopped(at_ns=wanted.at_ns, session=session, reason=reason))
                case effect.Frozen():
                    meter.freeze(at_ns, self._clock.wall_ns())
                    self._spawn(self._settle(meter))
                case effect.Started(at_ns=started_ns, wall_ns=wall_ns):
                    self._mover.move(session, SessionState.METERING)
                    self._sink.tell(facts.MeterStarted(at_ns=started_ns, session=session, wall_ns=wall_ns))
                case effect.Suspended(reason=why):
                    self._mover.move(session, SessionState.SUSPENDED, why)
                    self._sink.tell(facts.MeterSuspended(at_ns=at_ns, session=session, reason=why))
                case effect.Resumed():
                    self._gate.link(session)
                    self._mover.move(session, SessionState.METERING)
                    self._sink.tell(facts.MeterResumed(at_ns=at_ns, session=session))
                case effect.Warned(seconds_left=left_s, reason=of):
                    fact = facts.WarningDue(at_ns=at_ns, session=session, seconds_left=left_s, reason=of)
                    self._sink.tell(fact)
                case effect.HoldNeeded():
                    self._spawn(self._extend(meter, wanted))
                case effect.Ticked():
                    ticks.append(self._tick(meter, wanted))
        return ticks

    def _tick(self, meter: Meter, ticked: effect.Ticked) -> facts.TickCounted:
        ended_ns = meter.tick_end_ns(ticked.number)
        spend = meter.spend(ended_ns)
        cost = meter.tariff.cost(spend.used_s)
        return facts.TickCounted(
            at_ns=ended_ns,
            session=meter.order.session,
            tick=ticked.number,
            billed_s=meter.record.tally.billed_s,
            provisional_s=spend.used_s - meter.record.tally.witnessed_s,
            cost_micros=cost,
            earned_micros=split_fee(cost, meter.order.fee_bp)[1],
            currency=meter.tariff.currency,
            time_left_s=ticked.left_s,
            head=meter.record.head,
        )

    async def _extend(self, meter: Meter, needed: effect.HoldNeeded) -> None:
        available = await self._holder.extend(meter, needed)
        if available is not None:
            self._available[meter.order.client] = available

    async def _settle(self, meter: Meter) -> None:
        await self._mover.written(meter.order.session)
        await self._settler.settle(meter)
        self._reports.settled(meter.order.session, meter.record.tally.witnessed_s)
        self._forget(meter)

    def _forget(self, meter: Meter) -> None:
        self._meters.pop(meter.order.session, None)
        self._holder.forget(meter.order.session)
        if not any(other.order.client == meter.order.client for other in self._meters.values()):
            self._available.pop(meter.order.client, None)

    async def recover(self, sessions: Sequence[SessionId]) -> None:
        """Take sessions that were live when the process died: wait for both parties, or settle."""
        for session in sessions:
            meter = await self._restored(session)
            if meter is None:
                log.error("recovery_lacks_order", session=session)
                continue
            self._meters[session] = meter
            self._available[meter.order.client] = await self._purse.available(meter.order.client)
            now_ns = self._clock.monotonic_ns()
            effects = meter.recover(meter.record, now_ns)
            if meter.phase is MeterPhase.RECOVERING:
                self._gate.link(session)
                self._mover.move(session, SessionState.RECOVERING, SuspendReason.RESTART)
            self._apply(meter, effects)

    async def _restored(self, session: SessionId) -> Meter | None:
        stored = await self._journal.load(session)
        if stored is None:
            return None
        meter = Meter(stored.order, tariff_of(stored.order.tariff), boot=self._clock.boot_id)
        meter.record = Record.replayed(stored.order, stored.entries)
        meter.cover = Cover(held_micros=stored.held_micros, holds=stored.holds)
        return meter

    async def close(self) -> None:
        """Write what is known and let settlements finish; live sessions are found again at start-up."""
        await self._write(self._clock.monotonic_ns() // NS)
        await self._mover.close(within_s=CLOSE_S)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)

    async def _commit(self, session: SessionId, work: Work, what: str) -> None:
        try:
            await self._journal.commit(work)
        except Exception as error:
            log.error("row_not_written", session=session, what=what, why=str(error))

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("metering_task_failed", error=repr(error))

    def live(self) -> list[MeterReading]:
        """Every meter of this process, for the operator page."""
        return [reading_of(meter, self._clock.monotonic_ns()) for meter in self._meters.values()]
