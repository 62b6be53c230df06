"""The relay in pure Python: one UDP socket, its legs, and who may send what.

Decides for each datagram where it goes: RTP of a latched path to `packet_path.py`,
STUN and what else is of a latched path up to the control plane; everything
else is dropped and counted. Never parses SDP, STUN or RTCP, never learns of
sessions. Keeps: a removed leg leaves neither path, key nor count behind.
The contract is `ports.Relay` with `counters.py`.
"""

import asyncio
import socket
from array import array
from collections import deque
from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.errors import Unavailable
from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.adapters.packet_path import PacketPath
from gateway.media.adapters.relay_leg import RelayLeg
from gateway.media.adapters.srtp import PacketBuffer, rtp_opener, rtp_sealer
from gateway.media.audio_level import SILENCE_DBOV
from gateway.media.counters import COLUMNS, LEGS_MAX, ROWS, Column, Drop, handle, row_of
from gateway.media.demux import KIND_BY_FIRST_BYTE, RTCP_TYPE_FIRST, RTCP_TYPE_LAST, Kind
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, LegSpec, SrtpKeys, Tap, Witness
from gateway.media.tap import TapRing

CONTROL_QUEUE_MAX = 4_096
"""Control datagrams waiting to be drained; beyond it they are dropped and counted."""
STRANGERS_QUEUE_MAX = 1_024
"""Of them, how many may wait before a check from an address that is nobody's is dropped: a flood of those
leaves room for the legs' own datagrams."""
DATAGRAM_BYTES_MIN = 12
"""An RTP header; STUN and DTLS records are longer."""
READS_PER_WAKE = 64
"""Datagrams read before the event loop gets its turn again."""

# Plain integers: an enum's attribute costs more than the lookup it is used in.
_RTP, _NOISE = int(Kind.RTP), int(Kind.NOISE)


