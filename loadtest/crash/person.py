"""One participant across many lives of the gateway.

Decides what an app does with each life: a fresh socket with the token it has, a
fresh leg, an acknowledgement for every tick as soon as it comes.
Never decides whom to call or whether to come back (`pair.py`).
Keeps: what was seen is in the story before anything is answered.
"""

import asyncio
import contextlib
import time

from aiortc.rtcdtlstransport import RTCCertificate

from gateway.clock import NS
from gateway.sdk.event import Ended, Event, Resumed, Started, Suspended, Tick
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import NothingCame, SocketLost
from gateway.sdk.signal import SignalClient
from loadtest.crash.diary import Story
from loadtest.crash.stage import Moment, Stage
from loadtest.light_leg import LightLeg
from loadtest.metronome import Metronome
from loadtest.voice import Recording

TOKEN_NS = 300 * NS
"""Age from which on somebody signs in anew."""
HEAR_S = 12.0
LEAVE_S = 3.0
HOLD_TICKS = (39, 42)
"""Ticks around which the second hold of a session is asked for."""


class Person:
    """One account with one socket and one leg at a time."""

    def __init__(
        self,
        phone: str,
        side: str,
        *,
        stage: Stage,
        metronome: Metronome,
        recording: Recording,
        certificate: RTCCertificate,
    ) -> None:
        """`side` is `client` or `provider`."""
        self.side = side
        self.account = ""
        self.story: Story | None = None
        self._phone = phone
        self._stage = stage
        self._metronome = metronome
        self._recording = recording
        self._certificate = certificate
        self._token = ""
        self._signed_in_at_ns = 0
        self._http: HttpClient | None = None
        self._signal: SignalClient | None = None
        self._leg: LightLeg | None = None
        self._life = 0
        self._acks: set[asyncio.Task[None]] = set()

    @property
    def http(self) -> HttpClient:
        """Requests to the present life."""
        assert self._http is not None, "sign in first"
        return self._http

    @property
    def signal(self) -> SignalClient:
        """The socket to the present life."""
        assert self._signal is not None, "enter first"
        return self._signal

    async def sign_in(self) -> None:
        """Be known to the present life; a token outlives the process that made it."""
        if self._http is not None:
            await self._http.close()
        self._life = self._stage.life
        self._http = HttpClient(self._stage.url, token=self._token or None)
        if time.monotonic_ns() - self._signed_in_at_ns > TOKEN_NS or not self._token:
            self._http.token = None
            self.account = str((await self._http.sign_in(self._phone))["id"])
            self._token = str(self._http.token)
            self._signed_in_at_ns = time.monotonic_ns()

    async def enter(self) -> list[str]:
        """Open a socket; answers the live sessions it is told of."""
        await self.sign_in()
        self._signal = SignalClient(self._stage.url)
        await self._signal.connect()
        self._signal.listen(self._on_event)
        welcome = await self._signal.auth(self._token)
        return [session.id for session in welcome.sessions]

    async def join(self, story: Story) -> None:
        """Bring a fresh leg up and hear the other side."""
        self.story = story
        leg = self._leg = LightLeg(self._recording, self._certificate)
        await leg.open()
        answer = await self.signal.request("media.offer", session=story.session, sdp=leg.offer())
        await leg.connect(str(answer["sdp"]))
        story.legs[self.side].append(leg)
        self._metronome.join(leg.say_next)

    async def until_heard(self) -> None:
        """Return when the other side is heard.

        Raises:
            NothingCame: it is not.
        """
        assert self._leg is not None, "join first"
        try:
            await asyncio.wait_for(self._leg.heard.wait(), HEAR_S)
        except TimeoutError:
            raise NothingCame(f"the {self.side} heard nothing within {HEAR_S} s") from None

    async def leave(self) -> None:
        """Close socket and leg, whatever became of the other end."""
        leg, self._leg = self._leg, None
        signal, self._signal = self._signal, None
        if leg is not None:
            self._metronome.leave(leg.say_next)
        for task in list(self._acks):
            task.cancel()
        with contextlib.suppress(TimeoutError, OSError, SocketLost):
            async with asyncio.timeout(LEAVE_S):
                if leg is not None:
                    await leg.close()
                if signal is not None:
                    await signal.close()

    async def close(self) -> None:
        """Leave for good."""
        await self.leave()
        if self._http is not None:
            await self._http.close()

    def _on_event(self, event: Event) -> None:
        story = self.story
        if story is None or event.about != story.session:
            return
        match event:
            case Tick(tick=tick):
                story.tick(self._life, self.side, tick, time.monotonic_ns())
                task = asyncio.create_task(self._acknowledge(story, event))
                self._acks.add(task)
                task.add_done_callback(self._acks.discard)
                if tick in range(*HOLD_TICKS):
                    self._stage.tell(Moment.HOLD)
            case Started() | Resumed():
                story.is_metering = True
            case Suspended() | Ended():
                story.is_metering = False
            case _:
                pass

    async def _acknowledge(self, story: Story, tick: Tick) -> None:
        life = self._life
        with contextlib.suppress(SocketLost):
            await self.signal.post("tick.ack", session=tick.session, tick=tick.tick, head=tick.head)
            story.acked(life, self.side, tick.tick, time.monotonic_ns())
