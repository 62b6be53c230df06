"""The price rule of a session and its one cumulative cost function.

Decides what usage costs: `cost(usage)`, C(n) in docs/metering.md, and how far
an amount goes. A slice costs C(b) - C(a), so ticks, restarts and batches cannot
change a total. Terms are read in `tariff_terms.py`, chargeable time is `course.py`'s.
Never counts seconds (`meter.py`) and never moves money (booking).
Keeps: integers only; C(0) = 0; C never falls; one division, floored, the payer
keeps the remainder.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.limits import HOLD_QUANTUM_MESSAGES, HOLD_QUANTUM_S
from gateway.metering import course
from gateway.metering.block import Block
from gateway.metering.course import Runs, Steps
from gateway.metering.rate import SECONDS_MAX, Rate, Tier
from gateway.metering.tariff_check import invalid
from gateway.metering.tariff_kind import TariffKind
from gateway.metering.tariff_terms import read
from gateway.metering.usage import Usage
from gateway.metering.window import Window
from gateway.terms import SessionKind, Side, TariffSnapshot

__all__ = ["SECONDS_MAX", "Line", "Tariff", "Tier", "parse", "tariff_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: what, how much of it, and the amount."""

    code: str
    """`connect_fee`, `time`, `block`, `session`, `messages`, `minimum`, `cap`; receipts add two of their own."""
    quantity: int
    """Seconds for `time`, blocks for `block`, messages for `messages`, otherwise 1."""
    amount_micros: int
    period: int = 0
    """Rate period of a `time` line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price rule both sides agreed to before the session."""

    currency: str
    tiers: tuple[Tier, ...] = ()
    """Ascending, the first from 0; empty where time has no price."""
    kind: TariffKind = TariffKind.PER_SECOND
    connect_fee_micros: int = 0
    """Owed once something is chargeable."""
    free_s: int = 0
    """Witnessed seconds that cost nothing."""
    initial_block_s: int = 0
    """Least chargeable time once any is."""
    increment_s: int = 1
    """Chargeable time counts in steps of this length."""
    is_rounded_up: bool = False
    """Begun steps count, not only completed ones."""
    minimum_micros: int = 0
    """Least charge once something is chargeable."""
    cap_micros: int | None = None
    """Most that the session can cost."""
    free_if_ended_within_s: int = 10
    """A session of no more witnessed seconds than this is free."""
    zone: str = ""
    """IANA name of the zone whose hours `windows` are; empty without them."""
    windows: tuple[Window, ...] = ()
    """Hours with a price of their own; the first that holds, holds."""
    block: Block | None = None
    session_micros: int = 0
    """Price of the whole session."""
    message_micros: int = 0
    """Price of one message."""
    messages_free: int = 0
    """Messages that cost nothing, from the first."""
    counts_messages_of: frozenset[Side] = frozenset()
    """Whose messages cost."""
    spend_notify_micros: int | None = None
    """The client is told at each multiple of it."""
    spend_consent_micros: int | None = None
    """Beyond it the session goes on only with the client's yes."""
    spend_stop_micros: int | None = None
    """No second may cost beyond it."""
    billed_when_socket_only: bool = False
    """A text leg may stand by the signalling socket alone."""
    _rates: tuple[Rate, ...] = field(init=False, repr=False, compare=False)
    """By rate period; empty where time has no price."""
    _steps: Steps = field(init=False, repr=False, compare=False)
    _skipped_s: int = field(init=False, repr=False, compare=False)
    """Witnessed seconds before the first that tiers price."""
    _free_until_s: int = field(init=False, repr=False, compare=False)
    """Up to here time costs nothing."""
    _flat_price: int | None = field(init=False, repr=False, compare=False)
    """Price a minute, where nothing but a count of seconds matters."""

    def __post_init__(self) -> None:
        steps = Steps(
            increment_s=self.increment_s,
            is_rounded_up=self.is_rounded_up,
            initial_block_s=self.initial_block_s,
        )
        is_plain = (self.connect_fee_micros, self.minimum_micros, self.cap_micros) == (0, 0, None)
        is_flat = is_plain and steps == Steps() and len(self.tiers) == 1 and not self.windows
        rates = [Rate(tiers) for tiers in (self.tiers, *(window.tiers for window in self.windows)) if tiers]
        skipped_s = self.block.length_s if self.block else self.free_s
        uncounted_s = 0 if self.block else self.free_s + steps.seconds_of(0)
        derived = {
            "_rates": tuple(rates),
            "_steps": steps,
            "_skipped_s": skipped_s,
            "_free_until_s": max(self.free_if_ended_within_s, uncounted_s),
            "_flat_price": self.tiers[0].price_micros_per_minute if is_flat and not self.block else None,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def suits(self, kind: SessionKind) -> bool:
        """Whether sessions of `kind` can be metered by it."""
        is_textual = self.kind is TariffKind.PER_MESSAGE or self.billed_when_socket_only
        return kind is SessionKind.TEXT or not is_textual

    def limit_s(self, blocks_bought: int) -> int | None:
        """The most witnessed seconds without a further yes of the client; None where there is no such end."""
        return self.block.limit_s(blocks_bought) if self.block else None

    def cost(self, usage: Usage | int) -> int:
        """C(n): what usage costs in micros; an integer is that many seconds in period 0."""
        seconds = usage if isinstance(usage, int) else usage.seconds
        if self._flat_price is not None:
            is_owed = seconds > self._free_until_s
            return (seconds - self._skipped_s) * self._flat_price // 60 if is_owed else 0
        if self.kind is TariffKind.PER_MESSAGE:
            messages = (0 if isinstance(usage, int) else usage.messages) - self.messages_free
            return self._bounded(messages * self.message_micros) if messages > 0 else 0
        if seconds <= self._free_until_s:
            return 0
        runs: Runs = ((0, usage),) if isinstance(usage, int) else usage.runs
        return self._bounded(self._fixed_micros(seconds) + self._time_numerator(runs, seconds) // 60)

    def _fixed_micros(self, seconds: int) -> int:
        return self.block.price_of(seconds) if self.block else self.session_micros

    def _time_numerator(self, runs: Runs, seconds: int) -> int:
        if not self._rates:
            return 0
        if len(runs) == 1:
            chargeable_s = self._steps.chargeable_s(seconds - self._skipped_s)
            return self._rates[runs[0][0]].numerator(chargeable_s)
        return course.numerator(self._rates, self._steps, course.beyond(runs, self._skipped_s))

    def _bounded(self, micros: int) -> int:
        owed = max(micros + self.connect_fee_micros, self.minimum_micros)
        return owed if self.cap_micros is None else min(owed, self.cap_micros)

    def lines(self, usage: Usage | int) -> tuple[Line, ...]:
        """C(n) taken apart; the amounts sum to `cost(usage)`."""
        usage = Usage.plain(usage) if isinstance(usage, int) else usage
        lines = self._fixed_lines(usage) + self._time_lines(usage)
        if not lines:
            return ()
        if self.connect_fee_micros:
            lines.insert(0, Line("connect_fee", 1, self.connect_fee_micros))
        raw = sum(line.amount_micros for line in lines)
        if raw < self.minimum_micros:
            lines.append(Line("minimum", 1, self.minimum_micros - raw))
        total = max(raw, self.minimum_micros)
        if self.cap_micros is not None and total > self.cap_micros:
            lines.append(Line("cap", 1, self.cap_micros - total))
        return tuple(lines)

    def _fixed_lines(self, usage: Usage) -> list[Line]:
        if self.kind is TariffKind.PER_MESSAGE:
            messages = usage.messages - self.messages_free
            return [Line("messages", messages, messages * self.message_micros)] if messages > 0 else []
        if usage.seconds <= self._free_until_s or (self._rates and not self.block):
            return []
        if self.block is None:
            return [Line("session", 1, self.session_micros)]
        price = self.block.price_of(usage.seconds)
        return [Line("block", price // self.block.price_micros, price)]

    def _time_lines(self, usage: Usage) -> list[Line]:
        if usage.seconds <= self._free_until_s or not self._rates:
            return []
        runs = course.beyond(usage.runs, self._skipped_s)
        chargeable_s = self._steps.chargeable_s(sum(seconds for _, seconds in runs))
        lines, sum_before = [], 0
        for period, seconds, part in course.parts(self._rates, self._steps, runs, chargeable_s=chargeable_s):
            amount = (sum_before + part) // 60 - sum_before // 60
            lines.append(Line("time", seconds, amount, period))
            sum_before += part
        return lines

    def first_hold_micros(self) -> int:
        """Connect fee and the dearest of initial block, minimum and one quantum, at the dearest hours.

        Free time and messages are ignored, because a hold is made for those after them.
        """
        if self.kind is TariffKind.PER_MESSAGE:
            wanted = self._bounded(HOLD_QUANTUM_MESSAGES * self.message_micros)
        elif self.block is not None:
            wanted = self._bounded(self.block.price_micros)
        else:
            quantum_s = self._first_quantum_s()
            dearest = max((rate.numerator(quantum_s) for rate in self._rates), default=0)
            wanted = self._bounded(self.session_micros + dearest // 60)
        return wanted if self.spend_stop_micros is None else min(wanted, self.spend_stop_micros)

    def entry_micros(self) -> int:
        """What the first second or message with a price costs, at the dearest hours."""
        if self.kind is TariffKind.PER_MESSAGE:
            return self._bounded(self.message_micros)
        first_s = self._free_until_s + 1
        return max(self.cost(Usage(((period, first_s),))) for period in range(max(1, len(self._rates))))

    def _first_quantum_s(self) -> int:
        """One quantum or the initial block, filled to whole steps whichever way they are rounded."""
        wanted_s = max(HOLD_QUANTUM_S, self.initial_block_s)
        return -(-wanted_s // self.increment_s) * self.increment_s

    def covered_s(self, micros: int) -> int:
        """The most seconds of period 0 whose cost fits into `micros`, at most a day."""
        if self._flat_price:
            covered_s = max(self._free_until_s, self._skipped_s + (60 * micros + 59) // self._flat_price)
            return min(covered_s, SECONDS_MAX)
        return self.covered_along(((0, SECONDS_MAX),), micros)

    def covered_along(self, runs: Runs, micros: int, *, messages: int = 0) -> int:
        """The most witnessed seconds along `runs` (from the session's first on) whose cost fits into `micros`."""
        total_s = sum([seconds for _, seconds in runs])
        if self.cap_micros is not None and self.cap_micros <= micros:
            return total_s
        if self.kind is TariffKind.PER_MESSAGE:
            return total_s if self.cost(Usage((), messages)) <= micros else 0
        rest = micros - self.connect_fee_micros - self.session_micros
        if rest < 0 or micros < self.minimum_micros:
            return min(self._free_until_s, total_s)
        return min(max(self._free_until_s, self._bought_s(runs, rest, total_s)), total_s)

    def _bought_s(self, runs: Runs, micros: int, total_s: int) -> int:
        if self.block is not None:
            covered_s = self.block.covered_s(micros)
            if covered_s is not None:
                return covered_s
            micros -= self.block.price_micros
        if not self._rates:
            return total_s
        priced = course.beyond(runs, self._skipped_s)
        return self._skipped_s + course.affords_s(self._rates, self._steps, priced, 60 * micros + 59)

    def covered_messages(self, micros: int) -> int | None:
        """The most messages whose cost fits into `micros`; None where messages cost nothing."""
        if self.kind is not TariffKind.PER_MESSAGE or (
            self.cap_micros is not None and self.cap_micros <= micros
        ):
            return None
        if micros < self.minimum_micros or micros < self.connect_fee_micros:
            return self.messages_free
        return self.messages_free + (micros - self.connect_fee_micros) // self.message_micros


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
    """The tariff that terms of version 1 or 2 spell (keys in docs/wire.md).

    Raises:
        Unprocessable: code `tariff_invalid`, the detail names the field.
    """
    tariff = Tariff(**read(terms))
    stop = tariff.spend_stop_micros
    if stop is not None and stop < tariff.entry_micros():
        raise invalid("spend_stop_micros", "is below what the first second or message with a price costs")
    return tariff
