"""The timer of what becomes due: it goes on after failures, and asks about each thing once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.booking import maturing_service
from gateway.booking.maturing_service import BATCH_MAX, MaturingService
from gateway.clock import NS
from gateway.errors import StoreDown
from gateway.ids import AccountId, SessionId
from tests.booking_ledger.conftest import Till

pytestmark = pytest.mark.service

WINDOW_NS = 7 * 86_400 * NS


@dataclass
class Flows:
    """Answers what a test says is due; remembers what it was asked to do."""

    settled: list[tuple[tuple[int, str], SessionId]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    matured: list[SessionId] = field(default_factory=list)
    has_looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def grants_due(self, *, now_wall_ns: int, limit: int) -> Sequence[tuple[str, AccountId]]:
        if self.failures:
            raise self.failures.pop(0)
        self.has_looked.set()
        return []

    async def settled_before(
        self, *, after: tuple[int, str], until_wall_ns: int, limit: int
    ) -> Sequence[tuple[tuple[int, str], SessionId]]:
        return [each for each in self.settled if after < each[0] and each[0][0] <= until_wall_ns][:limit]

    async def cool_off(self, session: SessionId, *, window_ns: int, now_wall_ns: int) -> int:
        self.matured.append(session)
        return 1


def _service(till: Till, flows: Flows) -> MaturingService:
    return MaturingService(till.wallet, flows=flows, clock=till.clock, window_ns=WINDOW_NS)  # type: ignore[arg-type]


async def test_more_than_one_batch_is_carried_out_and_nothing_twice(till: Till) -> None:
    names = [SessionId(f"ses_{number:04}") for number in range(2 * BATCH_MAX + 3)]
    flows = Flows(settled=[((number, name), name) for number, name in enumerate(names)])
    service = _service(till, flows)
    await service.look()
    await service.look()
    assert flows.matured == names
    assert service.stats()["earnings_matured"] == len(names)


async def test_what_is_not_due_is_asked_about_when_it_is(till: Till) -> None:
    flows = Flows(settled=[((till.clock.wall_ns(), "s"), SessionId("ses_1"))])
    service = _service(till, flows)
    await service.look()
    assert flows.matured == []
    till.clock.advance(seconds=7 * 86_400)
    await service.look()
    assert flows.matured == ["ses_1"]


async def test_a_clock_that_ran_ahead_and_was_set_back_hides_nothing(till: Till) -> None:
    flows = Flows()
    service = _service(till, flows)
    till.clock.step_wall(ns=400 * 86_400 * NS)
    await service.look()
    till.clock.step_wall(ns=-400 * 86_400 * NS)
    flows.settled = [((till.clock.wall_ns(), "s"), SessionId("ses_1"))]
    till.clock.advance(seconds=7 * 86_400)
    await service.look()
    assert flows.matured == ["ses_1"]


async def test_it_goes_on_after_failures_until_it_is_closed(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maturing_service, "LOOK_EVERY_S", 0)
    flows = Flows(failures=[StoreDown("no disk"), RuntimeError("a fault")])
    service = _service(till, flows)
    service.start()
    service.start()
    await asyncio.wait_for(flows.has_looked.wait(), 5)
    await service.close()
    await service.close()
    assert service.stats()["looks_failed"] == 2
