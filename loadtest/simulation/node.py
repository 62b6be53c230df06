"""One life of a gateway process: the product's own services, put together as `gateway/app.py` does.

Decides what stands in for the machine: store, media, people, clock and the
moderator. Everything between those is the product's.
Never decides when it dies (`world.py`); once dead, nothing of it runs.
"""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import Context
from functools import cache
from typing import Any, cast

from gateway.booking.adapters.key_files import KeyRing
from gateway.bridge.books import Books, open_books
from gateway.bridge.ground import Ground
from gateway.bridge.session import SessionMeters, SessionRecords
from gateway.bridge.treasury import Treasury, open_treasury
from gateway.errors import GatewayError
from gateway.facts import Fact, WalletChanged
from gateway.ids import AccountId, SessionId
from gateway.outbox import Outbox
from gateway.signaling.adapters.chat_store import ChatStore
from gateway.signaling.adapters.data_channel import DataChannel
from gateway.signaling.adapters.loop_timer import LoopTimer
from gateway.signaling.adapters.presence_memory import PresenceMemory
from gateway.signaling.desk_service import Desk
from gateway.signaling.outside_ports import Outside
from gateway.signaling.ports import LineVerdict, Offer
from gateway.terms import SessionKind, Side
from loadtest.simulation.clock import WorldClock
from loadtest.simulation.faults import Fault
from loadtest.simulation.loop import Incarnation, context_of
from loadtest.simulation.media import SimulatedMedia
from loadtest.simulation.stage import Stage
from loadtest.simulation.store import SimulatedStore

BOOT = "boot-simulated"


class Catalogue:
    """Signalling's people: everybody is known, nobody is barred, prices stay."""

    def __init__(self, offers: Mapping[tuple[AccountId, SessionKind], Offer]) -> None:
        self._offers = offers

    async def offer(self, provider: AccountId, kind: SessionKind) -> Offer | None:
        """The provider's present offer."""
        return self._offers.get((provider, kind))

    async def nickname(self, account: AccountId) -> str:
        """What the other side may know."""
        return account

    async def is_barred(self, account: AccountId) -> bool:
        """Nobody is."""
        return False


