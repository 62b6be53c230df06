from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.booking_people.bench import Bench, benched


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Everything wired, on a fresh database."""
    async with benched(tmp_path) as made:
        yield made
