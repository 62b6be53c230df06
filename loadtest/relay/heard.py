"""What became of every packet of a round.

Decides which packets count (those of the turns between the first and the last
ones), when one has come late, and what the server spent meanwhile: its processor
time between two marks, for each packet that arrived between them.
Never judges; `run.py` does.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class _Source:
    """One app's voice on its way back."""

    tick: int
    """The instant of a turn at which it is sent."""
    first: int | None
    """Sequence number of turn 0; that of the first packet heard, where the server counts anew."""


class Heard:
    """What came back, and how long it was under way."""

    def __init__(self, *, turns: int, counted: range, ticks: int) -> None:
        self.counted = counted
        """The turns that count."""
        self.sent = 0
        """Packets of counted turns that the kernel took."""
        self.received = 0
        """Those of them that came back."""
        self.delays_us: list[float] = []
        """From being sent to being read, of each."""
        self.stalled_ns = 0
        """How long the crowd itself was held up, all in all."""
        self._ticks = ticks
        self._sent_at_ns = [0] * (turns * ticks)
        self._sources: dict[int, _Source] = {}
        self._arrived = 0
        self._marks: list[tuple[int, int, int]] = []

    def expect(self, ssrc: int, number: int, first: int | None) -> None:
        """Line number `number` is heard under this source, its turn 0 with that sequence number."""
        self._sources[ssrc] = _Source(number % self._ticks, first)

    def mark(self, cpu_ns: int, now_ns: int) -> None:
        """The server's processor time at the begin or the end of the counted turns."""
        self._marks.append((cpu_ns, now_ns, self._arrived))

    def note_sent(self, turn: int, tick: int, now_ns: int, count: int) -> None:
        """So many packets left at that instant."""
        self._sent_at_ns[turn * self._ticks + tick] = now_ns
        if turn in self.counted:
            self.sent += count

    def note(self, ssrc: int, sequence: int, now_ns: int) -> None:
        """A packet came back."""
        source = self._sources.get(ssrc)
        if source is None:
            return
        if source.first is None:
            source.first = sequence
        self._arrived += 1
        turn = (sequence - source.first) & 0xFFFF
        if turn in self.counted:
            self.received += 1
            self.delays_us.append((now_ns - self._sent_at_ns[turn * self._ticks + source.tick]) / 1_000)

    @property
    def delivered(self) -> float:
        """Share of the counted packets that came back."""
        return self.received / max(1, self.sent)

    @property
    def span_ns(self) -> int:
        """Length of the counted turns."""
        return self._marks[1][1] - self._marks[0][1]

    @property
    def cpu_ns(self) -> int:
        """The server's processor time in that span."""
        return self._marks[1][0] - self._marks[0][0]

    @property
    def cpu_us_per_packet(self) -> float:
        """The same, for each packet that arrived in that span."""
        return self.cpu_ns / 1_000 / max(1, self._marks[1][2] - self._marks[0][2])
