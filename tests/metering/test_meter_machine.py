"""The meter under any order of events, against a naive model of what may be billed."""

import os
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.cover import Cover
from gateway.metering.evidence import decode, split_entries
from gateway.metering.phase import MeterPhase
from gateway.metering.record import Record
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import ConsentKind, EndReason, Side, SuspendReason
from tests.metering.bench import Bench, order
from tests.metering.meter_model import Incarnation
from tests.metering.test_checkpoints import block, v2

pytestmark = pytest.mark.core

TARIFFS = {
    "plain": v2(),
    "fee_and_block": v2(connect_fee_micros=2_000_000, initial_block_s=20, free_s=5),
    "consent": v2(spend_consent_micros=2_000_000, spend_stop_micros=4_000_000, spend_notify_micros=500_000),
    "stop": v2(spend_stop_micros=1_234_567),
    "ask": block("ask", 30),
    "fixed": block("stop", 40),
}
LIVE = (MeterPhase.RUNNING, MeterPhase.SUSPENDED)
EVENTS_MAX = int(os.environ.get("METER_MACHINE_EXAMPLES", "60"))

sides = st.sampled_from(list(Side))


class MeterMachine(RuleBasedStateMachine):
    """One session; time, people, apps, money and the process itself do as they like."""

    @initialize(
        tariff=st.sampled_from(sorted(TARIFFS)),
        held_s=st.one_of(st.integers(15, 60), st.integers(200, 400)),
        is_wild=st.booleans(),
        runs_s=st.one_of(st.just(0), st.integers(4, 50), st.integers(4, 50)),
    )
    def begin(self, tariff: str, held_s: int, runs_s: int, is_wild: bool) -> None:
        self.is_wild = is_wild
        """Witnesses may stay away and the session may be ended; otherwise it lives on through everything else."""
        self.made = order(tariff=TARIFFS[tariff])
        self.bench = Bench(self.made)
        self.seen = Incarnation()
        self.before: dict[int, Incarnation] = {}
        """Which process found each second."""
        self.wanted: list[effect.HoldNeeded] = []
        self.is_exact = True
        """Nothing came so late that the meter may bill less than the model."""
        block_micros = 10_000_000 if tariff in ("ask", "fixed") else 0
        self.bench.meter.cover = Cover(held_micros=max(block_micros, held_s * 100_000), holds=1)
        self.bench.connect(confirms=False)
        self.path_ns = dict.fromkeys(Side, 0)
        if runs_s:
            self.both_hear()
            self.time_passes(4 * runs_s)

    @property
    def meter(self) -> Any:
        return self.bench.meter

    def step(self) -> None:
        """A quarter of a second, and what the model learns of it."""
        bench, was, told = self.bench, self.meter.phase, self.meter.told_tick
        heard = len(bench.effects)
        bench.step()
        if was is MeterPhase.STOPPED:
            return
        for person in bench.people:
            if person.answers:
                self.path_ns[person.side] = bench.now_ns
            is_voice_needed = person.side is Side.PROVIDER and not self.meter.sides[person.side].is_muted
            if person.talks:
                self.seen.media[person.side].append(bench.now_ns)
            elif not is_voice_needed and self.path_ns[person.side]:
                self.seen.media[person.side].append(self.path_ns[person.side])
            if was in (MeterPhase.AWAITING, MeterPhase.RECOVERING) and self.meter.phase in LIVE:
                self.seen.began_at_ns = bench.now_ns
            if was is MeterPhase.RECOVERING and self.meter.phase is MeterPhase.RUNNING:
                self.seen.apps[person.side].append(bench.now_ns)
            if (
                person.acks
                and self.meter.told_tick > told
                and self.meter.phase
                not in (
                    MeterPhase.STOPPED,
                    MeterPhase.RECOVERING,
                )
            ):
                self.seen.apps[person.side].append(self.meter.tick_end_ns(self.meter.told_tick))
        for made in bench.effects[heard:]:
            if isinstance(made, effect.HoldNeeded):
                self.wanted.append(made)
            if isinstance(made, effect.Stopped):
                self.seen.stopped_at_ns = made.at_ns
        self._own()

    def _own(self) -> None:
        for number in range(len(self.before) + 1, self.meter.record.tally.ticks + 1):
            self.before[number] = self.seen

    def ticks(self) -> list[Tick]:
        found = [decode(entry) for entry in split_entries(bytes(self.meter.record.entries))]
        return [tick for tick in found if isinstance(tick, Tick)]

    @rule(quarters=st.integers(1, 24))
    def time_passes(self, quarters: int) -> None:
        for _ in range(quarters):
            self.step()

    @rule(seconds=st.integers(8, 18))
    def a_long_time_passes(self, seconds: int) -> None:
        self.time_passes(4 * seconds)

    @precondition(lambda self: self.meter.phase is MeterPhase.AWAITING)
    @rule(side=sides)
    def an_app_hears(self, side: Side) -> None:
        if self.meter.phase is MeterPhase.AWAITING:
            self.seen.apps[side].append(self.bench.now_ns)
        self.meter.confirm(side, self.bench.now_ns)

    @precondition(lambda self: self.meter.phase is MeterPhase.AWAITING)
    @rule()
    def both_hear(self) -> None:
        for side in Side:
            self.an_app_hears(side)
        self.time_passes(12)

    @precondition(lambda self: self.is_wild)
    @rule(side=sides, talks=st.booleans(), answers=st.booleans())
    def a_leg_changes(self, side: Side, talks: bool, answers: bool) -> None:
        person = self.bench.client if side is Side.CLIENT else self.bench.provider
        person.talks, person.answers = talks, answers

    @precondition(lambda self: self.is_wild)
    @rule(side=sides, acks=st.booleans())
    def an_app_changes(self, side: Side, acks: bool) -> None:
        person = self.bench.client if side is Side.CLIENT else self.bench.provider
        person.acks = acks

    @rule()
    def all_is_well(self) -> None:
        for person in self.bench.people:
            person.talks = person.answers = person.acks = True

    @precondition(lambda self: self.meter.phase in LIVE)
    @rule(side=sides, quarters=st.integers(28, 36))
    def a_leg_falls_silent_for_about_as_long_as_may_be(self, side: Side, quarters: int) -> None:
        self.all_is_well()
        self.time_passes(8)
        self.a_leg_changes(side, talks=False, answers=False)
        self.time_passes(quarters)
        self.all_is_well()
        self.time_passes(8)

    @precondition(lambda self: self.meter.phase in LIVE)
    @rule(side=sides, quarters=st.integers(54, 66), is_late_one_sent=st.booleans())
    def an_app_falls_silent_for_about_as_long_as_may_be(
        self, side: Side, quarters: int, is_late_one_sent: bool
    ) -> None:
        """On the way an old tick may be acknowledged, which must not stretch anything."""
        self.all_is_well()
        self.time_passes(8)
        self.an_app_changes(side, acks=False)
        self.time_passes(quarters // 2)
        if is_late_one_sent:
            self.an_acknowledgement_comes_late_twice_or_forged(side, back=quarters // 8 - 1, is_forged=False)
        self.time_passes(quarters // 2)
        self.all_is_well()
        self.time_passes(8)

    @rule(side=sides, is_muted=st.booleans())
    def a_side_mutes(self, side: Side, is_muted: bool) -> None:
        self.meter.set_muted(side, muted=is_muted)
        self.is_exact = False

    @rule(side=sides, back=st.integers(0, 70), is_forged=st.booleans())
    def an_acknowledgement_comes_late_twice_or_forged(self, side: Side, back: int, is_forged: bool) -> None:
        tick = self.meter.told_tick - back
        head = "00" * 32 if is_forged else self.bench.heads.get(tick, "11" * 32)
        answer = self.meter.acknowledge(side, tick, head)
        if answer is effect.Ack.ACKNOWLEDGED:
            self.seen.apps[side].append(self.meter.tick_end_ns(tick))
            self.is_exact = False
        assert not (is_forged and answer is effect.Ack.ACKNOWLEDGED)

    @precondition(lambda self: self.is_wild)
    @rule(reason=st.sampled_from([SuspendReason.OPERATOR, SuspendReason.SOS]))
    def somebody_pauses(self, reason: SuspendReason) -> None:
        if self.meter.phase in (*LIVE, MeterPhase.AWAITING, MeterPhase.RECOVERING):
            self.seen.pauses.append([self.bench.now_ns, None])
        self.meter.pause(reason, self.bench.now_ns)

    @rule(quarters=st.integers(1, 12))
    def somebody_pauses_for_a_while(self, quarters: int) -> None:
        self.somebody_pauses(SuspendReason.OPERATOR)
        self.time_passes(quarters)
        self.everybody_resumes()

    @rule()
    def everybody_resumes(self) -> None:
        if self.meter.phase in (*LIVE, MeterPhase.AWAITING, MeterPhase.RECOVERING):
            for pause in self.seen.pauses:
                pause[1] = pause[1] or self.bench.now_ns
        for reason in (SuspendReason.OPERATOR, SuspendReason.SOS):
            self.meter.resume(reason, self.bench.now_ns)

    @precondition(lambda self: self.wanted)
    @rule(is_short=st.booleans())
    def a_hold_is_placed(self, is_short: bool) -> None:
        request = self.wanted.pop().request
        micros = request.least_micros if is_short else request.want_micros
        self.meter.hold_placed(micros, is_final=is_short)

    @precondition(lambda self: self.wanted)
    @rule(is_money_out=st.booleans())
    def a_hold_fails(self, is_money_out: bool) -> None:
        self.wanted.pop()
        self.meter.hold_failed(is_money_out=is_money_out)

    @rule()
    def the_wallet_grows(self) -> None:
        self.meter.money_came()

    @rule(kind=st.sampled_from(list(ConsentKind)))
    def the_client_says_yes(self, kind: ConsentKind) -> None:
        asked = sum(made.kind is kind for made in self.bench.of(effect.Asked))
        before = self.meter.record.consents(kind)
        taken = self.meter.consent(kind, self.bench.now_ns, wall_ns=self.bench.wall_ns)
        assert self.meter.record.consents(kind) == before + taken
        assert asked or not taken

    @precondition(lambda self: self.meter.phase in LIVE and self.bench.of(effect.Asked))
    @rule()
    def the_client_answers_the_last_question(self) -> None:
        self.the_client_says_yes(self.bench.of(effect.Asked)[-1].kind)

    @rule(is_down=st.booleans())
    def the_store_changes(self, is_down: bool) -> None:
        self.bench.stores = not is_down

    @precondition(lambda self: self.meter.has_counted and self.meter.phase is not MeterPhase.STOPPED)
    @rule(away_s=st.integers(0, 20), comes_back=st.booleans())
    def the_process_dies(self, away_s: int, comes_back: bool) -> None:
        """What the journal has not taken is lost; legs begin anew."""
        self.nothing_is_billed_that_the_model_does_not_bill()
        self.the_record_replays_to_the_same_tally_and_head()
        died, known = self.bench, Record.replayed(self.made, self.bench.journal)
        self.bench = Bench(self.made)
        self.bench.journal = died.journal
        self.bench.now_ns, self.bench.wall_ns = died.now_ns + away_s * NS, died.wall_ns + away_s * NS
        self.bench.effects = died.effects
        self.seen, self.wanted, self.path_ns = Incarnation(), [], dict.fromkeys(Side, 0)
        self.before = {number: self.before[number] for number in range(1, known.tally.ticks + 1)}
        self.meter.cover = Cover(held_micros=died.meter.cover.held_micros, holds=died.meter.cover.holds)
        for made in self.meter.recover(known, self.bench.now_ns, wall_ns=self.bench.wall_ns):
            if isinstance(made, effect.Stopped):
                self.seen.stopped_at_ns = made.at_ns
        if comes_back:
            for side in Side:
                self.meter.set_socket(side, present=True)
            self.time_passes(4)

    @precondition(lambda self: self.is_wild and self.meter.has_counted)
    @rule(by=sides)
    def somebody_hangs_up(self, by: Side) -> None:
        reason = EndReason.HANGUP_CLIENT if by is Side.CLIENT else EndReason.HANGUP_PROVIDER
        if self.meter.stop(reason, self.bench.now_ns, by=by):
            self.seen.apps[by].append(self.bench.now_ns)
            self.seen.stopped_at_ns = self.bench.now_ns

    def nothing_is_billed_that_the_model_does_not_bill(self) -> None:
        for tick in self.ticks():
            if tick.finding in (TickFinding.BILLED, TickFinding.FREE):
                assert self.before[tick.number].may_bill(tick.ended_at_ns), f"second {tick.number}"

    def the_record_replays_to_the_same_tally_and_head(self) -> None:
        record = self.meter.record
        again, stored = (
            Record.replayed(self.made, blob) for blob in (bytes(record.entries), self.bench.journal)
        )
        assert stored.head == record.stored_head
        assert (again.head, again.tally) == (record.head, record.tally)
        assert bytes(record.entries).startswith(self.bench.journal)

    @invariant()
    def no_second_costs_beyond_what_was_set_aside_and_agreed(self) -> None:
        tariff, record = self.meter.tariff, self.meter.record
        cost = tariff.cost(record.tally.usage)
        assert cost <= self.meter.cover.held_micros
        if tariff.spend_stop_micros is not None:
            assert cost <= tariff.spend_stop_micros
        if tariff.spend_consent_micros is not None and not record.consents(ConsentKind.SPEND):
            assert cost <= tariff.spend_consent_micros
        limit_s = tariff.limit_s(1 + record.consents(ConsentKind.BLOCK))
        assert limit_s is None or record.tally.witnessed_s <= limit_s

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        if self.meter.phase is not MeterPhase.STOPPED:
            if self.meter.stop(EndReason.OPERATOR, self.bench.now_ns):
                self.seen.stopped_at_ns = self.bench.now_ns
            for _ in range(8):
                if self.meter.phase is not MeterPhase.STOPPED:
                    self.step()
        self._own()
        assert self.meter.phase is MeterPhase.STOPPED, "every session ends"
        self.meter.freeze(self.bench.now_ns, self.bench.wall_ns)
        self.nothing_is_billed_that_the_model_does_not_bill()
        self.the_record_replays_to_the_same_tally_and_head()
        if self.is_exact:
            for tick in self.ticks():
                may = self.before[tick.number].may_bill(tick.ended_at_ns)
                assert may == (tick.finding in (TickFinding.BILLED, TickFinding.FREE)), (
                    f"second {tick.number}"
                )


MeterMachine.TestCase.settings = settings(max_examples=EVENTS_MAX, stateful_step_count=25, deadline=None)
TestMeterMachine = MeterMachine.TestCase
