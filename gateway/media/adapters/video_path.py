"""What happens to one packet of video: authenticate, count, rewrite, send on; never decoded.

Decides what of an authentic packet its peer receives, as `packet_path.py` does
for voice: the picture with the receiver's numbers, and repairs (RFC 4588), which
name the lost packet by its number and so have that rewritten too.
Keeps: nothing counts as the leg's voice, which is what it is billed by; a repair
names only what was sent since the last break.
"""

import socket
from collections.abc import Callable
from struct import Struct

from gateway.media import rtp
from gateway.media.adapters.relay_leg import RelayLeg
from gateway.media.adapters.relay_video import RelayVideo, VideoTrack
from gateway.media.adapters.srtp import REPLAYED, PacketBuffer
from gateway.media.counters import Column, Drop

# Plain integers: an enum's attribute costs more than the lookup it is used in.
_IN, _IN_BYTES, _LAST_NS = int(Column.VIDEO_IN), int(Column.VIDEO_IN_BYTES), int(Column.VIDEO_LAST_NS)
_OUT, _OUT_BYTES = int(Column.VIDEO_OUT), int(Column.VIDEO_OUT_BYTES)
_FORWARDED = int(Column.VIDEO_FORWARDED)
_REFUSED, _THROTTLED = (Column.REFUSED, Drop.REFUSED), (Column.THROTTLED, Drop.THROTTLED)
_BAD_TAG, _REPLAYED = (Column.BAD_TAG, Drop.BAD_TAG), (Column.REPLAYED, Drop.REPLAYED)
_SEND_FAILED = (Column.SEND_FAILED, Drop.SEND_FAILED)

_NUMBER = Struct("!H")
"""The original sequence number, first in a repair's payload."""


class VideoPath:
    """The way of every packet of video.

    Args:
        sock: where packets are sent from.
        buffer: where the packet lies.
        drops: row 0 of the counters.
        now_ns: the monotonic clock.
    """

    def __init__(
        self, sock: socket.socket, *, buffer: PacketBuffer, drops: memoryview, now_ns: Callable[[], int]
    ) -> None:
        self._sendto = sock.sendto
        self._packet = buffer.view
        self._drops = drops
        self._now_ns = now_ns

    def receive(self, leg: RelayLeg, video: RelayVideo, track: VideoTrack, length: int) -> None:
        """Take a packet of that track from the leg's path."""
        reception = track.reception
        _, _, seq, ts, ssrc = rtp.FIXED.unpack_from(self._packet)
        if leg.open is None or (ssrc != reception.ssrc and not track.admits(ssrc)):
            self._drop(leg, _REFUSED)
            return
        size = leg.open(length)
        if size < 0:
            self._drop(leg, _REPLAYED if size in REPLAYED else _BAD_TAG)
            return
        now_ns = self._now_ns()
        leg.row[_IN] += 1
        leg.row[_IN_BYTES] += length
        leg.row[_LAST_NS] = now_ns
        if ssrc != reception.ssrc and reception.ssrc >= 0:
            track.retired.add(reception.ssrc)
        reception.note(ssrc, seq=seq, ts=ts, at_ns=now_ns)
        payload = rtp.payload_offset(self._packet, size)
        if payload < 0:
            self._drop(leg, _REFUSED)
        elif not video.throttle.admits(now_ns, length):
            self._drop(leg, _THROTTLED)
        elif track.target is not None and leg.peer is not None:
            rtp.map_extensions(self._packet, payload, level_id=0, table=video.extensions)
            self._pass_on(leg, leg.peer, track, track.target, size=size, payload=payload)

    def _pass_on(
        self, leg: RelayLeg, peer: RelayLeg, track: VideoTrack, target: VideoTrack, *, size: int, payload: int
    ) -> None:
        packet = self._packet
        first, second, seq, ts, ssrc = rtp.FIXED.unpack_from(packet)
        if peer.seal is None or peer.path is None:
            return
        if track.is_repair and not self._renumber(leg, peer, size=size, payload=payload):
            return
        stream = target.continuity
        if not stream.place(leg.handle << 32 | ssrc, seq=seq, ts=ts, at_ns=leg.row[_LAST_NS]):
            self._drop(leg, _REFUSED)
            return
        rtp.FIXED.pack_into(
            packet, 0, first, second & 0x80 | track.type_out, stream.seq, stream.ts, target.ssrc_out
        )
        sealed = peer.seal(size)
        try:
            if sealed < 0:
                raise OSError
            self._sendto(packet[:sealed], peer.path)
        except OSError:
            self._drop(peer, _SEND_FAILED)
            return
        leg.row[_FORWARDED] += 1
        if not track.is_repair:
            peer.row[_OUT] += 1
            peer.row[_OUT_BYTES] += size - payload

    def _renumber(self, leg: RelayLeg, peer: RelayLeg, *, size: int, payload: int) -> bool:
        """Make a repair name the packet as the peer knows it; False where the peer never got its like."""
        packet = self._packet
        end = size - packet[size - 1] if packet[0] & 0x20 else size
        if end - payload < _NUMBER.size:
            # Padding that probes the bandwidth repairs nothing and names nothing.
            return True
        if leg.video is None or peer.video is None:
            return False
        stream = peer.video.picture.continuity
        (number,) = _NUMBER.unpack_from(packet, payload)
        if not stream.repairs(leg.handle << 32 | leg.video.picture.reception.ssrc, seq=number):
            return False
        _NUMBER.pack_into(packet, payload, (number + stream.seq_offset) & 0xFFFF)
        return True

    def _drop(self, leg: RelayLeg, reason: tuple[Column, Drop]) -> None:
        column, drop = reason
        leg.row[column] += 1
        self._drops[drop] += 1
