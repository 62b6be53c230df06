"""What an audit found, and the notebook it is written down in.

Decides the figures of a verdict, what a complaint says and how the verdicts of
many worlds become one.
Never decides that something is wrong; the other files of this folder do.
Keeps true: a verdict is clean only if nothing was complained of, and the number of
complaints is counted in full although only the first are kept.
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

COMPLAINTS_MAX = 200
"""Complaints kept word for word; one fault can offend in every later second."""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The figures of an audit."""

    sessions: int = 0
    overbilled_s: int = 0
    """Seconds billed or used up as free that the truth does not allow."""
    overbilled_micros: int = 0
    """Charged above what the allowed seconds cost."""
    underbilled_s: int = 0
    """Seconds that the truth demands and that no receipt has, crashes aside."""
    underbilled_micros: int = 0
    """What was charged too little for the seconds on the receipt."""
    overdrafts: int = 0
    """Commands after which a guarded account was below zero, what is pending counted."""
    double_posts: int = 0
    """Money that moved twice for one cause."""
    unsettled: int = 0
    """Sessions and holds that are still open at the end."""
    drift_micros: int = 0
    """Sum of the differences between an account's counters and the replay of its transfers."""
    underbilled_s_per_crash_max: int = 0
    """Most fully witnessed seconds that one session lost in one crash."""
    warning_off_s_max: float = 0.0
    """Greatest difference between a warning's seconds and the true time left."""
    warnings: int = 0
    """Warnings looked at."""
    cuts: int = 0
    """Sessions that were ended by a limit and whose last second was looked at."""
    seconds: int = 0
    """Seconds judged against the truth."""
    transfers: int = 0
    """Ledger rows replayed."""
    states: set[str] = field(default_factory=set)
    end_reasons: set[str] = field(default_factory=set)
    rules: Counter[str] = field(default_factory=Counter)
    """How often each rule was broken."""
    complaints: list[str] = field(default_factory=list)
    """The first of them, each a sentence with rule, session, instant, expected and found."""

    @property
    def is_clean(self) -> bool:
        """Nothing was found."""
        return not self.rules

    def complain(
        self,
        rule: str,
        *,
        session: str | None = None,
        at_ns: int | None = None,
        expected: object,
        found: object,
    ) -> None:
        """Write down that a rule is broken."""
        self.rules[rule] += 1
        if len(self.complaints) < COMPLAINTS_MAX:
            when = f" at {at_ns / 1e9:.3f} s" if at_ns is not None else ""
            what = f"expected {expected}, found {found}"
            self.complaints.append(f"{rule}: {session or 'ledger'}{when}: {what}")

    def merge(self, other: "Verdict") -> None:
        """Add another world's verdict to this one."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.name == "complaints":
                mine.extend(theirs[: COMPLAINTS_MAX - len(mine)])
            elif isinstance(mine, (set, Counter)):
                mine.update(theirs)
            elif each.name.endswith("_max"):
                setattr(self, each.name, max(mine, theirs))
            else:
                setattr(self, each.name, mine + theirs)

    def as_json(self) -> dict[str, Any]:
        """Plain values, sets in order."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, set):
                value = sorted(value)
            elif isinstance(value, Counter):
                value = dict(sorted(value.items()))
            found[each.name] = value
        found["ok"] = self.is_clean
        return found
