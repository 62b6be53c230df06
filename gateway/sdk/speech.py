"""Speech from a file, as frames for an encoder and as packets ready to send.

Decides how a recording becomes 20 ms frames of 48 kHz mono and how they are
paced in real time, over and over.
Never plays faster than real time; a gateway throttles what does.
Formats: whatever FFmpeg reads (av); RFC 7587 for Opus.
"""

import asyncio
import fractions
import math
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.container import InputContainer

SAMPLE_RATE = 48_000
FRAME_SAMPLES = 960
"""20 ms."""
FRAME_S = 0.02
SAMPLE_BYTES = 2
SILENCE = bytes(FRAME_SAMPLES * SAMPLE_BYTES)
SILENCE_DBOV = -127
_FULL_SCALE = 32_767


class Speech:
    """A recording as 20 ms frames of signed 16-bit mono at 48 kHz."""

    def __init__(self, frames: tuple[bytes, ...]) -> None:
        if not frames:
            raise ValueError("a recording needs at least one frame of 20 ms")
        self.frames = frames

    @classmethod
    def load(cls, path: Path) -> "Speech":
        """Decode a whole file; raw 16 kHz dumps are read when the name ends in `.raw`."""
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        samples = bytearray()
        with _opened(path) as container:
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    samples += bytes(part.planes[0])[: part.samples * SAMPLE_BYTES]
        step = FRAME_SAMPLES * SAMPLE_BYTES
        return cls(tuple(bytes(samples[at : at + step]) for at in range(0, len(samples) - step + 1, step)))

    @property
    def seconds(self) -> float:
        """Length of one pass."""
        return len(self.frames) * FRAME_S


class SpeechTrack(MediaStreamTrack):
    """A track that says a recording over and over, in real time."""

    kind = "audio"

    def __init__(self, speech: Speech) -> None:
        super().__init__()
        self._speech = speech
        self._number = 0
        self._began = 0.0
        self.is_muted = False
        """Whether silence is sent in the recording's place, as a browser does."""

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, not before its time."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._number == 0:
            self._began = time.monotonic()
        await asyncio.sleep(self._began + self._number * FRAME_S - time.monotonic())
        content = SILENCE if self.is_muted else self._speech.frames[self._number % len(self._speech.frames)]
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(content)
        frame.pts = self._number * FRAME_SAMPLES
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._number += 1
        return frame


def opus_packets(path: Path) -> list[bytes]:
    """The Opus packets of an Ogg file, 20 ms each, not decoded."""
    with _opened(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def levels_dbov(speech: Speech) -> Iterator[int]:
    """The level of each frame, 0 (loudest) to -127 (silence); RFC 6464 sends it without its sign."""
    for frame in speech.frames:
        yield level_dbov(energy(frame))


def energy(frame: bytes) -> float:
    """Mean square of signed 16-bit samples, 0 to 1; every fourth sample is looked at."""
    samples = array("h", frame)[::4]
    if not samples:
        return 0.0
    return sum(sample * sample for sample in samples) / (len(samples) * _FULL_SCALE * _FULL_SCALE)


def level_dbov(mean_square: float) -> int:
    """Mean square as dBov."""
    if mean_square <= 0:
        return SILENCE_DBOV
    return max(SILENCE_DBOV, min(0, round(10 * math.log10(mean_square))))


def _opened(path: Path) -> InputContainer:
    if path.suffix == ".raw":
        return av.open(str(path), "r", format="s16le", options={"sample_rate": "16000", "ch_layout": "mono"})
    return av.open(str(path), "r")
