"""Which of several verdicts stand, which takes effect, and what a mask covers."""

import pytest

from gateway.moderation.verdict import Action, Category, Source, decisive, masked, severest
from tests.moderation.fakes import verdict

pytestmark = pytest.mark.core

SEVERITY_ORDER = [
    "allow",
    "flag",
    "mask",
    "bounce",
    "hold",
    "block",
    "mute",
    "freeze",
    "terminate",
    "suspend",
]

# what was said (judge:action:category) | what stands, severest first | what takes effect
MERGING = """
                                                            |                                         | -
rule:allow:abuse                                            | allow:abuse                             | allow:abuse
rule:flag:abuse   rule:mask:abuse                           | mask:abuse                              | mask:abuse
rule:mask:abuse   rule:flag:abuse                           | mask:abuse                              | mask:abuse
rule:flag:abuse   hook:block:contact                        | block:contact flag:abuse                | block:contact
rule:hold:threat  rule:terminate:minors  rule:mask:threat   | terminate:minors hold:threat            | terminate:minors
rule:block:abuse  human:allow:abuse                         | block:abuse allow:abuse                 | allow:abuse
rule:block:abuse  human:allow:abuse  rule:mask:contact      | block:abuse mask:contact allow:abuse    | mask:contact
rule:allow:abuse  human:suspend:abuse                       | suspend:abuse allow:abuse               | suspend:abuse
model:freeze:abuse  model:mute:abuse                        | freeze:abuse                            | freeze:abuse
"""


@pytest.mark.parametrize("row", MERGING.strip("\n").splitlines())
def test_the_severest_verdict_per_category_stands_and_a_person_outranks_the_machine(row: str) -> None:
    said, stands, takes_effect = (cell.strip() for cell in row.split("|"))
    verdicts = []
    for one in said.split():
        source, action, category = one.split(":")
        verdicts.append(verdict(Action(action), Category(category), source=Source(source)))

    standing = severest(verdicts)
    taken = decisive(verdicts)

    assert " ".join(f"{one.action}:{one.category}" for one in standing) == " ".join(stands.split())
    assert (f"{taken.action}:{taken.category}" if taken else "-") == takes_effect


def test_actions_rank_from_allow_to_suspend() -> None:
    assert [action.value for action in sorted(Action, key=lambda action: action.rank)] == SEVERITY_ORDER


@pytest.mark.parametrize("milder", list(Action)[:-1])
def test_every_action_gives_way_to_the_next_severer_one(milder: Action) -> None:
    severer = list(Action)[milder.rank + 1]

    (standing,) = severest([verdict(milder, severity=4), verdict(severer, severity=1)])

    assert standing.action is severer


def test_among_equal_actions_the_higher_severity_stands_then_the_higher_confidence() -> None:
    unsure = verdict(Action.MASK, severity=2, confidence_permille=400)
    sure = verdict(Action.MASK, severity=2, confidence_permille=900)
    mild = verdict(Action.MASK, severity=1)

    assert severest([mild, unsure, sure]) == (sure,)


def test_among_equals_the_first_stands() -> None:
    first, second = verdict(Action.MASK, rule="first"), verdict(Action.MASK, rule="second")

    assert severest([first, second]) == (first,)


@pytest.mark.parametrize(("severity", "confidence"), [(0, 500), (5, 500), (1, -1), (1, 1001)])
def test_a_verdict_with_meaningless_numbers_is_refused(severity: int, confidence: int) -> None:
    with pytest.raises(ValueError, match="is not"):
        verdict(Action.FLAG, severity=severity, confidence_permille=confidence)


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("call 123 now", ((5, 8),), "call *** now"),
        ("ab cd", ((0, 5),), "** **"),
        ("overlapping", ((0, 4), (2, 6)), "******pping"),
        ("all of it", (), "*** ** **"),
        ("short", ((3, 99),), "sho**"),
        ("加我微信吧", ((0, 4),), "****吧"),
    ],
)
def test_a_mask_covers_its_spans_and_keeps_white_space(
    text: str, spans: tuple[tuple[int, int], ...], expected: str
) -> None:
    assert masked(text, [verdict(Action.MASK, spans=spans)]) == expected


def test_only_mask_verdicts_cover_and_all_of_them_do() -> None:
    verdicts = [
        verdict(Action.FLAG, spans=((0, 9),)),
        verdict(Action.MASK, Category.ABUSE, spans=((0, 1),)),
        verdict(Action.MASK, Category.CONTACT, spans=((8, 9),)),
    ]

    assert masked("123456789", verdicts) == "*2345678*"
