"""Accounts, sign-in and catalogue over HTTP.

Decides the routes of /v1/auth/*, /v1/me, /v1/providers* and /v1/quotes: who may
call each and how its body becomes a call of a service.
Never decides what is refused: the services do; shapes are in `people_bodies.py`.
See docs/wire.md, "HTTP".
"""

from gateway.booking.adapters.people_bodies import (
    AccountBody,
    OtpAnswer,
    OtpBody,
    ParticipantAnswer,
    ParticipantBody,
    ProfileBody,
    ProviderBody,
    ProvidersPage,
    ProvidersQuery,
    QuoteAnswer,
    QuoteBody,
    RefreshBody,
    SignedInAnswer,
    VerifyBody,
)
from gateway.booking.catalogue_service import CatalogueService
from gateway.booking.integrator_service import IntegratorService, Participant
from gateway.booking.people.account import ProfileChange
from gateway.booking.people_service import PeopleService
from gateway.booking.sign_in_service import SignInService
from gateway.http.cursor import read_cursor, written_cursor
from gateway.http.limiter import caller_of_address
from gateway.http.route import Access, Call, Route
from gateway.ids import AccountId, SessionId

MINTS_PER_MINUTE = 6_000
"""An integrator's server mints for all of its users, so its bound is ten times a person's."""


def routes(
    *,
    people: PeopleService,
    sign_in: SignInService,
    integrators: IntegratorService,
    catalogue: CatalogueService,
) -> list[Route]:
    """Every route of accounts, sign-in and catalogue."""
    return [
        *_sign_in_routes(sign_in),
        *_integrator_routes(integrators),
        *_profile_routes(people),
        *_catalogue_routes(catalogue),
    ]


def _sign_in_routes(sign_in: SignInService) -> list[Route]:
    async def send_code(call: Call) -> OtpAnswer:
        sent = await sign_in.send_code(call.body.phone, address=caller_of_address(call.remote))
        return OtpAnswer(expires_in_s=sent.expires_in_s, demo_code=sent.demo_code)

    async def verify(call: Call) -> SignedInAnswer:
        return SignedInAnswer.of(await sign_in.verify(call.body.phone, call.body.code))

    async def refresh(call: Call) -> SignedInAnswer:
        return SignedInAnswer.of(await sign_in.refresh(call.body.refresh_token))

    return [
        Route(
            method="POST",
            path="/v1/auth/otp",
            handler=send_code,
            access=Access.PUBLIC,
            summary="Send a one-time code to a phone",
            tag="sign-in",
            body=OtpBody,
            answer=OtpAnswer,
        ),
        Route(
            method="POST",
            path="/v1/auth/otp/verify",
            handler=verify,
            access=Access.PUBLIC,
            summary="Sign in with the code; the first time makes an account",
            tag="sign-in",
            body=VerifyBody,
            answer=SignedInAnswer,
        ),
        Route(
            method="POST",
            path="/v1/auth/refresh",
            handler=refresh,
            access=Access.PUBLIC,
            summary="Exchange a refresh token for the next pair",
            tag="sign-in",
            body=RefreshBody,
            answer=SignedInAnswer,
        ),
    ]


def _integrator_routes(integrators: IntegratorService) -> list[Route]:
    async def mint(call: Call) -> ParticipantAnswer:
        body: ParticipantBody = call.body
        participant = Participant(
            external_id=body.external_id,
            nickname=body.nickname,
            roles=frozenset(body.roles),
            session=SessionId(body.session) if body.session is not None else None,
            ttl_s=body.ttl_s,
        )
        token, account = await integrators.admit(call.who.account, participant)
        return ParticipantAnswer.of(token, account)

    return [
        Route(
            method="POST",
            path="/v1/auth/tokens",
            handler=mint,
            access=Access.INTEGRATOR,
            summary="Mint an access token for one of your own users",
            tag="sign-in",
            body=ParticipantBody,
            answer=ParticipantAnswer,
            rate_per_minute=MINTS_PER_MINUTE,
        )
    ]


def _profile_routes(people: PeopleService) -> list[Route]:
    async def show(call: Call) -> AccountBody:
        return AccountBody.of(await people.account(call.who.account))

    async def change(call: Call) -> AccountBody:
        body: ProfileBody = call.body
        wanted = ProfileChange(nickname=body.nickname, brief=body.brief, locale=body.locale)
        return AccountBody.of(await people.change_profile(call.who.account, wanted))

    return [
        Route(
            method="GET",
            path="/v1/me",
            handler=show,
            access=Access.SIGNED_IN,
            summary="Your account",
            tag="account",
            answer=AccountBody,
        ),
        Route(
            method="PATCH",
            path="/v1/me",
            handler=change,
            access=Access.SIGNED_IN,
            summary="Change your nickname, brief or language",
            tag="account",
            body=ProfileBody,
            answer=AccountBody,
        ),
    ]


def _catalogue_routes(catalogue: CatalogueService) -> list[Route]:
    async def list_providers(call: Call) -> ProvidersPage:
        query: ProvidersQuery = call.query
        after = read_cursor(query.cursor, int)[0] if query.cursor is not None else 0
        # One more than wanted, to know whether a page follows.
        found = await catalogue.providers(presence=query.presence, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        is_more = len(found) > len(page)
        return ProvidersPage(
            items=[ProviderBody.of(shown) for shown in page],
            next=written_cursor(page[-1].listing.position) if is_more else None,
        )

    async def show(call: Call) -> ProviderBody:
        return ProviderBody.of(await catalogue.provider(AccountId(call.path["provider_id"])))

    async def quote(call: Call) -> QuoteAnswer:
        body: QuoteBody = call.body
        provider = AccountId(body.provider_id)
        return QuoteAnswer.of(
            await catalogue.quote(call.who.account, provider, body.kind, seconds=body.seconds)
        )

    return [
        Route(
            method="GET",
            path="/v1/providers",
            handler=list_providers,
            access=Access.PUBLIC,
            summary="Providers, their presence and their prices",
            tag="catalogue",
            query=ProvidersQuery,
            answer=ProvidersPage,
        ),
        Route(
            method="GET",
            path="/v1/providers/{provider_id}",
            handler=show,
            access=Access.PUBLIC,
            summary="One provider",
            tag="catalogue",
            answer=ProviderBody,
        ),
        Route(
            method="POST",
            path="/v1/quotes",
            handler=quote,
            access=Access.CLIENT,
            summary="What a session would cost, and how long your money lasts",
            tag="catalogue",
            body=QuoteBody,
            answer=QuoteAnswer,
        ),
    ]
