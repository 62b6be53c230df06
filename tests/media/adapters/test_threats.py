"""What must not disturb a running call; every attempt is counted."""

import asyncio
import random
import secrets

import pytest
from aiortc import RTCDtlsFingerprint, RTCDtlsParameters

from gateway.facts import LegClosed, LegConnected
from gateway.ids import SessionId
from gateway.limits import LEG_CONTROL_QUEUE_MAX
from gateway.media.adapters.peer import RECORDS_BURST
from gateway.terms import SessionKind, Side
from tests.media.adapters.conftest import SESSION, Call

pytestmark = pytest.mark.adapter


ANYBODY = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint("sha-256", "00")])
CHECKS: dict[str, tuple[str | None, str | None, str]] = {
    "without integrity": ("", None, "stun_no_integrity"),
    "with another password": ("x" * 32, None, "stun_bad_integrity"),
    "for a stranger's fragment": (None, "stranger:app", "stun_unknown_ufrag"),
    "without a colon": (None, "stranger", "stun_malformed"),
}


@pytest.mark.parametrize("name", CHECKS)
async def test_an_unauthentic_check_gets_no_answer_and_moves_nothing(call: Call, name: str) -> None:
    pwd, username, reason = CHECKS[name]
    client, provider = await call.connect()
    stranger = call.stranger()
    stranger.sendto(client.binding(pwd=pwd, username=username), client.target)
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {reason: 1}
    with pytest.raises(BlockingIOError):
        stranger.recv(2_048)


async def test_a_check_with_the_right_gateway_but_a_wrong_app_fragment_is_nobodys(call: Call) -> None:
    client, provider = await call.connect()
    client.send(client.binding(username=f"{client.far_ufrag}:somebody"))
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"stun_unknown_ufrag": 1}


async def test_a_copied_check_does_not_take_the_path(call: Call) -> None:
    client, provider = await call.connect()
    copied = client.binding()
    client.send(copied)
    await asyncio.wait_for(client.checks.get(), 5)
    thief = call.stranger()
    thief.sendto(copied, client.target)
    await client.check()

    await call.undisturbed(client, provider)


async def test_a_client_hello_from_an_address_that_was_not_latched_is_dropped(call: Call) -> None:
    app = call.app()
    app.take(await call.answer(app, Side.CLIENT))
    racer = call.app(1)
    racer.target = app.target
    hello = asyncio.ensure_future(racer.dtls.start(ANYBODY))
    await app.check()
    await asyncio.sleep(0)

    assert await app.shake_hands()
    await call.facts.until(LegConnected)

    assert call.dropped()["stranger_dtls"] >= 1
    hello.cancel()
    await asyncio.gather(hello, return_exceptions=True)


async def test_a_certificate_that_was_not_announced_closes_that_leg_alone(call: Call) -> None:
    client, provider = await call.connect()
    liar = call.app(2)
    other = SessionId("ses_2")
    wrong = ":".join(["AB"] * 32)
    answer = await call.media.answer(other, Side.CLIENT, SessionKind.VOICE, liar.offer(fingerprint=wrong))
    liar.take(answer)
    await liar.check()
    await liar.shake_hands()

    closed = await call.facts.until(LegClosed)

    assert (closed.session, closed.side) == (other, Side.CLIENT)
    assert call.dropped() == {"dtls_failed": 1}
    await call.undisturbed(client, provider)


async def test_a_handshake_of_noise_leaves_the_leg_waiting(call: Call) -> None:
    app = call.app()
    app.take(await call.answer(app, Side.CLIENT))
    await app.check()
    rng = random.Random(7)
    for _ in range(20):
        app.send(b"\x16\xfe\xfd" + rng.randbytes(rng.randrange(10, 400)))
    await app.check()

    assert await app.shake_hands()
    await call.facts.until(LegConnected)


