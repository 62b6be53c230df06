# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The floor: a forwarder that reads, looks up where a datagram goes, and sends.

Decides nothing else: no key, no header, no count. It has the rhythm, the batches and the table of the
native relay, so that what the relay costs beyond it is what the relay does beyond it.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy

from gateway.media.adapters.native.address cimport Address, enter, read_address, row_at, Table, write_address
from gateway.media.adapters.native.system cimport (
    iovec, mmsghdr, MSG_DONTWAIT, now_ns, poll, POLLIN, pollfd, recvmmsg, sendmmsg, sleep_ns, sockaddr_storage,
)
from gateway.media.adapters.native.thread cimport COMPANIONS, EACH_NS_MAX, NAP_NS, SHARE

cdef enum:
    BATCH = 64
    BYTES = 2_240
    ROUTES = 4_096

cdef struct Floor:
    Table table
    uint32_t count
    sockaddr_storage targets[ROUTES]
    uint32_t lengths[ROUTES]
    mmsghdr inbox[BATCH]
    mmsghdr outbox[BATCH]
    iovec in_parts[BATCH]
    iovec out_parts[BATCH]
    sockaddr_storage names[BATCH]
    unsigned char slots[BATCH][BYTES]


cdef class Forwarder:
    """Sends what comes from one packed address to another; runs until the process ends."""

    cdef Floor *floor

    def __cinit__(self):
        self.floor = <Floor *>calloc(1, sizeof(Floor))
        for each in range(BATCH):
            self.floor.in_parts[each].iov_base = self.floor.slots[each]
            self.floor.in_parts[each].iov_len = BYTES
            self.floor.inbox[each].msg_hdr.msg_iov = &self.floor.in_parts[each]
            self.floor.inbox[each].msg_hdr.msg_iovlen = 1
            self.floor.inbox[each].msg_hdr.msg_name = &self.floor.names[each]
            self.floor.inbox[each].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
            self.floor.outbox[each].msg_hdr.msg_iov = &self.floor.out_parts[each]
            self.floor.outbox[each].msg_hdr.msg_iovlen = 1

    def route(self, bytes source, bytes target):
        """Datagrams from `source` go to `target`."""
        cdef Address address
        assert self.floor.count + 1 < ROUTES
        self.floor.count += 1
        memcpy(&address, PyBytes_AS_STRING(source), sizeof(Address))
        enter(&self.floor.table, &address, self.floor.count)
        memcpy(&address, PyBytes_AS_STRING(target), sizeof(Address))
        self.floor.lengths[self.floor.count] = write_address(&address, &self.floor.targets[self.floor.count])

    def run(self, int fd):
        """For ever, without the GIL."""
        with nogil:
            forward(self.floor, fd)


cdef int work(Floor *floor, int fd) noexcept nogil:
    cdef Address address
    cdef uint32_t route
    cdef int each
    cdef int outgoing = 0
    cdef int sent = 0
    cdef int now
    cdef int count = recvmmsg(fd, floor.inbox, BATCH, MSG_DONTWAIT, NULL)
    for each in range(count):
        read_address(&floor.names[each], &address)
        floor.inbox[each].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
        route = row_at(&floor.table, &address)
        if route:
            floor.out_parts[outgoing].iov_base = floor.slots[each]
            floor.out_parts[outgoing].iov_len = floor.inbox[each].msg_len
            floor.outbox[outgoing].msg_hdr.msg_name = &floor.targets[route]
            floor.outbox[outgoing].msg_hdr.msg_namelen = floor.lengths[route]
            outgoing += 1
    while sent < outgoing:
        now = sendmmsg(fd, &floor.outbox[sent], outgoing - sent, MSG_DONTWAIT)
        sent += now if now > 0 else 1
    return count


cdef void forward(Floor *floor, int fd) noexcept nogil:
    cdef pollfd waits
    cdef int64_t each_ns = NAP_NS
    cdef int64_t before_ns = now_ns()
    cdef int64_t taken = 0
    cdef int64_t passed_ns
    cdef int count
    waits.fd, waits.events = fd, POLLIN
    while True:
        count = work(floor, fd)
        if count == BATCH:
            taken += count
        elif count > 0:
            passed_ns = (now_ns() - before_ns) // (taken + count)
            each_ns += ((passed_ns if passed_ns < EACH_NS_MAX else EACH_NS_MAX) - each_ns) // SHARE
            before_ns, taken = now_ns(), 0
            if each_ns * COMPANIONS <= NAP_NS:
                sleep_ns(NAP_NS)
        else:
            poll(&waits, 1, -1)
