"""The gateway under test, as a child process.

Decides how it is started (`python -m gateway.selftest serve`, or another module
that says the same when it is ready; on loopback, on free ports, in a directory of
its own, pinned to one core where the machine has more), and how it is stopped or
killed. Never reaches into it; what it costs is read from /proc.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

READY_PREFIX = b'{"url"'
READY_S = 60.0
STOP_S = 20.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SERVE = ("gateway.selftest", "serve")
"""The module that is run, and what comes first of its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two people who may call each other, by the telephone numbers they sign in with."""

    client: str
    """The one who pays; has money."""
    provider: str
    """The one who is paid; offers voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the gateway said when it was ready."""

    url: str
    """Its HTTP address."""
    operator: str
    """The telephone number of an operator."""
    pairs: tuple[Pair, ...]
    """Who may call whom."""


class House:
    """A gateway in a child process; use as an async context manager."""

    def __init__(
        self,
        directory: Path,
        *,
        pairs: int,
        core: int | None = None,
        serve: Sequence[str] = SERVE,
        log: Path | None = None,
    ) -> None:
        """`core` pins the gateway to one processor; `serve` is the module to run and its own arguments.

        Its log lines are appended to `log`, where one is named.
        """
        self._log = log
        self._serve = serve
        self._directory = directory
        self._pairs = pairs
        self._core = core
        self._process: asyncio.subprocess.Process | None = None
        self._ready: Ready | None = None
        self._drain: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def open(self) -> None:
        """Start it and return when it serves.

        Raises:
            RuntimeError: it ended before that.
        """
        with contextlib.ExitStack() as stack:
            log = None if self._log is None else stack.enter_context(self._log.open("ab"))
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self._serve),
                *("--pairs", str(self._pairs), "--directory", str(self._directory)),
                stdout=asyncio.subprocess.PIPE,
                stdin=asyncio.subprocess.PIPE,
                stderr=log,
            )
        if self._core is not None:
            os.sched_setaffinity(self._process.pid, {self._core})
        try:
            self._ready = await asyncio.wait_for(self._read_ready(), READY_S)
        except BaseException:
            await self._stop()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def kill(self) -> None:
        """SIGKILL: nothing is written any more. Harmless before it was started."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._stop()

    @property
    def ready(self) -> Ready:
        """What it said."""
        assert self._ready is not None, "enter the house first"
        return self._ready

    def cpu_s(self) -> float:
        """Processor seconds used so far, all threads."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def rss_kb(self) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None, "enter the house first"
        self._process.send_signal(number)

    @property
    def _pid(self) -> int:
        assert self._process is not None, "enter the house first"
        return self._process.pid

    async def _read_ready(self) -> Ready:
        assert self._process is not None, "started above"
        assert self._process.stdout is not None, "it is piped"
        async for line in self._process.stdout:
            if line.startswith(READY_PREFIX):
                break
        else:
            raise RuntimeError(f"the gateway ended with {await self._process.wait()} before it was ready")
        # What else it writes is read away, or a full pipe would stop it.
        self._drain = asyncio.create_task(_read_away(self._process.stdout))
        said = json.loads(line)
        pairs = tuple(Pair(**pair) for pair in said.pop("pairs"))
        return Ready(**said, pairs=pairs)

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await process.stdin.wait_closed()
        if self._drain is not None:
            await self._drain


def split_cores() -> int | None:
    """Leave the first core to the gateway and answer which it is; None where there is but one for both."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, set(cores[1:]))
    return cores[0]


def loopback(number: int) -> str:
    """The loopback address of one's own that has this number."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def stolen_s() -> float:
    """Processor seconds the machine's host took from all cores so far (`steal` of /proc/stat)."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / TICKS_PER_S


async def _read_away(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
