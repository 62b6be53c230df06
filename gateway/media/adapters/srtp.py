"""libsrtp through pylibsrtp: keys to sessions, and packets worked on where they lie.

Decides the policy of each session: replay windows both ways, and no sequence
number ever protected twice, because AES-GCM does not survive it. Reaches into
pylibsrtp's cffi binding so that a packet is neither copied nor its failure
raised; nothing else in the gateway knows that binding.
See RFC 3711, RFC 5764 and RFC 7714.
"""

from typing import Any, Self

import pylibsrtp
from aiortc.rtcdtlstransport import SRTP_PROFILES
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from gateway.errors import Unavailable
from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.ports import SrtpKeys

REPLAY_WINDOW_PACKETS = 128
"""Packets that may be overtaken by others: 2.5 s of voice; libsrtp moves the whole window with every packet."""
TRAILER_BYTES_MAX = 16 + 128
"""What libsrtp may append (SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN)."""
REPLAYED = frozenset((-9, -10))
"""Answers of a `Cipher` that mean a packet seen before: srtp_err_status_replay_fail and _replay_old."""

SrtpError = pylibsrtp.Error
"""What RTCP sessions raise for a packet that does not authenticate."""

_PROFILES = {profile.openssl_profile.decode(): profile.libsrtp_profile for profile in SRTP_PROFILES}


class PacketBuffer:
    """Memory that the kernel, libsrtp and the relay work on one packet in turn."""

    def __init__(self) -> None:
        self.data: Any = ffi.new("unsigned char[]", DATAGRAM_BYTES_MAX + 1 + TRAILER_BYTES_MAX)
        self.view = memoryview(ffi.buffer(self.data)).cast("B")
        """The same memory for Python; one byte over the limit shows what is too large."""
        self.receivable = self.view[: DATAGRAM_BYTES_MAX + 1]


class Cipher:
    """One direction of one leg; called with a length, answers the new one or a negative status."""

    __slots__ = ("_context", "_data", "_function", "_length", "_session")

    def __init__(self, session: Session, function: Any, buffer: PacketBuffer) -> None:
        self._session = session
        # The session owns the context: it is kept so that the context outlives its use.
        self._context = session._srtp[0]  # noqa: SLF001 the twin's one reach into pylibsrtp
        self._function = function
        self._data = buffer.data
        self._length = ffi.new("int *")

    def __call__(self, length: int) -> int:
        """Work on the first `length` bytes of the buffer."""
        self._length[0] = length
        status: int = self._function(self._context, self._data, self._length)
        if status:
            return -status
        changed: int = self._length[0]
        return changed


def _session(key: bytes, direction: int, profile: str) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=_PROFILES[profile])
    policy.allow_repeat_tx = False
    policy.window_size = REPLAY_WINDOW_PACKETS
    return Session(policy)


def rtp_opener(keys: SrtpKeys, buffer: PacketBuffer) -> Cipher:
    """Authenticates and decrypts what the app sends."""
    return Cipher(_session(keys.inbound, Policy.SSRC_ANY_INBOUND, keys.profile), lib.srtp_unprotect, buffer)


def rtp_sealer(keys: SrtpKeys, buffer: PacketBuffer) -> Cipher:
    """Encrypts what is sent to the app."""
    return Cipher(_session(keys.outbound, Policy.SSRC_ANY_OUTBOUND, keys.profile), lib.srtp_protect, buffer)


FUNCTION_TYPE = "srtp_err_status_t(*)(struct srtp_ctx_t_ *, void *, int *)"
"""What the native relay takes `srtp_protect` and `srtp_unprotect` for."""


def native_functions() -> tuple[int, int]:
    """Addresses of `srtp_unprotect` and `srtp_protect`.

    Raises:
        Unavailable: `relay_unfit`, where pylibsrtp's binding is not the one that the native relay knows.
    """
    addresses: list[int] = []
    for name in ("srtp_unprotect", "srtp_protect"):
        function = ffi.addressof(lib, name)
        if ffi.typeof(function).cname != FUNCTION_TYPE:
            raise Unavailable(f"{name} is a {ffi.typeof(function).cname}", code="relay_unfit")
        addresses.append(int(ffi.cast("uintptr_t", function)))
    return addresses[0], addresses[1]


class NativeSession:
    """One direction of one leg for the native relay; must be kept for as long as its address is used."""

    __slots__ = ("_session", "address")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.address = int(ffi.cast("uintptr_t", session._srtp[0]))  # noqa: SLF001 the native twin's reach

    @classmethod
    def opener(cls, keys: SrtpKeys) -> Self:
        """Authenticates and decrypts what the app sends."""
        return cls(_session(keys.inbound, Policy.SSRC_ANY_INBOUND, keys.profile))

    @classmethod
    def sealer(cls, keys: SrtpKeys) -> Self:
        """Encrypts what is sent to the app."""
        return cls(_session(keys.outbound, Policy.SSRC_ANY_OUTBOUND, keys.profile))


class RtcpCipher:
    """Both directions of one leg's RTCP; SRTCP counts for itself, so it has sessions of its own."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._inbound = _session(keys.inbound, Policy.SSRC_ANY_INBOUND, keys.profile)
        self._outbound = _session(keys.outbound, Policy.SSRC_ANY_OUTBOUND, keys.profile)

    def open(self, packet: bytes) -> bytes | None:
        """The compound packet, or None where it does not authenticate or came before."""
        try:
            return self._inbound.unprotect_rtcp(packet)
        except (SrtpError, ValueError):
            return None

    def seal(self, packet: bytes) -> bytes | None:
        """The packet for the wire, or None where libsrtp refuses it."""
        try:
            return self._outbound.protect_rtcp(packet)
        except (SrtpError, ValueError):
            return None
