"""Which rate period is in force: windows of the day, read in the tariff's own zone.

Decides the period at a wall instant (0 outside every window, else the number of the
first window that is open) and where a stretch of time changes it.
Never decides what a period costs (price.py) or which clock a second has (meter.py).
Keeps true: a window that ends before it begins runs into the next day, and days are
the local calendar's, whatever daylight saving does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

MINUTE_NS = 60_000_000_000


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def period_at(terms: Mapping[str, Any], wall_ns: int) -> int:
    """The rate period in force at a wall instant."""
    windows = terms.get("windows") or ()
    if not windows:
        return 0
    local = datetime.fromtimestamp(wall_ns // 1_000_000_000, _zone(terms["zone"]))
    for index, window in enumerate(windows):
        if _is_open(window, local):
            return index + 1
    return 0


def _is_open(window: Mapping[str, Any], local: datetime) -> bool:
    begin, end = _minutes(window["from"]), _minutes(window["until"])
    now = local.hour * 60 + local.minute
    today = local.isoweekday() in window["days"]
    if begin < end:
        return today and begin <= now < end
    yesterday = (local.date() - timedelta(days=1)).isoweekday() in window["days"]
    return (today and now >= begin) or (yesterday and now < end)


def changes(terms: Mapping[str, Any], *, from_wall_ns: int, until_wall_ns: int) -> list[tuple[int, int]]:
    """(wall instant, period) of every change in between, the first one at the beginning itself."""
    found = [(from_wall_ns, period_at(terms, from_wall_ns))]
    if not terms.get("windows"):
        return found
    at_ns = (from_wall_ns // MINUTE_NS + 1) * MINUTE_NS
    while at_ns < until_wall_ns:
        period = period_at(terms, at_ns)
        if period != found[-1][1]:
            found.append((at_ns, period))
        at_ns += MINUTE_NS
    return found
