"""The service: which connection is a side's leg, what is linked, what is told."""

from collections.abc import Mapping

import pytest

from gateway.clock import ManualClock
from gateway.facts import Fact, LegAudible, LegClosed, LegConnected, LegGraded, LegMoved
from gateway.ids import AccountId, SessionId
from gateway.media.counters import Column, Drop, handle, row_of
from gateway.media.description import Fingerprint, Offer
from gateway.media.leg import LinkQuality
from gateway.media.ports import Lane, PeerListener
from gateway.media.service import MediaService
from gateway.terms import SessionKind, Side, VoiceQuality
from tests.media.fake_relay import FakeRelay

pytestmark = pytest.mark.service

SESSION = SessionId("ses_1")
VOICE = SessionKind.VOICE


class FakePeer:
    """A connection whose events the test makes happen."""

    def __init__(self, offer: Offer, listener: PeerListener, *, leg: int, relay: FakeRelay) -> None:
        self.leg = leg
        self.fingerprints = offer.fingerprints
        self.video = offer.video
        self.pictures_asked = 0
        self.listener = listener
        self.is_connected = False
        self.is_closed = False
        self.quality = LinkQuality(family="ipv4")
        self.sent: list[str] = []
        self.answers = 0
        self._relay = relay

    def answer(self, offer: Offer) -> str:
        self.answers += 1
        return f"answer {self.leg}.{self.answers} to {offer.ufrag}"

    def ask_key_frame(self) -> None:
        self.pictures_asked += 1

    def send_text(self, text: str) -> bool:
        self.sent.append(text)
        return self.is_connected

    async def close(self) -> None:
        self.is_closed = True
        self._relay.remove_leg(self.leg)


class FakeEndpoint:
    """Reads offers written as `fingerprint/ufrag`."""

    def __init__(self, relay: FakeRelay) -> None:
        self.port = 5_000
        self.peers: list[FakePeer] = []
        self.is_closed = False
        self._relay = relay

    def read(self, sdp: str, kind: SessionKind) -> Offer:
        fingerprint, ufrag = sdp.split("/")
        return Offer(
            ufrag=ufrag,
            fingerprints=frozenset({Fingerprint(algorithm="sha-256", value=fingerprint)}),
            sections=(),
            voice=None,
            sctp_port=None,
            message_bytes_max=0,
            extmap_allow_mixed=False,
        )

    def open(self, offer: Offer, listener: PeerListener) -> FakePeer:
        peer = FakePeer(offer, listener, leg=handle(1, len(self.peers) + 1), relay=self._relay)
        self.peers.append(peer)
        return peer

    def drops(self) -> Mapping[str, int]:
        return {"stun_bad_integrity": 2}

    async def close(self) -> None:
        self.is_closed = True


class Told:
    """Every fact, in order."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)


class Plane:
    """A service over fakes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.relay = FakeRelay()
        self.endpoint = FakeEndpoint(self.relay)
        self.told = Told()
        self.media = MediaService(
            relay=self.relay,
            endpoint=self.endpoint,
            clock=self.clock,
            sink=self.told,
            ice_servers=lambda account: [{"username": account}],
        )

    async def offer(self, side: Side, sdp: str) -> FakePeer:
        await self.media.answer(SESSION, side, VOICE, sdp)
        return self.endpoint.peers[-1]

    async def call(self) -> tuple[FakePeer, FakePeer]:
        return await self.offer(Side.CLIENT, "AA/one"), await self.offer(Side.PROVIDER, "BB/two")


def session(number: int) -> SessionId:
    return SessionId(f"ses_of_many_{number}")


