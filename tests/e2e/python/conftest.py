"""Opens a whole gateway in this process, on loopback, for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway import selftest
from gateway.sdk.http import HttpClient
from gateway.sdk.speech import Speech

from .stage import MICROS_PER_SECOND, Stage, speeches


@pytest.fixture(scope="session")
def voices() -> tuple[Speech, Speech]:
    return speeches()


@pytest.fixture
async def stage_with_seconds(
    tmp_path: Path, voices: tuple[Speech, Speech]
) -> AsyncIterator[Callable[..., Awaitable[Stage]]]:
    """`await stage_with_seconds(20, relay="python")`: a client with money for so many seconds, other settings."""
    async with AsyncExitStack() as stack:

        async def make(seconds: int, *, pairs: int = 1, **changes: Any) -> Stage:
            house = await stack.enter_async_context(
                selftest.open_house(
                    tmp_path / "house",
                    pairs=pairs,
                    price_micros_per_minute=60 * MICROS_PER_SECOND,
                    wallet_micros=seconds * MICROS_PER_SECOND,
                    **changes,
                )
            )
            https = [await stack.enter_async_context(HttpClient(house.http_url)) for _ in range(3)]
            phones = (*selftest.phones(pairs)[0], selftest.OPERATOR)
            accounts = [await http.sign_in(phone) for http, phone in zip(https, phones, strict=True)]
            return Stage(
                url=house.http_url,
                media_port=house.media_port,
                client=https[0],
                provider=https[1],
                operator=https[2],
                provider_id=accounts[1]["id"],
                speeches=voices,
                stack=stack,
            )

        yield make
