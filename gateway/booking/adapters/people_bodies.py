"""The bodies of accounts, sign-in, catalogue and quotes.

Decides their fields and bounds as docs/wire.md names them, and how the services'
values read as bodies.
Never decides what is allowed: the services refuse; a body only has a shape.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.booking.catalogue_service import Shown
from gateway.booking.people.account import (
    BRIEF_CHARACTERS_MAX,
    NICKNAME_CHARACTERS_MAX,
    Account,
    Locale,
)
from gateway.booking.people.catalogue import QUOTE_SECONDS_MAX, Quote
from gateway.booking.people.offer import RatePlan, shown_price
from gateway.booking.people_ports import AccessToken
from gateway.booking.sign_in_service import SignedIn
from gateway.http.cursor import PageQuery
from gateway.http.money import MoneyBody
from gateway.money import Money
from gateway.terms import Role, SessionKind

Identity = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""An id of the gateway's, `acc_…` or `ses_…`."""
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
"""A number as people write it."""
Nickname = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NICKNAME_CHARACTERS_MAX)
]


class _Asked(BaseModel):
    """What a caller sends; a field nobody knows is a mistake worth hearing of."""

    model_config = ConfigDict(extra="forbid")


class OtpBody(_Asked):
    """Ask for a one-time code."""

    phone: Phone


class OtpAnswer(BaseModel):
    """A code is on its way."""

    expires_in_s: int
    demo_code: str | None
    """The code itself, in a demonstration only."""


class VerifyBody(_Asked):
    """Sign in with a code."""

    phone: Phone
    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]


class RefreshBody(_Asked):
    """Ask for the next pair of tokens."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class AccountBody(BaseModel):
    """A person, as it sees itself."""

    id: str
    nickname: str
    brief: str
    roles: list[Role]
    locale: Locale

    @classmethod
    def of(cls, account: Account) -> "AccountBody":
        """The body of an account."""
        return cls(
            id=account.id,
            nickname=account.nickname,
            brief=account.brief,
            roles=sorted(account.roles),
            locale=account.locale,
        )


class SignedInAnswer(BaseModel):
    """A pair of tokens."""

    access_token: str
    refresh_token: str
    """Good once; the answer to it holds the next."""
    expires_in_s: int
    """Of the access token."""
    account: AccountBody

    @classmethod
    def of(cls, signed_in: SignedIn) -> "SignedInAnswer":
        """The body of a sign-in."""
        return cls(
            access_token=signed_in.access.text,
            refresh_token=signed_in.refresh_token,
            expires_in_s=signed_in.access.expires_in_s,
            account=AccountBody.of(signed_in.account),
        )


class ParticipantBody(_Asked):
    """An integrator's user."""

    external_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    """The integrator's own id of the user; the same id is the same account."""
    nickname: Nickname
    roles: Annotated[list[Literal[Role.CLIENT, Role.PROVIDER]], Field(min_length=1, max_length=2)]
    session: Identity | None = None
    """Names the only session the token is to reach."""
    ttl_s: Annotated[int, Field(ge=60, le=86_400)] = 3_600


class ParticipantAnswer(BaseModel):
    """A participant's token."""

    access_token: str
    expires_in_s: int
    account: AccountBody

    @classmethod
    def of(cls, token: AccessToken, account: Account) -> "ParticipantAnswer":
        """The body of a minted token."""
        return cls(access_token=token.text, expires_in_s=token.expires_in_s, account=AccountBody.of(account))


class ProfileBody(_Asked):
    """Fields of a profile to change; those left out stay."""

    nickname: Nickname | None = None
    brief: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=BRIEF_CHARACTERS_MAX)] | None
    ) = None
    locale: Locale | None = None


class Presence(StrEnum):
    """What a provider is doing, as signalling spells it."""

    OFFLINE = "offline"
    ONLINE = "online"
    PAUSED = "paused"
    RINGING = "ringing"
    IN_SESSION = "in_session"


class ProvidersQuery(PageQuery):
    """A page of the catalogue."""

    presence: Presence | None = None
    """Only providers of this presence."""


class OfferBody(BaseModel):
    """What a provider offers for one kind of session."""

    kind: SessionKind
    tariff: dict[str, Any]
    """The price rule, see docs/metering.md."""
    tariff_hash: str
    """SHA-256 of the canonical rule, to be quoted when inviting."""
    price_micros_per_minute: int
    """Of the first tier, for display."""
    currency: str

    @classmethod
    def of(cls, plan: RatePlan) -> "OfferBody":
        """The body of a plan."""
        price, currency = shown_price(plan.tariff)
        return cls(
            kind=plan.kind,
            tariff=plan.tariff.terms(),
            tariff_hash=plan.tariff.hash,
            price_micros_per_minute=price,
            currency=currency,
        )


class ProviderBody(BaseModel):
    """A provider in the catalogue."""

    id: str
    nickname: str
    brief: str
    presence: Presence
    offers: list[OfferBody]

    @classmethod
    def of(cls, shown: Shown) -> "ProviderBody":
        """The body of a provider."""
        account = shown.listing.account
        return cls(
            id=account.id,
            nickname=account.nickname,
            brief=account.brief,
            presence=Presence(shown.presence),
            offers=[OfferBody.of(plan) for plan in shown.listing.plans],
        )


class ProvidersPage(BaseModel):
    """A page of providers."""

    items: list[ProviderBody]
    next: str | None
    """Cursor of the next page; null at the end."""


class QuoteBody(_Asked):
    """Ask what a session would cost."""

    provider_id: Identity
    kind: SessionKind
    seconds: Annotated[int, Field(ge=0, le=QUOTE_SECONDS_MAX)]


class QuoteLineBody(BaseModel):
    """One line of a price."""

    code: str
    quantity: int
    amount: MoneyBody


class QuoteAnswer(BaseModel):
    """What a session would cost."""

    tariff: dict[str, Any]
    tariff_hash: str
    hold: MoneyBody
    """Set aside before the provider's app rings."""
    cost: MoneyBody
    """Price of the seconds asked about."""
    lines: list[QuoteLineBody]
    affordable_s: int
    """Seconds the wallet covers now, within the provider's maximum."""

    @classmethod
    def of(cls, quote: Quote) -> "QuoteAnswer":
        """The body of a quote."""
        currency = quote.cost.currency
        return cls(
            tariff=quote.tariff.terms(),
            tariff_hash=quote.tariff.hash,
            hold=MoneyBody.of(quote.hold),
            cost=MoneyBody.of(quote.cost),
            lines=[
                QuoteLineBody(
                    code=line.code,
                    quantity=line.quantity,
                    amount=MoneyBody.of(Money(line.amount_micros, currency)),
                )
                for line in quote.lines
            ],
            affordable_s=quote.affordable_s,
        )
