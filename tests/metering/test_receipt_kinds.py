"""Receipts of tariffs with hours, questions, messages and blocks, and of version 1."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.metering import receipt as receipts
from gateway.metering.evidence import decode, encode_tick, split_entries
from gateway.metering.meter import Meter
from gateway.metering.record import Record
from gateway.metering.schedule import Switch, switches
from gateway.metering.tick import Tick
from gateway.terms import ConsentKind, EndReason, SessionKind, Side, TariffSnapshot
from tests.metering.bench import WALL0, Bench, order
from tests.metering.notary import PUBLIC, eastern, issued, problems, signed
from tests.metering.tariff_shapes import flat, terms_2

pytestmark = pytest.mark.core

ISSUED = Path(__file__).parent / "issued"
EVENING = terms_2(
    zone="Asia/Shanghai",
    windows=[{"days": [1], "from": "22:14", "until": "22:15", "tiers": flat(6_000_000)}],
)
"""The bench's clocks begin at 22:13:20 of a Monday."""


def bench_of(terms: dict[str, Any], kind: SessionKind = SessionKind.VOICE) -> Bench:
    return Bench(order(kind, tariff=TariffSnapshot.of(terms)))


def planned(bench: Bench) -> tuple[Switch, ...]:
    return switches(
        bench.meter.tariff,
        from_wall_ns=bench.wall_ns,
        until_wall_ns=bench.wall_ns + 10**13,
        offset_s_at=eastern,
    )


def hung_up(bench: Bench) -> Bench:
    bench.meter.stop(EndReason.HANGUP_CLIENT, bench.now_ns, by=Side.CLIENT)
    return bench.ended()


def evening_call() -> Bench:
    """From 22:13:2x to 22:15:2x, a minute of it in the evening's price."""
    bench = bench_of(EVENING)
    bench.meter.connect(bench.now_ns, wall_ns=bench.wall_ns, switches=planned(bench))
    return hung_up(bench.started().run(120))


def evening_call_with_a_restart() -> Bench:
    """The process dies at 22:13:50 and another takes over at 22:14:10 on a clock of its own."""
    before = bench_of(EVENING)
    before.meter.connect(before.now_ns, wall_ns=before.wall_ns, switches=planned(before))
    before.started().run(25)
    after = bench_of(EVENING)
    after.now_ns, after.wall_ns = before.now_ns // 3, before.wall_ns + 20 * 10**9
    record = Record.replayed(before.meter.order, bytes(before.meter.record.entries))
    after.meter.recover(record, after.now_ns, wall_ns=after.wall_ns, switches=planned(after))
    for side in Side:
        after.meter.set_socket(side, present=True)
    return hung_up(after.run(80))


def files(bench: Bench) -> tuple[dict[str, Any], bytes]:
    body, evidence = issued(bench)
    assert problems(receipts.canonical(body), evidence, expected_key=PUBLIC, offset_s_at=eastern) == []
    return body, evidence


def test_a_call_across_a_change_of_price_lists_when_it_came() -> None:
    body, _ = files(evening_call())

    (stretch,) = body["schedule"]
    assert [entry["period"] for entry in stretch["periods"]] == [0, 1, 0]
    assert [entry["at"][11:19] for entry in stretch["periods"]] == ["14:13:20", "14:14:00", "14:15:00"]
    by_period = [(line["period"], line["quantity"], line["amount_micros"]) for line in body["lines"]]
    assert by_period[1] == (1, 60, 6_000_000)
    assert [period for period, _, _ in by_period] == [0, 1, 0]
    assert sum(run["seconds"] for run in body["usage"]) == body["billed_s"] == 120


def test_after_a_restart_the_schedule_is_tied_to_the_new_clock() -> None:
    body, _ = files(evening_call_with_a_restart())

    before, after = body["schedule"]
    assert (before["after_tick"], after["after_tick"]) == (0, 24)
    assert [entry["period"] for entry in before["periods"]] == [0]
    assert [entry["period"] for entry in after["periods"]] == [1, 0]


def test_a_second_priced_at_another_hour_is_seen() -> None:
    bench = evening_call()
    body, evidence = issued(bench)
    record = Record.begun(bench.meter.order)
    for entry in split_entries(bytes(bench.meter.record.entries)):
        found = decode(entry)
        is_forged = isinstance(found, Tick) and found.number == 100
        record.replay(encode_tick(found._replace(period=1)) if is_forged else entry)
    bundle = json.loads(evidence)
    bundle["entries"] = [entry.hex() for entry in split_entries(bytes(record.entries))]
    body["evidence_head"] = record.head
    body["usage"] = [{"period": p, "seconds": s} for p, s in record.tally.usage.runs]

    found_wrong = problems(receipts.canonical(signed(body)), receipts.canonical(bundle))

    assert "Second 100 is priced in a period that was not in force when it began." in found_wrong


def test_a_schedule_that_the_tariffs_hours_do_not_give_is_seen_where_the_zone_is_known() -> None:
    body, evidence = issued(evening_call())

    wrong = problems(receipts.canonical(body), evidence, offset_s_at=lambda zone, unix_s: 0)

    assert wrong == ["The schedule is not the one that the tariff's hours give."]


