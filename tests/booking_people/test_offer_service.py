"""Prices that providers set themselves."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.booking.offer_service import OfferService, SpendLimits
from gateway.booking.people.seed import crowd
from gateway.bridge.tariffs import TariffDesk
from gateway.errors import NotFound, Unprocessable
from gateway.ids import AccountId
from gateway.terms import SessionKind
from tests.booking_people.bench import Bench

pytestmark = pytest.mark.service

UNIT = 1_000_000
PER_SECOND = {"tiers": [{"from_s": 0, "price_micros_per_minute": 3 * UNIT}]}
BLOCK = {"kind": "block", "block": {"length_s": 1800, "price_micros": 30 * UNIT, "overrun": "ask"}}
PER_MESSAGE = {"kind": "per_message", "message_micros": UNIT // 2}


def offers(bench: Bench, limits: SpendLimits | None = None) -> OfferService:
    """The service over the bench's people and metering's real check."""
    return OfferService(
        bench.people,
        bench.store,
        tariffs=TariffDesk(),
        currency="CNY",
        fee_bp=2_000,
        limits=limits or SpendLimits(),
    )


async def provider(bench: Bench) -> AccountId:
    """A provider with a plain price for both kinds."""
    seeded = await bench.people.seed(crowd(1, price_micros_per_minute=UNIT, wallet_micros=0), currency="CNY")
    return seeded[1].account.id


async def test_a_price_is_completed_and_shown_from_then_on(bench: Bench) -> None:
    who, service = await provider(bench), offers(bench)

    plan = await service.set_offer(who, SessionKind.VOICE, BLOCK, duration_s_max=3600)

    terms = plan.tariff.terms()
    assert (terms["version"], terms["currency"], terms["increment_s"]) == (2, "CNY", 1)
    assert plan.duration_s_max == 3600
    assert plan in await service.offers(who)
    offered = await bench.people.offer(who, SessionKind.VOICE)
    assert offered is not None
    assert offered.tariff == plan.tariff


@pytest.mark.parametrize(
    ("kind", "terms", "field"),
    [
        (SessionKind.VOICE, PER_MESSAGE, "kind"),
        (SessionKind.VOICE, {}, "tiers"),
        (SessionKind.VOICE, {**PER_SECOND, "currency": "USD"}, "currency"),
        (SessionKind.TEXT, {**PER_SECOND, "discount": 5}, "discount"),
        (SessionKind.TEXT, {"kind": "block"}, "block"),
    ],
)
async def test_a_price_that_cannot_be_metered_is_refused_by_its_field(
    bench: Bench, kind: SessionKind, terms: Mapping[str, Any], field: str
) -> None:
    who = await provider(bench)

    with pytest.raises(Unprocessable) as refused:
        await offers(bench).set_offer(who, kind, terms, duration_s_max=3600)

    assert refused.value.wire_code == "tariff_invalid"
    assert refused.value.extensions["field"] == field


async def test_a_length_out_of_bounds_and_an_unknown_provider_are_refused(bench: Bench) -> None:
    who, service = await provider(bench), offers(bench)

    with pytest.raises(Unprocessable):
        await service.set_offer(who, SessionKind.VOICE, PER_SECOND, duration_s_max=0)
    with pytest.raises(NotFound):
        await service.set_offer(AccountId("acc_x"), SessionKind.VOICE, PER_SECOND, duration_s_max=60)
    assert await service.offers(AccountId("acc_x")) == ()


@pytest.mark.parametrize(
    ("own", "notify", "consent", "stop"),
    [
        ({}, 15 * UNIT, 30 * UNIT, 40 * UNIT),
        ({"spend_stop_micros": 35 * UNIT}, 15 * UNIT, 30 * UNIT, 35 * UNIT),
        ({"spend_stop_micros": 20 * UNIT}, 15 * UNIT, None, 20 * UNIT),
        ({"spend_stop_micros": 90 * UNIT}, 15 * UNIT, 30 * UNIT, 40 * UNIT),
        ({"cap_micros": 10 * UNIT}, None, None, None),
    ],
)
async def test_the_platforms_limits_join_the_stricter_way(
    bench: Bench, own: dict[str, int], notify: int | None, consent: int | None, stop: int | None
) -> None:
    limits = SpendLimits(notify_micros=15 * UNIT, consent_micros=30 * UNIT, stop_micros=40 * UNIT)
    who, service = await provider(bench), offers(bench, limits)

    plan = await service.set_offer(who, SessionKind.VOICE, {**PER_SECOND, **own}, duration_s_max=3600)

    terms = plan.tariff.terms()
    found = [terms[f"spend_{name}_micros"] for name in ("notify", "consent", "stop")]
    assert found == [notify, consent, stop]
