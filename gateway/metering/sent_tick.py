"""The ticks that were sent to the apps, as far back as they may be acknowledged.

Decides whether an acknowledgement names a tick and the head that went out with
it, and the instant it counts as of. Never counts it (`attendance.py`).
Keeps: at most `SENT_TICKS_MAX` ticks.
"""

from gateway.metering.effect import Ack

SENT_TICKS_MAX = 64
"""How many ticks back an acknowledgement may name."""


class SentTicks:
    """Number, head and end of the newest ticks."""

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: dict[int, tuple[str, int]] = {}

    def send(self, number: int, *, head: str, end_ns: int) -> None:
        """Tick `number`, which ended at `end_ns`, goes out with `head`."""
        self._sent[number] = (head, end_ns)
        self._sent.pop(number - SENT_TICKS_MAX, None)

    def matched(self, number: int, head: str) -> tuple[Ack, int]:
        """What becomes of an acknowledgement, and the end of the tick that it names."""
        sent = self._sent.get(number)
        if sent is None:
            return Ack.UNKNOWN_TICK, 0
        return (Ack.ACKNOWLEDGED if sent[0] == head else Ack.HEAD_MISMATCH), sent[1]
