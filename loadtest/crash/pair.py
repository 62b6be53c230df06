"""Two people who call each other again and again, whatever happens to the gateway.

Decides, from a seeded source, how long each call is and who of them comes back
after a kill: mostly both, within the grace; sometimes one of them or nobody.
Never judges; what they saw is in their stories.
Keeps: one session at a time; a session that was given up is waited for until it
is settled, before the next call.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable
from enum import StrEnum

from gateway.clock import NS
from gateway.sdk.event import Accepted, Ended, Ringing, Started
from gateway.sdk.problem import NothingCame, ProblemAnswer, SocketLost
from gateway.terms import SessionKind, SessionState
from loadtest.crash.diary import Story
from loadtest.crash.person import Person
from loadtest.crash.stage import Moment, Stage

FINAL = frozenset(
    {
        SessionState.SETTLED,
        SessionState.DECLINED,
        SessionState.MISSED,
        SessionState.CANCELLED,
        SessionState.BUSY,
        SessionState.CONNECT_FAILED,
    }
)
RETURN_S_MAX = 3.0
"""Who comes back does so within this time of the gateway's; its grace is 15 s."""
SHORT_S = (6.0, 22.0)
LONG_S = (45.0, 75.0)
"""How long a call is, of a steady pair: its second hold falls into it."""
LAST_S = 5.0
"""How long a call goes on at most when no more kills come."""
START_S = 20.0
END_S = 15.0
SETTLE_S = 60.0
POLL_S = 0.5
PAUSE_S = 1.0
Failure = (NothingCame, ProblemAnswer, SocketLost, OSError, TimeoutError)


class Return(StrEnum):
    """Who comes back after a kill."""

    BOTH = "both"
    CLIENT = "client"
    PROVIDER = "provider"
    NOBODY = "nobody"


class Pair:
    """A client and a provider."""

    def __init__(
        self,
        client: Person,
        provider: Person,
        *,
        stage: Stage,
        seed: str,
        is_steady: bool,
    ) -> None:
        """A steady pair makes long calls and always comes back."""
        self.stories: list[Story] = []
        self.problems: list[str] = []
        self.refusals: Counter[str] = Counter()
        self._client = client
        self._provider = provider
        self._stage = stage
        self._random = random.Random(seed)
        self._is_steady = is_steady
        self._open: Story | None = None
        self._talk_s = 0.0

    @property
    def open_story(self) -> Story | None:
        """The session that goes on, as far as its people know."""
        return self._open

    async def run(self) -> None:
        """Call until the stage is over and the last session has ended."""
        while self._open is not None or not self._stage.is_over:
            life = await self._stage.until_up()
            try:
                await self._until_killed(self._live())
            except Failure as failed:
                if self._stage.is_up and self._stage.life == life:
                    self._note(failed)
                    await asyncio.sleep(PAUSE_S)
            finally:
                await asyncio.gather(self._client.leave(), self._provider.leave())
        await asyncio.gather(self._client.close(), self._provider.close())

    async def _until_killed(self, living: Awaitable[None]) -> None:
        """Do that until it is done or the gateway is killed."""
        doing = asyncio.ensure_future(living)
        dying = asyncio.ensure_future(self._stage.until_down())
        try:
            await asyncio.wait((doing, dying), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await doing
        finally:
            doing.cancel()
            dying.cancel()
            await asyncio.gather(doing, dying, return_exceptions=True)

    def _note(self, failed: Exception) -> None:
        if isinstance(failed, ProblemAnswer):
            self.refusals[failed.code] += 1
        else:
            session = self._open.session if self._open else "no session"
            self.problems.append(f"{session} in life {self._stage.life}: {failed!r}")

    async def _live(self) -> None:
        if self._open is None:
            await self._call()
        else:
            await self._return(self._open)

    async def _call(self) -> None:
        self._talk_s = self._random.uniform(*(LONG_S if self._is_steady else SHORT_S))
        await self._provider.enter()
        await self._provider.signal.request("presence.set", state="online")
        await self._client.enter()
        story = self._open = await self._ring()
        self.stories.append(story)
        people = (self._client, self._provider)
        for person in people:
            person.story = story
        await self._provider.signal.wait(Ringing, session=story.session)
        self._stage.tell(Moment.CONNECTING)
        await self._provider.signal.request("session.accept", session=story.session)
        await asyncio.gather(*(self._connect(person, story) for person in people))
        for person in people:
            await person.signal.wait(Started, session=story.session, timeout_s=START_S)
        await self._talk(story)

    async def _ring(self) -> Story:
        shown = await self._client.http.provider(self._provider.account)
        (offer,) = [offer for offer in shown["offers"] if offer["kind"] == SessionKind.VOICE]
        self._stage.tell(Moment.RINGING)
        answer = await self._client.signal.request(
            "session.invite",
            provider_id=self._provider.account,
            kind=SessionKind.VOICE,
            tariff_hash=offer["tariff_hash"],
        )
        return Story(session=Ringing.model_validate(answer).session.id)

    async def _connect(self, person: Person, story: Story) -> None:
        accepted = await person.signal.wait(Accepted, session=story.session)
        await person.join(story)
        await person.until_heard()
        await person.signal.request(
            "media.confirm",
            session=story.session,
            nonce=accepted.nonce,
            tariff_hash=accepted.tariff_hash,
        )

    async def _talk(self, story: Story) -> None:
        began_ns = time.monotonic_ns()
        try:
            left_s = min(self._talk_s, LAST_S) if self._stage.is_over else self._talk_s
            async with asyncio.timeout(max(0.0, left_s)):
                await self._client.signal.wait(Ended, session=story.session, timeout_s=SETTLE_S * 10)
        except TimeoutError:
            await self._hang_up(story)
        finally:
            self._talk_s -= (time.monotonic_ns() - began_ns) / NS
        await self._until_settled(story)

    async def _hang_up(self, story: Story) -> None:
        caller = self._random.choice((self._client, self._provider))
        story.is_hung_up = True
        self._stage.tell(Moment.SETTLEMENT)
        await caller.signal.request("session.end", session=story.session)
        await caller.signal.wait(Ended, session=story.session, timeout_s=END_S)

    async def _return(self, story: Story) -> None:
        """After a kill: take the session up again, or leave it to the gateway."""
        kind = Return.BOTH if self._is_steady else self._who_returns()
        coming = {
            Return.BOTH: (self._client, self._provider),
            Return.CLIENT: (self._client,),
            Return.PROVIDER: (self._provider,),
            Return.NOBODY: (),
        }[kind]
        story.is_metering = False
        await self._client.sign_in()
        await asyncio.gather(*(self._come_back(person, story) for person in coming))
        if kind is Return.BOTH and all(person.story is story for person in coming):
            await self._talk(story)
        else:
            await self._until_settled(story)

    def _who_returns(self) -> Return:
        (kind,) = self._random.choices(list(Return), weights=(60, 8, 8, 24))
        return kind

    async def _come_back(self, person: Person, story: Story) -> None:
        await asyncio.sleep(self._random.uniform(0, RETURN_S_MAX))
        person.story = None
        if story.session in await person.enter():
            await person.join(story)

    async def _until_settled(self, story: Story) -> None:
        """Ask until the session is over for good."""
        async with asyncio.timeout(SETTLE_S):
            while True:
                if (await self._client.http.session(story.session))["state"] in FINAL:
                    self._open = None
                    return
                await asyncio.sleep(POLL_S)
