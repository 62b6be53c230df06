"""What one reading of the counters says of a leg, for evidence and for the operator.

Decides how a row is read and how the evidence of a replaced leg is carried on,
so that a rejoin never makes an arrival unheard. Never keeps a counter itself
(the relay) and never judges presence (metering).
Keeps: carried evidence only grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.ids import SessionId
from gateway.media.audio_level import SILENCE_DBOV
from gateway.media.counters import LEVEL_BUCKETS, Column, row_of
from gateway.media.quality import Measures, opinion
from gateway.terms import LegEvidence, Side

NS_PER_MS = 1_000_000
"""Nanoseconds in a millisecond."""
UNITS_PER_MS = 48
"""RTP timestamp units in a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """One leg on the operator's page; ages are None for never."""

    session: SessionId
    side: Side
    connected: bool
    """DTLS is up and a path is latched."""
    family: str | None
    """`ipv4` or `ipv6` of the path; the address itself stays inside."""
    rtp_age_ms: int | None
    rtcp_age_ms: int | None
    stun_age_ms: int | None
    packets_in: int
    packets_out: int
    lost: int
    """Of the present source, towards the gateway."""
    jitter_ms: float
    bad_tag: int
    replayed: int
    throttled: int
    level_dbov: int
    levels: tuple[int, ...]
    """Packets by audio level, 16 dB each, loudest first."""
    muted: bool
    rtt_ms: float | None
    """Round trip to the app, from its receiver reports."""
    loss_down: float
    """Share of packets lost towards the app, as it last reported."""
    mos: float | None
    """How its voice is likely to sound, 1.0 to 4.4."""


def nothing_heard(session: SessionId, side: Side) -> LegEvidence:
    """The evidence of a leg that never sent anything."""
    return LegEvidence(
        session=session,
        side=side,
        connected=False,
        rtp_packets=0,
        rtp_first_ns=0,
        rtp_last_ns=0,
        rtcp_last_ns=0,
        stun_last_ns=0,
        sctp_last_ns=0,
        rtp_forwarded=0,
        rtp_span=0,
        level_dbov=SILENCE_DBOV,
    )


def read_evidence(
    counters: Sequence[int], leg: int, *, connected: bool, carried: LegEvidence, is_first: bool = False
) -> LegEvidence:
    """The leg's evidence on top of what its predecessors had.

    Args:
        counters: the relay's buffer.
        leg: handle of a living leg.
        connected: whether DTLS is up and a path is latched.
        carried: evidence of the legs it replaced, `nothing_heard` for the first.
        is_first: whether it is the first, so that nothing is carried.
    """
    row = row_of(leg)
    # One look at the row, column after column: every leg is read four times a second.
    cells = counters[row + _FROM : row + _UNTIL]
    if is_first:
        return tuple.__new__(LegEvidence, (carried.session, carried.side, connected, *cells))
    packets, first_ns, rtp_ns, rtcp_ns, stun_ns, sctp_ns, forwarded, span, level_dbov = cells
    return LegEvidence(
        carried.session,
        carried.side,
        connected,
        carried.rtp_packets + packets,
        carried.rtp_first_ns or first_ns,
        rtp_ns if rtp_ns > carried.rtp_last_ns else carried.rtp_last_ns,
        rtcp_ns if rtcp_ns > carried.rtcp_last_ns else carried.rtcp_last_ns,
        stun_ns if stun_ns > carried.stun_last_ns else carried.stun_last_ns,
        sctp_ns if sctp_ns > carried.sctp_last_ns else carried.sctp_last_ns,
        carried.rtp_forwarded + forwarded,
        carried.rtp_span + span,
        level_dbov if packets else carried.level_dbov,
    )


_FROM, _UNTIL = int(Column.RTP_IN), int(Column.LEVEL_LAST) + 1
"""The columns that evidence is read from."""
assert len(LegEvidence._fields) == 3 + _UNTIL - _FROM, "they are read as they stand"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuality:
    """What the control plane knows of the way to a leg."""

    family: str | None = None
    rtt_ns: int = 0
    fraction_lost: int = 0
    """Of 256."""
    rating: float | None = None
    """Of the voice (`quality.py`); None before enough of it came."""


def read_measures(counters: Sequence[int], leg: int, *, quality: LinkQuality) -> Measures:
    """What the leg's voice is graded by."""
    row = row_of(leg)
    return Measures(
        ssrc=counters[row + Column.SSRC_IN],
        expected=counters[row + Column.EXPECTED],
        received=counters[row + Column.RECEIVED],
        jitter_ms=counters[row + Column.JITTER] / UNITS_PER_MS,
        rtt_ms=quality.rtt_ns / NS_PER_MS,
        loss_down=quality.fraction_lost / 256,
    )


def read_view(
    counters: Sequence[int],
    leg: int,
    *,
    session: SessionId,
    side: Side,
    connected: bool,
    quality: LinkQuality,
    now_ns: int,
) -> LegView:
    """The leg as the operator sees it."""
    row = row_of(leg)

    def age_ms(column: Column) -> int | None:
        at_ns = counters[row + column]
        return max(0, now_ns - at_ns) // NS_PER_MS if at_ns else None

    levels = row + Column.LEVEL_0
    return LegView(
        session=session,
        side=side,
        connected=connected,
        family=quality.family,
        rtp_age_ms=age_ms(Column.RTP_LAST_NS),
        rtcp_age_ms=age_ms(Column.RTCP_LAST_NS),
        stun_age_ms=age_ms(Column.STUN_LAST_NS),
        packets_in=counters[row + Column.RTP_IN],
        packets_out=counters[row + Column.RTP_OUT],
        lost=max(0, counters[row + Column.EXPECTED] - counters[row + Column.RECEIVED]),
        jitter_ms=counters[row + Column.JITTER] / UNITS_PER_MS,
        bad_tag=counters[row + Column.BAD_TAG],
        replayed=counters[row + Column.REPLAYED],
        throttled=counters[row + Column.THROTTLED],
        level_dbov=counters[row + Column.LEVEL_LAST],
        levels=tuple(counters[levels : levels + LEVEL_BUCKETS]),
        muted=bool(counters[row + Column.MUTED]),
        rtt_ms=quality.rtt_ns / NS_PER_MS if quality.rtt_ns else None,
        loss_down=quality.fraction_lost / 256,
        mos=opinion(quality.rating) if quality.rating is not None else None,
    )
