"""Whether money that people moved outside is in the ledger, once.

Decides, for every flow that somebody told of, that each account got what distinct
causes meant it to have, no more and no less.
Never knows which row belongs to which cause, for ids in the ledger are derived; it
compares sums.
Keeps true: a cause told twice is meant once.
"""

from loadtest.auditor.books import Books
from loadtest.auditor.chart import Row
from loadtest.auditor.truth import MoneyMeant
from loadtest.auditor.verdict import Verdict


def _party(account: str) -> str:
    return account.rsplit(":", 1)[-1] if ":" in account else account


class Meant:
    """Sums of what was meant and of what was moved, by flow and party."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._keys: set[tuple[str, str, str]] = set()
        self._meant: dict[tuple[str, str], int] = {}
        self._moved: dict[tuple[str, str], int] = {}
        self._flows: set[str] = set()

    def hear(self, event: MoneyMeant) -> None:
        """Note a cause."""
        party = _party(event.account)
        key = (event.flow, party, event.key)
        self._flows.add(event.flow)
        if key not in self._keys:
            self._keys.add(key)
            self._meant[event.flow, party] = self._meant.get((event.flow, party), 0) + event.micros

    def watch(self, books: Books, command: tuple[str, str | None, str, int], rows: list[Row]) -> None:
        """Look at one command's rows."""
        del command
        for row in rows:
            if row.kind not in ("posted", "post"):
                continue
            for account in (row.debit, row.credit):
                owner = books.accounts[account].owner
                if owner is not None:
                    self._moved[row.flow, owner] = self._moved.get((row.flow, owner), 0) + row.micros

    def close(self) -> None:
        """What was meant has to have happened by now, and no more; a cause may be told after its commit."""
        for flow, party in sorted(self._moved.keys() | self._meant.keys()):
            if flow not in self._flows:
                continue
            moved, meant = self._moved.get((flow, party), 0), self._meant.get((flow, party), 0)
            rule = "meant_once" if moved > meant else "meant_at_all"
            self._verdict.double_posts += moved > meant
            if moved != meant:
                self._verdict.complain(rule, expected=f"{flow} of {meant} for {party}", found=str(moved))
