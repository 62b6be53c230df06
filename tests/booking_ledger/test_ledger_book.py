"""Transfers as the book applies them: what each kind does to four counters, and what is refused."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.booking.adapters.ledger_book import Book
from gateway.booking.ledger.account import (
    NATURE,
    Balance,
    Chart,
    LedgerAccountId,
    available_earnings_of,
    cash_of,
    pending_earnings_of,
    platform,
)
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.transfer import EFFECTS, Flow, Transfer, TransferKind
from gateway.errors import InvariantBroken
from gateway.ids import SessionId, TransferId
from gateway.store.schema import migrate
from tests.booking_ledger.conftest import ANN, MIGRATIONS, PIA

pytestmark = pytest.mark.adapter

CASH = cash_of(ANN).id
PENDING = pending_earnings_of(PIA).id


def _transfer(name: str, kind: TransferKind, micros: int, *, ends: str | None = None) -> Transfer:
    return Transfer(
        id=TransferId(name),
        kind=kind,
        flow=Flow.EARNING,
        debit=CASH,
        credit=PENDING,
        micros=micros,
        ends=TransferId(ends) if ends else None,
        session=SessionId("ses_1"),
    )


def _record(book: Book, *transfers: Transfer) -> None:
    command = Command(id=f"command-{transfers[0].id}", name=CommandName.SETTLE, body={})
    book.record(command, transfers, answer={}, at_wall_ns=0)


@pytest.fixture
def book() -> Iterator[Book]:
    """A book in which Ann has 100."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection, MIGRATIONS)
    opened = Book(connection)
    for account in (cash_of(ANN), pending_earnings_of(PIA), platform(Chart.PROCESSOR_CLEARING)):
        opened.open_account(account)
    paid_in = replace(
        _transfer("paid in", TransferKind.POSTED, 100), debit=platform(Chart.PROCESSOR_CLEARING).id
    )
    _record(opened, replace(paid_in, credit=CASH))
    yield opened
    connection.close()


@pytest.mark.parametrize(
    ("transfers", "payer", "payee"),
    [
        (
            [_transfer("t", TransferKind.POSTED, 30)],
            Balance(debits_posted=30, credits_posted=100),
            Balance(credits_posted=30),
        ),
        (
            [_transfer("t", TransferKind.PENDING, 30)],
            Balance(debits_pending=30, credits_posted=100),
            Balance(credits_pending=30),
        ),
        (
            [_transfer("t", TransferKind.PENDING, 30), _transfer("u", TransferKind.POST, 30, ends="t")],
            Balance(debits_posted=30, credits_posted=100),
            Balance(credits_posted=30),
        ),
        (
            [_transfer("t", TransferKind.PENDING, 30), _transfer("u", TransferKind.VOID, 30, ends="t")],
            Balance(credits_posted=100),
            Balance(),
        ),
        (
            [_transfer("t", TransferKind.PENDING, 100), _transfer("u", TransferKind.POST, 100, ends="t")],
            Balance(debits_posted=100, credits_posted=100),
            Balance(credits_posted=100),
        ),
    ],
)
def test_what_transfers_do_to_counters(
    book: Book, transfers: list[Transfer], payer: Balance, payee: Balance
) -> None:
    _record(book, *transfers)
    assert (book.balance(CASH), book.balance(PENDING)) == (payer, payee)


@pytest.mark.parametrize("kind", [TransferKind.POSTED, TransferKind.PENDING])
def test_the_guarded_statement_refuses_what_is_not_there(book: Book, kind: TransferKind) -> None:
    _record(book, _transfer("held", TransferKind.PENDING, 60))
    with pytest.raises(InvariantBroken, match="does not cover 41 micros"):
        _record(book, _transfer("too much", kind, 41))


def test_an_account_that_was_never_opened_is_refused(book: Book) -> None:
    stranger = replace(
        _transfer("t", TransferKind.POSTED, 1), credit=LedgerAccountId("client_cash:acc_nobody")
    )
    with pytest.raises((InvariantBroken, sqlite3.IntegrityError)):
        _record(book, stranger)


def test_a_command_id_is_used_once(book: Book) -> None:
    _record(book, _transfer("t", TransferKind.POSTED, 1))
    with pytest.raises(sqlite3.IntegrityError):
        _record(book, _transfer("t", TransferKind.POSTED, 1))


@pytest.mark.parametrize("micros", [0, -1, 10**15 + 1])
def test_amounts_have_bounds(micros: int) -> None:
    with pytest.raises(InvariantBroken):
        _transfer("t", TransferKind.POSTED, micros)


def test_only_posts_and_voids_name_what_they_end() -> None:
    for kind in TransferKind:
        is_ending = kind in {TransferKind.POST, TransferKind.VOID}
        with pytest.raises(InvariantBroken):
            _transfer("t", kind, 1, ends=None if is_ending else "other")


def test_every_kind_has_an_effect_and_every_account_a_nature() -> None:
    assert set(EFFECTS) == set(TransferKind)
    assert set(NATURE) == set(Chart)


def test_only_what_is_owed_to_others_is_guarded() -> None:
    assert cash_of(ANN).is_guarded
    assert available_earnings_of(PIA).is_guarded
    assert not platform(Chart.PROCESSOR_CLEARING).is_guarded
    assert not platform(Chart.HOLDS_CONTROL).is_guarded
