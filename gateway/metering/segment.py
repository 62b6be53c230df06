"""One unbroken run of numbered seconds on the node's grid.

Decides when each second of a session ends and which one an instant lies in;
a restart begins a new segment that goes on counting where the last one ended.
Seconds of different sessions end at different 32nds of the node's second,
all in its first half, so that their acknowledgements come before the row.
Never says what a second is found to be (`judgement.py`).
Keeps: a segment begins at such a 32nd, never before it was asked for.
"""

import zlib
from dataclasses import dataclass

from gateway.clock import NS
from gateway.ids import SessionId
from gateway.limits import TICK_SLOT_LAST_NS, TICK_SLOT_NS, TICK_SPREAD


@dataclass(frozen=True, slots=True)
class Segment:
    """Where the seconds of one run lie."""

    at_ns: int = 0
    """Begin of its first second, on the node's grid; 0 before any segment."""
    after_tick: int = 0
    """Number of the last second before it."""

    @classmethod
    def begun(cls, now_ns: int, *, after_tick: int, spread: int = 0) -> "Segment":
        """The segment that begins `spread` 32nds after `now_ns` or soon after: never back-dated.

        Less than a second is given away by that.
        """
        at_ns = -(-now_ns // TICK_SLOT_NS) * TICK_SLOT_NS + spread * TICK_SLOT_NS
        if at_ns % NS > TICK_SLOT_LAST_NS:
            at_ns += NS - TICK_SLOT_LAST_NS
        return cls(at_ns=at_ns, after_tick=after_tick)

    def tick_end_ns(self, number: int) -> int:
        """When second `number` ends."""
        return self.at_ns + (number - self.after_tick) * NS

    def elapsed(self, until_ns: int) -> int:
        """Number of the newest second that has ended by `until_ns`."""
        return self.after_tick + max(0, until_ns - self.at_ns) // NS

    def running(self, at_ns: int) -> int:
        """Number of the second that holds `at_ns`; `after_tick` before the first."""
        return self.after_tick if at_ns < self.at_ns else self.elapsed(at_ns) + 1


def spread_of(session: SessionId) -> int:
    """32nds by which a session's seconds are put off, so that those of one poll do not all end at once."""
    return zlib.crc32(session.encode()) % TICK_SPREAD
