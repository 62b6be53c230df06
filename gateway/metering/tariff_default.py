"""What tariff terms are where nobody said otherwise.

Decides the default of every term of version 2, by kind: one-second increments
rounded down, no minimum, a very short session free; a price per minute counts
started minutes. Terms that are agreed to are always complete, so that their
hash says everything.
Never checks them (`tariff_check.py`).
"""

from collections.abc import Mapping
from typing import Any

SHORT_CALL_S = 10
"""A session ended within that many witnessed seconds is free."""

_DEFAULTS: dict[str, Any] = {
    "version": 2,
    "kind": "per_second",
    "tiers": [],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "rounding": "down",
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": SHORT_CALL_S,
    "billed_when_socket_only": False,
    "zone": "",
    "windows": [],
    "block": None,
    "session_micros": 0,
    "message_micros": 0,
    "messages_free": 0,
    "messages_from": "client",
    "spend_notify_micros": None,
    "spend_consent_micros": None,
    "spend_stop_micros": None,
}
_OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "per_minute": {"increment_s": 60, "rounding": "up"},
    "per_message": {"free_if_ended_within_s": 0},
}


def completed(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms with everything that was left out; unknown keys stay, to be refused by the check."""
    kind = str(terms.get("kind", _DEFAULTS["kind"]))
    return {**_DEFAULTS, **_OF_KIND.get(kind, {}), **terms}
