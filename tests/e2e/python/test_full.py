"""A node that is full refuses the next call with a sentence; the running one does not notice."""

import asyncio

import aiohttp
import pytest

from gateway import selftest
from gateway.sdk.event import Welcome
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import ProblemAnswer
from gateway.terms import SessionKind

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SENTENCE = "As many calls as can be carried well are running; no further one can begin at present."


async def test_a_full_node_refuses_the_next_call_and_the_running_one_goes_on(stage_with_seconds):
    stage = await stage_with_seconds(120, pairs=2, sessions_max=1, calm_s=1)
    caller, called = await stage.talk()
    await caller.until_tick(1)
    https = [await stage.stack.enter_async_context(HttpClient(stage.url)) for _ in range(2)]
    second, other = [
        await http.sign_in(phone) for http, phone in zip(https, selftest.phones(2)[1], strict=True)
    ]
    assert second["id"] != other["id"]
    waiting, free = await stage.join(https[0]), await stage.join(https[1])
    await free.go_online()
    shown = await https[0].provider(other["id"])
    (tariff_hash,) = [offer["tariff_hash"] for offer in shown["offers"] if offer["kind"] == "text"]

    with pytest.raises(ProblemAnswer) as by_socket:
        await waiting.invite(other["id"], SessionKind.TEXT, tariff_hash)
    with pytest.raises(ProblemAnswer) as by_http:
        await https[0].post("/v1/sessions", {"provider_id": other["id"], "kind": "text"})

    for refused in (by_socket.value, by_http.value):
        assert (refused.code, refused.detail) == ("unavailable", SENTENCE)
        assert refused.body["retry_after_s"] == 1
    assert by_http.value.status == 503
    assert shown["presence"] == (await https[0].provider(other["id"]))["presence"] == "online"
    await told_as_full(stage)

    # The running call: a line, a lost socket, and seconds.
    await asyncio.gather(caller.peer.until_open(), called.peer.until_open())
    assert (await caller.say("all lines are busy")).state == "sent"
    caller.signal.drop()
    await caller.signal.wait(Welcome)
    await caller.until_tick(10)
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())
    receipt = await stage.settled(caller)
    assert receipt["billed_s"] >= 9

    await opened(stage)
    await waiting.invite(other["id"], SessionKind.TEXT, tariff_hash)
    await free.accept_next()


async def told_as_full(stage):
    """A balancer, a scraper and the operator all see it."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{stage.url}/readyz") as ready:
            assert ready.status == 200
            assert (await ready.json())["load"] == {"state": "full", "why": ["sessions"]}
        async with http.get(f"{stage.url}/metrics") as scraped:
            lines = (await scraped.text()).splitlines()
    assert "gateway_load_full 1.0" in lines
    assert 'gateway_invitation_refused_total{reason="sessions"} 2.0' in lines
    load = (await stage.operator.live())["node"]["load"]
    assert (load["state"], load["why"], load["refused"]) == ("full", ["sessions"], {"sessions": 2})
    assert load["figures"][0] == {"name": "sessions", "value": 1.0, "mark": 1}
    health = await stage.operator.get("/v1/admin/health")
    assert {check["name"]: check["light"] for check in health["items"]}["full"] == "red"


async def opened(stage):
    """Return when the node takes calls again."""
    async with asyncio.timeout(15):
        while (await stage.operator.live())["node"]["load"]["state"] != "open":  # noqa: ASYNC110 it is asked over HTTP
            await asyncio.sleep(0.2)
