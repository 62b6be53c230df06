"""What a meter is told: confirmations, acknowledgements, readings, lines, pauses, holds, consents.

Decides, by the table in `phase.py`, whether an input is taken, and where it is
noted. What follows from it with time is `meter.py`'s. Never starts, counts or
ends a second.
Keeps: an input that the table does not take changes nothing.
"""

from collections.abc import Sequence

from gateway.metering import effect
from gateway.metering.allowance import Spend
from gateway.metering.attendance import Attendance
from gateway.metering.bound import Bounds
from gateway.metering.counting import Counting
from gateway.metering.cover import Cover
from gateway.metering.effect import Effect
from gateway.metering.evidence import SIDES, Anchor, AnchorKind, boot_mark
from gateway.metering.pause import Pauses
from gateway.metering.phase import TABLE, MeterInput, MeterPhase, Response
from gateway.metering.presence import MediaStart, present_at_ns
from gateway.metering.record import Record
from gateway.metering.return_watch import ReturnWatch
from gateway.metering.schedule import Switch
from gateway.metering.sent_tick import SentTicks
from gateway.metering.start_watch import StartWatch
from gateway.metering.stopping import StopMark
from gateway.metering.tariff import Tariff
from gateway.metering.usage import Usage
from gateway.terms import (
    ConsentKind,
    LegEvidence,
    MeterOrder,
    SessionKind,
    Side,
    SuspendReason,
)

