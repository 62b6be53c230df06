"""Asks one hook, with its time-out, its breaker and its bound on open questions.

Decides whether the hook is asked now, and puts what its policy says in place of
an answer that does not come. An open breaker costs no time at all.
Never merges verdicts (service.py) and never lets a hook's exception out.
Keeps: a hook that ignores cancellation delays nobody; its question stays counted
until it really ends. See docs/moderation.md, "hooks".
"""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.clock import NS, Clock
from gateway.facts import EngineFailed, FactSink
from gateway.moderation.breaker import Breaker
from gateway.moderation.policy import HookPolicy, failure_verdict
from gateway.moderation.ports import Hook
from gateway.moderation.sample import TextSample
from gateway.moderation.verdict import Verdict

_log = structlog.get_logger()


class HookService:
    """One hook under one policy."""

    def __init__(self, hook: Hook, policy: HookPolicy, *, facts: FactSink, clock: Clock) -> None:
        self._hook = hook
        self._facts = facts
        self._clock = clock
        self._breaker = Breaker()
        self._open_questions: set[asyncio.Task[Sequence[Verdict]]] = set()
        self.name = hook.name
        """The hook's own name."""
        self.policy = policy
        """The operator's terms for it."""

    @property
    def is_given_up(self) -> bool:
        """Whether its breaker is open."""
        return self._breaker.is_open

    async def ask(self, sample: TextSample, *, within_s: float) -> tuple[Verdict, ...]:
        """The hook's verdicts, or what stands for them, after `within_s` seconds at the latest."""
        now_ns = self._clock.monotonic_ns()
        if not self._breaker.may_ask(now_ns):
            return self._instead()
        if len(self._open_questions) >= self.policy.in_flight_max:
            self._tell_failed(sample, "busy")
            return self._instead()
        self._breaker = self._breaker.asked(now_ns)
        question = asyncio.ensure_future(self._put(sample))
        self._open_questions.add(question)
        question.add_done_callback(self._close_question)
        try:
            await asyncio.wait({question}, timeout=min(within_s, self.policy.timeout_ns / NS))
        finally:
            question.cancel()
        return self._taken(question, sample)

    async def close(self) -> None:
        """Let go of questions that are still open."""
        for question in self._open_questions:
            question.cancel()
        if self._open_questions:
            await asyncio.wait(set(self._open_questions), timeout=self.policy.timeout_ns / NS)

    async def _put(self, sample: TextSample) -> Sequence[Verdict]:
        verdicts = tuple(await self._hook.judge(sample))
        if not all(isinstance(verdict, Verdict) for verdict in verdicts):
            raise TypeError("a hook answers with verdicts")
        return verdicts

    def _taken(self, question: asyncio.Task[Sequence[Verdict]], sample: TextSample) -> tuple[Verdict, ...]:
        if not question.done():
            return self._failed(sample, "late")
        if question.cancelled():
            return self._failed(sample, "cancelled")
        failure = question.exception()
        if failure is not None:
            return self._failed(sample, type(failure).__name__)
        if self._breaker.is_open:
            _log.info("moderation_hook_back", hook=self.name)
        self._breaker = self._breaker.succeeded()
        return tuple(question.result())

    def _failed(self, sample: TextSample, why: str) -> tuple[Verdict, ...]:
        was_open = self._breaker.is_open
        self._breaker = self._breaker.failed(self._clock.monotonic_ns())
        self._tell_failed(sample, why)
        if self._breaker.is_open and not was_open:
            _log.error("moderation_hook_given_up", hook=self.name, why=why)
            self._tell_failed(sample, "breaker_open")
        return self._instead()

    def _instead(self) -> tuple[Verdict, ...]:
        verdict = failure_verdict(self.policy, hook=self.name, categories=self._hook.categories)
        return () if verdict is None else (verdict,)

    def _tell_failed(self, sample: TextSample, why: str) -> None:
        now_ns = self._clock.monotonic_ns()
        self._facts.tell(EngineFailed(at_ns=now_ns, session=sample.session, hook=self.name, why=why))

    def _close_question(self, question: asyncio.Task[Sequence[Verdict]]) -> None:
        self._open_questions.discard(question)
        if not question.cancelled():
            # Looked at, so that the loop does not complain about a failure nobody waited for.
            question.exception()
