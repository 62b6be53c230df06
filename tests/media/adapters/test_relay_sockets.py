"""Both twins on one socket for both families, and what the native one's thread must stand."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.media.adapters.native.engine import DELAY_NS_MAX, Engine
from gateway.media.adapters.relay_native import NativeRelay, pack, unpack
from gateway.media.adapters.relay_python import STRANGERS_QUEUE_MAX
from gateway.media.counters import COLUMNS, LEGS_MAX, Column, Drop
from gateway.media.demux import Kind
from gateway.media.path import Address
from gateway.media.ports import LegSpec
from tests.media.adapters.relay_bench import CHROME, TWINS, Bench
from tests.media.handset import Handset, new_keys

pytestmark = pytest.mark.adapter

DELAY_ALLOWED_NS = 2_000_000


@pytest.fixture(params=TWINS)
async def mixed(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made = Bench(TWINS[request.param], "::")
    yield made
    made.close()


@pytest.fixture
async def native() -> AsyncIterator[Bench]:
    made = Bench(NativeRelay)
    yield made
    made.close()


@pytest.fixture
def flood() -> Iterator["Flood"]:
    made = Flood()
    yield made
    made.stop()


class Flood:
    """A thread that sends what it is given until it is stopped."""

    def __init__(self) -> None:
        self.is_over = False
        self._threads: list[threading.Thread] = []

    def begin(self, handset: Handset, packets: list[bytes]) -> None:
        thread = threading.Thread(target=self._run, args=(handset, packets))
        self._threads.append(thread)
        thread.start()

    def _run(self, handset: Handset, packets: list[bytes]) -> None:
        for packet in packets:
            if self.is_over:
                return
            handset.send(packet)
            time.sleep(0.0002)

    def stop(self) -> None:
        self.is_over = True
        for thread in self._threads:
            thread.join()


async def test_a_socket_for_both_families_carries_a_call(mixed: Bench) -> None:
    (_, here), (_, there) = mixed.pair()
    here.send(here.packet(1, b"over a mapped address"))
    here.send(b"\x16\xfe\xfdhandshake-bytes")

    assert (await there.hear()).payload == b"over a mapped address"
    assert (await mixed.next_control(Kind.DTLS)).address == mixed.seen(here)


@pytest.mark.parametrize(
    "address",
    [
        ("127.0.0.1", 9),
        ("255.1.2.3", 65_535),
        ("::1", 80, 0, 0),
        ("::ffff:10.0.0.1", 1, 0, 0),
        ("fe80::1", 5_004, 0, 3),
        ("2001:db8::5:6", 443, 0, 0),
    ],
)
def test_an_address_comes_back_as_it_was(address: Address) -> None:
    assert unpack(pack(address)) == address


def test_no_packet_waits_long_for_companions() -> None:
    assert DELAY_NS_MAX <= DELAY_ALLOWED_NS


async def test_nothing_leaves_once_the_unlink_returned(native: Bench, flood: Flood) -> None:
    (one, here), (other, _) = native.pair()
    flood.begin(here, [here.packet(seq) for seq in range(1, 4_000)])
    forwarded = 0
    for _ in range(40):
        native.relay.link(one, other)
        await asyncio.sleep(0.005)
        native.relay.unlink(one)
        sent = native.cell(other, Column.RTP_OUT)
        await asyncio.sleep(0.005)

        assert native.cell(other, Column.RTP_OUT) == sent
        forwarded = sent
    assert forwarded > 0


async def test_changes_in_a_flood_leave_the_relay_whole(native: Bench, flood: Flood) -> None:
    legs = [native.leg(ssrc_out=each) for each in range(6)]
    for _, handset in legs:
        flood.begin(handset, [handset.packet(seq) for seq in range(1, 3_000)] + [b"\x16" + bytes(60)] * 50)
    draw = random.Random(7)
    living = [leg for leg, _ in legs]
    for _ in range(1_500):
        one, other = draw.choice(living), draw.choice(living)
        native.relay.link(one, other)
        native.relay.mute(one, muted=draw.random() < 0.3)
        native.relay.set_path(one, native.seen(draw.choice(legs)[1]))
        native.relay.tap(other).drain()
        if draw.random() < 0.2:
            native.relay.untap(other)
            native.relay.remove_leg(one)
            living.remove(one)
            living.append(native.relay.add_leg(LegSpec(ssrc_out=5, voice=CHROME)))
            native.relay.set_keys(living[-1], new_keys())
            native.relay.set_path(living[-1], native.seen(draw.choice(legs)[1]))
        await asyncio.sleep(0)
    flood.stop()
    for leg in living:
        native.relay.remove_leg(leg)
    (_, here), (_, there) = native.pair()
    here.send(here.packet(1, b"still there"))

    assert (await there.hear()).payload == b"still there"


async def test_a_relay_is_closed_in_the_middle_of_a_flood(native: Bench, flood: Flood) -> None:
    (one, here), _ = native.pair()
    flood.begin(here, [here.packet(seq) for seq in range(1, 3_000)])
    await asyncio.sleep(0.02)
    native.relay.close()
    counts = list(native.relay.counters())
    await asyncio.sleep(0.02)

    assert list(native.relay.counters()) == counts
    assert native.cell(one, Column.LEG) == 0


async def test_a_control_plane_that_does_not_come_costs_datagrams_and_no_memory(native: Bench) -> None:
    relay = native.relay
    assert isinstance(relay, NativeRelay)
    loop = asyncio.get_running_loop()
    loop.remove_reader(relay.engine.wake_fd)
    stranger = Handset(native.target, new_keys())
    native.handsets.append(stranger)
    async with asyncio.timeout(10):
        while native.drop(Drop.CONTROL_FULL) == 0:
            stranger.send(*(b"\x00\x01" + bytes(18) for _ in range(100)))
            await asyncio.sleep(0.001)
    loop.add_reader(relay.engine.wake_fd, relay._woken)
    waited = [await native.next_control(Kind.STUN) for _ in range(STRANGERS_QUEUE_MAX)]

    assert {datagram.address for datagram in waited} == {stranger.address}
    await native.settle()


def test_wrong_memory_and_wrong_handles_are_refused() -> None:
    def made(cells: int) -> Engine:
        return Engine(
            0,
            memoryview(bytearray(8 * cells)).cast("q"),
            unprotect=0,
            protect=0,
            seed=1,
            step_ns=1,
            burst_ns=1,
        )

    with pytest.raises(ValueError, match="counters"):
        made(COLUMNS)
    engine = made((LEGS_MAX + 1) * COLUMNS)
    with pytest.raises(ValueError, match="not free"):
        engine.add(4_096, ssrc_out=1, opus=-1, red=-1, level_id=0)
    with pytest.raises(ValueError, match="address"):
        engine.set_path(1, b"short")
    with pytest.raises(ValueError, match="address"):
        engine.take(b"", b"short", 1)
    for handle in (-1, 0, 1, 4_096, 2**62):
        engine.remove(handle)
        engine.mute(handle, muted=True)
        engine.note(handle, Column.STUN_LAST_NS, 5)
        assert engine.tap(handle, 10) is None
    assert engine.drain(10) == []
