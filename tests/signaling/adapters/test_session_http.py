"""Sessions over HTTP, on a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.http.server import build_application
from gateway.ids import CountingIdSource, SessionId
from gateway.limits import RING_NS
from gateway.signaling.adapters.chat_store import ChatStore
from gateway.signaling.adapters.migrations import MIGRATIONS
from gateway.signaling.adapters.problem import ERRORS
from gateway.signaling.adapters.session_http import SessionRoutes, routes
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.chat_ports import Line
from gateway.signaling.notice import SessionRinging
from gateway.signaling.outcome import Outcome
from gateway.store.database import Database
from gateway.terms import SessionState, Side, SuspendReason
from tests.signaling.adapters.socket_stand import NoKeys
from tests.signaling.adapters.test_session_store import bring, row
from tests.signaling.fakes import CHEAPER, TARIFF, FakeReceipts, FakeTokens
from tests.signaling.world import AS_CLIENT, FAR_S, World

pytestmark = pytest.mark.adapter

TOKENS = {
    "client": f"acc_client client {FAR_S}",
    "provider": f"acc_provider provider {FAR_S}",
    "stranger": f"acc_stranger client,provider {FAR_S}",
    "operator": f"acc_operator operator {FAR_S}",
}


class Stand:
    """The routes, what is behind them and a client."""

    def __init__(self, world: World, store: SessionStore, lines: ChatStore) -> None:
        self.world = world
        self.store = store
        self.lines = lines
        self.client: TestClient[web.Request, web.Application]

    async def ask(self, who: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKENS[who]}"}
        async with self.client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def begin(self) -> str:
        """A call that rings, begun over HTTP."""
        await self.world.online()
        status, session = await self.ask("client", "POST", "/sessions", INVITE)
        assert status == 201, session
        name: str = session["id"]
        return name


INVITE = {"provider_id": "acc_provider", "kind": "voice"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    database = await Database.open(tmp_path / "gateway.db", MIGRATIONS)
    base = World()
    store, lines = SessionStore(database, clock=base.clock), ChatStore(database)
    world = World(clock=base.clock, store=store, kept=lines)
    table = Stand(world, store, lines)
    receipts = FakeReceipts()
    api = SessionRoutes(
        desk=world.desk,
        store=store,
        lines=lines,
        people=world.people,
        receipts=receipts,
        evidence=receipts,
    )
    application = build_application(
        routes(api), tokens=FakeTokens(), api_keys=NoKeys(), clock=world.clock, ids=CountingIdSource()
    )
    async with TestClient(TestServer(application)) as table.client:
        yield table
    await database.close()


async def test_a_call_begins_over_http_and_rings_on_sockets(stand: Stand) -> None:
    phone = await stand.world.connect(AS_CLIENT)

    session = await stand.begin()
    status, shown = await stand.ask("client", "GET", f"/sessions/{session}")

    assert status == 200
    assert (shown["state"], shown["side"], shown["tariff_hash"]) == ("ringing", "client", TARIFF.hash)
    assert shown["client"] == {"id": "acc_client", "nickname": "nick of acc_client"}
    assert shown["expires_at"]
    assert phone.last(SessionRinging).session.id == session


async def test_a_refused_call_is_a_problem_with_its_code(stand: Stand) -> None:
    status, problem = await stand.ask("client", "POST", "/sessions", INVITE)
    assert (status, problem["code"]) == (409, "provider_offline")

    await stand.world.online()
    stand.world.people.tariff = CHEAPER
    status, problem = await stand.ask("client", "POST", "/sessions", {**INVITE, "tariff_hash": TARIFF.hash})
    assert (status, problem["code"], problem["tariff_hash"]) == (409, "tariff_changed", CHEAPER.hash)
    assert problem["tariff"] == CHEAPER.terms()

    status, problem = await stand.ask("client", "POST", "/sessions", {**INVITE, "kind": "hologram"})
    assert status == 422


async def test_only_clients_begin_sessions(stand: Stand) -> None:
    for who in ("provider", "operator"):
        assert (await stand.ask(who, "POST", "/sessions", INVITE))[0] == 403


@pytest.mark.parametrize(
    ("who", "state", "reason"),
    [("client", "cancelled", "cancelled"), ("provider", "declined", "declined")],
)
async def test_ending_a_call_that_rings(stand: Stand, who: str, state: str, reason: str) -> None:
    session = await stand.begin()

    status, shown = await stand.ask(who, "POST", f"/sessions/{session}/end", {})

    assert status == 200
    assert (shown["state"], shown["end_reason"], shown["side"]) == (state, reason, who)
    status, problem = await stand.ask(who, "POST", f"/sessions/{session}/end", {})
    assert (status, problem["code"]) == (409, "wrong_state")


async def test_calling_for_help_pauses_the_meter(stand: Stand) -> None:
    session = SessionId(await stand.begin())
    provider = stand.world.desk.switchboard.everybody()[0]
    assert await stand.world.desk.sessions.accept(provider, session) is Outcome.DONE

    status, shown = await stand.ask("client", "POST", f"/sessions/{session}/sos", {})

    assert (status, shown["state"]) == (200, "accepted")
    assert shown["nonce"] == stand.world.meters.orders[session].nonce_client
    assert ("pause", session, SuspendReason.SOS) in stand.world.meters.calls


@pytest.mark.parametrize("part", ["", "/receipt", "/evidence", "/timeline", "/messages"])
async def test_the_record_is_for_the_parties_and_operators_alone(stand: Stand, part: str) -> None:
    session = await stand.begin()

    for who in ("client", "provider", "operator"):
        assert (await stand.ask(who, "GET", f"/sessions/{session}{part}"))[0] == 200
    status, foreign = await stand.ask("stranger", "GET", f"/sessions/{session}{part}")
    unknown_status, unknown = await stand.ask("stranger", "GET", f"/sessions/ses_unknown{part}")
    assert (status, foreign["code"]) == (unknown_status, unknown["code"]) == (404, "not_found")


@pytest.mark.parametrize("part", ["/end", "/sos"])
async def test_strangers_and_operators_end_nothing_here(stand: Stand, part: str) -> None:
    session = await stand.begin()

    for who in ("stranger", "operator"):
        status, problem = await stand.ask(who, "POST", f"/sessions/{session}{part}", {})
        assert (status, problem["code"]) == (404, "not_found")


async def test_an_operator_sees_neither_nonces_nor_a_side(stand: Stand) -> None:
    session = SessionId(await stand.begin())
    await stand.world.desk.sessions.accept(stand.world.desk.switchboard.everybody()[0], session)

    _, shown = await stand.ask("operator", "GET", f"/sessions/{session}")

    assert (shown["side"], shown["nonce"], shown["ice_servers"]) == (None, None, None)


async def test_receipt_evidence_and_timeline_are_passed_on(stand: Stand) -> None:
    session = await stand.begin()

    assert (await stand.ask("client", "GET", f"/sessions/{session}/receipt"))[1]["session"] == session
    assert (await stand.ask("client", "GET", f"/sessions/{session}/evidence"))[1] == {"session": session}
    _, timeline = await stand.ask("client", "GET", f"/sessions/{session}/timeline")
    assert [(step["seq"], step["state"]) for step in timeline["items"]] == [(1, "created"), (2, "ringing")]


async def test_a_missed_call_is_on_record_in_the_real_store(stand: Stand) -> None:
    session = await stand.begin()

    await stand.world.timer.pass_time(RING_NS / 1e9)

    _, timeline = await stand.ask("client", "GET", f"/sessions/{session}/timeline")
    last = timeline["items"][-1]
    assert (last["state"], last["reason"]) == ("missed", "missed")
    _, shown = await stand.ask("provider", "GET", f"/sessions/{session}")
    assert (shown["state"], shown["expires_at"]) == ("missed", None)


async def test_sessions_are_listed_page_by_page(stand: Stand) -> None:
    for number in range(3):
        await bring(stand.store, row(number, client="acc_client"), SessionState.CANCELLED)

    _, first = await stand.ask("client", "GET", "/sessions?limit=2")
    _, second = await stand.ask("client", "GET", f"/sessions?limit=2&cursor={first['next']}")
    _, nobodys = await stand.ask("stranger", "GET", "/sessions")

    assert [card["id"] for card in first["items"]] == ["ses_2", "ses_1"]
    assert [card["id"] for card in second["items"]] == ["ses_0"]
    assert second["next"] is None
    assert nobodys == {"items": [], "next": None}
    assert (await stand.ask("client", "GET", "/sessions?cursor=nonsense"))[0] == 400


async def test_lines_are_read_backwards_page_by_page(stand: Stand) -> None:
    session = SessionId(await stand.begin())
    for seq in range(1, 6):
        side = Side.CLIENT if seq % 2 else Side.PROVIDER
        await stand.lines.append(
            Line(session=session, seq=seq, side=side, line_id=f"m{seq}", text=f"语 {seq}", at_wall_ns=seq)
        )

    _, newest = await stand.ask("client", "GET", f"/sessions/{session}/messages?limit=2")
    _, older = await stand.ask(
        "client", "GET", f"/sessions/{session}/messages?limit=3&before={newest['next']}"
    )

    assert [(item["seq"], item["from"]) for item in newest["items"]] == [(4, "provider"), (5, "client")]
    assert newest["next"] == "4"
    assert [item["text"] for item in older["items"]] == ["语 1", "语 2", "语 3"]
    assert older["next"] is None


async def test_the_api_document_is_served_with_these_routes(stand: Stand) -> None:
    async with stand.client.get("/openapi.json") as answer:
        document = await answer.json()

    assert "/v1/sessions/{session_id}/receipt" in document["paths"]
    assert "from" in document["components"]["schemas"]["LineBody"]["properties"]


def test_every_refusal_has_its_error() -> None:
    assert set(ERRORS) == set(Outcome) - {Outcome.DONE}
