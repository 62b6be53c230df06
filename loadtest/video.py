"""`video`: two Chromium see each other through the gateway, with a picture that needs every bit it gets.

Decides the picture (scrolling noise, which no encoder makes small) and what is good enough: Chromium
estimates the bandwidth, and the gateway must not be what holds it down. The browsers are driven by
`web/e2e/call.mjs`; the gateway runs as in every load test.
Never judges how a picture looks. Keeps nothing: picture, store and profiles are removed.
"""

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from loadtest.house import House

SECONDS_MAX = 300
KBIT_PER_S_MIN = 1_000.0
SCRIPT = Path(__file__).parents[1] / "web" / "e2e" / "call.mjs"
WIDTH, HEIGHT = 640, 480
FRAMES = 45
"""One and a half seconds, which Chromium plays over and over."""
GRAIN = 4
"""Every so many columns are noise, the others grey."""
SIDES = ("client", "provider")


async def run(seconds: int) -> dict[str, object]:
    """One call of so many seconds; all figures, and whether both pictures were sent at KBIT_PER_S_MIN.

    Raises:
        RuntimeError: the browsers did not get through; the sentence says why.
    """
    with tempfile.TemporaryDirectory(prefix="loadtest-") as folder:
        place = Path(folder)
        picture = place / "noise.y4m"
        with picture.open("wb") as file:
            write_noise(file)
        (store := place / "store").mkdir()
        async with House(store, pairs=1) as house:
            (pair,) = house.ready.pairs
            seen = await _call(
                base=house.ready.url,
                out=str(place / "shots"),
                client_phone=pair.client,
                provider_phone=pair.provider,
                operator_phone=house.ready.operator,
                picture=str(picture),
                talk_s=seconds,
            )
    return judged(seen, seconds)


def judged(seen: dict[str, Any], seconds: int) -> dict[str, object]:
    """What the script saw, as figures."""
    rates = {side: seen[side]["video_kbit_per_s"] for side in SIDES}
    return {
        "ok": all(rate >= KBIT_PER_S_MIN for rate in rates.values()),
        "seconds": seconds,
        **{f"kbit_per_s_{side}": round(rate) for side, rate in rates.items()},
        **{f"frames_decoded_{side}": seen[side]["frames_decoded"] for side in SIDES},
        "pictures": {side: seen[side]["picture"] for side in SIDES},
    }


def write_noise(file: BinaryIO) -> None:
    """A YUV4MPEG2 film, 4:2:0, 30 pictures a second."""
    chance = random.Random(1)
    rows = [
        bytes(chance.getrandbits(8) if x % (2 * GRAIN) < GRAIN else 128 for x in range(2 * WIDTH))
        for _ in range(HEIGHT)
    ]
    file.write(b"YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT))
    for frame in range(FRAMES):
        file.write(b"FRAME\n")
        for y in range(HEIGHT):
            left = (6 * frame + 5 * (y // 16)) % WIDTH
            file.write(rows[(y + 3 * frame) % HEIGHT][left : left + WIDTH])
        for shade in (128 + frame, 128 - frame):
            file.write(bytes([shade]) * (WIDTH * HEIGHT // 4))


async def _call(**options: object) -> dict[str, Any]:
    asked = {"kind": "video", "network": "any", "chat": False, "ops": False, **options}
    process = await asyncio.create_subprocess_exec(
        *("node", str(SCRIPT), json.dumps(asked)), stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not said:
        raise RuntimeError("the browsers said nothing; see above")
    seen: dict[str, Any] = json.loads(said)
    if not seen["ok"]:
        print(*seen["failures"], sep="\n", file=sys.stderr)
        raise RuntimeError("the browsers did not get through: " + "; ".join(seen["failures"]))
    return seen
