"""Apps' own counts against what was found."""

import pytest

from gateway.metering.report import difference
from gateway.terms import Side

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("seconds", "witnessed_s", "unwitnessed_s", "is_near"),
    [
        (100, 100, 0, True),
        (101, 100, 0, True),
        (102, 100, 0, False),
        (98, 100, 0, False),
        (1006, 1000, 0, True),
        (1007, 1000, 0, False),
        (18, 16, 2, True),
        (20, 16, 2, False),
        (14, 16, 2, False),
    ],
)
def test_a_count_is_near_within_a_second_and_half_a_per_cent_of_what_may_have_been(
    seconds: int, witnessed_s: int, unwitnessed_s: int, is_near: bool
) -> None:
    found = difference(Side.CLIENT, seconds, witnessed_s=witnessed_s, unwitnessed_s=unwitnessed_s)

    assert (found is None) is is_near


def test_the_sentence_names_both_counts() -> None:
    assert difference(Side.PROVIDER, 30, witnessed_s=16, unwitnessed_s=2) == (
        "the provider's app counted 30 s, the gateway 16 s and 2 s unwitnessed"
    )
