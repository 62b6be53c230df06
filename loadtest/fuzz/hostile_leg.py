"""A leg that is who it says and then says everything wrongly: checks, SRTP, SRTCP and SCTP with the right MACs.

Decides what reaches the gateway's deep code: the keys, the integrity and the
checksums are right, what they cover is broken. It stays under the gateway's
throttles, because what is throttled is not read.
Never counts what became of it; the gateway does.
"""

import asyncio
import contextlib
import secrets
import socket
import struct
from random import Random
from typing import cast

import pylibsrtp
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from google_crc32c import value as crc32c

from gateway.sdk.problem import NothingCame
from loadtest import session_description, stun_client
from loadtest.dtls_path import DtlsPath
from loadtest.fuzz.kept import corpus, one, with_data
from loadtest.fuzz.mutator import mutated
from loadtest.session_description import LEVEL_ID, PAYLOAD_TYPE, FarEnd
from loadtest.stun_client import Credentials

LOOPBACK = "127.0.0.1"
CONNECT_S = 10.0
CHECK_S = 0.1
HEADER_BYTES = 12
"""Of SCTP and of RTP alike."""
INIT_ACK = 2
COOKIE = 7
VOICE_BYTES_MAX = 1_900
"""Of a packet before its tag; what is larger is dropped before it is read."""


