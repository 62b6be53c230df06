"""The books and meters as the gateway wires them, over a store whose process can die."""

import asyncio
import json
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import msgpack

from gateway import facts
from gateway.booking.adapters.key_files import KeyRing
from gateway.bridge.books import Books, open_books
from gateway.bridge.ground import Ground
from gateway.clock import NS, ManualClock
from gateway.config import Settings
from gateway.errors import GatewayError
from gateway.facts import Fact
from gateway.ids import CountingIdSource, SessionId
from gateway.metering.record import Record
from gateway.signaling.ports import MoveRefused, SessionRow
from gateway.signaling.session import RINGS, TALKS
from gateway.terms import EndReason, MeterOrder, SessionState, Side
from gateway.work import together
from tests.metering.bench import Person, order
from tests.metering.fakes import FactList, FakeGate, FakeSpool
from tests.metering.mortal_store import MortalStore
from tests.metering.service_world import SIX_A_MINUTE

FUNDS_MICROS = 20_000_000
KEYS = KeyRing(
    token_seeds=(bytes(32),),
    field_keys={"1": bytes(32)},
    receipt_seed=bytes(range(32)),
    index_key=bytes(32),
    payment_secret=bytes(32),
    master_key=bytes(32),
)


class Died(Exception):
    """The process is gone in the middle of what was asked."""


