"""A reviewed list of terms and patterns, and what it finds in a text.

Decides what a rule file may say, refuses a file that is wrong in any part or
whose own test vectors fail, and turns matches into verdicts in original offsets.
Never reads files (adapters/hook_terms.py) and never acts.
Keeps: everything is compiled once; a text is folded once per view; a rule that
loads matches all its `matches` and none of its `passes`, and no rule matches a
line of the file's `clean`. Docs: docs/moderation.md, "rules".
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import Unprocessable
from gateway.moderation.verdict import Action, Category, Source, Span, Verdict
from gateway.moderation.view import VIEWS, View

SPANS_PER_RULE_MAX = 32
"""Spans of one rule that one verdict keeps; beyond it the whole sample counts as meant."""
_RULE_KEYS = {
    "id",
    "category",
    "action",
    "severity",
    "note",
    "views",
    "terms",
    "patterns",
    "matches",
    "passes",
}
_FILE_KEYS = {"version", "clean", "rule"}


class RulesetRefused(Unprocessable):
    """A rule file says something that cannot be, or fails its own test vectors."""

    code, title = "ruleset_refused", "The rule file is not acceptable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reviewed rule."""

    id: str
    category: Category
    action: Action
    severity: int
    """1 to 4, as a verdict has it."""
    note: str
    """Why the rule is there, for moderators."""
    views: tuple[str, ...]
    """Names of the views it looks at."""
    pattern: re.Pattern[str]
    """Its terms and patterns as one."""
    matches: tuple[str, ...]
    """Lines it must find."""
    passes: tuple[str, ...]
    """Lines it must not find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """A rule file that proved itself."""

    version: str
    rules: tuple[Rule, ...]

    @property
    def categories(self) -> frozenset[Category]:
        """Everything its rules speak of."""
        return frozenset(rule.category for rule in self.rules)

    def judge(self, text: str) -> tuple[Verdict, ...]:
        """One verdict per rule that matches, in the file's order."""
        views = {name: fold(text) for name, fold in VIEWS.items()}
        found: list[Verdict] = []
        for rule in self.rules:
            spans = [span for name in rule.views for span in _spans(rule, views[name])]
            if spans:
                found.append(_verdict(rule, self.version, spans))
        return tuple(found)


def read_ruleset(toml: str) -> Ruleset:
    """The rule set that a TOML text describes, proven by its own vectors.

    Raises:
        RulesetRefused: not TOML, an unknown or missing key, a bad value, a failed vector.
    """
    try:
        document = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as failure:
        raise RulesetRefused(f"not TOML: {failure}") from failure
    _refuse_unknown(document, _FILE_KEYS, "the file")
    ruleset = Ruleset(
        version=_text(document, "version", "the file"),
        rules=tuple(_rule(entry) for entry in _tables(document)),
    )
    ids = [rule.id for rule in ruleset.rules]
    if len(set(ids)) != len(ids):
        raise RulesetRefused(f"rule ids repeat: {sorted({one for one in ids if ids.count(one) > 1})}")
    _prove(ruleset, clean=_texts(document, "clean", "the file"))
    return ruleset


def _spans(rule: Rule, view: View) -> list[Span]:
    return [view.origin(match.start(), match.end()) for match in rule.pattern.finditer(view.text)]


def _verdict(rule: Rule, version: str, spans: list[Span]) -> Verdict:
    distinct = tuple(sorted(set(spans)))
    return Verdict(
        action=rule.action,
        category=rule.category,
        severity=rule.severity,
        confidence_permille=1000,
        rule=rule.id,
        ruleset=version,
        source=Source.RULE,
        spans=distinct if len(distinct) <= SPANS_PER_RULE_MAX else (),
    )


def _prove(ruleset: Ruleset, *, clean: Sequence[str]) -> None:
    """Run every vector; all failures are named at once."""
    failures: list[str] = []
    for rule in ruleset.rules:
        alone = Ruleset(version=ruleset.version, rules=(rule,))
        failures += [f"{rule.id} misses {line!r}" for line in rule.matches if not alone.judge(line)]
        failures += [f"{rule.id} finds {line!r}" for line in rule.passes if alone.judge(line)]
    for line in clean:
        failures += [f"{verdict.rule} finds the clean line {line!r}" for verdict in ruleset.judge(line)]
    if failures:
        raise RulesetRefused("test vectors fail: " + "; ".join(failures))


def _tables(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise RulesetRefused("the file has no [[rule]] tables")
    return tables


def _rule(entry: Mapping[str, Any]) -> Rule:
    where = f"rule {entry.get('id', '?')}"
    _refuse_unknown(entry, _RULE_KEYS, where)
    matches, passes = _texts(entry, "matches", where), _texts(entry, "passes", where)
    if not matches or not passes:
        raise RulesetRefused(f"{where} needs lines it matches and lines it passes")
    views = _texts(entry, "views", where) or ("plain",)
    if unknown := set(views) - VIEWS.keys():
        raise RulesetRefused(f"{where} names unknown views {sorted(unknown)}")
    severity = entry.get("severity")
    if type(severity) is not int or not 1 <= severity <= 4:
        raise RulesetRefused(f"{where} needs a severity of 1 to 4")
    try:
        category, action = Category(_text(entry, "category", where)), Action(_text(entry, "action", where))
    except ValueError as failure:
        raise RulesetRefused(f"{where}: {failure}") from failure
    return Rule(
        id=_text(entry, "id", where),
        category=category,
        action=action,
        severity=severity,
        note=_text(entry, "note", where),
        views=views,
        pattern=_compiled(_texts(entry, "terms", where), _texts(entry, "patterns", where), where),
        matches=matches,
        passes=passes,
    )


def _compiled(terms: Sequence[str], patterns: Sequence[str], where: str) -> re.Pattern[str]:
    """Terms and patterns as one alternation, longest term first."""
    if not terms and not patterns:
        raise RulesetRefused(f"{where} has neither terms nor patterns")
    choices = [_bounded(term) for term in sorted(terms, key=len, reverse=True)]
    choices += [f"(?:{pattern})" for pattern in patterns]
    try:
        compiled = re.compile("|".join(choices))
    except re.error as failure:
        raise RulesetRefused(f"{where} has a pattern that does not compile: {failure}") from failure
    if compiled.match(""):
        raise RulesetRefused(f"{where} has a pattern that matches nothing at all")
    return compiled


def _bounded(term: str) -> str:
    """A literal term; where it begins or ends with a Latin letter or digit, a word begins or ends there."""
    before = "(?<![a-z0-9])" if term[:1].isascii() and term[:1].isalnum() else ""
    after = "(?![a-z0-9])" if term[-1:].isascii() and term[-1:].isalnum() else ""
    return f"{before}{re.escape(term)}{after}"


def _refuse_unknown(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := entry.keys() - known:
        raise RulesetRefused(f"{where} has unknown keys {sorted(unknown)}")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise RulesetRefused(f"{where} needs {key}, a text")
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise RulesetRefused(f"{where}: {key} is a list of texts")
    return tuple(value)
