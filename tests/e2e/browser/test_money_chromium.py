"""The money of sessions through real Chromium pages: buying on, being refused, contesting, being paid out."""

import asyncio
import dataclasses

import pytest

from gateway import app, selftest
from gateway.metering.tariff_default import completed
from gateway.sdk.http import HttpClient
from gateway.sdk.participant import Participant
from gateway.sdk.receipt import problems_of
from gateway.terms import Role, SessionKind

from .stage import PastClock, browsed, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

BLOCK_MICROS = 5_000_000
ASKING_BLOCK = {
    "kind": "block",
    "block": {"length_s": 20, "price_micros": BLOCK_MICROS, "overrun": "ask"},
}
FUNDED_MESSAGES = 20
MESSAGE_MICROS = 1_000_000
SESSION_MICROS = 20_000_000
EARNED_MICROS = SESSION_MICROS * 4 // 5
"""Less the platform's fifth."""


def people():
    """A pair whose provider asks one price for a text session, however short."""
    terms = completed({"kind": "per_session", "session_micros": SESSION_MICROS, "free_if_ended_within_s": 0})
    return [
        dataclasses.replace(person, terms={SessionKind.TEXT: terms})
        if person.role is Role.PROVIDER
        else person
        for person in selftest.people(1, price_micros_per_minute=1, wallet_micros=10 * SESSION_MICROS)
    ]


async def earned_long_ago(directory):
    """A session that was settled before the dispute window of today's earnings began."""
    opening = app.rehearsal(directory, people=people())
    gateway = await app.start(opening, clock=PastClock(days=opening.settings.dispute_window_days + 1))
    try:
        https = await signed_in(gateway.http_url)
        client, provider, _operator = https
        async with (
            await Participant.join(gateway.http_url, str(client.token)) as caller,
            await Participant.join(gateway.http_url, str(provider.token)) as called,
        ):
            await talk_by_text(client, provider, caller, called)
        for http in https:
            await http.close()
    finally:
        await gateway.close()


async def talk_by_text(client, provider, caller, called):
    offers = (await client.provider((await provider.me())["id"]))["offers"]
    (tariff_hash,) = [offer["tariff_hash"] for offer in offers if offer["kind"] == SessionKind.TEXT]
    await called.go_online()
    await caller.invite((await provider.me())["id"], SessionKind.TEXT, tariff_hash)
    await called.accept_next()
    await asyncio.gather(caller.connect(), called.connect())
    await caller.until_tick(8)
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())


async def matured(url):
    """Wait for the look at what time alone has made due, which a gateway takes when it starts."""
    async with HttpClient(url) as http:
        await http.sign_in(selftest.phones(1)[0][1])
        for _ in range(200):
            if (await http.earnings())["available"]["micros"]:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("nothing became available")


async def test_a_client_who_presses_buy_goes_on_into_the_next_block(tmp_path):
    async with selftest.open_house(tmp_path / "house", pairs=1) as house:
        seen = await browsed(
            house.http_url,
            tmp_path / "shots",
            script="money.mjs",
            story="block",
            tariff=ASKING_BLOCK,
            talk_s=24,
        )

    assert "5.00" in seen["client"]["question"]
    assert seen["provider"]["question"]
    receipt = seen["client"]["receipt"]
    assert problems_of(receipt) == []
    assert 20 < receipt["billed_s"] <= 40
    assert receipt["charge_micros"] == 2 * BLOCK_MICROS
    assert [consent["kind"] for consent in receipt["consents"]] == ["block"]
    wallets = [seen["client"][name]["available"]["micros"] for name in ("wallet_before", "wallet_after")]
    assert wallets[0] - wallets[1] == 2 * BLOCK_MICROS


async def test_a_message_nothing_pays_for_is_refused_in_words_and_the_session_can_be_contested(tmp_path):
    async with selftest.open_house(
        tmp_path / "house", pairs=1, wallet_micros=FUNDED_MESSAGES * MESSAGE_MICROS
    ) as house:
        seen = await browsed(house.http_url, tmp_path / "shots", script="money.mjs", story="messages")

    provider, client = seen["provider"], seen["client"]
    assert provider["refused_field"] == "price-price"
    assert "message_micros" in provider["refusal"]
    assert "1.00 per message" in provider["shown_price"]
    assert "balance is too low" in client["refusal"]
    receipt = client["receipt"]
    assert problems_of(receipt) == []
    assert receipt["messages"] == FUNDED_MESSAGES + 1
    assert receipt["charge_micros"] == FUNDED_MESSAGES * MESSAGE_MICROS
    assert "nobody answered me" in client["case_open"]
    assert seen["operator"] == {"is_balanced": True, "all_rows_ok": True}
    assert "decided" in client["case_decided"]
    assert client["wallet_after"]["cash"]["micros"] == FUNDED_MESSAGES * MESSAGE_MICROS


async def test_a_payout_goes_from_the_providers_wish_to_an_operators_yes(tmp_path):
    await earned_long_ago(tmp_path / "house")
    gateway = await app.start(app.rehearsal(tmp_path / "house"))
    try:
        await matured(gateway.http_url)
        seen = await browsed(gateway.http_url, tmp_path / "shots", script="money.mjs", story="payout")
    finally:
        await gateway.close()

    assert seen["provider"]["earnings_before"]["available"]["micros"] == EARNED_MICROS
    assert seen["provider"]["earnings_after"]["available"]["micros"] == 0
    assert len(seen["operator"]["payouts"]) == 1
    assert "16.00" in seen["operator"]["payouts"][0]
