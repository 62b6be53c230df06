import gzip

import pytest
import structlog
from aiohttp import web

from gateway.errors import Conflict, PaymentNeeded, StoreDown, TooMany
from gateway.http.cursor import PageQuery
from gateway.http.route import Access, Call, Handler, Route
from gateway.limits import HTTP_BODY_BYTES_MAX
from tests.http.stand import Heard, bearer, echo, nothing, route, served

pytestmark = pytest.mark.adapter


def failing(failure: Exception) -> Route:
    async def fail(_call: Call) -> None:
        raise failure

    return Route(
        method="GET", path="/v1/fail", handler=fail, access=Access.PUBLIC, summary="Fail", tag="test"
    )


async def test_a_call_reaches_its_handler_checked_and_whole() -> None:
    heard: list[Call] = []
    async with served([echo(heard)]) as client:
        answer = await client.post(
            "/v1/echo/ann", json={"word": "hello"}, headers={"Idempotency-Key": "k1", "X-Other": "1"}
        )

        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == {"words": ["hello"]}
    (call,) = heard
    assert call.principal is None
    assert call.path == {"name": "ann"}
    assert call.idempotency_key == "k1"
    assert call.raw == b'{"word": "hello"}'
    assert call.headers["x-other"] == "1"
    assert call.remote == "127.0.0.1"


async def test_a_handler_without_an_answer_gives_204() -> None:
    async with served([route("/v1/quiet")]) as client:
        answer = await client.get("/v1/quiet")

        assert answer.status == 204
        assert await answer.read() == b""


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (PaymentNeeded("Top up first."), 402, "payment_required"),
        (Conflict("It has ended.", code="wrong_state"), 409, "wrong_state"),
        (StoreDown("No disk."), 503, "store_down"),
    ],
)
async def test_a_refusal_is_a_problem_with_its_code(failure: Exception, status: int, code: str) -> None:
    async with served([failing(failure)]) as client:
        answer = await client.get("/v1/fail")
        problem = await answer.json(content_type="application/problem+json")

    assert answer.status == status
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:gateway:problem:{code}"
    assert problem["detail"]


async def test_a_refusal_that_names_a_wait_sets_retry_after() -> None:
    async with served([failing(TooMany("Slowly.", retry_after_s=7))]) as client:
        answer = await client.get("/v1/fail")

    assert answer.headers["Retry-After"] == "7"


async def test_an_unexpected_failure_is_logged_whole_and_told_by_number_only() -> None:
    with structlog.testing.capture_logs() as lines:
        async with served([failing(RuntimeError("the secret is 1234"))]) as client:
            answer = await client.get("/v1/fail")
            problem = await answer.json(content_type="application/problem+json")

    assert answer.status == 500
    assert problem["code"] == "internal"
    assert problem["request"] == answer.headers["X-Request-Id"]
    assert "1234" not in str(problem)
    assert any(line["event"] == "http_failed" and line.get("exc_info") for line in lines)


async def test_the_log_has_the_route_and_no_address_query_or_token() -> None:
    with structlog.testing.capture_logs() as lines:
        async with served([route("/v1/things/{name}", Access.CLIENT)]) as client:
            await client.get("/v1/things/ann?phone=555", headers=bearer("client"))

    (line,) = [line for line in lines if line["event"] == "http_request"]
    assert (line["route"], line["status"], line["method"]) == ("/v1/things/{name}", 204, "GET")
    assert not {"127.0.0.1", "555", "ann", "Bearer"} & set(str(line).replace("'", " ").split())


@pytest.mark.parametrize(
    ("body", "status", "code", "pointers"),
    [
        (b"{", 400, "bad_json", None),
        (b"\xff\xfe", 400, "bad_json", None),
        (b"[" * 100_000, 400, "bad_json", None),
        (b"[]", 422, "bad_fields", [""]),
        (b"", 422, "bad_fields", ["/word"]),
        (b'{"word": "too long"}', 422, "bad_fields", ["/word"]),
        (b'{"word": 1, "a/b~c": 2}', 422, "bad_fields", ["/word", "/a~1b~0c"]),
    ],
    ids=lambda value: str(value)[:16],
)
async def test_a_wrong_body_says_what_is_wrong(
    body: bytes, status: int, code: str, pointers: list[str] | None
) -> None:
    async with served([echo([])]) as client:
        answer = await client.post("/v1/echo/ann", data=body)
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["code"]) == (status, code)
    if pointers is not None:
        assert [error["pointer"] for error in problem["errors"]] == pointers
        assert all({"pointer", "code", "detail"} == set(error) for error in problem["errors"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"garbage", 400),
        (gzip.compress(b" " * 10**7), 413),
        (gzip.compress(b'{"word":"a"}'), 200),
    ],
    ids=["garbage", "bomb", "good"],
)
async def test_a_packed_body_is_unpacked_within_the_limit(body: bytes, status: int) -> None:
    async with served([echo([])]) as client:
        answer = await client.post("/v1/echo/ann", data=body, headers={"Content-Encoding": "gzip"})

    assert answer.status == status


