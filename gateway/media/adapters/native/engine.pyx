# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The native relay's thread and the handles by which Python steers it.

Decides nothing of its own: the rules are in the `.pxd` files beside it, one twin of a Python module
each. Every change takes the lock, so that it holds from the next packet on. Sessions of libsrtp are
handed in as addresses; whoever made them keeps them until `remove` has returned.
`gateway/media/adapters/relay_native.py` fills the port with it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from gateway.media.adapters.native cimport leg as cell
from gateway.media.adapters.native.address cimport Address, enter, is_same, row_at, strike, write_address
from gateway.media.adapters.native.core cimport BATCH, Cipher, COLUMNS, Core, hold, let_go, ROWS, SLOT_BYTES
from gateway.media.adapters.native.leg cimport adapt, break_off, EXTENSIONS, Leg, NONE
from gateway.media.adapters.native.passage cimport SILENCE_DBOV, take_datagram
from gateway.media.adapters.native.ring cimport copy_out, DATAGRAM_BYTES, Frame, QUEUE_SLOTS, Slot, STRANGER_SLOTS, Tap
from gateway.media.adapters.native.system cimport (
    acquire, close, EFD_CLOEXEC, EFD_NONBLOCK, eventfd, exchange, pthread_mutex_destroy, pthread_mutex_init, put,
    read, release, sockaddr_storage, write,
)
from gateway.media.adapters.native.thread cimport flush, NAP_NS, run_thread, show

LAYOUT = {
    "rows": ROWS, "columns": COLUMNS, "datagram_bytes": DATAGRAM_BYTES, "sources": cell.SOURCES_MAX,
    "control": QUEUE_SLOTS, "strangers": STRANGER_SLOTS, "level_0": cell.LEVEL_0, "last_cell": cell.VIDEO_JITTER,
    "rtp_last_ns": cell.RTP_LAST_NS, "last_drop": cell.DROP_SEND_FAILED, "silence_dbov": SILENCE_DBOV,
}
"""What must be the same in Python; asked for before the relay is used."""
DELAY_NS_MAX = NAP_NS
"""The longest that a packet waits for companions."""


cdef class TapMemory:
    """One leg's ring, of fixed size; lives as long as somebody may drain it."""

    cdef Tap *ring
    cdef Engine engine

    def __cinit__(self, Engine engine, uint32_t frames_max):
        self.engine = engine
        self.ring = <Tap *>calloc(1, sizeof(Tap))
        if self.ring == NULL:
            raise MemoryError
        self.ring.frames_max = frames_max

    def __dealloc__(self):
        free(self.ring)

    @property
    def overwritten(self):
        """Frames that nobody collected in time."""
        cdef uint64_t count
        with nogil:
            hold(self.engine.core)
            count = self.ring.overwritten
            let_go(self.engine.core)
        return count

    def drain(self):
        """(arrival, RTP timestamp, sequence number, dBov, Opus) of every frame, oldest first."""
        cdef Tap *copy = <Tap *>malloc(sizeof(Tap))
        if copy == NULL:
            raise MemoryError
        with nogil:
            hold(self.engine.core)
            memcpy(copy, self.ring, sizeof(Tap))
            self.ring.frames = self.ring.used = self.ring.head = 0
            let_go(self.engine.core)
        try:
            return self._read(copy)
        finally:
            free(copy)

    cdef list _read(self, Tap *copy):
        cdef Frame frame
        cdef list frames = []
        for _ in range(copy.frames):
            copy_out(copy, copy.head, &frame, sizeof(Frame))
            opus = PyBytes_FromStringAndSize(NULL, frame.length)
            copy_out(copy, copy.head + sizeof(Frame), PyBytes_AS_STRING(opus), frame.length)
            copy.head += sizeof(Frame) + frame.length
            frames.append((frame.at_ns, frame.rtp_ts, frame.seq, frame.level_dbov, opus))
        return frames


