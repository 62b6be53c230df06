"""One leg's connection: its ICE credentials, DTLS, RTCP and data channel.

Decides when a leg is connected and when it is over, and which credentials its
checks may use. Never forwards voice (the relay) and never learns which session
it is of (the service listens).
Keeps: every step but answering checks waits for an authenticated path; a
failure ends this leg alone; after `close` nothing of it runs.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiortc import RTCCertificate

from gateway.clock import Clock
from gateway.errors import Unprocessable
from gateway.media.adapters.data_channel import SCTP_PORT, DataChannel
from gateway.media.adapters.dtls import LegDtls, LegIce
from gateway.media.adapters.feedback import Feedback
from gateway.media.adapters.sdp_answer import Transport, write_answer
from gateway.media.adapters.stun import Check
from gateway.media.description import Fingerprint, Offer, VideoTerms
from gateway.media.leg import LinkQuality, read_measures
from gateway.media.path import Address, Path, family
from gateway.media.ports import ControlDatagram, LegSpec, PeerListener, Relay, Witness
from gateway.media.quality import QualityWatch, opinion
from gateway.media.throttle import Throttle

CHECKS_PER_S_MAX = 50
"""Authentic checks of one leg; a browser with many candidates makes about twenty a second."""
CHECKS_BURST = 100
"""What may come at once."""
RECORDS_PER_S_MAX = 100
"""DTLS records of one leg: the fastest talker that chat allows sends about forty."""
RECORDS_BURST = 400
"""What may come at once: several of the largest messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What checks of one ICE generation must quote."""

    generation: int
    """Counts ICE restarts."""
    ufrag: str
    """The gateway's fragment."""
    pwd: str
    far_ufrag: str
    """The app's fragment."""


class Network(Protocol):
    """What a peer needs of the endpoint it belongs to."""

    @property
    def relay(self) -> Relay:
        """Where its leg lives."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of arrivals."""
        ...

    @property
    def certificate(self) -> RTCCertificate:
        """The gateway's certificate."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """Its hash, as answers announce it."""
        ...

    @property
    def addresses(self) -> Sequence[str]:
        """Host candidates."""
        ...

    @property
    def port(self) -> int:
        """UDP port of all of them."""
        ...

    @property
    def tcp_port(self) -> int | None:
        """TCP port of all of them; None without ICE-TCP."""
        ...

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram."""
        ...

    def drop(self, reason: str) -> None:
        """Count something refused."""
        ...

    def admit(self, peer: "LegPeer", credential: Credential) -> None:
        """Checks with that credential are the peer's from now on."""
        ...

    def dismiss(self, credential: Credential) -> None:
        """Checks with that credential are nobody's."""
        ...

    def forget(self, peer: "LegPeer") -> None:
        """The peer is over; its leg is gone from the relay."""
        ...


def sources_beside(ssrc: int) -> tuple[int, int]:
    """Two more sources that are neither each other nor `ssrc`."""
    video = ssrc ^ (1 + secrets.randbelow(0xFFFFFFFF))
    rtx = ssrc
    while rtx in (ssrc, video):
        rtx = secrets.randbits(32)
    return video, rtx


