"""What arrived of a leg, where the stream to it stands, and how fast it may send.

`gateway/media/reception.py`, `continuity.py` and `throttle.py` once more: the same integers after
the same packets. Numbers on a circle are unsigned, so that nothing overflows.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t

cdef enum Rhythm:              # timestamp units in a millisecond: what a stream carries
    VOICE = 48
    VIDEO = 90

cdef enum:
    FRAME_UNITS = 960
    VIDEO_FRAME_UNITS = 3_000
    BREAK_LEAVES_OUT = 1       # sequence numbers, of video

cdef struct Reception:
    bint is_begun
    uint32_t ssrc
    int64_t span
    int64_t span_before
    int64_t base_ext
    int64_t high_ext
    int64_t received
    int64_t jitter_16
    uint32_t transit
    uint32_t ts_first

cdef struct Continuity:
    bint is_begun
    bint is_broken
    int64_t source_leg
    uint32_t source_ssrc
    uint16_t seq_offset
    uint16_t floor
    uint16_t high
    uint32_t ts_high
    int64_t at_ns
    uint32_t ts_offset
    uint16_t seq       # of the packet placed last
    uint32_t ts        # its timestamp
    bint starts        # whether it is the first after a break

cdef struct Throttle:
    int64_t step_ns
    int64_t burst_ns
    int64_t due_at_ns

cdef inline int64_t units(int64_t ns, Rhythm of) noexcept nogil:
    """Whole timestamp units in a length of time; exact, and far from overflow."""
    return ns // 1_000_000 * of + ns % 1_000_000 * of // 1_000_000

cdef inline void note(
    Reception *of, uint32_t ssrc, uint16_t seq, uint32_t ts, int64_t at_ns, Rhythm rhythm
) noexcept nogil:
    """Count one packet (RFC 3550 A.1, A.3, A.8)."""
    cdef uint32_t transit = <uint32_t>units(at_ns, rhythm) - ts
    cdef uint16_t ahead
    cdef int64_t span, late
    if not of.is_begun or ssrc != of.ssrc:
        of.is_begun = True
        of.ssrc = ssrc
        of.base_ext = of.high_ext = seq
        of.received = 1
        of.jitter_16 = 0
        of.transit = transit
        of.ts_first = ts
        of.span_before = of.span
        return
    of.received += 1
    ahead = <uint16_t>(seq - <uint16_t>(of.high_ext & 0xFFFF))
    if ahead < 0x8000:
        of.high_ext += ahead
    span = of.span_before + <uint32_t>(ts - of.ts_first)
    if of.span < span < of.span + 0x80000000LL:
        of.span = span
    late = <int64_t><uint32_t>(transit - of.transit + <uint32_t>0x80000000) - 0x80000000LL
    of.transit = transit
    of.jitter_16 += (late if late >= 0 else -late) - ((of.jitter_16 + 8) >> 4)

cdef inline void join(
    Continuity *of, int64_t leg, uint32_t ssrc, uint16_t seq, uint32_t ts, int64_t at_ns, Rhythm rhythm
) noexcept nogil:
    cdef bint is_same = of.is_begun and of.source_leg == leg and of.source_ssrc == ssrc
    cdef int64_t frame = VIDEO_FRAME_UNITS if rhythm == VIDEO else FRAME_UNITS
    cdef int left_out = BREAK_LEAVES_OUT if rhythm == VIDEO else 0
    cdef int64_t elapsed
    if of.is_begun:
        of.seq_offset = <uint16_t>(of.high + of.seq_offset + 1 + left_out - seq)
        if not is_same:
            elapsed = units(at_ns - of.at_ns, rhythm)
            of.ts_offset = of.ts_high + <uint32_t>(elapsed if elapsed > frame else frame) - ts
    of.is_begun = True
    of.is_broken = False
    of.source_leg = leg
    of.source_ssrc = ssrc
    of.floor = of.high = seq
    of.starts = True

cdef inline bint repairs(const Continuity *of, int64_t leg, uint32_t ssrc, uint16_t seq) noexcept nogil:
    """Whether that number of the source was, or may have been, placed since the last break."""
    if of.is_broken or not of.is_begun or of.source_leg != leg or of.source_ssrc != ssrc:
        return False
    return <uint16_t>(seq - of.floor) < 0x8000

cdef inline bint place(
    Continuity *of, int64_t leg, uint32_t ssrc, uint16_t seq, uint32_t ts, int64_t at_ns, Rhythm rhythm
) noexcept nogil:
    """Set `seq` and `ts` for the next packet of a source; False where it must not be sent."""
    of.starts = False
    if of.is_broken or not of.is_begun or of.source_leg != leg or of.source_ssrc != ssrc:
        join(of, leg, ssrc, seq, ts, at_ns, rhythm)
    if <uint16_t>(seq - of.high) < 0x8000:
        of.high = seq
        of.at_ns = at_ns
        of.ts_high = ts + of.ts_offset
        if <uint16_t>(seq - of.floor) > 0x4000:
            # The floor follows at a distance, so that it never ends up ahead on the circle.
            of.floor = <uint16_t>(seq - 0x2000)
    elif <uint16_t>(seq - of.floor) >= 0x8000:
        return False
    of.seq = <uint16_t>(seq + of.seq_offset)
    of.ts = ts + of.ts_offset
    return True

cdef inline bint admits(Throttle *of, int64_t now_ns, int64_t cost) noexcept nogil:
    """Whether one more packet, of so many units, fits now (ITU-T I.371 annex A)."""
    cdef int64_t step_ns = of.step_ns * cost
    if of.due_at_ns <= now_ns:
        of.due_at_ns = now_ns + step_ns
        return True
    if of.due_at_ns - now_ns + step_ns > of.burst_ns:
        return False
    of.due_at_ns += step_ns
    return True
