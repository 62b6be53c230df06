"""A video call through the pages: two Chromium, pictures decoded on both, billed by the tariff of video."""

import pytest

from gateway import selftest

from .stage import MICROS_PER_SECOND, browsed, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

VIDEO_MICROS_PER_SECOND = 2 * MICROS_PER_SECOND
"""The crowd's video costs double, so that the bill shows which of the two it was."""


async def test_two_people_see_each_other_and_pay_the_price_of_video(tmp_path):
    async with selftest.open_house(
        tmp_path / "house", pairs=1, price_micros_per_minute=60 * MICROS_PER_SECOND
    ) as house:
        https = await signed_in(house.http_url)
        seen = await browsed(house.http_url, tmp_path / "shots", kind="video", talk_s=15, camera=True)
        books = await https[2].audited()
        for http in https:
            await http.close()

    for person in ("client", "provider"):
        assert seen[person]["frames_decoded"] > 0
        assert seen[person]["energy_after"] > seen[person]["energy_before"]
    receipt = seen["client"]["receipt"]
    assert receipt["kind"] == "video"
    assert receipt["charge_micros"] == receipt["billed_s"] * VIDEO_MICROS_PER_SECOND > 0
    assert seen["client"]["camera_switched"]
    assert books["ok"]
