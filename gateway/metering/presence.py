"""What counts as evidence that a leg was there, and the media start witness.

Decides, from the relay's counters, the newest instant at which a leg was
present and whether both legs have begun to talk (docs/metering.md). A provider
who is not muted must send voice; a client is present also by RTCP and consent,
so not sending is no way around the meter.
Never brackets seconds (`bracket.py`).
"""

from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.limits import MEDIA_GAP_NS
from gateway.terms import LegEvidence, SessionKind, Side


def present_at_ns(leg: LegEvidence, kind: SessionKind, *, muted: bool) -> int:
    """The newest instant at which `leg` showed itself; 0 when it never did."""
    if not leg.connected:
        return 0
    is_voice = kind is not SessionKind.TEXT
    if is_voice and leg.side is Side.PROVIDER and not muted:
        return leg.rtp_last_ns
    path_ns = max(leg.rtcp_last_ns, leg.stun_last_ns, leg.sctp_last_ns)
    return max(leg.rtp_last_ns, path_ns) if is_voice else path_ns


@dataclass(slots=True)
class VoiceStart:
    """Consecutive seconds in which a leg's voice arrived."""

    packets: int = 0
    second: int = -2
    """The last grid second with voice."""
    seconds_running: int = 0

    def note(self, leg: LegEvidence) -> None:
        """Take a reading of the counters."""
        if leg.rtp_packets < self.packets:
            self.packets, self.second, self.seconds_running = 0, -2, 0
        if leg.rtp_packets == self.packets:
            return
        self.packets = leg.rtp_packets
        second = leg.rtp_last_ns // NS
        if second == self.second:
            return
        self.seconds_running = self.seconds_running + 1 if second == self.second + 1 else 1
        self.second = second


@dataclass(slots=True)
class MediaStart:
    """The media plane's start witness for one session."""

    kind: SessionKind
    voices: dict[Side, VoiceStart] = field(default_factory=lambda: {side: VoiceStart() for side in Side})
    standing: dict[Side, bool] = field(default_factory=lambda: dict.fromkeys(Side, False))
    """Whether each leg has shown itself long enough."""

    def note(self, leg: LegEvidence, *, muted: bool, now_ns: int) -> None:
        """Take one leg's reading."""
        self.voices[leg.side].note(leg)
        self.standing[leg.side] = self._stands(leg, muted=muted, now_ns=now_ns)

    def _stands(self, leg: LegEvidence, *, muted: bool, now_ns: int) -> bool:
        if not leg.connected:
            return False
        if self.kind is SessionKind.TEXT:
            return leg.sctp_last_ns > 0 and now_ns - max(leg.stun_last_ns, leg.sctp_last_ns) <= MEDIA_GAP_NS
        if self.voices[leg.side].seconds_running >= 2 and leg.rtp_forwarded > 0:
            return True
        return muted and leg.rtcp_last_ns > 0 and now_ns - leg.stun_last_ns <= MEDIA_GAP_NS
