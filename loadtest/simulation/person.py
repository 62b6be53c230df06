"""Somebody with an app: signs in, hears, calls, tops up, comes back after a loss.

Decides when a person connects and whom a client calls next. What happens inside
a session is `call.py`'s and `part.py`'s.
Never trusts the gateway to remember anything: after a reconnection the welcome
says which sessions still live.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from gateway.booking.payment import TopUpOrder, TopUpState
from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.money import Money
from gateway.signaling.invitation_service import Invitation, InviteAnswer
from gateway.signaling.notice import (
    Notice,
    SessionAccepted,
    SessionCard,
    SessionConsentAsked,
    SessionEnded,
    SessionRinging,
    SessionStarted,
    SessionWarning,
    TickNotice,
    Welcome,
)
from gateway.signaling.outcome import Outcome
from gateway.signaling.presence import Presence
from gateway.terms import Principal, Role, SessionState
from loadtest.auditor import truth
from loadtest.simulation import plan as plans
from loadtest.simulation.call import Call
from loadtest.simulation.faults import Fault
from loadtest.simulation.node import Node
from loadtest.simulation.socket import Socket
from loadtest.simulation.stage import Stage
from loadtest.simulation.talk import YUAN_MAX, YUAN_MICROS

FAR_S = 4_000_000_000
PROMO_MICROS = 3_000_000
"""A small grant; who gets a larger one gets this one beside it, and it expires first."""
TRIES_MAX = 12
"""Invitations that lead to no session before a client gives the next one up."""
ANSWER_S = 25.0
"""How long a client waits for the answer to an invitation."""


class Scene(Protocol):
    """What a person sees of the world."""

    calls: dict[SessionId, Call]

    @property
    def node(self) -> Node | None:
        """The gateway that answers, if any."""
        ...

    def call_of(self, card: SessionCard, plan: plans.Plan | None) -> Call:
        """The session on that card, known or new."""
        ...

    def somebody(self) -> AccountId:
        """A provider."""
        ...

    def plan_of(self, client: AccountId) -> plans.Plan | None:
        """What a client means to do with the session it has just asked for."""
        ...


class Person:
    """One account and its app."""

    def __init__(
        self,
        stage: Stage,
        scene: Scene,
        account: AccountId,
        *,
        role: Role,
        quota: int = 0,
        calls_max: int = 1,
    ) -> None:
        self.stage = stage
        self.scene = scene
        self.account = account
        self.principal = Principal(account=account, roles=frozenset({role}), expires_at_s=FAR_S)
        self.quota = quota
        """Sessions that a client has yet to begin."""
        self.plan: plans.Plan | None = None
        self.calls_max = calls_max
        self._role = role
        self._socket: Socket | None = None
        self._resume: str | None = None
        self._is_greeted = False
        self._away_until_ns = 0
        self._calls: dict[SessionId, Call] = {}
        self._tries = 0
        self._asking = 0
        self._orders = 0
        self._ordering: list[Node] = []
        """Gateways that have been asked for a payment and have not answered."""
        self._unpaid: set[str] = set()
        """Payments whose credit has not been seen yet."""
        self._decided: set[str] = set()

    @property
    def is_done(self) -> bool:
        """Whether this person wants nothing more."""
        is_ordering = any(node.life.is_alive for node in self._ordering)
        return self.quota <= 0 and not self._live() and not self._unpaid and not is_ordering

    # Connecting

    def connect(self) -> None:
        """Open a socket to the gateway that answers; without one, later."""
        node, now_ns = self.scene.node, self.stage.now_ns
        socket = self._socket
        if socket is not None and socket.is_open and socket.node.life.is_alive and socket.node is node:
            return
        if node is None or now_ns < self._away_until_ns:
            self.stage.after(max(0.5, (self._away_until_ns - now_ns) / 1e9), self.connect)
            return
        self._is_greeted = False
        socket = Socket(
            node, self.principal, name=self.stage.ids.new("soc"), hear=self._hear, gone=self._closed
        )
        self._socket = socket
        node.after(self.stage.between(0.02, 0.3), self._sign_in, socket)

    def cut(self, seconds: float) -> None:
        """The network loses the socket for that long."""
        self._away_until_ns = self.stage.seconds_ns(seconds)
        if self._socket is not None:
            self._socket.drop(self._lost)
        self.stage.after(seconds, self.connect)

    def gateway_lost(self, node: Node) -> None:
        """A gateway died: every leg and socket with it."""
        if self._socket is not None and self._socket.node is not node:
            return
        if self._socket is not None:
            self._socket.is_open = False
        self._is_greeted = False
        self.stage.after(self.stage.between(0.1, 3), self.connect)

    def _closed(self, socket: Socket) -> None:
        if socket is self._socket:
            self.stage.after(self.stage.between(0.1, 1), self.connect)

    def _sign_in(self, socket: Socket) -> None:
        resume, self._resume = self._resume, None
        greeting = socket.node.desk.greet(socket, re="hello", resume=resume, is_first=True)
        socket.node.begin(greeting, lambda _answer: self._greeted(socket))

    def _greeted(self, socket: Socket) -> None:
        if socket is self._socket and self._role is Role.PROVIDER:
            socket.node.desk.presence.set_wish(self.principal, Presence.ONLINE)

    # Hearing

    def _hear(self, socket: Socket, notice: Notice) -> None:
        match notice:
            case Welcome():
                self._welcome(socket, notice)
            case SessionRinging():
                self._ringing(socket, notice.session)
            case TickNotice() | SessionWarning() | SessionAccepted() | SessionStarted():
                self._hear_of_call(socket, notice, notice.session)
            case SessionConsentAsked() | SessionEnded():
                self._hear_of_call(socket, notice, notice.session)
            case _:
                pass

    def _hear_of_call(self, socket: Socket, notice: Notice, session: SessionId) -> None:
        call = self.scene.calls.get(session)
        if call is None:
            return
        part = call.parts[call.side_of(self.account)]
        match notice:
            case TickNotice():
                part.tick(notice)
                call.shown(part)
            case SessionWarning():
                part.warned(notice)
                call.warned(part, notice.reason)
            case SessionAccepted():
                part.accepted(socket, notice)
            case SessionStarted():
                call.started()
            case SessionConsentAsked():
                call.asked_for_consent(socket, notice, part.side)
            case _:
                call.ended()

    def _welcome(self, socket: Socket, notice: Welcome) -> None:
        self._is_greeted = True
        self._resume = notice.resume_token
        alive = {card.id for card in notice.sessions}
        for call in self._live():
            if call.id not in alive:
                call.ended()
        for card in notice.sessions:
            call = self._calls[card.id] = self.scene.call_of(card, self.scene.plan_of(card.client.id))
            self._tell_socket(call, is_there=True)
            part = call.parts[call.side_of(self.account)]
            if card.state in (SessionState.CREATED, SessionState.RINGING):
                call.rings(socket, part.side)
            else:
                part.accepted(socket, card)
                if card.started_at is not None:
                    call.started()

    def _ringing(self, socket: Socket, card: SessionCard) -> None:
        call = self.scene.call_of(card, self.scene.plan_of(card.client.id))
        self._calls[card.id] = call
        call.rings(socket, call.side_of(self.account))

    def _tell_socket(self, call: Call, *, is_there: bool) -> None:
        side, now_ns = call.side_of(self.account).value, self.stage.now_ns
        self.stage.tell(truth.SocketChanged(at_ns=now_ns, session=call.id, side=side, is_there=is_there))

    def _lost(self) -> None:
        for call in self._live():
            self._tell_socket(call, is_there=False)

    # Calling

    def call_next(self) -> None:
        """A client calls somebody, if it has calls left."""
        self.stage.after(self.stage.between(1.0, 5.0), self.call_next)
        if self.quota <= 0 or self._asking > self.stage.now_ns or not self.is_free or not self._is_greeted:
            return
        socket = self._socket
        if socket is None or not socket.is_open:
            return
        self.plan = plans.drawn(self.stage.dice, self.stage.swarm)
        invitation = Invitation(provider=self.scene.somebody(), kind=self.plan.kind)
        self._asking = self.stage.seconds_ns(ANSWER_S)
        socket.ask(
            lambda at: at.node.desk.invitations.invite(at.principal, invitation, connection=at),
            self._invited,
        )

    @property
    def is_free(self) -> bool:
        """Whether this person could begin one more session."""
        return len(self._live()) < self.calls_max

    def _live(self) -> list[Call]:
        return [call for call in self._calls.values() if not call.is_over]

    def _invited(self, answer: InviteAnswer | None) -> None:
        self._asking = 0
        if answer is not None and answer.ringing is not None and self._socket is not None:
            self.quota -= 1
            self._tries = 0
            self._ringing(self._socket, answer.ringing.session)
            return
        self._tries += 1
        if answer is not None and answer.outcome is Outcome.BUSY:
            self.quota -= 1
        if answer is not None and answer.outcome is Outcome.INSUFFICIENT_FUNDS:
            self.top_up()
        if self._tries >= TRIES_MAX:
            self.quota -= 1
            self._tries = 0

    # Paying in

    def top_up(self, yuan: int | None = None) -> None:
        """Order a payment, of so many yuan or any; once there is one, it is paid, whatever becomes of the gateway."""
        node, dice, swarm = self.scene.node, self.stage.dice, self.stage.swarm
        if node is None:
            return
        self._orders += 1
        amount = Money((yuan or dice.randrange(1, YUAN_MAX)) * YUAN_MICROS, "CNY")
        key = f"{self.account}-{self._orders}"
        times = 1
        if swarm.strikes(Fault.PAYMENT_ASKED_TWICE, dice):
            swarm.note(Fault.PAYMENT_ASKED_TWICE)
            times = 2

        def create() -> Coroutine[Any, Any, TopUpOrder]:
            return node.books.top_ups.create(
                self.account, amount=amount, method="sandbox", idempotency_key=key
            )

        for _ in range(times):
            self._ordering.append(node)
            node.run(create, lambda order: self._ordered(node, order))

    def _ordered(self, node: Node, order: TopUpOrder | None) -> None:
        self._ordering.remove(node)
        if order is None or order.payment is None or order.payment in self._unpaid:
            return
        self._unpaid.add(order.payment)
        self._meant("top_up", order.payment, order.micros)
        self._pay(order)

    def _pay(self, order: TopUpOrder) -> None:
        """Decide it at the provider's, again and again until the provider has it; then wait for the credit."""
        stage, payment, node = self.stage, order.payment, self.scene.node
        if payment not in self._unpaid:
            return
        stage.after(stage.between(4, 15), self._pay, order)
        if node is None or payment is None:
            return

        def heard(found: TopUpOrder | None) -> None:
            if found is not None and found.state is TopUpState.SUCCEEDED:
                self._unpaid.discard(payment)

        async def decide() -> TopUpOrder:
            if payment not in self._decided:
                await node.books.sandbox.decide(payment, is_approved=True)
                self._decided.add(payment)
            if stage.swarm.strikes(Fault.PAYMENT_ASKED_TWICE, stage.dice):
                await node.books.sandbox.decide(payment, is_approved=True)
            await asyncio.sleep(1)
            return await node.books.top_ups.order(self.account, order.id)

        async def look() -> TopUpOrder:
            return await node.books.top_ups.order(self.account, order.id)

        node.run(look if payment in self._decided else decide, heard)

    def open_wallet(self, node: Node, *, then: Callable[[], None]) -> None:
        """The money a client begins with: some of its own, some given with an expiry."""
        dice, stage = self.stage.dice, self.stage
        cash, promo = dice.randrange(0, 40) * 1_000_000, dice.choice((0, 0, PROMO_MICROS, 12_345_678))
        expires_ns = stage.wall_ns + dice.randrange(60, 4_000) * NS

        async def fill() -> None:
            wallet = node.books.wallet
            await wallet.open_account(self.account)
            if cash:
                await wallet.deposit(self.account, micros=cash, payment=f"seed:{self.account}", memo="Seed")
                self._meant("top_up", f"seed:{self.account}", cash)
            if promo:
                await wallet.grant_promo(
                    self.account, micros=promo, campaign="spring", expires_wall_ns=expires_ns
                )
                self._meant("promo_grant", "spring", promo, expires_ns)
            if promo > PROMO_MICROS:
                # Named so that neither name nor time of the grant puts it first: its expiry must.
                await wallet.grant_promo(
                    self.account, micros=PROMO_MICROS, campaign="winter", expires_wall_ns=expires_ns - 30 * NS
                )
                self._meant("promo_grant", "winter", PROMO_MICROS, expires_ns - 30 * NS)

        node.run(fill, lambda _answer: then())

    def _meant(self, flow: str, key: str, micros: int, expires_wall_ns: int | None = None) -> None:
        self.stage.tell(
            truth.MoneyMeant(
                at_ns=self.stage.now_ns,
                flow=flow,
                account=self.account,
                key=key,
                micros=micros,
                expires_wall_ns=expires_wall_ns,
            )
        )
