"""Which terms of a tariff go together.

Decides that a tariff is refused whose terms contradict each other or could
never have an effect, so that nobody agrees to a price that reads otherwise than
it is charged. Reading single terms and their ranges is `tariff_terms.py`'s.
Keeps: every refusal names one field and says in a sentence what is wrong;
version 1 is held only to what it was held to when it was agreed.
"""

from collections.abc import Mapping
from typing import Any

from gateway.errors import Unprocessable
from gateway.metering.block import Overrun
from gateway.metering.tariff_kind import TariffKind

Fields = Mapping[str, Any]
"""`Tariff`'s fields by name."""

_NEUTRAL: dict[str, Any] = {
    "tiers": (),
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "is_rounded_up": False,
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 0,
    "windows": (),
    "block": None,
    "session_micros": 0,
    "message_micros": 0,
    "messages_free": 0,
}
"""What a term says where it says nothing."""
_OF_TIME = frozenset({"tiers", "increment_s", "is_rounded_up", "windows"})
_MEANT: dict[TariffKind, frozenset[str]] = {
    TariffKind.PER_SECOND: _OF_TIME
    | {
        "connect_fee_micros",
        "free_s",
        "initial_block_s",
        "minimum_micros",
        "cap_micros",
        "free_if_ended_within_s",
    },
    TariffKind.BLOCK: frozenset({"block", "connect_fee_micros", "cap_micros", "free_if_ended_within_s"}),
    TariffKind.PER_SESSION: frozenset({"session_micros", "free_s", "free_if_ended_within_s"}),
    TariffKind.PER_MESSAGE: frozenset(
        {"message_micros", "messages_free", "connect_fee_micros", "minimum_micros", "cap_micros"}
    ),
}
_MEANT[TariffKind.PER_MINUTE] = _MEANT[TariffKind.PER_SECOND]
"""Terms that a kind knows; every other one must say nothing."""
_NEEDED = {
    TariffKind.PER_SECOND: "tiers",
    TariffKind.PER_MINUTE: "tiers",
    TariffKind.BLOCK: "block",
    TariffKind.PER_SESSION: "session_micros",
    TariffKind.PER_MESSAGE: "message_micros",
}
"""The term that a kind has its price in."""
_WRITTEN = {"is_rounded_up": "rounding"}
"""Wire names that differ."""


def invalid(field: str, why: str) -> Unprocessable:
    """The refusal of a term, naming it."""
    return Unprocessable(f"The tariff cannot be used: {field} {why}.", code="tariff_invalid", field=field)


def check_first(fields: Fields) -> None:
    """Refuse version 1 terms that contradict each other."""
    if not fields["tiers"]:
        raise invalid("tiers", "must have at least one")
    if fields["cap_micros"] is not None and fields["cap_micros"] < fields["minimum_micros"]:
        raise invalid("cap_micros", "is below minimum_micros")


def check_second(fields: Fields) -> None:
    """Refuse version 2 terms that contradict each other."""
    _check_kind(fields)
    _check_hours(fields)
    _check_block(fields)
    _check_bounds(fields)
    _check_limits(fields)


def _check_kind(fields: Fields) -> None:
    kind, meant = fields["kind"], _MEANT[fields["kind"]]
    if fields["block"] is not None and fields["block"].overrun is Overrun.PER_SECOND:
        meant |= _OF_TIME
    if fields[_NEEDED[kind]] == _NEUTRAL[_NEEDED[kind]]:
        raise invalid(_NEEDED[kind], f"must hold the price of a {kind} tariff")
    for name, nothing in _NEUTRAL.items():
        if name not in meant and fields[name] != nothing:
            raise invalid(_WRITTEN.get(name, name), f"has no meaning in this {kind} tariff; {_said(nothing)}")
    if kind is TariffKind.PER_MINUTE and fields["increment_s"] == 1:
        raise invalid("increment_s", "must be more than 1 where time is counted by the minute")


def _said(nothing: Any) -> str:
    if nothing is None or nothing is False:
        return "it must be null" if nothing is None else "it must be down"
    return "leave it empty" if nothing == () else f"it must be {nothing}"


def _check_hours(fields: Fields) -> None:
    if fields["windows"] and not fields["zone"]:
        raise invalid("zone", "must say whose hours the windows are")


def _check_block(fields: Fields) -> None:
    block = fields["block"]
    if block is None:
        return
    if block.overrun is Overrun.PER_SECOND and not fields["tiers"]:
        raise invalid("tiers", "must price the time after the block")
    if fields["free_if_ended_within_s"] >= block.length_s:
        raise invalid("free_if_ended_within_s", "would give the whole block away")


def _check_bounds(fields: Fields) -> None:
    cap = fields["cap_micros"]
    if cap is None:
        return
    if cap < fields["minimum_micros"]:
        raise invalid("cap_micros", "is below minimum_micros")
    fixed = fields["connect_fee_micros"] + (fields["block"].price_micros if fields["block"] else 0)
    if cap < fixed:
        raise invalid("cap_micros", "is below what every session costs")


def _check_limits(fields: Fields) -> None:
    """A limit that lies beyond a nearer one would never speak."""
    nearer: int | None = fields["cap_micros"]
    for name in ("spend_stop_micros", "spend_consent_micros"):
        limit = fields[name]
        if limit is not None and nearer is not None and limit >= nearer:
            raise invalid(name, "could never be reached: another limit comes first")
        nearer = nearer if limit is None else limit
    stop = fields["spend_stop_micros"]
    most = stop if stop is not None else fields["cap_micros"]
    if (
        fields["spend_notify_micros"] is not None
        and most is not None
        and fields["spend_notify_micros"] > most
    ):
        raise invalid("spend_notify_micros", "could never be reached: another limit comes first")
