"""What is contested is set apart whole and let go of, a grant ends with its time, a stop is dated back."""

from collections.abc import Callable

import pytest

from loadtest.auditor import Verdict, truth
from loadtest.auditor.entries import STOP
from tests.loadtest_auditor.staged import BEGIN_S, NS, Staged, anchor, staged

pytestmark = pytest.mark.core

SHARE, READY, RESERVE = "provider_pending:acc_p", "provider_available:acc_p", "dispute_reserve"
EARNED_MICROS = 1_200_000
PAST_NS = 1_700_000_000 * NS


def contested(*steps: Callable[[Staged], object]) -> set[str]:
    """The rules that a settled world breaks in which those steps follow."""
    world = Staged().told()
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.acked(1, 30).stopped()
    world.receipt(world.settle())
    for step in steps:
        step(world)
    return set(world.close().rules)


def opened(micros: int) -> Callable[[Staged], object]:
    """A case sets that much apart."""
    legs = [("posted", "dispute_open", SHARE, RESERVE, micros)]
    return lambda world: world.command("case_open", legs, session=world.name)


def decided(micros: int) -> Callable[[Staged], object]:
    """Its decision gives that much to the provider."""
    legs = [("posted", "dispute_release", RESERVE, READY, micros)] if micros else []
    return lambda world: world.command("case_decide", legs, session=world.name)


def test_a_case_that_takes_all_and_gives_all_back_is_lawful() -> None:
    assert contested(opened(EARNED_MICROS), decided(EARNED_MICROS)) == set()


def test_a_case_that_leaves_a_part_with_the_provider_is_found() -> None:
    assert contested(opened(EARNED_MICROS // 2), matured(EARNED_MICROS // 2)) == {"reserve_whole"}


def matured(micros: int) -> Callable[[Staged], object]:
    """So much becomes payable."""
    legs = [("posted", "cool_off", SHARE, READY, micros)]
    return lambda world: world.command("cool_off", legs, session=world.name)


@pytest.mark.parametrize("released", [0, EARNED_MICROS - 1])
def test_what_stays_in_the_reserve_after_a_decision_is_found(released: int) -> None:
    assert contested(opened(EARNED_MICROS), decided(released)) == {"reserve_emptied"}


@pytest.mark.parametrize(("back_to", "is_lawful"), [(READY, True), (SHARE, False), ("platform_fee", False)])
def test_a_returned_payout_is_the_providers_again_and_at_his_disposal(back_to: str, is_lawful: bool) -> None:
    world = Staged()
    world.command("payout_returned", [("posted", "payout_back", "bank", back_to, 1_000)])
    world.close()

    assert ("unlawful_move" not in world.auditor.verdict.rules) is is_lawful


def test_a_hold_from_an_expired_grant_is_found() -> None:
    world = Staged().told()
    grant = world.account("client_promo:acc_c/old", expires_wall_ns=PAST_NS)
    world.command("promo_grant", [("posted", "promo_grant", "promo_cost", grant, 1_000)])
    world.hold(400, grant)

    assert "expired_grant" in world.auditor.verdict.rules


def test_a_refund_to_an_expired_grant_is_found() -> None:
    def refund(world: Staged) -> None:
        grant = world.account("client_promo:acc_c/old", expires_wall_ns=PAST_NS)
        world.command("refund", [("posted", "refund", SHARE, grant, 10_000)], session=world.name)

    assert "refund_to_expired" in contested(refund)


@pytest.mark.parametrize(("late_s", "expected"), [(0, set()), (1, {"stop_back_dated"})])
def test_a_stop_later_than_the_last_shared_evidence_is_found(late_s: int, expected: set[str]) -> None:
    def forge(world: Staged) -> None:
        world.entries[-1] = anchor(STOP, BEGIN_S + 30 + late_s, after_tick=30, reason=1)

    verdict: Verdict = staged(forge=forge)

    assert set(verdict.rules) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), {"shutdown"}),
        ((truth.StoreFailed(at_ns=(BEGIN_S + 20) * NS, is_down=True),), set()),
        ((truth.GatewayDown(at_ns=(BEGIN_S + 35) * NS, owner="node"),), set()),
    ],
)
def test_a_shutdown_of_a_gateway_that_was_there_is_found(
    events: tuple[truth.Event, ...], expected: set[str]
) -> None:
    def forge(world: Staged) -> None:
        world.tell(*events)
        world.changes = {"end_reason": "shutdown"}

    assert set(staged(forge=forge).rules) == expected