class Process:
    """One run of a gateway: its books, its meters, its people."""

    def __init__(
        self,
        store: MortalStore,
        clock: ManualClock,
        *,
        node: str = "node-1",
        spool: FakeSpool | None = None,
        make_good_s_max: int = 0,
    ) -> None:
        self.store = store
        self.clock = clock
        self.gate, self.sink = FakeGate(), FactList()
        self.spool = spool or FakeSpool()
        self.people: dict[SessionId, tuple[Person, Person]] = {}
        self.books: Books
        self._settings = Settings(
            environment="demo", data_dir=Path(), node=node, make_good_s_max=make_good_s_max
        )
        self._told = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Open the books; what an earlier run left is ours."""
        ground = Ground(
            settings=self._settings,
            keys=KEYS,
            database=self.store,
            media=cast("Any", self.gate),
            outbox=cast("Any", self.sink),
            clock=self.clock,
            ids=CountingIdSource(),
            spool=self.spool,
        )
        self.books = await self.live(open_books(ground))

    async def live(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Do it, unless the process dies meanwhile."""
        before = asyncio.all_tasks()
        task = asyncio.get_running_loop().create_task(doing)
        for _ in range(10_000):
            await asyncio.sleep(0)
            self._tasks |= asyncio.all_tasks() - before
            if task.done():
                return task.result()
            if self.store.is_dead:
                break
            await asyncio.sleep(0.0001)
        if not self.store.is_dead:
            raise AssertionError("it hangs")
        raise Died

    async def kill(self) -> None:
        """Run nothing more of this process."""
        self.store.is_dead = True
        mine = asyncio.all_tasks() - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    async def fund(self, made: MeterOrder) -> None:
        """Money for the client, a purse for the provider."""
        for account in (made.client, made.provider):
            await self.books.wallet.open_account(account)
        await self.books.wallet.deposit(made.client, micros=FUNDS_MICROS, payment="p", memo="test")

    async def call(self, made: MeterOrder) -> None:
        """Everything from the invitation to the first second."""
        sessions, metering = self.books.sessions, self.books.metering
        row = SessionRow(order=made, state=SessionState.CREATED, created_wall_ns=self.clock.wall_ns())
        also = together(sessions.create(row), sessions.move(made.session, SessionState.RINGING))
        await self.live(metering.open(made, also=also))
        for state in (SessionState.ACCEPTED, SessionState.CONNECTING):
            await self.live(sessions.commit(sessions.move(made.session, state)))
            metering.connect(made.session)
        self.people[made.session] = (Person(Side.CLIENT), Person(Side.PROVIDER))
        for side, nonce in ((Side.CLIENT, made.nonce_client), (Side.PROVIDER, made.nonce_provider)):
            metering.confirm(made.session, side, nonce=nonce, tariff_hash=made.tariff.hash)
        while not self.sink.of(facts.MeterStarted):
            await self.step()

    async def step(self) -> None:
        """A quarter of a second; raises `Died` where the process does."""
        self.clock.advance(ns=NS // 4)
        await self.idle()

    async def idle(self) -> None:
        """What this process does at this instant."""
        now_ns = self.clock.monotonic_ns()
        for session, people in self.people.items():
            for person in people:
                person.live(now_ns)
                self.gate.legs[session, person.side] = person.leg._replace(session=session)
        self.books.metering.poll()
        fresh, self._told = self.sink.told[self._told :], len(self.sink.told)
        for fact in fresh:
            self._hear(fact)
        for _ in range(12):
            await asyncio.sleep(0)
        if self.store.is_dead:
            raise Died

    def _hear(self, fact: Fact) -> None:
        if isinstance(fact, facts.TickCounted) and fact.session in self.people:
            for person in self.people[fact.session]:
                self.books.metering.acknowledge(fact.session, person.side, tick=fact.tick, head=fact.head)

    async def run(self, seconds: int) -> None:
        """So many seconds pass."""
        for _ in range(4 * seconds):
            await self.step()

    async def until_receipt(self, session: SessionId) -> None:
        """Runs until the receipt is committed and told."""
        for _ in range(2_000):
            if any(fact.session == session for fact in self.sink.of(facts.ReceiptIssued)):
                return
            await self.step()
            await asyncio.sleep(0.0002)
        raise AssertionError("there is no receipt")

    async def recover(self) -> None:
        """What signalling does at start-up, then metering."""
        sessions, metering = self.books.sessions, self.books.metering
        live = []
        for row in await sessions.unfinished():
            session = row.order.session
            if row.state in RINGS:
                await self._void(session, SessionState.CANCELLED, EndReason.SHUTDOWN)
            elif row.state in (SessionState.ACCEPTED, SessionState.CONNECTING):
                await self._void(session, SessionState.CONNECT_FAILED, EndReason.CONNECT_FAILED)
            else:
                assert row.state in TALKS | {SessionState.ENDING, SessionState.RATED}
                live.append(session)
        await self.live(metering.recover(live))

    async def _void(self, session: SessionId, state: SessionState, reason: EndReason) -> None:
        move = self.books.sessions.move(session, state, reason)
        try:
            await self.live(self.books.metering.void(session, reason, also=move))
        except (MoveRefused, GatewayError) as refusal:
            raise AssertionError(f"{session} cannot be voided: {refusal}") from refusal


class Stored:
    """What the disk says, read from outside."""

    def __init__(self, disk: sqlite3.Connection) -> None:
        self._disk = disk

    def durable_s(self, made: MeterOrder) -> int:
        """Witnessed seconds of the session in the journal."""
        rows = self._disk.execute("SELECT body FROM meter_seconds ORDER BY row").fetchall()
        entries = b"".join(
            entry for row in rows for owner, entry in msgpack.unpackb(row[0]) if owner == made.session
        )
        return Record.replayed(made, entries).tally.witnessed_s

    def receipt(self, made: MeterOrder) -> dict[str, Any] | None:
        """The session's receipt."""
        found = self._disk.execute(
            "SELECT receipt FROM receipts WHERE session = ?", (made.session,)
        ).fetchone()
        return None if found is None else dict(json.loads(found[0]))

    def count(self, query: str) -> int:
        """The one number that a query answers."""
        return int(self._disk.execute(query).fetchone()[0])


def call_order(**changes: Any) -> MeterOrder:
    """An order at 6 CNY a minute."""
    return order(tariff=SIX_A_MINUTE, **changes)
