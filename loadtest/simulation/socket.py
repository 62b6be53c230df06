"""One app's connection to one gateway process.

Decides what the network does to messages on their way to the gateway: they take
a while, come twice, late, or never. What the gateway says arrives at once.
Never decides what is said (`person.py`).
"""

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.signaling.notice import Notice
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import Principal
from loadtest.simulation.faults import Fault
from loadtest.simulation.node import Node

LATENCY_S = (0.01, 0.25)
LATE_S = (0.5, 12.0)

Ask = Callable[["Socket"], Coroutine[Any, Any, Any]]
"""What a message has the gateway do."""
Answered = Callable[[Any], None]
"""Hears the answer at the instant the gateway gave it; None where it failed."""


class Socket:
    """Fills `signaling.socket_ports.Connection`."""

    def __init__(
        self,
        node: Node,
        principal: Principal,
        *,
        name: str,
        hear: Callable[["Socket", Notice], None],
        gone: Callable[["Socket"], None],
    ) -> None:
        self.node = node
        self.id = name
        self.principal = principal
        self.is_open = True
        self.resume_token: str | None = None
        self._hear = hear
        self._gone = gone

    def send(self, notice: Notice) -> None:
        """The gateway says something."""
        if self.is_open:
            self._hear(self, notice)

    def close(self, code: CloseCode, reason: str) -> None:
        """The gateway closes it."""
        if self.is_open:
            self.is_open = False
            self.node.after(0.01, self.node.desk.legs.detach, self)
            self._gone(self)

    def drop(self, noticed: Callable[[], None]) -> None:
        """The network loses it; `noticed` is called at the instant the gateway notices."""
        if self.is_open:
            self.is_open = False
            self.node.after(0.05, self._noticed, noticed)

    def _noticed(self, noticed: Callable[[], None]) -> None:
        self.node.desk.legs.detach(self)
        noticed()

    def ask(self, ask: Ask, answered: Answered | None = None) -> None:
        """Say something to the gateway."""
        stage, swarm = self.node.stage, self.node.stage.swarm
        if not self.is_open or not self.node.life.is_alive:
            return
        if swarm.strikes(Fault.LOST_MESSAGE, stage.dice):
            swarm.note(Fault.LOST_MESSAGE)
            return
        delay_s = stage.between(*LATENCY_S)
        if swarm.strikes(Fault.LATE_MESSAGE, stage.dice):
            swarm.note(Fault.LATE_MESSAGE)
            delay_s = stage.between(*LATE_S)
        self.node.after(delay_s, self._arrive, ask, answered)
        if swarm.strikes(Fault.DUPLICATE_MESSAGE, stage.dice):
            swarm.note(Fault.DUPLICATE_MESSAGE)
            self.node.after(delay_s + stage.between(0, 3), self._arrive, ask, answered)

    def _arrive(self, ask: Ask, answered: Answered | None) -> None:
        if self.is_open:
            self.node.begin(ask(self), answered)
