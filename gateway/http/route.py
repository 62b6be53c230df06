"""What a route is: method, path, models, who may call it.

Decides the shape that every package's `adapters/http_api.py` fills and that
`server.py` turns into aiohttp handlers and the OpenAPI document.
Never knows a domain word; models and handlers come from the packages.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from gateway.terms import Principal


class Access(StrEnum):
    """Who may call a route; everything else is refused (deny by default)."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    CLIENT = "client"
    PROVIDER = "provider"
    OPERATOR = "operator"
    INTEGRATOR = "integrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, checked: what a handler gets."""

    principal: Principal | None
    """Who calls; None only on PUBLIC routes."""
    path: Mapping[str, str]
    """Path parameters."""
    body: Any = None
    """An instance of the route's body model."""
    query: Any = None
    """An instance of the route's query model."""
    idempotency_key: str | None = None
    """The Idempotency-Key header, always set on routes that demand it."""
    raw: bytes = b""
    """The body's bytes, for signature checks."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers, lower-case names."""
    remote: str = ""
    """The caller's address, for rate limits; never logged whole."""

    @property
    def who(self) -> Principal:
        """The principal of a route that is not PUBLIC."""
        assert self.principal is not None, "the server lets nobody else through"
        return self.principal


Handler = Callable[[Call], Awaitable[BaseModel | None]]
"""Answers with the route's answer model, or None for 204; raises GatewayError for a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the HTTP API."""

    method: str
    """`GET`, `POST`, `PATCH`, `PUT`, `DELETE`."""
    path: str
    """With `{name}` parameters: `/v1/sessions/{session_id}`."""
    handler: Handler
    access: Access
    summary: str
    """One line for the reference."""
    tag: str
    """Group in the reference."""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    is_idempotency_key_needed: bool = False
    """Whether a missing Idempotency-Key is refused with 400."""
    rate_per_minute: int | None = None
    """Bound per account or address; None = the server's default."""
