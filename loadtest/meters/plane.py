"""A media plane whose legs always talk: a relay and an endpoint without a network.

Decides what the relay's counters would show of a leg that was answered: 50
authenticated packets a second from then on, each forwarded while the leg is
linked, and consent every few seconds. Offers are read by the product's own
reader; `MediaService` above is the real one, so is all that reads its counters.
Never carries a datagram: no DTLS, no SRTP, nothing to hear. Only a gateway in
demo mode can be opened with it (`gateway/app.py`).
"""

import asyncio
from array import array
from collections.abc import Mapping, Sequence

from gateway.clock import NS, Clock
from gateway.facts import FactSink
from gateway.ids import AccountId
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.counters import COLUMNS, ROWS, Column, handle, row_of
from gateway.media.description import Fingerprint, Offer
from gateway.media.leg import LinkQuality
from gateway.media.path import Address
from gateway.media.ports import ControlDatagram, LegSpec, PeerListener, SrtpKeys, Tap, Witness
from gateway.media.service import MediaService
from gateway.terms import SessionKind

PACKET_NS = NS // 50
UNITS_PER_PACKET = 960
CONSENT_NS = 4 * NS
LEVEL_DBOV = -30
"""How loud everybody speaks."""
ANSWER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=simulated\r\nt=0 0\r\n"
"""What offers are answered with; nobody connects to it."""


class SimulatedRelay:
    """`media.ports.Relay`: counters that grow by themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters = array("q", bytes(8 * ROWS * COLUMNS))
        self._began_at_ns: dict[int, int] = {}
        self._free = list(range(ROWS - 1, 0, -1))
        self._read_at_ns = 0

    def add_leg(self, spec: LegSpec) -> int:
        """A new leg, silent until `speak`."""
        leg = handle(1, self._free.pop())
        row = row_of(leg)
        self._counters[row : row + COLUMNS] = array("q", bytes(8 * COLUMNS))
        self._counters[row + Column.LEG] = leg
        self._counters[row + Column.SSRC_OUT] = spec.ssrc_out
        return leg

    def speak(self, leg: int) -> None:
        """The leg sends from now on."""
        now_ns = self._clock.monotonic_ns()
        row = row_of(leg)
        self._began_at_ns[row] = now_ns
        for column in (Column.RTP_FIRST_NS, Column.RTP_LAST_NS, Column.STUN_LAST_NS):
            self._counters[row + column] = now_ns
        self._counters[row + Column.LEVEL_LAST] = LEVEL_DBOV

    def remove_leg(self, leg: int) -> None:
        """Forget a leg."""
        row = row_of(leg)
        if self._counters[row + Column.LEG] == leg:
            self.unlink(leg)
            self._began_at_ns.pop(row, None)
            self._counters[row + Column.LEG] = 0
            self._free.append(row // COLUMNS)

    def link(self, a: int, b: int) -> None:
        """Forward both ways."""
        for leg, peer in ((a, b), (b, a)):
            self._counters[row_of(leg) + Column.PEER] = peer

    def unlink(self, leg: int) -> None:
        """Forward no more."""
        row = row_of(leg)
        peer, self._counters[row + Column.PEER] = self._counters[row + Column.PEER], 0
        if peer:
            self._counters[row_of(peer) + Column.PEER] = 0

    def mute(self, leg: int, *, muted: bool) -> None:
        """Note the mute."""
        self._counters[row_of(leg) + Column.MUTED] = int(muted)

    def counters(self) -> Sequence[int]:
        """What a relay would have counted by now; packets come every 20 ms, so no oftener."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._read_at_ns >= PACKET_NS:
            self._read_at_ns = now_ns
            self._grow(now_ns)
        return self._counters

    def _grow(self, now_ns: int) -> None:
        # A real relay counts without the event loop: what this costs is taken from what is measured.
        counters = self._counters
        for row, began_at_ns in self._began_at_ns.items():
            age_ns = now_ns - began_at_ns
            before = age_ns // PACKET_NS
            if counters[row + _PEER]:
                counters[row + _FORWARDED] += before + 1 - counters[row + _IN]
            counters[row + _IN] = counters[row + _OUT] = before + 1
            counters[row + _LAST] = began_at_ns + before * PACKET_NS
            counters[row + _CONSENT] = now_ns - age_ns % CONSENT_NS
            counters[row + _SPAN] = before * UNITS_PER_PACKET

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        """No keys here."""

    def set_path(self, leg: int, address: Address) -> None:
        """No path here."""

    def tap(self, leg: int) -> Tap:
        """Nothing to hear."""
        raise NotImplementedError("a simulated leg has no sound")

    def untap(self, leg: int) -> None:
        """Nothing was tapped."""

    def note(self, leg: int, witness: Witness, *, at_ns: int) -> None:
        """An arrival of the control plane."""
        self._counters[row_of(leg) + witness] = at_ns

    def drain_control(self) -> Sequence[ControlDatagram]:
        """No datagrams here."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""


_PEER, _FORWARDED = int(Column.PEER), int(Column.RTP_FORWARDED)
_IN, _OUT, _LAST = int(Column.RTP_IN), int(Column.RTP_OUT), int(Column.RTP_LAST_NS)
_CONSENT, _SPAN = int(Column.STUN_LAST_NS), int(Column.RTP_SPAN)


class SimulatedPeer:
    """`media.ports.Peer`: connected as soon as it is answered."""

    def __init__(self, offer: Offer, listener: PeerListener, relay: SimulatedRelay, clock: Clock) -> None:
        self.leg = relay.add_leg(LegSpec(ssrc_out=1, voice=offer.voice))
        self.is_connected = False
        self.fingerprints: frozenset[Fingerprint] = offer.fingerprints
        self.video = offer.video
        self.quality = LinkQuality(family="ipv4")
        self._listener = listener
        self._relay = relay
        self._clock = clock

    def answer(self, offer: Offer) -> str:
        """The answer; the leg is there a moment later."""
        asyncio.get_running_loop().call_soon(self._come)
        return ANSWER

    def ask_key_frame(self) -> None:
        """There is no picture."""

    def send_text(self, text: str) -> bool:
        """There is no data channel."""
        return False

    async def close(self) -> None:
        """Go."""
        self.is_connected = False
        self._relay.remove_leg(self.leg)

    def _come(self) -> None:
        if self.is_connected:
            return
        self.is_connected = True
        self._relay.speak(self.leg)
        now_ns = self._clock.monotonic_ns()
        self._listener.connected(now_ns)
        self._listener.heard(now_ns)


class SimulatedEndpoint:
    """`media.ports.Endpoint` without a socket."""

    port = 9
    """The discard port: nothing is served there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.relay = SimulatedRelay(clock)

    def read(self, sdp: str, kind: SessionKind) -> Offer:
        """Read an offer, as the real endpoint does."""
        return read_offer(sdp, kind)

    def open(self, offer: Offer, listener: PeerListener) -> SimulatedPeer:
        """A peer that will be there at once."""
        return SimulatedPeer(offer, listener, self.relay, self._clock)

    def drops(self) -> Mapping[str, int]:
        """Nothing comes, nothing is dropped."""
        return {}

    async def close(self) -> None:
        """Nothing to let go of."""


def simulated_plane(clock: Clock, sink: FactSink) -> MediaService:
    """The product's media service over simulated legs."""
    endpoint = SimulatedEndpoint(clock)

    def ice_servers(_account: AccountId) -> list[dict[str, object]]:
        return []

    return MediaService(
        relay=endpoint.relay, endpoint=endpoint, clock=clock, sink=sink, ice_servers=ice_servers
    )
