"""The holds of one session: what is set aside and whether more is on its way.

Decides when the next hold may be asked for: one at a time, and not again while
the wallet is known to be empty. How much is `allowance.py`'s, whether the
wallet has it is booking's.
"""

from dataclasses import dataclass

from gateway.metering.allowance import HoldRequest, Spend, next_hold


@dataclass(slots=True)
class Cover:
    """What is set aside for one session."""

    held_micros: int = 0
    holds: int = 0
    """How many were placed."""
    is_due: bool = False
    """One was asked for and has not been answered."""
    is_money_out: bool = False
    """The wallet had nothing more; a top-up changes that."""

    def placed(self, micros: int, *, is_final: bool) -> None:
        """One more hold is committed; a final one took what was left."""
        self.held_micros += micros
        self.holds += 1
        self.is_due = False
        self.is_money_out = is_final

    def failed(self, *, is_money_out: bool) -> None:
        """No hold came of the request."""
        self.is_due = False
        self.is_money_out = is_money_out

    def request(self, spend: Spend) -> HoldRequest | None:
        """The hold to ask for now; asking marks it as due."""
        if self.is_due or self.is_money_out:
            return None
        request = next_hold(spend)
        self.is_due = request is not None
        return request
