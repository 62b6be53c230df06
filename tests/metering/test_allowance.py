"""How far money goes: cover, holds and time left, against counting second by second."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metering.allowance import HoldRequest, Spend, next_hold, time_left_s
from gateway.metering.rate import SECONDS_MAX
from gateway.metering.tariff import parse
from gateway.metering.usage import Usage
from tests.metering.tariff_shapes import flat, naive_cost, shapes, terms_2, usages

pytestmark = pytest.mark.core

HORIZON_S = 130
SLOWLY = settings(deadline=None, max_examples=60)
"""Counting second by second takes its time."""
DEAR_LATER = terms_2(
    zone="Europe/Berlin",
    windows=[{"days": [1], "from": "18:00", "until": "24:00", "tiers": flat(6_000_000)}],
)


class Staged:
    """A session whose future is known second by second."""

    def __init__(self, terms: dict[str, Any], spend: Spend, periods: list[int]) -> None:
        self.terms = terms
        self.spend = spend
        self.periods = [*periods, *self._future(periods)]
        self.used_s = len(periods)

    def _future(self, periods: list[int]) -> list[int]:
        now = periods[-1] if periods else 0
        future = []
        for second in range(HORIZON_S + 60):
            now = next((p for at, p in reversed(self.spend.ahead) if at <= second), now)
            future.append(now)
        return future

    def cost_after(self, seconds: int) -> int:
        """What it has cost then."""
        return naive_cost(self.terms, self.periods[: self.used_s + seconds], self.spend.usage.messages)

    def ends_after_s(self) -> int:
        """Seconds until its maximum, its slot or an agreed limit ends it, at most the horizon."""
        limit, stop = self.spend.limit_s, self.spend.limited_micros
        for second in range(HORIZON_S):
            if second >= self.spend.ends_in_s or (limit is not None and self.used_s + second >= limit):
                return second
            if stop is not None and self.cost_after(second + 1) > stop:
                return second
        return HORIZON_S


@st.composite
def staged(draw: st.DrawFn) -> Staged:
    """A live session of any tariff, with switches ahead and limits."""
    terms = draw(shapes())
    usage, periods = draw(usages(terms, seconds_max=200))
    period = st.integers(0, len(terms["windows"]))
    ahead = tuple((at, draw(period)) for at in sorted(draw(st.sets(st.integers(0, 110), max_size=3))))
    spend = Spend(
        tariff=parse(terms),
        usage=usage,
        held_micros=draw(st.integers(0, 20_000_000)),
        ahead=ahead if terms["windows"] else (),
        limit_s=draw(st.none() | st.integers(0, 400)),
        limit_micros=draw(st.none() | st.integers(0, 40_000_000)),
        ends_in_s=draw(st.just(SECONDS_MAX) | st.integers(0, 400)),
    )
    return Staged(terms, spend, periods)


def brute_time_left(money: int, sessions: list[Staged]) -> int:
    """The first second at which all together would cost more, less one; the horizon where none does."""
    ends = [session.ends_after_s() if len(sessions) > 1 else HORIZON_S for session in sessions]
    for second in range(1, HORIZON_S + 1):
        cost = sum(s.cost_after(min(second, end)) for s, end in zip(sessions, ends, strict=True))
        if cost > money:
            return second - 1
    return HORIZON_S


@SLOWLY
@given(st.lists(staged(), min_size=1, max_size=3), st.integers(-5, 30_000_000))
def test_time_left_is_exact_for_all_sessions_of_a_wallet_together(sessions: list, available: int) -> None:
    money = max(0, available) + sum(session.spend.held_micros for session in sessions)

    left_s = time_left_s(available, [session.spend for session in sessions])

    assert min(left_s, HORIZON_S) == brute_time_left(money, sessions)


@SLOWLY
@given(staged())
def test_the_next_hold_covers_what_comes_and_never_asks_for_what_cannot_be_used(session: Staged) -> None:
    spend, request = session.spend, next_hold(session.spend)
    ends_s = session.ends_after_s()
    fits_s = brute_time_left(spend.held_micros, [session])
    if session.terms["kind"] == "per_message":
        return
    if request is None:
        assert fits_s > 20 or fits_s >= ends_s
        return
    assert fits_s <= 20
    assert 0 < request.least_micros == session.cost_after(fits_s + 1) - spend.held_micros
    until_s = min(fits_s + 60, session.spend.may_go_on_s())
    assert request.want_micros >= session.cost_after(until_s) - spend.held_micros
    most = [amount for amount in (session.terms["cap_micros"], spend.limited_micros) if amount is not None]
    assert all(spend.held_micros + request.want_micros <= amount for amount in most)
    assert request.least_micros <= request.want_micros


@SLOWLY
@given(staged())
def test_what_was_agreed_ends_a_session_at_the_exact_second(session: Staged) -> None:
    assert min(session.spend.may_go_on_s(), HORIZON_S) == session.ends_after_s()


@SLOWLY
@given(staged(), st.integers(0, 150))
def test_the_cost_to_come_follows_the_switches(session: Staged, seconds: int) -> None:
    assert session.spend.cost_after(seconds) == session.cost_after(seconds)


def test_a_hold_across_a_switch_covers_the_dearer_side() -> None:
    spend = Spend(tariff=parse(DEAR_LATER), usage=Usage.plain(40), held_micros=3_000_000, ahead=((50, 1),))

    assert next_hold(spend) == HoldRequest(want_micros=6_000_000, least_micros=50_000)


def test_a_hold_towards_a_cheaper_price_still_covers_the_dearer_side() -> None:
    spend = Spend(
        tariff=parse(DEAR_LATER),
        usage=Usage(((1, 40),)),
        held_micros=6_000_000,
        ahead=((0, 1), (25, 0)),
    )

    assert next_hold(spend) == HoldRequest(want_micros=6_000_000, least_micros=100_000)


def test_time_left_counts_the_price_to_come() -> None:
    spend = Spend(tariff=parse(DEAR_LATER), usage=Usage.plain(10), held_micros=500_000, ahead=((30, 1),))

    assert time_left_s(3_000_000, [spend]) == 30 + 15


def test_a_session_that_an_agreed_limit_ends_leaves_the_rest_to_its_siblings() -> None:
    plain = parse(terms_2())
    short = Spend(tariff=parse(terms_2(spend_stop_micros=1_000_000)), usage=Usage(), held_micros=1_000_000)
    long = Spend(tariff=plain, usage=Usage(), held_micros=0)

    assert time_left_s(2_000_000, [short, long]) == 40


def test_a_sibling_that_is_paid_for_with_messages_takes_no_money_by_the_second() -> None:
    chat = parse({**terms_2(tiers=[]), "kind": "per_message", "message_micros": 500_000})
    written = Spend(tariff=chat, usage=Usage.plain(300, 4), held_micros=10_000_000)
    call = Spend(tariff=parse(terms_2()), usage=Usage(), held_micros=3_000_000)

    assert time_left_s(0, [written, call]) == (13_000_000 - 2_000_000) // 50_000


@pytest.mark.parametrize(
    ("messages", "held", "asked"),
    [
        (15, 10_000_000, None),
        (16, 10_000_000, HoldRequest(want_micros=10_000_000, least_micros=500_000)),
        (20, 10_000_000, HoldRequest(want_micros=10_000_000, least_micros=500_000)),
        (20, 10_250_000, HoldRequest(want_micros=9_750_000, least_micros=250_000)),
    ],
)
def test_a_hold_of_twenty_messages_is_asked_for_when_fewer_than_five_are_covered(
    messages: int, held: int, asked: HoldRequest | None
) -> None:
    chat = parse({**terms_2(tiers=[]), "kind": "per_message", "message_micros": 500_000})

    assert next_hold(Spend(tariff=chat, usage=Usage((), messages), held_micros=held)) == asked


def test_a_hold_for_messages_stops_at_the_limit_on_spending() -> None:
    chat = terms_2(tiers=[], kind="per_message", message_micros=500_000, spend_stop_micros=11_000_000)
    spend = Spend(tariff=parse(chat), usage=Usage((), 18), held_micros=10_000_000)

    assert next_hold(spend) == HoldRequest(want_micros=1_000_000, least_micros=500_000)
    assert next_hold(Spend(tariff=parse(chat), usage=Usage((), 22), held_micros=11_000_000)) is None


def test_the_next_block_is_held_only_once_it_may_be_used() -> None:
    block = {"length_s": 300, "price_micros": 9_000_000, "overrun": "ask"}
    tariff = parse(terms_2(kind="block", tiers=[], block=block))

    asked = Spend(tariff=tariff, usage=Usage.plain(290), held_micros=9_000_000, limit_s=tariff.limit_s(1))
    agreed = Spend(tariff=tariff, usage=Usage.plain(290), held_micros=9_000_000, limit_s=tariff.limit_s(2))

    assert next_hold(asked) is None
    assert next_hold(agreed) == HoldRequest(want_micros=9_000_000, least_micros=9_000_000)


def test_what_costs_nothing_more_lasts_for_good() -> None:
    capped = parse(terms_2(cap_micros=3_000_000))

    assert (
        time_left_s(0, [Spend(tariff=capped, usage=Usage.plain(9_000), held_micros=3_000_000)]) == SECONDS_MAX
    )
