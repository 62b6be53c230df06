"""The running record of one session: its seconds, its chain, its entries.

Decides how ticks and anchors become chained entries, how a stored record is
replayed into the same tally and head, and which head the store has. Never
stores; a service takes new entries with `take_new` and says `stored` afterwards.
Keeps: head = chain over every entry; tally = sum of every tick; entries of
either version replay; `stored_head` never names an entry that may yet be lost.
"""

from dataclasses import dataclass, field

from gateway.errors import InvariantBroken
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
from gateway.metering.tick import Tally, Tick, TickFinding
from gateway.terms import ConsentKind, EndReason, MeterOrder, SuspendReason


@dataclass(slots=True)
class Record:
    """What has been found so far."""

    head: str
    """Running SHA-256, hexadecimal."""
    stored_head: str
    """Head after the last entry that the journal or the spool has."""
    tally: Tally = field(default_factory=Tally)
    entries: bytearray = field(default_factory=bytearray)
    """Every entry, concatenated."""
    anchors: list[Anchor] = field(default_factory=list)
    """Every anchor in order."""
    short_clocks: int = 0
    """Clocks that cost the session a second, bits as in `Tick.short_clocks`."""
    pathless: tuple[bool, bool] = (False, False)
    """Whose witnessed seconds stood without a media path, (client, provider): reached by the socket only."""
    last_tick_ns: int = 0
    """Monotonic end of the last found second, before any the start."""
    last_tick_wall_ns: int = 0
    last_paused_by: SuspendReason | None = None
    """What paused the last found second."""
    _taken: int = 0
    _taken_head: str = ""

    @classmethod
    def begun(cls, order: MeterOrder) -> "Record":
        """The empty record of an order."""
        head = genesis(order)
        return cls(head=head, stored_head=head)

    @classmethod
    def replayed(cls, order: MeterOrder, blob: bytes) -> "Record":
        """The record that stored entries spell.

        Raises:
            Malformed: the entries cannot be read.
            InvariantBroken: a tick is missing or repeated, or something follows the stop.
        """
        record = cls.begun(order)
        for entry in split_entries(blob):
            record.replay(entry)
        record.take_new()
        record.stored()
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

    def anchor(
        self,
        kind: AnchorKind,
        *,
        at_ns: int,
        wall_ns: int,
        boot: bytes,
        reason: EndReason | None = None,
        consent: ConsentKind | None = None,
    ) -> Anchor:
        """Append an anchor after the seconds found so far."""
        anchor = Anchor(
            kind=kind,
            after_tick=self.tally.ticks,
            at_ns=at_ns,
            wall_ns=wall_ns,
            boot=boot,
            reason=reason,
            consent=consent,
        )
        self._add_anchor(anchor)
        self._append(encode_anchor(anchor))
        return anchor

    def take_new(self) -> bytes:
        """Entries since the last call, for the journal."""
        if self._taken == len(self.entries):
            return b""
        fresh = bytes(self.entries[self._taken :])
        self._taken, self._taken_head = len(self.entries), self.head
        return fresh

    def give_back(self, fresh: bytes) -> None:
        """What `take_new` gave could not be written; the next call gives it again."""
        self._taken -= len(fresh)
        self._taken_head = self.stored_head

    def stored(self) -> None:
        """Everything that was taken is written and synced."""
        if self._taken:
            self.stored_head = self._taken_head

    @property
    def accepted(self) -> Anchor | None:
        """The provider's yes; None in records of version 1."""
        return self._first(AnchorKind.ACCEPTED)

    @property
    def start(self) -> Anchor | None:
        """The first second's begin."""
        return self._first(AnchorKind.START)

    @property
    def stop(self) -> Anchor | None:
        """The end; None while the session runs."""
        last = self.anchors[-1] if self.anchors else None
        return last if last is not None and last.kind is AnchorKind.STOP else None

    def consents(self, kind: ConsentKind) -> int:
        """How often the client said yes to that."""
        return sum(anchor.consent is kind for anchor in self.anchors)

    def _first(self, kind: AnchorKind) -> Anchor | None:
        return next((anchor for anchor in self.anchors if anchor.kind is kind), None)

    def _add_tick(self, tick: Tick) -> None:
        self._check_open()
        self.tally = self.tally.plus(tick)
        self.short_clocks |= tick.short_clocks
        if tick.finding in _WITNESSED and tick.media != _BOTH:
            self.pathless = (
                self.pathless[0] or not tick.media[0],
                self.pathless[1] or not tick.media[1],
            )
        self.last_tick_ns, self.last_tick_wall_ns = tick.ended_at_ns, tick.ended_wall_ns
        self.last_paused_by = tick.paused_by

    def _add_anchor(self, anchor: Anchor) -> None:
        self._check_open()
        self.anchors.append(anchor)
        if anchor.kind is AnchorKind.START:
            self.last_tick_ns, self.last_tick_wall_ns = anchor.at_ns, anchor.wall_ns

    def _check_open(self) -> None:
        if self.stop is not None:
            raise InvariantBroken("nothing follows the stop of a record")

    def _append(self, entry: bytes) -> None:
        self.entries += entry
        self.head = chained(self.head, entry)


_WITNESSED = (TickFinding.BILLED, TickFinding.FREE)
_BOTH = (True, True)
