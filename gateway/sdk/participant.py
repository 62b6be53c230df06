"""An app in a few methods: signalling and a leg joined into one participant.

Decides what an app must do by itself: offer media when accepted, confirm what it
hears with nonce and tariff hash, acknowledge every tick as soon as it comes,
send a line again over the socket when the data channel does not answer.
Never decides what is billed; it only says what it saw (`record.py`).
One call at a time. Rules: docs/wire.md, client flow.
"""

import asyncio
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pydantic import ValidationError

from gateway.clock import Clock, SystemClock
from gateway.ids import RandomIdSource
from gateway.sdk.codec import Subprotocol, decode, encode
from gateway.sdk.event import (
    Accepted,
    ChatMessage,
    ChatStatus,
    Ended,
    Event,
    Problem,
    Ringing,
    SessionView,
    Started,
    Tick,
    parse,
)
from gateway.sdk.peer import Peer
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.sdk.record import Record
from gateway.sdk.signal import SignalClient
from gateway.sdk.speech import Speech
from gateway.terms import SessionKind

CHANNEL_ANSWER_S = 2.0
"""How long a line waits for its status on the data channel before it goes by socket."""


class Path(StrEnum):
    """Which way a line goes."""

    CHANNEL = "channel"
    SOCKET = "socket"


