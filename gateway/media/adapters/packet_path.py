"""What happens to one RTP packet: authenticate, count, rewrite, send on.

Decides what of an authentic packet of voice its peer receives; video goes to
`video_path.py`. Works in place in the one
buffer that the kernel filled. Whether the sender's address may send at all was
decided before (`relay_python.py`); who is linked to whom is the service's.
Keeps: nothing is counted as heard before it authenticated, nothing is sent for
a leg that is muted or unlinked, no failure leaves this file as an exception.
"""

import socket
from collections.abc import Callable

from gateway.media import red, rtp
from gateway.media.adapters.relay_leg import PRIMARY_ONLY, RelayLeg
from gateway.media.adapters.srtp import REPLAYED, PacketBuffer
from gateway.media.adapters.video_path import VideoPath
from gateway.media.audio_level import SILENCE_DBOV, bucket, level_dbov
from gateway.media.counters import Column, Drop
from gateway.media.tap import TappedPacket

# Plain integers: an enum's attribute costs more than the lookup it is used in.
_RTP_IN, _RTP_IN_BYTES = int(Column.RTP_IN), int(Column.RTP_IN_BYTES)
_RTP_OUT, _RTP_OUT_BYTES = int(Column.RTP_OUT), int(Column.RTP_OUT_BYTES)
_RTP_LAST_NS, _RTP_FIRST_NS = int(Column.RTP_LAST_NS), int(Column.RTP_FIRST_NS)
_RTP_FORWARDED = int(Column.RTP_FORWARDED)
_LEVEL_LAST, _LEVEL_0 = int(Column.LEVEL_LAST), int(Column.LEVEL_0)
_REFUSED, _THROTTLED = (Column.REFUSED, Drop.REFUSED), (Column.THROTTLED, Drop.THROTTLED)
_BAD_TAG, _REPLAYED = (Column.BAD_TAG, Drop.BAD_TAG), (Column.REPLAYED, Drop.REPLAYED)
_SEND_FAILED = (Column.SEND_FAILED, Drop.SEND_FAILED)

Reason = tuple[Column, Drop]
"""Where a dropped packet is counted: in the leg's row and in the relay's."""


