"""A leg's app with a real handshake: own socket, checks, DTLS and SRTP; no jitter buffer, no codec.

Every step is a call, so a test may do it wrongly, twice, or from elsewhere.
"""

import asyncio
import secrets
import socket
from collections.abc import Sequence

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.sdp import SessionDescription

from gateway.media.demux import Kind, classify
from gateway.media.request import Request
from gateway.media.rtcp import parse, receiver_report
from gateway.media.rtp import FIXED
from tests.media.handset import WAIT_S, Heard, bound_socket, read

CERTIFICATES = [RTCCertificate.generateCertificate() for _ in range(3)]
"""Made once: a key costs more than a handshake."""


HANDSHAKE, CLIENT_HELLO = 22, 1
"""DTLS record type and handshake type (RFC 6347)."""


def halves(record: bytes) -> tuple[bytes, bytes]:
    """One handshake record as two, each with half of the message (RFC 6347 section 4.2.3)."""
    head, message, body = record[:5], record[13:19], record[25:]
    middle = len(body) // 2
    parts = []
    # The second number is far from those that the library goes on with, and within the window.
    for number, offset, part in ((0, 0, body[:middle]), (40, middle, body[middle:])):
        fragment = message + offset.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part
        parts.append(head + number.to_bytes(6, "big") + len(fragment).to_bytes(2, "big") + fragment)
    return parts[0], parts[1]


class AppIce:
    """What aiortc's DTLS transport needs of an ICE transport."""

    role = "controlling"
    state = "completed"

    def __init__(self, app: "App") -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.splits_hello = False
        """Whether a client hello goes out as two fragments, as one with large key shares has to."""
        self._app = app

    async def _recv(self) -> bytes:
        datagram = await self.queue.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        is_hello = datagram[0] == HANDSHAKE and datagram[13] == CLIENT_HELLO
        for part in halves(datagram) if is_hello and self.splits_hello else (datagram,):
            self._app.send(part)


