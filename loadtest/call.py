"""One signalled and metered call with two light legs.

Decides the order of a call from both ends, as the apps do it: invite, accept,
offer, hear, confirm, acknowledge each tick, hang up. Keeps its own truth about
how long the call can have been: from the last confirmation sent to the hang-up.
Never asks the gateway what it should believe. See docs/wire.md, client flow.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from aiortc.rtcdtlstransport import RTCCertificate

from gateway.clock import NS
from gateway.sdk.event import Accepted, Ended, Event, Problem, Ringing, Started, Tick
from gateway.sdk.http import Body, HttpClient
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.sdk.receipt import problems_of
from gateway.sdk.signal import SignalClient
from gateway.terms import SessionKind
from loadtest.house import Pair
from loadtest.light_leg import LightLeg
from loadtest.metronome import Metronome
from loadtest.voice import Recording

HEAR_S = 15.0
STOP_ALLOWANCE_NS = NS // 4
"""How long after the hang-up was sent the gateway may have gone on counting."""
SECONDS_SHORT_MAX = 2
"""How many seconds below the truth a bill may be: one at each end."""

Failure = (NothingCame, ProblemAnswer, SocketLost)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one call."""

    first_audio_ms: list[float] = field(default_factory=list)
    """From `session.accepted` to the first packet, of each leg."""
    tick_lag_ms: list[float] = field(default_factory=list)
    """How long after the end of its second each tick arrived."""
    billed_s: int = 0
    """Seconds on the receipt."""
    truth_s: float = 0.0
    """Seconds by the generator's own clock."""
    problems: list[str] = field(default_factory=list)
    """What was wrong; empty when the call was billed as it should be."""


