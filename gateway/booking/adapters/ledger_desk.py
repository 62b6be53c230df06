"""Many commands of the ledger in one transaction, with few statements.

Decides how neighbours share work: what all of them ask about is read at once, each
is planned on what the one before it left, and everything is written at the end.
Never begins or commits, and never writes a command that was refused; a guarded
account that would be overdrawn is refused here, and again by the database.
Keeps: what stands after `flush` is what the same commands leave one by one
(`ledger_book.py`); a counter is written only where the row still has what was read.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.booking.adapters.ledger_rows import (
    INSERT_ACCOUNT,
    INSERT_COMMAND,
    INSERT_TRANSFER,
    TRANSFER_COLUMNS,
    Recorded,
    Row,
    account_row,
    command_row,
    insert_all,
    transfer_of,
    transfer_row,
    update_all,
)
from gateway.booking.ledger.account import Balance, Chart, LedgerAccount, LedgerAccountId, cash_id
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.settlement import HeldLeg
from gateway.booking.ledger.transfer import EFFECTS, Transfer, TransferKind
from gateway.booking.ledger.wallet import Source
from gateway.errors import require
from gateway.ids import AccountId, SessionId

_COMMANDS = """
SELECT done.id, done.fingerprint, done.answer
FROM json_each(?) AS asked CROSS JOIN ledger_command AS done ON done.id = asked.value
"""
_DRAWERS = """
SELECT owner, account.id, chart, expires_wall_ns, guarded,
       debits_pending, debits_posted, credits_pending, credits_posted
FROM json_each(?) AS asked CROSS JOIN ledger_account AS account ON account.id = asked.value
UNION ALL
SELECT owner, account.id, chart, expires_wall_ns, guarded,
       debits_pending, debits_posted, credits_pending, credits_posted
FROM json_each(?) AS asked CROSS JOIN ledger_account AS account
    ON account.owner = asked.value AND account.chart = 'client_promo'
"""
_NAMED = """
SELECT owner, id, chart, expires_wall_ns, guarded,
       debits_pending, debits_posted, credits_pending, credits_posted
FROM ledger_account WHERE id = ?
"""
_BARRED = "SELECT owner FROM ledger_bar WHERE owner IN (SELECT value FROM json_each(?))"
_OPEN_LEGS = """
SELECT id, command_id, kind, flow, debit_account, credit_account, micros, ends_id, session, hold, at_wall_ns
FROM ledger_transfer AS held
WHERE held.session IN (SELECT value FROM json_each(?)) AND held.kind = 'pending'
  AND NOT EXISTS (
      SELECT 1 FROM ledger_transfer AS ending WHERE ending.session = held.session AND ending.ends_id = held.id)
