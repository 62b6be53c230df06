"""A provider's own prices: what he may set, and how the platform's spending limits join them.

Decides that a price is in the ledger's currency, that metering can meter it for
that kind of session, and that it carries the platform's limits on spending where
it has none of its own or laxer ones.
Never gives terms a meaning; metering does, behind the `TariffCheck` port.
Keeps: a changed price is a new plan; sessions that run or ring keep theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.booking.people.offer import RatePlan
from gateway.booking.people_ports import PeopleStore
from gateway.booking.people_service import PeopleService
from gateway.errors import Unprocessable
from gateway.ids import AccountId
from gateway.limits import SESSION_DURATION_S_MAX
from gateway.money import BASIS_POINTS
from gateway.terms import SessionKind, TariffSnapshot


class TariffCheck(Protocol):
    """Metering, as prices see it."""

    def checked(self, terms: Mapping[str, Any], kind: SessionKind) -> TariffSnapshot:
        """The terms, completed and frozen.

        Raises:
            Unprocessable: code `tariff_invalid`, the detail names the field.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLimits:
    """The platform's limits on what one session may cost, in micros; None = none."""

    notify_micros: int | None = None
    """Both are told at each multiple."""
    consent_micros: int | None = None
    """The client is asked before more is spent."""
    stop_micros: int | None = None
    """The session ends before more is spent."""

    def joined(self, terms: Mapping[str, Any]) -> dict[str, Any]:
        """The terms with the stricter of both limits; a platform's limit beyond a nearer one is left out."""
        joined, nearer = dict(terms), terms.get("cap_micros")
        for key, limit in (
            ("spend_stop_micros", self.stop_micros),
            ("spend_consent_micros", self.consent_micros),
            ("spend_notify_micros", self.notify_micros),
        ):
            own = terms.get(key)
            is_far = isinstance(nearer, int) and limit is not None and limit >= nearer
            joined[key] = own if is_far else _stricter(own, limit)
            nearer = joined[key] if isinstance(joined[key], int) else nearer
        return joined


class OfferService:
    """Prices that providers set themselves."""

    def __init__(
        self,
        people: PeopleService,
        store: PeopleStore,
        *,
        tariffs: TariffCheck,
        currency: str,
        fee_bp: int,
        limits: SpendLimits,
    ) -> None:
        self._people = people
        self._store = store
        self._tariffs = tariffs
        self._currency = currency
        self._fee_bp = fee_bp
        self._limits = limits

    async def offers(self, provider: AccountId) -> Sequence[RatePlan]:
        """The provider's present plans."""
        listing = await self._store.listing(provider)
        return listing.plans if listing is not None else ()

    async def set_offer(
        self, provider: AccountId, kind: SessionKind, terms: Mapping[str, Any], *, duration_s_max: int
    ) -> RatePlan:
        """Make `terms` the provider's present price of that kind.

        Raises:
            NotFound: there is no such provider.
            Unprocessable: code `tariff_invalid`; the detail names the field.
        """
        if terms.get("currency", self._currency) != self._currency:
            raise Unprocessable(
                f"The tariff cannot be used: currency must be {self._currency}.",
                code="tariff_invalid",
                field="currency",
            )
        if not 0 < duration_s_max <= SESSION_DURATION_S_MAX:
            raise Unprocessable(
                f"A session lasts between 1 and {SESSION_DURATION_S_MAX} seconds.",
                code="tariff_invalid",
                field="duration_s_max",
            )
        joined = self._limits.joined({**terms, "currency": self._currency})
        plan = RatePlan(
            kind=kind,
            tariff=self._tariffs.checked(joined, kind),
            fee_bp=min(self._fee_bp, BASIS_POINTS),
            duration_s_max=duration_s_max,
        )
        await self._people.set_plan(provider, plan)
        return plan


def _stricter(own: Any, platform: int | None) -> Any:
    """The smaller of two limits; what is no limit at all is left to the check."""
    if platform is None or (own is not None and not isinstance(own, int)):
        return own
    return platform if own is None else min(own, platform)
