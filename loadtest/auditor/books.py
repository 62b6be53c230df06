"""The auditor's own ledger: every transfer replayed from zero, as it is committed.

Decides what each account holds, which holds are open, and complains where a command
overdraws, ends a hold twice or moves money between accounts that have no business.
Never decides what a settlement or refund must be (settlements.py, refunds.py), and
never believes the database's counters: it compares them.
Keeps true: it reads each row once, so that a look costs what is new.
"""

from collections.abc import Callable
from itertools import groupby
from operator import attrgetter
from typing import Any

from loadtest.auditor.chart import GUARDED, WALLET, Account, Row, is_lawful
from loadtest.auditor.verdict import Verdict

Query = Callable[[str, tuple[Any, ...]], list[Any]]

_NEW = (
    "SELECT seq, id, command_id, kind, flow, debit_account, credit_account, micros, ends_id, session, hold,"
    " at_wall_ns FROM ledger_transfer WHERE seq > ? ORDER BY seq"
)
_ACCOUNT = "SELECT chart, owner, expires_wall_ns FROM ledger_account WHERE id = ?"
_COUNTERS = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM ledger_account"
_COMMAND = "SELECT name, session, answer, at_wall_ns FROM ledger_command WHERE id = ?"
_EMPTY = (
    "SELECT id, name FROM ledger_command WHERE name IN ('hold', 'top_up', 'promo_grant')"
    " AND id NOT IN (SELECT command_id FROM ledger_transfer)"
)

Watcher = Callable[["Books", tuple[str, str | None, str, int], list[Row]], None]
"""Is told each command (name, session, answer, wall instant) with its rows, after they are applied."""


