"""Whether enough was set aside, and not before it was needed.

Decides what the first hold of a session must be, that no second ran beyond what was
held at that moment, and that the next hold came only when little cover was left.
Never decides from which purse it came (settlements.py) or when money ends (countdown.py).
Keeps true: it speaks only where the page gives one answer; windows and odd steps it leaves
to the rule that nothing runs beyond its cover.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from loadtest.auditor.bounds import SECOND_NS
from loadtest.auditor.countdown import Going, money_left
from loadtest.auditor.entries import BILLED, FREE
from loadtest.auditor.price import cost
from loadtest.auditor.receipts import Paper, usage_of
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.warnings import Warnings
from loadtest.auditor.world import Life

QUANTUM_S = 60
EXTEND_BELOW_S = 20
SLACK_S = 5
"""Provisional seconds that may later have turned out free make the cover look longer."""


def first_hold(terms: Mapping[str, Any]) -> set[int]:
    """What the first hold may be; empty where the page leaves it open.

    The minimum may count with or without the connect fee, and the last step may be whole or not.
    """
    kind = terms.get("kind", "per_second")
    fee, least = int(terms.get("connect_fee_micros") or 0), int(terms.get("minimum_micros") or 0)
    if terms.get("windows") or (QUANTUM_S % int(terms.get("increment_s") or 1)):
        return set()
    if kind == "block":
        part = int(terms["block"]["price_micros"])
    elif kind == "per_session":
        part = int(terms["session_micros"])
    elif kind == "per_message":
        return set()
    else:
        plain = {
            key: terms[key] for key in ("tiers", "initial_block_s", "increment_s", "rounding") if key in terms
        }
        parts = {cost(plain, [(0, QUANTUM_S)]), cost(plain | {"rounding": "up"}, [(0, QUANTUM_S)])}
        return _within(terms, parts, fee, least)
    return _within(terms, {part}, fee, least)


def _within(terms: Mapping[str, Any], parts: set[int], fee: int, least: int) -> set[int]:
    most = [int(terms[key]) for key in ("cap_micros", "spend_stop_micros") if terms.get(key) is not None]
    sums = {each for part in parts for each in (max(fee + part, least), fee + max(part, least))}
    return {min([each, *most]) for each in sums}


def judge(paper: Paper, life: Life, placed: list[int], warnings: Warnings, verdict: Verdict) -> None:
    """Look at all holds of one session."""
    if life.asked is None:
        return
    lawful = first_hold(life.terms)
    if placed and lawful and placed[0] not in lawful:
        verdict.complain("first_hold", session=paper.session, expected=sorted(lawful), found=placed[0])
    witnessed = [slot for slot in paper.slots if slot.finding in (BILLED, FREE)]
    ends = [slot.end_ns for slot in witnessed]
    owner = life.asked.client
    moves = warnings.moves.get(owner, [])
    after = [wallet for _, wallet, _ in moves[1:]] + [warnings.wallets[owner]] if moves else []
    for (at_ns, before, cause), then in zip(moves, after, strict=True):
        held = before.held_micros.get(paper.session, 0)
        if cause != paper.session or not held:
            continue
        used = witnessed[: bisect_right(ends, at_ns)]
        runs, messages = usage_of(used)
        spent = cost(life.terms, runs, messages)
        if spent > held:
            verdict.complain(
                "beyond_hold", session=paper.session, at_ns=at_ns, expected=f"at most {held}", found=spent
            )
        is_extension = then.held_micros.get(paper.session, 0) > held and bool(ends) and at_ns < ends[-1]
        if (
            is_extension
            and _is_plain(life.terms)
            and len(used) == len([s for s in paper.slots if s.end_ns <= at_ns])
        ):
            going = Going(terms=life.terms, runs=runs, messages=messages, ahead=((0, 0),))
            _, left_s = money_left([going], micros=held - spent)
            if left_s > EXTEND_BELOW_S + SLACK_S:
                verdict.complain(
                    "hold_early", session=paper.session, at_ns=at_ns, expected=f"{EXTEND_BELOW_S} s left",
                    found=f"{left_s} s at {at_ns // SECOND_NS}",
                )  # fmt: skip


def _is_plain(terms: Mapping[str, Any]) -> bool:
    odd = (
        "initial_block_s",
        "free_s",
        "windows",
        "block",
        "spend_stop_micros",
        "cap_micros",
        "minimum_micros",
    )
    is_timed = terms.get("kind", "per_second") == "per_second" and int(terms.get("increment_s") or 1) == 1
    return is_timed and not any(terms.get(key) for key in odd)
