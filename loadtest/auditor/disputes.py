"""Whether contested money is set apart whole, and none of it stays there once it is decided.

Decides, from the rows of the commands that open and decide a case, what of the
provider's share has to lie in the reserve: all of it that the provider still has.
Never decides who is right, nor how a refund is split; refunds.py looks at that.
Keeps true: the reserve of a session is full while its case is open and empty afterwards.
"""

from dataclasses import dataclass, field

from loadtest.auditor.books import Books, Query
from loadtest.auditor.chart import Row
from loadtest.auditor.refunds import After, Refunds
from loadtest.auditor.settlements import Settlements
from loadtest.auditor.verdict import Verdict

_DECIDED = "SELECT session FROM ledger_command WHERE name = 'case_decide'"


@dataclass(slots=True)
class Disputes:
    """Watches the books for cases that are opened and decided."""

    settlements: Settlements
    refunds: Refunds
    """Must have watched a command before this does."""
    verdict: Verdict
    _reserved: dict[str, int] = field(default_factory=dict)
    """What of each session lies in the reserve."""

    def watch(self, books: Books, command: tuple[str, str | None, str, int], rows: list[Row]) -> None:
        """Look at one command's rows."""
        session = command[1]
        if session is None:
            return
        into = [row for row in rows if books.accounts[row.credit].chart == "dispute_reserve"]
        out = [row for row in rows if books.accounts[row.debit].chart == "dispute_reserve"]
        if not into and not out:
            return
        self._reserved[session] = self._reserved.get(session, 0) + _sum(into) - _sum(out)
        if into:
            self._whole(books, session, into)

    def close(self, query: Query) -> None:
        """Nothing is left of what was decided."""
        for (session,) in query(_DECIDED, ()):
            if left := self._reserved.get(session, 0):
                self._complain("reserve_emptied", session, 0, left)

    def _whole(self, books: Books, session: str, into: list[Row]) -> None:
        """All that is left of the share, unless the provider has no more."""
        settled = self.settlements.of.get(session)
        if settled is None:
            self._complain("case_of_nothing", session, "a settlement before it", "none")
            return
        after = self.refunds.of.get(session) or After()
        due = settled.earned_micros - after.from_share_micros
        missing = due - self._reserved[session]
        pending = [row for row in into if books.accounts[row.debit].chart == "provider_pending"]
        still_pending = 0 if after.matured_micros else due - _sum(pending)
        if missing < 0 or still_pending > 0 or (missing and _payable(books, into)):
            self._complain("reserve_whole", session, due, self._reserved[session])

    def _complain(self, rule: str, session: str, expected: object, found: object) -> None:
        self.verdict.complain(rule, session=session, expected=expected, found=found)


def _payable(books: Books, into: list[Row]) -> int:
    """What the provider from whom the rows take could be paid out."""
    owners = {books.accounts[row.debit].owner for row in into}
    return sum(
        books.available(name)
        for name, account in books.accounts.items()
        if account.owner in owners and account.chart == "provider_available"
    )


def _sum(rows: list[Row]) -> int:
    return sum(row.micros for row in rows)
