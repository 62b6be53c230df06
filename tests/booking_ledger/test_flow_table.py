"""Each flow as rows: what is asked, which legs it moves, what lies where afterwards.

Asked, in micros (- = everything, or never):
    top_up ID AMOUNT · promo ID AMOUNT EXPIRES_S · hold SESSION AMOUNT · settle SESSION CHARGE FEE_BP [MAKE_GOOD]
    mature · wait SECONDS · refund KEY SESSION AMOUNT · withdraw KEY AMOUNT · withdrawal STATE · line ID AMOUNT FEE
    payout KEY AMOUNT · approve WHO · send · mark STATE · contest SESSION WHO · decide OUTCOME AMOUNT
Legs: debit>credit amount. Balances: the credit side of every account that is not empty; pending is `held`.
"""

import pytest

from gateway.booking.ledger.clearing import ProcessorLine
from gateway.booking.ledger.dispute import CaseState, case_id
from gateway.booking.ledger.invariant import FROM_RECEIPTS
from gateway.booking.ledger.payout import PayoutState
from gateway.booking.ledger.withdrawal import WithdrawalState
from gateway.clock import NS
from gateway.errors import GatewayError
from gateway.ids import AccountId, SessionId
from gateway.money import Money
from tests.booking_ledger.conftest import Till, order
from tests.booking_ledger.vault import WINDOW_S, Vault, open_vault

pytestmark = pytest.mark.adapter

OP = AccountId("op")
DAY7 = f"wait {WINDOW_S}"
MONEY = 10_000
"""One coin: rows are written in coins of the books' currency."""

