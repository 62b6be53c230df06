"""Millions of broken datagrams to one UDP port, by sendmmsg from a process of its own.

Decides which datagrams go and in what order (the seed alone does), and how fast:
as fast as the gateway's own socket is read, so that what is lost is lost to the
gateway's rules and not to the kernel's queue. Never reads an answer.
Keeps: no more than BACKLOG_BYTES wait in the gateway's socket when a batch goes.
"""

import contextlib
import ctypes
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from itertools import accumulate
from pathlib import Path

from loadtest.fuzz.kept import corpus
from loadtest.fuzz.mutator import BYTES_MAX, mutated

BATCH = 64
"""Datagrams in one call; a batch fits the smallest socket queue that Linux gives."""
POOL_BATCHES = 256
"""Batches that are kept and patched further each time they go."""
FRESH = 1
"""Of a batch, how many are made anew each time."""
PATCHED = 32
"""Of a batch, how many more bytes are changed each time."""
BACKLOG_BYTES = 48 * 1024
"""What may wait in the gateway's socket before a batch goes."""
QUEUED_BYTES = 1_024
"""What a small datagram takes of a socket's queue, with the kernel's own head."""
STRANGERS = 8
"""Sockets of addresses that the gateway never heard of."""
WAIT_S = 0.000_1
WEIGHTS = {"stun": 6, "dtls": 20, "rtp": 34, "rtcp": 20, "noise": 10, "edge": 10}
"""How often each protocol is begun from, of a hundred."""

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


class Batch:
    """BATCH datagrams in memory that the kernel reads."""

    def __init__(self, chance: random.Random) -> None:
        self._memory = bytearray(BATCH * BYTES_MAX)
        self._shared = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        self._vectors = (_Vector * BATCH)()
        self._target: tuple[str, int] | None = None
        self._named = ctypes.create_string_buffer(1)
        self.messages = (_Message * BATCH)()
        base = ctypes.addressof(self._shared)
        for each in range(BATCH):
            self._vectors[each].base = base + each * BYTES_MAX
            header = self.messages[each].header
            header.vectors, header.vector_count = ctypes.pointer(self._vectors[each]), 1
            self._put(each, fresh(chance))

    def send_to(self, target: tuple[str, int] | None) -> None:
        """Name the address in every message; None for a socket that is connected."""
        if target == self._target:
            return
        self._target = target
        name = b"" if target is None else _name(target)
        self._named = ctypes.create_string_buffer(name, max(1, len(name)))
        for message in self.messages:
            message.header.name = ctypes.addressof(self._named) if name else None
            message.header.name_length = len(name)

    def change(self, chance: random.Random) -> None:
        """Break it further: some anew, some bytes of the others."""
        first = chance.randrange(BATCH)
        for each in range(first, first + FRESH):
            self._put(each % BATCH, fresh(chance))
        noise = chance.randbytes(4 * PATCHED)
        for at in range(0, len(noise), 4):
            # Near the front, where the headers are.
            place = noise[at] % BATCH * BYTES_MAX + (noise[at + 1] & 0x3F if at & 4 else noise[at + 1])
            self._memory[place] = noise[at + 3]

    def _put(self, at: int, datagram: bytes) -> None:
        start = at * BYTES_MAX
        self._memory[start : start + len(datagram)] = datagram
        self._vectors[at].length = len(datagram)


def _name(target: tuple[str, int]) -> bytes:
    """An IPv4 address as the kernel's structure has it."""
    return (
        socket.AF_INET.to_bytes(2, sys.byteorder)
        + target[1].to_bytes(2, "big")
        + socket.inet_aton(target[0])
        + bytes(8)
    )


_KINDS = tuple(WEIGHTS)
_UP_TO = tuple(accumulate(WEIGHTS.values()))


def fresh(chance: random.Random) -> bytes:
    """One broken datagram."""
    (kind,) = chance.choices(_KINDS, cum_weights=_UP_TO)
    if kind == "noise":
        return chance.randbytes(chance.randint(1, 200))
    if kind == "edge":
        size = chance.choice((1, 2, 11, 12, 13, 2_047, 2_048, 2_049, BYTES_MAX))
        return bytes((chance.choice((0, 1, 22, 128, 144, 255)),)) * size
    seeds = corpus(kind)
    return mutated(chance.choice(seeds), seeds, chance)


_PROGRESS = struct.Struct("!Qd")
"""Datagrams that the kernel took, seconds in which the gateway was behind."""


