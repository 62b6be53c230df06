"""What moderation needs from others: judges, and a place where verdicts stay.

Declares shapes only. A hook returns verdicts and nothing else: the way to the
conversation and to the meter is the `LineVerdict` that chat asked for, and
signalling alone acts on it, so shadow mode is the same answer without weight.
Filled by adapters/ and by `app.py`. See docs/moderation.md, "hooks".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.moderation.policy import Mode
from gateway.moderation.sample import TextSample
from gateway.moderation.verdict import Category, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LineVerdict:
    """What may become of one chat line; the same shape as chat's own port has."""

    action: str
    """As `verdict.Action` spells it."""
    text: str
    """The text to deliver: as sent, or masked."""
    category: str | None = None
    """Why, when it is not `allow`."""


class Hook(Protocol):
    """Somebody who judges samples and never acts."""

    @property
    def name(self) -> str:
        """Stable and unique; policies, logs and metrics know the hook by it."""
        ...

    @property
    def categories(self) -> frozenset[Category]:
        """What it may speak of, so that its silence can be weighed."""
        ...

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        """Verdicts about the sample; none means that it has nothing against it.

        May raise anything and may be cancelled; either counts as a failure.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """A verdict as it is kept: what was judged is named by digest, never quoted."""

    id: str
    """`vrd_…`."""
    sample: TextSample
    """What was judged; a store keeps its id, session and side, not its text."""
    digest: str
    """Keyed digest of the text, hexadecimal."""
    hook: str
    """Who gave it."""
    mode: Mode
    """SHADOW or ENFORCE: whether it took effect."""
    verdict: Verdict
    judged_wall_ns: int
    """Unix nanoseconds."""


class VerdictStore(Protocol):
    """Append-only record of verdicts."""

    async def keep(self, records: Sequence[VerdictRecord]) -> None:
        """Store them in one commit.

        Raises:
            StoreDown: nothing was written.
        """
        ...