ORDER BY held.seq
"""
_CASH, _PROMO = Chart.CLIENT_CASH.value, Chart.CLIENT_PROMO.value
_WALLET = frozenset({_CASH, _PROMO})
_PLATFORM = (Chart.HOLDS_CONTROL.value, Chart.PLATFORM_FEE.value, Chart.PROCESSOR_CLEARING.value)
"""Accounts that nearly every group moves money on."""
_NOTHING = (0, 0, 0, 0)
_SETTLE, _PENDING = CommandName.SETTLE.value, TransferKind.PENDING.value
_ID, _KIND, _ENDS, _SESSION = (TRANSFER_COLUMNS.index(name) for name in ("id", "kind", "ends_id", "session"))

Counters = tuple[int, int, int, int]
"""Pending and posted debits, pending and posted credits."""


class Needs(NamedTuple):
    """What a command is going to ask about, so that it is read together with what its neighbours need."""

    commands: tuple[str, ...] = ()
    """Ids of commands that may have been recorded."""
    payer: AccountId | None = None
    """Whose wallet, and bar, matters."""
    accounts: tuple[LedgerAccountId, ...] = ()
    """Whatever else it moves money to."""
    sessions: tuple[SessionId, ...] = ()
    """Sessions whose open holds matter."""


@dataclass(slots=True)
class Drawer:
    """One account while the desk is open."""

    id: LedgerAccountId
    chart: str
    expires_wall_ns: int | None
    is_guarded: bool
    found: Counters = _NOTHING
    """What the row has."""
    counters: Counters = _NOTHING
    """What it is going to have."""


class Desk:
    """The books of one transaction, read once and written once; stands in for a `Book`."""

    def __init__(self, transaction: sqlite3.Connection, needs: Sequence[Needs]) -> None:
        """Read all that is going to be asked about."""
        self._transaction = transaction
        commands: set[str] = set()
        accounts: set[str] = set(_PLATFORM)
        payers: set[AccountId] = set()
        self._legs: dict[str, dict[str, Row]] = {}
        for need in needs:
            commands.update(need.commands)
            accounts.update(need.accounts)
            if need.payer is not None:
                payers.add(need.payer)
            for session in need.sessions:
                self._legs[session] = {}
        self._recorded = {row[0]: Recorded(row[1], row[2]) for row in self._asked(_COMMANDS, commands)}
        self._drawers: dict[str, Drawer] = {}
        self._spendable: dict[str, list[Drawer]] = {payer: [] for payer in payers}
        accounts.update(map(cash_id, payers))
        for row in self._rows(_DRAWERS, (json.dumps(list(accounts)), json.dumps(list(payers)))):
            if row[1] not in self._drawers:
                self._drawn(row)
        self._barred = frozenset(owner for (owner,) in self._asked(_BARRED, payers))
        for row in self._asked(_OPEN_LEGS, self._legs):
            self._legs[row[_SESSION]][row[_ID]] = row
        self._accounts: list[Row] = []
        self._commands: list[Row] = []
        self._transfers: list[Row] = []
        self._holding: set[str | None] = set()
        self._noted = 0

    @property
    def writes(self) -> int:
        """How many accounts and commands were noted, ever; a command that was refused leaves it as it was."""
        return self._noted

    def recorded(self, command_id: str) -> Recorded | None:
        """What was answered to that command, if it was ever done."""
        return self._recorded.get(command_id)

    def open_account(self, account: LedgerAccount) -> None:
        """Have the account; nothing changes where it exists."""
        if self.has(account.id) or self._is_found(account.id):
            return
        self._noted += 1
        self._accounts.append(account_row(account))
        chart, expires_wall_ns = account.chart.value, account.expires_wall_ns
        self._put(account.owner, Drawer(account.id, chart, expires_wall_ns, account.is_guarded))

    def sources(self, owner: AccountId) -> list[Source]:
        """Every account that the owner can spend from."""
        return [
            Source(
                account=LedgerAccountId(drawer.id),
                is_promo=drawer.chart == _PROMO,
                expires_wall_ns=drawer.expires_wall_ns,
                balance=Balance(
                    debits_pending=drawer.counters[0],
                    debits_posted=drawer.counters[1],
                    credits_pending=drawer.counters[2],
                    credits_posted=drawer.counters[3],
                ),
            )
            for drawer in self._spendable[owner]
        ]

    def open_legs(self, session: SessionId) -> list[HeldLeg]:
        """Every pending transfer of the session that has not ended."""
        return [
            HeldLeg(
                transfer=transfer,
                is_promo=drawer.chart == _PROMO,
                expires_wall_ns=drawer.expires_wall_ns,
            )
            for transfer in map(transfer_of, self._legs[session].values())
            for drawer in (self.drawer(transfer.debit),)
        ]

    def purse(self, owner: AccountId) -> Drawer | None:
        """The account of a wallet that has cash and was never given anything else; None for another wallet."""
        drawers = self._spendable[owner]
        return drawers[0] if len(drawers) == 1 and drawers[0].chart == _CASH else None

    def leg_rows(self, session: SessionId) -> Collection[Row]:
        """The rows of `open_legs`."""
        return self._legs[session].values()

    def has(self, account: str) -> bool:
        """Whether that account is open; False also where it was not read."""
        return account in self._drawers

    def is_barred(self, owner: AccountId) -> bool:
        """Whether nothing new may be set aside from that wallet."""
        return owner in self._barred

    def record(
        self,
        command: Command,
        transfers: Sequence[Transfer],
        *,
        answer: Mapping[str, Any],
        at_wall_ns: int,
        session: SessionId | None = None,
        memo: str = "",
    ) -> None:
        """Note the command, its answer and its transfers; nothing is noted where one of them is refused."""
        row = command_row(
            command,
            command.fingerprint,
            answer=dict(answer),
            at_wall_ns=at_wall_ns,
            session=session,
            memo=memo,
        )
        rows = [transfer_row(transfer, command.id, at_wall_ns) for transfer in transfers]
        self.note(row, rows, self._effect(transfers))

    def note(
        self, command: Row, transfers: Sequence[Row], counters: Sequence[tuple[Drawer, Counters]]
    ) -> None:
        """Note the rows of a command that the accounts cover, and the counters it leads to."""
        command_id, name, fingerprint, session, _memo, answer, _at_wall_ns = command
        if name == _SETTLE and session in self._holding:
            # The database takes a hold before the settlement of its session, never beside it.
            self.flush()
        for drawer, after in counters:
            drawer.counters = after
        self._noted += 1
        self._commands.append(command)
        self._recorded[command_id] = Recorded(fingerprint, answer)
        self._transfers += transfers
        for row in transfers:
            if row[_KIND] == _PENDING:
                self._holding.add(row[_SESSION])
                if row[_SESSION] in self._legs:
                    self._legs[row[_SESSION]][row[_ID]] = row
            elif row[_ENDS] is not None and row[_SESSION] in self._legs:
                self._legs[row[_SESSION]].pop(row[_ENDS], None)

    def flush(self) -> None:
        """Write everything that was noted since the last time.

        Raises:
            InvariantBroken: a row is not as it was read.
        """
        insert_all(self._transaction, INSERT_ACCOUNT, self._accounts)
        insert_all(self._transaction, INSERT_COMMAND, self._commands)
        insert_all(self._transaction, INSERT_TRANSFER, self._transfers)
        changed = [
            (drawer.id, *drawer.counters, *drawer.found)
            for drawer in self._drawers.values()
            if drawer.counters != drawer.found
        ]
        updated = update_all(self._transaction, changed)
        require(updated == len(changed), "an account changed between reading and writing")
        for drawer in self._drawers.values():
            drawer.found = drawer.counters
        for written in (self._accounts, self._commands, self._transfers, self._holding):
            written.clear()

    def _effect(self, transfers: Sequence[Transfer]) -> list[tuple[Drawer, Counters]]:
        """The counters that the transfers lead to, each account covering every step on the way."""
        after: dict[str, Counters] = {}
        for transfer in transfers:
            effect = EFFECTS[transfer.kind]
            pending, posted = effect.pending * transfer.micros, effect.posted * transfer.micros
            payer = self.drawer(transfer.debit)
            dp, dd, cp, cd = after.get(transfer.debit, payer.counters)
            is_covered = not payer.is_guarded or cd - dd - dp >= pending + posted
            require(is_covered, f"{transfer.debit} does not cover {transfer.micros} micros")
            after[transfer.debit] = (dp + pending, dd + posted, cp, cd)
            dp, dd, cp, cd = after.get(transfer.credit, self.drawer(transfer.credit).counters)
            after[transfer.credit] = (dp, dd, cp + pending, cd + posted)
        return [(self._drawers[account], counters) for account, counters in after.items()]

    def drawer(self, account: str) -> Drawer:
        """That account; it must be open."""
        drawer = self._drawers.get(account)
        if drawer is None:
            require(self._is_found(account), f"{account} is not open")
            drawer = self._drawers[account]
        return drawer

    def _is_found(self, account: str) -> bool:
        """Whether an account is open that nobody said would be asked about; it is read now."""
        rows = self._rows(_NAMED, (account,))
        for row in rows:
            self._drawn(row)
        return bool(rows)

    def _drawn(self, row: Row) -> None:
        owner, account, chart, expires_wall_ns, guarded = row[:5]
        found: Counters = row[5:]
        drawer = Drawer(account, chart, expires_wall_ns, bool(guarded), found, found)
        self._put(owner, drawer)

    def _put(self, owner: str | None, drawer: Drawer) -> None:
        self._drawers[drawer.id] = drawer
        if owner in self._spendable and drawer.chart in _WALLET:
            self._spendable[owner].append(drawer)

    def _asked(self, query: str, names: Collection[str]) -> Sequence[Row]:
        return self._rows(query, (json.dumps(list(names)),)) if names else ()

    def _rows(self, query: str, values: Row) -> Sequence[Row]:
        cursor = self._transaction.cursor()
        # Plain tuples: a reader that names its columns costs more than all else that is done with a row.
        cursor.row_factory = None
        return cursor.execute(query, values).fetchall()
