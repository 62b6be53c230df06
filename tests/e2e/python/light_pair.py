"""Two people whose legs are a socket, DTLS and SRTP each: their packets can be counted and cut off."""

import asyncio
from typing import Self

from aiortc.rtcdtlstransport import RTCCertificate

from gateway import selftest
from gateway.sdk.http import HttpClient
from gateway.sdk.participant import Participant
from gateway.terms import SessionKind
from loadtest.light_leg import LightLeg
from loadtest.metronome import Metronome
from loadtest.voice import Recording

from .stage import Stage


class LightParticipant(Participant):
    """A participant with a leg that encodes and decodes nothing."""

    leg: LightLeg
    metronome: Metronome

    async def join_media(self, kind: SessionKind, _ice_servers: list[dict[str, object]]) -> None:
        """Offer the leg and let it speak."""
        assert kind is SessionKind.VOICE
        await self.leg.open()
        answer = await self.signal.request("media.offer", session=self.session, sdp=self.leg.offer())
        await self.leg.connect(str(answer["sdp"]))
        self.metronome.join(self.leg.say_next)

    async def until_heard(self, timeout_s: float = 15.0) -> None:
        """Return when the other side's voice came."""
        await asyncio.wait_for(self.leg.heard.wait(), timeout_s)

    async def leave_media(self) -> None:
        """Fall silent and close the leg."""
        self.metronome.leave(self.leg.say_next)
        await self.leg.close()


class LightPair:
    """A caller and a called one, talking."""

    def __init__(self, caller: LightParticipant, called: LightParticipant) -> None:
        self.caller = caller
        self.called = called
        caller.leg.far_stamps, called.leg.far_stamps = called.leg.stamps, caller.leg.stamps

    @classmethod
    async def talking(cls, stage: Stage) -> Self:
        """Both hear each other and the first second has begun."""
        metronome = Metronome()
        metronome.start()
        stage.stack.push_async_callback(metronome.stop)
        recording, certificate = Recording.load(selftest.SPEECH_FILE), RTCCertificate.generateCertificate()

        async def joined(http: HttpClient) -> LightParticipant:
            person = await LightParticipant.join(stage.url, str(http.token))
            assert isinstance(person, LightParticipant)
            person.leg, person.metronome = LightLeg(recording, certificate), metronome
            return await stage.stack.enter_async_context(person)

        caller, called = await joined(stage.client), await joined(stage.provider)
        pair = cls(caller, called)
        await called.go_online()
        await caller.invite(stage.provider_id, SessionKind.VOICE, await stage.tariff_hash(SessionKind.VOICE))
        await called.accept_next()
        await asyncio.gather(caller.connect(), called.connect())
        await asyncio.gather(caller.until_started(), called.until_started())
        return pair

    def count(self, *, is_counting: bool) -> None:
        """Count the packets that both send from now on, or no more."""
        for person in (self.caller, self.called):
            person.leg.stamps.is_counting = is_counting
