"""When a serving process looks for garbage."""

import gc

import pytest

from gateway import collector

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("young_looks", "cpu_share", "waited_s", "due"),
    [
        (9, 0.0, 9_999.0, False),
        (10, 0.05, 30.0, True),
        (10, 0.6, 30.0, False),
        (10, 0.6, 899.0, False),
        (10, 0.6, 900.0, True),
    ],
)
def test_everything_is_looked_at_when_there_is_time_or_it_has_been_too_long(
    *, young_looks: int, cpu_share: float, waited_s: float, due: bool
) -> None:
    assert collector.is_due(young_looks=young_looks, cpu_share=cpu_share, waited_s=waited_s) is due


async def test_only_the_youngest_are_looked_at_while_it_serves_and_all_is_as_before_afterwards() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    async with collector.calm_collector():
        young, middle, _ = gc.get_threshold()
        assert young == collector.YOUNG_OBJECTS
        assert middle == collector.NEVER
        assert gc.get_freeze_count() > frozen

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
