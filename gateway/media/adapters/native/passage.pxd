"""What happens to one datagram: `relay_python.py` and `packet_path.py` once more, without Python.

Nothing is counted as heard before it authenticated, and nothing is sent for a leg that is muted or
unlinked. A packet is worked on in the slot that the kernel filled, and leaves from there.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memmove

from gateway.media.adapters.native cimport leg as at
from gateway.media.adapters.native.address cimport Address
from gateway.media.adapters.native.core cimport Core, drop, line_up, Outgoing, refuse, REPLAY_FAIL, REPLAY_OLD
from gateway.media.adapters.native.header cimport (
    MALFORMED, map_extensions, payload_offset, primary_offset, read_16, read_32, renumber_red, unpadded, write_16,
    write_32,
)
from gateway.media.adapters.native.leg cimport admits_source, Leg, PRIMARY_ONLY
from gateway.media.adapters.native.ring cimport admits_strangers, DATAGRAM_BYTES, Frame, free_slot, keep, Slot
from gateway.media.adapters.native.stream cimport admits, Continuity, note, place, Reception, VOICE
from gateway.media.adapters.native.system cimport add, iovec, mmsghdr, put
from gateway.media.adapters.native.video cimport take_video

cdef enum Kind:                # gateway/media/demux.py
    NOISE = 0
    STUN
    DTLS
    RTP
    RTCP
    HEARD

cdef enum:
    DATAGRAM_BYTES_MIN = 12
    SILENCE_DBOV = -127

cdef inline Kind kind_of(const uint8_t *data) noexcept nogil:
    """By the first two bytes (RFC 7983, RFC 5761)."""
    if data[0] < 4:
        return STUN
    if 20 <= data[0] < 64:
        return DTLS
    if 128 <= data[0] < 192:
        return RTCP if 192 <= data[1] <= 223 else RTP
    return NOISE

cdef inline void hand_up(
    Core *core, Kind kind, const Leg *leg, const uint8_t *data, int length, const Address *address, int64_t now_ns
) noexcept nogil:
    """Put something into the control plane's queue; it is shown when the batch is done."""
    cdef Slot *slot = free_slot(&core.queue)
    if slot == NULL:
        drop(core, at.DROP_CONTROL_FULL)
        return
    slot.leg = leg.handle if leg != NULL else 0
    slot.at_ns = now_ns
    slot.address = address[0]
    slot.kind = kind
    slot.length = length
    memcpy(slot.data, data, length)
    core.queue.filled += 1

cdef inline void send_on(
    Core *core, Leg *leg, Leg *peer, uint8_t *packet, int size, int payload, int second
) noexcept nogil:
    """Write the receiver's numbers, protect, and put the packet into the batch on its way out."""
    cdef Continuity *stream = &peer.continuity
    cdef int sealed = size
    cdef Outgoing *out
    put(peer.cells + at.TS_OFFSET_OUT, stream.ts_offset)
    # A marker begins a talkspurt (RFC 7587): the receiver may re-adjust its delay.
    packet[1] = <uint8_t>(second | 0x80 if stream.starts else second)
    write_16(packet + 2, stream.seq)
    write_32(packet + 4, stream.ts)
    write_32(packet + 8, peer.ssrc_out)
    if core.protect(peer.sealer, packet, &sealed):
        refuse(core, peer, at.SEND_FAILED, at.DROP_SEND_FAILED)
        return
    out = line_up(core, leg, peer, packet, sealed)
    out.payload_bytes = size - payload
    out.sent_cell = at.RTP_OUT
    out.passed_cell = at.RTP_FORWARDED

cdef inline void copy_to_tap(
    Leg *leg, const uint8_t *packet, int payload, int size, uint16_t seq, uint32_t ts, int octet, bint is_red,
    int64_t now_ns,
) noexcept nogil:
    cdef int end = unpadded(packet, size)
    cdef int start = primary_offset(packet, payload, end) if is_red else payload
    cdef Frame frame
    if start == MALFORMED:
        return
    frame.at_ns = now_ns
    frame.rtp_ts = ts
    frame.seq = seq
    frame.length = end - start
    frame.level_dbov = -(octet & 0x7F) if octet >= 0 else SILENCE_DBOV
    keep(leg.tap, &frame, packet + start)

cdef inline int strip_red(uint8_t *packet, int payload, int size) noexcept nogil:
    """Leave the primary frame alone; the new size, MALFORMED where it is not RED."""
    cdef int end = unpadded(packet, size)
    cdef int primary = primary_offset(packet, payload, end)
    if primary == MALFORMED:
        return MALFORMED
    memmove(packet + payload, packet + primary, end - primary)
    packet[0] &= 0xDF
    return payload + end - primary

