"""DTLS over the shared socket, by aiortc's transport in the server role (RFC 5763, RFC 5764).

Decides what aiortc does not: how datagrams reach it (a small bounded queue),
that SRTP keys are exported and not used, and that nothing malformed inside the
tunnel ends it. Never sees RTP: the relay has the keys.
Keeps: one certificate serves every leg, and the far certificate must match the
fingerprint that was offered before any key is handed out.
"""

import asyncio
from collections.abc import Callable, Iterable

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import DataReceiver, SRTPProtectionProfile, State
from OpenSSL import SSL

from gateway.limits import LEG_CONTROL_QUEUE_MAX
from gateway.media.adapters.sctp_backlog import is_overfull
from gateway.media.description import Fingerprint
from gateway.media.ports import SrtpKeys
from gateway.media.sctp import is_sound

_EXPORTER = b"EXTRACTOR-dtls_srtp"


def _nothing(*_: object) -> None:
    """In the place of a callback that is let go of."""


class SharedCertificate(RTCCertificate):
    """A certificate whose OpenSSL context is made once and serves every handshake.

    aiortc makes one for each, which takes as long as the handshake itself. Nothing of a connection is kept in
    it: sessions are neither cached nor resumed, so every leg is authenticated by its own certificate.
    """

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._context


class LegIce:
    """What aiortc's DTLS transport needs of an ICE transport, and no more."""

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(LEG_CONTROL_QUEUE_MAX + 1)
        self._is_closed = False

    def put(self, datagram: bytes) -> bool:
        """Queue a datagram of the leg's path; False where LEG_CONTROL_QUEUE_MAX wait already."""
        if self._is_closed or self._queue.qsize() >= LEG_CONTROL_QUEUE_MAX:
            return False
        self._queue.put_nowait(datagram)
        return True

    def close(self) -> None:
        """Whoever waits for a datagram learns that none will come."""
        if not self._is_closed:
            self._is_closed = True
            self._send_datagram = _nothing
            self._queue.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = await self._queue.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._send_datagram(datagram)


class _Guard:
    """Stands before SCTP: notes every packet, drops the malformed, ends a leg that piles up."""

    def __init__(
        self, receiver: DataReceiver, *, arrived: Callable[[], None], refused: Callable[[], None]
    ) -> None:
        self.receiver = receiver
        self._arrived = arrived
        self._refused = refused

    async def _handle_data(self, data: bytes) -> None:
        self._arrived()
        if not is_sound(data):
            self._refused()
            return
        try:
            await self.receiver._handle_data(data)  # noqa: SLF001 the protocol's own name for it
        except ConnectionError:
            raise
        except Exception:
            # aiortc asserts on what a peer sends; that must not end the tunnel.
            self._refused()
        if is_overfull(self.receiver):
            self._refused()
            raise ConnectionError("the app keeps back more than any message needs")


class LegDtls(RTCDtlsTransport):
    """One leg's DTLS, always the server.

    Args:
        ice: where datagrams come from and go to.
        certificate: the gateway's.
        arrived: called with every SCTP packet that authenticated.
        refused: called where one was malformed.
    """

    def __init__(
        self,
        ice: LegIce,
        certificate: RTCCertificate,
        *,
        arrived: Callable[[], None],
        refused: Callable[[], None],
    ) -> None:
        super().__init__(ice, [certificate])  # type: ignore[arg-type]
        self.srtp_keys: SrtpKeys | None = None
        """Set when the handshake is done, None where the app negotiated no SRTP."""
        self._arrived = arrived
        self._refused = refused
        self._guard: _Guard | None = None
        self._set_role("server")

    def _setup_srtp(self) -> None:
        assert isinstance(self._ssl, SSL.Connection)
        name = self._ssl.get_selected_srtp_profile()
        profile = next((each for each in self._srtp_profiles if each.openssl_profile == name), None)
        if profile is None:
            return
        material = self._ssl.export_keying_material(_EXPORTER, 2 * (profile.key_length + profile.salt_length))
        self.srtp_keys = SrtpKeys(
            profile=name.decode(),
            inbound=profile.get_key_and_salt(material, 0),
            outbound=profile.get_key_and_salt(material, 1),
        )

    def _register_data_receiver(self, receiver: DataReceiver) -> None:
        self._guard = _Guard(receiver, arrived=self._arrived, refused=self._refused)
        super()._register_data_receiver(self._guard)

    def _unregister_data_receiver(self, receiver: DataReceiver) -> None:
        if self._guard is not None and self._guard.receiver is receiver:
            super()._unregister_data_receiver(self._guard)

    async def shake_hands(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Run the handshake; False where it failed or the certificate is not the one announced."""
        announced = [RTCDtlsFingerprint(each.algorithm, each.value) for each in fingerprints]
        try:
            await self.start(RTCDtlsParameters(fingerprints=announced))
        except (SSL.Error, ValueError, ConnectionError):
            return False
        return self._state is State.CONNECTED

    async def shut(self) -> None:
        """Say goodbye and wait until aiortc's own task is gone."""
        task = self._task
        await self.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self.remove_all_listeners()

    def let_go(self) -> None:
        """Keep nothing of OpenSSL's hundred kilobytes, nor anybody's callbacks; after `shut` and `shake_hands`."""
        self._ssl = self._task = self._guard = None
        self._arrived = self._refused = _nothing
