"""The books replayed from zero, and then only what is new of them.

Decides by adding up every transfer once, in memory: each account's counters, the
holds that are open, what each command answered and moved. A look costs in
proportion to what has happened since the last; besides, every look compares a
stretch of all accounts, so that a counter changed by hand is found within a round.
Never writes, and shares no code with what moves the money.
Keeps: a breach that was found stays until a look finds it gone, or all is replayed.
See `gateway/booking/ledger/invariant.py` for what each value means.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from gateway.booking.adapters.ledger_audit import clearing
from gateway.booking.books_watch_service import Look
from gateway.booking.ledger.invariant import Breach, Finding, Invariant, balanced, counted
from gateway.ids import AccountId, SessionId

STRETCH_MAX = 5_000
"""Accounts compared in one look although nothing moved on them."""
_SLICE = 500
_SLACK_NS = 60 * 1_000_000_000
"""Orders that finished so shortly before the last look are looked at again."""

_NEW = """
SELECT leg.seq, leg.id, leg.command_id, leg.kind, leg.flow, leg.debit_account, leg.credit_account, leg.micros,
       leg.ends_id, leg.session, command.name, command.answer
FROM ledger_transfer AS leg LEFT JOIN ledger_command AS command ON command.id = leg.command_id
WHERE leg.seq > ? ORDER BY leg.seq
"""
_NAMED = "SELECT * FROM ledger_account WHERE id IN (SELECT value FROM json_each(?))"
_STRETCH = "SELECT * FROM ledger_account WHERE id > ? ORDER BY id LIMIT ?"
_ORDERS = """
SELECT top_up.id, top_up.account, top_up.state, top_up.micros, top_up.finished_wall_ns,
       coalesce((SELECT sum(micros) FROM ledger_transfer WHERE command_id = top_up.command_id AND flow = 'top_up'), 0) AS credited
FROM top_up_order AS top_up WHERE {where}
"""
_FINISHED = _ORDERS.format(where="top_up.finished_wall_ns >= ?")
_OF_COMMANDS = _ORDERS.format(where="top_up.command_id IN (SELECT value FROM json_each(?))")
_REFUNDED = """
SELECT session, sum(micros) FILTER (WHERE flow = 'refund') AS refunded,
       coalesce(sum(micros) FILTER (WHERE flow <> 'refund'), 0) AS charged
FROM ledger_transfer WHERE session IN (SELECT value FROM json_each(?)) AND flow IN ('refund', 'fee', 'earning')
GROUP BY session
"""
_ANSWERED: Mapping[str, str] = {
    "hold": "placed_micros",
    "refund": "refund_micros",
    "case_open": "reserved_micros",
    "case_decide": "refund_micros",
    "cool_off": "micros",
    "promo_expiry": "micros",
    "payout": "micros",
    "payout_sent": "micros",
    "payout_back": "micros",
}
"""Which member of a command's answer says how much it moved."""


class _Leg(NamedTuple):
    """One transfer with its command; name and answer are None where there is no command."""

    seq: int
    id: str
    command: str
    kind: str
    flow: str
    debit: str
    credit: str
    micros: int
    ends: str | None
    session: str | None
    name: str | None
    answer: str | None