cdef inline void judge(
    Core *core, Leg *leg, uint8_t *packet, int size, uint16_t seq, uint32_t ts, int64_t now_ns
) noexcept nogil:
    """What of an authentic packet the peer receives."""
    cdef int second = packet[1]
    cdef int kind = second & 0x7F
    cdef bint is_red = kind == leg.red
    cdef int payload = payload_offset(packet, size)
    cdef int octet, kind_out
    cdef Leg *peer
    if payload == MALFORMED or not (is_red or kind == leg.opus):
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
        return
    if not admits(&leg.throttle, now_ns, 1):
        refuse(core, leg, at.THROTTLED, at.DROP_THROTTLED)
        return
    octet = map_extensions(packet, payload, leg.level_in, leg.level_out)
    if octet >= 0:
        put(leg.cells + at.LEVEL_LAST, -(octet & 0x7F))
        add(leg.cells + at.LEVEL_0 + ((octet & 0x7F) >> 4), 1)
    if leg.is_muted:
        return
    if leg.tap != NULL:
        copy_to_tap(leg, packet, payload, size, seq, ts, octet, is_red, now_ns)
    if not leg.peer:
        return
    peer = &core.legs[leg.peer]
    if peer.sealer == NULL or not peer.name_length:
        return
    kind_out = leg.opus_out
    if is_red and leg.red_out == PRIMARY_ONLY:
        size = strip_red(packet, payload, size)
    elif is_red:
        kind_out = leg.red_out
        if not renumber_red(packet, payload, unpadded(packet, size), leg.opus_out):
            size = MALFORMED
    if size == MALFORMED or not place(
        &peer.continuity, leg.handle, leg.reception.ssrc, seq, ts, now_ns, VOICE
    ):
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
        return
    send_on(core, leg, peer, packet, size, payload, second & 0x80 | kind_out)

cdef inline void count(Leg *leg, int length, uint32_t ssrc, uint16_t seq, uint32_t ts, int64_t now_ns) noexcept nogil:
    """An authentic packet came."""
    cdef Reception *of = &leg.reception
    cdef int64_t *cells = leg.cells
    add(cells + at.RTP_IN, 1)
    add(cells + at.RTP_IN_BYTES, length)
    put(cells + at.RTP_LAST_NS, now_ns)
    if of.is_begun and ssrc != of.ssrc:
        leg.retired[leg.retired_count] = of.ssrc
        leg.retired_count += 1
    note(of, ssrc, seq, ts, now_ns, VOICE)
    put(cells + at.SSRC_IN, of.ssrc)
    put(cells + at.RTP_SPAN, of.span)
    put(cells + at.HIGHEST_EXT, of.high_ext & 0xFFFFFFFFLL)
    put(cells + at.EXPECTED, of.high_ext - of.base_ext + 1)
    put(cells + at.RECEIVED, of.received)
    put(cells + at.JITTER, of.jitter_16 >> 4)

cdef inline void take_rtp(
    Core *core, Leg *leg, uint8_t *packet, int length, const Address *address, int64_t now_ns
) noexcept nogil:
    """Take an RTP packet from the leg's path."""
    cdef uint16_t seq = read_16(packet + 2)
    cdef uint32_t ts = read_32(packet + 4)
    cdef uint32_t ssrc = read_32(packet + 8)
    cdef int size = length
    cdef int status
    if leg.opener == NULL:
        drop(core, at.DROP_UNKEYED)
        return
    if leg.has_video and (packet[1] & 0x7F in (leg.video.picture.kind, leg.video.repair.kind)):
        take_video(core, leg, packet, length, now_ns)
        return
    if (not leg.reception.is_begun or ssrc != leg.reception.ssrc) and not admits_source(leg, ssrc):
        refuse(core, leg, at.REFUSED, at.DROP_REFUSED)
        return
    status = core.unprotect(leg.opener, packet, &size)
    if status == REPLAY_FAIL or status == REPLAY_OLD:
        refuse(core, leg, at.REPLAYED, at.DROP_REPLAYED)
        return
    if status:
        refuse(core, leg, at.BAD_TAG, at.DROP_BAD_TAG)
        return
    if not leg.is_heard:
        put(leg.cells + at.RTP_FIRST_NS, now_ns)
    count(leg, length, ssrc, seq, ts, now_ns)
    judge(core, leg, packet, size, seq, ts, now_ns)
    if not leg.is_heard:
        leg.is_heard = True
        hand_up(core, HEARD, leg, packet, 0, address, now_ns)

cdef inline void take_datagram(
    Core *core, uint8_t *data, int length, const Address *address, uint32_t row, int64_t now_ns
) noexcept nogil:
    """Decide where a datagram goes that came from the leg in `row`, or from a stranger; the lock is held."""
    cdef Kind kind
    if not DATAGRAM_BYTES_MIN <= length <= DATAGRAM_BYTES:
        drop(core, at.DROP_OVERSIZED if length > DATAGRAM_BYTES else at.DROP_SHORT)
        return
    kind = kind_of(data)
    if kind == NOISE:
        drop(core, at.DROP_NOISE)
        return
    if kind == STUN:
        if not row and not admits_strangers(&core.queue):
            drop(core, at.DROP_CONTROL_FULL)
            return
        hand_up(core, kind, NULL, data, length, address, now_ns)
        return
    if not row:
        drop(
            core,
            at.DROP_STRANGER_RTP if kind == RTP
            else at.DROP_STRANGER_DTLS if kind == DTLS
            else at.DROP_STRANGER_RTCP,
        )
    elif kind == RTP:
        take_rtp(core, &core.legs[row], data, length, address, now_ns)
    else:
        hand_up(core, kind, &core.legs[row], data, length, address, now_ns)
