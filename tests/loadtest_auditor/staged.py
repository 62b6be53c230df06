"""A small staged world whose right answers are known by hand, and a database in which anything can be forged.

Decides the rows and the truth of one call of given length between `acc_c` and `acc_p`.
Never runs the gateway; the tests change single rows and expect single complaints.
Keeps true: unchanged, it is clean.
"""

import hashlib
import json
import sqlite3
import struct
from collections.abc import Callable
from typing import Any

from loadtest.auditor import Auditor, Verdict, truth
from loadtest.auditor.entries import ACCEPTED, RESTART, START, STOP, genesis, last_head
from loadtest.auditor.price import cost, split, to_minor

NS = 1_000_000_000
BEGIN_S = 100
WALL_NS = 1_790_000_000 * NS
TABLES = """
CREATE TABLE ledger_account (id TEXT, chart TEXT, owner TEXT, expires_wall_ns INTEGER,
    debits_pending INTEGER, debits_posted INTEGER, credits_pending INTEGER, credits_posted INTEGER);
CREATE TABLE ledger_command (id TEXT, name TEXT, session TEXT, answer TEXT, at_wall_ns INTEGER);
CREATE TABLE ledger_transfer (seq INTEGER PRIMARY KEY, id TEXT, command_id TEXT, kind TEXT, flow TEXT,
    debit_account TEXT, credit_account TEXT, micros INTEGER, ends_id TEXT, session TEXT, hold TEXT,
    at_wall_ns INTEGER);
CREATE TABLE top_up_order (id TEXT, account TEXT, micros INTEGER, state TEXT, command_id TEXT);
CREATE TABLE sessions (id TEXT, state TEXT, end_reason TEXT, seq INTEGER, epoch INTEGER, kind TEXT);
CREATE TABLE session_transitions (session TEXT, seq INTEGER, epoch INTEGER, state TEXT, reason TEXT);
CREATE TABLE receipts (session TEXT, receipt BLOB, evidence BLOB);
"""
WAY = ("created", "ringing", "accepted", "connecting", "metering", "ending", "rated", "settled")
SLOT = struct.Struct(">BBBBBBBBHIQQIIIIIIII")
ANCHOR = struct.Struct(">BBBBIQQ16s")


def terms(**changes: Any) -> dict[str, Any]:
    """3.00 a minute by the second."""
    return {
        "version": 2,
        "kind": "per_second",
        "currency": "CNY",
        "tiers": [{"from_s": 0, "price_micros_per_minute": 3_000_000}],
        "connect_fee_micros": 0,
        "free_s": 0,
        "initial_block_s": 0,
        "increment_s": 1,
        "rounding": "down",
        "minimum_micros": 0,
        "cap_micros": None,
        "free_if_ended_within_s": 10,
    } | changes


def slot(tick: int, end_s: int, *, finding: int = 0, **changes: int) -> bytes:
    """One second's entry."""
    field = {"media": 3, "app": 3, "suspended": 0, "period": 0, "clocks": 0, "messages": 0} | changes
    head = (
        0x53,
        2,
        finding,
        field["media"],
        field["app"],
        field["suspended"],
        field["period"],
        field["clocks"],
    )
    return SLOT.pack(*head, field["messages"], tick, end_s * NS, WALL_NS + end_s * NS, *[0] * 8)


def anchor(kind: int, at_s: int, *, after_tick: int = 0, reason: int = 0) -> bytes:
    """A start, a stop or the like."""
    return ANCHOR.pack(0x41, 2, kind, reason, after_tick, at_s * NS, WALL_NS + at_s * NS, b"b" * 16)