TABLES = {
    "a_settled_session_is_refunded_whole_and_in_proportion": """
        promo c1 30 - | promo_cost>promo:c1 30 | promo 30 promo_cost -30
        top_up p1 100 | processor_clearing>cash 100 | cash 100 promo 30 processor_clearing -100 promo_cost -30
        hold s1 80 | promo:c1>holds_control 30, cash>holds_control 50 | cash 100 promo 30 held 80 processor_clearing -100 promo_cost -30
        settle s1 80 2500 | promo:c1>holds_control 30, cash>holds_control 50, promo:c1>pending 22.5, promo:c1>platform_fee 7.5, cash>pending 37.5, cash>platform_fee 12.5 | cash 50 pending 60 platform_fee 20 processor_clearing -100 promo_cost -30
        refund r1 s1 - | platform_fee>promo:c1 7.5, pending>promo:c1 22.5, platform_fee>cash 12.5, pending>cash 37.5 | cash 100 promo 30 processor_clearing -100 promo_cost -30
        refund r1 s1 - | | cash 100 promo 30 processor_clearing -100 promo_cost -30
        refund r1 s1 10 | idempotency_key_reused | cash 100 promo 30 processor_clearing -100 promo_cost -30
        refund r2 s1 - | not_found | cash 100 promo 30 processor_clearing -100 promo_cost -30
    """,
    "part_of_a_charge_goes_back_and_never_more_than_all": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 80 | cash>holds_control 80 | cash 100 held 80 processor_clearing -100
        settle s1 80 2500 | cash>holds_control 80, cash>pending 60, cash>platform_fee 20 | cash 20 pending 60 platform_fee 20 processor_clearing -100
        refund r1 s1 40 | platform_fee>cash 10, pending>cash 30 | cash 60 pending 30 platform_fee 10 processor_clearing -100
        refund r2 s1 41 | refund_above_charge | cash 60 pending 30 platform_fee 10 processor_clearing -100
        refund r3 s1 40 | platform_fee>cash 10, pending>cash 30 | cash 100 processor_clearing -100
        refund r4 s2 1 | not_found | cash 100 processor_clearing -100
    """,
    "what_a_provider_no_longer_has_the_platform_bears": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 100 | cash>holds_control 100 | cash 100 held 100 processor_clearing -100
        settle s1 100 2000 | cash>holds_control 100, cash>pending 80, cash>platform_fee 20 | pending 80 platform_fee 20 processor_clearing -100
        wait 604800 | | pending 80 platform_fee 20 processor_clearing -100
        mature | pending>available 80 | available 80 platform_fee 20 processor_clearing -100
        payout k1 50 | available>payout_clearing 50 | available 30 payout_clearing 50 platform_fee 20 processor_clearing -100
        refund r1 s1 - | platform_fee>cash 20, available>cash 30, metering_write_off>cash 50 | cash 100 payout_clearing 50 metering_write_off -50 processor_clearing -100
    """,
    "an_expired_grant_gives_back_what_is_not_held_and_the_rest_later": """
        promo c1 50 100 | promo_cost>promo:c1 50 | promo 50 promo_cost -50
        hold s1 20 | promo:c1>holds_control 20 | promo 50 held 20 promo_cost -50
        mature | | promo 50 held 20 promo_cost -50
        wait 100 | | promo 50 held 20 promo_cost -50
        mature | promo:c1>promo_cost 30 | promo 20 held 20 promo_cost -20
        mature | | promo 20 held 20 promo_cost -20
        settle s1 15 0 | promo:c1>holds_control 20, promo:c1>pending 15 | promo 5 pending 15 promo_cost -20
        mature | promo:c1>promo_cost 5 | pending 15 promo_cost -15
        refund r1 s1 - | pending>promo_cost 15 |
    """,
    "an_earning_becomes_payable_when_its_window_closes_and_not_before": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 50 | cash>holds_control 50 | cash 100 held 50 processor_clearing -100
        settle s1 50 0 7 | cash>holds_control 50, cash>pending 50, metering_write_off>pending 7 | cash 50 pending 57 metering_write_off -7 processor_clearing -100
        wait 604799 | | cash 50 pending 57 metering_write_off -7 processor_clearing -100
        mature | | cash 50 pending 57 metering_write_off -7 processor_clearing -100
        wait 1 | | cash 50 pending 57 metering_write_off -7 processor_clearing -100
        mature | pending>available 57 | cash 50 available 57 metering_write_off -7 processor_clearing -100
        mature | | cash 50 available 57 metering_write_off -7 processor_clearing -100
        contest s1 ann | dispute_window_closed | cash 50 available 57 metering_write_off -7 processor_clearing -100
    """,
    "a_payout_from_wish_to_bank_and_back": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 100 | cash>holds_control 100 | cash 100 held 100 processor_clearing -100
        settle s1 100 0 | cash>holds_control 100, cash>pending 100 | pending 100 processor_clearing -100
        payout k1 20 | insufficient_earnings | pending 100 processor_clearing -100
        wait 604800 | | pending 100 processor_clearing -100
        mature | pending>available 100 | available 100 processor_clearing -100
        payout k1 0.0001 | amount_out_of_range | available 100 processor_clearing -100
        payout k1 20 | available>payout_clearing 20 | available 80 payout_clearing 20 processor_clearing -100
        payout k1 20 | | available 80 payout_clearing 20 processor_clearing -100
        payout k1 21 | idempotency_key_reused | available 80 payout_clearing 20 processor_clearing -100
        send | payout_state | available 80 payout_clearing 20 processor_clearing -100
        approve pia | own_payout | available 80 payout_clearing 20 processor_clearing -100
        approve op | | available 80 payout_clearing 20 processor_clearing -100
        send | payout_state | available 80 payout_clearing 20 processor_clearing -100
        approve op | | available 80 payout_clearing 20 processor_clearing -100
        approve op2 | | available 80 payout_clearing 20 processor_clearing -100
        send | payout_clearing>bank 19.9997, payout_clearing>platform_fee 0.0003 | available 80 bank 19.9997 platform_fee 0.0003 processor_clearing -100
        send | | available 80 bank 19.9997 platform_fee 0.0003 processor_clearing -100
        mark awaiting_payee | | available 80 bank 19.9997 platform_fee 0.0003 processor_clearing -100
        mark paid | | available 80 bank 19.9997 platform_fee 0.0003 processor_clearing -100
        mark failed | payout_state | available 80 bank 19.9997 platform_fee 0.0003 processor_clearing -100
        mark returned | bank>available 19.9997, platform_fee>available 0.0003 | available 100 processor_clearing -100
        mark returned | | available 100 processor_clearing -100
    """,
    "contested_money_waits_and_then_is_the_providers": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 60 | cash>holds_control 60 | cash 100 held 60 processor_clearing -100
        settle s1 60 2000 | cash>holds_control 60, cash>pending 48, cash>platform_fee 12 | cash 40 pending 48 platform_fee 12 processor_clearing -100
        contest s1 ben | not_found | cash 40 pending 48 platform_fee 12 processor_clearing -100
        contest s1 ann | pending>dispute_reserve 48 | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        contest s1 ann | | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        contest s1 pia | case_exists | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        refund r1 s1 - | case_open | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        wait 604800 | | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        mature | | cash 40 dispute_reserve 48 platform_fee 12 processor_clearing -100
        decide to_provider - | dispute_reserve>available 48 | cash 40 available 48 platform_fee 12 processor_clearing -100
        decide to_provider - | | cash 40 available 48 platform_fee 12 processor_clearing -100
        decide to_client - | conflict | cash 40 available 48 platform_fee 12 processor_clearing -100
    """,
    "contested_money_goes_back_in_part": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        hold s1 60 | cash>holds_control 60 | cash 100 held 60 processor_clearing -100
        settle s1 60 2000 5 | cash>holds_control 60, cash>pending 48, cash>platform_fee 12, metering_write_off>pending 5 | cash 40 pending 53 platform_fee 12 metering_write_off -5 processor_clearing -100
        contest s1 pia | pending>dispute_reserve 48 | cash 40 pending 5 dispute_reserve 48 platform_fee 12 metering_write_off -5 processor_clearing -100
        decide to_client 61 | refund_above_charge | cash 40 pending 5 dispute_reserve 48 platform_fee 12 metering_write_off -5 processor_clearing -100
        decide to_client 30 | platform_fee>cash 6, dispute_reserve>cash 24, dispute_reserve>available 24 | cash 70 pending 5 available 24 platform_fee 6 metering_write_off -5 processor_clearing -100
        refund r1 s1 30 | platform_fee>cash 6, pending>cash 5, available>cash 19 | cash 100 available 5 metering_write_off -5 processor_clearing -100
    """,
    "cash_goes_back_through_the_payment_provider_and_promo_never": """
        promo c1 50 - | promo_cost>promo:c1 50 | promo 50 promo_cost -50
        withdraw w1 1 | insufficient_funds | promo 50 promo_cost -50
        top_up p1 100 | processor_clearing>cash 100 | cash 100 promo 50 processor_clearing -100 promo_cost -50
        hold s1 80 | promo:c1>holds_control 50, cash>holds_control 30 | cash 100 promo 50 held 80 processor_clearing -100 promo_cost -50
        withdraw w1 71 | insufficient_funds | cash 100 promo 50 held 80 processor_clearing -100 promo_cost -50
        withdraw w1 70 | cash>refunds_due 70 | cash 30 promo 50 refunds_due 70 held 80 processor_clearing -100 promo_cost -50
        withdraw w1 70 | | cash 30 promo 50 refunds_due 70 held 80 processor_clearing -100 promo_cost -50
        withdrawal done | withdrawal_state | cash 30 promo 50 refunds_due 70 held 80 processor_clearing -100 promo_cost -50
        withdrawal sent | refunds_due>processor_clearing 70 | cash 30 promo 50 held 80 processor_clearing -30 promo_cost -50
        withdrawal failed | processor_clearing>cash 70 | cash 100 promo 50 held 80 processor_clearing -100 promo_cost -50
        withdrawal failed | | cash 100 promo 50 held 80 processor_clearing -100 promo_cost -50
    """,
    "a_payment_provider_pays_over_each_line_once": """
        top_up p1 100 | processor_clearing>cash 100 | cash 100 processor_clearing -100
        line l1 90 2 | bank>processor_clearing 90, processor_fees>processor_clearing 2 | cash 100 bank -90 processor_clearing -8 processor_fees -2
        line l1 90 2 | | cash 100 bank -90 processor_clearing -8 processor_fees -2
        line l1 90 3 | conflict | cash 100 bank -90 processor_clearing -8 processor_fees -2
        line l2 8 0 | bank>processor_clearing 8 | cash 100 bank -98 processor_fees -2
    """,
}