async def test_sessions_are_spread_over_ports_and_each_stays_on_its_own(plane: Plane) -> None:
    other = FakeRelay()
    endpoint = FakeEndpoint(other)
    media = MediaService(
        relay=plane.relay,
        endpoint=plane.endpoint,
        clock=plane.clock,
        sink=plane.told,
        ice_servers=lambda _: [],
        more=[Lane(relay=other, endpoint=endpoint)],
    )
    for number in range(4):
        for side, sdp in ((Side.CLIENT, f"A{number}/one"), (Side.PROVIDER, f"B{number}/two")):
            await media.answer(session(number), side, VOICE, sdp)
        media.link(session(number))
    await media.close(session(1))
    await media.close(session(3))
    await media.answer(session(5), Side.CLIENT, VOICE, "AA/one")
    await media.answer(session(0), Side.CLIENT, VOICE, "A9/again")

    assert len(media.ports) == 2
    assert (len(plane.endpoint.peers), len(endpoint.peers)) == (5, 5)
    assert (len(plane.relay.links), len(other.links)) == (2, 0)
    assert {evidence.session for evidence in media.evidence()} == {session(0), session(2), session(5)}
    assert len(media.legs()) == 5
    assert media.drops()["stun_bad_integrity"] == 4
    await media.close()
    assert plane.endpoint.is_closed
    assert endpoint.is_closed


@pytest.fixture
def plane() -> Plane:
    return Plane()


def pair(*peers: FakePeer) -> frozenset[int]:
    return frozenset(peer.leg for peer in peers)


