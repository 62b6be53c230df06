"""What the client agreed to: spend checkpoints, prepaid blocks, and what a yes allows."""

from typing import Any

import pytest

from gateway.metering import effect
from gateway.metering.evidence import AnchorKind
from gateway.metering.phase import MeterPhase
from gateway.terms import ConsentKind, EndReason, Side, TariffSnapshot, WarningReason
from tests.metering.bench import Bench, order, terms

pytestmark = pytest.mark.core

PER_SECOND = 100_000
"""Micros a second at 6 CNY a minute."""


def v2(**changes: Any) -> TariffSnapshot:
    """A tariff of version 2 at 6 CNY a minute unless said otherwise."""
    return TariffSnapshot.of(
        terms(
            **{
                "version": 2,
                "tiers": [{"from_s": 0, "price_micros_per_minute": 6_000_000}],
                "rounding": "down",
                "zone": "",
                "windows": [],
                "block": None,
                "session_micros": 0,
                "message_micros": 0,
                "messages_free": 0,
                "messages_from": "both",
                "spend_notify_micros": None,
                "spend_consent_micros": None,
                "spend_stop_micros": None,
                **changes,
            }
        )
    )


def block(overrun: str, length_s: int = 300) -> TariffSnapshot:
    """A prepaid block of 10 CNY."""
    tiers = [{"from_s": 0, "price_micros_per_minute": 6_000_000}] if overrun == "per_second" else []
    return v2(
        kind="block",
        tiers=tiers,
        block={"length_s": length_s, "price_micros": 10_000_000, "overrun": overrun},
    )


def bench_of(tariff: TariffSnapshot) -> Bench:
    """A bench with plenty of money."""
    return Bench(order(tariff=tariff))


def billed(bench: Bench) -> int:
    return bench.meter.record.tally.billed_s


def test_each_multiple_of_the_notice_is_told_once() -> None:
    bench = bench_of(v2(spend_notify_micros=1_000_000)).started().run(35)

    spent = [made.spent_micros for made in bench.of(effect.Noticed)]
    assert spent == [1_000_000, 2_000_000, 3_000_000]


def test_consent_is_asked_thirty_seconds_before_the_limit_and_once() -> None:
    bench = bench_of(v2(spend_consent_micros=60 * PER_SECOND)).started().run(58)

    (asked,) = bench.of(effect.Asked)
    assert (asked.kind, asked.seconds_left, asked.price_micros) == (ConsentKind.SPEND, 30, 0)
    assert asked.spent_micros == 30 * PER_SECOND


def test_consent_is_asked_at_once_where_less_is_left() -> None:
    bench = bench_of(v2(spend_consent_micros=12 * PER_SECOND)).started().run(2)

    (asked,) = bench.of(effect.Asked)
    assert asked.seconds_left == 11


def test_without_a_yes_no_second_passes_the_consent_limit() -> None:
    bench = bench_of(v2(spend_consent_micros=60 * PER_SECOND + 99_999)).started()

    bench.ended(within_s=90)

    assert bench.of(effect.Stopped)[0].reason is EndReason.FUNDS
    assert billed(bench) == 60
    warned = {(made.seconds_left, made.reason) for made in bench.of(effect.Warned)}
    assert warned >= {(30, WarningReason.SPEND_LIMIT), (10, WarningReason.SPEND_LIMIT)}


def test_a_yes_lets_the_session_go_on_and_is_in_the_evidence() -> None:
    bench = bench_of(v2(spend_consent_micros=60 * PER_SECOND)).started().run(40)

    assert bench.meter.consent(ConsentKind.SPEND, bench.now_ns, wall_ns=bench.wall_ns)
    bench.run(60)

    assert bench.meter.phase is MeterPhase.RUNNING
    assert bench.of(effect.Consented) == [effect.Consented(kind=ConsentKind.SPEND)]
    assert bench.meter.record.consents(ConsentKind.SPEND) == 1
    assert len(bench.of(effect.Asked)) == 1


@pytest.mark.parametrize("kind", ConsentKind)
def test_a_yes_that_was_not_asked_for_changes_nothing(kind: ConsentKind) -> None:
    bench = bench_of(v2(spend_consent_micros=600 * PER_SECOND)).started().run(3)

    assert not bench.meter.consent(kind, bench.now_ns, wall_ns=bench.wall_ns)
    assert all(anchor.kind is not AnchorKind.CONSENT for anchor in bench.meter.record.anchors)