async def test_a_flood_of_records_fills_one_legs_queue_only(call: Call) -> None:
    client, provider = await call.connect()
    for _ in range(LEG_CONTROL_QUEUE_MAX * 3):
        client.send(b"\x17\xfe\xfd" + bytes(40))
    await client.check()

    await call.undisturbed(client, provider)

    assert set(call.dropped()) <= {"leg_queue_full"}


async def test_a_flood_of_records_without_end_is_throttled(call: Call) -> None:
    client, provider = await call.connect()
    for _ in range(3):
        for _ in range(RECORDS_BURST // 2):
            client.send(b"\x17\xfe\xfd" + bytes(40))
        await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped()["dtls_throttled"] >= RECORDS_BURST // 4


async def test_replays_forgeries_and_strangers_are_dropped_by_kind(call: Call) -> None:
    client, provider = await call.connect()
    packet = client.packet(2, b"once")
    fresh = client.packet(3)
    forged = fresh[:-1] + bytes((fresh[-1] ^ 1,))
    stranger = call.stranger()
    for datagram in (packet, packet, forged):
        client.send(datagram)
    stranger.sendto(client.packet(4), client.target)
    stranger.sendto(client.dtls.protect_rtcp(bytes((0x80, 201, 0, 1)) + bytes(4)), client.target)
    await client.check()
    assert (await provider.hear()).payload == b"once"
    call.seq = 4

    await call.undisturbed(client, provider)

    assert call.dropped() == {"replayed": 1, "bad_tag": 1, "stranger_rtp": 1, "stranger_rtcp": 1}


async def test_forged_rtcp_is_dropped(call: Call) -> None:
    client, provider = await call.connect()
    client.send(bytes((0x81, 203, 0, 1)) + client.ssrc.to_bytes(4, "big") + bytes(30))
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"rtcp_unauthentic": 1}
    assert next(iter(call.media.evidence())).rtcp_last_ns == 0


async def test_rtcp_that_does_not_add_up_is_dropped(call: Call) -> None:
    client, provider = await call.connect()
    client.send(client.dtls.protect_rtcp(bytes((0x9F, 200, 0, 1)) + bytes(4)))
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"rtcp_malformed": 1}


async def test_a_flood_of_rtcp_is_throttled(call: Call) -> None:
    client, provider = await call.connect()
    for _ in range(200):
        client.send(client.dtls.protect_rtcp(bytes((0x80, 201, 0, 1)) + client.ssrc.to_bytes(4, "big")))
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped()["rtcp_throttled"] >= 100


async def test_a_flood_of_authentic_checks_is_throttled(call: Call) -> None:
    client, provider = await call.connect()
    for _ in range(300):
        client.send(client.binding())
    client.speak(9)
    assert (await provider.hear()).payload == b"opus"
    call.seq = 9

    await call.undisturbed(client, provider)

    assert call.dropped()["stun_throttled"] >= 50


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_thousands_of_noise_datagrams_disturb_nobody(call: Call, seed: int) -> None:
    client, provider = await call.connect()
    rng = random.Random(seed)
    stranger = call.stranger()
    sample = [client.binding(), client.packet(1_000), b"\x16\xfe\xfd" + secrets.token_bytes(60)]
    for round_ in range(40):
        for _ in range(50):
            noise = bytearray(
                rng.choice(sample) if rng.random() < 0.5 else rng.randbytes(rng.randrange(1, 300))
            )
            noise[rng.randrange(len(noise))] ^= rng.randrange(1, 256)
            (client.sock if rng.random() < 0.5 else stranger).sendto(noise, client.target)
        await provider.check()
        if round_ % 10 == 0:
            call.seq += 1
            client.speak(2_000 + call.seq, b"still here")
            assert (await provider.hear()).payload == b"still here"

    assert "control_failed" not in call.dropped()
    assert sum(call.dropped().values()) > 1_000
    assert call.facts.of(LegClosed) == []
    assert next(iter(call.media.evidence())).session == SESSION
