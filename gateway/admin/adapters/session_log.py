"""Writes one canonical log line for every finished session.

Decides which sessions are remembered until they finish, and asks the relay for
their loss at the stop, while the legs are still there. What the line says is
`canonical_line.py`'s. Never keeps a story after its line; a bound on stories
holds where an end is never told, and the oldest give way.
"""

import structlog

from gateway.admin.canonical_line import SessionStory, canonical_line
from gateway.admin.ports import LegsReader
from gateway.facts import (
    Fact,
    LegJoined,
    MeterResumed,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    ReceiptIssued,
    SessionMoved,
    SessionOpened,
    TickCounted,
)
from gateway.ids import SessionId
from gateway.limits import LIVE_SESSIONS_MAX
from gateway.terms import SessionState

STORIES_MAX = 2 * LIVE_SESSIONS_MAX
"""Sessions remembered at once."""

_BEGINNINGS = (
    SessionOpened,
    SessionMoved,
    LegJoined,
    MeterStarted,
    MeterSuspended,
    MeterResumed,
    MeterStopped,
    ReceiptIssued,
    TickCounted,
)
"""Facts that show a session to be live although its opening was not heard: it was found at start-up."""

_AFTERWARDS = frozenset({SessionState.DISPUTED, SessionState.ADJUSTED})
"""What may still happen to a settled session."""

_log = structlog.get_logger()


class SessionLog:
    """Subscribe `hear` to `Fact`."""

    def __init__(self, legs: LegsReader, *, stories_max: int = STORIES_MAX) -> None:
        self._legs = legs
        self._stories_max = stories_max
        self._stories: dict[SessionId, SessionStory] = {}
        self._ticks: dict[SessionId, TickCounted] = {}
        """The last one of each session; one a second and session is too many for a new story each."""

    async def hear(self, fact: Fact) -> None:
        """Add the fact to its session's story; write the line when it is complete."""
        if fact.session is None:
            return
        story = self._stories.get(fact.session) or self._begun(fact)
        if story is None:
            return
        if type(fact) is TickCounted:
            self._stories[fact.session], self._ticks[fact.session] = story, fact
            return
        story = story.heard(fact)
        if isinstance(fact, MeterStopped):
            story = self._with_losses(story)
        if story.is_finished:
            self._stories.pop(fact.session, None)
            if (tick := self._ticks.pop(fact.session, None)) is not None:
                story = story.heard(tick)
            _log.info("session_finished", **canonical_line(story))
        else:
            self._stories[fact.session] = story

    def _begun(self, fact: Fact) -> SessionStory | None:
        """A new story, unless the fact speaks of a session whose line was written long ago."""
        is_over = isinstance(fact, SessionMoved) and fact.state in _AFTERWARDS
        if fact.session is None or is_over or not isinstance(fact, _BEGINNINGS):
            return None
        while len(self._stories) >= self._stories_max:
            forgotten = next(iter(self._stories))
            del self._stories[forgotten]
            self._ticks.pop(forgotten, None)
            _log.warning("session_story_forgotten", session=forgotten)
        return SessionStory(session=fact.session)

    def _with_losses(self, story: SessionStory) -> SessionStory:
        lost = {leg.side: leg.lost for leg in self._legs.legs(story.session)}
        return story.with_losses(lost)
