"""What a payment provider reports as paid over to the platform's bank.

Decides the transfers of one line of its statement: what arrived at the bank, and
what it kept as its own fee; both reduce what it owes.
Never matches lines with top-ups; the account's balance is what is still owed.
Keeps: once per line, by its derived id. See docs/metering.md, "Ledger".
"""

from dataclasses import dataclass

from gateway.booking.ledger.account import Chart, platform
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.errors import require
from gateway.ids import TransferId, derived


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorLine:
    """One line of a payment provider's statement."""

    processor: str
    """Which payment provider: `sandbox`."""
    line: str
    """Its own name for the line."""
    micros: int
    """What arrived at the bank."""
    fee_micros: int = 0
    """What it kept."""

    def __post_init__(self) -> None:
        require(self.micros >= 0 and self.fee_micros >= 0, "a statement line is not negative")
        require(self.micros + self.fee_micros > 0, "a statement line is about something")


def command(line: ProcessorLine) -> Command:
    """The one time that a line is booked."""
    return Command(
        id=derived("processor_line", line.processor, line.line),
        name=CommandName.PROCESSOR_LINE,
        body={"micros": line.micros, "fee_micros": line.fee_micros},
    )


def plan(line: ProcessorLine) -> tuple[Transfer, ...]:
    """The arrival and the fee, each where there is one."""
    legs = (
        (Flow.PROCESSOR_LINE, Chart.BANK, line.micros),
        (Flow.PROCESSOR_FEE, Chart.PROCESSOR_FEES, line.fee_micros),
    )
    return tuple(
        Transfer(
            id=TransferId(derived(flow, line.processor, line.line)),
            kind=TransferKind.POSTED,
            flow=flow,
            debit=platform(debit).id,
            credit=platform(Chart.PROCESSOR_CLEARING).id,
            micros=micros,
        )
        for flow, debit, micros in legs
        if micros > 0
    )
