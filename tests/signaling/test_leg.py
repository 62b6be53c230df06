"""Who holds a leg."""

import pytest

from gateway.limits import RESUME_GRACE_NS
from gateway.signaling.leg import TRANSITIONS, Leg, LegChange, LegEvent, LegState, expire, join, lose

pytestmark = pytest.mark.core

JOINING = Leg()
UP = Leg(state=LegState.UP, connection="soc_1")
LOST = Leg(state=LegState.LOST, lost_at_ns=100)
GONE = Leg(state=LegState.GONE)
IN_GRACE_NS = 100 + RESUME_GRACE_NS - 1
OVER_NS = 100 + RESUME_GRACE_NS


@pytest.mark.parametrize(
    ("leg", "connection", "now_ns", "state", "change", "displaced"),
    [
        (JOINING, "soc_2", 0, LegState.UP, LegChange.JOINED, None),
        (UP, "soc_1", 0, LegState.UP, LegChange.NOTHING, None),
        (UP, "soc_2", 0, LegState.UP, LegChange.REPLACED, "soc_1"),
        (LOST, "soc_2", IN_GRACE_NS, LegState.UP, LegChange.RESUMED, None),
        (LOST, "soc_2", OVER_NS, LegState.GONE, LegChange.NOTHING, None),
        (GONE, "soc_2", 0, LegState.GONE, LegChange.NOTHING, None),
    ],
)
def test_the_newest_connection_takes_the_leg_unless_its_grace_is_over(
    leg: Leg, connection: str, now_ns: int, state: LegState, change: LegChange, displaced: str | None
) -> None:
    step = join(leg, connection, now_ns)

    assert (step.leg.state, step.change, step.displaced) == (state, change, displaced)
    assert step.leg.is_held_by(connection) is (state is LegState.UP)


@pytest.mark.parametrize(
    ("leg", "connection", "state", "change"),
    [
        (JOINING, "soc_1", LegState.JOINING, LegChange.NOTHING),
        (UP, "soc_1", LegState.LOST, LegChange.LOST),
        (UP, "soc_0", LegState.UP, LegChange.NOTHING),
        (LOST, "soc_1", LegState.LOST, LegChange.NOTHING),
        (GONE, "soc_1", LegState.GONE, LegChange.NOTHING),
    ],
)
def test_only_the_controlling_connection_can_lose_the_leg(
    leg: Leg, connection: str, state: LegState, change: LegChange
) -> None:
    step = lose(leg, connection, 7)

    assert (step.leg.state, step.change) == (state, change)


@pytest.mark.parametrize(
    ("leg", "now_ns", "state"),
    [
        (LOST, IN_GRACE_NS, LegState.LOST),
        (LOST, OVER_NS, LegState.GONE),
        (UP, OVER_NS, LegState.UP),
        (JOINING, OVER_NS, LegState.JOINING),
        (GONE, OVER_NS, LegState.GONE),
    ],
)
def test_a_lost_leg_is_given_up_when_its_grace_is_over_and_not_before(
    leg: Leg, now_ns: int, state: LegState
) -> None:
    assert expire(leg, now_ns).leg.state is state


def test_what_is_gone_stays_gone() -> None:
    assert not [event for event in LegEvent if (LegState.GONE, event) in TRANSITIONS]
