import pytest

from gateway.http.access import ROLES_OF, is_within_session, may_call
from gateway.http.route import Access
from gateway.terms import Role
from tests.http.stand import principal

pytestmark = pytest.mark.core

OPEN = {
    Access.PUBLIC: "",
    Access.SIGNED_IN: "client provider operator",
    Access.CLIENT: "client",
    Access.PROVIDER: "provider",
    Access.OPERATOR: "operator",
    Access.INTEGRATOR: "integrator",
}


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_the_table_says_and_nothing_else(access: Access, role: Role) -> None:
    assert may_call(access, principal(role)) == (role.value in OPEN[access].split())


def test_every_access_has_a_row() -> None:
    assert set(ROLES_OF) == set(Access)


@pytest.mark.parametrize(
    ("session", "path", "is_within"),
    [
        (None, {"session_id": "ses_1"}, True),
        (None, {}, True),
        ("ses_1", {"session_id": "ses_1"}, True),
        ("ses_1", {"session_id": "ses_2"}, False),
        ("ses_1", {"provider_id": "acc_1"}, False),
        ("ses_1", {}, False),
    ],
)
def test_a_token_for_one_session_stays_within_it(
    session: str | None, path: dict[str, str], is_within: bool
) -> None:
    assert is_within_session(principal(Role.CLIENT, session=session), path) == is_within
