"""Which session a message means, and as whom its sender takes part.

Decides the answer to a session id: the live session and the sender's side, or a
refusal. A stranger's session and an unknown one get the same refusal.
Never changes anything. A session that is over is looked up in the store, so that
a party learns `wrong_state` and nobody else learns that it existed.
"""

from dataclasses import dataclass

from gateway.ids import SessionId
from gateway.signaling.admission import may_read, side_of
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import SessionRow, Sessions
from gateway.signaling.roster_service import Live, Roster
from gateway.terms import Principal, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A live session and the side that its visitor is on."""

    live: Live
    side: Side


class Doorkeeper:
    """Looks sessions up for those who take part in them."""

    def __init__(self, *, roster: Roster, sessions: Sessions) -> None:
        self._roster = roster
        self._sessions = sessions

    async def admit(self, principal: Principal, session: SessionId) -> Entry | Outcome:
        """The live session, for one of its parties.

        Raises:
            StoreDown: it is not live and the store cannot be asked.
        """
        live = self._roster.get(session)
        if live is None:
            over = await self.over(principal, session)
            return over if isinstance(over, Outcome) else Outcome.WRONG_STATE
        side = side_of(principal, session=session, client=live.order.client, provider=live.order.provider)
        return Outcome.NOT_FOUND if side is None else Entry(live=live, side=side)

    async def over(self, principal: Principal, session: SessionId) -> tuple[SessionRow, Side] | Outcome:
        """The stored session and the side of its party, live or not."""
        row = await self._sessions.load(session)
        if row is None:
            return Outcome.NOT_FOUND
        side = side_of(principal, session=session, client=row.order.client, provider=row.order.provider)
        return Outcome.NOT_FOUND if side is None else (row, side)

    async def record(self, principal: Principal, session: SessionId) -> SessionRow | None:
        """The stored session, for a party or an operator; None for everybody else."""
        row = await self._sessions.load(session)
        if row is None:
            return None
        order = row.order
        is_allowed = may_read(principal, session=session, client=order.client, provider=order.provider)
        return row if is_allowed else None
