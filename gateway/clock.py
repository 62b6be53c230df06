"""Monotonic and wall time, and a manual twin.

Decides what time it is for everybody: durations come from `monotonic_ns` only,
`wall_ns` labels. The two are compared by metering, which suspends on a step.
Never sleeps; that is the event loop's.
"""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

NS = 1_000_000_000
"""Nanoseconds in a second."""


class Clock(Protocol):
    """What every service is handed instead of the time module."""

    @property
    def boot_id(self) -> str:
        """Names the boot whose monotonic values may be compared."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never step back."""
        ...

    def wall_ns(self) -> int:
        """Unix nanoseconds, for display and records."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        try:
            self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            self._boot_id = str(uuid.uuid4())

    @property
    def boot_id(self) -> str:
        """The kernel's boot id, or one of this process where there is none."""
        return self._boot_id

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC, which the relay's arrival times use too."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """CLOCK_REALTIME."""
        return time.time_ns()


class ManualClock:
    """Time that moves only when told, for tests and simulation."""

    def __init__(self, monotonic_ns: int = 1_000 * NS, wall_ns: int = 1_790_000_000 * NS) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns

    @property
    def boot_id(self) -> str:
        """A fixed name."""
        return "boot-manual"

    def monotonic_ns(self) -> int:
        """The present instant."""
        return self._monotonic_ns

    def wall_ns(self) -> int:
        """The present instant on the wall."""
        return self._wall_ns

    def advance(self, *, ns: int = 0, seconds: int = 0) -> None:
        """Let both clocks run on."""
        self._monotonic_ns += ns + seconds * NS
        self._wall_ns += ns + seconds * NS

    def step_wall(self, *, ns: int) -> None:
        """Set the wall clock without time passing, as a bad time server does."""
        self._wall_ns += ns


def rfc3339(wall_ns: int) -> str:
    """`2026-11-21T20:13:38.125Z`: UTC with milliseconds."""
    instant = datetime.fromtimestamp(wall_ns // NS, UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{wall_ns % NS // 1_000_000:03d}Z"
