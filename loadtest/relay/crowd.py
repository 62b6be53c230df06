"""Every leg's app in one socket: voice that was encrypted beforehand, sent in batches on time.

Decides who sends when and what became of each packet. The apps have loopback
addresses of their own and one port, so one `sendmmsg` speaks for many of them
and one `recvmmsg` hears for all; what the crowd costs is not the relay's.
Never decrypts: source and sequence number tell which packet came back.
"""

import ctypes
import secrets
import socket
import time
from dataclasses import dataclass

from pylibsrtp import Policy, Session

from gateway.media.rtp import FIXED

PACKETS_PER_S = 50
TICKS = 80
"""Instants in 20 ms at which somebody speaks: every quarter of a millisecond."""
TICK_NS = 1_000_000_000 // PACKETS_PER_S // TICKS
BATCH = 64
PACKET_BYTES = 12 + 8 + 80 + 16
"""Header, audio level, 32 kbit/s of Opus at 20 ms, tag."""
HEARD_BYTES = 2_048
BUFFER_BYTES = 16 * 1024 * 1024

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint32))


class _SourceAddress(ctypes.Structure):
    """A control message that names the address a datagram leaves from (ip(7), IP_PKTINFO)."""

    _fields_ = (
        ("length", ctypes.c_size_t),
        ("level", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("interface", ctypes.c_int),
        ("source", ctypes.c_uint32),
        ("destination", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
    )


IP_PKTINFO = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One leg's app."""

    address: tuple[str, int]
    inbound: bytes
    """Key and salt of what it sends."""
    outbound: bytes
    """Key and salt of what is sent to it."""
    ssrc: int
    """Its index in the crowd."""
    ssrc_out: int
    """What it hears its peer as: the peer's index, which the floor leaves as it is anyway."""


class Crowd:
    """All apps; the two of a call follow each other."""

    def __init__(self, calls: int, seconds: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self.sock.bind(("0.0.0.0", 0))
        port = self.sock.getsockname()[1]
        self.turns = seconds * PACKETS_PER_S
        self.apps = [
            App(
                address=(f"127.1.{each // 250}.{each % 250 + 1}", port),
                inbound=secrets.token_bytes(44),
                outbound=secrets.token_bytes(44),
                ssrc=each,
                ssrc_out=each ^ 1,
            )
            for each in range(2 * calls)
        ]
        self._voices = [self._voice(app) for app in self.apps]
        self._held: list[object] = []
        self._hear_vectors = (_Vector * BATCH)()
        self._hear_buffer = ctypes.create_string_buffer(BATCH * HEARD_BYTES)
        self._inbox = (_Message * BATCH)()
        for each in range(BATCH):
            self._hear_vectors[each].base = ctypes.addressof(self._hear_buffer) + each * HEARD_BYTES
            self._hear_vectors[each].length = HEARD_BYTES
            self._inbox[each].header.vectors = ctypes.pointer(self._hear_vectors[each])
            self._inbox[each].header.vector_count = 1

    def _voice(self, app: App) -> ctypes.Array[ctypes.c_char]:
        policy = Policy(
            key=app.inbound,
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        )
        protect = Session(policy).protect
        tail = bytes.fromhex("bede0001") + bytes((0x10, 0x85, 0, 0)) + secrets.token_bytes(80)
        packets = b"".join(
            protect(FIXED.pack(0x90, 111, seq, 960 * seq, app.ssrc) + tail) for seq in range(self.turns)
        )
        return ctypes.create_string_buffer(packets, len(packets))

    def speak(self, target: tuple[str, int]) -> "Heard":
        """Everybody's voice in real time through the relay at `target`."""
        slots = [self._slot(target, self.apps[tick::TICKS]) for tick in range(TICKS)]
        heard = Heard(self.turns, len(self.apps))
        start_ns = time.monotonic_ns() + 10_000_000
        descriptor = self.sock.fileno()
        for turn in range(self.turns):
            for tick, (outbox, vectors, bases) in enumerate(slots):
                due_ns = start_ns + (turn * TICKS + tick) * TICK_NS
                while (now_ns := time.monotonic_ns()) < due_ns:
                    self._listen(descriptor, heard)
                    time.sleep(min(due_ns - now_ns, TICK_NS) / 1e9)
                for vector, base in zip(vectors, bases, strict=True):
                    vector.base = base + turn * PACKET_BYTES
                heard.sent_at_ns[turn * TICKS + tick] = time.monotonic_ns()
                if outbox is not None:
                    heard.sent += max(0, _LIBC.sendmmsg(descriptor, outbox, len(vectors), 0))
        until_ns = time.monotonic_ns() + 300_000_000
        while time.monotonic_ns() < until_ns:
            self._listen(descriptor, heard)
            time.sleep(0.001)
        return heard

    def _slot(
        self, target: tuple[str, int], apps: list[App]
    ) -> "tuple[ctypes.Array[_Message] | None, ctypes.Array[_Vector], list[int]]":
        """What is sent at one instant: messages, their vectors, and where each voice begins."""
        name = socket.AF_INET.to_bytes(2, "little") + target[1].to_bytes(2, "big")
        name += socket.inet_aton(target[0]) + bytes(8)
        vectors, outbox = (_Vector * len(apps))(), (_Message * len(apps))()
        for at, app in enumerate(apps):
            vectors[at].length = PACKET_BYTES
            source = int.from_bytes(socket.inet_aton(app.address[0]), "little")
            control = _SourceAddress(28, socket.IPPROTO_IP, IP_PKTINFO, 0, source, 0, 0)
            held = ctypes.create_string_buffer(name, len(name))
            header = outbox[at].header
            header.vectors, header.vector_count = ctypes.pointer(vectors[at]), 1
            header.name, header.name_length = ctypes.addressof(held), len(name)
            header.control, header.control_length = ctypes.addressof(control), ctypes.sizeof(control)
            self._held.extend((control, held))
        bases = [ctypes.addressof(self._voices[app.ssrc]) for app in apps]
        return (outbox if apps else None), vectors, bases

    def _listen(self, descriptor: int, heard: "Heard") -> None:
        """Take everything that waits."""
        count = BATCH
        while count == BATCH:
            count = _LIBC.recvmmsg(descriptor, self._inbox, BATCH, socket.MSG_DONTWAIT, None)
            now_ns = time.monotonic_ns()
            for at in range(count):
                _, _, turn, _, ssrc = FIXED.unpack_from(self._hear_buffer, at * HEARD_BYTES)
                heard.note(ssrc, turn, now_ns)


class Heard:
    """What came back, and how long it was under way."""

    def __init__(self, turns: int, apps: int) -> None:
        self.sent = 0
        self.received = 0
        self.sent_at_ns = [0] * (turns * TICKS)
        self.delays_us: list[float] = []
        self._apps = apps

    def note(self, ssrc: int, turn: int, now_ns: int) -> None:
        """A packet came to the app that knows its peer by that source."""
        if ssrc < self._apps:
            self.received += 1
            at_ns = self.sent_at_ns[turn * TICKS + ssrc % TICKS]
            self.delays_us.append((now_ns - at_ns) / 1_000)
