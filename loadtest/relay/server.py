"""A relay in a process of its own, pinned to a core, steered over its standard input.

Decides how each server is set up from the same list of legs. Says that it is there,
takes the legs, answers its port; ends when its input ends. Who speaks, and what
is made of it, is the parent's.

    python -m loadtest.relay.server native
"""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import uvloop

from gateway.clock import SystemClock
from gateway.media.adapters.relay_python import PythonRelay
from gateway.media.adapters.udp import open_socket
from gateway.media.description import VoiceTerms
from gateway.media.ports import LegSpec, Relay, SrtpKeys
from loadtest.relay.crowd import enlarge

PROFILE = "SRTP_AEAD_AES_256_GCM"
VOICE = VoiceTerms(opus=111, level_id=1, mid_id=4)

Leg = Mapping[str, Any]


def floor(sock: socket.socket, legs: list[Leg]) -> None:
    """The raw forwarder; it names nobody, so each packet goes where its sender's peer is."""
    from gateway.media.adapters.relay_native import pack
    from loadtest.relay.floor import Forwarder

    sock.setblocking(True)
    forwarder = Forwarder()
    for one, other in zip(legs[::2], legs[1::2], strict=True):
        near, far = pack(tuple(one["address"])), pack(tuple(other["address"]))
        forwarder.route(near, far)
        forwarder.route(far, near)
    threading.Thread(target=forwarder.run, args=(sock.fileno(),), daemon=True).start()


def _ignore() -> None:
    """Nobody here speaks anything but voice; what is told is not collected."""


def relay(make: Callable[..., Relay]) -> Callable[[socket.socket, list[Leg]], Relay]:
    """One of the gateway's own."""

    def opened(sock: socket.socket, legs: list[Leg]) -> Relay:
        made = make(sock, clock=SystemClock(), wake=_ignore)
        handles: list[int] = []
        for leg in legs:
            handles.append(made.add_leg(LegSpec(ssrc_out=leg["ssrc_out"], voice=VOICE)))
            inbound, outbound = bytes.fromhex(leg["inbound"]), bytes.fromhex(leg["outbound"])
            made.set_keys(handles[-1], SrtpKeys(profile=PROFILE, inbound=inbound, outbound=outbound))
            made.set_path(handles[-1], tuple(leg["address"]))
        for one, other in zip(handles[::2], handles[1::2], strict=True):
            made.link(one, other)
        return made

    return opened


def _native(sock: socket.socket, **more: Any) -> Relay:
    """Where it was not built, only this one cannot be measured."""
    from gateway.media.adapters.relay_native import NativeRelay

    return NativeRelay(sock, **more)


SERVERS: Mapping[str, Callable[[socket.socket, list[Leg]], Relay | None]] = {
    "floor": floor,
    "native": relay(_native),
    "python": relay(PythonRelay),
}


async def serve(name: str) -> None:
    """Until the input ends."""
    loop = asyncio.get_running_loop()
    print(json.dumps({}), flush=True)
    legs = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    sock = open_socket("127.0.0.1", 0)
    enlarge(sock)
    kept = SERVERS[name](sock, legs)
    print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    if kept is None:
        os._exit(0)  # the floor has no way to be stopped
    kept.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
