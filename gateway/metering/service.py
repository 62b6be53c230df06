"""Every meter of this process: opened, polled, closed second by second, recovered, settled.

Four times a second all counters are read in one call; once a second every live
session's second is closed; half a second later one journal row holds what was
found. Decisions are the meter's; deeds are the services' beside this one.
Never moves money itself (purse port), never forwards media (gate port).
Keeps: polls and ticks never wait for the store; a session that is somebody
else's is muted and dropped at once, and nothing more of it is written.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

import structlog

from gateway.clock import NS
from gateway.errors import Fenced, GatewayError, Unprocessable
from gateway.facts import MeterLost, MeterResumed, MeterSuspended
from gateway.ids import SessionId
from gateway.limits import JOURNAL_AFTER_NS, LEASE_NS, SWEEP_NS, WITNESS_POLL_NS
from gateway.metering.carrying_service import Carrier
from gateway.metering.closing_service import Wallets
from gateway.metering.effect import Effect, HoldNeeded
from gateway.metering.held import held_by, written_hold
from gateway.metering.holding_service import PLACED, Holder
from gateway.metering.input_service import Inputs
from gateway.metering.journaling_service import Journaling
from gateway.metering.meter import Meter
from gateway.metering.moving_service import Mover
from gateway.metering.outside_ports import Outside
from gateway.metering.pacing_service import METERS_PER_TURN, until, until_next
from gateway.metering.phase import MeterInput, MeterPhase, Response
from gateway.metering.ports import HoldStatus
from gateway.metering.reading import MeterReading, reading_of
from gateway.metering.recovery_service import Recovery
from gateway.metering.reporting_service import Reporting
from gateway.metering.schedule import check_zone
from gateway.metering.segment import spread_of
from gateway.metering.settling_service import Settler
from gateway.metering.status import OpenStatus
from gateway.metering.tariff import tariff_of
from gateway.metering.task_service import Tasks
from gateway.metering.wall_watch import WallWatch
from gateway.terms import EndReason, LegEvidence, MeterOrder, SessionState, Side, SuspendReason
from gateway.work import Work, together

log = structlog.get_logger(__name__)

CLOSE_S = 5.0
"""How long settlements may take when the process stops; start-up takes up the rest."""


class MeteringService(Inputs):
    """All meters of this process."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside, wallets=Wallets())
        self._outside = outside
        self._journal = outside.journal
        self._journaling = Journaling(
            journal=outside.journal,
            spool=outside.spool,
            owners=outside.owners,
            clock=outside.clock,
            on_lost=self._lost,
        )
        self._mover = Mover(journal=outside.journal, moves=outside.moves, on_lost=self._lost)
        self._holder = Holder(purse=outside.purse, journal=outside.journal)
        self._settler = Settler(outside, journaling=self._journaling)
        self._recovery = Recovery(outside)
        self._reporting = Reporting(outside)
        self._carrier = Carrier(
            outside, mover=self._mover, extend=self._begin_extending, settle=self._begin_settling
        )
        self._tasks = Tasks()
        self._opening: dict[SessionId, asyncio.Event] = {}
        """Sessions whose first hold is being placed."""
        self._second = -1
        self._polled = -1
        self._row_second = -1
        self._wall_watch = WallWatch()

    async def begin(self) -> None:
        """Before anything else: bring the spool into the journal, take over what was left unfinished.

        Raises:
            StoreDown: the store does not answer; nothing may be opened yet.
        """
        await self._journaling.drain()
        began_ns = self._clock.monotonic_ns()
        await self._recovery.begin()
        self._journaling.renewed_at_ns = began_ns

    async def open(self, order: MeterOrder, *, also: Work) -> OpenStatus:
        """Place the first hold and register the meter; `also` commits in the same transaction.

        Raises:
            StoreDown: nothing was written; there is no session.
        """
        if order.session in self._meters or order.session in self._opening:
            return OpenStatus.EXISTS
        try:
            tariff = tariff_of(order.tariff)
            check_zone(tariff, self._offset_s_at)
        except Unprocessable:
            return OpenStatus.TARIFF_INVALID
        if not tariff.suits(order.kind):
            return OpenStatus.TARIFF_INVALID
        self._opening[order.session] = asyncio.Event()
        try:
            meter = Meter(order, tariff, boot=self._clock.boot_id, spread=spread_of(order.session))
            return await self._open(meter, also)
        finally:
            self._opening.pop(order.session).set()

    async def _open(self, meter: Meter, also: Work) -> OpenStatus:
        await self._renew(unless_within_ns=LEASE_NS // 2)
        order, first_micros = meter.order, meter.tariff.first_hold_micros()
        noted = self._journal.held(order.session, ordinal=1, micros=first_micros)
        works = together(self._journal.register(order), also, noted)
        answer = await self._holder.place_first(meter, also=works)
        if answer.status not in PLACED:
            barred = answer.status is HoldStatus.ACCOUNT_BARRED
            return OpenStatus.ACCOUNT_BARRED if barred else OpenStatus.INSUFFICIENT_FUNDS
        self._wallets.heard(order.client, answer.available_micros)
        meter.hold_placed(first_micros)
        self._meters[order.session] = meter
        return OpenStatus.OPENED

    async def void(self, session: SessionId, reason: EndReason, *, also: Work) -> None:
        """Release the holds of a session that never metered and issue its zero receipt."""
        if (opened := self._opening.get(session)) is not None:
            await opened.wait()  # its hold may be committed any moment, and is released with the rest
        meter = self._meters.get(session) or await self._recovery.restored(session)
        if meter is None:
            await self._journal.commit(also)
            return
        if meter.record.start is not None and session not in self._meters:
            # Its first seconds were written, the move that says so was not: they decide.
            self._settle_from_evidence(meter, None)
            return
        if meter.response(MeterInput.STOP) is not Response.TAKEN:
            return
        meter.stop(reason, self._clock.monotonic_ns())
        self._gate.unlink(session)
        await self._settler.settle(meter, also=also)
        self._forget(meter)

    def stop(self, session: SessionId, reason: EndReason) -> None:
        """Stop counting; a second that has ended by now is told before, so that it can still be acknowledged."""
        self.close_seconds(self._clock.monotonic_ns())
        super().stop(session, reason)

    def report(self, session: SessionId, side: Side, *, seconds: int) -> None:
        """An app's own count after the end; a difference opens a review, it never raises a bill."""
        self._tasks.begin(session, self._reporting.take(session, side, seconds))

    async def run(self) -> None:
        """Poll and sweep until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll_on())
            group.create_task(self._sweep_on())

    def poll(self) -> None:
        """Close what has ended, read all counters, let every meter advance, write the node's row."""
        for _ in self._poll_steps():
            pass

    def _poll_steps(self) -> Iterator[None]:
        """A poll in steps, so that nobody's tick waits until all meters have advanced."""
        now_ns, wall_ns = self._now()
        self._polled = now_ns // WITNESS_POLL_NS
        if self._meters and now_ns - self._journaling.renewed_at_ns >= LEASE_NS:
            self._lost(None, "the lease ended without a word from the store")
        self._compare_clocks(now_ns, wall_ns)
        if self.close_seconds(now_ns):
            yield
            now_ns, wall_ns = self._now()
        legs: defaultdict[SessionId, list[LegEvidence]] = defaultdict(list)
        for leg in self._gate.evidence():
            legs[leg.session].append(leg)
        for number, meter in enumerate(tuple(self._meters.values()), 1):
            if meter.order.session not in self._meters:
                continue
            before = meter.phase
            try:
                for leg in legs.get(meter.order.session, ()):
                    meter.observe(leg, now_ns)
                self._carrier.carry(meter, meter.advance(now_ns, wall_ns))
                if meter.phase is not before:
                    self._meters.await_end(meter)
            except Exception as error:
                self._failed(meter, error)
            if number % METERS_PER_TURN == 0:
                yield
                now_ns, wall_ns = self._now()
                self.close_seconds(now_ns)
        self._second = now_ns // NS
        if (row_second := (now_ns - JOURNAL_AFTER_NS) // NS) != self._row_second:
            self._row_second = row_second
            self._journaling.kick(self._meters.values())
        else:
            self._journaling.watch()

    def close_seconds(self, now_ns: int) -> bool:
        """Close every second that has ended by `now_ns`, if any; its tick does not wait for the next poll."""
        meters = self._meters
        if not (ended := meters.take_ended(now_ns)):
            return False
        closed = self._wallets.seconds_closed(ended, now_ns, meters=meters, fault=self._failed)
        try:
            for meter, effects in closed:
                try:
                    self._carrier.carry(meter, effects)
                except Exception as error:
                    self._failed(meter, error)
        finally:
            meters.await_ends(ended)
        return True

    def _failed(self, meter: Meter, error: Exception) -> None:
        """A fault of one meter: let go of it alone; the sweeper settles it."""
        log.error("meter_failed", session=meter.order.session, exc_info=error)
        self._lost([meter.order.session], "its meter failed; it is settled from its evidence")

    async def sweep(self) -> None:
        """Keep the lease alive, and settle from evidence what nobody acts for any more.

        Raises:
            StoreDown: the store does not answer; the next look comes soon.
        """
        await self._renew(unless_within_ns=SWEEP_NS // 2)
        if self._journaling.rows_waiting:
            return
        for session in await self._recovery.orphans(has_meter=self._has_meter):
            if (meter := await self._recovery.restored(session)) is not None:
                log.warning("orphan_settles", session=session, ticks=meter.record.tally.ticks)
                self._settle_from_evidence(meter, await self._outside.moves.end_reason(session))

    async def recover(self, sessions: Sequence[SessionId]) -> None:
        """Take up sessions that were live when the process died: wait for both parties, or settle."""
        for session in sessions:
            meter = await self._recovery.restored(session)
            if meter is None:
                log.error("recovery_lacks_evidence", session=session)
                continue
            if (reason := await self._outside.moves.end_reason(session)) is not None:
                # It was stopped before: it stays stopped, whoever comes back.
                self._settle_from_evidence(meter, reason)
                continue
            available = await self._outside.purse.available(meter.order.client)
            self._wallets.heard(meter.order.client, available)
            self._meters[session] = meter
            effects = self._recovered(meter)
            if meter.phase is MeterPhase.RECOVERING:
                await self._hold_again(meter)
                self._mover.move(session, SessionState.RECOVERING, SuspendReason.RESTART)
            self._carrier.carry(meter, effects)

    async def _hold_again(self, meter: Meter) -> None:
        """What a person paused stays paused, though the move that says so may be lost; its evidence knows."""
        session, record, moves = meter.order.session, meter.record, self._outside.moves
        move = await moves.counted_move(session)
        written, held = written_hold(move), held_by(move, record)
        now_ns = self._clock.monotonic_ns()
        if held is None:
            self._gate.link(session)
        else:
            meter.pause(held, now_ns)
        if held is written:
            return
        if held is None:
            self._mover.move(session, SessionState.METERING)
            self._outside.sink.tell(MeterResumed(at_ns=now_ns, session=session))
        else:
            self._mover.move(session, SessionState.SUSPENDED, held)
            self._outside.sink.tell(MeterSuspended(at_ns=now_ns, session=session, reason=held))

    async def close(self) -> None:
        """Write what is known and let settlements finish; live sessions are found again at start-up."""
        await self._mover.close(within_s=CLOSE_S)
        await self._tasks.wait(within_s=CLOSE_S)
        await self._journaling.close(self._meters.values(), within_s=CLOSE_S)

    def live(self) -> list[MeterReading]:
        """Every meter of this process, for the operator page."""
        now_ns = self._clock.monotonic_ns()
        return [reading_of(meter, now_ns) for meter in self._meters.values()]

    async def _poll_on(self) -> None:
        while True:
            await until(self._clock, self._due_ns())
            now_ns = self._clock.monotonic_ns()
            try:
                if now_ns // WITNESS_POLL_NS != self._polled:
                    for _ in self._poll_steps():
                        await asyncio.sleep(0)
                else:
                    self.close_seconds(now_ns)
            except Exception:
                log.exception("poll_failed")

    def _due_ns(self) -> int:
        """When there is something to do next: the next poll, or the end of somebody's second before it."""
        next_poll_ns = (self._clock.monotonic_ns() // WITNESS_POLL_NS + 1) * WITNESS_POLL_NS
        return min(next_poll_ns, self._meters.next_end_ns)

    async def _sweep_on(self) -> None:
        while True:
            await until_next(self._clock, SWEEP_NS)
            try:
                await self.sweep()
            except GatewayError as error:
                log.error("sweep_waits", code=error.wire_code, why=error.detail)
            except Exception:
                log.exception("sweep_failed")

    def _compare_clocks(self, now_ns: int, wall_ns: int) -> None:
        before_ns = self._wall_watch.read_at_ns
        step_ns = self._wall_watch.step_ns(now_ns, wall_ns)
        if step_ns:
            log.error("clock_stepped", step_ms=step_ns // 1_000_000)
        for meter in self._meters.values():
            if step_ns:
                self._clock_stepped(meter, before_ns)
            elif now_ns // NS != self._second:
                meter.resume(SuspendReason.CLOCK, now_ns)

    def _begin_extending(self, meter: Meter, needed: HoldNeeded) -> None:
        self._tasks.begin(meter.order.session, self._extend(meter, needed))

    async def _extend(self, meter: Meter, needed: HoldNeeded) -> None:
        try:
            available = await self._holder.extend(meter, needed)
        except Fenced as refusal:
            self._lost([meter.order.session], refusal.detail)
            return
        if available is not None:
            self._wallets.heard(meter.order.client, available)

    def _begin_settling(self, meter: Meter) -> None:
        self._tasks.begin(meter.order.session, self._settle(meter))

    async def _settle(self, meter: Meter) -> None:
        session = meter.order.session
        try:
            await self._mover.written(session)
            await self._settler.settle(meter)
        except Fenced as refusal:
            self._lost([session], refusal.detail)
        else:
            self._forget(meter)

    def _settle_from_evidence(self, meter: Meter, reason: EndReason | None) -> None:
        """End it where its evidence ends, for the reason it was stopped for, if it was."""
        self._meters[meter.order.session] = meter
        effects = self._recovered(meter)
        if not effects:
            effects = meter.stop(reason or EndReason.SHUTDOWN, self._clock.monotonic_ns())
        self._carrier.carry(meter, effects)

    def _recovered(self, meter: Meter) -> Sequence[Effect]:
        return meter.recover(
            meter.record,
            self._clock.monotonic_ns(),
            wall_ns=self._clock.wall_ns(),
            switches=self._switches(meter),
        )

    def _has_meter(self, session: SessionId) -> bool:
        return session in self._meters or session in self._opening

    async def _renew(self, *, unless_within_ns: int) -> None:
        began_ns = self._clock.monotonic_ns()
        if began_ns - self._journaling.renewed_at_ns >= unless_within_ns:
            await self._outside.owners.renew(now_wall_ns=self._clock.wall_ns())
            self._journaling.renewed_at_ns = max(self._journaling.renewed_at_ns, began_ns)

    def _lost(self, sessions: Sequence[SessionId] | None, why: str) -> None:
        """Mute and drop what is somebody else's, or all there is; nothing more of it is written."""
        for session in tuple(self._meters) if sessions is None else sessions:
            if (meter := self._meters.get(session)) is None:
                continue
            self._gate.unlink(session)
            self._mover.forget(session)
            self._journaling.forget(session)
            self._tasks.drop(session)
            self._forget(meter)
            log.error("session_lost", session=session, why=why)
            at_ns = self._clock.monotonic_ns()
            self._outside.sink.tell(MeterLost(at_ns=at_ns, session=session, why=why))

    def _forget(self, meter: Meter) -> None:
        client = meter.order.client
        self._meters.drop(meter)
        self._holder.forget(meter.order.session)
        if not self._meters.of(client):
            self._wallets.forget(client)
