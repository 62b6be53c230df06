"""Judges a line before it is delivered: every hook at once, within one deadline.

Decides what the hooks' answers come to for this line. Journals the verdicts,
then tells the facts, then answers.
Never touches the conversation or the meter: signalling acts on the answer.
Keeps: an answer within the deadline whatever a hook or the store does (a store
that is late or down is reported, and its rows are still awaited in the
background), and no exception to the caller. See docs/moderation.md.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.clock import NS, Clock
from gateway.facts import EngineFailed, FactSink, VerdictGiven
from gateway.ids import IdSource, SessionId
from gateway.moderation.hook_service import HookService
from gateway.moderation.policy import JUDGE_NS_MAX, HookPolicy, Mode, mode_for
from gateway.moderation.ports import Hook, LineVerdict, VerdictRecord, VerdictStore
from gateway.moderation.sample import TextSample
from gateway.moderation.verdict import Action, Category, Verdict, decisive, masked, severest
from gateway.terms import Side

_log = structlog.get_logger()

STORE_NAME = "verdict_store"
"""What a failure of the store is called in `EngineFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one hook came to about one sample."""

    hook: str
    mode: Mode
    verdicts: tuple[Verdict, ...]


class WatchService:
    """Moderation, as chat sees it (the `Watch` of signalling's ports)."""

    def __init__(
        self,
        *,
        hooks: Sequence[tuple[Hook, HookPolicy]],
        store: VerdictStore,
        facts: FactSink,
        clock: Clock,
        ids: IdSource,
        digest_key: bytes,
        deadline_ns: int = JUDGE_NS_MAX,
    ) -> None:
        self._hooks = tuple(HookService(hook, policy, facts=facts, clock=clock) for hook, policy in hooks)
        if len({hook.name for hook in self._hooks}) != len(self._hooks):
            raise ValueError("two hooks have the same name")
        self._store = store
        self._facts = facts
        self._clock = clock
        self._ids = ids
        self._digest_key = digest_key
        self._deadline_s = deadline_ns / NS
        self._journalling: set[asyncio.Task[None]] = set()

    async def judge_line(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        """Judge a line before it is delivered; answers within the deadline, never raises."""
        try:
            return await self._judge(session, side, text)
        except Exception:
            # A fault of ours must not let a line through unseen, nor end the socket it came by.
            _log.exception("moderation_failed", session=session, side=side)
            return LineVerdict(action=Action.HOLD, text=text, category=Category.UNJUDGED)

    def given_up_hooks(self) -> tuple[str, ...]:
        """Names of the hooks whose breaker is open, for the operator's banner."""
        return tuple(hook.name for hook in self._hooks if hook.is_given_up)

    async def close(self) -> None:
        """Let verdicts that are being written finish, and let go of hooks that hang."""
        if self._journalling:
            await asyncio.wait(set(self._journalling))
        for hook in self._hooks:
            await hook.close()

    async def _judge(self, session: SessionId, side: Side, text: str) -> LineVerdict:
        loop = asyncio.get_running_loop()
        answer_by_s = loop.time() + self._deadline_s
        sample = TextSample(
            id=self._ids.new("smp"), session=session, side=side, text=text, at_ns=self._clock.monotonic_ns()
        )
        answers = await asyncio.gather(*(self._answer(hook, sample) for hook in self._hooks))
        records = self._records(sample, answers)
        if records:
            await self._journal(records, within_s=max(answer_by_s - loop.time(), 0))
        obeyed = [verdict for answer in answers if answer.mode is Mode.ENFORCE for verdict in answer.verdicts]
        self._tell(sample, obeyed)
        return _line_verdict(text, obeyed)

    async def _answer(self, hook: HookService, sample: TextSample) -> _Answer:
        mode = mode_for(hook.policy, hook=hook.name, session=sample.session)
        if mode is Mode.OFF:
            return _Answer(hook=hook.name, mode=mode, verdicts=())
        verdicts = await hook.ask(sample, within_s=self._deadline_s)
        return _Answer(hook=hook.name, mode=mode, verdicts=verdicts)

    def _records(self, sample: TextSample, answers: Sequence[_Answer]) -> list[VerdictRecord]:
        return [
            VerdictRecord(
                id=self._ids.new("vrd"),
                sample=sample,
                digest=sample.digest(self._digest_key),
                hook=answer.hook,
                mode=answer.mode,
                verdict=verdict,
                judged_wall_ns=self._clock.wall_ns(),
            )
            for answer in answers
            for verdict in answer.verdicts
            if verdict.action is not Action.ALLOW
        ]

    async def _journal(self, records: Sequence[VerdictRecord], *, within_s: float) -> None:
        task = asyncio.ensure_future(self._keep(records))
        self._journalling.add(task)
        task.add_done_callback(self._journalling.discard)
        await asyncio.wait({task}, timeout=within_s)
        if not task.done():
            self._tell_store_failed(records[0].sample, "late")

    async def _keep(self, records: Sequence[VerdictRecord]) -> None:
        try:
            await self._store.keep(records)
        except Exception as failure:
            _log.exception("verdicts_not_kept", session=records[0].sample.session, verdicts=len(records))
            self._tell_store_failed(records[0].sample, type(failure).__name__)

    def _tell_store_failed(self, sample: TextSample, why: str) -> None:
        now_ns = self._clock.monotonic_ns()
        self._facts.tell(EngineFailed(at_ns=now_ns, session=sample.session, hook=STORE_NAME, why=why))

    def _tell(self, sample: TextSample, obeyed: Sequence[Verdict]) -> None:
        for verdict in severest(obeyed):
            if verdict.action is not Action.ALLOW:
                self._facts.tell(
                    VerdictGiven(
                        at_ns=self._clock.monotonic_ns(),
                        session=sample.session,
                        side=sample.side,
                        action=verdict.action,
                        category=verdict.category,
                        severity=verdict.severity,
                        rule=verdict.rule,
                    )
                )


def _line_verdict(text: str, obeyed: Sequence[Verdict]) -> LineVerdict:
    """What chat is told: the decisive action, and the masked text where the line is delivered masked."""
    verdict = decisive(obeyed)
    if verdict is None or verdict.action is Action.ALLOW:
        return LineVerdict(action=Action.ALLOW, text=text)
    delivered = masked(text, obeyed) if verdict.action is Action.MASK else text
    return LineVerdict(action=verdict.action, text=delivered, category=verdict.category)
