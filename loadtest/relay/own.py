"""The gateway's own relays and the forwarder beneath them, as contenders.

Decides their legs' keys, which no handshake is needed for: the child process is
told them. The voice is encrypted here, before anything is measured.
What the child does with them is `server.py`'s.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pylibsrtp import Policy, Session

from loadtest.relay.contender import Contender, Running, child
from loadtest.relay.crowd import Crowd, Line
from loadtest.relay.process import rss_kb
from loadtest.voice import Recording, Voice

SPEECH = Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg"
KEY_BYTES = 44
"""Key and salt of SRTP_AEAD_AES_256_GCM."""


def contender(name: str) -> Contender:
    """The server of that name in `server.py`."""

    @contextmanager
    def opened(crowd: Crowd, core: int) -> Iterator[Running]:
        recording = Recording.load(SPEECH)
        voices = [Voice(recording) for _ in crowd.addresses]
        keys = [secrets.token_bytes(KEY_BYTES) for _ in voices]
        with child(core, "loadtest.relay.server", name) as server:
            server.answer()
            before_kb = rss_kb(server.pid)
            legs = [
                {
                    "address": address,
                    "inbound": key.hex(),
                    "outbound": secrets.token_bytes(KEY_BYTES).hex(),
                    "ssrc_out": voices[number ^ 1].ssrc,
                }
                for number, (address, key) in enumerate(zip(crowd.addresses, keys, strict=True))
            ]
            target = ("127.0.0.1", server.ask(legs)["port"])
            lines = [
                Line(
                    source=address[0],
                    target=target,
                    packets=_said(voice, key, crowd.turns),
                    heard_as=voice.ssrc,
                )
                for address, voice, key in zip(crowd.addresses, voices, keys, strict=True)
            ]
            yield Running(pid=server.pid, lines=lines, rss_kb=before_kb)

    return opened


def _said(voice: Voice, key: bytes, turns: int) -> Sequence[bytes]:
    policy = Policy(
        key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM
    )
    protect = Session(policy).protect
    return [protect(voice.next_packet()[1]) for _ in range(turns)]
