"""Real zones: how far their clocks are ahead, and what tariffs make of it."""

from datetime import UTC, datetime

import pytest

from gateway.clock import NS
from gateway.errors import Unprocessable
from gateway.metering.adapters.zones import offset_s_at
from gateway.metering.schedule import check_zone, switches
from gateway.metering.tariff import parse
from tests.metering.tariff_shapes import flat, terms_2

pytestmark = pytest.mark.adapter


def unix_s(text: str) -> int:
    """A UTC instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


OFFSETS = """
Asia/Shanghai     | 2026-07-01T00:00:00 | 28800
Europe/Berlin     | 2026-03-29T00:59:59 | 3600
Europe/Berlin     | 2026-03-29T01:00:00 | 7200
Europe/Berlin     | 2026-10-25T00:59:59 | 7200
Europe/Berlin     | 2026-10-25T01:00:00 | 3600
America/New_York  | 2026-12-01T00:00:00 | -18000
Asia/Kathmandu    | 2026-12-01T00:00:00 | 20700
Pacific/Apia      | 2011-12-30T09:59:59 | -36000
Pacific/Apia      | 2011-12-30T10:00:00 | 50400
"""


@pytest.mark.parametrize("row", OFFSETS.strip().splitlines())
def test_a_zone_is_ahead_by_what_the_row_says(row: str) -> None:
    zone, at, seconds = (cell.strip() for cell in row.split("|"))

    assert offset_s_at(zone, unix_s(at)) == int(seconds)


NIGHTS = """
zone          | days | hours       | from                | until               | switches
Europe/Berlin | 7    | 02:00-03:00 | 2026-03-29T00:00:00 | 2026-03-29T04:00:00 | 0
Europe/Berlin | 7    | 01:30-03:30 | 2026-03-29T00:00:00 | 2026-03-29T04:00:00 | 0 00:30:00=1 01:30:00=0
Europe/Berlin | 7    | 02:00-03:00 | 2026-10-24T23:00:00 | 2026-10-25T04:00:00 | 0 00:00:00=1 02:00:00=0
Pacific/Apia  | 5    | 08:00-20:00 | 2011-12-30T00:00:00 | 2011-12-31T12:00:00 | 0
Pacific/Apia  | 4    | 22:00-02:00 | 2011-12-30T07:00:00 | 2011-12-30T14:00:00 | 0 08:00:00=1 10:00:00=0
Pacific/Apia  | 6    | 00:00-24:00 | 2011-12-30T09:00:00 | 2011-12-30T12:00:00 | 0 10:00:00=1
Asia/Shanghai | 1    | 18:00-24:00 | 2026-11-23T09:00:00 | 2026-11-23T17:00:00 | 0 10:00:00=1 16:00:00=0
"""


@pytest.mark.parametrize("row", NIGHTS.strip().splitlines()[1:])
def test_the_price_switches_at_the_instants_of_the_row(row: str) -> None:
    zone, day, hours, begin, end, expected = (cell.strip() for cell in row.split("|"))
    opens, closes = hours.split("-")
    tariff = parse(
        terms_2(zone=zone, windows=[{"days": [int(day)], "from": opens, "until": closes, "tiers": flat(1)}])
    )

    found = switches(
        tariff, from_wall_ns=unix_s(begin) * NS, until_wall_ns=unix_s(end) * NS, offset_s_at=offset_s_at
    )

    first, *later = found
    told = [f"{datetime.fromtimestamp(s.at_wall_ns // NS, UTC):%H:%M:%S}={s.period}" for s in later]
    assert " ".join([str(first.period), *told]) == expected


def test_a_zone_that_is_none_is_refused_by_field() -> None:
    with pytest.raises(Unprocessable) as refused:
        offset_s_at("Mars/Olympus", 0)

    assert refused.value.extensions["field"] == "zone"


def test_a_tariff_of_an_unknown_zone_is_refused_before_anybody_agrees_to_it() -> None:
    windows = [{"days": [1], "from": "18:00", "until": "19:00", "tiers": flat(1)}]

    check_zone(parse(terms_2()), offset_s_at)
    check_zone(parse(terms_2(zone="Asia/Shanghai", windows=windows)), offset_s_at)
    with pytest.raises(Unprocessable):
        check_zone(parse(terms_2(zone="Asia/Atlantis", windows=windows)), offset_s_at)
