"""What every test starts with: logging as plain text, whatever the test before it set up."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# How long one example takes says more about the machine than about the product.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """Lines go to the test's own output; a command under test may set up logging to a stream it closes."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    before = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    for handler in set(logging.getLogger().handlers) - set(before):
        logging.getLogger().removeHandler(handler)
