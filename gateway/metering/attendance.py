"""One participant as the meter knows it: both witnesses of one side.

Decides nothing by itself; it keeps a side's brackets, marks and last reading
together. The rules over both sides are in `meter.py`.
Keeps: application evidence is dated to the end of the tick that was
acknowledged, never to the arrival of the acknowledgement.
"""

from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.limits import ACK_GAP_NS, LEG_LOST_NS, MEDIA_GAP_NS, RESUME_GRACE_NS, WITNESS_ALONE_STOP_NS
from gateway.metering.bracket import Bracket
from gateway.terms import LegEvidence, Side


@dataclass(slots=True)
class Attendance:
    """The evidence of one side."""

    side: Side
    media: Bracket = field(default_factory=lambda: Bracket(gap_ns=MEDIA_GAP_NS))
    """What the relay saw."""
    app: Bracket = field(default_factory=lambda: Bracket(gap_ns=ACK_GAP_NS))
    """What the app confirmed."""
    is_muted: bool = False
    has_confirmed: bool = False
    has_socket: bool = True
    acked_tick: int = 0
    """Newest tick acknowledged with the right head."""
    reading: LegEvidence | None = None
    """The relay's last counters of this leg."""

    def media_lost_at_ns(self, since_ns: int) -> int:
        """When the relay takes the leg for gone, if nothing more comes."""
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
        if now_ns >= max(media_ns, app_ns):
            return Loss(side=self.side, since_ns=min(media_ns, app_ns), is_alone=False)
        if now_ns >= min(media_ns, app_ns) + WITNESS_ALONE_STOP_NS:
            return Loss(side=self.side, since_ns=min(media_ns, app_ns), is_alone=True)
        return None

    @property
    def last_shared_ns(self) -> int:
        """The last instant that both witnesses of this side reach."""
        return min(self.media.last_ns or 0, self.app.last_ns or 0)

    @property
    def rtp_packets(self) -> int:
        """Authenticated RTP packets so far, modulo 2^32."""
        return self.reading.rtp_packets & 0xFFFFFFFF if self.reading else 0

    @property
    def rtp_span(self) -> int:
        """RTP timestamp advance so far, modulo 2^32."""
        return self.reading.rtp_span & 0xFFFFFFFF if self.reading else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A side that is gone."""

    side: Side
    since_ns: int
    is_alone: bool
    """Only one witness says so; the record is graded B."""
