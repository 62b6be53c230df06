"""Every invariant notices its own breach, and nothing else does."""

import pytest

from gateway.booking.ledger.invariant import FROM_RECEIPTS, Invariant
from gateway.ids import SessionId
from gateway.money import Money
from tests.booking_ledger.conftest import ANN, UNIT, Till, order

pytestmark = pytest.mark.adapter

_ACCOUNT_GUARDS = (
    "DROP TRIGGER ledger_account_grows",
    "PRAGMA ignore_check_constraints = ON",
)

TAMPERINGS = {
    "a counter that no transfer explains": (
        [
            *_ACCOUNT_GUARDS,
            "UPDATE ledger_account SET credits_posted = credits_posted + 5 WHERE id = 'client_cash:acc_ann'",
        ],
        {Invariant.POSTED_BALANCE, Invariant.REPLAY},
    ),
    "money moved by hand from one wallet to another": (
        [
            *_ACCOUNT_GUARDS,
            "UPDATE ledger_account SET debits_posted = debits_posted + 5 WHERE id = 'client_cash:acc_ann'",
            "UPDATE ledger_account SET credits_posted = credits_posted + 5 WHERE id = 'provider_pending:acc_pia'",
        ],
        {Invariant.REPLAY},
    ),
    "a hold forgotten on one side": (
        [*_ACCOUNT_GUARDS, "UPDATE ledger_account SET debits_pending = 0 WHERE id = 'client_cash:acc_ann'"],
        {Invariant.PENDING_BALANCE, Invariant.PENDING_IS_HOLDS, Invariant.REPLAY},
    ),
    "an overdrawn wallet": (
        [
            *_ACCOUNT_GUARDS,
            "UPDATE ledger_account SET debits_posted = 900000000 WHERE id = 'client_cash:acc_ann'",
        ],
        {Invariant.POSTED_BALANCE, Invariant.NO_OVERDRAFT, Invariant.REPLAY},
    ),
    "a hold that ended by another amount": (
        [
            "DROP TRIGGER ledger_transfer_is_final",
            "UPDATE ledger_transfer SET micros = micros - 1 WHERE kind = 'void'",
        ],
        {Invariant.HOLDS_END_ONCE, Invariant.REPLAY},
    ),
    "a fee that is not what was answered": (
        [
            "DROP TRIGGER ledger_transfer_is_final",
            "UPDATE ledger_transfer SET micros = micros - 1 WHERE flow = 'fee'",
        ],
        {Invariant.SPLIT_IS_EXACT, Invariant.REPLAY},
    ),
    "a transfer that was deleted": (
        [
            "DROP TRIGGER ledger_transfer_stays",
            "DELETE FROM ledger_transfer WHERE flow = 'earning'",
        ],
        {Invariant.SPLIT_IS_EXACT, Invariant.REPLAY},
    ),
    "a settlement that forgot a hold": (
        [
            "DROP TRIGGER ledger_transfer_stays",
            "DELETE FROM ledger_transfer WHERE kind = 'void'",
        ],
        {
            Invariant.PENDING_IS_HOLDS,
            Invariant.HOLDS_END_ONCE,
            Invariant.SPLIT_IS_EXACT,
            Invariant.NO_ORPHAN_HOLD,
            Invariant.REPLAY,
        },
    ),
    "a top-up that succeeded without its credit": (
        [
            "INSERT INTO top_up_order VALUES ('x', 'acc_ann', 'k', 'f', 5, 'CNY', '', 'succeeded', 'p', '', 'c', 0, 0)"
        ],
        {Invariant.TOP_UPS},
    ),
    "a top-up that was credited and still says pending": (
        [
            "DROP TRIGGER top_up_order_is_final",
            "UPDATE top_up_order SET state = 'pending'",
        ],
        {Invariant.TOP_UPS},
    ),
}


async def _busy(till: Till) -> None:
    """A wallet filled by a top-up, one session settled and one going on."""
    top_up = await till.top_ups.create(
        ANN, amount=Money(100 * UNIT, "CNY"), method="sandbox", idempotency_key="k1"
    )
    await till.sandbox.decide(str(top_up.payment), is_approved=True)
    await till.hold("ses_over", 0, 10 * UNIT)
    await till.wallet.settle(
        order("ses_over"), charge_micros=7 * UNIT, also=lambda _transaction, _split: None
    )
    till.sessions.open.discard(SessionId("ses_over"))
    await till.hold("ses_live", 0, 10 * UNIT)


async def test_sound_books_break_nothing(till: Till) -> None:
    await _busy(till)
    findings = await till.wallet.audit()
    assert [finding.name for finding in findings] == [name for name in Invariant if name not in FROM_RECEIPTS]
    assert all(finding.ok and finding.value == 0 and finding.violations == () for finding in findings)


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_noticed(till: Till, name: str) -> None:
    statements, broken = TAMPERINGS[name]
    await _busy(till)
    for statement in statements:
        await till.database.write(lambda transaction, statement=statement: transaction.execute(statement))
    findings = {finding.name: finding for finding in await till.wallet.audit() if not finding.ok}
    assert set(findings) == broken
    assert all(finding.value != 0 and finding.violations for finding in findings.values())


async def test_a_hold_of_a_session_that_is_over_is_named_with_its_owner(till: Till) -> None:
    await _busy(till)
    till.sessions.open.clear()
    (finding,) = [finding for finding in await till.wallet.audit() if not finding.ok]
    assert finding.name is Invariant.NO_ORPHAN_HOLD
    assert finding.violations == ("session ses_live is over and has an open hold",)
    assert finding.owners == (ANN,)


async def test_a_session_that_begins_during_the_audit_is_no_orphan(till: Till) -> None:
    await _busy(till)

    till.sessions.first_answers = [frozenset()]
    assert await till.broken() == []
