"""What must always be true of the books, and how a look at them is reported.

Decides the names of the invariants and the shape of a finding; the numbers come
from the store's own queries, which share no code with what moves the money.
Never repairs anything: a breach stops new holds of the wallets it names and calls
a person. See docs/metering.md, "Ledger".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.ids import AccountId

VIOLATIONS_SHOWN_MAX = 20
"""Sentences kept of one finding; its value still counts all."""


class Invariant(StrEnum):
    """What is looked at; the spelling is the wire's."""

    POSTED_BALANCE = "posted_debits_equal_credits"
    """Value: posted debits minus posted credits of all accounts, in micros."""
    PENDING_BALANCE = "pending_debits_equal_credits"
    """Value: pending debits minus pending credits of all accounts, in micros."""
    NO_OVERDRAFT = "no_wallet_below_zero"
    """Value: accounts of other people's money that are overdrawn, pending counted."""
    PENDING_IS_HOLDS = "pending_equals_open_holds"
    """Value: accounts whose pending counters differ from their open holds."""
    HOLDS_END_ONCE = "every_hold_ends_once"
    """Value: holds that ended twice, by another amount, or not at all though their session is settled."""
    SPLIT_IS_EXACT = "provider_and_fee_equal_charge"
    """Value: settlements whose legs, answer and holds do not agree."""
    NO_ORPHAN_HOLD = "finished_session_has_no_open_hold"
    """Value: sessions that are over and still have an open hold."""
    REPLAY = "balances_equal_replay"
    """Value: accounts whose counters differ from all their transfers, added up from zero."""
    TOP_UPS = "top_ups_credited_once"
    """Value: top-ups whose state and credit do not agree."""
    REFUNDS = "refunds_within_charge"
    """Value: sessions of which more was refunded than charged."""
    CLEARING = "clearing_accounts_return_to_zero"
    """Value: clearing accounts that open items do not explain, or that have waited for over 30 days."""
    ANSWERS = "refused_commands_change_nothing"
    """Value: commands that moved another amount than they answered, transfers without a command."""
    PRICE = "settled_amount_is_the_price"
    """Value: receipts whose charge is not the price of the seconds in their evidence."""
    WITNESSED = "billed_seconds_are_witnessed"
    """Value: receipts with more seconds than both witnesses share, or than went by."""
    CHAINS = "evidence_chains_verify"
    """Value: receipts whose evidence does not lead to the head they quote."""


FROM_RECEIPTS = frozenset({Invariant.PRICE, Invariant.WITNESSED, Invariant.CHAINS})
"""What receipts and evidence answer; the others are answered by the books alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that is not as it must be."""

    sentence: str
    """What is wrong, with ids and amounts."""
    owner: AccountId | None = None
    """Whose wallet it concerns, where it concerns one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant, looked at."""

    name: Invariant
    ok: bool
    value: int
    """See `Invariant`; 0 when all is well."""
    violations: tuple[str, ...] = ()
    """At most 20 sentences."""
    owners: tuple[AccountId, ...] = ()
    """Every wallet concerned."""


def counted(name: Invariant, breaches: Iterable[Breach]) -> Finding:
    """The finding of an invariant whose value is the number of breaches."""
    found = list(breaches)
    return Finding(
        name=name,
        ok=not found,
        value=len(found),
        violations=tuple(breach.sentence for breach in found[:VIOLATIONS_SHOWN_MAX]),
        owners=tuple(sorted({breach.owner for breach in found if breach.owner is not None})),
    )


def balanced(name: Invariant, difference: int) -> Finding:
    """The finding of an invariant whose value is a difference of sums."""
    violations = () if difference == 0 else (f"debits exceed credits by {difference} micros",)
    return Finding(name=name, ok=difference == 0, value=difference, violations=violations)


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether every invariant holds."""
    return all(finding.ok for finding in findings)