def test_the_same_yes_twice_counts_once() -> None:
    bench = bench_of(block("ask")).started().run(250)

    assert bench.meter.consent(ConsentKind.BLOCK, bench.now_ns, wall_ns=bench.wall_ns)
    assert not bench.meter.consent(ConsentKind.BLOCK, bench.now_ns, wall_ns=bench.wall_ns)


def test_the_hard_limit_on_spending_stops_even_after_a_yes() -> None:
    tariff = v2(spend_consent_micros=40 * PER_SECOND, spend_stop_micros=80 * PER_SECOND)
    bench = bench_of(tariff).started().run(20)
    assert bench.meter.consent(ConsentKind.SPEND, bench.now_ns, wall_ns=bench.wall_ns)

    bench.ended(within_s=90)

    assert bench.of(effect.Stopped)[0].reason is EndReason.FUNDS
    assert billed(bench) == 80


def test_a_block_that_stops_ends_with_its_last_second() -> None:
    bench = bench_of(block("stop")).started()

    bench.ended(within_s=320)

    assert bench.of(effect.Stopped)[0].reason is EndReason.SLOT_END
    assert billed(bench) == 300
    assert bench.of(effect.Asked) == []
    warned = [(made.seconds_left, made.reason) for made in bench.of(effect.Warned)]
    assert warned == [(left, WarningReason.BLOCK_END) for left in (120, 60, 30, 10)]


@pytest.mark.parametrize(("length_s", "asked_at_s"), [(300, 60), (120, 60), (80, 40)])
def test_the_next_block_is_asked_for_before_the_bought_time_ends(length_s: int, asked_at_s: int) -> None:
    bench = bench_of(block("ask", length_s)).started().run(length_s - 2)

    (asked,) = bench.of(effect.Asked)
    assert (asked.kind, asked.seconds_left) == (ConsentKind.BLOCK, asked_at_s)
    assert asked.price_micros == 10_000_000


def test_without_a_yes_the_bought_time_is_the_end() -> None:
    bench = bench_of(block("ask", 120)).started()

    bench.ended(within_s=140)

    assert bench.of(effect.Stopped)[0].reason is EndReason.SLOT_END
    assert billed(bench) == 120
    assert bench.meter.tariff.cost(bench.meter.record.tally.usage) == 10_000_000


def test_every_yes_buys_one_block_and_the_next_is_asked_for_again() -> None:
    bench = bench_of(block("ask", 120)).started().run(90)
    assert bench.meter.consent(ConsentKind.BLOCK, bench.now_ns, wall_ns=bench.wall_ns)

    bench.ended(within_s=200)

    assert len(bench.of(effect.Asked)) == 2
    assert billed(bench) == 240
    assert bench.meter.tariff.cost(bench.meter.record.tally.usage) == 20_000_000


def test_a_yes_asks_for_the_hold_of_the_next_block_at_once() -> None:
    bench = bench_of(block("ask", 120))
    bench.meter.cover.held_micros = 10_000_000
    bench.started().run(110)
    assert bench.of(effect.HoldNeeded) == []

    bench.meter.consent(ConsentKind.BLOCK, bench.now_ns, wall_ns=bench.wall_ns)
    bench.step()

    (needed,) = bench.of(effect.HoldNeeded)
    assert needed.request.want_micros == 10_000_000


def test_after_a_restart_what_was_agreed_still_holds_and_what_was_told_is_not_told_again() -> None:
    tariff = v2(spend_notify_micros=1_000_000, spend_consent_micros=40 * PER_SECOND)
    before = bench_of(tariff).started().run(25)
    before.meter.consent(ConsentKind.SPEND, before.now_ns, wall_ns=before.wall_ns)
    before.run(5)
    after = bench_of(tariff)
    after.now_ns, after.wall_ns = before.now_ns, before.wall_ns
    after.recover(before)
    for side in Side:
        after.meter.set_socket(side, present=True)

    after.run(40)

    assert after.meter.phase is MeterPhase.RUNNING
    assert billed(after) > 60
    assert min(made.spent_micros for made in after.of(effect.Noticed)) >= 3_000_000


def test_a_second_that_the_process_slept_through_is_not_served_beyond_the_cover() -> None:
    bench = Bench()
    bench.meter.cover.held_micros = 12 * 50_000
    bench.started().run(10)
    bench.meter.hold_failed(is_money_out=True)
    bench.now_ns += 5_000_000_000

    (stopped,) = [
        made for made in bench.meter.second(bench.now_ns, funds_left_s=0) if isinstance(made, effect.Stopped)
    ]
    bench.ended()

    assert stopped.at_ns == bench.meter.tick_end_ns(12)
    assert bench.meter.record.tally.ticks == 12
