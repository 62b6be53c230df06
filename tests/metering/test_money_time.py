"""Brackets, holds, time left and warnings, each alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS
from gateway.metering.allowance import Spend, next_hold, time_left_s
from gateway.metering.bracket import Bracket
from gateway.metering.pause import Pauses
from gateway.metering.tariff import parse
from gateway.metering.usage import Usage
from gateway.metering.wall_watch import WallWatch
from gateway.metering.warning import NearEnd, TimeLeft, nearest
from gateway.terms import SuspendReason, WarningReason
from tests.metering.bench import terms

pytestmark = pytest.mark.core

TARIFF = parse(terms(tiers=[{"from_s": 0, "price_micros_per_minute": 6_000_000}]))


def spend(used_s: int, held_micros: int) -> Spend:
    return Spend(tariff=TARIFF, usage=Usage.plain(used_s), held_micros=held_micros)


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(0, 59), st.integers(1, 5))
def test_a_bracket_covers_exactly_the_spans_without_a_gap(
    instants: list[int], start: int, length: int
) -> None:
    bracket = Bracket(gap_ns=8)
    for instant in sorted(instants):
        bracket.note(instant)

    known = sorted(set(instants))
    before = [i for i in known if i <= start]
    after = [i for i in known if i >= start + length]
    chain = [i for i in known if before and after and before[-1] <= i <= after[0]]
    expected = bool(chain) and all(b - a <= 8 for a, b in itertools.pairwise(chain))
    assert bracket.covers(start, start + length) == expected


def test_a_span_may_still_be_covered_only_while_the_gap_has_not_passed() -> None:
    bracket = Bracket(gap_ns=8)
    bracket.note(10)

    assert bracket.can_cover(10, 12, now_ns=18)
    assert not bracket.can_cover(10, 12, now_ns=19)
    assert not bracket.can_cover(9, 12, now_ns=11)


def test_a_hold_is_asked_for_when_cover_runs_low_and_only_then() -> None:
    assert next_hold(spend(39, 6_000_000)) is None
    request = next_hold(spend(40, 6_000_000))
    assert request is not None
    assert (request.want_micros, request.least_micros) == (6_000_000, 100_000)


def test_a_capped_price_that_is_fully_held_needs_no_more() -> None:
    capped = parse(terms(cap_micros=3_000_000))

    assert next_hold(Spend(tariff=capped, usage=Usage.plain(10_000), held_micros=3_000_000)) is None


def test_time_left_is_what_wallet_and_holds_last_for_all_sessions_together() -> None:
    assert time_left_s(6_000_000, [spend(0, 6_000_000)]) == 120
    assert time_left_s(6_000_000, [spend(10, 6_000_000)]) == 110
    assert time_left_s(0, [spend(0, 6_000_000), spend(0, 6_000_000)]) == 60
    assert time_left_s(6_000_000, [spend(30, 6_000_000), spend(0, 6_000_000)]) == 75
    assert time_left_s(-5, [spend(60, 6_000_000)]) == 0


def test_warnings_speak_once_and_are_re_armed_by_a_clear_rise() -> None:
    near_end = NearEnd()
    given_at = [left for left in range(140, 0, -1) if near_end.due(TimeLeft(left, WarningReason.FUNDS))]
    assert given_at == [120, 60, 30, 10]

    assert near_end.due(TimeLeft(41, WarningReason.FUNDS)) is None
    assert near_end.due(TimeLeft(30, WarningReason.FUNDS)) is not None
    assert near_end.due(TimeLeft(39, WarningReason.FUNDS)) is None
    assert near_end.due(TimeLeft(29, WarningReason.FUNDS)) is None


def test_a_call_that_begins_short_is_warned_once_not_for_every_threshold() -> None:
    near_end = NearEnd()

    assert near_end.due(TimeLeft(45, WarningReason.FUNDS)) is not None
    assert near_end.due(TimeLeft(44, WarningReason.FUNDS)) is None
    assert near_end.due(TimeLeft(30, WarningReason.FUNDS)) is not None


def test_the_nearest_limit_is_named() -> None:
    assert nearest(funds_s=50, duration_s=40, slot_s=None).reason is WarningReason.MAX_DURATION
    assert nearest(funds_s=50, duration_s=60, slot_s=20) == TimeLeft(20, WarningReason.SLOT_END)
    assert nearest(funds_s=40, duration_s=40, slot_s=40).reason is WarningReason.FUNDS


def test_limits_agreed_on_are_named_and_money_comes_first_where_they_tie() -> None:
    far = {"funds_s": 500, "duration_s": 600, "slot_s": None}

    assert nearest(**far, spend_s=90).reason is WarningReason.SPEND_LIMIT
    assert nearest(**far, block_s=90) == TimeLeft(90, WarningReason.BLOCK_END)
    assert nearest(**far, spend_s=90, block_s=90).reason is WarningReason.SPEND_LIMIT
    assert nearest(**far, spend_s=500).reason is WarningReason.FUNDS
    assert nearest(**far, block_s=700) == TimeLeft(500, WarningReason.FUNDS)


def test_pauses_of_different_reasons_add_up() -> None:
    pauses = Pauses(is_text=False)
    pauses.begin(SuspendReason.SOS, 10)
    pauses.begin(SuspendReason.OPERATOR, 12)
    pauses.end(SuspendReason.SOS, 20)

    assert pauses.active is SuspendReason.OPERATOR
    assert pauses.touching(9, 11) is SuspendReason.SOS
    assert pauses.touching(25, 26) is SuspendReason.OPERATOR
    assert pauses.touching(0, 10) is None
    pauses.end(SuspendReason.OPERATOR, 30)
    pauses.forget_before(30)
    assert pauses.touching(0, 100) is None


def test_a_step_of_the_wall_clock_is_seen_and_a_drift_is_not() -> None:
    watch = WallWatch()

    assert watch.step_ns(0, 100 * NS) == 0
    assert watch.step_ns(NS, 101 * NS + NS // 2) == 0
    assert watch.step_ns(2 * NS, 110 * NS) == 7 * NS + NS // 2
    assert watch.step_ns(3 * NS, 111 * NS) == 0
