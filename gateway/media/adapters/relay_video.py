"""What the Python relay keeps of a leg's video: the stream itself and its repairs.

Decides how their numbers map to the peer's when two legs are linked. The video
path works on it (`video_path.py`); the leg owns it. Voice is `relay_leg.py`'s.
Keeps: a peer of another codec gets nothing, and an unlinked leg maps nothing.
See RFC 4588 for repairs.
"""

from gateway.limits import VIDEO_BITS_PER_S_MAX
from gateway.media import rtp
from gateway.media.continuity import VIDEO_FRAME_UNITS, Continuity
from gateway.media.counters import Column
from gateway.media.description import VideoTerms
from gateway.media.ports import LegSpec
from gateway.media.reception import VIDEO_UNITS_PER_MS, Reception
from gateway.media.throttle import Throttle

VIDEO_BYTES_PER_S = VIDEO_BITS_PER_S_MAX // 8
"""What a leg may send as video; as much may come at once, so that a whole picture passes."""
SOURCES_MAX = 16
"""Sources a stream may ever be sent as; every one costs libsrtp a stream."""
BREAK_LEAVES_OUT = 1
"""Sequence numbers that the receiver misses after a break: its decoder then waits for a whole picture."""


class VideoTrack:
    """One of the two streams, both ways: what came of it, and what is sent to the leg as it."""

    __slots__ = ("continuity", "is_repair", "reception", "retired", "ssrc_out", "target", "type_out")

    def __init__(self, ssrc_out: int, *, is_repair: bool) -> None:
        self.ssrc_out = ssrc_out
        self.is_repair = is_repair
        self.reception = Reception(units_per_ms=VIDEO_UNITS_PER_MS)
        self.continuity = Continuity(
            units_per_ms=VIDEO_UNITS_PER_MS,
            frame_units=VIDEO_FRAME_UNITS,
            left_out=BREAK_LEAVES_OUT,
        )
        """Of the stream that is sent to the leg."""
        self.retired: set[int] = set()
        """Sources it was sent as before the present one."""
        self.target: VideoTrack | None = None
        """The peer's track that it is sent on as; None where it is not."""
        self.type_out = 0
        """The payload type it has there."""

    def admits(self, source: int) -> bool:
        """Whether a source that is not the present one may still begin."""
        return source not in self.retired and len(self.retired) + 1 < SOURCES_MAX


class RelayVideo:
    """A leg's video; the video path reads its attributes, nobody else does."""

    __slots__ = ("extensions", "picture", "repair", "terms", "throttle", "tracks")

    def __init__(self, spec: LegSpec, terms: VideoTerms) -> None:
        self.terms = terms
        self.picture = VideoTrack(spec.video_ssrc_out, is_repair=False)
        self.repair = VideoTrack(spec.rtx_ssrc_out, is_repair=True)
        self.tracks = {terms.payload_type: self.picture}
        """By the payload types that the leg negotiated."""
        if terms.rtx is not None:
            self.tracks[terms.rtx] = self.repair
        self.extensions = rtp.ERASE_ALL
        self.throttle = Throttle(per_s=VIDEO_BYTES_PER_S, burst=VIDEO_BYTES_PER_S)
        """Of both streams together, in bytes."""

    def adapt(self, peer: "RelayVideo | None") -> None:
        """Prepare the maps from this leg's numbers to its peer's."""
        near = self.terms
        table = bytearray(rtp.ERASE_ALL)
        self.picture.target = self.repair.target = None
        if peer is not None and near.suits(peer.terms):
            far = peer.terms
            self.picture.target, self.picture.type_out = peer.picture, far.payload_type
            if far.rtx is not None:
                self.repair.target, self.repair.type_out = peer.repair, far.rtx
            table[near.send_time_id] = far.send_time_id
            table[near.time_offset_id] = far.time_offset_id
            table[near.orientation_id] = far.orientation_id
            table[0] = 0
        self.extensions = bytes(table)

    def break_off(self) -> None:
        """What is sent to the leg next begins a new stretch."""
        self.picture.continuity.break_off()
        self.repair.continuity.break_off()

    def write(self, row: memoryview) -> None:
        """Bring the columns up to date that are not counted packet by packet."""
        came, stream = self.picture.reception, self.picture.continuity
        row[Column.VIDEO_SSRC_IN] = came.ssrc
        row[Column.VIDEO_SEQ_OFFSET_OUT] = stream.seq_offset
        row[Column.VIDEO_TS_OFFSET_OUT] = stream.ts_offset
        row[Column.VIDEO_HIGHEST_EXT] = came.highest_ext
        row[Column.VIDEO_EXPECTED] = came.expected
        row[Column.VIDEO_RECEIVED] = came.received
        row[Column.VIDEO_JITTER] = came.jitter
