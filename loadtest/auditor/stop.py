"""Whether a record ends where both witnesses last agreed, and the gateway's own failures are real.

Decides the latest instant to which a stop may be dated: the last shared evidence by
the truth, the begin of the last run of seconds, or the end of the last slot; and that
a session is ended by a shutdown only where a gateway or the store had gone away.
Never decides about other reasons (cuts.py) or which seconds count (meter.py).
Keeps true: slow detection never moves a stop forward.
"""

from loadtest.auditor.bounds import SECOND_NS, SIDES, tick_end
from loadtest.auditor.entries import RESTART, START, STOP
from loadtest.auditor.receipts import Paper
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.world import Life, World

OUTAGE_REACH_NS = 30 * SECOND_NS
"""A store that was away so shortly before may have kept the next hold from being placed."""


def judge(paper: Paper, life: Life, world: World, verdict: Verdict) -> None:
    """Hold the stop of one receipt against the truth."""
    _judge_date(paper, life, verdict)
    _judge_shutdown(paper, world, verdict)


def _judge_shutdown(paper: Paper, world: World, verdict: Verdict) -> None:
    if paper.receipt["end_reason"] != "shutdown" or not paper.slots:
        return
    begin_ns, stop_ns = paper.slots[0].end_ns - SECOND_NS, paper.slots[-1].end_ns
    is_gone = any(at_ns >= begin_ns for at_ns in world.turns)
    gone = sum(is_down and at_ns <= stop_ns + SECOND_NS for at_ns, is_down in world.outages)
    back = sum(not is_down and at_ns < stop_ns - OUTAGE_REACH_NS for at_ns, is_down in world.outages)
    if not is_gone and gone == back:
        verdict.complain(
            "shutdown", session=paper.session, at_ns=stop_ns, expected="a gateway or store that went away",
            found="both there all the time",
        )  # fmt: skip


def _judge_date(paper: Paper, life: Life, verdict: Verdict) -> None:
    begun = [anchor.at_ns for anchor in paper.anchors if anchor.kind in (START, RESTART)]
    stops = [anchor.at_ns for anchor in paper.anchors if anchor.kind == STOP]
    if not begun or not stops:
        return
    slots = [slot.end_ns for slot in paper.slots]
    shared_ns = min(min(_last_packet(life, side), _last_word(paper, life, side)) for side in SIDES)
    latest_ns = max(shared_ns, *begun, *slots[-1:])
    if stops[0] > latest_ns:
        verdict.complain(
            "stop_back_dated", session=paper.session, at_ns=stops[0], expected=latest_ns, found=stops[0]
        )


def _last_packet(life: Life, side: str) -> int:
    return max((end_ns for _, end_ns in life.presence(side)), default=0)


def _last_word(paper: Paper, life: Life, side: str) -> int:
    """The newest tick that the app named, or its own hanging up."""
    named = (tick_end(paper.anchors, tick, at_ns) for at_ns, tick in life.acks.get(side, ()))
    own = (at_ns for at_ns, reason in life.stops if reason == f"hangup_{side}")
    return max([0, *(end_ns for end_ns in named if end_ns is not None), *own])
