"""Answers of the metering service that are refusals, not failures.

Decides the order of precedence in which a refusal is named; the first that
applies is given. The wire codes are these values.
"""

from enum import StrEnum


class OpenStatus(StrEnum):
    """Whether a meter opened."""

    OPENED = "opened"
    EXISTS = "exists"
    """The same session was opened before; nothing changed."""
    TARIFF_INVALID = "tariff_invalid"
    ACCOUNT_BARRED = "account_barred"
    INSUFFICIENT_FUNDS = "insufficient_funds"


class ConfirmStatus(StrEnum):
    """What became of an "I hear the other side"."""

    CONFIRMED = "confirmed"
    UNKNOWN_SESSION = "unknown_session"
    NOT_AWAITED = "not_awaited"
    NONCE_MISMATCH = "nonce_mismatch"
    TARIFF_MISMATCH = "tariff_mismatch"


class ConsentStatus(StrEnum):
    """What became of a yes to spending more or to the next block."""

    GIVEN = "given"
    UNKNOWN_SESSION = "unknown_session"
    NOT_THE_PAYER = "not_the_payer"
    """Only the client pays, so only the client can agree."""
    NOT_ASKED = "not_asked"
    """There is nothing to agree to at present."""
