"""The gateway's one address on the network: whose datagram is it, and may it be.

Decides which peer a check, a handshake record or a report belongs to, answers
authentic checks, and paces reports. Media itself never comes here: the relay
hands up only what is control.
Keeps: an unauthentic check changes nothing and gets no answer; what one
datagram does wrong stays with that datagram. See docs/media.md.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from gateway.clock import Clock
from gateway.media.adapters.dtls import SharedCertificate
from gateway.media.adapters.peer import Credential, LegPeer
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.adapters.stun import Check, StunDrop, is_authentic, read_check, success
from gateway.media.adapters.udp import dropped_by_kernel, own_address
from gateway.media.counters import Column, row_of
from gateway.media.demux import Kind
from gateway.media.description import Fingerprint, Offer
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, PeerListener, Relay
from gateway.terms import SessionKind

FORWARD_INTERVAL_S = 0.5
"""How long a sender report may wait before it is passed on."""
FORWARDS_PER_REPORT = 4
"""Receiver reports go out every so many intervals, so every 2 s."""
DROP_REASONS = (
    *StunDrop,
    "stun_throttled",
    "dtls_throttled",
    "leg_queue_full",
    "rtcp_unkeyed",
    "rtcp_throttled",
    "rtcp_unauthentic",
    "rtcp_malformed",
    "rtcp_goodbye",
    "dtls_failed",
    "sctp_malformed",
    "data_channel_refused",
    "control_send_failed",
    "control_failed",
)
"""Every reason that `drops` counts here; the relay has its own (`counters.Drop`)."""

RelayMaker = Callable[[Callable[[], None]], Relay]
"""Makes the relay of a socket; handed what to call when control datagrams wait."""

_log = structlog.get_logger()


class UdpEndpoint:
    """`ports.Endpoint` over one socket.

    Args:
        sock: bound and non-blocking; closed with the endpoint.
        make_relay: makes the relay that reads from it.
        clock: the clock of arrivals.
        addresses: IP addresses of the host candidates.
        tcp_port: TCP port of the same addresses; None without ICE-TCP.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        make_relay: RelayMaker,
        clock: Clock,
        addresses: Sequence[str],
        tcp_port: int | None = None,
    ) -> None:
        self.clock = clock
        self.addresses = tuple(addresses)
        self.tcp_port = tcp_port
        self.own_address = own_address(sock)
        self.certificate = SharedCertificate.generateCertificate()
        sha256 = next(each for each in self.certificate.getFingerprints() if each.algorithm == "sha-256")
        self.fingerprint = Fingerprint(algorithm=sha256.algorithm, value=sha256.value)
        self._sock = sock
        self._port: int = sock.getsockname()[1]
        self._by_ufrag: dict[str, tuple[LegPeer, Credential]] = {}
        self._by_leg: dict[int, LegPeer] = {}
        self._tunnels: dict[Address, Address] = {}
        self._drops: Counter[str] = Counter(dict.fromkeys(DROP_REASONS, 0))
        self.relay = make_relay(self._drain)
        self._reports = asyncio.get_running_loop().create_task(self._pace_reports())

    @property
    def port(self) -> int:
        """Its UDP port."""
        return self._port

    def read(self, sdp: str, kind: SessionKind) -> Offer:
        """Read an offer."""
        return read_offer(sdp, kind)

    def open(self, offer: Offer, listener: PeerListener) -> LegPeer:
        """A new peer for the offer, waiting for its first check."""
        peer = LegPeer(offer, listener, self)
        self._by_leg[peer.leg] = peer
        return peer

    def drops(self) -> Mapping[str, int]:
        """Control datagrams dropped, by reason; `socket_full` is what the kernel dropped, of any kind."""
        return {**self._drops, "socket_full": dropped_by_kernel(self._sock)}

    async def close(self) -> None:
        """Close every peer and let go of the socket."""
        self._reports.cancel()
        await asyncio.gather(self._reports, return_exceptions=True)
        await asyncio.gather(*(peer.close() for peer in list(self._by_leg.values())))
        self.relay.close()
        self._sock.close()

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram; what the kernel does not take is counted."""
        try:
            self._sock.sendto(data, address)
        except OSError:
            self.drop("control_send_failed")

    def drop(self, reason: str) -> None:
        """Count something refused."""
        self._drops[reason] += 1

    def admit(self, peer: LegPeer, credential: Credential) -> None:
        """Checks with that credential are the peer's from now on."""
        self._by_ufrag[credential.ufrag] = (peer, credential)

    def dismiss(self, credential: Credential) -> None:
        """Checks with that credential are nobody's."""
        self._by_ufrag.pop(credential.ufrag, None)

    def forget(self, peer: LegPeer) -> None:
        """The peer is over."""
        self._by_leg.pop(peer.leg, None)

    def report(self, *, with_own: bool) -> None:
        """Pass waiting sender reports on and, `with_own`, send receiver reports."""
        counters = self.relay.counters()
        now_ns = self.clock.monotonic_ns()
        for leg, peer in self._by_leg.items():
            if peer.feedback is None or not peer.is_connected:
                continue
            row = row_of(leg)
            waiting = peer.feedback.take_pending(counters, leg)
            far = self._by_leg.get(counters[row + Column.PEER])
            if far and far.feedback:
                far.feedback.forward(waiting, counters, leg=far.leg, now_ns=now_ns)
            if with_own:
                peer.feedback.report(counters, leg=leg, now_ns=now_ns)
                peer.grade(counters, now_ns)

    async def _pace_reports(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(FORWARD_INTERVAL_S)
            turn += 1
            self.report(with_own=turn % FORWARDS_PER_REPORT == 0)

    def _drain(self) -> None:
        for datagram in self.relay.drain_control():
            try:
                self._take(datagram)
            except Exception:
                # One datagram of a stranger must not stop the socket that everybody shares.
                self.drop("control_failed")
                _log.exception("control_failed", kind=datagram.kind.name.lower())

    def _take(self, datagram: ControlDatagram) -> None:
        if datagram.kind is Kind.STUN:
            self._take_check(datagram)
            return
        peer = self._by_leg.get(datagram.leg)
        if peer is None:
            return
        if datagram.kind is Kind.DTLS:
            peer.take_dtls(datagram)
        elif datagram.kind is Kind.RTCP:
            peer.take_rtcp(datagram)
            self._pass_on(peer, now_ns=datagram.at_ns)
        elif datagram.kind is Kind.HEARD:
            peer.heard(datagram.at_ns)

    def vouches(self, datagram: bytes) -> bool:
        """Whether it is an authentic check of one of the legs; nothing is changed or counted."""
        return not isinstance(self._authenticated(datagram), StunDrop)

    def tunnel(self, inner: Address, outer: Address | None) -> None:
        """What comes from `inner` is of an app at `outer`, and it is told so; None ends that."""
        if outer is None:
            self._tunnels.pop(inner, None)
        else:
            self._tunnels[inner] = outer

    def _pass_on(self, viewer: LegPeer, *, now_ns: int) -> None:
        """What a viewer asks for goes to whom it sees, at once."""
        requests = viewer.feedback.take_requests() if viewer.feedback is not None else []
        if not requests:
            return
        counters = self.relay.counters()
        far = self._by_leg.get(counters[row_of(viewer.leg) + Column.PEER])
        if far is not None and far.feedback is not None:
            far.feedback.ask(requests, counters, leg=far.leg, viewer=viewer.leg, now_ns=now_ns)

    def _take_check(self, datagram: ControlDatagram) -> None:
        known = self._authenticated(datagram.data)
        if isinstance(known, StunDrop):
            self.drop(known)
            return
        check, peer, credential = known
        if peer.checked(check, credential, datagram):
            seen_at = self._tunnels.get(datagram.address, datagram.address)
            self.send(success(check, credential.pwd, seen_at), datagram.address)

    def _authenticated(self, data: bytes) -> tuple[Check, LegPeer, Credential] | StunDrop:
        check = read_check(data)
        if isinstance(check, StunDrop):
            return check
        known = self._by_ufrag.get(check.ufrag)
        if known is None or known[1].far_ufrag != check.far_ufrag:
            return StunDrop.UNKNOWN_UFRAG
        return (check, *known) if is_authentic(check, known[1].pwd) else StunDrop.BAD_INTEGRITY
