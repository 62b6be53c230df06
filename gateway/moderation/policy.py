"""How far a hook is trusted, and what its silence means.

Decides per hook: off, shadow or enforced, for which share of sessions, how long
it may take, how many questions it may have open, and per category what stands
when it fails (local rules fail closed to HOLD, remote hooks fail open).
Never asks a hook (service.py). Keeps: one session is always on the same side of
a percentage. Docs: docs/moderation.md, "hooks".
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gateway.ids import SessionId
from gateway.moderation.verdict import Action, Category, Source, Verdict

JUDGE_NS_MAX = 400_000_000
"""Longest time all hooks together may take over one line."""
HOOK_NS_MAX = 1_500_000_000
"""The longest time any hook may be given, whatever the deadline."""
IN_FLIGHT_MAX = 64
"""Questions one hook may have open; a further one counts as failed at once."""


class Mode(StrEnum):
    """Whether a hook's verdicts take effect."""

    OFF = "off"
    """Not asked."""
    SHADOW = "shadow"
    """Asked and recorded; without effect."""
    ENFORCE = "enforce"
    """Asked, recorded and obeyed, for the given share of sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPolicy:
    """The operator's terms for one hook."""

    mode: Mode = Mode.ENFORCE
    percent: int = 100
    """Share of sessions in which ENFORCE takes effect; the others are in shadow."""
    timeout_ns: int = JUDGE_NS_MAX
    """How long the hook may take; the service's deadline also holds."""
    in_flight_max: int = IN_FLIGHT_MAX
    """Questions it may have open at once."""
    on_failure: Mapping[Category, Action] = field(default_factory=lambda: MappingProxyType({}))
    """What stands for a category when the hook fails."""
    on_failure_otherwise: Action = Action.ALLOW
    """What stands for every other category of the hook."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 0 <= self.percent <= 100:
            raise ValueError(f"{self.percent} is not a percentage")
        if not 0 < self.timeout_ns <= HOOK_NS_MAX:
            raise ValueError(f"a hook's time is above 0 and at most {HOOK_NS_MAX} ns")


FAIL_CLOSED = HookPolicy(on_failure_otherwise=Action.HOLD)
"""For local rules: what they could not look at is held."""
FAIL_OPEN = HookPolicy(on_failure_otherwise=Action.ALLOW)
"""For remote hooks on chat: their failure does not silence people."""


def mode_for(policy: HookPolicy, *, hook: str, session: SessionId) -> Mode:
    """The mode of a hook in one session, the same whenever it is asked."""
    if policy.mode is not Mode.ENFORCE or policy.percent == 100:
        return policy.mode
    digest = hashlib.sha256(f"{hook}\x1f{session}".encode()).digest()
    share = int.from_bytes(digest[:4]) % 100
    return Mode.ENFORCE if share < policy.percent else Mode.SHADOW


def failure_verdict(policy: HookPolicy, *, hook: str, categories: Iterable[Category]) -> Verdict | None:
    """What stands in place of a hook's answer: the severest action of its categories; None = fails open."""
    actions = (policy.on_failure.get(category, policy.on_failure_otherwise) for category in categories)
    action = max(actions, key=lambda one: one.rank, default=Action.ALLOW)
    if action is Action.ALLOW:
        return None
    return Verdict(
        action=action,
        category=Category.UNJUDGED,
        severity=1,
        confidence_permille=0,
        rule=f"{hook}.failed",
        ruleset="",
        source=Source.HOOK,
    )