class Moderator:
    """Reads the verdict off the line: `freeze …` and `terminate …`; all else passes."""

    async def judge_line(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        """Judge a line before it is delivered."""
        action = text.partition(" ")[0]
        if action in ("freeze", "terminate", "block"):
            return LineVerdict(action=action, text=text, category="abuse")
        return LineVerdict(action="allow", text=text)


class Node:
    """A gateway process on the stage."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.life = Incarnation(name)
        self.store = SimulatedStore(stage.disk, stage.loop, stage.swarm)
        self.media = SimulatedMedia(stage.loop)
        self.clock = WorldClock(stage.loop, stage.wall, boot=BOOT)
        self.is_up = False
        self.books: Books
        self.desk: Desk
        self.treasury: Treasury
        self._outbox = Outbox()
        self._timer = LoopTimer()
        self._context = context_of(self.life)
        self._meters: asyncio.Task[None] | None = None

    @property
    def context(self) -> Context:
        """A context whose steps belong to this process."""
        return self._context.copy()

    def start(self, then: Callable[[bool], None]) -> None:
        """Open everything; `then` hears whether it serves now."""

        async def open_all() -> None:
            try:
                await self._open()
            except GatewayError:
                then(False)
            else:
                self.is_up = True
                then(True)

        self.stage.loop.create_task(open_all(), context=self.context)

    def after(self, delay_s: float, do: Callable[..., object], *args: object) -> None:
        """Let this process do something later, if it still lives."""
        self.stage.loop.call_later(delay_s, do, *args, context=self.context)

    def begin(self, asking: Coroutine[Any, Any, Any], answered: Callable[[Any], None] | None = None) -> None:
        """Run a command as this process, its first steps at once; call it from a step of this process.

        `answered` hears the answer at the instant it was given, or None where the gateway failed.
        """
        try:
            waiting = asking.send(None)
        except StopIteration as done:
            if answered is not None:
                answered(done.value)
        except GatewayError:
            if answered is not None:
                answered(None)
        else:
            self.stage.loop.create_task(_finished(asking, waiting, answered))

    def run(
        self, ask: Callable[[], Coroutine[Any, Any, Any]], answered: Callable[[Any], None] | None = None
    ) -> None:
        """Begin a command from outside of this process."""
        self.after(0.001, lambda: self.begin(ask(), answered))

    async def close(self) -> None:
        """An orderly end, in the order of `gateway/app.py`."""
        await self.desk.drain()
        if self._meters is not None:
            self._meters.cancel()
            await asyncio.wait({self._meters})
        await self.treasury.maturing.close()
        await self._timer.close()
        await self.desk.close()
        await self.books.metering.close()
        await self._outbox.close()
        await self.store.close()

    async def _open(self) -> None:
        ground = Ground(
            settings=self.stage.settings,
            keys=keys(),
            database=self.store,
            media=cast("Any", self.media),
            outbox=self._outbox,
            clock=self.clock,
            ids=self.stage.ids,
            spool=self.stage.spool,
        )
        self.books = books = await open_books(ground)
        books.sandbox.deliver_to(self._deliver)
        self.treasury = open_treasury(ground, books)
        self.treasury.maturing.start()
        self.desk = self._desk(books)
        self._outbox.subscribe(Fact, self.desk.on_fact, name="signaling", is_first=True)
        self._outbox.subscribe(WalletChanged, self._tell_meters, name="metering")
        await books.metering.recover([row.order.session for row in await self.desk.start()])
        self._meters = self.stage.loop.create_task(books.metering.run())

    def _desk(self, books: Books) -> Desk:
        return Desk(
            Outside(
                meters=SessionMeters(books.metering),
                media=self.media,
                people=Catalogue(self.stage.offers),
                watch=Moderator(),
                sessions=books.sessions,
                lines=ChatStore(self.store),
                channel=DataChannel(self.media),
                receipts=SessionRecords(books.journal),
                presence=PresenceMemory(),
                timer=self._timer,
                clock=self.clock,
                ids=self.stage.ids,
                sink=self._outbox,
            )
        )

    async def _tell_meters(self, fact: WalletChanged) -> None:
        self.books.metering.wallet_changed(fact.account, fact.available_micros)

    async def _deliver(self, headers: Mapping[str, str], body: bytes) -> None:
        """A payment's webhook on its way: late, several times, or never."""
        stage, swarm = self.stage, self.stage.swarm
        if swarm.strikes(Fault.WEBHOOK_LOST, stage.dice):
            swarm.note(Fault.WEBHOOK_LOST)
            return
        delays_s = [stage.between(0.01, 0.5)]
        if swarm.strikes(Fault.WEBHOOK_LATE, stage.dice):
            swarm.note(Fault.WEBHOOK_LATE)
            delays_s = [stage.between(1, 20)]
        if swarm.strikes(Fault.WEBHOOK_REPEATED, stage.dice):
            swarm.note(Fault.WEBHOOK_REPEATED)
            delays_s += [stage.between(0, 10) for _ in range(stage.dice.randint(1, 3))]
        for delay_s in delays_s:
            self.after(delay_s, self._bring, headers, body)

    def _bring(self, headers: Mapping[str, str], body: bytes) -> None:
        self.begin(self.books.top_ups.notice("sandbox", headers, body))


async def _finished(
    asking: Coroutine[Any, Any, Any], waiting: Any, answered: Callable[[Any], None] | None
) -> None:
    try:
        answer = await _rest(asking, waiting)
    except GatewayError:
        answer = None
    if answered is not None:
        answered(answer)


@types.coroutine
def _rest(asking: Coroutine[Any, Any, Any], waiting: Any) -> Generator[Any, Any, Any]:
    """What is left of a coroutine that has begun and waits for `waiting`."""
    while True:
        try:
            try:
                heard = yield waiting
            except GeneratorExit:
                asking.close()
                raise
            except BaseException as thrown:
                waiting = asking.throw(thrown)
            else:
                waiting = asking.send(heard)
        except StopIteration as done:
            return done.value


@cache
def keys() -> KeyRing:
    """Keys that are the same in every run, so that the same seed gives the same bytes."""
    return KeyRing(
        token_seeds=[bytes([1]) * 32],
        field_keys={"field-0001": bytes([2]) * 32},
        receipt_seed=bytes([3]) * 32,
        index_key=bytes([4]) * 32,
        payment_secret=bytes([5]) * 32,
        master_key=bytes([6]) * 32,
    )