class Books:
    """Balances and open holds by replay."""

    def __init__(self, query: Query, verdict: Verdict) -> None:
        self._query = query
        self._verdict = verdict
        self._seq = 0
        self.accounts: dict[str, Account] = {}
        self.counters: dict[str, list[int]] = {}
        """Debits pending and posted, credits pending and posted."""
        self.open_holds: dict[str, Row] = {}
        """Pending transfers that nothing has ended, by id."""
        self.holds_of: dict[str, dict[str, Row]] = {}
        """The same of each session."""
        self.wallets: dict[str, list[str]] = {}
        """The client accounts of each owner."""
        self._ended: set[str] = set()
        self.watchers: list[Watcher] = []

    def available(self, account: str) -> int:
        """Posted credits less posted debits less everything pending against it."""
        debits_pending, debits_posted, _, credits_posted = self.counters[account]
        return credits_posted - debits_posted - debits_pending

    def spendable(self, owner: str, *, now_wall_ns: int) -> int:
        """What a client could set aside now: cash, and grants that have not expired."""
        total = 0
        for account in self.wallets.get(owner, ()):
            expires = self.accounts[account].expires_wall_ns
            if expires is None or expires > now_wall_ns:
                total += self.available(account)
        return total

    def expiring(self, owner: str) -> tuple[tuple[int, int], ...]:
        """When each of a client's grants expires by the wall clock, and what of it could be set aside until then."""
        found = ((self.accounts[account].expires_wall_ns, account) for account in self.wallets.get(owner, ()))
        return tuple((expires, self.available(account)) for expires, account in found if expires is not None)

    def held(self, session: str) -> int:
        """What is set aside for a session."""
        return sum(row.micros for row in self.holds_of.get(session, {}).values())

    def catch_up(self) -> bool:
        """Replay what is new; True if there was anything."""
        rows = [Row(*row) for row in self._query(_NEW, (self._seq,))]
        if not rows:
            return False
        for command_id, group in groupby(rows, key=attrgetter("command_id")):
            self._replay(command_id, list(group))
        self._seq = rows[-1].seq
        self._verdict.transfers += len(rows)
        return True

    def _replay(self, command_id: str, rows: list[Row]) -> None:
        for row in rows:
            self._apply(row)
        touched = {account for row in rows for account in (row.debit, row.credit)}
        for account in touched:
            if self.accounts[account].chart in GUARDED and self.available(account) < 0:
                self._verdict.overdrafts += 1
                self._complain(rows[0], "overdraft", f"{account} not below 0", str(self.available(account)))
        found = self._query(_COMMAND, (command_id,))
        if not found:
            self._complain(rows[0], "no_command", "a command row in the same commit", "none")
            return
        name, session, answer, at_wall_ns = found[0]
        for watcher in self.watchers:
            watcher(self, (name, session, answer, at_wall_ns), rows)

    def _apply(self, row: Row) -> None:
        debit, credit = self._account(row.debit), self._account(row.credit)
        if row.micros <= 0:
            self._complain(row, "amount", "more than 0", str(row.micros))
        if not is_lawful(row, debit.chart, credit.chart):
            self._complain(
                row, "unlawful_move", "a move that the page knows", f"{debit.chart} to {credit.chart}"
            )
        from_, to = self.counters[row.debit], self.counters[row.credit]
        if row.kind == "pending":
            self.open_holds[row.id] = row
            if row.session is not None:
                self.holds_of.setdefault(row.session, {})[row.id] = row
            from_[0] += row.micros
            to[2] += row.micros
            return
        if row.kind in ("post", "void"):
            self._end(row)
            from_[0] -= row.micros
            to[2] -= row.micros
        if row.kind in ("post", "posted"):
            from_[1] += row.micros
            to[3] += row.micros

    def _end(self, row: Row) -> None:
        held = self.open_holds.pop(row.ends_id or "", None)
        if held is None:
            is_second = row.ends_id in self._ended
            self._verdict.double_posts += is_second
            found = "a hold that had ended before" if is_second else f"no hold {row.ends_id}"
            self._complain(row, "hold_ends_once", "an open hold", found)
            return
        self._ended.add(held.id)
        if held.session is not None:
            self.holds_of[held.session].pop(held.id, None)
        expected = (held.debit, held.credit, held.micros, held.session)
        if (row.debit, row.credit, row.micros, row.session) != expected:
            self._complain(row, "hold_ends_whole", str(expected), f"{row.debit} {row.credit} {row.micros}")

    def _account(self, name: str) -> Account:
        account = self.accounts.get(name)
        if account is None:
            found = self._query(_ACCOUNT, (name,))
            account = Account(*found[0]) if found else Account(name.partition(":")[0], None, None)
            if not found:
                self._verdict.complain("no_account", expected=f"account {name}", found="none")
            self.accounts[name] = account
            self.counters[name] = [0, 0, 0, 0]
            if account.chart in WALLET and account.owner is not None:
                self.wallets.setdefault(account.owner, []).append(name)
        return account

    def compare(self) -> None:
        """Hold the database's counters against the replay, and both sides against each other."""
        sums = [0, 0, 0, 0]
        for name, *theirs in self._query(_COUNTERS, ()):
            mine = self.counters.get(name, [0, 0, 0, 0])
            sums = [total + each for total, each in zip(sums, theirs, strict=True)]
            if list(theirs) != mine:
                drift = sum(abs(a - b) for a, b in zip(theirs, mine, strict=True))
                self._verdict.drift_micros += drift
                self._verdict.complain("drift", expected=f"{name} {mine}", found=str(list(theirs)))
        if sums[0] != sums[2] or sums[1] != sums[3]:
            self._verdict.drift_micros += abs(sums[0] - sums[2]) + abs(sums[1] - sums[3])
            self._verdict.complain("trial_balance", expected="debits equal credits", found=str(sums))
        for command, name in self._query(_EMPTY, ()):
            self._verdict.complain(
                "empty_command", expected="no row without effect", found=f"{name} {command}"
            )

    def compare_pending(self) -> None:
        """Hold what is pending on each account against its open holds."""
        pending: dict[str, int] = {}
        for row in self.open_holds.values():
            pending[row.debit] = pending.get(row.debit, 0) + row.micros
        for name, (debits_pending, *_) in self.counters.items():
            if debits_pending != pending.get(name, 0):
                expected = f"{pending.get(name, 0)} pending on {name}"
                self._verdict.complain("pending_is_holds", expected=expected, found=str(debits_pending))

    def _complain(self, row: Row, rule: str, expected: str, found: str) -> None:
        where = f"{found} (transfer {row.seq}, {row.flow})"
        self._verdict.complain(rule, session=row.session, expected=expected, found=where)
