"""What every second is found to be, as rows of text.

A row is one witness, one character for each quarter-second instant from 0 on:
`#` evidence, `.` none; `12#` stands for twelve. Expected findings have one letter
for each second: B billed, U unwitnessed, P paused. Evidence every quarter second
with nothing missing is `*`.
"""

import re
from dataclasses import dataclass

import pytest

from gateway.clock import NS
from gateway.metering.attendance import Attendance
from gateway.metering.judgement import judged
from gateway.metering.pause import Pauses
from gateway.metering.tick import TickFinding
from gateway.terms import Side, SuspendReason
from tests.metering.bench import T0

pytestmark = pytest.mark.core

QUARTER_NS = NS // 4
LETTERS = {
    "B": TickFinding.BILLED,
    "U": TickFinding.UNWITNESSED,
    "P": TickFinding.PAUSED,
    "F": TickFinding.FREE,
}


@dataclass(frozen=True)
class Row:
    """One session of whole seconds."""

    says: str
    expected: str
    client_media: str = "*"
    provider_media: str = "*"
    client_app: str = "*"
    provider_app: str = "*"
    paused: str = ""
    """`#` where an operator's pause holds from that instant to the next."""


ROWS = (
    Row("all four witnesses", "4B"),
    Row("the client's leg is silent for exactly 8 s", "10B", client_media="5# 31. 5#"),
    Row("a quarter longer is too long", "1B 9U 1B", client_media="5# 32. 8#"),
    Row("the provider's leg, likewise", "1B 9U 1B", provider_media="5# 32. 8#"),
    Row("an app is silent for exactly 15 s", "17B", client_app="5# 59. 5#"),
    Row("a quarter longer is too long", "1B 16U 1B", provider_app="5# 60. 8#"),
    Row("the leg comes late: never back-dated", "2U 2B", client_media="7. 10#"),
    Row("the app comes late: never back-dated", "2U 2B", provider_app="8. 9#"),
    Row("evidence begins within a second", "1U 3B", client_media="1. 16#"),
    Row("the leg goes: back-dated to its last packet", "2B 2U", client_media="11# 6."),
    Row("the app goes: back-dated to its last tick", "2B 2U", provider_app="9# 8."),
    Row("the earlier of both", "1B 3U", client_media="11# 6.", provider_app="5# 12."),
    Row("no client at all", "3U", client_media="13.", client_app="13."),
    Row("apps without media", "3U", client_media="13.", provider_media="13."),
    Row("media without apps", "3U", client_app="13.", provider_app="13."),
    Row("one packet brackets nothing", "4U", client_media="8. 1# 8."),
    Row("two packets bracket what lies between", "1U 2B 1U", client_media="4. 1# 7. 1# 4."),
    Row("an acknowledgement every 5 s will do", "15B", client_app="1# 19. 1# 19. 1# 19. 1#"),
    Row("a pause for a part of a second", "1B 1P 2B", paused="5. 1# 11."),
    Row("a pause from whole second to whole second", "1B 1P 2B", paused="4. 4# 9."),
    Row("a pause across a second's end", "1B 2P 1B", paused="7. 2# 8."),
    Row("paused is said even where nobody was there", "1U 1P 1U", client_media="13.", paused="4. 4# 5."),
    Row(
        "two gaps that overlap count once",
        "1B 13U 1B",
        client_media="5# 33. 23#",
        provider_media="21# 35. 5#",
    ),
)


def spelled(text: str) -> str:
    """`3#` as `###`."""
    return "".join(
        symbol * int(count or 1) for count, symbol in re.findall(r"(\d*)([#.A-Z])", text.replace(" ", ""))
    )


def noted(side: Side, media: str, app: str, *, quarters: int) -> Attendance:
    """One side's evidence."""
    attendance = Attendance(side)
    for row, bracket in ((media, attendance.media), (app, attendance.app)):
        marks = "#" * (quarters + 1) if row == "*" else spelled(row)
        assert len(marks) == quarters + 1, f"{row} has {len(marks)} instants, not {quarters + 1}"
        for index, mark in enumerate(marks):
            if mark == "#":
                bracket.note(T0 + index * QUARTER_NS)
    return attendance


def pauses_of(row: str) -> Pauses:
    """The operator's pauses."""
    pauses = Pauses(is_text=False)
    for index, mark in enumerate(spelled(row)):
        at_ns = T0 + index * QUARTER_NS
        if mark == "#":
            pauses.begin(SuspendReason.OPERATOR, at_ns)
        else:
            pauses.end(SuspendReason.OPERATOR, at_ns)
    return pauses


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_every_second_is_found_as_the_table_says(row: Row) -> None:
    expected = [LETTERS[letter] for letter in spelled(row.expected)]
    quarters = 4 * len(expected)
    client = noted(Side.CLIENT, row.client_media, row.client_app, quarters=quarters)
    provider = noted(Side.PROVIDER, row.provider_media, row.provider_app, quarters=quarters)
    pauses = pauses_of(row.paused)

    found = [
        judged(
            client,
            provider,
            pauses,
            until_ns=T0 + (number + 1) * NS,
            now_ns=T0 + (len(expected) + 60) * NS,
            is_free=False,
            is_over=True,
        )
        for number in range(len(expected))
    ]

    assert [each.finding for each in found if each] == expected


@pytest.mark.parametrize("missing", ["client_media", "provider_media", "client_app", "provider_app"])
def test_a_second_waits_while_its_far_bracket_may_come_and_not_longer(missing: str) -> None:
    rows = dict.fromkeys(("client_media", "provider_media", "client_app", "provider_app"), "*")
    rows[missing] = "1# 4."
    client = noted(Side.CLIENT, rows["client_media"], rows["client_app"], quarters=4)
    provider = noted(Side.PROVIDER, rows["provider_media"], rows["provider_app"], quarters=4)
    gap_s = 8 if missing.endswith("media") else 15

    def found_at(now_ns: int) -> TickFinding | None:
        found = judged(
            client,
            provider,
            Pauses(is_text=False),
            until_ns=T0 + NS,
            now_ns=now_ns,
            is_free=False,
            is_over=False,
        )
        return found.finding if found else None

    assert found_at(T0 + gap_s * NS) is None
    assert found_at(T0 + gap_s * NS + 1) is TickFinding.UNWITNESSED


def test_a_witnessed_second_inside_the_free_ones_is_free() -> None:
    sides = [noted(side, "*", "*", quarters=4) for side in Side]

    found = judged(
        *sides, Pauses(is_text=False), until_ns=T0 + NS, now_ns=T0 + NS, is_free=True, is_over=False
    )

    assert found is not None
    assert found.finding is TickFinding.FREE


def test_a_short_clock_takes_a_witnessed_second_and_says_which() -> None:
    sides = [noted(side, "*", "*", quarters=4) for side in Side]

    found = judged(
        *sides,
        Pauses(is_text=False),
        until_ns=T0 + NS,
        now_ns=T0 + NS,
        is_free=False,
        is_over=False,
        short_clocks=6,
    )

    assert found is not None
    assert (found.finding, found.short_clocks) == (TickFinding.UNWITNESSED, 6)
