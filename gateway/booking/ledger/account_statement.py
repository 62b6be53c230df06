"""Statements: what moved on a party's accounts in a period, and that it adds up.

Decides which accounts a party has, the shape of a statement and of the trial
balance, and how both are checked: opening + lines = closing, debits = credits.
Never reads the books; `adapters/ledger_party_statement.py` does.
Amounts are written from the credit side: what the platform owes a person is
positive, what it has at a bank is negative. See docs/metering.md, "Ledger".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.booking.ledger.account import Chart
from gateway.booking.ledger.command import CommandName
from gateway.booking.ledger.transfer import Flow
from gateway.ids import AccountId, SessionId


class Party(StrEnum):
    """Whose accounts; the spelling is the wire's."""

    CLIENT = "client"
    PROVIDER = "provider"
    PLATFORM = "platform"


CHARTS: Mapping[Party, frozenset[Chart]] = {
    Party.CLIENT: frozenset({Chart.CLIENT_CASH, Chart.CLIENT_PROMO}),
    Party.PROVIDER: frozenset({Chart.PROVIDER_PENDING, Chart.PROVIDER_AVAILABLE}),
    Party.PLATFORM: frozenset(Chart)
    - {
        Chart.CLIENT_CASH,
        Chart.CLIENT_PROMO,
        Chart.PROVIDER_PENDING,
        Chart.PROVIDER_AVAILABLE,
        Chart.HOLDS_CONTROL,
    },
}
"""The accounts of each party; holds are no lines, since nothing has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From an instant until before another, wall clock."""

    from_wall_ns: int
    until_wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One side of one transfer."""

    at_wall_ns: int
    command: CommandName
    flow: Flow
    account: str
    micros: int
    """Signed: what came onto the account, or minus what left it."""
    session: SessionId | None
    memo: str
    transfer: str
    """The transfer's id, which both of its sides share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A party's accounts over a period."""

    party: Party
    owner: AccountId | None
    """Whose; None for the platform."""
    currency: str
    period: Period
    opening_micros: int
    closing_micros: int
    """Added up from all transfers, not from the lines."""
    lines: Sequence[StatementLine]

    @property
    def totals(self) -> Mapping[Flow, int]:
        """What each flow brought, in micros."""
        found: dict[Flow, int] = {}
        for line in self.lines:
            found[line.flow] = found.get(line.flow, 0) + line.micros
        return found

    @property
    def is_exact(self) -> bool:
        """Whether the lines lead from the opening balance to the closing one."""
        return self.opening_micros + sum(line.micros for line in self.lines) == self.closing_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLine:
    """All accounts of one kind, in micros."""

    chart: Chart
    accounts: int
    """How many there are."""
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int
    differing: int
    """Accounts whose counters are not the sum of their transfers from zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """Everything, by kind of account."""

    currency: str
    lines: Sequence[TrialLine]

    @property
    def posted_micros(self) -> int:
        """Posted debits minus posted credits: nothing."""
        return sum(line.debits_posted - line.credits_posted for line in self.lines)

    @property
    def pending_micros(self) -> int:
        """Pending debits minus pending credits: nothing."""
        return sum(line.debits_pending - line.credits_pending for line in self.lines)

    @property
    def is_zero(self) -> bool:
        """Whether debits equal credits, and every account its transfers."""
        return not (self.posted_micros or self.pending_micros or any(line.differing for line in self.lines))


def rows(statement: Statement) -> Iterator[tuple[str | int, ...]]:
    """The lines as a table with its heading, the running balance last; for CSV."""
    yield (
        "at_wall_ns",
        "command",
        "flow",
        "account",
        "micros",
        "balance_micros",
        "session",
        "memo",
        "transfer",
    )
    balance = statement.opening_micros
    yield (statement.period.from_wall_ns, "", "opening", "", 0, balance, "", "", "")
    for line in statement.lines:
        balance += line.micros
        session = line.session or ""
        yield (
            line.at_wall_ns,
            line.command.value,
            line.flow.value,
            line.account,
            line.micros,
            balance,
            session,
            line.memo,
            line.transfer,
        )
    yield (statement.period.until_wall_ns, "", "closing", "", 0, statement.closing_micros, "", "", "")
