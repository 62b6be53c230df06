"""How long simulated people talk: to an edge of the price list, as meant, or on when somebody pays; when they are done."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.ids import AccountId
from gateway.terms import Role, Side, TariffSnapshot, WarningReason
from loadtest.simulation import plan as plans
from loadtest.simulation import tariffs
from loadtest.simulation.part import Part
from loadtest.simulation.person import Person, Scene
from loadtest.simulation.stage import Stage
from loadtest.simulation.talk import EDGE_LATE_S, TALKED_ON_S, YUAN_MAX, Talk
from loadtest.simulation.world import World

pytestmark = pytest.mark.core


@dataclass
class Timers:
    """Stands in for the stage: dice, and what was asked for later."""

    dice: random.Random = field(default_factory=lambda: random.Random(7))
    waiting: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        self.waiting.append((delay_s, do))

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.dice.random()

    def ring(self) -> float:
        """Let the next one come; how long it took."""
        delay_s, do = self.waiting.pop(0)
        do()
        return delay_s


@dataclass
class Scripted:
    """A talk whose ends and payments are written down."""

    timers: Timers
    talk: Talk
    ends: list[str]
    paid: list[int]


def talk(*, edges_s: tuple[int, ...] = (), talk_s: float = 8.0, tops_up: bool = True) -> Scripted:
    world = World(1, sessions=1)
    drawn = plans.drawn(random.Random(1), world.stage.swarm)
    plan = replace(drawn, talk_s=talk_s, is_on_edge=bool(edges_s), tops_up=tops_up)
    timers, ends, paid = Timers(), [], []  # type: ignore[var-annotated]
    begun = Talk(
        cast("Stage", timers), plan, edges_s=edges_s, pay=paid.append, end=lambda: ends.append("end")
    )
    begun.begin()
    world.stage.disk.close()
    return Scripted(timers, begun, ends, paid)


def part(side: Side, *, shown_s: int, shown_micros: int = 0) -> Part:
    return cast("Part", SimpleNamespace(side=side, shown_s=shown_s, shown_micros=shown_micros))


def test_it_ends_as_meant() -> None:
    scene = talk()

    assert scene.timers.ring() == 8.0
    assert scene.ends == ["end"]


def test_it_ends_with_the_second_before_an_edge_of_the_price_list() -> None:
    scene = talk(edges_s=(10,))
    for second in range(1, 12):
        scene.talk.shown(part(Side.CLIENT, shown_s=second))
        assert bool(scene.ends) is (second >= 10)

    assert scene.ends == ["end"]
    assert scene.timers.waiting[0][0] == 10 + EDGE_LATE_S


def test_who_pays_for_more_talks_on_once() -> None:
    scene = talk()
    for _ in range(40):
        scene.talk.warned(part(Side.CLIENT, shown_s=10, shown_micros=5_000_000), WarningReason.FUNDS)

    assert len(scene.paid) == 1
    assert 8 <= scene.paid[0] <= 18, "half a yuan a second, for 16 to 36 seconds"
    scene.timers.ring()
    assert scene.ends == []
    assert scene.timers.ring() == TALKED_ON_S
    assert scene.ends == ["end"]


@pytest.mark.parametrize(
    ("side", "reason", "tops_up"),
    [
        (Side.PROVIDER, WarningReason.FUNDS, True),
        (Side.CLIENT, WarningReason.MAX_DURATION, True),
        (Side.CLIENT, WarningReason.FUNDS, False),
    ],
)
def test_nobody_else_pays(side: Side, reason: WarningReason, tops_up: bool) -> None:
    scene = talk(tops_up=tops_up)
    for _ in range(40):
        scene.talk.warned(part(side, shown_s=10, shown_micros=5_000_000), reason)

    assert scene.paid == []


@pytest.mark.parametrize(("shown_micros", "yuan"), [(0, 1), (10**12, YUAN_MAX)])
def test_what_is_paid_is_a_payment_that_people_make(shown_micros: int, yuan: int) -> None:
    scene = talk()
    for _ in range(40):
        scene.talk.warned(part(Side.CLIENT, shown_s=1, shown_micros=shown_micros), WarningReason.FUNDS)

    assert scene.paid == [yuan]


@pytest.mark.parametrize(
    ("terms", "edges"),
    [
        ({}, []),
        ({"free_if_ended_within_s": 10, "free_s": 1, "initial_block_s": 30}, [10, 30]),
        ({"increment_s": 6, "tiers": [{"from_s": 0}, {"from_s": 15}, {"from_s": 90}]}, [6, 15]),
        ({"block": {"length_s": 31}}, [31]),
        ({"block": {"length_s": 110}}, []),
    ],
)
def test_edges_of_a_price_list(terms: dict[str, Any], edges: list[int]) -> None:
    assert tariffs.edges_s(TariffSnapshot.of({**tariffs.NOTHING, **terms})) == edges


def test_nobody_is_done_while_a_living_gateway_owes_the_answer_to_an_order() -> None:
    stage = World(1, sessions=1).stage
    node = SimpleNamespace(life=SimpleNamespace(is_alive=True), run=lambda _deed, _answered: None)
    scene = cast("Scene", SimpleNamespace(node=node, calls={}))
    person = Person(stage, scene, AccountId("acc_c"), role=Role.CLIENT)
    assert person.is_done

    person.top_up()
    assert not person.is_done

    node.life.is_alive = False
    assert person.is_done
    stage.disk.close()
