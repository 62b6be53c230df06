"""The committed corpus: a folder per protocol, a file per input.

Decides how an input lies on disk: text as it is, everything else in hexadecimal.
Offers named `chromium_*` were recorded from our own browser runs, files named
`found_*` once broke something, the rest is written by `tests/fuzz/seeds.py`.
Never changes a file.
"""

from functools import cache
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""A folder per protocol; every file is one input."""
PROTOCOLS = ("stun", "dtls", "rtp", "red", "rtcp", "sctp", "sdp", "json", "msgpack")
"""What is spoken to the gateway by strangers and by people who signed in."""


@cache
def corpus(protocol: str) -> tuple[bytes, ...]:
    """Every committed input of a protocol, in the order of file names."""
    return tuple(read(path) for path in sorted((CORPUS / protocol).iterdir()))


@cache
def one(protocol: str, name: str) -> bytes:
    """One committed input."""
    return read(kept(protocol, name))


def kept(protocol: str, name: str) -> Path:
    """Where an input is kept: text as it is, everything else in hexadecimal."""
    return CORPUS / protocol / (f"{name}.txt" if protocol in ("sdp", "json") else f"{name}.hex")


def read(path: Path) -> bytes:
    """The input in a file."""
    return path.read_bytes() if path.suffix == ".txt" else bytes.fromhex(path.read_text())


def with_data(offer: str) -> str:
    """A light leg's offer with a data channel section beside its voice."""
    lines = ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1", "a=sctp-port:5000", "")
    return offer.replace("a=group:BUNDLE 0\r\n", "a=group:BUNDLE 0 1\r\n") + "\r\n".join(lines)
