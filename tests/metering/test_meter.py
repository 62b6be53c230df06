"""The meter as sentences: when seconds count, when they do not, what ends them."""

import pytest

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.evidence import Anchor, decode, split_entries
from gateway.metering.meter import Meter
from gateway.metering.phase import MeterPhase
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import EndReason, Grade, SessionKind, Side, SuspendReason
from tests.metering.bench import Bench, evidence, order

pytestmark = pytest.mark.core


def findings(meter: Meter) -> list[TickFinding]:
    found = [decode(entry) for entry in split_entries(bytes(meter.record.entries))]
    return [tick.finding for tick in found if isinstance(tick, Tick)]


def test_metering_starts_only_when_both_witnesses_have_come() -> None:
    bench = Bench().connect(confirms=False)
    bench.run(5)
    assert bench.meter.phase is MeterPhase.AWAITING

    bench.meter.confirm(Side.CLIENT, bench.now_ns)
    bench.run(1)
    assert bench.meter.phase is MeterPhase.AWAITING

    bench.meter.confirm(Side.PROVIDER, bench.now_ns)
    bench.run(1)
    assert bench.meter.phase is MeterPhase.RUNNING


def test_apps_alone_do_not_start_it() -> None:
    bench = Bench().connect()
    bench.provider.talks = False

    bench.run(10)

    assert bench.meter.phase is MeterPhase.AWAITING


def test_a_muted_leg_stands_with_consent_and_reports() -> None:
    bench = Bench()
    bench.provider.talks = False
    bench.meter.set_muted(Side.PROVIDER, muted=True)

    bench.started().run(5)

    assert bench.meter.record.tally.billed_s >= 4


def test_the_start_is_never_back_dated() -> None:
    bench = Bench().connect(confirms=False).run(3)
    confirmed_at_ns = bench.now_ns
    for side in Side:
        bench.meter.confirm(side, confirmed_at_ns)

    bench.run(1)

    started = bench.of(effect.Started)[0]
    assert started.at_ns >= confirmed_at_ns
    assert started.at_ns - confirmed_at_ns <= NS


def test_one_witness_alone_for_fifteen_seconds_is_connect_failed_and_owes_nothing() -> None:
    bench = Bench().connect()
    bench.provider.talks = False

    bench.run(16)

    stopped = bench.of(effect.Stopped)[0]
    assert stopped.reason is EndReason.CONNECT_FAILED
    assert bench.meter.phase is MeterPhase.STOPPED
    assert bench.meter.record.tally.ticks == 0
    assert bench.meter.grade is Grade.B


def test_no_witness_at_all_is_connect_failed_at_the_deadline() -> None:
    bench = Bench().connect(confirms=False)
    bench.client.talks = bench.provider.talks = False

    bench.run(31)

    assert bench.of(effect.Stopped)[0].reason is EndReason.CONNECT_FAILED


def test_every_whole_second_of_a_clean_call_is_billed() -> None:
    bench = Bench().started().run(30)
    bench.effects += bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    bench.ended()

    assert bench.meter.record.tally.billed_s == 30
    assert bench.meter.record.tally.ticks == 30
    assert bench.meter.grade is Grade.A


def test_a_broken_second_at_the_end_is_not_billed() -> None:
    bench = Bench().started().run(10)
    bench.step()
    bench.step()

    bench.effects += bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    bench.ended()

    assert bench.meter.record.tally.billed_s == 10


def test_a_second_is_provisional_until_both_apps_have_acknowledged_it() -> None:
    bench = Bench().started().run(5)
    bench.client.acks = False

    bench.run(6)

    assert bench.meter.record.tally.billed_s == 5
    assert bench.meter.provisional_s(bench.now_ns) == 6
    bench.client.acks = True
    bench.run(2)
    assert bench.meter.record.tally.billed_s >= 12


def test_an_app_silent_for_longer_than_the_gap_leaves_its_seconds_unwitnessed() -> None:
    bench = Bench().started().run(5)
    bench.client.acks = False
    bench.run(15)
    bench.client.acks = True
    bench.run(2)

    bench.client.acks = False
    bench.run(17)

    assert SuspendReason.ACK_GAP in {made.reason for made in bench.of(effect.Suspended)}
    assert bench.meter.record.tally.unwitnessed_s > 0


def test_a_leg_silent_for_eight_seconds_suspends_and_its_seconds_are_free() -> None:
    bench = Bench().started().run(5)
    bench.client.talks = bench.client.answers = False
    bench.run(9)
    assert bench.of(effect.Suspended)[0].reason is SuspendReason.MEDIA_GAP

    bench.client.talks = bench.client.answers = True
    bench.run(5)

    assert bench.of(effect.Resumed)
    assert bench.meter.phase is MeterPhase.RUNNING
    found = findings(bench.meter)
    assert found[:5] == [TickFinding.BILLED] * 5
    assert found[5:14] == [TickFinding.UNWITNESSED] * 9
    assert found[15:18] == [TickFinding.BILLED] * 3


def test_a_silence_within_the_gap_is_bracketed_and_billed() -> None:
    bench = Bench().started().run(5)
    bench.client.talks = bench.client.answers = False
    bench.run(7)
    bench.client.talks = bench.client.answers = True
    bench.run(3)

    assert TickFinding.UNWITNESSED not in findings(bench.meter)


def test_a_client_that_stops_sending_voice_still_pays() -> None:
    bench = Bench().started().run(5)
    bench.client.talks = False

    bench.run(30)

    assert bench.meter.record.tally.billed_s >= 34


