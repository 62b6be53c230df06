"""No intervention without a reason that can be read."""

import pytest

from gateway.admin.intervention import REASON_CHARACTERS_MAX, reason_status, tidy_reason

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("", "too_short"),
        ("ab", "too_short"),
        ("  a  b  ", "given"),
        ("a \n", "too_short"),
        ("\u200b\u200b\u200b\u200b", "too_short"),
        ("abc", "given"),
        ("用户求助", "given"),
        ("x" * REASON_CHARACTERS_MAX, "given"),
        ("x" * (REASON_CHARACTERS_MAX + 1), "too_long"),
    ],
)
def test_a_reason_has_three_to_five_hundred_characters_that_show(reason: str, status: str) -> None:
    assert reason_status(reason) == status


def test_a_reason_becomes_one_line() -> None:
    assert tidy_reason("  both\n\tasked\x00 for   it ") == "both asked for it"
