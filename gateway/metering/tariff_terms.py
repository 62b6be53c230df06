"""Tariff terms as they are agreed to and stored: versions 1 and 2.

Decides which keys terms have and in which ranges, and reads them into the
fields of `Tariff`. Which of them contradict each other is `tariff_check.py`'s,
what they mean in money is `tariff.py`'s.
Keeps: every refusal names its field; version 1 reads as it always did, so that
stored sessions and receipts keep their price.
"""

from itertools import pairwise
from typing import Any

from gateway.limits import SESSION_DURATION_S_MAX
from gateway.metering.block import Block, Overrun
from gateway.metering.rate import SECONDS_MAX, Tier
from gateway.metering.tariff_check import check_first, check_second, invalid
from gateway.metering.tariff_kind import TariffKind
from gateway.metering.window import DAY_MIN, DAYS, Window
from gateway.money import MINOR_DIGITS
from gateway.terms import Side

PRICE_MICROS_PER_MINUTE_MAX = 10_000 * 1_000_000
"""10,000 units a minute: far above any real price, far below 64 bits."""
TOTAL_MICROS_MAX = PRICE_MICROS_PER_MINUTE_MAX * 60
TIERS_MAX = 8
WINDOWS_MAX = 8
STEP_S_MAX = 3600
"""Longest increment and initial block."""
MESSAGES_FREE_MAX = 10_000

_KEYS_1 = frozenset(
    {
        "version",
        "kind",
        "currency",
        "tiers",
        "connect_fee_micros",
        "free_s",
        "initial_block_s",
        "increment_s",
        "minimum_micros",
        "cap_micros",
        "free_if_ended_within_s",
        "billed_when_socket_only",
    }
)
_KEYS_2 = _KEYS_1 | {
    "rounding",
    "zone",
    "windows",
    "block",
    "session_micros",
    "message_micros",
    "messages_free",
    "messages_from",
    "spend_notify_micros",
    "spend_consent_micros",
    "spend_stop_micros",
}
_TIER_KEYS = {"from_s", "price_micros_per_minute"}
_SIDES = {
    "client": frozenset({Side.CLIENT}),
    "provider": frozenset({Side.PROVIDER}),
    "both": frozenset({Side.CLIENT, Side.PROVIDER}),
}


def read(terms: dict[str, Any]) -> dict[str, Any]:
    """The fields of `Tariff` by name.

    Raises:
        Unprocessable: code `tariff_invalid`, the detail names the field.
    """
    version = _integer(terms, "version", 1, 2)
    _check_keys(terms, _KEYS_1 if version == 1 else _KEYS_2, version)
    fields = _common(terms)
    if version == 1:
        _check_first_version(terms)
        check_first(fields)
    else:
        fields |= _second(terms)
        check_second(fields)
    return fields


