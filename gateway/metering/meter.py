"""The meter of one session: from both start witnesses to the last found second.

Decides when seconds begin and end, when the session is suspended, what ends it.
Time comes in as `now_ns`; what comes out are effects. What a second is found to
be is `judgement.py`'s, what was agreed to be spent `checkpoint.py`'s. Never
awaits, stores, sends or prices beyond asking `tariff.py`; `service.py` does.
Keeps: seconds lie on the node's grid (`segment.py`); the start is
never back-dated and the stop always; a second is billed only if both legs and
both apps bracket it; no second beyond the holds, the spend limits or the block.
"""

from collections.abc import Sequence

from gateway.clock import NS
from gateway.limits import ENDING_DRAIN_NS
from gateway.metering import effect
from gateway.metering.allowance import Spend
from gateway.metering.attendance import first_loss, gap_between
from gateway.metering.effect import Effect
from gateway.metering.evidence import Anchor, AnchorKind
from gateway.metering.hearing import LIVE, Hearing
from gateway.metering.pause import NEVER_NS
from gateway.metering.phase import TABLE, MeterInput, MeterPhase, Response
from gateway.metering.record import Record
from gateway.metering.schedule import Switch
from gateway.metering.segment import Segment
from gateway.metering.start_watch import StartFinding
from gateway.metering.stopping import StopMark, review_reasons
from gateway.metering.usage import Usage
from gateway.metering.warning import TimeLeft
from gateway.terms import EndReason, Grade, Side, SuspendReason


