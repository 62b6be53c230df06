"""A moderator's answer about one sample, and what several answers come to.

Decides the order of actions, which verdicts stand where several speak of one
category, which of them takes effect, and what a masked text looks like.
Never acts: effects on the conversation and on the meter are signalling's.
Keeps: a machine's and a person's verdicts apart; spans count in the text as it
was written. See docs/moderation.md, "one verdict type".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What should become of a sample, from mildest to severest."""

    ALLOW = "allow"
    """Deliver as it is."""
    FLAG = "flag"
    """Deliver; a person looks at it afterwards."""
    MASK = "mask"
    """Deliver with the offending part covered."""
    BOUNCE = "bounce"
    """Do not deliver; the sender may word it differently."""
    HOLD = "hold"
    """Do not deliver until somebody has judged."""
    BLOCK = "block"
    """Do not deliver."""
    MUTE = "mute"
    """Block, and forward nothing further of the sender."""
    FREEZE = "freeze"
    """Block, and stop forwarding and the meter until an operator resumes."""
    TERMINATE = "terminate"
    """Block, and end the session."""
    SUSPEND = "suspend"
    """Terminate, and keep the account from new sessions."""

    @property
    def rank(self) -> int:
        """Place in the order of severity, 0 = mildest."""
        return _RANKS[self]


_RANKS = {action: rank for rank, action in enumerate(Action)}


class Category(StrEnum):
    """What a verdict is about."""

    CONTACT = "contact"
    """Ways to meet outside the gateway."""
    PAYMENT = "payment"
    """Ways to pay outside the gateway."""
    ABUSE = "abuse"
    """Insults and swearing."""
    THREAT = "threat"
    """Announced violence or stalking."""
    SEXUAL = "sexual"
    """Sexual solicitation."""
    SELF_HARM = "self_harm"
    """Somebody may be in danger from themselves."""
    MINORS = "minors"
    """A child takes part, or is sexualised."""
    UNJUDGED = "unjudged"
    """Nobody could judge; says nothing about the sample."""


class Source(StrEnum):
    """Who judged."""

    RULE = "rule"
    """A rule of a reviewed rule file."""
    HOOK = "hook"
    """A hook without a rule of ours, or its failure."""
    MODEL = "model"
    """A trained classifier."""
    HUMAN = "human"
    """A moderator."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A part of a text, in code points of the text as written."""

    start: int
    """First code point that belongs to it."""
    end: int
    """First code point after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One answer about one sample."""

    action: Action
    category: Category
    severity: int
    """1 (nuisance) to 4 (somebody may come to harm)."""
    confidence_permille: int
    """How sure the judge is; 1000 for a rule that matched."""
    rule: str
    """The rule's id, or the hook's own name for its reason."""
    ruleset: str
    """Version of the rule file or model."""
    source: Source
    spans: tuple[Span, ...] = ()
    """The offending parts; empty = the sample as a whole."""
    evidence: str | None = None
    """Where the evidence is kept, if it was kept."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 1 <= self.severity <= 4:
            raise ValueError(f"severity {self.severity} is not 1 to 4")
        if not 0 <= self.confidence_permille <= 1000:
            raise ValueError(f"confidence {self.confidence_permille} is not 0 to 1000 permille")

    @property
    def is_human(self) -> bool:
        """Whether a person judged."""
        return self.source is Source.HUMAN

    @property
    def weight(self) -> tuple[int, int, int]:
        """What verdicts are compared by: action, then severity, then confidence."""
        return (self.action.rank, self.severity, self.confidence_permille)


def severest(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The severest verdict of each category, machine's and people's apart, severest first.

    Among equals the first given stands.
    """
    kept: dict[tuple[Category, bool], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.category, verdict.is_human)
        if key not in kept or verdict.weight > kept[key].weight:
            kept[key] = verdict
    return tuple(sorted(kept.values(), key=lambda verdict: verdict.weight, reverse=True))


def decisive(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that takes effect, None where nobody judged.

    In each category a person outranks the machine; then the severest category wins.
    """
    standing = severest(verdicts)
    judged_by_people = {verdict.category for verdict in standing if verdict.is_human}
    for verdict in standing:
        if verdict.is_human or verdict.category not in judged_by_people:
            return verdict
    return None


def masked(text: str, verdicts: Sequence[Verdict]) -> str:
    """`text` with the spans of every MASK verdict covered by `*`, white space kept.

    A MASK verdict without spans covers everything: it cannot say what is harmless.
    """
    covered = [False] * len(text)
    for verdict in verdicts:
        if verdict.action is not Action.MASK:
            continue
        for span in verdict.spans or (Span(start=0, end=len(text)),):
            for at in range(max(span.start, 0), min(span.end, len(text))):
                covered[at] = True
    return "".join(
        "*" if is_covered and not letter.isspace() else letter
        for letter, is_covered in zip(text, covered, strict=True)
    )
