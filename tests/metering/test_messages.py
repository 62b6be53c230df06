"""Lines of text: which second they count in, who pays for them, and what covers one more."""

from typing import Any

import pytest

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.evidence import decode, split_entries
from gateway.metering.phase import MeterPhase
from gateway.metering.tick import Tick
from gateway.terms import ConsentKind, EndReason, Grade, SessionKind, Side, SuspendReason
from tests.metering.bench import Bench, order
from tests.metering.test_checkpoints import v2

pytestmark = pytest.mark.core

PRICE = 500_000


def chat(**changes: Any) -> Bench:
    """A text session at half a unit a message."""
    tariff = v2(kind="per_message", tiers=[], message_micros=PRICE, **changes)
    bench = Bench(order(SessionKind.TEXT, tariff=tariff))
    bench.client.talks = bench.provider.talks = False
    return bench


def ended(bench: Bench) -> Bench:
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    return bench.ended()


def messages(bench: Bench) -> dict[int, int]:
    """Billable messages by second."""
    found = [decode(entry) for entry in split_entries(bytes(bench.meter.record.entries))]
    return {tick.number: tick.messages for tick in found if isinstance(tick, Tick) and tick.messages}


def test_a_line_counts_in_the_second_it_was_sent_in() -> None:
    bench = chat().started().run(2)
    bench.meter.line_sent(bench.now_ns + NS // 4, Side.CLIENT)
    bench.meter.line_sent(bench.now_ns + NS // 2, Side.PROVIDER)
    bench.run(3)
    bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    bench.run(1)

    ended(bench)

    assert messages(bench) == {3: 2, 6: 1}
    assert bench.meter.record.tally.usage.messages == 3
    assert bench.meter.tariff.cost(bench.meter.record.tally.usage) == 3 * PRICE


@pytest.mark.parametrize(("messages_from", "counted"), [("client", 1), ("provider", 2), ("both", 3)])
def test_only_lines_of_the_paying_sides_count(messages_from: str, counted: int) -> None:
    bench = chat(messages_from=messages_from).started()
    bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    bench.meter.line_sent(bench.now_ns, Side.PROVIDER)
    bench.meter.line_sent(bench.now_ns, Side.PROVIDER)
    bench.run(2)

    assert ended(bench).meter.record.tally.usage.messages == counted


def test_lines_before_the_first_second_and_during_a_pause_are_free() -> None:
    bench = chat().connect()
    bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    while bench.meter.phase is not MeterPhase.RUNNING or bench.now_ns < bench.meter.segment_at_ns:
        bench.step()
    bench.run(1)
    bench.meter.pause(SuspendReason.OPERATOR, bench.now_ns)
    bench.step()
    bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    assert bench.meter.covers_line(Side.CLIENT)
    bench.run(2)

    assert ended(bench).meter.record.tally.usage.messages == 0


def test_lines_in_a_second_without_a_witness_are_free() -> None:
    bench = chat().started().run(2)
    bench.provider.acks = bench.provider.answers = False
    bench.meter.line_sent(bench.now_ns + 1, Side.CLIENT)
    bench.ended()

    assert bench.meter.record.tally.unwitnessed_s > 0
    assert bench.meter.record.tally.usage.messages == 0


def test_a_line_that_the_holds_do_not_cover_is_not_covered() -> None:
    bench = chat()
    bench.meter.cover.held_micros = 2 * PRICE
    bench.started()
    answers = []
    for _ in range(3):
        answers.append(bench.meter.covers_line(Side.CLIENT))
        if answers[-1]:
            bench.meter.line_sent(bench.now_ns, Side.CLIENT)

    assert answers == [True, True, False]
    assert bench.run(2).meter.phase is MeterPhase.RUNNING
    assert ended(bench).meter.tariff.cost(bench.meter.record.tally.usage) == 2 * PRICE


def test_lines_of_the_side_that_does_not_pay_are_always_covered() -> None:
    bench = chat(messages_from="client")
    bench.meter.cover.held_micros = 0
    bench.started()

    assert bench.meter.covers_line(Side.PROVIDER)
    assert not bench.meter.covers_line(Side.CLIENT)


def test_the_spend_limits_hold_for_lines_too() -> None:
    bench = chat(spend_consent_micros=2 * PRICE, spend_stop_micros=3 * PRICE).started().run(1)
    assert [made.kind for made in bench.of(effect.Asked)] == [ConsentKind.SPEND]
    for _ in range(2):
        assert bench.meter.covers_line(Side.CLIENT)
        bench.meter.line_sent(bench.now_ns, Side.CLIENT)
    assert not bench.meter.covers_line(Side.CLIENT)

    bench.meter.consent(ConsentKind.SPEND, bench.now_ns, wall_ns=bench.wall_ns)
    assert bench.meter.covers_line(Side.CLIENT)
    bench.meter.line_sent(bench.now_ns, Side.CLIENT)

    assert not bench.meter.covers_line(Side.CLIENT)


def socket_only(*, billed: bool) -> Bench:
    """A text session per second whose client has no media path."""
    tariff = v2(billed_when_socket_only=billed)
    bench = Bench(order(SessionKind.TEXT, tariff=tariff))
    bench.client.talks = bench.provider.talks = bench.client.answers = False
    return bench


def test_a_leg_with_its_socket_only_is_billed_where_the_tariff_says_so_and_graded_b() -> None:
    bench = socket_only(billed=True).started().run(30)

    ended(bench)

    assert bench.meter.record.tally.billed_s == 30
    assert bench.meter.grade is Grade.B
    assert bench.meter.review_reasons == ("the client was reached by the socket only",)


def test_a_leg_with_its_socket_only_does_not_start_a_session_otherwise() -> None:
    bench = socket_only(billed=False).connect().run(20)

    assert bench.of(effect.Stopped)[0].reason is EndReason.CONNECT_FAILED


def test_a_leg_with_its_socket_only_still_has_to_acknowledge() -> None:
    bench = socket_only(billed=True).started().run(10)
    bench.client.acks = False

    bench.ended()

    assert bench.meter.record.tally.billed_s == 10
    assert bench.of(effect.Stopped)[0].reason is EndReason.LOST_CLIENT


def test_a_leg_that_shows_a_path_in_time_is_held_to_it() -> None:
    bench = socket_only(billed=True).connect().run(2)
    bench.client.answers = True
    bench.run(10)

    assert ended(bench).meter.grade is Grade.A


def test_a_restart_remembers_who_had_no_path() -> None:
    before = socket_only(billed=True).started().run(10)
    after = socket_only(billed=True)
    after.now_ns, after.wall_ns = before.now_ns, before.wall_ns
    after.recover(before)
    for side in Side:
        after.meter.set_socket(side, present=True)

    after.run(10)

    assert after.meter.phase is MeterPhase.RUNNING
    assert after.meter.record.tally.billed_s >= 17
