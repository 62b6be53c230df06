"""Who may call which route: the one deny-by-default table.

Decides from the route's `Access`, the caller's roles and, for a token that an
integrator minted for one session, the session in the path.
Never verifies tokens (`TokenVerifier`) and never looks at who owns a thing;
services answer `NotFound` for what is not the caller's.
Keeps: an operator is nobody's stand-in, so OPERATOR opens no CLIENT or PROVIDER route.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.route import Access
from gateway.terms import Principal, Role

ROLES_OF: Mapping[Access, frozenset[Role]] = MappingProxyType(
    {
        Access.PUBLIC: frozenset(),
        Access.SIGNED_IN: frozenset({Role.CLIENT, Role.PROVIDER, Role.OPERATOR}),
        Access.CLIENT: frozenset({Role.CLIENT}),
        Access.PROVIDER: frozenset({Role.PROVIDER}),
        Access.OPERATOR: frozenset({Role.OPERATOR}),
        Access.INTEGRATOR: frozenset({Role.INTEGRATOR}),
    }
)
"""The roles of which the caller needs one; PUBLIC asks for no caller at all."""


def may_call(access: Access, principal: Principal) -> bool:
    """Whether the principal's roles open a route that is not PUBLIC."""
    return not ROLES_OF[access].isdisjoint(principal.roles)


def is_within_session(principal: Principal, path: Mapping[str, str]) -> bool:
    """Whether a token bound to one session stays within it.

    Such a token reaches only the routes whose path names its session.
    """
    return principal.session is None or principal.session in path.values()
