"""Every leg's app in one socket: voice that was encrypted beforehand, sent in batches on time.

Decides who sends when. The apps have loopback addresses of their own and one
port, so one call speaks for many of them and one hears for all; what the crowd
costs is not the relay's. It never sleeps where it has a core of its own, since
to wake a sleeping core is work of whoever sends it a packet. When is spoken is
`pace.py`'s, what became of each packet `heard.py`'s. Never decrypts.
"""

import gc
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.relay.batch import AT_ONCE, HEARD_BYTES, Address, Inbox, Outbox
from loadtest.relay.heard import Heard
from loadtest.relay.pace import PACKETS_PER_S, TICKS, TURN_NS, Pace

TURNS_BEFORE = 25
"""Turns before the counted ones: encoders are made, tables are warm, rhythms are found."""
TURNS_AFTER = 10
"""Turns after them, which push the counted ones out of a jitter buffer."""
HEARD_EVERY_NS = 50_000
"""How often is listened between two instants; more often would fight over the socket with who sends to it."""
REST_NS = 300_000_000
"""How long is listened after the last packet."""
BUFFER_BYTES = 64 * 1024 * 1024
SO_RCVBUFFORCE = 33
_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One app's way through a server."""

    source: str
    """The app's address."""
    target: Address
    """Where its packets go."""
    packets: Sequence[bytes]
    """What it says, one SRTP packet a turn, with sequence numbers that follow each other."""
    heard_as: int
    """SSRC under which the server forwards them."""
    is_renumbered: bool = False
    """Whether the server counts sequence numbers anew."""


class Crowd:
    """All apps; the two of a call follow each other."""

    def __init__(self, calls: int, seconds: int, *, is_spinning: bool = True) -> None:
        """`is_spinning` where it has a core of its own."""
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.buffer_bytes = enlarge(self.sock)
        self.sock.bind(("0.0.0.0", 0))
        self.calls = calls
        self.turns_counted = seconds * PACKETS_PER_S
        self.turns = TURNS_BEFORE + self.turns_counted + TURNS_AFTER
        port = self.sock.getsockname()[1]
        self.addresses = [(f"127.1.{each // 250}.{each % 250 + 1}", port) for each in range(2 * calls)]
        self._is_spinning = is_spinning
        self._inbox = Inbox()
        self._heard_at_ns = 0

    def close(self) -> None:
        """Give the port back."""
        self.sock.close()

    def speak(self, lines: Sequence[Line], cpu_ns: Callable[[], int]) -> Heard:
        """Everybody's voice in real time; `cpu_ns` is the server's processor time whenever it is asked."""
        outbox = Outbox(
            [
                [(line.source, line.target, line.packets[turn]) for line in lines[tick::TICKS]]
                for turn in range(self.turns)
                for tick in range(TICKS)
            ]
        )
        heard = self._expected(lines)
        with _uncollected():
            self._say_all(outbox, heard, cpu_ns)
        return heard

    def _expected(self, lines: Sequence[Line]) -> Heard:
        counted = range(TURNS_BEFORE, TURNS_BEFORE + self.turns_counted)
        heard = Heard(turns=self.turns, counted=counted, ticks=TICKS)
        for number, line in enumerate(lines):
            first = None if line.is_renumbered else _HEADER.unpack_from(line.packets[0])[2]
            heard.expect(line.heard_as, number, first)
        return heard

    def _say_all(self, outbox: Outbox, heard: Heard, cpu_ns: Callable[[], int]) -> None:
        descriptor = self.sock.fileno()
        pace = Pace(time.monotonic_ns() + TURN_NS)
        for turn in range(self.turns):
            if turn in (heard.counted.start, heard.counted.stop):
                heard.mark(cpu_ns(), time.monotonic_ns())
            for tick in range(TICKS):
                now_ns = self._wait(pace.due_ns, heard)
                heard.note_sent(turn, tick, now_ns, outbox.send(descriptor, turn * TICKS + tick))
                pace.keep(now_ns)
        heard.stalled_ns = pace.stalled_ns
        self._wait(pace.due_ns + REST_NS, heard)

    def _wait(self, until_ns: int, heard: Heard) -> int:
        """Listen until then; at least once, however late it is."""
        while True:
            self._listen(heard)
            now_ns = time.monotonic_ns()
            if now_ns >= until_ns:
                return now_ns
            again_ns = min(until_ns, now_ns + HEARD_EVERY_NS)
            if not self._is_spinning:
                time.sleep((again_ns - now_ns) / 1e9)
            while time.monotonic_ns() < again_ns:
                pass

    def _listen(self, heard: Heard) -> None:
        """Take everything that waits."""
        content, descriptor, count = self._inbox.content, self.sock.fileno(), AT_ONCE
        while count == AT_ONCE:
            count = self._inbox.take(descriptor)
            now_ns = time.monotonic_ns()
            for at in range(0, count * HEARD_BYTES, HEARD_BYTES):
                first, second, sequence, _, ssrc = _HEADER.unpack_from(content, at)
                if first >> 6 == 2 and not 192 <= second <= 223:
                    heard.note(ssrc, sequence, now_ns)


def enlarge(sock: socket.socket) -> int:
    """A receive buffer that outlasts a second in which nobody reads, where the kernel allows it; its size."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    # Linux answers twice what it granted (socket(7)).
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


@contextmanager
def _uncollected() -> Iterator[None]:
    """No look at all objects while time is taken."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