cdef class Engine:
    """One socket's relay thread.

    Args:
        fd: a bound UDP socket; read by the thread, and written to by both sides.
        cells: the counters, ROWS * COLUMNS of them; kept for the engine's life.
        unprotect, protect: addresses of libsrtp's functions.
        seed: keeps strangers from choosing places in the table of addresses.
        step_ns, burst_ns: how fast a leg may send.
    """

    cdef Core *core
    cdef int64_t[::1] cells
    cdef int64_t step_ns
    cdef int64_t burst_ns
    cdef dict taps
    cdef bint is_running

    def __cinit__(
        self, int fd, int64_t[::1] cells, *, uintptr_t unprotect, uintptr_t protect, uint64_t seed,
        int64_t step_ns, int64_t burst_ns,
    ):
        if cells.shape[0] != ROWS * COLUMNS:
            raise ValueError(f"{cells.shape[0]} counters, not {ROWS * COLUMNS}")
        self.core = <Core *>calloc(1, sizeof(Core))
        if self.core == NULL:
            raise MemoryError
        self.cells, self.step_ns, self.burst_ns, self.taps = cells, step_ns, burst_ns, {}
        pthread_mutex_init(&self.core.lock, NULL)
        self.core.fd = fd
        self.core.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        self.core.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if self.core.wake_fd < 0 or self.core.stop_fd < 0:
            raise OSError("no descriptor left for the relay's thread")
        self.core.unprotect, self.core.protect = <Cipher>unprotect, <Cipher>protect
        self.core.cells = &cells[0]
        self.core.table.seed = seed
        self.core.each_ns = NAP_NS
        for each in range(BATCH):
            self.core.in_parts[each].iov_base = self.core.slots[each]
            self.core.in_parts[each].iov_len = DATAGRAM_BYTES + 1
            self.core.inbox[each].msg_hdr.msg_iov = &self.core.in_parts[each]
            self.core.inbox[each].msg_hdr.msg_iovlen = 1
            self.core.inbox[each].msg_hdr.msg_name = &self.core.names[each]
            self.core.inbox[each].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
            self.core.outbox[each].msg_hdr.msg_iov = &self.core.out_parts[each]
            self.core.outbox[each].msg_hdr.msg_iovlen = 1

    def __dealloc__(self):
        if self.core == NULL:
            return
        for fd in (self.core.wake_fd, self.core.stop_fd):
            if fd > 0:
                close(fd)
        pthread_mutex_destroy(&self.core.lock)
        free(self.core)

    @property
    def wake_fd(self):
        """Readable once control datagrams were handed up, until `woken`."""
        return self.core.wake_fd

    def run(self):
        """The thread's whole life, without the GIL; ends after `stop`."""
        self.is_running = True
        with nogil:
            run_thread(self.core)

    def stop(self):
        """Let `run` return before its next batch."""
        cdef uint64_t one = 1
        release(&self.core.is_stopping, 1)
        write(self.core.stop_fd, &one, sizeof(one))

    def add(self, int64_t handle, *, uint32_t ssrc_out, int opus, int red, int level_id):
        """A leg in the row that its handle names; absent numbers are -1, an absent level 0."""
        cdef Leg *leg = &self.core.legs[handle % ROWS]
        if handle % ROWS == 0 or leg.handle:
            raise ValueError(f"row {handle % ROWS} is not free")
        with nogil:
            hold(self.core)
            memset(leg, 0, sizeof(Leg))
            leg.handle, leg.row = handle, handle % ROWS
            leg.ssrc_out, leg.opus, leg.red = ssrc_out, opus, red
            leg.level_in = level_id if level_id else NONE
            leg.red_out = cell.PRIMARY_ONLY
            leg.cells = self.core.cells + leg.row * COLUMNS
            break_off(leg)
            leg.throttle.step_ns, leg.throttle.burst_ns = self.step_ns, self.burst_ns
            leg.video.picture.kind = leg.video.repair.kind = NONE
            put(leg.cells + cell.LEG, handle)
            put(leg.cells + cell.SSRC_IN, -1)
            put(leg.cells + cell.VIDEO_SSRC_IN, -1)
            put(leg.cells + cell.SSRC_OUT, ssrc_out)
            put(leg.cells + cell.LEVEL_LAST, SILENCE_DBOV)
            let_go(self.core)

    def add_video(
        self, int64_t handle, *, int codec, int kind, int rtx, uint32_t ssrc_out, uint32_t rtx_ssrc_out,
        bytes extensions, int64_t step_ns, int64_t burst_ns,
    ):
        """Let a leg that is not linked yet send video; an absent payload type is -1, an absent identifier 0."""
        cdef Leg *leg = self.known(handle)
        cdef const char *identifiers = PyBytes_AS_STRING(extensions)
        if len(extensions) != EXTENSIONS or leg == NULL or leg.peer:
            raise ValueError("not so many identifiers, or no leg that waits for its link")
        with nogil:
            hold(self.core)
            leg.has_video = True
            leg.video.codec = codec
            leg.video.picture.kind, leg.video.repair.kind = kind, rtx
            leg.video.picture.ssrc_out, leg.video.repair.ssrc_out = ssrc_out, rtx_ssrc_out
            leg.video.throttle.step_ns, leg.video.throttle.burst_ns = step_ns, burst_ns
            memcpy(leg.video.extension, identifiers, EXTENSIONS)
            let_go(self.core)

    def remove(self, int64_t handle):
        """Unlink and forget a leg; nothing of its keys is used once this returned."""
        cdef Leg *leg = self.known(handle)
        cdef uint32_t path
        cdef int column
        if leg == NULL:
            return
        with nogil:
            hold(self.core)
            self.part(leg)
            for path in range(leg.paths):
                strike(&self.core.table, &leg.path[path])
            for column in range(COLUMNS):
                put(leg.cells + column, 0)
            memset(leg, 0, sizeof(Leg))
            let_go(self.core)
        self.taps.pop(handle, None)

    def set_keys(self, int64_t handle, *, uintptr_t opener, uintptr_t sealer):
        """Use these sessions of libsrtp from the next packet on."""
        cdef Leg *leg = self.known(handle)
        if leg != NULL:
            with nogil:
                hold(self.core)
                leg.opener, leg.sealer = <void *>opener, <void *>sealer
                let_go(self.core)

    def set_path(self, int64_t handle, bytes packed):
        """Send there; accept from there and from the path before it."""
        cdef Leg *leg = self.known(handle)
        cdef Address address
        if len(packed) != sizeof(Address):
            raise ValueError("not an address")
        memcpy(&address, PyBytes_AS_STRING(packed), sizeof(Address))
        if leg != NULL:
            with nogil:
                hold(self.core)
                self.latch(leg, &address)
                let_go(self.core)

    def link(self, int64_t a, int64_t b):
        """Forward both ways; whatever either was linked to before is unlinked."""
        cdef Leg *one = self.known(a)
        cdef Leg *other = self.known(b)
        if one == NULL or other == NULL or one == other or one.peer == other.row:
            return
        with nogil:
            hold(self.core)
            self.part(one)
            self.part(other)
            one.peer, other.peer = other.row, one.row
            put(one.cells + cell.PEER, other.handle)
            put(other.cells + cell.PEER, one.handle)
            adapt(one, other)
            adapt(other, one)
            let_go(self.core)

    def unlink(self, int64_t handle):
        """Forward nothing between the leg and its peer from the next packet on."""
        cdef Leg *leg = self.known(handle)
        if leg != NULL:
            with nogil:
                hold(self.core)
                self.part(leg)
                let_go(self.core)

    def mute(self, int64_t handle, bint muted):
        """Forward nothing of the leg's voice while muted."""
        cdef Leg *leg = self.known(handle)
        if leg == NULL or leg.is_muted == muted:
            return
        with nogil:
            hold(self.core)
            leg.is_muted = muted
            put(leg.cells + cell.MUTED, muted)
            if leg.peer:
                self.core.legs[leg.peer].continuity.is_broken = True
            let_go(self.core)

    def note(self, int64_t handle, int column, int64_t at_ns):
        """Write an arrival that the control plane authenticated; those cells are its alone."""
        cdef Leg *leg = self.known(handle)
        if leg != NULL and cell.RTCP_LAST_NS <= column <= cell.SCTP_LAST_NS:
            put(leg.cells + column, at_ns)

    def tap(self, int64_t handle, uint32_t frames_max):
        """The leg's ring, begun by asking; None for a leg that is gone."""
        cdef Leg *leg = self.known(handle)
        cdef TapMemory memory
        if leg == NULL:
            return None
        if handle not in self.taps:
            memory = self.taps[handle] = TapMemory(self, frames_max)
            with nogil:
                hold(self.core)
                leg.tap = memory.ring
                let_go(self.core)
        return self.taps[handle]

    def untap(self, int64_t handle):
        """Stop copying."""
        cdef Leg *leg = self.known(handle)
        if leg != NULL:
            with nogil:
                hold(self.core)
                leg.tap = NULL
                let_go(self.core)
            self.taps.pop(handle, None)

    def woken(self):
        """The event loop came: what is handed up from now on wakes it again."""
        cdef uint64_t count
        read(self.core.wake_fd, &count, sizeof(count))
        exchange(&self.core.is_told, 0)

    def drain(self, uint64_t most):
        """(kind, leg, data, packed address, arrival) of what waits, oldest first, at most so many."""
        cdef uint64_t at, until
        cdef Slot *slot
        cdef list waiting = []
        at, until = self.core.queue.taken, acquire(&self.core.queue.shown)
        if until - at > most:
            until = at + most
        while at != until:
            slot = &self.core.queue.slots[at % QUEUE_SLOTS]
            data = PyBytes_FromStringAndSize(<char *>slot.data, slot.length)
            packed = PyBytes_FromStringAndSize(<char *>&slot.address, sizeof(Address))
            waiting.append((slot.kind, slot.leg, data, packed, slot.at_ns))
            at += 1
        release(&self.core.queue.taken, at)
        return waiting

    def take(self, bytes data, bytes packed, int64_t at_ns):
        """One datagram as if it had come then, for checks of the rules without a thread."""
        cdef Address address
        cdef int length = min(len(data), DATAGRAM_BYTES + 1)
        if self.is_running or len(packed) != sizeof(Address):
            raise ValueError("the thread reads, or this is no address")
        memcpy(&address, PyBytes_AS_STRING(packed), sizeof(Address))
        memcpy(self.core.slots[0], PyBytes_AS_STRING(data), length)
        hold(self.core)
        take_datagram(
            self.core, self.core.slots[0], length, &address, row_at(&self.core.table, &address), at_ns
        )
        flush(self.core)
        let_go(self.core)
        show(self.core)

    cdef Leg *known(self, int64_t handle) noexcept nogil:
        cdef Leg *leg = &self.core.legs[handle % ROWS] if handle > 0 else NULL
        return leg if leg != NULL and leg.handle == handle else NULL

    cdef void part(self, Leg *leg) noexcept nogil:
        """Unlink both; what comes next from either begins a new stretch."""
        cdef Leg *peer
        if leg.peer:
            peer = &self.core.legs[leg.peer]
            leg.peer = peer.peer = 0
            break_off(leg)
            break_off(peer)
            put(leg.cells + cell.PEER, 0)
            put(peer.cells + cell.PEER, 0)

    cdef void forget(self, Leg *leg, const Address *address) noexcept nogil:
        """Take an address out of the leg's paths."""
        cdef uint32_t each
        cdef uint32_t left = 0
        for each in range(leg.paths):
            if not is_same(&leg.path[each], address):
                leg.path[left] = leg.path[each]
                left += 1
        leg.paths = left
        leg.name_length = write_address(&leg.path[0], &leg.name) if left else 0

    cdef void latch(self, Leg *leg, const Address *address) noexcept nogil:
        cdef uint32_t holder = row_at(&self.core.table, address)
        if holder:
            self.forget(&self.core.legs[holder], address)
        leg.path[2] = leg.path[1]
        leg.path[1] = leg.path[0]
        leg.path[0] = address[0]
        leg.paths += 1
        if leg.paths > 2:
            strike(&self.core.table, &leg.path[2])
            leg.paths = 2
        leg.name_length = write_address(&leg.path[0], &leg.name)
        enter(&self.core.table, address, leg.row)
