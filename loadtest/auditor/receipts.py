"""Whether a receipt says what its evidence and the ledger say, second by second.

Decides the recount of a session's seconds, the price by the auditor's own function,
the chain from its first text to the head on the receipt, and the split of the charge.
Never asks what really happened (meter.py), and never checks the signature, which needs
more than the standard library; `gateway receipt verify` does.
Keeps true: every figure on the receipt is compared with one that was recomputed.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from loadtest.auditor import entries as bytes_
from loadtest.auditor.bounds import is_grid
from loadtest.auditor.entries import ACCEPTED, BILLED, FREE, RESTART, START, STOP, Anchor, Slot
from loadtest.auditor.price import cost, split, to_minor
from loadtest.auditor.settlements import Settlement
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.windows import period_at

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A receipt, read together with its evidence."""

    session: str
    receipt: dict[str, Any]
    slots: list[Slot]
    anchors: list[Anchor]
    runs: list[tuple[int, int]]
    """Witnessed seconds by rate period."""
    messages: int

    @property
    def witnessed_s(self) -> int:
        """Billed and free seconds."""
        return sum(seconds for _, seconds in self.runs)


def read(session: str, receipt: bytes, evidence: bytes, verdict: Verdict) -> Paper | None:
    """Read a receipt and check all of it that needs no other source."""
    try:
        body = json.loads(receipt)
        raw = bytes_.bundle(evidence)
        decoded = [bytes_.decode(entry) for entry in raw]
    except (ValueError, KeyError) as problem:
        verdict.complain("readable", session=session, expected="a receipt with evidence", found=problem)
        return None
    slots = [entry for entry in decoded if isinstance(entry, Slot)]
    anchors = [entry for entry in decoded if isinstance(entry, Anchor)]
    runs, messages = usage_of(slots)
    paper = Paper(session=session, receipt=body, slots=slots, anchors=anchors, runs=runs, messages=messages)
    _check_chain(paper, raw, verdict)
    _check_order(paper, decoded, verdict)
    _check_seconds(paper, verdict)
    _check_periods(paper, verdict)
    _check_money(paper, verdict)
    return paper


def usage_of(slots: list[Slot]) -> tuple[list[tuple[int, int]], int]:
    """The witnessed seconds by rate period in order, and the billable lines in them."""
    runs: list[tuple[int, int]] = []
    messages = 0
    for slot in slots:
        if slot.finding in (BILLED, FREE):
            messages += slot.messages
            if runs and runs[-1][0] == slot.period:
                runs[-1] = (slot.period, runs[-1][1] + 1)
            else:
                runs.append((slot.period, 1))
    return runs, messages


