"""Both relays side by side: whatever is done to one is done to the other, and everything is compared.

Packets are handed in one by one with a manual clock, so that each twin sees the same bytes at the
same instant; what they send arrives at the same sockets, one twin after the other.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pylibsrtp import Error, Policy

from gateway.clock import ManualClock
from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.adapters.relay_native import NativeRelay, pack
from gateway.media.adapters.relay_python import PythonRelay
from gateway.media.adapters.udp import open_socket
from gateway.media.counters import COLUMNS
from gateway.media.description import VideoCodec, VideoTerms, VoiceTerms
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, LegSpec, Relay, Tap
from tests.media.handset import bound_socket, new_keys, session

LEGS = 4
"""Legs that a script speaks of."""
ROWS_COMPARED = 40
TERMS = (
    VoiceTerms(opus=111, red=63, level_id=1, mid_id=4),
    VoiceTerms(opus=96, level_id=5),
    VoiceTerms(opus=111, red=97, level_id=14),
    VoiceTerms(opus=0, red=1, level_id=20),
    VoiceTerms(opus=109, red=0),
    VoiceTerms(opus=100, level_id=15),
    None,
)
VIDEOS = (
    VideoTerms(
        codec=VideoCodec.VP8, payload_type=45, rtx=46, send_time_id=2, time_offset_id=5, orientation_id=14
    ),
    VideoTerms(codec=VideoCodec.VP8, payload_type=120, rtx=121, send_time_id=20, orientation_id=3),
    VideoTerms(codec=VideoCodec.VP8, payload_type=50),
    VideoTerms(codec=VideoCodec.VP8, payload_type=0x7F, rtx=50, time_offset_id=9),
    None,
    VideoTerms(codec=VideoCodec.H264, profile="42e01f", payload_type=45, rtx=46),
    None,
)
"""Of the legs with the voice terms in the same place."""
KEYS = tuple(
    new_keys(profile) for profile in ("SRTP_AEAD_AES_256_GCM", "SRTP_AES128_CM_SHA1_80") for _ in "ab"
)
STRANGERS: Sequence[Address] = (("127.0.0.1", 9), ("192.0.2.7", 4_000))


class Twins:
    """Two relays, four legs, and what is known of them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sockets = [open_socket("127.0.0.1", 0) for _ in range(2)]
        self.python = PythonRelay(self.sockets[0], clock=self.clock, wake=lambda: None)
        self.native = NativeRelay(self.sockets[1], clock=self.clock, wake=lambda: None, is_stepped=True)
        self.sinks = [bound_socket() for _ in range(LEGS + 2)]
        self.addresses: list[Address] = [*(sink.getsockname() for sink in self.sinks), *STRANGERS]
        self.handles = [0] * LEGS
        self.terms = [0] * LEGS
        self.taps: list[tuple[Tap, Tap] | None] = [None] * LEGS
        self.senders = [
            session(KEYS[each].inbound, Policy.SSRC_ANY_OUTBOUND, KEYS[each].profile) for each in range(LEGS)
        ]
        self.sent: list[bytes] = []
        self.delivered = 0

    def close(self) -> None:
        for relay in (self.python, self.native):
            relay.close()
        for sock in (*self.sockets, *self.sinks):
            sock.close()

    def both(self, act: Callable[[Relay], Any]) -> tuple[Any, Any]:
        """Do something to each and look at everything."""
        answers = act(self.python), act(self.native)
        self.compare()
        return answers

    def compare(self) -> None:
        ours, its = (self.rows(relay) for relay in (self.python, self.native))
        assert ours == its, [
            (at // COLUMNS, at % COLUMNS, a, b)
            for at, (a, b) in enumerate(zip(ours, its, strict=True))
            if a != b
        ]

    @staticmethod
    def rows(relay: Relay) -> list[int]:
        return list(relay.counters()[: ROWS_COMPARED * COLUMNS])

    # What a script may do; each is named by its first word.

    def add(self, leg: int, terms: int) -> None:
        self.remove(leg)
        spec = LegSpec(
            ssrc_out=0xA000 + leg,
            voice=TERMS[terms],
            video=VIDEOS[terms],
            video_ssrc_out=0xB000 + leg,
            rtx_ssrc_out=0xC000 + leg,
        )
        one, other = self.both(lambda relay: relay.add_leg(spec))
        assert one == other
        self.handles[leg] = one
        self.terms[leg] = terms

    def remove(self, leg: int) -> None:
        self.both(lambda relay: relay.remove_leg(self.handles[leg]))

    def key(self, leg: int) -> None:
        self.both(lambda relay: relay.set_keys(self.handles[leg], KEYS[leg]))

    def path(self, leg: int, at: int) -> None:
        self.both(lambda relay: relay.set_path(self.handles[leg], self.addresses[at]))

    def link(self, one: int, other: int) -> None:
        self.both(lambda relay: relay.link(self.handles[one], self.handles[other]))

    def unlink(self, leg: int) -> None:
        self.both(lambda relay: relay.unlink(self.handles[leg]))

    def mute(self, leg: int, muted: bool) -> None:
        self.both(lambda relay: relay.mute(self.handles[leg], muted=muted))

    def tap(self, leg: int) -> None:
        one, other = self.both(lambda relay: relay.tap(self.handles[leg]))
        self.taps[leg] = one, other

    def untap(self, leg: int) -> None:
        self.both(lambda relay: relay.untap(self.handles[leg]))

    def wait(self, ns: int) -> None:
        self.clock.advance(ns=ns)

    def listen(self) -> None:
        """Compare what was tapped and what was handed up."""
        for pair in self.taps:
            if pair is not None:
                one, other = pair
                assert one.drain() == other.drain()
                assert one.overwritten == other.overwritten
        heard, its = self.both(drained)
        assert heard == its

    def seal(self, leg: int, head: bytes, rest: bytes) -> bytes | None:
        """A packet as the leg's app would send it; None where libsrtp would not."""
        try:
            return self.senders[leg].protect(head + rest)
        except (Error, ValueError):
            return None

    def give(self, data: bytes, at: int) -> None:
        """One datagram to each twin; what they send must be the same."""
        address, data = self.addresses[at], data[: DATAGRAM_BYTES_MAX + 1]
        self.python._buffer.view[: len(data)] = data
        self.python._take(len(data), address)
        ours = self.arrived()
        self.native.engine.take(data, pack(address), self.clock.monotonic_ns())
        its = self.arrived()
        assert ours == its
        self.delivered += len(ours)
        self.compare()

    def arrived(self) -> list[tuple[int, bytes]]:
        """Everything that lies at the sinks."""
        found: list[tuple[int, bytes]] = []
        for at, sink in enumerate(self.sinks):
            try:
                while True:
                    found.append((at, sink.recv(4_096)))
            except BlockingIOError:
                continue
        return found


def drained(relay: Relay) -> list[ControlDatagram]:
    """Everything that was handed up."""
    found: list[ControlDatagram] = []
    while batch := relay.drain_control():
        found.extend(batch)
    return found


def settle(twins: Twins, *terms: int) -> None:
    """Four legs as calls have them: terms, keys, paths, two links."""
    for leg in range(LEGS):
        twins.add(leg, terms[leg] if terms else (0, 1, 2, 0)[leg])
        twins.key(leg)
        twins.path(leg, leg)
    twins.link(0, 1)
    twins.link(2, 3)
    for leg in (0, 2):
        twins.tap(leg)
