"""Who may do what in which session.

Decides as whom a principal takes part: by account alone, so that a role never
opens somebody else's session, and never beyond the one session that an
integrator's token names.
Never looks at states or connections; the services do.
"""

from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.signaling.outcome import Outcome
from gateway.terms import Principal, Role, Side

INVITE_INTERVAL_NS = 3 * NS
"""How often one account may call somebody, sustained: each call may place a hold and ring a phone."""
INVITE_BURST = 10
"""Calls in a row after a rest."""


def side_of(
    principal: Principal, *, session: SessionId, client: AccountId, provider: AccountId
) -> Side | None:
    """As whom the principal takes part in the session; None for a stranger."""
    if principal.session not in (None, session):
        return None
    if principal.account == client:
        return Side.CLIENT
    return Side.PROVIDER if principal.account == provider else None


def may_read(principal: Principal, *, session: SessionId, client: AccountId, provider: AccountId) -> bool:
    """Whether the principal may see the session's record: a party, or an operator."""
    is_party = side_of(principal, session=session, client=client, provider=provider) is not None
    return is_party or Role.OPERATOR in principal.roles


def may_invite(principal: Principal, provider: AccountId) -> Outcome:
    """Whether the principal may call anybody, and this provider."""
    if Role.CLIENT not in principal.roles or principal.session is not None:
        return Outcome.FORBIDDEN
    return Outcome.FORBIDDEN if principal.account == provider else Outcome.DONE
