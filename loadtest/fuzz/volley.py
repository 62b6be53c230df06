"""Millions of broken datagrams to one UDP port, by sendmmsg from a thread of its own.

Decides which datagrams go and in what order (the seed alone does), and how fast:
as fast as the gateway's own socket is read, so that what is lost is lost to the
gateway's rules and not to the kernel's queue. Never reads an answer.
Keeps: no more than BACKLOG_BYTES wait in the gateway's socket when a batch goes.
"""

import ctypes
import random
import socket
import sys
import threading
import time
from collections.abc import Sequence
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
SWITCH_S = 0.000_5
"""How long this thread may keep the calls' thread waiting."""
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
        self.messages = (_Message * BATCH)()
        base = ctypes.addressof(self._shared)
        for each in range(BATCH):
            self._vectors[each].base = base + each * BYTES_MAX
            header = self.messages[each].header
            header.vectors, header.vector_count = ctypes.pointer(self._vectors[each]), 1
            self._put(each, fresh(chance))

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


class Volley:
    """The thread that sends.

    Args:
        target: the gateway's UDP address.
        seed: decides every byte.
        strangers: sockets of addresses that the gateway never heard of.
    """

    def __init__(self, target: tuple[str, int], *, seed: int, strangers: int = 8) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._sockets = [self._connected() for _ in range(strangers)]
        self._known: Sequence[socket.socket] = ()
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.sent = 0
        """Datagrams that the kernel took."""
        self.waited_s = 0.0
        """Time in which the gateway was behind."""
        self.failed: BaseException | None = None

    def also_from(self, sockets: Sequence[socket.socket]) -> None:
        """Every eighth batch leaves from one of these: addresses that the gateway has latched."""
        self._known = tuple(sockets)

    def start(self, datagrams: int) -> None:
        """Send so many in the background."""
        self._thread = threading.Thread(target=self._run, args=(datagrams,), name="volley", daemon=True)
        self._thread.start()

    @property
    def is_sending(self) -> bool:
        """Whether there is more to come."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End at the next batch and give the sockets back."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join()
        for sock in self._sockets:
            sock.close()

    def _run(self, datagrams: int) -> None:
        interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            self._send_all(datagrams)
        except BaseException as failed:
            self.failed = failed
        finally:
            sys.setswitchinterval(interval_s)

    def _send_all(self, datagrams: int) -> None:
        pool = [Batch(self._chance) for _ in range(POOL_BATCHES)]
        turn, look_every = 0, _batches_between_looks()
        while self.sent < datagrams and not self._is_stopping.is_set():
            batch = pool[turn % POOL_BATCHES]
            batch.change(self._chance)
            known = self._known
            sock = (
                known[turn // 8 % len(known)]
                if known and turn % 8 == 0
                else self._sockets[turn % len(self._sockets)]
            )
            if turn % look_every == 0:
                self._let_it_read()
            self._send(sock, batch, min(BATCH, datagrams - self.sent))
            turn += 1

    def _send(self, sock: socket.socket, batch: Batch, count: int) -> None:
        taken = _LIBC.sendmmsg(sock.fileno(), batch.messages, count, 0)
        # A refusal is an ICMP error of an earlier datagram, or a socket that its leg has closed.
        self.sent += max(0, taken)

    def _let_it_read(self) -> None:
        began = time.monotonic()
        while waiting_bytes(self._target[1]) > BACKLOG_BYTES and not self._is_stopping.is_set():
            time.sleep(WAIT_S)
        self.waited_s += time.monotonic() - began

    def _connected(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(self._target)
        return sock


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
