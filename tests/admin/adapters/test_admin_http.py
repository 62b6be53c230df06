"""The operator's routes: who may call them, and what they answer."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway.admin.adapters.admin_http import ReasonBody, routes
from gateway.errors import NotFound
from gateway.http.cursor import PageQuery
from gateway.http.route import Access, Call, Route
from gateway.terms import Principal, Role, SessionState, Side
from tests.admin.fakes import (
    OPERATOR,
    SESSION,
    STARTED_WALL_NS,
    World,
    invariant,
    leg_reading,
    meter_reading,
    session_reading,
)

pytestmark = pytest.mark.adapter


@pytest.fixture
def world() -> World:
    return World()


def route(world: World, name: str) -> Route:
    (found,) = [one for one in routes(world.service) if f"{one.method} {one.path}" == name]
    return found


async def call(world: World, name: str, **parts: Any) -> Any:
    principal = Principal(account=OPERATOR, roles=frozenset({Role.OPERATOR}), expires_at_s=0)
    answer = await route(world, name).handler(Call(principal=principal, path=parts.pop("path", {}), **parts))
    assert isinstance(answer, BaseModel)
    return json.loads(answer.model_dump_json())


async def test_every_route_is_for_operators_alone(world: World) -> None:
    assert {one.access for one in routes(world.service)} == {Access.OPERATOR}


async def test_live_answers_exactly_what_the_page_was_promised(world: World) -> None:
    world.parts.session_readings = [session_reading()]
    world.parts.meter_readings = [meter_reading()]
    world.parts.leg_readings = [leg_reading(Side.CLIENT)]

    body = await call(world, "GET /v1/admin/live")

    leg_keys = (
        "connected socket muted rtp_age_ms rtcp_age_ms stun_age_ms ack_age_ms "
        "packets_in packets_out lost jitter_ms level_dbov rtt_ms mos"
    )
    assert body["at"].endswith("Z")
    assert " ".join(body["node"]) == (
        "uptime_s sessions_live loop_lag_ms store_queue store_commits packets_in packets_out drops tick_lag_ms "
        "version relay load"
    )
    assert body["node"]["load"] == {
        "state": "open",
        "why": [],
        "for_s": 60,
        "refused": {},
        "figures": [
            {"name": "sessions", "value": 3.0, "mark": 2_000},
            {"name": "cpu", "value": 19.0, "mark": 95},
            {"name": "tick_lag", "value": 0.0, "mark": 0},
        ],
    }
    (session,) = body["sessions"]
    assert " ".join(session) == (
        "session kind state client provider started_at elapsed_s billed_s provisional_s unwitnessed_s cost "
        "time_left_s suspended legs verdicts"
    )
    assert session["cost"] == {"micros": 3_650_000, "currency": "CNY"}
    assert " ".join(session["legs"]["client"]) == leg_keys
    assert session["legs"]["provider"]["connected"] is False


async def test_invariants_are_ok_where_all_hold(world: World) -> None:
    world.parts.invariant_readings = [
        invariant("a"),
        invariant("b", ok=False, value=3, violations=("acc_1 is short",)),
    ]

    body = await call(world, "GET /v1/admin/invariants")

    assert body["ok"] is False
    assert body["items"][1] == {
        "name": "b",
        "ok": False,
        "value": 3,
        "checked_at": "2026-09-21T14:13:20.000Z",
        "age_s": 0,
        "violations": ["acc_1 is short"],
    }
    assert invariant().checked_wall_ns == STARTED_WALL_NS


async def test_invariants_that_nobody_checked_yet_are_not_ok(world: World) -> None:
    assert await call(world, "GET /v1/admin/invariants") == {"ok": False, "items": []}


async def test_health_is_told_as_lights(world: World) -> None:
    body = await call(world, "GET /v1/admin/health")

    assert body["light"] == "amber"
    assert {"name": "invariants_age_s", "light": "amber", "value": 0.0} in body["items"]


@pytest.mark.parametrize("verb", ["end", "pause", "resume"])
async def test_an_intervention_names_its_session_and_its_operator(world: World, verb: str) -> None:
    name = f"POST /v1/admin/sessions/{{session_id}}/{verb}"

    body = await call(world, name, path={"session_id": SESSION}, body=ReasonBody(reason="both asked"))

    assert body == {"session": SESSION}
    assert world.interventions.done == [(verb, SESSION, "both asked")]
    assert world.audit.records[0].entry.who == OPERATOR


async def test_an_unknown_session_is_not_found(world: World) -> None:
    world.interventions.refusal = NotFound("no such live session")

    with pytest.raises(NotFound):
        await call(
            world,
            "POST /v1/admin/sessions/{session_id}/end",
            path={"session_id": "ses_x"},
            body=ReasonBody(reason="both asked"),
        )


@pytest.mark.parametrize("reason", ["", "  a ", "x" * 501, None])
def test_a_bad_reason_is_refused_at_the_edge(reason: str | None) -> None:
    with pytest.raises(ValidationError):
        ReasonBody.model_validate({"reason": reason})


async def test_the_audit_log_is_paged_from_the_newest(world: World) -> None:
    for number in range(3):
        await call(
            world,
            "POST /v1/admin/sessions/{session_id}/end",
            path={"session_id": f"ses_{number}"},
            body=ReasonBody(reason="both asked"),
        )

    first = await call(world, "GET /v1/admin/audit", query=PageQuery(limit=2))
    second = await call(world, "GET /v1/admin/audit", query=PageQuery(limit=2, cursor=first["next"]))

    assert [item["subject"] for item in first["items"]] == ["ses_2", "ses_1"]
    assert [item["subject"] for item in second["items"]] == ["ses_0"]
    assert second["next"] is None
    assert first["items"][0]["what"] == "session.end"


async def test_a_session_state_is_spelled_as_on_the_wire(world: World) -> None:
    world.parts.session_readings = [session_reading(state=SessionState.RINGING)]

    body = await call(world, "GET /v1/admin/live")

    assert (body["sessions"][0]["state"], body["sessions"][0]["started_at"]) == ("ringing", None)
