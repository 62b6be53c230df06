"""How often somebody may call, as a token bucket held in one integer.

Decides whether a call fits (generic cell rate algorithm: the state is the
instant at which the bucket is full again) and what the RateLimit headers say.
Never reads a clock and never knows who calls; `limiter.py` keeps the buckets.
Keeps: over any window no more than `calls` + `calls`·window calls pass.
Headers: draft-ietf-httpapi-ratelimit-headers-10; Retry-After: RFC 9110 §10.2.3.
"""

from dataclasses import dataclass

from gateway.clock import NS
from gateway.errors import require


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """A named bound."""

    name: str
    """Shown in the headers; buckets of different names are separate."""
    calls: int
    """Calls in one window, and how many may come in a burst."""
    window_s: int = 60
    """Length of the window in seconds."""

    def __post_init__(self) -> None:
        require(self.calls > 0 and self.window_s > 0, f"rate policy {self.name} lets nothing through")

    @property
    def spacing_ns(self) -> int:
        """What one call costs, as time."""
        return self.window_s * NS // self.calls

    def header(self) -> str:
        """The RateLimit-Policy header."""
        return f'"{self.name}";q={self.calls};w={self.window_s}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The answer to one call."""

    is_allowed: bool
    full_at_ns: int
    """The bucket's next state; unchanged when refused."""
    remaining: int
    """Calls that would pass right now."""
    wait_s: int
    """Whole seconds until the next call passes; 0 when one passes now."""

    def header(self, policy: RatePolicy) -> str:
        """The RateLimit header."""
        return f'"{policy.name}";r={self.remaining};t={self.wait_s}'


def take(policy: RatePolicy, full_at_ns: int, now_ns: int) -> Taken:
    """Take one call out of a bucket that is full at `full_at_ns` (0 = never used)."""
    depth_ns = policy.spacing_ns * policy.calls
    after_ns = max(full_at_ns, now_ns) + policy.spacing_ns
    is_allowed = after_ns - now_ns <= depth_ns
    full_at_ns = after_ns if is_allowed else full_at_ns
    room_ns = depth_ns - max(full_at_ns - now_ns, 0)
    remaining = max(room_ns // policy.spacing_ns, 0)
    lacking_ns = policy.spacing_ns - room_ns
    return Taken(
        is_allowed=is_allowed,
        full_at_ns=full_at_ns,
        remaining=remaining,
        wait_s=0 if remaining else -(-lacking_ns // NS),
    )
