import pytest

from gateway.booking.people.account import Account, guest_nickname, is_good_text
from gateway.errors import InvariantBroken
from gateway.ids import AccountId
from gateway.terms import Role

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "is_empty_good", "is_good"),
    [
        ("林夕", False, True),
        ("Kenji Mori", False, True),
        ("x" * 10, False, True),
        ("x" * 11, False, False),
        ("", False, False),
        ("", True, True),
        (" Ann", False, False),
        ("Ann\nBob", False, False),
        ("Ann\u202eBob", False, False),
        ("\u200b", False, False),
    ],
)
def test_only_text_that_can_be_shown_on_one_line_is_good(
    text: str, is_empty_good: bool, is_good: bool
) -> None:
    assert is_good_text(text, characters_max=10, is_empty_good=is_empty_good) == is_good


def test_a_guest_is_named_by_drawn_digits() -> None:
    assert guest_nickname("482199") == "Guest 4821"


@pytest.mark.parametrize("roles", [frozenset[Role](), frozenset({Role.OPERATOR, Role.CLIENT})])
def test_an_account_has_a_role_and_an_operator_no_other(roles: frozenset[Role]) -> None:
    with pytest.raises(InvariantBroken):
        Account(id=AccountId("acc_1"), nickname="Ann", roles=roles)
