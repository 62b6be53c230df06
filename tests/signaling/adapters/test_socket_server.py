"""The signalling socket, spoken to by another library."""

import asyncio
import json

import pytest
import uvloop
from aiohttp import ClientSession
from websockets.exceptions import InvalidStatus

from gateway.clock import NS
from gateway.errors import StoreDown
from gateway.limits import SOCKET_MESSAGE_BYTES_MAX, SOCKET_MESSAGES_PER_S, SOCKET_QUEUE_MESSAGES_MAX
from gateway.signaling.notice import Notice, Pong, Problem
from gateway.signaling.socket_ports import CloseCode
from gateway.terms import SessionState
from tests.signaling.adapters.socket_stand import Socket, Stand, ring, standing
from tests.signaling.world import CLIENT, FAR_S

pytestmark = pytest.mark.adapter


async def test_the_welcome_says_who_and_how_often_to_ping() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        welcome = socket.unread[0]

        assert welcome["account"] == {
            "id": "acc_client",
            "nickname": "nick of acc_client",
            "roles": ["client"],
        }
        assert (welcome["ping_s"], welcome["dead_s"], welcome["sessions"]) == (5, 15, [])
        assert welcome["resume_token"]
        assert (await socket.ask("ping"))["server_time"].endswith("Z")


