"""How far a hook is trusted and what its silence means."""

import pytest

from gateway.ids import SessionId
from gateway.moderation.policy import (
    FAIL_CLOSED,
    FAIL_OPEN,
    HOOK_NS_MAX,
    HookPolicy,
    Mode,
    failure_verdict,
    mode_for,
)
from gateway.moderation.verdict import Action, Category

pytestmark = pytest.mark.core

BOTH = (Category.ABUSE, Category.MINORS)


def sessions(count: int) -> list[SessionId]:
    return [SessionId(f"ses_{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (FAIL_CLOSED, Action.HOLD),
        (FAIL_OPEN, None),
        (HookPolicy(on_failure={Category.MINORS: Action.BLOCK}), Action.BLOCK),
        (HookPolicy(on_failure={Category.SEXUAL: Action.BLOCK}), None),
        (
            HookPolicy(on_failure={Category.MINORS: Action.ALLOW}, on_failure_otherwise=Action.FLAG),
            Action.FLAG,
        ),
    ],
)
def test_a_failed_hook_counts_as_the_severest_of_what_its_categories_say(
    policy: HookPolicy, expected: Action | None
) -> None:
    verdict = failure_verdict(policy, hook="vendor", categories=BOTH)

    assert (verdict.action if verdict else None) == expected


def test_a_failure_is_not_reported_as_something_the_sender_did() -> None:
    verdict = failure_verdict(FAIL_CLOSED, hook="terms", categories=BOTH)

    assert verdict is not None
    assert (verdict.category, verdict.rule) == (Category.UNJUDGED, "terms.failed")


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SHADOW])
def test_a_percentage_only_matters_where_the_hook_is_enforced(mode: Mode) -> None:
    policy = HookPolicy(mode=mode, percent=50)

    assert {mode_for(policy, hook="vendor", session=session) for session in sessions(50)} == {mode}


def test_a_percentage_enforces_about_that_share_of_sessions_and_the_same_ones_each_time() -> None:
    policy = HookPolicy(percent=30)

    modes = [mode_for(policy, hook="vendor", session=session) for session in sessions(1000)]

    assert 240 < modes.count(Mode.ENFORCE) < 360
    assert modes.count(Mode.SHADOW) == 1000 - modes.count(Mode.ENFORCE)
    assert modes == [mode_for(policy, hook="vendor", session=session) for session in sessions(1000)]


@pytest.mark.parametrize(("percent", "expected"), [(0, Mode.SHADOW), (100, Mode.ENFORCE)])
def test_the_ends_of_the_percentage_are_exact(percent: int, expected: Mode) -> None:
    policy = HookPolicy(percent=percent)

    assert {mode_for(policy, hook="vendor", session=session) for session in sessions(200)} == {expected}


def test_meaningless_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="percentage"):
        HookPolicy(percent=101)
    with pytest.raises(ValueError, match="time"):
        HookPolicy(timeout_ns=HOOK_NS_MAX + 1)
