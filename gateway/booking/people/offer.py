"""What a provider offers for one kind of session, and at what price.

Decides how a simple price becomes tariff terms and what of an offer is shown in
the catalogue. What the terms mean in seconds and money is `metering`'s.
Keeps: an offer is a snapshot; a later price is a new plan and touches no session.
"""

from dataclasses import dataclass

from gateway.errors import require
from gateway.ids import AccountId
from gateway.limits import SESSION_DURATION_S_MAX
from gateway.money import BASIS_POINTS
from gateway.terms import SessionKind, TariffSnapshot

FEE_BP = 2_000
"""The platform's share where nothing else was agreed: a fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePlan:
    """A provider's present terms for one kind."""

    kind: SessionKind
    tariff: TariffSnapshot
    fee_bp: int = FEE_BP
    """Platform fee in basis points of the charge."""
    duration_s_max: int = SESSION_DURATION_S_MAX
    """Longest session the provider takes, in seconds."""

    def __post_init__(self) -> None:
        require(0 <= self.fee_bp <= BASIS_POINTS, "a fee is between 0 and 10000 basis points")
        require(0 < self.duration_s_max <= SESSION_DURATION_S_MAX, "a session has a length within the limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A provider's present offer of one kind, as signalling asks for it."""

    provider: AccountId
    nickname: str
    tariff: TariffSnapshot
    fee_bp: int
    """Platform fee in basis points of the charge."""
    duration_s_max: int
    """Longest session in seconds."""


def per_second_tariff(
    *, price_micros_per_minute: int, currency: str, free_if_ended_within_s: int = 10
) -> TariffSnapshot:
    """The plain tariff: one price, counted by the second, a very short call free."""
    require(price_micros_per_minute >= 0, "a price is not negative")
    return TariffSnapshot.of(
        {
            "version": 1,
            "kind": "per_second",
            "currency": currency,
            "tiers": [{"from_s": 0, "price_micros_per_minute": price_micros_per_minute}],
            "connect_fee_micros": 0,
            "free_s": 0,
            "initial_block_s": 0,
            "increment_s": 1,
            "minimum_micros": 0,
            "cap_micros": None,
            "free_if_ended_within_s": free_if_ended_within_s,
            "billed_when_socket_only": False,
        }
    )


def shown_price(tariff: TariffSnapshot) -> tuple[int, str]:
    """(price per minute in micros, currency), for the catalogue.

    Of the first tier; of a prepaid block its price spread over its length, rounded up; 0 where
    time has no price and `headline` says what has.
    """
    terms = tariff.terms()
    if block := terms.get("block"):
        return -(-int(block["price_micros"]) * 60 // int(block["length_s"])), str(terms["currency"])
    tiers = terms["tiers"]
    return int(tiers[0]["price_micros_per_minute"]) if tiers else 0, str(terms["currency"])


def headline(tariff: TariffSnapshot) -> tuple[int, str]:
    """(amount in micros, what it buys: `minute`, `block`, `session` or `message`), for the catalogue."""
    terms = tariff.terms()
    match terms["kind"]:
        case "block":
            return int(terms["block"]["price_micros"]), "block"
        case "per_session":
            return int(terms["session_micros"]), "session"
        case "per_message":
            return int(terms["message_micros"]), "message"
        case _:
            return int(terms["tiers"][0]["price_micros_per_minute"]), "minute"
