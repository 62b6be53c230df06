"""One signalled and metered call of two people, its legs driven by the crowd's engine.

Decides the order of a call from both ends, as the apps do it: invite, accept, offer, hear, confirm,
acknowledge each tick, hang up. Keeps its own truth about the seconds (`loadtest/truth.py` compares).
Never asks the gateway what it should believe. See docs/wire.md, client flow.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from gateway.clock import NS
from gateway.limits import TICK_SLOT_NS
from gateway.sdk.problem import NothingCame, ProblemAnswer
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.leg import CrowdLeg
from loadtest.house import Pair
from loadtest.meters.app import Message, MeterApp
from loadtest.meters.crowd import Desk
from loadtest.truth import Told, faults

WAIT_S = 30.0
LOST_WAIT_S = 40.0
"""After a death; a lost leg is given up after 15 s."""
MUTED_S = 4.0
MUTE_SETTLES_S = 0.1
"""What was said before must be through before the gateway stops it."""
STOP_PHASE_NS = 6 * NS // 10
"""A call is hung up so far into one of its seconds: every tick is acknowledged by then, and the next is far away."""
WAY_NS_MAX = NS // 10
"""How much later than its sending the gateway may have seen a last packet."""
Failure = (NothingCame, ProblemAnswer, OSError, TimeoutError)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one call, or of the calls of one pair in all rounds."""

    calls: int = 0
    """How many were set up."""
    first_audio_ms: list[float] = field(default_factory=list)
    """From `session.accepted` to the first packet, of each leg."""
    tick_lag_ms: list[float] = field(default_factory=list)
    """How long after the end of its second each tick of the counted spans arrived."""
    sent: int = 0
    """Packets counted."""
    delivered: int = 0
    """Of those, how many arrived."""
    unknown: int = 0
    """Packets that came and were none of the other leg's."""
    roamed_heard_ms: list[float] = field(default_factory=list)
    """From the change of address to the next packet heard."""
    roamed_lost_s: list[int] = field(default_factory=list)
    """Seconds by which the bill of a call is below the truth, where a leg roamed."""
    killed: int = 0
    """Calls in which somebody died."""
    killed_wrong: int = 0
    """Of those, how many were not billed to the last evidence."""
    wrong: int = 0
    """Calls whose bill or receipt is not what it should be."""
    problems: list[str] = field(default_factory=list)
    """What was wrong; empty when every call was billed as it should be."""


class End:
    """One participant: a socket, and a leg while there is a call."""

    def __init__(self, url: str) -> None:
        self.app = MeterApp(url, listener=self._on)
        self.leg: CrowdLeg | None = None
        self.accepted_at_ns = 0
        self.confirmed_at_ns = 0
        self.started_at_ns = 0
        self.acknowledged = 0
        self.is_counting = False
        self.is_dead = False
        self.lags_ms: list[float] = []
        self.refusals: list[str] = []

    def reset(self, leg: CrowdLeg) -> None:
        """Before a call."""
        self.leg = leg
        self.accepted_at_ns = self.started_at_ns = self.acknowledged = 0

    async def join(self, session: str, accepted: asyncio.Future[Message]) -> None:
        """From accepted to confirmed."""
        assert self.leg is not None, "reset sets it"
        agreed = await asyncio.wait_for(accepted, WAIT_S)
        answer = await self.app.request("media.offer", session=session, sdp=self.leg.offer())
        await self.leg.connect(str(answer["sdp"]))
        try:
            await asyncio.wait_for(self.leg.heard.wait(), WAIT_S)
        except TimeoutError:
            raise NothingCame(f"{agreed['side']} heard nothing within {WAIT_S} s") from None
        self.confirmed_at_ns = time.monotonic_ns()
        await self.app.request(
            "media.confirm", session=session, nonce=agreed["nonce"], tariff_hash=agreed["tariff_hash"]
        )

    def _on(self, message: Message, at_ns: int) -> None:
        if self.is_dead:
            # What was under way to it is read by nobody.
            return
        match message["type"]:
            case "session.accepted":
                self.accepted_at_ns = at_ns
            case "session.started":
                self.started_at_ns = _monotonic_of(str(message["at"]))
            case "tick":
                self.app.acknowledge(message["session"], message["tick"], message["head"])
                self.acknowledged = int(message["tick"])
                if self.is_counting and self.started_at_ns:
                    self.lags_ms.append((at_ns - self.started_at_ns - self.acknowledged * NS) / 1e6)
            case "problem" if "re" not in message:
                self.refusals.append(str(message["code"]))
            case _:
                pass


