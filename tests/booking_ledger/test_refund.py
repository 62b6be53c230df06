"""Refunds as sums: whatever the steps, each source gets back what it paid, and nobody gives too much."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gateway.booking.ledger.account import LedgerAccountId, cash_of, promo_of
from gateway.booking.ledger.position import Leg, Position, remaining
from gateway.booking.ledger.refund import Purse, plan, shares
from gateway.errors import InvariantBroken
from gateway.ids import AccountId, SessionId

pytestmark = pytest.mark.core

ANN, PIA = AccountId("acc_ann"), AccountId("acc_pia")
PENDING = LedgerAccountId("provider_pending:acc_pia")
MICROS = st.integers(0, 10**9)


def _leg(number: int, fee: int, earned: int, *, expires_wall_ns: int | None = None) -> Leg:
    source = promo_of(ANN, f"c{number}", expires_wall_ns=None).id if number else cash_of(ANN).id
    return Leg(
        source=source,
        is_promo=number > 0,
        expires_wall_ns=expires_wall_ns,
        fee_micros=fee,
        earned_micros=earned,
    )


def _position(*legs: Leg) -> Position:
    return Position(
        session=SessionId("ses_1"),
        settled_wall_ns=0,
        client=ANN,
        provider=PIA,
        legs=legs,
        pending_micros=0,
        reserved_micros=0,
    )


legs_of = st.lists(st.tuples(MICROS, MICROS), min_size=1, max_size=4).map(
    lambda pairs: tuple(_leg(number, *pair) for number, pair in enumerate(pairs))
)


@given(legs=legs_of, parts=st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
def test_any_steps_up_to_the_whole_give_each_source_what_it_paid(
    legs: tuple[Leg, ...], parts: list[int]
) -> None:
    left = legs
    for micros in [*parts, 4 * 10**10]:
        whole = sum(leg.micros for leg in left)
        if whole == 0:
            break
        asked = min(micros, whole)
        back = shares(left, asked)
        assert sum(part.micros for part in back) == asked
        for leg, part in zip(left, back, strict=True):
            assert 0 <= part.fee_micros <= leg.fee_micros
            assert 0 <= part.earned_micros <= leg.earned_micros
            assert abs(part.earned_micros * whole - leg.earned_micros * asked) < whole * 2 * len(legs)
        left = remaining(left, [(part.source, part.fee_micros, part.earned_micros) for part in back])
    assert sum(leg.micros for leg in left) == 0


def test_odd_micros_come_off_the_fee() -> None:
    (part,) = shares([_leg(0, 5, 5)], 3)
    assert (part.fee_micros, part.earned_micros) == (2, 1)


@pytest.mark.parametrize("micros", [0, -1, 11])
def test_a_refund_is_more_than_nothing_and_at_most_what_is_left(micros: int) -> None:
    with pytest.raises(InvariantBroken):
        shares([_leg(0, 5, 5)], micros)


@given(legs=legs_of, purse=MICROS, expired=st.booleans())
def test_what_the_purses_do_not_have_is_written_off(legs: tuple[Leg, ...], purse: int, expired: bool) -> None:
    whole = sum(leg.micros for leg in legs)
    if whole == 0:
        return
    made = plan(
        "r1",
        _position(*legs),
        micros=whole,
        purses=[Purse(account=PENDING, micros=purse)],
        now_wall_ns=int(expired),
    )
    assert sum(transfer.micros for transfer in made.transfers) == whole
    assert made.written_off == max(0, made.earned - purse)
    assert sum(each.micros for each in made.transfers if each.debit == PENDING) == min(purse, made.earned)
    assert len({transfer.id for transfer in made.transfers}) == len(made.transfers)


def test_a_part_of_an_expired_grant_ends_at_promo_cost() -> None:
    grant = _leg(1, 2, 8, expires_wall_ns=100)
    for now_wall_ns, target in ((99, grant.source), (100, "promo_cost")):
        made = plan("r1", _position(grant), micros=10, purses=[], now_wall_ns=now_wall_ns)
        assert {transfer.credit for transfer in made.transfers} == {target}
        assert (made.promo, made.lapsed) == ((10, 0) if now_wall_ns == 99 else (0, 10))
