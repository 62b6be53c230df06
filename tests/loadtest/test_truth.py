"""A receipt counts neither more nor fewer seconds than there were."""

import pytest

from gateway.sdk.receipt import problems_of
from loadtest.truth import Told, faults

pytestmark = pytest.mark.core

RECEIPT = {"billed_s": 7, "free_s": 3}
NOT_SIGNED = problems_of(RECEIPT)


def told(least_s: int, most_s: int) -> list[str]:
    return [
        fault
        for fault in faults(Told(receipt=RECEIPT, least_s=least_s, most_s=most_s))
        if fault not in NOT_SIGNED
    ]


@pytest.mark.parametrize(("least_s", "most_s"), [(10, 10), (9, 10), (10, 11)])
def test_free_and_billed_seconds_together_are_the_truth(least_s, most_s):
    assert told(least_s, most_s) == []


@pytest.mark.parametrize(("least_s", "most_s"), [(11, 11), (9, 9), (11, 12)])
def test_a_second_too_few_or_too_many_is_a_fault(least_s, most_s):
    assert told(least_s, most_s) == [f"10 s counted, {least_s} to {most_s} s were metered"]


@pytest.mark.parametrize(
    ("early_ns", "found"),
    [(0, []), (-5, []), (31_250_000, ["counted from 0.031 s before both had confirmed"])],
)
def test_a_second_that_began_before_both_confirmed_is_a_fault(early_ns, found):
    told = Told(receipt=RECEIPT, least_s=10, most_s=10, early_ns=early_ns)

    assert [fault for fault in faults(told) if fault not in NOT_SIGNED] == found


def test_a_receipt_that_does_not_hold_is_a_fault_whatever_it_counts():
    assert NOT_SIGNED
    assert faults(Told(receipt=RECEIPT, least_s=10, most_s=10)) == NOT_SIGNED


def test_a_call_without_a_receipt_is_a_fault():
    assert faults(Told(receipt=None, least_s=0, most_s=0)) == ["ended without a receipt"]