async def test_a_body_over_the_limit_is_refused() -> None:
    async with served([echo([])]) as client:
        fits = await client.post("/v1/echo/ann", data=b" " * (HTTP_BODY_BYTES_MAX - 16) + b'{"word":"a"}')
        answer = await client.post("/v1/echo/ann", data=b" " * (HTTP_BODY_BYTES_MAX + 1))
        problem = await answer.json(content_type="application/problem+json")

    assert fits.status == 200
    assert (answer.status, problem["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=5", 204, None),
        ("limit=101", 422, "bad_fields"),
        ("limit=x", 422, "bad_fields"),
        ("colour=red", 422, "bad_fields"),
        ("limit=5&limit=6", 400, "repeated_parameter"),
    ],
)
async def test_a_query_is_checked_like_a_body(query: str, status: int, code: str | None) -> None:
    listed = Route(
        method="GET",
        path="/v1/list",
        handler=nothing,
        access=Access.PUBLIC,
        summary="List",
        tag="test",
        query=PageQuery,
    )
    async with served([listed]) as client:
        answer = await client.get(f"/v1/list?{query}")

        assert answer.status == status
        if code is not None:
            assert (await answer.json(content_type=None))["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "no_such_path"),
        ("GET", "/assets/none.js", 404, "no_such_path"),
        ("DELETE", "/v1/quiet", 405, "method_not_allowed"),
        ("GET", f"/v1/things/{'x' * 200}", 404, "not_found"),
    ],
)
async def test_unknown_paths_and_methods_are_problems(method: str, path: str, status: int, code: str) -> None:
    async with served([route("/v1/quiet"), route("/v1/things/{name}")]) as client:
        answer = await client.request(method, path)
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["code"]) == (status, code)
    if status == 405:
        assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("key", "status"), [(None, 400), ("", 400), ("x" * 256, 400), ("schlüssel", 400), ("k-1", 200)]
)
async def test_a_route_that_needs_an_idempotency_key_refuses_without(key: str | None, status: int) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with served([echo([], is_idempotency_key_needed=True)]) as client:
        answer = await client.post("/v1/echo/ann", json={"word": "a"}, headers=headers)

    assert answer.status == status


# What surrounds it


async def test_every_answer_carries_the_protecting_headers() -> None:
    async with served([route("/v1/quiet")]) as client:
        for path in ("/v1/quiet", "/v1/nowhere", "/docs", "/"):
            answer = await client.get(path)
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Request-Id"].startswith("req_")
        quiet = await client.get("/v1/quiet")

    assert quiet.headers["Cache-Control"] == "no-store"


async def test_a_socket_given_as_extra_works_beside_the_routes() -> None:
    async def greet(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        await socket.close()
        return socket

    async with served([], extra=[web.get("/v1/socket", greet)]) as client:
        socket = await client.ws_connect("/v1/socket")
        said = await socket.receive_str()
        await socket.close()

    assert said == "hello"


async def test_two_routes_on_one_path_are_refused_at_start_up() -> None:
    with pytest.raises(ValueError, match="GET /v1/quiet"):
        async with served([route("/v1/quiet"), route("/v1/quiet")]):
            pass


async def test_a_wrong_answer_of_a_handler_is_a_failure_of_ours_not_of_the_callers() -> None:
    async def confuse(_call: Call) -> Heard:
        return Heard.model_validate({"words": 7})

    handler: Handler = confuse
    confused = Route(
        method="GET", path="/v1/odd", handler=handler, access=Access.PUBLIC, summary="Odd", tag="test"
    )
    async with served([confused]) as client:
        answer = await client.get("/v1/odd")

    assert answer.status == 500