@dataclass(slots=True)
class _Counters:
    """One account, as its transfers say."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0


@dataclass(slots=True)
class Replay:
    """The running state; one look at a time."""

    seq: int = 0
    """The last transfer that is in it."""
    count: int = 0
    accounts: dict[str, _Counters] = field(default_factory=dict)
    open_holds: dict[str, _Leg] = field(default_factory=dict)
    """Pending transfers that have not ended."""
    held: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Open debits and credits of each account."""
    settled: set[str] = field(default_factory=set)
    """Sessions that were settled with a hold still open."""
    breaches: dict[Invariant, dict[str, Breach]] = field(default_factory=dict)
    """What is wrong, by invariant and by what it is about."""
    sums: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of accounts that differ: posted and pending debits in excess of what transfers say."""
    stretch: str = ""
    """The last account of the last stretch."""
    orders_wall_ns: int = 0
    """When the newest order that was looked at finished."""

    def look(self, connection: sqlite3.Connection) -> Look:
        """Take in what is new and compare; one snapshot."""
        touched: set[str] = set()
        settled: list[str] = []
        refunded: set[str] = set()
        credited: list[str] = []
        legs = map(_Leg._make, connection.execute(_NEW, (self.seq,)))
        for command, group in groupby(legs, key=lambda leg: leg.command):
            members = list(group)
            self._take(members, touched)
            first = members[0]
            if first.name == "settle" and first.session is not None:
                settled.append(first.session)
            elif first.name in ("refund", "case_decide") and first.session is not None:
                refunded.add(first.session)
            elif first.name == "top_up":
                credited.append(command)
            self._judge(first, members)
        self._compare(connection, touched)
        self._judge_ends(settled)
        self._judge_orders(connection, credited)
        self._judge_refunds(connection, refunded)
        self._replace(Invariant.CLEARING, {breach.sentence: breach for breach in clearing(connection)})
        return Look(
            findings=self._findings(),
            settled=[SessionId(session) for session in settled],
            holding={
                SessionId(leg.session): AccountId(_owner(leg.debit) or "")
                for leg in self.open_holds.values()
                if leg.session is not None
            },
            transfers=self.count,
        )

    def _take(self, legs: Iterable[_Leg], touched: set[str]) -> None:
        for leg in legs:
            self.seq, self.count = leg.seq, self.count + 1
            touched.add(leg.debit)
            touched.add(leg.credit)
            debit = self.accounts.get(leg.debit) or self.accounts.setdefault(leg.debit, _Counters())
            credit = self.accounts.get(leg.credit) or self.accounts.setdefault(leg.credit, _Counters())
            if leg.kind in ("posted", "post"):
                debit.debits_posted += leg.micros
                credit.credits_posted += leg.micros
            if leg.kind == "pending":
                debit.debits_pending += leg.micros
                credit.credits_pending += leg.micros
                self._open(leg, leg.micros)
                self.open_holds[leg.id] = leg
            elif leg.kind in ("void", "post"):
                debit.debits_pending -= leg.micros
                credit.credits_pending -= leg.micros
                self._end(leg)

    def _open(self, leg: _Leg, micros: int) -> None:
        for account, debit, credit in ((leg.debit, micros, 0), (leg.credit, 0, micros)):
            before = self.held.pop(account, (0, 0))
            after = (before[0] + debit, before[1] + credit)
            if after != (0, 0):
                self.held[account] = after

    def _end(self, ending: _Leg) -> None:
        held = self.open_holds.pop(ending.ends or "", None)
        if held is not None:
            self._open(held, -held.micros)
        if held is None or held.micros != ending.micros:
            self._note(
                Invariant.HOLDS_END_ONCE,
                ending.id,
                Breach(
                    sentence=f"{ending.id} ends {ending.ends}, which is not open or of another amount",
                    owner=_owner(ending.debit),
                ),
            )

    def _judge(self, first: _Leg, legs: Sequence[_Leg]) -> None:
        """Whether a command moved what it answered."""
        if first.name is None or first.answer is None:
            sentence = f"transfer {first.id} belongs to no command"
            self._note(Invariant.ANSWERS, first.id, Breach(sentence=sentence, owner=_owner(first.debit)))
        elif first.name == "settle":
            self._judge_split(first, legs, json.loads(first.answer))
        elif first.name in _ANSWERED:
            said = json.loads(first.answer).get(_ANSWERED[first.name], 0)
            moved = sum(leg.micros for leg in legs if leg.flow != "dispute_release")
            if said != moved:
                sentence = f"command {first.command} answered {said} micros and moved {moved}"
                self._note(
                    Invariant.ANSWERS, first.command, Breach(sentence=sentence, owner=_owner(first.debit))
                )

    def _judge_split(self, first: _Leg, legs: Sequence[_Leg], said: Mapping[str, Any]) -> None:
        held = sum(leg.micros for leg in legs if leg.kind == "void")
        fee = sum(leg.micros for leg in legs if leg.flow == "fee")
        earned = sum(leg.micros for leg in legs if leg.flow == "earning")
        paid = [leg for leg in legs if leg.flow in ("fee", "earning")]
        promo = sum(leg.micros for leg in paid if leg.debit.startswith("client_promo:"))
        charge = said["charge_micros"]
        is_exact = (
            (fee, earned) == (said["fee_micros"], said["earned_micros"])
            and fee + earned == charge <= held
            and (promo, charge - promo) == (said["promo_micros"], said["cash_micros"])
        )
        if not is_exact:
            sentence = (
                f"{first.session} was charged {charge}, posted {earned} earned and {fee} fee of {held} held"
            )
            self._note(
                Invariant.SPLIT_IS_EXACT, first.command, Breach(sentence=sentence, owner=_owner(first.debit))
            )

    def _compare(self, connection: sqlite3.Connection, touched: set[str]) -> None:
        """Every account that moved, and the next stretch of all."""
        names = sorted(touched)
        for start in range(0, len(names), _SLICE):
            for row in connection.execute(_NAMED, (json.dumps(names[start : start + _SLICE]),)):
                self._compare_one(row)
        rows = connection.execute(_STRETCH, (self.stretch, STRETCH_MAX)).fetchall()
        for row in rows:
            self._compare_one(row)
        self.stretch = rows[-1]["id"] if len(rows) == STRETCH_MAX else ""

    def _compare_one(self, row: sqlite3.Row) -> None:
        name, said = row["id"], self.accounts.get(row["id"]) or _Counters()
        debits_pending, credits_pending = row["debits_pending"], row["credits_pending"]
        posted = row["debits_posted"] - said.debits_posted, row["credits_posted"] - said.credits_posted
        pending = debits_pending - said.debits_pending, credits_pending - said.credits_pending
        is_equal = posted == pending == (0, 0)
        self.sums.pop(name, None)
        if not is_equal:
            self.sums[name] = (posted[0] - posted[1], pending[0] - pending[1])
        self._set(Invariant.REPLAY, row, is_equal, "differs from the sum of its transfers")
        available = row["credits_posted"] - row["debits_posted"] - debits_pending
        is_covered = available >= 0 or not row["guarded"]
        self._set(Invariant.NO_OVERDRAFT, row, is_covered, f"is overdrawn by {-available} micros")
        is_held = (debits_pending, credits_pending) == self.held.get(name, (0, 0))
        self._set(Invariant.PENDING_IS_HOLDS, row, is_held, "has other pending counters than its holds say")

    def _judge_ends(self, settled: Iterable[str]) -> None:
        """Sessions that are settled and still have something set aside."""
        self.settled.update(settled)
        holding = {leg.session: leg for leg in self.open_holds.values()}
        self.settled &= {session for session in holding if session is not None}
        found = self.breaches.setdefault(Invariant.HOLDS_END_ONCE, {})
        for key in [key for key in found if key.startswith("open ")]:
            del found[key]
        for session in self.settled:
            sentence = f"a hold of {session} did not end when it was settled"
            found[f"open {session}"] = Breach(sentence=sentence, owner=_owner(holding[session].debit))

    def _judge_orders(self, connection: sqlite3.Connection, credited: Sequence[str]) -> None:
        since_ns = self.orders_wall_ns - _SLACK_NS
        rows = connection.execute(_FINISHED, (since_ns,)).fetchall()
        for start in range(0, len(credited), _SLICE):
            rows += connection.execute(_OF_COMMANDS, (json.dumps(credited[start : start + _SLICE]),))
        for row in rows:
            self.orders_wall_ns = max(self.orders_wall_ns, row["finished_wall_ns"] or 0)
            is_right = row["credited"] == (row["micros"] if row["state"] == "succeeded" else 0)
            about = f"is {row['state']} for {row['micros']}, credited {row['credited']}"
            breach = Breach(sentence=f"top-up {row['id']} {about}", owner=AccountId(row["account"]))
            self._put(Invariant.TOP_UPS, row["id"], breach, is_right=is_right)

    def _judge_refunds(self, connection: sqlite3.Connection, sessions: set[str]) -> None:
        if not sessions:
            return
        for row in connection.execute(_REFUNDED, (json.dumps(sorted(sessions)),)):
            sentence = f"{row['session']} had {row['refunded']} micros refunded of {row['charged']} charged"
            is_right = (row["refunded"] or 0) <= row["charged"]
            self._put(Invariant.REFUNDS, row["session"], Breach(sentence=sentence), is_right=is_right)

    def _findings(self) -> list[Finding]:
        posted = sum(difference for difference, _pending in self.sums.values())
        pending = sum(difference for _posted, difference in self.sums.values())
        return [
            balanced(Invariant.POSTED_BALANCE, posted),
            balanced(Invariant.PENDING_BALANCE, pending),
            *(counted(name, self._breaches(name)) for name in _COUNTED),
        ]

    def _breaches(self, name: Invariant) -> Iterator[Breach]:
        yield from self.breaches.get(name, {}).values()

    def _set(self, name: Invariant, row: sqlite3.Row, is_right: bool, what: str) -> None:
        found = self.breaches.get(name)
        if is_right and not found:
            return
        owner = AccountId(row["owner"]) if row["owner"] is not None else None
        self._put(name, row["id"], Breach(sentence=f"{row['id']} {what}", owner=owner), is_right=is_right)

    def _put(self, name: Invariant, key: str, breach: Breach, *, is_right: bool) -> None:
        if is_right:
            self.breaches.get(name, {}).pop(key, None)
        else:
            self._note(name, key, breach)

    def _note(self, name: Invariant, key: str, breach: Breach) -> None:
        self.breaches.setdefault(name, {})[key] = breach

    def _replace(self, name: Invariant, breaches: dict[str, Breach]) -> None:
        self.breaches[name] = breaches


def _owner(account: str) -> AccountId | None:
    """Whose account it is, by its name: `client_cash:acc_…`."""
    parts = account.split(":")
    return AccountId(parts[1]) if len(parts) > 1 else None


_COUNTED = (
    Invariant.NO_OVERDRAFT,
    Invariant.PENDING_IS_HOLDS,
    Invariant.HOLDS_END_ONCE,
    Invariant.SPLIT_IS_EXACT,
    Invariant.REPLAY,
    Invariant.TOP_UPS,
    Invariant.REFUNDS,
    Invariant.CLEARING,
    Invariant.ANSWERS,
)
