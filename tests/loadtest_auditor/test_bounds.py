"""Which seconds may and must be billed: worlds drawn second by second, `#` for evidence and `.` for none."""

import pytest

from loadtest.auditor import truth
from loadtest.auditor.bounds import bounds
from loadtest.auditor.entries import START, Anchor
from loadtest.auditor.span import Cover
from loadtest.auditor.world import World
from tests.loadtest_auditor.staged import BEGIN_S, NS, WALL_NS, terms

pytestmark = pytest.mark.core

# What happens in each second from the first grid point on, four witnesses; then what may be billed (m)
# and must (M). Packets end somewhere in a flow's last quarter second, so the second in which it ends only may be.
WORLDS = {
    "all is well": """
        client rtp    ############
        provider rtp  ############
        client app    ############
        provider app  ############
        seconds       MMMMMMMMMMMm""",
    "a gap of seven seconds is bridged": """
        client rtp    ###.......######
        provider rtp  ################
        client app    ################
        provider app  ################
        seconds       MMMMMMMMMMMMMMMm""",
    "of a gap of nine seconds nothing is billed": """
        client rtp    ###.........######
        provider rtp  ##################
        client app    ##################
        provider app  ##################
        seconds       MMm.........mMMMMm""",
    "what no far bracket follows is free": """
        client rtp    ######......
        provider rtp  ############
        client app    ############
        provider app  ############
        seconds       MMMMMm......""",
    "an app that is silent for thirteen seconds is bridged": """
        client rtp    ##################
        provider rtp  ##################
        client app    ##............####
        provider app  ##################
        seconds       MMMMMMMMMMMMMMMMMm""",
    "an app that is silent for seventeen seconds is not": """
        client rtp    ####################
        provider rtp  ####################
        client app    ##................##
        provider app  ####################
        seconds       MM.................m""",
}


def staged(picture: str) -> tuple[World, list[Anchor], str]:
    """The picture as a world."""
    rows = dict(line.strip().rsplit(maxsplit=1) for line in picture.strip().split("\n"))
    world, begin = World(), BEGIN_S * NS
    world.hear(
        truth.Asked(
            at_ns=1, session="s", client="c", provider="p", kind="voice", tariff=terms(), fee_bp=0,
            duration_s_max=9_999, slot_ends_wall_ns=None,
        )
    )  # fmt: skip
    for side in ("client", "provider"):
        world.hear(truth.Confirmed(at_ns=begin - NS // 2, session="s", side=side))
        was = "."
        for index, mark in enumerate(rows[f"{side} rtp"] + "."):
            if mark != was:
                at_ns = begin - 3 * NS if index == 0 else begin + index * NS
                world.hear(truth.Flow(at_ns=at_ns, session="s", side=side, plane="rtp", is_on=mark == "#"))
            was = mark
        for index, mark in enumerate(rows[f"{side} app"], 1):
            if mark == "#":
                at_ns = begin + index * NS + NS // 10
                world.hear(truth.Acked(at_ns=at_ns, session="s", side=side, tick=index))
    anchors = [Anchor(START, 0, 0, begin, WALL_NS, b"")]
    return world, anchors, rows["seconds"]


@pytest.mark.parametrize("name", WORLDS)
def test_a_drawn_world_is_bounded_as_drawn(name: str) -> None:
    world, anchors, expected = staged(WORLDS[name])
    found = bounds(world.lives["s"], world, anchors, [])
    may, must = Cover(found.may), Cover(found.must)
    drawn = ""
    for index in range(len(expected)):
        begin = (BEGIN_S + index) * NS
        is_must = must.has(begin, begin + NS)
        assert not is_must or may.has(begin, begin + NS)
        drawn += "M" if is_must else "m" if may.has(begin, begin + NS) else "."
    assert drawn == expected


def test_the_start_is_the_first_grid_point_after_the_later_witness() -> None:
    world, anchors, _ = staged(WORLDS["all is well"])
    life = world.lives["s"]
    life.confirmed["provider"] = BEGIN_S * NS + 1
    assert bounds(life, world, anchors, []).start_ns == BEGIN_S * NS + NS // 32
    life.confirmed["provider"] = BEGIN_S * NS + NS // 2 + 1
    assert bounds(life, world, anchors, []).start_ns == (BEGIN_S + 1) * NS


@pytest.mark.parametrize(("back_s", "expected"), [(8, "MMM........."), (5, "MMMMMMMMMMM.")])
def test_a_take_over_takes_what_the_former_process_could_not_know_yet(back_s: int, expected: str) -> None:
    """The provider's app comes back just after another process took over, or well before: only then it is known."""
    picture = WORLDS["all is well"]
    world, anchors, _ = staged(picture)
    life, begin = world.lives["s"], BEGIN_S * NS
    life.acks["provider"] = [ack for ack in life.acks["provider"] if ack[1] <= 3 or ack[1] >= back_s]
    world.hear(truth.GatewayUp(at_ns=NS, owner="former", wall_ns=WALL_NS, boot="b"))
    world.hear(truth.GatewayOpens(at_ns=begin + 7 * NS + NS // 2, owner="other"))
    world.hear(truth.GatewayUp(at_ns=begin + 7 * NS + NS // 2, owner="other", wall_ns=WALL_NS, boot="b"))

    must = Cover(bounds(life, world, anchors, [begin + tick * NS for tick in (1, 2, 3)]).must)
    drawn = "".join("M" if must.has(begin + at * NS, begin + (at + 1) * NS) else "." for at in range(12))
    assert drawn == expected


def test_one_confirmation_alone_starts_nothing() -> None:
    world, anchors, _ = staged(WORLDS["all is well"])
    del world.lives["s"].confirmed["client"]
    assert bounds(world.lives["s"], world, anchors, []).may == []


def test_a_provider_who_only_keeps_the_path_alive_is_there_only_while_he_says_he_is_muted() -> None:
    world, _, _ = staged(WORLDS["all is well"])
    life = world.lives["s"]
    life.flows["provider", "path"] = [(50 * NS, True)]
    life.flows["provider", "rtp"] = [(50 * NS, True), (60 * NS, False)]
    assert life.presence("provider") == [(50 * NS, 60 * NS)]
    life.mutes["provider"] = [(70 * NS, True), (80 * NS, False)]
    assert life.presence("provider") == [(50 * NS, 60 * NS), (70 * NS, 80 * NS)]
