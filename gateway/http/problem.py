"""Refusals as RFC 9457 problems.

Decides how each kind of failure looks on the wire: a `GatewayError` carries its
own code, wrong fields are listed one by one, an unexpected exception says
nothing but the request id under which it was logged.
Never decides what is refused. Never repeats the caller's input back.
Codes: docs/wire.md, "Problems".
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from gateway.errors import GatewayError, Malformed, NotFound, TooLarge, Unauthenticated, Unprocessable

CONTENT_TYPE = "application/problem+json"
FIELD_ERRORS_MAX = 20
"""Field errors listed in one problem; more help nobody."""


class MethodNotAllowed(GatewayError):
    """The path exists, but not with this method; `Allow` says which do (RFC 9110 §15.5.6)."""

    status, code, title = 405, "method_not_allowed", "The method is not allowed here"


def of_fields(failure: ValidationError, *, place: str) -> GatewayError:
    """What is wrong with a body or a query, field by field."""
    errors = failure.errors(include_url=False, include_context=False, include_input=False)
    if any(error["type"] == "json_invalid" for error in errors):
        return Malformed("The body is not JSON.", code="bad_json")
    fields = [
        {"pointer": _pointer(error["loc"]), "code": error["type"], "detail": error["msg"]}
        for error in errors[:FIELD_ERRORS_MAX]
    ]
    return Unprocessable(
        f"{len(errors)} field(s) of the {place} are wrong.", code="bad_fields", errors=fields
    )


def _pointer(location: Iterable[int | str]) -> str:
    """RFC 6901."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in location)


def response(error: GatewayError, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """The problem as an answer, with the headers its kind calls for."""
    members = error.problem()
    answer = web.Response(
        status=error.status,
        text=json.dumps(members, ensure_ascii=False),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if (wait_s := _wait_s(members)) is not None:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


def _wait_s(members: Mapping[str, Any]) -> int | None:
    wait = members.get("retry_after_s")
    return wait if isinstance(wait, int) else None


def response_to_web(failure: web.HTTPException) -> web.Response:
    """The refusals of aiohttp itself as problems."""
    if isinstance(failure, web.HTTPNotFound):
        return response(NotFound("There is nothing at this path.", code="no_such_path"))
    if isinstance(failure, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(failure.allowed_methods))
        return response(MethodNotAllowed(f"Allowed here: {allow}."), headers={"Allow": allow})
    if isinstance(failure, web.HTTPRequestEntityTooLarge):
        return response(TooLarge("The body is larger than this gateway reads."))
    return response(Malformed(f"The request was refused: {failure.reason}."))
