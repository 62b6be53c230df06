"""A web server to try routes on: made-up callers, a manual clock, a real aiohttp client.

Tokens are readable: `client`, `provider`, `operator` speak for an account of that
role, `one-session` for a client whose token is bound to `ses_1`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, ConfigDict, Field

from gateway.clock import ManualClock
from gateway.errors import Unauthenticated
from gateway.http.route import Access, Call, Route
from gateway.http.server import ServerSettings, build_application
from gateway.ids import AccountId, CountingIdSource, SessionId
from gateway.terms import Principal, Role

Client = TestClient[web.Request, web.Application]


def principal(role: Role, *, session: str | None = None) -> Principal:
    return Principal(
        account=AccountId(f"acc_{role.value}"),
        roles=frozenset({role}),
        expires_at_s=2_000_000_000,
        session=SessionId(session) if session else None,
    )


class ReadableTokens:
    """Tokens whose text is the role."""

    def verify(self, token: str) -> Principal:
        if token == "one-session":
            return principal(Role.CLIENT, session="ses_1")
        if token not in {"client", "provider", "operator", "integrator"}:
            raise Unauthenticated("Unknown token.")
        return principal(Role(token))


class OneKey:
    """The only key there is: `key`."""

    async def verify(self, key: str) -> Principal:
        if key != "key":
            raise Unauthenticated("Unknown key.")
        return principal(Role.INTEGRATOR)


@asynccontextmanager
async def served(
    routes: Sequence[Route],
    *,
    settings: ServerSettings | None = None,
    clock: ManualClock | None = None,
    extra: Sequence[web.RouteDef] = (),
) -> AsyncIterator[Client]:
    """A client of a server with these routes."""
    application = build_application(
        routes,
        tokens=ReadableTokens(),
        api_keys=OneKey(),
        clock=clock or ManualClock(),
        ids=CountingIdSource(),
        settings=settings,
        extra=extra,
        asyncapi=lambda: {"asyncapi": "3.0.0"},
    )
    async with TestClient(TestServer(application)) as client:
        yield client


async def nothing(_call: Call) -> None:
    return None


def route(path: str, access: Access = Access.PUBLIC, *, method: str = "GET") -> Route:
    """A route that answers 204."""
    return Route(method=method, path=path, handler=nothing, access=access, summary="Do nothing", tag="test")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Word(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: Annotated[str, Field(max_length=5)]


class Heard(BaseModel):
    words: list[str | None]


def echo(heard: list[Call], **more: object) -> Route:
    """A route that keeps the calls it got and says the word back."""

    async def hear(call: Call) -> Heard:
        heard.append(call)
        return Heard(words=[call.body.word])

    return Route(
        method="POST",
        path="/v1/echo/{name}",
        handler=hear,
        access=Access.PUBLIC,
        summary="Echo",
        tag="test",
        body=Word,
        answer=Heard,
        **more,  # type: ignore[arg-type]
    )