class End:
    """One participant: a socket and a light leg."""

    def __init__(self, url: str, phone: str, leg: LightLeg) -> None:
        self.http = HttpClient(url)
        self.signal = SignalClient(url)
        self.account: Body = {}
        self.leg = leg
        self.accepted_at_ns = 0
        self.started: Started | None = None
        self.started_at_ns = 0
        self.tick_lag_ms: list[float] = []
        self.refusals: list[str] = []
        self._phone = phone
        self._tasks: set[asyncio.Task[str]] = set()

    async def open(self) -> None:
        """Sign in and bind the leg's port."""
        self.account = await self.http.sign_in(self._phone)
        await self.signal.connect()
        await self.signal.auth(str(self.http.token))
        self.signal.listen(self._on_event)
        await self.leg.open()

    async def join(self, session: str) -> int:
        """From accepted to confirmed; answers when the confirmation was sent."""
        accepted = await self.signal.wait(Accepted, session=session, timeout_s=HEAR_S)
        answer = await self.signal.request("media.offer", session=session, sdp=self.leg.offer())
        await self.leg.connect(str(answer["sdp"]))
        try:
            await asyncio.wait_for(self.leg.heard.wait(), HEAR_S)
        except TimeoutError:
            raise NothingCame(f"{accepted.side} heard nothing within {HEAR_S} s") from None
        now_ns = time.monotonic_ns()
        await self.signal.request(
            "media.confirm", session=session, nonce=accepted.nonce, tariff_hash=accepted.tariff_hash
        )
        return now_ns

    async def close(self) -> None:
        """Leave."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.leg.close()
        await self.signal.close()
        await self.http.close()

    def _on_event(self, event: Event) -> None:
        match event:
            case Accepted():
                self.accepted_at_ns = time.monotonic_ns()
            case Started():
                self.started, self.started_at_ns = event, time.monotonic_ns()
            case Tick():
                self._on_tick(event)
            case Problem():
                self.refusals.append(event.code)
            case _:
                pass

    def _on_tick(self, tick: Tick) -> None:
        if self.started is not None:
            due_s = datetime.fromisoformat(self.started.at).timestamp() + tick.tick
            self.tick_lag_ms.append((time.time() - due_s) * 1_000)
        task = asyncio.create_task(
            self.signal.post("tick.ack", session=tick.session, tick=tick.tick, head=tick.head)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Call:
    """Two ends and what happens between them."""

    def __init__(self, url: str, pair: Pair, recording: Recording, certificate: RTCCertificate) -> None:
        self.client = End(url, pair.client, LightLeg(recording, certificate))
        self.provider = End(url, pair.provider, LightLeg(recording, certificate))
        self.client.leg.far_stamps = self.provider.leg.stamps
        self.provider.leg.far_stamps = self.client.leg.stamps
        self.outcome = Outcome()
        self._session = ""
        self._tariff_hash = ""
        self._confirmed_at_ns = 0

    @property
    def ends(self) -> tuple[End, End]:
        """Client and provider."""
        return self.client, self.provider

    async def open(self) -> None:
        """Both sign in; the provider goes online. What fails is a problem of this call alone."""
        try:
            await asyncio.gather(self.client.open(), self.provider.open())
            await self.provider.signal.request("presence.set", state="online")
            shown = await self.client.http.provider(self.provider.account["id"])
        except Failure as failed:
            self.outcome.problems.append(f"not signed in: {failed}")
            return
        (offer,) = [offer for offer in shown["offers"] if offer["kind"] == SessionKind.VOICE]
        self._tariff_hash = str(offer["tariff_hash"])

    async def set_up(self, metronome: Metronome) -> bool:
        """Ring, accept, connect, hear, confirm, start; False where that failed."""
        if self.outcome.problems:
            return False
        try:
            await self._ring()
            for end in self.ends:
                metronome.join(end.leg.say_next)
            self._confirmed_at_ns = max(await asyncio.gather(*(end.join(self._session) for end in self.ends)))
            for end in self.ends:
                await end.signal.wait(Started, session=self._session, timeout_s=HEAR_S)
        except Failure as failed:
            self.outcome.problems.append(f"not set up: {failed}")
            return False
        self.outcome.first_audio_ms = [(end.leg.heard_at_ns - end.accepted_at_ns) / 1e6 for end in self.ends]
        return True

    async def hang_up(self) -> None:
        """End the call and compare its receipt with the truth."""
        try:
            stopped_ns = time.monotonic_ns()
            await self.client.signal.request("session.end", session=self._session)
            ended = await self.client.signal.wait(Ended, session=self._session, timeout_s=HEAR_S)
        except Failure as failed:
            self.outcome.problems.append(f"not ended: {failed}")
            return
        self.outcome.tick_lag_ms = self.client.tick_lag_ms + self.provider.tick_lag_ms
        self._compare(ended, stopped_ns)

    async def close(self, metronome: Metronome) -> None:
        """Both leave."""
        for end in self.ends:
            metronome.leave(end.leg.say_next)
        await asyncio.gather(*(end.close() for end in self.ends))

    def count(self, *, is_counting: bool) -> None:
        """Count the packets sent from now on, or no more."""
        for end in self.ends:
            end.leg.stamps.is_counting = is_counting

    async def _ring(self) -> None:
        provider_id, kind = self.provider.account["id"], SessionKind.VOICE
        ringing = await self.client.signal.request(
            "session.invite", provider_id=provider_id, kind=kind, tariff_hash=self._tariff_hash
        )
        self._session = Ringing.model_validate(ringing).session.id
        await self.provider.signal.wait(Ringing, session=self._session, timeout_s=HEAR_S)
        await self.provider.signal.request("session.accept", session=self._session)

    def _compare(self, ended: Ended, stopped_ns: int) -> None:
        outcome = self.outcome
        outcome.problems += [f"refused: {code}" for end in self.ends for code in end.refusals]
        if ended.receipt is None:
            outcome.problems.append(f"ended by {ended.reason} without a receipt")
            return
        outcome.problems += problems_of(ended.receipt)
        outcome.billed_s = int(str(ended.receipt["billed_s"]))
        outcome.truth_s = (stopped_ns - self.client.started_at_ns) / NS
        most_s = (stopped_ns + STOP_ALLOWANCE_NS - self._confirmed_at_ns) // NS
        if outcome.billed_s > most_s:
            outcome.problems.append(f"{outcome.billed_s} s billed, at most {most_s} s were spoken")
        if outcome.billed_s < int(outcome.truth_s) - SECONDS_SHORT_MAX:
            outcome.problems.append(f"{outcome.billed_s} s billed of {outcome.truth_s:.2f} s")
