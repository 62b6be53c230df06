"""The relay whose packets never touch Python: a thread of its own behind `ports.Relay`.

Decides which leg gets which row, keeps libsrtp's sessions alive for as long as
the thread may use them, and turns what comes up into `ControlDatagram`s. What
happens to a packet is decided in `native/`, twin by twin of the Python modules.
Keeps: a change holds from the next packet on, because it returns after the
batch at hand. Arrivals are CLOCK_MONOTONIC, as `SystemClock` reads it.
"""

import asyncio
import secrets
import socket
import struct
import threading
from array import array
from collections import deque
from collections.abc import Callable, Sequence

from gateway.clock import NS, Clock
from gateway.errors import Unavailable
from gateway.limits import RTP_PACKETS_PER_S_MAX
from gateway.media.adapters.native.engine import Engine, TapMemory
from gateway.media.adapters.relay_leg import BURST_PACKETS
from gateway.media.adapters.relay_python import CONTROL_QUEUE_MAX
from gateway.media.adapters.relay_video import VIDEO_BYTES_PER_S
from gateway.media.adapters.srtp import NativeSession, native_functions
from gateway.media.counters import COLUMNS, LEGS_MAX, ROWS, handle
from gateway.media.demux import Kind
from gateway.media.description import VideoCodec, VideoTerms
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, LegSpec, SrtpKeys, Tap, Witness
from gateway.media.tap import PACKETS_MAX, TappedPacket, TapRing

CONTROL_PER_TURN = 64
"""Control datagrams handed out before the event loop gets its turn again."""

_ADDRESS = struct.Struct("=H2sI16s")
"""Family, port in network order, scope, host: `native/address.pxd`."""


def pack(address: Address) -> bytes:
    """An address as the extension knows it; one that is not numeric matches nothing."""
    host, port = str(address[0]), int(address[1]).to_bytes(2, "big")
    if ":" in host:
        scope = int(address[3]) if len(address) > 3 else 0
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        return _ADDRESS.pack(socket.AF_INET6, port, scope, packed)
    return _ADDRESS.pack(socket.AF_INET, port, 0, socket.inet_pton(socket.AF_INET, host))


def unpack(packed: bytes) -> Address:
    """The address as a socket tells it."""
    family, port, scope, host = _ADDRESS.unpack(packed)
    if family == socket.AF_INET6:
        return socket.inet_ntop(family, host), int.from_bytes(port, "big"), 0, scope
    return socket.inet_ntop(socket.AF_INET, host[:4]), int.from_bytes(port, "big")


def codec_number(video: VideoTerms) -> int:
    """Equal for terms that suit each other."""
    return int(f"{list(VideoCodec).index(video.codec)}{video.profile[:4] or '0'}", 16)


class _NativeTap:
    """`ports.Tap` over the extension's ring."""

    def __init__(self, memory: TapMemory) -> None:
        self._memory = memory

    @property
    def overwritten(self) -> int:
        return self._memory.overwritten

    def drain(self) -> list[TappedPacket]:
        return [
            TappedPacket(at_ns=at_ns, rtp_ts=rtp_ts, seq=seq, level_dbov=level_dbov, opus=opus)
            for at_ns, rtp_ts, seq, level_dbov, opus in self._memory.drain()
        ]


