"""Gets a meter the hold it asks for.

Drives one purse command per request and tells the meter what came of it.
Never decides how much (`allowance.py`) nor whether the wallet has it (booking).
Keeps: every try has its own id, so a refusal stays a refusal and a lost answer
is found again.
"""

from collections import defaultdict
from typing import Any

import structlog

from gateway.errors import GatewayError
from gateway.ids import HoldId, SessionId, derived
from gateway.metering.effect import HoldNeeded
from gateway.metering.meter import Meter
from gateway.metering.ports import HoldAnswer, HoldStatus, Journal, Purse
from gateway.work import SumWork, Work

log = structlog.get_logger(__name__)

PLACED = (HoldStatus.PLACED, HoldStatus.EXISTS, HoldStatus.EXISTS_WITH_DIFFERENT_AMOUNT)
"""Answers that mean that money is set aside under this id: the id is this session's own, so whatever it
had asked for when the answer was lost, what was placed then is its cover."""


class Holder:
    """Places the holds of live sessions."""

    def __init__(self, *, purse: Purse, journal: Journal) -> None:
        self._purse = purse
        self._journal = journal
        self._refusals: dict[SessionId, int] = defaultdict(int)

    async def place_first(self, meter: Meter, *, also: Work) -> HoldAnswer:
        """The hold without which nobody rings; `also` commits with it."""
        order, want = meter.order, meter.tariff.first_hold_micros()
        if want == 0:
            await self._journal.commit(also)
            available = await self._purse.available(order.client)
            return HoldAnswer(status=HoldStatus.PLACED, placed_micros=0, available_micros=available)
        return await self._purse.place_hold(
            HoldId(derived(order.session, "hold", 1, 0)),
            session=order.session,
            account=order.client,
            want_micros=want,
            least_micros=want,
            also=lambda tx, _placed: also(tx),
        )

    async def extend(self, meter: Meter, needed: HoldNeeded) -> int | None:
        """Place the next hold; answers what the wallet has left, None where nothing came of it."""
        order, request = meter.order, needed.request
        try:
            answer = await self._purse.place_hold(
                HoldId(derived(order.session, "hold", needed.ordinal, self._refusals[order.session])),
                session=order.session,
                account=order.client,
                want_micros=request.want_micros,
                least_micros=request.least_micros,
                also=self._noted(needed, order.session),
            )
        except GatewayError as error:
            log.error("hold_waits", session=order.session, why=error.detail)
            meter.hold_failed(is_money_out=False)
            return None
        if answer.status in PLACED:
            is_short = answer.placed_micros < request.want_micros
            is_final = is_short and answer.status is HoldStatus.PLACED
            meter.hold_placed(answer.placed_micros, is_final=is_final)
            return answer.available_micros
        self._refusals[order.session] += 1
        meter.hold_failed(is_money_out=True)
        return None

    def _noted(self, needed: HoldNeeded, session: SessionId) -> SumWork:
        """The note that recovery reads, in the hold's own transaction: neither is without the other."""

        def note(transaction: Any, placed_micros: int) -> None:
            self._journal.held(session, ordinal=needed.ordinal, micros=placed_micros)(transaction)

        return note

    def forget(self, session: SessionId) -> None:
        """The session is settled."""
        self._refusals.pop(session, None)
