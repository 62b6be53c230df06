"""The meter of one session: from both start witnesses to the last found second.

Decides when seconds begin and end, what each is found to be, when the session
is suspended, when money or time stops it. Time comes in as `now_ns`; what comes
out are effects. Never awaits, stores, sends or prices beyond asking `tariff.py`;
`service.py` does.
Keeps: seconds lie on the node's grid (whole monotonic seconds); the start is
never back-dated and the stop always; a second is billed only if both legs and
both apps bracket it; no second beyond the cover of the holds.
"""

from gateway.clock import NS
from gateway.limits import ENDING_DRAIN_NS, RESUME_GRACE_NS
from gateway.metering import effect
from gateway.metering.allowance import Spend
from gateway.metering.attendance import Attendance, Loss
from gateway.metering.cover import Cover
from gateway.metering.effect import Effect
from gateway.metering.evidence import SIDES, Anchor, AnchorKind
from gateway.metering.judgement import judged
from gateway.metering.pause import Pauses
from gateway.metering.phase import TABLE, MeterInput, MeterPhase, Response
from gateway.metering.presence import MediaStart, present_at_ns
from gateway.metering.record import Record
from gateway.metering.start_watch import StartFinding, StartWatch
from gateway.metering.stopping import StopMark
from gateway.metering.tariff import Tariff
from gateway.metering.warning import NearEnd, TimeLeft, nearest
from gateway.terms import EndReason, Grade, LegEvidence, MeterOrder, SessionKind, Side, SuspendReason


