"""Signing in: a code to the phone, a pair of tokens for the code, a new pair for the old.

Decides nothing of its own: `people/one_time_code.py` and `people/refresh.py` do,
inside the store's transactions. The first sign-in of a phone makes a client.
Never says whether a phone has an account: the answers are the same for both.
Keeps: a code is noted as sent before it is sent, so a crash cannot make it free.
See docs/wire.md, "Signing in".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.booking.people import one_time_code, refresh
from gateway.booking.people.account import Account, Locale, guest_nickname
from gateway.booking.people.one_time_code import (
    USUAL_POLICY,
    Challenge,
    CheckStatus,
    CodePolicy,
    SendAnswer,
    SendStatus,
)
from gateway.booking.people.phone import is_mainland, normalized
from gateway.booking.people.refresh import REFRESH_TTL_NS, RefreshStatus, RefreshToken
from gateway.booking.people_ports import (
    AccessToken,
    AccountTools,
    CodeSender,
    CodeStore,
    PeopleStore,
    RefreshStore,
)
from gateway.booking.people_service import PeopleService
from gateway.clock import NS
from gateway.errors import Conflict, TooMany, Unauthenticated, Unprocessable
from gateway.ids import AccountId
from gateway.terms import Role

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInStores:
    """Where signing in keeps things."""

    people: PeopleStore
    codes: CodeStore
    refreshes: RefreshStore


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """What an operator may say about signing in."""

    code_key: bytes
    """HMAC key of the codes' digests."""
    policy: CodePolicy = USUAL_POLICY
    is_demo: bool = False
    """Answer with the code instead of sending it. Only where everybody may be anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSent:
    """A code is on its way."""

    expires_in_s: int
    demo_code: str | None
    """The code itself, in a demonstration only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a signed-in app holds."""

    access: AccessToken
    refresh_token: str
    account: Account


class SignInService:
    """Codes and tokens."""

    def __init__(
        self,
        people: PeopleService,
        *,
        stores: SignInStores,
        sender: CodeSender,
        tools: AccountTools,
        settings: SignInSettings,
    ) -> None:
        self._people = people
        self._stores = stores
        self._sender = sender
        self._tools = tools
        self._settings = settings

    async def send_code(self, written_phone: str, *, address: str) -> CodeSent:
        """Send a code to the phone.

        Raises:
            Unprocessable: `phone_invalid`.
            TooMany: `code_too_soon`, `code_limit`; with the seconds to wait.
            Unavailable: it cannot be sent now.
        """
        phone = _phone(written_phone)
        policy = self._settings.policy
        now_ns = self._tools.clock.wall_ns()

        def decide(phone_sent: Sequence[int], address_sent: Sequence[int]) -> SendAnswer:
            return one_time_code.may_send(
                policy, phone_sent_wall_ns=phone_sent, address_sent_wall_ns=address_sent, now_wall_ns=now_ns
            )

        answer = await self._stores.codes.admit(
            phone=phone,
            address=address,
            now_wall_ns=now_ns,
            since_wall_ns=now_ns - policy.window_ns,
            decide=decide,
        )
        _refuse_unless_sendable(answer)
        code = self._tools.secrets.six_digits()
        digest = one_time_code.digest_of(self._settings.code_key, phone, code)
        await self._stores.codes.put(phone, Challenge(digest=digest, sent_at_wall_ns=now_ns))
        if not self._settings.is_demo:
            locale = Locale.CHINESE if is_mainland(phone) else Locale.ENGLISH
            await self._sender.send(phone, code, locale)
        return CodeSent(expires_in_s=policy.ttl_ns // NS, demo_code=code if self._settings.is_demo else None)

    async def verify(self, written_phone: str, code: str) -> SignedIn:
        """Sign in with the code that was sent.

        Raises:
            Unprocessable: `phone_invalid`.
            Unauthenticated: `code_wrong`, or `code_expired` where a new one is needed.
        """
        phone = _phone(written_phone)
        digest = one_time_code.digest_of(self._settings.code_key, phone, code)
        now_ns = self._tools.clock.wall_ns()
        status = await self._stores.codes.judge(
            phone,
            lambda challenge: one_time_code.check(
                self._settings.policy, challenge, digest=digest, now_wall_ns=now_ns
            ),
        )
        if status is CheckStatus.WRONG:
            raise Unauthenticated("The code is wrong.", code="code_wrong")
        if status is not CheckStatus.ACCEPTED:
            raise Unauthenticated("The code is no longer good; ask for a new one.", code="code_expired")
        account = await self._stores.people.open_by_phone(phone, self._newcomer(phone))
        if Role.OPERATOR not in account.roles:
            # At every sign-in, so that a crash between account and wallet mends itself.
            await self._tools.wallets.open(account.id)
        log.info("signed_in", account=account.id)
        return await self._begin_family(account)

    async def refresh(self, token: str) -> SignedIn:
        """A new pair for a refresh token, which is used up by it.

        Raises:
            Conflict: `refresh_raced`, another tab refreshed with it a moment ago.
            Unauthenticated: `refresh_refused`; sign in again.
        """
        now_ns = self._tools.clock.wall_ns()
        following = self._tools.secrets.token()
        status, account = await self._stores.refreshes.rotate(
            refresh.digest_of(token),
            next_digest=refresh.digest_of(following),
            next_expires_at_wall_ns=now_ns + REFRESH_TTL_NS,
            now_wall_ns=now_ns,
        )
        if status is RefreshStatus.RACED:
            raise Conflict("Another tab has just refreshed with this token.", code="refresh_raced")
        if status is RefreshStatus.REUSED:
            log.warning("refresh_token_reused", account=account)
        if status is not RefreshStatus.ROTATED or account is None:
            raise Unauthenticated("Sign in again.", code="refresh_refused")
        return self._signed_in(await self._people.account(account), following)

    async def sign_out_everywhere(self, account: AccountId) -> None:
        """Revoke every token of the account, access and refresh."""
        await self._stores.refreshes.revoke_account(account)
        await self._people.revoke_tokens(account)

    def _newcomer(self, phone: str) -> Account:
        return Account(
            id=AccountId(self._tools.ids.new("acc")),
            nickname=guest_nickname(self._tools.secrets.six_digits()),
            roles=frozenset({Role.CLIENT}),
            locale=Locale.CHINESE if is_mainland(phone) else Locale.ENGLISH,
        )

    async def _begin_family(self, account: Account) -> SignedIn:
        token = self._tools.secrets.token()
        await self._stores.refreshes.put(
            RefreshToken(
                digest=refresh.digest_of(token),
                family=self._tools.ids.new("rfm"),
                account=account.id,
                expires_at_wall_ns=self._tools.clock.wall_ns() + REFRESH_TTL_NS,
            )
        )
        return self._signed_in(account, token)

    def _signed_in(self, account: Account, refresh_token: str) -> SignedIn:
        access = self._tools.mint.mint(account.id, account.roles)
        return SignedIn(access=access, refresh_token=refresh_token, account=account)


def _phone(written: str) -> str:
    phone = normalized(written)
    if phone is None:
        detail = "With the country code, such as +86 100 0000 0001."
        raise Unprocessable(
            "This is not a telephone number.",
            code="phone_invalid",
            errors=[{"pointer": "/phone", "code": "phone_invalid", "detail": detail}],
        )
    return phone


def _refuse_unless_sendable(answer: SendAnswer) -> None:
    if answer.status is SendStatus.SEND:
        return
    code = "code_too_soon" if answer.status is SendStatus.TOO_SOON else "code_limit"
    wait_s = -(-answer.wait_ns // NS)
    raise TooMany(f"Ask for another code in {wait_s} s.", code=code, retry_after_s=wait_s)
