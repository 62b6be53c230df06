"""A relay on a socket of its own, with handsets around it; the port's conformance runs on it."""

import asyncio
from collections.abc import Callable, Mapping

from gateway.clock import Clock, SystemClock
from gateway.media.adapters.relay_native import NativeRelay
from gateway.media.adapters.relay_python import PythonRelay
from gateway.media.adapters.udp import open_socket
from gateway.media.counters import Drop, row_of
from gateway.media.demux import Kind
from gateway.media.description import VideoCodec, VideoTerms, VoiceTerms
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, LegSpec, Relay, SrtpKeys
from tests.media.handset import WAIT_S, Handset, bound_socket, new_keys

Maker = Callable[..., Relay]
TWINS: Mapping[str, Maker] = {"python": PythonRelay, "native": NativeRelay}
"""Every twin: made with a socket, `clock` and `wake`."""

CHROME = VoiceTerms(opus=111, red=63, level_id=1, mid_id=4)
PLAIN = VoiceTerms(opus=96, level_id=5)
CAMERA = VideoTerms(
    codec=VideoCodec.VP8, payload_type=97, rtx=98, send_time_id=2, time_offset_id=3, orientation_id=13
)
OTHER_CAMERA = VideoTerms(codec=VideoCodec.VP8, payload_type=120, rtx=121, send_time_id=7)
BASELINE = VideoTerms(codec=VideoCodec.H264, profile="42e01f", payload_type=97, rtx=98)
LEVEL = b"\x10\x9e\x00\x00"
"""One-byte extension 1: voice activity, -30 dBov."""


class Bench:
    """A relay on a socket of its own, and handsets around it."""

    def __init__(self, make: Maker, host: str = "127.0.0.1") -> None:
        self.clock: Clock = SystemClock()
        self.sock = open_socket(host, 0)
        self.is_mixed = host == "::"
        self.target: tuple[str, int] = ("127.0.0.1", self.sock.getsockname()[1])
        self.control: asyncio.Queue[ControlDatagram] = asyncio.Queue()
        self.relay = make(self.sock, clock=self.clock, wake=self._wake)
        self.handsets: list[Handset] = []

    def _wake(self) -> None:
        for datagram in self.relay.drain_control():
            self.control.put_nowait(datagram)

    def leg(
        self,
        voice: VoiceTerms | None = CHROME,
        *,
        video: VideoTerms | None = None,
        ssrc_out: int = 0x5EED,
        keys: SrtpKeys | None = None,
    ) -> tuple[int, Handset]:
        """A leg with keys and path, and its handset; its video is written as the next two sources."""
        keys = keys or new_keys()
        spec = LegSpec(
            ssrc_out=ssrc_out,
            voice=voice,
            video=video,
            video_ssrc_out=ssrc_out + 1,
            rtx_ssrc_out=ssrc_out + 2,
        )
        leg = self.relay.add_leg(spec)
        handset = Handset(self.target, keys)
        self.handsets.append(handset)
        self.relay.set_keys(leg, keys)
        self.relay.set_path(leg, self.seen(handset))
        return leg, handset

    def seen(self, handset: Handset) -> Address:
        """The handset's address as the relay's socket tells it."""
        host, port = handset.address
        return (f"::ffff:{host}", port, 0, 0) if self.is_mixed else (host, port)

    def pair(
        self, near: VoiceTerms = CHROME, far: VoiceTerms = CHROME
    ) -> tuple[tuple[int, Handset], tuple[int, Handset]]:
        """Two linked legs."""
        one, other = self.leg(near, ssrc_out=0xAAAA), self.leg(far, ssrc_out=0xBBBB)
        self.relay.link(one[0], other[0])
        return one, other

    def video_pair(
        self, near: VideoTerms = CAMERA, far: VideoTerms = OTHER_CAMERA
    ) -> tuple[tuple[int, Handset], tuple[int, Handset]]:
        """Two linked legs with cameras."""
        one = self.leg(CHROME, video=near, ssrc_out=0xAA00)
        other = self.leg(PLAIN, video=far, ssrc_out=0xBB00)
        self.relay.link(one[0], other[0])
        return one, other

    async def next_control(self, kind: Kind) -> ControlDatagram:
        async with asyncio.timeout(WAIT_S):
            while True:
                datagram = await self.control.get()
                if datagram.kind is kind:
                    return datagram

    async def settle(self) -> None:
        """Wait until everything sent before has been taken: a check is handed up in order."""
        probe = bound_socket()
        probe.sendto(b"\x00\x01probe-probe-probe", self.target)
        while (await self.next_control(Kind.STUN)).address[1] != probe.getsockname()[1]:
            pass
        probe.close()

    def cell(self, leg: int, column: int) -> int:
        return self.relay.counters()[row_of(leg) + column]

    def drop(self, reason: Drop) -> int:
        return self.relay.counters()[reason]

    def close(self) -> None:
        self.relay.close()
        self.sock.close()
        for handset in self.handsets:
            handset.close()
