"""A session as the two people live it, whatever the gateway believes.

Decides what happens when, by its plan: answer, talk, incidents, end, report.
Never decides how the network carries it (`socket.py`).
Keeps: nothing is done in a session that its people know to be over.
"""

from collections.abc import Callable
from typing import Any

from gateway.ids import AccountId, SessionId
from gateway.signaling.notice import SessionCard, SessionConsentAsked
from gateway.signaling.outcome import Outcome
from gateway.terms import Side, WarningReason
from loadtest.auditor import truth
from loadtest.simulation import tariffs
from loadtest.simulation.faults import Fault
from loadtest.simulation.node import Node
from loadtest.simulation.part import Part
from loadtest.simulation.plan import Act, Answer, Doing, End, Plan
from loadtest.simulation.socket import Socket
from loadtest.simulation.stage import Stage
from loadtest.simulation.talk import Talk

PATIENCE_S = 60.0
"""How long people wait for a session to end after they ended it, before they say so again."""
RELOAD_S = 0.5
"""How long it takes to load the app again."""
VANISHED_S = 25.0
"""How long somebody is away for whom nobody waits."""
BURST_LINES = (12, 30)
CONSENT_SHARE = 0.75
"""Questions that a client answers with yes."""


class Call:
    """One session."""

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        card: SessionCard,
        *,
        node: Callable[[], Node | None],
        cut: Callable[[AccountId, float], None],
        top_up: Callable[[AccountId, int | None], None],
        over: Callable[["Call"], None],
    ) -> None:
        self.stage = stage
        self.plan = plan
        self.id: SessionId = card.id
        self.client = card.client.id
        self.provider = card.provider.id
        self.parts = {side: Part(stage, card.id, side, plan) for side in Side}
        self.has_started = False
        self.is_over = False
        self._node = node
        self._cut = cut
        self._top_up = top_up
        self._over = over
        self._is_accepted = False
        self._lines: set[str] = set()
        self._talk = Talk(
            stage,
            plan,
            edges_s=tariffs.edges_s(stage.offers[self.provider, plan.kind].tariff),
            pay=lambda yuan: top_up(self.client, yuan),
            end=self._end,
        )
        self._is_help_called = False
        """Somebody called for help and no operator has answered yet."""
        self._doers: dict[Act, Callable[[Doing, Part], None]] = {
            Act.MUTE: self._mute,
            Act.GAP_RTP: self._gap_rtp,
            Act.GAP_ALL: self._gap_all,
            Act.ACK_SILENCE: self._silence,
            Act.SOCKET: self._lose_socket,
            Act.PARTITION: self._partition,
            Act.VANISH: self._vanish,
            Act.LINE: lambda _doing, part: self._say(part, "hello"),
            Act.BURST: self._burst,
            Act.FREEZE: self._freeze,
            Act.PAUSE: self._pause,
            Act.TOP_UP: lambda _doing, _part: self._top_up(self.client, None),
            Act.APP_CLOCK: lambda _doing, part: self._drift(part, Act.APP_CLOCK),
            Act.RTP_CLOCK: lambda _doing, part: self._drift(part, Act.RTP_CLOCK),
        }

    def account(self, side: Side) -> AccountId:
        """Who is on that side."""
        return self.client if side is Side.CLIENT else self.provider

    def side_of(self, account: AccountId) -> Side:
        """On which side somebody is."""
        return Side.CLIENT if account == self.client else Side.PROVIDER

    # Ringing

    def rings(self, socket: Socket, side: Side) -> None:
        """It rings at the provider, or the client hears that it does."""
        plan, part = self.plan, self.parts[side]
        part.socket = socket
        if side is Side.PROVIDER and plan.answer in (Answer.ACCEPT, Answer.DECLINE):
            self.stage.after(plan.answer_s, self._answer)
        if side is Side.CLIENT and plan.answer is Answer.CANCEL:
            self.stage.after(plan.answer_s, self.hang_up, Side.CLIENT)

    def _answer(self) -> None:
        socket = self.parts[Side.PROVIDER].socket
        if self.is_over or self._is_accepted or socket is None:
            return
        if self.plan.answer is Answer.DECLINE:
            socket.ask(lambda at: at.node.desk.sessions.decline(at.principal, self.id), self._declined)
            return
        socket.ask(lambda at: at.node.desk.sessions.accept(at, self.id), self._accepted)
        self.stage.after(3, self._answer)

    def _declined(self, outcome: Any) -> None:
        if outcome is Outcome.DONE:
            self._stumble()

    def _accepted(self, outcome: Any) -> None:
        if outcome is Outcome.DONE:
            self._is_accepted = True
            now_ns, wall_ns = self.stage.now_ns, self.stage.wall_ns
            self.stage.tell(truth.Accepted(at_ns=now_ns, session=self.id, wall_ns=wall_ns))

    # Talking

    def started(self) -> None:
        """Both hear that seconds count; the first to hear sets the plan going."""
        for part in self.parts.values():
            part.has_started = True
        if self.has_started:
            return
        self.has_started = True
        for doing in self.plan.doings:
            self.stage.after(doing.at_s, self._do, doing)
        self._talk.begin()

    def shown(self, part: Part) -> None:
        """An app shows one more second."""
        self._talk.shown(part)

    def warned(self, part: Part, reason: WarningReason) -> None:
        """An app warns of the end."""
        self._talk.warned(part, reason)

    def _do(self, doing: Doing) -> None:
        if self.is_over:
            return
        side = Side.CLIENT if doing.by_client else Side.PROVIDER
        self._doers[doing.act](doing, self.parts[side])

    def _mute(self, doing: Doing, part: Part) -> None:
        self._span(doing, Fault.MUTE, lambda: part.mute(muted=True), lambda: part.mute(muted=False))

    def _gap_rtp(self, doing: Doing, part: Part) -> None:
        self._gap(doing, Fault.ONE_WAY_MEDIA, part, "rtp")

    def _gap_all(self, doing: Doing, part: Part) -> None:
        self._gap(doing, Fault.ROAMING, part, "rtp", "path")

    def _silence(self, doing: Doing, part: Part) -> None:
        self._span(doing, Fault.ACK_SILENCE, lambda: part.hush(1), lambda: part.hush(-1))

    def _lose_socket(self, doing: Doing, part: Part) -> None:
        self.stage.swarm.note(Fault.SOCKET_LOST)
        self._cut(self.account(part.side), doing.for_s)

    def _partition(self, doing: Doing, part: Part) -> None:
        self._gap(doing, Fault.PARTITION, part, "rtp", "path")
        self._cut(self.account(part.side), doing.for_s)

    def _vanish(self, _doing: Doing, part: Part) -> None:
        self.stage.swarm.note(Fault.VANISH)
        part.block("rtp", "path")
        self._cut(self.account(part.side), VANISHED_S)

    def _freeze(self, doing: Doing, part: Part) -> None:
        self._say(part, "freeze it")
        self.stage.after(doing.for_s, self._lift)

    def _pause(self, doing: Doing, _part: Part) -> None:
        self._operate(lambda node: node.desk.sessions.pause_by_operator(self.id), ("operator",), is_on=True)
        self.stage.after(doing.for_s, self._lift)

    def _span(self, doing: Doing, fault: Fault, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self.stage.swarm.note(fault)
        begin()
        self.stage.after(doing.for_s, end)

    def _gap(self, doing: Doing, fault: Fault, part: Part, *planes: str) -> None:
        self._span(doing, fault, lambda: part.block(*planes), lambda: part.unblock(*planes))

    def _drift(self, part: Part, act: Act) -> None:
        stage = self.stage
        rate_ppm = stage.dice.choice((900_000, 980_000, 1_020_000, 1_100_000))
        clock = "app" if act is Act.APP_CLOCK else "rtp"
        if clock == "rtp":
            if not part.rtp_rate(rate_ppm):
                return
            stage.swarm.note(Fault.RTP_CLOCK_DRIFT)
        else:
            stage.swarm.note(Fault.APP_CLOCK_DRIFT)
            part.app_rate(rate_ppm)
        stage.tell(
            truth.ClockRan(
                at_ns=stage.now_ns, session=self.id, side=part.side.value, clock=clock, rate_ppm=rate_ppm
            )
        )

    def _burst(self, doing: Doing, part: Part) -> None:
        """More lines than anybody set money aside for."""
        for _ in range(self.stage.dice.randint(*BURST_LINES)):
            self.stage.after(self.stage.between(0, doing.for_s), self._say, part, "hello")

    def _say(self, part: Part, text: str) -> None:
        if part.socket is None:
            return
        line_id, node = self.stage.ids.new("line"), part.socket.node

        def sent(outcome: Any) -> None:
            if outcome is not Outcome.DONE or line_id in self._lines:
                return
            self._lines.add(line_id)
            now_ns, side = self.stage.now_ns, part.side.value
            if text.startswith("freeze"):
                self._paused("moderation", node, is_on=True)
            elif text.startswith("terminate"):
                self.stage.tell(truth.Stopped(at_ns=now_ns, session=self.id, reason="moderation"))
            else:
                self.stage.tell(truth.LineSent(at_ns=now_ns, session=self.id, side=side))

        part.socket.ask(
            lambda at: at.node.desk.chat.send_by_socket(
                at, self.id, line_id=line_id, text=text, reply=lambda _status: None
            ),
            sent,
        )

    def asked_for_consent(self, socket: Socket, notice: SessionConsentAsked, side: Side) -> None:
        """The client is asked to go on paying; most say yes in time."""
        if side is not Side.CLIENT:
            return
        stage, kind = self.stage, notice.kind
        stage.tell(
            truth.ConsentAskedShown(
                at_ns=stage.now_ns, session=self.id, kind=kind.value, seconds_left=notice.seconds_left
            )
        )

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                stage.tell(truth.Consented(at_ns=stage.now_ns, session=self.id, kind=kind.value))

        if stage.dice.random() < CONSENT_SHARE:
            stage.after(
                stage.between(0.2, 9),
                socket.ask,
                lambda at: at.node.desk.calls.consent(at, self.id, kind),
                done,
            )

    def _lift(self) -> None:
        self._operate(
            lambda node: node.desk.sessions.resume_by_operator(self.id),
            ("operator", "moderation", "sos"),
            is_on=False,
        )

    def _operate(self, act: Callable[[Node], Any], reasons: tuple[str, ...], *, is_on: bool) -> None:
        node = self._node()
        if self.is_over or node is None:
            return

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                for reason in reasons:
                    self._paused(reason, node, is_on=is_on)

        node.run(lambda: act(node), done)

    def _paused(self, reason: str, node: Node, *, is_on: bool) -> None:
        if reason == "sos":
            self._is_help_called = is_on
        owner, now_ns = node.life.name, self.stage.now_ns
        self.stage.tell(truth.Paused(at_ns=now_ns, session=self.id, reason=reason, is_on=is_on, owner=owner))

    # The end

    def _end(self) -> None:
        if self.is_over:
            return
        match self.plan.end:
            case End.CLIENT | End.NOBODY:
                self.hang_up(Side.CLIENT)
            case End.PROVIDER:
                self.hang_up(Side.PROVIDER)
            case End.OPERATOR:
                self._end_by_operator()
            case End.TERMINATE:
                self._say(self.parts[Side.CLIENT], "terminate it")
            case End.SOS:
                self._call_for_help()
                self.stage.after(5, self._end_by_operator)
        self.stage.after(PATIENCE_S, self._end)

    def hang_up(self, side: Side) -> None:
        """That side ends it, whatever state it is in."""
        socket = self.parts[side].socket
        if self.is_over or socket is None:
            return

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                self._stopped(f"hangup_{side.value}")
            elif outcome is Outcome.WRONG_STATE and not self.is_over:
                # The gateway knows of no such session any more: the app connects anew to hear why.
                self._cut(self.account(side), RELOAD_S)

        socket.ask(lambda at: at.node.desk.sessions.end(at.principal, self.id), done)

    def _end_by_operator(self) -> None:
        node = self._node()
        if self.is_over or node is None:
            return

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                self._stopped("sos" if self._is_help_called else "operator")

        node.run(lambda: node.desk.sessions.end_by_operator(self.id), done)

    def _call_for_help(self) -> None:
        socket = self.parts[Side.CLIENT].socket
        if socket is None:
            return

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                self._paused("sos", socket.node, is_on=True)

        socket.ask(lambda at: at.node.desk.sessions.sos(at.principal, self.id), done)

    def _stumble(self) -> None:
        """The store fails when this session is to be settled."""
        stage = self.stage
        if stage.swarm.strikes(Fault.STORE_ERROR, stage.dice):
            stage.disk.errors_due = stage.dice.randint(1, 2)

    def _stopped(self, reason: str) -> None:
        self._stumble()
        self.stage.tell(truth.Stopped(at_ns=self.stage.now_ns, session=self.id, reason=reason))

    def ended(self) -> None:
        """A side heard that it is over, with its receipt."""
        if self.is_over:
            return
        self.is_over = True
        if self.has_started:
            self._over(self)
        for part in self.parts.values():
            part.ended()
            if self.has_started:
                self.stage.after(self.stage.between(0.1, 2), self._report, part)

    def _report(self, part: Part) -> None:
        seconds, stage = part.shown_s, self.stage
        if stage.swarm.strikes(Fault.FALSE_REPORT, stage.dice):
            stage.swarm.note(Fault.FALSE_REPORT)
            seconds += stage.dice.randint(2, 9)
        if part.socket is None:
            return

        def done(outcome: Any) -> None:
            if outcome is Outcome.DONE:
                stage.tell(
                    truth.Reported(at_ns=stage.now_ns, session=self.id, side=part.side.value, seconds=seconds)
                )

        part.socket.ask(lambda at: at.node.desk.sessions.report(at.principal, self.id, seconds=seconds), done)
