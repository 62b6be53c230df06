"""What really happened, told by whoever staged it: the auditor's only source besides the database.

Decides the vocabulary of events; every instant is true monotonic nanoseconds of
the staged world, every amount micros. Names of sides, reasons and states are
the wire's plain strings.
Never computed from what the gateway says, except the `…Shown` events, which are
what the participants' apps received.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at an instant."""

    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayUp(Event):
    """A gateway process began to serve; `owner` names it, several may overlap after a split."""

    owner: str
    wall_ns: int
    """Its wall clock at that instant."""
    boot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOpens(Event):
    """A process starts while another lives; it may take sessions over long before it serves."""

    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDown(Event):
    """The process `owner` died; what it had not committed is lost."""

    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WallStepped(Event):
    """The wall clock was set; monotonic time went on."""

    by_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled(Event):
    """No process got to run from this instant on, for so long."""

    for_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed(Event):
    """From here on the store refuses, hangs or is slow (`is_down`), or works again."""

    is_down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent(Event):
    """Something of one session."""

    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(SessionEvent):
    """A client asked for a session and the gateway took it."""

    client: str
    provider: str
    kind: str
    """`voice` or `text`."""
    tariff: dict[str, Any]
    """The terms both sides were shown."""
    fee_bp: int
    duration_s_max: int
    slot_ends_wall_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(SessionEvent):
    """The provider said yes and was told that it counts."""

    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(SessionEvent):
    """From here on authenticated packets of that plane reach the gateway every 250 ms or oftener, or stop."""

    side: str
    plane: str
    """`rtp` (voice, DTX included while it sends at all) or `path` (STUN consent, RTCP, SCTP)."""
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted(SessionEvent):
    """A participant declared itself muted, or not; the gateway took it."""

    side: str
    is_muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed(SessionEvent):
    """An app said "I hear the other side" with the right nonce and hash; the gateway took it."""

    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickShown(SessionEvent):
    """An app received a tick."""

    side: str
    tick: int
    billed_s: int
    cost_micros: int
    time_left_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked(SessionEvent):
    """An acknowledgement of `tick` arrived at the gateway and was taken."""

    side: str
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRan(SessionEvent):
    """One of the participant's clocks runs at `rate_ppm` of true time from here on (1_000_000 = true)."""

    side: str
    clock: str
    """`rtp` or `app`."""
    rate_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(SessionEvent):
    """Metering was paused from outside (moderation, sos, operator), or the pause was lifted."""

    reason: str
    is_on: bool
    owner: str = ""
    """The process that said yes; it may have lost the session without knowing yet. Empty: whichever served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSent(SessionEvent):
    """A line of text was taken for delivery."""

    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketChanged(SessionEvent):
    """A participant's last socket went away, or is back."""

    side: str
    is_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(SessionEvent):
    """Somebody ended it: `hangup_client`, `operator`, … as the wire spells it; the gateway took it.

    One that a crash or take-over undid may be told again; the auditor knows by the restart that followed.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningShown(SessionEvent):
    """An app received a near-end warning; the instant is the one at which the gateway handed it over."""

    side: str
    seconds_left: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAskedShown(SessionEvent):
    """The client's app was asked."""

    kind: str
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented(SessionEvent):
    """The client said yes and the gateway took it."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(SessionEvent):
    """An app reported its own seconds after the end."""

    side: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyMeant(Event):
    """Money that a person or a payment provider really moved, or meant to, once.

    May be told before or after its commit; at the end each flow's sums must agree, so tell only what is sure to come.
    """

    flow: str
    """`top_up`, `promo_grant`, `refund`, `payout`, `dispute_open`, … as the ledger's flows are called."""
    account: str
    key: str
    """Payment, campaign, payout: what must not happen twice."""
    micros: int
    expires_wall_ns: int | None = None
    session: str | None = None
