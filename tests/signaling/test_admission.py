"""Who may do what in which session."""

import pytest

from gateway.ids import AccountId, SessionId
from gateway.signaling.admission import may_invite, may_read, side_of
from gateway.signaling.outcome import SENTENCES, Outcome
from gateway.terms import Principal, Role, Side

pytestmark = pytest.mark.core

SESSION = SessionId("ses_1")
ANN, BOB = AccountId("acc_ann"), AccountId("acc_bob")


def principal(account: str, *roles: Role, session: str | None = None) -> Principal:
    return Principal(
        account=AccountId(account),
        roles=frozenset(roles),
        expires_at_s=1,
        session=SessionId(session) if session else None,
    )


@pytest.mark.parametrize(
    ("who", "side", "is_read"),
    [
        (principal("acc_ann", Role.CLIENT), Side.CLIENT, True),
        (principal("acc_bob", Role.PROVIDER), Side.PROVIDER, True),
        (principal("acc_bob", Role.CLIENT), Side.PROVIDER, True),
        (principal("acc_eve", Role.CLIENT, Role.PROVIDER), None, False),
        (principal("acc_eve", Role.OPERATOR), None, True),
        (principal("acc_eve", Role.INTEGRATOR), None, False),
        (principal("acc_ann", Role.CLIENT, session="ses_1"), Side.CLIENT, True),
        (principal("acc_ann", Role.CLIENT, session="ses_2"), None, False),
    ],
)
def test_the_account_decides_the_side_and_only_operators_read_what_is_not_theirs(
    who: Principal, side: Side | None, is_read: bool
) -> None:
    assert side_of(who, session=SESSION, client=ANN, provider=BOB) is side
    assert may_read(who, session=SESSION, client=ANN, provider=BOB) is is_read


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        (principal("acc_ann", Role.CLIENT), Outcome.DONE),
        (principal("acc_ann", Role.CLIENT, Role.PROVIDER), Outcome.DONE),
        (principal("acc_ann", Role.PROVIDER), Outcome.FORBIDDEN),
        (principal("acc_ann", Role.OPERATOR), Outcome.FORBIDDEN),
        (principal("acc_ann", Role.CLIENT, session="ses_1"), Outcome.FORBIDDEN),
        (principal("acc_bob", Role.CLIENT), Outcome.FORBIDDEN),
    ],
)
def test_only_a_client_calls_and_never_himself(who: Principal, outcome: Outcome) -> None:
    assert may_invite(who, BOB) is outcome


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_sentences(outcome: Outcome) -> None:
    title, detail = SENTENCES[outcome]

    assert title
    assert detail or outcome is Outcome.DONE
