"""What happens to one packet of video: `video_path.py` once more, without Python.

Nothing of it is counted as the leg's voice. A repair (RFC 4588) names the lost packet by its number, and
is sent on only where the peer was sent that number's like since the last break.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from gateway.media.adapters.native cimport leg as at
from gateway.media.adapters.native.core cimport Core, line_up, Outgoing, refuse, REPLAY_FAIL, REPLAY_OLD
from gateway.media.adapters.native.header cimport (
    MALFORMED, map_video_extensions, payload_offset, read_16, read_32, unpadded, write_16, write_32,
)
from gateway.media.adapters.native.leg cimport admits_video_source, EXTENSIONS, Leg, NONE, Video, VideoTrack
from gateway.media.adapters.native.stream cimport admits, Continuity, note, place, Reception, repairs, VIDEO
from gateway.media.adapters.native.system cimport add, put

cdef inline bint renumber_repair(Leg *leg, Leg *peer, uint8_t *packet, int size, int payload) noexcept nogil:
    """Make a repair name the packet as the peer knows it; False where the peer never got its like."""
    cdef const Continuity *stream = &peer.video.picture.continuity
    cdef uint16_t number
    if unpadded(packet, size) - payload < 2:
        # Padding that probes the bandwidth repairs nothing and names nothing.
        return True
    number = read_16(packet + payload)
    if not leg.video.picture.reception.is_begun:
        return False
    if not repairs(stream, leg.handle, leg.video.picture.reception.ssrc, number):
        return False
    write_16(packet + payload, <uint16_t>(number + stream.seq_offset))
    return True

cdef inline void send_video(
    Core *core, Leg *leg, Leg *peer, VideoTrack *track, VideoTrack *target, uint8_t *packet, int size, int payload
) noexcept nogil:
    """Write the receiver's numbers, protect, and put the packet into the batch on its way out."""
    cdef Continuity *stream = &target.continuity
    cdef bint is_repair = track == &leg.video.repair
    cdef int sealed = size
    cdef Outgoing *out
    if not is_repair:
        put(peer.cells + at.VIDEO_SEQ_OFFSET_OUT, stream.seq_offset)
        put(peer.cells + at.VIDEO_TS_OFFSET_OUT, stream.ts_offset)
    packet[1] = <uint8_t>(packet[1] & 0x80 | track.kind_out)
    write_16(packet + 2, stream.seq)
    write_32(packet + 4, stream.ts)
    write_32(packet + 8, target.ssrc_out)
    if core.protect(peer.sealer, packet, &sealed):
        refuse(core, peer, at.SEND_FAILED, at.DROP_SEND_FAILED)
        return
    out = line_up(core, leg, peer, packet, sealed)
    out.payload_bytes = size - payload
    out.sent_cell = NONE if is_repair else at.VIDEO_OUT
    out.passed_cell = at.VIDEO_FORWARDED

cdef inline void judge_video(
    Core *core, Leg *leg, VideoTrack *track, uint8_t *packet, int size, int payload, int64_t now_ns
) noexcept nogil:
    """What of an authentic packet the peer receives."""
    cdef Leg *peer
    cdef VideoTrack *target
    cdef bint is_repair = track == &leg.video.repair
    if not leg.peer or track.kind_out == NONE:
        return
    peer = &core.legs[leg.peer]
    map_video_extensions(packet, payload, leg.video.extension, leg.video.extension_out, EXTENSIONS)
    if peer.sealer == NULL or not peer.name_length:
        return
    if is_repair and not renumber_repair(leg, peer, packet, size, payload):
        return
    target = &peer.video.repair if is_repair else &peer.video.picture
    if not place(
        &target.continuity, leg.handle, track.reception.ssrc, read_16(packet + 2), read_32(packet + 4), now_ns, VIDEO
    ):
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
        return
    send_video(core, leg, peer, track, target, packet, size, payload)

cdef inline void count_video(Leg *leg, VideoTrack *track, int length, const uint8_t *packet, int64_t now_ns) noexcept nogil:
    """An authentic packet came."""
    cdef Reception *of = &track.reception
    cdef int64_t *cells = leg.cells
    cdef uint32_t ssrc = read_32(packet + 8)
    add(cells + at.VIDEO_IN, 1)
    add(cells + at.VIDEO_IN_BYTES, length)
    put(cells + at.VIDEO_LAST_NS, now_ns)
    if of.is_begun and ssrc != of.ssrc:
        track.retired[track.retired_count] = of.ssrc
        track.retired_count += 1
    note(of, ssrc, read_16(packet + 2), read_32(packet + 4), now_ns, VIDEO)
    if track == &leg.video.picture:
        put(cells + at.VIDEO_SSRC_IN, of.ssrc)
        put(cells + at.VIDEO_HIGHEST_EXT, of.high_ext & 0xFFFFFFFFLL)
        put(cells + at.VIDEO_EXPECTED, of.high_ext - of.base_ext + 1)
        put(cells + at.VIDEO_RECEIVED, of.received)
        put(cells + at.VIDEO_JITTER, of.jitter_16 >> 4)

cdef inline void take_video(Core *core, Leg *leg, uint8_t *packet, int length, int64_t now_ns) noexcept nogil:
    """Take a packet of video or of its repairs from the leg's path."""
    cdef Video *video = &leg.video
    cdef VideoTrack *track = &video.repair if packet[1] & 0x7F == video.repair.kind else &video.picture
    cdef uint32_t ssrc = read_32(packet + 8)
    cdef int size = length
    cdef int status, payload
    if (not track.reception.is_begun or ssrc != track.reception.ssrc) and not admits_video_source(track, ssrc):
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
        return
    status = core.unprotect(leg.opener, packet, &size)
    if status == REPLAY_FAIL or status == REPLAY_OLD:
        refuse(core, leg, at.REPLAYED, at.DROP_REPLAYED)
        return
    if status:
        refuse(core, leg, at.BAD_TAG, at.DROP_BAD_TAG)
        return
    count_video(leg, track, length, packet, now_ns)
    payload = payload_offset(packet, size)
    if payload == MALFORMED:
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
    elif not admits(&video.throttle, now_ns, length):
        refuse(core, leg, at.THROTTLED, at.DROP_THROTTLED)
    else:
        judge_video(core, leg, track, packet, size, payload, now_ns)
