"""Everything that must always be true of the books, put together from who can see it.

Decides which findings make up one look: what is new in the books, holds whose
session is over, and receipts of newly settled sessions held against their evidence
by code of its own. What is behind is caught up a bounded number at a time.
Never repairs; `audit_service.py` looks again and again, bars and alarms.
See docs/metering.md, "Ledger".
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.booking.ledger.invariant import FROM_RECEIPTS, Breach, Finding, Invariant, counted
from gateway.booking.ledger.receipt_check import disagreements
from gateway.booking.wallet_ports import OpenSessions
from gateway.booking.wallet_service import WalletService
from gateway.ids import AccountId, SessionId

RECEIPTS_PER_LOOK_MAX = 20
"""A long call has thousands of entries; what is behind waits for the next look."""
RECEIPTS_WAITING_MAX = 2_000
"""At the first look only the newest are held against their evidence; `gateway receipt verify` does any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at the books found."""

    findings: Sequence[Finding]
    settled: Sequence[SessionId]
    """Sessions settled since the look before."""
    holding: Mapping[SessionId, AccountId]
    """Sessions that have an open hold, and whose money it is."""
    transfers: int
    """Transfers replayed so far."""


class BooksReader(Protocol):
    """The books, as the watch sees them."""

    async def look(self) -> Look:
        """What is new since the last look."""
        ...

    async def look_at_all(self) -> tuple[Sequence[Finding], Look]:
        """Everything from zero."""
        ...

    async def charge_of(self, session: SessionId) -> int:
        """What a settled session was charged."""
        ...

    async def holding(self) -> Mapping[SessionId, AccountId]:
        """Sessions that have an open hold now, and whose money it is."""
        ...


class Papers(Protocol):
    """Receipts and evidence, filled by metering's journal."""

    async def receipt(self, session: SessionId) -> bytes | None:
        """The stored receipt (canonical JSON)."""
        ...

    async def bundle(self, session: SessionId) -> bytes | None:
        """The stored evidence bundle (canonical JSON)."""
        ...


class BooksWatch:
    """Satisfies `Auditable` of `audit_service.py`."""

    def __init__(
        self, wallet: WalletService, *, books: BooksReader, papers: Papers, open_sessions: OpenSessions
    ) -> None:
        self._wallet = wallet
        self._books = books
        self._papers = papers
        self._open_sessions = open_sessions
        self._waiting: deque[SessionId] = deque(maxlen=RECEIPTS_WAITING_MAX)
        self._looking = asyncio.Lock()
        self._wrong: dict[tuple[Invariant, str], Breach] = {}
        self.receipts_checked = 0
        """Receipts held against their evidence since the start."""
        self.transfers = 0
        """Transfers that have been replayed."""

    async def audit(self) -> list[Finding]:
        """Look at what is new; costs in proportion to it.

        Raises:
            StoreDown: the books cannot be read; the next look begins from zero.
        """
        async with self._looking:
            open_before = await self._open_sessions.open_sessions()
            look = await self._books.look()
            return await self._findings(look, look.findings, open_before)

    async def audit_all(self) -> list[Finding]:
        """Look at everything from zero.

        Raises:
            StoreDown: the books cannot be read.
        """
        async with self._looking:
            open_before = await self._open_sessions.open_sessions()
            findings, look = await self._books.look_at_all()
            worst = {finding.name: finding for finding in (*look.findings, *findings)}
            # Two ways of counting: where only one of them finds something, that is what is shown.
            worst.update({finding.name: finding for finding in look.findings if not finding.ok})
            return await self._findings(look, list(worst.values()), open_before)

    def forget(self, owner: AccountId) -> None:
        """A person has looked at that wallet's receipts: what was found of them is no longer held against it."""
        self._wrong = {key: breach for key, breach in self._wrong.items() if breach.owner != owner}

    async def bar(self, accounts: Sequence[AccountId], *, why: str) -> None:
        """Set nothing more aside from those wallets."""
        await self._wallet.bar(accounts, why=why)

    async def _findings(
        self, look: Look, findings: Sequence[Finding], open_before: frozenset[SessionId]
    ) -> list[Finding]:
        self.transfers = look.transfers
        self._waiting.extend(look.settled)
        orphans = await self._orphans(look.holding, open_before)
        await self._check_receipts()
        every = [*findings, orphans, *(self._from_receipts(name) for name in FROM_RECEIPTS)]
        return sorted(every, key=lambda finding: list(Invariant).index(finding.name))

    async def _orphans(
        self, holding: Mapping[SessionId, AccountId], open_before: frozenset[SessionId]
    ) -> Finding:
        """Holds whose session is over; it may have begun or ended while this looked."""
        suspects = holding.keys() - open_before
        if suspects:
            suspects -= await self._open_sessions.open_sessions()
        if suspects:
            suspects &= (await self._books.holding()).keys()
        breaches = [
            Breach(sentence=f"session {session} is over and has an open hold", owner=holding[session])
            for session in sorted(suspects)
        ]
        return counted(Invariant.NO_ORPHAN_HOLD, breaches)

    async def _check_receipts(self) -> None:
        for _ in range(min(RECEIPTS_PER_LOOK_MAX, len(self._waiting))):
            session = self._waiting.popleft()
            receipt, bundle = await self._papers.receipt(session), await self._papers.bundle(session)
            charged = await self._books.charge_of(session)
            self.receipts_checked += 1
            if receipt is not None and bundle is not None:
                for name, breach in await asyncio.to_thread(_compared, receipt, bundle, charged):
                    self._wrong[name, breach.sentence] = breach
            elif charged:
                sentence = f"session {session} was charged {charged} micros and has no receipt"
                self._wrong[Invariant.PRICE, sentence] = Breach(sentence=sentence)

    def _from_receipts(self, name: Invariant) -> Finding:
        return counted(name, [breach for (about, _), breach in self._wrong.items() if about is name])


def _compared(receipt: bytes, bundle: bytes, charged: int) -> list[tuple[Invariant, Breach]]:
    return disagreements(json.loads(receipt), json.loads(bundle), settled_micros=charged)
