"""One staged world: a seed's people, prices, faults and time, around the product's own services.

Decides who is there, what breaks when, and when the world is over. Whether the
gateway did right is the auditor's to say; it hears the truth from here.
Never looks into the gateway to find out what is true.
Keeps: the same seed gives the same world, byte for byte.
"""

import gc
import hashlib
import random
import warnings
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.clock import NS
from gateway.config import Settings
from gateway.ids import AccountId, CountingIdSource, SessionId
from gateway.signaling.notice import SessionCard
from gateway.signaling.ports import Offer
from gateway.terms import Role, SessionKind
from loadtest.auditor import truth
from loadtest.auditor.auditor import Auditor
from loadtest.auditor.verdict import Verdict
from loadtest.simulation import logs, tariffs
from loadtest.simulation import plan as plans
from loadtest.simulation.call import Call
from loadtest.simulation.clock import WALL_NS, Wall
from loadtest.simulation.disk import Disk
from loadtest.simulation.faults import Fault, Swarm
from loadtest.simulation.loop import Incarnation, VirtualLoop
from loadtest.simulation.mishaps import Mishaps
from loadtest.simulation.node import BOOT, Node
from loadtest.simulation.office import COIN_MICROS, Office
from loadtest.simulation.person import Person
from loadtest.simulation.spool import SimulatedSpool
from loadtest.simulation.stage import Stage

