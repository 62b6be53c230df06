"""A pair of people in one call, as their apps see it.

Decides the order of a call from both ends (docs/wire.md, client flow) and what
is right about its bill: no second beyond the time between the start and the
hang-up by this process's own clock, at most one short at the end, and a receipt
whose arithmetic holds. Sign-in is real and from an address of its own, because
the gateway bounds what one address may ask.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from gateway.clock import NS
from gateway.limits import TICK_SLOT_NS
from gateway.sdk.problem import NothingCame, ProblemAnswer
from gateway.sdk.receipt import problems_of
from gateway.terms import SessionKind
from loadtest import session_description
from loadtest.house import Pair
from loadtest.meters.app import Message, MeterApp
from loadtest.stun_client import Credentials

WAIT_S = 30.0
SECONDS_SHORT_MAX = 1
"""The second in which it is hung up may lack its far bracket."""
FINGERPRINT = ":".join(["AB"] * 32)
Failure = (NothingCame, ProblemAnswer, OSError, TimeoutError)


class Desk:
    """HTTP from one loopback address, for the people who share it."""

    def __init__(self, url: str, address: str) -> None:
        """`address` is one of 127.0.0.0/8."""
        self._url = url
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        self._http = aiohttp.ClientSession(connector=connector)

    async def sign_in(self, phone: str) -> tuple[str, str]:
        """(access token, account id) by one-time code."""
        asked = await self._post("/v1/auth/otp", {"phone": phone})
        signed = await self._post("/v1/auth/otp/verify", {"phone": phone, "code": asked["demo_code"]})
        return str(signed["access_token"]), str(signed["account"]["id"])

    async def tariff_hash(self, token: str, provider: str) -> str:
        """The provider's present voice tariff."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(f"{self._url}/v1/providers/{provider}", headers=headers) as answer:
            shown = await answer.json(content_type=None)
        return str(next(one["tariff_hash"] for one in shown["offers"] if one["kind"] == SessionKind.VOICE))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _post(self, path: str, body: Message) -> Message:
        async with self._http.post(self._url + path, json=body) as answer:
            found: Message = await answer.json(content_type=None)
            if answer.status >= 400:
                raise ProblemAnswer(found, status=answer.status)
            return found


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one app saw."""

    ticks: int = 0
    """Ticks that came in the counted span."""
    lags_ms: list[float] = field(default_factory=list)
    """From the end of its second to the tick's arrival."""
    refusals: list[str] = field(default_factory=list)
    """Problems that answered no request."""


