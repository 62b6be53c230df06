"""A leg without a codec: one UDP socket, ICE checks, real DTLS, real SRTP.

Decides how a datagram is told apart (RFC 7983) and keeps the way open by consent.
DTLS is aiortc's own transport on a socket of ours, as in the gateway, but from the
client's end; keys for SRTP come out of that handshake.
Never encodes or decodes sound; `voice.py` has it encoded already.
"""

import asyncio
import contextlib
import secrets
import time
from typing import cast

import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

from gateway.sdk.problem import NothingCame
from loadtest import session_description, stun_client
from loadtest.dtls_path import DtlsPath
from loadtest.session_description import FarEnd
from loadtest.stamps import Stamps
from loadtest.stun_client import Address, Credentials
from loadtest.voice import Recording, Voice

LOOPBACK = "127.0.0.1"
CONNECT_S = 10.0
CHECK_S = 0.1
"""Pause between checks until the first answer."""
SOCKET_BUFFER_BYTES = 1 << 20


class LightLeg(asyncio.DatagramProtocol):
    """One participant's media, both ways."""

    def __init__(self, recording: Recording, certificate: RTCCertificate) -> None:
        """`certificate` may serve many legs; making one costs more than a call."""
        self.voice = Voice(recording)
        self.stamps = Stamps(self.voice, recording)
        self.far_stamps: Stamps | None = None
        """The other participant's sending times, to compare arrivals with."""
        self.heard = asyncio.Event()
        """Set by the first authenticated packet of the other side."""
        self.heard_at_ns = 0
        self.last_heard_ns = 0
        """When the last one came."""
        self.last_said_ns = 0
        """When it last sent voice."""
        self.received = 0
        """Authenticated RTP packets from the gateway."""
        self.bad = 0
        """SRTP packets that failed authentication."""
        self._certificate = certificate
        self._mine = Credentials.fresh()
        self._far: FarEnd | None = None
        self._checked = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._path = DtlsPath(self.send)
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self._path), [certificate])
        self._inbound: pylibsrtp.Session | None = None
        self._outbound: pylibsrtp.Session | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Bind a free port on loopback."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(LOOPBACK, 0))

    def offer(self) -> str:
        """The SDP to send as `media.offer`."""
        assert self._transport is not None, "open first"
        local: Address = self._transport.get_extra_info("sockname")[:2]
        fingerprints = self._certificate.getFingerprints()
        (fingerprint,) = [each.value for each in fingerprints if each.algorithm == "sha-256"]
        return session_description.offer(
            mine=self._mine, local=local, ssrc=self.voice.ssrc, fingerprint=fingerprint
        )

    async def connect(self, answer: str) -> None:
        """Check the path, shake hands, take the keys.

        Raises:
            NothingCame: no answer within CONNECT_S, or the handshake failed.
        """
        self._far = session_description.far_end(answer)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._check()
                role = "server" if self._far.dtls.role == "client" else "client"
                self._dtls._set_role(role)  # noqa: SLF001 - aiortc's peer connection sets it so too
                await self._dtls.start(self._far.dtls)
        except TimeoutError:
            raise NothingCame(f"no connection within {CONNECT_S} s") from None
        if self._dtls.state != "connected":
            raise NothingCame(f"DTLS {self._dtls.state}")
        self._inbound = self._dtls._rx_srtp  # noqa: SLF001 - the keys' only way out
        self._outbound = self._dtls._tx_srtp  # noqa: SLF001
        self._tasks.append(asyncio.create_task(self._keep_consent()))

    def say_next(self) -> None:
        """Send the next 20 ms."""
        if self._outbound is None:
            return
        sequence, packet = self.voice.next_packet()
        protected = self._outbound.protect(packet)
        self.last_said_ns = time.monotonic_ns()
        self.stamps.note_sent(sequence, self.last_said_ns)
        self.send(protected)

    def send(self, datagram: bytes) -> None:
        """Send one datagram to the gateway."""
        if self._transport is not None and self._far is not None:
            self._transport.sendto(datagram, self._far.address)

    async def roam(self) -> None:
        """Go on from another port, as a phone in another network; returns when a check from there was answered.

        Raises:
            NothingCame: none was within CONNECT_S.
        """
        before = self._transport
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(LOOPBACK, 0))
        assert before is not None, "open first"
        before.close()
        self._checked.clear()
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._check()
        except TimeoutError:
            raise NothingCame(f"no check from the new port was answered within {CONNECT_S} s") from None

    def vanish(self) -> None:
        """Be gone from one packet to the next, without a goodbye."""
        for task in self._tasks:
            task.cancel()
        self._outbound = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def close(self) -> None:
        """Say goodbye by DTLS and give the port back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._outbound = None
        with contextlib.suppress(ConnectionError):
            await self._dtls.stop()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio hands over the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Tell datagrams apart by their first byte (RFC 7983)."""
        first = data[0] if data else 0
        if 128 <= first <= 191:
            self._take_srtp(data)
        elif 20 <= first <= 63:
            self._path.put(data)
        elif first <= 3:
            self._take_stun(data, addr)

    def _take_srtp(self, data: bytes) -> None:
        if self._inbound is None:
            return
        try:
            if 192 <= data[1] <= 223:
                self._inbound.unprotect_rtcp(data)
                return
            packet = self._inbound.unprotect(data)
        except pylibsrtp.Error:
            self.bad += 1
            return
        now_ns = time.monotonic_ns()
        self.received += 1
        self.last_heard_ns = now_ns
        if not self.heard_at_ns:
            self.heard_at_ns = now_ns
            self.heard.set()
        if self.far_stamps is not None:
            self.far_stamps.note_arrived(packet, now_ns)

    def _take_stun(self, data: bytes, source: Address) -> None:
        if self._far is not None and stun_client.is_answer(data, self._far.credentials):
            self._checked.set()
        elif reply := stun_client.answer(data, source, self._mine):
            self.send(reply)

    async def _check(self) -> None:
        assert self._far is not None, "connect sets it"
        while not self._checked.is_set():
            self.send(stun_client.check(self._mine, self._far.credentials))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._checked.wait(), CHECK_S)

    async def _keep_consent(self) -> None:
        assert self._far is not None, "connect sets it"
        while True:
            await asyncio.sleep(stun_client.CONSENT_S * (0.8 + 0.4 * secrets.randbelow(1000) / 1000))
            self.send(stun_client.check(self._mine, self._far.credentials))
