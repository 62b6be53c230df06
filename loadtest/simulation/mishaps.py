"""What happens to the machine and its store, at moments that nobody chose.

Decides when each kind that a world drew strikes, and how hard.
Never decides what happens to people and their packets (`plan.py`, `socket.py`).
"""

from typing import Protocol

from gateway.clock import NS
from gateway.limits import LEASE_NS
from loadtest.auditor import truth
from loadtest.simulation.faults import Fault
from loadtest.simulation.node import Node
from loadtest.simulation.stage import Stage

STRIKES_MAX = 3
"""How often one kind strikes in a world."""
STRIKES_WITHIN_S = (2.0, 80.0)


class Scene(Protocol):
    """What of the world a mishap needs."""

    @property
    def node(self) -> Node | None:
        """The gateway that answers, if any."""
        ...

    def restart(self, node: Node) -> None:
        """Stop it in an orderly way and start anew."""
        ...

    def split(self) -> None:
        """Let a second process begin while the first one lives."""
        ...


class Mishaps:
    """One world's."""

    def __init__(self, stage: Stage, scene: Scene) -> None:
        self._stage = stage
        self._scene = scene

    def arrange(self) -> None:
        """Set the moments."""
        strike = {
            Fault.CRASH_AT_STEP: self._crash_at_step,
            Fault.CRASH_BEFORE_COMMIT: lambda: self._crash_at_commit(Fault.CRASH_BEFORE_COMMIT),
            Fault.CRASH_AFTER_COMMIT: lambda: self._crash_at_commit(Fault.CRASH_AFTER_COMMIT),
            Fault.RESTART: self._restart_now,
            Fault.STORE_ERROR: self._store_error,
            Fault.STORE_OUTAGE: self._outage,
            Fault.SLOW_STORE: self._slow,
            Fault.HANGING_STORE: self._hang,
            Fault.SPOOL_TORN: self._tear_spool,
            Fault.LEASE_LOSS: self._lose_lease,
            Fault.TWO_OWNERS: self._split,
            Fault.STALL: self._stall,
            Fault.WALL_STEP: self._step_wall,
            Fault.SUSPEND: self._suspend,
        }
        stage = self._stage
        for fault, do in strike.items():
            if fault in stage.swarm:
                for _ in range(stage.dice.randint(1, STRIKES_MAX)):
                    stage.after(stage.dice.uniform(*STRIKES_WITHIN_S), do)

    def _crash_at_step(self) -> None:
        if self._scene.node is not None:
            self._stage.swarm.note(Fault.CRASH_AT_STEP)
            self._scene.node.life.steps_left = self._stage.dice.randrange(0, 400)

    def _crash_at_commit(self, edge: Fault) -> None:
        if self._scene.node is not None:
            self._scene.node.store.crash_at = edge

    def _restart_now(self) -> None:
        if self._scene.node is not None:
            self._stage.swarm.note(Fault.RESTART)
            self._scene.restart(self._scene.node)

    def _store_error(self) -> None:
        self._stage.disk.errors_due = self._stage.dice.randint(1, 3)

    def _outage(self) -> None:
        self._take_store(Fault.STORE_OUTAGE, self._stage.dice.uniform(1, LEASE_NS / NS - 1))

    def _lose_lease(self) -> None:
        self._take_store(Fault.LEASE_LOSS, LEASE_NS / NS + self._stage.dice.uniform(0.5, 20))

    def _tear_spool(self) -> None:
        """While the store is away, rows go beside it; the process dies while it writes one."""
        self._stage.spool.is_torn_next = True
        self._take_store(Fault.STORE_OUTAGE, self._stage.dice.uniform(5, 25))

    def _take_store(self, fault: Fault, seconds: float) -> None:
        stage = self._stage
        stage.swarm.note(fault)
        stage.disk.down_until_ns = stage.seconds_ns(seconds)
        self._tell_store(seconds)

    def _tell_store(self, seconds: float) -> None:
        stage = self._stage
        stage.tell(truth.StoreFailed(at_ns=stage.now_ns, is_down=True))
        stage.after(seconds, lambda: stage.tell(truth.StoreFailed(at_ns=stage.now_ns, is_down=False)))

    def _slow(self) -> None:
        stage, seconds = self._stage, self._stage.dice.uniform(2, 20)
        stage.swarm.note(Fault.SLOW_STORE)
        stage.disk.slow_until_ns = stage.seconds_ns(seconds)
        self._tell_store(seconds)

    def _hang(self) -> None:
        stage, seconds = self._stage, self._stage.dice.uniform(1, 15)
        stage.swarm.note(Fault.HANGING_STORE)
        stage.disk.hung_until_ns = stage.seconds_ns(seconds)
        self._tell_store(seconds)

    def _stall(self) -> None:
        for_ns = round(self._stage.dice.uniform(0.3, 6) * NS)
        self._stage.swarm.note(Fault.STALL)
        self._stage.tell(truth.Stalled(at_ns=self._stage.now_ns, for_ns=for_ns))
        self._stage.loop.stall(for_ns)

    def _step_wall(self) -> None:
        self._set_wall(
            Fault.WALL_STEP,
            round(self._stage.dice.choice((-1, 1)) * 10 ** self._stage.dice.uniform(0, 4) * NS),
        )

    def _suspend(self) -> None:
        self._set_wall(Fault.SUSPEND, round(self._stage.dice.uniform(1.2, 900) * NS))

    def _set_wall(self, fault: Fault, by_ns: int) -> None:
        self._stage.swarm.note(fault)
        self._stage.wall.ahead_ns += by_ns
        self._stage.tell(truth.WallStepped(at_ns=self._stage.now_ns, by_ns=by_ns))

    def _split(self) -> None:
        if self._scene.node is not None:
            self._stage.swarm.note(Fault.TWO_OWNERS)
            self._scene.split()
