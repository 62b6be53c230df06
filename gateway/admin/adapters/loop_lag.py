"""How late the event loop is.

Decides how lag is measured: a timer that asks to be woken at a fixed pace, and
how much later it was. Never judges the number (health.py).
Keeps: the peak of the last seconds, so that a short stall is seen by who looks
once a second; one timer, gone after `stop`.
"""

import asyncio
from collections.abc import Callable

from gateway.admin.recent_peak import RecentPeak
from gateway.clock import NS

MEASURE_S = 0.1
"""How often lag is measured."""


def ignore(_lag_ms: float) -> None:
    """The listener of who wants none."""


class LoopLag:
    """Measures the running loop; `on_lag` hears every measurement in milliseconds."""

    def __init__(self, *, on_lag: Callable[[float], None] = ignore, every_s: float = MEASURE_S) -> None:
        self._on_lag = on_lag
        self._every_s = every_s
        self._peak = RecentPeak()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure from now on."""
        if self._timer is None:
            self._wake_at(asyncio.get_running_loop().time() + self._every_s)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def lag_ms(self) -> float:
        """The highest lag of the last seconds, in milliseconds."""
        return self._peak.value(_now_ns(asyncio.get_running_loop()))

    def _wake_at(self, due_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due_s, self._woken, due_s)

    def _woken(self, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        lag_ms = max(loop.time() - due_s, 0.0) * 1e3
        self._peak.note(_now_ns(loop), lag_ms)
        # From now and not from when it was due: after a stall there is nothing to catch up.
        self._wake_at(loop.time() + self._every_s)
        self._on_lag(lag_ms)


def _now_ns(loop: asyncio.AbstractEventLoop) -> int:
    return int(loop.time() * NS)
