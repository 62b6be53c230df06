"""The commands of the ledger as work for the store: alone, or many at a desk.

Decides the order inside a transaction: was it done before, may it be done, plan
(`gateway/booking/ledger/`), write, then whatever commits along with it.
Never decides amounts; the pure concepts do. Never begins or commits.
Keeps: alone and together leave the same rows and answers; a refused command leaves
no row behind, so it may be tried again.
See docs/metering.md, "Ledger" and "Holds and warnings".
"""

import functools
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

from gateway.booking.adapters import ledger_plain
from gateway.booking.adapters.ledger_book import Book, Books
from gateway.booking.adapters.ledger_desk import Desk, Needs
from gateway.booking.adapters.ledger_rows import accounts_of
from gateway.booking.ledger import deposit, hold, settlement, wallet
from gateway.booking.ledger.account import (
    LedgerAccount,
    cash_id,
    pending_earnings_id,
    promo_of,
)
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.wallet_ports import Settled
from gateway.errors import Conflict
from gateway.ids import AccountId, SessionId, derived
from gateway.store.ports import Refused
from gateway.work import SumWork

A = TypeVar("A")

_SPLIT = tuple(part.name for part in fields(Split))


class LedgerWork(ABC, Generic[A]):
    """One command; satisfies `SharedWork` of the store."""

    company: ClassVar[str] = "ledger"

    def __call__(self, transaction: sqlite3.Connection) -> A:
        """Do it alone."""
        answer = self.decide(Book(transaction))
        self.accompany(transaction, answer)
        return answer

    def together(self, transaction: sqlite3.Connection, works: Sequence["LedgerWork[Any]"]) -> Sequence[Any]:
        """Do all of them at one desk; an outcome for each, in order."""
        desk = Desk(transaction, [work.needs() for work in works])
        outcomes = [_outcome(work, desk) for work in works]
        desk.flush()
        for work, outcome in zip(works, outcomes, strict=True):
            if not isinstance(outcome, Refused):
                work.accompany(transaction, outcome)
        return outcomes

    @abstractmethod
    def needs(self) -> Needs:
        """What `decide` asks about."""

    @abstractmethod
    def decide(self, books: Books) -> A:
        """Do it on the books; what it raises is raised before anything was written."""

    def decide_at(self, desk: Desk) -> A:
        """`decide`, by whatever shorter way a desk offers."""
        return self.decide(desk)

    def accompany(self, transaction: sqlite3.Connection, answer: A) -> None:
        """Do what commits along with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold(LedgerWork[HoldAnswer]):
    """Set money aside, once per hold id."""

    request: HoldRequest
    now_wall_ns: int
    also: SumWork
    """Commits with it where it is PLACED."""

    def needs(self) -> Needs:
        """The hold, the session's settlement, and the wallet."""
        request = self.request
        return Needs(
            commands=(_hold_id(request), _settle_id(request.session)),
            payer=request.account,
        )

    def decide(self, books: Books) -> HoldAnswer:
        """The hold as it is now, or was before.

        Raises:
            Conflict: the session has been settled.
        """
        request = self.request
        sources = books.sources(request.account)
        available = wallet.available_micros(sources, now_wall_ns=self.now_wall_ns)
        if (before := books.recorded(_hold_id(request))) is not None:
            is_same = before.fingerprint == _hold_command(request).fingerprint
            status = HoldStatus.EXISTS if is_same else HoldStatus.EXISTS_WITH_DIFFERENT_AMOUNT
            placed: int = before.answer["placed_micros"]
            return HoldAnswer(status=status, placed_micros=placed, available_micros=available)
        if books.recorded(_settle_id(request.session)) is not None:
            raise Conflict(f"session {request.session} is settled; nothing more is set aside for it")
        if books.is_barred(request.account):
            return HoldAnswer(status=HoldStatus.ACCOUNT_BARRED, placed_micros=0, available_micros=available)
        planned = hold.plan(request, sources, now_wall_ns=self.now_wall_ns)
        if planned.status is HoldStatus.PLACED:
            books.record(
                _hold_command(request),
                planned.transfers,
                answer={"placed_micros": planned.placed_micros},
                at_wall_ns=self.now_wall_ns,
                session=request.session,
            )
        return HoldAnswer(
            status=planned.status,
            placed_micros=planned.placed_micros,
            available_micros=available - planned.placed_micros,
        )

    def decide_at(self, desk: Desk) -> HoldAnswer:
        """The usual hold without detours."""
        request = self.request
        answer = ledger_plain.hold(
            desk,
            request,
            hold_id=_hold_id(request),
            settle_id=_settle_id(request.session),
            now_wall_ns=self.now_wall_ns,
        )
        return self.decide(desk) if answer is None else answer

    def accompany(self, transaction: sqlite3.Connection, answer: HoldAnswer) -> None:
        """The companion of a hold that was placed now."""
        if answer.status is HoldStatus.PLACED:
            self.also(transaction, answer.placed_micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(LedgerWork[Settled]):
    """End a session's holds and post its charge, once per session."""

    charge: Charge
    now_wall_ns: int
    also: Callable[[Any, Split], None]
    """Commits with the first settlement."""

    def needs(self) -> Needs:
        """The settlement, the session's holds, the client's wallet and where the provider's part goes."""
        charge = self.charge
        return Needs(
            commands=(_settle_id(charge.session),),
            payer=charge.client,
            accounts=(pending_earnings_id(charge.provider),),
            sessions=(charge.session,),
        )

    def decide(self, books: Books) -> Settled:
        """The settlement as it is now, or was before."""
        charge = self.charge
        command_id = _settle_id(charge.session)
        if (before := books.recorded(command_id)) is not None:
            return Settled(split=Split(**before.answer), is_first=False)
        planned = settlement.settle(charge, books.open_legs(charge.session))
        left = wallet.debited(books.sources(charge.client), planned.transfers)
        split = planned.split(available_micros=wallet.available_micros(left, now_wall_ns=self.now_wall_ns))
        command = Command(
            id=command_id,
            name=CommandName.SETTLE,
            body={"client": charge.client, "provider": charge.provider, "charge_micros": charge.micros},
        )
        open_person(books, charge.provider)
        books.record(
            command,
            planned.transfers,
            answer={name: getattr(split, name) for name in _SPLIT},
            at_wall_ns=self.now_wall_ns,
            session=charge.session,
        )
        return Settled(split=split, is_first=True)

    def decide_at(self, desk: Desk) -> Settled:
        """The usual settlement without detours."""
        charge = self.charge
        settled = ledger_plain.settle(
            desk, charge, settle_id=_settle_id(charge.session), now_wall_ns=self.now_wall_ns
        )
        return self.decide(desk) if settled is None else settled

    def accompany(self, transaction: sqlite3.Connection, answer: Settled) -> None:
        """The companion of a first settlement."""
        if answer.is_first:
            self.also(transaction, answer.split)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(LedgerWork[bool]):
    """Credit paid-in money, once per payment; False when it had been credited."""

    account: AccountId
    payment: str
    micros: int
    memo: str
    now_wall_ns: int

    def needs(self) -> Needs:
        """The command and the account."""
        return Needs(commands=(deposit.top_up_id(self.payment),), accounts=(cash_id(self.account),))

    def decide(self, books: Books) -> bool:
        """Whether it was credited now.

        Raises:
            Conflict: it was credited to somebody else, or with another amount.
        """
        account, micros = self.account, self.micros
        command = deposit.top_up_command(self.payment, account=account, micros=micros)
        transfer = deposit.top_up(self.payment, account=account, micros=micros)
        if is_done(books, command):
            return False
        open_person(books, account)
        books.record(command, [transfer], answer={}, at_wall_ns=self.now_wall_ns, memo=self.memo)
        return True

    def decide_at(self, desk: Desk) -> bool:
        """The usual top-up without detours."""
        credited = ledger_plain.top_up(
            desk,
            self.account,
            command_id=deposit.top_up_id(self.payment),
            micros=self.micros,
            memo=self.memo,
            now_wall_ns=self.now_wall_ns,
        )
        return self.decide(desk) if credited is None else credited


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(LedgerWork[bool]):
    """Credit promotional money, once per account and campaign; False when it had been credited."""

    account: AccountId
    campaign: str
    micros: int
    expires_wall_ns: int | None
    now_wall_ns: int

    def needs(self) -> Needs:
        """The command and the account."""
        return Needs(
            commands=(deposit.promo_id(self.campaign, account=self.account),), accounts=(self._into.id,)
        )

    def decide(self, books: Books) -> bool:
        """Whether it was credited now.

        Raises:
            Conflict: it was credited with another amount or expiry.
        """
        account, micros, expires_wall_ns = self.account, self.micros, self.expires_wall_ns
        command = deposit.promo_command(
            self.campaign, account=account, micros=micros, expires_wall_ns=expires_wall_ns
        )
        transfer = deposit.promo_grant(command.id, into=self._into, micros=micros)
        if is_done(books, command):
            return False
        open_person(books, account)
        books.open_account(self._into)
        books.record(command, [transfer], answer={}, at_wall_ns=self.now_wall_ns, memo=self.campaign)
        return True

    @property
    def _into(self) -> LedgerAccount:
        return promo_of(self.account, self.campaign, expires_wall_ns=self.expires_wall_ns)


def is_done(books: Books, command: Command) -> bool:
    """Whether the command has had its effect.

    Raises:
        Conflict: one of the same id has, and it was another.
    """
    before = books.recorded(command.id)
    if before is not None and before.fingerprint != command.fingerprint:
        raise Conflict(f"{command.name} {command.id} was done with another account, amount or expiry")
    return before is not None


def open_person(books: Books, account: AccountId) -> None:
    """Have that person's accounts."""
    for opened in accounts_of(account):
        books.open_account(opened)


def _outcome(work: LedgerWork[Any], desk: Desk) -> Any:
    before = desk.writes
    try:
        return work.decide_at(desk)
    except Exception as error:
        # Each of them is the caller's to hear; where something was noted first, all is done again, one by one.
        if desk.writes != before:
            raise
        return Refused(error)


def _hold_id(request: HoldRequest) -> str:
    return f"hold:{request.hold}"


def _hold_command(request: HoldRequest) -> Command:
    return Command(
        id=_hold_id(request),
        name=CommandName.HOLD,
        body={"session": request.session, "account": request.account, "want_micros": request.want_micros},
    )


@functools.lru_cache(maxsize=4_096)
def _settle_id(session: SessionId) -> str:
    return derived("settle", session)