class Meter:
    """One session's meter; drive it with `advance` four times a second."""

    def __init__(self, order: MeterOrder, tariff: Tariff, *, boot: str) -> None:
        self.order = order
        self.tariff = tariff
        self.boot = boot
        self.phase = MeterPhase.OPEN
        self.sides = {side: Attendance(side) for side in SIDES}
        self.record = Record.begun(order)
        self.pauses = Pauses(is_text=order.kind is SessionKind.TEXT)
        self.near_end = NearEnd()
        self.cover = Cover()
        self.has_counted = False
        self.stop_mark: StopMark | None = None
        self.suspended: SuspendReason | None = None
        self.segment_at_ns = 0
        self.segment_tick = 0
        self.told_tick = 0
        self.told_left_s: int | None = None
        self.warnings: list[tuple[TimeLeft, int]] = []
        self._media_start = MediaStart(order.kind)
        self._start_watch = StartWatch()
        self._slot_ends_at_ns: int | None = None
        self._is_start_untold = False
        self._recovering_since_ns = 0
        self._sent: dict[int, tuple[str, int]] = {}

    def response(self, given: MeterInput) -> Response:
        """What the table says of `given` in the present phase."""
        return TABLE[self.phase, given]

    def _takes(self, given: MeterInput) -> bool:
        return TABLE[self.phase, given] is Response.TAKEN

    def connect(self, now_ns: int, *, wall_ns: int) -> None:
        """The session was accepted: the start witnesses are awaited from `now_ns`."""
        if self._takes(MeterInput.CONNECT):
            self.phase = MeterPhase.AWAITING
            self._start_watch.since_ns = now_ns
            if self.order.slot_ends_wall_ns is not None:
                self._slot_ends_at_ns = now_ns + self.order.slot_ends_wall_ns - wall_ns

    def confirm(self, side: Side, now_ns: int) -> Response:
        """An app says that it hears the other side."""
        if self._takes(MeterInput.CONFIRM):
            self.sides[side].has_confirmed = True
            self.sides[side].app.note(now_ns)
        return self.response(MeterInput.CONFIRM)

    def acknowledge(self, side: Side, tick: int, head: str) -> effect.Ack:
        """An app has seen tick number `tick` with `head`; it counts as of the end of that tick."""
        if not self._takes(MeterInput.ACK):
            return effect.Ack.NOT_RUNNING
        sent = self._sent.get(tick)
        if sent is None:
            return effect.Ack.UNKNOWN_TICK
        if sent[0] != head:
            return effect.Ack.HEAD_MISMATCH
        attendance = self.sides[side]
        attendance.acked_tick = max(attendance.acked_tick, tick)
        attendance.app.note(sent[1])
        return effect.Ack.ACKNOWLEDGED

    def observe(self, leg: LegEvidence, now_ns: int) -> None:
        """A reading of one leg's counters."""
        if not self._takes(MeterInput.MEDIA):
            return
        attendance = self.sides[leg.side]
        attendance.reading = leg
        present_ns = present_at_ns(leg, self.order.kind, muted=attendance.is_muted)
        if self.phase is MeterPhase.RECOVERING and present_ns <= self._recovering_since_ns:
            return
        if present_ns:
            attendance.media.note(present_ns)
        self._media_start.note(leg, muted=attendance.is_muted, now_ns=now_ns)

    def set_muted(self, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        if self._takes(MeterInput.MUTE):
            self.sides[side].is_muted = muted

    def line_sent(self, now_ns: int) -> None:
        """A line of text was delivered."""
        if self._takes(MeterInput.LINE):
            self.pauses.line_sent(now_ns)

    def set_socket(self, side: Side, *, present: bool) -> None:
        """A participant's app lost its last socket, or has one again."""
        if self._takes(MeterInput.SOCKET):
            self.sides[side].has_socket = present

    def pause(self, reason: SuspendReason, now_ns: int) -> None:
        """Seconds that touch `now_ns` and later do not count until `resume`."""
        if self._takes(MeterInput.PAUSE):
            self.pauses.begin(reason, now_ns)

    def resume(self, reason: SuspendReason, now_ns: int) -> None:
        """Lift the pause of that reason."""
        if self._takes(MeterInput.RESUME):
            self.pauses.end(reason, now_ns)

    def hold_placed(self, micros: int, *, is_final: bool = False) -> None:
        """One more hold is committed; a final one is smaller than wanted, nothing is left."""
        if self._takes(MeterInput.HOLD):
            self.cover.placed(micros, is_final=is_final)

    def hold_failed(self, *, is_money_out: bool) -> None:
        """No hold came of the request: the wallet has nothing more, or the store did not answer."""
        if self._takes(MeterInput.HOLD):
            self.cover.failed(is_money_out=is_money_out)

    def money_came(self) -> None:
        """The wallet grew: the next hold may be asked for again."""
        self.cover.is_money_out = False

    def stop(
        self, reason: EndReason, now_ns: int, *, by: Side | None = None, is_alone: bool = False
    ) -> list[Effect]:
        """Stop counting at `now_ns`; the first reason stands. A hang-up witnesses its sender."""
        if not self._takes(MeterInput.STOP):
            return []
        was_counting = self.phase in (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
        self.stop_mark = StopMark(reason=reason, at_ns=now_ns, is_alone=is_alone)
        if by is not None:
            self.sides[by].app.note(now_ns)
        self.phase = MeterPhase.DRAINING if was_counting else MeterPhase.STOPPED
        effects: list[Effect] = [effect.Stopped(reason=reason, at_ns=now_ns)]
        if not was_counting:
            effects.append(effect.Frozen())
        return effects

    def recover(self, record: Record, now_ns: int) -> list[Effect]:
        """Go on from a replayed record: wait for both parties, or settle what was stopped."""
        self.record = record
        self.has_counted = True
        self._recovering_since_ns = now_ns
        self.phase = MeterPhase.RECOVERING
        self.suspended = SuspendReason.RESTART
        for attendance in self.sides.values():
            attendance.has_socket = False
        if self.record.stop is not None:
            return self.stop(self.record.stop.reason or EndReason.SHUTDOWN, now_ns)
        if self.record.start is None:
            return self.stop(EndReason.SHUTDOWN, now_ns)
        return []

    def advance(self, now_ns: int, wall_ns: int) -> list[Effect]:
        """Let time pass to `now_ns`; call at least four times a second."""
        if not self._takes(MeterInput.SECOND):
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

    def second(self, now_ns: int, *, funds_left_s: int) -> list[Effect]:
        """Close the grid second that ended at or before `now_ns`: tick, warning, next hold, hard stop."""
        if self.phase not in (MeterPhase.RUNNING, MeterPhase.SUSPENDED):
            return []
        number = self.elapsed_ticks(now_ns)
        if number <= self.told_tick:
            return []
        self.told_tick = number
        boundary_ns = self.tick_end_ns(number)
        self._sent[number] = (self.record.head, boundary_ns)
        self._sent.pop(number - SENT_TICKS_MAX, None)
        left = self.time_left(boundary_ns, funds_left_s=funds_left_s)
        self.told_left_s = left.seconds
        effects: list[Effect] = [effect.Ticked(number=number, left_s=left.seconds)]
        if due := self.near_end.due(left):
            self.warnings.append((due, number))
            effects.append(effect.Warned(seconds_left=due.seconds, reason=due.reason))
        return effects + self.hold_request() + self._hard_stop(number, boundary_ns)

    def _await_witnesses(self, now_ns: int, wall_ns: int) -> list[Effect]:
        apps = all(attendance.has_confirmed for attendance in self.sides.values())
        finding = self._start_watch.finding(media=self._media_start.has_come, apps=apps, now_ns=now_ns)
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
        return self._tell_start(now_ns)

    def _tell_start(self, now_ns: int) -> list[Effect]:
        """Say that it starts when it does, so that apps count from the same instant."""
        start = self.record.start
        if start is None or not self._is_start_untold or now_ns < start.at_ns:
            return []
        self._is_start_untold = False
        return [effect.Started(at_ns=start.at_ns, wall_ns=start.wall_ns)]

    def _begin_segment(self, kind: AnchorKind, now_ns: int, wall_ns: int) -> None:
        """Seconds begin at the next whole second: never back-dated, at most one given away."""
        self.segment_at_ns = -(-now_ns // NS) * NS
        self.segment_tick = self.told_tick = self.record.tally.ticks
        self.phase = MeterPhase.RUNNING
        self.suspended = None
        self.record.anchor(
            Anchor(
                kind=kind,
                after_tick=self.segment_tick,
                at_ns=self.segment_at_ns,
                wall_ns=wall_ns + self.segment_at_ns - now_ns,
                boot=self.boot,
            )
        )

    def _await_return(self, now_ns: int, wall_ns: int) -> list[Effect]:
        absent = [
            side
            for side, attendance in self.sides.items()
            if not attendance.has_socket or attendance.media.last_ns is None
        ]
        if not absent:
            for attendance in self.sides.values():
                attendance.app.note(now_ns)
            self._begin_segment(AnchorKind.RESTART, now_ns, wall_ns)
            return [effect.Resumed()]
        if now_ns - self._recovering_since_ns < RESUME_GRACE_NS:
            return []
        lost = EndReason.LOST_CLIENT if absent[0] is Side.CLIENT else EndReason.LOST_PROVIDER
        return self.stop(EndReason.SHUTDOWN if len(absent) == len(SIDES) else lost, now_ns)

    def _count(self, now_ns: int, wall_ns: int) -> list[Effect]:
        self._judge(now_ns, wall_ns)
        if loss := self._loss(now_ns):
            reason = EndReason.LOST_CLIENT if loss.side is Side.CLIENT else EndReason.LOST_PROVIDER
            return self.stop(reason, now_ns, is_alone=loss.is_alone)
        self.pauses.idle(now_ns)
        return self._tell_start(now_ns) + self._suspension(now_ns)

    def _drain(self, now_ns: int, wall_ns: int) -> list[Effect]:
        assert self.stop_mark is not None, "draining begins with a stop"
        is_over = now_ns - self.stop_mark.at_ns >= ENDING_DRAIN_NS
        self._judge(now_ns, wall_ns, is_over=is_over)
        if self.record.tally.ticks < self.elapsed_ticks(now_ns):
            return []
        self.phase = MeterPhase.STOPPED
        return [effect.Frozen()]

    def _loss(self, now_ns: int) -> Loss | None:
        losses = [a.lost(now_ns, since_ns=self.segment_at_ns) for a in self.sides.values()]
        return min((loss for loss in losses if loss), key=lambda loss: loss.since_ns, default=None)

    def _suspension(self, now_ns: int) -> list[Effect]:
        reason = self.pauses.active or self._gap(now_ns)
        if reason is self.suspended:
            return []
        self.suspended = reason
        self.phase = MeterPhase.SUSPENDED if reason else MeterPhase.RUNNING
        return [effect.Suspended(reason=reason) if reason else effect.Resumed()]

    def _gap(self, now_ns: int) -> SuspendReason | None:
        if now_ns < self.segment_at_ns:
            return None
        if any(attendance.media.is_stale(now_ns) for attendance in self.sides.values()):
            return SuspendReason.MEDIA_GAP
        if any(attendance.app.is_stale(now_ns) for attendance in self.sides.values()):
            return SuspendReason.ACK_GAP
        return None

    def tick_end_ns(self, number: int) -> int:
        """When second `number` of the running segment ends."""
        return self.segment_at_ns + (number - self.segment_tick) * NS

    def elapsed_ticks(self, now_ns: int) -> int:
        """Seconds of the session that have ended by `now_ns`, or by the stop."""
        until_ns = now_ns if self.stop_mark is None else min(now_ns, self.stop_mark.at_ns)
        return self.segment_tick + max(0, until_ns - self.segment_at_ns) // NS

    def provisional_s(self, now_ns: int) -> int:
        """Ended seconds that wait for their far bracket."""
        if self.phase not in (MeterPhase.RUNNING, MeterPhase.SUSPENDED, MeterPhase.DRAINING):
            return 0
        return self.elapsed_ticks(now_ns) - self.record.tally.ticks

    def _judge(self, now_ns: int, wall_ns: int, *, is_over: bool = False) -> None:
        while self.record.tally.ticks < self.elapsed_ticks(now_ns):
            number = self.record.tally.ticks + 1
            until_ns = self.tick_end_ns(number)
            tick = judged(
                self.sides,
                self.pauses,
                number=number,
                until_ns=until_ns,
                now_ns=now_ns,
                wall_ns=wall_ns,
                is_free=self.record.tally.witnessed_s < self.tariff.free_s,
                is_over=is_over,
            )
            if tick is None:
                return
            self.record.count(tick)
            self.pauses.forget_before(until_ns)
            for attendance in self.sides.values():
                attendance.media.forget_before(until_ns)
                attendance.app.forget_before(until_ns)

    def spend(self, now_ns: int) -> Spend:
        """This session's claim on its wallet; provisional seconds count as used."""
        used_s = self.record.tally.witnessed_s + self.provisional_s(now_ns)
        return Spend(tariff=self.tariff, used_s=used_s, held_micros=self.cover.held_micros)

    def time_left(self, now_ns: int, *, funds_left_s: int) -> TimeLeft:
        """The nearest of money, hard maximum and slot end."""
        slot_s = None if self._slot_ends_at_ns is None else max(0, self._slot_ends_at_ns - now_ns) // NS
        duration_s = max(0, self.order.duration_s_max - self.elapsed_ticks(now_ns))
        return nearest(funds_s=funds_left_s, duration_s=duration_s, slot_s=slot_s)

    def hold_request(self) -> list[Effect]:
        """Ask for the next hold when the cover runs low and none is on its way."""
        if not self._takes(MeterInput.HOLD):
            return []
        request = self.cover.request(self.spend(self.tick_end_ns(self.told_tick)))
        return [effect.HoldNeeded(request=request, ordinal=self.cover.holds + 1)] if request else []

    def _hard_stop(self, number: int, boundary_ns: int) -> list[Effect]:
        spend = self.spend(boundary_ns)
        if spend.used_s >= self.tariff.covered_s(self.cover.held_micros):
            # A hold that is still on its way means that the store is late, not that money is short.
            return self.stop(EndReason.SHUTDOWN if self.cover.is_due else EndReason.FUNDS, boundary_ns)
        if number >= self.order.duration_s_max:
            return self.stop(EndReason.MAX_DURATION, boundary_ns)
        if self._slot_ends_at_ns is not None and boundary_ns + NS > self._slot_ends_at_ns:
            return self.stop(EndReason.SLOT_END, boundary_ns)
        return []

    def freeze(self, now_ns: int, wall_ns: int) -> None:
        """Close the record with its STOP, dated back to the last shared evidence; call once on Frozen."""
        if self.stop_mark is None or self.record.start is None or self.record.stop is not None:
            return
        at_ns, at_wall_ns = self.record.last_tick_ns, self.record.last_tick_wall_ns
        if self.segment_at_ns:
            at_ns = self.stop_mark.dated_back(self.sides.values(), began_ns=self.segment_at_ns)
            at_wall_ns = wall_ns - (now_ns - at_ns)
        self.record.anchor(
            Anchor(
                kind=AnchorKind.STOP,
                after_tick=self.record.tally.ticks,
                at_ns=at_ns,
                wall_ns=at_wall_ns,
                boot=self.boot,
                reason=self.stop_mark.reason,
            )
        )

    @property
    def grade(self) -> Grade:
        """How complete the evidence is."""
        return Grade.B if self.stop_mark is not None and self.stop_mark.is_alone else Grade.A


SENT_TICKS_MAX = 64
"""How many ticks back an acknowledgement may name."""
