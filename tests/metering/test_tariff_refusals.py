"""Terms that nobody should agree to are refused by the name of the field."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unprocessable
from gateway.metering.tariff import parse
from gateway.terms import TariffSnapshot
from tests.metering.bench import terms
from tests.metering.tariff_shapes import NOTHING, flat, shapes, terms_2

pytestmark = pytest.mark.core


def window(**changes: Any) -> dict[str, Any]:
    return {"days": [1], "from": "18:00", "until": "23:00", "tiers": flat(1), **changes}


def hours(**changes: Any) -> dict[str, Any]:
    return {"zone": "Europe/Berlin", "windows": [window(**changes)]}


def block(**changes: Any) -> dict[str, Any]:
    return {"length_s": 600, "price_micros": 5, "overrun": "stop", **changes}


INNER_KEYS = [
    "from_s",
    "price_micros_per_minute",
    "days",
    "from",
    "until",
    "tiers",
    "length_s",
    "price_micros",
    "overrun",
]
BLOCK = {"kind": "block", "tiers": [], "block": block()}
SESSION = {"kind": "per_session", "tiers": [], "session_micros": 5}
MESSAGE = {"kind": "per_message", "tiers": [], "message_micros": 5}

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("rounding", {"rounding": "nearest"}),
    ("rounding", {"rounding": None}),
    ("kind", {"kind": 7}),
    ("tiers", {"tiers": []}),
    ("tiers", {"tiers": flat(1) * 9}),
    ("tiers", {"tiers": [{**flat(1)[0], "until_s": 9}]}),
    ("tiers", {"tiers": [7]}),
    ("currency", {"currency": []}),
    ("currency", {"currency": "XXX"}),
    ("increment_s", {"kind": "per_minute"}),
    ("billed_when_socket_only", {"billed_when_socket_only": 1}),
    ("zone", {"zone": "Europe/../passwd"}),
    ("zone", {"zone": "/etc/localtime"}),
    ("zone", {"zone": None}),
    ("zone", {"zone": "x" * 65}),
    ("zone", {"windows": [window()]}),
    ("windows", {"windows": {}}),
    ("windows", {"windows": [window()] * 9}),
    ("windows", {"windows": [{"days": [1]}]}),
    ("windows", hours(tiers=[])),
    ("days", hours(days=[])),
    ("days", hours(days=[0])),
    ("days", hours(days=[8])),
    ("days", hours(days=[2, 1])),
    ("days", hours(days=[1, 1])),
    ("days", hours(days=[True])),
    ("days", hours(days="1")),
    ("from", hours(**{"from": "8:00"})),
    ("from", hours(**{"from": "24:00"})),
    ("from", hours(**{"from": "23:60"})),
    ("until", hours(until="24:01")),
    ("until", hours(until="+1:00")),
    ("until", hours(until="18:00")),
    ("until", hours(until=18)),
    ("price_micros_per_minute", hours(tiers=flat(-1))),
    ("block", {"kind": "block", "tiers": []}),
    ("block", {**BLOCK, "block": {"length_s": 5}}),
    ("block", {"block": block()}),
    ("length_s", {**BLOCK, "block": block(length_s=0)}),
    ("price_micros", {**BLOCK, "block": block(price_micros=0)}),
    ("overrun", {**BLOCK, "block": block(overrun="go_on")}),
    ("tiers", {**BLOCK, "tiers": flat(1)}),
    ("tiers", {**BLOCK, "block": block(overrun="per_second")}),
    ("free_s", {**BLOCK, "free_s": 5}),
    ("initial_block_s", {**BLOCK, "initial_block_s": 5}),
    ("minimum_micros", {**BLOCK, "minimum_micros": 5}),
    ("increment_s", {**BLOCK, "increment_s": 6}),
    ("rounding", {**BLOCK, "rounding": "up"}),
    ("windows", {**BLOCK, **hours()}),
    ("free_if_ended_within_s", {**BLOCK, "free_if_ended_within_s": 600}),
    ("cap_micros", {**BLOCK, "cap_micros": 4}),
    ("session_micros", {"kind": "per_session", "tiers": []}),
    ("session_micros", {"session_micros": 5}),
    ("tiers", {**SESSION, "tiers": flat(1)}),
    ("connect_fee_micros", {**SESSION, "connect_fee_micros": 1}),
    ("cap_micros", {**SESSION, "cap_micros": 9}),
    ("message_micros", {"kind": "per_message", "tiers": []}),
    ("message_micros", {"message_micros": 5}),
    ("messages_free", {"messages_free": 5}),
    ("messages_from", {"messages_from": "nobody"}),
    ("free_s", {**MESSAGE, "free_s": 1}),
    ("free_if_ended_within_s", {**MESSAGE, "free_if_ended_within_s": 10}),
    ("cap_micros", {"minimum_micros": 10, "cap_micros": 9}),
    ("cap_micros", {"connect_fee_micros": 10, "cap_micros": 9}),
    ("spend_stop_micros", {"spend_stop_micros": 0}),
    ("spend_stop_micros", {"spend_stop_micros": 49_999}),
    ("spend_stop_micros", {"spend_stop_micros": 10**7, "cap_micros": 10**7}),
    ("spend_stop_micros", {**SESSION, "spend_stop_micros": 4}),
    ("spend_stop_micros", {**MESSAGE, "spend_stop_micros": 4}),
    ("spend_stop_micros", {**hours(tiers=flat(9_000_000)), "spend_stop_micros": 149_999}),
    ("spend_consent_micros", {"spend_consent_micros": 10**7, "spend_stop_micros": 10**7}),
    ("spend_consent_micros", {"spend_consent_micros": 10**7, "cap_micros": 10**7}),
    ("spend_notify_micros", {"spend_notify_micros": 10**7 + 1, "spend_stop_micros": 10**7}),
    ("spend_notify_micros", {"spend_notify_micros": "1"}),
]


@pytest.mark.parametrize(("field", "changes"), REFUSED)
def test_terms_that_contradict_each_other_are_refused_by_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(terms_2(**changes))

    assert refused.value.wire_code == "tariff_invalid"
    assert refused.value.extensions["field"] == field
    assert re.fullmatch(rf"The tariff cannot be used: {field} .+\.", refused.value.detail)


TAKEN: list[dict[str, Any]] = [
    {"zone": "America/Argentina/Buenos_Aires"},
    {"zone": "America/Port-au-Prince"},
    {"zone": "Etc/GMT+5"},
    hours(until="00:00"),
    hours(until="06:00"),
    hours(**{"from": "00:00", "until": "24:00"}),
    {**BLOCK, "block": block(overrun="per_second"), "tiers": flat(1), **hours()},
    {
        "spend_notify_micros": 10**6,
        "spend_consent_micros": 10**7,
        "spend_stop_micros": 10**8,
        "cap_micros": 10**9,
    },
    {
        **MESSAGE,
        "connect_fee_micros": 1,
        "minimum_micros": 2,
        "cap_micros": 9,
        "billed_when_socket_only": True,
    },
    {"free_s": 50, "spend_stop_micros": 50_000},
]


@pytest.mark.parametrize("changes", TAKEN)
def test_terms_that_go_together_are_taken(changes: dict[str, Any]) -> None:
    parse(terms_2(**changes))


@pytest.mark.parametrize("key", sorted(terms_2()))
def test_a_missing_key_of_version_2_is_named(key: str) -> None:
    lacking = {name: value for name, value in terms_2().items() if name != key}

    with pytest.raises(Unprocessable) as refused:
        parse(lacking)

    assert refused.value.extensions["field"] == key


@pytest.mark.parametrize("key", ["rounding", "windows", "spend_stop_micros"])
def test_version_1_does_not_know_the_keys_of_version_2(key: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse(terms(**{key: terms_2()[key]}))

    assert refused.value.extensions["field"] == key


def test_version_1_takes_what_it_always_took() -> None:
    assert parse(terms(connect_fee_micros=10, cap_micros=5)).cost(60) == 5


def test_the_hashes_of_both_versions_stay_what_they_are() -> None:
    assert (
        TariffSnapshot.of(terms()).hash == "a6d5b08791f90e7daef3662886c4de568396ba9096a9b6caea4d40ad8663877d"
    )
    assert (
        TariffSnapshot.of(terms_2()).hash
        == "cd2ac8f684467c8dee4044a31a1972a9e8abb16c88f163d727f6c9b3de920ff1"
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER_KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(shapes(), st.dictionaries(st.sampled_from(sorted(NOTHING)), ANYTHING, min_size=1, max_size=2))
def test_whatever_terms_say_they_are_read_or_refused_and_never_break(shape: dict, changes: dict) -> None:
    with suppress(Unprocessable):
        tariff = parse({**shape, **changes})
        assert tariff.cost(0) == 0
        assert tariff.first_hold_micros() >= 0
