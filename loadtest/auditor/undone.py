"""What a crash or a change of owner undid of what had been taken already.

Decides which ends, pauses, lifts and yeses stand: what no disk had yet when a process
died, or another took over, may be as if it had never been said.
Never decides which seconds count for that (bounds.py).
Keeps true: only what was said close to a turn, in a session that went on after it, is
in doubt; a yes that is in the record stands.
"""

from collections.abc import Sequence

from loadtest.auditor.entries import CONSENT, RESTART, Anchor
from loadtest.auditor.span import EVER, Span, united
from loadtest.auditor.world import Life, World

SECOND_NS = 1_000_000_000
STOP_REACH_NS = 16 * SECOND_NS
"""An end that had not been settled so long before a crash may be undone by it."""
PAUSE_REACH_NS = 3 * SECOND_NS
"""A pause, a lift or a yes stands once a slot or an anchor that shows it is durable: up to two seconds until such a
slot has ended, and up to one more until its row is on a disk."""


def stops(life: Life, world: World, anchors: Sequence[Anchor]) -> list[tuple[int, str]]:
    """Who ended the session and when; an end that a crash undid is none."""
    return [stop for stop in life.stops if _survived(stop[0], STOP_REACH_NS, world, anchors)]


def pauses(life: Life, world: World, anchors: Sequence[Anchor]) -> list[Span]:
    """Pauses; one that was taken just before a crash, or by a process that is being replaced, may have been lost."""
    found = []
    for begin, end in life.paused():
        is_kept = _survived(begin, PAUSE_REACH_NS, world, anchors)
        if begin in life.said_to_former and not is_kept:
            continue
        lost_ns = min((turn_ns for turn_ns in world.turns if turn_ns >= begin), default=end)
        found.append((begin, end if is_kept else min(end, lost_ns)))
    return united(found)


def pauses_at_most(life: Life, world: World, anchors: Sequence[Anchor]) -> list[Span]:
    """Pauses; a lift that was taken just before a crash may have been lost in it, and nobody lifts twice."""
    return [
        (begin, end if _survived(end, PAUSE_REACH_NS, world, anchors) else EVER)
        for begin, end in life.paused()
    ]


def consents(life: Life, world: World, anchors: Sequence[Anchor]) -> list[tuple[int, str]]:
    """Yeses that stand, each with its instant; one that was lost in a crash was asked for again."""
    noted = [anchor.at_ns for anchor in anchors if anchor.kind == CONSENT]
    return [
        (at_ns, kind)
        for at_ns, kind in life.consents
        if any(abs(each_ns - at_ns) <= SECOND_NS for each_ns in noted)
        or _survived(at_ns, PAUSE_REACH_NS, world, anchors)
    ]


def _survived(at_ns: int, within_ns: int, world: World, anchors: Sequence[Anchor]) -> bool:
    """What was taken at an instant was not lost in a crash or take-over after which the session went on."""
    if not any(at_ns - STOP_REACH_NS <= turn_ns <= at_ns + within_ns for turn_ns in world.turns):
        return True
    return not any(anchor.kind == RESTART and anchor.at_ns > at_ns for anchor in anchors)
