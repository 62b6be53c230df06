"""The gateway's process is killed in the middle of a call."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.sdk.http import HttpClient
from gateway.sdk.participant import Participant
from gateway.sdk.receipt import owed_micros, problems_of
from gateway.terms import SessionKind

from .gateway_process import GatewayProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]


class House:
    """A gateway that is killed and started, and one pair of people that stays."""

    def __init__(self, directory, speeches, stack):
        self.directory, self.speeches, self.stack = directory, speeches, stack

    async def open(self):
        self.gateway = await GatewayProcess.start(self.directory)
        self.stack.push_async_callback(self.gateway.kill)
        (pair,) = self.gateway.ready["pairs"]
        self.client = await self.enter(HttpClient(self.gateway.url))
        self.provider = await self.enter(HttpClient(self.gateway.url))
        self.operator = await self.enter(HttpClient(self.gateway.url))
        await self.client.sign_in(pair["client"])
        self.provider_id = (await self.provider.sign_in(pair["provider"]))["id"]
        await self.operator.sign_in(self.gateway.ready["operator"])

    async def enter(self, opened):
        return await self.stack.enter_async_context(opened)

    async def people(self):
        people = [
            await self.enter(
                await Participant.join(self.gateway.url, str(http.token), speech=speech, is_resuming=False)
            )
            for http, speech in zip((self.client, self.provider), self.speeches, strict=True)
        ]
        return tuple(people)

    async def talk(self):
        caller, called = await self.people()
        await called.go_online()
        offers = (await self.client.provider(self.provider_id))["offers"]
        (tariff_hash,) = [o["tariff_hash"] for o in offers if o["kind"] == SessionKind.VOICE]
        await caller.invite(self.provider_id, SessionKind.VOICE, tariff_hash)
        await called.accept_next()
        await asyncio.gather(caller.connect(), called.connect())
        await asyncio.gather(caller.until_started(), called.until_started())
        return caller, called

    async def restart(self, *people):
        await self.gateway.kill()
        for person in people:
            await person.leave()
        await self.open()


@pytest.fixture
async def house(tmp_path, voices):
    async with AsyncExitStack() as stack:
        made = House(tmp_path / "house", voices, stack)
        await made.open()
        yield made


def owed(receipt):
    return owed_micros(receipt["tariff"], receipt["billed_s"] + receipt["free_s"])


async def test_both_come_back_after_a_kill_and_the_gap_is_not_billed(house):
    before_micros = await house.client.available_micros()
    caller, called = await house.talk()
    last = await caller.until_tick(12)
    session = caller.session
    await house.restart(caller, called)

    caller, called = await house.people()
    for person in (caller, called):
        (live,) = person.signal.welcome.sessions
        assert live.id == session
    await asyncio.gather(*(person.rejoin(person.signal.welcome.sessions[0]) for person in (caller, called)))
    went_on = await caller.until_tick(last.billed_s + 5)
    await caller.hang_up()
    await asyncio.gather(caller.until_ended(), called.until_ended())

    receipt = await house.client.receipt(session)
    assert problems_of(receipt) == []
    assert last.billed_s + 4 <= receipt["billed_s"] <= went_on.tick + 1
    assert receipt["charge_micros"] == owed(receipt)
    assert before_micros - await house.client.available_micros() == receipt["charge_micros"]
    assert (await house.operator.audited())["ok"]


async def test_nobody_comes_back_after_a_kill_and_it_is_charged_once_to_the_last_slot(house):
    before_micros = await house.client.available_micros()
    caller, called = await house.talk()
    last = await caller.until_tick(13)
    session = caller.session
    await house.restart(caller, called)

    for _ in range(60):
        if (await house.client.session(session))["state"] == "settled":
            break
        await asyncio.sleep(0.5)
    receipt = await house.client.receipt(session)
    assert receipt["end_reason"] == "shutdown"
    assert last.billed_s - 1 <= receipt["billed_s"] <= last.tick
    assert receipt["charge_micros"] == owed(receipt)
    spent = before_micros - await house.client.available_micros()
    assert spent == receipt["charge_micros"]

    await house.restart()
    assert await house.client.receipt(session) == receipt
    assert before_micros - await house.client.available_micros() == spent
    assert (await house.operator.audited())["ok"]