class MeteredCall:
    """One session of two apps."""

    def __init__(self, url: str, pair: Pair, desk: Desk, *, phase_s: float) -> None:
        """`phase_s` spreads the pings."""
        self._url = url
        self._pair = pair
        self._desk = desk
        self._phase_s = phase_s
        self.problems: list[str] = []
        self.seen = {"client": Seen(), "provider": Seen()}
        self.is_counting = False
        self.is_billed_wrong = False
        self._session = ""
        self._started_at_ns = 0
        self._client = MeterApp(url, listener=lambda message, at_ns: self._on("client", message, at_ns))
        self._provider = MeterApp(url, listener=lambda message, at_ns: self._on("provider", message, at_ns))

    @property
    def apps(self) -> tuple[MeterApp, MeterApp]:
        """Client and provider."""
        return self._client, self._provider

    async def set_up(self) -> bool:
        """Sign in, call, accept, connect, confirm, start; False where that failed."""
        try:
            provider_id, tariff_hash = await self._open()
            await self._ring(provider_id, tariff_hash)
            await self._connect()
        except Failure as failed:
            self.problems.append(f"not set up: {failed!r}")
            return False
        return True

    async def hang_up(self) -> None:
        """End the call and compare its receipt with this process's clock."""
        ended = self._client.expect("session.ended")
        hung_up_at_ns = time.monotonic_ns()
        try:
            await self._client.request("session.end", session=self._session)
            told_at_ns = time.monotonic_ns()
            receipt = (await asyncio.wait_for(ended, WAIT_S))["receipt"]
        except Failure as failed:
            self.problems.append(f"not ended: {failed!r}")
            self.is_billed_wrong = True
            return
        found = problems_of(receipt)
        counted_s = int(receipt["billed_s"]) + int(receipt["free_s"])
        most_s = (told_at_ns - self._started_at_ns) // NS
        least_s = (hung_up_at_ns - self._started_at_ns) // NS - SECONDS_SHORT_MAX
        if not least_s <= counted_s <= most_s:
            found.append(f"{counted_s} s billed, {least_s} to {most_s} s were metered")
        self.problems += found
        self.is_billed_wrong = bool(found)

    def close(self) -> None:
        """Both leave."""
        self.problems += [f"lost: {app}" for app in self.apps if app.is_lost]
        self.problems += [code for seen in self.seen.values() for code in seen.refusals]
        for app in self.apps:
            app.close()

    async def _open(self) -> tuple[str, str]:
        (client_token, _), (provider_token, provider_id) = (
            await self._desk.sign_in(self._pair.client),
            await self._desk.sign_in(self._pair.provider),
        )
        await self._provider.open(self._url, provider_token, phase_s=self._phase_s)
        await self._provider.request("presence.set", state="online")
        await self._client.open(self._url, client_token, phase_s=self._phase_s)
        return provider_id, await self._desk.tariff_hash(client_token, provider_id)

    async def _ring(self, provider_id: str, tariff_hash: str) -> None:
        rings = self._provider.expect("session.ringing")
        answer = await self._client.request(
            "session.invite", provider_id=provider_id, kind="voice", tariff_hash=tariff_hash
        )
        self._session = str(answer["session"]["id"])
        await asyncio.wait_for(rings, WAIT_S)

    async def _connect(self) -> None:
        accepted = [app.expect("session.accepted") for app in self.apps]
        started = [app.expect("session.started") for app in self.apps]
        await self._provider.request("session.accept", session=self._session)
        await asyncio.gather(
            *(self._join(app, future) for app, future in zip(self.apps, accepted, strict=True))
        )
        begun = [await asyncio.wait_for(future, WAIT_S) for future in started]
        self._started_at_ns = _monotonic_of(begun[0]["at"])

    async def _join(self, app: MeterApp, accepted: "asyncio.Future[Message]") -> None:
        agreed = await asyncio.wait_for(accepted, WAIT_S)
        await app.request("media.offer", session=self._session, sdp=_offer())
        await app.request(
            "media.confirm",
            session=self._session,
            nonce=agreed["nonce"],
            tariff_hash=agreed["tariff_hash"],
        )

    def _on(self, side: str, message: Message, at_ns: int) -> None:
        if message["type"] == "tick":
            app = self._client if side == "client" else self._provider
            app.acknowledge(message["session"], message["tick"], message["head"])
            if self.is_counting and self._started_at_ns:
                seen = self.seen[side]
                seen.ticks += 1
                due_ns = self._started_at_ns + message["tick"] * NS
                seen.lags_ms.append((at_ns - due_ns) / 1_000_000)
        elif message["type"] == "problem" and "re" not in message:
            self.seen[side].refusals.append(message["code"])


def _offer() -> str:
    """An offer as a light leg makes it; nobody listens where it says."""
    mine = Credentials.fresh()
    return session_description.offer(mine=mine, local=("127.0.0.1", 9), ssrc=1, fingerprint=FINGERPRINT)


def _monotonic_of(at: str) -> int:
    """The monotonic instant of a wall time; seconds of a session begin on 32nds of the monotonic second."""
    age_s = time.time() - datetime.fromisoformat(at).timestamp()
    return round((time.monotonic_ns() - age_s * NS) / TICK_SLOT_NS) * TICK_SLOT_NS
