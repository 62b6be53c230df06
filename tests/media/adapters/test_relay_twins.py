"""The two relays are one: the same packets in the same order, the same bytes out and the same counts."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.adapters.relay_native import pack
from gateway.media.adapters.relay_python import STRANGERS_QUEUE_MAX
from gateway.media.counters import Column, Drop, row_of
from gateway.media.demux import Kind
from gateway.media.rtp import FIXED
from tests.media.adapters.twins import LEGS, TERMS, VIDEOS, Twins, drained, settle

pytestmark = pytest.mark.adapter

legs = st.integers(0, LEGS - 1)
places = st.integers(0, LEGS + 3)
words = st.binary(max_size=24).map(lambda raw: raw + bytes(-len(raw) % 4))
elements = st.lists(
    st.tuples(st.sampled_from((1, 1, 5, 14, 15, 0, 2, 20)), st.binary(max_size=4)), min_size=1, max_size=4
)


def one_byte(parts: list[tuple[int, bytes]]) -> bytes:
    """Header extensions as RFC 8285 section 4.2 writes them."""
    block = b"".join(
        bytes((kind % 16 << 4 | max(0, len(data) - 1),)) + (data or b"\0") for kind, data in parts
    )
    return block + bytes(-len(block) % 4)


def two_byte(parts: list[tuple[int, bytes]]) -> bytes:
    """As section 4.3 does."""
    block = b"".join(bytes((kind, len(data))) + data for kind, data in parts)
    return block + bytes(-len(block) % 4)


profiles = st.sampled_from((b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b"\x20\x00"))
extensions = st.one_of(
    st.none(),
    st.tuples(st.just(b"\xbe\xde"), elements.map(one_byte)),
    st.tuples(st.just(b"\x10\x00"), elements.map(two_byte)),
    st.tuples(profiles, words),
)
red = st.tuples(
    st.lists(st.tuples(st.integers(0, 127), st.integers(0, 6)), max_size=3),
    st.integers(0, 127),
    st.binary(max_size=20),
).map(
    lambda parts: (
        b"".join(bytes((0x80 | kind, 0, 0, size)) for kind, size in parts[0]) + bytes((parts[1],)) + parts[2]
    )
)
payloads = st.binary(max_size=40) | red | st.just(b"x" * 1_200)
steps = st.sampled_from((1,) * 20 + (2, 3, 0, -1, -2, -3, -40, 200, -200, 5_000, 0x7FFF))
damages = st.sampled_from(("",) * 20 + ("flip", "cut", "twice", "header", "elsewhere"))

speech = st.fixed_dictionaries({
    "leg": legs,
    "kind": st.sampled_from(("opus",) * 8 + ("red",) * 4 + ("picture",) * 6 + ("repair",) * 3 + (111, 63, 96, 0, 9)),
    "marker": st.booleans(),
    "step": steps,
    "ts_step": st.sampled_from((960,) * 8 + (0, -960, 48_000, 0x80000000, 0xFFFFFFFF)),
    "ssrc": st.sampled_from((5,) * 30 + (6, 7, 0, 1_005, 0xFFFFFFFF)),
    "sources": st.sampled_from((0,) * 6 + (1, 15)),
    "extension": extensions,
    "payload": payloads,
    "padding": st.sampled_from((-1,) * 8 + (0, 1, 4, 255)),
    "damage": damages,
    "spot": st.integers(0, 4_000),
})  # fmt: skip
raw = st.tuples(
    st.sampled_from((0, 1, 3, 4, 19, 20, 22, 63, 64, 127, 128, 144, 191, 192, 255)),
    st.sampled_from((0, 111, 191, 192, 200, 223, 224)),
    st.binary(max_size=60),
).map(lambda parts: bytes(parts[:2]) + parts[2])
noise = st.one_of(
    raw, st.just(b""), st.just(b"\x80"), st.just(b"\x90\x6f" + b"\xff" * (DATAGRAM_BYTES_MAX - 1))
)

changes = st.one_of(
    *(st.tuples(st.just("speak"), speech) for _ in range(16)),
    st.tuples(st.just("give"), noise, places),
    st.tuples(st.just("wait"), st.sampled_from((0, 1_000_000, 20_000_000, 3_000_000_000))),
    st.tuples(st.just("wait"), st.sampled_from((1_000_000, 20_000_000))),
    st.tuples(st.just("link"), legs, legs),
    st.tuples(st.just("unlink"), legs),
    st.tuples(st.just("mute"), legs, st.booleans()),
    st.tuples(st.just("path"), legs, places),
    st.tuples(st.just("add"), legs, st.integers(0, len(TERMS) - 1)),
    st.tuples(st.just("key"), legs),
    st.tuples(st.just("remove"), legs),
    st.tuples(st.just("tap"), legs),
    st.tuples(st.just("untap"), legs),
    st.tuples(st.just("listen")),
)


class Script:
    """Plays a script on both twins, and keeps where each leg's app is in its stream."""

    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.seq = [65_530, 1, 30_000, 9]
        self.ts = [0xFFFFF000, 0, 77, 0x7FFFFFFF]
        self.last = b"\x80\x6f" + bytes(40)

    def play(self, change: tuple[Any, ...]) -> None:
        name, *arguments = change
        act: Callable[..., None] = self.speak if name == "speak" else getattr(self.twins, name)
        act(*arguments)

    def speak(self, what: dict[str, Any]) -> None:
        leg = what["leg"]
        self.seq[leg] = (self.seq[leg] + what["step"]) & 0xFFFF
        self.ts[leg] = (self.ts[leg] + what["ts_step"]) & 0xFFFFFFFF
        sealed = self.twins.seal(leg, *self.written(what))
        if sealed is None:
            return
        spot = what["spot"] % len(sealed)
        if what["damage"] == "flip":
            sealed = sealed[:-1] + bytes((sealed[-1] ^ 1,))
        elif what["damage"] == "header":
            sealed = sealed[:spot] + bytes((sealed[spot] ^ 1 << what["step"] % 8,)) + sealed[spot + 1 :]
        elif what["damage"] == "cut":
            sealed = sealed[:spot]
        elif what["damage"] == "twice":
            self.twins.give(self.last, leg)
        self.twins.give(sealed, LEGS + 2 if what["damage"] == "elsewhere" else leg)
        self.last = sealed

    @staticmethod
    def source(what: dict[str, Any]) -> int:
        """Every stream is of a source of its own, as long as nothing odd is asked for."""
        return {"picture": 1_000, "repair": 2_000}.get(what["kind"], 0) + what["ssrc"] & 0xFFFFFFFF

    def kind(self, what: dict[str, Any]) -> int:
        """The payload type: a number, or what the leg negotiated."""
        voice = TERMS[self.twins.terms[what["leg"]]]
        video = VIDEOS[self.twins.terms[what["leg"]]]
        known = {"opus": voice.opus, "red": voice.red or 0} if voice is not None else {}
        if video is not None:
            known |= {"picture": video.payload_type, "repair": video.rtx or 0}
        return known.get(what["kind"], 111) if isinstance(what["kind"], str) else what["kind"]

    def written(self, what: dict[str, Any]) -> tuple[bytes, bytes]:
        first = (
            0x80
            | what["sources"]
            | (0x10 if what["extension"] else 0)
            | (0x20 if what["padding"] >= 0 else 0)
        )
        second = self.kind(what) | (0x80 if what["marker"] else 0)
        head = FIXED.pack(first, second, self.seq[what["leg"]], self.ts[what["leg"]], self.source(what))
        head += bytes(4 * what["sources"])
        if what["extension"]:
            profile, block = what["extension"]
            head += profile + (len(block) // 4).to_bytes(2, "big") + block
        padding = (
            bytes(max(0, what["padding"] - 1)) + bytes((what["padding"],)) if what["padding"] >= 0 else b""
        )
        return head, what["payload"] + padding


@pytest.mark.timeout(400)  # a failure is made small before it is shown
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(changes, min_size=8, max_size=80))
def test_the_same_script_gives_the_same_bytes_and_counts(script: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        twins = Twins()
        try:
            settle(twins)
            player = Script(twins)
            for change in script:
                player.play(change)
            twins.listen()
        finally:
            twins.close()

    asyncio.run(play())


@pytest.fixture
async def twins() -> Any:
    made = Twins()
    settle(made)
    yield made
    made.close()


def spoken(**changes: Any) -> dict[str, Any]:
    plain = {
        "leg": 0, "kind": "opus", "marker": False, "step": 1, "ts_step": 960, "ssrc": 5, "sources": 0,
        "extension": (b"\xbe\xde", b"\x10\x9e\x00\x00"), "payload": b"opus", "padding": -1, "damage": "", "spot": 0,
    }  # fmt: skip
    return plain | changes


def drawn(draw: random.Random, leg: int) -> dict[str, Any]:
    """One packet of a long stream: mostly good, now and then odd."""
    odd = draw.random() < 0.15
    block = [(draw.choice((1, 1, 5, 14, 15, 2, 0)), draw.randbytes(draw.randrange(4))) for _ in range(3)]
    sizes = [draw.choice((0, 3, 300)) for _ in range(draw.randrange(3))]
    red = b"".join(bytes((0x80 | 111, 0, size >> 8, size & 0xFF)) for size in sizes) + b"\x6f"
    kind = draw.choice(("opus", "opus", "red", "picture", "picture", "repair"))
    return {
        "leg": leg,
        "kind": kind,
        "marker": False,
        "step": draw.choice((-1, -2, 40, -40, 0x1000)) if odd else draw.choice((1, 1, 1, 3)),
        "ts_step": draw.choice((960, 960, 960, 0, -960, 96_000)),
        "ssrc": 5,
        "sources": 0,
        "extension": draw.choice((None, (b"\xbe\xde", one_byte(block)), (b"\x10\x00", two_byte(block)))),
        "payload": red + bytes(sum(sizes)) + b"frame"
        if kind == "red"
        else draw.choice((b"frame", b"\0", b"")),
        "padding": draw.choice((-1, -1, -1, 3)),
        "damage": "",
        "spot": 0,
    }


@pytest.mark.parametrize("seed", range(12))
async def test_long_streams_stay_equal(twins: Twins, seed: int) -> None:
    draw = random.Random(seed)
    settle(twins, *draw.choices([each for each, voice in enumerate(TERMS) if voice is not None], k=LEGS))
    script = Script(twins)
    sources = [5] * LEGS
    for _ in range(500):
        one, other = draw.sample(range(LEGS), 2)
        change = draw.random()
        if change < 0.04:
            twins.mute(one, muted=draw.random() < 0.4)
        elif change < 0.06:
            twins.unlink(one)
        elif change < 0.12:
            twins.link(one, other)
        elif change < 0.5:
            twins.wait(draw.choice((5_000_000, 20_000_000, 100_000_000, 9_500_000_000 * (seed % 2))))
        sources[one] += draw.random() < 0.02
        script.speak(drawn(draw, one) | {"ssrc": sources[one]})
        if change > 0.97:
            for _ in range(draw.randrange(90)):
                script.speak(spoken(leg=one, ssrc=sources[one]))
    twins.listen()

    assert twins.delivered > 60


async def test_the_script_really_forwards_and_drops(twins: Twins) -> None:
    script = Script(twins)
    for change in (
        spoken(),
        spoken(damage="twice"),
        spoken(damage="flip"),
        spoken(kind=9),
        spoken(kind=63, payload=b"\x6fred"),
        spoken(damage="elsewhere"),
    ):
        script.speak(change)

    row = row_of(twins.handles[0])
    counts = twins.native.counters()
    assert twins.delivered == 3
    assert [counts[row + each] for each in (Column.RTP_IN, Column.RTP_FORWARDED, Column.BAD_TAG)] == [4, 3, 1]
    assert [counts[row + each] for each in (Column.REPLAYED, Column.REFUSED)] == [1, 1]
    assert counts[Drop.STRANGER_RTP] == 1


async def test_a_full_control_queue_drops_the_same(twins: Twins) -> None:
    for _ in range(4_100):
        twins.native.engine.take(b"\x00\x01" + bytes(18), bytes(24), 1)
        twins.python._buffer.view[:20] = b"\x00\x01" + bytes(18)
        twins.python._take(20, ("0.0.0.0", 0))

    twins.compare()
    assert twins.native.counters()[Drop.CONTROL_FULL] == 4_100 - STRANGERS_QUEUE_MAX
    assert len(drained(twins.native)) == len(drained(twins.python)) == STRANGERS_QUEUE_MAX
    twins.give(b"\x00\x01" + bytes(18), LEGS)
    twins.listen()


async def test_strangers_leave_room_for_the_legs_own_datagrams(twins: Twins) -> None:
    twins.add(0, 0)
    twins.path(0, 0)
    for _ in range(STRANGERS_QUEUE_MAX + 10):
        twins.native.engine.take(b"\x00\x01" + bytes(18), bytes(24), 1)
        twins.python._buffer.view[:20] = b"\x00\x01" + bytes(18)
        twins.python._take(20, ("0.0.0.0", 0))
    for own in (b"\x16" + bytes(18), b"\x00\x01" + bytes(18)):
        twins.native.engine.take(own, pack(twins.addresses[0]), 2)
        twins.python._buffer.view[: len(own)] = own
        twins.python._take(len(own), twins.addresses[0])

    twins.compare()
    assert twins.native.counters()[Drop.CONTROL_FULL] == 10
    for relay in (twins.native, twins.python):
        assert [each.kind for each in drained(relay)[-2:]] == [Kind.DTLS, Kind.STUN]


async def test_a_tap_that_nobody_drains_keeps_the_newest(twins: Twins) -> None:
    script = Script(twins)
    twins.wait(10**12)
    for _ in range(1_600):
        twins.wait(20_000_000)
        script.speak(spoken(payload=b"a frame"))

    first, second = twins.taps[0] or (None, None)
    assert first is not None
    assert second is not None
    assert first.overwritten == second.overwritten == 100
    twins.listen()


async def test_every_path_table_row_is_found_again_after_many_moves(twins: Twins) -> None:
    relays = (twins.python, twins.native)
    for turn in range(600):
        for leg in range(LEGS):
            for relay in relays:
                relay.set_path(twins.handles[leg], ("10.0.0.1", 1_000 + (turn * 7 + leg * 13) % 97))
    for port in range(1_000, 1_097):
        datagram = b"\x16\xfe\xfdhandshake-%d" % port
        address = ("10.0.0.1", port)
        twins.addresses[-1] = address
        twins.give(datagram, len(twins.addresses) - 1)

    twins.listen()
