"""What happens around every request: an id, a line in the log, problems, headers.

Decides that nothing leaves the server but an answer or an RFC 9457 problem, and
which headers protect the pages. An unexpected exception is logged with its
traceback under the request id; the caller learns the id and nothing else.
Never logs addresses, tokens, bodies or queries; the log line has the route's
pattern instead of the path.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.errors import GatewayError
from gateway.http import problem
from gateway.http.operation import RATE_HEADERS
from gateway.ids import IdSource

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""`req_…`, also in the X-Request-Id header."""

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self' ws: wss:; frame-src 'self'; frame-ancestors 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Set where the answer has not set its own."""

log = structlog.get_logger()


def identified(ids: IdSource) -> Middleware:
    """The outermost middleware: names the request and writes one line when it is over."""

    @web.middleware
    async def identify(request: web.Request, handler: Next) -> web.StreamResponse:
        request_id = ids.new("req")
        request[REQUEST_ID] = request_id
        began_ns = time.perf_counter_ns()
        status = 0
        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                answer = await handler(request)
                status = answer.status
                return answer
            finally:
                # Pages poll every second: what was read and went well is told only to those who ask for it.
                tell = log.debug if request.method == "GET" and 100 <= status < 400 else log.info
                tell(
                    "http_request",
                    method=request.method,
                    route=_pattern(request),
                    status=status,
                    duration_ms=(time.perf_counter_ns() - began_ns) // 1_000_000,
                )

    return identify


@web.middleware
async def problems(request: web.Request, handler: Next) -> web.StreamResponse:
    """Turn whatever is raised into a problem."""
    try:
        return await handler(request)
    except GatewayError as refusal:
        if refusal.status >= 500:
            log.warning("http_unavailable", code=refusal.wire_code, detail=refusal.detail)
        return problem.response(refusal)
    except web.HTTPException as failure:
        if failure.status < 400:
            raise
        return problem.response_to_web(failure)
    except Exception:
        log.exception("http_failed")
        request_id = request[REQUEST_ID]
        return problem.response(GatewayError(f"Quote {request_id} when you report this.", request=request_id))


async def set_headers(request: web.Request, answer: web.StreamResponse) -> None:
    """Complete the headers of any answer just before they are sent."""
    if (request_id := request.get(REQUEST_ID)) is not None:
        answer.headers["X-Request-Id"] = request_id
    for name, value in request.get(RATE_HEADERS, {}).items():
        answer.headers[name] = value
    for name, value in SECURITY_HEADERS.items():
        answer.headers.setdefault(name, value)
    # An answer of the API is one person's; only what says so itself may be kept.
    answer.headers.setdefault("Cache-Control", "no-store")


def _pattern(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
