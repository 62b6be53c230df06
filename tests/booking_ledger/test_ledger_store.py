"""The ledger on the database: what it refuses, what commits together, many at once."""

import asyncio
import sqlite3
from typing import Any

import pytest

from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.ledger.hold import HoldStatus
from gateway.booking.ledger.settlement import Split
from gateway.errors import InvariantBroken, StoreDown
from gateway.ids import AccountId, HoldId, SessionId
from gateway.work import nothing
from tests.booking_ledger.conftest import ANN, BEN, PIA, UNIT, Till, order

pytestmark = pytest.mark.adapter


_ENDING = (
    "INSERT INTO ledger_transfer (id, command_id, kind, flow, debit_account, credit_account, micros, ends_id,"
    " session, at_wall_ns)"
    " SELECT '{id}', command_id, 'void', 'release', debit_account, credit_account, {micros}, id, {session}, 0"
    " FROM ledger_transfer WHERE kind = 'pending'"
)


_STRAY = (
    "INSERT INTO ledger_transfer (id, kind, flow, micros, at_wall_ns, command_id, debit_account, credit_account)"
    " SELECT 'stray', 'posted', 'top_up', 1, 1, {} FROM ledger_transfer LIMIT 1"
)
_AGAIN = (
    "INSERT INTO ledger_transfer (id, command_id, kind, flow, debit_account, credit_account, micros, session,"
    " at_wall_ns) SELECT id, command_id, kind, flow, debit_account, credit_account, micros, session, 0"
    " FROM ledger_transfer WHERE {}"
)


class NotedError(Exception):
    """Raised by a companion work that wants everything undone."""


def _ignore(_transaction: Any, _split: Split) -> None:
    """The companion of a settlement that has none."""


async def _dump(till: Till) -> list[str]:
    return await till.database.read(lambda connection: list(connection.iterdump()))


async def _execute(till: Till, sql: str) -> None:
    await till.database.write(lambda transaction: transaction.execute(sql))


async def _settled(till: Till, session: str, charge: int) -> Split:
    return await till.wallet.settle(order(session), charge_micros=charge, also=_ignore)


