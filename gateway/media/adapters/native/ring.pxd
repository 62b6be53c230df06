"""Two rings of records in memory of fixed size.

A `Tap` keeps the newest packets of one leg: whoever writes makes room by dropping the oldest,
so both of its ends belong to the holder of the relay's lock. A `Queue` carries datagrams up to
the control plane without a lock: one thread writes, one reads, and a full one refuses.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from gateway.media.adapters.native.address cimport Address
from gateway.media.adapters.native.system cimport acquire

cdef enum:
    TAP_BYTES = 262_144        # 30 s of voice at twice the usual rate
    QUEUE_SLOTS = 4_096        # a power of two
    STRANGER_SLOTS = 1_024     # of them for checks from addresses that are nobody's
    DATAGRAM_BYTES = 2_048

cdef struct Frame:
    int64_t at_ns
    uint32_t rtp_ts
    uint16_t seq
    uint16_t length            # of the Opus payload that follows
    int64_t level_dbov

cdef struct Tap:
    uint32_t frames_max
    uint32_t frames            # in the ring now
    uint32_t head              # where the oldest begins
    uint32_t used              # bytes
    uint64_t overwritten
    uint8_t data[TAP_BYTES]

cdef struct Slot:
    int64_t leg
    int64_t at_ns
    Address address
    uint16_t kind
    uint16_t length
    uint8_t data[DATAGRAM_BYTES]

cdef struct Queue:
    uint64_t taken             # slots that were read, ever; written by the reader
    uint64_t shown             # slots that may be read; written by the writer
    uint64_t filled            # the writer's own count, ahead of `shown` until it shows them
    Slot slots[QUEUE_SLOTS]

cdef inline void copy_in(Tap *tap, uint32_t at, const void *data, uint32_t size) noexcept nogil:
    cdef uint32_t start = at % TAP_BYTES
    cdef uint32_t first = size if size <= TAP_BYTES - start else TAP_BYTES - start
    memcpy(tap.data + start, data, first)
    memcpy(tap.data, <const uint8_t *>data + first, size - first)

cdef inline void copy_out(const Tap *tap, uint32_t at, void *data, uint32_t size) noexcept nogil:
    cdef uint32_t start = at % TAP_BYTES
    cdef uint32_t first = size if size <= TAP_BYTES - start else TAP_BYTES - start
    memcpy(data, tap.data + start, first)
    memcpy(<uint8_t *>data + first, tap.data, size - first)

cdef inline void keep(Tap *tap, const Frame *frame, const uint8_t *opus) noexcept nogil:
    """Keep a packet, at the cost of the oldest where there is no room; no packet fills the ring alone."""
    cdef uint32_t size = sizeof(Frame) + frame.length
    cdef uint32_t gone
    cdef Frame oldest
    while tap.frames and (tap.frames >= tap.frames_max or tap.used + size > TAP_BYTES):
        copy_out(tap, tap.head, &oldest, sizeof(Frame))
        gone = sizeof(Frame) + oldest.length
        tap.head = (tap.head + gone) % TAP_BYTES
        tap.used -= gone
        tap.frames -= 1
        tap.overwritten += 1
    copy_in(tap, tap.head + tap.used, frame, sizeof(Frame))
    copy_in(tap, tap.head + tap.used + sizeof(Frame), opus, frame.length)
    tap.used += size
    tap.frames += 1

cdef inline bint admits_strangers(const Queue *queue) noexcept nogil:
    """Whether a check of a stranger may wait too; the rest of the room is for the legs' own datagrams."""
    return queue.filled - acquire(&queue.taken) < STRANGER_SLOTS

cdef inline Slot *free_slot(Queue *queue) noexcept nogil:
    """The slot to fill next, NULL where the reader is too far behind."""
    if queue.filled - acquire(&queue.taken) >= QUEUE_SLOTS:
        return NULL
    return &queue.slots[queue.filled % QUEUE_SLOTS]
