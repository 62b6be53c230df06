"""The tree of failures and the assertion that cannot be stripped.

Decides how a failing world is named: each class carries its wire code, its HTTP
status and a title; the sentence that helps is given where it is raised. Foreign
exceptions are mapped at the adapter. Business refusals are status enums, not
exceptions, until an edge turns them into a problem (RFC 9457).

    GatewayError
    ├── Malformed            400 malformed            cannot be read
    ├── Unauthenticated      401 unauthenticated      no or bad token
    ├── PaymentNeeded        402 payment_required     not enough money
    ├── Forbidden            403 forbidden            not yours to do
    ├── NotFound             404 not_found            no such thing, or not yours to see
    ├── Conflict             409 conflict             not in this state
    ├── Fenced               409 fenced               another process owns the session now
    ├── TooLarge             413 too_large            over a limit of size
    ├── Unprocessable        422 unprocessable        readable, but wrong
    ├── TooMany              429 too_many_requests    over a limit of rate
    └── Unavailable          503 unavailable          a part the gateway needs is down
        └── StoreDown        503 store_down           the database does not answer
"""

from typing import Any, ClassVar


class InvariantBroken(AssertionError):
    """A thing that must never be false was false: a bug, not an input."""


def require(condition: bool, sentence: str) -> None:
    """Stop with `sentence` unless `condition`; `python -O` does not strip it."""
    if not condition:
        raise InvariantBroken(sentence)


class GatewayError(Exception):
    """A failure that has a place on the wire."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The gateway failed"

    def __init__(self, detail: str, *, code: str | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.wire_code = code or self.code
        self.extensions = extensions

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 members plus `code` and this problem's own extensions."""
        return {
            "type": f"urn:gateway:problem:{self.wire_code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.wire_code,
            **self.extensions,
        }


class Malformed(GatewayError):
    """The bytes cannot be read as what was asked for."""

    status, code, title = 400, "malformed", "The message cannot be read"


class Unauthenticated(GatewayError):
    """No token, a bad one, or one that has expired."""

    status, code, title = 401, "unauthenticated", "Sign in first"


class PaymentNeeded(GatewayError):
    """The wallet does not cover what was asked."""

    status, code, title = 402, "payment_required", "Not enough money"


class Forbidden(GatewayError):
    """The account may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(GatewayError):
    """There is no such thing, or it is not the caller's to see."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(GatewayError):
    """The thing is not in a state that allows this."""

    status, code, title = 409, "conflict", "Not possible now"


class Fenced(GatewayError):
    """A write of somebody who does not own the session any more; nothing was written."""

    status, code, title = 409, "fenced", "Another process has taken this over"


class TooLarge(GatewayError):
    """Over a limit of size."""

    status, code, title = 413, "too_large", "Too large"


class Unprocessable(GatewayError):
    """Readable, but wrong."""

    status, code, title = 422, "unprocessable", "The message is not acceptable"


class TooMany(GatewayError):
    """Over a limit of rate."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class Unavailable(GatewayError):
    """A part that is needed does not answer."""

    status, code, title = 503, "unavailable", "Try again shortly"


class StoreDown(Unavailable):
    """The database does not take writes."""

    code, title = "store_down", "The record cannot be written"