class Volley:
    """The process that sends, seen from the one that measures.

    Args:
        target: the gateway's UDP address.
        seed: decides every byte.
    """

    def __init__(self, target: tuple[str, int], *, seed: int) -> None:
        self._arguments = (target[0], str(target[1]), str(seed))
        self._ours, self._its = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self.sent = 0
        """Datagrams that the kernel took."""
        self.waited_s = 0.0
        """Time in which the gateway was behind."""

    def also_from(self, sock: socket.socket) -> None:
        """Every eighth batch leaves from there: an address that the gateway has latched."""
        socket.send_fds(self._ours, [b"known"], [sock.fileno()])

    def start(self, datagrams: int) -> None:
        """Send so many in the background."""
        end = self._its.fileno()
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__, *self._arguments, str(datagrams), str(end)), pass_fds=(end,)
        )

    @property
    def is_sending(self) -> bool:
        """Whether there is more to come; takes note of how far it is."""
        self._read()
        return self._process is not None and self._process.poll() is None

    @property
    def has_failed(self) -> bool:
        """Whether it ended of itself and not well."""
        return self._process is not None and self._process.returncode not in (0, None, -signal.SIGTERM)

    def stop(self) -> None:
        """End it, where it has not ended."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._read()
        self._ours.close()
        self._its.close()

    def _read(self) -> None:
        try:
            while True:
                self.sent, self.waited_s = _PROGRESS.unpack(self._ours.recv(_PROGRESS.size))
        except OSError:
            return


class _Sender:
    """The loop of the process that sends."""

    def __init__(self, target: tuple[str, int], *, seed: int, control: socket.socket) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._control = control
        self._control.setblocking(False)
        self._strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(STRANGERS)]
        self._known: socket.socket | None = None
        self._sent, self._waited_s = 0, 0.0
        for sock in self._strangers:
            sock.connect(target)

    def run(self, datagrams: int) -> None:
        """Send them all."""
        pool = [Batch(self._chance) for _ in range(POOL_BATCHES)]
        turn, look_every = 0, _batches_between_looks()
        while self._sent < datagrams:
            if turn % look_every == 0:
                self._let_it_read()
                self._tell()
            batch = pool[turn % POOL_BATCHES]
            batch.change(self._chance)
            is_known = turn % 8 == 0 and self._known is not None
            sock = self._known if is_known and self._known else self._strangers[turn % STRANGERS]
            self._send(sock, batch, min(BATCH, datagrams - self._sent))
            turn += 1
        self._tell()

    def _send(self, sock: socket.socket, batch: Batch, count: int) -> None:
        if sock is self._known:
            batch.send_to(self._target)
        else:
            batch.send_to(None)
        # A refusal is an ICMP error of an earlier datagram; what it cost is sent again another time.
        self._sent += max(0, _LIBC.sendmmsg(sock.fileno(), batch.messages, count, 0))

    def _let_it_read(self) -> None:
        began = time.monotonic()
        while waiting_bytes(self._target[1]) > BACKLOG_BYTES:
            time.sleep(WAIT_S)
        self._waited_s += time.monotonic() - began

    def _tell(self) -> None:
        """Say how far it is, and take a socket that was handed over."""
        with contextlib.suppress(OSError):
            self._control.send(_PROGRESS.pack(self._sent, self._waited_s))
        with contextlib.suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)
            if self._known is not None:
                self._known.close()
            self._known = socket.socket(fileno=descriptors[0])


def main() -> None:
    """Address, port, seed, how many, and the descriptor of the way back."""
    host, port, seed, datagrams, end = sys.argv[1:]
    control = socket.socket(fileno=int(end))
    _Sender((host, int(port)), seed=int(seed), control=control).run(int(datagrams))


def _batches_between_looks() -> int:
    """As many as half of the largest queue takes that the gateway's socket can have; a look is not cheap."""
    granted = 2 * int(Path("/proc/sys/net/core/rmem_max").read_text())
    return max(1, min(16, granted // 2 // (BATCH * QUEUED_BYTES)))


def waiting_bytes(port: int) -> int:
    """What waits to be read in this machine's UDP sockets on that port (`rx_queue` of /proc/net/udp)."""
    return sum(int(line[4].partition(":")[2], 16) for line in _lines(port))


def kernel_drops(port: int) -> int:
    """Datagrams that the kernel dropped because such a socket was full."""
    return sum(int(line[-1]) for line in _lines(port))


def _lines(port: int) -> list[list[str]]:
    wanted = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines())
    return [row for row in rows if row[1].endswith(wanted)]


if __name__ == "__main__":
    main()
