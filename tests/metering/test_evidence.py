"""Evidence entries: their bytes stay, their readings are strict, stored records of version 1 replay."""

import struct

import pytest

from gateway.errors import InvariantBroken, Malformed
from gateway.metering.evidence import (
    ANCHOR_BYTES,
    SLOT_BYTES,
    Anchor,
    AnchorKind,
    boot_mark,
    decode,
    encode_anchor,
    encode_tick,
    split_entries,
)
from gateway.metering.record import Record
from gateway.metering.tick import Tick, TickFinding
from gateway.metering.usage import Usage
from gateway.terms import ConsentKind, EndReason, Side, SuspendReason
from tests.metering.bench import Bench, order

pytestmark = pytest.mark.core

STORED_V1 = bytes.fromhex(
    "4101010000000000000000e9103fda0018d75b845f8dca00b6f547b605f770b635a2d5b396a9c652"
    "53010003030000000001000000e94bdaa40018d75b849b28940000000001000000010000006c0000006c0001950000019500"
    "53010003030000000002000000e987756e0018d75b84d6c35e0000000002000000020000009c0000009c0002490000024900"
    "4101030100000002000000e987756e0018d75b84d6c35e00b6f547b605f770b635a2d5b396a9c652"
)
"""A call of two seconds as version 1 wrote it: start, two billed seconds, stop."""
HEAD_V1 = "6c6a541c3e0c47384613c10005e90ff0d96f82fd49fc634da847aeab7c689071"

SECOND = Tick(
    number=7,
    finding=TickFinding.BILLED,
    media=(True, False),
    apps=(True, True),
    paused_by=None,
    ended_at_ns=8_000_000_000,
    ended_wall_ns=9_000_000_000,
    acked=(7, 6),
    rtp_packets=(350, 351),
    rtp_span=(336_000, 336_960),
    app_clock_ms=(7_001, 6_999),
    period=2,
    messages=3,
)


def test_a_slot_of_version_2_has_the_agreed_layout() -> None:
    fields = struct.unpack(">BBBBBBBBHIQQIIIIIIII", encode_tick(SECOND))

    assert fields == (
        *(0x53, 2, 0, 1, 3, 0, 2, 0, 3, 7, 8_000_000_000, 9_000_000_000),
        *(7, 6, 350, 351, 336_000, 336_960, 7_001, 6_999),
    )
    assert len(encode_tick(SECOND)) == SLOT_BYTES


def test_an_anchor_has_the_agreed_layout() -> None:
    anchor = Anchor(
        kind=AnchorKind.CONSENT,
        after_tick=9,
        at_ns=5,
        wall_ns=6,
        boot=boot_mark("b"),
        consent=ConsentKind.BLOCK,
    )

    entry = encode_anchor(anchor)

    assert struct.unpack(">BBBBIQQ16s", entry) == (0x41, 2, 4, 2, 9, 5, 6, boot_mark("b"))
    assert len(entry) == ANCHOR_BYTES
    assert decode(entry) == anchor


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"finding": TickFinding.FREE},
        {"finding": TickFinding.PAUSED, "paused_by": SuspendReason.TEXT_IDLE, "messages": 0},
        {"finding": TickFinding.UNWITNESSED, "short_clocks": 9, "messages": 0},
    ],
)
def test_a_slot_reads_back_as_it_was_written(changes: dict[str, object]) -> None:
    tick = SECOND._replace(**changes)

    assert decode(encode_tick(tick)) == tick


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (2, 4),  # a finding that does not exist
        (3, 4),  # a third leg
        (4, 4),  # a third app
        (5, 1),  # a reason although it is billed
        (7, 1),  # a short clock although it is billed
    ],
)
def test_a_slot_that_says_what_cannot_be_is_refused(at: int, value: int) -> None:
    entry = bytearray(encode_tick(SECOND))
    entry[at] = value

    with pytest.raises(Malformed):
        decode(bytes(entry))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (2, 0),  # no kind
        (2, 6),  # an unknown kind
        (3, 0),  # a stop without a reason
        (3, 99),  # an unknown reason
        (2, AnchorKind.START),  # a start with a reason
    ],
)
def test_an_anchor_that_says_what_cannot_be_is_refused(at: int, value: int) -> None:
    stop = Anchor(
        kind=AnchorKind.STOP, after_tick=1, at_ns=1, wall_ns=1, boot=bytes(16), reason=EndReason.SOS
    )
    entry = bytearray(encode_anchor(stop))
    entry[at] = value

    with pytest.raises(Malformed):
        decode(bytes(entry))


def test_version_1_knows_no_consents_and_no_acceptance() -> None:
    anchor = Anchor(kind=AnchorKind.ACCEPTED, after_tick=0, at_ns=1, wall_ns=1, boot=bytes(16))

    with pytest.raises(Malformed):
        decode(encode_anchor(anchor, version=1))


@pytest.mark.parametrize("cut", [1, 2, SLOT_BYTES - 1])
def test_a_truncated_bundle_is_refused(cut: int) -> None:
    with pytest.raises(Malformed):
        list(split_entries(encode_tick(SECOND)[:cut]))


def test_a_stored_session_of_version_1_replays_to_its_head() -> None:
    record = Record.replayed(order(), STORED_V1)

    assert record.head == HEAD_V1
    assert (record.tally.billed_s, record.tally.usage) == (2, Usage.plain(2))
    assert record.stop is not None
    assert record.stop.reason is EndReason.HANGUP_CLIENT
    assert record.accepted is None


def test_a_session_that_began_under_version_1_goes_on_under_version_2() -> None:
    start_and_a_second = STORED_V1[: ANCHOR_BYTES + 50]
    bench = Bench()
    bench.meter.recover(Record.replayed(order(), start_and_a_second), bench.now_ns, wall_ns=bench.wall_ns)
    for side in Side:
        bench.meter.set_socket(side, present=True)
    bench.run(5)
    bench.meter.stop(EndReason.OPERATOR, bench.now_ns)
    bench.ended()

    entries = bytes(bench.meter.record.entries)
    assert {entry[1] for entry in split_entries(entries)} == {1, 2}
    assert Record.replayed(order(), entries).head == bench.meter.record.head
    assert bench.meter.record.tally.billed_s >= 4


def test_the_first_entry_of_an_accepted_session_ties_both_clocks() -> None:
    bench = Bench().connect()

    (first,) = split_entries(bytes(bench.meter.record.entries))

    anchor = decode(first)
    assert isinstance(anchor, Anchor)
    assert (anchor.kind, anchor.at_ns, anchor.wall_ns) == (AnchorKind.ACCEPTED, bench.now_ns, bench.wall_ns)


def test_a_missing_or_repeated_second_is_not_replayed() -> None:
    bench = Bench().started().run(4)
    entries = list(split_entries(bytes(bench.meter.record.entries)))

    for broken in (entries[:2] + entries[3:], [*entries[:4], entries[3], *entries[4:]]):
        with pytest.raises(InvariantBroken):
            Record.replayed(order(), b"".join(broken))


def test_nothing_follows_a_stop() -> None:
    with pytest.raises(InvariantBroken):
        Record.replayed(order(), STORED_V1 + STORED_V1[-ANCHOR_BYTES:])
