"""A metering service with fakes and manual time, and the people of its sessions."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from gateway import facts
from gateway.clock import NS, ManualClock
from gateway.ids import CountingIdSource, SessionId
from gateway.metering.adapters.zones import offset_s_at
from gateway.metering.outside_ports import Outside
from gateway.metering.service import MeteringService
from gateway.metering.status import ConfirmStatus, OpenStatus
from gateway.terms import MeterOrder, Side, TariffSnapshot
from gateway.work import nothing
from tests.metering.bench import Person, order, terms
from tests.metering.fakes import (
    FactList,
    FakeGate,
    FakeJournal,
    FakeMoves,
    FakeOwners,
    FakePurse,
    FakeSigner,
    FakeSpool,
)

SIX_A_MINUTE = TariffSnapshot.of(terms(tiers=[{"from_s": 0, "price_micros_per_minute": 6_000_000}]))


class World:
    """A service, its fakes and the people of its sessions."""

    def __init__(self, *, available_micros: int = 100_000_000, make_good_s_max: int = 0) -> None:
        self.clock = ManualClock()
        self.purse = FakePurse(available_micros=available_micros)
        self.owners, self.spool = FakeOwners(number=1), FakeSpool()
        self.journal = FakeJournal(owners=self.owners)
        self.gate, self.moves, self.sink = FakeGate(), FakeMoves(), FactList()
        self.people: dict[SessionId, tuple[Person, Person]] = {}
        self._make_good_s_max = make_good_s_max
        self._build()

    async def restart(self) -> None:
        """A new process over the same journal and purse."""
        self._build()
        await self.service.begin()

    def _build(self) -> None:
        self.service = MeteringService(
            Outside(
                purse=self.purse,
                gate=self.gate,
                journal=self.journal,
                spool=self.spool,
                owners=self.owners,
                moves=self.moves,
                signer=FakeSigner(),
                offset_s_at=offset_s_at,
                clock=self.clock,
                ids=CountingIdSource(),
                sink=self.sink,
                make_good_s_max=self._make_good_s_max,
            )
        )
        self._told = len(self.sink.told)

    async def call(self, made: MeterOrder | None = None) -> MeterOrder:
        """A session opened, accepted and metering."""
        made = made or order(tariff=SIX_A_MINUTE)
        assert await self.service.open(made, also=nothing) is OpenStatus.OPENED
        self.service.connect(made.session)
        self.people[made.session] = (Person(Side.CLIENT), Person(Side.PROVIDER))
        for side, nonce in ((Side.CLIENT, made.nonce_client), (Side.PROVIDER, made.nonce_provider)):
            status = self.service.confirm(made.session, side, nonce=nonce, tariff_hash=made.tariff.hash)
            assert status is ConfirmStatus.CONFIRMED
        while not any(fact.session == made.session for fact in self.sink.of(facts.MeterStarted)):
            await self.step()
        while self.clock.monotonic_ns() < self.sink.of(facts.MeterStarted)[-1].at_ns:
            await self.step()
        return made

    async def step(self) -> None:
        """A quarter of a second: packets, poll, acknowledgements."""
        self.clock.advance(ns=NS // 4)
        now_ns = self.clock.monotonic_ns()
        for session, people in self.people.items():
            for person in people:
                person.live(now_ns)
                self.gate.legs[session, person.side] = person.leg._replace(session=session)
        self.service.poll()
        fresh, self._told = self.sink.told[self._told :], len(self.sink.told)
        for fact in fresh:
            if isinstance(fact, facts.TickCounted):
                self._acknowledge(fact)
        await self.rest()

    def _acknowledge(self, fact: facts.TickCounted) -> None:
        assert fact.session is not None
        for person in self.people.get(fact.session, ()):
            if person.acks:
                self.service.acknowledge(fact.session, person.side, tick=fact.tick, head=fact.head)

    async def rest(self) -> None:
        """Let tasks and worker threads finish."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def run(self, seconds: int) -> None:
        """So many seconds pass."""
        for _ in range(4 * seconds):
            await self.step()

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Runs until that is so."""
        for _ in range(1_000):
            if is_true():
                return
            await self.step()
        raise AssertionError("it never came about")

    async def settled(self, session: SessionId) -> dict[str, Any]:
        """Runs until the receipt is there."""
        for _ in range(1_000):
            if session in self.journal.closed:
                break
            await self.step()
            if any(fact.session == session for fact in self.sink.of(facts.MeterStopped)):
                await asyncio.sleep(0.001)  # the receipt is outlined in a worker thread
        return dict(json.loads(self.journal.closed[session][0]))
