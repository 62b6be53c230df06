"""The media plane as signalling and metering see it: sessions of two legs.

Decides which connection is a side's leg (the newest offer wins), on which port a
session is, when two legs are linked, and what is told as a fact. Never forwards a packet (the relay),
reads SDP or speaks DTLS (`adapters/`), nor judges presence (metering).
Keeps: a link that was asked for holds across rejoins, and so does a mute; a
side's evidence only grows; after `close` nothing of a session remains.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from gateway.clock import Clock
from gateway.errors import Unprocessable
from gateway.facts import FactSink, LegAudible, LegClosed, LegConnected, LegGraded, LegMoved
from gateway.ids import AccountId, SessionId
from gateway.media.counters import Drop
from gateway.media.description import Offer
from gateway.media.leg import LegView, nothing_heard, read_evidence, read_view
from gateway.media.ports import Endpoint, Entrance, Lane, Peer, Relay, Tap
from gateway.terms import LegEvidence, SessionKind, Side, VoiceQuality

OnText = Callable[[SessionId, Side, str], None]
"""Called with every data channel text message a leg sends."""
IceServers = Callable[[AccountId], list[dict[str, object]]]
"""Makes the RTCIceServer entries of one account."""

_log = structlog.get_logger()


def ignore_text(_session: SessionId, _side: Side, _text: str) -> None:
    """What hears data channel messages until somebody else does."""


class _Place:
    """One side's place in a session: the peer that fills it and what its forerunners left."""

    def __init__(self, session: SessionId, side: Side, relay: Relay) -> None:
        self.session = session
        self.side = side
        self.relay = relay
        self.peer: Peer | None = None
        self.listener: _Listener | None = None
        """Hears the peer."""
        self.is_muted = False
        self.carried = nothing_heard(session, side)
        self.is_first = True
        """Nothing is carried yet."""

    def read(self, counters: Sequence[int]) -> LegEvidence:
        """The side's evidence, forerunners included, from one reading of its relay."""
        if self.peer is None:
            return self.carried
        return read_evidence(
            counters,
            self.peer.leg,
            connected=self.peer.is_connected,
            carried=self.carried,
            is_first=self.is_first,
        )

    def vacate(self) -> Peer | None:
        """Take the peer out and carry its evidence on."""
        self.carried = self.read(self.relay.counters())._replace(connected=False)
        self.is_first = self.is_first and self.peer is None
        return self.part()

    def part(self) -> Peer | None:
        """Take the peer out; nobody listens to it any more, and nothing leads from who did back to it."""
        if self.listener is not None:
            self.listener.peer = None
            self.listener = None
        peer, self.peer = self.peer, None
        return peer


