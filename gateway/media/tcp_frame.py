"""Datagrams on a stream: each behind its length in two bytes (RFC 4571, as RFC 6544 uses it).

Decides where one datagram ends and the next begins, and what is too long to be one. Never what a
datagram means (`demux.py`) nor what becomes of a stream that is broken: that is
`adapters/ice_tcp.py`'s.
Keeps: what waits for its rest is never more than one frame.
"""

from gateway.limits import DATAGRAM_BYTES_MAX

HEADER_BYTES = 2


def framed(datagram: bytes) -> bytes:
    """The datagram as it goes on the stream."""
    return len(datagram).to_bytes(HEADER_BYTES, "big") + datagram


class Deframer:
    """Cuts a stream into datagrams."""

    __slots__ = ("_waiting", "is_broken")

    def __init__(self) -> None:
        self.is_broken = False
        """A frame longer than any datagram may be began; nothing can be cut from here on."""
        self._waiting = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The datagrams that are whole now; an empty one is padding (RFC 4571) and says nothing."""
        if self.is_broken:
            return []
        stream = self._waiting + data
        at, whole = 0, []
        while len(stream) - at >= HEADER_BYTES:
            length = int.from_bytes(stream[at : at + HEADER_BYTES], "big")
            end = at + HEADER_BYTES + length
            if length > DATAGRAM_BYTES_MAX:
                self.is_broken = True
                break
            if end > len(stream):
                break
            whole.append(stream[at + HEADER_BYTES : end])
            at = end
        self._waiting = b"" if self.is_broken else stream[at:]
        return whole