def _check_chain(paper: Paper, raw: list[bytes], verdict: Verdict) -> None:
    receipt = paper.receipt
    canonical = json.dumps(receipt["tariff"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    tariff_hash = hashlib.sha256(canonical.encode()).hexdigest()
    if tariff_hash != receipt["tariff_hash"]:
        verdict.complain(
            "tariff_hash", session=paper.session, expected=tariff_hash, found=receipt["tariff_hash"]
        )
    client, provider = receipt["client"]["id"], receipt["provider"]["id"]
    parts = (paper.session, client, provider, receipt["kind"], receipt["tariff_hash"], *receipt["nonces"])
    found = [bytes_.last_head(bytes_.genesis(parts, version=version), raw).hex() for version in (1, 2)]
    if receipt["evidence_head"] not in found:
        verdict.complain("chain", session=paper.session, expected=found[0], found=receipt["evidence_head"])


def _check_order(paper: Paper, decoded: list[Slot | Anchor], verdict: Verdict) -> None:
    """Ticks count up by one, seconds follow each other, and only a restart leaves a gap between them."""
    session = paper.session
    tick, end_ns = 0, 0
    is_running = is_stopped = False
    for entry in decoded:
        if isinstance(entry, Slot):
            if entry.tick != tick + 1 or not is_running or is_stopped:
                verdict.complain(
                    "ticks",
                    session=session,
                    at_ns=entry.end_ns,
                    expected=f"tick {tick + 1}",
                    found=entry.tick,
                )
            if entry.end_ns != end_ns + SECOND_NS:
                verdict.complain(
                    "grid",
                    session=session,
                    at_ns=entry.end_ns,
                    expected=end_ns + SECOND_NS,
                    found=entry.end_ns,
                )
            tick, end_ns = entry.tick, entry.end_ns
        elif entry.kind in (START, RESTART):
            if is_running == (entry.kind == START):
                verdict.complain("anchors", session=session, expected="one start, first", found=entry.kind)
            if entry.at_ns < end_ns or not is_grid(entry.at_ns):
                verdict.complain("grid", session=session, expected="a later grid point", found=entry.at_ns)
            is_running, end_ns = True, entry.at_ns
        elif entry.kind == STOP:
            is_stopped = True


def _check_seconds(paper: Paper, verdict: Verdict) -> None:
    counts = [0, 0, 0, 0]
    for slot in paper.slots:
        counts[slot.finding] += 1
        if (
            slot.finding in (BILLED, FREE)
            and (slot.media, slot.app) != (3, 3)
            and paper.receipt["grade"] == "A"
        ):
            verdict.complain(
                "four_witnesses", session=paper.session, at_ns=slot.end_ns, expected="both legs and apps",
                found=f"media {slot.media} app {slot.app}",
            )  # fmt: skip
    for index, name in enumerate(bytes_.FINDINGS):
        theirs = paper.receipt[f"{name}_s"]
        if theirs != counts[index]:
            if index in (BILLED, FREE):
                verdict.overbilled_s += max(0, theirs - counts[index])
            verdict.complain(f"{name}_s", session=paper.session, expected=counts[index], found=theirs)
    free = min(int(paper.receipt["tariff"].get("free_s", 0)), paper.witnessed_s)
    if counts[FREE] != free:
        verdict.complain("free_seconds", session=paper.session, expected=free, found=counts[FREE])
    unbilled = sum(gap["to_tick"] - gap["from_tick"] + 1 for gap in paper.receipt["gaps"])
    missing = counts[bytes_.PAUSED] + counts[bytes_.UNWITNESSED]
    if sum(1 for _ in paper.receipt["gaps"]) and unbilled < missing:
        verdict.complain("gaps", session=paper.session, expected=f"{missing} seconds", found=unbilled)


def _check_periods(paper: Paper, verdict: Verdict) -> None:
    """Each second has the period in force when it begins."""
    terms = paper.receipt["tariff"]
    if not terms.get("windows"):
        if any(slot.period for slot in paper.slots):
            verdict.complain("rate_period", session=paper.session, expected="0", found="another")
        return
    ties = [anchor for anchor in paper.anchors if anchor.kind in (ACCEPTED, RESTART)]
    for slot in paper.slots:
        tie = [
            anchor for anchor in ties if anchor.at_ns <= slot.end_ns - SECOND_NS or anchor.kind == ACCEPTED
        ]
        offset_ns = tie[-1].wall_ns - tie[-1].at_ns if tie else slot.wall_ns - slot.end_ns
        lawful = period_at(terms, slot.end_ns - SECOND_NS + offset_ns)
        if slot.period != lawful:
            verdict.complain(
                "rate_period", session=paper.session, at_ns=slot.end_ns, expected=lawful, found=slot.period
            )


def _check_money(paper: Paper, verdict: Verdict) -> None:
    receipt, session = paper.receipt, paper.session
    due = to_minor(cost(receipt["tariff"], paper.runs, paper.messages), receipt["currency"])
    charge = receipt["charge_micros"]
    is_capped = any(line["code"] == "capped_to_hold" for line in receipt["lines"])
    if charge > due:
        verdict.overbilled_micros += charge - due
        verdict.complain("price", session=session, expected=due, found=charge)
    elif charge < due and not is_capped:
        verdict.underbilled_micros += due - charge
        verdict.complain("price", session=session, expected=due, found=charge)
    fee, earned = split(charge, receipt["fee_bp"])
    if (receipt["fee_micros"], receipt["earned_micros"]) != (fee, earned):
        found = (receipt["fee_micros"], receipt["earned_micros"])
        verdict.complain("split", session=session, expected=(fee, earned), found=found)
    lines = sum(line["amount_micros"] for line in receipt["lines"])
    if lines != charge:
        verdict.complain("lines", session=session, expected=charge, found=lines)
    paid = receipt["promo_micros"] + receipt["cash_micros"]
    if paid != charge:
        verdict.complain("sources", session=session, expected=charge, found=paid)


def compare(paper: Paper, settled: Settlement | None, verdict: Verdict) -> None:
    """Hold the receipt against what the ledger moved."""
    receipt, session = paper.receipt, paper.session
    names = ("charge_micros", "promo_micros", "fee_micros", "earned_micros")
    theirs = tuple(receipt[name] for name in names)
    mine = tuple(getattr(settled, name) for name in names) if settled else (0, 0, 0, 0)
    if theirs != mine:
        verdict.complain(
            "receipt_is_ledger", session=session, expected=dict(zip(names, mine, strict=True)), found=theirs
        )
    if any(line["code"] == "capped_to_hold" for line in receipt["lines"]) and settled is not None:
        due = to_minor(settled.held_micros, receipt["currency"])
        if receipt["charge_micros"] != due:
            verdict.complain("capped_to_hold", session=session, expected=due, found=receipt["charge_micros"])
    if receipt.get("make_good_micros", 0) != (settled.make_good_micros if settled else 0):
        verdict.complain(
            "make_good", session=session, expected=settled and settled.make_good_micros,
            found=receipt.get("make_good_micros", 0),
        )  # fmt: skip
