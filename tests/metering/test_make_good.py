"""What the provider is paid for seconds that a restart lost."""

import pytest

from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.verification import problems_of
from gateway.terms import EndReason, Side
from tests.metering.service_world import World

pytestmark = pytest.mark.service


async def restarted(world: World, *, lost_s: int) -> dict[str, object]:
    """Ten seconds, a restart that costs `lost_s`, ten seconds more."""
    made = await world.call()
    await world.run(10)
    await world.step()
    await world.step()
    await world.restart()
    world.clock.advance(seconds=lost_s)
    await world.service.recover([made.session])
    for side in Side:
        world.service.socket_back(made.session, side)
    await world.run(10)
    world.service.stop(made.session, EndReason.HANGUP_CLIENT)
    return await world.settled(made.session)


async def test_without_the_setting_nothing_is_made_good() -> None:
    world = World()

    receipt = await restarted(world, lost_s=6)

    assert world.purse.made_good_micros == 0
    assert "make_good_micros" not in receipt


@pytest.mark.parametrize(("lost_s", "paid_s"), [(2, 3), (6, 5), (12, 5)])
async def test_lost_seconds_are_paid_up_to_the_maximum_and_the_client_pays_none_of_it(
    lost_s: int, paid_s: int
) -> None:
    world, plain = World(make_good_s_max=5), World()

    receipt = await restarted(world, lost_s=lost_s)
    same = await restarted(plain, lost_s=lost_s)

    assert world.purse.made_good_micros == paid_s * 100_000 * 8_000 // 10_000
    assert receipt["make_good_micros"] == world.purse.made_good_micros
    assert receipt["charge_micros"] == same["charge_micros"]
    assert world.purse.available_micros == plain.purse.available_micros
    files = world.journal.closed["ses_1"]
    assert problems_of(*files, check_signature=is_signed) == []