class Clerk:
    """Carries out one row at a time; Ann pays and Pia earns."""

    def __init__(self, till: Till, vault: Vault) -> None:
        self._till = till
        self._counter = vault.counter
        self._vault = vault
        self._began_ns = till.clock.wall_ns()
        self._payout = self._withdrawal = self._case = ""

    async def do(self, asked: str) -> str:
        """The problem's code; nothing where it was done."""
        name, *words = asked.split()
        try:
            await getattr(self, name)(*words)
        except GatewayError as refusal:
            return refusal.wire_code
        return ""

    async def top_up(self, payment: str, amount: str) -> None:
        await self._till.wallet.deposit(AccountId("ann"), micros=_micros(amount), payment=payment, memo="")

    async def promo(self, campaign: str, amount: str, expires_s: str) -> None:
        expires = None if expires_s == "-" else self._began_ns + int(expires_s) * NS
        await self._till.wallet.grant_promo(
            AccountId("ann"), micros=_micros(amount), campaign=campaign, expires_wall_ns=expires
        )

    async def hold(self, session: str, amount: str) -> None:
        await self._till.hold(session, 0, _micros(amount), account=AccountId("ann"))

    async def settle(self, session: str, charge: str, fee_bp: str, make_good: str = "0") -> None:
        await self._till.wallet.settle(
            order(session, client=AccountId("ann"), provider=AccountId("pia"), fee_bp=int(fee_bp)),
            charge_micros=_micros(charge),
            make_good_micros=_micros(make_good),
            also=lambda _transaction, _split: None,
        )
        self._till.sessions.open.discard(SessionId(session))

    async def mature(self) -> None:
        await self._vault.maturing.look()

    async def wait(self, seconds: str) -> None:
        self._till.clock.advance(seconds=int(seconds))

    async def refund(self, key: str, session: str, amount: str) -> None:
        await self._counter.refunds.refund(
            SessionId(session), amount=_amount(amount), reason="a test", operator=OP, key=key
        )

    async def withdraw(self, key: str, amount: str) -> None:
        asked = _amount(amount)
        assert asked is not None
        made = await self._counter.refunds.withdraw(
            AccountId("ann"), amount=asked, reason="a test", operator=OP, key=key
        )
        self._withdrawal = made.id

    async def withdrawal(self, state: str) -> None:
        await self._counter.refunds.mark(
            self._withdrawal, WithdrawalState(state), reason="a test", operator=OP
        )

    async def line(self, line: str, amount: str, fee: str) -> None:
        booked = ProcessorLine(
            processor="sandbox", line=line, micros=_micros(amount), fee_micros=_micros(fee)
        )
        await self._counter.refunds.book_line(booked, reason="a test", operator=OP)

    async def payout(self, key: str, amount: str) -> None:
        asked = _amount(amount)
        assert asked is not None
        made = await self._counter.payouts.request(AccountId("pia"), amount=asked, key=key)
        self._payout = made.id

    async def approve(self, who: str) -> None:
        await self._counter.payouts.approve(self._payout, operator=AccountId(who), reason="a test")

    async def send(self) -> None:
        await self._counter.payouts.send_all([self._payout, self._payout], operator=OP, reason="a test")

    async def mark(self, state: str) -> None:
        await self._counter.payouts.mark(self._payout, PayoutState(state), operator=OP, reason="a test")

    async def contest(self, session: str, who: str) -> None:
        self._case = case_id(SessionId(session))
        await self._counter.disputes.open(SessionId(session), AccountId(who), reason="a test")

    async def decide(self, outcome: str, amount: str) -> None:
        await self._counter.disputes.decide(
            self._case, CaseState(outcome), amount=_amount(amount), verdict="a test", operator=OP
        )


