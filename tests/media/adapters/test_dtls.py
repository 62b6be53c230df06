"""Handshakes share one context, and nothing else: each far end still proves its own certificate."""

import asyncio
from typing import cast

import pytest
from aiortc import RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES
from aiortc.rtcicetransport import RTCIceTransport

from gateway.media.adapters.dtls import LegDtls, LegIce, SharedCertificate
from gateway.media.description import Fingerprint

pytestmark = pytest.mark.adapter


class AppIce:
    """An app's way to one leg."""

    role = "controlling"
    state = "completed"

    def __init__(self) -> None:
        self.leg = LegIce(self._arrived)
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()

    def _arrived(self, datagram: bytes) -> None:
        self._inbox.put_nowait(datagram)

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, datagram: bytes) -> None:
        self.leg.put(datagram)


def announced(certificate: RTCCertificate) -> list[Fingerprint]:
    return [Fingerprint(algorithm=each.algorithm, value=each.value) for each in certificate.getFingerprints()]


async def shaken(ours: SharedCertificate, app: RTCCertificate, *, announces: RTCCertificate) -> LegDtls:
    """A leg after a handshake with an app that has one certificate and announced perhaps another."""
    ice = AppIce()
    leg = LegDtls(ice.leg, ours, arrived=lambda: None, refused=lambda: None)
    far = RTCDtlsTransport(cast("RTCIceTransport", ice), [app])
    far._set_role("client")
    await asyncio.gather(
        leg.shake_hands(announced(announces)),
        far.start(RTCDtlsParameters(fingerprints=ours.getFingerprints())),
    )
    await far.stop()
    await leg.shut()
    ice.leg.close()
    return leg


async def test_every_handshake_has_keys_of_its_own():
    ours = SharedCertificate.generateCertificate()
    app = RTCCertificate.generateCertificate()

    keys = [(await shaken(ours, app, announces=app)).srtp_keys for _ in range(3)]

    assert None not in keys
    assert len({each.inbound for each in keys if each is not None}) == 3


async def test_a_certificate_that_was_not_announced_is_refused_though_the_context_has_seen_it():
    ours = SharedCertificate.generateCertificate()
    first, second = RTCCertificate.generateCertificate(), RTCCertificate.generateCertificate()

    assert (await shaken(ours, first, announces=first)).srtp_keys is not None
    assert (await shaken(ours, second, announces=second)).srtp_keys is not None
    assert (await shaken(ours, first, announces=second)).srtp_keys is None


def test_the_context_is_made_once():
    ours = SharedCertificate.generateCertificate()

    assert ours._create_ssl_context(SRTP_PROFILES) is ours._create_ssl_context(SRTP_PROFILES)
