"""People who sign in properly and misbehave from then on: on their legs, in their offers, in their messages.

Decides what each of them does and how often; all of them stay under the rates at
which the gateway stops listening, because what is refused unread tests nothing.
Never judges: what the gateway makes of them is seen in its counters, its memory
and the calls beside them (`run.py`).
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from random import Random

import msgpack
from aiortc.rtcdtlstransport import RTCCertificate
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from gateway.sdk.event import Accepted, Event, Ringing, Tick
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.sdk.signal import SignalClient
from gateway.terms import SessionKind
from loadtest.fuzz.broken import mutant, text_of
from loadtest.fuzz.hostile_leg import HostileLeg
from loadtest.house import Pair

WAIT_S = 10.0
AGAIN_S = 1.0
"""Between two attempts to begin."""
ROUND_S = 0.02
SAID_PER_ROUND = 3
"""Datagrams of one leg in a round: 150 a second, under every throttle of a leg."""
CONSENT_ROUNDS = 100
"""Rounds between two checks that are as they should be."""
OFFERS_PER_S = 20
"""Broken offers of one person."""
OFFER_CHARACTERS_MAX = 10_000
"""Even if each of them is escaped in six, the socket takes it; giants are the messages' part."""
MESSAGES_PER_S = 40
"""Broken messages on one socket; at 50 it is closed."""
BATCH_MESSAGES = 4

Failure = (NothingCame, ProblemAnswer, SocketLost, OSError, WebSocketException, TimeoutError)


class Couple:
    """A client and a provider who get as far as an accepted call."""

    def __init__(self, url: str, pair: Pair) -> None:
        self.https = (HttpClient(url), HttpClient(url))
        self.signals = (SignalClient(url), SignalClient(url))
        self.session = ""
        self._phones = (pair.client, pair.provider)
        self._tariff_hash = ""
        self._provider = ""
        self._tasks: set[asyncio.Task[str]] = set()

    async def sign_in(self) -> None:
        """Both are there and the provider takes calls."""
        for http, signal, phone in zip(self.https, self.signals, self._phones, strict=True):
            account = await http.sign_in(phone)
            await signal.connect()
            await signal.auth(str(http.token))
            signal.listen(lambda event, of=signal: self._acknowledge(of, event))  # type: ignore[misc]  # one per signal
        self._provider = account["id"]
        await self.signals[1].request("presence.set", state="online")
        shown = await self.https[0].provider(self._provider)
        (offer,) = [each for each in shown["offers"] if each["kind"] == SessionKind.VOICE]
        self._tariff_hash = str(offer["tariff_hash"])

    async def ring(self) -> list[Accepted]:
        """A new call, accepted."""
        client, provider = self.signals
        ringing = await client.request(
            "session.invite",
            provider_id=self._provider,
            kind=SessionKind.VOICE,
            tariff_hash=self._tariff_hash,
        )
        self.session = Ringing.model_validate(ringing).session.id
        await provider.wait(Ringing, session=self.session, timeout_s=WAIT_S)
        await provider.request("session.accept", session=self.session)
        return [await each.wait(Accepted, session=self.session, timeout_s=WAIT_S) for each in self.signals]

    async def hang_up(self) -> None:
        """End what there is."""
        with contextlib.suppress(*Failure):
            await self.signals[0].request("session.end", session=self.session)

    async def close(self) -> None:
        """Leave."""
        await self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self.signals), return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self.https), return_exceptions=True)

    def _acknowledge(self, signal: SignalClient, event: Event) -> None:
        if isinstance(event, Tick):
            said = signal.post("tick.ack", session=event.session, tick=event.tick, head=event.head)
            task = asyncio.create_task(said)
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


class Adversary:
    """Somebody who goes on until told to stop, whatever happens to him."""

    def __init__(self) -> None:
        self.sent = 0
        """What was said wrongly."""
        self.calls = 0
        """Calls, or sockets, that it took."""
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """End."""
        self._is_stopping = True
        # A cancellation that comes together with an answer or a time-out may be lost on its way; it is said again.
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=AGAIN_S)

    async def _go_on(self) -> None:
        while not self._is_stopping:
            with contextlib.suppress(*Failure):
                await self._misbehave()
            await asyncio.sleep(AGAIN_S)

    async def _misbehave(self) -> None:
        raise NotImplementedError


