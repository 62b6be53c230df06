from collections import Counter

import pytest

from gateway.booking.people.account import BRIEF_CHARACTERS_MAX, NICKNAME_CHARACTERS_MAX, is_good_text
from gateway.booking.people.phone import normalized
from gateway.booking.people.seed import DEMO_PEOPLE, SeedPerson, crowd
from gateway.terms import Role, SessionKind

pytestmark = pytest.mark.core

CROWD = crowd(60, price_micros_per_minute=1_000_000, wallet_micros=5_000_000)


@pytest.mark.parametrize("people", [DEMO_PEOPLE, CROWD], ids=["demo", "crowd"])
def test_everybody_has_a_number_of_his_own_that_no_network_gave_out(people: tuple[SeedPerson, ...]) -> None:
    phones = [person.phone for person in people]

    assert len(set(phones)) == len(phones)
    for phone in phones:
        assert normalized(phone) == phone
        assert phone.startswith("+86100")
        assert len(phone) == 14


def test_the_demonstration_has_clients_providers_of_both_kinds_and_one_operator() -> None:
    roles = Counter(person.role for person in DEMO_PEOPLE)
    offers = [person.tariffs("CNY") for person in DEMO_PEOPLE if person.role is Role.PROVIDER]

    assert roles == {Role.CLIENT: 4, Role.PROVIDER: 5, Role.OPERATOR: 1}
    assert all(set(tariffs) == set(SessionKind) for tariffs in offers)
    assert len({tariffs[SessionKind.VOICE].hash for tariffs in offers}) == 5


def test_terms_come_before_a_plain_price_and_take_the_currency_of_the_books() -> None:
    person = SeedPerson(
        phone="+8610000000099",
        nickname="Both",
        role=Role.PROVIDER,
        price_micros_per_minute={SessionKind.VOICE: 1_000_000, SessionKind.TEXT: 2_000_000},
        terms={SessionKind.TEXT: {"version": 2, "kind": "per_message"}},
    )
    voice, text = (person.tariffs("EUR")[kind].terms() for kind in (SessionKind.VOICE, SessionKind.TEXT))

    assert voice["tiers"][0]["price_micros_per_minute"] == 1_000_000
    assert text == {"version": 2, "kind": "per_message", "currency": "EUR"}


def test_names_and_briefs_can_be_shown() -> None:
    for person in DEMO_PEOPLE:
        assert is_good_text(person.nickname, characters_max=NICKNAME_CHARACTERS_MAX, is_empty_good=False)
        assert is_good_text(person.brief, characters_max=BRIEF_CHARACTERS_MAX, is_empty_good=True)


def test_a_crowd_is_clients_first_and_as_many_providers() -> None:
    assert [person.role for person in CROWD] == [Role.CLIENT] * 60 + [Role.PROVIDER] * 60
    assert CROWD[0].phone == "+8610010000001"
    assert CROWD[60].phone == "+8610020000001"
