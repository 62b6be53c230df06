"""The demonstration's prices, read by the meter that has to charge them."""

import pytest

from gateway.booking.people.seed import DEMO_PEOPLE, SeedPerson, crowd
from gateway.bridge.tariffs import TariffDesk
from gateway.metering.tariff import parse
from gateway.metering.tariff_kind import TariffKind
from gateway.terms import Role, SessionKind

pytestmark = pytest.mark.adapter

PROVIDERS = [
    person
    for person in (*DEMO_PEOPLE, *crowd(1, price_micros_per_minute=3_000_000, wallet_micros=0))
    if person.role is Role.PROVIDER
]


@pytest.mark.parametrize("kind", list(SessionKind))
@pytest.mark.parametrize("person", PROVIDERS, ids=lambda person: person.phone)
def test_every_seeded_tariff_can_be_metered_as_it_stands(person: SeedPerson, kind: SessionKind) -> None:
    tariff = person.tariffs("CNY")[kind]

    terms = tariff.terms()
    assert parse(terms).suits(kind)
    if terms["version"] == 2:
        assert TariffDesk().checked(terms, kind) == tariff


def test_the_demonstration_shows_every_way_of_charging_for_time_and_one_for_messages() -> None:
    parsed = [parse(each.terms()) for person in PROVIDERS for each in person.tariffs("CNY").values()]

    assert {tariff.kind for tariff in parsed} == set(TariffKind) - {TariffKind.PER_SESSION}
    assert any(tariff.windows for tariff in parsed)
