"""A provider's app in a process of its own, so that it can be killed like one.

`python provider_process.py URL TOKEN SPEECH`: goes online, accepts the first ring, talks.
"""

import asyncio
import sys
from pathlib import Path

from gateway.sdk.participant import Participant
from gateway.sdk.speech import Speech


async def main(url: str, token: str, speech: str) -> None:
    async with await Participant.join(url, token, speech=Speech.load(Path(speech))) as provider:
        await provider.go_online()
        print("online", flush=True)
        await provider.accept_next(timeout_s=30)
        await provider.connect()
        await provider.until_ended(timeout_s=60)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
