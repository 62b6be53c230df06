"""In which spans a session's seconds may be billed, and in which they must be.

Decides both bounds by the page's bracket rules: start of the later witness, legs with
gaps of at most 8 s, apps with gaps of at most 15 s, pauses, idle text, the stop.
Never counts: meter.py holds the seconds of a receipt against these spans.
Keeps true: whatever must be billed may be billed; between the two lies only what
packets every 250 ms and polls four times a second cannot tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.auditor.entries import RESTART, START, STOP, Anchor
from loadtest.auditor.span import EVER, Span, common, shrunk, switched, united, without
from loadtest.auditor.undone import pauses, pauses_at_most, stops
from loadtest.auditor.world import Life, World

MS = 1_000_000
SECOND_NS = 1_000_000_000
MEDIA_GAP_NS = 8 * SECOND_NS
ACK_GAP_NS = 15 * SECOND_NS
TEXT_IDLE_NS = 120 * SECOND_NS
PACKETS_NS = 250 * MS
"""Packets of a flow that is on come at least this often."""
POLL_NS = 250 * MS
TAKE_OVER_NS = 60 * SECOND_NS
"""A gateway that comes up so long before a session's restart may have taken it over."""
_ASKED = frozenset({1, 2, 13, 14, 15})
"""Numbers of the end reasons that somebody asks for: hang-ups, moderation, sos, operator."""
SLOT_NS = SECOND_NS // 32
"""Between two grid points."""
GIVEN_AWAY_NS = 3 * SECOND_NS // 4
"""How much later than the first grid point a session's seconds may begin, to spread sessions over them."""
SIDES = ("client", "provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where seconds may and must be billed."""

    may: list[Span]
    must: list[Span]
    start_ns: int | None
    """The earliest grid point at which the first second may begin."""
    start_late_ns: int | None
    """The latest one at which it has to, unless something comes in between."""


def grid(at_ns: int) -> int:
    """The first grid point at or after an instant: 32nds of the first half of the node's second, both ends too."""
    point_ns = -(-at_ns // SLOT_NS) * SLOT_NS
    into_ns = point_ns % SECOND_NS
    return point_ns if into_ns <= SECOND_NS // 2 else point_ns + SECOND_NS - into_ns


def is_grid(at_ns: int) -> bool:
    """Whether seconds may begin there."""
    return grid(at_ns) == at_ns


def bounds(life: Life, world: World, anchors: Sequence[Anchor], ends: Sequence[int]) -> Bounds:
    """Both bounds of one session; the anchors say which instants tick numbers stand for, `ends` where slots end."""
    start_ns, start_late_ns = _start(life, world.stalls)
    if start_ns is None:
        return Bounds(may=[], must=[], start_ns=None, start_late_ns=None)
    points = [anchor.at_ns for anchor in anchors if anchor.kind in (START, RESTART)]
    stop_ns = min((at_ns for at_ns, _ in stops(life, world, anchors)), default=EVER)
    may = common([(start_ns, stop_ns)], world.up())
    for side in SIDES:
        may = common(may, united(life.presence(side), gap_ns=MEDIA_GAP_NS))
        may = common(may, _apps_may(life, side, anchors, [start_ns, *points]))
    may = without(may, pauses(life, world, anchors))
    if life.is_text:
        may = without(may, _idle(life, [start_ns, *points], TEXT_IDLE_NS + POLL_NS, 0))
    must: list[Span] = []
    if start_late_ns is not None and points:
        must = _must(life, world, anchors, ends, max(start_late_ns - GIVEN_AWAY_NS, points[0]))
    return Bounds(may=may, must=must, start_ns=start_ns, start_late_ns=start_late_ns)


def _start(life: Life, stalls: Sequence[Span]) -> tuple[int | None, int | None]:
    """The earliest and the latest grid point at which the first second begins.

    A process that did not run saw nothing, so that voice in two consecutive seconds comes anew after a stall.
    """
    if len(life.confirmed) < 2:
        return None, None
    confirmed_ns = max(life.confirmed.values())
    early = late = [(confirmed_ns, EVER)]
    for side in SIDES:
        early = common(early, _ready(life, side, late_ns=None))
        late = common(late, _ready(life, side, late_ns=2 * SECOND_NS + PACKETS_NS))
    if not early:
        return None, None
    if not late:
        return grid(early[0][0]), None
    seen_ns = late[0][0] + 2 * POLL_NS
    for begin, end in stalls:
        if begin <= seen_ns and end >= early[0][0] - 2 * SECOND_NS:
            seen_ns = max(seen_ns, end + 2 * SECOND_NS + PACKETS_NS + 2 * POLL_NS)
    return grid(early[0][0]), grid(seen_ns) + GIVEN_AWAY_NS


def _ready(life: Life, side: str, *, late_ns: int | None) -> list[Span]:
    """When a leg can stand as the media witness of the start."""
    path = life.presence(side) if life.is_text else []
    if not life.is_text and life.muted(side):
        flows = life.flows.get((side, "path"), ())
        path = common(switched(flows), life.muted(side))
    if late_ns is not None:
        rtp = shrunk(switched(life.flows.get((side, "rtp"), ())), PACKETS_NS)
        return united((begin + late_ns, end) for begin, end in [*rtp, *shrunk(path, PACKETS_NS)])
    rtp = united(switched(life.flows.get((side, "rtp"), ())), gap_ns=2 * SECOND_NS)
    # Packets in two consecutive seconds: not before the boundary between them.
    heard = [((begin // SECOND_NS + 1) * SECOND_NS, end + MEDIA_GAP_NS) for begin, end in rtp]
    return united([*heard, *((begin, end + MEDIA_GAP_NS) for begin, end in path)])


def tick_end(anchors: Sequence[Anchor], tick: int, at_ns: int) -> int | None:
    """When the tick ended that an app named at an instant; None where none of that number was told yet."""
    found = None
    for anchor in anchors:
        if anchor.kind in (START, RESTART) and anchor.after_tick < tick:
            end_ns = anchor.at_ns + (tick - anchor.after_tick) * SECOND_NS
            if end_ns <= at_ns:
                found = end_ns
    return found


def _apps_may(life: Life, side: str, anchors: Sequence[Anchor], points: list[int]) -> list[Span]:
    """An app's evidence at its best: every tick it named, its start, and its own hanging up."""
    ends = (tick_end(anchors, tick, at_ns) for at_ns, tick in life.acks.get(side, ()))
    own = [at_ns for at_ns, reason in life.stops if reason == f"hangup_{side}"]
    named = [end_ns for end_ns in ends if end_ns is not None]
    return united(((at_ns, at_ns) for at_ns in [*named, *points, *own]), gap_ns=ACK_GAP_NS)


def _apps_must(
    life: Life, side: str, anchors: Sequence[Anchor], start_ns: int, holes: Sequence[Span]
) -> list[Span]:
    """An app's evidence at its worst: it bridges only if it came before the app seemed silent.

    What ended before a silent app was heard again may have been found without it by then.
    """
    found: list[Span] = [(start_ns, start_ns)]
    last_ns = min(start_ns, life.confirmed[side])
    stop_ns = min((at_ns for at_ns, _ in life.stops), default=EVER)
    for at_ns, tick in life.acks.get(side, ()):
        end_ns = tick_end(anchors, tick, at_ns)
        if end_ns is None or end_ns < found[-1][1] or at_ns > stop_ns:
            continue
        if any(end_ns <= begin < at_ns or begin < at_ns <= end for begin, end in holes):
            continue
        if at_ns - last_ns <= ACK_GAP_NS - SECOND_NS:
            found[-1] = (found[-1][0], end_ns)
        else:
            begin_ns = at_ns - (at_ns - end_ns) % SECOND_NS
            found.append((begin_ns, begin_ns))
        last_ns = end_ns
    return united(found)


def _must(
    life: Life, world: World, anchors: Sequence[Anchor], ends: Sequence[int], start_ns: int
) -> list[Span]:
    ends_ns = [at_ns for at_ns, _ in life.stops]
    # A stop for which somebody asked is where the truth has it, not where the gateway says.
    ends_ns += [
        anchor.at_ns
        for anchor in anchors
        if anchor.kind == STOP and not (ends_ns and anchor.reason in _ASKED)
    ]
    holes = _interrupted(life, world, anchors, ends)
    must = without([(start_ns, min(ends_ns, default=EVER))], holes)
    for side in SIDES:
        # What comes while no process runs is seen when one does again.
        blind = [(begin - POLL_NS, end + POLL_NS) for begin, end in world.stalls]
        legs = shrunk(without(life.presence(side), united(blind)), PACKETS_NS)
        # The legs are closed at the stop: what would have come later is not waited for.
        legs = common(legs, [(0, min(ends_ns, default=EVER))])
        must = common(must, united(legs, gap_ns=MEDIA_GAP_NS - PACKETS_NS))
        must = common(must, _apps_must(life, side, anchors, start_ns, holes))
    must = without(
        must, [(begin - MS, end + SECOND_NS) for begin, end in pauses_at_most(life, world, anchors)]
    )
    must = without(must, _stepped(world))
    if life.is_text:
        begun_ns = min([start_ns, *(each.at_ns for each in anchors if each.kind == START)])
        must = without(must, _idle(life, [begun_ns], TEXT_IDLE_NS - SECOND_NS, SECOND_NS))
    return must


def _stepped(world: World) -> list[Span]:
    """When metering may stand still for a set wall clock: it is noticed late, and dated back to the last look."""
    found = []
    for at_ns, by_ns in world.steps:
        if abs(by_ns) > 900 * MS:
            blind = [begin for begin, end in world.stalls if begin <= at_ns <= end + SECOND_NS]
            found.append((min([at_ns, *blind]) - SECOND_NS, at_ns + 20 * SECOND_NS))
    return united(found)


def _changes_of_owner(
    life: Life, world: World, anchors: Sequence[Anchor], ends: Sequence[int]
) -> list[tuple[int, int | None]]:
    """(crash or take-over, the restart that followed) of this session."""
    starts = [anchor.at_ns for anchor in anchors if anchor.kind == START]
    # Of two with no second in between the former was begun by an owner that had just lost the session.
    restarts = list({each.after_tick: each.at_ns for each in anchors if each.kind == RESTART}.values())
    found: list[tuple[int, int | None]] = []
    for turn_ns in world.turns:
        if starts and turn_ns < starts[0]:
            continue
        back = min((at_ns for at_ns in restarts if at_ns > turn_ns), default=None)
        # A take-over that does not restart the session ends it at its last slot.
        last_ns = max([*starts[:1], *restarts, *ends[-1:]], default=None)
        is_end = back is None and last_ns is not None and _is_end(life, world, anchors, last_ns, turn_ns)
        if turn_ns in world.downs or is_end or (back is not None and back - turn_ns <= TAKE_OVER_NS):
            found.append((turn_ns, back))
    return found


def _ran_ns(world: World, one_ns: int, other_ns: int) -> int:
    """Time between two instants in which processes ran."""
    first_ns, last_ns = sorted((one_ns, other_ns))
    stalled = (min(end, last_ns) - max(begin, first_ns) for begin, end in world.stalls)
    return last_ns - first_ns - sum(max(0, span_ns) for span_ns in stalled)


def _is_end(life: Life, world: World, anchors: Sequence[Anchor], last_ns: int, turn_ns: int) -> bool:
    """Whether that take-over ended the session: nothing of what followed its last second was known by then."""
    if _ran_ns(world, last_ns, turn_ns) <= 3 * SECOND_NS:
        return True
    return last_ns < turn_ns <= known_at(life, anchors, last_ns + SECOND_NS) + 2 * SECOND_NS


def known_at(life: Life, anchors: Sequence[Anchor], end_ns: int) -> int:
    """When the gateway had everything that shows the second which ended then."""
    known_ns = end_ns
    for side in SIDES:
        acks = (
            at_ns
            for at_ns, tick in life.acks.get(side, ())
            if at_ns >= end_ns and (tick_end(anchors, tick, at_ns) or 0) >= end_ns
        )
        packets = (max(begin, end_ns) for begin, end in life.presence(side) if end >= end_ns)
        known_ns = max(known_ns, min(acks, default=EVER), min(packets, default=EVER) + PACKETS_NS)
    return known_ns


def _interrupted(life: Life, world: World, anchors: Sequence[Anchor], ends: Sequence[int]) -> list[Span]:
    """From each crash or take-over to the restart of this session, or for ever."""
    found: list[Span] = []
    for turn_ns, back in _changes_of_owner(life, world, anchors, ends):
        if back is not None:
            found.append((turn_ns, back + SECOND_NS))
        elif not ends or ends[-1] <= turn_ns + 3 * SECOND_NS:
            found.append((turn_ns, EVER))
    return united(found)


def _idle(life: Life, points: Sequence[int], after_ns: int, slack_ns: int) -> list[Span]:
    """When no line had come either way for so long, reckoned from each of the points anew."""
    marks = sorted([*points, *(at_ns for at_ns, _ in life.lines if at_ns > points[0])])
    ends = [*marks[1:], EVER]
    return [
        (mark + after_ns, end + slack_ns)
        for mark, end in zip(marks, ends, strict=True)
        if end - mark > after_ns
    ]
