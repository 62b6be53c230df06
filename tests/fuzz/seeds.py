"""Valid things to begin from, written by this project's own code: `python -m tests.fuzz.seeds` writes them down.

Decides which forms each protocol is tried in. Where they are kept and how they
are read back is `loadtest/fuzz/kept.py`; breaking them is its neighbours'.
Keeps: what is committed is what this code writes, but for what is random in it.
"""

import json
from collections.abc import Mapping

import msgpack
from aioice import stun
from aiortc.rtcsctptransport import (
    CookieEchoChunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    SackChunk,
    serialize_packet,
)

from gateway.media import rtcp
from gateway.media.rtcp import BYE, ReportBlock, SenderReport
from gateway.media.rtp import FIXED
from loadtest import session_description
from loadtest.fuzz.kept import CORPUS, PROTOCOLS, kept, with_data
from loadtest.stun_client import Credentials, check

_SESSION = {"session": "ses_1"}
MESSAGES: tuple[dict[str, object], ...] = (
    {"type": "auth", "token": "token", "resume": "rsm_1"},
    {"type": "ping"},
    {"type": "presence.set", "state": "online"},
    {"type": "session.invite", "provider_id": "acc_1", "kind": "voice", "tariff_hash": "hash"},
    {"type": "session.accept", **_SESSION},
    {"type": "session.decline", **_SESSION, "reason": "later"},
    {"type": "session.cancel", **_SESSION},
    {"type": "session.end", **_SESSION},
    {"type": "session.sos", **_SESSION},
    {"type": "session.report", **_SESSION, "seconds": 12},
    {"type": "media.offer", **_SESSION, "sdp": "v=0\r\n"},
    {"type": "media.confirm", **_SESSION, "nonce": "nonce", "tariff_hash": "hash"},
    {"type": "tick.ack", **_SESSION, "tick": 1, "head": "00", "clock_ms": 1_000},
    {"type": "session.consent", **_SESSION, "kind": "block"},
    {"type": "mute.set", **_SESSION, "muted": True},
    {"type": "chat.send", **_SESSION, "text": "好, \U0001f642"},
    {"type": "chat.read", **_SESSION, "seq": 1},
    {"type": "chat.history", **_SESSION, "after": 0},
)
"""One of each message that an app may send."""


def made(protocol: str) -> Mapping[str, bytes]:
    """The inputs that code writes, by name."""
    return _MAKERS[protocol]()


def _stun() -> dict[str, bytes]:
    mine, theirs = (
        Credentials(ufrag="mine", password="p" * 32),
        Credentials(ufrag="gate", password="q" * 32),
    )
    plain = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        transaction_id=bytes(12),
        attributes={"USERNAME": "gate:mine", "SOFTWARE": "fuzz", "XOR-MAPPED-ADDRESS": ("192.0.2.1", 9)},
    )
    answer = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.ERROR,
        transaction_id=bytes(12),
        attributes={"ERROR-CODE": (487, "Role Conflict"), "MAPPED-ADDRESS": ("2001:db8::1", 9)},
    )
    return {"check": check(mine, theirs), "no_integrity": bytes(plain), "error": bytes(answer)}


def _dtls() -> dict[str, bytes]:
    hello = bytes.fromhex("010000300000000000000030fefd") + bytes(range(32)) + bytes(14)
    return {
        "hello": _record(22, hello),
        "alert": _record(21, b"\x02\x28"),
        "change": _record(20, b"\x01"),
        "data": _record(23, bytes(48), epoch=1),
        "two_records": _record(22, hello[:20]) + _record(22, hello[20:]),
    }


def _record(kind: int, body: bytes, *, epoch: int = 0) -> bytes:
    return (
        bytes((kind, 0xFE, 0xFD)) + epoch.to_bytes(2, "big") + bytes(6) + len(body).to_bytes(2, "big") + body
    )


def _rtp() -> dict[str, bytes]:
    def packet(first: int, kind: int, rest: bytes) -> bytes:
        return FIXED.pack(first, kind, 7, 960, 1) + rest

    one_byte = bytes.fromhex("bede00021085000040310000")
    return {
        "plain": packet(0x80, 111, b"opus"),
        "level": packet(0x90, 111, one_byte + b"opus"),
        "two_byte": packet(0x90, 111, bytes.fromhex("1000000201018505003100000000") + b"opus"),
        "unknown_profile": packet(0x90, 111, bytes.fromhex("123400011085ffff") + b"opus"),
        "padded": packet(0xB0, 111, one_byte + b"opus\x00\x00\x03"),
        "sources": packet(0x93, 111, bytes(12) + one_byte + b"opus"),
        "red": packet(0x90, 63, one_byte + bytes.fromhex("ef0f000a6f") + bytes(10) + b"opus"),
    }


