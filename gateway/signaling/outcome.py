"""What became of something an app asked for.

Decides the refusals, in order of precedence, and their sentences; the values
are the `code` of a problem on the wire.
Never raises: a refusal is an answer. What fails is `gateway.errors`.
See docs/wire.md, "Refusals".
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """The answer to a command; everything but DONE is a refusal."""

    DONE = "done"
    TOO_MANY_REQUESTS = "too_many_requests"
    """Faster than the rate allows."""
    NOT_FOUND = "not_found"
    """No such thing, or not the caller's; the two cannot be told apart."""
    FORBIDDEN = "forbidden"
    """Not for this role or side."""
    WRONG_STATE = "wrong_state"
    """The session is not in a state that allows it."""
    REPLACED = "replaced"
    """Another device of the same account holds the leg."""
    BARRED = "barred"
    """The account may not begin sessions."""
    TARIFF_CHANGED = "tariff_changed"
    """The price agreed to is no longer the price."""
    TARIFF_INVALID = "tariff_invalid"
    """The provider's price rule cannot be metered."""
    PROVIDER_OFFLINE = "provider_offline"
    """The provider takes no calls now."""
    BUSY = "busy"
    """One of the two is in another session."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    """The first hold does not fit into the wallet."""
    NONCE_MISMATCH = "nonce_mismatch"
    """The confirmation quotes another nonce."""
    TARIFF_MISMATCH = "tariff_mismatch"
    """The confirmation quotes another tariff."""
    NOT_ASKED = "not_asked"
    """Nothing is waiting for this yes."""
    NOT_COVERED = "not_covered"
    """What is set aside does not pay for one more line."""
    UNKNOWN_TICK = "unknown_tick"
    """No such tick was sent lately."""
    HEAD_MISMATCH = "head_mismatch"
    """The evidence head differs from the one sent."""
    MALFORMED = "malformed"
    """The message cannot be read."""
    UNKNOWN_TYPE = "unknown_type"
    """There is no message of this type."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody has signed in on this socket."""


SENTENCES: Mapping[Outcome, tuple[str, str]] = MappingProxyType(
    {
        Outcome.DONE: ("Done", ""),
        Outcome.TOO_MANY_REQUESTS: ("Too many requests", "Wait a moment and try again."),
        Outcome.NOT_FOUND: ("Not found", "There is nothing under this name for this account."),
        Outcome.FORBIDDEN: ("Not allowed", "This account or side may not do that."),
        Outcome.WRONG_STATE: ("Not possible now", "The session is not in a state that allows this."),
        Outcome.REPLACED: ("Taken over", "Another device of this account holds the session."),
        Outcome.BARRED: ("Not allowed now", "This account may not begin sessions at present."),
        Outcome.TARIFF_CHANGED: ("The price has changed", "Look at the new price and call again."),
        Outcome.TARIFF_INVALID: ("No valid price", "The provider's price cannot be metered."),
        Outcome.PROVIDER_OFFLINE: ("Not available", "The provider takes no calls at present."),
        Outcome.BUSY: ("Busy", "One of the two is in another session."),
        Outcome.INSUFFICIENT_FUNDS: ("Not enough money", "Top up to cover the first minute."),
        Outcome.NONCE_MISMATCH: ("Not confirmed", "The nonce is not the one of this side of this session."),
        Outcome.TARIFF_MISMATCH: ("Not confirmed", "The tariff hash is not the one that was accepted."),
        Outcome.NOT_ASKED: ("Nothing was asked", "This session waits for no such consent."),
        Outcome.NOT_COVERED: ("Not enough money", "Top up before you send this line."),
        Outcome.UNKNOWN_TICK: ("Not acknowledged", "No such tick was sent lately."),
        Outcome.HEAD_MISMATCH: ("Not acknowledged", "The evidence head is not the one that was sent."),
        Outcome.MALFORMED: ("The message cannot be read", "See /asyncapi.json for its shape."),
        Outcome.UNKNOWN_TYPE: ("Unknown message type", "See /asyncapi.json for what may be sent."),
        Outcome.UNAUTHENTICATED: ("Sign in first", "Send auth with a valid access token."),
    }
)
"""Title and detail of each."""
