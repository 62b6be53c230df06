"""The ledger bench: when its commands fall due, and what it expects of rounds that it prepared."""

import asyncio
import time
from pathlib import Path

import pytest

from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.ids import AccountId
from gateway.store.database import Database
from loadtest.ledger.cashier import COMMANDS_OF_ROUND, TOP_UP_MICROS, Cashier, Tape
from loadtest.ledger.pace import Pace
from loadtest.ledger.run import MIGRATIONS

pytestmark = pytest.mark.adapter


async def test_every_command_is_given_once_in_order_and_never_early() -> None:
    pace = Pace(per_s=2_000, count=100)
    given: list[tuple[int, int]] = []

    async def work() -> None:
        while (due_ns := await pace.next()) is not None:
            given.append((due_ns, time.perf_counter_ns()))
            await asyncio.sleep(0)

    await asyncio.gather(pace.keep(), *(work() for _ in range(7)))
    assert [due_ns - pace.began_ns for due_ns, _ in given] == [number * 500_000 for number in range(100)]
    assert all(due_ns <= at_ns for due_ns, at_ns in given)
    assert await pace.next() is None


async def test_a_command_that_found_everybody_busy_has_been_due_since_its_instant() -> None:
    pace = Pace(per_s=1_000, count=20)
    await asyncio.sleep(0.03)
    assert [await pace.next() for _ in range(20)] == [
        pace.began_ns + number * 1_000_000 for number in range(20)
    ]
    assert await pace.next() is None


async def test_prepared_rounds_count_from_when_they_begin(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "books.db", MIGRATIONS)
    try:
        ledger = await LedgerStore.open(database, currency="CNY")
        cashier = Cashier(ledger=ledger, name="one")
        await cashier.open_accounts()
        for _ in range(3):
            cashier.plan()
        assert (sum(cashier.balances), cashier.charged_micros, cashier.earned) == (0, 0, {})
        tape = Tape()
        for _ in range(4 * COMMANDS_OF_ROUND):
            await cashier.step(tape)
        assert len(tape.latency_ms) == 4 * COMMANDS_OF_ROUND
        assert sum(cashier.balances) == 4 * TOP_UP_MICROS - cashier.charged_micros
        wallets = [await ledger.wallet(AccountId(f"acc_one_{n}"), now_wall_ns=1) for n in range(8)]
        assert [wallet.cash_micros for wallet in wallets] == cashier.balances
    finally:
        await database.close()
