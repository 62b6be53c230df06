"""Finds the ended seconds of a session, one after another.

Decides in which order and with what at hand seconds are judged: period, lines,
free seconds, clocks that fell short. Each finding goes into the record at once.
Never decides one finding itself (`judgement.py`) nor when counting stops.
Keeps: seconds are found in order without a gap; however many clocks fell short,
a second is cut once for all of them.
"""

from collections.abc import Mapping

from gateway.clock import NS
from gateway.metering.attendance import Attendance
from gateway.metering.evidence import SIDES
from gateway.metering.judgement import BILLED, FREE, Judgement, judged
from gateway.metering.line_count import LineCount
from gateway.metering.pause import Pauses
from gateway.metering.rate_period import RatePeriods
from gateway.metering.record import Record
from gateway.metering.segment import Segment
from gateway.metering.tariff import Tariff
from gateway.metering.tick import Tick
from gateway.metering.usage import Usage
from gateway.terms import Side


class Counting:
    """The seconds of one session between its start and its stop."""

    def __init__(self, tariff: Tariff, sides: Mapping[Side, Attendance], pauses: Pauses) -> None:
        self.segment = Segment()
        self.periods = RatePeriods()
        self.lines = LineCount()
        self._tariff = tariff
        self._client, self._provider = (sides[side] for side in SIDES)
        self._pauses = pauses
        self._cut_s = 0
        self._ahead_of: tuple[Usage, int, int] | None = None
        self._ahead = Usage()

    def begin(self, segment: Segment) -> None:
        """Seconds begin; the clocks are compared from here on."""
        self.segment = segment
        self._cut_s = 0
        for attendance in (self._client, self._provider):
            attendance.rtp_clock.restart()
            attendance.app_clock.restart()

    def is_due(self, record: Record) -> bool:
        """Whether the next second may be found by now; as long as nobody is silent for too long it waits for both apps."""
        client_ns, provider_ns = self._client.app.last_ns, self._provider.app.last_ns
        if client_ns is None or provider_ns is None or not self._pauses.is_none:
            return True
        return min(client_ns, provider_ns) >= self.segment.tick_end_ns(record.tally.ticks + 1)

    def find(self, record: Record, *, until_tick: int, now_ns: int, wall_ns: int, is_over: bool) -> None:
        """Find every second up to `until_tick` whose time has come; `is_over`: all of them."""
        while (number := record.tally.ticks + 1) <= until_tick:
            until_ns = self.segment.tick_end_ns(number)
            found = judged(
                self._client,
                self._provider,
                self._pauses,
                until_ns=until_ns,
                now_ns=now_ns,
                is_free=record.tally.witnessed_s < self._tariff.free_s,
                is_over=is_over,
                short_clocks=self._short_clocks(),
            )
            if found is None:
                return
            record.count(self._tick(number, found, until_ns, until_wall_ns=wall_ns + until_ns - now_ns))
            self._cut_s += found.short_clocks != 0
            self.lines.found(number)
            self._pauses.forget_before(until_ns)
            self._client.forget_before(until_ns)
            self._provider.forget_before(until_ns)

    def usage(self, record: Record, *, until_tick: int) -> Usage:
        """What is or may be found witnessed: seconds that wait for their far bracket, unless they are paused."""
        found, pending = record.tally.usage, self.lines.pending
        if until_tick <= record.tally.ticks and not pending:
            return found
        if not self._pauses.is_none:
            lines = self.lines.outside(self._is_paused) if pending else 0
            return self._with_waiting(found, record.tally.ticks, until_tick).plus(0, 0, lines)
        key = (found, until_tick, pending)
        if self._ahead_of is None or self._ahead_of[0] is not found or self._ahead_of[1:] != key[1:]:
            usage = self._with_waiting(found, record.tally.ticks, until_tick)
            self._ahead_of, self._ahead = key, usage.plus(0, 0, pending)
        return self._ahead

    def _with_waiting(self, found: Usage, ticks: int, until_tick: int) -> Usage:
        if self.periods.is_plain and self._pauses.is_none:
            return found.plus(0, max(0, until_tick - ticks))
        for number in range(ticks + 1, until_tick + 1):
            if not self._is_paused(number):
                found = found.plus(self.period(number))
        return found

    def _is_paused(self, number: int) -> bool:
        until_ns = self.segment.tick_end_ns(number)
        return self._pauses.touching(until_ns - NS, until_ns) is not None

    def period(self, number: int) -> int:
        """Rate period of second `number`."""
        return self.periods.at(self.segment.tick_end_ns(number - 1))

    def _tick(self, number: int, found: Judgement, until_ns: int, *, until_wall_ns: int) -> Tick:
        client, provider, from_ns = self._client, self._provider, until_ns - NS
        is_witnessed = found is BILLED or found is FREE
        return Tick(
            number=number,
            finding=found.finding,
            media=(client.media.covers(from_ns, until_ns), provider.media.covers(from_ns, until_ns)),
            apps=(client.app.covers(from_ns, until_ns), provider.app.covers(from_ns, until_ns)),
            paused_by=found.paused_by,
            ended_at_ns=until_ns,
            ended_wall_ns=until_wall_ns,
            acked=(client.acked_tick, provider.acked_tick),
            rtp_packets=(client.rtp_packets, provider.rtp_packets),
            rtp_span=(client.rtp_span, provider.rtp_span),
            app_clock_ms=(client.app_clock_ms, provider.app_clock_ms),
            period=self.periods.at(from_ns),
            messages=self.lines.of(number) if is_witnessed else 0,
            short_clocks=found.short_clocks,
        )

    def _short_clocks(self) -> int:
        """Clocks that are a second shorter than what was cut so far."""
        bits = 0
        for bit, attendance in ((1, self._client), (2, self._provider)):
            if attendance.rtp_clock.comparison.short_s > self._cut_s:
                bits |= bit
            if attendance.app_clock.comparison.short_s > self._cut_s:
                bits |= bit << 2
        return bits
