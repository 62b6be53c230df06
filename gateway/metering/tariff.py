"""The price rule of a session and its one cumulative cost function.

Decides what n witnessed seconds cost: `cost(n)`, C(n) in docs/metering.md. A slice
costs C(b) - C(a), so ticks, restarts and batches cannot change a total.
Never counts seconds (`meter.py`) and never moves money (booking).
Keeps: integers only; C(0) = 0; C never falls; one division, floored, the payer
keeps the remainder.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from gateway.errors import Unprocessable
from gateway.limits import HOLD_QUANTUM_S, SESSION_DURATION_S_MAX
from gateway.money import MINOR_DIGITS
from gateway.terms import TariffSnapshot

PRICE_MICROS_PER_MINUTE_MAX = 10_000 * 1_000_000
"""10,000 units a minute: far above any real price, far below 64 bits."""
TIERS_MAX = 8
SECONDS_MAX = 24 * 3600


@dataclass(frozen=True, slots=True)
class Tier:
    """A price that holds from a second on."""

    from_s: int
    """First chargeable second of the tier, from 0."""
    price_micros_per_minute: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: what, how much of it, and the amount."""

    code: str
    """`connect_fee`, `time`, `minimum`, `cap`, `short_call`."""
    quantity: int
    """Seconds for `time`, otherwise 1."""
    amount_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price rule both sides agreed to before the session."""

    currency: str
    tiers: tuple[Tier, ...]
    """Ascending, the first from 0."""
    connect_fee_micros: int = 0
    """Owed once a second is chargeable."""
    free_s: int = 0
    """Witnessed seconds that cost nothing."""
    initial_block_s: int = 0
    """Least chargeable time once any is."""
    increment_s: int = 1
    """Chargeable time counts in completed steps of this length."""
    minimum_micros: int = 0
    """Least charge once any time is chargeable."""
    cap_micros: int | None = None
    """Most that the session can cost."""
    free_if_ended_within_s: int = 10
    """A session of no more witnessed seconds than this is free."""

    def chargeable_s(self, witnessed_s: int) -> int:
        """Seconds that carry a price out of `witnessed_s`."""
        beyond_free = witnessed_s - self.free_s
        if beyond_free <= 0 or witnessed_s <= self.free_if_ended_within_s:
            return 0
        stepped = max(beyond_free, self.initial_block_s) // self.increment_s * self.increment_s
        return max(stepped, self.initial_block_s)

    def time_micros(self, chargeable_s: int) -> int:
        """Price of that many seconds by tiers, floored once."""
        numerator = 0
        for from_s, until_s, price in _spans(self.tiers):
            inside_s = min(chargeable_s, until_s) - from_s
            if inside_s <= 0:
                break
            numerator += inside_s * price
        return numerator // 60

    def cost(self, witnessed_s: int) -> int:
        """C(n): what `witnessed_s` seconds cost in micros."""
        chargeable_s = self.chargeable_s(witnessed_s)
        if chargeable_s == 0:
            return 0
        raw = self.connect_fee_micros + self.time_micros(chargeable_s)
        floored = max(raw, self.minimum_micros)
        return floored if self.cap_micros is None else min(floored, self.cap_micros)

    def lines(self, witnessed_s: int) -> tuple[Line, ...]:
        """C(n) taken apart; the amounts sum to `cost(witnessed_s)`."""
        chargeable_s = self.chargeable_s(witnessed_s)
        if chargeable_s == 0:
            return ()
        lines = [Line("time", chargeable_s, self.time_micros(chargeable_s))]
        if self.connect_fee_micros:
            lines.insert(0, Line("connect_fee", 1, self.connect_fee_micros))
        raw = sum(line.amount_micros for line in lines)
        if raw < self.minimum_micros:
            lines.append(Line("minimum", 1, self.minimum_micros - raw))
        total = max(raw, self.minimum_micros)
        if self.cap_micros is not None and total > self.cap_micros:
            lines.append(Line("cap", 1, self.cap_micros - total))
        return tuple(lines)

    def first_hold_micros(self) -> int:
        """Connect fee + the dearest of initial block, minimum and one quantum.

        Free time is ignored, because a hold is made for the time after it.
        """
        time_micros = self.time_micros(max(HOLD_QUANTUM_S, self.initial_block_s))
        wanted = max(self.connect_fee_micros + time_micros, self.minimum_micros)
        return wanted if self.cap_micros is None else min(wanted, self.cap_micros)

    def covered_s(self, micros: int) -> int:
        """The most witnessed seconds whose cost fits into `micros`, at most a day."""
        return _covered_s(self, micros)


@lru_cache(maxsize=1024)
def _spans(tiers: tuple[Tier, ...]) -> tuple[tuple[int, int, int], ...]:
    """(from second, until second, price) of each tier."""
    ends = [*(tier.from_s for tier in tiers[1:]), SECONDS_MAX]
    return tuple(
        (tier.from_s, end_s, tier.price_micros_per_minute) for tier, end_s in zip(tiers, ends, strict=True)
    )


@lru_cache(maxsize=16_384)
def _covered_s(tariff: Tariff, micros: int) -> int:
    """`Tariff.covered_s`; a live session asks for the same hold every second."""
    if tariff.cost(SECONDS_MAX) <= micros:
        return SECONDS_MAX
    fits, exceeds = 0, SECONDS_MAX
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if tariff.cost(middle) <= micros:
            fits = middle
        else:
            exceeds = middle
    return fits


@lru_cache(maxsize=4096)
def _parsed(canonical: str, snapshot_hash: str) -> Tariff:
    return parse(TariffSnapshot(canonical=canonical, hash=snapshot_hash).terms())


def tariff_of(snapshot: TariffSnapshot) -> Tariff:
    """The tariff a snapshot spells.

    Raises:
        Unprocessable: code `tariff_invalid`, the detail names the field.
    """
    return _parsed(snapshot.canonical, snapshot.hash)


def parse(terms: dict[str, Any]) -> Tariff:
    """Read tariff terms (version 1; keys in docs/wire.md).

    Raises:
        Unprocessable: code `tariff_invalid`, the detail names the field.
    """
    _check_keys(terms)
    tariff = Tariff(
        currency=terms["currency"],
        tiers=_tiers(terms["tiers"]),
        connect_fee_micros=_integer(terms, "connect_fee_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        free_s=_integer(terms, "free_s", 0, SESSION_DURATION_S_MAX),
        initial_block_s=_integer(terms, "initial_block_s", 0, 3600),
        increment_s=_integer(terms, "increment_s", 1, 3600),
        minimum_micros=_integer(terms, "minimum_micros", 0, PRICE_MICROS_PER_MINUTE_MAX),
        cap_micros=None
        if terms["cap_micros"] is None
        else _integer(terms, "cap_micros", 1, PRICE_MICROS_PER_MINUTE_MAX * 60),
        free_if_ended_within_s=_integer(terms, "free_if_ended_within_s", 0, 600),
    )
    if tariff.cap_micros is not None and tariff.cap_micros < tariff.minimum_micros:
        raise _invalid("cap_micros", "is below minimum_micros")
    return tariff


_KEYS = frozenset(
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


def _check_keys(terms: dict[str, Any]) -> None:
    if unknown := sorted(set(terms) - _KEYS):
        raise _invalid(unknown[0], "is not a key of tariff version 1")
    if missing := sorted(_KEYS - set(terms)):
        raise _invalid(missing[0], "is missing")
    if terms["version"] != 1:
        raise _invalid("version", "must be 1")
    if terms["kind"] != "per_second":
        raise _invalid("kind", "must be per_second")
    if terms["billed_when_socket_only"] is not False:
        raise _invalid(
            "billed_when_socket_only", "must be false: without a path of its own a leg is no witness"
        )
    if terms["currency"] not in MINOR_DIGITS:
        raise _invalid("currency", "is not one the gateway knows")


def _tiers(raw: Any) -> tuple[Tier, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= TIERS_MAX:
        raise _invalid("tiers", f"must be a list of 1 to {TIERS_MAX}")
    tiers = tuple(
        Tier(
            from_s=_integer(tier, "from_s", 0, SECONDS_MAX - 1),
            price_micros_per_minute=_integer(tier, "price_micros_per_minute", 0, PRICE_MICROS_PER_MINUTE_MAX),
        )
        for tier in raw
    )
    if tiers[0].from_s != 0:
        raise _invalid("tiers", "must begin at from_s 0")
    if any(later.from_s <= earlier.from_s for earlier, later in pairwise(tiers)):
        raise _invalid("tiers", "must ascend by from_s")
    return tiers


def _integer(terms: Any, key: str, least: int, most: int) -> int:
    value = terms.get(key) if isinstance(terms, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _invalid(key, f"must be an integer from {least} to {most}")
    return value


def _invalid(field: str, why: str) -> Unprocessable:
    return Unprocessable(f"The tariff cannot be used: {field} {why}.", code="tariff_invalid", field=field)
