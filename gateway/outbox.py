"""Delivers facts to whoever subscribed, in order per session.

Decides who hears what and when: every reader has a queue of its own for each
session, so sessions are independent of each other, and a reader that fails,
hangs or lags does so alone. A queue that is full drops only facts which a later
one says again; what money or a session's life hangs on is always kept.
Never writes to the store: a fact is told after its row is committed.
Keeps: no task and no queue outlives the facts it was made for. One log line per
fact. See docs/architecture.md, "facts and ports".
"""

import asyncio
import contextvars
import logging
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import structlog

from gateway.clock import NS
from gateway.facts import ChatSent, Fact, LegGraded, LegMoved, TickCounted
from gateway.ids import SessionId

F = TypeVar("F", bound=Fact)

QUEUE_FACTS_MAX = 1_024
"""Facts waiting for one reader in one session before repeatable ones are dropped."""
DELIVERY_NS_MAX = 30 * NS
"""How long a reader may take over one fact; beyond it the call is cancelled and counted as failed."""
LANES_PER_TURN = 64
"""Lanes served before the event loop gets a turn, where no reader ever suspends."""
CLOSE_NS_MAX = 5 * NS
"""How long `close` waits for readers before it cancels them."""

REPEATABLE: frozenset[type[Fact]] = frozenset({TickCounted, ChatSent, LegMoved, LegGraded})
"""Facts that tell progress: the next tick, line, move or grade says it again, so one may be missed."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Subscription:
    """One reader's interest in one kind of fact."""

    kind: type[Fact]
    name: str
    reader: Callable[[Any], Awaitable[None]]
    is_first: bool


@dataclass(slots=True)
class _Lane:
    """What one reader has yet to hear of one session; one worker at a time serves it."""

    name: str
    session: SessionId | None
    waiting: deque[tuple[Fact, Callable[[Any], Awaitable[None]]]] = field(default_factory=deque)


@dataclass(slots=True)
class _Worker:
    """A task that serves lanes; a reader that suspends occupies one, and another takes over."""

    task: asyncio.Task[None] | None = None
    call: int = 0
    """Number of the reader's call it is in; 0 between calls."""
    has_check: bool = False
    """Whether a look at it is due when it next gives way to the loop."""
    is_overdue: bool = False
    """Whether its present call was cancelled for taking too long."""
    timer: asyncio.TimerHandle | None = None
    """Ends the present call when its time is over."""


