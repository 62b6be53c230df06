"""Legs without packets: what the relay would have counted, worked out from when it flowed.

Decides the counters of each leg at any instant from the spans in which packets
arrived. It stands in for media both towards signalling and towards metering.
Never parses, sends or encrypts anything.
Keeps: counters never fall in one life of a process, and begin anew in the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.clock import NS
from gateway.errors import Unprocessable
from gateway.ids import AccountId, SessionId
from gateway.terms import LegEvidence, SessionKind, Side
from loadtest.simulation.loop import VirtualLoop

VOICE_PACKET_NS = 20_000_000
"""Between two packets of somebody who speaks."""
DTX_PACKET_NS = 200_000_000
"""Between two packets of somebody who is silent."""
PATH_PACKET_NS = 200_000_000
"""Between two checks or reports of a path."""
RTP_HZ = 48_000
PPM = 1_000_000


@dataclass(slots=True, eq=False)
class SimulatedLeg:
    """One leg as its gateway sees it."""

    session: SessionId
    side: Side
    kind: SessionKind
    is_linked: bool = False
    forwarded: int = 0
    rtp_since_ns: int | None = None
    """Since when voice has been arriving; None while it does not."""
    rtp_step_ns: int = VOICE_PACKET_NS
    rtp_first_ns: int = 0
    rtp_last_ns: int = 0
    rtp_packets: int = 0
    """Of the spans that are over."""
    rtp_base_ns: int = 0
    """Media time of the spans and pauses that are over."""
    rtp_rate_ppm: int = PPM
    rate_since_ns: int = 0
    path_since_ns: int | None = None
    path_last_ns: int = 0

    def set_rtp(self, now_ns: int, *, is_on: bool) -> None:
        """Voice begins or ceases to arrive."""
        if is_on == (self.rtp_since_ns is not None):
            return
        if is_on:
            self.rtp_since_ns = now_ns
            if not self.rtp_first_ns:
                self.rtp_first_ns = self.rate_since_ns = now_ns
        else:
            self.rtp_packets, self.rtp_last_ns = self._rtp(now_ns)
            self.rtp_since_ns = None

    def set_path(self, now_ns: int, *, is_on: bool) -> None:
        """Checks and reports begin or cease to arrive."""
        if is_on and self.path_since_ns is None:
            self.path_since_ns = now_ns
        elif not is_on and self.path_since_ns is not None:
            self.path_last_ns = self._path(now_ns)
            self.path_since_ns = None

    def set_rate(self, now_ns: int, ppm: int) -> None:
        """The sender's media clock runs at another rate from now on."""
        if self.rtp_first_ns:
            self.rtp_base_ns += (now_ns - self.rate_since_ns) * self.rtp_rate_ppm // PPM
        self.rate_since_ns, self.rtp_rate_ppm = now_ns, ppm

    def evidence(self, now_ns: int) -> LegEvidence:
        """The counters now."""
        packets, rtp_last_ns = self._rtp(now_ns)
        path_ns = self._path(now_ns)
        if self.is_linked:
            self.forwarded = packets
        is_text = self.kind is SessionKind.TEXT
        span_ns = 0
        if self.rtp_first_ns:
            span_ns = self.rtp_base_ns + (rtp_last_ns - self.rate_since_ns) * self.rtp_rate_ppm // PPM
        return LegEvidence(
            session=self.session,
            side=self.side,
            connected=path_ns > 0 or packets > 0,
            rtp_packets=packets,
            rtp_first_ns=self.rtp_first_ns,
            rtp_last_ns=rtp_last_ns,
            rtcp_last_ns=0 if is_text else path_ns,
            stun_last_ns=path_ns,
            sctp_last_ns=path_ns if is_text else 0,
            rtp_forwarded=self.forwarded,
            rtp_span=max(0, span_ns) * RTP_HZ // NS,
            level_dbov=-30 if packets else -127,
        )

    def _rtp(self, now_ns: int) -> tuple[int, int]:
        if self.rtp_since_ns is None:
            return self.rtp_packets, self.rtp_last_ns
        steps = (now_ns - self.rtp_since_ns) // self.rtp_step_ns
        return self.rtp_packets + steps + 1, self.rtp_since_ns + steps * self.rtp_step_ns

    def _path(self, now_ns: int) -> int:
        if self.path_since_ns is None:
            return self.path_last_ns
        return now_ns - (now_ns - self.path_since_ns) % PATH_PACKET_NS


class SimulatedMedia:
    """The media plane of one process."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._legs: dict[tuple[SessionId, Side], SimulatedLeg] = {}
        self.on_text: Callable[[SessionId, Side, str], None] | None = None
        self.linked: set[SessionId] = set()

    async def answer(self, session: SessionId, side: Side, kind: SessionKind, offer_sdp: str) -> str:
        """A fresh leg for every offer, as after a new handshake."""
        if offer_sdp == "bad":
            raise Unprocessable("line 1: no", code="bad_offer")
        if (session, side) not in self._legs:
            leg = SimulatedLeg(session=session, side=side, kind=kind, is_linked=session in self.linked)
            self._legs[session, side] = leg
        return "answer"

    def leg(self, session: SessionId, side: Side) -> SimulatedLeg | None:
        """The leg, where one was offered and is open."""
        return self._legs.get((session, side))

    def link(self, session: SessionId) -> None:
        """Forward both ways."""
        self.linked.add(session)
        for side in Side:
            if leg := self._legs.get((session, side)):
                leg.is_linked = True

    def unlink(self, session: SessionId) -> None:
        """Forward neither way."""
        self.linked.discard(session)
        for side in Side:
            if leg := self._legs.get((session, side)):
                leg.is_linked = False

    def evidence(self) -> Sequence[LegEvidence]:
        """Every leg's counters."""
        now_ns = self._loop.now_ns
        return [leg.evidence(now_ns) for leg in self._legs.values()]

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """A muted leg's voice is not forwarded; what arrives is counted all the same."""

    def send_text(self, session: SessionId, side: Side, text: str) -> bool:
        """No channel is open here; lines go by socket."""
        return False

    async def close(self, session: SessionId) -> None:
        """Forget both legs."""
        self.linked.discard(session)
        for side in Side:
            self._legs.pop((session, side), None)

    def ice_servers(self, account: AccountId) -> list[dict[str, object]]:
        """None are needed."""
        return []
