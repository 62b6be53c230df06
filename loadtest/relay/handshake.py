"""Real legs through the crowd's one socket: offers, checks, DTLS, and what each leg will say.

Decides whose datagram one is by where it came from (such a server has a port for
each leg), and when a leg is up. Offers go to the server by whatever way it has.
The leg itself is `loadtest/light_leg.py`'s; its voice is taken at its transport,
encrypted, and kept for the crowd to send on time.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from aiortc.sdp import SessionDescription

from gateway.sdk.problem import NothingCame
from loadtest.light_leg import LightLeg
from loadtest.relay.batch import IP_PKTINFO, Address, source_of
from loadtest.relay.contender import Unready
from loadtest.relay.crowd import Crowd, Line
from loadtest.relay.own import SPEECH
from loadtest.session_description import far_end
from loadtest.voice import Recording

CALLS_AT_ONCE = 4
_CONTROL_HEADER_BYTES = 16

Ask = Callable[[list[str]], Awaitable[list[str]]]
"""The server's answers to both offers of a call."""


class _OneAppsEnd(asyncio.DatagramTransport):
    """The crowd's socket as one app has it."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        super().__init__({"sockname": address})
        self.kept: list[bytes] | None = None
        """Where a list, datagrams are kept in it instead of being sent."""
        self._sock = sock
        control = source_of(address[0])
        self._control = ((socket.IPPROTO_IP, IP_PKTINFO, control[_CONTROL_HEADER_BYTES:-4]),)

    def sendto(self, data: Any, addr: Any = None) -> None:
        """One datagram from this app's address."""
        if self.kept is not None:
            self.kept.append(bytes(data))
        else:
            self._sock.sendmsg([data], self._control, 0, addr)

    def close(self) -> None:
        """The socket is the crowd's."""


class Handshakes:
    """Every leg of a crowd against a server with signalling."""

    def __init__(self, crowd: Crowd, *, host: str | None = None) -> None:
        """`host` is the address that all apps share, where loopback addresses of their own will not do."""
        self._crowd = crowd
        self._addresses = [(host or own, port) for own, port in crowd.addresses]
        recording, certificate = Recording.load(SPEECH), RTCCertificate.generateCertificate()
        self._ends = [_OneAppsEnd(crowd.sock, address) for address in self._addresses]
        self._legs = [LightLeg(recording, certificate) for _ in self._ends]
        for leg, end in zip(self._legs, self._ends, strict=True):
            leg.connection_made(end)
        self._leg_at: dict[Address, LightLeg] = {}
        self._answers: dict[int, str] = {}

    async def run(self, ask: Ask) -> None:
        """Bring every leg up.

        Raises:
            Unready: one did not come up.
        """
        loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(CALLS_AT_ONCE)
        loop.add_reader(self._crowd.sock, self._read)
        try:
            await asyncio.gather(*(self._call(number, ask, gate) for number in range(self._crowd.calls)))
        except NothingCame as problem:
            raise Unready(str(problem)) from None
        finally:
            loop.remove_reader(self._crowd.sock)

    def lines(self, *, is_echo: bool, is_renumbered: bool) -> list[Line]:
        """What everybody will say; with `is_echo` it comes back to whoever said it, else to the peer."""
        lines = []
        for number, (leg, end) in enumerate(zip(self._legs, self._ends, strict=True)):
            packets: list[bytes] = []
            end.kept = packets
            for _ in range(self._crowd.turns):
                leg.say_next()
            lines.append(
                Line(
                    source=self._addresses[number][0],
                    target=far_end(self._answers[number]).address,
                    packets=packets,
                    heard_as=_ssrc_in(self._answers[number if is_echo else number ^ 1]),
                    is_renumbered=is_renumbered,
                )
            )
        return lines

    async def _call(self, number: int, ask: Ask, gate: asyncio.Semaphore) -> None:
        legs = self._legs[2 * number : 2 * number + 2]
        async with gate:
            answers = await ask([leg.offer() for leg in legs])
            for each, (leg, answer) in enumerate(zip(legs, answers, strict=True)):
                self._answers[2 * number + each] = answer
                self._leg_at[far_end(answer).address] = leg
            await asyncio.gather(*(leg.connect(answer) for leg, answer in zip(legs, answers, strict=True)))

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram, source = self._crowd.sock.recvfrom(2_048)
                if leg := self._leg_at.get(source[:2]):
                    leg.datagram_received(datagram, source)


def _ssrc_in(answer: str) -> int:
    """What the server calls the voice it sends on this leg."""
    return int(SessionDescription.parse(answer).media[0].ssrc[0].ssrc)