class Outbox:
    """The `FactSink` every service is handed. Lives on the event loop's thread."""

    def __init__(
        self,
        *,
        queue_facts_max: int = QUEUE_FACTS_MAX,
        delivery_ns_max: int = DELIVERY_NS_MAX,
        close_ns_max: int = CLOSE_NS_MAX,
    ) -> None:
        self._queue_facts_max = queue_facts_max
        self._delivery_s = delivery_ns_max / NS
        self._close_s = close_ns_max / NS
        self._subscriptions: list[_Subscription] = []
        self._heard_by: dict[type[Fact], tuple[_Subscription, ...]] = {}
        self._lanes: dict[tuple[str, SessionId | None], _Lane] = {}
        self._ready: deque[_Lane] = deque()
        self._ready_first: deque[_Lane] = deque()
        self._runner: _Worker | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls = 0
        self._counts: Counter[str] = Counter(told=0, delivered=0, failed=0, dropped=0, late=0)
        self._failures: Counter[str] = Counter()
        self._is_closed = False

    def subscribe(
        self, kind: type[F], reader: Callable[[F], Awaitable[None]], *, name: str, is_first: bool = False
    ) -> None:
        """Let `reader` hear every fact that is a `kind` (`Fact` itself: all of them).

        Subscriptions of one `name` share one queue per session, so a reader of
        several kinds hears them in the order they were told. Readers that are
        first are served before the others: people wait for what they tell.
        """
        self._subscriptions.append(_Subscription(kind, name, reader, is_first))
        self._heard_by.clear()

    def tell(self, fact: Fact) -> None:
        """Log the fact and queue it for its readers; never blocks, never raises for a reader's sake."""
        self._counts["told"] += 1
        _write_line(fact)
        if self._is_closed:
            self._counts["late"] += 1
            _log.warning("fact_after_close", fact=type(fact).__name__, session=fact.session)
            return
        for subscription in self._readers_of(type(fact)):
            self._queue(fact, subscription)

    async def flush(self) -> None:
        """Wait until every fact told so far, and every fact told because of it, was delivered.

        Never call it from inside a reader: it would wait for itself.
        """
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Deliver what waits, then refuse further facts; readers that hang are cancelled."""
        try:
            async with asyncio.timeout(self._close_s):
                await self.flush()
        except TimeoutError:
            _log.error("outbox_close_cut_short", readers=sorted({lane.name for lane in self._lanes.values()}))
        self._is_closed = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._close_s)
        self._lanes.clear()
        self._ready.clear()
        self._ready_first.clear()

    def stats(self) -> Mapping[str, int]:
        """Facts told, deliveries made, failed and dropped, facts told late, and what waits now."""
        waiting = sum(len(lane.waiting) for lane in self._lanes.values())
        return {**self._counts, "waiting": waiting, "lanes": len(self._lanes)}

    def failures(self) -> Mapping[str, int]:
        """Failed deliveries by the reader's name."""
        return dict(self._failures)

    def _readers_of(self, kind: type[Fact]) -> tuple[_Subscription, ...]:
        found = self._heard_by.get(kind)
        if found is None:
            found = tuple(one for one in self._subscriptions if issubclass(kind, one.kind))
            self._heard_by[kind] = found
        return found

    def _queue(self, fact: Fact, subscription: _Subscription) -> None:
        key = (subscription.name, fact.session)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(subscription.name, fact.session)
            (self._ready_first if subscription.is_first else self._ready).append(lane)
            if self._runner is None:
                self._start_worker()
        if len(lane.waiting) >= self._queue_facts_max and type(fact) in REPEATABLE:
            self._drop(fact, subscription, lane)
        else:
            lane.waiting.append((fact, subscription.reader))

    def _drop(self, fact: Fact, subscription: _Subscription, lane: _Lane) -> None:
        """Give up one repeatable fact: the last one waiting where it is of the same kind, for it is staler."""
        self._counts["dropped"] += 1
        if self._counts["dropped"] == 1 or self._counts["dropped"] % self._queue_facts_max == 0:
            _log.warning(
                "facts_dropped", reader=lane.name, session=lane.session, dropped=self._counts["dropped"]
            )
        if lane.waiting and type(lane.waiting[-1][0]) is type(fact):
            lane.waiting[-1] = (fact, subscription.reader)

    def _start_worker(self) -> None:
        worker = self._runner = _Worker()
        # A worker outlives the call that started it, so it must not inherit that call's log context.
        task = asyncio.get_running_loop().create_task(
            self._work(worker), name="outbox", context=contextvars.Context()
        )
        worker.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, worker: _Worker) -> None:
        """Serve lanes that are ready, as long as no other worker does."""
        served = 0
        try:
            while (ready := self._ready_first or self._ready) and self._runner in (None, worker):
                self._runner = worker
                await self._serve(ready.popleft(), worker)
                served += 1
                if served % LANES_PER_TURN == 0:
                    await asyncio.sleep(0)
        finally:
            if self._runner is worker:
                self._runner = None

    async def _serve(self, lane: _Lane, worker: _Worker) -> None:
        try:
            while lane.waiting:
                fact, reader = lane.waiting.popleft()
                await self._deliver(fact, reader, lane, worker)
        finally:
            self._lanes.pop((lane.name, lane.session), None)

    async def _deliver(
        self, fact: Fact, reader: Callable[[Any], Awaitable[None]], lane: _Lane, worker: _Worker
    ) -> None:
        self._begin_call(worker)
        failure: BaseException | None = None
        try:
            await reader(fact)
        except (Exception, asyncio.CancelledError) as raised:
            failure = raised
        was_overdue = self._end_call(worker)
        if worker.task is not None and worker.task.cancelling():
            raise asyncio.CancelledError
        if failure is None and not was_overdue:
            self._counts["delivered"] += 1
        else:
            self._note_failure(fact, lane, failure, was_overdue=was_overdue)

    def _begin_call(self, worker: _Worker) -> None:
        self._calls += 1
        worker.call = self._calls
        if not worker.has_check:
            # Runs when the worker next gives way: after its last lane, or because a reader suspends.
            worker.has_check = True
            asyncio.get_running_loop().call_soon(self._check, worker)

    def _check(self, worker: _Worker) -> None:
        """Where a reader holds the worker up, bound its time and let another worker take over."""
        worker.has_check = False
        if not worker.call:
            return
        loop = asyncio.get_running_loop()
        worker.timer = loop.call_later(self._delivery_s, self._end_overdue, worker, worker.call)
        if self._runner is worker:
            self._runner = None
            if self._ready or self._ready_first:
                self._start_worker()

    def _end_overdue(self, worker: _Worker, call: int) -> None:
        if worker.call == call and worker.task is not None:
            worker.is_overdue = True
            worker.task.cancel()

    def _end_call(self, worker: _Worker) -> bool:
        """Leave the call; whether it was cancelled for taking too long (that cancellation is then spent)."""
        worker.call = 0
        if worker.timer is not None:
            worker.timer.cancel()
            worker.timer = None
        was_overdue, worker.is_overdue = worker.is_overdue, False
        if was_overdue and worker.task is not None:
            worker.task.uncancel()
        return was_overdue

    def _note_failure(
        self, fact: Fact, lane: _Lane, failure: BaseException | None, *, was_overdue: bool
    ) -> None:
        self._counts["failed"] += 1
        self._failures[lane.name] += 1
        _log.error(
            "reader_failed",
            reader=lane.name,
            fact=type(fact).__name__,
            session=lane.session,
            overdue=was_overdue,
            exc_info=failure,
        )


_EVENT_NAMES: dict[type[Fact], tuple[str, tuple[str, ...]]] = {}


def _write_line(fact: Fact) -> None:
    """The fact's own log line; facts hold ids, numbers and enums, never what a person wrote."""
    kind = type(fact)
    if kind is TickCounted and not logging.getLogger().isEnabledFor(logging.DEBUG):
        # One a second and session: asking first is a tenth of what a line costs that nobody reads.
        return
    shape = _EVENT_NAMES.get(kind)
    if shape is None:
        event = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        shape = _EVENT_NAMES[kind] = (event, tuple(one.name for one in fields(kind)))
    event, names = shape
    write = _log.debug if kind is TickCounted else _log.info
    write(event, **{name: getattr(fact, name) for name in names})
