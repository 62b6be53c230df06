"""What one forwarded packet costs the relay, beside a raw UDP forwarder in the same run.

Decides nothing: it measures processor time of this process only, with senders
prepared beforehand, so the ratio holds on a noisy machine. Prints one JSON
object; `ok` is true where no packet was lost and the cost is within the bound.

    python loadtest/relay_cost.py --calls 50 --packets 200
"""

import argparse
import asyncio
import json
import secrets
import socket
import sys
import time
from dataclasses import dataclass

import uvloop
from pylibsrtp import Policy, Session

from gateway.clock import ManualClock
from gateway.media.adapters.relay_python import PythonRelay
from gateway.media.adapters.udp import open_socket
from gateway.media.counters import Column, row_of
from gateway.media.description import VoiceTerms
from gateway.media.ports import LegSpec, SrtpKeys
from gateway.media.rtp import FIXED

COST_US_MAX = 60.0
"""Processor time of one forwarded packet that the pure Python relay may take."""
PROFILE = "SRTP_AEAD_AES_256_GCM"
VOICE = VoiceTerms(opus=111, level_id=1, mid_id=4)
OPUS_BYTES = 80
"""About 32 kbit/s at 20 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One leg's app: a socket and packets that are already encrypted."""

    sock: socket.socket
    leg: int
    packets: list[bytes]


def prepare(relay: PythonRelay, count: int) -> Sender:
    """A leg with a path and keys, and `count` packets of its app."""
    keys = SrtpKeys(profile=PROFILE, inbound=secrets.token_bytes(44), outbound=secrets.token_bytes(44))
    session = Session(
        Policy(
            key=keys.inbound,
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        )
    )
    sock = open_socket("127.0.0.1", 0)
    leg = relay.add_leg(LegSpec(ssrc_out=secrets.randbits(32), voice=VOICE))
    relay.set_keys(leg, keys)
    relay.set_path(leg, sock.getsockname())
    ssrc = secrets.randbits(32)
    extension = bytes.fromhex("bede0001") + bytes((0x10, 0x85, 0, 0))
    packets = [
        session.protect(
            FIXED.pack(0x90, 111, seq, 960 * seq, ssrc) + extension + secrets.token_bytes(OPUS_BYTES)
        )
        for seq in range(1, count + 1)
    ]
    return Sender(sock=sock, leg=leg, packets=packets)


def empty(sock: socket.socket) -> int:
    """Read whatever waits; how many datagrams it was."""
    count = 0
    try:
        while True:
            sock.recv(2_048)
            count += 1
    except BlockingIOError:
        return count


async def relay_cost(calls: int, packets: int) -> tuple[float, int]:
    """Microseconds per packet through the relay, and how many arrived."""
    clock = ManualClock()
    sock = open_socket("127.0.0.1", 0)
    relay = PythonRelay(sock, clock=clock, wake=lambda: None)
    senders = [prepare(relay, packets) for _ in range(2 * calls)]
    for one, other in zip(senders[::2], senders[1::2], strict=True):
        relay.link(one.leg, other.leg)
    target = sock.getsockname()
    spent, arrived = 0.0, 0

    def taken() -> int:
        counters = relay.counters()
        return sum(counters[row_of(sender.leg) + Column.RTP_IN] for sender in senders)

    for turn in range(packets):
        clock.advance(ns=20_000_000)

        def send(turn: int = turn) -> None:
            for sender in senders:
                sender.sock.sendto(sender.packets[turn], target)

        # Asking for the counters costs time of its own, so the loop only gets its turns here.
        send()
        began = time.process_time()
        for _ in range(1 + len(senders) // 32):
            await asyncio.sleep(0)
        spent += time.process_time() - began
        arrived += sum(empty(sender.sock) for sender in senders)
    assert taken() == packets * len(senders), "not every packet was taken in its turn"
    relay.close()
    for each in (sock, *(sender.sock for sender in senders)):
        each.close()
    return spent / (packets * len(senders)) * 1e6, arrived


async def raw_cost(calls: int, packets: int) -> float:
    """Microseconds per packet of a forwarder that does nothing else."""
    sock, source, sink = (open_socket("127.0.0.1", 0) for _ in range(3))
    buffer = bytearray(2_048)
    view = memoryview(buffer)
    target, forwarded = sink.getsockname(), 0

    def readable() -> None:
        nonlocal forwarded
        try:
            for _ in range(64):
                length, _ = sock.recvfrom_into(buffer)
                sock.sendto(view[:length], target)
                forwarded += 1
        except BlockingIOError:
            return

    loop = asyncio.get_running_loop()
    loop.add_reader(sock.fileno(), readable)
    spent, datagram, address = 0.0, secrets.token_bytes(120), sock.getsockname()
    for _ in range(packets):
        for _ in range(2 * calls):
            source.sendto(datagram, address)
        began = time.process_time()
        for _ in range(1 + calls // 16):
            await asyncio.sleep(0)
        spent += time.process_time() - began
        empty(sink)
    loop.remove_reader(sock.fileno())
    for each in (sock, source, sink):
        each.close()
    return spent / max(forwarded, 1) * 1e6


async def measure(calls: int, packets: int) -> dict[str, object]:
    """Both costs and their ratio."""
    raw_us = await raw_cost(calls, packets)
    relay_us, arrived = await relay_cost(calls, packets)
    sent = 2 * calls * packets
    return {
        "calls": calls,
        "packets_sent": sent,
        "packets_arrived": arrived,
        "relay_us_per_packet": round(relay_us, 2),
        "raw_us_per_packet": round(raw_us, 2),
        "ratio": round(relay_us / raw_us, 2),
        "ok": arrived == sent and relay_us <= COST_US_MAX,
    }


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--packets", type=int, default=200, help="per leg")
    parser.add_argument("--plain-loop", action="store_true", help="asyncio's own loop, not uvloop")
    options = parser.parse_args()
    run = asyncio.run if options.plain_loop else uvloop.run
    result = run(measure(options.calls, options.packets))
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
