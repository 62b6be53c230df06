"""Facts reach their readers in order, and a bad reader hurts nobody else."""

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator

import pytest
from structlog.testing import capture_logs

from gateway.facts import Fact, MeterResumed, MeterStopped, TickCounted, WalletChanged
from gateway.ids import AccountId, SessionId
from gateway.outbox import Outbox
from gateway.terms import EndReason

pytestmark = pytest.mark.service

ONE = SessionId("ses_one")
TWO = SessionId("ses_two")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep structlog from drawing tracebacks, which takes longer than the tests."""
    with capture_logs():
        yield


def tick(number: int, session: SessionId = ONE) -> TickCounted:
    return TickCounted(
        at_ns=number,
        session=session,
        tick=number,
        billed_s=number,
        provisional_s=0,
        cost_micros=number,
        earned_micros=number,
        currency="CNY",
        time_left_s=60,
        head="00",
    )


def stopped(session: SessionId = ONE) -> MeterStopped:
    return MeterStopped(at_ns=99, session=session, reason=EndReason.FUNDS)


def keeping(heard: list[Fact]) -> Callable[[Fact], Awaitable[None]]:
    async def reader(fact: Fact) -> None:
        heard.append(fact)

    return reader


def waiting_for(gate: asyncio.Event, heard: list[Fact]) -> Callable[[Fact], Awaitable[None]]:
    async def reader(fact: Fact) -> None:
        await gate.wait()
        heard.append(fact)

    return reader


async def broken(_fact: Fact) -> None:
    raise ValueError("the reader's own fault")


async def test_facts_of_one_session_arrive_in_the_order_they_were_told() -> None:
    outbox = Outbox()
    heard: list[Fact] = []
    outbox.subscribe(TickCounted, keeping(heard), name="reader")
    outbox.subscribe(MeterStopped, keeping(heard), name="reader")
    told = [tick(1), tick(2), stopped(), tick(3)]

    for fact in told:
        outbox.tell(fact)
    await outbox.flush()

    assert heard == told


async def test_a_reader_hears_only_the_kinds_it_asked_for() -> None:
    outbox = Outbox()
    ticks: list[Fact] = []
    everything: list[Fact] = []
    outbox.subscribe(TickCounted, keeping(ticks), name="ticks")
    outbox.subscribe(Fact, keeping(everything), name="everything")

    outbox.tell(tick(1))
    outbox.tell(stopped())
    await outbox.flush()

    assert ticks == [tick(1)]
    assert everything == [tick(1), stopped()]


async def test_a_reader_that_subscribes_later_hears_what_is_told_later() -> None:
    outbox = Outbox()
    heard: list[Fact] = []
    outbox.tell(tick(1))

    outbox.subscribe(TickCounted, keeping(heard), name="late")
    outbox.tell(tick(2))
    await outbox.flush()

    assert heard == [tick(2)]


async def test_telling_returns_before_any_reader_runs() -> None:
    outbox = Outbox()
    heard: list[Fact] = []
    outbox.subscribe(Fact, keeping(heard), name="reader")

    outbox.tell(tick(1))

    assert heard == []
    await outbox.flush()
    assert heard == [tick(1)]


async def test_a_failing_reader_fails_alone_and_is_named_in_the_log() -> None:
    outbox = Outbox()
    heard: list[Fact] = []
    outbox.subscribe(Fact, broken, name="broken")
    outbox.subscribe(Fact, keeping(heard), name="whole")

    with capture_logs() as lines:
        outbox.tell(tick(1))
        outbox.tell(tick(2))
        await outbox.flush()

    assert heard == [tick(1), tick(2)]
    assert outbox.failures() == {"broken": 2}
    failures = [line for line in lines if line["event"] == "reader_failed"]
    assert [(line["reader"], line["fact"]) for line in failures] == [("broken", "TickCounted")] * 2


async def test_a_reader_that_cancels_itself_still_hears_the_next_fact() -> None:
    outbox = Outbox()
    heard: list[Fact] = []

    async def cancels_once(fact: Fact) -> None:
        heard.append(fact)
        if len(heard) == 1:
            raise asyncio.CancelledError

    outbox.subscribe(Fact, cancels_once, name="odd")
    outbox.tell(tick(1))
    outbox.tell(tick(2))
    await outbox.flush()

    assert heard == [tick(1), tick(2)]
    assert outbox.stats()["failed"] == 1


async def test_a_slow_reader_is_late_alone() -> None:
    outbox = Outbox()
    gate = asyncio.Event()
    slow: list[Fact] = []
    quick: list[Fact] = []
    was_heard = asyncio.Event()

    async def quick_reader(fact: Fact) -> None:
        quick.append(fact)
        if len(quick) == 2:
            was_heard.set()

    outbox.subscribe(Fact, waiting_for(gate, slow), name="slow")
    outbox.subscribe(Fact, quick_reader, name="quick")
    outbox.tell(tick(1))
    outbox.tell(tick(2))
    await was_heard.wait()

    assert slow == []
    gate.set()
    await outbox.flush()
    assert slow == [tick(1), tick(2)]


async def test_a_session_whose_reader_hangs_does_not_delay_another_session() -> None:
    outbox = Outbox()
    gate = asyncio.Event()
    other_was_heard = asyncio.Event()

    async def reader(fact: Fact) -> None:
        if fact.session == ONE:
            await gate.wait()
        else:
            other_was_heard.set()

    outbox.subscribe(Fact, reader, name="reader")
    outbox.tell(tick(1, ONE))
    outbox.tell(tick(1, TWO))

    await other_was_heard.wait()
    gate.set()
    await outbox.flush()


async def test_a_reader_over_its_time_is_cancelled_and_counted() -> None:
    outbox = Outbox(delivery_ns_max=1)
    outbox.subscribe(Fact, waiting_for(asyncio.Event(), []), name="hanging")

    outbox.tell(tick(1))
    await outbox.flush()

    assert outbox.failures() == {"hanging": 1}


async def test_a_reader_that_ignores_its_time_limit_is_counted_and_hears_the_next_fact() -> None:
    outbox = Outbox(delivery_ns_max=1)
    heard: list[Fact] = []

    async def stubborn(fact: Fact) -> None:
        heard.append(fact)
        if len(heard) == 1:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    outbox.subscribe(Fact, stubborn, name="stubborn")
    outbox.tell(tick(1))
    outbox.tell(tick(2))
    await outbox.flush()

    assert heard == [tick(1), tick(2)]
    assert outbox.failures() == {"stubborn": 1}


async def test_many_hanging_sessions_do_not_delay_one_more() -> None:
    outbox = Outbox()
    gate = asyncio.Event()
    last = SessionId("ses_last")
    was_heard = asyncio.Event()

    async def reader(fact: Fact) -> None:
        if fact.session == last:
            was_heard.set()
        else:
            await gate.wait()

    outbox.subscribe(Fact, reader, name="reader")
    for number in range(200):
        outbox.tell(tick(1, SessionId(f"ses_{number}")))
    outbox.tell(tick(1, last))

    await was_heard.wait()
    gate.set()
    await outbox.flush()
    assert outbox.stats()["delivered"] == 201


@pytest.mark.parametrize("seed", range(20))
async def test_order_per_session_holds_whatever_readers_wait_for(seed: int) -> None:
    dice = random.Random(seed)
    outbox = Outbox()
    heard: dict[tuple[str, SessionId | None], list[int]] = defaultdict(list)

    def dawdling(name: str) -> Callable[[TickCounted], Awaitable[None]]:
        async def reader(fact: TickCounted) -> None:
            for _ in range(dice.choice((0, 0, 0, 1, 3))):
                await asyncio.sleep(0)
            heard[(name, fact.session)].append(fact.tick)
            if dice.random() < 0.1:
                raise ValueError("now and then")

        return reader

    names = ["one", "two", "three"]
    for name in names:
        outbox.subscribe(TickCounted, dawdling(name), name=name)
    for number in range(1, 40):
        for session in (ONE, TWO):
            outbox.tell(tick(number, session))
        if dice.random() < 0.3:
            await asyncio.sleep(0)
    await outbox.flush()

    assert dict(heard) == {(name, session): list(range(1, 40)) for name in names for session in (ONE, TWO)}
    assert outbox.stats()["lanes"] == 0


async def test_a_full_queue_drops_ticks_keeps_the_newest_and_never_drops_money() -> None:
    outbox = Outbox(queue_facts_max=2)
    gate = asyncio.Event()
    heard: list[Fact] = []
    outbox.subscribe(Fact, waiting_for(gate, heard), name="slow")
    money = WalletChanged(
        at_ns=1, session=ONE, account=AccountId("acc_1"), available_micros=5, currency="CNY"
    )

    for number in range(1, 6):
        outbox.tell(tick(number))
    outbox.tell(money)
    outbox.tell(stopped())
    gate.set()
    await outbox.flush()

    assert heard == [tick(1), tick(5), money, stopped()]
    assert outbox.stats()["dropped"] == 3


async def test_nothing_is_left_of_a_finished_session() -> None:
    outbox = Outbox()
    outbox.subscribe(Fact, keeping([]), name="reader")
    before = asyncio.all_tasks()

    outbox.tell(tick(1))
    await outbox.flush()

    assert asyncio.all_tasks() == before
    assert outbox.stats()["lanes"] == 0


async def test_flush_waits_for_facts_told_because_of_a_fact() -> None:
    outbox = Outbox()
    heard: list[Fact] = []

    async def chain(fact: Fact) -> None:
        if isinstance(fact, MeterStopped):
            outbox.tell(MeterResumed(at_ns=100, session=TWO))

    outbox.subscribe(Fact, chain, name="chain")
    outbox.subscribe(MeterResumed, keeping(heard), name="end")
    outbox.tell(stopped())
    await outbox.flush()

    assert heard == [MeterResumed(at_ns=100, session=TWO)]


async def test_close_delivers_what_waits_and_refuses_what_comes_later() -> None:
    outbox = Outbox()
    heard: list[Fact] = []
    outbox.subscribe(Fact, keeping(heard), name="reader")
    outbox.tell(tick(1))

    await outbox.close()
    outbox.tell(tick(2))

    assert heard == [tick(1)]
    assert outbox.stats()["late"] == 1


async def test_close_cancels_a_reader_that_hangs() -> None:
    outbox = Outbox(close_ns_max=1_000_000)
    outbox.subscribe(Fact, waiting_for(asyncio.Event(), []), name="hanging")
    before = asyncio.all_tasks()
    outbox.tell(tick(1))

    with capture_logs() as lines:
        await outbox.close()

    assert asyncio.all_tasks() == before
    assert any(line["event"] == "outbox_close_cut_short" and line["readers"] == ["hanging"] for line in lines)


async def test_a_tick_costs_no_line_where_nobody_reads_debug(caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox()
    caplog.set_level(logging.INFO)

    with capture_logs() as lines:
        outbox.tell(tick(7))
        outbox.tell(stopped())

    assert [line["event"] for line in lines] == ["meter_stopped"]


async def test_each_fact_is_one_log_line_and_ticks_are_debug(caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox()
    caplog.set_level(logging.DEBUG)

    with capture_logs() as lines:
        outbox.tell(tick(7))
        outbox.tell(stopped())

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("tick_counted", "debug"),
        ("meter_stopped", "info"),
    ]
    assert lines[1]["reason"] == EndReason.FUNDS
    assert lines[1]["session"] == ONE


async def test_a_first_reader_hears_of_every_session_before_the_others_hear_of_any() -> None:
    outbox = Outbox()
    order: list[tuple[str, SessionId | None]] = []

    def noting(name: str) -> Callable[[Fact], Awaitable[None]]:
        async def reader(fact: Fact) -> None:
            order.append((name, fact.session))

        return reader

    outbox.subscribe(Fact, noting("statistics"), name="statistics")
    outbox.subscribe(Fact, noting("people"), name="people", is_first=True)
    outbox.tell(tick(1, ONE))
    outbox.tell(tick(1, TWO))
    await outbox.flush()

    assert order == [("people", ONE), ("people", TWO), ("statistics", ONE), ("statistics", TWO)]
