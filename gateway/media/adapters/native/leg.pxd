"""One leg as the relay thread knows it, and where its counters stand in their row."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from gateway.media.adapters.native.address cimport Address
from gateway.media.adapters.native.ring cimport Tap
from gateway.media.adapters.native.stream cimport Continuity, Reception, Throttle
from gateway.media.adapters.native.system cimport prefetch, sockaddr_storage

cdef enum:
    COLUMNS = 48
    VOICE_COLUMNS = 40         # of them what a packet of voice needs
    SOURCES_MAX = 16
    PRIMARY_ONLY = -1          # the peer takes no RED, so the primary frame alone is sent
    NONE = -1                  # no such payload type or identifier
    EXTENSIONS = 3             # of video

cdef enum Cell:                # gateway/media/counters.py, Column
    LEG = 0
    PEER
    MUTED
    SSRC_IN
    SSRC_OUT
    TS_OFFSET_OUT
    RTP_IN_BYTES
    RTP_OUT
    RTP_OUT_BYTES
    RTP_IN
    RTP_FIRST_NS
    RTP_LAST_NS
    RTCP_LAST_NS
    STUN_LAST_NS
    SCTP_LAST_NS
    RTP_FORWARDED
    RTP_SPAN
    LEVEL_LAST
    HIGHEST_EXT
    EXPECTED
    RECEIVED
    JITTER
    REPLAYED
    BAD_TAG
    THROTTLED
    REFUSED
    SEND_FAILED
    LEVEL_0
    VIDEO_SSRC_IN = 35
    VIDEO_IN
    VIDEO_IN_BYTES
    VIDEO_LAST_NS
    VIDEO_FORWARDED
    VIDEO_OUT
    VIDEO_OUT_BYTES
    VIDEO_SEQ_OFFSET_OUT
    VIDEO_TS_OFFSET_OUT
    VIDEO_HIGHEST_EXT
    VIDEO_EXPECTED
    VIDEO_RECEIVED
    VIDEO_JITTER

cdef enum Drop:                # gateway/media/counters.py, Drop
    DROP_NOISE = 0
    DROP_SHORT
    DROP_OVERSIZED
    DROP_STRANGER_RTP
    DROP_STRANGER_RTCP
    DROP_STRANGER_DTLS
    DROP_UNKEYED
    DROP_CONTROL_FULL
    DROP_BAD_TAG
    DROP_REPLAYED
    DROP_THROTTLED
    DROP_REFUSED
    DROP_SEND_FAILED

cdef struct VideoTrack:        # one of the two streams, both ways
    int kind                   # payload type, NONE where the leg has no such stream
    int kind_out               # what it becomes at its peer, NONE where that takes none of it
    uint32_t ssrc_out
    uint32_t retired_count
    Reception reception
    Continuity continuity
    uint32_t retired[SOURCES_MAX]

cdef struct Video:
    int codec                  # equal numbers suit each other
    VideoTrack picture
    VideoTrack repair          # RFC 4588
    Throttle throttle          # of both, in bytes
    uint8_t extension[EXTENSIONS]      # its identifiers of what is passed on, 0 for none
    uint8_t extension_out[EXTENSIONS]  # what they become at its peer

cdef struct Leg:
    int64_t handle             # 0 for a free row
    uint32_t row
    uint32_t peer              # row of the leg it is linked to, 0 while unlinked
    uint32_t ssrc_out
    bint is_muted
    bint is_heard
    bint has_video
    int opus                   # payload types it negotiated
    int red
    int level_in               # its identifier of the audio level
    int opus_out               # what they become at its peer
    int red_out
    int level_out
    void *opener               # libsrtp's contexts, owned by the control plane
    void *sealer
    int64_t *cells             # its row of the counters
    Tap *tap
    Reception reception
    Continuity continuity
    Throttle throttle
    uint32_t name_length       # 0 without a path
    uint32_t retired_count
    sockaddr_storage name      # the present path as the kernel wants it
    uint32_t retired[SOURCES_MAX]
    uint32_t paths             # addresses it may send from, the present path first
    Address path[3]
    Video video

cdef enum:
    HOT_BYTES = 320            # of a leg: what every packet reads, up to the name's first bytes

cdef inline void foresee(const Leg *leg) noexcept nogil:
    """Ask for the memory that a packet of the leg will need; asking is never wrong, only late."""
    cdef int at
    for at in range(0, HOT_BYTES, 64):
        prefetch(<const uint8_t *>leg + at)
    for at in range(0, VOICE_COLUMNS, 8):
        prefetch(leg.cells + at)

cdef inline void foresee_session(const void *session) noexcept nogil:
    """Ask for what a session of libsrtp points to first, its list of streams; a wrong address is no harm."""
    cdef const uint8_t *streams
    if session != NULL:
        streams = (<const uint8_t **>session)[0]
        prefetch(streams)
        prefetch(streams + 64)

cdef inline bint admits_source(const Leg *leg, uint32_t ssrc) noexcept nogil:
    """Whether a source that is not the present one may still begin."""
    cdef uint32_t each
    for each in range(leg.retired_count):
        if leg.retired[each] == ssrc:
            return False
    return leg.retired_count + 1 < SOURCES_MAX

cdef inline bint admits_video_source(const VideoTrack *track, uint32_t ssrc) noexcept nogil:
    """Whether a source that is not the present one may still begin."""
    cdef uint32_t each
    for each in range(track.retired_count):
        if track.retired[each] == ssrc:
            return False
    return track.retired_count + 1 < SOURCES_MAX

cdef inline void adapt_video(Video *near, const Video *far, bint far_has_video) noexcept nogil:
    cdef bint suits = far_has_video and near.codec == far.codec
    cdef int each
    near.picture.kind_out = far.picture.kind if suits else NONE
    near.repair.kind_out = far.repair.kind if suits else NONE
    for each in range(EXTENSIONS):
        near.extension_out[each] = far.extension[each] if suits else 0

cdef inline void break_off(Leg *leg) noexcept nogil:
    """What is sent to it next begins a new stretch, its video too."""
    leg.continuity.is_broken = leg.video.picture.continuity.is_broken = leg.video.repair.continuity.is_broken = True

cdef inline void adapt(Leg *leg, const Leg *peer) noexcept nogil:
    """Prepare the maps from this leg's numbers to its peer's."""
    leg.opus_out = peer.opus if peer.opus >= 0 else 0
    leg.red_out = peer.red if peer.red > 0 else PRIMARY_ONLY
    leg.level_out = peer.level_in if peer.level_in > 0 else 0
    if leg.has_video:
        adapt_video(&leg.video, &peer.video, peer.has_video)