async def test_a_link_asked_for_before_the_second_leg_waits_for_it(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")
    plane.media.link(SESSION)

    provider = await plane.offer(Side.PROVIDER, "BB/two")

    assert plane.relay.links == {pair(client, provider)}


async def test_nothing_is_linked_unasked(plane: Plane) -> None:
    await plane.call()

    assert plane.relay.links == set()


async def test_an_unlink_holds_when_a_leg_rejoins(plane: Plane) -> None:
    await plane.call()
    plane.media.link(SESSION)
    plane.media.unlink(SESSION)

    await plane.offer(Side.CLIENT, "CC/three")

    assert plane.relay.links == set()


async def test_the_same_certificate_keeps_the_leg(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")

    answer = await plane.media.answer(SESSION, Side.CLIENT, VOICE, "AA/restarted")

    assert answer == f"answer {client.leg}.2 to restarted"
    assert plane.endpoint.peers == [client]


async def test_another_certificate_replaces_the_leg_and_keeps_the_link(plane: Plane) -> None:
    client, provider = await plane.call()
    plane.media.link(SESSION)

    rejoined = await plane.offer(Side.CLIENT, "CC/three")

    assert client.is_closed
    assert plane.relay.removed == [client.leg]
    assert plane.relay.links == {pair(rejoined, provider)}


async def test_a_replaced_leg_is_heard_no_more(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")
    await plane.offer(Side.CLIENT, "CC/three")

    client.listener.closed(1)
    client.listener.connected(1)
    client.listener.text("late")

    assert plane.told.facts == []


async def test_a_mute_holds_when_the_leg_rejoins(plane: Plane) -> None:
    await plane.offer(Side.CLIENT, "AA/one")
    plane.media.set_muted(SESSION, Side.CLIENT, muted=True)

    rejoined = await plane.offer(Side.CLIENT, "CC/three")

    assert plane.relay.muted[rejoined.leg]


async def test_facts_tell_how_long_the_setup_took(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")
    now_ns = plane.clock.monotonic_ns()

    client.listener.connected(now_ns + 30)
    client.listener.heard(now_ns + 50)
    client.listener.moved(now_ns + 60)
    client.listener.graded(now_ns + 70, quality=VoiceQuality.FAIR, mos=3.5)

    assert plane.told.facts == [
        LegConnected(at_ns=now_ns + 30, session=SESSION, side=Side.CLIENT, setup_ns=30),
        LegAudible(at_ns=now_ns + 50, session=SESSION, side=Side.CLIENT, setup_ns=50),
        LegMoved(at_ns=now_ns + 60, session=SESSION, side=Side.CLIENT),
        LegGraded(at_ns=now_ns + 70, session=SESSION, side=Side.CLIENT, quality=VoiceQuality.FAIR, mos=3.5),
    ]


async def test_a_closed_leg_is_told_once_and_its_evidence_stays(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")
    plane.relay.buffer[row_of(client.leg) + Column.RTP_IN] = 7
    client.listener.closed(99)
    client.listener.closed(100)
    plane.relay.buffer[row_of(client.leg) + Column.RTP_IN] = 0

    (evidence,) = plane.media.evidence()

    assert plane.told.facts == [LegClosed(at_ns=99, session=SESSION, side=Side.CLIENT)]
    assert (evidence.rtp_packets, evidence.connected) == (7, False)


async def test_evidence_counts_on_over_a_rejoin(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")
    plane.relay.buffer[row_of(client.leg) + Column.RTP_IN] = 7
    rejoined = await plane.offer(Side.CLIENT, "CC/three")
    plane.relay.buffer[row_of(rejoined.leg) + Column.RTP_IN] = 5
    rejoined.is_connected = True

    (evidence,) = plane.media.evidence()

    assert (evidence.rtp_packets, evidence.connected, evidence.side) == (12, True, Side.CLIENT)


async def test_text_goes_to_whoever_listens_now(plane: Plane) -> None:
    heard: list[tuple[SessionId, Side, str]] = []
    client = await plane.offer(Side.CLIENT, "AA/one")
    client.listener.text("to nobody")
    plane.media.on_text = lambda *line: heard.append(line)

    client.listener.text("hello")

    assert heard == [(SESSION, Side.CLIENT, "hello")]


async def test_text_without_a_channel_is_refused(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")

    assert not plane.media.send_text(SESSION, Side.CLIENT, "early")
    client.is_connected = True
    assert plane.media.send_text(SESSION, Side.CLIENT, "now")
    assert not plane.media.send_text(SESSION, Side.PROVIDER, "nobody")


async def test_closing_a_session_lets_go_of_both_legs(plane: Plane) -> None:
    client, provider = await plane.call()
    plane.media.link(SESSION)

    await plane.media.close(SESSION)

    assert sorted(plane.relay.removed) == sorted((client.leg, provider.leg))
    assert plane.media.evidence() == []
    assert plane.media.legs() == []


async def test_closing_without_a_session_closes_the_plane(plane: Plane) -> None:
    await plane.call()

    await plane.media.close()

    assert plane.endpoint.is_closed
    assert plane.media.evidence() == []


@pytest.mark.parametrize("session", [SESSION, SessionId("ses_unknown")])
async def test_an_unknown_session_is_nothing_to_do(plane: Plane, session: SessionId) -> None:
    plane.media.link(session)
    plane.media.unlink(session)
    plane.media.set_muted(session, Side.CLIENT, muted=True)
    plane.media.untap(session, Side.CLIENT)
    await plane.media.close(session)

    assert plane.media.tap(session, Side.CLIENT) is None


async def test_a_tap_is_the_legs_own_ring(plane: Plane) -> None:
    client = await plane.offer(Side.CLIENT, "AA/one")

    assert plane.media.tap(SESSION, Side.CLIENT) is plane.relay.taps[client.leg]
    plane.media.untap(SESSION, Side.CLIENT)
    assert plane.relay.taps == {}


async def test_legs_are_shown_with_their_family_only(plane: Plane) -> None:
    await plane.call()

    assert [(view.side, view.family) for view in plane.media.legs()] == [
        (Side.CLIENT, "ipv4"),
        (Side.PROVIDER, "ipv4"),
    ]


def test_drops_are_named_by_reason(plane: Plane) -> None:
    plane.relay.buffer[Drop.STRANGER_RTP] = 3

    drops = plane.media.drops()

    assert (drops["stranger_rtp"], drops["stun_bad_integrity"], drops["noise"]) == (3, 2, 0)


def test_credentials_are_the_makers_business(plane: Plane) -> None:
    assert plane.media.ice_servers(AccountId("acc_1")) == [{"username": "acc_1"}]
    assert plane.media.port == 5_000


async def test_whoever_comes_to_a_linked_session_has_whole_pictures_asked_for(plane: Plane) -> None:
    client, provider = await plane.call()
    provider.listener.connected(1)
    before = client.pictures_asked
    plane.media.link(SESSION)
    linked = client.pictures_asked
    provider.listener.connected(2)
    plane.media.unlink(SESSION)
    provider.listener.connected(3)

    assert (before, linked, client.pictures_asked) == (0, 1, 2)
