"""One numbered second of a session with its finding.

Decides what a second may be found to be and how found seconds add up.
Never judges (`judgement.py`) and never prices (`tariff.py`).
Keeps: numbers are gapless from 1; a tick never changes once counted.
"""

from enum import StrEnum
from typing import NamedTuple

from gateway.errors import require
from gateway.metering.usage import Usage
from gateway.terms import SuspendReason


class TickFinding(StrEnum):
    """What a second was found to be; the order is part of the evidence encoding."""

    BILLED = "billed"
    """Bracketed by both legs and both apps."""
    FREE = "free"
    """Bracketed, but inside the tariff's free seconds."""
    PAUSED = "paused"
    """Metering was paused for at least a part of it."""
    UNWITNESSED = "unwitnessed"
    """A bracket is missing or a clock fell short; it costs nothing."""


class Tick(NamedTuple):
    """A counted second. Pairs are (client, provider)."""

    number: int
    """From 1."""
    finding: TickFinding
    media: tuple[bool, bool]
    """Whether each leg's packets bracket the second."""
    apps: tuple[bool, bool]
    """Whether each app's confirmations bracket it."""
    paused_by: SuspendReason | None
    """Why it is PAUSED."""
    ended_at_ns: int
    """Monotonic end of the second."""
    ended_wall_ns: int
    """Wall clock at that end, for display."""
    acked: tuple[int, int]
    """Newest tick each app had acknowledged when the second was judged."""
    rtp_packets: tuple[int, int]
    """Authenticated RTP packets of each leg so far, modulo 2^32."""
    rtp_span: tuple[int, int]
    """RTP timestamp advance of each leg so far in 48 kHz units, modulo 2^32."""
    app_clock_ms: tuple[int, int] = (0, 0)
    """What each app's own clock last said, modulo 2^32; 0 before it said anything."""
    period: int = 0
    """Rate period it lies in; 0 is the tariff's base price."""
    messages: int = 0
    """Billable messages sent in it."""
    short_clocks: int = 0
    """Why it is UNWITNESSED although bracketed: 1 client RTP, 2 provider RTP, 4 client app, 8 provider app
    ran shorter than the server's clock."""


class Tally(NamedTuple):
    """Found seconds, added up."""

    billed_s: int = 0
    free_s: int = 0
    paused_s: int = 0
    unwitnessed_s: int = 0
    usage: Usage = Usage()
    """Billed and free seconds by rate period, and billable messages."""

    @property
    def witnessed_s(self) -> int:
        """The n of C(n)."""
        return self.billed_s + self.free_s

    @property
    def ticks(self) -> int:
        """All seconds found so far."""
        return self.billed_s + self.free_s + self.paused_s + self.unwitnessed_s

    def plus(self, tick: Tick) -> "Tally":
        """The tally after `tick`, which must be the next number."""
        require(tick.number == self.ticks + 1, f"tick {tick.number} does not follow {self.ticks}")
        finding = tick.finding
        is_billed, is_free = finding is TickFinding.BILLED, finding is TickFinding.FREE
        usage = self.usage
        if is_billed or is_free:
            usage = usage.plus(tick.period, 1, tick.messages)
        return Tally(
            billed_s=self.billed_s + is_billed,
            free_s=self.free_s + is_free,
            paused_s=self.paused_s + (finding is TickFinding.PAUSED),
            unwitnessed_s=self.unwitnessed_s + (finding is TickFinding.UNWITNESSED),
            usage=usage,
        )
