"""The thread's rhythm: read what waits, work on it, send it, wait for more.

While little comes every datagram is answered at once. While much comes the thread sleeps for a
millisecond between two batches, so that one wake-up serves many packets; no packet waits for longer.
"""

from libc.stdint cimport int64_t, uint64_t

from gateway.media.adapters.native cimport leg as at
from gateway.media.adapters.native.address cimport home_of, read_address, row_at
from gateway.media.adapters.native.core cimport BATCH, Core, drop, hold_for_batch, let_go, Outgoing, refuse
from gateway.media.adapters.native.leg cimport foresee, foresee_session, Leg
from gateway.media.adapters.native.passage cimport take_datagram
from gateway.media.adapters.native.ring cimport DATAGRAM_BYTES
from gateway.media.adapters.native.system cimport (
    acquire, add, EAGAIN, EBADF, EINTR, ENOTSOCK, exchange, last_error, MSG_DONTWAIT, now_ns, poll,
    POLLIN, pollfd, prefetch, recvmmsg, release, sendmmsg, sleep_ns, sockaddr_storage,
    wake_at_once, write,
)

cdef enum:
    NAP_NS = 1_000_000         # how long a datagram may wait for companions
    COMPANIONS = 4             # a nap is worth its latency where so many are expected to come in it
    SHARE = 8                  # how slowly the expectation follows: an eighth of the way with each batch
    EACH_NS_MAX = 100_000_000  # a silence counts as that long at most, so that it is soon forgotten

cdef inline void flush(Core *core) noexcept nogil:
    """Send the batch; what the kernel does not take is counted. The lock is held."""
    cdef unsigned int first = 0
    cdef unsigned int each
    cdef int sent
    cdef Outgoing *out
    while first < core.outgoing:
        sent = sendmmsg(core.fd, &core.outbox[first], core.outgoing - first, MSG_DONTWAIT)
        if sent < 0 and last_error() == EINTR:
            continue
        if sent <= 0:
            refuse(core, &core.legs[core.out[first].far], at.SEND_FAILED, at.DROP_SEND_FAILED)
            first += 1
            continue
        for each in range(first, first + <unsigned int>sent):
            out = &core.out[each]
            add(core.legs[out.near].cells + out.passed_cell, 1)
            if out.sent_cell != at.NONE:
                add(core.legs[out.far].cells + out.sent_cell, 1)
                add(core.legs[out.far].cells + out.sent_cell + 1, out.payload_bytes)
        first += sent
    core.outgoing = 0

cdef inline void show(Core *core) noexcept nogil:
    """Let the control plane see what was handed up, and wake it once."""
    cdef uint64_t one = 1
    if core.queue.shown == core.queue.filled:
        return
    release(&core.queue.shown, core.queue.filled)
    if not exchange(&core.is_told, 1):
        write(core.wake_fd, &one, sizeof(one))

cdef inline void look_ahead(Core *core, int count) noexcept nogil:
    """Find whose datagrams these are, and have their legs' memory brought while others are worked on.

    A leg speaks every 20 ms, so its memory is far away each time; waiting for it packet by packet is
    what most of a packet's time would go into.
    """
    cdef int each
    cdef const Leg *leg
    for each in range(count):
        read_address(&core.names[each], &core.senders[each])
        core.inbox[each].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
        prefetch(&core.table.places[home_of(&core.table, &core.senders[each])])
    for each in range(count):
        core.rows[each] = row_at(&core.table, &core.senders[each])
        if core.rows[each]:
            foresee(&core.legs[core.rows[each]])
    for each in range(count):
        leg = &core.legs[core.rows[each]]
        if leg.peer:
            prefetch(leg.opener)
            foresee(&core.legs[leg.peer])
    for each in range(count):
        leg = &core.legs[core.rows[each]]
        if leg.peer:
            prefetch(core.legs[leg.peer].sealer)
    for each in range(count):
        leg = &core.legs[core.rows[each]]
        if leg.peer:
            foresee_session(leg.opener)
            foresee_session(core.legs[leg.peer].sealer)

cdef inline int work(Core *core) noexcept nogil:
    """Take one batch; how many datagrams it was, negative for an error."""
    cdef int64_t at_ns
    cdef int each
    cdef int count = recvmmsg(core.fd, core.inbox, BATCH, MSG_DONTWAIT, NULL)
    if count <= 0:
        return count
    at_ns = now_ns()
    hold_for_batch(core)
    look_ahead(core, count)
    for each in range(count):
        take_datagram(
            core, core.slots[each], core.inbox[each].msg_len, &core.senders[each], core.rows[each], at_ns
        )
    flush(core)
    let_go(core)
    show(core)
    return count

cdef inline bint survives(Core *core) noexcept nogil:
    """Whether reading goes on after an error: it does unless the socket is gone."""
    cdef int error = last_error()
    if error == EBADF or error == ENOTSOCK:
        return False
    if error != EINTR:
        # An ICMP error of an earlier send; the next read tells whether more waits.
        drop(core, at.DROP_SEND_FAILED)
    return True

cdef inline void rest(Core *core, int64_t each_ns) noexcept nogil:
    """Wait for companions where enough of them are expected."""
    if each_ns > EACH_NS_MAX:
        each_ns = EACH_NS_MAX
    core.each_ns += (each_ns - core.each_ns) // SHARE
    if core.each_ns * COMPANIONS <= NAP_NS:
        sleep_ns(NAP_NS)

cdef inline void run_thread(Core *core) noexcept nogil:
    """Until `is_stopping`."""
    cdef pollfd waits[2]
    cdef int64_t before_ns = now_ns()
    cdef int64_t after_ns
    cdef int64_t taken = 0
    cdef int count
    wake_at_once()
    waits[0].fd, waits[1].fd = core.fd, core.stop_fd
    waits[0].events = waits[1].events = POLLIN
    while not acquire(&core.is_stopping):
        count = work(core)
        if count > 0:
            taken += count
            if count == BATCH:
                continue
            after_ns = now_ns()
            rest(core, (after_ns - before_ns) // taken)
            before_ns, taken = after_ns, 0
        elif count < 0 and last_error() != EAGAIN:
            if not survives(core):
                return
        else:
            poll(waits, 2, -1)
