"""A gateway in a process of its own, to be killed outright and started again on the same files."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class GatewayProcess:
    """One run of `python -m gateway.selftest serve`."""

    process: asyncio.subprocess.Process
    ready: dict[str, Any]

    @classmethod
    async def start(cls, directory: Path) -> "GatewayProcess":
        """Start on `directory`; returns when it serves."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.selftest", "serve", "--directory", str(directory)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 40)
        return cls(process=process, ready=json.loads(line))

    @property
    def url(self) -> str:
        """Where it serves."""
        return str(self.ready["url"])

    async def kill(self) -> None:
        """SIGKILL: nothing is written any more."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
