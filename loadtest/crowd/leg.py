"""A leg of the crowd: ICE checks and a real DTLS handshake, then its voice is the engine's.

Decides how a leg connects, keeps its way open by consent, moves to another address, and dies.
DTLS is aiortc's own transport in the client role; the keys of SRTP come out of that handshake.
Never sends or hears voice itself (`engine.pyx`), and never decides when anything happens (`loadtest/call.py`).
"""

import asyncio
import contextlib
import secrets
import time
from typing import cast

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

from gateway.media.adapters.srtp import NativeSession
from gateway.sdk.problem import NothingCame
from loadtest import session_description, stun_client
from loadtest.crowd.crowd import Crowd
from loadtest.dtls_path import DtlsPath
from loadtest.session_description import FarEnd
from loadtest.stun_client import Address, Credentials

CONNECT_S = 10.0
CHECK_S = 0.1
"""Pause between checks until one is answered."""


class CrowdLeg:
    """One participant's media, both ways."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        """Legs of a call have neighbouring numbers."""
        self.number = number
        self.heard = asyncio.Event()
        """Set by the first authenticated packet of the other side."""
        self.heard_at_ns = 0
        self._crowd = crowd
        self._mine = Credentials.fresh()
        self._ssrc = crowd.join(number, number ^ 1, self)
        self._moves = 0
        self._is_dead = False
        self._far: FarEnd | None = None
        self._checked = asyncio.Event()
        self._path = DtlsPath(self.send)
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self._path), [crowd.certificate])
        self._sessions: tuple[NativeSession, NativeSession] | None = None
        self._consent: asyncio.TimerHandle | None = None

    @property
    def address(self) -> Address:
        """Where it is now."""
        return self._crowd.address(self.number, self._moves)

    @property
    def figures(self) -> dict[str, int]:
        """What became of its packets."""
        return self._crowd.engine.figures(self.number)

    def offer(self) -> str:
        """The SDP to send as `media.offer`."""
        fingerprints = self._crowd.certificate.getFingerprints()
        (fingerprint,) = [each.value for each in fingerprints if each.algorithm == "sha-256"]
        return session_description.offer(
            mine=self._mine, local=self.address, ssrc=self._ssrc, fingerprint=fingerprint
        )

    async def connect(self, answer: str) -> None:
        """Check the path, shake hands, speak.

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
        # The keys' only way out of aiortc.
        opener = NativeSession(self._dtls._rx_srtp)  # noqa: SLF001
        sealer = NativeSession(self._dtls._tx_srtp)  # noqa: SLF001
        self._sessions = opener, sealer
        self._crowd.speak(
            self.number,
            opener=opener.address,
            sealer=sealer.address,
            far=self._far.address,
            at_ns=time.monotonic_ns(),
        )
        self._keep_consent(is_first=True)

    def hush(self, *, is_hushed: bool) -> None:
        """Say nothing, or go on."""
        self._crowd.engine.hush(self.number, is_hushed)

    async def roam(self) -> None:
        """Go to another address, and check from there until an answer comes."""
        self._moves += 1
        self._crowd.roam(self.number, self._moves)
        self._checked.clear()
        await self._check()

    def kill(self) -> None:
        """No more of it, without a word."""
        self._is_dead = True
        self._crowd.engine.kill(self.number)
        if self._consent is not None:
            self._consent.cancel()

    def send(self, datagram: bytes) -> None:
        """Send one control datagram to the gateway."""
        if self._far is not None and not self._is_dead:
            with contextlib.suppress(BlockingIOError):
                self._crowd.send(datagram, self.address, self._far.address)

    async def close(self) -> None:
        """Say goodbye by DTLS; after this nothing of it runs."""
        if self._consent is not None:
            self._consent.cancel()
        with contextlib.suppress(ConnectionError):
            await self._dtls.stop()
        self._crowd.leave(self.number)
        self._sessions = None

    def take(self, datagram: bytes, at_ns: int) -> None:
        """Tell control datagrams apart by their first byte (RFC 7983)."""
        if not datagram:
            self.heard_at_ns = at_ns
            self.heard.set()
        elif 20 <= datagram[0] <= 63:
            self._path.put(datagram)
        elif datagram[0] <= 3:
            self._take_stun(datagram)

    def _take_stun(self, datagram: bytes) -> None:
        if self._checked.is_set() or self._far is None:
            # An answer to consent; a gateway is ICE-lite and asks nothing.
            return
        if stun_client.is_answer(datagram, self._far.credentials):
            self._checked.set()

    async def _check(self) -> None:
        assert self._far is not None, "connect sets it"
        while not self._checked.is_set() and not self._is_dead:
            self.send(stun_client.check(self._mine, self._far.credentials))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._checked.wait(), CHECK_S)

    def _keep_consent(self, *, is_first: bool = False) -> None:
        assert self._far is not None, "connect sets it"
        if not is_first:
            self.send(stun_client.check(self._mine, self._far.credentials))
        wait_s = stun_client.CONSENT_S * (0.8 + 0.4 * secrets.randbelow(1000) / 1000)
        self._consent = asyncio.get_running_loop().call_later(wait_s, self._keep_consent)
