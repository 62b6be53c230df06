"""Commands: what was asked of the ledger, by a name that its maker gave it.

Decides when two commands are the same: same id and same fingerprint. The same id
with another fingerprint is a conflict, never a second effect.
Never stores anything; the store keeps id, fingerprint and answer in the same
transaction as the effect. Refused commands leave no trace, so they may be tried
again when the wallet has been filled.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class CommandName(StrEnum):
    """What may be asked of the ledger."""

    TOP_UP = "top_up"
    PROMO_GRANT = "promo_grant"
    HOLD = "hold"
    SETTLE = "settle"
    PROMO_EXPIRY = "promo_expiry"
    REFUND = "refund"
    COOL_OFF = "cool_off"
    CASE_OPEN = "case_open"
    CASE_DECIDE = "case_decide"
    PAYOUT = "payout"
    PAYOUT_SENT = "payout_sent"
    PAYOUT_BACK = "payout_back"
    WITHDRAWAL = "withdrawal"
    WITHDRAWAL_SENT = "withdrawal_sent"
    WITHDRAWAL_BACK = "withdrawal_back"
    PROCESSOR_LINE = "processor_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing asked."""

    id: str
    """Made by the asker, or derived from what the command is about."""
    name: CommandName
    body: Mapping[str, str | int | None]
    """What must be equal for a repetition to be the same command."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of name and body in canonical JSON."""
        text = _CANONICAL.encode([self.name, dict(self.body)])
        return hashlib.sha256(text.encode()).hexdigest()
