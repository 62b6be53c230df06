"""A clean world has no complaint, and every deliberate error has its own."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtest.auditor import Verdict, audit_file, truth
from loadtest.auditor.entries import STOP
from tests.loadtest_auditor.staged import (
    BEGIN_S,
    NS,
    TABLES,
    WAY,
    Staged,
    anchor,
    restarted,
    slot,
    staged,
    terms,
)

pytestmark = pytest.mark.core


def rules(verdict: Verdict) -> set[str]:
    """What was complained of."""
    return set(verdict.rules)


def test_a_world_in_which_all_is_well_is_clean() -> None:
    verdict = staged()
    assert verdict.is_clean, verdict.complaints
    assert verdict.sessions == 1
    assert verdict.seconds == 30
    assert verdict.end_reasons == {"hangup_client"}
    assert verdict.states == set(WAY)


def one_second_more(world: Staged) -> None:
    """The gateway counts the broken second at the end."""
    world.entries.insert(-1, slot(31, BEGIN_S + 31))


def one_second_less(world: Staged) -> None:
    """The gateway forgets one in the middle."""
    world.entries[10] = slot(9, BEGIN_S + 9, finding=3)


def a_second_early(world: Staged) -> None:
    """The first second begins before both have confirmed."""
    world.entries = [anchor(5, BEGIN_S - 5), anchor(1, BEGIN_S - 1)]
    world.entries += [slot(tick, BEGIN_S - 1 + tick) for tick in range(1, 31)]
    world.entries.append(anchor(STOP, BEGIN_S + 29, after_tick=30, reason=1))


def a_free_second(world: Staged) -> None:
    """One is called free though none is."""
    world.entries[10] = slot(9, BEGIN_S + 9, finding=1)


def a_tick_twice(world: Staged) -> None:
    """A number is used again."""
    world.entries[10] = slot(8, BEGIN_S + 9)


def a_clock_mark(world: Staged) -> None:
    """A clock is said to run short that does not."""
    world.entries[10] = slot(9, BEGIN_S + 9, finding=3, clocks=1)


EVIDENCE: list[tuple[Callable[[Staged], None], set[str]]] = [
    (one_second_more, {"overbilled", "overcharged"}),
    (one_second_less, {"underbilled"}),
    (a_second_early, {"overbilled", "overcharged", "back_dated"}),
    (a_free_second, {"free_seconds"}),
    (a_tick_twice, {"ticks"}),
    (a_clock_mark, {"clock_marks"}),
]


@pytest.mark.parametrize(("forge", "expected"), EVIDENCE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_second_is_found(forge: Callable[[Staged], None], expected: set[str]) -> None:
    assert rules(staged(forge=forge)) == expected


PAPERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"evidence_head": "00" * 32}, {"chain"}),
    ({"tariff_hash": "00" * 32}, {"tariff_hash", "chain"}),
    ({"billed_s": 31}, {"billed_s"}),
    ({"fee_micros": 0}, {"split", "receipt_is_ledger"}),
    ({"cash_micros": 1}, {"sources"}),
    (
        {"charge_micros": 1_600_000},
        {"price", "split", "lines", "sources", "receipt_is_ledger", "overcharged"},
    ),
    ({"end_reason": "hangup_provider"}, {"end_reason"}),
    ({"end_reason": "max_duration"}, {"cut_early", "not_warned"}),
    ({"end_reason": "funds"}, {"cut_early", "not_warned"}),
    ({"end_reason": "lost_provider"}, {"lost"}),
    ({"lines": []}, {"lines"}),
    ({"make_good_micros": 5}, {"make_good"}),
]


@pytest.mark.parametrize(("change", "expected"), PAPERS, ids=lambda value: ",".join(sorted(value)))
def test_a_receipt_with_a_false_figure_is_found(change: dict[str, Any], expected: set[str]) -> None:
    def forge(world: Staged) -> None:
        world.changes = change

    assert rules(staged(forge=forge)) == expected


def settled_with(change: Callable[[Staged, str], None]) -> Verdict:
    """A world whose ledger somebody spoils after the settlement."""
    world = Staged().told()
    world.top_up(20_000_000)
    hold = world.hold(3_000_000)
    world.acked(1, 30).stopped()
    world.receipt(world.settle())
    change(world, hold)
    return world.close()


def moved(kind: str, flow: str, debit: str, credit: str, micros: int, *, name: str = "other") -> Any:
    """A change of one more command with one leg."""

    def change(world: Staged, hold: str) -> None:
        ends = (hold,) if kind == "void" else ()
        world.command(name, [(kind, flow, debit, credit, micros, *ends)], session=world.name)

    return change


def drifted(world: Staged, hold: str) -> None:
    del hold
    world.connection.execute(
        "UPDATE ledger_account SET credits_posted = credits_posted + 7 WHERE chart = 'bank'"
    )
    world.connection.execute(
        "UPDATE ledger_account SET credits_posted = credits_posted + 7 WHERE chart = 'client_cash'"
    )


def never_finished(world: Staged, hold: str) -> None:
    del hold
    world.connection.execute("UPDATE sessions SET state = 'ending', seq = 6")


def paid_twice(world: Staged, hold: str) -> None:
    del hold
    world.command("top_up", [("posted", "top_up", "processor_clearing", "client_cash:acc_c", 20_000_000)])


def never_credited(world: Staged, hold: str) -> None:
    del hold
    world.tell(truth.MoneyMeant(at_ns=3 * NS, flow="top_up", account="acc_c", key="pay_2", micros=5))


CASH, SHARE, READY, FEE = (
    "client_cash:acc_c",
    "provider_pending:acc_p",
    "provider_available:acc_p",
    "platform_fee",
)
LEDGER: list[tuple[Any, set[str]]] = [
    (moved("void", "release", CASH, "holds_control", 3_000_000), {"hold_ends_once", "pending_is_holds"}),
    (moved("pending", "hold", CASH, "holds_control", 9), {"no_open_hold"}),
    (moved("posted", "payout", CASH, "bank", 9), {"unlawful_move"}),
    (moved("posted", "refund", SHARE, CASH, 1_600_000), {"overdraft", "refund_within", "refund_to_source", "refund_proportion"}),
    (moved("posted", "refund", SHARE, CASH, 1_000_000), {"refund_proportion"}),
    (moved("posted", "cool_off", SHARE, READY, 1_200_000), set()),
    (moved("posted", "cool_off", SHARE, READY, 1_300_000), {"overdraft", "matures_once"}),
    (moved("posted", "fee", CASH, FEE, 10_000, name="settle"), {"settled_once", "settlement_answer"}),
    (drifted, {"drift", "trial_balance"}),
    (never_finished, {"finished", "state_is_last_move"}),
    (paid_twice, {"meant_once"}),
    (never_credited, {"meant_at_all"}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), LEDGER)
def test_a_spoilt_ledger_is_found(change: Callable[[Staged, str], None], expected: set[str]) -> None:
    assert expected <= rules(settled_with(change))
    assert bool(expected) == bool(settled_with(change).rules)


def test_a_charge_above_what_the_evidence_costs_is_counted_in_micros() -> None:
    world = Staged().told().acked(1, 30).stopped()
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.receipt(world.settle(extra_micros=30_000))
    verdict = world.close()
    assert verdict.overbilled_micros == 60_000
    assert {"price", "overcharged"} <= rules(verdict)


def test_promotional_money_goes_first_and_of_that_what_expires_first() -> None:
    world = Staged().told()
    late = world.account("client_promo:acc_c/late", expires_wall_ns=2_000_000_000 * NS)
    early = world.account("client_promo:acc_c/early", expires_wall_ns=1_900_000_000 * NS)
    for grant in (late, early):
        world.command("promo_grant", [("posted", "promo_grant", "promo_cost", grant, 1_000)])
    world.hold(400, early)
    assert world.auditor.verdict.is_clean
    world.hold(400, late)
    assert rules(world.auditor.verdict) == {"promo_first"}


def test_money_set_aside_twice_is_an_overdraft() -> None:
    world = Staged().told()
    world.top_up(1_000)
    world.hold(600)
    world.hold(600)
    assert world.auditor.verdict.overdrafts == 1


def test_a_first_hold_of_another_size_is_found_and_so_is_one_that_comes_early() -> None:
    def early(world: Staged) -> None:
        world.acked(1, 10).hold(1_000_000)
        world.acked(11, 30)

    assert rules(staged(tariff=terms(connect_fee_micros=1))) == {"first_hold"}
    assert rules(staged(tell=early)) == {"hold_early"}


def test_a_second_beyond_what_was_held_is_found() -> None:
    world = Staged(seconds=70).told()
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.acked(1, 65)
    world.hold(3_000_000)
    world.acked(66, 70).stopped()
    world.receipt(world.settle())
    assert rules(world.close()) == {"beyond_hold"}


def test_a_leap_between_states_is_found() -> None:
    def forge(world: Staged) -> None:
        world.way = ("created", "ringing", "accepted", "metering", "ending", "rated", "settled")

    assert rules(staged(forge=forge)) == {"lawful_state"}


# Restarts


def crashed(world: Staged, *, kept: int, back_s: int) -> None:
    """The gateway dies 12.9 s into the call and serves again 4 s later; both legs are back soon after."""
    down_ns = BEGIN_S * NS + 12_900_000_000
    world.acked(1, 12)
    for side in ("client", "provider"):
        for plane in ("rtp", "path"):
            world.flow(side, plane, down_ns, is_on=False)
    world.tell(truth.GatewayDown(at_ns=down_ns, owner="g"))
    world.tell(truth.GatewayUp(at_ns=down_ns + 4 * NS, owner="h", wall_ns=1, boot="b"))
    for side in ("client", "provider"):
        for plane in ("rtp", "path"):
            world.flow(side, plane, down_ns + 5 * NS, is_on=True)
    for tick in range(kept + 1, 31):
        for side in ("client", "provider"):
            at_ns = (back_s + tick - kept) * NS + NS // 5
            world.tell(truth.Acked(at_ns=at_ns, session=world.name, side=side, tick=tick))


@pytest.mark.parametrize(
    ("kept", "back_s", "lost", "expected"),
    [
        (12, BEGIN_S + 20, 0, set()),
        (11, BEGIN_S + 20, 1, set()),
        (10, BEGIN_S + 20, 2, {"crash_loss"}),
        (12, BEGIN_S + 15, 0, {"overbilled", "overcharged"}),
    ],
)
def test_a_crash_may_cost_one_second_and_its_gap_is_never_billed(
    kept: int, back_s: int, lost: int, expected: set[str]
) -> None:
    world = Staged(seconds=30).told()
    crashed(world, kept=kept, back_s=back_s)
    restarted(world, after=kept, at_s=back_s)
    world.tell(truth.Stopped(at_ns=(back_s + 30 - kept) * NS, session=world.name, reason="hangup_client"))
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.receipt(world.settle())
    verdict = world.close()
    assert rules(verdict) == expected
    assert verdict.underbilled_s_per_crash_max == lost


def test_a_pause_is_not_billed() -> None:
    def tell(world: Staged) -> None:
        world.acked(1, 30)
        for at_s, is_on in ((BEGIN_S + 5, True), (BEGIN_S + 8, False)):
            world.tell(truth.Paused(at_ns=at_s * NS, session=world.name, reason="sos", is_on=is_on))

    verdict = staged(tell=tell)
    assert verdict.overbilled_s == 3


@pytest.mark.parametrize(
    ("kept", "away_s", "expected"),
    [(89, 95, set()), (87, 95, {"crash_loss"}), (89, 60, {"underbilled"})],
)
def test_a_lease_that_ends_may_cost_one_second_however_long_the_process_lives_on(
    kept: int, away_s: int, expected: set[str]
) -> None:
    world = Staged(seconds=100).told()
    world.tell(truth.StoreFailed(at_ns=BEGIN_S * NS + NS // 2, is_down=True))
    world.acked(1, 90)
    world.tell(truth.StoreFailed(at_ns=(BEGIN_S + away_s) * NS + NS // 2, is_down=False))
    world.tell(truth.GatewayDown(at_ns=(BEGIN_S + 120) * NS, owner="g"))
    world.tell(truth.GatewayUp(at_ns=(BEGIN_S + 124) * NS, owner="h", wall_ns=1, boot="b"))
    for tick in range(kept + 1, 101):
        for side in ("client", "provider"):
            at_ns = (BEGIN_S + 130 + tick - kept) * NS + NS // 5
            world.tell(truth.Acked(at_ns=at_ns, session=world.name, side=side, tick=tick))
    restarted(world, after=kept, at_s=BEGIN_S + 130)
    world.tell(truth.Stopped(at_ns=(BEGIN_S + 230 - kept) * NS, session=world.name, reason="hangup_client"))
    world.top_up(50_000_000)
    world.hold(20_000_000)
    world.receipt(world.settle())

    assert rules(world.close()) & {"underbilled", "crash_loss"} == expected


@pytest.mark.parametrize(
    ("owner", "expected"),
    [("former", set()), ("other", {"overbilled", "overcharged"}), ("", {"overbilled", "overcharged"})],
)
def test_a_pause_that_a_replaced_process_took_may_be_lost_with_it(owner: str, expected: set[str]) -> None:
    world = Staged(seconds=30).told()
    world.tell(truth.GatewayOpens(at_ns=(BEGIN_S + 4) * NS + NS // 2, owner="other"))
    world.tell(
        truth.Paused(
            at_ns=(BEGIN_S + 4) * NS + NS * 6 // 10, session=world.name, reason="sos", is_on=True, owner=owner
        )
    )
    world.acked(1, 4)
    for tick in range(5, 31):
        for side in ("client", "provider"):
            at_ns = (BEGIN_S + 4 + tick) * NS + NS // 5
            world.tell(truth.Acked(at_ns=at_ns, session=world.name, side=side, tick=tick))
    restarted(world, after=4, at_s=BEGIN_S + 8)
    world.tell(truth.Stopped(at_ns=(BEGIN_S + 34) * NS, session=world.name, reason="hangup_client"))
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.receipt(world.settle())

    assert rules(world.close()) & {"overbilled", "overcharged"} == expected


def test_a_clock_that_runs_short_is_the_one_that_is_billed() -> None:
    def tell(world: Staged) -> None:
        world.acked(1, 60)
        world.tell(truth.ClockRan(at_ns=NS, session=world.name, side="client", clock="app", rate_ppm=900_000))

    assert "shortest_clock" in rules(staged(seconds=60, tell=tell))


# A file alone


def test_a_file_is_audited_without_any_truth(tmp_path: Path) -> None:
    world = Staged().told()
    world.top_up(20_000_000)
    world.hold(3_000_000)
    world.receipt(world.settle())
    path = tmp_path / "g.db"
    with sqlite3.connect(path) as file:
        world.connection.commit()
        world.connection.backup(file)
    assert audit_file(path).is_clean
    with sqlite3.connect(path) as file:
        file.execute("UPDATE ledger_transfer SET micros = micros + 1 WHERE flow = 'fee'")
    file.close()
    assert {"drift", "settlement_answer", "receipt_is_ledger"} <= rules(audit_file(path))
    assert "CREATE TABLE" in TABLES


def test_a_verdict_adds_up_over_worlds() -> None:
    total = Verdict()
    total.merge(staged())
    total.merge(staged(forge=one_second_more))
    assert total.sessions == 2
    assert total.overbilled_s == 1
    assert not total.as_json()["ok"]
    assert terms()["kind"] == "per_second"
