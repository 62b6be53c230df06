"""Lets an aiortc peer connection use 127.0.0.1.

aioice leaves the loopback address out of its host candidates, so that a peer
cannot reach a gateway on the same machine that listens on loopback only. This
is the one place that puts it back, per connection and without touching aioice
for anybody else.
Never used towards a gateway elsewhere; `peer.py` decides.
"""

from collections.abc import Iterable

from aioice import Candidate, Connection
from aiortc import RTCIceTransport, RTCPeerConnection

LOOPBACK = "127.0.0.1"


def keep_to_loopback(connection: RTCPeerConnection) -> None:
    """Gather 127.0.0.1 and nothing else; call before `setLocalDescription`."""
    for transport in _transports(connection):
        _gather_only(transport.iceGatherer._connection, [LOOPBACK])  # noqa: SLF001 - aiortc has no other way


def _transports(connection: RTCPeerConnection) -> Iterable[RTCIceTransport]:
    found = {transceiver.sender.transport.transport for transceiver in connection.getTransceivers()}
    if connection.sctp is not None:
        found.add(connection.sctp.transport.transport)
    return found


def _gather_only(ice: Connection, only: list[str]) -> None:
    gather = ice.get_component_candidates

    async def gather_only(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ASYNC109
        return await gather(component, only, timeout)

    ice.get_component_candidates = gather_only  # type: ignore[method-assign]
