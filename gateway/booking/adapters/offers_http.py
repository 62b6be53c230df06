"""A provider's own prices over HTTP.

Decides the routes of /v1/provider/offers and the shape of a price that is set:
terms may be left out, they then take their defaults.
Never decides whether a price can be metered; the service asks.
See docs/wire.md, "Tariff".
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.booking.adapters.people_bodies import OfferBody
from gateway.booking.offer_service import OfferService
from gateway.errors import NotFound
from gateway.http.route import Access, Call, Route
from gateway.limits import SESSION_DURATION_S_MAX
from gateway.terms import SessionKind


class OfferChange(BaseModel):
    """A price to be set."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    tariff: dict[str, Any]
    """Terms of docs/wire.md, "Tariff"; what is left out takes its default."""
    duration_s_max: int = Field(default=SESSION_DURATION_S_MAX, ge=1, le=SESSION_DURATION_S_MAX)
    """Longest session in seconds."""


class OffersAnswer(BaseModel):
    """The provider's present prices."""

    items: list[OfferBody]


def routes(offers: OfferService) -> list[Route]:
    """The routes of a provider's prices."""

    async def show(call: Call) -> OffersAnswer:
        plans = await offers.offers(call.who.account)
        return OffersAnswer(items=[OfferBody.of(plan) for plan in plans])

    async def change(call: Call) -> OfferBody:
        body: OfferChange = call.body
        kind = _kind(call.path["kind"])
        plan = await offers.set_offer(call.who.account, kind, body.tariff, duration_s_max=body.duration_s_max)
        return OfferBody.of(plan)

    return [
        Route(
            method="GET",
            path="/v1/provider/offers",
            handler=show,
            access=Access.PROVIDER,
            summary="Your prices",
            tag="catalogue",
            answer=OffersAnswer,
        ),
        Route(
            method="PUT",
            path="/v1/provider/offers/{kind}",
            handler=change,
            access=Access.PROVIDER,
            summary="Set your price for voice, text or video; running sessions keep theirs",
            tag="catalogue",
            body=OfferChange,
            answer=OfferBody,
        ),
    ]


def _kind(name: str) -> SessionKind:
    try:
        return SessionKind(name)
    except ValueError:
        raise NotFound(f"There are sessions of {', '.join(SessionKind)} only.") from None
