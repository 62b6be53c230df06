"""Gets a meter the hold it asks for.

Drives one purse command per request and tells the meter what came of it.
Never decides how much (`allowance.py`) nor whether the wallet has it (booking).
Keeps: every try has its own id, so a refusal stays a refusal and a lost answer
is found again.
"""

from collections import defaultdict

import structlog

from gateway.errors import GatewayError
from gateway.ids import HoldId, SessionId, derived
from gateway.metering.effect import HoldNeeded
from gateway.metering.meter import Meter
from gateway.metering.ports import HoldAnswer, HoldStatus, Journal, Purse
from gateway.work import Work, nothing

log = structlog.get_logger(__name__)

PLACED = (HoldStatus.PLACED, HoldStatus.EXISTS)
"""Answers that mean that the money is set aside."""


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
            also=also,
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
                also=nothing,
            )
            if answer.status in PLACED:
                noted = self._journal.held(order.session, ordinal=needed.ordinal, micros=answer.placed_micros)
                await self._journal.commit(noted)
        except GatewayError as error:
            log.error("hold_waits", session=order.session, why=error.detail)
            meter.hold_failed(is_money_out=False)
            return None
        if answer.status in PLACED:
            meter.hold_placed(answer.placed_micros, is_final=answer.placed_micros < request.want_micros)
            return answer.available_micros
        self._refusals[order.session] += 1
        meter.hold_failed(is_money_out=answer.status is not HoldStatus.EXISTS_WITH_DIFFERENT_AMOUNT)
        return None

    def forget(self, session: SessionId) -> None:
        """The session is settled."""
        self._refusals.pop(session, None)
