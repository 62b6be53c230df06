"""What a person paused and has yet to lift, when a process takes a session up.

Decides which knows more: the last stored move that counted or paused, or the newest
second in the evidence, of which the store may not have taken the move. Both are dated
by the monotonic clock of one boot; only across a reboot, and for moves stored before
they were so dated, by the wall clock, which somebody may have set in between.
Never reads anything itself.
"""

from gateway.clock import NS
from gateway.metering.evidence import AnchorKind, boot_mark
from gateway.metering.record import Record
from gateway.terms import PERSONS_LIFT, CountedMove, SuspendReason


def written_hold(move: CountedMove | None) -> SuspendReason | None:
    """What of it the store knows."""
    return move.reason if move is not None and move.reason in PERSONS_LIFT else None


def held_by(move: CountedMove | None, record: Record) -> SuspendReason | None:
    """Why seconds do not count until a person says so; None where none is to be waited for."""
    if move is not None and _is_newer(move, record):
        return written_hold(move)
    return record.last_paused_by if record.last_paused_by in PERSONS_LIFT else None


def _is_newer(move: CountedMove, record: Record) -> bool:
    """Whether the move came after the newest second had begun."""
    if move.at_ns is not None and boot_mark(move.boot) == _boot(record):
        return move.at_ns > record.last_tick_ns - NS
    return move.wall_ns > record.last_tick_wall_ns - NS


def _boot(record: Record) -> bytes | None:
    """The mark of the boot in which the newest second ended, or the first one begins."""
    return next(
        (
            anchor.boot
            for anchor in reversed(record.anchors)
            if anchor.kind is AnchorKind.START
            or (anchor.kind is AnchorKind.RESTART and anchor.after_tick < record.tally.ticks)
        ),
        None,
    )