class LegPeer:
    """`ports.Peer` over the endpoint's socket."""

    def __init__(self, offer: Offer, listener: PeerListener, network: Network) -> None:
        self._network = network
        self._listener = listener
        self._offer = offer
        self._ssrc = secrets.randbits(32)
        self._cname = secrets.token_urlsafe(12)
        self._video_ssrc, self._rtx_ssrc = sources_beside(self._ssrc)
        self._leg = network.relay.add_leg(
            LegSpec(
                ssrc_out=self._ssrc,
                voice=offer.voice,
                video=offer.video,
                video_ssrc_out=self._video_ssrc,
                rtx_ssrc_out=self._rtx_ssrc,
            )
        )
        self._path = Path()
        self._throttle = Throttle(per_s=CHECKS_PER_S_MAX, burst=CHECKS_BURST)
        self._records = Throttle(per_s=RECORDS_PER_S_MAX, burst=RECORDS_BURST)
        self._credentials: list[Credential] = []
        self._answers = 0
        self._is_connected = False
        self._is_over = False
        self._feedback: Feedback | None = None
        self._watch = QualityWatch()
        self._ice = LegIce(self._send)
        self._dtls = LegDtls(
            self._ice,
            network.certificate,
            arrived=self._sctp_arrived,
            refused=lambda: network.drop("sctp_malformed"),
        )
        self._channel: DataChannel | None = None
        self._run_task: asyncio.Task[None] | None = None
        self._shut_task: asyncio.Task[None] | None = None
        self._renew(offer)

    @property
    def leg(self) -> int:
        """The relay's handle."""
        return self._leg

    @property
    def is_connected(self) -> bool:
        """DTLS is up and a path is latched."""
        return self._is_connected and not self._is_over

    @property
    def fingerprints(self) -> frozenset[Fingerprint]:
        """What the app's certificate was announced as."""
        return self._offer.fingerprints

    @property
    def video(self) -> VideoTerms | None:
        """What it sends and shows as video."""
        return self._offer.video

    @property
    def feedback(self) -> Feedback | None:
        """The leg's RTCP, once there are keys."""
        return self._feedback

    @property
    def quality(self) -> LinkQuality:
        """What is known of the way to the app."""
        address = self._path.address
        known = self._feedback.round_trip if self._feedback is not None else None
        return LinkQuality(
            family=family(address) if address is not None else None,
            rtt_ns=known.rtt_ns if known is not None else 0,
            fraction_lost=known.fraction_lost if known is not None else 0,
            rating=self._watch.rating,
        )

    def grade(self, counters: Sequence[int], now_ns: int) -> None:
        """Look at how the leg's voice fares, and tell where it changed."""
        measures = read_measures(counters, self._leg, quality=self.quality)
        watch = self._watch
        if watch.look(measures) and watch.quality is not None and watch.rating is not None:
            self._listener.graded(now_ns, quality=watch.quality, mos=opinion(watch.rating))

    def answer(self, offer: Offer) -> str:
        """The answer to an offer of this connection; a new ufrag in it restarts ICE."""
        changes = offer.voice != self._offer.voice or offer.video != self._offer.video
        if changes or (offer.sctp_port is None) != (self._offer.sctp_port is None):
            raise Unprocessable(
                "line 1: the offer keeps its certificate but changes sections or payload types",
                code="bad_offer",
                line=1,
            )
        if offer.ufrag != self._credentials[-1].far_ufrag:
            self._renew(offer)
        credential = self._credentials[-1]
        self._answers += 1
        return write_answer(
            offer,
            Transport(
                ufrag=credential.ufrag,
                pwd=credential.pwd,
                fingerprint=self._network.fingerprint,
                addresses=self._network.addresses,
                port=self._network.port,
                tcp_port=self._network.tcp_port,
                ssrc=self._ssrc,
                video_ssrc=self._video_ssrc,
                rtx_ssrc=self._rtx_ssrc,
                cname=self._cname,
                sctp_port=SCTP_PORT,
                version=self._answers,
            ),
        )

    def _renew(self, offer: Offer) -> None:
        credential = Credential(
            generation=self._credentials[-1].generation + 1 if self._credentials else 0,
            ufrag=secrets.token_hex(4),
            pwd=secrets.token_hex(16),
            far_ufrag=offer.ufrag,
        )
        self._credentials.append(credential)
        self._network.admit(self, credential)
        if len(self._credentials) > 2:
            # The one that is latched stays good, and the newest; one in between was never used.
            self._network.dismiss(self._credentials.pop(1))

    def checked(self, check: Check, credential: Credential, datagram: ControlDatagram) -> bool:
        """Take note of an authentic check; False where it is one too many to be answered."""
        if not self._throttle.admits(datagram.at_ns):
            self._network.drop("stun_throttled")
            return False
        self._network.relay.note(self._leg, Witness.STUN, at_ns=datagram.at_ns)
        was_latched = self._path.address is not None
        has_moved = self._path.check(
            datagram.address,
            transaction=check.transaction,
            nominates=check.nominates,
            generation=credential.generation,
            now_ns=datagram.at_ns,
        )
        if self._path.address == datagram.address:
            # The newer credential has its path: the ones before it have served.
            while self._credentials[0].generation < credential.generation:
                self._network.dismiss(self._credentials.pop(0))
        if has_moved:
            self._network.relay.set_path(self._leg, datagram.address)
        if not was_latched:
            self._run_task = asyncio.get_running_loop().create_task(self._run())
        elif has_moved and self._is_connected:
            self._listener.moved(datagram.at_ns)
        return True

    def take_dtls(self, datagram: ControlDatagram) -> None:
        """Queue a DTLS datagram of the leg's path."""
        if not self._records.admits(datagram.at_ns):
            self._network.drop("dtls_throttled")
        elif not self._ice.put(datagram.data):
            self._network.drop("leg_queue_full")

    def take_rtcp(self, datagram: ControlDatagram) -> None:
        """Read an SRTCP packet of the leg's path."""
        if self._feedback is None:
            self._network.drop("rtcp_unkeyed")
        elif self._feedback.take(datagram):
            self._network.relay.note(self._leg, Witness.RTCP, at_ns=datagram.at_ns)

    def heard(self, at_ns: int) -> None:
        """The relay authenticated the leg's first packet."""
        self._listener.heard(at_ns)

    async def _run(self) -> None:
        """Shake hands, hand the keys out, open the data channel."""
        is_up = await self._dtls.shake_hands(self._offer.fingerprints)
        if self._is_over:
            return
        keys = self._dtls.srtp_keys
        if not is_up or (keys is None and self._offer.voice is not None):
            self._network.drop("dtls_failed")
            self._end()
            return
        if keys is not None:
            self._network.relay.set_keys(self._leg, keys)
            self._feedback = Feedback(
                keys=keys,
                ssrc=self._ssrc,
                video_ssrc=self._video_ssrc if self._offer.video is not None else None,
                cname=self._cname,
                send=self._send,
                drop=self._network.drop,
            )
        self._is_connected = True
        self._listener.connected(self._network.clock.monotonic_ns())
        self._dtls.on("statechange", self._state_changed)
        if self._offer.sctp_port is not None:
            self._channel = DataChannel(
                self._dtls,
                on_text=self._listener.text,
                on_refused=lambda: self._network.drop("data_channel_refused"),
                on_flood=self._end,
            )
            await self._channel.start(
                port=self._offer.sctp_port, message_bytes_max=self._offer.message_bytes_max
            )

    def _state_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._end()

    def ask_key_frame(self) -> None:
        """Have the app send a whole picture."""
        if self.is_connected and self._feedback is not None and self.video is not None:
            now_ns = self._network.clock.monotonic_ns()
            counters = self._network.relay.counters()
            self._feedback.ask_whole_picture(counters, leg=self._leg, now_ns=now_ns)

    def send_text(self, text: str) -> bool:
        """Send one data channel message; False without a channel or with too much waiting."""
        return self.is_connected and self._channel is not None and self._channel.send(text)

    async def close(self) -> None:
        """Say goodbye and let go of everything."""
        self._release()
        if self._shut_task is not None:
            await asyncio.shield(self._shut_task)

    def _end(self) -> None:
        """The far end is gone: tell it while the leg's counters can still be read."""
        if not self._is_over:
            self._listener.closed(self._network.clock.monotonic_ns())
            self._release()

    def _release(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for credential in self._credentials:
            self._network.dismiss(credential)
        self._network.relay.remove_leg(self._leg)
        self._shut_task = asyncio.get_running_loop().create_task(self._shut())

    async def _shut(self) -> None:
        if self._channel is not None:
            await self._channel.shut()
        await self._dtls.shut()
        self._ice.close()
        if self._run_task is not None:
            await asyncio.gather(self._run_task, return_exceptions=True)
        self._network.forget(self)
        self._let_go()

    def _let_go(self) -> None:
        """Leave no cycle: what hangs on a leg would stay until the collector looks at everything.

        A busy gateway seldom does that, and would keep a quarter of a megabyte of every call.
        """
        self._dtls.let_go()
        self._feedback = self._channel = self._run_task = None

    def _sctp_arrived(self) -> None:
        self._network.relay.note(self._leg, Witness.SCTP, at_ns=self._network.clock.monotonic_ns())

    def _send(self, data: bytes) -> None:
        if self._path.address is not None:
            self._network.send(data, self._path.address)
