"""The bodies of the operator's routes over money.

Decides shapes only; every act carries a reason of 3 to 500 characters, which goes
into the audit log. Never decides about money.
See `books_http.py` for the routes and docs/wire.md, "HTTP".
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.booking.adapters.flows_http import PayoutAnswer, Reason
from gateway.booking.ledger.account import Chart
from gateway.booking.ledger.account_statement import Party
from gateway.booking.ledger.dispute import CaseState
from gateway.booking.ledger.payout import PayoutState
from gateway.booking.ledger.withdrawal import WithdrawalState
from gateway.http.money import MoneyBody


class _Asked(BaseModel):
    """What an operator sends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Reason


class RefundBody(_Asked):
    """What to give back of a settled session."""

    session: Annotated[str, Field(max_length=64)]
    amount: MoneyBody | None = None
    """None gives back all that is left."""


class RefundAnswer(BaseModel):
    """A refund, and who gave it."""

    session: str
    amount: MoneyBody
    to_cash: MoneyBody
    to_promo: MoneyBody
    lapsed: MoneyBody
    """Of grants that have expired since; it is nobody's any more."""
    from_fee: MoneyBody
    from_provider: MoneyBody
    """The provider's share, what the platform had to bear of it included."""
    written_off: MoneyBody
    """Of the provider's share: he no longer has it, the platform bears it."""


class WithdrawalBody(_Asked):
    """How much of a client's cash goes back through the payment provider."""

    account: Annotated[str, Field(max_length=64)]
    amount: MoneyBody


class WithdrawalAnswer(BaseModel):
    """A withdrawal and where it is."""

    id: str
    account: str
    state: WithdrawalState
    amount: MoneyBody


class WithdrawalMarkBody(_Asked):
    """What became of a withdrawal."""

    state: Literal[WithdrawalState.SENT, WithdrawalState.DONE, WithdrawalState.FAILED]


class ProcessorLineBody(_Asked):
    """One line of a payment provider's statement."""

    processor: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    line: Annotated[str, Field(min_length=1, max_length=128)]
    """Its own name for the line."""
    amount: MoneyBody
    """What arrived at the bank."""
    fee: MoneyBody | None = None
    """What it kept."""


class ProcessorLineAnswer(BaseModel):
    """Whether the line was new."""

    is_new: bool


class DecideBody(_Asked):
    """How a case ends; the reason is shown to both sides."""

    outcome: Literal["provider", "client"]
    amount: MoneyBody | None = None
    """For the client: what he gets back; None = all that is left of the charge."""


class ApproveBody(_Asked):
    """Why a payout is agreed to."""


class SendBody(_Asked):
    """That the bank has the order."""

    reference: Annotated[str, Field(max_length=128)] = ""
    """The bank's name for it."""


class MarkBody(_Asked):
    """What became of a payout."""

    state: Literal[PayoutState.AWAITING_PAYEE, PayoutState.PAID, PayoutState.RETURNED, PayoutState.FAILED]


class PayoutQuery(BaseModel):
    """Which payouts."""

    model_config = ConfigDict(extra="forbid")

    state: PayoutState = PayoutState.REQUESTED


class OperatorPayout(PayoutAnswer):
    """A payout as operators see it."""

    provider: str
    approvers: list[str]
    reference: str


class OperatorPayouts(BaseModel):
    """Payouts in a state, oldest first."""

    items: list[OperatorPayout]


class CaseQuery(BaseModel):
    """Which cases."""

    model_config = ConfigDict(extra="forbid")

    state: CaseState = CaseState.OPEN


class StatementQuery(BaseModel):
    """Whose accounts, and when; instants are Unix seconds."""

    model_config = ConfigDict(extra="forbid")

    party: Party
    account: Annotated[str | None, Field(max_length=64)] = None
    from_s: Annotated[int, Field(ge=0, lt=2**33)]
    until_s: Annotated[int, Field(ge=0, lt=2**33)]
    format: Literal["json", "csv"] = "json"


class StatementLineBody(BaseModel):
    """One side of one transfer."""

    at: str
    """RFC 3339."""
    command: str
    flow: str
    account: str
    amount: MoneyBody
    """Signed: what came onto the account, or minus what left it."""
    session: str | None
    memo: str
    transfer: str


class StatementBody(BaseModel):
    """A party's accounts over a period; opening + lines = closing."""

    party: Party
    account: str | None
    opening: MoneyBody
    closing: MoneyBody
    is_exact: bool
    """Whether the lines lead from the one balance to the other."""
    totals: dict[str, MoneyBody]
    """What each flow brought."""
    lines: list[StatementLineBody]
    csv: str | None
    """The lines as a table, where it was asked for; `lines` is then empty."""


class TrialLineBody(BaseModel):
    """All accounts of one kind, in micros."""

    chart: Chart
    accounts: int
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int
    differing: int
    """Accounts whose counters are not the sum of their transfers."""


class TrialBalanceBody(BaseModel):
    """Everything by kind of account; both differences are nothing."""

    is_zero: bool
    posted_micros: int
    pending_micros: int
    lines: list[TrialLineBody]


class BarBody(BaseModel):
    """A wallet that nothing more is set aside from."""

    account: str
    why: str
    at: str
    """RFC 3339."""


class BarsBody(BaseModel):
    """Every barred wallet, the newest first."""

    items: list[BarBody]


class LiftBody(_Asked):
    """Why a bar is lifted."""


class AuditedBody(BaseModel):
    """One invariant, looked at over all rows."""

    name: str
    ok: bool
    value: int
    violations: list[str]


class AuditedAllBody(BaseModel):
    """Every invariant, from zero."""

    ok: bool
    items: list[AuditedBody]
