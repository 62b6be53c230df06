"""What admin needs from others: readers of what is live, commands, the audit log.

Declares shapes only; `app.py` fills them. Readers are synchronous because what
is live is in memory; they are asked about once a second and must be quick.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.admin.audit import AuditCheck, AuditEntry, AuditRecord
from gateway.admin.reading import (
    InvariantReading,
    LegReading,
    LoadReading,
    MeterReading,
    SessionReading,
    StoreReading,
)
from gateway.ids import SessionId


class SessionsReader(Protocol):
    """Signalling, as admin sees it."""

    def live(self) -> Sequence[SessionReading]:
        """Every session that is not over."""
        ...

    def sockets_open(self) -> int:
        """Signed-in sockets."""
        ...


class MetersReader(Protocol):
    """Metering, as admin sees it."""

    def live(self) -> Sequence[MeterReading]:
        """Every running meter."""
        ...


class LegsReader(Protocol):
    """Media, as admin sees it."""

    def legs(self, session: SessionId | None = None) -> Sequence[LegReading]:
        """Every leg there is, or those of one session."""
        ...

    def drops(self) -> Mapping[str, int]:
        """Datagrams dropped since start, by reason."""
        ...

    def relay(self) -> str:
        """Which relay forwards: `native` or `python`."""
        ...

    def tcp_events(self) -> Mapping[str, int]:
        """Media connections over TCP since start: accepted, refused and closed by reason."""
        ...


class StoreReader(Protocol):
    """The database, as admin sees it."""

    def stats(self) -> StoreReading:
        """Its counters now."""
        ...


class InvariantsReader(Protocol):
    """The money's invariants, as admin sees them."""

    def invariants(self) -> Sequence[InvariantReading]:
        """Each as last checked; none before the first check."""
        ...


class LoopLagReader(Protocol):
    """The event loop's lag."""

    def lag_ms(self) -> float:
        """Highest lag of the last seconds."""
        ...


class LoadReader(Protocol):
    """Signalling's admission of new calls, as admin sees it."""

    def load(self) -> LoadReading:
        """How the node stands now."""
        ...


class HooksReader(Protocol):
    """Moderation, as admin sees it."""

    def given_up_hooks(self) -> Sequence[str]:
        """Names of the hooks whose breaker is open."""
        ...


class Interventions(Protocol):
    """What signalling does for an operator."""

    async def end(self, session: SessionId, reason: str) -> None:
        """End a session with the end reason `operator`.

        Raises:
            NotFound: no such live session.
            Conflict: it is over, or not yet answered.
        """
        ...

    async def pause(self, session: SessionId, reason: str) -> None:
        """Stop seconds and forwarding.

        Raises:
            NotFound: no such live session.
            Conflict: nothing runs that could be paused.
        """
        ...

    async def resume(self, session: SessionId, reason: str) -> None:
        """Lift what an operator may lift.

        Raises:
            NotFound: no such live session.
            Conflict: it is not paused.
        """
        ...


class AuditLog(Protocol):
    """The append-only record of acts."""

    async def append(self, entry: AuditEntry) -> AuditRecord:
        """Seal and store an entry.

        Raises:
            StoreDown: nothing was written, so nothing may be done.
        """
        ...

    async def newest(self, *, before: int | None, limit: int) -> Sequence[AuditRecord]:
        """Up to `limit` entries with numbers below `before`, newest first."""
        ...

    async def check(self, *, head: str | None = None) -> AuditCheck:
        """Walk the whole chain."""
        ...
