"""Fakes that moderation's tests share: hooks that answer, fail, hang; stores; a sink."""

import asyncio
from collections.abc import Sequence

from gateway.facts import EngineFailed, Fact, VerdictGiven
from gateway.ids import SessionId
from gateway.moderation.ports import VerdictRecord
from gateway.moderation.sample import TextSample
from gateway.moderation.verdict import Action, Category, Source, Span, Verdict
from gateway.terms import Side

SESSION = SessionId("ses_1")


def verdict(
    action: Action,
    category: Category = Category.ABUSE,
    *,
    severity: int = 1,
    confidence_permille: int = 1000,
    spans: tuple[tuple[int, int], ...] = (),
    source: Source = Source.RULE,
    rule: str = "test.rule",
) -> Verdict:
    return Verdict(
        action=action,
        category=category,
        severity=severity,
        confidence_permille=confidence_permille,
        rule=rule,
        ruleset="test",
        source=source,
        spans=tuple(Span(start=start, end=end) for start, end in spans),
    )


def sample(text: str) -> TextSample:
    return TextSample(id="smp_1", session=SESSION, side=Side.CLIENT, text=text, at_ns=1)


class FakeHook:
    """Answers with fixed verdicts; counts how often it was asked."""

    def __init__(self, name: str = "fake", *verdicts: Verdict) -> None:
        self.name = name
        self.categories = frozenset({Category.ABUSE, Category.CONTACT})
        self.verdicts: Sequence[Verdict] = verdicts
        self.asked = 0

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        self.asked += 1
        return self.verdicts


class BrokenHook(FakeHook):
    """Raises until it is mended."""

    is_mended = False

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        self.asked += 1
        if self.is_mended:
            return self.verdicts
        raise ConnectionError("no route to the vendor")


class HangingHook(FakeHook):
    """Waits until it is let go; remembers whether it was cancelled."""

    def __init__(self, name: str = "hanging", *verdicts: Verdict) -> None:
        super().__init__(name, *verdicts)
        self.release = asyncio.Event()
        self.was_asked = asyncio.Event()
        self.was_cancelled = False

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        self.asked += 1
        self.was_asked.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return self.verdicts


class StubbornHook(HangingHook):
    """Ignores cancellation."""

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        self.asked += 1
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.was_cancelled = True
        return self.verdicts


class FakeStore:
    """Keeps records in a list."""

    def __init__(self) -> None:
        self.records: list[VerdictRecord] = []

    async def keep(self, records: Sequence[VerdictRecord]) -> None:
        self.records += records


class BrokenStore(FakeStore):
    """Keeps nothing."""

    async def keep(self, records: Sequence[VerdictRecord]) -> None:
        raise OSError("disk full")


class SlowStore(FakeStore):
    """Keeps when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def keep(self, records: Sequence[VerdictRecord]) -> None:
        await self.release.wait()
        self.records += records


class FakeSink:
    """Remembers facts."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        return [(fact.action, fact.category) for fact in self.facts if isinstance(fact, VerdictGiven)]

    @property
    def failures(self) -> list[tuple[str, str]]:
        return [(fact.hook, fact.why) for fact in self.facts if isinstance(fact, EngineFailed)]
