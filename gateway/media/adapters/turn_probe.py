"""Asks a TURN server for what apps will ask it for, and says in a sentence what is wrong.

Decides whether a server can be reached, takes our time-limited credentials, agrees with our clock and
lets packets go to the gateway. Each question is an Allocate (RFC 8656) of its own, given back at once.
Never hands out credentials (`turn.py`) and never forwards anything.
Keeps: no secret and no credential is in a sentence.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aioice import stun
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol

from gateway.ids import AccountId
from gateway.media.path import Address
from gateway.media.turn import TurnSettings, ice_server

ANSWER_S = 3.0
"""How long one question may take; with the first repetitions of RFC 8489 in it."""
GIVE_BACK_S = 1.0
"""How long giving an allocation back may take; the server forgets it by itself after LIFETIME_S."""
SKEW_S = 60
"""Clocks that differ by more are told."""
NEVER_S = 10 * 365 * 86_400
"""Life of a credential that no clock calls old."""
PROBER = AccountId("doctor")
LIFETIME_S, CHANNEL, CHANNEL_REFRESH_S = 60, 0x4000, 500

_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[^:?\[\]/]+)(:(?P<port>\d{1,5}))?(\?transport=(?P<transport>udp|tcp))?"
)
_REFUSALS = {
    403: "it is not allowed to serve us (403)",
    437: "it is confused about our allocation (437)",
    442: "it does not relay UDP (442)",
    486: "we have as many allocations as it allows (486); raise its user-quota and total-quota",
    508: "it has no relay port left (508); widen its min-port and max-port",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnServer:
    """Where a TURN address leads (RFC 7065)."""

    host: str
    port: int
    transport: str
    """`udp` or `tcp`."""
    is_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinding:
    """What one server said."""

    ok: bool
    detail: str
    """A clause for people."""


class TurnFailure(Exception):
    """Why an allocation was not made; `code` is the STUN error, 0 where nobody answered."""

    def __init__(self, sentence: str, *, code: int = 0) -> None:
        self.code = code
        super().__init__(sentence)


def read_url(url: str) -> TurnServer | None:
    """Where a TURN address leads; None for one that is none."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    is_tls = found["scheme"] == "turns"
    return TurnServer(
        host=found["host"].strip("[]"),
        port=int(found["port"] or (5349 if is_tls else 3478)),
        transport=found["transport"] or ("tcp" if is_tls else "udp"),
        is_tls=is_tls,
    )


async def probe(settings: TurnSettings, url: str, *, wall_ns: int, peers: Sequence[Address]) -> TurnFinding:
    """Ask one server.

    Args:
        settings: the credentials apps would get.
        url: one of its addresses.
        wall_ns: now.
        peers: addresses of the gateway that packets must be let go to.
    """
    server = read_url(url)
    if server is None:
        return TurnFinding(ok=False, detail="is no TURN address; write turn:host:port?transport=udp")
    if server.is_tls and server.transport == "udp":
        return TurnFinding(ok=True, detail="is TURN over DTLS, which is not looked at")
    asked = _Asked(server=server, settings=settings, wall_ns=wall_ns)
    try:
        await asked.allocate(settings.ttl_s, peers)
    except TurnFailure as failure:
        return TurnFinding(ok=False, detail=await _why(asked, failure))
    skew = await _skew(asked)
    if skew:
        return TurnFinding(ok=False, detail=f"takes our credentials, but {skew}; run a time service on both")
    return TurnFinding(ok=True, detail=f"takes our credentials of {settings.ttl_s} s, and our clocks agree")


async def _why(asked: "_Asked", failure: TurnFailure) -> str:
    if failure.code != 401:
        return str(failure)
    if await asked.takes(NEVER_S):
        return (
            f"has our secret, but by its clock credentials of {asked.settings.ttl_s} s have run out (401): "
            "this machine's clock is behind or its clock is ahead; run a time service on both"
        )
    return (
        "refuses our credentials (401): turn_secret is not its static-auth-secret, "
        "or it does not run with use-auth-secret"
    )


