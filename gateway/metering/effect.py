"""What a meter asks for: the values its methods return.

Decides nothing; `service.py` carries effects out, in order: what stops comes
before what is told.
Never a fact: a fact is told after its row is committed.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.metering.allowance import HoldRequest
from gateway.metering.usage import Usage
from gateway.terms import ConsentKind, EndReason, SuspendReason, WarningReason


class Ack(StrEnum):
    """What became of an acknowledgement, in order of precedence."""

    ACKNOWLEDGED = "acknowledged"
    NOT_RUNNING = "not_running"
    UNKNOWN_TICK = "unknown_tick"
    HEAD_MISMATCH = "head_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Both start witnesses came."""

    at_ns: int
    """When the first second begins."""
    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """Seconds do not count from now on."""

    reason: SuspendReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Seconds count again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A second ended."""

    number: int
    left_s: int
    """Until the nearest limit."""
    head: str
    """Head of what is stored of the chain; what the apps acknowledge."""
    usage: Usage
    """What is or may be found witnessed by its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Time left fell to a threshold."""

    seconds_left: int
    reason: WarningReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """The cost passed a multiple of the tariff's `spend_notify_micros`."""

    spent_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The session cannot go on beyond `seconds_left` unless the client says yes."""

    kind: ConsentKind
    seconds_left: int
    spent_micros: int
    price_micros: int
    """What the next prepaid block costs; 0 where the question is about spending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """The client said yes; the CONSENT anchor is in the record."""

    kind: ConsentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldNeeded:
    """The cover runs low."""

    request: HoldRequest
    ordinal: int
    """Number of this hold within the session, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No second after `at_ns` can count; forwarding must stop now."""

    reason: EndReason
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Every second is found: rate, sign, settle."""


Effect = (
    Started
    | Suspended
    | Resumed
    | Ticked
    | Warned
    | Noticed
    | Asked
    | Consented
    | HoldNeeded
    | Stopped
    | Frozen
)
