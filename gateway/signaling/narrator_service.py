"""Turns facts of other packages into what the two apps are told.

Decides which fact becomes which message and which state it shows: the row was
moved by metering, this is its reflection in memory.
Never moves a row and never counts; an unknown fact, or one of a session that is
over, is ignored.
Keeps: messages of one session leave in the order of its facts.
"""

from gateway.clock import Clock, rfc3339
from gateway.facts import (
    ConsentAsked,
    ConsentGiven,
    Fact,
    FactSink,
    MeterLost,
    MeterResumed,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    ReceiptIssued,
    SessionMoved,
    SpendNoticed,
    TickCounted,
    WalletChanged,
    WarningDue,
)
from gateway.money import Money
from gateway.signaling.ending_service import EndingService
from gateway.signaling.notice import (
    SessionConsentAsked,
    SessionConsented,
    SessionResumed,
    SessionSpend,
    SessionStarted,
    SessionSuspended,
    SessionWarning,
    TickNotice,
    WalletNotice,
)
from gateway.signaling.outside_ports import Outside
from gateway.signaling.roster_service import Live, Roster
from gateway.signaling.switchboard_service import Switchboard
from gateway.terms import PERSONS_LIFT, EndReason, SessionState, Side, SuspendReason


class Narrator:
    """A `FactReader`."""

    def __init__(
        self, outside: Outside, *, ending: EndingService, roster: Roster, switchboard: Switchboard
    ) -> None:
        self._clock: Clock = outside.clock
        self._sink: FactSink = outside.sink
        self._ending = ending
        self._roster = roster
        self._switchboard = switchboard

    async def on_fact(self, fact: Fact) -> None:
        """Tell those whom it concerns."""
        if isinstance(fact, WalletChanged):
            available = Money(fact.available_micros, fact.currency)
            self._switchboard.tell_account(fact.account, WalletNotice(available=available))
            return
        live = self._roster.get(fact.session) if fact.session is not None else None
        if live is None:
            if isinstance(fact, ReceiptIssued):
                await self._ending.ended_elsewhere(fact)
            return
        if isinstance(fact, ReceiptIssued):
            await self._ending.finish(live, fact.reason)
        elif isinstance(fact, MeterLost):
            await self._ending.release(live)
        else:
            self._tell(live, fact)

    def _tell(self, live: Live, fact: Fact) -> None:
        both = self._switchboard.tell_both
        match fact:
            case TickCounted():
                for side in Side:
                    self._switchboard.tell_side(live, side, _tick(live, fact, side))
            case MeterStarted(wall_ns=wall_ns):
                live.started_wall_ns = wall_ns
                self._moved(live, SessionState.METERING)
                both(live, SessionStarted(session=live.id, at=rfc3339(wall_ns)))
            case MeterSuspended(reason=reason):
                # What a person has to lift is named before anything else.
                live.is_held = reason in PERSONS_LIFT
                live.is_sos = live.is_held and (live.is_sos or reason is SuspendReason.SOS)
                self._moved(live, SessionState.SUSPENDED, reason)
                both(live, SessionSuspended(session=live.id, reason=reason))
            case MeterResumed():
                live.is_held = live.is_sos = False
                self._moved(live, SessionState.METERING)
                both(live, SessionResumed(session=live.id))
            case WarningDue(seconds_left=seconds_left, reason=limit):
                both(live, SessionWarning(session=live.id, seconds_left=seconds_left, reason=limit))
            case SpendNoticed(spent_micros=spent, currency=currency):
                both(live, SessionSpend(session=live.id, spent=Money(spent, currency)))
            case ConsentAsked():
                both(live, _question(live, fact))
            case ConsentGiven(kind=kind):
                both(live, SessionConsented(session=live.id, kind=kind))
            case MeterStopped(reason=end):
                live.end_reason = end
                self._moved(live, SessionState.ENDING, end)
            case _:
                pass

    def _moved(
        self, live: Live, state: SessionState, reason: EndReason | SuspendReason | None = None
    ) -> None:
        live.state = state
        now_ns = self._clock.monotonic_ns()
        self._sink.tell(SessionMoved(at_ns=now_ns, session=live.id, state=state, reason=reason))


def _question(live: Live, fact: ConsentAsked) -> SessionConsentAsked:
    return SessionConsentAsked(
        session=live.id,
        kind=fact.kind,
        seconds_left=fact.seconds_left,
        spent=Money(fact.spent_micros, fact.currency),
        price=Money(fact.price_micros, fact.currency) if fact.price_micros else None,
    )


def _tick(live: Live, fact: TickCounted, side: Side) -> TickNotice:
    return TickNotice(
        session=live.id,
        tick=fact.tick,
        billed_s=fact.billed_s,
        provisional_s=fact.provisional_s,
        cost=Money(fact.cost_micros, fact.currency),
        time_left_s=fact.time_left_s,
        head=fact.head,
        earned=Money(fact.earned_micros, fact.currency) if side is Side.PROVIDER else None,
    )
