"""A real coturn on loopback, on free ports, ended by its process id."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aioice import stun

WAIT_S = 15.0
ASK_AGAIN_S = 0.05
SECRET = "north"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnHouse:
    """Where it listens."""

    port: int

    def url(self, transport: str = "udp") -> str:
        return f"turn:127.0.0.1:{self.port}?transport={transport}"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody has at this moment."""
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@asynccontextmanager
async def turn_server(*options: str, secret: str = SECRET) -> AsyncIterator[TurnHouse]:
    """A server that takes credentials of `secret`; `options` are turnserver's own."""
    with tempfile.TemporaryDirectory(prefix="gateway-turn-") as home:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            "turnserver",
            *_usual(Path(home), port=port, secret=secret),
            *options,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _listens(port, process)
            yield TurnHouse(port=port)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _usual(home: Path, *, port: int, secret: str) -> list[str]:
    return [
        *("-n", "--no-cli", "--no-tls", "--no-dtls", "--no-rfc5780", "--no-software-attribute"),
        *("--allow-loopback-peers", "--log-file=stdout", "--fingerprint"),
        *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"),
        *("--use-auth-secret", f"--static-auth-secret={secret}", "--realm=gateway.test"),
        *(f"--userdb={home / 'turndb'}", f"--pidfile={home / 'turn.pid'}"),
    ]


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    """Return when it answers on UDP, which it opens last."""
    loop = asyncio.get_running_loop()
    question = bytes(stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST))
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        async with asyncio.timeout(WAIT_S):
            while True:
                assert process.returncode is None, "turnserver ended at once"
                with contextlib.suppress(ConnectionRefusedError, TimeoutError):
                    await loop.sock_sendall(sock, question)
                    # It tells nobody when it is ready, so it is asked again.
                    await asyncio.wait_for(loop.sock_recv(sock, 2_048), ASK_AGAIN_S)
                    return
                await asyncio.sleep(ASK_AGAIN_S)
