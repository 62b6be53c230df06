"""What an operator may do to a live session, and that he must say why.

Decides which interventions there are and what counts as a reason.
Never carries one out (service.py, through signalling) and never records it
(audit.py). Keeps: no intervention without a reason a second person can read.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.ids import AccountId, SessionId

REASON_CHARACTERS_MIN = 3
"""Shorter says nothing."""
REASON_CHARACTERS_MAX = 500
"""Longer is a report, which belongs elsewhere."""


class InterventionKind(StrEnum):
    """What is done; the spelling is the audit log's."""

    END = "session.end"
    """End the session with the end reason `operator`."""
    PAUSE = "session.pause"
    """Stop seconds and forwarding."""
    RESUME = "session.resume"
    """Lift the operator's, the moderation's or the SOS pause."""


class ReasonStatus(StrEnum):
    """Whether a reason is one, in order of precedence."""

    GIVEN = "given"
    TOO_SHORT = "too_short"
    """Fewer than 3 characters that show."""
    TOO_LONG = "too_long"
    """More than 500 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """An operator's act."""

    kind: InterventionKind
    session: SessionId
    who: AccountId
    reason: str
    """As `tidy_reason` leaves it."""


def tidy_reason(reason: str) -> str:
    """One line without what does not show: runs of white space become one space."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in reason).split())


def reason_status(reason: str) -> ReasonStatus:
    """Whether `reason` will do."""
    tidy = tidy_reason(reason)
    if len(tidy) < REASON_CHARACTERS_MIN:
        return ReasonStatus.TOO_SHORT
    if len(tidy) > REASON_CHARACTERS_MAX:
        return ReasonStatus.TOO_LONG
    return ReasonStatus.GIVEN
