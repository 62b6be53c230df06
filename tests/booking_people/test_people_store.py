import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.booking.adapters import people_store, sign_in_store
from gateway.booking.adapters.people_store import SqlitePeople
from gateway.booking.people.account import AccountStatus, Locale, ProfileChange
from gateway.booking.people.offer import RatePlan, per_second_tariff
from gateway.ids import AccountId
from gateway.terms import Role, SessionKind
from tests.booking_people.bench import CLIENT, PHONE, PROVIDER, account, cipher, content_of, database_at

pytestmark = pytest.mark.adapter


def plan(price: int, kind: SessionKind = SessionKind.VOICE) -> RatePlan:
    return RatePlan(kind=kind, tariff=per_second_tariff(price_micros_per_minute=price, currency="CNY"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlitePeople]:
    async with database_at(tmp_path) as database:
        yield SqlitePeople(database, cipher())


async def test_a_phone_opens_one_account_however_often_and_at_once(store: SqlitePeople) -> None:
    opened = await asyncio.gather(*(store.open_by_phone(PHONE, account(n)) for n in range(20)))

    assert len({each.id for each in opened}) == 1
    assert await store.account(opened[0].id) == opened[0]
    assert (await store.open_by_phone("+8610000000002", account(99))).id == "acc_99"


async def test_a_phone_is_nowhere_in_the_file_and_still_found(tmp_path: Path) -> None:
    async with database_at(tmp_path) as database:
        store = SqlitePeople(database, cipher())
        ann = await store.open_by_phone(PHONE, account(1))
        assert await store.phone(ann.id) == PHONE
        assert await store.phone(AccountId("acc_none")) is None

    assert PHONE[1:].encode() not in content_of(tmp_path)


async def test_a_phone_sealed_by_an_older_key_is_still_read(tmp_path: Path) -> None:
    async with database_at(tmp_path) as database:
        await SqlitePeople(database, cipher("field-0001")).open_by_phone(PHONE, account(1))
        rotated = SqlitePeople(database, cipher("field-0001", "field-0002"))

        assert (await rotated.open_by_phone(PHONE, account(2))).id == "acc_1"
        assert await rotated.phone(AccountId("acc_1")) == PHONE


async def test_integrators_have_name_spaces_of_their_own(store: SqlitePeople) -> None:
    first = await store.open_by_external_id(AccountId("acc_shop"), "user-7", account(1))
    second = await store.open_by_external_id(AccountId("acc_club"), "user-7", account(2))
    again = await store.open_by_external_id(
        AccountId("acc_shop"), "user-7", account(3, roles=PROVIDER, nickname="Anna")
    )

    assert (first.id, second.id, again.id) == ("acc_1", "acc_2", "acc_1")
    assert (again.nickname, again.roles) == ("Anna", PROVIDER)


async def test_a_profile_changes_only_where_something_is_given(store: SqlitePeople) -> None:
    ann = await store.open_by_phone(PHONE, account(1))

    await store.change_profile(ann.id, ProfileChange(nickname="Anna"))
    changed = await store.change_profile(ann.id, ProfileChange(brief="Hello.", locale=Locale.ENGLISH))

    assert changed == replace(ann, nickname="Anna", brief="Hello.", locale=Locale.ENGLISH)
    assert (await store.change_profile(ann.id, ProfileChange(brief=""))) == replace(changed, brief="")
    assert await store.change_profile(AccountId("acc_none"), ProfileChange(nickname="X")) is None


async def test_a_revocation_is_never_lowered(store: SqlitePeople) -> None:
    ann = await store.open_by_phone(PHONE, account(1))

    assert await store.set_not_before(ann.id, 200)
    assert await store.set_not_before(ann.id, 100)
    assert not await store.set_not_before(AccountId("acc_none"), 100)
    assert await store.not_before() == {ann.id: 200}


async def test_the_newest_plan_of_a_kind_is_the_present_one(store: SqlitePeople) -> None:
    provider = await store.open_by_phone(PHONE, account(1, roles=PROVIDER))
    for each in (plan(100), plan(200), plan(200), plan(50, SessionKind.TEXT), plan(100)):
        await store.add_plan(provider.id, each, now_wall_ns=1)

    listing = await store.listing(provider.id)

    assert listing is not None
    assert list(listing.plans) == [plan(100), plan(50, SessionKind.TEXT)]


async def test_the_catalogue_holds_active_providers_with_a_plan_in_the_order_they_came(
    store: SqlitePeople,
) -> None:
    for number in range(1, 7):
        roles = CLIENT if number == 2 else PROVIDER | CLIENT
        opened = await store.open_by_phone(f"+861000000000{number}", account(number, roles=roles))
        if number != 3:
            await store.add_plan(opened.id, plan(number), now_wall_ns=1)
    await store.set_status(AccountId("acc_4"), AccountStatus.BARRED)

    everybody = await store.listings(after=0, limit=10, only=None)
    second_page = await store.listings(after=everybody[0].position, limit=1, only=None)
    some = await store.listings(after=0, limit=10, only=[AccountId("acc_6"), AccountId("acc_2")])

    assert [each.account.id for each in everybody] == ["acc_1", "acc_5", "acc_6"]
    assert [each.account.id for each in second_page] == ["acc_5"]
    assert [each.account.id for each in some] == ["acc_6"]
    assert await store.listings(after=0, limit=10, only=[]) == []
    assert await store.listing(AccountId("acc_4")) is None


async def test_the_database_itself_refuses_a_second_account_of_a_phone(tmp_path: Path) -> None:
    def twice(connection: sqlite3.Connection) -> None:
        for number in (1, 2):
            connection.execute(
                "INSERT INTO people (id, nickname, brief, roles, locale, status, phone_index, phone_key_id, "
                "phone_sealed) VALUES (?, 'A', '', 'client', 'en', 'active', x'01', 'k', x'02')",
                (f"acc_{number}",),
            )

    async with database_at(tmp_path) as database:
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(twice)


async def test_an_integrator_is_found_by_its_name(store: SqlitePeople) -> None:
    fresh = account(1, roles=frozenset({Role.INTEGRATOR}), nickname="shop")

    first = await store.open_integrator("shop", fresh)
    again = await store.open_integrator("shop", replace(fresh, id=AccountId("acc_2")))

    assert first == again


async def test_plans_made_before_there_was_video_are_kept_and_video_has_its_own(tmp_path: Path) -> None:
    first, *_ = people_store.MIGRATIONS
    async with database_at(tmp_path, migrations=(first, *sign_in_store.MIGRATIONS)) as database:
        store = SqlitePeople(database, cipher())
        provider = await store.open_by_phone(PHONE, account(1, roles=PROVIDER))
        await store.add_plan(provider.id, plan(100), now_wall_ns=1)
    async with database_at(tmp_path) as database:
        store = SqlitePeople(database, cipher())
        for each in (plan(200, SessionKind.VIDEO), plan(110)):
            await store.add_plan(provider.id, each, now_wall_ns=2)
        listing = await store.listing(provider.id)

    assert listing is not None
    assert set(listing.plans) == {plan(110), plan(200, SessionKind.VIDEO)}
