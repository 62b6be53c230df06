"""A leg's app as a relay sees it: a socket and SRTP keys, no negotiation."""

import asyncio
import secrets
import socket
from dataclasses import dataclass

from pylibsrtp import Policy, Session

from gateway.media.ports import SrtpKeys
from gateway.media.rtp import FIXED, payload_offset

PROFILES = {
    "SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    "SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}
"""libsrtp's profile and the bytes of key and salt."""
WAIT_S = 5.0
"""How long anything on loopback may take before a test fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One packet that an app received."""

    payload_type: int
    marker: bool
    seq: int
    ts: int
    ssrc: int
    extension: bytes
    """The extension block without its header."""
    payload: bytes


def read(packet: bytes) -> Heard:
    _, second, seq, ts, ssrc = FIXED.unpack_from(packet)
    offset = payload_offset(memoryview(packet), len(packet))
    return Heard(
        payload_type=second & 0x7F,
        marker=bool(second & 0x80),
        seq=seq,
        ts=ts,
        ssrc=ssrc,
        extension=packet[16:offset],
        payload=packet[offset:],
    )


def new_keys(profile: str = "SRTP_AEAD_AES_256_GCM") -> SrtpKeys:
    size = PROFILES[profile][1]
    return SrtpKeys(profile=profile, inbound=secrets.token_bytes(size), outbound=secrets.token_bytes(size))


def session(key: bytes, direction: int, profile: str) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=PROFILES[profile][0])
    policy.allow_repeat_tx = True
    policy.window_size = 1_024
    return Session(policy)


class Handset:
    """Sends and receives with one leg's keys, seen from the other end."""

    def __init__(self, target: tuple[str, int], keys: SrtpKeys, *, ssrc: int = 0x0BADCAFE) -> None:
        self.target = target
        self.ssrc = ssrc
        self.sock = bound_socket()
        self._seal = session(keys.inbound, Policy.SSRC_ANY_OUTBOUND, keys.profile)
        self._open = session(keys.outbound, Policy.SSRC_ANY_INBOUND, keys.profile)

    @property
    def address(self) -> tuple[str, int]:
        name: tuple[str, int] = self.sock.getsockname()
        return name

    def packet(
        self,
        seq: int,
        payload: bytes = b"opus",
        *,
        payload_type: int = 111,
        extension: bytes = b"",
        ts: int | None = None,
        ssrc: int | None = None,
    ) -> bytes:
        """An encrypted packet."""
        first = 0x90 if extension else 0x80
        head = FIXED.pack(
            first,
            payload_type,
            seq & 0xFFFF,
            (960 * seq if ts is None else ts) & 0xFFFFFFFF,
            self.ssrc if ssrc is None else ssrc,
        )
        if extension:
            head += b"\xbe\xde" + (len(extension) // 4).to_bytes(2, "big") + extension
        return self._seal.protect(head + payload)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.sock.sendto(packet, self.target)

    async def receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.sock_recv(self.sock, 4_096), WAIT_S)

    async def hear(self) -> Heard:
        """The next packet, decrypted."""
        return read(self._open.unprotect(await self.receive()))

    async def hear_all(self, until: bytes) -> list[Heard]:
        """Every packet up to the one with that payload, it included."""
        heard: list[Heard] = []
        while not heard or heard[-1].payload != until:
            heard.append(await self.hear())
        return heard

    def close(self) -> None:
        self.sock.close()


def bound_socket(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock
