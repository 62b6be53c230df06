"""Whether each session went the way the page's line of states allows, and ended.

Decides which move may follow which, that every move is there once and in order, and
that at the end a session is settled or voided with no hold open.
Never decides when a session had to end or why; meter.py and countdown.py do.
Keeps true: a move of a lower epoch never follows one of a higher.
"""

from itertools import groupby
from operator import itemgetter

from loadtest.auditor.books import Books, Query
from loadtest.auditor.verdict import Verdict

VOIDED = frozenset({"declined", "missed", "cancelled", "busy", "connect_failed"})
FINISHED = VOIDED | {"settled", "disputed", "adjusted"}

_MOVES = """
-           created
created     ringing declined missed cancelled busy connect_failed recovering
ringing     accepted declined missed cancelled busy recovering
accepted    connecting cancelled connect_failed recovering
connecting  metering cancelled connect_failed recovering
metering    suspended ending recovering
suspended   suspended metering ending recovering
recovering  metering suspended ending cancelled connect_failed missed declined rated settled recovering
ending      rated recovering
rated       settled recovering
settled     disputed
disputed    adjusted
"""

NEXT: dict[str, frozenset[str]] = {
    line.split()[0]: frozenset(line.split()[1:]) for line in _MOVES.split("\n") if line
}

_SESSIONS = "SELECT id, state, end_reason, seq, epoch, kind FROM sessions"
_STEPS = "SELECT session, seq, epoch, state, reason FROM session_transitions ORDER BY session, seq, epoch"
_STATE = "SELECT state FROM sessions WHERE id = ?"


def state_of(query: Query, session: str) -> str | None:
    """The state a session's row has now."""
    found = query(_STATE, (session,))
    return str(found[0][0]) if found else None


def check(query: Query, books: Books, verdict: Verdict) -> None:
    """Look at every session and every move at the end."""
    last: dict[str, tuple[int, int, str]] = {}
    for session, steps in groupby(query(_STEPS, ()), key=itemgetter(0)):
        last[session] = _walk(session, list(steps), verdict)
    for session, state, reason, seq, epoch, _ in query(_SESSIONS, ()):
        verdict.sessions += 1
        verdict.states.add(state)
        if reason:
            verdict.end_reasons.add(reason)
        if state not in FINISHED:
            verdict.unsettled += 1
            verdict.complain("finished", session=session, expected="settled or voided", found=state)
        if last.get(session) != (seq, epoch, state):
            found = last.get(session)
            verdict.complain("state_is_last_move", session=session, expected=(seq, epoch, state), found=found)
    for session, holds in books.holds_of.items():
        if holds:
            verdict.unsettled += 1
            verdict.complain("no_open_hold", session=session, expected="0", found=books.held(session))


def _walk(
    session: str, steps: list[tuple[str, int, int, str, str | None]], verdict: Verdict
) -> tuple[int, int, str]:
    before, seq, epoch = "-", 0, 0
    for _, number, era, state, reason in steps:
        verdict.states.add(state)
        if state not in NEXT.get(before, ()):
            expected = f"one of {sorted(NEXT.get(before, ()))} after {before}"
            verdict.complain("lawful_state", session=session, expected=expected, found=state)
        if number != seq + 1 or era < epoch:
            found = f"{number} of epoch {era}"
            verdict.complain(
                "moves_in_order", session=session, expected=f"{seq + 1}, epoch {epoch}", found=found
            )
        if reason and state in ("ending", "rated", "settled", *VOIDED):
            verdict.end_reasons.add(reason)
        before, seq, epoch = state, number, era
    return seq, epoch, before
