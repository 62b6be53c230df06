"""Keys to sessions: no sequence number is protected twice, errors are numbers."""

import pytest

from gateway.media.adapters.srtp import REPLAYED, PacketBuffer, RtcpCipher, rtp_opener, rtp_sealer
from gateway.media.ports import SrtpKeys
from gateway.media.rtp import FIXED
from tests.media.handset import PROFILES, new_keys

pytestmark = pytest.mark.adapter


def swapped(keys: SrtpKeys) -> SrtpKeys:
    """The other end's keys."""
    return SrtpKeys(profile=keys.profile, inbound=keys.outbound, outbound=keys.inbound)


def fill(buffer: PacketBuffer, packet: bytes) -> int:
    buffer.view[: len(packet)] = packet
    return len(packet)


def packet(seq: int) -> bytes:
    return FIXED.pack(0x80, 111, seq, 960 * seq, 5) + b"opus"


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_sealed_is_opened_in_place(profile: str) -> None:
    buffer, keys = PacketBuffer(), new_keys(profile)
    sealer, opener = rtp_sealer(keys, buffer), rtp_opener(swapped(keys), buffer)

    sealed = sealer(fill(buffer, packet(1)))
    opened = opener(sealed)

    assert sealed > opened == 16
    assert bytes(buffer.view[:opened]) == packet(1)


def test_a_sequence_number_is_never_sealed_twice() -> None:
    buffer = PacketBuffer()
    sealer = rtp_sealer(new_keys(), buffer)
    sealer(fill(buffer, packet(1)))

    assert sealer(fill(buffer, packet(1))) in REPLAYED


def test_a_packet_is_opened_once() -> None:
    buffer, keys = PacketBuffer(), new_keys()
    sealer, opener = rtp_sealer(keys, buffer), rtp_opener(swapped(keys), buffer)
    size = sealer(fill(buffer, packet(1)))
    sealed = bytes(buffer.view[:size])
    opener(size)

    assert opener(fill(buffer, sealed)) in REPLAYED


def test_a_forged_packet_is_no_replay() -> None:
    buffer = PacketBuffer()
    opened = rtp_opener(new_keys(), buffer)(fill(buffer, packet(1) + bytes(16)))

    assert opened < 0
    assert opened not in REPLAYED


@pytest.mark.parametrize("profile", PROFILES)
def test_rtcp_has_a_count_of_its_own(profile: str) -> None:
    keys = new_keys(profile)
    near, far = RtcpCipher(keys), RtcpCipher(swapped(keys))
    report = bytes((0x80, 201, 0, 1)) + bytes(4)

    sealed = near.seal(report)

    assert sealed is not None
    assert far.open(sealed) == report
    assert far.open(sealed) is None


@pytest.mark.parametrize("noise", [b"", b"\x80\xc9", bytes(3_000), b"\x80\xc9" + bytes(40)])
def test_noise_opens_to_nothing(noise: bytes) -> None:
    assert RtcpCipher(new_keys()).open(noise) is None


def test_what_does_not_fit_is_not_sealed() -> None:
    assert RtcpCipher(new_keys()).seal(bytes(3_000)) is None


def test_keys_are_not_shown() -> None:
    keys = new_keys()

    assert repr(keys.inbound) not in repr(keys)
    assert repr(keys.outbound) not in repr(keys)
