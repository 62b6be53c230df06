"""Bugs in what survives: journal, spool, fence, recovery, and who may write.

Decides the wrong lines of the code that brings evidence to the disk and back.
What a bug is, `mutant.py` says.
Never plants one and never says whether it is found (`planting.py`, `mutate.py`).
"""

from loadtest.simulation.faults import Fault
from loadtest.simulation.mutant import Mutant

AWAY_AND_CRASHED = frozenset({Fault.STORE_OUTAGE, Fault.CRASH_AT_STEP})
"""What it takes for a process to begin with rows in the spool."""

JOURNAL = (
    Mutant(
        name="spool_cleared_before_it_is_read",
        module="gateway.metering.journaling_service",
        old="        rows = await self._spool.waiting()\n        for row",
        new="        await self._spool.clear()\n        rows = await self._spool.waiting()\n        for row",
        breaks="what was spooled while the store was away is lost with the process",
        faults=AWAY_AND_CRASHED,
    ),
    Mutant(
        name="first_spooled_row_left_out",
        module="gateway.metering.journaling_service",
        old="        for row in rows:\n            await self._drain_row(row)\n",
        new="        for row in rows[1:]:\n            await self._drain_row(row)\n",
        breaks="the evidence has a hole where the spool began",
        faults=AWAY_AND_CRASHED,
    ),
    Mutant(
        name="row_counted_twice",
        module="gateway.metering.adapters.journal_store",
        old="owner, number = (None, None) if key is None else (key.owner, key.number)",
        new="owner, number = (None, None)",
        breaks="a row that was spooled and stored as well is there twice",
        faults=frozenset({Fault.HANGING_STORE, Fault.CRASH_AFTER_COMMIT}),
    ),
    Mutant(
        name="rows_only_in_memory_while_the_store_is_away",
        module="gateway.metering.journaling_service",
        old="            for row in [row for row in self._rows if row.entries and not row.is_spooled]:\n",
        new="            for row in [row for row in self._rows if not row.entries]:\n",
        breaks="nothing is spooled while the store is away",
        faults=AWAY_AND_CRASHED,
    ),
    Mutant(
        name="journal_written_every_fifth_second",
        module="gateway.metering.service",
        old="if (row_second := (now_ns - JOURNAL_AFTER_NS) // NS) != self._row_second:",
        new="if (row_second := (now_ns - JOURNAL_AFTER_NS) // (5 * NS)) != self._row_second:",
        breaks="a crash costs up to five seconds",
        faults=frozenset({Fault.CRASH_AT_STEP}),
    ),
    Mutant(
        name="row_forgotten_when_the_store_fails",
        module="gateway.metering.journaling_service",
        old="        row = self._rows[0]\n        if row.entries:\n",
        new="        row = self._rows[0]\n        if row.entries and not (row.is_spooled and self._rows.popleft()):\n",
        breaks="a row that was spooled is never brought to the journal",
        faults=AWAY_AND_CRASHED,
    ),
    Mutant(
        name="moves_not_fenced",
        module="gateway.signaling.adapters.session_store",
        old="        return max(stored, self._fence.epoch(transaction, session))\n",
        new="        return stored + (state is SessionState.RECOVERING)\n",
        breaks="a process moves sessions that were taken from it",
        faults=frozenset({Fault.TWO_OWNERS}),
        worlds=60,
    ),
    Mutant(
        name="epoch_falls",
        module="gateway.signaling.adapters.session_store",
        old="        return max(stored, self._fence.epoch(transaction, session))\n",
        new="        return stored - (self._fence.epoch(transaction, session) > stored)\n",
        breaks="moves after a take-over have a lower epoch than those before it",
        faults=frozenset({Fault.CRASH_AT_STEP}),
    ),
    Mutant(
        name="lost_sessions_go_on",
        module="gateway.metering.service",
        old="        for session in tuple(self._meters) if sessions is None else sessions:\n",
        new="        for session in () if sessions is None else sessions[:0]:\n",
        breaks="a process goes on serving sessions that were taken from it",
        faults=frozenset({Fault.TWO_OWNERS}),
        worlds=60,
    ),
    Mutant(
        name="live_sessions_not_taken_up",
        module="gateway.metering.service",
        old="            self._meters[session] = meter\n            effects = self._recovered(meter)\n"
        "            if meter.phase",
        new="            effects = self._recovered(meter)\n            if meter.phase",
        breaks="sessions that were live when the process died are left alone",
        faults=frozenset({Fault.CRASH_AT_STEP}),
        worlds=30,
        survives="the sweeper settles them from their last second, which the page allows and costs nobody anything",
    ),
    Mutant(
        name="restart_counts_from_the_first_second",
        module="gateway.metering.meter",
        old="segment = Segment.begun(now_ns, after_tick=self.record.tally.ticks, spread=self._spread)",
        new="segment = Segment.begun(now_ns, after_tick=0, spread=self._spread)",
        breaks="seconds after a restart have the numbers of those before it",
        faults=frozenset({Fault.CRASH_AT_STEP}),
    ),
    Mutant(
        name="person_missing_after_a_restart",
        module="gateway.metering.return_watch",
        old="if not attendance.has_socket or not (attendance.is_pathless or attendance.media.last_ns)",
        new="if not attendance.has_socket and not (attendance.is_pathless or attendance.media.last_ns)",
        breaks="after a restart seconds begin before everybody is back on both planes",
        faults=frozenset({Fault.CRASH_AT_STEP}),
    ),
    Mutant(
        name="settled_without_its_move",
        module="gateway.metering.settling_service",
        old="        self._move(transaction)\n",
        new="",
        breaks="money moves and the session stays where it was",
    ),
    Mutant(
        name="receipt_not_stored",
        module="gateway.metering.settling_service",
        old="        close(transaction)\n",
        new="",
        breaks="a session is settled without a receipt",
    ),
    Mutant(
        name="settlement_given_up",
        module="gateway.metering.settling_service",
        old="                await asyncio.sleep(RETRY_S)\n            else:\n",
        new="                raise\n            else:\n",
        breaks="a settlement that the store refused once is not tried again",
        faults=frozenset({Fault.STORE_ERROR}),
    ),
)
"""Evidence that is lost or there twice, and writes of those who may not."""
