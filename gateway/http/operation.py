"""One route at work: admit, limit, read, call, answer.

Decides the order in which a request is checked: who calls, may he, how often,
what he sent; only then does the package's handler run. Nothing reaches a
handler that its route's models have not accepted.
Never knows a domain word and never turns a failure into an answer; that is
`middleware.py`. RateLimit headers are left on the request for it.
See docs/wire.md, "HTTP".
"""

from typing import Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.errors import Malformed, NotFound, TooMany
from gateway.http.gatekeeper import Gatekeeper, address_of
from gateway.http.problem import of_fields
from gateway.http.route import Call, Route
from gateway.terms import Principal

RATE_HEADERS: Final = web.RequestKey("rate_headers", dict[str, str])
"""RateLimit and RateLimit-Policy of this request, set before it may be refused."""

IDEMPOTENCY_KEY_CHARACTERS_MAX = 255
"""Longest Idempotency-Key (the draft leaves it to the server)."""
PATH_PARAMETER_CHARACTERS_MAX = 128
"""Longest path parameter; no identity of the gateway is longer than 64."""


class Operation:
    """A route bound to its gatekeeper; `answer` is the aiohttp handler."""

    def __init__(self, route: Route, gatekeeper: Gatekeeper, *, proxies: int) -> None:
        self._route = route
        self._gatekeeper = gatekeeper
        self._proxies = proxies

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or raise what `middleware.problems` writes down."""
        route = self._route
        if any(len(value) > PATH_PARAMETER_CHARACTERS_MAX for value in request.match_info.values()):
            raise NotFound("There is nothing under this name.")
        address = address_of(request, proxies=self._proxies)
        principal = await self._gatekeeper.admit(route, request, address)
        self._limit(request, principal, address)
        call = await self._read(request, principal, address)
        # Given back afterwards: one connection's requests share one context.
        with structlog.contextvars.bound_contextvars(account=principal and principal.account):
            answered = await route.handler(call)
        if answered is None:
            return web.Response(status=204)
        text = answered.model_dump_json(by_alias=True)
        return web.Response(status=route.status, text=text, content_type="application/json")

    def _limit(self, request: web.Request, principal: Principal | None, address: str) -> None:
        policy, taken = self._gatekeeper.take(self._route, principal, address)
        request[RATE_HEADERS] = {"RateLimit": taken.header(policy), "RateLimit-Policy": policy.header()}
        if not taken.is_allowed:
            raise TooMany(f"Try again in {taken.wait_s} s.", retry_after_s=taken.wait_s)

    async def _read(self, request: web.Request, principal: Principal | None, address: str) -> Call:
        query = _query(self._route.query, request)
        idempotency_key = _idempotency_key(request, is_needed=self._route.is_idempotency_key_needed)
        raw = await _raw(request)
        return Call(
            principal=principal,
            path=dict(request.match_info),
            body=_body(self._route.body, raw),
            query=query,
            idempotency_key=idempotency_key,
            raw=raw,
            headers={name.lower(): value for name, value in request.headers.items()},
            remote=address,
        )


async def _raw(request: web.Request) -> bytes:
    if not request.can_read_body:
        return b""
    try:
        return await request.read()
    except (ConnectionError, web.RequestPayloadError) as failure:
        raise Malformed("The body ended early or is not encoded as it says.") from failure


def _query(model: type[BaseModel] | None, request: web.Request) -> BaseModel | None:
    if model is None:
        return None
    if len(request.query) != len(set(request.query)):
        raise Malformed("A query parameter is given twice.", code="repeated_parameter")
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as failure:
        raise of_fields(failure, place="query") from None


def _body(model: type[BaseModel] | None, raw: bytes) -> BaseModel | None:
    if model is None:
        return None
    try:
        # No body reads as an empty object: a route whose fields are all optional can be called bare.
        return model.model_validate_json(raw or b"{}")
    except ValidationError as failure:
        raise of_fields(failure, place="body") from None


def _idempotency_key(request: web.Request, *, is_needed: bool) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None and is_needed:
        raise Malformed("Send an Idempotency-Key header.", code="idempotency_key_missing")
    if key is None:
        return None
    if not (0 < len(key) <= IDEMPOTENCY_KEY_CHARACTERS_MAX and key.isascii() and key.isprintable()):
        raise Malformed("The Idempotency-Key is empty, too long or unprintable.", code="idempotency_key_bad")
    return key
