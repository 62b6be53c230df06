"""The truth's meter: every second of a receipt held against what really happened.

Decides which billed seconds the truth does not allow, which it demands and the receipt
lacks, what a crash lost, and what the allowed seconds cost.
Never decides the bounds (bounds.py) nor reads bytes (entries.py).
Keeps true: a second is judged whole, and overbilling is counted in the seconds and in
the money of the receipt itself.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from loadtest.auditor.bounds import MS, PACKETS_NS, SECOND_NS, SIDES, Bounds, bounds, known_at
from loadtest.auditor.entries import BILLED, FREE, RESTART, START, Slot
from loadtest.auditor.price import cost, to_minor
from loadtest.auditor.receipts import Paper, usage_of
from loadtest.auditor.span import Cover, Span, switched
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.world import Life, World

LEASE_NS = 90 * SECOND_NS
"""How long a process may act for its sessions without a word from the store."""
CRASH_REACH_NS = 16 * SECOND_NS
"""A second that ended longer than this before a crash was not lost by it."""
LOST_S_MAX = 1
"""Most seconds that one crash may cost a live session."""
DURABLE_NS = SECOND_NS + 50 * MS
"""What is known is on a disk after so long: one row a second, and the time that writing it takes."""
BESIDE_NS = 600 * MS
"""How much longer it takes where the store is late or away and the row goes beside it."""
LATE_REACH_NS = 5 * SECOND_NS
"""How long after a store was late rows may still wait their turn."""
CLOCK_TOLERANCE_NS = SECOND_NS // 4
STEP_NS = SECOND_NS


def judge(paper: Paper, life: Life, world: World, verdict: Verdict) -> Bounds:
    """Hold one receipt against the truth."""
    ends = [slot.end_ns for slot in paper.slots]
    found = bounds(life, world, paper.anchors, ends)
    allowed = _judge_billed(paper, found, verdict)
    _judge_missing(paper, found, life, world, verdict)
    _judge_start(paper, found, world, verdict)
    _judge_steps(paper, world, verdict)
    _judge_clocks(paper, life, verdict)
    messages = _judge_lines(paper, life, verdict)
    runs, _ = usage_of(allowed)
    most = to_minor(cost(paper.receipt["tariff"], runs, messages), paper.receipt["currency"])
    if paper.receipt["charge_micros"] > most:
        verdict.overbilled_micros += paper.receipt["charge_micros"] - most
        verdict.complain(
            "overcharged",
            session=paper.session,
            expected=f"at most {most}",
            found=paper.receipt["charge_micros"],
        )
    return found


def judge_unpaid(life: Life, charged_micros: int, verdict: Verdict) -> None:
    """A session without a receipt owes nothing."""
    if charged_micros:
        verdict.overbilled_micros += charged_micros
        verdict.complain(
            "overcharged", session=life.session, expected="no charge without receipt", found=charged_micros
        )


def _judge_billed(paper: Paper, found: Bounds, verdict: Verdict) -> list[Slot]:
    may = Cover(found.may)
    allowed = []
    verdict.seconds += len(paper.slots)
    for slot in paper.slots:
        if slot.finding not in (BILLED, FREE):
            continue
        if may.has(slot.end_ns - SECOND_NS, slot.end_ns):
            allowed.append(slot)
        else:
            verdict.overbilled_s += 1
            verdict.complain(
                "overbilled", session=paper.session, at_ns=slot.end_ns,
                expected=f"tick {slot.tick} not counted", found="counted",
            )  # fmt: skip
    return allowed


def _judge_missing(paper: Paper, found: Bounds, life: Life, world: World, verdict: Verdict) -> None:
    """What must be billed and is not.

    A crash takes with it what no disk has: at most one second. Seconds whose evidence (both acknowledgements
    and the packets behind them) became complete just before it count as one however many they are, for where
    an app was silent many become complete at once; each second that was known for longer counts by itself.
    """
    counted = {slot.end_ns for slot in paper.slots if slot.finding in (BILLED, FREE) or slot.clocks}
    lost: dict[int, list[int]] = {}
    for begin, end in _by_segment(paper, found.must):
        for end_ns in range(_first_end(paper, begin), end + 1, SECOND_NS):
            if end_ns in counted:
                continue
            crash_ns = _turn_after(world, end_ns)
            if crash_ns in world.turns and _is_beside(world, crash_ns):
                continue
            if crash_ns is not None:
                lost.setdefault(crash_ns, []).append(end_ns)
                continue
            verdict.underbilled_s += 1
            verdict.complain(
                "underbilled", session=paper.session, at_ns=end_ns, expected="counted", found="not counted"
            )
    for crash_ns, ends in lost.items():
        known = [known_at(life, paper.anchors, end_ns) for end_ns in ends]
        old = sum(1 for at_ns in known if _durable_at(world, at_ns) <= crash_ns)
        seconds = old + (old < len(known))
        verdict.underbilled_s_per_crash_max = max(verdict.underbilled_s_per_crash_max, seconds)
        if seconds > LOST_S_MAX:
            expected = f"at most {LOST_S_MAX} s lost"
            verdict.complain(
                "crash_loss", session=paper.session, at_ns=crash_ns, expected=expected, found=seconds
            )


def _turn_after(world: World, end_ns: int) -> int | None:
    """When somebody who served a second that ended then lost the session: a crash, a take-over, the end of a lease."""
    turn_ns = next((at for at in world.turns if end_ns <= at <= end_ns + CRASH_REACH_NS), None)
    if turn_ns is not None:
        return turn_ns
    ends = (begin + LEASE_NS for begin, end in world.late() if end - begin >= LEASE_NS - 2 * SECOND_NS)
    return next((at for at in ends if at - CRASH_REACH_NS <= end_ns <= at), None)


def _is_beside(world: World, turn_ns: int) -> bool:
    """Whether another process took over while the store was late: what lies in a file beside it stays with the former."""
    living = sum(
        begin < turn_ns <= end for changes in world.gateways.values() for begin, end in switched(changes)
    )
    is_late = any(begin <= turn_ns and turn_ns - LATE_REACH_NS <= end for begin, end in world.late())
    return bool(living) and is_late


def _durable_at(world: World, known_ns: int) -> int:
    """When what became known at an instant had to be on a disk; a process that does not run writes nothing."""
    due_ns = known_ns + DURABLE_NS
    if any(begin <= due_ns and known_ns <= end for begin, end in world.late()):
        due_ns += BESIDE_NS
    return due_ns + sum(end - begin for begin, end in world.stalls if known_ns <= end and begin <= due_ns)


def _by_segment(paper: Paper, spans: Sequence[Span]) -> Iterator[Span]:
    """The spans, cut where seconds begin anew."""
    points = [anchor.at_ns for anchor in paper.anchors if anchor.kind == RESTART]
    for begin, end in spans:
        edges = [begin, *(at_ns for at_ns in points if begin < at_ns < end), end]
        yield from pairwise(edges)


def _first_end(paper: Paper, begin: int) -> int:
    """When the first whole second after an instant ends: seconds lie where the newest anchor put them."""
    points = [anchor.at_ns for anchor in paper.anchors if anchor.kind in (START, RESTART)]
    earlier = [at_ns for at_ns in points if at_ns <= begin] or points[:1] or [0]
    return begin + SECOND_NS + (earlier[-1] - begin) % SECOND_NS


def _judge_start(paper: Paper, found: Bounds, world: World, verdict: Verdict) -> None:
    starts = [anchor.at_ns for anchor in paper.anchors if anchor.kind == START]
    if not starts or found.start_ns is None:
        return
    if starts[0] < found.start_ns:
        verdict.complain(
            "back_dated", session=paper.session, at_ns=starts[0], expected=found.start_ns, found=starts[0]
        )
    late_ns = found.start_late_ns
    if late_ns is not None and starts[0] > late_ns:
        if any(found.start_ns <= at_ns <= starts[0] for at_ns in world.downs):
            return
        verdict.underbilled_s += (starts[0] - late_ns) // SECOND_NS
        verdict.complain(
            "late_start", session=paper.session, at_ns=starts[0], expected=late_ns, found=starts[0]
        )


def _judge_steps(paper: Paper, world: World, verdict: Verdict) -> None:
    """A second in which the wall clock was set, or the one in which that is noticed, does not count."""
    for at_ns, by_ns in world.steps:
        if abs(by_ns) <= STEP_NS:
            continue
        near = [
            slot for slot in paper.slots if at_ns - SECOND_NS < slot.end_ns - SECOND_NS <= at_ns + SECOND_NS
        ]
        if len(near) == 2 and all(slot.finding in (BILLED, FREE) for slot in near):
            verdict.overbilled_s += 1
            verdict.complain(
                "wall_step",
                session=paper.session,
                at_ns=at_ns,
                expected="metering suspended",
                found="counted",
            )


def _judge_clocks(paper: Paper, life: Life, verdict: Verdict) -> None:
    """Where a clock ran short of the server's, the shorter time is billed; where none did, nothing is marked."""
    witnessed = [slot.end_ns for slot in paper.slots if slot.finding in (BILLED, FREE)]
    marked = sum(1 for slot in paper.slots if slot.clocks)
    shortest = 0.0
    for (side, clock), rates in life.clocks.items():
        short_ns = _shortfall(rates, paper.slots)
        shortest = max(shortest, short_ns / SECOND_NS)
        if clock == "rtp":
            on = Cover(switched(life.flows.get((side, "rtp"), ())))
            billed = [end_ns for end_ns in witnessed if on.has(end_ns - SECOND_NS, end_ns)]
        else:
            billed = witnessed
        breaks = 1 + sum(1 for first, second in pairwise(billed) if second - first > SECOND_NS)
        over_ns = sum(_short_in(rates, end_ns) for end_ns in billed)
        most = breaks * (CLOCK_TOLERANCE_NS + 2 * SECOND_NS) + len(paper.slots) * SECOND_NS // 200
        if over_ns > most:
            seconds = (over_ns - most) // SECOND_NS + 1
            verdict.overbilled_s += seconds
            verdict.complain(
                "shortest_clock", session=paper.session, expected=f"{side} {clock} clock billed",
                found=f"{over_ns / 1e9:.2f} s more",
            )  # fmt: skip
    if marked > int(shortest) + (shortest > 0):
        verdict.underbilled_s += marked - int(shortest)
        verdict.complain(
            "clock_marks", session=paper.session, expected=f"at most {shortest:.2f}", found=marked
        )