LIVE = (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
"""Phases in which seconds pass."""


class Hearing:
    """One session's meter as far as it is told things; the state that `Meter` goes on with."""

    def __init__(self, order: MeterOrder, tariff: Tariff, *, boot: str, spread: int = 0) -> None:
        self.order = order
        self.tariff = tariff
        self.phase = MeterPhase.OPEN
        self.sides = {side: Attendance(side) for side in SIDES}
        self.record = Record.begun(order)
        self.pauses = Pauses(is_text=order.kind is SessionKind.TEXT)
        self.cover = Cover()
        self.has_counted = False
        self.stop_mark: StopMark | None = None
        self.suspended: SuspendReason | None = None
        self.told_tick = 0
        self._boot = boot_mark(boot)
        self._spread = spread
        self._counting = Counting(tariff, self.sides, self.pauses)
        self._bounds = Bounds(order, tariff)
        may_lack_path = order.kind is SessionKind.TEXT and tariff.billed_when_socket_only
        self._start_watch = StartWatch(MediaStart(order.kind), may_lack_path=may_lack_path)
        self._return_watch = ReturnWatch()
        self._sent = SentTicks()
        self._is_start_untold = False
        self._now_ns = 0
        self._before_ns = 0
        self._quiet_until_ns = 0
        self._agreed: list[Effect] = []
        self._spend: Spend | None = None

    def response(self, given: MeterInput) -> Response:
        """What the table says of `given` in the present phase."""
        return TABLE[self.phase, given]

    def _takes(self, given: MeterInput) -> bool:
        if TABLE[self.phase, given] is not Response.TAKEN:
            return False
        self._quiet_until_ns = 0
        return True

    def connect(self, now_ns: int, *, wall_ns: int, switches: Sequence[Switch] = ()) -> None:
        """The session was accepted: the start witnesses are awaited from `now_ns`.

        `switches` is the tariff's schedule from `wall_ns` on (`schedule.switches`).
        """
        if self._takes(MeterInput.CONNECT):
            self.phase = MeterPhase.AWAITING
            self._start_watch.since_ns = now_ns
            self._counting.periods.plan(switches)
            self._tie(self.record.anchor(AnchorKind.ACCEPTED, at_ns=now_ns, wall_ns=wall_ns, boot=self._boot))

    def confirm(self, side: Side, now_ns: int) -> Response:
        """An app says that it hears the other side."""
        answer = self.response(MeterInput.CONFIRM)
        if self._takes(MeterInput.CONFIRM):
            self.sides[side].has_confirmed = True
            self.sides[side].app.note(now_ns)
        return answer

    def acknowledge(self, side: Side, tick: int, head: str, clock_ms: int | None = None) -> effect.Ack:
        """An app has seen tick number `tick` with `head`; it counts as of the end of that tick.

        `clock_ms` is what the app's own monotonic clock said when it saw the tick.
        """
        if not self._takes(MeterInput.ACK):
            return effect.Ack.NOT_RUNNING
        answer, end_ns = self._sent.matched(tick, head)
        if answer is effect.Ack.ACKNOWLEDGED:
            attendance = self.sides[side]
            attendance.acknowledged(tick, end_ns=end_ns, clock_ms=clock_ms, now_ns=self._now_ns)
            if self.suspended is not None:
                attendance.app_clock.skip()
        return answer

    def observe(self, leg: LegEvidence, now_ns: int) -> None:
        """A reading of one leg's counters."""
        if TABLE[self.phase, MeterInput.MEDIA] is not Response.TAKEN:
            return
        attendance = self.sides[leg.side]
        attendance.reading = leg
        attendance.rtp_clock.note(leg)
        if self.suspended is not None:
            attendance.rtp_clock.skip()
        present_ns = present_at_ns(leg, self.order.kind, muted=attendance.is_muted)
        if self.phase is MeterPhase.RECOVERING and present_ns <= self._return_watch.since_ns:
            return
        if present_ns:
            attendance.media.note(present_ns)
        if self.phase is MeterPhase.AWAITING:
            self._start_watch.media.note(leg, muted=attendance.is_muted, now_ns=now_ns)

    def plan(self, switches: Sequence[Switch]) -> None:
        """The schedule read anew, where the wall clock was set before the next seconds tie it."""
        self._counting.periods.plan(switches)

    def set_muted(self, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        if self._takes(MeterInput.MUTE):
            self.sides[side].is_muted = muted

    def line_sent(self, now_ns: int, by: Side) -> None:
        """A line of text of `by` was taken for delivery; it counts in the second that holds `now_ns`."""
        if not self._takes(MeterInput.LINE):
            return
        self.pauses.line_sent(now_ns)
        number = self._counting.segment.running(now_ns)
        if self.phase in LIVE and by in self.tariff.counts_messages_of and number > self.record.tally.ticks:
            self._counting.lines.note(number)

    def covers_line(self, by: Side) -> bool:
        """Whether one more line of `by` is free, or inside the holds and the limits on spending."""
        if by not in self.tariff.counts_messages_of or self.phase not in LIVE:
            return True
        if self.pauses.active is not None:
            return True
        number = self.elapsed_ticks(self._now_ns) + 1
        usage = self._usage(number - 1).plus(self._counting.period(number), 1, 1)
        return self._bounds.covers(self.cover, usage)

    def consent(self, kind: ConsentKind, now_ns: int, *, wall_ns: int) -> bool:
        """The client says yes; False where it was not asked. `Consented` comes with the next `advance`."""
        if not self._takes(MeterInput.CONSENT) or not self._bounds.checkpoints.agree(kind):
            return False
        self.record.anchor(AnchorKind.CONSENT, at_ns=now_ns, wall_ns=wall_ns, boot=self._boot, consent=kind)
        self._agreed.append(effect.Consented(kind=kind))
        return True

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

    def _tie(self, anchor: Anchor) -> None:
        """What was agreed by the wall clock is kept by the monotonic clock from here on."""
        self._counting.periods.tie(anchor)
        self._bounds.tie(anchor)

    @property
    def segment_at_ns(self) -> int:
        """When the running segment began, or will; 0 before any."""
        return self._counting.segment.at_ns

    def tick_end_ns(self, number: int) -> int:
        """When second `number` of the running segment ends."""
        return self._counting.segment.tick_end_ns(number)

    def elapsed_ticks(self, now_ns: int) -> int:
        """Seconds of the session that have ended by `now_ns`, or by the stop."""
        until_ns = now_ns if self.stop_mark is None else min(now_ns, self.stop_mark.at_ns)
        return self._counting.segment.elapsed(until_ns)

    def provisional_s(self, now_ns: int) -> int:
        """Ended seconds that wait for their far bracket."""
        if self.phase not in (*LIVE, MeterPhase.DRAINING):
            return 0
        return self.elapsed_ticks(now_ns) - self.record.tally.ticks

    def _usage(self, until_tick: int) -> Usage:
        return self._counting.usage(self.record, until_tick=until_tick)
