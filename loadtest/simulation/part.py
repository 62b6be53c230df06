"""One person's part in one session: media, confirmation, acknowledgements, mute.

Decides what this side's app and leg do from acceptance to the end, and tells the
truth about it at the instant it takes effect at the gateway.
Never decides when something happens in the middle (`call.py`).
Keeps: what flows is told whenever it changes; a dead gateway receives nothing.
"""

from collections import Counter
from typing import Any

from gateway.ids import SessionId
from gateway.signaling.notice import SessionAccepted, SessionCard, SessionWarning, TickNotice
from gateway.signaling.outcome import Outcome
from gateway.terms import SessionKind, Side
from loadtest.auditor import truth
from loadtest.simulation.faults import Fault
from loadtest.simulation.media import DTX_PACKET_NS, SimulatedLeg
from loadtest.simulation.plan import Plan
from loadtest.simulation.socket import Socket
from loadtest.simulation.stage import Stage

PLANES = ("rtp", "path")
RETRY_S = 0.7


class Part:
    """One side of a session."""

    def __init__(self, stage: Stage, session: SessionId, side: Side, plan: Plan) -> None:
        self.stage = stage
        self.session = session
        self.side = side
        self.plan = plan
        self.socket: Socket | None = None
        self.nonce = ""
        self.tariff_hash = ""
        self.is_muted = False
        self.is_over = False
        self.has_started = False
        self.shown_s = 0
        """Seconds that the app was last shown."""
        self.shown_micros = 0
        """What it was last shown that they cost."""
        self._silences = 0
        self._index = 0 if side is Side.CLIENT else 1
        self._app_ms = 0
        self._app_since_ns = stage.now_ns
        self._app_ppm = 1_000_000
        self._rtp_ppm = 1_000_000
        self._is_offering = False
        self._has_media = False
        self._flows = dict.fromkeys(PLANES, False)
        self._blocks: Counter[str] = Counter()
        self._is_absent = plan.no_show_client is (side is Side.CLIENT)
        if plan.is_dtx[self._index]:
            stage.swarm.note(Fault.DTX)

    # What the app hears

    def accepted(self, socket: Socket, notice: SessionAccepted | SessionCard) -> None:
        """The session is on: offer media on this socket."""
        if self.socket is not None and self.socket.node is not socket.node:
            self.gateway_lost()
        self.socket = socket
        if notice.nonce is not None:
            self.nonce, self.tariff_hash = notice.nonce, notice.tariff_hash
        self.stage.after(self.stage.between(0.05, 1.2), self._offer)

    def tick(self, notice: TickNotice) -> None:
        """The gateway counted a second."""
        self.shown_s, self.shown_micros = notice.billed_s + notice.provisional_s, notice.cost.micros
        stage, socket = self.stage, self.socket
        stage.tell(
            truth.TickShown(
                at_ns=stage.now_ns,
                session=self.session,
                side=self.side.value,
                tick=notice.tick,
                billed_s=notice.billed_s,
                cost_micros=notice.cost.micros,
                time_left_s=notice.time_left_s,
            )
        )
        if socket is None or self._silences or notice.tick % self.plan.ack_every[self._index]:
            return
        tick, head, clock_ms = notice.tick, notice.head, self.clock_ms()
        if stage.swarm.strikes(Fault.FALSE_ACK, stage.dice):
            self._acknowledge_falsely(socket, tick, head)
        socket.ask(
            lambda at: at.node.desk.calls.acknowledge(
                at, self.session, tick=tick, head=head, clock_ms=clock_ms
            ),
            lambda outcome: self._acked(outcome, tick),
        )

    def warned(self, notice: SessionWarning) -> None:
        """The end is near."""
        self.stage.tell(
            truth.WarningShown(
                at_ns=self.stage.now_ns,
                session=self.session,
                side=self.side.value,
                seconds_left=notice.seconds_left,
                reason=notice.reason.value,
            )
        )

    def ended(self) -> None:
        """It is over; nothing is sent any more."""
        self.is_over = True
        self._refresh()

    # What happens to it

    def block(self, *planes: str) -> None:
        """Packets of those planes do not arrive any more."""
        self._blocks.update(planes)
        self._refresh()

    def unblock(self, *planes: str) -> None:
        """They do again, if nothing else is in their way."""
        self._blocks.subtract(planes)
        self._refresh()

    def hush(self, by: int) -> None:
        """One more reason not to acknowledge, or one less."""
        self._silences += by

    def gateway_lost(self) -> None:
        """The gateway died, and the leg with it."""
        self._has_media = self._is_offering = False
        self._refresh()
        self.socket = None

    def app_rate(self, ppm: int) -> None:
        """The app's own clock runs at another rate from now on."""
        now_ns = self.stage.now_ns
        self._app_ms = self.clock_ms()
        self._app_since_ns, self._app_ppm = now_ns, ppm

    def rtp_rate(self, ppm: int) -> bool:
        """Its media clock runs at another rate from now on, after a reconnect as well; False where there is no leg."""
        leg = self._leg
        if leg is None:
            return False
        self._rtp_ppm = ppm
        leg.set_rate(self.stage.now_ns, ppm)
        return True

    @property
    def _leg(self) -> SimulatedLeg | None:
        return self.socket.node.media.leg(self.session, self.side) if self.socket is not None else None

    def clock_ms(self) -> int:
        """What the app's own clock shows."""
        return self._app_ms + (self.stage.now_ns - self._app_since_ns) * self._app_ppm // 10**12

    def mute(self, *, muted: bool) -> None:
        """Declare it; voice stops or begins when the gateway has taken it."""
        if self.socket is not None and not self.is_over:
            self.socket.ask(
                lambda at: at.node.desk.calls.set_muted(at, self.session, muted=muted),
                lambda outcome: self._muted(outcome, muted=muted),
            )

    def _offer(self) -> None:
        absent = self.plan.no_show == "media" and self._is_absent
        if self.is_over or self.socket is None or self._is_offering or self._has_media:
            return
        if absent:
            self.stage.swarm.note(Fault.NO_SHOW)
            return
        self._is_offering = True
        self.socket.ask(lambda at: at.node.desk.calls.offer(at, self.session, "offer"), self._answered)
        self.stage.after(4, self._offer_again)

    def _offer_again(self) -> None:
        """The answer got lost on its way."""
        if self._is_offering and not self._has_media:
            self._is_offering = False
            self._offer()

    def _answered(self, answer: Any) -> None:
        if isinstance(answer, str) and self.socket is not None:
            self.stage.after(self.plan.media_s[self._index], self._connect, self.socket)
            self.stage.after(self.stage.between(0.6, 3.5), self._confirm)
        else:
            self._is_offering = False

    def _connect(self, socket: Socket) -> None:
        self._is_offering = False
        if self.socket is not None and socket.node is self.socket.node and socket.node.life.is_alive:
            self._has_media = True
            self._refresh()

    def _refresh(self) -> None:
        """Apply what flows now, and tell it where it changed."""
        is_voice = self.plan.kind is SessionKind.VOICE
        wants = {"rtp": is_voice and not self.is_muted, "path": True}
        for plane in PLANES:
            is_on = self._has_media and not self.is_over and wants[plane] and self._blocks[plane] <= 0
            if is_on is not self._flows[plane]:
                self._flow(plane, is_on=is_on)

    def _flow(self, plane: str, *, is_on: bool) -> None:
        now_ns = self.stage.now_ns
        leg = self._leg
        if leg is None and is_on:
            return
        self._flows[plane] = is_on
        if leg is not None:
            if self.plan.is_dtx[self._index]:
                leg.rtp_step_ns = DTX_PACKET_NS
            if leg.rtp_rate_ppm != self._rtp_ppm:
                leg.set_rate(now_ns, self._rtp_ppm)
            (leg.set_rtp if plane == "rtp" else leg.set_path)(now_ns, is_on=is_on)
        self.stage.tell(
            truth.Flow(at_ns=now_ns, session=self.session, side=self.side.value, plane=plane, is_on=is_on)
        )

    def _confirm(self) -> None:
        absent = self.plan.no_show == "confirm" and self._is_absent
        stage = self.stage
        if self.is_over or self.has_started or self.socket is None:
            return
        if absent:
            stage.swarm.note(Fault.NO_SHOW)
            return
        if stage.swarm.strikes(Fault.FALSE_CONFIRM, stage.dice):
            stage.swarm.note(Fault.FALSE_CONFIRM)
            false = ("x", self.tariff_hash) if stage.dice.random() < 0.5 else (self.nonce, "0" * 64)
            self._say_confirmed(*false)
        self._say_confirmed(self.nonce, self.tariff_hash)
        stage.after(RETRY_S * 3, self._confirm)

    def _say_confirmed(self, nonce: str, tariff_hash: str) -> None:
        if self.socket is not None:
            self.socket.ask(
                lambda at: at.node.desk.calls.confirm(at, self.session, nonce=nonce, tariff_hash=tariff_hash),
                self._confirmed,
            )

    def _confirmed(self, outcome: Any) -> None:
        if outcome is Outcome.DONE:
            now_ns = self.stage.now_ns
            self.stage.tell(truth.Confirmed(at_ns=now_ns, session=self.session, side=self.side.value))

    def _muted(self, outcome: Any, *, muted: bool) -> None:
        if outcome is not Outcome.DONE:
            return
        self.is_muted = muted
        now_ns = self.stage.now_ns
        self.stage.tell(truth.Muted(at_ns=now_ns, session=self.session, side=self.side.value, is_muted=muted))
        self._refresh()

    def _acked(self, outcome: Any, tick: int) -> None:
        if outcome is Outcome.DONE:
            now_ns = self.stage.now_ns
            self.stage.tell(truth.Acked(at_ns=now_ns, session=self.session, side=self.side.value, tick=tick))

    def _acknowledge_falsely(self, socket: Socket, tick: int, head: str) -> None:
        self.stage.swarm.note(Fault.FALSE_ACK)
        if self.stage.dice.random() < 0.5:
            head = "00" * 32
        else:
            tick += 1_000
        socket.ask(
            lambda at: at.node.desk.calls.acknowledge(at, self.session, tick=tick, head=head),
            lambda outcome: self._acked(outcome, tick),
        )