def _short_in(rates: Sequence[tuple[int, int]], end_ns: int) -> int:
    rate_ppm = 1_000_000
    for since_ns, each in rates:
        if since_ns < end_ns:
            rate_ppm = each
    return max(0, 1_000_000 - rate_ppm) * 1_000


def _shortfall(rates: Sequence[tuple[int, int]], slots: Sequence[Slot]) -> int:
    return sum(_short_in(rates, slot.end_ns) for slot in slots)


def _judge_lines(paper: Paper, life: Life, verdict: Verdict) -> int:
    """The billable lines that the truth allows, at most those on the receipt."""
    terms = paper.receipt["tariff"]
    if terms.get("kind") != "per_message":
        return 0
    wanted = terms.get("messages_from") or "client"
    sides = SIDES if wanted == "both" else (wanted,)
    lines = sorted(at_ns for at_ns, side in life.lines if side in sides)
    spans = [
        (slot.end_ns - SECOND_NS - PACKETS_NS, slot.end_ns + PACKETS_NS)
        for slot in paper.slots
        if slot.finding in (BILLED, FREE)
    ]
    sent = sum(any(begin <= at_ns <= end for begin, end in spans) for at_ns in lines)
    if paper.messages > sent:
        verdict.complain(
            "messages", session=paper.session, expected=f"at most {sent} lines", found=paper.messages
        )
    return min(sent, paper.messages)