def _common(terms: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(terms["currency"], str) or terms["currency"] not in MINOR_DIGITS:
        raise invalid("currency", "is not one the gateway knows")
    return {
        "currency": terms["currency"],
        "kind": TariffKind(_one_of(terms, "kind", tuple(TariffKind))),
        "tiers": _tiers(terms["tiers"], version=terms["version"]),
        "connect_fee_micros": _integer(terms, "connect_fee_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        "free_s": _integer(terms, "free_s", 0, SESSION_DURATION_S_MAX),
        "initial_block_s": _integer(terms, "initial_block_s", 0, STEP_S_MAX),
        "increment_s": _integer(terms, "increment_s", 1, STEP_S_MAX),
        "minimum_micros": _integer(terms, "minimum_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        "cap_micros": _optional(terms, "cap_micros"),
        "free_if_ended_within_s": _integer(terms, "free_if_ended_within_s", 0, 600),
    }


def _second(terms: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(terms["billed_when_socket_only"], bool):
        raise invalid("billed_when_socket_only", "must be true or false")
    is_per_message = terms["kind"] == TariffKind.PER_MESSAGE
    return {
        "is_rounded_up": _one_of(terms, "rounding", ("down", "up")) == "up",
        "zone": _zone(terms["zone"]),
        "windows": _windows(terms["windows"]),
        "block": _block(terms["block"]),
        "session_micros": _integer(terms, "session_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        "message_micros": _integer(terms, "message_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        "messages_free": _integer(terms, "messages_free", 0, MESSAGES_FREE_MAX),
        "counts_messages_of": _counted(terms, is_per_message=is_per_message),
        "spend_notify_micros": _optional(terms, "spend_notify_micros"),
        "spend_consent_micros": _optional(terms, "spend_consent_micros"),
        "spend_stop_micros": _optional(terms, "spend_stop_micros"),
        "billed_when_socket_only": terms["billed_when_socket_only"],
    }


def _counted(terms: dict[str, Any], *, is_per_message: bool) -> frozenset[Side]:
    sides = _SIDES[_one_of(terms, "messages_from", tuple(_SIDES))]
    return sides if is_per_message else frozenset()


def _check_keys(terms: dict[str, Any], keys: frozenset[str], version: int) -> None:
    if unknown := sorted(set(terms) - keys):
        raise invalid(unknown[0], f"is not a key of tariff version {version}")
    if missing := sorted(keys - set(terms)):
        raise invalid(missing[0], "is missing")


def _check_first_version(terms: dict[str, Any]) -> None:
    if terms["kind"] != TariffKind.PER_SECOND:
        raise invalid("kind", "must be per_second in version 1")
    if terms["billed_when_socket_only"] is not False:
        raise invalid("billed_when_socket_only", "must be false in version 1")


def _tiers(raw: Any, *, version: int) -> tuple[Tier, ...]:
    if not isinstance(raw, list) or len(raw) > TIERS_MAX:
        raise invalid("tiers", f"must be a list of at most {TIERS_MAX}")
    if version > 1 and not all(isinstance(tier, dict) and set(tier) == _TIER_KEYS for tier in raw):
        raise invalid("tiers", "must each have from_s and price_micros_per_minute, and nothing else")
    tiers = tuple(
        Tier(
            from_s=_integer(tier, "from_s", 0, SECONDS_MAX - 1),
            price_micros_per_minute=_integer(tier, "price_micros_per_minute", 0, PRICE_MICROS_PER_MINUTE_MAX),
        )
        for tier in raw
    )
    if tiers and tiers[0].from_s != 0:
        raise invalid("tiers", "must begin at from_s 0")
    if any(later.from_s <= earlier.from_s for earlier, later in pairwise(tiers)):
        raise invalid("tiers", "must ascend by from_s")
    return tiers


def _zone(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > 64 or not all(part.isidentifier() for part in _parts_of(raw)):
        raise invalid("zone", "must be the IANA name of a time zone, or empty")
    return raw


def _parts_of(zone: str) -> list[str]:
    """What of a zone's name must read like a word: `America/Port-au-Prince`, `Etc/GMT+5`."""
    return [part.replace("-", "_").replace("+", "_") for part in zone.split("/")] if zone else []


def _windows(raw: Any) -> tuple[Window, ...]:
    if not isinstance(raw, list) or len(raw) > WINDOWS_MAX:
        raise invalid("windows", f"must be a list of at most {WINDOWS_MAX}")
    return tuple(_window(window) for window in raw)


def _window(raw: Any) -> Window:
    if not isinstance(raw, dict) or set(raw) != {"days", "from", "until", "tiers"}:
        raise invalid("windows", "must each have days, from, until and tiers, and nothing else")
    days = raw["days"]
    if not isinstance(days, list) or not days or days != sorted(set(_days(days))):
        raise invalid("days", "must be weekdays from 1 (Monday) to 7, ascending, none twice")
    from_min, until_min = _minute(raw["from"], "from"), _minute(raw["until"], "until")
    until_min = until_min or DAY_MIN
    if from_min == DAY_MIN:
        raise invalid("from", "must be before 24:00")
    if from_min == until_min:
        raise invalid("until", "must differ from `from`; a whole day is 00:00 until 24:00")
    tiers = _tiers(raw["tiers"], version=2)
    if not tiers:
        raise invalid("windows", "must each have at least one tier")
    return Window(days=tuple(days), from_min=from_min, until_min=until_min, tiers=tiers)


def _days(raw: list[Any]) -> list[int]:
    if any(type(day) is not int or not 1 <= day <= DAYS for day in raw):
        raise invalid("days", "must be weekdays from 1 (Monday) to 7, ascending, none twice")
    return raw


def _minute(raw: Any, field: str) -> int:
    text = raw if isinstance(raw, str) else ""
    hours, colon, minutes = text.partition(":")
    is_written = len(text) == 5 and colon and text.isascii() and hours.isdigit() and minutes.isdigit()
    value = int(hours) * 60 + int(minutes) if is_written else -1
    if not is_written or int(minutes) > 59 or not 0 <= value <= DAY_MIN:
        raise invalid(field, 'must be a time of day "HH:MM", "24:00" at most')
    return value


def _block(raw: Any) -> Block | None:
    if raw is None:
        return None
    if not isinstance(raw, dict) or set(raw) != {"length_s", "price_micros", "overrun"}:
        raise invalid("block", "must be null or have length_s, price_micros and overrun, and nothing else")
    return Block(
        length_s=_integer(raw, "length_s", 1, SESSION_DURATION_S_MAX),
        price_micros=_integer(raw, "price_micros", 1, PRICE_MICROS_PER_MINUTE_MAX),
        overrun=Overrun(_one_of(raw, "overrun", tuple(Overrun))),
    )


def _one_of(terms: dict[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = terms[key]
    if not isinstance(value, str) or value not in allowed:
        raise invalid(key, f"must be one of {', '.join(allowed)}")
    return value


def _optional(terms: dict[str, Any], key: str) -> int | None:
    return None if terms[key] is None else _integer(terms, key, 1, TOTAL_MICROS_MAX)


def _integer(terms: Any, key: str, least: int, most: int) -> int:
    value = terms.get(key) if isinstance(terms, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise invalid(key, f"must be an integer from {least} to {most}")
    return value
