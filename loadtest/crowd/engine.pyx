# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The crowd's thread: every leg's next 20 ms on time, and whatever comes read, opened and recognised.

Decides when a leg speaks and what is counted; what a packet looks like and how it is recognised is in
`leg.pxd`. STUN, DTLS and RTCP go up to Python, and so does the first packet that a leg hears.
Sessions of libsrtp are handed in as addresses; whoever made them keeps them until `remove` has returned.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from gateway.media.adapters.native.core cimport Cipher
from gateway.media.adapters.native.system cimport (
    acquire, AF_INET, close, EFD_CLOEXEC, EFD_NONBLOCK, eventfd, exchange, now_ns, pthread_mutex_destroy,
    pthread_mutex_init, pthread_mutex_lock, pthread_mutex_unlock, read, release,
)
from loadtest.crowd.leg cimport BEAT_NS, draw, forget_sent, Leg, LEGS, Recording
from loadtest.crowd.system cimport breathe, give_way, NEVER, thread_ns
from loadtest.crowd.thread cimport BATCH, BUCKET_NS, BUCKETS, Core, run_thread, Waiting, WAITING


cdef class Engine:
    """One socket's thread.

    Args:
        fd: a UDP socket bound to every address, with IP_PKTINFO.
        tails: header extension and payload of each 20 ms; the last is a frame of silence.
        extension_bytes: how much of each is the extension.
        unprotect, protect: addresses of libsrtp's functions.
    """

    cdef Core *core

    def __cinit__(
        self, int fd, list tails, *, uint32_t extension_bytes, uintptr_t unprotect, uintptr_t protect
    ):
        self.core = <Core *>calloc(1, sizeof(Core))
        if self.core == NULL:
            raise MemoryError
        pthread_mutex_init(&self.core.lock, NULL)
        self.core.fd = fd
        self.core.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if self.core.wake_fd < 0:
            raise OSError("no descriptor left for the crowd's thread")
        self.core.unprotect, self.core.protect = <Cipher>unprotect, <Cipher>protect
        self._record(tails, extension_bytes)
        for each in range(LEGS):
            self.core.due_ns[each] = NEVER
        for each in range(BATCH):
            self.core.in_parts[each].iov_base = self.core.in_slots[each]
            self.core.in_parts[each].iov_len = 2048
            self.core.inbox[each].msg_hdr.msg_iov = &self.core.in_parts[each]
            self.core.inbox[each].msg_hdr.msg_iovlen = 1
            self.core.out_parts[each].iov_base = self.core.out_slots[each]
            self.core.outbox[each].msg_hdr.msg_iov = &self.core.out_parts[each]
            self.core.outbox[each].msg_hdr.msg_iovlen = 1

    def __dealloc__(self):
        if self.core == NULL:
            return
        if self.core.wake_fd > 0:
            close(self.core.wake_fd)
        pthread_mutex_destroy(&self.core.lock)
        free(self.core.recording.offsets)
        free(self.core.recording.lengths)
        free(self.core.recording.tails)
        free(self.core)

    cdef _record(self, list tails, uint32_t extension_bytes):
        cdef Recording *recording = &self.core.recording
        cdef uint32_t at = 0
        whole = b"".join(tails)
        recording.count, recording.extension_bytes = len(tails), extension_bytes
        recording.offsets = <uint32_t *>calloc(len(tails), sizeof(uint32_t))
        recording.lengths = <uint32_t *>calloc(len(tails), sizeof(uint32_t))
        recording.tails = <uint8_t *>calloc(len(whole), 1)
        if recording.offsets == NULL or recording.lengths == NULL or recording.tails == NULL:
            raise MemoryError
        memcpy(recording.tails, PyBytes_AS_STRING(whole), len(whole))
        for each, tail in enumerate(tails):
            if not extension_bytes < len(tail) <= 1_500:
                raise ValueError("a packet without a payload, or too long")
            recording.offsets[each], recording.lengths[each] = at, len(tail)
            at += len(tail)

    @property
    def step_ns(self):
        """Width of a step of `took`."""
        return BUCKET_NS

    @property
    def wake_fd(self):
        """Readable when something waits."""
        return self.core.wake_fd

    @property
    def late_ns_max(self):
        """How late a packet was sent at worst, while packets were counted."""
        return self.core.late_ns_max

    @property
    def send_failed(self):
        """Packets that the kernel did not take."""
        return self.core.send_failed

    @property
    def unheeded(self):
        """Datagrams for Python that were dropped, because it did not come in time."""
        return self.core.unheeded

    @property
    def awake_ns(self):
        """Processor time that `stay_awake` took."""
        return acquire(&self.core.awake_ns)

    def run(self):
        """Until `stop`, without the GIL."""
        with nogil:
            run_thread(self.core)

    def stay_awake(self):
        """Until `stop`: keep the processor from sleeping, with time that nobody else wants."""
        cdef uint64_t turns = 0
        with nogil:
            give_way()
            while not acquire(&self.core.is_stopping):
                breathe()
                turns += 1
                if not turns % 1_000:
                    release(&self.core.awake_ns, thread_ns())

    def stop(self):
        """Let both threads end."""
        release(&self.core.is_stopping, 1)

    def shape(self, *, int64_t jitter_ns, uint32_t loss, bint has_silences):
        """How everybody speaks from now on: late by up to `jitter_ns`, `loss` of a million lost, with pauses."""
        pthread_mutex_lock(&self.core.lock)
        self.core.jitter_ns, self.core.loss, self.core.has_silences = jitter_ns, loss, has_silences
        pthread_mutex_unlock(&self.core.lock)

    def count(self, bint is_counting):
        """Count the packets sent from now on, or no more."""
        pthread_mutex_lock(&self.core.lock)
        self.core.is_counting = is_counting
        pthread_mutex_unlock(&self.core.lock)

    def add(self, uint32_t number, *, uint32_t other, uint32_t source, uint32_t ssrc, uint64_t seed):
        """A leg at an address (network order) that will talk with leg `other`."""
        cdef Leg *leg
        if number >= LEGS or other >= LEGS or not seed:
            raise ValueError("no such leg, or no seed")
        leg = &self.core.legs[number]
        pthread_mutex_lock(&self.core.lock)
        memset(leg, 0, sizeof(Leg))
        leg.is_known = 1
        leg.other, leg.source, leg.ssrc, leg.random = other, source, ssrc, seed
        leg.sequence, leg.first_timestamp = draw(leg) & 0x7FFF, draw(leg) & 0xFFFFFFFF
        leg.place = draw(leg) % (self.core.recording.count - 1)
        self.core.legs_until = max(self.core.legs_until, number + 1)
        pthread_mutex_unlock(&self.core.lock)

    def speak(self, uint32_t number, *, uintptr_t opener, uintptr_t sealer, uint32_t host, uint16_t port, int64_t at_ns):
        """Speak from `at_ns` on to the gateway there (network order), with these sessions of libsrtp."""
        cdef Leg *leg = self.known(number)
        pthread_mutex_lock(&self.core.lock)
        leg.opener, leg.sealer = <void *>opener, <void *>sealer
        leg.far.sin_family, leg.far.sin_port, leg.far.sin_addr.s_addr = AF_INET, port, host
        leg.base_ns, leg.beat, leg.is_talking, leg.is_speaking = at_ns, 0, 1, 1
        self.core.due_ns[number] = at_ns
        pthread_mutex_unlock(&self.core.lock)

    def hush(self, uint32_t number, bint is_hushed):
        """Say nothing until told to go on."""
        cdef Leg *leg = self.known(number)
        pthread_mutex_lock(&self.core.lock)
        leg.is_speaking = not is_hushed
        leg.beat = max(leg.beat, (now_ns() - leg.base_ns) // BEAT_NS + 1)
        if is_hushed:
            self.core.due_ns[number] = NEVER
        else:
            self.core.due_ns[number] = leg.base_ns + leg.beat * BEAT_NS
        pthread_mutex_unlock(&self.core.lock)

    def roam(self, uint32_t number, uint32_t source):
        """Leave its address for another; nothing that goes to the first is heard any more."""
        cdef Leg *leg = self.known(number)
        pthread_mutex_lock(&self.core.lock)
        leg.source, leg.is_between, leg.roamed_at_ns, leg.roamed_heard_ns = source, 1, now_ns(), 0
        forget_sent(&self.core.legs[leg.other])
        pthread_mutex_unlock(&self.core.lock)

    def kill(self, uint32_t number):
        """Neither speak nor hear from now on; what is on its way to it is not missed."""
        cdef Leg *leg = self.known(number)
        pthread_mutex_lock(&self.core.lock)
        leg.is_dead = 1
        self.core.due_ns[number] = NEVER
        forget_sent(&self.core.legs[leg.other])
        pthread_mutex_unlock(&self.core.lock)

    def remove(self, uint32_t number):
        """Forget its keys; nothing of them is used once this returned. Its figures stay until it is added again."""
        cdef Leg *leg = self.known(number)
        pthread_mutex_lock(&self.core.lock)
        leg.opener = leg.sealer = NULL
        leg.is_known = leg.is_speaking = 0
        self.core.due_ns[number] = NEVER
        pthread_mutex_unlock(&self.core.lock)

    def figures(self, uint32_t number):
        """What became of the leg's packets."""
        cdef Leg *leg
        if number >= LEGS:
            raise ValueError("no such leg")
        leg = &self.core.legs[number]
        pthread_mutex_lock(&self.core.lock)
        try:
            return {
                "sent": leg.sent, "delivered": leg.delivered, "withheld": leg.withheld, "received": leg.received,
                "bad": leg.bad, "unknown": leg.unknown, "heard_at_ns": leg.heard_at_ns,
                "heard_last_ns": leg.heard_last_ns, "sent_last_ns": leg.sent_last_ns,
                "roamed_heard_ns": leg.roamed_heard_ns, "is_between": leg.is_between,
            }
        finally:
            pthread_mutex_unlock(&self.core.lock)

    def took(self):
        """How many packets took how long, in steps of `step_ns`; the last is for all that took longer."""
        return [self.core.took[each] for each in range(BUCKETS)]

    def woken(self):
        """The event loop came: what is handed up from now on wakes it again."""
        cdef uint64_t count
        read(self.core.wake_fd, &count, sizeof(count))
        exchange(&self.core.is_told, 0)

    def drain(self):
        """(number, data, arrival) of what waits, oldest first; no data: the leg heard its first packet."""
        cdef uint64_t at = self.core.taken
        cdef uint64_t until = acquire(&self.core.shown)
        cdef Waiting *one
        cdef list waiting = []
        while at != until:
            one = &self.core.waiting[at % WAITING]
            waiting.append((one.number, PyBytes_FromStringAndSize(<char *>one.data, one.length), one.at_ns))
            at += 1
        release(&self.core.taken, at)
        return waiting

    cdef Leg *known(self, uint32_t number) except NULL:
        if number >= LEGS or not self.core.legs[number].is_known:
            raise ValueError("no such leg")
        return &self.core.legs[number]
