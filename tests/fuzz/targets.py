"""What each parser may answer to any bytes at all; anything else is a finding.

Decides the promise of each reader of foreign bytes: a value or its documented
refusal, nothing read or changed beyond the end, and what it took is what it says.
Never chooses the bytes (`hunt.py`).
Keeps: a target is a pure function of its bytes and raises where the promise broke.
"""

from collections.abc import Callable, Mapping

from aiortc.rtcsctptransport import parse_packet, serialize_packet

from gateway.errors import Unprocessable
from gateway.limits import SDP_BYTES_MAX
from gateway.media import red, rtcp, rtp
from gateway.media.adapters.sdp_offer import read_offer
from gateway.media.adapters.stun import Check, is_authentic, read_check
from gateway.media.demux import classify
from gateway.media.sctp import HEADER_BYTES, is_sound
from gateway.signaling.adapters import codec
from gateway.signaling.adapters.codec import Subprotocol
from gateway.signaling.adapters.wire import Unreadable, message_of
from gateway.terms import SessionKind
from loadtest.fuzz.broken import text_of

DETAIL_CHARACTERS_MAX = 400
"""Of a refusal's sentence; a longer one would repeat what was sent."""

Target = Callable[[bytes], None]


class BrokenPromise(Exception):
    """A parser answered what it must not."""


def _hold(is_kept: bool, sentence: str) -> None:
    if not is_kept:
        raise BrokenPromise(sentence)


def stun(data: bytes) -> None:
    """A check or a reason; and no check is authentic by chance."""
    found = read_check(data)
    if isinstance(found, Check):
        _hold(not is_authentic(found, "no password"), "authentic without the password")


def dtls(data: bytes) -> None:
    """Every datagram of two bytes has one kind."""
    if len(data) >= 2:
        classify(data[0], data[1])


def red_payload(data: bytes) -> None:
    """The primary frame lies inside, and renumbering touches block headers alone."""
    packet = bytearray(data)
    start = red.primary_offset(memoryview(packet), 0, len(packet))
    _hold(start == red.MALFORMED or 0 < start <= len(packet), "the primary frame is outside")
    if red.renumber(memoryview(packet), 0, len(packet), 96):
        _hold(bytes(packet[start:]) == data[start:], "the primary frame was changed")
        _hold(red.primary_offset(memoryview(packet), 0, len(packet)) == start, "the frame moved")
    else:
        _hold(bytes(packet) == data, "changed although refused")


def rtp_packet(data: bytes) -> None:
    """The payload lies inside and mapping extensions leaves it alone."""
    packet = bytearray(data)
    payload = rtp.payload_offset(memoryview(packet), len(packet))
    if payload == rtp.MALFORMED:
        return
    _hold(rtp.HEADER_BYTES <= payload <= len(packet), "the payload is outside")
    table = bytes(5 if each == 1 else 0 for each in range(256))
    octet = rtp.map_extensions(memoryview(packet), payload, level_id=1, table=table)
    _hold(octet == rtp.NO_LEVEL or 0 <= octet <= 255, "a level that is no octet")
    _hold(bytes(packet[payload:]) == data[payload:], "the payload was changed")
    _hold(rtp.payload_offset(memoryview(packet), len(packet)) == payload, "the payload moved")


def rtcp_compound(data: bytes) -> None:
    """A compound or None."""
    found = rtcp.parse(data)
    if found is not None:
        _hold(len(data) >= 4, "read out of nothing")


def sctp(data: bytes) -> None:
    """What is sound ends when the library reads it, with a value or a ValueError."""
    if not is_sound(data):
        return
    # A checksum over whatever follows the header, or nothing would get past it.
    whole = serialize_packet(5_000, 5_000, 1, _Raw(data[HEADER_BYTES:]))  # type: ignore[arg-type]  # bytes are all it asks for
    if len(whole) == len(data):
        parse_packet(whole)


class _Raw:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


def sdp(data: bytes) -> None:
    """An offer whose numbers are in range, or `bad_offer` with a line and a short sentence."""
    text = text_of(data)
    for kind in (SessionKind.VOICE, SessionKind.TEXT):
        try:
            offer = read_offer(text, kind)
        except Unprocessable as refusal:
            _hold(refusal.wire_code == "bad_offer", "refused under another name")
            _hold(len(refusal.detail) <= DETAIL_CHARACTERS_MAX, "the refusal repeats the offer")
            continue
        _hold(len(text) <= SDP_BYTES_MAX, "a giant was read")
        _hold(offer.voice is None or 0 <= offer.voice.opus <= 127, "a payload type out of range")


def json_frame(data: bytes) -> None:
    """A message, or Unreadable with a short sentence."""
    _message(Subprotocol.JSON, text_of(data))


def msgpack_frame(data: bytes) -> None:
    """A message, or Unreadable with a short sentence."""
    _message(Subprotocol.MSGPACK, data)


def _message(subprotocol: Subprotocol, data: str | bytes) -> None:
    try:
        found = message_of(codec.read(subprotocol, data))
    except Unreadable as refusal:
        _hold(len(refusal.detail) <= DETAIL_CHARACTERS_MAX, "the refusal repeats the message")
        return
    # Whatever was taken can be told again, so no half a character or endless number is inside.
    found.model_dump_json().encode()


TARGETS: Mapping[str, Target] = {
    "stun": stun,
    "dtls": dtls,
    "rtp": rtp_packet,
    "red": red_payload,
    "rtcp": rtcp_compound,
    "sctp": sctp,
    "sdp": sdp,
    "json": json_frame,
    "msgpack": msgpack_frame,
}
"""By protocol, as the corpus has its folders."""
