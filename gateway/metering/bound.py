"""How far one session may go: money set aside, agreed spending, slot, maximum.

Decides the nearest of all limits, what is to be said of it, and whether the next
second may be served. The wallet's share in the time left is handed in
(`allowance.py` reckons it over all its sessions).
Never stops anything (`meter.py`) and never sends.
Keeps: a second is served only if every limit allows the session that ends with it.
"""

from gateway.clock import NS
from gateway.limits import WARN_AT_S
from gateway.metering.allowance import Spend
from gateway.metering.checkpoint import Checkpoints
from gateway.metering.cover import Cover
from gateway.metering.effect import Effect, Warned
from gateway.metering.evidence import Anchor
from gateway.metering.tariff import Tariff
from gateway.metering.usage import Usage
from gateway.metering.warning import NearEnd, TimeLeft, nearest
from gateway.terms import EndReason, MeterOrder


class Bounds:
    """The limits of one session."""

    def __init__(self, order: MeterOrder, tariff: Tariff) -> None:
        self.checkpoints = Checkpoints(tariff)
        self.warnings: list[tuple[TimeLeft, int]] = []
        """Given so far, each with the tick it was given at."""
        self.told_left: TimeLeft | None = None
        """Nearest limit at the last closed second."""
        self._order = order
        self._tariff = tariff
        self._near_end = NearEnd()
        self._is_unlimited = self.checkpoints.is_none
        self._slot_ends_at_ns: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the tariff limits spending or bought time."""
        return not self._is_unlimited

    def tie(self, anchor: Anchor) -> None:
        """The booked slot's end is kept by the monotonic clock from here on."""
        if self._order.slot_ends_wall_ns is not None:
            self._slot_ends_at_ns = anchor.at_ns + self._order.slot_ends_wall_ns - anchor.wall_ns

    def left(self, spend: Spend, *, number: int, boundary_ns: int, funds_left_s: int) -> TimeLeft:
        """The nearest limit when second `number` ended at `boundary_ns`."""
        self.told_left = nearest(
            funds_s=funds_left_s,
            duration_s=self._duration_s(number),
            slot_s=self._slot_s(boundary_ns),
            spend_s=spend.lasts_s(spend.limit_micros) if spend.limit_micros is not None else None,
            block_s=max(0, spend.limit_s - spend.used_s) if spend.limit_s is not None else None,
        )
        return self.told_left

    def ends_in_s(self, number: int, *, boundary_ns: int) -> int:
        """Seconds from there to the booked slot's end or the hard maximum, whichever comes first."""
        duration_s, slot_s = self._duration_s(number), self._slot_s(boundary_ns)
        return duration_s if slot_s is None else min(duration_s, slot_s)

    def _duration_s(self, number: int) -> int:
        return max(0, self._order.duration_s_max - number)

    def _slot_s(self, boundary_ns: int) -> int | None:
        return None if self._slot_ends_at_ns is None else max(0, self._slot_ends_at_ns - boundary_ns) // NS

    def said(self, spend: Spend, left: TimeLeft, *, number: int) -> list[Effect]:
        """What is to be said at the end of second `number`: warning, spending, questions."""
        effects: list[Effect] = []
        is_far = left.seconds > WARN_AT_S[0] and len(self._near_end.armed) == len(WARN_AT_S)
        if not is_far and (due := self._near_end.due(left)):
            self.warnings.append((due, number))
            effects.append(Warned(seconds_left=due.seconds, reason=due.reason))
        if self.is_limited:
            spent = self._tariff.cost(spend.usage)
            effects += self.checkpoints.notice(spent)
            effects += self.checkpoints.questions(spend, spent_micros=spent)
        return effects

    def refusal(self, cover: Cover, after: Usage, *, number: int, boundary_ns: int) -> EndReason | None:
        """Why the second that begins at `boundary_ns`, after second `number`, may not be served.

        `after` is the usage of the session once it is.
        """
        cost = self._tariff.cost(after)
        # Nothing is set aside beyond what was agreed, so the agreement is the reason, not the money.
        if not self._is_unlimited and (
            agreed := self.checkpoints.refusal(cost_micros=cost, seconds=after.seconds)
        ):
            return agreed
        if not self._duration_s(number):
            return EndReason.MAX_DURATION
        if self._slot_s(boundary_ns) == 0:
            return EndReason.SLOT_END
        if cost > cover.held_micros:
            # A hold that is still on its way means that the store is late, not that money is short.
            return EndReason.SHUTDOWN if cover.is_due else EndReason.FUNDS
        return None

    def covers(self, cover: Cover, after: Usage) -> bool:
        """Whether holds and agreed spending cover `after`; asked before a line is taken."""
        cost = self._tariff.cost(after)
        return cost <= cover.held_micros and self.checkpoints.refusal(cost_micros=cost, seconds=0) is None
