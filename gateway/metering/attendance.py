"""One participant as the meter knows it: both witnesses of one side, and its clocks.

Decides whether a side stands in a span of time and when it is taken for gone.
The rules over both sides are in `judgement.py` and `meter.py`.
Keeps: application evidence is dated to the end of the tick that was
acknowledged, never to the arrival of the acknowledgement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.limits import ACK_GAP_NS, LEG_LOST_NS, MEDIA_GAP_NS, RESUME_GRACE_NS, WITNESS_ALONE_STOP_NS
from gateway.metering.bracket import Bracket
from gateway.metering.clock_agreement import AppClock, RtpClock
from gateway.terms import EndReason, LegEvidence, Side, SuspendReason


@dataclass(slots=True)
class Attendance:
    """The evidence of one side."""

    side: Side
    media: Bracket = field(default_factory=lambda: Bracket(gap_ns=MEDIA_GAP_NS))
    """What the relay saw."""
    app: Bracket = field(default_factory=lambda: Bracket(gap_ns=ACK_GAP_NS))
    """What the app confirmed."""
    rtp_clock: RtpClock = field(default_factory=RtpClock)
    app_clock: AppClock = field(default_factory=AppClock)
    is_muted: bool = False
    is_pathless: bool = False
    """A text leg that reaches the gateway by its socket only; its acknowledgements stand for both witnesses."""
    has_confirmed: bool = False
    has_socket: bool = True
    acked_tick: int = 0
    """Newest tick acknowledged with the right head."""
    reading: LegEvidence | None = None
    """The relay's last counters of this leg."""

    def acknowledged(self, tick: int, *, end_ns: int, clock_ms: int | None, now_ns: int) -> None:
        """The app has seen `tick`, which ended at `end_ns`; `clock_ms` is its own clock then."""
        self.acked_tick = max(self.acked_tick, tick)
        self.app.note(end_ns)
        if clock_ms is not None:
            self.app_clock.note(clock_ms, end_ns=end_ns, now_ns=now_ns)

    def stands(self, from_ns: int, until_ns: int) -> bool:
        """Whether both witnesses of this side bracket the span."""
        if not self.app.covers(from_ns, until_ns):
            return False
        return self.is_pathless or self.media.covers(from_ns, until_ns)

    def can_stand(self, from_ns: int, until_ns: int, *, now_ns: int) -> bool:
        """Whether both witnesses bracket the span or may still come to."""
        if not self.app.can_cover(from_ns, until_ns, now_ns=now_ns):
            return False
        return self.is_pathless or self.media.can_cover(from_ns, until_ns, now_ns=now_ns)

    def gap(self, now_ns: int) -> SuspendReason | None:
        """Which witness of this side has been silent for too long."""
        if not self.is_pathless and self.media.is_stale(now_ns):
            return SuspendReason.MEDIA_GAP
        return SuspendReason.ACK_GAP if self.app.is_stale(now_ns) else None

    def media_lost_at_ns(self, since_ns: int) -> int:
        """When the relay takes the leg for gone, if nothing more comes."""
        if self.is_pathless:
            return self.app_lost_at_ns(since_ns)
        return max(since_ns, self.media.last_ns or 0) + LEG_LOST_NS

    def app_lost_at_ns(self, since_ns: int) -> int:
        """When the app is taken for gone, if nothing more comes.

        The newest acknowledgement may be a second older than the loss of the socket,
        which has its whole grace to come back.
        """
        return max(since_ns, self.app.last_ns or 0) + RESUME_GRACE_NS + NS

    def lost(self, now_ns: int, *, since_ns: int) -> "Loss | None":
        """Whether the side is gone: both witnesses say so, or one has stood alone too long."""
        media_ns, app_ns = self.media_lost_at_ns(since_ns), self.app_lost_at_ns(since_ns)
        first_ns = min(media_ns, app_ns)
        if now_ns >= max(media_ns, app_ns):
            return Loss(side=self.side, since_ns=first_ns, is_alone=False)
        if now_ns >= first_ns + WITNESS_ALONE_STOP_NS:
            return Loss(side=self.side, since_ns=first_ns, is_alone=True)
        return None

    @property
    def steady_until_ns(self) -> int:
        """Before this instant the side is neither gone nor silent for too long, even if nothing more comes."""
        app_ns = (self.app.last_ns or 0) + ACK_GAP_NS
        return app_ns if self.is_pathless else min(app_ns, (self.media.last_ns or 0) + MEDIA_GAP_NS)

    def forget_before(self, at_ns: int) -> None:
        """Evidence that ended before `at_ns` can bracket nothing later."""
        self.media.forget_before(at_ns)
        self.app.forget_before(at_ns)

    @property
    def last_shared_ns(self) -> int:
        """The last instant that both witnesses of this side reach."""
        app_ns = self.app.last_ns or 0
        return app_ns if self.is_pathless else min(self.media.last_ns or 0, app_ns)

    @property
    def rtp_packets(self) -> int:
        """Authenticated RTP packets so far, modulo 2^32."""
        return self.reading.rtp_packets & 0xFFFFFFFF if self.reading else 0

    @property
    def rtp_span(self) -> int:
        """RTP timestamp advance so far, modulo 2^32."""
        return self.reading.rtp_span & 0xFFFFFFFF if self.reading else 0

    @property
    def app_clock_ms(self) -> int:
        """What the app's own clock said last, modulo 2^32."""
        return (self.app_clock.last_ms or 0) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A side that is gone."""

    side: Side
    since_ns: int
    is_alone: bool
    """Only one witness says so; the record is graded B."""

    @property
    def reason(self) -> EndReason:
        """What ends the session by it."""
        return EndReason.LOST_CLIENT if self.side is Side.CLIENT else EndReason.LOST_PROVIDER


def first_loss(sides: Iterable[Attendance], now_ns: int, *, since_ns: int) -> Loss | None:
    """The side that went first; seconds count from `since_ns`."""
    losses = [loss for side in sides if (loss := side.lost(now_ns, since_ns=since_ns))]
    return min(losses, key=lambda loss: loss.since_ns, default=None)


def gap_between(sides: Iterable[Attendance], now_ns: int) -> SuspendReason | None:
    """Why seconds cannot count now; the media plane is named before the apps."""
    gaps = [gap for side in sides if (gap := side.gap(now_ns))]
    return SuspendReason.MEDIA_GAP if SuspendReason.MEDIA_GAP in gaps else next(iter(gaps), None)


assert LEG_LOST_NS > MEDIA_GAP_NS, "a leg is silent for too long before it is gone"
