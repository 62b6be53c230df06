"""The one line that tells a finished session's whole story.

Decides what is remembered of a session's facts and what the line says: seconds,
money, grade, end reason, durations, loss, verdicts. Never writes the line
(adapters/session_log.py) and never holds what a person wrote.
Keeps: what is not known (a session found live at start-up has no beginning) is
left out, never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.facts import (
    ChatSent,
    EngineFailed,
    Fact,
    LegAudible,
    LegConnected,
    LegGraded,
    LegLost,
    LegMoved,
    LegResumed,
    MeterResumed,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    ReceiptIssued,
    ReviewOpened,
    SessionMoved,
    SessionOpened,
    TickCounted,
    VerdictGiven,
    WarningDue,
)
from gateway.ids import SessionId
from gateway.terms import EndReason, SessionKind, SessionState, Side

FINISHED = frozenset(
    {
        SessionState.SETTLED,
        SessionState.DISPUTED,
        SessionState.ADJUSTED,
        SessionState.DECLINED,
        SessionState.MISSED,
        SessionState.CANCELLED,
        SessionState.BUSY,
        SessionState.CONNECT_FAILED,
    }
)
"""States in which nothing of a session is live any more."""

COUNTED: Mapping[type[Fact], str] = MappingProxyType(
    {
        MeterSuspended: "suspensions",
        LegLost: "legs_lost",
        LegResumed: "legs_resumed",
        LegMoved: "paths_moved",
        LegGraded: "voice_grades",
        ChatSent: "lines",
        WarningDue: "warnings",
        VerdictGiven: "verdicts",
        EngineFailed: "engine_failures",
        ReviewOpened: "reviews",
    }
)
"""Facts that are counted, and what the line calls their number."""

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStory:
    """What was heard of one session; instants are monotonic, None = not heard."""

    session: SessionId
    kind: SessionKind | None = None
    opened_at_ns: int | None = None
    accepted_at_ns: int | None = None
    started_at_ns: int | None = None
    stopped_at_ns: int | None = None
    suspended_at_ns: int | None = None
    """Start of the suspension that runs now."""
    suspended_ns: int = 0
    """Sum of the suspensions that are over."""
    finished: SessionMoved | None = None
    stop_reason: EndReason | None = None
    receipt: ReceiptIssued | None = None
    ticks: int = 0
    """Number of the last tick told."""
    setup_ms: Mapping[Side, int] = field(default_factory=dict)
    """From each leg's first offer to DTLS."""
    audible_ms: Mapping[Side, int] = field(default_factory=dict)
    """From each leg's first offer to its first voice packet."""
    lost: Mapping[Side, int] = field(default_factory=dict)
    """Packets missing of each leg at the stop."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How often each of `COUNTED` was heard."""
    verdict_severity_max: int = 0
    verdict_actions: tuple[str, ...] = ()
    """Each action once, in the order first heard."""

    @property
    def is_finished(self) -> bool:
        """Whether the line can be written."""
        return self.finished is not None

    def with_losses(self, lost: Mapping[Side, int]) -> "SessionStory":
        """With what the relay counted as missing."""
        return replace(self, lost=lost)

    def heard(self, fact: Fact) -> "SessionStory":
        """The story with one more fact."""
        story = self
        if (name := COUNTED.get(type(fact))) is not None:
            story = replace(self, counts={**self.counts, name: self.counts.get(name, 0) + 1})
        match fact:
            case SessionOpened():
                story = replace(story, kind=fact.kind, opened_at_ns=fact.at_ns)
            case SessionMoved():
                story = _moved(story, fact)
            case MeterStarted() | MeterSuspended() | MeterResumed() | MeterStopped():
                story = _metered(story, fact)
            case TickCounted():
                story = replace(story, ticks=fact.tick)
            case LegConnected():
                # The first set-up of a leg counts; later ones are rejoins.
                story = replace(story, setup_ms={fact.side: fact.setup_ns // _NS_PER_MS, **story.setup_ms})
            case LegAudible():
                story = replace(
                    story, audible_ms={fact.side: fact.setup_ns // _NS_PER_MS, **story.audible_ms}
                )
            case VerdictGiven():
                story = _judged(story, fact)
            case ReceiptIssued():
                story = replace(story, receipt=fact)
            case _:
                pass
        return story


def canonical_line(story: SessionStory) -> dict[str, int | str | list[str]]:
    """The finished story as the fields of one log line; unknown fields are absent."""
    assert story.finished is not None, "only a finished session has its line"
    fields: dict[str, int | str | list[str] | None] = {
        "session": story.session,
        "kind": story.kind,
        "state": story.finished.state,
        "end_reason": story.finished.reason or story.stop_reason,
        **_durations(story, story.finished.at_ns),
        **_money(story),
        "ticks": story.ticks,
        **_by_side("setup_ms", story.setup_ms),
        **_by_side("audible_ms", story.audible_ms),
        **_by_side("lost", story.lost),
        **{name: story.counts.get(name, 0) for name in COUNTED.values()},
        "verdict_severity_max": story.verdict_severity_max,
        "verdict_actions": list(story.verdict_actions),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _moved(story: SessionStory, fact: SessionMoved) -> SessionStory:
    if fact.state in FINISHED:
        return replace(story, finished=story.finished or fact)
    if fact.state is SessionState.ACCEPTED and story.accepted_at_ns is None:
        return replace(story, accepted_at_ns=fact.at_ns)
    return story


def _metered(
    story: SessionStory, fact: MeterStarted | MeterSuspended | MeterResumed | MeterStopped
) -> SessionStory:
    match fact:
        case MeterStarted():
            return replace(story, started_at_ns=fact.at_ns)
        case MeterSuspended():
            # Suspensions of different reasons overlap; they are over together.
            began_ns = fact.at_ns if story.suspended_at_ns is None else story.suspended_at_ns
            return replace(story, suspended_at_ns=began_ns)
        case MeterResumed():
            return _suspension_over(story, fact.at_ns)
        case MeterStopped():
            return replace(
                _suspension_over(story, fact.at_ns), stopped_at_ns=fact.at_ns, stop_reason=fact.reason
            )


def _suspension_over(story: SessionStory, at_ns: int) -> SessionStory:
    if story.suspended_at_ns is None:
        return story
    spent_ns = max(at_ns - story.suspended_at_ns, 0)
    return replace(story, suspended_at_ns=None, suspended_ns=story.suspended_ns + spent_ns)


def _judged(story: SessionStory, fact: VerdictGiven) -> SessionStory:
    actions = story.verdict_actions
    return replace(
        story,
        verdict_severity_max=max(story.verdict_severity_max, fact.severity),
        verdict_actions=actions if fact.action in actions else (*actions, fact.action),
    )


def _by_side(name: str, values: Mapping[Side, int]) -> dict[str, int | None]:
    return {f"{name}_{side.value}": values.get(side) for side in Side}


def _durations(story: SessionStory, finished_at_ns: int) -> dict[str, int | None]:
    return {
        "ring_ms": _between_ms(story.opened_at_ns, story.accepted_at_ns),
        "connect_ms": _between_ms(story.accepted_at_ns, story.started_at_ns),
        "talk_ms": _between_ms(story.started_at_ns, story.stopped_at_ns),
        "settle_ms": _between_ms(story.stopped_at_ns, finished_at_ns),
        "total_ms": _between_ms(story.opened_at_ns, finished_at_ns),
        "suspended_ms": story.suspended_ns // _NS_PER_MS,
    }


def _money(story: SessionStory) -> dict[str, int | str | None]:
    """From the receipt; a session without one owes nothing that could be told."""
    receipt = story.receipt
    if receipt is None:
        return {}
    return {
        "receipt": receipt.receipt,
        "billed_s": receipt.billed_s,
        "charge_micros": receipt.charge_micros,
        "fee_micros": receipt.fee_micros,
        "earned_micros": receipt.earned_micros,
        "currency": receipt.currency,
        "grade": receipt.grade,
    }


def _between_ms(start_ns: int | None, end_ns: int | None) -> int | None:
    return None if start_ns is None or end_ns is None else max(end_ns - start_ns, 0) // _NS_PER_MS
