"""What every part of one simulated world shares.

Decides nothing; it carries the loop, the disk, the dice and the ear that truth
is told to, and schedules what the world itself does, which no crash can stop.
"""

import random
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.config import Settings
from gateway.ids import AccountId, IdSource
from gateway.signaling.ports import Offer
from gateway.terms import SessionKind
from loadtest.auditor.truth import Event
from loadtest.simulation.clock import Wall
from loadtest.simulation.disk import Disk
from loadtest.simulation.faults import Swarm
from loadtest.simulation.loop import VirtualLoop, context_of
from loadtest.simulation.spool import SimulatedSpool


@dataclass(slots=True, kw_only=True)
class Stage:
    """One world's foundations."""

    loop: VirtualLoop
    wall: Wall
    disk: Disk
    spool: SimulatedSpool
    swarm: Swarm
    dice: random.Random
    ids: IdSource
    settings: Settings
    tell: Callable[[Event], None]
    """Where the truth goes."""
    offers: dict[tuple[AccountId, SessionKind], Offer] = field(default_factory=dict)
    """What each provider offers."""
    context: Context = field(default_factory=lambda: context_of(None))
    """The world's own context."""

    @property
    def now_ns(self) -> int:
        """True time."""
        return self.loop.now_ns

    @property
    def wall_ns(self) -> int:
        """What a wall clock shows."""
        return self.loop.now_ns + self.wall.ahead_ns

    def after(self, delay_s: float, do: Callable[..., object], *args: object) -> None:
        """Let the world do something later, whatever becomes of the gateway."""
        self.loop.call_later(delay_s, do, *args, context=self.context)

    def between(self, least_s: float, most_s: float) -> float:
        """Some seconds."""
        return least_s + (most_s - least_s) * self.dice.random()

    def seconds_ns(self, seconds: float) -> int:
        """The instant so many seconds ahead."""
        return self.loop.now_ns + round(seconds * NS)
