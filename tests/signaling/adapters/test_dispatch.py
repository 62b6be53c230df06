"""What each message of a signed-in socket does."""

import json

import pytest

from gateway.signaling.adapters.asyncapi import received
from gateway.signaling.adapters.dispatch import Dispatch
from gateway.signaling.adapters.wire import Auth
from tests.signaling.adapters.socket_stand import ring, standing
from tests.signaling.fakes import CHEAPER, TARIFF
from tests.signaling.world import World, tick

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize("of_client", ["gateway.json", "gateway.msgpack"])
@pytest.mark.parametrize("of_provider", ["gateway.json", "gateway.msgpack"])
async def test_a_whole_call_is_signalled_over_either_subprotocol(of_client: str, of_provider: str) -> None:
    async with standing() as stand:
        client = await stand.sign_in(subprotocol=of_client)
        provider = await stand.sign_in("acc_provider", "provider", subprotocol=of_provider)
        session = await ring(stand, client, provider)

        rung = await provider.hear("session.ringing")
        assert (rung["session"]["id"], rung["session"]["side"]) == (session, "provider")
        assert (await provider.ask("session.accept", session=session))["type"] == "ok"
        nonces = {}
        for socket in (client, provider):
            told = await socket.hear("session.accepted")
            nonces[told["side"]] = told["nonce"]
            answer = await socket.ask("media.offer", session=session, sdp="offer")
            assert (answer["type"], answer["sdp"]) == ("media.answer", "answer to offer")
            confirmed = await socket.ask(
                "media.confirm", session=session, nonce=told["nonce"], tariff_hash=told["tariff_hash"]
            )
            assert confirmed["type"] == "ok"
        assert len(set(nonces.values())) == 2
        assert (await client.ask("chat.send", session=session, text="你好"))["state"] == "sent"
        line = await provider.hear("chat.message")
        assert (line["text"], line["from"], line["seq"]) == ("你好", "client", 1)
        assert (await provider.ask("chat.read", session=session, seq=1))["type"] == "ok"
        lines = await provider.ask("chat.history", session=session, after=0)
        assert [item["text"] for item in lines["items"]] == ["你好"]
        assert (await client.ask("mute.set", session=session, muted=True))["type"] == "ok"
        assert (await provider.hear("mute.changed"))["from"] == "client"
        assert (await client.ask("session.end", session=session))["type"] == "ok"
        await stand.world.settle(next(iter(stand.world.meters.orders)))
        for socket in (client, provider):
            ended = await socket.hear("session.ended")
            assert (ended["reason"], ended["receipt"]["session"]) == ("hangup_client", session)
        assert (await client.ask("session.report", session=session, seconds=0))["type"] == "ok"


def test_every_message_type_has_its_handler() -> None:
    world = World()

    assert set(Dispatch(desk=world.desk, clock=world.clock).handlers) == set(received()) - {Auth}


async def test_ticks_are_acknowledged_in_silence_and_refused_aloud() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        provider = await stand.sign_in("acc_provider", "provider")
        session = await ring(stand, client, provider)
        await provider.ask("session.accept", session=session)
        await stand.world.fact(tick(next(iter(stand.world.meters.orders))))

        told = await client.hear("tick")
        await client.send(
            {"type": "tick.ack", "id": "a", "session": session, "tick": told["tick"], "head": told["head"]}
        )
        assert (await client.ask("ping"))["type"] == "pong"
        assert ("acknowledge", session, "client", 1, "aa" * 32, None) in stand.world.meters.calls
        assert [message for message in client.unread if message.get("re") == "a"] == []
        unknown = await client.ask("tick.ack", session="ses_unknown", tick=1, head="h")
        assert unknown["code"] == "not_found"
        assert "earned" not in told
        assert (await provider.hear("tick"))["earned"] == {"micros": 400, "currency": "CNY"}


async def test_another_price_comes_with_the_refusal() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        stand.world.people.tariff = CHEAPER

        refused = await client.ask(
            "session.invite", provider_id="acc_provider", kind="voice", tariff_hash=TARIFF.hash
        )

        assert (refused["type"], refused["code"]) == ("problem", "tariff_changed")
        assert (refused["tariff"], refused["tariff_hash"]) == (CHEAPER.terms(), CHEAPER.hash)


async def test_wrong_states_and_foreign_sessions_are_refused_on_the_wire() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        provider = await stand.sign_in("acc_provider", "provider")
        stranger = await stand.sign_in("acc_stranger", "client,provider")
        session = await ring(stand, client, provider)

        early = await client.ask("media.offer", session=session, sdp="offer")
        foreign = await stranger.ask("session.end", session=session)
        unknown = await stranger.ask("session.end", session="ses_unknown")

        assert early["code"] == "wrong_state"
        assert {key: foreign[key] for key in ("code", "title", "detail")} == {
            key: unknown[key] for key in ("code", "title", "detail")
        }
        assert foreign["code"] == "not_found"
        await provider.ask("session.accept", session=session)
        bad = await client.ask("media.offer", session=session, sdp="bad")
        assert (bad["code"], bad["detail"]) == ("bad_offer", "line 1: no")


async def test_a_store_that_is_down_is_a_problem_with_its_code() -> None:
    async with standing() as stand:
        client = await stand.sign_in()
        provider = await stand.sign_in("acc_provider", "provider")
        session = await ring(stand, client, provider)
        stand.world.sessions.is_down = True

        assert (await provider.ask("session.accept", session=session))["code"] == "store_down"


async def test_a_bug_is_answered_without_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing() as stand:
        client = await stand.sign_in()

        async def fail(*_: object) -> None:
            raise RuntimeError("secret words")

        monkeypatch.setattr(stand.world.people, "offer", fail)
        answer = await client.ask("session.invite", provider_id="acc_provider", kind="voice", tariff_hash="h")

        assert answer["code"] == "internal"
        assert "secret" not in json.dumps(answer)
        assert (await client.ask("ping"))["type"] == "pong"
