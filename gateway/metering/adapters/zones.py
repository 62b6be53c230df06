"""Time zones: how far a zone's clocks are ahead of UTC at an instant.

Decides nothing: it reads the IANA database that is installed with the gateway
(docs/decisions/0016-time-zones.md). Which price an hour has is `schedule.py`'s.
Keeps: whole seconds; an unknown zone is a refusal that names the field.
"""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.metering.tariff_check import invalid


def offset_s_at(zone: str, unix_s: int) -> int:
    """Seconds that the clocks of `zone` are ahead of UTC at a Unix second.

    Raises:
        Unprocessable: code `tariff_invalid`, field `zone`: there is no such zone.
    """
    offset = datetime.fromtimestamp(unix_s, _zone(zone)).utcoffset()
    assert offset is not None, "a zone's clocks have an offset"
    return offset.days * 86_400 + offset.seconds


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid("zone", "is not a time zone that the gateway knows") from error
