"""A paid call between two real Chromium pages, clicked through as people would."""

from pathlib import Path

import pytest

from gateway import selftest
from gateway.sdk.receipt import owed_micros, problems_of

from .stage import MICROS_PER_SECOND, browsed, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FUNDED_S = 75
"""Money for one quantum and a short last hold."""


def checked(receipt):
    assert problems_of(receipt) == []
    assert receipt["charge_micros"] == owed_micros(receipt["tariff"], receipt["billed_s"] + receipt["free_s"])


def micros(seen, name):
    return seen["client"][name]["available"]["micros"]


def shot_widths(seen):
    return {Path(shot).stem.rpartition("-")[2] for shot in seen["shots"]}


async def test_voice_chat_reload_and_receipt_on_both_pages(tmp_path):
    async with selftest.open_house(
        tmp_path / "house", pairs=1, price_micros_per_minute=60 * MICROS_PER_SECOND
    ) as house:
        client, provider, operator = await signed_in(house.http_url)
        before = await client.available_micros()
        seen = await browsed(
            house.http_url, tmp_path / "shots", talk_s=12, mute=True, reload=True, drop=True, ice_restart=True
        )
        after = await client.available_micros()
        earnings = await provider.earnings()
        books = await operator.audited()
        for http in (client, provider, operator):
            await http.close()

    for person in ("client", "provider"):
        assert seen[person]["energy_after"] > seen[person]["energy_before"]
        assert seen[person]["ticks"] >= 12
        assert seen[person]["chat"]["state"] in ("delivered", "read", "sent")
    receipt = seen["client"]["receipt"]
    checked(receipt)
    assert receipt["session"] == seen["session"]
    assert receipt["end_reason"] == "hangup_client"
    assert before - after == receipt["charge_micros"]
    assert micros(seen, "wallet_before") - micros(seen, "wallet_after") == receipt["charge_micros"]
    assert earnings["pending"]["micros"] == receipt["earned_micros"]
    assert seen["ops"]["invariants_ok"]
    assert books["ok"]
    assert shot_widths(seen) >= {"phone", "desktop"}


async def test_money_runs_out_with_a_warning_on_both_pages_and_is_cut_at_the_exact_second(tmp_path):
    async with selftest.open_house(
        tmp_path / "house",
        pairs=1,
        price_micros_per_minute=60 * MICROS_PER_SECOND,
        wallet_micros=FUNDED_S * MICROS_PER_SECOND,
    ) as house:
        seen = await browsed(
            house.http_url, tmp_path / "shots", talk_s=5, warning=True, end="funds", ops=False
        )

    receipt = seen["client"]["receipt"]
    checked(receipt)
    assert receipt["end_reason"] == "funds"
    assert receipt["billed_s"] == FUNDED_S
    assert receipt["charge_micros"] == FUNDED_S * MICROS_PER_SECOND
    assert [warned["seconds_left"] for warned in receipt["warnings"]][-3:] == [60, 30, 10]
    assert micros(seen, "wallet_after") == 0
    for person in ("client", "provider"):
        assert seen[person]["warning"]


async def test_a_text_session_in_chinese_needs_no_microphone(tmp_path):
    async with selftest.open_house(
        tmp_path / "house", pairs=1, price_micros_per_minute=60 * MICROS_PER_SECOND
    ) as house:
        seen = await browsed(
            house.http_url, tmp_path / "shots", kind="text", language="zh-CN", talk_s=12, end="provider"
        )

    receipt = seen["client"]["receipt"]
    checked(receipt)
    assert (receipt["kind"], receipt["end_reason"]) == ("text", "hangup_provider")
    assert receipt["billed_s"] >= 11
