"""aiortc as its users run it: peer connections and a `MediaRelay` between the two of a call.

Decides nothing of its own; offers come in pairs over the standard input, answers
go out over the standard output, and it ends when its input ends. Voice is decoded
and encoded again, because that is what a track is.

    python -m loadtest.relay.aiortc_server
"""

import asyncio
import contextlib
import json
import sys

import aioice.ice
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

CONNECTED_S = 10.0


async def answer(offers: list[str], relay: MediaRelay) -> tuple[list[RTCPeerConnection], list[str]]:
    """The two of a call hear each other."""
    legs = [RTCPeerConnection() for _ in offers]
    for leg, offer in zip(legs, offers, strict=True):
        await leg.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
    for leg, other in zip(legs, reversed(legs), strict=True):
        leg.addTrack(relay.subscribe(other.getReceivers()[0].track))
    answers = []
    for leg in legs:
        await leg.setLocalDescription(await leg.createAnswer())
        answers.append(leg.localDescription.sdp)
    return legs, answers


async def connected(legs: list[RTCPeerConnection]) -> bool:
    """Whether all of them are, sooner or later."""
    changed = asyncio.Event()
    for leg in legs:
        leg.add_listener("connectionstatechange", changed.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CONNECTED_S):
            while any(leg.connectionState != "connected" for leg in legs):
                await changed.wait()
                changed.clear()
    return all(leg.connectionState == "connected" for leg in legs)


async def serve() -> None:
    """Until the input ends."""
    loop, relay, legs = asyncio.get_running_loop(), MediaRelay(), list[RTCPeerConnection]()
    # aioice leaves loopback out; this bench never leaves it.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    print(json.dumps({}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        said: object
        if offers := json.loads(line):
            new, said = await answer(offers, relay)
            legs += new
        else:
            said = await connected(legs)
        print(json.dumps(said), flush=True)
    await asyncio.gather(*(leg.close() for leg in legs))


if __name__ == "__main__":
    asyncio.run(serve())
