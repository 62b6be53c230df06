"""Which relay forwards, and why: the native one where it was built and proves itself.

Decides by the operator's wish, the clock and a self-test that runs once in a
process: sealed packets go through the extension and must come out as libsrtp's
own binding expects, because the addresses it is handed are private to that
binding. A relay that was asked for by name and cannot run is refused, never
replaced in silence. See docs/decisions/0020-the-relay-in-c.md.
"""

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import structlog
from pylibsrtp import Policy, Session

from gateway.clock import Clock, ManualClock, SystemClock
from gateway.errors import GatewayError, Unavailable
from gateway.limits import DATAGRAM_BYTES_MAX
from gateway.media.adapters.relay_python import CONTROL_QUEUE_MAX, STRANGERS_QUEUE_MAX, PythonRelay
from gateway.media.adapters.relay_video import SOURCES_MAX
from gateway.media.adapters.srtp import SrtpError
from gateway.media.audio_level import SILENCE_DBOV
from gateway.media.counters import COLUMNS, ROWS, Column, Drop, row_of
from gateway.media.description import VoiceTerms
from gateway.media.ports import LegSpec, Relay, SrtpKeys
from gateway.media.rtp import FIXED, HEADER_BYTES

AUTO, NATIVE, PYTHON = "auto", "native", "python"
"""What an operator may ask for; AUTO takes the native one where it runs."""

EXPECTED_LAYOUT = {
    "rows": ROWS,
    "columns": COLUMNS,
    "datagram_bytes": DATAGRAM_BYTES_MAX,
    "sources": SOURCES_MAX,
    "control": CONTROL_QUEUE_MAX,
    "strangers": STRANGERS_QUEUE_MAX,
    "level_0": Column.LEVEL_0,
    "last_cell": Column.VIDEO_JITTER,
    "rtp_last_ns": Column.RTP_LAST_NS,
    "last_drop": Drop.SEND_FAILED,
    "silence_dbov": SILENCE_DBOV,
}
"""What the extension was built with and the gateway must still mean."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A relay and the reason for it."""

    name: str
    """NATIVE or PYTHON."""
    why: str
    """A clause for people: `it was built and passed its self-test`."""
    make: Callable[[socket.socket, Clock, Callable[[], None]], Relay]
    """Makes the relay of a socket, with its clock and what it calls when control datagrams wait."""
    is_second_best: bool = False
    """Nobody asked for it, but the native one does not run."""


def choose(wanted: str, clock: Clock) -> Choice:
    """The relay that forwards.

    Raises:
        Unavailable: `relay_missing`, where the native one was asked for and cannot run.
    """
    if wanted == PYTHON:
        return Choice(name=PYTHON, why="the setting asks for it", make=_python)
    problem = (
        native_problem() if isinstance(clock, SystemClock) else "it stamps with the machine's clock alone"
    )
    if problem is None:
        return Choice(name=NATIVE, why="it was built and passed its self-test", make=_native)
    if wanted == NATIVE:
        raise Unavailable(f"the native relay was asked for, but {problem}", code="relay_missing")
    why = f"the native relay does not run: {problem}"
    return Choice(name=PYTHON, why=why, make=_python, is_second_best=True)


def tell(choice: Choice) -> None:
    """One line in the log; a warning where packets pay for a missing compiler."""
    say = _log.warning if choice.is_second_best else _log.info
    say("relay_chosen", relay=choice.name, why=choice.why)


def _python(sock: socket.socket, clock: Clock, wake: Callable[[], None]) -> Relay:
    return PythonRelay(sock, clock=clock, wake=wake)


def _native(sock: socket.socket, clock: Clock, wake: Callable[[], None]) -> Relay:
    from gateway.media.adapters.relay_native import NativeRelay

    return NativeRelay(sock, clock=clock, wake=wake)


@cache
def native_problem() -> str | None:
    """Why the native relay cannot run in this process; None where it can."""
    try:
        from gateway.media.adapters.native.engine import LAYOUT
    except ImportError:
        return "it was not built; install a C compiler and Python's headers, then install the gateway again"
    different = sorted(name for name, value in EXPECTED_LAYOUT.items() if LAYOUT.get(name) != value)
    if different:
        return f"it was built from other sources ({', '.join(different)}); install the gateway again"
    try:
        return _trial()
    except (GatewayError, OSError, SrtpError) as failure:
        return f"its self-test failed: {failure}"


def _trial() -> str | None:
    """Send a good, a copied and a forged packet through the extension; what went wrong, if anything."""
    from gateway.media.adapters.relay_native import NativeRelay, pack

    keys = SrtpKeys(
        profile="SRTP_AEAD_AES_128_GCM", inbound=secrets.token_bytes(28), outbound=secrets.token_bytes(28)
    )
    head, payload = FIXED.pack(0x80, 111, 7, 960, 5), b"heard as it was spoken"
    packet = _session(keys.inbound, Policy.SSRC_ANY_OUTBOUND).protect(head + payload)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.1", 0))
        far.settimeout(1)
        relay = NativeRelay(near, clock=ManualClock(), wake=lambda: None, is_stepped=True)
        one, other = (relay.add_leg(LegSpec(ssrc_out=9, voice=VoiceTerms(opus=111))) for _ in range(2))
        for leg, address in ((one, ("127.0.0.1", 9)), (other, far.getsockname())):
            relay.set_keys(leg, keys)
            relay.set_path(leg, address)
        relay.link(one, other)
        forged = packet[:-1] + bytes((packet[-1] ^ 1,))
        for each in (forged, packet, packet):
            relay.engine.take(each, pack(("127.0.0.1", 9)), 1)
        counts = relay.counters()
        seen = [counts[row_of(one) + column] for column in (Column.BAD_TAG, Column.RTP_IN, Column.REPLAYED)]
        heard = _session(keys.outbound, Policy.SSRC_ANY_INBOUND).unprotect(far.recv(DATAGRAM_BYTES_MAX))
        relay.close()
    if seen != [1, 1, 1] or heard[HEADER_BYTES:] != payload:
        return "its self-test found that it does not encrypt as libsrtp's binding does"
    return None


def _session(key: bytes, direction: int) -> Session:
    return Session(Policy(key=key, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))