class AppDtls(RTCDtlsTransport):
    """The client's end; SRTP is done by hand."""

    @property
    def is_up(self) -> bool:
        return self.state == "connected"

    def become_client(self) -> None:
        self._set_role("client")

    def protect(self, packet: bytes) -> bytes:
        return self._tx_srtp.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._tx_srtp.protect_rtcp(packet)

    def unprotect(self, packet: bytes) -> bytes:
        return self._rx_srtp.unprotect(packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        return self._rx_srtp.unprotect_rtcp(packet)


class App:
    """One participant's app."""

    def __init__(self, certificate: RTCCertificate = CERTIFICATES[0], *, host: str = "127.0.0.1") -> None:
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(16)
        self.ssrc = secrets.randbits(32)
        self.sock = bound_socket(host)
        self.certificate = certificate
        self.ice = AppIce(self)
        self.dtls = AppDtls(self.ice, [certificate])  # type: ignore[arg-type]
        self.dtls.become_client()
        self.heard: asyncio.Queue[Heard] = asyncio.Queue()
        self.reports: asyncio.Queue[bytes] = asyncio.Queue()
        self.checks: asyncio.Queue[stun.Message] = asyncio.Queue()
        self.target = ("127.0.0.1", 9)
        self.far_ufrag = self.far_pwd = ""
        self.far_ssrc = self.far_picture_ssrc = 0
        self._far: SessionDescription | None = None
        asyncio.get_running_loop().add_reader(self.sock, self._readable)

    def video_offer(self, *, codec: str = "VP8") -> str:
        """An offer of voice and video."""
        parameters = {"VP8": "x=1", "H264": "packetization-mode=1;profile-level-id=42e01f"}[codec]
        lines = (
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
            "a=mid:1",
            "a=sendrecv",
            "a=rtcp-mux",
            f"a=rtpmap:96 {codec}/90000",
            f"a=fmtp:96 {parameters}",
            "a=rtcp-fb:96 nack pli",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
        )
        return self.offer(lines=lines).replace("BUNDLE 0", "BUNDLE 0 1")

    def offer(self, *, fingerprint: str | None = None, lines: Sequence[str] = ()) -> str:
        """An offer of voice alone; `lines` come at its end."""
        sha256 = self.certificate.getFingerprints()[0].value
        return "\r\n".join(
            (
                "v=0",
                "o=- 1 1 IN IP4 127.0.0.1",
                "s=-",
                "t=0 0",
                "a=group:BUNDLE 0",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "a=mid:0",
                "a=sendrecv",
                "a=rtcp-mux",
                f"a=ice-ufrag:{self.ufrag}",
                f"a=ice-pwd:{self.pwd}",
                f"a=fingerprint:sha-256 {fingerprint or sha256}",
                "a=setup:actpass",
                "a=rtpmap:111 opus/48000/2",
                "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                *lines,
                "",
            )
        )

    def take(self, answer: str) -> None:
        """Learn the gateway's end from its answer."""
        self._far = SessionDescription.parse(answer)
        media = self._far.media[0]
        assert media.ice is not None
        self.far_ufrag, self.far_pwd = media.ice.usernameFragment or "", media.ice.password or ""
        self.target = (media.ice_candidates[0].ip, media.ice_candidates[0].port)
        self.far_ssrc = media.ssrc[0].ssrc
        for other in self._far.media[1:]:
            self.far_picture_ssrc = other.ssrc[0].ssrc if other.kind == "video" else 0

    def restart(self) -> None:
        """New ICE credentials, for the next offer."""
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(16)

    def binding(
        self, *, pwd: str | None = None, username: str | None = None, nominates: bool = True
    ) -> bytes:
        """A check; with `pwd=""` it has no integrity."""
        request = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            attributes={
                "USERNAME": username or f"{self.far_ufrag}:{self.ufrag}",
                "PRIORITY": 2_130_706_431,
                "ICE-CONTROLLING": secrets.randbits(64),
            },
        )
        if nominates:
            request.attributes["USE-CANDIDATE"] = None
        if pwd != "":
            request.add_message_integrity((pwd or self.far_pwd).encode())
        return bytes(request)

    async def check(self, *, nominates: bool = True) -> stun.Message:
        """Send a check and wait for its answer."""
        self.send(self.binding(nominates=nominates))
        return await asyncio.wait_for(self.checks.get(), WAIT_S)

    async def shake_hands(self) -> bool:
        """The DTLS handshake; whether it came up."""
        assert self._far is not None
        dtls = self._far.media[0].dtls
        assert dtls is not None
        announced = [RTCDtlsFingerprint(each.algorithm, each.value) for each in dtls.fingerprints]
        await asyncio.wait_for(self.dtls.start(RTCDtlsParameters(fingerprints=announced)), WAIT_S)
        return self.dtls.is_up

    async def join(self, answer: str) -> None:
        """Everything from the answer to a connected leg."""
        self.take(answer)
        await self.check()
        assert await self.shake_hands()

    def packet(self, seq: int, payload: bytes = b"opus", *, level: int = 30) -> bytes:
        head = FIXED.pack(0x90, 111, seq & 0xFFFF, 960 * seq, self.ssrc)
        return self.dtls.protect(head + bytes((0xBE, 0xDE, 0, 1, 0x10, 0x80 | level, 0, 0)) + payload)

    @property
    def picture_ssrc(self) -> int:
        """The source that its video is sent as."""
        return self.ssrc ^ 1

    def show(self, seq: int, payload: bytes = b"picture") -> None:
        """Send one packet of video."""
        head = FIXED.pack(0x80, 96, seq & 0xFFFF, 3_000 * seq, self.picture_ssrc)
        self.send(self.dtls.protect(head + payload))

    def ask(self, *requests: bytes) -> None:
        """Send requests about the picture that is seen."""
        self.send(self.dtls.protect_rtcp(receiver_report(self.ssrc) + b"".join(requests)))

    async def hear_request(self) -> Request:
        """The next request of a viewer; what else is reported is passed over."""
        while True:
            compound = parse(await self.hear_report())
            assert compound is not None
            if compound.requests:
                return compound.requests[0]

    def speak(self, seq: int, payload: bytes = b"opus") -> None:
        self.send(self.packet(seq, payload))

    def send(self, datagram: bytes) -> None:
        self.sock.sendto(datagram, self.target)

    async def hear(self) -> Heard:
        return await asyncio.wait_for(self.heard.get(), WAIT_S)

    async def hear_report(self) -> bytes:
        """The next compound RTCP packet, decrypted."""
        return await asyncio.wait_for(self.reports.get(), WAIT_S)

    def move(self) -> socket.socket:
        """Go on from another port; the old socket is handed back still open."""
        loop = asyncio.get_running_loop()
        old, self.sock = self.sock, bound_socket()
        loop.remove_reader(old)
        loop.add_reader(self.sock, self._readable)
        return old

    async def leave(self) -> None:
        """Close DTLS as a page does."""
        await self.dtls.stop()

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.sock)
        await self.dtls.stop()
        self.ice.queue.put_nowait(None)
        await asyncio.sleep(0)
        self.sock.close()

    def _readable(self) -> None:
        try:
            while True:
                self._take(self.sock.recv(4_096))
        except OSError:
            return

    def _take(self, datagram: bytes) -> None:
        kind = classify(datagram[0], datagram[1])
        if kind is Kind.STUN:
            message = stun.parse_message(datagram)
            if message.message_class is stun.Class.RESPONSE:
                self.checks.put_nowait(message)
        elif kind is Kind.DTLS:
            self.ice.queue.put_nowait(datagram)
        elif not self.dtls.is_up:
            return
        elif kind is Kind.RTCP:
            self.reports.put_nowait(self.dtls.unprotect_rtcp(datagram))
        elif kind is Kind.RTP:
            self.heard.put_nowait(read(self.dtls.unprotect(datagram)))
