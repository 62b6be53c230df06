"""The invariant monitor: what it keeps, when it cries, and that it goes on."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.booking.audit_service import InvariantMonitor
from gateway.booking.ledger.invariant import Breach, Finding, Invariant, counted
from gateway.clock import NS, ManualClock
from gateway.errors import StoreDown
from gateway.ids import AccountId

pytestmark = pytest.mark.service

SOUND = [counted(Invariant.REPLAY, [])]
BROKEN = [
    counted(
        Invariant.REPLAY, [Breach(sentence="wrong", owner=AccountId("acc_ann")), Breach(sentence="worse")]
    )
]


class Books:
    """Answers each audit with the next of its results; remembers who was barred."""

    def __init__(self, *results: list[Finding] | Exception) -> None:
        self._results = list(results)
        self.barred: list[tuple[Sequence[AccountId], str]] = []
        self.is_exhausted = asyncio.Event()

    async def audit(self) -> list[Finding]:
        result = self._results.pop(0)
        if not self._results:
            self.is_exhausted.set()
            self._results = [SOUND]
        if isinstance(result, Exception):
            raise result
        return result

    async def bar(self, accounts: Sequence[AccountId], *, why: str) -> None:
        self.barred.append((tuple(accounts), why))


async def test_the_last_result_is_kept_and_ages() -> None:
    clock = ManualClock()
    monitor = InvariantMonitor(Books(SOUND), clock=clock)
    assert (monitor.last, monitor.age_ns()) == (None, None)
    report = await monitor.check()
    clock.advance(seconds=3)
    assert report.is_sound
    assert monitor.last == report
    assert monitor.age_ns() == 3 * NS


async def test_a_breach_bars_the_wallets_it_names_and_is_counted() -> None:
    books = Books(BROKEN)
    monitor = InvariantMonitor(books, clock=ManualClock())
    assert not (await monitor.check()).is_sound
    assert books.barred == [(("acc_ann",), Invariant.REPLAY)]
    assert monitor.stats() == {"audits": 1, "audits_failed": 0, "audits_breached": 1}


async def test_a_failed_look_keeps_the_last_result() -> None:
    monitor = InvariantMonitor(Books(SOUND, StoreDown("no disk")), clock=ManualClock())
    report = await monitor.check()
    with pytest.raises(StoreDown):
        await monitor.check()
    assert monitor.last == report


async def test_it_goes_on_after_failures_until_it_is_closed() -> None:
    books = Books(StoreDown("no disk"), RuntimeError("a fault of the audit"), SOUND)
    monitor = InvariantMonitor(books, clock=ManualClock(), every_s=0)
    monitor.start()
    monitor.start()
    await asyncio.wait_for(books.is_exhausted.wait(), 5)
    await monitor.close()
    await monitor.close()
    assert monitor.stats()["audits_failed"] == 2


def test_a_finding_keeps_twenty_sentences_and_counts_all() -> None:
    finding = counted(Invariant.REPLAY, (Breach(sentence=str(number)) for number in range(30)))
    assert (finding.value, len(finding.violations)) == (30, 20)
