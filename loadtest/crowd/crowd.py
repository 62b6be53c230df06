"""One socket that speaks for every leg, each from a loopback address of its own.

Decides which address a leg has and hands control datagrams to the leg they came for. Two threads run
beside the event loop: one speaks and hears (`engine.pyx`), one keeps this processor awake with time
that nobody wants, because to wake a sleeping one would be measured as the gateway's work.
Never judges, never shakes hands (`leg.py`).
"""

import asyncio
import secrets
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from gateway.media.adapters.dtls import SharedCertificate
from gateway.media.adapters.srtp import native_functions
from loadtest.stun_client import Address
from loadtest.voice import Recording, extension

if TYPE_CHECKING:
    from loadtest.crowd.engine import Engine

IP_PKTINFO = 8
"""Socket option and control message of ip(7); Python has no name for it."""
BUFFER_BYTES = 16 * 1024 * 1024
SILENCE_DBOV = -127
NETWORK = 127 << 24
_SOURCE = struct.Struct("=iII")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How everybody speaks."""

    has_silences: bool = False
    """Talk spurts, with a frame every 400 ms between them, as Opus does with DTX."""
    loss: float = 0.0
    """Share of packets that never leave."""
    jitter_ms: float = 0.0
    """By how much a packet may leave late; the order is kept."""


class Hearer(Protocol):
    """A leg, as the crowd sees it."""

    def take(self, datagram: bytes, at_ns: int) -> None:
        """STUN, DTLS or RTCP came; an empty one says that the first voice was heard."""
        ...


class Crowd:
    """Every leg's way to the network; use as an async context manager."""

    def __init__(self, recording: Recording, habits: Habits) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self._sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._sock.bind(("0.0.0.0", 0))
        self._port: int = self._sock.getsockname()[1]
        unprotect, protect = native_functions()
        silence = extension(SILENCE_DBOV) + recording.payloads[0][:1]
        self.engine = _engine()(
            self._sock.fileno(),
            [*recording.tails, silence],
            extension_bytes=len(extension(SILENCE_DBOV)),
            unprotect=unprotect,
            protect=protect,
        )
        self.engine.shape(
            jitter_ns=round(habits.jitter_ms * 1e6),
            loss=round(habits.loss * 1e6),
            has_silences=habits.has_silences,
        )
        self.certificate = SharedCertificate.generateCertificate()
        """Serves every leg; making one costs more than a call."""
        self._hearers: dict[int, Hearer] = {}
        self._threads = [
            threading.Thread(target=target, name=f"crowd-{target.__name__}", daemon=True)
            for target in (self.engine.run, self.engine.stay_awake)
        ]

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self.engine.wake_fd, self._woken)
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self.engine.wake_fd)
        self.engine.stop()
        for thread in self._threads:
            thread.join()
        self._sock.close()

    def join(self, number: int, other: int, hearer: Hearer) -> int:
        """Take leg `number`, which talks with leg `other`, in; answers its SSRC."""
        ssrc = secrets.randbits(32)
        source = _network_order(self.address(number, 0)[0])
        self.engine.add(number, other=other, source=source, ssrc=ssrc, seed=secrets.randbits(63) + 1)
        self._hearers[number] = hearer
        return ssrc

    def leave(self, number: int) -> None:
        """The leg is over; its keys may go."""
        if self._hearers.pop(number, None) is not None:
            self.engine.remove(number)

    def address(self, number: int, moves: int) -> Address:
        """Where the leg is after so many moves."""
        host = NETWORK | (1 + moves) << 16 | (number + 1)
        return socket.inet_ntoa(host.to_bytes(4, "big")), self._port

    def speak(self, number: int, *, opener: int, sealer: int, far: Address, at_ns: int) -> None:
        """Speak to the gateway at `far` with these sessions of libsrtp, from that instant on."""
        self.engine.speak(
            number,
            opener=opener,
            sealer=sealer,
            host=_network_order(far[0]),
            port=socket.htons(far[1]),
            at_ns=at_ns,
        )

    def roam(self, number: int, moves: int) -> None:
        """From now on the leg is elsewhere."""
        self.engine.roam(number, _network_order(self.address(number, moves)[0]))

    def send(self, datagram: bytes, source: Address, target: Address) -> None:
        """One control datagram."""
        info = _SOURCE.pack(0, _network_order(source[0]), 0)
        self._sock.sendmsg([datagram], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, target)

    def cpu_s(self) -> float:
        """Processor seconds of this process, without what keeps the processor awake."""
        return time.process_time() - self.engine.awake_ns / 1e9

    def took_ms(self, rank: float) -> float:
        """What no more than `rank` percent of the counted packets took; infinite without any."""
        return percentile_of_steps(self.engine.took(), rank) * self.engine.step_ns / 1e6

    def _woken(self) -> None:
        self.engine.woken()
        for number, datagram, at_ns in self.engine.drain():
            hearer = self._hearers.get(number)
            if hearer is not None:
                hearer.take(datagram, at_ns)


def _engine() -> "type[Engine]":
    """Looked for when it is needed: the other load tests run without a compiler."""
    from loadtest.crowd.engine import Engine

    return Engine


def percentile_of_steps(steps: Sequence[int], rank: float) -> float:
    """The upper end of the step that the nearest rank falls into; infinite without any, and in the last one."""
    left = sum(steps) * rank / 100
    if not left:
        return float("inf")
    for number, count in enumerate(steps[:-1], start=1):
        left -= count
        if left <= 0:
            return number
    return float("inf")


def _network_order(host: str) -> int:
    return int.from_bytes(socket.inet_aton(host), "little")
