"""Spans of time and their algebra: what the truth meter is made of.

Decides unions, intersections, differences and bridges of lists of closed spans.
Never knows what a span stands for; witness.py and meter.py do.
Keeps true: every list is in order and its spans do not touch each other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""(first instant, last instant), nanoseconds, both belonging to it."""

EVER = 1 << 62


def united(spans: Iterable[Span], *, gap_ns: int = 0) -> list[Span]:
    """The union; spans no further apart than `gap_ns` are bridged."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if end < begin:
            continue
        if found and begin - found[-1][1] <= gap_ns:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def common(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """The intersection."""
    found: list[Span] = []
    i = j = 0
    while i < len(first) and j < len(second):
        begin = max(first[i][0], second[j][0])
        end = min(first[i][1], second[j][1])
        if begin <= end:
            found.append((begin, end))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return found


def without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """What is left of the spans; the edges of a hole stay, for a second may end where a pause begins."""
    found: list[Span] = []
    for begin, end in spans:
        at = begin
        for hole_begin, hole_end in holes:
            if hole_end <= at or hole_begin >= end:
                continue
            if hole_begin > at:
                found.append((at, hole_begin))
            at = max(at, hole_end)
        if at < end or (at == begin == end):
            found.append((at, end))
    return found


def shrunk(spans: Iterable[Span], by_ns: int) -> list[Span]:
    """Each span shorter at both ends."""
    return [(begin + by_ns, end - by_ns) for begin, end in spans if end - begin >= 2 * by_ns]


def switched(changes: Iterable[tuple[int, bool]]) -> list[Span]:
    """Spans in which something was on, from the instants at which it was switched."""
    found: list[Span] = []
    since: int | None = None
    for at_ns, is_on in changes:
        if is_on and since is None:
            since = at_ns
        elif not is_on and since is not None:
            found.append((since, at_ns))
            since = None
    if since is not None:
        found.append((since, EVER))
    return united(found)


class Cover:
    """Answers quickly whether a stretch lies within one span of a list."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._begins = [begin for begin, _ in spans]

    def has(self, begin: int, end: int) -> bool:
        """The whole stretch is inside one span."""
        index = bisect_right(self._begins, begin) - 1
        return index >= 0 and self.spans[index][1] >= end