class Participant:
    """One signed-in person with one socket and at most one call."""

    def __init__(
        self,
        signal: SignalClient,
        *,
        speech: Speech | None,
        is_loopback: bool,
        clock: Clock | None = None,
    ) -> None:
        """`signal` is connected and authenticated; `speech` is what this person says in voice sessions."""
        self.signal = signal
        self.record = Record()
        self.peer: Peer | None = None
        self.session: str | None = None
        self.accepted: Accepted | None = None
        self._speech = speech
        self._is_loopback = is_loopback
        self._clock = clock or SystemClock()
        self._ids = RandomIdSource(self._clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_acknowledging = True
        """Whether ticks are acknowledged; off to see what a silent app costs."""
        signal.listen(self._on_event)

    @classmethod
    async def join(
        cls,
        url: str,
        token: str,
        *,
        speech: Speech | None = None,
        subprotocol: Subprotocol = Subprotocol.JSON,
        is_resuming: bool = True,
        resume: str | None = None,
    ) -> "Participant":
        """Connect and authenticate at the gateway's HTTP address."""
        signal = SignalClient(url, subprotocol=subprotocol, is_resuming=is_resuming)
        await signal.connect()
        is_loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost")
        participant = cls(signal, speech=speech, is_loopback=is_loopback)
        try:
            await signal.auth(token, resume=resume)
        except (ProblemAnswer, SocketLost):
            await signal.close()
            raise
        return participant

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def go_online(self) -> None:
        """Become callable, as a provider."""
        await self.signal.request("presence.set", state="online")

    async def invite(self, provider_id: str, kind: SessionKind, tariff_hash: str) -> str:
        """Ring a provider; answers the session's id.

        Raises:
            ProblemAnswer: `insufficient_funds`, `tariff_changed`, `provider_offline`, `busy`, `barred`, `not_found`.
        """
        answer = await self.signal.request(
            "session.invite", provider_id=provider_id, kind=kind, tariff_hash=tariff_hash
        )
        self._begin(Ringing.model_validate(answer).session.id)
        return self._live

    async def accept_next(self, timeout_s: float = 10.0) -> str:
        """Wait for a ring and accept it; answers the session's id.

        Raises:
            NothingCame: nobody rang within `timeout_s`.
            ProblemAnswer: the caller gave up first, or another device accepted.
        """
        ringing = await self.signal.wait(Ringing, timeout_s=timeout_s)
        self._begin(ringing.session.id)
        await self.signal.request("session.accept", session=self._live)
        return self._live

    async def connect(self, timeout_s: float = 15.0) -> None:
        """From `session.accepted` to the confirmation: offer media, hear, say so.

        Raises:
            NothingCame: not accepted, or nothing heard, within `timeout_s`.
            ProblemAnswer: the offer or the confirmation was refused.
        """
        accepted = await self.signal.wait(Accepted, session=self._live, timeout_s=timeout_s)
        self.accepted = accepted
        await self.join_media(accepted.kind, accepted.ice_servers)
        await self.until_heard(timeout_s)
        self.record.confirmed_at_ns = self._clock.monotonic_ns()
        await self.signal.request(
            "media.confirm", session=self._live, nonce=accepted.nonce, tariff_hash=accepted.tariff_hash
        )

    async def join_media(self, kind: SessionKind, ice_servers: list[dict[str, object]]) -> None:
        """Offer a leg; a leg that was there before is replaced by it."""
        old, self.peer = self.peer, None
        if old is not None:
            await old.close()
        self.peer = Peer(
            speech=self._speech if kind is not SessionKind.TEXT else None,
            is_video=kind is SessionKind.VIDEO,
            is_loopback=self._is_loopback,
            ice_servers=ice_servers,
            on_text=self._on_text,
        )
        answer = await self.signal.request("media.offer", session=self._live, sdp=await self.peer.offer())
        await self.peer.take_answer(str(answer["sdp"]))

    async def rejoin(self, session: SessionView) -> None:
        """Take up a live session listed in `welcome`, as a reloaded page does."""
        self.session = session.id
        await self.join_media(session.kind, session.ice_servers)
        await self.until_heard()

    async def until_heard(self, timeout_s: float = 15.0) -> None:
        """Return when the other side is heard; in a text session, when the channel is open."""
        assert self.peer is not None, "join the media first"
        if self.peer.has_voice:
            await self.peer.until_heard(timeout_s)
        else:
            await self.peer.until_open(timeout_s)
        self.record.heard_at_ns = self.record.heard_at_ns or self._clock.monotonic_ns()

    async def until_started(self, timeout_s: float = 15.0) -> Started:
        """Return when the first second begins."""
        return await self.signal.wait(Started, session=self._live, timeout_s=timeout_s)

    async def until_tick(self, billed_s: int, timeout_s: float = 30.0) -> Tick:
        """Return when so many seconds were billed or wait for their far bracket."""
        for seen in self.record.ticks:
            if seen.billed_s + seen.provisional_s >= billed_s:
                return seen
        return await self.signal.wait(
            Tick,
            session=self._live,
            timeout_s=timeout_s,
            where=lambda tick: isinstance(tick, Tick) and tick.billed_s + tick.provisional_s >= billed_s,
        )

    async def until_ended(self, timeout_s: float = 15.0) -> Ended:
        """Return when the session is over, with its receipt."""
        if self.record.ended is not None:
            return self.record.ended
        return await self.signal.wait(Ended, session=self._live, timeout_s=timeout_s)

    async def say(self, text: str, *, by: Path = Path.CHANNEL, name: str | None = None) -> ChatStatus:
        """Send a line and answer its first status; by socket too, under the same id, when the channel is mute.

        Raises:
            ProblemAnswer: the line was refused as a message.
            NothingCame: neither path answered.
        """
        line = name or self._ids.new("line")
        if by is Path.CHANNEL and self._say_by_channel(text, line):
            try:
                return await self._status(line, CHANNEL_ANSWER_S)
            except NothingCame:
                pass
        await self.signal.post("chat.send", id=line, session=self._live, text=text)
        return await self._status(line, 10.0)

    async def next_line(self, timeout_s: float = 10.0) -> ChatMessage:
        """The next line of the other side, by whichever path."""
        return await self.signal.wait(ChatMessage, session=self._live, timeout_s=timeout_s)

    async def mute(self, *, muted: bool) -> None:
        """Tell the gateway first, then send silence."""
        await self.signal.request("mute.set", session=self._live, muted=muted)
        if self.peer is not None:
            self.peer.set_muted(muted=muted)

    async def consent(self, kind: str) -> None:
        """Say yes to what the gateway asked: `spend` or `block`."""
        await self.signal.request("session.consent", session=self._live, kind=kind)

    async def hang_up(self) -> None:
        """End the session."""
        self.record.hung_up_at_ns = self._clock.monotonic_ns()
        self.record.halt(self.record.hung_up_at_ns)
        await self.signal.request("session.end", session=self._live)

    async def report(self, seconds: int | None = None) -> None:
        """Say one's own seconds, counted by one's own clock."""
        count = self.record.own_seconds if seconds is None else seconds
        await self.signal.request("session.report", session=self._live, seconds=count)

    async def leave_media(self) -> None:
        """Close the leg and stay signed in."""
        old, self.peer = self.peer, None
        if old is not None:
            await old.close()

    async def leave(self) -> None:
        """Close the leg and the socket."""
        await self.leave_media()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.signal.close()

    @property
    def _live(self) -> str:
        assert self.session is not None, "there is no call"
        return self.session

    def _begin(self, session: str) -> None:
        self.session = session
        self.record = Record()

    def _on_event(self, event: Event) -> None:
        if event.about not in (None, self.session):
            return
        self.record.take(event, self._clock.monotonic_ns())
        if isinstance(event, Tick) and self.is_acknowledging:
            task = asyncio.create_task(self._acknowledge(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self, tick: Tick) -> None:
        try:
            await self.signal.post(
                "tick.ack",
                session=tick.session,
                tick=tick.tick,
                head=tick.head,
                clock_ms=self._clock.monotonic_ns() // 1_000_000,
            )
        except SocketLost:
            return

    def _on_text(self, text: str) -> None:
        try:
            self.signal.deliver(parse(decode(text)))
        except (ValueError, ValidationError) as wrong:
            self.signal.unreadable.append(f"data channel: {wrong}")

    def _say_by_channel(self, text: str, line: str) -> bool:
        if self.peer is None:
            return False
        message = encode(
            {"type": "chat.send", "id": line, "session": self._live, "text": text}, Subprotocol.JSON
        )
        return self.peer.say(str(message))

    async def _status(self, line: str, timeout_s: float) -> ChatStatus:
        def answers(event: Event) -> bool:
            if isinstance(event, ChatStatus):
                return event.id == line
            return isinstance(event, Problem) and event.re == line

        event = await self.signal.wait(Event, timeout_s=timeout_s, where=answers)
        if isinstance(event, ChatStatus):
            return event
        raise ProblemAnswer(event.model_dump())
