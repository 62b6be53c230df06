"""Providers' own prices: what booking asks of tariffs, filled by metering.

Decides nothing: terms are completed, read and frozen by metering's own rules,
the platform's limits come from the settings.
Keeps: what is frozen here can be metered for that kind of session.
"""

from collections.abc import Mapping
from typing import Any

from gateway.booking.offer_service import OfferService, SpendLimits
from gateway.bridge.books import People
from gateway.bridge.ground import Ground
from gateway.errors import Unprocessable
from gateway.metering.adapters.zones import offset_s_at
from gateway.metering.schedule import check_zone
from gateway.metering.tariff import parse
from gateway.metering.tariff_default import completed
from gateway.terms import SessionKind, TariffSnapshot


class TariffDesk:
    """`booking.offer_service.TariffCheck` out of metering's tariff."""

    def checked(self, terms: Mapping[str, Any], kind: SessionKind) -> TariffSnapshot:
        """The terms, completed and frozen."""
        whole = completed(terms)
        tariff = parse(whole)
        check_zone(tariff, offset_s_at)
        if not tariff.suits(kind):
            raise Unprocessable(
                f"The tariff cannot be used: kind {whole['kind']} does not suit a {kind} session.",
                code="tariff_invalid",
                field="kind",
            )
        return TariffSnapshot.of(whole)


def open_offers(ground: Ground, people: People) -> OfferService:
    """The service of providers' prices, with the platform's limits on spending."""
    settings = ground.settings
    limits = SpendLimits(
        notify_micros=settings.spend_notify_micros or None,
        consent_micros=settings.spend_consent_micros or None,
        stop_micros=settings.spend_stop_micros or None,
    )
    return OfferService(
        people.service,
        people.store,
        tariffs=TariffDesk(),
        currency=settings.currency,
        fee_bp=settings.fee_bp,
        limits=limits,
    )
