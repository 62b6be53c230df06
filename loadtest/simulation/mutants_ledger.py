"""Bugs in the ledger: purses and their order, holds, settlement, refunds, disputes, payouts.

Decides the wrong lines of the code that moves money. What a bug is, `mutant.py` says.
Never plants one and never says whether it is found (`planting.py`, `mutate.py`).
"""

from loadtest.simulation.mutant import Mutant

LEDGER = (
    Mutant(
        name="cash_before_promo",
        module="gateway.booking.ledger.wallet",
        old="    return (0 if is_promo else 1, 1 if never",
        new="    return (1 if is_promo else 0, 1 if never",
        breaks="cash is spent although there is promotional money",
    ),
    Mutant(
        name="latest_expiry_first",
        module="gateway.booking.ledger.wallet",
        old="1 if never else 0, expires_wall_ns or 0, account)",
        new="1 if never else 0, -(expires_wall_ns or 0), account)",
        breaks="the grant that lasts longest is spent first",
    ),
    Mutant(
        name="expired_grants_spent",
        module="gateway.booking.ledger.wallet",
        old="        return 0 if self.has_expired(now_wall_ns) else self.balance.available\n",
        new="        return self.balance.available\n",
        breaks="money is set aside from a grant that has expired",
    ),
    Mutant(
        name="grants_expire_early",
        module="gateway.booking.ledger.wallet",
        old="and now_wall_ns >= self.expires_wall_ns",
        new="and now_wall_ns + 600_000_000_000 >= self.expires_wall_ns",
        breaks="promotional money cannot be spent in its last ten minutes",
    ),
    Mutant(
        name="held_money_is_available",
        module="gateway.booking.ledger.account",
        old="        return self.posted - self.debits_pending\n",
        new="        return self.posted\n",
        breaks="what one session set aside is offered to the next",
    ),
    Mutant(
        name="sources_in_no_order",
        module="gateway.booking.ledger.hold",
        old="    for source in in_spending_order(sources):\n",
        new="    for source in sources:\n",
        breaks="a hold takes from the purses as they come",
    ),
    Mutant(
        name="hold_below_its_least",
        module="gateway.booking.ledger.hold",
        old="    if amount < request.least_micros or (amount == 0 < request.want_micros):\n",
        new="    if amount == 0 < request.want_micros:\n",
        breaks="it rings although the first hold is smaller than it must be",
    ),
    Mutant(
        name="twice_the_price_charged",
        module="gateway.booking.ledger.settlement",
        old="    amount = min(charge.micros, held)\n",
        new="    amount = min(charge.micros * 2, held)\n",
        breaks="twice the price is charged where it was held",
    ),
    Mutant(
        name="whole_hold_charged",
        module="gateway.booking.ledger.settlement",
        old="    amount = min(charge.micros, held)\n",
        new="    amount = held\n",
        breaks="what was set aside is charged, not what it cost",
    ),
    Mutant(
        name="one_leg_not_voided",
        module="gateway.booking.ledger.settlement",
        old="    transfers = [*map(_void, legs), ",
        new="    transfers = [*map(_void, legs[:1]), ",
        breaks="later holds of a session stay open for ever",
    ),
    Mutant(
        name="second_hold_of_a_purse_forgotten",
        module="gateway.booking.ledger.settlement",
        old="held[leg.transfer.debit] = held.get(leg.transfer.debit, 0) + leg.transfer.micros",
        new="held[leg.transfer.debit] = leg.transfer.micros",
        breaks="of several holds from one purse only the last one pays",
    ),
    Mutant(
        name="charge_order_by_name",
        module="gateway.booking.ledger.settlement",
        old="is_promo=item[1].is_promo, expires_wall_ns",
        new="is_promo=not item[1].is_promo, expires_wall_ns",
        breaks="cash is charged although promotional money was held",
    ),
    Mutant(
        name="fee_from_the_last_purse_only",
        module="gateway.booking.ledger.settlement",
        old="        fee, fee_so_far = fee_due - fee_so_far, fee_due\n",
        new="        fee, fee_so_far = (fee_due - fee_so_far, fee_due) if part is parts[-1] else (0, 0)\n",
        breaks="each purse no longer carries its own share of the fee",
    ),
    Mutant(
        name="fee_to_the_provider",
        module="gateway.booking.ledger.settlement",
        old="yield from _posting(charge, part, Flow.FEE, platform(Chart.PLATFORM_FEE).id, micros=fee)",
        new="yield from _posting(charge, part, Flow.FEE, provider, micros=fee)",
        breaks="the platform's fee is credited to the provider",
    ),
    Mutant(
        name="void_frees_nothing",
        module="gateway.booking.ledger.transfer",
        old="TransferKind.VOID: Effect(pending=-1, posted=0)",
        new="TransferKind.VOID: Effect(pending=0, posted=0)",
        breaks="what a hold set aside is never free again",
    ),
    Mutant(
        name="void_counted_as_paid",
        module="gateway.booking.ledger.transfer",
        old="TransferKind.VOID: Effect(pending=-1, posted=0)",
        new="TransferKind.VOID: Effect(pending=-1, posted=1)",
        breaks="a hold that is released is paid as well",
    ),
    Mutant(
        name="credit_side_forgotten",
        module="gateway.booking.adapters.ledger_book",
        old='        credited = self._transaction.execute(_CREDIT, {**change, "id": transfer.credit})\n',
        new='        credited = self._transaction.execute(_CREDIT, {**change, "id": transfer.credit, "posted": 0})\n',
        breaks="money leaves one account and arrives on none",
    ),
    Mutant(
        name="open_legs_of_the_first_command_only",
        module="gateway.booking.adapters.ledger_book",
        old="ORDER BY held.seq\n",
        new="ORDER BY held.seq LIMIT 1\n",
        breaks="a settlement sees one leg of what was held",
    ),
    Mutant(
        name="refund_to_one_purse",
        module="gateway.booking.ledger.refund",
        old="part.has_expired(now_wall_ns) else part.source\n",
        new="part.has_expired(now_wall_ns) else parts[-1].source\n",
        breaks="what was paid from a grant comes back as cash",
        worlds=300,
    ),
    Mutant(
        name="refund_all_from_the_provider",
        module="gateway.booking.ledger.refund",
        old="            fee_micros=leg.fee_micros * micros // whole,\n"
        "            earned_micros=leg.earned_micros * micros // whole,\n",
        new="            fee_micros=0,\n            earned_micros=min(leg.earned_micros, leg.micros * micros // whole),\n",
        breaks="the platform keeps its fee of what is refunded",
        worlds=300,
    ),
    Mutant(
        name="refunds_before_forgotten",
        module="gateway.booking.ledger.position",
        old="        fee = leg.fee_micros - sum(part[1] for part in parts if part[0] == leg.source)\n"
        "        earned = leg.earned_micros - sum(part[2] for part in parts if part[0] == leg.source)\n",
        new="        fee, earned = leg.fee_micros, leg.earned_micros\n",
        breaks="a second refund starts from the whole charge again",
        worlds=200,
    ),
    Mutant(
        name="reserve_never_released",
        module="gateway.booking.ledger.dispute",
        old="    if position.provider is None or left == 0:\n",
        new="    if position.provider is None or left == 0 or used_micros == 0:\n",
        breaks="after a decision for the provider his money stays in the reserve",
        worlds=300,
    ),
    Mutant(
        name="dispute_sets_nothing_apart",
        module="gateway.booking.ledger.dispute",
        old="    pending = min(want, position.pending_micros)\n",
        new="    pending = min(want, position.pending_micros) // 2\n",
        breaks="half of what is contested can be paid out meanwhile",
        worlds=300,
    ),
    Mutant(
        name="payout_from_pending_earnings",
        module="gateway.booking.ledger.payout",
        old="    return available_earnings_of(payout.provider).id\n",
        new='    return LedgerAccountId(f"{Chart.PROVIDER_PENDING}:{payout.provider}")\n',
        breaks="earnings are paid out whose dispute window is open",
        worlds=300,
    ),
)
"""Money that goes where it should not."""
