"""What a tariff counts: time by the second or minute, blocks, sessions or messages.

Decides nothing beyond the names and which of them price time by tiers. How each
is priced is `tariff.py`'s; which terms go together is `tariff_terms.py`'s.
The spelling is the wire's (docs/wire.md, "Tariff") and never changes.
"""

from enum import StrEnum


class TariffKind(StrEnum):
    """What a price is asked for."""

    PER_SECOND = "per_second"
    """Time; the increment is usually one second."""
    PER_MINUTE = "per_minute"
    """Time in steps of more than a second, completed ones or begun ones."""
    BLOCK = "block"
    """Prepaid time."""
    PER_SESSION = "per_session"
    """One price, however long it takes."""
    PER_MESSAGE = "per_message"
    """Lines of text; time costs nothing."""
