"""Everything that reaches a live meter: confirmations, acknowledgements, pauses, stops.

Drives one meter per call, at this instant, and lets what it asks for be carried
out in the same call. Nothing here is awaited.
Never opens, recovers or settles a session (`service.py`).
Keeps: a stop or a pause unlinks the relay before anything else happens; an
answer for a session without a meter is a status, not a failure.
"""

from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.metering import effect
from gateway.metering.carrying_service import Carrier
from gateway.metering.closing_service import LIVE, Meters, Wallets
from gateway.metering.meter import Meter
from gateway.metering.outside_ports import Outside
from gateway.metering.phase import MeterInput, MeterPhase, Response
from gateway.metering.schedule import Switch, switches
from gateway.metering.status import ConfirmStatus, ConsentStatus
from gateway.terms import ConsentKind, EndReason, Side, SuspendReason

_JUDGES_LOSSES = (*LIVE, MeterPhase.RECOVERING)
_LOSSES = (EndReason.LOST_CLIENT, EndReason.LOST_PROVIDER)
_HUNG_UP = {EndReason.HANGUP_CLIENT: Side.CLIENT, EndReason.HANGUP_PROVIDER: Side.PROVIDER}


class Inputs:
    """The live meters of this process and what is said to them."""

    def __init__(self, outside: Outside, *, wallets: Wallets) -> None:
        self._gate = outside.gate
        self._clock = outside.clock
        self._offset_s_at = outside.offset_s_at
        self._wallets = wallets
        self._meters = Meters()
        self._carrier: Carrier

    def connect(self, session: SessionId) -> None:
        """The provider accepted: the start witnesses are awaited from now on."""
        if meter := self._meters.get(session):
            meter.connect(
                self._clock.monotonic_ns(), wall_ns=self._clock.wall_ns(), switches=self._switches(meter)
            )
            self._gate.link(session)

    def confirm(self, session: SessionId, side: Side, *, nonce: str, tariff_hash: str) -> ConfirmStatus:
        """An app says that it hears the other side."""
        meter = self._meters.get(session)
        if meter is None:
            return ConfirmStatus.UNKNOWN_SESSION
        if meter.response(MeterInput.CONFIRM) is Response.REFUSED:
            return ConfirmStatus.NOT_AWAITED
        order = meter.order
        if nonce != (order.nonce_client if side is Side.CLIENT else order.nonce_provider):
            return ConfirmStatus.NONCE_MISMATCH
        if tariff_hash != order.tariff.hash:
            return ConfirmStatus.TARIFF_MISMATCH
        meter.confirm(side, self._clock.monotonic_ns())
        return ConfirmStatus.CONFIRMED

    def acknowledge(
        self, session: SessionId, side: Side, *, tick: int, head: str, clock_ms: int | None = None
    ) -> effect.Ack:
        """An app has seen a tick; `clock_ms` is what its own monotonic clock said then."""
        meter = self._meters.get(session)
        return meter.acknowledge(side, tick, head, clock_ms) if meter else effect.Ack.NOT_RUNNING

    def consent(self, session: SessionId, side: Side, kind: ConsentKind) -> ConsentStatus:
        """A participant says yes to spending more, or to the next block; only the client can."""
        meter = self._meters.get(session)
        if meter is None:
            return ConsentStatus.UNKNOWN_SESSION
        if side is not Side.CLIENT:
            return ConsentStatus.NOT_THE_PAYER
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        if not meter.consent(kind, now_ns, wall_ns=wall_ns):
            return ConsentStatus.NOT_ASKED
        self._advance(meter)
        return ConsentStatus.GIVEN

    def set_muted(self, session: SessionId, side: Side, *, muted: bool) -> None:
        """A participant declared itself muted, or not."""
        if meter := self._meters.get(session):
            meter.set_muted(side, muted=muted)

    def covers_line(self, session: SessionId, by: Side) -> bool:
        """Whether one more line of `by` is free or paid for; a session without a meter covers none."""
        meter = self._meters.get(session)
        return meter is not None and meter.covers_line(by)

    def line_sent(self, session: SessionId, by: Side) -> None:
        """A line of text of `by` was taken for delivery."""
        if meter := self._meters.get(session):
            meter.line_sent(self._clock.monotonic_ns(), by)
            if meter.phase in LIVE:
                self._carrier.carry(meter, meter.hold_request())

    def socket_lost(self, session: SessionId, side: Side) -> None:
        """A participant's last socket went away."""
        if meter := self._meters.get(session):
            meter.set_socket(side, present=False)

    def socket_back(self, session: SessionId, side: Side) -> None:
        """A participant has a socket again."""
        if meter := self._meters.get(session):
            meter.set_socket(side, present=True)

    def pause(self, session: SessionId, reason: SuspendReason) -> None:
        """Stop counting and forwarding at this instant; pauses of different reasons add up."""
        meter = self._meters.get(session)
        if meter is None or meter.response(MeterInput.PAUSE) is not Response.TAKEN:
            return
        self._gate.unlink(session)
        held = meter.pauses.active
        meter.pause(reason, self._clock.monotonic_ns())
        self._carrier.hold(meter, before=held)
        self._advance(meter)

    def resume(self, session: SessionId, reason: SuspendReason) -> None:
        """Lift the pause of that reason."""
        meter = self._meters.get(session)
        if meter is None or meter.response(MeterInput.RESUME) is not Response.TAKEN:
            return
        held = meter.pauses.active
        meter.resume(reason, self._clock.monotonic_ns())
        if meter.pauses.active is None:
            self._gate.link(session)
        self._carrier.hold(meter, before=held)
        self._advance(meter)

    def stop(self, session: SessionId, reason: EndReason) -> None:
        """Stop counting and forwarding at this instant, for good; the first reason stands.

        A lost socket is one stop witness only: a meter that counts hears of it by the missing
        acknowledgements and ends when the packets stop too, or stand alone for too long.
        """
        meter = self._meters.get(session)
        if meter and not (reason in _LOSSES and meter.phase in _JUDGES_LOSSES):
            now_ns = self._clock.monotonic_ns()
            self._carrier.carry(meter, meter.stop(reason, now_ns, by=_HUNG_UP.get(reason)))

    def wallet_changed(self, account: AccountId, available_micros: int) -> None:
        """The wallet of `account` changed; a top-up takes effect at once."""
        grew = self._wallets.heard(account, available_micros)
        for meter in self._meters.of(account):
            if grew:
                meter.money_came()
                if meter.phase in LIVE:
                    self._carrier.carry(meter, meter.hold_request())

    def _advance(self, meter: Meter) -> None:
        if meter.phase in LIVE:
            effects = meter.advance(self._clock.monotonic_ns(), self._clock.wall_ns())
            self._carrier.carry(meter, effects)

    def _now(self) -> tuple[int, int]:
        """Both clocks, monotonic and wall."""
        return self._clock.monotonic_ns(), self._clock.wall_ns()

    def _clock_stepped(self, meter: Meter, since_ns: int) -> None:
        """The wall clock was set since that instant: nothing counts from there; prices not yet tied are resolved anew."""
        meter.pause(SuspendReason.CLOCK, since_ns)
        if meter.phase is MeterPhase.RECOVERING:
            meter.plan(self._switches(meter))

    def _switches(self, meter: Meter) -> tuple[Switch, ...]:
        """When which price holds, from now on."""
        now_wall_ns = self._clock.wall_ns()
        return switches(
            meter.tariff,
            from_wall_ns=now_wall_ns,
            until_wall_ns=now_wall_ns + (meter.order.duration_s_max + SLACK_S) * NS,
            offset_s_at=self._offset_s_at,
        )


SLACK_S = 3600
"""Time that passes without counting (start, restarts) and for which prices are resolved too."""
