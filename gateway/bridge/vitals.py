"""How this process does, for signalling's admission and for the operator.

Decides nothing: it reads the processor time of the thread it is asked on, which
must be the event loop's, and media's count of what the kernel dropped; it turns
settings into marks and signalling's reading into admin's.
"""

import time

from gateway.admin.reading import LoadFigure, LoadReading
from gateway.config import Settings
from gateway.media.service import MediaService
from gateway.signaling.load import Marks, Strain
from gateway.signaling.load_service import LoadService


class NodeVitals:
    """Signalling's `Vitals` of this process."""

    def __init__(self, media: MediaService) -> None:
        self._media = media

    def cpu_ns(self) -> int:
        """Processor time of the calling thread."""
        return time.thread_time_ns()

    def socket_drops(self) -> int:
        """Datagrams that found a media socket's queue full."""
        return self._media.drops().get("socket_full", 0)


def marks_of(settings: Settings) -> Marks:
    """When a node with these settings is full."""
    return Marks(
        sessions_max=settings.sessions_max,
        cpu_percent_max=settings.full_at_cpu_percent,
        loop_lag_ms_max=settings.full_at_loop_lag_ms,
        tick_lag_ms_max=settings.full_at_tick_lag_ms,
        socket_drops_per_s_max=settings.full_at_socket_drops_per_s,
        calm_s=settings.calm_s,
    )


class LoadView:
    """Signalling's load, as the operator reads it."""

    def __init__(self, load: LoadService) -> None:
        self._load = load

    def load(self) -> LoadReading:
        """How the node stands now."""
        reading = self._load.reading()
        return LoadReading(
            state=reading.load.state,
            why=tuple(reading.load.why),
            for_s=reading.for_s,
            refused=reading.refused,
            figures=tuple(
                LoadFigure(name=each, value=reading.figures.of(each), mark=reading.marks.of(each))
                for each in Strain
            ),
        )
