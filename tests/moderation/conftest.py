"""What every test of this package starts from."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep structlog from drawing tracebacks, which takes longer than the tests."""
    with capture_logs():
        yield
