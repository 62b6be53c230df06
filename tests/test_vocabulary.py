"""The shared words: money, clock, ids, errors, work."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import NS, ManualClock, SystemClock, rfc3339
from gateway.errors import GatewayError, InvariantBroken, StoreDown, require
from gateway.ids import CountingIdSource, RandomIdSource, derived
from gateway.money import Money, floor_to_minor, micros_per_minor, split_fee, written
from gateway.work import together

NAMESPACE = "0e9a2f34-5a2c-5d0e-8b57-4b0a6f1f2a11"

pytestmark = pytest.mark.core


@given(st.integers(0, 10**15), st.integers(0, 10_000))
def test_a_split_sums_to_the_whole_and_the_fee_is_floored(total: int, fee_bp: int) -> None:
    fee, share = split_fee(total, fee_bp)

    assert fee + share == total
    assert fee * 10_000 <= total * fee_bp < (fee + 1) * 10_000


@pytest.mark.parametrize(
    ("micros", "currency", "floored"),
    [(1_234_567, "CNY", 1_230_000), (999_999, "JPY", 0), (1_234_567, "KWD", 1_234_000), (0, "USD", 0)],
)
def test_amounts_are_rounded_down_to_the_coin(micros: int, currency: str, floored: int) -> None:
    assert floor_to_minor(micros, currency) == floored
    assert floored % micros_per_minor(currency) == 0


def test_amounts_are_written_for_people() -> None:
    assert written(1_250_000, "CNY") == "1.25 CNY"
    assert written(-50_000, "CNY") == "-0.05 CNY"
    assert written(3_000_000, "JPY") == "3 JPY"
    assert written(1_234_567, "CNY") == "1.234567 CNY"
    assert Money(5, "CNY").wire() == {"micros": 5, "currency": "CNY"}


def test_nonsense_amounts_stop_the_program_even_without_assertions() -> None:
    with pytest.raises(InvariantBroken):
        floor_to_minor(-1, "CNY")
    with pytest.raises(InvariantBroken):
        split_fee(1, 10_001)
    with pytest.raises(InvariantBroken):
        micros_per_minor("XXX")
    with pytest.raises(InvariantBroken):
        require(False, "no")


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(monotonic_ns=0, wall_ns=0)
    clock.advance(seconds=2, ns=5)
    clock.step_wall(ns=7)

    assert (clock.monotonic_ns(), clock.wall_ns()) == (2 * NS + 5, 2 * NS + 12)


def test_the_system_clock_never_steps_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_ns() for _ in range(1000)]

    assert readings == sorted(readings)
    assert clock.boot_id


def test_instants_are_written_as_rfc_3339() -> None:
    assert rfc3339(1_790_000_000_123_456_789) == "2026-09-21T14:13:20.123Z"


def test_ids_say_what_they_name_and_derived_ones_repeat() -> None:
    source = RandomIdSource(ManualClock())

    assert source.new("ses").startswith("ses_")
    assert source.new("ses") != source.new("ses")
    assert re.fullmatch("rsm_[0-9a-f]{32}", source.token("rsm"))
    assert source.token("rsm") != source.token("rsm")
    assert [CountingIdSource().new("x") for _ in range(2)] == ["x_000001", "x_000001"]
    assert derived("ses_1", "hold", 1) == derived("ses_1", "hold", 1)
    assert derived("ses_1", "hold", 1) != derived("ses_1", "hold", 11)
    assert derived("a", "bc") != derived("ab", "c")


def test_a_fresh_id_is_a_uuid_of_its_millisecond() -> None:
    clock = ManualClock(wall_ns=1_790_000_000_123_456_789)
    made = uuid.UUID(RandomIdSource(clock).new("ses").removeprefix("ses_"))

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_790_000_000_123


def test_ids_sort_by_when_they_were_made_and_derived_ones_beside_their_root() -> None:
    clock = ManualClock(wall_ns=1_790_000_000_000_000_000)
    source, roots = RandomIdSource(clock), []
    for _ in range(50):
        roots.append(source.new("ses"))
        clock.advance(ns=1_000_000)
    holds = [derived(root, "hold", 1, 0) for root in roots]
    legs = [derived("leg", hold, 0) for hold in holds]

    assert roots == sorted(roots)
    assert holds == sorted(holds)
    assert legs == sorted(legs)
    assert {uuid.UUID(each).version for each in holds + legs} == {8}
    assert len({derived(roots[0], "hold", ordinal) for ordinal in range(1_000)}) == 1_000


def test_what_derives_from_ids_without_a_time_stays_what_it_was() -> None:
    """Commands that were given before ids had a time are known again."""
    assert derived("ses_1", "hold", 1) == str(uuid.uuid5(uuid.UUID(NAMESPACE), "ses_1\x1fhold\x1f1"))
    for old in (
        "ses_0f8b7c6d5e4f7a3b9c2d1e0f8a7b6c5d",
        "b0911c80-c619-51c6-9ebf-87114f25bd24",
        "019a1c80'; -;-7-;-8-;'-------------",
        "somebody's key of 36 letters; 7 or 8",
    ):
        assert derived("settle", old) == str(uuid.uuid5(uuid.UUID(NAMESPACE), f"settle\x1f{old}"))


def test_every_failure_has_a_code_a_status_and_a_sentence() -> None:
    pending, seen = [GatewayError], []
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        seen.append(kind)
        problem = kind("why", extra=1).problem()
        assert problem["type"].endswith(problem["code"])
        assert (problem["detail"], problem["extra"]) == ("why", 1)
        assert 400 <= problem["status"] <= 599
    assert StoreDown in seen
    codes = [kind.code for kind in seen]
    assert len(codes) == len(set(codes))


def test_works_run_in_order() -> None:
    done: list[int] = []

    together(lambda _tx: done.append(1), lambda _tx: done.append(2))(None)

    assert done == [1, 2]
