"""The running record of one session: its seconds, its chain, its entries.

Decides how ticks and anchors become chained entries and how a stored record is
replayed into the same tally and head. Never stores; `service.py` takes the new
entries from `take_new` to the journal.
Keeps: head = chain over every entry; tally = sum of every tick.
"""

from dataclasses import dataclass, field

from gateway.metering.evidence import (
    Anchor,
    AnchorKind,
    chained,
    decode,
    encode_anchor,
    encode_tick,
    genesis,
    split_entries,
)
from gateway.metering.tick import Tally, Tick
from gateway.terms import MeterOrder


@dataclass(slots=True)
class Record:
    """What has been found so far."""

    head: str
    """Running SHA-256, hexadecimal."""
    tally: Tally = field(default_factory=Tally)
    entries: bytearray = field(default_factory=bytearray)
    """Every entry, concatenated."""
    start: Anchor | None = None
    stop: Anchor | None = None
    last_tick_ns: int = 0
    """Monotonic end of the last found second."""
    last_tick_wall_ns: int = 0
    _taken: int = 0

    @classmethod
    def begun(cls, order: MeterOrder) -> "Record":
        """The empty record of an order."""
        return cls(head=genesis(order))

    @classmethod
    def replayed(cls, order: MeterOrder, blob: bytes) -> "Record":
        """The record that stored entries spell.

        Raises:
            Malformed: the entries cannot be read.
            InvariantBroken: a tick is missing or repeated.
        """
        record = cls.begun(order)
        for entry in split_entries(blob):
            record.replay(entry)
        record.take_new()
        return record

    def replay(self, entry: bytes) -> None:
        """Append an entry as it was encoded before."""
        found = decode(entry)
        if isinstance(found, Tick):
            self._add_tick(found)
        else:
            self._add_anchor(found)
        self._append(entry)

    def count(self, tick: Tick) -> None:
        """Append the next second."""
        self._add_tick(tick)
        self._append(encode_tick(tick))

    def anchor(self, anchor: Anchor) -> None:
        """Append an anchor."""
        self._add_anchor(anchor)
        self._append(encode_anchor(anchor))

    def take_new(self) -> bytes:
        """Entries since the last call, for the journal."""
        fresh = bytes(self.entries[self._taken :])
        self._taken = len(self.entries)
        return fresh

    def give_back(self, fresh: bytes) -> None:
        """What `take_new` gave could not be written; the next call gives it again."""
        self._taken -= len(fresh)

    def _add_tick(self, tick: Tick) -> None:
        self.tally = self.tally.plus(tick)
        self.last_tick_ns, self.last_tick_wall_ns = tick.ended_at_ns, tick.ended_wall_ns

    def _add_anchor(self, anchor: Anchor) -> None:
        if anchor.kind is AnchorKind.START:
            self.start = anchor
        elif anchor.kind is AnchorKind.STOP:
            self.stop = anchor

    def _append(self, entry: bytes) -> None:
        self.entries += entry
        self.head = chained(self.head, entry)
