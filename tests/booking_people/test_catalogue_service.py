import pytest

from gateway.booking.people.seed import crowd
from gateway.errors import NotFound
from gateway.ids import AccountId
from gateway.money import Money
from gateway.terms import SessionKind
from tests.booking_people.bench import Bench

pytestmark = pytest.mark.service

SIX = crowd(6, price_micros_per_minute=600_000, wallet_micros=0)


async def six_providers(bench: Bench) -> list[AccountId]:
    seeded = await bench.people.seed(SIX, currency="CNY")
    return [each.account.id for each in seeded[6:]]


async def test_providers_come_with_their_presence(bench: Bench) -> None:
    ids = await six_providers(bench)
    bench.presences.states[ids[1]] = "online"

    shown = await bench.catalogue.providers(presence=None, after=0, limit=10)

    assert [each.listing.account.id for each in shown] == ids
    assert [each.presence for each in shown] == ["offline", "online", *["offline"] * 4]


@pytest.mark.parametrize(
    ("presence", "numbers"), [("online", [1, 4]), ("in_session", [2]), ("paused", []), ("offline", [0, 3, 5])]
)
async def test_a_presence_narrows_the_catalogue(bench: Bench, presence: str, numbers: list[int]) -> None:
    ids = await six_providers(bench)
    bench.presences.states = {ids[1]: "online", ids[4]: "online", ids[2]: "in_session"}

    shown = await bench.catalogue.providers(presence=presence, after=0, limit=10)

    assert [each.listing.account.id for each in shown] == [ids[number] for number in numbers]


async def test_pages_follow_each_other_even_where_most_are_filtered_out(bench: Bench) -> None:
    ids = await six_providers(bench)
    bench.presences.states = {ids[0]: "online", ids[1]: "online", ids[3]: "online"}
    seen: list[AccountId] = []
    after = 0

    while page := await bench.catalogue.providers(presence="offline", after=after, limit=2):
        seen += [each.listing.account.id for each in page]
        after = page[-1].listing.position

    assert seen == [ids[2], ids[4], ids[5]]


async def test_a_quote_tells_price_hold_and_how_long_the_money_lasts(bench: Bench) -> None:
    ids = await six_providers(bench)
    bench.balances.micros[AccountId("acc_asker")] = 90

    quote = await bench.catalogue.quote(AccountId("acc_asker"), ids[0], SessionKind.VOICE, seconds=75)

    assert (quote.cost, quote.hold) == (Money(75, "CNY"), Money(60, "CNY"))
    assert [(line.code, line.quantity, line.amount_micros) for line in quote.lines] == [
        ("connect_fee", 1, 0),
        ("time", 75, 75),
    ]
    assert quote.affordable_s == 90
    assert quote.tariff.terms()["tiers"][0]["price_micros_per_minute"] == 600_000


async def test_more_money_than_the_longest_session_affords_no_more(bench: Bench) -> None:
    ids = await six_providers(bench)
    bench.balances.micros[AccountId("acc_asker")] = 10**12

    quote = await bench.catalogue.quote(AccountId("acc_asker"), ids[0], SessionKind.TEXT, seconds=0)

    assert quote.affordable_s == 4 * 3_600


async def test_strangers_and_clients_are_not_in_the_catalogue(bench: Bench) -> None:
    seeded = await bench.people.seed(SIX, currency="CNY")
    client = seeded[0].account.id

    for account in (client, AccountId("acc_none")):
        with pytest.raises(NotFound):
            await bench.catalogue.provider(account)
        with pytest.raises(NotFound):
            await bench.catalogue.quote(client, account, SessionKind.VOICE, seconds=1)
