"""The table of states and events."""

import pytest

from gateway.signaling.session import (
    CHATS,
    FINISHED,
    MOVES,
    OPEN,
    RINGS,
    TALKS,
    TRANSITIONS,
    VOIDED,
    SessionEvent,
    can_move,
    hangup_of,
    loss_of,
    next_state,
)
from gateway.terms import EndReason, SessionState, Side

pytestmark = pytest.mark.core

# One row per state: the events it takes and where they lead. What is not listed is refused.
TABLE = """
created         ring>ringing refuse_busy>busy cancel>cancelled
ringing         accept>accepted decline>declined cancel>cancelled miss>missed
accepted        connect>connecting fail_to_connect>connect_failed stop>ending
connecting      start>metering fail_to_connect>connect_failed stop>ending
metering        suspend>suspended recover>recovering stop>ending rate>rated
suspended       suspend>suspended resume>metering recover>recovering stop>ending rate>rated
recovering      suspend>suspended resume>metering recover>recovering stop>ending rate>rated
ending          stop>ending rate>rated
rated           rate>rated settle>settled
settled         dispute>disputed
disputed        adjust>adjusted
adjusted
declined
missed
cancelled
busy
connect_failed
"""


def expected() -> dict[tuple[SessionState, SessionEvent], SessionState]:
    rows = {}
    for line in TABLE.strip().splitlines():
        state, *pairs = line.split()
        for pair in pairs:
            event, target = pair.split(">")
            rows[SessionState(state), SessionEvent(event)] = SessionState(target)
    return rows


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("event", SessionEvent)
def test_every_state_takes_the_events_of_its_row_and_no_other(
    state: SessionState, event: SessionEvent
) -> None:
    assert next_state(state, event) is expected().get((state, event))


def test_every_state_has_a_row() -> None:
    assert {line.split()[0] for line in TABLE.strip().splitlines()} == set(SessionState)


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("target", SessionState)
def test_a_move_is_allowed_exactly_where_some_event_leads(state: SessionState, target: SessionState) -> None:
    is_led = any(next_state(state, event) is target for event in SessionEvent)

    assert can_move(state, target) is is_led


def test_every_event_leads_somewhere() -> None:
    assert {event for _, event in TRANSITIONS} == set(SessionEvent)


@pytest.mark.parametrize("counting", [SessionState.METERING, SessionState.SUSPENDED, SessionState.RECOVERING])
def test_a_stopped_session_never_counts_again(counting: SessionState) -> None:
    reached, waiting = {SessionState.ENDING}, [SessionState.ENDING]
    while waiting:
        state = waiting.pop()
        following = {target for source, target in MOVES if source is state} - reached
        reached |= following
        waiting += following

    assert counting not in reached


@pytest.mark.parametrize("state", VOIDED)
def test_a_side_exit_has_no_way_out(state: SessionState) -> None:
    assert not [event for event in SessionEvent if next_state(state, event)]


def test_the_groups_of_states_fit_together() -> None:
    assert not OPEN & FINISHED
    assert set(SessionState) - OPEN - FINISHED == {SessionState.RATED}
    assert RINGS | CHATS == OPEN
    assert {SessionState.ENDING} == CHATS - TALKS


@pytest.mark.parametrize(
    ("side", "hangup", "loss"),
    [
        (Side.CLIENT, EndReason.HANGUP_CLIENT, EndReason.LOST_CLIENT),
        (Side.PROVIDER, EndReason.HANGUP_PROVIDER, EndReason.LOST_PROVIDER),
    ],
)
def test_an_end_names_the_side_that_made_it(side: Side, hangup: EndReason, loss: EndReason) -> None:
    assert hangup_of(side) is hangup
    assert loss_of(side) is loss