class Call:
    """Two ends and what happens between them, once or more often."""

    def __init__(self, url: str, pair: Pair, desk: Desk, *, crowd: Crowd, number: int) -> None:
        """Numbers count calls; the legs have the two numbers that belong to it."""
        self.outcome = Outcome()
        self.ends = End(url), End(url)
        self._url, self._pair, self._desk, self._crowd, self._number = url, pair, desk, crowd, number
        self._provider_id = self._tariff_hash = self._session = ""
        self._has_roamed = self._is_up = False
        self._started: list[asyncio.Future[Message]] = []
        self._ended: asyncio.Future[Message] | None = None

    @property
    def is_whole(self) -> bool:
        """Nobody of it has died."""
        return not any(end.is_dead for end in self.ends)

    async def open(self, phase_s: float) -> None:
        """Both sign in; the provider goes online. What fails is a problem of this call alone."""
        client, provider = self.ends
        try:
            client_token, _ = await self._desk.sign_in(self._pair.client)
            provider_token, self._provider_id = await self._desk.sign_in(self._pair.provider)
            await provider.app.open(self._url, provider_token, phase_s=phase_s)
            await provider.app.request("presence.set", state="online")
            await client.app.open(self._url, client_token, phase_s=phase_s)
            self._tariff_hash = await self._desk.tariff_hash(client_token, self._provider_id)
        except Failure as failed:
            self._fail(f"not signed in: {failed!r}")

    async def set_up(self) -> bool:
        """Ring, accept, connect, hear, confirm; False where that failed."""
        if self.outcome.problems or not self.is_whole:
            return False
        for each, end in enumerate(self.ends):
            end.reset(CrowdLeg(self._crowd, 2 * self._number + each))
        started = [end.app.expect("session.started") for end in self.ends]
        try:
            await self._ring()
            accepted = [end.app.expect("session.accepted") for end in self.ends]
            await self.ends[1].app.request("session.accept", session=self._session)
            await asyncio.gather(
                *(end.join(self._session, future) for end, future in zip(self.ends, accepted, strict=True))
            )
        except Failure as failed:
            self._fail(f"not set up: {failed!r}")
            return False
        self._started = started
        self._is_up = True
        self.outcome.calls += 1
        self.outcome.first_audio_ms += [
            (end.leg.heard_at_ns - end.accepted_at_ns) / 1e6 for end in self.ends if end.leg is not None
        ]
        return True

    async def until_started(self) -> None:
        """The meter runs."""
        if not self._is_up:
            return
        try:
            for future in self._started:
                await asyncio.wait_for(future, WAIT_S)
        except TimeoutError:
            self._is_up = False
            self._fail("not started")
        self._ended = self.ends[0].app.expect("session.ended")

    def count(self, *, is_counting: bool) -> None:
        """Count ticks from now on, or no more."""
        for end in self.ends:
            end.is_counting = is_counting

    async def roam(self, side: int) -> None:
        """One leg goes to another address."""
        leg = self.ends[side].leg
        if self._is_up and leg is not None:
            self._has_roamed = True
            await leg.roam()

    async def mute(self, side: int) -> None:
        """One person mutes for a while, and sends nothing meanwhile."""
        end = self.ends[side]
        if not self._is_up or end.leg is None:
            return
        end.leg.hush(is_hushed=True)
        await asyncio.sleep(MUTE_SETTLES_S)
        try:
            await end.app.request("mute.set", session=self._session, muted=True)
            await asyncio.sleep(MUTED_S)
            await end.app.request("mute.set", session=self._session, muted=False)
        except Failure as failed:
            self.outcome.problems.append(f"not muted: {failed!r}")
        end.leg.hush(is_hushed=False)

    async def kill(self, side: int) -> None:
        """Leg and app of one side are gone at once."""
        end, survivor = self.ends[side], self.ends[1 - side]
        if not self._is_up or end.leg is None:
            return
        self._ended = survivor.app.expect("session.ended")
        end.is_dead = True
        end.leg.kill()
        end.app.close()

    async def hang_up(self) -> None:
        """End the call, or learn how it ended, and compare its receipt with the truth."""
        if not self._is_up or self._ended is None:
            return
        try:
            told = await (self._hang_up(self._ended) if self.is_whole else self._found_dead(self._ended))
        except Failure as failed:
            self._fail(f"not ended: {failed!r}")
        else:
            self._compare(told)
        await self._drop_legs()

    async def close(self) -> None:
        """Both leave."""
        await self._drop_legs()
        self.outcome.tick_lag_ms = [lag for end in self.ends for lag in end.lags_ms]
        for end in self.ends:
            if end.app.is_lost and not end.is_dead:
                self.outcome.problems.append("a socket was lost")
            end.app.close()

    async def _ring(self) -> None:
        client, provider = self.ends
        rings = provider.app.expect("session.ringing")
        answer = await client.app.request(
            "session.invite", provider_id=self._provider_id, kind="voice", tariff_hash=self._tariff_hash
        )
        self._session = str(answer["session"]["id"])
        await asyncio.wait_for(rings, WAIT_S)

    async def _hang_up(self, ended: asyncio.Future[Message]) -> Told:
        client = self.ends[0]
        into_ns = (time.monotonic_ns() - client.started_at_ns) % NS
        await asyncio.sleep((STOP_PHASE_NS - into_ns) % NS / NS)
        hung_up_at_ns = time.monotonic_ns()
        await client.app.request("session.end", session=self._session)
        told_at_ns = time.monotonic_ns()
        receipt = (await asyncio.wait_for(ended, WAIT_S))["receipt"]
        first_s, last_s = ((at - client.started_at_ns) // NS for at in (hung_up_at_ns, told_at_ns))
        return Told(receipt=receipt, least_s=first_s, most_s=last_s, early_ns=self._early_ns(client))

    async def _found_dead(self, ended: asyncio.Future[Message]) -> Told:
        """The last evidence of a side is the earlier of its last packet and its last acknowledgement."""
        (dead,) = [end for end in self.ends if end.is_dead]
        (survivor,) = [end for end in self.ends if not end.is_dead]
        receipt = (await asyncio.wait_for(ended, LOST_WAIT_S))["receipt"]
        assert dead.leg is not None, "it had one"
        spoken_ns = dead.leg.figures["sent_last_ns"] - survivor.started_at_ns
        least_s, most_s = (min(ns // NS, dead.acknowledged) for ns in (spoken_ns, spoken_ns + WAY_NS_MAX))
        return Told(receipt=receipt, least_s=least_s, most_s=most_s, early_ns=self._early_ns(survivor))

    def _early_ns(self, told: End) -> int:
        """By how much the start that this end was told is before the later confirmation."""
        return max(end.confirmed_at_ns for end in self.ends) - told.started_at_ns

    def _compare(self, told: Told) -> None:
        outcome = self.outcome
        found = faults(told) + [f"refused: {code}" for end in self.ends for code in end.refusals]
        outcome.problems += found
        outcome.wrong += bool(found)
        if not self.is_whole:
            outcome.killed += 1
            outcome.killed_wrong += bool(found)
        if self._has_roamed:
            outcome.roamed_lost_s.append(max(0, told.least_s - told.counted_s))

    async def _drop_legs(self) -> None:
        for end in self.ends:
            if end.leg is None:
                continue
            leg, end.leg = end.leg, None
            await leg.close()
            figures = leg.figures
            self.outcome.sent += figures["sent"]
            self.outcome.delivered += figures["delivered"]
            self.outcome.unknown += figures["unknown"]
            if figures["is_between"]:
                self.outcome.problems.append("a leg that roamed was never heard again")
            elif figures["roamed_heard_ns"]:
                self.outcome.roamed_heard_ms.append(figures["roamed_heard_ns"] / 1e6)
        self._is_up = self._has_roamed = False

    def _fail(self, sentence: str) -> None:
        self.outcome.problems.append(sentence)
        self.outcome.wrong += 1


def _monotonic_of(at: str) -> int:
    """The monotonic instant of a wall time; seconds of a session begin on 32nds of the monotonic second."""
    age_s = time.time() - datetime.fromisoformat(at).timestamp()
    return round((time.monotonic_ns() - age_s * NS) / TICK_SLOT_NS) * TICK_SLOT_NS