@pytest.mark.parametrize("offered", ["gateway.xml", ""])
async def test_a_socket_without_our_subprotocol_is_not_opened(offered: str) -> None:
    async with standing() as stand:
        url = str(stand.http.make_url("/v1/socket"))
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        if offered:
            headers["Sec-WebSocket-Protocol"] = offered
        async with ClientSession() as http, http.get(url, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["code"] == "subprotocol_missing"


async def test_a_plain_request_to_the_socket_is_a_problem() -> None:
    async with (
        standing() as stand,
        ClientSession() as http,
        http.get(str(stand.http.make_url("/v1/socket"))) as answer,
    ):
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"


async def test_a_socket_that_does_not_sign_in_in_time_is_closed() -> None:
    async with standing() as stand:
        socket = await stand.open()
        await opened(stand, 1)

        await stand.world.timer.pass_time(5)

        assert await socket.closed() == (4401, "not signed in in time")


async def test_a_message_before_sign_in_is_refused_and_closes() -> None:
    async with standing() as stand:
        socket = await stand.open()

        assert (await socket.ask("ping"))["code"] == "unauthenticated"
        assert await socket.closed() == (4401, "sign in first")


@pytest.mark.parametrize("token", ["nonsense", f"acc_client client {1_790_000_000}"])
async def test_a_bad_or_expired_token_is_refused_and_closes(token: str) -> None:
    async with standing() as stand:
        socket = await stand.open()

        assert (await socket.ask("auth", token=token))["code"] == "unauthenticated"
        assert await socket.closed() == (4401, "token refused")


async def keep_alive(stand: Stand, socket: Socket, seconds: int) -> None:
    for _ in range(seconds // 5):
        await stand.world.timer.pass_time(5)
        assert (await socket.ask("ping"))["type"] == "pong"


async def test_a_token_that_expires_closes_the_socket() -> None:
    async with standing() as stand:
        now_s = stand.world.clock.wall_ns() // NS
        socket = await stand.sign_in(expires_at_s=now_s + 60)
        await keep_alive(stand, socket, 55)

        await stand.world.timer.pass_time(5)

        assert await socket.closed() == (4401, "token expired")


async def test_a_fresh_token_on_the_same_socket_keeps_it_open() -> None:
    async with standing() as stand:
        now_s = stand.world.clock.wall_ns() // NS
        socket = await stand.sign_in(expires_at_s=now_s + 60)
        await keep_alive(stand, socket, 30)

        welcome = await socket.ask("auth", token=f"acc_client client {FAR_S}")
        await keep_alive(stand, socket, 60)

        assert welcome["type"] == "welcome"
        assert len(stand.world.desk.switchboard) == 1
        assert welcome["resume_token"] == socket.unread[0]["resume_token"]


async def test_a_sign_in_that_the_store_cannot_serve_is_told_and_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with standing() as stand:
        socket = await stand.open()

        async def fail(*_: object) -> str:
            raise StoreDown("the test says so")

        monkeypatch.setattr(stand.world.people, "nickname", fail)
        answer = await socket.ask("auth", token=f"acc_client client {FAR_S}")

        assert answer["code"] == "store_down"
        assert (await socket.closed())[0] == 1001
        assert len(stand.world.desk.switchboard) == 0


async def test_a_socket_cannot_change_hands() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()

        assert (await socket.ask("auth", token=f"acc_other client {FAR_S}"))["code"] == "unauthenticated"
        assert (await socket.closed())[0] == 4401


async def test_a_silent_socket_is_taken_as_lost_and_a_pinging_one_is_not() -> None:
    async with standing() as stand:
        silent, lively = await stand.sign_in(), await stand.sign_in("acc_other")
        await keep_alive(stand, lively, 10)

        await stand.world.timer.pass_time(5)

        assert await silent.closed() == (4408, "silent for too long")
        await keep_alive(stand, lively, 30)


async def test_a_flood_is_closed() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        for number in range(2 * SOCKET_MESSAGES_PER_S):
            await socket.send({"type": "ping", "id": f"f{number}"})

        assert await socket.closed() == (4429, "too many messages")


async def test_a_message_too_large_is_closed_and_the_largest_one_is_read() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        padding = SOCKET_MESSAGE_BYTES_MAX - len('{"type": "x", "id": ""}')
        await socket.connection.send(json.dumps({"type": "x", "id": "i" * padding}))
        assert (await socket.hear("problem"))["code"] == "unknown_type"

        await socket.connection.send("x" * (SOCKET_MESSAGE_BYTES_MAX + 1))

        assert await socket.closed() == (4413, "message too large")


async def test_a_giant_is_closed_unread() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()

        await socket.connection.send("x" * (5 * SOCKET_MESSAGE_BYTES_MAX))

        assert (await socket.closed())[0] == 1009


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "malformed"),
        ("[" * 50_000, "malformed"),
        ('{"type": "ping"}', "malformed"),
        ('{"type": "no.such", "id": "m"}', "unknown_type"),
        ('{"type": "chat.send", "id": "m", "session": "s", "text": "\\ud800"}', "malformed"),
        (b"\x80", "malformed"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_the_socket_lives_on(frame: str | bytes, code: str) -> None:
    async with standing() as stand:
        socket = await stand.sign_in()

        await socket.connection.send(frame)

        assert (await socket.hear("problem"))["code"] == code
        assert (await socket.ask("ping"))["type"] == "pong"


async def test_bad_msgpack_is_refused_and_the_socket_lives_on() -> None:
    async with standing() as stand:
        socket = await stand.sign_in(subprotocol="gateway.msgpack")

        await socket.connection.send(b"\xc1")
        assert (await socket.hear("problem"))["code"] == "malformed"
        await socket.connection.send("text")
        assert (await socket.hear("problem"))["code"] == "malformed"

        assert (await socket.ask("ping"))["type"] == "pong"


async def test_a_dropped_socket_resumes_the_same_leg() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        provider = await stand.sign_in("acc_provider", "provider")
        session = await ring(stand, client, provider)
        await provider.ask("session.accept", session=session)
        token = client.unread[0]["resume_token"]

        client.connection.transport.abort()
        assert (await provider.hear("leg.lost"))["side"] == "client"
        back = await stand.open()
        welcome = await back.ask("auth", token=f"acc_client client {FAR_S}", resume=token)

        card = welcome["sessions"][0]
        assert (card["id"], card["state"], card["side"]) == (session, "accepted", "client")
        assert card["nonce"]
        assert card["ice_servers"]
        assert (await provider.hear("leg.back"))["side"] == "client"


async def test_a_reader_too_slow_is_closed_and_may_come_back() -> None:
    async with standing() as stand:
        socket = await stand.sign_in(max_queue=1)
        token = socket.unread[0]["resume_token"]
        writer = stand.world.desk.switchboard.of(CLIENT)[0]
        bulky = Problem(code="bulk", title="", detail="x" * 50_000)
        sent = 0
        while len(stand.server) == 1 and sent < 20_000 and not is_closing(writer):
            writer.send(bulky)
            sent += 1
            await asyncio.sleep(0)
        assert sent > SOCKET_QUEUE_MESSAGES_MAX

        code, _ = await socket.closed()

        assert code == 4408
        assert len(socket.unread) == sent
        back = await stand.open()
        assert (await back.ask("auth", token=f"acc_client client {FAR_S}", resume=token))["type"] == "welcome"


def is_closing(writer: object) -> bool:
    return bool(getattr(writer, "is_closing"))  # noqa: B009 - the port does not have it


async def test_a_reader_that_never_comes_back_is_cut_off() -> None:
    async with standing() as stand:
        await stand.sign_in(max_queue=1, close_timeout=0.1)
        writer = stand.world.desk.switchboard.of(CLIENT)[0]
        while not is_closing(writer):
            writer.send(Problem(code="bulk", title="", detail="x" * 50_000))
            await asyncio.sleep(0)

        await gone(stand)

        assert len(stand.world.desk.switchboard) == 0


async def test_a_message_that_cannot_be_written_closes_the_socket() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        writer = stand.world.desk.switchboard.of(CLIENT)[0]

        writer.send(Pong(re="m", server_time=object()))  # type: ignore[arg-type]

        assert (await socket.closed())[0] == CloseCode.INTERNAL


async def test_what_was_queued_before_a_close_is_written_first() -> None:
    async with standing() as stand:
        socket = await stand.sign_in()
        writer = stand.world.desk.switchboard.of(CLIENT)[0]
        notices: list[Notice] = [Pong(re=f"m{number}", server_time="t") for number in range(100)]
        for notice in notices:
            writer.send(notice)
        writer.close(CloseCode.REPLACED, "x" * 500)
        writer.send(Pong(re="too late", server_time="t"))

        code, reason = await socket.closed()

        assert (code, len(reason)) == (4409, 123)
        assert [message.get("re") for message in socket.unread[1:]] == [f"m{number}" for number in range(100)]


async def test_shutting_down_closes_every_socket_and_opens_none() -> None:
    async with standing() as stand:
        sockets = [await stand.sign_in(), await stand.open()]
        await opened(stand, 2)

        closing = asyncio.create_task(stand.server.close())
        codes = [await socket.closed() for socket in sockets]
        await closing

        assert codes == [(1001, "the gateway shuts down")] * 2
        assert len(stand.server) == 0
        with pytest.raises(InvalidStatus) as refused:
            await stand.open()
        assert refused.value.response.status_code == 503


async def test_a_socket_that_leaves_politely_is_forgotten() -> None:
    async with standing() as stand:
        provider = await stand.sign_in("acc_provider", "provider")
        await provider.ask("presence.set", state="online")

        await provider.connection.close()
        await gone(stand)

        assert len(stand.world.desk.switchboard) == 0
        assert stand.world.desk.presence.all() == {}


async def test_the_client_cancels_when_its_socket_stays_away() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        provider = await stand.sign_in("acc_provider", "provider")
        session = await ring(stand, client, provider)
        await client.connection.close()
        await gone(stand, left=1)

        await keep_alive(stand, provider, 15)

        assert (await provider.hear("session.ended"))["reason"] == "cancelled"
        stored = next(iter(stand.world.sessions.rows.values()))
        assert (stored.order.session, stored.state) == (session, SessionState.CANCELLED)


async def gone(stand: Stand, *, left: int = 0) -> None:
    """Wait until the server has only so many sockets."""
    async with asyncio.timeout(10):
        while len(stand.server) > left:
            await a_moment()


async def opened(stand: Stand, count: int) -> None:
    """Wait until the server has so many sockets."""
    async with asyncio.timeout(10):
        while len(stand.server) < count:
            await a_moment()


async def a_moment() -> None:
    """Let the kernel and the loop do what is due; nothing tells when the other end's close arrives."""
    await asyncio.sleep(0.005)


def test_the_socket_works_on_the_loop_of_production() -> None:
    async def call_and_cut_off() -> None:
        async with standing() as stand:
            client = await stand.sign_in(max_queue=1, close_timeout=0.1)
            provider = await stand.sign_in("acc_provider", "provider", subprotocol="gateway.msgpack")
            session = await ring(stand, client, provider)
            assert (await provider.ask("session.accept", session=session))["type"] == "ok"
            writer = stand.world.desk.switchboard.of(CLIENT)[0]
            while not is_closing(writer):
                writer.send(Problem(code="bulk", title="", detail="x" * 50_000))
                await asyncio.sleep(0)
            await gone(stand, left=1)
            assert (await provider.hear("leg.lost"))["side"] == "client"

    uvloop.run(call_and_cut_off())
