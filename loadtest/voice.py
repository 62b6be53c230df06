"""Speech as RTP packets, encoded once and sent many times.

Decides what packet number n of a leg looks like: 20 ms of Opus, timestamp in
48 kHz units, the true audio level in its extension, no padding.
Never encodes; a hundred encoders would load the generator, not the gateway.
RFC 3550 §5.1, RFC 7587, RFC 6464, RFC 8285.
"""

import secrets
import struct
from dataclasses import dataclass
from pathlib import Path

from gateway.sdk.speech import Speech, levels_dbov, opus_packets
from loadtest.session_description import LEVEL_ID, PAYLOAD_TYPE

TIMESTAMP_STEP = 960
VERSION_WITH_EXTENSION = 0x90
ONE_BYTE_PROFILE = 0xBEDE
VOICED_DBOV = -60
_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording ready to send."""

    tails: tuple[bytes, ...]
    """Header extension and payload of each packet."""
    payloads: tuple[bytes, ...]
    """The payloads alone, by which an arriving packet is recognised."""

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read an Ogg Opus file of 20 ms packets."""
        payloads = opus_packets(path)
        levels = list(levels_dbov(Speech.load(path)))
        levels += [levels[-1]] * (len(payloads) - len(levels))
        tails = (extension(level) + payload for level, payload in zip(levels, payloads, strict=False))
        return cls(tuple(tails), tuple(payloads))


class Voice:
    """One sender's RTP stream."""

    def __init__(self, recording: Recording) -> None:
        self.ssrc = secrets.randbits(32)
        self._recording = recording
        self._first_sequence = secrets.randbits(15)
        self._first_timestamp = secrets.randbits(32)
        self._number = 0

    def next_packet(self) -> tuple[int, bytes]:
        """(sequence number, packet) of the next 20 ms."""
        number, self._number = self._number, self._number + 1
        sequence = (self._first_sequence + number) & 0xFFFF
        header = _HEADER.pack(
            VERSION_WITH_EXTENSION,
            PAYLOAD_TYPE,
            sequence,
            (self._first_timestamp + number * TIMESTAMP_STEP) & 0xFFFFFFFF,
            self.ssrc,
        )
        return sequence, header + self._recording.tails[number % len(self._recording.tails)]

    def sequence_of(self, place: int) -> int:
        """The sequence number under which the recording's packet at `place` was sent last."""
        length = len(self._recording.tails)
        latest = self._number - 1
        return (self._first_sequence + latest - (latest - place) % length) & 0xFFFF


def payload_of(packet: bytes) -> bytes:
    """What an RTP packet carries, its header and extension left out."""
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return packet[at:]


def extension(level_dbov: int) -> bytes:
    """The header extension that tells the audio level (RFC 6464, RFC 8285)."""
    voiced = 0x80 if level_dbov > VOICED_DBOV else 0
    return struct.pack("!HHBBH", ONE_BYTE_PROFILE, 1, LEVEL_ID << 4, voiced | -level_dbov, 0)