class HostileLeg:
    """One participant's media, connected properly."""

    def __init__(self, certificate: RTCCertificate, chance: Random) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((LOOPBACK, 0))
        self.sent = 0
        """Datagrams with a right MAC."""
        self._certificate = certificate
        self._chance = chance
        self._mine = Credentials.fresh()
        self._far: FarEnd | None = None
        self._checked = asyncio.Event()
        self._path = DtlsPath(self.send)
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self._path), [certificate])
        self._ssrc = secrets.randbits(32)
        self._number = secrets.randbits(15)
        self._tag = 0
        self._cookie = b""
        asyncio.get_running_loop().add_reader(self.sock, self._readable)

    @property
    def is_up(self) -> bool:
        """Whether the tunnel stands."""
        return bool(self._dtls.state == "connected")

    @property
    def target(self) -> tuple[str, int]:
        """The gateway's UDP address, once it answered."""
        assert self._far is not None, "connect first"
        return self._far.address

    def offer(self) -> str:
        """Voice and a data channel."""
        (fingerprint,) = [
            each.value for each in self._certificate.getFingerprints() if each.algorithm == "sha-256"
        ]
        local: tuple[str, int] = self.sock.getsockname()
        return with_data(
            session_description.offer(mine=self._mine, local=local, ssrc=self._ssrc, fingerprint=fingerprint)
        )

    async def connect(self, answer: str) -> None:
        """Check the path, shake hands, begin an association.

        Raises:
            NothingCame: no connection within CONNECT_S.
        """
        self._far = session_description.far_end(answer)
        try:
            async with asyncio.timeout(CONNECT_S):
                while not self._checked.is_set():
                    self.send(stun_client.check(self._mine, self._far.credentials))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._checked.wait(), CHECK_S)
                self._dtls._set_role("client")  # noqa: SLF001 - aiortc's peer connection sets it so too
                await self._dtls.start(self._far.dtls)
        except TimeoutError:
            raise NothingCame(f"no connection within {CONNECT_S} s") from None
        if self.is_up:
            self._dtls._register_data_receiver(self)  # noqa: SLF001 - what SCTP does
            await self._tell(one("sctp", "init"), tag=0)

    async def say_something_wrong(self) -> None:
        """One datagram whose MAC is right and whose content is broken."""
        match self._chance.randrange(10):
            case 0 | 1:
                self.send(self._check())
            case 2:
                self._say_rtcp()
            case 3 | 4:
                await self._tell(self._broken("sctp"), tag=self._tag)
            case _:
                self._say_rtp()
        self.sent += 1

    def consent(self) -> None:
        """A check as it should be, so that the path stays."""
        assert self._far is not None, "connect first"
        self.send(stun_client.check(self._mine, self._far.credentials))

    def send(self, datagram: bytes) -> None:
        """Send one datagram to the gateway."""
        if self._far is not None:
            with contextlib.suppress(OSError):
                self.sock.sendto(datagram, self._far.address)

    async def close(self) -> None:
        """Say goodbye and give the port back."""
        asyncio.get_running_loop().remove_reader(self.sock)
        with contextlib.suppress(ConnectionError):
            await self._dtls.stop()
        self._path.close()
        await asyncio.sleep(0)
        self.sock.close()

    async def _handle_data(self, data: bytes) -> None:
        """What the gateway's association says: the tag and the cookie of its answer are needed."""
        if len(data) < 32 or data[HEADER_BYTES] != INIT_ACK:
            return
        (self._tag,) = struct.unpack_from("!I", data, 16)
        at = 32
        while at + 4 <= len(data):
            kind, length = struct.unpack_from("!HH", data, at)
            if kind == COOKIE:
                self._cookie = data[at + 4 : at + length]
            at += max(4, length + -length % 4)
        echo = struct.pack("!BBH", 10, 0, 4 + len(self._cookie)) + self._cookie
        await self._tell(bytes(HEADER_BYTES) + echo, tag=self._tag)

    def _handle_disconnect(self) -> None:
        self._tag = 0

    def _broken(self, protocol: str) -> bytes:
        seeds = corpus(protocol)
        seed = self._chance.choice(seeds)
        return seed if self._chance.random() < 0.2 else mutated(seed, seeds, self._chance)

    def _check(self) -> bytes:
        """An authentic check with attributes nobody asked for, or with some of its own broken."""
        assert self._far is not None, "connect first"
        seed = stun_client.check(self._mine, self._far.credentials)
        message = stun.parse_message(seed)
        extra = self._chance.choice(_ATTRIBUTES)
        message.attributes.update(extra)
        message.add_message_integrity(self._far.credentials.password.encode())
        data = bytes(message)
        return data if self._chance.random() < 0.5 else mutated(data, corpus("stun"), self._chance)

    def _say_rtp(self) -> None:
        session = self._dtls._tx_srtp  # noqa: SLF001 - the keys' only way out
        body = self._broken("rtp")[HEADER_BYTES:VOICE_BYTES_MAX]
        first = self._chance.choice((0x80, 0x90, 0x90, 0xA0, 0xB0, 0x93, 0x9F))
        kind = self._chance.choice((PAYLOAD_TYPE, PAYLOAD_TYPE, 63, 0, 0x80 | PAYLOAD_TYPE))
        self._number += self._chance.choice((1, 1, 1, 1, 2, 300))
        head = struct.pack(
            "!BBHII", first, kind, self._number & 0xFFFF, self._number * 960 & 0xFFFFFFFF, self._ssrc
        )
        level = bytes((0xBE, 0xDE, 0, 1, LEVEL_ID << 4, 0x85, 0, 0)) if self._chance.random() < 0.5 else b""
        # libsrtp refuses to seal some of what is broken; those are not sent.
        with contextlib.suppress(pylibsrtp.Error):
            self.send(session.protect(head + level + body))

    def _say_rtcp(self) -> None:
        session = self._dtls._tx_srtp  # noqa: SLF001 - as above
        data = self._broken("rtcp")[:VOICE_BYTES_MAX]
        with contextlib.suppress(pylibsrtp.Error, ValueError):
            self.send(session.protect_rtcp(data))

    async def _tell(self, packet: bytes, *, tag: int) -> None:
        """One SCTP packet in the tunnel, with the right tag and checksum."""
        head = struct.pack("!HHI", 5_000, 5_000, tag)
        body = packet[HEADER_BYTES:1_150]
        whole = head + struct.pack("<I", crc32c(head + bytes(4) + body)) + body
        with contextlib.suppress(ConnectionError):
            await self._dtls._send_data(whole)  # noqa: SLF001 - what SCTP does

    def _readable(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._take(self.sock.recv(4_096))

    def _take(self, data: bytes) -> None:
        first = data[0] if data else 255
        if 20 <= first <= 63:
            self._path.put(data)
        elif first <= 3 and self._far is not None and stun_client.is_answer(data, self._far.credentials):
            self._checked.set()


_ATTRIBUTES: tuple[dict[str, object], ...] = (
    {},
    {"SOFTWARE": "x" * 700},
    {"USERNAME": "y" * 500},
    {"USERNAME": ":"},
    {"PRIORITY": 0},
    {"ICE-CONTROLLED": 0},
    {"REALM": "\U0001f642" * 50, "NONCE": b"\x00" * 100},
    {"MAPPED-ADDRESS": ("192.0.2.1", 0), "XOR-MAPPED-ADDRESS": ("2001:db8::1", 65_535)},
    {"ERROR-CODE": (487, "Role Conflict")},
    {"DATA": b"\xff" * 300},
)
"""What an authentic check may carry besides."""
