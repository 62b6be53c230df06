"""The lines of one session: order, doubles, rate, what a verdict does, read marks.

Decides whether a line is new, what number it gets and what a moderator's action
means for it. One sequence holds for both sides and for both paths (socket and
data channel); a line is known by (sender, id), so sending twice is harmless.
Never stores or delivers (`chat_service.py`) and never judges (moderation).
Keeps: numbers have no gaps; a read mark never goes back or beyond the last line.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.clock import NS
from gateway.limits import CHAT_LINES_PER_S
from gateway.signaling.rate import Rate
from gateway.terms import Side

KNOWN_LINES_MAX = 512
"""Lines remembered for doubles; an older double is caught by the store's own constraint."""
WAITING_LINES_MAX = 32
"""Lines of one session that may wait for a verdict or the store at once."""

FRAMES_PER_S = 20
"""Sustained rate of a leg's data channel messages, lines and read marks together; further ones are dropped."""


class LineState(StrEnum):
    """What became of a line, as its sender is told."""

    SENT = "sent"
    """Stored under its number."""
    MASKED = "masked"
    """Stored with parts covered."""
    BLOCKED = "blocked"
    """Neither stored nor delivered."""
    DELIVERED = "delivered"
    """Handed to an open connection of the other side."""
    READ = "read"
    """The other side says that it has read up to here."""


class LineEffect(StrEnum):
    """What a verdict does to a line and to its session."""

    DELIVER = "deliver"
    MASK = "mask"
    BLOCK = "block"
    FREEZE = "freeze"
    """Not delivered, and the meter pauses until an operator looks."""
    TERMINATE = "terminate"
    """Not delivered, and the session ends at once."""


_EFFECTS = {
    "allow": LineEffect.DELIVER,
    "flag": LineEffect.DELIVER,
    "mask": LineEffect.MASK,
    "freeze": LineEffect.FREEZE,
    "terminate": LineEffect.TERMINATE,
    "suspend": LineEffect.TERMINATE,
}


def effect_of(action: str) -> LineEffect:
    """What a verdict's action means for a line; an unknown action blocks."""
    return _EFFECTS.get(action, LineEffect.BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFate:
    """What became of a line."""

    line_id: str
    """As its sender named it."""
    state: LineState
    seq: int | None = None
    """Its number, unless blocked."""
    text: str | None = None
    """The covered text, when masked."""
    reason: str | None = None
    """The category, when blocked."""


class Room:
    """What is remembered of a session's lines."""

    def __init__(self) -> None:
        self._fates: OrderedDict[tuple[Side, str], LineFate] = OrderedDict()
        self._rates = {
            side: Rate(interval_ns=NS // CHAT_LINES_PER_S, burst=2 * CHAT_LINES_PER_S) for side in Side
        }
        self._frames = {side: Rate(interval_ns=NS // FRAMES_PER_S, burst=2 * FRAMES_PER_S) for side in Side}
        self._read = dict.fromkeys(Side, 0)
        self._ids: OrderedDict[int, tuple[Side, str]] = OrderedDict()
        self.last_seq = 0
        self.is_loaded = False
        """Whether the last number was taken over from the store."""
        self.waiting = 0
        """Lines under way; beyond WAITING_LINES_MAX further ones are refused."""

    def resume(self, last_seq: int, read: Mapping[Side, int]) -> None:
        """Go on after the last stored line and read marks."""
        self.last_seq = max(self.last_seq, last_seq)
        self._read.update(read)
        self.is_loaded = True

    def may_speak(self, side: Side, now_ns: int) -> bool:
        """Whether one more data channel message of this side is looked at; counted if so."""
        return self._frames[side].take(now_ns)

    def may_send(self, side: Side, now_ns: int) -> bool:
        """Whether one more line is within this side's rate and the room's bound; counted if so."""
        return self.waiting < WAITING_LINES_MAX and self._rates[side].take(now_ns)

    def fate_of(self, side: Side, line_id: str) -> LineFate | None:
        """What became of the line when it came before; None for a new one."""
        return self._fates.get((side, line_id))

    def keep(self, side: Side, fate: LineFate) -> None:
        """Remember what became of a line."""
        self._fates[side, fate.line_id] = fate
        if fate.seq is not None:
            self.last_seq = max(self.last_seq, fate.seq)
            self._ids[fate.seq] = (side, fate.line_id)
        for remembered in (self._fates, self._ids):
            if len(remembered) > KNOWN_LINES_MAX:
                remembered.popitem(last=False)

    def read(self, reader: Side, seq: int) -> LineFate | None:
        """`reader` has read up to `seq`; answers the newest line of the other side that this covers."""
        seq = min(seq, self.last_seq)
        before = self._read[reader]
        if seq <= before:
            return None
        self._read[reader] = seq
        for number in range(seq, before, -1):
            sender, line_id = self._ids.get(number, (reader, ""))
            if sender is not reader:
                return LineFate(line_id=line_id, state=LineState.READ, seq=number)
        return None

    def read_mark(self, side: Side) -> int:
        """Up to which number that side has read."""
        return self._read[side]