def _red() -> dict[str, bytes]:
    return {
        "primary": b"\x6fopus",
        "one": bytes.fromhex("ef0f000a6f") + bytes(10) + b"opus",
        "two": bytes.fromhex("ef1e000aef0f00046f") + bytes(14) + b"opus",
        "empty_block": bytes.fromhex("ef0000006f"),
    }


def _rtcp() -> dict[str, bytes]:
    report = SenderReport(ssrc=1, ntp=1 << 40, rtp_ts=960)
    block = ReportBlock(ssrc=1, fraction_lost=3, lost=-2, highest_ext=70_000, jitter=9, lsr=5, dlsr=6)
    name = rtcp.description(1, "cname")
    sender, receiver = rtcp.sender_report(report, packets=3, octets=240), rtcp.receiver_report(1, block)
    return {
        "sender": sender + name,
        "receiver": receiver + name,
        "goodbye": receiver + bytes((0x81, BYE, 0, 1)) + (1).to_bytes(4, "big"),
        "feedback": receiver + bytes.fromhex("81cd0003000000010000000200030001"),
        "extended": bytes.fromhex("80cf000500000001040000020000000100000002"),
        "many": (sender + name) * 4,
    }


def _sctp() -> dict[str, bytes]:
    init, data, ack, reset = InitChunk(), DataChunk(flags=3), SackChunk(), ReconfigChunk()
    init.initiate_tag, init.advertised_rwnd, init.outbound_streams, init.inbound_streams = 1, 65_536, 16, 16
    init.params = [(0x8008, b"\x82\xc0"), (0xC000, b"")]
    data.tsn, data.stream_id, data.protocol = 1, 1, 50
    data.user_data = bytes.fromhex("030000000000000000070000") + b"gateway"
    text = DataChunk(flags=3)
    text.tsn, text.stream_id, text.protocol, text.user_data = 2, 1, 51, b'{"type":"chat.send"}'
    ack.gaps, ack.duplicates = [(2, 3), (5, 9)], [7]
    reset.params = [(13, bytes(14)), (17, bytes(8)), (16, bytes(8))]
    beat, forward = HeartbeatChunk(), ForwardTsnChunk()
    beat.params, forward.streams = [(1, b"now")], [(1, 2), (3, 4)]
    chunks = {
        "init": init,
        "open": data,
        "text": text,
        "sack": ack,
        "reset": reset,
        "heartbeat": beat,
        "forward": forward,
        "cookie": CookieEchoChunk(body=bytes(24)),
    }
    return {
        name: serialize_packet(5_000, 5_000, int(name != "init"), chunk) for name, chunk in chunks.items()
    }


def _sdp() -> dict[str, bytes]:
    digest = ":".join(["AB"] * 32)
    mine = Credentials(ufrag="mine", password="p" * 32)
    text = session_description.offer(mine=mine, local=("192.0.2.1", 9), ssrc=1, fingerprint=digest)
    return {"light": text.encode(), "light_data": with_data(text).encode()}


def _json() -> dict[str, bytes]:
    return {_name(message): json.dumps({"id": "m1", **message}).encode() for message in MESSAGES}


def _msgpack() -> dict[str, bytes]:
    return {_name(message): bytes(msgpack.packb({"id": "m1", **message})) for message in MESSAGES}


def _name(message: Mapping[str, object]) -> str:
    return str(message["type"]).replace(".", "_")


_MAKERS = {
    "stun": _stun,
    "dtls": _dtls,
    "rtp": _rtp,
    "red": _red,
    "rtcp": _rtcp,
    "sctp": _sctp,
    "sdp": _sdp,
    "json": _json,
    "msgpack": _msgpack,
}


def write_all() -> None:
    """Write what code makes into the corpus; recorded and found inputs are left as they are."""
    for protocol in PROTOCOLS:
        (CORPUS / protocol).mkdir(parents=True, exist_ok=True)
        for name, data in made(protocol).items():
            path = kept(protocol, name)
            path.write_bytes(data if path.suffix == ".txt" else f"{data.hex()}\n".encode())


if __name__ == "__main__":
    write_all()
