"""The quick look at the books: it takes in what is new, once, and notices what is not right."""

import pytest

from gateway.booking.adapters.ledger_replay import STRETCH_MAX
from gateway.booking.ledger.invariant import FROM_RECEIPTS, Invariant
from gateway.ids import SessionId
from tests.booking_ledger.conftest import ANN, PIA, UNIT, Till, order
from tests.booking_ledger.vault import Vault, open_vault

pytestmark = pytest.mark.adapter

_GUARDS = (
    "DROP TRIGGER ledger_account_grows",
    "DROP TRIGGER ledger_transfer_is_final",
    "DROP TRIGGER ledger_transfer_stays",
    "DROP TRIGGER ledger_command_is_final",
    "PRAGMA ignore_check_constraints = ON",
)
TAMPERINGS = {
    "a counter that no transfer explains": (
        "UPDATE ledger_account SET credits_posted = credits_posted + 5 WHERE id = 'client_cash:acc_ann'",
        {Invariant.POSTED_BALANCE, Invariant.REPLAY},
    ),
    "a hold forgotten on one side": (
        "UPDATE ledger_account SET debits_pending = 0 WHERE id = 'client_cash:acc_ann'",
        {Invariant.PENDING_BALANCE, Invariant.PENDING_IS_HOLDS, Invariant.REPLAY},
    ),
    "a fee that is not what was answered": (
        "UPDATE ledger_transfer SET micros = micros - 1 WHERE flow = 'fee' AND session = 'ses_new'",
        {Invariant.SPLIT_IS_EXACT, Invariant.REPLAY, Invariant.POSTED_BALANCE},
    ),
    "a settlement that forgot a hold": (
        "DELETE FROM ledger_transfer WHERE kind = 'void' AND session = 'ses_new'",
        {
            Invariant.PENDING_IS_HOLDS,
            Invariant.PENDING_BALANCE,
            Invariant.HOLDS_END_ONCE,
            Invariant.SPLIT_IS_EXACT,
            Invariant.NO_ORPHAN_HOLD,
            Invariant.REPLAY,
        },
    ),
    "a hold that set aside more than it answered": (
        "UPDATE ledger_command SET answer = '{\"placed_micros\": 1}' WHERE name = 'hold' AND session = 'ses_new'",
        {Invariant.ANSWERS},
    ),
    "a reserve that no case explains": (
        "UPDATE ledger_case SET state = 'to_provider'",
        {Invariant.CLEARING},
    ),
}


@pytest.fixture
def vault(till: Till) -> Vault:
    return open_vault(till.database, till.wallet, clock=till.clock, facts=till.facts, sessions=till.sessions)


async def _settled(till: Till, session: str) -> None:
    await till.hold(session, 0, 10 * UNIT)
    await till.wallet.settle(order(session), charge_micros=7 * UNIT, also=lambda _transaction, _split: None)
    till.sessions.open.discard(SessionId(session))


async def _broken(vault: Vault) -> set[Invariant]:
    return {finding.name for finding in await vault.watch.audit() if not finding.ok} - FROM_RECEIPTS


async def test_a_look_takes_in_only_what_is_new(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settled(till, "ses_1")
    first = await vault.books.look()
    assert (first.transfers, first.settled) == (5, ["ses_1"])
    await _settled(till, "ses_2")
    second = await vault.books.look()
    assert (second.transfers, second.settled) == (9, ["ses_2"])
    assert all(finding.ok for finding in second.findings)


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_what_is_new_and_wrong_is_noticed(till: Till, vault: Vault, name: str) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settled(till, "ses_old")
    await vault.counter.disputes.open(SessionId("ses_old"), ANN, reason="why")
    await till.hold("ses_live", 0, UNIT)
    assert await _broken(vault) == set()
    await _settled(till, "ses_new")
    statement, expected = TAMPERINGS[name]
    for sql in (*_GUARDS, statement):
        await till.database.write(lambda transaction, sql=sql: transaction.execute(sql))
    found = await _broken(vault)
    assert found & expected, found
    assert found <= expected | {Invariant.REPLAY}


async def test_a_breach_is_gone_once_it_is_mended(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    await till.hold("ses_live", 0, UNIT)
    till.sessions.open.clear()
    assert await _broken(vault) == {Invariant.NO_ORPHAN_HOLD}
    till.sessions.open.add(SessionId("ses_live"))
    assert await _broken(vault) == set()


async def test_a_look_at_everything_finds_what_was_changed_long_ago(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settled(till, "ses_old")
    assert await _broken(vault) == set()
    for sql in (*_GUARDS, "UPDATE ledger_transfer SET micros = micros - 1 WHERE flow = 'fee'"):
        await till.database.write(lambda transaction, sql=sql: transaction.execute(sql))
    assert await _broken(vault) == set()
    found = {finding.name for finding in await vault.watch.audit_all() if not finding.ok}
    assert {Invariant.SPLIT_IS_EXACT, Invariant.REPLAY} <= found


async def test_a_counter_changed_by_hand_is_found_within_a_round_of_looks(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    assert STRETCH_MAX > 20, "one look compares every account of a small ledger"
    assert await _broken(vault) == set()
    change = "UPDATE ledger_account SET debits_posted = debits_posted + 1 WHERE id = 'client_cash:acc_ann'"
    await till.database.write(lambda transaction: transaction.execute(change))
    assert await _broken(vault) == {Invariant.POSTED_BALANCE, Invariant.REPLAY}


async def test_money_that_waits_for_a_month_is_named(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settled(till, "ses_1")
    await vault.counter.disputes.open(SessionId("ses_1"), PIA, reason="why")
    till.clock.advance(seconds=31 * 24 * 3600)
    await till.fund(ANN, UNIT, payment="later")
    findings = {finding.name: finding for finding in await vault.watch.audit()}
    assert findings[Invariant.CLEARING].violations == ("dispute_reserve has waited for more than 30 days",)


async def test_a_charge_without_a_receipt_is_named(till: Till, vault: Vault) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settled(till, "ses_1")
    findings = {finding.name: finding for finding in await vault.watch.audit()}
    assert findings[Invariant.PRICE].violations == (
        "session ses_1 was charged 7000000 micros and has no receipt",
    )
