"""Carries out what a meter asks for, in order: what stops comes before what is told.

Drives the gate, the moves, the facts; holds and settlements are begun, not
awaited. Never decides (`meter.py`) and never waits for the store.
Keeps: a stop unlinks the relay in the same call, before anything is told.
"""

from collections.abc import Callable, Sequence
from typing import assert_never

from gateway import facts
from gateway.ids import SessionId
from gateway.metering import effect
from gateway.metering.effect import Effect
from gateway.metering.meter import Meter
from gateway.metering.moving_service import Mover
from gateway.metering.outside_ports import Outside
from gateway.metering.phase import MeterPhase
from gateway.money import split_fee
from gateway.terms import PERSONS_LIFT, SessionState, SuspendReason


class Carrier:
    """Effects become deeds."""

    def __init__(
        self,
        outside: Outside,
        *,
        mover: Mover,
        extend: Callable[[Meter, effect.HoldNeeded], None],
        settle: Callable[[Meter], None],
    ) -> None:
        """`extend` and `settle` begin what takes time."""
        self._outside = outside
        self._mover = mover
        self._extend = extend
        self._settle = settle
        self._metering: set[SessionId] = set()
        """Sessions whose row says that they meter."""

    def carry(self, meter: Meter, effects: Sequence[Effect]) -> None:
        """Do everything that is wanted, in order."""
        for wanted in effects:
            self._carry_one(meter, wanted)

    def hold(self, meter: Meter, *, before: SuspendReason | None) -> None:
        """Write at once what a person pauses or lifts while both are awaited after a restart: no second tells of it."""
        session, held = meter.order.session, meter.pauses.active
        if meter.phase is not MeterPhase.RECOVERING or held is before:
            return
        if held in PERSONS_LIFT:
            self._move(meter, effect.Suspended(reason=held))
        elif before in PERSONS_LIFT:
            self._mover.move(session, SessionState.METERING)
            self._mover.move(session, SessionState.RECOVERING, SuspendReason.RESTART)

    def _carry_one(self, meter: Meter, wanted: Effect) -> None:
        match wanted:
            case effect.Ticked():
                self._tick(meter, wanted)
            case effect.Stopped():
                self._stop(meter, wanted)
            case effect.Frozen():
                clock = self._outside.clock
                meter.freeze(clock.monotonic_ns(), clock.wall_ns())
                self._metering.discard(meter.order.session)
                self._settle(meter)
            case effect.HoldNeeded():
                self._extend(meter, wanted)
            case effect.Started() | effect.Suspended() | effect.Resumed():
                self._move(meter, wanted)
            case effect.Warned() | effect.Noticed() | effect.Asked() | effect.Consented():
                self._outside.sink.tell(self._said(meter, wanted))
            case _:
                assert_never(wanted)

    def _stop(self, meter: Meter, stopped: effect.Stopped) -> None:
        session = meter.order.session
        self._outside.gate.unlink(session)
        if meter.phase is MeterPhase.DRAINING:
            if session not in self._metering:
                # Stopped between the start witnesses and the first second.
                self._mover.move(session, SessionState.METERING)
            self._mover.move(session, SessionState.ENDING, stopped.reason)
        self._outside.sink.tell(
            facts.MeterStopped(at_ns=stopped.at_ns, session=session, reason=stopped.reason)
        )

    def _move(self, meter: Meter, wanted: effect.Started | effect.Suspended | effect.Resumed) -> None:
        session, tell = meter.order.session, self._outside.sink.tell
        at_ns = self._outside.clock.monotonic_ns()
        match wanted:
            case effect.Started():
                self._metering.add(session)
                self._mover.move(session, SessionState.METERING)
                tell(facts.MeterStarted(at_ns=wanted.at_ns, session=session, wall_ns=wanted.wall_ns))
            case effect.Suspended():
                self._metering.add(session)
                self._mover.move(session, SessionState.SUSPENDED, wanted.reason)
                tell(facts.MeterSuspended(at_ns=at_ns, session=session, reason=wanted.reason))
            case effect.Resumed():
                self._metering.add(session)
                self._outside.gate.link(session)
                self._mover.move(session, SessionState.METERING)
                tell(facts.MeterResumed(at_ns=at_ns, session=session))

    def _said(
        self, meter: Meter, wanted: effect.Warned | effect.Noticed | effect.Asked | effect.Consented
    ) -> facts.Fact:
        session, currency = meter.order.session, meter.tariff.currency
        at_ns = self._outside.clock.monotonic_ns()
        match wanted:
            case effect.Warned(seconds_left=seconds_left, reason=reason):
                return facts.WarningDue(
                    at_ns=at_ns, session=session, seconds_left=seconds_left, reason=reason
                )
            case effect.Noticed(spent_micros=spent):
                return facts.SpendNoticed(at_ns=at_ns, session=session, spent_micros=spent, currency=currency)
            case effect.Asked():
                return facts.ConsentAsked(
                    at_ns=at_ns,
                    session=session,
                    kind=wanted.kind,
                    seconds_left=wanted.seconds_left,
                    spent_micros=wanted.spent_micros,
                    price_micros=wanted.price_micros,
                    currency=currency,
                )
            case effect.Consented(kind=kind):
                return facts.ConsentGiven(at_ns=at_ns, session=session, kind=kind)

    def _tick(self, meter: Meter, ticked: effect.Ticked) -> None:
        ended_ns = meter.tick_end_ns(ticked.number)
        usage, tally = ticked.usage, meter.record.tally
        cost = meter.tariff.cost(usage)
        self._outside.sink.tell(
            facts.TickCounted(
                at_ns=ended_ns,
                session=meter.order.session,
                tick=ticked.number,
                billed_s=tally.billed_s,
                provisional_s=usage.seconds - tally.witnessed_s,
                cost_micros=cost,
                earned_micros=split_fee(cost, meter.order.fee_bp)[1],
                currency=meter.tariff.currency,
                time_left_s=ticked.left_s,
                head=ticked.head,
            )
        )
