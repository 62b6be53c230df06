"""Tariffs of every shape, and a price counted second by second to hold them against."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from gateway.metering.tariff import Tariff, parse
from gateway.metering.usage import Usage

NOTHING: dict[str, Any] = {
    "version": 2,
    "kind": "per_second",
    "currency": "CNY",
    "tiers": [],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "rounding": "down",
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 0,
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
    "billed_when_socket_only": False,
}


def terms_2(**changes: Any) -> dict[str, Any]:
    """Version 2 terms at 3 CNY a minute, with some keys changed."""
    return {**NOTHING, "tiers": [{"from_s": 0, "price_micros_per_minute": 3_000_000}], **changes}


def flat(price: int) -> list[dict[str, int]]:
    """One tier."""
    return [{"from_s": 0, "price_micros_per_minute": price}]


def naive_cost(terms: dict[str, Any], periods: Sequence[int], messages: int) -> int:
    """C(n) of witnessed seconds that lie in `periods`, by counting each alone."""
    if terms["kind"] == "per_message":
        counted = messages - terms["messages_free"]
        return _bounded(terms, counted * terms["message_micros"]) if counted > 0 else 0
    if len(periods) <= max(terms["free_s"], terms["free_if_ended_within_s"]):
        return 0
    block = terms["block"]
    after_block = periods[block["length_s"] :] if block else periods[terms["free_s"] :]
    priced = _priced_periods(terms, after_block) if terms["tiers"] else []
    if block is None and terms["kind"] != "per_session" and not priced:
        return 0
    sixtieths = sum(_price(terms, period, place) for place, period in enumerate(priced))
    return _bounded(terms, _fixed(terms, len(periods)) + sixtieths // 60)


def _priced_periods(terms: dict[str, Any], periods: Sequence[int]) -> list[int]:
    """The period of each chargeable second in order."""
    if not periods:
        return []
    step, least, is_up = terms["increment_s"], terms["initial_block_s"], terms["rounding"] == "up"
    counted = max(len(periods), least)
    while is_up and counted % step:
        counted += 1
    while not is_up and counted % step and counted > least:
        counted -= 1
    while is_up and least % step:
        least += 1
    begins = [place - place % step if is_up else place for place in range(counted)]
    return [periods[0] if place < least else periods[begin] for place, begin in enumerate(begins)]


def _price(terms: dict[str, Any], period: int, place: int) -> int:
    tiers = terms["windows"][period - 1]["tiers"] if period else terms["tiers"]
    return int([tier for tier in tiers if tier["from_s"] <= place][-1]["price_micros_per_minute"])


def _fixed(terms: dict[str, Any], seconds: int) -> int:
    block = terms["block"]
    if block is None:
        return int(terms["session_micros"])
    begun = 1
    while block["overrun"] == "ask" and begun * block["length_s"] < seconds:
        begun += 1
    return int(begun * block["price_micros"])


def _bounded(terms: dict[str, Any], micros: int) -> int:
    owed = max(micros + terms["connect_fee_micros"], terms["minimum_micros"])
    cap = terms["cap_micros"]
    return int(owed if cap is None else min(owed, cap))


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, int]]:
    """One to three tiers within the first minutes."""
    starts = [0, *sorted(draw(st.sets(st.integers(1, 200), max_size=2)))]
    return [{"from_s": start, "price_micros_per_minute": draw(st.integers(0, 9_000_000))} for start in starts]


@st.composite
def timed(draw: st.DrawFn) -> dict[str, Any]:
    """The terms that price time."""
    windows = draw(st.integers(0, 2))
    return {
        "tiers": draw(tiers()),
        "increment_s": draw(st.sampled_from([1, 1, 6, 30, 60, 90])),
        "rounding": draw(st.sampled_from(["down", "up"])),
        "zone": "Europe/Berlin" if windows else "",
        "windows": [
            {"days": [1, 2], "from": "08:00", "until": "18:00", "tiers": draw(tiers())}
            for _ in range(windows)
        ],
    }


@st.composite
def shapes(draw: st.DrawFn) -> dict[str, Any]:
    """Version 2 terms of any kind that are accepted."""
    kind = draw(
        st.sampled_from(["per_second", "per_second", "per_minute", "block", "per_session", "per_message"])
    )
    few = st.integers(0, 100)
    changes: dict[str, Any] = {"kind": kind}
    if kind in ("per_second", "per_minute"):
        changes |= draw(timed()) | {"free_s": draw(few), "initial_block_s": draw(st.integers(0, 130))}
        if kind == "per_minute" and changes["increment_s"] == 1:
            changes["increment_s"] = 60
    if kind == "block":
        overrun = draw(st.sampled_from(["stop", "per_second", "ask"]))
        changes |= draw(timed()) if overrun == "per_second" else {}
        price = draw(st.integers(1, 30_000_000))
        length_s = draw(st.integers(31, 400))
        changes["block"] = {"length_s": length_s, "price_micros": price, "overrun": overrun}
    if kind == "per_session":
        changes |= {"session_micros": draw(st.integers(1, 50_000_000)), "free_s": draw(few)}
    if kind == "per_message":
        changes |= {"message_micros": draw(st.integers(1, 2_000_000)), "messages_free": draw(few)}
    else:
        changes["free_if_ended_within_s"] = draw(st.integers(0, 30))
    if kind != "per_session":
        changes["connect_fee_micros"] = draw(st.integers(0, 3_000_000))
        least = changes["connect_fee_micros"] + (changes["block"]["price_micros"] if kind == "block" else 0)
        if kind != "block":
            changes["minimum_micros"] = draw(st.integers(0, 5_000_000))
            least = max(least, changes["minimum_micros"])
        changes["cap_micros"] = draw(st.none() | st.integers(least + 1, 200_000_000))
    return {**NOTHING, **changes}


@st.composite
def usages(draw: st.DrawFn, terms: dict[str, Any], *, seconds_max: int = 260) -> tuple[Usage, list[int]]:
    """Usage of a tariff, and the period of each of its seconds."""
    period = st.integers(0, len(terms["windows"]))
    usage = Usage(messages=draw(st.integers(0, 130)))
    periods: list[int] = []
    for _ in range(draw(st.integers(0, 4))):
        into, seconds = draw(period), draw(st.integers(0, seconds_max // 4))
        usage, periods = usage.plus(into, seconds), periods + [into] * seconds
    return usage, periods


def tariff_from(terms: dict[str, Any]) -> Tariff:
    """The tariff that terms spell."""
    return parse(terms)
