"""The load generator's leg, against aiortc's own peer connection."""

import asyncio
from pathlib import Path

import pytest
from aiortc.rtcdtlstransport import RTCCertificate

from gateway.sdk.problem import NothingCame
from gateway.sdk.speech import Speech
from loadtest.light_leg import LightLeg
from loadtest.metronome import Metronome
from loadtest.voice import Recording

from .answering_peer import AnsweringPeer

pytestmark = pytest.mark.adapter

SPEECH = Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.load(SPEECH)


@pytest.fixture
async def leg(recording):
    leg = LightLeg(recording, RTCCertificate.generateCertificate())
    await leg.open()
    yield leg
    await leg.close()


@pytest.fixture
async def other():
    peer = AnsweringPeer(Speech.load(SPEECH))
    yield peer
    await peer.close()


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_light_leg_is_heard_by_a_real_peer_and_hears_it(leg, other):
    await leg.connect(await other.answer(leg.offer()))
    metronome = Metronome()
    metronome.join(leg.say_next)
    metronome.start()
    await until(lambda: other.hearing.voiced_frames > 20 and leg.received > 20)
    await metronome.stop()
    assert leg.heard.is_set()
    assert leg.bad == 0


async def test_noise_does_not_disturb_a_light_leg(leg, other):
    await leg.connect(await other.answer(leg.offer()))
    for noise in (b"", b"\x00", b"\x00" * 20, b"\x80" + b"\x01" * 40, b"\x16" * 10, b"\xff" * 100):
        leg.datagram_received(noise, ("127.0.0.1", 9))
    await asyncio.wait_for(leg.heard.wait(), 10)
    assert leg.bad == 1


async def test_an_answer_with_another_fingerprint_is_refused(leg, other):
    answer = await other.answer(leg.offer())
    forged = "\r\n".join(
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32) if line.startswith("a=fingerprint:sha-256") else line
        for line in answer.splitlines()
    )
    with pytest.raises(NothingCame, match="DTLS failed"):
        await leg.connect(forged + "\r\n")


async def test_an_answer_without_a_candidate_is_refused(leg, other):
    answer = await other.answer(leg.offer())
    bare = "\r\n".join(line for line in answer.splitlines() if not line.startswith("a=candidate"))
    with pytest.raises(ValueError, match="lacks a candidate"):
        await leg.connect(bare + "\r\n")


async def test_a_metronome_spreads_beats_and_keeps_real_time():
    metronome = Metronome()
    beats = [0] * 20
    for index in range(20):

        def beat(index: int = index) -> None:
            beats[index] += 1

        metronome.join(beat)
    metronome.start()
    await until(lambda: min(beats) >= 5)
    await metronome.stop()
    assert max(beats) - min(beats) <= 1
