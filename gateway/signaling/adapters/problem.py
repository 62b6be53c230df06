"""Refusals and failures as socket messages and as errors over HTTP.

Decides how an outcome looks at each edge: a `problem` message with the
outcome's sentences, or the error class whose status fits.
Never decides the outcome; services do.
"""

from gateway.errors import (
    Conflict,
    Forbidden,
    GatewayError,
    Malformed,
    NotFound,
    PaymentNeeded,
    TooMany,
    Unauthenticated,
    Unprocessable,
)
from gateway.signaling.notice import Problem
from gateway.signaling.outcome import SENTENCES, Outcome
from gateway.terms import TariffSnapshot

ERRORS: dict[Outcome, type[GatewayError]] = {
    Outcome.TOO_MANY_REQUESTS: TooMany,
    Outcome.NOT_FOUND: NotFound,
    Outcome.FORBIDDEN: Forbidden,
    Outcome.WRONG_STATE: Conflict,
    Outcome.REPLACED: Conflict,
    Outcome.BARRED: Forbidden,
    Outcome.TARIFF_CHANGED: Conflict,
    Outcome.TARIFF_INVALID: Unprocessable,
    Outcome.PROVIDER_OFFLINE: Conflict,
    Outcome.BUSY: Conflict,
    Outcome.INSUFFICIENT_FUNDS: PaymentNeeded,
    Outcome.NONCE_MISMATCH: Conflict,
    Outcome.TARIFF_MISMATCH: Conflict,
    Outcome.NOT_ASKED: Conflict,
    Outcome.NOT_COVERED: PaymentNeeded,
    Outcome.UNKNOWN_TICK: Conflict,
    Outcome.HEAD_MISMATCH: Conflict,
    Outcome.MALFORMED: Malformed,
    Outcome.UNKNOWN_TYPE: Malformed,
    Outcome.UNAUTHENTICATED: Unauthenticated,
}
"""Which error an outcome is over HTTP; the code stays the outcome's."""


def of_outcome(
    outcome: Outcome, *, re: str | None, detail: str | None = None, fresh: TariffSnapshot | None = None
) -> Problem:
    """A refusal as a message; `fresh` goes with tariff_changed."""
    title, sentence = SENTENCES[outcome]
    return Problem(
        code=outcome.value,
        title=title,
        detail=detail or sentence,
        re=re,
        tariff=fresh.terms() if fresh else None,
        tariff_hash=fresh.hash if fresh else None,
    )


def of_failure(failure: GatewayError, *, re: str | None) -> Problem:
    """A failure as a message."""
    return Problem(
        code=failure.wire_code,
        title=failure.title,
        detail=failure.detail,
        re=re,
        retry_after_s=failure.extensions.get("retry_after_s"),
    )


def error_of(outcome: Outcome) -> GatewayError:
    """A refusal as an error for the HTTP edge."""
    return ERRORS[outcome](SENTENCES[outcome][1], code=outcome.value)
