"""A prepaid block of time and what happens when it is used up.

Decides how many blocks a second lies in and how far a session may go on what
was bought. Never asks the client (`meter.py` does) and never adds up a price
(`tariff.py`).
Keeps: a block is paid in full as soon as its first second is chargeable.
"""

from dataclasses import dataclass
from enum import StrEnum


class Overrun(StrEnum):
    """What follows the last second of a block."""

    STOP = "stop"
    """The session ends."""
    PER_SECOND = "per_second"
    """The tariff's tiers price the time after the block."""
    ASK = "ask"
    """The client is asked to buy the next block; without a yes the session ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Time that is bought as a whole."""

    length_s: int
    price_micros: int
    overrun: Overrun

    def price_of(self, witnessed_s: int) -> int:
        """What the blocks cost that `witnessed_s` chargeable seconds lie in; time after a block is not in it."""
        if self.overrun is Overrun.ASK:
            return -(-witnessed_s // self.length_s) * self.price_micros
        return self.price_micros if witnessed_s else 0

    def covered_s(self, micros: int) -> int | None:
        """Seconds of block time that `micros` pay for; None where one payment is for good."""
        bought = micros // self.price_micros
        if self.overrun is Overrun.ASK:
            return bought * self.length_s
        return None if bought else 0

    def limit_s(self, blocks_bought: int) -> int | None:
        """The most witnessed seconds without a further yes; None where there is no end."""
        match self.overrun:
            case Overrun.STOP:
                return self.length_s
            case Overrun.ASK:
                return self.length_s * blocks_bought
            case Overrun.PER_SECOND:
                return None