def test_a_provider_that_stops_sending_voice_is_not_paid_for_it() -> None:
    bench = Bench().started().run(5)
    bench.provider.talks = False

    bench.ended()

    assert bench.meter.record.tally.billed_s == 5
    assert bench.of(effect.Stopped)[0].reason is EndReason.LOST_PROVIDER


def test_a_provider_who_loses_the_network_is_not_paid_for_the_silence() -> None:
    bench = Bench().started().run(20)
    bench.provider.talks = bench.provider.answers = bench.provider.acks = False
    lost_at_ns = bench.now_ns

    bench.ended()

    assert bench.of(effect.Stopped)[0].reason is EndReason.LOST_PROVIDER
    assert bench.meter.record.tally.billed_s == 20
    assert bench.meter.grade is Grade.A
    assert bench.meter.record.stop is not None
    assert bench.meter.record.stop.at_ns <= lost_at_ns


def test_one_stop_witness_alone_ends_five_seconds_later_with_grade_b() -> None:
    bench = Bench().started().run(10)
    bench.client.acks = False

    bench.ended()

    assert bench.of(effect.Stopped)[0].reason is EndReason.LOST_CLIENT
    assert bench.meter.grade is Grade.B
    assert bench.meter.record.tally.billed_s == 10


def test_a_freeze_stops_counting_at_its_instant_and_lifts_again() -> None:
    bench = Bench().started().run(5)
    bench.meter.pause(SuspendReason.MODERATION, bench.now_ns)
    bench.run(5)
    assert bench.meter.phase is MeterPhase.SUSPENDED
    bench.meter.resume(SuspendReason.MODERATION, bench.now_ns)
    bench.run(5)

    tally = bench.meter.record.tally
    assert (tally.billed_s, tally.paused_s) == (9, 5)
    assert bench.meter.phase is MeterPhase.RUNNING


def test_an_acknowledgement_with_a_wrong_head_counts_for_nothing() -> None:
    bench = Bench().started()
    bench.client.acks = False
    bench.run(3)

    assert bench.meter.acknowledge(Side.CLIENT, 3, "00" * 32) is effect.Ack.HEAD_MISMATCH
    assert bench.meter.acknowledge(Side.CLIENT, 99, "00" * 32) is effect.Ack.UNKNOWN_TICK
    assert bench.meter.record.tally.billed_s == 0


def test_a_late_acknowledgement_counts_as_of_its_tick_not_of_its_arrival() -> None:
    bench = Bench().started()
    bench.client.acks = False
    bench.run(2)
    head_of_two = bench.heads[2]
    bench.run(6)

    assert bench.meter.acknowledge(Side.CLIENT, 2, head_of_two) is effect.Ack.ACKNOWLEDGED
    bench.step()

    assert bench.meter.record.tally.billed_s == 2


def test_the_first_stop_reason_stands() -> None:
    bench = Bench().started().run(3)

    bench.effects += bench.meter.stop(EndReason.MODERATION, bench.now_ns)
    assert bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns) == []

    bench.ended()
    assert bench.meter.stop_mark is not None
    assert bench.meter.stop_mark.reason is EndReason.MODERATION


def test_a_text_session_starts_on_two_open_channels_and_idles_after_two_minutes() -> None:
    bench = Bench(order(SessionKind.TEXT))
    bench.client.talks = bench.provider.talks = False
    bench.started().run(119)
    assert bench.meter.phase is MeterPhase.RUNNING

    bench.run(3)
    assert bench.meter.suspended is SuspendReason.TEXT_IDLE

    bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    bench.run(1)
    assert bench.meter.phase is MeterPhase.RUNNING


def test_after_a_restart_both_parties_may_go_on_and_the_gap_is_not_billed() -> None:
    before = Bench().started().run(20)
    after = Bench()
    after.now_ns, after.wall_ns = before.now_ns + 6 * NS, before.wall_ns + 6 * NS
    after.recover(before)
    assert after.meter.phase is MeterPhase.RECOVERING

    for side in Side:
        after.meter.set_socket(side, present=True)
    after.run(11)
    after.meter.stop(EndReason.HANGUP_PROVIDER, after.now_ns, by=Side.PROVIDER)
    after.ended()

    known_s = before.meter.record.tally.billed_s
    assert after.meter.record.tally.billed_s in (known_s + 10, known_s + 11)
    assert after.meter.record.tally.unwitnessed_s == 0


def test_after_a_restart_nobody_comes_back_and_it_ends_at_the_last_slot() -> None:
    before = Bench().started().run(20)
    after = Bench()
    after.client.talks = after.client.answers = False
    after.recover(before)
    after.meter.set_socket(Side.PROVIDER, present=True)

    after.ended()

    stopped = after.of(effect.Stopped)[0]
    assert stopped.reason is EndReason.LOST_CLIENT
    assert after.meter.record.tally == before.meter.record.tally
    stop = after.meter.record.stop
    assert isinstance(stop, Anchor)
    assert stop.wall_ns == before.meter.record.last_tick_wall_ns


def test_evidence_from_before_the_restart_does_not_bring_a_leg_back() -> None:
    bench = Bench()
    bench.recover(Bench().started().run(3))

    bench.meter.observe(evidence(Side.CLIENT, rtp_last_ns=bench.now_ns - NS), bench.now_ns)

    assert bench.meter.sides[Side.CLIENT].media.last_ns is None
