"""Real handshakes on loopback: connecting, roaming, restarting, rejoining, leaving, reporting."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket

from gateway.errors import Unprocessable
from gateway.facts import LegAudible, LegClosed, LegConnected, LegGraded, LegMoved
from gateway.ids import SessionId
from gateway.media import rtcp
from gateway.media.adapters.dtls import LegDtls, LegIce
from gateway.media.adapters.feedback import Feedback
from gateway.media.adapters.peer import LegPeer
from gateway.terms import SessionKind, Side, VoiceQuality
from tests.leftovers import collector_off, left_over, there_are
from tests.media.adapters.conftest import SESSION, Call

pytestmark = pytest.mark.adapter
LEG_TYPES = (LegPeer, LegDtls, LegIce, Feedback)


async def test_a_leg_connects_and_is_heard(call: Call) -> None:
    await call.connect()

    audible = await call.facts.until(LegAudible, 2)
    first, second = call.media.evidence()

    assert {fact.side for fact in call.facts.of(LegConnected)} == set(Side)
    assert audible.setup_ns > 0
    assert (first.connected, first.rtp_packets, first.rtp_forwarded, first.level_dbov) == (True, 1, 1, -30)
    assert first.rtp_first_ns == first.rtp_last_ns > 0
    assert first.stun_last_ns > 0
    assert second.side is Side.PROVIDER
    assert call.dropped() == {}


async def test_the_answer_declares_the_source_that_the_relay_writes(call: Call) -> None:
    client, provider = await call.connect()
    client.speak(2)
    provider.speak(2)

    assert (await provider.hear()).ssrc == provider.far_ssrc
    assert (await client.hear()).ssrc == client.far_ssrc


async def test_a_check_is_answered_with_where_it_came_from(call: Call) -> None:
    app = call.app()
    app.take(await call.answer(app, Side.CLIENT))

    answer = await app.check()

    assert answer.attributes["XOR-MAPPED-ADDRESS"] == app.sock.getsockname()
    assert answer.check_message_integrity(app.far_pwd.encode())


async def test_a_leg_that_changes_its_port_is_heard_after_one_check(call: Call) -> None:
    client, provider = await call.connect()
    call.move(client)
    await client.check()

    await call.facts.until(LegMoved)
    await call.undisturbed(client, provider)

    assert len(call.facts.of(LegConnected)) == 2


async def test_packets_from_the_new_port_are_dropped_until_the_check(call: Call) -> None:
    client, provider = await call.connect()
    call.move(client)
    client.speak(50, b"too early")
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"stranger_rtp": 1}


async def test_an_ice_restart_keeps_the_keys(call: Call) -> None:
    client, provider = await call.connect()
    before = client.far_ufrag
    client.restart()
    client.take(await call.answer(client, Side.CLIENT))
    call.move(client)
    await client.check()

    await call.undisturbed(client, provider)

    assert client.far_ufrag != before
    assert len(call.facts.of(LegConnected)) == 2


async def test_old_credentials_are_good_until_the_new_path_is_latched(call: Call) -> None:
    client, provider = await call.connect()
    ufrag = client.ufrag
    client.restart()
    answer = await call.answer(client, Side.CLIENT)
    call.move(client)
    # The app has not read the answer yet and goes on with what it knows.
    client.send(client.binding(username=f"{client.far_ufrag}:{ufrag}"))
    await call.facts.until(LegMoved)
    await call.undisturbed(client, provider)
    client.take(answer)
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {}


async def test_new_credentials_on_the_old_path_end_the_old_ones(call: Call) -> None:
    client, provider = await call.connect()
    copied = client.binding()
    client.restart()
    client.take(await call.answer(client, Side.CLIENT))
    await client.check()
    client.send(copied)
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"stun_unknown_ufrag": 1}


async def test_a_client_hello_in_two_datagrams_is_put_together(call: Call) -> None:
    app = call.app()
    app.ice.splits_hello = True
    app.take(await call.answer(app, Side.CLIENT))
    await app.check()

    assert await app.shake_hands()
    connected = await call.facts.until(LegConnected)

    assert connected.side is Side.CLIENT


async def test_the_same_offer_again_gets_the_same_credentials(call: Call) -> None:
    client, _ = await call.connect()
    before = (client.far_ufrag, client.far_pwd, client.far_ssrc)
    client.take(await call.answer(client, Side.CLIENT))

    assert (client.far_ufrag, client.far_pwd, client.far_ssrc) == before


async def test_an_offer_that_changes_its_sections_but_not_its_certificate_is_refused(call: Call) -> None:
    client, _ = await call.connect()
    more = (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:1",
        "a=sctp-port:5000",
    )
    offer = client.offer(lines=more).replace("BUNDLE 0", "BUNDLE 0 1")

    with pytest.raises(Unprocessable, match="keeps its certificate"):
        await call.media.answer(SESSION, Side.CLIENT, SessionKind.VOICE, offer)


async def test_a_rejoin_replaces_the_leg_and_the_other_side_hears_on(call: Call) -> None:
    client, provider = await call.connect()
    client.speak(2, b"before")
    before = await provider.hear()

    rejoined = await call.join(Side.CLIENT, 2)
    rejoined.speak(30_000, b"after")
    after = await provider.hear()
    provider.speak(9, b"answer")

    assert (await rejoined.hear()).payload == b"answer"
    assert (after.ssrc, after.seq, after.payload) == (before.ssrc, before.seq + 1, b"after")
    assert after.ts - before.ts >= 960
    assert call.facts.of(LegClosed) == []
    assert next(iter(call.media.evidence())).rtp_packets == 3


async def test_the_replaced_leg_is_a_stranger(call: Call) -> None:
    client, _ = await call.connect()
    await call.join(Side.CLIENT, 2)

    client.speak(3)
    client.send(client.binding())
    provider = await call.join(Side.PROVIDER, 0)

    assert provider.dtls.is_up
    assert call.dropped() == {"stranger_rtp": 1, "stun_unknown_ufrag": 1}


async def test_a_far_end_that_closes_is_told_and_leaves_its_evidence(call: Call) -> None:
    client, _ = await call.connect()
    await client.leave()

    closed = await call.facts.until(LegClosed)
    evidence = next(iter(call.media.evidence()))

    assert closed.side is Side.CLIENT
    assert (evidence.connected, evidence.rtp_packets) == (False, 1)
    assert [view.side for view in call.media.legs()] == [Side.PROVIDER]


async def test_a_leg_that_left_may_come_back_with_its_certificate(call: Call) -> None:
    client, provider = await call.connect()
    await client.leave()
    await call.facts.until(LegClosed)

    again = await call.join(Side.CLIENT)

    await call.undisturbed(again, provider)


async def test_a_closed_session_is_gone(call: Call) -> None:
    client, _ = await call.connect()

    await call.media.close(SESSION)

    assert call.media.evidence() == []
    client.send(client.binding())
    other = call.app(2)
    other.take(await call.answer(other, Side.CLIENT))
    await other.check()
    assert call.dropped() == {"stun_unknown_ufrag": 1}


async def test_a_session_that_ended_leaves_nothing_for_the_collector(call: Call) -> None:
    async with collector_off():
        others = there_are(*LEG_TYPES)
        await call.connect()
        with_them = there_are(*LEG_TYPES)

        await call.media.close(SESSION)

        assert with_them == others + len(Side) * len(LEG_TYPES)
        assert await left_over(*LEG_TYPES, of_use=others) == 0


async def test_a_leg_that_is_replaced_leaves_nothing_for_the_collector(call: Call) -> None:
    async with collector_off():
        await call.connect()
        before = there_are(*LEG_TYPES)

        await call.join(Side.CLIENT, 2)

        assert await left_over(*LEG_TYPES, of_use=before) == 0


async def test_a_leg_that_never_connects_goes_with_its_session(call: Call) -> None:
    app = call.app()
    app.take(await call.answer(app, Side.CLIENT))
    await app.check()

    await call.media.close(SESSION)

    assert call.media.legs() == []


async def test_two_sessions_do_not_hear_each_other(call: Call) -> None:
    client, provider = await call.connect()
    other = call.app(2)
    await other.join(
        await call.media.answer(SessionId("ses_2"), Side.CLIENT, SessionKind.VOICE, other.offer())
    )
    call.media.link(SessionId("ses_2"))
    other.speak(1, b"elsewhere")

    await call.undisturbed(client, provider)


async def test_mute_and_unlink_stop_the_voice(call: Call) -> None:
    client, provider = await call.connect()
    call.media.set_muted(SESSION, Side.CLIENT, muted=True)
    client.speak(5, b"muted")
    await client.check()
    call.media.set_muted(SESSION, Side.CLIENT, muted=False)
    call.media.unlink(SESSION)
    client.speak(6, b"unlinked")
    provider.speak(6, b"unlinked")
    await client.check()
    await provider.check()
    call.media.link(SESSION)
    call.seq = 6

    await call.undisturbed(client, provider)


async def test_a_sender_report_is_passed_on_as_one_of_the_forwarded_stream(call: Call) -> None:
    client, provider = await call.connect()
    own = rtcp.SenderReport(ssrc=client.ssrc, ntp=0x1234_5678_9ABC_DEF0, rtp_ts=960)
    compound = rtcp.sender_report(own, packets=1, octets=4) + rtcp.description(client.ssrc, "app")
    client.send(client.dtls.protect_rtcp(compound))

    report = RtcpPacket.parse(await provider.hear_report())

    sender, description = report[0], report[-1]
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert (sender.ssrc, sender.sender_info.ntp_timestamp) == (provider.far_ssrc, own.ntp)
    assert (sender.sender_info.rtp_timestamp, sender.sender_info.packet_count) == (960, 1)


async def test_the_gateway_reports_what_came_of_a_leg(call: Call) -> None:
    client, _ = await call.connect()
    client.speak(4)

    report = RtcpPacket.parse(await client.hear_report())

    receiver = report[0]
    assert isinstance(receiver, RtcpRrPacket)
    block = receiver.reports[0]
    assert (block.ssrc, block.highest_sequence, block.packets_lost) == (client.ssrc, 4, 2)
    assert block.fraction_lost == 128


async def test_how_a_voice_sounds_is_told_when_it_changes(call: Call) -> None:
    client, provider = await call.connect()
    for seq in range(2, 31):
        client.speak(seq, b"word")
    for seq in range(2, 31, 2):
        provider.speak(seq, b"word")

    told = {
        fact.side: fact
        for fact in (await call.facts.until(LegGraded, 1), await call.facts.until(LegGraded, 2))
    }

    assert told[Side.CLIENT].quality is VoiceQuality.GOOD
    assert told[Side.PROVIDER].quality is VoiceQuality.POOR
    assert told[Side.PROVIDER].mos < 2.6 < 4.2 < told[Side.CLIENT].mos


async def test_a_goodbye_is_counted_and_not_believed(call: Call) -> None:
    client, provider = await call.connect()
    goodbye = bytes((0x81, 203, 0, 1)) + client.ssrc.to_bytes(4, "big")
    client.send(client.dtls.protect_rtcp(goodbye))
    await client.check()

    await call.undisturbed(client, provider)

    assert call.dropped() == {"rtcp_goodbye": 1}


async def test_the_round_trip_is_read_from_the_apps_reports(call: Call) -> None:
    client, provider = await call.connect()
    own = rtcp.SenderReport(ssrc=client.ssrc, ntp=0x1234_5678_9ABC_DEF0, rtp_ts=960)
    client.send(client.dtls.protect_rtcp(rtcp.sender_report(own, packets=1, octets=4)))
    await provider.hear_report()
    block = rtcp.ReportBlock(
        ssrc=provider.far_ssrc, fraction_lost=64, lost=1, highest_ext=1, jitter=0, lsr=own.name, dlsr=0
    )
    provider.send(provider.dtls.protect_rtcp(rtcp.receiver_report(provider.ssrc, block)))
    await provider.check()

    _, view = call.media.legs()

    assert view.rtt_ms is not None
    assert view.rtt_ms > 0
    assert (view.loss_down, view.family) == (0.25, "ipv4")
