"""A gateway of the fewest lines: the socket of docs/wire.md with a scripted far side."""

import json
from typing import Self

import msgpack
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from gateway.sdk.http import Body
from gateway.sdk.speech import Speech

from .answering_peer import AnsweringPeer

SESSION = "ses_000001"
TARIFF = {"version": 1, "kind": "per_second", "currency": "CNY"}
MONEY = {"micros": 0, "currency": "CNY"}


class FakeGateway:
    """Serves one account on a free loopback port; `said` is everything it was told."""

    def __init__(self, speech: Speech | None = None) -> None:
        self.said: list[Body] = []
        self.auths: list[Body] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.refusals: dict[str, str] = {}
        self.answers_chat = True
        self._speech = speech
        self._peers: list[AnsweringPeer] = []
        application = web.Application()
        application.router.add_get("/v1/socket", self._socket)
        self._server = TestServer(application)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        for peer in self._peers:
            await peer.close()
        await self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def told(self, type_: str) -> list[Body]:
        return [message for message in self.said if message["type"] == type_]

    async def push(self, type_: str, **fields: object) -> None:
        await self._send(self.sockets[-1], {"type": type_, **fields})

    async def ring(self) -> None:
        await self.push("session.ringing", session=self.session("ringing"), expires_at="2026-11-21T20:14:08Z")

    async def accepted(self, kind: str = "voice") -> None:
        await self.push(
            "session.accepted",
            session=SESSION,
            side="client",
            tariff=TARIFF,
            tariff_hash="t1",
            nonce="n1",
            kind=kind,
            ice_servers=[],
        )

    async def tick(self, number: int) -> None:
        await self.push(
            "tick",
            session=SESSION,
            tick=number,
            billed_s=number,
            provisional_s=0,
            cost=MONEY,
            time_left_s=60,
            head="h",
        )

    def session(self, state: str) -> dict[str, object]:
        return {"id": SESSION, "kind": "voice", "state": state, "tariff": TARIFF, "tariff_hash": "t1"}

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("gateway.json", "gateway.msgpack"))
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._take(socket, json.loads(frame.data))
            elif frame.type is WSMsgType.BINARY:
                await self._take(socket, msgpack.unpackb(frame.data))
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: Body) -> None:
        kind, name = message["type"], message["id"]
        (self.auths if kind == "auth" else self.said).append(message)
        if kind in self.refusals:
            code = self.refusals[kind]
            await self._send(
                socket, {"type": "problem", "re": name, "code": code, "title": "No", "detail": "no"}
            )
            return
        answer = await self._answer(kind, message)
        if answer is not None:
            await self._send(socket, {"re": name, **answer})

    async def _answer(self, kind: str, message: Body) -> Body | None:
        match kind:
            case "auth":
                return self._welcome()
            case "ping":
                return {"type": "pong", "server_time": "2026-11-21T20:13:38.125Z"}
            case "session.invite":
                return {"type": "session.ringing", "session": self.session("ringing"), "expires_at": "later"}
            case "media.offer":
                return {"type": "media.answer", "session": SESSION, "sdp": await self._media(message["sdp"])}
            case "chat.send":
                return self._status(message) if self.answers_chat else None
            case "tick.ack" | "silence":
                return None
            case _:
                return {"type": "ok"}

    def _welcome(self) -> dict[str, object]:
        return {
            "type": "welcome",
            "account": {"id": "acc_1", "nickname": "Ann", "roles": ["client"]},
            "server_time": "2026-11-21T20:13:38.125Z",
            "ping_s": 5,
            "dead_s": 15,
            "resume_token": f"resume-{len(self.auths)}",
            "sessions": [self.session("metering")] if len(self.auths) > 1 else [],
        }

    def _status(self, message: Body) -> dict[str, object]:
        return {"type": "chat.status", "id": message["id"], "state": "sent", "seq": 1}

    async def _media(self, sdp: str) -> str:
        peer = AnsweringPeer(self._speech)
        self._peers.append(peer)
        return await peer.answer(sdp)

    async def _send(self, socket: web.WebSocketResponse, message: Body) -> None:
        if socket.ws_protocol == "gateway.msgpack":
            await socket.send_bytes(msgpack.packb(message))
        else:
            await socket.send_str(json.dumps(message))
