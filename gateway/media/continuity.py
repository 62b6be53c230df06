"""One outgoing stream that stays whole while its sources change.

Decides sequence number and timestamp of the next packet for a receiver: losses
of the sender stay visible, pauses (mute, unlink) and a sender's rejoin do not.
Keeps: no two packets get the same sequence number, because that would reuse a
key stream; a packet from before a break is refused for the same reason.
Never chooses the SSRC (the leg's, fixed for its life) nor touches the packet.
"""

from gateway.media.reception import UNITS_PER_MS

FRAME_UNITS = 960
"""20 ms at 48 kHz: the least by which the timestamp moves at a change of source."""
VIDEO_FRAME_UNITS = 3_000
"""A thirtieth of a second at 90 kHz: the same for video."""
_CIRCLE_16 = 0xFFFF
_CIRCLE_32 = 0xFFFFFFFF


class Continuity:
    """Offsets of one receiver's stream.

    Args:
        units_per_ms: how fast its timestamps run.
        frame_units: the least by which they move at a change of source.
        left_out: sequence numbers that a break leaves out. A voice goes on as if nothing had been; a picture
            that lacks what came before must not look whole to its decoder.
    """

    __slots__ = (
        "_at_ns",
        "_floor",
        "_frame_units",
        "_high",
        "_is_broken",
        "_left_out",
        "_source",
        "_ts_high",
        "_units_per_ms",
        "seq",
        "seq_offset",
        "starts",
        "ts",
        "ts_offset",
    )

    def __init__(
        self, *, units_per_ms: int = UNITS_PER_MS, frame_units: int = FRAME_UNITS, left_out: int = 0
    ) -> None:
        self._units_per_ms = units_per_ms
        self._frame_units = frame_units
        self._left_out = left_out
        self.seq = 0
        """Sequence number of the packet placed last."""
        self.ts = 0
        """Its timestamp."""
        self.ts_offset = 0
        """What is added to the source's timestamps; sender reports need it too."""
        self.starts = False
        """Whether the packet placed last is the first after a break."""
        self._source = -1
        self.seq_offset = 0
        """What is added to the source's sequence numbers."""
        self._is_broken = True
        self._floor = 0
        self._high = 0
        self._ts_high = 0
        self._at_ns = 0

    def break_off(self) -> None:
        """The next packet follows the last one sent without a gap, whatever was left out."""
        self._is_broken = True

    def repairs(self, source: int, *, seq: int) -> bool:
        """Whether that number of the source was, or may have been, placed since the last break."""
        is_current = not self._is_broken and source == self._source
        return is_current and (seq - self._floor) & _CIRCLE_16 < 0x8000

    def place(self, source: int, *, seq: int, ts: int, at_ns: int) -> bool:
        """Set `seq` and `ts` for a packet of `source`; False where it must not be sent."""
        self.starts = False
        if self._is_broken or source != self._source:
            self._join(source, seq=seq, ts=ts, at_ns=at_ns)
        ahead = (seq - self._high) & _CIRCLE_16
        if ahead < 0x8000:
            self._high = seq
            self._at_ns = at_ns
            self._ts_high = (ts + self.ts_offset) & _CIRCLE_32
            if (seq - self._floor) & _CIRCLE_16 > 0x4000:
                # The floor follows at a distance, so that it never ends up ahead on the circle.
                self._floor = (seq - 0x2000) & _CIRCLE_16
        elif (seq - self._floor) & _CIRCLE_16 >= 0x8000:
            return False
        self.seq = (seq + self.seq_offset) & _CIRCLE_16
        self.ts = (ts + self.ts_offset) & _CIRCLE_32
        return True

    def _join(self, source: int, *, seq: int, ts: int, at_ns: int) -> None:
        if self._source >= 0:
            last = (self._high + self.seq_offset) & _CIRCLE_16
            self.seq_offset = (last + 1 + self._left_out - seq) & _CIRCLE_16
            if source != self._source:
                elapsed = max(self._frame_units, (at_ns - self._at_ns) * self._units_per_ms // 1_000_000)
                self.ts_offset = (self._ts_high + elapsed - ts) & _CIRCLE_32
        self._source = source
        self._is_broken = False
        self._floor = seq
        self._high = seq
        self.starts = True