def _micros(coins: str) -> int:
    return round(float(coins) * MONEY)


def _amount(coins: str) -> Money | None:
    return None if coins == "-" else Money(_micros(coins), "CNY")


def _coins(micros: int) -> str:
    return f"{micros / MONEY:.4f}".rstrip("0").rstrip(".")


def _short(account: str) -> str:
    chart, *rest = account.split(":")
    short = {
        "client_cash": "cash",
        "client_promo": "promo",
        "provider_pending": "pending",
        "provider_available": "available",
    }.get(chart, chart)
    return f"{short}:{rest[1]}" if short == "promo" else short


async def _legs(till: Till, after: int) -> tuple[str, int]:
    rows = await till.database.read(
        lambda connection: connection.execute(
            "SELECT * FROM ledger_transfer WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
    )
    legs = [
        f"{_short(row['debit_account'])}>{_short(row['credit_account'])} {_coins(row['micros'])}"
        for row in rows
    ]
    return ", ".join(legs), max([after, *(row["seq"] for row in rows)])


async def _balances(till: Till) -> str:
    rows = await till.database.read(
        lambda connection: connection.execute("SELECT * FROM ledger_account ORDER BY id").fetchall()
    )
    found: dict[str, int] = {}
    for row in rows:
        name = _short(row["id"]).split(":")[0]
        found[name] = found.get(name, 0) + row["credits_posted"] - row["debits_posted"]
        found["held"] = found.get("held", 0) + row["debits_pending"]
    return _ordered({name: _coins(micros) for name, micros in found.items() if micros})


def _ordered(balances: dict[str, str]) -> str:
    return " ".join(f"{name} {coins}" for name, coins in sorted(balances.items()))


def _expected(cell: str) -> str:
    words = cell.split()
    return _ordered(dict(zip(words[::2], words[1::2], strict=True)))


@pytest.mark.parametrize("name", TABLES)
async def test_flows(till: Till, name: str) -> None:
    vault = open_vault(till.database, till.wallet, clock=till.clock, facts=till.facts, sessions=till.sessions)
    clerk, seq = Clerk(till, vault), 0
    for row in TABLES[name].strip().splitlines():
        asked, moved, left = (cell.strip() for cell in row.split("|"))
        refusal = await clerk.do(asked)
        legs, seq = await _legs(till, seq)
        assert (refusal or legs) == moved, row
        assert await _balances(till) == _expected(left), row
        assert await till.broken() == [], row
        broken = {finding.name for finding in await vault.watch.audit() if not finding.ok}
        assert broken - FROM_RECEIPTS == set(), row