class Meter(Hearing):
    """One session's meter; drive it with `advance` four times a second and `second` once."""

    def stop(
        self, reason: EndReason, now_ns: int, *, by: Side | None = None, is_alone: bool = False
    ) -> list[Effect]:
        """Stop counting at `now_ns`; the first reason stands. A hang-up witnesses its sender."""
        if not self._takes(MeterInput.STOP):
            return []
        was_counting = self.phase in LIVE
        self.stop_mark = StopMark(reason=reason, at_ns=now_ns, is_alone=is_alone)
        if by is not None:
            self.sides[by].app.note(now_ns)
        self.phase = MeterPhase.DRAINING if was_counting else MeterPhase.STOPPED
        effects: list[Effect] = [effect.Stopped(reason=reason, at_ns=now_ns)]
        if not was_counting:
            effects.append(effect.Frozen())
        return effects

    def recover(
        self, record: Record, now_ns: int, *, wall_ns: int, switches: Sequence[Switch] = ()
    ) -> list[Effect]:
        """Go on from a replayed record: wait for both parties, or settle what was stopped.

        `switches` is the schedule from `wall_ns` on; what was agreed is in the record.
        """
        self.record = record
        self.has_counted = True
        self._return_watch.since_ns = now_ns
        self._counting.periods.plan(switches)
        self._bounds.checkpoints.restore(record)
        self.phase = MeterPhase.RECOVERING
        self.suspended = SuspendReason.RESTART
        for attendance, is_pathless in zip(self.sides.values(), record.pathless, strict=True):
            attendance.has_socket, attendance.is_pathless = False, is_pathless
        if self.record.stop is not None:
            return self.stop(self.record.stop.reason or EndReason.SHUTDOWN, now_ns)
        if self.record.start is None:
            return self.stop(EndReason.SHUTDOWN, now_ns)
        return []

    def advance(self, now_ns: int, wall_ns: int) -> list[Effect]:
        """Let time pass to `now_ns`; call at least four times a second."""
        if TABLE[self.phase, MeterInput.SECOND] is not Response.TAKEN:
            return []
        self._before_ns, self._now_ns = self._now_ns, now_ns
        if now_ns < self._quiet_until_ns:
            return []
        match self.phase:
            case MeterPhase.AWAITING:
                return self._await_witnesses(now_ns, wall_ns)
            case MeterPhase.RECOVERING:
                return self._await_return(now_ns, wall_ns)
            case MeterPhase.DRAINING:
                return self._drain(now_ns, wall_ns)
            case _:
                return self._count(now_ns, wall_ns)

    @property
    def due_ns(self) -> int:
        """When the running second ends; beyond all time while none runs."""
        if self.phase not in LIVE:
            return NEVER_NS
        segment = self._counting.segment
        return segment.at_ns + (self.told_tick + 1 - segment.after_tick) * NS

    def second(self, now_ns: int, *, funds_left_s: int) -> list[Effect]:
        """Close the grid second that ended at or before `now_ns`: tick, warning, questions, hold, hard stop."""
        if self.phase not in LIVE:
            return []
        number = self.elapsed_ticks(now_ns)
        if number <= self.told_tick:
            return []
        # Where seconds were missed, the next hold is due all the same: it is late, money need not be short.
        wanted = self.hold_request() if number > self.told_tick + 1 else []
        for missed in range(self.told_tick + 1, number):
            if refused := self._hard_stop(missed, self._usage(missed)):
                return refused
        self.told_tick = number
        boundary_ns = self.tick_end_ns(number)
        head = self.record.stored_head
        self._sent.send(number, head=head, end_ns=boundary_ns)
        spend = self.spend(boundary_ns)
        left = self._bounds.left(spend, number=number, boundary_ns=boundary_ns, funds_left_s=funds_left_s)
        effects: list[Effect] = [
            effect.Ticked(number=number, left_s=left.seconds, head=head, usage=spend.usage)
        ]
        effects += self._bounds.said(spend, left, number=number)
        return effects + wanted + self._hold_request(spend) + self._hard_stop(number, spend.usage)

    def _await_witnesses(self, now_ns: int, wall_ns: int) -> list[Effect]:
        finding = self._start_watch.finding(self.sides.values(), now_ns)
        match finding:
            case StartFinding.BOTH:
                return self._start(now_ns, wall_ns)
            case StartFinding.WAITING:
                return []
            case StartFinding.ALONE | StartFinding.NEITHER:
                is_alone = finding is StartFinding.ALONE
                return self.stop(EndReason.CONNECT_FAILED, now_ns, is_alone=is_alone)

    def _start(self, now_ns: int, wall_ns: int) -> list[Effect]:
        self.has_counted = self._is_start_untold = True
        self._begin_segment(AnchorKind.START, now_ns, wall_ns)
        self.pauses.line_sent(self.segment_at_ns)
        refused = self._hard_stop(self.told_tick, self._usage(self.told_tick))
        return self._tell_start(self.segment_at_ns if refused else now_ns) + refused

    def _tell_start(self, now_ns: int) -> list[Effect]:
        """Say that it starts when it does, so that apps count from the same instant."""
        start = self.record.start
        if start is None or not self._is_start_untold or now_ns < start.at_ns:
            return []
        self._is_start_untold = False
        return [effect.Started(at_ns=start.at_ns, wall_ns=start.wall_ns)]

    def _begin_segment(self, kind: AnchorKind, now_ns: int, wall_ns: int) -> Anchor:
        segment = Segment.begun(now_ns, after_tick=self.record.tally.ticks, spread=self._spread)
        self._counting.begin(segment)
        self.told_tick = segment.after_tick
        self.phase = MeterPhase.RUNNING
        self.suspended = None
        self._quiet_until_ns = 0
        at_wall_ns = wall_ns + segment.at_ns - now_ns
        return self.record.anchor(kind, at_ns=segment.at_ns, wall_ns=at_wall_ns, boot=self._boot)

    def _await_return(self, now_ns: int, wall_ns: int) -> list[Effect]:
        absent = self._return_watch.absent(self.sides.values())
        if absent:
            reason = self._return_watch.given_up(absent, now_ns)
            return self.stop(reason, now_ns) if reason else []
        for attendance in self.sides.values():
            attendance.app.note(now_ns)
        self._tie(self._begin_segment(AnchorKind.RESTART, now_ns, wall_ns))
        self.pauses.line_sent(self.segment_at_ns)
        paused = self.pauses.active
        if paused is not None:
            # Somebody stopped it before or during the restart: being back does not lift that.
            self.suspended, self.phase = paused, MeterPhase.SUSPENDED
        told: Effect = effect.Suspended(reason=paused) if paused else effect.Resumed()
        return [told, *self._hard_stop(self.told_tick, self._usage(self.told_tick))]

    def _count(self, now_ns: int, wall_ns: int) -> list[Effect]:
        elapsed, steady_until_ns = self.elapsed_ticks(now_ns), self._steady_until_ns()
        is_steady = now_ns < steady_until_ns
        if not is_steady or self._counting.is_due(self.record):
            self._find(elapsed, now_ns, wall_ns)
        if is_steady:
            if self.record.tally.ticks == elapsed:
                self._quiet_until_ns = min(self.tick_end_ns(elapsed + 1), steady_until_ns)
            return []
        if loss := first_loss(self.sides.values(), now_ns, since_ns=self.segment_at_ns):
            return self.stop(loss.reason, now_ns, is_alone=loss.is_alone)
        self.pauses.idle(now_ns)
        effects = self._tell_start(now_ns) + self._suspension(now_ns)
        if self._agreed:
            effects += [*self._agreed, *self.hold_request()]
            self._agreed = []
        return effects

    def _steady_until_ns(self) -> int:
        """Until then only the end of a second changes anything; 0 while something is untold, paused or silent."""
        if self.suspended is not None or self._is_start_untold or self._agreed or self.pauses.active:
            return 0
        client, provider = self.sides.values()
        return min(client.steady_until_ns, provider.steady_until_ns, self.pauses.idle_at_ns)

    def _drain(self, now_ns: int, wall_ns: int) -> list[Effect]:
        assert self.stop_mark is not None, "draining begins with a stop"
        elapsed = self.elapsed_ticks(now_ns)
        # What had come when the drain ended is heard before the next poll, however busy the process is.
        is_over = self._before_ns - self.stop_mark.at_ns >= ENDING_DRAIN_NS
        self._find(elapsed, now_ns, wall_ns, is_over=is_over)
        if self.record.tally.ticks < elapsed or now_ns < self.stop_mark.at_ns:
            return []
        self.phase = MeterPhase.STOPPED
        return [effect.Frozen()]

    def _suspension(self, now_ns: int) -> list[Effect]:
        if self._is_start_untold:
            return []
        reason = self.pauses.active
        if reason is None and now_ns >= self.segment_at_ns:
            reason = gap_between(self.sides.values(), now_ns)
        if reason is self.suspended:
            return []
        self.suspended = reason
        self.phase = MeterPhase.SUSPENDED if reason else MeterPhase.RUNNING
        return [effect.Suspended(reason=reason) if reason else effect.Resumed()]

    def _find(self, until_tick: int, now_ns: int, wall_ns: int, *, is_over: bool = False) -> None:
        if self.record.tally.ticks < until_tick:
            self._counting.find(
                self.record, until_tick=until_tick, now_ns=now_ns, wall_ns=wall_ns, is_over=is_over
            )

    def spend(self, now_ns: int) -> Spend:
        """This session's claim on its wallet; provisional seconds count as used."""
        counted = self.record.tally.ticks + self.provisional_s(now_ns)
        usage, last, ends_in_s = self._usage(counted), self._spend, self._ends_in_s(counted)
        if (
            last is not None
            and last.usage is usage
            and last.held_micros == self.cover.held_micros
            and last.ends_in_s == ends_in_s
        ):
            return last
        spend = Spend(
            tariff=self.tariff,
            usage=usage,
            held_micros=self.cover.held_micros,
            ahead=self._counting.periods.ahead(self.tick_end_ns(counted)),
            limit_s=self._bounds.checkpoints.block_s,
            limit_micros=self._bounds.checkpoints.spend_micros,
            ends_in_s=ends_in_s,
        )
        self._spend = None if self.tariff.windows or self._bounds.is_limited else spend
        return spend

    def _ends_in_s(self, number: int) -> int:
        if self.phase not in LIVE:
            return 0
        return self._bounds.ends_in_s(number, boundary_ns=self.tick_end_ns(number))

    def hold_request(self) -> list[Effect]:
        """Ask for the next hold when the cover runs low and none is on its way."""
        return self._hold_request(self.spend(self.tick_end_ns(self.told_tick)))

    def _hold_request(self, spend: Spend) -> list[Effect]:
        if not self._takes(MeterInput.HOLD):
            return []
        request = self.cover.request(spend)
        return [effect.HoldNeeded(request=request, ordinal=self.cover.holds + 1)] if request else []

    def _hard_stop(self, number: int, usage: Usage) -> list[Effect]:
        """End at the end of second `number` if the next one may not be served."""
        boundary_ns = self.tick_end_ns(number)
        after = usage.plus(self._counting.period(number + 1))
        reason = self._bounds.refusal(self.cover, after, number=number, boundary_ns=boundary_ns)
        return self.stop(reason, boundary_ns) if reason else []

    def freeze(self, now_ns: int, wall_ns: int) -> None:
        """Close the record with its STOP, dated back to the last shared evidence; call once on Frozen."""
        if self.stop_mark is None or self.record.start is None or self.record.stop is not None:
            return
        at_ns, at_wall_ns = self.record.last_tick_ns, self.record.last_tick_wall_ns
        boot = self.record.anchors[-1].boot
        if self.segment_at_ns:
            boot = self._boot
            at_ns = self.stop_mark.dated_back(self.sides.values(), began_ns=self.segment_at_ns)
            at_wall_ns = wall_ns - (now_ns - at_ns)
        self.record.anchor(
            AnchorKind.STOP, at_ns=at_ns, wall_ns=at_wall_ns, boot=boot, reason=self.stop_mark.reason
        )

    @property
    def told_left_s(self) -> int | None:
        """Seconds to the nearest limit when the last second closed."""
        return self._bounds.told_left.seconds if self._bounds.told_left else None

    @property
    def warnings(self) -> list[tuple[TimeLeft, int]]:
        """Warnings given so far, each with its tick."""
        return self._bounds.warnings

    @property
    def review_reasons(self) -> tuple[str, ...]:
        """Why a person should look at the evidence, in sentences; empty for grade A."""
        return review_reasons(self.record, self.stop_mark)

    @property
    def grade(self) -> Grade:
        """How complete the evidence is."""
        return Grade.B if self.review_reasons else Grade.A
