"""Two people, a whole gateway and what they do with it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway import selftest
from gateway.sdk.codec import Subprotocol
from gateway.sdk.http import Body, HttpClient
from gateway.sdk.participant import Participant
from gateway.sdk.receipt import owed_micros, problems_of
from gateway.sdk.speech import Speech
from gateway.terms import SessionKind

MICROS_PER_SECOND = 50_000
"""3 CNY a minute."""
CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")


def speeches() -> tuple[Speech, Speech]:
    """What the client and the provider say: real people where they are installed."""
    clips = sorted(CLIPS.glob("*.wav"))
    if len(clips) < 2:
        return Speech.load(selftest.SPEECH_FILE), Speech.load(selftest.SPEECH_FILE)
    return Speech.load(clips[0]), Speech.load(clips[1])


@dataclass(kw_only=True)
class Stage:
    """One gateway with one pair of people."""

    url: str
    media_port: int
    client: HttpClient
    provider: HttpClient
    operator: HttpClient
    provider_id: str
    speeches: tuple[Speech, Speech]
    stack: AsyncExitStack

    async def join(
        self,
        http: HttpClient,
        *,
        speech: Speech | None = None,
        subprotocol: Subprotocol = Subprotocol.JSON,
        resume: str | None = None,
    ) -> Participant:
        participant = await Participant.join(
            self.url, str(http.token), speech=speech, subprotocol=subprotocol, resume=resume
        )
        return await self.stack.enter_async_context(participant)

    async def stranger(self) -> str:
        """The token of somebody who has nothing to do with the call."""
        http = await self.stack.enter_async_context(HttpClient(self.url))
        await http.sign_in("+8610000009999")
        return str(http.token)

    async def tariff_hash(self, kind: SessionKind) -> str:
        offers = (await self.client.provider(self.provider_id))["offers"]
        (found,) = [offer["tariff_hash"] for offer in offers if offer["kind"] == kind]
        return str(found)

    async def ring(self, kind: SessionKind = SessionKind.VOICE) -> tuple[Participant, Participant]:
        """Both are there and the call is accepted; (caller, called)."""
        caller = await self.join(self.client, speech=self.speeches[0])
        called = await self.join(self.provider, speech=self.speeches[1], subprotocol=Subprotocol.MSGPACK)
        await called.go_online()
        await caller.invite(self.provider_id, kind, await self.tariff_hash(kind))
        await called.accept_next()
        return caller, called

    async def talk(self, kind: SessionKind = SessionKind.VOICE) -> tuple[Participant, Participant]:
        """Both hear each other and the first second has begun."""
        caller, called = await self.ring(kind)
        await asyncio.gather(caller.connect(), called.connect())
        await asyncio.gather(caller.until_started(), called.until_started())
        return caller, called

    async def settled(self, participant: Participant) -> Body:
        """The receipt of a call that is over, checked from outside; the ledger balances."""
        receipt = await self.client.receipt(str(participant.session))
        assert problems_of(receipt) == []
        assert receipt["charge_micros"] == owed_micros(
            receipt["tariff"], receipt["billed_s"] + receipt["free_s"]
        )
        books = await self.operator.audited()
        assert books["ok"], books
        return receipt
