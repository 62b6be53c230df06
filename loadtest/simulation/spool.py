"""The file beside a store that does not answer: what was synced stays, what was being written may not.

Decides what a crash leaves of an append that had not returned: all of it or
nothing, since a torn frame is recognised and left out.
Never reads an entry.
"""

import asyncio
import random
from collections.abc import Sequence

from gateway.metering.owner_ports import SpooledRow
from loadtest.simulation.faults import Fault, Swarm
from loadtest.simulation.loop import INCARNATION

SYNC_S = (0.001, 0.02)


class SimulatedSpool:
    """Satisfies `metering.owner_ports.Spool`; outlives processes."""

    def __init__(self, dice: random.Random, swarm: Swarm) -> None:
        self._dice = dice
        self._swarm = swarm
        self._rows: list[SpooledRow] = []
        self._being_written: list[SpooledRow] = []
        self.is_torn_next = False
        """Whether the process dies in the middle of the next row."""

    async def append(self, row: SpooledRow) -> None:
        """Keep a row."""
        self._being_written.append(row)
        owner = INCARNATION.get()
        if self.is_torn_next and owner is not None:
            self.is_torn_next = False
            self._swarm.note(Fault.SPOOL_TORN)
            owner.steps_left = 0
        await asyncio.sleep(self._dice.uniform(*SYNC_S))
        self._being_written.remove(row)
        self._rows.append(row)

    async def waiting(self) -> Sequence[SpooledRow]:
        """Every row kept."""
        await asyncio.sleep(self._dice.uniform(*SYNC_S))
        return tuple(self._rows)

    async def clear(self) -> None:
        """Forget every row."""
        await asyncio.sleep(self._dice.uniform(*SYNC_S))
        self._rows.clear()

    def crash(self) -> None:
        """The process died: what it was writing is there or it is not."""
        for row in self._being_written:
            if self._dice.random() < 0.5:
                self._rows.append(row)
        self._being_written.clear()
