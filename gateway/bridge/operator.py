"""What the operator reads and may do, filled by every package.

Decides nothing: it carries readings into admin's shapes and an operator's acts
to signalling, whose refusals become problems.
"""

from collections.abc import Mapping, Sequence

from gateway.admin.reading import InvariantReading, LegReading, MeterReading, SessionReading, StoreReading
from gateway.booking.audit_service import InvariantMonitor
from gateway.ids import SessionId
from gateway.media.service import MediaService
from gateway.metering.service import MeteringService
from gateway.signaling.adapters.problem import error_of
from gateway.signaling.adapters.socket_server import SocketServer
from gateway.signaling.desk_service import Desk
from gateway.signaling.outcome import Outcome
from gateway.store.ports import Store


class SessionsView:
    """Signalling's live sessions."""

    def __init__(self, desk: Desk, sockets: SocketServer) -> None:
        self._desk = desk
        self._sockets = sockets

    def live(self) -> Sequence[SessionReading]:
        """Every session that is not over."""
        return [
            SessionReading(
                session=live.session,
                kind=live.kind,
                state=live.state,
                client_nickname=live.client,
                provider_nickname=live.provider,
                started_wall_ns=live.started_wall_ns,
                sockets=live.sockets,
            )
            for live in self._desk.live()
        ]

    def sockets_open(self) -> int:
        """Open sockets."""
        return len(self._sockets)


class MetersView:
    """Metering's running meters."""

    def __init__(self, metering: MeteringService) -> None:
        self._metering = metering

    def live(self) -> Sequence[MeterReading]:
        """Every running meter."""
        return [
            MeterReading(
                session=meter.session,
                started_wall_ns=meter.started_wall_ns,
                elapsed_s=meter.elapsed_s,
                billed_s=meter.billed_s,
                provisional_s=meter.provisional_s,
                unwitnessed_s=meter.unwitnessed_s,
                cost_micros=meter.cost_micros,
                currency=meter.currency,
                time_left_s=meter.time_left_s,
                suspended=meter.suspended,
                ack_age_ms=meter.ack_age_ms,
            )
            for meter in self._metering.live()
        ]


class LegsView:
    """Media's legs."""

    def __init__(self, media: MediaService) -> None:
        self._media = media

    def legs(self, session: SessionId | None = None) -> Sequence[LegReading]:
        """Every leg there is, or those of one session."""
        return [
            LegReading(
                session=leg.session,
                side=leg.side,
                connected=leg.connected,
                muted=leg.muted,
                rtp_age_ms=leg.rtp_age_ms,
                rtcp_age_ms=leg.rtcp_age_ms,
                stun_age_ms=leg.stun_age_ms,
                packets_in=leg.packets_in,
                packets_out=leg.packets_out,
                lost=leg.lost,
                jitter_ms=leg.jitter_ms,
                level_dbov=leg.level_dbov,
                rtt_ms=leg.rtt_ms,
                mos=leg.mos,
            )
            for leg in self._media.legs(session)
        ]

    def drops(self) -> Mapping[str, int]:
        """Datagrams dropped since start, by reason."""
        return self._media.drops()

    def relay(self) -> str:
        """Which relay forwards."""
        return self._media.relay_name

    def tcp_events(self) -> Mapping[str, int]:
        """Media connections over TCP since start: accepted, refused and closed by reason."""
        return self._media.tcp_events()


class StoreView:
    """The database thread."""

    def __init__(self, database: Store) -> None:
        self._database = database

    def stats(self) -> StoreReading:
        """Its counters now."""
        stats = self._database.stats()
        return StoreReading(
            commands=stats["commands"],
            commits=stats["commits"],
            queue_depth=stats["queue_depth"],
            commit_ns_last=stats["commit_ns_last"],
        )


class InvariantsView:
    """The books' invariants."""

    def __init__(self, monitor: InvariantMonitor) -> None:
        self._monitor = monitor

    def invariants(self) -> Sequence[InvariantReading]:
        """Each as last checked."""
        report = self._monitor.last
        if report is None:
            return []
        return [
            InvariantReading(
                name=finding.name,
                ok=finding.ok,
                value=finding.value,
                checked_wall_ns=report.at_wall_ns,
                violations=finding.violations,
            )
            for finding in report.findings
        ]


class OperatorHand:
    """An operator's acts, carried out by signalling; the reason is in the audit log."""

    def __init__(self, desk: Desk) -> None:
        self._sessions = desk.sessions

    async def end(self, session: SessionId, reason: str) -> None:
        """End a live session at once."""
        _demand(await self._sessions.end_by_operator(session), reason)

    async def pause(self, session: SessionId, reason: str) -> None:
        """Stop seconds and forwarding."""
        _demand(await self._sessions.pause_by_operator(session), reason)

    async def resume(self, session: SessionId, reason: str) -> None:
        """Lift what an operator may lift."""
        _demand(await self._sessions.resume_by_operator(session), reason)


def _demand(outcome: Outcome, _reason: str) -> None:
    if outcome is not Outcome.DONE:
        raise error_of(outcome)
