"""The shipped list loads, judges and lets ordinary talk pass."""

from pathlib import Path

import pytest

from gateway.moderation.adapters.hook_terms import TermsHook, load_ruleset
from gateway.moderation.term_list import RulesetRefused
from gateway.moderation.verdict import decisive, masked
from tests.moderation.fakes import sample

pytestmark = pytest.mark.adapter

# a line | what becomes of it | why
JUDGED = """
你好，今天怎么样                     | -          | -
How do I top up my wallet?           | -          | -
加我微信 sunny_2024 吧               | mask       | contact
我的电话 １３８ １２３４ ５６７８     | mask       | contact
Add me on WhatsApp please            | mask       | contact
私下转账给你便宜                     | block      | payment
just venmo me                        | block      | payment
我迟早弄死你                         | block      | threat
I will kill you                      | block      | threat
我今年才15岁                         | terminate  | minors
I'm only 14 years old                | terminate  | minors
我真的不想活了                       | flag       | self_harm
you asshole                          | mask       | abuse
傻逼，加我vx                         | mask       | contact
"""


@pytest.mark.parametrize("row", JUDGED.strip("\n").splitlines())
async def test_the_shipped_list_judges_as_it_was_reviewed(row: str) -> None:
    text, action, category = (cell.strip() for cell in row.split("|"))
    hook = TermsHook(load_ruleset())

    taken = decisive(await hook.judge(sample(text)))

    assert (taken.action.value if taken else "-") == action
    assert (taken.category.value if taken else "-") == category


async def test_every_leak_of_a_line_is_covered() -> None:
    text = "加我微信 sunny_2024，或者打 138-1234-5678，傻 逼"
    hook = TermsHook(load_ruleset())

    covered = masked(text, await hook.judge(sample(text)))

    assert covered == "**** **********，或者打 *************，* *"


async def test_the_hook_speaks_of_what_its_rules_speak_of() -> None:
    ruleset = load_ruleset()

    hook = TermsHook(ruleset)

    assert hook.name == "terms"
    assert hook.categories == ruleset.categories


def test_an_operators_own_file_is_used(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'version = "own"\n[[rule]]\nid = "x"\ncategory = "abuse"\naction = "flag"\nseverity = 1\nnote = "n"\n'
        'terms = ["xyzzy"]\nmatches = ["xyzzy"]\npasses = ["plugh"]\n'
    )

    assert load_ruleset(own).version == "own"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RulesetRefused, match="cannot be read"):
        load_ruleset(path)
