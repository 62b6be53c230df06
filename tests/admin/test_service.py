"""The operator sees one picture, and nothing is done that is not on record first."""

import pytest
from structlog.testing import capture_logs

from gateway.admin.health import Light, worst
from gateway.admin.intervention import InterventionKind
from gateway.clock import NS
from gateway.errors import Conflict, NotFound, StoreDown, Unprocessable
from tests.admin.fakes import (
    OPERATOR,
    SESSION,
    World,
    invariant,
    leg_reading,
    meter_reading,
    session_reading,
    settled,
    tick,
    verdict_given,
)

pytestmark = pytest.mark.service


@pytest.fixture
def world() -> World:
    return World()


async def test_the_live_picture_comes_from_every_reader(world: World) -> None:
    world.parts.session_readings = [session_reading()]
    world.parts.meter_readings = [meter_reading()]
    world.parts.leg_readings = [leg_reading(packets_in=100)]
    world.parts.drop_counts = {"bad_tag": 2}
    world.parts.lag = 3.25
    world.clock.advance(seconds=61)

    taken = world.service.live()

    assert (taken.node.uptime_s, taken.node.sessions_live, taken.node.packets_in) == (61, 1, 100)
    assert (taken.node.loop_lag_ms, taken.node.store_queue, taken.node.drops) == (3.25, 4, {"bad_tag": 2})
    assert taken.sessions[0].billed_s == 70


async def test_verdicts_are_counted_until_the_session_is_over(world: World) -> None:
    world.parts.session_readings = [session_reading()]

    await world.service.hear(verdict_given())
    await world.service.hear(verdict_given())
    before = world.service.live().sessions[0].verdicts
    await world.service.hear(settled())

    assert (before, world.service.live().sessions[0].verdicts) == (2, 0)


async def test_tick_lag_is_the_time_from_its_close_to_its_telling(world: World) -> None:
    closed_ns = world.clock.monotonic_ns()
    world.clock.advance(ns=42_000_000)

    await world.service.hear(tick(1, at_ns=closed_ns))

    assert world.service.live().node.tick_lag_ms == 42.0


async def test_a_broken_invariant_turns_the_node_red(world: World) -> None:
    world.parts.invariant_readings = [invariant(ok=False, checked_wall_ns=world.clock.wall_ns())]

    assert worst(world.service.read().checks) is Light.RED


@pytest.mark.parametrize(
    ("kind", "done"),
    [(InterventionKind.END, "end"), (InterventionKind.PAUSE, "pause"), (InterventionKind.RESUME, "resume")],
)
async def test_an_intervention_is_on_record_before_it_is_carried_out(
    world: World, kind: InterventionKind, done: str
) -> None:
    await world.service.intervene(kind, SESSION, who=OPERATOR, reason="  both\nasked for it ")

    assert world.interventions.done == [(done, SESSION, "both asked for it")]
    assert world.interventions.audit_entries_when_asked == 1
    (record,) = world.audit.records
    assert (record.entry.who, record.entry.what, record.entry.subject) == (OPERATOR, kind.value, SESSION)
    assert (record.entry.why, record.entry.at_wall_ns) == ("both asked for it", world.clock.wall_ns())


async def test_the_audit_head_is_in_the_log_and_the_reason_is_not(world: World) -> None:
    with capture_logs() as lines:
        await world.service.intervene(InterventionKind.END, SESSION, who=OPERATOR, reason="a private matter")

    (line,) = lines
    assert (line["event"], line["head"]) == ("operator_act", world.audit.records[0].hash)
    assert "a private matter" not in repr(lines)


@pytest.mark.parametrize(("reason", "code"), [("", "reason_too_short"), ("x" * 501, "reason_too_long")])
async def test_without_a_good_reason_nothing_is_done(world: World, reason: str, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        await world.service.intervene(InterventionKind.END, SESSION, who=OPERATOR, reason=reason)

    assert refused.value.wire_code == code
    assert world.audit.records == []
    assert world.interventions.done == []


async def test_without_an_audit_log_nothing_is_done(world: World) -> None:
    world.audit.entries_max = 0

    with pytest.raises(StoreDown):
        await world.service.intervene(InterventionKind.END, SESSION, who=OPERATOR, reason="both asked")

    assert world.interventions.done == []


@pytest.mark.parametrize(
    ("failure", "why"),
    [(NotFound("gone"), "not_found"), (Conflict("over"), "conflict"), (KeyError("x"), "KeyError")],
)
async def test_a_refused_intervention_is_on_record_as_refused(
    world: World, failure: Exception, why: str
) -> None:
    world.interventions.refusal = failure

    with pytest.raises(type(failure)):
        await world.service.intervene(InterventionKind.PAUSE, SESSION, who=OPERATOR, reason="both asked")

    assert [(record.entry.what, record.entry.why) for record in world.audit.records] == [
        ("session.pause", "both asked"),
        ("session.pause.refused", why),
    ]


async def test_a_refusal_that_cannot_be_recorded_is_still_told_to_the_operator(world: World) -> None:
    world.interventions.refusal = NotFound("gone")
    world.audit.entries_max = 1

    with pytest.raises(NotFound):
        await world.service.intervene(InterventionKind.END, SESSION, who=OPERATOR, reason="both asked")


async def test_uptime_counts_from_the_services_making(world: World) -> None:
    world.clock.advance(ns=10 * NS - 1)

    assert world.service.live().node.uptime_s == 9
