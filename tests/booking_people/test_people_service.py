from pathlib import Path

import pytest

from gateway.booking.people.account import ProfileChange
from gateway.booking.people.offer import RatePlan, per_second_tariff
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.errors import NotFound, Unauthenticated, Unprocessable
from gateway.ids import AccountId
from gateway.terms import Role, SessionKind
from tests.booking_people.bench import Bench, benched

pytestmark = pytest.mark.service

NOBODY = AccountId("acc_none")


async def seeded(bench: Bench) -> dict[str, AccountId]:
    """Ids of the demonstration's people by nickname."""
    people = await bench.people.seed(DEMO_PEOPLE, currency="CNY")
    return {each.person.nickname: each.account.id for each in people}


async def test_seeding_twice_makes_the_same_people_once(bench: Bench) -> None:
    first = await seeded(bench)
    second = await seeded(bench)

    assert first == second
    assert len(set(first.values())) == len(DEMO_PEOPLE)


async def test_seeding_again_keeps_what_people_changed(bench: Bench) -> None:
    ids = await seeded(bench)
    dear = RatePlan(
        kind=SessionKind.VOICE, tariff=per_second_tariff(price_micros_per_minute=9, currency="CNY")
    )
    await bench.people.change_profile(ids["林夕"], ProfileChange(nickname="林"))
    await bench.people.set_plan(ids["林夕"], dear)

    await seeded(bench)
    offer = await bench.people.offer(ids["林夕"], SessionKind.VOICE)

    assert offer is not None
    assert (offer.nickname, offer.tariff) == ("林", dear.tariff)


async def test_everybody_who_may_hold_money_gets_a_wallet(bench: Bench) -> None:
    ids = await seeded(bench)

    assert set(bench.wallets.opened) == set(ids.values()) - {ids["Duty operator"]}


async def test_an_offer_is_a_snapshot_of_the_present_plan(bench: Bench) -> None:
    ids = await seeded(bench)

    offer = await bench.people.offer(ids["Amelia Hart"], SessionKind.TEXT)

    assert offer is not None
    assert (offer.provider, offer.nickname, offer.fee_bp) == (ids["Amelia Hart"], "Amelia Hart", 2_000)
    assert offer.tariff.terms()["tiers"] == [{"from_s": 0, "price_micros_per_minute": 3_000_000}]


async def test_clients_strangers_and_barred_providers_offer_nothing(bench: Bench) -> None:
    ids = await seeded(bench)
    await bench.people.set_barred(ids["陈默"], is_barred=True)

    for account in (ids["小满"], NOBODY, ids["陈默"]):
        assert await bench.people.offer(account, SessionKind.VOICE) is None


async def test_a_bar_holds_until_it_is_lifted_and_strangers_are_barred(bench: Bench) -> None:
    ann = (await seeded(bench))["小满"]
    assert not await bench.people.is_barred(ann)

    await bench.people.set_barred(ann, is_barred=True)
    assert await bench.people.is_barred(ann)

    await bench.people.set_barred(ann, is_barred=False)
    assert not await bench.people.is_barred(ann)
    assert await bench.people.is_barred(NOBODY)


async def test_a_nickname_is_never_worth_an_error(bench: Bench) -> None:
    ids = await seeded(bench)

    assert await bench.people.nickname(ids["Tom Becker"]) == "Tom Becker"
    assert await bench.people.nickname(NOBODY) == "…"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (ProfileChange(nickname="a\nb"), "/nickname"),
        (ProfileChange(nickname=""), "/nickname"),
        (ProfileChange(nickname="x" * 41), "/nickname"),
        (ProfileChange(brief="x" * 281), "/brief"),
    ],
)
async def test_a_text_that_cannot_be_shown_is_refused_by_field(
    bench: Bench, change: ProfileChange, pointer: str
) -> None:
    ann = (await seeded(bench))["小满"]

    with pytest.raises(Unprocessable) as refusal:
        await bench.people.change_profile(ann, change)

    assert [error["pointer"] for error in refusal.value.extensions["errors"]] == [pointer]
    assert (await bench.people.account(ann)).nickname == "小满"


async def test_what_is_asked_of_a_stranger_is_not_found(bench: Bench) -> None:
    plan = RatePlan(
        kind=SessionKind.VOICE, tariff=per_second_tariff(price_micros_per_minute=9, currency="CNY")
    )
    client = (await seeded(bench))["小满"]

    with pytest.raises(NotFound):
        await bench.people.account(NOBODY)
    with pytest.raises(NotFound):
        await bench.people.change_profile(NOBODY, ProfileChange(brief="x"))
    with pytest.raises(NotFound):
        await bench.people.set_barred(NOBODY, is_barred=True)
    with pytest.raises(NotFound):
        await bench.people.revoke_tokens(NOBODY)
    with pytest.raises(NotFound):
        await bench.people.set_plan(client, plan)


async def test_revoked_tokens_stay_revoked_after_a_restart(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        ann, token, _ = await bench.signed_in()
        assert bench.tokens.verify(token).roles == {Role.CLIENT}
        await bench.people.revoke_tokens(ann.id)
        with pytest.raises(Unauthenticated):
            bench.tokens.verify(token)

    async with benched(tmp_path) as again:
        with pytest.raises(Unauthenticated):
            again.tokens.verify(token)
