"""The audio level that a sender writes beside its voice (RFC 6464).

Decides how one byte is read and which bucket of the histogram it falls into, so
that speaking is seen without decoding. Where the byte stands in the packet is
`rtp.py`'s; whether somebody spoke long enough is moderation's.
Keeps: levels are 0 (loudest) to -127 dBov; no level reads as silence.
"""

SILENCE_DBOV = -127
"""The quietest level, and what is said where none was sent."""
BUCKETS = 8
"""Buckets of the histogram, 16 dB each, loudest first."""


def level_dbov(octet: int) -> int:
    """The level in dBov; the voice-activity bit above it is not part of it."""
    return -(octet & 0x7F)


def bucket(dbov: int) -> int:
    """Which bucket of the histogram the level falls into, 0 for 0 to -15 dBov."""
    return -dbov >> 4
