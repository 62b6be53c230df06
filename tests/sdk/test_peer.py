"""The leg, against aiortc's own peer connection."""

import asyncio
from pathlib import Path

import pytest

from gateway.sdk.peer import Peer
from gateway.sdk.problem import NothingCame
from gateway.sdk.speech import Speech

from .answering_peer import AnsweringPeer

pytestmark = pytest.mark.adapter

SPEECH = Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech.load(SPEECH)


async def connected(peer: Peer, other: AnsweringPeer) -> None:
    await peer.take_answer(await other.answer(await peer.offer()))


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_two_peers_on_loopback_hear_each_other_speak(speech):
    peer, other = Peer(speech=speech, is_loopback=True), AnsweringPeer(speech)
    try:
        await connected(peer, other)
        await peer.until_heard()
        await until(lambda: peer.hearing.voiced_frames > 10 and other.hearing.voiced_frames > 10)
        assert peer.hearing.energy > 0
        assert other.hearing.energy > 0
    finally:
        await peer.close()
        await other.close()


async def test_a_leg_without_a_voice_still_sends_text(speech):
    heard: list[str] = []
    peer, other = Peer(speech=None, is_loopback=True, on_text=heard.append), AnsweringPeer(None)
    try:
        assert not peer.say("too early")
        await connected(peer, other)
        await peer.until_open()
        assert peer.say("hello")
        await until(lambda: heard)
        assert heard == ["echo hello"]
        assert not peer.has_voice
    finally:
        await peer.close()
        await other.close()


async def test_a_muted_leg_goes_on_sending_and_is_not_heard(speech):
    peer, other = Peer(speech=speech, is_loopback=True), AnsweringPeer(speech)
    try:
        peer.set_muted(muted=True)
        await connected(peer, other)
        await until(lambda: other.hearing.frames > 10)
        assert other.hearing.voiced_frames == 0
    finally:
        await peer.close()
        await other.close()


async def test_an_offer_names_loopback_and_bundles_everything(speech):
    peer = Peer(speech=speech, is_loopback=True)
    try:
        offer = await peer.offer()
        hosts = [line.split()[4] for line in offer.splitlines() if line.startswith("a=candidate:")]
        assert set(hosts) == {"127.0.0.1"}
        assert "a=group:BUNDLE 0 1" in offer
        assert "m=audio" in offer
        assert "m=application" in offer
    finally:
        await peer.close()


async def test_a_leg_that_hears_nothing_says_so(speech):
    peer = Peer(speech=speech, is_loopback=True)
    try:
        await peer.offer()
        with pytest.raises(NothingCame, match="no audio packet"):
            await peer.until_heard(timeout_s=0.05)
        with pytest.raises(NothingCame, match="data channel"):
            await peer.until_open(timeout_s=0.05)
    finally:
        await peer.close()
