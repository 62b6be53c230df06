"""The wallet service: facts after commits, pages, earnings, and the shape metering asks for."""

import dataclasses
import inspect

import pytest
from structlog.testing import capture_logs

from gateway.booking.ledger import hold, settlement
from gateway.booking.ledger.command import CommandName
from gateway.booking.wallet_service import WalletService
from gateway.clock import NS
from gateway.errors import InvariantBroken
from gateway.ids import SessionId
from gateway.metering import ports
from tests.booking_ledger.conftest import ANN, BEN, PIA, UNIT, Till, order

pytestmark = pytest.mark.service


async def _settle(till: Till, session: str, charge: int, *, held: int = 10 * UNIT) -> None:
    await till.hold(session, 0, held)
    await till.wallet.settle(order(session), charge_micros=charge, also=lambda _transaction, _split: None)
    till.sessions.open.discard(SessionId(session))


async def test_each_change_is_told_once_and_after_its_commit(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    await till.fund(ANN, 10 * UNIT)
    await till.wallet.grant_promo(ANN, micros=UNIT, campaign="spring")
    await till.hold("ses_1", 0, 4 * UNIT)
    await till.hold("ses_1", 0, 4 * UNIT)
    for _ in range(2):
        await till.wallet.settle(
            order("ses_1"), charge_micros=3 * UNIT, also=lambda _transaction, _split: None
        )
    assert till.facts.wallets == [(ANN, 10 * UNIT), (ANN, 11 * UNIT), (ANN, 7 * UNIT), (ANN, 8 * UNIT)]


async def test_a_refused_hold_tells_nothing(till: Till) -> None:
    await till.hold("ses_1", 0, UNIT)
    assert till.facts.told == []


async def test_entries_are_deposits_and_charges_newest_first(till: Till) -> None:
    await till.fund(ANN, 10 * UNIT)
    till.clock.advance(seconds=1)
    await till.wallet.grant_promo(ANN, micros=2 * UNIT, campaign="spring")
    till.clock.advance(seconds=1)
    await _settle(till, "ses_1", 5 * UNIT)
    entries = (await till.wallet.entries(ANN)).items
    assert [(entry.kind, entry.micros, entry.session, entry.memo) for entry in entries] == [
        (CommandName.SETTLE, -5 * UNIT, "ses_1", ""),
        (CommandName.PROMO_GRANT, 2 * UNIT, None, "spring"),
        (CommandName.TOP_UP, 10 * UNIT, None, "test"),
    ]
    assert entries[0].at_wall_ns - entries[2].at_wall_ns == 2 * NS


async def test_the_lines_of_a_wallet_add_up_to_its_money(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    for number in range(7):
        await _settle(till, f"ses_{number}", number * UNIT)
    wallet = await till.wallet.wallet(ANN)
    assert sum(entry.micros for entry in (await till.wallet.entries(ANN)).items) == wallet.cash_micros


async def test_pages_meet_without_overlap_even_when_lines_are_added_meanwhile(till: Till) -> None:
    for number in range(7):
        await till.fund(ANN, UNIT, payment=str(number))
    all_ids = [entry.id for entry in (await till.wallet.entries(ANN, limit=100)).items]
    seen: list[str] = []
    before = None
    while True:
        page = await till.wallet.entries(ANN, before=before, limit=3)
        seen += [entry.id for entry in page.items]
        await till.fund(ANN, UNIT, payment=f"meanwhile-{len(seen)}")
        if page.next is None:
            break
        before = page.next
    assert seen == all_ids


async def test_earnings_are_pending_for_seven_days(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    till.receipts.seconds[SessionId("ses_1")] = 61
    await _settle(till, "ses_1", 5 * UNIT)
    report = await till.wallet.earnings(PIA)
    (earning,) = report.earnings.page.items
    assert (earning.charge_micros, earning.fee_micros, earning.earned_micros) == (5 * UNIT, UNIT, 4 * UNIT)
    # The manual clock's wall starts on 2026-09-21 (Unix second 1 790 000 000).
    assert earning.available_on().isoformat() == "2026-09-28"
    assert report.billed_s == {"ses_1": 61}


async def test_earnings_of_today_begin_at_midnight(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settle(till, "ses_1", 5 * UNIT)
    till.clock.advance(seconds=24 * 3600)
    await _settle(till, "ses_2", 10 * UNIT)
    earnings = (await till.wallet.earnings(PIA)).earnings
    assert (earnings.pending_micros, earnings.today_micros) == (12 * UNIT, 8 * UNIT)
    assert [earning.session for earning in earnings.page.items] == ["ses_2", "ses_1"]


async def test_earnings_come_in_pages(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    for number in range(5):
        await _settle(till, f"ses_{number}", UNIT)
    first = (await till.wallet.earnings(PIA, limit=3)).earnings.page
    second = (await till.wallet.earnings(PIA, before=first.next, limit=3)).earnings.page
    sessions = [earning.session for page in (first, second) for earning in page.items]
    assert sessions == ["ses_4", "ses_3", "ses_2", "ses_1", "ses_0"]
    assert second.next is None


async def test_a_session_that_earned_nothing_is_no_line(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    await _settle(till, "ses_1", 0)
    assert (await till.wallet.earnings(PIA)).earnings.page.items == []
    assert len((await till.wallet.entries(ANN)).items) == 1


async def test_a_capped_charge_is_written_to_the_log(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    with capture_logs() as lines:
        await _settle(till, "ses_1", 50 * UNIT, held=10 * UNIT)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["settled_micros"]) == ("charge_differs_from_settlement", 10 * UNIT)


@pytest.mark.parametrize("micros", [0, -1, 10**15 + 1])
async def test_deposits_have_bounds(till: Till, micros: int) -> None:
    with pytest.raises(InvariantBroken):
        await till.fund(BEN, micros)
    with pytest.raises(InvariantBroken):
        await till.wallet.grant_promo(BEN, micros=micros, campaign="c")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(hold.HoldAnswer, ports.HoldAnswer), (settlement.Split, ports.Split)],
)
def test_answers_have_the_fields_that_metering_asks_for(ours: type, theirs: type) -> None:
    assert [field.name for field in dataclasses.fields(ours)] == [
        field.name for field in dataclasses.fields(theirs)
    ]


def test_hold_statuses_are_spelled_as_metering_spells_them() -> None:
    assert [status.value for status in hold.HoldStatus] == [status.value for status in ports.HoldStatus]


@pytest.mark.parametrize("name", ["place_hold", "settle", "available"])
def test_the_service_takes_what_metering_gives(name: str) -> None:
    ours = inspect.signature(getattr(WalletService, name)).parameters
    theirs = inspect.signature(getattr(ports.Purse, name)).parameters
    assert [(p.name, p.kind) for p in ours.values()] == [(p.name, p.kind) for p in theirs.values()]
