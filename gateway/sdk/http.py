"""The HTTP API, from the app's end.

Decides how a caller signs in, reads and pays: one method per thing an app does,
JSON in and out, a `ProblemAnswer` for every refusal.
Never keeps money or sessions; the gateway does. Tokens are kept in memory only.
Endpoints: docs/wire.md and /openapi.json.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from gateway.clock import SystemClock, rfc3339
from gateway.sdk.problem import NothingCame, ProblemAnswer

Body = dict[str, Any]
"""A JSON object as the gateway writes it."""
TIMEOUT_S = 15
TOPUP_POLL_S = 0.1
AUDIT_S = 30
"""A gateway looks at its books every ten seconds; twice that and a margin."""
AUDIT_POLL_S = 0.5


class HttpClient:
    """One account's view of one gateway. Use as an async context manager, or close it."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        """`url` is the gateway's address without a path; `token` an access token made elsewhere."""
        self.url = url.rstrip("/")
        self.token = token
        self.refresh_token: str | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def sign_in(self, phone: str, code: str | None = None) -> Body:
        """Sign in by one-time code; answers the account. Without `code` the demo's own is used.

        Raises:
            ProblemAnswer: refused, or no code was given and the gateway is not in demo mode.
        """
        asked = await self.post("/v1/auth/otp", {"phone": phone})
        found = code or asked.get("demo_code")
        if not isinstance(found, str):
            raise ProblemAnswer({"code": "code_needed", "detail": "this gateway sends its codes by message"})
        return self._signed_in(await self.post("/v1/auth/otp/verify", {"phone": phone, "code": found}))

    async def refresh(self) -> Body:
        """Rotate the tokens; answers the account."""
        return self._signed_in(await self.post("/v1/auth/refresh", {"refresh_token": self.refresh_token}))

    async def mint(
        self,
        api_key: str,
        *,
        external_id: str,
        nickname: str,
        roles: list[str],
        ttl_s: int = 3600,
    ) -> Body:
        """As an integrator: a token for a participant of one's own; answers the account and keeps the token."""
        body = {"external_id": external_id, "nickname": nickname, "roles": roles, "ttl_s": ttl_s}
        answer = await self.post("/v1/auth/tokens", body, headers={"X-Api-Key": api_key})
        return self._signed_in(answer)

    async def me(self) -> Body:
        """One's own account."""
        return await self.get("/v1/me")

    async def providers(self, **query: str | int) -> list[Body]:
        """One page of providers with their offers."""
        return _items(await self.get("/v1/providers", query))

    async def provider(self, provider_id: str) -> Body:
        """One provider."""
        return await self.get(f"/v1/providers/{provider_id}")

    async def quote(self, provider_id: str, kind: str, seconds: int) -> Body:
        """What so many seconds would cost and what would be held."""
        return await self.post("/v1/quotes", {"provider_id": provider_id, "kind": kind, "seconds": seconds})

    async def wallet(self) -> Body:
        """`available`, `cash`, `promo`, `held`, each as money."""
        return await self.get("/v1/wallet")

    async def available_micros(self) -> int:
        """What the wallet could still set aside."""
        return int((await self.wallet())["available"]["micros"])

    async def entries(self, **query: str | int) -> list[Body]:
        """One page of the wallet's entries, newest first."""
        return _items(await self.get("/v1/wallet/entries", query))

    async def top_up(self, micros: int, currency: str = "CNY", *, outcome: str = "approve") -> Body:
        """Top up through the sandbox's hosted page and wait until it is decided; answers the top-up.

        Raises:
            NothingCame: still pending after TIMEOUT_S.
        """
        body = {"amount": {"micros": micros, "currency": currency}, "method": "sandbox"}
        order = await self.post("/v1/wallet/topups", body, headers={"Idempotency-Key": secrets.token_hex(16)})
        if order["state"] == "pending":
            await self.post(order["pay_url"], {"outcome": outcome})
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while order["state"] == "pending":
                    await asyncio.sleep(TOPUP_POLL_S)
                    order = await self.get(f"/v1/wallet/topups/{order['id']}")
        except TimeoutError:
            raise NothingCame(f"top-up {order['id']} is still pending after {TIMEOUT_S} s") from None
        return order

    async def session(self, session: str) -> Body:
        """One session."""
        return await self.get(f"/v1/sessions/{session}")

    async def receipt(self, session: str) -> Body:
        """The signed receipt."""
        return await self.get(f"/v1/sessions/{session}/receipt")

    async def evidence(self, session: str) -> Body:
        """The evidence bundle the receipt was made from."""
        return await self.get(f"/v1/sessions/{session}/evidence")

    async def timeline(self, session: str) -> list[Body]:
        """Every state the session was in."""
        return _items(await self.get(f"/v1/sessions/{session}/timeline"))

    async def messages(self, session: str, **query: str | int) -> list[Body]:
        """One page of chat lines."""
        return _items(await self.get(f"/v1/sessions/{session}/messages", query))

    async def end(self, session: str) -> Body:
        """Hang up by HTTP."""
        return await self.post(f"/v1/sessions/{session}/end", {})

    async def earnings(self, **query: str | int) -> Body:
        """A provider's pending and available money, with one page of sessions."""
        return await self.get("/v1/provider/earnings", query)

    async def live(self) -> Body:
        """As an operator: every live session and the node's health."""
        return await self.get("/v1/admin/live")

    async def invariants(self) -> Body:
        """As an operator: `ok` and each ledger invariant."""
        return await self.get("/v1/admin/invariants")

    async def audited(self) -> Body:
        """As an operator: the invariants as they were looked at after this call, so that what is settled is in.

        Raises:
            NothingCame: nobody looked within AUDIT_S.
        """
        asked_at = rfc3339(SystemClock().wall_ns())
        try:
            async with asyncio.timeout(AUDIT_S):
                while True:
                    found = await self.invariants()
                    if all(item["checked_at"] > asked_at for item in found["items"]):
                        return found
                    await asyncio.sleep(AUDIT_POLL_S)
        except TimeoutError:
            raise NothingCame(f"the invariants were not looked at within {AUDIT_S} s") from None

    async def intervene(self, session: str, action: str, reason: str) -> Body:
        """As an operator: `end`, `pause` or `resume` a session, for a reason."""
        return await self.post(f"/v1/admin/sessions/{session}/{action}", {"reason": reason})

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Body:
        """GET `path`, or a whole address."""
        return await self._call("GET", path, query=query)

    async def post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Body:
        """POST `body` as JSON."""
        return await self._call("POST", path, body=body, headers=headers)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Body:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        address = path if path.startswith("http") else self.url + path
        sent = dict(headers or {})
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self._http.request(method, address, params=query, json=body, headers=sent) as answer:
            found = _read(await answer.read())
            if answer.status >= 400:
                raise ProblemAnswer(found, status=answer.status)
            return found

    def _signed_in(self, answer: Body) -> Body:
        self.token = answer["access_token"]
        self.refresh_token = answer.get("refresh_token")
        account: Body = answer["account"]
        return account


def _read(body: bytes) -> Body:
    """The object in a body; a proxy between may answer with something else, which is as good as nothing."""
    try:
        found: object = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _items(page: Body) -> list[Body]:
    return list(page["items"])
