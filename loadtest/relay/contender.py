"""A server that is measured: its process, pinned, and a line through it for every app.

Decides what every contender must answer before the crowd speaks, and how a child
process that is steered by lines of JSON is asked. How each one is set up is its own:
`own.py`, `aiortc_relay.py`, `janus.py`. A process is ended by its id, whatever happens.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from loadtest.relay.crowd import Crowd, Line

END_S = 10.0


class Unready(Exception):
    """A server could not be started or did not take every leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that waits for voice."""

    pid: int
    """Its process."""
    lines: Sequence[Line]
    """Each app's way through it."""
    rss_kb: int
    """Its memory before it had any leg."""


Contender = Callable[[Crowd, int], AbstractContextManager[Running]]
"""Started for this crowd, pinned to that core."""


class Child:
    """A Python module in a process of its own that answers a line with a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.pid = process.pid
        self._process = process

    def ask(self, question: object) -> Any:
        """Its answer.

        Raises:
            Unready: it ended instead.
        """
        assert self._process.stdin is not None, "it is piped"
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """The next line it writes.

        Raises:
            Unready: it ended instead.
        """
        assert self._process.stdout is not None, "it is piped"
        line = self._process.stdout.readline()
        if not line:
            raise Unready(f"{self._process.args!s} ended with {self._process.wait()}")
        return json.loads(line)


@contextmanager
def child(core: int, module: str, *arguments: str) -> Iterator[Child]:
    """The module in a process of its own, ended when its input ends."""
    command = ["taskset", "-c", str(core), sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None, "it is piped"
            process.stdin.close()
            end(process)


def end(process: "subprocess.Popen[Any]") -> None:
    """Wait for a process that was told to end; one that does not is killed."""
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
