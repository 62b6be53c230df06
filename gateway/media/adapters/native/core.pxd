"""Everything one relay thread works on; all of it is allocated once, when the relay is made.

The lock is held by whoever reads or writes legs, table, taps or the batch on its way out. The
thread lets go of it between batches, so a change waits for one batch at most, and when the
change returns no packet is under way that did not know of it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from gateway.media.adapters.native.address cimport Address, Table
from gateway.media.adapters.native.leg cimport COLUMNS, Leg
from gateway.media.adapters.native.ring cimport DATAGRAM_BYTES, Queue
from gateway.media.adapters.native.system cimport (
    acquire, add, iovec, mmsghdr, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
    sched_yield, sockaddr_storage, step,
)

cdef enum:
    ROWS = 4096
    BATCH = 64                 # datagrams read at once
    SLOT_BYTES = 2_240         # a datagram, one byte more, what libsrtp may append, in whole cache lines
    TRAILER_BYTES = 144        # SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN
    REPLAY_FAIL = 9            # srtp_err_status_replay_fail
    REPLAY_OLD = 10            # srtp_err_status_replay_old
    TURNS_AT_LOCK = 100        # how often the thread gives way to a waiting change before it goes on

ctypedef int (*Cipher)(void *context, void *packet, int *length) noexcept nogil

cdef struct Outgoing:
    uint32_t near              # row of the leg whose packet it is
    uint32_t far               # row of the leg it goes to
    int64_t payload_bytes
    int sent_cell              # where it is counted for the leg it goes to, NONE for a repair
    int passed_cell            # and for the leg whose it is; bytes are in the cell after the first

cdef struct Core:
    int fd
    int wake_fd                # tells the event loop that control datagrams wait
    int stop_fd                # tells the thread to end
    Cipher unprotect
    Cipher protect
    int64_t *cells             # the counters, one row after the other
    pthread_mutex_t lock
    uint64_t waiting           # changes that wait for the lock
    uint64_t is_told           # whether the event loop was woken and has not come yet
    uint64_t is_stopping
    uint32_t outgoing
    int64_t each_ns            # between two datagrams, smoothed
    Outgoing out[BATCH]
    mmsghdr outbox[BATCH]
    iovec out_parts[BATCH]
    mmsghdr inbox[BATCH]
    iovec in_parts[BATCH]
    sockaddr_storage names[BATCH]
    Address senders[BATCH]
    uint32_t rows[BATCH]       # of the legs that hold those addresses, 0 for strangers
    Table table
    Leg legs[ROWS]
    Queue queue
    uint8_t slots[BATCH][SLOT_BYTES]

cdef inline void drop(Core *core, int reason) noexcept nogil:
    """Count a datagram of nobody."""
    add(core.cells + reason, 1)

cdef inline void refuse(Core *core, Leg *leg, int cell, int reason) noexcept nogil:
    """Count a packet of a leg, in its row and in the relay's."""
    add(leg.cells + cell, 1)
    add(core.cells + reason, 1)

cdef inline void hold(Core *core) noexcept nogil:
    """Take the lock for a change."""
    step(&core.waiting, 1)
    pthread_mutex_lock(&core.lock)
    step(&core.waiting, -1)

cdef inline void hold_for_batch(Core *core) noexcept nogil:
    """Take the lock for a batch, after the changes that wait: a busy thread must not shut them out."""
    cdef int turn
    for turn in range(TURNS_AT_LOCK):
        if not acquire(&core.waiting):
            break
        sched_yield()
    pthread_mutex_lock(&core.lock)

cdef inline void let_go(Core *core) noexcept nogil:
    pthread_mutex_unlock(&core.lock)

cdef inline Outgoing *line_up(Core *core, const Leg *near, Leg *far, uint8_t *packet, int length) noexcept nogil:
    """Put a protected packet of `near` into the batch on its way to `far`; what it counts as is still to be said."""
    cdef mmsghdr *message = &core.outbox[core.outgoing]
    cdef Outgoing *out = &core.out[core.outgoing]
    core.out_parts[core.outgoing].iov_base = packet
    core.out_parts[core.outgoing].iov_len = length
    message.msg_hdr.msg_name = &far.name
    message.msg_hdr.msg_namelen = far.name_length
    out.near, out.far = near.row, far.row
    core.outgoing += 1
    return out
