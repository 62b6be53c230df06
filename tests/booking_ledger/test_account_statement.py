"""Statements per party, and the trial balance: they add up, and say so when they do not."""

import csv
import io
from dataclasses import replace

import pytest

from gateway.booking.adapters.ledger_party_statement import balance_at
from gateway.booking.ledger.account_statement import Party, Period
from gateway.booking.ledger.transfer import Flow
from gateway.clock import NS
from gateway.errors import Unprocessable
from gateway.ids import AccountId, SessionId
from gateway.money import Money
from tests.booking_ledger.conftest import ANN, PIA, UNIT, Till, order
from tests.booking_ledger.vault import Vault, open_vault

pytestmark = pytest.mark.adapter

OP = AccountId("acc_op")


@pytest.fixture
async def vault(till: Till) -> Vault:
    """Ann paid 100 in, talked for 10 and had 5 back; a day lies between each."""
    vault = open_vault(till.database, till.wallet, clock=till.clock, facts=till.facts, sessions=till.sessions)
    await till.fund(ANN, 100 * UNIT)
    await till.wallet.grant_promo(ANN, micros=4 * UNIT, campaign="spring")
    till.clock.advance(seconds=86_400)
    await till.hold("ses_1", 0, 20 * UNIT)
    await till.wallet.settle(order("ses_1"), charge_micros=10 * UNIT, also=lambda _transaction, _split: None)
    till.clock.advance(seconds=86_400)
    await vault.counter.refunds.refund(
        SessionId("ses_1"), amount=Money(5 * UNIT, "CNY"), reason="why", operator=OP, key="k"
    )
    return vault


def _days(till: Till, first: int, last: int) -> Period:
    """From `first` until `last` days before now; -1 is tomorrow."""
    day_ns, now_ns = 86_400 * NS, till.clock.wall_ns()
    return Period(from_wall_ns=now_ns - first * day_ns, until_wall_ns=now_ns - last * day_ns)


async def test_a_client_sees_what_came_and_went(till: Till, vault: Vault) -> None:
    made = await vault.counter.books.statement(Party.CLIENT, owner=ANN, period=_days(till, 9, -1))
    assert (made.opening_micros, made.closing_micros, made.is_exact) == (0, 99 * UNIT, True)
    assert made.totals == {
        Flow.TOP_UP: 100 * UNIT,
        Flow.PROMO_GRANT: 4 * UNIT,
        Flow.EARNING: -8 * UNIT,
        Flow.FEE: -2 * UNIT,
        Flow.REFUND: 5 * UNIT,
    }
    assert sum(made.totals.values()) == made.closing_micros


async def test_a_period_opens_with_what_was_there(till: Till, vault: Vault) -> None:
    made = await vault.counter.books.statement(Party.CLIENT, owner=ANN, period=_days(till, 1, 0))
    assert (made.opening_micros, made.closing_micros, made.is_exact) == (104 * UNIT, 94 * UNIT, True)
    assert {line.session for line in made.lines} == {"ses_1"}


async def test_all_parties_together_are_nothing(till: Till, vault: Vault) -> None:
    period = _days(till, 9, -1)
    asked = ((Party.CLIENT, ANN), (Party.PROVIDER, PIA), (Party.PLATFORM, None))
    made = [await vault.counter.books.statement(party, owner=owner, period=period) for party, owner in asked]
    assert all(statement.is_exact for statement in made)
    assert [statement.closing_micros for statement in made] == [99 * UNIT, 4 * UNIT, -103 * UNIT]


async def test_the_table_carries_a_running_balance(till: Till, vault: Vault) -> None:
    books = vault.counter.books
    made = await books.statement(Party.PROVIDER, owner=PIA, period=_days(till, 9, -1))
    rows = list(csv.DictReader(io.StringIO(books.as_csv(made))))
    assert [row["flow"] for row in rows] == ["opening", "earning", "earning", "refund", "refund", "closing"]
    assert rows[-2]["balance_micros"] == rows[-1]["balance_micros"] == str(4 * UNIT)


async def test_a_statement_that_lacks_a_line_is_not_exact(till: Till, vault: Vault) -> None:
    made = await vault.counter.books.statement(Party.CLIENT, owner=ANN, period=_days(till, 9, -1))
    assert not replace(made, lines=made.lines[1:]).is_exact


@pytest.mark.parametrize(
    ("party", "owner", "code"), [(Party.CLIENT, None, "bad_party"), (Party.PLATFORM, ANN, "bad_party")]
)
async def test_the_platform_has_one_statement_and_people_their_own(
    till: Till, vault: Vault, party: Party, owner: AccountId | None, code: str
) -> None:
    with pytest.raises(Unprocessable) as refusal:
        await vault.counter.books.statement(party, owner=owner, period=_days(till, 9, 0))
    assert refusal.value.wire_code == code


async def test_a_period_ends_after_it_begins(till: Till, vault: Vault) -> None:
    with pytest.raises(Unprocessable) as refusal:
        await vault.counter.books.statement(Party.CLIENT, owner=ANN, period=_days(till, 1, 1))
    assert refusal.value.wire_code == "bad_period"


async def test_balances_at_any_instant_are_added_up_from_zero(till: Till, vault: Vault) -> None:
    now_ns = till.clock.wall_ns()
    found = [
        await till.database.read(
            lambda connection, at_ns=at_ns: balance_at(connection, ["client_cash:acc_ann"], at_wall_ns=at_ns)
        )
        for at_ns in (0, now_ns - 86_400 * NS, now_ns, now_ns + 1)
    ]
    assert found == [0, 100 * UNIT, 94 * UNIT, 97 * UNIT]


async def test_the_trial_balance_is_zero(till: Till, vault: Vault) -> None:
    made = await vault.counter.books.trial_balance()
    assert (made.posted_micros, made.pending_micros, made.is_zero) == (0, 0, True)
    assert sum(line.accounts for line in made.lines) > 10


async def test_the_trial_balance_tells_a_counter_that_no_transfer_explains(till: Till, vault: Vault) -> None:
    change = "UPDATE ledger_account SET credits_posted = credits_posted + 7 WHERE id = 'platform_fee'"
    await till.database.write(lambda transaction: transaction.execute(change))
    made = await vault.counter.books.trial_balance()
    assert (made.posted_micros, made.is_zero) == (-7, False)
    assert [line.chart for line in made.lines if line.differing] == ["platform_fee"]
