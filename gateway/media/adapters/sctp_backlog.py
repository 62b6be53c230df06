"""What an SCTP association may pile up before its leg is ended.

Decides when an app keeps back so much of what it began (fragments without their
end, numbers far ahead, streams never used) that only a flood explains it.
aiortc announces a window and does not enforce it, so its lists are measured here
and nowhere else. What one packet may say is `gateway/media/sctp.py`.
Keeps: what a leg holds in memory is bounded however long it talks.
"""

from aiortc.rtcdtlstransport import DataReceiver
from aiortc.rtcsctptransport import RTCSctpTransport

CHUNKS_WAITING_MAX = 256
"""Fragments of unfinished messages; the largest message is about 60."""
STREAMS_MAX = 64
"""Streams an app may ever name; each channel is one."""


def is_overfull(receiver: DataReceiver) -> bool:
    """Whether more waits than any message needs."""
    if not isinstance(receiver, RTCSctpTransport):
        return False
    streams = receiver._inbound_streams  # noqa: SLF001 the library shows its lists nowhere else
    ahead = receiver._sack_misordered  # noqa: SLF001 as above
    return (
        len(streams) > STREAMS_MAX
        or len(ahead) > CHUNKS_WAITING_MAX
        or sum(len(stream.reassembly) for stream in streams.values()) > CHUNKS_WAITING_MAX
    )
