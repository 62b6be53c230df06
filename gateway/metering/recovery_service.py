"""Brings meters back from the journal: after a restart, or from an owner that is gone.

Drives: taking sessions over, replaying their evidence, asking the wallet what
it has. Never judges what was lost: a session either goes on from its last slot
or ends there (`meter.py`).
Keeps: nothing is loaded before it is ours, so nobody else can add to what was
loaded; nothing is debited before it was loaded.
"""

from collections.abc import Callable, Sequence

import structlog

from gateway.errors import GatewayError, InvariantBroken
from gateway.ids import SessionId
from gateway.limits import ORPHANS_PER_SWEEP_MAX
from gateway.metering.cover import Cover
from gateway.metering.meter import Meter
from gateway.metering.outside_ports import Outside
from gateway.metering.record import Record
from gateway.metering.segment import spread_of
from gateway.metering.tariff import tariff_of

log = structlog.get_logger(__name__)


class Recovery:
    """Takes sessions up."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def begin(self) -> None:
        """Become an owner and take over what earlier processes of this node left unfinished.

        Raises:
            StoreDown: the store does not answer.
        """
        await self._outside.owners.begin(now_wall_ns=self._outside.clock.wall_ns())
        while await self.orphans(has_meter=lambda _ours: True):
            pass

    async def orphans(self, *, has_meter: Callable[[SessionId], bool]) -> Sequence[SessionId]:
        """Sessions that nobody acts for, a bounded number, now ours; `has_meter` is asked about our own.

        Raises:
            StoreDown: the store does not answer.
        """
        owners, now_wall_ns = self._outside.owners, self._outside.clock.wall_ns()
        found = await owners.orphans(now_wall_ns=now_wall_ns)
        # Asked after the read: whatever it saw of ours has its meter by now, or is settled.
        lone = [orphan.session for orphan in found if not (orphan.is_ours and has_meter(orphan.session))]
        if not lone:
            return ()
        taken = await owners.take_over(lone[:ORPHANS_PER_SWEEP_MAX], now_wall_ns=now_wall_ns)
        for session in taken:
            log.warning("session_taken_over", session=session, owner=owners.number)
        return taken

    async def restored(self, session: SessionId) -> Meter | None:
        """The meter of a session without a receipt, as the journal has it.

        Raises:
            StoreDown: it cannot be read.
        """
        stored = await self._outside.journal.load(session)
        if stored is None:
            return None
        try:
            meter = Meter(
                stored.order,
                tariff_of(stored.order.tariff),
                boot=self._outside.clock.boot_id,
                spread=spread_of(session),
            )
            meter.record = Record.replayed(stored.order, stored.entries)
        except (InvariantBroken, GatewayError) as error:
            log.error("evidence_unreadable", session=session, why=str(error))
            return None
        meter.cover = Cover(held_micros=stored.held_micros, holds=stored.holds)
        return meter
