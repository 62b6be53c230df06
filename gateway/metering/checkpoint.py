"""What the client agreed to spend, and where it has to be asked again.

Decides the spend limit and the end of the bought time in force, when the client
is told of its spending, when it is asked for a yes and what a yes allows.
Never knows holds (`cover.py`) nor what seconds cost (`tariff.py`), and never
sends (`service.py`).
Keeps: no second passes `spend_stop_micros`, nor `spend_consent_micros` or the
bought blocks without a yes; a yes counts only while it is asked for.
"""

from dataclasses import dataclass, field

from gateway.metering.allowance import Spend
from gateway.metering.effect import Asked, Noticed
from gateway.metering.record import Record
from gateway.metering.tariff import SECONDS_MAX, Tariff
from gateway.terms import ConsentKind, EndReason

SPEND_ASK_S = 30
"""How long before the cost would pass `spend_consent_micros` the client is asked."""
SPEND_ASK_MESSAGES = 5
"""Where messages are paid: with fewer left than these the client is asked."""
BLOCK_ASK_S = 60
"""How long before the end of the bought time the client is asked; half a block where it is shorter than twice that."""


@dataclass(slots=True)
class Checkpoints:
    """The limits of one session that its tariff sets on spending."""

    tariff: Tariff
    has_agreed: bool = False
    """The client said yes to spending beyond `spend_consent_micros`."""
    blocks: int = 1
    """Prepaid blocks bought; the first with the session."""
    asked: set[ConsentKind] = field(default_factory=set)
    """Questions that wait for an answer."""
    noticed: int = 0
    """Multiples of `spend_notify_micros` that were told."""

    def restore(self, record: Record) -> None:
        """Take up what a replayed record says was agreed; what was told by then is not told again."""
        self.has_agreed = record.consents(ConsentKind.SPEND) > 0
        self.blocks = 1 + record.consents(ConsentKind.BLOCK)
        if self.tariff.spend_notify_micros:
            self.noticed = self.tariff.cost(record.tally.usage) // self.tariff.spend_notify_micros

    @property
    def is_none(self) -> bool:
        """Whether the tariff sets no such limit."""
        tariff = self.tariff
        return tariff.block is None and (
            tariff.spend_notify_micros is tariff.spend_consent_micros is tariff.spend_stop_micros is None
        )

    @property
    def spend_micros(self) -> int | None:
        """Cost that no second may pass at present."""
        stop, consent = self.tariff.spend_stop_micros, self.tariff.spend_consent_micros
        if self.has_agreed or consent is None:
            return stop
        return consent if stop is None else min(stop, consent)

    @property
    def block_s(self) -> int | None:
        """Witnessed seconds that are bought; None where time is not bought in advance or may overrun."""
        return self.tariff.limit_s(self.blocks)

    def notice(self, spent_micros: int) -> list[Noticed]:
        """The client is told once at each multiple that the cost has passed."""
        step = self.tariff.spend_notify_micros
        if not step or spent_micros // step <= self.noticed:
            return []
        self.noticed = spent_micros // step
        return [Noticed(spent_micros=spent_micros)]

    def questions(self, spend: Spend, *, spent_micros: int) -> list[Asked]:
        """What the client is to be asked now; each question once until it is answered."""
        due: list[tuple[ConsentKind, int, int]] = []
        if ConsentKind.SPEND not in self.asked and (left_s := self._spend_question_s(spend)):
            due.append((ConsentKind.SPEND, left_s, 0))
        if ConsentKind.BLOCK not in self.asked and (left_s := self._block_question_s(spend)):
            assert self.tariff.block is not None, "only a block asks for the next"
            due.append((ConsentKind.BLOCK, left_s, self.tariff.block.price_micros))
        self.asked.update(kind for kind, _, _ in due)
        return [
            Asked(kind=kind, seconds_left=left_s, spent_micros=spent_micros, price_micros=price)
            for kind, left_s, price in due
        ]

    def agree(self, kind: ConsentKind) -> bool:
        """The client says yes; False where it was not asked."""
        if kind not in self.asked:
            return False
        self.asked.discard(kind)
        if kind is ConsentKind.SPEND:
            self.has_agreed = True
        else:
            self.blocks += 1
        return True

    def refusal(self, *, cost_micros: int, seconds: int) -> EndReason | None:
        """Why a second may not be served after which the session has `seconds` and costs `cost_micros`."""
        limit_micros, block_s = self.spend_micros, self.block_s
        if limit_micros is not None and cost_micros > limit_micros:
            return EndReason.FUNDS
        return EndReason.SLOT_END if block_s is not None and seconds > block_s else None

    def _spend_question_s(self, spend: Spend) -> int:
        """Seconds left where the question about spending is due, else 0."""
        consent, stop = self.tariff.spend_consent_micros, self.tariff.spend_stop_micros
        if consent is None or self.has_agreed or (stop is not None and stop <= consent):
            return 0
        left_s = min(SECONDS_MAX, spend.lasts_s(consent))
        if left_s <= SPEND_ASK_S:
            return left_s
        if not self.tariff.counts_messages_of:
            return 0
        few = spend.usage.plus(0, 0, SPEND_ASK_MESSAGES)
        return left_s if self.tariff.cost(few) > consent else 0

    def _block_question_s(self, spend: Spend) -> int:
        """Seconds left where the question about the next block is due, else 0."""
        block, block_s = self.tariff.block, self.block_s
        if block is None or block_s is None or self.tariff.limit_s(self.blocks + 1) == block_s:
            return 0
        left_s = block_s - spend.used_s
        ask_s = BLOCK_ASK_S if block.length_s >= 2 * BLOCK_ASK_S else block.length_s // 2
        return left_s if 0 < left_s <= ask_s else 0
