"""The audit of one gateway's database, with or without knowing what really happened.

Decides the order of the checks: the ledger as it is committed; receipts, states and
the truth at the end.
Never decides a rule itself; each has its file in this folder.
Keeps true: without truth it checks everything that the database alone can show.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtest.auditor import cuts, holds, meter, receipts, states, stop
from loadtest.auditor.books import Books
from loadtest.auditor.disputes import Disputes
from loadtest.auditor.meant import Meant
from loadtest.auditor.receipts import Paper
from loadtest.auditor.refunds import Refunds
from loadtest.auditor.settlements import Settlements
from loadtest.auditor.truth import Event, MoneyMeant, WarningShown
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.warnings import Warnings
from loadtest.auditor.world import World

_RECEIPTS = "SELECT session, receipt, evidence FROM receipts"
_TOP_UPS = (
    "SELECT id, account, micros FROM top_up_order WHERE (state = 'succeeded') <>"
    " EXISTS (SELECT 1 FROM ledger_command WHERE id = top_up_order.command_id)"
)


class Auditor:
    """Audits one staged world: hear every event, call `committed` after each commit, `close` at the end."""

    def __init__(self, query: Callable[[str, tuple[Any, ...]], list[Any]]) -> None:
        self.verdict = Verdict()
        self._query = query
        self._books = Books(query, self.verdict)
        self._settlements = Settlements(self.verdict)
        self._meant = Meant(self.verdict)
        self._world = World()
        self._warnings = Warnings(self._world, self.verdict)
        refunds = Refunds(self._settlements, self.verdict)
        self._disputes = Disputes(self._settlements, refunds, self.verdict)
        self._books.watchers += [
            self._settlements.watch,
            refunds.watch,
            self._disputes.watch,
            self._meant.watch,
            self._warnings.watch,
        ]

    def hear(self, event: Event) -> None:
        """Note what really happened."""
        if isinstance(event, MoneyMeant):
            self._meant.hear(event)
            return
        self._warnings.now_ns = max(self._warnings.now_ns, event.at_ns)
        self._world.hear(event)
        if isinstance(event, WarningShown):
            self._warnings.hear(event)

    def committed(self) -> None:
        """Replay what the last commit added to the ledger."""
        self._books.catch_up()
        for session in self._settlements.fresh:
            state = states.state_of(self._query, session)
            if state is not None and state not in states.FINISHED:
                self.verdict.complain(
                    "money_with_move", session=session, expected="settled in the same commit", found=state
                )
        self._settlements.fresh.clear()

    def close(self) -> Verdict:
        """Check what can be seen only when everything is over."""
        self.committed()
        self._books.compare()
        self._books.compare_pending()
        self._disputes.close(self._query)
        states.check(self._query, self._books, self.verdict)
        for order, account, micros in self._query(_TOP_UPS, ()):
            self.verdict.complain(
                "top_up_once", expected=f"{order} credited {micros} to {account}", found="not so"
            )
        self._meant.close()
        papers = {paper.session: paper for paper in self._papers()}
        self._check_receipts(papers)
        return self.verdict

    def _papers(self) -> list[Paper]:
        read = (receipts.read(row[0], row[1], row[2], self.verdict) for row in self._query(_RECEIPTS, ()))
        return [paper for paper in read if paper is not None]

    def _check_receipts(self, papers: dict[str, Paper]) -> None:
        for session, paper in papers.items():
            receipts.compare(paper, self._settlements.of.get(session), self.verdict)
        for session in self._settlements.of.keys() - papers.keys():
            self.verdict.complain("receipt", session=session, expected="a receipt", found="none")
        self._warnings.judge(papers)
        ends = cuts.Cuts(world=self._world, warnings=self._warnings, verdict=self.verdict)
        cuts.judge(ends, papers, self._settlements.of, self._world)
        for session, life in self._world.lives.items():
            if session in papers:
                placed = self._settlements.holds_placed.get(session, [])
                holds.judge(papers[session], life, placed, self._warnings, self.verdict)
                meter.judge(papers[session], life, self._world, self.verdict)
                stop.judge(papers[session], life, self._world, self.verdict)
            elif session in self._settlements.of:
                meter.judge_unpaid(life, self._settlements.of[session].charge_micros, self.verdict)


def audit_file(path: str | Path) -> Verdict:
    """Audit a database from outside, read only, without any truth."""
    connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
    try:
        return Auditor(lambda text, values: connection.execute(text, values).fetchall()).close()
    finally:
        connection.close()
