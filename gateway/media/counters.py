"""The layout of the one buffer in which a relay counts (signed 64-bit integers, host order).

Decides which column of a leg's row means what, and where the row of a leg is.
The buffer has `ROWS` rows of `COLUMNS` columns. Row 0 belongs to the relay as a
whole and is laid out by `Drop`; every other row is laid out by `Column` and
belongs to the leg in its column LEG, or to nobody where that is 0.
Keeps: a leg's handle names its row, and no handle is ever used twice.
"""

from enum import IntEnum

from gateway.limits import LIVE_SESSIONS_MAX

LEGS_MAX = 2 * LIVE_SESSIONS_MAX + 95
"""Two legs a session, and room for the ones being replaced."""
ROWS = LEGS_MAX + 1
"""The first row is the relay's own."""
COLUMNS = 48
"""Columns of a row, a whole number of cache lines."""
LEVEL_BUCKETS = 8
"""Columns from LEVEL_0 on: packets by audio level, 16 dB each, loudest first."""


class Column(IntEnum):
    """Columns of a leg's row; `_NS` are monotonic instants, 0 for never."""

    LEG = 0
    """The leg's handle, 0 for a free row."""
    PEER = 1
    """Handle of the leg it is linked to, 0 while unlinked."""
    MUTED = 2
    """1 while nothing of its voice is forwarded."""
    SSRC_IN = 3
    """The source it sends now, -1 before the first packet."""
    SSRC_OUT = 4
    """The source that is written to it."""
    TS_OFFSET_OUT = 5
    """What is added to its peer's timestamps on the way to it."""
    RTP_IN_BYTES = 6
    """Bytes of its authenticated RTP packets, as they came."""
    RTP_OUT = 7
    """Packets sent to it."""
    RTP_OUT_BYTES = 8
    """Payload bytes sent to it."""
    RTP_IN = 9
    """Authenticated RTP packets from it; here the columns begin that are evidence, in `LegEvidence`'s order."""
    RTP_FIRST_NS = 10
    RTP_LAST_NS = 11
    RTCP_LAST_NS = 12
    """Last authenticated RTCP, noted by the control plane."""
    STUN_LAST_NS = 13
    """Last authenticated check, noted by the control plane."""
    SCTP_LAST_NS = 14
    """Last SCTP packet inside DTLS, noted by the control plane."""
    RTP_FORWARDED = 15
    """Packets of it that were sent on to its peer."""
    RTP_SPAN = 16
    """Timestamp advance since the first packet, 48 kHz units."""
    LEVEL_LAST = 17
    """Last audio level in dBov, -127 where none was heard."""
    HIGHEST_EXT = 18
    """Highest sequence number with cycles, of the present source."""
    EXPECTED = 19
    """Packets the present source must have sent."""
    RECEIVED = 20
    """Packets of it that came."""
    JITTER = 21
    """Interarrival jitter, timestamp units."""
    REPLAYED = 22
    """Packets refused by the replay window."""
    BAD_TAG = 23
    """Packets that did not authenticate."""
    THROTTLED = 24
    """Authentic packets over the rate."""
    REFUSED = 25
    """Authentic packets that are malformed, of a retired source or of a payload type not negotiated."""
    SEND_FAILED = 26
    """Packets to it that the kernel or the cipher did not take."""
    LEVEL_0 = 27
    """First of the LEVEL_BUCKETS columns."""
    VIDEO_SSRC_IN = 35
    """The source it sends video as now, -1 before the first packet; every column before speaks of voice alone."""
    VIDEO_IN = 36
    """Authenticated video packets from it, repairs (RFC 4588) included."""
    VIDEO_IN_BYTES = 37
    """Their bytes, as they came."""
    VIDEO_LAST_NS = 38
    """When the last of them came."""
    VIDEO_FORWARDED = 39
    """Those that were sent on to its peer."""
    VIDEO_OUT = 40
    """Video packets sent to it, without repairs."""
    VIDEO_OUT_BYTES = 41
    """Payload bytes of those."""
    VIDEO_SEQ_OFFSET_OUT = 42
    """What is added to its peer's sequence numbers on the way to it."""
    VIDEO_TS_OFFSET_OUT = 43
    """What is added to its peer's video timestamps on the way to it."""
    VIDEO_HIGHEST_EXT = 44
    """As HIGHEST_EXT, of its video without repairs; so the following."""
    VIDEO_EXPECTED = 45
    VIDEO_RECEIVED = 46
    VIDEO_JITTER = 47


class Drop(IntEnum):
    """Columns of row 0: datagrams that belong to no leg, by reason."""

    NOISE = 0
    """Neither STUN, DTLS, RTP nor RTCP."""
    SHORT = 1
    """Fewer bytes than any of them has."""
    OVERSIZED = 2
    """Over DATAGRAM_BYTES_MAX."""
    STRANGER_RTP = 3
    """RTP from an address that no authenticated check latched."""
    STRANGER_RTCP = 4
    STRANGER_DTLS = 5
    UNKEYED = 6
    """RTP before the handshake finished."""
    CONTROL_FULL = 7
    """The control plane did not collect in time."""
    BAD_TAG = 8
    """Sums over all legs, also those that are gone."""
    REPLAYED = 9
    THROTTLED = 10
    REFUSED = 11
    SEND_FAILED = 12


def row_of(leg: int) -> int:
    """Index of the first column of the leg's row."""
    return (leg % ROWS) * COLUMNS


def handle(serial: int, row: int) -> int:
    """The handle of the `serial`-th leg, living in `row`."""
    return serial * ROWS + row


assert Column.LEVEL_0 + LEVEL_BUCKETS <= Column.VIDEO_SSRC_IN, "the histogram must fit its place"
assert max(Column) < COLUMNS, "the columns must fit the row"
assert max(Drop) < COLUMNS, "the drops must fit the row"
