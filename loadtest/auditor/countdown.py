"""How many seconds are left: money, limits on spending, prepaid time, the slot's end, the maximum.

Decides, by trying, when a session will be cut if everything goes on as it is, in the
page's two readings: the first second at which the money is used up, and the last one
that it pays for.
Never decides whether a warning was right; warnings.py does.
Keeps true: nothing is cached and nothing is solved in closed form, so that it is right
for every shape of tariff.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.auditor.price import Runs, cost

FAR_S = 300
"""Nobody is warned of anything that is further away than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A session that goes on."""

    terms: Mapping[str, Any]
    runs: Runs
    """Seconds used so far, by rate period."""
    messages: int
    ahead: Sequence[tuple[int, int]]
    """(seconds from now, rate period) of what is still to come, the first at 0."""
    ends_in_s: int = FAR_S
    """Seconds after which it spends nothing more, whatever the money."""

    @property
    def used_s(self) -> int:
        """Seconds used so far."""
        return sum(seconds for _, seconds in self.runs)

    def cost_in(self, seconds: int) -> int:
        """C(n) so many seconds from now."""
        seconds = min(seconds, self.ends_in_s)
        runs = list(self.runs)
        for index, (begin, period) in enumerate(self.ahead):
            end = self.ahead[index + 1][0] if index + 1 < len(self.ahead) else seconds
            length = min(end, seconds) - begin
            if length > 0:
                runs.append((period, length))
        return cost(self.terms, _merged(runs), self.messages)


def _merged(runs: Runs) -> Runs:
    found: list[tuple[int, int]] = []
    for period, length in runs:
        if found and found[-1][0] == period:
            found[-1] = (period, found[-1][1] + length)
        else:
            found.append((period, length))
    return found


def first(is_over: Callable[[int], bool]) -> int:
    """The least number of seconds at which something that never ends again is so; FAR_S if none."""
    return bisect_left(range(FAR_S), True, key=is_over)


def money_left(sessions: Sequence[Going], *, micros: int) -> tuple[int, int]:
    """(seconds until `micros` beyond today's cost are used up, seconds that they pay for)."""
    now = sum(going.cost_in(0) for going in sessions)

    def spent(seconds: int) -> int:
        return sum(going.cost_in(seconds) for going in sessions) - now

    used_up = first(lambda seconds: seconds > 0 and spent(seconds) >= micros)
    beyond = first(lambda seconds: spent(seconds) > micros)
    return (min(used_up, beyond), max(0, beyond - 1) if beyond < FAR_S else FAR_S)


def limits_left(going: Going, *, blocks: int, has_consent: bool) -> dict[str, int]:
    """Seconds until the tariff's own limits, by the warning's reason."""
    found: dict[str, int] = {}
    limits = [going.terms.get("spend_stop_micros")]
    if not has_consent:
        limits.append(going.terms.get("spend_consent_micros"))
    for limit in limits:
        if limit is not None:
            most = int(limit)
            left = first(lambda seconds, most=most: going.cost_in(seconds) > most) - 1  # type: ignore[misc]  # a default binds the loop's value
            found["spend_limit"] = min(found.get("spend_limit", FAR_S), max(0, left))
    block = going.terms.get("block")
    if block and block["overrun"] != "per_second":
        bought_s = int(block["length_s"]) * (blocks if block["overrun"] == "ask" else 1)
        found["block_end"] = max(0, bought_s - going.used_s)
    return found
