"""The crowd's rhythm: read and open what waits, speak for whoever is due, sleep for half a millisecond.

Everything it works on is allocated once. The lock is held by whoever reads or writes legs.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from gateway.media.adapters.native.core cimport Cipher
from gateway.media.adapters.native.system cimport (
    acquire, EINTR, exchange, iovec, last_error, mmsghdr, MSG_DONTWAIT, msghdr, now_ns,
    pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock, recvmmsg, release, sendmmsg, sleep_ns, sockaddr_in,
    wake_at_once, write,
)
from loadtest.crowd.leg cimport (
    BEAT_NS, BEAT_UNITS, draw, Leg, LEGS, note_sent, PARTS, recognised, Recording, RING, Sent, step_on,
)
from loadtest.crowd.system cimport came_to, CONTROL_BYTES, leave_from, listen_with

cdef enum:
    BATCH = 64
    SLOT_BYTES = 2_240
    NAP_NS = 500_000
    WAITING = 1_024            # datagrams for Python
    BUCKETS = 50_001           # the last one is for all that took longer
    BUCKET_NS = 20_000
    TURNS_BEHIND_MAX = 50      # a leg that is a second behind skips what nobody would say any more

cdef struct Waiting:
    int64_t at_ns
    uint32_t number
    uint32_t length            # 0: the leg heard its first packet
    uint8_t data[2048]

cdef struct Core:
    int fd
    int wake_fd
    uint64_t is_stopping
    uint64_t is_told
    uint64_t shown
    uint64_t filled
    uint64_t taken
    uint64_t is_counting
    uint64_t awake_ns
    uint64_t unheeded          # datagrams for Python that found no place
    Cipher unprotect
    Cipher protect
    pthread_mutex_t lock
    Recording recording
    uint32_t legs_until        # above the highest number in use
    int64_t jitter_ns
    uint32_t loss              # of a million
    uint32_t has_silences
    int64_t late_ns_max
    int64_t send_failed
    uint32_t outgoing
    mmsghdr outbox[BATCH]
    iovec out_parts[BATCH]
    mmsghdr inbox[BATCH]
    iovec in_parts[BATCH]
    uint8_t out_control[BATCH][CONTROL_BYTES]
    uint8_t in_control[BATCH][CONTROL_BYTES]
    uint8_t out_slots[BATCH][SLOT_BYTES]
    uint8_t in_slots[BATCH][SLOT_BYTES]
    int64_t due_ns[LEGS]
    uint64_t took[BUCKETS]
    Waiting waiting[WAITING]
    Leg legs[LEGS]

cdef inline void hand_up(Core *core, uint32_t number, const uint8_t *data, uint32_t length, int64_t at_ns) noexcept nogil:
    cdef Waiting *one = &core.waiting[core.filled % WAITING]
    if core.filled - acquire(&core.taken) >= WAITING:
        core.unheeded += 1
        return
    one.at_ns, one.number, one.length = at_ns, number, length
    memcpy(one.data, data, length)
    core.filled += 1

cdef inline void show(Core *core) noexcept nogil:
    cdef uint64_t one = 1
    if core.shown == core.filled:
        return
    release(&core.shown, core.filled)
    if not exchange(&core.is_told, 1):
        write(core.wake_fd, &one, sizeof(one))

cdef inline void hear(Core *core, uint32_t number, uint8_t *data, int length, int64_t at_ns) noexcept nogil:
    """An SRTP packet for the leg."""
    cdef Leg *leg = &core.legs[number]
    cdef Leg *speaker = &core.legs[leg.other]
    cdef Sent *sent
    cdef int64_t bucket
    if leg.opener == NULL:
        return
    if core.unprotect(leg.opener, data, &length) or length < 12:
        leg.bad += 1
        return
    leg.received += 1
    leg.heard_last_ns = at_ns
    if not leg.heard_at_ns:
        leg.heard_at_ns = at_ns
        hand_up(core, number, data, 0, at_ns)
    if leg.is_between:
        leg.is_between, leg.roamed_heard_ns = 0, at_ns - leg.roamed_at_ns
    sent = recognised(leg, speaker, &core.recording, data, length)
    if sent == NULL:
        leg.unknown += 1
    elif sent.at_ns:
        bucket = (at_ns - sent.at_ns) // BUCKET_NS
        core.took[bucket if bucket < BUCKETS else BUCKETS - 1] += 1
        sent.at_ns = 0
        speaker.delivered += 1

cdef inline void take(Core *core, mmsghdr *message, uint8_t *data, int64_t at_ns) noexcept nogil:
    """One datagram: the address that it came to says whose it is, the first byte what (RFC 7983)."""
    cdef uint32_t source = came_to(&message.msg_hdr)
    cdef uint8_t *octets = <uint8_t *>&source
    cdef uint32_t number = ((octets[2] << 8) | octets[3]) - 1
    cdef uint32_t length = message.msg_len
    cdef Leg *leg
    if number >= LEGS or length < 2:
        return
    leg = &core.legs[number]
    if not leg.is_known or leg.is_dead or leg.source != source:
        return
    if 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
        hear(core, number, data, length, at_ns)
    else:
        hand_up(core, number, data, length, at_ns)

cdef inline void listen(Core *core) noexcept nogil:
    """Everything that waits in the socket."""
    cdef int count = BATCH
    cdef int each
    cdef int64_t at_ns
    while count == BATCH:
        for each in range(BATCH):
            listen_with(&core.inbox[each].msg_hdr, core.in_control[each])
        count = recvmmsg(core.fd, core.inbox, BATCH, MSG_DONTWAIT, NULL)
        at_ns = now_ns()
        for each in range(count):
            take(core, &core.inbox[each], core.in_slots[each], at_ns)

cdef inline void flush(Core *core) noexcept nogil:
    cdef unsigned int first = 0
    cdef int sent
    while first < core.outgoing:
        sent = sendmmsg(core.fd, &core.outbox[first], core.outgoing - first, MSG_DONTWAIT)
        if sent < 0 and last_error() == EINTR:
            continue
        if sent <= 0:
            core.send_failed += 1
            sent = 1
        first += sent
    core.outgoing = 0

cdef inline void say(Core *core, uint32_t number, int64_t at_ns) noexcept nogil:
    """The leg's next packet into the batch; a lost one takes its sequence number with it."""
    cdef Leg *leg = &core.legs[number]
    cdef Leg *other = &core.legs[leg.other]
    cdef uint32_t place = leg.place if leg.is_talking else core.recording.count - 1
    cdef uint32_t timestamp = leg.first_timestamp + <uint32_t>(leg.beat * BEAT_UNITS)
    cdef uint8_t *packet = core.out_slots[core.outgoing]
    cdef int length = 12 + core.recording.lengths[place]
    cdef msghdr *head = &core.outbox[core.outgoing].msg_hdr
    if core.loss and draw(leg) % PARTS < core.loss:
        leg.withheld += 1
        leg.ring[leg.sequence % RING].is_used = 0
    else:
        packet[0], packet[1] = 0x90, 111
        packet[2], packet[3] = leg.sequence >> 8, leg.sequence & 0xFF
        packet[4], packet[5], packet[6], packet[7] = timestamp >> 24, timestamp >> 16, timestamp >> 8, timestamp
        packet[8], packet[9], packet[10], packet[11] = leg.ssrc >> 24, leg.ssrc >> 16, leg.ssrc >> 8, leg.ssrc
        memcpy(packet + 12, core.recording.tails + core.recording.offsets[place], length - 12)
        if core.protect(leg.sealer, packet, &length) == 0:
            core.out_parts[core.outgoing].iov_len = length
            head.msg_name, head.msg_namelen = &leg.far, sizeof(sockaddr_in)
            leave_from(head, core.out_control[core.outgoing], leg.source)
            note_sent(
                leg, place, at_ns,
                core.is_counting and not leg.is_between and not other.is_between and not other.is_dead,
            )
            leg.sent_last_ns = at_ns
            core.outgoing += 1
        else:
            core.send_failed += 1
    leg.sequence += 1
    leg.place = leg.place + 1 if leg.place + 2 < core.recording.count else 0
    if core.outgoing == BATCH:
        flush(core)

