"""What a leg hears: frames, energy, the first packet.

Decides how inbound audio is measured: mean square times duration, added up, as
`totalAudioEnergy` of W3C webrtc-stats. Every frame is taken from its track at
once, because aiortc's queue of decoded frames has no bound.
Never judges what was said and keeps no sound.
"""

import asyncio
import contextlib

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from gateway.sdk.speech import energy

VOICE_ENERGY = 1e-6
"""Mean square above which a frame is voice rather than silence (-60 dBov)."""


class Hearing:
    """Listens to one inbound track until it ends."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.frames = 0
        """Frames heard."""
        self.voiced_frames = 0
        """Frames with voice in them."""
        self.energy = 0.0
        """Mean square times seconds, summed."""
        self.seconds = 0.0
        """Length of what was heard."""

    def start(self, track: MediaStreamTrack) -> None:
        """Listen from now on."""
        self._task = asyncio.create_task(self._listen(track))

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if not isinstance(frame, AudioFrame):
                    continue
                seconds = frame.samples / frame.sample_rate
                mean_square = energy(bytes(frame.planes[0]))
                self.frames += 1
                self.voiced_frames += mean_square > VOICE_ENERGY
                self.energy += mean_square * seconds
                self.seconds += seconds