class PythonRelay:
    """`ports.Relay` on an event loop.

    Args:
        sock: a bound, non-blocking UDP socket; the relay reads from it until closed.
        clock: gives arrival times.
        wake: called on the event loop when control datagrams wait.
    """

    def __init__(self, sock: socket.socket, *, clock: Clock, wake: Callable[[], None]) -> None:
        self._sock = sock
        self._now_ns = clock.monotonic_ns
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._buffer = PacketBuffer()
        self._packet = self._buffer.view
        self._array = array("q", bytes(8 * ROWS * COLUMNS))
        self._counters = memoryview(self._array)
        self._reading = self._counters.toreadonly()
        self._drops = self._counters[:COLUMNS]
        self._free = deque(range(1, ROWS))
        self._serial = 0
        self._legs: dict[int, RelayLeg] = {}
        self._by_path: dict[Address, RelayLeg] = {}
        self._control: deque[ControlDatagram] = deque()
        self._packets = PacketPath(sock, buffer=self._buffer, drops=self._drops, now_ns=self._now_ns)
        # A reader of its own: asyncio's datagram transport allocates 256 KiB per packet on the
        # plain loop, and reading straight into libsrtp's buffer saves a copy on either loop.
        self._loop.add_reader(sock.fileno(), self._readable)

    def add_leg(self, spec: LegSpec) -> int:
        """A new leg without path and keys."""
        if not self._free:
            raise Unavailable(f"there are {LEGS_MAX} legs, and no more are taken", code="legs_full")
        row = self._free.popleft()
        self._serial += 1
        leg = handle(self._serial, row)
        cells = self._counters[row * COLUMNS : (row + 1) * COLUMNS]
        cells[Column.LEG] = leg
        cells[Column.SSRC_IN] = cells[Column.VIDEO_SSRC_IN] = -1
        cells[Column.SSRC_OUT] = spec.ssrc_out
        cells[Column.LEVEL_LAST] = SILENCE_DBOV
        self._legs[leg] = RelayLeg(leg, spec, cells)
        return leg

    def remove_leg(self, leg: int) -> None:
        """Unlink and forget a leg."""
        self.unlink(leg)
        gone = self._legs.pop(leg, None)
        if gone is None:
            return
        for path in gone.paths:
            if self._by_path.get(path) is gone:
                del self._by_path[path]
        start = row_of(leg)
        self._array[start : start + COLUMNS] = array("q", bytes(8 * COLUMNS))
        self._free.append(start // COLUMNS)

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        """Accept and send RTP with these keys."""
        known = self._legs.get(leg)
        if known is not None:
            known.open = rtp_opener(keys, self._buffer)
            known.seal = rtp_sealer(keys, self._buffer)

    def set_path(self, leg: int, address: Address) -> None:
        """Send there; accept from there and from the path before it."""
        known = self._legs.get(leg)
        if known is None:
            return
        holder = self._by_path.get(address)
        if holder is not None and holder is not known:
            holder.paths.remove(address)
            holder.path = holder.paths[0] if holder.paths else None
        if address in known.paths:
            known.paths.remove(address)
        known.paths.insert(0, address)
        known.path = address
        self._by_path[address] = known
        for stale in known.paths[2:]:
            del self._by_path[stale]
        del known.paths[2:]

    def link(self, a: int, b: int) -> None:
        """Forward both ways."""
        one, other = self._legs.get(a), self._legs.get(b)
        if one is None or other is None or one is other or one.peer is other:
            return
        self.unlink(a)
        self.unlink(b)
        for leg, peer in ((one, other), (other, one)):
            leg.peer = peer
            leg.row[Column.PEER] = peer.handle
        one.adapt()
        other.adapt()

    def unlink(self, leg: int) -> None:
        """Stop forwarding both ways."""
        one = self._legs.get(leg)
        if one is None or one.peer is None:
            return
        for each in (one, one.peer):
            each.peer = None
            each.row[Column.PEER] = 0
            each.break_off()

    def mute(self, leg: int, *, muted: bool) -> None:
        """Forward nothing of that leg's voice while muted."""
        known = self._legs.get(leg)
        if known is None or known.is_muted == muted:
            return
        known.is_muted = muted
        known.row[Column.MUTED] = int(muted)
        if known.peer is not None:
            known.peer.continuity.break_off()

    def tap(self, leg: int) -> Tap:
        """Copy the leg's Opus payloads into a bounded ring."""
        known = self._legs.get(leg)
        if known is None:
            return TapRing()
        if known.tap is None:
            known.tap = TapRing()
        return known.tap

    def untap(self, leg: int) -> None:
        """Stop copying."""
        known = self._legs.get(leg)
        if known is not None:
            known.tap = None

    def note(self, leg: int, witness: Witness, *, at_ns: int) -> None:
        """Write an arrival that the control plane authenticated."""
        known = self._legs.get(leg)
        if known is not None:
            known.row[witness] = at_ns

    def counters(self) -> Sequence[int]:
        """One reading of all legs; the twin counts on the event loop, so nothing moves meanwhile."""
        for leg in self._legs.values():
            leg.write_reception()
        return self._reading

    def drain_control(self) -> Sequence[ControlDatagram]:
        """Everything for the control plane since the last call."""
        waiting = list(self._control)
        self._control.clear()
        return waiting

    def close(self) -> None:
        """Let go of the socket and of all legs."""
        self._loop.remove_reader(self._sock.fileno())
        for leg in list(self._legs):
            self.remove_leg(leg)
        self._control.clear()

    def _readable(self) -> None:
        receive, receivable = self._sock.recvfrom_into, self._buffer.receivable
        try:
            for _ in range(READS_PER_WAKE):
                length, address = receive(receivable)
                self._take(length, address)
        except BlockingIOError:
            pass
        except OSError:
            # An ICMP error of an earlier send; the next read tells whether more waits.
            self._drops[Drop.SEND_FAILED] += 1
        if self._control:
            self._wake()

    def _take(self, length: int, address: Address) -> None:
        if not DATAGRAM_BYTES_MIN <= length <= DATAGRAM_BYTES_MAX:
            self._drops[Drop.OVERSIZED if length > DATAGRAM_BYTES_MAX else Drop.SHORT] += 1
            return
        packet = self._packet
        kind = KIND_BY_FIRST_BYTE[packet[0]]
        if kind == _RTP and not RTCP_TYPE_FIRST <= packet[1] <= RTCP_TYPE_LAST:
            leg = self._by_path.get(address)
            if leg is None:
                self._drops[Drop.STRANGER_RTP] += 1
            elif self._packets.receive(leg, length):
                self._put(Kind.HEARD, leg.handle, b"", address)
        elif kind == _NOISE:
            self._drops[Drop.NOISE] += 1
        else:
            self._hand_up(Kind.RTCP if kind == _RTP else Kind(kind), length, address)

    def _hand_up(self, kind: Kind, length: int, address: Address) -> None:
        leg = self._by_path.get(address)
        if kind is Kind.STUN and leg is None and len(self._control) >= STRANGERS_QUEUE_MAX:
            self._drops[Drop.CONTROL_FULL] += 1
        elif kind is Kind.STUN:
            self._put(kind, 0, bytes(self._packet[:length]), address)
        elif leg is not None:
            self._put(kind, leg.handle, bytes(self._packet[:length]), address)
        else:
            self._drops[Drop.STRANGER_DTLS if kind is Kind.DTLS else Drop.STRANGER_RTCP] += 1

    def _put(self, kind: Kind, leg: int, data: bytes, address: Address) -> None:
        if len(self._control) >= CONTROL_QUEUE_MAX:
            self._drops[Drop.CONTROL_FULL] += 1
            return
        at_ns = self._now_ns()
        self._control.append(ControlDatagram(kind=kind, leg=leg, data=data, address=address, at_ns=at_ns))
