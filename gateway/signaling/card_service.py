"""Cards of live sessions, with what a side needs to join the media.

Decides when nonce and ICE servers are on a card: to a party, from acceptance
until the stop. What else is on it is decided by `card.py`.
Never shows one side's nonce to the other, nor either to an operator.
"""

from gateway.clock import rfc3339
from gateway.signaling.card import Join, Times, card_of
from gateway.signaling.notice import SessionAccepted, SessionCard, SessionRinging
from gateway.signaling.ports import Media
from gateway.signaling.roster_service import Live
from gateway.signaling.session import TALKS
from gateway.terms import Side


class Cards:
    """Shows live sessions."""

    def __init__(self, media: Media) -> None:
        self._media = media

    def card(self, live: Live, side: Side | None) -> SessionCard:
        """The session as that side sees it; None for an operator."""
        return card_of(
            live.order,
            state=live.state,
            end_reason=live.end_reason,
            client=live.client,
            provider=live.provider,
            times=Times(
                created_wall_ns=live.created_wall_ns,
                expires_wall_ns=live.expires_wall_ns,
                started_wall_ns=live.started_wall_ns,
            ),
            side=side,
            join=self._join(live, side) if side is not None and live.state in TALKS else None,
        )

    def ringing(self, live: Live, side: Side) -> SessionRinging:
        """That it rings, for one side."""
        return SessionRinging(session=self.card(live, side), expires_at=rfc3339(live.expires_wall_ns or 0))

    def accepted(self, live: Live, side: Side) -> SessionAccepted:
        """That it was accepted, for one side."""
        join = self._join(live, side)
        return SessionAccepted(
            session=live.id,
            side=side,
            tariff=live.order.tariff.terms(),
            tariff_hash=live.order.tariff.hash,
            ice_servers=join.ice_servers,
            nonce=join.nonce,
            kind=live.order.kind,
        )

    def _join(self, live: Live, side: Side) -> Join:
        return Join(nonce=live.nonce(side), ice_servers=self._media.ice_servers(live.account(side)))