def test_a_tariff_with_hours_cannot_be_billed_without_its_zone() -> None:
    meter: Meter = evening_call().meter
    assert meter.stop_mark is not None
    statement = receipts.Statement(
        receipt=receipts.ReceiptId("rcp_1"),
        order=meter.order,
        tariff=meter.tariff,
        entries=bytes(meter.record.entries),
        reason=meter.stop_mark.reason,
        grade=meter.grade,
        warnings=(),
    )

    with pytest.raises(receipts.InvariantBroken):
        receipts.outlined(statement, key_id="k", public_key=PUBLIC)


def test_a_yes_is_on_the_receipt() -> None:
    bench = bench_of(terms_2(spend_consent_micros=2_000_000)).started().run(20)
    assert bench.meter.consent(ConsentKind.SPEND, bench.now_ns, wall_ns=bench.wall_ns)
    body, _ = files(hung_up(bench.run(40)))

    assert [(given["kind"], given["after_tick"] <= 20) for given in body["consents"]] == [("spend", True)]
    assert body["charge_micros"] == 3_000_000


LIMITED = [
    ("spend_consent_micros", "The session went beyond spend_consent_micros without the client's consent."),
    ("spend_stop_micros", "The session cost more than the tariff's spend_stop_micros."),
]


@pytest.mark.parametrize(("limit", "complaint"), LIMITED)
def test_a_session_beyond_a_limit_on_spending_is_seen(limit: str, complaint: str) -> None:
    bench = hung_up(bench_of(terms_2()).started().run(60))
    limited = TariffSnapshot.of(terms_2(**{limit: 2_000_000}))

    assert complaint in _problems_under(bench, limited)


def test_a_session_beyond_prepaid_time_is_seen() -> None:
    bench = hung_up(bench_of(terms_2()).started().run(60))
    block = {"length_s": 50, "price_micros": 9_000_000, "overrun": "stop"}
    prepaid = TariffSnapshot.of(terms_2(kind="block", tiers=[], block=block))

    wrong = _problems_under(bench, prepaid)

    assert "The session went beyond the prepaid time without the client's consent." in wrong


def _problems_under(bench: Bench, tariff: TariffSnapshot) -> list[str]:
    """What is wrong with a call's evidence when it is billed by another tariff."""
    made = order(tariff=tariff)
    entries = bytes(bench.meter.record.entries)
    body, _ = issued(bench)
    body |= {
        "tariff": tariff.terms(),
        "tariff_hash": tariff.hash,
        "evidence_head": Record.replayed(made, entries).head,
    }
    return problems(receipts.canonical(signed(body)), receipts.canonical(receipts.bundle(made, entries)))


def test_messages_are_a_line_of_their_own() -> None:
    chat = terms_2(kind="per_message", tiers=[], message_micros=500_000, messages_free=1)
    bench = bench_of(chat, SessionKind.TEXT).started().run(3)
    for _ in range(3):
        bench.meter.line_sent(bench.now_ns, Side.CLIENT)
        bench.run(2)
    body, _ = files(hung_up(bench.run(5)))

    assert body["messages"] == 3
    assert body["charge_micros"] == 1_000_000
    assert body["lines"] == [
        {"code": "messages", "quantity": 2, "unit": "message", "amount_micros": 1_000_000, "period": 0}
    ]


def test_a_block_is_a_line_of_its_own() -> None:
    block = {"length_s": 600, "price_micros": 20_000_000, "overrun": "stop"}
    body, _ = files(hung_up(bench_of(terms_2(kind="block", tiers=[], block=block)).started().run(30)))

    (line,) = body["lines"]
    assert (line["code"], line["quantity"], line["unit"], line["amount_micros"]) == (
        "block",
        1,
        "block",
        20_000_000,
    )


def test_a_receipt_of_version_1_still_holds_and_every_changed_word_is_seen() -> None:
    receipt = (ISSUED / "receipt_1.json").read_bytes()
    evidence = (ISSUED / "evidence_1.json").read_bytes()
    assert problems(receipt, evidence, expected_key=PUBLIC, offset_s_at=eastern) == []

    body = json.loads(receipt)
    for field, value in (("billed_s", 11), ("charge_micros", 1_210_000), ("lines", []), ("gaps", [])):
        changed = receipts.canonical(signed({**body, field: value}))
        assert problems(changed, evidence), f"{field} changed unseen"


def test_the_bench_begins_where_these_tests_think() -> None:
    assert (WALL0 // 10**9 + 8 * 3600) % 86_400 == 22 * 3600 + 13 * 60 + 20


def test_a_span_lost_to_a_clock_that_ran_short_says_which() -> None:
    bench = bench_of(terms_2())
    bench.client.rtp_ppm = 900_000
    body, _ = files(hung_up(bench.started().run(60)))

    assert {gap["why"] for gap in body["gaps"]} == {"clock_rtp_client"}
