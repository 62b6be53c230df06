"""Janus and its echo plugin as a contender: what each app says comes back to it.

Decides its configuration: a folder of its own, one plugin, one transport on a socket
in that folder, no event handlers, ICE-lite, no log of what it does. One packet is forwarded
for each one received, as in a call. Threads and everything else are as Debian has them.
Its ICE library leaves loopback out and binds its sockets to an interface, so the crowd
meets it at the machine's own address; the kernel's way there is the same.
Never uses an installed service or its configuration.
"""

import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aioice.ice import get_host_addresses
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.typing import Subprotocol

from loadtest.relay.contender import Running, Unready, end
from loadtest.relay.crowd import Crowd
from loadtest.relay.handshake import Handshakes
from loadtest.relay.process import rss_kb

PROGRAM = "janus"
PLUGIN = "janus.plugin.echotest"
START_S = 10.0
ANSWER_S = 10.0
LIBRARIES = "/usr/lib/*/janus"
CONFIGURATION = """\
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 2
  session_timeout = 0
  reclaim_session_timeout = 600
}}
nat: {{ ice_lite = true, ice_enforce_list = "{host}" }}
"""
TRANSPORT = """\
general: {{ json = "compact", ws = true, ws_unix = "{folder}/api", wss = false }}
admin: {{ admin_ws = false, admin_wss = false }}
"""


def is_installed() -> bool:
    """Whether there is one to measure."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def opened(crowd: Crowd, core: int) -> Iterator[Running]:
    """Its process with a session and a handle for each leg."""
    if not is_installed():
        raise Unready("janus is not installed: apt-get install janus")
    hosts = get_host_addresses(use_ipv4=True, use_ipv6=False)
    if not hosts:
        raise Unready("janus needs an IPv4 address beside loopback")
    with (
        tempfile.TemporaryDirectory(prefix="janus-") as name,
        _started(Path(name), hosts[0], core) as process,
    ):
        handshakes = Handshakes(crowd, host=hosts[0])
        before_kb = asyncio.run(_join(Path(name) / "api", process, handshakes))
        lines = handshakes.lines(is_echo=True, is_renumbered=True)
        yield Running(pid=process.pid, lines=lines, rss_kb=before_kb)


@contextmanager
def _started(folder: Path, host: str, core: int) -> Iterator["subprocess.Popen[bytes]"]:
    _furnish(folder, host)
    # A child in Python ends with its input; this one is asked to end with its parent.
    command = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core)]
    command += [PROGRAM, "-F", str(folder), "-C", str(folder / "janus.jcfg")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        end(process)


def _furnish(folder: Path, host: str) -> None:
    """What it reads when it starts."""
    (libraries,) = Path("/").glob(LIBRARIES.removeprefix("/"))
    for kind, library in (("plugins", "libjanus_echotest.so"), ("transports", "libjanus_websockets.so")):
        (folder / kind).mkdir()
        (found, *_) = sorted((libraries / kind).glob(library + "*"))
        (folder / kind / library).symlink_to(found)
    for name, content in (
        ("janus.jcfg", CONFIGURATION),
        ("janus.transport.websockets.jcfg", TRANSPORT),
        ("janus.plugin.echotest.jcfg", "general: {{}}\n"),
    ):
        (folder / name).write_text(content.format(folder=folder, host=host))


async def _join(api: Path, process: "subprocess.Popen[bytes]", handshakes: Handshakes) -> int:
    """Bring every leg up; its memory before the first one."""
    async with await _reached(api, process) as socket:
        signalling = _Signalling(socket)
        reading = asyncio.create_task(signalling.read())
        try:
            before_kb = rss_kb(process.pid)
            await handshakes.run(signalling.answers)
            await signalling.all_up()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    return before_kb


async def _reached(api: Path, process: "subprocess.Popen[bytes]") -> ClientConnection:
    until_s = asyncio.get_running_loop().time() + START_S
    while True:
        try:
            return await unix_connect(
                str(api), "ws://localhost/", subprotocols=[Subprotocol("janus-protocol")], max_size=1 << 20
            )
        except OSError:
            if process.poll() is not None or asyncio.get_running_loop().time() > until_s:
                raise Unready(f"janus did not start: {api.with_name('log').read_text()[-500:]}") from None
            await asyncio.sleep(0.02)


class _Signalling:
    """Its API over one connection: requests by transaction, events by handle."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._up: dict[int, asyncio.Event] = {}

    async def read(self) -> None:
        """Until it is cancelled."""
        async for text in self._socket:
            said = json.loads(text)
            if said["janus"] == "webrtcup":
                self._up[said["sender"]].set()
            elif said["janus"] != "ack" and (waiting := self._waiting.pop(said.get("transaction"), None)):
                waiting.set_result(said)

    async def answers(self, offers: list[str]) -> list[str]:
        """One for each offer."""
        return [await self._answer(offer) for offer in offers]

    async def all_up(self) -> None:
        """Wait until it has said so of every leg.

        Raises:
            Unready: it has not within ANSWER_S.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                for event in self._up.values():
                    await event.wait()
        except TimeoutError:
            raise Unready("janus did not say that every leg is up") from None

    async def _answer(self, offer: str) -> str:
        session = (await self._ask(janus="create"))["data"]["id"]
        handle = (await self._ask(janus="attach", session_id=session, plugin=PLUGIN))["data"]["id"]
        self._up[handle] = asyncio.Event()
        said = await self._ask(
            janus="message",
            session_id=session,
            handle_id=handle,
            body={"audio": True, "video": False},
            jsep={"type": "offer", "sdp": offer},
        )
        answer: str = said["jsep"]["sdp"]
        return answer

    async def _ask(self, **request: Any) -> dict[str, Any]:
        name = f"t{next(self._numbers)}"
        waiting = self._waiting[name] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(request | {"transaction": name}))
        try:
            async with asyncio.timeout(ANSWER_S):
                said: dict[str, Any] = await waiting
        except TimeoutError:
            raise Unready(f"janus did not answer {request['janus']}") from None
        if said["janus"] == "error":
            raise Unready(f"janus: {said['error']['reason']}")
        return said
