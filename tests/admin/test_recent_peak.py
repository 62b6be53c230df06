"""A peak stays visible for its window."""

import pytest

from gateway.admin.recent_peak import RecentPeak

pytestmark = pytest.mark.core


def test_the_highest_value_of_the_window_is_shown() -> None:
    peak = RecentPeak(window_ns=10)

    for at_ns, value in [(0, 1.0), (1, 9.0), (2, 3.0), (9, 5.0)]:
        peak.note(at_ns, value)

    assert [peak.value(at_ns) for at_ns in (9, 11, 12, 13, 19, 20)] == [9.0, 9.0, 5.0, 5.0, 5.0, 0.0]


def test_nothing_noted_is_no_peak() -> None:
    assert RecentPeak().value(5) == 0.0
