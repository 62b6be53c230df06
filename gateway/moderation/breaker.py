"""Whether a hook that keeps failing is asked at all.

Decides from the failures so far: closed (asked), open (not asked until a while
has passed), then one trial at a time until one succeeds.
Never calls the hook and never reads a clock; the service does both. Values only:
each step gives a new breaker. Docs: docs/moderation.md, "hooks".
"""

from dataclasses import dataclass, replace

from gateway.clock import NS

FAILURES_MAX = 5
"""Failures in a row that open the breaker."""
OPEN_NS = 30 * NS
"""How long an open breaker keeps a hook unasked before one trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known of one hook's health."""

    failures: int = 0
    """Failures since the last success."""
    opened_at_ns: int | None = None
    """When it opened, or when the last trial began; None while closed."""

    @property
    def is_open(self) -> bool:
        """Whether the hook is given up for now."""
        return self.opened_at_ns is not None

    def may_ask(self, now_ns: int) -> bool:
        """Whether the hook may be asked at this instant."""
        return self.opened_at_ns is None or now_ns - self.opened_at_ns >= OPEN_NS

    def asked(self, now_ns: int) -> "Breaker":
        """After a question was put: an open breaker allows no second trial until another while has passed."""
        return self if self.opened_at_ns is None else replace(self, opened_at_ns=now_ns)

    def succeeded(self) -> "Breaker":
        """After an answer in time."""
        return Breaker()

    def failed(self, now_ns: int) -> "Breaker":
        """After an error or a late answer."""
        failures = self.failures + 1
        opened_at_ns = now_ns if self.is_open or failures >= FAILURES_MAX else None
        return Breaker(failures=failures, opened_at_ns=opened_at_ns)