async def test_fifty_parallel_holds_on_one_wallet_never_overdraw_it(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    placed = await asyncio.gather(*(till.hold(f"ses_{n}", 0, UNIT, least=UNIT) for n in range(50)))
    assert sorted(placed) == [0] * 40 + [UNIT] * 10
    assert await till.wallet.available(ANN) == 0
    assert await till.broken() == []


async def test_parallel_repetitions_of_one_hold_set_aside_once(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    placed = await asyncio.gather(*(till.hold("ses_1", 0, UNIT) for _ in range(20)))
    assert placed == [UNIT] * 20
    assert await till.wallet.available(ANN) == 9 * UNIT


async def test_parallel_settlements_of_one_session_charge_once(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.hold("ses_1", 0, 5 * UNIT)
    ran: list[int] = []
    splits = await asyncio.gather(
        *(
            till.wallet.settle(
                order("ses_1"),
                charge_micros=charge * UNIT,
                also=lambda _transaction, split: ran.append(split.charge_micros),
            )
            for charge in (3, 4, 5)
        )
    )
    assert [split.charge_micros for split in splits] == [3 * UNIT] * 3
    assert ran == [3 * UNIT]
    assert await till.wallet.available(ANN) == 7 * UNIT


async def test_a_companion_commits_with_the_hold(till: Till) -> None:
    await till.fund(ANN, UNIT)
    await _execute(till, "CREATE TABLE companion (text TEXT) STRICT")
    answer = await till.wallet.place_hold(
        HoldId("h"),
        session=SessionId("ses_1"),
        account=ANN,
        want_micros=UNIT,
        least_micros=UNIT,
        also=lambda transaction, _placed: transaction.execute("INSERT INTO companion VALUES ('here')"),
    )
    assert answer.status is HoldStatus.PLACED
    assert await till.database.read(lambda c: c.execute("SELECT count(*) FROM companion").fetchone()[0]) == 1


async def test_a_companion_that_refuses_undoes_the_hold(till: Till) -> None:
    await till.fund(ANN, UNIT)
    before = await _dump(till)

    def refuse(_transaction: Any, _placed: int) -> None:
        raise NotedError

    with pytest.raises(NotedError):
        await till.wallet.place_hold(
            HoldId("h"),
            session=SessionId("ses_1"),
            account=ANN,
            want_micros=UNIT,
            least_micros=1,
            also=refuse,
        )
    assert await _dump(till) == before
    assert await till.hold("ses_1", 0, UNIT) == UNIT


async def test_a_companion_does_not_run_with_a_refused_or_repeated_hold(till: Till) -> None:
    ran: list[str] = []

    async def hold(name: str) -> HoldStatus:
        answer = await till.wallet.place_hold(
            HoldId("h"),
            session=SessionId("ses_1"),
            account=ANN,
            want_micros=UNIT,
            least_micros=UNIT,
            also=lambda _transaction, _placed: ran.append(name),
        )
        return answer.status

    assert await hold("refused") is HoldStatus.INSUFFICIENT_FUNDS
    await till.fund(ANN, UNIT)
    assert await hold("placed") is HoldStatus.PLACED
    assert await hold("repeated") is HoldStatus.EXISTS
    assert ran == ["placed"]


async def test_a_companion_that_refuses_undoes_the_settlement(till: Till) -> None:
    await till.fund(ANN, 2 * UNIT)
    await till.hold("ses_1", 0, 2 * UNIT)
    before = await _dump(till)

    def refuse(_transaction: Any, _split: Split) -> None:
        raise NotedError

    with pytest.raises(NotedError):
        await till.wallet.settle(order("ses_1"), charge_micros=UNIT, also=refuse)
    assert await _dump(till) == before
    assert (await _settled(till, "ses_1", UNIT)).charge_micros == UNIT


async def test_a_refused_hold_changes_nothing_at_all(till: Till) -> None:
    await till.fund(ANN, UNIT)
    before = await _dump(till)
    assert await till.hold("ses_1", 0, 2 * UNIT, least=2 * UNIT) == 0
    assert await _dump(till) == before


async def test_the_answer_of_a_settlement_survives_a_later_change_of_the_wallet(till: Till) -> None:
    await till.fund(ANN, 2 * UNIT)
    await till.hold("ses_1", 0, 2 * UNIT)
    first = await _settled(till, "ses_1", UNIT)
    await till.fund(ANN, 50 * UNIT, payment="later")
    assert await _settled(till, "ses_1", UNIT) == first


async def test_the_provider_and_the_platform_get_what_the_client_pays(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.hold("ses_1", 0, 10 * UNIT)
    split = await _settled(till, "ses_1", 7 * UNIT)
    earnings = (await till.wallet.earnings(PIA)).earnings
    assert (split.fee_micros, split.earned_micros) == (1_400_000, 5_600_000)
    assert (earnings.pending_micros, earnings.available_micros) == (5_600_000, 0)


async def test_a_client_cannot_pay_himself(till: Till) -> None:
    with pytest.raises(InvariantBroken):
        await till.wallet.settle(order("ses_1", client=ANN, provider=ANN), charge_micros=0, also=_ignore)


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE ledger_transfer SET micros = 1", "never edited"),
        ("DELETE FROM ledger_transfer", "never deleted"),
        (
            "INSERT OR REPLACE INTO ledger_transfer SELECT * FROM ledger_transfer LIMIT 1",
            "never deleted",
        ),
        ("UPDATE ledger_command SET answer = '{}'", "never edited"),
        ("DELETE FROM ledger_command", "never deleted"),
        ("DELETE FROM ledger_account", "never deleted"),
        ("UPDATE ledger_account SET owner = 'acc_thief' WHERE owner = 'acc_ann'", "never renamed"),
        ("UPDATE ledger_account SET guarded = 0", "never renamed"),
        (
            "UPDATE ledger_account SET credits_posted = credits_posted - 1 WHERE owner = 'acc_ann'",
            "taken back|CHECK",
        ),
        (
            "UPDATE ledger_account SET debits_posted = 99000000 WHERE chart = 'client_cash'",
            "CHECK constraint",
        ),
        ("UPDATE ledger_book SET currency = 'EUR'", "keeps its currency"),
        (
            _ENDING.format(id="half", micros="micros - 1", session="session"),
            "ends whole",
        ),
        (
            _ENDING.format(id="elsewhere", micros="micros", session="'ses_2'"),
            "ends whole",
        ),
        (_STRAY.format("'no command', debit_account, credit_account"), "accounts that are open"),
        (_STRAY.format("command_id, 'client_cash:acc_nobody', credit_account"), "accounts that are open"),
        (_STRAY.format("command_id, debit_account, 'client_cash:acc_nobody'"), "accounts that are open"),
        (
            _AGAIN.format("session IS NOT NULL"),
            "UNIQUE constraint",
        ),
        (
            _AGAIN.format("session IS NULL"),
            "UNIQUE constraint",
        ),
    ],
)
async def test_the_database_itself_refuses(till: Till, sql: str, sentence: str) -> None:
    await till.fund(ANN, 5 * UNIT)
    await till.hold("ses_1", 0, UNIT)
    before = await _dump(till)
    with pytest.raises(sqlite3.IntegrityError, match=sentence):
        await _execute(till, sql)
    assert await _dump(till) == before


async def test_a_hold_cannot_end_twice(till: Till) -> None:
    await till.fund(ANN, 5 * UNIT)
    await till.hold("ses_1", 0, UNIT)
    await _settled(till, "ses_1", 0)
    with pytest.raises(sqlite3.IntegrityError, match="ends_id"):
        await _execute(till, _ENDING.format(id="again", micros="micros", session="session"))


async def test_a_ledger_of_another_currency_is_refused(till: Till) -> None:
    with pytest.raises(StoreDown, match="kept in CNY, the configuration says EUR"):
        await LedgerStore.open(till.database, currency="EUR")


async def test_opening_the_books_and_accounts_again_changes_nothing(till: Till) -> None:
    await till.wallet.open_account(ANN)
    before = await _dump(till)
    await LedgerStore.open(till.database, currency="CNY")
    await till.wallet.open_account(ANN)
    assert await _dump(till) == before


async def test_money_of_one_wallet_is_not_seen_in_another(till: Till) -> None:
    await till.fund(ANN, UNIT)
    assert await till.wallet.available(BEN) == 0
    assert await till.wallet.available(AccountId("acc_nobody")) == 0
    assert (await till.wallet.entries(BEN)).items == []


async def test_one_account_may_earn_and_spend(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.hold("ses_1", 0, 10 * UNIT)
    await _settled(till, "ses_1", 10 * UNIT)
    assert await till.wallet.available(PIA) == 0, "earnings are not spendable"
    await till.fund(PIA, UNIT)
    answer = await till.wallet.place_hold(
        HoldId("h"),
        session=SessionId("ses_2"),
        account=PIA,
        want_micros=2 * UNIT,
        least_micros=1,
        also=nothing,
    )
    assert answer.placed_micros == UNIT