class HostileCall(Adversary):
    """Two connected legs that speak with the right keys and say nothing right."""

    def __init__(self, url: str, pair: Pair, certificates: tuple[RTCCertificate, ...], *, seed: int) -> None:
        super().__init__()
        self.on_latched: Callable[[socket.socket, tuple[str, int]], None] = lambda _sock, _target: None
        """Hears of the client's socket, once the gateway knows its address, and of the gateway's."""
        self._url, self._pair, self._certificates = url, pair, certificates
        self._chance = Random(seed)

    async def _misbehave(self) -> None:
        couple = Couple(self._url, self._pair)
        try:
            await couple.sign_in()
            while True:
                await self._one_call(couple)
                await couple.hang_up()
                await asyncio.sleep(AGAIN_S)
        finally:
            await couple.close()

    async def _one_call(self, couple: Couple) -> None:
        accepted = await couple.ring()
        self.calls += 1
        legs = [HostileLeg(each, self._chance) for each in self._certificates[:2]]
        try:
            for leg, signal in zip(legs, couple.signals, strict=True):
                answer = await signal.request("media.offer", session=couple.session, sdp=leg.offer())
                await leg.connect(str(answer["sdp"]))
            self.on_latched(legs[0].sock.dup(), legs[0].target)
            for signal, one in zip(couple.signals, accepted, strict=True):
                await signal.request(
                    "media.confirm", session=couple.session, nonce=one.nonce, tariff_hash=one.tariff_hash
                )
            await self._speak(legs)
        finally:
            await asyncio.gather(*(leg.close() for leg in legs))

    async def _speak(self, legs: list[HostileLeg]) -> None:
        """Until a leg is over; the gateway may end one for what it says."""
        rounds = 0
        while all(leg.is_up for leg in legs):
            rounds += 1
            for leg in legs:
                for _ in range(SAID_PER_ROUND):
                    await leg.say_something_wrong()
                    self.sent += 1
                if rounds % CONSENT_ROUNDS == 0:
                    leg.consent()
            await asyncio.sleep(ROUND_S)


class HostileOffers(Adversary):
    """A call whose two ends offer one broken description after the other."""

    def __init__(self, url: str, pair: Pair, *, seed: int) -> None:
        super().__init__()
        self._url, self._pair = url, pair
        self._chance = Random(seed)

    async def _misbehave(self) -> None:
        couple = Couple(self._url, self._pair)
        try:
            await couple.sign_in()
            while True:
                await couple.ring()
                self.calls += 1
                await self._offer_until_over(couple)
                await asyncio.sleep(AGAIN_S)
        finally:
            await couple.close()

    async def _offer_until_over(self, couple: Couple) -> None:
        while True:
            for signal in couple.signals:
                sdp = text_of(mutant("sdp", self._chance)).encode("utf-8", "replace").decode()
                sdp = sdp[:OFFER_CHARACTERS_MAX]
                self.sent += 1
                try:
                    await signal.request("media.offer", session=couple.session, sdp=sdp or "v=0")
                except ProblemAnswer as refused:
                    if refused.code not in _GOES_ON:
                        return
            await asyncio.sleep(1 / OFFERS_PER_S)


_GOES_ON = frozenset(("bad_offer", "malformed", "media_unavailable"))
"""Refusals of an offer after which the call still waits for a good one."""


class HostileSocket(Adversary):
    """A signed-in socket that writes broken messages; a new one whenever it is closed."""

    def __init__(self, url: str, phone: str, *, subprotocol: str, seed: int) -> None:
        super().__init__()
        self._url, self._phone, self._subprotocol = url, phone, subprotocol
        self._is_json = subprotocol == "gateway.json"
        self._chance = Random(seed)
        self._token = ""

    async def _misbehave(self) -> None:
        if not self._token:
            async with HttpClient(self._url) as http:
                await http.sign_in(self._phone)
                self._token = str(http.token)
        address = self._url.replace("http", "ws", 1).rstrip("/") + "/v1/socket"
        async with connect(
            address,
            subprotocols=[self._subprotocol],  # type: ignore[list-item]  # a plain name, as the SDK passes it
            compression=None,
            proxy=None,
            ping_interval=None,
            max_size=None,
        ) as ws:
            self.calls += 1
            await self._greet(ws)
            reading = asyncio.create_task(_read_away(ws))
            try:
                await self._write(ws)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _greet(self, ws: ClientConnection) -> None:
        hello = {"type": "auth", "id": "a1", "token": self._token}
        await ws.send(json.dumps(hello) if self._is_json else bytes(msgpack.packb(hello)))

    async def _write(self, ws: ClientConnection) -> None:
        while True:
            for _ in range(BATCH_MESSAGES):
                await ws.send(self._message())
                self.sent += 1
            await asyncio.sleep(BATCH_MESSAGES / MESSAGES_PER_S)

    def _message(self) -> str | bytes:
        if self._is_json:
            return text_of(mutant("json", self._chance)).encode("utf-8", "replace").decode()
        return mutant("msgpack", self._chance)


async def _read_away(ws: ClientConnection) -> None:
    with contextlib.suppress(WebSocketException):
        while True:
            await ws.recv()