LIFE_S_MAX = 3_000
"""Virtual seconds after which a world that has not ended is complained about."""
CLIENTS = (12, 20)
"""Clients of one world; the more there are, the less time goes by with nothing to meter."""
TAKE_OVERS = frozenset({Fault.TWO_OWNERS, Fault.LEASE_LOSS})
"""Kinds after which a session may have had two owners."""
LOOK_S = 2.0
"""How often the world looks whether it is over."""
LIKING = 3
"""How uneven providers are liked; 1 is evenly."""
BUSY_SHARE = 0.06
"""Calls to a provider who may be in a session."""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What became of one world."""

    seed: int
    sessions: int
    digest: str
    verdict: Verdict
    fired: Counter[str]
    states: Counter[str]
    end_reasons: Counter[str]
    logged: Counter[str]
    complaints: list[str] = field(default_factory=list)
    steps: int = 0
    virtual_s: float = 0.0


class World:
    """The stage, the people and the gateway of one seed."""

    def __init__(self, seed: int, *, sessions: int, only: frozenset[Fault] | None = None) -> None:
        dice = random.Random(seed)
        loop = VirtualLoop(dice.getrandbits(64), is_shuffled=dice.random() < 0.5)
        wall = Wall(WALL_NS + dice.randrange(0, 7 * 24 * 3600) * NS + dice.randrange(NS))
        disk = Disk(random.Random(dice.getrandbits(64)))
        swarm = Swarm(dice, only=only)
        self.seed = seed
        self.audit = Auditor(disk.query)
        disk.on_commit = self.audit.committed
        self._digest = hashlib.sha256(str(seed).encode())
        self._numbers = array("q")
        self.stage = Stage(
            loop=loop,
            wall=wall,
            disk=disk,
            spool=SimulatedSpool(disk.dice, swarm),
            swarm=swarm,
            dice=dice,
            ids=CountingIdSource(),
            settings=_settings(dice),
            tell=self.tell,
        )
        self.calls: dict[SessionId, Call] = {}
        self._office = Office(self.stage, lambda: self.node)
        self._node: Node | None = None
        self._nodes: list[Node] = []
        self._opened = 0
        self._restarting = False
        self.complaints: list[str] = []
        loop.on_doom = self._doomed
        count = max(1, min(dice.randint(*CLIENTS), sessions))
        quotas = [sessions // count + (index < sessions % count) for index in range(count)]
        self.clients = [
            Person(
                self.stage,
                self,
                AccountId(f"acc_client_{index}"),
                role=Role.CLIENT,
                quota=quota,
                calls_max=dice.choice((1, 1, 2, 3)),
            )
            for index, quota in enumerate(quotas)
        ]
        self.providers = [
            Person(self.stage, self, AccountId(f"acc_provider_{index}"), role=Role.PROVIDER)
            for index in range(sum(person.calls_max for person in self.clients) + dice.randint(1, 2))
        ]
        self._everybody = {person.account: person for person in (*self.clients, *self.providers)}
        for person in self.providers:
            self._offer(person.account)

    # What people see

    @property
    def node(self) -> Node | None:
        """The gateway that answers, if any."""
        return self._node if self._node is not None and self._node.is_up else None

    def somebody(self) -> AccountId:
        """A provider, most often one who is free."""
        free = [person for person in self.providers if person.is_free]
        if not free or self.stage.dice.random() < BUSY_SHARE:
            free = self.providers
        # Some are liked better than others, so that they have several sessions in a world.
        return free[int(len(free) * self.stage.dice.random() ** LIKING)].account

    def plan_of(self, client: AccountId) -> plans.Plan | None:
        """What a client means to do with the session it has just asked for."""
        return self._everybody[client].plan

    def call_of(self, card: SessionCard, plan: plans.Plan | None) -> Call:
        """The session on that card, known or new."""
        call = self.calls.get(card.id)
        if call is None:
            plan = plan or plans.drawn(self.stage.dice, self.stage.swarm)
            call = self.calls[card.id] = Call(
                self.stage,
                plan,
                card,
                node=lambda: self.node,
                cut=lambda account, seconds: self._everybody[account].cut(seconds),
                top_up=lambda account, yuan: self._everybody[account].top_up(yuan),
                over=self._office.over,
            )
            self._tell_asked(card)
        return call

    def tell(self, event: truth.Event) -> None:
        """The truth, to the auditor and into the digest."""
        self.audit.hear(event)
        if isinstance(event, truth.TickShown | truth.Acked):
            self._numbers.append(event.at_ns)
            self._numbers.append(event.tick)
        else:
            self._digest.update(repr(event).encode())

    # From the first instant to the last

    def run(self) -> Outcome:
        """Stage it."""
        logs.begin()
        stage = self.stage
        self._start_node()
        Mishaps(self.stage, self).arrange()
        for person in self._everybody.values():
            stage.after(stage.between(0.1, 2), person.connect)
        stage.loop.run_until(stage.seconds_ns(LIFE_S_MAX), self._looks_over())
        self._end()
        return self._outcome()

    def _looks_over(self) -> Any:
        due_ns = 0

        def is_over() -> bool:
            nonlocal due_ns
            now_ns = self.stage.now_ns
            if now_ns < due_ns:
                return False
            due_ns = now_ns + round(LOOK_S * NS)
            if not all(person.is_done for person in self.clients) or self.node is None:
                return False
            return not self.stage.disk.query(_UNFINISHED)[0][0]

        return is_over

    def _end(self) -> None:
        if unfinished := self.stage.disk.query(_UNFINISHED)[0][0]:
            self.complaints.append(f"{unfinished} sessions are unfinished when the world ends")
        while (node := self.node) is not None and not self._has_closed(node):
            # It crashed while it closed: the next one finds what it left.
            self.stage.loop.run_until(self.stage.seconds_ns(60), self._looks_over())

    def _has_closed(self, node: Node) -> bool:
        """Close it; False where it died before it had done so."""
        loop = self.stage.loop
        task = loop.create_task(node.close(), context=node.context)
        loop.run_until(self.stage.seconds_ns(60), lambda: task.done() or not node.life.is_alive)
        if not node.life.is_alive:
            return False
        if not task.done():
            self.complaints.append("the gateway did not close within 60 s")
        elif task.exception() is not None:
            self.complaints.append(f"the gateway failed to close: {task.exception()!r}")
        return True

    def _outcome(self) -> Outcome:
        stage, query = self.stage, self.stage.disk.query
        verdict = self.audit.close()
        for name in logs.bugs(has_two_owners=bool(stage.swarm.kinds & TAKE_OVERS)):
            self.complaints.append(f"the gateway logged {name}: {logs.SAMPLES[name][:1500]}")
        self.complaints += stage.loop.failures
        self._digest.update(self._numbers.tobytes())
        for table in _DIGESTED:
            for row in query(f"SELECT * FROM {table}"):
                self._digest.update(repr(row).encode())
        states = Counter(dict(query("SELECT state, count(*) FROM session_transitions GROUP BY state")))
        ends = Counter(
            dict(query("SELECT end_reason, count(*) FROM sessions WHERE end_reason NOTNULL GROUP BY 1"))
        )
        outcome = Outcome(
            seed=self.seed,
            sessions=query("SELECT count(*) FROM sessions")[0][0],
            digest=self._digest.hexdigest(),
            verdict=verdict,
            fired=stage.swarm.fired,
            states=states,
            end_reasons=ends,
            logged=Counter(logs.COUNTS),
            complaints=[*self.complaints, *verdict.complaints],
            steps=stage.loop.steps,
            virtual_s=stage.loop.time() - 1_000,
        )
        self._bury()
        return outcome

    def _bury(self) -> None:
        """Let go of the world; what its dead tasks would still do, they do to nobody."""
        loop = self.stage.loop
        loop.bury()
        with loop.current(), warnings.catch_warnings():
            # Coroutines of the dead that never began are no mistake.
            warnings.simplefilter("ignore", RuntimeWarning)
            loop.remains().clear()
            self.calls.clear()
            self._everybody.clear()
            self._node = None
            self._nodes.clear()
            gc.collect()
        self.stage.disk.close()

    # The gateway's lives

    def _start_node(self) -> None:
        node = self._node = Node(self.stage, f"node-{len(self._nodes) + 1}")
        if any(other.life.is_alive for other in self._nodes):
            self.stage.tell(truth.GatewayOpens(at_ns=self.stage.now_ns, owner=node.life.name))
        self._nodes.append(node)
        node.start(lambda is_up: self._started(node, is_up=is_up))

    def _started(self, node: Node, *, is_up: bool) -> None:
        stage = self.stage
        if not is_up:
            stage.loop.kill(node.life)
            stage.after(1.0, self._start_node)
            return
        stage.tell(
            truth.GatewayUp(at_ns=stage.now_ns, owner=node.life.name, wall_ns=stage.wall_ns, boot=BOOT)
        )
        if self._opened < len(self.clients):
            for person in self.clients[self._opened :]:
                person.open_wallet(node, then=lambda: self._wallet_open(node))

    def _wallet_open(self, node: Node) -> None:
        if self._opened < len(self.clients):
            person = self.clients[self._opened]
            self._opened += 1
            self.stage.after(self.stage.between(0.5, 4), person.call_next)

    def _doomed(self, incarnation: Incarnation) -> None:
        for node in self._nodes:
            if node.life is incarnation:
                self._crash(node)

    def _crash(self, node: Node) -> None:
        stage = self.stage
        if not node.life.is_alive:
            return
        stage.loop.kill(node.life)
        stage.spool.crash()
        was_up, node.is_up = node.is_up, False
        for call in self.calls.values():
            for part in call.parts.values():
                if part.socket is not None and part.socket.node is node:
                    part.gateway_lost()
        if was_up:
            stage.tell(truth.GatewayDown(at_ns=stage.now_ns, owner=node.life.name))
        for person in self._everybody.values():
            person.gateway_lost(node)
        if node is self._node:
            stage.after(stage.between(0.3, 12), self._start_node)

    def restart(self, node: Node) -> None:
        """An orderly stop; whatever it leaves is found again."""
        task = self.stage.loop.create_task(node.close(), context=node.context)
        task.add_done_callback(lambda _task: self._crash(node), context=self.stage.context)
        self.stage.after(40, self._crash, node)

    def split(self) -> None:
        """Another process begins although this one lives; people find their way to it one by one."""
        former = self.node
        if former is None:
            return
        self._start_node()
        for person in self._everybody.values():
            self.stage.after(self.stage.between(0.5, 10), person.connect)
        self.stage.after(self.stage.between(3, 25), self._crash, former)

    # Prices

    def _offer(self, provider: AccountId) -> None:
        dice = self.stage.dice
        duration_s = dice.randint(20, 120) if dice.random() < 0.15 else 4 * 3600
        fee_bp = dice.choice((2_000, 0, 3_333, 10_000, 777))
        for kind in (SessionKind.VOICE, SessionKind.TEXT):
            tariff = tariffs.drawn(dice, kind, wall_ns=self.stage.wall_ns)
            self.stage.offers[provider, kind] = Offer(
                provider=provider,
                nickname=provider,
                tariff=tariff,
                fee_bp=fee_bp,
                duration_s_max=duration_s,
            )

    def _tell_asked(self, card: SessionCard) -> None:
        offer = self.stage.offers[card.provider.id, card.kind]
        self.tell(
            truth.Asked(
                at_ns=self.stage.now_ns,
                session=card.id,
                client=card.client.id,
                provider=card.provider.id,
                kind=card.kind.value,
                tariff=offer.tariff.terms(),
                fee_bp=offer.fee_bp,
                duration_s_max=offer.duration_s_max,
                slot_ends_wall_ns=None,
            )
        )


def _settings(dice: random.Random) -> Settings:
    """Earnings are at the provider's disposal after a week, or in some worlds at once."""
    return Settings(
        environment="demo",
        data_dir=Path(),
        dispute_window_days=dice.choice((7, 7, 0)),
        payout_minimum_micros=COIN_MICROS,
        payout_two_approvers_above_micros=100 * COIN_MICROS,
    )


_UNFINISHED = """
    SELECT count(*) FROM sessions WHERE state NOT IN ('settled', 'disputed', 'adjusted', 'declined', 'missed',
    'cancelled', 'busy', 'connect_failed')
"""
_DIGESTED = ("ledger_transfer", "session_transitions", "receipts", "session_reports", "sandbox_payment")
"""Tables whose every byte is part of the digest."""
