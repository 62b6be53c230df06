"""What a client has: cash, promotional grants, and what of both is set aside.

Decides the order of spending (promotional money first, the earliest expiry
first, cash last) and how a wallet is summed up.
Never counts an expired grant as available; what was set aside before it expired
stays set aside and can still be charged.
Keeps: available = cash + promo - held. See docs/metering.md, "Holds and warnings".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.booking.ledger.account import Balance, LedgerAccountId
from gateway.booking.ledger.transfer import EFFECTS, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One account of a wallet that money can be taken from."""

    account: LedgerAccountId
    is_promo: bool
    expires_wall_ns: int | None
    """None = never."""
    balance: Balance

    def available_at(self, now_wall_ns: int) -> int:
        """What can be set aside now, in micros."""
        return 0 if self.has_expired(now_wall_ns) else self.balance.available

    def has_expired(self, now_wall_ns: int) -> bool:
        """Whether it is a grant that can no longer be set aside."""
        return self.expires_wall_ns is not None and now_wall_ns >= self.expires_wall_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A client's money, in micros."""

    available_micros: int
    """What could still be set aside."""
    cash_micros: int
    """Paid-in money, what is set aside included."""
    promo_micros: int
    """Promotional money, what is set aside included."""
    held_micros: int
    """What is set aside for live sessions."""
    currency: str


def spending_key(
    *, is_promo: bool, expires_wall_ns: int | None, account: LedgerAccountId
) -> tuple[int, int, int, str]:
    """Sorts money into the order it is spent in; grants of equal expiry by their name."""
    never = expires_wall_ns is None
    return (0 if is_promo else 1, 1 if never else 0, expires_wall_ns or 0, account)


def in_spending_order(sources: Iterable[Source]) -> Sequence[Source]:
    """Promotional money by expiry, then cash."""
    return sorted(
        sources,
        key=lambda source: spending_key(
            is_promo=source.is_promo, expires_wall_ns=source.expires_wall_ns, account=source.account
        ),
    )


def available_micros(sources: Iterable[Source], *, now_wall_ns: int) -> int:
    """What the wallet could still set aside."""
    return sum(source.available_at(now_wall_ns) for source in sources)


def debited(sources: Sequence[Source], transfers: Iterable[Transfer]) -> Sequence[Source]:
    """The wallet as it is once `transfers` have taken from it, or given back what they held.

    Transfers from other accounts (a make-good is the platform's) leave it as it is.
    """
    pending = dict.fromkeys([source.account for source in sources], 0)
    posted = dict(pending)
    for transfer in transfers:
        if transfer.debit in pending:
            effect = EFFECTS[transfer.kind]
            pending[transfer.debit] += effect.pending * transfer.micros
            posted[transfer.debit] += effect.posted * transfer.micros
    return [
        Source(
            account=source.account,
            is_promo=source.is_promo,
            expires_wall_ns=source.expires_wall_ns,
            balance=Balance(
                debits_pending=source.balance.debits_pending + pending[source.account],
                debits_posted=source.balance.debits_posted + posted[source.account],
                credits_pending=source.balance.credits_pending,
                credits_posted=source.balance.credits_posted,
            ),
        )
        for source in sources
    ]


def summed(sources: Sequence[Source], *, now_wall_ns: int, currency: str) -> Wallet:
    """The wallet made of `sources`."""
    promo = 0
    for source in sources:
        if source.is_promo:
            # Of an expired grant only what was set aside in time still counts.
            balance = source.balance
            promo += balance.debits_pending if source.has_expired(now_wall_ns) else balance.posted
    return Wallet(
        available_micros=available_micros(sources, now_wall_ns=now_wall_ns),
        cash_micros=sum(source.balance.posted for source in sources if not source.is_promo),
        promo_micros=promo,
        held_micros=sum(source.balance.debits_pending for source in sources),
        currency=currency,
    )
