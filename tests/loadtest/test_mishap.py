"""What befalls whom is chosen by the seed, once for each call at most, inside the counted span."""

import pytest

from loadtest.crowd.mishap import EARLIEST, LATEST, MishapKind, Shares, mishaps

pytestmark = pytest.mark.core


def test_the_same_seed_chooses_the_same_people_and_another_seed_chooses_others():
    shares = Shares(roam=0.1, mute=0.1, kill=0.1)

    assert mishaps(50, shares, seed=1) == mishaps(50, shares, seed=1)
    assert mishaps(50, shares, seed=1) != mishaps(50, shares, seed=2)


def test_each_share_is_one_of_legs_and_no_call_meets_two_things():
    found = mishaps(100, Shares(roam=0.05, mute=0.1, kill=0.02), seed=3)

    counts = [sum(each.kind is kind for each in found) for kind in MishapKind]
    assert counts == [10, 20, 4]
    assert len({each.call for each in found}) == len(found)
    assert {each.side for each in found} == {0, 1}
    assert all(EARLIEST <= each.at <= LATEST for each in found)
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_a_share_of_very_few_calls_still_befalls_one_leg():
    (only,) = mishaps(2, Shares(kill=0.01), seed=1)

    assert only.kind is MishapKind.KILL


def test_nothing_happens_unless_it_is_asked_for():
    assert mishaps(10, Shares(), seed=1) == []


def test_more_mishaps_than_calls_are_refused():
    with pytest.raises(ValueError, match="12 legs are to meet something, in 10 calls"):
        mishaps(10, Shares(roam=0.3, kill=0.3), seed=1)