class Staged:
    """One world with one call, and whoever audits it."""

    def __init__(
        self, *, seconds: int = 30, tariff: dict[str, Any] | None = None, name: str = "ses_1"
    ) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(TABLES)
        self.auditor = Auditor(self.query)
        self.name = name
        self.seconds = seconds
        self.tariff = tariff or terms()
        self.entries = [anchor(ACCEPTED, BEGIN_S - 5), anchor(START, BEGIN_S)]
        self.entries += [slot(tick, BEGIN_S + tick) for tick in range(1, seconds + 1)]
        self.entries.append(anchor(STOP, BEGIN_S + seconds, after_tick=seconds, reason=1))
        self.changes: dict[str, Any] = {}
        """What the receipt says otherwise."""
        self.end_reason = "hangup_client"
        self.way: tuple[str, ...] = WAY
        self.holds: list[tuple[str, str, int]] = []
        """(id, account, micros) of what was set aside."""
        self._seq = 0

    def query(self, text: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """What the auditor asks."""
        return self.connection.execute(text, values).fetchall()

    # Truth

    def tell(self, *events: truth.Event) -> None:
        """Let the auditor hear."""
        for event in events:
            self.auditor.hear(event)

    def told(self) -> "Staged":
        """A call in which everything goes well, from just before 100 s on."""
        name, begin = self.name, BEGIN_S * NS
        self.tell(
            truth.GatewayUp(at_ns=NS, owner="g", wall_ns=WALL_NS + NS, boot="b"),
            truth.Asked(
                at_ns=begin - 8 * NS, session=name, client="acc_c", provider="acc_p", kind="voice",
                tariff=self.tariff, fee_bp=2_000, duration_s_max=14_400, slot_ends_wall_ns=None,
            ),
            truth.Accepted(at_ns=begin - 5 * NS, session=name, wall_ns=WALL_NS + begin - 5 * NS),
        )  # fmt: skip
        for side in ("client", "provider"):
            for plane in ("rtp", "path"):
                self.flow(side, plane, begin - 2_400_000_000, is_on=True)
            self.tell(truth.Confirmed(at_ns=begin - NS // 2, session=name, side=side))
        return self

    def flow(self, side: str, plane: str, at_ns: int, *, is_on: bool) -> None:
        """Packets begin or end."""
        self.tell(truth.Flow(at_ns=at_ns, session=self.name, side=side, plane=plane, is_on=is_on))

    def acked(self, first: int, last: int, *, late_ns: int = NS // 5, side: str = "both") -> "Staged":
        """The apps acknowledge those ticks soon after they end."""
        for tick in range(first, last + 1):
            for each in ("client", "provider") if side == "both" else (side,):
                at_ns = (BEGIN_S + tick) * NS + late_ns
                self.tell(truth.Acked(at_ns=at_ns, session=self.name, side=each, tick=tick))
        return self

    def stopped(self) -> "Staged":
        """The client hangs up half a second after the last whole one."""
        at_ns = (BEGIN_S + self.seconds) * NS + NS // 2
        self.tell(truth.Stopped(at_ns=at_ns, session=self.name, reason="hangup_client"))
        return self

    # Money

    def account(self, name: str, *, expires_wall_ns: int | None = None) -> str:
        """Open an account, once."""
        chart, _, owner = name.partition(":")
        if not self.query("SELECT 1 FROM ledger_account WHERE id = ?", (name,)):
            values = (name, chart, owner.partition("/")[0] or None, expires_wall_ns)
            self.connection.execute("INSERT INTO ledger_account VALUES (?, ?, ?, ?, 0, 0, 0, 0)", values)
        return name

    def command(
        self,
        name: str,
        legs: list[tuple[Any, ...]],
        *,
        session: str | None = None,
        answer: dict[str, int] | None = None,
    ) -> list[str]:
        """One command of (kind, flow, debit, credit, micros, ends) legs; the counters follow."""
        command_id = f"{name}-{self._seq}"
        body = (command_id, name, session, json.dumps(answer or {}), WALL_NS + self._seq)
        self.connection.execute("INSERT INTO ledger_command VALUES (?, ?, ?, ?, ?)", body)
        ids = []
        for kind, flow, debit, credit, micros, *ends in legs:
            self._seq += 1
            self.account(debit)
            self.account(credit)
            row = (self._seq, f"t{self._seq}", command_id, kind, flow, debit, credit, micros)
            rest = (ends[0] if ends else None, session, None, WALL_NS + self._seq)
            self.connection.execute(
                "INSERT INTO ledger_transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row + rest
            )
            signs = {"pending": (1, 0), "void": (-1, 0), "posted": (0, 1), "post": (-1, 1)}[kind]
            self._count(debit, "debits", micros, signs)
            self._count(credit, "credits", micros, signs)
            ids.append(f"t{self._seq}")
        self.auditor.committed()
        return ids

    def _count(self, account: str, side: str, micros: int, signs: tuple[int, int]) -> None:
        self.connection.execute(
            f"UPDATE ledger_account SET {side}_pending = {side}_pending + ?, {side}_posted = {side}_posted + ?"
            " WHERE id = ?",
            (signs[0] * micros, signs[1] * micros, account),
        )

    def top_up(self, micros: int, *, key: str = "pay_1") -> None:
        """Money comes in, and the truth says so."""
        self.command("top_up", [("posted", "top_up", "processor_clearing", "client_cash:acc_c", micros)])
        self.tell(truth.MoneyMeant(at_ns=2 * NS, flow="top_up", account="acc_c", key=key, micros=micros))

    def hold(self, micros: int, account: str = "client_cash:acc_c") -> str:
        """Set money aside for the call."""
        legs = [("pending", "hold", account, "holds_control", micros)]
        answer = {"placed_micros": micros}
        name = self.command("hold", legs, session=self.name, answer=answer)[0]
        self.holds.append((name, account, micros))
        return name

    def settle(self, *, extra_micros: int = 0) -> int:
        """Move the session to its end, void its holds and post the charge."""
        charge = self.charge() + extra_micros
        fee, earned = split(charge, 2_000)
        legs: list[tuple[Any, ...]] = [
            *(
                ("void", "release", account, "holds_control", micros, name)
                for name, account, micros in self.holds
            ),
            ("posted", "earning", "client_cash:acc_c", "provider_pending:acc_p", earned),
            ("posted", "fee", "client_cash:acc_c", "platform_fee", fee),
        ]
        answer = {
            "charge_micros": charge,
            "promo_micros": 0,
            "cash_micros": charge,
            "fee_micros": fee,
            "earned_micros": earned,
        }
        self.session()
        self.command("settle", [leg for leg in legs if leg[4]], session=self.name, answer=answer)
        return charge

    def charge(self) -> int:
        """What the entries' counted seconds cost."""
        return to_minor(cost(self.tariff, [(0, self.counted(0) + self.counted(1))]), "CNY")

    def counted(self, finding: int) -> int:
        """Slots of one finding."""
        return sum(1 for entry in self.entries if entry[0] == 0x53 and entry[2] == finding)

    # Papers

    def session(self) -> None:
        """The session's row and its moves."""
        last = (self.name, self.way[-1], self.end_reason, len(self.way), 1, "voice")
        self.connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)", last)
        for number, state in enumerate(self.way, 1):
            reason = self.end_reason if state in ("ending", "rated", "settled") else None
            self.connection.execute(
                "INSERT INTO session_transitions VALUES (?, ?, 1, ?, ?)", (self.name, number, state, reason)
            )

    def receipt(self, charge: int) -> None:
        """The receipt and its evidence."""
        canonical = json.dumps(self.tariff, sort_keys=True, separators=(",", ":"))
        tariff_hash = hashlib.sha256(canonical.encode()).hexdigest()
        first = genesis((self.name, "acc_c", "acc_p", "voice", tariff_hash, "n1", "n2"), version=1)
        fee, earned = split(charge, 2_000)
        body = {
            "session": self.name,
            "kind": "voice",
            "client": {"id": "acc_c"},
            "provider": {"id": "acc_p"},
            "tariff": self.tariff,
            "tariff_hash": tariff_hash,
            "nonces": ["n1", "n2"],
            "billed_s": self.counted(0),
            "free_s": self.counted(1),
            "paused_s": self.counted(2),
            "unwitnessed_s": self.counted(3),
            "gaps": [],
            "lines": [{"code": "time", "amount_micros": charge}],
            "currency": "CNY",
            "charge_micros": charge,
            "promo_micros": 0,
            "cash_micros": charge,
            "fee_bp": 2_000,
            "fee_micros": fee,
            "earned_micros": earned,
            "grade": "A",
            "end_reason": self.end_reason,
            "evidence_head": last_head(first, self.entries).hex(),
        } | self.changes
        bundle = {"version": 2, "session": self.name, "entries": [entry.hex() for entry in self.entries]}
        row = (self.name, json.dumps(body).encode(), json.dumps(bundle).encode())
        self.connection.execute("INSERT INTO receipts VALUES (?, ?, ?)", row)

    def close(self) -> Verdict:
        """The audit's end."""
        return self.auditor.close()


def staged(
    *,
    seconds: int = 30,
    tell: Callable[[Staged], object] | None = None,
    forge: Callable[[Staged], object] | None = None,
    **others: Any,
) -> Verdict:
    """A whole world: the truth as `tell` tells it (all well by default), the papers as `forge` changes them."""
    world = Staged(seconds=seconds, **others).told()
    world.top_up(20_000_000)
    world.hold(3_000_000)
    if tell is None:
        world.acked(1, seconds)
    else:
        tell(world)
    world.stopped()
    if forge is not None:
        forge(world)
    world.receipt(world.settle())
    return world.close()


def restarted(world: Staged, *, after: int, at_s: int) -> None:
    """The evidence of a call that went on at `at_s`, after so many seconds of it."""
    left = world.seconds - after
    world.entries = world.entries[: 2 + after]
    world.entries.append(anchor(RESTART, at_s, after_tick=after))
    world.entries += [slot(after + each, at_s + each) for each in range(1, left + 1)]
    world.entries.append(anchor(STOP, at_s + left, after_tick=world.seconds, reason=1))
