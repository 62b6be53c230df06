"""A line is judged within its deadline whatever hooks and store do."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from gateway.clock import NS, ManualClock
from gateway.facts import VerdictGiven
from gateway.ids import CountingIdSource
from gateway.moderation.breaker import FAILURES_MAX, OPEN_NS
from gateway.moderation.policy import FAIL_CLOSED, FAIL_OPEN, HookPolicy, Mode
from gateway.moderation.ports import Hook, LineVerdict, VerdictStore
from gateway.moderation.sample import TextSample
from gateway.moderation.service import STORE_NAME, WatchService
from gateway.moderation.verdict import Action, Category, Verdict
from gateway.terms import Side
from tests.moderation.fakes import (
    SESSION,
    BrokenHook,
    BrokenStore,
    FakeHook,
    FakeSink,
    FakeStore,
    HangingHook,
    SlowStore,
    StubbornHook,
    verdict,
)

pytestmark = pytest.mark.service

SOON_NS = 1_000_000
"""A time-out short enough to let run out for real."""


class World:
    """A watch service and everything around it."""

    def __init__(
        self,
        *hooks: tuple[Hook, HookPolicy],
        store: VerdictStore | None = None,
        deadline_ns: int = 30 * NS,
    ) -> None:
        self.sink = FakeSink()
        self.clock = ManualClock()
        self.store = FakeStore()
        self.watch = WatchService(
            hooks=hooks,
            store=store or self.store,
            facts=self.sink,
            clock=self.clock,
            ids=CountingIdSource(),
            digest_key=b"key",
            deadline_ns=deadline_ns,
        )

    async def judge(self, text: str = "hello") -> LineVerdict:
        return await self.watch.judge_line(SESSION, Side.CLIENT, text)


async def test_a_line_nobody_minds_is_allowed_and_leaves_no_trace() -> None:
    world = World((FakeHook(), FAIL_OPEN))

    assert await world.judge() == LineVerdict(action="allow", text="hello")
    assert world.sink.facts == []
    assert world.store.records == []


async def test_no_hooks_allow_everything() -> None:
    assert (await World().judge()).action == "allow"


async def test_the_severest_of_all_hooks_wins_not_the_first() -> None:
    world = World(
        (FakeHook("one", verdict(Action.FLAG, Category.ABUSE)), FAIL_OPEN),
        (FakeHook("two", verdict(Action.BLOCK, Category.THREAT)), FAIL_OPEN),
        (FakeHook("three", verdict(Action.MASK, Category.CONTACT)), FAIL_OPEN),
    )

    assert await world.judge() == LineVerdict(action="block", text="hello", category="threat")
    assert world.sink.verdicts == [("block", "threat"), ("mask", "contact"), ("flag", "abuse")]


async def test_a_masked_line_is_covered_where_every_hook_says() -> None:
    world = World(
        (FakeHook("one", verdict(Action.MASK, Category.ABUSE, spans=((0, 1),))), FAIL_OPEN),
        (FakeHook("two", verdict(Action.MASK, Category.CONTACT, spans=((4, 5),))), FAIL_OPEN),
    )

    assert (await world.judge("hello")).text == "*ell*"


async def test_a_line_that_is_not_delivered_keeps_its_text() -> None:
    world = World((FakeHook("one", verdict(Action.BLOCK, spans=((0, 5),))), FAIL_OPEN))

    assert (await world.judge("hello")).text == "hello"


async def test_the_fact_carries_the_rule_and_not_the_text() -> None:
    world = World((FakeHook("one", verdict(Action.FLAG, severity=3, rule="abuse.x")), FAIL_OPEN))

    await world.judge("a private line")

    assert world.sink.facts == [
        VerdictGiven(
            at_ns=world.clock.monotonic_ns(),
            session=SESSION,
            side=Side.CLIENT,
            action="flag",
            category="abuse",
            severity=3,
            rule="abuse.x",
        )
    ]


async def test_every_verdict_is_journalled_by_digest() -> None:
    given = verdict(Action.FLAG)
    world = World((FakeHook("one", given), FAIL_OPEN))

    await world.judge("hello")

    (record,) = world.store.records
    assert (record.hook, record.mode, record.verdict) == ("one", Mode.ENFORCE, given)
    assert record.digest == record.sample.digest(b"key")
    assert record.judged_wall_ns == world.clock.wall_ns()


async def test_a_shadow_hook_is_journalled_and_has_no_effect() -> None:
    world = World((FakeHook("new", verdict(Action.TERMINATE)), HookPolicy(mode=Mode.SHADOW)))

    assert (await world.judge()).action == "allow"
    assert world.sink.facts == []
    assert [record.mode for record in world.store.records] == [Mode.SHADOW]


async def test_a_hook_that_is_off_is_not_asked() -> None:
    hook = FakeHook("off", verdict(Action.BLOCK))
    world = World((hook, HookPolicy(mode=Mode.OFF)))

    assert (await world.judge()).action == "allow"
    assert hook.asked == 0


async def test_a_remote_hook_that_raises_fails_open_and_is_reported() -> None:
    world = World((BrokenHook("vendor"), FAIL_OPEN))

    assert (await world.judge()).action == "allow"
    assert world.sink.failures == [("vendor", "ConnectionError")]


async def test_local_rules_that_raise_hold_the_line_and_blame_nobody() -> None:
    world = World((BrokenHook("terms"), FAIL_CLOSED))

    assert await world.judge() == LineVerdict(action="hold", text="hello", category="unjudged")


async def test_a_failing_hook_does_not_hide_what_another_found() -> None:
    world = World((BrokenHook("vendor"), FAIL_OPEN), (FakeHook("terms", verdict(Action.MASK)), FAIL_CLOSED))

    assert (await world.judge()).action == "mask"


async def test_a_hook_that_answers_nonsense_counts_as_failed() -> None:
    class Nonsense(FakeHook):
        async def judge(self, sample: TextSample) -> Sequence[Verdict]:
            return ["block"]  # type: ignore[list-item]

    world = World((Nonsense("odd"), FAIL_OPEN))

    assert (await world.judge()).action == "allow"
    assert world.sink.failures == [("odd", "TypeError")]


async def test_a_hook_over_its_own_time_is_cancelled_and_reported() -> None:
    hook = HangingHook("vendor")
    world = World((hook, HookPolicy(timeout_ns=SOON_NS)))

    assert (await world.judge()).action == "allow"
    assert world.sink.failures == [("vendor", "late")]
    await world.watch.close()
    assert hook.was_cancelled


async def test_the_deadline_bounds_every_hook_and_quick_ones_still_count() -> None:
    hanging = HangingHook("slow")
    quick = FakeHook("quick", verdict(Action.MASK))
    world = World((hanging, FAIL_OPEN), (quick, FAIL_OPEN), deadline_ns=SOON_NS)

    assert (await world.judge()).action == "mask"
    assert world.sink.failures == [("slow", "late")]
    await world.watch.close()


async def test_hooks_are_asked_at_the_same_time() -> None:
    first, second = HangingHook("first"), HangingHook("second")
    world = World((first, FAIL_OPEN), (second, FAIL_OPEN))

    judging = asyncio.ensure_future(world.judge())
    await first.was_asked.wait()
    await second.was_asked.wait()
    first.release.set()
    second.release.set()

    assert (await judging).action == "allow"


async def test_a_hook_that_ignores_cancellation_delays_nobody() -> None:
    hook = StubbornHook("stubborn")
    world = World((hook, HookPolicy(timeout_ns=SOON_NS, in_flight_max=1)))

    await world.judge()
    await world.judge()

    assert world.sink.failures == [("stubborn", "late"), ("stubborn", "busy")]
    assert hook.asked == 1
    hook.release.set()
    await world.watch.close()


async def test_a_cancelled_caller_takes_its_question_along() -> None:
    hook = HangingHook("vendor")
    world = World((hook, FAIL_OPEN))
    judging = asyncio.ensure_future(world.judge())
    await hook.was_asked.wait()

    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging

    await world.watch.close()
    assert hook.was_cancelled
    assert world.sink.failures == []


async def test_a_hook_that_keeps_failing_is_given_up_and_costs_no_time() -> None:
    hook = BrokenHook("vendor")
    world = World((hook, FAIL_OPEN))

    for _ in range(FAILURES_MAX + 3):
        await world.judge()

    assert hook.asked == FAILURES_MAX
    assert world.watch.given_up_hooks() == ("vendor",)
    assert world.sink.failures == [("vendor", "ConnectionError")] * FAILURES_MAX + [
        ("vendor", "breaker_open")
    ]


async def test_an_open_breaker_still_fails_closed_for_local_rules() -> None:
    world = World((BrokenHook("terms"), FAIL_CLOSED))

    actions = [(await world.judge()).action for _ in range(FAILURES_MAX + 2)]

    assert actions == ["hold"] * (FAILURES_MAX + 2)


async def test_a_given_up_hook_is_tried_again_and_comes_back() -> None:
    hook = BrokenHook("vendor", verdict(Action.MASK))
    world = World((hook, FAIL_OPEN))
    for _ in range(FAILURES_MAX):
        await world.judge()
    hook.is_mended = True

    world.clock.advance(ns=OPEN_NS)

    assert (await world.judge()).action == "mask"
    assert world.watch.given_up_hooks() == ()


async def test_a_store_that_is_down_does_not_change_the_answer_and_is_reported() -> None:
    world = World((FakeHook("one", verdict(Action.BLOCK)), FAIL_OPEN), store=BrokenStore())

    with capture_logs() as lines:
        answer = await world.judge("a private line")

    assert answer.action == "block"
    assert world.sink.failures == [(STORE_NAME, "OSError")]
    assert "a private line" not in repr(lines)


async def test_a_store_that_is_slow_does_not_hold_up_the_answer_and_its_rows_still_arrive() -> None:
    store = SlowStore()
    world = World((FakeHook("one", verdict(Action.BLOCK)), FAIL_OPEN), store=store, deadline_ns=SOON_NS)

    assert (await world.judge()).action == "block"
    assert world.sink.failures == [(STORE_NAME, "late")]

    store.release.set()
    await world.watch.close()
    assert len(store.records) == 1


async def test_a_fault_of_the_service_itself_holds_the_line() -> None:
    class BrokenSink(FakeSink):
        def tell(self, fact: object) -> None:
            raise RuntimeError("the sink broke")

    world = World()
    watch = WatchService(
        hooks=[(FakeHook("one", verdict(Action.FLAG)), FAIL_OPEN)],
        store=world.store,
        facts=BrokenSink(),
        clock=world.clock,
        ids=CountingIdSource(),
        digest_key=b"key",
    )

    assert (await watch.judge_line(SESSION, Side.CLIENT, "hello")).action == "hold"


async def test_two_hooks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        World((FakeHook("one"), FAIL_OPEN), (FakeHook("one"), FAIL_OPEN))