async def _skew(asked: "_Asked") -> str:
    if not await asked.takes(SKEW_S):
        return f"this machine's clock is more than {SKEW_S} s behind its clock, so they run out early"
    if await asked.takes(-SKEW_S):
        return f"this machine's clock is more than {SKEW_S} s ahead of its clock, so they live too long"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A server, and what to ask it with."""

    server: TurnServer
    settings: TurnSettings
    wall_ns: int

    async def takes(self, ttl_s: int) -> bool:
        """Whether a credential that lives so long from now is good."""
        try:
            await self.allocate(ttl_s, ())
        except TurnFailure:
            return False
        return True

    async def allocate(self, ttl_s: int, peers: Sequence[Address]) -> None:
        """Make an allocation, let it reach the peers, and give it back.

        Raises:
            TurnFailure: with the sentence that says why.
        """
        entry = ice_server(replace(self.settings, ttl_s=ttl_s), PROBER, wall_ns=self.wall_ns)
        try:
            async with asyncio.timeout(ANSWER_S):
                await _allocate(self.server, str(entry["username"]), str(entry["credential"]), peers)
        except stun.TransactionFailed as failed:
            code = failed.response.error_code or 0
            raise TurnFailure(_REFUSALS.get(code, f"it refuses with error {code}"), code=code) from failed
        except (TimeoutError, stun.TransactionTimeout) as late:
            raise TurnFailure(
                f"does not answer within {ANSWER_S:.0f} s: wrong port, or a firewall drops "
                f"{self.server.transport.upper()}"
            ) from late
        except (OSError, ValueError) as failed:
            raise TurnFailure(_of_the_network(failed, self.server)) from failed


def _of_the_network(failure: OSError | ValueError, server: TurnServer) -> str:
    where = f"{server.host} port {server.port}/{server.transport}"
    if isinstance(failure, socket.gaierror):
        return f"cannot be found: {server.host} is no name that resolves"
    if isinstance(failure, ConnectionRefusedError):
        return f"refuses connections: nothing listens at {where}"
    if isinstance(failure, ssl.SSLError):
        return f"fails in TLS at {where}: {failure.reason or failure}"
    return f"cannot be reached at {where}: {failure}"


async def _allocate(server: TurnServer, username: str, password: str, peers: Sequence[Address]) -> None:
    client = await _connected(server, username, password)
    using = asyncio.get_running_loop().create_task(_use(client, peers))
    try:
        await asyncio.wait((using, client.failed), return_when=asyncio.FIRST_COMPLETED)
        (using if using.done() else client.failed).result()
    finally:
        using.cancel()
        client.failed.cancel()
        client.transport.close()
        await asyncio.gather(using, client.failed, return_exceptions=True)


async def _use(client: "_Udp | _Tcp", peers: Sequence[Address]) -> None:
    await client.connect()
    try:
        for number, (host, port, *_) in enumerate(peers):
            await _bound(client, CHANNEL + number, (str(host), int(port)))
    finally:
        with contextlib.suppress(stun.TransactionError, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                await client.delete()


async def _bound(client: "_Udp | _Tcp", channel: int, peer: tuple[str, int]) -> None:
    try:
        await client.channel_bind(channel, peer)
    except stun.TransactionFailed as failed:
        if failed.response.error_code not in (403, 443):
            raise
        raise TurnFailure(
            f"takes our credentials, but lets nothing go to the gateway at {peer[0]}: "
            "see its denied-peer-ip, allowed-peer-ip and allow-loopback-peers",
            code=failed.response.error_code,
        ) from failed


class _Udp(TurnClientUdpProtocol):
    """TURN over UDP that notices a refused port."""

    failed: asyncio.Future[None]

    def error_received(self, exc: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(exc)


class _Tcp(TurnClientTcpProtocol):
    """TURN over TCP that notices a closed connection."""

    failed: asyncio.Future[None]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.failed.done():
            self.failed.set_exception(exc or ConnectionResetError("it closed the connection"))


async def _connected(server: TurnServer, username: str, password: str) -> _Udp | _Tcp:
    loop = asyncio.get_running_loop()
    where = (server.host, server.port)
    client: _Udp | _Tcp

    def made(kind: type[_Udp] | type[_Tcp]) -> _Udp | _Tcp:
        found = kind(where, username, password, LIFETIME_S, CHANNEL_REFRESH_S)
        found.failed = loop.create_future()
        return found

    if server.transport == "udp":
        _, client = await loop.create_datagram_endpoint(lambda: made(_Udp), remote_addr=where)
    else:
        context = ssl.create_default_context() if server.is_tls else None
        _, client = await loop.create_connection(lambda: made(_Tcp), *where, ssl=context)
    return client
