"""What two legs saw of a session, compared with what its evidence says."""

import json
import struct
from types import SimpleNamespace

import pytest

from loadtest.crash.diary import Story, compared, witnessed_ns

pytestmark = pytest.mark.core

S = 1_000_000_000
BEGAN = 500 * S
BILLED, UNWITNESSED = 0, 3


def story_of(*, acked: dict[int, int], life: int = 1, hits: tuple[int, ...] = (1,)) -> Story:
    """A session whose ticks came and were acknowledged `acked[tick]` after the end of their second."""
    story = Story(session="ses", hits=list(hits))
    for side in ("client", "provider"):
        for tick, delay_ns in acked.items():
            at_ns = BEGAN + tick * S + delay_ns
            story.tick(life, side, tick, at_ns)
            story.acked(life, side, tick, at_ns)
    hear(story, BEGAN, BEGAN + 60 * S)
    return story


def hear(story: Story, from_ns: int, until_ns: int) -> None:
    """Both legs heard each other all that time."""
    for legs in story.legs.values():
        legs[:] = [SimpleNamespace(heard_at_ns=from_ns, last_heard_ns=until_ns)]


def evidence(*findings: tuple[int, int]) -> bytes:
    """A bundle of (tick, finding)."""
    slots = [
        struct.pack(">BBBBBBIQQIIIIII", 0x53, 1, finding, 3, 3, 0, tick, BEGAN + tick * S, 0, *(0,) * 6)
        for tick, finding in findings
    ]
    return json.dumps({"entries": [slot.hex() for slot in slots]}).encode()


def judged(story: Story, bundle: bytes, *, killed_after_s: float):
    return compared([story], {"ses": bundle}, {1: BEGAN + int(killed_after_s * S)})


def test_seconds_that_are_all_on_record_are_not_lost():
    story = story_of(acked={1: 5_000_000, 2: 5_000_000})
    found = judged(story, evidence((1, BILLED), (2, BILLED)), killed_after_s=2.9)
    assert (found.hits, found.lost_s_max, found.beyond_s) == (1, 0, 0)


def test_a_second_that_both_acknowledged_and_nobody_wrote_down_is_lost():
    story = story_of(acked={1: 5_000_000, 2: 5_000_000})
    found = judged(story, evidence((1, BILLED)), killed_after_s=2.9)
    assert (found.lost_s_max, found.problems) == (1, ())


def test_two_lost_seconds_are_a_fault():
    story = story_of(acked={1: 5_000_000, 2: 5_000_000, 3: 5_000_000})
    found = judged(story, evidence((1, BILLED)), killed_after_s=3.9)
    assert found.lost_s_max == 2
    assert len(found.problems) == 1


def test_an_unwitnessed_second_that_both_acknowledged_is_lost_too():
    story = story_of(acked={1: 5_000_000})
    found = judged(story, evidence((1, UNWITNESSED)), killed_after_s=1.9)
    assert found.lost_s_max == 1


def test_an_acknowledgement_still_on_its_way_at_the_kill_does_not_count():
    story = story_of(acked={1: 5_000_000, 2: 800_000_000})
    found = judged(story, evidence((1, BILLED)), killed_after_s=2.9)
    assert found.lost_s_max == 0


def test_a_second_that_only_one_app_acknowledged_does_not_count():
    story = story_of(acked={1: 5_000_000})
    story.tick(1, "client", 2, BEGAN + 2 * S)
    story.acked(1, "client", 2, BEGAN + 2 * S)
    found = judged(story, evidence((1, BILLED)), killed_after_s=2.9)
    assert found.lost_s_max == 0


def test_a_second_billed_while_the_legs_did_not_hear_each_other_is_found():
    story = story_of(acked={1: 5_000_000, 2: 5_000_000})
    hear(story, BEGAN, BEGAN + S + S // 2)
    found = judged(story, evidence((1, BILLED), (2, BILLED)), killed_after_s=2.9)
    assert found.beyond_s == 1


def test_a_second_of_the_gap_between_two_legs_is_not_heard():
    story = story_of(acked={1: 5_000_000})
    for legs in story.legs.values():
        legs[:] = [
            SimpleNamespace(heard_at_ns=BEGAN, last_heard_ns=BEGAN + S),
            SimpleNamespace(heard_at_ns=BEGAN + 4 * S, last_heard_ns=BEGAN + 9 * S),
        ]
    found = judged(story, evidence((1, BILLED), (3, BILLED), (5, BILLED)), killed_after_s=1.9)
    assert found.beyond_s == 1


def test_evidence_names_seconds_by_the_instant_they_ended_at():
    assert witnessed_ns(evidence((1, BILLED), (2, UNWITNESSED))) == {BEGAN + S}
