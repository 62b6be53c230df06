"""Sending times found again at the other end of a relay that shifts sequence numbers."""

import pytest

from loadtest.stamps import Stamps
from loadtest.voice import Recording, Voice, payload_of

pytestmark = pytest.mark.core

RECORDING = Recording(
    tails=tuple(bytes.fromhex("bede000110ff0000") + bytes([place]) * 8 for place in range(50)),
    payloads=tuple(bytes([place]) * 8 for place in range(50)),
)


def relayed(packet: bytes, shift: int) -> bytes:
    sequence = (int.from_bytes(packet[2:4], "big") + shift) & 0xFFFF
    return packet[:2] + sequence.to_bytes(2, "big") + packet[4:8] + b"\x00\x00\x00\x07" + packet[12:]


def sent(stamps: Stamps, voice: Voice, count: int, from_ns: int = 0) -> list[bytes]:
    packets = []
    for number in range(count):
        sequence, packet = voice.next_packet()
        stamps.note_sent(sequence, from_ns + number * 20_000_000)
        packets.append(packet)
    return packets


@pytest.fixture
def voice() -> Voice:
    return Voice(RECORDING)


@pytest.fixture
def stamps(voice) -> Stamps:
    return Stamps(voice, RECORDING)


@pytest.mark.parametrize("shift", [0, 1, 40_000, 65_535])
def test_the_way_of_each_packet_is_timed_whatever_the_relay_adds(stamps, voice, shift):
    stamps.is_counting = True
    for number in range(120):
        (packet,) = sent(stamps, voice, 1, from_ns=1_000 + number * 20_000_000)
        stamps.note_arrived(relayed(packet, shift), 1_000 + number * 20_000_000 + 300_000)
    assert stamps.delivered == stamps.sent == 120
    assert set(stamps.took_us) == {300}


def test_the_first_packet_to_arrive_need_not_be_the_first_sent(stamps, voice):
    stamps.is_counting = True
    packets = sent(stamps, voice, 70, from_ns=1_000)
    for packet in packets[63:]:
        stamps.note_arrived(relayed(packet, 9), 1_000 + 70 * 20_000_000)
    assert (stamps.sent, stamps.delivered) == (70, 7)
    assert list(stamps.took_us)[-1] == 20_000


def test_a_packet_that_comes_twice_is_counted_once(stamps, voice):
    stamps.is_counting = True
    (packet,) = sent(stamps, voice, 1, from_ns=1_000)
    for _ in range(2):
        stamps.note_arrived(relayed(packet, 5), 2_000)
    assert (stamps.delivered, list(stamps.took_us)) == (1, [1])


def test_packets_outside_the_counted_span_are_not_counted(stamps, voice):
    before = sent(stamps, voice, 3, from_ns=1)
    stamps.is_counting = True
    within = sent(stamps, voice, 3, from_ns=1)
    stamps.is_counting = False
    after = sent(stamps, voice, 3, from_ns=1)
    for packet in before + within + after:
        stamps.note_arrived(packet, 100_000_000)
    assert (stamps.sent, stamps.delivered) == (3, 3)


def test_a_packet_carries_its_level_and_its_payload(voice):
    _, packet = voice.next_packet()
    assert packet[0] == 0x90
    assert payload_of(packet) == bytes([0]) * 8
    assert payload_of(b"\x80" + packet[1:12] + b"plain") == b"plain"