class _Room:
    """A session's places on one port, and whether voice may pass between them."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.places: dict[Side, _Place] = {}
        self.is_linked = False


class _Listener:
    """Turns what one peer says into facts; silent once another peer has its place."""

    def __init__(self, media: "MediaService", place: _Place, *, sink: FactSink, now_ns: int) -> None:
        self.peer: Peer | None = None
        self._media = media
        self._place = place
        self._sink = sink
        self._offered_at_ns = now_ns
        self._log = _log.bind(session=place.session, side=place.side)

    @property
    def _is_current(self) -> bool:
        return self.peer is not None and self._place.peer is self.peer

    def connected(self, at_ns: int) -> None:
        if self._is_current:
            session, side = self._place.session, self._place.side
            setup_ns = at_ns - self._offered_at_ns
            self._log.info("leg_connected", setup_ms=setup_ns // 1_000_000)
            self._sink.tell(LegConnected(at_ns=at_ns, session=session, side=side, setup_ns=setup_ns))
            self._media.ask_key_frames(session)

    def heard(self, at_ns: int) -> None:
        if self._is_current:
            session, side = self._place.session, self._place.side
            setup_ns = at_ns - self._offered_at_ns
            self._log.info("leg_audible", setup_ms=setup_ns // 1_000_000)
            self._sink.tell(LegAudible(at_ns=at_ns, session=session, side=side, setup_ns=setup_ns))

    def moved(self, at_ns: int) -> None:
        if self._is_current:
            self._log.info("leg_moved")
            self._sink.tell(LegMoved(at_ns=at_ns, session=self._place.session, side=self._place.side))

    def graded(self, at_ns: int, *, quality: VoiceQuality, mos: float) -> None:
        if self._is_current:
            session, side = self._place.session, self._place.side
            self._log.info("leg_graded", quality=quality, mos=round(mos, 2))
            self._sink.tell(LegGraded(at_ns=at_ns, session=session, side=side, quality=quality, mos=mos))

    def closed(self, at_ns: int) -> None:
        if self._is_current:
            self._place.vacate()
            self._log.info("leg_closed")
            self._sink.tell(LegClosed(at_ns=at_ns, session=self._place.session, side=self._place.side))

    def text(self, text: str) -> None:
        if self._is_current:
            self._media.on_text(self._place.session, self._place.side, text)


def _chosen(offer: Offer, bound_by: Peer | None) -> Offer:
    """The offer with its video chosen: the far leg, or the same one before, binds it.

    Raises:
        Unprocessable: `bad_offer`, where the two share no codec.
    """
    chosen = offer.choosing(bound_by.video if bound_by is not None else None)
    if chosen.video is None and offer.video_choices and bound_by is not None and bound_by.video is not None:
        codec = f"{bound_by.video.codec} {bound_by.video.profile}".strip()
        line = offer.video_line
        raise Unprocessable(
            f"line {line}: the other side sends and shows {codec}, which the video section does not offer",
            code="bad_offer",
            line=line,
        )
    return chosen


class MediaService:
    """Fills signalling's `Media` and metering's `Gate`.

    Args:
        relay: forwards between legs.
        endpoint: negotiates with apps; works on the same relay.
        clock: the clock whose instants the relay's arrivals are.
        sink: hears LegConnected, LegAudible, LegMoved, LegGraded and LegClosed.
        ice_servers: makes the RTCIceServer entries of one account.
        on_text: hears every data channel text message; may be set later.
        relay_name: which twin the relay is, for people.
        more: further ports with a relay each; a session stays on one of them.
        entrance: the way in over TCP, if any; closed with the plane.
    """

    def __init__(
        self,
        *,
        relay: Relay,
        endpoint: Endpoint,
        clock: Clock,
        sink: FactSink,
        ice_servers: IceServers,
        on_text: OnText = ignore_text,
        relay_name: str = "python",
        more: Sequence[Lane] = (),
        entrance: Entrance | None = None,
    ) -> None:
        self.on_text = on_text
        """Hears every data channel text message."""
        self.relay_name = relay_name
        """Which relay forwards: `native` or `python`."""
        self._sessions = dict.fromkeys((Lane(relay=relay, endpoint=endpoint), *more), 0)
        self._clock = clock
        self._sink = sink
        self._ice_servers = ice_servers
        self._entrance = entrance
        self._rooms: dict[SessionId, _Room] = {}

    @property
    def ports(self) -> Sequence[int]:
        """The UDP ports; both legs of a session are on the same one."""
        return [lane.endpoint.port for lane in self._sessions]

    @property
    def port(self) -> int:
        """The first of them."""
        return self.ports[0]

    @property
    def tcp_port(self) -> int | None:
        """The TCP port of ICE-TCP; None where there is none."""
        return None if self._entrance is None else self._entrance.port

    async def answer(self, session: SessionId, side: Side, kind: SessionKind, offer_sdp: str) -> str:
        """Take an offer and give the answer.

        The same certificate fingerprint with a new ufrag restarts ICE and keeps
        the keys; another fingerprint is a rejoin and replaces the side's leg.

        Raises:
            Unprocessable: `bad_offer`; the detail names the line and says why.
            Unavailable: there are as many legs as there may be.
        """
        room = self._rooms.get(session) or _Room(min(self._sessions, key=self._sessions.__getitem__))
        relay, endpoint = room.lane.relay, room.lane.endpoint
        offer = endpoint.read(offer_sdp, kind)
        place = room.places.get(side) or _Place(session, side, relay)
        if place.peer is not None and place.peer.fingerprints == offer.fingerprints:
            return place.peer.answer(_chosen(offer, place.peer))
        far = room.places.get(side.other)
        offer = _chosen(offer, far.peer if far is not None else None)
        now_ns = self._clock.monotonic_ns()
        listener = _Listener(self, place, sink=self._sink, now_ns=now_ns)
        peer = endpoint.open(offer, listener)
        answer = peer.answer(offer)
        replaced = place.vacate()
        listener.peer = place.peer = peer
        place.listener = listener
        room.places[side] = place
        self._sessions[room.lane] += session not in self._rooms
        self._rooms[session] = room
        relay.mute(peer.leg, muted=place.is_muted)
        if room.is_linked:
            self.link(session)
        if replaced is not None:
            _log.info("leg_replaced", session=session, side=side)
            await replaced.close()
        return answer

    def link(self, session: SessionId) -> None:
        """Forward both ways from the next packet, as soon as both legs are there."""
        room = self._rooms.get(session)
        if room is None:
            return
        room.is_linked = True
        legs = [place.peer.leg for place in room.places.values() if place.peer is not None]
        if len(legs) == len(Side):
            room.lane.relay.link(*legs)
            self.ask_key_frames(session)

    def ask_key_frames(self, session: SessionId) -> None:
        """Have every leg of a linked session send a whole picture, because somebody new is looking."""
        room = self._rooms.get(session)
        if room is not None and room.is_linked:
            for place in room.places.values():
                if place.peer is not None:
                    place.peer.ask_key_frame()

    def unlink(self, session: SessionId) -> None:
        """Stop forwarding both ways from the next packet."""
        room = self._rooms.get(session)
        if room is None:
            return
        room.is_linked = False
        for place in room.places.values():
            if place.peer is not None:
                place.relay.unlink(place.peer.leg)

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """Forward nothing of that leg's voice while muted."""
        place = self._place(session, side)
        if place is not None:
            place.is_muted = muted
            if place.peer is not None:
                place.relay.mute(place.peer.leg, muted=muted)

    def send_text(self, session: SessionId, side: Side, text: str) -> bool:
        """Send one data channel message to that leg; False where no channel takes it."""
        place = self._place(session, side)
        return place is not None and place.peer is not None and place.peer.send_text(text)

    async def close(self, session: SessionId | None = None) -> None:
        """Close both legs of a session and forget them; without one, close the whole plane."""
        if session is None:
            self._rooms.clear()
            if self._entrance is not None:
                await self._entrance.close()
            for lane in self._sessions:
                await lane.endpoint.close()
            return
        room = self._rooms.pop(session, None)
        if room is None:
            return
        self._sessions[room.lane] -= 1
        for place in room.places.values():
            if (peer := place.part()) is not None:
                await peer.close()

    def ice_servers(self, account: AccountId) -> list[dict[str, object]]:
        """RTCIceServer entries with time-limited credentials; none where no TURN server is set."""
        return self._ice_servers(account)

    def evidence(self) -> Sequence[LegEvidence]:
        """One reading of every leg's counters."""
        readings = self._readings()
        return [
            place.read(readings[room.lane]) for room in self._rooms.values() for place in room.places.values()
        ]

    def legs(self, session: SessionId | None = None) -> Sequence[LegView]:
        """Every leg that has a connection, of one session or of all, for the operator's page."""
        readings = self._readings()
        now_ns = self._clock.monotonic_ns()
        rooms = self._rooms.values() if session is None else filter(None, (self._rooms.get(session),))
        return [
            read_view(
                readings[room.lane],
                place.peer.leg,
                session=place.session,
                side=place.side,
                connected=place.peer.is_connected,
                quality=place.peer.quality,
                now_ns=now_ns,
            )
            for room in rooms
            for place in room.places.values()
            if place.peer is not None
        ]

    def drops(self) -> Mapping[str, int]:
        """Datagrams dropped since the start, by reason."""
        dropped: Counter[str] = Counter()
        for lane, counters in self._readings().items():
            dropped.update({drop.name.lower(): counters[drop] for drop in Drop})
            dropped.update(lane.endpoint.drops())
        if self._entrance is not None:
            dropped.update(self._entrance.drops())
        return dropped

    def tcp_events(self) -> Mapping[str, int]:
        """Connections over TCP since the start: accepted, refused and closed by reason."""
        return {} if self._entrance is None else self._entrance.events()

    def tap(self, session: SessionId, side: Side) -> Tap | None:
        """The ring of that leg's packets, begun by asking; ask again after a rejoin."""
        place = self._place(session, side)
        return None if place is None or place.peer is None else place.relay.tap(place.peer.leg)

    def untap(self, session: SessionId, side: Side) -> None:
        """Stop copying that leg's packets."""
        place = self._place(session, side)
        if place is not None and place.peer is not None:
            place.relay.untap(place.peer.leg)

    def _place(self, session: SessionId, side: Side) -> _Place | None:
        room = self._rooms.get(session)
        return None if room is None else room.places.get(side)

    def _readings(self) -> Mapping[Lane, Sequence[int]]:
        """One reading of every relay's counters."""
        return {lane: lane.relay.counters() for lane in self._sessions}
