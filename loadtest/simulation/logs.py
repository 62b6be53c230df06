"""What the gateway logged while it was simulated, counted by event.

Decides that nothing is printed and that warnings and errors are counted; some of
them mean that the product failed by itself, which no fault excuses.
"""

from collections import Counter
from typing import Any

import structlog

WARNING = 30
COUNTS: Counter[str] = Counter()
"""Warnings and errors since the world began."""
SAMPLES: dict[str, str] = {}
"""One line of each."""
BUGS = frozenset(
    {
        "poll_failed",
        "metering_task_failed",
        "timer_action_failed",
        "reader_failed",
        "recovery_lacks_order",
        "recovery_refused",
        "charge_differs_from_settlement",
        "move_refused",
    }
)
"""Events that no fault of the world around explains."""
EXCUSED = frozenset({"move_refused"})
"""Of these, what two owners of one session may well meet: one moves it where the other has left it."""


def bugs(*, has_two_owners: bool) -> list[str]:
    """What was logged since the world began that no fault explains."""
    names = BUGS - EXCUSED if has_two_owners else BUGS
    return sorted(names & COUNTS.keys())


def silence(*, is_cached: bool) -> None:
    """Count instead of printing; with `is_cached` loggers are made once, which a process does for itself."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, _count],
        wrapper_class=structlog.make_filtering_bound_logger(WARNING),
        cache_logger_on_first_use=is_cached,
    )


def begin() -> None:
    """Forget what was counted."""
    COUNTS.clear()
    SAMPLES.clear()


def _count(_logger: Any, _method: str, event: Any) -> Any:
    name = str(event.get("event"))
    COUNTS[name] += 1
    SAMPLES.setdefault(name, str(dict(event)))
    raise structlog.DropEvent
