"""The in-process hook: the reviewed term list, read from a file.

Decides where the rule file comes from (an operator's path, else the one the
package ships) and maps a file that cannot be read to `RulesetRefused`.
Never judges by itself: `term_list.py` does, and the whole pass is short enough
for the event loop (about 0.1 ms for an ordinary line, a few ms for the longest).
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from gateway.moderation.sample import TextSample
from gateway.moderation.term_list import Ruleset, RulesetRefused, read_ruleset
from gateway.moderation.verdict import Category, Verdict


def load_ruleset(path: Path | None = None) -> Ruleset:
    """The rule set at `path`, or the shipped one.

    Raises:
        RulesetRefused: the file cannot be read, or is wrong in any part.
    """
    source = path or resources.files("gateway.moderation") / "rules" / "terms.toml"
    try:
        return read_ruleset(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise RulesetRefused(f"{source} cannot be read: {failure}") from failure


class TermsHook:
    """The term list as a hook."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset

    @property
    def name(self) -> str:
        """`terms`."""
        return "terms"

    @property
    def categories(self) -> frozenset[Category]:
        """Everything the list's rules speak of."""
        return self._ruleset.categories

    async def judge(self, sample: TextSample) -> Sequence[Verdict]:
        """One verdict per rule that finds something."""
        return self._ruleset.judge(sample.text)