class NativeRelay:
    """`ports.Relay` on a thread.

    Args:
        sock: a bound UDP socket; the relay reads from it until closed.
        clock: for the port's sake; the thread stamps arrivals with CLOCK_MONOTONIC.
        wake: called on the event loop when control datagrams wait.
        is_stepped: without the thread; packets come by `engine.take` alone.
    """

    def __init__(
        self, sock: socket.socket, *, clock: Clock, wake: Callable[[], None], is_stepped: bool = False
    ) -> None:
        self._wake = wake
        self._array = array("q", bytes(8 * ROWS * COLUMNS))
        self._reading = memoryview(self._array).toreadonly()
        unprotect, protect = native_functions()
        self.engine = Engine(
            sock.fileno(),
            memoryview(self._array),
            unprotect=unprotect,
            protect=protect,
            seed=secrets.randbits(64),
            step_ns=NS // RTP_PACKETS_PER_S_MAX,
            burst_ns=NS // RTP_PACKETS_PER_S_MAX * BURST_PACKETS,
        )
        self._free = deque(range(1, ROWS))
        self._serial = 0
        self._rows: dict[int, int] = {}
        self._sessions: dict[int, tuple[NativeSession, NativeSession]] = {}
        self._taps: dict[int, _NativeTap] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if not is_stepped:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self.engine.wake_fd, self._woken)
            self._thread = threading.Thread(target=self.engine.run, name="relay", daemon=True)
            self._thread.start()

    def _woken(self) -> None:
        self.engine.woken()
        self._wake()

    def add_leg(self, spec: LegSpec) -> int:
        """A new leg without path and keys."""
        if not self._free:
            raise Unavailable(f"there are {LEGS_MAX} legs, and no more are taken", code="legs_full")
        row = self._free.popleft()
        self._serial += 1
        leg = handle(self._serial, row)
        voice = spec.voice
        self.engine.add(
            leg,
            ssrc_out=spec.ssrc_out,
            opus=voice.opus if voice is not None else -1,
            red=voice.red if voice is not None and voice.red is not None else -1,
            level_id=voice.level_id if voice is not None else 0,
        )
        if spec.video is not None:
            self._add_video(leg, spec, spec.video)
        self._rows[leg] = row
        return leg

    def _add_video(self, leg: int, spec: LegSpec, video: VideoTerms) -> None:
        self.engine.add_video(
            leg,
            codec=codec_number(video),
            kind=video.payload_type,
            rtx=video.rtx if video.rtx is not None else -1,
            ssrc_out=spec.video_ssrc_out,
            rtx_ssrc_out=spec.rtx_ssrc_out,
            extensions=bytes((video.send_time_id, video.time_offset_id, video.orientation_id)),
            step_ns=NS // VIDEO_BYTES_PER_S,
            burst_ns=NS // VIDEO_BYTES_PER_S * VIDEO_BYTES_PER_S,
        )

    def remove_leg(self, leg: int) -> None:
        """Unlink and forget a leg; its sessions are let go once the thread acknowledged."""
        row = self._rows.pop(leg, None)
        if row is None:
            return
        self.engine.remove(leg)
        self._sessions.pop(leg, None)
        self._taps.pop(leg, None)
        self._free.append(row)

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        """Accept and send RTP with these keys."""
        if leg not in self._rows:
            return
        opener, sealer = NativeSession.opener(keys), NativeSession.sealer(keys)
        self.engine.set_keys(leg, opener=opener.address, sealer=sealer.address)
        self._sessions[leg] = opener, sealer

    def set_path(self, leg: int, address: Address) -> None:
        """Send there; accept from there and from the path before it."""
        self.engine.set_path(leg, pack(address))

    def link(self, a: int, b: int) -> None:
        """Forward both ways."""
        self.engine.link(a, b)

    def unlink(self, leg: int) -> None:
        """Stop forwarding both ways."""
        self.engine.unlink(leg)

    def mute(self, leg: int, *, muted: bool) -> None:
        """Forward nothing of that leg's voice while muted."""
        self.engine.mute(leg, muted)

    def tap(self, leg: int) -> Tap:
        """Copy the leg's Opus payloads into a bounded ring."""
        known = self._taps.get(leg)
        if known is None:
            memory = self.engine.tap(leg, PACKETS_MAX)
            if memory is None:
                return TapRing()
            known = self._taps[leg] = _NativeTap(memory)
        return known

    def untap(self, leg: int) -> None:
        """Stop copying."""
        self.engine.untap(leg)
        self._taps.pop(leg, None)

    def note(self, leg: int, witness: Witness, *, at_ns: int) -> None:
        """Write an arrival that the control plane authenticated."""
        self.engine.note(leg, witness, at_ns)

    def counters(self) -> Sequence[int]:
        """The very memory the thread counts in: a reading costs nothing, and goes on moving."""
        return self._reading

    def drain_control(self) -> Sequence[ControlDatagram]:
        """The oldest that wait for the control plane."""
        waiting = [
            ControlDatagram(kind=Kind(kind), leg=leg, data=data, address=unpack(packed), at_ns=at_ns)
            for kind, leg, data, packed, at_ns in self.engine.drain(CONTROL_PER_TURN)
        ]
        if len(waiting) == CONTROL_PER_TURN and self._loop is not None:
            # More may wait; whoever else is on the event loop gets a turn first.
            self._loop.call_soon(self._wake)
        return waiting

    def close(self) -> None:
        """End the thread, then let go of the socket and of all legs."""
        if self._thread is not None and self._loop is not None:
            self._loop.remove_reader(self.engine.wake_fd)
            self.engine.stop()
            self._thread.join()
            self._thread = self._loop = None
        for leg in list(self._rows):
            self.remove_leg(leg)
        self.engine.drain(CONTROL_QUEUE_MAX)
