"""How a session is shown: the same card on the socket, over HTTP and in a welcome.

Decides which fields a party sees of a session and when: the deadline while it
rings, nonce and ICE servers (handed in) once it is accepted.
Never decides who may look; `admission.py` does.
"""

from dataclasses import dataclass

from gateway.clock import rfc3339
from gateway.signaling.notice import Person, SessionCard
from gateway.terms import EndReason, MeterOrder, SessionState, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """What a side needs to join the media of an accepted session."""

    nonce: str
    """Quoted in media.confirm."""
    ice_servers: list[dict[str, object]]
    """RTCIceServer entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The instants a card shows, wall clock."""

    created_wall_ns: int
    expires_wall_ns: int | None = None
    """When it stops ringing."""
    started_wall_ns: int | None = None
    """Start of the first second."""


def card_of(
    order: MeterOrder,
    *,
    state: SessionState,
    end_reason: EndReason | None,
    client: Person,
    provider: Person,
    times: Times,
    side: Side | None = None,
    join: Join | None = None,
) -> SessionCard:
    """The session as `side` sees it; None for an operator."""
    is_ringing = state is SessionState.RINGING and times.expires_wall_ns is not None
    return SessionCard(
        id=order.session,
        kind=order.kind,
        state=state,
        end_reason=end_reason,
        client=client,
        provider=provider,
        tariff=order.tariff.terms(),
        tariff_hash=order.tariff.hash,
        created_at=rfc3339(times.created_wall_ns),
        expires_at=rfc3339(times.expires_wall_ns or 0) if is_ringing else None,
        side=side,
        started_at=rfc3339(times.started_wall_ns) if times.started_wall_ns else None,
        nonce=join.nonce if join else None,
        ice_servers=join.ice_servers if join else None,
    )
