"""The meters of a process: whose second has ended, and who lives on a wallet."""

import pytest

from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.metering.closing_service import Meters
from gateway.metering.meter import Meter
from gateway.metering.pause import NEVER_NS
from gateway.terms import EndReason
from tests.metering.bench import Bench, order

pytestmark = pytest.mark.service


def running(session: str, client: str = "acc_client") -> Bench:
    """A session whose seconds pass."""
    return Bench(order(session=SessionId(session), client=AccountId(client))).started()


def rolled(*benches: Bench) -> Meters:
    """They are the meters of a process."""
    meters = Meters()
    for bench in benches:
        meters[bench.meter.order.session] = bench.meter
    return meters


def closed(meters: Meters, meter: Meter) -> None:
    """Its second is closed, as the service does."""
    meter.second(meter.due_ns, funds_left_s=1_000)
    meters.await_end(meter)


def test_a_second_is_taken_when_it_has_ended_and_once() -> None:
    bench = running("ses_a")
    meters, due_ns = rolled(bench), bench.meter.due_ns

    assert meters.next_end_ns == due_ns
    assert meters.take_ended(due_ns - 1) == ()
    assert meters.take_ended(due_ns) == (bench.meter,)
    assert meters.take_ended(due_ns) == ()


def test_after_a_second_the_end_of_the_next_is_awaited() -> None:
    bench = running("ses_a")
    meters, due_ns = rolled(bench), bench.meter.due_ns
    (meter,) = meters.take_ended(due_ns)

    closed(meters, meter)

    assert meters.next_end_ns == due_ns + NS
    assert meters.take_ended(due_ns + NS) == (meter,)


def test_a_meter_that_is_awaited_twice_is_taken_once() -> None:
    bench = running("ses_a")
    meters = rolled(bench)

    meters.await_end(bench.meter)

    assert meters.take_ended(bench.meter.due_ns) == (bench.meter,)


def test_a_meter_that_has_stopped_or_was_dropped_is_not_taken() -> None:
    stopped, dropped, goes_on = running("ses_a"), running("ses_b"), running("ses_c")
    meters = rolled(stopped, dropped, goes_on)

    stopped.meter.stop(EndReason.MODERATION, stopped.now_ns)
    meters.drop(dropped.meter)

    assert meters.take_ended(NEVER_NS - 1) == (goes_on.meter,)
    assert meters.next_end_ns == NEVER_NS


def test_a_wallet_has_the_sessions_that_live_on_it_and_none_when_they_are_gone() -> None:
    one, two, stranger = running("ses_a"), running("ses_b"), running("ses_c", "acc_stranger")
    meters = rolled(one, two, stranger)

    assert meters.of(AccountId("acc_client")) == (one.meter, two.meter)
    for bench in (one, two, one):
        meters.drop(bench.meter)
    assert meters.of(AccountId("acc_client")) == ()
    assert list(meters.values()) == [stranger.meter]