cdef inline void plan(Core *core, uint32_t number, int64_t at_ns) noexcept nogil:
    """When the leg speaks next; delays keep the order."""
    cdef Leg *leg = &core.legs[number]
    cdef int64_t due_ns
    step_on(leg, core.has_silences)
    if leg.base_ns + (leg.beat + TURNS_BEHIND_MAX) * BEAT_NS < at_ns:
        leg.beat = (at_ns - leg.base_ns) // BEAT_NS
    due_ns = leg.base_ns + leg.beat * BEAT_NS
    if core.jitter_ns:
        due_ns += <int64_t>(draw(leg) % <uint64_t>core.jitter_ns)
    core.due_ns[number] = max(core.due_ns[number], due_ns)

cdef inline void speak_all(Core *core) noexcept nogil:
    """Whoever is due."""
    cdef uint32_t number
    cdef int64_t at_ns = now_ns()
    for number in range(core.legs_until):
        while core.due_ns[number] <= at_ns:
            if core.is_counting and at_ns - core.due_ns[number] > core.late_ns_max:
                core.late_ns_max = at_ns - core.due_ns[number]
            # The instant is taken anew: a batch takes a while to encrypt, and that is not the gateway's time.
            at_ns = now_ns()
            say(core, number, at_ns)
            plan(core, number, at_ns)
    flush(core)

cdef inline void run_thread(Core *core) noexcept nogil:
    wake_at_once()
    while not acquire(&core.is_stopping):
        pthread_mutex_lock(&core.lock)
        listen(core)
        speak_all(core)
        pthread_mutex_unlock(&core.lock)
        show(core)
        sleep_ns(NAP_NS)
