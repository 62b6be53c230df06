"""The life of a session as one table: state × event → state.

Decides which state may follow which. Signalling asks by event; a store that is
told a target state asks `can_move`, which reads the same table.
Never decides when an event happens (`service.py`, metering) and never touches
money; every row is committed together with its money effect.
Keeps: a stopped session never counts again; an ended one never reopens, except
into a dispute. See docs/metering.md, "Session states".
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gateway.terms import EndReason, SessionState, Side

S = SessionState


class SessionEvent(StrEnum):
    """What can happen to a session."""

    RING = "ring"
    """The first hold is committed; the provider's apps are told."""
    REFUSE_BUSY = "refuse_busy"
    """The provider is in another session."""
    ACCEPT = "accept"
    """The provider said yes."""
    DECLINE = "decline"
    """The provider said no."""
    CANCEL = "cancel"
    """The client gave up, or the gateway stopped, before an answer."""
    MISS = "miss"
    """Nobody answered before the deadline."""
    CONNECT = "connect"
    """A leg offered media."""
    FAIL_TO_CONNECT = "fail_to_connect"
    """The start witnesses never both came, or a side left before they did."""
    START = "start"
    """Both start witnesses came."""
    SUSPEND = "suspend"
    """Seconds stop counting; a further reason may join the first."""
    RESUME = "resume"
    """Seconds count again."""
    RECOVER = "recover"
    """Found live at start-up."""
    STOP = "stop"
    """No further second can count."""
    RATE = "rate"
    """Seconds are frozen and priced."""
    SETTLE = "settle"
    """Money has moved."""
    DISPUTE = "dispute"
    """A party contests the receipt."""
    ADJUST = "adjust"
    """The dispute ended with a correcting transfer."""


TRANSITIONS: Mapping[tuple[SessionState, SessionEvent], SessionState] = MappingProxyType(
    {
        (S.CREATED, SessionEvent.RING): S.RINGING,
        (S.CREATED, SessionEvent.REFUSE_BUSY): S.BUSY,
        (S.CREATED, SessionEvent.CANCEL): S.CANCELLED,
        (S.RINGING, SessionEvent.ACCEPT): S.ACCEPTED,
        (S.RINGING, SessionEvent.DECLINE): S.DECLINED,
        (S.RINGING, SessionEvent.CANCEL): S.CANCELLED,
        (S.RINGING, SessionEvent.MISS): S.MISSED,
        (S.ACCEPTED, SessionEvent.CONNECT): S.CONNECTING,
        (S.ACCEPTED, SessionEvent.FAIL_TO_CONNECT): S.CONNECT_FAILED,
        (S.ACCEPTED, SessionEvent.STOP): S.ENDING,
        (S.CONNECTING, SessionEvent.FAIL_TO_CONNECT): S.CONNECT_FAILED,
        (S.CONNECTING, SessionEvent.START): S.METERING,
        (S.CONNECTING, SessionEvent.STOP): S.ENDING,
        (S.METERING, SessionEvent.SUSPEND): S.SUSPENDED,
        (S.METERING, SessionEvent.RECOVER): S.RECOVERING,
        (S.METERING, SessionEvent.STOP): S.ENDING,
        (S.SUSPENDED, SessionEvent.SUSPEND): S.SUSPENDED,
        (S.SUSPENDED, SessionEvent.RESUME): S.METERING,
        (S.SUSPENDED, SessionEvent.RECOVER): S.RECOVERING,
        (S.SUSPENDED, SessionEvent.STOP): S.ENDING,
        (S.RECOVERING, SessionEvent.SUSPEND): S.SUSPENDED,
        (S.RECOVERING, SessionEvent.RESUME): S.METERING,
        (S.RECOVERING, SessionEvent.RECOVER): S.RECOVERING,
        (S.RECOVERING, SessionEvent.STOP): S.ENDING,
        # A stop that leaves no second to wait for is rated at once, as after a restart.
        (S.METERING, SessionEvent.RATE): S.RATED,
        (S.SUSPENDED, SessionEvent.RATE): S.RATED,
        (S.RECOVERING, SessionEvent.RATE): S.RATED,
        # A stop and a rating that were committed just before a crash are said again.
        (S.ENDING, SessionEvent.STOP): S.ENDING,
        (S.ENDING, SessionEvent.RATE): S.RATED,
        (S.RATED, SessionEvent.RATE): S.RATED,
        (S.RATED, SessionEvent.SETTLE): S.SETTLED,
        (S.SETTLED, SessionEvent.DISPUTE): S.DISPUTED,
        (S.DISPUTED, SessionEvent.ADJUST): S.ADJUSTED,
    }
)
"""Every transition there is; a pair that is not here is refused."""

MOVES: frozenset[tuple[SessionState, SessionState]] = frozenset(
    (state, target) for (state, _), target in TRANSITIONS.items()
)
"""The same table by target state."""

VOIDED = frozenset({S.DECLINED, S.MISSED, S.CANCELLED, S.BUSY, S.CONNECT_FAILED})
"""Side exits: the hold is void, the receipt is zero."""
FINISHED = VOIDED | {S.SETTLED, S.DISPUTED, S.ADJUSTED}
"""Nothing of the session is live any more."""
OPEN = frozenset(
    {S.CREATED, S.RINGING, S.ACCEPTED, S.CONNECTING, S.METERING, S.SUSPENDED, S.RECOVERING, S.ENDING}
)
"""Takes the provider, who may be in one such session; a client may be in a few."""
RINGS = frozenset({S.CREATED, S.RINGING})
"""Not answered yet."""
TALKS = frozenset({S.ACCEPTED, S.CONNECTING, S.METERING, S.SUSPENDED, S.RECOVERING})
"""Answered and not stopped: media may flow."""
CHATS = TALKS | {S.ENDING}
"""Lines of text are taken."""


def next_state(state: SessionState, event: SessionEvent) -> SessionState | None:
    """Where `event` leads from `state`; None where it is refused."""
    return TRANSITIONS.get((state, event))


def can_move(state: SessionState, target: SessionState) -> bool:
    """Whether some event leads from `state` to `target`."""
    return (state, target) in MOVES


def hangup_of(side: Side) -> EndReason:
    """The reason of a session that this side ended."""
    return EndReason.HANGUP_CLIENT if side is Side.CLIENT else EndReason.HANGUP_PROVIDER


def loss_of(side: Side) -> EndReason:
    """The reason of a session that ended because this side was lost."""
    return EndReason.LOST_CLIENT if side is Side.CLIENT else EndReason.LOST_PROVIDER