class PacketPath:
    """The way of every RTP packet.

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
        self._video = VideoPath(sock, buffer=buffer, drops=drops, now_ns=now_ns)

    def receive(self, leg: RelayLeg, length: int) -> bool:
        """Take a packet from the leg's path; True where it is the first one heard of the leg."""
        opener = leg.open
        if opener is None:
            self._drops[Drop.UNKEYED] += 1
            return False
        packet = self._packet
        _, second, seq, ts, ssrc = rtp.FIXED.unpack_from(packet)
        if leg.video is not None and second & 0x7F in leg.tracks:
            self._video.receive(leg, leg.video, leg.tracks[second & 0x7F], length)
            return False
        reception = leg.reception
        if ssrc != reception.ssrc and not leg.admits(ssrc):
            self._drop(leg, _REFUSED)
            return False
        size = opener(length)
        if size < 0:
            self._drop(leg, _REPLAYED if size in REPLAYED else _BAD_TAG)
            return False
        now_ns = self._now_ns()
        row = leg.row
        row[_RTP_IN] += 1
        row[_RTP_IN_BYTES] += length
        row[_RTP_LAST_NS] = now_ns
        if ssrc != reception.ssrc and reception.ssrc >= 0:
            leg.retired.add(reception.ssrc)
        reception.note(ssrc, seq=seq, ts=ts, at_ns=now_ns)
        self._judge(leg, size, second=second, seq=seq, ts=ts)
        if leg.is_heard:
            return False
        leg.is_heard = True
        row[_RTP_FIRST_NS] = now_ns
        return True

    def _judge(self, leg: RelayLeg, size: int, *, second: int, seq: int, ts: int) -> None:
        packet, row = self._packet, leg.row
        payload = rtp.payload_offset(packet, size)
        payload_type = leg.payload_types.get(second & 0x7F)
        if payload < 0 or payload_type is None:
            self._drop(leg, _REFUSED)
            return
        now_ns = row[_RTP_LAST_NS]
        if not leg.throttle.admits(now_ns):
            self._drop(leg, _THROTTLED)
            return
        voice = leg.spec.voice
        level_id = voice.level_id if voice is not None else 0
        octet = rtp.map_extensions(packet, payload, level_id=level_id, table=leg.extensions)
        if octet >= 0:
            dbov = level_dbov(octet)
            row[_LEVEL_LAST] = dbov
            row[_LEVEL_0 + bucket(dbov)] += 1
        if leg.is_muted:
            return
        if leg.tap is not None:
            self._copy(leg, payload, size, seq=seq, ts=ts, octet=octet, is_red=second & 0x7F == leg.red)
        peer = leg.peer
        if peer is None or peer.seal is None or peer.path is None:
            return
        if second & 0x7F == leg.red:
            size = self._renumber(payload, size, payload_type, peer_opus=leg.opus_out)
            if size < 0:
                self._drop(leg, _REFUSED)
                return
            payload_type = leg.opus_out if payload_type == PRIMARY_ONLY else payload_type
        source = leg.handle << 32 | leg.reception.ssrc
        if not peer.continuity.place(source, seq=seq, ts=ts, at_ns=now_ns):
            self._drop(leg, _REFUSED)
            return
        self._send(leg, peer, size, payload=payload, second=second & 0x80 | payload_type)

    def _send(self, leg: RelayLeg, peer: RelayLeg, size: int, *, payload: int, second: int) -> None:
        packet, continuity = self._packet, peer.continuity
        if continuity.starts:
            # A marker begins a talkspurt (RFC 7587): the receiver may re-adjust its delay.
            second |= 0x80
        rtp.FIXED.pack_into(packet, 0, packet[0], second, continuity.seq, continuity.ts, peer.spec.ssrc_out)
        sealed = peer.seal(size) if peer.seal is not None else -1
        if sealed < 0 or peer.path is None:
            self._drop(peer, _SEND_FAILED)
            return
        try:
            self._sendto(packet[:sealed], peer.path)
        except OSError:
            self._drop(peer, _SEND_FAILED)
            return
        peer.row[_RTP_OUT] += 1
        peer.row[_RTP_OUT_BYTES] += size - payload
        leg.row[_RTP_FORWARDED] += 1

    def _renumber(self, payload: int, size: int, payload_type: int, *, peer_opus: int) -> int:
        """Make a RED payload what the peer negotiated; the packet's new size, negative where it is not RED."""
        packet = self._packet
        end = self._unpadded(size)
        if payload_type != PRIMARY_ONLY:
            return size if red.renumber(packet, payload, end, peer_opus) else red.MALFORMED
        primary = red.primary_offset(packet, payload, end)
        if primary < 0:
            return primary
        packet[payload : payload + end - primary] = packet[primary:end]
        packet[0] &= ~0x20 & 0xFF
        return payload + end - primary

    def _unpadded(self, size: int) -> int:
        packet = self._packet
        return size - packet[size - 1] if packet[0] & 0x20 else size

    def _copy(
        self, leg: RelayLeg, payload: int, size: int, *, seq: int, ts: int, octet: int, is_red: bool
    ) -> None:
        end = self._unpadded(size)
        start = red.primary_offset(self._packet, payload, end) if is_red else payload
        if start < 0 or leg.tap is None:
            return
        leg.tap.put(
            TappedPacket(
                at_ns=leg.row[_RTP_LAST_NS],
                rtp_ts=ts,
                seq=seq,
                level_dbov=level_dbov(octet) if octet >= 0 else SILENCE_DBOV,
                opus=bytes(self._packet[start:end]),
            )
        )

    def _drop(self, leg: RelayLeg, reason: Reason) -> None:
        column, drop = reason
        leg.row[column] += 1
        self._drops[drop] += 1
