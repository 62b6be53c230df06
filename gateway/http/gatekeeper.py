"""Who calls, may he, and how often.

Decides, before anything of a request is read, whether it gets any further: the
bearer token or API key is verified, the route's access table is asked, and a
call is taken out of the caller's bucket.
Never knows a domain word; ownership of things is the services' question.
Keeps: an address that keeps sending bad tokens is refused before they are looked at.
"""

from typing import Final

from aiohttp import web

from gateway.errors import Forbidden, TooMany, Unauthenticated
from gateway.http.access import is_within_session, may_call
from gateway.http.limiter import Limiter, caller_of_address
from gateway.http.ports import ApiKeyVerifier, TokenVerifier
from gateway.http.rate_limit import RatePolicy, Taken
from gateway.http.route import Access, Route
from gateway.terms import Principal

SIGN_IN_FAILURES: Final = RatePolicy("sign-in-failures", calls=60)
"""Bad tokens and keys from one address; beyond it none is even looked at."""


class Gatekeeper:
    """What every route stands behind."""

    def __init__(
        self, *, tokens: TokenVerifier, api_keys: ApiKeyVerifier, limiter: Limiter, rate_per_minute: int
    ) -> None:
        self._tokens = tokens
        self._api_keys = api_keys
        self._limiter = limiter
        self._rate_per_minute = rate_per_minute

    async def admit(self, route: Route, request: web.Request, address: str) -> Principal | None:
        """The caller of a route, None where nobody needs to be known.

        Raises:
            Unauthenticated: no token or key, or a bad one.
            Forbidden: the caller's role or session does not open the route.
            TooMany: too many bad tokens came from this address.
        """
        if route.access is Access.PUBLIC:
            return None
        caller = caller_of_address(address)
        if (wait_s := self._limiter.wait_s(SIGN_IN_FAILURES, caller)) > 0:
            raise TooMany("Too many bad tokens from this address.", retry_after_s=wait_s)
        try:
            principal = await self._authenticate(route.access, request)
        except Unauthenticated:
            self._limiter.take(SIGN_IN_FAILURES, caller)
            raise
        if not may_call(route.access, principal):
            raise Forbidden(f"This is for the role {route.access.value}.", code="wrong_role")
        if not is_within_session(principal, request.match_info):
            raise Forbidden("This token is for one session only.", code="outside_session")
        return principal

    def take(self, route: Route, principal: Principal | None, address: str) -> tuple[RatePolicy, Taken]:
        """Take one call out of the bucket of the account, or of the address where nobody is known."""
        policy = policy_of(route, self._rate_per_minute)
        caller = principal.account if principal else caller_of_address(address)
        return policy, self._limiter.take(policy, caller)

    async def _authenticate(self, access: Access, request: web.Request) -> Principal:
        if access is Access.INTEGRATOR:
            key = request.headers.get("X-Api-Key", "")
            if not key:
                raise Unauthenticated("Send the API key in the X-Api-Key header.")
            return await self._api_keys.verify(key)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send the access token as `Authorization: Bearer …`.")
        return self._tokens.verify(token.strip())


def policy_of(route: Route, rate_per_minute: int) -> RatePolicy:
    """The bound of a route: its own bucket where it names a rate, the shared one otherwise."""
    if route.rate_per_minute is None:
        return RatePolicy("default", calls=rate_per_minute)
    path = route.path.strip("/").replace("/", "-").replace("{", "").replace("}", "")
    return RatePolicy(f"{route.method.lower()}-{path}", calls=route.rate_per_minute)


def address_of(request: web.Request, *, proxies: int) -> str:
    """The caller's address; behind `proxies` trusted proxies, the one the outermost of them saw."""
    if not proxies:
        return request.remote or ""
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    # Counted from the right: what stands further left was written by the caller himself.
    return hops[max(len(hops) - proxies, 0)].strip() or request.remote or ""
