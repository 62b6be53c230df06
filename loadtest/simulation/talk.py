"""How long two people talk: as they meant to, to an edge of the price list, or on when somebody pays for more.

Decides when they have said what they wanted to, and how much a client pays in who is
warned that the money ends. Never ends a session itself (`call.py`).
Keeps: it is said once.
"""

from collections.abc import Callable, Sequence

from gateway.terms import Side, WarningReason
from loadtest.simulation.part import Part
from loadtest.simulation.plan import Plan
from loadtest.simulation.stage import Stage

YUAN_MICROS = 1_000_000
"""People pay in whole yuan."""
YUAN_MAX = 60
"""What they pay in at once at most."""
PAID_SHARE = 0.4
"""Warnings upon which somebody pays who means to: not everybody does at the first."""
EDGE_LATE_S = 4
"""Who wants to end at a second ends so much later anyhow."""
PAID_ON_S = (16, 36)
"""For how much longer somebody pays who is warned."""
TALKED_ON_S = 45
"""How much longer they talk then."""


class Talk:
    """One session's, from its start."""

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        *,
        edges_s: Sequence[int],
        pay: Callable[[int], None],
        end: Callable[[], None],
    ) -> None:
        """`edges_s` are the seconds of its price list, `pay` has the client pay in so many yuan."""
        self._stage = stage
        self._plan = plan
        self._pay = pay
        self._end = end
        self._edge_s = stage.dice.choice(edges_s) if edges_s and plan.is_on_edge else 0
        self._has_paid = self._has_gone_on = False

    def begin(self) -> None:
        """Seconds count."""
        self._stage.after(max(self._plan.talk_s, self._edge_s + EDGE_LATE_S), self._talked)

    def shown(self, part: Part) -> None:
        """An app shows one more second."""
        if 0 < self._edge_s <= part.shown_s:
            self._edge_s = 0
            self._end()

    def warned(self, part: Part, reason: WarningReason) -> None:
        """The client hears that the money ends, and may pay for a little more."""
        is_asked = part.side is Side.CLIENT and reason is WarningReason.FUNDS
        pays = is_asked and self._plan.tops_up and not self._has_paid
        if pays and self._stage.dice.random() < PAID_SHARE:
            self._has_paid = True
            a_second = part.shown_micros / max(1, part.shown_s)
            yuan = round(a_second * self._stage.between(*PAID_ON_S) / YUAN_MICROS)
            self._pay(min(max(1, yuan), YUAN_MAX))

    def _talked(self) -> None:
        if self._has_paid and not self._has_gone_on:
            self._has_gone_on = True
            self._stage.after(TALKED_ON_S, self._talked)
            return
        self._end()
