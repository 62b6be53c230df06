"""A relay that forwards nothing and remembers what it was told."""

from array import array
from collections.abc import Sequence

from gateway.media.counters import COLUMNS, ROWS, row_of
from gateway.media.ports import ControlDatagram, LegSpec, SrtpKeys, Tap, Witness
from gateway.media.tap import TapRing


class FakeRelay:
    """Remembers who is linked and muted; counts are written by the test."""

    def __init__(self) -> None:
        self.buffer = array("q", bytes(8 * ROWS * COLUMNS))
        self.links: set[frozenset[int]] = set()
        self.muted: dict[int, bool] = {}
        self.removed: list[int] = []
        self.taps: dict[int, TapRing] = {}

    def add_leg(self, spec: LegSpec) -> int:
        raise NotImplementedError

    def remove_leg(self, leg: int) -> None:
        self.unlink(leg)
        self.removed.append(leg)

    def set_keys(self, leg: int, keys: SrtpKeys) -> None:
        raise NotImplementedError

    def set_path(self, leg: int, address: tuple[str | int, ...]) -> None:
        raise NotImplementedError

    def link(self, a: int, b: int) -> None:
        self.links.add(frozenset((a, b)))

    def unlink(self, leg: int) -> None:
        self.links = {pair for pair in self.links if leg not in pair}

    def mute(self, leg: int, *, muted: bool) -> None:
        self.muted[leg] = muted

    def tap(self, leg: int) -> Tap:
        return self.taps.setdefault(leg, TapRing())

    def untap(self, leg: int) -> None:
        self.taps.pop(leg, None)

    def note(self, leg: int, witness: Witness, *, at_ns: int) -> None:
        self.buffer[row_of(leg) + witness] = at_ns

    def counters(self) -> Sequence[int]:
        return self.buffer

    def drain_control(self) -> Sequence[ControlDatagram]:
        return []

    def close(self) -> None:
        self.links.clear()
