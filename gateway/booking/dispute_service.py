"""Disputes: a party opens a case, an operator decides it.

Decides the order: the case, its reserve and the session's new state are one
commit; only then is it told. An operator's decision is on record first.
Never decides who is right and never moves money itself (`ledger/dispute.py`).
Keeps: SETTLED → DISPUTED → ADJUSTED, each once.
See docs/metering.md, "Ledger" and "Session states".
"""

from collections.abc import Sequence

import structlog

from gateway.booking.flow_ports import Cases, Decision, OperatorLog, Refunded, SessionMoves
from gateway.booking.ledger.dispute import Case, CaseState
from gateway.booking.refund_service import checked_amount, log_refund
from gateway.booking.wallet_service import WalletService
from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.facts import FactSink, SessionMoved
from gateway.ids import AccountId, SessionId
from gateway.money import Money
from gateway.terms import SessionState

_log = structlog.get_logger()

LISTED_MAX = 200
"""Cases in one answer."""


class DisputeService:
    """Contested sessions."""

    def __init__(
        self,
        wallet: WalletService,
        *,
        cases: Cases,
        moves: SessionMoves,
        log: OperatorLog,
        clock: Clock,
        sink: FactSink,
        window_ns: int,
    ) -> None:
        self._wallet = wallet
        self._cases = cases
        self._moves = moves
        self._operators = log
        self._clock = clock
        self._sink = sink
        self._window_ns = window_ns

    async def open(self, session: SessionId, who: AccountId, *, reason: str) -> Case:
        """Contest a session of one's own; repeated, answers the same case.

        Raises:
            NotFound: no such settled session of `who`.
            Conflict: too late, nothing charged, or the other side has opened a case.
        """
        now_wall_ns = self._clock.wall_ns()
        case = await self._cases.open(
            session,
            who,
            reason=reason,
            window_ns=self._window_ns,
            now_wall_ns=now_wall_ns,
            also=self._moves.move(session, SessionState.DISPUTED),
        )
        if case.opened_wall_ns == now_wall_ns:
            _log.info("case_opened", case=case.id, session=session, reserved_micros=case.reserved_micros)
            self._tell(session, SessionState.DISPUTED)
        return case

    async def decide(
        self, case: str, outcome: CaseState, *, amount: Money | None, verdict: str, operator: AccountId
    ) -> tuple[Case, Refunded | None]:
        """End a case; the refund, where the client gets something back. Repeated, answers the same.

        Raises:
            NotFound: no such case.
            Conflict: it was decided otherwise.
            Unprocessable: not a whole coin, or more than what is left of the charge.
        """
        found = await self._cases.by_id(case)
        if found is None:
            raise NotFound("there is no such case")
        micros = None if amount is None else checked_amount(amount, currency=self._wallet.currency)
        await self._operators.note(operator, f"case.{outcome}", subject=case, why=verdict)
        decision = Decision(case=case, outcome=outcome, micros=micros, operator=operator, verdict=verdict)
        now_wall_ns = self._clock.wall_ns()
        decided, refunded = await self._cases.decide(
            decision,
            now_wall_ns=now_wall_ns,
            also=self._moves.move(found.session, SessionState.ADJUSTED),
        )
        if found.state is CaseState.OPEN and decided.decided_wall_ns == now_wall_ns:
            self._tell(found.session, SessionState.ADJUSTED)
            if refunded is not None:
                log_refund(refunded)
                await self._wallet.announce(refunded.client)
        return decided, refunded

    async def in_state(self, state: CaseState) -> Sequence[Case]:
        """Cases in that state, oldest first."""
        return await self._cases.in_state(state, limit=LISTED_MAX)

    def _tell(self, session: SessionId, state: SessionState) -> None:
        self._sink.tell(SessionMoved(at_ns=self._clock.monotonic_ns(), session=session, state=state))
