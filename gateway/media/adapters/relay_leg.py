"""What the Python relay keeps of one leg.

Decides how a leg's numbers map to its peer's when the two are linked, and
which sources it may send as. The packet path works on it; the relay owns it.
Keeps: an unlinked leg maps nothing, so nothing of it can be sent on.
"""

from gateway.limits import RTP_PACKETS_PER_S_MAX
from gateway.media import rtp
from gateway.media.adapters.relay_video import SOURCES_MAX, RelayVideo
from gateway.media.adapters.srtp import Cipher
from gateway.media.continuity import Continuity
from gateway.media.counters import Column
from gateway.media.path import Address
from gateway.media.ports import LegSpec
from gateway.media.reception import Reception
from gateway.media.tap import TapRing
from gateway.media.throttle import Throttle

BURST_PACKETS = 60
"""What may come at once after a network pause: over a second of 20 ms packets."""
PRIMARY_ONLY = -1
"""In place of a payload type: the peer takes no RED, so the primary frame alone is sent."""


class RelayLeg:
    """One leg; the packet path reads its attributes, nobody else does."""

    __slots__ = (
        "continuity",
        "extensions",
        "handle",
        "is_heard",
        "is_muted",
        "open",
        "opus_out",
        "path",
        "paths",
        "payload_types",
        "peer",
        "reception",
        "red",
        "retired",
        "row",
        "seal",
        "spec",
        "tap",
        "throttle",
        "tracks",
        "video",
    )

    def __init__(self, handle: int, spec: LegSpec, row: memoryview) -> None:
        self.handle = handle
        self.spec = spec
        self.row = row
        """Its cells of the counters."""
        self.peer: RelayLeg | None = None
        self.is_muted = False
        self.is_heard = False
        """Whether an authenticated packet ever came."""
        self.open: Cipher | None = None
        self.seal: Cipher | None = None
        self.path: Address | None = None
        """Where packets to it go."""
        self.paths: list[Address] = []
        """Where packets of it may come from, the present path first."""
        self.continuity = Continuity()
        """Of the stream that is sent to it."""
        self.reception = Reception()
        self.retired: set[int] = set()
        """Sources it sent as before the present one."""
        self.throttle = Throttle(per_s=RTP_PACKETS_PER_S_MAX, burst=BURST_PACKETS)
        self.tap: TapRing | None = None
        self.video = RelayVideo(spec, spec.video) if spec.video is not None else None
        self.tracks = self.video.tracks if self.video is not None else {}
        """Its video streams by payload type, none without video."""
        self.red = -1 if spec.voice is None or spec.voice.red is None else spec.voice.red
        self.adapt()

    def adapt(self) -> None:
        """Prepare the maps from this leg's numbers to its peer's."""
        near = self.spec.voice
        far = self.peer.spec.voice if self.peer is not None else None
        self.payload_types: dict[int, int] = {}
        self.opus_out = far.opus if far is not None else 0
        table = bytearray(rtp.ERASE_ALL)
        if near is not None:
            self.payload_types[near.opus] = self.opus_out
            if near.red is not None:
                takes_red = far is not None and far.red is not None
                self.payload_types[near.red] = far.red if far and takes_red and far.red else PRIMARY_ONLY
            if far is not None and near.level_id:
                table[near.level_id] = far.level_id
        self.extensions = bytes(table)
        if self.video is not None:
            self.video.adapt(self.peer.video if self.peer is not None else None)

    def break_off(self) -> None:
        """What is sent to it next begins a new stretch, its video too."""
        self.continuity.break_off()
        if self.video is not None:
            self.video.break_off()

    def admits(self, source: int) -> bool:
        """Whether a source that is not the present one may still begin."""
        return source not in self.retired and len(self.retired) + 1 < SOURCES_MAX

    def write_reception(self) -> None:
        """Bring the columns up to date that are not counted packet by packet."""
        row, reception = self.row, self.reception
        row[Column.SSRC_IN] = reception.ssrc
        row[Column.RTP_SPAN] = reception.span
        row[Column.HIGHEST_EXT] = reception.highest_ext
        row[Column.EXPECTED] = reception.expected
        row[Column.RECEIVED] = reception.received
        row[Column.JITTER] = reception.jitter
        row[Column.TS_OFFSET_OUT] = self.continuity.ts_offset
        if self.video is not None:
            self.video.write(row)
