"""Ledger commands as rows: what is asked, what is answered, what the wallet has afterwards.

Asked, in micros:   top_up PAYMENT WHO AMOUNT
                    promo CAMPAIGN WHO AMOUNT EXPIRES_S     (seconds from the beginning; - = never)
                    hold ID SESSION WHO WANT LEAST
                    settle SESSION WHO PROVIDER CHARGE FEE_BP
                    wait SECONDS · bar WHO · unbar WHO
Wallet of `ann`:    available = cash + promo - held
"""

import pytest

from gateway.clock import NS
from gateway.errors import Conflict
from gateway.ids import AccountId, HoldId, SessionId
from gateway.work import nothing
from tests.booking_ledger.conftest import Till, order

pytestmark = pytest.mark.adapter

TABLES = {
    "a_hold_sets_aside_and_settling_gives_the_rest_back": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        hold h1 s1 ann 300 300      | placed 300                                 |  700 = 1000 + 0 - 300
        hold h2 s1 ann 300 300      | placed 300                                 |  400 = 1000 + 0 - 600
        settle s1 ann pia 450 2000  | charge 450 promo 0 cash 450 fee 90 earned 360 left 550 | 550 = 550 + 0 - 0
    """,
    "a_repeated_command_answers_as_before_and_changes_nothing": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        top_up p1 ann 1000          | done                                       | 1000 = 1000 + 0 - 0
        top_up p1 ann 1001          | conflict                                   | 1000 = 1000 + 0 - 0
        top_up p1 ben 1000          | conflict                                   | 1000 = 1000 + 0 - 0
        promo c1 ann 50 -           | new                                        | 1050 = 1000 + 50 - 0
        promo c1 ann 50 -           | done                                       | 1050 = 1000 + 50 - 0
        promo c1 ann 51 -           | conflict                                   | 1050 = 1000 + 50 - 0
        promo c1 ann 50 900         | conflict                                   | 1050 = 1000 + 50 - 0
        hold h1 s1 ann 300 300      | placed 300                                 |  750 = 1000 + 50 - 300
        hold h1 s1 ann 300 300      | exists 300                                 |  750 = 1000 + 50 - 300
        hold h1 s1 ann 300 100      | exists 300                                 |  750 = 1000 + 50 - 300
        hold h1 s1 ann 400 300      | exists_with_different_amount 300           |  750 = 1000 + 50 - 300
        hold h1 s2 ann 300 300      | exists_with_different_amount 300           |  750 = 1000 + 50 - 300
        settle s1 ann pia 100 2000  | charge 100 promo 50 cash 50 fee 20 earned 80 left 950 | 950 = 950 + 0 - 0
        settle s1 ann pia 100 2000  | charge 100 promo 50 cash 50 fee 20 earned 80 left 950 | 950 = 950 + 0 - 0
        settle s1 ann pia 299 2000  | charge 100 promo 50 cash 50 fee 20 earned 80 left 950 | 950 = 950 + 0 - 0
        hold h1 s1 ann 300 300      | exists 300                                 |  950 = 950 + 0 - 0
    """,
    "a_short_balance_gives_a_smaller_hold_down_to_the_least": """
        top_up p1 ann 100           | new                                        |  100 = 100 + 0 - 0
        hold h1 s1 ann 300 101      | insufficient_funds 0                       |  100 = 100 + 0 - 0
        hold h1 s1 ann 300 100      | placed 100                                 |    0 = 100 + 0 - 100
        hold h2 s1 ann 300 1        | insufficient_funds 0                       |    0 = 100 + 0 - 100
        hold h3 s1 ann 300 0        | insufficient_funds 0                       |    0 = 100 + 0 - 100
    """,
    "a_refused_hold_may_be_tried_again_after_a_top_up": """
        hold h1 s1 ann 300 300      | insufficient_funds 0                       |    0 = 0 + 0 - 0
        top_up p1 ann 300           | new                                        |  300 = 300 + 0 - 0
        hold h1 s1 ann 300 300      | placed 300                                 |    0 = 300 + 0 - 300
    """,
    "holding_nothing_for_a_free_session_needs_no_wallet": """
        hold h1 s1 ann 0 0          | placed 0                                   |    0 = 0 + 0 - 0
        settle s1 ann pia 0 2000    | charge 0 promo 0 cash 0 fee 0 earned 0 left 0 | 0 = 0 + 0 - 0
    """,
    "promo_is_spent_first_by_expiry_and_cash_last": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        promo late ann 100 900      | new                                        | 1100 = 1000 + 100 - 0
        promo soon ann 100 500      | new                                        | 1200 = 1000 + 200 - 0
        promo never ann 100 -       | new                                        | 1300 = 1000 + 300 - 0
        hold h1 s1 ann 150 150      | placed 150                                 | 1150 = 1000 + 300 - 150
        settle s1 ann pia 120 0     | charge 120 promo 120 cash 0 fee 0 earned 120 left 1180 | 1180 = 1000 + 180 - 0
        wait 500                    |                                            | 1180 = 1000 + 180 - 0
        wait 400                    |                                            | 1100 = 1000 + 100 - 0
        hold h2 s2 ann 150 150      | placed 150                                 |  950 = 1000 + 100 - 150
        settle s2 ann pia 150 0     | charge 150 promo 100 cash 50 fee 0 earned 150 left 950 | 950 = 950 + 0 - 0
    """,
    "promo_that_expires_while_it_is_held_can_still_be_charged_and_the_rest_is_gone": """
        promo soon ann 100 500      | new                                        |  100 = 0 + 100 - 0
        hold h1 s1 ann 60 60        | placed 60                                  |   40 = 0 + 100 - 60
        wait 500                    |                                            |    0 = 0 + 60 - 60
        hold h2 s1 ann 40 1         | insufficient_funds 0                       |    0 = 0 + 60 - 60
        settle s1 ann pia 50 2000   | charge 50 promo 50 cash 0 fee 10 earned 40 left 0 | 0 = 0 + 0 - 0
    """,
    "a_charge_beyond_what_was_held_is_capped_to_it": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        hold h1 s1 ann 100 100      | placed 100                                 |  900 = 1000 + 0 - 100
        settle s1 ann pia 5000 2000 | charge 100 promo 0 cash 100 fee 20 earned 80 left 900 | 900 = 900 + 0 - 0
    """,
    "settling_for_nothing_only_voids": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        hold h1 s1 ann 100 100      | placed 100                                 |  900 = 1000 + 0 - 100
        hold h2 s2 ann 100 100      | placed 100                                 |  800 = 1000 + 0 - 200
        settle s1 ann pia 0 2000    | charge 0 promo 0 cash 0 fee 0 earned 0 left 900 | 900 = 1000 + 0 - 100
    """,
    "nothing_is_set_aside_for_a_settled_session": """
        top_up p1 ann 1000          | new                                        | 1000 = 1000 + 0 - 0
        settle s1 ann pia 0 2000    | charge 0 promo 0 cash 0 fee 0 earned 0 left 1000 | 1000 = 1000 + 0 - 0
        hold h1 s1 ann 100 100      | conflict                                   | 1000 = 1000 + 0 - 0
    """,
    "the_fee_is_floored_once_and_the_provider_gets_the_remainder": """
        promo c1 ann 3 500          | new                                        |    3 = 0 + 3 - 0
        promo c2 ann 3 600          | new                                        |    6 = 0 + 6 - 0
        top_up p1 ann 3             | new                                        |    9 = 3 + 6 - 0
        hold h1 s1 ann 9 9          | placed 9                                   |    0 = 3 + 6 - 9
        settle s1 ann pia 8 3333    | charge 8 promo 6 cash 2 fee 2 earned 6 left 1 | 1 = 1 + 0 - 0
    """,
    "a_fee_of_everything_and_of_nothing": """
        top_up p1 ann 100           | new                                        |  100 = 100 + 0 - 0
        hold h1 s1 ann 50 50        | placed 50                                  |   50 = 100 + 0 - 50
        settle s1 ann pia 50 10000  | charge 50 promo 0 cash 50 fee 50 earned 0 left 50 | 50 = 50 + 0 - 0
        hold h2 s2 ann 50 50        | placed 50                                  |    0 = 50 + 0 - 50
        settle s2 ann pia 50 0      | charge 50 promo 0 cash 50 fee 0 earned 50 left 0 | 0 = 0 + 0 - 0
    """,
    "a_barred_wallet_sets_nothing_aside_but_settles": """
        top_up p1 ann 100           | new                                        |  100 = 100 + 0 - 0
        hold h1 s1 ann 50 50        | placed 50                                  |   50 = 100 + 0 - 50
        bar ann                     |                                            |   50 = 100 + 0 - 50
        hold h1 s1 ann 50 50        | exists 50                                  |   50 = 100 + 0 - 50
        hold h2 s1 ann 500 500      | account_barred 0                           |   50 = 100 + 0 - 50
        settle s1 ann pia 20 0      | charge 20 promo 0 cash 20 fee 0 earned 20 left 80 | 80 = 80 + 0 - 0
        unbar ann                   |                                            |   80 = 80 + 0 - 0
        hold h3 s3 ann 50 50        | placed 50                                  |   30 = 80 + 0 - 50
    """,
}


class Clerk:
    """Carries out one row at a time."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._began_ns = till.clock.wall_ns()

    async def do(self, asked: str) -> str:
        name, *words = asked.split()
        try:
            answer: str = await getattr(self, name)(*words)
        except Conflict:
            return "conflict"
        return answer

    async def top_up(self, payment: str, who: str, micros: str) -> str:
        is_new = await self._till.wallet.deposit(AccountId(who), micros=int(micros), payment=payment, memo="")
        return "new" if is_new else "done"

    async def promo(self, campaign: str, who: str, micros: str, expires_s: str) -> str:
        expires = None if expires_s == "-" else self._began_ns + int(expires_s) * NS
        is_new = await self._till.wallet.grant_promo(
            AccountId(who), micros=int(micros), campaign=campaign, expires_wall_ns=expires
        )
        return "new" if is_new else "done"

    async def hold(self, hold: str, session: str, who: str, want: str, least: str) -> str:
        self._till.sessions.open.add(SessionId(session))
        answer = await self._till.wallet.place_hold(
            HoldId(hold),
            session=SessionId(session),
            account=AccountId(who),
            want_micros=int(want),
            least_micros=int(least),
            also=nothing,
        )
        assert answer.available_micros == await self._till.wallet.available(AccountId(who))
        return f"{answer.status} {answer.placed_micros}"

    async def settle(self, session: str, who: str, provider: str, charge: str, fee_bp: str) -> str:
        split = await self._till.wallet.settle(
            order(session, client=AccountId(who), provider=AccountId(provider), fee_bp=int(fee_bp)),
            charge_micros=int(charge),
            also=lambda _transaction, _split: None,
        )
        self._till.sessions.open.discard(SessionId(session))
        return (
            f"charge {split.charge_micros} promo {split.promo_micros} cash {split.cash_micros}"
            f" fee {split.fee_micros} earned {split.earned_micros} left {split.available_micros}"
        )

    async def wait(self, seconds: str) -> str:
        self._till.clock.advance(seconds=int(seconds))
        return ""

    async def bar(self, who: str) -> str:
        await self._till.wallet.bar([AccountId(who)], why="a test")
        return ""

    async def unbar(self, who: str) -> str:
        await self._till.wallet.unbar(AccountId(who))
        return ""


async def _wallet(till: Till) -> str:
    wallet = await till.wallet.wallet(AccountId("ann"))
    return f"{wallet.available_micros} = {wallet.cash_micros} + {wallet.promo_micros} - {wallet.held_micros}"


@pytest.mark.parametrize("name", TABLES)
async def test_ledger_commands(till: Till, name: str) -> None:
    clerk = Clerk(till)
    for row in TABLES[name].strip().splitlines():
        asked, answered, left = (cell.strip() for cell in row.split("|"))
        assert await clerk.do(asked) == answered, row
        assert await _wallet(till) == left, row
        assert await till.broken() == [], row
