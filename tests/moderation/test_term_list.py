"""A rule file proves itself before it is used, and finds what it says."""

import re

import pytest

from gateway.moderation.term_list import SPANS_PER_RULE_MAX, RulesetRefused, read_ruleset
from gateway.moderation.verdict import Action, Category, Source, Span, masked

pytestmark = pytest.mark.core

GOOD = """
version = "1"
clean = ["a fine day"]
[[rule]]
id = "abuse.test"
category = "abuse"
action = "mask"
severity = 1
note = "For tests."
terms = ["darn", "笨蛋"]
patterns = ['heck\\w*']
matches = ["Darn it", "大笨蛋", "heckers"]
passes = ["darning socks"]
"""


def test_a_good_file_loads_with_its_version_and_categories() -> None:
    ruleset = read_ruleset(GOOD)

    assert ruleset.version == "1"
    assert ruleset.categories == {Category.ABUSE}


def test_a_match_becomes_a_verdict_with_spans_of_the_original() -> None:
    (verdict,) = read_ruleset(GOOD).judge("Ｄａｒｎ you 笨\u200b蛋")

    assert (verdict.action, verdict.category, verdict.rule) == (Action.MASK, Category.ABUSE, "abuse.test")
    assert (verdict.ruleset, verdict.source, verdict.confidence_permille) == ("1", Source.RULE, 1000)
    assert verdict.spans == (Span(start=0, end=4), Span(start=9, end=12))


def test_a_mask_covers_the_letters_as_they_were_written() -> None:
    text = "you ｄＡrN 笨\u200b蛋!"

    assert masked(text, read_ruleset(GOOD).judge(text)) == "you **** ***!"


def test_a_latin_term_is_a_whole_word_and_a_chinese_one_need_not_be() -> None:
    ruleset = read_ruleset(GOOD)

    assert not ruleset.judge("darned")
    assert ruleset.judge("darn加笨")
    assert ruleset.judge("你笨蛋啊")


def test_very_many_matches_mean_the_whole_line() -> None:
    (verdict,) = read_ruleset(GOOD).judge("darn " * (SPANS_PER_RULE_MAX + 1))

    assert verdict.spans == ()


@pytest.mark.parametrize(
    ("find", "replace", "complaint"),
    [
        ('matches = ["Darn it"', 'matches = ["good"', "abuse.test misses 'good'"),
        ('passes = ["darning socks"]', 'passes = ["darn"]', "abuse.test finds 'darn'"),
        ('clean = ["a fine day"]', 'clean = ["a darn day"]', "finds the clean line"),
        ('passes = ["darning socks"]', "passes = []", "needs lines"),
        ('"mask"', '"shout"', "shout"),
        ('"abuse"', '"rudeness"', "rudeness"),
        ("severity = 1", "severity = 5", "severity"),
        ("severity = 1", "severity = true", "severity"),
        ("'heck\\w*'", "'heck('", "does not compile"),
        ("'heck\\w*'", "'(heck)?'", "matches nothing at all"),
        ('note = "For tests."', 'nota = "For tests."', "unknown keys ['nota']"),
        ('note = "For tests."', 'views = ["pinyin"]\nnote = "x"', "unknown views ['pinyin']"),
        ('version = "1"', "version = 1", "version"),
        ('version = "1"', 'version = "1"\nowner = "x"', "unknown keys ['owner']"),
        ('terms = ["darn", "笨蛋"]', 'terms = "darn"', "list of texts"),
        ("[[rule]]", "[rule]", "no [[rule]] tables"),
        ("[[rule]]", "[[rule", "not TOML"),
    ],
)
def test_a_file_that_is_wrong_in_any_part_is_refused(find: str, replace: str, complaint: str) -> None:
    assert find in GOOD

    with pytest.raises(RulesetRefused, match=re.escape(complaint)):
        read_ruleset(GOOD.replace(find, replace, 1))


def test_all_failing_vectors_are_named_at_once() -> None:
    broken = GOOD.replace('"Darn it"', '"good"').replace('"darning socks"', '"darn"')

    with pytest.raises(RulesetRefused, match=r"misses 'good'.*finds 'darn'"):
        read_ruleset(broken)


def test_two_rules_of_one_id_are_refused() -> None:
    twice = GOOD + GOOD[GOOD.index("[[rule]]") :]

    with pytest.raises(RulesetRefused, match="repeat"):
        read_ruleset(twice)
