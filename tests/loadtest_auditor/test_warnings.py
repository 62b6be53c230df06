"""Warnings and cuts: small wallets whose end is known to the second."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtest.auditor import Verdict, truth
from loadtest.auditor.cuts import _stands
from loadtest.auditor.entries import BILLED, PAUSED, Slot
from loadtest.auditor.warnings import Wallet
from tests.loadtest_auditor.staged import BEGIN_S, NS, WALL_NS, Staged

pytestmark = pytest.mark.core


def rules(verdict: Verdict) -> set[str]:
    """What was complained of."""
    return set(verdict.rules)


# Warnings: 5.00 at 3.00 a minute lasts 100 s; at 140 s there are 60 s left.


def warned(*told: tuple[int, int], seconds: int = 45) -> Verdict:
    """A call on a small wallet, and warnings of (seconds from the start, seconds left)."""
    world = Staged(seconds=seconds).told()
    world.top_up(5_000_000)
    world.hold(3_000_000)
    world.acked(1, 41)
    world.hold(2_000_000)
    world.acked(42, seconds)
    for at_s, left_s in told:
        world.tell(
            truth.WarningShown(
                at_ns=(BEGIN_S + at_s) * NS + NS // 9, session=world.name, side="client",
                seconds_left=left_s, reason="funds",
            )
        )  # fmt: skip
    world.stopped()
    world.receipt(world.settle())
    return world.close()


@pytest.mark.parametrize(
    ("told", "off_s", "expected"),
    [
        ([(1, 99), (40, 60)], 0, set()),
        ([(40, 61)], 1, set()),
        ([(40, 57)], 3, {"warning"}),
        ([(38, 60)], 2, {"warning"}),
        ([(40, 60), (43, 57)], 0, {"warned_once"}),
        # The record ends at 45 s: what was told with a later second was reckoned from what is lost.
        ([(45, 20)], 35, {"warning"}),
        ([(47, 20)], 0, set()),
    ],
)
def test_a_warning_is_right_to_the_second_and_told_once(
    told: list[tuple[int, int]], off_s: int, expected: set[str]
) -> None:
    verdict = warned(*told)
    assert verdict.warning_off_s_max == off_s
    assert rules(verdict) == expected


def ended_by_funds(
    seconds: int, *, told: list[tuple[int, int]], later: Callable[[Staged], None] = lambda _world: None
) -> Verdict:
    """The money is at its end after 100 s."""
    world = Staged(seconds=seconds).told()
    world.top_up(5_000_000)
    world.hold(3_000_000)
    world.acked(1, 41)
    world.hold(2_000_000)
    later(world)
    world.acked(42, seconds)
    for at_s, left_s in told:
        at_ns = (BEGIN_S + at_s) * NS + NS // 9
        event = truth.WarningShown(
            at_ns=at_ns, session=world.name, side="client", seconds_left=left_s, reason="funds"
        )
        world.tell(event)
    world.end_reason = "funds"
    world.receipt(world.settle())
    return world.close()


def test_a_cut_comes_when_the_money_ends_and_after_its_warnings() -> None:
    told = [(1, 99), (40, 60), (70, 30), (90, 10)]
    assert ended_by_funds(100, told=told).is_clean
    assert rules(ended_by_funds(98, told=told)) == {"cut_early"}
    assert rules(ended_by_funds(100, told=told[:3])) == {"not_warned"}


def test_what_has_expired_is_not_in_a_wallet_any_more() -> None:
    wallet = Wallet(spendable_micros=900, held_micros={}, grants=((10, 300), (20, 500)), at_wall_ns=5)

    assert [wallet.later(at).spendable_micros for at in (9, 10, 19, 20)] == [900, 600, 600, 100]
    assert wallet.later(30).later(40).spendable_micros == 100
    assert replace(wallet, at_wall_ns=15).later(30).spendable_micros == 400


@pytest.mark.parametrize(("expires_s", "expected"), [(95, set()), (3_000, {"cut_early"})])
def test_a_cut_is_early_only_where_the_wallet_had_money_then(expires_s: int, expected: set[str]) -> None:
    def granted(world: Staged) -> None:
        grant = world.account("client_promo:acc_c/late", expires_wall_ns=WALL_NS + (BEGIN_S + expires_s) * NS)
        world.command("promo_grant", [("posted", "promo_grant", "promo_cost", grant, 50_000_000)])

    told = [(1, 99), (40, 60), (70, 30), (90, 10)]
    assert rules(ended_by_funds(100, told=told, later=granted)) - {"warning", "not_warned"} == expected


@pytest.mark.parametrize(
    ("lifts_s", "expected"),
    [([], True), ([30], False), ([80], True), ([30, 80], True), ([30, 40], False)],
)
def test_an_earlier_warning_stands_unless_time_left_rose_since(lifts_s: list[int], expected: bool) -> None:
    event = truth.WarningShown(at_ns=10 * NS, session="s", side="client", seconds_left=9, reason="funds")
    lifts = [at_s * NS for at_s in lifts_s]

    assert _stands(event, 10, lifts, slots_until(100), since=87 * NS) is expected


@pytest.mark.parametrize(("pause", "expected"), [((), False), ((40, 90), True), ((40, 41), False)])
def test_time_left_stands_still_while_metering_is_paused(pause: tuple[int, ...], expected: bool) -> None:
    event = truth.WarningShown(at_ns=10 * NS, session="s", side="client", seconds_left=9, reason="funds")

    assert _stands(event, 10, [30 * NS], slots_until(100, *pause), since=87 * NS) is expected


def slots_until(end_s: int, *pause: int) -> list[Slot]:
    """A second each, billed unless it lies in the pause."""
    paused = range(*pause) if pause else ()
    findings = [PAUSED if at_s in paused else BILLED for at_s in range(end_s)]
    return [
        Slot(
            finding=finding, media=3, app=3, suspended=0, period=0, clocks=0, messages=0,
            tick=at_s + 1, end_ns=(at_s + 1) * NS, wall_ns=0,
        )
        for at_s, finding in enumerate(findings)
    ]  # fmt: skip
