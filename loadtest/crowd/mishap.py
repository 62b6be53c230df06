"""What befalls whom in the middle of a call, and when.

Decides it by a seed, so that two runs are alike: some legs go to another address, some people mute
themselves for a while, some die without a word. One thing at most for each call, so that its bill has one truth.
Never does it (`loadtest/call.py`).
"""

import random
from dataclasses import dataclass
from enum import StrEnum

EARLIEST, LATEST = 0.15, 0.6
"""Share of the counted span between which things happen."""


class MishapKind(StrEnum):
    """What may happen."""

    ROAM = "roam"
    """The leg's address changes."""
    MUTE = "mute"
    """The person mutes, says nothing, and unmutes later."""
    KILL = "kill"
    """Leg and app are gone without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """One of them."""

    kind: MishapKind
    call: int
    """Number of the call."""
    side: int
    """0 the client, 1 the provider."""
    at: float
    """Share of the counted span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many legs of all meet what."""

    roam: float = 0.0
    mute: float = 0.0
    kill: float = 0.0


def mishaps(calls: int, shares: Shares, *, seed: int) -> list[Mishap]:
    """What will happen, in order; a share above nothing befalls one leg at least.

    Raises:
        ValueError: more is asked for than one for each call.
    """
    dice = random.Random(seed)
    wanted = {
        kind: max(1, round(2 * calls * share)) if share > 0 else 0
        for kind, share in zip(MishapKind, (shares.roam, shares.mute, shares.kill), strict=True)
    }
    if sum(wanted.values()) > calls:
        raise ValueError(f"{sum(wanted.values())} legs are to meet something, in {calls} calls")
    chosen = iter(dice.sample(range(calls), sum(wanted.values())))
    found = [
        Mishap(kind=kind, call=next(chosen), side=dice.randrange(2), at=dice.uniform(EARLIEST, LATEST))
        for kind, count in wanted.items()
        for _ in range(count)
    ]
    return sorted(found, key=lambda each: each.at)
