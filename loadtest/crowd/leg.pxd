"""One leg of the crowd: what it says next, and how an arriving packet finds its sending time.

Packets are told by sequence number once one was recognised by its payload, because a relay may shift
sequence numbers but not the order. Where a relay begins a new stretch, the next payload tells the shift anew.
Times stand in a side table, never in the packet.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

from gateway.media.adapters.native.system cimport sockaddr_in

cdef enum:
    LEGS = 2048
    RING = 1024                # packets that may be under way: 20 s
    BEAT_NS = 20_000_000
    BEAT_UNITS = 960           # of 48 kHz
    QUIET_BEATS = 20           # between two frames of a silence: 400 ms (RFC 7587 section 3.1.3)
    TALK_BEATS_MAX = 150       # spurts are even between none and so many: 1.5 s on average
    HUSH_BEATS_MAX = 200
    PARTS = 1_000_000          # losses are so many parts in

cdef struct Sent:
    int64_t at_ns              # 0 where its arrival is not waited for
    uint32_t place             # of its payload in the recording
    uint16_t sequence
    uint16_t is_used

cdef struct Leg:
    uint32_t is_known
    uint32_t other             # whom it talks with
    uint32_t source            # its address, network order
    sockaddr_in far            # the gateway's
    void *opener               # libsrtp's sessions
    void *sealer
    uint32_t is_speaking
    uint32_t is_dead
    uint32_t is_between        # it has left one address and was not heard from at the next
    uint32_t is_talking        # in a spurt; always where silences are spoken
    uint32_t ssrc
    uint32_t first_timestamp
    uint16_t sequence          # of the next packet
    uint32_t place             # of the next payload
    int64_t base_ns            # when beat 0 was
    int64_t beat               # the next
    int64_t spurt_until        # a beat
    uint64_t random
    uint32_t is_recognised
    uint16_t shift             # of the sequence numbers that come from `other`
    int64_t sent
    int64_t delivered          # of those that this leg sent, at the other end
    int64_t withheld           # lost on purpose
    int64_t received
    int64_t bad
    int64_t unknown
    int64_t heard_at_ns
    int64_t heard_last_ns
    int64_t sent_last_ns
    int64_t roamed_at_ns
    int64_t roamed_heard_ns    # how long it took to be heard from again
    Sent ring[RING]

cdef struct Recording:
    uint32_t count             # the last place is a frame of silence
    uint32_t extension_bytes
    uint32_t *offsets
    uint32_t *lengths
    uint8_t *tails

cdef inline uint64_t draw(Leg *leg) noexcept nogil:
    """The leg's next random number (xorshift64)."""
    leg.random ^= leg.random << 13
    leg.random ^= leg.random >> 7
    leg.random ^= leg.random << 17
    return leg.random

cdef inline void step_on(Leg *leg, bint has_silences) noexcept nogil:
    """Which beat the leg speaks at next."""
    if not has_silences:
        leg.beat += 1
        return
    if leg.beat >= leg.spurt_until:
        leg.is_talking = not leg.is_talking
        leg.spurt_until = leg.beat + 1 + <int64_t>(draw(leg) % (TALK_BEATS_MAX if leg.is_talking else HUSH_BEATS_MAX))
    leg.beat += 1 if leg.is_talking else QUIET_BEATS

cdef inline void note_sent(Leg *leg, uint32_t place, int64_t at_ns, bint is_counted) noexcept nogil:
    """A packet with `leg.sequence` leaves."""
    cdef Sent *sent = &leg.ring[leg.sequence % RING]
    sent.at_ns = at_ns if is_counted else 0
    sent.place = place
    sent.sequence = leg.sequence
    sent.is_used = 1
    leg.sent += is_counted

cdef inline void forget_sent(Leg *leg) noexcept nogil:
    """What is under way can no longer arrive, and is not missed."""
    cdef int each
    for each in range(RING):
        if leg.ring[each].at_ns:
            leg.ring[each].at_ns = 0
            leg.sent -= 1

cdef inline bint is_payload(const Recording *recording, uint32_t place, const uint8_t *data, uint32_t length) noexcept nogil:
    cdef uint32_t head = recording.extension_bytes
    return recording.lengths[place] - head == length and not memcmp(
        recording.tails + recording.offsets[place] + head, data, length
    )

cdef inline uint32_t payload_at(const uint8_t *packet, uint32_t length) noexcept nogil:
    """Where the payload begins; `length` where there is none."""
    cdef uint32_t at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10 and at + 4 <= length:
        at += 4 + 4 * ((packet[at + 2] << 8) | packet[at + 3])
    return at if at < length else length

cdef inline Sent *recognised(
    Leg *hearer, Leg *speaker, const Recording *recording, const uint8_t *packet, uint32_t length
) noexcept nogil:
    """Which packet of the other leg this is; NULL where it is none of the last twenty seconds."""
    cdef uint16_t sequence = (packet[2] << 8) | packet[3]
    cdef uint16_t original = sequence - hearer.shift
    cdef Sent *sent = &speaker.ring[original % RING]
    cdef uint32_t at = payload_at(packet, length)
    cdef uint32_t back
    if hearer.is_recognised and sent.is_used and sent.sequence == original and is_payload(
        recording, sent.place, packet + at, length - at
    ):
        return sent
    for back in range(1, RING):
        original = speaker.sequence - <uint16_t>back
        sent = &speaker.ring[original % RING]
        # Every frame of silence is the same: the latest packet alone may be taken for one.
        if sent.is_used and sent.sequence == original and (back == 1 or sent.place + 1 < recording.count) and is_payload(
            recording, sent.place, packet + at, length - at
        ):
            hearer.is_recognised, hearer.shift = 1, sequence - original
            return sent
    return NULL
